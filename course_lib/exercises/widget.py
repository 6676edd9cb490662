"""The answer widgets: what a student fills in, what a reader predicts, and the progress line. State lives in traits.

The page draws and takes the keys (answer.js) and sends the draft; Python judges it and writes the verdict into a trait.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets as t

from course_lib.exercises import panel
from course_lib.exercises.declaration import Ask, Exercise, value_of
from course_lib.exercises.outcomes import NotAttempted
from course_lib.exercises.values import Misfit, words
from course_lib.explorables import _base as svg

if TYPE_CHECKING:
    from course_lib.exercises.predictions import Prediction
    from course_lib.exercises.session import Session

_HERE = Path(__file__).parent


class _Widget(svg.StillWidget):
    _esm = svg.module("answer", _HERE)
    _css = svg.COLOURS + (_HERE / "answer.css").read_text(encoding="utf-8")
    kind = t.Unicode().tag(sync=True)

    def page(self) -> str:
        """The sentence, HTML."""
        return f"<p>{panel.simple(self.sentence())}</p>"


class AnswerWidget(_Widget):
    """The widget of one typed exercise.

    draft    : what is filled in, JSON: [num] rows of texts; [choice], [order] keys; [path] paths, edges or nodes
    touched  : whether it was changed since the cell was run
    verdict  : {"html", "line"}, what Check said last
    question : what the page needs to draw the question
    """

    question = t.Dict().tag(sync=True)
    draft = t.List().tag(sync=True)
    touched = t.Bool(False).tag(sync=True)
    locked = t.Bool(False).tag(sync=True)
    verdict = t.Dict().tag(sync=True)

    def __init__(self, session: Session, exercise: Exercise, given: dict[str, Any], answer: Any = ...) -> None:
        self.session, self.exercise, self.given, self.started_from = session, exercise, given, answer
        ask = ask_of(exercise, given)
        draft = to_draft(exercise, ask, answer)
        super().__init__(
            kind=exercise.kind,
            question=question(exercise, given, ask),
            draft=draft,
            locked=answer is not Ellipsis,
            verdict={"html": panel.ladder(exercise), "line": ""},
        )
        self.shape, self.checks = ask.shape, 0
        self.on_msg(lambda _, content, __: self.receive(content))

    def receive(self, content: dict[str, Any]) -> None:
        """Take a message of the page: {"draft": [...]} when it was changed, {"check": true} when Check was pressed."""
        if isinstance(content.get("draft"), list):
            self.draft, self.touched = content["draft"], True
        if content.get("check"):
            self.check()

    def value(self) -> Any:
        """The answer that the draft stands for, `...` where nothing is filled in; blanks of a matrix are `...`."""
        return from_draft(self.exercise.kind, self.shape, self.draft)

    def sentence(self) -> str:
        """One line that is the same on every machine."""
        todo = "fill in, then run this cell again" if self.started_from is ... else "locked in"
        return f"{self.exercise.id}: {todo}"

    def page(self) -> str:
        """The question, with the answer where one is locked in."""
        ask = ask_of(self.exercise, self.given)
        form = {"num": _entries, "choice": _cards, "order": _order, "path": _graph}[self.exercise.kind](ask, self.draft)
        todo = "Run the first cell of the notebook and this one to fill in the answer."
        note = "This answer is locked in: it stands in the cell." if self.locked else todo
        return f"{self.question['html']}{form}<p><em>{note}</em></p>"

    def check(self) -> None:
        """Judge the draft, and show the verdict."""
        id = self.exercise.id
        outcome, record = self.session.judge(id, self.value())
        html = panel.verdict(self.exercise, outcome, [self.given], record, self.session.attempts.get(id, 0))
        self.checks += 1
        self.verdict = {"html": html, "line": outcome.line(), "number": self.checks}


class ProgressWidget(_Widget):
    """The progress line of a chapter: a mark for each exercise, the points so far."""

    items = t.List().tag(sync=True)
    heading = t.Unicode().tag(sync=True)

    def __init__(self, session: Session) -> None:
        super().__init__(kind="progress")
        self.update(session)

    def update(self, session: Session) -> None:
        """Take what is known of the chapter's exercises from the session."""
        from course_lib.exercises import chapters, exercises_of

        self._line = _constant_line(session.stated)  # an output that is compared must not depend on the front end
        found = exercises_of(session.chapter) if session.chapter in chapters() else ()
        self.heading = f"Chapter {session.chapter}" if found else self._line
        outcomes = [(e, session.outcomes.get(e.id, NotAttempted())) for e in found]
        self.items = [
            {"title": e.title, "points": e.points, "got": e.points * outcome.score, "state": outcome.kind}
            for e, outcome in outcomes
        ]

    def sentence(self) -> str:
        """The constant line: how many exercises and points there are."""
        return self._line


def _constant_line(chapter: str) -> str:
    from course_lib.exercises.session import progress_text

    return progress_text(chapter)


class PredictionWidget(_Widget):
    """The options of a question of the lesson. ``chosen`` is the number of the one chosen, -1 before."""

    options = t.List(t.Unicode()).tag(sync=True)
    right = t.Int().tag(sync=True)
    because = t.Unicode().tag(sync=True)
    chosen = t.Int(-1).tag(sync=True)

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction
        super().__init__(
            kind="predict",
            options=[panel.simple(option) for option in prediction.options],
            right=prediction.options.index(prediction.right),
            because=panel.simple(prediction.because),
        )

    def sentence(self) -> str:
        """The options in one line."""
        return "What do you expect? " + " | ".join(map(panel.plain, self.prediction.options))

    def page(self) -> str:
        """The options, and the answer to open, without a script."""
        options = "".join(f"<li>{option}</li>" for option in self.options)
        truth = f"{self.options[self.right]}. {self.because}"
        answer = f"<details><summary>After the next cell: what is true</summary>{truth}</details>"
        return f"<p>What do you expect?</p><ul>{options}</ul>{answer}"


# --------------------------------------------------------------------------- the question
def ask_of(exercise: Exercise, given: dict[str, Any]) -> Ask:
    """What a typed exercise asks with these numbers. Raises ValueError for an exercise that asks for a function."""
    if exercise.ask is None:
        raise ValueError(f"{exercise.id!r} asks for a function, not for a typed answer")
    return value_of(exercise.ask, given)


def question(exercise: Exercise, given: dict[str, Any], ask: Ask) -> dict[str, Any]:
    """The question as JSON-able data for the page: the head as HTML, the rest as what there is to choose from."""
    return {
        "title": exercise.title,
        "html": question_html(exercise, ask),
        "shape": list(ask.shape),
        "rows": [panel.simple(r) for r in ask.rows],
        "columns": [panel.simple(c) for c in ask.columns],
        "options": [
            {"key": key, "html": panel.simple(text), "tiles": _tiles(ask.patterns[key]) if key in ask.patterns else []}
            for key, text in ask.options.items()
        ],
        "several": exercise.kind == "choice" and _several(exercise, given),
        "nodes": [{"name": name, "x": float(x), "y": float(y)} for name, (x, y) in ask.nodes.items()],
        "edges": [{"from": a, "to": b, "label": panel.plain(label)} for a, b, label in ask.edges],
        "pick": ask.pick,
        "start": ask.start,
        "end": ask.end,
    }


def _entries(ask: Ask, draft: list[Any]) -> str:
    """The entries of a [num] question as a table: boxes, empty or filled in."""
    cell = 'style="border:1px solid;min-width:4em;padding:2px 8px;text-align:right;background:none"'
    head = 'style="border:none;font-weight:normal;padding:2px 8px;text-align:left;background:none"'
    rows = ["".join(f"<td {cell}>{_shortened(str(v))}</td>" for v in row) for row in draft]
    if len(ask.rows) == len(rows):
        rows = [f'<th scope="row" {head}>{panel.simple(r)}</th>{row}' for r, row in zip(ask.rows, rows, strict=True)]
    if ask.columns:
        top = "".join(f'<th scope="col" {head}>{panel.simple(c)}</th>' for c in ask.columns)
        rows = [f"<td {head}></td>{top}" if ask.rows else top, *rows]
    caption = '<caption style="caption-side:top;text-align:left">The answer</caption>'
    body = "".join(f'<tr style="background:none">{row}</tr>' for row in rows)
    style = "border-collapse:collapse;border:none;width:auto;margin:6px 0"
    return f'<table style="{style}">{caption}<tbody>{body}</tbody></table>'


def _shortened(text: str) -> str:
    """An entry as HTML: six digits of a number that was computed, which differs in its last ones between machines."""
    value = to_number(text)
    return escape(text if value is None or len(text) < 9 else _entry(value)) or "&nbsp;"


def _cards(ask: Ask, draft: list[Any]) -> str:
    """The options of a [choice] question as a list, the chosen ones with a mark."""
    return _list(ask, list(ask.options), "✓ ", set(draft))


def _order(ask: Ask, draft: list[Any]) -> str:
    """The items of an [order] question as a list, in the order that was settled on."""
    return _list(ask, draft or list(ask.options))


def _list(ask: Ask, keys: list[str], mark: str = "", chosen: Iterable[str] = ()) -> str:
    items = (
        f"<li>{mark if key in chosen else ''}<b>{key}</b> {panel.simple(ask.options[key])}{_pattern_of(ask, key)}</li>"
        for key in keys
    )
    return f'<ul style="list-style:none;padding-left:1em">{"".join(items)}</ul>'


def _pattern_of(ask: Ask, key: str) -> str:
    """The pattern that an option shows, as a small table; "" where it shows none."""
    if key not in ask.patterns:
        return ""
    cell = 'style="border:1px solid;min-width:2em;padding:0 4px;text-align:center;background:none"'
    rows = ("".join(f"<td {cell}>{_entry(v) if v else ''}</td>" for v in row) for row in _tiles(ask.patterns[key]))
    body = "".join(f'<tr style="background:none">{row}</tr>' for row in rows)
    return f'<table style="border-collapse:collapse;width:auto;margin:2px 0 8px"><tbody>{body}</tbody></table>'


def _graph(ask: Ask, draft: list[Any]) -> str:
    """The graph of a [path] question as an image, whose alternative text names the links, and what is chosen."""
    x, y = np.array(list(ask.nodes.values()), float).T
    gaps = [np.diff(np.unique(v.round(3))).min(initial=np.inf) for v in (x, y)]
    wide, high = (110 * min(1 / gap if np.isfinite(gap) else 0.0, 5.0) for gap in gaps)
    high = min(high, 240 / max(np.ptp(y), 1e-9))
    place = {n: (40 + wide * (u - x.min()), 40 + high * (v - y.min())) for n, u, v in zip(ask.nodes, x, y, strict=True)}
    links = [(place[a], place[b], panel.plain(label)) for a, b, label in ask.edges]
    tips = [_tip(np.array(a), np.array(b)) for a, b, _ in links]
    middles = [(0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]), label) for a, b, label in links if label]
    drawn = svg.svg(
        *(max(v) + 40 for v in zip(*place.values(), strict=True)),
        *(svg.line([a, b], svg.QUIET) for a, b, _ in links),
        *tips,
        *(svg.text(u, v, label, halo=True) for u, v, label in middles),
        *(svg.circle(*at, 20, svg.QUIET) + svg.text(*at, _written(n)) for n, at in place.items()),
    )
    words = "Links: " + ", ".join(f"{a} to {b}" + (f" ({panel.plain(w)})" if w else "") for a, b, w in ask.edges)
    source = base64.b64encode(drawn.encode()).decode()
    image = f'<p><img alt="{escape(words)}" src="data:image/svg+xml;base64,{source}" style="max-width: 100%"></p>'
    return image + (f"<p>Chosen: {escape(', '.join(draft))}</p>" if draft else "")


def _written(name: str) -> str:
    """The name of a node, the number of a layer raised and any other lowered, as in answer.js."""
    raised = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    return name.translate(raised) if name[0] in "Wbazδ" else svg.subscript(name)


def _tip(a: np.ndarray, b: np.ndarray) -> str:
    """The head of an arrow from a to b, at the rim of the node there."""
    along = (b - a) / np.linalg.norm(b - a)
    across, end = 4.5 * along[::-1] * [-1, 1], b - 21 * along
    return svg.line([end - 10 * along + across, end, end - 10 * along - across], svg.QUIET, 2)


def _several(exercise: Exercise, given: dict[str, Any]) -> bool:
    """Whether several options may be chosen: where the right answer or a known mistake does."""
    functions = [exercise.right, *(m.wrong for m in exercise.mistakes)]
    return any(len(words(value_of(f, given), "choice")) > 1 for f in functions)


def _tiles(pattern: Any) -> list[list[float]]:
    return [[float(v) for v in row] for row in np.atleast_2d(np.asarray(pattern, float))]


def question_html(exercise: Exercise, ask: Ask) -> str:
    """The question and what is given, as HTML that needs no style sheet."""
    given = "".join(_matrix(label, value) for label, value in ask.given.items())
    head = f'<p style="margin:0 0 6px">{panel.simple(ask.text)}</p>'
    return head + (f'<div style="margin:0 0 8px">{given}</div>' if given else "")


def _matrix(label: str, value: Any) -> str:
    name = f'<span style="vertical-align:middle">{panel.simple(label)} = </span>'
    if isinstance(value, str) or np.ndim(value) == 0:
        body = panel.simple(value if isinstance(value, str) else _entry(value))
        return f'<span style="margin-right:24px;white-space:nowrap">{name}{body}</span>'
    rows = np.asarray(value)
    rows = rows.reshape(-1, 1) if rows.ndim == 1 else rows
    cell = "padding:1px 6px;text-align:right;border:none;background:none;white-space:nowrap"
    texts = zip(*map(_aligned, rows.T), strict=True)
    cells = ["".join(f'<td style="{cell}">{text}</td>' for text in row) for row in texts]
    side = '<td rowspan="{}" style="border:1.5px solid;border-{}:none;width:6px;padding:0;background:none"></td>'
    cells[0] = f"{side.format(len(cells), 'right')}{cells[0]}{side.format(len(cells), 'left')}"
    table = "".join(f'<tr style="background:none">{row}</tr>' for row in cells)
    style = "display:inline-table;vertical-align:middle;border:none;border-collapse:separate;border-spacing:0;"
    style += "margin:2px 0;width:auto"
    return (
        f'<span style="display:inline-block;margin:0 24px 4px 0;white-space:nowrap">{name}'
        f'<table style="{style}"><tbody>{table}</tbody></table></span>'
    )


def _aligned(column: np.ndarray | list[float]) -> list[str]:
    """The entries of a column, numbers with one count of decimals, so that the points stand below each other.

    >>> _aligned([0.25, 1, -3]), _aligned([2, 10])
    (['0.25', '1.00', '−3.00'], ['2', '10'])
    """
    texts = [_entry(v) for v in column]
    if any(text.strip("−.0123456789") for text in texts):
        return texts
    decimals = max(len(text.partition(".")[2]) for text in texts)
    return [f"{v:.{decimals}f}".replace("-", "−") for v in column]


def _entry(value: Any) -> str:
    return (
        f"{value:.6g}".replace("-", "\u2212")
        if isinstance(value, (int, float, np.number))
        else panel.simple(str(value))
    )


def question_text(exercise: Exercise, given: dict[str, Any], answer: Any = ...) -> str:
    """The question for a terminal, with the line that answers it."""
    ask = ask_of(exercise, given)
    lines = [f"{exercise.title}. {panel.plain(ask.text)}"]
    for label, value in ask.given.items():
        lines.append(f"  {panel.plain(label)} = {np.asarray(value).tolist() if np.ndim(value) else value}")
    for key, option in ask.options.items():
        tiles = f"  {np.asarray(ask.patterns[key]).tolist()}" if key in ask.patterns else ""
        lines.append(f"  {key}: {panel.plain(option)}{tiles}")
    if ask.edges:
        links = [f"{a} > {b}" + (f" ({label})" if label else "") for a, b, label in ask.edges]
        lines.append("  links: " + ", ".join(links))
    if answer is Ellipsis:
        lines.append(f'Answer with  {exercise.answer} = lock_in("{exercise.id}", {_pattern(exercise, ask)})')
    return "\n".join(lines)


def _pattern(exercise: Exercise, ask: Ask) -> str:
    """What an answer looks like: blanks in the right shape."""
    if exercise.kind == "num":
        return str(np.full(ask.shape, "...").tolist()).replace("'", "")
    if exercise.kind == "path":
        return {"paths": '["x1 > h1 > y1", ...]', "edges": '["x1 > h1", ...]', "nodes": '["h1", ...]'}[ask.pick]
    keys = list(ask.options)
    return f'"{" ".join(keys if exercise.kind == "order" else keys[:1])}"'


# --------------------------------------------------------------------------- draft and value
def to_number(text: str) -> float | None:
    """The number that a text stands for: 1/4, -0.5, 1e-3, with a decimal comma or a long minus; None if none.

    >>> to_number("1/4"), to_number("\u22120,5"), to_number("1e-3"), to_number("x")
    (0.25, -0.5, 0.001, None)
    """
    text = text.strip().replace("\u2212", "-").replace(" ", "").replace(",", ".")
    one = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
    found = re.fullmatch(rf"({one})(?:/({one}))?", text)
    if not found:
        return None
    below = float(found[2] or 1)
    return float(found[1]) / below if below else None


def to_text(value: Any) -> str:
    """How a number stands in an entry: 2, -0.5, 1/3.

    >>> to_text(2.0), to_text(1 / 3), to_text(0.1)
    ('2', '1/3', '0.1')
    """
    if value is Ellipsis or value is None:
        return ""
    value = float(value)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    short = repr(value)
    if len(short) > 12:
        for q in range(2, 1000):
            if (p := round(value * q)) / q == value:
                return f"{p}/{q}"
    return short


def to_draft(exercise: Exercise, ask: Ask, answer: Any) -> list[Any]:
    """The draft that shows an answer; an answer that does not fit the question leaves it blank."""
    if exercise.kind == "num":
        shape = ask.shape if len(ask.shape) == 2 else (*ask.shape, 1) if ask.shape else (1, 1)
        blank = [[""] * shape[1] for _ in range(shape[0])]
        if answer is Ellipsis:
            return blank
        try:
            table = np.array(answer.tolist() if hasattr(answer, "tolist") else answer, dtype=object).reshape(shape)
            return [[to_text(v) for v in row] for row in table]
        except (ValueError, TypeError):
            return blank
    if answer is Ellipsis:
        return []
    try:
        chosen = list(words(answer, exercise.kind, ask.options))
    except Misfit:
        return []
    known = {key.casefold(): key for key in ask.options}
    return chosen if exercise.kind == "path" else [known[key] for key in chosen if key in known]


def from_draft(kind: str, shape: tuple[int, ...], draft: list[Any]) -> Any:
    """The answer that a draft stands for, `...` where it is blank."""
    if kind != "num":
        texts = [str(v) for v in draft]
        return ... if not texts else texts if kind == "path" else " ".join(texts)
    rows = [[to_number(str(v)) for v in row] for row in draft]
    if all(v is None for row in rows for v in row):
        return ...
    table = [[... if v is None else v for v in row] for row in rows]
    if not shape:
        return table[0][0]
    return table if len(shape) == 2 else [row[0] for row in table]
