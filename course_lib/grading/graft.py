"""Only the source of the answers is taken from a submission; every other cell that runs is the instructor's.

An answer is found by its cell's id, else by its metadata, by the line `# answer: <id>`, or by the call that locked it
in, so that notebooks which went through other front ends, or were cut and pasted, are graded. A cell that was left
as it was handed out gives way to another one.
"""

import ast
import itertools
import re
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from nbval.plugin import comment_markers

from course_lib._errors import CourseError
from course_lib.grading.submissions import Cell, Notebook

MARKER = re.compile(r"^[ \t]*#[ \t]*answer:[ \t]*([\w.-]+)[ \t]*$", re.MULTILINE)
LOCKED_IN = re.compile(r"""\block_in\(\s*["']([\w.-]+)["']\s*,""")
PARSED = 50_000  # characters of a source that is looked into
NEXT_CELLS = 10  # after an answer, in which a part of it may stand
STUB = re.compile(r"""\block_in\(\s*["'][\w.-]+["']\s*\)|^[ \t]*raise NotImplementedError\b""", re.MULTILINE)


@dataclass(frozen=True)
class Slot:
    """Where an answer goes: the instructor's own answer, and the check that follows it."""

    exercise: str
    answer: str
    check: str


@dataclass(frozen=True)
class Answer:
    """One answer as it was found.

    source   : of its cell
    others   : how many other cells claimed to be it
    apart    : whether a part of it seems to stand in another cell
    borrowed : what it imports from the course's own library
    """

    source: str
    others: int = 0
    apart: bool = False
    borrowed: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What an instructor should know."""
        notes = [f"{self.others + 1} cells claim to be its answer"] if self.others else []
        notes += ["a cell after its answer seems to belong to it, and was not graded"] if self.apart else []
        return notes + [f"its answer imports {name} from the course's own library" for name in self.borrowed]


def slots(solution: Notebook) -> list[Slot]:
    """The answer and check cells of an instructor's notebook, in their order."""
    found = {
        role: {cell.exercise: cell.source for cell in solution.cells if cell.role == role}
        for role in ("answer", "check")
    }
    if not found["answer"] or found["answer"].keys() != found["check"].keys():
        raise CourseError(
            f"the solution notebook of {solution.chapter or 'a chapter'} should have an answer cell and a check cell "
            "for every exercise; try `course build`"
        )
    return [Slot(exercise, source, found["check"][exercise]) for exercise, source in found["answer"].items()]


def answers(notebook: Notebook, exercises: Sequence[str]) -> dict[str, Answer]:
    """The answers of a submission by exercise; an exercise whose cell is not there is left out."""
    found = {}
    marked = [
        (cell.source, {*MARKER.findall(cell.source)}, {*LOCKED_IN.findall(cell.source)}) for cell in notebook.cells
    ]
    for exercise in exercises:
        ways = (
            [cell.source for cell in notebook.cells if cell.id == f"answer-{exercise}"],
            [cell.source for cell in notebook.cells if cell.role == "answer" and cell.exercise == exercise],
            [source for source, marks, _ in marked if exercise in marks],
            [source for source, _, locked in marked if exercise in locked],
        )
        if claims := [own_part(source, exercise) for way in ways for source in reversed(way)]:
            source = next((source for source in claims if not STUB.search(source)), claims[0])
            found[exercise] = Answer(without_markers(source), others=max(map(len, ways)) - 1)
    return found


def apart(notebook: Notebook, exercise: str, name: str) -> bool:
    """Whether a cell after the answer seems to belong to it, as when a cell was split in two. It is told, never joined.

    name : what the answer must define
    """
    cells = iter(notebook.cells)
    for cell in cells:
        claims = [cell.exercise] * (cell.role == "answer") + MARKER.findall(cell.source)
        if cell.id == f"answer-{exercise}" or exercise in claims:
            answer = cell.source
            break
    for cell in itertools.islice(cells, NEXT_CELLS):
        ids = MARKER.findall(cell.source) + LOCKED_IN.findall(cell.source)
        if ids or cell.role or cell.id.startswith(("answer-", "check-")):
            break
        if belongs(answer, cell.source, name):
            return True
    return False


def belongs(answer: str, other: str, name: str) -> bool:
    """Whether a cell goes on with an answer, defines what it should define, or a function that it uses.

    >>> belongs("def f(x):\\n    y = x", "    return y", "f"), belongs("def f(x): return g(x)", "def g(x): 1", "f")
    (True, True)
    >>> belongs("def f(x): return x", "f(3)\\nprint(4)", "f"), belongs("", "f = 3", "f")
    (False, True)
    """
    first, second = parsed(answer), parsed(other)
    if first is None or second is None:
        return bool(other.strip()) and parsed(f"{answer}\n{other}") is not None
    functions = {node.name for node in second.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    stored = {node.id for node in ast.walk(second) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    used = {node.id for node in ast.walk(first) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    own = {node.name for node in first.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return name in functions | stored or bool(functions & used - own)


def borrowed(answer: str, own: str) -> tuple[str, ...]:
    """What an answer imports from the course's library and the course's own answer does not. It is told, never judged.

    >>> borrowed("from course_lib.jacobians import numerical_jacobian", "import numpy")
    ('numerical_jacobian',)
    """
    theirs, ours = imported(answer), imported(own)
    return tuple(sorted(theirs - ours))


def imported(source: str) -> set[str]:
    """The names that a source imports from the library; what has to do with exercises is for everybody."""
    found = set()
    for node in ast.walk(parsed(source) or ast.Module([], [])):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "course_lib":
            found |= {alias.name for alias in node.names if "exercises" not in (node.module or "").split(".")}
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "course_lib"}
    return found


def parsed(source: str) -> ast.Module | None:
    """The source as Python understands it, None where it does not, or where nobody would wait for that."""
    if len(source) > PARSED:
        return None
    with warnings.catch_warnings(action="ignore"), suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.parse(source)
    return None


def own_part(source: str, exercise: str) -> str:
    """The part of a cell that belongs to an exercise, where two cells were merged into one.

    >>> own_part("# answer: one\\nx = 1\\n# answer: two\\ny = 2", "two")
    '# answer: two\\ny = 2'
    """
    marks = list(MARKER.finditer(source))
    ends = [mark.start() for mark in marks[1:]] + [len(source)]
    for mark, end in zip(marks, ends, strict=False):
        if mark[1] == exercise:
            return source[0 if mark is marks[0] else mark.start() : end].rstrip("\n")
    own = source[: marks[0].start()] if marks else ""
    return own.rstrip("\n") if own.strip() else source


def without_markers(source: str) -> str:
    """The source without the comments that would steer nbval; the lines keep their numbers."""
    return "\n".join(
        "#" if line.lstrip().startswith("#") and line.strip().lstrip("#").strip() in comment_markers else line
        for line in source.split("\n")
    )


def named_exercises(notebook: Notebook) -> set[str]:
    """Every exercise that the cells of a notebook name, in any of the four ways."""

    def names(cell: Cell) -> Iterable[str]:
        prefix, _, exercise = cell.id.partition("-")
        named = {cell.exercise, *MARKER.findall(cell.source), *LOCKED_IN.findall(cell.source)}
        return named | {exercise} if prefix == "answer" else named

    return {exercise for cell in notebook.cells for exercise in names(cell)} - {""}


def setup_source(solution: Notebook, given: str) -> str:
    """The instructor's setup cell with the grader's inputs in the place of `student("...")`.

    given : JSON text, {"name": ..., "inputs": {exercise: [case, ...]}}
    """
    source = next((cell.source for cell in solution.cells if cell.role == "setup" or cell.id == "setup"), "")
    load = f'__import__("course_lib.exercises.session", fromlist=["load"]).load(__import__("json").loads({given!r}))'
    lines = source.split("\n")
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            function = statement.value.func
            if isinstance(function, ast.Name) and function.id == "student":
                lines[statement.lineno - 1 : statement.end_lineno] = [load]
                return "\n".join(lines)
    raise CourseError(f'the setup cell of {solution.chapter} should call `student("")`; try `course build`')
