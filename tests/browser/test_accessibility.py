"""axe-core finds no violation in any state of any widget of the course, light and dark; and nothing leaks."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from course_lib.exercises import all_exercises
from course_lib.exercises.predictions import all_predictions
from course_lib.exercises.session import Session
from course_lib.exercises.widget import AnswerWidget, PredictionWidget, ProgressWidget
from tests.explorable_states import FIRST, STATES

OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # of the notebook around a widget, not of the widget
    "rules": {name: {"enabled": False} for name in ("page-has-heading-one", "region", "landmark-one-main")},
    "resultTypes": ["violations"],
}
RUN = """async ([within, options]) => (await axe.run(within, options)).violations
    .map(({id, nodes}) => `${id}: ${nodes.map(node => node.html.slice(0, 120)).join(" ")}`)"""


def violations(page, options=OPTIONS, within="main"):
    """What axe finds, a line each: the rule and the elements."""
    if not page.evaluate("'axe' in window"):  # the bench writes its document anew and keeps the window
        page.evaluate(f"() => {{ const define = undefined; {AXE_SCRIPT} }}")  # JupyterLab's own would take it away
    return page.evaluate(RUN, [within, options])


def answer_widgets():
    """A widget of every kind of typed exercise and every number of dimensions, a prediction, a progress line."""
    session = Session()
    session.chapter = "04"
    kinds = {}
    for e in all_exercises():
        if e.kind != "code":
            widget = AnswerWidget(session, e, session.inputs(e.id)[0])
            kinds.setdefault((e.kind, len(widget.shape)), widget)
    return [*kinds.values(), PredictionWidget(all_predictions()[0]), ProgressWidget(session)]


@pytest.mark.parametrize("chapter", STATES)
def test_axe_finds_nothing_in_the_explorables(bench, chapter):
    for explorable in STATES[chapter]:
        bench.show(explorable)
        assert violations(bench.page) == [], explorable


def test_axe_finds_nothing_in_the_dark(bench):
    for explorable in FIRST:
        bench.show(explorable, dark=True)
        assert violations(bench.page) == [], explorable


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_in_the_widgets_of_the_exercises(bench, dark):
    for widget in answer_widgets():
        bench.show(widget, dark=dark)
        assert violations(bench.page) == [], widget.sentence()


def test_axe_finds_a_button_without_a_name_and_pale_text(bench):
    bench.show(FIRST[0])
    bench.page.evaluate(
        "document.querySelector('main').innerHTML = '<button></button><p style=\"color: #999\">pale</p>'"
    )
    assert {line.split(":")[0] for line in violations(bench.page)} == {"button-name", "color-contrast"}


@pytest.mark.parametrize("explorable", FIRST, ids=lambda e: type(e).__name__)
def test_two_hundred_displays_leave_no_listener_and_no_element(bench, explorable):
    bench.show(explorable)
    client = bench.page.context.new_cdp_session(bench.page)
    client.send("Performance.enable")

    def left(times):
        """Listeners, elements and megabytes alive after so many displays more."""
        bench.page.evaluate("times => { for (let k = 0; k < times; k++) { end(); display(); } }", times)
        client.send("HeapProfiler.collectGarbage")
        found = {m["name"]: m["value"] for m in client.send("Performance.getMetrics")["metrics"]}
        return found["JSEventListeners"], found["Nodes"], found["JSHeapUsedSize"] / 1e6

    listeners, elements, megabytes = left(20)  # the first ones fill caches
    listeners_later, elements_later, megabytes_later = left(200)
    assert listeners_later <= listeners
    assert elements_later <= elements
    assert megabytes_later < megabytes + 1
