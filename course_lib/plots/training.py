"""What training is made of: the singular values of long products, runs side by side, the digits themselves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import ArrayLike

from course_lib import _checks
from course_lib.plots.style import (
    BLUE,
    DASHES,
    GREY,
    INK,
    LARGE,
    MARKERS,
    NORMAL,
    ORANGE,
    SMALL,
    chart,
    count,
    finite,
    listing,
    number,
    styled,
    tell,
    width_of,
)


@styled
def plot_singular_values(
    spectra: Mapping[str, Sequence[ArrayLike]],
    title: str = "Singular values of a product of Jacobians",
    *,
    xlabel: str = "number of factors",
    ylabel: str = "singular values",
) -> np.ndarray:
    """How a product stretches as it grows: its singular values against the number of factors, on a log axis.

    spectra : name -> for 1, 2, .. factors the singular values of their product, (r,) each, at least 0
    One panel for each name, on a common axis: the largest with marks, the others as thin lines. A line ends where it
    falls below 1e-13 of the largest: what is left there is rounding.
    Returns the array of Axes. Raises ValueError for no spectra, or negative values.

    >>> from course_lib.plots import describe
    >>> describe(plot_singular_values({"halves": [[0.5, 0.5], [0.25, 0.25]]}, title="Half"))
    'Half: halves: 2 values, the largest 0.5 with 1 factor, 0.25 with 2 factors.'
    """
    if not spectra:
        raise ValueError("spectra must have at least one name, got none; try {'sigmoid': [...]}")
    bands: dict[str, list[np.ndarray]] = {}
    for name, given in spectra.items():
        bands[name] = [np.sort(np.asarray(_checks.vector(name, s), dtype=np.float64))[::-1] for s in given]
        for values in bands[name]:
            finite(name, values)
            if (values < 0).any():
                raise ValueError(f"singular values of {name!r} must be at least 0, got {values.min()}; try np.abs")
        if len({len(values) for values in bands[name]}) != 1:
            raise ValueError(f"{name!r} must have as many singular values for every product, one product at least")
    figure = Figure(figsize=(min(2.2 + 2.5 * len(bands), 9.4), 3.9), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", size=LARGE)
    axes = figure.subplots(1, len(bands), sharey=True, squeeze=False)[0]
    said = []
    for ax, (name, band) in zip(axes, bands.items(), strict=True):
        chart(ax)
        factors = np.arange(1, len(band) + 1)
        table = np.array(band).T
        table = np.where(table > 1e-13 * table[0], table, np.nan)
        for k, line in enumerate(table[1:]):
            ax.plot(factors, line, color=BLUE, linewidth=0.8, alpha=0.5, label="" if k else "the others")
        ax.plot(factors, table[0], color=BLUE, marker=MARKERS[0], markersize=5, label="largest")
        ax.axhline(1, color=INK, linewidth=1, linestyle=DASHES[3])
        ax.set(yscale="log", xlabel=xlabel)
        ax.set_title(name, size=NORMAL)
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5, min_n_ticks=1))
        ends = [(1, band[0]), *([(len(band), band[-1])] if len(band) > 1 else [])]
        parts = [f"{number(values[0], 2)} with {count(k, 'factor')}" for k, values in ends]
        said.append(f"{name}: {count(len(band[0]), 'value')}, the largest {', '.join(parts)}")
        tell(ax, "")
    axes[0].set_ylabel(ylabel)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    tell(axes[0], f"{title}: {'; '.join(said)}.")
    return axes


@styled
def plot_runs(
    runs: Mapping[str, Mapping[str, ArrayLike]],
    title: str = "Losses while training",
    *,
    level: tuple[str, float] | None = None,
    xlabel: str = "epoch",
) -> np.ndarray:
    """Several training runs, a panel for each, each with its own scale from 0.

    runs  : name of the run -> name of the curve ("training", "test") -> (k,) losses, from the start on
    level : (name, loss) of a dashed line in every panel, such as the loss of guessing
    Returns the array of Axes. Raises ValueError for no runs, or losses that are not finite.

    >>> from course_lib.plots import describe
    >>> describe(plot_runs({"run 1": {"training": [2.0, 1.0, 0.5], "test": [2.0, 1.5, 1.8]}}))
    'Losses while training: run 1: training 2, 1, 0.5; test 2, 1.5, 1.8.'
    """
    if not runs:
        raise ValueError("runs must have at least one run, got none; try {'run 1': {'training': losses}}")
    columns = min(len(runs), 3)
    lines = -(-len(runs) // columns)
    figure = Figure(figsize=(min(2.0 + 2.4 * columns, 9.2), 0.9 + 2.45 * lines), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", size=LARGE)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    said = []
    for ax, (name, curves) in zip(axes, runs.items(), strict=False):
        chart(ax)
        parts = []
        for k, (what, given) in enumerate(curves.items()):
            curve = np.asarray(_checks.vector(f"{name}, {what}", given), dtype=np.float64)
            finite(f"{name}, {what}", curve)
            colour, dash, marker = (BLUE, ORANGE)[k % 2], DASHES[k % 2], MARKERS[k % 2]
            ax.plot(curve, color=colour, linestyle=dash, marker=marker, markersize=4.5, label=what)
            parts.append(f"{what} {listing([number(v, 2) for v in curve.tolist()], most=20)}")
        if level is not None:
            ax.axhline(level[1], color=GREY, linewidth=1.2, linestyle=DASHES[3], label=level[0])
        ax.set_title(name, size=NORMAL)
        top = max(float(np.max(line.get_ydata())) for line in ax.lines)
        ax.set_ylim(0, 1.08 * top if top > 0 else 1)
        ax.set_xlabel(xlabel, size=SMALL)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
        said.append(f"{name}: {'; '.join(parts)}")
        tell(ax, "")
    for spare in axes[len(runs) :]:
        spare.axis("off")
        tell(spare, "")
    handles = axes[0].get_legend_handles_labels()
    if len(runs) < len(axes):
        axes[-1].legend(*handles, loc="center", fontsize=NORMAL)
    else:
        figure.legend(*handles, loc="outside lower center", ncols=3)
    about = f" {level[0]}: {number(level[1])};" if level is not None else ""
    tell(axes[0], f"{title}:{about} {'. '.join(said)}.")
    return axes[: len(runs)]


@styled
def plot_digits(
    x: ArrayLike,
    labels: Sequence[int],
    answers: Sequence[int] | None = None,
    title: str = "Handwritten digits",
    *,
    columns: int = 10,
) -> np.ndarray:
    """Images of square size side by side, each with its label, and with what a network answers where that differs.

    x       : (p * p, K) images, the pixels row by row, 0 white and the largest black      columns : images in a row
    labels  : (K,) what they are      answers : (K,) what a network takes them for
    Returns the array of Axes. Raises ValueError if x is not made of square images, or a label is missing.

    >>> from course_lib.data import digits
    >>> from course_lib.plots import describe
    >>> describe(plot_digits(digits().x[:, :3], digits().labels[:3], answers=[0, 7, 2]))
    'Handwritten digits: 3 images of 8 by 8 pixels: 0, 1 taken for 7, 2.'
    """
    x = np.asarray(_checks.matrix("x", x), dtype=np.float64)
    side, K = round(len(x) ** 0.5), x.shape[1]
    if side * side != len(x) or not K:
        raise ValueError(f"x must be of shape (p * p, K), an image in each column, got {x.shape}; try x.T")
    given = [int(v) for v in labels]
    read = given if answers is None else [int(v) for v in answers]
    if not len(given) == len(read) == K:
        raise ValueError(f"labels must be one for each of the {K} images, got {len(given)}; try labels[:{K}]")
    columns = min(columns, K)
    lines = -(-K // columns)
    cell, gap = 0.78, 0.3
    width = max(columns * cell + 0.3, width_of(title, LARGE) + 0.4)
    figure = Figure(figsize=(width, lines * (cell + gap) + 0.55), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", size=LARGE)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    said = []
    for k, ax in enumerate(axes):
        ax.set(xticks=[], yticks=[])
        tell(ax, "")
        if k >= K:
            ax.axis("off")
            continue
        ax.imshow(x[:, k].reshape(side, side), cmap="gray_r", vmin=0, vmax=max(x.max(), 1e-12))
        right = given[k] == read[k]
        ax.set_title(
            str(given[k]) if right else f"{given[k]} \N{RIGHTWARDS ARROW} {read[k]}",
            size=NORMAL,
            color=INK if right else ORANGE,
            loc="center",
            pad=3,
        )
        for spine in ax.spines.values():
            spine.set(visible=True, color=GREY if right else ORANGE, linewidth=0.8 if right else 1.6)
        said.append(str(given[k]) if right else f"{given[k]} taken for {read[k]}")
    tell(axes[0], f"{title}: {count(K, 'image')} of {side} by {side} pixels: {listing(said, most=40)}.")
    return axes[:K]


@styled
def plot_seconds(seconds: Mapping[str, float], title: str = "Measured time", *, ax: Axes | None = None) -> Axes:
    """Measured times as bars with their numbers, in the order given.

    seconds : name -> seconds, at least 0
    Returns the Axes; ``describe`` says what was measured and leaves the seconds out, which differ from machine to
    machine. Raises ValueError for no times, or negative ones.

    >>> from course_lib.plots import describe
    >>> describe(plot_seconds({"by hand": 0.31, "by machine": 0.12}))
    'Measured time: the seconds of by hand, by machine.'
    """
    values = np.array(list(seconds.values()), dtype=np.float64)
    if not len(values) or not (values >= 0).all():
        raise ValueError(f"seconds must be at least one time, none below 0, got {dict(seconds)}")
    if ax is None:
        ax = Figure(figsize=(6.4, 1.2 + 0.46 * len(values)), layout="constrained").add_subplot()
    ax.barh(list(seconds), values, color=BLUE, height=0.62)
    for row, value in enumerate(values):
        text = f"{number(float(value), 2)} s"
        ax.annotate(text, (value, row), (6, 0), textcoords="offset points", va="center")
    ax.set(xlim=(0, 1.2 * max(float(values.max()), 1e-9)), ylim=(len(values) - 0.5, -0.5), title=title, xticks=[])
    ax.set_xlabel("seconds", loc="left", color=GREY, size=SMALL)
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="y", length=0, labelsize=NORMAL)
    tell(ax, f"{title}: the seconds of {listing(list(seconds))}.")
    return ax
