"""The results of grading: the table that an instructor opens in a spreadsheet, and all of it as JSON."""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from course_lib._errors import CourseError

UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")  # ends or turns lines
FORMULA = re.compile(r"(^|[;,|])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
COLUMNS = ("student", "chapter", "exercise", "points", "of", "verdict", "mistake", "late", "seed")


@dataclass(frozen=True)
class Result:
    """One exercise of one submission.

    verdict : a slug, the outcome's kind ("correct", "mistake", "not-attempted", ...) or what the run came to
              ("time-limit", "kernel-died", "output-limit", "no-values")
    mistake : slug of the known mistake, or the name of the error; "" else
    says    : the verdict as a sentence for the student, without any expected number
    hint    : what to think about next, simple HTML of the course's own
    source  : the student's answer
    picture : of each part its name and rows of "=" and "x", where an entry is right and where it is not
    """

    exercise: str
    title: str
    points: float
    of: int
    verdict: str
    mistake: str = ""
    says: str = ""
    hint: str = ""
    source: str = ""
    picture: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Graded:
    """One handed-in file: its results, or why there are none.

    file       : its name within the folder of submissions
    name       : what the student typed as a name, "" for none
    unreadable : one line where the file could not be graded; there are no results then
    trouble    : one line where this machine failed while grading: no points, and no zero either
    notes      : lines for the instructor
    seed       : the secret that its inputs were drawn from: `course grade --seed` repeats its grade
    sealed     : whether it ran in a sandbox
    person     : the student's name where the platform tells it
    id         : what the platform calls the student
    late       : whether it came late
    takes      : percent of the points that this costs
    """

    student: str
    file: str
    chapter: str = ""
    name: str = ""
    results: tuple[Result, ...] = ()
    unreadable: str = ""
    trouble: str = ""
    notes: tuple[str, ...] = ()
    seed: str = ""
    sealed: bool = True
    person: str = ""
    id: str = ""
    late: bool = False
    takes: float = 0.0

    @property
    def points(self) -> float:
        """Points of all its exercises, less what being late takes."""
        return sum(result.points for result in self.results) * (1 - self.takes / 100 * self.late)

    @property
    def of(self) -> int:
        """Points there are to get."""
        return sum(result.of for result in self.results)


def write_gradebook(path: Path, graded: Iterable[Graded]) -> None:
    """Write one row per student, chapter and exercise, and one for each file that could not be graded.

    The points are those before anything is taken for being late. Texts are quoted, and those that a spreadsheet would
    take for a formula are made plain.
    """
    rows: list[Sequence[object]] = [COLUMNS]
    for g in graded:
        end = f"late, {number(g.takes)} % off" if g.late and g.takes else "late" if g.late else "", g.seed
        if g.unreadable:
            rows.append((g.student, g.chapter, "", 0, 0, "unreadable", f"{g.file}: {g.unreadable}", *end))
        if g.trouble:
            rows.append((g.student, g.chapter, "", "", "", "not-graded", g.trouble, *end))
        for r in g.results:
            rows.append((g.student, g.chapter, r.exercise, number(r.points), r.of, r.verdict, r.mistake, *end))
    put(path, table(rows))


def table(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV that a spreadsheet shows and does not compute."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerows([plain(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode("utf-8")


def put(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and leave one alone that holds these bytes already."""
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name[:50]}.{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, graded: Iterable[Graded]) -> None:
    """Write everything, for programs and for grading a part anew."""
    text = json.dumps([asdict(hand_in) for hand_in in graded], indent=1, ensure_ascii=False)
    put(path, f"{text}\n".encode())


def from_data(data: dict[str, Any]) -> Graded:
    """A hand-in from what `asdict` and JSON made of it. Raises ValueError, TypeError or KeyError for something else."""
    results = tuple(
        Result(**r | {"picture": tuple((name, (*rows,)) for name, rows in r.get("picture", ()))})
        for r in data["results"]
    )
    return Graded(**data | {"results": results, "notes": (*data["notes"],)})


def read_json(path: Path) -> list[Graded]:
    """What `write_json` wrote. Raises CourseError where it is not there or not whole."""
    try:
        return [from_data(hand_in) for hand_in in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        raise CourseError(f"there is no {path.name} to put a part of it anew; grade the whole class first") from None
    except (ValueError, TypeError, KeyError) as error:
        raise CourseError(f"{path.name} is not what grading wrote; grade the whole class again") from error


def number(value: float) -> float | int:
    """Points as a table shows them: whole where they are whole.

    >>> number(2.0), number(0.5)
    (2, 0.5)
    """
    return int(value) if value == int(value) else round(value, 4)


def plain(text: str) -> str:
    """Text that a spreadsheet shows and does not compute, whatever parts columns there; on one line.

    >>> plain("=1+1"), plain("Bo\\tLi"), plain("ada"), plain("x; @y")
    ("'=1+1", 'Bo Li', 'ada', "x; '@y")
    """
    return FORMULA.sub(r"\1\2'", UNSHOWN.sub(" ", text))
