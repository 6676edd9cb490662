"""The proof over every declared exercise, and what else a declaration must keep. PROVE_SEEDS=40 asks more students."""

import itertools
import json
import os
from dataclasses import replace

import numpy as np
import pytest

from course_lib.exercises import all_exercises, chapters, exercise, exercises_of
from course_lib.exercises.catalogue import CATALOGUE
from course_lib.exercises.declaration import KnownMistake, draw_cases, seed_of, value_of
from course_lib.exercises.outcomes import Correct, NotAttempted
from course_lib.exercises.values import Map, Misfit, close, decode, encode, named_parts, words
from course_lib.exercises.widget import from_draft, question, question_text, to_draft
from tests.answers import ANSWERS
from tests.prove import NOT_AN_EXERCISE, STYLES, judged, names, table, tally, uncovered

EXERCISES = all_exercises()
TYPED = [e for e in EXERCISES if e.kind != "code"]
NAMES = names(int(os.environ.get("PROVE_SEEDS", "5")))


def ids(exercises):
    return [pytest.param(e, id=e.id) for e in exercises]


def drawn(e):
    for name in NAMES:
        yield name, draw_cases(e, seed_of(name, e.id))


@pytest.mark.parametrize("e", ids(EXERCISES))
def test_right_answers_pass_and_every_known_mistake_is_refused_and_named(e):
    found = tally(e.id, NAMES)
    assert found.right >= len(NAMES) * (STYLES + 2)
    assert found.wrong == len(NAMES) * len(e.mistakes)
    assert (found.false_refusals, found.false_passes, found.unnamed) == ([], [], [])


def test_the_proof_finds_a_right_answer_refused_a_mistake_passed_and_one_without_its_name(monkeypatch):
    """A declaration that is wrong in three ways, to see that the proof can fail."""
    good = exercise("count-p")
    first, second, third, *_ = good.mistakes
    passes = replace(first, wrong=good.right)
    like_the_second = replace(third, wrong=second.wrong)
    broken = replace(good, mistakes=(passes, second, like_the_second))
    monkeypatch.setattr("tests.prove.exercise", lambda id: broken)
    monkeypatch.setitem(ANSWERS, good.id, [lambda p: -7])
    found = tally(good.id, [""])
    assert len(found.false_refusals) == len(found.false_passes) == len(found.unnamed) == 1


def test_the_table_sums_up():
    few = [tally(e.id, [""]) for e in exercises_of("01")]
    monitor = table(few).splitlines()
    assert monitor[1].split()[:3] == ["01", "5", str(sum(len(e.mistakes) for e in exercises_of("01")))]
    assert monitor[-1].split()[-2:] == ["100.0", "%"]


def test_every_row_of_the_catalogue_is_a_known_mistake_of_some_exercise_or_has_a_reason():
    assert uncovered().keys() == NOT_AN_EXERCISE.keys()
    assert {m.row for e in EXERCISES for m in e.mistakes} <= {0, *CATALOGUE}


@pytest.mark.parametrize("e", ids(EXERCISES))
def test_no_two_mistakes_of_an_exercise_give_the_same_values(e):
    for (name, inputs), (one, other) in itertools.product(drawn(e), itertools.combinations(e.mistakes, 2)):
        assert not same(e, inputs, one.wrong, other.wrong), f"{name!r}: {one.name} and {other.name}"


def same(e, inputs, one, other):
    """Whether two functions give the same answers in every case, within the tolerance of the exercise."""
    if e.kind in ("choice", "order", "path"):
        return words(value_of(one, inputs[0]), e.kind) == words(value_of(other, inputs[0]), e.kind)
    for case in inputs:
        try:
            x, y = value_of(one, case), value_of(other, case)
            came, right = named_parts(x, e.parts, like=y), named_parts(y, e.parts)
        except Misfit:
            return False
        if not all(close(came[p], right[p], e.rtol, e.atol).all() for p in right):
            return False
    return True


def test_the_same_values_under_two_names_would_be_seen():
    e = exercise("jacobian-fill")
    inputs = draw_cases(e, 1)
    assert same(e, inputs, e.right, lambda *given: np.asarray(e.right(*given)) * (1 + 1e-12))


@pytest.mark.parametrize("e", ids(EXERCISES))
def test_a_blank_is_not_attempted(e):
    def todo(*inputs):
        raise NotImplementedError

    def empty(*inputs):
        """Only a docstring."""

    inputs = draw_cases(e, seed_of("", e.id))
    for blank in (..., todo, empty) if e.kind == "code" else (..., None, *half_filled(e, inputs)):
        assert isinstance(judged(e, inputs, blank), NotAttempted)


def half_filled(e, inputs):
    if e.kind == "num":
        value = np.asarray(e.right(*inputs[0].values()), dtype=object)
        if value.size > 1:
            value.flat[-1] = ...
            yield value.tolist()


@pytest.mark.parametrize("e", ids(EXERCISES))
def test_draws_are_data_and_the_same_for_the_same_name(e):
    for name, inputs in drawn(e):
        data = json.dumps([encode(case) for case in inputs], allow_nan=False)
        assert data == json.dumps([encode(case) for case in draw_cases(e, seed_of(name, e.id))])
        assert [list(case) for case in inputs] == [list(decode(case)) for case in json.loads(data)]


@pytest.mark.parametrize("e", ids(EXERCISES))
def test_students_have_numbers_of_their_own(e):
    """Small whole numbers repeat now and then, and of shuffled options there are few."""
    class_of_30 = [draw_cases(e, seed_of(f"Student {k}", e.id)) for k in range(30)]
    different = {json.dumps(encode(inputs)) for inputs in class_of_30}
    assert len(different) >= (8 if e.kind in ("code", "num") else 2)


@pytest.mark.parametrize("e", ids(EXERCISES))
def test_draws_are_not_degenerate(e):
    """No number drawn is zero or not finite, and the right answer is neither zero nor one number all over."""
    for name, inputs in drawn(e):
        for value in (v for case in inputs for v in case.values() if isinstance(v, np.ndarray)):
            assert np.isfinite(value).all(), name
            assert value.all(), name
        if e.kind in ("code", "num"):
            for part, array in named_parts(e.right(*inputs[0].values()), e.parts).items():
                assert np.isfinite(array).all(), f"{name!r}: {part}"
                assert array.any(), f"{name!r}: {part}"
                assert array.size == 1 or np.ptp(array) > 0 or e.kind == "code", f"{name!r}: {part}"


@pytest.mark.parametrize("e", ids(EXERCISES))
def test_a_declaration_is_complete(e):
    assert exercise(e.id) is e
    assert e.title
    assert e.answer.isidentifier()
    assert e.points > 0
    assert len({h for h in e.hints if h}) == 3
    assert (e.ask is None) == (e.kind == "code")
    assert all(m.says and m.hint for m in e.mistakes)
    assert all(m.says[-1] not in ".?!" for m in e.mistakes)  # a full stop is put behind it
    names = [m.name for m in e.mistakes]
    assert len(set(names)) == len(names) >= 3
    assert all(n == n.lower() and " " not in n for n in [e.id, *names])


def test_ids_and_answers_are_unique():
    assert len({e.id for e in EXERCISES}) == len(EXERCISES)
    for chapter in chapters():
        answers = [e.answer for e in exercises_of(chapter)]
        assert len(set(answers)) == len(answers)


@pytest.mark.parametrize("e", ids(TYPED))
def test_the_question_of_a_typed_exercise_can_be_asked_and_answered_in_its_widget(e):
    for name, inputs in drawn(e):
        ask, right = e.ask(*inputs[0].values()), value_of(e.right, inputs[0])
        json.dumps(question(e, inputs[0], ask), allow_nan=False)
        assert question_text(e, inputs[0])
        filled = from_draft(e.kind, ask.shape, to_draft(e, ask, right))
        assert judged(e, inputs, filled) == Correct(), name
        for row, labels in ((ask.rows, ask.shape[:1]), (ask.columns, ask.shape[1:])):
            assert not row or (len(row),) == labels
        assert {e for edge in ask.edges for e in edge[:2]} <= set(ask.nodes)


def test_a_map_is_an_input_that_travels():
    f = decode(json.loads(json.dumps(encode(Map("tanh affine", W=np.ones((2, 3)), b=np.zeros(2))))))
    np.testing.assert_allclose(f(np.full(3, 0.1)), np.tanh([0.3, 0.3]))


def test_every_exercise_has_right_answers_in_three_styles():
    assert {e.id for e in EXERCISES} == set(ANSWERS)
    assert {id: len(styles) for id, styles in ANSWERS.items() if len(styles) < STYLES} == {}


def test_numbers_to_be_typed_are_drawn_again_where_a_mistake_would_be_right_by_chance():
    def squared(drawn):
        twice = KnownMistake("twice", "x is taken twice", "?", lambda x: 2 * x)  # right for 2, and for 0
        itself = KnownMistake("itself", "x is not squared", "?", lambda x: x)  # right for 1, and for 0
        return replace(
            exercise("chain-scalar"),
            draw=lambda rng: {"x": next(drawn)},
            right=lambda x: x * x,
            mistakes=(twice, itself),
        )

    assert draw_cases(squared(iter([0, 1, 2, 3, 4])), 0) == [{"x": 3}]
    assert draw_cases(squared(itertools.repeat(2)), 0) == [{"x": 2}], "it is not sought for ever"
