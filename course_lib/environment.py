"""Whether this Python, this front end and this folder can do what the course asks of them, and what to try if not."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

NAME = "chain-rule-to-the-rescue"
PACKAGE = Path(__file__).resolve().parent
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
IN_A_BROWSER = ("numpy", "matplotlib", "ipython", "ipywidgets", "anywidget", "traitlets")  # what Pyodide needs
RELOAD = "the page again, with a network; else the course on your own machine, or the site built anew with `make site`"
INSTALL = "`make lab` in the folder of the course, or `python -m pip install -e .` there; then restart the kernel"


class Problem(NamedTuple):
    """One thing that is not as the course needs it."""

    expected: str
    came: str
    attempt: str

    def __str__(self) -> str:
        return f"Expected {self.expected}, got {self.came}.\n    Try {self.attempt}."


def check_environment() -> None:
    """Print that all is well, or each problem: what was expected, what came, what to try.

    Looked at are Python and the packages against the bounds of the course, the copy of the course that this kernel has
    imported, the extension that shows widgets, the working folder, and the threads that NumPy is told to use.
    """
    found = problems()
    print("\n".join(map(str, found)) if found else "Everything the course needs is here.")


def problems() -> list[Problem]:
    """All problems of this kernel in its working folder; [] when all is well."""
    here = Path.cwd()
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    python, requirements = bounds()
    if sys.platform == "emscripten":  # JupyterLite, which is the front end itself
        requirements = [line for line in requirements if line.startswith(IN_A_BROWSER)]
        return [*versions(python, requirements, installed, attempt=RELOAD)]
    if "google.colab" in sys.modules:  # which has older packages; tests run the course with them
        requirements = []
    return [
        *versions(python, requirements, installed),
        *copies(here, PACKAGE),
        *front_end(shell, sys.modules, data_folders()),
        *writable(here),
        *threads(os.environ, processors()),
    ]


# ------------------------------------------------------------------------------------------ Python and packages


def bounds() -> tuple[str, list[str]]:
    """(bound of Python, requirements) as pyproject.toml has them; without a checkout, as they were installed."""
    file = PACKAGE.parent / "pyproject.toml"
    if file.is_file():
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        return project["requires-python"], project["dependencies"]
    metadata = importlib.metadata.metadata(NAME)
    required = [line for line in metadata.get_all("Requires-Dist") or [] if "extra ==" not in line]
    return metadata["Requires-Python"], required


def installed(name: str) -> str | None:
    """The version of a package in this Python, None where it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def version(text: str) -> tuple[int, ...]:
    """The numbers that a version begins with, without zeros at the end.

    >>> version("2.10.0rc1") > version("2.9"), version("8.0") == version("8")
    (True, True)
    """
    found = re.match(r"\d+(\.\d+)*", text)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def versions(
    python: str,
    requirements: Iterable[str],
    installed: Callable[[str], str | None],
    running: str | None = None,
    attempt: str = INSTALL,
) -> Iterator[Problem]:
    """What is older than its bound, or missing: `python` is ">=3.11", a requirement is "numpy>=2.0"."""
    running = running or ".".join(map(str, sys.version_info[:3]))
    least = python.removeprefix(">=")
    if version(running) < version(least):
        yield Problem(
            f"Python {least} or newer", f"Python {running}", f"a newer Python, such as `make lab PYTHON=python{least}`"
        )
    for requirement in requirements:
        name, _, least = requirement.partition(">=")
        came = installed(name)
        if came is None or version(came) < version(least):
            yield Problem(f"{name} {least} or newer", f"{name} {came}" if came else "none", attempt)


def copies(here: Path, package: Path) -> Iterator[Problem]:
    """The kernel's Python has a course, but not the one that this notebook belongs to."""
    for folder in (here, *here.parents):
        own = folder / "course_lib"
        if (own / "environment.py").is_file():
            if not own.samefile(package):
                yield Problem(
                    f"the course of this folder, {own}",
                    f"that of {package}: the kernel's Python, {sys.executable}, belongs to another environment",
                    f"Kernel > Change Kernel, or {INSTALL}",
                )
            return


# ----------------------------------------------------------------------------------------------------- front end


def data_folders() -> list[Path]:
    """Where JupyterLab's extensions may be: in this environment, beside the user, in the system."""
    named = [Path(part) for part in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if part]
    own = Path(os.environ.get("JUPYTER_DATA_DIR") or Path.home() / ".local/share/jupyter")
    return [
        *named,
        Path(sys.prefix, "share/jupyter"),
        own,
        Path("/usr/local/share/jupyter"),
        Path("/usr/share/jupyter"),
    ]


def front_end(shell: Any, modules: Mapping[str, Any], folders: Iterable[Path]) -> Iterator[Problem]:
    """Nobody who could show a widget: no kernel, an extension that is missing, a front end that asks first."""
    if not hasattr(shell, "kernel"):
        yield Problem(
            "a notebook, which shows widgets",
            "a Python without one",
            "`course lab`, and run this in a cell of notebooks/00_start.ipynb",
        )
        return
    if "google.colab" in modules:  # anywidget has it show every widget
        return
    extensions = ["@jupyter-widgets/jupyterlab-manager", "anywidget"]
    missing = [name for name in extensions if not any((folder / "labextensions" / name).is_dir() for folder in folders)]
    if missing:
        yield Problem(f"JupyterLab's extension {' and '.join(missing)}", "none", f"{INSTALL}, then reload the page")


# ----------------------------------------------------------------------------------------------- folder, threads


def writable(folder: Path) -> Iterator[Problem]:
    """The folder of the notebook takes no file, so that no answer would be kept."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Problem(
            f"a folder to save notebooks in, {folder}",
            f"{error.strerror or error}",
            "a copy of the course in a folder of your own",
        )


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads(environment: Mapping[str, str], processors: int) -> Iterator[Problem]:
    """NumPy's matrix products are told to use threads that no processor is there for: they wait for one another."""
    for name in THREADS:
        value = environment.get(name, "").strip()
        if value and not (value.isdecimal() and 1 <= int(value) <= processors):
            yield Problem(
                f"1 to {processors} threads, one for each processor",
                f"{name}={value}",
                f"starting the course without {name}, or with {name}={processors}",
            )
