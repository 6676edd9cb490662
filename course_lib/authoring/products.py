"""The three notebooks of a chapter: drafted from its cells, executed, written; and whether those on disk are they."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode, v4

from course_lib._errors import CourseError
from course_lib.authoring import links
from course_lib.authoring.run import CellFailed, execute
from course_lib.authoring.source import AuthoringError, Cell, Line, read_exercises, read_lesson

if TYPE_CHECKING:
    from course_lib.exercises.declaration import Exercise

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
SOLUTIONS = "course_lib/exercises/solutions.json"
VIEW = "application/vnd.jupyter.widget-view+json"  # the id of a widget that died with its kernel
IMAGE = re.compile(r"<img\b[^>]*\bsrc=.data:image/[^>]*>")
ALT = re.compile(r"""\balt=(?:"[^"]*"|'[^']*')""")


@dataclass(frozen=True)
class Product:
    """One product: where it is, from the folder of the course, and what became of it.

    state : "written" or "unchanged" by a build; "fresh" or "stale" by a check, and then `reason` says why
    """

    path: str
    state: str
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """What a build wrote, or what a check found; `print` it."""

    products: tuple[Product, ...]
    seconds: float

    @property
    def stale(self) -> tuple[Product, ...]:
        """The products that a build would change."""
        return tuple(product for product in self.products if product.state == "stale")

    def __str__(self) -> str:
        width = max(len(product.path) for product in self.products)
        lines = [f"{each.path:{width}}  {each.state}{each.reason and f': {each.reason}'}" for each in self.products]
        if self.stale:
            lines.append(f"{len(self.stale)} of {len(self.products)} are stale; `course build` makes them anew")
        return "\n".join([*lines, f"{self.seconds:.1f} s"])


def build(
    chapters: Iterable[str | int] | None = None,
    *,
    root: Path | None = None,
    check: bool = False,
    jobs: int = 2,
    declared: Callable[[str], Sequence[Exercise]] | None = None,
) -> Report:
    """Make the notebooks of the chapters, or, with `check`, say which of those on disk are stale.

    chapters : numbers or names, "04" or "04_jacobians"; all chapters by default
    root     : the folder that holds chapters/; the working directory by default
    check    : write nothing. Everything is executed again and compared byte by byte with the files, images excepted:
               their pixels and sizes differ between machines with other fonts, so an image counts as the same when
               its alternative text and its place are.
    jobs     : notebooks executed at a time
    declared : the exercises of a chapter by its name; the course's own by default
    Raises   : AuthoringError with file and line if a chapter cannot be built. Nothing is written then.
    """
    started = time.perf_counter()
    root = Path.cwd() if root is None else Path(root)
    names = _select(root, chapters)
    where = links.read_links(root)
    drafts = [draft for name in names for draft in _drafts(root, name, (declared or _declared)(name))]
    with ThreadPoolExecutor(jobs) as pool:
        results = [pool.submit(draft.finish, where) for draft in drafts]
        try:
            made = {draft.path: result.result() for draft, result in zip(drafts, results, strict=True)}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    made[SOLUTIONS] = _solutions(root, drafts, complete=chapters is None)
    old = {path: (root / path).read_bytes() if (root / path).is_file() else b"" for path in made}
    if check:
        products = [_compared(path, old[path], new) for path, new in made.items()]
        if chapters is None:
            products += _orphans(root, made)
    else:
        products = [Product(path, "unchanged" if old[path] == new else "written") for path, new in made.items()]
        _write({root / path: new for path, new in made.items() if old[path] != new})
    return Report(tuple(products), time.perf_counter() - started)


def link(root: Path, where: links.Links | None) -> list[str]:
    """Write where the course is and what follows from it: README's badges and the heads of the notebooks.

    No notebook is run; a build would give the same. Returns the paths of the files that were written or taken away.
    Raises : CourseError if there is no folder chapters/, or if a notebook or README.md cannot take its links.
    """
    if not (root / "chapters").is_dir():
        raise CourseError(f"expected the folder of the course with chapters/ in it, {root.name} is none; give --root")
    new = {"README.md": links.badges((root / "README.md").read_text(encoding="utf-8"), where).encode()}
    for kind in ("notebooks", "exercises"):
        for file in sorted((root / kind).glob("*.ipynb")):
            path = f"{kind}/{file.name}"
            try:
                notebook = nbformat.read(file, as_version=nbformat.NO_CONVERT)
                links.put_head(notebook, path, where)
                new[path] = _dump(notebook)
            except Exception as error:  # whatever a damaged file does to its reader
                raise CourseError(f"{path} is no notebook as `course build` makes them; try that first") from error
    if where:
        new[links.FILE] = links.source(where).encode()
    changed = {path: content for path, content in new.items() if not _holds(root / path, content)}
    _write({root / path: content for path, content in changed.items()})
    if not where and (root / links.FILE).is_file():
        (root / links.FILE).unlink()
        changed[links.FILE] = b""
    return list(changed)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


# ---------------------------------------------------------------------------------------------------------- drafts


@dataclass
class Draft:
    """A notebook before it is executed, and the line of the chapter that each of its lines came from."""

    path: str
    chapter: str
    kind: str  # "lesson", "exercises" or "solutions"
    file: str
    notebook: NotebookNode = field(default_factory=v4.new_notebook)
    origin: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)

    def add(self, cell: Cell) -> None:
        """Append a cell of the chapter, as this kind of notebook has it."""
        lines = list(cell.blank() if self.kind == "exercises" and cell.role == "answer" else cell.answered())
        if cell.role == "answer" and cell.exercise:
            self.answers[cell.exercise.id] = _text(lines) + "\n"
            lines.insert(0, Line(lines[0].number, f"# answer: {cell.exercise.id}"))
        new = v4.new_markdown_cell if cell.kind == "markdown" else v4.new_code_cell
        node = new(_text(lines), id=self._identify(cell), metadata=_metadata(cell))
        self.origin[node.id] = [line.number for line in lines]
        self.notebook.cells.append(node)

    def _identify(self, cell: Cell) -> str:
        """An id that stays as long as the cell does, alike in exercises and solutions."""
        if cell.exercise:
            return f"{cell.role}-{cell.exercise.id}"
        if cell.role:
            return cell.role
        id = first = hashlib.sha256(f"{cell.kind}\n{_text(cell.lines)}".encode()).hexdigest()[:12]
        repeats = 1
        while id in self.origin:
            repeats += 1
            id = f"{first}-{repeats}"
        return id

    def finish(self, where: links.Links | None) -> bytes:
        """Execute, unless it is for the student to do, put the links at the head, and give the bytes of the file."""
        if self.kind != "exercises":
            try:
                execute(self.notebook)
            except CellFailed as failed:
                lines = self.origin[failed.id]
                line = lines[min(failed.line, len(lines)) - 1]
                raise AuthoringError(self.file, line, f"this cell fails: {failed.text}") from None
        self.notebook.metadata = nbformat.from_dict(
            {
                "course": {"chapter": self.chapter, "kind": self.kind},
                "kernelspec": KERNELSPEC,
                "language_info": {"name": "python"},
            }
        )
        for cell in self.notebook.cells:
            if "outputs" in cell:
                cell.outputs = [output for output in cell.outputs if output.get("data", {}).keys() != {VIEW}]
                for output in cell.outputs:
                    output.get("data", {}).pop(VIEW, None)
        if self.kind != "solutions":
            links.put_head(self.notebook, self.path, where)
        return _dump(self.notebook)


def _drafts(root: Path, name: str, declared: Sequence[Exercise]) -> list[Draft]:
    """The notebooks of a chapter: always the lesson; the other two if it has exercises."""
    lesson, exercises = (f"chapters/{name}/{stem}.md" for stem in ("lesson", "exercises"))
    if not (root / lesson).is_file():
        raise AuthoringError(lesson, 1, "expected this file, there is none; a chapter is a folder with a lesson.md")
    drafts = [Draft(f"notebooks/{name}.ipynb", name, "lesson", lesson)]
    cells = {lesson: read_lesson(root / lesson, lesson)}
    if (root / exercises).is_file():
        cells[exercises] = read_exercises(root / exercises, exercises, declared)
        drafts += [Draft(f"{kind}/{name}.ipynb", name, kind, exercises) for kind in ("solutions", "exercises")]
    elif declared:
        raise AuthoringError(exercises, 1, f"expected this file: {len(declared)} exercises are declared for it")
    for draft in drafts:
        for cell in cells[draft.file]:
            draft.add(cell)
    return drafts


def _metadata(cell: Cell) -> dict:
    metadata: dict = {"tags": cell.attributes["tags"]} if "tags" in cell.attributes else {}
    if cell.role:
        metadata["course"] = {"role": cell.role}
    if cell.exercise:
        metadata["course"] |= {"exercise": cell.exercise.id, "points": cell.exercise.points}
        metadata["nbgrader"] = _nbgrader(cell.role, cell.exercise)
    return metadata


def _nbgrader(role: str, exercise: Exercise) -> dict:
    """What nbgrader reads of a cell (version 3 of its format): answers are the student's, the points hang on checks."""
    checks = role == "check"
    points = {"points": exercise.points} if checks else {}
    kind = {"solution": not checks, "grade": checks, "locked": checks, "task": False, "schema_version": 3}
    return {"grade_id": f"{role}-{exercise.id}", **kind, **points}


def _text(lines: Iterable[Line]) -> str:
    return "\n".join(line.text for line in lines)


def _declared(name: str) -> Sequence[Exercise]:
    from course_lib.exercises import chapters, exercises_of

    return exercises_of(name) if name[:2] in chapters() else ()


def _select(root: Path, chapters: Iterable[str | int] | None) -> list[str]:
    """The names of the chapters asked for, e.g. ["04_jacobians"] for "04", "4" or 4."""
    known = sorted(folder.name for folder in (root / "chapters").glob("[0-9][0-9]_*") if folder.is_dir())
    if not known:
        raise CourseError(f"expected chapters such as chapters/04_jacobians in {root.resolve().name}/, found none")
    if chapters is None:
        return known
    names = []
    for asked in map(str, chapters):
        found = [name for name in known if asked == name or asked.zfill(2) == name[:2]]
        if not found:
            raise CourseError(f"expected a chapter of {', '.join(known)}, got {asked!r}")
        names += found
    return sorted(set(names))


def _solutions(root: Path, drafts: Iterable[Draft], complete: bool) -> bytes:
    """The answers by exercise, shown after an attempt; those of chapters that were not asked for stay."""
    answers: dict[str, str] = {}
    if not complete and (root / SOLUTIONS).is_file():
        answers = json.loads((root / SOLUTIONS).read_text(encoding="utf-8"))
    for draft in drafts:
        if draft.kind == "solutions":
            answers |= draft.answers
    return (json.dumps(answers, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


# ----------------------------------------------------------------------------------------------- writing, comparing


def _dump(notebook: NotebookNode) -> bytes:
    """Sorted keys, one space, LF, a newline at the end: one notebook has one way to be written."""
    nbformat.validate(notebook)
    return (nbformat.writes(notebook, version=4).rstrip("\n") + "\n").encode()


def _write(files: dict[Path, bytes]) -> None:
    """All files or, if a disk is full, none half written."""
    new = {path: path.with_name(f".{path.name}.new") for path in files}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            new[path].write_bytes(content)
        for path in files:
            new[path].replace(path)
    finally:
        for path in new.values():
            path.unlink(missing_ok=True)


def _compared(path: str, old: bytes, new: bytes) -> Product:
    if old == new:
        return Product(path, "fresh")
    if not old:
        return Product(path, "stale", "missing")
    if path == SOLUTIONS:
        return Product(path, "stale", "the answers in the chapters are others")
    reason = difference(old, new)
    return Product(path, "stale" if reason else "fresh", reason)


def difference(old: bytes, new: bytes) -> str:
    """Where a notebook on disk first differs from its rebuild, "" if it is in nothing but the pixels of images."""
    try:
        ours, theirs = (nbformat.reads(content.decode(), as_version=nbformat.NO_CONVERT) for content in (new, old))
        canonical = _dump(theirs)
    except Exception:  # whatever a damaged file does to its reader
        return "it is no notebook of format 4.5"
    if canonical != old:
        return "it was saved by another program"
    for number, (mine, other) in enumerate(zip(ours.cells, theirs.cells, strict=False), start=1):
        for part in sorted(set(mine) | set(other), key=lambda part: (part != "source", part)):
            made, found = mine.get(part), other.get(part)
            if part == "outputs":
                made, found = _without_pixels(made), _without_pixels(found)
            if made != found:
                return f"{part} of cell {number} ({mine.id}): expected {_excerpts(made, found)}"
    if len(ours.cells) != len(theirs.cells):
        return f"it should have {len(ours.cells)} cells, has {len(theirs.cells)}"
    return "" if ours.metadata == theirs.metadata else "the metadata of the notebook were edited"


def _without_pixels(part: object) -> object:
    if isinstance(part, str):
        return IMAGE.sub(lambda image: f"<img {' '.join(ALT.findall(image[0]))}>", part)
    if isinstance(part, list):
        return [_without_pixels(each) for each in part]
    if isinstance(part, dict):
        return {key: "pixels" if key == "image/png" else _without_pixels(value) for key, value in part.items()}
    return part


def _excerpts(made: object, found: object) -> str:
    """The two texts where they part."""
    one, two = (json.dumps(part, sort_keys=True, ensure_ascii=False) for part in (made, found))
    alike = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    start = max(alike - 30, 0)
    return f"...{one[start : start + 80]}..., found ...{two[start : start + 80]}..."


def _orphans(root: Path, made: Iterable[str]) -> list[Product]:
    """Notebooks in the products' folders that no chapter makes."""
    found = (path for kind in ("notebooks", "solutions", "exercises") for path in (root / kind).glob("*.ipynb"))
    names = sorted(path.relative_to(root).as_posix() for path in found)
    return [Product(name, "stale", "no chapter makes it; delete it") for name in names if name not in set(made)]
