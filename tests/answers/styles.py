"""The same literal in several notations, and what the answers of several chapters share."""

import numpy as np


def key_of(name):
    return lambda p: next(k for k, v in p.keys.items() if v == name)


def keys_of(*names):
    return lambda p: [key_of(name)(p) for name in names]


def styles(literal):
    """A matrix or vector as an array, as nested lists, as float32, as strings of digits where the tolerance allows."""
    return [literal, lambda p: np.asarray(literal(p), float), lambda p: np.asarray(literal(p), float).tolist()]


def words(keys):
    """An order as one string, with commas, as a list."""
    return [lambda p: " ".join(keys(p)), lambda p: ", ".join(keys(p)), lambda p: list(keys(p))]


def letter(name):
    return [key_of(name), lambda p: key_of(name)(p).upper(), lambda p: [key_of(name)(p)]]
