"""The published network of chapter 07: the exercise's own right value is the published one, its mistakes are not."""

import numpy as np
import pytest

from course_lib.exercises import exercise


def published():
    """CS231n, Stanford, first assignment: network 4-10-3, five examples as rows, strength 0.05."""
    old = np.random.RandomState(0)
    W1, W2 = 0.1 * old.randn(4, 10), 0.1 * old.randn(10, 3)
    X = 10 * np.random.RandomState(1).randn(5, 4)
    return X, [0, 1, 2, 2, 1], W1, np.zeros(10), W2, np.zeros(3), 0.05


def test_the_right_value_of_the_published_network_is_the_published_loss():
    assert exercise("published-net").right(*published())[0] == pytest.approx(1.30378789133, abs=5e-12)


def test_the_mistakes_of_the_penalty_are_away_from_it():
    wrong = {mistake.name: mistake.wrong for mistake in exercise("published-net").mistakes}
    assert wrong["half-penalty"](*published())[0] == pytest.approx(1.2848224717, abs=5e-11)  # recomputed
    assert wrong["half-in-gradient"](*published())[0] == pytest.approx(1.30378789133, abs=5e-12)
    right = exercise("published-net").right(*published())
    for name in ("half-in-gradient", "no-penalty-in-gradient"):
        assert np.abs(wrong[name](*published())[1] - right[1]).max() > 0.01


def test_every_line_of_the_bias_axis_runs_as_it_is_written():
    from course_lib.exercises.ch07 import SUMS

    rng = np.random.default_rng(0)
    delta, a = rng.normal(size=(3, 5)), rng.normal(size=(4, 5))
    for line, value in SUMS.values():
        np.testing.assert_array_equal(eval(line, {"delta": delta, "a": a}), value(delta, a))
