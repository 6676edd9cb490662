"""A student in JupyterLab: the lesson, its explorable, mistakes that are named, and a file that gets its points."""

import ast
import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from playwright.sync_api import expect

from course_lib.exercises import exercise
from course_lib.exercises.declaration import draw_cases, seed_of
from tests.browser.test_accessibility import violations

ROOT = Path(__file__).resolve().parents[2]
LESSON = ROOT / "notebooks" / "04_jacobians.ipynb"
EXERCISES = ROOT / "exercises" / "04_jacobians.ipynb"
STUDENT = "Ada Lovelace"

TRANSPOSED = '''# answer: numerical-jacobian
def numerical_jacobian(f, x, h=1e-5):
    """Central-difference Jacobian of f at x (n,): J (m, n), J[i, j] = dy_i/dx_j."""
    rows = []
    for step in h * np.eye(len(x)):
        rows.append((f(x + step) - f(x - step)) / (2 * h))
    return np.array(rows)'''
RIGHT = TRANSPOSED.replace("np.array(rows)", "np.array(rows).T")

DIAGONAL = '''# answer: softmax-jacobian
def softmax_jacobian(x):
    """Jacobian J (n, n) of the softmax at x (n,), and its null direction v (n,): J @ v = 0, |v| = 1."""
    s = np.exp(x - x.max())
    s = s / s.sum()
    return np.diag(s * (1 - s)), np.full(len(x), len(x) ** -0.5)'''
FULL = DIAGONAL.replace("np.diag(s * (1 - s))", "np.diag(s) - np.outer(s, s)")


def write(notebook, cell, text):
    """Replace what stands in a cell, with the keyboard."""
    notebook.cell(cell).locator(".cm-content").click()
    notebook.page.keyboard.press("ControlOrMeta+a")
    notebook.page.keyboard.insert_text(text)
    assert notebook.source(cell) == text


def value_of(notebook, cell):
    """Run a cell and read the Python literal that it shows."""
    notebook.run(cell)
    return ast.literal_eval(notebook.output(cell).inner_text())


def named(id, mistake):
    """The words by which a page names a known mistake."""
    (says,) = (known.says for known in exercise(id).mistakes if known.name == mistake)
    return re.compile(re.escape(says), re.IGNORECASE)


def grade(file, folder):
    """Hand in a file and grade it with the command: (exercise -> row of the gradebook)."""
    handed_in = folder / "handed-in" / "ada"
    handed_in.mkdir(parents=True)
    shutil.copy(file, handed_in)
    command = [sys.executable, "-m", "course_lib.cli", "grade", str(handed_in.parent), "-o", str(folder / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    with (folder / "out" / "gradebook.csv").open(encoding="utf-8", newline="") as table:
        return {row["exercise"]: row for row in csv.DictReader(table)}


def test_the_lesson_runs_and_its_explorable_is_moved_and_read_back(open_notebook):
    notebook = open_notebook(LESSON)
    notebook.run_all()
    sources = [cell.source for cell in notebook.save().cells]
    stage, reader = sources.index("stage = JacobianStage()\nstage"), sources.index("stage.x")
    point = notebook.output(stage).locator(".cr-point")
    assert not [o for cell in notebook.save().cells for o in cell.get("outputs", []) if o.output_type == "error"]

    notebook.cell(stage)
    assert violations(notebook.page, within=".jp-RenderedMarkdown, .jp-OutputArea-output") == []  # of what is in view

    start = value_of(notebook, reader)
    notebook.cell(stage)
    point.focus()
    notebook.page.keyboard.press("ArrowRight")
    moved = value_of(notebook, reader)
    assert moved[0] > start[0]
    assert moved[1] == start[1]

    notebook.cell(stage)
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    notebook.page.mouse.move(x, y)
    notebook.page.mouse.down()
    notebook.page.mouse.move(x - 20, y - 30, steps=5)
    notebook.page.mouse.up()
    notebook.screenshot("lesson-stage")
    dragged = value_of(notebook, reader)
    assert dragged[0] < moved[0]
    assert dragged[1] > moved[1]


def test_mistakes_are_named_on_the_page_and_the_saved_file_alone_gets_the_points(open_notebook, tmp_path):
    notebook = open_notebook(shutil.copy(EXERCISES, tmp_path / "04_ada.ipynb"))  # a name, and so a kernel, of its own
    write(notebook, "setup", notebook.source("setup").replace('student("")', f'student("{STUDENT}")'))
    notebook.run_all()
    expect(notebook.output("setup").locator(".crx-progress")).to_contain_text("0 of 6 right, 0 of 12 points")

    # functions: a wrong one is named, the right one passes
    for id, mistake, wrong, right in (
        ("numerical-jacobian", "transposed", TRANSPOSED, RIGHT),
        ("softmax-jacobian", "elementwise", DIAGONAL, FULL),
    ):
        for source, verdict in ((wrong, named(id, mistake)), (right, "Right.")):
            write(notebook, f"answer-{id}", source)
            notebook.run(f"answer-{id}")
            notebook.run(f"check-{id}")
            expect(notebook.output(f"check-{id}").locator(".crx-panel")).to_contain_text(verdict)
            notebook.screenshot(f"{id}-{'right' if source == right else mistake}")

    # numbers: filled in, checked at once, locked in by running the cell again
    fill = exercise("jacobian-fill")
    (inputs,) = draw_cases(fill, seed_of(STUDENT, fill.id))
    J = np.real(fill.right(*inputs.values())).round(6) + 0.0
    entries = notebook.output("answer-jacobian-fill").locator("input.crx-entry")
    assert entries.count() == J.size

    def enter(values):
        notebook.cell("answer-jacobian-fill")
        for entry, value in zip(entries.all(), values.ravel(), strict=True):
            entry.fill(f"{value:g}")
        notebook.output("answer-jacobian-fill").get_by_role("button", name="Check", exact=True).click()
        return expect(notebook.output("answer-jacobian-fill").locator(".crx-panel"))

    wrong = J.copy()
    wrong[2, 0] /= 2
    enter(wrong).to_contain_text(named(fill.id, "factor-two"))
    notebook.screenshot("jacobian-fill-factor-two")
    enter(J).to_contain_text("Right.")
    notebook.activate("answer-jacobian-fill")
    notebook.page.keyboard.press("Control+Enter")
    notebook.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.getSource().includes('[[')"
    )
    locked = re.fullmatch(
        r'# answer: jacobian-fill\nJ_fill = lock_in\("jacobian-fill", (.*)\)',
        notebook.source("answer-jacobian-fill"),
        re.DOTALL,
    )
    np.testing.assert_allclose(ast.literal_eval(locked[1]), J)
    notebook.run("check-jacobian-fill")
    expect(notebook.output("check-jacobian-fill").locator(".crx-panel")).to_contain_text("Right.")
    expect(notebook.output("setup").locator(".crx-progress")).to_contain_text("3 of 6 right, 8 of 12 points")
    notebook.screenshot("exercises-04")

    # the file is all that is handed in
    saved = {cell.id: cell.source for cell in notebook.save().cells}
    assert saved["answer-numerical-jacobian"] == RIGHT
    graded = grade(notebook.file, tmp_path)
    assert {id: (float(row["points"]), float(row["of"])) for id, row in graded.items()} == {
        "jacobian-fill": (2, 2),
        "jacobian-patterns": (0, 1),
        "numerical-jacobian": (3, 3),
        "jacobian-layout": (0, 1),
        "softmax-jacobian": (3, 3),
        "bias-and-fork": (0, 2),
    }
    assert {row["verdict"] for id, row in graded.items() if float(row["points"]) == 0} == {"not-attempted"}
