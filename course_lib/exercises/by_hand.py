"""What a check shows where a grade is looked up by hand: the solution's values, or what came in their place.

Plain nbval compares texts and knows no tolerance. So values that are as near to the solution's as the exercise asks are
shown as the solution's own, and all others as they came: the texts are the same where the values are right.
"""

from __future__ import annotations

import pprint
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_lib.exercises.declaration import Exercise
from course_lib.exercises.diagnosis import same_values
from course_lib.exercises.values import Map, decode


def shown(exercise: Exercise, inputs: Sequence[dict[str, Any]], reference: Any, record: Any) -> str:
    """The text of a record of `values.evaluate`, beside the record that the solution gives on the same inputs."""
    if same_values(exercise, inputs, reference, record):
        return f"{exercise.id}: the solution's values\n{_written(reference)}"
    if record.get("not_attempted"):
        return f"{exercise.id}: not attempted"
    if "error" in record:
        return f"{exercise.id}: it stopped with {record['error']['type']}: {record['error']['text']}"
    return f"{exercise.id}: other values than the solution's\n{_written(record)}"


def _written(record: dict[str, Any]) -> str:
    values = [_plain(decode(value)) for value in record["cases"]]
    texts = [pprint.pformat(value, width=100, compact=True, sort_dicts=False) for value in values]
    return texts[0] if len(texts) == 1 else "\n".join(f"case {k}:\n{text}" for k, text in enumerate(texts, start=1))


def _plain(value: Any) -> Any:
    """The value in Python's own numbers and lists, which are written the same however NumPy is set to print.

    >>> _plain((np.array([1.5, 2.0]), None))
    ([1.5, 2.0], None)
    """
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Map):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value
