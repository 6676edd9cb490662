"""Graphs: pairs on their way to a loss, paths whose products add up, a network, and the same network there and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path
from numpy.typing import ArrayLike

from course_lib.autodiff import Value, topological_order
from course_lib.plots.matrices import text_colour
from course_lib.plots.style import (
    BLUE,
    COLOURS,
    DASHES,
    FAINT,
    GREEN,
    GREY,
    INK,
    LARGE,
    NORMAL,
    ORANGE,
    PURPLE,
    SIGNED,
    SMALL,
    WHITE,
    board,
    count,
    finite,
    listing,
    matrix,
    number,
    styled,
    symbol,
    tell,
    width_of,
    written,
)

_WITH_WEIGHTS = 9  # at most so many weights between two layers are written at their links


@styled
def plot_paths(
    edges: Mapping[tuple[str, str], float],
    highlight: Sequence[Sequence[str]] = (),
    title: str = "Slopes multiply along a path, and the paths add up",
) -> Axes:
    """A graph of intermediates with the slope of every link; chosen paths in colour, with their products written out.

    edges     : {(from, to): local derivative}, without cycles; drawn from left to right in layers
    highlight : paths as tuples of node names, such as course_lib.chain.paths(edges, "x2", "y1") gives
    Returns the Axes. Raises ValueError for no edges, a cycle, or a path that does not follow them.

    >>> edges = {("x", "u"): 2, ("x", "v"): 3, ("u", "y"): 5, ("v", "y"): 7}
    >>> ax = plot_paths(edges, [("x", "u", "y"), ("x", "v", "y")])
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "product"]
    ['2 · 5 = 10', '3 · 7 = 21', '10 + 21 = 31']
    """
    chosen = [tuple(path) for path in highlight]
    layers = _layered(edges)
    for path in chosen:
        for link in pairwise(path):
            if link not in edges:
                raise ValueError(f"a path must follow the edges, got the link {link}; try course_lib.chain.paths()")
    nodes = [node for layer in layers for node in layer if isinstance(node, str)]
    radius = max(0.27, *(width_of(symbol(node)) / 2 + 0.1 for node in nodes))
    across = min(2.4, max(1.2, 7.4 / max(1, len(layers) - 1)))
    down = max(0.95, 2 * radius + 0.3)
    tall = max(len(layer) for layer in layers) * down
    rows = _products(edges, chosen)
    foot = 0.15 + 0.3 * len(rows)
    left = 0.35 + radius
    width = max(left * 2 + across * (len(layers) - 1), 0.5 + width_of(title, LARGE), 0.5 + _rows_width(rows))
    ax = board(width, foot + tall + 0.6)
    left = (width - across * (len(layers) - 1)) / 2
    at = {
        node: np.array([left + l * across, foot + tall / 2 + ((len(layer) - 1) / 2 - k) * down])
        for l, layer in enumerate(layers)
        for k, node in enumerate(layer)
    }
    ax.text(0.25, foot + tall + 0.33, title, size=LARGE, va="center")
    routes = {link: _smooth(np.array([at[node] for node in _route(link, at)])) for link in edges}
    for link, route in routes.items():
        on = [k for k, path in enumerate(chosen) if link in list(pairwise(path))]
        for place, k in enumerate(on):
            shift = min(0.075, 0.3 / len(on)) * (place - (len(on) - 1) / 2)
            _link(ax, route, radius, *_pen(k), 2.4, shift=shift)
        if not on:
            _link(ax, route, radius, GREY, "-", 1.0)
    labels = [written(slope) for slope in edges.values()]
    size = NORMAL if len(edges) <= 20 else SMALL
    _write_along(ax, list(routes.values()), labels, [at[node] for node in nodes], radius, size)
    for node in nodes:
        _node(ax, at[node], radius, symbol(node))
    for k, (name, text) in enumerate(rows):
        y = foot - 0.12 - 0.3 * k
        if k < len(chosen):
            ax.add_line(Line2D([0.3, 0.75], [y, y], color=_pen(k)[0], ls=_pen(k)[1], lw=2.4))
        ax.text(0.9, y, name, va="center")
        ax.text(0.9 + max(width_of(row) for row, _ in rows) + 0.3, y, text, va="center", gid="product")
    words = listing((f"{a} to {b} {number(slope)}" for (a, b), slope in edges.items()), most=30)
    sentence = f"{title}: {count(len(nodes), 'node')} and {count(len(edges), 'link')} with their slopes: {words}"
    for path, (_, text) in zip(chosen, rows, strict=False):
        sentence += f"; path {' > '.join(path)}: {_plain(text)}"
    if len(rows) > len(chosen):
        sentence += f"; together {_plain(rows[-1][1])}"
    tell(ax, sentence + ".")
    return ax


@styled
def plot_empirical_loss(
    x: ArrayLike,
    y: ArrayLike,
    model: Callable[[Any], Any],
    title: str = "Data, model, loss, and the mean outside",
) -> Axes:
    """Every pair on its way through the model to its own loss, and the mean of these: the empirical loss.

    x, y  : (N,) the pairs, at most eight      model : x -> predictions (N,)
    Returns the Axes. Raises ValueError if x and y are not of one length, not finite, or too many to be drawn.

    >>> from course_lib.plots import describe
    >>> describe(plot_empirical_loss([0, 1], [1, 3], lambda x: 2 * x + 2))
    'Data, model, loss, and the mean outside: pair (0, 1), prediction 2, loss 0.5; pair (1, 3), prediction 4, loss 0.5;
    mean 0.5.'
    """
    x, y = (np.asarray(value, dtype=np.float64) for value in (x, y))
    if x.ndim != 1 or x.shape != y.shape or not 1 <= x.size <= 8:
        raise ValueError(
            f"x and y must be 1 to 8 numbers each, as many of one as of the other, got {x.shape}, {y.shape}"
        )
    predicted = np.broadcast_to(np.asarray(model(x), dtype=np.float64), x.shape)
    for name, value in (("x", x), ("y", y), ("the predictions", predicted)):
        finite(name, value)
    losses = 0.5 * (predicted - y) ** 2
    down, foot, N = 0.5, 0.25, len(x)
    tall = down * N
    ax = board(8.2, foot + tall + 0.95)
    ax.text(0.25, foot + tall + 0.7, title, size=LARGE, va="center")
    ends = {"data": 0.75, "model": 2.35, "prediction": 3.75, "loss of the pair": 5.45, "their mean": 7.45}
    for name, at in ends.items():
        ax.text(at, foot + tall + 0.25, name, ha="center", va="center", color=GREY, size=SMALL)
    middle = foot + tall / 2
    for at, wide, words in (
        (2.35, 1.1, r"$f(x; \theta)$"),
        (7.45, 1.1, rf"$\mathcal{{L}} = {written(losses.mean())}$"),
    ):
        high = tall - 0.12 if at < 3 else 0.6
        corner = (at - wide / 2, middle - high / 2)
        ax.add_patch(FancyBboxPatch(corner, wide, high, "round,pad=0,rounding_size=0.1", fc=WHITE, ec=BLUE, lw=1.5))
        ax.text(at, middle, words, ha="center", va="center")
    told = []
    for n in range(N):
        level = foot + tall - down * (n + 0.5)
        ax.text(0.75, level, f"$({written(x[n])},\\; {written(y[n])})$", ha="center", va="center")
        ax.text(3.75, level, f"${written(predicted[n])}$", ha="center", va="center", color=BLUE)
        minus = f"({written(y[n])})" if y[n] < 0 else written(y[n])
        square = rf"$\frac{{1}}{{2}}({written(predicted[n])} - {minus})^2 = {written(losses[n])}$"
        ax.text(5.45, level, square, ha="center", va="center", color=ORANGE)
        for start, end in (((1.3, level), (1.75, level)), ((2.95, level), (3.4, level)), ((4.1, level), (4.5, level))):
            ax.add_patch(
                FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, color=GREY, lw=1, shrinkA=0, shrinkB=0)
            )
        aim = middle + 0.24 * (1 - 2 * (n + 0.5) / N)
        ax.add_patch(
            FancyArrowPatch(
                (6.4, level), (6.87, aim), arrowstyle="-|>", mutation_scale=9, color=GREY, lw=1, shrinkA=0, shrinkB=0
            )
        )
        told.append(
            f"pair ({number(x[n])}, {number(y[n])}), prediction {number(predicted[n])}, loss {number(losses[n])}"
        )
    tell(ax, f"{title}: {'; '.join(told)}; mean {number(losses.mean())}.")
    return ax


@styled
def plot_network(
    net: Any,
    values: Sequence[ArrayLike | None] | None = None,
    errors: Sequence[ArrayLike | None] | None = None,
    *,
    direction: str | None = None,
    weights: bool | None = None,
    most: int = 8,
    example: int = 0,
    title: str | None = None,
) -> Axes:
    """A network as a drawing: a column of neurons for each layer, a link for each weight that is not zero, and above
    the links their matrix in tiles, all of one size, so that the matrices can be compared.

    net       : a Network, a list of its weight matrices W (None at 0 or not), or sizes (n_0, .., n_L)
    values    : numbers to write into the neurons, (n_l,) or (n_l, N) for each layer, None to leave one out, as ``a``
    errors    : numbers to write below the neurons, in the same way, as ``delta``
    direction : "forward" or "backward" puts heads on the links
    weights   : True writes the weights at their links; where not said, they are written if there is room
    most      : of a layer with more neurons than this, the first, dots, and the last are drawn
    example   : which of the N columns to show
    A link is blue and solid for a positive weight, orange and dashed for a negative one, as wide as it is large.
    Returns the Axes. Raises ValueError if the numbers do not fit the sizes.

    >>> from course_lib.plots import describe
    >>> describe(plot_network([64, 32, 10], most=6))
    'Network 64-32-10: 3 columns of neurons, 64 inputs, 32 in layer 1, 10 in layer 2, the output;
    2368 weights in W^1 (32 x 64), W^2 (10 x 32).'
    """
    sizes, W = _sizes_and_weights(net)
    L = len(sizes) - 1
    if direction not in (None, "forward", "backward"):
        raise ValueError(f'direction must be None, "forward" or "backward", got {direction!r}; try "forward"')
    a = _per_layer("values", values, sizes, example)
    delta = _per_layer("errors", errors, sizes, example)
    title = f"Network {'-'.join(map(str, sizes))}" if title is None else title
    slots = [_slots(n, most) for n in sizes]
    tallest = max(map(len, slots))
    few = all(m * n <= _WITH_WEIGHTS for n, m in pairwise(sizes))
    weights = few if weights is None else weights
    down = 1.3 if errors is not None else 1.0 if values is not None or tallest <= 4 else 0.7
    across = min(2.6 if weights and W else 2.0, 7.4 / L)
    tile = min(0.56 if weights and W else 0.2, 1.3 / max(sizes[1:]), (across - 0.3) / max(sizes[:-1]))
    radius, foot, top = 0.31, 0.75, 1.15 + tile * max(sizes[1:])
    width = max(1.5 + across * L, 0.5 + width_of(title, LARGE))
    ax = board(width, foot + tallest * down + top)
    middle, left = foot + tallest * down / 2, (width - across * L) / 2
    at = [_spread(slot, down, centre=(left + l * across, middle), vertical=True) for l, slot in enumerate(slots)]
    ax.text(0.25, ax.get_ylim()[1] - 0.3, title, size=LARGE, va="center")
    largest = max((np.abs(w).max() for w in W[1:]), default=0.0) if W else 0.0
    for l in range(1, L + 1):
        _weights(ax, at[l - 1], at[l], slots[l - 1], slots[l], W[l] if W else None, largest, radius, direction, weights)
        place = (left + (l - 0.5) * across, middle + tallest * down / 2 + 0.2)
        ax.text(
            place[0],
            place[1],
            f"$W^{{{l}}}$  {sizes[l]} × {sizes[l - 1]}",
            ha="center",
            va="center",
            color=GREY,
            size=SMALL,
        )
        foot_of_tiles = (place[0], place[1] + 0.16)
        _tiles(ax, W[l] if W else None, (sizes[l], sizes[l - 1]), foot_of_tiles, tile, largest, bool(weights and W))
    for l, slot in enumerate(slots):
        for place, i in zip(at[l], slot, strict=True):
            if i is None:
                ax.text(place[0], place[1], "⋮", ha="center", va="center", size=LARGE + 3, color=GREY)
                continue
            name = f"$x_{{{i + 1}}}$" if l == 0 else f"$a^{{{l}}}_{{{i + 1}}}$"
            if a[l] is None:
                _node(ax, place, radius, name)
            else:
                _node(ax, place, radius, written(a[l][i]), size=SMALL, edge=GREEN, gid="value")
                ax.text(place[0], place[1] + radius + 0.02, name, ha="center", va="bottom", size=SMALL, color=GREY)
            if delta[l] is not None:
                text = rf"$\delta$ {written(delta[l][i])}"
                ax.text(
                    place[0],
                    place[1] - radius - 0.03,
                    text,
                    ha="center",
                    va="top",
                    size=SMALL,
                    color=PURPLE,
                    gid="error",
                )
        role = "input" if l == 0 else f"layer {l}"
        ax.text(left + l * across, foot - 0.12, role, ha="center", va="top")
        ax.text(left + l * across, foot - 0.36, f"{sizes[l]}", ha="center", va="top", color=GREY, size=SMALL)
    tell(ax, _network_in_words(title, sizes, W, a, delta, direction))
    return ax


@styled
def plot_passes(
    net: Any,
    z: Sequence[ArrayLike | None],
    a: Sequence[ArrayLike | None],
    delta: Sequence[ArrayLike | None],
    *,
    loss: float | None = None,
    most: int = 4,
    example: int = 0,
    title: str = "Values go up, error terms come down",
) -> np.ndarray:
    """The same network twice, inputs below: on the left z and a on the way up, on the right delta on the way down.

    net         : a Network, a list of its weight matrices W (None at 0 or not), or the sizes (n_0, .., n_L)
    z, a, delta : lists over the layers, (n_l, N) or (n_l,), None at 0 in z and delta
    loss        : its value, written at the end of the forward pass
    most        : of a layer with more neurons than this, the first, dots, and the last are drawn
    example     : which of the N columns to show
    Returns array([forward, backward]) of two Axes. Raises ValueError if the numbers do not fit the sizes.

    >>> axes = plot_passes([1, 1], z=[None, [0.0]], a=[[2.0], [0.5]], delta=[None, [-0.125]])
    >>> [[text.get_text() for text in ax.texts if text.get_gid() == "value"] for ax in axes]
    [['2', '0', '0.5'], ['−0.125']]
    """
    sizes, W = _sizes_and_weights(net)
    L = len(sizes) - 1
    numbers = {name: _per_layer(name, given, sizes, example) for name, given in (("z", z), ("a", a), ("delta", delta))}
    for name, given in numbers.items():
        for l in range(0 if name == "a" else 1, L + 1):
            if given[l] is None:
                raise ValueError(f"{name}[{l}] must be the numbers of layer {l}, got None; try z, a = net.forward(x)")
    slots = [_slots(n, most) for n in sizes]
    widest = max(map(len, slots))
    box = np.array([0.92, 0.56]) if widest <= 3 else np.array([0.78, 0.56])
    step = 1.15 if widest <= 3 else 0.9
    few = W is not None and all(m * n <= _WITH_WEIGHTS for n, m in pairwise(sizes))
    rise, margin = 1.55 if few else 1.25, 0.95
    panel = margin + max(widest, 2) * step + 0.25
    middle = margin + max(widest, 2) * step / 2
    head, foot = 2.25, 0.65 if W else 0.3
    height = head + L * rise + box[1] + foot
    width = 2 * panel + 0.3
    figure = Figure(figsize=(width, height))
    figure.text(0.25 / width, 1 - 0.3 / height, title, size=LARGE, va="center")
    at = [
        _spread(slot, step, centre=(middle, foot + box[1] / 2 + l * rise), vertical=False)
        for l, slot in enumerate(slots)
    ]
    largest = max((np.abs(w).max() for w in W[1:]), default=0.0) if W else 0.0
    axes = []
    for k, (direction, colour) in enumerate((("forward", GREEN), ("backward", PURPLE))):
        ax = figure.add_axes(((0.1 + k * (panel + 0.1)) / width, 0, panel / width, 1))
        ax.set(xlim=(0, panel), ylim=(0, height))
        ax.axis("off")
        backward = direction == "backward"
        equations = (r"$z^l = W^l a^{l-1} + b^l$", r"$a^l = \sigma(z^l)$")
        if backward:
            equations = (
                r"$\delta^L = \partial\,\mathrm{loss}\,/\,\partial a^L \odot \sigma'(z^L)$",
                r"$\delta^l = (W^{l+1})^T\,\delta^{l+1} \odot \sigma'(z^l)$",
            )
        ax.text(0.25, height - 0.7, f"{direction} pass", color=colour, va="center", weight="bold")
        ax.text(0.25, height - 1.0, equations[0], va="center")
        ax.text(0.25, height - 1.3, equations[1], va="center")
        for l in range(1, L + 1):
            idle = backward and l == 1  # no error term of the inputs is asked for
            _weights(
                ax,
                at[l - 1],
                at[l],
                slots[l - 1],
                slots[l],
                W[l] if W and not idle else None,
                largest,
                box / 2,
                None if idle else direction,
                few and not idle,
            )
        for l, slot in enumerate(slots):
            if backward:
                lines = [(rf"\delta^{{{l}}}", numbers["delta"][l])] if l else []
            else:
                lines = (
                    [(f"z^{{{l}}}", numbers["z"][l]), (f"a^{{{l}}}", numbers["a"][l])]
                    if l
                    else [("x", numbers["a"][0])]
                )
            heights = [0.0] if len(lines) == 1 else [0.125, -0.135]
            for (name, values), lift in zip(lines, heights, strict=False):
                y = at[l][0][1] + lift
                ax.text(at[l][0][0] - box[0] / 2 - 0.12, y, f"${name}$", ha="right", va="center")
                for place, i in zip(at[l], slot, strict=True):
                    if i is not None:
                        text = written(values[i], 4)
                        ax.text(place[0], y, text, ha="center", va="center", size=SMALL, gid="value", zorder=4)
            for place, i in zip(at[l], slot, strict=True):
                if i is None:
                    ax.text(place[0], place[1], "⋯", ha="center", va="center", size=LARGE, color=GREY)
                else:
                    edge = colour if lines else FAINT
                    _box(ax, place, box, edge)
        y = at[L][0][1] + box[1] / 2 + 0.55
        for place, i in zip(at[L], slots[L], strict=True):
            if i is not None:
                ends = [place + (0, box[1] / 2), np.array([place[0], y - 0.16])]
                _link(ax, np.array(ends[::-1] if backward else ends), 0.0, colour, "-", 1.4)
        centre = np.mean(at[L], axis=0)[0]
        said = r"$\partial\,\mathrm{loss}\,/\,\partial a^L$" if backward else "loss"
        if not backward and loss is not None:
            said += f" = {written(loss, 4)}"
        ax.text(centre, y, said, ha="center", va="center")
        axes.append(ax)
    if W and any((w < 0).any() for w in W[1:]):
        handles = [
            Line2D([], [], color=BLUE, lw=2, label="positive weight"),
            Line2D([], [], color=ORANGE, lw=2, ls=DASHES[1], label="negative weight"),
        ]
        axes[0].legend(handles=handles, loc="lower left", ncols=2, borderaxespad=0.3, columnspacing=1.2)
    tell(axes[0], _passes_in_words(title, sizes, numbers, loss))
    tell(axes[1], "")
    return np.array(axes, dtype=object)


@styled
def plot_computation(value: Any, *, title: str | None = None, most: int = 4) -> Axes:
    """The graph that a Value of course_lib.autodiff was computed by, inputs at the bottom, the Value on top.

    value : the Value; a box for each that it depends on has its name and operation, its value, and, once they are
            computed, its tangent (which goes up) and its adjoint (which comes down). Numbers that take part in an
            operation stand beside its sign.
    most  : arrays of more entries are given by their shape
    Returns the Axes. Raises TypeError for anything but a Value.

    >>> from course_lib.autodiff import Value
    >>> x, y = Value(2.0, name="x"), Value(5.0, name="y")
    >>> z = x * y
    >>> z.backward()
    >>> ax = plot_computation(z)
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "adjoint"]
    ['5', '2', '1']
    """
    if not isinstance(value, Value):
        raise TypeError(f"value must be a Value, got {type(value).__name__}; try Value(2.0) * Value(3.0)")
    nodes = _with_constants(value)
    cards = {key: _Card.of(node, most) for key, node in nodes.items()}
    keys = {id(node): key for key, node in nodes.items()}
    links = [(keys[id(x)], key) for key, node in nodes.items() for x in _parents(node) if id(x) in keys]
    layers: list[list[Any]] = [*_layered(dict.fromkeys(links, 0.0))] if links else [[*nodes]]
    across = _side_by_side(layers, links, cards)
    seen = {row for card in cards.values() for row, _ in card.rows}
    if title is None:
        title = ("Values and tangents" if "tangent" in seen else "Values") + " go up"
        title += ", adjoints come down" if "adjoint" in seen else ""
    tall = [max(cards[key].size[1] for key in layer if isinstance(key, str)) for layer in layers]
    gap, foot = 0.38, 0.3
    right = max(place + _reach(node, cards) for node, place in across.items()) + 0.25
    width = max(right, 0.5 + width_of(title, LARGE))
    ax = board(width, foot + sum(tall) + gap * (len(layers) - 1) + 0.75)
    at: dict[Any, np.ndarray] = {}
    height: dict[Any, float] = {}
    y = foot
    for layer, room in zip(layers, tall, strict=True):
        for key in layer:
            at[key] = np.array([across[key] + (width - right) / 2, y + room / 2])
            height[key] = cards[key].size[1] if isinstance(key, str) else room
        y += room + gap
    ax.text(0.25, y - gap + 0.42, title, size=LARGE, va="center")
    for key, card in cards.items():
        routes = [_rise(_route(link, at), at, height) for link in links if link[1] == key]
        routes.sort(key=lambda route: route[-2][0])
        for k, route in enumerate(routes):
            route[-1] = route[-1] + [0.16 * (k - (len(routes) - 1) / 2), 0]
            _climb(ax, route)
        card.draw(ax, at[key])
    tell(ax, _computation_in_words(title, nodes, keys, most))
    return ax


# --- computations

_ROWS = (("value", "data", INK), ("tangent", "tangent", GREEN), ("adjoint", "grad", PURPLE))
_SIGNS = {
    "*": "\N{MULTIPLICATION SIGN}",
    "-": "\N{MINUS SIGN}",
    "neg": "\N{MINUS SIGN}",
    ".T": "transpose",
    "[]": "entry",
}


@dataclass(frozen=True)
class _Card:
    """What is written in the box of a Value, or of an array that takes part in an operation."""

    name: str
    sign: str
    rows: tuple[tuple[str, str], ...]
    constant: bool

    @classmethod
    def of(cls, node: Any, most: int) -> "_Card":
        rows = tuple((row, _entries(given, most)) for row, given in _numbers(node))
        if isinstance(node, np.ndarray):
            return cls("", "", rows, True)
        return cls(symbol(node.name), _sign(node), rows, False)

    @property
    def size(self) -> np.ndarray:
        head = width_of(self.name or "x", LARGE) + width_of(self.sign) + (0.3 if self.name and self.sign else 0.0)
        width = max(head, *(0.12 + width_of(row, SMALL) + width_of(text) for row, text in self.rows))
        return np.array([width + 0.24, 0.12 + 0.24 * (len(self.rows) + bool(self.name or self.sign))])

    def draw(self, ax: Axes, at: np.ndarray) -> None:
        left, right = at[0] - self.size[0] / 2 + 0.12, at[0] + self.size[0] / 2 - 0.12
        y = at[1] + self.size[1] / 2 - 0.18
        _box(ax, at, self.size, FAINT if self.constant else GREY if self.sign else INK)
        style: dict[str, Any] = {"va": "center_baseline", "zorder": 4}
        if self.name or self.sign:
            ax.text(
                left if self.sign else at[0], y, self.name, size=LARGE, ha="left" if self.sign else "center", **style
            )
            ax.text(right if self.name else at[0], y, self.sign, ha="right" if self.name else "center", color=BLUE,
                    gid="operation", **style)  # fmt: skip
            y -= 0.24
        for row, text in self.rows:
            colour = next(colour for name, _, colour in _ROWS if name == row)
            ax.text(left, y, row, size=SMALL, color=colour, **style)
            ax.text(right, y, text, ha="right", color=colour, gid=row, **style)
            y -= 0.24


def _with_constants(value: Any) -> dict[str, Any]:
    """All that value depends on by a key, parents first; single numbers are left to the signs of their operations."""
    nodes: dict[int, Any] = {}
    for node in topological_order(value):
        for x in (*node.parents, node):
            if x is node or isinstance(x, np.ndarray):
                nodes.setdefault(id(x), x)
    return {f"v{k}": node for k, node in enumerate(nodes.values(), start=1)}


def _parents(node: Any) -> tuple[Any, ...]:
    return () if isinstance(node, np.ndarray) else node.parents


def _numbers(node: Any) -> list[tuple[str, Any]]:
    """The rows of a box: the value, and the tangent and the adjoint of a Value that has them."""
    if isinstance(node, np.ndarray):
        return [("value", node)]
    return [(row, given) for row, slot, _ in _ROWS if (given := getattr(node, slot)) is not None]


def _sign(node: Any) -> str:
    """The sign of the operation, beside the number that takes part in it."""
    sign = _SIGNS.get(node.op, node.op)
    if len(node.parents) == 2:
        first, second = (written(x) if isinstance(x, float) else "" for x in node.parents)
        sign = f"{first} {sign} {second}".strip()
    return sign


def _entries(given: Any, most: int, digits: int = 3) -> str:
    """A number, the entries of a small array row by row, or the shape of a larger one."""
    array = np.asarray(given, dtype=np.float64)
    if array.size > most or array.ndim > 2:
        return " \N{MULTIPLICATION SIGN} ".join(map(str, array.shape))
    array = np.where(np.abs(array) < 1e-12, 0.0, array)  # rounding
    if array.ndim == 0:
        return written(array.item(), digits)
    rows = array if array.ndim == 2 and array.shape[1] > 1 else array.reshape(1, -1)
    return "(" + "; ".join(", ".join(written(x, digits) for x in row) for row in rows) + ")"


def _side_by_side(
    layers: list[list[Any]], links: Sequence[tuple[str, str]], cards: Mapping[str, _Card]
) -> dict[Any, float]:
    """How far to the right every box and bend stands: below what it goes into, an input beside what is computed."""
    steps: dict[Any, Any] = {node: None for layer in layers for node in layer}
    into: dict[Any, list[Any]] = {}
    for link in links:
        for below, above in pairwise(_route(link, steps)):
            into.setdefault(below, []).append(above)
    operand: dict[Any, int] = {
        step: place for place, link in reversed(list(enumerate(links))) for step in (link, link[0])
    }
    made = {above for _, above in links}
    across: dict[Any, float] = {}
    for layer in reversed(layers):
        wish = {node: float(np.mean([across[x] for x in into.get(node, [])] or [0.0])) for node in layer}
        line = {
            node: (round(wish[node], 6), node not in made, operand.get(getattr(node, "link", node), 0))
            for node in layer
        }
        layer.sort(key=line.__getitem__)
        half = [_reach(node, cards) + 0.18 for node in layer]
        edge, places = -np.inf, []
        for node, room in zip(layer, half, strict=True):
            places.append(max(wish[node], edge + room))
            edge = places[-1] + room
        wanting = [wish[node] - place for node, place in zip(layer, places, strict=True)]
        shift = float(np.average(wanting, weights=[1.0 if node in made else 0.01 for node in layer]))
        across |= {node: place + shift for node, place in zip(layer, places, strict=True)}
    left = min(place - _reach(node, cards) for node, place in across.items())
    return {node: place - left + 0.25 for node, place in across.items()}


def _reach(node: Any, cards: Mapping[str, _Card]) -> float:
    return cards[node].size[0] / 2 if isinstance(node, str) else 0.02


def _rise(route: list[Any], at: Mapping[Any, np.ndarray], height: Mapping[Any, float]) -> list[np.ndarray]:
    """Where a link is on its way: from the top of a box, straight up between other boxes, to the bottom of its own."""
    up = {step: np.array([0, height[step] / 2]) for step in route}
    between = [at[step] + side * up[step] for step in route[1:-1] for side in (-1, 1)]
    return [at[route[0]] + up[route[0]], *between, at[route[-1]] - up[route[-1]]]


def _climb(ax: Axes, points: Sequence[np.ndarray]) -> None:
    """An arrow through the points that passes each of them upright."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for p, q in pairwise(points):
        lift = np.array([0, (q[1] - p[1]) / 2])
        vertices += [p + lift, q - lift, q]
        codes += [Path.CURVE4] * 3
    head = "-|>,head_length=5,head_width=2.4"
    arrow = FancyArrowPatch(path=Path(vertices, codes), arrowstyle=head, mutation_scale=1.2, color=GREY, lw=1.1)
    arrow.set(zorder=1)
    ax.add_patch(arrow)


def _computation_in_words(title: str, nodes: Mapping[str, Any], keys: Mapping[int, str], most: int) -> str:
    def called(x: Any) -> str:
        return number(x) if isinstance(x, float) else getattr(x, "name", "") or keys[id(x)]

    parts = []
    for node in nodes.values():
        how = f" = {node.op} of {' and '.join(map(called, _parents(node)))}" if _parents(node) else ""
        numbers = [
            f"{row} {_entries(given, most).replace(chr(0x2212), '-').replace(chr(0xD7), 'by')}"
            for row, given in _numbers(node)
        ]
        parts.append(f"{called(node)}{how}: {', '.join(numbers)}")
    made = sum(bool(_parents(node)) for node in nodes.values())
    return f"{title}: {count(len(nodes), 'node')}, {made} of them operations. " + "; ".join(parts) + "."


# --- graphs


@dataclass(frozen=True)
class _Bend:
    """The place where a link that skips a layer passes through it."""

    link: tuple[str, str]
    layer: int


def _layered(edges: Mapping[tuple[str, str], float]) -> list[list[str | _Bend]]:
    """Nodes by layer, each as far from the sources as its longest path; within a layer in the order of the edges."""
    if not edges:
        raise ValueError('edges must hold at least one link, {(from, to): slope}; try {("x", "y"): 2.0}')
    for link, slope in edges.items():
        finite(f"edges[{link}]", np.asarray(slope, dtype=np.float64).reshape(()))
    nodes = list(dict.fromkeys(node for link in edges for node in link))
    depth = dict.fromkeys(nodes, 0)
    for _ in nodes:
        moved = False
        for source, target in edges:
            if depth[target] <= depth[source]:
                depth[target], moved = depth[source] + 1, True
        if not moved:
            break
    else:
        raise ValueError("edges must have no cycle, got one; try a graph whose links all lead on")
    for node in nodes:  # a source stands right before what it feeds
        if all(target != node for _, target in edges):
            depth[node] = min(depth[target] for source, target in edges if source == node) - 1
    layers: list[list[str | _Bend]] = [
        [node for node in nodes if depth[node] == l] for l in range(max(depth.values()) + 1)
    ]
    for a, b in edges:
        for l in range(depth[a] + 1, depth[b]):
            share = np.mean(
                [layers[depth[a]].index(a) / len(layers[depth[a]]), layers[depth[b]].index(b) / len(layers[depth[b]])]
            )
            layers[l].insert(0 if share < 0.5 else len(layers[l]), _Bend((a, b), l))
    return layers


def _route(link: tuple[str, str], at: Mapping[Any, np.ndarray]) -> list[Any]:
    bends = sorted((node for node in at if isinstance(node, _Bend) and node.link == link), key=lambda bend: bend.layer)
    return [link[0], *bends, link[1]]


def _smooth(route: np.ndarray) -> np.ndarray:
    """A curve through the points of a route, as a fine polyline; two points stay a straight line."""
    if len(route) == 2:
        return route
    slopes = np.gradient(route, axis=0)
    t = np.linspace(0, 1, 80, endpoint=False)[:, None]
    pieces = [
        (1 + 2 * t) * (1 - t) ** 2 * p + t * (1 - t) ** 2 * dp + t**2 * (3 - 2 * t) * q + t**2 * (t - 1) * dq
        for (p, q), (dp, dq) in zip(pairwise(route), pairwise(slopes), strict=True)
    ]
    return np.concatenate([*pieces, route[-1:]])


def _pen(k: int) -> tuple[str, Any]:
    """Colour and dash of the k-th path: 25 pairs, of which no two are the same."""
    return COLOURS[k % 5], DASHES[(k + k // 5) % 5]


def _products(edges: Mapping[tuple[str, str], float], chosen: Sequence[tuple[str, ...]]) -> list[tuple[str, str]]:
    """A row for every path, its name and its product, and the sum of those that share their ends."""

    def factor(value: float) -> str:
        return f"({written(value)})" if value < 0 else written(value)

    slopes = [[float(edges[link]) for link in pairwise(path)] for path in chosen]
    rows = []
    for path, along in zip(chosen, slopes, strict=True):
        name = " → ".join(symbol(node) for node in path)
        text = " · ".join(map(factor, along))
        rows.append((name, written(along[0]) if len(along) == 1 else f"{text} = {written(prod(along))}"))
    if len(chosen) > 1 and len({(path[0], path[-1]) for path in chosen}) == 1:
        products = [prod(along) for along in slopes]
        terms = written(products[0]) + "".join(
            f" {'−' if value < 0 else '+'} {written(abs(value))}" for value in products[1:]
        )
        rows.append(("together", f"{terms} = {written(sum(products))}"))
    return rows


def _rows_width(rows: Sequence[tuple[str, str]]) -> float:
    return 1.2 + max(width_of(name) for name, _ in rows) + max(width_of(text) for _, text in rows) if rows else 0.0


def _plain(text: str) -> str:
    return text.replace("\N{MINUS SIGN}", "-").replace(" · ", " times ")


# --- networks


def _sizes_and_weights(net: Any) -> tuple[list[int], list | None]:
    """Sizes and weights (None at 0) of a Network, a list of matrices, or sizes alone."""
    given = getattr(net, "W", net)
    if isinstance(given, np.ndarray) and given.ndim == 2:
        given = [given]
    parts = [part for part in given if part is not None]
    if parts and all(np.ndim(part) == 0 for part in parts):
        sizes = [int(part) for part in parts]
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes must be at least two positive widths, got {sizes}; try [2, 3, 1]")
        return sizes, None
    W = [matrix(f"W[{l}]", part) for l, part in enumerate(parts, start=1)]
    if not W:
        raise ValueError("net must be a Network, weight matrices or sizes, got nothing; try [2, 3, 1]")
    for l, (before, after) in enumerate(pairwise(W), start=2):
        if after.shape[1] != before.shape[0]:
            raise ValueError(f"W[{l}] must have {before.shape[0]} columns, got shape {after.shape}; try its transpose")
    return [W[0].shape[1], *(len(w) for w in W)], [None, *W]


def _per_layer(name: str, given: Sequence | None, sizes: Sequence[int], example: int) -> list:
    """One vector (n_l,) or None for each layer."""
    if given is None:
        return [None] * len(sizes)
    if len(given) != len(sizes):
        raise ValueError(
            f"{name} must have an entry for each of the {len(sizes)} layers, got {len(given)}; try None at 0"
        )
    chosen: list[np.ndarray | None] = []
    for l, (values, n) in enumerate(zip(given, sizes, strict=True)):
        if values is None:
            chosen.append(None)
            continue
        array = np.asarray(values, dtype=np.float64)
        if array.ndim not in (1, 2) or len(array) != n:
            raise ValueError(f"{name}[{l}] must be of shape ({n},) or ({n}, N), got {array.shape}; try its transpose")
        if array.ndim == 2 and not -array.shape[1] <= example < array.shape[1]:
            raise ValueError(f"example must be below N = {array.shape[1]}, got {example}; try example=0")
        chosen.append(array if array.ndim == 1 else array[:, example])
    return chosen


def _slots(n: int, most: int) -> list[int | None]:
    """Which neurons of n to draw: all, or the first ones, None for the dots, and the last."""
    if most < 3:
        raise ValueError(f"most must be at least 3, got {most}; try 8")
    return list(range(n)) if n <= most else [*range(most - 2), None, n - 1]


def _spread(slot: Sequence[int | None], step: float, centre: tuple[float, float], vertical: bool) -> np.ndarray:
    """Places of the neurons of a layer, (n, 2): from the top down, or from left to right."""
    along = (np.arange(len(slot)) - (len(slot) - 1) / 2) * step
    return centre + np.column_stack([0 * along, -along] if vertical else [along, 0 * along])


def _weights(
    ax: Axes,
    sources: np.ndarray,
    targets: np.ndarray,
    source_slots: Sequence[int | None],
    target_slots: Sequence[int | None],
    W: np.ndarray | None,
    largest: float,
    room: float | np.ndarray,
    direction: str | None,
    numbers: bool,
) -> None:
    """The links between two layers; ``room`` is the radius of a neuron, or half the width and height of its box."""
    routes, labels = [], []
    crowd = len(source_slots) * len(target_slots)
    for p, j in zip(sources, source_slots, strict=True):
        for q, i in zip(targets, target_slots, strict=True):
            if i is None or j is None or (W is not None and W[i, j] == 0):
                continue
            route = np.array([p, q] if direction != "backward" else [q, p])
            if W is None:
                colour, dash, wide = GREY, "-", 1.0 if crowd <= 25 else 0.5
            else:
                colour, dash = (BLUE, "-") if W[i, j] > 0 else (ORANGE, DASHES[1])
                wide = (0.9 + 2.2 * abs(W[i, j]) / largest) * (1.0 if crowd <= 25 else 0.55)
                routes.append(route)
                labels.append(written(W[i, j]))
            _link(ax, route, room, colour, dash, wide, head=direction is not None)
    if numbers and W is not None:
        _write_along(ax, routes, labels, [*sources, *targets], room, size=SMALL)


def _tiles(
    ax: Axes,
    W: np.ndarray | None,
    shape: tuple[int, int],
    at: tuple[float, float],
    side: float,
    largest: float,
    numbers: bool,
) -> None:
    """A matrix of that shape as tiles over the middle of its foot, in the colours of the links."""
    m, n = shape
    x, y = at[0] + (np.arange(n + 1) - n / 2) * side, at[1] + np.arange(m, -1, -1) * side
    shares = np.full(shape, 0.25) if W is None else W / (largest or 1.0)
    edges = GREY if side > 0.08 else "none"
    ax.pcolormesh(x, y, shares, cmap=SIGNED, vmin=-1, vmax=1, edgecolor=edges, linewidth=0.7, zorder=1)
    ax.add_patch(Rectangle((x[0], y[-1]), n * side, m * side, fill=False, edgecolor=GREY, linewidth=1, zorder=2))
    for i, j in np.argwhere(shares if numbers else np.zeros(shape)):
        place, text = (x[j] + side / 2, y[i] - side / 2), written(shares[i, j] * largest, 2)
        size = max(8.0, SMALL * min(1.0, 0.88 * side / width_of(text, SMALL)))
        ax.text(*place, text, ha="center", va="center", size=size, color=text_colour(shares[i, j]), gid="tile")


def _node(
    ax: Axes, at: np.ndarray, radius: float, text: str, size: float = NORMAL, edge: str = INK, gid: str | None = None
) -> None:
    ax.add_patch(Circle((at[0], at[1]), radius, facecolor=WHITE, edgecolor=edge, linewidth=1.5, zorder=3))
    size = min(size, size * 1.75 * radius / max(width_of(text, size), 1e-9))
    ax.text(at[0], at[1], text, ha="center", va="center_baseline", size=size, zorder=4, gid=gid)


def _box(ax: Axes, at: np.ndarray, box: np.ndarray, edge: str) -> None:
    corner = at - box / 2
    style = "round,pad=0,rounding_size=0.1"
    ax.add_patch(
        FancyBboxPatch(
            (corner[0], corner[1]),
            box[0],
            box[1],
            boxstyle=style,
            facecolor=WHITE,
            edgecolor=edge,
            linewidth=1.5,
            zorder=3,
        )
    )


def _link(
    ax: Axes,
    route: np.ndarray,
    room: float | np.ndarray,
    colour: str,
    dash: Any,
    wide: float,
    *,
    shift: float = 0.0,
    head: bool = True,
) -> None:
    """A link along ``route`` from rim to rim, moved sideways by ``shift`` inches."""
    points = route.astype(float)
    if np.ndim(room) == 0 and len(points) > 2:  # a curve begins and ends where it leaves the circles
        outside = (np.hypot(*(points - points[0]).T) >= room) & (np.hypot(*(points - points[-1]).T) >= room)
        points = points[outside]
    else:
        points = np.array(
            [points[0] + _to_rim(points[1] - points[0], room), points[1] + _to_rim(points[0] - points[1], room)]
        )
    if shift:
        way = np.gradient(points, axis=0)
        points = points + shift * np.column_stack([-way[:, 1], way[:, 0]]) / np.hypot(*way.T)[:, None]
    arrow = "-|>,head_length=5,head_width=2.4" if head else "-"
    ax.add_patch(
        FancyArrowPatch(
            path=Path(points),
            arrowstyle=arrow,
            color=colour,
            linestyle=dash,
            linewidth=wide,
            mutation_scale=1.2,
            shrinkA=0,
            shrinkB=0,
            capstyle="butt",
            joinstyle="miter",
            zorder=1,
        )
    )


def _to_rim(way: np.ndarray, room: float | np.ndarray) -> np.ndarray:
    """From a centre along ``way`` to the rim: of a circle of radius ``room``, or of a box of half sides ``room``."""
    if np.ndim(room) == 0:
        return way / np.hypot(*way) * room
    with np.errstate(divide="ignore"):
        return way * np.min(np.asarray(room) / np.abs(way))


def _write_along(
    ax: Axes,
    routes: Sequence[np.ndarray],
    labels: Sequence[str],
    nodes: Sequence[np.ndarray],
    room: float | np.ndarray,
    size: float = NORMAL,
) -> None:
    """Each label on its own link, where it meets the fewest other links, labels and nodes."""
    fine = np.linspace(0, 1, 41)
    traces = [_along(route, fine) for route in routes]
    taken: list[tuple[np.ndarray, np.ndarray]] = []
    for k, label in enumerate(labels):
        half = np.array([width_of(label, size) / 2 + 0.07, size / 72 / 2 + 0.05])
        best, least = traces[k][20], np.inf
        for t in np.linspace(0.2, 0.8, 25):
            place = _along(routes[k], np.array([t]))[0]
            cost = 0.8 * abs(t - 0.5)
            for other, trace in enumerate(traces):
                if other != k:
                    cost += max(0.0, 1.4 - (np.abs(trace - place) / half).max(axis=1).min())
            cost += sum(8.0 for there, extent in taken if (np.abs(there - place) < half + extent).all())
            cost += sum(20.0 for node in nodes if _touches(place - node, half, room))
            if cost < least:
                best, least = place, cost
        taken.append((best, half))
        blank = Rectangle(
            (best[0] - half[0], best[1] - half[1]), 2 * half[0], 2 * half[1], color=WHITE, lw=0, zorder=1.5
        )
        ax.add_patch(blank)  # below all the labels, so that none hides its neighbour
        ax.text(best[0], best[1], label, ha="center", va="center", size=size, zorder=2, gid="slope")


def _touches(way: np.ndarray, half: np.ndarray, room: float | np.ndarray) -> bool:
    """Whether a label of half sides ``half``, ``way`` off a neuron's centre, is near its rim, where heads are."""
    gap = np.maximum(np.abs(way) - half, 0.0)
    return bool(np.hypot(*gap) < room + 0.13) if np.ndim(room) == 0 else bool((gap < np.asarray(room) + 0.13).all())


def _along(route: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Points of a polyline at the shares t of its length."""
    lengths = np.concatenate([[0.0], np.hypot(*np.diff(route, axis=0).T).cumsum()])
    return np.column_stack([np.interp(t * lengths[-1], lengths, route[:, axis]) for axis in (0, 1)])


def _layer_in_words(values: np.ndarray, digits: int = 3) -> str:
    return "(" + listing((number(float(value), digits) for value in values), most=8) + ")"


def _network_in_words(
    title: str, sizes: Sequence[int], W: list | None, a: list, delta: list, direction: str | None
) -> str:
    L = len(sizes) - 1
    columns = [count(sizes[0], "input"), *(f"{n} in layer {l}" for l, n in enumerate(sizes[1:], start=1))]
    text = f"{title}: {L + 1} columns of neurons, {', '.join(columns)}, the output"
    weights = sum(m * n for n, m in pairwise(sizes))
    matrices = listing(f"W^{l} ({m} x {n})" for l, (n, m) in enumerate(pairwise(sizes), start=1))
    text += f"; {count(weights, 'weight')} in {matrices}"
    if W:
        negative = sum(int((w < 0).sum()) for w in W[1:])
        text += f", {negative} of them negative, the largest in size {number(max(np.abs(w).max() for w in W[1:]))}"
    if direction:
        text += "; arrows point " + ("from input to output" if direction == "forward" else "from output to input")
    for l, values in enumerate(a):
        if values is not None:
            text += f"; {'x' if l == 0 else f'a^{l}'} = {_layer_in_words(values)}"
    for l, values in enumerate(delta):
        if values is not None:
            text += f"; delta^{l} = {_layer_in_words(values)}"
    return text + "."


def _passes_in_words(title: str, sizes: Sequence[int], numbers: dict[str, list], loss: float | None) -> str:
    L = len(sizes) - 1
    z, a, delta = numbers["z"], numbers["a"], numbers["delta"]
    text = f"{title}: the network {'-'.join(map(str, sizes))} twice. Forward: x = {_layer_in_words(a[0], 4)}"
    for l in range(1, L + 1):
        text += f"; z^{l} = {_layer_in_words(z[l], 4)}, a^{l} = {_layer_in_words(a[l], 4)}"
    if loss is not None:
        text += f"; loss = {number(loss, 4)}"
    return (
        text + ". Backward: " + "; ".join(f"delta^{l} = {_layer_in_words(delta[l], 4)}" for l in range(L, 0, -1)) + "."
    )
