"""Back-propagation: the loss and its gradient for every parameter, by one pass up and one pass down.

    up      z^l = W^l a^{l-1} + b^l                             (2.1)
            a^l = sigma(z^l)                                    (2.2)
    down    delta^L = dL/da^L * sigma'(z^L)                     (6.1)
            delta^l = (W^{l+1})^T delta^{l+1} * sigma'(z^l)     (6.2)
            dL/dW^l = delta^l (a^{l-1})^T                       (6.3)
            dL/db^l = delta^l, added up over the batch          (6.4)

``Backpropagation.gradient`` is this procedure, the only one of the library: ``loss_and_gradients`` and
``backprop_steps`` hand out what it leaves behind. A batch is N columns; the mean over them enters once, with the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy import add, divide, exp, log, multiply, sign, subtract
from numpy.typing import ArrayLike

from course_lib import activations, losses
from course_lib._checks import one_of
from course_lib.activations import Activation, softmax
from course_lib.losses import LOSSES, Loss, l2_penalty
from course_lib.network import Network, as_columns


class Backpropagation:
    """The loss and the gradients of a network, with all arrays made once for a number of examples.

    net     : the Network; its parameters are read anew at every call
    loss    : a name of LOSSES, or a Loss
    penalty : strength of the L2 penalty, penalty/2 times the sum of all squared weights

    ``gradient(x, y)`` returns loss, dW, db. These arrays, and what was computed on the way, stand in lists by layer
    **until the next call**: ``z``, ``a``, ``delta`` (n_l, N), ``dW``, ``db``. ``dtheta`` (P,) is the gradient as one
    vector, laid out as ``net.theta`` is; ``dW`` and ``db`` are views of it.

    Raises : ValueError for an unknown loss, or for a loss that contains another output activation than the network's.
    Memory : P numbers for the gradient, and four arrays of the size of the activations.
    Error  : rounding only. A sigmoid at z > 709 (88 in float32) is exactly 1, and NumPy warns of an overflow in exp;
             ``with np.errstate(over="ignore")`` around a loop keeps it quiet.

    >>> net = Network([2, 3, 1])
    >>> back = Backpropagation(net)
    >>> x, y = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 1.0, 0.0]])
    >>> before, dW, db = back.gradient(x, y)
    >>> net.theta -= 0.1 * back.dtheta
    >>> after, dW, db = back.gradient(x, y)
    >>> after < before
    True
    """

    def __init__(self, net: Network, loss: str | Loss = "squared error", penalty: float = 0.0):
        self.net, self.penalty = net, penalty
        self.loss = loss if isinstance(loss, Loss) else LOSSES[one_of("loss", loss, LOSSES)]
        output = net.activations[net.L].name
        if self.loss.contains not in (None, output):
            raise ValueError(
                f"{self.loss.name} contains the output activation {self.loss.contains}, but the network's is {output}; "
                f"try Network(..., output={self.loss.contains!r})"
            )
        self.dtheta = np.zeros_like(net.theta)
        self.dW, self.db = net.views(self.dtheta)
        self._make_plan(1)

    def gradient(self, x: ArrayLike, y: ArrayLike) -> tuple[float, list, list]:
        """The loss, and its gradients in the shapes of W and b, which the next call overwrites.

        x : (n_0, N) inputs, or (n_0,) for one example      y : (n_L, N) targets, or (n_L,)
        Raises : ValueError for other shapes.
        """
        x, y = np.asarray(x, self.net.dtype), np.asarray(y, self.net.dtype)
        if x.shape != self._x_shape or y.shape != self._y_shape:
            x, y = self._fit(x, y)
        up, down, W, WT, b, dW, db, z, a, aT, slope, delta, ones, sigma, pull, dot, loss_and_gradient = self._plan

        a[0], aT[0] = x, x.T
        for l in up:
            dot(W[l], a[l - 1], z[l])
            add(z[l], b[l], z[l])  # (2.1)
            sigma[l](z[l], a[l], slope[l])  # (2.2), and sigma'(z^l) while at it

        loss = loss_and_gradient(y)  # leaves dL/da^L in delta^L
        pull[l](delta[l], slope[l], delta[l])  # (6.1), l = L
        for l in down:
            dot(WT[l + 1], delta[l + 1], delta[l])
            pull[l](delta[l], slope[l], delta[l])  # (6.2)

        for l in up:
            dot(delta[l], aT[l - 1], dW[l])  # (6.3)
            if ones is not None:
                dot(delta[l], ones, db[l])  # (6.4)

        if self.penalty:
            loss += l2_penalty(W, self.penalty)
            for l in up:
                add(dW[l], self.penalty * W[l], dW[l])
        return loss, dW, db

    def _fit(self, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """x and y as columns, and arrays for as many of them."""
        sizes, dtype = self.net.sizes, self.net.dtype
        x, y = as_columns("x", x, sizes[0], dtype), as_columns("y", y, sizes[-1], dtype)
        if x.shape[1] != y.shape[1]:
            raise ValueError(f"x and y must have one column per example, got {x.shape[1]} and {y.shape[1]} columns")
        if x.shape != self._x_shape:
            self._make_plan(x.shape[1])
        return x, y

    def _make_plan(self, N: int) -> None:
        """Make the arrays for N columns and choose the function of every step."""
        net, dtype, L = self.net, self.net.dtype, self.net.L
        large = N * max(w.size for w in net.W[1:]) > 2_000_000

        def by_layer() -> list:
            # Large products are faster where columns lie together in memory, small ones where rows do.
            return [None] + [np.empty((n, N), dtype, order="F" if large else "C") for n in net.sizes[1:]]

        self._x_shape, self._y_shape = (net.sizes[0], N), (net.sizes[-1], N)
        self.z, self.a, slope = by_layer(), by_layer(), by_layer()
        # One column needs no sum: delta^l is dL/db^l, and is computed where that stands.
        self.delta = by_layer() if N > 1 else list(self.db)
        ones = np.ones((N, 1), dtype) if N > 1 else None
        WT, aT = ([None] + [v.T for v in arrays[1:]] for arrays in (net.W, self.a))
        sigma: list = [None] + [_in_place(s, dtype) for s in net.activations[1:]]
        pull: list = [None] + [_pull_softmax if s.function is softmax else multiply for s in net.activations[1:]]
        if self.loss.contains:
            pull[L] = _pull_nothing
        # A call of dot takes half a microsecond less than one of matmul, but fills its result with zeros first.
        dot = _matmul if large else np.dot
        loss_and_gradient = _loss_in_place(self.loss, self.z[L], self.a[L], slope[L], self.delta[L])
        arrays = (net.W, WT, net.b, self.dW, self.db, self.z, self.a, aT, slope, self.delta, ones)
        self._plan = (range(1, L + 1), range(L - 1, 0, -1), *arrays, sigma, pull, dot, loss_and_gradient)


def _matmul(A: np.ndarray, B: np.ndarray, out: np.ndarray) -> None:
    np.matmul(A, B, out=out)


def _pull_softmax(g: np.ndarray, log_a: np.ndarray, out: np.ndarray) -> None:
    """J^T g with the Jacobian of softmax, diag(a) - a a^T (4.4), in every column."""
    a = exp(log_a)
    subtract(g, add.reduce(a * g), out)
    multiply(a, out, out)


def _pull_nothing(g: np.ndarray, slope: np.ndarray, out: np.ndarray) -> None:
    """The loss contains the output activation: its gradient is dL/dz^L already."""


def _in_place(activation: Activation, dtype: np.dtype) -> Callable:
    """A function (z, a, slope) that puts sigma(z) into a, and sigma'(z) into slope; for softmax log(a) stands there."""
    zero, one = np.array(0, dtype), np.array(1, dtype)

    def sigmoid(z, a, slope):
        exp(z, slope)
        add(slope, one, slope)
        divide(one, slope, slope)  # 1 - sigma(z)
        subtract(one, slope, a)
        multiply(a, slope, slope)

    def tanh(z, a, slope):
        np.tanh(z, a)
        multiply(a, a, slope)
        subtract(one, slope, slope)

    def relu(z, a, slope):
        np.maximum(z, zero, out=a)
        sign(a, slope)

    def softmax_and_logarithm(z, a, slope):
        subtract(z, np.maximum.reduce(z), slope)
        exp(slope, a)
        total = add.reduce(a)
        divide(a, total, a)
        subtract(slope, log(total), slope)

    def other(z, a, slope):
        a[...] = activation.function(z)
        slope[...] = activation.derivative(z)

    ours: dict[Callable, Callable] = {
        activations.sigmoid: sigmoid,
        activations.tanh: tanh,
        activations.relu: relu,
        softmax: softmax_and_logarithm,
    }
    return ours.get(activation.function, other)


def _loss_in_place(loss: Loss, z: np.ndarray, a: np.ndarray, log_a: np.ndarray, g: np.ndarray) -> Callable:
    """A function of y that returns the loss and puts dL/da into g, or dL/dz where the loss contains the activation."""
    N, mean, flat = a.shape[1], np.array(1 / a.shape[1], a.dtype), g.ravel("K")

    def squared_error(y):
        subtract(a, y, g)
        value = float(flat.dot(flat)) / (2 * N)
        if N > 1:
            multiply(g, mean, g)
        return value

    def categorical_cross_entropy(y):
        value = -float(np.vdot(y, log_a)) / N
        subtract(a, y, g)
        multiply(g, mean, g)
        return value

    def other(y):
        output = z if loss.contains else a
        g[...] = loss.gradient(output, y)
        return loss.value(output, y)

    ours: dict[Callable, Callable] = {
        losses.squared_error: squared_error,
        losses.categorical_cross_entropy: categorical_cross_entropy,
    }
    return ours.get(loss.value, other)


def loss_and_gradients(
    net: Network, x: ArrayLike, y: ArrayLike, loss: str | Loss = "squared error", penalty: float = 0.0
) -> tuple[float, list, list]:
    """The loss and its gradients in the shapes of W and b, in fresh arrays.

    x : (n_0, N) or (n_0,)      y : (n_L, N) or (n_L,), the targets
    loss, penalty : as in ``Backpropagation``, which is the one to use in a loop
    Returns loss, dW, db : a number, and lists with None at 0.

    >>> net = Network.from_parameters(W=[[[2.0]], [[3.0]]], b=[0.0, 0.0], activation="identity")
    >>> loss_and_gradients(net, x=[1.0], y=[5.0])               # a = 6
    (0.5, [None, array([[3.]]), array([[2.]])], [None, array([[3.]]), array([[1.]])])
    """
    back = Backpropagation(net, loss, penalty)
    with np.errstate(over="ignore"):
        value, dW, db = back.gradient(x, y)
    return value, list(dW), list(db)


@dataclass(frozen=True)
class Step:
    """One line of a computation by hand.

    name : what is computed, as the code calls it: "z[1]", "delta[2]", "loss"      layer : its layer, L for the loss
    equation : its number, "6.1"; empty for the loss      formula : in LaTeX      text : in Unicode, with the numbers
    value : array, (n_l, N) or the shape of the parameter; the loss is an array of shape ()
    """

    name: str
    equation: str
    formula: str
    text: str
    layer: int
    value: np.ndarray

    def __str__(self) -> str:
        return f"{self.text}    ({self.equation})" if self.equation else self.text


def backprop_steps(net: Network, x: ArrayLike, y: ArrayLike, loss: str | Loss = "squared error") -> list[Step]:
    """Both passes step by step, every formula with its numbers: up to the loss, then down layer by layer.

    x : (n_0, N) or (n_0,)      y : (n_L, N) or (n_L,)

    >>> net = Network.from_parameters(W=[[[2.0]], [[3.0]]], b=[1.0, 0.0], activation="identity")
    >>> for step in backprop_steps(net, x=[1.0], y=[5.0]):
    ...     print(step)
    z¹ = W¹ a⁰ + b¹ = (2) · (1) + (1) = (3)    (2.1)
    a¹ = σ(z¹) = identity of (3) = (3)    (2.2)
    z² = W² a¹ + b² = (3) · (3) + (0) = (9)    (2.1)
    a² = σ(z²) = identity of (9) = (9)    (2.2)
    loss = squared error of (9) against (5) = 8
    δ² = ∂L/∂a² ⊙ σ′(z²) = (4) ⊙ (1) = (4)    (6.1)
    ∂L/∂W² = δ² (a¹)ᵀ = (4) · (3)ᵀ = (12)    (6.3)
    ∂L/∂b² = δ² = (4)    (6.4)
    δ¹ = (W²)ᵀ δ² ⊙ σ′(z¹) = (3)ᵀ · (4) ⊙ (1) = (12)    (6.2)
    ∂L/∂W¹ = δ¹ (a⁰)ᵀ = (12) · (1)ᵀ = (12)    (6.3)
    ∂L/∂b¹ = δ¹ = (12)    (6.4)
    """
    back = Backpropagation(net, loss)
    with np.errstate(over="ignore"):
        value, _, _ = back.gradient(x, y)
    y = as_columns("y", y, net.sizes[-1], net.dtype)
    steps: list[Step] = []

    def step(name: str, equation: str, formula: str, text: str, layer: int, result: np.ndarray) -> None:
        steps.append(Step(name, equation, formula, f"{text} = {_numbers(result)}", layer, result))

    for l in range(1, net.L + 1):
        u, d, W, z, a = _raised(l), _raised(l - 1), _numbers(net.W[l]), _numbers(back.z[l]), _numbers(back.a[l - 1])
        text = f"z{u} = W{u} a{d} + b{u} = {W} · {a} + {_numbers(net.b[l])}"
        step(f"z[{l}]", "2.1", rf"z^{{{l}}} = W^{{{l}}} a^{{{l - 1}}} + b^{{{l}}}", text, l, back.z[l])
        text = f"a{u} = σ(z{u}) = {net.activations[l].name} of {z}"
        step(f"a[{l}]", "2.2", rf"a^{{{l}}} = \sigma(z^{{{l}}})", text, l, back.a[l])

    text = f"loss = {back.loss.name} of {_numbers(back.a[net.L])} against {_numbers(y)}"
    step("loss", "", rf"L = {back.loss.formula}", text, net.L, np.array(value))

    for l in range(net.L, 0, -1):
        u, d, delta, a = _raised(l), _raised(l - 1), _numbers(back.delta[l]), _numbers(back.a[l - 1])
        formula, text = _error_term(back, y, l)
        step(f"delta[{l}]", "6.1" if l == net.L else "6.2", formula, text, l, back.delta[l])
        formula = rf"\frac{{\partial L}}{{\partial W^{{{l}}}}} = \delta^{{{l}}} (a^{{{l - 1}}})^T"
        step(f"dW[{l}]", "6.3", formula, f"∂L/∂W{u} = δ{u} (a{d})ᵀ = {delta} · {a}ᵀ", l, back.dW[l])
        formula = rf"\frac{{\partial L}}{{\partial b^{{{l}}}}} = \delta^{{{l}}}"
        text = f"∂L/∂b{u} = δ{u}"
        if y.shape[1] > 1:
            formula = rf"\frac{{\partial L}}{{\partial b^{{{l}}}}} = \sum_{{\text{{examples}}}} \delta^{{{l}}}"
            text = f"∂L/∂b{u} = sum of the columns of δ{u} = {delta} summed"
        step(f"db[{l}]", "6.4", formula, text, l, back.db[l])
    return steps


def _error_term(back: Backpropagation, y: np.ndarray, l: int) -> tuple[str, str]:
    """The formula (6.1) or (6.2) of delta^l, in LaTeX and in Unicode with its numbers."""
    net, loss, z, a = back.net, back.loss, back.z[l], back.a[l]
    u, up, delta = _raised(l), _raised(l + 1), rf"\delta^{{{l}}} = "
    if l == net.L and loss.contains:
        return (
            rf"{delta}\frac{{1}}{{N}} (a^{{{l}}} - y)",
            f"δ{u} = (a{u} - y) / N = ({_numbers(a)} - {_numbers(y)}) / {y.shape[1]}",
        )
    if l == net.L:
        formula, text = rf"\frac{{\partial L}}{{\partial a^{{{l}}}}}", f"∂L/∂a{u}"
        numbers = _numbers(loss.gradient(a, y))
    else:
        formula, text = rf"(W^{{{l + 1}}})^T \delta^{{{l + 1}}}", f"(W{up})ᵀ δ{up}"
        numbers = f"{_numbers(net.W[l + 1])}ᵀ · {_numbers(back.delta[l + 1])}"
    if net.activations[l].function is softmax:
        jacobian = rf"\big(\mathrm{{diag}}(a^{{{l}}}) - a^{{{l}}} (a^{{{l}}})^T\big)"
        return f"{delta}{jacobian} {formula}", f"δ{u} = J {text} with J = diag(a{u}) - a{u} (a{u})ᵀ = J · {numbers}"
    slope = _numbers(net.activations[l].derivative(z))
    return rf"{delta}{formula} \odot \sigma'(z^{{{l}}})", f"δ{u} = {text} ⊙ σ′(z{u}) = {numbers} ⊙ {slope}"


def _raised(l: int) -> str:
    return str(l).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _numbers(value: np.ndarray) -> str:
    """Four digits each: a column as (a, b), a matrix by rows, one of more than 16 entries by its shape alone."""
    if value.ndim == 0:
        return f"{value:.4g}"
    if value.size > 16:
        return f"[{value.shape[0]} × {value.shape[1]}]"
    rows = ["(" + ", ".join(f"{v + 0:.4g}" for v in row) + ")" for row in (value.T if value.shape[1] == 1 else value)]
    return rows[0] if value.shape[1] == 1 else "[" + ", ".join(rows).replace("(", "[").replace(")", "]") + "]"
