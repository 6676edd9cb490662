"""Chapter 01: a line through pairs, its loss, and the same loss as a surface; state in traits, drawn by line_fitter.js.

loss of a pair (1.2), their mean (1.3), a step down (1.4): as the page computes them, so they stand here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets as T
from numpy.typing import ArrayLike

from course_lib import _checks
from course_lib.explorables._base import (
    ERROR,
    INK,
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

SPRING = [0.0, 1.0, 2.0, 3.0, 4.0], [2.1, 2.4, 3.2, 3.4, 4.1]  # newtons, centimetres
NICE = (1.0, 2.0, 5.0)


def nice(value: float, up: bool = False) -> float:
    """The nearest 1, 2 or 5 times a power of ten, at most ``value``, or at least where ``up``.

    >>> nice(0.149), nice(0.149, up=True), nice(5.0)
    (0.1, 0.2, 5.0)
    """
    power = int(np.floor(np.log10(value)))
    steps = [float(f"{k:g}e{p}") for p in (power - 1, power, power + 1) for k in NICE]
    tiny = 1e-9 * value
    return min(s for s in steps if s >= value - tiny) if up else max(s for s in steps if s <= value + tiny)


def _padded(values: np.ndarray, share: float) -> list[float]:
    low, high = float(values.min()), float(values.max())
    pad = share * ((high - low) or 2.0)
    step = nice(pad) / 2
    return [float(np.floor((low - pad) / step + 1e-9) * step), float(np.ceil((high + pad) / step - 1e-9) * step)]


class LineFitter(Explorable):
    """Turn and lift a line, watch its residuals, and see the loss as a bar and as a point on its surface.

    x, y : (N,) the pairs; by default the lengths of a loaded spring      w, b : slope and height of the line
    eta  : learning rate of "one step down", by default one that does not overshoot
    squares : residuals as squares instead of sticks      arrow : show the step down on the surface

    In the next cell ``fitter.w``, ``fitter.b``, ``fitter.loss``, ``fitter.gradient`` say where the reader left it.

    >>> fitter = LineFitter([0, 1, 2], [1, 2, 3.5], w=1, b=1)
    >>> fitter.losses
    array([0.   , 0.   , 0.125])
    >>> print(fitter)
    Line fitter: 3 pairs, w = 1, b = 1, loss 0.0417 (mean of 0, 0, 0.1250), gradient (−0.3333, −0.1667); a step of
    eta = 0.2 leads to w = 1.0667, b = 1.0333, loss 0.0204.
    """

    x = T.List(T.Float()).tag(sync=True)
    y = T.List(T.Float()).tag(sync=True)
    w = T.Float(0.0).tag(sync=True)
    b = T.Float(0.0).tag(sync=True)
    eta = T.Float(0.1, min=0).tag(sync=True)
    squares = T.Bool(False).tag(sync=True)
    arrow = T.Bool(False).tag(sync=True)
    _start = T.List().tag(sync=True)  # w, b of "start over"
    _trail = T.List().tag(sync=True)  # [w, b] of the steps down, the last is where the line is
    _data = T.List().tag(sync=True)  # window of the pairs: x low, high, y low, high
    _theta = T.List().tag(sync=True)  # window of the surface: w low, high, b low, high
    _fastest = T.Float().tag(sync=True)  # end of the slider of eta
    _full = T.Float().tag(sync=True)  # the loss at which the bar is full

    def __init__(
        self,
        x: ArrayLike = SPRING[0],
        y: ArrayLike = SPRING[1],
        w: float | None = None,
        b: float | None = None,
        eta: float | None = None,
        **traits: Any,
    ) -> None:
        x, y = _checks.vector("x", x).astype(float), _checks.vector("y", y).astype(float)
        if x.shape != y.shape:
            raise ValueError(f"x and y must have one number for each pair, got {len(x)} and {len(y)}")
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ValueError("x and y must be finite; try x[np.isfinite(x)]")
        A = np.column_stack([x, np.ones_like(x)])
        best = np.linalg.lstsq(A, y, rcond=None)[0]
        scale = nice(0.05 * (float(np.ptp(y)) or 1.0))
        w = 0.0 if w is None else float(w)
        b = round(float(y.mean() - w * x.mean()) / scale) * scale if b is None else float(b)
        fast = float(np.linalg.eigvalsh(A.T @ A / len(x))[-1])
        super().__init__(
            x=x.tolist(),
            y=y.tolist(),
            w=w,
            b=float(f"{b:.12g}"),
            eta=nice(1 / fast) if eta is None else float(eta),
            **traits,
        )
        self._start = [self.w, self.b]
        self._data = [*_padded(x, 0.12), *_padded(y, 0.4)]
        self._theta = self._window(best)
        self._fastest = max(nice(2.5 / fast, up=True), self.eta)
        self._full = nice(max(1.5 * self.loss, 0.75 * float(y.var()), 1e-6), up=True)

    def _window(self, best: np.ndarray) -> list[float]:
        """The surface around its lowest point; w and b on one scale where that is possible, so that angles are true."""
        x, y = np.array(self.x), np.array(self.y)
        width = float(np.ptp(x)) or 1.0
        half = np.array([1.4 * (float(np.ptp(y)) or 1.0) / width] * 2)
        half[1] *= max(abs(x.mean()), width / 2)
        if half.max() < 4 * half.min():
            half[:] = half.max()
        half = np.maximum(half, 1.15 * abs(np.array([self.w, self.b]) - best))
        step = [nice(h / 10) for h in half]
        low = [float(np.floor((m - h) / s) * s) for m, h, s in zip(best, half, step, strict=True)]
        high = [float(np.ceil((m + h) / s) * s) for m, h, s in zip(best, half, step, strict=True)]
        return [float(f"{v:.12g}") for v in (low[0], high[0], low[1], high[1])]

    @property
    def residuals(self) -> np.ndarray:
        """(N,) prediction minus target, in the units of y."""
        return self.w * np.array(self.x) + self.b - np.array(self.y)

    @property
    def losses(self) -> np.ndarray:
        """(N,) loss of each pair, half the square of its residual (1.2)."""
        return 0.5 * self.residuals**2

    @property
    def loss(self) -> float:
        """The empirical loss, their mean (1.3)."""
        return float(self.losses.mean())

    @property
    def gradient(self) -> np.ndarray:
        """(2,) slopes of the loss along w and b (1.5)."""
        return np.array([(self.residuals * np.array(self.x)).mean(), self.residuals.mean()])

    def sentence(self) -> str:
        """The line, its loss, the gradient, and where a step down leads."""
        each = f" (mean of {', '.join(map(num, self.losses))})" if len(self.x) <= 8 else ""
        w, b = np.array([self.w, self.b]) - self.eta * self.gradient
        then = 0.5 * float(np.mean((w * np.array(self.x) + b - np.array(self.y)) ** 2))
        return (
            f"Line fitter: {len(self.x)} pairs, w = {short(self.w)}, b = {short(self.b)}, loss {num(self.loss)}{each}, "
            f"gradient ({', '.join(map(num, self.gradient))}); a step of eta = {short(self.eta)} leads to "
            f"w = {short(w)}, b = {short(b)}, loss {num(then)}."
        )

    def picture(self) -> str:
        """The pairs with the line, and the surface with the point."""
        x, y = np.array(self.x), np.array(self.y)
        (x0, x1, y0, y1), (w0, w1, b0, b1) = self._data, self._theta
        parts = [
            f'<clipPath id="{name}"><rect x="{left}" y="30" width="300" height="300"/></clipPath>'
            for name, left in (("pairs", 36), ("surface", 396))
        ]

        def place(left: float, window: tuple[float, ...], u: Any, v: Any) -> np.ndarray:
            low_u, high_u, low_v, high_v = window
            return np.stack(
                np.broadcast_arrays(
                    left + 300 * (u - low_u) / (high_u - low_u), 330 - 300 * (v - low_v) / (high_v - low_v)
                ),
                axis=-1,
            )

        def frame(left: float, title: str, names: tuple[str, str], window: tuple[float, ...]) -> None:
            corners = [(left, 30), (left + 300, 30), (left + 300, 330), (left, 330)]
            parts.append(line(corners, close=True))
            parts.append(text(left, 16, title, anchor="start", weight=600))
            parts.append(text(left + 150, 346, names[0]))
            parts.append(text(left - 10, 180, names[1], anchor="end"))
            for at, value, anchor in ((left, window[0], "start"), (left + 300, window[1], "end")):
                parts.append(text(at, 346, short(value), QUIET, anchor, 11))
            for at, value in ((324, window[2]), (36, window[3])):
                parts.append(text(left - 5, at, short(value), QUIET, "end", 11))

        data = (x0, x1, y0, y1)
        frame(36, f"{len(x)} pairs and the line", ("x", "y"), data)
        parts.append('<g clip-path="url(#pairs)">')
        ends = np.array([x0, x1])
        parts.append(line(place(36, data, ends, self.w * ends + self.b), VALUE, 2.5))
        for point, foot in zip(place(36, data, x, y), place(36, data, x, self.w * x + self.b), strict=True):
            if self.squares:
                side = foot[1] - point[1]
                corners = [point, foot, foot + [abs(side), 0], point + [abs(side), 0]]
                parts.append(line(corners, ERROR, 1.5, close=True))
            else:
                parts.append(line([point, foot], ERROR, 2.5))
            parts.append(circle(point[0], point[1], 5, WHITE, INK))
        parts.append("</g>")

        surface = (w0, w1, b0, b1)
        frame(396, "the loss over w and b", ("w", "b"), surface)
        H = np.array([[np.mean(x * x), x.mean()], [x.mean(), 1.0]])
        least = np.linalg.lstsq(H, np.array([np.mean(x * y), y.mean()]), rcond=None)[0]
        lowest = 0.5 * float(np.mean((least[0] * x + least[1] - y) ** 2))
        top = max(0.5 * float(np.mean((w * x + b - y) ** 2)) for w in (w0, w1) for b in (b0, b1))
        pixels = np.array([300 / (w1 - w0), -300 / (b1 - b0)])  # per unit of w and of b
        values, axes = np.linalg.eigh(H / np.outer(pixels, pixels))
        flat, steep = np.sqrt(2 / np.maximum(values, 1e-6 * values[1]))  # a valley without an end ends far outside
        middle = place(396, surface, *least)
        turn = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
        parts.append(
            '<g clip-path="url(#surface)">'
            f'<g transform="translate({middle[0]:.2f} {middle[1]:.2f}) rotate({turn:.2f})" '
            f'fill="{VALUE}" fill-opacity="0.055" stroke="{VALUE}" stroke-opacity="0.4">'
        )
        power = int(np.floor(np.log10(top)))
        for level in (float(f"{k:g}e{p}") for p in range(power - 3, power + 1) for k in NICE):
            if max(lowest, 1e-3 * top) < level <= top:
                size = np.sqrt(level - lowest)
                parts.append(f'<ellipse rx="{steep * size:.2f}" ry="{flat * size:.2f}"/>')
        parts.append("</g>")
        parts.extend(line([middle + [-5, way], middle + [5, -way]], INK, 2) for way in (5, -5))
        here = np.array([self.w, self.b])
        at = place(396, surface, *here).clip([396, 30], [696, 330])
        if self.arrow:
            parts.append(line([at, place(396, surface, *(here - self.eta * self.gradient))], ERROR, 3))
        parts.append("</g>")
        parts.append(circle(at[0], at[1], 7, WHITE, VALUE))
        parts.append(text(36, 374, f"w = {short(self.w)}, b = {short(self.b)}", anchor="start"))
        parts.append(text(396, 374, f"loss {num(self.loss)}, the mean of {len(x)}", VALUE, "start", weight=600))
        return svg(712, 392, *parts)
