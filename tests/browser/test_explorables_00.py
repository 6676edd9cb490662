"""The layout switch and the map of chapter 00 in a browser."""

import shutil
from pathlib import Path

import pytest

from course_lib.explorables import LayoutSwitch
from course_lib.explorables.layout_switch import spelled
from tests.browser.bench import CONTRAST, OVERLAPS

ROOT = Path(__file__).resolve().parent.parent.parent
CELLS = """all => all.map(e => [e, ...e.querySelectorAll("path")].map(p => p.getAttribute("d") ?? "")
    .join("").split("M").length - 1)"""


def terms(switch):
    return [term for f in switch.shown for term in (f.left, *(term for product in f.right for term in product))]


@pytest.mark.parametrize("reading", ["columns", "rows"])
def test_the_page_shows_the_terms_and_shapes_of_the_twin_in_order(bench, reading):
    switch = LayoutSwitch(reading)
    bench.show(switch)
    names = [text.translate(str.maketrans("ˡ⁺⁻¹ᵀ", "l+−1T")) for text in map(spelled, terms(switch))]
    assert bench.texts(".cr-layout-term .cr-math") == [name.replace("J_", "J") for name in names]
    assert bench.texts(".cr-layout-term .cr-shape") == ["{}×{}".format(*term.shape) for term in terms(switch)]
    drawn = bench.page.locator(".cr-layout-term svg").evaluate_all(CELLS)
    assert drawn == [rows * columns for rows, columns in (term.shape for term in terms(switch))]
    darker = bench.page.locator(".cr-layout-term .cr-layout-one").evaluate_all(CELLS)
    assert darker == [
        columns if term.rows == "N" else rows if term.columns == "N" else 0
        for term in terms(switch)
        for rows, columns in [term.shape]
    ]


def test_the_switch_is_turned_by_keys_alone_and_says_what_it_shows(bench):
    bench.show(LayoutSwitch())
    before = bench.texts(".cr-sentence")
    bench.page.get_by_role("radio", name="a column").focus()
    bench.page.keyboard.press("ArrowRight")
    assert bench.get("reading") == "rows"
    assert bench.texts(".cr-layout-term .cr-shape")[:3] == ["4×3", "4×2", "2×3"]
    assert bench.texts(".cr-sentence") != before


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [340, 700, 1160])
def test_the_switch_fits_and_reads_in_both_themes(bench, width, dark):
    bench.show(LayoutSwitch("rows"), width=width, dark=dark)
    assert bench.page.evaluate(CONTRAST) == []
    assert bench.page.evaluate(OVERLAPS) == []
    wide = bench.page.evaluate(
        "[...document.querySelectorAll('.cr-layout-card')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    )
    assert wide == 0


def test_the_switch_is_turned_in_jupyterlab_and_read_back(open_notebook):
    notebook = open_notebook(
        ["from course_lib.explorables import LayoutSwitch\nswitch = LayoutSwitch()\nswitch", "print(switch.reading)"]
    )
    notebook.run(0)
    notebook.output(0).get_by_role("radio", name="a row").press("Space")
    notebook.run(1)
    assert notebook.output(1).inner_text().strip() == "rows"


def test_the_map_counts_a_saved_notebook_and_opens_a_lesson(open_notebook):
    notebook = open_notebook(["from course_lib.exercises import course_map", "course_map()"])
    course = notebook.file.parent
    (course / "notebooks").mkdir()
    (course / "exercises").mkdir()
    shutil.copy(ROOT / "solutions" / "01_learning_problem.ipynb", course / "exercises")
    shutil.copy(ROOT / "notebooks" / "01_learning_problem.ipynb", course)
    notebook.run_all()
    assert "; chapter 1: 5 of 5." in notebook.output(1).locator("figcaption").inner_text()
    link = notebook.output(1).get_by_role("link", name="Chapter 1: The learning problem")
    box, image = link.bounding_box(), notebook.output(1).locator("img").bounding_box()
    assert box["width"] * box["height"] > 0.05 * image["width"] * image["height"], "a link covers its box"
    link.click()
    notebook.page.get_by_role("tab", name="01_learning_problem.ipynb").wait_for()
