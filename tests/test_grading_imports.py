"""Moodle, Canvas, Gradescope and JUnit get files that they read, with every point at its student."""

import csv
import io
import json
import xml.etree.ElementTree as ET
import zipfile

import pytest

from course_lib._errors import CourseError
from course_lib.grading.feedback import write_feedback
from course_lib.grading.gradebook import Graded, Result
from course_lib.grading.imports import junit, points_line, read_sheet, results_of, write

RIGHT = Result("one", "Fill it", 2, 2, "correct", says="Right.")
WRONG = Result("two", "Turn it", 0, 3, "mistake", "transposed", "Not yet: this is the transpose.")
HALF = Result("three", "Half", 0.5, 1, "incorrect", says="Not yet: it is not.")
BLANK = Result("four", "Later", 0, 1, "not-attempted", says="Not attempted yet.")
ADA = Graded("Ada Lovelace (12)", "a.ipynb", "04_jacobians", results=(RIGHT, WRONG), person="Ada Lovelace", id="12")
BO = Graded(
    "Bo, Li (7)", "b.ipynb", "04_jacobians", results=(RIGHT, HALF), person="Bo, Li", id="7", late=True, takes=20
)
CEM = Graded("Cem (9)", "c.ipynb", "04_jacobians", trouble="it failed", person="Cem", id="9")
DAN = Graded("Dan (5)", "d.ipynb", unreadable="the file is empty", person="Dan", id="5")
EVE = Graded("eve", "e.ipynb", "04_jacobians", results=(RIGHT, BLANK))


def rows(path):
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


# --------------------------------------------------------------------------------------------------------- from nothing
def test_moodle_finds_everybody_by_number_and_nobody_gets_a_zero_who_was_not_graded(tmp_path):
    notes = write(tmp_path, [ADA, BO, CEM, DAN, EVE], ["moodle"])
    header, *came = rows(tmp_path / "moodle_04_jacobians.csv")
    assert header == ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"]
    assert [row[:3] for row in came] == [
        ["Participant 12", "Ada Lovelace", "2"],
        ["Participant 7", "Bo, Li", "2"],
        ["Participant 9", "Cem", ""],
        ["Participant 5", "Dan", ""],
    ]
    [note] = notes
    assert note.startswith("not in the file for Moodle, since their numbers are not in the names of their files;")
    assert note.endswith("with --sheet: eve")


@pytest.mark.parametrize("first", [True, False])
def test_a_file_that_cannot_be_read_is_no_zero_in_its_chapter_and_takes_no_grade_away(tmp_path, first):
    broken = [
        Graded(g.student, "x", "04_jacobians", unreadable="it is empty", person=g.person, id=g.id) for g in (ADA, DAN)
    ]
    graded = [*broken, ADA] if first else [ADA, *broken]
    write(tmp_path, graded, ["moodle"])
    assert [row[1:3] for row in rows(tmp_path / "moodle_04_jacobians.csv")[1:]] == [["Ada Lovelace", "2"], ["Dan", ""]]


def test_moodle_takes_the_pages_back_under_its_own_names(tmp_path):
    evil = Graded("../x_y (3)", "a", "04_jacobians", results=(RIGHT,), person="../x_y", id="3")
    graded = [evil, ADA, EVE]
    made = write_feedback(tmp_path / "feedback", graded)
    pages = dict(zip([g.student for g in graded], made, strict=True))
    write(tmp_path, graded, ["moodle"], pages=pages)
    first = (tmp_path / "moodle_feedback.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "moodle_feedback.zip") as archive:
        assert archive.namelist() == [
            "x y_3_assignfeedback_file_feedback.html",
            "Ada Lovelace_12_assignfeedback_file_feedback.html",
        ]
        assert archive.read(archive.namelist()[1]) == made[1].read_bytes()
    (tmp_path / "moodle_feedback.zip").unlink()
    write(tmp_path, graded, ["moodle"], pages=pages)
    assert (tmp_path / "moodle_feedback.zip").read_bytes() == first


def test_canvas_has_a_column_for_each_chapter_and_the_points_there_are(tmp_path):
    more = Graded("Ada Lovelace (12)", "a5.ipynb", "05_chain_rule", results=(RIGHT,), person="Ada Lovelace", id="12")
    write(tmp_path, [ADA, more, BO], ["canvas"])
    assert rows(tmp_path / "canvas.csv") == [
        ["Student", "ID", "Section", "04 Jacobians", "05 Chain rule"],
        ["    Points Possible", "", "", "3", "2"],
        ["Ada Lovelace", "12", "", "2", "2"],
        ["Bo, Li", "7", "", "2", ""],
    ]


def test_no_name_is_a_formula_in_any_sheet(tmp_path):
    evil = Graded("=1+1 (3)", "a", "04_jacobians", results=(RIGHT,), person="=1+1", id="3")
    spaced = Graded(" =1+1 (4)", "a", "04_jacobians", results=(RIGHT,), person=" =1+1", id="4")
    write(tmp_path, [evil, spaced], ["canvas", "moodle"])
    (tmp_path / "in.csv").write_text('Student,ID,Section,@x\n"=cmd|1",3,+1+cmd,-\n', encoding="utf-8")
    write(tmp_path / "filled", [evil], [], read_sheet(tmp_path / "in.csv"))
    for path in tmp_path.rglob("*.csv"):
        if path.name != "in.csv":
            cells = [cell for row in rows(path) for cell in row]
            assert any("1+1" in cell or "cmd" in cell for cell in cells)
            assert not [cell for cell in cells if cell.strip()[:1] in {"=", "+", "@"}]
            assert not [cell for cell in cells if cell[:1] == "-" and len(cell) > 1]


# ----------------------------------------------------------------------------------------------------- sheets filled in
def test_a_sheet_of_moodle_is_filled_in_and_else_left_as_it_is(tmp_path):
    (tmp_path / "Grades.csv").write_bytes(
        "\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum Grade,Last modified (grade),Feedback comments\n"
        'Participant 12,"Lovelace, Ada",ada@x.org,Submitted,,5.00,-,\n'
        "Participant 70,Eve Moss,eve@x.org,Submitted,1.00,5.00,-,old words\n"
        "Participant 71,Zed,zed@x.org,No submission,,5.00,-,\n".encode()
    )
    notes = write(tmp_path, [ADA, EVE, BO], ["moodle"], read_sheet(tmp_path / "Grades.csv"))
    came = rows(tmp_path / "moodle_04_jacobians.csv")
    assert [row[4] for row in came] == ["Grade", "2", "2", ""]  # eve is known by her address
    assert came[2] == ["Participant 70", "Eve Moss", "eve@x.org", "Submitted", "2", "5.00", "-", "old words"]
    assert notes == ["Bo, Li (7): no row of the sheet is of that name, so it is not filled in"]


def test_a_sheet_of_canvas_is_filled_in_by_number_and_by_name_either_way_round(tmp_path):
    (tmp_path / "canvas_in.csv").write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Jacobians (98765),Other (1)\n"
        "    Points Possible,,,,,5,10\n"
        '"Lovelace, Ada",12,,al,S1,,7\n'
        '"Moss, Eve",99,,eve,S1,,8\n',
        encoding="utf-8",
    )
    write(tmp_path, [ADA, EVE], ["canvas"], read_sheet(tmp_path / "canvas_in.csv"))
    assert rows(tmp_path / "canvas.csv")[2:] == [
        ["Lovelace, Ada", "12", "", "al", "S1", "2", "7"],
        ["Moss, Eve", "99", "", "eve", "S1", "2", "8"],
    ]


def test_a_column_that_is_not_there_is_added_and_told(tmp_path):
    (tmp_path / "in.csv").write_text("Student;ID;Section;Other (1)\n    Points Possible;;;3\nAda;12;S;7\n")
    notes = write(tmp_path, [ADA], [], read_sheet(tmp_path / "in.csv"))
    assert rows(tmp_path / "canvas.csv") == [
        ["Student", "ID", "Section", "Other (1)", "04 Jacobians"],
        ["    Points Possible", "", "", "3", "5"],
        ["Ada", "12", "S", "7", "2"],
    ]
    assert "no column of the sheet has its name" in notes[0]


def test_one_name_of_two_is_nobody(tmp_path):
    (tmp_path / "in.csv").write_text("Identifier,Full name,Grade\nParticipant 1,Eve,\nParticipant 2,eve,\n")
    notes = write(tmp_path, [EVE], [], read_sheet(tmp_path / "in.csv"))
    assert [row[2] for row in rows(tmp_path / "moodle_04_jacobians.csv")[1:]] == ["", ""]
    assert notes == ["eve: more than one row of the sheet is of that name, so it is not filled in"]


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2", b"\xff\xfe\x00", b'Student,ID\n"open', b"PK\x03\x04"])
def test_what_is_no_sheet_is_refused(data, tmp_path):
    (tmp_path / "in.csv").write_bytes(data)
    with pytest.raises(CourseError, match=r"in\.csv"):
        read_sheet(tmp_path / "in.csv")
    with pytest.raises(CourseError, match=r"none\.csv"):
        read_sheet(tmp_path / "none.csv")


# ----------------------------------------------------------------------------------------- Gradescope, JUnit and GitHub
def test_gradescope_gets_a_score_and_every_exercise(tmp_path):
    write(tmp_path, [BO], ["gradescope"])
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results == json.loads((tmp_path / "gradescope" / "Bo, Li (7).json".replace(",", "_")).read_text("utf-8"))
    assert results["score"] == 2
    assert [(t["name"], t["score"], t["max_score"], t["status"]) for t in results["tests"]] == [
        ("Fill it", 2, 2, "passed"),
        ("Half", 0.5, 1, "failed"),
    ]
    assert results["output"] == "b.ipynb: late, 20 % off"
    write(tmp_path, [ADA, EVE], ["gradescope"])
    assert {path.stem for path in (tmp_path / "gradescope").iterdir()} == {"Ada Lovelace (12)", "eve"}
    assert results_of([DAN])["output"] == "d.ipynb: the file is empty"


def test_junit_counts_what_failed_what_was_left_and_what_could_not_be_graded():
    evil = Graded("x\x1b<b>", "f\x00", "04", results=(Result("one", "T", 0, 1, "failed", says='\x07"<&'),))
    root = ET.fromstring(junit([ADA, CEM, DAN, EVE, evil]))
    suites = {suite.get("name"): suite for suite in root}
    counts = {
        name: tuple(int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped"))
        for name, suite in suites.items()
    }
    assert counts == {
        "Ada Lovelace (12)": (2, 1, 0, 0),
        "Cem (9)": (1, 0, 1, 0),
        "Dan (5)": (1, 0, 1, 0),
        "eve": (2, 0, 0, 1),
        "x\ufffd<b>": (1, 1, 0, 0),
    }
    [failure] = suites["Ada Lovelace (12)"].iter("failure")
    assert (failure.get("type"), failure.get("message")) == ("transposed", "Not yet: this is the transpose.")
    assert b"time" not in junit([ADA])  # the same bytes every time


def test_the_points_of_github_are_full_only_if_everything_is_right():
    full = Graded("ada", "a.ipynb", "04", results=(RIGHT,))
    assert points_line([full]) == ("Points 2/2", True)
    assert points_line([ADA]) == ("Points 2/5", False)
    assert points_line([full, DAN]) == ("Points 2/2", False)
    assert points_line([BO]) == ("Points 2/3", False)


def test_a_platform_that_is_unknown_is_refused(tmp_path):
    with pytest.raises(CourseError, match="expected a platform of moodle"):
        write(tmp_path, [ADA], ["blackboard"])
