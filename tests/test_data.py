"""Data sets: shapes, targets, seeds; the digits are those of the UCI repository."""

import numpy as np
import pytest

from course_lib.data import digits, moons, one_hot, spiral, xor

SETS = {"digits": digits, "moons": moons, "spiral": spiral, "xor": xor}


@pytest.mark.parametrize("name", SETS)
def test_inputs_targets_and_labels_belong_together(name):
    x, y, labels = SETS[name]()
    assert x.shape[1] == y.shape[1] == len(labels)
    assert x.dtype == y.dtype == np.float64
    expected = labels[None, :] if len(y) == 1 else one_hot(labels, len(y))
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("name", SETS)
def test_the_same_call_gives_the_same_numbers(name):
    for first, second in zip(SETS[name](), SETS[name](), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["moons", "spiral"])
def test_another_seed_gives_other_examples(name):
    assert not np.array_equal(SETS[name](rng=1).x, SETS[name](rng=2).x)


def test_digits_are_the_published_ones():
    x, _, labels = digits()
    assert x.shape == (64, 1797)
    assert x.min() == 0
    assert x.max() == 1
    # Counts of the classes as the repository's description of its test part prints them.
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    # The first two rows of the first picture, a nought, as scikit-learn prints them.
    assert (16 * x[:16, 0]).tolist() == [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]


def test_noughts_and_ones_lie_apart_when_the_moons_are_free_of_noise():
    x, _, labels = moons(100, noise=0.0)
    distance = np.hypot(*(x - np.where(labels, [[1.0], [0.5]], [[0.0], [0.0]])))
    np.testing.assert_allclose(distance, 1, rtol=1e-12)


def test_spiral_arms_start_at_the_centre_and_end_at_radius_1():
    x, y, _ = spiral(3000)
    radius = np.hypot(*x)
    assert radius.min() < 0.01
    assert 0.99 < radius.max() <= 1
    assert y.sum(axis=1).tolist() == [1000, 1000, 1000]


def test_a_spiral_of_two_classes_has_one_target():
    assert spiral(10, classes=2).y.shape == (1, 10)


def test_split_gives_every_example_to_one_side_once():
    train, test = digits().split(0.8, rng=3)
    assert (len(train.labels), len(test.labels)) == (1438, 359)
    together = np.concatenate([train.x, test.x], axis=1)
    np.testing.assert_array_equal(np.sort(together.sum(axis=0)), np.sort(digits().x.sum(axis=0)))
    np.testing.assert_array_equal(train.y, one_hot(train.labels, 10))


def test_split_is_seeded():
    assert np.array_equal(moons().split(rng=1)[0].x, moons().split(rng=1)[0].x)
    assert not np.array_equal(moons().split(rng=1)[0].x, moons().split(rng=2)[0].x)


@pytest.mark.parametrize("share", [0, 1, 1.5])
def test_a_share_that_leaves_one_side_empty_is_refused(share):
    with pytest.raises(ValueError, match="share must be between 0 and 1"):
        moons().split(share)


def test_a_number_of_examples_that_is_no_number_of_examples_is_refused():
    with pytest.raises(ValueError, match="N must be at least 1"):
        moons(0)
