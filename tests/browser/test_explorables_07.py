"""The batch stacker in Chromium: every number shown against NumPy; hands, keys, and times from the kernel."""

import json
import re

import numpy as np
import pytest

from course_lib.explorables import BatchStacker
from tests.browser.bench import assert_shown, number
from tests.explorable_states import TIMES


def tiles(bench):
    """The matrices shown, by name."""
    found = bench.page.evaluate("""() => Object.fromEntries([...document.querySelectorAll("[data-tiles]")].map(t => [
        t.dataset.tiles, {texts: [...t.children].map(c => c.textContent),
                          wide: getComputedStyle(t).gridTemplateColumns.split(" ").length}]))""")
    return {name: np.reshape(t["texts"], (-1, t["wide"])) for name, t in found.items()}


def assert_tiles(texts, values):
    assert texts.shape == values.shape
    for text, value in zip(texts.ravel(), values.ravel(), strict=True):
        assert_shown(str(text), value)


@pytest.mark.parametrize("seed", range(6))
def test_every_number_of_the_batch_stacker_is_right(bench, seed):
    rng = np.random.default_rng(seed)
    m, k, most = rng.integers(1, 5), rng.integers(1, 5), rng.integers(2, 9)
    draw = (lambda *size: rng.integers(-9, 10, size=size)) if seed % 2 else (lambda *size: rng.normal(size=size))
    stacker = BatchStacker(draw(m, most), draw(k, most))
    bench.show(stacker)
    for _ in range(4):
        N, n, i, j = (int(rng.integers(low, high + 1)) for low, high in ((1, most), (0, most), (1, m), (1, k)))
        stacker.N, stacker.n, stacker.entry = N, n, [i, j]
        bench.set(view="loop", N=N, n=n, entry=[i, j])
        delta, a, upto = np.array(stacker.delta), np.array(stacker.a), min(n, N)
        shown = tiles(bench)
        assert len(shown) == 3 * N + 1
        for e in range(N):
            assert_tiles(shown[f"delta, example {e + 1}"], delta[:, [e]])
            assert_tiles(shown[f"a transposed, example {e + 1}"], a[:, [e]].T)
            assert_tiles(shown[f"outer product {e + 1}"], np.outer(delta[:, e], a[:, e]))
        assert_tiles(shown["sum"], stacker.sum)
        assert_spelled(bench, delta[i - 1, :upto], a[j - 1, :upto])
        assert f"{m} · {k} · {N} = {m * k * N} multiplications" in bench.texts(".cr-sentence")[0]
        assert f"After {upto} of {N} examples" in bench.texts(".cr-sentence")[0]
        bench.set(view="product")
        shown = tiles(bench)
        assert_tiles(shown["delta"], delta[:, :N])
        assert_tiles(shown["a transposed"], a[:, :N].T)
        assert_tiles(shown["sum"], stacker.product)
        assert_spelled(bench, delta[i - 1, :N], a[j - 1, :N])


def assert_spelled(bench, left, right):
    """The chosen entry as a sum of products, every factor and the result."""
    line = bench.texts(".cr-stack-spelled")[0]
    for text, (p, q) in zip(bench.texts(".cr-stack-term"), zip(left, right, strict=True), strict=True):
        for part, value in zip(text.split(" · "), (p, q), strict=True):
            assert_shown(part, value)
    if len(left) > 1:
        for text, value in zip(line.split(" = ")[2].split(" + "), left * right, strict=True):
            assert_shown(text, value)
    assert_shown(bench.texts("[data-number=entry]")[0], float(left @ right))


def test_the_chosen_entry_is_lit_where_it_is_made(bench):
    bench.show(BatchStacker(entry=[2, 3], n=2))
    lit = bench.page.locator("[data-example='2'] .cr-stack-lit").all_text_contents()
    assert lit == ["4", "1", "4"], "a_3, delta_2 and their product"
    assert bench.page.locator("[data-example='3'] .cr-stack-lit").count() == 0, "not added yet"
    assert bench.page.locator(".cr-stack-later").count() == 2
    bench.set(view="product")
    assert bench.page.locator("[data-tiles=delta] .cr-stack-lit").all_text_contents() == ["2", "1", "−1", "4"]
    assert bench.page.locator("[data-tiles='a transposed'] .cr-stack-lit").all_text_contents() == ["−2", "4", "1", "3"]


def test_cells_stay_where_they_are_when_another_entry_is_chosen(bench):
    bench.show(BatchStacker(0.123456 * np.ones((2, 4)), -np.ones((3, 4))))
    places = "() => [...document.querySelectorAll('.cr-stack-cell')].map(c => c.getBoundingClientRect().x)"
    before = bench.page.evaluate(places)
    bench.set(entry=[2, 2])
    assert bench.page.evaluate(places) == before


def test_the_batch_stacker_works_by_mouse(bench):
    bench.show(BatchStacker())
    bench.page.locator("[data-entry='2 3']").click()
    assert bench.get("entry") == [2, 3]
    bench.page.get_by_role("radio", name="one product").click()
    assert bench.get("view") == "product"
    assert not bench.page.get_by_label("added so far").is_visible()
    bench.page.get_by_role("button", name="measure").click()
    assert bench.get("measuring") is True


def test_the_batch_stacker_works_by_keys_alone(bench):
    bench.show(BatchStacker())
    page = bench.page
    page.get_by_label("added so far").focus()
    page.keyboard.press("ArrowRight")
    assert bench.get("n") == 2
    page.get_by_role("slider", name="examples N").focus()
    page.keyboard.press("End")
    assert bench.get("N") == 6
    page.locator("[data-entry='1 1']").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    assert bench.get("entry") == [2, 1]
    assert page.evaluate("document.activeElement.dataset.entry") == "2 1", "the focus goes with the choice"
    assert page.locator("[data-entry][tabindex='0']").count() == 1
    page.get_by_role("radio", name="32 × 64").press("Space")
    assert bench.get("layer") == [32, 64]
    page.get_by_role("button", name="measure").press("Enter")
    assert bench.get("measuring") is True


def seconds(text):
    """A time of the page in seconds, and half a unit of its last digit."""
    value, unit = text.split(" ")
    factor = {"s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
    shown, half = number(value)
    return shown * factor, half * factor


def assert_times(rows, measured):
    """The table against the medians: to three digits, and their ratio."""
    assert len(rows) == len(measured)
    for row, (N, loop, product) in zip(rows, measured, strict=True):
        assert number(row[0])[0] == N
        for text, way in zip(row[1:3], (loop, product), strict=True):
            shown, half = seconds(text)
            assert abs(shown - way[1]) <= half * (1 + 1e-9)
        assert_shown(row[3].removesuffix(" ×") + ("" if "." in row[3] else "."), loop[1] / product[1])


def table(locator):
    return locator.locator("tr[data-measured]").evaluate_all(
        "rows => rows.map(r => [...r.children].map(c => c.textContent))"
    )


@pytest.mark.parametrize("seed", range(3))
def test_times_are_shown_as_medians_with_quartiles_and_as_a_ratio(bench, seed):
    rng = np.random.default_rng(seed)
    rows = [
        [N, *(np.sort(10 ** rng.uniform(-7.5, 0.5) * rng.uniform(0.5, 2, size=3)).tolist() for _ in "12")]
        for N in (1, 10, 100, 1000, 10_000)
    ]
    bench.show(BatchStacker(times={"layer": [2, 3], "rows": rows}))
    assert_times(table(bench.page.locator("main")), rows)
    parts = ["loop rect", "product circle", "loop .cr-stack-bar", "product .cr-stack-bar"]
    at = bench.page.evaluate(
        """parts => parts.map(
        name => [...document.querySelectorAll(".cr-stack-" + name)].map(e => { const b = e.getBBox();
            return [b.y, b.y + b.height]; }))""",
        parts,
    )
    heights = {"y": [], "log": []}
    for points, bars, way in ((at[0], at[2], 1), (at[1], at[3], 2)):
        for (top, bottom), (high, low), row in zip(points, bars, rows, strict=True):
            heights["y"] += [(top + bottom) / 2, high, low]
            heights["log"] += np.log10([row[way][1], row[way][2], row[way][0]]).tolist()
    slope, start = np.polyfit(heights["log"], heights["y"], 1)
    assert slope < 0, "longer is higher"
    np.testing.assert_allclose(np.polyval([slope, start], heights["log"]), heights["y"], atol=0.2)


def test_times_of_another_layer_are_not_shown_and_progress_is_told(bench):
    bench.show(BatchStacker(times=TIMES))
    assert table(bench.page.locator("main")) == []
    assert "not measured yet" in bench.page.locator(".cr-stack-times p").text_content()
    bench.set(layer=[32, 64])
    assert len(table(bench.page.locator("main"))) == 5
    bench.set(measuring=True, times={"layer": [32, 64], "rows": TIMES["rows"][:2]})
    assert "2 of 5 sizes" in bench.page.locator(".cr-stack-times p").text_content()
    assert bench.page.get_by_role("radio", name="32 × 64").is_disabled()
    bench.page.locator(".cr-stack-go").press("Enter")
    assert bench.get("measuring") is True, "a second press changes nothing"


CELLS = [
    """from threading import Event
from course_lib import complexity
from course_lib.explorables import BatchStacker, batch_stacker
may_start = Event()
batch_stacker.measure = lambda way, seconds: may_start.wait(60) and complexity.measure(way, 0.01)""",
    "stacker = BatchStacker(); stacker",
    "print(stacker.N, stacker.n, stacker.entry, stacker.measuring)",
    "may_start.set()",
    "import json; print(json.dumps(stacker.times))",
    "stacker.view = 'product'; stacker.N = 6; print(stacker)",
]


def test_the_kernel_measures_while_it_goes_on_working(open_notebook):
    notebook = open_notebook(CELLS)
    notebook.run(0)
    notebook.run(1)
    page = notebook.cell(1)
    page.get_by_label("added so far").press("ArrowRight")
    page.locator("[data-entry='2 3']").click()
    page.get_by_role("button", name="measure").click()
    notebook.run(2)
    notebook.run(2)  # ipywidgets sends a change when the one before is answered, which may be after the first cell
    assert notebook.output(2).inner_text().strip() == "4 2 [2, 3] True", "a cell runs while the times are being taken"
    notebook.run(3)
    page.get_by_role("button", name="measure again").wait_for()
    notebook.run(4)
    times = json.loads(notebook.output(4).inner_text())
    assert_times(table(notebook.cell(1)), times["rows"])
    assert [row[0] for row in times["rows"]] == [1, 10, 100, 1000, 10_000]
    notebook.run(5)
    assert "6 examples, one product" in notebook.output(5).inner_text()
    notebook.cell(1).locator(".cr-sentence").filter(has_text="36 multiplications again").wait_for()
    output = notebook.save().cells[1].outputs[0].data
    assert "base64," in output["text/html"]
    assert not re.search(r"µs|ms", output["text/plain"] + output["text/html"].split("base64,")[0])
    notebook.screenshot("batch-stacker")
