"""The engine: every operation by complex step and by differences, both modes by each other, networks by chapter 6."""

import gc
import math
from itertools import pairwise

import numpy as np
import pytest

from course_lib import autodiff
from course_lib.autodiff import (
    OPERATIONS,
    Value,
    jvp,
    softmax_cross_entropy,
    topological_order,
    value_and_gradient,
    vjp,
)
from course_lib.backprop import Backpropagation, loss_and_gradients
from course_lib.data import digits
from course_lib.network import Network

TARGETS = np.eye(3)[:, [0, 2, 1, 1]]
ONE = {  # operations of one array: (function of a Value or an array, its argument is positive)
    "neg": (lambda x: -x, False),
    "**3": (lambda x: x**3, False),
    "**-1": (lambda x: x**-1, True),
    "**0.5": (lambda x: x**0.5, True),
    "**0": (lambda x: x**0, False),
    "exp": (np.exp, False),
    "log": (np.log, True),
    "sin": (np.sin, False),
    "cos": (np.cos, False),
    "tanh": (np.tanh, False),
    "square": (np.square, False),
    "sum": (lambda x: x.sum(), False),
    "sum of columns": (lambda x: x.sum(0), False),
    "sum of rows": (lambda x: x.sum(-1), False),
    "np.sum": (np.sum, False),
    "np.mean of columns": (lambda x: np.mean(x, axis=0), False),
    "mean": (lambda x: x.mean(), False),
    "mean of rows": (lambda x: x.mean(1), False),
    ".T": (lambda x: x.T, False),
    "x[1]": (lambda x: x[1], False),
    "x[:, ::2]": (lambda x: x[:, ::2], False),
    "x[[0, 0, 2]]": (lambda x: x[[0, 0, 2]], False),  # one row twice: adjoints add up
    "number + x": (lambda x: 2 + x, False),
    "number - x": (lambda x: 2 - x, False),
    "number * x": (lambda x: 3 * x, False),
    "number / x": (lambda x: 3 / x, True),
    "array - x": (lambda x: np.arange(4.0) - x, False),
    "A @ x": (lambda x: np.arange(6.0).reshape(2, 3) @ x, False),
    "x @ A": (lambda x: x @ np.arange(8.0).reshape(4, 2), False),
    "x @ v": (lambda x: x @ np.arange(4.0), False),
    "v @ x": (lambda x: np.arange(3.0) @ x, False),
}
REAL = {  # of one array, not for complex numbers
    "sigmoid": lambda x: x.sigmoid(),
    "relu": lambda x: x.relu(),
    "softmax cross-entropy": lambda x: softmax_cross_entropy(x, TARGETS),
    "softmax cross-entropy of a column": lambda x: softmax_cross_entropy(x[:, 0], TARGETS[:, 0]),
}
TWO = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
SHAPES = [
    ((3, 4), (3, 4)), ((3, 4), (3, 1)), ((3, 1), (3, 4)), ((3, 4), (1, 4)), ((3, 4), (4,)), ((4,), (3, 4)),
    ((3, 4), ()), ((), (3, 4)), ((3, 1), (1, 4)), ((3, 1), (4,)), ((2, 3, 4), (3, 1)),
    ((1,), (5,)), ((1, 1), ()), ((), ()),
]  # fmt: skip
PRODUCTS = [((2, 3), (3, 4)), ((2, 3), (3,)), ((3,), (3, 4)), ((3,), (3,)), ((2, 1), (1, 4)), ((200, 90), (90, 300))]


def data_of(result):
    return result.data if isinstance(result, Value) else result


def jacobian(f, x, step):
    """J (outputs, inputs) of a function of an array, one column for each input."""
    columns = []
    for k in range(x.size):
        h = np.zeros(x.size)
        h[k] = 1.0
        columns.append(np.ravel(step(f, x, h.reshape(x.shape))))
    return np.array(columns).T


def complex_step(f, x, h):
    return np.imag(f(x + 1e-30j * h)) / 1e-30


def central(f, x, h):
    e = 1e-6
    return (np.asarray(data_of(f(Value(x + e * h)))) - np.asarray(data_of(f(Value(x - e * h))))) / (2 * e)


def columns_pushed(f, x):
    """J by forward mode."""
    return jacobian(f, x, lambda f, x, h: jvp(f, x, h)[1])


def rows_pulled(f, x):
    """J by reverse mode."""
    y, pull = vjp(f, x)
    shape = np.shape(y)
    unit = np.eye(np.size(y))
    return np.array([np.ravel(pull(row.reshape(shape))) for row in unit])


def draw(name, shape, positive=False):
    numbers = np.random.default_rng(sum(map(ord, name)) + len(shape)).normal(size=shape)
    return np.abs(numbers) + 0.5 if positive else numbers


@pytest.mark.parametrize("name", ONE)
def test_an_operation_pushes_and_pulls_as_the_complex_step_says(name):
    f, positive = ONE[name]
    x = draw(name, (3, 4), positive)
    right = jacobian(f, x, complex_step)
    np.testing.assert_allclose(columns_pushed(f, x), right, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(rows_pulled(f, x), right, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", REAL)
def test_an_operation_on_real_numbers_pushes_and_pulls_as_central_differences_say(name):
    x = draw(name, (3, 4))
    right = jacobian(REAL[name], x, central)
    np.testing.assert_allclose(columns_pushed(REAL[name], x), right, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(rows_pulled(REAL[name], x), right, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("name", TWO)
def test_an_operation_of_two_arrays_broadcasts_and_its_pull_adds_up_again(name, shapes):
    a, b = draw(name, shapes[0]), draw(name + "b", shapes[1], positive=True)
    for f, x in ((lambda a: TWO[name](a, b), a), (lambda b: TWO[name](a, b), b)):
        right = jacobian(f, x, complex_step)
        np.testing.assert_allclose(columns_pushed(f, x), right, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(rows_pulled(f, x), right, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("shapes", PRODUCTS, ids=str)
def test_a_product_of_matrices_and_vectors_pushes_and_pulls(shapes):
    A, B = (draw(str(shape), shape) for shape in shapes)
    dA, dB = (draw(f"d{shape}", shape) for shape in shapes)
    x, y = Value(A), Value(B)
    z = x @ y
    np.testing.assert_allclose(z.data, A @ B, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(z.forward({x: dA, y: dB}), dA @ B + A @ dB, rtol=1e-12, atol=1e-11)
    g = draw("g", z.shape)
    z.backward(g)
    assert np.vdot(x.grad, dA) == pytest.approx(np.vdot(g, dA @ B), rel=1e-10)
    assert np.vdot(y.grad, dB) == pytest.approx(np.vdot(g, A @ dB), rel=1e-10)
    assert x.grad.shape == A.shape
    assert y.grad.shape == B.shape


def test_every_operation_of_the_table_is_tried():
    tried = {"@", *TWO, "[]", "**", ".T"} | set(ONE) | set(REAL)
    assert set(OPERATIONS) - tried == set()


@pytest.mark.parametrize("op", ["tanh", "*", "sum"])
def test_a_wrong_derivative_in_the_table_would_be_found(op, monkeypatch):
    rule = OPERATIONS[op]

    def twice(*arguments):
        value, *slopes = rule(*arguments)
        return value, *(tuple(lambda v, f=f: 2 * f(v) for f in s) if type(s) is tuple else 2 * s for s in slopes)

    make = autodiff._binary if op == "*" else autodiff._unary
    monkeypatch.setitem(OPERATIONS, op, twice)
    wrong = make(op)
    x = draw(op, (3, 4))
    f = (lambda x: wrong(x, 3.0)) if op == "*" else wrong
    right = {"tanh": np.tanh, "*": lambda x: 3 * x, "sum": np.sum}[op]
    for found in (columns_pushed(f, x), rows_pulled(f, x)):
        np.testing.assert_allclose(found, 2 * jacobian(right, x, complex_step), rtol=1e-12)


# --- both modes


def random_function(seed):
    """A function R^5 -> R^4 of many operations, forks and shapes."""
    rng = np.random.default_rng(seed)
    A, b, B = rng.normal(size=(3, 5)), rng.normal(size=(3, 1)), rng.normal(size=(4, 3))

    def f(x):
        h = np.tanh(A @ x)
        outer = (h * b).sum(axis=0) + h  # a diamond
        s = (outer.square() + 1).log() / (2 - outer.sigmoid())
        return B @ (s * x[1] + outer.mean() - np.exp(-h)) + x[:4] ** 2

    return f


@pytest.mark.parametrize("seed", range(20))
def test_pushing_and_pulling_are_adjoint(seed):
    rng = np.random.default_rng(100 + seed)
    x, v, g = rng.normal(size=5), rng.normal(size=5), rng.normal(size=4)
    f = random_function(seed)
    y, Jv = jvp(f, x, v)
    value, pull = vjp(f, x)
    np.testing.assert_array_equal(value, y)
    assert g @ Jv == pytest.approx(pull(g) @ v, rel=1e-12, abs=1e-13)
    np.testing.assert_allclose(Jv, central(f, x, v), rtol=1e-6, atol=1e-8)


def test_pulling_with_another_cotangent_is_another_pair():
    f, rng = random_function(0), np.random.default_rng(7)
    x, v, g = rng.normal(size=5), rng.normal(size=5), rng.normal(size=4)
    _, pull = vjp(f, x)
    assert g @ jvp(f, x, v)[1] != pytest.approx(pull(g + 0.1) @ v, rel=1e-3)


def test_forward_mode_adds_up_the_tangents_of_all_inputs():
    x, y = Value(2.0), Value(5.0)
    z = x * y + x
    assert z.forward({x: 1.0}) == 6.0
    assert z.forward({y: 1.0}) == 2.0
    assert z.forward({x: 1.0, y: 10.0}) == 26.0
    assert z.forward({}) == 0.0


# --- graphs


def test_a_fork_adds_up():
    a = Value(3.0)
    (a + a).backward()
    assert a.grad == 2.0


def test_two_forks_in_a_row_multiply():
    a = Value(3.0)
    b = a + a
    c = b + b
    c.backward()
    assert (c.data, b.grad, a.grad) == (12.0, 2.0, 4.0)


@pytest.mark.parametrize("x", [3.0, [[3.0, -1.0]]])
def test_a_second_sweep_starts_from_zero(x):
    a = Value(x)
    y = (a * a).sum()
    y.backward()
    first = np.copy(a.grad)
    y.backward()
    np.testing.assert_array_equal(a.grad, first)


def overwriting(order):
    """Adjoints that replace each other at forks: row 35 of the misconceptions."""
    order[-1].grad = 1.0
    for node in reversed(order):
        for x, slope in ((node.left, node.by_left), (node.right, node.by_right)):
            if slope is not None:
                x.grad = slope * node.grad


def at_once(node):
    """Adjoints sent on at every arrival, all that is there: row 36."""
    for x, slope in ((node.left, node.by_left), (node.right, node.by_right)):
        if slope is not None:
            x.grad = (x.grad or 0.0) + slope * node.grad
            at_once(x)


def test_the_wrong_sweeps_give_the_wrong_numbers_that_they_are_known_for():
    a = Value(3.0)
    overwriting(topological_order(a + a))
    assert a.grad == 1.0
    a = Value(3.0)
    b = a + a
    c = b + b
    c.grad = 1.0
    at_once(c)
    assert a.grad != 4.0


def test_an_adjoint_that_was_left_over_would_count_twice():
    a = Value(3.0)
    y = a * 2
    y.backward()
    assert a.grad == 2.0
    a.grad += 1.0
    y.backward()
    assert a.grad == 2.0


def test_parents_come_before_their_children_each_value_once():
    x, y = Value(1.0), Value(2.0)
    a = x * y
    b = a + a
    c = b * a + x
    order = topological_order(c)
    assert order == [x, y, a, b, c.parents[0], c]
    place = {node: k for k, node in enumerate(order)}
    assert all(place[p] < place[node] for node in order for p in node.parents)


def test_the_order_of_one_value_is_found_whatever_was_swept_before_and_changes_no_number():
    x, y = Value(3.0), Value(5.0)
    a = x * y
    b, c = a + x, a * a
    c.backward()
    b.forward({x: 1.0})
    assert topological_order(b) == [x, y, a, b]
    assert topological_order(c) == [x, y, a, c]
    assert [v.grad for v in (x, y, a, b, c)] == [150.0, 90.0, 30.0, None, 1.0]
    assert [v.tangent for v in (x, y, a, b, c)] == [1.0, 0.0, 5.0, 6.0, None]


@pytest.mark.parametrize("x", [2.0, [1.0, 2.0]])
def test_a_swept_graph_dies_with_its_last_value_and_leaves_nothing_to_the_garbage_collector(x):
    def values():
        return sum(type(thing) is Value for thing in gc.get_objects())

    x = Value(x)
    gc.disable()
    try:
        before = values()
        y = (2 * x + x.sigmoid() * np.sin(x)).sum()
        y.backward()
        y.forward({})
        assert values() > before
        del y
        assert values() == before
    finally:
        gc.enable()


def test_a_chain_of_ten_thousand_steps_is_swept_in_both_directions():
    x = y = Value(1.0)
    for _ in range(10_000):
        y = y * 1.0001
    y.backward()
    assert len(topological_order(y)) == 10_001
    assert x.grad == pytest.approx(1.0001**10_000)
    assert y.forward({x: 1.0}) == pytest.approx(1.0001**10_000)


def test_a_ladder_of_forks_takes_one_step_for_each_value_not_for_each_path():
    x = y = Value(1.0)
    for _ in range(200):
        y = y + y
    y.backward()
    assert x.grad == 2.0**200


def test_numbers_and_arrays_that_meet_a_value_are_constants():
    x = Value([1.0, 2.0])
    y = (x * 3 + np.array([1.0, 1.0])).sum()
    y.backward()
    y = np.ones((2, 2)) @ x + y + np.multiply(np.ones(2), x) + 1
    y.backward([1.0, 1.0])
    constants = [p for node in topological_order(y) for p in node.parents if type(p) is not Value]
    assert [type(c) for c in constants] == [np.ndarray, float, np.ndarray, np.ndarray, float]
    np.testing.assert_array_equal(x.grad, [1 + 3 * 2 + 2, 1 + 3 * 2 + 2])


def test_what_is_not_on_the_way_keeps_its_adjoint_and_has_gradient_zero():
    assert value_and_gradient(lambda x, y: x.sum())([1.0, 2.0], 5.0)[1][1] == 0.0
    _, (dx, dy) = value_and_gradient(lambda x, y: x.sum())([1.0, 2.0], [[5.0], [6.0]])
    np.testing.assert_array_equal(dx, [1.0, 1.0])
    np.testing.assert_array_equal(dy, [[0.0], [0.0]])


# --- scalars and arrays


def test_a_scalar_is_a_float_all_the_way():
    x = Value(np.float64(2.0))
    y = ((x * 3).tanh() + x.sigmoid() / 4 - x.exp().log()).relu() + Value([1.0, 2.0])[1] + Value([[1.0, 2.0]]).sum()
    y.backward()
    y.forward({x: 1})
    for node in topological_order(y):
        if node.shape == ():
            assert {type(node.data), type(node.grad), type(node.tangent)} == {float}
        else:
            assert {v.dtype for v in (node.data, node.grad, node.tangent)} == {np.dtype(np.float64)}
            assert {v.shape for v in (node.data, node.grad, node.tangent)} == {node.shape}


@pytest.mark.parametrize("name", ["neg", "**3", "**-1", "exp", "log", "sin", "cos", "tanh", "square", "sum", "mean",
                                  "number - x", "number / x", "sigmoid", "relu"])  # fmt: skip
def test_scalars_and_arrays_have_the_same_derivative(name):
    f = ONE[name][0] if name in ONE else REAL[name]
    for number in (0.3, 1.7):
        y, slope = (np.ravel(v).item() for v in jvp(f, [number], [1.0]))
        assert jvp(f, number, 1.0) == pytest.approx((y, slope), rel=1e-15)
        assert vjp(f, number)[1](1.0) == pytest.approx(slope, rel=1e-15)


def test_a_value_has_a_copy_of_its_numbers():
    given = np.array([1.0, 2.0])
    x = Value(given)
    x.data += 1
    np.testing.assert_array_equal(given, [1.0, 2.0])
    x.grad = None
    x.square().sum().backward()
    np.testing.assert_array_equal(x.grad, [4.0, 6.0])


@pytest.mark.parametrize("z", [-1e4, -800.0, -30.0, 0.0, 30.0, 800.0, 1e4])
def test_the_sigmoid_neither_overflows_nor_warns(z):
    for x in (z, [z, 0.0]):
        y, slope = (np.ravel(v)[0] for v in jvp(lambda x: x.sigmoid(), x, np.ones_like(x)))
        assert 0 <= y <= 1
        assert slope == pytest.approx(y * (1 - y))
        assert y == pytest.approx(math.exp(z) if z < -1 else 1 - math.exp(-z) if z > 1 else 0.5, abs=1e-12)


def test_the_cross_entropy_is_right_for_any_logit():
    z = Value([[1000.0, -1000.0], [0.0, 0.0], [-1000.0, 1000.0]])
    loss = softmax_cross_entropy(z, [[0, 0], [1, 0], [0, 1]])
    loss.backward()
    assert loss.data == 500.0
    np.testing.assert_allclose(z.grad, [[0.5, 0], [-0.5, 0], [0, 0]], atol=1e-300)


def test_a_value_is_written_short_and_the_same_everywhere():
    assert repr(Value(6)) == "Value(6.0)"
    assert repr(Value(2.0, name="x") ** 2) == "Value(4.0, op='**2')"
    assert repr(Value([[0.1], [0.2]], "b") + [[0.2], [0.1]]) == "Value([[0.3], [0.3]], op='+')"
    assert repr(Value(np.zeros((64, 32)), name="W")) == "Value(shape (64, 32), name='W')"


# --- networks


def engine(net, x, y, loss, penalty=0.0):
    """The network of Values: loss, weights, biases, z by layer."""
    W, b = ([None, *map(Value, given[1:])] for given in (net.W, net.b))
    a, z = x, [None]
    for l in range(1, net.L + 1):
        z.append(W[l] @ a + b[l])
        name = net.activations[l].name
        a = z[l] if name == "identity" else None if name == "softmax" else getattr(z[l], name)()
    N = x.shape[1]
    if loss == "categorical cross-entropy":
        value = softmax_cross_entropy(z[-1], y)
    elif loss == "binary cross-entropy":
        value = -(y * a.log() + (1 - y) * (1 - a).log()).sum() / N
    else:
        value = (a - y).square().sum() / (2 * N if loss == "squared error" else N)
    if penalty:
        value = value + penalty / 2 * sum(w.square().sum() for w in W[1:])
    return value, W, b, z


NETWORKS = [
    ([2, 3, 1], "sigmoid", None, "squared error", 4, 0.0),
    ([3, 5, 4, 2], "tanh", None, "squared error", 1, 0.0),
    ([4, 6, 3], "relu", "identity", "squared error without 1/2", 7, 0.1),
    ([4, 3, 2], "tanh", "sigmoid", "binary cross-entropy", 5, 0.0),
    ([5, 7, 6, 3], "sigmoid", "softmax", "categorical cross-entropy", 9, 0.01),
    ([2, 2, 2, 2, 2, 2], "tanh", "softmax", "categorical cross-entropy", 3, 0.0),
    ([6, 1], "identity", None, "squared error", 2, 0.0),
]


@pytest.mark.parametrize("sizes, activation, output, loss, N, penalty", NETWORKS)
def test_backward_gives_the_gradients_of_back_propagation(sizes, activation, output, loss, N, penalty):
    rng = np.random.default_rng(sum(sizes))
    net = Network(sizes, activation, output, rng=rng)
    net.theta += 0.1 * rng.normal(size=net.P)
    x = rng.normal(size=(sizes[0], N))
    y = np.eye(sizes[-1])[:, rng.integers(0, sizes[-1], N)] if "cross" in loss else rng.normal(size=(sizes[-1], N))
    value, W, b, _ = engine(net, x, y, loss, penalty)
    value.backward()
    right, dW, db = loss_and_gradients(net, x, y, loss, penalty)
    assert value.data == pytest.approx(right, rel=1e-12)
    for ours, theirs in zip([*W[1:], *b[1:]], [*dW[1:], *db[1:]], strict=True):
        np.testing.assert_allclose(ours.grad, theirs, rtol=1e-12, atol=1e-12 * max(1, np.abs(theirs).max()))


def test_the_adjoint_of_z_is_the_error_term_delta_of_chapter_6():
    rng = np.random.default_rng(6)
    net = Network([4, 6, 5, 3], "sigmoid", rng=rng)
    x, y = rng.normal(size=(4, 8)), rng.random(size=(3, 8))
    value, _, _, z = engine(net, x, y, "squared error")
    value.backward()
    back = Backpropagation(net)
    back.gradient(x, y)
    for l in range(1, net.L + 1):
        np.testing.assert_allclose(z[l].grad, back.delta[l], rtol=1e-12, atol=1e-14)
        assert not np.allclose(z[l].grad, 1.01 * back.delta[l], rtol=1e-3)
    for l, above in pairwise(range(1, net.L + 1)):
        slope = z[l].sigmoid().data * (1 - z[l].sigmoid().data)
        np.testing.assert_allclose(z[l].grad, net.W[above].T @ z[above].grad * slope, rtol=1e-12)  # (6.2)


def test_it_learns_the_digits_in_mini_batches():
    x, y, labels = digits()
    rng = np.random.default_rng(0)
    order = rng.permutation(labels.size)
    train, test = order[:1440], order[1440:]
    net = Network([64, 32, 10], "sigmoid", "softmax", rng=rng)
    W1, b1, W2, b2 = parameters = [Value(v) for v in (net.W[1], net.b[1], net.W[2], net.b[2])]
    for _ in range(20):
        for batch in np.array_split(rng.permutation(train), 45):
            z = W2 @ (W1 @ x[:, batch] + b1).sigmoid() + b2
            softmax_cross_entropy(z, y[:, batch]).backward()
            for p in parameters:
                p.data -= 0.5 * p.grad
    z = W2 @ (W1 @ x[:, test] + b1).sigmoid() + b2
    assert (z.data.argmax(axis=0) == labels[test]).mean() >= 0.95


# --- what comes in wrong


x, W = Value([1.0, 2.0, 3.0], name="x"), Value(np.ones((2, 3)), name="W")
WRONG = {
    "words": (lambda: Value("two"), TypeError, "data must hold numbers"),
    "complex": (lambda: Value(1j), TypeError, "data must be real"),
    "Values in a list": (lambda: Value([Value(1.0), Value(2.0)]), TypeError, "data must hold numbers"),
    "a word meets a Value": (lambda: x + "two", TypeError, "must hold numbers"),
    "no seed": (lambda: x.backward(), ValueError, r"must have a seed of shape \(3,\), got none; try .sum\(\).backward"),
    "a seed of another shape": (lambda: x.backward([1.0]), ValueError, r"seed must .* \(3,\), got \(1,\); try"),
    "a seed for a scalar": (lambda: x.sum().backward([1.0]), ValueError, r"seed must .* \(\), got \(1,\); try"),
    "a tangent of another shape": (lambda: x.forward({x: 1.0}), ValueError, r"tangent must .* \(3,\), got \(\); try"),
    "shapes that do not broadcast": (lambda: W + [1, 2], ValueError, r"\+ must .* \(2, 3\) and \(2,\); try a column"),
    "shapes that make no product": (lambda: W @ W, ValueError, r"@ must .* \(2, 3\) and \(2, 3\); try A @ B"),
    "a product with a number": (lambda: W @ 2.0, ValueError, r"@ must .* \(2, 3\) and \(\); try"),
    "a number's product": (lambda: 2.0 @ W, ValueError, r"@ must .* \(\) and \(2, 3\); try"),
    "a Value as exponent": (lambda: x**x, TypeError, r"an exponent must be a number, got Value; try \(n \* x.log"),
    "in place": (lambda: np.add(np.ones(3), x, out=np.ones(3)), TypeError, r"got np.add with out; try x = x \+ y"),
    "a reduction of NumPy": (lambda: np.add.reduce(x), TypeError, "got np.add.reduce; try"),
    "a function that is not there": (
        lambda: np.arctan(x),
        TypeError,
        "NumPy must call an operation that Value has, got np.arctan; try",
    ),
    "targets that are Values": (lambda: softmax_cross_entropy(x, x), TypeError, "y an array, got Value and Value; try"),
    "targets of another shape": (lambda: softmax_cross_entropy(x, [1, 0]), ValueError, r"\(3,\), got \(2,\); try"),
    "a power of a number": (lambda: np.power(2.0, x), TypeError, "got np.power; try"),
    "logits that are no Value": (lambda: softmax_cross_entropy([1, 0], [1, 0]), TypeError, "got list and list; try"),
    "a function of arrays": (lambda: vjp(lambda v: v.data, 2.0), TypeError, "f must return a Value, got float; try"),
    "a direction of another shape": (lambda: jvp(np.sin, [1.0], 1.0), ValueError, r"tangent must .* \(1,\), got \(\)"),
    "division by zero": (lambda: Value(1.0) / 0, ZeroDivisionError, "division by zero"),
    "logarithm of nothing": (lambda: Value(0.0).log(), ValueError, "math domain error"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_message_says_what_was_expected_what_came_and_what_to_try(name):
    do, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        do()


def test_adding_to_an_array_in_place_is_refused_and_leaves_it_alone():
    array = np.ones(3)
    with pytest.raises(TypeError, match="try x = x"):
        array += x
    np.testing.assert_array_equal(array, 1.0)
