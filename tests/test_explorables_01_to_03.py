"""The explorables of chapters 01 to 03 without a browser: what they compute, and what they refuse."""

import re

import numpy as np
import pytest
import traitlets

from course_lib.explorables import DifferenceExplorer, LineFitter, ShapeEditor
from course_lib.explorables.difference_explorer import FUNCTIONS, estimates
from course_lib.jacobians import numerical_jacobian
from course_lib.network import Network
from tests.explorable_states import drawn_in

# ------------------------------------------------------------------ line fitter


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_of_the_line_is_the_numerical_one_and_a_step_against_it_goes_down(seed):
    rng = np.random.default_rng(seed)
    fitter = LineFitter(rng.normal(size=6), rng.normal(size=6), w=rng.normal(), b=rng.normal())

    def loss(theta):
        fitter.w, fitter.b = map(float, theta)
        return fitter.loss

    theta = np.array([fitter.w, fitter.b])
    numerical = numerical_jacobian(loss, theta)[0]
    here = loss(theta)
    np.testing.assert_allclose(fitter.gradient, numerical, atol=1e-9)
    assert loss(theta - fitter.eta * fitter.gradient) < here


def test_the_loss_is_the_mean_of_the_losses_and_twice_the_data_leave_it():
    fitter = LineFitter(w=0.3, b=2.5)
    twice = LineFitter(fitter.x * 2, fitter.y * 2, w=0.3, b=2.5)
    assert fitter.loss == pytest.approx(np.mean(fitter.losses))
    assert twice.loss == pytest.approx(fitter.loss)
    assert twice.losses.sum() == pytest.approx(2 * fitter.losses.sum())


def test_the_window_of_the_surface_holds_the_start_and_the_lowest_point():
    for fitter in (LineFitter(), LineFitter(w=9, b=-30), LineFitter([100.0, 101.0, 103.0], [1.0, 2.0, 5.0])):
        w0, w1, b0, b1 = fitter._theta
        w, b = np.polyfit(fitter.x, fitter.y, 1)
        assert w0 < w < w1
        assert b0 < b < b1
        assert w0 <= fitter.w <= w1
        assert b0 <= fitter.b <= b1


@pytest.mark.parametrize(
    "fitter",
    [LineFitter(), LineFitter(w=9, b=-30), LineFitter([-3, -2, -1], [2, 1, 3]), LineFitter([100, 101, 103], [1, 2, 5])],
)
def test_each_contour_of_the_still_is_the_ellipse_of_one_loss(fitter):
    w0, w1, b0, b1 = fitter._theta
    source, picture = drawn_in(fitter)
    place = r"translate\((\S+) (\S+)\) rotate\((\S+)\)"
    u, v, turn = map(float, re.search(place, source).groups())
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    around = np.linspace(0, 2 * np.pi, 720)
    rings = [ring for ring in picture.iter() if ring.tag.endswith("ellipse")]
    assert len(rings) > 5
    for ring in rings:
        p, q = float(ring.get("rx")) * np.cos(around), float(ring.get("ry")) * np.sin(around)
        x, y = u + p * cos - q * sin, v + p * sin + q * cos
        seen = (abs(x - 546) < 150) & (abs(y - 180) < 150)
        w, b = w0 + (x[seen] - 396) / 300 * (w1 - w0), b0 + (330 - y[seen]) / 300 * (b1 - b0)
        losses = 0.5 * np.mean((np.outer(w, fitter.x) + b[:, None] - fitter.y) ** 2, axis=1)
        level = np.median(losses)
        assert f"{level:.0e}"[0] in "125"
        np.testing.assert_allclose(losses, level, rtol=0.05)


@pytest.mark.parametrize(
    "x, y, message", [([1, 2], [1], "for each pair"), ([[1]], [1], "vector"), ([1, np.inf], [1, 2], "finite")]
)
def test_pairs_that_are_none_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        LineFitter(x, y)


# ------------------------------------------------------------------ shape editor


@pytest.mark.parametrize("sizes", [[2, 3, 2], [784, 30, 10], [1, 1], [4, 3, 2, 5, 1]])
def test_shapes_and_P_are_those_of_a_network(sizes):
    editor, net = ShapeEditor(sizes), Network(sizes)
    assert editor.P == net.P
    assert editor.shapes == [(net.W[l].shape, net.b[l].shape) for l in range(1, net.L + 1)]
    assert sum(editor.parameters) == net.P


@pytest.mark.parametrize("sizes", [[2], [2, 0], [2, 2.5], [2] * 8, [2, 10_000]])
def test_sizes_that_no_network_here_has_are_refused(sizes):
    with pytest.raises((ValueError, TypeError, traitlets.TraitError)):
        ShapeEditor(sizes)


def test_an_unknown_view_is_refused():
    with pytest.raises(ValueError, match="'neurons', 'matrices'"):
        ShapeEditor(view="pixels")


# ------------------------------------------------------------------ difference explorer


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_slope_is_what_the_differences_come_to(function):
    x = FUNCTIONS[function].start
    found = estimates(function, "float64", x, 1e-6)
    slope = DifferenceExplorer(function).slope
    assert found["one-sided"] == pytest.approx(slope, rel=1e-3)
    assert found["central"] == pytest.approx(slope, rel=1e-6)
    assert found["complex step"] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("h", [0.5, 1e-2, 1e-4])
def test_the_quotients_are_those_of_the_library(h):
    f = {"exp": np.exp, "sin(100x)": lambda x: np.sin(100 * x), "x^3": lambda x: x * x * x}
    for name, g in f.items():
        found = estimates(name, "float64", 0.7, h)
        for method, mine in (("forward", "one-sided"), ("central", "central"), ("complex", "complex step")):
            expected = numerical_jacobian(g, [0.7], h=h, method=method)[0, 0]
            assert found[mine] == pytest.approx(expected, rel=1e-9, abs=1e-14 / h)


def test_a_tenth_of_the_step_leaves_a_tenth_and_a_hundredth_of_the_errors():
    wide, narrow = DifferenceExplorer(h=1e-2).errors, DifferenceExplorer(h=1e-3).errors
    assert wide["one-sided"] / narrow["one-sided"] == pytest.approx(10, rel=0.1)
    assert wide["central"] / narrow["central"] == pytest.approx(100, rel=0.1)


def test_single_precision_is_rounded_in_every_operation():
    x, h = np.float32(1), np.float32(1e-3)
    cube = [v * v * v for v in (x + h, x - h, x)]
    found = estimates("x^3", "float32", 1.0, 1e-3)
    assert found["one-sided"] == float((cube[0] - cube[2]) / h)
    assert found["central"] == float((cube[0] - cube[1]) / (2 * h))
    assert found["central"] != estimates("x^3", "float64", 1.0, 1e-3)["central"]
    assert estimates("exp", "float32", 1.0, 1e-9)["one-sided"] == 0, "the nudge is lost"


def test_a_step_over_the_kink_is_told_and_a_shorter_one_is_right():
    explorer = DifferenceExplorer("relu", h=1e-5)
    assert explorer.estimates["central"] == pytest.approx(0.6)
    assert "kink" in str(explorer)
    explorer.h = 1e-6
    assert explorer.estimates["central"] == pytest.approx(1)
    assert "kink" not in str(explorer)


@pytest.mark.parametrize("change", [{"function": "tan"}, {"precision": "float16"}, {"h": 0.0}, {"h": 2.0}, {"x": 11.0}])
def test_a_state_that_cannot_be_shown_is_refused(change):
    explorer = DifferenceExplorer()
    with pytest.raises((traitlets.TraitError, ValueError)):
        explorer.set_trait(*change.popitem())
