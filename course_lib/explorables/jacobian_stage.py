"""Chapter 04: a grid of points carried by f and by its Jacobian; state in traits, drawn by jacobian_stage.js."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import traitlets as T
from numpy.typing import ArrayLike

from course_lib.activations import dtanh, softmax, tanh
from course_lib.explorables._base import ERROR, INK, QUIET, VALUE, Explorable, line, num, short, svg, text
from course_lib.jacobians import affine_jacobian, elementwise_jacobian, numerical_jacobian, softmax_jacobian

LINES, PIECES = 6, 3  # the grid: 6 x 6 squares; each side of a square is drawn in 3 pieces


def _polar(x: np.ndarray) -> np.ndarray:
    return np.array([x[0] * np.cos(x[1]), x[0] * np.sin(x[1])])


def _polar_jacobian(x: np.ndarray) -> np.ndarray:
    return np.array([[np.cos(x[1]), -x[0] * np.sin(x[1])], [np.sin(x[1]), x[0] * np.cos(x[1])]])


def _product(x: np.ndarray) -> np.ndarray:
    return np.array([x[0] * x[1], x[0] ** 2 - x[1] ** 2])


def _product_jacobian(x: np.ndarray) -> np.ndarray:
    return np.array([[x[1], x[0]], [2 * x[0], -2 * x[1]]])


class Preset(NamedTuple):
    """A map that the page knows, too: f, its Jacobian, both windows (x1 low, high, x2 low, high), where to start."""

    f: Callable[..., np.ndarray]
    J: Callable[..., np.ndarray]
    inputs: tuple[float, float, float, float]
    outputs: tuple[float, float, float, float]
    start: tuple[float, float]


SQUARE = (-2.0, 2.0, -2.0, 2.0)
PRESETS = {  # the affine map takes its matrix and its vector from the traits A and b
    "affine": Preset(lambda x, A, b: A @ x + b, lambda x, A, b: affine_jacobian(A), SQUARE, (-5, 5, -5, 5), (0.5, 0.5)),
    "polar": Preset(_polar, _polar_jacobian, (-0.5, 3.5, -2, 2), (-4, 4, -4, 4), (2, 0.5)),
    "product": Preset(_product, _product_jacobian, SQUARE, (-4.5, 4.5, -4.5, 4.5), (1, 0.5)),
    "tanh": Preset(tanh, lambda x: elementwise_jacobian(dtanh, x), SQUARE, (-1.5, 1.5, -1.5, 1.5), (0.5, -0.5)),
    "softmax": Preset(softmax, softmax_jacobian, SQUARE, (-0.25, 1.25, -0.25, 1.25), (0.5, -0.5)),
}


def grid_points(x: Sequence[float], nudge: float) -> np.ndarray:
    """The points (K, 2) of the grid of side 2 nudge around x, in the order of the page's ``gridPoints``."""
    n = LINES * PIECES
    i, j = np.mgrid[0 : n + 1, 0 : n + 1]
    on_a_line = (i % PIECES == 0) | (j % PIECES == 0)
    return np.asarray(x) + nudge * (2 * np.stack([j[on_a_line], i[on_a_line]], axis=1) / n - 1)


def _two(y: ArrayLike) -> np.ndarray:
    """A value of f as two floats; says so where f gives something else."""
    y = np.asarray(y, dtype=float)
    if y.shape != (2,):
        raise ValueError(f"f must give two numbers, an array of shape (2,), got shape {y.shape}")
    return y


def _window_of(f: Callable, window: Sequence[float]) -> list[float]:
    """A square window of the outputs that holds f over the input window, wherever f has a value there."""
    values: list[np.ndarray] = []
    x1, x2 = np.linspace(window[0], window[1], 9), np.linspace(window[2], window[3], 9)
    for point in product(x1, x2):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            values.append(_two(f(np.array(point))))
    finite = [v for v in values if np.isfinite(v).all()]
    seen = np.array(finite) if finite else np.array([[-1.0, -1.0], [1.0, 1.0]])
    low, high = seen.min(axis=0), seen.max(axis=0)
    half = max(0.55 * (high - low).max(), 0.1)
    return [float(v) for middle in (low + high) / 2 for v in (middle - half, middle + half)]


class JacobianStage(Explorable):
    """Drag a point: the grid around it is carried by f (curved) and by its linear part, f(x) + J v (dashed).

    f : "affine", "polar", "product", "tanh", "softmax", or your own callable (2,) -> (2,), computed by the kernel
    x : the point, two numbers      nudge : half the side of the grid, 0.05 to 1      A, b : the affine map A x + b
    window : (x1 low, high, x2 low, high) in which x may move when f is your own

    In the next cell ``stage.x``, ``stage.nudge``, ``stage.J`` say where the reader left it; setting a trait moves the
    page.

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
        if callable(f):
            preset, start = "own", (0.25 * window[0] + 0.75 * window[1], 0.25 * window[2] + 0.75 * window[3])
            name = getattr(f, "__name__", "f")
            traits |= {"_name": "your f" if name == "<lambda>" else name, "_start": list(map(float, start))}
            _two(f(np.array(start if x is None else x, dtype=float)))  # better refused here than on the page
            traits |= {"_inputs": list(map(float, window)), "_outputs": _window_of(f, window)}
        elif f in PRESETS:
            preset, start = f, PRESETS[f].start
        else:
            raise ValueError(f"f must be one of {', '.join(PRESETS)}, or a function of two numbers, got {f!r}")
        super().__init__(preset=preset, x=[float(v) for v in (start if x is None else x)], **traits)
        self._compute()

    @T.validate("x")
    def _two_numbers(self, proposal: Any) -> list[float]:
        x = [float(v) for v in proposal.value]
        if len(x) != 2:
            raise T.TraitError(f"x must be two numbers, got {len(x)}")
        return x

    @T.validate("preset")
    def _known(self, proposal: Any) -> str:
        if proposal.value not in PRESETS and not (proposal.value == "own" and self._own):
            raise T.TraitError(f"preset must be one of {', '.join(PRESETS)}, got {proposal.value!r}")
        return proposal.value

    @property
    def f(self) -> Callable[[np.ndarray], np.ndarray]:
        """The map on the stage, a function (2,) -> (2,)."""
        if self._own and self.preset == "own":
            return self._own
        return partial(PRESETS[self.preset].f, **self._affine)

    @property
    def J(self) -> np.ndarray:
        """(2, 2) Jacobian of ``f`` at ``x``; central differences for your own f."""
        if self.preset == "own":
            return numerical_jacobian(self._value, np.array(self.x))
        return PRESETS[self.preset].J(np.array(self.x), **self._affine)

    @property
    def _affine(self) -> dict[str, np.ndarray]:
        return {"A": np.array(self.A), "b": np.array(self.b)} if self.preset == "affine" else {}

    @property
    def gap(self) -> float:
        """Largest distance between f(x + v) and f(x) + J v over the points of the grid where f has a value."""
        points, y, J, images = self._scene()
        return float(np.nanmax(np.hypot(*(images - y - (points - self.x) @ J.T).T)))

    def _scene(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The grid's points (K, 2), f(x), J, and the images of the points (K, 2); raises where f does, or is nan."""
        with np.errstate(all="ignore"):
            points, y, J = grid_points(self.x, self.nudge), self._value(np.array(self.x)), self.J
            if not (np.isfinite(y).all() and np.isfinite(J).all()):
                raise ValueError("f or a slope of it is infinite or nan here")
            return points, y, J, np.array([self._value(p) for p in points])

    def _value(self, x: np.ndarray) -> np.ndarray:
        return _two(self.f(x))

    # The page sends the newest x only when the answer to the one before has come (ipywidgets sends one change at a
    # time and keeps the last), so a slow f never makes a queue.
    @T.observe("x", "nudge", "preset")
    def _compute(self, change: Any = None) -> None:
        if self.preset != "own":
            return
        answer: dict[str, Any] = {"x": self.x, "nudge": self.nudge, "error": ""}
        try:
            _, y, J, images = self._scene()
            finite = np.isfinite(images).all(axis=1)
            answer |= {"y": y.tolist(), "J": J.tolist()}
            answer["images"] = [v if there else None for v, there in zip(images.tolist(), finite, strict=True)]
        except Exception as error:  # the reader's function: whatever it raises belongs on the page, not in a log
            answer |= {"y": None, "J": None, "images": None, "error": f"{type(error).__name__}: {error}"}
        self._answer = answer

    def sentence(self) -> str:
        """The point, its image, J and the gap."""
        name = self._name if self.preset == "own" else self.preset
        x = ", ".join(map(short, self.x))
        try:
            _, y, J, _ = self._scene()
            gap = self.gap
        except Exception as error:
            return f"Jacobian stage, {name}: f({x}) raises {type(error).__name__}: {error}."
        rows = "; ".join(" ".join(num(v) for v in row) for row in J)
        gap_text = "no gap" if gap < 1e-12 else f"gap {num(gap)}"
        image = f"f({x}) = ({', '.join(map(num, y))})"
        return f"Jacobian stage, {name}: {image}, J = [{rows}], {gap_text} at nudge {short(self.nudge)}."

    def picture(self) -> str:
        """Both planes with their grids."""
        inputs, outputs = PRESETS[self.preset][2:4] if self.preset in PRESETS else (self._inputs, self._outputs)
        x, points = np.array(self.x), grid_points(self.x, self.nudge)
        parts = []

        def frame(left: float, window: Sequence[float], title: str) -> Callable[[np.ndarray], np.ndarray]:
            low, span = np.array([window[0], window[2]]), np.array([window[1] - window[0], window[3] - window[2]])
            parts.append(line([(left, 30), (left + 300, 30), (left + 300, 330), (left, 330)], close=True))
            parts.append(text(left, 16, title, anchor="start", weight=600))

            def place(p: np.ndarray) -> np.ndarray:
                share = (p - low) / span
                return np.stack([left + 300 * share[..., 0], 330 - 300 * share[..., 1]], axis=-1)

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
        parts.extend(line(place(np.array([x, tip])), INK, 2.5) for tip in tips)
        try:
            _, y, J, images = self._scene()
        except Exception:
            return svg(664, 346, *parts)
        place = frame(348, outputs, "output: by f (grey), by J (blue, dashed)")
        mesh(place, images, stroke=QUIET, width=1)
        flat = y + (points - x) @ J.T
        mesh(place, flat, stroke=VALUE, width=1, dash="4 3")
        worst = np.nanargmax(np.hypot(*(images - flat).T))
        parts.append(line(place(np.array([images[worst], flat[worst]])), ERROR, 3))
        parts.extend(line(place(np.array([y, y + self.nudge * column])), INK, 2.5) for column in J.T)
        return svg(664, 346, *parts)
