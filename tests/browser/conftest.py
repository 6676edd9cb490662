"""A Jupyter server, a Chromium and notebooks open in it: JupyterLab and Notebook 7, served by one server.

A test asks for `open_notebook`, and `open_notebook(cells_or_file, app="lab")` gives it a `Notebook`.
Nothing leaves the machine: Chromium resolves no name but the loopback's.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from course_lib.cli import PROMPT
from tests.browser.bench import Bench

CHROMIUM_IS_MISSING = """Chromium is missing, the browser tests cannot run; install it with
    sudo apt-get install --no-install-recommends chromium fonts-dejavu-core     (Debian, Ubuntu)
    python -m playwright install chromium                                       (macOS, Windows, others)
or name one that is there: CHROMIUM=/path/to/chrome make browser"""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
FLAGS = (
    "--disable-dev-shm-usage",  # the shared memory of containers is small
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--force-device-scale-factor=1",  # screenshots of one size
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
MINUTE = 60_000  # in milliseconds, as playwright counts


class Notebook:
    """A notebook that is open in the page. Cells go by their number from 0 or by their id."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.file = file

    def command(self, name: str, timeout: float = 3 * MINUTE) -> None:
        """Run a command of Jupyter, such as "notebook:run-cell", and wait until it is done and the kernel idle."""
        self.page.evaluate(
            """name => { window.courseDone = false;
                         window.jupyterapp.commands.execute(name).finally(() => window.courseDone = true); }""",
            name,
        )
        self.page.wait_for_function(f"() => window.courseDone && ({KERNEL})?.status === 'idle'", timeout=timeout)

    def run_all(self) -> None:
        """Run every cell, as Run > Run All Cells does."""
        self.command("notebook:run-all-cells")

    def restart(self) -> None:
        """Restart the kernel; nothing of it is left but the notebook."""
        self.page.evaluate(f"() => ({KERNEL}).restart()")
        self.page.wait_for_function(f"() => ({KERNEL})?.status === 'idle'", timeout=2 * MINUTE)

    def run(self, cell: int | str) -> None:
        """Run one cell, as Ctrl+Enter does, when the kernel has heard what widgets had to say."""
        self.activate(cell)
        self.page.wait_for_function(f"() => ({KERNEL})?.status === 'idle'")
        self.command("notebook:run-cell")

    def save(self) -> nbformat.NotebookNode:
        """Save, and read the file back."""
        self.command("docmanager:save")
        self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
        return nbformat.read(self.file, as_version=4)

    def index(self, cell: int | str) -> int:
        """The number of a cell."""
        if isinstance(cell, int):
            return cell
        ids: list[str] = self.page.evaluate(f"() => {CELLS}.map(cell => cell.model.id)")
        return ids.index(cell)

    def activate(self, cell: int | str) -> None:
        """Make a cell the active one, in command mode, and bring it into view."""
        self.page.evaluate(
            f"async i => {{ const n = {CONTENT}; await n.scrollToItem(i); n.activeCellIndex = i; n.mode = 'command';"
            " n.widgets[i].node.focus(); }",
            self.index(cell),
        )

    @property
    def active(self) -> int:
        """The number of the active cell."""
        return self.page.evaluate(f"() => {CONTENT}.activeCellIndex")

    def source(self, cell: int | str) -> str:
        """What stands in a cell now."""
        return self.page.evaluate(f"i => {CELLS}[i].model.sharedModel.getSource()", self.index(cell))

    def set_source(self, cell: int | str, text: str) -> None:
        """Write a cell anew."""
        self.page.evaluate(f"([i, text]) => {CELLS}[i].model.sharedModel.setSource(text)", [self.index(cell), text])

    def cell(self, cell: int | str) -> Locator:
        """A cell in the page, brought into view."""
        i = self.index(cell)
        self.page.evaluate(f"i => {CONTENT}.scrollToItem(i)", i)
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{i}"]')

    def output(self, cell: int | str) -> Locator:
        """The outputs of a cell in the page."""
        return self.cell(cell).locator(".jp-OutputArea-output")

    def screenshot(self, name: str) -> None:
        """A picture of the page as $SCREENSHOTS/name.png, where that folder is named."""
        if folder := os.environ.get("SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png")


CONTENT = "window.jupyterapp.shell.currentWidget.content"
CELLS = f"{CONTENT}.widgets"
KERNEL = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel"


class Server:
    """A Jupyter server on the loopback: its address and the folder it shows."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    def settings(self, plugin: str) -> dict:
        """The schema of a plugin's settings, with the defaults that the server gives them."""
        with urllib.request.urlopen(f"{self.url}/lab/api/settings/{plugin}", timeout=30) as answer:
            return json.load(answer)["schema"]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests, with settings of its own: those of the user do not count, those of the course do."""
    home = tmp_path_factory.mktemp("jupyter")
    folder = home / "root"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    own |= {name: str(home / name) for name in ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")}
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={folder}"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(PROMPT, "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True"),
        "--JupyterNotebookApp.expose_app_in_browser=True",  # both give the page window.jupyterapp, with its commands
    ]
    with (home / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            url = f"http://127.0.0.1:{port}"
            until_answered(f"{url}/api/status", process, home / "log")
            yield Server(url, folder)
        finally:
            process.terminate()
            process.wait(30)


def until_answered(url: str, process: subprocess.Popen, log: Path) -> None:
    """Wait until the server answers; say what it said when it does not."""
    end = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail("the Jupyter server did not start; it said:\n" + log.read_text(encoding="utf-8"))
            time.sleep(0.1)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests: $CHROMIUM, else the machine's, else the one that playwright has installed."""
    with sync_playwright() as playwright:
        found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
        found = found or playwright.chromium.executable_path
        if not Path(found).exists():
            pytest.fail(CHROMIUM_IS_MISSING, pytrace=False)
        as_root = hasattr(os, "geteuid") and os.geteuid() == 0  # Chromium refuses its sandbox to root
        flags = [*FLAGS, *(["--no-sandbox"] if as_root else [])]
        chromium = playwright.chromium.launch(executable_path=found, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page with a memory of its own; whatever it asks of another machine fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    outside: list[str] = []
    context.on("request", lambda request: outside.append(request.url) if leaves(request.url) else None)
    yield page
    context.close()
    assert not outside, f"the page asked other machines for {outside}"


def leaves(url: str) -> bool:
    """Whether a request leaves the machine."""
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))


class Opener:
    """Opens notebooks in the page of the test."""

    def __init__(self, server: Server, page: Page) -> None:
        self.server = server
        self.page = page

    def __call__(self, what: Path | Sequence[str], app: Literal["lab", "notebook"] = "lab") -> Notebook:
        """Open a copy of a file, or a notebook of these code cells; its kernel is ready when this returns.

        Each is in a folder of its own: Jupyter gives two notebooks of one path the same kernel.
        """
        folder = Path(tempfile.mkdtemp(dir=self.server.folder))
        file = folder / (what.name if isinstance(what, Path) else "cells.ipynb")
        name = f"{folder.name}/{file.name}"
        if isinstance(what, Path):
            shutil.copyfile(what, file)
        else:
            cells = [nbformat.v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(what)]
            kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
            nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), file)
        place = f"lab/tree/{name}?reset" if app == "lab" else f"notebooks/{name}"
        self.page.goto(f"{self.server.url}/{place}", timeout=2 * MINUTE)
        self.page.wait_for_function(f"() => ({KERNEL})?.status === 'idle'", timeout=2 * MINUTE)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        return Notebook(self.page, file)


@pytest.fixture
def open_notebook(server: Server, page: Page) -> Iterator[Opener]:
    """Opens a notebook in JupyterLab or Notebook 7: `open_notebook(Path("notebooks/04_jacobians.ipynb"))`."""
    yield Opener(server, page)
    page.evaluate("() => window.jupyterapp?.serviceManager.sessions.shutdownAll()")


@pytest.fixture
def bench(page: Page) -> Iterator[Bench]:
    """An explorable alone in a page; an error in the page fails the test."""
    bench = Bench(page)
    yield bench
    assert bench.errors == []
