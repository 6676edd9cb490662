"""Activation functions, each beside its derivative.

Every function takes z of any shape (softmax: columns) and keeps its precision: float32 stays float32, integers become
float64, complex input is followed for the complex step, where a case distinction looks at the real part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import columns, floating


def identity(z: ArrayLike) -> np.ndarray:
    """z itself: no activation.

    >>> identity([-1, 2])
    array([-1.,  2.])
    """
    return floating("z", z)


def didentity(z: ArrayLike) -> np.ndarray:
    """Derivative of ``identity``: 1 everywhere.

    >>> didentity([-1, 2])
    array([1., 1.])
    """
    return np.ones_like(floating("z", z))


def sigmoid(z: ArrayLike) -> np.ndarray:
    """1 / (1 + exp(-z)), without overflow: only exp of numbers that are not positive is taken.

    Error  : relative, a few units in the last place, in both tails.

    >>> sigmoid([-1000, 0, 1000])
    array([0. , 0.5, 1. ])
    """
    z = floating("z", z)
    e = np.exp(np.where(z.real < 0, z, -z))
    return np.where(z.real < 0, e, 1) / (1 + e)


def dsigmoid(z: ArrayLike) -> np.ndarray:
    """Derivative of ``sigmoid``: sigmoid(z) (1 - sigmoid(z)), at most 1/4.

    >>> dsigmoid([-1000, 0, 1000])
    array([0.  , 0.25, 0.  ])
    """
    s = sigmoid(z)
    return s * (1 - s)


def tanh(z: ArrayLike) -> np.ndarray:
    """Hyperbolic tangent, 2 sigmoid(2 z) - 1.

    >>> tanh([-1000, 0, 1000])
    array([-1.,  0.,  1.])
    """
    return np.tanh(floating("z", z))


def dtanh(z: ArrayLike) -> np.ndarray:
    """Derivative of ``tanh``: 1 - tanh(z)^2, at most 1.

    >>> dtanh([-1000, 0, 1000])
    array([0., 1., 0.])
    """
    return 1 - tanh(z) ** 2


def relu(z: ArrayLike) -> np.ndarray:
    """max(z, 0).

    >>> relu([-2, 0, 3])
    array([0., 0., 3.])
    """
    z = floating("z", z)
    return np.where(z.real <= 0, 0, z)


def drelu(z: ArrayLike) -> np.ndarray:
    """Derivative of ``relu``: 1 for z > 0, else 0. At the kink z = 0, where no derivative exists, it is 0 by choice.

    >>> drelu([-2, 0, 3])
    array([0., 0., 1.])
    """
    z = floating("z", z)
    return (z.real > 0).astype(z.dtype)


def leaky_relu(z: ArrayLike, slope: float = 0.01) -> np.ndarray:
    """z for z > 0, else slope * z.

    >>> leaky_relu([-2, 0, 3])
    array([-0.02,  0.  ,  3.  ])
    """
    z = floating("z", z)
    return np.where(z.real > 0, z, slope * z)


def dleaky_relu(z: ArrayLike, slope: float = 0.01) -> np.ndarray:
    """Derivative of ``leaky_relu``: 1 for z > 0, else slope (at the kink z = 0, too).

    >>> dleaky_relu([-2, 0, 3])
    array([0.01, 0.01, 1.  ])
    """
    z = floating("z", z)
    return np.where(z.real > 0, 1, slope).astype(z.dtype)


def softplus(z: ArrayLike) -> np.ndarray:
    """log(1 + exp(z)), a smooth ReLU, without overflow.

    >>> softplus([-1000, 0, 5]).round(4)
    array([0.    , 0.6931, 5.0067])
    """
    z = floating("z", z)
    return np.where(z.real > 0, z, 0) + np.log1p(np.exp(np.where(z.real > 0, -z, z)))


def dsoftplus(z: ArrayLike) -> np.ndarray:
    """Derivative of ``softplus``: the sigmoid.

    >>> dsoftplus([-1000, 0, 1000])
    array([0. , 0.5, 1. ])
    """
    return sigmoid(z)


def softmax(z: ArrayLike) -> np.ndarray:
    """exp(z_i) / sum_k exp(z_k) in every column.

    z : (n,) one column of logits, or (n, N)
    Returns s of the shape of z: positive, each column adds up to 1.
    Error  : none from large logits; the largest is taken off first, which leaves s as it is.

    >>> softmax([1000, 1000, 0])
    array([0.5, 0.5, 0. ])
    """
    z = columns("z", z)
    e = np.exp(z - z.real.max(axis=0))
    return e / e.sum(axis=0)


def dsoftmax(z: ArrayLike) -> np.ndarray:
    """Jacobian of ``softmax``, one for every column: each output depends on every input.

    z : (n,) or (n, N)
    Returns J : (n, n) or (n, n, N), J[i, j] = ds_i/dz_j = s_i (1[i = j] - s_j).

    >>> dsoftmax([0, 0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    s = softmax(z)
    diagonal = np.einsum("ij,j...->ij...", np.eye(len(s), dtype=s.dtype), s)
    return diagonal - s[:, None] * s[None, :]  # (4.4)


@dataclass(frozen=True)
class Activation:
    """A row of the table: the function, its derivative, and both as they stand on the blackboard (LaTeX).

    ``derivative(z)`` has the shape of z; softmax alone is not element-wise, and its gives Jacobians (``dsoftmax``).

    >>> ACTIVATIONS["tanh"].derivative([0, 1000])
    array([1., 0.])
    """

    name: str
    function: Callable[[ArrayLike], np.ndarray]
    derivative: Callable[[ArrayLike], np.ndarray]
    formula: str
    derivative_formula: str


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("identity", identity, didentity, r"z", r"1"),
        Activation("sigmoid", sigmoid, dsigmoid, r"\frac{1}{1 + e^{-z}}", r"\sigma(z)\,(1 - \sigma(z))"),
        Activation("tanh", tanh, dtanh, r"\tanh z", r"1 - \tanh^2 z"),
        Activation("relu", relu, drelu, r"\max(z, 0)", r"1 \text{ if } z > 0 \text{ else } 0"),
        Activation(
            "leaky relu",
            leaky_relu,
            dleaky_relu,
            r"z \text{ if } z > 0 \text{ else } 0.01\,z",
            r"1 \text{ if } z > 0 \text{ else } 0.01",
        ),
        Activation("softplus", softplus, dsoftplus, r"\ln(1 + e^z)", r"\frac{1}{1 + e^{-z}}"),
        Activation("softmax", softmax, dsoftmax, r"\frac{e^{z_i}}{\sum_k e^{z_k}}", r"s_i\,(1[i = j] - s_j)"),
    )
}
