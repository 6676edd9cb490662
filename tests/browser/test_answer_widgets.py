"""The answer widgets on the real page: by keys and by mouse, from the first entry to the file that is handed in."""

import json
import re
from types import SimpleNamespace

import nbformat
import pytest
from playwright.sync_api import expect

from course_lib.exercises import exercise
from course_lib.exercises.declaration import draw_cases, seed_of
from course_lib.exercises.session import Session
from course_lib.exercises.widget import AnswerWidget

APPS = pytest.mark.parametrize("app", ["lab", "notebook"])
SETUP = "from course_lib.exercises import *\nstudent('Ada', chapter='04')"
FILL, PATTERN, FACTORS, PATHS, NEEDS = "jacobian-fill", "jacobian-layout", "factors-order", "paths-all", "needs-w2"


def numbers(id):
    return SimpleNamespace(**draw_cases(exercise(id), seed_of("Ada", id))[0])


def right(id):
    value = exercise(id).right(*vars(numbers(id)).values())
    return value.round(9).tolist() if hasattr(value, "tolist") else value


def cells(*ids):
    """The setup cell, an answer cell for each id, then a check cell for each."""
    answers = [f'# answer: {id}\nanswer_{k} = lock_in("{id}")' for k, id in enumerate(ids)]
    return [SETUP, *answers, *(f'check("{id}", answer_{k})' for k, id in enumerate(ids))]


def widget(notebook, cell):
    return notebook.cell(cell).locator(".crx-answer")


def lock(notebook, cell, control):
    """Press Shift+Enter where the focus is, in the widget, and wait until its answer stands in the cell."""
    control.focus()
    notebook.page.keyboard.press("Shift+Enter")
    state = notebook.cell(cell).locator(".crx-state")
    expect(state).to_have_text("\u2713 This answer is locked in: it stands in the cell.")
    notebook.page.wait_for_function(  # the source follows the output, with the reply that ends the run
        """i => window.jupyterapp.shell.currentWidget.content.widgets[i]
                .model.sharedModel.getSource().includes('", ')""",
        arg=cell,
    )


@APPS
def test_an_answer_filled_in_by_keys_ends_up_in_the_file(open_notebook, app):
    notebook = open_notebook(cells(FILL), app)
    notebook.run_all()
    keys, box = notebook.page.keyboard, widget(notebook, 1)
    entries = box.locator(".crx-entry")
    entries.first.focus()
    for text in [entry for row in zip(*right(FILL), strict=True) for entry in row]:  # the transpose, row by row
        keys.type(f"{text:g}")
        keys.press("Enter")
    verdict = box.locator(".crx-verdict")
    expect(verdict).to_contain_text("Not yet.")
    expect(verdict).to_contain_text("\u2717")
    assert notebook.active == 1

    entries.first.focus()
    for i, row in enumerate(right(FILL)):
        for j, value in enumerate(row):
            expect(entries.nth(2 * i + j)).to_be_focused()
            keys.type(f"{value:g}")
            if (i, j) != (2, 1):
                keys.press("Enter")
    keys.press("Control+Enter")
    expect(verdict).to_contain_text("Right.")
    expect(notebook.cell(0).locator(".crx-progress")).to_contain_text("1 of 6 right, 2 of 12 points")
    lock(notebook, 1, entries.first)
    literal = json.dumps([[int(v) for v in row] for row in right(FILL)])
    assert notebook.source(1) == f'# answer: {FILL}\nanswer_0 = lock_in("{FILL}", {literal})'

    notebook.restart()
    notebook.run_all()
    saved = notebook.save()
    assert saved.cells[1].source == notebook.source(1)
    assert saved.cells[2].outputs[0].data["text/plain"] == f"{FILL}: Right."
    assert [e.input_value() for e in widget(notebook, 1).locator(".crx-entry").all()] == [
        f"{v:g}" for row in right(FILL) for v in row
    ]


@APPS
def test_arrow_keys_move_between_entries_and_never_between_cells(open_notebook, app):
    notebook = open_notebook(cells(FILL), app)
    notebook.run_all()
    entries = widget(notebook, 1).locator(".crx-entry")
    entries.first.focus()
    for key, at in (("ArrowDown", 2), ("ArrowRight", 3), ("ArrowUp", 1), ("ArrowLeft", 0), ("ArrowUp", 0)):
        notebook.page.keyboard.press(key)
        expect(entries.nth(at)).to_be_focused()
    assert notebook.active == 1
    entries.first.fill("x")
    entries.nth(1).focus()
    expect(entries.first).to_have_attribute("aria-invalid", "true")
    expect(widget(notebook, 1)).to_contain_text("\u201cx\u201d is not a number; try 1/4, -0.5 or 1e-3")


def alone(bench, id):
    """A widget in a page of its own."""
    bench.show(AnswerWidget(Session(), exercise(id), draw_cases(exercise(id), seed_of("Ada", id))[0]))
    return bench.page.locator(".crx-answer")


def test_a_matrix_to_fill_in_stands_between_two_brackets_in_one_piece(bench):
    box = alone(bench, FILL)
    sides = box.locator(".crx-bracket")
    expect(sides).to_have_count(2)
    left, right = (side.bounding_box() for side in sides.all())
    body = box.locator(".crx-grid tbody").bounding_box()
    for side in (left, right):
        assert (side["y"], side["height"]) == (body["y"], body["height"])
    heads, entries = (box.locator(name).evaluate_all(BOXES) for name in ("th[scope=row]", ".crx-entry"))
    assert max(x + wide for x, wide in heads) <= left["x"]
    assert left["x"] < min(x for x, _ in entries) < max(x + wide for x, wide in entries) < right["x"] + right["width"]
    tops = [at for at, _ in box.locator("th[scope=col]").evaluate_all(BOXES)]
    assert tops == [x - 2 for x, _ in entries[:2]]  # each over its column, whose cells have 2 pixels of padding


BOXES = "all => all.map(e => e.getBoundingClientRect()).map(box => [box.x, box.width])"


def test_the_tiles_of_a_pattern_have_the_colours_of_the_figures(bench):
    tiles = alone(bench, "jacobian-patterns").locator(".crx-tiles td")
    found = tiles.evaluate_all("all => all.map(e => [e.textContent, getComputedStyle(e).backgroundColor])")
    shades = {text: [float(v) for v in re.findall(r"[\d.]+", shade)[:3]] for text, shade in found if text}
    assert {text[0] == "\u2212" for text in shades} == {True, False}
    for text, (red, _, blue) in shades.items():
        assert (red > blue) == (text[0] == "\u2212")


@APPS
def test_choices_lists_and_graphs_work_by_keys(open_notebook, app):
    notebook = open_notebook(cells(PATTERN, FACTORS, PATHS, NEEDS), app)
    notebook.run_all()
    page, keys = notebook.page, notebook.page.keyboard

    box = widget(notebook, 1)
    box.locator("input").first.focus()
    keys.press("Space")
    while box.locator("input:checked").get_attribute("value") != right(PATTERN):
        keys.press("ArrowDown")
    lock(notebook, 1, box.locator("input:checked"))
    assert f'lock_in("{PATTERN}", "{right(PATTERN)}")' in notebook.source(1)

    box, wanted = widget(notebook, 2), right(FACTORS).split()
    html = exercise(FACTORS).ask(*vars(numbers(FACTORS)).values()).options
    names = {key: html[key].replace("<sub>", "").replace("</sub>", "") for key in wanted}
    for place, key in enumerate(wanted):
        item = box.get_by_role("button", name=f"{names[key]},")
        item.focus()
        while not item.get_attribute("aria-label").endswith(f", {place + 1} of {len(wanted)}"):
            keys.press("Alt+ArrowUp")
            expect(item).to_be_focused()
    box.locator(".crx-main").press("Enter")  # which settles on the list as it stands, moved or not
    expect(box.locator(".crx-verdict")).to_contain_text("Right.")
    lock(notebook, 2, box.locator(".crx-item").first)
    assert f'lock_in("{FACTORS}", "{right(FACTORS)}")' in notebook.source(2)

    box = widget(notebook, 3)
    for way in right(PATHS):
        for node in way.split(" > "):
            box.locator(".crx-node[tabindex='0']").focus()
            reach(page, node)
            keys.press("Enter")
    expect(box.locator(".crx-picked li")).to_have_count(len(right(PATHS)))
    lock(notebook, 3, box.locator(".crx-node[tabindex='0']"))

    box = widget(notebook, 4)
    for node in right(NEEDS):
        box.locator(".crx-node[tabindex='0']").focus()
        reach(page, node)
        keys.press("Space")
    box.locator(".crx-main").press("Enter")
    expect(box.locator(".crx-verdict")).to_contain_text("Right.")
    lock(notebook, 4, box.locator(".crx-main"))

    notebook.restart()
    notebook.run_all()
    lines = [cell.outputs[0].data["text/plain"] for cell in notebook.save().cells[5:]]
    assert lines == [f"{id}: Right." for id in (PATTERN, FACTORS, PATHS, NEEDS)]


def reach(page, node):
    """Walk with the arrow keys from the focused node to another one, as its place on the page suggests."""
    for _ in range(40):
        here, there = page.evaluate(
            """node => { const at = e => { const b = e.getBoundingClientRect(); return [b.x, b.y]; };
                const now = document.activeElement, root = now.ownerSVGElement;
                const name = n => n.getAttribute('aria-label').split(',')[0];
                const aim = [...root.querySelectorAll('.crx-node')].find(n => name(n) === node);
                return [at(now), at(aim)]; }""",
            node,
        )
        dx, dy = there[0] - here[0], there[1] - here[1]
        if abs(dx) + abs(dy) < 3:
            return
        sideways = abs(dx) > 3 and (abs(dx) >= abs(dy) or abs(dy) < 3)
        page.keyboard.press(
            ("ArrowRight" if dx > 0 else "ArrowLeft") if sideways else ("ArrowDown" if dy > 0 else "ArrowUp")
        )
    raise AssertionError(f"the arrow keys do not lead to {node}")


def test_lists_and_graphs_work_by_mouse(open_notebook):
    notebook = open_notebook(cells(FACTORS, PATHS))
    notebook.run_all()
    mouse = notebook.page.mouse
    box = widget(notebook, 1)
    items = box.locator(".crx-item")
    before = [item.inner_text() for item in items.all()]
    top, bottom = items.first.bounding_box(), items.last.bounding_box()
    mouse.move(bottom["x"] + 80, bottom["y"] + 10)
    mouse.down()
    mouse.move(bottom["x"] + 80, bottom["y"] - 20, steps=3)
    mouse.move(top["x"] + 80, top["y"] + 2, steps=8)
    mouse.up()
    assert [item.inner_text() for item in items.all()] == [before[-1], *before[:-1]]
    box.get_by_role("button", name=f"move {before[-1]} down").click()
    assert [item.inner_text() for item in items.all()][:2] == [before[0], before[-1]]

    box = widget(notebook, 2)
    for node in right(PATHS)[0].split(" > "):
        box.locator(f".crx-node[aria-label^='{node}']").click()
    expect(box.locator(".crx-picked li")).to_have_count(1)
    box.get_by_role("button", name=f"take {right(PATHS)[0]} away").click()
    expect(box.locator(".crx-picked li")).to_have_count(0)
    box.locator(".crx-node[aria-label^='x2']").click()
    box.get_by_role("button", name="Take the last step back").click()
    expect(box).to_contain_text("Click your way through the nodes, beginning at x\u2082")


@APPS
def test_hints_open_by_keys_one_inside_the_other(open_notebook, app):
    notebook = open_notebook([SETUP, f'check("{FILL}", [[1, 2], [3, 4], [5, 6]])'], app)
    notebook.run_all()
    output, keys = notebook.output(1), notebook.page.keyboard
    hints = exercise(FILL).hints
    for k, summary in enumerate(["A hint", "Another hint", "The formula", "The solution"]):
        step = output.locator("summary", has_text=summary)
        expect(step).to_be_visible()
        step.focus()
        keys.press("Enter")
        if k < 3:
            expect(output.get_by_text(hints[k], exact=True)).to_be_visible()
        assert notebook.active == 1
    expect(
        output.get_by_text("J_fill = np.array").or_(output.get_by_text("the answer (3 \u00d7 2)")).first
    ).to_be_visible()


def test_a_panel_in_a_notebook_that_is_not_trusted_keeps_its_picture_and_its_hints(open_notebook, tmp_path):
    """A file from elsewhere is not trusted: JupyterLab sanitizes its outputs before it shows them."""
    notebook = open_notebook([SETUP, 'check("compose-jacobians", lambda *given: [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])'])
    notebook.run_all()
    saved = notebook.save()
    saved.metadata.pop("signature", None)
    saved.cells[1].outputs[0].data["text/html"] += (
        '<p class="forged" onclick="x()">forged</p><script>window.forged = 1</script>'
    )
    elsewhere = tmp_path / "elsewhere.ipynb"
    nbformat.write(saved, elsewhere)
    notebook = open_notebook(elsewhere)
    panel = notebook.output(1)
    expect(panel.locator(".forged")).to_be_visible()
    assert panel.locator("[onclick], script").count() == 0  # it was sanitized indeed
    expect(panel.locator("table")).to_have_count(3)
    tile = panel.locator("table").nth(2).locator("td").first
    assert "rgba" in tile.evaluate("e => getComputedStyle(e).backgroundColor")
    worst = panel.locator("td").evaluate_all("all => all.filter(e => e.style.border === '2px solid').length")
    assert worst == 3
    panel.locator("summary").first.click()
    expect(panel.get_by_text(exercise("compose-jacobians").hints[0])).to_be_visible()


def test_every_control_has_a_name(open_notebook):
    notebook = open_notebook(cells(FILL, PATTERN, FACTORS, PATHS, NEEDS))
    notebook.run_all()
    for cell in range(1, 6):
        box = widget(notebook, cell)
        for role in ("button", "textbox", "radio", "checkbox"):
            for control in box.get_by_role(role).all():
                assert control.evaluate(
                    "e => e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')?.textContent"
                ), control
