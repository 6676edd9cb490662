"""The figure of chapter 10: what stands in it is what was given, and it says it in words."""

import re

import matplotlib as mpl
import numpy as np
import pytest

from course_lib.plots import describe, plot_wrong_passes, png

FINAL = {"right": 2e-4, "sign": 0.5, "sum": 4e-5, "a formula on z": np.nan}
ERRORS = {"right": 7e-9, "sign": 2.0, "sum": 0.75, "a formula on z": 1.4}


def markers(ax, label):
    """Where the marks of one kind stand: {row: value}."""
    (line,) = (line for line in ax.lines if line.get_label() == label)
    return dict(zip(line.get_ydata().tolist(), line.get_xdata().tolist(), strict=True))


def test_passes_stand_in_the_order_of_their_losses_and_each_at_its_numbers():
    left, right = plot_wrong_passes(FINAL, ERRORS)
    assert [label.get_text() for label in left.get_yticklabels()] == ["sum", "right", "sign", "a formula on z"]
    assert markers(left, "below 0.01") == {0: 4e-5, 1: 2e-4}
    assert markers(left, "not") == {2: 0.5, 3: left.get_xlim()[1]}
    assert [text.get_text() for text in left.texts] == ["diverges"]
    assert markers(right, "accepted") == {1: 7e-9}
    assert markers(right, "refused") == {0: 0.75, 2: 2.0, 3: 1.4}


def test_the_limits_decide_which_marks_are_which():
    left, right = plot_wrong_passes(FINAL, ERRORS, limit=1e-4, tolerance=1e-9)
    assert markers(left, "below 0.0001") == {0: 4e-5}
    assert markers(right, "accepted") == {}
    assert "finds 0 right; the relative errors of the others are 7e-9 to 2." in describe([left, right])


def test_the_figure_says_itself_in_ascii_and_has_the_same_bytes_again():
    said = describe(plot_wrong_passes(FINAL, ERRORS))
    assert said.isascii()
    assert re.fullmatch(r"A falling loss is no evidence: 4 backward passes; 2 train .* 2 do not: .*\.", said)
    with mpl.rc_context({"font.size": 31.0, "axes.facecolor": "pink"}):
        again = png(plot_wrong_passes(FINAL, ERRORS))
    assert again == png(plot_wrong_passes(FINAL, ERRORS))


@pytest.mark.parametrize("count", [1, 22])
def test_nothing_is_cut_off(count):
    names = [f"a-rather-long-name-{k}" for k in range(count)]
    axes = plot_wrong_passes(dict.fromkeys(names, 0.1), dict.fromkeys(names, 1.0))
    figure = axes[0].figure
    figure.draw_without_rendering()
    texts = [label for ax in axes for label in (ax.xaxis.label, *ax.get_yticklabels())]
    inside = figure.bbox.padded(1)
    for box in (text.get_window_extent() for text in texts if text.get_visible() and text.get_text()):
        assert inside.x0 <= box.x0 <= box.x1 <= inside.x1
        assert inside.y0 <= box.y0 <= box.y1 <= inside.y1


@pytest.mark.parametrize(
    "final, errors, message",
    [
        ({"a": 1.0}, {"b": 1.0}, "same names.*'a', 'b'"),
        ({}, {}, "at least one"),
        ({"a": -1.0}, {"a": 1.0}, "final must be at least 0, got -1.0"),
        ({"a": 1.0}, {"a": -1.0}, "errors must be at least 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(final, errors, message):
    with pytest.raises(ValueError, match=message):
        plot_wrong_passes(final, errors)
