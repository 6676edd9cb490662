"""A chapter's Markdown, read into cells with a role each; what is wrong with it is said with file and line.

The roles are attributes of the code fences of exercises.md: ``setup=true`` for the first code cell, ``answer="id"``
and ``check="id"`` for the two cells of an exercise. An answer stands between two marks inside the real function::

    # --- answer
    return J_outer @ J_inner
    # --- end
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jupytext

from course_lib._errors import CourseError
from course_lib.authoring import symbols

if TYPE_CHECKING:
    from course_lib.exercises.declaration import Exercise

ROLES = ("setup", "answer", "check")
OPEN, CLOSE = "# --- answer", "# --- end"
MARK = re.compile(r"\s*#\s*-{2,}\s*(answer|end)\b", re.IGNORECASE)
REQUIRED = "raise NotImplementedError"


class AuthoringError(CourseError):
    """A chapter that cannot be built: the file, the line in it (from 1), and what is wrong there."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file, self.line = file, line


class Line(NamedTuple):
    """A line of a chapter and its number in the file, from 1."""

    number: int
    text: str


@dataclass(frozen=True)
class Cell:
    """A cell as the author wrote it, marks included; `exercise` is the declaration that its role refers to."""

    kind: str  # "markdown" or "code"
    file: str
    lines: tuple[Line, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    exercise: Exercise | None = None

    @property
    def role(self) -> str:
        """Which of `ROLES` the cell has, "" for none."""
        return next((role for role in ROLES if role in self.attributes), "")

    def error(self, message: str, line: Line | None = None) -> AuthoringError:
        """An error at a line of this cell, at its first one by default."""
        return AuthoringError(self.file, (line or self.lines[0]).number, message)

    def answered(self) -> tuple[Line, ...]:
        """The lines of the solution: the answer stays, its marks go."""
        return tuple(line for line, _ in self._unmarked())

    def blank(self) -> tuple[Line, ...]:
        """The lines that a student starts from: stubs for the answer, or for a typed one the call that asks for it."""
        if self.exercise and self.exercise.kind != "code":
            return (Line(self.lines[0].number, f'{self.exercise.answer} = lock_in("{self.exercise.id}")'),)
        kept: list[Line] = []
        stub: Line | None = None
        for line, opened in self._unmarked():
            if opened is None:
                kept.append(line)
            elif opened is not stub:
                indent = opened.text[: -len(opened.text.lstrip())]
                kept.append(Line(opened.number, indent + REQUIRED))
            stub = opened
        return tuple(kept)

    def _unmarked(self) -> Iterator[tuple[Line, Line | None]]:
        """Every line that is no mark, with the mark that opened the answer it belongs to."""
        opened: Line | None = None
        for line in self.lines:
            if not MARK.match(line.text):
                yield line, opened
                continue
            mark = line.text.strip()
            if mark not in (OPEN, CLOSE):
                raise self.error(f"expected the mark {OPEN!r} or {CLOSE!r}, got {mark!r}", line)
            if (mark == OPEN) == (opened is not None):
                raise self.error(
                    "an answer is opened in another one; close that one first" if opened else "no answer is open here",
                    line,
                )
            opened = line if mark == OPEN else None
        if opened:
            raise self.error(f"this answer is never closed; write {CLOSE!r} after its last line", opened)


def read_cells(path: Path, file: str) -> list[Cell]:
    """The cells of a Markdown file as Jupytext has them; `file` is its name in errors."""
    text = path.read_text(encoding="utf-8")
    try:
        notebook = jupytext.reads(text, fmt="md")
    except Exception as error:  # what Jupytext raises of attributes that it cannot use has no type in common
        raise AuthoringError(file, 1, f"Jupytext cannot read it: {str(error).splitlines()[0]}") from error
    cells: list[Cell] = []
    position = 0
    for number, parsed in enumerate(notebook.cells):
        source = parsed.source.strip("\n")
        language = "python"
        if magic := re.match(r"%%(\w+)\n", source):  # what Jupytext makes of a fence in another language
            language, source = magic[1], source[magic.end() :]
        if parsed.cell_type == "code" and (
            fence := re.compile(rf"^`{{3,}}{language}\b.*\n", re.M).search(text, position)
        ):
            position = fence.end()
        position = max(position, text.find(source, position))
        first = text.count("\n", 0, position) + 1
        position += len(source)
        if number == 0 and parsed.cell_type == "raw":  # the YAML header, where Jupytext does not take it for its own
            continue
        cell = Cell(
            kind=parsed.cell_type,
            file=file,
            lines=tuple(Line(first + i, line.rstrip()) for i, line in enumerate(source.split("\n"))),
            attributes={key: value for key, value in parsed.metadata.items() if key != "lines_to_next_cell"},
        )
        if parsed.cell_type == "raw" or language != "python":
            raise cell.error("only Python and text have a place in a chapter; show other code in a ```text fence")
        if parsed.cell_type == "code":
            if not source.strip():
                raise cell.error("an empty code cell: nothing is run, so nothing would ever be compared")
            if not text[position:].lstrip("\n").startswith("```"):
                raise cell.error("the fence of this code is never closed; write ``` after its last line")
        cells.append(cell)
    return cells


def read_lesson(path: Path, file: str) -> list[Cell]:
    """The cells of lesson.md: text, with its rows of the table of symbols, and code that may carry tags."""
    cells = [_with_symbols(cell, path.parent.parent / symbols.FILE) for cell in read_cells(path, file)]
    for cell in cells:
        _check_attributes(cell, allowed=("tags",))
        _check_no_marks(cell)
    return cells


def _with_symbols(cell: Cell, file: Path) -> Cell:
    """The cell with the rows of the table in place of the line [[symbols: key, key]]."""
    if cell.kind != "markdown" or not any(line.text.startswith("[[") for line in cell.lines):
        return cell
    lines: list[Line] = []
    for line in cell.lines:
        keys = symbols.keys_of(line.text)
        if keys is None:
            if line.text.startswith("[["):
                raise cell.error(f"expected [[symbols: key, key]], got {line.text!r}", line)
            lines.append(line)
            continue
        try:
            rows = symbols.table(keys, symbols.read_symbols(file))
        except CourseError as error:
            raise cell.error(str(error), line) from None
        lines += [Line(line.number, row) for row in rows.split("\n")]
    return replace(cell, lines=tuple(lines))


def read_exercises(path: Path, file: str, declared: Sequence[Exercise]) -> list[Cell]:
    """The cells of exercises.md, each answer and check bound to its declaration; every one declared must be there."""
    by_id = {exercise.id: exercise for exercise in declared}
    cells: list[Cell] = []
    seen: dict[tuple[str, str], Cell] = {}
    for cell in read_cells(path, file):
        _check_attributes(cell, allowed=(*ROLES, "tags"))
        if cell.kind == "code" and not seen and cell.role != "setup":
            raise cell.error('the first code cell must be the setup cell: ```python setup=true, with student("") in it')
        if cell.role not in ("answer", "check"):
            _check_no_marks(cell)
        if not cell.role:
            cells.append(cell)
            continue
        id = cell.attributes[cell.role] if cell.role != "setup" else ""
        if (cell.role, id) in seen:
            where = seen[cell.role, id].lines[0].number
            raise cell.error(f"a second {cell.role} cell{f' of {id!r}' if id else ''}; the first is at line {where}")
        if cell.role == "setup":
            if not any(line.text.startswith("student(") for line in cell.lines):
                raise cell.error('the setup cell must call student(""), where students type their names')
        elif id not in by_id:
            raise cell.error(f"no exercise {id!r} is declared here; declared: {', '.join(sorted(by_id)) or 'none'}")
        else:
            cell = Cell(cell.kind, cell.file, cell.lines, cell.attributes, by_id[id])
            (_check_answer if cell.role == "answer" else _check_check)(cell, by_id[id])
            if cell.role == "check" and ("answer", id) not in seen:
                raise cell.error(f"the check of {id!r} comes before its answer cell, or without one")
        seen[cell.role, id] = cell
        cells.append(cell)
    for id in by_id:
        if ("answer", id) not in seen:
            raise AuthoringError(file, 1, f'exercise {id!r} is declared, but has no cell ```python answer="{id}"')
        if ("check", id) not in seen:
            raise seen["answer", id].error(f'exercise {id!r} has no cell ```python check="{id}" after its answer')
    return cells


def _check_attributes(cell: Cell, allowed: Sequence[str]) -> None:
    if cell.kind != "code":
        return
    for name in cell.attributes:
        if name not in allowed:
            raise cell.error(f"unknown attribute {name!r} of a code cell; known here: {', '.join(allowed)}")
    if sum(role in cell.attributes for role in ROLES) > 1:
        raise cell.error("a cell has one role: setup, answer or check")
    if cell.attributes.get("setup", True) is not True:
        raise cell.error("expected setup=true")
    if not all(isinstance(cell.attributes.get(role, ""), str) for role in ("answer", "check")):
        raise cell.error('expected the id of an exercise in quotes: answer="jacobian-fill"')


def _check_no_marks(cell: Cell) -> None:
    for line in cell.lines:
        if MARK.match(line.text):
            raise cell.error(f"the mark {line.text.strip()!r} has no place outside an answer cell", line)


def _check_answer(cell: Cell, exercise: Exercise) -> None:
    """The answer defines its name, and for [code] so does what the student starts from: only its body is cut."""
    versions = [cell.answered()]
    if exercise.kind == "code":
        versions.append(cell.blank())
        if cell.blank() == cell.answered():
            raise cell.error(f"nothing is marked as the answer; put {OPEN!r} and {CLOSE!r} around it")
        for line in cell.blank():
            if line.text == REQUIRED:
                raise cell.error("this mark stands outside the function; indent it with the lines of the answer", line)
    for lines in versions:
        names = _defined(_parse(cell, lines))
        if exercise.answer not in names:
            raise cell.error(
                f"expected this cell to define {exercise.answer!r}, outside the marks if it is a function; "
                f"it defines {', '.join(sorted(names)) or 'nothing'}"
            )


def _check_check(cell: Cell, exercise: Exercise) -> None:
    expected = f'check("{exercise.id}", {exercise.answer})'
    tree = _parse(cell, cell.lines)
    if ast.dump(tree) != ast.dump(ast.parse(expected)):
        raise cell.error(f"expected {expected}, got {ast.unparse(tree)}")


def _defined(tree: ast.Module) -> set[str]:
    """The names that a cell leaves behind: its functions and what it assigns, not what is local to a function."""
    names: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.add(statement.name)
        else:
            stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
            names.update(node.id for node in stored if isinstance(node.ctx, ast.Store))
    return names


def _parse(cell: Cell, lines: Sequence[Line]) -> ast.Module:
    try:
        return ast.parse("\n".join(line.text for line in lines))
    except SyntaxError as error:
        raise cell.error(f"not Python: {error.msg}", lines[max((error.lineno or 1) - 1, 0)]) from None
