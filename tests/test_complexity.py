"""Counted operations, against arrays of numbers that count; memory; and the timer, on a false clock."""

import time
import tracemalloc

import numpy as np
import pytest

from course_lib.complexity import (
    activation_memory,
    counts,
    fit_slope,
    grain,
    measure,
    peak_memory,
    processor_clock,
    recorded,
    sweep,
)
from course_lib.network import Network


class Tallied:
    """A number that counts the operations done with it."""

    multiplications = additions = activations = 0

    def __mul__(self, other):
        Tallied.multiplications += 1
        return self

    def __add__(self, other):
        Tallied.additions += 1
        return self


def tallied(*shape):
    array = np.empty(shape, dtype=object)
    array[...] = Tallied()
    return array


def sigma(z):
    Tallied.activations += z.size
    return z


def tally(step):
    """(multiplications, additions, activations) of a step."""
    Tallied.multiplications = Tallied.additions = Tallied.activations = 0
    step()
    return Tallied.multiplications, Tallied.additions, Tallied.activations


@pytest.mark.parametrize("N", [1, 4])
@pytest.mark.parametrize("sizes", [[2, 1], [3, 5, 2], [4, 2, 3, 3, 1]])
def test_counts_are_those_of_the_equations_done_with_numbers_that_count(sizes, N):
    n, L = sizes, len(sizes) - 1
    W, b = tallied(9, 9), tallied(9, 1)
    found = {}
    for l in range(1, L + 1):
        found[f"z[{l}]"] = tally(lambda l=l: W[: n[l], : n[l - 1]] @ tallied(n[l - 1], N) + b[: n[l]])
        found[f"a[{l}]"] = tally(lambda l=l: sigma(tallied(n[l], N)))
        found[f"delta[{l}]"] = tally(
            lambda l=l: (
                tallied(n[l], N) * sigma(tallied(n[l], N))
                if l == L
                else (W[: n[l + 1], : n[l]].T @ tallied(n[l + 1], N)) * sigma(tallied(n[l], N))
            )
        )
        found[f"dW[{l}]"] = tally(lambda l=l: tallied(n[l], N) @ tallied(n[l - 1], N).T)
        found[f"db[{l}]"] = tally(lambda l=l: tallied(n[l], N).sum(axis=1))
    counted = {c.name: (c.multiplications, c.additions, c.activations) for c in counts(sizes, N).steps}
    assert counted == found


def test_forward_and_backward_add_up_to_the_total():
    c = counts([784, 30, 10], 16)
    assert c.forward.multiplications + c.backward.multiplications == c.total.multiplications
    assert c.forward.multiplications == 16 * (784 * 30 + 30 * 10)


def test_a_gradient_costs_less_than_three_forward_passes_and_a_little():
    c = counts([784, 512, 512, 10], 128)
    share_of_first_layer = 784 * 512 / (784 * 512 + 512 * 512 + 512 * 10)
    ratio = c.total.multiplications / c.forward.multiplications
    assert ratio == pytest.approx(3 - share_of_first_layer, rel=0.01)


def test_counts_grow_with_depth_in_proportion_to_the_parameters():
    ten, twenty, thirty = (counts([16] * (1 + depth)).total.multiplications for depth in (10, 20, 30))
    assert thirty - twenty == twenty - ten == 10 * (3 * 16**2 + 16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_is_that_of_the_arrays_of_a_forward_pass(dtype):
    sizes, N = [5, 4, 3, 2], 7
    z, a = Network(sizes, dtype=dtype).forward(np.ones((5, N)))
    assert activation_memory(sizes, N, dtype) == sum(v.nbytes for v in z[1:] + a)


def test_the_peak_of_memory_is_that_of_what_is_there_at_once():
    one_by_one = peak_memory(lambda: [None for _ in range(5) if np.ones(10_000).sum() < 0])
    together = peak_memory(lambda: [np.ones(10_000) for _ in range(5)])
    assert one_by_one == pytest.approx(80_000, rel=0.1)
    assert together == pytest.approx(400_000, rel=0.1)


def test_what_was_there_before_does_not_count():
    tracemalloc.start()
    try:
        np.ones(50_000)
        kept = np.ones(20_000)
        assert peak_memory(lambda: np.ones(10_000)) == pytest.approx(80_000, rel=0.1)
        assert tracemalloc.is_tracing()
        assert len(kept) == 20_000
    finally:
        tracemalloc.stop()


def test_a_network_keeps_its_layers_for_the_backward_pass():
    def of(depth):
        net, x = Network([16] * (depth + 1)), np.ones((16, 200))
        return peak_memory(lambda: net.forward(x))

    more = activation_memory([16] * 17, 200) - activation_memory([16] * 9, 200)
    assert of(16) - of(8) == pytest.approx(more, rel=0.02)


class FalseClock:
    """Every call of ``work`` takes as long as told; the clock ticks 1024 times a second."""

    def __init__(self, *durations):
        self.now, self.durations, self.done = 0.0, durations, 0

    def work(self):
        self.now += self.durations[self.done % len(self.durations)]
        self.done += 1

    def __call__(self):
        return np.floor(self.now * 1024) / 1024


def test_the_timer_takes_blocks_long_enough_for_its_clock():
    clock = FalseClock(7e-6)
    timing = measure(clock.work, seconds=0.2, block=0.02, clock=clock)
    assert timing.median == pytest.approx(7e-6, rel=0.06)
    assert timing.calls * 7e-6 >= 0.019
    assert timing.n >= 5


def test_one_interruption_does_not_move_the_median():
    clock = FalseClock(*[1 / 64] * 12, 5.0, *[1 / 64] * 1000)
    timing = measure(clock.work, seconds=6.0, block=0.01, clock=clock)
    assert timing.median == timing.best == 1 / 64


def test_a_slow_function_is_run_five_times_and_no_more():
    clock = FalseClock(3.0)
    timing = measure(clock.work, clock=clock)
    assert (timing.n, timing.calls, clock.done) == (5, 1, 6)


def test_a_timing_says_its_spread():
    clock = FalseClock(2.0)
    expected = "2 s per call (median of 5 blocks of 1 calls; quartiles 2 s to 2 s, best 2 s)"
    assert str(measure(clock.work, clock=clock)) == expected


@pytest.mark.parametrize("sizes, N", [([3], 1), ([], 1), ([2, 0], 1), ([2, 3], 0)])
def test_sizes_that_make_no_network_are_refused(sizes, N):
    with pytest.raises(ValueError, match="must be at least"):
        counts(sizes, N)


# ------------------------------------------------------------------ clocks


def test_a_clock_shows_its_grain():
    clock, work = recorded([0.001], grain=0.016)
    assert grain(lambda: (work(), clock())[1]) == pytest.approx(0.016)
    assert grain(time.perf_counter) > 0


def test_the_processors_clock_is_left_where_it_ticks_too_coarsely(monkeypatch):
    assert processor_clock() in (time.thread_time, time.perf_counter)
    coarse, work = recorded([0.001], grain=1 / 64)
    monkeypatch.setattr(time, "thread_time", lambda: (work(), coarse())[1])
    assert processor_clock() is time.perf_counter
    monkeypatch.delattr(time, "thread_time")
    assert processor_clock() is time.perf_counter


def test_a_recording_is_replayed_and_only_its_first_call_is_cold():
    clock, work = recorded([9.0, 1.0, 2.0])
    readings = [(work(), clock())[1] for _ in range(6)]
    assert np.diff([0, *readings]).tolist() == [9, 1, 2, 1, 2, 1]
    with pytest.raises(ValueError, match="must not be negative"):
        recorded([-1.0])


# ------------------------------------------------------------------ slopes


@pytest.mark.parametrize("power", [1, 2, 1.5, 0])
def test_the_slope_of_a_power_is_its_exponent_whatever_the_units(power):
    P = np.array([10, 30, 200, 1000])
    found, in_milliseconds = fit_slope(P, 3e-6 * P**power), fit_slope(P, 3e-3 * P**power)
    assert found.value == pytest.approx(power, abs=1e-12)
    assert found.error == pytest.approx(0, abs=1e-12)
    assert found.at(5e4) == pytest.approx(3e-6 * 5e4**power)
    assert in_milliseconds.value == pytest.approx(found.value, abs=1e-12)


def test_the_error_of_a_slope_is_the_scatter_of_slopes_over_many_trials():
    rng, P = np.random.default_rng(0), np.geomspace(100, 1e5, 12)
    fits = [fit_slope(P, P**2 * np.exp(0.1 * rng.normal(size=12))) for _ in range(400)]
    assert np.std([f.value for f in fits]) == pytest.approx(np.mean([f.error for f in fits]), rel=0.1)
    assert np.mean([f.value for f in fits]) == pytest.approx(2, abs=0.01)


def test_only_the_points_of_the_range_count():
    P, cost = [1, 10, 100, 1000], [50, 50, 100, 1000]
    assert fit_slope(P, cost, low=100).value == pytest.approx(1)
    assert fit_slope(P, cost, high=10).value == pytest.approx(0)
    assert (fit_slope(P, cost, low=10).low, fit_slope(P, cost, low=10).n) == (10, 3)
    assert fit_slope(P, cost).value < 0.6
    assert np.isnan(fit_slope(P, cost, low=100).error)


@pytest.mark.parametrize(
    "P, cost, message",
    [
        ([1, 2], [1, 2, 3], "one number for each network"),
        ([1, 2], [1, 0], "must be positive"),
        ([3], [1], "two sizes"),
        ([3, 3], [1, 2], "two sizes"),
    ],
)
def test_points_that_have_no_slope_are_refused(P, cost, message):
    with pytest.raises(ValueError, match=message):
        fit_slope(P, cost)


# ------------------------------------------------------------------ sweeps


def a_sweep(seconds_of, **options):
    """A sweep on a clock that goes by what the work is told to take, and by nothing else."""
    now = 0.0

    def work(net, x, y):
        nonlocal now
        now += seconds_of(net, x, y)

    return sweep(work, clock=lambda: now, **options)


def test_a_sweep_gives_the_parameters_and_the_times_of_growing_networks():
    deep = [[16] * (depth + 1) for depth in (1, 2, 4)]
    found = a_sweep(lambda net, x, y: 1e-6 * net.P**2, sizes=deep)
    assert found.P == (272, 544, 1088)
    assert found.sizes == tuple(map(tuple, deep))
    assert found.seconds == pytest.approx([1e-6 * P**2 for P in found.P])
    assert found.slope().value == pytest.approx(2)
    assert all(timing.calls * timing.median >= 0.0049 and timing.n == 5 for timing in found.timings)


def test_the_first_call_of_a_network_does_not_count():
    seen = set()

    def cold_at_first(net, x, y):
        first = net.P not in seen
        seen.add(net.P)
        return 60.0 if first else 0.01

    assert a_sweep(cold_at_first, sizes=[[2, 2], [3, 3]], rounds=1).seconds == pytest.approx([0.01, 0.01])


def test_short_work_is_timed_in_blocks():
    (timing,) = a_sweep(lambda net, x, y: 2e-6, sizes=[[2, 2]], block=0.02).timings
    assert timing.calls >= 10_000
    assert timing.median == pytest.approx(2e-6)


def test_a_busy_minute_hits_all_networks_alike():
    calls = 0

    def slower_and_slower(net, x, y):
        nonlocal calls
        calls += 1
        return net.P * (1 + 0.1 * calls)

    found = a_sweep(slower_and_slower, sizes=[[2, 2], [3, 3], [4, 4]], rounds=9)
    assert found.slope().value == pytest.approx(1, abs=0.1)


def test_the_examples_fit_the_network():
    shapes = []
    a_sweep(lambda net, x, y: shapes.append((x.shape, y.shape)) or 1.0, sizes=[[3, 4, 2]], rounds=1, N=7)
    assert set(shapes) == {((3, 7), (2, 7))}


def test_a_sweep_over_nothing_is_refused():
    with pytest.raises(ValueError, match="one network at least"):
        sweep(lambda net, x, y: None, [])


@pytest.mark.parametrize("depths", [(4, 8, 16), (3, 50)])
def test_counted_slopes_are_one_and_two_in_depth(depths):
    P = [272 * depth for depth in depths]
    both = [counts([16] * (depth + 1)).total.multiplications for depth in depths]
    nudged = [2 * 272 * depth * counts([16] * (depth + 1)).forward.multiplications for depth in depths]
    assert fit_slope(P, both).value == pytest.approx(1, abs=0.05)
    assert fit_slope(P, nudged).value == pytest.approx(2, abs=1e-12)
