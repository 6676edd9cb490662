"""An explorable of every chapter in JupyterLab and Notebook 7: set, dragged, keyed, read back, saved, reopened."""

import ast
from html import unescape

import pytest
from playwright.sync_api import expect

from tests.browser.test_reopening import assert_live, assert_still

# class, its arguments, what Python sets, what the page says then, the control that gets a key, the trait it moves
CASES = [
    ("LayoutSwitch", "", "reading = 'rows'", "Turned over", "input[value=rows]", "ArrowLeft", "reading"),
    ("LineFitter", "", "w = 0.25", "w = 0.25,", "circle[r='8']", "ArrowRight", "w"),
    ("ShapeEditor", "", "sizes = [2, 5, 2]", "n₁ = 5", "button[aria-label*='more in layer']", "Enter", "sizes"),
    ("DifferenceExplorer", "", "h = 0.001", "h = 0.001", "input[type=range]", "ArrowLeft", "h"),
    ("JacobianStage", "'polar'", "x = [1.0, 0.0]", "f sends (1, 0)", ".cr-point", "ArrowRight", "x"),
    ("PathExplorer", "", "start = 'x2'", "lead from x₂", "[data-part='h1']", "Enter", "paths"),
    ("PassPlayer", "", "step = 4", "Step 4 of 11", "input[type=range]", "ArrowRight", "step"),
    ("BatchStacker", "", "n = 2", "After 2 of 4", "[data-entry='1 1']", "ArrowRight", "entry"),
    ("GraphPlayer", "", "step = 1", "Step 1 of 2", ".cr-graph-scrub input", "ArrowRight", "step"),
    ("Race", "", "depth = 4", "1 088 parameters", "input[type=range]", "ArrowRight", "depth"),
    ("DepthExplorer", "", "depth = 5", "in layer 5,", "input[type=range]", "ArrowRight", "depth"),
]


def read_back(notebook, cell):
    notebook.run(cell)
    return ast.literal_eval(notebook.output(cell).filter(has_text="]").inner_text())


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_set_key_read_back_save_and_reopen(open_notebook, app):
    show = [f"e{k} = {name}({given}); e{k}" for k, (name, given, *_) in enumerate(CASES)]
    change = "; ".join(f"e{k}.{case[2]}" for k, case in enumerate(CASES))
    read = "[" + ", ".join(f"e{k}.{case[6]}" for k, case in enumerate(CASES)) + "]"
    notebook = open_notebook(["from course_lib.explorables import *", *show, change, read, read], app)
    notebook.run_all()
    first = len(CASES) + 1
    before = read_back(notebook, first + 1)
    for k, (name, _, _, words, control, key, _) in enumerate(CASES):
        shown = notebook.cell(k + 1)
        expect(shown.locator(".cr-sentence").first, name).to_contain_text(words)
        shown.locator(control).first.press(key)
        assert notebook.active != k, f"{name} keeps its keys"
    stage = notebook.cell(5).locator(".cr-point")
    box = stage.bounding_box()
    notebook.page.mouse.move(box["x"] + 9, box["y"] + 9)
    notebook.page.mouse.down()
    notebook.page.mouse.move(box["x"] + 40, box["y"] - 20, steps=4)
    notebook.page.mouse.up()
    after = read_back(notebook, first + 2)
    for k, (name, *_) in enumerate(CASES):
        assert after[k] != before[k], f"{name}: Python reads what the page has set"
    saved = notebook.save()
    for k, (name, *_) in enumerate(CASES):
        data = saved.cells[k + 1].outputs[0].data
        assert data["text/plain"] in unescape(data["text/html"]), f"{name}: the file has the sentence and the picture"
        assert "base64," in data["text/html"]
    reopened = open_notebook(notebook.file, app)  # with a kernel that has run nothing
    for k, (name, *_) in enumerate(CASES):
        assert_still(reopened.cell(k + 1), name)
    reopened.run_all()
    for k, (name, _, _, words, *_) in enumerate(CASES):
        expect(reopened.cell(k + 1).locator(".cr-sentence").first, name).to_contain_text(words)
        assert_live(reopened.cell(k + 1), name)
