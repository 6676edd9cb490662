"""Every outcome says one plain sentence, with both numbers, and never blames the student."""

import dataclasses

import pytest

from course_lib.exercises import outcomes as o

EXAMPLES = [
    (o.Correct(), "Right."),
    (o.NotAttempted(), "Not attempted yet."),
    (o.NotAttempted(1, 6), "Not finished: 1 of 6 entries is still blank."),
    (o.WrongType("a function", "a list"), "Not yet: the answer should be a function; here it is a list."),
    (o.WrongShape("J", "(2, 3)", "(3,)"), "Not yet: J should have shape (2, 3); here it has shape (3,)."),
    (
        o.WrongShape("", "(2, 3)", "(3, 2)", True),
        "Not yet: the answer should have shape (2, 3); here it has shape (3, 2). That is the shape of the transpose.",
    ),
    (
        o.WrongShape("dW", "a list with 3 entries", "2 entries"),
        "Not yet: dW should be a list with 3 entries; here it has 2 entries.",
    ),
    (o.NotFinite("dW[2]", (0, 3), float("nan")), "Not yet: dW[2][0, 3] is nan, where a finite number belongs."),
    (o.Mistake("transposed", "this is the transpose", "Which?"), "Not yet: this is the transpose."),
    (
        o.Incorrect("dW[2]", (0, 3), 0.41, 0.83, ("dW[1]", "db[1]")),
        "Not yet: dW[2][0, 3] is 0.41, it should be 0.83. dW[1] and db[1] are exact.",
    ),
    (o.Incorrect("", (1,), 1.00000012, 1.0), "Not yet: entry [1] is 1.0000001, it should be 1."),
    (o.Incorrect("", (), 3.0, None), "Not yet: 3 is not the number."),
    (
        o.Incorrect("y1, x2", (0, 1), 3.0, None, (), 2, 6),
        "Not yet: 2 of 6 entries are off, the farthest: the 3 at y1, x2.",
    ),
    (o.Incorrect(says="the first one is out of place"), "Not yet: the first one is out of place."),
    (
        o.Failed("ValueError", "shapes", "return a @ b"),
        "Not yet: it stopped with ValueError in the line `return a @ b`: shapes",
    ),
]


@pytest.mark.parametrize("outcome, line", EXAMPLES, ids=[line[:40] for _, line in EXAMPLES])
def test_the_sentence(outcome, line):
    assert outcome.line() == line


@pytest.mark.parametrize("outcome, line", EXAMPLES, ids=[line[:40] for _, line in EXAMPLES])
def test_outcomes_are_plain_and_frozen(outcome, line):
    assert outcome.score == (1.0 if outcome.kind == "correct" else 0.0)
    assert "you" not in line.lower().split()
    with pytest.raises(dataclasses.FrozenInstanceError):
        outcome.part = "x"


def test_every_kind_of_outcome_is_tried_here():
    kinds = {c.kind for c in o.Outcome.__subclasses__()}
    assert kinds == {outcome.kind for outcome, _ in EXAMPLES}
    assert len(kinds) == len(o.Outcome.__subclasses__())
