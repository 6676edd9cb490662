"""Figures: what stands in them is what was given, they say it in words, and they leave everything else as it was."""

import base64
import itertools
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import nbclient
import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.chain import bracketings, multiplications, paths, sum_over_paths
from course_lib.network import Network
from course_lib.plots import (
    bundle,
    describe,
    plot_bracketings,
    plot_decision_regions,
    plot_error_against_step,
    plot_gradient_norms,
    plot_history,
    plot_jacobian,
    plot_jacobians,
    plot_map_on_grid,
    plot_matrix,
    plot_network,
    plot_passes,
    plot_paths,
    png,
    show,
)
from course_lib.plots.style import COLOURS, GREY, INK, SIGNED, SMALL, WHITE, contrast, number, symbol

ROOT = Path(__file__).resolve().parent.parent
J35 = np.array([[0.0, -0.132, 0.64, 0, -0.536], [0, 0, 0.947, -0.704, -1.27], [0, 0.0413, -2.33, -0.219, -1.25]])
EDGES = {("x1", "h1"): 1.0, ("x2", "h1"): 2.0, ("x2", "h2"): -3.0, ("h1", "y1"): 4.0, ("h2", "y1"): 0.5}
NET = Network([2, 3, 2], rng=0)
Z, A = NET.forward(np.array([[0.5, 1.0], [-1.0, 2.0]]))
DELTA = [None, 0.1 * A[1], 0.01 * A[2]]
HISTORY = SimpleNamespace(loss=[0.7, 0.2, 0.1], accuracy=[0.5, 0.9, 0.95], gradient_norms=[[None, 1.0, 2.0]] * 3)
XOR = np.array([[0.0, 1, 0, 1], [0, 0, 1, 1]]), np.array([[0, 1, 1, 0]])

FIGURES = {
    "matrix": lambda: plot_matrix(J35, "W"),
    "large matrix": lambda: plot_matrix(np.arange(-300.0, 300).reshape(20, 30), "W"),
    "jacobian": lambda: plot_jacobian(J35),
    "jacobian 1 x 1": lambda: plot_jacobian([[5]]),
    "jacobian 10 x 64": lambda: plot_jacobian(np.cos(np.arange(640.0)).reshape(10, 64)),
    "jacobian 1 x 12": lambda: plot_jacobian(np.ones((1, 12))),
    "jacobian of zeros": lambda: plot_jacobian(np.zeros((2, 3))),
    "jacobians": lambda: plot_jacobians({"sum": np.ones((1, 3)), "fork": np.vstack([np.eye(3)] * 2)}, "Patterns"),
    "grid": lambda: plot_map_on_grid(lambda x: np.array([x[0] * x[1], x[0]]), [[3, 2], [1, 0]], [2.0, 3.0]),
    "paths": lambda: plot_paths(EDGES, paths(EDGES, "x2", "y1")),
    "graph with a long link": lambda: plot_paths({("x", "u"): 2, ("u", "v"): 3, ("v", "loss"): 1, ("x", "loss"): 4}),
    "network": lambda: plot_network(NET, A, DELTA, direction="backward"),
    "sizes": lambda: plot_network([64, 32, 10]),
    "smallest network": lambda: plot_network([1, 1]),
    "passes": lambda: plot_passes(NET, Z, A, DELTA, loss=0.25),
    "bracketings": lambda: plot_bracketings([(1, 9), (9, 8), (8, 7), (7, 2)], names=["J4", "J3", "J2", "J1"]),
    "errors": lambda: plot_error_against_step([1e-6, 1e-4, 1e-2], {"central": [1e-7, 1e-8, 1e-4], "exact": [0, 0, 0]}),
    "norms": lambda: plot_gradient_norms({"sigmoid": [None, 1e-5, 1e-2, 1.0], "dead": [0, 0.1, 0.2]}),
    "history": lambda: plot_history(HISTORY),
    "regions": lambda: plot_decision_regions(lambda x: x[:1] + x[1:] - 0.2, XOR),
}


def texts(ax: Axes, gid: str | None = None) -> list[str]:
    return [text.get_text() for text in ax.texts if gid is None or text.get_gid() == gid]


def value(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-"))


def first(axes: Axes | np.ndarray) -> Axes:
    return np.ravel(np.array(axes, dtype=object))[0]


# --- every figure


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_is_axes_that_say_themselves_in_a_sentence(draw):
    axes = draw()
    assert all(isinstance(ax, Axes) for ax in np.ravel(np.array(axes, dtype=object)))
    sentence = describe(axes)
    assert re.fullmatch(r"\S.{20,}\.", sentence)
    assert "  " not in sentence
    assert sentence.isascii()


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_has_the_same_bytes_again_whatever_the_settings_of_the_user_which_stay_as_they_are(draw):
    plain = png(draw())
    with mpl.rc_context({"font.size": 31.0, "axes.facecolor": "pink", "lines.linewidth": 9, "mathtext.fontset": "cm"}):
        before = mpl.rcParams.copy()
        again = png(draw())
        assert mpl.rcParams.copy() == before
    assert again == plain


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_nothing_written_is_clipped_or_tiny_and_no_figure_is_wider_than_a_page(draw):
    figure = first(draw()).figure
    figure.draw_without_rendering()
    assert figure.get_figwidth() <= 10
    inside = figure.bbox.padded(1)
    for text in drawn_texts(figure):
        box = text.get_window_extent()
        assert inside.x0 <= box.x0 <= box.x1 <= inside.x1, text
        assert inside.y0 <= box.y0 <= box.y1 <= inside.y1, text
        assert text.get_fontsize() >= 8, text


def drawn_texts(figure: Figure) -> list[mpl.text.Text]:
    """All texts of a figure but the labels of ticks that lie outside their axis or belong to axes which are off."""
    axes = figure.findobj(Axes)
    ticks = [
        (ax, axis, tick) for ax in axes for axis in (ax.xaxis, ax.yaxis) for tick in axis.majorTicks + axis.minorTicks
    ]
    labels = {label for _, _, tick in ticks for label in (tick.label1, tick.label2)}
    shown = [text for text in figure.findobj(mpl.text.Text) if text not in labels]
    for ax, axis, tick in ticks:
        low, high = sorted(axis.get_view_interval())
        if ax.axison and low <= tick.get_loc() <= high:
            shown += [tick.label1, tick.label2]
    return [text for text in shown if text.get_visible() and text.get_text().strip()]


def test_a_png_carries_neither_date_nor_program():
    chunks = png(plot_matrix([[1]]))
    assert chunks.startswith(b"\x89PNG")
    assert not re.search(rb"tEXt|tIME|iTXt|Software|matplotlib", chunks)


# --- the style


@pytest.mark.parametrize("colour", [*COLOURS, GREY, INK])
def test_a_colour_of_lines_or_type_has_a_contrast_of_at_least_4_5_on_white(colour):
    assert contrast(colour, WHITE) >= 4.5


def test_a_contrast_that_is_too_low_is_seen():
    assert contrast("#f0e442", WHITE) < 1.5
    assert contrast("#e69f00", WHITE) < 3


@pytest.mark.parametrize("share", np.linspace(-1, 1, 41))
def test_a_number_can_be_read_on_the_colour_of_its_cell(share):
    ax = plot_matrix([[share, 1.0, -1.0]]) if share else plot_matrix([[1.0, -1.0]])
    for text in ax.texts:
        j = round(text.get_position()[0])
        cell = ax.images[0].get_array()[0, j]
        assert contrast(text.get_color(), SIGNED(0.5 + cell / 2)) >= 4.0


def simulated(colour: str, matrix: list[list[float]]) -> np.ndarray:
    """CIELAB of a colour as it is seen by one of the three dichromats (Machado et al. 2009)."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    linear = np.clip(np.array(matrix) @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ linear / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


DICHROMATS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


@pytest.mark.parametrize("vision", DICHROMATS)
def test_two_colours_stay_apart_for_the_colour_blind(vision):
    seen = [simulated(colour, DICHROMATS[vision]) for colour in COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 10
    assert np.linalg.norm(seen[0] - seen[1]) > 60  # blue and orange carry the sign


@given(st.floats(-1e12, 1e12, allow_nan=False))
def test_a_number_is_written_to_three_digits(x):
    assert float(number(x)) == pytest.approx(x, rel=5.1e-3, abs=1e-300)
    assert not number(x).startswith("-0") or "." in number(x) or "e" in number(x)


@pytest.mark.parametrize(
    "name, set_as",
    [("x_1", "$x_{1}$"), ("x1", "$x_{1}$"), ("x₁₂", "$x_{12}$"), ("delta^2_1", r"$\delta^{2}_{1}$"), ("y", "$y$")],
)
def test_a_symbol_is_set_with_its_indices(name, set_as):
    assert symbol(name) == set_as


@pytest.mark.parametrize("word", ["loss", "W a + b", "two words", "x1y2", ""])
def test_a_word_stays_as_it_is(word):
    assert symbol(word) == word


# --- showing


def test_a_bundle_holds_one_image_with_its_alternative_text():
    ax = plot_matrix([[2, 0], [1, 3]], 'a < "b"')
    data = bundle(ax)
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert data["text/plain"] == describe(ax)
    tag = re.fullmatch(
        r'<img alt="([^"]*)" width="(\d+)" style="[^"]*" src="data:image/png;base64,([^"]*)">', data["text/html"]
    )
    assert tag[1].startswith("a &lt; &quot;b&quot;: ")
    assert tag[3] == data["image/png"]
    pixels = int.from_bytes(base64.b64decode(tag[3])[16:20], "big")
    assert pixels == pytest.approx(2 * int(tag[2]), abs=2)  # twice as many as the page asks for: crisp
    assert "max-width: 100%" in data["text/html"]


def test_the_alternative_text_can_be_given():
    assert bundle(plot_matrix([[1]]), alt="one")["text/plain"] == "one"


def test_the_text_is_printed_where_there_is_no_notebook(capsys):
    assert show(plot_matrix([[1, 2]], "W")) is None
    assert capsys.readouterr().out == "W: matrix of 1 row and 2 columns; row: (1, 2).\n"


def test_axes_drawn_by_hand_are_described_by_their_labels():
    ax = Figure().add_subplot()
    ax.set(title="Speed", xlabel="time / s", ylabel="speed / (m/s)")
    assert describe(ax) == "Speed: speed / (m/s) against time / s."


def test_what_is_not_axes_is_refused():
    for wrong in (np.eye(2), [[1], [2]], "figure", Figure()):
        with pytest.raises(TypeError, match="ax must be an Axes of matplotlib or an array of them, got"):
            show(wrong)
        with pytest.raises(TypeError, match="ax must be an Axes"):
            describe(wrong)


def test_a_notebook_shows_each_figure_once_even_one_of_pyplot():
    cells = [
        "from course_lib.plots import plot_jacobian, show\nshow(plot_jacobian([[2, 0], [1, 3]]))",
        "import matplotlib.pyplot as plt\nfigure, ax = plt.subplots()\nax.set_title('mine')\nshow(ax, alt='alt text')",
        "axes = plot_jacobian([[2, 0], [1, 3]])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(ROOT)}}).execute()
    ours, theirs, silent = (cell.outputs for cell in notebook.cells)
    assert [set(output.data) for output in ours] == [{"text/html", "image/png", "text/plain"}]
    assert [output.data["text/plain"] for output in theirs] == ["alt text"]
    assert silent == []
    assert (
        ours[0].data["image/png"] == bundle(plot_jacobian([[2, 0], [1, 3]]))["image/png"]
    )  # the same in every process


def test_importing_the_plots_loads_no_pyplot_and_changes_no_setting():
    program = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy(); import course_lib.plots; "
        "assert matplotlib.rcParams.copy() == before; assert 'matplotlib.pyplot' not in sys.modules; "
        "course_lib.plots.png(course_lib.plots.plot_matrix([[1]])); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


# --- matrices


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (3, 5), (10, 10)])
def test_the_numbers_in_the_cells_are_those_of_the_matrix(shape):
    rng = np.random.default_rng(shape[0])
    J = rng.normal(size=shape) * (rng.random(shape) < 0.7)
    _, ax = plot_jacobian(J)
    found = np.zeros(shape)
    for text in ax.texts:
        j, i = (round(place) for place in text.get_position())
        assert found[i, j] == 0
        found[i, j] = value(text.get_text())
    np.testing.assert_allclose(found, J, rtol=0.06)
    np.testing.assert_array_equal(found == 0, J == 0)


def test_zeros_are_blank_white_and_without_link():
    links, ax = plot_jacobian([[2, 0, -1], [0, 1, 0]])
    assert len(ax.texts) == 3
    pixels = ax.images[0].to_rgba(ax.images[0].get_array())
    np.testing.assert_array_equal((pixels == 1).all(axis=-1), [[False, True, False], [True, False, True]])
    assert sum(len(collection.get_segments()) for collection in links.collections) == 3


def test_what_rounding_leaves_of_a_zero_is_blank_but_a_small_number_is_not():
    assert texts(plot_matrix([[1.0, 1e-16], [1e-5, 0]])) == ["1", "1e−5"]


def test_a_link_leads_from_its_input_to_its_output_and_a_negative_one_is_dashed_too():
    links, _ = plot_jacobian([[0.0, 3.0], [0, 0], [-6.0, 0]])
    positive, negative = (collection for collection in links.collections)
    (((x0, y0), (x1, y1)),) = positive.get_segments()
    assert x0 < x1
    assert y0 < 0 < y1  # from x_2 below to y_1 above
    (((_, y0), (_, y1)),) = negative.get_segments()
    assert y0 > 0 > y1  # from x_1 above to y_3 below
    assert positive.get_linestyle() != negative.get_linestyle()
    assert positive.get_linewidth()[0] < negative.get_linewidth()[0]


def test_the_rows_of_the_matrix_stand_at_the_height_of_their_outputs():
    links, ax = plot_jacobian(J35)
    links.figure.draw_without_rendering()
    _, targets = (line for line in links.lines if len(line.get_xdata()) > 0)
    heights = links.transData.transform(np.column_stack(targets.get_data()))[:, 1]
    rows = ax.transData.transform([(0, i) for i in range(3)])[:, 1]
    np.testing.assert_allclose(heights, rows, atol=1)


def test_names_stand_at_rows_and_columns():
    links, ax = plot_jacobian([[1, 2, 3]], inputs=["a1", "b", "loss"], outputs=["y₁"])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["$a_{1}$", "$b$", "loss"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["$y_{1}$"]
    assert texts(links) == ["$a_{1}$", "$b$", "loss"]


def test_a_large_matrix_has_a_scale_instead_of_numbers():
    links, ax = plot_jacobian(np.ones((10, 64)))
    assert len(ax.texts) == 0
    assert len(ax.child_axes) == 1
    assert "largest entry is 1, in row 1 and column 1" in describe([links, ax])


def test_a_jacobian_is_told_with_its_numbers():
    assert describe(plot_jacobian([[2, 0, -1], [0.5, 1, 0]], title="J")) == (
        "J: links from inputs to outputs beside the Jacobian of 2 outputs (y_1, y_2) and 3 inputs (x_1, x_2, x_3); "
        "rows: (2, 0, -1), (0.5, 1, 0); 2 of 6 entries are zero and left blank."
    )


def test_a_gallery_holds_links_and_matrix_of_each():
    patterns = {"diagonal": np.diag([1.0, 2, 3]), "sum": np.ones((1, 3)), "fork": np.vstack([np.eye(3)] * 2)}
    axes = plot_jacobians(patterns, "Three maps")
    assert axes.shape == (3, 2)
    for (links, ax), J in zip(axes, patterns.values(), strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), J)
        assert sum(len(collection.get_segments()) for collection in links.collections) == np.count_nonzero(J)
    assert describe(axes).startswith("Three maps. diagonal: Jacobian of 3 outputs and 3 inputs; rows: (1, 0, 0), ")


def test_a_gallery_too_wide_for_a_page_goes_on_in_the_next_line():
    axes = plot_jacobians({f"map {k}": np.ones((2, 4)) for k in range(7)})
    heights = {round(links.get_position().y0, 3) for links, _ in axes}
    assert len(heights) > 1
    assert axes[0, 0].figure.get_figwidth() < 9.5


def test_a_matrix_can_be_drawn_into_axes_of_ones_own():
    figure = Figure(figsize=(6, 3))
    left, right = figure.subplots(1, 2)
    assert plot_matrix([[1, 2]], ax=right) is right
    assert len(left.images) == 0


@pytest.mark.parametrize(
    "bad, says",
    [
        ([1, 2, 3], r"J must be a matrix of shape \(m, n\), got shape \(3,\); try J.reshape"),
        (np.zeros((0, 2)), r"J must have at least one row and one column, got shape \(0, 2\)"),
        ([[1, np.nan]], r"J must be finite, got J\[0, 1\] = nan"),
        ([[np.inf, 2]], r"J\[0, 0\] = inf"),
    ],
)
def test_what_is_no_finite_matrix_is_refused(bad, says):
    with pytest.raises(ValueError, match=says):
        plot_jacobian(bad)


def test_a_missing_name_is_refused():
    with pytest.raises(ValueError, match="inputs must have one name for each, 2 in all; got 1"):
        plot_jacobian([[1, 2]], inputs=["x"])


def test_an_empty_gallery_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        plot_jacobians({})


def bent(x):
    return np.array([x[0] * x[1], np.sin(x[0])])


def test_a_linear_map_and_its_jacobian_carry_the_grid_to_the_same_place():
    B = np.array([[1.0, 2], [-1, 0.5]])
    axes = plot_map_on_grid(lambda x: B @ x, B, [0.3, 0.7])
    curved, straight = axes[1].collections
    np.testing.assert_allclose(curved.get_segments(), straight.get_segments(), atol=1e-12)


def test_the_gap_of_a_bent_map_falls_fourfold_on_half_the_grid():
    x = np.array([1.0, 1.0])
    J = np.array([[x[1], x[0]], [np.cos(x[0]), 0]])
    axes = plot_map_on_grid(bent, J, x, radius=0.1)
    whole, half = (
        float(found) for found in re.search(r"at most ([\d.e-]+), and by at most ([\d.e-]+) ", describe(axes)).groups()
    )
    assert whole / half == pytest.approx(4, rel=0.05)
    wrong = plot_map_on_grid(bent, J.T, x, radius=0.1)
    whole, half = (
        float(found) for found in re.search(r"at most ([\d.e-]+), and by at most ([\d.e-]+) ", describe(wrong)).groups()
    )
    assert whole / half < 2.5


@pytest.mark.parametrize(
    "f, J, x, named",
    [
        (bent, [[1, 2, 3], [1, 2, 3]], [1.0, 2.0], {}),
        (bent, np.eye(2), [1.0, 2.0, 3.0], {}),
        (lambda x: x.sum(), np.eye(2), [1.0, 2.0], {}),
        (lambda x: np.log(x), np.eye(2), [0.0, 2.0], {}),
        (bent, np.eye(2), [1.0, 2.0], {"radius": 0}),
        (bent, np.eye(2), [1.0, 2.0], {"lines": 1}),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_a_map_that_does_not_fit_a_grid_is_refused(f, J, x, named):
    with pytest.raises(ValueError, match=r"must be .* got .*; (try|look)"):
        plot_map_on_grid(f, J, x, **named)


# --- graphs


def test_the_products_along_the_paths_add_up_to_the_derivative():
    ax = plot_paths(EDGES, paths(EDGES, "x2", "y1"))
    assert texts(ax, "product") == ["2 · 4 = 8", "(−3) · 0.5 = −1.5", "8 − 1.5 = 6.5"]
    assert sum_over_paths(EDGES, "x2", "y1") == 6.5
    assert sorted(map(value, texts(ax, "slope"))) == sorted(EDGES.values())
    assert "path x2 > h2 > y1: (-3) times 0.5 = -1.5; together 8 - 1.5 = 6.5." in describe(ax)


def test_paths_between_different_ends_are_not_added():
    ax = plot_paths(EDGES, [("x1", "h1", "y1"), ("x2", "h1", "y1")])
    assert texts(ax, "product") == ["1 · 4 = 4", "2 · 4 = 8"]


def circles(ax: Axes) -> dict[str, tuple[float, float]]:
    centres = [patch.center for patch in ax.patches if isinstance(patch, mpl.patches.Circle)]
    return {text.get_text(): text.get_position() for text in ax.texts if text.get_position() in centres}


def test_every_link_leads_to_the_right():
    edges = {("u", "v"): 1, ("x", "u"): 1, ("v", "y"): 1, ("x", "y"): 1, ("w", "y"): 1}
    places = circles(plot_paths(edges))
    assert set(places) == {"$x$", "$u$", "$v$", "$w$", "$y$"}
    for a, b in edges:
        assert places[f"${a}$"][0] < places[f"${b}$"][0]


def test_a_link_that_skips_a_layer_keeps_clear_of_the_nodes_between():
    ax = plot_paths({("x", "u"): 1, ("u", "v"): 1, ("v", "y"): 1, ("x", "y"): 1})
    places = circles(ax)
    long = max(
        (patch.get_path().vertices for patch in ax.patches if isinstance(patch, mpl.patches.FancyArrowPatch)), key=len
    )
    for name in ("$u$", "$v$"):
        assert np.hypot(*(long - places[name]).T).min() > 0.3


@pytest.mark.parametrize(
    "edges, highlight, says",
    [
        ({}, [], "at least one link"),
        ({("a", "b"): 1, ("b", "a"): 2}, [], "no cycle"),
        ({("a", "a"): 1}, [], "no cycle"),
        ({("a", "b"): np.nan}, [], "must be finite"),
        (EDGES, [("x1", "y1")], r"a path must follow the edges, got the link \('x1', 'y1'\)"),
    ],
)
def test_what_is_no_graph_of_slopes_or_no_path_of_it_is_refused(edges, highlight, says):
    with pytest.raises(ValueError, match=says):
        plot_paths(edges, highlight)


def test_a_network_shows_values_and_error_terms_of_the_example():
    ax = plot_network(NET, A, DELTA, example=1)
    shown = [value(text) for text in texts(ax, "value")]
    np.testing.assert_allclose(shown, np.concatenate([a[:, 1] for a in A]), rtol=6e-3)
    errors = [value(text.split()[-1]) for text in texts(ax, "error")]
    np.testing.assert_allclose(errors, np.concatenate([d[:, 1] for d in DELTA[1:]]), rtol=6e-3)


def test_a_network_shows_its_weights_at_links_by_sign():
    ax = plot_network([np.array([[1.5, -2.5], [0.0, 3.0], [4.0, 5.0]])])
    assert sorted(map(value, texts(ax, "slope"))) == [-2.5, 1.5, 3, 4, 5]  # the zero has no link
    arrows = [patch for patch in ax.patches if isinstance(patch, mpl.patches.FancyArrowPatch)]
    assert len(arrows) == 5
    dashed = [patch for patch in arrows if patch.get_linestyle() != "-"]
    assert len(dashed) == 1


def tiles(ax):
    """(columns, rows) and (width, height) of each matrix in tiles, in the units of the picture."""
    meshes = [c for c in ax.collections if isinstance(c, mpl.collections.QuadMesh)]
    corners = [np.asarray(mesh.get_coordinates()) for mesh in meshes]
    return [((c.shape[1] - 1, c.shape[0] - 1), np.ptp(c.reshape(-1, 2), axis=0)) for c in corners]


@pytest.mark.parametrize("sizes", [(2, 3, 2), (64, 32, 10), (1, 9, 1)])
def test_matrices_are_drawn_in_tiles_of_one_size(sizes):
    drawn = tiles(plot_network(sizes))
    assert [shape for shape, _ in drawn] == [(n, m) for n, m in zip(sizes, sizes[1:], strict=False)]
    sides = np.concatenate([box / shape for shape, box in drawn])
    np.testing.assert_allclose(sides, sides[0])


def test_tiles_hold_the_weights_row_by_row():
    W = [np.array([[1.5, -2.5], [0.5, 3.0], [4.0, 5.0]]), np.array([[1.0, -2.0, 0.25]])]
    shown = [value(text) for text in texts(plot_network(W), "tile")]
    np.testing.assert_allclose(shown, np.concatenate([w.ravel() for w in W]), rtol=0.05)


def test_a_large_layer_is_drawn_with_its_first_and_last_neurons():
    ax = plot_network([64, 3], most=5)
    assert "$x_{1}$" in texts(ax)
    assert "$x_{64}$" in texts(ax)
    assert "$x_{5}$" not in texts(ax)
    assert "⋮" in texts(ax)
    assert "64" in texts(ax)


@pytest.mark.parametrize("net", [NET, NET.W, list(NET.W[1:]), [2, 3, 2], (2, 3, 2)])
def test_a_network_is_given_whole_or_by_weights_or_by_sizes(net):
    assert describe(plot_network(net)).startswith(
        "Network 2-3-2: 3 columns of neurons, 2 inputs, 3 in layer 1, 2 in layer 2"
    )


def test_arrows_of_the_backward_direction_point_to_the_inputs():
    for direction, sign in (("forward", 1), ("backward", -1)):
        ax = plot_network([1, 1], direction=direction)
        (arrow,) = (patch for patch in ax.patches if isinstance(patch, mpl.patches.FancyArrowPatch))
        x = arrow.get_path().vertices[:, 0]
        assert np.sign(x.max() - x[0]) == (sign > 0)


def test_the_two_passes_hold_every_number_to_four_digits():
    forward, backward = plot_passes(NET, Z, A, DELTA, loss=0.123456, example=1)
    expected = np.concatenate([a[:, 1] for a in A] + [z[:, 1] for z in Z[1:]])
    np.testing.assert_allclose(sorted(value(t) for t in texts(forward, "value")), sorted(expected), rtol=6e-4)
    expected = np.concatenate([d[:, 1] for d in DELTA[1:]])
    np.testing.assert_allclose(sorted(value(t) for t in texts(backward, "value")), sorted(expected), rtol=6e-4)
    assert "loss = 0.1235" in texts(forward)
    assert "loss = 0.1235. Backward: delta^2 = (" in describe([forward, backward])


def test_the_backward_pass_runs_over_the_same_weights_but_not_to_the_inputs():
    forward, backward = plot_passes(NET, Z, A, DELTA)
    weights = np.concatenate([NET.W[1].ravel(), NET.W[2].ravel()])
    np.testing.assert_allclose(sorted(map(value, texts(forward, "slope"))), sorted(weights), rtol=6e-3)
    np.testing.assert_allclose(sorted(map(value, texts(backward, "slope"))), sorted(NET.W[2].ravel()), rtol=6e-3)


@pytest.mark.parametrize(
    "draw, says",
    [
        (lambda: plot_network([3]), "at least two positive widths"),
        (lambda: plot_network([]), "got nothing"),
        (lambda: plot_network([np.ones((3, 2)), np.ones((2, 2))]), r"W\[2\] must have 3 columns, got shape \(2, 2\)"),
        (lambda: plot_network(NET, A[:2]), "values must have an entry for each of the 3 layers, got 2"),
        (
            lambda: plot_network(NET, [A[0], A[1].T, A[2]]),
            r"values\[1\] must be of shape \(3,\) or \(3, N\), got \(2, 3\)",
        ),
        (lambda: plot_network(NET, A, example=2), "example must be below N = 2, got 2"),
        (lambda: plot_network(NET, direction="up"), "direction must be"),
        (lambda: plot_network(NET, most=2), "most must be at least 3"),
        (lambda: plot_passes(NET, Z, A, [None, None, DELTA[2]]), r"delta\[1\] must be the numbers of layer 1"),
    ],
)
def test_numbers_that_do_not_fit_the_network_are_refused(draw, says):
    with pytest.raises(ValueError, match=says):
        draw()


# --- charts


def test_the_bars_are_the_counts_of_all_bracketings():
    shapes = [(1, 50), (50, 40), (40, 30), (30, 5)]
    ax = plot_bracketings(shapes)
    assert [bar.get_width() for bar in ax.patches] == [work for _, work in bracketings(shapes)]
    assert "from the left" in texts(ax)
    assert "from the right" in texts(ax)


@pytest.mark.parametrize(
    "shapes", [[(1, 9), *[(9, 9)] * 6], [*[(9, 9)] * 6, (9, 1)], [(3, 7), (7, 2), (2, 8), (8, 4), (4, 6), (6, 5)]]
)
def test_of_a_long_product_the_cheapest_way_and_both_sides_are_drawn(shapes):
    ax = plot_bracketings(shapes)
    left, right = 0, len(shapes) - 1
    for k in range(1, len(shapes)):
        left, right = (left, k), (len(shapes) - 1 - k, right)
    by_side = {
        text.get_text(): ax.patches[round(text.xy[1])].get_width() for text in ax.texts if "from" in text.get_text()
    }
    assert by_side == {"from the left": multiplications(shapes, left), "from the right": multiplications(shapes, right)}
    assert ax.patches[0].get_width() == min(bar.get_width() for bar in ax.patches)


def test_matrices_that_do_not_fit_or_have_no_name_are_refused():
    with pytest.raises(ValueError, match="as many columns"):
        plot_bracketings([(1, 9), (8, 9)])
    with pytest.raises(ValueError, match="names must have one for each of the 2 matrices"):
        plot_bracketings([(1, 9), (9, 9)], names=["J"])


def test_error_curves_hold_the_errors_by_rising_step_and_mark_the_least():
    ax = plot_error_against_step([1e-2, 1e-6, 1e-4], {"central": [1e-4, 1e-7, 1e-8]})
    np.testing.assert_array_equal(ax.lines[0].get_data(), [[1e-6, 1e-4, 1e-2], [1e-7, 1e-8, 1e-4]])
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.lines[-1].get_data()[0] == 1e-4
    assert "least 1e-8 at 0.0001" in describe(ax)


def test_an_error_of_exactly_zero_keeps_a_place_below_all_others():
    ax = plot_error_against_step([1e-4, 1e-2], {"complex step": [0, 1e-5]})
    assert 0 < ax.lines[0].get_ydata()[0] < 1e-5
    assert "0" in texts(ax)
    assert "exactly 0 at 1 step" in describe(ax)


@pytest.mark.parametrize("norms", [[0.21, 0.83], [2.0, 2.0, 2.0], [1.0], [0.09, 1.1], [1e-30, 1.0], [0.0, 0.5]])
def test_a_log_axis_has_at_least_two_marks_with_a_number(norms):
    ax = plot_gradient_norms({"a": norms})
    ax.figure.draw_without_rendering()
    low, high = ax.get_ylim()
    marks = [label for label in ax.get_yticklabels() if low <= label.get_position()[1] <= high and label.get_text()]
    assert len(marks) + ("0" in texts(ax)) >= 2


def test_curves_differ_by_more_than_their_colour():
    ax = plot_gradient_norms({name: [k + 1.0, 1.0] for k, name in enumerate("abcde")})
    lines = [line for line in ax.lines if line.get_label() in set("abcde")]
    assert len({line.get_marker() for line in lines}) == 5
    assert len({str(line._dash_pattern) for line in lines}) == 5


@pytest.mark.parametrize(
    "draw, says",
    [
        (lambda: plot_error_against_step([1e-2, 0], {"a": [1, 1]}), "h must be positive"),
        (lambda: plot_error_against_step([1e-2], {"a": [1, 1]}), r"must be of shape \(1,\), one per step, got \(2,\)"),
        (lambda: plot_error_against_step([1e-2], {"a": [-1]}), "at least 0, got -1"),
        (lambda: plot_error_against_step([1e-2], {}), "errors must be a dict of curves by name"),
        (lambda: plot_gradient_norms([1, 2]), "norms must be a dict of curves by name"),
        (lambda: plot_gradient_norms({"a": [1, -2]}), "at least 0, got -2"),
        (lambda: plot_gradient_norms({"a": [1, np.nan]}), "finite"),
        (lambda: plot_history(SimpleNamespace(loss=[])), "at least one epoch"),
    ],
)
def test_curves_out_of_range_are_refused(draw, says):
    with pytest.raises(ValueError, match=says):
        draw()


def test_a_history_has_a_panel_for_each_thing_that_was_kept():
    axes = plot_history(HISTORY)
    assert [ax.get_title(loc="left") for ax in axes] == ["loss", "accuracy", "length of the gradient"]
    assert list(axes[0].lines[0].get_ydata()) == HISTORY.loss
    assert list(axes[1].lines[0].get_ydata()) == HISTORY.accuracy
    assert len(plot_history(SimpleNamespace(loss=[0.5]))) == 1
    assert "lengths of the gradient at the end, layer by layer: 1, 2." in describe(axes)


def test_a_history_of_two_sets_has_two_curves_with_their_names():
    axes = plot_history(SimpleNamespace(loss=[2.0, 0.01], accuracy={"train": [0.1, 1.0], "test": [0.1, 0.9]}))
    assert [line.get_label() for line in axes[1].lines] == ["train", "test"]
    assert axes[0].get_yscale() == "log"  # two hundredfold
    assert "train accuracy from 10 % to 100 %" in describe(axes)


def test_regions_are_the_answers_of_the_network():
    ax = plot_decision_regions(lambda x: x[:1], (XOR[0], XOR[0][:1]))
    image = ax.images[0]
    left, right, _, _ = image.get_extent()
    x = np.linspace(left, right, image.get_array().shape[1])
    np.testing.assert_array_equal(image.get_array()[0], x > 0.5)
    assert describe(ax).endswith("4 of them are on the right side.")


def test_wrong_answers_are_counted_and_shown():
    ax = plot_decision_regions(lambda x: x[:1] + x[1:] - 0.2, XOR)
    assert describe(ax).endswith("3 of them are on the right side, 1 is not.")
    rims = [tuple(c.get_edgecolor()[0]) for c in ax.collections if len(c.get_offsets()) == 1 and len(c.get_edgecolor())]
    assert mpl.colors.to_rgba(INK) in rims


def test_of_several_outputs_the_largest_is_the_class():
    x = np.array([[0.0, 1, 2], [1, 0, 2]])
    ax = plot_decision_regions(lambda x: np.stack([x[1], x[0], x[0] + x[1] - 2]), SimpleNamespace(x=x, y=np.eye(3)))
    assert describe(ax).endswith("3 examples of 3 classes in the plane; 2 of them are on the right side, 1 is not.")


@pytest.mark.parametrize(
    "net, data, says",
    [
        (lambda x: x[:1], (np.ones((3, 4)), np.ones((1, 4))), r"x must be of shape \(2, N\)"),
        (lambda x: x[:1], (np.ones((2, 4)), np.ones((1, 3))), "y must have a column for each of the 4 points"),
        (lambda x: x, XOR, r"net\(x\) must be of shape \(1, N\) as y is, got \(2, 4\)"),
        (lambda x: np.tile(x, (3, 1)), (np.ones((2, 6)), np.eye(6)), "at most 5 classes"),
    ],
)
def test_what_is_not_in_the_plane_is_refused(net, data, says):
    with pytest.raises(ValueError, match=says):
        plot_decision_regions(net, data)


def test_type_in_a_figure_is_at_least_as_large_as_that_of_a_caption():
    assert SMALL * 96 / 72 >= 12  # pixels of a page
