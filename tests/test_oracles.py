"""Numbers that others published, typed from their pages: the library must give them.

Where a figure is not printed by its source but follows from its inputs, the comment says "recomputed".
"""

import numpy as np
import pytest

from course_lib.activations import dsigmoid, sigmoid
from course_lib.backprop import Backpropagation, backprop_steps, loss_and_gradients
from course_lib.chain import sum_over_paths
from course_lib.finite_differences import finite_difference_gradient
from course_lib.gradient_check import check_gradient
from course_lib.jacobians import affine_jacobian, numerical_jacobian, weight_jacobian
from course_lib.losses import LOSSES, categorical_cross_entropy, categorical_cross_entropy_gradient, l2_penalty
from course_lib.network import Network
from course_lib.training import train

# --------------------------------------------------------------------------- Matt Mazur, 17 March 2015: a 2-2-2 network


@pytest.fixture
def mazur():
    W1, W2 = [[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]
    net = Network.from_parameters([W1, W2], [0.35, 0.60], "sigmoid")
    return net, np.array([0.05, 0.10]), np.array([0.01, 0.99])


def test_mazur_forward(mazur):
    net, x, t = mazur
    z, a = net.forward(x)
    assert z[1][0, 0] == pytest.approx(0.3775, abs=1e-12)
    np.testing.assert_allclose(a[1].ravel(), [0.593269992, 0.596884378], atol=5e-10)
    assert z[2][0, 0] == pytest.approx(1.105905967, abs=5e-10)
    np.testing.assert_allclose(a[2].ravel(), [0.75136507, 0.772928465], atol=5e-9)
    np.testing.assert_allclose(0.5 * (t - a[2].ravel()) ** 2, [0.274811083, 0.023560026], atol=5e-10)
    assert loss_and_gradients(net, x, t)[0] == pytest.approx(0.298371109, abs=5e-10)


def test_mazur_backward(mazur):
    net, x, t = mazur
    back = Backpropagation(net)
    _, dW, _ = back.gradient(x, t)
    assert dW[2][0, 0] == pytest.approx(0.082167041, abs=5e-10)
    assert dW[1][0, 0] == pytest.approx(0.000438568, abs=5e-10)
    np.testing.assert_allclose(back.delta[2].ravel(), [0.138498562, -0.0380982365], atol=5e-10)  # second one recomputed
    np.testing.assert_allclose(back.delta[1].ravel(), [0.0087713547, 0.0099542547], atol=5e-11)  # recomputed


def test_mazur_steps_show_the_same_numbers(mazur):
    steps = {step.name: step.value for step in backprop_steps(*mazur)}
    assert steps["loss"] == pytest.approx(0.298371109, abs=5e-10)
    assert steps["dW[2]"][0, 0] == pytest.approx(0.082167041, abs=5e-10)


def test_mazur_step_of_the_weights(mazur):
    net, x, t = mazur
    _, dW, _ = loss_and_gradients(net, x, t)
    for l in (1, 2):
        net.W[l] -= 0.5 * dW[l]
    np.testing.assert_allclose(net.W[2], [[0.35891648, 0.408666186], [0.511301270, 0.561370121]], atol=5e-9)
    np.testing.assert_allclose(net.W[1], [[0.149780716, 0.19956143], [0.24975114, 0.29950229]], atol=5e-9)
    error = loss_and_gradients(net, x, t)[0]
    assert error == pytest.approx(0.291027774, abs=5e-10)  # recomputed from the weights that the post prints
    assert error != pytest.approx(0.291027924, abs=5e-10)  # the post's own figure does not follow from them


def test_mazur_printed_error_needs_the_weights_updated_too_early(mazur):
    """The post's 0.291027924: W2 is updated before the error term of the hidden layer is formed, a known mistake."""
    net, x, t = mazur
    back = Backpropagation(net)
    _, dW, _ = back.gradient(x, t)
    net.W[2] -= 0.5 * dW[2]
    delta = (net.W[2].T @ back.delta[2]) * dsigmoid(back.z[1])
    net.W[1] -= 0.5 * delta @ x[None, :]
    assert loss_and_gradients(net, x, t)[0] == pytest.approx(0.291027924, abs=5e-10)


def test_mazur_step_with_biases(mazur):
    net, x, t = mazur
    _, dW, db = loss_and_gradients(net, x, t)
    net.theta -= 0.5 * net.vector(dW, db)
    np.testing.assert_allclose(net.b[1].ravel(), [0.3456143227, 0.3450228726], atol=5e-11)  # recomputed
    np.testing.assert_allclose(net.b[2].ravel(), [0.5307507192, 0.6190491183], atol=5e-11)  # recomputed
    assert loss_and_gradients(net, x, t)[0] == pytest.approx(0.2804714468, abs=5e-11)  # recomputed


# ------------------------------------------------------------------------------ CS231n, Stanford: toy nets and circuits


@pytest.fixture
def two_layers():
    """The two-layer network 4-10-3 of the first assignment; its rows are our columns."""
    rng = np.random.RandomState(0)  # the generator that the published numbers come from
    W1, W2 = 0.1 * rng.randn(4, 10), 0.1 * rng.randn(10, 3)
    x = 10 * np.random.RandomState(1).randn(5, 4).T
    net = Network.from_parameters([W1.T, W2.T], [0.0, 0.0], "relu", "softmax")
    return net, x, np.eye(3)[:, [0, 1, 2, 2, 1]]


def test_cs231n_two_layer_scores(two_layers):
    net, x, _ = two_layers
    scores = net.forward(x)[0][2].T
    np.testing.assert_allclose(scores[0], [-0.81233741, -1.27654624, -0.70335995], atol=5e-9)
    np.testing.assert_allclose(scores[4], [-0.00618733, -0.12435261, -0.15226949], atol=5e-9)


def test_cs231n_two_layer_loss(two_layers):
    net, x, y = two_layers
    # The penalty there is reg * sum W^2, without 1/2: twice the strength of ours.
    loss = loss_and_gradients(net, x, y, "categorical cross-entropy", penalty=2 * 0.05)[0]
    assert loss == pytest.approx(1.30378789133, abs=5e-12)
    data = loss_and_gradients(net, x, y, "categorical cross-entropy")[0]
    assert data == pytest.approx(1.2658570521, abs=5e-11)
    assert data + l2_penalty(net.W, 0.05, half=False) == pytest.approx(1.30378789133, abs=5e-12)
    with_half = loss_and_gradients(net, x, y, "categorical cross-entropy", penalty=0.05)[0]
    assert with_half == pytest.approx(1.2848224717, abs=5e-11)  # recomputed


def test_cs231n_two_layer_gradient(two_layers):
    assert check_gradient(*two_layers, loss="categorical cross-entropy", penalty=0.1).ok


def test_cs231n_affine_layer():
    x = np.linspace(-0.1, 0.5, 240).reshape(2, 120).T
    W, b = np.linspace(-0.2, 0.3, 360).reshape(120, 3).T, np.linspace(-0.3, 0.1, 3)
    out = Network.from_parameters([W], [b], "identity")(x).T
    expected = [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]
    np.testing.assert_allclose(out, expected, atol=5e-9)
    np.testing.assert_array_equal(affine_jacobian(W), W)


def test_cs231n_circuit_of_a_sum_and_a_product():
    def f(v):
        return (v[0] + v[1]) * v[2]

    x, y, z = point = np.array([-2.0, 5.0, -4.0])
    assert (x + y, f(point)) == (3, -12)
    edges = {("x", "q"): 1, ("y", "q"): 1, ("q", "f"): z, ("z", "f"): x + y}
    assert [sum_over_paths(edges, name, "f") for name in "xyz"] == [-4, -4, 3]
    np.testing.assert_allclose(finite_difference_gradient(f, point), [-4, -4, 3], atol=1e-9)


def test_cs231n_sigmoid_neuron():
    w, x = np.array([2.0, -3.0]), np.array([-1.0, -2.0])
    net = Network.from_parameters([w[None, :]], [-3.0], "sigmoid")
    # dL/da = 1 where the target is a - 1, so that the gradients of 1/2 (a - y)^2 are those of the output.
    out = net(x)
    back = Backpropagation(net)
    _, dW, db = back.gradient(x, out - 1)
    assert out.item() == pytest.approx(0.73, abs=0.005)
    np.testing.assert_allclose(net.W[1].T @ back.delta[1], [[0.39], [-0.59]], atol=0.005)
    np.testing.assert_allclose([*dW[1][0], db[1].item()], [-0.20, -0.39, 0.20], atol=0.005)
    np.testing.assert_allclose(weight_jacobian(x, 1) * dsigmoid(w @ x - 3), dW[1])


def test_cs231n_circuit_with_a_maximum():
    def f(v):
        x, y, z, w = v
        return 2 * (x * y + max(z, w))

    gradient = finite_difference_gradient(f, [3.0, -4.0, 2.0, -1.0])
    np.testing.assert_allclose(gradient, [-8, 6, 2, 0], atol=1e-8)


def test_cs231n_loss_at_chance():
    assert categorical_cross_entropy(np.zeros(10), np.eye(10)[3]) == pytest.approx(2.302, abs=0.001)


def test_cs231n_softmax_gradient():
    gradient = categorical_cross_entropy_gradient(np.log([0.2, 0.3, 0.5]), [0, 1, 0])
    np.testing.assert_allclose(gradient, [0.2, -0.7, 0.5], atol=1e-15)


# -------------------------------------------------------- Prince, Understanding Deep Learning, notebook 7.1: a chain

BETA, OMEGA, X, Y = (1.0, 2.0, -3.0, 0.4), (0.1, -0.4, 2.0, 3.0), 2.3, 2.0


def prince(beta, omega):
    """f0, h1, f1, h2, f2, h3, f3 and the loss."""
    values = [beta[0] + omega[0] * X]
    for k, h in enumerate((np.sin, np.exp, np.cos), start=1):
        values.append(h(values[-1]))
        values.append(beta[k] + omega[k] * values[-1])
    return [*values, (values[-1] - Y) ** 2]


def test_prince_forward():
    expected = [1.230, 0.942, 1.623, 5.068, 7.137, 0.657, 2.372, 0.139]
    np.testing.assert_allclose(prince(BETA, OMEGA), expected, atol=0.0006)


def test_prince_backward_through_the_graph():
    f0, h1, f1, h2, f2, h3, f3, _ = prince(BETA, OMEGA)
    edges = {("f3", "loss"): 2 * (f3 - Y), ("h3", "f3"): OMEGA[3], ("f2", "h3"): -np.sin(f2), ("h2", "f2"): OMEGA[2]}
    edges |= {("f1", "h2"): np.exp(f1), ("h1", "f1"): OMEGA[1], ("f0", "h1"): np.cos(f0)}
    edges |= {(f"beta{k}", f"f{k}"): 1.0 for k in range(4)}
    edges |= {(f"omega{k}", f"f{k}"): h for k, h in enumerate((X, h1, h2, h3))}

    def to_loss(*names):
        return [sum_over_paths(edges, name, "loss") for name in names]

    expected = [0.745, 2.234, -1.683, -3.366, -17.060, 6.824, 2.281]
    np.testing.assert_allclose(to_loss("f3", "h3", "f2", "h2", "f1", "h1", "f0"), expected, atol=0.0006)
    expected = [0.745, -1.683, -17.060, 2.281]
    np.testing.assert_allclose(to_loss("beta3", "beta2", "beta1", "beta0"), expected, atol=0.0006)
    expected = [0.489, -8.530, -16.079, 5.246]
    np.testing.assert_allclose(to_loss("omega3", "omega2", "omega1", "omega0"), expected, atol=0.0006)


def test_prince_backward_by_the_complex_step():
    J = numerical_jacobian(lambda p: np.array([prince(p[:4], p[4:])[-1]]), np.array(BETA + OMEGA), method="complex")
    expected = [2.281, -17.060, -1.683, 0.745, 5.246, -16.079, -8.530, 0.489]
    np.testing.assert_allclose(J[0], expected, atol=0.0006)


# --------------------------------------------------------------- Nielsen, Neural Networks and Deep Learning, chapter 3


@pytest.mark.parametrize(
    "w, b, first, last, recomputed", [(0.6, 0.9, 0.82, 0.09, 0.09396), (2.0, 2.0, 0.98, 0.20, 0.20284)]
)
def test_nielsen_one_neuron(w, b, first, last, recomputed):
    net = Network.from_parameters([[[w]]], [b], "sigmoid")
    x, y = np.ones((1, 1)), np.zeros((1, 1))
    assert net(x).item() == pytest.approx(first, abs=0.005)
    train(net, x, y, epochs=300, eta=0.15)
    assert net(x).item() == pytest.approx(last, abs=0.005)
    assert net(x).item() == pytest.approx(recomputed, abs=1e-5)


# ----------------------------------------------------------------------------------------------- vanishing gradients


@pytest.mark.parametrize("L, ratio", [(2, 0.25), (5, 3e-3), (10, 2e-6), (20, 7e-13)])
def test_gradients_vanish_with_depth(L, ratio):
    """||delta^1|| / ||delta^L|| in sigmoid layers of width 30, weights of scale 1/sqrt(30) (recomputed)."""
    ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        net = Network([30] * (L + 1), init="xavier", rng=rng)
        back = Backpropagation(net)
        back.gradient(rng.normal(size=30), rng.random(30))
        ratios.append(np.linalg.norm(back.delta[1]) / np.linalg.norm(back.delta[L]))
    # Half an order of magnitude at most: the published table is of one draw of the weights.
    assert np.median(ratios) == pytest.approx(ratio, rel=0.5)


def test_the_slope_of_a_sigmoid_is_at_most_a_quarter():
    assert dsigmoid(0.0) == 0.25
    assert sigmoid(0.0) == 0.5
    assert LOSSES["squared error"].value([3.0], [1.0]) == 2.0
