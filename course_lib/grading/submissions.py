"""What was handed in: reading a notebook, whatever state it is in.

Nothing here runs or changes a file. A notebook is read as plain JSON, with limits, cell by cell; what cannot be read is
a `BadFile` with one clear line. Where the files are found: `intake`.
"""

import ast
import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

FILE_LIMIT = 64 * 2**20  # bytes of a notebook file
SOURCE_LIMIT = 2**20  # characters of one cell
CELL_LIMIT = 20_000
SETUP_LIMIT, CALLS = 10_000, 100  # characters of a cell, and cells, in which a name is looked for
LOOKS_LIKE = (
    (b"PK\x03\x04", "it is a zip archive"),
    (b"%PDF", "it is a PDF"),
    (b"\xff\xfe", "it is saved as UTF-16 text"),
    (b"\xfe\xff", "it is saved as UTF-16 text"),
    (b"<", "it is a web page"),
)


class BadFile(ValueError):
    """A file that cannot be graded; the message is one line for student and instructor."""


@dataclass(frozen=True)
class HandIn:
    """One file: whose it is, and what it is called within the folder of submissions.

    person  : the student's name where the platform says it, else ""
    id      : what the platform calls the student, else ""
    late    : whether it came late, as far as anybody can tell
    problem : one line where it was refused or cannot be read
    chapter : name of its chapter, "" as long as nobody has looked
    """

    student: str
    path: Path
    name: str
    person: str = ""
    id: str = ""
    late: bool = False
    problem: str = ""
    chapter: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell: its id ("" where a front end dropped it), its course metadata, and its source."""

    id: str
    role: str
    exercise: str
    source: str


@dataclass(frozen=True)
class Notebook:
    """The code cells of a notebook, and what it says it is."""

    chapter: str
    kind: str
    cells: tuple[Cell, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the code cells: outputs, widgets and texts may change, and it is the same work."""
        return hashlib.sha256(json.dumps([astuple(cell) for cell in self.cells]).encode()).hexdigest()

    def text(self) -> str:
        """The code cells alone as a notebook file, which `read` reads as this notebook again."""
        course = {"chapter": self.chapter, "kind": self.kind}
        cells = [
            {
                "cell_type": "code",
                "id": cell.id,
                "metadata": {"course": {"role": cell.role, "exercise": cell.exercise}},
                "source": cell.source,
            }
            for cell in self.cells
        ]
        return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"course": course}, "cells": cells})


def read(path: Path) -> Notebook:
    """The code cells of a notebook file. Raises BadFile with one line that says what came and what to try.

    Version 4 of the format, read leniently: ids and metadata may be missing, damaged cells are passed over.
    """
    if path.suffix.lower() != ".ipynb":
        raise BadFile(f"it is a {path.suffix or 'nameless'} file, not a notebook; hand in the .ipynb file")
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise BadFile("it is not a plain file")
        if status.st_size > FILE_LIMIT:
            raise BadFile(f"it has {status.st_size >> 20} MB, the limit is {FILE_LIMIT >> 20}; clear its outputs")
        data = path.read_bytes()
    except OSError as error:
        raise BadFile(f"it cannot be opened ({type(error).__name__})") from error
    return _notebook(_json(data))


def _json(data: bytes) -> Any:
    if not data.strip():
        raise BadFile("the file is empty; save the notebook and hand it in again")
    for start, what in LOOKS_LIKE:
        if data.lstrip().startswith(start):
            raise BadFile(f"{what}, not a notebook; download the .ipynb file itself")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadFile("it is not UTF-8 text; save the notebook with Jupyter and hand it in again") from error
    except RecursionError as error:
        raise BadFile("it is nested too deep for a notebook") from error
    except MemoryError as error:
        raise BadFile("it takes more memory than there is; clear its outputs") from error
    except ValueError as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadFile(f"it is not valid JSON{where}, perhaps cut off; download it again and hand it in") from error


def _notebook(data: Any) -> Notebook:
    if not isinstance(data, dict) or "nbformat" not in data:
        raise BadFile("it is not a notebook: the format's number is missing")
    if data["nbformat"] != 4:
        format = data["nbformat"]
        which = f"format {_text(str(format)[:10])}" if isinstance(format, int | str) else "an unknown format"
        raise BadFile(f"it is a notebook of {which}, expected format 4; save it with a current Jupyter")
    cells = data.get("cells")
    if not isinstance(cells, list):
        raise BadFile("it is a notebook without cells")
    if len(cells) > CELL_LIMIT:
        raise BadFile(f"it has {len(cells)} cells, the limit is {CELL_LIMIT}")
    course = _course(data)
    return Notebook(
        chapter=_text(course.get("chapter")),
        kind=_text(course.get("kind")),
        cells=tuple(cell for raw in cells if (cell := _cell(raw)) is not None),
    )


def _cell(raw: Any) -> Cell | None:
    """A code cell, or None for what is not one."""
    if not isinstance(raw, dict) or raw.get("cell_type") != "code":
        return None
    source = raw.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or len(source) > SOURCE_LIMIT:
        return None
    source = source.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair cannot be sent to a kernel
    course = _course(raw)
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    return Cell(_text(raw.get("id")), _text(course.get("role")), _text(course.get("exercise")), source)


def _course(data: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = data.get("metadata")
    course = metadata.get("course") if isinstance(metadata, dict) else None
    return course if isinstance(course, dict) else {}


def _text(value: Any) -> str:
    """A short text, which can be written and sent; "" for everything else."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) and len(value) <= 200 else ""


def typed_name(notebook: Notebook) -> str:
    """The name in `student("...")`, read and never run; "" where there is none, or a text too long for a name.

    The setup cell's call counts, else the first of the notebook; within a cell the last one.
    """
    calling = [cell for cell in notebook.cells if "student" in cell.source and len(cell.source) <= SETUP_LIMIT]
    for cell in sorted(calling, key=lambda cell: cell.id != "setup" and cell.role != "setup")[:CALLS]:
        if names := _names(cell.source):
            return _text(names[-1])
    return ""


def _names(source: str) -> list[str]:
    lines = ["" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.splitlines()]
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "student":
            values = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "name")]
            names += [v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)]
    return names
