"""Figures of training: what stands in them is what was given, and they say it in words."""

import re

import numpy as np
import pytest

from course_lib.data import digits
from course_lib.plots import describe, plot_digits, plot_runs, plot_seconds, plot_singular_values, png
from tests.figures import assert_says_itself_and_has_the_same_bytes_again

SPECTRA = {
    "halves": [0.5**k * np.array([1.0, 0.1, 0.01]) for k in range(1, 6)],
    "rank one": [[2.0**k, 0.0, 0.0] for k in range(1, 6)],
}
FALLING, RISING = np.linspace(2.3, 0.1, 13), np.linspace(2.3, 4.0, 13)
RUNS = {f"run {k}": {"training": FALLING / k, "test": RISING} for k in range(1, 6)}
X, _, LABELS = digits()
FIGURES = {
    "singular values": lambda: plot_singular_values(SPECTRA),
    "one product": lambda: plot_singular_values({"one": [[3.0, 1.0]]}),
    "five runs": lambda: plot_runs(RUNS, level=("guessing", 2.3)),
    "three runs": lambda: plot_runs(dict(list(RUNS.items())[:3])),
    "digits": lambda: plot_digits(X[:, :20], LABELS[:20], answers=(LABELS[:20] + 1) % 10),
    "one digit": lambda: plot_digits(X[:, :1], LABELS[:1], title="A single digit with a long title over it"),
    "seconds": lambda: plot_seconds({"by hand": 0.25, "by the engine": 1.5}),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_says_itself_in_a_sentence_and_has_the_same_bytes_again(draw):
    assert_says_itself_and_has_the_same_bytes_again(draw)


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_has_a_title_and_nothing_is_cut_off(draw):
    axes = np.ravel(np.array(draw(), dtype=object))
    figure = axes[0].figure
    figure.draw_without_rendering()
    texts = [figure._suptitle] if figure._suptitle else []
    for ax in axes:
        texts += [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label, *ax.texts]
    texts += [text for legend in figure.legends for text in legend.get_texts()]
    assert (figure._suptitle or axes[0]._left_title).get_text()
    inside = figure.bbox.padded(1)
    for box in (text.get_window_extent() for text in texts if text.get_text()):
        assert inside.x0 <= box.x0 <= box.x1 <= inside.x1
        assert inside.y0 <= box.y0 <= box.y1 <= inside.y1


def test_the_marked_line_is_the_largest_singular_value_and_lines_end_in_rounding():
    halves, rank_one = plot_singular_values(SPECTRA)
    by_label = {line.get_label(): line for line in halves.lines}
    np.testing.assert_allclose(by_label["largest"].get_ydata(), 0.5 ** np.arange(1, 6))
    np.testing.assert_allclose(by_label["the others"].get_ydata(), 0.1 * 0.5 ** np.arange(1, 6))
    assert np.isnan(rank_one.lines[0].get_ydata()).all()
    assert "rank one: 3 values, the largest 2 with 1 factor, 32 with 5 factors" in describe(halves)


def test_the_order_in_which_singular_values_come_does_not_matter():
    turned = {name: [np.array(values)[::-1] for values in band] for name, band in SPECTRA.items()}
    assert describe(plot_singular_values(turned)) == describe(plot_singular_values(SPECTRA))
    assert png(plot_singular_values(turned)) == png(plot_singular_values(SPECTRA))


def test_each_run_has_its_own_panel_with_both_curves():
    axes = plot_runs(RUNS, level=("guessing", 2.3))
    assert [ax.get_title(loc="left") for ax in axes] == list(RUNS)
    for ax, curves in zip(axes, RUNS.values(), strict=True):
        drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
        np.testing.assert_allclose(drawn["training"], curves["training"])
        np.testing.assert_allclose(drawn["test"], curves["test"])
        assert set(drawn["guessing"]) == {2.3}


def test_digits_are_drawn_as_they_are_and_the_wrong_answer_is_named():
    axes = plot_digits(X[:, :3], LABELS[:3], answers=[0, 7, 2])
    np.testing.assert_array_equal(axes[1].images[0].get_array(), X[:, 1].reshape(8, 8))
    assert [ax.get_title() for ax in axes] == ["0", "1 \N{RIGHTWARDS ARROW} 7", "2"]
    assert "0, 1 taken for 7, 2" in describe(axes)
    assert "taken" not in describe(plot_digits(X[:, :3], LABELS[:3]))


def test_seconds_stand_at_the_bars_and_not_in_the_sentence():
    ax = plot_seconds({"by hand": 0.25, "by the engine": 1.5})
    assert [bar.get_width() for bar in ax.patches] == [0.25, 1.5]
    assert [text.get_text() for text in ax.texts] == ["0.25 s", "1.5 s"]
    assert not re.search(r"\d", describe(ax))


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda: plot_singular_values({}), "at least one name"),
        (lambda: plot_singular_values({"A": [[1.0, -1.0]]}), "at least 0"),
        (lambda: plot_singular_values({"A": [[1.0, 1.0], [1.0]]}), "as many singular values"),
        (lambda: plot_singular_values({"A": []}), "as many singular values"),
        (lambda: plot_singular_values({"A": [[np.nan]]}), "finite"),
        (lambda: plot_runs({}), "at least one run"),
        (lambda: plot_runs({"run": {"training": [1.0, np.inf]}}), "run, training must be finite"),
        (lambda: plot_digits(X[:60, :3], LABELS[:3]), r"an image in each column, got \(60, 3\)"),
        (lambda: plot_digits(X[:, :3], LABELS[:2]), "one for each of the 3 images"),
        (lambda: plot_digits(X[:, :3], LABELS[:3], answers=[1]), "one for each of the 3 images"),
        (lambda: plot_seconds({}), "at least one time"),
        (lambda: plot_seconds({"A": -1.0}), "none below 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
