"""Hand-ins are found in folders and archives of every platform, and nothing leads out of them."""

import contextlib
import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from course_lib._errors import CourseError
from course_lib.grading import intake
from course_lib.grading.intake import find, hand_ins, time_of
from course_lib.grading.submissions import BadFile, read

CHAPTERS = ["04_jacobians", "05_chain_rule"]
TEXT = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []})


def archive(path, *entries):
    """A zip of (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries:
            opened.writestr(name, content)
    return path


def said(place, due=None):
    """(student, name, late, problem) of every hand-in, those that have none read."""
    with hand_ins(place, CHAPTERS, due=due) as found:
        for hand_in in found:
            if not hand_in.problem and hand_in.path.suffix == ".ipynb":
                assert read(hand_in.path).cells == ()
        return [(h.student, h.name, h.late, h.problem) for h in found]


# ---------------------------------------------------------------------------------------------------------- platforms
def test_the_archive_of_moodle_says_whose_a_file_is(tmp_path):
    place = archive(
        tmp_path / "Course-Jacobians-99.zip",
        ("Ada Lovelace_12345_assignsubmission_file_/04_jacobians.ipynb", TEXT),
        ("Ada Lovelace_12345_assignsubmission_onlinetext_/onlinetext.html", "<p>Here it is"),
        ("Bo Li_777_assignsubmission_file_work.ipynb", TEXT),  # downloaded without folders
        ("Cem_6_assignsubmission_file/05.ipynb", TEXT),  # as newer ones are called
        ("Zoë_8_assignsubmission_onlinetext_/onlinetext.html", "<p>I forgot"),
    )
    assert [entry[:2] for entry in said(place)] == [
        ("Ada Lovelace (12345)", "Ada Lovelace_12345_assignsubmission_file_/04_jacobians.ipynb"),
        ("Bo Li (777)", "Bo Li_777_assignsubmission_file_work.ipynb"),
        ("Cem (6)", "Cem_6_assignsubmission_file/05.ipynb"),
        ("Zoë (8)", "Zoë_8_assignsubmission_onlinetext_/onlinetext.html"),
    ]
    with hand_ins(place, CHAPTERS) as found:
        assert [(h.person, h.id) for h in found] == [
            ("Ada Lovelace", "12345"),
            ("Bo Li", "777"),
            ("Cem", "6"),
            ("Zoë", "8"),
        ]


def test_the_archive_of_canvas_says_who_is_late_and_which_of_two_came_last(tmp_path):
    place = archive(
        tmp_path / "submissions.zip",
        ("liboz_42_9001_05_chain_rule.ipynb", TEXT),
        ("liboz_LATE_42_8999_05_chain_rule-1.ipynb", TEXT),
        ("lovelaceada_LATE_1234_5678_04_jacobians-1.ipynb", TEXT),
        ("curiemarie_77_LATE_5679_04_jacobians.ipynb", TEXT),
    )
    assert [(student, name.split("_")[-3:], late) for student, name, late, _ in said(place)] == [
        ("curiemarie (77)", ["5679", "04", "jacobians.ipynb"], True),
        ("liboz (42)", ["05", "chain", "rule-1.ipynb"], True),
        ("liboz (42)", ["05", "chain", "rule.ipynb"], False),  # the last one counts
        ("lovelaceada (1234)", ["5678", "04", "jacobians-1.ipynb"], True),
    ]


def test_a_name_that_only_looks_like_that_of_canvas_is_taken_as_it_is(tmp_path):
    for name in ("ada_2026_05_chain_rule.ipynb", "bo_7_x.ipynb", "LATE_04_jacobians.ipynb", "a_0_1_x.ipynb"):
        (tmp_path / name).write_text(TEXT)
    assert [(h.student, h.id, h.late) for h in find(tmp_path, CHAPTERS)] == [
        ("LATE", "", False),
        ("a_0_1_x", "", False),
        ("ada_2026", "", False),
        ("bo_7_x", "", False),
    ]


TIMES = {
    "ann": "2026-11-20 22:58:00.123456 UTC",
    "ben": "2026-11-20 23:58:00.123456 Europe/Berlin",  # 22:58 UTC
    "cem": "2026-11-20 23:00:01 UTC",
    "dan": "2026-11-20T20:00:00-07:00",
    "eve": "half past nine",
}


def test_the_folder_of_nbgrader_is_read_with_its_timestamps(tmp_path):
    for student, text in TIMES.items():
        folder = tmp_path / "submitted" / student / "ps1"
        folder.mkdir(parents=True)
        (folder / "04_jacobians.ipynb").write_text(TEXT)
        (folder / "timestamp.txt").write_text(text)
    (tmp_path / "source" / "ps1").mkdir(parents=True)
    (tmp_path / "source" / "ps1" / "04_jacobians.ipynb").write_text(TEXT)
    (tmp_path / "gradebook.db").write_text("")
    due = time_of("2026-11-20 23:00")
    assert [(h.student, h.late) for h in find(tmp_path, CHAPTERS, due=due)] == [
        ("ann", False),
        ("ben", False),
        ("cem", True),
        ("dan", True),
        ("eve", False),
    ]
    assert {h.late for h in find(tmp_path / "submitted", CHAPTERS, due=due)} == {False, True}
    assert {h.late for h in find(tmp_path, CHAPTERS)} == {False}


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01 10:00", "2026-11-20", "2026-11-20 10:00 Mars/Olympus"])
def test_a_time_that_is_none_is_refused(text):
    with pytest.raises(CourseError, match="expected a time"):
        time_of(text)


def test_a_folder_that_was_packed_is_not_taken_for_a_student(tmp_path):
    packed = archive(tmp_path / "week4.zip", ("week4/ada.ipynb", TEXT), ("week4/bo/04.ipynb", TEXT))
    assert [entry[:2] for entry in said(packed)] == [("ada", "ada.ipynb"), ("bo", "bo/04.ipynb")]
    single = archive(tmp_path / "other.zip", ("ada/04.ipynb", TEXT), ("ada/05.ipynb", TEXT))
    assert {entry[0] for entry in said(single)} == {"ada"}


# ------------------------------------------------------------------------------------------------- archives in archives
def packed(*entries):
    """The bytes of a zip of (name, content)."""
    data = io.BytesIO()
    archive(data, *entries)
    return data.getvalue()


def test_the_zip_that_a_student_handed_in_is_opened(tmp_path):
    place = archive(
        tmp_path / "Course-Jacobians-99.zip",
        ("Ada_1_assignsubmission_file_/homework.zip", packed(("homework/04_jacobians.ipynb", TEXT), ("notes.txt", ""))),
        ("Bo Li_2_assignsubmission_file_/04.ipynb", TEXT),
        ("Cem_3_assignsubmission_file_/cut.zip", packed(("04.ipynb", TEXT))[:40]),
        ("Dan_4_assignsubmission_file_/pictures.zip", packed(("a.png", b"png"))),
        ("Eve_5_assignsubmission_file_/a.zip", packed(("b.zip", packed(("04.ipynb", TEXT))))),
    )
    found = {student: (name.split("/", 1)[1], problem.split(";")[0]) for student, name, _, problem in said(place)}
    assert found == {
        "Ada (1)": ("homework.zip/homework/04_jacobians.ipynb", ""),
        "Bo Li (2)": ("04.ipynb", ""),
        "Cem (3)": ("cut.zip", "it is a zip archive that cannot be read"),
        "Dan (4)": ("pictures.zip", "it is a zip archive without a notebook in it"),
        "Eve (5)": ("a.zip", "it is a zip archive without a notebook in it"),  # one in another in another
    }
    canvas = archive(tmp_path / "b.zip", ("liboz_LATE_42_8999_hw.zip", packed(("05.ipynb", TEXT))))
    assert said(canvas) == [("liboz (42)", "liboz_LATE_42_8999_hw.zip/05.ipynb", True, "")]


def test_the_zips_of_several_assignments_may_lie_in_one_folder_with_those_of_students(tmp_path):
    for week in ("4", "5"):
        name = f"Ada_1_assignsubmission_file_/0{week}.ipynb"
        archive(
            tmp_path / f"week{week}.zip", (name, TEXT), ("Bo_2_assignsubmission_file_/b.zip", packed(("x.ipynb", TEXT)))
        )
    archive(tmp_path / "cem_04_jacobians.zip", ("work/04_jacobians.ipynb", TEXT))
    (tmp_path / "dan.ipynb").write_text(TEXT)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert [entry[:2] for entry in said(tmp_path)] == [
        ("Ada (1)", "week4.zip/Ada_1_assignsubmission_file_/04.ipynb"),
        ("Ada (1)", "week5.zip/Ada_1_assignsubmission_file_/05.ipynb"),
        ("Bo (2)", "week4.zip/Bo_2_assignsubmission_file_/b.zip/x.ipynb"),
        ("Bo (2)", "week5.zip/Bo_2_assignsubmission_file_/b.zip/x.ipynb"),
        ("cem", "cem_04_jacobians.zip/work/04_jacobians.ipynb"),
        ("dan", "dan.ipynb"),
    ]
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_limit_is_one_for_all_archives_and_nothing_leads_out_of_an_inner_one(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "UNPACKED", 2**20)
    inner = packed(("../../evil.ipynb", TEXT), ("04.ipynb", " " * 2**19))
    place = archive(tmp_path / "a.zip", *((f"s{k}/hw.zip", inner) for k in range(4)))
    before = set(tmp_path.rglob("*"))
    with hand_ins(place, CHAPTERS) as found:
        told = [hand_in.problem for hand_in in found]
    assert sum("leads out" in problem for problem in told) == 4
    assert sum("more than" in problem for problem in told) == 3
    assert set(tmp_path.rglob("*")) == before


# ------------------------------------------------------------------------------------------------------------ enemies
def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def test_nothing_in_an_archive_leads_out_of_it(tmp_path):
    place = archive(
        tmp_path / "a.zip",
        ("../../evil.ipynb", TEXT),
        ("/tmp/absolute.ipynb", TEXT),
        ("C:\\Windows\\evil.ipynb", TEXT),
        ("..\\up.ipynb", TEXT),
        ("ada/../../up.ipynb", TEXT),
        (link("bo/passwd.ipynb"), "/etc/passwd"),
        ("cem/04.ipynb", TEXT),
    )
    before = set(tmp_path.rglob("*"))
    with hand_ins(place, CHAPTERS) as found:
        problems = {h.name: h.problem for h in found}
        scratch = next(h.path for h in found if not h.problem).parents[1]
        assert [path.name for path in scratch.rglob("*") if path.is_file()] == ["04.ipynb"]
    assert [name for name, problem in problems.items() if not problem] == ["cem/04.ipynb"]
    assert "link" in problems["bo/passwd.ipynb"]
    assert sum("leads out" in problem for problem in problems.values()) == 5
    assert not scratch.exists()
    assert set(tmp_path.rglob("*")) == before


def test_a_bomb_is_refused_by_what_comes_out_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "FILE_LIMIT", 2**20)
    place = archive(tmp_path / "a.zip", ("ada.ipynb", b" " * 2**24), ("bo.ipynb", TEXT))
    assert place.stat().st_size < 2**16
    data = place.read_bytes()
    place.write_bytes(data.replace((2**24).to_bytes(4, "little"), (10).to_bytes(4, "little")))  # it says 10 bytes
    for path, name in ((place, "lying"), (archive(tmp_path / "b.zip", ("ada.ipynb", b" " * 2**24)), "honest")):
        entries = said(path)
        assert entries[0][0] == "ada", name
        assert "more than 1 MB" in entries[0][3] or "damaged" in entries[0][3], name
    assert said(place)[1] == ("bo", "bo.ipynb", False, "")


def test_many_files_that_are_small_each_have_one_limit_together(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "UNPACKED", 2**20)
    place = archive(tmp_path / "a.zip", *((f"s{k}.ipynb", " " * 2**18) for k in range(8)))
    with hand_ins(place, CHAPTERS) as found:
        refused = [h.student for h in found if "more than" in h.problem]
        sizes = sum(h.path.stat().st_size for h in found)
    assert len(refused) == 4
    assert sizes <= 2**20


def test_one_student_s_archive_takes_the_room_of_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "UNPACKED", 2**20)
    monkeypatch.setattr(intake, "OF_ONE", (5, 2**19))
    bomb = packed(*((f"{k}.ipynb", " " * 2**18) for k in range(5)))
    many = packed(*((f"{k}.ipynb", "") for k in range(6)))
    place = archive(
        tmp_path / "a.zip", ("s1/a.zip", bomb), ("s2/b.zip", many), ("s3/c.zip", packed(("04.ipynb", TEXT)))
    )
    with hand_ins(place, CHAPTERS) as found:
        problems = {hand_in.name: hand_in.problem for hand_in in found if hand_in.problem}
    assert len([name for name in problems if "s1/a.zip" in name]) == 3
    assert problems["s2/b.zip"] == "it is a zip archive of more than 5 files; hand in the .ipynb file itself"
    assert "s3/c.zip/04.ipynb" not in problems


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_no_platform_packs_with_is_not_unpacked(method, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as opened:
        opened.writestr("ada.ipynb", TEXT)
    [entry] = said(tmp_path / "a.zip")
    assert entry[3] == "it is packed in a way that platforms do not use; pack it as a plain zip"


@pytest.mark.parametrize("as_archive", [True, False])
def test_an_archive_of_one_student_hands_in_for_nobody_else(as_archive, tmp_path):
    forged = packed(("annable_101_999999_04.ipynb", TEXT), ("Ann_101_assignsubmission_file_/04.ipynb", TEXT))
    files = {"mallory_102_5001_work.zip": forged, "annable_101_5000_04.ipynb": TEXT.encode()}
    place = tmp_path / "in"
    place.mkdir()
    for name, data in files.items():
        (place / name).write_bytes(data)
    if as_archive:
        place = archive(tmp_path / "canvas.zip", *files.items())
    assert {(student, name.split("/")[0]) for student, name, *_ in said(place)} == {
        ("annable (101)", "annable_101_5000_04.ipynb"),
        ("mallory (102)", "mallory_102_5001_work.zip"),
    }


def test_damaged_and_locked_files_of_an_archive_are_told_one_by_one(tmp_path):
    place = archive(tmp_path / "a.zip", ("ada.ipynb", TEXT * 50), ("bo.ipynb", TEXT), ("cem.pdf", b"%PDF"))
    data = bytearray(place.read_bytes())
    data[60:64] = b"\xff\xff\xff\xff"  # within the first file
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data[second + 8] |= 1  # the second one is encrypted
    place.write_bytes(bytes(data))
    (ada, bo, cem) = said(place)
    assert "damaged within the archive" in ada[3]
    assert "encrypted" in bo[3]
    assert cem == ("cem", "cem.pdf", False, "")
    with hand_ins(place, CHAPTERS) as found, pytest.raises(BadFile, match=r"\.pdf file"):
        read(found[2].path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a zip", b"\x1f\x8b\x08"])
def test_what_is_no_archive_is_said_so(data, tmp_path):
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(CourseError, match="no zip archive that can be read"), hand_ins(tmp_path / "a.zip", CHAPTERS):
        pass
    with pytest.raises(CourseError, match="folder of submissions or a zip"), hand_ins(tmp_path / "b.zip", CHAPTERS):
        pass


def test_names_of_every_kind_are_told_apart_and_can_be_written(tmp_path):
    names = [f"{'x' * 240}.ipynb", "Zoë.ipynb", f"{'王' * 200}.ipynb", "Ada.ipynb", "ada.ipynb", "con.ipynb"]
    place = archive(tmp_path / "a.zip", *((name, TEXT) for name in names))
    assert sorted(said(place)) == sorted((name.removesuffix(".ipynb"), name, False, "") for name in names)


def test_a_name_steers_no_line_and_one_name_is_one_student(tmp_path):
    names = [
        "a\u202egnp.ipynb",
        "b\nc\x07.ipynb",
        "Jos\u00e9/04.ipynb",
        "Jose\u0301/05.ipynb",
        f"d/{'e' * 60000}.ipynb",
    ]
    place = archive(tmp_path / "a.zip", *((name, TEXT) for name in names))
    entries = said(place)
    assert [entry[0] for entry in entries] == ["Jos\u00e9", "Jos\u00e9", "a_gnp", "b_c", "d"]
    assert max(len(entry[1]) for entry in entries) < 300


def test_a_name_of_an_old_packer_is_read_as_utf_8_where_it_is_that(tmp_path):
    place = archive(tmp_path / "a.zip", ("Zoe.ipynb", TEXT))
    place.write_bytes(place.read_bytes().replace(b"Zoe.ipynb", "Zë.ipynb".encode()))  # without the flag
    assert said(place)[0][0] == "Zë"


def test_half_a_character_in_the_name_of_a_file_can_be_reported(tmp_path):
    with contextlib.suppress(OSError):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/ad\xff.ipynb")).write_text(TEXT)
        [hand_in] = find(tmp_path, CHAPTERS)
        assert hand_in.student.encode() == b"ad?"
        assert read(hand_in.path).cells == ()


def test_links_and_deep_folders_are_reported_and_not_entered(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.ipynb").write_text(TEXT)
    place = tmp_path / "in"
    place.mkdir()
    (place / "ada").symlink_to(tmp_path / "elsewhere")
    (place / "bo.ipynb").symlink_to(tmp_path / "elsewhere" / "secret.ipynb")
    (place / "loop").symlink_to(place)
    deep = place / "cem" / "1" / "2" / "3" / "4" / "5"
    deep.mkdir(parents=True)
    (deep / "04.ipynb").write_text(TEXT)
    assert {student: problem.split(",")[0] for student, _, _, problem in said(place)} == {
        "ada": "it is a link",
        "bo": "it is a link",
        "loop": "it is a link",
        "cem": "it is a folder more than 3 deep",
    }


def test_too_many_files_are_refused_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "FILES", 5)
    place = archive(tmp_path / "a.zip", *((f"{k}.ipynb", "") for k in range(6)))
    with pytest.raises(CourseError, match="more than 5 files"):
        said(place)
    for k in range(6):
        (tmp_path / f"{k}.txt").write_text("")
    with pytest.raises(CourseError, match="more than 5 files"):
        said(tmp_path)


def test_what_lies_beside_a_notebook_is_no_hand_in(tmp_path):
    place = archive(
        tmp_path / "a.zip",
        ("ada/04.ipynb", TEXT),
        ("ada/data.csv", "1,2"),
        ("ada/.ipynb_checkpoints/04-checkpoint.ipynb", TEXT),
        ("__MACOSX/ada/._04.ipynb", b"\x00\x05"),
        ("bo/answers.docx", io.BytesIO(b"PK").getvalue()),
    )
    assert [entry[:2] for entry in said(place)] == [("ada", "ada/04.ipynb"), ("bo", "bo/answers.docx")]
