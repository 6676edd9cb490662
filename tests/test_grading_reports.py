"""What grading writes: a table that a spreadsheet takes, pages that show nothing they should not."""

import csv
import re

import pytest

from course_lib.grading.feedback import write_feedback
from course_lib.grading.gradebook import COLUMNS, Graded, Result, write_gradebook

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


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@cmd", '=HYPERLINK("x")', " =1", "a\n=1", "\t=1", "O'Hara, Ann"])
def test_no_name_becomes_a_formula_or_another_row(name, tmp_path):
    write_gradebook(tmp_path / "gradebook.csv", [Graded(name, "f", "04", "", (RIGHT,))])
    with (tmp_path / "gradebook.csv").open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    assert header == list(COLUMNS)
    assert not row[0].lstrip().startswith(("=", "+", "-", "@"))
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


@pytest.mark.parametrize("student", ["../../etc/passwd", "con", "a/b\\c:d*?", "x" * 300, "...", "Zoë 王", "nul.txt"])
def test_every_student_has_a_page_that_any_system_can_store(student, tmp_path):
    [path] = write_feedback(tmp_path / "feedback", [Graded(student, "f", unreadable="it is empty")])
    assert path.parent == tmp_path / "feedback"
    assert path.is_file()
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', path.name)
    assert len(path.name) < 120
    assert path.stem.casefold().split(".")[0] not in {"con", "nul"}


def test_two_students_never_share_a_page_even_where_capitals_do_not_count(tmp_path):
    pages = write_feedback(tmp_path, [Graded(s, "f", unreadable="it is empty") for s in ("Ada", "ada", "a?a", "a*a")])
    assert len({page.name.casefold() for page in pages}) == 4
