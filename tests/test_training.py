"""Training: it learns, writes its history, can be stopped and gone on with."""

import numpy as np
import pytest

from course_lib import training
from course_lib.backprop import Backpropagation, loss_and_gradients
from course_lib.data import digits, moons, xor
from course_lib.network import Network
from course_lib.training import accuracy, train


def small():
    data = moons(50)
    return Network([2, 5, 1], "tanh", "sigmoid", rng=1), data


def test_the_digits_are_learnt():
    train_set, test_set = digits().split(rng=0)
    net = Network([64, 32, 10], "sigmoid", "softmax")
    history = train(
        net,
        train_set.x,
        train_set.y,
        epochs=15,
        eta=0.5,
        loss="categorical cross-entropy",
        watch={"train": train_set, "test": test_set},
    )
    assert history.loss[-1] < 0.2 * history.loss[0]
    assert history.accuracy["test"][-1] > 0.95
    assert history.accuracy["train"][-1] == accuracy(net, train_set.x, train_set.y)


def test_the_training_of_the_lesson_reads_97_of_100_digits_that_it_has_never_seen():
    shares = []
    for split in range(3):
        train_set, test_set = digits().split(rng=split)
        net = Network([64, 64, 10], "tanh", "softmax")
        train(net, *train_set[:2], epochs=30, eta=0.1, momentum=0.9, loss="categorical cross-entropy")
        shares.append(accuracy(net, *test_set[:2]))
    assert min(shares) >= 0.97


def test_a_turned_sign_does_not_learn():
    net, data = small()
    history = train(net, data.x, data.y, epochs=20, eta=-0.5, loss="binary cross-entropy")
    assert history.loss[-1] > history.loss[0]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_step_is_the_one_of_the_formula(momentum):
    net, data = small()
    other = net.copy()
    history = train(net, data.x, data.y, epochs=3, eta=0.3, momentum=momentum, batch=50, penalty=0.01)
    v, losses = np.zeros(other.P), []
    for _ in range(3):
        loss, dW, db = loss_and_gradients(other, data.x, data.y, penalty=0.01)
        v = momentum * v + other.vector(dW, db)
        other.theta -= 0.3 * v
        losses.append(loss)
    np.testing.assert_allclose(net.theta, other.theta, rtol=1e-12)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-12)
    expected = [np.linalg.norm(w) for w in dW[1:]]
    assert history.gradient_norms[-1][0] is None
    np.testing.assert_allclose(history.gradient_norms[-1][1:], expected, rtol=1e-10)


def test_every_example_is_used_once_in_an_epoch_and_the_loss_is_their_mean():
    net, data = small()
    theta = net.theta.copy()
    history = train(net, data.x, data.y, epochs=1, eta=0.0, batch=7)
    assert history.loss[0] == pytest.approx(loss_and_gradients(net, data.x, data.y)[0], rel=1e-12)
    np.testing.assert_array_equal(net.theta, theta)


def test_the_same_seed_gives_the_same_run_and_another_one_does_not():
    runs = []
    for rng in (0, 0, 1):
        net, data = small()
        train(net, data.x, data.y, epochs=2, batch=8, rng=rng)
        runs.append(net.theta)
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_run_in_two_parts_is_the_run_in_one(momentum):
    options = {"eta": 0.3, "momentum": momentum, "batch": 8, "watch": {"all": moons(50)}}
    net, data = small()
    whole = train(net, data.x, data.y, epochs=6, **options)
    other, _ = small()
    history = train(other, data.x, data.y, epochs=2, **options)
    history = train(other, data.x, data.y, epochs=4, history=history, **options)
    np.testing.assert_array_equal(other.theta, net.theta)
    assert history.loss == whole.loss
    assert history.accuracy == whole.accuracy
    assert history.gradient_norms == whole.gradient_norms


class Interrupted(Backpropagation):
    """Stops the run like Ctrl+C in the middle of the third epoch."""

    calls = 0

    def gradient(self, x, y):
        Interrupted.calls += 1
        if Interrupted.calls == 2 * 7 + 4:
            raise KeyboardInterrupt
        return super().gradient(x, y)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_backward_pass_of_ones_own_gives_the_same_run(momentum):
    options = {"epochs": 3, "eta": 0.3, "momentum": momentum, "batch": 8}
    net, data = small()
    own, _ = small()
    history = train(net, data.x, data.y, loss="binary cross-entropy", **options)
    mine = train(own, *data[:2], gradients=lambda *at: loss_and_gradients(*at, "binary cross-entropy"), **options)
    np.testing.assert_allclose(own.theta, net.theta, rtol=1e-12)
    np.testing.assert_allclose(mine.loss, history.loss, rtol=1e-12)
    np.testing.assert_allclose(mine.gradient_norms[-1][1:], history.gradient_norms[-1][1:], rtol=1e-10)


@pytest.mark.parametrize(
    "gradients, message",
    [
        (lambda net, x, y: loss_and_gradients(net, x, y)[1:], "the tuple loss, dW, db"),
        (lambda net, x, y: None, "the tuple loss, dW, db"),
        (lambda net, x, y: (0.0, [None, *(w.T for w in net.W[1:])], net.b), r"dW\[1\] must be of shape \(5, 2\)"),
        (lambda net, x, y: (0.0, net.W, [None, net.b[1], net.b[1]]), r"db\[2\] must be of shape \(1, 1\)"),
    ],
)
def test_a_backward_pass_that_gives_something_else_is_refused(gradients, message):
    net, data = small()
    with pytest.raises(ValueError, match=message):
        train(net, data.x, data.y, epochs=1, gradients=gradients)


def test_an_interrupt_loses_nothing(monkeypatch):
    net, data = small()
    options = {"eta": 0.3, "batch": 8, "watch": {"all": data}}
    Interrupted.calls = 0
    monkeypatch.setattr(training, "Backpropagation", Interrupted)
    history = train(net, data.x, data.y, epochs=6, **options)
    monkeypatch.undo()
    assert history.interrupted
    assert len(history.loss) == len(history.accuracy["all"]) == len(history.gradient_norms) == 2
    assert str(history).endswith("(interrupted)")

    whole, _ = small()
    train(whole, data.x, data.y, epochs=2, **options)
    assert not np.array_equal(net.theta, whole.theta), "three steps of the third epoch were done"

    history = train(net, data.x, data.y, epochs=1, history=history, **options)
    assert not history.interrupted
    assert len(history.loss) == 3


def test_progress_is_one_line_and_off_unless_asked_for(capsys):
    net, data = small()
    train(net, data.x, data.y, epochs=3)
    assert capsys.readouterr().out == ""
    history = train(net, data.x, data.y, epochs=3, progress=True)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.count("\r") == 4
    assert out.endswith(f"\r{history}\n")
    assert str(history).startswith("epoch 3: loss 0.")


def test_a_history_without_an_epoch_says_so():
    net, _ = small()
    assert str(training.History(np.zeros(net.P), np.random.default_rng(0))) == "no epoch yet"


def test_float32_is_trained_in_float32():
    net = Network([2, 5, 1], dtype=np.float32)
    data = moons(50)
    train(net, data.x, data.y, epochs=1, momentum=0.5)
    assert net.theta.dtype == np.float32


def test_the_examples_are_left_as_they_were():
    net, data = small()
    before = data.x.copy(), data.y.copy()
    train(net, data.x, data.y, epochs=1, batch=8)
    np.testing.assert_array_equal(data.x, before[0])
    np.testing.assert_array_equal(data.y, before[1])


def test_accuracy_counts_the_right_ones():
    identity = Network.from_parameters([np.eye(3)], [np.zeros(3)], "identity")
    assert accuracy(identity, np.eye(3), np.eye(3)[:, [0, 2, 2]]) == pytest.approx(2 / 3)
    x, y, _ = xor()
    assert accuracy(Network.from_parameters([[[1.0, 1.0]]], [0.0], "identity"), x, y) == 0.75


@pytest.mark.parametrize(
    "options, message",
    [
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"loss": "hinge"}, "loss must be one of"),
    ],
)
def test_numbers_that_fit_nothing_are_refused(options, message):
    net, data = small()
    with pytest.raises(ValueError, match=message):
        train(net, data.x, data.y, **options)


def test_data_and_history_of_something_else_are_refused():
    net, data = small()
    with pytest.raises(ValueError, match="one column per example, got 50 and 4"):
        train(net, data.x, data.y[:, :4])
    history = train(net, data.x, data.y, epochs=1)
    with pytest.raises(ValueError, match="history is of a network of 21 parameters, this one has 13"):
        train(Network([2, 3, 1]), data.x, data.y, history=history)
