"""The explorables of chapter 10: a deep network's error terms, and a training run that one can watch."""

import asyncio
import json

import numpy as np
import pytest
import traitlets

from course_lib.backprop import Backpropagation, loss_and_gradients
from course_lib.data import moons, spiral
from course_lib.explorables import DepthExplorer, TrainingWatch
from course_lib.network import Network
from course_lib.training import train

# ------------------------------------------------------------------ depth explorer


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_the_error_term_is_carried_down_by_the_jacobians_and_stays_between_their_singular_values(activation, scale):
    explorer = DepthExplorer(8, activation, scale, seed=3)
    back = Backpropagation(explorer.net)
    back.gradient(explorer.x, explorer.y)
    way = np.eye(16)
    for l in range(8, 0, -1):
        if l < 8:
            way = way @ explorer.jacobians[l]
        np.testing.assert_allclose(way.T @ back.delta[8], back.delta[l], rtol=1e-9, atol=1e-30)
        share = explorer.delta_norms[l] / explorer.delta_norms[8]
        assert explorer.smallest[l] * (1 - 1e-9) <= share <= explorer.largest[l] * (1 + 1e-9)


def test_the_smallest_singular_value_is_right_far_below_what_rounding_leaves_of_the_product():
    explorer = DepthExplorer(30, "sigmoid")
    log_of_determinant = sum(np.linalg.slogdet(F)[1] for F in explorer.jacobians[1:])
    product = np.eye(16)
    for F in explorer.jacobians[:0:-1]:
        product = product @ F
    naive = np.linalg.svd(product, compute_uv=False)
    # all 16 multiply to the determinant: the smallest lies below their geometric mean, far below 1e-16 of the largest
    assert explorer.smallest[1] < np.exp(log_of_determinant / 16) < explorer.largest[1]
    assert explorer.smallest[1] < 1e-20 * explorer.largest[1] < naive[-1]
    shallow = DepthExplorer(3, "sigmoid")
    exact = np.linalg.svd(shallow.jacobians[2] @ shallow.jacobians[1], compute_uv=False)
    assert [shallow.largest[1], shallow.smallest[1]] == pytest.approx([exact[0], exact[-1]], rel=1e-9)


def test_a_neuron_that_is_off_makes_the_smallest_singular_value_zero_from_there_down():
    explorer = DepthExplorer(6, "relu")
    assert explorer.smallest[1:] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("scale, init", [(1.0, "xavier"), (np.sqrt(2), "he"), (4.0, "normal")])
def test_the_named_scales_are_those_of_the_initialisations(scale, init):
    mine = np.std(DepthExplorer(30, scale=scale).net.W[1:])
    theirs = np.std(Network([16] * 31, init=init).W[1:])
    assert mine == pytest.approx(theirs, rel=0.03)


def test_sigmoids_make_it_vanish_and_a_large_scale_of_relu_makes_it_explode():
    assert DepthExplorer(20, "sigmoid").factor < 0.25
    assert DepthExplorer(20, "relu", 4.0).factor > 2
    assert 0.75 < DepthExplorer(20, "tanh", 1.0).factor < 1.1
    assert DepthExplorer(20, "relu", np.sqrt(2)).factor > 1.3 * DepthExplorer(20, "relu", 1.0).factor


def test_one_seed_is_one_network_and_another_seed_another():
    assert DepthExplorer(5).delta_norms == DepthExplorer(5).delta_norms
    explorer = DepthExplorer(5)
    before = explorer.delta_norms
    explorer.seed = 1
    assert explorer.delta_norms != before
    explorer.seed = 0
    assert explorer.delta_norms == before


def test_more_layers_keep_the_weights_of_the_lower_ones():
    few, many = DepthExplorer(3).net, DepthExplorer(9).net
    np.testing.assert_array_equal(many.W[3], few.W[3])


@pytest.mark.parametrize(
    "change", [{"depth": 31}, {"depth": 1}, {"scale": 6.0}, {"scale": 0.0}, {"activation": "step"}]
)
def test_a_depth_a_scale_or_an_activation_that_the_page_does_not_have_is_refused(change):
    with pytest.raises((traitlets.TraitError, ValueError)):
        DepthExplorer(**change)


# ------------------------------------------------------------------ training watch


def until_done(watch):
    """Start a run, and do something else in the same loop until it has ended; returns how often that had its turn."""

    async def cells():
        turns = 0
        watch.start()
        while watch.running:
            turns += 1
            await asyncio.sleep(0)
        await watch._task
        return turns

    return asyncio.run(cells())


class Slope:
    """Something that is no Network: y = w x."""

    w = np.zeros((1, 1))

    def __call__(self, x):
        return self.w @ x


def step_of_slope(net, x, y, eta):
    a = net(x)
    dw = (a - y) @ x.T / x.shape[1]
    net.w = net.w - eta * dw
    return 0.5 * float(np.mean((a - y) ** 2)), [None, dw], [None, np.zeros((1, 1))]


def test_a_watched_run_is_the_run_of_train():
    x, y, _ = moons(60)
    mine, theirs = Network([2, 5, 1], rng=4), Network([2, 5, 1], rng=4)
    watch = TrainingWatch(mine, x, y, eta=0.7, batch=16, rng=3)
    watch.run(2)
    watch.run(3)
    history = train(theirs, x, y, epochs=5, eta=0.7, batch=16, rng=3)
    assert watch.history.loss == history.loss
    assert watch.history.gradient_norms == history.gradient_norms
    np.testing.assert_array_equal(mine.theta, theirs.theta)


def test_a_run_in_the_background_leaves_turns_to_others_and_is_the_same_run():
    at_once, watched = (TrainingWatch("moons", hidden=(4,), epochs=20, pace=0) for _ in range(2))
    at_once.run()
    turns = until_done(watched)
    assert turns >= 20
    assert not watched.running
    assert watched.history.loss == at_once.history.loss
    assert str(watched) == str(at_once)
    until_done(watched)
    assert len(watched.history.loss) == 40


def test_stopped_and_started_again_there_is_one_run_that_goes_on():
    watch = TrainingWatch("moons", hidden=(4,), epochs=15, pace=0)

    async def cells():
        watch.start()
        while len(watch.history.loss) < 5:
            await asyncio.sleep(0)
        watch.stop()
        watch.start()  # before the first task had a turn to end
        while watch.running:
            await asyncio.sleep(0)

    asyncio.run(cells())
    assert len(watch.history.loss) == 20
    once = TrainingWatch("moons", hidden=(4,))
    assert once.run(20).loss == watch.history.loss


@pytest.mark.parametrize("stop_at", range(1, 8))
def test_a_run_stopped_within_an_epoch_has_a_history_of_whole_epochs(stop_at, monkeypatch):
    monkeypatch.setattr("course_lib.explorables.training_watch.SEEN", 0.0)  # a turn for the others after every step
    x = np.linspace(-1, 1, 12)[None, :]
    calls = []

    def step(net, x, y, eta):
        calls.append(len(calls))
        return step_of_slope(net, x, y, eta)

    watch = TrainingWatch(Slope(), x, 3 * x, step=step, batch=4, pace=0)

    async def cells():
        watch.start()
        while len(calls) < stop_at:
            await asyncio.sleep(0)
        watch.stop()
        await watch._task

    asyncio.run(cells())
    epochs = len(calls) // 3
    assert len(watch.history.loss) == len(watch.history.accuracy.get("train", [])) == epochs
    assert len(watch.history.gradient_norms) == epochs
    assert watch.run(2).accuracy["train"][epochs:]


def test_a_new_learning_rate_and_batch_hold_from_the_next_epoch_on():
    x, y, _ = moons(60)
    mine, theirs = Network([2, 5, 1], rng=4), Network([2, 5, 1], rng=4)
    watch = TrainingWatch(mine, x, y, eta=0.7)
    watch.run(2)
    watch.eta, watch.batch = 0.2, 10
    watch.run(2)
    history = train(theirs, x, y, epochs=2, eta=0.7)
    train(theirs, x, y, epochs=2, eta=0.2, batch=10, history=history)
    np.testing.assert_array_equal(mine.theta, theirs.theta)
    assert watch.history.loss == history.loss


@pytest.mark.parametrize("change", [{"activation": "tanh"}, {"scale": 0.5}])
def test_another_activation_or_scale_starts_over_and_keeps_the_curve_of_the_run_before(change):
    watch = TrainingWatch("moons", hidden=(4,))
    first = watch.net.theta.copy()
    watch.run(3)
    before = watch._shown["loss"]
    (name, value), *_ = change.items()
    setattr(watch, name, value)
    assert watch.history.loss == []
    assert watch._shown["before"]["loss"] == before
    assert watch.net.activations[1].name == watch.activation
    np.testing.assert_allclose(watch.net.W[1], watch.scale * first[:8].reshape(4, 2))


def test_starting_over_gives_a_network_of_yours_its_first_weights_and_the_same_run_again():
    x, y, _ = moons(40)
    net = Network([2, 3, 1], rng=2)
    first = net.theta.copy()
    watch = TrainingWatch(net, x, y)
    losses = watch.run(4).loss
    watch.reset()
    assert watch.net is net
    np.testing.assert_array_equal(net.theta, first)
    assert watch.run(4).loss == losses


def test_a_backward_pass_of_yours_is_the_one_that_trains():
    x, y, _ = moons(40)
    nets = [Network([2, 3, 1], rng=2) for _ in range(3)]

    def uphill(net, x, y):
        loss, dW, db = loss_and_gradients(net, x, y)
        return loss, [None, *(-w for w in dW[1:])], [None, *(-v for v in db[1:])]

    passes = (None, loss_and_gradients, uphill)
    runs = [TrainingWatch(net, x, y, gradients=g) for net, g in zip(nets, passes, strict=True)]
    losses = [watch.run(5).loss for watch in runs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    assert losses[2][-1] > losses[2][0] > losses[0][-1]


def test_anything_with_a_step_can_be_watched():
    x = np.linspace(-1, 1, 20)[None, :]
    watch = TrainingWatch(Slope(), x, 3 * x, test=(x, 3 * x), step=step_of_slope, eta=0.5, batch=4, epochs=30, pace=0)
    until_done(watch)
    assert watch.net.w[0, 0] == pytest.approx(3, abs=1e-3)
    assert watch.history.accuracy["test"][-1] == 1
    assert len(watch.history.gradient_norms[0]) == 2
    assert "Slope" in str(watch)


def test_an_error_in_a_step_of_yours_ends_the_run_and_is_shown():
    def step(net, x, y, eta):
        raise ArithmeticError("no step today")

    watch = TrainingWatch(Slope(), [[1.0]], [[1.0]], step=step)
    until_done(watch)
    assert watch._shown["error"] == "ArithmeticError: no step today"
    with pytest.raises(ArithmeticError):
        watch.run(1)
    watch._asked = ["epoch", 1]
    assert watch._shown["error"] == "ArithmeticError: no step today"


def test_a_loss_that_is_no_number_ends_the_run_and_travels_as_json():
    x, y = np.ones((1, 4)), np.zeros((1, 4))
    watch = TrainingWatch(Network([1, 1, 1], "identity"), x, y, eta=100.0)
    watch.run(10_000)
    assert 2 < len(watch.history.loss) < 1000
    json.dumps(watch._shown, allow_nan=False)
    assert "loss no number" in str(watch)


def test_the_buttons_of_the_page_are_methods():
    watch = TrainingWatch("moons", hidden=(4,))
    watch._asked = ["epoch", 1]
    watch._asked = ["epoch", 2]
    assert len(watch.history.loss) == 2
    watch._asked = ["reset", 3]
    assert watch.history.loss == []


def test_closing_stops_the_run():
    watch = TrainingWatch("moons", hidden=(4,), epochs=10_000, pace=0)

    async def cells():
        watch.start()
        while len(watch.history.loss) < 3:
            await asyncio.sleep(0)
        watch.close()
        await watch._task

    asyncio.run(cells())
    assert len(watch.history.loss) < 10


def test_without_an_event_loop_start_points_to_run():
    with pytest.raises(RuntimeError, match=r"use run\(epochs\)"):
        TrainingWatch("moons").start()


def test_a_long_run_is_thinned_out_and_keeps_its_end():
    x = np.linspace(-1, 1, 5)[None, :]
    watch = TrainingWatch(Slope(), x, 3 * x, step=step_of_slope, eta=0.01)
    watch.run(1000)
    assert len(watch._shown["at"]) == len(watch._shown["loss"]) == 200
    assert [watch._shown["at"][0], watch._shown["at"][-1]] == [1, 1000]
    assert watch._shown["loss"][-1] == pytest.approx(watch.history.loss[-1], rel=1e-4)


def test_what_is_shown_of_the_answers_is_what_the_network_answers():
    watch = TrainingWatch("digits", hidden=(16,))
    watch.run(5)
    assert watch._shown["answers"] == watch.net(watch.test_set.x[:, :16]).argmax(axis=0).tolist()
    assert watch._given["examples"]["labels"] == watch.test_set.labels[:16].tolist()
    plane = TrainingWatch(Network([2, 5, 3], output="softmax"), *spiral(90)[:2], loss="categorical cross-entropy")
    u0, u1, v0, v1 = plane._given["examples"]["window"]
    corners = np.array([[u0, u1, u0, u1], [v1, v1, v0, v0]])
    answers = np.reshape(plane._shown["answers"], (48, 48))[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert answers.tolist() == plane.net(corners).argmax(axis=0).tolist()


@pytest.mark.parametrize(
    "arguments, named, message",
    [
        (("digit",), {}, "'digits', 'moons'"),
        ((Network([2, 1]),), {}, "needs its examples"),
        ((Slope(), [[1.0]], [[1.0]]), {}, "needs step="),
        ((Network([2, 1]), np.ones((2, 3)), np.ones((1, 4))), {}, "one column per example"),
        (("moons",), {"activation": "softplus"}, "'sigmoid', 'tanh', 'relu'"),
    ],
)
def test_what_cannot_be_trained_is_refused(arguments, named, message):
    with pytest.raises(ValueError, match=message):
        TrainingWatch(*arguments, **named)
