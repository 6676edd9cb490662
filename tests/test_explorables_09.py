"""The race without a browser: what it computes, what it predicts on a false clock, and how it lets others run."""

import asyncio
from itertools import cycle

import numpy as np
import pytest
import traitlets

from course_lib.backprop import Backpropagation
from course_lib.complexity import counts
from course_lib.explorables import Race
from course_lib.explorables import race as module
from course_lib.explorables.race import gradient, loss, nudges
from course_lib.finite_differences import finite_difference_gradient
from course_lib.network import Network

TICK = 1 / 128  # exact in binary: slices of four passes


def ticking(*steps):
    """A clock that is later by the next of these seconds whenever it is read."""
    now, coming = 0.0, cycle(steps)

    def clock():
        nonlocal now
        now += next(coming)
        return now

    return clock


def timed(*steps, **traits):
    race = Race(**traits)
    race.clock = ticking(*steps)
    return race


# ------------------------------------------------------------------ what is computed


@pytest.mark.parametrize("sizes", [[3, 4, 2], [2, 2], [5, 1, 3, 4]])
def test_both_racers_compute_the_gradient_of_the_library(sizes):
    rng = np.random.default_rng(0)
    net, x, y = Network(sizes, rng=rng), rng.normal(size=(sizes[0], 1)), rng.random((sizes[-1], 1))
    theta, slopes = net.theta.copy(), np.zeros(net.P)
    assert sum(1 for _ in nudges(net, x, y, slopes)) == 2 * net.P
    np.testing.assert_array_equal(net.theta, theta)
    back = Backpropagation(net)
    value = back.gradient(x, y)[0]
    assert loss(net, x, y) == pytest.approx(value)
    np.testing.assert_allclose(gradient(net, x, y), back.dtheta, rtol=1e-12)
    np.testing.assert_allclose(slopes, back.dtheta, atol=1e-9)

    def of_theta(v):
        net.theta[:] = v
        return loss(net, x, y)

    np.testing.assert_allclose(finite_difference_gradient(of_theta, theta), back.dtheta, atol=1e-9)


@pytest.mark.parametrize("depth, width", [(1, 1), (1, 4), (3, 2)])
def test_a_race_runs_to_its_end_and_both_gradients_agree(depth, width):
    race = Race(depth, width)
    assert race.P == Network([width] * (depth + 1)).P
    race.running = True
    assert (race.done, race.running) == (2 * race.P, False)
    assert 0 < race.agreement < 1e-6
    assert race.predicted == (race.spent, race.spent)
    assert race.back > 0


def test_a_wrong_gradient_would_not_agree(monkeypatch):
    monkeypatch.setattr(module, "gradient", lambda net, x, y: 2 * gradient(net, x, y))
    race = Race(2, 3)
    race.running = True
    assert race.agreement == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("depth, width", [(1, 1), (32, 16), (64, 256)])
def test_the_multiplications_are_counted(depth, width):
    sizes = [width] * (depth + 1)
    race = Race(depth, width)
    P = race.P
    assert race.multiplications == (
        counts(sizes).total.multiplications,
        2 * P * counts(sizes).forward.multiplications,
    )
    assert f"P = {P};" in str(race)


# ------------------------------------------------------------------ what is predicted


def test_at_an_even_pace_the_prediction_is_right_from_the_start():
    race = timed(TICK, depth=2, width=4)
    race.running = True
    total = race.needed * TICK
    assert race.spent == pytest.approx(total)
    assert len(race._past) == race.needed / 4 - 2, "slices of four passes; the first two give no range"
    np.testing.assert_allclose([past[1:] for past in race._past], total)


def test_at_an_uneven_pace_the_finish_lies_in_the_predicted_range():
    race = timed(*np.random.default_rng(3).uniform(0.004, 0.012, 997), depth=3, width=8)
    race.running = True
    low, high = np.array(race._past)[:-1, 1:].T
    assert (low <= high).all()
    assert ((low <= race.spent) & (race.spent <= high)).mean() > 0.9
    assert high[-5] - low[-5] < 0.2 * (high[3] - low[3]), "the range closes"


def test_a_machine_that_slows_down_is_seen_in_the_range():
    race = timed(*[0.006] * 200, *[0.018] * 4000, depth=3, width=8)
    race.running = True
    early, late = race._past[3], race._past[len(race._past) // 2]
    assert early[2] < 0.5 * race.spent
    assert late[1] < late[2]
    assert late[2] > 2 * early[2]


def test_the_first_slice_which_finds_everything_cold_predicts_nothing():
    readings = [TICK] * 17  # those of back-propagation, and the start of the slow one
    race = timed(*readings, 0.5, *[TICK] * 10_000, depth=2, width=4)
    race.running = True
    assert race.spent == pytest.approx(0.5 + (race.needed - 1) * TICK)
    np.testing.assert_allclose([past[2] for past in race._past], race.spent)


def test_the_predictions_that_are_kept_are_thinned_out():
    race = timed(0.03, depth=4, width=8)
    race.running = True
    spent = [past[0] for past in race._past]
    assert race.needed > 500
    assert len(spent) <= module.MOST
    assert spent == sorted(spent)
    assert (spent[0], spent[-1]) == (pytest.approx(0.09), race.spent)


# ------------------------------------------------------------------ start, stop, start over


def test_it_stops_when_its_patience_is_over_and_goes_on_where_it_stopped():
    race = timed(TICK, depth=4, width=8, patience=1.0)
    race.running = True
    assert (race.running, race.done) == (False, 128)
    assert race.predicted == pytest.approx((race.needed * TICK,) * 2)
    race.patience = 1e9
    race.running = True
    assert race.done == race.needed
    assert race.spent == pytest.approx(race.needed * TICK)
    assert race.agreement < 1e-6


@pytest.mark.parametrize("change", [{"depth": 2}, {"width": 5}, {"_over": 1}])
def test_another_network_or_a_new_start_forgets_what_was_measured(change):
    race = timed(TICK, depth=4, width=8, patience=1.0)
    race.running = True
    race.set_trait(*next(iter(change.items())))
    assert (race.done, race.spent, race.back, race.predicted, race.running) == (0, 0, 0, None, False)
    race.patience = 1e9
    race.running = True
    assert race.done == race.needed
    assert race.agreement < 1e-6


def test_once_more_runs_from_the_start():
    race = timed(TICK, depth=1, width=3)
    for _ in range(2):
        race.running = True
        assert (race.done, race.running) == (24, False)
        assert race.spent == pytest.approx(24 * TICK)


@pytest.mark.parametrize("change", [{"depth": 0}, {"depth": 65}, {"width": 257}, {"patience": -1.0}])
def test_a_race_that_cannot_be_run_is_refused(change):
    with pytest.raises(traitlets.TraitError):
        Race().set_trait(*next(iter(change.items())))


# ------------------------------------------------------------------ in an event loop


async def runner_is_gone():
    """Wait until the scene itself is the only task that is left; a runner that does not end keeps it waiting."""
    async with asyncio.timeout(60):
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)


def test_others_run_between_the_slices_and_a_stop_is_heard():
    async def scene():
        race = timed(TICK, depth=8, width=16)
        race.running = True
        assert race.done == 0, "starting it takes no time"
        seen = []
        while race.done < 30:
            await asyncio.sleep(0)
            seen.append(race.done)
        race.running = False
        stopped = race.done
        await runner_is_gone()
        return sorted(set(seen)), stopped, race.done

    seen, stopped, later = asyncio.run(scene())
    assert seen[1:] == list(range(4, seen[-1] + 1, 4)), "a slice is four passes of this clock"
    assert stopped == later < 60


def test_stopping_and_starting_quickly_makes_no_second_runner():
    async def scene():
        race = timed(TICK, depth=8, width=16)
        for running in (True, False, True, False, True):
            race.running = running
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(scene()) == 2


def test_closing_it_ends_it():
    async def scene():
        race = timed(TICK, depth=64, width=16)
        race.running = True
        while not race.done:
            await asyncio.sleep(0)
        race.close()
        stopped = race.done
        await runner_is_gone()
        return stopped, race.done

    stopped, later = asyncio.run(scene())
    assert stopped == later
