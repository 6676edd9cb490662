"""Is this gradient right? Central differences answer, parameter by parameter and along random directions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import floating
from course_lib.backprop import Backpropagation
from course_lib.losses import Loss, l2_penalty
from course_lib.network import Network, as_columns


@dataclass(frozen=True)
class Part:
    """The gradient of one array of parameters beside its central differences, in the shape of the parameters.

    ``relative_error`` has an entry for each parameter, nan where it was not sampled; ``kinks`` is True where the loss
    has a kink within the step, so that differences prove nothing.
    """

    name: str
    gradient: np.ndarray
    differences: np.ndarray
    relative_error: np.ndarray
    kinks: np.ndarray

    @property
    def error(self) -> float:
        """The largest relative error of the parameters that are not at a kink."""
        errors = self.relative_error[~self.kinks & ~np.isnan(self.relative_error)]
        return float(errors.max()) if errors.size else 0.0

    @property
    def ratio(self) -> float:
        """||gradient|| / ||differences||, the fingerprint of many a mistake: N, 2, 1/2 or a power by layer."""
        used = ~np.isnan(self.differences)
        return _over(np.linalg.norm(self.gradient[used]), np.linalg.norm(self.differences[used]))

    @property
    def cosine(self) -> float:
        """Of the angle between the two: -1 is a wrong sign."""
        g, d = (v[~np.isnan(self.differences)] for v in (self.gradient, self.differences))
        return _over(float(g @ d), float(np.linalg.norm(g) * np.linalg.norm(d)))


@dataclass(frozen=True)
class GradientReport:
    """What a check found; print it. ``ok`` is the verdict."""

    subject: str
    parts: tuple[Part, ...]
    direction_error: float
    tolerance: float
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True if every parameter is right, and every direction where no kink is in the way."""
        kinks = any(part.kinks.any() for part in self.parts)
        return all(part.error <= self.tolerance for part in self.parts) and (
            kinks or self.direction_error <= self.tolerance
        )

    @property
    def relative_error(self) -> dict[str, np.ndarray]:
        """The relative error of every parameter, by name."""
        return {part.name: part.relative_error for part in self.parts}

    @property
    def kinks(self) -> list[str]:
        """The parameters that a kink keeps from being judged, such as "W[1][0, 2]"."""
        return [_entry(part, i) for part in self.parts for i in np.argwhere(part.kinks)]

    def __str__(self) -> str:
        verdict = "WRONG" if not self.ok else "right, where it can be judged" if self.kinks else "right"
        lines = [f"{self.subject}: the gradient is {verdict}"]
        lines.append(f"  {'':<8}{'relative error':>15}{'ratio':>10}{'cosine':>10}")
        for part in self.parts:
            mark = "" if part.error <= self.tolerance else "   wrong"
            lines.append(f"  {part.name:<8}{_seen(part.error):>15}{part.ratio:>10.3g}{part.cosine:>10.3g}{mark}")
        lines.append(f"  along random directions: relative error {_seen(self.direction_error)}")
        lines += [f"  {note}" for note in (*self.notes, *self._worst())]
        if self.kinks:
            more = f" and {len(self.kinks) - 3} more" if len(self.kinks) > 3 else ""
            lines.append(
                f"  kink crossed at {', '.join(self.kinks[:3])}{more}: not judged there; move off it, check again"
            )
        return "\n".join(lines)

    def _worst(self) -> list[str]:
        """A sentence on the largest error of the topmost wrong array, where the mistake comes from."""
        wrong = [part for part in self.parts if part.error > self.tolerance]
        if not wrong:
            return []
        part = wrong[-1]
        i = np.unravel_index(np.nanargmax(np.where(part.kinks, -1, part.relative_error)), part.kinks.shape)
        given, found = part.gradient[i], part.differences[i]
        ratio = _over(given, found)
        question = ""
        for factor, words in ((2, "twice it"), (0.5, "half of it"), (-1, "its negative")):
            if abs(ratio / factor - 1) < 1e-3:
                question = f" - {words}: " + ("is the sign turned?" if factor < 0 else "is a factor wrong?")
        return [f"{_entry(part, i)}: {given:.6g}, central differences give {found:.6g}{question}"]


def _seen(error: float) -> str:
    """A relative error as the report prints it: what lies in the rounding differs from machine to machine."""
    return "< 1e-07" if error < 1e-7 else f"{error:.1e}"


def check_gradient(
    net_or_f: Network | Callable[[np.ndarray], float],
    *point: ArrayLike,
    gradients: Any = None,
    loss: str | Loss = "squared error",
    penalty: float = 0.0,
    h: float = 1e-5,
    tolerance: float = 1e-6,
    samples: int | None = None,
    directions: int = 3,
    rng: int | np.random.Generator = 0,
) -> GradientReport:
    """Compare a gradient with central differences.

    check_gradient(net, x, y, gradients=..., loss=..., penalty=...) checks back-propagation
        gradients : (dW, db) or (loss, dW, db), or a function (net, x, y) that returns them; None: the library's own
    check_gradient(f, theta, gradients=...) checks any function (P,) -> number
        gradients : (P,), or a function (P,) -> (P,)

    h          : step, in units of the parameters; times abs(theta_j) where that is above 1
    tolerance  : largest relative error abs(g - d) / max(abs(g), abs(d), floor) that passes. The floor, 1e-4 of the
                 largest difference or what rounding leaves of abs(f) / h, keeps noise of d from passing for a mistake.
    samples    : how many parameters of each array to check, drawn at random; None: all
    directions : how many random directions to check; they see all parameters at once

    The check runs in float64 whatever it is given: in float32 no difference is better than about 1e-4. Where it fails,
    one-sided differences with a step 100 times smaller tell a mistake from a kink (ReLU at z = 0).
    Error  : of d, truncation ~ h**2 and rounding ~ 1e-16 / h, together about 1e-10.
    Raises : ValueError for a gradient that has not the shape of the parameters.

    >>> def f(theta):
    ...     return theta @ theta
    >>> check_gradient(f, [1.0, 2.0], gradients=lambda theta: 2 * theta).ok
    True
    >>> print(check_gradient(f, [1.0, 2.0], gradients=[2.0, 2.0]))
    f at 2 parameters: the gradient is WRONG
               relative error     ratio    cosine
      theta           5.0e-01     0.632     0.949   wrong
      along random directions: relative error 1.9e+00
      theta[1]: 2, central differences give 4 - half of it: is a factor wrong?
    """
    if isinstance(net_or_f, Network):
        x, y = point
        case = _network_case(net_or_f, x, y, gradients, loss, penalty)
    else:
        (theta,) = point
        case = _function_case(net_or_f, theta, gradients)
    return _compare(case, h, tolerance, samples, directions, np.random.default_rng(rng))


@dataclass(frozen=True)
class _Case:
    """The claim that g is the gradient of f at theta, all (P,); ``split`` cuts such a vector into its named arrays."""

    subject: str
    f: Callable[[np.ndarray], float]
    theta: np.ndarray
    g: np.ndarray
    split: Callable[[np.ndarray], dict[str, np.ndarray]]
    notes: tuple[str, ...]


def _function_case(f: Callable, theta: ArrayLike, gradients: Any) -> _Case:
    given = np.asarray(theta)
    theta = given.astype(np.float64)
    if theta.ndim != 1 or theta.size == 0:
        raise ValueError(f"theta must be a vector of all parameters, (P,), got shape {theta.shape}; try theta.ravel()")
    g = np.array(gradients(theta.copy()) if callable(gradients) else gradients, dtype=np.float64)
    if g.shape != theta.shape:
        raise ValueError(f"the gradient must have the shape of theta, {theta.shape}, got {g.shape}")
    notes = () if given.dtype == np.float64 else (f"theta came as {given.dtype} and was checked as float64",)
    name = getattr(f, "__name__", "f")
    return _Case(f"{name} at {theta.size} parameters", f, theta, g, lambda vector: {"theta": vector}, notes)


def _network_case(
    given: Network, x: ArrayLike, y: ArrayLike, gradients: Any, loss: str | Loss, penalty: float
) -> _Case:
    notes = []
    if given.dtype != np.float64:
        notes.append(f"the parameters are {given.dtype} and were checked as float64")
    if not any(w.any() for w in given.W[1:]):
        notes.append("all weights are 0, where many a mistake does not show: check at random weights")
    W, b = ([None] + [p.astype(np.float64) for p in v[1:]] for v in (given.W, given.b))
    net = Network.from_parameters(W, b, given.activations[1:])
    back = Backpropagation(net, loss, penalty)
    at = net.theta.copy()

    def f(theta: np.ndarray) -> float:
        net.theta = theta
        z, a = net.forward(x)
        output = z[-1] if back.loss.contains else a[-1]
        return back.loss.value(output, as_columns("y", y, net.sizes[-1], net.dtype)) + l2_penalty(net.W, penalty)

    if gradients is None:
        gradients = back.gradient(x, y)
    *value, dW, db = gradients(net, x, y) if callable(gradients) else gradients
    if value and not np.isclose(value[0], f(at), rtol=1e-9):
        notes.append(f"the loss comes out as {value[0]:.6g}, it should be {f(at):.6g}")

    def split(vector: np.ndarray) -> dict[str, np.ndarray]:
        W, b = net.views(vector)
        return {f"{name}[{l}]": v[l] for l in range(1, net.L + 1) for name, v in (("W", W), ("b", b))}

    g = np.empty(net.P)
    claimed = _by_name("W", dW, net.L) | _by_name("b", db, net.L)
    for name, place in split(g).items():
        if claimed[name].shape != place.shape:
            raise ValueError(f"d{name} must have the shape of {name}, {place.shape}, got {claimed[name].shape}")
        place[...] = claimed[name]
    return _Case(str(given), f, at, g, split, tuple(notes))


def _by_name(name: str, arrays: Sequence, L: int) -> dict[str, np.ndarray]:
    """{"W[1]": dW[1], ..} from a list with or without the leading None."""
    layers = [v for v in arrays if v is not None]
    if len(layers) != L:
        raise ValueError(f"d{name} must have an array for each of the {L} layers, got {len(layers)}")
    return {f"{name}[{l}]": floating(f"d{name}[{l}]", v) for l, v in enumerate(layers, start=1)}


@np.errstate(invalid="ignore")  # what is no number is a finding here, not a warning
def _compare(
    case: _Case, h: float, tolerance: float, samples: int | None, directions: int, rng: np.random.Generator
) -> GradientReport:
    """The check itself."""
    f, theta, g, P = case.f, case.theta, case.g, case.theta.size
    here = float(f(theta.copy()))

    def slope(v: np.ndarray, step: float) -> float:
        return float(f(theta + step * v) - f(theta - step * v)) / (2 * step)

    arrays = case.split(np.arange(P)).values()
    checked = np.concatenate([v.ravel() if samples is None else rng.permutation(v.ravel())[:samples] for v in arrays])
    differences, errors, kinks = np.full(P, np.nan), np.full(P, np.nan), np.zeros(P, bool)
    unit = np.zeros(P)
    for j in checked:
        unit[j] = 1
        differences[j] = slope(unit, h * max(1, abs(theta[j])))
        unit[j] = 0
    floor = max(1e-4 * np.abs(differences[checked]).max(), 4e-16 * abs(here) / (h * tolerance), 1e-300)
    errors[checked] = _relative(g[checked], differences[checked], floor)

    for j in checked[errors[checked] > tolerance]:
        # Of a smooth f a hundredth of the step changes nothing; at a kink the sides differ, or the whole slope does.
        unit[j] = 1
        step = h / 100
        left, right = (here - f(theta - step * unit)) / step, (f(theta + step * unit) - here) / step
        unit[j] = 0
        gap = max(abs(right - left), abs((left + right) / 2 - differences[j]))
        kinks[j] = gap > max(0.5 * abs(g[j] - differences[j]), 1e-14 * abs(here) / step)

    v = rng.normal(size=(directions, P))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    along = _relative(v @ g, np.array([slope(row, h) for row in v]), floor)
    G, D, E, K = (case.split(vector) for vector in (g, differences, errors, kinks))
    parts = tuple(Part(name, G[name], D[name], E[name], K[name]) for name in G)
    return GradientReport(case.subject, parts, float(along.max(initial=0)), tolerance, case.notes)


def _relative(g: np.ndarray, d: np.ndarray, floor: float) -> np.ndarray:
    """abs(g - d) relative to the larger of the two, at least floor; infinite where g is no number."""
    error = np.abs(g - d) / np.maximum(np.maximum(np.abs(g), np.abs(d)), floor)
    return np.where(np.isfinite(error), error, np.inf)


def _over(a: Any, b: Any) -> float:
    return float(a / b) if b else (1.0 if a == b else float("inf"))


def _entry(part: Part, i: Iterable) -> str:
    return f"{part.name}[{', '.join(map(str, i))}]"
