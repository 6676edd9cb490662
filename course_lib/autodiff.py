"""Automatic differentiation: a graph of operations, each with its local derivative, swept in either direction.

    forward     tangent of y  =  sum of J v      over the x that y was made of     (v: tangent of x)
    backward    adjoint of x  =  sum of J^T g    over the y that x went into       (g: adjoint of y)

J = dy/dx is the Jacobian of a single operation, and is never formed. Of an element-wise operation its diagonal is kept,
the slope; of any other two functions, push (v to J v) and pull (g to J^T g). Where paths meet, they add up.

A scalar is a Python float and is computed as such; all else are float64 arrays, which broadcast as in NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import real

ZERO, ONE = 0.0, 1.0  # the adjoint that nothing has come down to yet; the slope that changes nothing
_1, _709 = np.array(1.0), np.array(709.0)  # faster in NumPy than the numbers


def _number(value: Any) -> Any:
    """Shape () as a Python float, an array as it is."""
    return value if type(value) is np.ndarray and value.ndim else float(value)


def _either(scalar: Callable, array: Callable) -> Callable:
    return lambda x: scalar(x) if type(x) is float else array(x)


_exp, _log, _sin, _cos, _tanh = (
    _either(getattr(math, f), getattr(np, f)) for f in ("exp", "log", "sin", "cos", "tanh")
)
_positive = _either(lambda x: max(x, 0.0), lambda x: np.maximum(x, 0.0))


def _sigmoid(x: Any) -> tuple:
    if type(x) is float:
        e = math.exp(x if x < 709.0 else 709.0)  # exp(710) would overflow
        y = e / (1.0 + e)
        return y, y / (1.0 + e)
    e = np.minimum(x, _709)
    np.exp(e, e)
    total = e + _1
    y = np.divide(e, total, e)
    return y, np.divide(y, total, total)


def _power(x: Any, n: float) -> Any:
    return math.pow(x, n) if type(x) is float else x**n


def _product(A: np.ndarray, B: np.ndarray) -> Any:
    """A B; a large one is faster when it keeps its columns together in memory."""
    return _number(A.dot(B) if B.size < 10_000 else B.T.dot(A.T).T)


def _matmul(A: Any, B: Any) -> tuple:
    if type(A) is float or type(B) is float or A.ndim > 2 or B.ndim > 2:
        raise ValueError("only matrices and vectors have a product")
    return (
        _product(A, B),
        (lambda v: _product(v, B), lambda g: g.dot(B.T) if B.ndim == 2 else np.multiply.outer(g, B)),
        (lambda v: _product(A, v), lambda g: _product(A.T, g) if A.ndim == 2 else np.multiply.outer(A, g)),
    )


def _sum(x: Any, axis: int | None = None) -> tuple:
    def total(v):
        return _number(np.add.reduce(v, axis))

    def spread(g):
        out = np.empty(np.shape(x))
        out[...] = g if axis is None else np.expand_dims(g, axis)
        return _number(out)

    return total(x), (total, spread)


def _item(x: np.ndarray, index: Any) -> tuple:
    def put(g):
        out = np.zeros(x.shape)
        np.add.at(out, index, g)
        return out

    return _number(x[index]), (lambda v: _number(v[index]), put)


def _softmax_cross_entropy(z: np.ndarray, y: np.ndarray) -> tuple:
    shifted = z - z.max(axis=0)
    e = np.exp(shifted)
    total = e.sum(axis=0)
    N = total.size
    slope = (e / total - y) / N
    loss = float(np.log(total).sum() - np.vdot(y, shifted)) / N
    return loss, (lambda v: float(np.vdot(slope, v)), lambda g: g * slope), None


#: An operation in a line: its value, and its derivative by each argument, a slope or a pair (push, pull).
OPERATIONS: dict[str, Callable[..., tuple]] = {
    "+": lambda a, b: (a + b, ONE, ONE),
    "-": lambda a, b: (a - b, ONE, -1.0),
    "*": lambda a, b: (a * b, b, a),
    "/": lambda a, b: (a / b, 1 / b, -a / (b * b)),
    "@": _matmul,
    "neg": lambda x: (-x, -1.0),
    "**": lambda x, n: (_power(x, n), n * _power(x, n - 1) if n else 0.0),
    "exp": lambda x: (y := _exp(x), y),
    "log": lambda x: (_log(x), 1 / x),
    "sin": lambda x: (_sin(x), _cos(x)),
    "cos": lambda x: (_cos(x), -_sin(x)),
    "tanh": lambda x: (y := _tanh(x), 1 - y * y),
    "sigmoid": _sigmoid,
    "relu": lambda x: (_positive(x), (x > 0) * 1.0),
    "square": lambda x: (x * x, x + x),
    "sum": _sum,
    ".T": lambda x: (x.T, (np.transpose, np.transpose)),
    "[]": _item,
    "softmax cross-entropy": _softmax_cross_entropy,
}


def _constant(data: ArrayLike) -> Any:
    """What meets a Value and is none, as a float or a float64 array; such an array is shared, not copied."""
    if type(data) is float or type(data) is int:
        return float(data)
    if type(data) is np.ndarray and data.dtype.char == "d" and data.ndim:
        return data
    return _number(np.array(real("a constant", data), np.float64))


def _unary(op: str) -> Callable[..., Value]:
    rule = OPERATIONS[op]

    def method(x: Value, *options: Any) -> Value:
        out = _new(Value)
        out.data, out.by_left = rule(x.data, *options) if options else rule(x.data)
        out.op, out.left, out.right, out.by_right = op, x, None, None
        out.name, out.grad, out.tangent, out.seen = "", None, None, None
        return out

    return method


def _binary(op: str) -> Callable[[Value, Any], Value]:
    rule = OPERATIONS[op]

    def method(x: Value, other: Any) -> Value:
        out = _new(Value)
        if type(other) is Value:
            y = other.data
        else:
            y = other = _constant(other)
        try:
            out.data, out.by_left, out.by_right = rule(x.data, y)
        except ValueError as error:
            hint = "A @ B with A (m, k), B (k, n)" if op == "@" else "a column (n, 1) in place of (n,)"
            raise ValueError(f"{op} must have shapes that fit, got {x.shape} and {np.shape(y)}; try {hint}") from error
        if y is other:
            out.by_right = None
        out.op, out.left, out.right = op, x, other
        out.name, out.grad, out.tangent, out.seen = "", None, None, None
        return out

    return method


def _reflected(op: str) -> Callable[[Value, Any], Value]:
    method = _binary(op)

    def reflected(x: Value, other: Any) -> Value:
        y = Value(0.0)
        y.data = _constant(other)
        out = method(y, x)
        out.left, out.by_left = y.data, None
        return out

    return reflected


class Value:
    """A number or an array that knows which operation made it, of what, and its derivative by each of these.

    data    : a float for a scalar, else a float64 array; a copy of what is given
    name    : for pictures
    op      : "+", "tanh", "**2"; "" for a leaf
    parents : the Values it was made of, and the numbers and arrays, by which no derivative is taken
    grad    : after ``backward`` the adjoint, in the shape of data        tangent : the same after ``forward``

    Operations : + - * / @, ** with a number, x[i], x.T; the methods exp log sin cos tanh sigmoid relu square, and sum
    and mean of all or along one axis. NumPy's functions of these names take Values as well: np.tanh(A @ x).
    Between making a graph and sweeping it ``data`` must stay as it is; training changes it before the next graph.
    Raises : TypeError for what is no number, ValueError for shapes that do not fit. Scalars raise ZeroDivisionError,
    OverflowError or ValueError where arrays warn.

    >>> x = Value(3.0, name="x")
    >>> y = x * x + 2 * x
    >>> y.backward()
    >>> y, x.grad
    (Value(15.0, op='+'), 8.0)
    """

    __slots__ = ("by_left", "by_right", "data", "grad", "left", "name", "op", "right", "seen", "tangent")
    data: Any
    grad: Any
    tangent: Any
    left: Any
    right: Any
    seen: Any
    by_left: Any
    by_right: Any

    def __init__(self, data: ArrayLike, name: str = ""):
        self.data = data if type(data) is float else _number(np.array(real("data", data), np.float64))
        self.op, self.left, self.right, self.by_left, self.by_right = "", None, None, None, None
        self.name, self.grad, self.tangent, self.seen = name, None, None, None

    @property
    def parents(self) -> tuple[Any, ...]:
        """What it was made of: none, one or two."""
        return tuple(x for x in (self.left, self.right) if x is not None)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of data; () is a scalar."""
        return np.shape(self.data)

    __add__, __sub__, __mul__, __truediv__, __matmul__ = map(_binary, "+-*/@")
    __radd__, __rsub__, __rmul__, __rtruediv__, __rmatmul__ = map(_reflected, "+-*/@")
    __neg__, __getitem__, T, _power = _unary("neg"), _unary("[]"), property(_unary(".T")), _unary("**")
    exp, log, sin, cos, tanh = map(_unary, ("exp", "log", "sin", "cos", "tanh"))
    sigmoid, relu, square, _sum = map(_unary, ("sigmoid", "relu", "square", "sum"))

    def __pow__(self, n: float) -> Value:
        if not isinstance(n, int | float):
            raise TypeError(f"an exponent must be a number, got {type(n).__name__}; try (n * x.log()).exp()")
        out = self._power(n)
        out.op = f"**{n:g}"
        return out

    def sum(self, axis: int | None = None, dtype: None = None, out: None = None) -> Value:
        """The sum of all entries, or along one axis; np.sum(x) comes here, too, and brings dtype and out."""
        return self._sum(axis)

    def mean(self, axis: int | None = None, dtype: None = None, out: None = None) -> Value:
        """The sum over the number of its terms."""
        total = self._sum(axis)
        return total / (np.size(self.data) / np.size(total.data))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Value:
        names = {"subtract": "sub", "multiply": "mul", "divide": "truediv", "negative": "neg", "power": "pow"}
        name = names.get(ufunc.__name__, ufunc.__name__)
        side = "" if isinstance(inputs[0], Value) else "r"
        f = getattr(Value, f"__{side}{name}__", None) or getattr(Value, name, None)
        if f is None or method != "__call__" or options:
            came = " with ".join([f"{ufunc.__name__}.{method}".removesuffix(".__call__"), *options])
            raise TypeError(f"NumPy must call an operation that Value has, got np.{came}; try x = x + y for x += y")
        return f(*reversed(inputs)) if side else f(*inputs)

    def backward(self, seed: ArrayLike | None = None) -> None:
        """Reverse mode: fill ``grad`` of every Value that this one depends on. Each call starts from zero.

        seed : the adjoint to start from, in the shape of data; a scalar starts from 1

        >>> x = Value([1.0, 2.0])
        >>> x.square().backward(seed=[1.0, 10.0])
        >>> x.grad
        array([ 2., 40.])
        """
        if seed is None and type(self.data) is not float:
            raise ValueError(f"backward must have a seed of shape {self.shape}, got none; try .sum().backward()")
        order = topological_order(self)
        for node in order:
            node.grad = ZERO
        self.grad = ONE if seed is None else _like(self, "seed", seed)
        for node in reversed(order):
            g, slope = node.grad, node.by_left
            if type(slope) is float and type(g) is float:  # scalars
                node.left.grad += slope * g
                if node.by_right is not None:
                    node.right.grad += node.by_right * g
            elif node.left is not None:
                if slope is not None:
                    _pull(node.left, slope, g)
                if node.by_right is not None:
                    _pull(node.right, node.by_right, g)

    def forward(self, tangents: Mapping[Value, ArrayLike]) -> Any:
        """Forward mode: fill ``tangent`` of every Value that this one depends on, and return its own.

        tangents : {leaf: its tangent, in the shape of its data}; all other leaves have tangent 0

        >>> x, y = Value(2.0), Value(5.0)
        >>> (x * y).forward({x: 1.0})
        5.0
        """
        for node in topological_order(self):
            node.tangent = _like(node, "tangent", tangents[node]) if node in tangents else _zeros(node)
            for x, slope in ((node.left, node.by_left), (node.right, node.by_right)):
                if slope is not None:
                    node.tangent = node.tangent + (slope[0](x.tangent) if type(slope) is tuple else slope * x.tangent)
        return self.tangent

    def __repr__(self) -> str:
        about = "".join(f", {key}={value!r}" for key in ("op", "name") if (value := getattr(self, key)))
        if np.size(self.data) > 8:
            return f"Value(shape {self.shape}{about})"
        rounded = np.vectorize(lambda x: float(f"{x:.6g}"), otypes=[float])(self.data)
        return f"Value({rounded.tolist()}{about})"


_new = object.__new__
_fused = _binary("softmax cross-entropy")


def _pull(x: Value, slope: Any, g: Any) -> None:
    """Add what comes down to x from a Value of adjoint g."""
    if type(slope) is tuple:
        pulled = slope[1](g)
    else:
        pulled = g if slope is ONE else slope * g
        if type(pulled) is not float and (type(x.data) is float or pulled.shape != x.data.shape):
            pulled = _unbroadcast(pulled, x.shape)
    x.grad = pulled if x.grad is ZERO else x.grad + pulled


def _unbroadcast(g: np.ndarray, shape: tuple[int, ...]) -> Any:
    """Sums of g in the given shape: what broadcasting used many times gets as many adjoints."""
    if g.ndim == 2 and shape == (len(g), 1):
        return g.dot(_ones(g.shape[1]))  # faster than a sum
    new = g.ndim - len(shape)
    axes = tuple(i for i in range(g.ndim) if i < new or shape[i - new] == 1)
    return _number(np.add.reduce(g, axes).reshape(shape))


@lru_cache
def _ones(N: int) -> np.ndarray:
    return np.ones((N, 1))


def _zeros(x: Value) -> Any:
    return _number(np.zeros(x.shape))


def _like(x: Value, name: str, value: ArrayLike) -> Any:
    """A copy of value, which must have the shape of x."""
    if np.shape(value) != x.shape:
        raise ValueError(f"{name} must have the shape of its Value, {x.shape}, got {np.shape(value)}; try a reshape")
    return _number(np.array(real(name, value), dtype=np.float64))


def topological_order(value: Value) -> list[Value]:
    """All Values that ``value`` depends on: parents before children, itself last.

    >>> x = Value(3.0, name="x")
    >>> topological_order(x * x + x)
    [Value(3.0, name='x'), Value(9.0, op='*'), Value(12.0, op='+')]
    """
    order: list[Value] = []
    waiting: list[Any] = [None]
    seen, node = object(), value  # the mark of this search alone
    while node is not None:
        x = node.left
        if node.by_left is None or x.seen is seen:
            x = node.right
            if node.by_right is None or x.seen is seen:  # all that node was made of is in the order
                node.seen = seen
                order.append(node)
                node = waiting.pop()
                continue
        if x.op:
            waiting.append(node)
            node = x
        else:  # a leaf
            x.seen = seen
            order.append(x)
    return order


def softmax_cross_entropy(z: Value, y: ArrayLike) -> Value:
    """-sum_i y_i log a_i with a = softmax(z), mean over the columns: one stable operation of slope (a - y) / N.

    z : (n,) or (n, N) logits      y : an array of the same shape, each column adds up to 1
    Raises : TypeError for a y that is a Value, ValueError for other shapes.

    >>> softmax_cross_entropy(Value([1000.0, 0.0]), [0, 1])
    Value(1000.0, op='softmax cross-entropy')
    """
    if isinstance(y, Value) or not isinstance(z, Value):
        came = f"{type(z).__name__} and {type(y).__name__}"
        raise TypeError(f"z must be a Value and y an array, got {came}; try softmax_cross_entropy(Value(z), y.data)")
    if np.shape(y) != z.shape or not z.shape:
        raise ValueError(f"y must have the shape of z, {z.shape}, got {np.shape(y)}; try y.reshape(z.shape)")
    return _fused(z, y)


def jvp(f: Callable[[Value], Value], x: ArrayLike, v: ArrayLike) -> tuple[Any, Any]:
    """f(x) and J v, the derivative in the direction v: one sweep forward.

    f : takes a Value, returns a Value      x, v : of one shape      Returns y, tangent : in the shape of f(x)

    >>> jvp(lambda x: x.square().sum(), [1.0, 2.0], [1.0, 0.0])
    (5.0, 2.0)
    """
    point = Value(x)
    y = _value(f(point))
    return y.data, y.forward({point: v})


def vjp(f: Callable[[Value], Value], x: ArrayLike) -> tuple[Any, Callable[[ArrayLike], Any]]:
    """f(x), and the function that pulls g back to J^T g: one sweep backward for each g.

    f : takes a Value, returns a Value      g : in the shape of f(x), J^T g in that of x

    >>> y, pull = vjp(lambda x: x.square(), [1.0, 2.0])
    >>> pull([1.0, 10.0])
    array([ 2., 40.])
    """
    point = Value(x)
    y = _value(f(point))

    def pull(g: ArrayLike) -> Any:
        y.backward(g)
        return _zeros(point) if point.grad is None else point.grad

    return y.data, pull


def value_and_gradient(f: Callable[..., Value]) -> Callable[..., tuple[float, tuple]]:
    """The function that computes f, a scalar, and the tuple of its gradients, one for each argument.

    >>> value_and_gradient(lambda x, y: x * y)(2.0, 5.0)
    (10.0, (5.0, 2.0))
    """

    def both(*arrays: ArrayLike) -> tuple[float, tuple]:
        values = [Value(array) for array in arrays]
        y = _value(f(*values))
        y.backward()
        return y.data, tuple(_zeros(x) if x.grad is None else x.grad for x in values)

    return both


def _value(y: Any) -> Value:
    if not isinstance(y, Value):
        raise TypeError(f"f must return a Value, got {type(y).__name__}; try operations of Value, such as x.tanh()")
    return y
