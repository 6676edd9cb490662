"""A release: wheel and sdist hold what they should, and who has nothing but the wheel can do the course."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from course_lib import cli
from course_lib.authoring import Links

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


def fresh(folder: Path, *installs: list) -> Path:
    """A new Python in which these have been installed, one after the other: the arguments of pip's install."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if uv := shutil.which("uv"):
        run(uv, "venv", "--quiet", "--python", sys.executable, folder)
        install = [uv, "pip", "install", "--quiet", "--python", python]
    else:
        run(sys.executable, "-m", "venv", folder)
        install = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
    for arguments in installs:
        run(*install, *arguments)
    return python


@pytest.fixture(scope="module")
def wheel(built) -> Path:
    return built / f"{NAME}-py3-none-any.whl"


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """A Python that has the wheel and what the wheel asks for."""
    return fresh(tmp_path_factory.mktemp("fresh") / "venv", ["--constraint", ROOT / "constraints.txt", wheel])


@pytest.fixture
def course(python, tmp_path):
    """Run a program of that Python in a folder far from the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def ran(program: str, *arguments: object, cwd: Path = tmp_path) -> str:
        return run(python.parent / program, *arguments, cwd=cwd, env=environment)

    return ran


# -------------------------------------------------------------------------------------------------- what they hold


def test_the_wheel_holds_the_library_its_pages_and_each_notebook_once(wheel):
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
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


def test_the_newest_entry_of_the_changelog_is_for_this_version():
    entries = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert entries[0] == VERSION


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


# -------------------------------------------------------------------------------------------------------- on Colab


@pytest.fixture(scope="module")
def colab(wheel, tmp_path_factory) -> Path:
    """A Python with Colab's packages, in which the first cell of a notebook has installed the course."""
    folder = tmp_path_factory.mktemp("colab")
    lines = re.findall(r"%pip install -q (.+)", Links("ada/course").install())
    packages, course = (line.split() for line in lines)
    python = fresh(folder / "venv", ["-r", ROOT / "tests" / "colab.txt"], packages, [*course[:-1], wheel])
    module = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()) / "google/colab"
    module.mkdir(parents=True)
    (module / "__init__.py").touch()
    return python


@pytest.mark.parametrize("notebook", ["notebooks/00_start", "notebooks/06_backpropagation", "solutions/04_jacobians"])
def test_with_colab_s_older_packages_a_notebook_gives_the_same(notebook, colab, tmp_path):
    kept = nbformat.read(ROOT / f"{notebook}.ipynb", as_version=4)
    again = nbformat.read(ROOT / f"{notebook}.ipynb", as_version=4)
    again.cells.insert(0, nbformat.v4.new_code_cell("import google.colab"))
    run_in(colab, again, tmp_path)
    assert [texts(cell) for cell in again.cells[1:]] == [texts(cell) for cell in kept.cells]


def texts(cell) -> list[str]:
    """What a cell says in words."""
    outputs = [output.get("text") or output.get("data", {}).get("text/plain") for output in cell.get("outputs", [])]
    return [text for text in outputs if text]


def run_in(python: Path, notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run a notebook in a kernel of that Python, with what is installed there alone."""
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]

    class Specs(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return KernelSpec(argv=argv, display_name="Colab", language="python", env={"PYTHONPATH": ""})

    client = NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, coalesce_streams=True)
    client.km = AsyncKernelManager(kernel_name="colab", kernel_spec_manager=Specs())
    client.execute()


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
