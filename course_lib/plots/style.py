"""What every figure has in common: colours, type sizes, how numbers are written, its sentence, how it is shown.

Colours are never alone: a negative entry is also dashed, a second curve has another marker. All of them have a contrast
of at least 4.5 to 1 on white. The style holds inside the functions of this package only; nobody's rcParams change.
"""

import base64
import functools
import html
import io
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakKeyDictionary

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import ArrayLike

from course_lib import _checks
from course_lib._colours import LIGHT

INK, GREY, FAINT, WHITE = (LIGHT[name] for name in ("ink", "quiet", "line", "paper"))
BLUE, ORANGE, GREEN, PURPLE = (LIGHT[name] for name in ("blue", "orange", "green", "purple"))
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, INK)
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (7, 2, 1.5, 2)), (0, (1.5, 1.5)), (0, (9, 3)))
MARKERS = ("o", "s", "^", "D", "v")


def tint(colour: str, share: float) -> str:
    """A colour mixed with white: 0 is white, 1 the colour itself."""
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))


SIGNED = LinearSegmentedColormap.from_list(
    "signed", [ORANGE, tint(ORANGE, 0.3), WHITE, tint(BLUE, 0.3), BLUE], N=257
)  # odd: 0 is white

PIXELS_PER_INCH = 96  # of a browser; the PNG has twice as many, for crisp type on dense screens
SMALL, NORMAL, LARGE = 9.5, 11, 13  # type sizes in points: 12.7, 14.7 and 17.3 pixels of a browser

STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": NORMAL,
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    "figure.constrained_layout.w_pad": 0.12,  # inches: the edge of the white card
    "figure.constrained_layout.h_pad": 0.12,
    "figure.facecolor": WHITE,
    "savefig.facecolor": WHITE,
    "axes.facecolor": WHITE,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": LARGE,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": LIGHT["faint"],
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "lines.linewidth": 2,
    "lines.markersize": 6,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "legend.handlelength": 2.6,
    "axes.unicode_minus": True,
}


def style() -> AbstractContextManager[None]:
    """The style of the course as a context; matplotlib's defaults underneath, so that a user's settings do not leak in.

    >>> with style():
    ...     mpl.rcParams["axes.titlelocation"]
    'left'
    >>> mpl.rcParams["axes.titlelocation"]
    'center'
    """
    return mpl.style.context(["default", STYLE])


def styled(draw: Callable) -> Callable:
    """Decorator: the function draws in the style of the course and leaves the rcParams as they were."""

    @functools.wraps(draw)
    def drawing(*arguments: Any, **named: Any) -> Any:
        with style():
            return draw(*arguments, **named)

    return drawing


def contrast(one: Any, other: Any) -> float:
    """Contrast of two colours by WCAG 2: from 1, the same, to 21, black on white.

    >>> round(contrast("black", "white"), 1), round(contrast(BLUE, WHITE), 1)
    (21.0, 5.4)
    """
    rgb = np.array([to_rgb(one), to_rgb(other)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return float((high + 0.05) / (low + 0.05))


# --- figures and boards


def board(width: float, height: float) -> Axes:
    """An empty sheet of ``width`` by ``height`` inches whose data coordinates are inches from the lower left corner."""
    ax = Figure(figsize=(width, height)).add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    return ax


def chart(ax: Axes | None, width: float = 7.2, height: float = 4.2) -> Axes:
    """``ax``, or the one Axes of a new figure that no pyplot knows, so that no front end shows it by itself."""
    if ax is None:
        ax = Figure(figsize=(width, height), layout="constrained").add_subplot()
    ax.grid(True)
    ax.set_axisbelow(True)
    return ax


# --- numbers and names


def number(value: float, digits: int = 3) -> str:
    """A number as it stands in a sentence: ``digits`` significant digits, whole thousands in full.

    >>> [number(v) for v in (0.0, -0.0, 0.12345, -2.0, 123456.0, 1.5e-7)]
    ['0', '0', '0.123', '-2', '123456', '1.5e-7']
    """
    value = float(value)
    text = f"{value:.0f}" if 10**digits <= abs(value) < 1e6 else f"{value:.{digits}g}"
    text = re.sub(r"e([+-])0*(\d)", lambda m: "e" + m[1].replace("+", "") + m[2], text)
    return "0" if text == "-0" else text


def written(value: float, digits: int = 3) -> str:
    """The same number as it stands in a picture, with a true minus sign."""
    return number(value, digits).replace("-", "\N{MINUS SIGN}")


_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SYMBOL = re.compile(r"(alpha|beta|delta|eta|omega|sigma|theta|[A-Za-z])(?:\^(\w))?_?(\d+)?")


def symbol(name: str) -> str:
    """A name as matplotlib sets it: ``x2``, ``x_2`` and ``delta^2_1`` indices raised and lowered, words as they are.

    >>> symbol("x12"), symbol("delta^2_1"), symbol("loss")
    ('$x_{12}$', '$\\\\delta^{2}_{1}$', 'loss')
    """
    match = _SYMBOL.fullmatch(name.translate(_LOWERED))
    if match is None:
        return name
    letter, upper, lower = match.groups()
    letter = letter if len(letter) == 1 else "\\" + letter
    return f"${letter}" + (f"^{{{upper}}}" if upper else "") + (f"_{{{lower}}}" if lower else "") + "$"


def names(given: Iterable[str] | None, count: int, letter: str, what: str) -> list[str]:
    """``given`` names, or x_1, x_2, ...; ValueError if there are not ``count`` of them."""
    labels = [f"{letter}_{i + 1}".lstrip("_") for i in range(count)] if given is None else [str(name) for name in given]
    if len(labels) != count:
        raise ValueError(f"{what} must have one name for each, {count} in all; got {len(labels)}: {labels}")
    return labels


def matrix(name: str, value: ArrayLike) -> np.ndarray:
    """``value`` as a real matrix (m, n) of float64, m, n >= 1; an entry that is not finite is refused by its place."""
    array = _checks.matrix(name, value).astype(np.float64)
    if array.size == 0:
        raise ValueError(
            f"{name} must have at least one row and one column, got shape {array.shape}; try np.zeros((1, 1))"
        )
    finite(name, array)
    return array


def finite(name: str, array: np.ndarray) -> None:
    """ValueError that names the first entry which is infinite or not a number."""
    if not np.isfinite(array).all():
        at = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        place = ", ".join(map(str, at))
        raise ValueError(f"{name} must be finite, got {name}[{place}] = {array[at]}; look at the step that makes it")


@functools.cache
def width_of(text: str, size: float = NORMAL) -> float:
    """Width of ``text`` in inches, set in ``size`` points; inside ``style()``."""
    return text_to_path.get_text_width_height_descent(text, FontProperties(size=size), "$" in text)[0] / 72


def count(n: int, noun: str) -> str:
    """``1 row``, ``3 rows``."""
    return f"{n} {noun}" + ("" if n == 1 else "s")


def listing(items: Iterable[str], most: int = 8) -> str:
    """``a, b, c``, or the first, dots and the last of a long list."""
    items = list(items)
    return ", ".join(items if len(items) <= most else [*items[: most - 2], "...", items[-1]])


# --- the sentence of a figure

_SENTENCES: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()


def tell(ax: Axes, sentence: str) -> None:
    """Give ``ax`` the sentence which ``describe`` will return; an empty one for the second Axes of a picture."""
    _SENTENCES[ax] = sentence


def describe(ax: Axes | np.ndarray) -> str:
    """What a figure shows, in a sentence with its numbers: the text for those who do not see it.

    ax : Axes, or an array of them, as the functions of this package return them. Axes drawn by hand are told by their
         title and labels.

    >>> from course_lib.plots import plot_matrix
    >>> describe(plot_matrix([[2, 0], [1, 3]], "W"))
    'W: matrix of 2 rows and 2 columns; rows: (2, 0), (1, 3); the zero is left blank.'
    """
    parts = [_SENTENCES[one] if one in _SENTENCES else _by_hand(one) for one in _axes(ax)]
    return " ".join(part for part in parts if part)


def _by_hand(ax: Axes) -> str:
    title = ax.get_title() or ax.get_title(loc="left") or ax.get_title(loc="right") or "Figure"
    labels = [label for label in (ax.get_ylabel(), ax.get_xlabel()) if label]
    return title + (": " + " against ".join(labels) if labels else "") + "."


# --- showing


def png(ax: Axes | np.ndarray) -> bytes:
    """The figure as PNG, twice 96 dots per inch, without date or program: the same figure gives the same bytes."""
    figure = _figure(ax)
    with style() if any(one in _SENTENCES for one in figure.axes) else mpl.rc_context():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=2 * PIXELS_PER_INCH, facecolor=WHITE, metadata={"Software": None})
    return buffer.getvalue()


def bundle(ax: Axes | np.ndarray, alt: str | None = None) -> dict[str, str]:
    """The figure as a MIME bundle: an image with its alternative text, the bare PNG, and the text alone."""
    alt = describe(ax) if alt is None else alt
    image = base64.b64encode(png(ax)).decode("ascii")
    width = round(_figure(ax).get_figwidth() * PIXELS_PER_INCH)
    card = f"max-width: 100%; height: auto; background: {WHITE}; border-radius: 6px"
    tag = f'<img alt="{html.escape(alt)}" width="{width}" style="{card}" src="data:image/png;base64,{image}">'
    return {"text/html": tag, "image/png": image, "text/plain": alt}


def show(ax: Axes | np.ndarray, alt: str | None = None) -> None:
    """Show a figure once, with alternative text; in a terminal, print that text.

    ax  : what a function of this package returned, or any Axes of matplotlib
    alt : the sentence for those who do not see the figure; describe(ax) unless given
    The figure is closed, so that a notebook does not show it a second time.

    >>> from course_lib.plots import plot_matrix
    >>> show(plot_matrix([[2, 1]], "W"))
    W: matrix of 1 row and 2 columns; row: (2, 1).
    """
    data = bundle(ax, alt)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(_figure(ax))
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(data, raw=True)
    else:
        print(data["text/plain"])


def _axes(ax: Axes | np.ndarray) -> list[Axes]:
    axes = list(np.ravel(np.array(ax, dtype=object)))
    for one in axes:
        if not isinstance(one, Axes):
            came = type(one).__name__
            raise TypeError(
                f"ax must be an Axes of matplotlib or an array of them, got {came}; try show(plot_matrix(A))"
            )
    return axes


def _figure(ax: Axes | np.ndarray) -> Figure:
    return _axes(ax)[0].figure.canvas.figure  # the whole figure, also of an Axes in a subfigure
