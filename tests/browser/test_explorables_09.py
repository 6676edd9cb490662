"""The race in Chromium: every number shown against its traits and the counts; hands and keys; live in JupyterLab."""

import re

import numpy as np
import pytest

from course_lib.explorables import Race
from tests.explorable_states import STATES

UNITS = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}


def whole(text):
    return int(text.replace("\u202f", ""))


def assert_time(text, seconds):
    """A time as the page writes it is within half a unit of its last digit."""
    value, name = text.split(" ")
    half = 0.5001 * 10.0 ** -len(value.partition(".")[2])
    assert abs(float(value) - seconds / UNITS[name]) <= half, f"{text} is shown, {seconds} s is right"


def assert_range(text, low, high):
    first, last = text.split(" to ")
    assert_time(f"{first} {last.split(' ')[1]}", low)
    assert_time(last, high)


def about(text, value):
    assert float(text.replace("\u202f", "")) == pytest.approx(value, rel=0.051)


def show_raced(bench, race, **traits):
    """The race in the page, then with these traits, in the page and in the object."""
    bench.show(race)
    for name, value in traits.items():
        race.set_trait(name, value)
    bench.set(**traits)


@pytest.mark.parametrize("depth, width", [(1, 1), (3, 5), (32, 16), (64, 256)])
def test_every_count_is_that_of_the_library(bench, depth, width):
    race = Race()
    show_raced(bench, race, depth=depth, width=width)
    assert bench.texts(".cr-race-size") == [f"P = {race.P:,}".replace(",", "\u202f")]
    shown = [whole(text.removesuffix(" multiplications")) for text in bench.texts(".cr-race-head .cr-quiet")]
    assert shown == list(race.multiplications)
    assert bench.texts("[data-number=passes]")[0].replace("\u202f", "") == f"0 of {race.needed}"
    (times,) = re.findall(r": ([\d.\u202f]+) times as many", bench.texts(".cr-sentence")[0])
    about(times, race.multiplications[1] / race.multiplications[0])


@pytest.mark.parametrize("seed", range(6))
def test_every_time_is_that_of_the_traits(bench, seed):
    rng = np.random.default_rng(seed)
    race = Race()
    spent, done = 10.0 ** rng.uniform(-2, 3), int(rng.integers(1, race.needed))
    past = [[spent / 2, spent * 1.5, spent * 40], [spent, spent * 2, spent * 10.0 ** rng.uniform(1, 5)]]
    low, high = past[-1][1:]
    traits = {"back": 10.0 ** rng.uniform(-5.9, 0), "done": done, "spent": spent, "low": low, "high": high}
    show_raced(bench, race, **traits, _past=past)
    assert_time(bench.texts(".cr-race-time")[0], race.back)
    assert_time(bench.texts(".cr-race-time")[1], race.spent)
    assert_range(bench.texts("[data-number=predicted]")[0], low, high)
    assert bench.texts("[data-number=passes]")[0].replace("\u202f", "") == f"{done} of {race.needed}"
    assert_time(bench.texts("[data-number=pass]")[0], spent / done)
    bars = bench.page.get_by_role("progressbar")
    assert [bar.get_attribute("aria-valuenow") for bar in bars.all()] == ["100", str(100 * done // race.needed)]
    assert "Stopped after" in bench.texts(".cr-sentence")[0]


def test_a_time_that_is_off_in_its_last_digit_would_be_found():
    assert_time("4.12 s", 4.1249)
    for text in ("4.12 s", "4.12 ms"):
        with pytest.raises(AssertionError):
            assert_time(text, 4.126)


def test_the_band_holds_the_predictions_and_ends_at_the_finish(bench):
    race = STATES["09"][2]
    bench.show(race)
    assert_time(bench.texts("[data-number=predicted]")[0], race.spent)
    assert_range(bench.texts(".cr-race-note")[0].removeprefix("predicted at first: "), *race._past[0][1:])
    points = bench.page.locator(".cr-race-band").get_attribute("d")
    assert len(re.findall("[ML]", points)) == 2 * len(race._past)
    corner = [float(v) for v in re.findall(r"[ML]([\d.]+) ([\d.]+)", points)[len(race._past) - 1]]
    finish = bench.page.locator(".cr-race-finish")
    assert corner == pytest.approx([float(finish.get_attribute("cx")), float(finish.get_attribute("cy"))], abs=0.1)


def test_a_prediction_that_moves_moves_the_band(bench):
    past = [[0.1, 2.0, 3.0], [0.2, 2.1, 2.9]]
    show_raced(bench, Race(), done=100, spent=0.2, back=1e-4, low=2.1, high=2.9, _past=past)
    before = bench.page.locator(".cr-race-now").get_attribute("y1")
    bench.set(_past=[*past, [0.3, 2.5, 2.6]], low=2.5, high=2.6)
    assert bench.page.locator(".cr-race-now").get_attribute("y1") != before


def test_the_race_works_by_keys_alone(bench):
    bench.show(Race())
    page = bench.page
    page.get_by_label("layers").press("ArrowLeft")
    page.get_by_label("neurons in each").press("ArrowRight")
    assert (bench.get("depth"), bench.get("width")) == (16, 32)
    page.get_by_role("button", name="Start", exact=True).press("Enter")
    assert bench.get("running") is True
    page.get_by_role("button", name="Stop").press("Space")
    assert bench.get("running") is False
    assert page.get_by_role("button", name="Start over").is_disabled()
    bench.set(done=10)
    page.get_by_role("button", name="Start over").press("Enter")
    assert bench.get("_over") == 1
    assert page.get_by_role("button", name="Go on").count() == 1


def test_a_view_that_goes_away_stops_the_race(bench):
    bench.show(Race())
    bench.set(running=True)
    bench.page.evaluate("end()")
    assert bench.get("running") is False


def test_the_sentence_is_not_read_aloud_with_every_slice(bench):
    show_raced(bench, Race(), running=True, back=1e-4, done=100, spent=0.1, low=2, high=3, _past=[[0.1, 2, 3]])
    before = bench.texts(".cr-sentence")
    bench.set(done=200, spent=0.2, _past=[[0.1, 2, 3], [0.2, 2, 3]])
    assert bench.texts(".cr-sentence") == before
    assert bench.texts("[data-number=passes]")[0].startswith("200 ")


CELLS = [
    "from course_lib.explorables import Race\nrace = Race(depth=64, width=32); race",
    "print(race.running, 0 < race.done < race.needed, race.predicted is not None)",
    "race.depth = race.width = 4",
    "print(race.done == race.needed, race.running, race.agreement < 1e-6)",
    "race.close()",
]


def test_cells_run_while_the_race_is_on_and_it_stops_when_it_is_told(open_notebook):
    notebook = open_notebook(CELLS)
    notebook.run(0)
    cell = notebook.cell(0)
    cell.get_by_role("button", name="Start", exact=True).click()
    cell.locator(".cr-race-band").wait_for()
    notebook.run(1)
    assert notebook.output(1).inner_text().strip() == "True True True"
    cell = notebook.cell(0)
    notebook.screenshot("race")
    cell.get_by_role("button", name="Stop").click()
    cell.get_by_role("button", name="Go on").wait_for()
    cell.locator(".cr-sentence").filter(has_text="Stopped after").wait_for()
    notebook.run(1)
    assert notebook.output(1).inner_text().strip() == "False True True"


def test_a_race_that_is_run_to_its_end_says_so_in_page_and_kernel(open_notebook):
    notebook = open_notebook(CELLS)
    notebook.run(0)
    notebook.run(2)
    cell = notebook.cell(0)
    cell.locator(".cr-race-size").filter(has_text="P = 80").wait_for()
    cell.get_by_role("button", name="Start", exact=True).click()
    cell.get_by_role("button", name="Once more").wait_for()
    assert "Both gradients agree" in cell.locator(".cr-sentence").inner_text()
    notebook.run(3)
    assert notebook.output(3).inner_text().strip() == "True False True"
    notebook.run(4)
