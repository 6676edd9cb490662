"""Right answers to the exercises of chapter 01, in other styles."""

import numpy as np

from tests.answers.styles import keys_of, letter, styles, words


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
    return [each[0], each.sum(), each.mean(), 2 * each.sum(), each.mean()]


ANSWERS = {
    "mean-against-sum": styles(mean_table),
    "loss-of-the-set": [losses_loop, losses_columns, losses_polyval],
    "gradient-of-mean": letter("mean"),
    "downhill": letter("against"),
    "half-and-mean": words(keys_of("loss", "through", "square", "cancel", "step")),
}
