"""From a folder of hand-ins to a gradebook and a page of feedback for each student."""

import hashlib
import json
import re
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import course_lib
from course_lib import exercises
from course_lib._errors import CourseError
from course_lib.exercises import outcomes
from course_lib.exercises.declaration import Exercise, draw_cases, seed_of
from course_lib.exercises.diagnosis import diagnose
from course_lib.exercises.values import decode, encode
from course_lib.grading.engine import Attempt, Engine, SolutionError, Task
from course_lib.grading.feedback import write_feedback
from course_lib.grading.gradebook import Graded, Result, plain, read_json, write_gradebook, write_json
from course_lib.grading.graft import Answer, Slot, answers, named_exercises, setup_source, slots
from course_lib.grading.kernels import EngineError
from course_lib.grading.submissions import BadFile, HandIn, Notebook, find, read, typed_name

TIMEOUT = 20.0  # seconds for the answer and the check of one exercise
STANDS_ALONE = (
    "Only the answer cells are graded: whatever an answer uses must stand in its own cell or come from the setup cell."
)
UNSEALED = "graded without a sandbox: what was handed in could read and change this machine, its own grade included"
UNSTEADY = (
    (re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]"), ""),
    (re.compile(r"0x[0-9a-fA-F]+"), "0x..."),
    (re.compile(r"\(\d+\.py, line (\d+)\)"), r"(line \1)"),
    (re.compile(r"[^\s'\"]*[/\\]box(-[^/\\\s]*([/\\]k)?)?([/\\]work)?(?=[/\\])"), "..."),
)
STOPPED = {
    "time": ("time-limit", "It did not finish within {timeout:g} seconds. Is there a loop that never ends?"),
    "died": ("kernel-died", "It ended the Python process that ran it, so there is nothing to judge."),
    "output": ("output-limit", "It printed more than can be read, so it was stopped."),
}


@dataclass(frozen=True)
class Report:
    """What was graded. ``seed`` repeats it exactly; ``notes`` are lines for the instructor."""

    graded: tuple[Graded, ...]
    seed: str
    notes: tuple[str, ...]


class Chapter:
    """An instructor's notebook: the cells that run around the answers."""

    def __init__(self, path: Path, lookup: Callable[[str], Exercise]) -> None:
        try:
            self.notebook = read(path)
        except BadFile as bad:
            raise CourseError(f"{path.name} in the folder of solutions cannot be read: {bad}") from bad
        self.name = path.stem
        self.slots: list[Slot] = slots(self.notebook)
        self.exercises = {slot.exercise: lookup(slot.exercise) for slot in self.slots}


class Grader:
    """Grades one hand-in after the other with one secret; holds the chapters and the engine.

    lookup : gives the declaration of an exercise by its id
    """

    def __init__(
        self, solutions: Path, engine: Engine, secret: str, lookup: Callable[[str], Exercise] = exercises.exercise
    ) -> None:
        paths = sorted(solutions.glob("*.ipynb")) if solutions.is_dir() else []
        if not paths:
            raise CourseError(
                "expected the instructor's notebooks in the folder of solutions, found none; try `course build`, or "
                "name another folder"
            )
        self.chapters = {path.stem: Chapter(path, lookup) for path in paths}
        self.engine, self.secret = engine, secret

    def grade(self, hand_in: HandIn) -> Graded:
        """Grade one file. Raises CourseError where there is no sandbox or a solution fails."""
        blank = Graded(hand_in.student, hand_in.name, seed=self.secret, sealed=self.engine.walls.sealed)
        try:
            notebook, chapter = self.read(hand_in)
        except BadFile as bad:
            return replace(blank, unreadable=str(bad))
        name = typed_name(notebook)
        found = answers(notebook, list(chapter.exercises))
        own = f"{self.secret}/{hand_in.student}/{hashlib.sha256(hand_in.path.read_bytes()).hexdigest()}"
        inputs = {id: draw(exercise, own, name) for id, exercise in chapter.exercises.items()}
        given = {id: [encode(case) for case in cases] for id, cases in inputs.items()}
        tasks = [
            Task(slot.exercise, slot.answer, found[slot.exercise].source, slot.check,
                 same_values(chapter.exercises[slot.exercise], inputs[slot.exercise]))
            for slot in chapter.slots
            if slot.exercise in found
        ]  # fmt: skip
        kinds = {id: exercise.kind for id, exercise in chapter.exercises.items()}
        setup = setup_source(chapter.notebook, json.dumps({"name": name, "inputs": given, "kinds": kinds}))
        try:
            attempts = self.engine.run(setup, tasks) if tasks else {}
        except SolutionError:
            raise
        except EngineError as error:
            return replace(blank, chapter=chapter.name, name=name, trouble=f"{error}; grade it again")
        results, notes = [], []
        for id, exercise in chapter.exercises.items():
            result, note = self.judge(exercise, inputs[id], found.get(id), attempts.get(id))
            results.append(result)
            notes += [f"{id}: {line}" for line in note]
        return replace(blank, chapter=chapter.name, name=name, results=tuple(results), notes=tuple(notes))

    def read(self, hand_in: HandIn) -> tuple[Notebook, Chapter]:
        """The notebook and its chapter: by its metadata, else its file's name, else the exercises that it names."""
        notebook = read(hand_in.path)
        if notebook.kind == "lesson":
            raise BadFile("it is the notebook of a lesson; hand in the one of its exercises")
        named = named_exercises(notebook)
        in_name = [key for key in self.chapters if key.casefold() in hand_in.path.stem.casefold()]
        shared = {key: len(named & chapter.exercises.keys()) for key, chapter in self.chapters.items()}
        most = max(shared, key=lambda key: shared[key])
        for key in (notebook.chapter, *in_name, most if shared[most] else ""):
            if key in self.chapters:
                return notebook, self.chapters[key]
        raise BadFile("no exercise of this course is in it; hand in the notebook from the folder of exercises")

    def latest(self, hand_ins: Iterable[HandIn]) -> tuple[list[HandIn], list[str]]:
        """One file for each student and chapter, the last by name as browsers number them; and what was left out."""
        last: dict[tuple[str, str], HandIn] = {}
        notes = []
        for hand_in in hand_ins:
            try:
                key = hand_in.student, self.read(hand_in)[1].name
            except BadFile:
                key = hand_in.student, hand_in.name
            if key in last:
                notes.append(f"{last[key].name}: not graded, {hand_in.name} is handed in for the same chapter")
            last[key] = hand_in
        return list(last.values()), notes

    def judge(
        self, exercise: Exercise, inputs: Sequence[dict[str, Any]], answer: Answer | None, attempt: Attempt | None
    ) -> tuple[Result, list[str]]:
        """The result of one exercise, and notes for the instructor."""
        blank = Result(exercise.id, exercise.title, 0, exercise.points, "")
        if answer is None or attempt is None:
            says = "Its answer cell is not in the notebook that was handed in."
            return replace(blank, verdict="not-attempted", says=says), ["no answer cell found"]
        result = replace(blank, source=answer.source)
        notes = [f"{answer.others + 1} cells claim to be its answer"] if answer.others else []
        if attempt.stopped:
            verdict, says = STOPPED[attempt.stopped]
            return replace(result, verdict=verdict, says=says.format(timeout=self.engine.timeout)), notes
        outcome = outcome_of(exercise, inputs, attempt)
        if attempt.same != isinstance(outcome, outcomes.Correct):
            found = "equal to" if attempt.same else "not"
            notes.append(f"its values are {found} those of the solution, while the diagnosis is: {outcome.kind}")
            outcome = outcomes.Correct() if attempt.same else outcomes.Incorrect(says="the values are not right")
        result = replace(result, verdict=outcome.kind, points=exercise.points * outcome.score, says=sentence(outcome))
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
    if isinstance(attempt.record, dict) and attempt.record.get("id") == exercise.id:
        return diagnose(exercise, inputs, attempt.record)
    if attempt.error is None:
        return outcomes.Failed("no values", "something kept its check from recording any")
    error, text = attempt.error
    if error == "NotImplementedError":
        return outcomes.NotAttempted()
    if error == "NameError" and f"'{exercise.answer}'" in text:
        return outcomes.Failed(error, f"there is no {exercise.answer} after its cell has run; it must keep this name")
    return outcomes.Failed(error, text)


def same_values(exercise: Exercise, inputs: Sequence[dict[str, Any]]) -> Callable[[Any, Any], bool]:
    """How nbval compares two records of an exercise: as the diagnosis does, with the solution's values as right."""
    judge = replace(exercise, right=lambda *given: given[-1], mistakes=(), ask=None)

    def same(reference: Any, record: Any) -> bool:
        if not isinstance(record, dict) or record.get("id") != exercise.id or "cases" not in reference:
            return False
        values = [decode(value) for value in reference["cases"]]
        cases = [given | {"the solution's": value} for given, value in zip(inputs, values, strict=True)]
        return isinstance(diagnose(judge, cases, record), outcomes.Correct)

    return same


def sentence(outcome: outcomes.Outcome) -> str:
    """The outcome as its sentence for the student, who gets no expected number to copy."""
    if isinstance(outcome, outcomes.Incorrect):
        exact = outcomes.and_list(outcome.exact_parts)
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


def grade(
    submissions: str | Path,
    out: str | Path,
    *,
    seed: str | None = None,
    solutions: str | Path | None = None,
    timeout: float = TIMEOUT,
    students: Collection[str] = (),
    only: Collection[str] = (),
    kernels: Literal["forked", "ipykernel"] = "forked",
    sandbox: Literal["bubblewrap", "none"] = "bubblewrap",
) -> Report:
    """Grade a folder of handed-in notebooks; write ``out/gradebook.csv`` and ``.json``, ``out/feedback/``,
    ``out/notes.txt``.

    submissions : a folder of notebooks, one per student and chapter, or with a folder for each student; never changed
    seed        : secret from which the inputs of functions are drawn (default: a new one, told in the gradebook)
    solutions   : folder of the instructor's notebooks (default: solutions/ beside the library)
    timeout     : seconds for the answer and the check of one exercise
    students    : grade these alone anew, in the gradebook that is there, under the seeds that it has
    only        : and of them these exercises alone
    kernels, sandbox : as `Engine` takes them

    A file that cannot be read, or an answer that loops, dies or floods, costs its own points and nothing else.
    What this machine fails at is tried again, and then reported without points. Raises CourseError where there is
    nothing to grade or to grade with. The same submissions and seed give the same bytes.
    """
    submissions, out = Path(submissions), Path(out)
    solutions = Path(solutions) if solutions else Path(course_lib.__file__).parents[1] / "solutions"
    if not submissions.is_dir():
        raise CourseError(f"expected a folder of submissions, got {submissions.name}; put the notebooks into a folder")
    before = {(g.student, g.file): g for g in read_json(out / "gradebook.json")} if students or only else {}
    secret = seed if seed is not None else secrets.token_hex(16)
    with Engine(timeout, kernels, sandbox, hidden=(submissions, solutions, out)) as engine:
        grader = Grader(solutions, engine, secret)
        hand_ins, notes = grader.latest(find(submissions, list(grader.chapters), leave_out=out))
        wanted = [hand_in for hand_in in hand_ins if not students or hand_in.student in students]
        if not wanted:
            whose = f" of {outcomes.and_list(tuple(students))}" if students else ""
            raise CourseError(
                f"expected notebooks{whose} in {submissions.name}, found none; put the handed-in files there"
            )
        graded = {key: g for key, g in before.items() if key in {(h.student, h.name) for h in hand_ins}}
        for hand_in in progress(wanted):
            old = before.get((hand_in.student, hand_in.name))
            grader.secret = old.seed if old is not None and seed is None else secret
            graded[hand_in.student, hand_in.name] = merged(old, grader.grade(hand_in), only)
    everything = sorted(graded.values(), key=lambda g: (g.student, g.chapter or "~", g.file))
    notes += [f"{g.file}: {line}" for g in everything for line in (g.unreadable, g.trouble, *g.notes) if line]
    notes += same_names(everything)
    notes += [UNSEALED] if not all(g.sealed for g in everything) else []
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "gradebook.json", everything)
    write_gradebook(out / "gradebook.csv", everything)
    write_feedback(out / "feedback", everything)
    seeds = sorted({g.seed for g in everything})
    lines = [f"seed: {outcomes.and_list(tuple(seeds))}", *map(plain, notes)]
    (out / "notes.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    return Report(tuple(everything), secret, tuple(notes))


def merged(before: Graded | None, after: Graded, only: Collection[str]) -> Graded:
    """What is now known of a file of which only these exercises count anew; without any, all of them."""
    if before is None or not only or before.chapter != after.chapter:
        return after
    new = {result.exercise: result for result in after.results if result.exercise in only}
    notes = [
        note
        for g, fresh in ((before, False), (after, True))
        for note in g.notes
        if (note.split(":")[0] in only) == fresh
    ]
    results = tuple(new.get(result.exercise, result) for result in before.results)
    return replace(before, results=results, notes=tuple(notes), sealed=before.sealed and after.sealed)


def same_names(graded: Sequence[Graded]) -> list[str]:
    """Notes on names that more than one student typed: they had the same numbers."""
    students = defaultdict(set)
    for g in graded:
        if name := " ".join(g.name.casefold().split()):
            students[name].add(g.student)
    return [
        f'{outcomes.and_list(tuple(sorted(who)))} typed the same name, "{name}"'
        for name, who in sorted(students.items())
        if len(who) > 1
    ]


def progress(hand_ins: Sequence[HandIn]) -> Iterator[HandIn]:
    """The hand-ins, with a line on the terminal that counts them."""
    start = time.monotonic()
    for done, hand_in in enumerate(hand_ins):
        if sys.stderr.isatty():
            left = (time.monotonic() - start) / done * (len(hand_ins) - done) if done else 0
            about = f", about {left:.0f} s left" if done else ""
            where = f"{done + 1} of {len(hand_ins)}: {plain(hand_in.student)}"
            print(f"\r\033[Kgrading {where}{about}", end="", file=sys.stderr, flush=True)
        yield hand_in
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(f"graded {len(hand_ins)} files in {time.monotonic() - start:.0f} s", file=sys.stderr)
