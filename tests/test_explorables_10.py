"""The explorables of chapter 10: a deep network's error terms, and a training run that one can watch."""

import numpy as np
import pytest
import traitlets

from course_lib.backprop import Backpropagation
from course_lib.explorables import DepthExplorer
from course_lib.network import Network

# ------------------------------------------------------------------ depth explorer


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_the_error_term_is_carried_down_by_the_jacobians_and_stays_between_their_singular_values(activation, scale):
    explorer = DepthExplorer(8, activation, scale, seed=3)
    back = Backpropagation(explorer.net)
    back.gradient(explorer.x, explorer.y)
    way = np.eye(16)
    for l in range(8, 0, -1):
        if l < 8:
            way = way @ explorer.jacobians[l]
        np.testing.assert_allclose(way.T @ back.delta[8], back.delta[l], rtol=1e-9, atol=1e-30)
        share = explorer.delta_norms[l] / explorer.delta_norms[8]
        assert explorer.smallest[l] * (1 - 1e-9) <= share <= explorer.largest[l] * (1 + 1e-9)


def test_the_smallest_singular_value_is_right_far_below_what_rounding_leaves_of_the_product():
    explorer = DepthExplorer(30, "sigmoid")
    log_of_determinant = sum(np.linalg.slogdet(F)[1] for F in explorer.jacobians[1:])
    product = np.eye(16)
    for F in explorer.jacobians[:0:-1]:
        product = product @ F
    naive = np.linalg.svd(product, compute_uv=False)
    # all 16 multiply to the determinant: the smallest lies below their geometric mean, far below 1e-16 of the largest
    assert explorer.smallest[1] < np.exp(log_of_determinant / 16) < explorer.largest[1]
    assert explorer.smallest[1] < 1e-20 * explorer.largest[1] < naive[-1]
    shallow = DepthExplorer(3, "sigmoid")
    exact = np.linalg.svd(shallow.jacobians[2] @ shallow.jacobians[1], compute_uv=False)
    assert [shallow.largest[1], shallow.smallest[1]] == pytest.approx([exact[0], exact[-1]], rel=1e-9)


def test_a_neuron_that_is_off_makes_the_smallest_singular_value_zero_from_there_down():
    explorer = DepthExplorer(6, "relu")
    assert explorer.smallest[1:] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("scale, init", [(1.0, "xavier"), (np.sqrt(2), "he"), (4.0, "normal")])
def test_the_named_scales_are_those_of_the_initialisations(scale, init):
    mine = np.std(DepthExplorer(30, scale=scale).net.W[1:])
    theirs = np.std(Network([16] * 31, init=init).W[1:])
    assert mine == pytest.approx(theirs, rel=0.03)


def test_sigmoids_make_it_vanish_and_a_large_scale_of_relu_makes_it_explode():
    assert DepthExplorer(20, "sigmoid").factor < 0.25
    assert DepthExplorer(20, "relu", 4.0).factor > 2
    assert 0.75 < DepthExplorer(20, "tanh", 1.0).factor < 1.1
    assert DepthExplorer(20, "relu", np.sqrt(2)).factor > 1.3 * DepthExplorer(20, "relu", 1.0).factor


def test_one_seed_is_one_network_and_another_seed_another():
    assert DepthExplorer(5).delta_norms == DepthExplorer(5).delta_norms
    explorer = DepthExplorer(5)
    before = explorer.delta_norms
    explorer.seed = 1
    assert explorer.delta_norms != before
    explorer.seed = 0
    assert explorer.delta_norms == before


def test_more_layers_keep_the_weights_of_the_lower_ones():
    few, many = DepthExplorer(3).net, DepthExplorer(9).net
    np.testing.assert_array_equal(many.W[3], few.W[3])


@pytest.mark.parametrize(
    "change", [{"depth": 31}, {"depth": 1}, {"scale": 6.0}, {"scale": 0.0}, {"activation": "step"}]
)
def test_a_depth_a_scale_or_an_activation_that_the_page_does_not_have_is_refused(change):
    with pytest.raises((traitlets.TraitError, ValueError)):
        DepthExplorer(**change)
