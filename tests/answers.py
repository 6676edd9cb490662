"""Right answers in other people's styles: loops, einsum, lists, strings with commas. Every one must pass.

ANSWERS: exercise id -> answers. A [code] answer is the function; a typed one is a function of the numbers `p` that
gives the literal.
"""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np


# ---------------------------------------------------------------------------------------------------- chapters 01 to 03
def losses_loop(w, b, x, y):
    each = []
    for x_n, y_n in zip(x, y, strict=True):
        each.append((w * x_n + b - y_n) ** 2 / 2)
    return each, sum(each) / len(each)


def losses_columns(w, b, x, y):
    r = (w * x + b - y)[:, None]
    return r * r / 2, (r.T @ r).item() / (2 * len(r))


def losses_polyval(w, b, x, y):
    each = np.square(np.polyval([w, b], x) - y) * 0.5
    return [each, np.average(each)]


def mean_table(p):
    each = 0.5 * (p.w * p.x + p.b - p.y) ** 2
    return [each.sum(), each.mean(), 2 * each.sum(), each.mean()]


def forward_recursive(W, b, x):
    def run(l):
        if l == 0:
            return [None], [x]
        z, a = run(l - 1)
        u = np.einsum("ik,kn->in", W[l], a[-1]) + b[l]
        return [*z, u], [*a, np.exp(u) / (1 + np.exp(u))]

    return run(len(W) - 1)


def forward_lists(W, b, x):
    z, a = [None], [[v[0] for v in x.tolist()]]
    for l in range(1, len(W)):
        z.append(
            [
                sum(w * v for w, v in zip(row, a[-1], strict=True)) + c[0]
                for row, c in zip(W[l].tolist(), b[l].tolist(), strict=True)
            ]
        )
        a.append([1 / (1 + np.exp(-v)) for v in z[-1]])
    return z, a


def forward_tanh(W, b, x):
    z, a = [None] * len(W), [x] + [None] * (len(W) - 1)
    for l in range(1, len(W)):
        z[l] = b[l] + W[l].dot(a[l - 1])
        a[l] = (1 + np.tanh(z[l] / 2)) / 2
    return (z, a)


def loss(theta, x, y):
    W1, b1, W2, b2 = theta[:6].reshape(3, 2), theta[6:9, None], theta[9:12].reshape(1, 3), theta[12:, None]
    a = 1 / (1 + np.exp(-(W2 @ np.tanh(W1 @ x + b1) + b2)))
    return 0.5 * np.sum((a - y) ** 2) / x.shape[1]


def nudge_in_place(theta, x, y):
    g = []
    for j in range(len(theta)):
        keep = theta[j]
        theta[j] = keep + 1e-5
        up = loss(theta, x, y)
        theta[j] = keep - 1e-5
        g.append((up - loss(theta, x, y)) / 2e-5)
        theta[j] = keep
    return g


def nudge_matrix(theta, x, y):
    T = np.hstack([theta[:, None] + 3e-6 * np.eye(13), theta[:, None] - 3e-6 * np.eye(13)])
    v = np.array([loss(t, x, y) for t in T.T])
    return ((v[:13] - v[13:]) / 6e-6).reshape(-1, 1)


def nudge_five(theta, x, y, h=1e-3):
    return np.array(
        [
            (
                8 * (loss(theta + h * e, x, y) - loss(theta - h * e, x, y))
                - loss(theta + 2 * h * e, x, y)
                + loss(theta - 2 * h * e, x, y)
            )
            / (12 * h)
            for e in np.eye(13)
        ]
    )


# ---------------------------------------------------------------------------------------------------- chapter 04
def jacobian_loop(f, x, h=1e-5):
    x = [float(v) for v in x]
    m = len(f(np.array(x)))
    J = [[0.0] * len(x) for _ in range(m)]
    for j in range(len(x)):
        up, down = list(x), list(x)
        up[j] += h
        down[j] -= h
        y1, y0 = f(np.array(up)), f(np.array(down))
        for i in range(m):
            J[i][j] = (y1[i] - y0[i]) / (2 * h)
    return J


def jacobian_in_place(f, x, h=1e-6):
    J = None
    for j in range(x.size):
        keep = x[j]
        x[j] = keep + h
        up = f(x).copy()
        x[j] = keep - h
        down = f(x).copy()
        x[j] = keep
        if J is None:
            J = np.zeros((up.size, x.size))
        J[:, j] = (up - down) / h / 2
    return J


def jacobian_by_rows(f, x, h=1e-4):
    """Fourth order, one input at a time, transposed at the end."""
    E = h * np.eye(len(x))
    return np.array([(8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))) / (12 * h) for e in E]).T


def softmax_loops(x):
    top = max(x)
    e = [np.exp(v - top) for v in x]
    s = [v / sum(e) for v in e]
    n = len(x)
    J = [[s[i] * ((i == j) - s[j]) for j in range(n)] for i in range(n)]
    return J, [n**-0.5] * n


def softmax_einsum(x):
    s = np.exp(x - np.logaddexp.reduce(x))
    return np.einsum("i,ij->ij", s, np.eye(len(s))) - np.einsum("i,j->ij", s, s), np.full(len(s), 1 / np.sqrt(len(s)))


def softmax_columns(x):
    """A column vector v (n, 1) for (n,) is unambiguous; the pair is a list."""
    e = np.exp(x - x.mean())
    s = (e / e.sum()).reshape(-1, 1)
    return [s * np.eye(len(x)) - s @ s.T, np.ones((len(x), 1)) / len(x) ** 0.5]


# ---------------------------------------------------------------------------------------------------- chapter 05
def composed_by_loops(f, J_f, g, J_g, x):
    A, B = J_g(f(x)), J_f(x)
    return [[sum(A[i, k] * B[k, j] for k in range(B.shape[0])) for j in range(B.shape[1])] for i in range(A.shape[0])]


def composed_by_columns(f, J_f, g, J_g, x):
    h = f(x)
    return np.stack([J_g(h).dot(column) for column in J_f(x).T], axis=1)


def composed_by_einsum(inner, J_inner, outer, J_outer, at):
    return np.einsum("ik,kj->ij", J_outer(inner(at)), J_inner(at))


def walk(p):
    """Depth first, with a set."""
    found, stack = set(), [("x2",)]
    while stack:
        way = stack.pop()
        if way[-1] == "y1":
            found.add(" > ".join(way))
        stack += [(*way, b) for a, b in p.edges if a == way[-1]]
    return found


# ---------------------------------------------------------------------------------------------------- chapter 06
def sigma(t):
    return 1 / (1 + np.exp(-t))


def backward_from_activations(W, z, a, y):
    """sigma' as a (1 - a), recursion from the top, rows instead of columns inside."""
    dW, db = [None] * len(W), [None] * len(W)
    row = (a[-1] - y).T
    for l in reversed(range(1, len(W))):
        row = row * (a[l] * (1 - a[l])).T
        dW[l] = np.outer(row, a[l - 1])
        db[l] = row.T
        row = row @ W[l]
    return dW, db


def backward_by_loops(W, z, a, y):
    L = len(W) - 1
    delta = {L: [(a[L][i, 0] - y[i, 0]) * sigma(z[L][i, 0]) * sigma(-z[L][i, 0]) for i in range(len(y))]}
    for l in range(L - 1, 0, -1):
        delta[l] = [
            sum(W[l + 1][k, j] * delta[l + 1][k] for k in range(len(delta[l + 1])))
            * sigma(z[l][j, 0])
            * sigma(-z[l][j, 0])
            for j in range(len(z[l]))
        ]
    dW = [None] + [[[d * v for v in a[l - 1].ravel()] for d in delta[l]] for l in range(1, L + 1)]
    return dW, [None] + [delta[l] for l in range(1, L + 1)]


def backward_by_jacobians(W, z, a, y):
    """The row of chapter 05: dL/da^L times diagonal times W, from the left."""
    row, dW, db = (a[-1] - y).T, [None] * len(W), [None] * len(W)
    for l in range(len(W) - 1, 0, -1):
        row = row @ np.diag((sigma(z[l]) * (1 - sigma(z[l]))).ravel())
        dW[l], db[l] = np.einsum("i,j->ij", row[0], a[l - 1][:, 0]), row.T.copy()
        row = row @ W[l]
    return dW, db


def forward(W, b, x):
    a = [x]
    for l in range(1, len(W)):
        a.append(sigma(W[l] @ a[-1] + b[l]))
    return a


def terms(p):
    a = forward(p.W, p.b, p.x)
    dW, db = backward_by_jacobians(p.W, [None, *(np.log(v / (1 - v)) for v in a[1:])], a, p.y)
    return [*db[2][:, 0], *db[1][:, 0], dW[2][0, 1], dW[1][1, 0]]


def mazur(p):
    x, y = np.array([0.05, 0.10]), np.array([0.01, 0.99])
    W1, W2 = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([[0.40, 0.45], [0.50, 0.55]])
    h = sigma(W1 @ x + 0.35)
    o = sigma(W2 @ h + 0.60)
    d = (o - y) * o * (1 - o)
    new = W2 - p.eta * np.outer(d, h)

    def after(back):
        hidden = sigma((W1 - p.eta * np.outer((d @ back) * h * (1 - h), x)) @ x + 0.35)
        return ((sigma(new @ hidden + 0.60) - y) ** 2).sum() / 2

    return [after(W2), after(new)]


def key_of(name):
    return lambda p: next(k for k, v in p.keys.items() if v == name)


def keys_of(*names):
    return lambda p: [key_of(name)(p) for name in names]


def styles(literal):
    """A matrix or vector as an array, as nested lists, as float32, as strings of digits where the tolerance allows."""
    return [literal, lambda p: np.asarray(literal(p), float), lambda p: np.asarray(literal(p), float).tolist()]


def words(keys):
    """An order as one string, with commas, as a list."""
    return [lambda p: " ".join(keys(p)), lambda p: ", ".join(keys(p)), lambda p: list(keys(p))]


def letter(name):
    return [key_of(name), lambda p: key_of(name)(p).upper(), lambda p: [key_of(name)(p)]]


def fill(p: SimpleNamespace):
    return [[p.x[1], p.x[0]], [p.a, p.b], [2 * p.x[0], 0]]


NEEDED = {3: "a1 z2 W3 z3 a3 y", 4: "a1 z2 W3 z3 W4 z4 a4 y"}
ANSWERS = {
    "mean-against-sum": styles(mean_table),
    "loss-of-the-set": [losses_loop, losses_columns, losses_polyval],
    "gradient-of-mean": letter("mean"),
    "downhill": letter("against"),
    "half-and-mean": words(keys_of("loss", "through", "square", "cancel", "step")),
    "shape-dominoes": words(keys_of(1, 2, 3, 4)),
    "count-p": [
        lambda p: sum(m * n + m for n, m in pairwise(p.sizes)),
        lambda p: float(sum(m * (n + 1) for n, m in pairwise(p.sizes))),
        lambda p: np.array([sum(m * (n + 1) for n, m in pairwise(p.sizes))]),
    ],
    "forward-pass": [forward_recursive, forward_lists, forward_tanh],
    "what-to-keep": letter("all"),
    "linear-collapse": styles(lambda p: np.column_stack([p.W2 @ p.W1, p.W2 @ p.b1 + p.b2])),
    "central-difference-loss": [nudge_in_place, nudge_matrix, nudge_five],
    "best-h": [
        *styles(lambda p: [2 * np.sqrt(2.0**-52 * p.F / p.M2), np.cbrt(3 * 2.0**-52 * p.F / p.M3)]),
        lambda p: [float(f"{v:.2g}") for v in (2 * np.sqrt(2.0**-52 * p.F / p.M2), np.cbrt(3 * 2.0**-52 * p.F / p.M3))],
    ],
    "read-report": letter("one layer"),
    "kink-and-integers": letter("kink"),
    "million-passes": styles(lambda p: [2 * p.P / 1e6, p.P * p.N / 1e6, 2 * p.P * p.P * p.N / p.rate / 3600]),
    "zero-weights": letter("vanish"),
    "jacobian-fill": styles(fill),
    "jacobian-patterns": letter("softmax"),
    "numerical-jacobian": [jacobian_loop, jacobian_in_place, jacobian_by_rows],
    "jacobian-layout": letter("inner first"),
    "softmax-jacobian": [softmax_loops, softmax_einsum, softmax_columns],
    "bias-and-fork": styles(lambda p: [[1, 0], [0, 1], [p.c[0], 0], [0, p.c[1]]]),
    "paths-all": [walk, lambda p: sorted(walk(p)), lambda p: [way.replace(" ", "") for way in walk(p)]],
    "chain-scalar": styles(lambda p: [p.a, 2 * (p.a * p.x + p.b), -p.c, -2 * p.a * p.c * (p.a * p.x + p.b)]),
    "factors-order": words(keys_of(4, 3, 2, 1)),
    "compose-jacobians": [composed_by_loops, composed_by_columns, composed_by_einsum],
    "bracketing": letter("((J4 J3) J2) J1"),
    "two-two-two": [*styles(terms), lambda p: [round(float(v), 4) for v in terms(p)]],
    "pass-order": words(keys_of("z1", "a1", "z2", "a2", "d2", "d1", "dW", "up")),
    "backward-one": [backward_from_activations, backward_by_loops, backward_by_jacobians],
    "needs-w2": [
        lambda p: NEEDED[p.L].split(),
        lambda p: set(NEEDED[p.L].split()),
        lambda p: NEEDED[p.L].split()[::-1],
    ],
    "bug-hunt": words(lambda p: [key_of(bug)(p) for bug in p.bugs]),
    "published-slip": [*styles(mazur), lambda p: [round(v, 9) for v in mazur(p)]],
}
