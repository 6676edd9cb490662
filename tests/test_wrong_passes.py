"""The wrong backward passes: their published fingerprints, how far they train, and that a check refuses every one."""

import numpy as np
import pytest

from course_lib.backprop import loss_and_gradients
from course_lib.gradient_check import check_gradient
from course_lib.network import Network
from course_lib.wrong_passes import RIGHT, WRONG_PASSES, bench, trains_to

# ||wrong|| / ||right|| of W^1, W^2, W^3 on the bench, as the catalogue of misconceptions prints them
RATIOS = {
    "no-slope-hidden": (16.6, 4.1, 1),
    "no-slope-output": (8.7, 11.6, 10.5),
    "slope-at-a": (2.9, 2.9, 2.6),
    "slope-twice": (0.068, 0.24, 1),
    "w-inverted": (11.5, 1, 1),
    "gradient-for-weight": (7e-6, 0.013, 1),
    "signal-for-error-term": (1, 4.1, 1),
    "sum-for-mean": (4, 4, 4),
    "mean-in-every-layer": (1 / 16, 1 / 4, 1),
    "factor-two": (2, 2, 2),
}
# loss after 4000 full-batch steps with eta = 2, where it does not hang on the rounding
TRAINS_TO = {
    "no-slope-output": 0.0,
    "w-not-transposed": 0.0003,
    "gradient-for-weight": 0.25,
    "sign": 0.4999,
}
STALLS = ("no-slope-hidden", "slope-at-a")  # for ever up and down, never below 0.1
BY_ROUNDING = "a-of-same-layer"
COSINES = {"slope-of-neighbour": 0.999, "a-of-same-layer": 0.998, "z-for-a": 0.53, "sign": -1.0}


def theta_gradient(net, wrong, x, y, **named):
    return net.vector(*wrong(net, x, y, **named))


@pytest.fixture(scope="module")
def losses():
    return {wrong.name: trains_to(wrong) for wrong in (RIGHT, *WRONG_PASSES.values())}


def test_the_right_pass_passes_the_check_and_is_that_of_the_library():
    net, x, y = bench()
    assert check_gradient(net, x, y, gradients=RIGHT).ok
    _, dW, db = loss_and_gradients(net, x, y)
    np.testing.assert_allclose(theta_gradient(net, RIGHT, x, y), net.vector(dW, db), rtol=1e-12)


@pytest.mark.parametrize("wrong", WRONG_PASSES.values(), ids=WRONG_PASSES)
def test_the_check_refuses_every_wrong_pass(wrong):
    net, x, y = bench()
    report = check_gradient(net, x, y, gradients=wrong)
    assert not report.ok
    assert max(part.error for part in report.parts) > 0.1


@pytest.mark.parametrize("name", RATIOS)
def test_the_ratios_are_those_of_the_catalogue(name):
    net, x, y = bench()
    (wrong, _), (right, _) = WRONG_PASSES[name](net, x, y), RIGHT(net, x, y)
    for w, r, published in zip(wrong[1:], right[1:], RATIOS[name], strict=True):
        digits = len(f"{published:g}".replace("0.", "").replace(".", "").lstrip("0")) if published >= 1e-3 else 1
        assert np.linalg.norm(w) / np.linalg.norm(r) == pytest.approx(published, rel=0.6 * 10 ** (1 - digits))


@pytest.mark.parametrize("name", COSINES)
def test_the_cosines_are_those_of_the_catalogue(name):
    net, x, y = bench()
    g, r = (theta_gradient(net, wrong, x, y) for wrong in (WRONG_PASSES[name], RIGHT))
    assert g @ r / np.linalg.norm(g) / np.linalg.norm(r) == pytest.approx(COSINES[name], abs=0.005)


def test_a_bias_gradient_is_wrong_by_a_factor_of_n_or_in_all_entries_alike():
    net, x, y = bench()
    right, mean = RIGHT(net, x, y), WRONG_PASSES["bias-mean"](net, x, y)
    for l in (1, 2, 3):
        np.testing.assert_array_equal(mean[0][l], right[0][l])
        np.testing.assert_allclose(4 * mean[1][l], right[1][l])
        assert np.ptp(WRONG_PASSES["bias-one-scalar"](net, x, y)[1][l]) == 0


def test_an_update_too_early_is_wrong_in_proportion_to_the_step_and_right_without_one():
    net, x, y = bench()
    right, early = theta_gradient(net, RIGHT, x, y), WRONG_PASSES["updated-first"]
    errors = [np.linalg.norm(theta_gradient(net, early, x, y, eta=eta) - right) for eta in (0, 1e-3, 2e-3)]
    assert errors[0] == 0
    assert errors[2] / errors[1] == pytest.approx(2, rel=0.01)


def test_transposes_and_neighbours_raise_nothing_and_are_right_where_they_would_not_fit():
    net = Network([2, 5, 3, 4], rng=3)
    x, y = np.ones((2, 6)), np.zeros((4, 6))
    right = theta_gradient(net, RIGHT, x, y)
    for name in ("w-not-transposed", "w-inverted", "gradient-transposed", "slope-of-neighbour", "a-of-same-layer"):
        np.testing.assert_array_equal(theta_gradient(net, WRONG_PASSES[name], x, y), right)
    assert not np.allclose(theta_gradient(net, WRONG_PASSES["z-for-a"], x, y), right)


def test_fifteen_of_twenty_one_train_all_the_same(losses):
    assert len(WRONG_PASSES) == 21
    trained = [name for name in WRONG_PASSES if losses[name][-1] < 0.01 and name != BY_ROUNDING]
    assert len(trained) == 15
    assert set(WRONG_PASSES) - set(trained) == {
        "no-slope-hidden", "slope-at-a", "a-formula-on-z", "gradient-for-weight", BY_ROUNDING, "sign",
    }  # fmt: skip


def test_rounding_alone_decides_whether_one_of_them_trains():
    ends = []
    for seed in range(12):
        net, x, y = bench()
        net.theta *= 1 + 1e-15 * np.random.default_rng(seed).normal(size=net.P)
        ends.append(trains_to(WRONG_PASSES[BY_ROUNDING], net=net, x=x, y=y)[-1])
    assert min(ends) < 0.01 < 0.1 < max(ends)


def test_the_losses_are_those_of_the_catalogue(losses):
    assert losses["right"][0] == pytest.approx(0.344, abs=5e-4)
    assert losses["right"][-1] == pytest.approx(0.0002, abs=5e-5)
    assert np.isnan(losses["a-formula-on-z"][-1])
    for name, published in TRAINS_TO.items():
        assert losses[name][-1] == pytest.approx(published, abs=0.005 if published > 0.01 else 5e-5), name
    assert [name for name in STALLS if losses[name][-500:].min() < 0.1] == []


def test_a_wrong_pass_may_end_lower_than_the_right_one(losses):
    assert losses["no-slope-output"][-1] < losses["factor-two"][-1] < losses["right"][-1]


def test_training_leaves_the_network_as_it_was_and_starts_from_its_loss():
    net, x, y = bench()
    before = net.theta.copy()
    losses = trains_to(RIGHT, steps=3, eta=0.5, net=net, x=x, y=y)
    np.testing.assert_array_equal(net.theta, before)
    assert losses.shape == (4,)
    assert losses[0] == pytest.approx(0.5 * np.sum((net(x) - y) ** 2) / 4)
    net.theta -= 0.5 * theta_gradient(net, RIGHT, x, y)
    assert losses[1] == pytest.approx(0.5 * np.sum((net(x) - y) ** 2) / 4)


def test_other_activations_are_refused():
    net = Network([2, 3, 2], "tanh")
    with pytest.raises(ValueError, match="sigmoids in all layers, got tanh"):
        RIGHT(net, np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="sigmoids"):
        trains_to(RIGHT, net=net, x=np.ones(2), y=np.ones(2))


def test_names_and_rows_are_unique_and_every_pass_says_what_is_wrong_and_asks():
    rows = [wrong.row for wrong in WRONG_PASSES.values()]
    assert rows == sorted(set(rows))
    assert not {3, 14, 21, 23, 26} & set(rows)
    assert [wrong.name for wrong in WRONG_PASSES.values()] == list(WRONG_PASSES)
    assert all(wrong.says and wrong.hint for wrong in WRONG_PASSES.values())
