"""Right answers to the exercises of chapter 06, in other styles."""

import numpy as np

from tests.answers.styles import key_of, keys_of, styles, words


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


NEEDED = {3: "a1 z2 W3 z3 a3 y", 4: "a1 z2 W3 z3 W4 z4 a4 y"}


ANSWERS = {
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
