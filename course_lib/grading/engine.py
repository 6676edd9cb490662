"""Running cells and comparing what they give: nbval's collector, items and kernel, made fit for strangers' code.

What differs from `pytest --nbval`: references are kept in memory and never reach a file or the student's kernel; only
the values that a check leaves are compared, each within its exercise's tolerance; an error that hides itself is seen in
the reply; a dead kernel is noticed at once; time and output have limits per exercise; results go by exercise, not by
cell number.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nbformat
import nbval.plugin
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from course_lib._errors import CourseError
from course_lib.grading.box import Bubblewrap, NoWalls, SandboxError, Walls
from course_lib.grading.kernels import (
    START_LIMIT,
    EngineError,
    ForkedKernel,
    JupyterKernel,
    Kernel,
    Nursery,
    Stopped,
)

VALUES = "application/vnd.course-lib.values+json"
START_TRIES = RUN_TRIES = 3
NOTEBOOK_TIMEOUTS = 3  # what the answers of a notebook may take, before the others get a tenth of the time
NOT_NEEDED = (
    *("assertion", "cacheprovider", "debugging", "doctest", "faulthandler", "junitxml", "legacypath", "logging"),
    *("monkeypatch", "pastebin", "python", "recwarn", "reports", "setuponly", "setupplan", "skipping", "stepwise"),
    *("subtests", "threadexception", "tmpdir", "unittest", "unraisableexception", "warnings"),
)


class SolutionError(EngineError):
    """The instructor's own cells do not run."""


@dataclass(frozen=True)
class Task:
    """One exercise of a submission: the cells to run, and how two records of values are compared."""

    exercise: str
    reference: str  # source of the instructor's answer cell
    answer: str  # source of the student's
    check: str  # source of the instructor's check cell
    same: Callable[[Any, Any], bool]  # same(reference record, record)


@dataclass
class Attempt:
    """What the two cells of an exercise gave."""

    record: Any = None  # the values that the check recorded of this exercise, as they came
    same: bool = False  # nbval found them equal to the reference
    error: tuple[str, str] | None = None  # name and text of the first exception
    stopped: str = ""  # why the kernel was ended
    allowed: float = 0.0  # seconds that it had
    fresh: bool = True  # no other answer ran in this kernel before

    @property
    def attempted(self) -> bool:
        """Whether there was an answer to judge."""
        return not (isinstance(self.record, dict) and self.record.get("not_attempted") is True)

    @property
    def doubtful(self) -> bool:
        """Whether another answer may have spoilt it, so that it has to be run alone."""
        believed = self.fresh and self.stopped != "died"  # a death is believed when it comes twice
        return self.attempted and not believed and not (self.same and self.error is None)


Attempts = dict[str, Attempt]


@dataclass(frozen=True)
class Job:
    """One submission: the setup cell, its exercises, and who is told what came: attempts, or the machine's failure."""

    setup: str
    tasks: Sequence[Task]
    tell: Callable[[Attempts | EngineError], object]


class Cell(IPyNbCell):
    """One cell of one exercise, as an item of pytest."""

    def __init__(self, *, task: Task, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.task = task
        self.checks = self.options["check"]

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it stands: in memory."""
        return self.path, None, self.name

    def setup(self) -> None:
        """Have a kernel ready; skip what an earlier cell made pointless."""
        if self.parent.run.trouble is not None:
            pytest.skip("the machine fails")  # nothing that follows would count
        if not self.checks:
            self.parent.begin(self.task)
        elif self.parent.attempts[self.task.exercise].stopped:
            pytest.skip("its answer ended the kernel")
        elif not self.parent.kernel.is_alive():
            self.parent.attempts[self.task.exercise].stopped = "died"
            pytest.skip("its answer ended the kernel, after it had answered")

    def runtest(self) -> None:
        """Run the cell with nbval, which compares it, and note for its exercise what came."""
        run, kernel = self.parent.run, self.parent.kernel
        attempt = self.parent.attempts[self.task.exercise]
        if self.checks:
            self.cell.outputs = [_output(run.reference(self.task.exercise))]
        began = time.monotonic()
        try:
            super().runtest()
            if kernel.status != "ok":
                self.raise_cell_error("the cell failed but hid its error")
            attempt.same = self.checks
        except Stopped as stopped:
            if kernel.at_fault():
                raise EngineError("a kernel died without its answer being to blame") from stopped
            attempt.stopped = stopped.why
            raise
        except RecursionError:
            self.raise_cell_error("the kernel sent something that is nested without end")
        finally:
            run.seconds -= time.monotonic() - began
            outputs = self.test_outputs or []
            errors = [(str(out.ename), str(out.evalue)) for out in outputs if out.output_type == "error"]
            if not errors and kernel.status == "error":
                errors = [("HiddenError", "the cell kept its error from being shown")]
            attempt.error = attempt.error or next(iter(errors), None)
            if self.checks:
                records = values_of(outputs)
                if len(records) == 1 and isinstance(records[0], dict) and records[0].get("id") == self.task.exercise:
                    attempt.record = records[0]

    def compare_outputs(self, test: Sequence[Any], ref: Sequence[Any], skip_compare: Any = None) -> bool:
        """nbval's comparison, of the recorded values alone: prints, plots and warnings cost nothing."""
        try:
            return super().compare_outputs(_only_values(test), _only_values(ref), skip_compare)
        except Exception:  # a record that is no record, values nested without end: not the right ones
            return False

    def sanitize(self, s: Any) -> Any:
        """Give nbval, which asks for ``!=``, values that know how near is near enough."""
        return _Values(s, self.task.same)

    def format_output_compare(self, key: str, left: Any, right: Any) -> None:
        """Say that values differ, and no more: the reference is not for any report."""
        self.comparison_traceback.append("the values differ")


class _Values:
    """A record as nbval compares it: ``reference != value`` asks the exercise."""

    def __init__(self, record: Any, same: Callable[[Any, Any], bool]) -> None:
        self.record, self.same = record, same

    def __ne__(self, other: object) -> bool:
        return not (isinstance(other, _Values) and self.same(self.record, other.record))


def values_of(outputs: Sequence[Any]) -> list[Any]:
    """The records of values among the outputs of a cell."""
    return [out["data"][VALUES] for out in outputs if isinstance(out.get("data"), dict) and VALUES in out["data"]]


def _only_values(outputs: Sequence[Any]) -> list[Any]:
    return [_output(record) for record in values_of(outputs)]


def _output(record: Any) -> nbformat.NotebookNode:
    """An output as nbval compares it; making it with `new_output` would take its time to validate it."""
    return nbformat.NotebookNode(output_type="display_data", data={VALUES: record}, metadata={})


class Notebook(IPyNbFile):
    """Exercises that share a kernel, as a collector of pytest: the whole submission, or one exercise alone."""

    kernel: Kernel | None = None

    def __init__(self, *, run: "Run", tasks: Sequence[Task], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run, self.tasks = run, tasks
        self.attempts: Attempts = {}

    def collect(self) -> Iterator[Cell]:
        """Two items per exercise: its answer, its check."""
        for task in self.tasks:
            for role, source in (("answer", task.answer), ("check", task.check)):
                cell = nbformat.NotebookNode(
                    cell_type="code", source=source, metadata={}, outputs=[], execution_count=1
                )
                options = {"check": role == "check", "skip": False, "check_exception": False}
                name = f"{role}-{task.exercise}"
                yield Cell.from_parent(self, name=name, cell_num=0, cell=cell, options=options, task=task)

    def setup(self) -> None:
        """Nothing yet: a kernel is started by the first cell that needs one."""

    def begin(self, task: Task) -> None:
        """Before an answer: a kernel that is alive and set up, with this exercise's time and output before it."""
        engine, kernel = self.run.engine, self.kernel
        fresh = kernel is None or not kernel.is_alive()
        if kernel is None or fresh:
            self.teardown()
            self.kernel = kernel = engine.start()
            engine.set_up(kernel, self.run.job.setup)
        allowed = self.run.allowed()
        kernel.allow(allowed)
        self.attempts[task.exercise] = Attempt(fresh=fresh, allowed=allowed)

    def teardown(self) -> None:
        """End the kernel."""
        if self.kernel is not None:
            self.kernel.stop()
            self.kernel = None


class Run:
    """One try at one submission: its references, and the time that it has left."""

    def __init__(self, engine: "Engine", job: Job) -> None:
        self.engine, self.job = engine, job
        self.seconds = NOTEBOOK_TIMEOUTS * engine.timeout
        self.trouble: CourseError | None = None
        self._asked = engine.ask_references(job)
        self._references: dict[str, Any] = {}

    def reference(self, exercise: str) -> Any:
        """The record of values that the solution gives."""
        if not self._references:
            self._references = self.engine.take_references(self.job, self._asked)
        return self._references[exercise]

    def allowed(self) -> float:
        """Seconds for the next exercise: a tenth of the usual when those before it took what the notebook has."""
        return self.engine.timeout if self.seconds > 0 else self.engine.timeout / 10


class Plugin:
    """The plugin of pytest that makes one session of many submissions, from memory; nothing is kept of those done."""

    def __init__(self, engine: "Engine", jobs: Iterable[Job]) -> None:
        self.engine, self.jobs = engine, jobs
        self.error: BaseException | None = None
        self.began = False

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Nobody reads pytest's own report, and it would keep all results."""
        config.pluginmanager.unregister(name="terminalreporter")

    def pytest_collection(self) -> bool:
        """No files are collected: what is run is collected when its turn comes."""
        return True

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run one submission after the other. What stops it is kept, for pytest would turn it into text."""
        self.began = True
        try:
            for job in self.jobs:
                job.tell(self.attempts(session, job))
        except BaseException as error:
            self.error = error
        return True

    def attempts(self, session: pytest.Session, job: Job) -> Attempts | EngineError:
        """What came of one submission, with new kernels when the machine fails, and at last its failure."""
        for left in reversed(range(RUN_TRIES)):
            try:
                return self.run(session, Run(self.engine, job))
            except SolutionError:
                raise
            except (EngineError, OSError, Stopped) as error:
                self.engine.rest()
                if not left:
                    return EngineError(f"this machine fails: {error}; no grade came of it")
        raise AssertionError

    def run(self, session: pytest.Session, run: Run) -> Attempts:
        """All exercises together, and then each alone that another may have spoilt."""

        def collected(tasks: Sequence[Task]) -> Attempts:
            notebook = Notebook.from_parent(session, path=session.path / "submission.ipynb", run=run, tasks=tasks)
            cells = [*notebook.collect()]
            for cell, following in zip(cells, [*cells[1:], None], strict=True):
                session.config.hook.pytest_runtest_protocol(item=cell, nextitem=following)
            if run.trouble is not None:
                raise run.trouble
            return notebook.attempts

        attempts = collected(run.job.tasks)
        for task in run.job.tasks:
            if attempts[task.exercise].doubtful:
                attempts |= collected([task])
        return attempts

    def pytest_runtest_makereport(self, item: Cell, call: pytest.CallInfo) -> None:
        """Tell the machine's failures from those of the submission, which come in two kinds."""
        if call.excinfo is None or isinstance(call.excinfo.value, (NbCellError, Stopped, pytest.skip.Exception)):
            return
        error = call.excinfo.value
        item.parent.run.trouble = (
            error if isinstance(error, CourseError) else EngineError(f"{type(error).__name__}: {error}")
        )


class Engine:
    """Runs submissions, one after the other; keeps a kernel of its own for the references.

    timeout : seconds that the answer and the check of one exercise may take together; once the exercises of a notebook
              have taken three times that, each that is left gets a tenth
    kernels : "forked" from a warm process, or an "ipykernel" each time: slower, and the same verdicts
    sandbox : "bubblewrap", or "none", which leaves the machine open to what was handed in (and needs ipykernels)
    hidden  : folders that no kernel may see

    Raises SandboxError where the sandbox cannot be made.
    """

    def __init__(
        self,
        timeout: float = 20.0,
        kernels: Literal["forked", "ipykernel"] = "forked",
        sandbox: Literal["bubblewrap", "none"] = "bubblewrap",
        hidden: Iterable[Path] = (),
    ) -> None:
        self.timeout = timeout
        self._trusted: Kernel | None = None
        self._spare: Kernel | None = None
        self._nursery: Nursery | None = None
        self._closed = False
        self.walls: Walls = Bubblewrap(hidden) if sandbox == "bubblewrap" else NoWalls()
        self._forked = kernels == "forked" and isinstance(self.walls, Bubblewrap)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """End the kernels and take the walls down; another thread that is running a submission gets no new kernel."""
        self._closed = True
        self.rest()
        self.walls.close()

    def rest(self) -> None:
        """End all kernels; new ones are started when they are needed."""
        for process in (self._trusted, self._spare, self._nursery):
            if process is not None:
                process.stop()
        self._trusted = self._spare = self._nursery = None

    def _new(self) -> Kernel:
        """A kernel that is on its way. Raises EngineError where the engine has been closed."""
        if self._closed:
            raise EngineError("it was stopped")
        if not self._forked:
            return JupyterKernel(self.walls)
        if self._nursery is None or not self._nursery.is_alive():
            self.rest()
            assert isinstance(self.walls, Bubblewrap)
            self._nursery = Nursery(self.walls)
        return ForkedKernel(self._nursery)

    def start(self) -> Kernel:
        """A new kernel in a new box, ready; the next one is on its way while this one works."""
        for _ in range(START_TRIES):
            kernel, self._spare = self._spare or self._new(), None
            try:
                kernel.wait()
            except (OSError, RuntimeError, Stopped):
                kernel.stop()
                continue
            self._spare = self._new()
            return kernel
        raise SandboxError(self.walls.why_not())

    def set_up(self, kernel: Kernel, source: str) -> None:
        """Run the setup cell, which is the instructor's."""
        kernel.allow(START_LIMIT)
        if error := kernel.run(source)[0]:
            raise SolutionError(f"the setup cell of the solution notebook fails with {error}")

    def run(self, setup_source: str, tasks: Sequence[Task]) -> Attempts:
        """Run one submission. Raises what `run_all` raises, and EngineError when the machine fails again and again."""
        came: list[Attempts | EngineError] = []
        self.run_all([Job(setup_source, tasks, came.append)])
        if isinstance(came[0], EngineError):
            raise came[0]
        return came[0]

    def run_all(self, jobs: Iterable[Job]) -> None:
        """Run submissions in one session of pytest; the next one is taken when the one before has been told.

        Each has a kernel of its own, once more a new one when the machine fails. Raises SolutionError when a solution
        is at fault, SandboxError where there is no sandbox, and what the jobs themselves raise.
        """
        plugin = Plugin(self, jobs)
        with tempfile.TemporaryDirectory() as folder, _own_pytest():
            settings = Path(folder) / "pytest.ini"
            settings.write_text("[pytest]\n", encoding="utf-8")
            options = ["-s", "--tb=no", "--color=no", "--noconftest"]
            options += [f"-pno:{name}" for name in NOT_NEEDED]
            code = pytest.main([*options, "-c", str(settings), f"--rootdir={folder}"], plugins=[nbval.plugin, plugin])
        if plugin.error is not None:
            raise plugin.error
        if not plugin.began:
            raise EngineError(f"pytest does not start: {code}")

    def ask_references(self, job: Job) -> str:
        """Have the instructor's answers run on the same inputs, in a kernel that only they ever enter."""
        if self._trusted is None or not self._trusted.is_alive():
            self._trusted = self.start()
        self._trusted.allow(START_LIMIT * (1 + len(job.tasks)))
        cells = [job.setup, *(source for task in job.tasks for source in (task.reference, task.check))]
        return self._trusted.execute_cell_input("\n".join(cells), allow_stdin=False)

    def take_references(self, job: Job, request: str) -> dict[str, Any]:
        """The records of values by exercise, from what was asked for. Raises SolutionError where there is none."""
        assert self._trusted is not None
        error, shown = self._trusted.result(request)
        records = values_of(shown)
        if not error and len(records) == len(job.tasks):
            return {task.exercise: record for task, record in zip(job.tasks, records, strict=True)}
        self.set_up(self._trusted, job.setup)  # one by one, to find the one that is to blame
        references = {}
        for task in job.tasks:
            self._trusted.allow(START_LIMIT)
            error, _ = self._trusted.run(task.reference)
            check_error, shown = self._trusted.run(task.check)
            records = values_of(shown)
            if error or check_error or len(records) != 1:
                what = error or check_error or "no error"
                raise SolutionError(f"the solution of {task.exercise} gives no values: {what}; try `course build`")
            references[task.exercise] = records[0]
        return references


@contextlib.contextmanager
def _own_pytest() -> Iterator[None]:
    """Keep what the environment says to pytest, and its plugins, away from this run."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PYTEST_")}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update(kept)
