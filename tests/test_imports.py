"""Who may import whom: everybody looks towards the core, the core looks at NumPy alone."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "course_lib"
OUTER = {"plots", "explorables", "exercises", "authoring", "grading", "server", "cli"}
MAY_IMPORT = {
    "core": {"core"},
    "plots": {"core", "plots"},
    "explorables": {"core", "explorables"},
    "exercises": {"core", "plots", "explorables", "exercises"},
    "authoring": {"core", "exercises", "authoring"},
    "grading": {"core", "exercises", "grading"},
    "server": set(),
    "cli": {"core", *OUTER},
}
MODULES = sorted(PACKAGE.rglob("*.py"))
# What a distribution is called when it is imported, where that is not its own name; and who are run, not imported.
IMPORT_NAMES = {"ipython": "IPython", "pyzmq": "zmq"}
RUN = {"jupyterlab", "ipywidgets"}
SERVE_MACHINES = (
    *("ipykernel", "jupyter_client", "jupyter_server", "jupyterlab"),
    *("jupytext", "nbclient", "nbformat", "nbval", "pytest"),
)


def layer(module: str) -> str:
    """The layer of a module by its dotted name: "course_lib.chain" is core, "course_lib.plots.style" is plots."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in OUTER else "core"


def dotted(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, module: str, is_package: bool = False) -> Iterator[str]:
    """Every module that a source imports, anywhere in it, by its dotted name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".") if is_package else module.split(".")[:-1]
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
            if base == "course_lib":
                yield from (f"{base}.{alias.name}" for alias in node.names)
            else:
                yield base


def breaches(source: str, module: str, is_package: bool = False) -> list[str]:
    """What a module imports of the course though it may not, and of others though it is core."""
    here = layer(module)
    found = []
    for name in imports(source, module, is_package):
        top = name.split(".")[0]
        if top == "course_lib" and layer(name) not in MAY_IMPORT[here]:
            found.append(f"{module} ({here}) imports {name}")
        if here == "core" and top not in {"course_lib", "numpy", *sys.stdlib_module_names}:
            found.append(f"{module} is core and imports {name}")
    return found


@pytest.mark.parametrize("file", MODULES, ids=dotted)
def test_a_module_imports_only_what_its_layer_may(file):
    assert breaches(file.read_text(encoding="utf-8"), dotted(file), file.name == "__init__.py") == []


@pytest.mark.parametrize(
    "module, source",
    [
        ("course_lib.chain", "import scipy.linalg"),
        ("course_lib.chain", "def f():\n    from course_lib.plots import show"),
        ("course_lib.chain", "from course_lib import exercises"),
        ("course_lib.plots.style", "from course_lib.exercises import check"),
        ("course_lib.plots.style", "from ..explorables import PathExplorer"),
        ("course_lib.exercises.panel", "import course_lib.grading"),
        ("course_lib.grading.engine", "from course_lib import cli"),
    ],
)
def test_an_import_against_the_rule_is_found(module, source):
    assert len(breaches(source, module)) == 1


def test_every_package_that_is_imported_is_declared_and_every_declared_one_is_used():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {IMPORT_NAMES.get(name, name) for name in (Requirement(d).name for d in project["dependencies"])}
    on_request = {Requirement(d).name for d in project["optional-dependencies"]["dask"]}
    imported = {
        name.split(".")[0]
        for file in MODULES
        for name in imports(file.read_text(encoding="utf-8"), dotted(file), file.name == "__init__.py")
    } - {"course_lib", *sys.stdlib_module_names}
    assert imported - declared - on_request == set(), "imported, not declared in pyproject.toml"
    assert (declared | on_request) - imported - RUN == set(), "declared in pyproject.toml, not used"


def test_nothing_loads_dask_that_did_not_ask_for_a_cluster():
    assert {"dask", "distributed"} & {name.split(".")[0] for name in loaded_by("import course_lib.grading")} == set()


def loaded_by(statement: str) -> set[str]:
    """The modules that a statement loads in a fresh Python that has NumPy."""
    program = f"import sys, numpy; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_importing_the_course_loads_numpy_and_the_core_only():
    loaded = loaded_by("import course_lib")
    assert "course_lib" in loaded
    assert {name for name in loaded if layer(name) != "core"} == set()
    assert {name.split(".")[0] for name in loaded} <= {"course_lib", "numpy", *sys.stdlib_module_names}


def test_importing_every_module_of_the_core_loads_nothing_but_numpy():
    core = [dotted(file) for file in MODULES if layer(dotted(file)) == "core"]
    loaded = {name.split(".")[0] for name in loaded_by(f"import {', '.join(core)}")}
    assert loaded <= {"course_lib", "numpy", *sys.stdlib_module_names}


def test_importing_the_exercises_does_not_load_matplotlib():
    assert "matplotlib" not in loaded_by("import course_lib.exercises")


def test_the_command_line_loads_a_layer_only_when_it_is_called():
    assert {layer(name) for name in loaded_by("import course_lib.cli") if name.startswith("course_lib")} == {
        "core",
        "cli",
    }


# ------------------------------------------------------------------------------------------------ Python in a browser

ABSENT = (
    "_multiprocessing",
    "_posixshmem",
    "curses",
    "grp",
    "pwd",
    "resource",
    "tkinter",
    "zmq",
)  # found so in Pyodide
BROWSER = f"""
import sys, threading, time
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in {(*ABSENT, *SERVE_MACHINES)!r}:
            raise ModuleNotFoundError(f"no module named {{name!r}} in a browser", name=name)
def no_thread(self):
    raise RuntimeError("can't start new thread")
sys.meta_path.insert(0, Absent())
threading.Thread.start = no_thread
del time.thread_time
"""


def in_a_browser(program: str) -> subprocess.CompletedProcess:
    """Run a program without what Pyodide has not: modules, threads, a clock of the thread."""
    return subprocess.run([sys.executable, "-c", BROWSER + program], capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize("folder", ["notebooks", "exercises"])
def test_all_that_lessons_and_exercises_import_is_there_in_a_browser(folder):
    lines = []
    for file in sorted((ROOT / folder).glob("*.ipynb")):
        for cell in nbformat.read(file, 4).cells:
            if cell.cell_type == "code":
                body = ast.parse(cell.source).body
                lines += [ast.unparse(node) for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert any("course_lib" in line for line in lines)
    done = in_a_browser("\n".join(lines))
    assert done.returncode == 0, done.stderr


def test_exercises_are_checked_and_times_are_taken_in_a_browser():
    done = in_a_browser(
        "from course_lib.exercises import all_exercises, check, hint, lock_in, predict, student\n"
        "student('Ada')\n"
        "for e in all_exercises():\n"
        "    check(e.id, ...)\n"
        "from course_lib.complexity import processor_clock\n"
        "assert processor_clock() is time.perf_counter\n"
        "from course_lib.explorables import BatchStacker\n"
        "stacker = BatchStacker(layer=[2, 3])\n"
        "stacker.measure = lambda: print('measured')\n"
        "stacker.measuring = True\n"
        "assert not stacker.measuring\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("measured\n")


def test_what_a_browser_has_not_is_missed():
    assert "ModuleNotFoundError" in in_a_browser("import course_lib.grading.engine").stderr


def test_an_explorable_that_needs_no_numpy_loads_without_it():
    program = "import sys\nsys.modules['numpy'] = None\nfrom course_lib.explorables import LayoutSwitch\nLayoutSwitch()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
