"""What a gradient costs: operations counted exactly, memory of what is kept, and a clock for the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from course_lib._checks import positive_integer


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

    def timed(calls: int) -> float:
        start = clock()
        for _ in range(calls):
            f()
        return clock() - start

    calls = 1
    while (t := timed(calls)) < block:
        calls = max(2 * calls, round(1.2 * calls * block / t) if t > 0 else 0)
    times: list[float] = []
    while len(times) < 5 or sum(times) * calls < seconds:
        times.append(timed(calls) / calls)
    lower, median, upper = np.percentile(times, [25, 50, 75]).tolist()
    return Timing(median, lower, upper, min(times), len(times), calls)
