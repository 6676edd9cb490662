"""What holds for every explorable in Chromium: no overlap at any width, contrast, names and keys, a whole clean-up."""

import re

import numpy as np
import pytest

from course_lib.explorables import GraphPlayer, LineFitter, PassPlayer, PathExplorer
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


PALE = """() => {
    const channel = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const parse = c => { const v = (c.match(/[\\d.]+/g) ?? []).map(Number);
        return c.startsWith("rgb") ? [...v.slice(0, 3).map(u => u / 255), v[3] ?? 1] : [...v.slice(0, 3), v[3] ?? 1]; };
    const paper = light(parse(getComputedStyle(document.querySelector(".cr")).backgroundColor));
    const ratio = c => { const [r, g, b, a] = parse(c); if (c === "none" || !a) return 1;
        const l = light([r, g, b]); return (Math.max(l, paper) + 0.05) / (Math.min(l, paper) + 0.05); };
    return [...document.querySelectorAll(".cr svg [tabindex]")].filter(e => e.getClientRects().length
        && Math.max(...[e, ...e.querySelectorAll("*")].flatMap(one => { const s = getComputedStyle(one);
            return [s.stroke, s.fill].map(ratio); })) < 3).map(e => e.outerHTML.slice(0, 120));
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("chapter", STATES)
def test_what_can_be_pressed_in_a_picture_stands_out_from_its_ground(bench, chapter, dark):
    for explorable in STATES[chapter]:
        bench.show(explorable, dark=dark)
        assert bench.page.evaluate(PALE) == [], explorable


def test_lines_that_are_too_pale_to_be_found_are_found(bench):
    bench.show(PassPlayer())
    bench.page.evaluate("document.querySelector('.cr').style.setProperty('--cr-quiet', '#c9ced6')")
    assert len(bench.page.evaluate(PALE)) == 8, "all weights"


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


LOOKS = """() => [...document.querySelectorAll(".cr, .cr *")].map(e => {
    const style = getComputedStyle(e);
    return [e.tagName, e.getAttribute("class"), ...[...style].map(name => style.getPropertyValue(name))].join();
})"""


@pytest.mark.parametrize("explorable", FIRST, ids=lambda e: type(e).__name__)
def test_an_explorable_looks_the_same_beside_all_the_others(bench, explorable):
    bench.page.emulate_media(reduced_motion="reduce")
    bench.show(explorable)
    alone = bench.page.evaluate(LOOKS)
    for other in FIRST:  # each brings the style of the kit again, after the one that is there
        bench.page.evaluate(
            "css => { document.body.appendChild(document.createElement('style')).append(css); }", other._css
        )
    beside = bench.page.evaluate(LOOKS)
    assert [one for one, two in zip(alone, beside, strict=True) if one != two] == []


CORNERS = """() => [...document.querySelectorAll(".cr button")].map(e => getComputedStyle(e).borderRadius)"""


@pytest.mark.parametrize("explorable", FIRST, ids=lambda e: type(e).__name__)
def test_jupyters_rule_for_the_corners_of_buttons_stays_outside(bench, explorable):
    bench.show(explorable)
    inside = bench.page.evaluate(CORNERS)
    bench.page.evaluate("document.querySelector('main').className = ''")
    assert bench.page.evaluate(CORNERS) == inside


# ------------------------------------------------------------------ little to do for a move

REDRAWN = """() => {
    const { h, s, redraw } = kit, place = document.querySelector("main"), heard = [], kept = {};
    const button = (name, more = {}) => h("button", { onclick: () => heard.push(name), ...more }, name);
    redraw(place, button("one", { class: "old", title: "gone" }), h("i", {}, "x"),
        s("svg", {}, s("path", { d: "M0 0" })));
    const first = place.firstChild;
    Object.assign(kept, { button: first, word: first.firstChild, path: place.querySelector("path") });
    kept.button.focus();
    redraw(place, button("two", { class: "new" }), h("b", {}, "x"),
        s("svg", {}, s("path", { d: "M1 1" }), s("g")), "end");
    kept.button.click();
    redraw(place, h("button", {}, "two"), h("b", {}, "x"));
    kept.button.click();
    return { heard, html: place.innerHTML, path: kept.path.getAttribute("d"), word: kept.word.data,
        stays: document.activeElement === kept.button && place.firstChild === kept.button };
}"""


def test_what_is_drawn_anew_keeps_its_nodes_and_the_focus_and_listens_to_the_newest(bench):
    bench.show(PathExplorer())
    bench.page.evaluate("() => { end(); kit.put(document.querySelector('main')); }")
    seen = bench.page.evaluate(REDRAWN)
    assert seen == {
        "heard": ["two"],
        "html": "<button>two</button><b>x</b>",
        "path": "M1 1",
        "word": "two",
        "stays": True,
    }


def test_many_traits_make_one_drawing_and_a_drag_one_message_when_it_rests_or_is_left(bench):
    bench.page.clock.install(time=0)
    bench.page.clock.pause_at(1)  # from here on only the test moves the clock
    bench.show(LineFitter())
    page = bench.page
    page.evaluate("() => { window.told = 0; model.save_changes = () => { told++; }; }")
    drawn = page.evaluate("""async () => {
        let drawn = 0;
        const off = kit.watch(model, ["w", "b"], () => { drawn++; });
        kit.set(model, { w: 1, b: 1 });
        await Promise.resolve();
        off();
        return drawn;
    }""")
    assert drawn == 1
    for w in (0.25, 0.5, 0.75):
        page.evaluate("w => kit.set(model, { w })", w)
        page.clock.run_for(30)
    assert page.evaluate("told") == 0
    page.clock.run_for(100)
    assert page.evaluate("told") == 1
    page.locator("input[type=range]").first.press("ArrowRight")
    page.locator("input[type=range]").nth(1).press("ArrowRight")
    assert page.evaluate("told") == 1
    page.evaluate("document.activeElement.blur()")
    assert page.evaluate("told") == 2, "before a cell runs the focus goes there"
    page.clock.run_for(200)
    assert page.evaluate("told") == 2
    page.evaluate("kit.ask(model, { w: 0 })")
    assert page.evaluate("told") == 3


# ------------------------------------------------------------------ by keys, without motion, read aloud

OUT_OF_REACH = """() => [...document.querySelectorAll(".cr *")].filter(e => e.getClientRects().length
    && getComputedStyle(e).cursor === "pointer" && !e.closest("button, input, select, label, summary, [tabindex]"))
    .map(e => e.outerHTML.slice(0, 120))"""
WITHOUT_FOCUS_RING = """() => {
    const looks = e => [e, ...e.querySelectorAll("*"), ...(e.closest("label") ?? e).querySelectorAll("*")].map(one => {
        const s = getComputedStyle(one);
        const outline = s.outlineStyle === "none" || s.outlineWidth + s.outlineColor;
        return [outline, s.stroke, s.strokeWidth, s.boxShadow].join();
    }).join();
    return [...document.querySelectorAll(".cr [tabindex], .cr button, .cr input")].filter(e => {
        if (e.disabled || !e.getClientRects().length) return false;
        document.activeElement.blur();
        const before = looks(e);
        e.focus();
        return document.activeElement !== e || looks(e) === before;
    }).map(e => e.outerHTML.slice(0, 120));
}"""
CHANGES = {
    "LayoutSwitch": {"reading": "rows"},
    "LineFitter": {"w": 0.25},
    "ShapeEditor": {"sizes": [2, 5, 2]},
    "DifferenceExplorer": {"h": 1e-3},
    "JacobianStage": {"x": [1.0, 0.25]},
    "PathExplorer": {"paths": ["x1 > h1 > y1"]},
    "PassPlayer": {"step": 5},
    "BatchStacker": {"n": 2},
    "GraphPlayer": {"step": 2},
    "Race": {"depth": 4},
    "DepthExplorer": {"scale": 0.5},
    "TrainingWatch": {
        "_shown": {"epoch": 1, "at": [1], "loss": [0.5], "accuracy": {}, "norms": [], "error": "", "answers": []}
    },
}


@pytest.mark.parametrize("chapter", STATES)
def test_no_slip_of_the_script_is_shown(bench, chapter):
    for explorable in STATES[chapter]:
        bench.show(explorable)
        words = bench.page.locator(".cr").text_content()
        assert not re.search(r"false|undefined|null|NaN|\[object", words), explorable


@pytest.mark.parametrize("chapter", STATES)
def test_what_can_be_clicked_can_be_reached_by_keys(bench, chapter):
    for explorable in STATES[chapter]:
        bench.show(explorable)
        assert bench.page.evaluate(OUT_OF_REACH) == [], explorable


def test_a_picture_that_only_the_mouse_can_press_is_found(bench):
    bench.show(PathExplorer())
    bench.page.evaluate("document.querySelector('[data-part]').removeAttribute('tabindex')")
    assert len(bench.page.evaluate(OUT_OF_REACH)) > 1


def test_the_parts_of_a_graph_are_pressed_by_keys_alone(bench):
    def walk(*keys):
        for key in keys:
            bench.page.keyboard.press(key)
        return bench.page.evaluate("document.activeElement.dataset.part")

    bench.show(PathExplorer())
    bench.page.locator("[data-part][tabindex='0']").focus()
    assert walk("ArrowDown") == "x2"
    assert walk("Enter") == "x2", "the graph is drawn anew and the focus stays"
    assert (bench.get("start"), bench.get("paths")) == ("x2", [])
    assert walk("ArrowRight", "Space") == "x2 > h2"
    assert bench.get("paths") == ["x2 > h2 > y1"]
    assert bench.page.locator("[data-part='x2 > h2']").get_attribute("aria-pressed") == "true"
    assert walk("ArrowRight", "ArrowUp", "ArrowUp", "Enter") == "h1"
    assert bench.get("paths") == ["x2 > h1 > y1", "x2 > h2 > y1"]
    assert bench.page.locator("[data-part][tabindex='0']").count() == 1
    bench.show(GraphPlayer())
    bench.page.locator("[data-part][tabindex='0']").focus()
    first = walk()
    seen = {first, walk("ArrowDown"), walk("ArrowRight"), walk("ArrowRight")}
    assert len(seen) == 4
    assert walk("Enter") == "f"
    assert bench.get("step") == 2, "as a click does"


@pytest.mark.parametrize("explorable", FIRST, ids=lambda e: type(e).__name__)
def test_the_focus_is_seen_wherever_it_is(bench, explorable):
    bench.show(explorable)
    bench.page.keyboard.press("Tab")  # from here on the page knows that keys are used
    assert bench.page.evaluate(WITHOUT_FOCUS_RING) == []
    bench.page.evaluate(
        "document.head.append(Object.assign(document.createElement('style'), {textContent: "
        "'.cr *:focus-visible, .cr *:focus-visible * {outline: 0 !important; stroke: none !important}'"
        " + '.cr-option * {outline: 0 !important}'}))"
    )
    assert bench.page.evaluate(WITHOUT_FOCUS_RING) != [], "a ring taken away is missed"


@pytest.mark.parametrize("explorable", FIRST, ids=lambda e: type(e).__name__)
def test_a_live_region_says_what_has_changed(bench, explorable):
    bench.show(explorable)
    said = bench.page.locator(".cr-sentence[role=status]").first
    before = said.text_content()
    assert before.endswith(".") or before.endswith("?")
    bench.set(**CHANGES[type(explorable).__name__])
    bench.page.evaluate("Promise.resolve()")
    assert said.text_content() != before


@pytest.mark.parametrize("chapter", STATES)
def test_nothing_moves_by_itself_for_a_reader_who_asked_for_less_motion(bench, chapter):
    bench.page.emulate_media(reduced_motion="reduce")
    for explorable in STATES[chapter]:
        bench.show(explorable)
        assert bench.page.evaluate("document.getAnimations().length") == 0, explorable


def test_numbers_flow_for_a_reader_who_did_not(bench):
    bench.page.emulate_media(reduced_motion="no-preference")
    for explorable in (PassPlayer(step=9), GraphPlayer(mode="reverse", step=5)):
        bench.show(explorable)
        assert bench.page.evaluate("document.getAnimations().length") > 0, explorable
