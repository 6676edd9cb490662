"""Right answers to the exercises of chapter 08, in other styles."""

import math
from graphlib import TopologicalSorter

import numpy as np

from course_lib.autodiff import Value, topological_order
from course_lib.chain import sum_over_paths
from tests.answers.styles import styles, words


# --------------------------------------------------------------------------------------------------------- by hand
def circuit(p):
    p_bar = p.z
    return [p_bar, p_bar * p.y, p_bar * p.x, p.x * p.y + 2 * p.z, circuit_tangent(p)]


def circuit_tangent(p):
    """The gradient of (x y + z) z along v."""
    return p.v[0] * p.y * p.z + p.v[1] * p.x * p.z + p.v[2] * (p.x * p.y + 2 * p.z)


def circuit_engine(p):
    x, y, z = leaves = [Value(n) for n in (p.x, p.y, p.z)]
    product = x * y
    f = (product + z) * z
    f.backward()
    return [product.grad, *(v.grad for v in leaves), f.forward(dict(zip(leaves, map(float, p.v), strict=True)))]


def sorted_backwards(p):
    order = list(TopologicalSorter(p.lines).static_order())[::-1]
    letter = {name: key for key, name in p.keys.items()}
    return [letter[name] for name in order if name in letter]


def by_longest_way(p):
    def depth(name):
        return 1 + max(map(depth, p.lines[name])) if name in p.lines else 0

    return sorted(p.keys, key=lambda key: -depth(p.keys[key]))


# ------------------------------------------------------------------------------------------------------- reverse mode
class Closure:
    """The way of closures: every operation leaves a function that sends back."""

    def __init__(self, data):
        self.data, self.grad, self.send = data, 0.0, lambda: None

    def __add__(self, other):
        out = Closure(self.data + other.data)

        def send():
            self.grad += out.grad
            other.grad += out.grad

        out.send = send
        return out

    def __mul__(self, other):
        out = Closure(self.data * other.data)

        def send():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.send = send
        return out

    def tanh(self):
        out = Closure(math.tanh(self.data))

        def send():
            self.grad += out.grad / math.cosh(self.data) ** 2

        out.send = send
        return out


def by_closures(program, numbers):
    tape = list(map(Closure, numbers))
    for op, *of in program:
        a, b = tape[of[0]], tape[of[-1]]
        tape.append({"add": lambda a, b: a + b, "mul": lambda a, b: a * b, "tanh": lambda a, _: a.tanh()}[op](a, b))
    tape[-1].grad = 1.0
    for value in tape[::-1]:
        value.send()
    return np.array([v.data for v in tape]), np.array([v.grad for v in tape])


def by_lists(program, numbers):
    """No class at all."""
    tape, slopes = list(numbers), [[] for _ in numbers]
    for op, *of in program:
        u = [tape[i] for i in of]
        tape.append({"add": sum, "mul": math.prod, "tanh": lambda u: math.tanh(u[0])}[op](u))
        local = {"add": [1, 1], "mul": u[::-1], "tanh": [1 - math.tanh(u[0]) ** 2]}[op]
        slopes.append(list(zip(of, local, strict=True)))
    grads = [0] * len(tape)
    grads[-1] = 1
    for k in reversed(range(len(tape))):
        for i, slope in slopes[k]:
            grads[i] += grads[k] * slope
    return tape, grads


def by_forward_mode(program, numbers):
    """As many forward sweeps as there are entries: slow, and right."""
    n = len(numbers) + len(program)
    D, tape = np.zeros((n, n)), list(numbers)
    for k in range(n):
        D[k, k] = 1.0
        if k >= len(numbers):
            op, *of = program[k - len(numbers)]
            u = [tape[i] for i in of]
            tape.append({"add": sum, "mul": math.prod, "tanh": lambda u: math.tanh(u[0])}[op](u))
            local = {"add": [1, 1], "mul": u[::-1], "tanh": [1 - math.tanh(u[0]) ** 2]}[op]
            D[k] += sum(slope * D[i] for i, slope in zip(of, local, strict=True))
    return [tape, D[-1]]


# ------------------------------------------------------------------------------------------------------- the Jacobian
def by_counting_users(links, outputs, inputs):
    """A node sends when all of its users, as far as output depends on them, have sent."""

    def row(output):
        below, stack = set(), [output]
        while stack:
            name = stack.pop()
            if name not in below:
                below.add(name)
                stack += [a for a, b, _ in links if b == name]
        waiting = {name: sum(a == name and b in below for a, b, _ in links) for name in below}
        adjoint, ready = dict.fromkeys(below, 0.0) | {output: 1.0}, [output]
        while ready:
            name = ready.pop()
            for a, b, slope in links:
                if b == name:
                    adjoint[a] += slope * adjoint[name]
                    waiting[a] -= 1
                    if not waiting[a]:
                        ready.append(a)
        return [adjoint.get(name, 0.0) for name in inputs]

    return [row(output) for output in outputs]


def by_increments(links, outputs, inputs):
    """The recursion that sends what is new and nothing else: right, though it walks every path."""

    def row(output):
        adjoint = {}

        def send(name, new):
            adjoint[name] = adjoint.get(name, 0.0) + new
            for a, b, slope in links:
                if b == name:
                    send(a, new * slope)

        send(output, 1.0)
        return [adjoint[name] for name in inputs]

    return np.array([row(output) for output in outputs])


def by_paths(links, outputs, inputs):
    graph = {(a, b): slope for a, b, slope in links}
    return [[sum_over_paths(graph, name, output) for name in inputs] for output in outputs]


# ------------------------------------------------------------------------------------------------------- forward mode
def pairs(program, x, v):
    """Tuples in place of a class."""
    tape = list(zip(x.tolist(), v.tolist(), strict=True))
    for op, *of in program:
        (a, da), (b, db) = tape[of[0]], tape[of[-1]]
        tape.append(
            {
                "add": lambda a, da, b, db: (a + b, da + db),
                "mul": lambda a, da, b, db: (a * b, a * db + b * da),
                "div": lambda a, da, b, db: (a / b, da / b - a * db / b / b),
                "exp": lambda a, da, b, db: (np.exp(a), da * np.exp(a)),
            }[op](a, da, b, db)
        )
    values, dots = zip(*tape, strict=True)
    return list(values), list(dots)


def triangles(program, x, v):
    """a + ȧ ε with ε² = 0 as the matrix [[a, ȧ], [0, a]]: the operations of matrices do the rest."""
    tape = [np.array([[a, d], [0.0, a]]) for a, d in zip(x, v, strict=True)]
    for op, *of in program:
        A, B = tape[of[0]], tape[of[-1]]
        if op == "exp":
            tape.append(np.exp(A[0, 0]) * (np.eye(2) + A - A[0, 0] * np.eye(2)))
        else:
            tape.append(A + B if op == "add" else A @ B if op == "mul" else A @ np.linalg.inv(B))
    return np.array([M[0, 0] for M in tape]), np.array([M[0, 1] for M in tape])


def engine_forward(program, x, v):
    leaves = [Value(number) for number in x]
    tape = list(leaves)
    for op, *of in program:
        a, b = tape[of[0]], tape[of[-1]]
        tape.append(a.exp() if op == "exp" else a + b if op == "add" else a * b if op == "mul" else a / b)
    seeds = dict(zip(leaves, map(float, v), strict=True))
    tape[-1].forward(seeds)
    on_the_way = topological_order(tape[-1])
    return [t.data for t in tape], [t.tangent if t in on_the_way else t.forward(seeds) for t in tape]


# -------------------------------------------------------------------------------------------------------------- others
def few_rows(p):
    return [key for key, task in p.keys.items() if task in {"loss", "few outputs", "row"}]


def pull_loops(W, a, g):
    (m, n), N = W.shape, a.shape[1]
    dW = [[sum(g[i, k] * a[j, k] for k in range(N)) for j in range(n)] for i in range(m)]
    return dW, [[sum(W[i, j] * g[i, k] for i in range(m)) for k in range(N)] for j in range(n)]


def pull_einsum(W, a, g):
    return np.einsum("ik,jk->ij", g, a), np.einsum("ij,ik->jk", W, g)


def pull_columns(W, a, g):
    dW, da = np.zeros_like(W), []
    for k in range(a.shape[1]):
        dW += np.outer(g[:, k], a[:, k])
        da.append(g[:, k] @ W)
    return [dW, np.stack(da, axis=1)]


def pull_engine(W, a, g):
    W, a = Value(W), Value(a)
    (W @ a).backward(seed=g)
    return W.grad, a.grad


ANSWERS = {
    "circuit-by-hand": [*styles(circuit), circuit_engine],
    "sweep-order": [*words(sorted_backwards), by_longest_way],
    "run-twice": [
        *styles(lambda p: [p.p * p.q * k for k in (1, 3, 6)]),
        lambda p: np.cumsum(np.cumsum([p.p * p.q] * 3)),
    ],
    "value-class": [by_closures, by_lists, by_forward_mode],
    "mend-recursion": [by_counting_users, by_increments, by_paths],
    "dual-numbers": [pairs, triangles, engine_forward],
    "which-mode": [*words(few_rows), lambda p: " ".join(few_rows(p)[::-1]).upper()],
    "vjp-affine": [pull_loops, pull_einsum, pull_columns, pull_engine],
}
