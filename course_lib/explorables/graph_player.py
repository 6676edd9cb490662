"""Chapter 08: tangents up and adjoints down a computational graph, step by step; drawn by graph_player.js.

A graph is a list of nodes, each after those that it is made of: name, f, terms [[name, coefficient], ...] and plus. A
node is f(sum of coefficient * term + plus); in a "product" or a "max" the terms meet as they are; an input has f "".
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets as T

from course_lib._colours import LIGHT
from course_lib.explorables._base import (
    ERROR,
    INK,
    LINE,
    QUIET,
    VALUE,
    Explorable,
    box,
    line,
    short,
    subscript,
    svg,
    text,
)

Node = dict[str, Any]
NODES, INPUTS, VISITS = 14, 5, 200  # the largest graph that fits the page; recursion is cut off
TANGENT = LIGHT["green"]
ORDERS = {"topological": "", "recursion": ", by plain recursion", "once": ", each node when it is met first"}


def _sigmoid(s: float) -> float:
    return 1 / (1 + math.exp(-s)) if s >= 0 else math.exp(s) / (1 + math.exp(s))


def _exp(s: float) -> float:
    return math.exp(s) if s < 709 else math.inf


FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[float, float], float]]] = {
    "identity": (lambda s: s, lambda s, v: 1.0),
    "tanh": (math.tanh, lambda s, v: 1 - v * v),
    "sigmoid": (_sigmoid, lambda s, v: v * (1 - v)),
    "exp": (_exp, lambda s, v: v),
    "relu": (lambda s: max(s, 0.0), lambda s, v: float(s > 0)),
    "square": (lambda s: s * s, lambda s, v: 2 * s),
}  # the function of s, and its slope from s and the value v


class Preset(NamedTuple):
    """A graph to begin with: its title, its program, the values of its inputs in their order."""

    title: str
    program: str
    x: list[float]


PRESETS = {
    "circuit": Preset("(x + y) z", "q = x + y; f = q * z", [-2.0, 5.0, -4.0]),
    "diamond": Preset("a diamond", "u = 3 * a; v = 2 * u; w = 5 * u; f = v + w", [1.0]),
    "neuron": Preset(
        "a sigmoid neuron",
        "p0 = w0 * x0; p1 = w1 * x1; s = p0 + p1 + w2; f = sigmoid(s)",
        [2.0, -1.0, -3.0, -2.0, -3.0],
    ),
    "net": Preset(
        "a 2-2-1 net",
        "z1 = 0.5 * x1 - 0.4 * x2 + 0.1; z2 = 0.3 * x1 + 0.8 * x2 - 0.2; a1 = tanh(z1); a2 = tanh(z2); "
        "z3 = a1 - 0.7 * a2; a3 = sigmoid(z3); f = (a3 - 1) ** 2",
        [1.0, 0.5],
    ),
    "map": Preset(
        "a map",
        "h1 = tanh(0.5 * x1 - x2 + 0.3 * x3 + 0.8 * x4); h2 = tanh(0.4 * x1 + 0.6 * x2 - 0.7 * x3 + 0.2 * x4); "
        "h3 = tanh(-0.8 * x1 + 0.2 * x2 + 0.5 * x3 - 0.4 * x4); y1 = h1 - 0.5 * h2 + 0.6 * h3; "
        "y2 = 0.3 * h1 + 0.9 * h2 - h3; y3 = -0.7 * h1 + 0.4 * h2 + 0.8 * h3; y4 = 0.2 * h1 - 0.6 * h2 + 0.5 * h3",
        [0.5, -0.4, 0.8, 0.3],
    ),
}


# --------------------------------------------------------------------------- reading a program
def read_program(program: str) -> list[Node]:
    """The nodes of a program of assignments, such as "q = x + y; f = q * z"; names never assigned are the inputs.

    On the right: sums of names with numbers before them, a product of two names, max(a, b), such a sum squared (** 2),
    or tanh, sigmoid, exp, relu of one. Raises ValueError for anything else.

    >>> [node["name"] for node in read_program("q = x + y; f = q * z")]
    ['x', 'y', 'q', 'z', 'f']
    """
    nodes: dict[str, Node] = {}
    try:
        statements = ast.parse(program.replace(";", "\n").replace("\n ", "\n").strip()).body
    except SyntaxError as error:
        raise ValueError(f'a program is a list such as "q = x + y; f = q * z", got {program!r}') from error
    for statement in statements:
        if (
            not isinstance(statement, ast.Assign)
            or not isinstance(target := statement.targets[0], ast.Name)
            or not re.fullmatch(r"[a-z]\d?", target.id)
        ):
            raise ValueError(f"each step must be a letter, perhaps with a digit, = ..., got {ast.unparse(statement)!r}")
        if target.id in nodes:
            raise ValueError(f"{target.id} cannot change once it is used or made; give the step a name of its own")
        f, terms, plus = _read(statement.value)
        if not terms:
            raise ValueError(f"a step must be made of something, got {ast.unparse(statement)!r}")
        for name, _ in terms:
            nodes.setdefault(name, {"name": name, "f": "", "terms": [], "plus": 0.0})
        nodes[target.id] = {"name": target.id, "f": f, "terms": terms, "plus": plus}
    inputs = [node for node in nodes.values() if not node["f"]]
    if not statements or len(nodes) > NODES or len(inputs) > INPUTS:
        raise ValueError(
            f"a graph must have at most {NODES} nodes and {INPUTS} inputs to fit the page, and at least one step; "
            f"got {len(nodes)} and {len(inputs)}"
        )
    return list(nodes.values())


def _read(e: ast.expr) -> tuple[str, list[list[Any]], float]:
    if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Mult) and not {type(e.left), type(e.right)} - {ast.Name}:
        return "product", [[side.id, 1.0] for side in (e.left, e.right) if isinstance(side, ast.Name)], 0.0
    if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Pow) and _number(e.right) == 2:
        return ("square", *_sum(e.left))
    if isinstance(e, ast.Call) and isinstance(e.func, ast.Name):
        if e.func.id == "max" and len(e.args) == 2 and all(isinstance(a, ast.Name) for a in e.args):
            return "max", [[a.id, 1.0] for a in e.args if isinstance(a, ast.Name)], 0.0
        if e.func.id in FUNCTIONS and len(e.args) == 1:
            return (e.func.id, *_sum(e.args[0]))
    return ("identity", *_sum(e))


def _sum(e: ast.expr) -> tuple[list[list[Any]], float]:
    """The terms and the constant of a sum of names with numbers before them."""
    if (value := _number(e)) is not None:
        return [], value
    if isinstance(e, ast.Name):
        return [[e.id, 1.0]], 0.0
    if isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub):
        return _scaled(_sum(e.operand), -1.0)
    if isinstance(e, ast.BinOp):
        left, right = _number(e.left), _number(e.right)
        if isinstance(e.op, ast.Mult) and (left is not None or right is not None):
            return _scaled(_sum(e.right), left) if left is not None else _scaled(_sum(e.left), right or 0.0)
        if isinstance(e.op, ast.Add | ast.Sub):
            (a, c), (b, d) = _sum(e.left), _scaled(_sum(e.right), 1.0 if isinstance(e.op, ast.Add) else -1.0)
            return [*a, *b], c + d
    raise ValueError(
        f"{ast.unparse(e)!r} is more than one step; a step is a sum of names with numbers before them, a product of "
        f"two names, max(a, b), a square or one of {', '.join(list(FUNCTIONS)[1:-1])}"
    )


def _number(e: ast.expr) -> float | None:
    if isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub) and isinstance(e.operand, ast.Constant):
        return -float(e.operand.value)  # type: ignore[arg-type]
    return float(e.value) if isinstance(e, ast.Constant) and isinstance(e.value, int | float) else None


def _scaled(parts: tuple[list[list[Any]], float], by: float) -> tuple[list[list[Any]], float]:
    return [[name, by * c] for name, c in parts[0]], by * parts[1]


def map_of(n: int, m: int) -> list[Node]:
    """The preset "map" with its first n inputs and its first m outputs.

    >>> [node["name"] for node in map_of(2, 1)]
    ['x1', 'x2', 'h1', 'h2', 'h3', 'y1']
    """
    kept = [
        node
        for node in read_program(PRESETS["map"].program)
        if int(node["name"][1]) <= {"x": n, "h": 3, "y": m}[node["name"][0]]
    ]
    names = {node["name"] for node in kept}
    return [node | {"terms": [term for term in node["terms"] if term[0] in names]} for node in kept]


# --------------------------------------------------------------------------- the mathematics
def evaluate(nodes: Sequence[Node], x: Sequence[float]) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Value of every node (8.1), and the local slopes along its terms."""
    given = iter(x)
    v: dict[str, float] = {}
    slopes: dict[str, list[float]] = {}
    for node in nodes:
        name, terms = node["name"], node["terms"]
        of = [v[term] for term, _ in terms]
        if not node["f"]:
            v[name], slopes[name] = float(next(given)), []
        elif node["f"] == "product":
            v[name], slopes[name] = of[0] * of[1], [of[1], of[0]]
        elif node["f"] == "max":
            v[name], slopes[name] = max(of), [float(of[0] >= of[1]), float(of[1] > of[0])]
        else:
            f, slope = FUNCTIONS[node["f"]]
            s = sum(c * u for (_, c), u in zip(terms, of, strict=True)) + node["plus"]
            v[name] = f(s)
            slopes[name] = [slope(s, v[name]) * c for _, c in terms]
    return v, slopes


def push(nodes: Sequence[Node], slopes: Mapping[str, Sequence[float]], seed: str) -> dict[str, float]:
    """Tangent of every node, the seed's being 1 (8.2)."""
    dot: dict[str, float] = {}
    for node in nodes:
        dot[node["name"]] = float(node["name"] == seed) + sum(
            slope * dot[term] for (term, _), slope in zip(node["terms"], slopes[node["name"]], strict=True)
        )
    return dot


def pull(
    nodes: Sequence[Node], slopes: Mapping[str, Sequence[float]], seed: str, visits: Sequence[str]
) -> dict[str, float]:
    """Adjoint of every node after these have sent theirs, the seed's being 1 (8.4)."""
    terms = {node["name"]: [term for term, _ in node["terms"]] for node in nodes}
    bar = {name: float(name == seed) for name in terms}
    for name in visits:
        for term, slope in zip(terms[name], slopes[name], strict=True):
            bar[term] += slope * bar[name]
    return bar


def visits(nodes: Sequence[Node], seed: str, order: str = "topological") -> list[str]:
    """Which node sends its adjoint back when: every node after all that use it, or as a recursion meets them."""
    made = {node["name"]: [term for term, _ in node["terms"]] for node in nodes if node["f"]}
    if order == "topological":
        return list(made)[::-1]
    met: list[str] = []

    def visit(name: str) -> None:
        if name in made and len(met) < VISITS and not (order == "once" and name in met):
            met.append(name)
            for term in made[name]:
                visit(term)

    visit(seed)
    return met


class GraphPlayer(Explorable):
    """Tangents or adjoints through a graph, node by node, with the operations counted.

    program : "circuit", "diamond", "neuron", "net", "map", or steps of your own: "u = a * b; f = tanh(u)"
    x : values of the inputs in the order in which the program names them, by default 1 for a graph of your own
    size : for "map", the numbers (n, m) of its inputs and outputs, each 1 to 4

    Traits : ``mode`` ("forward", "reverse"), ``seed`` (an input in forward mode, an output in reverse mode; the first,
    where it names none), ``order`` of a reverse sweep ("topological", "recursion", "once"), ``step`` (0 to ``steps``).
    ``tangents``, ``adjoints``, ``values``, ``J`` say what the whole sweep gives, by name.

    >>> player = GraphPlayer("circuit", mode="reverse")
    >>> player.adjoints["x"], player.adjoints["z"]
    (-4.0, 3.0)
    >>> print(player)
    Graph player, (x + y) z, reverse mode from f: step 0 of 5; a sweep takes 4 multiplications, the 1×3 Jacobian 12 in
    forward mode and 4 in reverse mode.
    """

    preset = T.Unicode("circuit").tag(sync=True)
    nodes = T.List().tag(sync=True)
    x = T.List(T.Float()).tag(sync=True)
    mode = T.Enum(["forward", "reverse"], "forward").tag(sync=True)
    seed = T.Unicode("").tag(sync=True)
    order = T.Enum(list(ORDERS), "topological").tag(sync=True)
    step = T.Int(0, min=0).tag(sync=True)
    _presets = T.Dict().tag(sync=True)

    def __init__(
        self,
        program: str = "circuit",
        x: Sequence[float] | None = None,
        size: tuple[int, int] = (3, 2),
        **traits: Any,
    ) -> None:
        preset = PRESETS.get(program)
        if "=" not in program and preset is None:
            raise ValueError(f"program must be one of {', '.join(PRESETS)}, or steps such as 'q = x + y; f = q * z'")
        if not all(isinstance(k, int) and 1 <= k <= 4 for k in size):
            raise ValueError(f"size must be the numbers of inputs and of outputs, 1 to 4 each, got {size}")
        nodes = map_of(*size) if program == "map" else read_program(preset.program if preset else program)
        inputs = [node["name"] for node in nodes if not node["f"]]
        if x is None:
            x = preset.x[: len(inputs)] if preset else [1.0] * len(inputs)
        if len(x) != len(inputs) or not np.isfinite(x).all():
            raise ValueError(f"x must be finite values of {', '.join(inputs)}, got {list(x)}")
        known = {
            name: {"title": p.title, "nodes": map_of(4, 4) if name == "map" else read_program(p.program), "x": p.x}
            for name, p in PRESETS.items()
        }
        super().__init__(
            preset=program if preset else "own",
            nodes=nodes,
            x=[float(v) for v in x],
            _presets=known,
            **traits,
        )

    # ------------------------------------------------------------------ what the sweep gives
    @property
    def inputs(self) -> list[str]:
        """Names of the inputs."""
        return [node["name"] for node in self.nodes if not node["f"]]

    @property
    def outputs(self) -> list[str]:
        """Names of the nodes that no other is made of."""
        used = {term for node in self.nodes for term, _ in node["terms"]}
        return [node["name"] for node in self.nodes if node["name"] not in used]

    @property
    def start(self) -> str:
        """The node that the sweep starts from."""
        names = self.inputs if self.mode == "forward" else self.outputs
        return self.seed if self.seed in names else names[0]

    @property
    def values(self) -> dict[str, float]:
        """Value of every node."""
        return evaluate(self.nodes, self.x)[0]

    @property
    def tangents(self) -> dict[str, float]:
        """Tangent of every node, when the seed (of the first input, in reverse mode) moves by 1."""
        seed = self.start if self.mode == "forward" else self.inputs[0]
        return push(self.nodes, evaluate(self.nodes, self.x)[1], seed)

    @property
    def adjoints(self) -> dict[str, float]:
        """Adjoint of every node for the seed (the first output, in forward mode), in the chosen order."""
        seed = self.start if self.mode == "reverse" else self.outputs[0]
        slopes = evaluate(self.nodes, self.x)[1]
        return pull(self.nodes, slopes, seed, visits(self.nodes, seed, self.order))

    @property
    def J(self) -> np.ndarray:
        """The Jacobian (m, n) of the outputs along the inputs, whatever the order."""
        slopes, inputs = evaluate(self.nodes, self.x)[1], self.inputs
        rows = [pull(self.nodes, slopes, name, visits(self.nodes, name)) for name in self.outputs]
        return np.array([[row[name] for name in inputs] for row in rows])

    @property
    def links(self) -> int:
        """How many links the graph has: a sweep multiplies once for each."""
        return sum(len(node["terms"]) for node in self.nodes)

    @property
    def steps(self) -> int:
        """Number of the last step."""
        made = len(self.nodes) - len(self.inputs)
        return made if self.mode == "forward" else made + 1 + len(visits(self.nodes, self.start, self.order))

    def found(self) -> list[str]:
        """What the sweep finds, as texts: a column of the Jacobian in forward mode, a row of it in reverse mode."""
        if self.mode == "forward":
            return [f"d{name}/d{self.start} = {short(self.tangents[name])}" for name in self.outputs]
        return [f"d{self.start}/d{name} = {short(self.adjoints[name])}" for name in self.inputs]

    def sentence(self) -> str:
        """The graph, the sweep, what it found if it is done, and what it costs."""
        title = PRESETS[self.preset].title if self.preset in PRESETS else "a graph of your own"
        n, m = len(self.inputs), len(self.outputs)
        done = min(self.step, self.steps) == self.steps
        order = ORDERS[self.order] if self.mode == "reverse" else ""
        found = f"; {', '.join(self.found())}{' (wrong)' if done and self._wrong() else ''}" if done else ""
        return (
            f"Graph player, {title}, {self.mode} mode from {self.start}{order}: step {min(self.step, self.steps)} of "
            f"{self.steps}{found}; a sweep takes {self.links} multiplications, the {m}×{n} Jacobian {n * self.links} "
            f"in forward mode and {m * self.links} in reverse mode."
        )

    def _wrong(self) -> bool:
        if self.mode == "forward":
            return False
        row = self.J[self.outputs.index(self.start)]
        return not np.allclose([self.adjoints[name] for name in self.inputs], row, rtol=1e-12, atol=1e-14)

    def picture(self) -> str:
        """The sweep done: every node with its value and its tangent or adjoint, slopes on the links if they are few."""
        columns, v, slopes = layout(self.nodes), *evaluate(self.nodes, self.x)
        forward = self.mode == "forward"
        carried, colour = (self.tangents, TANGENT) if forward else (self.adjoints, ERROR)
        wide, tall, across, down = 138.0, 66.0, 214.0, 84.0
        height = 20 + down * max(map(len, columns))
        at = {
            name: (10 + across * c, 10 + height / 2 - 10 + down * (i - (len(names) - 1) / 2))
            for c, names in enumerate(columns)
            for i, name in enumerate(names)
        }
        parts = []
        for node in self.nodes:
            for k, ((term, _), slope) in enumerate(zip(node["terms"], slopes[node["name"]], strict=True)):
                twice = 9 * (2 * k - 1) if len({t for t, _ in node["terms"]}) < len(node["terms"]) else 0
                (x0, y0), (x1, y1) = at[term], at[node["name"]]
                ends = [(x0 + wide, y0 + twice), (x1, y1 + twice)]
                if x1 - x0 > 1.5 * across:  # under the columns between
                    ends[1:1] = [(x0 + wide + 24, height + 12), (x1 - 24, height + 12)]
                parts.append(line(ends, LINE, 1.5))
                if self.links <= 14:
                    t = 0.35
                    (xa, ya), (xb, yb) = ends[-2:]
                    parts.append(text(xa + t * (xb - xa), ya + t * (yb - ya), short(slope), QUIET, size=12, halo=True))
        for node in self.nodes:
            name, (x, y) = node["name"], at[node["name"]]
            own = name == self.start
            parts.append(box(x, y - tall / 2, wide, tall, colour if own else QUIET))
            parts.append(text(x + 9, y - 20, subscript(name), INK, "start", weight=600))
            parts.append(text(x + wide - 9, y - 20, tag(node), QUIET, "end", 12))
            parts.append(text(x + 9, y, "value", QUIET, "start", 12))
            parts.append(text(x + wide - 9, y, short(v[name]), VALUE, "end", weight=600))
            parts.append(text(x + 9, y + 20, "tangent" if forward else "adjoint", QUIET, "start", 12))
            parts.append(text(x + wide - 9, y + 20, short(carried[name]), colour, "end", weight=600))
        return svg(20 + across * (len(columns) - 1) + wide, height + 22, *parts)


def tag(node: Node) -> str:
    """How a node is made, in a few letters.

    >>> [tag(node) for node in read_program("q = x + y; f = q * z; s = tanh(f)")]
    ['input', 'input', 'x + y', 'input', 'q · z', 'tanh']
    """
    f, names = node["f"], [subscript(term) for term, _ in node["terms"]]
    if f in ("", "product"):
        return " · ".join(names) or "input"
    if f == "identity":
        plain = not node["plus"] and all(c == 1 for _, c in node["terms"]) and len(names) < 3
        return " + ".join(names) if plain else "sum" if len(names) > 1 else f"{short(node['terms'][0][1])} {names[0]}"
    return f


def layout(nodes: Sequence[Node]) -> list[list[str]]:
    """Names by column, from left to right; in each from top to bottom. An input stands just before its first use.

    >>> layout(read_program("q = x + y; f = q * z"))
    [['x', 'y'], ['q', 'z'], ['f']]
    """
    depth: dict[str, int] = {}
    height: dict[str, float] = {}
    inputs = 0
    for node in nodes:
        terms = [term for term, _ in node["terms"]]
        depth[node["name"]] = 1 + max((depth[term] for term in terms), default=-1)
        height[node["name"]] = sum(height[term] for term in terms) / len(terms) if terms else inputs
        inputs += not terms
    for node in nodes:
        if not node["f"]:
            uses = [depth[other["name"]] for other in nodes if any(term == node["name"] for term, _ in other["terms"])]
            depth[node["name"]] = min(uses) - 1
    columns: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in sorted(depth, key=lambda name: height[name]):
        columns[depth[name]].append(name)
    return columns
