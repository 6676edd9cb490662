"""A notebook on the web, without a kernel and without JavaScript: a picture and a sentence for every widget."""

import os
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter

from course_lib.explorables._base import VIEW, Explorable
from tests.browser.test_accessibility import OPTIONS, answer_widgets, violations
from tests.explorable_states import ALL

pytestmark = pytest.mark.filterwarnings("ignore:Your element with mimetype")  # nbconvert leaves a view out, and says so


@pytest.fixture(scope="module")
def exported():
    """Every widget as the output of a cell of its own, in the HTML that nbconvert makes of such a notebook."""
    cells, widgets = [], [*ALL, *answer_widgets()]
    for widget in widgets:
        still, _ = widget._repr_mimebundle_()
        outputs = [nbformat.v4.new_output("display_data", data) for data in ({VIEW: still.pop(VIEW)}, still)[::-1]]
        cells.append(nbformat.v4.new_code_cell("widget", outputs=outputs, execution_count=1))
    return widgets, HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells))[0]


def test_without_a_kernel_and_without_javascript_a_picture_and_a_sentence_are_left(browser, exported, tmp_path):
    widgets, html = exported
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1000, "height": 900})
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    outputs = page.locator(".jp-OutputArea")
    assert outputs.count() == len(widgets)
    for widget, output in zip(widgets, outputs.all(), strict=True):
        sentence = widget.sentence() if isinstance(widget, Explorable) else ""
        words = output.inner_text()
        assert sentence in words, widget
        assert len(words) > 15, widget
        images = output.locator("img").all()
        if sentence or getattr(widget, "question", {}).get("nodes"):
            assert len(images) == 1, widget
        for image in images:
            box = image.bounding_box()
            assert box["width"] > 100, widget
            assert box["height"] > 60, widget
            assert image.evaluate("e => e.complete && e.naturalWidth") > 100, "an SVG that can be drawn"
            assert image.get_attribute("alt") == sentence or image.get_attribute("alt").startswith("Links: ")
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / "without-kernel.png", full_page=True)
    context.close()


LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
# What nbconvert's own sheet has pale: the numbers of cells, the colours of code; and links without a line below.
THEIRS = {"include": ["main"], "exclude": [[".jp-InputArea"], [".jp-OutputPrompt"]]}
WITHOUT_LINKS = OPTIONS | {"rules": OPTIONS["rules"] | {"link-in-text-block": {"enabled": False}}}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_axe_finds_nothing_in_a_lesson_on_the_web(browser, lesson, tmp_path):
    html = HTMLExporter().from_notebook_node(nbformat.read(lesson, as_version=4))[0]
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.route("http*://**", lambda route: route.abort())  # MathJax and require.js
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    assert violations(page, WITHOUT_LINKS, THEIRS) == []
    page.close()


def test_axe_finds_nothing_in_the_stills(browser, exported, tmp_path):
    (tmp_path / "page.html").write_text(exported[1], encoding="utf-8")
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.route("http*://**", lambda route: route.abort())
    page.goto((tmp_path / "page.html").as_uri())
    assert violations(page, OPTIONS, THEIRS) == []
    page.evaluate("document.querySelectorAll('img')[3].removeAttribute('alt')")
    assert [line.split(":")[0] for line in violations(page, OPTIONS, THEIRS)] == ["image-alt"]
    page.close()


def test_nothing_of_a_still_is_cut_off_on_paper(browser, exported, tmp_path):
    (tmp_path / "page.html").write_text(exported[1], encoding="utf-8")
    page = browser.new_page(viewport={"width": 718, "height": 1047})  # A4 less its margins
    page.route("http*://**", lambda route: route.abort())
    page.goto((tmp_path / "page.html").as_uri())
    page.emulate_media(media="print")
    right = "all => all.map(e => e.getBoundingClientRect()).filter(box => box.width).map(box => box.right)"
    edges = page.locator(".cr-still img, .cr-still table, .cr-still figcaption").evaluate_all(right)
    assert len(edges) > 2 * len(ALL)
    assert max(edges) <= 718
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.close()
