"""An author is told of check cells that could be guessed or are never compared, and of nothing else."""

from dataclasses import replace

import nbformat
import pytest
from submissions import ROOT

from course_lib import cli, exercises
from course_lib._errors import CourseError
from course_lib.grading.lint import lint, lint_exercise, lint_nbgrader, lint_notebook


def cell(text="", source="answer", count=1, data=None, **metadata):
    made = nbformat.v4.new_code_cell(source, execution_count=count, metadata=metadata)
    if text:
        made.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": text}, execution_count=1)]
    if data:
        made.outputs = [nbformat.v4.new_output("display_data", data=data)]
    return made


def said(made):
    return [finding.says for finding in lint_notebook(nbformat.v4.new_notebook(cells=[made]))]


GUESSED = {
    "True": "True or False alone",
    "(True, False)": "True or False alone",
    "np.True_": "True or False alone",
    "(3, 4)": "a shape alone",
    "(3,)": "a shape alone",
    "torch.Size([3, 4])": "a shape alone",
    "42": "have 2 digits in all",
    "[1, 0, 0, 1, 1, 0]": "have 2 digits in all",
    "'all is well'": "shows no number",
    "[0.5, 0.5, 0.5, 0.5]": "have 1 digit in all",
}
GOOD = ("array([0.12345678, -2.5])", "1.3552341", "{'loss': 0.1678, 'dL/dW': [0.1853, -0.348]}", "123456789")


@pytest.mark.parametrize("text", GUESSED)
def test_what_can_be_guessed_is_found(text):
    [says] = said(cell(text))
    assert GUESSED[text] in says


@pytest.mark.parametrize("text", GOOD)
def test_numbers_that_nobody_guesses_are_left_alone(text):
    assert said(cell(text)) == []


@pytest.mark.parametrize(
    "made, says",
    [
        (cell("0.123456789", count=None), "has not been run"),
        (cell("0.123456789", source="# NBVAL_SKIP\nx"), "NBVAL_SKIP"),
        (cell("0.123456789", source="x  \n  # NBVAL_IGNORE_OUTPUT"), "NBVAL_IGNORE_OUTPUT"),
        (cell("0.123456789", tags=["nbval-ignore-output"]), "nbval-ignore-output"),
        (cell(course={"role": "check"}), "no output"),
        (cell(data={"image/png": "x", "text/plain": "<Figure size 640x480 with 1 Axes>"}), "picture"),
        (cell(data={"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Button()"}), "picture"),
    ],
)
def test_what_is_never_compared_is_found(made, says):
    [found] = said(made)
    assert says in found


def test_where_cells_say_that_they_are_checks_the_others_are_left_alone():
    check = cell("0.123456789", nbgrader={"grade": True})
    assert list(lint_notebook(nbformat.v4.new_notebook(cells=[cell("True"), check]))) == []
    check = cell("True", nbgrader={"grade": True})
    assert [f.where for f in lint_notebook(nbformat.v4.new_notebook(cells=[cell("0.1"), check]))] == ["cell 2"]


def test_what_nbgrader_would_pass_over_is_found():
    def made(id="", role="answer"):
        info = {"nbgrader": {"grade_id": id}} if id else {}
        return cell(course={"role": role, "exercise": "fill"}, **info)

    def found(*cells):
        return [str(finding) for finding in lint_nbgrader(nbformat.v4.new_notebook(cells=cells))]

    assert found(made("answer-fill"), made("check-fill", "check")) == []
    assert found(made(), made(role="check")) == []  # of a course that is not on nbgrader
    assert found(made("answer-fill"), made("answer-fill"), made("check-fill", "check")) == [
        "fill: nbgrader's id answer-fill stands in two cells, of which it grades the last alone"
    ]
    assert found(made("answer-fill"), made(role="check")) == [
        "fill: its check cell has no id of nbgrader's; build it anew"
    ]


def test_an_answer_that_most_names_share_is_found():
    declared = exercises.exercise("jacobian-layout")
    [note] = lint_exercise(declared, 20)
    assert note.minor
    [finding] = lint_exercise(replace(declared, right=lambda *given: "b"), 20)
    assert not finding.minor
    assert "100% of the names have the same right answer" in finding.says
    assert list(lint_exercise(exercises.exercise("jacobian-fill"), 20)) == []


def test_the_course_itself_has_no_check_that_can_be_guessed():
    assert [str(f) for f in lint(sorted((ROOT / "solutions").glob("0[4-6]*.ipynb")), 12) if not f.minor] == []


def test_the_command_says_where_and_fails(tmp_path, capsys):
    path = tmp_path / "own.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell("True")]), path)
    assert cli.main(["lint", str(path)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("own.ipynb, cell 1: it shows True or False alone")
    assert out[-1] == "1 notebooks, 1 to change, 0 to know"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell("0.123456789")]), path)
    assert cli.main(["lint", str(path)]) == 0
    path.write_text("{", encoding="utf-8")
    assert cli.main(["lint", str(path)]) == 2
    with pytest.raises(CourseError, match=r"own\.ipynb cannot be read"):
        lint([path])
