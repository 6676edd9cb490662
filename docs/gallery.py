"""The pictures of the guide, made by the course itself: explorables, questions, figures, the pages of grading.

    python docs/gallery.py [NAME ...]     writes docs/gallery/NAME.png and NAME_dark.png; by default all, and the SVG

Everything is seeded but the times in a few pictures, which are given. Needs what `make test` needs: Chromium,
and bubblewrap for the pages of grading.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "gallery"
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import nbformat  # noqa: E402
import numpy as np  # noqa: E402
import submissions  # noqa: E402
from anywidget import AnyWidget  # noqa: E402
from PIL import Image  # noqa: E402 - comes with Matplotlib
from playwright.sync_api import Page, sync_playwright  # noqa: E402

from course_lib.exercises import exercise  # noqa: E402
from course_lib.exercises.declaration import draw_cases, seed_of  # noqa: E402
from course_lib.exercises.session import Session  # noqa: E402
from course_lib.exercises.widget import AnswerWidget  # noqa: E402
from course_lib.explorables import (  # noqa: E402
    BatchStacker,
    DepthExplorer,
    DifferenceExplorer,
    GraphPlayer,
    JacobianStage,
    LayoutSwitch,
    LineFitter,
    PassPlayer,
    PathExplorer,
    ShapeEditor,
    TrainingWatch,
)
from course_lib.explorables import _base as base  # noqa: E402
from course_lib.grading import grade  # noqa: E402
from tests.browser.bench import Bench  # noqa: E402
from tests.browser.conftest import FLAGS, NAMES  # noqa: E402
from tests.explorable_states import TIMES, raced, trained  # noqa: E402

WIDTH, SCALE = 900, 1.25
COLOURS, ALIKE = 256, 16  # of a picture; two are alike if their red, green and blue differ by less in sum
EXPLORABLES = {
    "00_layout_switch": lambda: LayoutSwitch("rows"),
    "01_line_fitter": lambda: LineFitter(w=0.9, b=1.4, squares=True, arrow=True),
    "02_shape_editor": lambda: ShapeEditor([3, 4, 2]),
    "03_difference_explorer": lambda: DifferenceExplorer("exp", h=0.5),
    "04_jacobian_stage": lambda: JacobianStage("polar", column=2),
    "05_path_explorer": lambda: PathExplorer(paths=["x1 > h1 > y1"]),
    "06_pass_player": lambda: PassPlayer(step=9, selected="w 2 1 2"),
    "07_batch_stacker": lambda: BatchStacker(n=3, entry=[1, 2], times=TIMES, layer=[32, 64]),
    "08_graph_player": lambda: GraphPlayer("diamond", mode="reverse", step=8),
    "09_race": lambda: raced(32, 16, 3_150, [[0.1, 4.8, 5.2], [0.2, 3.8, 5.4], [0.5, 3.9, 6.2], [0.8, 3.9, 5.7]]),
    "10_depth_explorer": lambda: DepthExplorer(20, "tanh", 0.8, layer=12),
    "10_training_watch": lambda: trained(TrainingWatch("moons"), 60),
}


WAY = (
    "In class: answer cell, check, values, diagnosis, verdict. When graded: hand-in, graft, then answer cell, check "
    "and values in the sandbox; the solution in a sandbox of its own, with the same seed; comparison, diagnosis, "
    "gradebook."
)


def answered(id: str, mistake: str) -> AnswerWidget:
    """A typed exercise whose answer is a known mistake, with its verdict."""
    session = Session()
    session.name = "Ada Lovelace"
    declared = exercise(id)
    given = draw_cases(declared, seed_of(session.name, id))[0]
    wrong = next(m.wrong for m in declared.mistakes if m.name == mistake)
    widget = AnswerWidget(session, declared, given, wrong(*given.values()))
    widget.check()
    return widget


ANSWERS = {
    "answer_numbers": lambda: answered("jacobian-fill", "factor-two"),
    "answer_nodes": lambda: answered("needs-w2", "own-weight"),
}


FIGURES = {  # name -> chapter, what its cell calls last
    "figure_error_against_step": ("03_finite_differences", "Double precision: two V curves"),
    "figure_jacobians": ("04_jacobians", "plot_jacobians(patterns)"),
    "figure_map_on_grid": ("04_jacobians", "plot_map_on_grid(f, J, x"),
    "figure_passes": ("06_backpropagation", "plot_passes(W, z, a, delta)"),
    "figure_computation": ("08_graphs", "plot_computation(f)"),
    "figure_wrong_passes": ("10_training", "plot_wrong_passes(final"),
}
CLASS = "Ada Bo Cem Dora Emil Fay Gus Hana Ivo Jun Kim Lea Max Nia Oli Pia Quin Rex Sue Tom Uma Vic Wim Zoe"
TYPED = {  # what the class answers: None is right
    "jacobian_fill": [None, None, None, "transposed", "zero-not-left-blank", None],
    "jacobian_patterns": [None, None, "sum", "elementwise"],
    "jacobian_layout": [None, None, "our-order", "our-order", None],
    "bias_and_fork": [None, "transposed", None, "full-rows", None, None, None],
}
NUDGES = [("", ""), ("(2 * h)", "h"), ("", ""), ("", ""), ("zip(*J)", "J")]  # changes of numerical_jacobian
PAGES = {"feedback": ("feedback/Dora.html", 1280), "class": ("class.html", 1400)}  # the file, how much of it in pixels


def figure(chapter: str, call: str) -> bytes:
    """The picture that the saved lesson has below the cell with this call."""
    lesson = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4)
    (cell,) = (cell for cell in lesson.cells if cell.cell_type == "code" and call in cell.source)
    return next(base64.b64decode(out.data["image/png"]) for out in cell.outputs if "image/png" in out.get("data", {}))


def graded(folder: Path) -> Path:
    """A class with mistakes of all kinds, graded; the folder with the pages."""
    (folder / "in").mkdir()
    for k, name in enumerate(CLASS.split()):
        answers = {}
        for id, ways in TYPED.items():
            if mistake := ways[k % len(ways)]:
                answers[id] = submissions.wrong(id.replace("_", "-"), name, mistake)
        nudged = submissions.CODE["numerical-jacobian"].replace(*NUDGES[k % len(NUDGES)])
        paper = submissions.paper("04_jacobians", name, numerical_jacobian=nudged, **answers)
        (folder / "in" / f"{name}_04_jacobians.ipynb").write_text(json.dumps(paper), encoding="utf-8")
    grade(folder / "in", folder / "out", seed="a secret for one term", solutions=ROOT / "solutions")
    return folder / "out"


def way_of_an_answer() -> str:
    """The way of one answer, in class and when it is graded, as the text of an SVG."""
    parts: list[str] = []

    def station(x: float, y: float, name: str, *lines: str, width: float = 138, tone: str = base.QUIET) -> None:
        high = 30 + 16 * len(lines)
        parts.append(base.box(x, y, width, high, tone))
        parts.append(base.text(x + width / 2, y + 16, name, size=13 if width > 100 else 12, weight=600))
        parts.extend(
            base.text(x + width / 2, y + 35 + 16 * k, said, base.QUIET, size=11.5) for k, said in enumerate(lines)
        )

    def arrow(*points: tuple[float, float], tone: str = base.QUIET) -> None:
        parts.append(base.line(points, tone, 2))
        (u, v), (x, y) = points[-2:]
        c, s = np.array([x - u, y - v]) / np.hypot(x - u, y - v)
        parts.append(
            base.line([(x - 9 * c + 5 * s, y - 9 * s - 5 * c), (x, y), (x - 9 * c - 5 * s, y - 9 * s + 5 * c)], tone, 2)
        )

    def box_of_bubblewrap(y: float, name: str) -> None:
        corners = [(322, y - 34), (646, y - 34), (646, y + 62), (322, y + 62)]
        parts.append(base.line(corners, base.ERROR, 1.5, "6 5", close=True))
        parts.append(base.text(332, y - 20, name, base.ERROR, "start", 12, 600))
        for k, (what, where) in enumerate(
            (("answer cell", "its source"), ("check cell", "ours"), ("values", "as JSON"))
        ):
            station(334 + 104 * k, y, what, where, width=92)
        arrow((426, y + 23), (438, y + 23))
        arrow((530, y + 23), (542, y + 23))

    parts.append(base.text(20, 22, "In class: the student's own kernel", anchor="start", size=14, weight=600))
    top = 44
    station(20, top, "answer cell", "source,", "or a locked-in literal")
    station(200, top, "check", "exercises.session", "own numbers", tone=base.VALUE)
    station(380, top, "values", "exercises.values", "calls, records", tone=base.VALUE)
    station(560, top, "diagnosis", "exercises.diagnosis", "right? which mistake?", tone=base.VALUE)
    station(740, top, "verdict", "exercises.panel", "name, picture, hints", tone=base.VALUE)
    for x in (158, 338, 518, 698):
        arrow((x, top + 31), (x + 42, top + 31))

    parts.append(base.text(104, 172, "When it is graded", anchor="start", size=14, weight=600))
    row, below = 230, 370
    station(20, row - 8, "hand-in", "grading.intake,", "grading.submissions")
    station(176, row - 8, "graft", "grading.graft: only", "answers are taken", width=130)
    box_of_bubblewrap(row, "in the sandbox")
    station(662, row - 8, "comparison", "grading.engine:", "nbval, within tolerance", width=148)
    arrow((89, top + 62), (89, row - 8))
    arrow((158, row + 23), (176, row + 23))
    arrow((306, row + 23), (334, row + 23))
    arrow((634, row + 23), (662, row + 23))
    station(176, below - 8, "solution", "the instructor's", "notebook", width=130)
    box_of_bubblewrap(below, "in a sandbox of its own")
    arrow((306, below + 23), (334, below + 23))
    arrow((634, below + 23), (736, below + 23), (736, row + 54))
    parts.append(base.text(484, 313, "both with inputs from the same secret seed", base.QUIET, size=12))
    station(752, below - 8, "gradebook", "feedback, class,", "platforms", width=128)
    arrow((810, row + 23), (845, row + 23), (845, below - 8))
    parts.append(base.text(838, 313, "diagnosis", base.VALUE, "end", 12, 600))
    picture = base.svg(900, 446, *parts)
    return picture.replace("<svg ", f'<svg role="img" aria-label="{escape(WAY)}" ', 1)


def save(name: str, png: bytes, wide: int) -> None:
    """Write a picture, no wider than so many pixels, in the colours that it has most of, no two of them alike."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if picture.width > wide:
        picture = picture.resize((wide, round(picture.height * wide / picture.width)), Image.Resampling.LANCZOS)
    pixels = np.asarray(picture)
    colours, which, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    palette = np.empty((0, 3), int)  # without the shades between ink and paper, which would take all places of the rest
    for colour in colours[np.argsort(-counts, kind="stable")]:
        if len(palette) < COLOURS and (np.abs(palette - colour).sum(axis=1) >= ALIKE).all():
            palette = np.vstack([palette, colour])
    nearest = [np.argmin(np.abs(palette - colour).sum(axis=1)) for colour in colours]
    picture = Image.fromarray(np.array(nearest, np.uint8)[which].reshape(pixels.shape[:2]), "P")
    picture.putpalette(palette.ravel().tolist())
    picture.save(OUT / f"{name}.png", optimize=True)
    print(f"{name}.png: {picture.width} x {picture.height}, {(OUT / f'{name}.png').stat().st_size >> 10} kB")


def shoot_widget(page: Page, name: str, make: Callable[[], AnyWidget], width: int) -> None:
    """A widget alone in a page, in both themes."""
    for dark in (False, True):
        bench = Bench(page)
        bench.show(make(), width=width, dark=dark)
        page.wait_for_timeout(400)  # until what moves has come to rest
        box = page.locator("main").bounding_box()
        clip = {"x": 0, "y": 0, "width": width + 32, "height": box["y"] + box["height"] + 8}
        save(f"{name}{'_dark' * dark}", page.screenshot(clip=clip, full_page=True), round(SCALE * (width + 32)))
        if bench.errors:
            sys.exit(f"{name}: {bench.errors[0]}")


def shoot_page(page: Page, name: str, path: Path, high: int) -> None:
    """The upper part of a page of grading, in both themes."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": WIDTH, "height": high})
        page.goto(path.as_uri())
        save(f"{name}{'_dark' * (theme == 'dark')}", page.screenshot(), round(SCALE * WIDTH))


def main(names: list[str]) -> None:
    """Make the pictures of these names, or all."""
    everything = ["way_of_an_answer", *EXPLORABLES, *ANSWERS, *FIGURES, *PAGES]
    if unknown := set(names) - set(everything):
        sys.exit(f"expected names of {', '.join(everything)}, got {', '.join(sorted(unknown))}")
    names = names or everything
    OUT.mkdir(exist_ok=True)
    if "way_of_an_answer" in names:
        (OUT / "way_of_an_answer.svg").write_text(way_of_an_answer() + "\n", encoding="utf-8")
    for name in filter(FIGURES.get, names):
        save(name, figure(*FIGURES[name]), WIDTH)
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    flags = [*FLAGS[:-2], *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        chromium = playwright.chromium.launch(executable_path=program, args=flags)
        page = chromium.new_page(device_scale_factor=SCALE, reduced_motion="reduce")
        for name, make in (EXPLORABLES | ANSWERS).items():
            if name in names:
                shoot_widget(page, name, make, WIDTH if name in EXPLORABLES else 820)
        if any(name in PAGES for name in names):
            out = graded(Path(scratch))
            for name in filter(PAGES.get, names):
                shoot_page(page, name, out / PAGES[name][0], PAGES[name][1])
        chromium.close()


if __name__ == "__main__":
    main(sys.argv[1:])
