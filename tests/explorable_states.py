"""States of every explorable, from the plainest to the most crowded: what holds for all is tested over these."""

import base64
import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from course_lib.explorables import (
    BatchStacker,
    DepthExplorer,
    DifferenceExplorer,
    GraphPlayer,
    JacobianStage,
    LayoutSwitch,
    LineFitter,
    PassPlayer,
    PathExplorer,
    Race,
    ShapeEditor,
    TrainingWatch,
    play,
)
from course_lib.explorables._base import Explorable
from course_lib.network import Network


def constant(n: int, layers: int) -> Explorable:
    return play(Network([n] * (layers + 1), rng=1), np.ones(n), np.zeros(n), step=99)


def raced(depth: int, width: int, done: int, past: list) -> Explorable:
    race = Race(depth, width)
    spent, low, high = past[-1]
    for name, value in {"back": 2.5e-4, "done": done, "spent": spent, "low": low, "high": high, "_past": past}.items():
        race.set_trait(name, value)
    return race


TIMES = {
    "layer": [32, 64],
    "rows": [
        [N, [4e-6 * N, 5e-6 * N, 7e-6 * N], [1e-6, 2e-6 + 1e-8 * N, 3e-6 + 2e-8 * N]]
        for N in (1, 10, 100, 1000, 10_000)
    ],
}


def trained(watch: TrainingWatch, epochs: int, again: str = "") -> TrainingWatch:
    watch.run(epochs)
    if again:
        watch.activation = again
        watch.run(2 * epochs)
    return watch


STATES: dict[str, list[Explorable]] = {
    "00": [LayoutSwitch(), LayoutSwitch("rows")],
    "01": [
        LineFitter(arrow=True),
        LineFitter(w=0.5, b=-4, squares=True, eta=0.5),
        LineFitter(np.arange(40.0), np.sin(np.arange(40.0))),
        LineFitter([2.0], [3.0]),
        LineFitter([1.0, 1.0], [2.0, 2.0], w=50.0, b=-1e3),
    ],
    "02": [
        ShapeEditor(),
        ShapeEditor([784, 9999, 9999, 9999, 9999, 9999, 10]),
        ShapeEditor([784, 512, 512, 10], view="matrices"),
        ShapeEditor([3, 9999, 1, 7, 7, 7, 2], view="matrices", layer=0),
        ShapeEditor([1, 1], view="matrices", layer=9),
    ],
    "03": [
        DifferenceExplorer("exp", h=0.5),
        DifferenceExplorer("x^3", h=1e-15),
        DifferenceExplorer("sin(100x)", h=1.0, precision="float32"),
        DifferenceExplorer("relu", x=-2e-6, h=1e-5, precision="float32"),
    ],
    "04": [
        JacobianStage("affine"),
        JacobianStage("polar", column=1),
        JacobianStage("product", column=2),
        JacobianStage("tanh"),
        JacobianStage("softmax", x=[0.3, -1.2], column=2),
        JacobianStage(lambda x: [x[0] * x[1], np.sin(x[0])]),
    ],
    "05": [PathExplorer(), PathExplorer(paths=["x1 > h1 > y1"]), PathExplorer(start="x2", end="y2")],
    "06": [
        PassPlayer(),
        PassPlayer(step=11),
        PassPlayer(step=7, selected="w 2 1 2", broken="no slope"),
        *(constant(n, layers) for n, layers in [(4, 4), (3, 3), (3, 1), (1, 4)]),
        play(Network([2, 3, 2, 3], rng=1), np.ones(2), np.zeros(3), step=99, broken="too early"),
        play(Network([3, 2, 4, 1], "tanh", rng=3), np.ones((3, 5)), np.zeros((1, 5))),
    ],
    "07": [
        BatchStacker(),
        BatchStacker(view="product", entry=[2, 3], N=6),
        BatchStacker(0.123456 * np.ones((4, 8)), -np.ones((4, 8)), N=8, n=3, times=TIMES, layer=[32, 64]),
        BatchStacker([[1.0]], [[2.0]], view="product", times=TIMES, layer=[32, 64], measuring=False),
    ],
    "08": [
        GraphPlayer(),
        GraphPlayer("circuit", mode="reverse", step=5),
        GraphPlayer("diamond", mode="reverse", order="recursion", step=99),
        GraphPlayer("neuron", mode="forward", seed="x1", step=3),
        GraphPlayer("neuron", [-20.25, 3.3333, 71.5, -0.0123, 99.9], mode="reverse", step=9),
        GraphPlayer("net", mode="reverse", step=12),
        GraphPlayer("net", [-0.3, 12.5], step=7),
        GraphPlayer("map", size=(4, 4), mode="reverse", seed="y2", step=12),
        GraphPlayer("map", size=(4, 4), step=99),
        GraphPlayer("b = a + a; c = b + b; d = a * c; e = max(d, b)", [-1.2345], mode="reverse", order="once", step=7),
        GraphPlayer(
            "a1 = tanh(x0 - 2); a2 = exp(a1 + x0); a3 = (a2 - a1) ** 2; a4 = relu(a3 - x0); f = a4 * x0", step=3
        ),
    ],
    "09": [
        Race(),
        raced(32, 16, 3_150, [[0.1, 4.8, 5.2], [0.2, 3.8, 5.4], [0.5, 3.9, 6.2], [0.8, 3.9, 5.7]]),
        raced(8, 16, 4_352, [[0.1, 0.28, 0.31], [0.2, 0.27, 0.28], [0.284, 0.284, 0.284]]),
        raced(64, 256, 147, [[0.1, 4e4, 5e4], [60.0, 4.5e4, 2e5]]),
    ],
    "10": [
        DepthExplorer(),
        DepthExplorer(30, "tanh", 4.0, layer=30),
        DepthExplorer(2, "relu", 0.1),
        DepthExplorer(17, "relu", 5.0, seed=3, layer=9),
        TrainingWatch("moons"),
        trained(TrainingWatch("digits", hidden=(8,) * 6), 3),
        trained(TrainingWatch("moons", hidden=(4,), eta=1.0), 40, again="tanh"),
        trained(TrainingWatch(Network([2, 3, 1], output="identity"), np.eye(2), np.ones((1, 2)), eta=99.0), 20),
    ],
}
ALL = [state for chapter in STATES.values() for state in chapter]
FIRST = list({type(state).__name__: state for state in reversed(ALL)}.values())[::-1]  # one of each kind


def drawn_in(explorable):
    """The picture in the HTML twin, as text and parsed."""
    html = explorable._repr_mimebundle_()[0]["text/html"]
    source = base64.b64decode(re.search(r'base64,([^"]+)"', html)[1]).decode()
    return source, ElementTree.fromstring(source)
