"""Chapter 04, Jacobians: the exercises, the right values by another route, the mistakes with names."""

import numpy as np

from course_lib.exercises.declaration import Ask, Exercise, KnownMistake
from course_lib.exercises.keyed import lettered, picks
from course_lib.exercises.predictions import Prediction
from course_lib.exercises.values import Map
from course_lib.jacobians import numerical_jacobian


def distinct(rng, low, high, count):
    """``count`` different whole numbers in low..high, either sign, never zero."""
    return rng.choice(np.arange(low, high + 1), size=count, replace=False) * rng.choice([-1, 1], size=count)


def signed(number):
    """A whole number with a proper minus sign."""
    return f"{number}".replace("-", "−")


# ---------------------------------------------------------------------------------------------------- jacobian-fill


def draw_fill(rng):
    p, q, a, b = (int(v) for v in distinct(rng, 3, 9, 4))  # not 2: its square is its double
    return {"x": np.array([p, q]), "a": a, "b": b}


def fill_map(x, a, b):
    return np.array([x[0] * x[1], a * x[0] + b * x[1], x[0] ** 2])


def right_fill(x, a, b):
    return numerical_jacobian(lambda v: fill_map(v, a, b), x.astype(float), method="complex")


def ask_fill(x, a, b):
    return Ask(
        text=f"The map takes x = (x₁, x₂) to y₁ = x₁x₂, y₂ = {signed(a)}x₁ {'+' if b > 0 else '−'} {abs(b)}x₂, y₃ = "
        "x₁². "
        f"Fill in its Jacobian at x₁ = {signed(x[0])}, x₂ = {signed(x[1])}.",
        shape=(3, 2),
        rows=("y₁", "y₂", "y₃"),
        columns=("x₁", "x₂"),
    )


def with_entry(J, i, j, value):
    J = J.copy()
    J[i, j] = value
    return J


FILL = Exercise(
    id="jacobian-fill",
    title="Fill the Jacobian",
    kind="num",
    answer="J_fill",
    draw=draw_fill,
    right=right_fill,
    ask=ask_fill,
    atol=1e-6,
    points=2,
    mistakes=(
        KnownMistake(
            "transposed",
            "this is the transpose of the Jacobian: outputs belong in the rows, inputs in the columns",
            "There are three outputs and two inputs. How many rows does J have?",
            lambda x, a, b: right_fill(x, a, b).T,
            row=28,
        ),
        KnownMistake(
            "own-variable",
            "in the row of y₁ the two entries have changed places: ∂(x₁x₂)/∂x₁ is x₂, not x₁",
            "Hold x₂ still and nudge x₁ by a little: by how much of it does x₁x₂ grow?",
            lambda x, a, b: np.vstack([right_fill(x, a, b)[:1, ::-1], right_fill(x, a, b)[1:]]),
        ),
        KnownMistake(
            "factor-two",
            "the derivative of x₁² lacks its factor 2",
            "Nudge x₁ from 3 to 3.01: does the square grow by 0.03 or by 0.06?",
            lambda x, a, b: with_entry(right_fill(x, a, b), 2, 0, x[0]),
        ),
        KnownMistake(
            "constant-two",
            "the derivative of x₁² is 2x₁, not 2",
            "Nudge x₁ from 3 to 3.01, then from 5 to 5.01: does the square grow by the same?",
            lambda x, a, b: with_entry(right_fill(x, a, b), 2, 0, 2),
        ),
        KnownMistake(
            "terms-not-slopes",
            "the row of y₂ holds its two terms; its slopes are their factors, wherever x is",
            "Nudge x₁ by 0.01. By how much does y₂ grow, and does that depend on how large x₁ is?",
            lambda x, a, b: np.vstack([right_fill(x, a, b)[:1], [[a * x[0], b * x[1]]], right_fill(x, a, b)[2:]]),
        ),
        KnownMistake(
            "zero-not-left-blank",
            "y₃ does not depend on x₂, so its entry in that column is 0",
            "Which links enter y₃? Where there is no link, the Jacobian has a zero.",
            lambda x, a, b: with_entry(right_fill(x, a, b), 2, 1, 2 * x[1]),
        ),
        KnownMistake(
            "values-not-slopes",
            "these are the terms of y themselves, not their slopes",
            "J[1, 0] asks how fast y₂ changes with x₁. Does that depend on how large x₁ is?",
            lambda x, a, b: np.array([[x[0] * x[1]] * 2, [a * x[0], b * x[1]], [x[0] ** 2, 0]], float),
        ),
    ),
    hints=(
        "Which output belongs to row 1, and which input to column 2?",
        "Take one row at a time. Hold the other input still and differentiate as with one variable.",
        "Row i is (∂yᵢ/∂x₁, ∂yᵢ/∂x₂). The first row is (x₂, x₁).",
    ),
)

# ------------------------------------------------------------------------------------------------ jacobian-patterns

PATTERNS = ("softmax", "elementwise", "affine", "sum", "fork")


def draw_patterns(rng):
    s = rng.dirichlet([2.0, 2.0, 2.0])
    affine = rng.permutation([2, -1, 3, 1, -2, 4, -3, 5, -4]).reshape(3, 3)
    return {
        "s": s,
        "slopes": rng.uniform(0.1, 0.9, 3),
        "affine": affine,
        "keys": lettered(rng, PATTERNS),
    }


def ask_patterns(s, slopes, affine, keys):
    matrices = {
        "softmax": np.diag(s) - np.outer(s, s),
        "elementwise": np.diag(slopes),
        "affine": affine.astype(float),
        "sum": np.ones((1, 3)),
        "fork": np.vstack([np.eye(3), np.eye(3)]),
    }
    return Ask(
        text="Five maps of three inputs, five Jacobians. Which one belongs to the softmax?",
        options={key: "×".join(map(str, matrices[name].shape)) for key, name in keys.items()},
        patterns={key: matrices[name].round(2) for key, name in keys.items()},
    )


PATTERN = Exercise(
    id="jacobian-patterns",
    title="Which pattern is which map",
    kind="choice",
    answer="pattern",
    draw=draw_patterns,
    right=picks("softmax"),
    ask=ask_patterns,
    mistakes=(
        KnownMistake(
            "elementwise",
            "a diagonal says that each output feels its own input alone; in a softmax every output feels every input",
            "The outputs of a softmax add up to 1. If one grows, what must the others do?",
            picks("elementwise"),
            row=30,
        ),
        KnownMistake(
            "affine",
            "this matrix is full, but its columns do not add up to 0; those of a softmax must",
            "The outputs of a softmax always add up to 1. What does that say about the changes in one column?",
            picks("affine"),
        ),
        KnownMistake(
            "sum",
            "one row means one output; a softmax has as many outputs as inputs",
            "Count the outputs: each has a row of its own.",
            picks("sum"),
        ),
        KnownMistake(
            "fork",
            "two identities on top of each other copy the inputs; that is a fork",
            "Count the rows. How many outputs has a softmax of three inputs?",
            picks("fork"),
        ),
    ),
    hints=(
        "How many outputs does a softmax of three inputs have, and which inputs does each one feel?",
        "The outputs add up to 1 whatever the inputs are. So what do the entries of one column add up to?",
        "J = diag(s) − s sᵀ: positive on the diagonal, negative elsewhere, each column adds up to 0.",
    ),
)

# ----------------------------------------------------------------------------------------------- numerical-jacobian


def draw_numerical(rng):
    W = rng.uniform(1.0, 2.0, (2, 3)) * rng.choice([-1, 1], (2, 3))
    return {"f": Map("tanh affine", W=W, b=rng.uniform(0.2, 0.6, 2)), "x": rng.uniform(-0.3, 0.3, 3)}


def right_numerical(f, x):
    return numerical_jacobian(f, x, method="complex")


def central(f, x, h=1e-5, divisor=2.0):
    steps = h * np.eye(len(x))
    return np.column_stack([(f(x + d) - f(x - d)) / (divisor * h) for d in steps])


def one_sided(f, x, h=1e-5):
    return np.column_stack([(f(x + d) - f(x)) / h for d in h * np.eye(len(x))])


def not_restored(f, x, h=1e-5):
    x, columns = x.copy(), []
    for j in range(len(x)):
        x[j] += h
        up = f(x)
        x[j] -= 2 * h
        columns.append((up - f(x)) / (2 * h))
    return np.column_stack(columns)


def all_inputs_at_once(f, x, h=1e-5):
    slope = (f(x + h) - f(x - h)) / (2 * h)
    return np.column_stack([slope] * len(x))


NUMERICAL = Exercise(
    id="numerical-jacobian",
    title="A Jacobian by nudging",
    kind="code",
    answer="numerical_jacobian",
    draw=draw_numerical,
    right=right_numerical,
    rtol=3e-9,
    formula=False,
    points=3,
    mistakes=(
        KnownMistake(
            "times-h",
            "the difference is divided by 2 and then multiplied by h: / 2 * h is not / (2 * h)",
            "In which order does Python work through a / 2 * h?",
            lambda f, x: central(f, x) * 1e-10,
            row=27,
        ),
        KnownMistake(
            "transposed",
            "each nudged input gives one column, but here it has become a row",
            "f gives two numbers and x has three. What shape must J have? Try np.column_stack.",
            lambda f, x: right_numerical(f, x).T,
            row=28,
        ),
        KnownMistake(
            "half",
            "about half of each slope: f is called at x + h and at x, and the difference is divided by 2h",
            "How far apart are the two points at which you call f?",
            lambda f, x: 0.5 * one_sided(f, x),
            row=24,
        ),
        KnownMistake(
            "twice-too-large",
            "every entry is twice too large: from x − h to x + h is a distance of 2h",
            "How far apart are the two points at which you call f?",
            lambda f, x: central(f, x, divisor=1.0),
            row=24,
        ),
        KnownMistake(
            "one-sided",
            "these are one-sided differences: about 1e-5 off, where central ones are off by 1e-10",
            "Step to both sides, x + h and x − h. The even terms of the error cancel.",
            one_sided,
            row=38,
        ),
        KnownMistake(
            "not-restored",
            "the first column is right, the next ones a little off: x[j] is not put back before the next nudge",
            "Print x after the loop. Is it the x that came in?",
            not_restored,
        ),
        KnownMistake(
            "all-at-once",
            "all columns are the same: all inputs are nudged together",
            "x + h adds h to every entry. How do you add it to entry j alone?",
            all_inputs_at_once,
        ),
    ),
    hints=(
        "Which inputs do you nudge to find column j, and by how much?",
        "Build a vector that is h at position j and 0 elsewhere; call f on both sides of x.",
        "J[:, j] = (f(x + h eⱼ) − f(x − h eⱼ)) / (2h)",
    ),
)

# -------------------------------------------------------------------------------------------------- jacobian-layout

LAYOUTS = ("inner first", "outer first", "elementwise", "sum")


def draw_layout(rng):
    n, k, m = (int(v) for v in rng.choice(np.arange(2, 8), 3, replace=False))
    return {"n": n, "k": k, "m": m, "keys": lettered(rng, LAYOUTS)}


def ask_layout(n, k, m, keys):
    texts = {
        "inner first": f"J′<sub>f</sub> J′<sub>g</sub>: ({n}×{k}) times ({k}×{m})",
        "outer first": f"J′<sub>g</sub> J′<sub>f</sub>: ({k}×{m}) times ({n}×{k})",
        "elementwise": "J′<sub>g</sub> and J′<sub>f</sub> multiplied entry by entry",
        "sum": "J′<sub>f</sub> + J′<sub>g</sub>",
    }
    return Ask(
        text=f"Another book writes its Jacobians the other way round: one row per <em>input</em>, J′[j, i] = ∂yᵢ/∂xⱼ. "
        f"Take f from {n} to {k} numbers and g from {k} to {m} numbers. What is the Jacobian of g(f(x)) in that book?",
        options={key: texts[name] for key, name in keys.items()},
    )


LAYOUT = Exercise(
    id="jacobian-layout",
    title="The other layout",
    kind="choice",
    answer="layout",
    draw=draw_layout,
    right=picks("inner first"),
    ask=ask_layout,
    mistakes=(
        KnownMistake(
            "our-order",
            "that is the order of our layout; with rows for inputs the shapes do not fit together",
            "Write the two shapes side by side. The inner numbers must agree.",
            picks("outer first"),
            row=28,
        ),
        KnownMistake(
            "elementwise",
            "entry by entry would need two matrices of one shape, and mixes derivatives that do not belong together",
            "Every input reaches every output through all the numbers in between: what adds those ways up?",
            picks("elementwise"),
            row=26,
        ),
        KnownMistake(
            "sum",
            "slopes along a chain multiply; they do not add",
            "If f doubles every change and g triples it, what does g(f(x)) do to a change?",
            picks("sum"),
            row=29,
        ),
    ),
    hints=(
        "What shapes do J′ of f and J′ of g have in that book?",
        "Their matrices are the transposes of ours. What is the transpose of a product?",
        "(J_g J_f)ᵀ = J_fᵀ J_gᵀ",
    ),
)

# ------------------------------------------------------------------------------------------------- softmax-jacobian


def draw_softmax(rng):
    return {"x": rng.normal(0.0, 1.0, 4) + rng.uniform(800.0, 1000.0)}


def stable_softmax(x):
    e = np.exp(x - np.max(x.real))
    return e / e.sum()


def right_softmax(x):
    J = numerical_jacobian(stable_softmax, x, method="complex")
    v = np.linalg.svd(J)[2][-1]
    return J, v * np.sign(v.sum())


def softmax_mistake(J_of_s=None, v_of_s=None):
    """The right pair with one half replaced by a function of s = softmax(x)."""

    def wrong(x):
        (J, v), s = right_softmax(x), stable_softmax(x)
        return J_of_s(s) if J_of_s else J, v_of_s(s) if v_of_s else v

    return wrong


def overflowing(x):
    with np.errstate(all="ignore"):
        s = np.exp(x) / np.exp(x).sum()
        return np.diag(s) - np.outer(s, s), right_softmax(x)[1]


SOFTMAX = Exercise(
    id="softmax-jacobian",
    title="The Jacobian of the softmax, and what it cannot see",
    kind="code",
    answer="softmax_jacobian",
    draw=draw_softmax,
    right=right_softmax,
    parts=("J", "v"),
    points=3,
    mistakes=(
        KnownMistake(
            "elementwise",
            "this treats the softmax as element-wise: the entries off the diagonal are missing",
            "Raise x₁ alone: do the other outputs stay where they are?",
            softmax_mistake(J_of_s=lambda s: np.diag(s * (1 - s))),
            row=30,
        ),
        KnownMistake(
            "plus",
            "the entries off the diagonal have the wrong sign: when one share grows, the others shrink",
            "Add up one column of your J. The outputs always add up to 1, so what must the changes add up to?",
            softmax_mistake(J_of_s=lambda s: np.diag(s) + np.outer(s, s)),
        ),
        KnownMistake(
            "overflow",
            "exp overflows for inputs near 1000 and the result is nan",
            (
                "The null direction says it: adding one number to all inputs changes nothing. Which one is it good "
                "to subtract?"
            ),
            overflowing,
            row=31,
        ),
        KnownMistake(
            "not-unit",
            "v points the right way, but its length is not 1",
            "Divide v by its length.",
            softmax_mistake(v_of_s=lambda s: np.ones(len(s))),
        ),
        KnownMistake(
            "v-is-s",
            "v is the softmax itself; J @ v is not zero",
            "Print J @ v. Which change of the inputs leaves every share as it is?",
            softmax_mistake(v_of_s=lambda s: s / np.linalg.norm(s)),
        ),
        KnownMistake(
            "scalar-product",
            "s sᵀ came out as one number: for a vector of shape (n,), s @ s.T is the scalar product",
            "Print the shape of what you subtract. Which function makes a table of all products sᵢ sⱼ? Try np.outer.",
            softmax_mistake(J_of_s=lambda s: np.diag(s) - s @ s),
            row=26,
        ),
        KnownMistake(
            "entry-by-entry",
            "s sᵀ came out as one row: for a vector of shape (n,), s * s.T is the product entry by entry",
            "Print the shape of what you subtract. Which function makes a table of all products sᵢ sⱼ? Try np.outer.",
            softmax_mistake(J_of_s=lambda s: np.diag(s) - s * s),
            row=26,
        ),
        KnownMistake(
            "negative",
            "v points the other way: its entries should be positive",
            "If J @ v is zero, what is J @ (-v)?",
            softmax_mistake(v_of_s=lambda s: -np.ones(len(s)) / np.sqrt(len(s))),
        ),
        KnownMistake(
            "adds-up-to-one",
            "the entries of v add up to 1; its length is another number",
            "The length of v is the root of the sum of its squares. What is it for (¼, ¼, ¼, ¼)?",
            softmax_mistake(v_of_s=lambda s: np.ones(len(s)) / len(s)),
        ),
        KnownMistake(
            "outer-only",
            "the diagonal part diag(s) is missing",
            "Differentiate sᵢ = exp(xᵢ)/Σ by xᵢ itself: the numerator changes, too.",
            softmax_mistake(J_of_s=lambda s: -np.outer(s, s)),
        ),
    ),
    hints=(
        "Which outputs change when only one input is raised, and in which direction?",
        "Use the quotient rule on exp(xᵢ)/Σₖ exp(xₖ), once for i = j and once for i ≠ j.",
        "J = diag(s) − s sᵀ, and J v = 0 for v = (1, …, 1)/√n. Subtract max(x) before exp.",
    ),
)

# ---------------------------------------------------------------------------------------------------- bias-and-fork


def draw_fork(rng):
    b1, b2, c1, c2 = (int(v) for v in distinct(rng, 2, 9, 4))
    return {"b": np.array([b1, b2]), "c": np.array([c1, c2]), "x": distinct(rng, 2, 9, 2)}


def right_fork(b, c, x):
    return numerical_jacobian(lambda v: np.concatenate([v + b, c * v]), x.astype(float), method="complex")


def ask_fork(b, c, x):
    return Ask(
        text="The vector x is copied. One copy gets a bias: u = x + b. The other is scaled entry by entry: w = c ⊙ x. "
        "The output is y = (u₁, u₂, w₁, w₂). Fill in its Jacobian.",
        given={"x": x, "b": b, "c": c},
        shape=(4, 2),
        rows=("u₁", "u₂", "w₁", "w₂"),
        columns=("x₁", "x₂"),
    )


FORK = Exercise(
    id="bias-and-fork",
    title="A bias and a fork",
    kind="num",
    answer="J_fork",
    draw=draw_fork,
    right=right_fork,
    ask=ask_fork,
    atol=1e-6,
    points=2,
    mistakes=(
        KnownMistake(
            "bias-in-jacobian",
            "the upper block holds the bias itself; adding a constant does not change any slope",
            "Nudge x₁ by 0.01. By how much does x₁ + b₁ change, for any b₁?",
            lambda b, c, x: np.vstack([np.diag(b), np.diag(c)]).astype(float),
            row=23,
        ),
        KnownMistake(
            "constant-kills",
            "the upper block is 0, as if x + b did not depend on x",
            "The bias is constant, x is not. Nudge x₁: does u₁ stay?",
            lambda b, c, x: np.vstack([np.zeros((2, 2)), np.diag(c)]),
            row=23,
        ),
        KnownMistake(
            "transposed",
            "this is the transpose: four outputs need four rows",
            "Outputs in the rows, inputs in the columns. How many of each?",
            lambda b, c, x: right_fork(b, c, x).T,
            row=28,
        ),
        KnownMistake(
            "full-rows",
            "every input reaches every output here, but u₁ and w₁ are made from x₁ alone",
            "Draw the links: from x₂, which outputs can you reach?",
            lambda b, c, x: np.vstack([np.ones((2, 2)), np.column_stack([c, c])]).astype(float),
            row=26,
        ),
        KnownMistake(
            "values-not-slopes",
            "the lower block holds c ⊙ x, the output; the slope of c₁x₁ is c₁",
            "How fast does c₁x₁ grow with x₁?",
            lambda b, c, x: np.vstack([np.eye(2), np.diag(c * x)]),
        ),
    ),
    hints=(
        "How many rows does the matrix have, and which of them belong to the first copy?",
        "Nudge x₁ by a little and write down by how much each of the four outputs moves.",
        "A fork stacks the Jacobians of its branches: I on top of diag(c).",
    ),
)

EXERCISES = (FILL, PATTERN, NUMERICAL, LAYOUT, SOFTMAX, FORK)

# ---------------------------------------------------------------------------------------------------- predictions

PREDICTIONS = (
    Prediction(
        "nudge-first",
        options=("by 0.03, 0.01 and 0", "by 0.02, 0.01 and 0", "by 0.03, 0.01 and 0.06"),
        right="by 0.03, 0.01 and 0",
        because="x<sub>1</sub> stands in the product with x<sub>2</sub> = 3, alone in the second output, and "
        "not in the third.",
    ),
    Prediction(
        "affine-slopes",
        options=("W", "the transpose of W", "W with b as one more column"),
        right="W",
        because="Output i contains input j with the factor W<sub>ij</sub>; b shifts everything and changes no slope.",
    ),
    Prediction(
        "elementwise-zeros",
        options=("none", "those on the diagonal", "all but those on the diagonal"),
        right="all but those on the diagonal",
        because="Output i does not contain input j, unless they are the same.",
    ),
    Prediction(
        "softmax-others",
        options=("they stay", "they grow, too", "they shrink"),
        right="they shrink",
        because="The shares add up to 1: what one gains the others lose.",
    ),
    Prediction(
        "weight-slope",
        options=("W<sub>ik</sub>", "a<sub>k</sub>", "1"),
        right="a<sub>k</sub>",
        because="Turn the product round: as a function of W<sub>ik</sub>, its factor is a<sub>k</sub>.",
    ),
    Prediction(
        "half-the-change",
        options=("half", "a quarter", "the same"),
        right="a quarter",
        because="What the linear part leaves out is the curve, and it grows with the square of the change.",
    ),
    Prediction(
        "tanh-parallelogram",
        options=("a rectangle with upright sides", "a square", "any parallelogram"),
        right="a rectangle with upright sides",
        because="The Jacobian is diagonal: the first input moves the first output alone, the second the "
        "second, each with its own slope.",
    ),
    Prediction(
        "other-layout",
        options=("yes", "no, it has a row for each input", "no, its W is another matrix"),
        right="no, it has a row for each input",
        because="With inputs in the rows, the slope of z<sub>i</sub> along a<sub>j</sub> stands in row j and column i.",
    ),
)
