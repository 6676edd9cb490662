"""Grading a class: hand-ins in, spread over workers; results kept as they come, and all reports at the end."""

import datetime
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import course_lib
from course_lib._errors import CourseError
from course_lib.exercises import outcomes
from course_lib.grading import imports, notebooks
from course_lib.grading.bench import outfit, parcel
from course_lib.grading.chapters import Chapters
from course_lib.grading.classpage import write_class
from course_lib.grading.feedback import write_feedback
from course_lib.grading.gradebook import Graded, plain, put, read_json, write_gradebook, write_json
from course_lib.grading.grader import TIMEOUT, UNSEALED
from course_lib.grading.intake import hand_ins as handed_in_at
from course_lib.grading.kept import Kept
from course_lib.grading.progress import Progress
from course_lib.grading.spread import Workers, crew, spread
from course_lib.grading.submissions import BadFile, HandIn, Notebook


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
    keep_notebooks: bool = False,
    workers: int = 1,
    dask: str = "",
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
    keep_notebooks : write into ``out/notebooks`` what was run, for plain nbval: see `notebooks`
    workers     : processes of this machine to grade in, at most; 1 is this process, which needs no other
    dask        : address of a Dask scheduler, whose workers grade instead

    A file that cannot be read, or an answer that loops, dies or floods, costs its own points and nothing else.
    What this machine fails at is tried again, and then reported without points. Every result is kept as it comes, in
    ``out/kept``, so that a run that was stopped goes on, and only new hand-ins are run. Raises CourseError where there
    is nothing to grade or to grade with. The same submissions and seed give the same bytes.
    """
    submissions, out = Path(submissions), Path(out)
    solutions = Path(solutions) if solutions else Path(course_lib.__file__).parents[1] / "solutions"
    if not 0 <= late_takes <= 100:
        raise CourseError(f"being late may take 0 to 100 percent, got {late_takes:g}")
    to_fill = imports.read_sheet(Path(sheet)) if sheet else None
    anew = bool(students or only)
    before = {(g.student, g.file): g for g in read_json(out / "gradebook.json")} if anew else {}
    kept = Kept(out / "kept", solutions, timeout, kernels=kernels, sandbox=sandbox)
    secret = seed if seed is not None else kept.secret or secrets.token_hex(16)
    course = Chapters(solutions)
    with handed_in_at(submissions, list(course.chapters), out, due) as found:
        hand_ins, notes = course.latest(found)
        wanted = [hand_in for hand_in in hand_ins if not students or hand_in.student in students]
        if not wanted:
            whose = f" of {outcomes.and_list(tuple(students))}" if students else ""
            raise CourseError(
                f"expected notebooks{whose} in {submissions.name}, found none; put the handed-in files there"
            )
        kept.secret = secret
        graded = {key: g for key, g in before.items() if key in {(h.student, h.name) for h in hand_ins}}
        blanks = {}
        for hand_in in wanted:
            old = before.get((hand_in.student, hand_in.name))
            blanks[hand_in] = Graded(
                hand_in.student,
                hand_in.name,
                hand_in.chapter,
                unreadable=hand_in.problem,
                seed=old.seed if old is not None and seed is None else secret,
                sealed=sandbox != "none",
                person=hand_in.person,
                id=hand_in.id,
                late=hand_in.late,
                takes=late_takes if hand_in.late else 0.0,
            )
        settings = {"timeout": timeout, "kernels": kernels, "sandbox": sandbox}
        hidden = submissions, solutions, out
        fit = outfit(secrets.token_hex(8), course, hidden, settings)
        with Progress(len(wanted)) as progress:
            there = {} if anew else dict(settled(course, kept, blanks))
            for new in there.values():
                graded[new.student, new.file] = new
                progress.ended(plain(new.student), ran=False)
            todo = {hand_in: blank for hand_in, blank in blanks.items() if hand_in not in there}
            with crew(fit, len(todo), workers, dask) as staff:
                for new in run(course, kept, todo, staff):
                    key = new.student, new.file
                    graded[key] = merged(before.get(key), new, only)
                    progress.ended(plain(new.student), ran=not new.unreadable)
        if keep_notebooks:
            mine = [(h, graded[h.student, h.name].seed) for h in hand_ins if (h.student, h.name) in graded]
            notes += notebooks.keep(out / "notebooks", solutions, mine, hidden=hidden, **settings)
    answers = {slot.exercise: slot.answer for chapter in course.chapters.values() for slot in chapter.slots}
    everything = tuple(sorted(graded.values(), key=lambda g: (g.student, g.chapter or "~", g.file)))
    notes += [f"{g.file}: {line}" for g in everything for line in (g.unreadable, g.trouble, *g.notes) if line]
    notes += [f"{g.file}: it came late" for g in everything if g.late]
    notes += same_names(everything)
    notes += [UNSEALED] if not all(g.sealed for g in everything) else []
    notes = [*dict.fromkeys(notes)]
    write_json(out / "gradebook.json", everything)
    write_gradebook(out / "gradebook.csv", everything)
    pages = write_feedback(out / "feedback", everything)
    page_of = dict(zip(dict.fromkeys(g.student for g in everything), pages, strict=True))
    notes += imports.write(out, everything, platforms, to_fill, page_of)
    write_class(out / "class.html", everything, answers, notes, page_of)
    seeds = sorted({g.seed for g in everything})
    lines = [f"seed: {outcomes.and_list(tuple(seeds))}", *map(plain, notes)]
    put(out / "notes.txt", "".join(f"{line}\n" for line in lines).encode("utf-8"))
    if not anew:
        kept.forget_others()
    return Report(everything, secret, tuple(notes))


def settled(course: Chapters, kept: Kept, blanks: Mapping[HandIn, Graded]) -> Iterator[tuple[HandIn, Graded]]:
    """The hand-ins that need not be run: what cannot be read, and what has a result that holds."""
    for hand_in, blank in blanks.items():
        with suppress(BadFile):
            if blank.unreadable:
                yield hand_in, blank
            elif before := kept.get(hand_in, course.read(hand_in)[0], blank.seed):
                yield hand_in, filled(blank, before)


def run(course: Chapters, kept: Kept, blanks: Mapping[HandIn, Graded], staff: Workers) -> Iterator[Graded]:
    """Run hand-ins, keep their results as they come, and give them in the order in which they come."""
    gone = []

    def parcels() -> Iterator[tuple[tuple[HandIn, Notebook], str]]:
        for hand_in, blank in blanks.items():
            try:
                if blank.unreadable:
                    raise BadFile(blank.unreadable)
                notebook, chapter = course.read(hand_in)
                yield (hand_in, notebook), parcel(hand_in, replace(notebook, chapter=chapter.name), blank.seed)
            except BadFile as bad:  # it may have been taken away meanwhile
                gone.append(replace(blank, unreadable=str(bad)))

    for (hand_in, notebook), came in spread(staff, parcels()):
        blank = blanks[hand_in]
        new = replace(blank, trouble=came) if isinstance(came, str) else filled(blank, came)
        kept.keep(hand_in, notebook, blank.seed, new)
        yield new
    yield from gone


def filled(blank: Graded, came: Graded) -> Graded:
    """What came of a hand-in, with all that is known of it by now."""
    known = {name: getattr(blank, name) for name in ("person", "id", "late", "takes")}
    return replace(came, **known)


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
