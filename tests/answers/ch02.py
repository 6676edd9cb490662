"""Right answers to the exercises of chapter 02, in other styles."""

from itertools import pairwise

import numpy as np

from tests.answers.styles import keys_of, letter, styles, words


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


ANSWERS = {
    "shape-dominoes": words(keys_of(1, 2, 3, 4)),
    "count-p": [
        lambda p: sum(m * n + m for n, m in pairwise(p.sizes)),
        lambda p: float(sum(m * (n + 1) for n, m in pairwise(p.sizes))),
        lambda p: np.array([sum(m * (n + 1) for n, m in pairwise(p.sizes))]),
    ],
    "forward-pass": [forward_recursive, forward_lists, forward_tanh],
    "what-to-keep": letter("all"),
    "linear-collapse": styles(lambda p: np.column_stack([p.W2 @ p.W1, p.W2 @ p.b1 + p.b2])),
}
