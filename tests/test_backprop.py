"""Back-propagation: against the complex step, finite differences and itself; what it keeps; what it refuses."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.activations import ACTIVATIONS, Activation
from course_lib.backprop import Backpropagation, backprop_steps, loss_and_gradients
from course_lib.finite_differences import finite_difference_gradient
from course_lib.losses import LOSSES, Loss, l2_penalty
from course_lib.network import Network

SMOOTH = ["identity", "sigmoid", "tanh", "softplus", "softmax"]


def case(sizes, activation, output, N, seed):
    """A network away from special points, inputs, and targets that are probabilities."""
    rng = np.random.default_rng(seed)
    net = Network(sizes, activation, output, rng=rng)
    net.theta += 0.3 * rng.normal(size=net.P)
    y = rng.random((sizes[-1], N)) + 0.1
    return net, rng.normal(size=(sizes[0], N)), y / y.sum(axis=0)


def output_for(loss, otherwise="tanh"):
    return LOSSES[loss].contains or otherwise


def loss_of(net, x, y, loss, theta, penalty=0.0):
    """The loss at theta, real or complex, by the definition."""
    W, b = net.views(theta)
    a = x
    for l in range(1, net.L + 1):
        z = W[l] @ a + b[l]
        a = net.activations[l].function(z)
    squares = sum((w**2).sum() for w in W[1:])
    N = x.shape[1]
    if loss == "categorical cross-entropy":
        value = -(y * np.log(a)).sum() / N
    elif loss == "binary cross-entropy":
        value = -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum() / N
    else:
        value = (0.5 if loss == "squared error" else 1.0) * ((a - y) ** 2).sum() / N
    return value + penalty / 2 * squares


def by_complex_step(net, x, y, loss, penalty=0.0):
    h = 1e-30
    steps = net.theta + 1j * h * np.eye(net.P)
    return np.array([loss_of(net, x, y, loss, theta, penalty).imag / h for theta in steps])


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=5),
    activation=st.sampled_from(SMOOTH),
    loss=st.sampled_from(sorted(LOSSES)),
    N=st.integers(1, 4),
    penalty=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_gradients_agree_with_the_complex_step(sizes, activation, loss, N, penalty, seed):
    net, x, y = case(sizes, activation, output_for(loss, activation), N, seed)
    value, dW, db = loss_and_gradients(net, x, y, loss, penalty)
    expected = by_complex_step(net, x, y, loss, penalty)
    assert value == pytest.approx(loss_of(net, x, y, loss, net.theta, penalty), rel=1e-12)
    np.testing.assert_allclose(net.vector(dW, db), expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("N", [1, 5])
@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_every_pair_of_activations_agrees_with_central_differences(hidden, output, N):
    net, x, y = case([3, 4, 3, 2], hidden, output, N, seed=3)
    other = net.copy()

    def f(theta):
        other.theta = theta
        return LOSSES["squared error"].value(other(x), y)

    _, dW, db = loss_and_gradients(net, x, y)
    expected = finite_difference_gradient(f, net.theta)
    np.testing.assert_allclose(net.vector(dW, db), expected, rtol=1e-7, atol=1e-8 * np.abs(expected).max())


def test_the_gradient_of_a_batch_is_the_mean_of_those_of_its_examples():
    net, x, y = case([3, 4, 2], "tanh", "softmax", 6, seed=1)
    one_by_one = [loss_and_gradients(net, x[:, n], y[:, n]) for n in range(6)]
    loss, dW, db = loss_and_gradients(net, x, y)
    assert loss == pytest.approx(np.mean([one[0] for one in one_by_one]))
    for l in (1, 2):
        np.testing.assert_allclose(dW[l], np.mean([one[1][l] for one in one_by_one], axis=0), rtol=1e-12)
        np.testing.assert_allclose(db[l], np.mean([one[2][l] for one in one_by_one], axis=0), rtol=1e-12)


@pytest.mark.parametrize("loss, output", [("squared error", "tanh"), ("categorical cross-entropy", "softmax")])
def test_a_large_batch_which_is_laid_out_otherwise_is_the_mean_of_its_parts(loss, output):
    net, x, y = case([150, 150, 3], "sigmoid", output, 120, seed=1)
    parts = [loss_and_gradients(net, x[:, s], y[:, s], loss) for s in (slice(0, 60), slice(60, 120))]
    value, dW, db = loss_and_gradients(net, x, y, loss)
    expected = (net.vector(*parts[0][1:]) + net.vector(*parts[1][1:])) / 2
    assert value == pytest.approx((parts[0][0] + parts[1][0]) / 2)
    np.testing.assert_allclose(net.vector(dW, db), expected, rtol=1e-11, atol=1e-15)


def test_a_penalty_adds_its_own_loss_and_gradient_and_leaves_biases_alone():
    net, x, y = case([3, 4, 2], "tanh", "identity", 5, seed=1)
    loss, dW, db = loss_and_gradients(net, x, y)
    penalised, dW_p, db_p = loss_and_gradients(net, x, y, penalty=0.2)
    assert penalised - loss == pytest.approx(l2_penalty(net.W, 0.2))
    for l in (1, 2):
        np.testing.assert_allclose(dW_p[l] - dW[l], 0.2 * net.W[l], atol=1e-15)
        np.testing.assert_array_equal(db_p[l], db[l])


def test_float32_stays_float32_and_is_right_to_its_precision():
    net, x, y = case([5, 6, 3], "sigmoid", "softmax", 4, seed=2)
    single = Network.from_parameters(
        *([p.astype(np.float32) for p in v[1:]] for v in (net.W, net.b)), "sigmoid", "softmax"
    )
    _, dW, db = loss_and_gradients(single, x, y, "categorical cross-entropy")
    _, dW_64, db_64 = loss_and_gradients(net, x, y, "categorical cross-entropy")
    assert {v.dtype for v in dW[1:] + db[1:]} == {np.dtype(np.float32)}
    expected = net.vector(dW_64, db_64)
    np.testing.assert_allclose(net.vector(dW, db), expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("logit", [1000.0, -1000.0])
@pytest.mark.parametrize("loss", ["binary cross-entropy", "categorical cross-entropy"])
def test_cross_entropies_are_right_at_logits_of_1000_and_quiet(loss, logit):
    net = Network.from_parameters([[[1.0], [0.0]]], [0.0], output_for(loss))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, dW, _ = loss_and_gradients(net, [logit], [0.0, 1.0], loss)
    if loss == "categorical cross-entropy":
        assert value == pytest.approx(max(logit, 0))
        assert dW[1].tolist() == ([[1000.0], [-1000.0]] if logit > 0 else [[0.0], [0.0]])
    else:
        assert value == pytest.approx(max(logit, 0) + np.log(2))
        assert dW[1].tolist() == [[1000.0 if logit > 0 else 0.0], [-0.5 * logit]]


def test_arrays_are_fresh_from_the_function_and_kept_by_the_object():
    net, x, y = case([2, 3, 1], "sigmoid", None, 4, seed=0)
    _, dW, db = loss_and_gradients(net, x, y)
    before = net.vector(dW, db)
    loss_and_gradients(net, 2 * x, y)
    np.testing.assert_array_equal(net.vector(dW, db), before)

    back = Backpropagation(net)
    _, dW, _ = back.gradient(x, y)
    np.testing.assert_array_equal(back.dtheta, before)
    back.gradient(2 * x, y)
    assert not np.array_equal(back.dtheta, before)
    assert np.shares_memory(dW[1], back.dtheta)


def test_one_object_serves_batches_of_any_size_and_parameters_that_change():
    net, x, y = case([3, 4, 2], "relu", "softmax", 7, seed=4)
    back = Backpropagation(net, "categorical cross-entropy")
    for columns in (slice(0, 7), slice(0, 1), slice(2, 5), slice(0, 7)):
        net.theta *= 1.1
        loss, _, _ = back.gradient(x[:, columns], y[:, columns])
        expected, dW, db = loss_and_gradients(net, x[:, columns], y[:, columns], "categorical cross-entropy")
        assert loss == expected
        np.testing.assert_array_equal(back.dtheta, net.vector(dW, db))


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_layout_of_the_inputs_in_memory_does_not_matter(order):
    net, x, y = case([3, 4, 2], "sigmoid", None, 5, seed=4)
    _, dW, db = loss_and_gradients(net, np.array(x, order=order), np.array(y, order=order))
    _, dW_strided, db_strided = loss_and_gradients(net, np.repeat(x, 2, axis=1)[:, ::2], y)
    np.testing.assert_allclose(net.vector(dW, db), net.vector(dW_strided, db_strided), rtol=1e-13)


def test_whole_numbers_are_taken_for_floats():
    net = Network([2, 3, 1])
    assert loss_and_gradients(net, [1, 2], [1])[0] == loss_and_gradients(net, [1.0, 2.0], [1.0])[0]


def test_a_table_row_of_ones_own_takes_part():
    square = Activation("square", lambda z: z**2, lambda z: 2 * z, "z^2", "2z")
    cubed = Loss(
        "cubed", lambda a, y: float((a - y).sum() ** 3), lambda a, y: 3 * (a - y).sum() ** 2 * np.ones_like(a), ""
    )
    net = Network.from_parameters([[[2.0]]], [1.0], square)
    loss, dW, db = loss_and_gradients(net, [1.0], [0.0], cubed)
    assert (loss, dW[1].item(), db[1].item()) == (9.0**3, 3 * 9.0**2 * 6, 3 * 9.0**2 * 6)


@pytest.mark.parametrize("N", [1, 3])
@pytest.mark.parametrize("loss", LOSSES)
def test_steps_are_both_passes_in_order_with_the_values_of_the_gradient(loss, N):
    net, x, y = case([2, 3, 2], "sigmoid", output_for(loss), N, seed=6)
    steps = backprop_steps(net, x, y, loss)
    assert [step.name for step in steps] == [
        *("z[1]", "a[1]", "z[2]", "a[2]", "loss"),
        *("delta[2]", "dW[2]", "db[2]", "delta[1]", "dW[1]", "db[1]"),
    ]
    assert [step.equation for step in steps] == ["2.1", "2.2"] * 2 + ["", "6.1", "6.3", "6.4", "6.2", "6.3", "6.4"]
    assert [step.layer for step in steps] == [1, 1, 2, 2, 2, 2, 2, 2, 1, 1, 1]
    value, dW, db = loss_and_gradients(net, x, y, loss)
    z, a = net.forward(x)
    by_name = {step.name: step.value for step in steps}
    assert by_name["loss"].shape == ()
    for l in (1, 2):
        for name, expected in ((f"z[{l}]", z[l]), (f"a[{l}]", a[l]), (f"dW[{l}]", dW[l]), (f"db[{l}]", db[l])):
            np.testing.assert_allclose(by_name[name], expected, atol=1e-15)
        np.testing.assert_allclose(by_name[f"delta[{l}]"] @ a[l - 1].T, dW[l], atol=1e-15)
    assert by_name["loss"] == value


def test_steps_say_their_formula_with_its_numbers():
    net = Network.from_parameters([[[1.0, 2.0], [0.5, -1.0]]], [[0.25, -0.25]], "identity")
    texts = [step.text for step in backprop_steps(net, [3.0, 4.0], [11.0, 0.0])]
    assert texts == [
        "z¹ = W¹ a⁰ + b¹ = [[1, 2], [0.5, -1]] · (3, 4) + (0.25, -0.25) = (11.25, -2.75)",
        "a¹ = σ(z¹) = identity of (11.25, -2.75) = (11.25, -2.75)",
        "loss = squared error of (11.25, -2.75) against (11, 0) = 3.812",
        "δ¹ = ∂L/∂a¹ ⊙ σ′(z¹) = (0.25, -2.75) ⊙ (1, 1) = (0.25, -2.75)",
        "∂L/∂W¹ = δ¹ (a⁰)ᵀ = (0.25, -2.75) · (3, 4)ᵀ = [[0.75, 1], [-8.25, -11]]",
        "∂L/∂b¹ = δ¹ = (0.25, -2.75)",
    ]


def test_large_arrays_are_named_by_their_shape_in_a_step():
    net = Network([20, 3, 2])
    assert "W¹ a⁰ + b¹ = [3 × 20] · [20 × 1] + (0, 0, 0) =" in backprop_steps(net, np.ones(20), np.ones(2))[0].text


def test_steps_survive_the_next_gradient():
    net, x, y = case([2, 3, 2], "sigmoid", None, 1, seed=6)
    steps = backprop_steps(net, x, y)
    kept = [step.value.copy() for step in steps]
    net.theta[:] = 0
    backprop_steps(net, x, y)
    for step, value in zip(steps, kept, strict=True):
        np.testing.assert_array_equal(step.value, value)


@pytest.mark.parametrize(
    "x, y, message",
    [
        (np.ones((3, 4)), np.ones((1, 4)), "x must have 2 rows"),
        (np.ones((2, 4)), np.ones((2, 4)), "y must have 1 rows"),
        (np.ones((2, 4)), np.ones((4, 1)), r"y must have 1 rows .* try y\.T"),
        (np.ones((2, 4)), np.ones((1, 3)), "one column per example, got 4 and 3"),
        (np.ones((2, 4)), np.ones(1), "one column per example, got 4 and 1"),
    ],
)
def test_shapes_that_would_broadcast_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        loss_and_gradients(Network([2, 3, 1]), x, y)


def test_a_loss_that_contains_another_output_is_refused():
    with pytest.raises(
        ValueError, match=r"contains the output activation softmax.*try Network\(\.\.\., output='softmax'\)"
    ):
        Backpropagation(Network([2, 3, 2]), "categorical cross-entropy")
    with pytest.raises(ValueError, match="loss must be one of"):
        Backpropagation(Network([2, 3, 2]), "cross-entropy")
