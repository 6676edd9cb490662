"""What an author is told before a class is: check cells that could be guessed, and cells that are never compared.

A notebook is read as it stands; nothing in it is run. Of an exercise of the course the right answers are computed for
many names, since a typed answer that most names share can be copied.
"""

import contextlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat

from course_lib import exercises
from course_lib._errors import CourseError
from course_lib.exercises.declaration import Exercise, draw_cases, seed_of, value_of
from course_lib.exercises.values import encode
from course_lib.grading.engine import VALUES

BITS = 20.0  # a value of so many bits is not guessed in a class
NAMES = 40  # for which right answers are computed
SHARED, TOLD = 2 / 3, 0.2  # of the names may share an answer; may share it untold
SKIPPED = {"NBVAL_SKIP", "PYTEST_VALIDATE_IGNORE_OUTPUT", "NBVAL_IGNORE_OUTPUT"}
SKIPPING_TAGS = {"nbval-skip", "nbval-ignore-output"}
NOT_COMPARED = {"image/png", "image/jpeg", "application/vnd.jupyter.widget-view+json", "text/latex"}
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]*\w)")
SHAPE = re.compile(r"\(?\d+(?:, ?\d*)+\)?|torch\.Size\(\[[\d, ]*\]\)")


@dataclass(frozen=True)
class Finding:
    """One thing to look at. ``minor`` ones are told and do not fail."""

    where: str
    says: str
    minor: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"


def lint(paths: Iterable[Path], names: int = NAMES) -> list[Finding]:
    """The findings of some notebooks, and of the exercises of the course that they hold.

    Raises CourseError for a file that is no notebook.
    """
    found = []
    for path in paths:
        try:
            notebook = nbformat.read(path, as_version=4)
        except Exception as error:  # whatever nbformat raises, and it raises much
            raise CourseError(f"{path.name} cannot be read as a notebook ({type(error).__name__})") from error
        here = [*lint_notebook(notebook), *lint_nbgrader(notebook)]
        for id in {cell.metadata.get("course", {}).get("exercise", ""): 0 for cell in notebook.cells if is_check(cell)}:
            with contextlib.suppress(KeyError):
                here += lint_exercise(exercises.exercise(id), names)
        found += [replace(finding, where=f"{path.name}, {finding.where}") for finding in here]
    return found


def typed(id: str) -> bool:
    """Whether an exercise of the course asks for a typed answer, which `lint_exercise` judges by its draws."""
    try:
        return exercises.exercise(id).kind != "code"
    except KeyError:
        return False


# ---------------------------------------------------------------------------------------------------------- a notebook
def lint_notebook(notebook: Any) -> Iterator[Finding]:
    """Check cells whose output could be guessed, or is never compared.

    A check cell is one that says so, in the course's way or in nbgrader's; where none does, every cell with an output.
    """
    code = [(k, cell) for k, cell in enumerate(notebook.cells, start=1) if cell.cell_type == "code"]
    checks = [(k, cell) for k, cell in code if is_check(cell)]
    for k, cell in checks or [(k, cell) for k, cell in code if cell.get("outputs")]:
        where = name_of(k, cell)
        never = why_never(cell)
        guess = "" if never or typed(where) else why_guessed(cell)
        if never or guess:
            yield Finding(where, never or guess)


def lint_nbgrader(notebook: Any) -> Iterator[Finding]:
    """Cells that nbgrader would pass over: two of one id, and those without one where others have theirs."""
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    for k, (cell, id) in enumerate(zip(notebook.cells, ids, strict=True), start=1):
        if id and ids.index(id) + 1 < k:
            yield Finding(
                name_of(k, cell), f"nbgrader's id {id} stands in two cells, of which it grades the last alone"
            )
        elif not id and any(ids) and cell.metadata.get("course", {}).get("role") in ("answer", "check"):
            yield Finding(
                name_of(k, cell), f"its {cell.metadata.course.role} cell has no id of nbgrader's; build it anew"
            )


def name_of(k: int, cell: Any) -> str:
    """What a finding calls a cell: its exercise, else its number."""
    return cell.metadata.get("course", {}).get("exercise") or f"cell {k}"


def is_check(cell: Any) -> bool:
    """Whether points hang on a cell."""
    return cell.metadata.get("course", {}).get("role") == "check" or bool(
        cell.metadata.get("nbgrader", {}).get("grade")
    )


def why_never(cell: Any) -> str:
    """Why nbval never compares what a cell gives, "" where it does."""
    comments = {line.strip().lstrip("#").strip() for line in cell.source.splitlines() if line.strip().startswith("#")}
    if marks := sorted(comments & SKIPPED) + sorted(SKIPPING_TAGS & {*cell.metadata.get("tags", [])}):
        return f"{marks[0]} keeps it from being compared"
    if cell.get("execution_count") is None:
        return "it has not been run, and what has not been run is not compared; run the notebook and save it"
    if not cell.get("outputs"):
        return "it gives no output, so there is nothing to compare; let it show its value"
    kinds = {kind for out in cell.outputs for kind in (*out.get("data", {}), out.get("name", ""), out.output_type)}
    if not kinds - NOT_COMPARED - {"", "text/plain", "display_data", "execute_result", "text/html"} - {"stderr"}:
        texts = [out.get("data", {}).get("text/plain", "") for out in cell.outputs]
        if all(re.fullmatch(r"\s*|<.*>|\w+\(.*\)", str(text), re.DOTALL) and bits(str(text)) < BITS for text in texts):
            return "it shows a picture or an object alone, which is not compared by its value; show numbers"
    return ""


def why_guessed(cell: Any) -> str:
    """Why a student could guess what a cell gives, "" where it is too much for that."""
    records = [out["data"][VALUES] for out in cell.outputs if VALUES in out.get("data", {})]
    if records:
        return poor(sum(bits(json.dumps(record.get("cases", record))) for record in records), records_only=True)
    text = "\n".join(
        out.get("text", "") if out.output_type == "stream" else out.get("data", {}).get("text/plain", "")
        for out in cell.outputs
        if out.output_type != "error"
    )
    words = set(re.findall(r"[A-Za-z]+", text)) - {"array", "np", "float", "e", "nan", "inf", "dtype", "int"}
    if words and words <= {"True", "False", "None", "bool"} and not NUMBER.search(text):
        return "it shows True or False alone, which half of all guesses get; show the numbers that were compared"
    if SHAPE.fullmatch(text.strip()):
        return "it shows a shape alone, which any array of zeros has; show some of its numbers"
    return poor(bits(text))


def poor(got: float, records_only: bool = False) -> str:
    """The sentence for too few bits."""
    if got >= BITS:
        return ""
    if got == 0 and not records_only:
        return "it shows no number, so a printed text is all that is compared; show the values"
    digits = round(got / math.log2(10))
    return (
        f"its numbers have {digits} digit{'' if digits == 1 else 's'} in all, which can be guessed; show more of them"
    )


def bits(text: str) -> float:
    """How much the numbers of a text say: the digits of each, and no more for one that was there before.

    >>> round(bits("0.12345678 1 1 1")), bits("no number")
    (30, 0)
    """
    seen = set(NUMBER.findall(text))
    return sum(max(1, len(re.sub(r"[eE].*|\D", "", number).strip("0") or "0")) * math.log2(10) for number in seen) or 0


# --------------------------------------------------------------------------------------------------------- an exercise
def lint_exercise(exercise: Exercise, names: int = NAMES) -> Iterator[Finding]:
    """Whether the right answer of an exercise is the same for many students, so that it can be guessed or copied."""
    came = Counter(
        json.dumps(encode(value_of(exercise.right, case)), sort_keys=True)
        for k in range(names)
        for case in draw_cases(exercise, seed_of(f"name {k}", exercise.id))[:1]
    )
    share = max(came.values()) / names
    if share > SHARED:
        yield Finding(exercise.id, f"{share:.0%} of the names have the same right answer; draw more of it")
    elif share > TOLD:
        yield Finding(exercise.id, f"one answer is right for {share:.0%} of the names", minor=True)
