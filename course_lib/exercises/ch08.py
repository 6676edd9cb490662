"""Chapter 08, Computational graphs: the exercises, the right values by another route, the mistakes with names.

A program is a list of steps (op, i) or (op, i, j) over a tape that begins with the given numbers: each step appends
what op gives of the entries i and j. A graph is a list of links (from, to, slope).
"""

import cmath
import math
from itertools import combinations
from typing import Any

import numpy as np

from course_lib.exercises.declaration import Ask, Exercise, KnownMistake, Share, named
from course_lib.exercises.keyed import lettered
from course_lib.exercises.predictions import Prediction

H = 1e-30  # of the complex step


def run(program, numbers, nudged=None):
    """The tape of a program; with a number `nudged`, that entry is moved by i H."""
    ops: dict[str, Any] = {
        "add": lambda u, v: u + v,
        "mul": lambda u, v: u * v,
        "div": lambda u, v: u / v,
        "exp": cmath.exp,
        "tanh": cmath.tanh,
    }
    tape: list[Any] = []
    for k, step in enumerate([*numbers, *program]):
        entry = ops[step[0]](*(tape[i] for i in step[1:])) if isinstance(step, tuple) else step
        tape.append(entry + 1j * H if k == nudged else entry)
    return tape


def real(tape):
    return [float(np.real(entry)) for entry in tape]


def turned(rng, program):
    """The same program with the operands of some sums and products exchanged."""
    return [(op, *(of[::-1] if op in ("add", "mul") and rng.random() < 0.5 else of)) for op, *of in program]


def telling(rng, low, high, count):
    """Numbers of either sign, none near 0 or 1, which would hide a factor."""
    sizes = rng.uniform(low, high, count).round(2)
    while (np.abs(sizes - 1) < 0.05).any():
        sizes = rng.uniform(low, high, count).round(2)
    return sizes * rng.choice([-1, 1], count)


# ----------------------------------------------------------------------------------------------- circuit-by-hand

CIRCUIT = [("mul", 0, 1), ("add", 3, 2), ("mul", 4, 2)]  # p = x y, q = p + z, f = q z


def draw_circuit(rng):
    x, y, z = (int(v) for v in rng.choice([2, 3, 4, 5, 6, 7], 3, replace=False) * rng.choice([-1, 1], 3))
    v = [int(v) for v in rng.choice([-3, -2, 2, 3, 4], 3, replace=False)]
    if x * y + z in (0, z, x, y, 1, -1) or v[0] * v[1] in (v[0] * y + x * v[1], x * v[1], 0):
        return draw_circuit(rng)
    return {"x": x, "y": y, "z": z, "v": v}


def right_circuit(x, y, z, v):
    numbers = [x, y, z]
    p, dx, dy, dz = (run(CIRCUIT, numbers, nudged=k)[-1].imag / H for k in (3, 0, 1, 2))
    pushed = run(CIRCUIT, [n + 1j * H * d for n, d in zip(numbers, v, strict=True)])[-1].imag / H
    return np.array([p, dx, dy, dz, pushed])


def wrong_circuit(change):
    """The right entries after a change: change(entries, x, y, z, v) -> the ones that are wrong, by place."""

    def wrong(x, y, z, v):
        entries = right_circuit(x, y, z, v)
        for place, value in change(x, y, z, v).items():
            entries[place] = value
        return entries

    return wrong


HAND = Exercise(
    id="circuit-by-hand",
    title="A circuit by hand",
    kind="num",
    answer="adjoints",
    draw=draw_circuit,
    right=right_circuit,
    ask=lambda x, y, z, v: Ask(
        text="p = x y, then q = p + z, then f = q z. Go forward, then send the adjoint 1 of f back: fill in the "
        "adjoints of p, x, y and z. The last entry is the tangent of f when (x, y, z) move along v.",
        given={"x": x, "y": y, "z": z, "v": np.array(v)[:, None]},
        shape=(5,),
        rows=("p̄", "x̄", "ȳ", "z̄", "ḟ"),
    ),
    points=2,
    mistakes=(
        KnownMistake(
            "overwritten",
            "z̄ holds only what came last: z is used twice, and its two contributions add up",
            "How many links leave z? Each of them brings something back.",
            wrong_circuit(lambda x, y, z, v: {3: z}),
            row=35,
        ),
        KnownMistake(
            "first-use-only",
            "z̄ holds only what f sends directly; z reaches f through q as well",
            "How many links leave z? Each of them brings something back.",
            wrong_circuit(lambda x, y, z, v: {3: x * y + z}),
            row=35,
        ),
        KnownMistake(
            "own-factor",
            "at the products each factor was given its own value for a slope; it is the other factor's",
            "Raise x by a little in x · y. By how much does the product rise?",
            wrong_circuit(
                lambda x, y, z, v: {
                    0: x * y + z,
                    1: (x * y + z) * x,
                    2: (x * y + z) * y,
                    3: x * y + 2 * z,
                }
            ),
        ),
        KnownMistake(
            "product-of-tangents",
            "the tangent of a product is not the product of the tangents",
            "If q and z both move a little, which two parts of the change of q z are large?",
            wrong_circuit(lambda x, y, z, v: {4: (v[0] * v[1] + v[2]) * v[2]}),
        ),
        KnownMistake(
            "product-of-tangents-in-p",
            "ṗ is not ẋ times ẏ: each factor moves p by its own speed times the other factor",
            "If x moves and y stays, does p = x y stay?",
            wrong_circuit(lambda x, y, z, v: {4: (v[0] * v[1] + v[2]) * z + (x * y + z) * v[2]}),
        ),
        KnownMistake(
            "tangent-without-fork",
            "ḟ forgets that z moves q, too",
            "Write down q̇ first. Which of the three inputs does q depend on?",
            wrong_circuit(lambda x, y, z, v: {4: (v[0] * y + x * v[1]) * z + (x * y + z) * v[2]}),
        ),
    ),
    hints=(
        "Which links leave z, and which leave p?",
        "Write the values p, q and f first. Then go from f to q and z, from q to p and z, from p to x and y; "
        "what arrives twice is added.",
        "q̄ = z;  p̄ = q̄;  x̄ = p̄ y;  ȳ = p̄ x;  z̄ = q + q̄;  ḟ = q̇ z + q ż with q̇ = ẋ y + x ẏ + ż",
    ),
)

# --------------------------------------------------------------------------------------------------- sweep-order

NAMES = "pqrstu"


def draw_sweep(rng):
    """Six steps, each of which uses the one before it, so that there is one order; shortcuts make forks."""
    while True:
        names = [str(name) for name in rng.permutation(list(NAMES))]
        lines = {names[0]: ["x", "y"]}
        for k in range(1, len(names)):
            of = [names[k - 1], str(rng.choice(["x", *names[: k - 1]]))]
            lines[names[k]] = of if rng.random() < 0.5 else of[::-1]
        inputs = {"lines": {name: lines[name] for name in sorted(lines)}, "keys": lettered(rng, NAMES)}
        answers = [right_sweep(*inputs.values()), *(m(*inputs.values()) for m in (forward_order, *TOO_EARLY))]
        if len(set(answers)) == len(answers):
            return inputs


def last_of(lines):
    used = {name for of in lines.values() for name in of}
    return next(name for name in lines if name not in used)


def by_letters(names, keys):
    letter = {name: key for key, name in keys.items()}
    return " ".join(letter[name] for name in names)


def right_sweep(lines, keys):
    """Again and again the node of which no other node that is left is made."""
    left, order = dict(lines), []
    while left:
        order.append(last_of(left))
        del left[order[-1]]
    return by_letters(order, keys)


def forward_order(lines, keys):
    return " ".join(reversed(right_sweep(lines, keys).split()))


def first_met(second_first=False):
    """Plain recursion: every node when it is met first, its first operand at once."""

    def order(lines, keys):
        met = []

        def visit(name):
            if name in lines and name not in met:
                met.append(name)
                for operand in lines[name][:: -1 if second_first else 1]:
                    visit(operand)

        visit(last_of(lines))
        return by_letters(met, keys)

    return order


def nearest_first(lines, keys):
    met = [last_of(lines)]
    for name in met:
        met += [operand for operand in lines[name] if operand in lines and operand not in met]
    return by_letters(met, keys)


TOO_EARLY = (first_met(), first_met(second_first=True), nearest_first)

SWEEP = Exercise(
    id="sweep-order",
    title="The order of the nodes",
    kind="order",
    answer="order",
    draw=draw_sweep,
    right=right_sweep,
    ask=lambda lines, keys: Ask(
        text="A formula in six steps, each line a node that is made of two others; x and y are the inputs. In which "
        "order must the nodes send their adjoints back, so that each has all of its own before it sends?",
        options={key: f"{name} = {lines[name][0]} · {lines[name][1]}" for key, name in keys.items()},
    ),
    points=1,
    mistakes=(
        KnownMistake(
            "forward",
            "this is the order of the forward pass; the adjoints come from the other end",
            "Which node's adjoint is known before anything is sent?",
            forward_order,
        ),
        KnownMistake(
            "first-met",
            "a node sends as soon as it is met, before all that it feeds has sent to it",
            "Take a node that is used twice. Have both of its users sent already?",
            first_met(),
            row=36,
        ),
        KnownMistake(
            "first-met-second",
            "each node sends as soon as it is met, the second operand first: some do so before all users have sent",
            "Take a node that is used twice. Have both of its users sent already?",
            first_met(second_first=True),
            row=36,
        ),
        KnownMistake(
            "nearest-first",
            "this goes by the shortest way to the end; but a node with a short way may have a long one, too",
            "What counts is the longest way to the end. Find a node that is used both early and late.",
            nearest_first,
            row=36,
        ),
    ),
    hints=(
        "Which node is used by no other? It begins.",
        "Cross out the node that has sent. Which node is now used by none of those that are left?",
        "A node may send when every line that uses it has sent: the order of the forward pass, reversed.",
    ),
)

# ------------------------------------------------------------------------------------------------------ run-twice


def draw_twice(rng):
    p, q = (int(v) for v in rng.choice(np.arange(2, 10), 2, replace=False))
    return {"p": p, "q": q}


def right_twice(p, q):
    """Three sweeps that set the adjoint of y to 1 and add to all others what comes."""
    x_bar = u_bar = 0
    seen = []
    for _ in range(3):
        u_bar += q * 1
        x_bar += p * u_bar
        seen.append(x_bar)
    return np.array(seen, float)


def times(*factors):
    return lambda p, q: p * q * np.array(factors, float)


TWICE = Exercise(
    id="run-twice",
    title="The cell run three times",
    kind="num",
    answer="readings",
    draw=draw_twice,
    right=right_twice,
    ask=lambda p, q: Ask(
        text=f"u = {p} x, then y = {q} u. A backward sweep sets ȳ to 1, then adds to ū, then to x̄, what comes back to "
        "them. It is run three times, and nobody sets ū and x̄ back to 0. What does x̄ say after each run?",
        shape=(3,),
        rows=("after run 1", "after run 2", "after run 3"),
    ),
    points=1,
    mistakes=(
        KnownMistake(
            "cleared",
            "this is what the derivative is; but here nothing was cleared between the runs",
            "What is in ū when the second run begins?",
            times(1, 1, 1),
            row=37,
        ),
        KnownMistake(
            "leaf-only",
            "x̄ keeps what it had, and so does ū: the second run sends twice as much to x̄ as the first",
            "What is in ū after the second run?",
            times(1, 2, 3),
            row=37,
        ),
        KnownMistake(
            "output-too",
            "ȳ is set to 1 in each run; it does not add up",
            "What is ȳ when the second run begins to send?",
            times(1, 4, 10),
            row=37,
        ),
        KnownMistake(
            "tripled",
            "the second run makes it three times as much; the third does not treble it again",
            "ū grows by the same amount in each run. What does that make of x̄?",
            times(1, 3, 9),
            row=37,
        ),
    ),
    hints=(
        "Which of the three adjoints are set, and which are added to?",
        "Keep a table with a line for each run: ȳ, ū, x̄. The new ū counts what the old one held.",
        "ū: q, 2q, 3q.  x̄: p q, then p q + 2 p q, then …",
    ),
)

# ---------------------------------------------------------------------------------------------------- value-class


def draw_value(rng):
    program = [
        ("mul", 0, 1),
        ("add", 3, 2),
        ("tanh", 4),
        ("mul", 5, 3),
        (str(rng.choice(["add", "mul"])), 6, 6),
        ("add", 7, int(rng.choice([0, 1]))),
        ("mul", 8, 2),
    ]
    while abs((x := telling(rng, 0.5, 1.3, 3))[2] + x[0] * x[1]) < 0.2:
        pass  # tanh of nearly nothing hides its slope
    return {"program": turned(rng, program), "numbers": x.tolist()}


def right_value(program, numbers):
    """Each entry of the tape nudged by itself."""
    tape = real(run(program, numbers))
    return tape, [run(program, numbers, nudged=k)[-1].imag / H for k in range(len(tape))]


def reverse(
    mul=None, tanh=None, arrive=lambda old, new: old + new, sent=lambda slope, adjoint: slope * adjoint, once=False
):
    """A sweep over the tape with every part open to a mistake; the right one when nothing is replaced."""

    def wrong(program, numbers):
        tape = real(run(program, numbers))
        adjoint = [0.0] * (len(tape) - 1) + [1.0]
        for k in range(len(tape) - 1, len(numbers) - 1, -1):
            op, *of = program[k - len(numbers)]
            values = [tape[i] for i in of]
            if op == "add":
                slopes = [1.0, 1.0]
            elif op == "mul":
                slopes = mul(*values) if mul else values[::-1]
            else:
                slopes = [tanh(values[0]) if tanh else 1 - math.tanh(values[0]) ** 2]
            pairs = list(zip(of, slopes, strict=True))
            for i, slope in dict(pairs).items() if once else pairs:
                adjoint[i] = arrive(adjoint[i], sent(slope, adjoint[k]))
        return tape, adjoint

    return wrong


def recursive_pull(program, numbers):
    """Each number of the tape pulls, and so do all below it, each time."""
    tape = real(run(program, numbers))
    adjoint = [0.0] * (len(tape) - 1) + [1.0]

    def pull(k):
        if k >= len(numbers):
            op, *of = program[k - len(numbers)]
            u = [tape[i] for i in of]
            slopes = {"add": [1.0, 1.0], "mul": u[::-1], "tanh": [1 - math.tanh(u[0]) ** 2]}[op]
            for i, slope in zip(of, slopes, strict=True):
                adjoint[i] += slope * adjoint[k]
                pull(i)

    for k in reversed(range(len(tape))):
        pull(k)
    return tape, adjoint


VALUE = Exercise(
    id="value-class",
    title="A number that remembers",
    kind="code",
    answer="gradients",
    draw=draw_value,
    right=right_value,
    parts=("values", "grads"),
    points=4,
    shares=(Share("the values", 1, named("values")), Share("the gradients", 3, named("grads"))),
    mistakes=(
        KnownMistake(
            "overwritten",
            "a number that is used twice keeps only what came last: its contributions must add up",
            "Try b = a + a. What should the slope be, and what do you get?",
            reverse(arrive=lambda old, new: new),
            row=35,
        ),
        KnownMistake(
            "same-twice",
            "in a + a or a · a the one operand counts once; it stands there twice and gets two contributions",
            "Do you keep the operands in a set or a dict? a and a are the same there.",
            reverse(once=True),
            row=35,
        ),
        KnownMistake(
            "own-factor",
            "in a product each factor was given its own value for a slope; it is the other factor's",
            "Raise a by a little in a · b. By how much does the product rise?",
            reverse(mul=lambda u, v: [u, v]),
        ),
        KnownMistake(
            "no-arriving-adjoint",
            "the slope alone is sent on; it must be multiplied with the adjoint that has arrived",
            "How does the slope of one step become the slope of the whole formula?",
            reverse(sent=lambda slope, adjoint: slope),
        ),
        KnownMistake(
            "nothing-sent",
            "only the last number has an adjoint: nothing was sent on from it",
            "Does every new number know what it was made from, and does pull() add to those, not to itself?",
            reverse(sent=lambda slope, adjoint: 0.0),
        ),
        KnownMistake(
            "pull-again",
            "pull() makes the numbers below pull, too: they send before all has arrived, and more than once",
            "Who calls pull() for each number, and in which order? Once is enough.",
            recursive_pull,
            row=36,
        ),
        KnownMistake(
            "no-slope-of-tanh",
            "the adjoint goes through tanh unchanged: the slope 1 − tanh² is missing",
            "How much does tanh(z) move when z does?",
            reverse(tanh=lambda z: 1.0),
            row=1,
        ),
        KnownMistake(
            "slope-at-output",
            "the slope of tanh is taken at tanh(z); its argument is z",
            "You have t = tanh(z) already. Is it 1 − t² or 1 − tanh(t)²?",
            reverse(tanh=lambda z: 1 - math.tanh(math.tanh(z)) ** 2),
            row=4,
        ),
        KnownMistake(
            "sigmoid-slope",
            "t(1 − t) is the slope of the sigmoid; that of tanh is 1 − t²",
            "What is the slope of tanh at 0, where t = 0?",
            reverse(tanh=lambda z: math.tanh(z) * (1 - math.tanh(z))),
        ),
        KnownMistake(
            "formula-on-input",
            "the formula 1 − t² was fed with the input of tanh; t is its output",
            "Can the slope of tanh be negative? Print the one that you use.",
            reverse(tanh=lambda z: 1 - z * z),
            row=5,
        ),
    ),
    hints=(
        "What does a sum have to remember, so that it can send its adjoint back later? And a product?",
        "Let every operation make a new Value that keeps pairs (operand, slope). Then pull() is the same two lines "
        "for all of them.",
        "a + b: slopes 1 and 1;  a · b: slopes b and a;  t = tanh(z): slope 1 − t²;  "
        "pull: grad of operand += slope · own grad",
    ),
)

# ------------------------------------------------------------------------------------------------- mend-recursion


def draw_mend(rng):
    edges = ["xu", "yu", "zv", "uv", "uw", "vw", "vp", "wp", "pq", "uq", *(["xw"] if rng.random() < 0.5 else ["yp"])]
    slopes = telling(rng, 0.5, 2.5, len(edges)).tolist()
    links = [(edge[0], edge[1], slope) for edge, slope in zip(edges, slopes, strict=True)]
    inputs = [str(name) for name in rng.permutation(list("xyz"))]
    while True:  # until a node is met before all of its users: there are orders in which that goes well by chance
        case = {"links": [links[k] for k in rng.permutation(len(links))], "outputs": ["p", "q"], "inputs": inputs}
        sweeps = (right_mend, swept(recursive(once=True)), swept(nearest_sends_first))
        if not any(np.allclose(J, other) for J, other in combinations([sweep(*case.values()) for sweep in sweeps], 2)):
            return case


def right_mend(links, outputs, inputs):
    """All paths of all lengths at once: the inverse of I − A, where A[to, from] is the slope of a link."""
    names = sorted({name for link in links for name in link[:2]})
    A = np.zeros((len(names), len(names)))
    for start, end, slope in links:
        A[names.index(end), names.index(start)] += slope
    whole = np.linalg.inv(np.eye(len(names)) - A)
    return whole[np.ix_([names.index(name) for name in outputs], [names.index(name) for name in inputs])]


def parents_first(links, output):
    order = []

    def visit(name):
        if name not in order:
            for start, end, _ in links:
                if end == name:
                    visit(start)
            order.append(name)

    visit(output)
    return order


def swept(sweep, cleared=True):
    """The Jacobian by a sweep(links, output, adjoint) that changes the dict of adjoints; all are 0 in the beginning."""

    def wrong(links, outputs, inputs):
        names, rows = {name for link in links for name in link[:2]}, []
        adjoint = dict.fromkeys(names, 0.0)
        for output in outputs:
            if cleared:
                adjoint = dict.fromkeys(names, 0.0)
            adjoint[output] = 1.0
            sweep(links, output, adjoint)
            rows.append([adjoint[name] for name in inputs])
        return np.array(rows)

    return wrong


def sweep_in_order(order=lambda names: names[::-1], arrive=lambda old, new: old + new):
    def sweep(links, output, adjoint):
        for name in order(parents_first(links, output)):
            for start, end, slope in links:
                if end == name:
                    adjoint[start] = arrive(adjoint[start], slope * adjoint[name])

    return sweep


def recursive(at_once=False, once=False):
    """The plain recursion: send to all parents, then let each of them send (at_once: let each send straight away)."""

    def sweep(links, output, adjoint):
        met = set()

        def send(name):
            if once and name in met:
                return
            met.add(name)
            own = [link for link in links if link[1] == name]
            for start, _, slope in own:
                adjoint[start] += slope * adjoint[name]
                if at_once:
                    send(start)
            for start, *_ in () if at_once else own:
                send(start)

        send(output)

    return sweep


def nearest_sends_first(links, output, adjoint):
    """Nodes in a queue, each when it is met first."""
    queue = [output]
    for name in queue:
        for start, end, slope in links:
            if end == name:
                adjoint[start] += slope * adjoint[name]
                if start not in queue:
                    queue.append(start)


MEND = Exercise(
    id="mend-recursion",
    title="Mend the recursion",
    kind="code",
    answer="jacobian",
    draw=draw_mend,
    right=right_mend,
    points=3,
    mistakes=(
        KnownMistake(
            "unmended",
            "this is the recursion as it was: a node with two users sends twice, the second time all of it again; "
            "and the second output finds the adjoints of the first",
            "How often does a node with two users send? And what does it hold when the next output begins?",
            swept(recursive(), cleared=False),
            row=36,
        ),
        KnownMistake(
            "recursion",
            "the adjoints are cleared now, but a node with two users still sends twice, each time all that it has",
            "How often does a node with two users send? Let every node send once, when nothing more can arrive.",
            swept(recursive()),
            row=36,
        ),
        KnownMistake(
            "recursion-at-once",
            "each parent sends as soon as something arrives, and again all of it when more arrives",
            "How often does a node with two users send? Let every node send once, when nothing more can arrive.",
            swept(recursive(at_once=True)),
            row=36,
        ),
        KnownMistake(
            "once-too-early",
            "every node sends once, but some before all has arrived: what comes later goes no further",
            "A node may send when all of its users have sent. Which order of the nodes sees to that?",
            swept(recursive(once=True)),
            row=36,
        ),
        KnownMistake(
            "once-not-cleared",
            "every node sends once, but some too early; and the second output finds the adjoints of the first",
            "A node may send when all of its users have sent. And what does it hold when the next output begins?",
            swept(recursive(once=True), cleared=False),
            row=36,
        ),
        KnownMistake(
            "nearest-first",
            "the nodes send in the order in which they are met, nearest to the output first; but a node with a short "
            "way to the output may have a long one, too",
            "What counts is the longest way. Find a node that is used both early and late.",
            swept(nearest_sends_first),
            row=36,
        ),
        KnownMistake(
            "overwritten",
            "the order is right, but a node with two users keeps only what came last",
            "= or +=?",
            swept(sweep_in_order(arrive=lambda old, new: new)),
            row=35,
        ),
        KnownMistake(
            "not-cleared",
            "the first row is right; the second still holds adjoints of the first sweep",
            "What do the nodes hold when backward is called for the second output?",
            swept(sweep_in_order(), cleared=False),
            row=37,
        ),
        KnownMistake(
            "not-reversed",
            "the nodes send in the order of the forward pass, parents first: they have nothing to send yet",
            "Who has an adjoint in the beginning?",
            swept(sweep_in_order(order=lambda names: names)),
        ),
    ),
    hints=(
        "Take the node of a fork. How often does it send, and what, if two users send to it one after the other?",
        "Two passes: first list all nodes, each after its parents; then go through the list from its end; each "
        "sends once.",
        "visit(node): not twice; visit its parents; append it. Set all adjoints in the list to 0, output's to 1; "
        "then, in reverse: parent.adjoint += slope · node.adjoint",
    ),
)

# --------------------------------------------------------------------------------------------------- dual-numbers


def draw_dual(rng):
    program = [
        ("mul", 0, 1),
        ("exp", 2),
        ("div", 3, 4),
        ("add", 5, int(rng.choice([0, 1]))),
        ("mul", 6, int(rng.choice([3, 5, 6]))),
        ("div", 7, 1),
    ]
    numbers = telling(rng, 0.5, 1.5, 3)
    return {"program": turned(rng, program), "x": numbers, "v": telling(rng, 0.4, 1.6, 3)}


def right_dual(program, x, v):
    tape = run(program, [complex(a, H * b) for a, b in zip(x, v, strict=True)])
    return real(tape), [entry.imag / H for entry in tape]


def forward(**rules):
    """Dual numbers with their own rule of a tangent for some operations: rule(value, operands, tangents)."""
    right = {
        "add": lambda value, of, dots: dots[0] + dots[1],
        "mul": lambda value, of, dots: dots[0] * of[1] + of[0] * dots[1],
        "div": lambda value, of, dots: (dots[0] * of[1] - of[0] * dots[1]) / of[1] ** 2,
        "exp": lambda value, of, dots: value * dots[0],
    }

    def wrong(program, x, v):
        tape, dots = real(run(program, list(x))), list(rules.get("seed", lambda v: v)(v))
        for value, (op, *of) in zip(tape[len(x) :], program, strict=True):
            dots.append((right | rules)[op](value, [tape[i] for i in of], [dots[i] for i in of]))
        return tape, dots

    return wrong


DUAL = Exercise(
    id="dual-numbers",
    title="Forward mode by dual numbers",
    kind="code",
    answer="tangents",
    draw=draw_dual,
    right=right_dual,
    parts=("values", "tangents"),
    points=3,
    shares=(Share("the values", 1, named("values")), Share("the tangents", 2, named("tangents"))),
    mistakes=(
        KnownMistake(
            "product-of-tangents",
            "the tangent of a product is not the product of the tangents",
            "(a + ȧ)(b + ḃ) = a b + …? Which parts are small of first order?",
            forward(mul=lambda value, of, dots: dots[0] * dots[1]),
        ),
        KnownMistake(
            "own-factor",
            "at the products each tangent is multiplied with its own factor; it is the other factor's turn",
            "If a moves and b stays, by how much does a · b move?",
            forward(mul=lambda value, of, dots: of[0] * dots[0] + of[1] * dots[1]),
        ),
        KnownMistake(
            "quotient-of-tangents",
            "the tangent of a quotient is not the quotient of the tangents",
            "If b stays, ḃ is 0. What would yours say?",
            forward(div=lambda value, of, dots: dots[0] / dots[1]),
        ),
        KnownMistake(
            "denominator-still",
            "the tangent of a / b is ȧ / b only if b stays where it is",
            "If a stays and b moves, does a / b stay?",
            forward(div=lambda value, of, dots: dots[0] / of[1]),
        ),
        KnownMistake(
            "quotient-sign",
            "the quotient has a plus where its minus belongs",
            "If the denominator grows, does the quotient?",
            forward(div=lambda value, of, dots: (dots[0] * of[1] + of[0] * dots[1]) / of[1] ** 2),
        ),
        KnownMistake(
            "quotient-turned",
            "the two parts of the quotient's tangent have changed places: its sign is turned round",
            "If the numerator grows and the denominator is positive, does the quotient grow?",
            forward(div=lambda value, of, dots: (of[0] * dots[1] - dots[0] * of[1]) / of[1] ** 2),
        ),
        KnownMistake(
            "quotient-without-square",
            "the quotient's tangent is divided by b; it must be b²",
            "Write a / b as a · (1 / b). What is the slope of 1 / b?",
            forward(div=lambda value, of, dots: (dots[0] * of[1] - of[0] * dots[1]) / of[1]),
        ),
        KnownMistake(
            "exp-without-tangent",
            "the slope of exp stands there alone; the tangent that arrives has to be multiplied with it",
            "By how much does exp(a) move when a moves by ȧ?",
            forward(exp=lambda value, of, dots: value),
        ),
        KnownMistake(
            "exp-without-slope",
            "the tangent goes through exp unchanged",
            "By how much does exp(a) move when a moves by ȧ?",
            forward(exp=lambda value, of, dots: dots[0]),
            row=1,
        ),
        KnownMistake(
            "seeded-with-ones",
            "the inputs move along v; here every one of them was given the tangent 1",
            "What is the tangent of the first input?",
            forward(seed=np.ones_like),
        ),
    ),
    hints=(
        "If a moves by ȧ and b by ḃ, by how much does a · b move?",
        "Each operation makes a new Dual with two numbers: the value, as always, and the tangent by its rule "
        "of calculus.",
        "sum ȧ + ḃ;  product ȧ b + a ḃ;  quotient (ȧ b − a ḃ) / b²;  exp: exp(a) ȧ",
    ),
)

# ----------------------------------------------------------------------------------------------------- which-mode

TASKS = {  # what is wanted, and the sweeps that it takes in forward and in reverse mode, of a map from n to m numbers
    "loss": ("the gradient of a loss along all {n} parameters of a network", lambda n, m: (n, 1)),
    "few outputs": ("the whole Jacobian of a map from {n} numbers to {m}", lambda n, m: (n, m)),
    "row": ("how one of the {n} outputs of a network depends on each of its {n} inputs", lambda n, m: (n, 1)),
    "knob": ("how a whole curve of {n} points depends on one knob", lambda n, m: (1, n)),
    "few inputs": ("the whole Jacobian of a map from {m} numbers to {n}", lambda n, m: (m, n)),
    "direction": ("how {m} outputs change when all {n} parameters move along one given direction", lambda n, m: (1, m)),
}


def draw_modes(rng):
    big = [int(v) for v in rng.integers(20, 900, len(TASKS)) * 10]
    small = [int(v) for v in rng.integers(2, 9, len(TASKS))]
    return {"n": big, "m": small, "keys": lettered(rng, list(TASKS))}


def letters(chosen):
    """The letters of the tasks for which chosen(task, forward sweeps, reverse sweeps)."""

    def answer(n, m, keys):
        sizes = dict(zip(TASKS, zip(n, m, strict=True), strict=True))
        return " ".join(key for key, task in keys.items() if chosen(task, *TASKS[task][1](*sizes[task])))

    return answer


def ask_modes(n, m, keys):
    sizes = dict(zip(TASKS, zip(n, m, strict=True), strict=True))
    return Ask(
        text="For which of these does reverse mode take fewer sweeps than forward mode? Choose all of them.",
        options={
            key: TASKS[task][0].format(n=f"{sizes[task][0]:,}".replace(",", " "), m=sizes[task][1])
            for key, task in keys.items()
        },
    )


MODES = Exercise(
    id="which-mode",
    title="Which mode",
    kind="choice",
    answer="reverse",
    draw=draw_modes,
    right=letters(lambda task, forth, back: back < forth),
    ask=ask_modes,
    points=1,
    mistakes=(
        KnownMistake(
            "turned-round",
            "these are the ones for forward mode: one of its sweeps serves one input, a reverse one serves one output",
            "How many forward sweeps does the gradient of a loss take?",
            letters(lambda task, forth, back: back > forth),
        ),
        KnownMistake(
            "loss-only",
            "a loss is not the only map with few outputs",
            "Count for each: how many seeds would forward mode need, how many reverse mode?",
            letters(lambda task, forth, back: task == "loss"),
        ),
        KnownMistake(
            "direction",
            "a change along one direction needs no slopes of all parameters: a single forward sweep carries it",
            "What is asked for is J v for one v. Which mode gives that in one sweep?",
            letters(lambda task, forth, back: back < forth or task == "direction"),
        ),
        KnownMistake(
            "row-forgotten",
            "one output of many is one row of the Jacobian: a single reverse sweep",
            "One output is wanted, for all inputs. How many seeds does reverse mode need for it?",
            letters(lambda task, forth, back: back < forth and task != "row"),
        ),
        KnownMistake(
            "always",
            "reverse mode is not always the shorter way: with one input a single forward sweep is enough",
            "How many reverse sweeps does a curve of 1000 points need?",
            letters(lambda task, forth, back: True),
        ),
    ),
    hints=(
        "What does one forward sweep give, and what does one reverse sweep?",
        "Forward: one seed per input that is asked about. Reverse: one seed per output. Compare the two numbers.",
        "Columns of J wanted: forward sweeps. Rows of J wanted: reverse sweeps. J v: one forward sweep. "
        "Jᵀ g: one reverse sweep.",
    ),
)

# ----------------------------------------------------------------------------------------------------- vjp-affine


def draw_vjp(rng):
    m, n, N = (int(v) for v in rng.choice([2, 3, 4, 5, 6], 3, replace=False))
    return {"W": rng.normal(size=(m, n)), "a": rng.normal(size=(n, N)), "g": rng.normal(size=(m, N))}


def right_vjp(W, a, g):
    """The slopes of Σ g ⊙ (W a), which W and a have to leave; one complex step for each number."""

    def slopes(which):
        gradient = np.empty((W, a)[which].shape)
        for index in np.ndindex(gradient.shape):
            moved = [W.astype(complex), a.astype(complex)]
            moved[which][index] += 1j * H
            gradient[index] = np.sum(g * (moved[0] @ moved[1])).imag / H
        return gradient

    return slopes(0), slopes(1)


VJP = Exercise(
    id="vjp-affine",
    title="Pull back through W a",
    kind="code",
    answer="pull",
    draw=draw_vjp,
    right=right_vjp,
    parts=("dW", "da"),
    points=2,
    shares=(Share("dW", 1, named("dW")), Share("da", 1, named("da"))),
    mistakes=(
        KnownMistake(
            "transposed",
            "dW is transposed: it must have the shape of W, one row an output",
            "A gradient has the shape of what it belongs to. Which index of g aᵀ is the output?",
            lambda W, a, g: (a @ g.T, W.T @ g),
            row=11,
        ),
        KnownMistake(
            "row-layout",
            "da is transposed: this is gᵀ W, a row for each example; here a batch is made of columns",
            "What shape has a? Its adjoint has the same one.",
            lambda W, a, g: (g @ a.T, g.T @ W),
            row=28,
        ),
        KnownMistake(
            "entry-by-entry",
            "the adjoint of a was multiplied with a, entry by entry; the slope of W a along a is W and nothing else",
            "Does ∂(W a)/∂a contain a?",
            lambda W, a, g: (g @ a.T, (W.T @ g) * a),
            row=26,
        ),
        KnownMistake(
            "summed-first",
            "g and a were summed over the batch before they met: first multiply, example by example, then add up",
            "Write dW for one example. Then add up these matrices.",
            lambda W, a, g: (np.outer(g.sum(axis=1), a.sum(axis=1)), W.T @ g),
        ),
        KnownMistake(
            "averaged",
            "dW is divided by the number of examples; if the loss is a mean, that is in g already",
            "Does pulling back know anything of a loss?",
            lambda W, a, g: (g @ a.T / a.shape[1], W.T @ g),
            row=18,
        ),
        KnownMistake(
            "pushed",
            "W a goes forward; an adjoint comes back, through the transpose",
            "What shape has the adjoint of a?",
            lambda W, a, g: (g @ a.T, W @ a),
            row=8,
        ),
    ),
    hints=(
        "Which outputs does the entry a_j feed, and with which slopes? And the entry W_ij?",
        "Compare with one layer of back-propagation: g plays the part of δ.",
        "dW = g aᵀ, da = Wᵀ g",
    ),
)

EXERCISES = (HAND, SWEEP, TWICE, VALUE, MEND, DUAL, MODES, VJP)

PREDICTIONS = (
    Prediction(
        "speed-of-f",
        options=("3, the product of the speeds", "4, their sum", "5"),
        right="5",
        because="q moves with speed 1, which moves f by z · 1 = −4; and z moves f by q · 3 = 9. Together 5.",
    ),
    Prediction(
        "sweeps-back",
        options=("1", "3, one for each slope", "5, one for each node"),
        right="1",
        because="Every node hands back what it got, and on the way down the slopes along all nodes turn up.",
    ),
    Prediction(
        "fork-written",
        options=("2, the slope of 2a", "1", "0"),
        right="1",
        because="The first link writes 1, the second writes 1 over it. The two contributions should have been added.",
    ),
    Prediction(
        "plain-recursion",
        options=("4", "2", "8"),
        right="8",
        because="b has 2 when both links of c have sent. Then b sends 2 + 2 to a, twice: once for each link.",
    ),
    Prediction(
        "diamond-recursion",
        options=("it becomes too large", "it becomes too small", "it is right"),
        right="it becomes too large",
        because="u sends what came through v, 6 in the end, and later that once more with what came through w, 21.",
    ),
    Prediction(
        "second-run",
        options=("1, as before", "2, twice as much", "3"),
        right="3",
        because="u keeps its 1 and gets another: it sends 2 in the second run, to the 1 that x has kept.",
    ),
    Prediction(
        "sweeps-of-a-net",
        options=(
            "1 forward, 1 reverse",
            "23 860 forward, 1 reverse",
            "1 forward, 23 860 reverse",
            "784 forward, 10 reverse",
        ),
        right="23 860 forward, 1 reverse",
        because="The inputs of the loss are its parameters: forward mode has a seed for each of them. The output is "
        "a single number.",
    ),
    Prediction(
        "three-to-three",
        options=("forward mode", "reverse mode", "either: they count the same"),
        right="forward mode",
        because="The count is the same, but forward mode need not keep the values of all nodes.",
    ),
    Prediction(
        "where-delta-is",
        options=(
            "those of z<sup>l</sup>",
            "those of a<sup>l</sup> = σ(z<sup>l</sup>)",
            "those of W<sup>l</sup>",
            "none: δ belongs to layers, and the engine knows none",
        ),
        right="those of z<sup>l</sup>",
        because="δ<sup>l</sup> is defined as the slope of the loss along z<sup>l</sup>, and an adjoint is the slope of "
        "the output along a node.",
    ),
)
