"""Files that learning platforms read: Moodle, Canvas, Gradescope, JUnit; and a points line for GitHub Classroom.

Where a student is known by the platform's own number, from the names of its archive, a sheet is written from nothing.
A sheet that the platform exported is filled in: a row is the student whose number it has, else whose name or address,
if there is only one. What has no grade keeps an empty field and is told; it never becomes a zero.
"""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from course_lib._errors import CourseError
from course_lib.grading.feedback import file_name
from course_lib.grading.gradebook import Graded, number, plain, put

PLATFORMS = ("moodle", "canvas", "gradescope", "junit")
SHEET_LIMIT = 32 * 2**20  # bytes
Totals = dict[str, dict[str, float | None]]  # student -> chapter -> points, None where there is no grade


@dataclass
class Sheet:
    """A platform's own sheet: whose it is, its header, its rows."""

    platform: str
    header: list[str]
    rows: list[list[str]]

    def column(self, *names: str) -> int | None:
        """Where the first of these columns stands."""
        return next((self.header.index(name) for name in names if name in self.header), None)


def write(
    out: Path,
    graded: Sequence[Graded],
    platforms: Collection[str],
    sheet: Sheet | None = None,
    pages: Mapping[str, Path] | None = None,
) -> list[str]:
    """Write the files of the platforms into ``out``; returns notes on who could not be matched.

    pages : student -> page of feedback, which Moodle takes back as one archive
    """
    if unknown := set(platforms) - set(PLATFORMS):
        raise CourseError(f"expected a platform of {', '.join(PLATFORMS)}, got {', '.join(sorted(unknown))}")
    notes: list[str] = []
    if sheet is not None:
        notes += fill(out, sheet, graded)
    if pages and ("moodle" in platforms or (sheet is not None and sheet.platform == "moodle")):
        put(out / "moodle_feedback.zip", moodle_feedback(graded, pages))
    if "moodle" in platforms and (sheet is None or sheet.platform != "moodle"):
        notes += moodle(out, graded)
    if "canvas" in platforms and (sheet is None or sheet.platform != "canvas"):
        notes += canvas(out / "canvas.csv", graded)
    if "gradescope" in platforms:
        gradescope(out, graded)
    if "junit" in platforms:
        put(out / "junit.xml", junit(graded))
    return notes


def totals(graded: Iterable[Graded]) -> Totals:
    """Points of each student by chapter."""
    points: Totals = defaultdict(dict)
    for g in graded:
        of_student = points[g.student]
        if g.chapter and (g.results or g.chapter not in of_student):  # what cannot be read takes no grade away
            of_student[g.chapter] = g.points if g.results else None
    return points


def chapters_of(graded: Iterable[Graded]) -> dict[str, int]:
    """The chapters that were graded, with the points there are to get."""
    return {g.chapter: g.of for g in sorted(graded, key=lambda g: g.chapter) if g.results}


# ------------------------------------------------------------------------------------------------------ from nothing
def moodle(out: Path, graded: Sequence[Graded]) -> list[str]:
    """The grading worksheet that Moodle's assignment takes back, one file for each chapter."""
    known = {g.student: g for g in graded if g.id}
    points, notes = totals(graded), unknown_of(graded, "moodle")
    for chapter, of in chapters_of(graded).items():
        rows: list[list[object]] = [["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"]]
        for student, g in sorted(known.items()):
            came = points[student].get(chapter)
            rows.append([f"Participant {g.id}", g.person, "" if came is None else number(came), of, "-"])
        put(out / f"moodle_{chapter}.csv", table_with_dashes(rows))
    return notes


def moodle_feedback(graded: Iterable[Graded], pages: Mapping[str, Path]) -> bytes:
    """An archive of the pages, by the names under which Moodle takes feedback files back."""
    packed = io.BytesIO()
    known = {g.student: g for g in graded if g.id}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, g in sorted(known.items()):
            person = re.sub(r'[\x00-\x1f/\\:*?"<>|_]', " ", g.person).strip(" .~")  # hidden files are passed over
            info = zipfile.ZipInfo(f"{person}_{g.id}_assignfeedback_file_feedback.html")  # always of the same time
            archive.writestr(info, pages[student].read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def canvas(path: Path, graded: Sequence[Graded]) -> list[str]:
    """The gradebook that Canvas imports: a column for each chapter. It finds students by their number."""
    known = {g.student: g for g in graded if g.id}
    chapters, points = chapters_of(graded), totals(graded)
    rows: list[list[object]] = [
        ["Student", "ID", "Section", *map(title, chapters)],
        ["    Points Possible", "", "", *chapters.values()],
    ]
    for student, g in sorted(known.items()):
        came = [points[student].get(chapter) for chapter in chapters]
        rows.append([g.person, g.id, "", *("" if p is None else number(p) for p in came)])
    put(path, table_with_dashes(rows))
    return unknown_of(graded, "canvas")


def unknown_of(graded: Iterable[Graded], platform: str) -> list[str]:
    """A note on students whom the platform cannot know."""
    lost = sorted({g.student for g in graded if not g.id})
    why = "since their numbers are not in the names of their files; give the exported sheet with --sheet"
    return [f"not in the file for {platform.capitalize()}, {why}: {', '.join(lost)}"] if lost else []


# ----------------------------------------------------------------------------------------------------- filling a sheet
def read_sheet(path: Path) -> Sheet:
    """A sheet that Moodle or Canvas exported. Raises CourseError for anything else."""
    try:
        if path.stat().st_size > SHEET_LIMIT:
            raise CourseError(f"{path.name} is too large for a sheet of a class")
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(text), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"{path.name} cannot be read as CSV ({type(error).__name__}); export it again") from error
    header = rows[0] if rows else []
    if {"Identifier", "Grade"} <= {*header}:
        return Sheet("moodle", header, rows[1:])
    if header[:1] == ["Student"] and "ID" in header:
        return Sheet("canvas", header, rows[1:])
    raise CourseError(
        f"expected Moodle's grading worksheet (columns Identifier, Grade) or Canvas's gradebook (Student, ID), got "
        f"{path.name} with the columns {', '.join(header[:4])[:80]}"
    )


def delimiter(text: str) -> str:
    """Comma or semicolon, whichever the first line has more of."""
    first = text.split("\n", 1)[0]
    return ";" if first.count(";") > first.count(",") else ","


def fill(out: Path, sheet: Sheet, graded: Sequence[Graded]) -> list[str]:
    """Write the sheet with the points in it; Moodle's once for each chapter, since it has one column for grades."""
    chapters, points = chapters_of(graded), totals(graded)
    rows, notes = matched(sheet, graded)
    if sheet.platform == "moodle":
        grade = sheet.header.index("Grade")
        for chapter in chapters:
            filled = with_column(sheet, rows, grade, {s: p.get(chapter) for s, p in points.items()})
            put(out / f"moodle_{chapter}.csv", table_with_dashes([sheet.header, *filled]))
        return notes
    for chapter, of in chapters.items():
        where = canvas_columns(sheet, chapter)
        if len(where) != 1:
            notes.append(f"{chapter}: no column of the sheet has its name, so it has a new one; Canvas will ask for it")
            sheet.header.append(title(chapter))
            sheet.rows = [[*row, str(of) if row[0].strip() == "Points Possible" else ""] for row in sheet.rows]
            where = [len(sheet.header) - 1]
        sheet.rows = with_column(sheet, rows, where[0], {s: p.get(chapter) for s, p in points.items()})
    put(out / "canvas.csv", table_with_dashes([sheet.header, *sheet.rows]))
    return notes


def canvas_columns(sheet: Sheet, chapter: str) -> list[int]:
    """The columns that are called as a chapter is: "04 Jacobians (98765)", "Jacobians", "04_jacobians"."""
    wanted = {words(chapter), words(title(chapter)), words(chapter.partition("_")[2])}
    return [k for k, name in enumerate(sheet.header) if words(re.sub(r"\(\d+\)\s*$", "", name)) in wanted]


def matched(sheet: Sheet, graded: Iterable[Graded]) -> tuple[dict[int, str], list[str]]:
    """Row of the sheet -> student, and notes on students without a row."""
    found: dict[int, str] = {}
    notes = []
    students = {g.student: g for g in graded}
    for student, g in sorted(students.items()):
        for wanted, names in (
            ({g.id} - {""}, ("Identifier", "ID")),
            ({words(g.person), words(student)} - {""}, ("Full name", "Student", "Email address", "SIS Login ID")),
        ):
            rows = [k for k, row in enumerate(sheet.rows) if wanted & keys(sheet, row, names)]
            if rows:
                break
        if len(rows) == 1 and rows[0] not in found:
            found[rows[0]] = student
        else:
            why = "no row" if not rows else "more than one row" if len(rows) > 1 else "the row of another"
            notes.append(f"{student}: {why} of the sheet is of that name, so it is not filled in")
    return found, notes


def keys(sheet: Sheet, row: Sequence[str], names: Iterable[str]) -> set[str]:
    """What a row is known by in these columns."""
    found = set()
    for name in names:
        where = sheet.column(name)
        if where is None or where >= len(row):
            continue
        text = row[where]
        if name in ("Identifier", "ID"):
            found.add(re.sub(r"\D", "", text))
        else:
            last, _, first = text.partition(",")
            found |= {words(text), words(f"{first} {last}"), words(text.partition("@")[0])}
    return found - {""}


def with_column(
    sheet: Sheet, of_row: Mapping[int, str], where: int, points: Mapping[str, float | None]
) -> list[list[str]]:
    """The rows with the points of their students in one column."""
    filled = []
    for k, row in enumerate(sheet.rows):
        came = points.get(of_row[k]) if k in of_row else None
        row = [*row, *[""] * (len(sheet.header) - len(row))]
        filled.append(row if came is None else [*row[:where], str(number(came)), *row[where + 1 :]])
    return filled


def words(text: str) -> str:
    """A name as it is compared: small letters, one space between words.

    >>> words(" Ada_LOVELACE-King ")
    'ada lovelace king'
    """
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def title(chapter: str) -> str:
    """A chapter as a column is called.

    >>> title("04_jacobians"), title("06_backpropagation")
    ('04 Jacobians', '06 Backpropagation')
    """
    key, _, topic = chapter.partition("_")
    return f"{key} {topic.replace('_', ' ').capitalize()}"


def table_with_dashes(rows: Iterable[Sequence[object]]) -> bytes:
    """A table in which a dash alone, and a number, stand as they are: platforms read them back."""
    harmless = re.compile(r"-|[+-]?\d+([.,]\d+)?%?")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([c if not isinstance(c, str) or harmless.fullmatch(c) else plain(c) for c in row])
    return text.getvalue().encode("utf-8")


# ------------------------------------------------------------------------------------------- Gradescope, JUnit, GitHub
def gradescope(out: Path, graded: Sequence[Graded]) -> None:
    """A results file for each student, and ``results.json`` where there is one student, as Gradescope grades."""
    taken: set[str] = set()
    folder = out / "gradescope"
    pages = {}
    for student, theirs in groupby(graded, key=lambda g: g.student):
        text = json.dumps(results_of(list(theirs)), indent=1, ensure_ascii=False)
        pages[f"{file_name(student, taken)}.json"] = f"{text}\n".encode()
    for name, data in pages.items():
        put(folder / name, data)
    for old in folder.glob("*.json"):
        if old.name not in pages:
            old.unlink()
    if len(pages) == 1:
        put(out / "results.json", next(iter(pages.values())))


def results_of(graded: Sequence[Graded]) -> dict[str, object]:
    """One student's results as Gradescope shows them."""
    lines = [f"{g.file}: {g.unreadable}" for g in graded if g.unreadable]
    lines += [f"{g.file}: not graded yet" for g in graded if g.trouble]
    lines += [f"{g.file}: late, {number(g.takes)} % off" for g in graded if g.late and g.takes]
    tests = [
        {
            "name": r.title,
            "score": number(r.points),
            "max_score": r.of,
            "status": "passed" if r.verdict == "correct" else "failed",
            "output": r.says,
            "output_format": "text",
            "visibility": "visible",
        }
        for g in graded
        for r in g.results
    ]
    return {
        "score": number(sum(g.points for g in graded)),
        "output": "\n".join(lines),
        "output_format": "text",
        "visibility": "visible",
        "tests": tests,
    }


def junit(graded: Iterable[Graded]) -> bytes:
    """Every exercise as a test, every student as a suite."""
    root = ET.Element("testsuites", name="course grade")
    for student, theirs in groupby(graded, key=lambda g: g.student):
        suite = ET.SubElement(root, "testsuite", name=xml_text(student))
        count = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        for g in theirs:
            for why, kind in ((g.unreadable, "unreadable"), (g.trouble, "not-graded")):
                if why:
                    case = ET.SubElement(suite, "testcase", classname=xml_text(g.chapter or "?"), name=xml_text(g.file))
                    ET.SubElement(case, "error", type=kind, message=xml_text(why))
                    count["tests"] += 1
                    count["errors"] += 1
            for r in g.results:
                case = ET.SubElement(suite, "testcase", classname=xml_text(g.chapter), name=xml_text(r.exercise))
                count["tests"] += 1
                if r.verdict == "not-attempted":
                    ET.SubElement(case, "skipped", message="not attempted")
                    count["skipped"] += 1
                elif r.verdict != "correct":
                    ET.SubElement(case, "failure", type=xml_text(r.mistake or r.verdict), message=xml_text(r.says))
                    count["failures"] += 1
        suite.attrib |= {name: str(n) for name, n in count.items()}
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def xml_text(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def points_line(graded: Sequence[Graded]) -> tuple[str, bool]:
    """What GitHub Classroom's reporter prints of a repository, and whether all points were got.

    >>> points_line([])
    ('Points 0/0', False)
    """
    points, of = sum(g.points for g in graded), sum(g.of for g in graded)
    full = bool(of) and points == of and not any(g.unreadable or g.trouble for g in graded)
    return f"Points {number(points)}/{of}", full
