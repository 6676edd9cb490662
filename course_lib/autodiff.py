"""Automatic differentiation: a graph of operations, each with its local derivative, swept in two directions.

    forward     tangent of y  =  sum over its parents of  J v           (v: tangent of the parent)
    backward    adjoint of x  =  sum over its children of J^T g         (g: adjoint of the child)

J is the Jacobian of a single operation. It is never formed: an element-wise operation keeps the diagonal, its slope;
any other one two functions, push (v to J v) and pull (g to J^T g). Paths that meet add up, in both directions.

A scalar is a Python float, and is computed as such; everything else is a float64 array, broadcast as NumPy does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import real


class Linear(NamedTuple):
    """A Jacobian J as two functions."""

    push: Callable  # v -> J v
    pull: Callable  # g -> J^T g


def _either(scalar: Callable, array: Callable) -> Callable:
    return lambda x: scalar(x) if type(x) is float else array(x)


_exp, _log, _sin, _cos, _tanh = (
    _either(getattr(math, f), getattr(np, f)) for f in ("exp", "log", "sin", "cos", "tanh")
)
_sigmoid = _either(
    lambda x: 1 / (1 + math.exp(min(-x, 709.0))),  # exp(710) would overflow
    lambda x: 1 / (1 + np.exp(np.minimum(-x, 709.0))),
)
_positive_part = _either(lambda x: max(x, 0.0), lambda x: np.maximum(x, 0.0))


def _number(value: Any) -> Any:
    """A scalar as a Python float, an array as it is."""
    return value if np.ndim(value) else float(value)


def _matmul(A: np.ndarray, B: np.ndarray) -> tuple:
    A_row, B_column = (A if A.ndim > 1 else A[None]), (B if B.ndim > 1 else B[:, None])

    def columns(g):  # g as a matrix, also where A or B is a vector
        return np.reshape(g, (A_row.shape[0], B_column.shape[1]))

    return _number(A @ B), (
        Linear(lambda v: _number(v @ B), lambda g: (columns(g) @ B_column.T).reshape(A.shape)),
        Linear(lambda v: _number(A @ v), lambda g: (A_row.T @ columns(g)).reshape(B.shape)),
    )


def _sum(x: Any, axis: int | None) -> tuple:
    def pull(g):
        return _number(np.zeros(np.shape(x)) + (g if axis is None else np.expand_dims(g, axis)))

    return _number(np.sum(x, axis)), (Linear(lambda v: _number(np.sum(v, axis)), pull),)


def _mean(x: Any, axis: int | None) -> tuple:
    n = np.size(x) if axis is None else np.shape(x)[axis]
    total, (J,) = _sum(x, axis)
    return total / n, (Linear(lambda v: J.push(v) / n, lambda g: J.pull(g / n)),)


def _item(x: np.ndarray, index: Any) -> tuple:
    def pull(g):
        out = np.zeros(x.shape)
        np.add.at(out, index, g)
        return out

    return _number(x[index]), (Linear(lambda v: _number(v[index]), pull),)


def _softmax_cross_entropy(z: np.ndarray, y: np.ndarray) -> tuple:
    shifted, N = z - z.max(axis=0), z[:1].size
    e = np.exp(shifted)
    total = e.sum(axis=0)
    slope = (e / total - y) / N
    loss = float(np.log(total).sum() - np.vdot(y, shifted)) / N
    return loss, (Linear(lambda v: float(np.vdot(slope, v)), lambda g: g * slope), None)


#: Every operation in a line: its value, and its derivative by each argument.
OPERATIONS: dict[str, Callable[..., tuple]] = {
    "+": lambda a, b: (a + b, (1.0, 1.0)),
    "-": lambda a, b: (a - b, (1.0, -1.0)),
    "*": lambda a, b: (a * b, (b, a)),
    "/": lambda a, b: (a / b, (1 / b, -a / (b * b))),
    "@": _matmul,
    "neg": lambda x: (-x, (-1.0,)),
    "**": lambda x, n: (x**n, (n and n * x ** (n - 1),)),
    "exp": lambda x: (y := _exp(x), (y,)),
    "log": lambda x: (_log(x), (1 / x,)),
    "sin": lambda x: (_sin(x), (_cos(x),)),
    "cos": lambda x: (_cos(x), (-_sin(x),)),
    "tanh": lambda x: (y := _tanh(x), (1 - y * y,)),
    "sigmoid": lambda x: (y := _sigmoid(x), (y * (1 - y),)),
    "relu": lambda x: (_positive_part(x), ((x > 0) * 1.0,)),
    "square": lambda x: (x * x, (2 * x,)),
    "sum": _sum,
    "mean": _mean,
    ".T": lambda x: (x.T, (Linear(np.transpose, np.transpose),)),
    "[]": _item,
    "softmax_cross_entropy": _softmax_cross_entropy,
}


class Value:
    """A number or an array that knows which operation made it, from what, and with which local derivative."""

    __slots__ = ("data", "grad", "name", "op", "parents", "slopes", "tangent")

    def __init__(self, data: ArrayLike, name: str = "", op: str = "", parents: tuple = (), slopes: tuple = ()):
        self.data = data if op else _number(np.array(real("data", data), dtype=np.float64))
        self.name, self.op, self.parents, self.slopes = name, op, parents, slopes
        self.grad = self.tangent = None

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.data)

    def backward(self, seed: ArrayLike | None = None) -> None:
        order = topological_order(self)
        for node in order:
            node.grad = None
        self.grad = _number(np.ones(self.shape)) if seed is None else _number(np.asarray(seed, dtype=np.float64))
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                if slope is not None:
                    g = (
                        slope.pull(node.grad)
                        if type(slope) is Linear
                        else _unbroadcast(slope * node.grad, parent.shape)
                    )
                    parent.grad = g if parent.grad is None else parent.grad + g

    def forward(self, tangents: Mapping[Value, ArrayLike]) -> Any:
        for node in topological_order(self):
            if node in tangents:
                node.tangent = _number(np.asarray(tangents[node], dtype=np.float64))
                continue
            node.tangent = _number(np.zeros(node.shape))
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                if slope is not None:
                    v = parent.tangent
                    node.tangent = node.tangent + (slope.push(v) if type(slope) is Linear else slope * v)
        return self.tangent

    def sum(self, axis: int | None = None) -> Value:
        return _apply("sum", self, axis)

    def mean(self, axis: int | None = None) -> Value:
        return _apply("mean", self, axis)

    def __pow__(self, n: float) -> Value:
        return _apply("**", self, n)

    def __getitem__(self, index: Any) -> Value:
        return _apply("[]", self, index)

    @property
    def T(self) -> Value:
        return _apply(".T", self)

    def __rsub__(self, other: ArrayLike) -> Value:
        return _constant(other) - self

    def __rtruediv__(self, other: ArrayLike) -> Value:
        return _constant(other) / self

    def __rmatmul__(self, other: ArrayLike) -> Value:
        return _constant(other) @ self

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        rule = _UFUNCS.get(ufunc.__name__)
        if method != "__call__" or options or rule is None:
            return NotImplemented
        first, *rest = (v if isinstance(v, Value) else _constant(v) for v in inputs)
        return rule(first, *rest)

    def __repr__(self) -> str:
        about = f", op={self.op!r}" if self.op else ""
        about += f", name={self.name!r}" if self.name else ""
        if np.size(self.data) > 8:
            return f"Value(shape {self.shape}{about})"
        digits = np.vectorize(lambda x: float(f"{x:.6g}"), otypes=[float])
        return f"Value({digits(self.data).tolist()}{about})"


def _apply(op: str, x: Value, *options: Any) -> Value:
    data, slopes = OPERATIONS[op](x.data, *options)
    return Value(data, "", op, (x,), slopes)


def _constant(data: ArrayLike) -> Value:
    return Value(_number(np.asarray(data, dtype=np.float64)), "", "constant")


def _unary(op: str) -> Callable[[Value], Value]:
    return lambda x: _apply(op, x)


def _binary(op: str) -> Callable[[Value, Any], Value]:
    def method(x, other):
        if not isinstance(other, Value):
            other = _constant(other)
        data, slopes = OPERATIONS[op](x.data, other.data)
        slopes = tuple(None if p.op == "constant" else s for p, s in zip((x, other), slopes, strict=True))
        return Value(data, "", op, (x, other), slopes)

    return method


for _op in ("exp", "log", "sin", "cos", "tanh", "sigmoid", "relu", "square"):
    setattr(Value, _op, _unary(_op))
Value.__neg__ = _unary("neg")
Value.__add__ = Value.__radd__ = _binary("+")
Value.__mul__ = Value.__rmul__ = _binary("*")
Value.__sub__, Value.__truediv__, Value.__matmul__ = _binary("-"), _binary("/"), _binary("@")
_UFUNCS = {
    "add": Value.__add__, "subtract": Value.__sub__, "multiply": Value.__mul__, "divide": Value.__truediv__,
    "matmul": Value.__matmul__, "negative": Value.__neg__, "exp": Value.exp, "log": Value.log, "sin": Value.sin,
    "cos": Value.cos, "tanh": Value.tanh, "square": Value.square,
}  # fmt: skip


def softmax_cross_entropy(z: Value, y: ArrayLike) -> Value:
    """-sum_i y_i log softmax(z)_i, mean over the columns.

    >>> softmax_cross_entropy(Value([1000.0, 0.0]), [0, 1])
    Value(1000.0, op='softmax_cross_entropy')
    """
    y = _constant(y)
    data, slopes = _softmax_cross_entropy(z.data, y.data)
    return Value(data, "", "softmax_cross_entropy", (z, y), slopes)


def topological_order(value: Value) -> list[Value]:
    """All that ``value`` depends on, parents first, itself last.

    >>> x = Value(3.0, name="x")
    >>> topological_order(x * x + x)
    [Value(3.0, name='x'), Value(9.0, op='*'), Value(12.0, op='+')]
    """
    order, seen, stack = [], set(), [value]
    while stack:
        node = stack.pop()
        if node is None:  # all its parents stand in the order
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            stack += (node, None, *reversed(node.parents))
    return order


def _unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    if np.shape(g) == shape:
        return g
    g = g.sum(axis=tuple(range(np.ndim(g) - len(shape))))
    return _number(g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] > 1), keepdims=True))


def jvp(f: Callable[[Value], Value], x: ArrayLike, v: ArrayLike) -> tuple[Any, Any]:
    """Value and directional derivative, y = f(x) and J v.

    >>> jvp(lambda x: x.square().sum(), [1.0, 2.0], [1.0, 0.0])
    (5.0, 2.0)
    """
    x = Value(x)
    y = f(x)
    return y.data, y.forward({x: v})


def vjp(f: Callable[[Value], Value], x: ArrayLike) -> tuple[Any, Callable[[ArrayLike], Any]]:
    """Value y = f(x), and the function that pulls a cotangent g back, J^T g.

    >>> y, pull = vjp(lambda x: x.square(), [1.0, 2.0])
    >>> pull([1.0, 10.0])
    array([ 2., 40.])
    """
    x = Value(x)
    y = f(x)

    def pull(g):
        y.backward(g)
        return x.grad

    return y.data, pull


def value_and_gradient(f: Callable[..., Value]) -> Callable[..., tuple[float, tuple]]:
    """The function that computes a scalar f and its gradients for all arguments.

    >>> value_and_gradient(lambda x, y: x * y)(2.0, 5.0)
    (10.0, (5.0, 2.0))
    """

    def both(*arrays):
        values = [Value(a) for a in arrays]
        loss = f(*values)
        loss.backward()
        return loss.data, tuple(v.grad for v in values)

    return both
