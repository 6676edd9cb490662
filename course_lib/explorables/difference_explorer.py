"""Chapter 03: difference quotients and their error against the step; state in traits, drawn by difference_explorer.js.

Both precisions are computed as the page does it: in single precision every operation is rounded to float32.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import traitlets as T

from course_lib._checks import one_of
from course_lib.explorables._base import ERROR, INK, LINE, QUIET, VALUE, WHITE, Explorable, circle, line, num, svg, text

Round = Callable[[float], float]  # to the precision of the moment


def _single(value: float) -> float:
    with np.errstate(over="ignore", under="ignore"):
        return float(np.float32(value))


PRECISIONS: dict[str, Round] = {"float64": float, "float32": _single}
METHODS = ("one-sided", "central", "complex step")


class Function(NamedTuple):
    """f and Im f(x + i h) in the precision of r, the slope f', and where the page starts."""

    f: Callable[[float, Round], float]
    imaginary: Callable[[float, float, Round], float]
    slope: Callable[[float], float]
    start: float


def _cube(x: float, r: Round) -> float:
    return r(r(x * x) * x)


def _cube_imaginary(x: float, h: float, r: Round) -> float:
    re, im = r(r(x * x) - r(h * h)), r(2 * r(x * h))
    return r(r(re * h) + r(im * x))


def _sin_imaginary(x: float, h: float, r: Round) -> float:
    return r(cmath.sin(complex(r(100 * x), r(100 * h))).imag)


FUNCTIONS = {
    "exp": Function(
        lambda x, r: r(math.exp(x)), lambda x, h, r: r(cmath.exp(complex(x, h)).imag), lambda x: math.exp(x), 1.0
    ),
    "sin(100x)": Function(lambda x, r: r(math.sin(r(100 * x))), _sin_imaginary, lambda x: 100 * math.cos(100 * x), 1.0),
    "x^3": Function(_cube, _cube_imaginary, lambda x: 3 * x * x, 1.0),
    "relu": Function(lambda x, r: max(x, 0.0), lambda x, h, r: h if x > 0 else 0.0, lambda x: float(x > 0), 2e-6),
}


def estimates(function: str, precision: str, x: float, h: float) -> dict[str, float]:
    """The three difference quotients of a function of the explorer, (3.1), (3.2) and the complex step.

    >>> estimates("x^3", "float64", 1.0, 0.5)
    {'one-sided': 4.75, 'central': 3.25, 'complex step': 2.75}
    """
    (f, imaginary, *_), r = FUNCTIONS[function], PRECISIONS[precision]
    x, h = r(x), r(h)
    right, left, middle = f(r(x + h), r), f(r(x - h), r), f(x, r)
    return {
        "one-sided": r(r(right - middle) / h),
        "central": r(r(right - left) / r(2 * h)),
        "complex step": r(imaginary(x, h, r) / h),
    }


def power(h: float) -> str:
    """A step as the page writes it.

    >>> power(0.01), power(3.2e-6)
    ('0.01', '3.2e−6')
    """
    if h >= 1e-3:
        return f"{h:g}"
    digits, exponent = f"{h:.1e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(exponent)}".replace("-", "−")


class DifferenceExplorer(Explorable):
    """Slide the step h: secants on the curve, and the error of three quotients against h on log axes.

    function : "exp", "sin(100x)", "x^3", "relu"      precision : "float64", "float32"
    x : where the slope is wanted, -10 to 10; by default 1, for the ReLU 2e-6, beside its kink
    h : the step, 1e-16 to 1

    In the next cell ``explorer.h``, ``explorer.estimates`` and ``explorer.errors`` say where the reader left it.

    >>> explorer = DifferenceExplorer("x^3", h=0.5)
    >>> explorer.errors["central"].__round__(4)
    0.0833
    >>> print(DifferenceExplorer("relu", h=1e-5))
    Difference explorer: relu at x = 2e−6 in float64, h = 1e−5: one-sided 1.0000 (relative error 0), central 0.6000
    (4e−1), complex step 1.0000 (0); the slope is 1.0000; the kink lies within the step.
    """

    function = T.Unicode("exp").tag(sync=True)
    precision = T.Unicode("float64").tag(sync=True)
    x = T.Float(1.0, min=-10, max=10).tag(sync=True)
    h = T.Float(0.5, min=1e-16, max=1).tag(sync=True)

    def __init__(self, function: str = "exp", x: float | None = None, **traits: Any) -> None:
        one_of("function", function, FUNCTIONS)
        super().__init__(function=function, x=FUNCTIONS[function].start if x is None else x, **traits)

    @T.validate("function")
    def _known(self, proposal: Any) -> str:
        return one_of("function", proposal.value, FUNCTIONS)

    @T.validate("precision")
    def _precise(self, proposal: Any) -> str:
        return one_of("precision", proposal.value, PRECISIONS)

    @property
    def slope(self) -> float:
        """The true slope at x, in double precision."""
        return FUNCTIONS[self.function].slope(PRECISIONS[self.precision](self.x))

    @property
    def estimates(self) -> dict[str, float]:
        """The quotients at h by the name of their method."""
        return estimates(self.function, self.precision, self.x, self.h)

    @property
    def errors(self) -> dict[str, float]:
        """Their relative errors; the plain ones where the slope is 0."""
        return {name: _error(value, self.slope) for name, value in self.estimates.items()}

    def sentence(self) -> str:
        """The quotients, their errors to one digit, the slope."""
        kind = "relative error" if self.slope else "error"
        errors = [_rough(e) for e in self.errors.values()]
        each = [f"{name} {num(v)} ({e})" for (name, v), e in zip(self.estimates.items(), errors, strict=True)]
        each[0] = each[0].replace("(", f"({kind} ")
        kink = "; the kink lies within the step" if self.function == "relu" and abs(self.x) < self.h else ""
        return (
            f"Difference explorer: {self.function} at x = {_written(self.x)} in {self.precision}, h = {power(self.h)}: "
            f"{', '.join(each)}; the slope is {num(self.slope)}{kink}."
        )

    def picture(self) -> str:
        """The error of each method against h, with h marked."""
        left, top, size, wide = 60.0, 36.0, 300.0, 420.0
        parts = [
            text(left, 16, f"{self.function} at x = {_written(self.x)}, {self.precision}", anchor="start", weight=600)
        ]

        def place(h: float, error: float) -> tuple[float, float]:
            u, v = math.log10(h), math.log10(min(max(error, 1e-18), 1e2)) if error == error else 2
            return left + wide * (u + 16) / 16, top + size * (2 - v) / 20

        for k in range(-16, 1, 4):
            x, y = place(10.0**k, 1)[0], place(1, 10.0**k)[1]
            parts.append(line([(x, top), (x, top + size)], LINE, 1))
            parts.append(line([(left, y), (left + wide, y)], LINE, 1))
            parts.append(text(x, top + size + 14, power(10.0**k) if k else "1", QUIET, size=11))
            parts.append(text(left - 8, y, power(10.0**k) if k else "1", QUIET, "end", 11))
        parts.append(text(left - 8, top + size, "0", QUIET, "end", 11))
        parts.append(text(left + wide, top + size + 32, "step h", anchor="end"))
        parts.append(text(left + 6, top + 10, "relative error" if self.slope else "error", anchor="start", halo=True))
        at = place(self.h, 1)[0]
        parts.append(line([(at, top), (at, top + size)], INK, 1.5))
        steps = [10 ** (k / 8) for k in range(-128, 1)]
        looks = {"one-sided": (ERROR, "7 3"), "central": (VALUE, ""), "complex step": (INK, "2 3")}
        for row, (name, (colour, dash)) in enumerate(looks.items()):
            errors = [_error(estimates(self.function, self.precision, self.x, h)[name], self.slope) for h in steps]
            parts.append(line([place(h, e) for h, e in zip(steps, errors, strict=True)], colour, 2, dash))
            parts.append(circle(*place(self.h, self.errors[name]), 5, WHITE, colour))
            y = top + 20 + 58 * row
            parts.append(line([(left + wide + 24, y), (left + wide + 60, y)], colour, 2, dash))
            parts.append(text(left + wide + 70, y, name, colour, "start", weight=600))
            words = f"{num(self.estimates[name])}, error {_rough(self.errors[name])}"
            parts.append(text(left + wide + 70, y + 20, words, anchor="start"))
        parts.append(text(left + wide + 24, top + 198, f"slope {num(self.slope)}, h = {power(self.h)}", anchor="start"))
        return svg(740, 384, *parts)


def _error(estimate: float, slope: float) -> float:
    return abs(estimate - slope) / (abs(slope) or 1.0)


def _rough(error: float) -> str:
    return "0" if error == 0 else f"{error:.0e}".replace("e-0", "e−").replace("e-", "e−").replace("e+0", "e")


def _written(x: float) -> str:
    return f"{x:.10g}".replace("e-0", "e−").replace("-", "−")
