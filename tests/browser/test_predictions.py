"""Predict, then see: by mouse, by keys alone; what is true opens only after a choice."""

import pytest

CELLS = [
    "from course_lib.exercises.predictions import Prediction\n"
    "from course_lib.exercises.widget import PredictionWidget\n"
    'guess = PredictionWidget(Prediction("a", ("13", "26", "x<sub>2</sub>"), right="26", because="Two passes each."))\n'
    "guess",
    "guess.chosen",
]


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_prediction_is_made_and_compared(open_notebook, app):
    notebook = open_notebook(CELLS, app)
    notebook.run(0)
    widget = notebook.cell(0).locator(".crx-predict")
    widget.get_by_role("status").filter(has_text="Choose before you read on").wait_for()
    assert not widget.locator("details").is_visible()
    widget.get_by_role("radio", name="13").check()
    widget.get_by_text("I have run the next cell").click()
    assert widget.locator("details > div").inner_text() == "✎ You expected 13, it is: 26. Two passes each."
    widget.get_by_role("radio", name="13").press("ArrowDown")
    assert widget.locator("details > div").inner_text() == "✓ As you expected: 26. Two passes each."
    summary = widget.locator("summary")
    for opened in (False, True):  # and by keys
        summary.press("Enter")
        assert widget.locator("details > div").is_visible() is opened
    assert notebook.active == 0
    notebook.run(1)
    assert notebook.output(1).inner_text().strip() == "1"
    notebook.screenshot("prediction")
