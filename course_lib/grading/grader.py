"""From one hand-in to its results: what was found, run, compared, and what can be said about it."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from course_lib.exercises import outcomes
from course_lib.exercises.declaration import Exercise, draw_cases, seed_of
from course_lib.exercises.diagnosis import diagnose, same_values
from course_lib.exercises.values import encode
from course_lib.grading.chapters import Chapters
from course_lib.grading.difference import difference
from course_lib.grading.engine import Attempt, Attempts, Engine, Job, Task
from course_lib.grading.gradebook import Graded, Result
from course_lib.grading.graft import Answer, answers, apart, borrowed, setup_source
from course_lib.grading.kernels import EngineError
from course_lib.grading.submissions import BadFile, HandIn, typed_name

TIMEOUT = 20.0  # seconds for the answer and the check of one exercise
STANDS_ALONE = (
    "Only the answer cells are graded: whatever an answer uses must stand in its own cell or come from the setup cell."
)
UNSEALED = "graded without a sandbox: what was handed in could read and change this machine, its own grade included"
UNSTEADY = (
    (re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]"), ""),
    (re.compile(r"0x[0-9a-fA-F]+"), "0x..."),
    (re.compile(r"\(\d+\.py, line (\d+)\)"), r"(line \1)"),
    (re.compile(r"[^\s'\"]*[/\\]box(-[^/\\\s]*([/\\]k)?)?([/\\]work)?(?=[/\\])"), "..."),
)
STOPPED = {
    "time": ("time-limit", "It did not finish within {timeout:g} seconds. Is there a loop that never ends?"),
    "died": ("kernel-died", "It ended the Python process that ran it, so there is nothing to judge."),
    "output": ("output-limit", "It printed more than can be read, so it was stopped."),
}

SHORTER = " It had less time than usual, because those before it took all that one notebook may have."


@dataclass(frozen=True)
class Paper:
    """A file that can be graded: its exercises, their inputs and answers, and the cells to run."""

    blank: Graded
    exercises: Mapping[str, Exercise]
    inputs: Mapping[str, Sequence[dict[str, Any]]]
    found: Mapping[str, Answer]
    setup: str
    tasks: Sequence[Task]


class Grader(Chapters):
    """Grades one hand-in after the other: the instructor's notebooks, and an engine to run answers in."""

    def __init__(self, solutions: Path, engine: Engine) -> None:
        super().__init__(solutions)
        self.engine = engine

    def grade_all(self, work: Iterable[tuple[HandIn, str]], done: Callable[[HandIn, Graded], object]) -> None:
        """Grade hand-ins, each with the secret that its inputs are drawn from; tell of each as soon as it is graded.

        work : (hand-in, secret); the next one is taken when the one before is done, so that it may be a queue
        done : called once for each, in order

        What cannot be read, or what this machine fails at, is told as such. Raises CourseError where there is no
        sandbox or a solution fails, and what ``work`` and ``done`` raise.
        """

        def tell(hand_in: HandIn, paper: Paper, came: Attempts | EngineError) -> None:
            done(hand_in, self.graded(paper, came))

        def jobs() -> Iterator[Job]:
            for hand_in, secret in work:
                paper = self.open(hand_in, secret)
                if isinstance(paper, Graded):
                    done(hand_in, paper)
                else:
                    yield Job(paper.setup, paper.tasks, partial(tell, hand_in, paper))

        self.engine.run_all(jobs())

    def grade(self, hand_in: HandIn, secret: str) -> Graded:
        """Grade one file, as `grade_all` does."""
        came: list[Graded] = []
        self.grade_all([(hand_in, secret)], lambda _, graded: came.append(graded))
        return came[0]

    def open(self, hand_in: HandIn, secret: str) -> "Paper | Graded":
        """What is to be run of a file, or its result where nothing can be."""
        blank = Graded(
            hand_in.student,
            hand_in.name,
            seed=secret,
            sealed=self.engine.walls.sealed,
            person=hand_in.person,
            id=hand_in.id,
            chapter=hand_in.chapter,
            unreadable=hand_in.problem,
        )
        if hand_in.problem:
            return blank
        try:
            notebook, chapter = self.read(hand_in)
        except BadFile as bad:
            return replace(blank, unreadable=str(bad))
        name = typed_name(notebook)
        found = answers(notebook, list(chapter.exercises))
        ours = {slot.exercise: slot.answer for slot in chapter.slots}
        found = {
            id: replace(
                answer,
                apart=apart(notebook, id, chapter.exercises[id].answer),
                borrowed=borrowed(answer.source, ours[id]),
            )
            for id, answer in found.items()
        }
        own = f"{secret}/{hand_in.student}/{notebook.digest}"
        inputs = {id: draw(exercise, own, name) for id, exercise in chapter.exercises.items()}
        given = {id: [encode(case) for case in cases] for id, cases in inputs.items()}
        tasks = [
            Task(slot.exercise, slot.answer, found[slot.exercise].source, slot.check,
                 partial(same_values, chapter.exercises[slot.exercise], inputs[slot.exercise]))
            for slot in chapter.slots
            if slot.exercise in found
        ]  # fmt: skip
        kinds = {id: exercise.kind for id, exercise in chapter.exercises.items()}
        setup = setup_source(chapter.notebook, json.dumps({"name": name, "inputs": given, "kinds": kinds}))
        return Paper(replace(blank, chapter=chapter.name, name=name), chapter.exercises, inputs, found, setup, tasks)

    def graded(self, paper: "Paper", attempts: Attempts | EngineError) -> Graded:
        """The result of a file, from what came when it was run."""
        if isinstance(attempts, EngineError):
            return replace(paper.blank, trouble=f"{attempts}; grade it again")
        results, notes = [], []
        for id, exercise in paper.exercises.items():
            result, note = self.judge(exercise, paper.inputs[id], paper.found.get(id), attempts.get(id))
            results.append(result)
            notes += [f"{id}: {line}" for line in note]
        return replace(paper.blank, results=tuple(results), notes=tuple(notes))

    def judge(
        self, exercise: Exercise, inputs: Sequence[dict[str, Any]], answer: Answer | None, attempt: Attempt | None
    ) -> tuple[Result, list[str]]:
        """The result of one exercise, and notes for the instructor."""
        blank = Result(exercise.id, exercise.title, 0, exercise.points, "")
        if answer is None or attempt is None:
            says = "Its answer cell is not in the notebook that was handed in."
            return replace(blank, verdict="not-attempted", says=says), ["no answer cell found"]
        result = replace(blank, source=answer.source)
        notes = answer.notes
        if attempt.stopped:
            verdict, says = STOPPED[attempt.stopped]
            says += SHORTER if attempt.stopped == "time" and attempt.allowed < self.engine.timeout else ""
            return replace(result, verdict=verdict, says=says.format(timeout=attempt.allowed)), notes
        outcome = outcome_of(exercise, inputs, attempt)
        if attempt.same != isinstance(outcome, outcomes.Correct):
            found = "equal to" if attempt.same else "not"
            notes.append(f"its values are {found} those of the solution, while the diagnosis is: {outcome.kind}")
            outcome = outcomes.Correct() if attempt.same else outcomes.Incorrect(says="the values are not right")
        result = replace(result, verdict=outcome.kind, points=exercise.points * outcome.score, says=sentence(outcome))
        result = replace(result, picture=difference(exercise, inputs, outcome, attempt.record))
        match outcome:
            case outcomes.Correct():
                return result, notes
            case outcomes.Mistake(name=name, hint=hint):
                return replace(result, mistake=name, hint=hint), notes
            case outcomes.Failed(error="NameError"):
                return replace(result, mistake="NameError", hint=STANDS_ALONE), notes
            case outcomes.Failed(error=error):
                return replace(result, mistake=clean(error)), notes
        return replace(result, hint=exercise.hints[0]), notes


def draw(exercise: Exercise, secret: str, name: str) -> list[dict[str, Any]]:
    """The inputs of one exercise: secret ones for a function, the student's own numbers for a typed answer."""
    if exercise.kind != "code":
        return draw_cases(exercise, seed_of(name, exercise.id))
    return draw_cases(exercise, int.from_bytes(hashlib.sha256(f"{secret}/{exercise.id}".encode()).digest(), "big"))


def outcome_of(exercise: Exercise, inputs: Sequence[dict[str, Any]], attempt: Attempt) -> outcomes.Outcome:
    """What can be said about an attempt that came to its end: from its values, else from its error."""
    if attempt.record is not None:
        return diagnose(exercise, inputs, attempt.record)
    if attempt.error is None:
        return outcomes.Failed("no values", "something kept its check from recording any")
    error, text = attempt.error
    if error == "NotImplementedError":
        return outcomes.NotAttempted()
    if error == "NameError" and f"'{exercise.answer}'" in text:
        return outcomes.Failed(error, f"there is no {exercise.answer} after its cell has run; it must keep this name")
    return outcomes.Failed(error or "an error", text)


def sentence(outcome: outcomes.Outcome) -> str:
    """The outcome as its sentence for the student, who gets no expected number to copy."""
    if isinstance(outcome, outcomes.Incorrect):
        exact = "" if outcome.earned else outcomes.and_list(outcome.exact_parts)
        line = replace(outcome, expected=None).line()
        return clean(f"{line} Exact: {exact}." if exact else line)
    return clean(outcome.line())


def clean(text: str, limit: int = 400) -> str:
    """What a kernel said, fit for a page that is the same every time: no colours, folders or addresses, and not long.

    >>> clean("\x1b[31mbad\x1b[0m <f at 0x7f01> in /tmp/box-1/work/a.py (123.py, line 3)")
    'bad <f at 0x...> in .../a.py (line 3)'
    """
    text = text[: 4 * limit].encode("utf-8", "replace").decode("utf-8")  # short, so that no pattern takes long on it
    for pattern, put in UNSTEADY:
        text = pattern.sub(put, text)
    return text if len(text) <= limit else f"{text[:limit]}..."
