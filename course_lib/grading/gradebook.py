"""The results of grading, and the table that an instructor opens in a spreadsheet."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("student", "chapter", "exercise", "points", "of", "verdict", "mistake")


@dataclass(frozen=True)
class Result:
    """One exercise of one submission.

    verdict : a slug, the outcome's kind ("correct", "mistake", "not-attempted", ...) or what the run came to
              ("time-limit", "kernel-died", "output-limit", "no-values")
    mistake : slug of the known mistake, or the name of the error; "" else
    says    : the verdict as a sentence for the student, without any expected number
    hint    : what to think about next, simple HTML of the course's own
    source  : the student's answer
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


@dataclass(frozen=True)
class Graded:
    """One handed-in file: its results, or why there are none.

    file       : its name within the folder of submissions
    name       : what the student typed as a name, "" for none
    unreadable : one line where the file could not be graded; there are no results then
    notes      : lines for the instructor
    """

    student: str
    file: str
    chapter: str = ""
    name: str = ""
    results: tuple[Result, ...] = ()
    unreadable: str = ""
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """Points of all its exercises."""
        return sum(result.points for result in self.results)

    @property
    def of(self) -> int:
        """Points there are to get."""
        return sum(result.of for result in self.results)


def write_gradebook(path: Path, graded: Iterable[Graded]) -> None:
    """Write one row per student, chapter and exercise, and one for each file that could not be graded.

    Texts are quoted, and those that a spreadsheet would take for a formula are made plain.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        table.writerow(COLUMNS)
        for hand_in in graded:
            who = plain(hand_in.student), plain(hand_in.chapter)
            if hand_in.unreadable:
                table.writerow([*who, "", 0, 0, "unreadable", plain(f"{hand_in.file}: {hand_in.unreadable}")])
            for r in hand_in.results:
                table.writerow([*who, plain(r.exercise), number(r.points), r.of, plain(r.verdict), plain(r.mistake)])


def number(value: float) -> float | int:
    """Points as a table shows them: whole where they are whole.

    >>> number(2.0), number(0.5)
    (2, 0.5)
    """
    return int(value) if value == int(value) else round(value, 4)


def plain(text: str) -> str:
    """Text that a spreadsheet shows and does not compute, on one line.

    >>> plain("=1+1"), plain("Bo\\tLi"), plain("ada")
    ("'=1+1", 'Bo Li', 'ada')
    """
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text
