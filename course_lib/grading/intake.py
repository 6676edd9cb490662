"""Where hand-ins come from: a folder, nbgrader's `submitted/`, the zip that Moodle or Canvas gives, or several of them.

Whose a file is, is told by its name; nothing is opened here but archives and nbgrader's timestamps. No link is
followed, no path leaves the folder, and an archive is unpacked within limits, whatever it says about itself.

The rules. Of several files of one student and chapter the last one counts: by the platform's own number where it has
one, else by name as browsers number copies. A file is late if Canvas marked it so, or if nbgrader's timestamp is after
the due time; the time that a file carries is not asked, since copying changes it.
"""

import contextlib
import datetime
import re
import shutil
import tempfile
import unicodedata
import zipfile
import zlib
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from course_lib._errors import CourseError
from course_lib.grading.gradebook import UNSHOWN
from course_lib.grading.submissions import FILE_LIMIT, HandIn

DEPTH = 3  # folders below a student's folder that are looked into
FILES = 100_000  # in a folder or an archive
UNPACKED = 16 * 2**30  # bytes of all that is unpacked together
OF_ONE = 1000, 512 * 2**20  # files and bytes of an archive that is one student's
LONGEST = 255  # characters of a name; no system lets people have more
LEVELS = 2  # of archives: those of an assignment, and in them those of students
NOT_OURS = {
    "__macosx",
    "__pycache__",
    "node_modules",
}  # left by other programs, as is every name that begins with a dot
MOODLE = re.compile(r"(?P<person>.+)_(?P<id>\d{1,18})_assignsubmission_(?P<kind>[a-z]+)(_.*)?", re.DOTALL)
CANVAS = re.compile(
    r"(?P<person>[^_]+)_(?P<late>LATE_)?(?P<id>[1-9]\d{0,17})_(?P<late2>LATE_)?(?P<number>[1-9]\d{0,17})_(?P<rest>.+)",
    re.DOTALL,
)
TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:\.\d+)? ?(Z|[+-]\d\d:?\d\d|[A-Za-z_]+(?:/[A-Za-z_]+)*)?"
)
LINK = "it is a link, and links are not followed; hand in the file itself"


@dataclass(frozen=True)
class File:
    """A file by the parts of its name, where its bytes are, and why it is refused ("" if it is not).

    before : how many of the parts come before those that tell whose it is
    """

    parts: tuple[str, ...]
    path: Path
    problem: str = ""
    before: int = 0


@dataclass(frozen=True)
class Owner:
    """Whose a file is, and which of several it is."""

    student: str
    person: str = ""
    id: str = ""
    number: int = 0
    late: bool = False
    kind: str = "file"


@contextlib.contextmanager
def hand_ins(
    place: Path, chapters: Sequence[str], leave_out: Path | None = None, due: datetime.datetime | None = None
) -> Iterator[list[HandIn]]:
    """The hand-ins of a folder or an archive, sorted by student, of each the one that counts last.

    chapters  : names such as "04_jacobians", which are taken off a file's name to leave the student's
    leave_out : a folder not to look into, where the reports go
    due       : when nbgrader's timestamps begin to be late

    Archives are unpacked beside no other file, and that is taken away again in the end. Raises CourseError for what is
    neither folder nor archive.
    """
    with contextlib.ExitStack() as stack:
        room = Room(stack, UNPACKED)
        if place.is_dir():
            yield owned(unpacked_too(in_folder(place, leave_out), room, chapters), chapters, due)
        elif place.is_file():
            with named(place) as (opened, names):
                files = [*extracted(opened, names, room, 1)]
            yield owned(unpacked_too(files, room, chapters, 2), chapters, due)
        else:
            raise CourseError(
                f"expected a folder of submissions or a zip archive, got {place.name}; put the notebooks into a folder"
            )


def find(
    folder: Path,
    chapters: Sequence[str],
    leave_out: Path | None = None,
    due: datetime.datetime | None = None,
) -> list[HandIn]:
    """The hand-ins of a folder: notebooks in it, and notebooks in a folder for each student."""
    return owned(in_folder(folder, leave_out), chapters, due)


# ---------------------------------------------------------------------------------------------- files of a folder
def in_folder(folder: Path, leave_out: Path | None = None) -> list[File]:
    """Every file of a folder, down to a student's `DEPTH`, links and what cannot be opened with their problem."""
    found: list[File] = []
    todo: list[tuple[str, ...]] = [()]
    while todo:
        parts = todo.pop()
        try:
            entries = sorted(folder.joinpath(*parts).iterdir())
        except OSError as error:
            if not parts:
                raise CourseError(f"{folder.name} cannot be opened ({type(error).__name__})") from error
            found.append(File(parts, folder.joinpath(*parts), f"it cannot be opened ({type(error).__name__})"))
            continue
        for path in entries:
            name = (*parts, path.name)
            if noise(path.name) or (leave_out is not None and path.resolve() == leave_out.resolve()):
                continue
            if path.is_symlink():
                found.append(File(name, path, LINK))
            elif not path.is_dir():
                found.append(File(name, path))
            elif len(parts) > DEPTH + (parts[:1] == ("submitted",)):
                found.append(File(name, path, f"it is a folder more than {DEPTH} deep, which is not looked into"))
            else:
                todo.append(name)
        if len(found) + len(todo) > FILES:
            raise CourseError(f"{folder.name} has more than {FILES} files; is it the right folder?")
    return found


def noise(name: str) -> bool:
    """Whether a name is left by other programs; ".." is not, and is refused elsewhere."""
    return (name.startswith(".") and name != "..") or name.casefold() in NOT_OURS


# --------------------------------------------------------------------------------------------- files of an archive
@dataclass
class Room:
    """Folders in which archives are unpacked, as long as the stack is open; how many bytes may still be."""

    stack: contextlib.ExitStack
    left: int

    def folder(self) -> Path:
        """A new one."""
        return Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="handed-in-")))


@contextlib.contextmanager
def named(archive: Path) -> Iterator[tuple[zipfile.ZipFile, dict[zipfile.ZipInfo, tuple[str, ...]]]]:
    """A zip archive and the names of its files, by their parts, without those that other programs left.

    Raises CourseError for what is no archive, or has too many files.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            if len(opened.infolist()) > FILES:
                raise CourseError(f"{archive.name} has more than {FILES} files; is it the right archive?")
            names = {info: _parts(info) for info in opened.infolist() if not info.is_dir()}
            names = {info: parts for info, parts in names.items() if not any(map(noise, parts))}
            roots = {parts[0] if len(parts) > 1 else "" for parts in names.values()}
            within = 1 if roots == {archive.stem} else 0  # somebody packed the folder, not what is in it
            yield opened, {info: parts[within:] for info, parts in names.items()}
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise CourseError(
            f"{archive.name} is no zip archive that can be read ({type(error).__name__}); download it again, or unpack "
            "it and give the folder"
        ) from error


def unpacked_too(files: Iterable[File], room: Room, chapters: Sequence[str], level: int = 1) -> list[File]:
    """The files, with what is in an archive in the place of it.

    An archive is a student's, as any other file, unless it lies beside others, its own name says nothing, and what is
    in it is named as platforms name files. A student's has less room, so that none takes that of the others.
    """
    found: list[File] = []
    for file in files:
        if file.problem or file.path.suffix.lower() != ".zip" or level > LEVELS:
            found.append(file)
            continue
        own = Room(room.stack, min(room.left, OF_ONE[1]))
        before = own.left
        try:
            with named(file.path) as (opened, names):
                top = level == 1 and len(file.parts) == 1 and not owner_of(file.parts, chapters).id
                of_class = top and any(owner_of(parts, chapters).id for parts in names.values())
                if not of_class and len(names) > OF_ONE[0]:
                    problem = f"it is a zip archive of more than {OF_ONE[0]} files; hand in the .ipynb file itself"
                    found.append(replace(file, problem=problem))
                    continue
                inside = [*extracted(opened, names, room if of_class else own, level)]
        except CourseError:
            problem = "it is a zip archive that cannot be read; hand in the .ipynb file itself"
            found.append(replace(file, problem=problem))
            continue
        whose = 1 if of_class else file.before
        inside = [replace(f, parts=(*file.parts, *f.parts), before=whose) for f in inside]
        inside = unpacked_too(inside, room if of_class else own, chapters, level + 1)
        room.left -= before - own.left
        if not any(f.problem or f.path.suffix.lower() == ".ipynb" for f in inside):
            inside = [replace(file, problem="it is a zip archive without a notebook in it; hand in the .ipynb file")]
        found += inside
        if len(found) > FILES:
            raise CourseError(f"there are more than {FILES} files in all archives; is it the right folder?")
    return found


def extracted(
    opened: zipfile.ZipFile, names: Mapping[zipfile.ZipInfo, tuple[str, ...]], room: Room, level: int
) -> Iterator[File]:
    """The files of an archive: its notebooks and, down to `LEVELS`, archives, under names of our own.

    A name in the archive never becomes a path. What is a link, encrypted, damaged, or larger than it may be has its
    problem, and so has what comes when there is no room left.
    """
    scratch = room.folder()
    for k, (info, parts) in enumerate(names.items()):
        to = scratch / str(k) / re.sub(r"[^\w .()-]", "_", parts[-1])[-50:].lstrip(".")
        kind = to.suffix.lower()
        if problem := _refused(info, parts):
            yield File(parts, to, problem)
        elif kind == ".ipynb" or parts[-1] == "timestamp.txt" or (kind == ".zip" and level < LEVELS):
            to.parent.mkdir()
            size, problem = _copy(opened, info, to, room.left)
            room.left -= size
            yield File(parts, to, problem)
        else:
            yield File(parts, to)  # its name is enough to refuse it


def _parts(info: zipfile.ZipInfo) -> tuple[str, ...]:
    """The parts of a name in an archive; read as UTF-8 where it is that without saying so."""
    name = info.filename
    if not info.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return tuple(part[-LONGEST:] for part in re.split(r"[/\\]", name) if part not in ("", ".")) or ("nameless",)


def _refused(info: zipfile.ZipInfo, parts: tuple[str, ...]) -> str:
    if ".." in parts or info.filename.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", info.filename):
        return "its name leads out of the archive; hand it in under a plain name"
    if info.external_attr >> 16 & 0o170000 == 0o120000:
        return LINK
    if info.flag_bits & 1:
        return "it is encrypted; hand it in without a password"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others fill the memory at one go
        return "it is packed in a way that platforms do not use; pack it as a plain zip"
    if len(parts) > DEPTH + 3:
        return f"it lies more than {DEPTH} folders deep"
    return ""


def _copy(opened: zipfile.ZipFile, info: zipfile.ZipInfo, to: Path, left: int) -> tuple[int, str]:
    """Write one file of the archive; (bytes written, problem). What it says of its own size is not believed."""
    size, limit = 0, min(FILE_LIMIT, left)
    try:
        with opened.open(info) as source, to.open("wb") as target:
            while block := source.read(2**20):
                size += len(block)
                if size > limit:
                    target.truncate(0)
                    if limit < FILE_LIMIT:
                        return 0, "what is in its archive has more than it may; hand in the .ipynb file itself"
                    return 0, f"it has more than {limit >> 20} MB when it is unpacked; clear its outputs"
                target.write(block)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error) as error:
        shutil.rmtree(to.parent, ignore_errors=True)
        return size, f"it is damaged within the archive ({type(error).__name__}); download the archive again"
    return size, ""


# ------------------------------------------------------------------------------------------------------ whose it is
def owned(files: Iterable[File], chapters: Sequence[str], due: datetime.datetime | None = None) -> list[HandIn]:
    """The hand-ins among files: notebooks, and of who handed in none whatever was handed in; sorted, last ones last."""
    files = [replace(file, parts=tuple(map(_sendable, file.parts))) for file in files]
    submitted = [replace(file, parts=file.parts[1:]) for file in files if file.parts[:-1][:1] == ("submitted",)]
    of_student: dict[str, list[tuple[Owner, File]]] = defaultdict(list)
    times: dict[tuple[str, ...], bool] = {}
    for file in submitted or files:  # beside submitted/ are folders of nbgrader's own
        if file.parts[-1] == "timestamp.txt" and len(file.parts) > 1:
            times[file.parts[:-1]] = not file.problem and is_late(file.path, due)
        else:
            owner = owner_of(file.parts[file.before :], chapters)
            of_student[owner.student].append((owner, file))
    found = []
    for student, theirs in of_student.items():
        notebooks = [pair for pair in theirs if pair[1].path.suffix.lower() == ".ipynb"]
        handed = [pair for pair in theirs if pair[0].kind == "file"]
        chosen = notebooks or handed or theirs
        chosen += [pair for pair in theirs if pair[1].problem and pair not in chosen]
        for owner, file in sorted(chosen, key=which):
            late = owner.late or times.get(file.parts[:-1], False)
            name = "/".join(file.parts)
            found.append(HandIn(student, file.path, name, owner.person, owner.id, late, file.problem))
    return sorted(found, key=lambda hand_in: hand_in.student)


def which(pair: tuple[Owner, File]) -> tuple[int, list[tuple[int, int, str]], tuple[str, ...]]:
    """Key that sorts the files of one student, the one handed in last at the end."""
    owner, file = pair
    return owner.number, in_order(file.parts[-1]), file.parts


def _sendable(name: str) -> str:
    """The name as reports show it: no half characters, nothing that steers a line, one form of every letter.

    >>> _sendable("\u202egnp"), _sendable("Jose\u0301") == "Jos\u00e9"
    ('_gnp', True)
    """
    name = UNSHOWN.sub("_", name.encode("utf-8", "replace").decode("utf-8"))
    return unicodedata.normalize("NFC", name)


def owner_of(parts: tuple[str, ...], chapters: Sequence[str]) -> Owner:
    """Whose file that is, by the way its platform names files.

    >>> owner_of(("Ada Lovelace_12345_assignsubmission_file_", "04_jacobians.ipynb"), []).student
    'Ada Lovelace (12345)'
    >>> owner_of(("lovelaceada_LATE_1234_5678_04_jacobians-1.ipynb",), [])
    Owner(student='lovelaceada (1234)', person='lovelaceada', id='1234', number=5678, late=True, kind='file')
    >>> owner_of(("ada_04_jacobians.ipynb",), ["04_jacobians"]).student, owner_of(("bo", "x.ipynb"), []).student
    ('ada', 'bo')
    """
    top = parts[0]
    if moodle := MOODLE.fullmatch(top):
        person = moodle["person"]
        return Owner(f"{person} ({moodle['id']})", person, moodle["id"], kind=moodle["kind"])
    if len(parts) > 1 and not top.lower().endswith(".zip"):  # a file in an archive is that of the archive
        return Owner(top)
    canvas = CANVAS.fullmatch(top)
    if canvas and not any(f"{canvas['number']}_{canvas['rest']}".casefold().startswith(c.casefold()) for c in chapters):
        late = bool(canvas["late"] or canvas["late2"])
        person, id = canvas["person"], canvas["id"]
        return Owner(f"{person} ({id})", person, id, int(canvas["number"]), late)
    return Owner(student_of(Path(top).stem, chapters))


def student_of(stem: str, chapters: Sequence[str]) -> str:
    """The student in a file's name: what is left without the chapter and the marks of a copy.

    >>> student_of("ada_04_jacobians (1)", ["04_jacobians"]), student_of("Bo Li", ["04_jacobians"])
    ('ada', 'Bo Li')
    """
    plain = re.sub(r"([ _-]*\(\d+\)|[ _-]+copy\d*)+$", "", stem, flags=re.IGNORECASE)
    for chapter in chapters:
        plain = re.sub(rf"(^|[ _-]+){re.escape(chapter)}([ _-]+|$)", " ", plain, flags=re.IGNORECASE)
    return plain.strip(" _-") or stem


def in_order(name: str) -> list[tuple[int, int, str]]:
    """Key that sorts "x", "x (2)", "x (10)" as a person does."""
    parts = re.split(r"(\d{1,18})", Path(name).stem.casefold())
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


# ------------------------------------------------------------------------------------------------------------- time
def time_of(text: str) -> datetime.datetime:
    """A time as people and nbgrader write it; UTC where it names no zone. Raises CourseError.

    >>> time_of("2026-11-20 23:59").isoformat(), time_of("2026-11-20 12:00:00.5 Europe/Berlin").isoformat()
    ('2026-11-20T23:59:00+00:00', '2026-11-20T12:00:00+01:00')
    """
    match = TIME.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        offset = match[3] or "Z"
        if offset[0] in "Z+-":
            return datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}")
        zone = zoneinfo.ZoneInfo(offset)
        return datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}").replace(tzinfo=zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise CourseError(f'expected a time such as "2026-11-20 23:59" or "... +01:00", got {text[:60]!r}') from None


def is_late(timestamp: Path, due: datetime.datetime | None) -> bool:
    """Whether nbgrader's timestamp is after the due time; what cannot be read is in time."""
    if due is None:
        return False
    try:
        with timestamp.open("rb") as file:
            return time_of(file.read(100).decode("utf-8", "replace")) > due
    except (OSError, CourseError):
        return False
