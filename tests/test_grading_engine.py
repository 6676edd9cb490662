"""Cells of strangers are run and compared through nbval's classes; no cell can disturb more than its own exercise."""

import os
import subprocess
import sys

import pytest

from course_lib.grading.box import Box
from course_lib.grading.engine import Engine, EngineError, Task

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

    return Task(id, reference, answer, check or f'check("{id}", x)', "the inputs", same)


@pytest.fixture(scope="module")
def engine():
    with Engine(timeout=3) as engine:
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
    with pytest.raises(EngineError, match="solution of bad gives no values: ZeroDivisionError"):
        engine.run(SETUP, [task("bad", "x = 1.5", reference="x = 1 / 0")])
    with pytest.raises(EngineError, match="setup cell of the solution notebook fails with NameError"):
        engine.run("nothing_of_that_name", [task("unseen", "x = 1.5")])


def test_no_kernel_and_no_folder_is_left():
    with Engine(timeout=3) as engine:
        engine.run(SETUP, [task("right", "x = 1.5")])
        boxes = [kernel.box.folder for kernel in (engine._trusted, engine._spare)]
        kernels = [kernel.km for kernel in (engine._trusted, engine._spare)]
        assert all(box.is_dir() for box in boxes)
    assert not any(box.exists() for box in boxes)
    assert not any(kernel.is_alive() for kernel in kernels)


def test_a_box_has_an_environment_of_its_own():
    box = Box()
    try:
        environment = box.environment()
        assert environment["HOME"].startswith(str(box.folder))
        code = "import course_lib, pathlib; print(pathlib.Path.home())"
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str(box.folder / "home")
    finally:
        box.remove()
    assert not box.folder.exists()
