"""A saved notebook opened again: stills where no kernel has run the cells, live widgets where one has, never both."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import KERNEL, MINUTE
from tests.browser.test_accessibility import OPTIONS, violations

LIVE = ".cr, .crx-answer, .crx-progress"
GONE = "Error displaying widget: model not found"
CELLS = {
    "explorable": "from course_lib.explorables import PathExplorer\nPathExplorer()",
    "progress": "from course_lib.exercises import *\nstudent('Ada', chapter='04')",
    "num": "J = lock_in('jacobian-fill')",
    "choice": "pattern = lock_in('jacobian-layout')",
    "order": "order = lock_in('factors-order')",
    "path": "paths = lock_in('paths-all')",
    "locked": "needs = lock_in('needs-w2', ['h1'])",
    "prediction": "from course_lib.exercises.predictions import all_predictions\npredict(all_predictions()[0].id)",
    "two in one cell": "display(PathExplorer(), PathExplorer())",
    "somebody else's": "from ipywidgets import IntSlider\nIntSlider(7)",
}
STRANGER = len(CELLS) - 1
# This notebook has no headings that those of its widgets could follow.
RULES = OPTIONS | {"rules": OPTIONS["rules"] | {"heading-order": {"enabled": False}}}


def assert_live(cell, name):
    """The widget is there, and its still is not."""
    expect(cell.locator(LIVE).first, name).to_be_visible()
    for still in cell.locator(".cr-still").all():
        assert not still.is_visible(), f"{name}: the live widget and its still are both shown"


def assert_still(cell, name):
    """The still is there, and neither a widget nor a word about one."""
    for still in cell.locator(".cr-still").all():
        expect(still, name).to_be_visible()
    said = cell.locator(".jp-OutputArea").inner_text()
    assert len(said) > 15, name
    assert "widget" not in said, f"{name}: {said}"


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_still_stands_in_until_the_cell_is_run(open_notebook, app):
    notebook = open_notebook(list(CELLS.values()), app)
    notebook.run_all()
    for k, name in enumerate(CELLS):
        if k != STRANGER:
            assert_live(notebook.cell(k), name)
    assert violations(notebook.page, RULES, ".jp-OutputArea-child:has(.cr, .crx-answer, .crx-progress)") == []
    for cell in notebook.save().cells[:STRANGER]:
        kinds = [sorted(output.data) for output in cell.outputs]
        assert kinds[::2] == [["text/html", "text/plain"]] * (len(kinds) // 2), "a still"
        assert kinds[1::2] == [["application/vnd.jupyter.widget-view+json"]] * (len(kinds) // 2), "and a view"

    notebook.page.reload()  # the kernel lives on, and so do the widgets
    notebook.page.wait_for_function(f"() => ({KERNEL})?.status === 'idle'", timeout=2 * MINUTE)
    for k, name in enumerate(CELLS):
        if k != STRANGER:
            assert_live(notebook.cell(k), name)

    reopened = open_notebook(notebook.file, app)
    expect(reopened.output(STRANGER)).to_have_text(GONE)  # so Jupyter has looked for all of them
    for k, name in enumerate(CELLS):
        if k != STRANGER:
            assert_still(reopened.cell(k), name)
    assert violations(reopened.page, RULES, ".jp-OutputArea-child:has(.cr-still)") == []
    reopened.screenshot(f"reopened-{app}")
    with pytest.raises(AssertionError):
        assert_still(reopened.cell(STRANGER), "somebody else's")
    reopened.run_all()
    for k, name in enumerate(CELLS):
        if k != STRANGER:
            assert_live(reopened.cell(k), name)
