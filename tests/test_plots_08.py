"""The picture of a computation: what stands in the boxes is what the engine computed, and nothing lies on anything."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from course_lib.autodiff import Value
from course_lib.plots import describe, plot_computation, png

MINUS = "\N{MINUS SIGN}"


def circuit():
    x, y, z = Value(-2.0, name="x"), Value(5.0, name="y"), Value(-4.0, name="z")
    q = x + y
    f = q * z
    q.name, f.name = "q", "f"
    f.backward()
    f.forward({x: 1.0, z: 3.0})
    return f


def network():
    rng = np.random.default_rng(8)
    W1, b1 = Value(rng.normal(size=(3, 2)), name="W1"), Value(rng.normal(size=(3, 1)), name="b1")
    W2, b2 = Value(rng.normal(size=(2, 3)), name="W2"), Value(rng.normal(size=(2, 1)), name="b2")
    z1 = W1 @ [[1.0], [0.5]] + b1
    z2 = W2 @ z1.sigmoid() + b2
    loss = 0.5 * (z2.sigmoid() - [[1.0], [0.0]]).square().sum()
    z1.name, z2.name, loss.name = "z1", "z2", "loss"
    loss.backward()
    return loss


def forks():
    x = Value(3.0, name="x")
    a = x * x
    b = a + a
    return (b * a + 2 - x) / 4


def scalars():
    a = [Value(0.5, name="x1"), Value(-0.7, name="x2")]
    for k in range(2):
        w = [[Value(0.3 * i - 0.2 * j + 0.1, name=f"w{k}{i}{j}") for j in range(2)] for i in range(2)]
        a = [(row[0] * a[0] + row[1] * a[1]).tanh() for row in w]
    loss = (a[0] - 1) ** 2 + (a[1] - 0.5) ** 2
    loss.backward()
    return loss


def entries():
    beta, omega = Value([1.0, 2.0, -3.0], name="beta"), Value([0.1, -0.4, 2.0], name="omega")
    h = (beta[0] + omega[0] * 2.3).sin()
    loss = (beta[2] + omega[2] * (beta[1] + omega[1] * h).exp()) ** 2
    loss.backward()
    return loss


FIGURES = {
    "entries": entries,
    "circuit": circuit,
    "network": network,
    "forks": forks,
    "scalars": scalars,
    "leaf": lambda: Value(2.0),
}


def written(ax, what):
    return [text.get_text() for text in ax.texts if text.get_gid() == what]


def boxes(ax):
    """Corners (x0, y0, x1, y1) of the boxes, in inches."""
    patches = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    return [(p.get_x(), p.get_y(), p.get_x() + p.get_width(), p.get_y() + p.get_height()) for p in patches]


def overlapping(rectangles):
    return [
        (one, two)
        for one, two in combinations(rectangles, 2)
        if one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]
    ]


def extents(ax):
    ax.figure.draw_without_rendering()
    found = [text.get_window_extent().extents for text in ax.texts if text.get_text()]
    return [tuple(extent / ax.figure.dpi) for extent in found]


def test_a_circuit_shows_the_values_tangents_and_adjoints_of_its_nodes():
    ax = plot_computation(circuit())
    assert written(ax, "value") == [f"{MINUS}2", "5", "3", f"{MINUS}4", f"{MINUS}12"]
    assert written(ax, "tangent") == ["1", "0", "1", "3", "5"]
    assert written(ax, "adjoint") == [f"{MINUS}4", f"{MINUS}4", f"{MINUS}4", "3", "1"]
    assert written(ax, "operation") == ["", "", "+", "", "\N{MULTIPLICATION SIGN}"]


def test_what_has_not_been_computed_is_not_shown():
    x = Value(2.0, name="x")
    ax = plot_computation(x.exp())
    assert written(ax, "tangent") == written(ax, "adjoint") == []
    assert "adjoint" not in describe(ax)
    assert "tangent" not in describe(ax)


def test_the_sentence_has_every_node_and_its_numbers():
    assert describe(plot_computation(circuit())) == (
        "Values and tangents go up, adjoints come down: 5 nodes, 2 of them operations. x: value -2, tangent 1, "
        "adjoint -4; y: value 5, tangent 0, adjoint -4; q = + of x and y: value 3, tangent 1, adjoint -4; z: value -4, "
        "tangent 3, adjoint 3; f = * of q and z: value -12, tangent 5, adjoint 1."
    )


@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES)
def test_no_box_and_no_text_lies_on_another_and_nothing_is_cut_off(make):
    ax = plot_computation(make())
    width, height = ax.figure.get_size_inches()
    assert boxes(ax)
    assert overlapping(boxes(ax)) == []
    assert overlapping(extents(ax)) == []
    for x0, y0, x1, y1 in boxes(ax) + extents(ax):
        assert 0 < x0 < x1 < width
        assert 0 < y0 < y1 < height


def test_boxes_that_lie_on_each_other_are_found():
    assert overlapping([(0, 0, 1, 1), (0.5, 0.5, 2, 2), (3, 0, 4, 1)]) == [((0, 0, 1, 1), (0.5, 0.5, 2, 2))]


def links_through_boxes(ax):
    """Boxes with a point of a link inside."""
    found = []
    for arrow in (patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)):
        x, y = arrow._path_original.to_polygons(closed_only=False)[0].T
        for x0, y0, x1, y1 in boxes(ax):
            if ((x0 + 1e-6 < x) & (x < x1 - 1e-6) & (y0 + 1e-6 < y) & (y < y1 - 1e-6)).any():
                found.append((x0, y0, x1, y1))
    return found


@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES)
def test_no_link_runs_through_a_box(make):
    assert links_through_boxes(plot_computation(make())) == []


def test_a_link_that_runs_through_a_box_is_found():
    ax = plot_computation(circuit())
    box = next(patch for patch in ax.patches if isinstance(patch, FancyBboxPatch))
    box.set_bounds(0, 0, *ax.figure.get_size_inches())
    assert len(links_through_boxes(ax)) == 4


def test_every_use_of_a_value_is_an_arrow_of_its_own():
    ax = plot_computation(forks())
    assert sum(isinstance(patch, FancyArrowPatch) for patch in ax.patches) == 10


def test_a_number_stands_beside_the_sign_of_its_operation_on_its_side():
    x = Value(3.0, name="x")
    signs = {
        "+ 2": x + 2, f"{MINUS} 2": x - 2, f"2 {MINUS}": 2 - x, "/ 4": x / 4, "4 /": 4 / x, "**3": x**3,
    }  # fmt: skip
    for sign, value in signs.items():
        assert written(plot_computation(value), "operation") == ["", sign]


def test_small_arrays_show_their_entries_and_larger_ones_their_shape():
    x, W = Value([[1.0], [-0.5]], name="x"), Value(np.ones((3, 2)), name="W")
    ax = plot_computation((W @ x).sum())
    assert written(ax, "value") == ["3 × 2", f"(1, {MINUS}0.5)", "(0.5, 0.5, 0.5)", "1.5"]
    assert written(plot_computation(W @ x, most=6), "value")[0] == "(1, 1; 1, 1; 1, 1)"


def test_rounding_does_not_show():
    x = Value(0.1, name="x")
    assert written(plot_computation(x + 0.2 - 0.3), "value")[-1] == "0"


def test_a_network_fits_a_page_of_700_pixels():
    assert plot_computation(network()).figure.get_size_inches()[0] * 96 < 700


@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES)
def test_a_computation_has_the_same_bytes_again_and_a_sentence_in_ascii(make):
    first = png(plot_computation(make()))
    with mpl.rc_context({"font.size": 31.0, "axes.facecolor": "pink"}):
        assert png(plot_computation(make())) == first
    assert describe(plot_computation(make())).isascii()


def test_only_a_value_has_a_graph():
    with pytest.raises(TypeError, match=r"value must be a Value, got float; try Value\(2.0\) \* Value\(3.0\)"):
        plot_computation(2.0)
