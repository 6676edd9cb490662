"""The results of grading: the table that an instructor opens in a spreadsheet, and all of it as JSON."""

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from course_lib._errors import CourseError

COLUMNS = ("student", "chapter", "exercise", "points", "of", "verdict", "mistake", "seed")


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
    trouble    : one line where this machine failed while grading: no points, and no zero either
    notes      : lines for the instructor
    seed       : the secret that its inputs were drawn from: `course grade --seed` repeats its grade
    sealed     : whether it ran in a sandbox
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
                why = plain(f"{hand_in.file}: {hand_in.unreadable}")
                table.writerow([*who, "", 0, 0, "unreadable", why, plain(hand_in.seed)])
            if hand_in.trouble:
                table.writerow([*who, "", "", "", "not-graded", plain(hand_in.trouble), plain(hand_in.seed)])
            for r in hand_in.results:
                result = plain(r.exercise), number(r.points), r.of, plain(r.verdict), plain(r.mistake)
                table.writerow([*who, *result, plain(hand_in.seed)])


def write_json(path: Path, graded: Iterable[Graded]) -> None:
    """Write everything, for programs and for grading a part anew."""
    text = json.dumps([asdict(hand_in) for hand_in in graded], indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_json(path: Path) -> list[Graded]:
    """What `write_json` wrote. Raises CourseError where it is not there or not whole."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return [
            Graded(
                **hand_in
                | {"results": tuple(Result(**r) for r in hand_in["results"])}
                | {"notes": (*hand_in["notes"],)}
            )
            for hand_in in data
        ]
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
    """Text that a spreadsheet shows and does not compute, on one line.

    >>> plain("=1+1"), plain("Bo\\tLi"), plain("ada")
    ("'=1+1", 'Bo Li', 'ada')
    """
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text
