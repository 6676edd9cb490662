"""The map of the chapters: what needs what, and how far the student has come, read from the student's own notebooks.

The output of a check cell holds its verdict when the notebook is saved, "jacobian-fill: Right."; these are counted, and
nothing else is kept anywhere. The map's text is the same for everybody; progress is in its picture and its caption.
"""

from __future__ import annotations

import base64
import json
import textwrap
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple


class Chapter(NamedTuple):
    """A chapter on the map: its notebook's name, its title, its minutes, the chapters that it needs, its place."""

    name: str
    title: str
    minutes: int
    needs: tuple[int, ...]
    place: tuple[int, int]  # column, row

    @property
    def number(self) -> int:
        """4 of "04_jacobians"."""
        return int(self.name[:2])


CHAPTERS = (
    Chapter("01_learning_problem", "The learning problem", 25, (), (0, 0)),
    Chapter("02_feed_forward", "Feed-forward networks", 30, (1,), (1, 0)),
    Chapter("03_finite_differences", "Finite differences, and honest gradient checks", 40, (1, 2), (2, 0)),
    Chapter("04_jacobians", "Jacobians", 35, (), (0, 1)),
    Chapter("05_chain_rule", "The chain rule, three ways", 35, (4,), (1, 1)),
    Chapter("06_backpropagation", "Back-propagation by hand", 45, (2, 3, 4, 5), (2, 1)),
    Chapter("07_batches", "Batches and layers", 45, (6,), (0, 2)),
    Chapter("08_graphs", "Computational graphs and a small autodiff engine", 45, (4, 5, 6), (1, 2)),
    Chapter("09_cost", "What it costs, on your machine", 45, (3, 6), (2, 2)),
    Chapter("10_training", "Depth, and training for real", 45, (6, 7, 8), (1, 3)),
)


class CourseMap:
    """The map with the exercises that are right so far.

    right : ids of exercises; those of the course count

    >>> course = CourseMap(["jacobian-fill"])
    >>> course.done("04"), course.done("05")
    (1, 0)
    >>> print(course)
    Map of the course: 1 The learning problem; 2 Feed-forward networks (after 1); 3 Finite differences, and honest
    gradient checks (after 2); 4 Jacobians; 5 The chain rule, three ways (after 4); 6 Back-propagation by hand (after 3
    and 5); 7 Batches and layers (after 6); 8 Computational graphs and a small autodiff engine (after 6); 9 What it
    costs, on your machine (after 6); 10 Depth, and training for real (after 7 and 8).
    """

    def __init__(self, right: Iterable[str] = ()) -> None:
        from course_lib.exercises import chapters, exercises_of

        self.exercises = {each.name[:2]: () for each in CHAPTERS} | {c: exercises_of(c) for c in chapters()}
        self.right = frozenset(right) & {e.id for exercises in self.exercises.values() for e in exercises}

    def done(self, chapter: str) -> int:
        """How many exercises of a chapter, "04", are right."""
        return sum(exercise.id in self.right for exercise in self.exercises[chapter])

    @property
    def points(self) -> int:
        """The points of all that is right."""
        return sum(e.points for exercises in self.exercises.values() for e in exercises if e.id in self.right)

    def __repr__(self) -> str:
        steps = (f"{c.number} {c.title}{_after(c)}" for c in CHAPTERS)
        return f"Map of the course: {'; '.join(steps)}."

    def progress(self) -> str:
        """What is right so far, in a sentence."""
        exercises = [exercise for each in self.exercises.values() for exercise in each]
        points = sum(exercise.points for exercise in exercises)
        total = f"{len(self.right)} of {len(exercises)} exercises are right, {self.points} of {points} points"
        begun = (f"chapter {int(c)}: {self.done(c)} of {len(e)}" for c, e in self.exercises.items() if self.done(c))
        return f"{'; '.join([total, *begun])}."

    def picture(self) -> str:
        """The map as the text of an SVG."""
        from course_lib.explorables._base import svg

        boxes = [part for chapter in CHAPTERS for part in self._box(chapter)]
        return svg(*SIZE, *(_arrow(CHAPTERS[n - 1], chapter) for chapter in CHAPTERS for n in direct(chapter)), *boxes)

    def _box(self, chapter: Chapter) -> list[str]:
        from course_lib.explorables._base import INK, LINE, QUIET, SOFT, VALUE, WHITE, box, text

        x, y = corner(chapter)
        exercises = self.exercises[chapter.name[:2]]
        done, most = self.done(chapter.name[:2]), len(exercises)
        full = done == most > 0
        parts = [box(x, y, WIDE, HIGH, VALUE if done else LINE, SOFT if full else WHITE)]
        parts.append(text(x + 12, y + 22, str(chapter.number), VALUE, "start", 17, 700))
        for k, words in enumerate(textwrap.wrap(chapter.title, 20, break_on_hyphens=False)):
            parts.append(text(x + 40, y + 22 + 17 * k, words, INK, "start", 13, 600))
        foot = y + HIGH - 15
        parts.append(text(x + 12, foot, f"{chapter.minutes} min", QUIET, "start", 12))
        if most:
            bar = f'<rect x="{x + 70:g}" y="{foot - 4:g}" height="8" rx="4"'
            parts.append(f'{bar} width="80" fill="{LINE}"/>{bar} width="{80 * done / most:.1f}" fill="{VALUE}"/>')
            parts.append(text(x + WIDE - 12, foot, f"{'✓ ' if full else ''}{done}/{most}", INK, "end", 12))
        return parts

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        source = base64.b64encode(self.picture().encode()).decode()
        width, height = SIZE
        links = []
        for chapter in CHAPTERS:
            x, y = corner(chapter)
            place = (("left", x / width), ("top", y / height), ("width", WIDE / width), ("height", HIGH / height))
            name = escape(f"Chapter {chapter.number}: {chapter.title}")
            style = f' style="position:absolute;{"".join(f"{side}:{100 * part:.2f}%;" for side, part in place)}"'
            links.append(f'<a href="{chapter.name}.ipynb" aria-label="{name}" title="{name}"{style}></a>')
        image = f'<img alt="{escape(repr(self))}" src="data:image/svg+xml;base64,{source}"'
        page = (
            f'<figure style="margin:0"><div style="position:relative;max-width:{width}px">'
            f'{image} style="display:block;width:100%">{"".join(links)}</div>'
            f'<figcaption data-course="progress">{escape(self.progress())}</figcaption></figure>'
        )
        return {"text/plain": repr(self), "text/html": page}


def course_map(folder: str | Path | None = None) -> CourseMap:
    """The map of the chapters, with what is right in the notebooks that the student has saved.

    folder : where these are; by default exercises/ of the course, in or above the working directory
    """
    return CourseMap(right_in(exercises_folder() if folder is None else Path(folder)))


def exercises_folder() -> Path | None:
    """The folder of the student's notebooks, None where this is not run in a course."""
    here = Path.cwd()
    courses = (place for place in (here, *here.parents) if (place / "notebooks").is_dir())
    return next((place / "exercises" for place in courses if (place / "exercises").is_dir()), None)


def right_in(folder: Path | None) -> set[str]:
    """The ids whose checks said "Right." when the notebooks of a folder were saved. Files that are none are skipped."""
    right: set[str] = set()
    for path in sorted(folder.glob("*.ipynb")) if folder else ():
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            right.update(id for cell in cells if (id := _right(cell)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return right


def _right(cell: Any) -> str:
    """The id of the exercise that the check in this cell found right, else ""."""
    course = cell["metadata"].get("course", {})
    if course.get("role") != "check":
        return ""
    said = ("".join(output.get("data", {}).get("text/plain", "")) for output in cell["outputs"])
    return course["exercise"] if f"{course['exercise']}: Right." in said else ""


# ------------------------------------------------------------------------------------------------------- the path

WIDE, HIGH, ACROSS, DOWN, MARGIN = 206, 92, 28, 38, 8
SIZE = (3 * WIDE + 2 * ACROSS + 2 * MARGIN, 4 * HIGH + 3 * DOWN + 2 * MARGIN)


def corner(chapter: Chapter) -> tuple[float, float]:
    """The upper left corner of a chapter's box."""
    column, row = chapter.place
    return MARGIN + column * (WIDE + ACROSS), MARGIN + row * (HIGH + DOWN)


def direct(chapter: Chapter) -> tuple[int, ...]:
    """The chapters that one needs, without those that the others need in their turn: the arrows of the map.

    >>> direct(CHAPTERS[5])  # 6 needs 2, 3, 4, 5; but 3 needs 2, and 5 needs 4
    (3, 5)
    """
    return tuple(n for n in chapter.needs if not any(n in _all_needs(CHAPTERS[k - 1]) for k in chapter.needs))


def _all_needs(chapter: Chapter) -> set[int]:
    return set(chapter.needs).union(*(_all_needs(CHAPTERS[n - 1]) for n in chapter.needs))


def _after(chapter: Chapter) -> str:
    numbers = list(map(str, direct(chapter)))
    return f" (after {' and '.join(numbers)})" if numbers else ""


def _arrow(start: Chapter, end: Chapter) -> str:
    """From the right side to the left one in a row; else down, across between the rows, and down."""
    from course_lib.explorables._base import QUIET, line

    (x0, y0), (x1, y1) = corner(start), corner(end)
    if start.place[1] == end.place[1]:
        points = [(x0 + WIDE, y0 + HIGH / 2), (x1 - 9, y0 + HIGH / 2)]
        head = [(x1 - 10, y0 + HIGH / 2 - 5), (x1 - 2, y0 + HIGH / 2), (x1 - 10, y0 + HIGH / 2 + 5)]
    else:
        left, right, level = x0 + WIDE / 2, x1 + WIDE / 2, y1 - DOWN / 2
        points = [(left, y0 + HIGH), (left, level), (right, level), (right, y1 - 9)]
        head = [(right - 5, y1 - 10), (right, y1 - 2), (right + 5, y1 - 10)]
    filled = " ".join(f"{x:.1f},{y:.1f}" for x, y in head)
    return line(points, QUIET, 1.5) + f'<polygon points="{filled}" fill="{QUIET}"/>'
