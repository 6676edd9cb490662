"""From the hand to the picture: milliseconds between a move of the pointer and the frame that shows it, in JupyterLab.

    python benchmarks/interaction/run.py            every explorable, and two sliders that redraw matplotlib
    python benchmarks/interaction/run.py -k Jacobian

The time starts when the browser received the event (its timeStamp) and ends in the first frame after the thing to be
watched has changed, not merely been written anew. Moves are made one by one, each after the frame of the one before,
and as long after it as chance will have it: a hand is not in step with the screen, and in step all would wait alike.
Then a drag of 55 moves, as fast as they come, tells how far the picture is behind when the hand stops. All cases are
visited in turn, round after round, in one notebook. It runs in the browser of the tests, by their fixtures. The time
that the page's main thread is at work for a move, which other things on the machine disturb less, is told besides.
"""

from __future__ import annotations

import itertools
import random
import statistics
import sys
import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.conftest import Notebook, Server

ROUNDS, MOVES, DRAG = 3, 30, 55
FRAME, CHANCE = 1 / 60, random.Random(0)  # seconds
METER = """selector => {
    window.meter?.end();
    const heard = event => {
        if (event.type === "pointermove" && event.buttons !== 1) return;
        meter.last = event.timeStamp;
        if (meter.armed) { meter.start = event.timeStamp; meter.armed = false; meter.waiting = true; }
    };
    const kinds = ["pointermove", "click"];
    for (const kind of kinds) document.addEventListener(kind, heard, true);
    let queued = false;
    const painted = () => {
        if (queued) return;
        const changed = performance.now();
        queued = true;
        requestAnimationFrame(() => {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => {
                queued = false;
                const now = performance.now();
                meter.paints.push([changed, now]);
                if (meter.waiting) { meter.waiting = false; meter.samples.push(now - meter.start); meter.tell?.(); }
            };
            channel.port2.postMessage(0);
        });
    };
    const own = !selector.startsWith("img"), root = document.querySelector(own ? ".cr" : ".jp-Notebook");
    const content = () => [...root.querySelectorAll(selector)].map(element => element.outerHTML).join();
    let before = own && content();
    const pictures = nodes => [...nodes].flatMap(n => n.nodeType !== 1 ? [] : n.matches("img") ? [n]
        : [...n.querySelectorAll("img")]);
    const observer = new MutationObserver(changes => {
        if (own) {
            const now = content();
            if (now !== before) { before = now; painted(); }
            return;
        }
        const images = changes.flatMap(change => pictures(change.addedNodes));
        if (images.length) Promise.allSettled(images.map(image => image.decode())).then(painted);
    });
    observer.observe(root, {subtree: true, childList: true, attributes: own, characterData: own});
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    if (!own) CanvasRenderingContext2D.prototype.drawImage = function (...given) {
        painted();
        return draw.apply(this, given);
    };
    window.meter = {
        start: 0, armed: false, waiting: false, samples: [], paints: [], last: 0,
        seen: count => new Promise(resolve => {
            const late = setTimeout(() => { meter.armed = meter.waiting = false; resolve(); }, 1500);
            meter.tell = () => { clearTimeout(late); resolve(); };
            if (meter.samples.length > count) meter.tell();
        }),
        end() {
            observer.disconnect();
            for (const kind of kinds) document.removeEventListener(kind, heard, true);
            CanvasRenderingContext2D.prototype.drawImage = draw;
        },
    };
}"""


class Case(NamedTuple):
    """What is taken hold of and pulled, so many pixels a move, a slider from value to value; with step 0, clicked."""

    cell: str
    handle: str
    step: float = 3
    watch: str = ".cr-sentence"  # what changes with every move when the picture is there
    kernel: bool = False  # what is watched is computed there, and nothing else changes it


def explorable(call: str) -> str:
    name = call.split("(")[0]
    return f"from course_lib.explorables import {name}\nimport numpy as np\nexplorable = {call}\nexplorable"


CLEAR = "import ipywidgets; ipywidgets.Widget.close_all()\n"
MATPLOTLIB = "import numpy as np, ipywidgets as W, matplotlib.pyplot as plt\nx = np.linspace(0, 6, 200)\n"
SLIDER = "W.FloatSlider(min=0.0, max=100.0, step=1.0, value=20.0, layout=W.Layout(width='760px'))"
OWN = "lambda x: np.array([x[0] * x[1], np.sin(x[0])])"
RANGE = ".cr input[type=range]"
BARE = '''import anywidget, traitlets
class Bare(anywidget.AnyWidget):
    _esm = """export default { render({ model, el }) {
        el.innerHTML = "<div class=cr><input type=range min=0 max=100 step=1><p class=cr-sentence>0</p></div>";
        const [input, p] = el.firstChild.children;
        input.oninput = () => { model.set("value", Number(input.value)); model.save_changes(); };
        model.on("change:value", () => { p.textContent = model.get("value"); });
    } };"""
    value = traitlets.Int(0).tag(sync=True)
Bare()'''
CASES = {
    "a number alone": Case(BARE, RANGE),
    "00 LayoutSwitch": Case(explorable("LayoutSwitch('rows')"), ".cr-option", 0),
    "01 LineFitter": Case(explorable("LineFitter()"), ".cr-fit-point[r='8']"),
    "02 ShapeEditor": Case(explorable("ShapeEditor([2, 3, 2])"), ".cr button[aria-label*='neuron']", 0),
    "03 DifferenceExplorer": Case(explorable("DifferenceExplorer(h=0.01)"), RANGE),
    "04 JacobianStage": Case(explorable("JacobianStage('polar')"), ".cr-point"),
    "04 JacobianStage, own f": Case(explorable(f"JacobianStage({OWN})"), ".cr-point", watch=".cr-linear", kernel=True),
    "05 PathExplorer": Case(explorable("PathExplorer()"), ".cr-path", 0),
    "06 PassPlayer": Case(explorable("PassPlayer()"), RANGE),
    "06 PassPlayer, step size": Case(
        explorable("PassPlayer(broken='too early', step=11)"), ".cr-options-bar input[type=range]", watch=".cr-ratios"
    ),
    "07 BatchStacker": Case(explorable("BatchStacker(np.ones((3, 8)), np.ones((4, 8)), N=2)"), RANGE),
    "08 GraphPlayer": Case(explorable("GraphPlayer('net', mode='reverse')"), ".cr-graph-scrub input"),
    "09 Race": Case(explorable("Race()"), RANGE),
    "10 DepthExplorer": Case(explorable("DepthExplorer(30)"), RANGE + "[aria-label^=scale]"),
    "10 TrainingWatch": Case(
        explorable("TrainingWatch('moons', hidden=(8, 8), activation='tanh')"),
        RANGE + "[aria-label^=scale]",
        watch=".cr-train-region",
        kernel=True,
    ),
    "matplotlib inline": Case(
        "%matplotlib inline\n"
        + MATPLOTLIB
        + "def draw(v):\n    fig, ax = plt.subplots(figsize=(5, 3)); ax.plot(x, np.sin(v / 20 * x)); plt.show()\n"
        f"W.interactive(draw, v={SLIDER})",
        ".noUi-handle",
        8,
        "img",
        kernel=True,
    ),
    "ipympl": Case(
        "%matplotlib widget\n" + MATPLOTLIB + "with plt.ioff():\n    fig, ax = plt.subplots(figsize=(5, 3))\n"
        f"(line,) = ax.plot(x, np.sin(x)); s = {SLIDER}\n"
        "def update(change):\n    line.set_data(x, np.sin(s.value / 20 * x)); fig.canvas.draw_idle()\n"
        "s.observe(update, 'value'); W.VBox([s, fig.canvas])",
        ".noUi-handle",
        8,
        "img",
        kernel=True,
    ),
}
RESULTS: dict[str, dict[str, list[float]]] = {}


@pytest.fixture(scope="module")
def notebook(server: Server, browser: Browser) -> Iterator[Notebook]:
    """One notebook with one cell, which every case writes anew."""
    from tests.browser.conftest import Opener  # which pytest has loaded by now

    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    yield Opener(server, page)(["0"])
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    context.close()


@pytest.mark.parametrize("name", [name for _ in range(ROUNDS) for name in CASES])
def test_measure(notebook, name):
    case = CASES[name]
    if name == "ipympl" and not find_spec("ipympl"):
        pytest.skip("ipympl is not installed")
    magic, _, rest = case.cell.partition("\n") if case.cell.startswith("%") else ("", "", case.cell)
    notebook.set_source(0, f"{magic}\n{CLEAR}{rest}")
    notebook.run(0)
    page, found = notebook.page, RESULTS.setdefault(name, {"move": [], "behind": [], "stale": [], "cpu": []})
    handles = page.locator(case.handle)
    handles.first.wait_for(state="attached")
    handles.first.scroll_into_view_if_needed()
    page.evaluate("() => new Promise(resolve => setTimeout(resolve, 300))")  # what follows a display is over
    page.evaluate(METER, case.watch)

    inspector = page.context.new_cdp_session(page)
    inspector.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy():
        """Milliseconds that the page's main thread has been at work."""
        metrics = inspector.send("Performance.getMetrics")["metrics"]
        return next(1000 * metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    def measured(move):
        """Make a move and wait for its frame, if it changes anything."""
        count = page.evaluate("() => { meter.armed = true; return meter.samples.length; }")
        time.sleep(CHANCE.uniform(0, FRAME))
        move()
        page.evaluate("count => meter.seen(count)", count)

    boxes = [box for one in handles.all() if (box := one.bounding_box())]
    middles = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
    if not case.step:
        start = busy()
        for k in range(MOVES):
            measured(partial(page.mouse.click, *middles[k % len(middles)]))
        found["cpu"].append((busy() - start) / MOVES)
    else:
        x, y = middles[0]
        there = [x + case.step * k for k in range(MOVES // 2 + 1)]
        if values := handles.first.evaluate("e => e.type === 'range' && (e.max - e.min) / e.step"):
            left, wide, n = boxes[0]["x"] + 8, boxes[0]["width"] - 16, min(round(values), MOVES // 2)
            there = [left + wide * k / n for k in range(n + 1)]
        way = itertools.cycle(there + there[-2:0:-1])
        page.mouse.move(next(way), y)
        page.mouse.down()
        start = busy()
        for _ in range(MOVES):
            measured(partial(page.mouse.move, next(way), y))
        found["cpu"].append((busy() - start) / MOVES)
        page.evaluate("() => { meter.paints = []; }")
        for _ in range(DRAG):
            page.mouse.move(next(way), y)
        page.wait_for_function("() => performance.now() - meter.last > 1000")
        late = page.evaluate("() => meter.paints.filter(([t]) => t > meter.last).map(([, t]) => t - meter.last)")
        page.mouse.up()
        found["behind"].append(max(late, default=0.0))
        found["stale"].append(max(0, len(late) - 1))
    samples = page.evaluate("() => meter.samples")
    found["move"] += samples
    assert len(samples) > MOVES / 3, "most moves were not seen to change the picture"


def test_report(capsys):
    """The table; the last test, so that all rounds are in."""
    middle = {name: statistics.median(found["move"]) for name, found in RESULTS.items() if found["move"]}
    nothing = float("nan")
    inline, ipympl = middle.get("matplotlib inline", nothing), middle.get("ipympl", nothing)
    with capsys.disabled():
        print(
            f"\n{'':26}{'by':>8}{'median':>9}{'95 %':>8}{'behind':>9}{'stale':>7}{'cpu':>7}{'inline':>9}{'ipympl':>9}"
        )
        for name, median in middle.items():
            moves = sorted(RESULTS[name]["move"])
            high = moves[int(0.95 * (len(moves) - 1))]
            behind, stale = RESULTS[name]["behind"], RESULTS[name]["stale"]
            after = f"{max(behind):9.0f}{max(stale):7.0f}" if behind else f"{'':16}"
            by, cpu = "kernel" if CASES[name].kernel else "page", statistics.median(RESULTS[name]["cpu"])
            times = f"{inline / median:8.1f}x{ipympl / median:8.1f}x"
            print(f"{name:26}{by:>8}{median:9.1f}{high:8.1f}{after}{cpu:7.1f}{times}")
        print("milliseconds; behind: from the last move of a drag to the last picture; stale: pictures that came after")
        print(
            "the last move and were not the last; cpu: the page's main thread at work for a move, all that Jupyter does"
        )
        print("meanwhile included; inline, ipympl: how many times as long matplotlib takes that way")


if __name__ == "__main__":
    options = ["-q", "-p", "no:cacheprovider", "-p", "tests.browser.conftest", "-p", "no:randomly"]
    sys.exit(pytest.main([__file__, *options, *sys.argv[1:]]))
