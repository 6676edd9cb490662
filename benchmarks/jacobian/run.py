"""The Jacobian of two sigmoid layers, R^n -> R^n: the course's routes beside NumPy's limit and the peers.

    python benchmarks/jacobian/run.py [--quick] [--threads 1] [--sizes 10,100,1000] [--json FILE]

The peers are optional (scipy numdifftools autograd jax torch); those that are not installed are left out with a line.
Every result is compared with the exact Jacobian before it is timed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import perf_common as perf  # noqa: E402  (the two folders above come first)

from course_lib.activations import dsigmoid, sigmoid  # noqa: E402
from course_lib.chain import chain_jacobian  # noqa: E402
from course_lib.jacobians import affine_jacobian, elementwise_jacobian, numerical_jacobian  # noqa: E402

PEERS = ("numpy", "scipy", "numdifftools", "autograd", "jax", "torch")
AIMS = [  # (course's contestant, peer, how many times faster)
    ("course_lib one-sided, batched", "scipy approx_fprime", 5),
    ("course_lib central, batched", "scipy 3-point", 5),
    ("course_lib central, batched", "numdifftools", 100),
]


class Problem:
    """f(x) = sigmoid(W2 sigmoid(W1 x + b1) + b2), for one point ``f(x)`` and for columns ``F(X)``."""

    def __init__(self, n: int) -> None:
        rng = np.random.default_rng(5)
        self.n = n
        self.W1, self.W2 = rng.normal(size=(2, n, n)) / np.sqrt(n)
        self.b1, self.b2, self.x = rng.normal(size=(3, n))

    def f(self, x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-(self.W2 @ (1 / (1 + np.exp(-(self.W1 @ x + self.b1)))) + self.b2)))

    def F(self, X: np.ndarray) -> np.ndarray:
        for W, b in ((self.W1, self.b1), (self.W2, self.b2)):
            X = W @ X
            X += b[:, None]
            np.negative(X, out=X)
            np.exp(X, out=X)
            X += 1
            np.reciprocal(X, out=X)
        return X


@dataclass(frozen=True)
class Contestant:
    """``make(problem)`` gives a call without arguments that returns the Jacobian."""

    name: str
    make: Callable[[Problem], Callable[[], object]]
    exact: bool = True
    largest: int = 10**9  # n beyond which one call takes many seconds


def numpy_exact(p):
    """The limit: rows scaled in place, one matrix product, all arrays made beforehand."""
    T, J = np.empty_like(p.W1), np.empty_like(p.W1)

    def run():
        a1 = 1 / (1 + np.exp(-(p.W1 @ p.x + p.b1)))
        a2 = 1 / (1 + np.exp(-(p.W2 @ a1 + p.b2)))
        np.multiply(p.W1, (a1 * (1 - a1))[:, None], out=T)
        np.matmul(p.W2, T, out=J)
        return np.multiply(J, (a2 * (1 - a2))[:, None], out=J)

    return run


def numpy_central(p, h=1e-6):
    """The limit: all 2 n perturbed points in one call."""
    j = np.arange(p.n)

    def run():
        X = np.empty((p.n, 2 * p.n), order="F")
        X[:] = p.x[:, None]
        X[j, j] += h
        X[j, p.n + j] -= h
        Y = p.F(X)
        return (Y[:, : p.n] - Y[:, p.n :]) / (2 * h)

    return run


def numpy_loop(p, h=1e-6):
    """What one writes first: 2 n calls at single points."""

    def run():
        J = np.empty((p.n, p.n))
        for j in range(p.n):
            d = np.zeros(p.n)
            d[j] = h
            J[:, j] = (p.f(p.x + d) - p.f(p.x - d)) / (2 * h)
        return J

    return run


def course_exact(p):
    """Diagonal Jacobians multiply the rows, so that one matrix product is left."""

    def run():
        z1 = p.W1 @ p.x + p.b1
        z2 = p.W2 @ sigmoid(z1) + p.b2
        return dsigmoid(z2)[:, None] * chain_jacobian(p.W2, dsigmoid(z1)[:, None] * p.W1)

    return run


def course_printed(p):
    """The formula as it is printed, four Jacobians multiplied."""

    def run():
        z1 = p.W1 @ p.x + p.b1
        z2 = p.W2 @ sigmoid(z1) + p.b2
        D1, D2 = elementwise_jacobian(dsigmoid, z1), elementwise_jacobian(dsigmoid, z2)
        return chain_jacobian(D2, affine_jacobian(p.W2), D1, affine_jacobian(p.W1))

    return run


def course_numerical(method: str, batched: bool) -> Callable[[Problem], Callable[[], object]]:
    return lambda p: lambda: numerical_jacobian(p.F if batched else p.f, p.x, method=method, batched=batched)


def scipy_approx_fprime(p):
    from scipy.optimize import approx_fprime

    return lambda: approx_fprime(p.x, p.f, 1.5e-8)


def scipy_3_point(p):
    from scipy.optimize._numdiff import approx_derivative  # what scipy's solvers call; it has no public name

    return lambda: approx_derivative(p.f, p.x, method="3-point")


def scipy_differentiate(p):
    from scipy.differentiate import jacobian

    return lambda: jacobian(lambda X: p.F(X.reshape(p.n, -1)).reshape(X.shape), p.x).df


def numdifftools(p):
    from numdifftools import Jacobian

    J = Jacobian(p.f)
    return lambda: J(p.x)


def hips_autograd(p):
    import autograd.numpy as anp
    from autograd import jacobian

    def s(z):
        return 0.5 * (anp.tanh(0.5 * z) + 1)

    J = jacobian(lambda v: s(anp.dot(p.W2, s(anp.dot(p.W1, v) + p.b1)) + p.b2))
    return lambda: J(p.x)


def jax(name: str) -> Callable[[Problem], Callable[[], object]]:
    def make(p):
        import jax

        s = jax.nn.sigmoid
        arrays = [jax.numpy.asarray(v) for v in (p.x, p.W1, p.b1, p.W2, p.b2)]
        J = jax.jit(getattr(jax, name)(lambda x, W1, b1, W2, b2: s(W2 @ s(W1 @ x + b1) + b2)))
        return lambda: jax.block_until_ready(J(*arrays))

    return make


def torch(name: str) -> Callable[[Problem], Callable[[], object]]:
    def make(p):
        import torch

        torch.set_num_threads(int(os.environ["PERF_THREADS"]))
        x, W1, b1, W2, b2 = (torch.from_numpy(v.copy()) for v in (p.x, p.W1, p.b1, p.W2, p.b2))

        def f(v):
            return torch.sigmoid(W2 @ torch.sigmoid(W1 @ v + b1) + b2)

        if name == "jacobian":
            return lambda: torch.autograd.functional.jacobian(f, x)
        J = getattr(torch.func, name)(f)
        return lambda: J(x)

    return make


CONTESTANTS = [
    Contestant("NumPy limit, exact", numpy_exact),
    Contestant("course_lib, exact", course_exact),
    Contestant("course_lib, as printed", course_printed),
    Contestant("JAX jit jacfwd", jax("jacfwd")),
    Contestant("JAX jit jacrev", jax("jacrev")),
    Contestant("torch.func.jacfwd", torch("jacfwd")),
    Contestant("torch.func.jacrev", torch("jacrev")),
    Contestant("torch functional.jacobian", torch("jacobian")),
    Contestant("HIPS autograd", hips_autograd),
    Contestant("NumPy limit, central", numpy_central, exact=False),
    Contestant("NumPy loop, central", numpy_loop, exact=False),
    Contestant("course_lib one-sided, batched", course_numerical("forward", True), exact=False),
    Contestant("course_lib central, batched", course_numerical("central", True), exact=False),
    Contestant("course_lib complex, batched", course_numerical("complex", True), exact=False),
    Contestant("course_lib central, one by one", course_numerical("central", False), exact=False),
    Contestant("scipy approx_fprime", scipy_approx_fprime, exact=False),
    Contestant("scipy 3-point", scipy_3_point, exact=False),
    Contestant("scipy.differentiate", scipy_differentiate, exact=False, largest=100),
    Contestant("numdifftools", numdifftools, exact=False, largest=100),
]


def measure(n: int, threads: int, quick: bool) -> dict[str, dict[str, float]]:
    """One size: errors first, then times in interleaved rounds, then the table and the aims."""
    p, calls, errors = Problem(n), {}, {}
    right = numpy_exact(p)().copy()
    for contestant in CONTESTANTS:
        if n > contestant.largest:
            continue
        try:
            call = contestant.make(p)
        except ImportError as error:
            print(f"   left out: {contestant.name} ({error})")
            continue
        calls[contestant.name] = call
        errors[contestant.name] = float(np.abs(np.asarray(call()) - right).max() / np.abs(right).max())
        if errors[contestant.name] > (1e-12 if contestant.exact else 1e-5):
            raise SystemExit(f"{contestant.name} is wrong at n = {n}: relative error {errors[contestant.name]:.1e}")
    count = 3 if quick else 11 if n <= 100 else 5
    times = perf.rounds(calls, count, threads)
    print(f"\nn = {n}: Jacobian {n} x {n}, {count} rounds; ratios are medians over the rounds")
    print(f"   {'':32} {'best time':>10} {'/ NumPy exact':>14} {'/ NumPy central':>16} {'error':>9}")
    for name in calls:
        exact, central = (np.median(times[name] / times[f"NumPy limit, {kind}"]) for kind in ("exact", "central"))
        print(f"   {name:32} {perf.seconds(times[name].min()):>10} {exact:14.2f} {central:16.2f} {errors[name]:9.0e}")
    for ours, peer, aim in AIMS:
        if peer in times:
            low, faster, high = np.percentile(times[peer] / times[ours], [25, 50, 75])
            verdict = "reached" if faster >= aim else "missed"
            print(f"   {ours}: {faster:.1f} ({low:.1f} to {high:.1f}) times as fast as {peer}; aim {aim}: {verdict}")
    return {name: {"best_s": float(times[name].min()), "error": errors[name]} for name in calls}


def main() -> None:
    options = perf.start(__doc__, PEERS, sizes="10,100,1000")
    results = {n: measure(n, options.threads, options.quick) for n in map(int, options.sizes.split(","))}
    perf.finish(options, results)


if __name__ == "__main__":
    main()
