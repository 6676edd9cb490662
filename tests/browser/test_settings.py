"""The Jupyter settings that the course ships: keys reach what has the focus, and nothing pops up."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = json.loads((ROOT / "course_lib" / "jupyter_settings.json").read_text(encoding="utf-8"))
CONTROLS = """import anywidget, ipywidgets

class Range(anywidget.AnyWidget):
    _esm = '''export default { render({ el }) {
        el.innerHTML = '<input type="range" aria-label="native" min="0" max="100" value="50">'
            + '<svg width="20" height="20" tabindex="0" role="button" aria-label="drawn"></svg>';
        const drawn = el.querySelector("svg");
        drawn.addEventListener("keydown", event => { drawn.dataset.key = event.key; event.preventDefault(); });
    } }'''

slider = ipywidgets.FloatSlider(value=1, min=0, max=5, step=0.5, description="slope")
radios = ipywidgets.RadioButtons(options=["sigmoid", "tanh"])
menu = ipywidgets.Dropdown(options=["sigmoid", "tanh"])
display(Range(), slider, radios, menu)"""
APPS = pytest.mark.parametrize("app", ["lab", "notebook"])
# What has the focus, the key, and what it must have done.
KEYS = {
    "native range": ("input[type=range]", "ArrowRight", "e => e.value === '51'"),
    "drawn button": ("svg[role=button]", "ArrowLeft", "e => e.dataset.key === 'ArrowLeft'"),
    "slider": ("[role=slider]", "ArrowUp", "e => Number(e.getAttribute('aria-valuenow')) === 1.5"),
    "radio buttons": (".widget-radio input >> nth=0", "ArrowDown", "e => !e.checked"),
    "menu": (".widget-dropdown select", "ArrowDown", "e => e.selectedIndex === 1"),
}


@APPS
def test_arrow_keys_reach_every_control_and_leave_the_cell_where_it_is(open_notebook, app):
    notebook = open_notebook([CONTROLS, "1", "2"], app)
    notebook.run_all()
    notebook.activate(0)
    page = notebook.page
    for control, (selector, key, done) in KEYS.items():
        element = page.locator(f".jp-OutputArea-output {selector}")
        element.focus()
        page.keyboard.press(key)
        try:
            page.wait_for_function(done, arg=element.element_handle(), timeout=5_000)
        except TimeoutError as error:
            raise AssertionError(f"{key} does not reach the {control} in {app}") from error
        assert notebook.active == 0, f"{key} in the {control} moved the notebook in {app}"


@APPS
def test_arrow_keys_still_move_from_cell_to_cell(open_notebook, app):
    notebook = open_notebook(["1", "2", "3"], app)
    notebook.run_all()
    notebook.output(1).click()
    notebook.page.keyboard.press("ArrowDown")
    assert notebook.active == 2
    notebook.page.keyboard.press("ArrowUp")
    notebook.page.keyboard.press("ArrowUp")
    assert notebook.active == 0


@APPS
def test_no_pop_up_asks_about_news(open_notebook, app):
    notebook = open_notebook(["1"], app)
    notebook.run_all()
    assert notebook.page.locator(".Toastify__toast").count() == 0


@pytest.mark.parametrize("plugin", SETTINGS)
def test_the_installed_course_gives_jupyter_its_settings(server, plugin):
    schema = server.settings(plugin)
    for name, value in SETTINGS[plugin].items():
        assert schema["properties"][name]["default"] == value, name
