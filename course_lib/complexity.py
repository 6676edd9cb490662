"""What a gradient costs: operations counted exactly, memory of what is kept, and a clock for the rest."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import positive_integer, vector
from course_lib.network import Network


@dataclass(frozen=True)
class Count:
    """Operations of one step. An evaluation of sigma or of sigma' counts as one activation."""

    name: str
    equation: str
    multiplications: int
    additions: int
    activations: int


@dataclass(frozen=True)
class Counts:
    """Operations of every step, in the order of both passes; their sums are ``forward``, ``backward`` and ``total``."""

    steps: tuple[Count, ...]

    @property
    def forward(self) -> Count:
        """The pass up: equations (2.1) and (2.2)."""
        return _sum("forward", [step for step in self.steps if step.equation.startswith("2")])

    @property
    def backward(self) -> Count:
        """The pass down: equations (6.1) to (6.4)."""
        return _sum("backward", [step for step in self.steps if step.equation.startswith("6")])

    @property
    def total(self) -> Count:
        """Both passes."""
        return _sum("total", self.steps)

    def __str__(self) -> str:
        lines = [f"{'step':<10}{'':<6}{'multiplications':>16}{'additions':>16}{'activations':>16}"]
        for c in (*self.steps, self.forward, self.backward, self.total):
            lines.append(f"{c.name:<10}{c.equation:<6}{c.multiplications:>16,}{c.additions:>16,}{c.activations:>16,}")
        return "\n".join(lines)


def _sum(name: str, steps: Sequence[Count]) -> Count:
    return Count(
        name,
        "",
        sum(step.multiplications for step in steps),
        sum(step.additions for step in steps),
        sum(step.activations for step in steps),
    )


def counts(sizes: Sequence[int], N: int = 1) -> Counts:
    """Operations of one gradient of a network of element-wise activations, as the equations are written.

    sizes : (n_0, n_1, .., n_L)      N : examples
    The loss and dL/da^L are left out: they depend on the loss, and are O(n_L N).

    >>> print(counts([2, 3, 1], N=4))
    step             multiplications       additions     activations
    z[1]      2.1                 24              24               0
    a[1]      2.2                  0               0              12
    z[2]      2.1                 12              12               0
    a[2]      2.2                  0               0               4
    delta[2]  6.1                  4               0               4
    dW[2]     6.3                 12               9               0
    db[2]     6.4                  0               3               0
    delta[1]  6.2                 24               0              12
    dW[1]     6.3                 24              18               0
    db[1]     6.4                  0               9               0
    forward                       36              36              16
    backward                      64              39              16
    total                        100              75              32
    """
    n, L, N = [positive_integer("sizes", s) for s in sizes], len(sizes) - 1, positive_integer("N", N)
    if L < 1:
        raise ValueError(f"sizes must be at least two widths, such as [2, 3, 1], got {list(sizes)}")
    steps = []
    for l in range(1, L + 1):
        # A product of (m, k) and (k, N) takes m k N multiplications and m (k - 1) N additions; b adds m N.
        steps.append(Count(f"z[{l}]", "2.1", n[l] * n[l - 1] * N, n[l] * n[l - 1] * N, 0))
        steps.append(Count(f"a[{l}]", "2.2", 0, 0, n[l] * N))
    for l in range(L, 0, -1):
        if l == L:
            steps.append(Count(f"delta[{l}]", "6.1", n[l] * N, 0, n[l] * N))
        else:
            product = n[l] * n[l + 1] * N
            steps.append(Count(f"delta[{l}]", "6.2", product + n[l] * N, product - n[l] * N, n[l] * N))
        steps.append(Count(f"dW[{l}]", "6.3", n[l] * n[l - 1] * N, n[l] * n[l - 1] * (N - 1), 0))
        steps.append(Count(f"db[{l}]", "6.4", 0, n[l] * (N - 1), 0))
    return Counts(tuple(steps))


def activation_memory(sizes: Sequence[int], N: int = 1, dtype: type | str | np.dtype = np.float64) -> int:
    """Bytes of what the forward pass keeps for the backward pass: x, and z and a of every layer.

    >>> activation_memory([784, 30, 10], N=100)                 # (784 + 2 (30 + 10)) 100 numbers of 8 bytes
    691200
    """
    return (sizes[0] + 2 * sum(sizes[1:])) * positive_integer("N", N) * np.dtype(dtype).itemsize


def peak_memory(f: Callable[[], object]) -> int:
    """Bytes that a call of f needs at its peak, beyond what is there before; Python and NumPy count them.

    >>> peak_memory(lambda: np.ones(100_000)) // 8000
    100
    """
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        f()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not running:
            tracemalloc.stop()


@dataclass(frozen=True)
class Timing:
    """Seconds per call, from n blocks of calls: the median with its quartiles, and the best block."""

    median: float
    lower: float
    upper: float
    best: float
    n: int
    calls: int

    def __str__(self) -> str:
        spread = f"quartiles {_seconds(self.lower)} to {_seconds(self.upper)}, best {_seconds(self.best)}"
        return f"{_seconds(self.median)} per call (median of {self.n} blocks of {self.calls} calls; {spread})"


def _seconds(t: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if t * factor >= 1:
            return f"{t * factor:.3g} {unit}"
    return f"{t * 1e6:.3g} us"


def measure(
    f: Callable[[], object], seconds: float = 0.5, block: float = 0.005, clock: Callable[[], float] = time.perf_counter
) -> Timing:
    """Time of one call of f, so taken that neither the clock's own grain nor one interruption spoils it.

    seconds : to spend on the measurement, at least; five blocks are run whatever they take
    block   : shortest block, in seconds. So many calls are timed together that the clock's resolution does not count.
    clock   : gives seconds; time.process_time leaves out the time that other programs had

    The first block warms up and is thrown away. The median is what to quote; the best is a lower bound.

    >>> timing = measure(lambda: sum(range(100)), seconds=0.02, block=0.001)
    >>> timing.n >= 5, timing.best <= timing.lower <= timing.median <= timing.upper
    (True, True)
    """

    calls = _warm_up(f, block, clock)
    times: list[float] = []
    while len(times) < 5 or sum(times) * calls < seconds:
        times.append(_block(f, calls, clock) / calls)
    return _timing(times, calls)


def _block(f: Callable[[], object], calls: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(calls):
        f()
    return clock() - start


def _warm_up(f: Callable[[], object], block: float, clock: Callable[[], float]) -> int:
    """How many calls fill a block; found by trying, and what these blocks took is thrown away."""
    calls = 1
    while (t := _block(f, calls, clock)) < block:
        calls = max(2 * calls, round(1.2 * calls * block / t) if t > 0 else 0)
    return calls


def _timing(times: Sequence[float], calls: int) -> Timing:
    lower, median, upper = np.percentile(times, [25, 50, 75]).tolist()
    return Timing(median, lower, upper, min(times), len(times), calls)


def grain(clock: Callable[[], float]) -> float:
    """The least step that a clock was seen to make, in its seconds: nothing shorter can be timed with it.

    >>> clock, work = recorded([0.125], grain=0.5)
    >>> grain(lambda: (work(), clock())[1])
    0.5
    """
    steps = []
    for _ in range(5):
        start = now = clock()
        while now == start:
            now = clock()
        steps.append(now - start)
    return min(steps)


def processor_clock() -> Callable[[], float]:
    """A clock that runs while this thread has the processor, so that what other programs do hardly counts.

    It is ``time.thread_time`` where that ticks finely, and ``time.perf_counter`` elsewhere (Windows, browsers). What
    NumPy hands to other threads is not on it: products of large matrices, at widths in the hundreds.

    >>> grain(processor_clock()) < 1e-3
    True
    """
    own = getattr(time, "thread_time", None)  # Python in a browser has none
    return own if own and grain(own) < 1e-4 else time.perf_counter


def recorded(durations: ArrayLike, grain: float = 0.0) -> tuple[Callable[[], float], Callable[[], None]]:
    """A clock and a work to time with it, which replay a recording: to try a timer without waiting.

    durations : (k,) seconds that work() takes, call after call; after the last it goes on with the second, since only
                the first call finds everything cold
    grain     : the step in which the clock goes, in seconds; 0 for a perfect one

    >>> clock, work = recorded([5.0, 0.25, 0.5], grain=0.5)
    >>> [(work(), clock())[1] for _ in range(5)]
    [5.0, 5.0, 5.5, 6.0, 6.5]
    """
    each = vector("durations", durations).astype(float).tolist()
    if min(each) < 0 or grain < 0:
        raise ValueError("durations and grain must not be negative; try np.abs")
    now = 0.0
    coming: Iterator[float] = chain(each, chain.from_iterable(repeat(each[1:] or each)))

    def clock() -> float:
        return now if grain == 0 else grain * np.floor(now / grain + 1e-9).item()

    def work() -> None:
        nonlocal now
        now += next(coming)

    return clock, work


@dataclass(frozen=True)
class Slope:
    """A straight line through points on log-log axes: cost = factor * P ** value.

    value : the exponent, pure      error : its standard error, from how far the points lie off the line; nan for two
    low, high : the least and the largest P that the line was fitted to      n : how many points
    """

    value: float
    error: float
    factor: float
    low: float
    high: float
    n: int

    def at(self, P: float) -> float:
        """The cost that the line gives for P, in the units that it was fitted in."""
        return self.factor * P**self.value

    def __str__(self) -> str:
        error = "" if np.isnan(self.error) else f" ± {self.error:.2f}"
        return f"{self.value:.2f}{error} for P from {self.low:.6g} to {self.high:.6g}"


def fit_slope(P: ArrayLike, cost: ArrayLike, low: float = 0, high: float = np.inf) -> Slope:
    """The exponent of a cost that grows as a power of P: least squares through the logarithms (9.4).

    P, cost : (k,) positive      low, high : use only the points with low <= P <= high
    Raises : ValueError for other shapes or signs, or fewer than two points in the range.
    Source : linear regression; error = sqrt(residuals^2 / (n - 2) / sum of (u - mean u)^2) for n points, u = log P.

    >>> print(fit_slope([10, 100, 1000], [3e2, 3e4, 3e6]))
    2.00 ± 0.00 for P from 10 to 1000
    >>> print(fit_slope([1, 10, 100, 1000], [5, 5, 40, 400], low=100))
    1.00 for P from 100 to 1000
    """
    P, cost = vector("P", P).astype(float), vector("cost", cost).astype(float)
    if P.shape != cost.shape:
        raise ValueError(f"P and cost must have one number for each network, got {len(P)} and {len(cost)}")
    if not ((P > 0).all() and (cost > 0).all()):
        raise ValueError("P and cost must be positive, to have logarithms; is the clock's step too long for the work?")
    P, cost = P[used := (low <= P) & (high >= P)], cost[used]
    if len(np.unique(P)) < 2:
        raise ValueError(f"a slope needs two sizes, {len(np.unique(P))} lie between {low:g} and {high:g}")
    u, v = np.log(P), np.log(cost)
    spread = (u - u.mean()) @ (u - u.mean())
    value = (u - u.mean()) @ (v - v.mean()) / spread
    left = v - v.mean() - value * (u - u.mean())
    error = np.sqrt(left @ left / (len(P) - 2) / spread) if len(P) > 2 else np.nan
    factor = np.exp(v.mean() - value * u.mean())
    return Slope(float(value), float(error), float(factor), float(P.min()), float(P.max()), len(P))


@dataclass(frozen=True)
class Sweep:
    """Measured times of one work over networks of growing size."""

    sizes: tuple[tuple[int, ...], ...]
    P: tuple[int, ...]
    timings: tuple[Timing, ...]

    @property
    def seconds(self) -> list[float]:
        """The medians."""
        return [timing.median for timing in self.timings]

    def slope(self, low: float = 0, high: float = np.inf) -> Slope:
        """``fit_slope`` through the medians, for low <= P <= high."""
        return fit_slope(self.P, self.seconds, low, high)


def sweep(
    work: Callable[[Network, np.ndarray, np.ndarray], object],
    sizes: Sequence[Sequence[int]],
    rounds: int = 5,
    block: float = 0.005,
    N: int = 1,
    clock: Callable[[], float] | None = None,
) -> Sweep:
    """Time work(net, x, y) for networks of these sizes, in turn: whatever slows the machine down hits all alike.

    sizes  : widths (n_0, .., n_L) of every network      N : examples in x (n_0, N) and y (n_L, N)
    rounds : blocks for each network, of which the median counts      block : shortest block, in seconds
    clock  : gives seconds; ``processor_clock()`` unless given
    One block for each network warms up and is thrown away. Weights, x and y are drawn from one seed.

    >>> growing = sweep(lambda net, x, y: net(x), [[4, 4], [4, 4, 4]], rounds=3, block=0.0005)
    >>> growing.P, len(growing.seconds)
    ((20, 40), 2)
    """
    clock = processor_clock() if clock is None else clock
    rng = np.random.default_rng(0)
    nets = [Network(widths, rng=rng) for widths in sizes]
    if not nets:
        raise ValueError("sizes must have one network at least; try [[16] * (depth + 1) for depth in (4, 8, 16)]")

    def job(net: Network) -> Callable[[], object]:
        x, y = rng.normal(size=(net.sizes[0], N)), rng.random((net.sizes[-1], N))
        return lambda: work(net, x, y)

    jobs = [job(net) for net in nets]
    calls = [_warm_up(f, block, clock) for f in jobs]
    times = [
        [_block(f, n, clock) / n for f, n in zip(jobs, calls, strict=True)]
        for _ in range(positive_integer("rounds", rounds))
    ]
    timings = tuple(_timing(of_one, n) for of_one, n in zip(zip(*times, strict=True), calls, strict=True))
    return Sweep(tuple(net.sizes for net in nets), tuple(net.P for net in nets), timings)
