"""The picture of the difference: which entries of an answer are right and which are not, and no number at all."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_lib.exercises import outcomes
from course_lib.exercises.declaration import Exercise
from course_lib.exercises.diagnosis import parts_of
from course_lib.exercises.values import Misfit, close, decode

SIDE = 8  # the most rows and columns of a part that is drawn
PARTS = 6
Picture = tuple[tuple[str, tuple[str, ...]], ...]


def difference(exercise: Exercise, inputs: Sequence[dict[str, Any]], outcome: outcomes.Outcome, record: Any) -> Picture:
    """Of each part of the case that the outcome speaks of: its name, and rows of "=" (right) and "x" (off).

    Nothing where there is no more to see than the sentence says: words, single numbers, other shapes, large arrays.
    ``record`` may be forged; whatever it holds, nothing is raised.
    """
    if not isinstance(outcome, (outcomes.Mistake, outcomes.Incorrect, outcomes.NotFinite)) or exercise.measure:
        return ()
    if exercise.kind not in ("code", "num"):
        return ()
    try:
        given = inputs[outcome.case]
        came, right = parts_of(exercise, given, decode(record["cases"][outcome.case]))
        marks = [(name, _rows(exercise, came[name], right[name])) for name in right]
    except (Misfit, KeyError, IndexError, TypeError, ValueError, RecursionError):
        return ()
    entries = sum(len(row) for _, rows in marks for row in rows)
    if entries < 2 or len(marks) > PARTS or any(len(rows) > SIDE or len(rows[0]) > SIDE for _, rows in marks if rows):
        return ()
    return tuple((name, rows) for name, rows in marks if rows)


def _rows(exercise: Exercise, came: np.ndarray, right: np.ndarray) -> tuple[str, ...]:
    good = np.asarray(close(came, right, exercise.rtol, exercise.atol))
    if not good.size or good.ndim > 2:
        return ()
    table = good.reshape(-1, 1) if good.ndim < 2 else good
    return tuple("".join("=" if entry else "x" for entry in row) for row in table)
