"""Colours that stand for different things look different to everybody, and what is read stands out from its ground."""

import functools
import itertools
import re
from pathlib import Path

import pytest
from coloraide.everything import ColorAll as Color
from matplotlib.colors import to_hex

from course_lib._colours import BOTH, DARK, LIGHT
from course_lib.exercises import panel
from course_lib.exercises.widget import AnswerWidget
from course_lib.explorables import GraphPlayer, TrainingWatch
from course_lib.grading.classpage import CLASS_STYLE
from course_lib.grading.feedback import STYLE
from course_lib.plots import style

PACKAGE = Path(style.__file__).parents[1]
APART = 16  # of CAM02-UCS; see course_lib/_colours.py
EYES = ("", "protan", "deutan", "tritan")  # all cones; without those for red, for green, for blue
LAB = {"light": "#ffffff", "dark": "#111111"}  # the ground of a cell in JupyterLab
THEMES = {"light": LIGHT, "dark": DARK}


@functools.cache
def seen(colour, eyes):
    """A colour as these eyes see it, in CAM02-UCS."""
    return (Color(colour).filter(eyes).clip() if eyes else Color(colour)).convert("cam02-ucs")


def nearest(colours):
    """(distance, one, other, eyes): the two that are most alike, and to whom."""
    return min(
        (seen(a, eyes).distance(seen(b, eyes), space="cam02-ucs"), a, b, eyes)
        for a, b in itertools.combinations(colours, 2)
        for eyes in EYES
    )


def variable(css, name, theme):
    """What a variable of a style sheet stands for in a theme."""
    value = re.search(rf"--{name}: ([^;]+);", css)[1]
    while found := re.match(r"var\(--([\w-]+)(?:, (.*))?\)$", value):
        value = THEMES[theme].get(found[1].removeprefix("course-")) or found[2] or variable(css, found[1], theme)
    return value


def beside_each_other():
    """What stands for different things in one picture or on one page, by the name of that."""
    found = {
        "curves of a figure": [*style.COLOURS, style.GREY],
        "plus and minus in a figure": [to_hex(style.SIGNED(share)) for share in (0.0, 0.5, 1.0)],
        "edges of the panels": [*panel._EDGE.values(), BOTH["blue"]],
        "tiles of the panels": [to_hex(over(panel._colour(v, 1.0), LAB["light"])) for v in (-1, 0, 1)],
        "tiles of the panels in the dark": [to_hex(over(panel._colour(v, 1.0), LAB["dark"])) for v in (-1, 0, 1)],
    }
    for theme in THEMES:
        of = functools.partial(variable, theme=theme)
        kit, answer, page = GraphPlayer._css, AnswerWidget._css, STYLE + CLASS_STYLE
        found |= {
            f"explorables, {theme}": [of(kit, f"cr-{name}") for name in ("ink", "quiet", "value", "error", "tangent")],
            f"layers of the training watch, {theme}": [
                variable(css + TrainingWatch._css, "cr-train", theme)
                for css in re.findall(r"\.cr-train-layer-\d (\{.*\})", TrainingWatch._css)
            ],
            f"answers, {theme}": [of(answer, f"crx-{name}") for name in ("ink", "soft", "blue", "good", "bad")],
            f"feedback, {theme}": [of(page, name) for name in ("ink", "right", "wrong", "open", "link")],
            f"the class, {theme}": [of(page, name) for name in ("card", "right", "named", "other")],
        }
    return found


def over(colour, ground):
    """A colour that is not opaque, on a ground."""
    *rgb, alpha = colour
    under = bytes.fromhex(ground[1:])
    return [(alpha * top + (1 - alpha) * below) / 255 for top, below in zip(rgb, under, strict=True)]


@pytest.mark.parametrize("place, colours", beside_each_other().items())
def test_colours_for_different_things_are_far_apart_for_every_eye(place, colours):
    assert len(set(colours)) == len(colours) >= 3
    distance, one, other, eyes = nearest(colours)
    assert distance >= APART, f"{place}: {one} and {other} are {distance:.1f} apart, {eyes or 'to all'}"


@pytest.mark.parametrize(
    "one, other, eyes",
    [("#b34700", "#1a7f37", "protan"), ("#0072b2", "#00785a", "tritan"), ("#00785a", "#616161", "deutan")],
)
def test_colours_that_some_eyes_take_for_one_are_found(one, other, eyes):
    distance, *_ = nearest([one, other])
    assert distance < APART <= seen(one, "").distance(seen(other, ""), space="cam02-ucs")
    assert seen(one, eyes).distance(seen(other, eyes), space="cam02-ucs") < APART


READ = [  # text and its ground, in both themes
    *(("paper", name) for name in ("ink", "quiet", "blue", "orange", "green")),
    *(("faint", name) for name in ("ink", "quiet", "blue", "orange", "green")),
    *((f"{name}-soft", name) for name in ("blue", "orange", "green")),
    *((f"{name}-soft", "ink") for name in ("blue", "orange", "green")),
    ("blue", "paper"),
]


@pytest.mark.parametrize("ground, text", READ)
@pytest.mark.parametrize("theme", THEMES)
def test_text_stands_out_from_its_ground(theme, ground, text):
    palette = THEMES[theme]
    assert style.contrast(palette[ground], palette[text]) >= 4.5
    if ground == "paper":
        assert style.contrast(LAB[theme], palette[text]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_lines_and_bars_stand_out_from_their_ground(theme):
    for ground in (LAB[theme], THEMES[theme]["paper"], THEMES[theme]["faint"]):
        assert min(style.contrast(ground, THEMES[theme][name]) for name in ("blue", "orange", "green", "purple")) >= 3
    assert min(style.contrast(LAB[theme], colour) for colour in BOTH.values()) >= 3
    text = {"light": "#212121", "dark": "#ffffff"}[theme]  # of JupyterLab, on the strongest tile of a panel
    assert all(style.contrast(over(panel._colour(v, 1.0), LAB[theme]), text) >= 4.5 for v in (-1, 1))


def test_the_figures_write_in_colours_that_stand_out_from_white():
    assert min(style.contrast(style.WHITE, colour) for colour in (*style.COLOURS, style.GREY)) >= 4.5


def test_both_themes_have_the_same_colours():
    assert list(LIGHT) == list(DARK)


def test_every_colour_of_the_course_stands_in_one_place():
    colour = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}\b(?!;)|\brgba?\((?!0, 0, 0|128, ?128, ?128)\d")
    files = [path for kind in ("py", "css", "js") for path in PACKAGE.rglob(f"*.{kind}") if path.stem != "_colours"]
    found = {path.name: colour.findall(path.read_text(encoding="utf-8")) for path in files}
    assert {name: colours for name, colours in found.items() if colours} == {}


def test_ten_layers_of_the_training_watch_have_ten_kinds_of_line():
    dashes = re.findall(r"\.cr-train-dash-\d \{ stroke-dasharray: ([^;]+); \}", TrainingWatch._css)
    assert len(set(dashes)) == len(dashes) == 9  # the first is not broken
