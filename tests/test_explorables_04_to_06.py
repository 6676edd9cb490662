"""The explorables of chapters 04 to 06 without a browser: what they compute, and what they refuse."""

import json

import numpy as np
import pytest
import traitlets
from matplotlib.colors import to_hex

from course_lib.chain import bracketings, sum_over_paths
from course_lib.explorables import JacobianStage, PassPlayer, PathExplorer, play
from course_lib.jacobians import numerical_jacobian
from course_lib.network import Network
from course_lib.plots import plot_map_on_grid
from tests.explorable_states import drawn_in

PRESETS = ["affine", "polar", "product", "tanh", "softmax"]

# ------------------------------------------------------------------ Jacobian stage


@pytest.mark.parametrize("preset", PRESETS)
def test_the_jacobian_of_a_preset_is_the_numerical_one(preset):
    rng = np.random.default_rng(len(preset))
    for _ in range(20):
        stage = JacobianStage(preset, x=rng.uniform(-1.9, 1.9, size=2).tolist())
        expected = numerical_jacobian(stage.f, np.array(stage.x))
        np.testing.assert_allclose(stage.J, expected, atol=1e-9)


@pytest.mark.parametrize("preset", ["polar", "product", "tanh", "softmax"])
def test_half_the_nudge_leaves_about_a_quarter_of_the_gap(preset):
    stage = JacobianStage(preset, nudge=0.2)
    wide = stage.gap
    stage.nudge = 0.1
    assert 0.2 < stage.gap / wide < 0.3


def test_the_gap_of_a_wrong_jacobian_does_not_fall_to_a_quarter(monkeypatch):
    monkeypatch.setattr(JacobianStage, "J", property(lambda self: np.eye(2)))
    stage = JacobianStage("product", nudge=0.2)
    wide = stage.gap
    stage.nudge = 0.1
    assert stage.gap / wide > 0.4


def test_the_affine_map_has_no_gap():
    stage = JacobianStage("affine", nudge=1.0)
    assert stage.gap < 1e-12
    assert "no gap" in str(stage)
    stage.A = [[1.0, 2.0], [3.0, 4.0]]
    np.testing.assert_array_equal(stage.J, [[1, 2], [3, 4]])


def test_the_stage_and_the_figure_draw_the_map_and_its_linear_part_alike():
    stage = JacobianStage("polar")
    _, after = plot_map_on_grid(stage.f, stage.J, stage.x)
    curved, straight = after.collections
    grids = [(to_hex(grid.get_edgecolor()[0]), grid.get_linestyle()[0][1] is not None) for grid in (curved, straight)]
    paths = [path for path in drawn_in(stage)[1].iter() if path.get("stroke-width") == "1"]
    still = [(path.get("stroke"), path.get("stroke-dasharray") is not None) for path in paths]
    assert list(dict.fromkeys(still)) == grids
    for name, colour in (("grid", "quiet"), ("linear", "value")):  # in the page grey and blue
        assert f".cr-{name} {{ fill: none; stroke: var(--cr-{colour});" in stage._css


def test_your_own_function_is_computed_for_the_newest_point():
    asked = []

    def f(x):
        asked.append(tuple(x))
        return [x[0] ** 2, x[0] * x[1]]

    stage = JacobianStage(f, x=[1.0, 2.0])
    stage.x = [0.5, -1.0]
    assert stage._answer["x"] == [0.5, -1.0]
    np.testing.assert_allclose(stage._answer["J"], [[1.0, 0.0], [-1.0, 0.5]], atol=1e-9)
    np.testing.assert_allclose(stage._answer["y"], [0.25, -0.5])
    before = len(asked)
    stage.column = 1
    assert len(asked) == before, "what f does not depend on must not ask for f"


def test_an_error_in_your_own_function_is_shown_and_not_raised():
    def f(x):
        if x[0] < 0:
            raise ValueError("no square root of a negative number")
        return np.sqrt(x)

    stage = JacobianStage(lambda x: x)
    stage._own = f
    stage.x = [-1.0, 1.0]
    assert stage._answer["error"] == "ValueError: no square root of a negative number"
    assert "raises ValueError" in str(stage)
    drawn_in(stage)


def test_where_your_own_function_has_no_value_there_is_a_gap_and_no_nan():
    with np.errstate(invalid="raise"):
        stage = JacobianStage(np.sqrt, x=[0.3, 1.0], nudge=1.0)
    json.dumps(stage._answer, allow_nan=False)
    assert None in stage._answer["images"]
    assert "nan" not in str(stage) + drawn_in(stage)[0]
    stage.x = [-1.0, 1.0]
    assert "infinite or nan here" in stage._answer["error"]
    assert "infinite or nan here" in str(stage)


@pytest.mark.parametrize("f", ["polr", 3])
def test_an_unknown_map_is_refused_with_the_known_ones(f):
    with pytest.raises(ValueError, match="affine, polar, product, tanh, softmax"):
        JacobianStage(f)


def test_a_function_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="two numbers"):
        JacobianStage(lambda x: [x[0], x[1], 1.0])


@pytest.mark.parametrize("change", [{"x": [1.0]}, {"preset": "own"}, {"nudge": 5.0}, {"column": 3}])
def test_a_state_that_cannot_be_shown_is_refused(change):
    stage = JacobianStage()
    with pytest.raises(traitlets.TraitError):
        stage.set_trait(*change.popitem())


# ------------------------------------------------------------------ path explorer


def test_all_paths_add_up_to_the_derivative_and_two_of_three_do_not():
    explorer = PathExplorer(start="x2", end="y1", paths=[f"x2 > h{k} > y1" for k in (1, 2, 3)])
    whole = sum_over_paths(explorer.graph, "x2", "y1")
    assert explorer.sum == pytest.approx(whole)
    explorer.paths = explorer.paths[:2]
    assert explorer.sum != pytest.approx(whole)
    assert explorer.path == "x2 > h2 > y1"


def test_the_first_bracketing_is_the_cheapest():
    explorer = PathExplorer(shapes=[(1, 4), (4, 5), (5, 2)])
    assert explorer.bracketing == bracketings([(1, 4), (4, 5), (5, 2)], ["J3", "J2", "J1"])[0][0]


@pytest.mark.parametrize(
    "edges, start, message",
    [
        ({("x", "y"): 1.0}, "z", "start must be a node"),
        ({("x", "y"): 1.0, ("y", "x"): 1.0}, None, "without a cycle"),
        ({("a", "x"): 1.0, ("x", "y"): 1.0, ("y", "x"): 1.0, ("y", "z"): 1.0}, None, "no cycle"),
    ],
)
def test_a_graph_that_cannot_be_walked_is_refused(edges, start, message):
    with pytest.raises(ValueError, match=message):
        PathExplorer(edges, start=start)


# ------------------------------------------------------------------ pass player


def test_play_takes_the_numbers_of_the_network():
    net = Network([3, 2, 4], ["tanh", "softmax"], rng=5)
    player = play(net, [1.0, 0.0, 2.0], [0.0, 1.0, 0.0, 0.0], loss="categorical cross-entropy")
    assert player.W[0] is None
    np.testing.assert_array_equal(player.W[1], net.W[1])
    np.testing.assert_array_equal(player.net.theta, net.theta)
    assert player.activations == [None, "tanh", "softmax"]
    assert np.shape(player.x) == (3, 1)


def test_the_player_keeps_its_numbers_when_the_network_learns_on():
    net = Network([2, 2, 1], rng=0)
    player = play(net, [1.0, 0.0], [1.0])
    before = player.net.theta.copy()
    net.theta[:] = 0
    np.testing.assert_array_equal(player.net.theta, before)


@pytest.mark.parametrize("sizes", [(2, 5, 1), (5, 2), (2, 2, 2, 2, 2, 2)])
def test_a_network_too_large_for_the_page_is_refused(sizes):
    with pytest.raises(ValueError, match="at most 4 layers of 4 neurons"):
        play(Network(sizes), np.zeros(sizes[0]), np.zeros(sizes[-1]))


def test_a_network_without_its_example_is_refused():
    with pytest.raises(ValueError, match="x and y"):
        PassPlayer(Network([2, 1]))


@pytest.mark.parametrize("sizes", [(2, 2, 2), (3, 1), (1, 4, 2, 3)])
def test_the_steps_are_one_per_equation_and_layer_or_neuron(sizes):
    player = play(Network(sizes), np.zeros(sizes[0]), np.zeros(sizes[-1]))
    assert player.steps == 5 * (len(sizes) - 1) + 1
    player.detail = "neurons"
    assert player.steps == 5 * sum(sizes[1:]) + 1
