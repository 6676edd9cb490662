"""Exercises: declared as data, drawn from a student's name, checked by the values that an answer gives."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from course_lib.exercises.declaration import Exercise
    from course_lib.exercises.predictions import Prediction

T = TypeVar("T", "Exercise", "Prediction")

__all__ = [
    "all_exercises",
    "chapters",
    "check",
    "course_map",
    "exercise",
    "exercises_of",
    "hint",
    "lock_in",
    "numbers",
    "predict",
    "student",
]


def chapters() -> tuple[str, ...]:
    """The chapters that have declarations, exercises or predictions, e.g. ("04", "05", "06")."""
    names = (path.name for path in files(__package__).iterdir())
    return tuple(sorted(n[2:4] for n in names if n.startswith("ch") and n.endswith(".py") and n[2:-3].isdigit()))


def exercises_of(chapter: str) -> tuple[Exercise, ...]:
    """The exercises of a chapter, "04" or "04_jacobians", in their order. Raises KeyError where it has none."""
    if chapter[:2] not in chapters():
        raise KeyError(f"no exercises for chapter {chapter!r}; there are chapters {', '.join(chapters())}")
    return importlib.import_module(f"{__package__}.ch{chapter[:2]}").EXERCISES


def all_exercises() -> tuple[Exercise, ...]:
    """Every exercise of the course, chapter by chapter."""
    return tuple(e for chapter in chapters() for e in exercises_of(chapter))


def exercise(id: str) -> Exercise:
    """The exercise of that id. Raises KeyError with the nearest ids."""
    return of_id(all_exercises(), id, "exercise")


def of_id(things: Iterable[T], id: str, what: str) -> T:
    """The one of the things that has that id. Raises KeyError with the nearest ids."""
    found = {thing.id: thing for thing in things}
    if id not in found:
        from difflib import get_close_matches

        near = get_close_matches(id, found, n=3, cutoff=0.3) or list(found)[:3]
        raise KeyError(f"no {what} {id!r}; did you mean {' or '.join(map(repr, near))}?")
    return found[id]


def __getattr__(name: str) -> object:
    if name in ("student", "numbers", "lock_in", "check", "hint"):
        return getattr(importlib.import_module(f"{__package__}.session"), name)
    if name == "course_map":
        return importlib.import_module(f"{__package__}.progress_map").course_map
    if name == "predict":
        return importlib.import_module(f"{__package__}.predictions").predict
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
