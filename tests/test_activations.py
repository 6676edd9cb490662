import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib.activations import ACTIVATIONS, dsoftmax, relu, sigmoid, softmax, softplus
from course_lib.jacobians import numerical_jacobian

ELEMENTWISE = [name for name in ACTIVATIONS if name != "softmax"]


def slopes(function, z):
    """Derivative of an element-wise function by the complex step."""
    return function(z + 1e-20j).imag / 1e-20


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(z=arrays(np.float64, (3, 2), elements=st.floats(-30, 30)))
def test_derivative_agrees_with_the_complex_step(name, z):
    activation = ACTIVATIONS[name]
    np.testing.assert_allclose(activation.derivative(z), slopes(activation.function, z), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_derivative_agrees_with_central_differences_of_real_numbers(name):
    z = np.array([-2.5, -0.3, 0.2, 4.0])
    difference = (ACTIVATIONS[name].function(z + 1e-6) - ACTIVATIONS[name].function(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(z), difference, atol=1e-9)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("other", ELEMENTWISE)
def test_derivative_of_another_function_is_rejected(name, other):
    z = np.array([-2.5, -0.3, 0.2, 4.0])
    agrees = np.allclose(ACTIVATIONS[other].derivative(z), slopes(ACTIVATIONS[name].function, z), rtol=1e-10)
    assert agrees == (other == name)


@given(z=arrays(np.float64, st.integers(1, 6), elements=st.floats(-30, 30)))
def test_softmax_jacobian_agrees_with_the_complex_step(z):
    np.testing.assert_allclose(dsoftmax(z), numerical_jacobian(softmax, z, method="complex"), atol=1e-14)


def test_softmax_treated_as_elementwise_is_rejected():
    z = np.array([0.3, -1.0, 2.0])
    elementwise = np.diag(softmax(z) * (1 - softmax(z)))
    assert np.allclose(dsoftmax(z), numerical_jacobian(softmax, z, method="complex"), atol=1e-10)
    assert not np.allclose(elementwise, numerical_jacobian(softmax, z, method="complex"), atol=1e-2)


@given(z=arrays(np.float64, (4, 3), elements=st.floats(-50, 50)), shift=st.floats(-900, 900))
def test_softmax_is_a_distribution_that_a_common_shift_leaves_alone(z, shift):
    np.testing.assert_allclose(softmax(z).sum(axis=0), np.ones(3), rtol=1e-14)
    np.testing.assert_allclose(softmax(z + shift), softmax(z), rtol=1e-11)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_batch_is_its_columns_side_by_side(name):
    z = np.random.default_rng(1).normal(size=(4, 3))
    for function in (ACTIVATIONS[name].function, ACTIVATIONS[name].derivative):
        np.testing.assert_allclose(function(z), np.stack([function(column) for column in z.T], axis=-1), rtol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("given_dtype, dtype", [("f8", "f8"), ("f4", "f4"), ("i4", "f8"), ("?", "f8"), ("c16", "c16")])
def test_float32_stays_and_integers_become_float64(name, given_dtype, dtype):
    z = np.array([[0, 1], [1, 1], [0, 1]], dtype=given_dtype)
    assert ACTIVATIONS[name].function(z).dtype == dtype
    assert ACTIVATIONS[name].derivative(z).dtype == dtype


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["f8", "f4", "c16"])
def test_huge_inputs_give_no_warning_and_no_nan(name, dtype):
    z = np.array([-1000, -100, 0, 100, 1000], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(ACTIVATIONS[name].function(z)).all()
        assert np.isfinite(ACTIVATIONS[name].derivative(z)).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_is_not_hidden(name):
    assert np.isnan(ACTIVATIONS[name].function(np.array([1.0, np.nan]))).any()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_input_is_left_alone(name):
    z = np.array([[-1.0, 2.0], [0.0, 3.0]])
    before = z.copy()
    ACTIVATIONS[name].function(z)
    ACTIVATIONS[name].derivative(z)
    np.testing.assert_array_equal(z, before)


def test_sigmoid_keeps_its_relative_precision_where_it_is_small():
    np.testing.assert_allclose(sigmoid(np.array([-700.0, -40.0])), np.exp([-700.0, -40.0]), rtol=1e-15)


@given(z=arrays(np.float64, 5, elements=st.floats(-500, 500)))
def test_known_identities_hold(z):
    np.testing.assert_allclose(sigmoid(z) + sigmoid(-z), np.ones(5), rtol=1e-15)
    np.testing.assert_allclose(softplus(z) - softplus(-z), z, atol=1e-12)
    np.testing.assert_array_equal(relu(z) - relu(-z), z)


@pytest.mark.parametrize("name, slope", [("relu", 0.0), ("leaky relu", 0.01)])
def test_slope_at_the_kink_is_the_one_from_the_left(name, slope):
    assert ACTIVATIONS[name].derivative(0.0) == slope
    assert slopes(ACTIVATIONS[name].function, np.zeros(1)) == [slope]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_text_is_refused_with_what_to_try(name):
    with pytest.raises(TypeError, match="z must hold numbers, got dtype <U3; try"):
        ACTIVATIONS[name].function(["0.5"])


def test_softmax_is_stable_in_every_column_of_a_batch():
    np.testing.assert_array_equal(softmax([[1000, -1000, 0], [1000, -1000, 1000]]), [[0.5, 0.5, 0], [0.5, 0.5, 1]])


def test_softmax_refuses_what_has_no_columns():
    with pytest.raises(ValueError, match=r"z must be one column \(n,\) or N columns \(n, N\), got shape \(\); try"):
        softmax(1.0)
