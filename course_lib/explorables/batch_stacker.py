"""Chapter 07: outer products added up in a loop or by one product, and the times of both; drawn by batch_stacker.js."""

from __future__ import annotations

from threading import Thread
from typing import Any

import numpy as np
import traitlets as T
from numpy.typing import ArrayLike

from course_lib._checks import matrix
from course_lib.complexity import Timing, measure
from course_lib.explorables._base import ERROR, INK, LINE, QUIET, SOFT, VALUE, WHITE, Explorable, short, svg, text

ROWS, EXAMPLES = 4, 8  # of each factor, the most that fit the page
VIEWS = {"loop": "a loop over the examples", "product": "one product"}
MEASURED = (1, 10, 100, 1000, 10_000)  # numbers of examples for which both ways are timed
WIDE = (32, 64)  # neurons and inputs of the layer to compare with
DELTA = [[1, -2, 3, 2, -1, 3], [2, 1, -1, 4, 3, -2]]
A = [[3, 1, -1, 2, 2, -3], [1, -2, 2, 1, -1, 4], [-2, 4, 1, 3, 5, 1]]


def by_loop(delta: np.ndarray, a: np.ndarray) -> np.ndarray:
    """The outer products of the columns of delta (m, N) and a (k, N), added up one by one: (m, k).

    >>> by_loop(np.array([[1, 2]]), np.array([[3, -1], [0, 4]]))
    array([[1., 8.]])
    """
    total = np.zeros((len(delta), len(a)))
    for n in range(delta.shape[1]):
        total += np.outer(delta[:, n], a[:, n])
    return total


def neat(value: float) -> str:
    """A product of short numbers, without what rounding has left in its last digits.

    >>> neat(0.1 * 3), neat(-2.0)
    ('0.3', '−2')
    """
    return short(round(float(value), 10))


class BatchStacker(Explorable):
    """Add up the outer products of a batch one by one, or see them in one matrix product; time both in the kernel.

    delta : (m, n) error terms, a : (k, n) activations, a column for each example; at most 4 rows and 8 examples

    Traits : ``view`` ("loop" or "product"), ``N`` (how many of the examples are used), ``n`` (how many of them the loop
    has added so far), ``entry`` [i, j] (the entry of the sum that is looked at, from 1), ``layer`` [m, k] (the shape
    that is timed). While ``measuring`` is true a thread measures, and the kernel is free. What it has found is in
    ``times``: {"layer": [m, k], "rows": [[N, [lower, median, upper] of the loop, the same of the product], ...]}, in
    seconds.

    >>> stacker = BatchStacker([[1, 2]], [[3, -1], [0, 4]], n=1)
    >>> stacker.sum, stacker.product, stacker.multiplications
    (array([[3., 0.]]), array([[1., 8.]]), 4)
    >>> print(stacker)
    Batch stacker, 1 neuron, 2 inputs, 2 examples, a loop over the examples: after 1 of 2 the sum is (3, 0);
    4 multiplications in all.
    """

    delta = T.List().tag(sync=True)
    a = T.List().tag(sync=True)
    view = T.Enum(list(VIEWS), "loop").tag(sync=True)
    N = T.Int(4, min=1).tag(sync=True)
    n = T.Int(1, min=0).tag(sync=True)
    entry = T.List(T.Int(min=1), [1, 1], minlen=2, maxlen=2).tag(sync=True)
    layer = T.List(T.Int(min=1, max=1000), minlen=2, maxlen=2).tag(sync=True)
    times = T.Dict({"layer": [], "rows": []}).tag(sync=True)
    measuring = T.Bool(False).tag(sync=True)

    def __init__(self, delta: ArrayLike | None = None, a: ArrayLike | None = None, **traits: Any) -> None:
        left, right = matrix("delta", DELTA if delta is None else delta), matrix("a", A if a is None else a)
        if left.shape[1] != right.shape[1]:
            raise ValueError(
                f"delta and a must have a column for each example, got {left.shape[1]} and {right.shape[1]} columns"
            )
        if max(len(left), len(right)) > ROWS or left.shape[1] > EXAMPLES:
            raise ValueError(
                f"delta and a must have at most {ROWS} rows and {EXAMPLES} columns to fit the page, "
                f"got {left.shape} and {right.shape}; try delta[:{ROWS}, :{EXAMPLES}]"
            )
        if not (np.isfinite(left).all() and np.isfinite(right).all()):
            raise ValueError("delta and a must be finite, got nan or inf; look at the step that makes them")
        traits.setdefault("N", min(4, left.shape[1]))
        traits.setdefault("layer", [len(left), len(right)])
        super().__init__(delta=left.tolist(), a=right.tolist(), **traits)

    @T.validate("N")
    def _used(self, proposal: Any) -> int:
        if self.delta and proposal.value > len(self.delta[0]):
            raise T.TraitError(f"N must be at most {len(self.delta[0])}, the number of columns, got {proposal.value}")
        return proposal.value

    @T.validate("entry")
    def _inside(self, proposal: Any) -> list[int]:
        m, k = len(self.delta), len(self.a)
        if m and k and not (proposal.value[0] <= m and proposal.value[1] <= k):
            raise T.TraitError(f"entry must be a row and a column of a {m} x {k} matrix, got {proposal.value}")
        return proposal.value

    @property
    def sum(self) -> np.ndarray:
        """What the loop has added up after n examples, (m, k)."""
        n = min(self.n, self.N)
        return np.array(self.delta)[:, :n] @ np.array(self.a)[:, :n].T

    @property
    def product(self) -> np.ndarray:
        """delta @ a.T of the N examples, (m, k)."""
        return np.array(self.delta)[:, : self.N] @ np.array(self.a)[:, : self.N].T

    @property
    def multiplications(self) -> int:
        """m k N, in a loop or in one product."""
        return len(self.delta) * len(self.a) * self.N

    def measure(self, seconds: float = 0.05) -> None:
        """Time both ways for 1 to 10 000 examples of ``layer``; ``times`` grows by a row for each.

        seconds : to spend on each of the measurements, at least
        """
        m, k = self.layer
        rng, rows = np.random.default_rng(0), []
        self.times = {"layer": [m, k], "rows": []}
        for N in MEASURED:
            delta, a = rng.normal(size=(m, N)), rng.normal(size=(k, N))
            ways = (lambda d=delta, v=a: by_loop(d, v)), (lambda d=delta, v=a: d @ v.T)
            rows.append([N, *(_quartiles(measure(way, seconds)) for way in ways)])
            self.times = {"layer": [m, k], "rows": [*rows]}

    @T.observe("measuring")
    def _start(self, change: Any) -> None:
        if change.new:
            try:
                Thread(target=self._run, daemon=True).start()
            except RuntimeError:  # Python in a browser has no threads
                self._run()

    def _run(self) -> None:
        try:
            self.measure()
        finally:
            self.measuring = False

    def sentence(self) -> str:
        """The sum so far, or the product; no times, which differ from machine to machine."""
        m, k, n = len(self.delta), len(self.a), min(self.n, self.N)
        sizes = ", ".join(f"{c} {what}{'' if c == 1 else 's'}" for c, what in ((m, "neuron"), (k, "input")))
        G = self.sum if self.view == "loop" else self.product
        rows = ", ".join("(" + ", ".join(neat(v) for v in row) + ")" for row in G)
        done = (
            f"after {n} of {self.N} the sum is {rows}"
            if self.view == "loop"
            else f"{m}×{self.N} times {self.N}×{k} is {rows}"
        )
        examples = f"{self.N} example{'' if self.N == 1 else 's'}"
        return (
            f"Batch stacker, {sizes}, {examples}, {VIEWS[self.view]}: {done}; "
            f"{self.multiplications} multiplication{'' if self.multiplications == 1 else 's'} in all."
        )

    def picture(self) -> str:
        """The outer products with their sum, or the two factors with their product."""
        delta, a = np.array(self.delta)[:, : self.N], np.array(self.a)[:, : self.N]
        m, k, N, parts = len(delta), len(a), self.N, []
        wide = max(34.0, 14 + 8.0 * max(len(neat(v)) for v in [*delta.flat, *a.flat, *self.product.flat]))
        high = 28.0

        def cells(values: np.ndarray, x: float, y: float, colour: str, lit: Any = None) -> None:
            for (i, j), value in np.ndenumerate(values):
                fill = SOFT if lit is not None and lit(i, j) else WHITE
                at = f'x="{x + j * wide:.1f}" y="{y + i * high:.1f}" width="{wide:g}" height="{high:g}"'
                parts.append(f'<rect {at} fill="{fill}" stroke="{LINE}"/>')
                parts.append(text(x + (j + 0.5) * wide, y + (i + 0.5) * high, neat(value), colour))

        i0, j0 = self.entry[0] - 1, self.entry[1] - 1

        def chosen(i: int, j: int) -> bool:
            return (i, j) == (i0, j0)

        if self.view == "product":
            top = 34 + max(0, N - m) * high / 2
            middle = top + m * high / 2
            cells(delta, 16, top, ERROR, lambda i, j: i == i0)
            parts.append(text(16 + N * wide / 2, 16, f"δ, {m}×{N}", ERROR, weight=600))
            left = 16 + N * wide + 24
            cells(a.T, left, middle - N * high / 2, VALUE, lambda i, j: j == j0)
            parts.append(text(left + k * wide / 2, 16, f"aᵀ, {N}×{k}", VALUE, weight=600))
            parts.append(text(left + k * wide + 20, middle, "=", size=16))
            cells(self.product, left + k * wide + 40, top, INK, chosen)
            parts.append(text(left + 1.5 * k * wide + 40, 16, f"δ aᵀ, {m}×{k}", weight=600))
            return svg(left + 2 * k * wide + 56, max(middle + max(m, N) * high / 2, top + m * high) + 16, *parts)
        card, tall, columns = (k + 1) * wide + 34, (m + 1) * high + 46, 4
        for n in range(N + 1):
            x, y = 16 + n % columns * card, 16 + n // columns * tall
            middle = y + 24 + high + m * high / 2
            if n == N:
                words, values = f"sum of {min(self.n, N)}", self.sum
                parts.append(text(x + wide / 2 - 6, middle, "=", size=16))
            else:
                words, values = f"example {n + 1}", np.outer(delta[:, n], a[:, n])
                cells(a[:, [n]].T, x + wide + 4, y + 20, VALUE)
                cells(delta[:, [n]], x, y + 24 + high, ERROR)
                if n < N - 1:
                    parts.append(text(x + card - 15, middle, "+", size=16))
            parts.append(text(x + wide + 4, y + 4, words, INK if n < self.n or n == N else QUIET, "start", weight=600))
            cells(values, x + wide + 4, y + 24 + high, INK if n < self.n or n == N else QUIET, chosen)
        return svg(32 + min(columns, N + 1) * card, 24 + (N // columns + 1) * tall, *parts)


def _quartiles(timing: Timing) -> list[float]:
    return [timing.lower, timing.median, timing.upper]
