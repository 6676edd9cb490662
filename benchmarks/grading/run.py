"""A class hands in one chapter of six exercises: how many are graded in a minute, and what that takes.

    python benchmarks/grading/run.py [--full | --quick] [--peers PYTHON ...] [--json FILE]

A third of the class is right, a third makes one known mistake, a third left one exercise blank. Contestants take turns,
one round after the other, each a command of its own with everything that it does, its start included: `course grade`
with forked kernels in the sandbox, in two processes and in one; with ipykernels, in the sandbox and without one; then,
without a sandbox, nbgrader's autograde on a whole class, and otter-grader's API on one notebook after the other. Peers
get the same answers in their own form, with tests that compare the same values and need nothing but NumPy. They stay
out of the project's own environment; each PYTHON is an interpreter that has one of them, or both:

    python -m venv graders
    graders/bin/python -m pip install nbgrader otter-grader numpy ipykernel
    python benchmarks/grading/run.py --peers graders/bin/python

What every contestant finds is compared with what it must find. CPU seconds and memory are those of all processes of a
contestant; they need a cgroup that may be made, as root may on most machines, and are left out elsewhere. Memory is the
largest sum seen of the processes' own parts (PSS), looked at four times a second. --full: 200 hand-ins a round, and
classes up to 2000.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

import perf_common as perf  # noqa: E402
import submissions  # noqa: E402

CHAPTER = "04_jacobians"
WAYS = {
    "forked, sandbox, 2 processes": ["--workers", "2"],
    "forked, sandbox, 1 process": ["--workers", "1"],
    "ipykernels, sandbox, 1 process": ["--workers", "1", "--kernels", "ipykernel"],
    "ipykernels, no sandbox, 1 process": ["--workers", "1", "--sandbox", "none"],
}
HALVED = submissions.CODE["numerical-jacobian"].replace("(2 * h)", "h")
BLANK = "def softmax_jacobian(x):\n    ..."
TESTS = {  # of the functions, for the peers; typed answers are compared with what is right
    "numerical-jacobian": """A = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])
J = numerical_jacobian(lambda x: np.tanh(A @ x), np.array([0.1, -0.2, 0.3]))
np.testing.assert_allclose(J, (1 - np.tanh(A @ [0.1, -0.2, 0.3]) ** 2)[:, None] * A, rtol=1e-6)""",
    "softmax-jacobian": """J, g = softmax_jacobian(np.array([0.3, -1.2, 2.0]))
s = np.exp([0.3, -1.2, 2.0]) / np.exp([0.3, -1.2, 2.0]).sum()
np.testing.assert_allclose(J, np.diag(s) - np.outer(s, s))
np.testing.assert_allclose(np.ravel(g), np.full(3, 3**-0.5))""",
}
OTTER = """import json, sys
from otter.api import grade_submission
archive, *notebooks = sys.argv[1:]
sys.stdout, told = sys.stderr, sys.stdout
print(json.dumps([grade_submission(n, archive, quiet=True).total for n in notebooks]), file=told)
"""


# ------------------------------------------------------------------------------------------------- what is handed in
def paper(k: int, name: str) -> dict:
    """The notebook of student k, who typed this name."""
    changed = ({}, {"numerical_jacobian": HALVED}, {"softmax_jacobian": BLANK})[k % 3]
    return submissions.paper(CHAPTER, name, **changed)


def put(path: Path, notebook: dict) -> Path:
    """Write a notebook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def cell(source: str, id: str, kind: str = "code", **metadata: object) -> dict:
    """A cell of a peer's notebook."""
    code: dict = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": id, "metadata": metadata, "source": source} | code


def equals(name: str, exercise: str) -> str:
    """The test of a typed answer."""
    right = submissions.literal(exercise, submissions.value_of(exercise, "Ada")).partition(", ")[2][:-1]
    return f"assert np.array_equal({name}, {right})"


def peer_cells(k: int) -> list[tuple[str, str, str]]:
    """(exercise, source of the answer, source of its test) of student k; all have the numbers of one name."""
    sources = {c["id"]: "".join(c["source"]) for c in paper(k, "Ada")["cells"]}
    found = []
    for id, source in sources.items():
        role, _, exercise = id.partition("-")
        if role == "answer":
            name = sources[f"check-{exercise}"].split(", ")[-1].rstrip(")\n")
            found.append((exercise, source, TESTS.get(exercise) or equals(name, exercise)))
    return found


SETUP = "import numpy as np\nlock_in = lambda id, answer=...: answer\nnumbers = lambda id: None"


def notebook_of(cells: list[dict]) -> dict:
    """A notebook of these cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


# ------------------------------------------------------------------------------------------------------- a contestant
@dataclass
class Took:
    """What a command took: seconds, CPU seconds and MB of all its processes; nan where it cannot be known."""

    wall: float
    cpu: float
    memory: float


def run(command: list[str], **settings: Any) -> tuple[Took, str]:
    """Run a command in a cgroup of its own, where one can be made; what it took and what it printed."""
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as errors:
        group = new_group()
        inside = ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"] if group else []
        start, most = time.perf_counter(), 0.0
        process = subprocess.Popen([*inside, *command], stdout=told, stderr=errors, text=True, **settings)
        while process.poll() is None:
            most = max(most, memory(group)) if group else most
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.25)
        took = Took(time.perf_counter() - start, cpu(group), most or float("nan"))
        if group:
            end_group(group)
        told.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)[:200]} failed:\n{errors.read()[-3000:]}")
        return took, told.read()


def new_group() -> Path | None:
    """A new cgroup that counts processor time, below the one of this process."""
    for line in Path("/proc/self/cgroup").read_text().splitlines() if Path("/proc/self/cgroup").exists() else ():
        _, kinds, place = line.split(":", 2)
        top = "/sys/fs/cgroup/cpuacct" if "cpuacct" in kinds.split(",") else "/sys/fs/cgroup" if not kinds else ""
        group = Path(f"{top}{place}") / f"grading-{os.getpid()}-{time.monotonic_ns()}"
        if top and any((group.parent / name).exists() for name in ("cpuacct.usage", "cpu.stat")):
            try:
                group.mkdir()
                return group
            except OSError:
                continue
    return None


def cpu(group: Path | None) -> float:
    """CPU seconds of a group so far."""
    if group is None:
        return float("nan")
    if (group / "cpuacct.usage").exists():
        return int((group / "cpuacct.usage").read_text()) / 1e9
    stat = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    return int(stat["usage_usec"]) / 1e6


def memory(group: Path) -> float:
    """MB of the processes of a group; what several share is counted once."""
    total = 0
    for pid in (group / "cgroup.procs").read_text().split():
        with contextlib.suppress(OSError, StopIteration):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return total / 1024


def end_group(group: Path) -> None:
    """Wait for what still dies in it, and take it away."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            return group.rmdir()
        time.sleep(0.1)


def ours(folder: Path, count: int, options: list[str]) -> Took:
    """`course grade` on a class."""
    for k in range(count):
        put(folder / "in" / f"s{k:04d}_{CHAPTER}.ipynb", paper(k, f"Student {k}"))
    command = [sys.executable, "-m", "course_lib.cli", "grade", str(folder / "in"), "-o", str(folder / "out")]
    took, _ = run([*command, "--seed", "17", *options], cwd=ROOT)
    points = [
        sum(g["points"] for g in h["results"]) for h in json.loads((folder / "out" / "gradebook.json").read_text())
    ]
    assert points == [(12, 9, 9)[k % 3] for k in range(count)], points
    return took


def nbgrader(folder: Path, count: int, programs: Path) -> Took:
    """`nbgrader autograde` on a class."""

    def notebook(k: int) -> dict:
        cells = [cell(SETUP, "setup")]
        for exercise, answer, test in peer_cells(k):
            for role, source in (("answer", answer), ("test", test)):
                graded = role == "test"
                info = {"grade_id": f"{role}-{exercise}", "schema_version": 3, "cell_type": "code", "task": False}
                info |= {"solution": not graded, "grade": graded, "locked": graded, "points": int(graded)}
                cells.append(cell(source, f"{role}-{exercise}", nbgrader=info))
        return notebook_of(cells)

    put(folder / "source" / "a" / "a.ipynb", notebook(0))
    for k in range(count):
        put(folder / "submitted" / f"s{k:04d}" / "a" / "a.ipynb", notebook(k))
    settings = {"cwd": folder, "env": os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}}
    command = str(programs / "nbgrader")
    run([command, "generate_assignment", "a", "--create", "--force"], **settings)
    took, _ = run([command, "autograde", "a", "--create", "--force"], **settings)
    run([command, "export", "--to", "grades.csv"], **settings)
    with (folder / "grades.csv").open(newline="") as file:
        points = [float(row["score"]) for row in sorted(csv.DictReader(file), key=lambda row: row["student_id"])]
    assert points == [(6, 5, 5)[k % 3] for k in range(count)], points
    return took


def otter(folder: Path, count: int, programs: Path) -> Took:
    """otter-grader's API on one notebook after the other, in one process."""
    folder.mkdir(parents=True)
    numbers = itertools.count()

    def mark(text: str) -> dict:
        return cell(f"# {text}", f"mark-{next(numbers)}", "raw")

    config = "# ASSIGNMENT CONFIG\nname: a\nexport_cell: false\ngenerate:\n  pdf: false\n"
    cells = [cell(config, "config", "raw"), cell(SETUP, "setup")]
    for exercise, answer, test in peer_cells(0):
        cells += [mark(f"BEGIN QUESTION\nname: {exercise.replace('-', '_')}\npoints: 1"), mark("BEGIN SOLUTION")]
        cells += [cell(answer, f"answer-{exercise}"), mark("END SOLUTION"), mark("BEGIN TESTS")]
        cells += [cell(test, f"test-{exercise}"), mark("END TESTS"), mark("END QUESTION")]
    put(folder / "a.ipynb", notebook_of(cells))
    settings = {"cwd": folder, "env": os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}}
    run([str(programs / "otter"), "assign", "a.ipynb", "dist", "--no-pdfs"], **settings)
    [archive] = (folder / "dist" / "autograder").glob("*.zip")
    given = json.loads((folder / "dist" / "autograder" / "a.ipynb").read_text(encoding="utf-8"))
    papers = []
    for k in range(count):
        answers = {answer: other for (_, answer, _), (_, other, _) in zip(peer_cells(0), peer_cells(k), strict=True)}
        own = json.loads(json.dumps(given))
        for each in own["cells"]:
            each["source"] = answers.get("".join(each["source"]), each["source"])
        papers.append(str(put(folder / "in" / f"s{k:04d}.ipynb", own)))
    took, told = run([str(programs / "python"), "-c", OTTER, str(archive), *papers], **settings)
    assert json.loads(told.splitlines()[-1]) == [(6, 5, 5)[k % 3] for k in range(count)], told
    return took


# ----------------------------------------------------------------------------------------------------------- the table
def peers_in(interpreters: list[str]) -> dict[str, Callable[[Path, int], Took]]:
    """The peers that the interpreters have; says how to install those that are missing."""
    found: dict[str, Callable[[Path, int], Took]] = {}
    for name, take in (("nbgrader", nbgrader), ("otter", otter)):
        places = [Path(python).absolute().parent for python in interpreters]
        if programs := next((place for place in places if (place / name).exists()), None):
            found[f"{name}, no sandbox"] = partial(take, programs=programs)
        else:
            print(
                f"no {name}: install it where it cannot be in the way, and name its interpreter with --peers (--help)"
            )
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = options.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small classes, one round")
    size.add_argument("--full", action="store_true", help="200 hand-ins a round, classes up to 2000: an hour or more")
    options.add_argument("--peers", metavar="PYTHON", nargs="+", default=[], help="interpreters that have a peer")
    options.add_argument("--json", metavar="FILE", help="keep all figures")
    given = options.parse_args()
    print(perf.machine(("numpy", "ipykernel", "nbval", "pytest")) + f"; load {perf.load()}")
    many, few, rounds = (12, 3, 1) if given.quick else (200, 24, 3) if given.full else (60, 9, 2)
    sizes = (3, 12) if given.quick else (10, 200, 2000) if given.full else (10, 40, 160)

    def way(options: list[str]) -> Callable[[Path, int], Took]:
        return lambda folder, count: ours(folder, count, options)

    contestants = {name: (way(options), many if "forked" in name else few) for name, options in WAYS.items()}
    contestants |= {name: (take, few) for name, take in peers_in(given.peers).items()}
    came: dict[str, list[Took]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, (take, count) in contestants.items():
            with tempfile.TemporaryDirectory() as folder:
                took = take(Path(folder) / "class", count)
            came[name].append(Took(took.wall / count, took.cpu / count, took.memory))
    first, second = list(contestants)[:2]
    print(f"\n{'':34}hand-ins  per min.  s each  CPU s each    MB   wall/2 proc.  wall/1 proc.  CPU/1 proc.")
    for name, each in came.items():
        wall, cpus, most = (statistics.median(getattr(t, key) for t in each) for key in ("wall", "cpu", "memory"))
        ratios = [
            statistics.median(getattr(a, key) / getattr(b, key) for a, b in zip(each, came[base], strict=True))
            for key, base in (("wall", first), ("wall", second), ("cpu", second))
        ]
        print(
            f"{name:34}{contestants[name][1]:8}{60 / wall:10.0f}{wall:8.3f}{cpus:12.3f}{most:6.0f}"
            f"{ratios[0]:15.1f}{ratios[1]:14.1f}{ratios[2]:13.1f}"
        )
    print(f"\n{second}, classes of   seconds   s each   CPU s each    MB")
    classes = []
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            took = ours(Path(folder) / "class", count, WAYS[second])
        classes.append({"hand-ins": count, **vars(took)})
        print(f"{count:38}{took.wall:10.1f}{took.wall / count:9.3f}{took.cpu / count:13.3f}{took.memory:6.0f}")
    print(f"\nload at the end {perf.load()}")
    if given.json:
        data = {"contestants": {name: [vars(t) for t in each] for name, each in came.items()}, "classes": classes}
        Path(given.json).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
