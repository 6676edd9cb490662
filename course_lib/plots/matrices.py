"""Matrices and maps: the numbers of a Jacobian beside the links that they stand for, and what it does to a grid."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from course_lib import _checks
from course_lib.plots.style import (
    BLUE,
    DASHES,
    FAINT,
    GREY,
    INK,
    LARGE,
    NORMAL,
    ORANGE,
    SIGNED,
    SMALL,
    WHITE,
    contrast,
    count,
    describe,
    finite,
    listing,
    matrix,
    names,
    number,
    styled,
    symbol,
    tell,
    width_of,
    written,
)

_ROUNDING = 1e-12  # an entry below this part of the largest one is what rounding has left of a zero
_WITH_NUMBERS = 10  # matrices of at most so many rows and columns have their numbers written in


@styled
def plot_matrix(
    A: ArrayLike,
    title: str = "",
    *,
    rows: Iterable[str] | None = None,
    columns: Iterable[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A matrix as a heat map with its numbers; zeros are left blank.

    A : (m, n)      rows, columns : names of the m rows and n columns; 1, 2, ... unless given
    Blue is positive and orange negative, white is zero, the darkest is the largest. Beyond 10 rows or columns the
    numbers give way to a scale beside the map.
    Returns the Axes. Raises ValueError if A is not a finite matrix, or a name is missing.

    >>> ax = plot_matrix([[2, 0], [1, 3]], "W")
    >>> [text.get_text() for text in ax.texts]
    ['2', '1', '3']
    """
    A = _cleared(matrix("A", A))
    m, n = A.shape
    row_names, column_names = names(rows, m, "", "rows"), names(columns, n, "", "columns")
    if ax is None:
        cell = _cell(m, n)
        left, top, bottom = 0.45 + _widest(row_names), 0.95 if title else 0.5, 0.25
        width = max(left + n * cell + _scale_width(A), left + width_of(title, LARGE)) + 0.25
        height = top + m * cell + bottom
        ax = Figure(figsize=(width, height)).add_axes(
            (left / width, bottom / height, n * cell / width, m * cell / height)
        )
    _heat_map(ax, A, row_names, column_names)
    ax.set_title(title)
    tell(
        ax,
        (f"{title}: " if title else "") + _in_words(A, "row", "column", "matrix", None if rows is None else row_names),
    )
    return ax


@styled
def plot_jacobian(
    J: ArrayLike,
    inputs: Iterable[str] | None = None,
    outputs: Iterable[str] | None = None,
    title: str = "A Jacobian and its links",
) -> np.ndarray:
    """A Jacobian twice: as links from inputs to outputs, and as a matrix whose rows stand beside their outputs.

    J : (m, n), J[i, j] = dy_i/dx_j      inputs, outputs : n and m names; x_1, x_2, ... and y_1, y_2, ... unless given
    A link is as wide as its entry is large, solid and blue where positive, dashed and orange where negative; where the
    entry is zero there is no link, and a blank in the matrix.
    Returns array([links, matrix]) of two Axes. Raises ValueError if J is not a finite matrix, or a name is missing.

    >>> links, numbers = plot_jacobian([[2, 0, 5], [0, 1, 3]])
    >>> [text.get_text() for text in numbers.texts]
    ['2', '5', '1', '3']
    """
    J = _cleared(matrix("J", J))
    m, n = J.shape
    x, y = names(inputs, n, "x", "inputs"), names(outputs, m, "y", "outputs")
    cell, step, links = _cell(m, n), _step(n), 2.2
    left, middle, right = 0.45 + _widest(x), 0.35 + _widest(y), 0.3
    head, foot = 1.0 if title else 0.55, 0.6 if (J < 0).any() else 0.3
    body = max(m * cell, n * step)
    width = max(left + links + middle + n * cell + _scale_width(J) + right, 0.5 + width_of(title, LARGE))
    height = head + body + foot
    figure = Figure(figsize=(width, height))
    ax = figure.add_axes((left / width, foot / height, links / width, body / height))
    ax.set(xlim=(0, links), ylim=(-body / 2, body / 2))
    _links(ax, J, _row(n, step, x=0.0), _row(m, cell, x=links))
    for label, (_, at) in _thinned(x, _row(n, step, x=0.0), step):
        ax.annotate(symbol(label), (0, at), (-11, 0), textcoords="offset points", ha="right", va="center")
    if (J < 0).any():
        _key(ax, (0.5, -0.12 / body))
    beside = figure.add_axes(
        (
            (left + links + middle) / width,
            (foot + (body - m * cell) / 2) / height,
            n * cell / width,
            m * cell / height,
        )
    )
    _heat_map(beside, J, y, x)
    figure.text(0.25 / width, 1 - 0.25 / height, title, size=LARGE, va="top")
    for at, label in ((left, "inputs"), (left + links, "outputs")):
        figure.text(at / width, (foot + body + 0.12) / height, label, color=GREY, size=SMALL, ha="center")
    tell(ax, f"{title}: links from inputs to outputs beside the " + _in_words(J, "output", "input", "Jacobian", y, x))
    tell(beside, "")
    return np.array([ax, beside], dtype=object)


@styled
def plot_jacobians(jacobians: Mapping[str, ArrayLike], title: str = "") -> np.ndarray:
    """Several Jacobians side by side, each as links (inputs above, outputs below) over its matrix.

    jacobians : name -> J of shape (m, n); best at most 5 of at most 6 rows and columns
    Returns an array of shape (number of Jacobians, 2): the Axes of the links and of the matrix of each. Raises
    ValueError if there is none, or if one is not a finite matrix.

    >>> axes = plot_jacobians({"sum": [[1, 1, 1]], "element-wise": np.diag([1, 2, 3])})
    >>> axes.shape
    (2, 2)
    """
    if not jacobians:
        raise ValueError('jacobians must hold at least one, name: J; got none; try {"sum": np.ones((1, 3))}')
    cleared = {name: _cleared(matrix(name, J)) for name, J in jacobians.items()}
    head, links, gap, most = 0.75 if title else 0.2, 1.1, 0.25, 8.9
    widths = {
        name: 0.06 + max(_gallery_cell(J) * J.shape[1] + _scale_width(J), 1.35, width_of(name))
        for name, J in cleared.items()
    }
    lines: list[list[str]] = [[]]
    for name in cleared:
        if lines[-1] and sum(widths[other] + gap for other in [*lines[-1], name]) + gap > most:
            lines.append([])
        lines[-1].append(name)
    bodies = [max(_gallery_cell(cleared[name]) * len(cleared[name]) for name in line) for line in lines]
    note = "Inputs above, outputs below: a row of the matrix for each output, zeros left blank."
    rows = (sum(widths[name] + gap for name in line) + gap for line in lines)
    width = max(*rows, 2 * gap + width_of(title, LARGE), 0.2 + 2 * gap + width_of(note, SMALL))
    height = head + sum(0.4 + links + 0.25 + body + 0.3 for body in bodies) + 0.2
    figure = Figure(figsize=(width, height))
    figure.text(gap / width, 1 - 0.25 / height, title, size=LARGE, va="top")
    figure.text(gap / width, 0.18 / height, note, size=SMALL, color=GREY)
    axes, top = [], height - head
    for line, body in zip(lines, bodies, strict=True):
        left = gap
        for name in line:
            J, wide, cell = cleared[name], widths[name], _gallery_cell(cleared[name])
            m, n = J.shape
            spacing = min(0.36, (wide - 0.2) / max(m, n))
            figure.text((left + wide / 2) / width, (top - 0.25) / height, name, ha="center")
            above = figure.add_axes((left / width, (top - 0.4 - links) / height, wide / width, links / height))
            above.set(xlim=(-wide / 2, wide / 2), ylim=(0, links))
            _links(above, J, _row(n, spacing, y=links - 0.12), _row(m, spacing, y=0.12))
            corner = left + (wide - n * cell - _scale_width(J)) / 2, top - 0.4 - links - 0.25 - m * cell
            below = figure.add_axes((corner[0] / width, corner[1] / height, n * cell / width, m * cell / height))
            _heat_map(below, J, [""] * m, [""] * n)
            tell(above, f"{name}: {_in_words(J, 'output', 'input', 'Jacobian')}")
            tell(below, "")
            axes.append([above, below])
            left += wide + gap
        top -= 0.4 + links + 0.25 + body + 0.3
    if title:
        tell(axes[0][0], f"{title}. {describe(axes[0][0])}")
    return np.array(axes, dtype=object)


@styled
def plot_map_on_grid(
    f: Callable[[np.ndarray], ArrayLike],
    J: ArrayLike,
    x: ArrayLike,
    *,
    radius: float = 0.5,
    lines: int = 7,
    title: str = "A grid carried by a map, and by its Jacobian",
) -> np.ndarray:
    """A grid around a point, and where a map f and its linear part f(x) + J v carry it.

    f : (2,) -> (2,)      J : (2, 2), its Jacobian at x      x : (2,)
    radius : half the width of the grid, units of x      lines : lines of the grid each way
    Returns array([before, after]) of two Axes. Raises ValueError if f, J or x have other shapes.

    >>> before, after = plot_map_on_grid(lambda x: np.array([x[0] * x[1], x[0]]), [[3, 2], [1, 0]], [2.0, 3.0])
    >>> after.get_xlabel(), after.get_ylabel()
    ('$y_1$', '$y_2$')
    """
    J, x = matrix("J", J), np.asarray(_checks.vector("x", x), dtype=np.float64)
    if J.shape != (2, 2) or x.shape != (2,):
        raise ValueError(
            f"J must be of shape (2, 2) and x of shape (2,), got {J.shape} and {x.shape}; try two of the inputs"
        )
    if not radius > 0 or lines < 2:
        raise ValueError(
            f"radius must be positive and lines at least 2, got {radius} and {lines}; try radius=0.5, lines=7"
        )

    def image(v: np.ndarray) -> np.ndarray:
        value = np.asarray(f(x + v), dtype=np.float64)
        if value.shape != (2,):
            raise ValueError(f"f(x) must be of shape (2,), got {value.shape}; try a map from two inputs to two outputs")
        return value

    across, along = np.linspace(-radius, radius, lines), np.linspace(-radius, radius, 41)
    upright = np.stack([np.broadcast_to(across[:, None], (lines, 41)), np.broadcast_to(along, (lines, 41))], axis=-1)
    grid = np.concatenate([upright, upright[..., ::-1]])  # (2 lines, 41, 2), as v = point - x
    curved = np.array([[image(v) for v in line] for line in grid])
    finite("f(x)", curved)
    y = image(np.zeros(2))
    straight = y + grid @ J.T

    figure = Figure(figsize=(8.4, 4.7), layout="constrained")
    before, after = figure.subplots(1, 2)
    before.add_collection(LineCollection(list(x + grid), colors=GREY, linewidths=1))
    after.add_collection(LineCollection(list(curved), colors=GREY, linewidths=1))
    after.add_collection(LineCollection(list(straight), colors=BLUE, linewidths=1.4, linestyles=[DASHES[1]]))
    for ax, at, columns in ((before, x, np.eye(2)), (after, y, J)):
        for j in (0, 1):
            tip = at + radius * columns[:, j]
            if np.hypot(*(tip - at)) > 0:
                ax.annotate(
                    "", tip, at, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 2, "shrinkA": 0, "shrinkB": 0}
                )
        ax.plot(*at, "o", color=INK, ms=7, mec=WHITE, zorder=5)
        ax.autoscale_view()
        ax.set_aspect("equal", adjustable="datalim")
    before.set(xlabel="$x_1$", ylabel="$x_2$")
    before.set_title("$x + v$", size=NORMAL)
    after.set(xlabel="$y_1$", ylabel="$y_2$")
    after.set_title("$f(x + v)$  and  $f(x) + J\\,v$", size=NORMAL)
    handles = [
        Line2D([], [], color=GREY, lw=1, label="the map"),
        Line2D([], [], color=BLUE, lw=1.4, ls=DASHES[1], label="its linear part"),
        Line2D([], [], color=INK, lw=2, marker=">", ms=5, label="one input alone: along a column of $J$"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    figure.suptitle(title, x=0.02, ha="left", size=LARGE)
    gap = np.abs(curved - straight).max()
    near = max(
        np.abs(image(v / 2) - y - J @ (v / 2)).max() for v in radius * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    )
    tell(
        before,
        f"{title}: a square grid of half-width {number(radius)} around x = {_point(x)}, and where the map and its "
        f"linear part carry it, around {_point(y)}; the columns of the Jacobian are {_point(J[:, 0])} and "
        f"{_point(J[:, 1])}; the two differ by at most {number(gap)}, and by at most {number(near)} at the corners of "
        "a grid half as wide.",
    )
    tell(after, "")
    return np.array([before, after], dtype=object)


# --- parts


def _cleared(A: np.ndarray) -> np.ndarray:
    return np.where(np.abs(A) <= _ROUNDING * np.abs(A).max(), 0.0, A)


def _has_numbers(A: np.ndarray) -> bool:
    return max(A.shape) <= _WITH_NUMBERS


def _cell(m: int, n: int, most: float = 4.6) -> float:
    """Side of a cell in inches."""
    return min(0.56, most / max(m, n))


def _gallery_cell(J: np.ndarray) -> float:
    return min(0.46, _cell(J.shape[0], J.shape[1], most=2.8))


def _step(n: int) -> float:
    """Distance of two nodes of the link map in inches."""
    return min(0.56, 4.6 / n)


def _scale_width(A: np.ndarray) -> float:
    return 0.0 if _has_numbers(A) else 0.85


def _widest(labels: Sequence[str]) -> float:
    return max(width_of(symbol(label)) for label in labels)


def _row(n: int, step: float, *, x: float | None = None, y: float = 0.0) -> np.ndarray:
    """Places of n nodes around 0, (n, 2): from the top down at ``x``, or from left to right at ``y``."""
    along = (np.arange(n) - (n - 1) / 2) * step
    return np.column_stack([np.full(n, x), -along] if x is not None else [along, np.full(n, y)])


def _thinned(labels: Sequence[str], places: Iterable, step: float) -> list[tuple[str, np.ndarray]]:
    """Labels with their places, only so many that they do not run into each other."""
    every = next(
        k for k in (1, 2, 4, 5, 8, 10, 16, 20, 32, 50, 64, 100, len(labels)) if k * step >= 0.2 or k >= len(labels)
    )
    return [pair for k, pair in enumerate(zip(labels, places, strict=True)) if k % every == 0]


def _links(ax: Axes, J: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> None:
    """Nodes at ``sources`` (n, 2) and ``targets`` (m, 2), and a link for each entry of J that is not zero."""
    share = np.abs(J) / (np.abs(J).max() or 1.0)
    many = not _has_numbers(J)
    for wanted, colour, dash in ((J > 0, BLUE, DASHES[0]), (J < 0, ORANGE, DASHES[1])):
        i, j = np.nonzero(wanted)
        ax.add_collection(
            LineCollection(
                list(np.stack([sources[j], targets[i]], axis=1)),
                colors=[to_rgba(colour, opacity) for opacity in (share[i, j] if many else np.ones(len(i)))],
                linewidths=(0.2 + 1.0 * share[i, j]) if many else (1.1 + 3.4 * share[i, j]),
                linestyles=["-" if many else dash],  # dashes would only be noise in a thicket
                zorder=1,
            )
        )
    for places in (sources, targets):
        near = np.hypot(*np.diff(places, axis=0).T).min() if len(places) > 1 else 1.0
        size = min(11.0, 0.75 * 72 * near)
        ax.plot(*places.T, "o", ms=size, mfc=WHITE, mec=INK, mew=min(1.4, size / 5), clip_on=False, zorder=2)
    ax.axis("off")


def _heat_map(ax: Axes, A: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> AxesImage:
    """Cells coloured by sign and size, names at the left and above, numbers or a scale."""
    m, n = A.shape
    largest = np.abs(A).max() or 1.0
    image = ax.imshow(A, cmap=SIGNED, vmin=-largest, vmax=largest, aspect="auto")
    inches = ax.get_window_extent().width / ax.figure.dpi / n
    ax.set_xticks(
        *zip(*[(j, symbol(name)) for name, j in _thinned(columns, range(n), inches / _crowding(columns))], strict=True)
    )
    ax.set_yticks(*zip(*[(i, symbol(name)) for name, i in _thinned(rows, range(m), inches)], strict=True))
    ax.tick_params(top=False, bottom=False, left=False, labeltop=True, labelbottom=False, labelsize=NORMAL, pad=5)
    ax.spines[:].set(visible=True, color=GREY, linewidth=1)
    if _has_numbers(A):
        ax.hlines(np.arange(m - 1) + 0.5, -0.5, n - 0.5, color=FAINT, linewidth=0.8)
        ax.vlines(np.arange(n - 1) + 0.5, -0.5, m - 0.5, color=FAINT, linewidth=0.8)
        digits, size = _fitting(A, 0.84 * inches)
        for i, j in np.argwhere(A != 0):
            colour = text_colour(A[i, j] / largest)
            ax.text(j, i, written(A[i, j], digits), ha="center", va="center", color=colour, size=size)
        ax.set(xlim=(-0.5, n - 0.5), ylim=(m - 0.5, -0.5))
    else:
        ax.figure.colorbar(
            image, cax=ax.inset_axes((1 + 0.15 / (inches * n), 0, 0.14 / (inches * n), 1))
        ).outline.set_visible(False)
    return image


def _crowding(labels: Sequence[str]) -> float:
    return max(1.0, (_widest(labels) + 0.08) / 0.2)


def _fitting(A: np.ndarray, room: float) -> tuple[int, float]:
    """Digits and type size at which every number of A fits into ``room`` inches."""
    for digits in (3, 2):
        widest = max(width_of(written(value, digits), NORMAL) for value in A.flat)
        size = NORMAL * min(1.0, room / widest)
        if size >= SMALL:
            break
    return digits, max(size, 8.0)


def text_colour(share: float) -> str:
    """Black or white, whichever is read better on the colour of ``share`` in [-1, 1] of the largest entry."""
    return max((INK, WHITE), key=lambda colour: contrast(colour, SIGNED(0.5 + share / 2)))


def _key(ax: Axes, at: tuple[float, float]) -> None:
    handles = [
        Line2D([], [], color=BLUE, lw=2.5, label="positive"),
        Line2D([], [], color=ORANGE, lw=2.5, ls=DASHES[1], label="negative"),
    ]
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=at, ncols=2, borderpad=0, columnspacing=1.2)


def _point(v: np.ndarray) -> str:
    return "(" + ", ".join(number(float(value)) for value in v) + ")"


def _in_words(
    A: np.ndarray,
    row: str,
    column: str,
    what: str,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> str:
    """Shape, entries and zeros of a matrix in a sentence; of a large one the largest entry instead of all."""
    m, n = A.shape
    text = f"{what} of {count(m, row)} ({listing(rows)})" if rows else f"{what} of {count(m, row)}"
    text += f" and {count(n, column)}" + (f" ({listing(columns)})" if columns else "")
    zeros = int((A == 0).sum())
    if A.size <= 36:
        text += ("; rows: " if m > 1 else "; row: ") + ", ".join(_point(values) for values in A)
    else:
        i, j = np.unravel_index(np.abs(A).argmax(), A.shape)
        text += f"; the largest entry is {number(float(A[i, j]))}, in row {i + 1} and column {j + 1}"
    if zeros:
        text += "; the zero is left blank" if zeros == 1 else f"; {zeros} of {A.size} entries are zero and left blank"
    return text + "."
