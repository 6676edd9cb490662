"""Batches: the outer products of the examples and the one matrix product that they add up to; times against N."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator
from numpy.typing import ArrayLike

from course_lib import _checks
from course_lib.complexity import Timing
from course_lib.plots.matrices import text_colour
from course_lib.plots.style import (
    BLUE,
    COLOURS,
    DASHES,
    GREY,
    LARGE,
    MARKERS,
    NORMAL,
    ORANGE,
    SIGNED,
    SMALL,
    WHITE,
    board,
    chart,
    count,
    matrix,
    number,
    styled,
    tell,
    width_of,
    written,
)

_CELL, _GAP, _SIGN, _EDGE = 0.36, 0.07, 0.3, 0.28  # inches: a cell, beside a factor, for + or =, around all
_WIDEST = 9.2  # inches: what a page has room for


@styled
def plot_outer_products(
    delta: ArrayLike, a: ArrayLike, title: str = "Outer products added up are one matrix product"
) -> Axes:
    """delta @ a.T twice: as the sum of an outer product for each example, and as one product.

    delta : (m, N) and a : (k, N), a column for each example; small enough to write the numbers in, as 2 or 3 rows and
    3 or 4 examples are
    Above, each column of delta stands beside its product, and the row of a over it. Blue is positive, orange negative.
    Returns the Axes. Raises ValueError if there are not as many columns, two or more, or too many for a page.

    >>> from course_lib.plots import describe
    >>> describe(plot_outer_products([[1, 2]], [[3, -1], [0, 4]]))
    'Outer products added up are one matrix product: 2 examples; (3, 0) + (-2, 8) = (1, 8), which is also the product of
    delta, 1 x 2, and the transpose of a, 2 x 2.'
    """
    delta, a = matrix("delta", delta), matrix("a", a)
    (m, N), k = delta.shape, len(a)
    if a.shape[1] != N or N < 2:
        raise ValueError(
            f"delta and a must have a column for each of two or more examples, got {N} and {a.shape[1]} columns"
        )
    card = (k + 1) * _CELL + _GAP
    width = 2 * _EDGE + max(N * card + N * _SIGN + k * _CELL, width_of(title, LARGE))
    height = 0.65 + 0.3 + (m + 1) * _CELL + _GAP + 0.55 + max(m, N) * _CELL + 0.5
    if width > _WIDEST or height > _WIDEST:
        raise ValueError(
            f"delta and a must be small enough to write the numbers in, got {m} x {N} and {k} x {N}; "
            "try delta[:2, :4] and a[:3, :4]"
        )
    ax = board(width, height)
    ax.text(_EDGE, height - 0.25, title, size=LARGE, va="top")
    outer, G = [np.outer(delta[:, n], a[:, n]) for n in range(N)], delta @ a.T
    largest = max(np.abs(product).max() for product in [*outer, G]) or 1.0

    def cells(A: np.ndarray, x: float, y: float, colour: str = "") -> None:
        """A with its upper left corner at (x, y): filled by its numbers, or written in a colour."""
        for (i, j), value in np.ndenumerate(A):
            corner, share = (x + j * _CELL, y - (i + 1) * _CELL), value / largest
            face = WHITE if colour else SIGNED(0.5 + share / 2)
            ax.add_patch(Rectangle(corner, _CELL, _CELL, facecolor=face, edgecolor=colour or GREY, linewidth=0.8))
            size = min(NORMAL, NORMAL * 0.86 * _CELL / width_of(written(value), NORMAL))
            ink = colour or text_colour(share)
            ax.text(x + (j + 0.5) * _CELL, corner[1] + _CELL / 2, written(value), color=ink, size=size, **_CENTRE)

    def sign(text: str, x: float, y: float) -> None:
        ax.text(x + _SIGN / 2, y, text, size=LARGE, **_CENTRE)

    top = height - 0.65
    middle = top - 0.3 - _CELL - _GAP - m * _CELL / 2
    for n in range(N):
        x = _EDGE + n * (card + _SIGN)
        ax.text(x + _CELL + _GAP, top - 0.1, f"example {n + 1}", color=GREY, size=SMALL, va="center")
        cells(a[:, [n]].T, x + _CELL + _GAP, top - 0.3, BLUE)
        cells(delta[:, [n]], x, top - 0.3 - _CELL - _GAP, ORANGE)
        cells(outer[n], x + _CELL + _GAP, top - 0.3 - _CELL - _GAP)
        sign("+" if n < N - 1 else "=", x + card, middle)
    right = _EDGE + N * (card + _SIGN)
    cells(G, right, middle + m * _CELL / 2)

    low = top - 0.3 - (m + 1) * _CELL - _GAP - 0.55
    middle = low - max(m, N) * _CELL / 2
    x = right - 3 * _SIGN - k * _CELL - N * _CELL
    cells(delta, x, middle + m * _CELL / 2, ORANGE)
    sign("@", x + N * _CELL + 0.15, middle)
    cells(a.T, right - _SIGN - k * _CELL, middle + N * _CELL / 2, BLUE)
    sign("=", right - _SIGN, middle)
    cells(G, right, middle + m * _CELL / 2)
    for at, wide, name, rows in (
        (x, N, r"$\delta$", m),
        (right - _SIGN - k * _CELL, k, "$a^T$", N),
        (right, k, r"$\delta\, a^T$", m),
    ):
        ax.text(at + wide * _CELL / 2, middle - rows * _CELL / 2 - 0.2, name, ha="center", va="center")

    note = "Above, an outer product\nfor each example. Below,\nthe same columns side by side,\nthe same rows stacked."
    if x - _EDGE > 0.3 + width_of("the same columns side by side,", NORMAL):
        ax.text(_EDGE, middle, note, va="center", color=GREY, linespacing=1.5)

    added = " + ".join(_rows(product) for product in outer)
    product = f"the product of delta, {m} x {N}, and the transpose of a, {N} x {k}"
    tell(ax, f"{title}: {count(N, 'example')}; {added} = {_rows(G)}, which is also {product}.")
    return ax


_CENTRE: dict[str, Any] = {"ha": "center", "va": "center"}


def _rows(A: np.ndarray) -> str:
    return ", ".join("(" + ", ".join(number(v) for v in row) + ")" for row in A)


@styled
def plot_times(
    N: Sequence[int],
    timings: Mapping[str, Sequence[Timing]],
    title: str = "Time of one call",
    *,
    xlabel: str = "number of examples N",
    ax: Axes | None = None,
) -> Axes:
    """Measured times against a size, both axes logarithmic: medians joined by a line, quartiles as bars.

    N : sizes, positive      timings : name -> the ``Timing`` of each size
    Returns the Axes. Raises ValueError if there is not one Timing for each size. ``describe`` says what was measured
    and leaves the seconds out, which differ from machine to machine.

    >>> from course_lib.plots import describe
    >>> quick = [Timing(median=t, lower=0.9 * t, upper=1.2 * t, best=0.8 * t, n=5, calls=10) for t in (1e-6, 1e-5)]
    >>> describe(plot_times([1, 10], {"loop": quick}))
    'Time of one call: number of examples N from 1 to 10; the measured time of loop.'
    """
    sizes = np.array([_checks.positive_integer("N", n) for n in N])
    if not timings or any(len(row) != len(sizes) for row in timings.values()):
        found = {name: len(row) for name, row in timings.items()}
        raise ValueError(f"timings must have one Timing for each of the {len(sizes)} sizes, got {found}")
    ax = chart(ax, 6.4, 4.2)
    for j, (name, row) in enumerate(timings.items()):
        lower, median, upper = (np.array([getattr(t, part) for t in row]) for part in ("lower", "median", "upper"))
        ax.errorbar(
            sizes,
            median,
            yerr=[median - lower, upper - median],
            color=(ORANGE, BLUE, *COLOURS[2:])[j % len(COLOURS)],  # what is slow, what is quick, others
            linestyle=(DASHES[1], DASHES[0], *DASHES[2:])[j % len(DASHES)],
            marker=MARKERS[(j + 1) % 2 if j < 2 else j % len(MARKERS)],
            capsize=4,
            label=name,
        )
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel="time of one call", title=title, xticks=sizes)
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}"))
    )
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _time(value)))
    ax.yaxis.set_minor_formatter(NullFormatter())
    low, high = ax.get_ylim()
    ax.set_ylim(10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high)))
    if isinstance(ax.figure, Figure) and ax.figure.get_layout_engine() and len(ax.figure.axes) == 1:
        ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=len(timings))
    else:
        ax.legend()
    tell(ax, f"{title}: {xlabel} from {sizes.min()} to {sizes.max()}; the measured time of {' and of '.join(timings)}.")
    return ax


def _time(seconds: float) -> str:
    """A power of ten in the unit that suits it: 10 µs."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor > 0.9999:
            return f"{seconds * factor:g} {unit}"
    return f"{seconds * 1e9:g} ns"
