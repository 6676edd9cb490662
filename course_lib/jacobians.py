"""The Jacobian holds the slope of every output along every input: J[i, j] = dy_i/dx_j, shape (m, n)   (4.1)

The numerical one works for any map; the others belong to the maps that networks are made of.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import floating, matrix, one_of, positive_integer, vector
from course_lib.activations import dsoftmax

ENTRIES_PER_CALL = 2**17  # 1 MB of perturbed inputs: bounds the memory at no cost in speed

Map = Callable[[np.ndarray], np.ndarray]


def numerical_jacobian(
    f: Callable[[np.ndarray], ArrayLike],
    x: ArrayLike,
    h: float | None = None,
    method: str = "central",
    batched: bool = False,
) -> np.ndarray:
    """Jacobian of ``f`` at ``x`` from its values alone.

    x : (n,) point, in the units of the inputs      f : (n,) -> (m,), or to a number (m = 1)
    h : step, in the units of x; by default the one of the method, times max(1, abs(x_j)) for input j
    method : its formula, the points where it evaluates f, its default h and what this leaves, in float64 near 1

        "forward"   (f(x + h) - f(x)) / h            n + 1   1.5e-8   truncation ~ h,   rounding ~ 1e-16/h
        "central"   (f(x + h) - f(x - h)) / (2 h)    2 n     6.1e-6   truncation ~ h^2, rounding ~ 1e-16/h
        "complex"   Im f(x + i h) / h                n       1e-20    neither; f must follow complex numbers

    batched : True when f takes K points as columns, (n, K) -> (m, K); then a few large calls replace many small ones
    Returns J : (m, n), J[i, j] = dy_i/dx_j, in units of y per unit of x.
    Raises : TypeError, ValueError when x, h or what f gives is not as above.
    Source : Nocedal & Wright, Numerical Optimization, 2nd ed., section 8.1; Squire & Trapp, SIAM Review 40 (1998) 110.

    >>> numerical_jacobian(lambda x: np.array([x[0] * x[1], x[0]]), [2, 3]).round(6)
    array([[3., 2.],
           [1., 0.]])
    """
    x = vector("x", x)
    method = one_of("method", method, _RISES)
    steps = _steps(x, h, method)
    rise = _RISES[method](_on_columns(f if batched else _one_by_one(f)), x[:, None])
    K = max(1, ENTRIES_PER_CALL // x.size)
    slabs = [slice(j, j + K) for j in range(0, x.size, K)]
    return np.concatenate([rise(_nudges(steps, slab)) / steps[slab] for slab in slabs], axis=1)


def _steps(x: np.ndarray, h: float | None, method: str) -> np.ndarray:
    """The step of every input, in the precision of x."""
    if h is None:
        eps = float(np.finfo(x.dtype).eps)
        h = {"forward": eps ** (1 / 2), "central": eps ** (1 / 3), "complex": 1e-20}[method] * np.maximum(1, abs(x))
    elif not h > 0:
        raise ValueError(f"h must be a positive step, got {h}; try h=None for the default of the method")
    return np.full(x.shape, h, dtype=x.dtype)


def _nudges(h: np.ndarray, slab: slice) -> np.ndarray:
    """Columns d, each with the step of one input of the slab in its place and zeros else; stored column by column."""
    return np.eye(h.size, h[slab].size, -slab.start, dtype=h.dtype, order="F") * h[slab]


def _forward(f: Map, x: np.ndarray) -> Map:
    y = f(x.copy()).copy()  # f may change its input, or give one buffer again and again
    return lambda d: f(x + d) - y


def _central(f: Map, x: np.ndarray) -> Map:
    def rise(d: np.ndarray) -> np.ndarray:
        y = f(np.hstack([x + d, x - d]))
        K = d.shape[1]
        return (y[:, :K] - y[:, K:]) / 2

    return rise


def _complex(f: Map, x: np.ndarray) -> Map:
    def rise(d: np.ndarray) -> np.ndarray:
        y = f(x + 1j * d)
        if not np.iscomplexobj(y):
            raise TypeError(f"f must give complex values for complex inputs, got dtype {y.dtype}; try method='central'")
        return y.imag

    return rise


_RISES = {"forward": _forward, "central": _central, "complex": _complex}


def _on_columns(f: Callable[[np.ndarray], ArrayLike]) -> Map:
    """``f`` with its values checked, (n, K) -> (m, K); K numbers are one row."""

    def checked(X: np.ndarray) -> np.ndarray:
        Y = floating("f(x)", f(X))
        if Y.ndim > 2 or Y.shape[-1:] != X.shape[1:]:
            K = X.shape[1]
            raise ValueError(f"f must give (m, {K}) for {K} columns {X.shape}, got shape {Y.shape}; try batched=False")
        return np.atleast_2d(Y)

    return checked


def _one_by_one(f: Callable[[np.ndarray], ArrayLike]) -> Map:
    """Columns for a map of one vector at a time; np.array copies, for the reason above."""

    def each(X: np.ndarray) -> np.ndarray:
        values = [np.array(f(x)) for x in X.T]
        if values[0].ndim > 1:
            raise ValueError(f"f(x) must be a vector (m,) or a number, got shape {values[0].shape}; try f(x).ravel()")
        return np.stack(values, axis=-1)

    return each


def affine_jacobian(W: ArrayLike) -> np.ndarray:
    """Jacobian of x -> W x + b at any x: the matrix W itself, (m, n).

    >>> affine_jacobian([[1, 2, 0]])
    array([[1., 2., 0.]])
    """
    return matrix("W", W).copy()  # (4.2)


def elementwise_jacobian(derivative: Callable[[np.ndarray], np.ndarray], x: ArrayLike) -> np.ndarray:
    """Jacobian of a map that acts on each entry alone: its derivatives on the diagonal, (n, n).

    derivative : the derivative of the map, (n,) -> (n,)      x : (n,) point

    >>> elementwise_jacobian(np.cos, [0, np.pi])
    array([[ 1.,  0.],
           [ 0., -1.]])
    """
    return np.diag(derivative(vector("x", x)))  # (4.3)


def softmax_jacobian(x: ArrayLike) -> np.ndarray:
    """Jacobian of softmax at x: diag(s) - s s^T with s = softmax(x), (n, n).

    Symmetric; its rows add up to 0, because adding one number to every logit changes nothing.

    >>> softmax_jacobian([0, 0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    return dsoftmax(vector("x", x))  # (4.4)


def sum_jacobian(n: int) -> np.ndarray:
    """Jacobian of x -> x_1 + ... + x_n: a row of ones, (1, n).

    >>> sum_jacobian(3)
    array([[1., 1., 1.]])
    """
    return np.ones((1, positive_integer("n", n)))  # (4.5)


def fork_jacobian(n: int, copies: int = 2) -> np.ndarray:
    """Jacobian of x -> (x, x, ...): identities stacked, (copies * n, n). Its transpose adds up what comes back.

    >>> fork_jacobian(2)
    array([[1., 0.],
           [0., 1.],
           [1., 0.],
           [0., 1.]])
    """
    return np.tile(np.eye(positive_integer("n", n)), (positive_integer("copies", copies), 1))  # (4.6)


def weight_jacobian(a: ArrayLike, m: int) -> np.ndarray:
    """Jacobian of W -> z = W a + b, where W (m, n) is read row by row: dz_i/dW_ik = a_k, all else 0.

    a : (n,) input of the layer      m : number of outputs
    Returns dz/dW : (m, m * n)

    >>> weight_jacobian([5, 7], 2)
    array([[5., 7., 0., 0.],
           [0., 0., 5., 7.]])
    """
    return np.kron(np.eye(positive_integer("m", m)), vector("a", a))  # (4.7)
