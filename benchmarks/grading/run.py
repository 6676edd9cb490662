"""A class handed in one chapter of six exercises: how many are graded in a minute.

    python benchmarks/grading/run.py [--quick] [--peers PYTHON] [--json FILE]

A third of the class is right, a third makes one known mistake, a third left one exercise blank. Contestants take turns,
one round after the other: the course with forked kernels and with ipykernels, both in the sandbox, and with ipykernels
without one; then nbgrader's autograde on a whole class, if PYTHON, an interpreter of its own, has it. nbgrader gets
the same code in its own form: six answer cells, six test cells. The times are the wall's, of one process each.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

import perf_common as perf  # noqa: E402
import submissions  # noqa: E402

from course_lib.grading import grade  # noqa: E402

CHAPTER = "04_jacobians"
WAYS = {
    "forked kernels, sandbox": {},
    "ipykernels, sandbox": {"kernels": "ipykernel"},
    "ipykernels, no sandbox": {"sandbox": "none"},
}


def paper(k: int) -> dict:
    """The notebook of student k."""
    if k % 3 == 0:
        return submissions.paper(CHAPTER, f"Student {k}")
    if k % 3 == 1:
        halved = submissions.CODE["numerical-jacobian"].replace("(2 * h)", "h")
        return submissions.paper(CHAPTER, f"Student {k}", numerical_jacobian=halved)
    return submissions.paper(CHAPTER, f"Student {k}", softmax_jacobian="def softmax_jacobian(x):\n    ...")


def hand_in(folder: Path, count: int) -> None:
    """A class of that many."""
    folder.mkdir(parents=True)
    for k in range(count):
        (folder / f"s{k:04d}_{CHAPTER}.ipynb").write_text(json.dumps(paper(k)), encoding="utf-8")


def ours(folder: Path, count: int, **way: str) -> float:
    """Seconds for a class, everything included."""
    start = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        report = grade(folder / "in", folder / "out", seed="17", solutions=ROOT / "solutions", timeout=60, **way)
    seconds = time.perf_counter() - start
    points = [graded.points for graded in report.graded]
    assert len(points) == count
    assert points[:3] == [12, 9, 9], points[:3]
    return seconds


def nbgrader(folder: Path, count: int, python: str) -> float:
    """Seconds for a class in nbgrader's form."""
    for k in range(count):
        place = folder / "peer" / "submitted" / f"s{k:04d}" / "a"
        place.mkdir(parents=True)
        (place / "a.ipynb").write_text(json.dumps(peer_notebook(paper(k))), encoding="utf-8")
    source = folder / "peer" / "source" / "a"
    source.mkdir(parents=True)
    (source / "a.ipynb").write_text(json.dumps(peer_notebook(paper(0))), encoding="utf-8")
    programs = Path(python).absolute().parent
    settings = {"env": os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}, "cwd": folder}
    command = [str(programs / "nbgrader")]
    options = ["a", f"--course-dir={folder / 'peer'}", "--create", "--force"]
    subprocess.run([*command, "generate_assignment", *options], check=True, capture_output=True, **settings)
    start = time.perf_counter()
    subprocess.run([*command, "autograde", *options], check=True, capture_output=True, **settings)
    return time.perf_counter() - start


def peer_notebook(notebook: dict) -> dict:
    """The same cells with nbgrader's metadata; a check becomes a test of two lines that needs nothing of the course."""
    cells = []
    for cell in notebook["cells"]:
        role = cell["id"].partition("-")[0]
        if cell["cell_type"] != "code" or role not in ("setup", "answer", "check"):
            continue
        source, info = "".join(cell["source"]), None
        if role == "setup":
            source = "import numpy as np\nlock_in = lambda id, answer=...: answer\nnumbers = lambda id: None"
        elif role == "answer":
            info = {"solution": True, "grade": False, "locked": False, "points": 0}
        else:
            name = source.split(", ")[-1].rstrip(")\n")
            source = f"value = {name}\nassert value is not ..."
            info = {"solution": False, "grade": True, "locked": True, "points": 1}
        metadata = (
            {"nbgrader": info | {"grade_id": cell["id"], "schema_version": 3, "cell_type": "code", "task": False}}
            if info
            else {}
        )
        cells.append(
            {"cell_type": "code", "id": cell["id"], "metadata": metadata, "source": source}
            | {"outputs": [], "execution_count": None}
        )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="small classes, one round")
    options.add_argument("--peers", metavar="PYTHON", help="an interpreter that has nbgrader")
    options.add_argument("--json", metavar="FILE", help="keep all times")
    given = options.parse_args()
    print(perf.machine(("numpy", "ipykernel", "nbval", "pytest")), f"load {perf.load()}")
    many, few, rounds = (12, 3, 1) if given.quick else (60, 12, 2)
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, way in WAYS.items():
            count = many if not way else few
            with tempfile.TemporaryDirectory() as folder:
                hand_in(Path(folder) / "in", count)
                times.setdefault(name, []).append(ours(Path(folder), count, **way) / count)
        if given.peers:
            with tempfile.TemporaryDirectory() as folder:
                times.setdefault("nbgrader, no sandbox", []).append(nbgrader(Path(folder), few, given.peers) / few)
    print(f"\n{'':28}per minute   seconds each   times as long")
    base = times["forked kernels, sandbox"]
    for name, own in times.items():
        seconds = statistics.median(own)
        ratio = statistics.median(a / b for a, b in zip(own, base, strict=True))
        print(f"{name:28}{60 / seconds:10.0f}{seconds:15.3f}{ratio:16.1f}")
    print("\nforked kernels, classes of   seconds   seconds each   MB of the grader")
    for count in (3, 12) if given.quick else (10, 40, 160):
        with tempfile.TemporaryDirectory() as folder:
            hand_in(Path(folder) / "in", count)
            seconds = ours(Path(folder), count)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        times[f"class of {count}"] = [seconds]
        print(f"{count:26}{seconds:10.1f}{seconds / count:15.3f}{memory:19.0f}")
    if given.json:
        Path(given.json).write_text(json.dumps(times, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
