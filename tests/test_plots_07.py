"""Figures of chapter 07: outer products that add up, and measured times."""

import re

import numpy as np
import pytest

from course_lib.complexity import Timing
from course_lib.plots import describe, plot_outer_products, plot_times
from tests.figures import assert_says_itself_and_has_the_same_bytes_again

DELTA = np.array([[1, -2, 3, 2], [2, 1, -1, 4]])
A = np.array([[3, 1, -1, 2], [1, -2, 2, 1], [-2, 4, 1, 3]])


def timing(median):
    return Timing(median, 0.9 * median, 1.3 * median, 0.8 * median, 5, 10)


def times(factor=1.0):
    row = [timing(factor * t) for t in (1e-6, 2e-6, 3e-5)]
    return plot_times([1, 100, 10_000], {"loop": [timing(0.1)] * 3, "product": row}, title="Loop and product")


FIGURES = {
    "whole numbers": lambda: plot_outer_products(DELTA, A),
    "decimals": lambda: plot_outer_products(0.123456 * DELTA[:, :3], A[:, :3]),
    "two by one": lambda: plot_outer_products([[1.0, -1.0]], [[2.0, 0.0]]),
    "times": times,
}


def texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_says_itself_in_a_sentence_and_has_the_same_bytes_again(draw):
    assert_says_itself_and_has_the_same_bytes_again(draw)


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_nothing_is_cut_off(draw):
    ax = draw()
    ax.figure.draw_without_rendering()
    inside = ax.figure.bbox.padded(1)
    shown = [*ax.texts, ax._left_title, ax.xaxis.label, ax.yaxis.label]
    shown += ax.figure.legends[0].get_texts() if ax.figure.legends else []
    for box in (text.get_window_extent() for text in shown if text.get_text()):
        assert inside.x0 <= box.x0 <= box.x1 <= inside.x1
        assert inside.y0 <= box.y0 <= box.y1 <= inside.y1


def test_every_number_of_both_ways_is_written():
    ax = plot_outer_products(DELTA, A)
    outer = np.einsum("in,kn->nik", DELTA, A)
    expected = [A.T, DELTA, outer, DELTA, A.T, DELTA @ A.T, DELTA @ A.T]
    numbers = sorted(int(text.replace("−", "-")) for text in texts(ax) if re.fullmatch(r"−?\d+", text))
    assert numbers == sorted(int(v) for array in expected for v in array.ravel())
    assert texts(ax).count("+") == 3
    assert texts(ax).count("=") == 2


def test_cells_are_blue_where_positive_and_orange_where_negative():
    ax = plot_outer_products([[2, 2]], [[2, -2]])
    red, _, blue = np.array([patch.get_facecolor()[:3] for patch in ax.patches]).T
    written = dict(zip(texts_in(ax), blue - red, strict=True))
    assert written["4"] > 0.2 > -0.2 > written["−4"]


def texts_in(ax):
    """The number in every cell, in the order of the cells."""
    return [text for text in texts(ax) if re.fullmatch(r"−?\d+", text)]


def test_the_sentence_of_the_products_follows_the_numbers():
    assert "= (2, 13, -1), (16, 2, 11)," in describe(plot_outer_products(DELTA, A))
    assert "(2, 13, -1)" not in describe(plot_outer_products(DELTA, -A))


@pytest.mark.parametrize(
    "delta, a, message",
    [
        (DELTA, A[:, :3], "4 and 3 columns"),
        (DELTA[:, :1], A[:, :1], "two or more"),
        (np.ones((2, 30)), np.ones((3, 30)), "small enough"),
        (DELTA * np.nan, A, "finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(delta, a, message):
    with pytest.raises(ValueError, match=message):
        plot_outer_products(delta, a)


def test_times_stand_at_their_medians_with_their_quartiles_and_are_not_in_the_sentence():
    ax = times()
    line = ax.containers[1]
    np.testing.assert_allclose(line[0].get_ydata(), [1e-6, 2e-6, 3e-5])
    ends = np.array([[p[1] for p in segment] for segment in line[2][0].get_segments()])
    np.testing.assert_allclose(ends, np.outer([1e-6, 2e-6, 3e-5], [0.9, 1.3]))
    assert describe(times()) == describe(times(factor=7.0))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert {"1 µs", "10 ms", "100 ms"} <= set(labels)


def test_a_size_without_its_time_is_refused():
    with pytest.raises(ValueError, match="each of the 2 sizes"):
        plot_times([1, 10], {"loop": [timing(1.0)]})
