"""Wrong backward passes that run without an error, each beside the right one: how many of them train all the same?

A backward pass is five small functions, sigma' and the four equations of chapter 6; a wrong one has another function in
the place of one of them. All are mistakes that people made in public, in courses, libraries and questions. They are
tried on a small network whose middle layer is square, so that a slip with a transpose does not raise.

>>> net, x, y = bench()
>>> net
Network 2-3-3-2, sigmoid, P = 29, float64
>>> len(WRONG_PASSES)
21
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import positive_integer
from course_lib.activations import dsigmoid
from course_lib.data import xor
from course_lib.network import Network, as_columns


class Seen:
    """What a backward pass has before it, and, from the top down, what it has made so far.

    W, z, a, delta, dW, db : lists by layer, as in ``Backpropagation``      y : (n_L, N) targets      N, L : numbers
    eta : the learning rate, which no right pass reads                      slope(l) : sigma'(z^l) (n_l, N)
    """

    def __init__(self, W: list, z: list, a: list, y: np.ndarray, eta: float, slope: Callable[[Seen, int], np.ndarray]):
        self.W, self.z, self.a, self.y, self.eta, self._slope = W, z, a, y, eta, slope
        self.L, self.N = len(W) - 1, y.shape[1]
        self.delta: list = [None] * len(W)
        self.dW: list = [None] * len(W)
        self.db: list = [None] * len(W)

    def slope(self, l: int) -> np.ndarray:
        """sigma'(z^l), or what this pass takes for it."""
        return self._slope(self, l)


# --------------------------------------------------------------------------- the right pass


def _slope(s: Seen, l: int) -> np.ndarray:
    """sigma'(z^l) (n_l, N) of a sigmoid, from what it gave: a (1 - a)."""
    return s.a[l] * (1 - s.a[l])


def _output(s: Seen) -> np.ndarray:
    """delta^L (n_L, N) of the loss 1/(2N) sum (a - y)^2."""
    return (s.a[s.L] - s.y) / s.N * s.slope(s.L)  # (6.1)


def _down(s: Seen, l: int) -> np.ndarray:
    """delta^l (n_l, N) from delta^{l+1}."""
    return (s.W[l + 1].T @ s.delta[l + 1]) * s.slope(l)  # (6.2)


def _weights(s: Seen, l: int) -> np.ndarray:
    """dL/dW^l (n_l, n_{l-1})."""
    return s.delta[l] @ s.a[l - 1].T  # (6.3)


def _biases(s: Seen, l: int) -> np.ndarray:
    """dL/db^l (n_l, 1), added up over the batch."""
    return s.delta[l].sum(axis=1, keepdims=True)  # (6.4)


@dataclass(frozen=True)
class BackwardPass:
    """A backward pass made of five functions, of which a wrong pass replaces one.

    name : of the mistake, as in the exercises      row : of the catalogue of misconceptions, 0 for the right pass
    says : what is wrong, in a clause               hint : the question that helps
    slope(s, l), output(s), down(s, l), weights(s, l), biases(s, l) : sigma' and (6.1) to (6.4), from what is ``Seen``

    ``wrong(net, x, y)`` gives (dW, db), lists by layer with None at 0, in the form that ``check_gradient`` takes. The
    network is one of sigmoids, the loss "squared error"; eta counts only for the pass that reads it.
    Raises : ValueError for another activation.

    >>> from course_lib.gradient_check import check_gradient
    >>> net, x, y = bench()
    >>> check_gradient(net, x, y, gradients=RIGHT).ok
    True
    >>> check_gradient(net, x, y, gradients=WRONG_PASSES["bias-mean"]).ok
    False
    """

    name: str
    row: int
    says: str
    hint: str
    slope: Callable[[Seen, int], np.ndarray] = _slope
    output: Callable[[Seen], np.ndarray] = _output
    down: Callable[[Seen, int], np.ndarray] = _down
    weights: Callable[[Seen, int], np.ndarray] = _weights
    biases: Callable[[Seen, int], np.ndarray] = _biases

    def __call__(self, net: Network, x: ArrayLike, y: ArrayLike, eta: float = 0.5) -> tuple[list, list]:
        """dW, db of a network for x (n_0, N) and y (n_L, N)."""
        _only_sigmoids(net)
        z, a = net.forward(x)
        return self.gradients(net.W, z, a, as_columns("y", y, net.sizes[-1], net.dtype), eta)

    def gradients(self, W: list, z: list, a: list, y: np.ndarray, eta: float) -> tuple[list, list]:
        """dW, db from what the forward pass left."""
        s = Seen(W, z, a, y, eta, self.slope)
        for l in range(s.L, 0, -1):
            s.delta[l] = self.output(s) if l == s.L else self.down(s, l)
            s.dW[l] = self.weights(s, l)
            s.db[l] = self.biases(s, l)
        return s.dW, s.db


def _only_sigmoids(net: Network) -> None:
    names = {activation.name for activation in net.activations[1:]}
    if names != {"sigmoid"}:
        raise ValueError(f"net must have sigmoids in all layers, got {', '.join(sorted(names))}; try bench()")


# --------------------------------------------------------------------------- the wrong ones

#: The right pass.
RIGHT = BackwardPass("right", 0, "nothing is wrong", "")

#: By name: every row of the catalogue, 1 to 26, that is a backward pass of this network with gradients of the right
#: shapes. Rows 14 and 26 raise here, 21 gives another shape, 3 needs another loss, 23 computes nothing.
WRONG_PASSES: dict[str, BackwardPass] = {}


def _wrong(row: int, replaces: str, says: str, hint: str) -> Callable:
    """Decorator: the function replaces one of the five, and the pass is called after it."""

    def enter(function: Callable) -> Callable:
        name = function.__name__.strip("_").replace("_", "-")
        WRONG_PASSES[name] = BackwardPass(name, row, says, hint, **{replaces: function})
        return function

    return enter


def _if_it_fits(wrong: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The wrong array where it has the shape of the right one. Elsewhere the mistake raises, and gets mended."""
    return wrong if wrong.shape == right.shape else right


@_wrong(
    1,
    "down",
    "the error terms of the hidden layers lack σ′(z)",
    "Your top layer is right. What happens between z and a one layer down?",
)
def _no_slope_hidden(s: Seen, l: int) -> np.ndarray:
    return s.W[l + 1].T @ s.delta[l + 1]


@_wrong(
    2,
    "output",
    "the error term of the output lacks σ′(z): a − y is ∂L/∂a, not ∂L/∂z",
    "Which loss has δ = a − y? Is it the one in this task?",
)
def _no_slope_output(s: Seen) -> np.ndarray:
    return (s.a[s.L] - s.y) / s.N


@_wrong(4, "slope", "σ′ is taken at a; its argument is z", "σ′ takes z. If you only kept a, use a(1 − a).")
def _slope_at_a(s: Seen, l: int) -> np.ndarray:
    return dsigmoid(s.a[l])


@_wrong(
    5,
    "slope",
    "the formula a(1 − a) is fed with z",
    "Can σ′ be negative? Print the least and the greatest value of yours.",
)
def _a_formula_on_z(s: Seen, l: int) -> np.ndarray:
    return s.z[l] * (1 - s.z[l])


@_wrong(6, "down", "σ′ is multiplied in twice in the hidden layers", "Count the σ′ on the path from the loss to W¹.")
def _slope_twice(s: Seen, l: int) -> np.ndarray:
    return (s.W[l + 1].T @ s.delta[l + 1]) * s.slope(l) ** 2


@_wrong(
    7,
    "down",
    "σ′ is taken at the z of the layer below",
    "Write the layer's number beside every array: δ^l goes with z^l.",
)
def _slope_of_neighbour(s: Seen, l: int) -> np.ndarray:
    return (s.W[l + 1].T @ s.delta[l + 1]) * _if_it_fits(s.slope(l - 1), s.slope(l))


@_wrong(
    8,
    "down",
    "the error terms go down through W instead of its transpose",
    "Which z's did a_j feed? Sum over them: that is down a column of W.",
)
def _w_not_transposed(s: Seen, l: int) -> np.ndarray:
    return (_if_it_fits(s.W[l + 1], s.W[l + 1].T) @ s.delta[l + 1]) * s.slope(l)


@_wrong(
    9,
    "down",
    "the inverse of W stands where its transpose belongs",
    "Back-propagation moves sensitivities, not values. Nothing is undone on the way back.",
)
def _w_inverted(s: Seen, l: int) -> np.ndarray:
    W = s.W[l + 1]
    back = np.linalg.inv(W) if len(W) == len(W.T) else W.T
    return (back @ s.delta[l + 1]) * s.slope(l)


@_wrong(
    10, "down", "∂L/∂W stands where W belongs in the step to the layer below", "∂z/∂a is …? Does it contain the loss?"
)
def _gradient_for_weight(s: Seen, l: int) -> np.ndarray:
    return (s.dW[l + 1].T @ s.delta[l + 1]) * s.slope(l)


@_wrong(
    11,
    "weights",
    "dW is transposed, which raises only where it is not square",
    "A gradient has the shape of its parameter. Which index of δ aᵀ is the output?",
)
def _gradient_transposed(s: Seen, l: int) -> np.ndarray:
    return _if_it_fits(s.a[l - 1] @ s.delta[l].T, s.delta[l] @ s.a[l - 1].T)


@_wrong(
    12,
    "down",
    "each W is updated before the error term below it is formed",
    "A gradient cannot depend on the step. Collect all gradients first.",
)
def _updated_first(s: Seen, l: int) -> np.ndarray:
    return ((s.W[l + 1] - s.eta * s.dW[l + 1]).T @ s.delta[l + 1]) * s.slope(l)


@_wrong(
    13,
    "weights",
    "below the output, dW is made with the signal before σ′, as if that were δ",
    "Define δ = ∂L/∂z, and give ∂L/∂a a name of its own.",
)
def _signal_for_error_term(s: Seen, l: int) -> np.ndarray:
    signal = s.W[l + 1].T @ s.delta[l + 1] if l == s.L - 1 else s.delta[l]
    return signal @ s.a[l - 1].T


@_wrong(15, "weights", "dW^l is made with a^l; W^l multiplied a^(l−1)", "Which vector did W^l multiply?")
def _a_of_same_layer(s: Seen, l: int) -> np.ndarray:
    return s.delta[l] @ _if_it_fits(s.a[l], s.a[l - 1]).T


@_wrong(16, "weights", "dW^l is made with z^(l−1); W^l multiplied a^(l−1)", "Which vector did W^l multiply?")
def _z_for_a(s: Seen, l: int) -> np.ndarray:
    return s.delta[l] @ (s.z[l - 1] if l > 1 else s.a[0]).T


@_wrong(
    17, "output", "the gradients are added up over the batch where the loss is a mean", "Divide by N and look again."
)
def _sum_for_mean(s: Seen) -> np.ndarray:
    return (s.a[s.L] - s.y) * s.slope(s.L)


@_wrong(18, "down", "the division by N is repeated in every layer", "N enters once, with the loss.")
def _mean_in_every_layer(s: Seen, l: int) -> np.ndarray:
    return (s.W[l + 1].T @ s.delta[l + 1]) * s.slope(l) / s.N


@_wrong(
    19,
    "biases",
    "db is a mean over the batch, but N was divided out with the loss",
    "Let b be a column of W with the input 1. What does (6.3) do over the batch?",
)
def _bias_mean(s: Seen, l: int) -> np.ndarray:
    return s.delta[l].mean(axis=1, keepdims=True)


@_wrong(20, "biases", "all biases of a layer get one number", "Sum over which axis?")
def _bias_one_scalar(s: Seen, l: int) -> np.ndarray:
    return np.full((len(s.delta[l]), 1), s.delta[l].sum())


@_wrong(22, "biases", "db is made from dW, so that it depends on the inputs", "Nudge b alone: does x matter?")
def _bias_from_dw(s: Seen, l: int) -> np.ndarray:
    return s.dW[l].sum(axis=1, keepdims=True)


@_wrong(
    24, "output", "everything is twice too large: the ½ in the loss takes the 2 away", "Differentiate ½(a − y)² by a."
)
def _factor_two(s: Seen) -> np.ndarray:
    return 2 * (s.a[s.L] - s.y) / s.N * s.slope(s.L)


@_wrong(
    25,
    "output",
    "every sign is turned round: the residual is a − y, not y − a",
    "Raise a a little beyond y. Does the loss rise or fall?",
)
def _sign(s: Seen) -> np.ndarray:
    return (s.y - s.a[s.L]) / s.N * s.slope(s.L)


# --------------------------------------------------------------------------- the bench


def bench(rng: int | np.random.Generator = 7) -> tuple[Network, np.ndarray, np.ndarray]:
    """The network on which they are tried, and its four examples.

    2-3-3-2 with sigmoids: weights drawn from the standard normal layer by layer, then biases 0.1 times normal.
    Returns net, x (2, 4): the corners of XOR, moved a little off 0 and 1; y (2, 4): XOR and its complement.

    >>> bench()[1].round(2)
    array([[ 0.  ,  0.08,  1.09,  1.01],
           [-0.08,  0.9 , -0.03,  1.07]])
    """
    rng = np.random.default_rng(rng)
    net = Network([2, 3, 3, 2], init="zeros")
    for l in (1, 2, 3):
        net.W[l] = rng.normal(size=net.W[l].shape)
    for l in (1, 2, 3):
        net.b[l] = 0.1 * rng.normal(size=net.b[l].shape)
    corners, exclusive, _ = xor()
    return net, corners + 0.1 * np.sin(np.arange(8)).reshape(2, 4), np.vstack([exclusive, 1 - exclusive])


def trains_to(
    wrong: BackwardPass,
    steps: int = 4000,
    eta: float = 2.0,
    net: Network | None = None,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
) -> np.ndarray:
    """The losses of a training with this backward pass: full batches, plain steps theta <- theta - eta gradient.

    net, x, y : a network of sigmoids and its examples, by default the bench; the network stays as it is
    Returns losses (steps + 1,): losses[k] is the mean of half the squared errors after k steps; nan where it diverges.
    Raises : ValueError for a network of other activations.

    >>> losses = trains_to(WRONG_PASSES["w-not-transposed"])
    >>> float(losses[0].round(3)), float(losses[-1].round(4))
    (0.344, 0.0003)
    """
    given, at, targets = bench()
    net, x, y = (given if net is None else net).copy(), at if x is None else x, targets if y is None else y
    _only_sigmoids(net)
    x, y = as_columns("x", x, net.sizes[0], net.dtype), as_columns("y", y, net.sizes[-1], net.dtype)
    losses = np.empty(positive_integer("steps", steps) + 1)
    W, b, layers = list(net.W), list(net.b), range(1, net.L + 1)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(steps + 1):
            z: list = [None]
            a: list = [x]
            for l in layers:
                z.append(W[l] @ a[l - 1] + b[l])  # (2.1)
                a.append(1 / (1 + np.exp(-z[l])))  # (2.2)
            losses[k] = np.sum((a[-1] - y) ** 2) / (2 * y.shape[1])
            dW, db = wrong.gradients(W, z, a, y, eta)
            for l in layers if k < steps else ():
                W[l] -= eta * dW[l]
                b[l] -= eta * db[l]
    return losses
