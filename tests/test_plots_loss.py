"""The figure of the empirical loss: each pair alone through the model, the mean outside, numbers that are right."""

import re

import numpy as np
import pytest

from course_lib.plots import describe, plot_empirical_loss, png

X, Y = np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([2.1, 2.4, 3.2, 3.4, 4.1])
GIVEN = {
    "line": (X, Y, lambda x: 0.3 * x + 2.5),
    "negative numbers": (-X[:3], -Y[:3], lambda x: -12.3456 * x - 100),
    "one pair": ([1.0], [2.0], lambda x: 0.0),
    "eight pairs": (np.arange(8), np.arange(8) ** 2, lambda x: 1000.5 * x),
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_losses_and_mean_are_those_of_the_pairs(given):
    x, y, model = given
    losses = 0.5 * (model(np.asarray(x)) - np.asarray(y)) ** 2
    said = re.findall(r"loss ([^;]+);", describe(plot_empirical_loss(*given)))
    np.testing.assert_allclose(list(map(float, said)), losses, rtol=0.005)
    mean = re.search(r"mean (\S+)\.$", describe(plot_empirical_loss(*given)))[1]
    assert float(mean) == pytest.approx(losses.mean(), rel=0.005)


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_no_text_of_the_figure_meets_another_or_its_edge(given):
    ax = plot_empirical_loss(*given)
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
    assert not [1 for k, one in enumerate(boxes) for other in boxes[k + 1 :] if one.padded(-1).overlaps(other)]
    assert all(ax.figure.bbox.padded(1).contains(box.x0, box.y0) for box in boxes)
    assert all(ax.figure.bbox.padded(1).contains(box.x1, box.y1) for box in boxes)


def test_the_figure_has_the_same_bytes_again():
    assert png(plot_empirical_loss(*GIVEN["line"])) == png(plot_empirical_loss(*GIVEN["line"]))


@pytest.mark.parametrize(
    "x, y", [([1, 2], [1]), ([], []), (np.ones((2, 2)), np.ones((2, 2))), (range(9), range(9)), ([np.nan], [1])]
)
def test_pairs_that_cannot_be_drawn_are_refused(x, y):
    with pytest.raises(ValueError, match=r"must be 1 to 8 numbers|must be finite"):
        plot_empirical_loss(x, y, lambda x: x)
