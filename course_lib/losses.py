"""Losses, each beside its gradient, and the L2 penalty.

A batch is N columns (one column may come as a vector); entries are added up, examples are averaged: 1/N enters here,
once. The cross-entropies contain their output activation and take logits, so that they are right for any logit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import columns, floating, matrix
from course_lib.activations import sigmoid, softmax, softplus


def _pair(a: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray, int]:
    """Outputs, targets in the precision of the outputs, and N. Equal shapes: (n,) against (n, 1) would broadcast."""
    a, y = columns("a", a), floating("y", y)
    if y.shape != a.shape:
        raise ValueError(f"y must have the shape of the output a, {a.shape}, got {y.shape}; try y.reshape(a.shape)")
    return a, y.astype(a.dtype, copy=False), 1 if a.ndim == 1 else a.shape[1]


def squared_error(a: ArrayLike, y: ArrayLike) -> float:
    """1/2 sum_i (a_i - y_i)^2, mean over the columns.

    >>> squared_error([[1, 3]], [[0, 1]])
    1.25
    """
    a, y, N = _pair(a, y)
    return ((a - y) ** 2).sum().item() / (2 * N)


def squared_error_gradient(a: ArrayLike, y: ArrayLike) -> np.ndarray:
    """dL/da of ``squared_error``, in the shape of a.

    >>> squared_error_gradient([[1, 3]], [[0, 1]])
    array([[0.5, 1. ]])
    """
    a, y, N = _pair(a, y)
    return (a - y) / N


def squared_error_without_half(a: ArrayLike, y: ArrayLike) -> float:
    """sum_i (a_i - y_i)^2, mean over the columns.

    >>> squared_error_without_half([[1, 3]], [[0, 1]])
    2.5
    """
    return 2 * squared_error(a, y)


def squared_error_without_half_gradient(a: ArrayLike, y: ArrayLike) -> np.ndarray:
    """dL/da of ``squared_error_without_half``, in the shape of a.

    >>> squared_error_without_half_gradient([[1, 3]], [[0, 1]])
    array([[1., 2.]])
    """
    return 2 * squared_error_gradient(a, y)


def binary_cross_entropy(z: ArrayLike, y: ArrayLike) -> float:
    """-sum_i (y_i log a_i + (1 - y_i) log(1 - a_i)) with a = sigmoid(z), mean over the columns.

    z : (n,) or (n, N) logits      y : the same shape, between 0 and 1
    Written as softplus(z) - y z, it neither overflows nor takes the logarithm of 0.

    >>> binary_cross_entropy([-1000, 1000], [0, 1]), binary_cross_entropy([1000], [0])
    (0.0, 1000.0)
    """
    z, y, N = _pair(z, y)
    return (softplus(z) - y * z).sum().item() / N


def binary_cross_entropy_gradient(z: ArrayLike, y: ArrayLike) -> np.ndarray:
    """dL/dz of ``binary_cross_entropy``: (a - y) / N, in the shape of z.

    >>> binary_cross_entropy_gradient([-1000, 0, 1000], [0, 0, 0])
    array([0. , 0.5, 1. ])
    """
    z, y, N = _pair(z, y)
    return (sigmoid(z) - y) / N


def categorical_cross_entropy(z: ArrayLike, y: ArrayLike) -> float:
    """-sum_i y_i log a_i with a = softmax(z), mean over the columns.

    z : (n,) or (n, N) logits      y : the same shape, each column adds up to 1 (one-hot, or probabilities)
    Written as log sum_i exp(z_i) - y.z, it neither overflows nor takes the logarithm of 0.

    >>> categorical_cross_entropy([0] * 10, [1] + [0] * 9)     # -ln(0.1), at chance among ten classes
    2.302585092994046
    >>> categorical_cross_entropy([1000, 0], [0, 1])
    1000.0
    """
    z, y, N = _pair(z, y)
    largest = z.real.max(axis=0)
    log_sum = largest + np.log(np.exp(z - largest).sum(axis=0))
    return (log_sum.sum() - (y * z).sum()).item() / N


def categorical_cross_entropy_gradient(z: ArrayLike, y: ArrayLike) -> np.ndarray:
    """dL/dz of ``categorical_cross_entropy``: (a - y) / N, in the shape of z.

    >>> categorical_cross_entropy_gradient(np.log([0.2, 0.3, 0.5]), [0, 1, 0])
    array([ 0.2, -0.7,  0.5])
    """
    z, y, N = _pair(z, y)
    return (softmax(z) - y) / N


@dataclass(frozen=True)
class Loss:
    """A row of the table: ``value(a, y)``, a number, and ``gradient(a, y)`` = dL/da, in the shape of a.

    ``contains`` names the output activation that the loss contains. Such a loss is called with the logits z^L for a,
    and its gradient then is dL/dz^L = delta^L; None: it is called with the outputs a^L.

    >>> LOSSES["squared error"].value([3], [1]), LOSSES["squared error"].gradient([3], [1])
    (2.0, array([2.]))
    """

    name: str
    value: Callable[[ArrayLike, ArrayLike], float]
    gradient: Callable[[ArrayLike, ArrayLike], np.ndarray]
    formula: str
    contains: str | None = None


LOSSES = {
    loss.name: loss
    for loss in (
        Loss(
            "squared error",
            squared_error,
            squared_error_gradient,
            r"\frac{1}{N} \sum_{\text{examples}} \frac{1}{2} \sum_i (a_i - y_i)^2",
        ),
        Loss(
            "squared error without 1/2",
            squared_error_without_half,
            squared_error_without_half_gradient,
            r"\frac{1}{N} \sum_{\text{examples}} \sum_i (a_i - y_i)^2",
        ),
        Loss(
            "binary cross-entropy",
            binary_cross_entropy,
            binary_cross_entropy_gradient,
            r"-\frac{1}{N} \sum_{\text{examples}} \sum_i \big(y_i \ln a_i + (1 - y_i) \ln(1 - a_i)\big)",
            contains="sigmoid",
        ),
        Loss(
            "categorical cross-entropy",
            categorical_cross_entropy,
            categorical_cross_entropy_gradient,
            r"-\frac{1}{N} \sum_{\text{examples}} \sum_i y_i \ln a_i",
            contains="softmax",
        ),
    )
}


def l2_penalty(W: Sequence[ArrayLike | None], strength: float, half: bool = True) -> float:
    """strength/2 times the sum of all squared weights; strength times it when ``half`` is False.

    W : list of weight matrices, None where there is none (layer 0); biases are not penalised

    >>> W = [None, [[1, 2]], [[3]]]
    >>> l2_penalty(W, 0.5), l2_penalty(W, 0.5, half=False)
    (3.5, 7.0)
    """
    squares = sum((matrix("W[l]", w) ** 2).sum().item() for w in W if w is not None)
    return strength * squares / (2 if half else 1)


def l2_penalty_gradient(W: Sequence[ArrayLike | None], strength: float, half: bool = True) -> list[np.ndarray | None]:
    """Gradient of ``l2_penalty``: strength * W[l] in every layer, 2 * strength * W[l] when ``half`` is False.

    >>> l2_penalty_gradient([None, [[1, 2]]], 0.1)
    [None, array([[0.1, 0.2]])]
    """
    factor = strength * (1 if half else 2)
    return [None if w is None else factor * matrix("W[l]", w) for w in W]
