"""A release: wheel and sdist hold what they should, and who has nothing but the wheel can do the course."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from course_lib import cli

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "course_lib"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
NAME = f"chain_rule_to_the_rescue-{VERSION}"
MADE_BY_TOOLS = {"build", "dist", "uv.lock"}
GIVEN = sorted(f"{kind}/{path.name}" for kind in ("notebooks", "exercises") for path in (ROOT / kind).glob("*.ipynb"))


def run(*command: object, **options: object) -> str:
    """The output of a program that ends well."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder with wheel and sdist, the wheel built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def python(built, tmp_path_factory) -> Path:
    """A Python that has the wheel and what the wheel asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    wheel, constraints = built / f"{NAME}-py3-none-any.whl", ROOT / "constraints.txt"
    bin = folder / ("Scripts" if os.name == "nt" else "bin")
    if uv := shutil.which("uv"):
        run(uv, "venv", "--quiet", "--python", sys.executable, folder)
        run(uv, "pip", "install", "--quiet", "--python", bin / "python", "--constraint", constraints, wheel)
    else:
        run(sys.executable, "-m", "venv", folder)
        run(bin / "python", "-m", "pip", "install", "--quiet", "--no-compile", "--constraint", constraints, wheel)
    return bin / "python"


@pytest.fixture
def course(python, tmp_path):
    """Run a program of that Python in a folder far from the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def ran(program: str, *arguments: object, cwd: Path = tmp_path) -> str:
        return run(python.parent / program, *arguments, cwd=cwd, env=environment)

    return ran


# -------------------------------------------------------------------------------------------------- what they hold


def test_the_wheel_holds_the_library_its_pages_and_each_notebook_once(built):
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        names = wheel.namelist()
    ours = [name for name in names if name.startswith("course_lib/")]
    carried = [name for name in ours if name.startswith("course_lib/starter/")]
    assert sorted(name.removeprefix("course_lib/starter/") for name in carried) == GIVEN
    library = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert set(ours) - set(carried) == {path.relative_to(ROOT).as_posix() for path in library}
    assert {path.suffix for path in library} >= {".py", ".js", ".css", ".npz", ".json"}
    others = {name for name in names if not name.startswith("course_lib/")}
    assert {name for name in others if not name.startswith(f"{NAME}.dist-info/")} == {
        f"{NAME}.data/data/share/jupyter/lab/settings/overrides.d/chain-rule-to-the-rescue.json"
    }


def test_the_sdist_holds_all_that_the_course_is_made_and_tested_with(built):
    with tarfile.open(built / f"{NAME}.tar.gz") as sdist:
        names = [name.removeprefix(f"{NAME}/") for name in sdist.getnames()]
    tops = {name.split("/")[0] for name in names}
    assert {path.name for path in ROOT.iterdir() if path.name[0] != "."} - MADE_BY_TOOLS <= tops
    assert not [name for name in names if ".ci" in name or "__pycache__" in name or ".ipynb_checkpoints" in name]
    assert set(GIVEN) | {"solutions/04_jacobians.ipynb", "chapters/04_jacobians/lesson.md"} <= set(names)


# ---------------------------------------------------------------------------------- a student who has only the wheel


def test_a_student_with_the_wheel_alone_gets_the_notebooks_and_opens_and_runs_them(course, tmp_path):
    where = course("python", "-c", "import course_lib; print(course_lib.__file__)").strip()
    assert "site-packages" in Path(where).parts
    assert "21 notebooks in mine" in course("course", "new", "mine")
    mine = tmp_path / "mine"
    assert sorted(path.relative_to(mine).as_posix() for path in mine.rglob("*") if path.is_file()) == GIVEN
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start.ipynb" in course("course", "lab", "--dry-run", cwd=mine)
    lesson, unmade = "notebooks/05_chain_rule.ipynb", "no:cacheprovider"
    assert "passed" in course("python", "-m", "pytest", "-q", "-p", unmade, "--nbval", lesson, cwd=mine)


def test_the_explorables_of_the_wheel_have_their_pages(course):
    program = (
        "import course_lib.explorables as e; made = [getattr(e, n) for n in e.__all__ if n[0].isupper()];"
        "print(len(made), all('export default' in str(m._esm) and '.cr' in str(m._css) for m in made))"
    )
    assert course("python", "-c", program).split() == ["12", "True"]


def test_the_environment_is_checked_against_what_the_wheel_asks_for(course):
    program = "from course_lib.environment import bounds; print(*bounds()[1], sep='\\n')"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted(map(plain, course("python", "-c", program).split("\n")[:-1])) == sorted(
        map(plain, project["dependencies"])
    )


def plain(requirement: str) -> str:
    return requirement.lower().replace("_", "-")


# ------------------------------------------------------------------------------------------------------- course new


def test_nothing_that_is_there_is_overwritten(tmp_path, capsys):
    answers = tmp_path / "mine" / "exercises" / "04_jacobians.ipynb"
    answers.parent.mkdir(parents=True)
    answers.write_text("a night's work", encoding="utf-8")
    file = tmp_path / "file"
    file.touch()
    for place in (tmp_path / "mine", file):
        assert cli.main(["new", str(place)]) == 2
        message = capsys.readouterr().err
        assert message.startswith("course new: expected a new or an empty folder")
        assert message.count("\n") == 1
    assert answers.read_text(encoding="utf-8") == "a night's work"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file, answers]
    assert cli.main(["new", str(file / "below")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_an_empty_folder_is_filled_with_what_the_checkout_gives_out(tmp_path, capsys):
    assert cli.main(["new", str(tmp_path)]) == 0
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.ipynb")) == GIVEN
    assert f"{len(GIVEN)} notebooks in {tmp_path}" in capsys.readouterr().out
    for name in GIVEN:
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()
