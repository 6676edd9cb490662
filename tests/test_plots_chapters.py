"""Figures of the first chapters: what stands in them is what was given, and they say it in words."""

import re

import numpy as np
import pytest

from course_lib.plots import describe, plot_line_fit, plot_loss_surface
from tests.figures import assert_says_itself_and_has_the_same_bytes_again

X, Y = np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([2.1, 2.4, 3.2, 3.4, 4.1])
FIGURES = {
    "line": lambda: plot_line_fit(X, Y, w=0.3, b=2.5),
    "falling line": lambda: plot_line_fit(X, -Y, w=-0.5, b=-2.04),
    "one pair": lambda: plot_line_fit([1.0], [2.0], w=0, b=0),
    "many pairs": lambda: plot_line_fit(np.arange(50.0), np.cos(np.arange(50.0)), w=0, b=0.1),
    "surface": lambda: plot_loss_surface(loss, w=(-0.2, 1.2), b=(0.8, 3.2), point=[0.501, 2.037]),
    "saddle": lambda: plot_loss_surface(lambda w, b: w * b, w=(-1, 1), b=(-1, 1)),
    "flat": lambda: plot_loss_surface(lambda w, b: 0.0, w=(-1, 1), b=(-1, 1)),
}


def loss(w, b):
    return float(np.mean(0.5 * (w * X + b - Y) ** 2))


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_says_itself_in_a_sentence_and_has_the_same_bytes_again(draw):
    assert_says_itself_and_has_the_same_bytes_again(draw)


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_has_a_title_and_names_on_its_axes_and_nothing_is_cut_off(draw):
    ax = draw()
    ax.figure.draw_without_rendering()
    texts = [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]
    texts += ax.figure.legends[0].get_texts() if ax.figure.legends else []
    inside = ax.figure.bbox.padded(1)
    for box in (text.get_window_extent() for text in texts if text.get_text()):
        assert inside.x0 <= box.x0 <= box.x1 <= inside.x1
        assert inside.y0 <= box.y0 <= box.y1 <= inside.y1
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel()


def test_the_sticks_reach_from_the_pairs_to_the_line():
    ax = plot_line_fit(X, Y, w=0.3, b=2.5)
    sticks = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(np.sort(sticks[:, :, 1], axis=1), np.sort(np.stack([Y, 0.3 * X + 2.5], axis=1), axis=1))
    np.testing.assert_allclose(sticks[:, 0, 0], X)


def test_the_sentence_of_a_line_has_its_loss_and_of_a_worse_line_another():
    assert f"loss {loss(0.3, 2.5):.3g}" in describe(plot_line_fit(X, Y, w=0.3, b=2.5))
    assert f"loss {loss(0.3, 2.5):.3g}" not in describe(plot_line_fit(X, Y, w=0.3, b=2.6))


def test_the_lowest_place_of_the_surface_is_the_least_squares_line():
    w, b = np.polyfit(X, Y, 1)
    ax = plot_loss_surface(loss, w=(w - 1, w + 1), b=(b - 1, b + 1), point=(w, b))
    said = re.search(r"lowest near w = ([\d.]+), b = ([\d.]+)", describe(ax))
    assert [float(v) for v in said.groups()] == pytest.approx([w, b], abs=0.01)
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[w, b]])


def test_contours_stand_at_round_heights_that_the_surface_has():
    ax = plot_loss_surface(loss, w=(-0.2, 1.2), b=(0.8, 3.2))
    levels = [text.get_text() for text in ax.texts]
    assert {"0.05", "0.5", "1"} <= set(levels)
    assert all(text.strip("0.") in {"1", "2", "5"} for text in levels)


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda: plot_line_fit([1, 2], [1, 2, 3], w=1, b=0), "one number for each pair"),
        (lambda: plot_line_fit([1, np.nan], [1, 2], w=1, b=0), "x must be finite"),
        (lambda: plot_line_fit([1, 2], [1, 2], w=np.inf, b=0), "must be finite"),
        (lambda: plot_loss_surface(loss, w=(1, 1), b=(0, 1)), "low < high"),
        (lambda: plot_loss_surface(loss, w=(0, 1), b=(0, 1), point=[1, 2, 3]), "two numbers"),
        (lambda: plot_loss_surface(lambda w, b: np.nan, w=(0, 1), b=(0, 1)), "loss must be finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
