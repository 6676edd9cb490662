"""From the hand to the picture: milliseconds between a move of the pointer and the frame that shows it, in JupyterLab.

    python benchmarks/interaction/run.py            every explorable, and two sliders that redraw matplotlib
    python benchmarks/interaction/run.py -k Jacobian

The time starts when the browser received the event (its timeStamp) and ends in the first frame after the picture
changed. Moves are made one by one, each after the frame of the one before; then a drag of 60 moves, as fast as they
come, tells how far the picture is behind when the hand stops. It runs in the browser of the tests, by their fixtures.
"""

from __future__ import annotations

import statistics
import sys
from functools import partial
from importlib.util import find_spec
from typing import NamedTuple

import pytest
from playwright.sync_api import TimeoutError

ROUNDS, MOVES, DRAG = 3, 30, 60
METER = """selector => {
    const root = document.querySelector(selector);
    const meter = window.meter = {start: 0, armed: false, waiting: false, samples: [], paints: [], last: 0};
    const heard = event => {
        if (event.type === "pointermove" && event.buttons !== 1) return;
        meter.last = event.timeStamp;
        if (meter.armed) { meter.start = event.timeStamp; meter.armed = false; meter.waiting = true; }
    };
    for (const type of ["pointermove", "keydown", "click"]) document.addEventListener(type, heard, true);
    let queued = false;
    const changed = () => {
        if (queued) return;
        queued = true;
        requestAnimationFrame(() => {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => {
                queued = false;
                const now = performance.now();
                meter.paints.push(now);
                if (meter.waiting) { meter.waiting = false; meter.samples.push(now - meter.start); }
            };
            channel.port2.postMessage(0);
        });
    };
    const pictures = nodes => [...nodes].flatMap(n => n.nodeType !== 1 ? [] : n.matches("img") ? [n]
        : [...n.querySelectorAll("img")]);
    const content = !root.matches(".jp-Notebook");
    new MutationObserver(changes => {
        if (content) return changed();
        const images = changes.flatMap(change => pictures(change.addedNodes));
        if (images.length) Promise.allSettled(images.map(image => image.decode())).then(changed);
    }).observe(root, {subtree: true, childList: true, attributes: content, characterData: content});
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    CanvasRenderingContext2D.prototype.drawImage = function (...given) { changed(); return draw.apply(this, given); };
}"""


class Case(NamedTuple):
    """What is taken hold of and pulled, so many pixels a move; or, with step 0, clicked in turn."""

    cell: str
    handle: str
    step: float = 3
    watch: str = ".cr"  # what changes when the picture is there


def explorable(call: str) -> str:
    name = call.split("(")[0]
    return f"from course_lib.explorables import {name}\nimport numpy as np\nexplorable = {call}\nexplorable"


MATPLOTLIB = "import numpy as np, ipywidgets as W, matplotlib.pyplot as plt\nx = np.linspace(0, 6, 200)\n"
SLIDER = "W.FloatSlider(min=0.0, max=100.0, step=1.0, value=20.0, layout=W.Layout(width='760px'))"
OWN = "lambda x: np.array([x[0] * x[1], np.sin(x[0])])"
CASES = {
    "01 LineFitter": Case(explorable("LineFitter()"), ".cr-fit-point[r='8']"),
    "02 ShapeEditor": Case(explorable("ShapeEditor([2, 3, 2])"), ".cr button[aria-label*='neuron']", 0),
    "03 DifferenceExplorer": Case(explorable("DifferenceExplorer(h=0.01)"), ".cr input[type=range]"),
    "04 JacobianStage": Case(explorable("JacobianStage('polar')"), ".cr-point"),
    "04 JacobianStage, own f": Case(explorable(f"JacobianStage({OWN})"), ".cr-point", watch=".cr-jacobian"),
    "05 PathExplorer": Case(explorable("PathExplorer()"), ".cr .cr-option", 0),
    "06 PassPlayer": Case(explorable("PassPlayer()"), ".cr input[type=range]", 25),
    "matplotlib inline": Case(
        MATPLOTLIB
        + "def draw(v):\n    fig, ax = plt.subplots(figsize=(5, 3)); ax.plot(x, np.sin(v / 20 * x)); plt.show()\n"
        f"W.interactive(draw, v={SLIDER})",
        ".noUi-handle",
        8,
        ".jp-Notebook",
    ),
    "ipympl": Case(
        "%matplotlib widget\n" + MATPLOTLIB + "with plt.ioff():\n    fig, ax = plt.subplots(figsize=(5, 3))\n"
        f"(line,) = ax.plot(x, np.sin(x)); s = {SLIDER}\n"
        "def update(change):\n    line.set_data(x, np.sin(s.value / 20 * x)); fig.canvas.draw_idle()\n"
        "s.observe(update, 'value'); W.VBox([s, fig.canvas])",
        ".noUi-handle",
        8,
        ".jp-Notebook",
    ),
}
RESULTS: dict[str, dict[str, list[float]]] = {}


@pytest.mark.parametrize("name", [name for _ in range(ROUNDS) for name in CASES])
def test_measure(open_notebook, name):
    case = CASES[name]
    if name == "ipympl" and not find_spec("ipympl"):
        pytest.skip("ipympl is not installed")
    notebook = open_notebook([case.cell])
    notebook.run(0)
    page, found = notebook.page, RESULTS.setdefault(name, {"move": [], "behind": [], "late": []})
    page.locator(case.handle).first.wait_for(state="attached")
    page.evaluate(METER, case.watch)

    def measured(move):
        """Make a move and wait for its frame, if it changes anything."""
        count = page.evaluate("() => { meter.armed = true; return meter.samples.length; }")
        move()
        try:
            page.wait_for_function("count => meter.samples.length > count", arg=count, timeout=1500)
        except TimeoutError:
            page.evaluate("() => { meter.armed = meter.waiting = false; }")

    boxes = [box for one in page.locator(case.handle).all() if (box := one.bounding_box())]
    middles = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
    if not case.step:
        for k in range(MOVES):
            measured(partial(page.mouse.click, *middles[k % len(middles)]))
    else:
        x, y = middles[0]
        there = [x + case.step * k for k in range(1, MOVES // 2 + 1)]
        page.mouse.move(x, y)
        page.mouse.down()
        for to in there + there[::-1]:
            measured(partial(page.mouse.move, to, y))
        page.evaluate("() => { meter.paints = []; }")
        for k in range(DRAG):
            page.mouse.move(there[k % len(there)], y)
        page.wait_for_function("() => performance.now() - meter.last > 1000")
        late = page.evaluate("() => meter.paints.filter(t => t > meter.last).map(t => t - meter.last)")
        page.mouse.up()
        found["behind"].append(max(late, default=0.0))
        found["late"].append(len(late))
    found["move"] += page.evaluate("() => meter.samples")
    assert found["move"], "no move was seen to change the picture"


def test_report(capsys):
    """The table; the last test, so that all rounds are in."""
    inline = statistics.median(RESULTS.get("matplotlib inline", {"move": [float("nan")]})["move"])
    with capsys.disabled():
        print(f"\n{'':26}{'median':>9}{'95 %':>9}{'behind':>9}{'late':>6}{'inline takes':>14}")
        for name, found in ((name, found) for name, found in RESULTS.items() if found["move"]):
            moves = sorted(found["move"])
            middle, high = statistics.median(moves), moves[int(0.95 * (len(moves) - 1))]
            behind = f"{max(found['behind']):9.0f}{max(found['late']):6.0f}" if found["behind"] else f"{'':15}"
            print(f"{name:26}{middle:9.1f}{high:9.1f}{behind}{inline / middle:13.1f}x")
        print("milliseconds; behind: from the last move of a drag to the last frame; late: frames after the last move")


if __name__ == "__main__":
    options = ["-q", "-p", "no:cacheprovider", "-p", "tests.browser.conftest", "-p", "no:randomly"]
    sys.exit(pytest.main([__file__, *options, *sys.argv[1:]]))
