"""Chapter 01, The learning problem: the exercises, the right values by another route, the mistakes with names."""

import numpy as np

from course_lib.exercises.declaration import Ask, Exercise, KnownMistake
from course_lib.exercises.keyed import in_order, lettered, picks
from course_lib.exercises.predictions import Prediction


def pairs(rng, N):
    """N data pairs near a line with whole slopes, so that sums can be done by hand, and a model that misses it."""
    w, b = (int(v) for v in rng.choice([-3, -2, 2, 3], 2))
    x = rng.choice([-3, -2, -1, 1, 2, 3, 4], N, replace=False).astype(float)
    y = np.zeros(N)
    while not y.all():
        y = w * x + b - rng.choice([-4, -3, -2, 2, 3, 4, 5], N, replace=False)
    return {"w": w, "b": b, "x": x, "y": y}


# ------------------------------------------------------------------------------------------------- mean-against-sum


def loss_table(w, b, x, y):
    """Sum and mean of the pair losses, by walking over the pairs."""
    total = 0.0
    for x_n, y_n in zip(x, y, strict=True):
        total += 0.5 * (w * x_n + b - y_n) ** 2
    return total, total / len(x)


def right_mean(w, b, x, y):
    first, _ = loss_table(w, b, x[:1], y[:1])
    return np.array([first, *loss_table(w, b, x, y), *loss_table(w, b, np.tile(x, 2), np.tile(y, 2))])


def sums_and_means(each):
    """The five numbers that follow from the four losses of the pairs."""
    return np.array([each[0], sum(each), sum(each) / 4, 2 * sum(each), sum(each) / 4])


def ask_mean(w, b, x, y):
    return Ask(
        text=f"The model is ŷ = {w}x {'+' if b > 0 else '−'} {abs(b)}, the loss of a pair ½(ŷ − y)². Find the loss "
        "of the first pair, then the sum and the mean of all four losses. Then write every pair into the data set a "
        "second time: what are the sum and the mean now?",
        given={"x": x, "y": y},
        shape=(5,),
        rows=("loss of the first pair", "sum, 4 pairs", "mean, 4 pairs", "sum, 8 pairs", "mean, 8 pairs"),
    )


MEAN = Exercise(
    id="mean-against-sum",
    title="Mean against sum",
    kind="num",
    answer="losses",
    draw=lambda rng: pairs(rng, 4),
    right=right_mean,
    ask=ask_mean,
    atol=1e-6,
    points=2,
    mistakes=(
        KnownMistake(
            "no-half",
            "every number is twice too large: the loss of a pair has the factor ½",
            "What is the loss of a pair whose residual is 2?",
            lambda w, b, x, y: 2 * right_mean(w, b, x, y),
            row=24,
        ),
        KnownMistake(
            "half-inside",
            "every number is half of what it should be: the residual was halved before it was squared",
            "½(ŷ − y)² takes the square first. What is it for a residual of 2?",
            lambda w, b, x, y: 0.5 * right_mean(w, b, x, y),
            row=27,
        ),
        KnownMistake(
            "absolute",
            "these are residuals without their sign, not half their squares",
            "What is the loss of a pair whose residual is 4?",
            lambda w, b, x, y: sums_and_means(abs(w * x + b - y)),
        ),
        KnownMistake(
            "mean-doubles",
            "the mean of the doubled set is the mean of the first one: twice the sum, twice the pairs",
            "If every student of a class had a twin with the same marks, what would the average be?",
            lambda w, b, x, y: right_mean(w, b, x, y) * [1, 1, 1, 1, 2],
            row=17,
        ),
        KnownMistake(
            "mean-halves",
            "the mean of the doubled set is too small by half: its eight losses have twice the sum",
            "Write down all eight losses and add them up. What is left when you divide by 8?",
            lambda w, b, x, y: right_mean(w, b, x, y) * [1, 1, 1, 1, 0.5],
            row=17,
        ),
        KnownMistake(
            "sum-stays",
            "the sum grows when pairs are added; it is the mean that stays",
            "Eight sticks instead of four: what happens to their total length?",
            lambda w, b, x, y: right_mean(w, b, x, y)[[0, 1, 2, 1, 2]],
            row=17,
        ),
        KnownMistake(
            "square-of-mean",
            "residuals were averaged before they were squared; then positive and negative ones cancel",
            "Two residuals, 3 and −3: is the model good?",
            lambda w, b, x, y: (lambda first, m: np.array([first, 4 * m, m, 8 * m, m]))(
                right_mean(w, b, x, y)[0], 0.5 * np.mean(w * x + b - y) ** 2
            ),
        ),
    ),
    hints=(
        "What are the four residuals ŷ − y?",
        "Square each residual, halve it, add up. The mean is the sum divided by the number of pairs.",
        "mean = (1/N) Σ ½(ŷₙ − yₙ)²; doubling the set doubles the sum and N.",
    ),
)

# -------------------------------------------------------------------------------------------------- loss-of-the-set


def draw_set(rng):
    N = int(rng.integers(5, 9))
    return {"w": rng.normal(), "b": rng.normal(), "x": rng.normal(size=N), "y": rng.normal(size=N) + 1}


def right_set(w, b, x, y):
    each = [0.5 * (w * p + b - q) ** 2 for p, q in zip(x, y, strict=True)]
    return np.array(each), sum(each) / len(each)


SET = Exercise(
    id="loss-of-the-set",
    title="The loss of a pair and of a set",
    kind="code",
    answer="losses_of",
    draw=draw_set,
    right=right_set,
    parts=("each", "mean"),
    formula=False,
    points=2,
    mistakes=(
        KnownMistake(
            "no-half",
            "both are twice too large: the loss of a pair has the factor ½",
            "What is the loss of a pair whose residual is 2?",
            lambda w, b, x, y: tuple(2 * v for v in right_set(w, b, x, y)),
            row=24,
        ),
        KnownMistake(
            "half-inside",
            "both are half of what they should be: the residual was halved before it was squared",
            "In 0.5 * r ** 2 the square comes first. What does (0.5 * r) ** 2 give for r = 2?",
            lambda w, b, x, y: tuple(0.5 * v for v in right_set(w, b, x, y)),
            row=27,
        ),
        KnownMistake(
            "not-squared",
            "these are halves of the residuals; the square is missing",
            "Can a loss be negative? Print the smallest of yours.",
            lambda w, b, x, y: (0.5 * (w * x + b - y), 0.5 * (w * x + b - y).mean()),
        ),
        KnownMistake(
            "sum-for-mean",
            "the losses of the pairs are right, but they were added up where their mean is asked",
            "Divide by the number of pairs.",
            lambda w, b, x, y: (right_set(w, b, x, y)[0], right_set(w, b, x, y)[0].sum()),
            row=17,
        ),
        KnownMistake(
            "square-of-mean",
            "the mean was taken of the residuals and squared afterwards",
            "Which comes first, the square or the mean?",
            lambda w, b, x, y: (right_set(w, b, x, y)[0], 0.5 * np.mean(w * x + b - y) ** 2),
        ),
        KnownMistake(
            "absolute",
            "these are absolute residuals, not half their squares",
            "Which power has the residual in the loss?",
            lambda w, b, x, y: (abs(w * x + b - y), abs(w * x + b - y).mean()),
        ),
        KnownMistake(
            "crossed",
            "every prediction was compared with every target: (N,) against (N, 1) gives a table",
            "Print the shape of the residuals before you square them.",
            lambda w, b, x, y: (right_set(w, b, x, y)[0], 0.5 * np.mean((w * x + b - y[:, None]) ** 2)),
            row=32,
        ),
    ),
    hints=(
        "How many losses do N pairs have, and how many means?",
        "w * x + b is the prediction for all pairs at once. Subtract y, square, halve.",
        "each = 0.5 * (w * x + b - y) ** 2, mean = each.mean()",
    ),
)

# ------------------------------------------------------------------------------------------------ gradient-of-mean

RULES = {
    "mean": "the mean of the gradients of the pairs",
    "at mean": "the gradient for the mean pair (mean of x, mean of y)",
    "sum": "the sum of the gradients of the pairs",
    "worst": "the gradient of the pair with the largest loss",
}


GRADIENT = Exercise(
    id="gradient-of-mean",
    title="The gradient of a mean",
    kind="choice",
    answer="rule",
    draw=lambda rng: {"keys": lettered(rng, list(RULES))},
    right=picks("mean"),
    ask=lambda keys: Ask(
        text="The loss of a data set is the mean of the losses of its pairs. What is its gradient?",
        options={key: RULES[name] for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "at-mean",
            "the mean pair is no pair of the set, and a loss with squares sees the difference",
            (
                "Two pairs, residuals 3 and −3. What is the gradient at their mean? And the mean of their gradients "
                "along w?"
            ),
            picks("at mean"),
        ),
        KnownMistake(
            "sum",
            "that belongs to the sum of the losses; the mean divides by N",
            "The derivative of c·f is c·f′. What is c here?",
            picks("sum"),
            row=17,
        ),
        KnownMistake(
            "worst",
            "every pair has its share in the mean, not the worst one only",
            "If you improve a pair that is not the worst, does the mean change?",
            picks("worst"),
        ),
    ),
    hints=(
        "What is the derivative of f + g?",
        "A derivative goes through sums and constant factors.",
        "∇ (1/N) Σ ℓₙ = (1/N) Σ ∇ℓₙ",
    ),
)

# ----------------------------------------------------------------------------------------------------------- downhill


def draw_downhill(rng):
    g = rng.choice([2, 3, 5, 7], 2, replace=False) * rng.choice([-1, 1], 2)
    ways = {"against": -g, "along": g, "half": g * [-1, 1], "across": np.array([g[1], -g[0]])}
    return {"g": g, "ways": ways, "keys": lettered(rng, list(ways))}


def downhill(g, ways, keys):
    """The step along which a linear loss falls the most."""
    return min(keys, key=lambda key: float(np.dot(g, ways[keys[key]])))


def vector(v):
    """Whole numbers as (−2, 5)."""
    return f"({', '.join(map(str, v))})".replace("-", "−")


DOWNHILL = Exercise(
    id="downhill",
    title="Which way is down",
    kind="choice",
    answer="step",
    draw=draw_downhill,
    right=downhill,
    ask=lambda g, ways, keys: Ask(
        text=f"At the present (w, b) the gradient of the loss is (∂L/∂w, ∂L/∂b) = {vector(g)}. Along which "
        "small step does the loss fall fastest?",
        options={key: f"{vector(ways[name])} times a small number" for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "along",
            "that is the way of the steepest rise",
            "If ∂L/∂w is positive and w grows, what does the loss do?",
            picks("along"),
            row=25,
        ),
        KnownMistake(
            "half",
            "w goes down the slope here, but b goes up",
            "Look at the sign of each entry by itself.",
            picks("half"),
            row=25,
        ),
        KnownMistake(
            "across",
            "this step is perpendicular to the gradient: to first order the loss stays the same",
            "Multiply gradient and step entry by entry, and add. That is the change of the loss.",
            picks("across"),
        ),
    ),
    hints=(
        "The loss changes by about ∂L/∂w times the change of w, plus the same for b. When is that most negative?",
        "Each entry of the step should have the opposite sign of its slope.",
        "step = −η (∂L/∂w, ∂L/∂b)",
    ),
)

# -------------------------------------------------------------------------------------------------- half-and-mean

LINES = {
    "loss": "L = (1/N) Σ ½ (w xₙ + b − yₙ)²",
    "through": "∂L/∂w = (1/N) Σ ∂/∂w ½ (w xₙ + b − yₙ)²",
    "square": "∂L/∂w = (1/N) Σ ½ · 2 (w xₙ + b − yₙ) · ∂(w xₙ + b − yₙ)/∂w",
    "cancel": "∂L/∂w = (1/N) Σ (w xₙ + b − yₙ) · xₙ",
    "step": "w ← w − η (1/N) Σ (w xₙ + b − yₙ) xₙ",
}


def by_factors(keys):
    """The lines by what is left to be differentiated: each has one operation less than the one before."""
    rank = {"loss": 0, "through": 1, "square": 2, "cancel": 3, "step": 4}
    return " ".join(sorted(keys, key=lambda key: rank[keys[key]]))


HALF = Exercise(
    id="half-and-mean",
    title="Where ½ and 1/N go",
    kind="order",
    answer="lines",
    draw=lambda rng: {"keys": lettered(rng, list(LINES), solved=False)},
    right=by_factors,
    ask=lambda keys: Ask(
        text="From the loss to a step of training, in five lines. Put them in order and watch where ½ and 1/N go.",
        options={key: LINES[name] for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "cancel-early",
            "the 2 that cancels the ½ appears only when the square is differentiated",
            "Where does a 2 come from?",
            in_order("loss", "through", "cancel", "square", "step"),
            row=24,
        ),
        KnownMistake(
            "square-first",
            "the derivative has to pass the sum before it reaches the square",
            "Work from the outside to the inside: first 1/N and Σ, then the square, then the bracket.",
            in_order("loss", "square", "through", "cancel", "step"),
        ),
        KnownMistake(
            "step-first",
            "the step uses the finished slope; it is the last line",
            "Which line moves w?",
            in_order("step", "loss", "through", "square", "cancel"),
        ),
    ),
    hints=(
        "Which line holds no derivative yet, and which one changes w?",
        "The derivative goes through 1/N and Σ first, then through the square, then into the bracket.",
        "loss; derivative inside the sum; square: ½ · 2; bracket: xₙ; step",
    ),
)

EXERCISES = (MEAN, SET, GRADIENT, DOWNHILL, HALF)

# ---------------------------------------------------------------------------------------------------- predictions

PREDICTIONS = (
    Prediction(
        "residual-four-times",
        options=("4 times", "16 times", "equally bad: both are wrong"),
        right="16 times",
        because="The loss grows with the square: an error four times as large costs 4 · 4 times as much.",
    ),
    Prediction(
        "data-twice",
        options=("both double", "the sum doubles, the mean stays", "both stay"),
        right="the sum doubles, the mean stays",
        because="Twice as many losses are added up, and the mean divides by twice as many.",
    ),
    Prediction(
        "which-way-down",
        options=("w should grow, b shrink", "w should shrink, b grow", "both should grow"),
        right="w should grow, b shrink",
        because="The line is too high at the left and too low at the right: it must become steeper, and a "
        "little lower.",
    ),
    Prediction(
        "line-too-low",
        options=("a smaller one", "a larger one", "the same: w and b have nothing to do with each other"),
        right="a larger one",
        because="From far below, the line must climb more steeply to come near the points. The valley of the "
        "surface is slanted.",
    ),
    Prediction(
        "gradient-of-mean",
        options=("it is their sum", "it is their mean", "it must be worked out anew for the whole"),
        right="it is their mean",
        because="A derivative goes through sums and constant factors, and a mean is nothing else.",
    ),
)
