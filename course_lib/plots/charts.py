"""Charts: what brackets cost, errors against the step, gradients by layer, training, and what a network has learnt."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation, MaxNLocator, NullFormatter, PercentFormatter
from numpy.typing import ArrayLike

from course_lib import _checks
from course_lib.chain import bracketings, cheapest_bracketing
from course_lib.complexity import Slope, fit_slope
from course_lib.plots.style import (
    BLUE,
    COLOURS,
    DASHES,
    FAINT,
    GREY,
    INK,
    LARGE,
    MARKERS,
    NORMAL,
    ORANGE,
    SMALL,
    WHITE,
    chart,
    count,
    finite,
    listing,
    number,
    styled,
    symbol,
    tell,
    tint,
    width_of,
    written,
)

_ALL_BRACKETINGS = 5  # matrices of which every bracketing is drawn: 14 bars; of more, the cheapest, left and right
_SURFACE = 81  # points on a side of the grid on which a surface is computed


@styled
def plot_bracketings(
    shapes: Sequence[tuple[int, int]],
    names: Sequence[str] | None = None,
    title: str = "Same product, different work",
    *,
    ax: Axes | None = None,
) -> Axes:
    """The multiplications of a product of matrices, one bar for each way to put the brackets, the cheapest on top.

    shapes : (m, k), (k, l), ..., outermost first; of more than 5 only the cheapest way, from the left, from the right
    names  : of the matrices; A, B, C, ... unless given
    Returns the Axes. Raises ValueError if the shapes do not fit, or a name is missing.

    >>> ax = plot_bracketings([(1, 9), (9, 9), (9, 9)])
    >>> [int(bar.get_width()) for bar in ax.patches]
    [162, 810]
    """
    shapes = [(int(m), int(n)) for m, n in shapes]
    letters = [chr(ord("A") + k) for k in range(len(shapes))] if names is None else [str(name) for name in names]
    if len(letters) != len(shapes):
        raise ValueError(f"names must have one for each of the {len(shapes)} matrices, got {letters}; try names=None")
    left, right = _from_left(letters), _from_right(letters)
    if len(shapes) <= _ALL_BRACKETINGS:
        ways = bracketings(shapes, letters)
    else:
        (m, _), (_, n) = shapes[0], shapes[-1]
        sides = [(left, m * sum(k * l for k, l in shapes[1:])), (right, n * sum(k * l for k, l in shapes[:-1]))]
        ways = list(dict([cheapest_bracketing(shapes, letters), *sorted(sides, key=lambda way: way[1])]).items())
    texts = [re.sub(r"[^\s()]+", lambda match: symbol(match[0]), way) for way, _ in ways]
    counts = [work for _, work in ways]
    if ax is None:
        width = max(7.2, 5.2 + max(map(width_of, texts)))
        ax = Figure(figsize=(width, 1.15 + 0.46 * len(ways)), layout="constrained").add_subplot()
    ax.barh(texts, counts, color=[BLUE if work == counts[0] else GREY for work in counts], height=0.62)
    ax.set(xlim=(0, 1.65 * max(*counts, 1)), ylim=(len(ways) - 0.5, -0.5), title=title, xticks=[])
    ax.set_xlabel("multiplications", loc="left", color=GREY, size=SMALL)
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="y", length=0, labelsize=NORMAL)
    said = []
    for k, (way, work) in enumerate(ways):
        side = "" if left == right else {left: "from the left", right: "from the right"}.get(way, "")
        text = f"{work:,}".replace(",", "\N{THIN SPACE}")
        ax.annotate(text, (work, k), (6, 0), textcoords="offset points", va="center")
        if side:
            shift = 6 + 72 * width_of(text) + 10
            ax.annotate(side, (work, k), (shift, 0), textcoords="offset points", va="center", color=GREY, size=SMALL)
        said.append(_said(way, side, work))
    products = ", ".join(f"{name} {m} by {n}" for name, (m, n) in zip(letters, shapes, strict=True))
    tell(ax, f"{title}: multiplications of the product of {products}; {'; '.join(said)}.")
    return ax


@styled
def plot_error_against_step(
    h: ArrayLike,
    errors: Mapping[str, ArrayLike],
    title: str = "Error against step",
    *,
    xlabel: str = "step h",
    ylabel: str = "error",
    ax: Axes | None = None,
) -> Axes:
    """Errors of difference quotients against their step, both on log axes; the least of each curve is marked.

    h      : (k,) steps, positive      errors : name -> (k,) errors, at least 0; what is not finite leaves a gap
    An error of exactly 0, which has no place on a log axis, stands on a line of its own at the bottom.
    Returns the Axes. Raises ValueError for steps or errors out of range or of another length.

    >>> ax = plot_error_against_step([1e-2, 1e-4, 1e-6], {"A": [1e-4, 1e-8, 1e-7]})
    >>> from course_lib.plots import describe
    >>> describe(ax)
    'Error against step: error against step h, both on log axes; A: 3 steps from 1e-6 to 0.01, least 1e-8 at 0.0001.'
    """
    h = np.asarray(_checks.vector("h", h), dtype=np.float64)
    if not (h > 0).all():
        raise ValueError(f"h must be positive, got {h.min()}; try np.logspace(-12, 0, 49)")
    order = np.argsort(h)
    ax = chart(ax)
    said, curves = [], {}
    for name, values in _named(errors, "errors").items():
        curve = np.asarray(_checks.vector(name, values), dtype=np.float64)
        if curve.shape != h.shape:
            raise ValueError(f"errors of {name!r} must be of shape {h.shape}, one per step, got {curve.shape}")
        curves[name] = curve[order]
        if (curve == 0).any():
            said.append(f"exactly 0 at {count(int((curve == 0).sum()), 'step')}")
        elif np.isfinite(curve).any():
            least = int(np.nanargmin(np.where(np.isfinite(curve), curve, np.nan)))
            said.append(f"least {number(curve[least], 2)} at {number(h[least], 2)}")
        else:
            said.append("no finite value")
    labels = [f"{name}: {text}" for name, text in zip(curves, said, strict=True)]
    _log_curves(ax, h[order], list(curves.values()), labels, mark_least=True)
    ax.set(xscale="log", xlabel=xlabel, ylabel=ylabel, title=title)
    _legend(ax)
    spans = f"{count(len(h), 'step')} from {number(h.min(), 2)} to {number(h.max(), 2)}"
    parts = [f"{name}: {spans}, {text}" for name, text in zip(curves, said, strict=True)]
    tell(ax, f"{title}: {ylabel} against {xlabel}, both on log axes; {'; '.join(parts)}.")
    return ax


@styled
def plot_gradient_norms(
    norms: Mapping[str, Sequence[float | None]],
    title: str = "How long the gradient is in each layer",
    *,
    ylabel: str = "length of the gradient",
    ax: Axes | None = None,
) -> Axes:
    """The length of the gradient (or of delta) layer by layer, on a log axis, one curve for each name.

    norms : name -> one number for each layer 1..L, at least 0; a leading None is passed over
    Returns the Axes. Raises ValueError for negative norms, or none at all.

    >>> from course_lib.plots import describe
    >>> describe(plot_gradient_norms({"sigmoid": [None, 0.001, 0.02, 0.5]}))
    'How long the gradient is in each layer: on a log axis; sigmoid: 0.001 in layer 1 to 0.5 in layer 3.'
    """
    ax = chart(ax)
    curves, said = [], []
    for name, given in _named(norms, "norms").items():
        values = list(given)
        curve = np.asarray(_checks.vector(name, values[1:] if values and values[0] is None else values), dtype=float)
        finite(name, curve)
        curves.append(curve)
        ends = f"{number(curve[0])} in layer 1"
        said.append(f"{name}: {ends}" + (f" to {number(curve[-1])} in layer {len(curve)}" if len(curve) > 1 else ""))
    for curve, name in zip(curves, norms, strict=True):
        if (curve < 0).any():
            raise ValueError(f"norms of {name!r} must be at least 0, got {curve.min()}; try np.linalg.norm")
    _log_curves(ax, None, curves, list(norms))
    ax.set(xlabel="layer", ylabel=ylabel, title=title)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    longest = max(map(len, curves))
    ax.set_xlim(1 - 0.04 * longest, longest * 1.04)
    if len(curves) > 1:
        _legend(ax)
    tell(ax, f"{title}: on a log axis; {'; '.join(said)}.")
    return ax


@styled
def plot_history(history: Any, title: str = "Training") -> np.ndarray:
    """The curves of a training run: loss, accuracy, and the length of the gradient by layer, as far as they were kept.

    history : a History of course_lib.training, or anything with ``loss`` and, where kept, ``accuracy`` (a list, or a
              dict of lists by name, such as train and test) and ``gradient_norms`` (a row by layer for every epoch)
    Returns an array of the Axes. Raises ValueError if there is no loss in it yet.

    >>> from types import SimpleNamespace
    >>> from course_lib.plots import describe
    >>> describe(plot_history(SimpleNamespace(loss=[0.7, 0.2, 0.1], accuracy=[0.5, 0.9, 0.95])))
    'Training: 3 epochs; loss from 0.7 to 0.1, least 0.1; accuracy from 50 % to 95 %, best 95 %.'
    """
    loss = _curves(history.loss, "loss")
    if not loss or not all(len(curve) for curve in loss.values()):
        raise ValueError("history must have at least one epoch, got an empty loss; try train(net, x, y, epochs=1)")
    accuracy = _curves(getattr(history, "accuracy", None), "accuracy")
    norms = getattr(history, "gradient_norms", None)
    rows = [] if norms is None else [[float(v) for v in row if v is not None] for row in norms]
    panels = 1 + bool(accuracy) + bool(rows and rows[0])
    figure = Figure(figsize=(min(2.6 + 2.9 * panels, 9.4) if panels > 1 else 6.2, 3.8), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", size=LARGE)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    epochs = max(len(curve) for curve in loss.values())
    said = []
    for ax, what, curves in zip(axes, ("loss", "accuracy"), (loss, accuracy), strict=False):
        if not curves:
            break
        chart(ax)
        for k, (name, curve) in enumerate(curves.items()):
            _line(ax, np.arange(1, len(curve) + 1), curve, k, name)
            label = what if len(curves) == 1 else f"{name} {what}"
            if what == "loss":
                said.append(f"{label} from {number(curve[0])} to {number(curve[-1])}, least {number(np.nanmin(curve))}")
            else:
                first, last, best = (f"{100 * value:.3g} %" for value in (curve[0], curve[-1], np.nanmax(curve)))
                said.append(f"{label} from {first} to {last}, best {best}")
        if len(curves) > 1:
            ax.legend()
        ax.set(xlabel="epoch")
        ax.set_title(what, size=NORMAL)
    values = np.concatenate([np.asarray(curve, dtype=float) for curve in loss.values()])
    positive = values[np.isfinite(values) & (values > 0)]
    if len(positive) == len(values) and positive.max() > 50 * positive.min():
        axes[0].set_yscale("log")
    else:
        axes[0].set_ylim(bottom=min(0.0, float(np.nanmin(values))))
    if accuracy:
        axes[1].set_ylim(0, 1.02)
        axes[1].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if rows and rows[0]:
        ax = chart(axes[-1])
        by_layer = np.array(rows).T
        _log_curves(
            ax, np.arange(1, len(rows) + 1), list(by_layer), [f"layer {l}" for l in range(1, len(by_layer) + 1)]
        )
        ax.set(xlabel="epoch")
        ax.set_title("length of the gradient", size=NORMAL)
        if len(by_layer) <= 5:
            ax.legend()
        ends = ", ".join(number(value) for value in by_layer[:, -1].tolist())
        said.append(f"lengths of the gradient at the end, layer by layer: {ends}")
    for ax in axes:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5, min_n_ticks=1))
        tell(ax, "")
    tell(axes[0], f"{title}: {count(epochs, 'epoch')}; {'; '.join(said)}.")
    return axes


@styled
def plot_decision_regions(
    net: Callable[[np.ndarray], ArrayLike],
    data: Any,
    title: str = "What the network answers where",
    *,
    ax: Axes | None = None,
) -> Axes:
    """The plane coloured by the class that a network gives to each of its points, with the examples in it.

    net  : x (2, N) -> outputs (n_L, N); the largest of several outputs is the class, and of a single one, whether it is
           above the middle of the targets
    data : x (2, N) and y (n_L, N), as attributes or as a pair
    Each class has a colour and a marker; examples that the network gets wrong have a black rim.
    Returns the Axes. Raises ValueError if x has other than two rows, or the outputs do not fit y.

    >>> x, y = np.array([[0.0, 1, 0, 1], [0, 0, 1, 1]]), np.array([[0, 1, 1, 0]])
    >>> from course_lib.plots import describe
    >>> describe(plot_decision_regions(lambda x: x[:1] + x[1:] - 0.2, (x, y)))
    'What the network answers where: 4 examples of 2 classes in the plane; 3 of them are on the right side, 1 is not.'
    """
    x, y = (np.asarray(part, dtype=np.float64) for part in ((data.x, data.y) if hasattr(data, "x") else data))
    if x.ndim != 2 or len(x) != 2 or x.shape[1] == 0:
        raise ValueError(
            f"x must be of shape (2, N), a point in each column, got {x.shape}; try x.T or two of its rows"
        )
    y = y.reshape(1, -1) if y.ndim == 1 else y
    if y.shape[1] != x.shape[1]:
        raise ValueError(f"y must have a column for each of the {x.shape[1]} points, got shape {y.shape}; try y.T")
    middle = (y.min() + y.max()) / 2

    def classes(outputs: ArrayLike) -> np.ndarray:
        outputs = np.asarray(outputs)
        if outputs.ndim != 2 or len(outputs) != len(y):
            raise ValueError(f"net(x) must be of shape ({len(y)}, N) as y is, got {outputs.shape}; try another net")
        return outputs.argmax(axis=0) if len(outputs) > 1 else (outputs[0] > middle).astype(int)

    given, found = classes(y), classes(net(x))
    kinds = max(len(y), 2)
    if kinds > len(COLOURS):
        raise ValueError(f"y must have at most {len(COLOURS)} classes to be told apart, got {kinds}; try some of them")
    low, high = x.min(axis=1), x.max(axis=1)
    pad = 0.12 * np.maximum(high - low, 1e-3).max()
    sides = [np.linspace(low[k] - pad, high[k] + pad, 220) for k in (0, 1)]
    grid = np.stack(np.meshgrid(*sides), axis=0).reshape(2, -1)
    regions = classes(net(grid)).reshape(220, 220)
    if ax is None:
        tall = np.ptp(sides[1]) / np.ptp(sides[0])
        ax = Figure(figsize=(5.6, 1.2 + 4.6 * float(np.clip(tall, 0.4, 1.3))), layout="constrained").add_subplot()
    pale = ListedColormap([tint(colour, 0.2) for colour in COLOURS[:kinds]])
    extent = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    ax.imshow(regions, origin="lower", extent=extent, cmap=pale, vmin=0, vmax=kinds - 1, interpolation="nearest")
    for kind in range(kinds):
        if 0 < (regions == kind).sum() < regions.size:
            ax.contour(*sides, regions == kind, levels=[0.5], colors=INK, linewidths=1)
    size = 36 if x.shape[1] <= 300 else 14
    for kind in range(kinds):
        for wrong in (False, True):
            some = (given == kind) & ((found != given) == wrong)
            ax.scatter(
                x[0, some],
                x[1, some],
                s=size * (1.6 if wrong else 1),
                marker=MARKERS[kind],
                color=COLOURS[kind],
                edgecolors=INK if wrong else WHITE,
                linewidths=(1.8 if size > 20 else 1.0) if wrong else 0.7 if size > 20 else 0.3,
                zorder=4 if wrong else 3,
            )
        ax.scatter([], [], marker=MARKERS[kind], color=COLOURS[kind], s=36, label=f"class {kind}")
    wrongs = int((found != given).sum())
    if wrongs:
        ax.scatter([], [], marker="o", color=WHITE, edgecolors=INK, linewidths=1.8, s=50, label="wrong")
    ax.set(xlabel="$x_1$", ylabel="$x_2$", title=title, xlim=extent[:2], ylim=extent[2:])
    _legend(ax)
    rights = x.shape[1] - wrongs
    verdict = f"{rights} of them are on the right side" if rights != 1 else "1 of them is on the right side"
    verdict += f", {wrongs} {'is' if wrongs == 1 else 'are'} not" if wrongs else ""
    tell(ax, f"{title}: {count(x.shape[1], 'example')} of {kinds} classes in the plane; {verdict}.")
    return ax


@styled
def plot_line_fit(
    x: ArrayLike,
    y: ArrayLike,
    w: float,
    b: float,
    title: str = "A line and its residuals",
    *,
    xlabel: str = "$x$",
    ylabel: str = "$y$",
    ax: Axes | None = None,
) -> Axes:
    """Pairs, the line w x + b, and a stick from each pair to the line: its residual.

    x, y : (N,) the pairs      w, b : slope and height of the line
    The loss that is told is the mean of half the squared residuals.
    Returns the Axes. Raises ValueError if x and y are not of one length, or not finite.

    >>> from course_lib.plots import describe
    >>> describe(plot_line_fit([0, 1, 2], [1, 2, 3.5], w=1, b=1))
    'A line and its residuals: 3 pairs and the line 1 x + 1; residuals 0, 0, -0.5; loss 0.0417.'
    """
    x, y = (np.asarray(_checks.vector(name, v), dtype=np.float64) for name, v in (("x", x), ("y", y)))
    if x.shape != y.shape:
        raise ValueError(f"x and y must have one number for each pair, got {len(x)} and {len(y)}; try x[:{len(y)}]")
    for name, v in (("x", x), ("y", y), ("(w, b)", np.array([w, b], dtype=np.float64))):
        finite(name, v)
    ax = chart(ax, 5.6, 3.9)
    on_line = w * x + b
    pad = 0.06 * (float(np.ptp(x)) or 1.0)
    ends = np.array([x.min() - pad, x.max() + pad])
    sign = "+" if b >= 0 else "\N{MINUS SIGN}"
    ax.plot(x, y, "o", color=INK, markersize=7, markeredgecolor=WHITE, label="pair", zorder=4)
    ax.plot(ends, w * ends + b, color=BLUE, label=f"${written(w)}\\,x {sign} {written(abs(b))}$", zorder=3)
    ax.vlines(x, y, on_line, color=ORANGE, linewidth=2.5, label="residual", zorder=2)
    ax.margins(y=0.12)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    _legend(ax)
    loss = number(float(np.mean(0.5 * (on_line - y) ** 2)))
    residuals = listing([number(r) for r in (on_line - y).round(12)])
    line = f"{number(w)} x {'+' if b >= 0 else '-'} {number(abs(b))}"
    tell(ax, f"{title}: {count(len(x), 'pair')} and the line {line}; residuals {residuals}; loss {loss}.")
    return ax


@styled
def plot_loss_surface(
    loss: Callable[[float, float], float],
    w: tuple[float, float],
    b: tuple[float, float],
    point: ArrayLike | None = None,
    title: str = "The loss over w and b",
    *,
    ax: Axes | None = None,
) -> Axes:
    """A loss of two parameters as a map: contours at 1, 2, 5, 10, ... times a power of ten.

    loss  : (w, b) -> number      w, b : (low, high) of each parameter
    point : (w, b) to mark, such as the end of a descent
    Returns the Axes. Raises ValueError if a range is empty, or the loss is not finite in it.

    >>> from course_lib.plots import describe
    >>> describe(plot_loss_surface(lambda w, b: w**2 + b**2 / 4, (-1, 1), (-2, 2), point=(0.5, 1)))
    'The loss over w and b: contours from 0.005 to 1, w from -1 to 1, b from -2 to 2; lowest near w = 0, b = 0 with 0;
    the point at w = 0.5, b = 1 has loss 0.5.'
    """
    for name, (low, high) in (("w", w), ("b", b)):
        if not low < high:
            raise ValueError(f"{name} must be (low, high) with low < high, got ({low}, {high}); try ({low}, {low + 1})")
    at = None if point is None else np.asarray(_checks.vector("point", point), dtype=np.float64)
    if at is not None and at.shape != (2,):
        raise ValueError(f"point must be two numbers, (w, b), got shape {at.shape}; try point=None")
    sides = [np.linspace(low, high, _SURFACE) for low, high in (w, b)]
    height = np.array([[float(loss(float(u), float(v))) for u in sides[0]] for v in sides[1]])
    finite("loss", height)
    levels = _levels(float(height.min()), float(height.max()))
    ax = chart(ax, 5.8, 4.4)
    ax.grid(False)
    if levels:
        shades = LinearSegmentedColormap.from_list("depth", [tint(BLUE, 0.4), WHITE])(
            np.linspace(0, 1, len(levels) + 1)
        )
        ax.contourf(*sides, height, levels=[height.min() - 1, *levels, height.max() + 1], colors=list(shades))
        lines = ax.contour(*sides, height, levels=levels, colors=GREY, linewidths=0.9)
        ax.clabel(lines, fmt=written, fontsize=SMALL, colors=INK)
    i, j = np.unravel_index(height.argmin(), height.shape)
    lowest = f"w = {number(sides[0][j])}, b = {number(sides[1][i])} with {number(height[i, j])}"
    said = f"lowest near {lowest}"
    if at is not None:
        text, here = f"w = {number(at[0])}, b = {number(at[1])}", number(float(loss(float(at[0]), float(at[1]))))
        seen = f"{text}: loss {here}".replace("-", "\N{MINUS SIGN}")
        ax.plot(*at, "o", color=ORANGE, ms=10, mec=WHITE, mew=1.5, label=seen, clip_on=False, zorder=4)
        _legend(ax)
        said += f"; the point at {text} has loss {here}"
    ax.set(xlabel="$w$", ylabel="$b$", title=title, xlim=w, ylim=b)
    drawn = f"contours from {number(levels[0])} to {number(levels[-1])}, " if levels else ""
    spans = f"w from {number(w[0])} to {number(w[1])}, b from {number(b[0])} to {number(b[1])}"
    tell(ax, f"{title}: {drawn}{spans}; {said}.")
    return ax


@styled
def plot_wrong_passes(
    final: Mapping[str, float],
    errors: Mapping[str, float],
    title: str = "A falling loss is no evidence",
    *,
    limit: float = 0.01,
    tolerance: float = 1e-6,
) -> np.ndarray:
    """Backward passes, one in a row: on the left the loss that each trains to, on the right what a check says of it.

    final  : name -> loss at the end, at least 0; nan or inf where the training diverged. The lowest comes on top.
    errors : name -> largest relative error of a gradient check, for the same names
    limit  : a loss below it counts as trained      tolerance : an error below it is right
    Returns the array of both Axes. Raises ValueError if the names are not the same, or a number is below 0.

    >>> from course_lib.plots import describe
    >>> describe(plot_wrong_passes({"right": 0.002, "sign": 0.5, "sum": 4e-5}, {"right": 0, "sign": 2, "sum": 0.75}))
    'A falling loss is no evidence: 3 backward passes; 2 train to a loss below 0.01: sum, right; 1 does not: sign. A
    gradient check finds 1 right: right; the relative errors of the others are 0.75 to 2.'
    """
    if not final or set(final) != set(errors):
        odd = sorted(set(final) ^ set(errors))
        raise ValueError(
            f"final and errors must have the same names, at least one, got these in one of them only: {odd}"
        )
    for what, numbers in (("final", final), ("errors", errors)):
        if any(v < 0 for v in numbers.values()):
            raise ValueError(f"{what} must be at least 0, got {min(numbers.values())}; try abs")
    names = sorted(final, key=lambda name: final[name] if np.isfinite(final[name]) else np.inf)
    rows = np.arange(len(names))
    figure = Figure(figsize=(7.2, 1.5 + 0.26 * len(names)), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", size=LARGE)
    left, right = figure.subplots(1, 2, sharey=True)
    trained = np.array([final[name] < limit for name in names])
    accepted = np.array([errors[name] < tolerance for name in names])
    labels = (f"below {number(limit)}", "not"), ("accepted", "refused")
    for ax, values, edge, good, told in zip(
        (left, right), (final, errors), (limit, tolerance), (trained, accepted), labels, strict=True
    ):
        chart(ax)
        ax.grid(False, axis="y")
        given = np.array([float(values[name]) for name in names])
        whole = given[np.isfinite(given) & (given > 0)]
        low = 10.0 ** np.floor(np.log10(min(whole.min(initial=edge), edge / 10)))
        high = 10.0 ** np.ceil(np.log10(max(whole.max(initial=edge), 10 * edge)))
        seen = np.where(np.isfinite(given), np.clip(given, low, high), high)
        ax.hlines(rows, low, high, color=FAINT, linewidth=1, zorder=0)
        for some, marker, colour, label in ((good, "o", BLUE, told[0]), (~good, "s", ORANGE, told[1])):
            face = colour if marker == "o" else WHITE
            marks = {"mfc": face, "mew": 2, "ms": 6.5, "clip_on": False, "in_layout": False}
            ax.plot(seen[some], rows[some], marker, color=colour, label=label, **marks)
        ax.axvline(edge, color=INK, linewidth=1.2, linestyle=DASHES[1])
        ax.set(xscale="log", xlim=(low, high))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_title(" ")  # room for the legend, which must not make the axes narrower
        legend = ax.legend(loc="lower left", bbox_to_anchor=(-0.03, 1.0), ncols=2, handletextpad=0.2, columnspacing=1.2)
        legend.set_in_layout(False)
        beside = {"textcoords": "offset points", "ha": "right", "va": "center", "size": SMALL, "backgroundcolor": WHITE}
        for row in rows[~np.isfinite(given)]:
            ax.annotate("diverges", (high, row), (-10, 0), **beside)
    left.set(xlabel="loss at the end", yticks=rows, ylim=(len(names) - 0.4, -0.6))
    for label, is_right in zip(left.set_yticklabels(names), accepted, strict=True):
        label.set_fontweight("bold" if is_right else "normal")
    left.tick_params(axis="y", length=0)
    right.set(xlabel="relative error of the gradient")
    right.tick_params(axis="y", length=0)
    fine, poor, right_ones = (
        [name for name, is_in in zip(names, some, strict=True) if is_in] for some in (trained, ~trained, accepted)
    )
    refused = sorted(errors[name] for name in names if name not in right_ones)
    said = f"{len(fine)} train{'s' if len(fine) == 1 else ''} to a loss below {number(limit)}"
    said += f": {', '.join(fine)}" if fine else ""
    said += f"; {len(poor)} {'does' if len(poor) == 1 else 'do'} not: {', '.join(poor)}" if poor else ""
    check = f"A gradient check finds {len(right_ones)} right" + (f": {', '.join(right_ones)}" if right_ones else "")
    if refused:
        check += f"; the relative errors of the others are {number(refused[0], 2)} to {number(refused[-1], 2)}"
    tell(left, f"{title}: {len(names)} backward pass{'es' if len(names) > 1 else ''}; {said}. {check}.")
    tell(right, "")
    return np.array([left, right])


@styled
def plot_costs(
    panels: Mapping[str, Mapping[str, Any]],
    title: str = "What a gradient costs",
    *,
    ranges: Sequence[tuple[float, float]] = ((0, np.inf),),
    until: float | None = None,
) -> np.ndarray:
    """Costs against the number of parameters on log-log axes, with straight lines fitted and their slopes written on.

    panels : label of the y axis -> name -> a pair of P and cost, or a ``Sweep`` of course_lib.complexity, of which the
             medians are drawn with their quartiles
    ranges : (low, high) of P, over each of which a line is fitted to every curve
    until  : a number of parameters to which the last line of every curve is prolonged, with the cost that it comes to
    A measured slope comes with its standard error, rounded up. Returns the array of the Axes, one a panel.
    Raises ValueError for costs that are not positive, or a range with fewer than two networks in it.

    >>> from course_lib.plots import describe
    >>> P = [100, 200, 400]
    >>> describe(plot_costs({"seconds": {"A": (P, [2e-3, 8e-3, 32e-3])}}))
    'What a gradient costs: seconds against the number P of parameters, both on log axes; A: 3 networks from P = 100 to
    400, 0.002 to 0.032; slope 2.00.'
    """
    if not panels or not all(panels.values()):
        raise ValueError('panels must have one curve at least; try {"seconds": {"back-propagation": sweep}}')
    figure = Figure(figsize=(min(3.2 + 3.1 * len(panels), 9.4), 4.6), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", size=LARGE)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    said = []
    for ax, (label, curves) in zip(axes, panels.items(), strict=True):
        chart(ax)
        lines = []
        for name, curve in curves.items():
            k = names.index(name) % len(COLOURS)
            measured = hasattr(curve, "timings")
            P, cost = (curve.P, curve.seconds) if measured else curve
            slopes = [fit_slope(P, cost, *span) for span in ranges]
            for slope in slopes:
                ends = [slope.low, slope.high]
                ax.plot(ends, [slope.at(end) for end in ends], color=COLOURS[k], linestyle=DASHES[k], zorder=2)
                at_the_right = slope.low * slope.high > min(P) * max(P) and until is None and len(slopes) > 1
                _slope_on(ax, slope, measured, at_the_right, COLOURS[k])
            if until is not None:
                _prolonged(ax, slopes[-1], until, measured, COLOURS[k])
            if measured:
                spread = [[t.median - t.lower for t in curve.timings], [t.upper - t.median for t in curve.timings]]
                ax.errorbar(P, cost, spread, fmt="none", ecolor=COLOURS[k], elinewidth=1.2, capsize=3, zorder=3)
            look = {"color": COLOURS[k], "linestyle": DASHES[k], "marker": MARKERS[k]}
            ax.plot(P, cost, MARKERS[k], color=COLOURS[k], mec=WHITE, mew=0.8, ms=7, zorder=4)
            ax.plot([], [], label=name, **look)
            found = listing([_slope_text(slope, measured).replace(" ± ", " +- ") for slope in slopes])
            if until is not None:
                found += f", {_cost_text(slopes[-1].at(until), measured)} at P = {number(until)}"
            span = f"{count(len(P), 'network')} from P = {number(min(P))} to {number(max(P))}"
            lines.append(f"{name}: {span}, {number(min(cost))} to {number(max(cost))}; {found}")
        ax.set(xscale="log", yscale="log", xlabel="$P$, number of parameters")
        ax.set_title(label, size=NORMAL)
        ax.margins(x=0.08, y=0.12)
        if until is not None:
            ax.set_xlim(right=until * 3)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_formatter(NullFormatter())
        low, high = ax.get_xlim()
        if high < 30 * low:
            ax.set_xlim(10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high)))
        where = f"{label} against the number P of parameters, both on log axes"
        said.append(f"{where}; {'; '.join(lines)}")
        tell(ax, "")
    handles = {text: handle for ax in axes for handle, text in zip(*ax.get_legend_handles_labels(), strict=True)}
    if len(handles) > 1:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))
    tell(axes[0], f"{title}: {'. '.join(said)}.")
    return axes


def _slope_text(slope: Slope, measured: bool) -> str:
    error = f" ± {abs(np.ceil(100 * slope.error - 1e-6) / 100):.2f}" if measured and slope.n > 2 else ""
    return f"slope {round(slope.value, 2) + 0.0:.2f}{error}".replace("-", "\N{MINUS SIGN}")


def _cost_text(cost: float, measured: bool) -> str:
    """A count, or seconds in the unit that one would say."""
    if not measured:
        return number(cost, 2)
    units = ((86400, "days"), (3600, "hours"), (60, "minutes"), (1, "s"), (1e-3, "ms"))
    size, unit = next(((size, unit) for size, unit in units if cost >= 1.5 * size), (1e-6, "us"))
    return f"{number(cost / size, 2)} {unit}"


def _slope_on(ax: Axes, slope: Slope, measured: bool, left: bool, colour: str) -> None:
    """The slope beside the middle of its line: over a flat one, left over a steep one or right under it."""
    middle = float(np.sqrt(slope.low * slope.high))
    if slope.value < 0.4:
        side, up, offset = "center", "bottom", (0, 8)
    else:
        side, up, offset = ("right", "bottom", (-6, 5)) if left else ("left", "top", (6, -5))
    ax.annotate(
        _slope_text(slope, measured),
        (middle, slope.at(middle)),
        offset,
        textcoords="offset points",
        ha=side,
        va=up,
        color=colour,
        size=SMALL,
        zorder=5,
    )


def _prolonged(ax: Axes, slope: Slope, until: float, measured: bool, colour: str) -> None:
    """The line beyond its points, dotted, and the cost at its end."""
    end = slope.at(until)
    ax.plot([slope.high, until], [slope.at(slope.high), end], color=colour, linestyle=":", linewidth=1.5, zorder=2)
    ax.plot(until, end, "o", color=WHITE, mec=colour, mew=1.5, ms=7, zorder=4)
    look: dict[str, Any] = {"ha": "right", "va": "bottom", "color": colour, "size": SMALL, "weight": "bold"}
    ax.annotate(_cost_text(end, measured), (until, end), (-7, 3), textcoords="offset points", zorder=5, **look)


@styled
def plot_readings(
    readings: Mapping[str, ArrayLike],
    title: str = "One call, timed again and again",
    *,
    ylabel: str = "seconds per call",
    ax: Axes | None = None,
) -> Axes:
    """Readings of a timer in their order, on a log axis, with the median of each kind as a line.

    readings : name -> (k,) seconds, at least 0; a reading of 0, which a coarse clock can give, stands at the bottom
    Returns the Axes. Raises ValueError for negative readings, or none at all.

    >>> from course_lib.plots import describe
    >>> describe(plot_readings({"single calls": [9e-6, 2e-6, 2e-6]}))
    'One call, timed again and again: seconds per call on a log axis; single calls: 3 readings from 2e-6 to 9e-6, median
    2e-6.'
    """
    ax = chart(ax)
    curves = {}
    for name, values in _named(readings, "readings").items():
        curves[name] = np.asarray(_checks.vector(name, values), dtype=float)
        finite(name, curves[name])
        if (curves[name] < 0).any():
            raise ValueError(f"readings of {name!r} must be at least 0, got {curves[name].min()}; try end - start")
    positive = np.concatenate([curve[curve > 0] for curve in curves.values()])
    floor = 0.5 * (positive.min() if len(positive) else 1.0)
    said = []
    for k, (name, curve) in enumerate(curves.items()):
        middle = float(np.median(curve))
        at = np.arange(1, len(curve) + 1)
        ax.plot(at, np.maximum(curve, floor), MARKERS[k % 5], color=COLOURS[k % 5], ms=4, label=name, zorder=3)
        ax.axhline(max(middle, floor), color=COLOURS[k % 5], linestyle=DASHES[k % 5], lw=1.5, zorder=2)
        ends = f"from {number(curve.min())} to {number(curve.max())}, median {number(middle)}"
        said.append(f"{name}: {count(len(curve), 'reading')} {ends}")
    ax.set(yscale="log", xlabel="number of the reading", ylabel=ylabel, title=title)
    ax.yaxis.set_minor_formatter(NullFormatter())
    low, high = ax.get_ylim()
    if high < 30 * low:
        ax.set_ylim(10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high)))
    _legend(ax)
    tell(ax, f"{title}: {ylabel} on a log axis; {'; '.join(said)}.")
    return ax


@styled
def plot_ratios(
    counted: Mapping[str, float],
    measured: Mapping[str, tuple[float, float, float]],
    title: str = "Counted and measured",
    *,
    xlabel: str = "ratio",
    ax: Axes | None = None,
) -> Axes:
    """A counted ratio beside the measured one, a row for each name.

    counted : name -> ratio      measured : the same names -> (low, middle, high)
    Returns the Axes. Raises ValueError if the names are not the same, or a number is not finite.

    >>> from course_lib.plots import describe
    >>> describe(plot_ratios({"A": 2.4}, {"A": (2.2, 2.5, 2.9)}))
    'Counted and measured: A: 2.4 counted, 2.5 measured (2.2 to 2.9).'
    """
    rows = list(_named(counted, "counted"))
    if rows != list(measured):
        raise ValueError(f"measured must have the names of counted, {rows}, got {list(measured)}")
    finite("counted", np.array(list(counted.values()), dtype=float))
    low, middle, high = spans = np.array(list(measured.values()), dtype=float).T
    finite("measured", spans)
    ax = chart(ax, 7.2, 1.5 + 0.5 * len(rows))
    at = np.arange(len(rows))
    ax.grid(False, axis="y")
    errors = np.abs([low - middle, high - middle])
    ax.errorbar(middle, at, xerr=errors, fmt="o", color=BLUE, capsize=3, ms=7, mec=WHITE, label="measured", zorder=3)
    ax.plot(list(counted.values()), at, "D", color=ORANGE, mfc="none", ms=9, mew=2, label="counted", zorder=4)
    ax.set(xlabel=xlabel, title=title, ylim=(len(rows) - 0.5, -0.5), xlim=(0, 1.1 * max(high.max(), *counted.values())))
    ax.set_yticks(at, rows)
    ax.tick_params(axis="y", length=0, labelsize=NORMAL, labelcolor=INK)
    _legend(ax)
    said = [
        f"{name}: {number(counted[name])} counted, {number(b)} measured ({number(a)} to {number(c)})"
        for name, (a, b, c) in measured.items()
    ]
    tell(ax, f"{title}: {'; '.join(said)}.")
    return ax


# --- parts


def _levels(least: float, top: float) -> list[float]:
    """Heights of contours: 1, 2, 5 times powers of ten where there are three of them, else evenly spaced."""
    floor = least + 0.001 * (top - least)
    round_ = [float(f"{k}e{p}") for p in range(-12, 13) for k in (1, 2, 5)] if least >= 0 else []
    levels = [level for level in round_ if floor < level < top]
    return levels if len(levels) >= 3 or least == top else np.linspace(least, top, 9)[1:-1].tolist()


def _from_left(names: Sequence[str]) -> str:
    text = names[0] if names else ""
    for k, name in enumerate(names[1:]):
        text = f"({text}) {name}" if k else f"{text} {name}"
    return text


def _from_right(names: Sequence[str]) -> str:
    text = names[-1] if names else ""
    for k, name in enumerate(reversed(names[:-1])):
        text = f"{name} ({text})" if k else f"{name} {text}"
    return text


def _said(way: str, side: str, work: int) -> str:
    return f"{way}{f' ({side})' if side else ''}: " + f"{work:,}".replace(",", " ")


def _named(curves: Mapping[str, Any], what: str) -> dict[str, Any]:
    if not isinstance(curves, Mapping) or not curves:
        raise ValueError(f'{what} must be a dict of curves by name, got {curves!r}; try {{"central": {what}}}')
    return dict(curves)


def _curves(given: Any, name: str) -> dict[str, np.ndarray]:
    """Curves by name: of a dict as they are, of one list under ``name``, of nothing none."""
    if given is None or len(given) == 0:
        return {}
    named = given if isinstance(given, Mapping) else {name: given}
    return {key: np.asarray(curve, dtype=float) for key, curve in named.items() if len(curve)}


def _line(ax: Axes, x: np.ndarray, y: np.ndarray, k: int, label: str, colour: Any = None) -> None:
    every = max(1, len(x) // 12)
    ax.plot(
        x,
        y,
        color=COLOURS[k % 5] if colour is None else colour,
        linestyle=DASHES[k % 5],
        marker=MARKERS[k % 5],
        markevery=every,
        markersize=5.5,
        label=label,
    )


def _log_curves(
    ax: Axes, x: np.ndarray | None, curves: Sequence[np.ndarray], labels: Sequence[str], mark_least: bool = False
) -> None:
    """Curves on a log axis; zeros stand on a line of their own below everything else."""
    together = np.concatenate(curves)
    if (together < 0).any():
        raise ValueError(f"values on a log axis must be at least 0, got {np.nanmin(together)}; try np.abs")
    positive = together[np.isfinite(together) & (together > 0)]
    least = positive.min() if len(positive) else 1.0
    floor = 10.0 ** (np.floor(np.log10(least)) - 1)
    many = len(curves) > 5
    for k, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        places = np.arange(1, len(curve) + 1) if x is None else x
        seen = np.where(np.isfinite(curve), np.where(curve == 0, floor, curve), np.nan)
        shade = None
        if many:  # so many curves are told by their order, from dark to light
            shade = tint(BLUE, 1 - 0.6 * k / (len(curves) - 1))
        _line(ax, places, seen, 0 if many else k, label, shade)
        zero = curve == 0
        ax.plot(places[zero], seen[zero], MARKERS[k % 5], mfc=WHITE, mec=COLOURS[k % 5], ms=6, zorder=4)
        if mark_least and np.isfinite(seen).any():
            best = int(np.nanargmin(seen))
            ax.plot(places[best], seen[best], MARKERS[k % 5], color=COLOURS[k % 5], ms=10, mec=INK, mew=1.2, zorder=5)
    ax.set_yscale("log")
    ax.yaxis.set_minor_formatter(NullFormatter())
    low, high = ax.get_ylim()
    if high < 30 * low:  # whole decades, so that at least two marks have a number
        ax.set_ylim(10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high)))
    if (together == 0).any():
        ax.axhline(floor, color=FAINT, linewidth=1.2, zorder=0)
        usual = LogFormatterSciNotation()
        usual.set_axis(ax.yaxis)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: usual(value) if value > 1.01 * floor else ""))
        zero = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        ax.annotate("0", (0, floor), (-7, 0), **zero, ha="right", va="center", size=SMALL)
        ax.set_ylim(bottom=floor / 2)


def _legend(ax: Axes) -> None:
    """Below the axes, where it hides nothing, if the figure is ours to lay out; else at the best place inside."""
    if isinstance(ax.figure, Figure) and ax.figure.get_layout_engine() and len(ax.figure.axes) == 1:
        handles, labels = ax.get_legend_handles_labels()
        room = ax.figure.get_figwidth() - 0.4
        columns = max(1, min(len(labels), int(room / (0.8 + max(width_of(label, SMALL) for label in labels)))))
        ax.figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    else:
        ax.legend()
