"""Chapter 04: a grid of points carried by f and by its Jacobian; state in traits, drawn by jacobian_stage.js."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import traitlets as T

from course_lib.activations import dtanh, softmax, tanh
from course_lib.explorables._base import ERROR, QUIET, VALUE, Explorable, line, num, short, svg, text
from course_lib.jacobians import affine_jacobian, elementwise_jacobian, numerical_jacobian, softmax_jacobian

LINES, PIECES = 6, 5  # the grid: 6 x 6 squares; each side of a square is drawn in 5 pieces
WINDOWS = {  # (x1 low, high, x2 low, high), the same of the outputs
    "affine": ((-2, 2, -2, 2), (-5, 5, -5, 5)),
    "polar": ((-0.5, 3.5, -2, 2), (-4, 4, -4, 4)),
    "product": ((-2, 2, -2, 2), (-4.5, 4.5, -4.5, 4.5)),
    "tanh": ((-2, 2, -2, 2), (-1.5, 1.5, -1.5, 1.5)),
    "softmax": ((-2, 2, -2, 2), (-0.25, 1.25, -0.25, 1.25)),
}
START = {"affine": (0.5, 0.5), "polar": (2, 0.5), "product": (1, 0.5), "tanh": (0.5, -0.5), "softmax": (0.5, -0.5)}


def polar(x: np.ndarray) -> np.ndarray:
    """(r, phi) -> (r cos phi, r sin phi)."""
    r, phi = x
    return np.array([r * np.cos(phi), r * np.sin(phi)])


def polar_jacobian(x: np.ndarray) -> np.ndarray:
    """(2, 2) Jacobian of ``polar``."""
    r, phi = x
    return np.array([[np.cos(phi), -r * np.sin(phi)], [np.sin(phi), r * np.cos(phi)]])


def product(x: np.ndarray) -> np.ndarray:
    """(x1, x2) -> (x1 x2, x1^2 - x2^2)."""
    return np.array([x[0] * x[1], x[0] ** 2 - x[1] ** 2])


def product_jacobian(x: np.ndarray) -> np.ndarray:
    """(2, 2) Jacobian of ``product``."""
    return np.array([[x[1], x[0]], [2 * x[0], -2 * x[1]]])


def grid_points(x: Sequence[float], nudge: float) -> np.ndarray:
    """The points (K, 2) of the grid of side 2 nudge around x, in the order of the page's ``gridPoints``."""
    n = LINES * PIECES
    i, j = np.mgrid[0 : n + 1, 0 : n + 1]
    on_a_line = (i % PIECES == 0) | (j % PIECES == 0)
    return np.asarray(x) + nudge * (2 * np.stack([j[on_a_line], i[on_a_line]], axis=1) / n - 1)


class JacobianStage(Explorable, module="jacobian_stage"):
    """Drag a point: the grid around it is carried by f (curved) and by its linear part, f(x) + J v (dashed).

    f : "affine", "polar", "product", "tanh", "softmax", or your own callable (2,) -> (2,), which the kernel then computes
    x : the point, two numbers      nudge : half the side of the grid, 0.05 to 1      A, b : the affine map A x + b
    window : (x1 low, high, x2 low, high) in which x may move when f is your own

    In the next cell ``stage.x``, ``stage.nudge``, ``stage.J`` say where the reader left it; setting a trait moves the page.

    >>> stage = JacobianStage("polar", x=[2, 0])
    >>> stage.J
    array([[ 1., -0.],
           [ 0.,  2.]])
    >>> stage.x = [1, 0]
    >>> print(stage)
    Jacobian stage, polar: f(1, 0) = (1.0000, 0), J = [1.0000 0; 0 1.0000], gap 0.6454 at nudge 0.75.
    """

    preset = T.Unicode("polar").tag(sync=True)
    x = T.List(T.Float()).tag(sync=True)
    nudge = T.Float(0.75, min=0.05, max=1).tag(sync=True)
    column = T.Int(0, min=0, max=2).tag(sync=True)
    A = T.List([[2.0, 0.5], [-1.0, 1.0]]).tag(sync=True)
    b = T.List([0.5, -0.5]).tag(sync=True)
    _name = T.Unicode("").tag(sync=True)
    _start = T.List([0.0, 0.0]).tag(sync=True)
    _inputs = T.List().tag(sync=True)
    _outputs = T.List().tag(sync=True)
    _answer = T.Dict().tag(sync=True)

    def __init__(
        self,
        f: str | Callable[[np.ndarray], Any] = "polar",
        x: Sequence[float] | None = None,
        window: Sequence[float] = (-2, 2, -2, 2),
        **traits: Any,
    ) -> None:
        self._own = f if callable(f) else None
        if self._own is None and f not in WINDOWS:
            raise ValueError(f"f must be one of {', '.join(WINDOWS)}, or a function of two numbers, got {f!r}")
        if self._own is None:
            start = START[f]
        else:
            start = (0.25 * window[0] + 0.75 * window[1], 0.25 * window[2] + 0.75 * window[3])
            name = getattr(f, "__name__", "f")
            traits |= {"_name": "your f" if name == "<lambda>" else name, "_inputs": list(map(float, window))}
            traits |= {"_outputs": self._outputs_over(window), "_start": list(map(float, start))}
        x = [float(v) for v in (start if x is None else x)]
        super().__init__(preset="own" if self._own else f, x=x, **traits)
        self._compute()

    @T.validate("x")
    def _two_numbers(self, proposal: Any) -> list[float]:
        x = [float(v) for v in proposal.value]
        if len(x) != 2:
            raise T.TraitError(f"x must be two numbers, got {len(x)}")
        return x

    @T.validate("preset")
    def _known(self, proposal: Any) -> str:
        if proposal.value not in WINDOWS and not (proposal.value == "own" and self._own):
            raise T.TraitError(f"preset must be one of {', '.join(WINDOWS)}, got {proposal.value!r}")
        return proposal.value

    @property
    def f(self) -> Callable[[np.ndarray], np.ndarray]:
        """The map on the stage, a function (2,) -> (2,)."""
        own, A, b = self._own, np.array(self.A), np.array(self.b)
        maps = {"affine": lambda x: A @ x + b, "polar": polar, "product": product, "tanh": tanh, "softmax": softmax, "own": own}
        return maps[self.preset]

    @property
    def J(self) -> np.ndarray:
        """(2, 2) Jacobian of ``f`` at ``x``; central differences for your own f."""
        x = np.array(self.x)
        jacobians = {
            "affine": lambda: affine_jacobian(np.array(self.A)),
            "polar": lambda: polar_jacobian(x),
            "product": lambda: product_jacobian(x),
            "tanh": lambda: elementwise_jacobian(dtanh, x),
            "softmax": lambda: softmax_jacobian(x),
            "own": lambda: numerical_jacobian(self._value, x),
        }
        return jacobians[self.preset]()

    @property
    def gap(self) -> float:
        """Largest distance between f(x + v) and f(x) + J v over the points of the grid."""
        x, points = np.array(self.x), grid_points(self.x, self.nudge)
        images = np.array([self._value(p) for p in points])
        return float(np.hypot(*(images - self._value(x) - (points - x) @ self.J.T).T).max())

    def _value(self, x: np.ndarray) -> np.ndarray:
        """f(x) as two floats; says so where f gives something else."""
        y = np.asarray(self.f(x), dtype=float)
        if y.shape != (2,):
            raise ValueError(f"f must give two numbers, an array of shape (2,), got shape {y.shape}")
        return y

    def _outputs_over(self, window: Sequence[float]) -> list[float]:
        """A square window of the outputs that holds f over the input window."""
        grid = np.stack(np.meshgrid(np.linspace(*window[:2], 9), np.linspace(*window[2:], 9)), axis=-1).reshape(-1, 2)
        values = np.array([np.asarray(self._own(p), dtype=float) for p in grid])
        if values.shape != (81, 2):
            raise ValueError(f"f must give two numbers, an array of shape (2,), got shape {values.shape[1:]}")
        values = values[np.isfinite(values).all(axis=1)]
        low, high = (values.min(axis=0), values.max(axis=0)) if len(values) else (np.full(2, -1.0), np.full(2, 1.0))
        half = max(0.55 * (high - low).max(), 0.1)
        return [float(v) for middle in (low + high) / 2 for v in (middle - half, middle + half)]

    # The page sends the newest x only when the answer to the one before has come (ipywidgets sends one change at a
    # time and keeps the last), so a slow f never makes a queue.
    @T.observe("x", "nudge", "preset")
    def _compute(self, change: Any = None) -> None:
        if self.preset != "own":
            return
        answer: dict[str, Any] = {"x": self.x, "nudge": self.nudge, "error": ""}
        try:
            answer["y"] = self._value(np.array(self.x)).tolist()
            answer["J"] = self.J.tolist()
            answer["images"] = [self._value(p).tolist() for p in grid_points(self.x, self.nudge)]
        except Exception as error:  # the reader's function: whatever it raises belongs on the page, not in a log
            answer |= {"y": None, "J": None, "images": None, "error": f"{type(error).__name__}: {error}"}
        self._answer = answer

    def sentence(self) -> str:
        name = self._name if self.preset == "own" else self.preset
        x = ", ".join(map(short, self.x))
        try:
            y, J, gap = self._value(np.array(self.x)), self.J, self.gap
        except Exception as error:
            return f"Jacobian stage, {name}: f({x}) raises {type(error).__name__}: {error}."
        rows = "; ".join(" ".join(num(v) for v in row) for row in J)
        gap_text = "no gap" if gap < 1e-12 else f"gap {num(gap)}"
        return f"Jacobian stage, {name}: f({x}) = ({', '.join(map(num, y))}), J = [{rows}], {gap_text} at nudge {short(self.nudge)}."

    def picture(self) -> str:
        inputs, outputs = WINDOWS.get(self.preset, (tuple(self._inputs), tuple(self._outputs)))
        x, points = np.array(self.x), grid_points(self.x, self.nudge)
        parts = []

        def frame(left: float, window: Sequence[float], title: str) -> Callable[[np.ndarray], np.ndarray]:
            low, span = np.array([window[0], window[2]]), np.array([window[1] - window[0], window[3] - window[2]])
            parts.append(line([(left, 30), (left + 300, 30), (left + 300, 330), (left, 330)], close=True))
            parts.append(text(left, 16, title, anchor="start", weight=600))
            place = lambda p: np.stack([left + 300 * (p[..., 0] - low[0]) / span[0], 330 - 300 * (p[..., 1] - low[1]) / span[1]], -1)  # noqa: E731
            zero = place(np.zeros(2)).clip([left, 30], [left + 300, 330])
            parts.extend([line([(left, zero[1]), (left + 300, zero[1])]), line([(zero[0], 30), (zero[0], 330)])])
            return place

        def mesh(place: Callable[[np.ndarray], np.ndarray], p: np.ndarray, **style: Any) -> None:
            n = LINES * PIECES
            u = np.rint((points - x) / self.nudge * n / 2 + n / 2).astype(int)
            for axis in (0, 1):
                parts.extend(line(place(p[u[:, axis] == k]), **style) for k in range(0, n + 1, PIECES))

        place = frame(16, inputs, "input")
        mesh(place, points, stroke=QUIET, width=1)
        tips = x + self.nudge * np.eye(2)
        parts.extend(line(place(np.array([x, tip])), "#1f2328", 2.5) for tip in tips)
        try:
            y, J = self._value(x), self.J
            images = np.array([self._value(p) for p in points])
        except Exception:
            return svg(664, 346, *parts)
        place = frame(348, outputs, "output: by f (grey), by J (blue)")
        mesh(place, images, stroke=QUIET, width=1)
        flat = y + (points - x) @ J.T
        mesh(place, flat, stroke=VALUE, width=1, dash="4 3")
        worst = np.hypot(*(images - flat).T).argmax()
        parts.append(line(place(np.array([images[worst], flat[worst]])), ERROR, 3))
        parts.extend(line(place(np.array([y, y + self.nudge * column])), "#1f2328", 2.5) for column in J.T)
        return svg(664, 346, *parts)
