"""Spreading a class over workers: this process, processes of this machine, or a Dask cluster, by one interface.

That interface is `concurrent.futures`: a `ThreadPoolExecutor` of one, a `ProcessPoolExecutor`, or the executor of a
Dask client. Only as many hand-ins are on their way as keep the workers busy. A hand-in whose worker is lost is given to
another one.
"""

import json
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, TypeVar

from course_lib._errors import CourseError
from course_lib.grading import bench
from course_lib.grading.gradebook import Graded, from_data

TRIES = 3  # for a hand-in whose worker is lost
CONNECT = 10.0  # seconds in which a scheduler must answer
WORTH_A_START = 16  # hand-ins that take about as long as it takes to start a worker for them
AHEAD = 32  # hand-ins on their way to a cluster, at least, so that it can see how many workers it needs
INSTALL_DASK = "python -m pip install distributed"
T = TypeVar("T")


class Workers:
    """This process alone: nothing to start, which is best for few hand-ins. Other workers are kinds of it."""

    def __init__(self, outfit: bytes) -> None:
        self.outfit = outfit
        self.executor: Executor = ThreadPoolExecutor(1)

    def room(self) -> int:
        """How many hand-ins may be on their way."""
        return 1

    def submit(self, parcel: str) -> "Future[str]":
        """Give a hand-in to a worker."""
        return self.executor.submit(bench.work, self.outfit, parcel)

    def result(self, text: str) -> Graded:
        """What came of a hand-in. Raises CourseError where nothing can be graded."""
        data = json.loads(text)
        if "refused" in data:
            raise CourseError(data["refused"])
        return from_data(data["graded"])

    def close(self) -> None:
        """End the workers, whatever they do."""
        bench.leave(self.outfit)
        self.executor.shutdown(cancel_futures=True)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class Processes(Workers):
    """Processes of this machine. They end when this process lets go of its end of a pipe, however that comes about."""

    def __init__(self, outfit: bytes, count: int) -> None:
        self.outfit, self.count = outfit, count
        self._open()

    def _open(self) -> None:
        self.scratch = tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
        # A fork has all that is imported here already. It is made before this process has threads.
        context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self.theirs, self.ours = context.Pipe(duplex=False)
        ends = (self.theirs, self.ours, self.scratch.name)
        self.executor = ProcessPoolExecutor(self.count, context, initializer=_begin, initargs=ends)

    def room(self) -> int:
        """One more for each worker than it grades, so that none waits."""
        return 2 * self.count

    def submit(self, parcel: str) -> "Future[str]":
        """Give a hand-in to a worker; when one was lost, its executor is of no more use, and there is a new one."""
        with _not_interrupted():
            try:
                return super().submit(parcel)
            except BrokenProcessPool:
                self.close()
                self._open()
                return super().submit(parcel)

    def close(self) -> None:
        """End the processes, and delete whatever they left."""
        self.ours.close()
        self.executor.shutdown(cancel_futures=True)
        self.theirs.close()
        self.scratch.cleanup()


def _begin(theirs: Connection, ours: Connection, scratch: str) -> None:
    """First thing in a worker process."""
    ours.close()
    tempfile.tempdir = scratch
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends Ctrl-C to all: the first process will say
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_until_let_go, args=(theirs, scratch), daemon=True).start()


def _until_let_go(theirs: Connection, scratch: str) -> None:
    with suppress(EOFError, OSError):
        theirs.recv_bytes()
    bench.leave_all()  # from here on this process makes nothing new, so the last one that gets here finds everything
    shutil.rmtree(scratch, ignore_errors=True)  # the first process may have been killed
    os._exit(0)


@contextmanager
def _not_interrupted() -> Iterator[None]:
    """Keep Ctrl-C until the end, and from processes that are started meanwhile."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Cluster(Workers):
    """The workers of a Dask scheduler. Raises CourseError where there is no Dask, or no scheduler at the address."""

    def __init__(self, outfit: bytes, address: str) -> None:
        try:
            import distributed
        except ImportError:
            raise CourseError(f"--dask needs Dask, which is not installed here; try: {INSTALL_DASK}") from None
        self.outfit, self.address = outfit, address
        if not re.fullmatch(r"(\w+://)?[^\s/]+:\d{1,5}/?", address):
            raise CourseError(f"expected the address of a Dask scheduler such as tcp://127.0.0.1:8786, got {address!r}")
        try:
            self.client = distributed.Client(address, timeout=CONNECT, set_as_default=False)
        except Exception as error:
            raise CourseError(
                f"no Dask scheduler answers at {address} within {CONNECT:g} seconds ({type(error).__name__}); is it "
                "running, and is the address the one that it printed?"
            ) from error
        self.executor = self.client.get_executor(pure=False)
        self._asked, self._count = 0.0, 0
        threads = self.client.nthreads()
        if not threads:
            print(f"waiting for workers of the scheduler at {address}", file=sys.stderr)
        if more := [worker for worker, count in threads.items() if count > 1]:
            print(
                f"{len(more)} workers have more than one thread and grade with one; start them with --nthreads 1 and "
                "--nworkers as many as there are cores",
                file=sys.stderr,
            )

    def room(self) -> int:
        """Enough for the workers that there are now, which may come and go."""
        if time.monotonic() - self._asked > 2.0:
            self._asked, self._count = time.monotonic(), len(self.client.nthreads())
        return max(AHEAD, 3 * self._count)

    def submit(self, parcel: str) -> "Future[str]":
        """Give a hand-in to the scheduler."""
        if self.client.status not in ("running", "connecting"):
            raise CourseError(f"the scheduler at {self.address} is gone; the same command goes on from here")
        return super().submit(parcel)

    def result(self, text: str) -> Graded:
        """What came of a hand-in, with the worker's name where it can grade nothing."""
        try:
            return super().result(text)
        except CourseError as error:
            raise CourseError(f"the worker on {json.loads(text)['host']}: {error}") from None

    def close(self) -> None:
        """Have the workers put this run away, and hang up."""
        self.executor.shutdown(wait=False)
        with suppress(Exception):  # a worker that is gone has nothing to put away
            self.client.run(bench.leave, self.outfit, on_error="ignore")
        self.client.close()


def crew(outfit: bytes, hand_ins: int, workers: int, dask: str = "") -> Workers:
    """Workers for some hand-ins: no more processes than are worth their start, and a cluster only if there is work."""
    if dask and hand_ins:
        return Cluster(outfit, dask)
    useful = min(workers, -(-hand_ins // WORTH_A_START))
    return Processes(outfit, useful) if useful > 1 else Workers(outfit)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(workers: Workers, parcels: Iterable[tuple[T, str]]) -> Iterator[tuple[T, Graded | str]]:
    """Grade all parcels: each with its result, or with the reason why this machine failed, as soon as it is there.

    parcels : (whatever it is known by, its text); the next one is taken when there is room for it

    Raises CourseError where nothing can be graded.
    """
    todo = iter(parcels)
    done: SimpleQueue[Future[str]] = SimpleQueue()
    running: dict[Future[str], tuple[T, str, int]] = {}

    def start(known: T, text: str, tries: int) -> None:
        future = workers.submit(text)
        running[future] = known, text, tries
        future.add_done_callback(done.put)

    while True:
        while len(running) < workers.room() and (parcel := next(todo, None)) is not None:
            start(*parcel, 1)
        if not running:
            return
        future = done.get()
        known, text, tries = running.pop(future)
        error = CancelledError() if future.cancelled() else future.exception()
        if error is None:
            yield known, workers.result(future.result())
        elif tries < TRIES:  # a worker was lost, or its machine fails
            start(known, text, tries + 1)
        else:
            yield known, f"its workers failed {tries} times ({type(error).__name__}); grade it again"
