"""Chapter 06: both passes through a small network, step by step; state in traits, drawn by pass_player.js."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets as T
from numpy.typing import ArrayLike

from course_lib.backprop import Backpropagation
from course_lib.explorables._base import (
    ERROR,
    INK,
    QUIET,
    VALUE,
    Explorable,
    box,
    line,
    num,
    short,
    subscript,
    svg,
    text,
)
from course_lib.network import Network

LAYERS, NEURONS = 4, 4  # the largest network that fits the page
BROKEN = {
    "": "the right pass",
    "no slope": "without sigma' in the hidden layers",
    "no transpose": "with W in place of its transpose",
    "too early": "with weights updated too early",
}


def default_network() -> Network:
    """The network of chapter 06: 2-2-2, sigmoid, numbers short enough to follow by hand."""
    return Network.from_parameters(
        W=[np.array([[0.4, -0.6], [0.9, 0.3]]), np.array([[0.7, -0.5], [-0.2, 0.8]])],
        b=[np.array([0.1, -0.2]), np.array([0.2, -0.1])],
    )


class PassPlayer(Explorable):
    """Play the forward and the backward pass of a network, every number in its formula.

    net : Network of up to 4 layers of up to 4 neurons, by default 2-2-2 with sigmoid
    x : (n_0,) or (n_0, N), by default (0.5, -1)      y : (n_L,) or (n_L, N) targets, by default (1, 0)
    loss : a name of LOSSES

    Traits : ``step`` (0 to ``steps``), ``detail`` ("layers" or "neurons"), ``example`` (1 to N), ``selected`` ("a 1 2":
    layer 1, neuron 2; "w 2 1 2": the weight W^2_12), ``broken`` ("", "no slope", "no transpose", "too early") and
    ``eta``, the step size of the last. ``W``, ``b``, ``x``, ``y`` are nested lists, None at 0.

    >>> player = PassPlayer(step=5)
    >>> player.steps
    11
    >>> print(player)
    Pass player, network 2-2-2, squared error, 1 example: step 5 of 11, loss 0.2196; the right pass.
    """

    W = T.List().tag(sync=True)
    b = T.List().tag(sync=True)
    activations = T.List().tag(sync=True)
    x = T.List().tag(sync=True)
    y = T.List().tag(sync=True)
    loss = T.Unicode("squared error").tag(sync=True)
    step = T.Int(0, min=0).tag(sync=True)
    detail = T.Enum(["layers", "neurons"], "layers").tag(sync=True)
    example = T.Int(1, min=1).tag(sync=True)
    selected = T.Unicode("").tag(sync=True)
    broken = T.Enum(list(BROKEN), "").tag(sync=True)
    eta = T.Float(0.5, min=0.0).tag(sync=True)

    def __init__(
        self,
        net: Network | None = None,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        loss: str = "squared error",
        **traits: Any,
    ) -> None:
        if net is None:
            net, x, y = default_network(), [0.5, -1.0] if x is None else x, [1.0, 0.0] if y is None else y
        if x is None or y is None:
            raise ValueError("x and y must come with the network: an input and its target")
        if net.L > LAYERS or max(net.sizes) > NEURONS:
            raise ValueError(
                f"net must have at most {LAYERS} layers of {NEURONS} neurons to fit the page, got {net.sizes}"
            )
        x, y = (np.asarray(v, dtype=float) for v in (x, y))
        x, y = (v[:, None] if v.ndim == 1 else v for v in (x, y))
        Backpropagation(net, loss).gradient(x, y)  # refuses what does not fit, in its own words
        super().__init__(
            W=[None, *(w.tolist() for w in net.W[1:])],
            b=[None, *(v.tolist() for v in net.b[1:])],
            activations=[None, *(s.name for s in net.activations[1:])],
            x=x.tolist(),
            y=y.tolist(),
            loss=loss,
            **traits,
        )

    @property
    def net(self) -> Network:
        """The network on the page, as a Network."""
        W, b = ([np.array(v) for v in values[1:]] for values in (self.W, self.b))
        return Network.from_parameters(W, b, self.activations[1:])

    @property
    def steps(self) -> int:
        """Number of the last step."""
        sizes = [1] * len(self.W) if self.detail == "layers" else [len(v or ()) for v in self.W]
        return 5 * sum(sizes[1:]) + 1

    def _passes(self) -> tuple[Backpropagation, float]:
        """The right passes, and the loss."""
        back = Backpropagation(self.net, self.loss)
        return back, back.gradient(np.array(self.x), np.array(self.y))[0]

    def sentence(self) -> str:
        """The network, the step and the loss."""
        net, N = self.net, len(self.x[0])
        return (
            f"Pass player, network {'-'.join(map(str, net.sizes))}, {self.loss}, {N} example{'s' if N > 1 else ''}: "
            f"step {min(self.step, self.steps)} of {self.steps}, loss {num(self._passes()[1])}; {BROKEN[self.broken]}."
        )

    def picture(self) -> str:
        """Both passes done, all numbers there: a still picture serves best as a table of the whole."""
        (back, loss), net, n = self._passes(), self.net, min(self.example, len(self.x[0])) - 1
        sizes, L, width = net.sizes, net.L, 112
        tall = 46 + max(sizes) * 100
        X = [10 + 190 * l for l in range(L + 2)]
        Y = [[46 + (max(sizes) - m) * 50 + 100 * i + 44 for i in range(m)] for m in sizes]
        parts = [text(X[0] + width / 2, 18, "input", weight=600), text(X[L + 1] + width / 2, 18, "loss", weight=600)]
        for l in range(1, L + 1):
            parts.append(text(X[l] + width / 2, 18, f"layer {l}", weight=600))
            parts.append(text(X[l] + width / 2, 34, net.activations[l].name, QUIET))
            for i, row in enumerate(net.W[l]):
                for j, w in enumerate(row):
                    ends = [(X[l - 1] + width, Y[l - 1][j]), (X[l], Y[l][i])]
                    parts.append(line(ends, dash="5 4" if w < 0 else ""))
                    if net.W[l].size <= 6:
                        t = 0.7 if sizes[l] > sizes[l - 1] else 0.3
                        x, y = ((1 - t) * ends[0][k] + t * ends[1][k] for k in (0, 1))
                        parts.append(text(x, y, short(w), halo=True))
        middle = 46 + max(sizes) * 50 - 6
        parts.extend(line([(X[L] + width, y), (X[L + 1], middle)]) for y in Y[L])

        def tile(x: float, y: float, rows: Sequence[tuple[str, str, str]]) -> None:
            size = 16 + 19 * len(rows)
            parts.append(box(x, y - size / 2, width, size, QUIET))
            for k, (name, number, colour) in enumerate(rows):
                parts.append(text(x + 10, y - size / 2 + 18 + 19 * k, name, QUIET, "start"))
                parts.append(text(x + width - 10, y - size / 2 + 18 + 19 * k, number, colour, "end", weight=600))

        for j in range(sizes[0]):
            tile(X[0], Y[0][j], [(subscript(f"x{j + 1}"), short(self.x[j][n]), VALUE)])
        for l in range(1, L + 1):
            for i in range(sizes[l]):
                rows = [("z", back.z[l], INK), ("a", back.a[l], VALUE), ("δ", back.delta[l], ERROR)]
                tile(
                    X[l],
                    Y[l][i],
                    [(subscript(f"{name}{i + 1}"), num(values[i, n]), colour) for name, values, colour in rows],
                )
        tile(
            X[L + 1],
            middle,
            [
                *((subscript(f"y{i + 1}"), short(row[n]), INK) for i, row in enumerate(self.y)),
                ("loss", num(loss), INK),
            ],
        )
        return svg(X[-1] + width + 10, tall, *parts)


def play(net: Network, x: ArrayLike, y: ArrayLike, loss: str = "squared error", **traits: Any) -> PassPlayer:
    """Watch back-propagation work on your own network.

    >>> print(play(Network([3, 4, 1], init="zeros"), x=[1, 0, 2], y=[1]))
    Pass player, network 3-4-1, squared error, 1 example: step 0 of 11, loss 0.1250; the right pass.
    """
    return PassPlayer(net, x, y, loss, **traits)
