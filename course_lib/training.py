"""Mini-batch gradient descent with momentum, and a history of what happened.

v <- momentum v + dL/dtheta,    theta <- theta - eta v         for every batch of an epoch, in a new random order
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy import add, multiply, subtract
from numpy.typing import ArrayLike

from course_lib._checks import positive_integer
from course_lib.backprop import Backpropagation
from course_lib.data import Data
from course_lib.losses import Loss
from course_lib.network import Network, as_columns


@dataclass
class History:
    """What a training run left behind, one entry for every whole epoch.

    loss           : mean loss of the epoch's batches, each taken before its own step
    accuracy       : name of a watched set -> share of its examples that were right after the epoch
    gradient_norms : a row for each epoch; [l] is ||dL/dW^l|| of its last batch, [0] is None
    interrupted    : True if the run was stopped by hand; the network keeps what it had learnt

    Handed to ``train`` again, it is continued: ``velocity`` (P,) and ``rng`` go on as if nothing had been in between.
    """

    velocity: np.ndarray = field(repr=False)
    rng: np.random.Generator = field(repr=False)
    loss: list[float] = field(default_factory=list)
    accuracy: dict[str, list[float]] = field(default_factory=dict)
    gradient_norms: list[list[float | None]] = field(default_factory=list)
    interrupted: bool = False

    def __str__(self) -> str:
        if not self.loss:
            return "no epoch yet"
        right = "".join(f", {name} accuracy {values[-1]:.1%}" for name, values in self.accuracy.items() if values)
        stopped = " (interrupted)" if self.interrupted else ""
        return f"epoch {len(self.loss)}: loss {self.loss[-1]:.4g}{right}{stopped}"


def train(
    net: Network,
    x: ArrayLike,
    y: ArrayLike,
    *,
    epochs: int = 10,
    eta: float = 0.1,
    momentum: float = 0.0,
    batch: int = 32,
    loss: str | Loss = "squared error",
    penalty: float = 0.0,
    gradients: Callable[..., tuple] | None = None,
    watch: Mapping[str, Data] | None = None,
    rng: int | np.random.Generator = 0,
    progress: bool = False,
    history: History | None = None,
) -> History:
    """Train a network in place.

    x, y          : (n_0, N) inputs, (n_L, N) targets
    eta           : learning rate, in units of theta^2 per unit of the loss
    momentum      : share of the last step that is kept, from 0 to below 1
    batch         : columns of a step; the last of an epoch has what is left
    loss, penalty : as in ``Backpropagation``
    gradients     : (net, x, y) -> loss, dW, db of a batch, to train with a backward pass of your own: what it returns
                    is taken as it is, and loss and penalty above do nothing. Without it, the library's
    watch         : sets by name, {"test": data}; their accuracy is taken after every epoch
    progress      : print one line that is written anew after every epoch
    history       : of an earlier run, to go on with; rng is not used then

    An interrupt (Ctrl+C, or the stop button of a notebook) ends the run, not the program: the network keeps every step
    that was done, and the history every epoch.
    Returns the History. Raises ValueError for shapes and numbers that fit nothing.

    >>> from course_lib.data import xor
    >>> x, y, _ = xor()
    >>> net = Network([2, 4, 1], activation="tanh", output="sigmoid", rng=1)
    >>> history = train(net, x, y, epochs=500, eta=0.5, momentum=0.9, loss="binary cross-entropy", watch={"xor": xor()})
    >>> print(history)
    epoch 500: loss 0.0008223, xor accuracy 100.0%
    """
    x, y = as_columns("x", x, net.sizes[0], net.dtype), as_columns("y", y, net.sizes[-1], net.dtype)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x and y must have one column per example, got {x.shape[1]} and {y.shape[1]} columns")
    epochs, batch = positive_integer("epochs", epochs), positive_integer("batch", batch)
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be at least 0 and below 1, got {momentum}; try 0.9")
    if history is None:
        history = History(np.zeros_like(net.theta), np.random.default_rng(rng))
    if history.velocity.shape != net.theta.shape:
        raise ValueError(f"history is of a network of {history.velocity.size} parameters, this one has {net.P}")
    history.interrupted = False
    back = Backpropagation(net, loss, penalty) if gradients is None else _Yours(net, gradients)
    batches = _Batches(x, y, batch)
    try:
        with np.errstate(over="ignore"):
            for _ in range(epochs):
                mean_loss = _epoch(back, batches, eta, momentum, history)
                right = {name: accuracy(net, data.x, data.y) for name, data in (watch or {}).items()}
                history.loss.append(mean_loss)
                history.gradient_norms.append([None] + [float(np.linalg.norm(w)) for w in back.dW[1:]])
                for name, share in right.items():
                    history.accuracy.setdefault(name, []).append(share)
                if progress:
                    print(f"\r{history}", end="", flush=True)
    except KeyboardInterrupt:
        history.interrupted = True
    if progress:
        print(f"\r{history}")
    return history


class _Yours:
    """The loss and gradients that a function of the reader's gives, laid out as ``Backpropagation`` has them."""

    def __init__(self, net: Network, function: Callable[..., tuple]):
        self.net, self.function = net, function
        self.dtheta = np.zeros_like(net.theta)
        self.dW, self.db = net.views(self.dtheta)

    def gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[float, list, list]:
        given = self.function(self.net, x, y)
        if not isinstance(given, tuple) or len(given) != 3:
            raise ValueError(f"gradients must return the tuple loss, dW, db, got {type(given).__name__}")
        loss, *lists = given
        for name, mine, yours in zip(("dW", "db"), (self.dW, self.db), lists, strict=True):
            for l in range(1, self.net.L + 1):
                if np.shape(yours[l]) != mine[l].shape:
                    raise ValueError(f"{name}[{l}] must be of shape {mine[l].shape}, got {np.shape(yours[l])}")
                mine[l][...] = yours[l]
        return float(loss), self.dW, self.db


def _epoch(back: Backpropagation | _Yours, batches: _Batches, eta: float, momentum: float, history: History) -> float:
    """One pass through all examples; returns the mean loss of its batches."""
    theta, gradient, dtype = back.net.theta, back.dtheta, back.net.dtype
    v = history.velocity if momentum else gradient
    step, rate, kept = np.empty_like(theta), np.array(eta, dtype), np.array(momentum, dtype)
    total = 0.0
    for x, y in batches.shuffled(history.rng):
        loss, _, _ = back.gradient(x, y)
        total += loss * x.shape[1]
        if momentum:
            multiply(v, kept, v)
            add(v, gradient, v)
        multiply(v, rate, step)
        subtract(theta, step, theta)
    return total / batches.N


class _Batches:
    """The examples in batches, gathered anew in random order for every epoch: one copy, of which batches are views."""

    def __init__(self, x: np.ndarray, y: np.ndarray, size: int):
        self.N = x.shape[1]
        # An example is a row here, so that picking examples copies whole rows; what is handed out are columns.
        self.rows = [np.ascontiguousarray(v.T) for v in (x, y)]
        self.shuffled_rows = [np.empty_like(v) for v in self.rows]
        self.views = [tuple(v[start : start + size].T for v in self.shuffled_rows) for start in range(0, self.N, size)]

    def shuffled(self, rng: np.random.Generator) -> list:
        order = rng.permutation(self.N)
        for rows, out in zip(self.rows, self.shuffled_rows, strict=True):
            np.take(rows, order, axis=0, out=out, mode="clip")  # "clip" writes to out directly
        return self.views


def accuracy(net: Network, x: ArrayLike, y: ArrayLike) -> float:
    """Share of the examples whose largest output is in the row of the largest target.

    x : (n_0, N)      y : (n_L, N); with one output, target and output are compared with 1/2

    >>> net = Network.from_parameters(W=[[[1.0]]], b=[0.0], activation="identity")
    >>> accuracy(net, x=[[0.2, 0.9, 0.4]], y=[[0.0, 1.0, 1.0]])
    0.6666666666666666
    """
    a = net(x)
    y = as_columns("y", y, len(a), net.dtype)
    right = (a > 0.5) == (y > 0.5) if len(a) == 1 else a.argmax(axis=0) == y.argmax(axis=0)
    return float(right.mean())
