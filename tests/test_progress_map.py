"""The map of the chapters: it says what the lessons say, counts what the student has saved, and keeps nothing."""

import configparser
import json
import re
import shutil
from base64 import b64decode
from itertools import combinations
from pathlib import Path

import pytest

from course_lib.exercises import course_map, exercises_of
from course_lib.exercises.progress_map import CHAPTERS, HIGH, WIDE, CourseMap, corner, direct, exercises_folder

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "chapters").glob("[0-9][0-9]_*/lesson.md"))[1:]
FIRST = [exercise.id for exercise in exercises_of("01")]


def said(path):
    """(name, title, minutes, needs) as the head of a lesson has them."""
    text = path.read_text(encoding="utf-8")
    needed = re.search(r"\*\*You need\*\*(.*?)\*\*Time:\*\* (\d+) minutes", text, re.DOTALL)
    return (
        path.parent.name,
        re.search(r"^# \d+\. (.+)$", text, re.MULTILINE)[1],
        int(needed[2]),
        tuple(int(number) for number in re.findall(r"\]\((\d\d)_", needed[1])),
    )


def html(course):
    return course._repr_mimebundle_()["text/html"]


def test_the_map_has_the_chapters_with_their_titles_minutes_and_needs():
    assert [said(path) for path in LESSONS] == [chapter[:4] for chapter in CHAPTERS]


def test_every_chapter_needs_earlier_ones_alone_and_the_arrows_leave_out_no_need():
    for chapter in CHAPTERS:
        assert all(n < chapter.number for n in chapter.needs)
        reached, ahead = set(), list(direct(chapter))
        while ahead:
            reached.add(n := ahead.pop())
            ahead += direct(CHAPTERS[n - 1])
        assert set(chapter.needs) <= reached


def test_no_two_boxes_of_the_map_overlap():
    for one, other in combinations(map(corner, CHAPTERS), 2):
        assert abs(one[0] - other[0]) >= WIDE or abs(one[1] - other[1]) >= HIGH


@pytest.fixture
def exercises(tmp_path):
    """A student's folder: chapter 01 solved and saved, chapter 04 as it was handed out."""
    (tmp_path / "notebooks").mkdir()
    folder = tmp_path / "exercises"
    folder.mkdir()
    shutil.copy(ROOT / "solutions" / "01_learning_problem.ipynb", folder)
    shutil.copy(ROOT / "exercises" / "04_jacobians.ipynb", folder)
    return folder


def test_what_is_right_is_read_from_the_saved_notebooks(exercises):
    course = course_map(exercises)
    assert course.right == set(FIRST)
    assert [course.done(f"{n:02}") for n in (1, 2, 4)] == [len(FIRST), 0, 0]
    assert course.points == sum(exercise.points for exercise in exercises_of("01"))
    assert f"; chapter 1: {len(FIRST)} of {len(FIRST)}." in course.progress()


def test_a_verdict_that_is_not_right_does_not_count(exercises):
    path = exercises / "01_learning_problem.ipynb"
    text = path.read_text(encoding="utf-8")
    assert f'"{FIRST[0]}: Right."' in text
    path.write_text(text.replace(f'"{FIRST[0]}: Right."', f'"{FIRST[0]}: Right?"'), encoding="utf-8")
    assert course_map(exercises).right == set(FIRST[1:])


def test_right_said_elsewhere_than_in_the_check_of_an_exercise_does_not_count(exercises):
    path = exercises / "01_learning_problem.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["metadata"].get("course", {}).get("role") == "check":
            cell["metadata"] = {}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert course_map(exercises).right == set()
    assert CourseMap(["no-such-exercise"]).right == set()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 1}', '{"cells": [{}]}', '{"cells": ["x"]}'])
def test_a_file_that_is_no_notebook_is_passed_over(exercises, content):
    (exercises / "00_broken.ipynb").write_text(content, encoding="utf-8")
    assert course_map(exercises).right == set(FIRST)


def test_the_folder_is_found_from_the_notebooks_and_there_may_be_none(exercises, monkeypatch):
    monkeypatch.chdir(exercises.parent / "notebooks")
    assert exercises_folder() == exercises
    assert course_map().right == set(FIRST)
    shutil.rmtree(exercises)
    assert exercises_folder() is None
    assert course_map().right == set()


def test_reading_leaves_the_folder_as_it_was(exercises):
    before = {path: path.read_bytes() for path in exercises.iterdir()}
    html(course_map(exercises))
    assert {path: path.read_bytes() for path in exercises.iterdir()} == before


def compared(text):
    """What nbval compares of a text."""
    rules = configparser.RawConfigParser()
    rules.read(ROOT / "tests" / "nbval.cfg", encoding="utf-8")
    for rule in rules.sections():
        text = re.sub(rules[rule]["regex"], rules[rule]["replace"], text)
    return text


def test_a_student_with_progress_has_the_output_that_nbval_expects():
    none, some = CourseMap(), CourseMap(FIRST)
    assert str(none) == str(some)
    assert html(none) != html(some)
    assert compared(html(none)) == compared(html(some))


def test_progress_is_drawn_and_told():
    none, some = CourseMap(), CourseMap(FIRST)
    count = f"{len(FIRST)}/{len(FIRST)}"
    assert f"✓ {count}" in some.picture()
    assert f"0/{len(FIRST)}" in none.picture()
    assert count not in none.picture()
    assert b64decode(re.search(r'base64,([^"]+)"', html(some))[1]).decode() == some.picture()
    assert some.progress() in html(some)


def test_every_box_is_a_link_to_its_lesson_with_a_name():
    links = re.findall(r'<a href="([^"]+)" aria-label="Chapter (\d+): [^"]+"', html(CourseMap()))
    assert links == [(f"{chapter.name}.ipynb", str(chapter.number)) for chapter in CHAPTERS]
