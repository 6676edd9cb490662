"""The explorables of chapters 01 to 03 in Chromium: every number shown against course_lib; hands, keys, and Jupyter."""

import json
import re

import numpy as np
import pytest

from course_lib.explorables import DifferenceExplorer, LineFitter, ShapeEditor
from course_lib.explorables.difference_explorer import FUNCTIONS, PRECISIONS
from tests.browser.bench import assert_shown, drag, number

# ------------------------------------------------------------------ line fitter


@pytest.mark.parametrize("seed", range(4))
def test_every_number_of_the_line_fitter_is_right(bench, seed):
    rng = np.random.default_rng(seed)
    n = 3 + seed
    fitter = LineFitter(rng.normal(size=n).round(2), rng.normal(size=n).round(2))
    bench.show(fitter)
    for _ in range(5):
        w0, w1, b0, b1 = fitter._theta
        fitter.w, fitter.b = rng.uniform(w0, w1), rng.uniform(b0, b1)
        bench.set(w=fitter.w, b=fitter.b)
        assert_shown(bench.texts("[data-number=loss]")[0], fitter.loss)
        for name, values in (("residual", fitter.residuals), ("loss", fitter.losses), ("gradient", fitter.gradient)):
            for text, value in zip(bench.texts(f"[data-{name}]"), values, strict=True):
                assert_shown(text, value)
        total, mean = re.fullmatch(rf"(.*) ∕ {n} = (.*)", bench.texts("[data-number=mean]")[0]).groups()
        assert_shown(total, fitter.losses.sum())
        assert_shown(mean, fitter.loss)
        widths = bench.page.locator(".cr-fit-part").evaluate_all("parts => parts.map(p => parseFloat(p.style.width))")
        assert sum(widths) == pytest.approx(100 * min(1, fitter.loss / fitter._full), abs=0.01)


def test_a_step_down_goes_where_the_twin_says(bench):
    fitter = LineFitter(w=1.2, b=2.0)
    bench.show(fitter)
    for _ in range(3):
        bench.page.get_by_role("button", name="one step down").click()
        fitter.w, fitter.b = map(float, np.array([fitter.w, fitter.b]) - fitter.eta * fitter.gradient)
        assert [bench.get("w"), bench.get("b")] == pytest.approx([fitter.w, fitter.b], rel=1e-12)
    assert len(bench.get("_trail")) == 4
    assert bench.page.locator(".cr-fit-dots circle").count() == 3
    bench.page.get_by_role("button", name="start over").click()
    assert [bench.get("w"), bench.get("b"), bench.get("_trail")] == [1.2, 2.0, []]


def test_the_line_of_least_loss_is_at_the_cross(bench):
    fitter = LineFitter()
    bench.show(fitter)
    w, b = np.polyfit(fitter.x, fitter.y, 1)
    bench.set(w=w, b=b)
    assert "The gradient is 0" in bench.texts(".cr-sentence")[0]
    cross, point = (bench.page.locator(name).bounding_box() for name in (".cr-fit-least", ".cr-fit-point[r='8']"))
    for side, size in (("x", "width"), ("y", "height")):
        assert cross[side] + cross[size] / 2 == pytest.approx(point[side] + point[size] / 2, abs=1.5)


RINGS = """rings => rings.map(ring => {
    const long = ring.getTotalLength(), turn = ring.transform.baseVal.consolidate().matrix;
    return Array.from({length: 400}, (_, k) => ring.getPointAtLength(k * long / 400).matrixTransform(turn))
        .map(p => [(p.x - 30) / 316, (334 - p.y) / 308]).filter(p => p.every(share => share > 0 && share < 1));
})"""


@pytest.mark.parametrize(
    "fitter",
    [LineFitter(), LineFitter(w=9, b=-30), LineFitter([-3, -2, -1], [2, 1, 3]), LineFitter([100, 101, 103], [1, 2, 5])],
)
def test_each_contour_is_the_whole_ellipse_of_one_loss(bench, fitter):
    bench.show(fitter)
    w0, w1, b0, b1 = fitter._theta
    rings, levels = bench.page.locator("[clip-path] > ellipse.cr-fit-ring").evaluate_all(RINGS), []
    for shares in filter(None, rings):
        w, b = (np.array([w0, b0]) + np.array(shares) * [w1 - w0, b1 - b0]).T
        losses = 0.5 * np.mean((np.outer(w, fitter.x) + b[:, None] - fitter.y) ** 2, axis=1)
        levels.append(np.median(losses))
        np.testing.assert_allclose(losses, levels[-1], rtol=0.02)
    written = [number(text)[0] for text in bench.texts(".cr-fit-level")]
    assert len(levels) >= len(written) > 3
    for level in written:
        assert np.isclose(level, levels, rtol=0.02).any()


def test_line_ends_and_point_follow_the_hand(bench):
    bench.show(LineFitter())
    page = bench.page
    drag(page, page.locator(".cr-fit-point").nth(1), (0, -60))
    assert bench.get("w") > 0.1, "the right end was lifted"
    assert bench.get("w") * -0.15 + bench.get("b") == pytest.approx(3, abs=0.01), "the left end stayed"
    bench.set(w=0, b=3)
    drag(page, page.locator(".cr-fit-lift"), (0, 40))
    assert bench.get("w") == 0
    assert bench.get("b") < 2.8
    drag(page, page.locator(".cr-fit-point[r='8']"), (30, 0))
    assert bench.get("w") > 0.1
    assert bench.page.evaluate("document.activeElement.getAttribute('r')") == "8"


def test_the_line_fitter_works_by_keys_alone(bench):
    bench.show(LineFitter())
    page = bench.page
    page.locator(".cr-fit-point[r='8']").focus()
    for key in ("ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert [bench.get("w"), bench.get("b")] == [0.01, 2.9]
    page.locator(".cr-fit-point").first.focus()
    page.keyboard.press("ArrowUp")
    assert bench.get("w") < 0.01
    page.get_by_role("radio", name="squares").press("Space")
    assert bench.get("squares") is True
    assert page.locator(".cr-fit-residuals rect").count() == 5
    page.get_by_role("button", name="arrow").press("Enter")
    assert bench.get("arrow") is True
    page.get_by_label("learning rate").press("ArrowRight")
    assert bench.get("eta") == pytest.approx(0.11)


# ------------------------------------------------------------------ shape editor


def whole(text):
    return int(text.replace("\u202f", ""))


@pytest.mark.parametrize("sizes", [[2, 3, 2], [784, 512, 512, 10], [3, 9999, 1, 7, 5, 7, 2], [1, 1]])
def test_every_shape_and_count_of_the_editor_is_right(bench, sizes):
    editor = ShapeEditor([4, 4])
    bench.show(editor)
    editor.sizes = sizes
    bench.set(sizes=sizes, view="matrices")
    assert whole(bench.texts("[data-number=P]")[0]) == editor.P
    for l, ((W, b), count) in enumerate(zip(editor.shapes, editor.parameters, strict=True), 1):
        cells = bench.texts(f"[data-layer='{l}'] td")
        shapes = [tuple(map(whole, cell.strip("()").split(", "))) for cell in cells[:4]]
        assert shapes == [W, b, b, b]
        assert list(map(whole, cells[4:7])) == [W[0] * W[1], b[0], count]
        share, half = number(cells[7])
        assert share == pytest.approx(100 * count / editor.P, abs=half)
    tiles = bench.page.locator("[data-tile]").evaluate_all(
        "t => t.map(e => [e.dataset.tile, e.offsetWidth, e.offsetHeight])"
    )
    scale = 132 / max(sizes)
    for tile, width, height in tiles:
        rows, columns = map(int, tile.split())
        assert width == pytest.approx(max(2, columns * scale), abs=0.6)
        assert height == pytest.approx(max(2, rows * scale), abs=0.6)


def test_layers_are_added_removed_widened_and_chosen_by_buttons_and_keys(bench):
    bench.show(ShapeEditor([2, 3, 2]))
    page = bench.page
    page.get_by_role("button", name="one neuron more in layer 1").press("Enter")
    assert bench.get("sizes") == [2, 4, 2]
    page.get_by_role("button", name="add a layer after layer 1").press("Enter")
    assert bench.get("sizes") == [2, 4, 4, 2]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "n2, layer 2"
    page.keyboard.press("ArrowUp")
    assert (bench.get("sizes"), bench.get("layer")) == ([2, 4, 5, 2], 2)
    page.get_by_label("n0, inputs").fill("784")
    assert (bench.get("sizes"), bench.get("layer")) == ([784, 4, 5, 2], 0)
    page.get_by_role("button", name="remove layer 2").press("Enter")
    assert bench.get("sizes") == [784, 4, 2]
    page.get_by_role("radio", name="784–30–10").press("Space")
    assert bench.get("sizes") == [784, 30, 10]
    assert bench.texts(".cr-sentence") == [
        "n₁ = 30 gives W¹ its 30 rows and W² its 30 columns. The network has 23\u202f860 parameters."
    ]


def test_the_domino_is_lit_in_rows_and_columns_alike(bench):
    bench.show(ShapeEditor([2, 3, 5], view="matrices"))
    assert bench.texts("tbody .cr-shapes-lit") == ["3"] * 5
    lit = bench.page.locator(".cr-shapes-tile.cr-rows, .cr-shapes-tile.cr-cols").evaluate_all(
        "t => t.map(e => e.dataset.tile)"
    )
    assert sorted(lit) == ["3 1", "3 1", "3 1", "3 2", "5 3"]


# ------------------------------------------------------------------ difference explorer


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_numbers_of_the_difference_explorer_are_those_of_the_twin(bench, function, precision):
    rng = np.random.default_rng(len(function))
    explorer = DifferenceExplorer(function, precision=precision)
    bench.show(explorer)
    eps = np.finfo(precision).eps
    for _ in range(6):
        explorer.h = float(f"{10 ** rng.uniform(-12, 0):.1e}")
        explorer.x = round(rng.uniform(-2, 2), 3)
        bench.set(h=explorer.h, x=explorer.x)
        # page and kernel have each their own exp and sin: their last digits may differ, and 1/h blows this up
        size = max(abs(FUNCTIONS[function].f(explorer.x, float)), 1) if function in ("exp", "sin(100x)") else 0
        slack = 4 * eps * (size / explorer.h + abs(explorer.slope))
        rows = [
            [row.locator(".cr-diff-estimate").text_content(), row.locator(".cr-diff-rough").text_content()]
            for row in bench.page.locator("[data-method]").all()
        ]
        for (estimate, error), name in zip(rows, explorer.estimates, strict=True):
            shown, half = number(estimate)
            assert abs(shown - explorer.estimates[name]) <= half + slack, (name, explorer)
            shown, half = number(error)
            assert abs(shown - explorer.errors[name]) <= half + slack / (abs(explorer.slope) or 1), (name, explorer)


def test_what_rules_is_said(bench):
    bench.show(DifferenceExplorer())
    said = {}
    for h in (1e-2, 1e-6, 1e-10, 1e-16):
        bench.set(h=h)
        said[h] = bench.texts(".cr-sentence")[0]
    assert "Truncation rules" in said[1e-2]
    assert "One-sided: truncation rules" in said[1e-6]
    assert "Central: rounding rules" in said[1e-6]
    assert "Both differences: rounding rules" in said[1e-10]
    assert "the nudge to the right is lost" in said[1e-16]
    bench.page.get_by_role("radio", name="max").press("Space")
    assert bench.get("x") == 2e-6
    bench.set(h=1e-5)
    assert "central difference gives 0.6000" in bench.texts(".cr-sentence")[0]


def test_the_step_follows_hand_and_keys(bench):
    bench.show(DifferenceExplorer(h=1e-2))
    page = bench.page
    page.get_by_label("step h").press("ArrowLeft")
    assert bench.get("h") == 0.0079
    box = page.locator(".cr-diff-chart").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert 1e-10 < bench.get("h") < 1e-6
    page.get_by_label("x", exact=True).fill("2e-1")
    page.keyboard.press("Enter")
    assert bench.get("x") == 0.2
    page.get_by_label("x", exact=True).fill("no number")
    page.keyboard.press("Enter")
    assert bench.get("x") == 0.2
    page.get_by_role("radio", name="float32").press("Space")
    assert bench.get("precision") == "float32"


# ------------------------------------------------------------------ in Jupyter

CELLS = [
    "from course_lib.explorables import DifferenceExplorer, LineFitter, ShapeEditor",
    "fitter = LineFitter(); fitter",
    "editor = ShapeEditor([2, 3, 2]); editor",
    "explorer = DifferenceExplorer(h=0.01); explorer",
    "print(fitter.w, fitter.b, editor.sizes, editor.P, explorer.h)",
    "fitter.w = 0.5; editor.sizes = [784, 30, 10]; explorer.h = 1e-5",
]


def test_page_and_kernel_share_their_state(open_notebook):
    notebook = open_notebook(CELLS)
    for cell in range(4):
        notebook.run(cell)
    notebook.cell(1).locator(".cr-fit-point[r='8']").press("ArrowRight")
    notebook.cell(2).get_by_role("button", name="one neuron more in layer 1").click()
    notebook.cell(3).get_by_label("step h").press("ArrowLeft")
    notebook.run(4)
    assert notebook.output(4).inner_text().strip() == "0.01 3.0 [2, 4, 2] 22 0.0079"
    notebook.run(5)
    notebook.cell(1).locator(".cr-sentence").filter(has_text="w = 0.5, b = 3").wait_for()
    notebook.cell(2).locator("[data-number=P]").filter(has_text="23\u202f860").wait_for()
    notebook.cell(3).locator(".cr-sentence").filter(has_text="h = 1e−5").wait_for()
    outputs = [cell.outputs[0].data for cell in notebook.save().cells[1:4]]
    assert all("base64," in data["text/html"] for data in outputs)
    assert json.dumps(outputs)
    notebook.screenshot("explorables-early")
