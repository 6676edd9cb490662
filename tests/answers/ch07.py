"""Right answers to the exercises of chapter 07, in other styles."""

import numpy as np

from tests.answers.styles import letter, styles


def sigma(t):
    return 1 / (1 + np.exp(-t))


def backward_one_by_one(W, z, a, y):
    """A loop over the examples and an outer product for each, added up in place; sigma' as a (1 - a)."""
    N, L = y.shape[1], len(W) - 1
    dW, db = [None, *(np.zeros(w.shape) for w in W[1:])], [None, *(np.zeros((len(w), 1)) for w in W[1:])]
    for n in range(N):
        row = (a[L][:, n] - y[:, n]) / N
        for l in range(L, 0, -1):
            dW[l] += np.outer(row, a[l - 1][:, n])
            db[l][:, 0] += row
            row = row @ W[l] * (a[l - 1] * (1 - a[l - 1]))[:, n]
    return dW, db


def backward_einsum(W, z, a, y):
    """The mean at the end, once for each gradient; layers as a recursion."""

    def down(l, delta):
        here = [np.einsum("in,kn->ik", delta, a[l - 1]) / len(y.T)], [np.einsum("in->i", delta) / len(y.T)]
        if l == 1:
            return [None, *here[0]], [None, *here[1]]
        below = down(l - 1, np.einsum("in,ik->kn", delta, W[l]) * sigma(z[l - 1]) * sigma(-z[l - 1]))
        return below[0] + here[0], below[1] + here[1]

    return down(len(W) - 1, a[-1] - y)


def backward_in_rows(W, z, a, y):
    """Everything transposed, as in other courses, and the bias as a weight whose input is 1."""
    rows, dW, db = (a[-1] - y).T / y.shape[1], [None] * len(W), [None] * len(W)
    for l in range(len(W) - 1, 0, -1):
        below = np.hstack([a[l - 1].T, np.ones((y.shape[1], 1))])
        both = (below.T @ rows).T
        dW[l], db[l] = both[:, :-1].tolist(), both[:, -1:]
        rows = (rows @ W[l]) * (1 / (2 + 2 * np.cosh(z[l - 1].T))) if l > 1 else None
    return dW, db


def softmax_columns(z, g):
    a, dz = np.empty(z.shape), np.empty(z.shape)
    for n, (column, slope) in enumerate(zip(z.T, g.T, strict=True)):
        e = np.exp(column - max(column))
        s = e / e.sum()
        a[:, n], dz[:, n] = s, s * slope - s * (s @ slope)
    return a, dz


def softmax_einsum(z, g):
    e = np.exp(z - z.max(0))
    a = e / e.sum(0)
    J = np.einsum("in,ij->nij", a, np.eye(len(a))) - np.einsum("in,jn->nij", a, a)
    return [a, np.einsum("nij,in->jn", J, g)]


def softmax_lists(z, g):
    columns, slopes = [], []
    for logits, slope in zip(np.transpose(z).tolist(), np.transpose(g).tolist(), strict=True):
        e = [float(np.exp(v - max(logits))) for v in logits]
        s = [v / sum(e) for v in e]
        mean = sum(p * v for p, v in zip(s, slope, strict=True))
        columns.append(s)
        slopes.append([p * (v - mean) for p, v in zip(s, slope, strict=True)])
    return np.transpose(columns).tolist(), np.transpose(slopes).tolist()


def by_rows(X, labels, W1, b1, W2, b2, strength):
    h = np.maximum(0, X @ W1 + b1)
    p = np.exp(h @ W2 + b2)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[range(len(X)), labels]).mean() + strength * ((W1 * W1).sum() + (W2 * W2).sum())
    p[range(len(X)), labels] -= 1
    p /= len(X)
    d = p @ W2.T
    d[h <= 0] = 0
    return loss, X.T @ d + 2 * strength * W1, d.sum(0), h.T @ p + 2 * strength * W2, p.sum(0)


def by_columns(X, labels, W1, b1, W2, b2, strength):
    """In the layout of this course, with the library, and back."""
    from course_lib.backprop import loss_and_gradients
    from course_lib.network import Network

    net = Network.from_parameters([W1.T, W2.T], [b1, b2], "relu", "softmax")
    y = np.eye(W2.shape[1])[labels].T
    loss, dW, db = loss_and_gradients(net, X.T, y, "categorical cross-entropy", penalty=2 * strength)
    return [loss, dW[1].T, db[1], dW[2].T, db[2]]


def by_examples(X, labels, W1, b1, W2, b2, strength):
    """A loop over the examples."""
    N, loss = len(X), strength * (np.sum(W1**2) + np.sum(W2**2))
    dW1, db1, dW2, db2 = 2 * strength * W1, np.zeros_like(b1), 2 * strength * W2, np.zeros_like(b2)
    for x, label in zip(X, labels, strict=True):
        z = x @ W1 + b1
        h = z * (z > 0)
        s = h @ W2 + b2
        loss += (np.logaddexp.reduce(s) - s[label]) / N
        d = np.exp(s - np.logaddexp.reduce(s)) / N
        d[label] -= 1 / N
        dW2 += np.outer(h, d)
        db2 += d
        d = (W2 @ d) * (z > 0)
        dW1 += np.outer(x, d)
        db1 += d
    return loss, dW1, db1[None, :], dW2, db2[None, :]


def delta_by_hand(p):
    columns = []
    for n, label in enumerate(p.labels):
        e = p.powers[:, n].tolist()
        columns.append([(v / sum(e) - (i == label)) / 2 for i, v in enumerate(e)])
    return np.transpose(columns)


def delta_by_jacobians(p):
    a = p.powers / p.powers.sum(axis=0)
    pulled = []
    for n, label in enumerate(p.labels):
        s = a[:, n]
        pulled.append(-(np.diag(s) - np.outer(s, s))[label] / s[label] / 2)
    return [[round(float(v), 4) for v in row] for row in np.array(pulled).T]


ANSWERS = {
    "bias-axis": letter("sum over the examples"),
    "shape-trap": letter("pairs"),
    "softmax-delta": [*styles(delta_by_hand), delta_by_jacobians],
    "backward-batch": [backward_one_by_one, backward_einsum, backward_in_rows],
    "softmax-layer": [softmax_columns, softmax_einsum, softmax_lists],
    "published-net": [by_rows, by_columns, by_examples],
}
