"""Handed-in files are found and read, whatever state they are in."""

import json
from pathlib import Path

import pytest

from course_lib.grading.intake import find, student_of
from course_lib.grading.submissions import BadFile, read, typed_name

CHAPTERS = ["04_jacobians", "05_chain_rule"]


def code(source, id="", **course):
    cell = {"cell_type": "code", "source": source, "metadata": {"course": course} if course else {}, "outputs": []}
    return cell | ({"id": id} if id else {})


def notebook(*cells, **changes):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)} | changes


GOOD = notebook(code("x = 1", id="answer-one"))
TEXT = json.dumps(GOOD)
BAD_FILES = {
    "empty": (b"", "empty"),
    "blank": (b" \n", "empty"),
    "truncated": (TEXT[:60].encode(), "not valid JSON"),
    "zip": (b"PK\x03\x04 and so on", "zip archive"),
    "PDF": (b"%PDF-1.7", "PDF"),
    "login page": (b"\n<!doctype html><title>Log in</title>", "web page"),
    "list at the top": (b"[]", "not a notebook"),
    "null": (b"null", "not a notebook"),
    "number": (b"1", "not a notebook"),
    "some JSON": (b'{"a": 1}', "not a notebook"),
    "deep nesting": (b"[" * 200_000, "not"),
    "number of 10k digits": (b'{"nbformat":' + b"9" * 10_000 + b"}", "not"),
    "old format": (json.dumps(notebook(nbformat=3)).encode(), "format 3"),
    "format of the future": (json.dumps(notebook(nbformat=99)).encode(), "format 99"),
    "format as text": (json.dumps(notebook(nbformat="4.5")).encode(), "format 4.5"),
    "format with half a character": (json.dumps(notebook(nbformat="\ud800")).encode(), r"format \?"),
    "format nested deep": (b'{"nbformat":' + b"[" * 900 + b"]" * 900 + b"}", "an unknown format"),
    "cells null": (json.dumps(notebook(cells=None)).encode(), "without cells"),
    "cells a dict": (json.dumps(notebook(cells={})).encode(), "without cells"),
    "too many cells": (json.dumps(notebook(cells=[1] * 20_001)).encode(), "20001 cells"),
    "UTF-16": (TEXT.encode("utf-16"), "UTF-16"),
    "latin-1": (TEXT.replace("x = 1", "x = 'é'").encode("latin-1"), "UTF-8"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_damaged_file_is_refused_with_one_clear_line(name, tmp_path):
    data, says = BAD_FILES[name]
    path = tmp_path / "ada.ipynb"
    path.write_bytes(data)
    with pytest.raises(BadFile, match=says) as refused:
        read(path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 120
    assert path.read_bytes() == data


TOLERATED = {
    "as it should be": TEXT.encode(),
    "with a byte-order mark": TEXT.encode("utf-8-sig"),
    "with Windows line ends": json.dumps(GOOD, indent=1).replace("\n", "\r\n").encode(),
    "source as a list": TEXT.replace('"x = 1"', '["x = ", "1"]').encode(),
    "NaN in the metadata": TEXT.replace('"metadata": {}', '"metadata": {"a": NaN}', 1).encode(),
    "metadata null": TEXT.replace('"metadata": {}', '"metadata": null').encode(),
    "course metadata a list": TEXT.replace('"metadata": {}', '"metadata": {"course": [1]}').encode(),
    "damaged cells beside": json.dumps(notebook("x", None, {"cell_type": "code"}, code(7), code([1]), *GOOD["cells"])),
    "a large output": json.dumps(notebook(code("x = 1", id="answer-one") | {"outputs": [{"text": "y" * 5_000_000}]})),
    "keys twice": TEXT.replace('"cells": [', '"cells": [], "cells": [', 1).encode(),
    "numbers past all bounds": TEXT.replace('"metadata": {}', '"metadata": {"a": 1e99999, "b": -1e-99999}', 1).encode(),
    "other keys": TEXT.replace('"nbformat": 4', '"evil": 1, "nbformat": 4').encode(),
}


@pytest.mark.parametrize("name", TOLERATED)
def test_what_can_be_read_is_read(name, tmp_path):
    data = TOLERATED[name]
    path = tmp_path / "ada.ipynb"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    assert [(cell.id, cell.source) for cell in read(path).cells] == [("answer-one", "x = 1")]


def test_half_a_character_in_a_cell_can_still_be_sent_to_a_kernel(tmp_path):
    path = tmp_path / "ada.ipynb"
    path.write_text(json.dumps(notebook(code("x = '\ud800'"))), encoding="utf-8")
    assert read(path).cells[0].source == "x = '?'"


def test_a_link_is_not_followed(tmp_path):
    target = tmp_path / "elsewhere.ipynb"
    target.write_text(TEXT, encoding="utf-8")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "ada.ipynb").symlink_to(target)
    [hand_in] = find(folder, CHAPTERS)
    assert (hand_in.student, hand_in.problem.split(",")[0]) == ("ada", "it is a link")
    with pytest.raises(BadFile, match="plain file"):
        read(folder / "ada.ipynb")


@pytest.mark.parametrize(
    "stem, student",
    [
        ("ada_04_jacobians", "ada"),
        ("ada 04_jacobians (2)", "ada"),
        ("ada_04_Jacobians-Copy1", "ada"),
        ("05_chain_rule_ada", "ada"),
        ("Ada Lovelace", "Ada Lovelace"),
        ("04_jacobians", "04_jacobians"),
        ("ada_04_jacobians_late", "ada late"),
    ],
)
def test_the_student_is_what_a_name_has_beside_the_chapter(stem, student):
    assert student_of(stem, CHAPTERS) == student


def test_files_are_found_at_the_top_and_in_a_folder_for_each_student(tmp_path):
    for name in (
        "bo_05_chain_rule.ipynb",
        "zoe.pdf",
        "ada/04 (10).ipynb",
        "ada/04 (2).ipynb",
        "ada/data.csv",
        "ada/.ipynb_checkpoints/04-checkpoint.ipynb",
        "cem/homework/week 2/05.IPYNB",
        "dora/answers.docx",
        "__MACOSX/x.ipynb",
        ".hidden.ipynb",
        "out/gradebook.csv",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT, encoding="utf-8")
    found = [(hand_in.student, hand_in.name) for hand_in in find(tmp_path, CHAPTERS, leave_out=tmp_path / "out")]
    assert found == [
        ("ada", "ada/04 (2).ipynb"),
        ("ada", "ada/04 (10).ipynb"),
        ("bo", "bo_05_chain_rule.ipynb"),
        ("cem", "cem/homework/week 2/05.IPYNB"),
        ("dora", "dora/answers.docx"),
        ("zoe", "zoe.pdf"),
    ]
    with pytest.raises(BadFile, match=r"\.docx file, not a notebook"):
        read(tmp_path / "dora/answers.docx")


@pytest.mark.parametrize(
    "source, name",
    [
        ('student("Ada Lovelace")', "Ada Lovelace"),
        ("import numpy as np\nstudent(name='Ada')  # me", "Ada"),
        ('%matplotlib inline\n!ls\nstudent("Ada")', "Ada"),
        ('session.student("Ada")', "Ada"),
        ('student("first")\nstudent("Ada")', "Ada"),
        ("student()", ""),
        ("student(input())", ""),
        ("student('Ada'", ""),
        ("student(" * 3000, ""),
        ("# student('Ada')", ""),
        (r"student('A\ud800')", "A?"),
        (f"student('{'A' * 201}')", ""),
        ("student(__import__('os').getcwd())", ""),
    ],
)
def test_the_typed_name_is_read_and_never_run(source, name, tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(notebook(code(source))), encoding="utf-8")
    assert typed_name(read(path)) == name


def test_the_setup_cell_says_the_name_wherever_it_stands(tmp_path):
    path = tmp_path / "x.ipynb"
    cells = [code('student("somebody")'), code('student("Ada")', role="setup")]
    path.write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    assert typed_name(read(path)) == "Ada"


def test_a_file_that_cannot_be_opened_is_a_bad_file(tmp_path):
    with pytest.raises(BadFile, match="FileNotFoundError"):
        read(Path(tmp_path / "gone.ipynb"))
