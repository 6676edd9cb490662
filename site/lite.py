"""JupyterLite with the course in it: a folder of files in which the notebooks run, in the reader's browser.

Python is Pyodide. Its core comes from npm, wheels without compiled code from PyPI, and Pyodide's lock file says where
everything is, the course included: `import course_lib` in a cell loads the course and what it stands on. Compiled
wheels that PyPI does not have are named; the lock file looks for them in Pyodide's own distribution, or where it is
told to.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from jupyterlite_pyodide_kernel import constants
from packaging.utils import canonicalize_name

from course_lib.environment import IN_A_BROWSER, NAME

SHELL = ("comm", "ipython", "jedi", "micropip")  # what the kernel itself asks for
ADDED = {  # packages that Pyodide's distribution does not have -> (what is imported, what it needs)
    "comm": (["comm"], ["traitlets"]),
    "psygnal": (["psygnal"], []),
    "ipywidgets": (["ipywidgets"], ["comm", "ipython", "traitlets"]),
    "anywidget": (["anywidget"], ["ipywidgets", "psygnal", "typing-extensions"]),
    NAME: (["course_lib"], list(IN_A_BROWSER)),
}
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"


def build(root: Path, work: Path, core: Path, out: Path, elsewhere: str, own: Path | None = None) -> list[str]:
    """Build JupyterLite into `out`; returns the wheels that are not in it.

    root : the course      work : a folder for what is put together      core : the files of npm's package `pyodide`
    elsewhere : the URL where a page finds the wheels that PyPI does not have      own : a folder that has some of them
    """
    shutil.rmtree(work, ignore_errors=True)
    pyodide = work / "static" / "pyodide"
    pyodide.mkdir(parents=True)
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"):
        shutil.copy(core / name, pyodide)
    lock = json.loads((core / "pyodide-lock.json").read_text(encoding="utf-8"))
    missing = fill(lock, root, work.parent / "wheels", pyodide, elsewhere, own)
    (pyodide / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    for folder in ("notebooks", "exercises"):
        shutil.copytree(root / folder, work / "files" / folder, ignore=shutil.ignore_patterns(".*"))
    shutil.copy(root / "course_lib" / "jupyter_settings.json", work / "overrides.json")
    settings = {
        "pyodideUrl": "./static/pyodide/pyodide.mjs",
        "disablePyPIFallback": True,
        "loadPyodideOptions": {"packages": list(SHELL)},
    }
    config = {
        "appName": "Chain rule to the rescue",
        "exposeAppInBrowser": True,
        "litePluginSettings": {KERNEL: settings},
    }
    file = {"jupyter-lite-schema-version": 0, "jupyter-config-data": config}
    (work / "jupyter-lite.json").write_text(json.dumps(file), encoding="utf-8")
    command = [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", work, "--contents", work / "files"]
    command += ["--output-dir", out, "--no-sourcemaps", "--apps", "lab", "--apps", "notebooks"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"jupyter lite build ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return missing


def fill(
    lock: dict[str, Any], root: Path, kept: Path, target: Path, elsewhere: str, own: Path | None = None
) -> list[str]:
    """Put the wheels into `target` and their places into the lock file; returns the names of those left elsewhere."""
    kept.mkdir(exist_ok=True)
    packages: dict[str, Any] = lock["packages"]
    for name, (imports, depends) in ADDED.items():
        version = importlib.metadata.version(name)
        packages[name] = {
            **{"name": name, "version": version, "imports": imports, "depends": depends, "file_name": "-none-any.whl"},
            **{"install_dir": "site", "package_type": "package", "unvendored_tests": False},
        }
    wanted: list[str] = []
    waiting = [*SHELL, *ADDED]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in wanted:
            wanted.append(name)
            waiting += packages[name]["depends"]
    missing = []
    for name in sorted(wanted):
        package = packages[name]
        wheel = course(root, kept) if name == NAME else fetched(package, kept)
        if wheel is None and own and (own / package["file_name"]).is_file():
            wheel = own / package["file_name"]
        if wheel is not None:
            shutil.copy(wheel, target)
            package |= {"file_name": wheel.name, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
        else:
            missing.append(package["file_name"])
            package["file_name"] = f"{elsewhere.rstrip('/')}/{package['file_name']}"
    return missing


def distribution() -> str:
    """Where Pyodide's own distribution is, of the version that the kernel asks for, as the kernel has it."""
    schema = Path(sys.prefix, "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/schema")
    url = json.loads((schema / "kernel.v0.schema.json").read_text(encoding="utf-8"))["properties"]["pyodideUrl"][
        "default"
    ]
    return url.rpartition("/")[0]


def fetched(package: dict[str, Any], kept: Path) -> Path | None:
    """The wheel of a package from PyPI in the version of the lock file, fetched once; None where PyPI has none."""
    stem = f"{re.sub('[-.]', '_', package['name'])}-{package['version']}-"
    found = [file for file in kept.glob("*.whl") if file.name.lower().startswith(stem.lower())]
    if not found:
        compiled = not package["file_name"].endswith("-none-any.whl")
        tags = ["--platform", package["file_name"].rpartition("-")[2].removesuffix(".whl"), "--abi", "cp314"]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--python-version", constants.PYODIDE_PYTHON_VERSION, "--dest", kept]
        command += tags if compiled else ["--platform", "any", "--abi", "none", "--implementation", "py"]
        asked = subprocess.run([*command, f"{package['name']}=={package['version']}"], capture_output=True, check=False)
        if asked.returncode:
            return None
        found = [file for file in kept.glob("*.whl") if file.name.lower().startswith(stem.lower())]
    return found[0]


def course(root: Path, kept: Path) -> Path:
    """The wheel of the course as it is now."""
    for old in kept.glob("chain_rule*.whl"):
        old.unlink()
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command.append("--no-build-isolation")
    subprocess.run([*command, "--wheel-dir", kept, root], check=True)
    return without(next(kept.glob("chain_rule*.whl")), "course_lib/starter/")


def without(wheel: Path, folder: str) -> Path:
    """The wheel without a folder: JupyterLite has the notebooks as files already."""
    with ZipFile(wheel) as all_of_it:
        kept = {item: all_of_it.read(item) for item in all_of_it.infolist() if not item.filename.startswith(folder)}
    with ZipFile(wheel, "w", ZIP_DEFLATED) as smaller:
        for item, content in kept.items():
            smaller.writestr(item, content, ZIP_DEFLATED)
    return wheel
