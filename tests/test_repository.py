"""What stands around the library says the same thing everywhere: dependencies, versions, commands, README."""

import contextlib
import importlib
import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from jupyter_server.services.kernels.connection.base import BaseKernelWebsocketConnection
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_lib import cli

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ["3.11", "3.12", "3.13"]
CONDA_NAMES = {"matplotlib-base": "matplotlib"}  # conda's name -> pip's


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


PYPROJECT = text("pyproject.toml")
PROJECT = tomllib.loads(PYPROJECT)["project"]
REASONS = dict(re.findall(r'^    "([\w-]+)[^"]*", *# (.+)$', PYPROJECT, re.MULTILINE))
DEPENDENCIES = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = [Requirement(line) for extra in PROJECT["optional-dependencies"].values() for line in extra]
CONSTRAINTS = [Requirement(line) for line in text("constraints.txt").splitlines() if not line.startswith("#")]


def canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


# ---------------------------------------------------------------------------------------------------- dependencies


@pytest.mark.parametrize("requirement", DEPENDENCIES + EXTRAS, ids=str)
def test_a_dependency_has_a_lower_bound_and_a_reason(requirement):
    assert [bound.operator for bound in requirement.specifier] == [">="]
    assert REASONS.get(requirement.name)


def test_the_readme_gives_each_dependency_with_its_reason():
    table = re.findall(r"^\| ([\w-]+) \| (.+) \|$", text("README.md").split("## What it stands on")[1], re.MULTILINE)
    assert table[1:] == [(requirement.name, REASONS[requirement.name]) for requirement in DEPENDENCIES]


def test_each_ruff_rule_that_is_ignored_has_its_reason():
    ignored = PYPROJECT.split("[tool.ruff.lint]")[1].split("ignore = [")[1].split("\n]")[0].strip().splitlines()
    assert ignored
    assert [line for line in ignored if not re.search(r'^    ".+", +# \w', "    " + line.strip())] == []


def conda_packages() -> dict[str, str]:
    """The packages of environment.yml with their bounds, under pip's names."""
    lines = yaml.safe_load(text("environment.yml"))["dependencies"]
    assert all(isinstance(line, str) for line in lines), (
        "conda packages only: a pip section is built anew at every commit"
    )
    pairs = [re.fullmatch(r"([\w.-]+?)((?:[=<>]=?.*)?)", line).groups() for line in lines]
    return {CONDA_NAMES.get(name, name): bound for name, bound in pairs}


def test_the_conda_environment_has_the_names_and_bounds_of_pyproject():
    packages = conda_packages()
    assert packages.pop("python") == "=3.12", "another form than =3.N gives Binder another Python"
    assert packages.pop("pip") == "", "postBuild installs the course with it"
    assert packages == {requirement.name: str(requirement.specifier) for requirement in DEPENDENCIES}
    assert yaml.safe_load(text("environment.yml"))["channels"] == ["conda-forge", "nodefaults"]


def test_binder_installs_the_course_itself_without_its_dependencies():
    assert text("postBuild").splitlines()[-1] == "python -m pip install --no-deps -e ."
    assert not (ROOT / "binder").exists(), "a folder binder/ would hide environment.yml and postBuild"


@pytest.mark.parametrize("python", PYTHONS)
def test_the_constraints_hold_one_exact_version_of_each_package_within_its_bounds(python):
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    applying = [each for each in CONSTRAINTS if not each.marker or each.marker.evaluate(environment)]
    names = [canonical(each.name) for each in applying]
    assert len(names) == len(set(names))
    assert [str(each) for each in applying if [bound.operator for bound in each.specifier] != ["=="]] == []
    versions = {canonical(each.name): next(iter(each.specifier)).version for each in applying}
    for requirement in DEPENDENCIES + EXTRAS:
        assert requirement.specifier.contains(versions[canonical(requirement.name)]), requirement


def test_the_constraints_are_for_the_pythons_that_the_course_is_for():
    assert all(python in SpecifierSet(PROJECT["requires-python"]) for python in PYTHONS)
    assert not Marker('python_version >= "3.11"').evaluate({"python_version": "3.10"})


# -------------------------------------------------------------------------------------------------------- programs


@pytest.mark.parametrize("name", [".ci/run", "postBuild"])
def test_a_script_is_executable_and_parses(name):
    if os.name == "posix":
        assert os.access(ROOT / name, os.X_OK)
    assert text(name).startswith("#!/usr/bin/env bash\n")
    if bash := shutil.which("bash"):
        subprocess.run([bash, "-n", ROOT / name], check=True)


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_test_passes_everything():
    done = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True)
    for step in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "build --check",
        "--nbval solutions notebooks",
        "tests/browser",
        "tests/with_nbgrader",
    ):
        assert step in done.stdout, step


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_an_environment_that_could_not_be_made_is_made_anew_the_next_time(tmp_path):
    """As on a Debian without python3-venv, where a Python remains that has no pip."""
    half = tmp_path / "python"
    half.write_text('#!/bin/sh\n[ "$2" = venv ] || exit 0\nmkdir -p "$3/bin" && touch "$3/bin/python"\nexit 1\n')
    half.chmod(0o755)
    command = ["make", f"VENV={tmp_path / 'venv'}", f"PYTHON={half}", str(tmp_path / "venv/bin/python")]
    without_uv = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of `make test`
    without_uv["PATH"] = "/usr/bin:/bin"
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, env=without_uv, capture_output=True, text=True)
        assert done.returncode
        assert done.stdout.startswith(f"Making an environment in {tmp_path / 'venv'}")
        assert not (tmp_path / "venv/bin/python").exists()


def test_the_command_says_which_lab_it_would_open(capsys):
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert cli.main(["lab", "--dry-run", "--root", str(ROOT), "--port", "9000"]) == 0
    first = f"--LabApp.default_url=/lab/tree/notebooks/{notebooks[0].name}"
    assert capsys.readouterr().out == f"jupyter lab {first} {cli.PROMPT} --port 9000\n"


def test_the_class_that_the_command_names_is_a_connection_of_jupyter_s():
    module, _, name = cli.PROMPT.partition("=")[2].rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), name), BaseKernelWebsocketConnection)


def test_the_command_says_in_one_line_what_it_cannot_do(capsys, tmp_path):
    assert cli.main(["lab", "--root", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert message.startswith("course lab: expected a folder with notebooks/")
    assert message.count("\n") == 1


def test_the_command_alone_lists_its_subcommands(capsys):
    assert cli.main([]) == 2
    assert "lab       " in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that nobody may write, not even root")
@pytest.mark.parametrize("arguments", [["links", "--repo", "a/b"], ["grade", "{root}/exercises", "-o", "{root}/out"]])
def test_a_folder_that_cannot_be_written_is_a_line_and_no_traceback(arguments, tmp_path):
    for name in ("README.md", "chapters", "notebooks", "exercises", "solutions"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    words = [word.format(root=tmp_path) for word in arguments]
    command = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", tmp_path, tmp_path, sys.executable, "-m", "course_lib.cli"]
    done = subprocess.run([*command, *words, "--root", tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"course {words[0]}: expected a place that can be written, {tmp_path}/")
    assert done.stderr.count("\n") == 1


def test_the_command_refuses_an_option_that_it_does_not_know(capsys):
    with pytest.raises(SystemExit):
        cli.main(["build", "--chek"])
    assert "--chek" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------------- README


def test_the_ten_lines_of_the_readme_print_what_it_says():
    program, expected = re.search(
        r"```python\n(.*?)```\n\nprints\n\n```text\n(.*?)```", text("README.md"), re.DOTALL
    ).groups()
    assert len([line for line in program.splitlines() if line]) == 10
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(program, "README.md", "exec"), {})
    assert printed.getvalue() == expected


def test_the_readme_lists_every_chapter_with_its_title_and_its_minutes():
    rows = re.findall(r"^\| (\d\d) \[(.+?)\]\(notebooks/(.+?)\.ipynb\) \| (\d+) \|", text("README.md"), re.MULTILINE)
    chapters = []
    for folder in sorted((ROOT / "chapters").glob("[0-9][0-9]_*")):
        lesson = (folder / "lesson.md").read_text(encoding="utf-8")
        title = re.search(r"^# \d+\. (.+)$", lesson, re.MULTILINE)[1]
        minutes = re.search(r"\*\*Time:\*\* (\d+) minutes", lesson)[1]
        chapters.append((folder.name[:2], title, folder.name, minutes))
    assert rows == chapters


def test_binder_opens_what_the_command_opens():
    (opened,) = re.findall(r"`lab/tree/([^`]+)`", text("README.md"))
    assert ROOT / opened == min((ROOT / "notebooks").glob("*.ipynb"))


def test_every_link_of_the_readme_leads_to_a_file():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)|src=\"(?!https?:)([^\"]+)\"", text("README.md"))
    assert links
    assert [link for pair in links for link in pair if link and not (ROOT / link).exists()] == []


def test_the_licence_says_code_and_text_apart_and_so_do_the_others():
    for words in ("BSD 3-Clause", "CC BY 4.0"):
        assert words in text("LICENSE")
        assert words in text("README.md")
    assert PROJECT["license"] == "BSD-3-Clause AND CC-BY-4.0"
    assert yaml.safe_load(text("CITATION.cff"))["license"] == ["BSD-3-Clause", "CC-BY-4.0"]
    assert yaml.safe_load(text("CITATION.cff"))["version"] == PROJECT["version"]
