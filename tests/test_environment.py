"""The check of the environment: each problem is found, named with what came, and told what to try; none is invented."""

import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from course_lib import environment
from course_lib.authoring.run import execute

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
KERNEL = SimpleNamespace(kernel=object())


def only(found):
    (problem,) = found
    return str(problem)


def test_a_notebook_here_has_everything_and_says_so_in_one_line():
    source = "from course_lib.environment import check_environment\ncheck_environment()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    execute(notebook)
    assert notebook.cells[0].outputs[0].text == "Everything the course needs is here.\n"


def test_the_bounds_are_those_of_the_project_and_each_is_understood():
    assert environment.bounds() == (PROJECT["requires-python"], PROJECT["dependencies"])
    for line in PROJECT["dependencies"]:
        (bound,) = Requirement(line).specifier
        assert (bound.operator, line.partition(">=")[0]) == (">=", Requirement(line).name)


@pytest.mark.parametrize("one", ["2", "2.0", "2.0.1", "2.1rc1", "1.26.4", "10.0", "2.0.0.post1"])
@pytest.mark.parametrize("other", ["2.0", "2.0.1", "9.9"])
def test_versions_are_ordered_by_their_numbers(one, other):
    assert (environment.version(one) < environment.version(other)) == (Version(one) < Version(other))


def test_an_old_package_is_found_with_its_version_and_a_new_one_is_not():
    have = {"numpy": "1.26.4", "anywidget": "0.10.0"}.get
    text = only(environment.versions(">=3.11", ["numpy>=2.0", "anywidget>=0.9.18"], have))
    assert text.startswith("Expected numpy 2.0 or newer, got numpy 1.26.4.\n    Try `make lab`")


def test_a_package_that_is_missing_is_found():
    assert "Expected anywidget 0.9.18 or newer, got none." in only(
        environment.versions(">=3.11", ["anywidget>=0.9.18"], {}.get)
    )


def test_a_browser_needs_what_lessons_and_exercises_use_and_is_the_front_end_itself(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(environment, "installed", dict.fromkeys(environment.IN_A_BROWSER, "99").get)
    assert environment.problems() == []
    monkeypatch.setattr(environment, "installed", {}.get)
    found = environment.problems()
    assert len(found) == len(environment.IN_A_BROWSER)
    assert all(str(each).endswith(f"Try {environment.RELOAD}.") for each in found), "nothing can be installed there"


def test_an_old_python_is_found():
    text = only(environment.versions(">=3.11", [], {}.get, running="3.9.18"))
    assert text.startswith("Expected Python 3.11 or newer, got Python 3.9.18.")
    assert list(environment.versions(">=3.11", [], {}.get, running="3.13.0")) == []


def test_a_kernel_with_another_copy_of_the_course_is_found(tmp_path):
    own = tmp_path / "course_lib"
    own.mkdir()
    (own / "environment.py").touch()
    (tmp_path / "notebooks").mkdir()
    text = only(environment.copies(tmp_path / "notebooks", ROOT / "course_lib"))
    assert "belongs to another environment" in text
    assert "Change Kernel" in text
    assert list(environment.copies(tmp_path / "notebooks", own)) == []
    assert list(environment.copies(ROOT / "notebooks", ROOT / "course_lib")) == []


def test_a_terminal_shows_no_widgets_and_is_told_where_they_are_shown():
    for shell in (None, SimpleNamespace()):
        assert "a notebook, which shows widgets" in only(environment.front_end(shell, {}, environment.data_folders()))


def test_an_extension_that_is_missing_is_named(tmp_path):
    (tmp_path / "labextensions" / "anywidget").mkdir(parents=True)
    text = only(environment.front_end(KERNEL, {}, [tmp_path]))
    assert "extension @jupyter-widgets/jupyterlab-manager, got none" in text
    assert list(environment.front_end(KERNEL, {}, environment.data_folders())) == []


def test_colab_has_older_packages_and_a_front_end_of_its_own(monkeypatch):
    assert list(environment.front_end(KERNEL, {"google.colab": None}, [])) == []
    monkeypatch.setattr(environment, "installed", {}.get)
    missing = len(environment.problems())
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    assert missing - len(environment.problems()) == len(environment.bounds()[1])


def test_a_folder_that_takes_no_file_is_found(tmp_path):
    (tmp_path / "file").touch()
    assert "Expected a folder to save notebooks in" in only(environment.writable(tmp_path / "file"))
    assert list(environment.writable(tmp_path)) == []
    assert [path.name for path in tmp_path.iterdir()] == ["file"], "nothing is left behind"


@pytest.mark.parametrize("value", ["8", "0", "-1", "many"])
def test_more_threads_than_processors_are_found(value):
    text = only(environment.threads({"OMP_NUM_THREADS": value}, 2))
    assert f"Expected 1 to 2 threads, one for each processor, got OMP_NUM_THREADS={value}." in text


@pytest.mark.parametrize("given", [{}, {"OMP_NUM_THREADS": "2"}, {"MKL_NUM_THREADS": " "}, {"OMP_THREADS": "99"}])
def test_threads_that_have_a_processor_each_are_no_problem(given):
    assert list(environment.threads(given, 2)) == []


def test_every_problem_is_printed_and_then_nothing_is_said_to_be_well(monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "99999")
    environment.check_environment()
    printed = capsys.readouterr().out
    assert "got OMP_NUM_THREADS=99999" in printed
    assert "a notebook, which shows widgets" in printed
    assert "Everything" not in printed
