"""Handing the cases in, and grading them."""

import json

import submissions
from attacks.cases import CASES

from course_lib.grading import grade

SEED = "a secret for attackers"
SOLUTIONS = submissions.ROOT / "solutions"
KEPT = {"setup", *(f"{role}-{id}" for role in ("answer", "check") for id in ("compose-jacobians", "bracketing"))}


def only_two(notebook):
    """The notebook without the other exercises, and the attacked one before the honest one."""
    cells = [cell for cell in notebook["cells"] if cell.get("id") in KEPT]
    return notebook | {"cells": sorted(cells, key=lambda cell: "bracketing" in cell["id"])}


def verdict(graded):
    """(verdict, points) of the attacked exercise."""
    return graded.results[0].verdict, graded.results[0].points


def grade_the_attacks(folder, kernels, timeout):
    """Results by name; the reports are in folder/out."""
    solution = json.loads((SOLUTIONS / "05_chain_rule.ipynb").read_text(encoding="utf-8"))
    for name in ("in", "solutions"):
        (folder / name).mkdir()
    (folder / "solutions" / "05_chain_rule.ipynb").write_text(json.dumps(only_two(solution)), encoding="utf-8")
    for name, case in CASES.items():
        notebook = only_two(submissions.paper("05_chain_rule", name, compose_jacobians=case.source))
        (folder / "in" / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    report = grade(
        folder / "in", folder / "out", seed=SEED, solutions=folder / "solutions", timeout=timeout, kernels=kernels
    )
    return {graded.student: graded for graded in report.graded}
