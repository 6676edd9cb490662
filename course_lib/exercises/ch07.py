"""Chapter 07, Batches and layers: the exercises, the right values by another route, the mistakes with names.

Lists W, b, z, a carry None at index 0; a batch is N columns. Hidden layers are sigmoids, the output is a softmax with
cross-entropy, and the loss is the mean over the examples. Only the last exercise has the layout of another course: a
row for each example.
"""

from functools import partial

import numpy as np

from course_lib.activations import dsigmoid, sigmoid
from course_lib.data import one_hot as targets_of
from course_lib.exercises.ch06 import weights
from course_lib.exercises.declaration import Ask, Exercise, KnownMistake, Share, hidden_layers, named, output_layer
from course_lib.exercises.keyed import lettered, picks
from course_lib.exercises.predictions import Prediction
from course_lib.finite_differences import finite_difference_gradient


def softmax(z, axis=0):
    """Also of complex z, for complex steps."""
    e = np.exp(z - z.real.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# -------------------------------------------------------------------------------------------------------- bias-axis

SUMS = {
    "sum over the examples": ("delta.sum(axis=1, keepdims=True)", lambda d, a: d.sum(axis=1, keepdims=True)),
    "sum over the neurons": ("delta.sum(axis=0, keepdims=True)", lambda d, a: d.sum(axis=0, keepdims=True)),
    "mean over the examples": ("delta.mean(axis=1, keepdims=True)", lambda d, a: d.mean(axis=1, keepdims=True)),
    "one number": ("delta.sum()", lambda d, a: d.sum()),
    "no sum": ("delta", lambda d, a: d),
    "sum of dW": ("(delta @ a.T).sum(axis=1, keepdims=True)", lambda d, a: (d @ a.T).sum(axis=1, keepdims=True)),
}


def draw_axis(rng):
    signs = [rng.choice([-1, 1], shape) for shape in ((3, 5), (4, 5))]
    sizes = [np.stack([rng.permutation(np.arange(1, 6)) for _ in sign]) for sign in signs]
    delta, a = (0.1 * size * sign for size, sign in zip(sizes, signs, strict=True))
    if (delta.sum(axis=1) == 0).any() or abs(delta.sum()) < 0.05:
        return draw_axis(rng)
    return {"delta": delta.round(1), "a": a.round(1), "keys": lettered(rng, list(SUMS))}


def by_moving_the_bias(delta, a, keys):
    """The option that gives the slopes of sum(delta * (z + b)) along b, the z staying where they are."""
    slopes = finite_difference_gradient(lambda b: np.sum(delta * b[:, None]), np.zeros(len(delta)), method="complex")
    values = {key: SUMS[name][1](delta, a) for key, name in keys.items()}
    fits = [key for key, v in values.items() if np.shape(v) == (3, 1) and np.allclose(np.ravel(v), slopes)]
    return " ".join(fits)


AXIS = Exercise(
    id="bias-axis",
    title="The axis of the bias sum",
    kind="choice",
    answer="bias_gradient",
    draw=draw_axis,
    right=by_moving_the_bias,
    ask=lambda delta, a, keys: Ask(
        text="A layer of 3 neurons with 4 inputs has seen a batch of 5 examples. Its error terms δ hold the 1/N of the "
        "mean already. Which line is the gradient of its bias, which has the shape (3, 1)?",
        given={"delta": delta, "a of the layer below": a},
        options={key: f"<code>{SUMS[name][0]}</code>" for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "over-neurons",
            "this adds up the neurons and leaves a number for each example; a bias belongs to a neuron",
            "Which index of δ counts the neurons, and which one must go?",
            picks("sum over the neurons"),
            row=20,
        ),
        KnownMistake(
            "mean-again",
            "this takes a mean of what holds its 1/N already",
            "Where has the loss been divided by N? How often does that happen?",
            picks("mean over the examples"),
            row=19,
        ),
        KnownMistake(
            "one-number",
            "this is one number for the whole layer; every neuron has a bias of its own",
            "How many numbers are in b, and how many in its gradient?",
            picks("one number"),
            row=20,
        ),
        KnownMistake(
            "no-sum",
            "this has a column for each example, but there is one b for all of them",
            "What is the shape of b − η δ? NumPy makes it without a word.",
            picks("no sum"),
            row=21,
        ),
        KnownMistake(
            "from-dw",
            "this is made from ∂L/∂W and depends on the activations below; the bias does not meet them",
            "Nudge b alone. Does it matter which a came in?",
            picks("sum of dW"),
            row=22,
        ),
    ),
    hints=(
        "How many numbers must come out, one for each what?",
        "b is copied to every example. What comes back from the copies of a fork is added up.",
        "∂L/∂b_i = Σₙ δ_in: along the row, over the examples, which are the columns.",
    ),
)

# ------------------------------------------------------------------------------------------------------- shape-trap

LOSSES = {
    "pairs": "{:.4f}",
    "zero": "0",
    "half": "{:.4f}",
    "error": "an error: the shapes do not fit",
}


def draw_trap(rng):
    return {"y": rng.permutation(np.arange(1, 10))[:4] / 10, "keys": lettered(rng, list(LOSSES))}


def values_of_trap(y):
    pairs = [(a_i - y_j) ** 2 for a_i in y.tolist() for y_j in y.tolist()]
    return {"pairs": sum(pairs) / 16, "half": float(np.var(y))}


def what_numpy_says(y, keys):
    """The option with the value that comes out when it is done."""
    came = np.mean((y.reshape(4, 1) - y) ** 2).item()
    name = next(name for name, value in values_of_trap(y).items() if abs(value - came) < 1e-12)
    return picks(name)(keys)


TRAP = Exercise(
    id="shape-trap",
    title="The (n,) and (n, 1) trap",
    kind="choice",
    answer="said",
    draw=draw_trap,
    right=what_numpy_says,
    ask=lambda y, keys: Ask(
        text="A network with 4 outputs was shown one example: its output <code>a</code> is a column, of shape (4, 1). "
        "The targets <code>y</code> were read from a file and have the shape (4,). The network is perfect: both hold "
        "the same numbers. What does <code>np.mean((a - y) ** 2)</code> give?",
        given={"a": y[:, None], "y": "(" + ", ".join(f"{v:g}" for v in y) + ")"},
        options={key: LOSSES[name].format(values_of_trap(y).get(name)) for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "agree",
            "it should be 0, but a − y is no column here: NumPy makes it 4 × 4, each output against each target",
            "What is the shape of a − y? A missing axis is put in front: (4,) is read as (1, 4).",
            picks("zero"),
            row=32,
        ),
        KnownMistake(
            "error",
            "NumPy says nothing: it reads (4,) as (1, 4), and stretches both to (4, 4)",
            "Make two such arrays of ones, and look at the shape of their difference.",
            picks("error"),
            row=32,
        ),
        KnownMistake(
            "spread",
            "this is half of it: both the output and the target run through all values",
            "There are 16 differences a_i − y_j. Write down the first row of them.",
            picks("half"),
        ),
    ),
    hints=(
        "What is the shape of a − y?",
        "NumPy puts the missing axis in front: (4,) counts as (1, 4). Then both are stretched to the larger size.",
        "a − y is 4 × 4 with the entries a_i − y_j; the mean runs over all 16 of them.",
    ),
)

# ---------------------------------------------------------------------------------------------------- softmax-delta

COUNTS = [(1, 2, 7), (2, 3, 5), (1, 3, 6), (1, 4, 5)]  # add up to 10, so that the probabilities are tenths


def draw_delta(rng):
    columns = rng.choice(len(COUNTS), 2, replace=False)
    return {
        "powers": np.stack([rng.permutation(COUNTS[k]) for k in columns], axis=1),
        "labels": rng.choice(3, 2, replace=False).tolist(),
    }


one_hot = partial(targets_of, classes=3)


def right_delta(powers, labels):
    """The slopes of the mean of -ln a, by complex steps in the logits."""
    y = one_hot(labels)

    def loss(z):
        return -np.sum(y * np.log(softmax(z.reshape(3, 2)))) / 2

    return finite_difference_gradient(loss, np.log(powers).ravel(), method="complex").reshape(3, 2)


def wrong_delta(error):
    """error(a, y) with a the probabilities of two examples."""
    return lambda powers, labels: error(powers / powers.sum(axis=0), one_hot(labels))


DELTA = Exercise(
    id="softmax-delta",
    title="Softmax and cross-entropy by hand",
    kind="num",
    answer="delta",
    draw=draw_delta,
    right=right_delta,
    ask=lambda powers, labels: Ask(
        text="Two examples, three classes, a softmax at the output, and the mean cross-entropy. You are given "
        "the exponentials of the logits z, and the targets y. Fill in the error terms δ = ∂L/∂z, to four digits.",
        given={"exp z": powers, "y": one_hot(labels)},
        shape=(3, 2),
        rows=("class 1", "class 2", "class 3"),
        columns=("example 1", "example 2"),
    ),
    atol=6e-5,
    points=2,
    mistakes=(
        KnownMistake(
            "sum",
            "everything is twice too large: the loss is the mean of two examples, not their sum",
            "Where does the mean over the examples enter?",
            wrong_delta(lambda a, y: a - y),
            row=17,
        ),
        KnownMistake(
            "extra-slope",
            "the slope of the output is there twice: a − y holds it already",
            "Which part of ∂L/∂z is a − y? Nothing is left to multiply.",
            wrong_delta(lambda a, y: (a - y) * a * (1 - a) / 2),
            row=3,
        ),
        KnownMistake(
            "elementwise",
            "the softmax was taken entry by entry, with slope a(1 − a): the other classes feel nothing",
            "If one logit grows, what happens to the other probabilities?",
            wrong_delta(lambda a, y: -y / a * a * (1 - a) / 2),
            row=30,
        ),
        KnownMistake(
            "slope-of-loss",
            "this is ∂L/∂a, not ∂L/∂z: the step back through the softmax is missing",
            "What is the loss a function of, and what is a a function of?",
            wrong_delta(lambda a, y: -y / a / 2),
            row=13,
        ),
        KnownMistake(
            "sign",
            "every sign is turned round: the error term is a − y, not y − a",
            "If the logit of the true class grows, does the loss rise or fall?",
            wrong_delta(lambda a, y: (y - a) / 2),
            row=25,
        ),
        KnownMistake(
            "mean-of-entries",
            "the mean was taken over all 6 entries; there are 2 examples",
            "How many examples are there, and how many numbers?",
            wrong_delta(lambda a, y: (a - y) / 6),
            row=24,
        ),
        KnownMistake(
            "over-examples",
            "the probabilities were made along the rows: the classes of one example add up to 1",
            "Which numbers must add up to 1, those of an example or those of a class?",
            lambda powers, labels: (powers / powers.sum(axis=1, keepdims=True) - one_hot(labels)) / 2,
            row=28,
        ),
        KnownMistake(
            "exp-twice",
            "the numbers given are the exponentials already; here e was raised to their power once more",
            "What stands in the numerator of the softmax, and what are you given?",
            lambda powers, labels: (softmax(powers.astype(float)) - one_hot(labels)) / 2,
        ),
        KnownMistake(
            "no-target",
            "these are the probabilities, divided by 2; the targets are not there",
            "Should the slope along the logit of the true class be positive or negative?",
            wrong_delta(lambda a, y: a / 2),
        ),
        KnownMistake(
            "not-normalised",
            "e to the z is not yet a probability",
            "What do the three numbers of a column have to add up to?",
            lambda powers, labels: (powers - one_hot(labels)) / 2,
        ),
    ),
    hints=(
        "What are the probabilities of the first example?",
        "Divide each column by its sum. Then the softmax and the logarithm of the loss cancel to something short.",
        "δ = (a − y) / N with N = 2",
    ),
)

# --------------------------------------------------------------------------------------------------- backward-batch

SIZES = [2, 4, 3, 5]  # no two alike, and no batch is as large as one of them


def forward(W, b, x):
    z, a = [], [x]
    for l in range(1, len(W)):
        z.append(W[l] @ a[l - 1] + b[l])
        a.append(sigmoid(z[-1]) if l < len(W) - 1 else softmax(z[-1]))
    return [None, *z], a


def draw_batch(rng):
    W, b = weights(rng, SIZES, 0.5, 1.5)
    N = rng.choice([6, 7, 8]).item()
    z, a = forward(W, b, rng.uniform(0.3, 1.5, (2, N)) * rng.choice([-1, 1], (2, N)))
    return {"W": W, "z": z, "a": a, "y": rng.dirichlet(np.full(5, 2.0), N).T}


def right_batch(W, z, a, y):
    """All gradients from the loss alone, a complex step for every parameter."""
    b = [None, *((z[l] - W[l] @ a[l - 1])[:, :1] for l in range(1, len(W)))]
    layers = range(1, len(W))
    shapes = [np.shape(p[l]) for l in layers for p in (W, b)]
    ends = np.cumsum([m * n for m, n in shapes])

    def parts(theta):
        pieces = [v.reshape(s) for v, s in zip(np.split(theta, ends[:-1]), shapes, strict=True)]
        return [None, *pieces[::2]], [None, *pieces[1::2]]

    def loss(theta):
        moved_W, moved_b = parts(theta)
        output = forward(moved_W, moved_b, a[0])[1][-1]
        return -np.sum(y * np.log(output)) / y.shape[1]

    theta = np.concatenate([p[l].ravel() for l in layers for p in (W, b)])
    return parts(finite_difference_gradient(loss, theta, method="complex"))


def backward(
    W,
    z,
    a,
    y,
    error=lambda a, y: (a - y) / y.shape[1],
    slope=lambda z: dsigmoid(z),
    handed=lambda delta, N: delta,
    used=lambda arriving, delta: delta,
    outer=lambda delta, below: delta @ below.T,
    bias=lambda delta, dW: delta.sum(axis=1, keepdims=True),
):
    """Back-propagation of a batch with every part open to a mistake."""
    L, N = len(W) - 1, y.shape[1]
    dW, db = [None] * (L + 1), [None] * (L + 1)
    delta = error(a[L], y)
    arriving = delta
    for l in range(L, 0, -1):
        stored = used(arriving, delta)
        dW[l] = outer(stored, a[l - 1])
        db[l] = bias(stored, dW[l])
        if l > 1:
            arriving = W[l].T @ handed(delta, N)
            delta = arriving * slope(z[l - 1])
    return dW, db


def wrong_batch(**parts):
    return lambda W, z, a, y: backward(W, z, a, y, **parts)


BATCH = Exercise(
    id="backward-batch",
    title="The backward pass for a batch",
    kind="code",
    answer="backward",
    draw=draw_batch,
    right=right_batch,
    parts=("dW", "db"),
    points=4,
    shares=(Share("the output layer", 1, output_layer), Share("the hidden layers", 3, hidden_layers)),
    mistakes=(
        KnownMistake(
            "sum",
            "every gradient is N times too large: the loss is the mean over the examples",
            "Divide by N, and look again. Where does it belong?",
            wrong_batch(error=lambda a, y: a - y),
            row=17,
        ),
        KnownMistake(
            "mean-at-every-layer",
            "1/N enters at every layer: the top is right, and each layer below is N times smaller than it should be",
            "N enters once, with the loss. Which layer is that?",
            wrong_batch(handed=lambda delta, N: delta / N),
            row=18,
        ),
        KnownMistake(
            "mean-of-entries",
            "the mean was taken over all entries of y; the loss is the mean over the examples",
            "How many columns has y, and how many entries?",
            wrong_batch(error=lambda a, y: (a - y) / y.size),
            row=24,
        ),
        KnownMistake(
            "bias-mean",
            "the weights are exact, and every bias is N times too small: the mean is in δ already",
            "Think of the bias as a weight whose input is always 1. What would (6.3) do?",
            wrong_batch(bias=lambda delta, dW: delta.mean(axis=1, keepdims=True)),
            row=19,
        ),
        KnownMistake(
            "bias-one-number",
            "db is one number for the whole layer; each neuron has a bias of its own",
            "Sum over which axis?",
            wrong_batch(bias=lambda delta, dW: delta.sum()),
            row=20,
        ),
        KnownMistake(
            "bias-wrong-axis",
            "db was added up over the neurons, and has a number for each example",
            "Which index of δ counts the examples?",
            wrong_batch(bias=lambda delta, dW: delta.sum(axis=0, keepdims=True)),
            row=20,
        ),
        KnownMistake(
            "bias-not-summed",
            "db has a column for each example: nothing was added up",
            "What will be the shape of b after b = b − η db?",
            wrong_batch(bias=lambda delta, dW: delta),
            row=21,
        ),
        KnownMistake(
            "bias-from-dw",
            "db was made from dW, and so it depends on the activations below",
            "Nudge b alone. Does it matter what came in?",
            wrong_batch(bias=lambda delta, dW: dW.sum(axis=1, keepdims=True)),
            row=22,
        ),
        KnownMistake(
            "overwritten",
            "only the last example is in the gradients: each one has overwritten the one before",
            "One W serves all the examples. What is done with what comes back from them?",
            wrong_batch(
                outer=lambda delta, below: delta[:, -1:] @ below[:, -1:].T, bias=lambda delta, dW: delta[:, -1:]
            ),
            row=35,
        ),
        KnownMistake(
            "extra-slope",
            "the slope of the output is there twice: with softmax and cross-entropy, a − y holds it already",
            "Which loss needs σ′(z) at the output, and which one has cancelled it?",
            wrong_batch(error=lambda a, y: (a - y) * a * (1 - a) / y.shape[1]),
            row=3,
        ),
        KnownMistake(
            "sigmoid-slope",
            "σ′(z) was multiplied in at the output, as in chapter 6; here a softmax with cross-entropy stands there",
            "What did (7.5) leave of the slope of the output?",
            lambda W, z, a, y: backward(W, z, a, y, lambda a, y: (a - y) * dsigmoid(z[-1]) / y.shape[1]),
            row=3,
        ),
        KnownMistake(
            "softmax-elementwise",
            "the softmax was taken entry by entry, with slope a(1 − a)",
            "If one logit grows, what happens to the other probabilities?",
            wrong_batch(error=lambda a, y: -y * (1 - a) / y.shape[1]),
            row=30,
        ),
        KnownMistake(
            "slope-of-loss",
            "∂L/∂a of the output was taken for δ: the step back through the softmax is missing",
            "δ is ∂L/∂z. What lies between z and a?",
            wrong_batch(error=lambda a, y: -y / a / y.shape[1]),
            row=13,
        ),
        KnownMistake(
            "before-the-slope",
            "in the hidden layers ∂L/∂a was used for δ; what you pass down is right, what you make dW and db of is not",
            "Give ∂L/∂a a name of its own. Which of the two goes into (6.3)?",
            wrong_batch(used=lambda arriving, delta: arriving),
            row=13,
        ),
        KnownMistake(
            "no-slope-hidden",
            "your hidden error terms lack σ′(z)",
            "Your top layer is right. What happens between z and a one layer down?",
            wrong_batch(slope=lambda z: 1.0),
            row=1,
        ),
        KnownMistake(
            "slope-at-a",
            "σ′ was taken at a; its argument is z",
            "σ′ takes z. If you only kept a, use a(1 − a).",
            wrong_batch(slope=lambda z: dsigmoid(sigmoid(z))),
            row=4,
        ),
        KnownMistake(
            "a-formula-on-z",
            "the formula a(1 − a) was fed with z",
            "Can σ′ be negative? Print the least and the greatest value of yours.",
            wrong_batch(slope=lambda z: z * (1 - z)),
            row=5,
        ),
        KnownMistake(
            "value-for-slope",
            "σ stands where its slope σ′ belongs",
            "Along the path the slopes are multiplied, not the values. What is σ′, in terms of a?",
            wrong_batch(slope=sigmoid),
        ),
        KnownMistake(
            "summed-first",
            "δ and a were summed over the batch before they met: first multiply, example by example, then add up",
            "Write dW for one example. Then add up these matrices.",
            wrong_batch(outer=lambda delta, below: np.outer(delta.sum(axis=1), below.sum(axis=1))),
        ),
        KnownMistake(
            "sign",
            "every sign is turned round: the error term is a − y, not y − a",
            "If the logit of the true class grows, does the loss rise or fall?",
            wrong_batch(error=lambda a, y: (y - a) / y.shape[1]),
            row=25,
        ),
    ),
    hints=(
        "Which lines of chapter 6's backward pass change when x has N columns?",
        "The first, δ of the last layer, and the last, the sum of the bias. The rest stays as it is.",
        "δ^L = (a^L − y) / N;  δ^l = (W^(l+1))ᵀ δ^(l+1) ⊙ σ′(z^l);  dW^l = δ^l (a^(l−1))ᵀ;  db^l = Σₙ δ^l_n",
    ),
)

# ---------------------------------------------------------------------------------------------------- softmax-layer


def draw_layer(rng):
    N = rng.choice([5, 6, 7]).item()
    z = rng.normal(size=(4, N))
    z[:, rng.integers(N)] += rng.integers(750, 950)
    return {"z": z, "g": rng.normal(size=(4, N))}


def right_layer(z, g):
    """By the whole Jacobian of every column."""
    a = softmax(z)
    return a, np.stack([(np.diag(s) - np.outer(s, s)).T @ slope for s, slope in zip(a.T, g.T, strict=True)], axis=1)


def wrong_layer(back=lambda a, g: a * (g - (a * g).sum(axis=0)), forward=softmax):
    def wrong(z, g):
        a = forward(z)
        return a, back(a, g)

    return wrong


def unshifted(z):
    return np.exp(z) / np.exp(z).sum(axis=0)


def without_axes(z):
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()


def one_sum(z):
    return np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum()


def shifted_once(z):
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=0)


LAYER = Exercise(
    id="softmax-layer",
    title="A layer of your own: softmax",
    kind="code",
    answer="softmax_layer",
    draw=draw_layer,
    right=right_layer,
    parts=("a", "dz"),
    points=3,
    shares=(Share("the activations", 1, named("a")), Share("the way back", 2, named("dz"))),
    mistakes=(
        KnownMistake(
            "overflow",
            "e to the z overflows where a logit is large, and infinity by infinity is nan",
            "A number may be taken off all logits of an example without a change of the softmax. Which one?",
            wrong_layer(forward=unshifted),
            row=31,
        ),
        KnownMistake(
            "one-shift",
            "the largest of all logits was taken off every column, and in the others all exponentials became 0",
            "Each example needs a shift of its own. Which axis does the maximum run along?",
            wrong_layer(forward=shifted_once),
            row=31,
        ),
        KnownMistake(
            "no-axis",
            "maximum and sum were taken over the whole batch: all its numbers together add up to 1",
            "The numbers of each example add up to 1. Which axis do the maximum and the sum run along?",
            wrong_layer(forward=without_axes),
            row=28,
        ),
        KnownMistake(
            "one-sum",
            "every column was divided by the sum of the whole batch; each has a sum of its own",
            "What do the numbers of one example add up to? Which axis does the sum run along?",
            wrong_layer(forward=one_sum),
            row=28,
        ),
        KnownMistake(
            "over-examples",
            "the softmax ran along the rows: it is the entries of a column that add up to 1",
            "Which index counts the examples?",
            wrong_layer(forward=lambda z: softmax(z, axis=1)),
            row=28,
        ),
        KnownMistake(
            "elementwise",
            "dz is g times a(1 − a), the diagonal of the Jacobian alone",
            "Every output depends on every logit. How many paths lead from z₁ to the loss?",
            wrong_layer(lambda a, g: a * (1 - a) * g),
            row=30,
        ),
        KnownMistake(
            "first-term",
            "the first half of the Jacobian is there, diag(a); its second half, a aᵀ, is not",
            "J = diag(a) − a aᵀ. Multiply g by both.",
            wrong_layer(lambda a, g: a * g),
            row=30,
        ),
        KnownMistake(
            "unweighted-sum",
            "the inner sum is that of g alone; its terms are a times g",
            "Write out entry i of diag(a) g − a (aᵀ g). What is aᵀ g?",
            wrong_layer(lambda a, g: a * (g - g.sum(axis=0))),
            row=30,
        ),
        KnownMistake(
            "passed-through",
            "g went through unchanged: that is ∂L/∂a, and not yet ∂L/∂z",
            "What does a layer do with what it is handed?",
            wrong_layer(lambda a, g: g.copy()),
            row=13,
        ),
        KnownMistake(
            "cross-entropy",
            "a − g is the error term of a softmax with cross-entropy on top; this layer does not know its loss",
            "g is ∂L/∂a of any loss, and not a target.",
            wrong_layer(lambda a, g: a - g),
            row=3,
        ),
        KnownMistake(
            "sum-over-examples",
            "the inner sum runs over the examples; it belongs to one example, and runs over the classes",
            "Do two examples of a batch ever meet in a softmax?",
            wrong_layer(lambda a, g: a * (g - (a * g).sum(axis=1, keepdims=True))),
            row=20,
        ),
        KnownMistake(
            "sum-over-all",
            "the inner sum is one number for the whole batch; each example has its own",
            "Do two examples of a batch ever meet in a softmax?",
            wrong_layer(lambda a, g: a * (g - (a * g).sum())),
            row=20,
        ),
        KnownMistake(
            "mean-again",
            "dz was divided by N; the mean comes with the loss, and is in g already",
            "How often does N enter, and where?",
            wrong_layer(lambda a, g: a * (g - (a * g).sum(axis=0)) / g.shape[1]),
            row=18,
        ),
    ),
    hints=(
        "What is the Jacobian of the softmax of one column, by (4.4)?",
        "Multiply its transpose with a column of g, and write out entry i. One sum is the same for all i.",
        "dz_i = a_i (g_i − Σⱼ aⱼ gⱼ), for each column; and a = softmax(z − max z), the maximum of each column",
    ),
)

# ---------------------------------------------------------------------------------------------------- published-net

ROWS = ("loss", "dW1", "db1", "dW2", "db2")


def draw_rows(rng):
    """A network 4-10-3 as the published one, with biases, and five examples as rows."""
    return {
        "X": 10 * rng.normal(size=(5, 4)),
        "labels": rng.permutation([0, 1, 2, 2, 1]).tolist(),
        "W1": 0.1 * rng.normal(size=(4, 10)),
        "b1": 0.1 * rng.normal(size=10),
        "W2": 0.1 * rng.normal(size=(10, 3)),
        "b2": 0.1 * rng.normal(size=3),
        "strength": float(rng.choice([5, 10, 20])) / 100,
    }


def loss_of_rows(X, labels, W1, b1, W2, b2, strength):
    hidden = X @ W1 + b1
    scores = np.where(hidden.real > 0, hidden, 0) @ W2 + b2
    top = scores.real.max(axis=1)
    log_sum = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    data = (log_sum - scores[np.arange(len(X)), labels]).mean()
    return data + strength * (np.sum(W1**2) + np.sum(W2**2))


def right_rows(X, labels, W1, b1, W2, b2, strength):
    """The loss as it is defined, and its gradients by complex steps."""
    given = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

    def gradient(name):
        def loss(theta):
            moved = given | {name: theta.reshape(given[name].shape)}
            return loss_of_rows(X, labels, **moved, strength=strength)

        return finite_difference_gradient(loss, given[name].ravel(), method="complex").reshape(given[name].shape)

    return float(loss_of_rows(X, labels, **given, strength=strength)), *(gradient(name) for name in given)


def wrong_rows(
    error=lambda p, y: (p - y) / len(y),
    mask=lambda hidden: hidden > 0,
    bias=lambda delta: delta.sum(axis=0),
    penalty=lambda W, strength: strength * np.sum(W**2),
    decay=lambda W, strength: 2 * strength * W,
    biases_too=False,
    mean=np.mean,
    finish=lambda dW: dW,
    axis=1,
):
    """The loss and its gradients for examples as rows, every part open to a mistake."""

    def wrong(X, labels, W1, b1, W2, b2, strength):
        hidden = X @ W1 + b1
        kept = np.maximum(hidden, 0)
        p, y = softmax(kept @ W2 + b2, axis=axis), one_hot(labels).T
        delta2 = error(p, y)
        delta1 = delta2 @ W2.T * mask(hidden)
        loss = mean(-np.log((p * y).sum(axis=1))) + sum(penalty(W, strength) for W in (W1, W2))
        db1, db2 = bias(delta1), bias(delta2)
        if biases_too:
            loss += sum(penalty(b, strength) for b in (b1, b2))
            db1, db2 = db1 + decay(b1, strength), db2 + decay(b2, strength)
        dW1, dW2 = X.T @ delta1 + decay(W1, strength), kept.T @ delta2 + decay(W2, strength)
        return float(loss), finish(dW1), db1, finish(dW2), db2

    return wrong


NET = Exercise(
    id="published-net",
    title="A published network",
    kind="code",
    answer="loss_by_rows",
    draw=draw_rows,
    right=right_rows,
    parts=ROWS,
    points=4,
    shares=(
        Share("the loss", 1, named("loss")),
        Share("the output layer", 1, named("dW2", "db2")),
        Share("the hidden layer", 2, named("dW1", "db1")),
    ),
    mistakes=(
        KnownMistake(
            "half-penalty",
            "the penalty has the factor ½ here; that course has none",
            "Strength 0.05 and no ½: which loss has the published net?",
            wrong_rows(
                penalty=lambda W, strength: 0.5 * strength * np.sum(W**2), decay=lambda W, strength: strength * W
            ),
            row=24,
        ),
        KnownMistake(
            "half-in-gradient",
            "the loss is right, but the gradients of the weights belong to a penalty with ½",
            "Differentiate the penalty as it stands in the loss. What becomes of the square?",
            wrong_rows(decay=lambda W, strength: strength * W),
            row=24,
        ),
        KnownMistake(
            "no-penalty-in-gradient",
            "the penalty is in the loss, but not in the gradients of the weights",
            "Whatever stands in the loss has a slope. A small strength would have hidden this.",
            wrong_rows(decay=lambda W, strength: 0.0),
            row=42,
        ),
        KnownMistake(
            "no-penalty",
            "the penalty is missing, in the loss and in the gradients of the weights",
            "Which term of the loss does not depend on the examples?",
            wrong_rows(penalty=lambda W, strength: 0.0, decay=lambda W, strength: 0.0),
        ),
        KnownMistake(
            "penalty-averaged",
            "the penalty was divided by N; it belongs to the weights, not to the examples",
            "Would twice the data change the weights, and so the penalty?",
            wrong_rows(
                penalty=lambda W, strength: strength * np.sum(W**2) / 5,
                decay=lambda W, strength: 2 * strength * W / 5,
            ),
            row=42,
        ),
        KnownMistake(
            "biases-penalised",
            "the biases are penalised, too",
            "Which parameters stand in the penalty?",
            wrong_rows(biases_too=True),
        ),
        KnownMistake(
            "sum",
            "the data part is a sum over the examples; it is their mean",
            "Divide the data part by N, in the loss and in δ.",
            wrong_rows(error=lambda p, y: p - y, mean=np.sum),
            row=17,
        ),
        KnownMistake(
            "sum-in-gradient",
            "the loss is a mean over the examples, but the gradients belong to their sum",
            "Where does the 1/N of the loss enter the way back?",
            wrong_rows(error=lambda p, y: p - y),
            row=24,
        ),
        KnownMistake(
            "sign",
            "the error term is turned round: it is p − y, not y − p",
            "If the score of the true class grows, does the loss rise or fall?",
            wrong_rows(error=lambda p, y: (y - p) / len(y)),
            row=25,
        ),
        KnownMistake(
            "extra-slope",
            "the slope of the output is there twice: with softmax and cross-entropy, p − y holds it already",
            "Which loss needs the slope of the output activation, and which one has cancelled it?",
            wrong_rows(error=lambda p, y: (p - y) * p * (1 - p) / len(y)),
            row=3,
        ),
        KnownMistake(
            "no-mask",
            "the error terms of the hidden layer lack the slope of the ReLU: 0 where its input was negative",
            "What does a neuron that gave 0 tell the neurons below?",
            wrong_rows(mask=lambda hidden: 1.0),
            row=1,
        ),
        KnownMistake(
            "bias-mean",
            "the weights are exact, and every bias is N times too small: the mean is in δ already",
            "Think of the bias as a weight whose input is always 1.",
            wrong_rows(bias=lambda delta: delta.mean(axis=0)),
            row=19,
        ),
        KnownMistake(
            "bias-wrong-axis",
            "the biases were added up over the neurons; the examples are the rows here",
            "Which axis counts the examples in this layout?",
            wrong_rows(bias=lambda delta: delta.sum(axis=1)),
            row=20,
        ),
        KnownMistake(
            "over-examples",
            "the softmax ran down the columns; here the scores of an example are a row",
            "Which numbers must add up to 1?",
            wrong_rows(axis=0),
            row=28,
        ),
        KnownMistake(
            "our-layout",
            "dW1 and dW2 have a row for each output, as in our layout; W1 and W2 here have a column for each",
            "A gradient has the shape of its parameter.",
            wrong_rows(finish=lambda dW: dW.T),
            row=28,
        ),
    ),
    hints=(
        "What are x, W¹ and W² in our layout?",
        "Transpose what comes in, go forward and back as you know it, transpose the gradients; add the penalty last.",
        "W = W1ᵀ, x = Xᵀ;  loss = mean of −ln p + strength · Σ W²;  ∂/∂W of the penalty is 2 · strength · W",
    ),
)

EXERCISES = (AXIS, TRAP, DELTA, BATCH, LAYER, NET)

PREDICTIONS = (
    Prediction(
        "all-at-once",
        options=(
            "2 × 3, the sum of the four outer products",
            "2 × 3, but with other numbers",
            "4 × 4, a number for each pair of examples",
            "four matrices of 2 × 3",
        ),
        right="2 × 3, the sum of the four outer products",
        because="Row times column adds up over the inner size, and the inner size counts the examples.",
    ),
    Prediction(
        "loop-or-product",
        options=(
            "about as fast: the work is the same",
            "two or three times as fast",
            "far more than ten times as fast",
        ),
        right="far more than ten times as fast",
        because="The multiplications take microseconds. What takes time is Python, a thousand times over.",
    ),
    Prediction(
        "wider-layer",
        options=("larger", "smaller", "it stays the same"),
        right="smaller",
        because="Every turn of the loop has more to multiply, and what Python adds to it is the smaller share.",
    ),
    Prediction(
        "forgotten-sum",
        options=("an error: the shapes do not fit", "b keeps its shape, with wrong numbers", "b becomes 2 × 4"),
        right="b becomes 2 × 4",
        because="NumPy stretches the single column to four. The network goes on running, with a bias for each example.",
    ),
    Prediction(
        "every-example-twice",
        options=("it doubles", "it stays the same", "it halves"),
        right="it stays the same",
        because="Twice as many terms in the sum, and twice the N that it is divided by.",
    ),
    Prediction(
        "softmax-error-term",
        options=("(0, −3.33, 0)", "(0, −0.7, 0)", "(0.2, −0.7, 0.5)"),
        right="(0.2, −0.7, 0.5)",
        because="The first is the slope along a, not z. The second forgets that a logit moves all three probabilities: "
        "what the wrong classes have, they have taken from the true one.",
    ),
    Prediction(
        "large-logits",
        options=("1 and 0", "nan and 0", "an error"),
        right="nan and 0",
        because="e to the 1000 is too large for a floating-point number: it becomes infinite, and infinity divided by "
        "infinity is not a number.",
    ),
    Prediction(
        "handed-down",
        options=("δ of the layer below", "∂ℒ/∂a of the layer below", "∂ℒ/∂W of its own weights"),
        right="∂ℒ/∂a of the layer below",
        because="What came in was a, so the slope along a goes out. It becomes δ in the activation, where σ′ is met.",
    ),
    Prediction(
        "which-penalty",
        options=("0.05 · ½ ΣW²", "0.05 · ΣW²", "0.05 · ΣW² ∕ 5, the mean over the examples"),
        right="0.05 · ΣW²",
        because="0.0379 is missing, and that is 0.05 times the sum of all squared weights. The examples play no part.",
    ),
)
