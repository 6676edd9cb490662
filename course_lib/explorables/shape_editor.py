"""Chapter 02: the widths of a network and all the shapes that follow; state in traits, drawn by shape_editor.js."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import traitlets as T

from course_lib._checks import one_of, positive_integer
from course_lib.explorables._base import INK, LINE, QUIET, SOFT, VALUE, Explorable, circle, line, subscript, svg, text

WIDEST, DEEPEST = 9999, 6  # neurons in a layer; layers
VIEWS = ("neurons", "matrices")
UP = str.maketrans("0123456", "⁰¹²³⁴⁵⁶")
MOST = 6  # neurons of a column that are drawn before dots stand for the rest


class ShapeEditor(Explorable):
    """Change the widths of a network and see the shape of every W, b, z, a, and the number P of parameters.

    sizes : [n_0, ..., n_L], the inputs and the width of every layer      view : "neurons" or "matrices"
    layer : 0 to L, whose width is lit wherever it is a side: the rows of its W, the columns of the next

    In the next cell ``editor.sizes`` and ``editor.P`` say where the reader left it.

    >>> editor = ShapeEditor([2, 3, 2])
    >>> editor.sizes = [784, 30, 10]
    >>> editor.shapes
    [((30, 784), (30, 1)), ((10, 30), (10, 1))]
    >>> print(editor)
    Shape editor: 784-30-10 network; W1 (30, 784), W2 (10, 30); P = 23860 parameters (23550 + 310); n1 = 30 is the
    rows of W1 and the columns of W2.
    """

    sizes = T.List(T.Int()).tag(sync=True)
    view = T.Unicode("neurons").tag(sync=True)
    layer = T.Int(1, min=0).tag(sync=True)

    def __init__(self, sizes: Sequence[int] = (2, 3, 2), **traits: Any) -> None:
        super().__init__(sizes=list(sizes), **traits)

    @T.validate("sizes")
    def _possible(self, proposal: Any) -> list[int]:
        sizes = [positive_integer("a size", n) for n in proposal.value]
        if not 2 <= len(sizes) <= DEEPEST + 1:
            raise ValueError(
                f"sizes must be those of 1 to {DEEPEST} layers after the inputs, got {sizes}; try [2, 3, 2]"
            )
        if max(sizes) > WIDEST:
            raise ValueError(f"a size must be at most {WIDEST}, got {max(sizes)}; try [784, 512, 10]")
        return sizes

    @T.validate("view")
    def _known(self, proposal: Any) -> str:
        return one_of("view", proposal.value, VIEWS)

    @property
    def shapes(self) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """The shapes of W[l] and b[l], layer by layer."""
        return [((n, k), (n, 1)) for k, n in pairwise(self.sizes)]

    @property
    def parameters(self) -> list[int]:
        """Weights and biases of every layer: n_l n_{l-1} + n_l."""
        return [n * k + n for k, n in pairwise(self.sizes)]

    @property
    def P(self) -> int:
        """The number of all parameters (2.4)."""
        return sum(self.parameters)

    def sentence(self) -> str:
        """The sizes, the shapes, P, and where the chosen width is found."""
        weights = ", ".join(f"W{l} ({m}, {n})" for l, ((m, n), _) in enumerate(self.shapes, 1))
        l, last = min(self.layer, len(self.sizes) - 1), len(self.sizes) - 1
        places = [f"the rows of W{l}"] * (l > 0) + [f"the columns of W{l + 1}"] * (l < last)
        sum_ = f" ({' + '.join(map(str, self.parameters))})" if last > 1 else ""
        return (
            f"Shape editor: {'-'.join(map(str, self.sizes))} network; {weights}; P = {self.P} parameters{sum_}; "
            f"n{l} = {self.sizes[l]} is {' and '.join(places)}."
        )

    def picture(self) -> str:
        """The columns of neurons, or the matrices as tiles of true relative size."""
        return self._matrices() if self.view == "matrices" else self._neurons()

    def _neurons(self) -> str:
        layers, chosen = len(self.sizes), min(self.layer, len(self.sizes) - 1)
        parts: list[str] = []
        columns = []
        for l, n in enumerate(self.sizes):
            shown = min(n, MOST)
            gaps = 1 if n > MOST else 0  # the place of the dots
            rows = [150 + 34 * (i + gaps * (i >= MOST - 1) - (shown + gaps - 1) / 2) for i in range(shown)]
            columns.append((70 + 120 * l, rows))
        for l, ((x0, rows0), (x1, rows1)) in enumerate(pairwise(columns), 1):
            parts.extend(line([(x0, a), (x1, b)], LINE, 1) for a in rows0 for b in rows1)
            m, n = self.sizes[l], self.sizes[l - 1]
            parts.append(text((x0 + x1) / 2, 296, f"W{l}".translate(UP), QUIET))
            parts.append(text((x0 + x1) / 2, 313, f"{m}×{n}", QUIET, size=12))
        for l, (x, rows) in enumerate(columns):
            parts.extend(circle(x, y, 12, VALUE if l == chosen else INK) for y in rows)
            if self.sizes[l] > MOST:
                parts.append(text(x, (rows[-2] + rows[-1]) / 2, "⋮", INK, size=16))
            parts.append(
                text(x, 16, f"n{subscript(str(l))} = {self.sizes[l]}", VALUE if l == chosen else INK, weight=600)
            )
        width = max(140 + 120 * (layers - 1), 300)
        parts.append(text(width / 2, 344, f"P = {self.P} parameters", anchor="middle", weight=600))
        return svg(width, 364, *parts)

    def _matrices(self) -> str:
        scale, top, parts = 130 / max(self.sizes), 30.0, []
        chosen, wide = min(self.layer, len(self.sizes) - 1), 0.0
        for l, (k, n) in enumerate(pairwise(self.sizes), 1):
            tall = max(scale * max(n, k), 3)
            x = 20.0
            for j, (name, rows, columns, sign) in enumerate(
                [("z", n, 1, "="), ("W", n, k, ""), ("a", k, 1, "+"), ("b", n, 1, "")]
            ):
                width, height = max(scale * columns, 3), max(scale * rows, 3)
                cell, middle = max(width, 54), top + tall / 2
                lit = (l == chosen and name in "zWb") or (l - 1 == chosen and name in "Wa")
                place = f'x="{x + (cell - width) / 2:.1f}" y="{middle - height / 2:.1f}" width="{width:.1f}"'
                look = f'fill="{SOFT}" stroke="{VALUE if lit else QUIET}" stroke-width="{2.5 if lit else 1.5}"'
                parts.append(f'<rect {place} height="{height:.1f}" {look}/>')
                label = f"{name}{l - (j == 2)}".translate(UP)
                parts.append(text(x + cell / 2, top + tall + 14, label, VALUE if lit else INK, weight=600))
                parts.append(text(x + cell / 2, top + tall + 30, f"{rows}×{columns}", QUIET, size=12))
                parts.append(text(x + cell + 12, middle, sign))
                x += cell + 24
            wide, top = max(wide, x), top + tall + 58
        parts.append(text(20, top, f"P = {self.P} parameters", anchor="start", weight=600))
        return svg(wide, top + 24, *parts)
