"""Chapter 02, Feed-forward networks: the exercises, the right values by another route, the mistakes with names."""

from itertools import pairwise

import numpy as np

from course_lib.activations import sigmoid
from course_lib.exercises.declaration import Ask, Exercise, KnownMistake
from course_lib.exercises.keyed import in_order, lettered, picks
from course_lib.exercises.predictions import Prediction

# --------------------------------------------------------------------------------------------------- shape-dominoes


def draw_dominoes(rng):
    sizes = [int(n) for n in rng.choice(np.arange(2, 10), 5, replace=False)]
    return {"sizes": sizes, "keys": lettered(rng, [1, 2, 3, 4], solved=False)}


def dominoes(sizes, keys):
    """Start at the layer that takes the input, then always the one whose columns are the rows of the last."""
    shape = {key: (sizes[l], sizes[l - 1]) for key, l in keys.items()}
    rows = [m for m, _ in shape.values()]
    chain = [next(key for key, (_, n) in shape.items() if n not in rows)]
    while len(chain) < len(shape):
        chain.append(next(key for key, (_, n) in shape.items() if n == shape[chain[-1]][0]))
    return " ".join(chain)


DOMINOES = Exercise(
    id="shape-dominoes",
    title="Shape dominoes",
    kind="order",
    answer="layers",
    draw=draw_dominoes,
    right=dominoes,
    ask=lambda sizes, keys: Ask(
        text=f"Four weight matrices of one network, with {sizes[0]} inputs and {sizes[4]} outputs. Put them in the "
        "order in which the input meets them.",
        options={key: f"a matrix {sizes[l]}×{sizes[l - 1]}" for key, l in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "written-order",
            "this is the order on paper, W⁴W³W²W¹; the input meets the rightmost matrix first",
            "Which matrix has as many columns as the network has inputs?",
            in_order(4, 3, 2, 1),
            row=29,
        ),
        KnownMistake(
            "middle-swapped",
            "the first and the last fit, the two in the middle do not",
            "The output of one layer is the input of the next: rows of one = columns of the next.",
            in_order(1, 3, 2, 4),
            row=28,
        ),
        KnownMistake(
            "last-first",
            "the matrix that makes the outputs comes last",
            "Which matrix has as many rows as the network has outputs?",
            in_order(4, 1, 2, 3),
            row=28,
        ),
    ),
    hints=(
        "How many columns must the first matrix have?",
        "A matrix m×n takes n numbers and gives m. Lay them down so that m of one is n of the next.",
        "W^l is n_l × n_(l−1): the columns of each one are the rows of the one before.",
    ),
)

# --------------------------------------------------------------------------------------------------------- count-p


def draw_count(rng):
    return {"sizes": [int(n) for n in rng.choice(np.arange(3, 12), 4, replace=False)]}


def brute_count(sizes):
    """Make the parameters and count them."""
    W = [np.zeros((m, n)) for n, m in pairwise(sizes)]
    b = [np.zeros(m) for m in sizes[1:]]
    return sum(w.size for w in W) + sum(v.size for v in b)


def products(sizes):
    return sum(m * n for n, m in pairwise(sizes))


COUNT = Exercise(
    id="count-p",
    title="Count the parameters",
    kind="num",
    answer="P",
    draw=draw_count,
    right=brute_count,
    ask=lambda sizes: Ask(
        text=f"A network has the sizes {' – '.join(map(str, sizes))}. How many parameters has it, with the biases?"
    ),
    atol=1e-6,
    mistakes=(
        KnownMistake(
            "no-biases",
            "the biases are missing: every neuron behind the input has one",
            "What stands behind W a in a layer?",
            products,
        ),
        KnownMistake(
            "biases-at-input",
            "the inputs have no bias: nothing is computed there",
            "Which layers compute a z?",
            lambda sizes: products(sizes) + sum(sizes),
        ),
        KnownMistake(
            "biases-by-column",
            "the biases were counted by the columns of W; a layer has one for each row, for each of its own neurons",
            "In z = W a + b, which shape has b: that of a or that of z?",
            lambda sizes: products(sizes) + sum(sizes[:-1]),
        ),
        KnownMistake(
            "output-unbiased",
            "the biases of the output layer are missing",
            "Does the last layer compute a z, too?",
            lambda sizes: products(sizes) + sum(sizes[1:-1]),
        ),
        KnownMistake(
            "one-bias-a-layer",
            "a layer has one bias for each neuron, not one in all",
            "What is the shape of b in z = W a + b?",
            lambda sizes: products(sizes) + len(sizes) - 1,
            row=20,
        ),
        KnownMistake(
            "neurons",
            "that is the number of neurons; the parameters are on the links, and one on each neuron",
            "How many links lead from a layer of 3 to a layer of 5?",
            lambda sizes: sum(sizes),
        ),
    ),
    hints=(
        "What shapes have W and b of the first layer?",
        "Count layer by layer: n_l · n_(l−1) weights and n_l biases.",
        "P = Σ (n_l n_(l−1) + n_l)",
    ),
)

# ----------------------------------------------------------------------------------------------------- forward-pass


def draw_forward(rng):
    sizes = [3, 4, 2, 5]
    W = [None, *(rng.normal(size=(m, n)) for n, m in pairwise(sizes))]
    b = [None, *(rng.normal(size=(m, 1)) for m in sizes[1:])]
    return {"W": W, "b": b, "x": rng.normal(size=(3, 1))}


def neuron_by_neuron(W, b, x):
    """Every z as a sum over the incoming links, every a by the tanh form of the sigmoid."""
    z, a = [], [x]
    for W_l, b_l in zip(W[1:], b[1:], strict=True):
        rows = [sum(w * v for w, v in zip(row, a[-1][:, 0], strict=True)) for row in W_l]
        z.append(np.array(rows)[:, None] + b_l)
        a.append(0.5 * (1 + np.tanh(0.5 * z[-1])))
    return [None, *z], a


def forward(W, b, x, activate=lambda l, L, z: sigmoid(z), bias=lambda l, b: b[l], source=lambda l, z, a: a[l - 1]):
    z, a, L = [None], [x], len(W) - 1
    for l in range(1, L + 1):
        z.append(W[l] @ source(l, z, a) + bias(l, b))
        a.append(activate(l, L, z[l]))
    return z, a


FORWARD = Exercise(
    id="forward-pass",
    title="The forward pass that keeps everything",
    kind="code",
    answer="forward",
    draw=draw_forward,
    right=neuron_by_neuron,
    parts=("z", "a"),
    formula=False,
    points=3,
    mistakes=(
        KnownMistake(
            "no-bias",
            "the biases are missing",
            "z = W a + …?",
            lambda W, b, x: forward(W, b, x, bias=lambda l, b: 0),
        ),
        KnownMistake(
            "z-goes-on",
            "the next layer was fed with z instead of a",
            "Which of the two leaves a layer?",
            lambda W, b, x: forward(W, b, x, source=lambda l, z, a: z[l - 1] if l > 1 else a[0]),
            row=16,
        ),
        KnownMistake(
            "z-is-a",
            "z holds the activations: keep z before you apply the sigmoid, in an array of its own",
            "Is your z between 0 and 1? Print it.",
            lambda W, b, x: (lambda z, a: ([None, *a[1:]], a))(*forward(W, b, x)),
            row=33,
        ),
        KnownMistake(
            "no-sigmoid",
            "a is a copy of z: the sigmoid is missing",
            "Which function leads from z to a?",
            lambda W, b, x: forward(W, b, x, activate=lambda l, L, z: z),
        ),
        KnownMistake(
            "precedence",
            "1 / 1 + e^(−z) divides first; the sigmoid is 1 / (1 + e^(−z))",
            "Is your a between 0 and 1? Print it.",
            lambda W, b, x: forward(W, b, x, activate=lambda l, L, z: 1 / 1 + np.exp(-z)),
            row=27,
        ),
        KnownMistake(
            "tanh",
            "the layers have the tanh here, not the sigmoid",
            "Between which numbers do your a lie?",
            lambda W, b, x: forward(W, b, x, activate=lambda l, L, z: np.tanh(z)),
        ),
        KnownMistake(
            "linear-output",
            "the last layer lacks its sigmoid",
            "All layers use the sigmoid here, the last one too.",
            lambda W, b, x: forward(W, b, x, activate=lambda l, L, z: z if l == L else sigmoid(z)),
        ),
        KnownMistake(
            "sigmoid-twice",
            "the sigmoid was applied twice",
            "Count the calls of the sigmoid on the way from z to a.",
            lambda W, b, x: forward(W, b, x, activate=lambda l, L, z: sigmoid(sigmoid(z))),
            row=6,
        ),
        KnownMistake(
            "wrong-sign",
            "the sigmoid is turned round: 1/(1 + e^z) falls where σ rises",
            "What is your σ(5)? It should be near 1.",
            lambda W, b, x: forward(W, b, x, activate=lambda l, L, z: sigmoid(-z)),
        ),
    ),
    hints=(
        "What does layer 1 receive, and what does layer 2 receive?",
        "Start with z = [None] and a = [x], and append both in a loop over the layers.",
        "z[l] = W[l] @ a[l-1] + b[l]; a[l] = 1 / (1 + np.exp(-z[l]))",
    ),
)

# ----------------------------------------------------------------------------------------------------- what-to-keep

KEEP = {
    "all": "z and a of every layer, and the input",
    "last": "z and a of the last layer only",
    "outputs": "the output and the target only",
    "weights": "a second copy of all weights",
}


KEPT = Exercise(
    id="what-to-keep",
    title="What must be kept",
    kind="choice",
    answer="kept",
    draw=lambda rng: {"keys": lettered(rng, list(KEEP))},
    right=picks("all"),
    ask=lambda keys: Ask(
        text="Later the slopes of every layer are wanted: those of z along W hold the a of the layer below, and those "
        "of a along z are taken at z. What must a forward pass keep for that?",
        options={key: KEEP[name] for key, name in keys.items()},
    ),
    mistakes=(
        KnownMistake(
            "last",
            "the layers below need their own z and a as well",
            "The slope of which layer is taken at z¹?",
            picks("last"),
            row=7,
        ),
        KnownMistake(
            "outputs",
            "output and target give the slope at the very end; the layers before need their own values",
            "Where is σ′ taken?",
            picks("outputs"),
        ),
        KnownMistake(
            "weights",
            "the weights are still there; the values that ran through them are what would be lost",
            "What does a forward pass make that the network does not hold?",
            picks("weights"),
        ),
    ),
    hints=(
        "Which values does the slope of one layer need?",
        "Write down the slope of z² along W², and of a² along z². Which letters stand in it?",
        "∂z/∂W holds a^(l−1), ∂a/∂z is σ′(z^l): keep them for every l.",
    ),
)

# -------------------------------------------------------------------------------------------------- linear-collapse


def draw_collapse(rng):
    numbers = rng.choice([-3, -2, -1, 1, 2, 3, 4], 6, replace=False)
    more = rng.choice([-4, -3, -2, 2, 3, 5], 6, replace=False)
    return {
        "W1": numbers.reshape(3, 2),
        "b1": rng.choice([-2, -1, 1, 2, 3], 3, replace=False),
        "W2": more.reshape(2, 3),
        "b2": rng.choice([-5, -4, 4, 5], 2, replace=False),
    }


def by_probing(W1, b1, W2, b2):
    """The one layer that does the same, by probing: b is what 0 gives, the columns are what unit inputs add."""

    def network(x):
        return W2 @ (W1 @ x + b1) + b2

    b = network(np.zeros(2))
    return np.column_stack([network(e) - b for e in np.eye(2)] + [b])


COLLAPSE = Exercise(
    id="linear-collapse",
    title="Two linear layers are one",
    kind="num",
    answer="Wb",
    draw=draw_collapse,
    right=by_probing,
    ask=lambda W1, b1, W2, b2: Ask(
        text="Two layers without an activation: h = W¹x + b¹, y = W²h + b². Find the single layer y = Wx + b that "
        "does the same.",
        given={"W¹": W1, "b¹": b1, "W²": W2, "b²": b2},
        shape=(2, 3),
        rows=("y₁", "y₂"),
        columns=("W, x₁", "W, x₂", "b"),
    ),
    atol=1e-6,
    points=2,
    mistakes=(
        KnownMistake(
            "biases-added",
            "W is right, but b¹ passes through W² before it reaches the output",
            "What comes out for x = 0?",
            lambda W1, b1, W2, b2: np.column_stack([W2 @ W1, b1[:2] + b2]),
        ),
        KnownMistake(
            "b1-lost",
            "W is right, but the bias of the first layer got lost",
            "What comes out for x = 0?",
            lambda W1, b1, W2, b2: np.column_stack([W2 @ W1, b2]),
        ),
        KnownMistake(
            "b2-lost",
            "W is right, but the bias of the second layer got lost",
            "What comes out for x = 0?",
            lambda W1, b1, W2, b2: np.column_stack([W2 @ W1, W2 @ b1]),
        ),
        KnownMistake(
            "elementwise",
            "W¹ and W² were multiplied entry by entry",
            "y₁ feels x₁ through three hidden numbers. What adds these three ways up?",
            lambda W1, b1, W2, b2: np.column_stack([W2[:, :2] * W1[:2], W2 @ b1 + b2]),
            row=26,
        ),
    ),
    hints=(
        "Put h into the second formula. Which terms hold x?",
        "Multiply out W²(W¹x + b¹) + b².",
        "W = W²W¹, b = W²b¹ + b²",
    ),
)

EXERCISES = (DOMINOES, COUNT, FORWARD, KEPT, COLLAPSE)

# ---------------------------------------------------------------------------------------------------- predictions

PREDICTIONS = (
    Prediction(
        "second-matrix",
        options=("2 × 3", "3 × 2", "2 × 2"),
        right="2 × 3",
        because="A row for each of its two neurons, a column for each of the three numbers that they receive.",
    ),
    Prediction(
        "without-curve",
        options=("more: they have more parameters", "nothing at all", "they could bend the line once"),
        right="nothing at all",
        because="Two affine maps in a row are an affine map, and one layer can be that.",
    ),
    Prediction(
        "count-232",
        options=("12", "17", "19"),
        right="17",
        because="12 weights and 5 biases. The inputs are no neurons, so that they have no bias.",
    ),
    Prediction(
        "largest-matrix",
        options=("W<sup>1</sup>, with nearly all of them", "W<sup>2</sup>, with nearly all of them", "each about half"),
        right="W<sup>1</sup>, with nearly all of them",
        because="784 · 30 = 23 520 weights lead into the first layer and 30 · 10 = 300 into the second. Type "
        "784, 30 and 10 and see.",
    ),
    Prediction(
        "keep-what",
        options=("none: only the output counts", "every a", "every z and every a"),
        right="every z and every a",
        because="The slope of σ is taken at z, and the slope along a weight is the a at its beginning.",
    ),
    Prediction(
        "forward-multiplications",
        options=(
            "about as many as it has parameters",
            "about as many as it has neurons",
            "the square of its parameters",
        ),
        right="about as many as it has parameters",
        because="Each weight is multiplied once, by the one number that it carries.",
    ),
)
