"""Cells of strangers are run and compared through nbval's classes; no cell can disturb more than its own exercise.

Everything holds for both kinds of kernels.
"""

import gc
import os
import shutil

import pytest

from course_lib.grading.box import Bubblewrap, NoWalls, SandboxError, end
from course_lib.grading.engine import Cell, Engine, EngineError, Job, Notebook, SolutionError, Task

SETUP = """
from IPython.display import display
def check(id, value):
    value = value() if callable(value) else value
    record = {"id": id, "not_attempted": True} if value is ... else {"id": id, "cases": [value]}
    display({"text/plain": id, "application/vnd.course-lib.values+json": record}, raw=True)
"""
HIDE = """
import IPython.core.interactiveshell as shell
shell.InteractiveShell.showtraceback = shell.InteractiveShell._showtraceback = lambda *args, **kwargs: None
"""


def task(id, answer, check=None, reference="x = 1.5"):
    def same(right, came):
        return came["id"] == id and abs(right["cases"][0] - came["cases"][0]) < 0.01

    return Task(id, reference, answer, check or f'check("{id}", x)', same)


WAYS = {"forked": {}, "ipykernel": {"kernels": "ipykernel"}, "no sandbox": {"sandbox": "none"}}


@pytest.fixture(scope="module", params=["forked", "ipykernel"])
def engine(request):
    with Engine(timeout=5, **WAYS[request.param]) as engine:
        yield engine


def test_values_are_compared_within_the_exercise_s_tolerance_and_nothing_else_is(engine):
    noise = "import warnings, sys; warnings.warn('careful'); print('debug', file=sys.stderr); display('me too')\n"
    attempts = engine.run(SETUP, [task("near", f"{noise}x = 1.501"), task("far", "x = 1.6"), task("blank", "x = ...")])
    assert {id: attempt.same for id, attempt in attempts.items()} == {"near": True, "far": False, "blank": False}
    assert attempts["far"].record == {"id": "far", "cases": [1.6]}
    assert not attempts["blank"].attempted


def test_what_stops_a_kernel_costs_its_own_exercise(engine):
    attempts = engine.run(
        SETUP,
        [
            task("loops", "try:\n    while True: pass\nexcept BaseException:\n    while True: pass"),
            task("dies", "import os; os._exit(0)"),
            task("floods", "x = 1.5\nprint('y' * 20_000_000)"),
            task("right", "x = 1.5"),
        ],
    )
    assert [attempt.stopped for attempt in attempts.values()] == ["time", "died", "output", ""]
    assert [attempt.same for attempt in attempts.values()] == [False, False, False, True]


def test_what_one_answer_breaks_does_not_cost_another_its_points(engine):
    attempts = engine.run(SETUP, [task("breaks", "x = 1.5\ncheck_was, check = check, None"), task("right", "x = 1.5")])
    assert attempts["right"].same
    assert not attempts["breaks"].same
    assert attempts["breaks"].error[0] == "TypeError"


def test_an_answer_that_fails_does_not_get_the_value_that_another_left(engine):
    attempts = engine.run(SETUP, [task("first", "x = 1.5"), task("second", "x = = 1.5")])
    assert attempts["first"].same
    assert not attempts["second"].same
    assert attempts["second"].error[0] == "SyntaxError"


def test_an_error_that_hides_itself_is_seen_in_the_reply(engine):
    spoilt = "x = 1.5\nrecord = check\ndef check(*what):\n    record(*what)\n    1 / 0"
    hidden = task("hidden", HIDE + spoilt)
    assert not engine.run(SETUP, [hidden])["hidden"].same
    assert engine.run(SETUP, [task("open", HIDE + "x = 1.5")])["open"].same


def test_a_second_set_of_values_is_no_way_to_pass(engine):
    forge = 'display({"application/vnd.course-lib.values+json": {"id": "q", "cases": [1.5]}}, raw=True)'
    hook = f"x = 1\nget_ipython().events.register('pre_run_cell', lambda info: {forge})"
    attempt = engine.run(SETUP, [task("q", hook)])["q"]
    assert not attempt.same
    assert attempt.record is None


def test_the_kernel_finds_nothing_of_the_grader_s(engine, monkeypatch):
    monkeypatch.setenv("SECRET_SEED", "17")
    look = """
import os, pathlib, sys, gc
texts = [repr(o) for o in gc.get_objects() if isinstance(o, dict) and {"id", "cases"} <= o.keys()]
beside = [str(p) for p in pathlib.Path.cwd().rglob("*")]
x = str([texts, beside, os.environ.get("SECRET_SEED"), [v for v in os.environ if v.startswith("PYTEST")]])
home = pathlib.Path.home()
assert home != pathlib.Path.cwd() and home.parent == pathlib.Path.cwd().parent
"""
    attempt = engine.run(SETUP, [task("looks", look)])["looks"]
    assert attempt.error is None
    assert attempt.record["cases"] == [str([[], [], None, []])]


def test_what_a_kernel_leaves_in_its_home_is_gone_for_the_next(engine):
    leave = """
import pathlib
found = sorted(p.name for p in pathlib.Path.home().rglob("*.py"))
startup = pathlib.Path.home() / "ipython" / "profile_default" / "startup"
startup.mkdir(parents=True, exist_ok=True)
(startup / "evil.py").write_text("x = 1.5")
x = len(found)
"""
    for _ in range(3):  # the kernel after the next one was started before this one ran
        assert engine.run(SETUP, [task("leaves", leave)])["leaves"].record["cases"] == [0]


def test_settings_of_pytest_in_the_environment_do_not_reach_a_run(engine, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only -k nothing")
    assert engine.run(SETUP, [task("right", "x = 1.5")])["right"].same
    assert os.environ["PYTEST_ADDOPTS"] == "--collect-only -k nothing"


def test_a_solution_that_gives_no_values_is_an_error_and_no_grade(engine):
    with pytest.raises(SolutionError, match="solution of bad gives no values: ZeroDivisionError"):
        engine.run(SETUP, [task("bad", "x = 1.5", reference="x = 1 / 0")])
    with pytest.raises(SolutionError, match="setup cell of the solution notebook fails with NameError"):
        engine.run("nothing_of_that_name", [task("unseen", "x = 1.5")])


# ------------------------------------------------------------------------------------------- many in one session
@pytest.fixture
def forked():
    with Engine(timeout=5) as engine:
        yield engine


def numbered(told, answers):
    """Jobs, one for each answer; whatever is told of them goes to the list, with its number."""
    for k, answer in enumerate(answers):
        assert len(told) == k, "it was taken before the one before was told"
        yield Job(SETUP, [task("q", answer)], lambda came, k=k: told.append((k, came)))


def test_many_submissions_run_in_one_session_each_in_its_own_kernel_and_leave_nothing(forked):
    told, objects = [], []

    def jobs():
        for job in numbered(told, ["x = y = 1.5", "x = y", "import os; os._exit(0)", "x = 1.5", "x = 2"] * 3):
            yield job
            gc.collect()
            objects.append(sum(isinstance(o, Cell | Notebook) for o in gc.get_objects()))

    forked.run_all(jobs())
    assert [came["q"].same for _, came in told] == [True, False, False, True, False] * 3
    assert [came["q"].stopped for _, came in told] == ["", "", "died", "", ""] * 3
    assert [came["q"].error for _, came in told][1::5] == [("NameError", "name 'y' is not defined")] * 3
    assert max(objects) <= 4  # those of the last one, which pytest may still hold


def test_what_the_machine_fails_at_is_told_and_costs_the_others_nothing(forked, monkeypatch):
    told, begun, begin = [], [], Notebook.begin

    def fails(self, task):
        begin(self, task)
        begun.append(task.answer)
        if task.answer == "x = 2.5" or (task.answer == "x = 3.5" and begun.count("x = 3.5") == 1):
            end(self.run.engine._nursery.process)
            while self.kernel.is_alive():
                self.kernel.receive(0.1)

    monkeypatch.setattr(Notebook, "begin", fails)
    forked.run_all(numbered(told, ["x = 1.5", "x = 2.5", "x = 3.5", "x = 1.51"]))
    assert begun == ["x = 1.5", *["x = 2.5"] * 3, *["x = 3.5"] * 2, "x = 1.51"]
    assert isinstance(told[1][1], EngineError)
    assert [came["q"].record["cases"] for k, came in told if k != 1] == [[1.5], [3.5], [1.51]]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, SystemExit])
def test_what_stops_a_session_from_outside_comes_out_as_it_is_and_the_next_session_works(forked, error):
    told = []

    def stop(came):
        raise error

    def jobs():
        yield from numbered(told, ["x = 1.5"])
        yield Job(SETUP, [task("q", "x = 1.5")], stop)
        raise AssertionError("nothing is taken after that")

    with pytest.raises(error):
        forked.run_all(jobs())
    assert len(told) == 1
    assert forked.run(SETUP, [task("q", "x = 1.5")])["q"].same


def test_ctrl_c_in_the_middle_of_a_cell_is_no_verdict(forked, monkeypatch):
    told, begin = [], Notebook.begin

    def interrupted(self, task):
        begin(self, task)
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr(Notebook, "begin", interrupted)
        with pytest.raises(KeyboardInterrupt):
            forked.run_all(numbered(told, ["x = 1.5"]))
    assert told == []
    assert forked.run(SETUP, [task("q", "x = 1.5")])["q"].same


def test_the_answers_of_a_notebook_share_its_time_and_the_last_one_is_still_run():
    with Engine(timeout=1) as engine:
        loops = [task(f"loop{k}", "while True: pass") for k in range(4)]
        attempts = engine.run(SETUP, [*loops, task("right", "x = 1.5")])
    assert [attempt.stopped for attempt in attempts.values()] == ["time"] * 4 + [""]
    assert [attempt.allowed for attempt in attempts.values()] == [1, 1, 1, 0.1, 0.1]
    assert attempts["right"].same


@pytest.mark.parametrize("way", WAYS)
def test_no_process_and_no_folder_is_left(way, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Engine(timeout=5, **WAYS[way]) as engine:
        assert engine.walls.sealed == (way != "no sandbox")
        assert engine.run(SETUP, [task("right", "x = 1.5")])["right"].same
        left = [process for process in (engine._trusted, engine._spare, engine._nursery) if process is not None]
        assert all(process.is_alive() for process in left)
    assert not any(process.is_alive() for process in left)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_or_useless_sandbox_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    real = shutil.which("bwrap")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"sudo apt-get install bubblewrap.*--sandbox none"):
        Engine()
    for says, told in (
        ("No permissions to create new namespace", "does not let bubblewrap make a sandbox .*privileged"),
        ("Unknown option --size", "too old"),
        ("", "without a word"),
    ):
        fake = tmp_path / "bwrap"
        fake.write_text(f"#!/bin/sh\necho 'bwrap: {says}' >&2\nexit 1\n" if says else "#!/bin/sh\nexit 1\n")
        fake.chmod(0o755)
        for kernels in ("forked", "ipykernel"):
            with Engine(kernels=kernels) as engine, pytest.raises(SandboxError, match=told):
                engine.run(SETUP, [task("right", "x = 1.5")])
    assert real
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(SandboxError, match="needs Linux"):
        Bubblewrap()
    NoWalls().close()
