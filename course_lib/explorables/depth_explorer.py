"""Chapter 10: error terms through a deep network, and the Jacobians that carry them; drawn by depth_explorer.js.

From layer l to l + 1 the map z^l -> z^{l+1} has the Jacobian F^l = W^{l+1} diag(sigma'(z^l)), and the whole way up is
dz^L/dz^l = F^{L-1} .. F^l. Its transpose carries delta^L down to delta^l, so ||delta^l|| / ||delta^L|| lies between its
smallest and its largest singular value. Page and kernel compute both from the same drawn numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import traitlets as T

from course_lib._checks import one_of
from course_lib.activations import ACTIVATIONS
from course_lib.backprop import Backpropagation
from course_lib.explorables._base import (
    ERROR,
    INK,
    LINE,
    QUIET,
    VALUE,
    WHITE,
    Explorable,
    circle,
    line,
    num,
    short,
    svg,
    text,
)
from course_lib.network import Network

WIDTH, DEPTHS, SCALES = 16, (2, 30), (0.1, 5.0)
NAMES = ("sigmoid", "tanh", "relu")


class DepthExplorer(Explorable):
    """Choose depth, activation and scale of the weights: how long the error term is in every layer, and why.

    depth : layers, 2 to 30, all of 16 neurons      activation : "sigmoid", "tanh", "relu", of all layers
    scale : 0.1 to 5; W = scale * N(0, 1) / sqrt(16), so that 1 is "xavier", sqrt(2) "he", and 4 plain N(0, 1)
    layer : the layer whose numbers are shown       seed : of the weights, the input and the target

    Lists by layer with None at 0: ``delta_norms``, and ``largest`` and ``smallest``, the singular values of dz^L/dz^l,
    an identity at l = L. ``factor`` is the share of ||delta|| that a layer passes on, averaged from the top to layer 1.
    ``net``, ``x``, ``y`` make the same network, with the loss "squared error".

    >>> explorer = DepthExplorer(depth=20)
    >>> explorer.delta_norms[1] < 1e-11, round(explorer.factor, 3)
    (True, 0.235)
    """

    depth = T.Int(10, min=DEPTHS[0], max=DEPTHS[1]).tag(sync=True)
    activation = T.Unicode("sigmoid").tag(sync=True)
    scale = T.Float(1.0, min=SCALES[0], max=SCALES[1]).tag(sync=True)
    layer = T.Int(1, min=1, max=DEPTHS[1]).tag(sync=True)
    seed = T.Int(0, min=0).tag(sync=True)
    _normal = T.List().tag(sync=True)  # of the weights of 30 layers, layer by layer, row by row; then x, then y

    def __init__(self, depth: int = 10, activation: str = "sigmoid", scale: float = 1.0, **traits: Any) -> None:
        one_of("activation", activation, NAMES)
        super().__init__(depth=depth, activation=activation, scale=scale, **traits)
        self._draw()

    @T.validate("activation")
    def _known(self, proposal: Any) -> str:
        return one_of("activation", proposal.value, NAMES)

    @T.observe("seed")
    def _draw(self, change: Any = None) -> None:
        # Three decimals, so that page and kernel read the same numbers, and few bytes.
        drawn = np.random.default_rng(self.seed).normal(size=DEPTHS[1] * WIDTH**2 + 2 * WIDTH)
        self._normal = drawn.round(3).tolist()

    @property
    def net(self) -> Network:
        """The network that is shown, its biases 0."""
        weights = np.reshape(self._normal[: self.depth * WIDTH**2], (self.depth, WIDTH, WIDTH))
        return Network.from_parameters(
            list(self.scale / math.sqrt(WIDTH) * weights), [0.0] * self.depth, self.activation
        )

    @property
    def x(self) -> np.ndarray:
        """The input (16, 1)."""
        return np.array(self._normal[-2 * WIDTH : -WIDTH])[:, None]

    @property
    def y(self) -> np.ndarray:
        """The target (16, 1)."""
        return np.array(self._normal[-WIDTH:])[:, None]

    @property
    def delta_norms(self) -> list:
        """||delta^l||, None at 0."""
        back = Backpropagation(self.net)
        back.gradient(self.x, self.y)
        return [None] + [float(np.linalg.norm(delta)) for delta in back.delta[1:]]

    @property
    def factor(self) -> float:
        """(||delta^1|| / ||delta^L||) to the power 1 / (L - 1)."""
        norms = self.delta_norms
        return (norms[1] / norms[-1]) ** (1 / (self.depth - 1)) if norms[-1] else 0.0

    @property
    def jacobians(self) -> list:
        """F^l = W^{l+1} diag(sigma'(z^l)) (16, 16) for l = 1 .. L - 1, None at 0."""
        net = self.net
        z, _ = net.forward(self.x)
        slope = ACTIVATIONS[self.activation].derivative
        return [None] + [net.W[l + 1] * slope(z[l]).T for l in range(1, self.depth)]

    @property
    def largest(self) -> list:
        """The largest singular value of dz^L/dz^l, None at 0."""
        found, product = [1.0], np.eye(WIDTH)
        for F in self.jacobians[:0:-1]:
            product = product @ F
            found.append(float(np.linalg.norm(product, 2)))
        return [None, *reversed(found)]

    @property
    def smallest(self) -> list:
        """The smallest singular value of dz^L/dz^l, None at 0; 0 where a neuron passes nothing on."""
        # 1 / the largest one of the inverse: of the product itself, rounding leaves 1e-16 times its largest.
        found, inverse = [1.0], np.eye(WIDTH)
        with np.errstate(over="ignore", invalid="ignore"):
            for F in self.jacobians[:0:-1]:
                if found[-1] and F.any(axis=0).all():
                    inverse = np.linalg.solve(F, inverse)
                    found.append(float(1 / np.linalg.norm(inverse, 2)) if np.isfinite(inverse).all() else 0.0)
                else:
                    found.append(0.0)
        return [None, *reversed(found)]

    def sentence(self) -> str:
        """The network, ||delta|| at both ends, and the singular values of the whole way."""
        norms = self.delta_norms
        return (
            f"Depth explorer: {self.depth} layers of {WIDTH} neurons, {self.activation}, scale {short(self.scale)}: "
            f"‖δ‖ is {num(norms[-1])} in layer {self.depth} and {num(norms[1])} in layer 1, a factor of "
            f"{num(self.factor)} per layer; the singular values of the Jacobian from layer 1 to the top are "
            f"{num(self.largest[1])} to {_rough(self.smallest[1])}."
        )

    def picture(self) -> str:
        """||delta^l||, and the band of singular values, both against the layer."""
        norms = self.delta_norms[1:]
        relative = [v / norms[-1] if norms[-1] else 0.0 for v in norms]
        largest, smallest = self.largest[1:], self.smallest[1:]
        parts = [text(20, 18, f"{self.activation}, scale {short(self.scale)}", anchor="start", weight=600)]
        low, high = window(norms)
        parts += _panel(60, low, high, "‖δ^l‖", [(norms, VALUE, "")])
        low, high = window(relative + largest)
        curves = [(largest, INK, "7 3"), (smallest, ERROR, "2 3"), (relative, VALUE, "")]
        parts += _panel(440, low, high, "singular values: largest, smallest", curves)
        parts.append(text(440, 328, "largest  − −     smallest  · ·     ‖δ^l‖ / ‖δ^L‖  —", QUIET, "start", 12))
        return svg(780, 344, *parts)


def _panel(left: float, low: int, high: int, title: str, curves: list) -> list[str]:
    top, wide, tall = 60.0, 310.0, 220.0
    L = len(curves[0][0])

    def place(l: int, value: float) -> tuple[float, float]:
        power = math.log10(value) if value else low - 1
        return left + wide * (l - 1) / (L - 1), top + tall * min(1.0, (high - power) / (high - low))

    parts = [text(left, top - 16, title, anchor="start")]
    for power in marks(low, high):
        y = top + tall * (high - power) / (high - low)
        parts.append(line([(left, y), (left + wide, y)], LINE, 1))
        parts.append(text(left - 8, y, f"1e{power}".replace("-", "−") if power else "1", QUIET, "end", 11))
    for l in (1, L):
        parts.append(text(place(l, 1)[0], top + tall + 16, f"layer {l}", QUIET, "middle", 11))
    for values, colour, dash in curves:
        parts.append(line([place(l, v) for l, v in enumerate(values, 1)], colour, 2, dash))
    parts += [circle(*place(l, v), 3.5, WHITE, curves[-1][1]) for l, v in enumerate(curves[-1][0], 1)]
    return parts


def window(values: list[float]) -> tuple[int, int]:
    """Powers of ten of a log axis that holds the values: -8 to 2 at least, so that a steep fall looks steep.

    >>> window([0.5, 1e-12, 0.0])
    (-12, 2)
    """
    powers = [math.log10(value) for value in values if value]
    return min(-8, math.floor(min(powers, default=0) + 1e-9)), max(2, math.ceil(max(powers, default=0) - 1e-9))


def marks(low: int, high: int) -> list[int]:
    """The powers that get a line, 1 among them.

    >>> marks(-8, 2)
    [-8, -6, -4, -2, 0, 2]
    """
    step = next(step for step in (1, 2, 4, 5, 10, 20, 50) if (high - low) / step <= 7)
    return [power for power in range(low, high + 1) if power % step == 0]


def _rough(value: float) -> str:
    """A small number with two digits: rounding in the slopes leaves no more of the least singular values."""
    return num(value) if value == 0 or value >= 1e-3 else f"{value:.1e}".replace("e-0", "e−").replace("e-", "e−")
