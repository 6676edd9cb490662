"""The rules of a notebook, over every lesson, exercise and solution; and each rule shown to find what it forbids."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.authoring import links
from course_lib.authoring.run import execute
from course_lib.authoring.source import read_exercises
from course_lib.exercises import exercises_of

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted(folder.name for folder in (ROOT / "chapters").iterdir() if folder.is_dir())
KINDS = ("notebooks", "exercises", "solutions")
WITH_EXERCISES = [chapter for chapter in CHAPTERS if (ROOT / "chapters" / chapter / "exercises.md").is_file()]
PRODUCTS = [
    f"{kind}/{chapter}.ipynb"
    for chapter in CHAPTERS
    for kind in (KINDS if chapter in WITH_EXERCISES else ["notebooks"])
]


def read(product: str) -> NotebookNode:
    return nbformat.read(ROOT / product, as_version=4)


# ------------------------------------------------------------------- rules of one notebook: each yields what breaks it


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook: NotebookNode) -> str:
    """The text of a notebook without its fenced blocks."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.sub(r"^(`{3,}).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)


def outputs(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    return ((cell, output) for cell in code(notebook) for output in cell.outputs)


def texts(notebook: NotebookNode) -> Iterator[tuple[str, str, str]]:
    """(cell, MIME type, text) of all that is shown, the pixels of images left out."""
    for cell, output in outputs(notebook):
        if "text" in output:
            yield cell.id, "text/plain", output.text
        for mime, value in output.get("data", {}).items():
            if not mime.startswith("image/"):
                text = value if isinstance(value, str) else json.dumps(value)
                yield cell.id, mime, re.sub(r"base64,[A-Za-z0-9+/=\s]+", "", text)


def one_title_and_no_level_skipped(notebook: NotebookNode) -> Iterator[str]:
    levels = [len(mark) for mark in re.findall(r"^(#+) ", prose(notebook), re.MULTILINE)]
    if levels.count(1) != 1 or levels[0] != 1:
        yield f"{levels.count(1)} titles (headings of level 1); there is one, and it comes first"
    yield from (f"a heading of level {b} under one of level {a}" for a, b in pairwise(levels) if b > a + 1)


def cells_are_short(notebook: NotebookNode) -> Iterator[str]:
    for cell in code(notebook):
        if (lines := len(cell.source.splitlines())) > 20:
            yield f"{cell.id} has {lines} lines; longer code belongs in course_lib"


def few_code_cells_in_a_row(notebook: NotebookNode) -> Iterator[str]:
    for kind, run in groupby(notebook.cells, key=lambda cell: cell.cell_type):
        cells = list(run)
        if kind == "code" and len(cells) > 3:
            yield f"{len(cells)} code cells in a row from {cells[0].id}"


def every_image_says_what_it_shows(notebook: NotebookNode) -> Iterator[str]:
    pages = [("text", prose(notebook)), *((id, text) for id, mime, text in texts(notebook) if mime == "text/html")]
    for id, page in pages:
        if re.search(r"!\[\s*\]\(", page):
            yield f"{id}: an image without alternative text: ![]("
        for tag in re.findall(r"<img\b[^>]*>", page):
            if not re.search(r"\balt=(\"[^\"]+\"|'[^']+')", tag):
                yield f"{id}: {tag[:60]} has no alternative text"
        for start in re.finditer(r"<svg\b[^>]*>(\s*<title\b[^>]*>[^<]+</title>)?", page):
            hidden = re.search(r"aria-hidden=.true", start[0])
            if not (hidden or start[1] or re.search(r"aria-label(ledby)?=.[^\"']+", start[0])):
                yield f"{id}: {start[0][:60]} has neither title nor label"
    for cell, output in outputs(notebook):
        data = output.get("data", {})
        if any(mime.startswith("image/") for mime in data) and "<img" not in data.get("text/html", ""):
            yield f"{cell.id}: an image without text/html that holds its alternative text; use plots.show"
        if data and not data.get("text/plain"):
            yield f"{cell.id}: an output without text"


def link_texts_say_where_they_go(notebook: NotebookNode) -> Iterator[str]:
    """A screen reader lists the links of a page by their texts alone."""
    for text in re.findall(r"(?<!!)\[([^\]]*)\]\(", prose(notebook)):
        if text.strip().lower() in {"", "here", "there", "this", "link", "this link", "click here", "more", "page"}:
            yield f"a link is called {text!r}"


def executed_in_order(notebook: NotebookNode) -> Iterator[str]:
    """A cell that was not run is never compared by nbval."""
    counts = [cell.execution_count for cell in code(notebook) if cell.id not in links.HEAD]  # put there after the run
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}"


def not_executed(notebook: NotebookNode) -> Iterator[str]:
    yield from (f"{c.id} was run" for c in code(notebook) if c.outputs or c.execution_count is not None)


def nothing_failed(notebook: NotebookNode) -> Iterator[str]:
    for cell, output in outputs(notebook):
        if output.output_type == "error":
            yield f"{cell.id}: {output.ename}"
        if output.get("name") == "stderr":
            yield f"{cell.id}: {output.text.splitlines()[-1]}"


FORBIDDEN = {
    "an address": re.compile(r"\b0x[0-9a-fA-F]{5,}"),
    "a path": re.compile(r"(?<![\w.:/])/(home|root|tmp|usr|var|work|Users|opt|mnt)/\w|\b[A-Z]:\\\\?\w|site-packages"),
    "a time": re.compile(r"\b\d\d?:\d\d:\d\d\b|\b20\d\d-\d\d-\d\d\b"),
    "a duration": re.compile(r"(?<![\w-])\d+(\.\d+)?\s?(ns|µs|us|ms|s|sec|seconds?|minutes)\b"),
    "a number that is not rounded": re.compile(r"[1-9]\d*\.\d{9,}|\b0\.0*[1-9]\d{9,}"),
}


def nothing_of_the_machine_is_shown(notebook: NotebookNode) -> Iterator[str]:
    for id, mime, text in texts(notebook):
        for what, pattern in FORBIDDEN.items():
            if what == "a duration" and mime == "text/html":  # styles have durations of their own
                continue
            if found := pattern.search(text):
                yield f"{id} shows {what} in {mime}: ...{text[max(found.start() - 30, 0) : found.end() + 10]}..."


def links_lead_somewhere(notebook: NotebookNode, folder: Path = ROOT / "notebooks") -> Iterator[str]:
    for target in re.findall(r"\]\(([^)#\s]+)", prose(notebook)):
        if not re.match(r"https?://|mailto:|data:", target) and not (folder / target).exists():
            yield f"{target} is not there"


def marks_were_cut(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        if found := re.search(r"^\s*#\s*-{2,}\s*(answer|end|solution).*$", cell.source, re.IGNORECASE | re.MULTILINE):
            yield f"{cell.id} shows the mark {found[0].strip()!r}"


RULES: dict[Callable[[NotebookNode], Iterator[str]], tuple[str, ...]] = {
    one_title_and_no_level_skipped: KINDS,
    cells_are_short: ("notebooks",),
    few_code_cells_in_a_row: ("notebooks",),
    every_image_says_what_it_shows: KINDS,
    executed_in_order: ("notebooks", "solutions"),
    not_executed: ("exercises",),
    nothing_failed: KINDS,
    nothing_of_the_machine_is_shown: KINDS,
    link_texts_say_where_they_go: KINDS,
    links_lead_somewhere: KINDS,
    marks_were_cut: KINDS,
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("product", PRODUCTS)
def test_every_notebook_keeps_the_rules(product, rule):
    if product.split("/")[0] in RULES[rule]:
        assert list(rule(read(product))) == []


def shows(text: str = "", mime: str = "text/plain", **data: str) -> NotebookNode:
    data = {mime.replace("_", "/"): value for mime, value in data.items()} or {mime: text}
    return new_code_cell("x", execution_count=1, outputs=[new_output("display_data", data)])


BROKEN = [
    (one_title_and_no_level_skipped, [new_markdown_cell("## Part"), new_markdown_cell("# Title")]),
    (one_title_and_no_level_skipped, [new_markdown_cell("# Title\n\n# Another")]),
    (one_title_and_no_level_skipped, [new_markdown_cell("# Title\n\n### Deep")]),
    (one_title_and_no_level_skipped, [new_markdown_cell("```text\n# no title\n```")]),
    (cells_are_short, [new_code_cell("\n".join(["x = 1"] * 21))]),
    (few_code_cells_in_a_row, [new_code_cell("1") for _ in range(4)]),
    (every_image_says_what_it_shows, [new_markdown_cell("![](x.png)")]),
    (every_image_says_what_it_shows, [shows(text_html="<img src='data:,'>", text_plain="x")]),
    (every_image_says_what_it_shows, [shows(text_html='<img alt="" src="data:,">', text_plain="x")]),
    (every_image_says_what_it_shows, [shows(text_html="<svg viewBox='0 0 1 1'><path/></svg>", text_plain="x")]),
    (every_image_says_what_it_shows, [shows(image_png="AAAA", text_plain="x")]),
    (every_image_says_what_it_shows, [shows(text_html="<p>only a page</p>")]),
    (link_texts_say_where_they_go, [new_markdown_cell("The lesson is [here](04_jacobians.ipynb).")]),
    (executed_in_order, [new_code_cell("1", execution_count=1), new_code_cell("2")]),
    (not_executed, [new_code_cell("1", execution_count=1)]),
    (nothing_failed, [new_code_cell("1", outputs=[new_output("error", ename="E", evalue="", traceback=[])])]),
    (nothing_failed, [new_code_cell("1", outputs=[new_output("stream", name="stderr", text="warning")])]),
    (nothing_of_the_machine_is_shown, [shows("<Figure at 0x7f00aa00>")]),
    (nothing_of_the_machine_is_shown, [shows("saved in /home/ada/x.png")]),
    (nothing_of_the_machine_is_shown, [shows("C:\\Users\\ada")]),
    (nothing_of_the_machine_is_shown, [shows("at 12:03:44")]),
    (nothing_of_the_machine_is_shown, [shows("took 0.12 s")]),
    (nothing_of_the_machine_is_shown, [shows("0.30000000000000004")]),
    (nothing_of_the_machine_is_shown, [new_code_cell("1", outputs=[new_output("stream", text="took 3 ms")])]),
    (links_lead_somewhere, [new_markdown_cell("[chapter 99](99_nothing.ipynb)")]),
    (marks_were_cut, [new_code_cell("    # --- answer")]),
    (marks_were_cut, [new_markdown_cell("#-- End of it")]),
]


@pytest.mark.parametrize("rule, cells", BROKEN, ids=[rule.__name__ for rule, _ in BROKEN])
def test_a_rule_finds_what_it_forbids(rule, cells):
    assert len(list(rule(new_notebook(cells=cells)))) == 1


def test_every_rule_is_shown_to_find_something():
    assert {rule for rule, _ in BROKEN} == set(RULES)


# ------------------------------------------------------------------------------------------ equations and references


def tags(text: str) -> list[str]:
    return re.findall(r"\\tag\{([^}]*)\}", text)


def references(text: str) -> list[str]:
    """Equation numbers that a text refers to, "(4.3)"; what stands in formulas and code is no reference."""
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$|`[^`]+`", " ", text, flags=re.DOTALL)
    return re.findall(r"(?<!\w)\(([1-9]\d?\.\d+)\)", text)


def comments(source: str) -> str:
    return "\n".join(re.findall(r"#.*$", source, re.MULTILINE))


def test_every_equation_number_is_given_once():
    found = [tag for chapter in CHAPTERS for tag in tags(prose(read(f"notebooks/{chapter}.ipynb")))]
    assert sorted(found) == sorted(set(found))
    assert all(re.fullmatch(r"[1-9]\d?\.[1-9]\d?", tag) for tag in found)


def test_every_reference_in_text_and_comments_leads_to_an_equation():
    known = {tag for chapter in CHAPTERS for tag in tags(prose(read(f"notebooks/{chapter}.ipynb")))}
    places = {product: prose(read(product)) for product in PRODUCTS}
    places |= {f"code of {product}": comments("\n".join(c.source for c in code(read(product)))) for product in PRODUCTS}
    places |= {p.name: comments(p.read_text(encoding="utf-8")) for p in sorted((ROOT / "course_lib").rglob("*.py"))}
    lost = {place: set(references(text)) - known for place, text in places.items()}
    assert {place: found for place, found in lost.items() if found} == {}


def test_a_reference_is_told_from_a_number():
    assert references("by (4.3), and f(2.5) and $x = (0.5)$ and `(1.5)`, (6.12).") == ["4.3", "6.12"]
    assert tags(r"$$J = W \tag{4.2}$$") == ["4.2"]
    assert comments("x = (1.5)  # (6.1)") == "# (6.1)"


# -------------------------------------------------------------------------------------------- exercises and solutions


def test_every_chapter_but_the_first_has_exercises():
    assert CHAPTERS[0] == "00_start"
    assert CHAPTERS[1:] == WITH_EXERCISES


def test_the_products_are_those_of_the_chapters():
    found = {path.relative_to(ROOT).as_posix() for kind in KINDS for path in (ROOT / kind).glob("*.ipynb")}
    assert found == set(PRODUCTS)


@pytest.mark.parametrize("chapter", WITH_EXERCISES)
def test_no_line_of_an_answer_is_handed_out(chapter):
    cells = read_exercises(ROOT / "chapters" / chapter / "exercises.md", chapter, exercises_of(chapter))
    handed_out = {cell.id: cell.source for cell in read(f"exercises/{chapter}.ipynb").cells}
    for cell in cells:
        if cell.role != "answer":
            continue
        answer = {line.text.strip() for line in set(cell.answered()) - set(cell.blank())} - {""}
        assert answer, "an answer has lines"
        left = {id: answer & {line.strip() for line in source.splitlines()} for id, source in handed_out.items()}
        assert {id: lines for id, lines in left.items() if lines} == {}


@pytest.mark.parametrize("chapter", WITH_EXERCISES)
def test_every_solution_is_right(chapter):
    verdicts = {
        cell.metadata.course.exercise: "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)
        for cell in code(read(f"solutions/{chapter}.ipynb"))
        if cell.metadata.get("course", {}).get("role") == "check"
    }
    assert verdicts == {exercise.id: f"{exercise.id}: Right." for exercise in exercises_of(chapter)}


@pytest.mark.parametrize("chapter", WITH_EXERCISES)
def test_exercises_run_as_they_are_handed_out_and_are_not_attempted_yet(chapter):
    notebook = read(f"exercises/{chapter}.ipynb")
    execute(notebook)
    said = [
        output.data["text/plain"]
        for cell in code(notebook)
        if cell.metadata.get("course", {}).get("role") == "check"
        for output in cell.outputs
    ]
    assert said == [f"{exercise.id}: Not attempted yet." for exercise in exercises_of(chapter)]
    assert list(nothing_failed(notebook)) == []
    assert list(nothing_of_the_machine_is_shown(notebook)) == []
