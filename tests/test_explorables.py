"""What holds for every explorable, without a browser: one module, twins that say the same, state that travels."""

import json
import re
from html import unescape

import pytest

import course_lib.explorables
from course_lib.explorables import DifferenceExplorer, JacobianStage, LineFitter, PathExplorer, ShapeEditor
from course_lib.explorables._base import Explorable, module
from tests.explorable_states import ALL, FIRST, drawn_in


def named(states):
    return [pytest.param(state, id=f"{type(state).__name__}-{k}") for k, state in enumerate(states)]


def test_every_explorable_has_its_states_here():
    classes = {name for name in course_lib.explorables.__all__ if name != "play"}
    assert {type(state).__name__ for state in ALL} == classes


@pytest.mark.parametrize("explorable", named(FIRST))
def test_every_explorable_is_one_module_that_fetches_nothing(explorable):
    source = str(explorable._esm)
    assert "export default" in source
    assert "export function num(" in source, "the kit must be in the module"
    assert not re.search(r"^import |\bfetch\(|https?://(?!www\.w3\.org/2000/svg)", source, re.MULTILINE)


def test_a_module_that_does_not_import_the_kit_in_one_statement_is_refused():
    with pytest.raises(ValueError, match="must import the kit"):
        module("kit")


@pytest.mark.parametrize("explorable", named(FIRST))
def test_every_class_of_the_style_sheet_has_the_prefix_of_the_course(explorable):
    css = re.sub(r"\{[^{}]*\}", "", str(explorable._css))
    names = set(re.findall(r"\.([a-z][\w-]*)", css))
    assert {name for name in names if name != "cr" and not name.startswith(("cr-", "crx-", "vscode-"))} == set()


@pytest.mark.parametrize("explorable", named(ALL))
def test_both_twins_say_the_same_line_and_a_picture_stands_in(explorable):
    data = explorable._repr_mimebundle_()[0]
    assert data["text/plain"] == str(explorable) == repr(explorable)
    assert "\n" not in str(explorable)
    assert " at 0x" not in str(explorable)
    source, picture = drawn_in(explorable)
    assert unescape(re.search(r'alt="([^"]*)"', data["text/html"])[1]) == str(explorable)
    assert picture.tag.endswith("svg")
    assert len(list(picture.iter())) > 9
    assert "nan" not in source


@pytest.mark.parametrize("explorable", named(FIRST))
def test_two_explorables_in_one_state_leave_the_same_bytes(explorable):
    assert drawn_in(type(explorable)())[0] == drawn_in(type(explorable)())[0]


@pytest.mark.parametrize(
    "explorable, change",
    [
        (LineFitter(), {"w": 0.5}),
        (LineFitter(), {"squares": True}),
        (ShapeEditor(), {"sizes": [2, 4, 2]}),
        (ShapeEditor(), {"view": "matrices"}),
        (DifferenceExplorer(), {"h": 1e-3}),
        (DifferenceExplorer(), {"precision": "float32"}),
        (PathExplorer(), {"paths": ["x1 > h2 > y1"]}),
    ],
)
def test_the_picture_follows_the_state(explorable, change):
    before = drawn_in(explorable)[0]
    explorable.set_trait(*next(iter(change.items())))
    assert drawn_in(explorable)[0] != before


@pytest.mark.parametrize("explorable", named(ALL))
def test_the_state_is_in_traits_that_travel_as_json(explorable):
    state = {key: value for key, value in explorable.get_state().items() if key not in ("layout", "_esm", "_css")}
    assert json.loads(json.dumps(state, allow_nan=False, default=list)) == json.loads(json.dumps(state, default=list))


def test_an_explorable_without_its_twins_says_so():
    class Bare(Explorable):
        pass

    with pytest.raises(NotImplementedError):
        str(Bare())


def test_the_page_is_sent_what_was_computed_and_not_what_it_has_said_itself():
    stage, messages = JacobianStage(lambda x: [x[0] * x[1], x[0]]), []
    stage._send = lambda message, buffers=None: messages.append(message)
    stage.set_state({"x": [1.0, 0.25]})
    assert [(message["method"], list(message["state"])) for message in messages] == [("update", ["_answer"])]
