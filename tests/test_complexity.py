"""Counted operations, against arrays of numbers that count; memory; and the timer, on a false clock."""

import numpy as np
import pytest

from course_lib.complexity import activation_memory, counts, measure
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
