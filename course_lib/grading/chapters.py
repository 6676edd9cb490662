"""The instructor's notebooks, and which of them a hand-in belongs to."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from course_lib import exercises
from course_lib._errors import CourseError
from course_lib.grading.graft import Slot, named_exercises, slots
from course_lib.grading.submissions import BadFile, HandIn, Notebook, read


class Chapter:
    """An instructor's notebook: the cells that run around the answers."""

    def __init__(self, path: Path) -> None:
        try:
            self.notebook = read(path)
        except BadFile as bad:
            raise CourseError(f"{path.name} in the folder of solutions cannot be read: {bad}") from bad
        self.name = path.stem
        self.slots: list[Slot] = slots(self.notebook)
        self.exercises = {slot.exercise: exercises.exercise(slot.exercise) for slot in self.slots}


class Chapters:
    """A folder of the instructor's notebooks. Raises CourseError where there are none."""

    def __init__(self, solutions: Path) -> None:
        paths = sorted(solutions.glob("*.ipynb")) if solutions.is_dir() else []
        if not paths:
            raise CourseError(
                "expected the instructor's notebooks in the folder of solutions, found none; try `course build`, or "
                "name another folder"
            )
        self.chapters = {path.stem: Chapter(path) for path in paths}

    def read(self, hand_in: HandIn) -> tuple[Notebook, Chapter]:
        """The notebook and its chapter: by its metadata, else its file's name, else the exercises that it names."""
        notebook = read(hand_in.path)
        if notebook.kind == "lesson":
            raise BadFile("it is the notebook of a lesson; hand in the one of its exercises")
        named = named_exercises(notebook)
        in_name = self.in_name(hand_in.path.stem)
        shared = {key: len(named & chapter.exercises.keys()) for key, chapter in self.chapters.items()}
        most = max(shared, key=lambda key: shared[key])
        for key in (notebook.chapter, *in_name, most if shared[most] else ""):
            if key in self.chapters:
                return notebook, self.chapters[key]
        raise BadFile("no exercise of this course is in it; hand in the notebook from the folder of exercises")

    def in_name(self, name: str) -> list[str]:
        """The chapters that a file's name names."""
        return [key for key in self.chapters if key.casefold() in name.casefold()]

    def latest(self, hand_ins: Iterable[HandIn]) -> tuple[list[HandIn], list[str]]:
        """One file for each student and chapter, the last by name as browsers number them; and what was left out.

        Each with its chapter, as far as it can be told, and with its problem where it cannot be read. A file that
        cannot be read takes the place of no other.
        """
        last: dict[tuple[str, str], HandIn] = {}
        notes = []
        for hand_in in hand_ins:
            try:
                if hand_in.problem:
                    raise BadFile(hand_in.problem)
                chapter = self.read(hand_in)[1].name
                key = hand_in.student, chapter
                hand_in = replace(hand_in, chapter=chapter)
            except BadFile as bad:
                key = hand_in.student, hand_in.name
                named = self.in_name(hand_in.name)
                hand_in = replace(hand_in, problem=str(bad), chapter=named[0] if len(named) == 1 else "")
            if key in last:
                notes.append(f"{last[key].name}: not graded, {hand_in.name} is handed in for the same chapter")
            last[key] = hand_in
        return list(last.values()), notes
