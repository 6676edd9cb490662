import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import course_lib.jacobians
from course_lib.activations import ACTIVATIONS, softmax
from course_lib.chain import chain_jacobian
from course_lib.jacobians import (
    affine_jacobian,
    elementwise_jacobian,
    fork_jacobian,
    numerical_jacobian,
    softmax_jacobian,
    sum_jacobian,
    weight_jacobian,
)

METHODS = {"forward": 1e-6, "central": 1e-9, "complex": 1e-14}  # what each must reach near 1
SHAPES = [(1, 1), (1, 4), (4, 1), (3, 5), (5, 3)]
sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


def affine(m, n, seed=0):
    rng = np.random.default_rng([m, n, seed])
    return rng.normal(size=(m, n)), rng.normal(size=m), rng.normal(size=n)


def curved(x):
    """(n,) or (n, K) -> three outputs, none of them linear, with complex numbers followed."""
    return np.stack([x[0] * x[1], np.sin(x[0]) + x[-1] ** 2, np.exp(0.3 * x[1])])


def curved_jacobian(x):
    J = np.zeros((3, len(x)))
    J[0, 0], J[0, 1] = x[1], x[0]
    J[1, 0] += np.cos(x[0])
    J[1, -1] += 2 * x[-1]
    J[2, 1] = 0.3 * np.exp(0.3 * x[1])
    return J


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("m, n", SHAPES)
def test_numerical_jacobian_of_an_affine_map_is_its_matrix(method, batched, m, n):
    W, b, x = affine(m, n)
    f = (lambda X: W @ X + b[:, None]) if batched else (lambda v: W @ v + b)
    J = numerical_jacobian(f, x, method=method, batched=batched)
    np.testing.assert_allclose(J, W, atol=METHODS[method])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batched", [False, True])
@given(seed=seeds, n=st.integers(2, 6))
def test_numerical_jacobian_agrees_with_the_formula(method, batched, seed, n):
    x = np.random.default_rng(seed).uniform(-2, 2, size=n)
    J = numerical_jacobian(curved, x, method=method, batched=batched)
    np.testing.assert_allclose(J, curved_jacobian(x), atol=10 * METHODS[method])


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_jacobian_is_rejected(method):
    x = np.array([0.4, -1.2, 0.7])
    J, right = numerical_jacobian(curved, x, method=method), curved_jacobian(x)
    assert np.allclose(J, right, atol=METHODS[method])
    one_entry_off = right + 1e-5 * (np.arange(9).reshape(3, 3) == 5)
    for wrong in (right.T, -right, 2 * right, 1.00001 * right, one_entry_off, np.diag(np.diag(right))):
        assert not np.allclose(J, wrong, rtol=0, atol=METHODS[method])


@pytest.mark.parametrize("method", METHODS)
@given(seed=seeds, a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_the_jacobian_is_linear_in_the_map(method, seed, a, b):
    x = np.random.default_rng(seed).uniform(-2, 2, size=3)
    combined = numerical_jacobian(lambda v: a * curved(v) + b * v**3, x, method=method)
    parts = a * numerical_jacobian(curved, x, method=method) + b * numerical_jacobian(lambda v: v**3, x, method=method)
    np.testing.assert_allclose(combined, parts, atol=100 * METHODS[method])


@given(seed=seeds, n=sizes, k=sizes, m=sizes)
def test_chain_rule_the_jacobian_of_a_composition_is_the_product(seed, n, k, m):
    rng = np.random.default_rng(seed)
    V, W, x = rng.normal(size=(k, n)), rng.normal(size=(m, k)), rng.normal(size=n)
    inner, outer = (lambda v: np.tanh(V @ v)), (lambda h: softmax(W @ h))
    J = numerical_jacobian(lambda v: outer(inner(v)), x, method="complex")
    J_outer = chain_jacobian(softmax_jacobian(W @ inner(x)), affine_jacobian(W))
    J_inner = chain_jacobian(elementwise_jacobian(ACTIVATIONS["tanh"].derivative, V @ x), affine_jacobian(V))
    np.testing.assert_allclose(chain_jacobian(J_outer, J_inner), J, rtol=1e-10, atol=1e-13)


@given(seed=seeds, n=sizes, m=sizes)
def test_every_exact_jacobian_agrees_with_the_complex_step(seed, n, m):
    rng = np.random.default_rng(seed)
    W, b, x = rng.normal(size=(m, n)), rng.normal(size=m), rng.normal(size=n)
    for exact, f, point in [
        (affine_jacobian(W), lambda v: W @ v + b, x),
        (elementwise_jacobian(np.cos, x), np.sin, x),
        (softmax_jacobian(x), softmax, x),
        (sum_jacobian(n), np.sum, x),
        (fork_jacobian(n, m), lambda v: np.tile(v, m), x),
        (weight_jacobian(x, m), lambda w: w.reshape(m, n) @ x + b, W.ravel()),
    ]:
        np.testing.assert_allclose(exact, numerical_jacobian(f, point, method="complex"), rtol=1e-10, atol=1e-14)


@given(seed=seeds, n=sizes)
def test_softmax_jacobian_is_symmetric_and_blind_to_a_common_shift(seed, n):
    J = softmax_jacobian(np.random.default_rng(seed).normal(size=n))
    np.testing.assert_allclose(J, J.T, atol=1e-16)
    np.testing.assert_allclose(J @ np.ones(n), np.zeros(n), atol=1e-15)


def test_published_softmax_cross_entropy_gradient_through_the_jacobian():
    """CS231n: p = (0.2, 0.3, 0.5), the second class is true: (0.2, -0.7, 0.5), here as J^T dL/dp with dL/dp = -y/p."""
    p, y = np.array([0.2, 0.3, 0.5]), np.array([0, 1, 0])
    np.testing.assert_allclose(softmax_jacobian(np.log(p)).T @ (-y / p), [0.2, -0.7, 0.5], rtol=1e-14)


def test_published_affine_layer_moves_by_its_jacobian():
    """CS231n (rows there, columns here): for an affine map (4.8) leads from one published output to the other."""
    x = np.linspace(-0.1, 0.5, 240).reshape(2, 120)
    W = np.linspace(-0.2, 0.3, 360).reshape(120, 3).T
    first, second = [1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]
    np.testing.assert_allclose(W @ x[0] + np.linspace(-0.3, 0.1, 3), first, atol=1e-8)
    np.testing.assert_allclose(first + affine_jacobian(W) @ (x[1] - x[0]), second, atol=2e-8)


@pytest.mark.parametrize("method, calls", [("forward", 6), ("central", 10), ("complex", 5)])
def test_the_map_is_evaluated_as_often_as_stated(method, calls):
    seen = []
    numerical_jacobian(lambda v: seen.append(v) or v**2, np.arange(5), method=method)
    assert len(seen) == calls


@pytest.mark.parametrize("method, calls", [("forward", [1, 5]), ("central", [10]), ("complex", [5])])
def test_a_batched_map_sees_all_perturbed_inputs_in_one_call(method, calls):
    seen = []
    numerical_jacobian(lambda X: seen.append(X.shape[1]) or X**2, np.arange(5), method=method, batched=True)
    assert seen == calls


@pytest.mark.parametrize("method", METHODS)
def test_slabs_give_the_same_jacobian(method, monkeypatch):
    W, _, x = affine(4, 7)
    whole = numerical_jacobian(lambda X: np.tanh(W @ X), x, method=method, batched=True)
    monkeypatch.setattr(course_lib.jacobians, "ENTRIES_PER_CALL", 3 * 7)  # 3 + 3 + 1 inputs at a time
    np.testing.assert_allclose(
        numerical_jacobian(lambda X: np.tanh(W @ X), x, method=method, batched=True), whole, atol=1e-9
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("point", [[3.0], [1.0, 2.0, 3.0]])
def test_a_map_that_reuses_its_buffer_or_changes_its_input_is_still_measured(method, batched, point):
    buffers = {}

    def f(x):
        y = buffers.setdefault((x.shape, x.dtype), np.empty_like(x))
        np.multiply(x, x, out=y)
        x[...] = 0
        return y

    x = np.array(point)
    J = numerical_jacobian(f, x, method=method, batched=batched)
    np.testing.assert_allclose(J, np.diag(2 * np.array(point)), atol=1e-6)
    np.testing.assert_array_equal(x, point)


@pytest.mark.parametrize("method", METHODS)
def test_integers_are_not_truncated(method):
    np.testing.assert_allclose(numerical_jacobian(lambda v: v**2, [3], method=method), [[6]], atol=1e-6)


@pytest.mark.parametrize("method, atol", [("forward", 2e-2), ("central", 1e-3), ("complex", 1e-5)])
@pytest.mark.parametrize("h", [None, 1e-3])
def test_float32_stays_float32(method, atol, h):
    x = np.array([0.5, -1.5], dtype=np.float32)
    J = numerical_jacobian(lambda v: v * v, x, h, method)
    assert J.dtype == np.float32
    np.testing.assert_allclose(J, np.diag(2 * x), atol=atol)


def test_the_step_grows_with_the_input():
    np.testing.assert_allclose(numerical_jacobian(lambda v: v**2, [1e6]), [[2e6]], rtol=1e-9)


def test_the_error_of_a_central_difference_falls_with_the_square_of_the_step():
    x = np.array([1.0])
    errors = [abs(numerical_jacobian(np.exp, x, h=h)[0, 0] - np.e) for h in (1e-1, 1e-2, 1e-3)]
    np.testing.assert_allclose(errors, [np.e / 6 * 1e-2, np.e / 6 * 1e-4, np.e / 6 * 1e-6], rtol=1e-2)


def test_a_map_to_a_number_has_one_row():
    np.testing.assert_allclose(numerical_jacobian(lambda v: v @ v, [1, 2]), [[2, 4]], atol=1e-9)
    np.testing.assert_allclose(numerical_jacobian(lambda X: (X * X).sum(axis=0), [1, 2], batched=True), [[2, 4]])


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (
            {"x": [[1, 2], [3, 4]]},
            ValueError,
            r"x must be a vector of shape \(n,\), got shape \(2, 2\); try x.ravel\(\)",
        ),
        ({"x": 1.0}, ValueError, r"x must be a vector of shape \(n,\), got shape \(\); try x.ravel\(\)"),
        ({"x": []}, ValueError, r"x must have at least one entry, got shape \(0,\); try"),
        ({"x": ["a"]}, TypeError, "x must hold numbers, got dtype <U1; try"),
        ({"x": [1j]}, TypeError, "x must be real, got dtype complex128; try x.real"),
        ({"method": "centre"}, ValueError, "method must be one of 'forward', 'central', 'complex', got 'centre'; try"),
        ({"h": 0}, ValueError, "h must be a positive step, got 0; try"),
        ({"h": -1e-5}, ValueError, "h must be a positive step, got -1e-05; try"),
        ({"h": float("nan")}, ValueError, "h must be a positive step, got nan; try"),
        (
            {"f": lambda v: v[:, None]},
            ValueError,
            r"f\(x\) must be a vector .* got shape \(2, 1\); try f\(x\).ravel\(\)",
        ),
        (
            {"f": lambda X: X.sum(), "batched": True},
            ValueError,
            r"f must give \(m, 4\) for 4 columns .* got shape \(\); try",
        ),
        ({"f": lambda X: X.T, "batched": True}, ValueError, r"f must give \(m, 4\) .* got shape \(4, 2\); try"),
        ({"f": np.abs, "method": "complex"}, TypeError, "f must give complex values .* got dtype float64; try"),
    ],
)
def test_what_cannot_be_differenced_is_refused_with_what_to_try(arguments, error, message):
    with pytest.raises(error, match=message):
        numerical_jacobian(**{"f": lambda v: v, "x": [1, 2]} | arguments)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: affine_jacobian([1, 2]), ValueError, r"W must be a matrix of shape \(m, n\), got shape \(2,\); try"),
        (
            lambda: softmax_jacobian([[1, 2]]),
            ValueError,
            r"x must be a vector of shape \(n,\), got shape \(1, 2\); try",
        ),
        (lambda: sum_jacobian(0), ValueError, "n must be at least 1, got 0; try"),
        (lambda: sum_jacobian(2.0), TypeError, "n must be a whole number, got 2.0; try"),
        (lambda: fork_jacobian(2, copies=True), TypeError, "copies must be a whole number, got True; try"),
        (
            lambda: weight_jacobian([[1.0]], 2),
            ValueError,
            r"a must be a vector of shape \(n,\), got shape \(1, 1\); try",
        ),
    ],
)
def test_wrong_shapes_are_refused_with_what_to_try(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_jacobian_of_an_affine_map_is_a_copy():
    W = np.ones((2, 3))
    affine_jacobian(W)[0, 0] = 5
    assert W[0, 0] == 1
