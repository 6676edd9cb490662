"""The explorables of chapter 10 in Chromium: numbers against course_lib, hands, keys, and a run in JupyterLab."""

import numpy as np
import pytest

from course_lib.activations import ACTIVATIONS
from course_lib.explorables import DepthExplorer
from tests.browser.bench import assert_shown, number

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
    heights = (
        bench.page.locator("section")
        .first.locator(".cr-depth-dot")
        .evaluate_all("dots => dots.map(d => +d.getAttribute('cy'))")
    )
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


def test_other_weights_from_the_kernel_are_drawn(bench):
    explorer = DepthExplorer(6)
    bench.show(explorer)
    explorer.seed = 5
    bench.set(_normal=explorer._normal)
    assert_shown(bench.texts("[data-number=norm]")[0], explorer.delta_norms[1])
