"""Predict, then see: a question of the lesson that the reader answers before running the cell that shows it.

Nothing is graded and nothing is kept. The question stands in the text of the lesson, the options here, declared beside
the exercises of the chapter; what is right and why opens when the reader asks for it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Prediction:
    """The options of one question.

    id      : slug, unique in the course
    options : two to five short texts (plain, or simple HTML), each what somebody might think
    right   : the option that is true, word for word
    because : why, in a sentence or two; it can lean on what the next cell shows
    """

    id: str
    options: tuple[str, ...]
    right: str
    because: str

    def __post_init__(self) -> None:
        if self.right not in self.options or len(set(self.options)) != len(self.options):
            raise ValueError(f"{self.id}: right must be one of the options, all different, got {self.right!r}")


def all_predictions() -> tuple[Prediction, ...]:
    """Every prediction of the course, chapter by chapter."""
    from course_lib.exercises import chapters

    modules = (importlib.import_module(f"{__package__}.ch{chapter}") for chapter in chapters())
    return tuple(p for module in modules for p in getattr(module, "PREDICTIONS", ()))


def prediction(id: str) -> Prediction:
    """The prediction of that id. Raises KeyError with the nearest ids."""
    from course_lib.exercises import of_id

    return of_id(all_predictions(), id, "prediction")


def predict(id: str) -> Any:
    """The options of a question, to choose from before reading on. Make it the last line of a cell."""
    from course_lib.exercises.widget import PredictionWidget

    return PredictionWidget(prediction(id))
