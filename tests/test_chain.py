from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.activations import dsigmoid, sigmoid
from course_lib.chain import (
    bracketings,
    chain_jacobian,
    cheapest_bracketing,
    compose,
    multiplications,
    path_product,
    paths,
    sum_over_paths,
)
from course_lib.jacobians import numerical_jacobian

sizes = st.lists(st.integers(1, 9), min_size=2, max_size=7)


def shapes_of(sizes):
    return list(pairwise(sizes))


def layers(sizes, seed):
    """A layered graph with every edge between neighbouring layers, and the matrices of its local derivatives."""
    rng = np.random.default_rng(seed)
    J = [rng.normal(size=shape) for shape in shapes_of(sizes)]
    edges = {
        (f"{layer + 1}.{column}", f"{layer}.{row}"): value
        for layer, matrix in enumerate(J)
        for (row, column), value in np.ndenumerate(matrix)
    }
    return edges, J


def test_composition_applies_the_last_map_first():
    assert compose(lambda x: x + 1, lambda x: 2 * x)(10) == 21
    assert compose(lambda x: 2 * x, lambda x: x + 1)(10) == 22
    assert compose()(10) == 10


@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=5), seed=st.integers(0, 2**32 - 1))
def test_sum_over_paths_is_an_entry_of_the_product_of_jacobians(sizes, seed):
    edges, J = layers(sizes, seed)
    product = chain_jacobian(*J)
    for (row, column), entry in np.ndenumerate(product):
        start, end = f"{len(J)}.{column}", f"0.{row}"
        np.testing.assert_allclose(sum_over_paths(edges, start, end), entry, rtol=1e-10, atol=1e-12)
        assert len(paths(edges, start, end)) == int(np.prod(sizes[1:-1]))


def test_one_path_forgotten_is_rejected():
    edges, J = layers([2, 3, 2], seed=1)
    products = [path_product(edges, path) for path in paths(edges, "2.0", "0.1")]
    assert np.isclose(sum(products), (J[0] @ J[1])[1, 0], rtol=1e-12)
    assert not np.isclose(sum(products[1:]), (J[0] @ J[1])[1, 0], rtol=1e-3)
    assert not np.isclose(np.prod(products), (J[0] @ J[1])[1, 0], rtol=1e-3)


@given(seed=st.integers(0, 2**32 - 1))
def test_jacobian_of_three_composed_maps_is_the_product_outermost_first(seed):
    rng = np.random.default_rng(seed)
    A, B, C = rng.normal(size=(2, 3)), rng.normal(size=(3, 5)), rng.normal(size=(5, 4))
    x = rng.normal(size=4)
    maps = [lambda v: np.sin(A @ v), lambda v: (B @ v) ** 2, lambda v: np.tanh(C @ v)]
    points = [compose(*maps[1:])(x), compose(*maps[2:])(x), x]
    J = [numerical_jacobian(f, p, method="complex") for f, p in zip(maps, points, strict=True)]
    whole = numerical_jacobian(compose(*maps), x, method="complex")
    np.testing.assert_allclose(chain_jacobian(*J), whole, rtol=1e-10, atol=1e-12)


def test_square_jacobians_in_reading_order_are_rejected():
    A, B = np.random.default_rng(3).normal(size=(2, 3, 3))
    x = np.array([0.3, -0.4, 0.9])
    inner, outer = (lambda v: np.tanh(A @ v)), (lambda v: np.sin(B @ v))
    J_inner = numerical_jacobian(inner, x, method="complex")
    J_outer = numerical_jacobian(outer, inner(x), method="complex")
    right = numerical_jacobian(compose(outer, inner), x, method="complex")
    assert np.allclose(chain_jacobian(J_outer, J_inner), right, rtol=1e-10)
    assert not np.allclose(chain_jacobian(J_inner, J_outer), right, rtol=1e-2)


def test_published_circuit_of_a_sum_and_a_product():
    """CS231n: f = (x + y) z at (-2, 5, -4): q = 3, f = -12, gradients -4, -4, 3."""
    x, y, z = -2, 5, -4
    q = x + y
    assert (q, q * z) == (3, -12)
    edges = {("x", "q"): 1, ("y", "q"): 1, ("q", "f"): z, ("z", "f"): q}
    assert [sum_over_paths(edges, name, "f") for name in "xyz"] == [-4, -4, 3]


def test_published_circuit_with_a_maximum():
    """CS231n: 2 (x y + max(z, w)) at (3, -4, 2, -1): gradients -8, 6, 2, 0."""
    x, y, z, w = 3, -4, 2, -1
    edges = {("x", "p"): y, ("y", "p"): x, ("z", "m"): z > w, ("w", "m"): w > z}
    edges |= {("p", "s"): 1, ("m", "s"): 1, ("s", "f"): 2}
    assert [sum_over_paths(edges, name, "f") for name in "xyzw"] == [-8, 6, 2, 0]


def test_published_sigmoid_neuron():
    """CS231n: w = (2, -3, -3), x = (-1, -2): out 0.73; dx (0.39, -0.59); dw (-0.20, -0.39, 0.20)."""
    w, x = (2, -3, -3), (-1, -2)
    s = w[0] * x[0] + w[1] * x[1] + w[2]
    assert sigmoid(s) == pytest.approx(0.73, abs=5e-3)
    edges = {("w0", "s"): x[0], ("x0", "s"): w[0], ("w1", "s"): x[1], ("x1", "s"): w[1], ("w2", "s"): 1}
    edges[("s", "f")] = dsigmoid(s)
    gradient = [sum_over_paths(edges, name, "f") for name in ("x0", "x1", "w0", "w1", "w2")]
    np.testing.assert_allclose(gradient, [0.39, -0.59, -0.20, -0.39, 0.20], atol=5e-3)


def test_published_scalar_chain():
    """Prince, notebook 7.1: every intermediate and every derivative of the loss along it, to three decimals."""
    beta, omega, x, y = (1, 2, -3, 0.4), (0.1, -0.4, 2, 3), 2.3, 2
    f0 = beta[0] + omega[0] * x
    h1 = np.sin(f0)
    f1 = beta[1] + omega[1] * h1
    h2 = np.exp(f1)
    f2 = beta[2] + omega[2] * h2
    h3 = np.cos(f2)
    f3 = beta[3] + omega[3] * h3
    np.testing.assert_allclose(
        [f0, h1, f1, h2, f2, h3, f3], [1.230, 0.942, 1.623, 5.068, 7.137, 0.657, 2.372], atol=6e-4
    )
    edges = {
        ("f0", "h1"): np.cos(f0),
        ("h1", "f1"): omega[1],
        ("f1", "h2"): h2,
        ("h2", "f2"): omega[2],
        ("f2", "h3"): -np.sin(f2),
        ("h3", "f3"): omega[3],
        ("f3", "loss"): 2 * (f3 - y),
    }
    published = {"f3": 0.745, "h3": 2.234, "f2": -1.683, "h2": -3.366, "f1": -17.060, "h1": 6.824, "f0": 2.281}
    for node, derivative in published.items():
        assert sum_over_paths(edges, node, "loss") == pytest.approx(derivative, abs=6e-4)


def test_a_fork_adds_up_and_a_dead_end_counts_nothing():
    edges = {("x", "a"): 2.0, ("x", "b"): 3.0, ("a", "y"): 1.0, ("b", "y"): 1.0, ("x", "y"): 10.0, ("x", "other"): 99.0}
    assert sum_over_paths(edges, "x", "y") == 15
    assert paths(edges, "x", "y") == [("x", "a", "y"), ("x", "b", "y"), ("x", "y")]
    assert paths(edges, "a", "other") == []
    assert sum_over_paths(edges, "a", "other") == 0
    assert sum_over_paths(edges, "x", "x") == 1


@given(sizes=sizes)
def test_the_cheapest_bracketing_is_the_first_of_all(sizes):
    shapes = shapes_of(sizes)
    everything = bracketings(shapes)
    count = cheapest_bracketing(shapes)[1]
    k = len(shapes)
    assert len(everything) == comb(2 * k - 2, k - 1) // k
    assert len({text for text, _ in everything}) == len(everything)
    assert everything == sorted(everything, key=lambda pair: pair[1])
    assert count == everything[0][1]
    assert cheapest_bracketing(shapes) in everything


def test_a_known_bracketing_problem():
    """Cormen et al., Introduction to Algorithms, section 15.2: 15125 multiplications."""
    shapes = [(30, 35), (35, 15), (15, 5), (5, 10), (10, 20), (20, 25)]
    assert cheapest_bracketing(shapes) == ("(A (B C)) ((D E) F)", 15125)


def test_multiplications_are_those_of_the_loops():
    shapes, order = [(2, 3), (3, 4), (4, 5), (5, 1)], ((0, 1), (2, 3))
    assert multiplications(shapes, order) == 2 * 3 * 4 + 4 * 5 * 1 + 2 * 4 * 1
    assert multiplications(shapes, (((0, 1), 2), 3)) == 2 * 3 * 4 + 2 * 4 * 5 + 2 * 5 * 1
    assert multiplications([(2, 3)], 0) == 0


@pytest.mark.parametrize("L", [2, 5, 40])
def test_for_a_scalar_output_it_is_cheapest_to_start_at_the_output(L):
    shapes = [(1, 8)] + [(8, 8)] * (L - 1)
    names = [f"J{L - i}" for i in range(L)]
    text, count = cheapest_bracketing(shapes, names)
    assert count == 64 * (L - 1)
    assert text.lstrip("(").startswith(f"J{L} J{L - 1}")


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: chain_jacobian(np.ones((2, 3)), np.ones((2, 4))),
            r"matrix 0 must have .*, got \(2, 3\) and \(2, 4\); try",
        ),
        (lambda: chain_jacobian(), "a product must have at least one matrix, got none; try"),
        (lambda: chain_jacobian([1, 2], [3, 4]), r"jacobians\[0\] must be a matrix of shape .* got shape \(2,\); try"),
        (lambda: multiplications([(2, 3), (4, 5)], (0, 1)), r"matrix 0 must have .*, got \(2, 3\) and \(4, 5\); try"),
        (lambda: cheapest_bracketing([]), "a product must have at least one matrix, got none; try"),
        (lambda: paths({("x", "y"): 1.0}, "z", "y"), "start must be a node of the graph, got 'z'; try one of x, y"),
        (lambda: paths({("x", "y"): 1.0}, "x", "z"), "end must be a node of the graph, got 'z'; try one of x, y"),
        (
            lambda: path_product({("x", "y"): 1.0}, ("y", "x")),
            r"path must follow the edges .* got the step \('y', 'x'\); try",
        ),
        (
            lambda: paths({("x", "y"): 1.0, ("y", "x"): 1.0, ("y", "z"): 1.0}, "x", "z"),
            r"edges must have no cycle, got one at 'x'; try removing \('y', 'x'\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_try(call, message):
    with pytest.raises(ValueError, match=message):
        call()
