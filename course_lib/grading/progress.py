"""The line that says how far grading has come, and how long the rest will take."""

import sys
import time
from collections.abc import Callable
from typing import TextIO


class Progress:
    """Counts hand-ins; on a terminal it draws one line over and over, elsewhere it says a line at the end.

    clock : gives seconds
    """

    def __init__(self, total: int, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.stream, self.clock = total, stream or sys.stderr, clock
        self.start, self.done, self.run = clock(), 0, 0
        self.live = self.stream.isatty()

    def __enter__(self) -> "Progress":
        self._draw("")
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.close(stopped=kind is not None)

    def ended(self, who: str, ran: bool) -> None:
        """Count one, and say whose it was; ``ran`` is False where its result was there already."""
        self.done += 1
        self.run += ran
        self._draw(f": {who}")

    def _draw(self, who: str) -> None:
        if self.live:
            width, text = 20, f"{self.done} of {self.total}{self.left()}{who}"
            full = round(width * self.done / self.total)
            self.stream.write(f"\r\033[K{'█' * full}{'░' * (width - full)} {text[:90]}")
            self.stream.flush()

    def left(self) -> str:
        """About how long the rest takes, by what those took that were run.

        >>> ticks = iter([0.0, 30.0])
        >>> progress = Progress(11, clock=lambda: next(ticks))
        >>> progress.ended("ann", ran=True); progress.left()
        ', about 5 min left'
        """
        if not self.run:
            return ""
        seconds = (self.clock() - self.start) / self.run * (self.total - self.done)
        return f", about {in_words(seconds)} left"

    def close(self, stopped: bool = False) -> None:
        """Take the line away and say what was done."""
        if self.live:
            self.stream.write("\r\033[K")
        took = in_words(self.clock() - self.start)
        there = f", {self.done - self.run} of them before" if self.done > self.run else ""
        if stopped:
            said = f"stopped after {self.done} of {self.total}{there}; the same command again goes on from here"
        else:
            said = f"graded {self.done} file{'' if self.done == 1 else 's'}{there} in {took}"
        self.stream.write(f"{said}\n")
        self.stream.flush()


def in_words(seconds: float) -> str:
    """A time as people say it.

    >>> in_words(3.2), in_words(125), in_words(8000)
    ('3 s', '2 min', '2 h 13 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
