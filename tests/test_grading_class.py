"""A class of twenty-three is graded exactly as the table submissions.csv says, and each as if there were no other."""

import csv
import hashlib
import json
import re
import shutil
from html import unescape
from pathlib import Path

import pytest
import submissions

from course_lib._errors import CourseError
from course_lib.grading import grade

TABLE = Path(__file__).with_name("submissions.csv")
SEED = "a secret for one term"
TIMEOUT = 15  # seconds: on a busy machine a kernel may need some for its first picture


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    submissions.hand_in(folder / "in")
    before = digests(folder / "in")
    report = grade(folder / "in", folder / "out", seed=SEED, solutions=submissions.ROOT / "solutions", timeout=TIMEOUT)
    assert digests(folder / "in") == before, "what was handed in has been changed"
    return folder, report


def test_every_exercise_of_every_student_has_the_verdict_of_the_table(graded):
    came = rows(graded[0] / "out" / "gradebook.csv")
    assert [row[:-2] for row in came] == rows(TABLE)
    assert {row[-1] for row in came} == {SEED}


def test_the_table_has_students_of_every_kind():
    verdicts = {row[5] for row in rows(TABLE)}
    assert verdicts >= {"correct", "mistake", "incorrect", "not-attempted", "failed", "wrong-type", "wrong-shape"}
    assert verdicts >= {"time-limit", "kernel-died", "output-limit", "unreadable"}
    assert len({row[0] for row in rows(TABLE)}) >= 20


def test_the_same_submissions_and_seed_give_the_same_bytes_whoever_else_hands_in(graded, tmp_path):
    for name in ("dora_04_jacobians.ipynb", "sue_06_backpropagation.ipynb", "hana_04_jacobians.ipynb"):
        shutil.copy(graded[0] / "in" / name, tmp_path / name)
    grade(tmp_path, tmp_path / "out", seed=SEED, solutions=submissions.ROOT / "solutions", timeout=TIMEOUT)
    for student in ("dora", "sue", "hana"):
        page = Path("out", "feedback", f"{student}.html")
        assert (tmp_path / page).read_bytes() == (graded[0] / page).read_bytes()
    alone = [row[:-2] for row in rows(tmp_path / "out" / "gradebook.csv")]
    assert alone == [row for row in rows(TABLE) if row[0] in ("dora", "sue", "hana")]


def test_the_instructor_is_told_what_is_odd_and_the_seed(graded):
    notes = (graded[0] / "out" / "notes.txt").read_text(encoding="utf-8").splitlines()
    assert notes[0] == f"seed: {SEED}"
    for part in (
        "vic/05_chain_rule.ipynb: not graded, vic/05_chain_rule (1).ipynb is handed in for the same chapter",
        "hana_04_jacobians.ipynb: the file is empty",
        "pia_06_backpropagation.ipynb: two-two-two: 2 cells claim to be its answer",
        'bo and wim typed the same name, "bo"',
    ):
        assert any(note.startswith(part) for note in notes), part
    assert not any("ada" in note for note in notes)
    assert not any("while the diagnosis is" in note for note in notes)


def test_a_student_reads_the_verdict_the_mistake_and_the_own_code(graded):
    page = (graded[0] / "out" / "feedback" / "dora.html").read_text(encoding="utf-8")
    for said in ("0 of 12 points", "the transpose of the Jacobian", "How many rows does J have?", "up[j] += h"):
        assert said in page
    right = (graded[0] / "out" / "feedback" / "ada.html").read_text(encoding="utf-8")
    assert "21 of 21 points; all 11 exercises are right." in right
    looped = (graded[0] / "out" / "feedback" / "jun.html").read_text(encoding="utf-8")
    assert "It did not finish within 15 seconds." in looped


def test_no_page_shows_the_seed_an_expected_number_or_a_place_on_this_machine(graded):
    folder, report = graded
    for student in report.graded:
        page = (folder / "out" / "feedback" / f"{student.student}.html").read_text(encoding="utf-8")
        assert SEED not in page
        assert "it should be" not in page
        for result in student.results:
            if result.verdict in ("incorrect", "wrong-shape") and result.exercise not in submissions.CODE:
                right = submissions.right(result.exercise, student.name).split("lock_in")[1]
                assert right not in unescape(page)
        assert not re.search(r"/tmp/|/home/|/root/|/box-|0x[0-9a-f]{6}", page)


def test_nothing_can_be_graded_without_submissions_or_solutions(tmp_path):
    with pytest.raises(CourseError, match="folder of submissions"):
        grade(tmp_path / "none", tmp_path / "out")
    (tmp_path / "in").mkdir()
    with pytest.raises(CourseError, match="expected notebooks in in, found none"):
        grade(tmp_path / "in", tmp_path / "out", solutions=submissions.ROOT / "solutions")
    (tmp_path / "in" / "ada.ipynb").write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(CourseError, match="course build"):
        grade(tmp_path / "in", tmp_path / "out", solutions=tmp_path)
