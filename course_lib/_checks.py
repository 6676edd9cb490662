"""Checks of what comes in. A message says what was expected, what came, and what to try."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike


def floating(name: str, value: ArrayLike) -> np.ndarray:
    """``value`` as an array of floats: integers become float64; float32, float64 and complex stay as they are."""
    array = np.asarray(value)
    if array.dtype.kind in "fc":
        return array
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}; try np.asarray({name}, dtype=float)")


def real(name: str, value: ArrayLike) -> np.ndarray:
    """``value`` as an array of real floats."""
    array = floating(name, value)
    if array.dtype.kind == "c":
        raise TypeError(f"{name} must be real, got dtype {array.dtype}; try {name}.real")
    return array


def vector(name: str, value: ArrayLike) -> np.ndarray:
    """``value`` as a real vector, shape (n,) with n >= 1."""
    array = real(name, value)
    if array.ndim != 1:
        raise ValueError(f"{name} must be a vector of shape (n,), got shape {array.shape}; try {name}.ravel()")
    if array.size == 0:
        raise ValueError(f"{name} must have at least one entry, got shape (0,); try np.zeros(1)")
    return array


def matrix(name: str, value: ArrayLike) -> np.ndarray:
    """``value`` as a real matrix, shape (m, n)."""
    array = real(name, value)
    if array.ndim != 2:
        raise ValueError(f"{name} must be a matrix of shape (m, n), got shape {array.shape}; try {name}.reshape(1, -1)")
    return array


def columns(name: str, value: ArrayLike) -> np.ndarray:
    """``value`` as floats, one column (n,) or N columns (n, N)."""
    array = floating(name, value)
    if array.ndim not in (1, 2):
        raise ValueError(
            f"{name} must be one column (n,) or N columns (n, N), got shape {array.shape}; try {name}.reshape(n, -1)"
        )
    return array


def positive_integer(name: str, value: int) -> int:
    """``value`` as a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}; try int({name})")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}; try 1")
    return int(value)


def one_of(name: str, value: str, choices: Collection[str]) -> str:
    """``value``, which must be one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}; try {min(choices)!r}")
    return value
