"""The chain rule, three ways: a product, a sum over paths, a product of Jacobians.

Maps and Jacobians are listed as they are written, outermost first: f(g(x)) is compose(f, g), its Jacobian J_f J_g.
A graph of intermediates is a dict {(from, to): local derivative}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, reduce
from itertools import pairwise
from math import prod
from operator import itemgetter, matmul
from string import ascii_uppercase
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import matrix

Edges: TypeAlias = Mapping[tuple[str, str], float]
Shape: TypeAlias = tuple[int, int]
Order: TypeAlias = "int | tuple[Order, Order]"  # ((0, 1), 2) is (A B) C


def compose(*maps: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The map that applies ``maps`` one after the other, the last one first.

    >>> compose(np.sqrt, np.negative)(-9.0)     # sqrt(-x)
    np.float64(3.0)
    """
    return lambda x: reduce(lambda value, f: f(value), reversed(maps), x)


def chain_jacobian(*jacobians: ArrayLike) -> np.ndarray:
    """Jacobian of a composition: the product of the Jacobians, outermost first.

    jacobians : (m, k), (k, l), ..., (p, n), each taken at the point where its map is applied
    Returns J : (m, n)
    Raises : ValueError when neighbours do not fit.

    >>> chain_jacobian([[1, 2, 3]], [[1, 0], [0, 1], [1, 1]])
    array([[4., 5.]])
    """
    J = [matrix(f"jacobians[{i}]", jacobian) for i, jacobian in enumerate(jacobians)]
    _check_fit([jacobian.shape for jacobian in J])
    return reduce(matmul, J)  # (5.3)


def _check_fit(shapes: Sequence[tuple[int, ...]]) -> None:
    """Refuse matrices that cannot be multiplied in this order."""
    if not shapes:
        raise ValueError("a product must have at least one matrix, got none; try np.eye(n) for the identity")
    for i, (left, right) in enumerate(pairwise(shapes)):
        if left[1] != right[0]:
            raise ValueError(
                f"matrix {i} must have as many columns as matrix {i + 1} has rows, got {left} and {right}; "
                f"try them outermost first"
            )


def paths(edges: Edges, start: str, end: str) -> list[tuple[str, ...]]:
    """All paths from ``start`` to ``end``, in the order of the edges.

    >>> paths({("x", "u"): 2.0, ("x", "v"): 3.0, ("u", "y"): 5.0, ("v", "y"): 7.0}, "x", "y")
    [('x', 'u', 'y'), ('x', 'v', 'y')]
    """
    nodes = list(dict.fromkeys(node for edge in edges for node in edge))
    for name, node in (("start", start), ("end", end)):
        if node not in nodes:
            raise ValueError(f"{name} must be a node of the graph, got {node!r}; try one of {', '.join(nodes)}")
    return list(_extensions(edges, (start,), end))


def _extensions(edges: Edges, path: tuple[str, ...], end: str) -> Iterator[tuple[str, ...]]:
    """All ways on from the last node of ``path``."""
    if path[-1] == end:
        yield path
        return
    for source, target in edges:
        if source == path[-1]:
            if target in path:
                raise ValueError(f"edges must have no cycle, got one at {target!r}; try removing {(source, target)}")
            yield from _extensions(edges, (*path, target), end)


def path_product(edges: Edges, path: Sequence[str]) -> float:
    """Product of the local derivatives along one path.

    >>> path_product({("x", "u"): 2.0, ("u", "y"): 5.0}, ("x", "u", "y"))
    10.0
    """
    for edge in pairwise(path):
        if edge not in edges:
            raise ValueError(f"path must follow the edges of the graph, got the step {edge}; try a path of paths()")
    return prod(edges[edge] for edge in pairwise(path))  # (5.1)


def sum_over_paths(edges: Edges, start: str, end: str) -> float:
    """Derivative of ``end`` along ``start``: the products along all paths, added up.

    >>> sum_over_paths({("x", "u"): 2.0, ("x", "v"): 3.0, ("u", "y"): 5.0, ("v", "y"): 7.0}, "x", "y")
    31.0
    """
    return sum(path_product(edges, path) for path in paths(edges, start, end))  # (5.4)


def multiplications(shapes: Sequence[Shape], order: Order) -> int:
    """Scalar multiplications of a product of matrices in a given order: m k n for every (m, k) times (k, n).

    shapes : of the matrices, outermost first
    order : nested pairs of positions, as the brackets stand: ((0, 1), 2) is (A B) C

    >>> shapes = [(1, 9), (9, 9), (9, 9)]
    >>> multiplications(shapes, ((0, 1), 2)), multiplications(shapes, (0, (1, 2)))
    (162, 810)
    """
    _check_fit(shapes)
    return _product(shapes, order)[1]


def _product(shapes: Sequence[Shape], order: Order) -> tuple[Shape, int]:
    """Shape of a bracket and the multiplications in it."""
    if isinstance(order, int):
        return shapes[order], 0
    ((m, k), left), ((_, n), right) = (_product(shapes, part) for part in order)
    return (m, n), left + right + m * k * n


def bracketings(shapes: Sequence[Shape], names: Sequence[str] = ascii_uppercase) -> list[tuple[str, int]]:
    """Every way to bracket a product of matrices, with its multiplications, the cheapest first.

    There are 1, 2, 5, 14, 42, ... of them (Catalan numbers); beyond a dozen matrices only ``cheapest_bracketing`` ends.

    >>> bracketings([(1, 9), (9, 9), (9, 9)])
    [('(A B) C', 162), ('A (B C)', 810)]
    """
    _check_fit(shapes)
    counts = [(_text(order, names), _product(shapes, order)[1]) for order in _orders(0, len(shapes))]
    return sorted(counts, key=itemgetter(1))


def _orders(start: int, stop: int) -> list[Order]:
    """All bracketings of the matrices start, ..., stop - 1."""
    if stop - start == 1:
        return [start]
    splits = range(start + 1, stop)
    return [(left, right) for k in splits for left in _orders(start, k) for right in _orders(k, stop)]


def _text(order: Order, names: Sequence[str]) -> str:
    """The bracketing as it is written, without the outermost pair."""
    if isinstance(order, int):
        return names[order]
    return " ".join(_text(part, names) if isinstance(part, int) else f"({_text(part, names)})" for part in order)


def cheapest_bracketing(shapes: Sequence[Shape], names: Sequence[str] = ascii_uppercase) -> tuple[str, int]:
    """The bracketing with the fewest multiplications, and their number; found from the cheapest of all its parts.

    >>> cheapest_bracketing([(1, 9), (9, 9), (9, 9)])       # a scalar output: start at the output
    ('(A B) C', 162)
    >>> cheapest_bracketing([(9, 9), (9, 9), (9, 1)])       # a scalar input: start at the input
    ('A (B C)', 162)
    """
    _check_fit(shapes)

    @cache
    def best(start: int, stop: int) -> tuple[int, Order]:
        if stop - start == 1:
            return 0, start
        parts = [(best(start, k), best(k, stop), shapes[k][0]) for k in range(start + 1, stop)]
        m, n = shapes[start][0], shapes[stop - 1][1]
        return min(((a + b + m * k * n, (left, right)) for (a, left), (b, right), k in parts), key=itemgetter(0))

    count, order = best(0, len(shapes))
    return _text(order, names), count
