"""Chapter 10, Depth, and training for real: the exercises, the right values by another route, the mistakes with names.

Networks are lists W, b with None at index 0; hidden layers tanh, at the end softmax with categorical cross-entropy.
"""

from functools import cache, lru_cache
from typing import Any

import numpy as np

from course_lib.backprop import Backpropagation
from course_lib.data import digits
from course_lib.exercises.declaration import Ask, Exercise, KnownMistake
from course_lib.exercises.keyed import lettered
from course_lib.exercises.predictions import Prediction
from course_lib.losses import LOSSES
from course_lib.network import Network
from course_lib.training import train

LOSS = "categorical cross-entropy"

# ---------------------------------------------------------------------------------------------------- sigmoid-factor


def draw_factor(rng):
    while True:
        W = (rng.uniform(0.4, 1.7, (3, 2)) * rng.choice([-1, 1], (3, 2))).round(2)
        if 1.2 < stretch(W) < 3.2:  # away from 4, where a sigmoid layer would keep a length
            return {"W": W, "k": int(rng.integers(6, 15))}


def stretch(W):
    """The largest singular value of a matrix with two columns: the root of the larger root of a quadratic equation."""
    (p, q), (_, r) = W.T @ W
    return float(np.sqrt((p + r + np.sqrt((p - r) ** 2 + 4 * q * q)) / 2))


def factors(W, k, slope=0.25, of=stretch):
    s = of(W)
    return np.array([s, slope * s, k * np.log10(slope * s), 1 / (slope * s)])


FACTOR = Exercise(
    id="sigmoid-factor",
    title="The largest factor of a sigmoid layer",
    kind="num",
    answer="factors",
    draw=draw_factor,
    right=factors,
    ask=lambda W, k: Ask(
        text="A layer a ↦ σ(W a + b) with σ the sigmoid. Its Jacobian is diag(σ′(z)) W. Give the largest singular "
        "value of W; the largest factor by which the layer can stretch an error term on its way down, whatever z is; "
        f"the power of ten of this factor for {k} such layers one upon the other (log₁₀, a negative number); and "
        "the number by which W must be multiplied so that the factor of one layer is 1. Three digits after the point.",
        given={"W": W},
        shape=(4,),
        rows=("largest singular value of W", "largest factor of the layer", f"log₁₀ for {k} layers", "multiply W by"),
    ),
    atol=6e-4,
    points=2,
    mistakes=(
        KnownMistake(
            "slope-one",
            "the slope of the sigmoid is missing: it is nowhere above ¼",
            "σ′ = σ (1 − σ). Where is it largest, and how large is it there?",
            lambda W, k: factors(W, k, slope=1.0),
            row=1,
        ),
        KnownMistake(
            "value-for-slope",
            "½ is the value of the sigmoid at 0; its slope there is ¼",
            "Does σ or σ′ stand in the Jacobian?",
            lambda W, k: factors(W, k, slope=0.5),
            row=4,
        ),
        KnownMistake(
            "largest-entry",
            "that is the largest entry of W, not its largest singular value",
            "Which direction does W stretch most? It need not be one of the axes.",
            lambda W, k: factors(W, k, of=lambda W: float(np.abs(W).max())),
        ),
        KnownMistake(
            "frobenius",
            "that is the root of the sum of all squares; it counts both directions, and only one can be the longest",
            "np.linalg.norm(W) or np.linalg.norm(W, 2)?",
            lambda W, k: factors(W, k, of=lambda W: float(np.sqrt((W**2).sum()))),
        ),
        KnownMistake(
            "smallest",
            "that is the smallest singular value: the direction that W stretches least",
            "In which order does np.linalg.svd list them?",
            lambda W, k: factors(W, k, of=lambda W: float(np.linalg.norm(W, -2))),
        ),
        KnownMistake(
            "factors-added",
            "the factors of the layers were added; one after the other they multiply",
            "Twice half of something: is it a quarter, or all of it?",
            lambda W, k: np.array([*factors(W, k)[:2], np.log10(k * factors(W, k)[1]), factors(W, k)[3]]),
            row=29,
        ),
        KnownMistake(
            "natural-logarithm",
            "the third number is a natural logarithm; the power of ten is wanted",
            "np.log or np.log10?",
            lambda W, k: factors(W, k) * [1, 1, np.log(10), 1],
        ),
        KnownMistake(
            "slope-once",
            "every layer has a σ′ of its own: ¼ enters once for each of them",
            "Write the factor of two layers. How often does ¼ stand there?",
            lambda W, k: np.array([*factors(W, k)[:2], k * np.log10(stretch(W)) - np.log10(4), factors(W, k)[3]]),
            row=6,
        ),
    ),
    hints=(
        "By how much can W alone stretch a vector, and by how much can diag(σ′(z))?",
        "np.linalg.svd(W, compute_uv=False) gives the singular values. σ′ is largest at z = 0.",
        "s₁(diag(σ′) W) ≤ ¼ s₁(W);  for k layers k · log₁₀(s₁/4);  W times 4/s₁",
    ),
)

# ------------------------------------------------------------------------------------------------------- norm-scale


def draw_scale(rng):
    n, m = (int(v) for v in rng.choice([40, 64, 90, 128, 200, 256, 320, 400], 2, replace=False))
    return {"n": n, "m": m}


@cache
def mean_square(name):
    """E[f(z)^2] for a standard normal z, by summing over a fine grid: 1 for the identity, 1/2 for the ReLU."""
    z = np.linspace(-12, 12, 240_001)
    f = {"identity": z, "relu": np.where(z > 0, z, 0.0), "relu slope": np.where(z > 0, 1.0, 0.0)}[name]
    return float(np.trapezoid(f**2 * np.exp(-z * z / 2), z) / np.sqrt(2 * np.pi))


def scales(n, m):
    """From the condition that the mean square stays as it is: forward a sum of n terms, backward of m."""
    return np.array(
        [
            (n * mean_square("identity")) ** -0.5,
            (n * mean_square("relu")) ** -0.5,
            round(m * mean_square("relu slope"), 3) ** -0.5,
            ((n + m) / 2) ** -0.5,
        ]
    )


SCALE = Exercise(
    id="norm-scale",
    title="The scale that keeps the length",
    kind="num",
    answer="scales",
    draw=draw_scale,
    right=scales,
    ask=lambda n, m: Ask(
        text=f"A layer with {n} inputs and {m} outputs. Its weights are drawn from a normal distribution with mean 0 "
        "and standard deviation c. Which c keeps the mean square of the numbers: of z on the way up, if the inputs "
        "come from tanh near 0 (where it is the identity); of z on the way up, if they come from ReLUs; of the error "
        "terms on the way down through a layer of ReLUs; and which c is Xavier's, half-way between up and down? Four "
        "digits after the point.",
        shape=(4,),
        rows=("up, tanh", "up, ReLU", "down, ReLU", "Xavier"),
    ),
    atol=6e-5,
    points=2,
    mistakes=(
        KnownMistake(
            "variance",
            "these are the variances c²; asked for is c, the standard deviation",
            "In z = Σ w a, does c or c² multiply the mean square of a?",
            lambda n, m: scales(n, m) ** 2,
        ),
        KnownMistake(
            "inputs-and-outputs",
            "inputs and outputs have changed places",
            "A number z is a sum over the inputs of its layer. Over what is an error term a sum, on the way down?",
            lambda n, m: scales(m, n),
            row=28,
        ),
        KnownMistake(
            "no-half",
            "a ReLU lets only half of the squares through: its weights need twice the variance",
            "Half of all z are negative. What does a ReLU make of them?",
            lambda n, m: np.array([n**-0.5, n**-0.5, m**-0.5, ((n + m) / 2) ** -0.5]),
        ),
        KnownMistake(
            "half-the-wrong-way",
            "the ReLU's ½ has gone to the wrong side: to make up for what is lost, weights must be larger, not smaller",
            "n · c² · ½ = 1. Solve for c.",
            lambda n, m: np.array([n**-0.5, (2 * n) ** -0.5, (2 * m) ** -0.5, ((n + m) / 2) ** -0.5]),
        ),
        KnownMistake(
            "same-way-down",
            "on the way down an error term is a sum over the outputs of the layer, not over its inputs",
            "(Wᵀδ)_j = Σ_i W_ij δ_i: how many i are there?",
            lambda n, m: scales(n, m)[[0, 1, 1, 3]],
        ),
        KnownMistake(
            "limits",
            "these are the limits of a uniform distribution with the right spread, √3 times its standard deviation",
            "Is c the half width of the interval or the standard deviation?",
            lambda n, m: np.sqrt(3) * scales(n, m),
        ),
    ),
    hints=(
        "z_i = Σ_j W_ij a_j: what is the mean of z_i², if the W_ij are independent with mean 0 and variance c²?",
        "It is c² times the number of terms times the mean of a². A ReLU halves the mean square, up and down.",
        "up: c² n = 1, with ReLU c² n / 2 = 1; down: c² m / 2 = 1; Xavier: c² (n + m) / 2 = 1",
    ),
)

# ---------------------------------------------------------------------------------------------------- training-loop


def network(rng, sizes):
    """Weights and biases in lists, without small entries."""
    W: list[Any] = [None]
    b: list[Any] = [None]
    for m, n in zip(sizes[1:], sizes, strict=False):
        W.append(rng.uniform(0.4, 1.4, (m, n)) * rng.choice([-1, 1], (m, n)) / np.sqrt(n))
        b.append(rng.uniform(0.1, 0.4, (m, 1)) * rng.choice([-1, 1], (m, 1)))
    return W, b


def targets(rng, classes, N):
    """Shares of the classes, columns that add up to 1: no zeros in them."""
    y = rng.uniform(0.1, 1.0, (classes, N))
    return y / y.sum(axis=0)


def draw_loop(rng):
    W, b = network(rng, [3, 5, 4])
    x, y = rng.normal(size=(3, 7)), targets(rng, 4, 7)
    epochs = [[order[:3], order[3:6], order[6:]] for order in (rng.permutation(7).tolist() for _ in range(2))]
    return {
        "W": W,
        "b": b,
        "x": x,
        "y": y,
        "epochs": epochs,
        "eta": float(rng.integers(3, 9)) / 10,
        "momentum": float(rng.integers(5, 10)) / 10,
    }


def loss_of(W, b, x, y, penalty=0.0):
    """Mean cross-entropy of the batch, plus penalty/2 times the squares of the weights.

    Follows complex numbers; with a stack of weights (K, m, n) at any layer, the K losses.
    """
    a = x
    for l in range(1, len(W)):
        z = W[l] @ a + b[l]
        a = np.tanh(z)
    z = z - z.real.max(axis=-2, keepdims=True)
    data = (y * (np.log(np.exp(z).sum(axis=-2, keepdims=True)) - z)).sum(axis=(-2, -1)) / x.shape[1]
    return data + penalty / 2 * sum((w**2).sum(axis=(-2, -1)) for w in W[1:])


def complex_gradients(W, b, x, y, penalty=0.0, h=1e-30):
    """The slopes of the loss along every weight and bias, one complex step each: knows no back-propagation."""
    slopes: tuple[list[Any], list[Any]] = ([None], [None])
    for which, given in enumerate((W, b)):
        for l in range(1, len(W)):
            moved, (m, n) = (list(W), list(b)), given[l].shape
            moved[which][l] = given[l] + 1j * h * np.eye(m * n).reshape(m * n, m, n)
            slopes[which].append(loss_of(moved[0], moved[1], x, y, penalty).imag.reshape(m, n) / h)
    return slopes


def right_loop(W, b, x, y, epochs, eta, momentum):
    theta = [p.copy() for p in W[1:] + b[1:]]
    v = [np.zeros_like(p) for p in theta]
    L, losses = len(W) - 1, []
    for batches in epochs:
        total = 0.0
        for batch in batches:
            now = [None, *theta[:L]], [None, *theta[L:]]
            dW, db = complex_gradients(*now, x[:, batch], y[:, batch])
            total += len(batch) * float(loss_of(*now, x[:, batch], y[:, batch]))
            v = [momentum * old + new for old, new in zip(v, dW[1:] + db[1:], strict=True)]
            theta = [p - eta * step for p, step in zip(theta, v, strict=True)]
        losses.append(total / x.shape[1])
    return [None, *theta[:L]], [None, *theta[L:]], np.array(losses)


def wrong_loop(
    step=lambda v, g, momentum: momentum * v + g,
    rate=lambda eta: eta,
    factor=lambda batch, batches: 1.0,
    pick=lambda y, batch, seen: y[:, batch],
    again=False,
    afresh=False,
    frozen=False,
    mean=lambda losses, sizes: np.dot(losses, sizes) / np.sum(sizes),
    after=False,
    at_end=False,
    biases=True,
):
    """The loop with every part open to a mistake: right when nothing is replaced."""

    def loop(W, b, x, y, epochs, eta, momentum):
        net = Network.from_parameters(W, b, activation="tanh", output="softmax")
        old = net.copy()
        back, v, found = Backpropagation(old if frozen else net, LOSS), np.zeros(net.P), []
        moves = np.ones(net.P)
        if not biases:
            for part in net.views(moves)[1][1:]:
                part[...] = 0
        for batches in [epochs[0]] * len(epochs) if again else epochs:
            if afresh:
                v = np.zeros(net.P)
            old.theta[:] = net.theta
            losses, seen = [], 0
            for batch in batches:
                at = x[:, batch], pick(y, batch, seen)
                losses.append(back.gradient(*at)[0])
                v = step(v, factor(batch, batches) * back.dtheta, momentum)
                net.theta -= rate(eta) * v * moves
                seen += len(batch)
                if after:
                    losses[-1] = back.gradient(*at)[0]
            whole = back.gradient(x, y)[0]
            found.append(whole if at_end else mean(losses, [len(batch) for batch in batches]))
        return list(net.W), list(net.b), np.array(found)

    return loop


LOOP = Exercise(
    id="training-loop",
    title="The training loop",
    kind="code",
    answer="descend",
    draw=draw_loop,
    right=right_loop,
    parts=("W", "b", "losses"),
    points=3,
    mistakes=(
        KnownMistake(
            "uphill",
            "the parameters go up the gradient, not down",
            "Print the loss before and after one tiny step.",
            wrong_loop(step=lambda v, g, momentum: momentum * v - g),
            row=25,
        ),
        KnownMistake(
            "sum-for-mean",
            "the gradient of a batch is summed over its examples, where their mean is wanted",
            "Divide by the number of examples in the batch and look again.",
            wrong_loop(factor=lambda batch, batches: len(batch)),
            row=17,
        ),
        KnownMistake(
            "short-batch",
            "the last batch of an epoch is shorter, but was divided by the size of a full one",
            "How many examples are in the last batch? Its mean has that number in it.",
            wrong_loop(factor=lambda batch, batches: len(batch) / len(batches[0])),
            row=17,
        ),
        KnownMistake(
            "old-parameters",
            "all gradients of an epoch were taken at the parameters of its start; a batch begins where the last ended",
            "Which parameters does the second batch see?",
            wrong_loop(frozen=True),
            row=12,
        ),
        KnownMistake(
            "no-momentum",
            "the velocity forgets the steps before: u ← μ u + gradient, not u ← gradient",
            "What is u after two batches, on paper?",
            wrong_loop(step=lambda v, g, momentum: g),
        ),
        KnownMistake(
            "never-cleared",
            "gradients pile up from batch to batch: the old ones should fade by the factor μ",
            "Where does μ stand in your loop?",
            wrong_loop(step=lambda v, g, momentum: v + g),
            row=37,
        ),
        KnownMistake(
            "averaged-velocity",
            "u ← μ u + (1 − μ) gradient is another rule, with shorter steps; here the gradient enters whole",
            "What multiplies the gradient in the rule of the lesson?",
            wrong_loop(step=lambda v, g, momentum: momentum * v + (1 - momentum) * g),
        ),
        KnownMistake(
            "velocity-restarted",
            "the velocity starts from zero in every epoch; it lives as long as the training does",
            "Where in your loops is u set to zero?",
            wrong_loop(afresh=True),
        ),
        KnownMistake(
            "mixed-pairs",
            "x is taken in the order of the batch, y is not: images and targets no longer belong together",
            "Print the columns of x and of y that meet in the first batch.",
            wrong_loop(pick=lambda y, batch, seen: y[:, seen : seen + len(batch)]),
        ),
        KnownMistake(
            "same-order",
            "the second epoch has an order of its own; here the first one was used again",
            "Which of your loops runs over epochs?",
            wrong_loop(again=True),
        ),
        KnownMistake(
            "mean-of-means",
            "the losses are the mean over batches; over examples the short batch counts less",
            "Seven examples in batches of 3, 3 and 1. How much does the last one weigh?",
            wrong_loop(mean=lambda losses, sizes: np.mean(losses)),
            row=17,
        ),
        KnownMistake(
            "eta-twice",
            "η is multiplied in twice: into the velocity, and again in the step",
            "In (10.5), where does η stand? Once is enough.",
            wrong_loop(rate=lambda eta: eta * eta),
        ),
        KnownMistake(
            "loss-at-the-end",
            "the parameters are right, but the losses are those of all examples at the end of each epoch",
            "Which loss does a batch have before its own step? Keep these, and take their mean over the examples.",
            wrong_loop(at_end=True),
        ),
        KnownMistake(
            "last-loss",
            "the parameters are right, but each loss is that of the last batch alone",
            "How many losses does an epoch have, and what becomes of the first ones in your loop?",
            wrong_loop(mean=lambda losses, sizes: losses[-1]),
            row=35,
        ),
        KnownMistake(
            "loss-after-step",
            "the loss of each batch was taken after its own step",
            "When is the gradient's loss computed, before or after the update?",
            wrong_loop(after=True),
        ),
        KnownMistake(
            "biases-stay",
            "the weights are right at first, but the biases never move",
            "Which of the lists does your update touch?",
            wrong_loop(biases=False),
            row=23,
        ),
    ),
    hints=(
        "What changes from batch to batch, and what from epoch to epoch?",
        "Two loops. Inside: the gradients of this batch, the velocity, the step. Outside: the loss of the epoch.",
        "u ← μ u + ∇L(batch);  θ ← θ − η u;  loss of the epoch = Σ (size of batch · its loss) / N",
    ),
)

# ----------------------------------------------------------------------------------------------------- digits-trained

GOAL = 0.92  # share of the digits not trained on; a sound training comes to 0.95
TOO_GOOD = 0.99  # nobody reads so many digits after 500 others: these must have been among them
SHAPE = (64, 24, 10)


def draw_digits(rng):
    return {"chosen": np.sort(rng.choice(np.arange(1, 1797), 500, replace=False))}


def fitted(chosen, start=1.0, epochs=25, eta=0.1):
    """W, b of a network that course_lib trains with the chosen digits; start multiplies its first weights."""
    return _fitted(chosen.tobytes(), start, epochs, eta)


@lru_cache(maxsize=16)
def _fitted(chosen, start, epochs, eta):
    which, data = np.frombuffer(chosen, dtype=np.int64), digits()
    net = Network(SHAPE, activation="tanh", output="softmax", rng=1)
    net.W[1] = start * net.W[1]
    if epochs:
        train(net, data.x[:, which], data.y[:, which], epochs=epochs, eta=eta, momentum=0.9, batch=20, loss=LOSS)
    return list(net.W), list(net.b)


def changed(change, **options):
    """The wrong answer that a change of each array of trained W and b makes; change(array, layer)."""

    def wrong(chosen):
        return tuple([None, *(change(p, l) for l, p in enumerate(v[1:], 1))] for v in fitted(chosen, **options))

    return wrong


#: What can be seen of parameters, from bad to good; an answer is judged by the first of these that fits it.
STAGES = ("overflow", "alike", "saturated", "memorised", "mixed-pairs", "untrained", "too-early", "peeked", "reached")


def stage(parts, chosen):
    """How far the training of these parameters has come, as a number of STAGES."""
    return {"stage": float(STAGES.index(stage_name(parts, chosen)))}


def stage_name(parts, chosen):
    W1, b1, W2, b2 = (parts[name].astype(float) for name in ("W[1]", "b[1]", "W[2]", "b[2]"))
    data, others = digits(), np.setdiff1d(np.arange(1797), chosen)
    a = np.tanh(W1 @ data.x + b1)
    z = W2 @ a + b2
    if not np.isfinite(z).all():
        return "overflow"
    if np.ptp(np.hstack([W1, b1]), axis=0).max() <= 1e-9 * max(float(np.abs(W1).max()), 1.0):
        return "alike"
    right = z.argmax(axis=0) == data.labels
    learnt = right[chosen].mean()
    if right[others].mean() >= TOO_GOOD:
        return "peeked"
    if right[others].mean() >= GOAL:
        return "reached"
    if learnt >= 0.99:
        return "memorised"
    if np.mean(np.abs(a) > 0.99) > 0.95:
        return "saturated"
    if learnt >= 0.35:
        return "too-early"
    return "untrained" if LOSSES[LOSS].value(z[:, chosen], data.y[:, chosen]) < 3.2 else "mixed-pairs"


DIGITS = Exercise(
    id="digits-trained",
    title="Reach 92 % on digits that you have not trained on",
    kind="code",
    answer="train_digits",
    draw=draw_digits,
    right=fitted,
    measure=stage,
    parts=("W", "b"),
    cases=1,
    points=4,
    mistakes=(
        KnownMistake(
            "overflow",
            "the parameters, or what the network makes of them, are not finite",
            "exp(1000) is infinite. What may be taken away from all z of a column without changing the softmax?",
            changed(lambda p, l: np.full(p.shape, np.nan), epochs=0),
            row=31,
        ),
        KnownMistake(
            "alike",
            "all hidden neurons are alike: they began alike, so that their gradients were the same for ever",
            "What breaks the symmetry between two neurons that start with the same weights?",
            changed(lambda p, l: p if l == 2 else 0 * p),
            row=43,
        ),
        KnownMistake(
            "saturated",
            "the hidden neurons are stuck at −1 and 1, where tanh is flat: the steps were too large, or went uphill",
            "Print the loss after each of the first ten steps. Does it fall?",
            changed(lambda p, l: 1e3 * p, epochs=0),
            row=25,
        ),
        KnownMistake(
            "mixed-pairs",
            "the network is sure of itself and wrong: what it has learnt belongs to other images",
            "If the columns of x are shuffled, what must be shuffled with them?",
            changed(lambda p, l: p if l == 1 else 3 * np.roll(p, 1, axis=0)),
        ),
        KnownMistake(
            "untrained",
            "the network does no better than guessing: it has learnt hardly anything, or nothing that is true",
            "Do your steps arrive in the W and b that you return? Do the columns of x and y still belong together?",
            lambda chosen: fitted(chosen, epochs=0),
        ),
        KnownMistake(
            "too-early",
            "it is on the way, but has not learnt its own 500 digits yet: more epochs, or larger steps",
            "Plot the loss after every epoch. Is it still falling when you stop?",
            lambda chosen: fitted(chosen, eta=0.02, epochs=1),
        ),
        KnownMistake(
            "memorised",
            "your own 500 digits are all right, the others are not: learnt by heart",
            "With which weights does the training start? Large ones make every image look unlike every other.",
            lambda chosen: fitted(chosen, start=20.0, epochs=60),
        ),
        KnownMistake(
            "peeked",
            "it reads the other digits as well as its own: they were in the training, and cannot test it any more",
            "Which columns went into your training? Only the chosen ones may.",
            lambda chosen: fitted(np.arange(1797)),
            row=45,
        ),
    ),
    hints=(
        "Which parts do you have already: a start for the weights, the gradients of a batch, the loop?",
        "Draw W with variance 1/n, set b to 0; some 20 to 40 epochs of small batches in a new order each time.",
        "Try η = 0.1, μ = 0.9, 20 examples a batch, 30 epochs: the function train of the lesson does it in a line.",
    ),
)

# ----------------------------------------------------------------------------------------------------------- diagnose

GUESS = float(np.log(10))  # the loss of one who guesses among ten classes
CAUSES = {
    "large": "the steps are far too large",
    "small": "the steps are far too small",
    "vanishing": "many sigmoid layers: the gradient vanishes",
    "memorised": "too few examples: they are learnt by heart",
    "mixed": "images and labels do not belong together",
}
RUNS: dict[str, dict[str, Any]] = {
    "large": {"eta": 4.0, "each": 1},
    "small": {"eta": 0.002, "each": 5},
    "vanishing": {"eta": 0.05, "each": 4, "sizes": (64, *[12] * 8, 10), "activation": "sigmoid"},
    "memorised": {"eta": 0.3, "each": 4, "scale": 2.0},
    "mixed": {"eta": 0.1, "each": 5, "roll": 7},
}


def losses(sets, rng, eta, each, sizes=(64, 16, 10), activation="tanh", scale=1.0, roll=0):
    """Training and test loss (2, 13) of a real run on 40 digits, taken before the first step and after every few."""
    (x, y), test = sets
    net = Network(sizes, activation, "softmax", rng=rng)
    net.theta *= scale
    back, v, rows = Backpropagation(net, LOSS), np.zeros(net.P), []
    y = np.roll(y, roll, axis=1)
    for step in range(12 * each + 1):
        loss, _, _ = back.gradient(x, y)
        if step % each == 0:
            rows.append([loss, LOSSES[LOSS].value(net.forward(test[0])[0][-1], test[1])])
        v = 0.9 * v + back.dtheta
        net.theta -= eta * v
    return np.maximum(np.array(rows).T.round(2), 0.01)


def draw_runs(rng):
    data, names = digits(), list(lettered(rng, list(CAUSES), solved=False).values())
    while True:
        each = [rng.permutation(np.flatnonzero(data.labels == k))[:14] for k in range(10)]
        of = [rng.permutation(np.concatenate([e[part] for e in each])) for part in (slice(0, 4), slice(4, 14))]
        sets = [(data.x[:, which], data.y[:, which]) for which in of]
        runs = [losses(sets, rng, **RUNS[name]) for name in names]
        if [reading(run) for run in runs] == names:
            return {"runs": runs, "keys": dict(zip("abcde", sorted(CAUSES), strict=True))}


def reading(run):
    """The cause, read off the two curves as one would by eye."""
    (training, test), half = run, len(run[0]) // 2
    if training.max() > 1.5 * training[0]:
        return "large"
    if np.abs(training[half:] - GUESS).max() < 0.06:
        return "vanishing"
    if training[-1] > 1.5 and (np.diff(training) <= 0).all() and test[-1] < test[0]:
        return "small"
    if test.min() < GUESS - 0.5:
        return "memorised" if training[-1] < 0.2 and test[-1] > training[-1] + 0.35 else ""
    return "mixed" if test[-1] > GUESS + 0.5 and training[-1] < 1.5 else ""


def read_runs(*swap):
    """The letters of the causes of runs 1 to 5, with two causes taken for each other."""

    def answer(runs, keys):
        mixed = dict(zip(swap, reversed(swap), strict=True))
        found = [reading(np.asarray(run)) for run in runs]
        return " ".join(next(k for k, name in keys.items() if name == mixed.get(cause, cause)) for cause in found)

    return answer


CURVES = Exercise(
    id="diagnose-curves",
    title="Diagnose five training runs",
    kind="order",
    answer="causes",
    draw=draw_runs,
    right=read_runs(),
    ask=lambda runs, keys: Ask(
        text="Five runs on handwritten digits, ten classes, each with something wrong. Below are their losses, from "
        "the start on: training above, test below; who guesses has ln 10 = 2.30. Put the causes into the order of the "
        "runs 1 to 5.",
        given={f"run {n}": run for n, run in enumerate(runs, 1)},
        options={key: CAUSES[cause] for key, cause in keys.items()},
    ),
    points=2,
    mistakes=(
        KnownMistake(
            "mixed-for-memorised",
            "learnt by heart and mixed up have changed places",
            "In both runs training goes well. In one of them the test was never better than guessing: why?",
            read_runs("mixed", "memorised"),
        ),
        KnownMistake(
            "small-for-vanishing",
            "the small steps and the vanishing gradient have changed places",
            "A small step goes down evenly, a little each time. What does a gradient do that never arrives?",
            read_runs("small", "vanishing"),
        ),
        KnownMistake(
            "large-for-mixed",
            "the large steps and the mixed-up labels have changed places",
            "Labels that belong to other images can still be learnt by heart. Which training loss falls?",
            read_runs("large", "mixed"),
        ),
        KnownMistake(
            "large-for-memorised",
            "the large steps and the few examples have changed places",
            "Which training loss falls to almost nothing, and which one jumps upwards?",
            read_runs("large", "memorised"),
        ),
        KnownMistake(
            "mixed-for-vanishing",
            "the mixed-up labels and the vanishing gradient have changed places",
            "Which of the two training losses moves at all?",
            read_runs("mixed", "vanishing"),
        ),
    ),
    hints=(
        "For each run: does the training loss fall? And if it does, does the test follow?",
        "First find the one that jumps up, then the one that stays at 2.30, then the one that creeps.",
        "Both creep down: small steps. Training near 0, test stuck below 2.3: by heart. Test above 2.3: mixed up.",
    ),
)

# ----------------------------------------------------------------------------------------------------------- test-leaks

#: action -> (does it look at the test set?, does it change what is trained or chosen?); both together are a leak
ACTIONS = {
    "scale": ("divide all pixels by the greatest one among training <b>and</b> test images", True, True),
    "mean": ("subtract from every image the mean of all 1797 images", True, True),
    "stop": ("end the training at the epoch whose test accuracy was best", True, True),
    "width": ("try five widths and keep the one with the best test accuracy", True, True),
    "resplit": ("split anew until the test accuracy is above 98 %", True, True),
    "shift": ("add shifted copies of all images, <b>then</b> split into training and test", True, True),
    "print": ("print the test accuracy after every epoch and do nothing about it", True, False),
    "once": ("test once, when everything is settled, and report that number", True, False),
    "same": ("apply to the test images the scale that was found with the training images", True, False),
    "shuffle": ("shuffle the training set before every epoch", False, True),
    "aside": ("keep a part of the training set aside and choose the width by it", False, True),
    "decay": ("make the steps smaller when the training loss stops falling", False, True),
}
GROUPS = (
    ("scale", "mean"),
    ("stop", "width"),
    ("resplit", "shift"),
    ("print", "once", "same"),
    ("shuffle", "aside", "decay"),
)


def draw_leaks(rng):
    chosen = [str(rng.choice(group)) for group in GROUPS]
    return {"keys": lettered(rng, [*chosen, "aside" if "aside" not in chosen else "decay"])}


def where(test):
    return lambda keys: " ".join(sorted(key for key, name in keys.items() if test(name, *ACTIONS[name][1:])))


LEAKS = Exercise(
    id="test-leaks",
    title="What the test set must not see",
    kind="choice",
    answer="leaks",
    draw=draw_leaks,
    right=where(lambda name, looks, changes: looks and changes),
    ask=lambda keys: Ask(
        text="The test accuracy is to say how the network will do on digits that nobody has seen. After which of these "
        "is it no longer an honest measure? Choose all of them.",
        options={key: ACTIONS[name][0] for key, name in keys.items()},
    ),
    points=1,
    mistakes=(
        KnownMistake(
            "all-that-look",
            "looking at the test set does no harm as long as nothing follows from it",
            "For each of yours: what in the network would be different without it?",
            where(lambda name, looks, changes: looks),
        ),
        KnownMistake(
            "labels-only",
            "images without labels tell something, too: no number that comes from test images may enter the training",
            "Where does the scale, or the mean, come from?",
            where(lambda name, looks, changes: looks and changes and name not in ("scale", "mean")),
        ),
        KnownMistake(
            "choosing-is-free",
            "whoever chooses by the test accuracy trains on the test set, only more slowly",
            "Of many tries, the best is partly lucky. On which set does luck count?",
            where(lambda name, looks, changes: looks and changes and name not in ("stop", "width")),
        ),
        KnownMistake(
            "splitting-is-free",
            "the split is part of the experiment: a lucky one, or one with copies on both sides, flatters",
            "Are the test images really new to the network, and drawn without looking?",
            where(lambda name, looks, changes: looks and changes and name not in ("resplit", "shift")),
        ),
        KnownMistake(
            "turned-round",
            "these are the harmless ones",
            "The question asks after which of them the accuracy is no longer honest.",
            where(lambda name, looks, changes: not (looks and changes)),
        ),
    ),
    hints=(
        "What does each of them read, and what does it change?",
        "Two columns: does it look at the test set? Does it change the training, the network, or the choice of them?",
        "Yes in both columns: a leak. Yes in one only: harmless.",
    ),
)

# ------------------------------------------------------------------------------------------------------------- capstone


def draw_capstone(rng):
    W, b = network(rng, [3, 6, 5, 4])
    x, y = rng.normal(size=(3, 7)), targets(rng, 4, 7)
    order = rng.permutation(7).tolist()
    return {
        "W": W,
        "b": b,
        "x": x,
        "y": y,
        "batches": [order[:3], order[3:6], order[6:]],
        "eta": float(rng.integers(2, 7)) / 10,
        "penalty": float(rng.integers(3, 9)) / 10,
        "claim": own_gradients(W, b, x, y, slope=lambda l, z, a: 1 - np.tanh(z[l]) ** 2 if l > 1 else 1.0),
    }


def own_gradients(
    W,
    b,
    x,
    y,
    penalty=0.0,
    slope=lambda l, z, a: 1 - a[l] ** 2,
    top=lambda a, y: a - y,
    mean=lambda N: 1 / N,
    eta=0.0,
    bias=lambda delta: delta.sum(axis=1, keepdims=True),
):
    """Back-propagation for tanh layers and softmax cross-entropy, open to mistakes: (dW, db)."""
    L = len(W) - 1
    z: list[Any] = [None]
    a = [x]
    for l in range(1, L + 1):
        z.append(W[l] @ a[l - 1] + b[l])
        a.append(np.tanh(z[l]))
    e = np.exp(z[L] - z[L].max(axis=0))
    delta = top(e / e.sum(axis=0), y) * mean(x.shape[1])
    dW: list[Any] = [None] * (L + 1)
    db: list[Any] = [None] * (L + 1)
    for l in range(L, 0, -1):
        dW[l], db[l] = delta @ a[l - 1].T + penalty * W[l], bias(delta)
        if l > 1:
            delta = ((W[l] - eta * dW[l]).T @ delta) * slope(l - 1, z, a)
    return dW, db


def as_vector(dW, db):
    return np.concatenate([p.ravel() for p in dW[1:] + db[1:]])


def relative_error(claimed, true, size=max):
    return float(np.linalg.norm(claimed - true) / size(np.linalg.norm(claimed), np.linalg.norm(true)))


def right_capstone(W, b, x, y, batches, eta, penalty, claim):
    true = as_vector(*complex_gradients(W, b, x, y))
    errors = np.array([0.0, relative_error(as_vector(*claim), true)])
    W, b, losses = list(W), list(b), []
    for batch in batches:
        losses.append(float(loss_of(W, b, x[:, batch], y[:, batch], penalty)))
        dW, db = complex_gradients(W, b, x[:, batch], y[:, batch], penalty)
        W = [None, *(w - eta * g for w, g in zip(W[1:], dW[1:], strict=True))]
        b = [None, *(w - eta * g for w, g in zip(b[1:], db[1:], strict=True))]
    return W, b, np.array(losses), errors


def wrong_capstone(
    check=lambda claimed, true, kept: relative_error(claimed, true),
    penalty_of=lambda penalty, N: penalty,
    penalised=True,
    shrink_biases=False,
    loss_penalty=lambda penalty: penalty,
    errors=lambda errors: errors,
    uphill=False,
    early=False,
    after=False,
    last=False,
    **parts,
):
    def checked(W, b, x, y, eta, penalty, claim):
        true = as_vector(*own_gradients(W, b, x, y))
        mine = as_vector(*own_gradients(W, b, x, y, **parts, eta=eta if early else 0.0))
        kept = penalty * np.concatenate([p.ravel() for p in W[1:]] + [0 * p.ravel() for p in b[1:]])
        return errors(np.array([check(mine, true, kept), check(as_vector(*claim), true, kept)]))

    def capstone(W, b, x, y, batches, eta, penalty, claim):
        found = checked(W, b, x, y, eta, penalty, claim)
        W, b, losses = list(W), list(b), []
        for batch in batches:
            strength = penalty_of(penalty, len(batch))
            at, seen = (x[:, batch], y[:, batch]), loss_penalty(strength) if penalised else 0.0
            losses.append(float(loss_of(W, b, *at, seen)))
            dW, db = own_gradients(W, b, *at, strength, **parts, eta=eta if early else 0.0)
            rate = -eta if uphill else eta
            W = [None, *(w - rate * g for w, g in zip(W[1:], dW[1:], strict=True))]
            b = [
                None,
                *(w - rate * (g + strength * w * shrink_biases) for w, g in zip(b[1:], db[1:], strict=True)),
            ]
            if after:
                losses[-1] = float(loss_of(W, b, *at, seen))
        return W, b, np.array(losses), checked(W, b, x, y, eta, penalty, claim) if last else found

    return capstone


def five_digits(parts, *inputs):
    """The errors count to five digits only: differences, by which they are found, have no more than ten."""
    return {**parts, "errors": parts["errors"].astype(np.float32)}


CAPSTONE = Exercise(
    id="capstone",
    title="Your own engine, layers and loop, checked",
    kind="code",
    answer="capstone",
    draw=draw_capstone,
    right=right_capstone,
    measure=five_digits,
    parts=("W", "b", "losses", "errors"),
    points=8,
    mistakes=(
        KnownMistake(
            "penalty-averaged",
            "the penalty was divided by the number of examples; it belongs to the weights, not to the examples",
            "Take a batch twice as large. Should the penalty on the weights change?",
            wrong_capstone(penalty_of=lambda penalty, N: penalty / N),
            row=42,
        ),
        KnownMistake(
            "penalty-masks",
            "the check ran with the penalty in both gradients, where it covers what is wrong in the data's part",
            "Set the penalty to zero for the check, so that nothing stands before the gradient of the data.",
            wrong_capstone(check=lambda claimed, true, kept: relative_error(claimed + kept, true + kept)),
            row=42,
        ),
        KnownMistake(
            "nothing-compared",
            "the check finds no error even in the wrong claim: it compares nothing",
            "A check that cannot refuse proves nothing. What does yours say of a gradient of zeros?",
            wrong_capstone(check=lambda claimed, true, kept: 0.0),
            row=45,
        ),
        KnownMistake(
            "absolute-error",
            "the errors are lengths; (3.5) divides by the longer of the two gradients",
            "Would your number change if the loss were measured in other units?",
            wrong_capstone(check=lambda claimed, true, kept: float(np.linalg.norm(claimed - true))),
        ),
        KnownMistake(
            "other-denominator",
            "the errors are relative to the nudged gradient; (3.5) divides by the longer of the two",
            "Which of the two is longer here?",
            wrong_capstone(check=lambda claimed, true, kept: relative_error(claimed, true, size=lambda _, true: true)),
        ),
        KnownMistake(
            "sum-denominator",
            "the errors are divided by the sum of the two lengths; (3.5) divides by the longer of them",
            "Twice as long or half as long: what would (3.5) say?",
            wrong_capstone(check=lambda claimed, true, kept: relative_error(claimed, true, size=lambda *two: sum(two))),
        ),
        KnownMistake(
            "errors-exchanged",
            "both errors are there, but the claim's stands first; your own comes first",
            "In which order are they asked for? Yours should be nearly 0.",
            wrong_capstone(errors=lambda errors: errors[::-1].copy()),
        ),
        KnownMistake(
            "checked-at-the-end",
            "the check ran after the training; it belongs to the weights of the start, for which the claim was made",
            "At which weights was the claim made?",
            wrong_capstone(last=True),
        ),
        KnownMistake(
            "no-penalty",
            "the weights are right without the penalty; its gradient λ W is missing",
            "Differentiate λ/2 w² by w.",
            wrong_capstone(penalty_of=lambda penalty, N: 0.0),
        ),
        KnownMistake(
            "losses-without-penalty",
            "the parameters are right, the losses lack the penalty",
            "Which number goes down along your gradient, with the penalty or without?",
            wrong_capstone(penalised=False),
        ),
        KnownMistake(
            "penalty-without-half",
            "the losses have λ Σ‖W‖² for a penalty; it has the factor ½",
            "Your gradient λ W belongs to which penalty?",
            wrong_capstone(loss_penalty=lambda penalty: 2 * penalty),
            row=24,
        ),
        KnownMistake(
            "loss-after-step",
            "the loss of each batch was taken after its own step",
            "When is the gradient's loss computed, before or after the update?",
            wrong_capstone(after=True),
        ),
        KnownMistake(
            "biases-shrink",
            "the biases are penalised as well; the penalty is on the weights alone",
            "Over which parameters does the sum in the penalty run?",
            wrong_capstone(shrink_biases=True),
        ),
        KnownMistake(
            "in-place",
            "the slope was taken at a: σ was computed in place, so that z and a are one array, or a was taken for z",
            "np.shares_memory(z[1], a[1])? And tanh′ is 1 − a², or 1 − tanh(z)², not 1 − tanh(a)².",
            wrong_capstone(slope=lambda l, z, a: 1 - np.tanh(a[l]) ** 2),
            row=33,
        ),
        KnownMistake(
            "no-slope",
            "the error terms of the hidden layers lack tanh′(z)",
            "Your last layer is right. What happens between z and a one layer down?",
            wrong_capstone(slope=lambda l, z, a: 1.0),
            row=1,
        ),
        KnownMistake(
            "slope-at-softmax",
            "softmax and cross-entropy together have δ = (a − y)/N; there is a factor a (1 − a) too many",
            "Cancel on paper, once: ∂L/∂a times the Jacobian of the softmax.",
            wrong_capstone(top=lambda a, y: (a - y) * a * (1 - a)),
            row=3,
        ),
        KnownMistake(
            "sum-for-mean",
            "the gradient is summed over the examples of a batch, where their mean is wanted",
            "Divide by the number of examples in the batch and look again.",
            wrong_capstone(mean=lambda N: 1.0),
            row=17,
        ),
        KnownMistake(
            "full-batch-mean",
            "every batch was divided by 3; the last one has a single example",
            "How many examples are in the batch at hand?",
            wrong_capstone(mean=lambda N: 1 / 3 if N < 3 else 1 / N),
            row=17,
        ),
        KnownMistake(
            "bias-mean",
            "the bias gradients are means over the batch; after the mean in the loss they are sums",
            "Replace b by a column of W whose input is always 1.",
            wrong_capstone(bias=lambda delta: delta.mean(axis=1, keepdims=True)),
            row=19,
        ),
        KnownMistake(
            "updated-first",
            "each W was moved before the error term below it was formed",
            "A gradient cannot depend on the step. Collect all of them first.",
            wrong_capstone(early=True),
            row=12,
        ),
        KnownMistake(
            "uphill",
            "the parameters go up the gradient, not down",
            "Print the loss before and after one tiny step.",
            wrong_capstone(uphill=True),
            row=25,
        ),
    ),
    hints=(
        "Which five pieces do you need, and in which chapter have you written each of them?",
        "forward, gradients (engine or by hand), the penalty's λ W, nudged differences, the loop. Test each one alone.",
        "δ^L = (a − y)/N;  δ^l = (W^(l+1))ᵀ δ^(l+1) ⊙ (1 − (a^l)²);  dW^l = δ^l (a^(l−1))ᵀ + λ W^l;  error as in (3.5)",
    ),
)

EXERCISES = (FACTOR, SCALE, LOOP, LEAKS, DIGITS, CURVES, CAPSTONE)

PREDICTIONS = (
    Prediction(
        "ten-sigmoids",
        options=("about 1", "about a tenth", "about a hundredth", "about a millionth"),
        right="about a millionth",
        because="Each layer multiplies by about a quarter, and a quarter to the power of nine is four millionths.",
    ),
    Prediction(
        "sigmoid-scale",
        options=("at 1", "at 4, because 4 · ¼ is 1", "at none of those that can be chosen"),
        right="at none of those that can be chosen",
        because="Larger weights make larger z, and there the sigmoid is flat: its slope is a quarter at z = 0 only.",
    ),
    Prediction(
        "relu-scale",
        options=("√(1/n)", "√(2/n)", "2/√n", "1, as the mean of the squares is then 1"),
        right="√(2/n)",
        because="A sum of n terms, of which a ReLU has cut off half of the squares, needs twice the variance 1/n.",
    ),
    Prediction(
        "all-or-32",
        options=(
            "the same loss: the work is the same",
            "all at once come lower: their gradient is exact",
            "batches of 32 come far lower: they take 45 times as many steps",
        ),
        right="batches of 32 come far lower: they take 45 times as many steps",
        because="A rough direction that is corrected 45 times an epoch leads further than an exact one followed once.",
    ),
    Prediction(
        "sixty-digits",
        options=("60 % of the new digits", "86 % of the new digits", "99 % of the new digits"),
        right="86 % of the new digits",
        because="Some six of each kind show the usual hand, and not the others. The training set shows no difference: "
        "all of it is right in both trainings.",
    ),
    Prediction(
        "other-hands",
        options=("98 %, as before: it is the same data set", "92 %", "60 %"),
        right="92 %",
        because="The last digits were written by people of whom the training set has hardly anything.",
    ),
    Prediction(
        "sigmoid-gradients",
        options=("in the first", "in the last", "they are about equal"),
        right="in the first",
        because="The error term comes from above, and every layer of sigmoids passes on about a quarter of it.",
    ),
    Prediction(
        "wrong-passes",
        options=("none: a wrong gradient does not train", "5", "15", "all 21"),
        right="15",
        because="Whatever makes less than a right angle with the right gradient still leads downhill.",
    ),
)
