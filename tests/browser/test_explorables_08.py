"""The graph player in Chromium: every number shown against course_lib; hands, keys, and Jupyter."""

import re

import numpy as np
import pytest

from course_lib.explorables import GraphPlayer
from course_lib.explorables.graph_player import ORDERS, PRESETS, evaluate, pull, visits
from tests.browser.bench import assert_shown

OWN = "u = a * b; v = (u - 0.5 * a + 1) ** 2; w = max(v, u); p = sigmoid(w - a); q = exp(0.1 * v)"


def tiles(bench):
    """The numbers in the nodes: name -> (value, tangent or adjoint) as texts."""
    return {
        node.get_attribute("data-node"): node.locator("[data-kind]").all_text_contents()
        for node in bench.page.locator("[data-node]").all()
    }


def random_player(seed):
    rng = np.random.default_rng(seed)
    program = [*PRESETS, OWN][seed % 6]
    size = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    n = len(GraphPlayer(program, size=size).x)
    mode = ["forward", "reverse"][int(rng.integers(2))]
    player = GraphPlayer(program, rng.uniform(-2, 2, n).round(2).tolist(), size=size, mode=mode)
    player.seed = str(rng.choice(player.inputs if mode == "forward" else player.outputs))
    player.order = str(rng.choice(list(ORDERS)))
    return player


@pytest.mark.parametrize("seed", range(12))
def test_every_number_of_the_graph_player_is_right_at_every_step(bench, seed):
    player = random_player(seed)
    bench.show(player)
    made = [node["name"] for node in player.nodes if node["f"]]
    v, slopes = evaluate(player.nodes, player.x)
    forward = player.mode == "forward"
    order = visits(player.nodes, player.start, player.order)
    for step in range(player.steps + 1):
        bench.set(step=step)
        sent = order[: max(0, step - len(made) - 1)]
        carried = player.tangents if forward else pull(player.nodes, slopes, player.start, sent)
        for name, (value, second) in tiles(bench).items():
            there = name in player.inputs or name in made[:step]
            assert_shown(value, v[name]) if there else check_blank(value)
            assert_shown(second, carried[name]) if (there if forward else step > len(made)) else check_blank(second)
    assert bench.texts(".cr-graph-scrub output") == [f"{player.steps} / {player.steps}"]


def check_blank(text):
    assert text == "·"


@pytest.mark.parametrize("seed", range(6))
def test_the_equation_of_a_step_ends_in_what_the_node_gets(bench, seed):
    player = random_player(seed)
    player.order = "topological"
    _, slopes = evaluate(player.nodes, player.x)
    bench.show(player)
    made = [node["name"] for node in player.nodes if node["f"]]
    order = visits(player.nodes, player.start)
    for k, name in enumerate(made if player.mode == "forward" else order):
        bench.set(step=k + 1 if player.mode == "forward" else len(made) + 2 + k)
        terms = next(node["terms"] for node in player.nodes if node["name"] == name)
        results = bench.texts("[data-number=result]")
        if player.mode == "forward":
            assert len(results) == 1
            assert_shown(results[0], player.tangents[name])
            assert "(8.2)" in bench.texts(".cr-graph-panel h3")[0]
        else:
            bar = pull(player.nodes, slopes, player.start, order[: k + 1])
            assert len(results) == len(terms)
            assert_shown(results[-1], bar[terms[-1][0]])
            assert "(8.4)" in bench.texts(".cr-graph-panel h3")[0]
        for text, slope in zip(bench.texts(".cr-graph-slopes > span"), slopes[name], strict=True):
            assert_shown(re.split(r"= |: ", text)[-1], slope)


@pytest.mark.parametrize("n, m", [(4, 1), (1, 4), (3, 2)])
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_operations_are_counted_as_they_are_done(bench, n, m, mode):
    player = GraphPlayer("map", size=(n, m), mode=mode)
    bench.show(player)
    counts = []
    for step in range(player.steps + 1):
        bench.set(step=step)
        counts.append([int(text) for text in bench.texts("[data-count]")])
    assert counts[0] == [0, 0]
    assert counts == sorted(counts)
    # into h come n, into y come 3; back from y go 3 to each h, back from h go n to the inputs
    additions = 3 * (n - 1) + 2 * m if mode == "forward" else 3 * (m - 1) + 2 * n
    assert counts[-1] == [player.links, additions]
    for name, sweeps in (("forward", n), ("reverse", m)):
        said = bench.texts(f"[data-mode={name}] span")[1]
        assert said == f"{sweeps} sweep{'s' if sweeps > 1 else ''} × {player.links} = {sweeps * player.links}"
    cells = {cell.get_attribute("data-entry"): cell.text_content() for cell in bench.page.locator("[data-entry]").all()}
    for i, output in enumerate(player.outputs):
        for j, name in enumerate(player.inputs):
            found = name == player.start if mode == "forward" else output == player.start
            text = cells[f"{output} {name}"]
            assert_shown(text, player.J[i, j]) if found else check_blank(text)


@pytest.mark.parametrize("order, found", [("topological", "21"), ("recursion", "27"), ("once", "6")])
def test_the_diamond_comes_out_right_in_one_order_only(bench, order, found):
    player = GraphPlayer("diamond", mode="reverse", order=order)
    player.step = player.steps
    bench.show(player)
    assert tiles(bench)["a"] == ["1", found]
    sentence = bench.texts(".cr-sentence")[0]
    assert ("Done, and wrong: ∂f∕∂a is 21." in sentence) == (order != "topological")
    assert bench.page.locator("[data-entry].cr-strike").count() == (order != "topological")


def test_a_node_that_will_get_more_is_marked_until_it_has_all(bench):
    bench.show(GraphPlayer("diamond", mode="reverse"))
    marked = []
    for step in range(5, 10):
        bench.set(step=step)
        nodes = bench.page.locator(".cr-graph-partial").evaluate_all("all => all.map(g => g.dataset.node)")
        marked.append("".join(sorted(nodes)))
    assert marked == ["auvw", "au", "au", "a", ""]


# ------------------------------------------------------------------ hands and keys


def test_graph_mode_seed_and_order_are_chosen_by_mouse(bench):
    bench.show(GraphPlayer())
    page = bench.page
    page.locator("[data-node=z]").click()
    assert (bench.get("seed"), bench.get("step")) == ("z", 0)
    page.locator("[data-node=f]").click()
    assert bench.get("step") == 2, "a click on a node leads to the step that makes it"
    page.get_by_role("radio", name="reverse: adjoints").click()
    assert (bench.get("mode"), bench.get("seed"), bench.get("step")) == ("reverse", "", 0)
    page.locator("[data-node=q]").click()
    assert bench.get("step") == 5
    page.get_by_role("radio", name="diamond").click()
    assert [node["name"] for node in bench.get("nodes")] == ["a", "u", "v", "w", "f"]
    assert (bench.get("x"), bench.get("preset"), bench.get("step")) == ([1], "diamond", 0)
    page.get_by_role("radio", name="plain recursion").click()
    assert bench.get("order") == "recursion"
    page.get_by_role("radio", name="n to m").click()
    assert len(bench.get("x")) == 1
    page.get_by_role("button", name="Next").click()
    assert bench.get("step") == 1
    page.get_by_role("button", name="Back").click()
    assert bench.get("step") == 0


def test_everything_can_be_done_by_keys_alone(bench):
    bench.show(GraphPlayer())
    page = bench.page
    page.get_by_role("radio", name="n to m").press("Space")
    assert bench.get("preset") == "map"
    page.get_by_label("inputs n").press("ArrowRight")
    page.get_by_label("outputs m").press("ArrowRight")
    expected = GraphPlayer("map", size=(4, 3))
    assert bench.get("nodes") == expected.nodes
    assert bench.get("x") == expected.x
    page.get_by_role("radio", name="x1").press("ArrowRight")
    assert bench.get("seed") == "x2"
    assert page.evaluate("document.activeElement.value") == "x2", "the focus stays on the seed"
    page.get_by_role("radio", name="reverse: adjoints").press("Space")
    page.get_by_role("radio", name="y1").press("ArrowRight")
    assert bench.get("seed") == "y2"
    page.get_by_role("radio", name="each when first met").press("Space")
    assert bench.get("order") == "once"
    page.get_by_label("step of the sweep").press("End")
    assert bench.get("step") == 6 + 1 + 4
    page.get_by_label("value of x3").fill("1.5")
    assert bench.get("x")[2] == 1.5
    assert bench.texts(".cr-sentence")[0].startswith("Step 11 of 11:")


def test_a_graph_of_your_own_can_be_left_and_comes_back(bench):
    player = GraphPlayer(OWN, [0.5, 2.0])
    bench.show(player)
    bench.page.get_by_role("radio", name="diamond").press("Space")
    bench.page.get_by_role("radio", name="your own").press("Space")
    assert (bench.get("nodes"), bench.get("x"), bench.get("preset")) == (player.nodes, player.x, "own")


def test_playing_ends_at_the_last_step(bench):
    bench.page.clock.install()
    bench.show(GraphPlayer())
    bench.page.get_by_role("button", name="Play").press("Enter")
    bench.page.clock.run_for(20_000)
    assert bench.get("step") == 2
    assert bench.page.get_by_role("button", name="Play").is_visible()


CELLS = [
    "from course_lib.explorables import GraphPlayer",
    'player = GraphPlayer("diamond", mode="reverse"); player',
    "print(player.order, player.step, player.adjoints['a'])",
    'player.order = "topological"; player.x = [2.5]',
]


def test_page_and_kernel_share_their_state(open_notebook):
    notebook = open_notebook(CELLS)
    for cell in range(2):
        notebook.run(cell)
    shown = notebook.cell(1)
    shown.get_by_role("radio", name="plain recursion").press("Space")
    shown.get_by_label("step of the sweep").press("End")
    notebook.run(2)
    assert notebook.output(2).inner_text().strip() == "recursion 10 27.0"
    notebook.run(3)
    shown.locator("[data-node=f] [data-kind=value]").filter(has_text="52.5").wait_for()
    output = notebook.save().cells[1].outputs[0]
    assert "base64," in output.data["text/html"]
    notebook.screenshot("graph-player")
