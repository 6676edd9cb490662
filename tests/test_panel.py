"""The verdict panel: everything escaped, nothing that a sanitizer drops, nothing told too early."""

import base64
import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course_lib.exercises import all_exercises, exercise, panel
from course_lib.exercises.declaration import draw_cases
from course_lib.exercises.diagnosis import diagnose
from course_lib.exercises.values import evaluate
from course_lib.plots import style

FILL, COMPOSE, BACK = (exercise(id) for id in ("jacobian-fill", "compose-jacobians", "backward-one"))

# What JupyterLab's sanitizer keeps of inline styles and attributes, as far as the panel needs it.
STYLES = {
    *("background-color", "border", "border-collapse", "border-left", "border-spacing", "caption-side", "cursor"),
    *(
        "display",
        "font-size",
        "font-weight",
        "line-height",
        "margin",
        "margin-top",
        "max-width",
        "min-width",
        "opacity",
    ),
    *("overflow-wrap", "overflow-x", "padding", "table-layout", "text-align", "vertical-align", "white-space", "width"),
    "word-break",
}
TAGS = {
    *("div", "span", "strong", "code", "pre", "details", "summary", "table", "caption", "tbody", "tr", "th", "td"),
    *("img", "sub", "sup", "em", "i", "b", "br"),
}
ATTRIBUTES = {"style", "class", "scope", "alt", "src"}


class Reader(HTMLParser):
    """Reads a page and asserts that its tags are balanced and all of them kept by the sanitizer."""

    def __init__(self, page):
        super().__init__()
        self.open, self.depths, self.summaries, self.alts, self.words = [], [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS
        for name, value in attributes:
            assert name in ATTRIBUTES
            if name == "style":
                assert {part.split(":")[0].strip() for part in value.split(";") if part.strip()} <= STYLES
            if name == "alt":
                self.alts.append(value)
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] == "summary":
            self.summaries.append((self.open.count("details"), data))

    @property
    def text(self):
        return " ".join(self.words)


def shown(e, answer, seed=3, attempts=1):
    inputs = draw_cases(e, seed)
    record = evaluate(answer, inputs, e.kind, e.id)
    outcome = diagnose(e, inputs, record)
    return panel.verdict(e, outcome, inputs, record, attempts), outcome


ANSWERS = {
    "blank": lambda e: ...,
    "right": lambda e: e.right,
    "wrong": lambda e: lambda *given: nudge(e.right(*given)),
    "scaled": lambda e: lambda *given: scale(e.right(*given), 3.0),
    "short": lambda e: lambda *given: [1.0],
    "none": lambda e: lambda *given: None if given else 1,
    "nan": lambda e: lambda *given: scale(e.right(*given), np.nan),
    "inf": lambda e: lambda *given: scale(e.right(*given), np.inf),
    "fails": lambda e: lambda *given: 1 / 0,
    "text": lambda e: lambda *given: "<script>alert(1)</script>",
    "number": lambda e: 5,
    **{f"mistake {k}": (lambda e, k=k: e.mistakes[k].wrong) for k in range(3)},
}


def scale(value, factor):
    if isinstance(value, (list, tuple)):
        return type(value)(scale(v, factor) for v in value)
    return None if value is None else value * factor if not isinstance(value, str) else value


def nudge(value):
    if isinstance(value, str):
        return value[::-1]
    if isinstance(value, tuple):
        return (nudge(value[0]), *value[1:])
    if isinstance(value, list):
        return [*value[:-1], nudge(value[-1])]
    return np.asarray(value, float) + np.eye(*np.atleast_2d(value).shape).reshape(np.shape(value)) / 7


@pytest.mark.parametrize("e", [pytest.param(e, id=e.id) for e in all_exercises()])
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_every_panel_is_well_formed_and_survives_the_sanitizer(e, answer):
    given = ANSWERS[answer](e)
    if e.kind != "code" and callable(given):
        given = given(*draw_cases(e, 3)[0].values()) if answer != "fails" else {"not": "an answer"}
    page, outcome = shown(e, given)
    text = Reader(page).text
    assert ("Right" in text) == (outcome.kind == "correct")
    assert panel.text(e, outcome)
    assert len(page) < 60_000


def test_what_a_student_writes_is_escaped():
    def bad(*given):
        raise ValueError('<img src=x onerror="alert(1)">')

    page, _ = shown(COMPOSE, bad)
    assert "<img" not in page
    assert "&lt;img" in page
    spoilt = dataclasses.replace(COMPOSE, hints=("<script>x</script>", "a<sub>1</sub>", "c"))
    page = panel.ladder(spoilt)
    assert "<script>" not in page
    assert "a<sub>1</sub>" in page


def test_the_ladder_has_each_hint_inside_the_one_before():
    reader = Reader(panel.ladder(FILL, draw_cases(FILL, 3), solution=True))
    assert reader.summaries == [(1, "A hint"), (2, "Another hint"), (3, "The formula"), (4, "The solution")]


def test_the_solution_is_there_after_an_attempt_only():
    blank, _ = shown(FILL, ..., attempts=0)
    assert "The solution" not in blank
    assert "A hint" in blank
    tried, _ = shown(FILL, [[0, 1], [2, 3], [4, 5]])
    assert "The solution" in tried
    right, _ = shown(FILL, FILL.right(*draw_cases(FILL, 3)[0].values()))
    assert "<details" not in right


def test_the_ladder_ends_with_the_formula_where_the_solutions_were_taken_out(monkeypatch):
    monkeypatch.setattr(panel, "_solutions", dict)
    tried, _ = shown(FILL, [[0, 1], [2, 3], [4, 5]])
    assert "The formula" in tried
    assert "The solution" not in tried
    assert panel.solution_text(FILL, draw_cases(FILL, 3)) == ""


def test_a_typed_answer_shows_what_is_off_and_not_what_is_expected():
    given = draw_cases(FILL, 3)[0]
    right = FILL.right(*given.values())
    came = right.copy()
    came[1, 0] = 77.25
    page, _ = shown(FILL, came.tolist())
    before_the_ladder = page.split("<details")[0]
    text = Reader(before_the_ladder + "</div>").text
    assert "77.2 \u2717" in text
    assert before_the_ladder.count("\u2717") == 2  # the caption says what the mark means
    assert re.findall(r"\u2212?-?\d+\.?\d*", text).count(f"{right[1, 0]:g}") == 0 or f"{right[1, 0]:g}" in map(
        "{:g}".format, np.delete(right, 2)
    )


def test_an_array_is_shown_beside_the_expected_one_and_the_gap_with_the_worst_entry_outlined():
    def off(*given):
        J = COMPOSE.right(*given)
        J[1, 2] += 0.5
        return J

    page, outcome = shown(COMPOSE, off)
    assert outcome.index == (1, 2)
    captions = re.findall(r"<caption[^>]*>([^<]*)", page)
    assert [c.split(" (")[0] for c in captions] == ["yours", "expected", "gap"]
    assert page.count("border:2px solid;") == 3
    gap = re.findall(r"<td[^>]*>([^<]*)</td>", page.split("gap (")[1])
    assert sorted(gap)[-1] == "0.5"
    assert gap.count("0") == len(gap) - 1


def test_parts_that_are_right_are_not_pictured():
    def off(*given):
        dW, db = BACK.right(*given)
        dW[2] = dW[2] + 0.1
        return dW, db

    page, outcome = shown(BACK, off)
    assert "dW[2], yours" in page
    assert "dW[1], yours" not in page
    assert "dW[1]" in outcome.line()


def test_a_large_array_is_a_small_picture_with_words():
    big = dataclasses.replace(
        COMPOSE, draw=lambda rng: {"A": rng.normal(size=(300, 150))}, right=lambda A: A, mistakes=(), cases=1
    )
    page, _ = shown(big, lambda A: A + 9 * (np.arange(A.size).reshape(A.shape) == 41_000))
    reader = Reader(page)
    assert len(reader.alts) == 3
    assert "the worst entry is at row 273, column 50" in reader.alts[2]
    assert "<table" not in page
    assert len(page) < 400_000
    with_png = re.findall(r"base64,([A-Za-z0-9+/=]+)", page)
    assert all(base64.b64decode(p).startswith(b"\x89PNG\r\n\x1a\n") for p in with_png)


def cells_of(table):
    """The lines of a table of the panel, as texts."""
    lines = re.findall(r"<tr[^>]*>(.*?)</tr>", table)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in lines]


def test_a_long_row_is_broken_into_lines_with_an_index_over_every_number():
    row = dataclasses.replace(COMPOSE, draw=lambda rng: {"v": np.arange(13.0)}, right=lambda v: v, mistakes=(), cases=1)
    page, outcome = shown(row, lambda v: v + 0.25 * (v == 9))
    assert outcome.index == (9,)
    yours, _, gap = re.findall(r"<table.*?</table>", page)
    lines = cells_of(yours)
    assert lines[0] == [str(k) for k in range(7)]
    assert lines[2] == [str(k) for k in range(7, 13)]
    assert lines[1] + lines[3] == [f"{k + 0.25 * (k == 9):.3g}" for k in range(13)]
    assert cells_of(gap)[3] == ["0", "0", "0.25", "0", "0", "0"]
    assert "<img" not in page


def test_of_a_very_long_row_the_part_around_the_worst_entry_is_shown():
    row = dataclasses.replace(COMPOSE, draw=lambda rng: {"v": np.ones((1, 784))}, right=lambda v: v, mistakes=())
    page, _ = shown(row, lambda v: v + 5 * (np.arange(784) == 770))
    gap = re.findall(r"<table.*?</table>", page)[2]
    assert "entries 744 to 783" in gap
    lines = cells_of(gap)
    names, numbers = ([text for line in lines[k::2] for text in line] for k in (0, 1))
    assert dict(zip(names, numbers, strict=True))["770"] == "5"


def test_typed_numbers_stand_under_their_names():
    names = tuple("abcdefghij")
    ask = dataclasses.replace(FILL.ask(*draw_cases(FILL, 3)[0].values()), shape=(10,), rows=names, columns=())
    many = dataclasses.replace(FILL, right=lambda *given: np.arange(10.0), ask=lambda *given: ask, mistakes=())
    page, _ = shown(many, [*map(float, range(9)), 7.0])
    lines = cells_of(re.findall(r"<table.*?</table>", page)[0])
    assert lines[0] + lines[2] == list(names)
    assert lines[3][-1] == "7 \u2717"


def test_code_keeps_its_lines():
    page, _ = shown(COMPOSE, lambda *given: np.zeros(1))
    tried, solution = sorted(re.findall(r'<pre style="([^"]*)"', page), key=len, reverse=True)
    assert "white-space:pre-wrap" in tried
    assert solution.endswith("white-space:pre")
    for one in (tried, solution):
        assert {"overflow-x:auto", "word-break:normal", "overflow-wrap:normal"} <= set(one.split(";"))


@pytest.mark.parametrize("e", [pytest.param(e, id=e.id) for e in all_exercises() if e.kind in ("choice", "order")])
def test_the_solution_of_letters_says_what_they_stand_for(e):
    given = draw_cases(e, 3)
    page, text = panel.ladder(e, given, solution=True), panel.solution_text(e, given)
    ask = e.ask(*given[0].values())
    shown_at = [page.index(solved(key, ask)) for key in e.right(*given[0].values()).split()]
    assert shown_at == sorted(shown_at)
    for key in e.right(*given[0].values()).split():
        assert f"# {key}: {panel.plain(ask.options[key])}" in text.splitlines()


def solved(key, ask):
    return f">{key} (" if key in ask.patterns else f"<strong>{key}</strong> {panel.simple(ask.options[key])}</div>"


def test_text_between_backticks_is_code_wherever_it_stands():
    said = "is `J @ v` here or `a < b`"
    code = "<code>J @ v</code>"
    mistake = dataclasses.replace(COMPOSE.mistakes[0], says=said, hint=f"Why {said}?")
    e = dataclasses.replace(COMPOSE, mistakes=(mistake,), hints=(said, said, said))
    page, _ = shown(e, mistake.wrong)
    assert page.count(code) == page.count("<code>a &lt; b</code>") == 5
    assert "`" not in page.split("The solution")[0]
    assert panel.plain("Is it `up`?") == "Is it `up`?"


def test_tiles_have_the_colours_of_the_figures():
    for value in (-1.0, 1.0):
        tile, figure = panel._colour(value, 1.0)[:3], to_rgb(style.SIGNED(0.5 + value / 2))
        assert tile == tuple(round(255 * part) for part in figure)


def test_a_verdict_is_never_colour_alone():
    for answer, mark in (
        (..., "\u25cb"),
        (COMPOSE.right, "\u2713"),
        (lambda *a: 1 / 0, "\u26a0"),
        (lambda *a: [1.0], "\u270e"),
    ):
        page, outcome = shown(COMPOSE, answer)
        assert mark in page
        assert outcome.line().split(":")[0].split(".")[0] in page


def test_the_input_that_failed_is_shown_as_python():
    page, _ = shown(COMPOSE, lambda *given: np.zeros(1))
    assert "The input that was tried" in page
    assert "np.array(" in page


def test_panels_are_the_same_every_time():
    assert shown(COMPOSE, ANSWERS["wrong"](COMPOSE)) == shown(COMPOSE, ANSWERS["wrong"](COMPOSE))
