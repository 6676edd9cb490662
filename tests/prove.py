"""The course proves its own checks: right answers pass, every known mistake is refused and named. Mutation testing.

    python -m tests.prove [STUDENTS]     prints the table over so many students (200), and says what failed

`tests/test_exercises.py` runs the same over a few.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from course_lib.exercises import all_exercises, chapters, exercise, exercises_of
from course_lib.exercises.catalogue import CATALOGUE
from course_lib.exercises.declaration import Exercise, draw_cases, seed_of, value_of
from course_lib.exercises.diagnosis import diagnose
from course_lib.exercises.outcomes import Correct, Mistake, Outcome
from course_lib.exercises.values import decode, encode, evaluate
from tests.answers import ANSWERS

STYLES = 3  # so many independent styles of right answers has every exercise at least
NOT_AN_EXERCISE: dict[int, str] = {}  # rows of the catalogue that no exercise can show, and why


def names(students: int) -> list[str]:
    """The names of that many students; one of them types none."""
    return ["", "Ada Lovelace", *(f"Student {k}" for k in range(students - 2))]


def judged(e: Exercise, inputs: list[dict[str, Any]], answer: Any) -> Outcome:
    """The outcome of an answer, by the way it takes when grading: inputs and values cross as JSON."""
    delivered = [decode(json.loads(json.dumps(encode(case)))) for case in inputs]
    return diagnose(e, inputs, json.loads(json.dumps(evaluate(answer, delivered, e.kind, e.id), allow_nan=False)))


def answer_of(e: Exercise, inputs: list[dict[str, Any]], function: Callable[..., Any]) -> Any:
    """What a student hands in who answers by this function: the function itself, or what it gives on their numbers."""
    return function if e.kind == "code" else value_of(function, inputs[0])


def as_lists(value: Any) -> Any:
    """A value with lists for its arrays."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return type(value)(map(as_lists, value)) if isinstance(value, (list, tuple)) else value


def as_float32(value: Any) -> Any:
    """A value in single precision."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float32)
    return type(value)(map(as_float32, value)) if isinstance(value, (list, tuple)) else value


def right_answers(e: Exercise, inputs: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Right answers to an exercise, each with the name of its style."""
    forms = {"arrays": lambda v: v, "lists": as_lists} | ({"float32": as_float32} if e.kind == "code" else {})
    for name, form in forms.items():
        yield name, answer_of(e, inputs, lambda *given, form=form: form(e.right(*given)))
    for k, style in enumerate(ANSWERS.get(e.id, ())):
        yield f"style {k}", style if e.kind == "code" else style(SimpleNamespace(**inputs[0]))


@dataclass
class Tally:
    """What came of the answers to one exercise."""

    id: str
    right: int = 0
    wrong: int = 0
    false_refusals: list[str] = field(default_factory=list)
    false_passes: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)


def tally(id: str, students: Sequence[str]) -> Tally:
    """Judge all right answers and all known mistakes of an exercise, with the numbers of these students."""
    e, found = exercise(id), Tally(id)
    for name in students:
        inputs = draw_cases(e, seed_of(name, e.id))
        for style, answer in right_answers(e, inputs):
            found.right += 1
            if (outcome := judged(e, inputs, answer)) != Correct():
                found.false_refusals.append(f"{style} of {name!r}: {outcome}")
        for mistake in e.mistakes:
            found.wrong += 1
            outcome = judged(e, inputs, answer_of(e, inputs, mistake.wrong))
            named = Mistake(mistake.name, mistake.says, mistake.hint)
            if outcome == Correct():
                found.false_passes.append(f"{mistake.name} of {name!r}")
            elif not (isinstance(outcome, Mistake) and replace(outcome, earned=None, case=0) == named):
                found.unnamed.append(f"{mistake.name} of {name!r}: {outcome}")
    return found


HEAD = ("chapter", "exercises", "mistakes", "right answers", "refused", "wrong answers", "passed", "named")


def table(tallies: Sequence[Tally]) -> str:
    """The table: a row for each chapter, and one for all."""
    by_id = {t.id: t for t in tallies}
    groups = {c: [by_id[e.id] for e in exercises_of(c) if e.id in by_id] for c in chapters()}
    rows = [HEAD, *(row(c, group) for c, group in groups.items() if group), row("all", tallies)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(r, widths, strict=True)) for r in rows)


def row(name: str, group: Sequence[Tally]) -> tuple[str, ...]:
    """One row of the table."""
    mistakes, wrong = sum(len(exercise(t.id).mistakes) for t in group), sum(t.wrong for t in group)
    refused, passed = (sum(len(getattr(t, kind)) for t in group) for kind in ("false_refusals", "false_passes"))
    named = wrong - passed - sum(len(t.unnamed) for t in group)
    counts = (len(group), mistakes, sum(t.right for t in group), refused, wrong, passed)
    return (name, *map(str, counts), f"{100 * named / wrong:.1f} %")


def uncovered() -> dict[int, str]:
    """Rows of the catalogue that no known mistake points to."""
    covered = {m.row for e in all_exercises() for m in e.mistakes}
    return {row: title for row, title in CATALOGUE.items() if row not in covered}


def main(students: int = 200) -> int:
    """Print the table and what failed; 1 where something did."""
    exercises = all_exercises()
    with ProcessPoolExecutor() as pool:
        tallies = list(pool.map(tally, [e.id for e in exercises], [names(students)] * len(exercises)))
    print(f"{students} students\n\n{table(tallies)}\n")
    kinds = {kind: sum(e.kind == kind for e in exercises) for kind in ("code", "num", "choice", "order", "path")}
    print("kinds: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()))
    missing = uncovered()
    print(f"catalogue: {len(CATALOGUE) - len(missing)} of {len(CATALOGUE)} rows are known mistakes of some exercise")
    for row, title in missing.items():
        print(f"  not {row}, {title}: {NOT_AN_EXERCISE.get(row, 'MISSING')}")
    failed = [f"{t.id}: {line}" for t in tallies for line in t.false_refusals + t.false_passes + t.unnamed]
    print("\n".join(failed[:50]))
    return bool(failed or missing.keys() - NOT_AN_EXERCISE.keys())


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
