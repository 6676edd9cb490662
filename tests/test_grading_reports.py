"""What grading writes: a table that a spreadsheet takes, pages that show nothing they should not."""

import csv
import re
import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from course_lib._errors import CourseError
from course_lib.exercises import exercise
from course_lib.exercises.declaration import draw_cases
from course_lib.exercises.diagnosis import diagnose
from course_lib.exercises.outcomes import Incorrect
from course_lib.exercises.values import encode
from course_lib.grading.difference import difference
from course_lib.grading.feedback import page, write_feedback
from course_lib.grading.gradebook import COLUMNS, Graded, Result, put, read_json, write_gradebook, write_json

RIGHT = Result("one", "Fill it", 2, 2, "correct", says="Right.", source="x = 1")
WRONG = Result(
    "two", "Turn it", 0, 3, "mistake", "transposed", "Not yet: this is the transpose.", "How many rows?", "y = x.T"
)
HALF = Result("three", "Half", 0.5, 1, "incorrect", says="Not yet: it is not.")


def test_the_gradebook_has_a_row_per_exercise_and_one_per_file_that_cannot_be_read(tmp_path):
    graded = [
        Graded("ada", "ada.ipynb", "04_jacobians", "Ada", (RIGHT, WRONG, HALF), seed="17"),
        Graded("bo", "bo.ipynb", unreadable="the file is empty"),
    ]
    write_gradebook(tmp_path / "gradebook.csv", graded)
    assert (tmp_path / "gradebook.csv").read_bytes().decode() == (
        '"student","chapter","exercise","points","of","verdict","mistake","late","seed"\n'
        '"ada","04_jacobians","one",2,2,"correct","","","17"\n'
        '"ada","04_jacobians","two",0,3,"mistake","transposed","","17"\n'
        '"ada","04_jacobians","three",0.5,1,"incorrect","","","17"\n'
        '"bo","","",0,0,"unreadable","bo.ipynb: the file is empty","",""\n'
    )


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@cmd", '=HYPERLINK("x")', " =1", "\t=1", "\ufeff=1", "＝1", "a;=1", "a; @b", "a|+1"]
)
def test_no_name_becomes_a_formula_or_another_row(name, tmp_path):
    write_gradebook(tmp_path / "gradebook.csv", [Graded(name, "f", "04", "", (RIGHT,))])
    with (tmp_path / "gradebook.csv").open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    assert header == list(COLUMNS)
    assert row[0] != name, "it was made plain"
    for part in re.split("[;,|]", row[0]):  # what parts columns in one country or another
        assert not part.lstrip().startswith(("=", "+", "-", "@", "＝"))
    assert row[1:4] == ["04", "one", "2"]


def test_a_page_says_what_was_right_and_names_the_mistake_with_its_hint(tmp_path):
    [path] = write_feedback(tmp_path, [Graded("ada", "ada.ipynb", "04_jacobians", "Ada", (RIGHT, WRONG))])
    text = path.read_text(encoding="utf-8")
    assert path.name == "ada.html"
    for said in ("2 of 5 points", "1 of 2 exercises", "This is the transpose.", "How many rows?", "y = x.T", "“Ada”"):
        assert said in text
    assert "Not yet: " not in text


def test_nothing_that_was_handed_in_is_markup_on_a_page(tmp_path):
    evil = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>"
    result = Result("one", "T", 0, 1, "failed", evil, says=evil, source=evil)
    pages = write_feedback(tmp_path, [Graded(evil, evil, "04", evil, (result,)), Graded(evil, evil, unreadable=evil)])
    text = pages[0].read_text(encoding="utf-8")
    assert evil not in text
    assert not re.search(r"<(script|img)", text)
    assert text.count("<pre>") == text.count("</pre>") == 1


def test_a_page_loads_nothing(tmp_path):
    [path] = write_feedback(tmp_path, [Graded("ada", "ada.ipynb", "04_jacobians", "Ada", (RIGHT, WRONG))])
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?:|url\(|@import|\bsrc=|<link|javascript:", text)
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    "student", ["../../etc/passwd", "con", "a/b\\c:d*?", "x" * 300, "...", "Zoë 王", "王" * 90, "nul.txt"]
)
def test_every_student_has_a_page_that_any_system_can_store(student, tmp_path):
    [path] = write_feedback(tmp_path / "feedback", [Graded(student, "f", unreadable="it is empty")])
    assert path.parent == tmp_path / "feedback"
    assert path.is_file()
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', path.name)
    assert len(path.name.encode()) < 120
    assert path.stem.casefold().split(".")[0] not in {"con", "nul"}


def test_two_students_never_share_a_page_even_where_capitals_do_not_count(tmp_path):
    pages = write_feedback(
        tmp_path, [Graded(s, "f", unreadable="it is empty") for s in ("Ada", "ada", "a?a", "a*a", "\u00e9", "e\u0301")]
    )
    assert len({unicodedata.normalize("NFC", page.name.casefold()) for page in pages}) == 6


# ------------------------------------------------------------------------------------------- where an answer is wrong
def pictured(id, change):
    """The picture of an exercise whose right values were changed."""
    declared = exercise(id)
    cases = draw_cases(declared, 7)
    values = [change(np.array(declared.right(*case.values()), float)) for case in cases]
    record = {"id": id, "cases": [encode(value) for value in values]}
    return difference(declared, cases, diagnose(declared, cases, record), record)


def test_the_picture_marks_the_entries_that_are_off_and_shows_no_number():
    def spoil(values):
        values[1, 0] += 1
        return values

    [(_, rows)] = pictured("numerical-jacobian", spoil)
    assert rows == ("===", "x==")
    assert pictured("numerical-jacobian", lambda values: values) == ()
    [(_, twice)] = pictured("numerical-jacobian", lambda values: 2 * values)
    assert set("".join(twice)) == {"x"}
    assert pictured("numerical-jacobian", lambda values: values.ravel()) == ()


@pytest.mark.parametrize("record", [None, {}, {"cases": []}, {"cases": [{"array": "x"}]}, {"cases": 7}])
def test_a_forged_record_has_no_picture(record):
    declared = exercise("numerical-jacobian")
    assert difference(declared, draw_cases(declared, 7), Incorrect(), record) == ()


def test_the_page_draws_the_picture_only_where_something_is_right(tmp_path):
    mixed = replace(WRONG, picture=(("dW[1]", ("=x", "==")),))
    [path] = write_feedback(tmp_path, [Graded("ada", "ada.ipynb", "04_jacobians", "Ada", (mixed,))])
    text = path.read_text(encoding="utf-8")
    assert "dW[1]: 3 of 4 right" in text
    assert text.count('class="ok"') == 3
    assert text.count('class="off"') == 1
    every = replace(WRONG, picture=(("dW[1]", ("xx",)),))
    [path] = write_feedback(tmp_path, [Graded("ada", "ada.ipynb", "04_jacobians", "Ada", (every,))])
    assert '<div class="tiles">' not in path.read_text(encoding="utf-8")


def test_an_answer_that_is_right_in_part_says_so_and_being_late_is_told(tmp_path):
    half = Result("three", "Half", 0.5, 1, "incorrect", says="Not yet: it is not.")
    graded = Graded("ada (7)", "a.ipynb", "04_jacobians", results=(half,), person="Ada", late=True, takes=50)
    text = write_feedback(tmp_path, [graded])[0].read_text(encoding="utf-8")
    assert "Right in part" in text
    assert "0.25 of 1 points" in text
    assert "It came late, which takes 50 percent." in text
    assert "<h1>Feedback for Ada</h1>" in text
    assert "in part" not in page([replace(graded, results=(replace(half, points=0),))])


def test_everything_comes_back_from_json_as_it_was(tmp_path):
    graded = [
        Graded("ada", "a", "04", "Ada", (replace(WRONG, picture=(("J", ("=x",)),)), HALF), notes=("n",), late=True),
        Graded("bo", "b", unreadable="it is empty"),
    ]
    write_json(tmp_path / "gradebook.json", graded)
    assert read_json(tmp_path / "gradebook.json") == graded
    (tmp_path / "gradebook.json").write_text("[{}]")
    with pytest.raises(CourseError, match="not what grading wrote"):
        read_json(tmp_path / "gradebook.json")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    put(tmp_path / "a" / "x.csv", b"one")
    before = (tmp_path / "a" / "x.csv").stat().st_mtime_ns
    put(tmp_path / "a" / "x.csv", b"one")
    assert (tmp_path / "a" / "x.csv").stat().st_mtime_ns == before
    (tmp_path / "a" / "y.csv").mkdir()
    with pytest.raises(OSError):
        put(tmp_path / "a" / "y.csv", b"two")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"x.csv", "y.csv"}
