"""Right answers to the exercises of chapter 03, in other styles."""

import numpy as np

from tests.answers.styles import letter, styles


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


ANSWERS = {
    "central-difference-loss": [nudge_in_place, nudge_matrix, nudge_five],
    "best-h": [
        *styles(lambda p: [2 * np.sqrt(2.0**-52 * p.F / p.M2), np.cbrt(3 * 2.0**-52 * p.F / p.M3)]),
        lambda p: [float(f"{v:.2g}") for v in (2 * np.sqrt(2.0**-52 * p.F / p.M2), np.cbrt(3 * 2.0**-52 * p.F / p.M3))],
    ],
    "read-report": letter("one layer"),
    "kink-and-integers": letter("kink"),
    "million-passes": styles(lambda p: [2 * p.P / 1e6, p.P * p.N / 1e6, 2 * p.P * p.P * p.N / p.rate / 3600]),
    "zero-weights": letter("vanish"),
}
