"""Chapter 05: products along paths, and what brackets cost; state in traits, drawn by path_explorer.js."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import traitlets as T

from course_lib.chain import bracketings, path_product, paths, sum_over_paths
from course_lib.explorables._base import (
    INK,
    LINE,
    QUIET,
    VALUE,
    WHITE,
    Explorable,
    circle,
    line,
    num,
    short,
    subscript,
    svg,
    text,
)

EDGES = {
    ("x1", "h1"): 0.5, ("x2", "h1"): -1.0, ("x1", "h2"): 2.0, ("x2", "h2"): 0.4, ("x1", "h3"): -0.5, ("x2", "h3"): 1.5,
    ("h1", "y1"): 3.0, ("h2", "y1"): -0.5, ("h3", "y1"): 1.0, ("h1", "y2"): 0.2, ("h2", "y2"): 1.0, ("h3", "y2"): -2.0,
}  # fmt: skip
SHAPES = [(1, 10), (10, 20), (20, 30), (30, 40)]


class PathExplorer(Explorable):
    """Choose paths from an input to an output and see their products add up to one entry of the product of Jacobians.

    edges : {(from, to): local derivative}, the graph of intermediates; by default x1, x2 -> h1, h2, h3 -> y1, y2
    start, end : nodes; by default the first input and the first output
    shapes : [(m, k), (k, n), ...] outermost first, of a product whose brackets can be moved in the second part

    ``.paths`` holds the chosen paths ("x2 > h1 > y1"), ``.path`` the last of them, ``.sum`` the sum of their products,
    ``.bracketing`` the chosen brackets ("(J3 J2) J1").

    >>> explorer = PathExplorer(start="x2", end="y1", paths=["x2 > h1 > y1", "x2 > h3 > y1"])
    >>> explorer.sum
    -1.5
    >>> print(explorer)
    Path explorer: 2 of 3 paths from x2 to y1, −3.0000 + 1.5000 = −1.5000; dy1/dx2 = −1.7000; ((J4 J3) J2) J1 takes 2000
    multiplications.
    """

    edges = T.List().tag(sync=True)
    start = T.Unicode().tag(sync=True)
    end = T.Unicode().tag(sync=True)
    paths = T.List(T.Unicode()).tag(sync=True)
    shapes = T.List().tag(sync=True)
    bracketing = T.Unicode("").tag(sync=True)

    def __init__(
        self,
        edges: Mapping[tuple[str, str], float] | None = None,
        start: str | None = None,
        end: str | None = None,
        shapes: Sequence[tuple[int, int]] | None = None,
        **traits: Any,
    ) -> None:
        graph = dict(EDGES if edges is None else edges)
        sources = [a for a, _ in graph if all(a != to for _, to in graph)]
        sinks = [b for _, b in graph if all(b != origin for origin, _ in graph)]
        if not sources or not sinks:
            raise ValueError(f"edges must lead from inputs to outputs without a cycle, got {sorted(graph)}")
        start, end = start or min(sources), end or min(sinks)
        paths(graph, start, end)  # refuses unknown nodes and cycles
        super().__init__(
            edges=[[a, b, float(v)] for (a, b), v in graph.items()],
            start=start,
            end=end,
            shapes=[list(map(int, shape)) for shape in (shapes or SHAPES)],
            **traits,
        )
        self.bracketing = self.bracketing or self._bracketings()[0][0]

    @property
    def graph(self) -> dict[tuple[str, str], float]:
        """The edges as course_lib.chain takes them."""
        return {(a, b): v for a, b, v in self.edges}

    @property
    def path(self) -> str:
        """The last of the chosen paths, "" when there is none."""
        return self.paths[-1] if self.paths else ""

    @property
    def sum(self) -> float:
        """The sum of the products along the chosen paths."""
        return float(sum(path_product(self.graph, path.split(" > ")) for path in self.paths))

    def _bracketings(self) -> list[tuple[str, int]]:
        n = len(self.shapes)
        return bracketings([tuple(shape) for shape in self.shapes], [f"J{n - k}" for k in range(n)])

    def sentence(self) -> str:
        """The chosen paths, their sum, the derivative, and what the bracketing costs."""
        graph, open_paths = self.graph, paths(self.graph, self.start, self.end)
        terms = " + ".join(num(path_product(graph, path.split(" > "))) for path in self.paths).replace("+ −", "− ")
        terms = f", {terms}{f' = {num(self.sum)}' if len(self.paths) > 1 else ''}" if self.paths else ""
        count = dict(self._bracketings()).get(self.bracketing)
        return (
            f"Path explorer: {len(self.paths)} of {len(open_paths)} paths from {self.start} to {self.end}{terms}; "
            f"d{self.end}/d{self.start} = {num(sum_over_paths(graph, self.start, self.end))}; "
            f"{self.bracketing} takes {count} multiplications."
        )

    def picture(self) -> str:
        """The graph with the chosen paths, their products and the sum."""
        graph = self.graph
        depth = dict.fromkeys((n for edge in graph for n in edge), 0)
        for _ in depth:
            for a, b in graph:
                depth[b] = max(depth[b], depth[a] + 1)
        columns = [sorted(n for n in depth if depth[n] == d) for d in range(max(depth.values()) + 1)]
        height = 40 + 84 * max(map(len, columns))
        at = {
            n: (44 + d * 432 / max(1, len(columns) - 1), height / 2 + 84 * (i - (len(names) - 1) / 2))
            for d, names in enumerate(columns)
            for i, n in enumerate(names)
        }
        taken = {edge for path in self.paths for edge in pairwise(path.split(" > "))}
        on_the_way = {edge for path in paths(graph, self.start, self.end) for edge in pairwise(path)}
        parts = [
            line(
                [at[a], at[b]],
                VALUE if (a, b) in taken else QUIET if (a, b) in on_the_way else LINE,
                3 if (a, b) in taken else 1.5,
            )
            for a, b in graph
        ]
        for (a, b), value in graph.items():
            if (a, b) in on_the_way:
                x, y = (at[a][0] + at[b][0]) / 2, (at[a][1] + at[b][1]) / 2
                parts.append(text(x, y, short(value), VALUE if (a, b) in taken else INK, halo=True))
        for name, (x, y) in at.items():
            end = name in (self.start, self.end)
            parts.append(circle(x, y, 21, VALUE if end else QUIET, VALUE if end else WHITE))
            parts.append(text(x, y, subscript(name), WHITE if end else INK, size=15))
        for row, path in enumerate(paths(graph, self.start, self.end)):
            chosen, y = " > ".join(path) in self.paths, 36 + 30 * row
            steps = " → ".join(map(subscript, path))
            parts.append(text(540, y, steps, VALUE if chosen else QUIET, "start"))
            parts.append(text(790, y, num(path_product(graph, path)), VALUE if chosen else QUIET, "end", weight=600))
        rows = 36 + 30 * len(paths(graph, self.start, self.end))
        parts.append(text(540, rows + 6, f"sum of {len(self.paths)} chosen", anchor="start"))
        parts.append(text(790, rows + 6, num(self.sum), anchor="end", weight=600))
        return svg(810, max(height, rows + 30), *parts)
