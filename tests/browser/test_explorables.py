"""What holds for every explorable in Chromium: no overlap at any width, contrast, names and keys, a whole clean-up."""

import numpy as np
import pytest

from course_lib.explorables import PathExplorer
from course_lib.explorables._base import num, short
from tests.browser.bench import CONTRAST, OVERLAPS, assert_shown
from tests.explorable_states import FIRST, STATES


def test_a_number_that_is_off_by_one_in_its_last_digit_is_found():
    assert_shown("0.1235", 0.12345678)
    assert_shown("−1.23e−4", -0.000123)
    for text in ("0.1234", "0.1236", "−0.1235", "1"):
        with pytest.raises(AssertionError):
            assert_shown(text, 0.12345678)


def test_page_and_twin_write_numbers_alike(bench):
    bench.show(PathExplorer())
    rng = np.random.default_rng(0)
    numbers = [
        *(rng.normal(size=300) * 10.0 ** rng.integers(-8, 8, size=300)),
        0.0,
        -0.0,
        0.5,
        3.0,
        9.99996,
        99.9996,
        1e5,
        999.9951,
    ]
    numbers = [float(v) for v in numbers]
    assert bench.page.evaluate("numbers => numbers.map(v => kit.num(v))", numbers) == [num(v) for v in numbers]
    assert bench.page.evaluate("numbers => numbers.map(v => kit.short(v))", numbers) == [short(v) for v in numbers]


# ------------------------------------------------------------------ all of them


@pytest.mark.parametrize("width", [700, 1000, 1400])
@pytest.mark.parametrize("chapter", STATES)
def test_nothing_overlaps_or_leaves_the_page_at_any_width(bench, chapter, width):
    for explorable in STATES[chapter]:
        bench.show(explorable, width)
        assert bench.page.evaluate(OVERLAPS) == [], explorable
        assert bench.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), explorable
        assert bench.page.locator(".cr-shapes-table").evaluate_all("t => t.every(e => e.scrollWidth <= e.clientWidth)")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("chapter", STATES)
def test_text_stands_out_from_its_ground(bench, chapter, dark):
    for explorable in STATES[chapter]:
        bench.show(explorable, dark=dark)
        assert bench.page.evaluate(CONTRAST) == [], explorable


@pytest.mark.parametrize("explorable", FIRST, ids=lambda e: type(e).__name__)
def test_everything_that_takes_the_focus_has_a_name_and_keeps_its_keys(bench, explorable):
    bench.show(explorable)
    for element in bench.page.locator(".cr [tabindex], .cr button, .cr input").all():
        assert element.get_attribute("data-lm-suppress-shortcuts") == "true", element.evaluate("e => e.outerHTML")
        name = element.evaluate(
            "e => e.getAttribute('aria-label') || e.textContent || e.labels?.[0]?.textContent || ''"
        )
        assert name.strip(), element.evaluate("e => e.outerHTML")


@pytest.mark.parametrize("explorable", FIRST, ids=lambda e: type(e).__name__)
def test_the_clean_up_leaves_no_element_and_no_listener(bench, explorable):
    bench.show(explorable)
    assert bench.page.evaluate("model.listeners()") > 0
    bench.page.evaluate("end()")
    assert bench.page.evaluate("model.listeners()") == 0
    assert bench.page.locator("main > *").count() == 0
