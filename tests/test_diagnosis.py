"""From values to a verdict: every step of the order, and nothing that comes from outside can break it."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.exercises import outcomes as o
from course_lib.exercises.declaration import Ask, Exercise, KnownMistake, draw_cases
from course_lib.exercises.diagnosis import diagnose, same_values
from course_lib.exercises.values import evaluate

HINTS = ("What?", "Where to?", "So.")


def affine(W, x):
    return W @ x


PRODUCT = Exercise(
    id="product",
    title="A product",
    kind="code",
    answer="product",
    draw=lambda rng: {"W": rng.normal(size=(3, 2)), "x": rng.normal(size=(2, int(rng.integers(3, 7))))},
    right=affine,
    mistakes=(KnownMistake("plus-one", "one is added", "Where does the 1 come from?", lambda W, x: W @ x + 1),),
    hints=HINTS,
)
SQUARE = dataclasses.replace(PRODUCT, draw=lambda rng: {"A": rng.normal(size=(3, 3))}, right=lambda A: A @ A)
LAYERS = dataclasses.replace(
    PRODUCT,
    draw=lambda rng: {"x": rng.normal(size=(2, int(rng.integers(3, 7)))), "V": rng.normal(size=(4, 3))},
    right=lambda x, V: ([None, x @ x.T, V], [None, x.sum(1, keepdims=True), V[:, :1]]),
    parts=("dW", "db"),
)
GRID = Exercise(
    id="grid",
    title="Two by three",
    kind="num",
    answer="J",
    draw=lambda rng: {"a": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, -6.0]])},
    right=lambda a: a,
    mistakes=(),
    hints=HINTS,
    atol=1e-6,
    ask=lambda a: Ask("?", shape=(2, 3), rows=("y1", "y2"), columns=("x1", "x2", "x3")),
)
ORDER = Exercise(
    id="order",
    title="In order",
    kind="order",
    answer="order",
    draw=lambda rng: {"k": 0},
    right=lambda k: "a b c d",
    mistakes=(KnownMistake("backwards", "that is backwards", "Which comes first?", lambda k: "d c b a"),),
    hints=HINTS,
    ask=lambda k: Ask("?", options=dict.fromkeys("abcd", "")),
)
CHOICE = dataclasses.replace(ORDER, kind="choice", right=lambda k: "a c", mistakes=())
PATHS = dataclasses.replace(
    ORDER, kind="path", right=lambda k: ["x > h > y", "x > k > y"], mistakes=(), ask=lambda k: Ask("?")
)


def verdict(exercise, answer):
    inputs = draw_cases(exercise, 7)
    record = json.loads(json.dumps(evaluate(answer, inputs, exercise.kind, exercise.id), allow_nan=False))
    return diagnose(exercise, inputs, record)


def name_of(outcome):
    return outcome.name if isinstance(outcome, o.Mistake) else outcome.kind


def with_entry(array, index, value):
    array = np.array(array, dtype=float)
    array[index] = value
    return array


@pytest.mark.parametrize(
    "answer, expected",
    [
        (affine, "correct"),
        (lambda W, x: (W @ x).tolist(), "correct"),
        (lambda W, x: (W @ x).astype(np.float32), "correct"),
        (lambda W, x: W @ x + 0j, "correct"),
        (..., "not-attempted"),
        (lambda W, x: 1 / 0, "failed"),
        (lambda W, x: W @ x + 1, "plus-one"),
        (lambda W, x: "text", "wrong-type"),
        (lambda W, x: None if W.any() else 1, "wrong-type"),
        (5, "wrong-type"),
        (lambda W, x: (W @ x)[:, :2], "wrong-shape"),
        (lambda W, x: (W @ x).T, "transposed"),
        (lambda W, x: (W @ x).T + 0.5, "wrong-shape"),
        (lambda W, x: with_entry(W @ x, (1, 1), np.nan), "not-finite"),
        (lambda W, x: np.trunc(W @ x).astype(int), "wrong-type"),
        (lambda W, x: W @ x + 1j, "wrong-type"),
        (lambda W, x: (W @ x).astype(np.float16), "wrong-type"),
        (lambda W, x: W @ x * (1 + 1e-7), "finite-difference"),
        (lambda W, x: (W @ x).round(3), "rounded"),
        (lambda W, x: (W @ x).round(8), "rounded"),
        (lambda W, x: (W @ x).round(8) + 1e-6, "finite-difference"),
        (lambda W, x: W @ x * (1 + 1e-11), "finite-difference"),
        (lambda W, x: W @ x * (1 + 1e-14), "correct"),
        (lambda W, x: (W @ x).round(8).tolist(), "rounded"),
        (lambda W, x: (2 * W @ x).round(3), "incorrect"),
        (lambda W, x: -W @ x, "sign"),
        (lambda W, x: 2 * W @ x, "twice"),
        (lambda W, x: W @ x / 2, "half"),
        (lambda W, x: 3.7 * W @ x, "factor"),
        (lambda W, x: W @ x * x.shape[1], "times-n"),
        (lambda W, x: W @ x / x.shape[1], "over-n"),
        (lambda W, x: with_entry(W @ x, (1, 1), 9), "incorrect"),
        (lambda W, x: W @ x * (1 + 1e-3 * np.cos(W @ x)), "incorrect"),
        (lambda W, x: np.zeros((3, x.shape[1])), "incorrect"),
    ],
)
def test_every_step_of_the_order(answer, expected):
    assert name_of(verdict(PRODUCT, answer)) == expected


def test_the_worst_entry_is_shown_with_both_numbers():
    found = verdict(PRODUCT, lambda W, x: with_entry(W @ x, (2, 1), 9.0))
    assert (found.index, found.came) == ((2, 1), 9.0)
    assert found.expected == pytest.approx(float((lambda W, x: W @ x)(*draw_cases(PRODUCT, 7)[0].values())[2, 1]))


def test_a_known_mistake_comes_before_what_can_be_said_in_general():
    twice = dataclasses.replace(PRODUCT, mistakes=(KnownMistake("my-two", "a 2", "?", lambda W, x: 2 * W @ x),))
    assert name_of(verdict(twice, lambda W, x: 2 * W @ x)) == "my-two"
    turned = dataclasses.replace(PRODUCT, mistakes=(KnownMistake("my-t", "T", "?", lambda W, x: (W @ x).T),))
    assert name_of(verdict(turned, lambda W, x: (W @ x).T)) == "my-t"


def test_small_numbers_are_not_taken_for_rounded_ones_nor_for_a_mistake_of_zeros():
    """A gradient near 0.01 is not zero to one decimal, and zero is all that a mistake of zeros gives."""
    zeros = KnownMistake("zeros", "all of it is 0", "Why?", lambda W, x: 0 * (W @ x))
    small = dataclasses.replace(PRODUCT, mistakes=(zeros,), right=lambda W, x: 0.01 * W @ x)
    assert name_of(verdict(small, lambda W, x: 0 * (W @ x))) == "zeros"
    assert name_of(verdict(small, lambda W, x: 1e-12 * W @ x)) == "incorrect"
    assert name_of(verdict(dataclasses.replace(small, mistakes=()), lambda W, x: 0 * (W @ x))) == "incorrect"


def test_a_mistake_made_in_one_case_only_is_not_named():
    calls = []

    def sometimes(W, x):
        calls.append(1)
        return W @ x + (1 if len(calls) == 2 else 0)

    found = verdict(PRODUCT, sometimes)
    assert (found.kind, found.case) == ("incorrect", 1)


def test_a_mistake_that_cannot_be_made_with_these_numbers_is_passed_over():
    broken = dataclasses.replace(PRODUCT, mistakes=(KnownMistake("x", "x", "x", lambda W, x: W @ W),))
    assert verdict(broken, lambda W, x: W @ x * 0).kind == "incorrect"


def test_the_transpose_of_a_square_matrix_is_seen():
    assert name_of(verdict(SQUARE, lambda A: (A @ A).T)) == "transposed"
    assert verdict(SQUARE, lambda A: (A @ A).T + np.eye(3)).kind == "incorrect"


@pytest.mark.parametrize(
    "change, expected",
    [
        (lambda dW, db, N: (dW, db), "correct"),
        (lambda dW, db, N: ([None, N * dW[1], N * dW[2]], [None, N * db[1], N * db[2]]), "times-n"),
        (lambda dW, db, N: (dW, [None, db[1] / N, db[2] / N]), "factor-by-part"),
        (lambda dW, db, N: ([None, dW[1] / N**2, dW[2] / N], [None, db[1] / N**2, db[2] / N]), "factor-by-part"),
        (lambda dW, db, N: ([None, dW[1], dW[2]], [None, 0 * db[1] + 1, db[2]]), "incorrect"),
        (lambda dW, db, N: (dW[1:], db[1:]), "wrong-shape"),
        (lambda dW, db, N: dW, "wrong-shape"),
        (lambda dW, db, N: (db, dW), "parts-exchanged"),
        (lambda dW, db, N: (db, [None, 2 * dW[1], dW[2]]), "wrong-shape"),
        (lambda dW, db, N: ([None, dW[1], dW[2].T], db), "transposed"),
        (lambda dW, db, N: ([None, dW[1], dW[2].T + 1], db), "wrong-shape"),
        (lambda dW, db, N: ([None, dW[1].T, dW[2].T], [None, db[1].T, db[2].T]), "transposed"),
    ],
)
def test_parts_are_compared_one_by_one(change, expected):
    assert name_of(verdict(LAYERS, lambda x, V: change(*LAYERS.right(x, V), x.shape[1]))) == expected


def test_the_parts_that_are_exact_are_named():
    def half_right(x, V):
        dW, db = LAYERS.right(x, V)
        return [None, dW[1], dW[2] + np.cos(dW[2])], db

    found = verdict(LAYERS, half_right)
    assert (found.part, found.exact_parts) == ("dW[2]", ("dW[1]", "db[1]", "db[2]"))


def test_factors_by_part_are_told_apart():
    found = verdict(LAYERS, lambda x, V: (LAYERS.right(x, V)[0], [None, *(3 * b for b in LAYERS.right(x, V)[1][1:])]))
    assert found.says == "dW[1] and dW[2] are exact; db[1] and db[2] are 3 times what they should be"


def test_a_power_of_n_is_said_with_its_number_where_that_is_one():
    same = [{"W": np.ones((2, 2)), "x": np.array([[1.0, 2.0, 4.0], [0.5, 3.0, 1.0]])}]
    for factor, says in ((3, "N = 3 times"), (1 / 3, "1/N = 1/3 of"), (1 / 9, "1/(N times N) = 1/9 of")):
        record = evaluate(lambda W, x, factor=factor: factor * W @ x, same, "code")
        assert f"is {says} what it should be" in diagnose(PRODUCT, same, record).line()
    assert "is N times what it should be" in verdict(PRODUCT, lambda W, x: W @ x * x.shape[1]).line()


def test_several_transposes_are_spoken_of_as_several():
    two = dataclasses.replace(LAYERS, right=lambda x, V: (V, x), parts=("one", "other"))
    assert "one and other are the transposes of what" in verdict(two, lambda x, V: (V.T, x.T)).line()
    assert "one is the transpose of what" in verdict(two, lambda x, V: (V.T, x)).line()


def test_typed_numbers_never_show_what_is_expected():
    a = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, -6.0]])
    assert verdict(GRID, a.tolist()) == o.Correct()
    found = verdict(GRID, with_entry(a, (1, 2), 77.5).tolist())
    assert (found.expected, found.part, found.wrong, found.total) == (None, "y2, x3", 1, 6)
    assert "-6" not in found.line()
    assert name_of(verdict(GRID, a.T)) == "transposed"
    assert verdict(GRID, [[1, ...], [2, 3]]).line() == "Not finished: 1 of 4 entries is still blank."
    assert verdict(GRID, "1 2 3").kind == "wrong-type"


def test_typed_numbers_with_too_few_digits_are_rounded_and_no_multiple():
    close_to = dataclasses.replace(GRID, right=lambda a: np.pi * a, atol=6e-3)
    right = np.pi * np.array([[1.0, 2.0, 3.0], [4.0, 5.0, -6.0]])
    assert verdict(close_to, right.round(2).tolist()) == o.Correct()
    assert name_of(verdict(close_to, right.round(1).tolist())) == "rounded"
    assert name_of(verdict(close_to, with_entry(right.round(2), (1, 2), -18.8).tolist())) == "rounded"
    assert verdict(close_to, (1.005 * right).tolist()).kind == "incorrect"
    assert verdict(close_to, right.round().astype(int).tolist()).kind == "incorrect"


def test_one_number_is_never_called_a_multiple():
    single = dataclasses.replace(GRID, right=lambda a: 4.0, ask=lambda a: Ask("?"))
    assert verdict(single, 8.0).line() == "Not yet: 8 is not the number."


@pytest.mark.parametrize(
    "exercise, answer, line",
    [
        (ORDER, "a b c d", "Right."),
        (ORDER, ["a", "b", "c", "d"], "Right."),
        (ORDER, "abcd", "Right."),
        (ORDER, ["ABC", "d"], "Right."),
        (ORDER, "dcba", "Not yet: that is backwards."),
        (ORDER, "abcz", "Not yet: there is no option 'abcz'."),
        (ORDER, "d c b a", "Not yet: that is backwards."),
        (ORDER, "a b d c", "Not yet: the first 2 of 4 are in place."),
        (ORDER, "a c d b", "Not yet: the first one is in place."),
        (ORDER, "b a c d", "Not yet: the first one is out of place."),
        (ORDER, "a b c", "Not yet: 4 things are to be put in order."),
        (ORDER, "a a b c", "Not yet: a stands there twice."),
        (ORDER, "a b c z", "Not yet: there is no option 'z'."),
        (ORDER, "", "Not attempted yet."),
        (
            ORDER,
            3,
            'Not yet: the answer should be the letters in their order, such as "b a c"; here it is the number 3.',
        ),
        (CHOICE, "C, A", "Right."),
        (CHOICE, "ca", "Right."),
        (CHOICE, "a b", "Not yet: 1 of your 2 belongs."),
        (CHOICE, "a", "Not yet: what you chose belongs, but more does."),
        (PATHS, ["x > k > y", "x>h>y"], "Right."),
        (PATHS, ["x > k > y", "x > k"], "Not yet: 1 of yours belongs, 1 does not and 1 is missing."),
    ],
)
def test_answers_in_words(exercise, answer, line):
    assert verdict(exercise, answer).line() == line


def test_a_declaration_may_change_its_inputs_without_harm():
    def greedy(W, x):
        W *= 0
        return W @ x

    spoilt = dataclasses.replace(PRODUCT, mistakes=(KnownMistake("greedy", "all zero", "?", greedy),))
    inputs = draw_cases(spoilt, 7)
    record = evaluate(lambda W, x: W @ x + 2, inputs, "code")
    first = diagnose(spoilt, inputs, record)
    assert diagnose(spoilt, inputs, record) == first
    assert first.kind == "incorrect"


def test_a_loose_tolerance_asks_for_no_formula():
    loose = dataclasses.replace(PRODUCT, rtol=1e-6)
    assert verdict(loose, lambda W, x: W @ x * (1 + 1e-8)) == o.Correct()
    measured = dataclasses.replace(PRODUCT, formula=False)
    assert verdict(measured, lambda W, x: W @ x * (1 + 1e-10)) == o.Correct()


ROOT = Exercise(
    id="root",
    title="A root, either of them",
    kind="code",
    answer="root",
    draw=lambda rng: {"a": rng.uniform(1, 2, int(rng.integers(3, 7)))},
    right=np.sqrt,
    measure=lambda parts, a: {"square": parts[""] ** 2},
    mistakes=(KnownMistake("squared", "that is the square", "Which way round?", lambda a: a**2),),
    hints=HINTS,
)


@pytest.mark.parametrize(
    "answer, expected",
    [
        (np.sqrt, "correct"),
        (lambda a: -np.sqrt(a), "correct"),
        (lambda a: [(-1) ** k * v**0.5 for k, v in enumerate(a)], "correct"),
        (lambda a: np.sqrt(a).astype(np.float32), "correct"),
        (lambda a: a**2, "squared"),
        (lambda a: -(a**2), "squared"),
        (lambda a: np.sqrt(a)[1:], "wrong-shape"),
        (lambda a: np.sqrt(a) * np.nan, "not-finite"),
        (lambda a: np.sqrt(a) + 1j, "wrong-type"),
        (lambda a: a, "incorrect"),
    ],
)
def test_answers_are_compared_by_what_the_exercise_measures_of_them(answer, expected):
    assert name_of(verdict(ROOT, answer)) == expected


def test_what_is_measured_is_what_is_shown():
    found = verdict(ROOT, lambda a: a)
    assert (found.part, found.came) == ("square", pytest.approx(found.expected**2))


@pytest.mark.parametrize("exercise", [PRODUCT, LAYERS, ROOT], ids=lambda e: e.id)
def test_a_record_is_the_same_as_the_solution_s_by_the_exercise_s_own_measure(exercise):
    """`ROOT` measures with its own inputs alone, and has two right answers."""
    inputs = draw_cases(exercise, 7)
    reference = evaluate(exercise.right, inputs, exercise.kind, exercise.id)
    assert same_values(exercise, inputs, reference, reference)
    wrong = evaluate(exercise.mistakes[0].wrong, inputs, exercise.kind, exercise.id)
    assert not same_values(exercise, inputs, reference, wrong)
    if exercise is ROOT:
        other = evaluate(lambda a: -np.sqrt(a), inputs, exercise.kind, exercise.id)
        assert same_values(exercise, inputs, reference, other)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["array", "shape", "dtype", "tuple", "map", "number", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
records = st.dictionaries(st.sampled_from(["cases", "error", "not_attempted", "blank", "of", "id"]), json_values)
cases = st.lists(json_values, min_size=3, max_size=3).map(lambda c: {"cases": c})


@given(records | cases)
def test_a_forged_record_gives_an_outcome_and_never_an_error(record):
    for exercise in (PRODUCT, LAYERS, ROOT, GRID, ORDER, PATHS):
        found = diagnose(exercise, draw_cases(exercise, 7), record)
        assert isinstance(found, o.Outcome)
        assert found.line()
