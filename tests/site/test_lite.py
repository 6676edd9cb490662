"""JupyterLite in the site: what it is made of, and its Python at work in Chromium without any network."""

import hashlib
import json

import pytest

from course_lib.environment import IN_A_BROWSER, NAME
from tests.browser.conftest import CELLS, KERNEL, MINUTE

SETTINGS = "@jupyterlite/pyodide-kernel-extension:kernel"


@pytest.fixture(scope="module")
def lock(site):
    """What Pyodide knows of packages, and where they are."""
    return json.loads((site / "lite" / "static" / "pyodide" / "pyodide-lock.json").read_text(encoding="utf-8"))[
        "packages"
    ]


def needed(lock, name):
    """A package and all that it stands on."""
    found, waiting = {}, [name]
    while waiting:
        one = waiting.pop()
        key = next(key for key in lock if key.lower().replace("_", "-") == one.lower().replace("_", "-"))
        if key not in found:
            found[key] = lock[key]
            waiting += lock[key]["depends"]
    return found


def absent(lock):
    """The wheels of the course that the site itself has not, by their names."""
    return sorted(p["file_name"].rpartition("/")[2] for p in needed(lock, NAME).values() if "://" in p["file_name"])


def test_the_course_needs_in_a_browser_what_its_environment_check_asks_for(lock):
    assert lock[NAME]["depends"] == list(IN_A_BROWSER)
    assert lock[NAME]["imports"] == ["course_lib"]


def test_every_wheel_of_the_course_is_in_the_site_as_it_was_or_is_compiled_and_named(site, lock):
    for package in needed(lock, NAME).values():
        name = package["file_name"]
        if "://" in name:
            assert name.endswith("_wasm32.whl"), f"{name} has no compiled code: it could be in the site"
        else:
            content = (site / "lite" / "static" / "pyodide" / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == package["sha256"]


def test_the_kernel_is_in_the_site_and_asks_no_index_of_packages(site):
    config = json.loads((site / "lite" / "jupyter-lite.json").read_text(encoding="utf-8"))["jupyter-config-data"]
    settings = config["litePluginSettings"][SETTINGS]
    assert settings["disablePyPIFallback"] is True
    assert (site / "lite" / settings["pyodideUrl"]).is_file()
    assert all(url.startswith("./") for url in settings["pipliteUrls"])


class Lite:
    """A notebook of these cells, open in JupyterLite, with its kernel ready."""

    def __init__(self, reader, cells):
        self.page = reader.page
        reader.open("lite/lab/index.html?reset")
        kernel = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
        content = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"c{i}",
                    "source": s,
                    "metadata": {},
                    "outputs": [],
                    "execution_count": None,
                }
                for i, s in enumerate(cells)
            ],
            **{
                "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
                "nbformat": 4,
                "nbformat_minor": 5,
            },
        }
        self.page.wait_for_function("() => window.jupyterapp?.restored", timeout=MINUTE)
        self.page.evaluate(
            """async content => {
                await jupyterapp.restored;
                const model = {type: "notebook", format: "json", content};
                await jupyterapp.serviceManager.contents.save("try.ipynb", model);
                await jupyterapp.commands.execute("docmanager:open", {path: "try.ipynb"});
            }""",
            content,
        )
        self.page.wait_for_function(f"() => ({KERNEL})?.status === 'idle'", timeout=5 * MINUTE)

    def run(self, cell):
        """Run a cell; gives what it printed and showed as text."""
        self.page.evaluate(f"i => {{ {CELLS.removesuffix('.widgets')}.activeCellIndex = i; }}", cell)
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-cell')")
        self.page.wait_for_function(f"() => ({KERNEL}).status === 'idle'", timeout=2 * MINUTE)
        outputs = self.page.evaluate(f"i => {CELLS}[i].model.outputs.toJSON()", cell)
        return "".join(o.get("text") or o.get("data", {}).get("text/plain") or o.get("evalue") or "" for o in outputs)


def test_python_starts_in_the_browser_an_explorable_talks_to_it_and_a_cell_is_rewritten(reader, lock):
    show = "from course_lib.explorables import LayoutSwitch\nswitch = LayoutSwitch()\nswitch"
    request = {"source": "set_next_input", "text": "locked = 1", "replace": True}  # as lock_in does
    lite = Lite(reader, [show, "switch.reading", f"get_ipython().payload_manager.write_payload({request})"])
    lite.run(0)
    rows = lite.page.locator(".cr input[type=radio][value=rows]")
    rows.wait_for(timeout=MINUTE)
    assert lite.run(1) == "'columns'"
    rows.check(force=True)  # the radio button lies under its label
    lite.page.wait_for_function("() => !document.querySelector('.cr-sentence').textContent.startsWith('Columns')")
    assert any(lite.run(1) == "'rows'" for _ in range(20)), "the page tells Python when the hand rests"
    lite.run(2)
    lite.page.wait_for_function(f"() => {CELLS}[2].model.sharedModel.getSource() === 'locked = 1'")
    asked = {url.rpartition("/")[2] for url in reader.outside}
    assert asked <= set(absent(lock)), "only wheels that the build has named are looked for elsewhere"
    reader.outside.clear()


def test_what_needs_numpy_runs_in_the_browser(reader, lock):
    if names := absent(lock):
        pytest.skip(f"not tried, not in this build: {', '.join(names)}; try make site PYODIDE=folder")
    program = "from course_lib.environment import check_environment\ncheck_environment()"
    check = "from course_lib.exercises import check\ncheck('numerical-jacobian', lambda f, x, h=1e-5: None)"
    lite = Lite(reader, [program, check])
    assert lite.run(0) == "Everything the course needs is here.\n"
    assert lite.run(1).startswith("numerical-jacobian: ")
