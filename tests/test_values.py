"""Values cross between kernel and judge as JSON, within limits; what cannot be trusted is refused."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.exercises.values import (
    MAX_NUMBERS,
    Map,
    Misfit,
    Unknown,
    close,
    decode,
    describe,
    encode,
    evaluate,
    fit,
    named_parts,
    rounded,
    to_array,
    words,
)

leaves = (
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=8)
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
dtypes = st.sampled_from([np.float64, np.float32, np.int64, np.bool_, np.complex128])
arrays = dtypes.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)))


def through_json(value):
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


@given(trees)
def test_plain_data_comes_back_as_it_was(value):
    assert through_json(value) == value
    assert repr(through_json(value)) == repr(value)


@given(arrays)
def test_arrays_come_back_with_dtype_shape_and_every_bit(array):
    back = through_json(array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1 + 2j, complex(math.inf, -1)])
def test_special_numbers_come_back(value):
    back = through_json(value)
    assert back == value or (value != value and back != back)


def test_maps_come_back_and_give_the_same_values_for_columns_too():
    f = Map("affine", W=np.arange(6.0).reshape(2, 3), b=np.array([1.0, -1.0]))
    g, x = through_json(f), np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(g(x), f(x))
    np.testing.assert_array_equal(g(np.stack([x, 2 * x], axis=1))[:, 0], f(x))
    with pytest.raises(ValueError, match="kind must be one of affine"):
        Map("no such kind")


@pytest.mark.parametrize("kind", ["affine", "tanh affine", "product"])
def test_maps_take_complex_points_for_the_complex_step(kind):
    arrays = {} if kind == "product" else {"W": np.array([[1.0, 2.0, -1.0]]), "b": np.array([0.5])}
    f, x, d = Map(kind, **arrays), np.array([0.3, -0.2, 0.7]), np.array([1.0, -2.0, 0.5])
    slope = (f(x + 1e-6 * d) - f(x - 1e-6 * d)) / 2e-6
    np.testing.assert_allclose(f(x + 1e-20j * d).imag / 1e-20, slope, rtol=1e-8)


class Liar:
    """Equal to everything, and claims to be right."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __repr__(self):
        return "array([1., 2.])"


class LyingArray(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)

    def __abs__(self):
        return np.zeros(self.shape)


def test_objects_that_lie_become_plain_numbers_or_unknown():
    assert through_json(Liar()).what == "a Liar"
    back = through_json(np.array([1.0, 2.0]).view(LyingArray))
    assert type(back) is np.ndarray
    assert not close(back, np.array([5.0, 6.0]), 1e-9).any()


@pytest.mark.parametrize(
    "value, what", [(len, "builtin"), (object(), "object"), ({1, 2}, "set"), (np.array(["a"]), "str")]
)
def test_what_is_not_a_value_is_said_not_kept(value, what):
    back = through_json(value)
    assert isinstance(back, Unknown)
    assert what in back.what


def test_matrices_and_object_arrays_of_numbers_are_arrays():
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1, 2]])
    assert type(through_json(matrix)) is np.ndarray
    np.testing.assert_array_equal(through_json(np.array([1, 2.5], dtype=object)), [1, 2.5])
    layers = np.empty(2, dtype=object)
    layers[1] = np.eye(2)
    assert through_json(layers)[0] is None
    np.testing.assert_array_equal(through_json(layers)[1], np.eye(2))


def test_what_is_too_large_is_refused():
    encode(np.zeros(MAX_NUMBERS - 10))
    deep = []
    for _ in range(50):
        deep = [deep]
    for value in (np.zeros(MAX_NUMBERS + 1), [0] * (MAX_NUMBERS + 1), deep, "x" * 10**6):
        with pytest.raises(ValueError, match="at most"):
            encode(value)


@pytest.mark.parametrize(
    "data",
    [
        {"pickle": "gASV"},
        {"array": [1.0], "shape": [2], "dtype": "float64"},
        {"array": [1.0], "shape": [-1], "dtype": "float64"},
        {"array": [1.0], "shape": [1], "dtype": "object"},
        {"array": [1.0], "shape": [1], "dtype": "datetime64[ns]"},
        {"array": ["1"], "shape": [1], "dtype": "float64"},
        {"array": [[1.0]], "shape": [1], "dtype": "float64"},
        {"array": [10**400], "shape": [1], "dtype": "float64"},
        {"array": 5, "shape": [], "dtype": "float64"},
        {"array": [1.0]},
        {"number": "1"},
        {"complex": [1.0]},
        {"map": "os.system", "arrays": {}},
        {"map": "affine", "arrays": 3},
        {"dict": [[1, 2, 3]]},
        {"dict": [[[], 1]]},
        {1: 2},
        object(),
    ],
)
def test_forged_data_is_refused_with_a_value_error(data):
    with pytest.raises(ValueError, match=r"\w"):
        decode(data)


def test_rounding_is_relative_to_the_largest_entry_and_has_no_negative_zero():
    data = rounded(encode(np.array([[123456.789, -1e-12], [0.1 + 0.2, np.inf]])))
    assert data["array"] == [123456.8, 0.0, 0.3, "inf"]
    assert str(data["array"][1]) == "0.0"
    assert rounded(encode({"a": (1 / 3, [1e-9, 2e-9])})) == {"dict": [["a", {"tuple": [0.3333333, [1e-9, 2e-9]]}]]}
    assert rounded(["b", None, True, 7]) == ["b", None, True, 7]


# --------------------------------------------------------------------------- evaluate
def test_every_call_gets_inputs_of_its_own():
    def greedy(x):
        x *= 0
        return x.sum()

    inputs = [{"x": np.ones(3)}, {"x": np.ones(2)}]
    assert evaluate(greedy, inputs, "code") == {"id": "", "cases": [0.0, 0.0]}
    assert inputs[0]["x"].sum() == 3


def test_the_state_of_numpy_neither_disturbs_nor_is_disturbed():
    def careless(x):
        np.seterr(all="raise")
        np.set_printoptions(precision=2)
        return np.exp(1000 * x)

    before = np.geterr(), np.get_printoptions()
    assert evaluate(careless, [{"x": 0.1}], "code")["cases"] == [math.exp(100)]
    assert (np.geterr(), np.get_printoptions()) == before
    with np.errstate(all="raise"):
        assert evaluate(lambda x: np.exp(np.array([1000.0])), [{"x": 1}], "code")["cases"][0]["array"] == ["inf"]


def todo(x):
    raise NotImplementedError("write me")


def only_docstring(x):
    """Later."""


def passes(x):
    pass


def dots(x): ...


def gives_dots(x):
    return [x, ...]


@pytest.mark.parametrize("answer", [todo, only_docstring, passes, dots, gives_dots, ..., lambda x: None])
def test_a_blank_function_is_not_attempted(answer):
    assert evaluate(answer, [{"x": 1}], "code")["not_attempted"]


def forgets_to_return(x):
    x.append(1)


def test_a_function_that_forgets_its_return_is_not_blank():
    assert evaluate(forgets_to_return, [{"x": [0]}], "code")["cases"] == [None]


def fails(x):
    y = x + 1
    return y.no_such_thing


def leaves(x):
    raise SystemExit("bye")


def for_ever(x):
    return for_ever(x)


def test_an_error_is_recorded_with_the_line_of_the_answer():
    record = evaluate(fails, [{"x": 1.0}], "code", "q")
    assert record["error"]["type"] == "AttributeError"
    assert record["error"]["line"] == "return y.no_such_thing"
    assert record["error"]["case"] == 0
    assert evaluate(leaves, [{"x": 1}], "code")["error"]["type"] == "SystemExit"
    assert evaluate(for_ever, [{"x": 1}], "code")["error"]["type"] == "RecursionError"
    assert evaluate(3, [{"x": 1}], "code")["error"] == {"type": "NotAFunction", "text": "an int", "line": "", "case": 0}


def test_an_interrupt_is_not_swallowed():
    def stopped(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(stopped, [{"x": 1}], "code")


def test_a_half_filled_answer_counts_its_blanks():
    assert evaluate([[1, ...], [2, 3]], [{}], "num") == {"id": "", "not_attempted": True, "blank": 1, "of": 4}
    assert evaluate([[..., ...]], [{}], "num") == {"id": "", "not_attempted": True}
    assert evaluate(None, [{}], "choice")["not_attempted"]


# --------------------------------------------------------------------------- parts, shapes, comparison
@pytest.mark.parametrize(
    "came, shape",
    [
        ([1.0, 2.0], (2,)),
        ([[1.0], [2.0]], (2,)),
        ([[1.0, 2.0]], (2,)),
        ([1.0, 2.0], (2, 1)),
        ([1.0, 2.0], (1, 2)),
        (3.0, (1, 1)),
        ([[3.0]], ()),
        ([3.0], ()),
    ],
)
def test_unambiguous_shapes_are_taken_for_what_they_mean(came, shape):
    assert fit(np.array(came), shape).shape == shape


@pytest.mark.parametrize(
    "came, shape", [((2, 1), (1, 2)), ((2, 3), (3, 2)), ((6,), (2, 3)), ((4,), (2, 2)), ((3,), (2,)), ((1, 2, 1), (2,))]
)
def test_other_shapes_are_a_misfit(came, shape):
    with pytest.raises(Misfit) as found:
        fit(np.zeros(came), shape, "J")
    assert (found.value.reason, found.value.part, found.value.expected) == ("shape", "J", str(shape))


def test_parts_are_named_by_layer():
    right = ([None, np.zeros((3, 2)), np.zeros((1, 3))], [None, np.zeros((3, 1)), np.zeros((1, 1))])
    assert list(named_parts(right, ("dW", "db"))) == ["dW[1]", "dW[2]", "db[1]", "db[2]"]
    came = [[None, np.ones((3, 2)).tolist(), [1, 1, 1]], (None, [1, 1, 1], 1.0)]
    parts = named_parts(came, ("dW", "db"), like=right)
    assert [p.shape for p in parts.values()] == [(3, 2), (1, 3), (3, 1), (1, 1)]
    with pytest.raises(Misfit, match=r"dW should be a list with 3 entries: None, then one for each layer 1 to 2"):
        named_parts(([np.zeros((3, 2)), np.zeros((1, 3))], right[1]), ("dW", "db"), like=right)
    with pytest.raises(Misfit, match=r"should be 2 things, dW and db, got None"):
        named_parts(None, ("dW", "db"), like=right)


@pytest.mark.parametrize("value", [None, "text", {"a": 1}, [[1, 2], [3]], ["a"], Unknown("a function")])
def test_what_is_not_numbers_is_a_misfit_of_type(value):
    with pytest.raises(Misfit) as found:
        to_array(value)
    assert found.value.reason == "type"
    assert describe(value) == found.value.came


def test_comparison_is_relative_to_the_largest_entry():
    right = np.array([1e6, 1.0, 0.0])
    assert close(right + 1e-4, right, 1e-9).all()
    assert not close(right + np.array([0, 0, 2e-3]), right, 1e-9).all()
    assert close(np.array([1.00001]), np.array([1.0]), 0.0, atol=2e-5).all()
    assert close((right * (1 + 3e-7)).astype(np.float32), right, 1e-9).all()
    assert not close((right * (1 + 3e-4)).astype(np.float32), right, 1e-9).all()
    assert not close(right * (1 + 3e-7), right, 1e-9).all()
    assert close(np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), 1e-9).all()
    assert not close(np.array([np.nan, np.inf]), np.array([1.0, -np.inf]), 1e-9).any()
    assert close(np.zeros(2), np.zeros(2), 1e-9).all()


@pytest.mark.parametrize(
    "value, kind, expected",
    [
        ("B", "choice", ("b",)),
        ("c, a c", "choice", ("a", "c")),
        (["b", "a"], "order", ("b", "a")),
        ("b a", "order", ("b", "a")),
        (["x2->h1>y1", "x2 > h1 > y1"], "path", ("x2 > h1 > y1",)),
        ("h1", "path", ("h1",)),
    ],
)
def test_answers_in_words_have_a_normal_form(value, kind, expected):
    assert words(value, kind) == expected


@pytest.mark.parametrize("value", [3, [1, 2], None, {"a": 1}, np.zeros(2)])
def test_other_things_are_no_words(value):
    with pytest.raises(Misfit, match="should be"):
        words(value, "order")
