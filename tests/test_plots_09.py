"""Figures of chapter 09: costs with their slopes, readings of a timer, counted and measured ratios."""

import numpy as np
import pytest

from course_lib.complexity import Sweep, Timing
from course_lib.plots import describe, plot_costs, plot_ratios, plot_readings
from tests.figures import assert_says_itself_and_has_the_same_bytes_again

P = [1_000, 4_000, 16_000]


def a_sweep(seconds):
    timings = tuple(Timing(t, 0.9 * t, 1.2 * t, 0.9 * t, 5, 1) for t in seconds)
    return Sweep(((4, 4),) * len(timings), tuple(P), timings)


BACK, NUDGED = a_sweep([1e-5, 4e-5, 16e-5]), a_sweep([0.1, 1.6, 25.6])
BOTH = {
    "multiplications": {"back": (P, [3 * p for p in P]), "nudged": (P, [2 * p * p for p in P])},
    "seconds": {"back": BACK, "nudged": NUDGED},
}
FIGURES = {
    "counted and measured": lambda: plot_costs(BOTH, until=1e6),
    "one panel": lambda: plot_costs({"seconds": {"back": BACK}}),
    "pieces": lambda: plot_costs(
        {"seconds": {"back": ([1, 10, 100, 1e4, 1e5], [2, 2, 2.1, 30, 300])}}, ranges=((0, 100), (100, np.inf))
    ),
    "readings": lambda: plot_readings({"single": [5e-5, 1e-5, 0.0, 1e-5], "blocks": [1e-5, 1.1e-5]}),
    "readings alike": lambda: plot_readings({"single": [2e-6, 2e-6]}),
    "ratios": lambda: plot_ratios({"64-32-10": 2.15, "deep": 2.9}, {"64-32-10": (1.7, 1.8, 2.0), "deep": (2, 2, 9)}),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_says_itself_in_a_sentence_and_has_the_same_bytes_again(draw):
    assert_says_itself_and_has_the_same_bytes_again(draw)


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_nothing_is_cut_off_and_no_slope_lies_on_another_text(draw):
    axes = np.ravel(np.array(draw(), dtype=object))
    figure = axes[0].figure
    figure.draw_without_rendering()
    inside = figure.bbox.padded(1)
    for ax in axes:
        texts = [ax._left_title, ax.xaxis.label, ax.yaxis.label, *ax.texts]
        texts += figure.legends[0].get_texts() if figure.legends else []
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
        assert all(inside.x0 <= b.x0 <= b.x1 <= inside.x1 and inside.y0 <= b.y0 <= b.y1 <= inside.y1 for b in boxes)
        assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[k + 1 :])
        assert ax.get_xlabel()


def written(ax):
    return [text.get_text() for text in ax.texts]


def test_the_slopes_written_on_the_lines_are_those_of_the_points():
    counted, measured = plot_costs(BOTH)
    assert written(counted) == ["slope 1.00", "slope 2.00"]
    assert written(measured) == ["slope 1.00 ± 0.00", "slope 2.00 ± 0.00"]
    uneven = a_sweep([1e-5, 5e-5, 16e-5])
    assert written(plot_costs({"seconds": {"back": uneven}})[0]) == ["slope 1.00 ± 0.10"]  # 0.093, rounded up


def test_medians_are_drawn_and_quartiles_reach_from_them():
    (ax,) = plot_costs({"seconds": {"back": BACK}})
    dots = next(line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(dots.get_xydata(), np.column_stack([P, BACK.seconds]))
    ends = np.array(ax.collections[0].get_segments())[:, :, 1]
    np.testing.assert_allclose(ends, [[0.9 * t, 1.2 * t] for t in BACK.seconds])


def test_a_line_is_prolonged_to_what_the_law_says_and_in_a_unit_that_one_would_say():
    counted, measured = plot_costs(BOTH, until=1e6)
    assert written(counted)[1::2] == ["3e6", "2e12"]
    assert written(measured)[1::2] == ["10 ms", "28 hours"]  # 0.1 s times 1000^2
    assert "28 hours at P = 1e6" in describe([counted, measured])


def test_every_range_has_a_line_of_its_own():
    (ax,) = FIGURES["pieces"]()
    assert written(ax) == ["slope 0.01", "slope 0.70"]


def test_a_reading_of_zero_stands_at_the_bottom_and_counts_in_the_median():
    ax = plot_readings({"single": [5e-5, 0.0, 0.0]})
    assert ax.lines[0].get_ydata().min() == pytest.approx(2.5e-5)
    assert "3 readings from 0 to 5e-5, median 0" in describe(ax)


def test_ratios_stand_in_their_rows():
    ax = plot_ratios({"A": 2.5, "B": 3}, {"A": (1, 2, 4), "B": (2, 2.5, 2.6)})
    counted = next(line for line in ax.lines if line.get_marker() == "D")
    np.testing.assert_allclose(counted.get_xydata(), [[2.5, 0], [3, 1]])
    assert "A: 2.5 counted, 2 measured (1 to 4)" in describe(ax)


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda: plot_costs({}), "one curve at least"),
        (lambda: plot_costs({"seconds": {}}), "one curve at least"),
        (lambda: plot_costs({"seconds": {"back": ([1, 2], [0, 1])}}), "must be positive"),
        (lambda: plot_costs({"seconds": {"back": BACK}}, ranges=((1e9, 2e9),)), "two sizes"),
        (lambda: plot_readings({}), "readings must be a dict"),
        (lambda: plot_readings({"single": [1, -1]}), "must be at least 0"),
        (lambda: plot_ratios({"A": 1}, {"B": (1, 2, 3)}), "must have the names of counted"),
        (lambda: plot_ratios({"A": np.nan}, {"A": (1, 2, 3)}), "must be finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
