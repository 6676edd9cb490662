"""Networks: shapes, one vector of parameters with views, initialisations, and what is refused."""

import numpy as np
import pytest

from course_lib.activations import ACTIVATIONS, sigmoid, softmax
from course_lib.network import INITIALISATIONS, Network


def test_forward_keeps_every_value_on_the_way():
    net = Network([3, 4, 2], rng=5)
    x = np.random.default_rng(0).normal(size=(3, 6))
    z, a = net.forward(x)
    assert z[0] is None
    np.testing.assert_array_equal(a[0], x)
    np.testing.assert_allclose(z[1], net.W[1] @ x + net.b[1])
    np.testing.assert_allclose(a[1], sigmoid(z[1]))
    np.testing.assert_allclose(z[2], net.W[2] @ a[1] + net.b[2])
    np.testing.assert_array_equal(net(x), a[2])


def test_a_batch_is_its_columns_one_by_one():
    net = Network([3, 4, 2], activation="tanh", output="softmax", rng=5)
    x = np.random.default_rng(0).normal(size=(3, 6))
    np.testing.assert_allclose(net(x), np.hstack([net(x[:, n]) for n in range(6)]), rtol=1e-14)


def test_a_vector_is_one_column():
    assert Network([3, 2])(np.ones(3)).shape == (2, 1)


def test_z_and_a_are_different_arrays():
    z, a = Network([2, 3, 1]).forward(np.ones((2, 4)))
    assert not any(np.shares_memory(z[l], a[l]) for l in (1, 2))


def test_theta_holds_all_parameters_layer_by_layer():
    net = Network([2, 3, 1], init="normal", rng=1)
    net.b[1][:] = [[7.0], [8.0], [9.0]]
    expected = [*net.W[1].ravel(), 7.0, 8.0, 9.0, *net.W[2].ravel(), 0.0]
    assert net.theta.tolist() == expected
    assert net.P == 13


def test_theta_and_the_matrices_are_one_thing():
    net = Network([2, 3, 1])
    net.theta[:] = np.arange(13)
    assert net.W[1].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert net.b[2].tolist() == [[12]]
    net.W[2] = [[10, 20, 30]]
    net.b[1] -= 1
    net.theta = net.theta + 100
    assert net.theta.tolist() == [100, 101, 102, 103, 104, 105, 105, 106, 107, 110, 120, 130, 112]
    assert net.W[2].tolist() == [[110, 120, 130]]


def test_vector_and_views_are_each_others_way_back():
    net = Network([2, 3, 1], rng=3)
    W, b = net.views(np.arange(13.0))
    assert net.vector(W, b).tolist() == list(range(13))


def test_a_copy_is_independent():
    net = Network([2, 3, 1], activation="relu", output="softplus")
    other = net.copy()
    other.theta += 1
    assert other.activations == net.activations
    np.testing.assert_allclose(other.theta - net.theta, 1)


def test_the_same_seed_gives_the_same_network_and_another_one_does_not():
    assert np.array_equal(Network([4, 3], rng=1).theta, Network([4, 3], rng=1).theta)
    assert not np.array_equal(Network([4, 3], rng=1).theta, Network([4, 3], rng=2).theta)


@pytest.mark.parametrize(
    "init, scale", [("zeros", 0), ("normal", 1), ("xavier", np.sqrt(2 / 500)), ("he", np.sqrt(2 / 300))]
)
def test_weights_start_at_the_scale_of_their_initialisation(init, scale):
    net = Network([300, 200], init=init)
    assert net.W[1].std() == pytest.approx(scale, rel=0.02)
    assert not net.b[1].any()
    assert set(INITIALISATIONS) == {"zeros", "normal", "xavier", "he"}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_activation_keeps_the_precision(activation, dtype):
    net = Network([3, 4, 2], activation, dtype=dtype)
    z, a = net.forward(np.ones((3, 5)))
    assert {v.dtype for v in z[1:] + a} == {np.dtype(dtype)}


def test_activations_can_differ_by_layer():
    net = Network([2, 3, 4, 2], activation=["relu", "tanh", "identity"], output="softmax")
    assert [s.name for s in net.activations[1:]] == ["relu", "tanh", "softmax"]
    assert repr(net) == "Network 2-3-4-2, relu, tanh, softmax, P = 35, float64"
    z, a = net.forward(np.ones(2))
    np.testing.assert_allclose(a[3], softmax(z[3]))


@pytest.mark.parametrize("lead", [[], [None]])
def test_from_parameters_takes_lists_with_and_without_the_leading_none(lead):
    net = Network.from_parameters([*lead, [[1, 2], [3, 4], [5, 6]], [[1, 0, 1]]], [*lead, [1, 2, 3], 0.5])
    assert net.sizes == (2, 3, 1)
    assert net.b[1].tolist() == [[1], [2], [3]]
    assert net.b[2].tolist() == [[0.5]]
    assert net.dtype == np.float64


def test_from_parameters_copies():
    W = np.ones((1, 2))
    net = Network.from_parameters([W], [[0.0]])
    net.theta += 1
    assert W.tolist() == [[1, 1]]


def test_float32_parameters_make_a_float32_network():
    assert Network.from_parameters([np.ones((1, 2), np.float32)], [np.zeros(1, np.float32)]).dtype == np.float32


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Network([3]), "at least two positive widths"),
        (lambda: Network([3, 0]), "at least two positive widths"),
        (lambda: Network([3, 2], activation="sigmod"), "activation must be one of"),
        (lambda: Network([3, 2, 1], activation=["tanh"]), "one name, or 2 of them"),
        (lambda: Network([3, 2], init="glorot"), "init must be one of"),
        (lambda: Network([3, 2], dtype=int), "dtype must be float64 or float32"),
        (lambda: Network.from_parameters([np.ones((3, 2)), np.ones((1, 2))], [0.0, 0.0]), r"W\[2\] must have a column"),
        (lambda: Network.from_parameters([np.ones((3, 2))], [0.0, 0.0]), "as many layers"),
        (lambda: Network.from_parameters([], []), "as many layers"),
    ],
)
def test_what_makes_no_network_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("x", [np.ones((4, 3)), np.ones(4), np.ones((3, 0)), np.ones((3, 1, 1))])
def test_inputs_of_another_shape_are_refused(x):
    with pytest.raises(ValueError, match="x must have 3 rows and a column for each example"):
        Network([3, 2])(x)


def test_rows_for_columns_get_the_hint_to_transpose():
    with pytest.raises(ValueError, match=r"got \(5, 3\); try x\.T"):
        Network([3, 2])(np.ones((5, 3)))


def test_parameters_of_another_shape_are_refused():
    net = Network([3, 2])
    with pytest.raises(ValueError, match=r"layer 1 wants the shape \(2, 3\), got \(3, 2\)"):
        net.W[1] = np.ones((3, 2))
    with pytest.raises(ValueError, match=r"layer 1 wants the shape \(2, 1\), got \(2,\)"):
        net.b[1] = np.ones(2)
    with pytest.raises(ValueError, match="vector of all 8 parameters"):
        net.theta = np.ones(7)
    with pytest.raises(AttributeError):
        net.W = [None, np.ones((2, 3))]
