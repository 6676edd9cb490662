"""Chapter 05, The chain rule: the exercises, the right values by another route, the mistakes with names."""

from itertools import pairwise, product

import numpy as np

from course_lib.exercises.declaration import Ask, Exercise, KnownMistake
from course_lib.exercises.keyed import in_order, lettered, picks
from course_lib.exercises.predictions import Prediction
from course_lib.exercises.values import Map
from course_lib.jacobians import numerical_jacobian

# -------------------------------------------------------------------------------------------------------- paths-all

LAYERS = (("x1", "x2"), ("h1", "h2", "h3"), ("k1", "k2"), ("y1", "y2"))


def draw_paths(rng):
    """Two links are missing, one from x2 and one into k2: 3 or 4 of the 6 paths are left, 2 of them through k1."""
    links = [(a, b) for left, right in pairwise(LAYERS) for a in left for b in right]
    lost = {("x2", f"h{rng.integers(1, 4)}"), (f"h{rng.integers(1, 4)}", "k2")}
    return {"edges": [list(link) for link in links if link not in lost]}


def routes(edges, starts=("x2",), ends=("y1",)):
    """All routes by brute force: every choice of one node a layer whose links are all there."""
    there = {tuple(edge) for edge in edges}
    choices = product(starts, *LAYERS[1:-1], ends)
    return [" > ".join(nodes) for nodes in choices if all(link in there for link in pairwise(nodes))]


def ask_paths(edges):
    nodes = {
        name: (column / (len(LAYERS) - 1), (row + 0.5) / len(layer))
        for column, layer in enumerate(LAYERS)
        for row, name in enumerate(layer)
    }
    return Ask(
        text="Choose every path from x₂ to y₁. Each one is a way in which a change of x₂ reaches y₁, and one term of "
        "∂y₁/∂x₂.",
        nodes=nodes,
        edges=tuple((a, b, "") for a, b in edges),
        pick="paths",
        start="x2",
        end="y1",
    )


PATHS = Exercise(
    id="paths-all",
    title="All paths from x₂ to y₁",
    kind="path",
    answer="paths_found",
    draw=draw_paths,
    right=routes,
    ask=ask_paths,
    points=2,
    mistakes=(
        KnownMistake(
            "one-path",
            "that is one of the paths; a change of x₂ travels along all of them at once",
            "Which other h can x₂ reach?",
            lambda edges: routes(edges)[:1],
        ),
        KnownMistake(
            "all-starts",
            "some of these paths start at x₁; ∂y₁/∂x₂ holds x₁ still",
            "Which input is nudged?",
            lambda edges: routes(edges, starts=("x1", "x2")),
        ),
        KnownMistake(
            "all-ends",
            "some of these paths end at y₂; the entry asks for y₁ alone",
            "Which output is watched?",
            lambda edges: routes(edges, ends=("y1", "y2")),
        ),
        KnownMistake(
            "one-k-only",
            "all your paths pass through k₁; k₂ leads to y₁, too",
            "Walk backwards: from y₁, which k can you come from?",
            lambda edges: [route for route in routes(edges) if "k1" in route],
        ),
    ),
    hints=(
        "Which nodes can you reach from x₂ in one step?",
        "Take these nodes one after another and follow every link that leaves them, to y₁.",
        "Write 1 for a link and 0 for none: the product of the link tables counts the paths, at row y₁, column x₂.",
    ),
)

# ----------------------------------------------------------------------------------------------------- chain-scalar


def draw_chain(rng):
    a, c, x = (int(v) for v in rng.choice(np.arange(3, 10), 3, replace=False))
    return {"x": x, "a": a, "b": -int(rng.integers(2, 7)), "c": c}


def right_chain(x, a, b, c):
    """Each factor by a complex step of its own, the last entry by one complex step through the whole chain."""
    h = 1e-30
    u = a * x + b
    v = u**2

    def slope(f, at):
        return f(at + 1j * h).imag / h

    return np.array(
        [
            slope(lambda t: a * t + b, x),
            slope(lambda t: t**2, u),
            slope(lambda t: 1 - c * t, v),
            slope(lambda t: 1 - c * (a * t + b) ** 2, x),
        ]
    )


def ask_chain(x, a, b, c):
    return Ask(
        text=f"A chain of three steps: u = {a}x − {-b}, v = u², y = 1 − {c}v. Fill in the slopes at x = {x}.",
        shape=(4,),
        rows=("du/dx", "dv/du", "dy/dv", "dy/dx"),
    )


def chain_mistake(dv_du=None, total=np.prod):
    """The slopes with dv/du or the last line done in another way."""

    def wrong(x, a, b, c):
        u = a * x + b
        slopes = [a, 2 * u if dv_du is None else dv_du(x, u), -c]
        return np.array([*slopes, total(slopes)], float)

    return wrong


SCALAR = Exercise(
    id="chain-scalar",
    title="A chain of three slopes",
    kind="num",
    answer="slopes",
    draw=draw_chain,
    right=right_chain,
    ask=ask_chain,
    atol=1e-6,
    points=2,
    mistakes=(
        KnownMistake(
            "slope-at-x",
            "the slope of u² was taken at x; the square receives u",
            "Which number goes into the square: x or u?",
            chain_mistake(dv_du=lambda x, u: 2 * x),
        ),
        KnownMistake(
            "added",
            "the three slopes are right, but they were added; along a chain they multiply",
            "A change of 0.01 in x becomes how much in u, and that becomes how much in v?",
            chain_mistake(total=sum),
            row=29,
        ),
        KnownMistake(
            "inner-slope-missing",
            "the last line leaves out du/dx",
            "Count the steps from x to y, and the factors in your product.",
            chain_mistake(total=lambda slopes: slopes[1] * slopes[2]),
        ),
        KnownMistake(
            "inner-slope-twice",
            "dv/du holds du/dx as well, and so dy/dx has it twice; v = u² is a function of u alone",
            "Forget x for a moment: how fast does u² grow with u?",
            lambda x, a, b, c: (lambda u: np.array([a, 2 * u * a, -c, -2 * u * a * a * c], float))(a * x + b),
        ),
        KnownMistake(
            "inner-slope-early",
            "dy/dx is right, but dv/du holds du/dx as well; v = u² is a function of u alone",
            "Forget x for a moment: how fast does u² grow with u?",
            lambda x, a, b, c: (lambda u: np.array([a, 2 * u * a, -c, -2 * u * a * c], float))(a * x + b),
        ),
        KnownMistake(
            "constant-kept",
            "the 1 in y = 1 − c v does not change, so its slope is 0: dy/dv is −c",
            "Nudge v by 0.01. By how much does 1 change, and by how much c v?",
            lambda x, a, b, c: (lambda s: np.array([*s, np.prod(s)], float))([a, 2 * (a * x + b), 1 - c]),
        ),
        KnownMistake(
            "sign-lost-on-the-way",
            "the three slopes are right, but the product lost the minus sign",
            "Two slopes are positive and one is negative. Which sign has the product?",
            chain_mistake(total=lambda slopes: abs(np.prod(slopes))),
        ),
        KnownMistake(
            "sign-lost",
            "the sizes are right, the sign of dy/dv is not: y falls when v grows",
            "y = 1 − c v. Which way does y go when v goes up?",
            lambda x, a, b, c: np.abs(right_chain(x, a, b, c)),
        ),
        KnownMistake(
            "value-not-slope",
            "dv/du is the value u² where the slope 2u is asked",
            "Nudge u by 0.01: by how much does u² change?",
            chain_mistake(dv_du=lambda x, u: u**2),
        ),
    ),
    hints=(
        "Which variable does each of the three steps receive?",
        "Work out u first. Then take the slope of each step at the number that it receives.",
        "dy/dx = dy/dv · dv/du · du/dx, with dv/du = 2u",
    ),
)

# ---------------------------------------------------------------------------------------------------- factors-order


def draw_factors(rng):
    sizes = [int(n) for n in rng.choice(np.arange(2, 10), 5, replace=False)]
    return {"sizes": sizes, "keys": lettered(rng, [4, 3, 2, 1], solved=False)}


def dominoes(sizes, keys):
    """The right order from the shapes alone: the columns of each factor are the rows of the next."""
    shape = {key: (sizes[f], sizes[f - 1]) for key, f in keys.items()}
    row = next(key for key, (rows, _) in shape.items() if rows not in [columns for _, columns in shape.values()])
    chain = [row]
    while len(chain) < len(shape):
        chain.append(next(key for key, (rows, _) in shape.items() if rows == shape[chain[-1]][1]))
    return " ".join(chain)


def ask_factors(sizes, keys):
    return Ask(
        text="y = f₄(f₃(f₂(f₁(x)))). Put the four Jacobians in the order in which they stand in the product, "
        "leftmost first.",
        options={key: f"J<sub>f{f}</sub>: {sizes[f]}×{sizes[f - 1]}" for key, f in keys.items()},
    )


FACTORS = Exercise(
    id="factors-order",
    title="The order of the factors",
    kind="order",
    answer="factors",
    draw=draw_factors,
    right=dominoes,
    ask=ask_factors,
    points=1,
    mistakes=(
        KnownMistake(
            "travel-order",
            "this is the order in which x travels; a product acts from the right, so the first map stands last",
            "Which matrix must touch a change of x first?",
            in_order(1, 2, 3, 4),
            row=29,
        ),
        KnownMistake(
            "middle-swapped",
            "the outer two are in place, the inner two have changed places",
            "Lay the shapes down like dominoes: the columns of one factor are the rows of the next.",
            in_order(4, 2, 3, 1),
            row=29,
        ),
        KnownMistake(
            "last-map-last",
            "the Jacobian of the last map belongs on the far left: its rows are the rows of the whole product",
            "Which factor has a row for every entry of y?",
            in_order(3, 2, 1, 4),
            row=29,
        ),
    ),
    hints=(
        "The product acts on a change of x. Which factor must act first?",
        "Lay the shapes down like dominoes: (m×k)(k×n).",
        "J = J₄ J₃ J₂ J₁: the outermost map stands leftmost.",
    ),
)

# ------------------------------------------------------------------------------------------------ compose-jacobians


def draw_compose(rng):
    def weights(m, n):
        return rng.uniform(0.4, 1.2, (m, n)) * rng.choice([-1, 1], (m, n))

    inner = {"W": weights(3, 3), "b": rng.uniform(-0.5, 0.5, 3)}
    outer = {"W": weights(2, 3), "b": rng.uniform(-0.5, 0.5, 2)}
    return {
        "f": Map("tanh affine", **inner),
        "J_f": Map("tanh affine jacobian", **inner),
        "g": Map("tanh affine", **outer),
        "J_g": Map("tanh affine jacobian", **outer),
        "x": rng.uniform(-0.8, 0.8, 3),
    }


def right_compose(f, J_f, g, J_g, x):
    return numerical_jacobian(lambda v: g(f(v)), x, method="complex")


COMPOSE = Exercise(
    id="compose-jacobians",
    title="Compose two Jacobians",
    kind="code",
    answer="composed_jacobian",
    draw=draw_compose,
    right=right_compose,
    points=3,
    mistakes=(
        KnownMistake(
            "outer-at-x",
            "the Jacobian of g was taken at x; g receives f(x)",
            "Which vector goes into g? Its slopes are those at that vector.",
            lambda f, J_f, g, J_g, x: J_g(x) @ J_f(x),
        ),
        KnownMistake(
            "inner-transposed",
            "the inner Jacobian is transposed; being square, it did not complain",
            "Row = output, column = input. Which index do J_g and J_f share?",
            lambda f, J_f, g, J_g, x: J_g(f(x)) @ J_f(x).T,
            row=28,
        ),
        KnownMistake(
            "transposed",
            "this is the transpose of the Jacobian",
            "g(f(x)) has two entries and x has three. What shape has its Jacobian?",
            lambda f, J_f, g, J_g, x: right_compose(f, J_f, g, J_g, x).T,
            row=28,
        ),
        KnownMistake(
            "outer-only",
            "this is the Jacobian of g alone; that of f is missing",
            "If f stood still, would g(f(x)) move?",
            lambda f, J_f, g, J_g, x: J_g(f(x)),
        ),
        KnownMistake(
            "inner-at-output",
            "the Jacobian of f was taken at f(x); f receives x",
            "Each Jacobian is taken at the vector that its own map receives.",
            lambda f, J_f, g, J_g, x: J_g(f(x)) @ J_f(f(x)),
        ),
    ),
    hints=(
        "Which vector does f receive, and which one does g receive?",
        "You need one matrix from each map, each at the point where its own map stands. Which of the two acts first?",
        "J(x) = J_g(f(x)) J_f(x)",
    ),
)

# ------------------------------------------------------------------------------------------------------- bracketing

BACKWARD, FORWARD = "((J4 J3) J2) J1", "J4 (J3 (J2 J1))"
BRACKETS = {
    BACKWARD: (((4, 3), 2), 1),
    FORWARD: (4, (3, (2, 1))),
    "(J4 J3) (J2 J1)": ((4, 3), (2, 1)),
    "(J4 (J3 J2)) J1": ((4, (3, 2)), 1),
    "J4 ((J3 J2) J1)": (4, ((3, 2), 1)),
}


def draw_bracketing(rng):
    sizes = [int(n) for n in rng.choice(np.arange(3, 12), 4, replace=False)] + [1]
    return {"sizes": sizes, "keys": lettered(rng, list(BRACKETS))}


def cost(bracket, sizes):
    """Rows, columns and multiplications of a bracketing, by walking its tree."""
    if isinstance(bracket, int):
        return sizes[bracket], sizes[bracket - 1], 0
    (rows, inner, left), (_, columns, right) = (cost(part, sizes) for part in bracket)
    return rows, columns, left + right + rows * inner * columns


def cheapest(sizes, keys):
    return min(keys, key=lambda key: cost(BRACKETS[keys[key]], sizes)[2])


def ask_bracketing(sizes, keys):
    shapes = ", ".join(f"J{f} is {sizes[f]}×{sizes[f - 1]}" for f in (4, 3, 2, 1))
    return Ask(
        text=f"The last map is a loss, one number: {shapes}. Which bracketing of J4 J3 J2 J1 needs the fewest "
        "multiplications? "
        "(An m×k matrix times a k×n matrix takes m·k·n.)",
        options=dict(keys),
    )


BRACKETING = Exercise(
    id="bracketing",
    title="The cheapest bracketing",
    kind="choice",
    answer="bracketing",
    draw=draw_bracketing,
    right=cheapest,
    ask=ask_bracketing,
    points=1,
    mistakes=(
        KnownMistake(
            "from-the-input",
            "from the input side every product is a full matrix times a full matrix",
            "J4 has a single row. What shape does J4 J3 have, and what shape has J2 J1?",
            picks(FORWARD),
        ),
        KnownMistake(
            "halves",
            "J2 J1 is a product of two full matrices; the single row of J4 could have spared you that",
            "Is there a bracketing in which every product has a single row on its left?",
            picks("(J4 J3) (J2 J1)"),
        ),
        KnownMistake(
            "middle-first",
            "J3 J2 is a product of two full matrices, and it comes first here",
            "Which factor has a single row? Start there.",
            picks("(J4 (J3 J2)) J1"),
        ),
        KnownMistake(
            "middle-then-input",
            "J3 J2 and then J1: two products of full matrices before the single row comes in",
            "Which factor has a single row? Start there.",
            picks("J4 ((J3 J2) J1)"),
        ),
    ),
    hints=(
        "How many rows does the Jacobian of a loss have?",
        "A row times a matrix is a row again. Where must you begin, so that you never multiply two full matrices?",
        "((J4 J3) J2) J1: from the loss backwards, m·k·n with m = 1 at every step.",
    ),
)

EXERCISES = (PATHS, SCALAR, FACTORS, COMPOSE, BRACKETING)

# ---------------------------------------------------------------------------------------------------- predictions

PREDICTIONS = (
    Prediction(
        "chain-24",
        options=("11", "12", "24"),
        right="24",
        because="8 · 3: the slopes multiply, and the outer one is taken at u = 4, which is what the outer "
        "step receives. With x in its place it would be 12.",
    ),
    Prediction(
        "two-ways",
        options=("4 or 3, depending on the way", "7", "12"),
        right="7",
        because="Along a way the slopes multiply, 4 · 1 and 3 · 1; what arrives on both ways adds up.",
    ),
    Prediction(
        "which-product",
        options=("J<sub>g</sub> J<sub>f</sub>", "J<sub>f</sub> J<sub>g</sub>", "either: they are equal"),
        right="J<sub>g</sub> J<sub>f</sub>",
        because="The sum runs over the columns of J<sub>g</sub> and the rows of J<sub>f</sub>. The other "
        "product has another shape, 3 × 3.",
    ),
    Prediction(
        "paths-x1-y2",
        options=("one path, 4", "two paths, 5", "three paths, 8"),
        right="one path, 4",
        because="h<sub>2</sub> does not lead to y<sub>2</sub>, and x<sub>1</sub> does not lead to "
        "h<sub>3</sub>. Set the ends in the explorer, and see.",
    ),
    Prediction(
        "brackets",
        options=("no", "yes, one way takes twice as much", "yes, one way takes fifty times as much"),
        right="yes, one way takes fifty times as much",
        because="From the left, a single row is multiplied by each matrix; from the right, two full matrices "
        "come first.",
    ),
)
