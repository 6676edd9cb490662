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
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import nbval.plugin
import pytest
import zmq
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

from course_lib._errors import CourseError
from course_lib.grading.box import Box

VALUES = "application/vnd.course-lib.values+json"
OUTPUT_LIMIT = 8 * 2**20  # bytes that the cells of one exercise may send
START_LIMIT = 60.0  # seconds until a kernel must answer
START_TRIES = 3
WARM_UP = "import numpy, course_lib.exercises.session"
NOT_NEEDED = (
    "cacheprovider",
    "faulthandler",
    "logging",
    "warnings",
    "unraisableexception",
    "threadexception",
    "doctest",
)


class EngineError(CourseError):
    """The machine or the course is at fault, not a submission: no grade may come of it."""


class Stopped(Exception):
    """The kernel was ended in the middle of a cell; ``why`` is "time", "died" or "output"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Task:
    """One exercise of a submission: the cells to run, and how two records of values are compared."""

    exercise: str
    reference: str  # source of the instructor's answer cell
    answer: str  # source of the student's
    check: str  # source of the instructor's check cell
    inputs: str  # the drawn inputs as text: references are made once for each
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


class Kernel(RunningKernel):
    """nbval's kernel in a box, with a deadline, an output limit and an eye on its process.

    Its process is started at once and loads what every setup cell needs; `wait` until it answers.
    """

    def __init__(self) -> None:
        self.status = ""
        self.box = Box()
        self.km = self.box.start()
        self.kc = self.km.client()
        self.kc.start_channels(stdin=False, hb=False, control=False)
        channels = {"shell": self.kc.shell_channel, "iopub": self.kc.iopub_channel}
        self._waiting: dict[str, deque[dict]] = {name: deque() for name in channels}
        self._sockets: dict[zmq.Socket, str] = {}
        self._poller = zmq.Poller()
        for name, channel in channels.items():
            socket: zmq.Socket = zmq.Socket.shadow(channel.socket.underlying)
            self._sockets[socket] = name
            self._poller.register(socket, zmq.POLLIN)
        self.execute_cell_input(WARM_UP, allow_stdin=False)

    def wait(self) -> None:
        """Wait until both channels answer one request. Raises Stopped when the process ends or the time is up."""
        self.allow(START_LIMIT)
        while True:
            request = self.kc.kernel_info()
            try:
                self.await_reply(request, timeout=START_LIMIT)
                return self.await_idle(request, timeout=1.0)
            except Empty:
                continue

    def allow(self, seconds: float, bytes_out: int = OUTPUT_LIMIT) -> None:
        """Set the time and the output that are left from now on."""
        self._deadline = time.monotonic() + seconds
        self._bytes_left = bytes_out

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """Wait for the reply to a request and note its status; the outputs on the way are kept for `get_message`."""
        while True:
            message = self.get_message("shell")
            if message["parent_header"].get("msg_id") == msg_id:
                self.status = str(message["content"].get("status"))
                return

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        """The next message of a channel. Raises Empty after ``timeout`` seconds, Stopped when the kernel is no more."""
        until = time.monotonic() + timeout if timeout is not None else float("inf")
        waiting = self._waiting[stream]
        while not waiting:
            left = min(until, self._deadline) - time.monotonic()
            if left > 0:
                if not self._receive(min(left, 0.25)) and not self.is_alive() and not self._receive(0.05):
                    raise Stopped("died")
            elif until <= self._deadline:
                raise Empty
            else:
                self.km.shutdown_kernel(now=True)
                raise Stopped("time")
        return waiting.popleft()

    def _receive(self, seconds: float) -> bool:
        """Take one message off every channel that has one; count its bytes before it is read."""
        ready = self._poller.poll(max(1, round(1000 * seconds)))
        for socket, _ in ready:
            frames = socket.recv_multipart()
            self._bytes_left -= sum(map(len, frames))
            if self._bytes_left < 0:
                self.km.shutdown_kernel(now=True)
                raise Stopped("output")
            with contextlib.suppress(Exception):  # what is no message of the protocol is not heard
                _, frames = self.kc.session.feed_identities(frames)
                message = self.kc.session.deserialize(frames)
                if isinstance(message["parent_header"], dict) and isinstance(message["content"], dict):
                    self._waiting[self._sockets[socket]].append(message)
        return bool(ready)

    def run(self, source: str) -> tuple[str, list[dict]]:
        """Run a cell of the instructor's; return its error, "" where there is none, and what the cell displayed."""
        request = self.execute_cell_input(source, allow_stdin=False)
        self.await_reply(request)
        shown: list[dict] = []
        error = ""
        while True:
            message = self.get_message("iopub", timeout=5.0)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return error or ("" if self.status == "ok" else self.status), shown
            if message["msg_type"] in ("display_data", "execute_result"):
                shown.append(message["content"])
            if message["msg_type"] == "error":
                error = f"{message['content']['ename']}: {message['content']['evalue']}"

    def stop(self) -> None:
        """End the kernel's process and remove its box."""
        if hasattr(self, "km"):
            self.kc.stop_channels()
            self.km.shutdown_kernel(now=True)
            del self.km
        self.box.remove()


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

    def runtest(self) -> None:
        """Run the cell with nbval, which compares it, and note for its exercise what came."""
        attempt = self.parent.attempts[self.task.exercise]
        kernel = self.parent.kernel
        if self.checks:
            reference = self.parent.plugin.engine.references[self.task.exercise, self.task.inputs]
            self.cell.outputs = [nbformat.v4.new_output("display_data", data={VALUES: reference})]
        try:
            super().runtest()
            if kernel.status != "ok":
                self.raise_cell_error("the cell failed but hid its error")
            attempt.same = self.checks
        except Stopped as stopped:
            attempt.stopped = stopped.why
            raise
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
        return super().compare_outputs(_only_values(test), _only_values(ref), skip_compare)

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
    return [nbformat.v4.new_output("display_data", data={VALUES: record}) for record in values_of(outputs)]


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
        return before.attempted and not before.fresh and not (before.same and before.error is None)

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
        self.trouble: EngineError | None = None

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Submission | None:
        """The submission stands where pytest finds an empty notebook."""
        return Submission.from_parent(parent, path=file_path, plugin=self) if file_path.suffix == ".ipynb" else None

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> None:
        """Tell the machine's failures from those of the submission."""
        if call.excinfo is not None and isinstance(call.excinfo.value, EngineError):
            self.trouble = call.excinfo.value

    def attempts(self) -> dict[str, Attempt]:
        """The last attempt at each exercise."""
        return {exercise: attempt for notebook in self.notebooks for exercise, attempt in notebook.attempts.items()}


class Engine:
    """Runs submissions, one after the other; keeps a kernel of its own for the references.

    timeout : seconds that the answer and the check of one exercise may take together
    """

    def __init__(self, timeout: float = 20.0) -> None:
        self.timeout = timeout
        self.references: dict[tuple[str, str], Any] = {}
        self._trusted: Kernel | None = None
        self._spare: Kernel | None = None

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """End the kernels."""
        for kernel in (self._trusted, self._spare):
            if kernel is not None:
                kernel.stop()
        self._trusted = self._spare = None

    def start(self) -> Kernel:
        """A new kernel in a new box, ready; the next one is on its way while this one works."""
        for _ in range(START_TRIES):
            kernel, self._spare = self._spare or Kernel(), None
            try:
                kernel.wait()
            except (OSError, RuntimeError, Stopped):
                kernel.stop()
                continue
            self._spare = Kernel()
            return kernel
        raise EngineError(f"no kernel would start, in {START_TRIES} tries; is ipykernel installed beside the course?")

    def set_up(self, kernel: Kernel, source: str) -> None:
        """Run the setup cell, which is the instructor's."""
        kernel.allow(START_LIMIT)
        if error := kernel.run(source)[0]:
            raise EngineError(f"the setup cell of the solution notebook fails with {error}")

    def run(self, setup_source: str, tasks: Sequence[Task]) -> dict[str, Attempt]:
        """Run one submission. Raises EngineError when the machine or the solution is at fault."""
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
        """Run the instructor's answers on the same inputs, in the kernel that only they ever enter."""
        wanted = [task for task in tasks if (task.exercise, task.inputs) not in self.references]
        if not wanted:
            return
        self._trusted = self._trusted or self.start()
        self.set_up(self._trusted, setup_source)
        for task in wanted:
            self._trusted.allow(START_LIMIT)
            error, _ = self._trusted.run(task.reference)
            check_error, shown = self._trusted.run(task.check)
            records = values_of(shown)
            if error or check_error or len(records) != 1:
                what = error or check_error or "no error"
                raise EngineError(f"the solution of {task.exercise} gives no values: {what}; try `course build`")
            self.references[task.exercise, task.inputs] = records[0]


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
