"""Grading a class: the hand-ins one after the other, results kept as they come, and all reports at the end."""

import datetime
import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import course_lib
from course_lib._errors import CourseError
from course_lib.exercises import outcomes
from course_lib.grading import imports
from course_lib.grading.classpage import write_class
from course_lib.grading.engine import Engine
from course_lib.grading.feedback import write_feedback
from course_lib.grading.gradebook import Graded, plain, put, read_json, write_gradebook, write_json
from course_lib.grading.grader import TIMEOUT, UNSEALED, Grader
from course_lib.grading.intake import hand_ins as handed_in_at
from course_lib.grading.kept import Kept
from course_lib.grading.progress import Progress
from course_lib.grading.submissions import HandIn


@dataclass(frozen=True)
class Report:
    """What was graded. ``seed`` repeats it exactly; ``notes`` are lines for the instructor."""

    graded: tuple[Graded, ...]
    seed: str
    notes: tuple[str, ...]


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
    due: datetime.datetime | None = None,
    late_takes: float = 0.0,
    platforms: Collection[str] = (),
    sheet: str | Path | None = None,
) -> Report:
    """Grade what was handed in; write gradebook, feedback, a page on the class and files for platforms into ``out``.

    submissions : a folder of notebooks, one per student and chapter, or with a folder for each student, nbgrader's
                  submitted/, or a zip archive of Moodle or Canvas; never changed
    seed        : secret from which the inputs of functions are drawn (default: that of the last run into ``out``, else
                  a new one, told in the gradebook)
    solutions   : folder of the instructor's notebooks (default: solutions/ beside the library)
    timeout     : seconds for the answer and the check of one exercise
    students    : grade these alone anew, in the gradebook that is there, under the seeds that it has
    only        : and of them these exercises alone
    kernels, sandbox : as `Engine` takes them
    due         : when nbgrader's timestamps begin to be late
    late_takes  : percent of the points that being late costs
    platforms   : of `imports.PLATFORMS`, those to write files for
    sheet       : a sheet exported by Moodle or Canvas, to be filled in

    A file that cannot be read, or an answer that loops, dies or floods, costs its own points and nothing else.
    What this machine fails at is tried again, and then reported without points. Every result is kept as it comes, in
    ``out/kept``, so that a run that was stopped goes on, and only new hand-ins are run. Raises CourseError where there
    is nothing to grade or to grade with. The same submissions and seed give the same bytes.
    """
    submissions, out = Path(submissions), Path(out)
    solutions = Path(solutions) if solutions else Path(course_lib.__file__).parents[1] / "solutions"
    if not 0 <= late_takes <= 100:
        raise CourseError(f"being late may take 0 to 100 percent, got {late_takes:g}")
    filled = imports.read_sheet(Path(sheet)) if sheet else None
    anew = bool(students or only)
    before = {(g.student, g.file): g for g in read_json(out / "gradebook.json")} if anew else {}
    kept = Kept(out / "kept", solutions, {"timeout": timeout, "kernels": kernels, "sandbox": sandbox})
    secret = seed if seed is not None else kept.secret or secrets.token_hex(16)
    with Engine(timeout, kernels, sandbox, hidden=(submissions, solutions, out)) as engine:
        grader = Grader(solutions, engine)
        with handed_in_at(submissions, list(grader.chapters), out, due) as found:
            hand_ins, notes = grader.latest(found)
            wanted = [hand_in for hand_in in hand_ins if not students or hand_in.student in students]
            if not wanted:
                whose = f" of {outcomes.and_list(tuple(students))}" if students else ""
                raise CourseError(
                    f"expected notebooks{whose} in {submissions.name}, found none; put the handed-in files there"
                )
            kept.secret = secret
            graded = {key: g for key, g in before.items() if key in {(h.student, h.name) for h in hand_ins}}
            progress = Progress(len(wanted))
            try:
                for hand_in in wanted:
                    progress.began(plain(hand_in.student))
                    old = before.get((hand_in.student, hand_in.name))
                    own = old.seed if old is not None and seed is None else secret
                    new, ran = one(grader, hand_in, own, kept, anew)
                    new = replace(new, late=hand_in.late, takes=late_takes if hand_in.late else 0.0)
                    graded[hand_in.student, hand_in.name] = merged(old, new, only)
                    progress.ended(ran)
            except BaseException:
                progress.close(stopped=True)
                raise
            progress.close()
        answers = {slot.exercise: slot.answer for chapter in grader.chapters.values() for slot in chapter.slots}
    everything = tuple(sorted(graded.values(), key=lambda g: (g.student, g.chapter or "~", g.file)))
    notes += [f"{g.file}: {line}" for g in everything for line in (g.unreadable, g.trouble, *g.notes) if line]
    notes += [f"{g.file}: it came late" for g in everything if g.late]
    notes += same_names(everything)
    notes += [UNSEALED] if not all(g.sealed for g in everything) else []
    write_json(out / "gradebook.json", everything)
    write_gradebook(out / "gradebook.csv", everything)
    pages = write_feedback(out / "feedback", everything)
    page_of = dict(zip(dict.fromkeys(g.student for g in everything), pages, strict=True))
    notes += imports.write(out, everything, platforms, filled, page_of)
    write_class(out / "class.html", everything, answers, notes, page_of)
    seeds = sorted({g.seed for g in everything})
    lines = [f"seed: {outcomes.and_list(tuple(seeds))}", *map(plain, notes)]
    put(out / "notes.txt", "".join(f"{line}\n" for line in lines).encode("utf-8"))
    if not anew:
        kept.forget_others()
    return Report(everything, secret, tuple(notes))


def one(grader: Grader, hand_in: HandIn, secret: str, kept: Kept, anew: bool = False) -> tuple[Graded, bool]:
    """The result of one hand-in, and whether it was run for it."""
    there = None if anew or hand_in.problem else kept.get(hand_in, secret)
    if there is not None:
        return replace(there, person=hand_in.person, id=hand_in.id), False
    graded = grader.grade(hand_in, secret)
    kept.keep(hand_in, secret, graded)
    return graded, not graded.unreadable


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
    sealed = before.sealed and after.sealed
    return replace(before, results=results, notes=tuple(notes), sealed=sealed, late=after.late, takes=after.takes)


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
