"""The explorables of chapters 04 to 06 in Chromium: every number shown against course_lib; hands, keys, and Jupyter."""

import re
from itertools import pairwise

import numpy as np
import pytest

from course_lib.backprop import Backpropagation, backprop_steps
from course_lib.chain import bracketings, path_product, paths, sum_over_paths
from course_lib.explorables import JacobianStage, PassPlayer, PathExplorer, play
from course_lib.network import Network
from tests.browser.bench import assert_shown, number

PRESETS = ["affine", "polar", "product", "tanh", "softmax"]

# ------------------------------------------------------------------ Jacobian stage


@pytest.mark.parametrize("preset", PRESETS)
def test_every_number_on_the_jacobian_stage_is_right(bench, preset):
    rng = np.random.default_rng(len(preset))
    stage = JacobianStage(preset)
    bench.show(stage)
    for _ in range(12):
        state = {
            "x": rng.uniform(-1.8, 1.8, size=2).round(2).tolist(),
            "nudge": rng.choice([0.05, 0.3, 0.75, 1.0]).item(),
        }
        for name, value in state.items():
            setattr(stage, name, value)
        bench.set(**state)
        if preset == "affine":
            shown = [
                [float(v) for v in row]
                for row in np.reshape([f.input_value() for f in bench.page.locator(".cr-number input").all()], (2, 2))
            ]
            np.testing.assert_array_equal(shown, stage.J)
        else:
            for text, value in zip(bench.texts(".cr-number"), stage.J.ravel(), strict=True):
                assert_shown(text, value)
        gap = stage.gap if stage.gap > 1e-12 else 0
        assert_shown(bench.texts("[data-number=gap]")[0], gap)
        assert_shown(bench.texts("[data-number=share]")[0], 100 * gap / stage.nudge)
        x, y = re.search(r"f sends \((.*?)\) to \((.*?)\)", bench.texts(".cr-sentence")[0]).groups()
        for text, value in zip((x + ", " + y).split(", "), [*stage.x, *stage.f(np.array(stage.x))], strict=True):
            assert_shown(text, value)


def test_the_point_follows_hand_and_keys_and_stays_in_the_plane(bench):
    bench.show(JacobianStage("product"))
    point = bench.page.locator(".cr-point")
    box = point.bounding_box()
    bench.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    bench.page.mouse.down()
    bench.page.mouse.move(box["x"] - 60, box["y"] + 40, steps=4)
    dragged = bench.get("x")
    assert dragged[0] < 0.5
    assert dragged[1] < 0.4
    bench.page.mouse.move(-500, 2000)
    bench.page.mouse.up()
    assert bench.get("x") == [-2, -2]
    assert bench.page.evaluate("document.activeElement.classList.contains('cr-point')")
    for key in ("ArrowRight", "Shift+ArrowUp", "ArrowUp"):
        bench.page.keyboard.press(key)
    assert bench.get("x") == [-1.95, -1.45]


def test_a_nudge_lights_its_column_and_its_arrows(bench):
    bench.show(JacobianStage("polar"))
    bench.page.get_by_role("button", name="nudge φ").press("Enter")
    assert bench.get("column") == 2
    assert bench.page.locator(".cr-entry.cr-lit").evaluate_all("cells => cells.map(c => c.dataset.entry)") == [
        "12",
        "22",
    ]
    assert bench.page.locator(".cr-arrow.cr-live").count() == 2
    bench.page.get_by_role("button", name="nudge φ").click()
    assert bench.get("column") == 0


def test_the_matrix_of_the_affine_map_can_be_typed(bench):
    bench.show(JacobianStage("affine"))
    bench.page.get_by_label("W 1 2").fill("-1.5")
    assert bench.get("A") == [[2, -1.5], [-1, 1]]
    assert bench.page.evaluate("document.activeElement.getAttribute('aria-label')") == "W 1 2"


def test_where_your_own_function_fails_the_page_says_so_and_draws_nothing_wrong(bench):
    stage = JacobianStage(np.sqrt, x=[1.0, 0.5])
    bench.show(stage)
    for text, value in zip(bench.texts(".cr-number"), stage.J.ravel(), strict=True):
        assert_shown(text, value)
    assert_shown(bench.texts("[data-number=gap]")[0], stage.gap)
    stage.x = [-1.0, 0.5]
    bench.set(x=stage.x, _answer=stage._answer)
    assert bench.texts(".cr-sentence") == ["f(−1, 0.5): ValueError: f or a slope of it is infinite or nan here"]
    assert bench.texts(".cr-number") == [""] * 4
    assert bench.page.locator(".cr-image").is_hidden()
    stage.x = [0.5, 0.5]
    bench.set(x=stage.x)
    assert "cr-late" in bench.page.locator(".cr-plane[role=img]").get_attribute("class"), "the kernel has not answered"
    bench.set(_answer=stage._answer)
    assert bench.page.locator(".cr-image").is_visible()
    assert "nan" not in bench.page.locator("main").inner_html().lower()


@pytest.mark.parametrize("motion, runs", [("no-preference", True), ("reduce", False)])
def test_a_nudge_runs_along_its_arrow_unless_the_reader_asked_for_less_motion(bench, motion, runs):
    bench.page.emulate_media(reduced_motion=motion)
    bench.show(JacobianStage("polar"))
    bench.page.evaluate("""() => { window.moves = 0; const seen = new MutationObserver(found => moves += found.length);
        for (const runner of document.querySelectorAll(".cr-runner"))
            seen.observe(runner, {attributes: true, attributeFilter: ["cx", "cy"]}); }""")
    bench.page.get_by_role("button", name="nudge r").press("Enter")
    three = "() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(r))))"
    bench.page.evaluate(three)
    assert (bench.page.evaluate("moves") > 0) is runs
    assert bench.get("column") == 1


# ------------------------------------------------------------------ path explorer


def random_graph(rng, sizes=(2, 3, 2), names="xhy"):
    layers = [[f"{name}{i + 1}" for i in range(n)] for name, n in zip(names, sizes, strict=True)]
    return {(a, b): round(rng.normal(), 3) for one, two in pairwise(layers) for b in two for a in one}


@pytest.mark.parametrize("seed", range(6))
def test_every_number_of_the_path_explorer_is_right(bench, seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, sizes=(3, 2, 4, 2)[: 3 + seed % 2], names="xhky"[: 3 + seed % 2])
    start, end = rng.choice([a for a, _ in graph if a[0] == "x"]).item(), list(graph)[-1][1]
    found = paths(graph, start, end)
    chosen = [" > ".join(path) for path in found if rng.random() < 0.6]
    explorer = PathExplorer(graph, start, end, paths=chosen)
    bench.show(explorer)
    for text, path in zip(bench.texts(".cr-path .cr-path-product"), found, strict=True):
        assert_shown(text, path_product(graph, path))
    assert_shown(bench.texts("[data-number=sum]")[0], explorer.sum)
    whole = sum_over_paths(graph, start, end)
    bench.page.get_by_role("button", name="all paths").click()
    assert_shown(bench.texts("[data-number=sum]")[0], whole)
    assert_shown(bench.texts(".cr-best")[0], whole)
    layers = [
        sorted({n for edge in graph for n in edge if n[0] == name})
        for name in dict.fromkeys(a[0] for a in [n for e in graph for n in e])
    ]
    total = list(bench.matrices().values())[-1]
    for row, b in zip(total, layers[-1], strict=True):
        for text, a in zip(row, layers[0], strict=True):
            assert_shown(text, sum_over_paths(graph, a, b))


@pytest.mark.parametrize("seed", range(4))
def test_every_count_of_multiplications_is_right(bench, seed):
    sizes = np.random.default_rng(seed).integers(1, 60, size=5).tolist()
    shapes = list(pairwise(sizes))
    explorer = PathExplorer(shapes=shapes)
    bench.show(explorer)
    expected = bracketings(shapes, ["J4", "J3", "J2", "J1"])
    shown = bench.page.locator(".cr-bar-row").evaluate_all(
        "rows => rows.map(r => [r.dataset.bracketing, r.querySelector('.cr-bar-count').textContent])"
    )
    assert sorted((name, int(re.sub(r"\D", "", count))) for name, count in shown) == sorted(expected)
    assert [int(re.sub(r"\D", "", count)) for _, count in shown] == [count for _, count in expected]


def test_paths_are_chosen_by_mouse_or_by_keys(bench):
    bench.show(PathExplorer())
    bench.page.locator("[data-edge='x1 > h2'] .cr-hit").click()
    assert bench.get("paths") == ["x1 > h2 > y1"]
    bench.page.locator("[data-node=h2]").click()
    assert bench.get("paths") == []
    bench.page.locator("[data-path='x1 > h3 > y1']").press("Space")
    assert bench.get("paths") == ["x1 > h3 > y1"]
    bench.page.get_by_role("group", name="from").get_by_role("radio").first.press("ArrowRight")
    assert (bench.get("start"), bench.get("paths")) == ("x2", [])
    bench.page.locator("[data-node=y2]").click()
    assert bench.get("end") == "y2"
    bench.page.locator(".cr-bar-row[tabindex='0']").press("ArrowDown")
    assert bench.get("bracketing") == "(J4 (J3 J2)) J1"
    assert bench.page.evaluate("document.activeElement.dataset.bracketing") == "(J4 (J3 J2)) J1"
    bench.page.get_by_label("inputs", exact=True).fill("2")
    assert bench.get("shapes") == [[1, 10], [10, 20], [20, 30], [30, 2]]


# ------------------------------------------------------------------ pass player


def random_player(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, size=rng.integers(2, 6)).tolist()
    loss, output = [
        ("squared error", "tanh"),
        ("squared error without 1/2", "softplus"),
        ("binary cross-entropy", "sigmoid"),
        ("categorical cross-entropy", "softmax"),
    ][seed % 4]
    hidden = rng.choice(["identity", "sigmoid", "tanh", "relu", "leaky relu", "softplus"], size=len(sizes) - 2).tolist()
    net = Network(sizes, [*hidden, output], rng=seed)
    net.theta += 0.1 * rng.normal(size=net.P)
    N = [1, 3][seed % 2]
    y = np.eye(sizes[-1])[:, rng.integers(sizes[-1], size=N)]
    return play(net, rng.normal(size=(sizes[0], N)), y, loss=loss)


def right_passes(player):
    back = Backpropagation(player.net, player.loss)
    return back, back.gradient(np.array(player.x), np.array(player.y))[0]


@pytest.mark.parametrize("seed", range(12))
def test_every_number_of_the_pass_player_is_right(bench, seed):
    player = random_player(seed)
    bench.show(player)
    back, loss = right_passes(player)
    L, N = len(player.W) - 1, len(player.x[0])
    bench.set(step=player.steps, example=N)
    for l in range(1, L + 1):
        for i in range(len(player.W[l])):
            texts = bench.texts(f"[data-id='a {l} {i + 1}'] > text[text-anchor=end]")
            for text, values in zip(texts, (back.z, back.a, back.delta), strict=True):
                assert_shown(text, values[l][i, N - 1])
    assert_shown(bench.texts(".cr-lossbox > text[text-anchor=end]")[-1], loss)
    letters = {"delta": "δ", "dW": "∂L∕∂W", "db": "∂L∕∂b"}
    for k, step in enumerate(backprop_steps(player.net, player.x, player.y, player.loss), start=1):
        bench.set(step=k)
        if step.name == "loss":
            assert_shown(bench.texts("[data-number=loss]" if N > 1 else "[data-number='loss one']")[0], loss)
            continue
        assert f"({step.equation})" in bench.texts(".cr-equation h3")[0]
        name, l = step.name.rstrip("]").split("[")
        values = step.value if name in ("dW", "db") else step.value[:, N - 1 :]
        shown = bench.matrices()[f"{letters.get(name, name)}^{{{l}}}"]
        assert np.shape(shown) == values.shape
        for text, value in zip(np.ravel(shown), np.ravel(values), strict=True):
            assert_shown(text, value)
    assert k == player.steps


@pytest.mark.parametrize("seed", range(4))
def test_every_formula_of_a_neuron_gives_the_number_behind_its_equals_sign(bench, seed):
    """Read the line on the page as arithmetic: the terms shown must give the result shown."""
    player = random_player(2 * seed)
    player.detail = "neurons"
    bench.show(player)
    checked = 0
    for step in range(player.steps + 1):
        bench.set(step=step)
        for line in bench.texts(".cr-equation .cr-line"):
            *_, terms, result = line.replace("−", "-").split("=")
            terms = terms.replace("·", "*").replace(" ", "")
            if re.fullmatch(r"[-+*().\de/]+", terms):
                shown, half = number(result)
                size = max((abs(float(v)) for v in re.findall(r"[\d.]+", terms)), default=1)
                assert eval(terms) == pytest.approx(shown, abs=half + 1e-3 * size), line
                checked += 1
    assert checked > 5


def wrong_passes(player, broken):
    """The wrong backward passes, written anew."""
    back, _ = right_passes(player)
    net, L = player.net, player.net.L
    delta, dW = [v if v is None else v.copy() for v in back.delta], [None if v is None else v.copy() for v in back.dW]
    for l in range(L - 1, 0, -1):
        W = net.W[l + 1] - player.eta * dW[l + 1] if broken == "too early" else net.W[l + 1]
        g = (W if broken == "no transpose" else W.T) @ delta[l + 1]
        delta[l] = g if broken == "no slope" else g * net.activations[l].derivative(back.z[l])
        dW[l] = delta[l] @ back.a[l - 1].T
    return back, delta, dW


@pytest.mark.parametrize("broken", ["no slope", "no transpose", "too early"])
def test_the_table_of_a_wrong_pass_has_the_right_ratios(bench, broken):
    player = play(
        Network([2, 3, 3, 3], rng=8), np.ones((2, 4)) * [1, 2, 3, 4], np.eye(3)[:, [0, 1, 2, 0]], broken=broken, eta=2.0
    )
    bench.show(player)
    bench.set(step=player.steps)
    back, delta, dW = wrong_passes(player, broken)
    for l in (1, 2, 3):
        good, bad = np.linalg.norm(back.dW[l]), np.linalg.norm(dW[l])
        texts = bench.texts(f"[data-row='dW {l}'] td")
        for text, value in zip(texts, (good, bad, bad / good), strict=False):
            assert_shown(text, value)
        assert texts[3] == ("exact" if l == 3 else "wrong")
        tile = bench.texts(f"[data-id='a {l} 1'] > text[text-anchor=end]")
        assert_shown(tile[2], delta[l][0, 0])
        assert_shown(tile[3], back.delta[l][0, 0])


def test_no_transpose_of_a_matrix_that_is_not_square_is_a_shape_error(bench):
    bench.show(play(Network([2, 3, 1]), [1.0, 2.0], [1.0], broken="no transpose"))
    assert bench.texts("[data-row='dW 1'] td")[1] == "shape error"
    assert bench.texts("[data-row='dW 2'] td")[3] == "exact"


def test_nothing_flows_once_a_shape_error_has_ended_the_pass(bench):
    bench.show(play(Network([2, 3, 1]), [1.0, 2.0], [1.0], broken="no transpose"))
    moving = ".cr-forward, .cr-backward, .cr-graded, .cr-on-error"
    for step, flows in ((6, True), (9, False), (11, False)):
        bench.set(step=step)
        assert (bench.page.locator(moving).count() > 0) == flows, step


@pytest.mark.parametrize(
    "chosen, count, weights, ends", [("a 0 1", 18, 18, 2), ("a 1 2", 6, 9, 2), ("w 2 1 3", 2, 2, 2), ("a 3 1", 1, 0, 1)]
)
def test_the_paths_of_what_is_chosen_are_lit_as_far_as_the_loss_and_counted(bench, chosen, count, weights, ends):
    bench.show(play(Network([2, 3, 3, 2], rng=1), np.ones(2), np.zeros(2), selected=chosen))
    assert f"{count} path{'s lead' if count > 1 else ' leads'} from here" in bench.texts(".cr-inspector")[0]
    assert bench.page.locator(".cr-weight.cr-onpath[data-id]").count() == weights
    assert bench.page.locator(".cr-fixed.cr-onpath").count() == ends


def test_nothing_is_shown_before_it_is_computed(bench):
    player = PassPlayer()
    bench.show(player)
    known = []
    for step in range(player.steps + 1):
        bench.set(step=step)
        known.append(sum(text != "·" for text in bench.texts(".cr-neuron > text[text-anchor=end]")))
    assert known[0] == 4, "two inputs, two targets"
    assert np.diff(known).tolist() == [2, 2, 2, 2, 1, 2, 0, 0, 2, 0, 0]


def test_the_player_works_by_keys_alone(bench):
    bench.show(PassPlayer())
    page = bench.page
    page.keyboard.press("Tab")  # Back is disabled at the start
    assert page.evaluate("document.activeElement.textContent") == "Play"
    page.keyboard.press("Tab")
    for _ in range(3):
        page.keyboard.press("Enter")
    assert bench.get("step") == 3
    page.get_by_label("step of the two passes").press("ArrowRight")
    assert bench.get("step") == 4
    page.locator("[data-id][tabindex='0']").focus()
    for key, selected in [
        ("ArrowDown", "a 1 2"),
        ("ArrowRight", "w 2 1 2"),
        ("ArrowUp", "w 2 1 1"),
        ("ArrowLeft", "a 1 1"),
        ("ArrowLeft", "w 1 1 1"),
        ("Escape", ""),
    ]:
        page.keyboard.press(key)
        assert bench.get("selected") == selected
    page.get_by_role("radio", name="no σ′").press("Space")
    assert bench.get("broken") == "no slope"
    page.get_by_role("radio", name="by layer").press("ArrowRight")
    assert (bench.get("detail"), bench.get("step")) == ("neurons", 7)


def test_play_goes_to_the_end_and_can_be_stopped(bench):
    bench.page.clock.install()
    bench.show(PassPlayer())
    bench.page.get_by_role("button", name="Play").click()
    bench.page.clock.run_for(5_000)
    assert bench.get("step") == 3
    bench.page.get_by_role("button", name="Pause").click()
    bench.page.clock.run_for(60_000)
    assert bench.get("step") == 3
    bench.page.get_by_role("button", name="Play").click()
    bench.page.clock.run_for(60_000)
    assert bench.get("step") == 11
    assert bench.page.get_by_role("button", name="Play").count() == 1
    bench.page.get_by_role("button", name="Play").click()
    bench.page.evaluate("end()")
    bench.page.clock.run_for(60_000)
    assert bench.get("step") == 0, "a player that is gone must not play on"


# ------------------------------------------------------------------ in Jupyter

CELLS = [
    "import numpy as np\nfrom course_lib.explorables import JacobianStage, PathExplorer, PassPlayer",
    "stage = JacobianStage(lambda x: np.array([x[0] * x[1], x[0] + x[1] ** 2]), x=[1.0, 0.5])\nstage",
    "explorer = PathExplorer(); explorer",
    "player = PassPlayer(); player",
    "print(stage.x, explorer.paths, player.step, player.selected)",
    "stage.x = [0.0, 1.0]; player.step = 5",
]


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_page_and_kernel_share_their_state(open_notebook, app):
    notebook = open_notebook(CELLS, app)
    for cell in range(4):
        notebook.run(cell)
    page = notebook.page
    notebook.cell(3).locator(".cr-lossbox").wait_for()  # the page draws a moment after the kernel is idle
    chosen = page.locator(".cr input[type=radio]:checked").evaluate_all("inputs => inputs.map(i => i.value)")
    assert chosen == ["own", "x1", "y1", "layers", ""], "the radio buttons of one explorable are not those of another"
    notebook.cell(1).locator(".cr-point").press("ArrowLeft")
    page.wait_for_function(
        "() => document.querySelector('.cr-stage .cr-sentence').textContent.startsWith('f sends (0.95, 0.5)')"
    )
    notebook.cell(2).get_by_role("button", name="all paths").click()
    notebook.cell(3).get_by_role("button", name="Next").click()
    notebook.cell(3).locator("[data-id='a 2 1']").click()
    notebook.run(4)
    assert notebook.output(4).inner_text().strip() == (
        "[0.95, 0.5] ['x1 > h1 > y1', 'x1 > h2 > y1', 'x1 > h3 > y1'] 1 a 2 1"
    )
    notebook.run(5)
    sentence = notebook.cell(1).locator(".cr-sentence").filter(has_text="f sends (0, 1) to (0, 1.0000)")
    sentence.wait_for()
    shown = notebook.cell(1).locator(".cr-number").all_text_contents()
    for text, value in zip(shown, [1, 0, 1, 2], strict=True):
        assert_shown(text, value)
    notebook.cell(3).locator(".cr-scrub output").filter(has_text="5 / 11").wait_for()
    saved = notebook.save()
    outputs = [cell.outputs[0].data for cell in saved.cells[1:4]]
    assert all("base64," in data["text/html"] for data in outputs)
    notebook.screenshot(f"explorables-{app}")
