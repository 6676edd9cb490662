"""The course's engine for automatic differentiation: on tensors beside NumPy's limit, on scalars beside micrograd.

    python benchmarks/autodiff/run.py [--quick] [--threads 1] [--cases a,b1,...] [--json FILE]

Networks, weights, inputs, loss and the checks of every result are those of benchmarks/gradient. A call builds the graph
and sweeps it. Peers, all optional: torch==2.13.0 jax autograd micrograd.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import perf_common as perf  # noqa: E402  (the two folders above come first)
from gradient import run as gradient  # noqa: E402

from course_lib.autodiff import Value, softmax_cross_entropy  # noqa: E402

PEERS = ("numpy", "torch", "jax", "autograd", "micrograd")
DEFAULT = "a,b1,b64,b64:softmax,c,c:softmax,d,d:softmax,e"
AIMS = [  # as in benchmarks/gradient
    ("engine, tensors", "NumPy limit", 3.3, ("a", "b1")),
    ("engine, tensors", "NumPy limit", 2.0, ("b64", "c")),
    ("engine, tensors", "NumPy limit", 1.15, ("d", "e")),
    ("engine, tensors", "torch eager", 1.0, ("a", "b", "c")),
    ("engine, tensors", "HIPS autograd", 1.0, ("",)),
    ("engine, scalars", "micrograd", 0.25, ("",)),
]


def tensors(case):
    if case.dtype != np.float64:
        raise perf.Skip
    W, b = [Value(w) for w in case.W], [Value(v[:, None]) for v in case.b]
    columns = [(X.T, Y.T) for X, Y in case.batches]

    def loss_and_gradient(i):
        a, y = columns[i]
        for w, v in zip(W, b, strict=True):
            z = w @ a + v
            a = z.sigmoid()
        if case.softmax:
            loss = softmax_cross_entropy(z, y)
        else:
            loss = (a - y).square().sum() * (0.5 / case.batch)
        loss.backward()
        return loss.data

    return loss_and_gradient, lambda loss: (loss, [w.grad for w in W], [v.grad for v in b])


def scalars(case):
    return gradient.by_scalars(case, Value, Value.sigmoid, Value.square)


CONTESTANTS = [
    gradient.Contestant("NumPy limit", gradient.limit),
    gradient.Contestant("NumPy limit, again", gradient.limit),
    gradient.Contestant("engine, tensors", tensors),
    gradient.Contestant("torch eager", gradient.torch_eager),
    gradient.Contestant("JAX jit", gradient.jax_jit),
    gradient.Contestant("HIPS autograd", gradient.hips_autograd),
]
SCALARS = [  # in longer blocks: a graph of micrograd lives until the garbage collector comes, every few calls
    *CONTESTANTS[:2],
    gradient.Contestant("engine, scalars", scalars),
    gradient.Contestant("micrograd", gradient.micrograd),
]


def main() -> None:
    options = perf.start(__doc__, PEERS, cases=DEFAULT)
    results = {}
    for key in options.cases.split(","):
        results[key] = gradient.measure(key, CONTESTANTS, "engine, tensors", AIMS, options.threads, options.quick)
        if key in ("a", "b1"):
            results[f"{key}, scalars"] = gradient.measure(
                key, SCALARS, "engine, scalars", AIMS, options.threads, options.quick, block=0.25
            )
    perf.finish(options, results)


if __name__ == "__main__":
    main()
