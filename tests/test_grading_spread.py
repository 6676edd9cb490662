"""A class is spread over workers, here or on a cluster: whoever is lost, nothing is, and the bytes are the same."""

import contextlib
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import Future
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
import submissions

from course_lib._errors import CourseError
from course_lib.grading import bench, grade, spread
from course_lib.grading.chapters import Chapters
from course_lib.grading.engine import Engine
from course_lib.grading.gradebook import Graded, asdict
from course_lib.grading.kept import Kept
from course_lib.grading.kernels import EngineError
from course_lib.grading.spread import Processes, Workers, crew
from course_lib.grading.submissions import HandIn

CHAPTER = "05_chain_rule"
SEED = "a secret that is shared"
COUNT = 18
WAIT = 60.0  # seconds until a process that should end is called a finding


def small(notebook):
    """The notebook with two exercises, so that it is graded soon."""
    kept = {"setup", *(f"{role}-{id}" for role in ("answer", "check") for id in ("bracketing", "compose-jacobians"))}
    return notebook | {"cells": [cell for cell in notebook["cells"] if cell.get("id") in kept]}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a class, with solutions of two exercises, and with what grading it in this process gives."""
    place = tmp_path_factory.mktemp("class")
    (place / "solutions").mkdir()
    (place / "in").mkdir()
    solution = json.loads((submissions.ROOT / "solutions" / f"{CHAPTER}.ipynb").read_text(encoding="utf-8"))
    (place / "solutions" / f"{CHAPTER}.ipynb").write_text(json.dumps(small(solution)), encoding="utf-8")
    for k in range(COUNT):
        odd = {1: {"bracketing": "bracketing = ..."}, 2: {"bracketing": "import os; os._exit(1)"}}.get(k % 4, {})
        paper = small(submissions.paper(CHAPTER, f"s{k}", **odd))
        (place / "in" / f"s{k:02}.ipynb").write_text(json.dumps(paper), encoding="utf-8")
    report = run(place, "alone")
    assert {g.points for g in report.graded} == {3, 4}
    return place


def run(place, out, **options):
    return grade(place / "in", place / out, seed=SEED, solutions=place / "solutions", **options)


def command(place, out, *options):
    course = [sys.executable, "-m", "course_lib.cli", "grade", place / "in", "-o", place / out, "--seed", SEED]
    return [*course, "--solutions", place / "solutions", "--root", submissions.ROOT, *options]


def started(command, **options):
    """A process in a session of its own, which hears Ctrl-C, unlike the background jobs of a shell."""
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    return subprocess.Popen(
        command, cwd=submissions.ROOT, text=True, start_new_session=True, preexec_fn=heard, **options
    )


def below(pid):
    """(number, time of start) of all processes that came from one, with their own."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, rest = stat.parent.name, stat.read_text().rpartition(")")[2].split()
            parents[int(name)] = int(rest[1]), rest[19]
    found, new = {}, {pid}
    while new:
        found |= {own: parents[own][1] for own in new if own in parents}
        new = {own for own, (parent, _) in parents.items() if parent in new}
    return found


def gone(processes):
    """Wait until all of them have ended; those that have not."""
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        there = {pid for pid, start in processes.items() if below(pid).get(pid) == start and not zombie(pid)}
        if not there:
            return set()
        time.sleep(0.02)
    return there


def zombie(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def wait_for(results, folder, process):
    while process.poll() is None and len(list((folder / "kept").glob("*.json"))) < results:
        time.sleep(0.02)


# --------------------------------------------------------------------------------------------- processes of a machine
@pytest.mark.parametrize("how", ["Ctrl-C", "kill -9"])
def test_a_run_that_is_ended_leaves_no_process_and_goes_on_to_the_same_bytes(place, tmp_path, how):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    surroundings = os.environ | {"TMPDIR": str(scratch)}
    two = command(place, how, "--workers", "2")
    process = started(two, env=surroundings, stderr=subprocess.PIPE)
    wait_for(3, place / how, process)
    family = below(process.pid)
    assert len(family) > 6, "two workers, and boxes"
    if how == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    else:
        process.kill()
    said = process.communicate()[1]
    assert gone(family) == set()
    assert list(scratch.iterdir()) == []
    assert not (place / how / "gradebook.csv").exists()
    if how == "kill -9":
        return
    assert process.returncode == 130
    assert said.startswith("stopped after ")
    assert "Traceback" not in said
    done = len(list((place / how / "kept").glob("*.json")))
    again = subprocess.run(two, cwd=submissions.ROOT, stderr=subprocess.PIPE, text=True, check=True).stderr
    assert f"graded {COUNT} files, {done} of them before" in again
    assert submissions.reports(place / how) == submissions.reports(place / "alone")


KILL_ONE = """
import multiprocessing, sys
from course_lib import cli
from course_lib.grading.kept import Kept
from course_lib.grading.kernels import EngineError
keep, lost = Kept.keep, []
def keep_and_kill(*given):
    keep(*given)
    if not lost:  # the first result has come in
        lost.append(multiprocessing.active_children()[0])
        lost[0].kill()
Kept.keep = keep_and_kill
code = cli.main(sys.argv[1:])
assert lost[0].exitcode == -9
sys.exit(code)
"""


def test_a_process_that_is_killed_costs_nothing(place):
    program = [sys.executable, "-c", KILL_ONE, *command(place, "killed", "--workers", "2")[3:]]
    done = subprocess.run(program, cwd=submissions.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"graded {COUNT} files in" in done.stderr
    assert submissions.reports(place / "killed") == submissions.reports(place / "alone")


def test_a_process_that_takes_the_place_of_a_lost_one_has_a_folder_of_its_own(place):
    with Processes(fit(place), 1) as staff:
        first = Path(staff.scratch.name)
        assert [came.points for _, came in spread.spread(staff, [(0, parcel(place))])] == [4]
        multiprocessing.active_children()[0].kill()
        assert [came.points for _, came in spread.spread(staff, [(0, parcel(place))])] == [4]
        second = Path(staff.scratch.name)
        assert not first.exists()
        assert [*second.iterdir()], "what it grades with"
    assert not second.exists()


def test_no_more_processes_are_started_than_are_worth_it():
    def size(hand_ins, workers):
        with crew(b"", hand_ins, workers) as staff:
            return staff.count if isinstance(staff, Processes) else type(staff)

    worth = spread.WORTH_A_START
    assert [size(n, 4) for n in (0, 1, worth, worth + 1, 3 * worth, 100)] == [Workers, Workers, Workers, 2, 3, 4]
    assert size(100, 1) is Workers
    assert 1 <= spread.cores() <= os.cpu_count()


# ------------------------------------------------------------------------------------------------------------ a cluster
@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of a Dask scheduler, in a process of its own."""
    told = tmp_path_factory.mktemp("scheduler") / "scheduler.json"
    dask = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    process = started([*dask, "--scheduler-file", told], stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and not (told.exists() and told.read_text().endswith("}")):
            time.sleep(0.02)
        yield json.loads(told.read_text())["address"]
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def dask_workers(scheduler, count, folder):
    """Workers of the scheduler in processes of their own: address -> process."""
    from distributed import Client

    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", folder]
    name = [sys.executable, "-m", "dask", "worker", scheduler, *options, "--name"]
    processes = {str(k): started([*name, str(k)], stderr=subprocess.DEVNULL) for k in range(count)}
    try:
        with Client(scheduler, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=WAIT)
            named = {str(about["name"]): address for address, about in client.scheduler_info()["workers"].items()}
            yield client, {named[name]: process for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()


def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed(place, scheduler, tmp_path, monkeypatch, capsys):
    keep, kept, lost = Kept.keep, [], {}
    with dask_workers(scheduler, 2, tmp_path) as (client, workers):

        def keep_and_kill(self, hand_in, *given):
            keep(self, hand_in, *given)
            kept.append(hand_in.name)
            if len(kept) == 1:  # the first result has come in
                address, process = next(iter(workers.items()))
                assert client.processing()[address], "it has hand-ins to grade"
                lost.update(below(process.pid))
                process.kill()

        monkeypatch.setattr(Kept, "keep", keep_and_kill)
        run(place, "cluster", dask=scheduler)
        assert len(lost) > 2, "a worker, and boxes"
        assert gone(lost) == set()
        assert sorted(kept) == sorted({path.name for path in (place / "in").iterdir()}), "each is graded once"
        left = list(workers.values())[1]
        boxes = below(left.pid)
        assert set(boxes) == {left.pid}, "a worker that stays has put its boxes away"
    assert submissions.reports(place / "cluster") == submissions.reports(place / "alone")
    assert capsys.readouterr().err.startswith(f"graded {COUNT} files in")


def test_ctrl_c_frees_a_cluster_at_once_and_the_next_run_goes_on(place, scheduler, tmp_path):
    with dask_workers(scheduler, 1, tmp_path) as (client, workers):
        [worker] = workers.values()
        process = started(command(place, "freed", "--dask", scheduler), stderr=subprocess.PIPE)
        wait_for(2, place / "freed", process)
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate()[1].startswith("stopped after ")
        assert process.returncode == 130
        assert not any(client.processing().values())
        assert set(below(worker.pid)) == {worker.pid}
        run(place, "freed", dask=scheduler)
    assert submissions.reports(place / "freed") == submissions.reports(place / "alone")


def test_a_scheduler_that_does_not_answer_is_told_within_the_time(place, monkeypatch):
    assert spread.CONNECT == 10
    monkeypatch.setattr(spread, "CONNECT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(CourseError, match=rf"no Dask scheduler answers at tcp://127.0.0.1:{port} within 0.5 seconds"):
        run(place, "nowhere", dask=f"tcp://127.0.0.1:{port}")
    with pytest.raises(CourseError, match=r"expected the address of a Dask scheduler such as .*, got 'somewhere'"):
        run(place, "nowhere", dask="somewhere")


def test_without_dask_it_is_said_how_to_install_it(place, tmp_path):
    """In a Python that has everything but Dask: its site-packages are those of this one, less two."""
    packages = tmp_path / "packages"
    packages.mkdir()
    distributed = Path(distribution("distributed").locate_file(""))
    assert {"dask", "distributed"} <= packages_distributions().keys()
    for path in distributed.iterdir():
        if path.name.split(".")[0].split("-")[0] not in ("dask", "distributed"):
            (packages / path.name).symlink_to(path)
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    surroundings["PYTHONPATH"] = f"{packages}{os.pathsep}{submissions.ROOT}"
    program = command(place, "without", "--dask", "tcp://127.0.0.1:8786")
    program = [program[0], "-S", *program[1:]]
    done = subprocess.run(program, env=surroundings, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert f"--dask needs Dask, which is not installed here; try: {spread.INSTALL_DASK}" in done.stderr


# --------------------------------------------------------------------------------------------------- what a worker has
def fit(place, **other):
    settings = {"timeout": 20.0, "kernels": "forked", "sandbox": "bubblewrap"}
    data = json.loads(zlib.decompress(bench.outfit("a run", Chapters(place / "solutions"), [], settings)))
    return zlib.compress(json.dumps(data | other).encode())


def parcel(place):
    hand_in = HandIn("ann", place / "in" / "s00.ipynb", "s00.ipynb")
    return bench.parcel(hand_in, Chapters(place / "solutions").read(hand_in)[0], SEED)


def test_what_travels_holds_no_output_no_place_and_only_text(place):
    data = json.loads(zlib.decompress(fit(place)))
    assert data["solutions"].keys() == {CHAPTER}
    assert "outputs" not in data["solutions"][CHAPTER]
    assert str(place) not in json.dumps(data) + parcel(place)
    assert json.loads(parcel(place)).keys() == {"whose", "notebook", "secret"}


@pytest.mark.parametrize("what", ["the course", "Python", "numpy"])
def test_a_worker_that_has_another_version_grades_nothing(place, what):
    other = fit(place, versions=bench.versions() | {what: "0.1"})
    told = json.loads(bench.work(other, parcel(place)))
    bench.leave(other)
    assert told["refused"].startswith(f"{what} is not the same as where `course grade` was called")


def test_an_engine_that_nobody_asks_for_anything_is_put_away_and_comes_back(place, monkeypatch):
    monkeypatch.setattr(bench, "IDLE", 0.001)
    own = bench.Bench(fit(place))
    for _ in range(2):
        before = set(threading.enumerate())
        assert own.grade(parcel(place)).points == 4
        for thread in set(threading.enumerate()) - before:
            thread.join(WAIT)
        assert {thread.name for thread in threading.enumerate()} & {"grading"} == set()
    own.close()


def test_what_has_been_put_away_begins_nothing_new(place):
    own = bench.Bench(fit(place))
    assert own.grade(parcel(place)).points == 4
    own.close()
    with pytest.raises(CourseError, match="the run was stopped"):
        own.grade(parcel(place))
    assert {thread.name for thread in threading.enumerate()} & {"grading"} == set()
    engine = Engine()
    engine.close()
    with pytest.raises(EngineError, match="it was stopped"):
        engine.start()


# --------------------------------------------------------------------------------------------------- what is on its way
class Pretend(Workers):
    """Workers that answer at once, or fail at some hand-ins; they count."""

    def __init__(self, fails=()):
        super().__init__(b"")
        self.fails, self.given = fails, []

    def room(self):
        return 3

    def submit(self, parcel):
        self.given.append(parcel)
        future = Future()
        if parcel in self.fails:
            future.set_exception(MemoryError())
        else:
            future.set_result(json.dumps({"graded": asdict(Graded(parcel, parcel))}))
        return future


def test_only_so_many_hand_ins_are_on_their_way_as_there_is_room_for():
    taken, most = 0, 0

    def parcels():
        nonlocal taken
        for k in range(50):
            taken += 1
            yield k, str(k)

    for came, _ in enumerate(spread.spread(Pretend(), parcels())):
        most = max(most, taken - came)
    assert taken == 50
    assert most == 3


def test_what_a_worker_fails_at_is_tried_three_times_and_is_no_zero():
    staff = Pretend(fails={"1"})
    came = dict(spread.spread(staff, [(k, str(k)) for k in range(3)]))
    assert staff.given.count("1") == 3
    assert came[1] == "its workers failed 3 times (MemoryError); grade it again"
    assert came[0] == Graded("0", "0")
    assert came.keys() == {0, 1, 2}
