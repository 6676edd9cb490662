"""Who may import whom: everybody looks towards the core, the core looks at NumPy alone."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "course_lib"
OUTER = {"plots", "explorables", "exercises", "authoring", "grading", "cli"}
MAY_IMPORT = {
    "core": {"core"},
    "plots": {"core", "plots"},
    "explorables": {"core", "explorables"},
    "exercises": {"core", "plots", "explorables", "exercises"},
    "authoring": {"core", "exercises", "authoring"},
    "grading": {"core", "exercises", "grading"},
    "cli": {"core", *OUTER},
}
MODULES = sorted(PACKAGE.rglob("*.py"))
# What a distribution is called when it is imported, where that is not its own name; and who are run, not imported.
IMPORT_NAMES = {"ipython": "IPython", "pyzmq": "zmq"}
RUN = {"jupyterlab", "ipywidgets"}


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
