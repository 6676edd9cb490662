"""What Binder makes of the repository: the Dockerfile that repo2docker renders, and the packages it starts from."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = (ROOT / "environment.yml").read_text(encoding="utf-8")


def dockerfile(folder: Path) -> str:
    """What repo2docker would build of a folder, without an engine that builds."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def rendered() -> str:
    return dockerfile(ROOT)


def base_python(rendered: str) -> str:
    """The Python of the environment that repo2docker's own packages are in, "3.12"."""
    (version,) = set(re.findall(r"environment-2epy-2d3-2e(\d+)-2dlinux", rendered))
    return f"3.{version}"


def environment_is_kept_across_commits(rendered: str) -> bool:
    """Whether the packages are installed before the repository is copied, so that a commit leaves that layer."""
    steps = [line for line in rendered.splitlines() if "env update" in line or re.match(r"COPY .* src/ ", line)]
    assert len(steps) == 2, steps
    return "env update" in steps[0]


def test_binder_installs_the_environment_once_for_all_commits_and_the_course_after_it(rendered):
    assert base_python(rendered) == "3.12"
    assert environment_is_kept_across_commits(rendered)
    assert rendered.index("env update") < rendered.index("RUN ./postBuild")


@pytest.mark.parametrize(
    "old, new, python, kept",
    [
        ("python=3.12", "python>=3.11", "3.10", True),
        ("  - pip\n", "  - pip\n  - pip:\n    - -e .\n", "3.12", False),
    ],
)
def test_an_environment_that_binder_would_take_otherwise_is_seen(old, new, python, kept, tmp_path):
    assert old in ENVIRONMENT
    (tmp_path / "environment.yml").write_text(ENVIRONMENT.replace(old, new), encoding="utf-8")
    other = dockerfile(tmp_path)
    assert (base_python(other), environment_is_kept_across_commits(other)) == (python, kept)


def test_a_folder_binder_would_hide_the_environment(tmp_path):
    for name in ("environment.yml", "postBuild"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "binder").mkdir()
    assert "RUN ./postBuild" not in dockerfile(tmp_path)
    (tmp_path / "binder").rmdir()
    assert "RUN ./postBuild" in dockerfile(tmp_path)


def base_packages(python: str) -> dict[str, str]:
    """The packages that repo2docker starts from, with their versions."""
    package = Path(find_spec("repo2docker").origin).parent
    lock = (package / f"buildpacks/conda/environment.py-{python}-linux-64.lock").read_text(encoding="utf-8")
    found = re.findall(r"/([^/]+)-([^-/]+)-[^-/]+\.(?:conda|tar\.bz2)", lock)
    return {canonicalize_name(name): version for name, version in found}


def replaced(lines: list[str], base: dict[str, str]) -> list[str]:
    """The lines of an environment that would have packages of the base replaced."""
    wanted = [Requirement(line) for line in lines if not line.startswith("python=")]
    return [str(each) for each in wanted if not each.specifier.contains(base.get(canonicalize_name(each.name), "999"))]


def test_the_packages_that_binder_starts_from_stay_in_place():
    base, lines = base_packages("3.12"), yaml.safe_load(ENVIRONMENT)["dependencies"]
    assert {"jupyterlab", "ipywidgets", "ipykernel"} <= base.keys()
    assert replaced(lines, base) == []
    assert replaced(["jupyterlab>=99", "numpy>=2.0"], base) == ["jupyterlab>=99"]
