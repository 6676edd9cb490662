"""The graph player without a browser: its sweeps and orders against the engine and published numbers."""

import numpy as np
import pytest
import traitlets

from course_lib import autodiff
from course_lib.autodiff import Value
from course_lib.explorables import GraphPlayer
from course_lib.explorables.graph_player import ORDERS, PRESETS, evaluate, layout, map_of, read_program, visits
from course_lib.jacobians import numerical_jacobian

OWN = [
    "u = a * b; v = u + a; w = tanh(v); f = w * u",
    "b = a + a; c = b + b; d = a * c",
    "u = exp(0.5 * a - b + 0.1); v = (u - 2 * a) ** 2; w = relu(v - b); y = max(w, u); z = sigmoid(0.3 * u)",
]


def with_values(nodes, x):
    """The same graph, computed with the library's engine: name -> Value."""
    given = iter(x)
    v = {}
    for node in nodes:
        of, f = [v[term] for term, _ in node["terms"]], node["f"]
        if not f:
            v[node["name"]] = Value(next(given))
        elif f == "product":
            v[node["name"]] = of[0] * of[1]
        elif f == "max":
            v[node["name"]] = of[1] + (of[0] - of[1]).relu()
        else:
            s = sum((c * u for (_, c), u in zip(node["terms"], of, strict=True)), Value(node["plus"]))
            v[node["name"]] = s + 0.0 if f == "identity" else getattr(s, f)()
    return v


def players():
    rng = np.random.default_rng(8)
    for program in [*PRESETS, *OWN]:
        player = GraphPlayer(program, size=(2, 3))
        yield GraphPlayer(program, rng.normal(size=len(player.x)).round(3).tolist(), size=(2, 3))


@pytest.mark.parametrize("player", list(players()), ids=[*PRESETS, "own-1", "own-2", "own-3"])
def test_values_tangents_and_adjoints_are_those_of_the_engine(player):
    v = with_values(player.nodes, player.x)
    assert player.values == pytest.approx({name: value.data for name, value in v.items()})
    for seed in player.inputs:
        player.seed = seed
        for output in player.outputs:
            tangent = v[output].forward({v[name]: float(name == seed) for name in player.inputs})
            assert player.tangents[output] == pytest.approx(tangent)
    player.mode = "reverse"
    for seed in player.outputs:
        player.seed = seed
        v[seed].backward()
        below = autodiff.topological_order(v[seed])
        expected = {name: value.grad if value in below else 0.0 for name, value in v.items()}
        assert player.adjoints == pytest.approx(expected)


@pytest.mark.parametrize("player", list(players()), ids=[*PRESETS, "own-1", "own-2", "own-3"])
def test_the_jacobian_is_the_numerical_one_by_columns_as_by_rows(player):
    def f(x):
        values = evaluate(player.nodes, x)[0]
        return np.array([values[name] for name in player.outputs])

    np.testing.assert_allclose(player.J, numerical_jacobian(f, np.array(player.x)), rtol=1e-6, atol=1e-8)
    for j, seed in enumerate(player.inputs):
        player.seed = seed
        np.testing.assert_allclose([player.tangents[name] for name in player.outputs], player.J[:, j], rtol=1e-12)


# ------------------------------------------------------------------ numbers printed elsewhere


def test_the_circuits_of_cs231n_have_their_published_gradients():
    player = GraphPlayer("circuit", mode="reverse")
    assert player.values == {"x": -2, "y": 5, "q": 3, "z": -4, "f": -12}
    assert [player.adjoints[name] for name in "xyz"] == [-4, -4, 3]
    neuron = GraphPlayer("neuron", mode="reverse").adjoints
    assert round(GraphPlayer("neuron").values["f"], 2) == 0.73
    assert [round(neuron[name], 2) for name in ("x0", "x1", "w0", "w1", "w2")] == [0.39, -0.59, -0.2, -0.39, 0.2]
    player = GraphPlayer("p = x * y; m = max(z, w); s = p + m; f = 2 * s", [3, -4, 2, -1], mode="reverse")
    assert [player.adjoints[name] for name in "xyzw"] == [-8, 6, 2, 0]


@pytest.mark.parametrize(
    "program, order, wrong, right",
    [
        ("b = a + a; c = b + b", "recursion", 8, 4),
        ("diamond", "once", 6, 21),
        ("diamond", "recursion", 27, 21),
        ("u = 3 * a; f = 5 * u", "recursion", 15, 15),
    ],
)
def test_in_another_order_a_fork_comes_out_wrong_and_a_chain_does_not(program, order, wrong, right):
    player = GraphPlayer(program, mode="reverse", order=order, step=99)
    assert player.adjoints["a"] == wrong
    assert ("(wrong)" in str(player)) == (wrong != right)
    player.order = "topological"
    assert player.adjoints["a"] == right
    assert "(wrong)" not in str(player)


def test_in_topological_order_a_node_sends_once_and_after_all_that_use_it():
    for player in players():
        order = visits(player.nodes, player.outputs[0])
        assert sorted(order) == sorted(node["name"] for node in player.nodes if node["f"])
        for node in player.nodes:
            for term, _ in node["terms"]:
                assert term in player.inputs or order.index(term) > order.index(node["name"])


# ------------------------------------------------------------------ counts, steps


@pytest.mark.parametrize("n", [1, 3, 4])
@pytest.mark.parametrize("m", [1, 2, 4])
def test_a_sweep_multiplies_once_at_every_link(n, m):
    player = GraphPlayer("map", size=(n, m))
    assert (player.links, player.J.shape) == (3 * n + 3 * m, (m, n))
    assert f"the {m}×{n} Jacobian {n * player.links} in forward mode and {m * player.links} in reverse" in str(player)


def test_there_is_a_step_for_each_value_and_one_for_each_node_that_sends():
    assert [GraphPlayer("diamond", mode=mode).steps for mode in ("forward", "reverse")] == [4, 9]
    assert GraphPlayer("diamond", mode="reverse", order="recursion").steps == 5 + len("fvuwu")
    assert GraphPlayer("diamond", mode="reverse", order="once").steps == 5 + len("fvuw")


def test_a_recursion_without_end_is_cut_off():
    program = "; ".join(f"{b} = {a} + {a}" for a, b in zip("abcdefghijklm", "bcdefghijklmn", strict=True))
    player = GraphPlayer(program, mode="reverse", order="recursion")
    assert player.steps == 13 + 1 + 200


def test_the_line_says_what_was_found_when_the_sweep_is_done():
    player = GraphPlayer("circuit", mode="reverse", step=4)
    assert "df/dx" not in str(player)
    player.step = 5
    assert "df/dx = −4, df/dy = −4, df/dz = 3" in str(player)
    player.mode = "forward"
    assert "step 2 of 2; df/dx = −4;" in str(player)


def test_a_seed_that_is_no_end_of_this_mode_gives_way_to_the_first():
    player = GraphPlayer("circuit", seed="z")
    assert player.start == "z"
    player.mode = "reverse"
    assert player.start == "f"
    player.mode, player.seed = "forward", "f"
    assert player.start == "x"


# ------------------------------------------------------------------ programs


def test_a_program_is_read_as_python_reads_it():
    rng = np.random.default_rng(0)
    for program in OWN:
        player = GraphPlayer(program)
        x = rng.normal(size=len(player.x)).tolist()
        names = dict(zip(player.inputs, x, strict=True))
        names |= {
            "tanh": np.tanh,
            "exp": np.exp,
            "relu": lambda s: max(s, 0),
            "sigmoid": lambda s: 1 / (1 + np.exp(-s)),
        }
        exec(program, {"max": max}, names)
        assert evaluate(player.nodes, x)[0] == pytest.approx(
            {node["name"]: names[node["name"]] for node in player.nodes}
        )


@pytest.mark.parametrize(
    "program, message",
    [
        ("hexagon", "must be one of circuit, diamond"),
        ("f = ", "a program is a list"),
        ("f = a / b", "more than one step"),
        ("f = a * b * c", "more than one step"),
        ("f = sin(a)", "more than one step"),
        ("f = 3", "made of something"),
        ("f = a; f = 2 * a", "cannot change"),
        ("u = f + a; f = 2 * u", "cannot change"),
        ("total = a + b", "must be a letter"),
        ("a += 1; b = 2", "must be a letter"),
        ("; ".join(f"b{k} = 2 * a" for k in range(10)) + "; c = d + e; f = g + h; i = j + k", "at most 14 nodes"),
        ("f = a + b + c + d + e + g", "at most 14 nodes and 5 inputs"),
    ],
)
def test_a_program_that_cannot_be_drawn_is_refused_with_what_can(program, message):
    with pytest.raises(ValueError, match=message):
        GraphPlayer(program)


@pytest.mark.parametrize(
    "options", [{"x": [1.0]}, {"x": [1.0, 2.0, np.inf]}, {"size": (0, 2)}, {"size": (2, 5)}], ids=str
)
def test_values_and_sizes_that_do_not_fit_are_refused(options):
    with pytest.raises(ValueError, match="must be"):
        GraphPlayer("map" if "size" in options else "circuit", **options)


@pytest.mark.parametrize("change", [{"mode": "sideways"}, {"order": "random"}, {"step": -1}])
def test_a_state_that_cannot_be_shown_is_refused(change):
    with pytest.raises(traitlets.TraitError):
        GraphPlayer(**change)


def test_every_node_has_one_place_and_stands_right_of_what_it_is_made_of():
    for player in players():
        columns = layout(player.nodes)
        place = {name: d for d, names in enumerate(columns) for name in names}
        assert sorted(place) == sorted(node["name"] for node in player.nodes)
        assert all(place[term] < place[node["name"]] for node in player.nodes for term, _ in node["terms"])


def test_a_part_of_the_map_is_a_part_of_its_jacobian():
    x = PRESETS["map"].x
    whole, part = GraphPlayer("map", [*x[:2], 1e-300, 1e-300], size=(4, 4)), GraphPlayer("map", x[:2], size=(2, 3))
    np.testing.assert_allclose(part.J, whole.J[:3, :2], rtol=1e-12)
    assert len(map_of(4, 4)) == 11
    assert read_program(PRESETS["map"].program)[0]["name"] == "x1"
    assert set(ORDERS) == {"topological", "recursion", "once"}
