"""A class is graded once: what was stopped goes on, what is there is kept, what is new is run, what is stale goes."""

import io
import json
import re
import shutil
import zipfile
from contextlib import suppress

import pytest
import submissions

from course_lib import cli
from course_lib._errors import CourseError
from course_lib.grading import grade
from course_lib.grading.chapters import Chapters
from course_lib.grading.gradebook import Graded, Result
from course_lib.grading.intake import time_of
from course_lib.grading.kept import Kept
from course_lib.grading.progress import Progress
from course_lib.grading.run import run as run_all
from course_lib.grading.spread import Workers
from course_lib.grading.submissions import HandIn, Notebook

SOLUTIONS = submissions.ROOT / "solutions"
SEED = "a secret that is kept"
CHAPTER = "05_chain_rule"
NAMES = ("ann", "ben", "cem")


def small(notebook):
    """The notebook with two exercises, so that it is graded soon."""
    kept = {"setup", *(f"{role}-{id}" for role in ("answer", "check") for id in ("bracketing", "compose-jacobians"))}
    return notebook | {"cells": [cell for cell in notebook["cells"] if cell.get("id") in kept]}


def paper(name, **answers):
    return json.dumps(small(submissions.paper(CHAPTER, name, **answers)))


@pytest.fixture
def place(tmp_path):
    """A folder of three hand-ins, and solutions of two exercises."""
    (tmp_path / "solutions").mkdir()
    solution = json.loads((SOLUTIONS / f"{CHAPTER}.ipynb").read_text(encoding="utf-8"))
    (tmp_path / "solutions" / f"{CHAPTER}.ipynb").write_text(json.dumps(small(solution)), encoding="utf-8")
    (tmp_path / "in").mkdir()
    for name in NAMES:
        (tmp_path / "in" / f"{name}.ipynb").write_text(paper(name), encoding="utf-8")
    return tmp_path


def run(place, out="out", seed=SEED, **options):
    return grade(place / "in", place / out, seed=seed, solutions=place / "solutions", **options)


def told(capsys):
    """How many were graded, and how many of them were there before."""
    line = capsys.readouterr().err.splitlines()[-1]
    graded, before = re.fullmatch(r"graded (\d+) files?(?:, (\d+) of them before)? in .*", line).groups()
    return int(graded), int(before or 0)


# --------------------------------------------------------------------------------------------------------------- kept
def test_a_second_run_runs_nothing_and_writes_the_same_bytes(place, capsys):
    first = run(place)
    assert told(capsys) == (3, 0)
    before = submissions.reports(place / "out")
    assert run(place, seed=None) == first  # the seed is that of the folder
    assert told(capsys) == (3, 3)
    assert submissions.reports(place / "out") == before
    run(place, out="elsewhere")
    assert told(capsys) == (3, 0)
    assert submissions.reports(place / "elsewhere") == before


def test_only_what_is_new_is_run(place, capsys):
    run(place)
    (place / "in" / "dan.ipynb").write_text(paper("dan"), encoding="utf-8")
    (place / "in" / "ben.ipynb").write_text(paper("ben", bracketing="bracketing = ..."), encoding="utf-8")
    capsys.readouterr()
    report = run(place)
    assert told(capsys) == (4, 2)
    assert {g.student: g.points for g in report.graded} == {"ann": 4, "ben": 3, "cem": 4, "dan": 4}


@pytest.mark.parametrize("what", ["seed", "solutions"])
def test_what_a_grade_depends_on_has_it_made_anew(what, place, capsys):
    run(place)
    if what == "solutions":
        path = place / "solutions" / f"{CHAPTER}.ipynb"
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    capsys.readouterr()
    run(place, **({"seed": "another"} if what == "seed" else {}))
    assert told(capsys) == (3, 0)


def test_another_time_limit_matters_to_those_alone_who_ran_out_of_it(tmp_path):
    hand_in, notebook = HandIn("ann", tmp_path, "ann.ipynb"), Notebook(CHAPTER, "exercises", ())
    for verdict, holds in (("correct", True), ("kernel-died", True), ("time-limit", False)):
        graded = Graded("ann", "ann.ipynb", results=(Result("bracketing", "Brackets", 0, 1, verdict),))
        Kept(tmp_path, SOLUTIONS, 20.0).keep(hand_in, notebook, SEED, graded)
        assert Kept(tmp_path, SOLUTIONS, 20.0).get(hand_in, notebook, SEED) == graded
        assert (Kept(tmp_path, SOLUTIONS, 30.0).get(hand_in, notebook, SEED) == graded) == holds


def test_a_notebook_that_was_saved_again_is_the_same_work(place, capsys):
    first = run(place)
    assert told(capsys) == (3, 0)
    path = place / "in" / "ben.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][0] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "hello"}]}
    notebook["metadata"]["widgets"] = {"state": {}}
    path.write_text(json.dumps(notebook, indent=4), encoding="utf-8")
    assert run(place) == first
    assert told(capsys) == (3, 3)
    notebook["cells"][1]["source"] += "\n# done"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    run(place)
    assert told(capsys) == (3, 2)


def test_a_kept_result_that_is_damaged_is_made_anew_and_what_nobody_needs_goes(place, capsys):
    run(place)
    files = sorted((place / "out" / "kept").glob("*.json"))
    assert len(files) == 3
    files[0].write_text("{", encoding="utf-8")
    (place / "in" / "cem.ipynb").unlink()
    capsys.readouterr()
    report = run(place)
    graded, before = told(capsys)
    assert (graded, before) in {(2, 1), (2, 2)}  # the damaged one may have been cem's
    assert all(g.points == 4 for g in report.graded)
    assert len(list((place / "out" / "kept").glob("*.json"))) == 2


def test_what_the_machine_failed_at_is_not_kept(tmp_path):
    kept = Kept(tmp_path / "kept", SOLUTIONS, 20.0)
    notebook = Notebook(CHAPTER, "exercises", ())
    hand_in = HandIn("ann", tmp_path / "ann.ipynb", "ann.ipynb")
    kept.keep(hand_in, notebook, SEED, Graded("ann", "ann.ipynb", trouble="it failed"))
    assert kept.get(hand_in, notebook, SEED) is None
    kept.keep(hand_in, notebook, SEED, Graded("ann", "ann.ipynb"))
    assert kept.get(hand_in, notebook, SEED) == Graded("ann", "ann.ipynb")
    assert kept.get(hand_in, notebook, "another") is None


def test_the_page_of_a_student_who_is_gone_goes_and_other_files_stay(place):
    run(place)
    own = place / "out" / "feedback" / "my notes.html"
    own.write_text("<p>mine", encoding="utf-8")
    (place / "in" / "cem.ipynb").rename(place / "in" / "zoe.ipynb")
    run(place)
    assert {path.stem for path in own.parent.iterdir()} == {"ann", "ben", "zoe", "my notes"}


# ------------------------------------------------------------------------------------------------------------ progress
def test_the_progress_says_how_much_is_left():
    ticks = iter([0.0, 30.0, 100.0])
    stream = io.StringIO()
    stream.isatty = lambda: True
    with suppress(KeyboardInterrupt), Progress(5, stream, clock=lambda: next(ticks)) as progress:
        assert "0 of 5" in stream.getvalue()
        progress.ended("ann", ran=False)
        progress.ended("ben", ran=True)
        assert stream.getvalue().endswith("2 of 5, about 2 min left: ben")
        raise KeyboardInterrupt
    assert stream.getvalue().endswith(
        "stopped after 2 of 5, 1 of them before; the same command again goes on from here\n"
    )


def test_no_line_is_drawn_over_and_over_where_there_is_no_terminal():
    stream = io.StringIO()
    with Progress(1, stream) as progress:
        progress.ended("ann", ran=True)
    assert re.fullmatch(r"graded 1 file in \d+ s\n", stream.getvalue())


# ------------------------------------------------------------------------------------------------------ late, archives
def test_an_archive_gives_the_same_points_as_its_folder_and_its_files_go_back_to_the_platform(place):
    with zipfile.ZipFile(place / "Course-Chain-1.zip", "w") as packed:
        for k, name in enumerate(NAMES):
            packed.write(
                place / "in" / f"{name}.ipynb", f"{name.title()} X_{70 + k}_assignsubmission_file_/{CHAPTER}.ipynb"
            )
        packed.writestr("../evil.ipynb", "{}")
    report = grade(
        place / "Course-Chain-1.zip", place / "out", seed=SEED, solutions=place / "solutions", platforms=["moodle"]
    )
    assert {g.student: g.points for g in report.graded if g.results} == {
        "Ann X (70)": 4,
        "Ben X (71)": 4,
        "Cem X (72)": 4,
    }
    assert any("leads out of the archive" in note for note in report.notes)
    sheet = (place / "out" / f"moodle_{CHAPTER}.csv").read_text(encoding="utf-8").splitlines()
    assert sheet[1:] == [f"Participant {70 + k},{name.title()} X,4,4,-" for k, name in enumerate(NAMES)]
    assert "Feedback for Ann X</h1>" in (place / "out" / "feedback" / "Ann X (70).html").read_text(encoding="utf-8")


def test_being_late_is_told_and_takes_what_is_asked(place):
    for name, when in (("ann", "10:00"), ("ben", "23:59")):
        folder = place / "in" / "submitted" / name / CHAPTER
        folder.mkdir(parents=True)
        shutil.move(place / "in" / f"{name}.ipynb", folder / f"{CHAPTER}.ipynb")
        (folder / "timestamp.txt").write_text(f"2026-11-20 {when}:00 UTC", encoding="utf-8")
    due = time_of("2026-11-20 12:00")
    ann, ben = run(place, due=due, late_takes=25).graded
    assert (ann.points, ann.late, ben.points, ben.late) == (4, False, 3, True)
    page = (place / "out" / "feedback" / "ben.html").read_text(encoding="utf-8")
    assert "It came late, which takes 25 percent." in page
    assert "late" not in (place / "out" / "feedback" / "ann.html").read_text(encoding="utf-8").split("</style>")[1]
    assert '"late, 25 % off"' in (place / "out" / "gradebook.csv").read_text(encoding="utf-8")
    assert [g.points for g in run(place, due=due).graded] == [4, 4]
    with pytest.raises(CourseError, match="0 to 100 percent"):
        run(place, due=due, late_takes=101)


# ------------------------------------------------------------------------------------------------------- command line
def test_the_command_prints_the_points_for_github_and_its_exit_code_says_whether_all_are_there(place, capsys):
    (place / "in" / "ben.ipynb").unlink()
    (place / "in" / "cem.ipynb").unlink()
    command = ["grade", str(place / "in"), "-o", str(place / "out"), "--solutions", str(place / "solutions")]
    assert cli.main([*command, "--for", "github", "--for", "gradescope"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Points 4/4"
    assert json.loads((place / "out" / "results.json").read_text(encoding="utf-8"))["score"] == 4
    (place / "in" / "ann.ipynb").write_text(paper("ann", bracketing="bracketing = ..."), encoding="utf-8")
    assert cli.main([*command, "--for", "github"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "Points 3/4"
    assert cli.main(command) == 0
    assert cli.main([*command, "--due", "soon"]) == 2


def test_a_sheet_that_is_none_is_refused_before_anything_is_run(place):
    (place / "sheet.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(CourseError, match="Moodle's grading worksheet"):
        run(place, sheet=place / "sheet.csv")
    assert not (place / "out").exists()


def test_a_file_that_goes_while_it_is_graded_is_told(place):
    course, kept = Chapters(place / "solutions"), Kept(place / "kept", place / "solutions", 20.0)
    gone = Graded("ann", "gone.ipynb", CHAPTER)
    staff = Workers(b"")
    [graded] = run_all(course, kept, {HandIn("ann", place / "gone.ipynb", "gone.ipynb"): gone}, staff)
    assert graded.unreadable == "it cannot be opened (FileNotFoundError)"
    assert not (place / "kept").exists()
