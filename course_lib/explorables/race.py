"""Chapter 09: one gradient, by back-propagation and by finite differences, computed live in the kernel.

The slow one runs in slices of the kernel's event loop, so that cells run in between and it can be stopped; the traits
are its state, drawn by race.js.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import traitlets as T

from course_lib.complexity import counts, measure
from course_lib.explorables._base import ERROR, LINE, QUIET, VALUE, Explorable, line, svg, text
from course_lib.network import Network

DEEPEST, WIDEST = 64, 256
SLICE = 0.03  # seconds of the slow one between two looks at the messages of the page
MOST = 120  # predictions that are kept for the picture
STEP = 1e-5


def loss(net: Network, x: np.ndarray, y: np.ndarray) -> float:
    """Half the squared error after a forward pass that keeps nothing: the black box.

    >>> loss(Network([2, 2], init="zeros"), np.ones((2, 1)), np.zeros((2, 1)))
    0.25
    """
    a = x
    for l in range(1, net.L + 1):
        a = 1 / (1 + np.exp(-(net.W[l] @ a + net.b[l])))  # (2.1), (2.2)
    a = a - y
    return 0.5 * float(np.vdot(a, a))


def gradient(net: Network, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient of ``loss`` by back-propagation, written as plainly as the forward pass; (P,), laid out as theta is.

    >>> gradient(Network([1, 1], init="zeros"), np.ones((1, 1)), np.zeros((1, 1)))
    array([0.125, 0.125])
    """
    a, L = [x], net.L
    for l in range(1, L + 1):
        a.append(1 / (1 + np.exp(-(net.W[l] @ a[l - 1] + net.b[l]))))
    dtheta = np.empty(net.P)
    dW, db = net.views(dtheta)
    delta = (a[L] - y) * a[L] * (1 - a[L])  # (6.1)
    for l in range(L, 0, -1):
        np.dot(delta, a[l - 1].T, out=dW[l])  # (6.3)
        np.add.reduce(delta, axis=1, keepdims=True, out=db[l])  # (6.4)
        if l > 1:
            delta = net.W[l].T @ delta * a[l - 1] * (1 - a[l - 1])  # (6.2)
    return dtheta


def nudges(net: Network, x: np.ndarray, y: np.ndarray, slopes: np.ndarray) -> Iterator[None]:
    """Central differences of ``loss`` into ``slopes`` (P,), one forward pass at a time: it yields after each of 2 P."""
    theta = net.theta
    for j in range(net.P):
        old = theta[j]
        theta[j] = old + STEP
        up = loss(net, x, y)
        yield
        theta[j] = old - STEP
        slopes[j] = (up - loss(net, x, y)) / (2 * STEP)  # (3.2)
        theta[j] = old
        yield


class Race(Explorable):
    """Back-propagation against finite differences, on this machine, with a predicted finish for the slow one.

    depth, width : layers, 1 to 64, and neurons in each, 1 to 256; there are as many inputs
    running  : set it to start or to stop; without an event loop (in a script) the race runs to its end at once
    patience : seconds of its own time after which the slow one stops by itself; it can be started again

    ``back`` is the seconds of a gradient by back-propagation. Of the slow one ``done`` counts the forward passes,
    ``spent`` the seconds that they took, ``predicted`` the range of its total in seconds, ``agreement`` the relative
    difference of both gradients at the end. The clock is that of the wall, and stands still between the slices.

    >>> race = Race(depth=1, width=3)
    >>> race.P, race.needed
    (12, 24)
    >>> race.running = True
    >>> race.done, race.running, race.agreement < 1e-6
    (24, False, True)
    >>> print(race)
    Race: 1 layer of 3 neurons, P = 12; multiplications for a gradient: 21 by back-propagation, 216 by finite
    differences in 24 forward passes, 10 times as many.
    """

    depth = T.Int(32, min=1, max=DEEPEST).tag(sync=True)
    width = T.Int(16, min=1, max=WIDEST).tag(sync=True)
    running = T.Bool(False).tag(sync=True)
    patience = T.Float(60.0, min=0).tag(sync=True)
    back = T.Float(0.0).tag(sync=True)
    done = T.Int(0).tag(sync=True)
    spent = T.Float(0.0).tag(sync=True)
    low = T.Float(0.0).tag(sync=True)
    high = T.Float(0.0).tag(sync=True)
    agreement = T.Float(-1.0).tag(sync=True)
    _past = T.List().tag(sync=True)  # [spent, low, high], as it was predicted
    _over = T.Int(0).tag(sync=True)  # the page raises it to start over

    clock: Callable[[], float] = staticmethod(time.perf_counter)
    _passes: Iterator[None] | None = None
    _task: asyncio.Task | None = None

    def __init__(self, depth: int = 32, width: int = 16, **traits: Any) -> None:
        super().__init__(depth=depth, width=width, **traits)

    @property
    def P(self) -> int:
        """The number of parameters."""
        return self.depth * (self.width + 1) * self.width

    @property
    def needed(self) -> int:
        """Forward passes of the slow one: two for each parameter."""
        return 2 * self.P

    @property
    def predicted(self) -> tuple[float, float] | None:
        """Seconds that the slow one takes in all, if the rest goes as nine slices of ten went; None before three."""
        return (self.low, self.high) if self._past else None

    @property
    def multiplications(self) -> tuple[int, int]:
        """Of back-propagation, and of all the forward passes of the slow one, counted."""
        found = counts([self.width] * (self.depth + 1))
        return found.total.multiplications, self.needed * found.forward.multiplications

    # ---- running

    def start_over(self) -> None:
        """Back to the start; nothing is measured yet."""
        self._passes = None
        with self.hold_sync():
            self.running = False
            self.back = self.spent = self.low = self.high = 0.0
            self.done, self.agreement, self._past = 0, -1.0, []

    @T.observe("depth", "width", "_over")
    def _another(self, change: Any) -> None:
        self.start_over()

    @T.observe("running")
    def _start(self, change: Any) -> None:
        if not self.running:
            return
        if self.done == self.needed:
            self.start_over()
            self.running = True
            return
        self._until = self.spent + self.patience
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            while self.running:
                self._slice()
            return
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._in_slices())

    async def _in_slices(self) -> None:
        while self.running:
            self._slice()
            await asyncio.sleep(0.001)  # the messages of the page, and cells, come first

    def _line_up(self) -> None:
        """Make the network, and let the fast one run."""
        rng = np.random.default_rng(0)
        net = Network([self.width] * (self.depth + 1), rng=rng)
        x, y = rng.normal(size=(self.width, 1)), rng.random((self.width, 1))
        self._right = gradient(net, x, y)
        self.back = measure(lambda: gradient(net, x, y), seconds=0.05, clock=self.clock).median
        self._slopes = np.zeros(net.P)
        self._passes = nudges(net, x, y, self._slopes)
        self._rates: list[float] = []  # seconds per pass, slice by slice

    def _slice(self) -> None:
        """Forward passes for a short while, and what follows from them."""
        if self._passes is None:
            self._line_up()
            return
        start = now = self.clock()
        n = 0
        while now - start < SLICE and self.done + n < self.needed:
            next(self._passes)
            n, now = n + 1, self.clock()
        with self.hold_sync():
            self.done += n
            self.spent += now - start
            self._rates.append((now - start) / n)
            rates = self._rates[1:] or self._rates  # the first slice warms up
            slow, fast = np.percentile(rates, [95, 5]).tolist()
            left = self.needed - self.done
            self.low, self.high = self.spent + left * fast, self.spent + left * slow
            if len(self._rates) > 2 or not left:
                self._remember()
            if not left:
                scale = float(np.linalg.norm(self._right))
                self.agreement = float(np.linalg.norm(self._slopes - self._right)) / scale
            if not left or self.spent >= self._until:
                self.running = False

    def _remember(self) -> None:
        past = [*self._past, [self.spent, self.low, self.high]]
        self._past = past[:1] + past[1:-1:2] + past[-1:] if len(past) > MOST else past

    def close(self) -> None:
        """End the race with the widget."""
        self.running = False
        super().close()

    # ---- twins

    def sentence(self) -> str:
        """What has to be computed; no times, which no other machine would repeat."""
        back, nudged = self.multiplications
        layers = f"{self.depth} layer{'s' * (self.depth > 1)} of {self.width} neuron{'s' * (self.width > 1)}"
        return (
            f"Race: {layers}, P = {self.P}; multiplications for a gradient: {back} by back-propagation, {nudged} by "
            f"finite differences in {self.needed} forward passes, {nudged / back:.0f} times as many."
        )

    def picture(self) -> str:
        """The multiplications of both, as bars on a log axis."""
        left, wide, top = 170.0, 520.0, 70.0
        decades = 13

        def at(count: float) -> float:
            return left + wide * math.log10(count) / decades

        parts = [text(20, 22, f"One gradient: {self.depth} × {self.width}, P = {self.P}", anchor="start", weight=600)]
        parts.append(text(left, 46, "multiplications, on a log axis", QUIET, "start", 12))
        for k in range(0, decades + 1, 3):
            parts.append(line([(at(10.0**k), top - 8), (at(10.0**k), top + 92)], LINE, 1))
            parts.append(text(at(10.0**k), top + 106, f"1e{k}" if k else "1", QUIET, size=11))
        rows = (("back-propagation", VALUE), ("finite differences", ERROR))
        for k, ((name, colour), count) in enumerate(zip(rows, self.multiplications, strict=True)):
            y = top + 20 + 44 * k
            parts.append(text(left - 10, y, name, anchor="end"))
            place = f'x="{left:.1f}" y="{y - 10:.1f}" width="{max(at(count) - left, 2):.1f}" height="20"'
            parts.append(f'<rect {place} rx="4" fill="{colour}"/>')
            written = f"{count:,}".replace(",", "\u202f")
            parts.append(text(at(count) + 8, y, written, colour, "start", weight=600, halo=True))
        return svg(left + wide + 150, top + 124, *parts)
