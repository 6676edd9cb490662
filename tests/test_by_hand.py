"""A grade can be looked up by hand: the notebooks that are kept tell plain nbval what the gradebook says."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import honest
import nbformat
import numpy as np
import pytest
import submissions

from course_lib.exercises import exercise
from course_lib.exercises.by_hand import shown
from course_lib.exercises.declaration import draw_cases
from course_lib.exercises.values import evaluate
from course_lib.grading import grade
from course_lib.grading.notebooks import NOTE

SEED = "a secret that is looked up"
SOLUTIONS = submissions.ROOT / "solutions"


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def told_by_nbval(folder):
    """(student, exercise) -> whether plain nbval passes its check, and the cells that fail beside."""
    log = folder.parent / "nbval.xml"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider", f"--junit-xml={log}", "."]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout
    came = {}
    for case in ET.parse(log).iter("testcase"):
        came.setdefault(case.get("classname"), []).append(case.find("failure") is None and case.find("error") is None)
    told, others = {}, []
    for path in sorted(folder.glob("*/*.ipynb")):
        for cell, passed in zip(code_cells(path), came[f"{path.parent.name}.{path.name}"], strict=True):
            role, _, id = cell.id.partition("-")
            if role == "check":
                told[path.parent.name, id] = passed
            elif not passed:
                others.append((path.parent.name, cell.id))
    return told, others


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("honest")
    honest.hand_in(folder / "in")
    return folder, grade(folder / "in", folder / "out", seed=SEED, solutions=SOLUTIONS, keep_notebooks=True)


def test_plain_nbval_tells_the_same_as_the_gradebook(kept):
    folder, report = kept
    told, others = told_by_nbval(folder / "out" / "notebooks")
    points = {(g.student, r.exercise): r.points == r.of for g in report.graded for r in g.results}
    assert told == points
    assert others == []
    assert {*told.values()} == {True, False}
    assert any(0 < r.points < r.of for g in report.graded for r in g.results)


def test_each_exercise_is_in_one_notebook_and_what_was_right_only_alone_has_its_own(kept):
    folder, report = kept
    names = {}
    for path in (folder / "out" / "notebooks").glob("*/*.ipynb"):
        names.setdefault(path.parent.name, []).append(path.stem)
    assert sorted(names["ada"]) == ["04_jacobians", "05_chain_rule"]
    assert sorted(names["quin"]) == [
        "04_jacobians",
        "04_jacobians-numerical-jacobian",  # another answer has broken numpy
        "04_jacobians-softmax-jacobian",
    ]
    assert names.keys() == {g.student for g in report.graded}


def test_the_notebook_is_the_instructor_s_with_the_student_s_answers(kept):
    path = kept[0] / "out" / "notebooks" / "dora" / "04_jacobians.ipynb"
    ours, instructors = (nbformat.read(p, as_version=4) for p in (path, SOLUTIONS / "04_jacobians.ipynb"))
    assert [cell.id for cell in ours.cells] == [cell.id for cell in instructors.cells]
    for cell, own in zip(ours.cells, instructors.cells, strict=True):
        if cell.cell_type == "markdown" or cell.id.startswith("check-"):
            assert cell.source == own.source
    [answer] = [cell for cell in ours.cells if cell.id == "answer-numerical-jacobian"]
    assert "up[j] += h" in answer.source
    [check] = [cell for cell in ours.cells if cell.id == "check-jacobian-fill"]
    assert check.outputs[0].data["text/plain"].startswith("jacobian-fill: the solution's values\n[[")
    nbformat.validate(ours)


def test_they_are_written_only_when_asked_for_and_the_instructor_is_warned(kept, tmp_path):
    folder, report = kept
    assert NOTE in report.notes
    assert NOTE in (folder / "out" / "notes.txt").read_text(encoding="utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bo.ipynb").write_bytes((folder / "in" / "bo_05_chain_rule.ipynb").read_bytes())
    quiet = grade(tmp_path / "in", tmp_path / "out", solutions=SOLUTIONS)
    assert NOTE not in quiet.notes
    assert not (tmp_path / "out" / "notebooks").exists()


def test_an_answer_that_ends_its_kernel_is_skipped_and_a_notebook_of_nobody_goes(tmp_path):
    (tmp_path / "in").mkdir()
    source = "def composed_jacobian(*given):\n    import os\n    os._exit(0)"
    notebook = submissions.paper("05_chain_rule", "Kim", compose_jacobians=source)
    (tmp_path / "in" / "kim.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    place = tmp_path / "out" / "notebooks"
    stale = {"old.ipynb": '{"metadata": {"course": {"kind": "graded"}}}', "own.ipynb": "{}"}
    for name, text in stale.items():
        (place / "gone").mkdir(parents=True, exist_ok=True)
        (place / "gone" / name).write_text(text, encoding="utf-8")
    grade(tmp_path / "in", tmp_path / "out", seed=SEED, solutions=SOLUTIONS, keep_notebooks=True)
    assert sorted(path.name for path in (place / "gone").iterdir()) == ["own.ipynb"]
    [answer] = [
        cell for cell in code_cells(place / "kim" / "05_chain_rule.ipynb") if cell.id == "answer-compose-jacobians"
    ]
    assert answer.metadata.tags == ["nbval-skip"]


# ------------------------------------------------------------------------------------------------ what a check shows
SOFTMAX = exercise("softmax-jacobian")
INPUTS = draw_cases(SOFTMAX, 5)


def record(function):
    return evaluate(function, INPUTS, "code", SOFTMAX.id)


def text_of(function):
    return shown(SOFTMAX, INPUTS, record(SOFTMAX.right), record(function))


@pytest.mark.parametrize(
    "style",
    [
        lambda J, u: (J.astype(np.float32), u),
        lambda J, u: (J.tolist(), list(u)),
        lambda J, u: [J * (1 + 1e-14), u.reshape(-1, 1)],
        lambda J, u: (J + 0j, u),
    ],
)
def test_what_is_right_is_shown_as_the_solution_s_values_however_it_comes(style):
    assert text_of(lambda x: style(*SOFTMAX.right(x))) == text_of(SOFTMAX.right)


@pytest.mark.parametrize(
    "style",
    [
        lambda J, u: (J * (1 + 1e-7), u),
        lambda J, u: (J + 1j, u),
        lambda J, u: (J, u[:-1]),
        lambda J, u: ...,
        lambda J, u: 1 / 0,
    ],
)
def test_what_is_wrong_is_shown_as_it_came(style):
    text = text_of(lambda x: style(*SOFTMAX.right(x)))
    assert text != text_of(SOFTMAX.right)
    assert "the solution's values\n" not in text


def test_how_numpy_prints_does_not_matter():
    before = text_of(SOFTMAX.right)
    with np.printoptions(precision=1, threshold=2):
        assert text_of(SOFTMAX.right) == before


def test_letters_of_an_order_may_be_joined():
    order = exercise("pass-order")
    given = draw_cases(order, 5)
    letters = order.right(*given[0].values())
    solution, joined = (evaluate(answer, given, "order", order.id) for answer in (letters, letters.replace(" ", "")))
    assert shown(order, given, solution, joined) == shown(order, given, solution, solution)
