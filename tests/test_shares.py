"""A part of an answer that is right in every case has points of its own; the mistake in the other is still named."""

import json

import numpy as np
import pytest
import submissions

from course_lib.exercises import all_exercises, exercise, panel
from course_lib.exercises.declaration import draw_cases, value_of
from course_lib.exercises.diagnosis import diagnose
from course_lib.exercises.values import evaluate, named_parts
from course_lib.grading import grade

SHARED = [e for e in all_exercises() if e.shares]
NO_SLOPE = submissions.CODE["backward-one"].replace(
    " * a[l] * (1 - a[l])", " * (a[l] * (1 - a[l]) if l == len(W) - 1 else 1)"
)


def judged(id, answer, seed=5):
    """The outcome of a function, on inputs of its own."""
    inputs = draw_cases(exercise(id), seed)
    return diagnose(exercise(id), inputs, evaluate(answer, inputs, "code", id))


def in_turn(values):
    """A function that gives one value after the other, whatever it is given."""
    left = iter(values)
    return lambda *given: next(left)


def right_values(id, seed=5):
    """The right values of all cases, as lists that may be changed."""
    e = exercise(id)
    return [tuple(map(list, value_of(e.right, given))) for given in draw_cases(e, seed)]


@pytest.mark.parametrize("e", SHARED, ids=lambda e: e.id)
def test_shares_divide_the_points_and_the_parts_and_none_is_ever_empty(e):
    assert sum(share.points for share in e.shares) == e.points
    assert e.kind == "code"
    assert e.measure is None
    for seed in range(10):
        for given in draw_cases(e, seed):
            parts = list(named_parts(value_of(e.right, given), e.parts))
            held = [tuple(share.holds(parts)) for share in e.shares]
            assert all(held)
            assert sorted(part for some in held for part in some) == sorted(parts)


def test_at_least_three_exercises_have_shares_and_all_have_some_mistake_that_keeps_one():
    assert len(SHARED) >= 3
    for e in SHARED:
        inputs = draw_cases(e, 5)
        outcomes = []
        for mistake in e.mistakes:
            record = evaluate(in_turn([value_of(mistake.wrong, given) for given in inputs]), inputs, "code", e.id)
            outcomes.append(diagnose(e, inputs, record))
        assert any(outcome.earned for outcome in outcomes), e.id
        assert all(outcome.score < 1 for outcome in outcomes), e.id


def test_a_right_output_layer_over_wrong_hidden_ones_has_its_share_and_its_mistake_is_named():
    space = {"np": np}
    exec(NO_SLOPE, space)
    outcome = judged("backward-one", space["backward"])
    assert (outcome.kind, outcome.name) == ("mistake", "no-slope-hidden")
    assert outcome.score == 1 / 4
    assert outcome.line().endswith("lack σ′(z). Already right: the output layer, 1 of 4 points.")
    exec(submissions.CODE["backward-one"], space)
    assert (judged("backward-one", space["backward"]).score, judged("backward-one", lambda *a: None).score) == (1, 0)


def test_a_part_that_is_empty_or_does_not_fit_has_no_points_and_takes_none_from_the_other():
    for nothing in (None, [], "none", [[1.0, 2.0]], float("nan")):
        values = right_values("backward-one")
        for dW, _ in values:
            dW[1] = nothing
        assert judged("backward-one", in_turn(values)).earned.parts == ("the output layer",), nothing
        for _, db in values:
            db[-1] = nothing
        assert judged("backward-one", in_turn(values)).earned is None, nothing


def test_what_is_right_in_one_case_only_has_no_points():
    values = right_values("backward-one")
    values[2][0][1] = values[2][0][1] + 1e-3
    values[1][1][-1] = values[1][1][-1] * 1.01
    outcome = judged("backward-one", in_turn(values))
    assert outcome.kind == "incorrect"
    assert outcome.earned is None


def test_a_part_known_by_heart_has_no_points_on_other_inputs():
    seen = right_values("backward-one", seed=5)
    for dW, _ in seen:
        dW[1] = dW[1] * 0
    assert judged("backward-one", in_turn(seen), seed=5).score == 1 / 4
    assert judged("backward-one", in_turn(seen), seed=6).score == 0


def test_difference_quotients_have_no_share_where_a_formula_is_wanted():
    values = right_values("backward-one")
    near = [tuple([None if v is None else v * (1 + 1e-9) for v in part] for part in value) for value in values]
    assert judged("backward-one", in_turn(near)).score == 0


def test_an_answer_that_is_not_finished_or_that_fails_has_no_points():
    values = right_values("backward-one")
    for dW, _ in values:
        dW[1] = ...
    assert judged("backward-one", in_turn(values)).kind == "not-attempted"
    stops = right_values("backward-one")[:2]  # there is no third
    assert judged("backward-one", in_turn(stops)).kind == "failed"
    assert {judged("backward-one", in_turn(v)).score for v in (values, stops)} == {0}


def test_the_grader_and_the_notebook_say_the_same_words(tmp_path):
    (tmp_path / "in").mkdir()
    notebook = submissions.paper("06_backpropagation", "ann", backward_one=NO_SLOPE)
    (tmp_path / "in" / "ann.ipynb").write_text(json.dumps(notebook))
    out = tmp_path / "out"
    [ann] = grade(
        tmp_path / "in", out, seed="17", solutions=submissions.ROOT / "solutions", platforms=["gradescope"]
    ).graded
    [result] = [r for r in ann.results if r.exercise == "backward-one"]
    assert (result.points, result.verdict, result.mistake) == (1, "mistake", "no-slope-hidden")
    assert ann.points == ann.of - 3
    space = {"np": np}
    exec(NO_SLOPE, space)
    outcome = judged("backward-one", space["backward"])
    assert result.says == outcome.line()
    assert panel.text(exercise("backward-one"), outcome).startswith(f"backward-one: {result.says}")
    assert '"backward-one",1,4,"mistake","no-slope-hidden"' in (out / "gradebook.csv").read_text(encoding="utf-8")
    feedback = (out / "feedback" / "ann.html").read_text(encoding="utf-8")
    assert "Right in part" in feedback
    assert "Already right: the output layer, 1 of 4 points." in feedback
    assert "right in part" in (out / "class.html").read_text(encoding="utf-8")
    [test] = [
        t
        for t in json.loads((out / "results.json").read_text(encoding="utf-8"))["tests"]
        if t["score"] == 1 and t["max_score"] == 4
    ]
    assert "Already right: the output layer" in test["output"]
