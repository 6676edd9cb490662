"""The one table of symbols, chapters/symbols.md, and the line of a lesson that its rows are put in place of.

    [[symbols: theta, P, x (map)]]      these rows, in this order
    [[symbols]]                         all rows

A letter that means two things has two rows, told apart by their keys; each of them ends with "(chapters 4, 5)", the
chapters that it holds in.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import NamedTuple

from course_lib._errors import CourseError

FILE = "symbols.md"
DIRECTIVE = re.compile(r"\[\[symbols(?::\s*(.*?))?\s*\]\]")
HEAD = "| symbol | in code | meaning and shape |\n|---|---|---|"
CHAPTERS = re.compile(r"\(chapters? (\d+(?:, \d+)*)\)$")
BAR = re.compile(r"(?<!\\)\|")


class Symbol(NamedTuple):
    """A row of the table."""

    key: str
    symbol: str
    code: str
    meaning: str

    @property
    def chapters(self) -> tuple[int, ...]:
        """The chapters that the row says it holds in; () where it says none and holds everywhere.

        >>> Symbol("h (step)", "$h$", "`h`", "step of a nudge (chapters 3, 9)").chapters
        (3, 9)
        """
        found = CHAPTERS.search(self.meaning)
        return tuple(map(int, found[1].split(", "))) if found else ()

    def __str__(self) -> str:
        return f"| {self.symbol} | {self.code} | {self.meaning} |"


def read_symbols(path: Path) -> dict[str, Symbol]:
    """The rows of the table by their keys, in the order of the file.

    Raises : CourseError if there is no such file, if a row has not four columns, or if two have one key.
    """
    if not path.is_file():
        raise CourseError(f"expected the table of symbols in chapters/{path.name}, there is none")
    symbols: dict[str, Symbol] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.startswith("|") or re.fullmatch(r"[|\s:-]+", line):
            continue
        cells = [cell.strip() for cell in BAR.split(line)[1:-1]]
        if len(cells) != 4 or not cells[0]:
            raise CourseError(
                f"chapters/{path.name}:{number}: expected key | symbol | in code | meaning and shape, "
                f"got {len(cells)} columns; write a bar inside a formula as \\lvert"
            )
        if cells[0] in symbols:
            raise CourseError(f"chapters/{path.name}:{number}: a second row with the key {cells[0]!r}")
        if cells[0] != "key":
            symbols[cells[0]] = Symbol(*cells)
    return symbols


def keys_of(line: str) -> list[str] | None:
    """The keys that a line asks for, [] for all of them; None where it is no such line.

    >>> keys_of("[[symbols: a[l], x (map)]]"), keys_of("[[symbols]]"), keys_of("The symbols:")
    (['a[l]', 'x (map)'], [], None)
    """
    found = DIRECTIVE.fullmatch(line.strip())
    if not found:
        return None
    return [key.strip() for key in found[1].split(",")] if found[1] else []


def table(keys: list[str], symbols: dict[str, Symbol]) -> str:
    """The Markdown table of these rows; of all, if no key is given.

    Raises : CourseError at a key that is not in the table, naming those that are nearest.
    """
    for key in keys:
        if key not in symbols:
            letter = [other for other in symbols if other.split(" ")[0] == key.split(" ")[0]]
            near = letter or difflib.get_close_matches(key, symbols, n=3, cutoff=0.4) or list(symbols)
            raise CourseError(
                f"no symbol has the key {key!r} in chapters/{FILE}; near it: {', '.join(map(repr, near))}; "
                "take one of them, or add a row"
            )
    return "\n".join([HEAD, *(str(symbols[key]) for key in keys or symbols)])
