"""The NumPy limit: a gradient with every trick there is, the measure for all others. Fast, not meant to be read.

Straight-line code is generated for the network: no loop, every array made beforehand and aligned to 64 bytes, 1 - sigma
kept from the forward pass. Variants differ in the layout (samples as columns, as rows, a single one as vectors), in
whether the bias is a column of the weight matrix, and in the routine that calls BLAS; a short trial picks the fastest.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np


def parameters(sizes) -> int:
    """Number of weights and biases."""
    return sum(n * m + m for n, m in zip(sizes, sizes[1:], strict=False))


def numpy_limit(case, step=None) -> SimpleNamespace:
    """The fastest variant: ``gradient(i)`` gives the loss of batch i and fills ``dW``, ``db`` from ``W`` and ``b``.

    case : sizes, batch, dtype, softmax (with cross-entropy; else sigmoid and squared error), W, b, batches [(X, Y), ..]
    step : None, or a learning rate that is folded into the gradient; the loss is then left out (training)
    """
    N, flops = case.batch, case.batch * parameters(case.sizes)
    if N == 1:
        specs = [("vector", bias, "dot") for bias in ((), range(1, 9), range(9))]
    elif flops > 1e8:
        specs = [("columns", (), "matmul"), ("rows", (), "matmul")]
    else:
        specs = [("columns", bias, call) for bias in ((), range(1, 9), range(9)) for call in ("dot", "matmul")]
        specs += [("rows", (), "dot"), ("rows", (), "matmul")]
    variants = [Variant(case, *spec, step).build() for spec in specs]
    best = [np.inf] * len(variants)
    variants[0].gradient(0)
    start = time.perf_counter()
    variants[0].gradient(0)
    calls = max(1, min(200, int(1e-3 / (time.perf_counter() - start))))
    for _ in range(25 if calls > 1 else 6):
        for k, variant in enumerate(variants):
            start = time.process_time()
            for _ in range(calls):
                variant.gradient(0)
            best[k] = min(best[k], time.process_time() - start)
    return variants[int(np.argmin(best))]


@dataclass
class Variant:
    """One way to write the gradient; layers are numbered from 0, ``inside`` has those whose bias is a column of W."""

    case: SimpleNamespace
    layout: str
    inside: range | tuple
    call: str
    step: float | None
    names: dict = field(default_factory=dict)
    code: list = field(default_factory=list)

    def array(self, name, *shape, fill=0.0):
        """A named array, aligned to 64 bytes."""
        dtype = np.dtype(self.case.dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        raw = np.empty(size + 64, np.uint8)
        start = -raw.ctypes.data % 64
        array = raw[start : start + size].view(dtype).reshape(shape)
        array.fill(fill)
        self.names[name] = array
        return array

    def samples(self, n):
        """The shape of n neurons by all samples."""
        N = self.case.batch
        return {"vector": (n,), "rows": (N, n), "columns": (n, N)}[self.layout]

    def write(self, line):
        """A line of code."""
        self.code.append("    " + line)

    def product(self, A, B, out):
        """A matrix product."""
        self.write(f"np.dot({A}, {B}, {out})" if self.call == "dot" else f"np.matmul({A}, {B}, out={out})")

    def build(self):
        """Make the arrays, write the code, compile it."""
        case, names = self.case, self.names
        self.arrays()
        self.forward()
        self.backward()
        for name in ("exp", "add", "subtract", "multiply", "reciprocal", "divide", "log", "copyto"):
            names[name] = getattr(np, name)
        N = case.batch
        mean = 1 / N if self.step is None else self.step / N
        names |= {"np": np, "largest": np.maximum.reduce, "total": np.add.reduce}
        names |= {"one": np.array(1, case.dtype), "mean": np.array(mean, case.dtype)}
        lines = ["def gradient(i):", "    X, XR, Y, YF = batches[i]", *self.code, "    return loss"]
        if self.step is not None:
            lines = [line for line in lines if "loss" not in line]
        exec("\n".join(lines), names)
        return SimpleNamespace(
            gradient=names["gradient"],
            theta=names["theta"],
            dtheta=names["dtheta"],
            **self.by_layer,
            layout=self.layout,
        )

    def arrays(self):
        """Parameters and gradients as views of one vector each; activations, 1 - sigma and delta; the batches."""
        case, layout, names = self.case, self.layout, self.names
        sizes, N, L = case.sizes, case.batch, len(case.sizes) - 1
        theta, dtheta = (self.array(name, parameters(sizes)) for name in ("theta", "dtheta"))
        self.by_layer = {"W": [], "b": [], "dW": [], "db": []}
        start = 0
        for k, (n, m) in enumerate(zip(sizes, sizes[1:], strict=False)):
            for vector, big, W, b in ((theta, "W", "V", "b"), (dtheta, "G", "GV", "g")):
                part = vector[start : start + m * (n + 1)]
                if k in self.inside:
                    names[f"{big}{k}"] = part.reshape(m, n + 1)
                    names[f"{W}{k}"], names[f"{b}{k}"] = names[f"{big}{k}"][:, :-1], names[f"{big}{k}"][:, -1]
                else:
                    names[f"{big}{k}"] = names[f"{W}{k}"] = part[: m * n].reshape(m, n)
                    names[f"{b}{k}"] = part[m * n :]
            for kind, name in (("W", "V"), ("b", "b"), ("dW", "GV"), ("db", "g")):
                self.by_layer[kind].append(names[f"{name}{k}"])
            names[f"V{k}"][...], names[f"b{k}"][...] = case.W[k], case.b[k]
            names[f"VT{k}"], names[f"WT{k}"] = names[f"V{k}"].T, names[f"W{k}"].T
            names[f"bc{k}"] = names[f"b{k}"][:, None] if layout == "columns" else names[f"b{k}"]
            start += m * (n + 1)
        for k, n in enumerate(sizes):  # A: input of layer k, with a row of ones where the bias is inside; H: without it
            ones = int(k in self.inside and k < L)
            if k == 0 or layout != "columns":
                shape = (n + ones,) if layout == "vector" else (N, n + ones)
                names[f"H{k}"] = self.array(f"A{k}", *shape, fill=1)[..., :n]
            else:
                names[f"H{k}"] = self.array(f"A{k}", n + ones, N, fill=1)[:n]
            names[f"AT{k}"] = names[f"A{k}"][None, :] if layout == "vector" else names[f"A{k}"].T
            if k > 0:
                self.array(f"S{k}", *self.samples(n))
                delta = self.array(f"D{k}", *self.samples(n))
                if layout == "vector" and k - 1 not in self.inside:
                    delta = names[f"D{k}"] = names[f"g{k - 1}"]  # of one sample delta is the gradient of the bias
                names[f"DT{k}"] = delta[:, None] if layout == "vector" else delta.T
        names["DF"] = names[f"D{L}"].reshape(-1)
        pick = {
            "vector": lambda X, Y: (X[0], X[:1], Y[0], Y[0]),
            "rows": lambda X, Y: (X, X, Y, Y.reshape(-1)),
            "columns": lambda X, Y: (X.T, X, Y.T, None),
        }[layout]
        names["batches"] = [pick(X, Y) for X, Y in case.batches]
        self.array("ones", N, fill=1)
        names["YBF"] = self.array("YB", *self.samples(sizes[-1])).reshape(-1)
        over = {"vector": (1,), "rows": (N, 1), "columns": (1, N)}[layout]
        self.array("M", *over)
        names["TF"] = self.array("T", *over).reshape(-1)
        self.array("LG", N)

    def forward(self):
        """Equations (2.1) and (2.2), and softmax with the part of the cross-entropy that needs the shifted logits."""
        layout, L = self.layout, len(self.case.sizes) - 1
        for k in range(L):
            H, S = f"H{k + 1}", f"S{k + 1}"
            a = f"A{k}" if k else "X"
            if k == 0 and 0 in self.inside:
                self.write(f"copyto(H0, {'X' if layout == 'vector' else 'XR'})")
                a = "A0" if layout == "vector" else "AT0"
            self.product(*((a, f"WT{k}") if layout == "rows" else (f"W{k}", a)), H)
            if k not in self.inside:
                self.write(f"add({H}, bc{k}, {H})")
            if self.case.softmax and k == L - 1:
                axis = 1 if layout == "rows" else 0
                self.write(f"largest({H}, axis={axis}, out=M, keepdims=True)")
                self.write(f"subtract({H}, M, {H})")
                if layout == "columns":
                    self.write("copyto(YB, Y); loss_y = YBF")
                else:
                    self.write("loss_y = YF")
                self.write(f"loss = -float(loss_y.dot({H}.reshape(-1)))")
                self.write(f"exp({H}, {H})")
                self.write(f"total({H}, axis={axis}, out=T, keepdims=True)")
                self.write(f"divide({H}, T, {H})")
            else:
                self.write(f"exp({H}, {S})")
                self.write(f"add({S}, one, {S})")
                self.write(f"reciprocal({S}, {S})" if layout == "vector" else f"divide(one, {S}, {S})")
                self.write(f"subtract(one, {S}, {H})")

    def backward(self):
        """Equations (6.1) to (6.4)."""
        case, layout, L = self.case, self.layout, len(self.case.sizes) - 1
        self.write(f"subtract(H{L}, Y, D{L})")
        if case.softmax:
            self.write("log(TF, LG); loss = (loss + float(LG.dot(ones))) / ones.size")
        else:
            self.write("loss = float(DF.dot(DF)) / (2 * ones.size)")
        if case.batch > 1 or self.step is not None:
            self.write(f"multiply(D{L}, mean, D{L})")
        for k in range(L - 1, -1, -1):
            D = f"D{k + 1}"
            if not (case.softmax and k == L - 1):
                self.write(f"multiply({D}, S{k + 1}, {D})")
                self.write(f"multiply({D}, H{k + 1}, {D})")
            if layout == "columns":
                self.product(D, f"AT{k}" if k else "A0" if 0 in self.inside else "XR", f"G{k}")
            else:
                row = f"AT{k}" if layout == "vector" else f"A{k}"
                self.product(f"DT{k + 1}", row if k or 0 in self.inside else "XR", f"G{k}")
            if k not in self.inside and layout != "vector":
                self.write(f"np.dot(ones, {D}, g{k})" if layout == "rows" else f"np.dot({D}, ones, g{k})")
            if k:
                self.product(*((D, f"V{k}") if layout == "rows" else (f"VT{k}", D)), f"D{k}")
