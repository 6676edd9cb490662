"""From the command to the explorable: how long the course takes to start, beside a JupyterLab without it.

    python benchmarks/startup/run.py
    python benchmarks/startup/run.py --quick        fewer rounds, three chapters

What the course does and what it is compared with take turns within a round; a figure is the median, and a ratio the
median of the ratios of a round. The first cell is timed by the CPU time of a Python that has loaded all that a kernel
loads by itself; the way to the explorable by the clock, in Chromium (for which it needs the tools of the tests).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import nbformat  # noqa: E402
import perf_common as perf  # noqa: E402
from packaging.requirements import Requirement  # noqa: E402

from course_lib.authoring.run import execute  # noqa: E402

COURSE, BARE = "chain-rule-to-the-rescue", "JupyterLab alone"
IMPORTS = "import numpy, matplotlib.pyplot"
FIGURE = "matplotlib.pyplot.plot([0, 1])"
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def main() -> None:
    options = perf.start(__doc__, ("jupyterlab", "ipykernel", "numpy", "matplotlib", "ipywidgets", "anywidget"))
    lessons = [LESSONS[0], LESSONS[4], LESSONS[-1]] if options.quick else LESSONS
    results = {
        "size": sizes(),
        "first cell": first_cells(lessons, 2 if options.quick else 5),
        "memory": memories(lessons),
        "way": ways(2 if options.quick else 4),
    }
    perf.finish(options, results)


# -------------------------------------------------------------------------------------------------------------- size


def sizes() -> dict[str, float]:
    """Megabytes of all that is installed for the course, and for JupyterLab with NumPy, matplotlib and widgets."""
    found = {}
    print(f"\n{'installed':40}{'packages':>10}{'MB':>8}")
    for name, wanted in {COURSE: [COURSE], BARE: ["jupyterlab", "numpy", "matplotlib", "ipywidgets"]}.items():
        needed = closure(wanted)
        files = [Path(file.locate()) for each in needed for file in distribution(each).files or ()]
        found[name] = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
        print(f"{name:40}{len(needed):10}{found[name]:8.0f}")
    return found


def closure(names: list[str]) -> set[str]:
    """These packages and all that they need here."""
    needed: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop().lower().replace("_", "-").replace(".", "-")
        if name in needed:
            continue
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        needed.add(name)
        wanted = map(Requirement, lines)
        todo += [each.name for each in wanted if not each.marker or each.marker.evaluate({"extra": ""})]
    return needed


# -------------------------------------------------------------------------------------------------------- first cell


def imports_of(lesson: Path) -> str:
    """The cells of a lesson down to the one that imports the course."""
    cells = [cell.source for cell in nbformat.read(lesson, as_version=4).cells if cell.cell_type == "code"]
    last = next(n for n, source in enumerate(cells) if "from course_lib" in source)
    return "\n".join(cell for cell in cells[: last + 1] if "%pip" not in cell)


def first_cells(lessons: list[Path], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of the first cell of every lesson, and of what it is compared with."""
    cells = {BARE: IMPORTS} | {lesson.stem: imports_of(lesson) for lesson in lessons}
    found: dict[str, list[float]] = {name: [] for name in cells}
    for number in range(rounds + 1):
        for name, source in cells.items():
            program = (
                "import ipykernel.kernelapp, ipykernel.ipkernel, ipykernel.zmqshell, time\n"
                f"start = time.process_time()\n{source}\nprint(time.process_time() - start)"
            )
            done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
            if number:  # the first round has every file read once
                found[name].append(float(done.stdout.split()[-1]))
    print(f"\n{'first cell (alone: ' + IMPORTS + ')':60}{'CPU':>10}{'ratio':>8}")
    for name, seconds in found.items():
        ratio = statistics.median(ours / bare for ours, bare in zip(seconds, found[BARE], strict=True))
        print(f"{name:60}{perf.seconds(statistics.median(seconds)):>10}{ratio:8.2f}")
    return found


# ------------------------------------------------------------------------------------------------------------ memory


def memories(lessons: list[Path]) -> dict[str, float]:
    """Megabytes of a kernel at its largest, when a lesson has been run to its end."""
    alone = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"{IMPORTS}\n{FIGURE}")])
    notebooks = {BARE: alone} | {lesson.stem: nbformat.read(lesson, as_version=4) for lesson in lessons}
    unit = 1e-6 if sys.platform == "darwin" else 1.024e-3  # bytes there, kibibytes elsewhere
    asked = f"import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * {unit})"
    found = {}
    print(f"\n{'memory of the kernel':60}{'MB':>10}{'ratio':>8}")
    for name, notebook in notebooks.items():
        notebook.cells.append(nbformat.v4.new_code_cell(asked))
        execute(notebook)
        found[name] = float(notebook.cells[-1].outputs[0].text)
        print(f"{name:60}{found[name]:10.0f}{found[name] / found[BARE]:8.2f}")
    return found


# ------------------------------------------------------------------------------------------------- way to explorable


def ways(rounds: int) -> dict[str, list[list[float]]]:
    """Seconds of each step from the command to the explorable; alone: to a figure of matplotlib."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, NAMES

    lesson = next(path for path in LESSONS if path.stem.startswith("05"))
    contestants = {
        COURSE: (["course_lib.cli", "lab"], [imports_of(lesson), "PathExplorer()"], ".cr svg"),
        BARE: (["jupyterlab"], [IMPORTS, FIGURE], ".jp-OutputArea-output img"),
    }
    steps = ["server answers", "notebook, kernel", "first cell", "picture", "in all"]
    found: dict[str, list[list[float]]] = {name: [] for name in contestants}
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        flags = [*FLAGS, *(["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(
            executable_path=chromium or playwright.chromium.executable_path, args=flags
        )
        for number in range(rounds + 1):
            for name in sorted(contestants, reverse=bool(number % 2)):  # who comes first takes turns, too
                command, cells, picture = contestants[name]
                times = list(way(browser, command, cells, picture))
                if number:
                    found[name].append([*times, sum(times)])
        browser.close()
    print(f"\n{'from the command to the picture':34}" + "".join(f"{step:>18}" for step in steps))
    for name, rows in found.items():
        medians = [statistics.median(column) for column in zip(*rows, strict=True)]
        print(f"{name:34}" + "".join(f"{perf.seconds(median):>18}" for median in medians))
    pairs = list(zip(found[COURSE], found[BARE], strict=True))
    ratios = [statistics.median(ours[k] / bare[k] for ours, bare in pairs) for k in range(len(steps))]
    print(f"{'ratio':34}" + "".join(f"{ratio:18.2f}" for ratio in ratios))
    return found


def way(browser, command: list[str], cells: list[str], picture: str) -> Iterator[float]:
    """Seconds until the server answers, then until the kernel of a notebook is ready, of the first cell, the second."""
    from tests.browser.conftest import KERNEL, Notebook

    with server(command, cells) as (url, file):
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        page, last = context.new_page(), server.started
        for step in (
            lambda: answers(f"{url}/api/status"),
            lambda: (
                page.goto(f"{url}/lab/tree/notebooks/{file.name}?reset", timeout=180_000),
                page.wait_for_function(f"() => ({KERNEL})?.status === 'idle'", timeout=180_000),
            ),
            lambda: Notebook(page, file).run(0),
            lambda: (Notebook(page, file).run(1), page.wait_for_selector(picture, state="visible")),
        ):
            step()
            now = time.perf_counter()
            yield now - last
            last = now
        context.close()


@contextmanager
def server(command: list[str], cells: list[str]) -> Iterator[tuple[str, Path]]:
    """A server that has just been asked to start, in a folder with one notebook; settings of the user do not count."""
    with tempfile.TemporaryDirectory() as scratch, socket.socket() as probe:
        file = Path(scratch, "root", "notebooks", "cells.ipynb")
        file.parent.mkdir(parents=True)
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        made = [nbformat.v4.new_code_cell(source) for source in cells]
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=kernel), file)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
        own = {name: str(Path(scratch, name)) for name in (*places, "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")}
        options = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
        options += ["--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True", "--ServerApp.port_retries=0"]
        options += ["--ServerApp.disable_check_xsrf=True"]  # so that it can be asked to stop
        environment = os.environ | own | {"PYTHONPATH": str(ROOT)}
        server.started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", *command, *options],
            cwd=file.parents[1],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{port}", file
        finally:
            urllib.request.urlopen(
                urllib.request.Request(f"http://127.0.0.1:{port}/api/shutdown", method="POST")
            ).close()
            process.wait(60)


def answers(url: str) -> None:
    """Wait until a server answers there."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            json.load(urllib.request.urlopen(url, timeout=5))
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the Jupyter server did not start")


if __name__ == "__main__":
    main()
