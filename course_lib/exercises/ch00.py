"""Chapter 00, Start here: no exercises, one prediction to see how predicting works."""

from __future__ import annotations

from course_lib.exercises.declaration import Exercise
from course_lib.exercises.predictions import Prediction

EXERCISES: tuple[Exercise, ...] = ()

PREDICTIONS = (
    Prediction(
        "start-square",
        options=("by 0.01", "by 0.06", "by 0.0001"),
        right="by 0.06",
        because="The slope of x² at 3 is 6, and a nudge is multiplied by the slope. The course says this of functions "
        "with millions of inputs.",
    ),
)
