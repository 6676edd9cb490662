"""Right answers to the exercises of chapter 05, in other styles."""

import numpy as np

from tests.answers.styles import keys_of, letter, styles, words


def composed_by_loops(f, J_f, g, J_g, x):
    A, B = J_g(f(x)), J_f(x)
    return [[sum(A[i, k] * B[k, j] for k in range(B.shape[0])) for j in range(B.shape[1])] for i in range(A.shape[0])]


def composed_by_columns(f, J_f, g, J_g, x):
    h = f(x)
    return np.stack([J_g(h).dot(column) for column in J_f(x).T], axis=1)


def composed_by_einsum(inner, J_inner, outer, J_outer, at):
    return np.einsum("ik,kj->ij", J_outer(inner(at)), J_inner(at))


def walk(p):
    """Depth first, with a set."""
    found, stack = set(), [("x2",)]
    while stack:
        way = stack.pop()
        if way[-1] == "y1":
            found.add(" > ".join(way))
        stack += [(*way, b) for a, b in p.edges if a == way[-1]]
    return found


ANSWERS = {
    "paths-all": [walk, lambda p: sorted(walk(p)), lambda p: [way.replace(" ", "") for way in walk(p)]],
    "chain-scalar": styles(lambda p: [p.a, 2 * (p.a * p.x + p.b), -p.c, -2 * p.a * p.c * (p.a * p.x + p.b)]),
    "factors-order": words(keys_of(4, 3, 2, 1)),
    "compose-jacobians": [composed_by_loops, composed_by_columns, composed_by_einsum],
    "bracketing": letter("((J4 J3) J2) J1"),
}
