"""Chapter 03, Finite differences: the exercises, the right values by another route, the mistakes with names."""

import numpy as np

from course_lib.exercises.declaration import Ask, Exercise, KnownMistake
from course_lib.exercises.keyed import lettered, picks
from course_lib.exercises.predictions import Prediction
from course_lib.finite_differences import finite_difference_gradient

# ------------------------------------------------------------------------------------------- central-difference-loss


def draw_loss(rng):
    """A 2-3-1 network as one vector theta, at a point where nothing is zero, and three examples."""
    return {
        "theta": rng.uniform(0.4, 1.2, 13) * rng.choice([-1, 1], 13),
        "x": rng.normal(size=(2, 3)),
        "y": rng.uniform(0.1, 0.9, (1, 3)),
    }


def loss(theta, x, y):
    W1, b1, W2, b2 = theta[:6].reshape(3, 2), theta[6:9, None], theta[9:12].reshape(1, 3), theta[12:, None]
    a = 1 / (1 + np.exp(-(W2 @ np.tanh(W1 @ x + b1) + b2)))
    return 0.5 * np.sum((a - y) ** 2) / x.shape[1]


def complex_steps(theta, x, y):
    """The slope along every parameter by a complex step: no difference, so no rounding."""
    return finite_difference_gradient(lambda moved: loss(moved, x, y), theta, method="complex")


def nudged(theta, x, y, h=1e-5, down=1.0, width=2.0):
    """(loss(theta + h) - loss(theta - down h)) / (width h) for every parameter."""
    rises = [loss(theta + h * e, x, y) - loss(theta - down * h * e, x, y) for e in np.eye(len(theta))]
    return np.array(rises) / (width * h)


def not_restored(theta, x, y, h=1e-5):
    theta, slopes = theta.copy(), []
    for j in range(len(theta)):
        theta[j] += h
        up = loss(theta, x, y)
        theta[j] -= 2 * h
        slopes.append((up - loss(theta, x, y)) / (2 * h))
    return np.array(slopes)


DIFFERENCE = Exercise(
    id="central-difference-loss",
    title="Central differences of a network's loss",
    kind="code",
    answer="gradient_by_nudging",
    draw=draw_loss,
    right=complex_steps,
    rtol=2e-8,
    formula=False,
    points=3,
    mistakes=(
        KnownMistake(
            "same-array",
            "all slopes are 0: the loss is the same on both sides",
            "Are up and down two arrays? up = theta makes no copy; theta.copy() does.",
            lambda theta, x, y: np.zeros(len(theta)),
            row=34,
        ),
        KnownMistake(
            "times-h",
            "the difference is divided by 2 and then multiplied by h: / 2 * h is not / (2 * h)",
            "In which order does Python work through a / 2 * h?",
            lambda theta, x, y: nudged(theta, x, y) * 1e-10,
            row=27,
        ),
        KnownMistake(
            "second-value-alone",
            "only the second value of the loss is divided: the difference needs brackets of its own",
            "In which order does Python work through a - b / c?",
            lambda theta, x, y: np.array(
                [loss(theta + 1e-5 * e, x, y) - loss(theta - 1e-5 * e, x, y) / 2e-5 for e in np.eye(len(theta))]
            ),
            row=27,
        ),
        KnownMistake(
            "one-sided",
            "these are one-sided differences, about 1e-6 off; central ones are off by 1e-10",
            "Step to both sides: the even terms of the error cancel.",
            lambda theta, x, y: nudged(theta, x, y, down=0.0, width=1.0),
            row=38,
        ),
        KnownMistake(
            "half",
            "about half of each slope: the two points are h apart, and the difference is divided by 2h",
            "At which two vectors do you call the loss? How far apart are they?",
            lambda theta, x, y: nudged(theta, x, y, down=0.0),
            row=24,
        ),
        KnownMistake(
            "twice-too-large",
            "everything is twice too large: the two points are 2h apart",
            "How far is it from θ − h to θ + h?",
            lambda theta, x, y: nudged(theta, x, y, width=1.0),
            row=24,
        ),
        KnownMistake(
            "sign",
            "every sign is turned round: it is f(θ + h) − f(θ − h)",
            "If the loss grows with θ, which of the two values is larger?",
            lambda theta, x, y: -nudged(theta, x, y),
            row=25,
        ),
        KnownMistake(
            "not-restored",
            "the first slope is right, the next ones a little off: a parameter is not put back before the next",
            "Print theta before and after your loop.",
            not_restored,
        ),
        KnownMistake(
            "all-at-once",
            "all slopes are the same: every parameter is nudged together",
            "theta + h moves all 13. How do you move one?",
            lambda theta, x, y: np.full(len(theta), (loss(theta + 1e-5, x, y) - loss(theta - 1e-5, x, y)) / 2e-5),
        ),
    ),
    hints=(
        "How many times do you call the loss, and with which vectors?",
        "For each j: a copy of theta with h added at j, another with h taken away.",
        "g[j] = (loss(θ + h eⱼ) − loss(θ − h eⱼ)) / (2h), h = 1e-5",
    ),
)

# ----------------------------------------------------------------------------------------------------------- best-h

EPS = 2.0**-52


def draw_h(rng):
    F, M2, M3 = (float(v) for v in rng.choice([2, 3, 5, 8, 20, 50, 200, 500], 3, replace=False))
    return {"F": F, "M2": M2, "M3": M3}


def scan(error):
    """The h of the smallest error, by looking at very many."""
    h = np.exp(np.linspace(np.log(1e-12), np.log(1.0), 20_001))
    return float(h[np.argmin(error(h))])


def right_h(F, M2, M3):
    return np.array([scan(lambda h: M2 * h / 2 + 2 * EPS * F / h), scan(lambda h: M3 * h**2 / 6 + EPS * F / h)])


BEST_H = Exercise(
    id="best-h",
    title="Choose h",
    kind="num",
    answer="steps",
    draw=draw_h,
    right=right_h,
    ask=lambda F, M2, M3: Ask(
        text=f"The function has |f| = {F:g}, |f″| = {M2:g} and |f‴| = {M3:g} near x. One-sided differences are off "
        "by |f″| h/2 from the curve and 2ε|f|/h from rounding; central ones by |f‴| h²/6 and ε|f|/h, with ε = 2⁻⁵². "
        "Find the h with the smallest sum, for each, to two digits.",
        shape=(2,),
        rows=("one-sided", "central"),
    ),
    parts=("one-sided", "central"),
    rtol=0.055,
    points=2,
    mistakes=(
        KnownMistake(
            "swapped",
            "the two have changed places: central differences bear the larger step",
            "Which error falls faster as h shrinks? That method need not shrink h so far.",
            lambda F, M2, M3: right_h(F, M2, M3)[::-1].copy(),
            row=38,
        ),
        KnownMistake(
            "as-small-as-possible",
            "with h as small as ε the rounding is as large as the slope",
            "What is ε|f|/h for h = ε?",
            lambda F, M2, M3: np.full(2, EPS),
            row=38,
        ),
        KnownMistake(
            "same-for-both",
            "the one-sided step was used for both",
            "Balance h²·|f‴|/6 against ε|f|/h: which root comes out?",
            lambda F, M2, M3: right_h(F, M2, M3)[[0, 0]],
            row=38,
        ),
        KnownMistake(
            "square-root-for-central",
            "central: the error falls with h², so the balance is at a cube root, not a square root",
            "Set the derivative of the sum to zero. Which power of h do you find?",
            lambda F, M2, M3: np.array([right_h(F, M2, M3)[0], np.sqrt(3 * EPS * F / M3)]),
            row=38,
        ),
        KnownMistake(
            "set-equal",
            "central: there the two errors are equal; their sum is smallest where its derivative is 0",
            "Differentiate |f‴| h²/6 + ε|f|/h by h. Which factor stands before ε|f| when you solve for h³?",
            lambda F, M2, M3: np.array([right_h(F, M2, M3)[0], np.cbrt(6 * EPS * F / M3)]),
            row=38,
        ),
        KnownMistake(
            "rule-of-thumb",
            "√ε and ∛ε are rules of thumb; they leave out |f|, |f″|, |f‴| and the factors",
            "A function that bends ten times as much: does the best h stay?",
            lambda F, M2, M3: np.array([np.sqrt(EPS), np.cbrt(EPS)]),
            row=38,
        ),
        KnownMistake(
            "upside-down",
            "the fractions are upside down: the more a function bends, the smaller the best h",
            "Which error does a large |f″| make larger, and does a larger or a smaller h help against it?",
            lambda F, M2, M3: np.array([2 * np.sqrt(EPS * M2 / F), np.cbrt(3 * EPS * M3 / F)]),
            row=38,
        ),
    ),
    hints=(
        "Which of the two errors grows with h, and which shrinks?",
        "Differentiate their sum by h and set it to zero.",
        "one-sided: h = 2√(ε|f|/|f″|); central: h = (3ε|f|/|f‴|)^(1/3)",
    ),
)

# ------------------------------------------------------------------------------------------------------ read-report

REPORTS = {
    "one layer": "the gradient of one layer is wrong, the others are right",
    "all factor": "a constant factor is missing everywhere",
    "h": "nothing is wrong with the gradient: the step h is too small",
    "right": "everything is right",
}


def draw_report(rng):
    layer = int(rng.integers(1, 4))
    errors = {f"W{l}": float(rng.uniform(1, 9)) * 1e-10 for l in (1, 2, 3)}
    errors[f"W{layer}"] = float(rng.uniform(0.2, 0.6))
    return {"errors": errors, "keys": lettered(rng, list(REPORTS))}


def verdict(errors, keys):
    """Read the table: how many layers are off by more than rounding explains?"""
    off = sum(error > 1e-4 for error in errors.values())
    wanted = {0: "right", 3: "all factor"}.get(off, "one layer")
    return next(key for key, name in keys.items() if name == wanted)


REPORT = Exercise(
    id="read-report",
    title="Read a report",
    kind="choice",
    answer="reading",
    draw=draw_report,
    right=verdict,
    ask=lambda errors, keys: Ask(
        text="A gradient check gives the relative errors in the table. What does it say?",
        given={f"error in {name}": f"{error:.1e}" for name, error in errors.items()},
        options={key: REPORTS[name] for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "all-factor",
            "a factor everywhere would show in every line",
            "How many lines have a large error?",
            picks("all factor"),
            row=24,
        ),
        KnownMistake(
            "step",
            "a step that is too small spoils every line, not a single one",
            "Do the other lines suffer?",
            picks("h"),
            row=38,
        ),
        KnownMistake(
            "right",
            "0.2 and more is not rounding: that is a wrong gradient",
            "How large may the relative error of a central difference be?",
            picks("right"),
            row=27,
        ),
    ),
    hints=(
        "Which of the lines could be rounding?",
        "Central differences in float64 agree to about 1e-8 or better. Compare each line with that.",
        "One line near 1, the rest near 1e-10: one wrong layer.",
    ),
)

# -------------------------------------------------------------------------------------------------- kink-and-integers

TRAPS = {
    "kink": "the point lies within h of the kink of a ReLU, and the two sides have different slopes",
    "integers": "the parameters are whole numbers of type int, which cannot hold a step of 1e-5",
    "formula": "the formula is wrong: so near to 0 the slope of a ReLU is a number between 0 and 1",
    "zeros": "all weights are zero, and the slopes vanish whatever the formula is",
    "float32": "the numbers have single precision, and the difference drowns in rounding",
}


def draw_trap(rng):
    return {
        "at": float(rng.choice([1, 2, 3, 4])) * 1e-6,
        "entries": int(rng.integers(50, 200)),
        "keys": lettered(rng, list(TRAPS)),
    }


TRAP = Exercise(
    id="kink-and-integers",
    title="Kink, integers, zeros or precision",
    kind="choice",
    answer="trap",
    draw=draw_trap,
    right=picks("kink"),
    ask=lambda at, entries, keys: Ask(
        text=f"A network with ReLUs is checked with h = 1e-5, central differences, float64. Of {entries} entries "
        f"all agree but one: formula 1, difference {(at + 1e-5) / 2e-5:.2f}. The z before its ReLU is {at:.0e}. "
        "What happened?",
        options={key: TRAPS[name] for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "integers",
            "whole numbers spoil every entry: the step is cut off, or it becomes a step of 1",
            "How many entries are off?",
            picks("integers"),
            row=41,
        ),
        KnownMistake(
            "formula",
            "the slope of a ReLU is 0 or 1, never between them: the formula is right, and the nudge went over the kink",
            "What is the slope at this z itself, and what would a smaller h find?",
            picks("formula"),
            row=40,
        ),
        KnownMistake(
            "zeros",
            "at zero weights a check agrees too well, it does not disagree",
            "How many entries are off?",
            picks("zeros"),
            row=44,
        ),
        KnownMistake(
            "float32",
            "single precision disturbs every entry a little, not one entry a lot",
            "How many entries are off, and how much?",
            picks("float32"),
            row=39,
        ),
    ),
    hints=(
        "Is one entry off, or all of them, or none?",
        "Take max(z, 0) at this z and step to z + h and to z − h. On which side of 0 are they?",
        "(z + h − 0) / (2h) lies between 0 and 1: the difference steps across the kink.",
    ),
)

# ------------------------------------------------------------------------------------------------------ million-passes


def draw_million(rng):
    return {"P": 1_000_000, "N": int(rng.choice([20, 30, 40, 50, 60])), "rate": float(rng.choice([2, 4, 5, 8])) * 1e9}


def right_million(P, N, rate):
    passes = 2 * P  # one step up and one down for each
    return np.array([passes / 1e6, P * N / 1e6, passes * P * N / rate / 3600])


MILLION = Exercise(
    id="million-passes",
    title="A million parameters",
    kind="num",
    answer="cost",
    draw=draw_million,
    right=right_million,
    ask=lambda P, N, rate: Ask(
        text="A network has a million parameters; nearly all are weights, and each is used once for every example. "
        f"A batch has {N} examples; the machine "
        f"does {rate / 1e9:g} billion multiplications a second. For central differences: how many million forward "
        "passes, how many million multiplications in one "
        "pass, how many hours in all? Two digits after the point.",
        shape=(3,),
        rows=("million passes", "million multiplications in one", "hours"),
    ),
    atol=6e-3,
    points=2,
    mistakes=(
        KnownMistake(
            "one-pass-a-parameter",
            "central differences take two passes for each parameter",
            "At how many points is the loss needed for one slope?",
            lambda P, N, rate: right_million(P, N, rate) * [0.5, 1, 0.5],
        ),
        KnownMistake(
            "batch-forgotten",
            "every weight is used for each example of the batch",
            "How many columns has the batch?",
            lambda P, N, rate: right_million(P, N, rate) / [1, N, N],
        ),
        KnownMistake(
            "linear",
            "the time is that of a single pass; each of the two million passes goes through all parameters",
            "Multiply the number of passes by the cost of each.",
            lambda P, N, rate: right_million(P, N, rate) / [1, 1, 2 * P],
        ),
        KnownMistake(
            "minutes-for-hours",
            "the last number is in minutes; an hour has 60 of them",
            "Which unit is asked?",
            lambda P, N, rate: right_million(P, N, rate) * [1, 1, 60],
        ),
        KnownMistake(
            "seconds-for-hours",
            "the last number is in seconds; an hour has 3600 of them",
            "Which unit is asked?",
            lambda P, N, rate: right_million(P, N, rate) * [1, 1, 3600],
        ),
        KnownMistake(
            "not-in-millions",
            "the first two numbers are asked in millions",
            "Two million is 2, if you count in millions.",
            lambda P, N, rate: right_million(P, N, rate) * [1e6, 1e6, 1],
        ),
    ),
    hints=(
        "How often is the loss computed for one slope?",
        "Passes times multiplications in a pass, divided by the rate, gives seconds.",
        "2P passes of P·N multiplications each: 2P²N / rate / 3600 hours",
    ),
)

# -------------------------------------------------------------------------------------------------------- zero-weights

REASONS = {
    "vanish": "the wrong part of the gradient has a weight for a factor, and the weight is zero",
    "step": "a step of 1e-5 is too large next to weights of zero",
    "rounding": "zero cannot be represented exactly, so that both sides are rounded",
    "loss": "the loss is zero there",
}


ZERO = Exercise(
    id="zero-weights",
    title="Why zero weights prove nothing",
    kind="choice",
    answer="reason",
    draw=lambda rng: {"keys": lettered(rng, list(REASONS))},
    right=picks("vanish"),
    ask=lambda keys: Ask(
        text="Someone checks a gradient at weights that are all zero. The gradient is wrong, and yet it passes. "
        "How can that be?",
        options={key: REASONS[name] for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "step",
            "a step is measured by how the loss bends, not by how large the weight is",
            "Does the error |f‴| h²/6 hold the weight itself?",
            picks("step"),
            row=44,
        ),
        KnownMistake(
            "rounding",
            "zero is exact in floating point",
            "Print 0.0 == -0.0, and 0.0 + 1e-300.",
            picks("rounding"),
            row=44,
        ),
        KnownMistake(
            "loss",
            "with zero weights the outputs are all alike, and mostly far from the targets",
            "What does a sigmoid give for z = 0?",
            picks("loss"),
            row=43,
        ),
    ),
    hints=(
        "Which factors stand in the slope of the loss along a weight of the first layer?",
        "A wrong factor times zero is zero.",
        "∂L/∂W¹ contains W²: with W² = 0 it is 0, and any mistake in it is hidden.",
    ),
)

EXERCISES = (DIFFERENCE, BEST_H, REPORT, TRAP, MILLION, ZERO)

# ---------------------------------------------------------------------------------------------------- predictions

PREDICTIONS = (
    Prediction(
        "both-sides",
        options=("twice as good", "hundreds of times as good", "no better: it is the same step"),
        right="hundreds of times as good",
        because="What is left on one side is of the size of h, on both sides of the size of h².",
    ),
    Prediction(
        "smaller-step",
        options=(
            "yes",
            "no, but it is no worse than with 10<sup>−5</sup>",
            "no, it is worse than with 10<sup>−5</sup>",
        ),
        right="no, it is worse than with 10<sup>−5</sup>",
        because="Two numbers that agree in nearly all of their digits are subtracted: their rounding is left, "
        "and it is divided by h.",
    ),
    Prediction(
        "wiggly-step",
        options=("at a smaller one", "at the same one", "at a larger one"),
        right="at a smaller one",
        because="The third derivative is a million times as large, and so is the truncation error: its branch "
        "lies higher, and meets the rounding further left.",
    ),
    Prediction(
        "passes-231",
        options=("13", "26", "169"),
        right="26",
        because="Each of the 13 parameters is nudged to both sides.",
    ),
    Prediction(
        "differ-by-millionth",
        options=("no, that is rounding", "yes, slopes are exact", "it depends on how large they are"),
        right="it depends on how large they are",
        because="A millionth of what? If the slopes themselves are that small, every digit is wrong.",
    ),
    Prediction(
        "across-kink",
        options=("1, the slope there", "0, the slope on the other side", "a number between them"),
        right="a number between them",
        because="The nudge to the left lands on the flat side, the one to the right on the steep one.",
    ),
    Prediction(
        "integer-nudge",
        options=("6", "0: nothing moves", "250 000"),
        right="250 000",
        because="Of 2.99999 the decimals are cut off, and 2 is left: the step down is 1, and it is divided by 2h.",
    ),
    Prediction(
        "million-nudges",
        options=("a million", "two million", "two million times a million"),
        right="two million times a million",
        because="2P passes, and each of them goes through all P parameters.",
    ),
)
