"""Whatever a notebook was saved with, its answers get the same points, and what was locked in is still there."""

import json

import nbformat
import pytest
import submissions
from front_ends import FRONT_ENDS, code, text

from course_lib.authoring.run import execute
from course_lib.exercises import exercises_of
from course_lib.grading import grade
from course_lib.grading.graft import answers
from course_lib.grading.submissions import read

CHAPTER, NAME = "04_jacobians", "Dora"
IDS = [exercise.id for exercise in exercises_of(CHAPTER)]


@pytest.fixture(scope="module")
def handed_in():
    """A notebook that was run: typed answers locked in, functions written, one of each wrong, one not attempted."""
    notebook = submissions.paper(
        CHAPTER,
        NAME,
        jacobian_patterns=submissions.wrong("jacobian-patterns", NAME, "affine"),
        jacobian_layout='layout = lock_in("jacobian-layout")',
        numerical_jacobian=submissions.CODE["numerical-jacobian"].replace("(2 * h)", "h"),
    )
    node = nbformat.from_dict(notebook)
    for cell in node.cells:
        cell.source = text(cell.source)
    execute(node)
    return json.loads(nbformat.writes(node, version=4))


@pytest.fixture(scope="module")
def saved(handed_in, tmp_path_factory):
    """front end -> the file that it leaves."""
    folder = tmp_path_factory.mktemp("saved")
    made = {"original": handed_in}
    for name, front_end in FRONT_ENDS.items():
        scratch = tmp_path_factory.mktemp(name)
        made[name] = front_end(json.loads(json.dumps(handed_in)), scratch)
    for name, notebook in made.items():
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return folder


def source(answer):
    """An answer without what does not count: its first line, and space at the ends of lines."""
    return [line.rstrip() for line in answer.source.splitlines() if line.strip() and not line.startswith("# answer:")]


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_every_answer_is_found_as_it_was_written(front_end, saved):
    before, after = (answers(read(saved / f"{name}.ipynb"), IDS) for name in ("original", front_end))
    assert before.keys() == after.keys() == set(IDS)
    assert {id: source(answer) for id, answer in after.items()} == {id: source(answer) for id, answer in before.items()}


def test_every_front_end_gets_the_same_points(saved, tmp_path):
    report = grade(saved, tmp_path, solutions=submissions.ROOT / "solutions", seed="one for all", timeout=15)
    came = {each.student: {r.exercise: (r.verdict, r.points) for r in each.results} for each in report.graded}
    assert came.keys() == {"original", *FRONT_ENDS}
    assert {verdict for verdict, _ in came["original"].values()} == {"correct", "mistake", "not-attempted"}
    assert [name for name in came if came[name] != came["original"]] == []


def test_the_front_ends_do_what_could_lose_an_answer(handed_in, saved):
    """Else the tests above would prove nothing."""
    made = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in saved.iterdir()}
    ids = {cell["id"] for cell in handed_in["cells"]}
    kept = {name for name, notebook in made.items() if ids <= {cell.get("id") for cell in notebook["cells"]}}
    marked = {name for name, nb in made.items() if any("course" in cell["metadata"] for cell in code(nb))}
    with_ids = {"jupyter_server", "nbconvert", "vs_code", "colab", "colab_pasted_below", "another_editor"}
    assert kept - {"original"} == with_ids
    assert marked - kept == {"old_vs_code", "jupyterlite", "format_4_0", "jupytext_script"}
    assert made.keys() - kept - marked == {"old_colab", "pasted_into_a_new_notebook"}


@pytest.mark.parametrize("lost", ["original", "old_colab"])
def test_an_answer_whose_every_trace_is_gone_is_not_invented(lost, saved, tmp_path):
    notebook = json.loads((saved / f"{lost}.ipynb").read_text(encoding="utf-8"))
    notebook["cells"] = [cell for cell in notebook["cells"] if "jacobian-fill" not in text(cell["source"])]
    (tmp_path / "x.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    assert answers(read(tmp_path / "x.ipynb"), IDS).keys() == set(IDS) - {"jacobian-fill"}
