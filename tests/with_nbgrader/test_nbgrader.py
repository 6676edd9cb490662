"""A course on nbgrader can use the exercises as they are: its autograder gives the same points as ours."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import honest
import nbformat
import pytest
import submissions

from course_lib.grading import grade

CHAPTERS = ("04_jacobians", "05_chain_rule", "06_backpropagation")
CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "chain-rule"
c.ClearSolutions.enabled = False  # the exercises have no solutions in them
c.Execute.timeout = c.Execute.iopub_timeout = c.Execute.startup_timeout = 300  # a busy machine is not a failure
"""
SCORES = """\
import json, sys
from nbgrader.api import Gradebook
with Gradebook(sys.argv[1], "chain-rule") as book:
    submissions = [submission for assignment in book.assignments for submission in assignment.submissions]
    notebooks = [(submission.student.id, notebook) for submission in submissions for notebook in submission.notebooks]
    json.dump([[who, grade.name, grade.score] for who, notebook in notebooks for grade in notebook.grades], sys.stdout)
"""
OUT_OF_ITS_REACH = {
    "oli": "the cells have lost their metadata, which nbgrader goes by",
    "pia": "a cell of the student's own ends the kernel, and nbgrader runs all cells",
    "quin": "an answer breaks the kernel, and nbgrader has one for all answers",
    "quit": "an answer ends the kernel, and nbgrader has one for all answers",
    "resets": "an answer empties the kernel, and nbgrader has one for all answers",
    "tom": "an answer prints more than our grader reads, and nbgrader has no limit",
}
MISSING = "nbgrader is missing; `make nbgrader` gives it an environment of its own and runs these tests"


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    """The command, in the folder of a new course; the exercises are its source as they are."""
    program = os.environ.get("NBGRADER") or shutil.which("nbgrader")
    if not program:
        pytest.fail(MISSING, pytrace=False)
    folder = tmp_path_factory.mktemp("course")
    programs = Path(program).absolute().parent
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
    environment = {name: value for name, value in environment.items() if not name.startswith(("PYTEST_", "JUPYTER_"))}

    def run(*command, check=True):
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr[-3000:]
        return done

    run.folder, run.program, run.python = folder, str(programs / "nbgrader"), str(programs / "python")
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    for chapter in CHAPTERS:
        (folder / "source" / chapter).mkdir(parents=True)
        shutil.copy(submissions.ROOT / "exercises" / f"{chapter}.ipynb", folder / "source" / chapter)
        run(run.program, "generate_assignment", "--assignment", chapter)
    return run


def test_what_is_given_out_is_the_exercises_with_their_cells_locked(nbgrader):
    for chapter in CHAPTERS:
        given = nbformat.read(nbgrader.folder / "release" / chapter / f"{chapter}.ipynb", as_version=4)
        ours = nbformat.read(submissions.ROOT / "exercises" / f"{chapter}.ipynb", as_version=4)
        assert [(c.id, c.source) for c in given.cells] == [(c.id, c.source) for c in ours.cells]
        for cell in given.cells:
            if cell.id.startswith("check-"):
                assert not cell.metadata.editable


@pytest.fixture(scope="module")
def scores(nbgrader):
    """(student, exercise) -> points, of our grader and of nbgrader's, for what was made of the notebooks given out."""
    with pytest.MonkeyPatch.context() as patch:
        released = {
            chapter: (nbgrader.folder / "release" / chapter / f"{chapter}.ipynb").read_text(encoding="utf-8")
            for chapter in CHAPTERS
        }
        patch.setattr(submissions, "blank", lambda chapter: json.loads(released[chapter]))
        honest.hand_in(nbgrader.folder / "submitted", "{student}/{chapter}/{chapter}.ipynb", OUT_OF_ITS_REACH)
    report = grade(nbgrader.folder / "submitted", nbgrader.folder / "ours", solutions=submissions.ROOT / "solutions")
    for chapter in CHAPTERS:
        nbgrader(nbgrader.program, "autograde", "--assignment", chapter)
    done = nbgrader(nbgrader.python, "-c", SCORES, f"sqlite:///{nbgrader.folder / 'gradebook.db'}")
    theirs = {(student, name.removeprefix("check-")): points for student, name, points in json.loads(done.stdout)}
    return {(g.student, r.exercise): r.points for g in report.graded for r in g.results}, theirs


def test_nbgrader_gives_the_same_points_as_our_grader(scores):
    ours, theirs = scores
    assert theirs == ours
    assert len(ours) > 150
    assert ours["uli", "backward-one"] == 1  # of 4: partial credit


def test_the_feedback_of_nbgrader_says_what_was_found(nbgrader, scores):
    nbgrader(nbgrader.program, "generate_feedback", "--assignment", CHAPTERS[0], "--student", "dora")
    page = (nbgrader.folder / "feedback" / "dora" / CHAPTERS[0] / f"{CHAPTERS[0]}.html").read_text(encoding="utf-8")
    assert "this is the transpose of the Jacobian" in page
    assert "session.py" not in page  # no frames of the library under it


def test_a_student_can_validate_a_notebook(nbgrader, scores):
    place = nbgrader.folder / "submitted"
    right = nbgrader(nbgrader.program, "validate", str(place / "ada" / CHAPTERS[0] / f"{CHAPTERS[0]}.ipynb"))
    assert "Success! Your notebook passes all the tests." in right.stdout
    blank = nbgrader(nbgrader.program, "validate", str(place / "fay" / CHAPTERS[0] / f"{CHAPTERS[0]}.ipynb"))
    assert "VALIDATION FAILED ON 6 CELL(S)!" in blank.stdout
    assert "jacobian-fill: Not attempted yet." in blank.stdout
