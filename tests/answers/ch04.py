"""Right answers to the exercises of chapter 04, in other styles."""

from types import SimpleNamespace

import numpy as np

from tests.answers.styles import letter, styles


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


def fill(p: SimpleNamespace):
    return [[p.x[1], p.x[0]], [p.a, p.b], [2 * p.x[0], 0]]


ANSWERS = {
    "jacobian-fill": styles(fill),
    "jacobian-patterns": letter("softmax"),
    "numerical-jacobian": [jacobian_loop, jacobian_in_place, jacobian_by_rows],
    "jacobian-layout": letter("inner first"),
    "softmax-jacobian": [softmax_loops, softmax_einsum, softmax_columns],
    "bias-and-fork": styles(lambda p: [[1, 0], [0, 1], [p.c[0], 0], [0, p.c[1]]]),
}
