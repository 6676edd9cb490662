"""Running cells and comparing what they give: nbval's collector, items and kernel, made fit for strangers' code.

What differs from `pytest --nbval`: references are kept in memory and never reach a file or the student's kernel; only
the values that a check leaves are compared, each within its exercise's tolerance; an error that hides itself is seen in
the reply; a dead kernel is noticed at once; time and output have limits per exercise; results go by exercise, not by
cell number.
"""

import contextlib
import io
import os
import tempfile
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
NOT_NEEDED = (
    "cacheprovider",
    "faulthandler",
    "logging",
    "warnings",
    "unraisableexception",
    "threadexception",
    "doctest",
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

    record: Any = None  # the values that the check recorded, as they came
    same: bool = False  # nbval found them equal to the reference
    error: tuple[str, str] | None = None  # name and text of the first exception
    stopped: str = ""  # why the kernel was ended
    fresh: bool = True  # no other answer ran in this kernel before

    @property
    def attempted(self) -> bool:
        """Whether there was an answer to judge."""
        return not (isinstance(self.record, dict) and self.record.get("not_attempted") is True)


class Cell(IPyNbCell):
    """One cell of one exercise, as an item of pytest."""

    def __init__(self, *, task: Task, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.task = task
        self.checks = self.options["check"]

    def setup(self) -> None:
        """Have a kernel ready; skip what an earlier cell of the exercise made pointless."""
        if not self.parent.wants(self.task):
            pytest.skip("already right")
        if not self.checks:
            self.parent.begin(self.task)
        elif self.parent.attempts[self.task.exercise].stopped:
            pytest.skip("its answer ended the kernel")
        elif not self.parent.kernel.is_alive():
            self.parent.attempts[self.task.exercise].stopped = "died"
            pytest.skip("its answer ended the kernel, after it had answered")

    def runtest(self) -> None:
        """Run the cell with nbval, which compares it, and note for its exercise what came."""
        attempt = self.parent.attempts[self.task.exercise]
        kernel = self.parent.kernel
        if self.checks:
            reference = self.parent.plugin.engine.references[self.task.exercise]
            self.cell.outputs = [_output(reference)]
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
            outputs = self.test_outputs or []
            errors = [(str(out.ename), str(out.evalue)) for out in outputs if out.output_type == "error"]
            if not errors and kernel.status == "error":
                errors = [("HiddenError", "the cell kept its error from being shown")]
            attempt.error = attempt.error or next(iter(errors), None)
            if self.checks:
                records = values_of(outputs)
                attempt.record = records[0] if len(records) == 1 else None

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

    def __init__(
        self, *, plugin: "Plugin", tasks: Sequence[Task], first: "Notebook | None" = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.plugin, self.tasks, self.first = plugin, tasks, first
        self.attempts: dict[str, Attempt] = {}

    def collect(self) -> Iterator[Cell]:
        """Two items per exercise: its answer, its check."""
        for task in self.tasks:
            for role, source in (("answer", task.answer), ("check", task.check)):
                cell = nbformat.v4.new_code_cell(source, execution_count=1)
                options = {"check": role == "check", "skip": False, "check_exception": False}
                name = f"{role}-{task.exercise}"
                yield Cell.from_parent(self, name=name, cell_num=0, cell=cell, options=options, task=task)

    def setup(self) -> None:
        """Nothing yet: a kernel is started by the first cell that needs one."""

    def wants(self, task: Task) -> bool:
        """Whether the exercise is to be run here: a second time only if another answer may have spoilt the first."""
        if self.first is None:
            return True
        before = self.first.attempts[task.exercise]
        doubtful = not before.fresh or before.stopped == "died"  # a death is believed when it comes twice
        return before.attempted and doubtful and not (before.same and before.error is None)

    def begin(self, task: Task) -> None:
        """Before an answer: a kernel that is alive and set up, with this exercise's time and output before it."""
        engine, kernel = self.plugin.engine, self.kernel
        fresh = kernel is None or not kernel.is_alive()
        if kernel is None or fresh:
            self.teardown()
            self.kernel = kernel = engine.start()
            engine.set_up(kernel, self.plugin.setup_source)
        kernel.allow(engine.timeout)
        self.attempts[task.exercise] = Attempt(fresh=fresh)

    def teardown(self) -> None:
        """End the kernel."""
        if self.kernel is not None:
            self.kernel.stop()
            self.kernel = None


class Submission(pytest.File):
    """One submission: all its exercises together, and then each alone that was not right among the others."""

    def __init__(self, *, plugin: "Plugin", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plugin = plugin

    def collect(self) -> Iterator[Notebook]:
        """The notebook, and a notebook per exercise."""
        parts = {"plugin": self.plugin, "path": self.path}
        together = Notebook.from_parent(self, name="together", tasks=self.plugin.tasks, **parts)
        alone = [
            Notebook.from_parent(self, name=f"alone-{task.exercise}", tasks=[task], first=together, **parts)
            for task in self.plugin.tasks
        ]
        self.plugin.notebooks = [together, *alone]
        yield from self.plugin.notebooks


class Plugin:
    """The plugin of pytest that collects one submission from memory and keeps its results."""

    def __init__(self, engine: "Engine", setup_source: str, tasks: Sequence[Task]) -> None:
        self.engine, self.setup_source, self.tasks = engine, setup_source, tasks
        self.notebooks: list[Notebook] = []
        self.trouble: CourseError | None = None

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Submission | None:
        """The submission stands where pytest finds an empty notebook."""
        return Submission.from_parent(parent, path=file_path, plugin=self) if file_path.suffix == ".ipynb" else None

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> None:
        """Tell the machine's failures from those of the submission, which come in two kinds."""
        if call.excinfo is None or isinstance(call.excinfo.value, (NbCellError, Stopped, pytest.skip.Exception)):
            return
        error = call.excinfo.value
        self.trouble = error if isinstance(error, CourseError) else EngineError(f"{type(error).__name__}: {error}")
        item.session.shouldfail = "the machine fails"  # nothing that follows would count

    def attempts(self) -> dict[str, Attempt]:
        """The last attempt at each exercise."""
        return {exercise: attempt for notebook in self.notebooks for exercise, attempt in notebook.attempts.items()}


class Engine:
    """Runs submissions, one after the other; keeps a kernel of its own for the references.

    timeout : seconds that the answer and the check of one exercise may take together
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
        self.references: dict[str, Any] = {}
        self._trusted: Kernel | None = None
        self._spare: Kernel | None = None
        self._nursery: Nursery | None = None
        self.walls: Walls = Bubblewrap(hidden) if sandbox == "bubblewrap" else NoWalls()
        self._forked = kernels == "forked" and isinstance(self.walls, Bubblewrap)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """End the kernels and take the walls down."""
        self.rest()
        self.walls.close()

    def rest(self) -> None:
        """End all kernels; new ones are started when they are needed."""
        for process in (self._trusted, self._spare, self._nursery):
            if process is not None:
                process.stop()
        self._trusted = self._spare = self._nursery = None

    def _new(self) -> Kernel:
        """A kernel that is on its way."""
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

    def run(self, setup_source: str, tasks: Sequence[Task]) -> dict[str, Attempt]:
        """Run one submission; once more, with new kernels, when the machine fails.

        Raises SolutionError when the solution is at fault, EngineError when the machine fails again and again.
        """
        for left in reversed(range(RUN_TRIES)):
            try:
                return self._run(setup_source, tasks)
            except SolutionError:
                raise
            except (EngineError, OSError, Stopped) as error:
                self.rest()
                if not left:
                    raise EngineError(f"this machine fails: {error}; no grade came of it") from error
        raise AssertionError

    def _run(self, setup_source: str, tasks: Sequence[Task]) -> dict[str, Attempt]:
        self._make_references(setup_source, tasks)
        plugin = Plugin(self, setup_source, tasks)
        with tempfile.TemporaryDirectory() as folder, _own_pytest(), contextlib.redirect_stdout(io.StringIO()) as told:
            place, settings = Path(folder) / "submission.ipynb", Path(folder) / "pytest.ini"
            place.touch()
            settings.write_text("[pytest]\n", encoding="utf-8")
            options = ["-q", "-s", "--tb=no", "--color=no", "--noconftest", "--assert=plain"]
            options += [f"-pno:{name}" for name in NOT_NEEDED]
            options += ["-c", str(settings), f"--rootdir={folder}", str(place)]
            code = pytest.main(options, plugins=[nbval.plugin, plugin])
        if code == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if plugin.trouble is not None:
            raise plugin.trouble
        attempts = plugin.attempts()
        if missing := [task.exercise for task in tasks if task.exercise not in attempts]:
            raise EngineError(f"no result for {', '.join(missing)}:\n{told.getvalue()[-2000:]}")
        return attempts

    def _make_references(self, setup_source: str, tasks: Sequence[Task]) -> None:
        """Run the instructor's answers on the same inputs, in a kernel that only they ever enter."""
        self.references = {}
        if self._trusted is None or not self._trusted.is_alive():
            self._trusted = self.start()
        self.set_up(self._trusted, setup_source)
        for task in tasks:
            self._trusted.allow(START_LIMIT)
            error, _ = self._trusted.run(task.reference)
            check_error, shown = self._trusted.run(task.check)
            records = values_of(shown)
            if error or check_error or len(records) != 1:
                what = error or check_error or "no error"
                raise SolutionError(f"the solution of {task.exercise} gives no values: {what}; try `course build`")
            self.references[task.exercise] = records[0]


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
