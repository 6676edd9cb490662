"""The loss and its gradient for all parameters of a network: the course's back-propagation, NumPy's limit, the peers.

    python benchmarks/gradient/run.py [--quick] [--threads 1] [--cases a,b1,...] [--json FILE]

The peers are optional (torch==2.13.0 jax autograd scikit-learn micrograd); those that are not installed are left out
with a line. All have the same weights, inputs and loss; every result is compared with a plain float64 reference, itself
compared with central differences, before it is timed. The second copy of the limit shows the noise of a ratio.
"""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import perf_common as perf  # noqa: E402  (the two folders above come first)
from numpy_limit import numpy_limit, parameters  # noqa: E402

from course_lib.backprop import Backpropagation  # noqa: E402
from course_lib.network import Network  # noqa: E402

PEERS = ("numpy", "torch", "jax", "autograd", "scikit-learn", "micrograd")
CASES = {  # name: (layer sizes, samples)
    "a": ([2, 2, 2], 1),
    "b1": ([64, 32, 10], 1),
    "b64": ([64, 32, 10], 64),
    "c": ([784, 30, 10], 10),
    "d": ([784, 512, 512, 10], 128),
    "e": ([1024, 2048, 2048, 2048, 2048, 10], 256),
}
DEFAULT = "a,b1,b64,b64:softmax,c,c:softmax,d,d:float32,d:softmax,e,e:float32"
AIMS = [  # (the course's contestant, whom it is compared with, largest ratio, in the cases that start with)
    ("course_lib", "NumPy limit", 1.25, ("",)),
    ("course_lib", "torch eager", 0.2, ("a", "b", "c")),
    ("course_lib", "torch eager", 1.05, ("d", "e")),
    ("course_lib", "JAX jit", 1.1, ("",)),
    ("course_lib", "HIPS autograd", 1.0, ("",)),
    ("course_lib", "scikit-learn", 1.0, ("",)),
    ("course_lib", "micrograd", 1.0, ("",)),
]


def build(key: str) -> SimpleNamespace:
    """'d', 'd:float32' or 'd:softmax': weights W (n_l, n_{l-1}), b (n_l,) and three batches of samples in rows."""
    name, *options = key.split(":")
    sizes, N = CASES[name]
    dtype = np.dtype("float32" if "float32" in options else "float64")
    rng = np.random.default_rng(7)
    W = [(rng.normal(size=(m, n)) / np.sqrt(n)).astype(dtype) for n, m in zip(sizes, sizes[1:], strict=False)]
    b = [(rng.normal(size=m) * 0.5).astype(dtype) for m in sizes[1:]]
    batches = []
    for _ in range(3):
        X = rng.random((N, sizes[0])).astype(dtype)
        batches.append((X, np.eye(sizes[-1], dtype=dtype)[rng.integers(0, sizes[-1], N)]))
    return SimpleNamespace(
        key=key, sizes=sizes, batch=N, dtype=dtype, softmax="softmax" in options, W=W, b=b, batches=batches
    )


def reference(case, i, W=None) -> tuple[float, np.ndarray]:
    """Back-propagation written to be read: the loss and the gradient as one vector, in float64, samples in rows."""
    W, b = ([v.astype(np.float64) for v in arrays] for arrays in (W or case.W, case.b))
    X, Y = (v.astype(np.float64) for v in case.batches[i])
    A = [X]
    for k in range(len(W)):
        Z = A[-1] @ W[k].T + b[k]
        if case.softmax and k == len(W) - 1:
            E = np.exp(Z - Z.max(axis=1, keepdims=True))
            A.append(E / E.sum(axis=1, keepdims=True))
        else:
            A.append(1 / (1 + np.exp(-Z)))
    D = (A[-1] - Y) / len(X)
    loss = -(Y * np.log(A[-1])).sum() / len(X) if case.softmax else 0.5 * ((A[-1] - Y) ** 2).sum() / len(X)
    if not case.softmax:
        D = D * A[-1] * (1 - A[-1])
    parts = []
    for k in range(len(W) - 1, -1, -1):
        parts = [(D.T @ A[k]).ravel(), D.sum(axis=0), *parts]
        D = (D @ W[k]) * A[k] * (1 - A[k])
    return float(loss), np.concatenate(parts)


def reference_error() -> float:
    """The reference against central differences of its own loss, at twelve weights of the first layer."""
    worst = 0.0
    for key in ("a", "b64", "b64:softmax"):
        case = build(key)
        gradient = reference(case, 0)[1]
        for j in np.random.default_rng(1).integers(0, case.W[0].size, 12):
            loss = []
            for h in (1e-5, -1e-5):
                W = [w.copy() for w in case.W]
                W[0].flat[j] += h
                loss.append(reference(case, 0, W)[0])
            worst = max(worst, abs((loss[0] - loss[1]) / 2e-5 - gradient[j]) / np.abs(gradient).max())
    return worst


@dataclass(frozen=True)
class Contestant:
    """``make(case)`` gives gradient(i), timed, and read(result) -> loss, [dW, ..], [db, ..], not timed."""

    name: str
    make: Callable[[SimpleNamespace], tuple[Callable, Callable]]
    largest: int = 10**12  # samples times parameters beyond which it takes too long


def limit(case):
    fastest = numpy_limit(case)
    return fastest.gradient, lambda loss: (loss, fastest.dW, fastest.db)


def course(case):
    net = Network.from_parameters(case.W, case.b, "sigmoid", "softmax" if case.softmax else None)
    back = Backpropagation(net, "categorical cross-entropy" if case.softmax else "squared error")
    columns = [(X.T, Y.T) for X, Y in case.batches]
    return lambda i: back.gradient(*columns[i]), lambda result: (result[0], result[1][1:], result[2][1:])


def numpy_plain(case):
    """What a careful author writes who does not tune: fresh arrays, sigma' computed again from z."""
    W, b, L = case.W, case.b, len(case.W)

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def gradient(i):
        X, Y = case.batches[i]
        zs, acts, N = [], [X], len(X)
        for k in range(L):
            z = acts[-1] @ W[k].T + b[k]
            zs.append(z)
            if case.softmax and k == L - 1:
                e = np.exp(z - z.max(axis=1, keepdims=True))
                acts.append(e / e.sum(axis=1, keepdims=True))
            else:
                acts.append(sigmoid(z))
        delta = (acts[-1] - Y) / N
        if case.softmax:
            loss = -np.sum(Y * np.log(acts[-1])) / N
        else:
            loss = 0.5 * np.sum((acts[-1] - Y) ** 2) / N
            delta = delta * sigmoid(zs[-1]) * (1 - sigmoid(zs[-1]))
        dW, db = [None] * L, [None] * L
        for k in range(L - 1, -1, -1):
            dW[k], db[k] = delta.T @ acts[k], delta.sum(axis=0)
            if k:
                s = sigmoid(zs[k - 1])
                delta = (delta @ W[k]) * s * (1 - s)
        return float(loss), dW, db

    return gradient, lambda result: result


def torch_eager(case):
    import torch
    from torch.nn import functional

    torch.set_num_threads(int(os.environ["PERF_THREADS"]))
    parameters = [torch.tensor(v, requires_grad=True) for pair in zip(case.W, case.b, strict=True) for v in pair]
    data = [(torch.from_numpy(X), torch.from_numpy(Y), torch.from_numpy(Y.argmax(1))) for X, Y in case.batches]
    L, half = len(case.W), 0.5 / case.batch

    def gradient(i):
        a, Y, labels = data[i]
        for k in range(L):
            a = functional.linear(a, parameters[2 * k], parameters[2 * k + 1])
            if not (case.softmax and k == L - 1):
                a = torch.sigmoid(a)
        loss = (
            functional.cross_entropy(a, labels) if case.softmax else functional.mse_loss(a, Y, reduction="sum") * half
        )
        return loss.item(), torch.autograd.grad(loss, parameters)

    return gradient, lambda result: (result[0], result[1][0::2], result[1][1::2])


def jax_jit(case):
    import jax
    import jax.numpy as jnp

    parameters = [(jnp.asarray(w), jnp.asarray(v)) for w, v in zip(case.W, case.b, strict=True)]
    data = [(jnp.asarray(X), jnp.asarray(Y)) for X, Y in case.batches]

    def loss(parameters, X, Y):
        a = X
        for k, (w, v) in enumerate(parameters):
            a = a @ w.T + v
            if not (case.softmax and k == len(parameters) - 1):
                a = jax.nn.sigmoid(a)
        if case.softmax:
            return -(Y * jax.nn.log_softmax(a)).sum() / len(X)
        return 0.5 * ((a - Y) ** 2).sum() / len(X)

    compiled = jax.jit(jax.value_and_grad(loss))
    return lambda i: jax.block_until_ready(compiled(parameters, *data[i])), lambda result: (
        float(result[0]),
        [w for w, _ in result[1]],
        [v for _, v in result[1]],
    )


def hips_autograd(case):
    import autograd.numpy as anp
    from autograd import value_and_grad

    parameters, N = list(zip(case.W, case.b, strict=True)), case.batch

    def loss(parameters, X, Y):
        a = X
        for k, (w, v) in enumerate(parameters):
            a = anp.dot(a, w.T) + v
            if not (case.softmax and k == len(parameters) - 1):
                a = 0.5 * (anp.tanh(0.5 * a) + 1)
        if case.softmax:
            z = a - anp.max(a, axis=1, keepdims=True)
            return (anp.sum(anp.log(anp.sum(anp.exp(z), axis=1))) - anp.sum(z * Y)) / N
        return 0.5 * anp.sum((a - Y) ** 2) / N

    both = value_and_grad(loss)
    return lambda i: both(parameters, *case.batches[i]), lambda result: (
        float(result[0]),
        [w for w, _ in result[1]],
        [v for _, v in result[1]],
    )


def scikit_learn(case):
    """The back-propagation inside MLPClassifier, which has no other loss than softmax with cross-entropy."""
    from sklearn.neural_network import MLPClassifier

    if not case.softmax:
        raise perf.Skip
    L, classes = len(case.W), case.sizes[-1]
    warnings.simplefilter("ignore")
    model = MLPClassifier(case.sizes[1:-1], activation="logistic", solver="sgd", alpha=0.0, batch_size=classes)
    start = np.random.default_rng(0).random((classes, case.sizes[0])).astype(case.dtype)
    model.partial_fit(start, np.arange(classes), classes=np.arange(classes))
    model.coefs_ = [np.ascontiguousarray(w.T) for w in case.W]
    model.intercepts_ = [v.copy() for v in case.b]
    dW, db = [np.empty_like(w) for w in model.coefs_], [np.empty_like(v) for v in model.intercepts_]
    labels = [Y.astype(bool) for _, Y in case.batches]

    def gradient(i):
        X = case.batches[i][0]
        return model._backprop(X, labels[i], None, [X] + [None] * L, [None] * L, dW, db)

    return gradient, lambda result: (result[0], [w.T for w in result[1]], result[2])


def by_scalars(case, Value, sigmoid, square):
    """A network of scalars, neuron by neuron, in the manner of micrograd: the same graph for every class of values."""
    if case.batch > 1 or case.softmax or case.dtype != np.float64:
        raise perf.Skip
    W = [[[Value(x) for x in row] for row in w.tolist()] for w in case.W]
    b = [[Value(x) for x in v.tolist()] for v in case.b]
    parameters = [p for w, v in zip(W, b, strict=True) for row in [*w, v] for p in row]

    def gradient(i):
        for p in parameters:
            p.grad = 0.0
        a, y = ([Value(x) for x in v[0].tolist()] for v in case.batches[i])
        for w, v in zip(W, b, strict=True):
            a = [sigmoid(sum((p * q for p, q in zip(row, a, strict=True)), c)) for row, c in zip(w, v, strict=True)]
        loss = sum((square(p - q) for p, q in zip(a, y, strict=True)), Value(0.0)) * 0.5
        loss.backward()
        return loss.data

    return gradient, lambda loss: (
        loss,
        [np.array([[p.grad for p in row] for row in w]) for w in W],
        [np.array([p.grad for p in v]) for v in b],
    )


def micrograd(case):
    """Scalar by scalar; a sigmoid is added in the way of its lectures."""
    from micrograd.engine import Value

    def sigmoid(x):
        s = 1 / (1 + math.exp(-x.data))
        out = Value(s, (x,), "sigmoid")

        def backward():
            x.grad += s * (1 - s) * out.grad

        out._backward = backward
        return out

    return by_scalars(case, Value, sigmoid, lambda x: x**2)


CONTESTANTS = [
    Contestant("NumPy limit", limit),
    Contestant("NumPy limit, again", limit),
    Contestant("course_lib", course),
    Contestant("NumPy, plain", numpy_plain),
    Contestant("torch eager", torch_eager),
    Contestant("JAX jit", jax_jit),
    Contestant("HIPS autograd", hips_autograd),
    Contestant("scikit-learn", scikit_learn),
    Contestant("micrograd", micrograd, largest=5000),
]


def measure(
    key: str, contestants: list[Contestant], ours: str, aims: list, threads: int, quick: bool, block: float = 4e-3
) -> dict[str, list[float]]:
    """One case: errors first, then times in interleaved rounds of blocks (s), then the table and the aims."""
    case = build(key)
    P, tolerance = parameters(case.sizes), 1e-9 if case.dtype == np.float64 else 2e-3
    loss, expected = reference(case, 1)
    calls, errors = {}, {}
    for contestant in contestants:
        if case.batch * P > contestant.largest:
            continue
        try:
            gradient, read = contestant.make(case)
        except perf.Skip:
            continue
        except ImportError as error:
            print(f"   left out: {contestant.name} ({error})")
            continue
        given, dW, db = read(gradient(1))
        found = np.concatenate([np.asarray(v, np.float64).ravel() for pair in zip(dW, db, strict=True) for v in pair])
        errors[contestant.name] = float(np.abs(found - expected).max() / np.abs(expected).max())
        if max(errors[contestant.name], abs(float(given) / loss - 1)) > tolerance:
            raise SystemExit(f"{contestant.name} is wrong in case {key}: {errors[contestant.name]:.1e}, loss {given}")
        calls[contestant.name] = lambda gradient=gradient: gradient(0)
    large = case.batch * P > 1e8
    count = (3 if quick else 7) if large else (7 if quick else 25)
    times = perf.rounds(calls, count, threads, block)
    if np.median(times["NumPy limit, again"]) < np.median(times["NumPy limit"]):  # the better tuned copy is the limit
        times["NumPy limit"], times["NumPy limit, again"] = times["NumPy limit, again"], times["NumPy limit"]
    net = "-".join(map(str, case.sizes))
    print(f"\n{key}: {net}, {case.batch} sample(s), {case.dtype}, P = {P}, {count} rounds; ratios are medians")
    print(f"   {'':22} {'best time':>10} {'/ limit':>8} {'[quartiles]':>16} {ours + ' /':>20} {'error':>8}")
    for name in sorted(times, key=lambda name: np.median(times[name])):
        low, ratio, high = np.percentile(times[name] / times["NumPy limit"], [25, 50, 75])
        relative = np.median(times[ours] / times[name])
        spread = f"[{low:.2f} - {high:.2f}]"
        best = perf.seconds(times[name].min())
        print(f"   {name:22} {best:>10} {ratio:8.2f} {spread:>16} {relative:20.2f} {errors[name]:8.0e}")
    for mine, peer, aim, cases in aims:
        if mine in times and peer in times and key.startswith(cases):
            low, ratio, high = np.percentile(times[mine] / times[peer], [25, 50, 75])
            verdict = "reached" if ratio <= aim else "unclear" if low <= aim else "missed"
            print(f"   aim: {mine} at most {aim} of {peer}: {ratio:.2f} ({low:.2f} to {high:.2f}), {verdict}")
    sys.stdout.flush()
    return {name: seconds.tolist() for name, seconds in times.items()}


def main() -> None:
    options = perf.start(__doc__, PEERS, cases=DEFAULT)
    print(f"reference against central differences: {reference_error():.0e}")
    results = {
        key: measure(key, CONTESTANTS, "course_lib", AIMS, options.threads, options.quick)
        for key in options.cases.split(",")
    }
    ratios = [
        np.median(np.array(times["course_lib"]) / times["NumPy limit"])
        for key, times in results.items()
        if not key.endswith("softmax")
    ]
    if ratios:
        mean = np.exp(np.mean(np.log(ratios)))
        verdict = "reached" if mean <= 1.15 else "missed"
        print(f"\ncourse_lib / NumPy limit, sigmoid cases: geometric mean {mean:.3f}, aim 1.15: {verdict}")
    perf.finish(options, results)


if __name__ == "__main__":
    main()
