"""The notebooks that grades came from, for people: `course grade --keep-notebooks`, and then `pytest --nbval-lax`.

In each the student's answers stand in the instructor's notebook, with the inputs of the grade in its setup cell, and
the solution's values as the saved outputs of its checks. nbval compares these alone, one for each exercise: answers may
print, plot and fail, and one that ended its kernel is skipped. An exercise that was right only in a kernel of its own
has a notebook of its own.

They hold right answers, and to run them is to run what was handed in, outside the sandbox: they are for instructors.
Here they are only written; what is run for that is run in the engine's box.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from course_lib.exercises.by_hand import shown
from course_lib.exercises.values import encode
from course_lib.grading.engine import Attempts, Engine, Job
from course_lib.grading.feedback import file_name
from course_lib.grading.gradebook import put
from course_lib.grading.grader import Grader, Paper
from course_lib.grading.graft import setup_source
from course_lib.grading.kernels import EngineError
from course_lib.grading.submissions import HandIn

KIND = "graded"
NOTE = (
    "notebooks/ holds right answers, so keep it from students; `pytest --nbval-lax` over it runs what they handed in, "
    "without a sandbox"
)


def keep(folder: Path, solutions: Path, work: Iterable[tuple[HandIn, str]], **settings: Any) -> list[str]:
    """Write the notebooks of all hand-ins that can be graded; returns lines for the instructor.

    work     : (hand-in, the secret that its inputs were drawn from), in any order
    settings : as `Engine` takes them

    Notebooks of hand-ins that are no longer there are taken away; what else lies in the folder stays.
    """
    notes = [NOTE]
    names: dict[str, str] = {}
    taken: set[str] = set()
    written: set[Path] = set()

    def jobs(grader: Grader) -> Iterator[Job]:
        for hand_in, secret in sorted(work, key=lambda item: item[0].student):
            paper = grader.open(hand_in, secret)
            if not isinstance(paper, Paper):
                continue
            came: list[Attempts | EngineError] = []
            for tasks in ([replace(task, answer=task.reference) for task in paper.tasks], paper.tasks):
                yield Job(paper.setup, tasks, came.append)
            right, attempts = came
            if isinstance(right, EngineError) or isinstance(attempts, EngineError):
                notes.append(f"{hand_in.name}: no notebook was kept, since this machine failed; grade it again")
                continue
            if hand_in.student not in names:
                names[hand_in.student] = file_name(hand_in.student, taken)
            for name, notebook in grafted(solutions, grader, paper, right, attempts).items():
                path = folder / names[hand_in.student] / f"{name}.ipynb"
                put(path, f"{nbformat.writes(notebook, version=4)}\n".encode())
                written.add(path)

    with Engine(**settings) as engine:
        engine.run_all(jobs(Grader(solutions, engine)))
    for path in {*folder.glob("*/*.ipynb")} - written:
        if f'"kind": "{KIND}"' in path.read_text(encoding="utf-8"):
            path.unlink()
    return notes


def grafted(
    solutions: Path, grader: Grader, paper: Paper, right: Attempts, attempts: Attempts
) -> dict[str, NotebookNode]:
    """The notebooks of a hand-in by name: of all that ran in one kernel, and of each that was right only alone.

    right, attempts : what came of the solution's answers and of the student's
    """
    chapter = paper.blank.chapter
    parts: dict[str, Attempts] = {chapter: {}}
    for id, attempt in attempts.items():
        alone = parts[chapter] and attempt.fresh and attempt.same
        parts.setdefault(f"{chapter}-{id}" if alone else chapter, {})[id] = attempt
    solution = nbformat.read(solutions / f"{chapter}.ipynb", as_version=4)
    references = {id: attempt.record for id, attempt in right.items()}
    return {name: one(solution, grader, paper, references, part) for name, part in parts.items()}


def one(
    solution: NotebookNode, grader: Grader, paper: Paper, references: Mapping[str, Any], attempts: Attempts
) -> NotebookNode:
    """The instructor's notebook with the student's answers to these exercises; nothing else runs in it."""
    given = {
        "name": paper.blank.name,
        "inputs": {id: [encode(case) for case in paper.inputs[id]] for id in attempts},
        "references": {id: references[id] for id in attempts},
    }
    setup = setup_source(grader.chapters[paper.blank.chapter].notebook, json.dumps(given))
    answers = {task.exercise: task.answer for task in paper.tasks}
    made = v4.new_notebook(metadata={**solution.metadata, "course": {"chapter": paper.blank.chapter, "kind": KIND}})
    texts: list[NotebookNode] = []
    count = 0
    for cell in solution.cells:
        if cell.cell_type == "markdown":
            texts.append(cell)
            continue
        course = cell.metadata.get("course", {})
        role, id = course.get("role"), course.get("exercise")
        tags, outputs, source = [], [], cell.source
        if role == "setup":
            source = setup
        elif role == "answer" and id in attempts:
            source, tags = answers[id], ["nbval-skip" if attempts[id].stopped else "raises-exception"]
        elif role == "check" and id in attempts:
            text = shown(paper.exercises[id], paper.inputs[id], references[id], references[id])
            tags, outputs = ["nbval-check-output"], [v4.new_output("display_data", data={"text/plain": text})]
        else:  # its text goes with it
            texts = []
            continue
        count += 1
        new = v4.new_code_cell(source, id=cell.id, execution_count=count, outputs=outputs)
        new.metadata = nbformat.from_dict({"course": course, "tags": tags})
        made.cells += [*texts, new]
        texts = []
    made.cells += texts
    return made
