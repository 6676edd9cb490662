"""Chapter 06, Back-propagation by hand: the exercises, the right values by another route, the mistakes with names.

Networks here are lists W, b, z, a with None at index 0, so that an index is the layer's number; sigmoid everywhere; the
loss is half the squared error.
"""

from typing import Any

import numpy as np

from course_lib.activations import dsigmoid, sigmoid
from course_lib.exercises.declaration import Ask, Exercise, KnownMistake, Share, hidden_layers, output_layer
from course_lib.exercises.keyed import in_order, lettered
from course_lib.exercises.predictions import Prediction

ETA = 0.5  # the step of the mistake that updates too early


def forward(W, b, x):
    z, a = [], [x]
    for l in range(1, len(W)):
        z.append(W[l] @ a[l - 1] + b[l])
        a.append(sigmoid(z[-1]))
    return [None, *z], a


def loss(W, b, x, y):
    return 0.5 * np.sum((forward(W, b, x)[1][-1] - y) ** 2, axis=0).mean()


def complex_gradients(W, b, x, y):
    """dL/dW and dL/db from the loss alone, one complex step a parameter: the route that knows no back-propagation."""
    h = 1e-30

    def slopes(parameters, l):
        gradient = np.empty(parameters[l].shape)
        for index in np.ndindex(gradient.shape):
            moved = list(parameters)
            moved[l] = parameters[l].astype(complex)
            moved[l][index] += 1j * h
            value = loss(moved, b, x, y) if parameters is W else loss(W, moved, x, y)
            gradient[index] = value.imag / h
        return gradient

    layers = range(1, len(W))
    return [None, *(slopes(W, l) for l in layers)], [None, *(slopes(b, l) for l in layers)]


def weights(rng, sizes, low=0.4, high=1.4):
    """Weight matrices without small entries, either sign, and small biases; column vectors."""
    W, b = [None], [None]
    for m, n in zip(sizes[1:], sizes, strict=False):
        W.append(rng.uniform(low, high, (m, n)) * rng.choice([-1, 1], (m, n)))
        b.append(rng.uniform(-0.5, 0.5, (m, 1)))
    return W, b


def backward(
    W,
    z,
    a,
    y,
    slope=lambda l, z, a: dsigmoid(z[l]),
    error=lambda a, y: a - y,
    back=lambda l, W, dW: W[l].T,
    left=lambda l, z, a: a[l - 1],
    outer=lambda delta, left: delta @ left.T,
    used=lambda top, arriving, delta: delta,
):
    """Back-propagation with every part open to a mistake: (6.1) to (6.4) when nothing is replaced."""
    L = len(W) - 1
    dW, db = [None] * (L + 1), [None] * (L + 1)
    arriving = error(a[L], y)
    for l in range(L, 0, -1):
        delta = arriving * slope(l, z, a)
        stored = used(l == L, arriving, delta)
        dW[l], db[l] = outer(stored, left(l, z, a)), stored.sum(axis=1, keepdims=True)
        if l > 1:
            arriving = back(l, W, dW) @ delta
    return dW, db


# ------------------------------------------------------------------------------------------------------ two-two-two

ROWS = ("δ²₁", "δ²₂", "δ¹₁", "δ¹₂", "∂L/∂W²₁₂", "∂L/∂W¹₂₁")


def draw_two(rng):
    W = [
        None,
        *(
            rng.choice([-1, 1], (2, 2)) * rng.choice([0.5, 0.8, 1.1, 1.4], (4), replace=False).reshape(2, 2)
            for _ in "12"
        ),
    ]
    b = [None, *(rng.choice([-0.4, -0.3, 0.2, 0.6], (2, 1), replace=False) for _ in "12")]
    x = rng.choice([0.7, 1.2, 1.6, 2.0], (2, 1), replace=False)
    y = rng.choice([[[1.9], [-1.2]], [[-1.6], [2.1]], [[2.3], [-0.9]]])
    return {"W": W, "b": b, "x": x, "y": y}


def entries(dW, db):
    return np.array([*db[2].ravel(), *db[1].ravel(), dW[2][0, 1], dW[1][1, 0]])


def right_two(W, b, x, y):
    return entries(*complex_gradients(W, b, x, y))


def ask_two(W, b, x, y):
    return Ask(
        text="A 2-2-2 network with sigmoids and L = ½‖a² − y‖². Go forward, then back, and fill in the error terms "
        "and two of the "
        "gradients to four digits after the point.",
        given={"x": x, "y": y, "W¹": W[1], "b¹": b[1], "W²": W[2], "b²": b[2]},
        shape=(6,),
        rows=ROWS,
    )


def wrong_two(**parts):
    def wrong(W, b, x, y):
        z, a = forward(W, b, x)
        return entries(*backward(W, z, a, y, **parts))

    return wrong


def updated_first(W, z, a, y, eta=ETA):
    """W of a layer is moved by its own gradient before the error term below it is formed."""
    return backward(W, z, a, y, back=lambda l, W, dW: (W[l] - eta * dW[l]).T)


NO_SLOPE_HIDDEN = {"slope": lambda l, z, a: dsigmoid(z[l]) if l == len(z) - 1 else 1.0}
NO_SLOPE_OUTPUT = {"slope": lambda l, z, a: 1.0 if l == len(z) - 1 else dsigmoid(z[l])}
NO_SLOPES = {"slope": lambda l, z, a: 1.0}
VALUE_FOR_SLOPE = {"slope": lambda l, z, a: a[l]}
SLOPE_AT_A = {"slope": lambda l, z, a: dsigmoid(a[l])}
A_FORMULA_ON_Z = {"slope": lambda l, z, a: z[l] * (1 - z[l])}
W_NOT_TRANSPOSED = {"back": lambda l, W, dW: W[l]}
SIGN = {"error": lambda a, y: y - a}
TWICE = {"error": lambda a, y: 2 * (a - y)}

TWO = Exercise(
    id="two-two-two",
    title="A 2-2-2 network to four digits",
    kind="num",
    answer="terms",
    draw=draw_two,
    right=right_two,
    ask=ask_two,
    atol=6e-5,
    points=3,
    mistakes=(
        KnownMistake(
            "no-slope-hidden",
            "your hidden error terms lack σ′(z)",
            "Your output layer is right. What happens between z and a one layer down?",
            wrong_two(**NO_SLOPE_HIDDEN),
            row=1,
        ),
        KnownMistake(
            "no-slope-output",
            "your output error terms lack σ′(z²): a² − y is ∂L/∂a², not ∂L/∂z²",
            "Which loss has δ = a − y? Is it the one in this task?",
            wrong_two(**NO_SLOPE_OUTPUT),
            row=2,
        ),
        KnownMistake(
            "no-slopes",
            "σ′(z) is missing in both layers: what you have are slopes along a, not along z",
            "What happens between a z and its a? Each error term needs the slope of that step.",
            wrong_two(**NO_SLOPES),
            row=1,
        ),
        KnownMistake(
            "value-for-slope",
            "σ stands where its slope σ′ belongs",
            "Along the path the slopes are multiplied, not the values. What is σ′, in terms of a?",
            wrong_two(**VALUE_FOR_SLOPE),
        ),
        KnownMistake(
            "slope-at-a",
            "σ′ was taken at a; its argument is z",
            "σ′ takes z. If you only kept a, use a(1 − a).",
            wrong_two(**SLOPE_AT_A),
            row=4,
        ),
        KnownMistake(
            "w-not-transposed",
            "the error terms went down through W² instead of its transpose",
            "Which outputs did a¹₁ feed? Follow the links back from them: down a column of W².",
            wrong_two(**W_NOT_TRANSPOSED),
            row=8,
        ),
        KnownMistake(
            "updated-first",
            "W² was updated before δ¹ was formed: the gradient is taken at the old weights",
            "A gradient cannot depend on the step. Does yours?",
            wrong_two(back=lambda l, W, dW: (W[l] - ETA * dW[l]).T),
            row=12,
        ),
        KnownMistake(
            "gradient-transposed",
            "the two weight gradients are read at the transposed place",
            "W²₁₂ leads from a¹₂ to z²₁. Which error term and which activation does it join?",
            lambda W, b, x, y: (lambda dW, db: np.array([*db[2].ravel(), *db[1].ravel(), dW[2][1, 0], dW[1][0, 1]]))(
                *complex_gradients(W, b, x, y)
            ),
            row=11,
        ),
        KnownMistake(
            "sign",
            "every sign is turned round: the residual is a − y, not y − a",
            "Raise a² a little beyond y. Does the loss rise or fall?",
            wrong_two(**SIGN),
            row=25,
        ),
        KnownMistake(
            "factor-two",
            "everything is twice too large: the ½ in the loss takes the 2 away",
            "Differentiate ½(a − y)² by a.",
            wrong_two(**TWICE),
            row=24,
        ),
    ),
    hints=(
        "Which numbers of the forward pass does δ² need?",
        "Go forward and keep every z and a. Then δ² from the residual, then δ¹ from δ².",
        "δ² = (a² − y) ⊙ σ′(z²);  δ¹ = (W²)ᵀ δ² ⊙ σ′(z¹);  ∂L/∂W²₁₂ = δ²₁ a¹₂",
    ),
)

# ------------------------------------------------------------------------------------------------------- pass-order

STEPS = {
    "z1": "z¹ = W¹ x + b¹",
    "a1": "a¹ = σ(z¹)",
    "z2": "z² = W² a¹ + b²",
    "a2": "a² = σ(z²)",
    "d2": "δ² = (a² − y) ⊙ σ′(z²)",
    "d1": "δ¹ = (W²)ᵀ δ² ⊙ σ′(z¹)",
    "dW": "∂L/∂W² = δ² (a¹)ᵀ and ∂L/∂W¹ = δ¹ xᵀ",
    "up": "W ← W − η ∂L/∂W in both layers",
}
NEEDS = {"a1": "z1", "z2": "a1", "a2": "z2", "d2": "a2", "d1": "d2", "dW": "d1", "up": "dW"}


def draw_order(rng):
    return {"keys": lettered(rng, list(STEPS), solved=False)}


def by_needs(keys):
    """The one order in which every step finds what it needs, found by looking for a step whose need is met."""
    done: list[str] = []
    while len(done) < len(STEPS):
        done.append(next(s for s in keys.values() if s not in done and NEEDS.get(s) in (None, *done)))
    return in_order(*done)(keys)


ORDER = Exercise(
    id="pass-order",
    title="The steps in order",
    kind="order",
    answer="steps",
    draw=draw_order,
    right=by_needs,
    ask=lambda keys: Ask(
        text="One step of training for a network with two layers. Put its parts in order, so that each finds what it "
        "needs.",
        options={key: STEPS[step] for key, step in keys.items()},
    ),
    points=1,
    mistakes=(
        KnownMistake(
            "updated-first",
            "the weights are updated before δ¹ is formed; δ¹ needs the W² that the forward pass used",
            "Which of the steps reads W²? All of them must come before it changes.",
            in_order("z1", "a1", "z2", "a2", "d2", "dW", "up", "d1"),
            row=12,
        ),
        KnownMistake(
            "errors-forwards",
            "the error terms run forwards here; δ¹ is made from δ²",
            "Look at the formula for δ¹. What does it read?",
            in_order("z1", "a1", "z2", "a2", "d1", "d2", "dW", "up"),
        ),
        KnownMistake(
            "backward-first",
            "the error terms come before the forward pass, which makes the z and a that they read",
            "δ² reads a² and z². Where do these come from?",
            in_order("d2", "d1", "z1", "a1", "z2", "a2", "dW", "up"),
        ),
        KnownMistake(
            "gradient-before-error",
            "the gradient of W¹ reads δ¹, which is not there yet",
            "Which error terms does the line of the two gradients read?",
            in_order("z1", "a1", "z2", "a2", "d2", "dW", "d1", "up"),
        ),
    ),
    hints=(
        "Which step needs nothing but x?",
        "For every step, look at what stands on the right of its =, and put it after the steps that make that.",
        "Forward z¹ a¹ z² a², back δ² δ¹, then the gradients, and the update last of all.",
    ),
)

# ----------------------------------------------------------------------------------------------------- backward-one


def draw_backward(rng):
    W, b = weights(rng, [2, 3, 3, 3], 0.6, 1.6)
    x, y = rng.uniform(0.5, 1.5, (2, 1)) * rng.choice([-1, 1], (2, 1)), rng.uniform(0.1, 0.9, (3, 1))
    z, a = forward(W, b, x)
    return {"W": W, "z": z, "a": a, "y": y}


def right_backward(W, z, a, y):
    b = [None, *(z[l] - W[l] @ a[l - 1] for l in range(1, len(W)))]
    return complex_gradients(W, b, a[0], y)


def wrong_backward(**parts):
    return lambda W, z, a, y: backward(W, z, a, y, **parts)


BACKWARD = Exercise(
    id="backward-one",
    title="The backward pass for one example",
    kind="code",
    answer="backward",
    draw=draw_backward,
    right=right_backward,
    parts=("dW", "db"),
    points=4,
    shares=(Share("the output layer", 1, output_layer), Share("the hidden layers", 3, hidden_layers)),
    mistakes=(
        KnownMistake(
            "no-slope-hidden",
            "your hidden error terms lack σ′(z)",
            "Your top layer is right. What happens between z and a one layer down?",
            wrong_backward(**NO_SLOPE_HIDDEN),
            row=1,
        ),
        KnownMistake(
            "no-slope-output",
            "your output error term lacks σ′(z): a − y is ∂L/∂a, not ∂L/∂z",
            "Which loss has δ = a − y? Is it the one in this task?",
            wrong_backward(**NO_SLOPE_OUTPUT),
            row=2,
        ),
        KnownMistake(
            "no-slopes",
            "σ′(z) is missing in every layer: what you have are slopes along a, not along z",
            "What happens between a z and its a? Each error term needs the slope of that step.",
            wrong_backward(**NO_SLOPES),
            row=1,
        ),
        KnownMistake(
            "value-for-slope",
            "σ stands where its slope σ′ belongs",
            "Along the path the slopes are multiplied, not the values. What is σ′, in terms of a?",
            wrong_backward(**VALUE_FOR_SLOPE),
        ),
        KnownMistake(
            "slope-twice",
            "σ′ of the hidden layers is multiplied in twice",
            "Count the σ′ on the path from the loss to W¹: one for each layer.",
            wrong_backward(slope=lambda l, z, a: dsigmoid(z[l]) ** (1 if l == len(z) - 1 else 2)),
            row=6,
        ),
        KnownMistake(
            "before-the-slope",
            "in the hidden layers ∂L/∂a was used for δ; what you pass down is right, what you make dW and db of is not",
            "Give ∂L/∂a a name of its own. Which of the two goes into (6.3)?",
            wrong_backward(used=lambda top, arriving, delta: delta if top else arriving),
            row=13,
        ),
        KnownMistake(
            "slope-at-a",
            "σ′ was taken at a; its argument is z",
            "σ′ takes z. If you only kept a, use a(1 − a).",
            wrong_backward(**SLOPE_AT_A),
            row=4,
        ),
        KnownMistake(
            "a-formula-on-z",
            "the formula a(1 − a) was fed with z",
            "Can σ′ be negative? Print the least and the greatest value of yours.",
            wrong_backward(**A_FORMULA_ON_Z),
            row=5,
        ),
        KnownMistake(
            "slope-of-neighbour",
            "σ′ was taken at the z of the layer above",
            "Write the layer's number beside every array: δ^l goes with z^l.",
            wrong_backward(slope=lambda l, z, a: dsigmoid(z[min(l + 1, len(z) - 1)])),
            row=7,
        ),
        KnownMistake(
            "w-not-transposed",
            "the error terms went down through W instead of its transpose",
            "Which z's did a_j feed? Sum over them: that is down a column of W.",
            wrong_backward(**W_NOT_TRANSPOSED),
            row=8,
        ),
        KnownMistake(
            "w-inverted",
            "the inverse of W stands where its transpose belongs",
            "Back-propagation moves sensitivities, not values. Nothing is undone on the way back.",
            wrong_backward(back=lambda l, W, dW: np.linalg.inv(W[l])),
            row=9,
        ),
        KnownMistake(
            "gradient-for-weight",
            "∂L/∂W stands where W belongs in the step to the layer below",
            "∂z/∂a is …? Does it contain the loss?",
            wrong_backward(back=lambda l, W, dW: dW[l].T),
            row=10,
        ),
        KnownMistake(
            "gradient-transposed",
            "dW is transposed: it must have the shape of W, one row an output",
            "A gradient has the shape of its parameter. Which index of δ aᵀ is the output?",
            wrong_backward(outer=lambda delta, left: left @ delta.T),
            row=11,
        ),
        KnownMistake(
            "updated-first",
            "each W was updated before the error term below it was formed",
            "A gradient cannot depend on the step. Collect all gradients first.",
            updated_first,
            row=12,
        ),
        KnownMistake(
            "a-of-same-layer",
            "dW^l was made with a^l; W^l multiplied a^(l−1)",
            "Which vector did W^l multiply?",
            wrong_backward(left=lambda l, z, a: a[l] if l > 1 else a[0]),
            row=15,
        ),
        KnownMistake(
            "z-for-a",
            "dW^l was made with z^(l−1); W^l multiplied a^(l−1)",
            "Which vector did W^l multiply?",
            wrong_backward(left=lambda l, z, a: z[l - 1] if l > 1 else a[0]),
            row=16,
        ),
        KnownMistake(
            "sign",
            "every sign is turned round: the residual is a − y, not y − a",
            "Raise a a little beyond y. Does the loss rise or fall?",
            wrong_backward(**SIGN),
            row=25,
        ),
        KnownMistake(
            "factor-two",
            "everything is twice too large: the ½ in the loss takes the 2 away",
            "Differentiate ½(a − y)² by a.",
            wrong_backward(**TWICE),
            row=24,
        ),
    ),
    hints=(
        "What is δ at the last layer, and what does one step down do to it?",
        "Start with δ^L, then loop l from L − 1 down to 1. Each δ^l gives its dW and db at once.",
        "δ^l = (W^(l+1))ᵀ δ^(l+1) ⊙ σ′(z^l);  dW^l = δ^l (a^(l−1))ᵀ;  db^l = δ^l",
    ),
)

# --------------------------------------------------------------------------------------------------------- needs-w2


def draw_needs(rng):
    return {"L": int(rng.integers(3, 5))}


def graph(L):
    """Every quantity of the two passes and what it is made from: {name: the names that it reads}."""
    reads = {}
    for l in range(1, L + 1):
        reads[f"z{l}"] = [f"W{l}", f"a{l - 1}"]
        reads[f"a{l}"] = [f"z{l}"]
    reads[f"δ{L}"] = [f"a{L}", "y", f"z{L}"]
    for l in range(L - 1, 0, -1):
        reads[f"δ{l}"] = [f"W{l + 1}", f"δ{l + 1}", f"z{l}"]
    return reads


def needs(L, l=2):
    """What the backward pass must find stored to form the gradient of W^l: back through the error terms, no further."""
    reads, found, ask = graph(L), [], [f"δ{l}", f"a{l - 1}"]
    while ask:
        name = ask.pop()
        if name.startswith("δ"):
            ask += reads[name]
        else:
            found.append(name)
    return sorted(found)


def ask_needs(L):
    position = {"y": (1.0, 0.1)}
    for l in range(L + 1):
        position[f"a{l}"] = ((3 * l) / (3 * L), 0.5)
    for l in range(1, L + 1):
        position[f"W{l}"] = ((3 * l - 2) / (3 * L), 0.1)
        position[f"z{l}"] = ((3 * l - 1) / (3 * L), 0.5)
    links = [(source, target, "") for target, sources in graph(L).items() if target[0] in "za" for source in sources]
    return Ask(
        text=f"A network with {L} layers has gone forward and kept everything. Now the gradient of W² is wanted and "
        "nothing else. "
        "Choose every quantity whose stored value the backward pass must read.",
        nodes=position,
        edges=tuple(links),
        pick="nodes",
    )


NEEDS_W2 = Exercise(
    id="needs-w2",
    title="What the gradient of W² needs",
    kind="path",
    answer="needed",
    draw=draw_needs,
    right=needs,
    ask=ask_needs,
    points=2,
    mistakes=(
        KnownMistake(
            "own-weight",
            "W² itself is not read: z² depends on W² with slope a¹, whatever W² is",
            "Which letters stand in δ² (a¹)ᵀ, and in δ²?",
            lambda L: sorted([*needs(L), "W2"]),
            row=14,
        ),
        KnownMistake(
            "a-of-same-layer",
            "a² is not the vector that W² multiplied",
            "Which vector did W² multiply?",
            lambda L: sorted([name for name in needs(L) if name != "a1"] + ["a2"]),
            row=15,
        ),
        KnownMistake(
            "no-slopes",
            "without the z's there is no σ′: every error term needs its own",
            "What does δ² = … ⊙ σ′(…) read?",
            lambda L: [name for name in needs(L) if name[0] != "z"],
            row=1,
        ),
        KnownMistake(
            "no-weights",
            "each step down goes through the weights of the layer above, and reads them",
            "What is multiplied with δ³ to make δ²?",
            lambda L: [name for name in needs(L) if name[0] != "W"],
            row=14,
        ),
        KnownMistake(
            "no-loss",
            "the error terms begin at the loss, with a of the last layer and y; neither is among yours",
            "Write down δ of the last layer. Which letters stand in it?",
            lambda L: [name for name in needs(L) if name not in ("y", f"a{L}")],
        ),
        KnownMistake(
            "all-activations",
            "the a of the hidden layers above are read for the gradients of their own layers, not on the way to W²",
            "Which letters stand in δ^l? Is there an a of a hidden layer among them?",
            lambda L: sorted([*needs(L), *(f"a{l}" for l in range(2, L))]),
            row=15,
        ),
        KnownMistake(
            "one-layer-only",
            "that is δ² (a¹)ᵀ with δ² from one layer up, but the error term above has to come from somewhere, too",
            "Follow δ² back to δ³, and on to the loss. What does each of them read?",
            lambda L: ["W3", "a1", "z2"],
        ),
        KnownMistake(
            "everything",
            "not everything: what lies below a¹ plays no part in the gradient of W²",
            "Does x enter δ² (a¹)ᵀ, once a¹ is known?",
            lambda L: sorted(ask_needs(L).nodes),
        ),
    ),
    hints=(
        "Which two things does ∂L/∂W² multiply?",
        "a¹ is one. The other is δ². Write down what δ² reads, then what δ³ reads, up to the loss.",
        "δ^l reads W^(l+1), δ^(l+1) and z^l; the last one reads a, y and z of the last layer.",
    ),
)

# --------------------------------------------------------------------------------------------------------- bug-hunt

BUGS = {
    "hidden": "σ′ forgotten in the hidden layers",
    "output": "σ′ forgotten at the output",
    "sum": "sum over the batch instead of its mean",
    "every": "the mean taken again at every layer",
    "sign": "y − a instead of a − y",
}


PARTS: dict[str, dict[str, Any]] = {"hidden": NO_SLOPE_HIDDEN, "output": NO_SLOPE_OUTPUT, "sign": SIGN}


def draw_hunt(rng):
    W, b = weights(rng, [2, 3, 3, 2])
    x = rng.uniform(-1.5, 1.5, (2, 4))
    y = rng.uniform(0.05, 0.95, (2, 4))
    names = list(lettered(rng, sorted(BUGS), solved=False).values())
    return {"W": W, "b": b, "x": x, "y": y, "bugs": names, "keys": dict(zip("abcde", sorted(BUGS), strict=True))}


def wrong_pass(bug, W, b, x, y):
    """The weight gradients of a backward pass over a batch with one bug in it; "" is the right one."""
    (z, a), N, L = forward(W, b, x), x.shape[1], len(W) - 1
    dW, _ = backward(W, z, a, y, **PARTS.get(bug, {}))
    factor = {"sum": lambda l: 1, "every": lambda l: 1 / N ** (L + 1 - l)}.get(bug, lambda l: 1 / N)
    return [None, *(factor(l) * dW[l] for l in range(1, L + 1))]


def table(bug, W, b, x, y):
    """Rows W1, W2, W3; columns |wrong|/|right| and the cosine between the two."""
    rows = []
    for wrong, right in zip(wrong_pass(bug, W, b, x, y)[1:], complex_gradients(W, b, x, y)[0][1:], strict=True):
        sizes = np.linalg.norm(wrong), np.linalg.norm(right)
        rows.append([sizes[0] / sizes[1], np.vdot(wrong, right) / (sizes[0] * sizes[1])])
    return np.array(rows)


def ask_hunt(W, b, x, y, bugs, keys):
    return Ask(
        text="Five wrong backward passes over a batch of 4 examples. For each, the table compares its gradients of "
        "W¹, W² and W³ (three rows) with the right ones: on the left the length of the wrong gradient over that of "
        "the right one, on the right the cosine of the angle between the two. "
        "Put the bugs into the order of the tables 1 to 5.",
        given={f"table {n}": table(bug, W, b, x, y).round(3) for n, bug in enumerate(bugs, 1)},
        options={key: BUGS[bug] for key, bug in keys.items()},
    )


def hunt(swap=()):
    """The keys in the order of the tables, with two bugs taken for each other."""

    def answer(W, b, x, y, bugs, keys):
        mixed = dict(zip(swap, reversed(swap), strict=True))
        return " ".join(next(k for k, name in keys.items() if name == mixed.get(bug, bug)) for bug in bugs)

    return answer


HUNT = Exercise(
    id="bug-hunt",
    title="Bug hunt: five wrong passes",
    kind="order",
    answer="bugs",
    draw=draw_hunt,
    right=hunt(),
    ask=ask_hunt,
    points=3,
    mistakes=(
        KnownMistake(
            "hidden-for-output",
            "the two passes that forget σ′ have changed places",
            "Forgotten in the hidden layers, σ′ leaves one layer exact. Which one?",
            hunt(("hidden", "output")),
            row=2,
        ),
        KnownMistake(
            "sum-for-every",
            "the sum and the repeated mean have changed places",
            "One of them is N times too large everywhere; the other is too small, and more so the further down.",
            hunt(("sum", "every")),
            row=18,
        ),
        KnownMistake(
            "sign-for-sum",
            "the turned sign and the sum have changed places",
            "A cosine of −1 means: the same line, the opposite way.",
            hunt(("sign", "sum")),
            row=25,
        ),
        KnownMistake(
            "hidden-for-every",
            "both leave the top layer alone in its direction, but the repeated mean changes sizes only",
            "Look at the cosines: a factor leaves them at 1.",
            hunt(("hidden", "every")),
            row=1,
        ),
    ),
    hints=(
        "Which tables have a cosine of exactly 1 or −1 everywhere?",
        "A factor changes sizes and no directions. A forgotten σ′ changes both, from its own layer downwards.",
        "N everywhere: sum. Powers of 1/N: mean again. −1: sign. Top layer exact: hidden σ′. All off: output σ′.",
    ),
)

# --------------------------------------------------------------------------------------------------- published-slip

X, T = np.array([[0.05], [0.10]]), np.array([[0.01], [0.99]])
W0 = [None, np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([[0.40, 0.45], [0.50, 0.55]])]
B0 = [None, np.full((2, 1), 0.35), np.full((2, 1), 0.60)]


def draw_slip(rng):
    return {"eta": float(rng.choice(np.delete(np.arange(20, 100), 30))) / 100}  # not 0.5, which the example has


def after_step(dW, eta, db=None):
    W = [None, *(W0[l] - eta * dW[l] for l in (1, 2))]
    b = B0 if db is None else [None, *(B0[l] - eta * db[l] for l in (1, 2))]
    return loss(W, b, X, T)


def early(eta):
    """The gradients when W2 is moved before the hidden error term is formed."""
    z, a = forward(W0, B0, X)
    return updated_first(W0, z, a, T, eta)


def both_losses(eta, move_biases=False):
    """The loss after a step with the right gradients, and after one that updates W2 too early."""
    return np.array(
        [after_step(dW, eta, db if move_biases else None) for dW, db in (complex_gradients(W0, B0, X, T), early(eta))]
    )


def ask_slip(eta):
    return Ask(
        text=f"Take one step with η = {eta}, weights only. Give the loss after it, first when δ¹ is formed with the "
        "old W², "
        "then when W² is updated before δ¹ is formed. Nine digits after the point.",
        given={"x": X, "y": T, "W¹": W0[1], "b¹": B0[1], "W²": W0[2], "b²": B0[2]},
        shape=(2,),
        rows=("old W²", "new W²"),
    )


SLIP = Exercise(
    id="published-slip",
    title="The slip in a published example",
    kind="num",
    answer="losses",
    draw=draw_slip,
    right=both_losses,
    ask=ask_slip,
    atol=2e-9,
    points=2,
    mistakes=(
        KnownMistake(
            "swapped",
            "both numbers are right, but they have changed places",
            "δ¹ reads the W² that made the output. Which of your two runs does that?",
            lambda eta: both_losses(eta)[::-1].copy(),
            row=12,
        ),
        KnownMistake(
            "same-twice",
            "both numbers are the loss of the right step; in the second run δ¹ must read the new W²",
            "In the second run, update W² first and then form δ¹ with it.",
            lambda eta: both_losses(eta)[[0, 0]],
        ),
        KnownMistake(
            "biases-moved",
            "the biases were updated, too; the example leaves them where they are",
            "Which parameters may move in this step?",
            lambda eta: both_losses(eta, move_biases=True),
        ),
        KnownMistake(
            "uphill",
            "the loss has gone up: the step was taken along the gradient, not against it",
            "Print the loss before the step. Which way did it go?",
            lambda eta: both_losses(-eta),
            row=25,
        ),
        KnownMistake(
            "no-half",
            "both are twice too large: the loss of the example has the factor ½",
            "Which loss does the example use?",
            lambda eta: 2 * both_losses(eta),
            row=24,
        ),
    ),
    hints=(
        "Which weights does δ¹ read, and in which of the two runs have they changed?",
        "Write the step twice. Form both gradients before you move anything; then again, moving W² in between.",
        "W² ← W² − η δ² (a¹)ᵀ;  δ¹ = (W²)ᵀ δ² ⊙ σ′(z¹), with the old W² in the first run and the new one in the second",
    ),
)

EXERCISES = (TWO, ORDER, BACKWARD, NEEDS_W2, HUNT, SLIP)

# ---------------------------------------------------------------------------------------------------- predictions

PREDICTIONS = (
    Prediction(
        "error-sign",
        options=("it rises", "it falls", "it stays"),
        right="it falls",
        because="The output is near 0.6 and should be 1: a larger z brings it closer. So the slope is negative.",
    ),
    Prediction(
        "paths-to-loss",
        options=("one", "two", "three"),
        right="two",
        because="One through each output.",
    ),
    Prediction(
        "weight-gradient",
        options=(
            "δ<sup>2</sup><sub>1</sub> a<sup>1</sup><sub>2</sub>",
            "δ<sup>2</sup><sub>2</sub> a<sup>1</sup><sub>1</sub>",
            "δ<sup>2</sup><sub>1</sub> W<sup>2</sup><sub>12</sub>",
        ),
        right="δ<sup>2</sup><sub>1</sub> a<sup>1</sup><sub>2</sub>",
        because="The weight ends at neuron 1 of layer 2 and begins at neuron 2 of layer 1: the error term "
        "where it ends, the activation where it begins.",
    ),
    Prediction(
        "forgotten-slope",
        options=("none", "those of layer 2", "those of layer 1"),
        right="those of layer 2",
        because="The error terms walk down: a mistake in the hidden layer reaches everything below it, and "
        "nothing above.",
    ),
    Prediction(
        "would-training-tell",
        options=("yes, the loss would rise", "yes, the loss would stop half way", "no, the loss would fall as well"),
        right="no, the loss would fall as well",
        because="Each step still goes down, only not in the steepest direction. On a small task that is enough.",
    ),
    Prediction(
        "batch-lines",
        options=("all of them: each needs a loop", "two: the first of δ and that of the bias", "none"),
        right="two: the first of δ and that of the bias",
        because="The first divides by N, the last adds up the columns. The matrix products add up over the examples by "
        "themselves.",
    ),
    Prediction(
        "backward-multiplications",
        options=("about half as many", "at most twice as many", "as many for each parameter"),
        right="at most twice as many",
        because="Each weight is used twice on the way back: for its own gradient, and to carry the error term down.",
    ),
)
