"""Right answers to the exercises of chapter 10, in other styles."""

import numpy as np

from course_lib.autodiff import Value, softmax_cross_entropy
from course_lib.backprop import loss_and_gradients
from course_lib.data import digits
from course_lib.exercises import ch10
from course_lib.finite_differences import finite_difference_gradient
from course_lib.network import Network
from course_lib.training import train
from tests.answers.styles import words

LOSS = "categorical cross-entropy"


# ------------------------------------------------------------------------------------------------ numbers typed in
def factors_by_svd(p):
    s = np.linalg.svd(p.W, compute_uv=False)[0]
    return [s, s / 4, p.k * np.log10(s / 4), 4 / s]


def factors_by_power_iteration(p):
    v = np.array([1.0, 0.3])
    for _ in range(2000):
        v = p.W.T @ (p.W @ v)
        v /= np.hypot(*v)
    s = np.linalg.norm(p.W @ v)
    return np.array([[s], [0.25 * s], [np.log10((0.25 * s) ** p.k)], [1 / (0.25 * s)]])


def factors_typed(p):
    return [round(float(v), 3) for v in factors_by_svd(p)]


def scales_by_formula(p):
    return [p.n**-0.5, (2 / p.n) ** 0.5, (2 / p.m) ** 0.5, (2 / (p.n + p.m)) ** 0.5]


def scales_typed(p):
    return [float(f"{v:.4f}") for v in scales_by_formula(p)]


def scales_by_bisection(p):
    """The s at which the growth is 1, found by halving."""

    def root(growth):
        low, high = 0.0, 1.0
        for _ in range(60):
            s = (low + high) / 2
            low, high = (s, high) if growth(s) < 1 else (low, s)
        return s

    n, m = p.n, p.m
    laws = (lambda s: n * s * s, lambda s: n * s * s / 2, lambda s: m * s * s / 2, lambda s: (n + m) / 2 * s * s)
    return np.array([root(law) for law in laws])


# ------------------------------------------------------------------------------------------------ gradients, three ways
def by_library(W, b, x, y):
    net = Network.from_parameters(W, b, activation="tanh", output="softmax")
    return loss_and_gradients(net, x, y, LOSS)


def by_engine(W, b, x, y):
    V, c = ([None, *(Value(p) for p in v[1:])] for v in (W, b))
    a = x
    for l in range(1, len(W)):
        z = V[l] @ a + c[l]
        a = np.tanh(z)
    loss = softmax_cross_entropy(z, y)
    loss.backward()
    return loss.data, [None, *(p.grad for p in V[1:])], [None, *(p.grad for p in c[1:])]


def by_hand(W, b, x, y):
    """One example after the other, lists for matrices inside."""
    N, L = x.shape[1], len(W) - 1
    dW, db = [None, *(np.zeros_like(p) for p in W[1:])], [None, *(np.zeros_like(p) for p in b[1:])]
    total = 0.0
    for n in range(N):
        a = [x[:, n]]
        for l in range(1, L + 1):
            z = W[l] @ a[-1] + b[l][:, 0]
            a.append(np.tanh(z) if l < L else np.exp(z - z.max()) / np.exp(z - z.max()).sum())
        total -= float(y[:, n] @ np.log(a[L])) / N
        delta = (a[L] - y[:, n]) / N
        for l in reversed(range(1, L + 1)):
            dW[l] += np.outer(delta, a[l - 1])
            db[l][:, 0] += delta
            delta = delta @ W[l] * (1 - a[l - 1] ** 2)
    return total, dW, db


# ------------------------------------------------------------------------------------------------ training-loop
def descend_with_a_vector(W, b, x, y, epochs, eta, momentum):
    net = Network.from_parameters(W, b, activation="tanh", output="softmax")
    v, losses = np.zeros(net.P), []
    for batches in epochs:
        found = []
        for batch in batches:
            loss, dW, db = loss_and_gradients(net, x[:, batch], y[:, batch], LOSS)
            v = momentum * v + net.vector(dW, db)
            net.theta -= eta * v
            found += [loss] * len(batch)
        losses.append(np.mean(found))
    return net.W, net.b, losses


def descending(gradients):
    def descend(W, b, x, y, epochs, eta, momentum):
        W, b = list(W), list(b)
        vW, vb = ([np.zeros(1)] * len(v) for v in (W, b))
        losses = []
        for batches in epochs:
            total = 0.0
            for batch in batches:
                loss, dW, db = gradients(W, b, x[:, batch], y[:, batch])
                for l in range(1, len(W)):
                    vW[l], vb[l] = momentum * vW[l] + dW[l], momentum * vb[l] + db[l]
                    W[l], b[l] = W[l] - eta * vW[l], b[l] - eta * vb[l]
                total += loss * len(batch) / 7
            losses.append(total)
        return W, b, losses

    return descend


# ------------------------------------------------------------------------------------------------ digits-trained
def digits_by_library(chosen):
    data, net = digits(), Network([64, 24, 10], activation="tanh", output="softmax", rng=7)
    train(net, data.x[:, chosen], data.y[:, chosen], epochs=40, eta=0.2, batch=16, loss=LOSS)
    return net.W, net.b


def digits_by_hand(chosen):
    """Plain descent on batches of twenty, with nothing of course_lib but the images."""
    x, y, rng = digits().x[:, chosen], digits().y[:, chosen], np.random.default_rng(5)
    W1, b1 = rng.normal(size=(24, 64)) / 8, np.zeros((24, 1))
    W2, b2 = rng.normal(size=(10, 24)) / 5, np.zeros((10, 1))
    for _ in range(25):
        for batch in rng.permutation(500).reshape(25, 20):
            a = np.tanh(W1 @ x[:, batch] + b1)
            e = np.exp(W2 @ a + b2)
            delta2 = (e / e.sum(axis=0) - y[:, batch]) / 20
            delta1 = W2.T @ delta2 * (1 - a**2)
            W2 = W2 - 0.5 * delta2 @ a.T
            b2 = b2 - 0.5 * delta2.sum(axis=1, keepdims=True)
            W1 = W1 - 0.5 * delta1 @ x[:, batch].T
            b1 = b1 - 0.5 * delta1.sum(axis=1, keepdims=True)
    return [None, W1, W2], [None, b1, b2]


def digits_by_engine(chosen):
    """The engine, all 500 in one batch, and steps that adapt to each parameter (Adam)."""
    x, y, rng = digits().x[:, chosen], digits().y[:, chosen], np.random.default_rng(8)
    shapes = ((24, 64), (24, 1), (10, 24), (10, 1))
    p = [Value(rng.normal(size=s) / s[1] ** 0.5 if s[1] > 1 else np.zeros(s)) for s in shapes]
    first, second = ([np.zeros(s) for s in shapes] for _ in "12")
    for t in range(1, 61):
        softmax_cross_entropy(p[2] @ np.tanh(p[0] @ x + p[1]) + p[3], y).backward()
        for k, v in enumerate(p):
            first[k] = 0.9 * first[k] + 0.1 * v.grad
            second[k] = 0.99 * second[k] + 0.01 * v.grad**2
            v.data = v.data - 0.03 * (first[k] / (1 - 0.9**t)) / (np.sqrt(second[k] / (1 - 0.99**t)) + 1e-8)
    return [None, p[0].data.tolist(), p[2].data.tolist()], [None, p[1].data.ravel(), p[3].data.ravel()]


# ------------------------------------------------------------------------------------------------ curves, leaks
def causes(p):
    """By elimination: the highest, then the flattest, and so on, instead of thresholds for each."""
    runs = {n: np.asarray(run) for n, run in enumerate(p.runs)}
    found = {}
    for cause, score in (
        ("large", lambda t, s: t.max()),
        ("mixed", lambda t, s: s[-1]),
        ("memorised", lambda t, s: -t[-1]),
        ("vanishing", lambda t, s: -np.ptp(t[6:])),
        ("small", lambda t, s: 0),
    ):
        n = max(runs, key=lambda n, score=score: score(*runs[n]))
        found[n] = cause
        del runs[n]
    return [next(k for k, name in p.keys.items() if name == found[n]) for n in range(5)]


HARMLESS = {"print", "once", "same", "shuffle", "aside", "decay"}


def leaking(p):
    return [key for key, name in p.keys.items() if name not in HARMLESS]


# ------------------------------------------------------------------------------------------------ capstone
def vector(dW, db):
    return np.concatenate([np.ravel(p) for p in [*dW[1:], *db[1:]]])


def error(one, other):
    return np.linalg.norm(one - other) / max(np.linalg.norm(one), np.linalg.norm(other))


def nudged(W, b, x, y, loss):
    """Central differences of a loss of (W, b) at all parameters, in the order of `vector`."""
    shapes = [p.shape for p in [*W[1:], *b[1:]]]
    ends = np.cumsum([m * n for m, n in shapes])

    def f(theta):
        parts = [v.reshape(s) for v, s in zip(np.split(theta, ends[:-1]), shapes, strict=True)]
        half = len(parts) // 2
        return loss([None, *parts[:half]], [None, *parts[half:]], x, y)[0]

    return finite_difference_gradient(f, vector(W, b))


def checked(gradients, nudge=nudged):
    def capstone(W, b, x, y, batches, eta, penalty, claim):
        true, (_, dW, db) = nudge(W, b, x, y, gradients), gradients(W, b, x, y)
        errors = [error(vector(dW, db), true), error(vector(*claim), true)]
        W, b, losses = list(W), list(b), []
        for batch in batches:
            loss, dW, db = gradients(W, b, x[:, batch], y[:, batch])
            losses.append(loss + penalty / 2 * sum((w * w).sum() for w in W[1:]))
            W = [None, *(w - eta * (d + penalty * w) for w, d in zip(W[1:], dW[1:], strict=True))]
            b = [None, *(c - eta * d for c, d in zip(b[1:], db[1:], strict=True))]
        return W, b, losses, errors

    return capstone


def by_complex_steps(W, b, x, y, loss):
    return vector(*ch10.complex_gradients(W, b, x, y))


ANSWERS = {
    "sigmoid-factor": [factors_by_svd, factors_by_power_iteration, factors_typed],
    "norm-scale": [scales_by_formula, scales_typed, scales_by_bisection],
    "training-loop": [descend_with_a_vector, descending(by_hand), descending(by_engine)],
    "test-leaks": words(leaking),
    "digits-trained": [digits_by_library, digits_by_hand, digits_by_engine],
    "diagnose-curves": words(causes),
    "capstone": [checked(by_hand), checked(by_engine), checked(by_library, by_complex_steps)],
}
