"""What grades in a worker: one warm engine for each run, kept from hand-in to hand-in.

A worker is a thread of this process, a process of this machine, or one of a Dask cluster, where it needs this package
and bubblewrap. `work` is called with plain text and gives plain text: all that a task needs travels with it, and
nothing but JSON comes back.
"""

import atexit
import json
import os
import platform
import tempfile
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from queue import Empty, Queue, SimpleQueue
from typing import Any

import numpy

from course_lib._errors import CourseError
from course_lib.grading.chapters import Chapters
from course_lib.grading.engine import Engine
from course_lib.grading.gradebook import Graded
from course_lib.grading.grader import Grader
from course_lib.grading.kept import digest_of_library
from course_lib.grading.submissions import HandIn, Notebook

IDLE = 600.0  # seconds after which an engine that nobody asks for anything is put away
CLOSING = 10.0  # seconds that an engine may take to end
STOPPED = "the run was stopped"


def outfit(run: str, course: Chapters, hidden: Iterable[Path], settings: Mapping[str, object]) -> bytes:
    """What every hand-in of a run is graded with.

    run      : names the run; each has engines of its own
    hidden   : folders that no box may see
    settings : as `Engine` takes them
    """
    solutions = {chapter.name: chapter.notebook.text() for chapter in course.chapters.values()}
    places = [str(path.resolve()) for path in hidden]
    data = {"run": run, "solutions": solutions, "hidden": places, "settings": dict(settings), "versions": versions()}
    return zlib.compress(json.dumps(data).encode())


def parcel(hand_in: HandIn, notebook: Notebook, secret: str) -> str:
    """One hand-in as it travels: whose it is, the code of its notebook, the secret that its inputs are drawn from."""
    whose = {"student": hand_in.student, "name": hand_in.name, "person": hand_in.person, "id": hand_in.id}
    return json.dumps({"whose": whose, "notebook": notebook.text(), "secret": secret})


def versions() -> dict[str, str]:
    """What must be the same in all workers, so that it does not matter which of them grades."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"the course": digest_of_library(), "Python": python, "numpy": numpy.__version__}


class Bench:
    """An engine and what it grades against. The engine lives in a thread of its own, so that any thread may ask."""

    def __init__(self, outfit: bytes) -> None:
        self.outfit: dict[str, Any] = json.loads(zlib.decompress(outfit))
        self._turn = threading.Lock()
        self._door = threading.Lock()
        self._parcels: Queue[str | None] = Queue()
        self._results: SimpleQueue[Graded | BaseException] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._engine: Engine | None = None
        self._closed = False

    def grade(self, parcel: str) -> Graded:
        """Grade one hand-in. Raises CourseError where nothing can be graded."""
        with self._turn:
            with self._door:
                if self._closed:
                    raise CourseError(STOPPED)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="grading", daemon=True)
                    self._thread.start()
            self._parcels.put(parcel)
            came = self._results.get()
        if isinstance(came, BaseException):
            raise came
        return came

    def _run(self) -> None:
        try:
            self._same_versions()
            with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
                folder = Path(name)
                solutions = folder / "solutions"
                solutions.mkdir()
                for chapter, text in self.outfit["solutions"].items():
                    (solutions / f"{chapter}.ipynb").write_text(text, encoding="utf-8")
                hidden = [Path(place) for place in self.outfit["hidden"] if os.path.lexists(place)]
                with Engine(**self.outfit["settings"], hidden=[*hidden, folder]) as self._engine:
                    work = self._work(folder / "handed-in.ipynb")
                    Grader(solutions, self._engine).grade_all(work, lambda _, graded: self._results.put(graded))
        except BaseException as error:
            if self._thread is threading.current_thread():  # somebody waits for it
                self._thread = None
                self._results.put(error)

    def _work(self, path: Path) -> Iterator[tuple[HandIn, str]]:
        """The parcels as they come; the end when none has come for long, or when the bench is put away."""
        while not self._closed:
            try:
                text = self._parcels.get(timeout=IDLE)
            except Empty:
                if self._turn.acquire(blocking=False):
                    self._thread = None
                    self._turn.release()
                    return
                continue
            if text is not None:
                parcel = json.loads(text)
                path.write_text(parcel["notebook"], encoding="utf-8")
                yield HandIn(path=path, **parcel["whose"]), parcel["secret"]

    def _same_versions(self) -> None:
        here = versions()
        for what, wanted in self.outfit["versions"].items():
            if here[what] != wanted:
                came = f"{here[what]} for {wanted}" if len(wanted) < 20 else "another version"
                raise CourseError(
                    f"{what} is not the same as where `course grade` was called, {came}; install the same there"
                )

    def close(self) -> None:
        """End the engine, even in the middle of a hand-in; nothing is begun here any more."""
        with self._door:
            self._closed = True
            thread, engine = self._thread, self._engine
        self._parcels.put(None)
        if self._turn.locked() and engine is not None:
            engine.close()
        if thread is not None:
            thread.join(CLOSING)
        self._results.put(CourseError(STOPPED))  # for whoever waits for a thread that does not end


benches: dict[bytes, Bench] = {}
opening = threading.Lock()


def work(outfit: bytes, parcel: str) -> str:
    """Grade one hand-in in this process: its result as JSON, or why nothing can be graded here."""
    with opening:
        bench = benches[outfit] = benches.get(outfit) or Bench(outfit)
    try:
        return json.dumps({"graded": asdict(bench.grade(parcel))})
    except CourseError as error:
        return json.dumps({"refused": str(error), "host": platform.node()})


def leave(outfit: bytes) -> None:
    """Put away what a run has in this process, even in the middle of a hand-in."""
    with opening:
        bench = benches.pop(outfit, None)
    if bench is not None:
        bench.close()


@atexit.register
def leave_all() -> None:
    """Put away what this process has of any run, for good: whoever asks for more waits for the end of the process."""
    opening.acquire()
    for bench in benches.values():
        bench.close()
