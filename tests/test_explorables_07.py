"""The batch stacker without a browser: what it adds up, what it times, what it refuses."""

import threading

import numpy as np
import pytest
import traitlets

from course_lib.explorables import BatchStacker
from course_lib.explorables import batch_stacker as module
from course_lib.explorables.batch_stacker import MEASURED, by_loop
from tests.explorable_states import drawn_in


@pytest.fixture
def quick(monkeypatch):
    """Only two sizes are timed."""
    monkeypatch.setattr(module, "MEASURED", (1, 4))


@pytest.mark.parametrize("seed", range(5))
def test_loop_and_product_come_to_the_same(seed):
    rng = np.random.default_rng(seed)
    m, k, N = rng.integers(1, 5, size=3)
    delta, a = rng.normal(size=(m, N)), rng.normal(size=(k, N))
    np.testing.assert_allclose(by_loop(delta, a), delta @ a.T, rtol=1e-12, atol=1e-14)
    stacker = BatchStacker(delta, a, N=int(N), n=int(N))
    np.testing.assert_allclose(stacker.sum, delta @ a.T)
    np.testing.assert_allclose(stacker.product, delta @ a.T)
    assert stacker.multiplications == m * k * N


def test_each_example_adds_its_outer_product():
    stacker = BatchStacker(N=5)
    for n in range(1, 6):
        stacker.n = n - 1
        before = stacker.sum
        stacker.n = n
        outer = np.outer(np.array(stacker.delta)[:, n - 1], np.array(stacker.a)[:, n - 1])
        np.testing.assert_allclose(stacker.sum - before, outer)


def test_with_fewer_examples_the_loop_adds_no_more_than_there_are():
    stacker = BatchStacker(N=6, n=6)
    stacker.N = 2
    np.testing.assert_allclose(stacker.sum, stacker.product)
    assert "after 2 of 2" in str(stacker)


def test_the_sentence_tells_the_two_ways_apart_and_has_the_numbers():
    stacker = BatchStacker(n=4)
    assert "after 4 of 4 the sum is (2, 13, −1), (16, 2, 11); 24 multiplications" in str(stacker)
    stacker.view = "product"
    assert "one product: 2×4 times 4×3 is (2, 13, −1), (16, 2, 11); 24 multiplications" in str(stacker)


@pytest.mark.parametrize("change", [{"N": 2}, {"view": "product"}, {"n": 3}, {"entry": [2, 3]}])
def test_the_picture_follows_the_state(change):
    stacker = BatchStacker()
    before = drawn_in(stacker)[0]
    stacker.set_trait(*next(iter(change.items())))
    assert drawn_in(stacker)[0] != before


def test_times_are_medians_between_their_quartiles_for_every_size(quick):
    stacker = BatchStacker()
    stacker.measure(seconds=0.001)
    assert stacker.times["layer"] == [2, 3]
    assert [row[0] for row in stacker.times["rows"]] == [1, 4]
    for _, *ways in stacker.times["rows"]:
        assert all(0 < lower <= median <= upper for lower, median, upper in ways)
    assert MEASURED[-1] == 10_000


def test_sentence_and_picture_stay_the_same_when_times_are_there(quick):
    stacker = BatchStacker()
    before = str(stacker), drawn_in(stacker)[0]
    stacker.measure(seconds=0.001)
    assert stacker.times["rows"]
    assert (str(stacker), drawn_in(stacker)[0]) == before


def test_the_page_s_wish_is_done_in_a_thread_and_the_caller_does_not_wait(quick, monkeypatch):
    may_start, threads = threading.Event(), []

    def timed(way, seconds):
        threads.append(threading.current_thread())
        assert may_start.wait(60)
        return real(way, 0.001)

    real = module.measure
    monkeypatch.setattr(module, "measure", timed)
    stacker = BatchStacker()
    done = threading.Event()
    stacker.observe(lambda change: done.set() if not change.new else None, "measuring")
    stacker.measuring = True  # returns although nothing has been measured
    assert stacker.times["rows"] == []
    may_start.set()
    assert done.wait(60)
    assert [row[0] for row in stacker.times["rows"]] == [1, 4]
    assert threading.main_thread() not in threads


def test_a_measurement_that_fails_does_not_leave_the_page_waiting(monkeypatch):
    def failing(way, seconds):
        raise MemoryError

    monkeypatch.setattr(module, "measure", failing)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    stacker = BatchStacker()
    done = threading.Event()
    stacker.observe(lambda change: done.set() if not change.new else None, "measuring")
    stacker.measuring = True
    assert done.wait(60)


@pytest.mark.parametrize(
    "delta, a, message",
    [
        (np.ones((2, 3)), np.ones((2, 4)), "3 and 4 columns"),
        (np.ones((5, 3)), np.ones((2, 3)), "at most 4 rows"),
        (np.ones((2, 9)), np.ones((2, 9)), "8 columns"),
        (np.ones(3), np.ones((2, 3)), "matrix of shape"),
        (np.full((2, 3), np.nan), np.ones((2, 3)), "finite"),
    ],
)
def test_what_does_not_fit_is_refused(delta, a, message):
    with pytest.raises(ValueError, match=message):
        BatchStacker(delta, a)


@pytest.mark.parametrize(
    "change", [{"N": 7}, {"N": 0}, {"n": -1}, {"entry": [3, 1]}, {"entry": [1]}, {"view": "both"}, {"layer": [0, 3]}]
)
def test_a_state_that_cannot_be_shown_is_refused(change):
    stacker = BatchStacker()
    with pytest.raises(traitlets.TraitError):
        stacker.set_trait(*next(iter(change.items())))
