import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib.activations import ACTIVATIONS, softmax
from course_lib.finite_differences import finite_difference_gradient
from course_lib.losses import LOSSES, l2_penalty, l2_penalty_gradient


def gradient_by_complex_step(loss, a, y):
    flat = finite_difference_gradient(lambda v: loss.value(v.reshape(a.shape), y), a.ravel(), method="complex")
    return flat.reshape(a.shape)


def one_hot(n, N):
    return np.eye(n)[:, np.arange(N) % n]


@pytest.mark.parametrize("name", LOSSES)
@given(a=arrays(np.float64, (3, 4), elements=st.floats(-20, 20)))
def test_gradient_agrees_with_the_complex_step(name, a):
    y = one_hot(3, 4)
    np.testing.assert_allclose(
        LOSSES[name].gradient(a, y), gradient_by_complex_step(LOSSES[name], a, y), rtol=1e-10, atol=1e-14
    )


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_agrees_for_soft_targets_and_one_column(name):
    a, y = np.array([0.4, -1.2, 2.0]), np.array([0.2, 0.5, 0.3])
    np.testing.assert_allclose(LOSSES[name].gradient(a, y), gradient_by_complex_step(LOSSES[name], a, y), rtol=1e-10)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("factor", [0.5, 2, -1, 2.001, 4, 1 / 4])
def test_gradient_off_by_a_factor_is_rejected(name, factor):
    a, y = np.random.default_rng(2).normal(size=(3, 4)), one_hot(3, 4)
    wrong = factor * LOSSES[name].gradient(a, y)
    assert not np.allclose(wrong, gradient_by_complex_step(LOSSES[name], a, y), rtol=1e-10)


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_is_the_mean_of_its_columns(name):
    a, y = np.random.default_rng(3).normal(size=(3, 4)), one_hot(3, 4)
    loss = LOSSES[name]
    one_by_one = [loss.value(p, q) for p, q in zip(a.T, y.T, strict=True)]
    np.testing.assert_allclose(loss.value(a, y), np.mean(one_by_one), rtol=1e-14)
    gradients = [loss.gradient(p, q) for p, q in zip(a.T, y.T, strict=True)]
    np.testing.assert_allclose(loss.gradient(a, y), np.stack(gradients, axis=1) / 4, rtol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_value_is_a_plain_number_and_float32_stays(name):
    a, y = np.ones((2, 3), dtype=np.float32), np.array([[1, 0, 1], [0, 1, 0]])
    assert type(LOSSES[name].value(a, y)) is float
    assert LOSSES[name].gradient(a, y).dtype == np.float32
    assert LOSSES[name].gradient([[1, 2]], [[0, 1]]).dtype == np.float64


@pytest.mark.parametrize("name", ["binary cross-entropy", "categorical cross-entropy"])
def test_cross_entropy_is_that_of_the_activation_that_it_contains(name):
    z, y = np.random.default_rng(4).normal(size=(3, 5)), one_hot(3, 5)
    loss = LOSSES[name]
    a = ACTIVATIONS[loss.contains].function(z)
    textbook = -(y * np.log(a)).sum() / 5
    if name.startswith("binary"):
        textbook -= ((1 - y) * np.log(1 - a)).sum() / 5
    np.testing.assert_allclose(loss.value(z, y), textbook, rtol=1e-13)
    np.testing.assert_allclose(loss.gradient(z, y), (a - y) / 5, rtol=1e-13)


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize(
    "name, z, y, value",
    [
        ("binary cross-entropy", [[1000, -1000, 1000, -1000]], [[1, 0, 0, 1]], 2000 / 4),
        ("categorical cross-entropy", [[1000, -1000, 0], [-1000, 1000, 1000]], [[1, 0, 1], [0, 1, 0]], 1000 / 3),
    ],
)
def test_cross_entropy_is_right_at_logits_of_a_thousand(name, z, y, value, dtype):
    z = np.array(z, dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(LOSSES[name].value(z, y), value, rtol=1e-6)
        assert np.isfinite(LOSSES[name].gradient(z, y)).all()


def test_published_chance_level_of_ten_classes():
    """CS231n: -ln(0.1) = 2.302."""
    y = one_hot(10, 7)
    assert LOSSES["categorical cross-entropy"].value(np.zeros((10, 7)), y) == pytest.approx(2.302, abs=1e-3)


def test_published_gradient_of_softmax_with_cross_entropy():
    """CS231n: p = (0.2, 0.3, 0.5), the second class is the true one: gradient (0.2, -0.7, 0.5)."""
    z = np.log([0.2, 0.3, 0.5]) + 7
    np.testing.assert_allclose(softmax(z), [0.2, 0.3, 0.5], rtol=1e-14)
    gradient = LOSSES["categorical cross-entropy"].gradient(z, [0, 1, 0])
    np.testing.assert_allclose(gradient, [0.2, -0.7, 0.5], rtol=1e-14)


def test_published_error_of_a_two_output_network():
    """Mazur, 2015: the outputs 0.75136507, 0.772928465 for the targets 0.01, 0.99 have the error 0.298371109."""
    a, y = [0.75136507, 0.772928465], [0.01, 0.99]
    assert LOSSES["squared error"].value(a, y) == pytest.approx(0.298371109, abs=1e-9)
    assert LOSSES["squared error without 1/2"].value(a, y) == pytest.approx(2 * 0.298371109, abs=2e-9)


def test_published_loss_with_its_penalty():
    """CS231n: data 1.2658570521; with 0.05 times the squared weights 1.30378789133, with 1/2 of that 1.2848224717."""
    rng = np.random.RandomState(0)  # the published weights come from this legacy generator
    W = [None, 0.1 * rng.randn(4, 10).T, 0.1 * rng.randn(10, 3).T]
    x = 10 * np.random.RandomState(1).randn(5, 4).T
    y = np.eye(3)[:, [0, 1, 2, 2, 1]]
    scores = W[2] @ np.maximum(W[1] @ x, 0)
    data = LOSSES["categorical cross-entropy"].value(scores, y)
    assert data == pytest.approx(1.2658570521, abs=1e-10)
    assert data + l2_penalty(W, 0.05, half=False) == pytest.approx(1.30378789133, abs=1e-11)
    assert data + l2_penalty(W, 0.05) == pytest.approx(1.2848224717, abs=1e-10)


def test_penalty_takes_lists_with_and_without_none_at_0():
    W = [np.ones((2, 3)), np.full((1, 2), 2.0)]
    assert l2_penalty(W, 1.0) == l2_penalty([None, *W], 1.0) == 7
    assert len(l2_penalty_gradient(W, 1.0)) == 2


@pytest.mark.parametrize("half", [True, False])
def test_penalty_gradient_agrees_with_the_complex_step(half):
    W = np.random.default_rng(5).normal(size=(2, 3))
    gradient = finite_difference_gradient(lambda w: l2_penalty([None, w.reshape(2, 3)], 0.3, half), W.ravel())
    got = l2_penalty_gradient([None, W], 0.3, half)
    assert got[0] is None
    np.testing.assert_allclose(got[1].ravel(), gradient, rtol=1e-9)
    assert not np.allclose(l2_penalty_gradient([None, W], 0.3, not half)[1].ravel(), gradient, rtol=1e-2)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("a_shape, y_shape", [((3, 1), (3,)), ((3,), (3, 1)), ((3, 2), (2, 3)), ((3, 2), (3, 1))])
def test_shapes_that_would_broadcast_are_refused(name, a_shape, y_shape):
    for function in (LOSSES[name].value, LOSSES[name].gradient):
        with pytest.raises(ValueError, match=r"y must have the shape of the output a, .*, got .*; try y.reshape"):
            function(np.zeros(a_shape), np.zeros(y_shape))
