"""The explorables of chapter 10 in Chromium: numbers against course_lib, hands, keys, and a run in JupyterLab."""

import re

import numpy as np
import pytest

from course_lib.activations import ACTIVATIONS
from course_lib.explorables import DepthExplorer, TrainingWatch
from course_lib.network import Network
from tests.browser.bench import assert_shown, number
from tests.explorable_states import trained

# ------------------------------------------------------------------ depth explorer


def close(text, value, slack):
    """A text shows a value, but for what rounding in the slopes does to it."""
    shown, half = number(text)
    assert abs(shown - value) <= half + slack * value, f"{text} is shown, {value!r} is right"


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_every_number_of_the_depth_explorer_is_the_librarys(bench, activation):
    rng = np.random.default_rng(len(activation))
    for scale in (0.5, 1.0, 2**0.5, 4.0, *(round(10 ** rng.uniform(-1, 0.69), 2) for _ in range(3))):
        depth = int(rng.integers(2, 31))
        explorer = DepthExplorer(depth, activation, scale, layer=int(rng.integers(1, depth + 1)), seed=depth)
        bench.show(explorer)
        net, norms, largest, smallest = explorer.net, explorer.delta_norms, explorer.largest, explorer.smallest
        z, _ = net.forward(explorer.x)
        slopes = [None] + [ACTIVATIONS[activation].derivative(v) for v in z[1:]]
        # 1 - tanh^2 and a (1 - a) keep few digits of a slope near 0, and the smallest singular values hang on them
        slack = sum(4e-16 / slope[slope > 0].min() for slope in slopes[1:] if (slope > 0).any())
        for l in {explorer.layer, 1, depth}:
            bench.set(layer=l)
            shown = {
                name: bench.texts(f"[data-number={name}]")[0]
                for name in (
                    "norm",
                    "slope",
                    "largest",
                    "smallest",
                    "share",
                    "step-largest",
                    "step-smallest",
                    "step-share",
                )
            }
            assert_shown(shown["norm"], norms[l])
            assert_shown(shown["slope"], slopes[l].mean())
            assert_shown(shown["largest"], largest[l])
            assert_shown(shown["share"], norms[l] / norms[-1])
            close(shown["smallest"], smallest[l], slack)
            if l == depth:
                assert shown["step-largest"] == shown["step-smallest"] == shown["step-share"] == "–"
                continue
            step = np.linalg.svd(explorer.jacobians[l], compute_uv=False)
            assert_shown(shown["step-largest"], step[0])
            if (slopes[l] > 0).all():
                close(shown["step-smallest"], step[-1], slack + 1e-15 * step[0] / step[-1])
            else:
                assert shown["step-smallest"] == "0"
            assert_shown(shown["step-share"], norms[l] / norms[l + 1])
        said = bench.texts(".cr-sentence")[0].split("a factor of ")[1].split(" per layer")[0]
        assert_shown(said, explorer.factor)


def test_the_curve_of_the_error_term_is_where_the_axis_says(bench):
    explorer = DepthExplorer(12, "sigmoid")
    bench.show(explorer)
    curve = bench.page.locator("section").first.locator(".cr-depth-line").get_attribute("d")
    heights = [float(point.split()[1]) for point in re.split("[ML]", curve)[1:]]
    dots = (
        bench.page.locator("section")
        .first.locator(".cr-depth-dot")
        .evaluate_all("all => all.map(e => e.getAttribute('d')).join('').split('M').length - 1")
    )
    assert dots == len(heights) == 12
    marks = (
        bench.page.locator("section")
        .first.locator(".cr-axes line")
        .evaluate_all("lines => lines.map(l => +l.getAttribute('y1'))")
    )
    decade = (marks[0] - marks[1]) / 2  # lines stand for 1e-8, 1e-6, ..
    np.testing.assert_allclose(np.diff(heights), -decade * np.diff(np.log10(explorer.delta_norms[1:])), atol=0.2)


def test_the_depth_explorer_works_by_keys_alone_and_by_the_hand(bench):
    bench.show(DepthExplorer(10, layer=10))
    page = bench.page
    page.get_by_label("depth, in layers").press("ArrowLeft")
    assert (bench.get("depth"), bench.get("layer")) == (9, 9)
    page.get_by_role("radio", name="tanh").press("Space")
    assert bench.get("activation") == "tanh"
    page.get_by_role("radio", name="He").press("Space")
    assert bench.get("scale") == pytest.approx(np.sqrt(2))
    page.get_by_label("scale of the weights").press("ArrowRight")
    assert 1.4 < bench.get("scale") < 1.5
    page.get_by_label("scale of the weights").press("End")
    assert bench.get("scale") == 5
    page.get_by_label("layer whose numbers are shown").press("ArrowLeft")
    assert bench.get("layer") == 8
    box = page.locator(".cr-depth-chart").first.bounding_box()
    page.mouse.click(box["x"] + 0.5 * (52 + 426) / 440 * box["width"], box["y"] + box["height"] / 2)
    assert bench.get("layer") == 5
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "layer whose numbers are shown"


def test_the_page_says_whether_the_error_term_vanishes_or_explodes(bench):
    for explorer, words in (
        (DepthExplorer(20, "sigmoid"), "vanishes"),
        (DepthExplorer(20, "tanh", 1.0), "keeps its size"),
        (DepthExplorer(20, "relu", 4.0), "explodes"),
    ):
        bench.show(explorer)
        assert words in bench.texts(".cr-sentence")[0]


@pytest.mark.parametrize("width", [640, 700, 815, 900, 960, 1160])
def test_the_table_fits_beside_the_sentence_or_stands_below_it(bench, width):
    bench.show(DepthExplorer(30, "relu", 5.0, layer=1), width)
    right, edge = (bench.page.locator(place).bounding_box() for place in (".cr-depth-table table", ".cr-depth"))
    assert right["x"] + right["width"] <= edge["x"] + edge["width"]
    left = bench.page.locator(".cr-sentence").bounding_box()
    assert left["width"] >= 260


def test_other_weights_from_the_kernel_are_drawn(bench):
    explorer = DepthExplorer(6)
    bench.show(explorer)
    explorer.seed = 5
    bench.set(_normal=explorer._normal)
    assert_shown(bench.texts("[data-number=norm]")[0], explorer.delta_norms[1])


# ------------------------------------------------------------------ training watch


@pytest.mark.parametrize(
    "make, epochs",
    [
        (lambda: TrainingWatch("digits", hidden=(12,)), 3),
        (lambda: TrainingWatch("digits", activation="sigmoid", eta=0.02), 1),
        (lambda: TrainingWatch("moons", activation="tanh", eta=1.0), 20),
        (lambda: TrainingWatch(Network([3, 2, 2], rng=1), np.eye(3), np.eye(3)[:2], eta=2.0), 7),
    ],
)
def test_every_number_of_the_training_watch_is_that_of_the_run(bench, make, epochs):
    watch = trained(make(), epochs)
    bench.show(watch)
    history = watch.history
    assert_shown(bench.texts("[data-number='loss loss']")[0], history.loss[-1])
    for name, shares in history.accuracy.items():
        assert_shown(bench.texts(f"[data-number='accuracy {name}']")[0].removesuffix(" %"), 100 * shares[-1])
    for l, norm in enumerate(history.gradient_norms[-1][1:], 1):
        shown, half = number(bench.texts(f"[data-number='gradient layer {l}']")[0])
        assert abs(shown - norm) <= half + 1e-5 * norm  # five digits travel
    said = bench.texts(".cr-sentence")[0]
    assert said.startswith(f"Epoch {epochs}: the loss is ")
    assert f"{100 * history.accuracy['train'][-1]:.1f} % of the training set" in said
    assert bench.texts("[data-number=net]") == [repr(watch.net)]


def test_the_curves_of_the_training_watch_are_where_the_axes_say(bench):
    watch = trained(TrainingWatch("moons", hidden=(6,)), 30)
    bench.show(watch)
    for name, values, log in (("loss", watch.history.loss, True), ("accuracy", watch.history.accuracy["train"], False)):
        chart = bench.page.locator(f"[data-chart={name}] svg").first
        path = chart.locator(".cr-train-line").first.get_attribute("d")
        points = np.array([point.split() for point in path.replace("M", "L").split("L")[1:]], float)
        marks = chart.locator(".cr-axes line").evaluate_all("lines => lines.map(l => +l.getAttribute('y1'))")
        unit = marks[0] - marks[1]  # a power of ten, or a quarter
        expected = np.log10(values) if log else np.array(values) / 0.25
        np.testing.assert_allclose(np.diff(points[:, 1]), -unit * np.diff(expected), atol=0.2)
        np.testing.assert_allclose(np.diff(points[:, 0]), np.ptp(points[:, 0]) / 29, atol=0.2)


def test_the_answers_are_marked_right_or_wrong_and_the_plane_is_coloured(bench):
    watch = trained(TrainingWatch("digits", hidden=(12,)), 2)
    bench.show(watch)
    labels, answers = watch.test_set.labels[:16], watch.net(watch.test_set.x[:, :16]).argmax(axis=0)
    marks = [f"{a} {'✓' if a == b else '✗'}" for a, b in zip(answers, labels, strict=True)]
    assert bench.texts("[data-answer]") == marks
    assert f"{(labels == answers).sum()} of 16 right" in bench.texts("[data-chart=answers] h3")[0]
    bench.show(trained(TrainingWatch("moons", hidden=(8,), activation="tanh", eta=1.0), 40))
    assert bench.page.locator(".cr-train-region").count() == 2
    assert bench.page.locator(".cr-train-point").count() == 160
    bench.show(TrainingWatch(Network([3, 1]), np.eye(3), np.ones((1, 3))))
    assert bench.page.locator("[data-chart=answers]").count() == 0


def test_the_training_watch_works_by_keys_alone(bench):
    bench.show(TrainingWatch("moons", hidden=(4,)))
    page = bench.page
    page.get_by_role("button", name="Start", exact=True).press("Enter")
    assert bench.get("running") is True
    assert page.get_by_role("button", name="one epoch").is_disabled()
    page.get_by_role("button", name="stop").press("Enter")
    assert bench.get("running") is False
    page.get_by_role("button", name="one epoch").press("Enter")
    page.get_by_role("button", name="start over").press("Enter")
    assert bench.get("_asked") == ["reset", 2]
    page.get_by_label("learning rate").press("ArrowRight")
    assert bench.get("eta") == 0.56
    page.get_by_label("examples in a batch").press("End")
    assert bench.get("batch") == 240
    page.get_by_label("scale of the first weights").press("ArrowLeft")
    assert bench.get("scale") == 0.89
    page.get_by_role("radio", name="sigmoid").press("Space")
    assert bench.get("activation") == "sigmoid"
    page.get_by_role("radio", name="as fast as it goes").press("Space")
    assert bench.get("pace") == 0
    page.get_by_label("epochs of a run").fill("7")
    assert bench.get("epochs") == 7


def test_what_a_network_of_yours_cannot_change_is_not_offered(bench):
    bench.show(TrainingWatch(Network([3, 1]), np.eye(3), np.ones((1, 3))))
    assert bench.page.get_by_label("scale of the first weights").count() == 0
    assert bench.page.get_by_role("radio", name="tanh").count() == 0
    assert bench.page.get_by_role("button", name="start over").count() == 1


def test_the_run_before_stays_as_a_faint_curve_and_an_error_or_no_number_is_said(bench):
    bench.show(trained(TrainingWatch("moons", hidden=(4,)), 5, again="tanh"))
    assert bench.page.locator("[data-chart=loss] .cr-train-old").count() == 2  # the curve, and its key
    assert bench.page.locator("[data-chart=accuracy] svg[role=img] .cr-train-old").count() == 2  # train and test
    watch = trained(TrainingWatch(Network([1, 1, 1], "identity"), np.ones((1, 4)), np.zeros((1, 4)), eta=100.0), 999)
    bench.show(watch)
    assert "the loss is no number any more" in bench.texts(".cr-sentence")[0]
    bench.set(_shown={**watch._shown, "error": "KeyError: 'W'"})
    assert bench.texts(".cr-sentence.cr-error") == ["The run has ended with an error. KeyError: 'W'"]


def test_a_view_that_goes_stops_its_run(bench):
    bench.show(TrainingWatch("moons", hidden=(4,)))
    bench.set(running=True)
    bench.page.evaluate("end()")
    assert bench.get("running") is False


CELLS = [
    "from course_lib.explorables import DepthExplorer, TrainingWatch",
    "watch = TrainingWatch('moons', hidden=(4,), epochs=100_000, pace=0); watch",
    "seen = len(watch.history.loss); print(seen > 0, watch.running)",
    "print(len(watch.history.loss) > seen, watch.running)",
    "stopped = len(watch.history.loss); print(watch.running, watch.history.accuracy['test'][-1] == "
    "float(((watch.net(watch.test_set.x)[0] > 0.5) == watch.test_set.labels).mean()))",
    "print(len(watch.history.loss) > stopped, watch.eta, watch.batch, watch.running)",
    "explorer = DepthExplorer(); explorer",
    "print(explorer.depth, explorer.activation); explorer.scale = 4.0",
    *["1"] * 12,
]


def epoch_in(cell):
    """The epoch that a watch in a cell says it is in."""
    return int(cell.locator(".cr-sentence").inner_text().split(":")[0].removeprefix("Epoch "))


def test_a_run_in_jupyterlab_lets_cells_run_and_is_stopped_changed_and_gone_on_with(open_notebook):
    notebook = open_notebook(CELLS)
    page = notebook.page
    for cell in (0, 1):
        notebook.run(cell)
    box = notebook.cell(1)
    box.get_by_role("button", name="Start", exact=True).click()
    box.locator(".cr-sentence").filter(has_text="Epoch").wait_for()
    notebook.run(2)
    assert notebook.output(2).inner_text().strip() == "True True"
    before = epoch_in(notebook.cell(1))
    page.wait_for_function(
        "before => +document.querySelector('.cr-train .cr-sentence').textContent.match(/\\d+/)[0] > before", arg=before
    )
    notebook.cell(19)  # out of sight, the run goes on
    notebook.run(3)
    assert notebook.output(3).inner_text().strip() == "True True"
    notebook.screenshot("training-watch-running")

    box = notebook.cell(1)
    box.get_by_role("button", name="stop").click()
    box.get_by_role("button", name="go on").wait_for()
    notebook.run(4)
    assert notebook.output(4).inner_text().strip() == "False True"
    box = notebook.cell(1)
    box.get_by_label("learning rate").press("ArrowRight")
    box.get_by_label("examples in a batch").press("ArrowLeft")
    box.get_by_role("button", name="one epoch").click()
    before = epoch_in(box)
    notebook.run(5)
    assert notebook.output(5).inner_text().strip() == "True 0.56 16 False"

    notebook.cell(1).get_by_role("button", name="go on").click()
    notebook.cell(1).get_by_role("button", name="stop").wait_for()
    notebook.set_source(2, "old = watch; print(old.running)")
    notebook.run(2)
    assert notebook.output(2).inner_text().strip() == "True"
    notebook.run(1)  # its view goes, and a new one comes
    notebook.cell(1).get_by_role("button", name="Start", exact=True).wait_for()
    notebook.set_source(3, "print(old.running, watch.running)")
    notebook.run(3)
    assert notebook.output(3).inner_text().strip() == "False False"

    notebook.run(6)
    notebook.cell(6).get_by_role("radio", name="tanh").check()
    notebook.cell(6).get_by_label("depth, in layers").press("ArrowRight")
    notebook.run(7)
    assert notebook.output(7).inner_text().strip() == "11 tanh"
    notebook.cell(6).get_by_role("radio", name="too large").and_(page.locator(":checked")).wait_for()
    notebook.screenshot("depth-explorer")
    outputs = [notebook.save().cells[k].outputs[0].data for k in (1, 6)]
    assert all("base64," in data["text/html"] for data in outputs)


def test_a_cell_that_takes_its_time_only_makes_the_run_wait(open_notebook):
    notebook = open_notebook(
        [*CELLS[:2], "n = len(watch.history.loss); s = sum(range(10**7)); print(len(watch.history.loss) - n)"]
    )
    for cell in (0, 1):
        notebook.run(cell)
    notebook.cell(1).get_by_role("button", name="Start", exact=True).click()
    notebook.cell(1).locator(".cr-sentence").filter(has_text="Epoch").wait_for()
    notebook.run(2)
    assert notebook.output(2).inner_text().strip() == "0"
    before = epoch_in(notebook.cell(1))
    notebook.page.wait_for_function(
        "before => +document.querySelector('.cr-train .cr-sentence').textContent.match(/\\d+/)[0] > before", arg=before
    )
    notebook.restart()  # in the middle of the run
