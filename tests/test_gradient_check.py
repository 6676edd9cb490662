"""The gradient check: passes what is right, refuses what is wrong, by the fingerprints of known mistakes."""

import numpy as np
import pytest

from course_lib.activations import dsigmoid, sigmoid
from course_lib.backprop import loss_and_gradients
from course_lib.gradient_check import check_gradient
from course_lib.network import Network


@pytest.fixture
def bench():
    """The network 2-3-3-2 on which the fingerprints of the known mistakes were taken, and its four examples."""
    rng = np.random.default_rng(7)
    W = [rng.normal(size=shape) for shape in ((3, 2), (3, 3), (2, 3))]
    b = [0.1 * rng.normal(size=n) for n in (3, 3, 2)]
    x = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]) + 0.1 * np.sin(np.arange(8)).reshape(2, 4)
    y = np.array([[0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0]])
    return Network.from_parameters(W, b), x, y


def right(net, x, y, **wrong):
    """Back-propagation written out for sigmoid and squared error, with places where a mistake can be put in."""
    W, L, N = net.W, net.L, x.shape[1]
    z, a = net.forward(x)
    slope = wrong.get("slope", lambda z, a, l: dsigmoid(z[l]))
    back = wrong.get("back", lambda W, dW, l: W[l].T)
    mean = wrong.get("mean", lambda l: 1 / N if l == L else 1)
    delta, dW, db = [None] * (L + 1), [None] * (L + 1), [None] * (L + 1)
    for l in range(L, 0, -1):
        g = a[L] - y if l == L else back(W, dW, l + 1) @ delta[l + 1]
        delta[l] = mean(l) * g * slope(z, a, l)
        dW[l] = delta[l] @ wrong.get("input", lambda z, a, l: a[l - 1])(z, a, l).T
        db[l] = delta[l].sum(axis=1, keepdims=True)
    return dW, db


# Mistake -> (the places it changes, the ratios of W1, W2, W3 that the catalogue of misconceptions gives).
FINGERPRINTS = {
    "sigma' forgotten in hidden layers": (
        {"slope": lambda z, a, l: dsigmoid(z[l]) if l == 3 else 1.0},
        (16.6, 4.1, 1),
    ),
    "sigma' forgotten at the output": (
        {"slope": lambda z, a, l: dsigmoid(z[l]) if l < 3 else 1.0},
        (8.7, 11.6, 10.5),
    ),
    "sigma' taken at a": ({"slope": lambda z, a, l: dsigmoid(a[l])}, (2.9, 2.9, 2.6)),
    "sigma' applied twice in hidden layers": (
        {"slope": lambda z, a, l: dsigmoid(z[l]) ** (2 if l < 3 else 1)},
        (0.068, 0.24, 1),
    ),
    "gradient in place of W": ({"back": lambda W, dW, l: dW[l].T}, (7e-6, 0.013, 1)),
    "sum in place of the mean": ({"mean": lambda l: 1}, (4, 4, 4)),
    "1/N in every layer": ({"mean": lambda l: 1 / 4}, (1 / 16, 1 / 4, 1)),
}


def test_the_librarys_own_gradient_is_right(bench):
    report = check_gradient(*bench)
    assert report.ok
    assert report.direction_error < 1e-6
    assert max(error.max() for error in report.relative_error.values()) < 1e-7
    assert [part.name for part in report.parts] == ["W[1]", "b[1]", "W[2]", "b[2]", "W[3]", "b[3]"]
    assert "the gradient is right" in str(report)


def test_a_gradient_written_out_by_hand_is_right(bench):
    assert check_gradient(*bench, gradients=right).ok


@pytest.mark.parametrize("mistake", FINGERPRINTS)
def test_known_mistakes_are_refused_with_their_fingerprints(bench, mistake):
    places, ratios = FINGERPRINTS[mistake]
    report = check_gradient(*bench, gradients=lambda net, x, y: right(net, x, y, **places))
    assert not report.ok
    found = [part.ratio for part in report.parts if part.name.startswith("W")]
    assert found == pytest.approx(ratios, rel=0.07)
    assert "the gradient is WRONG" in str(report)


@pytest.mark.parametrize(
    "places, wrong",
    [
        ({"back": lambda W, dW, l: W[l] if l == 2 else W[l].T}, ["W[1]", "b[1]"]),
        ({"input": lambda z, a, l: a[l] if l == 2 else a[l - 1]}, ["W[2]"]),
        ({"input": lambda z, a, l: z[l - 1] if l > 1 else a[0]}, ["W[2]", "W[3]"]),
    ],
    ids=["W without its transpose", "a of the wrong layer", "z in place of a"],
)
def test_the_arrays_that_are_wrong_are_named(bench, places, wrong):
    report = check_gradient(*bench, gradients=lambda net, x, y: right(net, x, y, **places))
    assert [part.name for part in report.parts if part.error > report.tolerance] == wrong


def test_a_turned_sign_is_named(bench):
    report = check_gradient(*bench, gradients=lambda *case: [[None, *(-g for g in gs[1:])] for gs in right(*case)])
    assert all(part.cosine == pytest.approx(-1) for part in report.parts)
    assert "its negative: is the sign turned?" in str(report)


def test_a_loss_that_does_not_belong_to_the_gradient_is_noted(bench):
    net, x, y = bench
    loss, dW, db = loss_and_gradients(net, x, y)
    report = check_gradient(net, x, y, gradients=(2 * loss, dW, db))
    assert report.ok
    assert f"the loss comes out as {2 * loss:.6g}, it should be {loss:.6g}" in str(report)


@pytest.mark.parametrize("entry", [("W", 1, (2, 0)), ("b", 2, (0, 0)), ("W", 3, (1, 2))])
def test_one_entry_off_by_a_thousandth_is_found(bench, entry):
    net, x, y = bench
    _, dW, db = loss_and_gradients(net, x, y)
    name, l, i = entry
    (dW if name == "W" else db)[l][i] *= 1.001
    report = check_gradient(net, x, y, gradients=(dW, db))
    assert not report.ok
    assert f"{name}[{l}][{i[0]}, {i[1]}]:" in str(report)


def test_the_check_itself_refuses_a_factor_of_2001_thousandths():
    """A checker that passes everything passes its own tests too: this one must tell 2 from 2.001."""

    def square(theta):
        return theta @ theta

    theta = np.random.default_rng(0).normal(size=5)
    assert check_gradient(square, theta, gradients=lambda theta: 2 * theta).ok
    assert not check_gradient(square, theta, gradients=lambda theta: 2.001 * theta).ok


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0])
def test_what_is_no_slope_is_refused(wrong):
    assert not check_gradient(lambda theta: 3 * theta[0], [1.0], gradients=[wrong]).ok


def test_directions_see_parameters_that_were_not_sampled(bench):
    net, x, y = bench
    _, dW, db = loss_and_gradients(net, x, y)
    dW[2][1, 1] += 1
    report = check_gradient(net, x, y, gradients=(dW, db), samples=1)
    assert sum(np.isfinite(part.differences).sum() for part in report.parts) == 6
    assert report.direction_error > 1e-3
    assert not report.ok


def relu_at(z):
    """One ReLU neuron whose z is this, with the loss 1/2 (a + 1)^2."""
    return Network.from_parameters([[[1.0]]], [z], "relu"), np.zeros((1, 1)), np.full((1, 1), -1.0)


@pytest.mark.parametrize("z", [0.0, 1e-6, -1e-6, -9e-6])
def test_a_crossed_kink_is_reported_and_not_taken_for_a_mistake(z):
    report = check_gradient(*relu_at(z))
    assert report.ok
    assert report.kinks == ["b[1][0, 0]"]
    assert "kink crossed at b[1][0, 0]" in str(report)
    assert "right, where it can be judged" in str(report)


@pytest.mark.parametrize("z", [1e-4, -1e-4])
def test_away_from_the_kink_there_is_none_to_report(z):
    report = check_gradient(*relu_at(z))
    assert report.ok
    assert report.kinks == []


@pytest.mark.parametrize("factor", [1.001, 2, -1])
def test_a_mistake_away_from_the_kink_is_no_kink(factor):
    net, x, y = relu_at(0.5)
    _, dW, db = loss_and_gradients(net, x, y)
    report = check_gradient(net, x, y, gradients=(dW, [None, factor * db[1]]))
    assert not report.ok
    assert report.kinks == []


def test_a_small_mistake_where_f_is_curved_is_no_kink():
    report = check_gradient(lambda theta: theta[0] ** 2, [1.0], gradients=[2.000004])
    assert not report.ok
    assert report.kinks == []


def test_kinks_do_not_hide_a_mistake_elsewhere():
    net = Network.from_parameters([[[1.0], [1.0]]], [[0.0, 0.5]], "relu")
    x, y = np.zeros((1, 1)), np.full((2, 1), -1.0)
    _, dW, db = loss_and_gradients(net, x, y)
    db[1][1] *= 2
    report = check_gradient(net, x, y, gradients=(dW, db))
    assert report.kinks == ["b[1][0, 0]"]
    assert not report.ok
    assert "b[1][1, 0]: 3, central differences give 1.5 - twice it: is a factor wrong?" in str(report)


def test_whole_numbers_are_checked_as_floats_and_noted():
    report = check_gradient(lambda theta: theta[0] ** 2, np.array([3]), gradients=[6.0])
    assert report.ok
    assert report.parts[0].differences[0] == pytest.approx(6)
    assert "theta came as int64 and was checked as float64" in str(report)


def test_a_float32_network_is_checked_in_float64(bench):
    net, x, y = bench
    single = Network.from_parameters(*([p.astype(np.float32) for p in v[1:]] for v in (net.W, net.b)))
    report = check_gradient(single, x, y)
    assert report.ok
    assert max(error.max() for error in report.relative_error.values()) < 1e-6
    assert "checked as float64" in str(report)


def test_a_gradient_that_is_a_view_of_what_is_perturbed_is_copied():
    theta = np.array([1.0, 2.0])
    assert check_gradient(lambda v: 0.5 * v @ v, theta, gradients=lambda v: v).ok


def test_the_network_is_left_as_it_was(bench):
    before = bench[0].theta.copy()
    check_gradient(*bench)
    np.testing.assert_array_equal(bench[0].theta, before)


def test_zero_weights_are_warned_of():
    report = check_gradient(Network([2, 3, 1], init="zeros"), np.ones(2), np.ones(1))
    assert "all weights are 0" in str(report)


@pytest.mark.parametrize("penalty", [0.0, 0.5])
@pytest.mark.parametrize(
    "output, loss", [("sigmoid", "binary cross-entropy"), ("softmax", "categorical cross-entropy")]
)
def test_losses_and_penalties_are_checked_too(output, loss, penalty):
    net = Network([3, 4, 2], "tanh", output, rng=2)
    x = np.random.default_rng(0).normal(size=(3, 5))
    assert check_gradient(net, x, np.eye(2)[:, [0, 1, 1, 0, 1]], loss=loss, penalty=penalty).ok


def test_a_penalty_that_was_forgotten_is_found(bench):
    net, x, y = bench
    assert not check_gradient(net, x, y, gradients=right, penalty=1e-3).ok


def test_the_report_is_one_that_a_person_can_read(bench):
    def forgot_slope(net, x, y):
        return right(net, x, y, slope=lambda z, a, l: dsigmoid(z[l]) if l == 3 else 1.0)

    lines = str(check_gradient(*bench, gradients=forgot_slope)).splitlines()
    assert lines[0] == "Network 2-3-3-2, sigmoid, P = 29, float64: the gradient is WRONG"
    assert lines[1].split() == ["relative", "error", "ratio", "cosine"]
    assert lines[2].split()[0] == "W[1]"
    assert lines[2].split()[2] == "16.6"
    assert lines[2].endswith("wrong")
    assert lines[6].split()[1:] == ["<", "1e-07", "1", "1"]
    assert lines[-1].strip() == "b[2][2, 0]: 0.0701304, central differences give 0.0163443"


@pytest.mark.parametrize(
    "gradients, message",
    [
        (
            lambda dW, db: ([None, dW[1].T, *dW[2:]], db),
            r"dW\[1\] must have the shape of W\[1\], \(3, 2\), got \(2, 3\)",
        ),
        (lambda dW, db: (dW, [None, *(v.ravel() for v in db[1:])]), r"db\[1\] must have the shape of b\[1\]"),
        (lambda dW, db: (dW[:-1], db), "dW must have an array for each of the 3 layers, got 2"),
    ],
)
def test_gradients_of_another_shape_are_refused(bench, gradients, message):
    net, x, y = bench
    with pytest.raises(ValueError, match=message):
        check_gradient(net, x, y, gradients=gradients(*loss_and_gradients(net, x, y)[1:]))


def test_a_gradient_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"must have the shape of theta, \(2,\), got \(3,\)"):
        check_gradient(lambda theta: sigmoid(theta).sum(), [1.0, 2.0], gradients=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"theta must be a vector"):
        check_gradient(lambda theta: theta.sum(), np.ones((2, 2)), gradients=np.ones((2, 2)))
