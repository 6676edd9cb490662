"""The layout switch of chapter 00: both readings have shapes that multiply, and numbers that agree."""

import numpy as np
import pytest
from traitlets import TraitError

from course_lib.explorables import LayoutSwitch
from course_lib.explorables.layout_switch import FORMULAS, WIDTHS


def value(term, matrices):
    """The matrix of a term in the columns' reading, by name; the transpose of it where the term is turned."""
    shape = term.turn().shape if term.turned else term.shape
    if term.name not in matrices:
        rng = np.random.default_rng(len(matrices))
        matrices[term.name] = np.ones(shape) if term.name == "1" else rng.normal(size=shape)
    assert matrices[term.name].shape == shape, term.name
    return matrices[term.name].T if term.turned else matrices[term.name]


def right_side(formula, matrices):
    products = [[value(term, matrices) for term in product] for product in formula.right]
    first, *rest = [np.linalg.multi_dot(p) if len(p) > 1 else p[0] for p in products]
    for other in rest:
        first = first + other if formula.sign == "+" else first * other
    return first


def test_no_two_sides_are_equal_so_that_no_shape_fits_by_chance():
    assert len(set(WIDTHS.values()) | {1}) == len(WIDTHS) + 1


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.title)
def test_both_readings_multiply_and_are_transposes_of_each_other(formula):
    matrices = {}
    here, there = right_side(formula, matrices), right_side(formula.turn(), matrices)
    np.testing.assert_allclose(here.T, there)
    assert here.shape == formula.left.shape
    assert there.shape == formula.turn().left.shape


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.title)
def test_turning_twice_gives_the_formula_back(formula):
    assert formula.turn() != formula
    assert formula.turn().turn() == formula


def test_an_unknown_reading_is_refused():
    with pytest.raises(TraitError, match="'columns', 'rows'"):
        LayoutSwitch("diagonals")
