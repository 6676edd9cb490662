"""Whatever is handed in gets what the table of attacks says, disturbs nobody and leaves nothing behind."""

import csv
import ctypes
import json
import os
import re
import resource
import time
from pathlib import Path

import pytest
import submissions
from attacks.cases import CASES
from attacks.running import SEED, SOLUTIONS, grade_the_attacks, only_two, verdict

from course_lib._errors import CourseError
from course_lib.grading import grade
from course_lib.grading.box import end
from course_lib.grading.engine import Notebook


def children() -> set[int]:
    """Processes whose parent is this one, the ended ones taken away."""
    found = map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
    return {pid for pid in found if os.waitpid(pid, os.WNOHANG)[0] == 0}


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    """The attacks in forked kernels: results, folder, by how many bytes the grader grew, processes left."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # whoever loses its parent becomes a child of this process
    before, folder = children(), tmp_path_factory.mktemp("attacks")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results = grade_the_attacks(folder, "forked", 8)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory)
    until = time.monotonic() + 10
    while (left := children() - before) and time.monotonic() < until:
        time.sleep(0.05)
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)
    return results, folder, grown, left


def test_every_attack_gets_what_the_table_says(forked):
    results = forked[0]
    assert {n: verdict(results[n]) for n in CASES} == {n: (c.verdict, c.points) for n, c in CASES.items()}
    assert [n for n, c in CASES.items() if c.says not in results[n].results[0].says] == []


def test_no_attack_gets_a_point(forked):
    assert {c.points for c in CASES.values() if c.kind != "honest"} == {0}
    assert {c.kind for c in CASES.values()} == {"loot", "forge", "resource", "death", "honest"}
    assert sum(forked[0][n].results[0].points for n, c in CASES.items() if c.kind != "honest") == 0


def test_no_attack_costs_the_exercise_that_follows(forked):
    assert {n: g.results[1].points for n, g in forked[0].items() if g.results[1].points != 1} == {}


def test_no_process_is_left_and_the_grader_stays_small(forked):
    _, _, grown, left = forked
    assert left == set()
    assert grown < 256 * 2**20  # one attack prints without end, another shows 100 MB


def test_no_report_says_more_than_it_should(forked):
    _, folder, *_ = forked
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (folder / "out" / "feedback").iterdir()}
    assert pages.keys() == CASES.keys()
    for page in pages.values():
        assert SEED not in page
        assert not re.search(r"<script|\x1b|\x07|0x[0-9a-f]{6}|/tmp/", page.split("<details")[0])
        assert "<script" not in page
    assert not {"results.json", "junit.xml", "conftest.py"} & {path.name for path in (folder / "out").iterdir()}
    assert len(list((folder / "in").iterdir())) == len(CASES)
    assert "\x1b" not in (folder / "out" / "notes.txt").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------- files, names, machines
def test_no_file_beside_a_submission_is_run(tmp_path):
    canary = tmp_path / "canary"
    trap = f"open({str(canary)!r}, 'w').close()\n"
    beside = (
        "conftest.py",
        "sitecustomize.py",
        "numpy.py",
        "ipykernel_launcher.py",
        "inside.py",
        "json.py",
        "course_lib.py",
    )
    (tmp_path / "in" / "eve").mkdir(parents=True)
    for name in beside:
        (tmp_path / "in" / "eve" / name).write_text(trap)
    (tmp_path / "in" / "eve" / "pytest.ini").write_text("[pytest]\naddopts = --nbval-lax\n")
    notebook = submissions.paper("05_chain_rule", "eve")
    for cell in notebook["cells"]:
        cell["metadata"] |= {"tags": ["nbval-skip", "raises-exception"]}
    notebook["metadata"]["kernelspec"] = {"name": "bash", "language": "bash", "argv": ["touch", str(canary)]}
    (tmp_path / "in" / "eve" / "05_chain_rule.ipynb").write_text(json.dumps(notebook))
    [graded] = grade(tmp_path / "in", tmp_path / "out", seed=SEED, solutions=SOLUTIONS).graded
    assert graded.points == graded.of == 9
    assert not canary.exists()


def test_a_name_is_no_formula_no_markup_and_no_way_out(tmp_path):
    names = ["=cmd|'x'!A1", "<img src=x onerror=alert(1)>", 'a,"b', "-1+1", "\u202egnp"]
    (tmp_path / "in").mkdir()
    for name in names:
        notebook = only_two(
            submissions.paper("05_chain_rule", '<b onload=\\"x\\">', compose_jacobians="1 / 0  # <script>")
        )
        (tmp_path / "in" / f"{name}.ipynb").write_text(json.dumps(notebook))
    grade(tmp_path / "in", tmp_path / "out", seed=SEED, solutions=SOLUTIONS)
    with (tmp_path / "out" / "gradebook.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len({row[0] for row in rows[1:]}) == len(names)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "out" / "feedback").iterdir()]
    assert len(pages) == len(names)
    assert not [page for page in pages if re.search("<img|<script|<b on", page)]
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_a_failure_of_the_machine_is_tried_again_and_is_no_zero(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    for name in ("ann", "ben"):
        (tmp_path / "in" / f"{name}.ipynb").write_text(json.dumps(submissions.paper("05_chain_rule", name)))
    asked = []
    begin = Notebook.begin

    def fails_at_times(self, task):
        begin(self, task)
        asked.append(task.exercise)
        if task.exercise == "chain-scalar" and asked.count("chain-scalar") in failing:
            end(self.run.engine._nursery.process)
            while self.kernel.is_alive():
                self.kernel.receive(0.1)

    monkeypatch.setattr(Notebook, "begin", fails_at_times)
    failing = {1, 2}
    ann, ben = grade(tmp_path / "in", tmp_path / "out", seed=SEED, solutions=SOLUTIONS).graded
    assert ann.points == ben.points == 9
    assert asked.count("chain-scalar") > 3
    asked.clear()
    failing = {1, 2, 3}
    ann, ben = grade(tmp_path / "in", tmp_path / "again", seed=SEED, solutions=SOLUTIONS).graded
    assert (ann.results, ben.points) == ((), 9)
    assert "grade it again" in ann.trouble
    rows = (tmp_path / "again" / "gradebook.csv").read_text(encoding="utf-8").splitlines()
    assert rows[1].startswith('"ann","05_chain_rule","","","","not-graded"')


def test_one_student_or_one_exercise_is_graded_anew_and_the_rest_stays(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("ann", "ben"):
        (tmp_path / "in" / f"{name}.ipynb").write_text(json.dumps(submissions.paper("05_chain_rule", name)))
    out = tmp_path / "out"
    grade(tmp_path / "in", out, seed="one", solutions=SOLUTIONS)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (out / "feedback").iterdir()}
    book = (out / "gradebook.csv").read_bytes()
    grade(tmp_path / "in", out, solutions=SOLUTIONS, students=["ben"])
    assert (out / "gradebook.csv").read_bytes() == book  # under the seed that is in it
    spoilt = submissions.paper("05_chain_rule", "ben", bracketing="bracketing = ...", chain_scalar="slopes = 1")
    (tmp_path / "in" / "ben.ipynb").write_text(json.dumps(spoilt))
    ann, ben = grade(tmp_path / "in", out, solutions=SOLUTIONS, students=["ben"], only=["bracketing"]).graded
    assert (ann.points, ben.points) == (9, 8)
    assert (ann.seed, ben.seed) == ("one", "one")
    after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (out / "feedback").iterdir()}
    assert after["ann.html"] == before["ann.html"]
    assert after["ben.html"] != before["ben.html"]
    with pytest.raises(CourseError, match="grade the whole class first"):
        grade(tmp_path / "in", tmp_path / "none", solutions=SOLUTIONS, students=["ben"])


def test_another_file_or_secret_gives_other_inputs(tmp_path):
    (tmp_path / "in").mkdir()
    tell = "def composed_jacobian(*given):\n    raise LookupError(str(given[-1]))"
    for name in ("ann", "ben", "cem"):
        notebook = only_two(submissions.paper("05_chain_rule", name, compose_jacobians=tell))
        (tmp_path / "in" / f"{name}.ipynb").write_text(json.dumps(notebook))

    def told(seed):
        """What each one's answer was asked, which it tells: there is no way to keep that from it."""
        graded = grade(tmp_path / "in", tmp_path / "out", seed=seed, solutions=SOLUTIONS).graded
        return [next(r.says for r in g.results if r.exercise == "compose-jacobians") for g in graded]

    says = [told(seed) for seed in ("one", "two", "one")]
    assert says[0] == says[2]
    assert len({*says[0], *says[1]}) == 6
    ann = tmp_path / "in" / "ann.ipynb"
    ann.write_text(ann.read_text().replace("LookupError(str(", "LookupError( str("))
    assert told("one")[0] not in says[0]
    assert told("one")[1:] == says[0][1:]


def test_without_a_sandbox_every_page_says_so(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_text(json.dumps(submissions.paper("05_chain_rule", "ann")))
    [graded] = grade(tmp_path / "in", tmp_path / "out", seed=SEED, solutions=SOLUTIONS, sandbox="none").graded
    assert graded.points == 9
    for page in ("feedback/ann.html", "class.html"):
        assert "Graded without a sandbox." in (tmp_path / "out" / page).read_text(encoding="utf-8")
    assert "graded without a sandbox" in (tmp_path / "out" / "notes.txt").read_text(encoding="utf-8")
