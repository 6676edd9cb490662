"""The book as a whole: its order, its links and references, its spelling, and that every cell of it is compared."""

import ast
import configparser
import importlib.util
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from course_lib.authoring import links

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = {int(path.name[:2]): path.name for path in sorted((ROOT / "chapters").glob("[0-9][0-9]_*"))}
LAST = max(CHAPTERS)
SOURCES = sorted((ROOT / "chapters").glob("*/*.md"))
LESSONS = [path for path in SOURCES if path.name == "lesson.md"]


def named(path):
    return path.relative_to(ROOT).as_posix()


def text(path):
    return path.read_text(encoding="utf-8")


def prose(markdown):
    """A chapter without its header, its code and its formulas."""
    markdown = re.sub(r"\A---\n.*?\n---\n", "", markdown, flags=re.DOTALL)
    markdown = re.sub(r"^(`{3,}).*?^\1", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\$\$.*?\$\$|`[^`\n]+`|\$[^$\n]+\$", " ", markdown, flags=re.DOTALL)


# --------------------------------------------------------------------------------------------------- links, order


def anchors(path):
    """The anchors of the headings of a notebook, as Jupyter makes them: spaces become dashes."""
    cells = nbformat.read(path, as_version=4).cells
    headings = (re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE) for cell in cells if cell.cell_type == "markdown")
    return {heading.strip().replace(" ", "-") for found in headings for heading in found}


def lost_links(markdown, home):
    """Links and images of a text that lead nowhere from the notebook `home`, files and anchors alike."""
    for link in re.findall(r"\]\(([^)\s]+)\)", markdown):
        if re.match(r"https?://|mailto:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (home.parent / target).resolve() if target else home
        if not path.is_file() or (anchor and anchor not in anchors(path)):
            yield link


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_link_and_image_leads_to_a_file_and_to_a_heading_in_it(path):
    kind = "notebooks" if path.name == "lesson.md" else "exercises"
    assert list(lost_links(prose(text(path)), ROOT / kind / f"{path.parent.name}.ipynb")) == []


@pytest.mark.parametrize(
    "link", ["99_nothing.ipynb", "04_jacobians.ipynb#9.-Nothing", "#Nothing", "picture.png", "../04_jacobians.ipynb"]
)
def test_a_link_that_leads_nowhere_is_found(link):
    home = ROOT / "notebooks" / "05_chain_rule.ipynb"
    assert list(lost_links(f"see [this]({link})", home)) == [link]
    assert list(lost_links("[a](04_jacobians.ipynb#9.-The-other-layout) [b](#1.-A-chain-of-numbers)", home)) == []


def lost_references(markdown, home):
    """Chapters and sections that a text of chapter `home` names, but that are not there or not where its link leads."""
    for words, target in re.findall(r"\[([^\]]*)\]\(([^)]*)\)", markdown):
        named = re.search(r"[Cc]hapter (\d+)", words)
        if named and not re.search(rf"(^|/){int(named[1]):02}_", target):
            yield f"{words} leads to {target}"
    for words in re.findall(r"[Cc]hapters? (\d+(?:(?:, | to | and |, and )\d+)*)", markdown):
        yield from (f"chapter {n}" for n in map(int, re.findall(r"\d+", words)) if not 0 <= n <= LAST)
    for section, of, chapter in re.findall(r"[Ss]ection (\d+)(?:( of) \[?chapter (\d+))?", markdown):
        where = CHAPTERS.get(int(chapter) if of else home)
        lesson = text(ROOT / "chapters" / where / "lesson.md") if where else ""
        if not re.search(rf"^## {section}\. ", lesson, re.MULTILINE):
            yield f"section {section}{of and f' of chapter {chapter}'}"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_chapter_and_section_that_is_named_is_there(path):
    assert list(lost_references(prose(text(path)), int(path.parent.name[:2]))) == []


@pytest.mark.parametrize(
    "words",
    [
        "in chapter 99",
        "chapters 3 and 98",
        "in section 19",
        "section 9 of chapter 5",
        "[chapter 4](05_chain_rule.ipynb)",
    ],
)
def test_a_chapter_or_section_that_is_not_there_is_found(words):
    assert len(list(lost_references(words, 4))) == 1
    assert list(lost_references("section 9, chapters 1 to 3, section 2 of [chapter 5](05_chain_rule.ipynb)", 4)) == []


@pytest.mark.parametrize("path", LESSONS, ids=named)
def test_a_lesson_needs_earlier_chapters_leads_to_its_exercises_and_on_to_the_next(path):
    number, lesson = int(path.parent.name[:2]), text(path)
    needed = re.search(r"^\*\*You need\*\*(.*?)\*\*Time:\*\*", lesson, re.MULTILINE | re.DOTALL)[1]
    assert all(int(n) < number for n in re.findall(r"\]\((\d\d)_", needed))
    end = lesson[lesson.index("**Now you:**") :]
    if number:
        assert f"](../exercises/{path.parent.name}.ipynb)" in end
    after = re.findall(r"\((\d\d)_\w+\.ipynb\)", end.partition("**Next:**")[2])
    assert [int(n) for n in after] == ([number + 1] if 0 < number < LAST else [])


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_title_carries_the_number_of_its_chapter_and_sections_are_numbered_in_order(path):
    headings = re.findall(
        r"^(#+) (.+)$", re.sub(r"^```.*?^```", "", text(path), flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    number = int(path.parent.name[:2])
    assert re.match(rf"{number}\. " if path.name == "lesson.md" else rf".*\b{number}\b", headings[0][1])
    numbered = [int(found[1]) for mark, words in headings if mark == "##" and (found := re.match(r"(\d+)\. ", words))]
    assert numbered == list(range(1, len(numbered) + 1))


def test_the_tags_of_a_lesson_are_those_of_its_chapter_counted_from_one():
    for path in LESSONS:
        tags = re.findall(r"\\tag\{([^}]*)\}", text(path))
        assert tags == [f"{int(path.parent.name[:2])}.{k}" for k in range(1, len(tags) + 1)], path.parent.name


# ------------------------------------------------------------------------------------------------------- spelling


def misspelled(*paths):
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *map(str, paths)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_no_word_is_misspelled():
    assert misspelled("chapters", "course_lib", "tests", "benchmarks", "README.md", "Makefile", "pyproject.toml") == []


def test_a_misspelled_word_is_found(tmp_path):
    (tmp_path / "lesson.md").write_text("The gradient is " + "recie" + "ved from above.\n", encoding="utf-8")
    assert len(misspelled(tmp_path / "lesson.md")) == 1


# In these the two spellings mean two things, and the course means this one.
BOTH = {"check", "checked", "checking", "checks", "draft", "drafted", "drafts", "license", "program", "programs"}
TITLES = ("Numerical Optimization",)


def american():
    """American forms of British words, out of the dictionary that codespell has for the other direction."""
    folder = Path(importlib.util.find_spec("codespell_lib").origin).parent / "data"
    lines = text(folder / "dictionary_en-GB_to_en-US.txt").split()
    forms = {form.strip(",") for line in lines for form in line.partition("->")[2].split(",")}
    return forms - BOTH - {""}


def words_of(path):
    """What is written for people in a file: a chapter's prose; comments, docstrings and messages of a program."""
    if path.suffix == ".md":
        return prose(text(path))
    tokens = tokenize.generate_tokens(io.StringIO(text(path)).readline)
    found = [token.string for token in tokens if token.type == tokenize.COMMENT]
    strings = (node.value for node in ast.walk(ast.parse(text(path))) if isinstance(node, ast.Constant))
    found += [string for string in strings if isinstance(string, str) and string.count(" ") > 2 and "<" not in string]
    return re.sub(r"`+[^`\n]+`+|\w+[(._=]\S*|[\w-]+: ?[^;\s]+;", " ", "\n".join(found))  # not code, not style sheets


def american_words(words, forms):
    for title in TITLES:
        words = words.replace(title, "")
    found = re.findall(r"(?<![\w'\"-])[A-Za-z]+(?![\w-])", words)
    return sorted({word for word in found if word.lower() in forms})


@pytest.mark.parametrize("path", [*SOURCES, ROOT / "README.md", ROOT / "chapters" / "symbols.md"], ids=named)
def test_the_book_is_in_british_english(path):
    assert american_words(words_of(path), american()) == []


def test_the_library_is_in_british_english():
    forms = american()
    found = {named(path): american_words(words_of(path), forms) for path in sorted((ROOT / "course_lib").rglob("*.py"))}
    assert {path: words for path, words in found.items() if words} == {}


def test_an_american_form_is_found_and_code_is_left_alone():
    assert american_words(prose("the color of the neighbor, vectorized; `color` and $color$\n"), american()) == [
        "color",
        "neighbor",
        "vectorized",
    ]
    assert american_words("the colour of the neighbour, vectorised; a program", american()) == []


# ---------------------------------------------------------------------------------------------------------- nbval


def test_nbval_compares_every_code_cell_of_lessons_and_solutions():
    collected = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbval",
            "--collect-only",
            "-q",
            "-p",
            "no:cacheprovider",
            "solutions",
            "notebooks",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    items = Counter(re.findall(r"^((?:solutions|notebooks)/\w+\.ipynb)::", collected, re.MULTILINE))
    cells = {
        named(path): sum(cell.cell_type == "code" for cell in nbformat.read(path, as_version=4).cells)
        for kind in ("solutions", "notebooks")
        for path in (ROOT / kind).glob("*.ipynb")
    }
    assert items == cells
    assert min(cells.values()) > 2, "a setup cell, an answer and its check"


def skipped(notebook):
    """Cells that nbval would leave out, by a tag, by a comment, or since they were never run or are empty."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.id not in links.HEAD:  # put there after the run, and shows nothing
            tags = [tag for tag in cell.metadata.get("tags", []) if tag.lower().startswith(("nbval", "raises"))]
            marks = re.findall(r"#\s*(?:NBVAL|PYTEST)\w*", cell.source, re.IGNORECASE)
            if tags or marks or cell.execution_count is None or not cell.source.strip():
                yield cell.id


@pytest.mark.parametrize(
    "path", sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "solutions").glob("*.ipynb")]), ids=named
)
def test_no_cell_is_skipped(path):
    assert list(skipped(nbformat.read(path, as_version=4))) == []


@pytest.mark.parametrize(
    "source, more",
    [
        ("1  # NBVAL_IGNORE_OUTPUT", {}),
        ("# nbval_skip\n1", {}),
        ("1", {"metadata": {"tags": ["nbval-ignore-output"]}}),
        ("1", {"metadata": {"tags": ["raises-exception"]}}),
        ("1", {"execution_count": None}),
        ("", {}),
    ],
)
def test_a_cell_that_nbval_would_skip_is_found(source, more):
    cell = nbformat.v4.new_code_cell(source, **({"execution_count": 1} | more))
    assert len(list(skipped(nbformat.v4.new_notebook(cells=[cell])))) == 1


def test_only_pixels_and_the_reader_s_progress_are_left_out_of_the_comparison():
    rules = configparser.RawConfigParser()
    rules.read(ROOT / "tests" / "nbval.cfg", encoding="utf-8")
    assert rules.sections() == ["pictures", "widths", "progress"]
