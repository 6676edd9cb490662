"""One table of symbols: the build puts its rows into the lessons, and the lessons use every row as it says."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from course_lib._errors import CourseError
from course_lib.authoring.source import AuthoringError, read_lesson
from course_lib.authoring.symbols import keys_of, read_symbols, table

ROOT = Path(__file__).resolve().parent.parent
SYMBOLS = read_symbols(ROOT / "chapters" / "symbols.md")
LESSONS = sorted((ROOT / "chapters").glob("[0-9][0-9]_*/lesson.md"))

TABLE = """\
| key | symbol | in code | meaning and shape |
|---|---|---|---|
| N | $N$ | `N` | number of examples |
| a[l] | $a^l$ | `a[l]` | after the activation, $(n_l, N)$ |
| x (map) | $x$ | `x` | input of a map (chapters 4, 5) |
"""


def lesson(folder, line, symbols=TABLE):
    """The lines of the text cell of a lesson that has this line in it."""
    path = folder / "04_jacobians" / "lesson.md"
    path.parent.mkdir(parents=True)
    path.write_text(f"# 4. Jacobians\n\n{line}\n\n## 1. Nudge\n", encoding="utf-8")
    if symbols:
        (folder / "symbols.md").write_text(symbols, encoding="utf-8")
    return [line.text for cell in read_lesson(path, "lesson.md") for line in cell.lines]


def test_the_line_gives_way_to_the_rows_that_it_names_in_its_order(tmp_path):
    assert lesson(tmp_path, "[[symbols: a[l], N]]") == [
        "# 4. Jacobians",
        "",
        "| symbol | in code | meaning and shape |",
        "|---|---|---|",
        "| $a^l$ | `a[l]` | after the activation, $(n_l, N)$ |",
        "| $N$ | `N` | number of examples |",
        "",
        "## 1. Nudge",
    ]


def test_the_line_without_keys_stands_for_all_rows(tmp_path):
    assert sum(line.startswith("| $") for line in lesson(tmp_path, "[[symbols]]")) == 3


@pytest.mark.parametrize(
    "line, words",
    [
        ("[[symbols: a{l}]]", "lesson.md:3: no symbol has the key 'a{l}' in chapters/symbols.md; near it: 'a[l]'"),
        ("[[symbols: N, x]]", "near it: 'x (map)'"),
        ("[[symbol: N]]", "lesson.md:3: expected [[symbols: key, key]], got '[[symbol: N]]'"),
    ],
)
def test_a_line_that_cannot_be_replaced_is_said_with_the_nearest_keys(tmp_path, line, words):
    with pytest.raises(AuthoringError, match=re.escape(words)):
        lesson(tmp_path, line)


@pytest.mark.parametrize(
    "symbols, words",
    [
        ("", "expected the table of symbols in chapters/symbols.md"),
        (TABLE + "| N | $n$ | `n` | another |\n", "symbols.md:6: a second row with the key 'N'"),
        (TABLE + "| g | $|g|$ | `g` | a length |\n", "symbols.md:6: expected key | symbol | in code | meaning"),
    ],
)
def test_a_table_that_cannot_be_read_is_said(tmp_path, symbols, words):
    with pytest.raises(AuthoringError, match=re.escape(words)):
        lesson(tmp_path, "[[symbols: N]]", symbols)


def test_an_empty_table_names_no_nearest_key():
    with pytest.raises(CourseError, match="no symbol has the key 'N'"):
        table(["N"], {})


# ----------------------------------------------------------------------------------------------------- in the book


def uses():
    """key -> the numbers of the chapters whose lessons name it."""
    found = defaultdict(set)
    for path in LESSONS:
        for keys in filter(None, map(keys_of, path.read_text(encoding="utf-8").splitlines())):
            for key in keys:
                found[key].add(int(path.parent.name[:2]))
    return found


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.parent.name)
def test_a_lesson_has_its_symbols_from_the_one_table_alone(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert sum(keys_of(line) is not None for line in lines) == 1
    assert [line for line in lines if re.match(r"\| *symbol *\|", line)] == []


def test_every_row_of_the_table_is_used_by_a_lesson():
    assert [key for key in SYMBOLS if key not in uses()] == []


def test_rows_with_one_letter_say_in_which_chapters_they_hold():
    rows = defaultdict(set)
    for key, symbol in SYMBOLS.items():
        for letter in {key.split(" (")[0], *symbol.symbol.split(", ")}:
            rows[letter].add(key)
    twice = {key for keys in rows.values() if len(keys) > 1 for key in keys}
    assert twice
    assert [key for key in twice if not SYMBOLS[key].chapters] == []


def test_a_row_that_says_where_it_holds_is_used_just_there():
    there = {int(path.parent.name[:2]) for path in LESSONS}
    stated = {key: set(symbol.chapters) & there for key, symbol in SYMBOLS.items() if symbol.chapters}
    assert stated == {key: uses()[key] for key in stated}
