"""Predictions: declared soundly, each asked in one place, in the lesson of its chapter."""

import importlib
import re
from pathlib import Path

import pytest

from course_lib.exercises import chapters, predict
from course_lib.exercises.predictions import Prediction, all_predictions, prediction

ROOT = Path(__file__).resolve().parent.parent
TWO = Prediction("a", ("1", "x<sub>2</sub> < 3"), right="1", because="It is <b>one</b>.")


def test_ids_are_slugs_and_unique():
    ids = [p.id for p in all_predictions()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9-]+", id) for id in ids)


@pytest.mark.parametrize("chapter", chapters())
def test_every_prediction_is_asked_in_the_lesson_of_its_chapter_after_a_question(chapter):
    declared = getattr(importlib.import_module(f"course_lib.exercises.ch{chapter}"), "PREDICTIONS", ())
    (lesson,) = (ROOT / "chapters").glob(f"{chapter}_*/lesson.md")
    text = lesson.read_text(encoding="utf-8")
    assert re.findall(r'^predict\("([^"]*)"\)$', text, re.MULTILINE) == [p.id for p in declared]
    for section in text.split("\n## ")[1:]:
        if "\npredict(" in section:
            assert "*Question.*" in section.split("\npredict(")[0]


@pytest.mark.parametrize("chapter", chapters())
def test_every_lesson_lets_its_reader_predict(chapter):
    declared = getattr(importlib.import_module(f"course_lib.exercises.ch{chapter}"), "PREDICTIONS", ())
    assert len(declared) >= (4 if chapter != "00" else 1), "chapter 00 shows only how it is done"


def test_a_reader_without_a_kernel_finds_the_options_and_a_closed_answer():
    from course_lib.exercises.widget import PredictionWidget

    widget = PredictionWidget(TWO)
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == str(widget) == "What do you expect? 1 | x_2 < 3"
    assert "<li>x<sub>2</sub> &lt; 3</li>" in data["text/html"]
    assert "<details><summary>" in data["text/html"]
    assert data["text/html"].index("<details>") < data["text/html"].index("It is <b>one</b>.")
    assert [widget.chosen, widget.right, len(widget.options)] == [-1, 0, 2]


@pytest.mark.parametrize("options, right", [(("1", "2"), "3"), (("1", "1"), "1")])
def test_a_prediction_that_cannot_be_right_is_refused(options, right):
    with pytest.raises(ValueError, match="must be one of the options"):
        Prediction("a", options, right=right, because="")


def test_an_unknown_prediction_is_refused_with_the_nearest():
    with pytest.raises(KeyError, match="no prediction 'nothing-of-the-kind'"):
        predict("nothing-of-the-kind")
    first = all_predictions()[0].id
    assert prediction(first).id == first
    with pytest.raises(KeyError, match=f"did you mean '{first}'"):
        prediction(first + "x")
