"""An epoch of the digits: the course's training, NumPy's limit, the peers.

    python benchmarks/training/run.py [--quick] [--threads 1] [--dtype float64] [--json FILE]

Network 64-32-10, sigmoid and softmax with cross-entropy, batches of 32, learning rate 0.5, 1440 digits to train with,
357 to test with. All start from the same weights; epochs are interleaved, round r is epoch r of everybody. The course
and scikit-learn shuffle by themselves, the others are given the same order. What is done once for a run, such as making
the network or compiling it, is not timed. Peers, all optional: torch==2.13.0 jax scikit-learn autograd.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import numpy_limit as generated  # noqa: E402
import perf_common as perf  # noqa: E402  (the two folders above come first)

from course_lib import training  # noqa: E402
from course_lib.backprop import Backpropagation  # noqa: E402
from course_lib.data import digits  # noqa: E402
from course_lib.network import Network  # noqa: E402

PEERS = ("numpy", "torch", "jax", "scikit-learn", "autograd")
AIMS = [("scikit-learn", 8), ("torch eager", 8)]  # times as fast


def load(dtype: str) -> SimpleNamespace:
    """The digits in rows, shuffled and split, and the weights to start from."""
    x, y, labels = digits()
    order = np.random.default_rng(0).permutation(len(labels))
    X, Y = (np.ascontiguousarray(v.T[order], dtype=dtype) for v in (x, y))
    sizes, rng = [64, 32, 10], np.random.default_rng(1)
    W = [(rng.normal(size=(m, n)) * np.sqrt(2 / (m + n))).astype(dtype) for n, m in zip(sizes, sizes[1:], strict=False)]
    b = [np.zeros(m, dtype) for m in sizes[1:]]
    return SimpleNamespace(
        sizes=sizes, X=X[:1440], Y=Y[:1440], labels=labels[order][:1440], test_X=X[1440:], test=labels[order][1440:],
        W=W, b=b, eta=0.5, batch=32, dtype=np.dtype(dtype),
    )  # fmt: skip


def predict(W, b, X):
    """The class of every row of X."""
    a = X
    for k, (w, v) in enumerate(zip(W, b, strict=True)):
        a = a @ w.T + v
        if k < len(W) - 1:
            a = 1 / (1 + np.exp(-a))
    return a.argmax(axis=1)


def course(D):
    net = Network.from_parameters(D.W, D.b, "sigmoid", "softmax")
    back, batches = Backpropagation(net, "categorical cross-entropy"), training._Batches(D.X.T, D.Y.T, D.batch)
    history = training.History(np.zeros_like(net.theta), np.random.default_rng(0))
    return lambda order: training._epoch(back, batches, D.eta, 0.0, history), lambda X: net(X.T).argmax(axis=0)


def numpy_limit(D):
    """The generated gradient on a gathered epoch; the step is folded into it, an update is one subtraction."""
    X, Y, B = D.X.copy(), D.Y.copy(), D.batch
    batches = [(X[start : start + B], Y[start : start + B]) for start in range(0, len(X), B)]
    case = SimpleNamespace(sizes=D.sizes, batch=B, dtype=D.dtype, softmax=True, W=D.W, b=D.b, batches=batches)
    fastest = generated.numpy_limit(case, step=D.eta)

    def epoch(order):
        np.take(D.X, order, 0, X, "clip")
        np.take(D.Y, order, 0, Y, "clip")
        for i in range(len(batches)):
            fastest.gradient(i)
            np.subtract(fastest.theta, fastest.dtheta, fastest.theta)

    return epoch, lambda X: predict(fastest.W, fastest.b, X)


def numpy_plain(D):
    W, b, L = [w.copy() for w in D.W], [v.copy() for v in D.b], len(D.W)

    def epoch(order):
        for start in range(0, len(order), D.batch):
            chosen = order[start : start + D.batch]
            X, Y = D.X[chosen], D.Y[chosen]
            acts = [X]
            for k in range(L):
                z = acts[-1] @ W[k].T + b[k]
                e = np.exp(z - z.max(axis=1, keepdims=True)) if k == L - 1 else None
                acts.append(1 / (1 + np.exp(-z)) if e is None else e / e.sum(axis=1, keepdims=True))
            delta = (acts[-1] - Y) / len(X)
            for k in range(L - 1, -1, -1):
                dW, db = delta.T @ acts[k], delta.sum(axis=0)
                if k:
                    delta = (delta @ W[k]) * acts[k] * (1 - acts[k])
                W[k] -= D.eta * dW
                b[k] -= D.eta * db

    return epoch, lambda X: predict(W, b, X)


def torch_eager(D):
    import torch

    torch.set_num_threads(int(os.environ["PERF_THREADS"]))
    layers = []
    for w, v in zip(D.W, D.b, strict=True):
        layer = torch.nn.Linear(w.shape[1], w.shape[0])
        layer.weight, layer.bias = torch.nn.Parameter(torch.tensor(w)), torch.nn.Parameter(torch.tensor(v))
        layers += [layer, torch.nn.Sigmoid()]
    net = torch.nn.Sequential(*layers[:-1])
    X, labels = torch.from_numpy(D.X), torch.from_numpy(D.labels)
    optimizer, criterion = torch.optim.SGD(net.parameters(), lr=D.eta), torch.nn.CrossEntropyLoss()

    def epoch(order):
        order = torch.from_numpy(order)
        shuffled, right = X[order], labels[order]
        for start in range(0, len(order), D.batch):
            optimizer.zero_grad()
            criterion(net(shuffled[start : start + D.batch]), right[start : start + D.batch]).backward()
            optimizer.step()

    def answer(X):
        with torch.no_grad():
            return net(torch.from_numpy(X)).argmax(1).numpy()

    return epoch, answer


def jax_scan(D):
    """The whole epoch in one compiled function."""
    import jax
    import jax.numpy as jnp

    parameters = [[jnp.asarray(w), jnp.asarray(v)] for w, v in zip(D.W, D.b, strict=True)]
    X, Y = jnp.asarray(D.X), jnp.asarray(D.Y)

    def loss(parameters, x, y):
        a = x
        for k, (w, v) in enumerate(parameters):
            a = a @ w.T + v
            if k < len(parameters) - 1:
                a = jax.nn.sigmoid(a)
        return -(y * jax.nn.log_softmax(a)).sum() / len(x)

    def step(parameters, batch):
        gradient = jax.grad(loss)(parameters, *batch)
        return jax.tree.map(lambda p, g: p - D.eta * g, parameters, gradient), None

    @jax.jit
    def whole(parameters, order):
        batches = (v[order].reshape(-1, D.batch, v.shape[1]) for v in (X, Y))
        return jax.lax.scan(step, parameters, tuple(batches))[0]

    whole(parameters, np.arange(len(X)))  # compiled outside the measured epochs

    def epoch(order):
        nonlocal parameters
        parameters = jax.block_until_ready(whole(parameters, order))

    return epoch, lambda X: predict(*([np.asarray(p[k]) for p in parameters] for k in (0, 1)), X)


def scikit_learn(D):
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")
    model = MLPClassifier(
        (32,), activation="logistic", solver="sgd", alpha=0.0, batch_size=D.batch, learning_rate_init=D.eta,
        momentum=0.0, nesterovs_momentum=False, shuffle=True, random_state=0,
    )  # fmt: skip
    model.partial_fit(D.X[: D.batch], D.labels[: D.batch], classes=np.arange(10))
    for k, (w, v) in enumerate(zip(D.W, D.b, strict=True)):
        model.coefs_[k][...], model.intercepts_[k][...] = w.T, v
    return lambda order: model.partial_fit(D.X, D.labels), model.predict


def hips_autograd(D):
    import autograd.numpy as anp
    from autograd import grad

    parameters = [(w.copy(), v.copy()) for w, v in zip(D.W, D.b, strict=True)]

    def loss(parameters, x, y):
        (W1, b1), (W2, b2) = parameters
        z = anp.dot(0.5 * (anp.tanh(0.5 * (anp.dot(x, W1.T) + b1)) + 1), W2.T) + b2
        z = z - anp.max(z, axis=1, keepdims=True)
        return (anp.sum(anp.log(anp.sum(anp.exp(z), axis=1))) - anp.sum(z * y)) / len(x)

    gradient = grad(loss)

    def epoch(order):
        for start in range(0, len(order), D.batch):
            chosen = order[start : start + D.batch]
            for (w, v), (dw, dv) in zip(parameters, gradient(parameters, D.X[chosen], D.Y[chosen]), strict=True):
                w -= D.eta * dw
                v -= D.eta * dv

    return epoch, lambda X: predict(*zip(*parameters, strict=True), X)


CONTESTANTS = {
    "NumPy limit": numpy_limit,
    "course_lib": course,
    "NumPy, plain": numpy_plain,
    "torch eager": torch_eager,
    "JAX, epoch in one scan": jax_scan,
    "scikit-learn": scikit_learn,
    "HIPS autograd": hips_autograd,
}


def main() -> None:
    options = perf.start(__doc__, PEERS, dtype="float64")
    D, epochs, clock = load(options.dtype), 12 if options.quick else 30, time.process_time
    if options.threads > 1:
        clock = time.perf_counter
    running = {}
    for name, make in CONTESTANTS.items():
        try:
            running[name] = make(D)
        except ImportError as error:
            print(f"   left out: {name} ({error})")
    rng, times = np.random.default_rng(9), {name: [] for name in running}
    for _ in range(epochs):
        order = rng.permutation(len(D.X))
        for name, (epoch, _) in running.items():
            start = clock()
            epoch(order)
            times[name].append(clock() - start)
    seconds = {name: np.array(values[1:]) for name, values in times.items()}  # the first epoch warms up
    print(f"\nmedians of {epochs - 1} epochs; ratios are medians of the ratios of one round")
    print(f"   {'':24} {'best epoch':>10} {'samples/s':>10} {'/ limit':>8} {'course_lib is':>14} {'test accuracy':>14}")
    for name in sorted(seconds, key=lambda name: np.median(seconds[name])):
        ratio = np.median(seconds[name] / seconds["NumPy limit"])
        faster = np.median(seconds[name] / seconds["course_lib"])
        right = (running[name][1](D.test_X) == D.test).mean()
        best = seconds[name].min()
        rate = f"{len(D.X) / best:,.0f}"
        print(f"   {name:24} {perf.seconds(best):>10} {rate:>10} {ratio:8.2f} {faster:9.2f} x as fast {right:9.3f}")
    for peer, aim in AIMS:
        if peer in seconds:
            low, faster, high = np.percentile(seconds[peer] / seconds["course_lib"], [25, 50, 75])
            verdict = "reached" if faster >= aim else "unclear" if high >= aim else "missed"
            print(f"   aim: {aim} times as fast as {peer}: {faster:.1f} ({low:.1f} to {high:.1f}), {verdict}")
    perf.finish(options, {name: values.tolist() for name, values in seconds.items()})


if __name__ == "__main__":
    main()
