import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.finite_differences import finite_difference_gradient

METHODS = {"forward": 1e-6, "central": 1e-9, "complex": 1e-13}


def prince(beta, omega, x=2.3, y=2):
    """The scalar chain of Prince, Understanding Deep Learning, notebook 7.1."""
    h = np.sin(beta[0] + omega[0] * x)
    h = np.exp(beta[1] + omega[1] * h)
    h = np.cos(beta[2] + omega[2] * h)
    return (beta[3] + omega[3] * h - y) ** 2


@pytest.mark.parametrize("method", METHODS)
def test_published_gradient_of_a_scalar_chain(method):
    """Prince, notebook 7.1: loss and the derivatives along all eight parameters, to three decimals."""
    theta = np.array([1, 2, -3, 0.4, 0.1, -0.4, 2, 3])
    assert prince(theta[:4], theta[4:]) == pytest.approx(0.139, abs=5e-4)
    gradient = finite_difference_gradient(lambda t: prince(t[:4], t[4:]), theta, method=method)
    published = [2.281, -17.060, -1.683, 0.745, 5.246, -16.079, -8.530, 0.489]
    np.testing.assert_allclose(gradient, published, atol=6e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batched", [False, True])
@given(seed=st.integers(0, 2**32 - 1), P=st.integers(1, 8))
def test_gradient_of_a_quadratic_loss(method, batched, seed, P):
    rng = np.random.default_rng(seed)
    A, theta = rng.normal(size=(P, P)), rng.normal(size=P)
    gradient = finite_difference_gradient(
        lambda t: np.einsum("i...,ij,j...->...", t, A, t), theta, method=method, batched=batched
    )
    np.testing.assert_allclose(gradient, (A + A.T) @ theta, atol=100 * METHODS[method])
    assert gradient.shape == (P,)


def test_a_gradient_with_one_missing_term_is_rejected():
    theta = np.array([0.3, -0.7, 1.1])
    gradient = finite_difference_gradient(lambda t: np.sin(t[0]) + t[0] * t[1] + t[2] ** 2, theta)
    right = np.array([np.cos(0.3) - 0.7, 0.3, 2.2])
    assert np.allclose(gradient, right, rtol=0, atol=1e-9)
    for wrong in (right - [0, 0.3, 0], 2 * right, right[::-1], 2.001 / 2 * right):
        assert not np.allclose(gradient, wrong, rtol=0, atol=1e-9)


@pytest.mark.parametrize("method, passes", [("forward", 8), ("central", 14), ("complex", 7)])
def test_the_loss_is_evaluated_as_often_as_stated(method, passes):
    seen = []
    finite_difference_gradient(lambda t: seen.append(1) or t @ t, np.ones(7), method=method)
    assert len(seen) == passes


@pytest.mark.parametrize("P, slab", [(300, 2), (300, 7), (300, 300)])
def test_many_parameters_take_the_same_number_of_evaluations(P, slab, monkeypatch):
    monkeypatch.setattr("course_lib.jacobians.ENTRIES_PER_CALL", slab * P)
    seen = []
    gradient = finite_difference_gradient(lambda t: seen.append(1) or t @ t, np.linspace(-1, 1, P), method="forward")
    np.testing.assert_allclose(gradient, np.linspace(-2, 2, P), atol=1e-5)
    assert len(seen) == P + 1


def test_parameters_that_the_loss_copies_into_a_view_are_measured():
    stored = np.zeros(3)

    def loss(theta):
        stored[:] = theta
        return stored @ stored

    np.testing.assert_allclose(finite_difference_gradient(loss, [1, 2, 3]), [2, 4, 6], rtol=1e-9)


def test_a_loss_that_gives_several_numbers_is_refused():
    with pytest.raises(ValueError, match="f must give one number, the loss, got 3; try numerical_jacobian"):
        finite_difference_gradient(lambda t: t, [1, 2, 3])
