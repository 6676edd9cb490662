"""The verdict panel: a sentence, the picture of the difference, the ladder of hints, as HTML that needs no script.

It is made of what JupyterLab's sanitiser keeps (inline styles, tables, details), takes its colours from the page, and
says nothing by colour alone. `text` is the same for a terminal.
"""

from __future__ import annotations

import base64
import html
import json
import math
import re
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from course_lib._colours import BOTH, LIGHT
from course_lib.exercises import outcomes as o
from course_lib.exercises.declaration import Exercise, value_of
from course_lib.exercises.diagnosis import parts_of
from course_lib.exercises.values import Map, Misfit, close, decode, named_parts, scale_of, words

NUMBERS = 10  # up to so many rows and columns the tiles carry numbers, as in the figures
LINE, ROW = 8, 40  # a single row is broken into lines of at most so many entries; so many around the worst are shown
TILES = 120  # larger arrays become a picture, of a window of at most so many around the worst entry

_MARK = {"correct": "\u2713", "not-attempted": "\u25cb", "failed": "\u26a0"}  # else a pencil: go on working
_EDGE = {"correct": BOTH["green"], "not-attempted": BOTH["quiet"], "failed": BOTH["orange"]}


def verdict(
    exercise: Exercise,
    outcome: o.Outcome,
    inputs: Sequence[dict[str, Any]],
    record: dict[str, Any],
    attempts: int = 1,
) -> str:
    """The panel of one check, HTML. The ladder's last step is the solution, there after an attempt only."""
    body = [_sentence(exercise, outcome)]
    if isinstance(outcome, o.Mistake) and outcome.hint:
        body.append(f'<div style="margin-top:4px">{simple(outcome.hint)}</div>')
    if outcome.kind not in ("correct", "not-attempted"):
        body.append(_picture(exercise, outcome, inputs, record))
    if outcome.kind != "correct":
        body.append(ladder(exercise, inputs, solution=attempts > 0 and outcome.kind != "not-attempted"))
    if outcome.kind not in ("correct", "not-attempted"):
        body.append(_tried(exercise, outcome, inputs))
    edge = _EDGE.get(outcome.kind, BOTH["blue"])
    style = f"border-left:4px solid {edge};padding:6px 0 6px 12px;margin:4px 0;line-height:1.5;max-width:900px"
    return f'<div class="crx-panel" style="{style}">{"".join(body)}</div>'


def text(exercise: Exercise, outcome: o.Outcome) -> str:
    """The lines of the same verdict for a terminal."""
    lines = [f"{exercise.id}: {outcome.line()}"]
    if isinstance(outcome, o.Mistake) and outcome.hint:
        lines.append(f"  {outcome.hint}")
    if outcome.kind == "correct":
        lines[0] += f" {_points(exercise.points)}."
    else:
        lines.append(f'  hint("{exercise.id}") gives a hint.')
    return "\n".join(lines)


def solution_of(id: str) -> str:
    """The source of the course's own answer, or "" where it has not been built or is not there."""
    return _solutions().get(id, "")


@cache
def _solutions() -> dict[str, str]:
    source = files(__package__) / "solutions.json"
    return json.loads(source.read_text(encoding="utf-8")) if source.is_file() else {}


# --------------------------------------------------------------------------- sentence and hints
def _e(text: Any) -> str:
    return html.escape(str(text))


def _said(text: str) -> str:
    """A text as HTML: escaped, and code where it stands between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def simple(text: str) -> str:
    """Text of a declaration as HTML: escaped, but for `code` and for sub, sup, b, i, em, strong, code and br.

    >>> simple("x<sub>1</sub> < `<script>`")
    'x<sub>1</sub> &lt; <code>&lt;script&gt;</code>'
    """
    return re.sub(r"&lt;(/?(?:sub|sup|b|i|em|strong|code|br))&gt;", r"<\1>", _said(text))


def plain(text: str) -> str:
    """The same text for a terminal.

    >>> plain("W<sup>2</sup> a<sub>1</sub>")
    'W^2 a_1'
    """
    text = re.sub(r"<sub>(.*?)</sub>", r"_\1", re.sub(r"<sup>(.*?)</sup>", r"^\1", text))
    return html.unescape(re.sub(r"</?(?:b|i|em|strong|code|br)>", "", text))


def _points(points: int) -> str:
    return f"{points} point{'' if points == 1 else 's'}"


def _sentence(exercise: Exercise, outcome: o.Outcome) -> str:
    mark = _MARK.get(outcome.kind, "\u270e")
    line = _said(outcome.line())
    first, rest = [*line.split(":", 1), ""][:2] if line.startswith("Not ") and ":" in line else (line, "")
    rest = rest.strip()
    word = re.match(r"(?!db )([a-z]{2,}|a)(?= )", rest)  # dW, x1 and values[2] are names
    rest = rest[:1].upper() + rest[1:] if word else rest
    worth = _points(exercise.points) if outcome.kind == "correct" else f"worth {_points(exercise.points)}"
    points = "" if outcome.earned else f' <span style="opacity:0.75;white-space:nowrap">({worth})</span>'
    return (
        f'<div><span style="font-size:110%">{mark}</span> <strong>{first.rstrip(":")}{"." if rest else ""}</strong> '
        f"{rest}{points}</div>"
    )


def ladder(exercise: Exercise, inputs: Sequence[dict[str, Any]] = (), solution: bool = False) -> str:
    """The hints, each inside the one before, and at the bottom the solution."""
    inner = _solution(exercise, inputs) if solution else ""
    names = ("A hint", "Another hint", "The formula")
    for k in (2, 1, 0):
        inner = _details(names[k], f"<div>{simple(exercise.hints[k])}</div>{inner}")
    return inner


# Code keeps its lines and scrolls; Jupyter breaks the lines of an output anywhere.
_PRE = "margin:4px 0;padding:8px;overflow-x:auto;word-break:normal;overflow-wrap:normal"


def _details(summary: str, body: str) -> str:
    return (
        f'<details style="margin-top:6px"><summary style="cursor:pointer">{summary}</summary>'
        f'<div style="margin:4px 0 0 16px">{body}</div></details>'
    )


def _solution(exercise: Exercise, inputs: Sequence[dict[str, Any]]) -> str:
    """The last step of the ladder; none in a copy of the course whose solutions were taken out."""
    if not _solutions():
        return ""
    source, body = solution_of(exercise.id), ""
    if exercise.kind != "code" and inputs:
        value = value_of(exercise.right, inputs[0])
        ask = value_of(exercise.ask, inputs[0]) if exercise.ask else None
        if exercise.kind == "num":
            pictures = [_grid(np.asarray(v, float), p or "the answer") for p, v in _parts(exercise, value).items()]
            body += _side_by_side(pictures)
        elif ask and ask.options:
            keys = words(value, exercise.kind)
            named = [key for key in keys if key not in ask.patterns]
            body += "".join(f"<div><strong>{_e(key)}</strong> {simple(ask.options[key])}</div>" for key in named)
            body += _side_by_side([_grid(np.asarray(ask.patterns[k], float), k) for k in keys if k in ask.patterns])
        else:
            body += f"<div><strong>{_e(', '.join(words(value, exercise.kind)))}</strong></div>"
    if source:
        body += f'<pre style="{_PRE};white-space:pre">{_e(source.rstrip())}</pre>'
    return _details("The solution", body) if body else ""


def _parts(exercise: Exercise, value: Any) -> dict[str, np.ndarray]:
    return named_parts(value, exercise.parts)


# --------------------------------------------------------------------------- the picture of the difference
def _picture(exercise: Exercise, outcome: o.Outcome, inputs: Sequence[dict[str, Any]], record: dict[str, Any]) -> str:
    """Came, expected and their gap as heat maps; for typed answers only which entries are off."""
    case = getattr(outcome, "case", 0)
    if exercise.kind not in ("code", "num") or outcome.kind in ("failed", "wrong-type"):
        return ""
    try:
        answer = decode(record["cases"][case])
        came, right = parts_of(exercise, inputs[case], answer)
    except (Misfit, ValueError, KeyError, IndexError, TypeError):
        return _shapes(exercise, outcome, inputs, record)
    off = {p: ~close(came[p], right[p], exercise.rtol, exercise.atol) for p in right}
    quotient = isinstance(outcome, o.Mistake) and outcome.name == "finite-difference"
    wrong = [p for p in right if off[p].any()] or ([max(right)] if quotient else [])
    pictures = []
    for part in wrong[:3]:
        if right[part].size == 1 and (exercise.kind == "num" or exercise.measure):
            continue
        x, y = _real(came[part]), _real(right[part])
        gap = np.where(off[part] | quotient, x - y, 0.0)
        worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(_size(gap))), gap.shape))
        if exercise.kind == "num":
            pictures.append(
                _grid(x, f"{part or 'yours'}, ✗ where it is off", off=off[part], labels=_labels(exercise, inputs))
            )
        else:
            scale = max(scale_of(x), scale_of(y))
            trio = [
                _grid(x, f"{part + ', ' if part else ''}yours", worst, scale=scale),
                _grid(y, "expected", worst, scale=scale),
                _grid(gap, "gap", worst, scale=float(np.max(_size(gap), initial=0.0)) or 1.0),
            ]
            pictures.append(_side_by_side(trio))
    more = len(wrong) - 3
    tail = (
        f"<div>and {more} more part{'s' if more > 1 else ''} that differ{'' if more > 1 else 's'}</div>"
        if more > 0
        else ""
    )
    return "".join(pictures) + (tail if pictures else "")


def _shapes(exercise: Exercise, outcome: o.Outcome, inputs: Sequence[dict[str, Any]], record: dict[str, Any]) -> str:
    """What came, where its shape does not allow a gap to be drawn."""
    case = getattr(outcome, "case", 0)
    try:
        answer = decode(record["cases"][case])
        shown = {"yours": np.asarray(answer, float)} if not exercise.parts else {}
        if exercise.kind == "code" and shown:
            right = value_of(exercise.right, inputs[case])
            shown["expected"] = np.asarray(right, float)
        scale = max((scale_of(v) for v in shown.values()), default=1.0)
        return _side_by_side([_grid(v, name, scale=scale) for name, v in shown.items() if 0 < v.ndim <= 2 and v.size])
    except (ValueError, TypeError, KeyError, IndexError):
        return ""


def _real(array: np.ndarray) -> np.ndarray:
    return np.abs(array) if array.dtype.kind == "c" else array.astype(float)


def _size(gap: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.abs(gap), nan=np.inf, posinf=np.inf)


def _labels(exercise: Exercise, inputs: Sequence[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ask = value_of(exercise.ask, inputs[0]) if exercise.ask else None
    return (ask.rows, ask.columns) if ask else ((), ())


def _side_by_side(pictures: Sequence[str]) -> str:
    cells = "".join(
        f'<div style="display:inline-block;vertical-align:top;margin:6px 20px 2px 0">{p}</div>' for p in pictures
    )
    return f"<div>{cells}</div>" if cells else ""


def _grid(
    array: np.ndarray,
    caption: str,
    worst: tuple[int, ...] | None = None,
    off: np.ndarray | None = None,
    scale: float | None = None,
    labels: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
) -> str:
    """One array as tiles, blue for plus, orange for minus as in the figures: numbers, or a picture where it is large.

    worst is outlined; off marks what is wrong in a typed answer, which then has no heat; labels are of rows, columns.
    A long row is broken into lines, every entry under its label or its index.
    """
    table = np.atleast_2d(array) if array.ndim <= 1 else array.reshape(array.shape[0], -1)
    table = table.T if array.ndim == 1 and labels[0] else table
    at = (0, 0, *worst)[-2:] if worst is not None else None
    size = f" ({' × '.join(map(str, array.shape))})" if array.ndim else ""
    scale = scale or scale_of(table)
    if max(table.shape) > NUMBERS and min(table.shape) > 1:
        return _picture_of(table, caption + size, at, scale)
    wrong = np.full(table.shape, None) if off is None else np.reshape(off, table.shape)
    rows, columns = (names if len(names) == n else () for names, n in zip(labels, table.shape, strict=True))
    tiles = [
        [_tile(float(v), scale, (i, j) == at, wrong[i, j]) for j, v in enumerate(row)] for i, row in enumerate(table)
    ]
    lines = []
    if table.size > LINE and min(table.shape) == 1:
        start = _window(table.size, max(at or (0,)), ROW)
        stop = min(start + ROW, table.size)
        names = rows or columns or [str(k) for k in range(table.size)]
        row = [tile for row in tiles for tile in row]
        long = math.ceil((stop - start) / math.ceil((stop - start) / LINE))
        for k in range(start, stop, long):
            part = slice(k, min(k + long, stop))
            lines += ["".join(_head(name, "col") for name in names[part]), "".join(row[part])]
        size += f", entries {start} to {stop - 1}" if stop - start < table.size else ""
    else:
        lines += [("<td></td>" if rows else "") + "".join(_head(c, "col") for c in columns)] if columns else []
        lines += [(_head(rows[i], "row") if rows else "") + "".join(row) for i, row in enumerate(tiles)]
    body = "".join(f'<tr style="background-color:transparent">{line}</tr>' for line in lines)
    cap = f'<caption style="caption-side:top;{_CAPTION}">{_e(caption + size)}</caption>'
    return f'<table style="{_TABLE}">{cap}<tbody>{body}</tbody></table>'


_TABLE = "border-collapse:separate;border-spacing:2px;border:none;margin:0;width:auto;table-layout:auto;font-size:90%"
_CAPTION = "white-space:nowrap;text-align:left;padding:0 0 2px 2px;opacity:0.85"
_HEAD = "font-weight:normal;text-align:center;padding:1px 6px;border:none"


def _head(text: str, scope: str) -> str:
    return f'<th scope="{scope}" style="{_HEAD}">{simple(text)}</th>'


def _tile(value: float, scale: float, worst: bool, wrong: bool | None) -> str:
    *rgb, alpha = _colour(value, scale)
    if wrong is not None:
        rgb, alpha = ([*_rgb("orange")], 0.25) if wrong else ([128, 128, 128], 0.12)
    edge = "2px solid" if worst or wrong else "2px solid rgba(128,128,128,0.15)"
    style = f"background-color:rgba({','.join(map(str, rgb))},{alpha:.2f});border:{edge};{_CELL}"
    return f'<td style="{style}">{_e(o.number(value, 3))}{" ✗" if wrong else ""}</td>'


_CELL = "padding:2px 7px;text-align:right;white-space:nowrap"


def _colour(value: float, scale: float) -> tuple[int, int, int, float]:
    """Red, green, blue and how opaque, over the page's own colour, so that it suits light and dark."""
    if not np.isfinite(value):
        return 128, 128, 128, 0.4
    return (*_rgb("blue" if value > 0 else "orange"), 0.7 * min(abs(value) / scale, 1.0))


def _rgb(name: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(LIGHT[name][1:])
    return red, green, blue


def _picture_of(table: np.ndarray, caption: str, at: tuple[int, ...] | None, scale: float) -> str:
    """A large array as a picture: a window of at most TILES rows and columns that holds the worst entry."""
    starts = [_window(n, at[k] if at else 0, TILES) for k, n in enumerate(table.shape)]
    window = table[starts[0] : starts[0] + TILES, starts[1] : starts[1] + TILES]
    side = max(2, min(16, 240 // max(window.shape)))
    pixels = np.array([[_colour(float(v), scale) for v in row] for row in window])
    pixels[pixels[..., 3] < 0.06] = (128, 128, 128, 0.06)
    pixels[..., 3] *= 255
    pixels = np.pad(pixels.astype(np.uint8).repeat(side, 0).repeat(side, 1), ((3, 3), (3, 3), (0, 0)))
    if at is not None:  # a frame in black and white, to be seen on every colour
        top, left = (3 + side * (k - start) for k, start in zip(at, starts, strict=True))
        for width, shade in ((3, 0), (2, 255)):
            frame = pixels[top - width : top + side + width, left - width : left + side + width]
            inner = frame[1:-1, 1:-1].copy()
            frame[:] = (shade, shade, shade, 255)
            frame[1:-1, 1:-1] = inner
    if window.size < table.size:
        last = [start + n - 1 for start, n in zip(starts, window.shape, strict=True)]
        caption += f", rows {starts[0]} to {last[0]}, columns {starts[1]} to {last[1]}"
    data = base64.b64encode(_png(pixels)).decode("ascii")
    alt = f"{caption}; the largest entry is {o.number(np.max(_size(table)), 3)} in size"
    alt += f", the worst entry is at row {at[0]}, column {at[1]}" if at is not None else ""
    image = f'<img alt="{_e(alt)}" src="data:image/png;base64,{data}" style="max-width:100%">'
    return f'<div style="{_CAPTION};font-size:90%">{_e(caption)}</div><div>{image}</div>'


def _window(length: int, at: int, most: int) -> int:
    """Where a window of at most so many entries begins that has the one at `at` in its middle, or near it."""
    return min(max(at - most // 2, 0), max(length - most, 0))


def _png(pixels: np.ndarray) -> bytes:
    """A PNG file of pixels (height, width, 4), uint8."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return start + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")


def _tried(exercise: Exercise, outcome: o.Outcome, inputs: Sequence[dict[str, Any]]) -> str:
    """The inputs of the case that the picture shows, for functions."""
    case = getattr(outcome, "case", 0)
    if exercise.kind != "code" or not 0 <= case < len(inputs):
        return ""
    given = "\n".join(f"{name} = {source(value)}" for name, value in inputs[case].items())
    if len(given) > 4000:
        return ""
    return _details("The input that was tried", f'<pre style="{_PRE};white-space:pre-wrap">{_e(given)}</pre>')


def source(value: Any, digits: int = 4) -> str:
    """A value as Python that can be pasted, rounded to a few digits.

    >>> source({"W": [None, np.array([[0.12345, 1.0]])]})
    "{'W': [None, np.array([[0.1235, 1.0]])]}"
    """
    if isinstance(value, np.ndarray):
        return f"np.array({source(value.tolist(), digits)})"
    if isinstance(value, float):
        return repr(float(f"{value:.{digits}g}")) if np.isfinite(value) else f'float("{value}")'
    if isinstance(value, (list, tuple)):
        inner = ", ".join(source(v, digits) for v in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {source(v, digits)}" for k, v in value.items()) + "}"
    if isinstance(value, Map):
        return f"Map({value.kind!r}{''.join(f', {k}={source(v, digits)}' for k, v in value.arrays.items())})"
    return repr(value)


def solution_text(exercise: Exercise, inputs: Sequence[dict[str, Any]]) -> str:
    """The solution for a terminal: the right value of a typed answer, the source of a function; "" if there is none."""
    if not _solutions():
        return ""
    lines = []
    if exercise.kind != "code":
        value = value_of(exercise.right, inputs[0])
        lines.append(f"{exercise.answer} = {source(value, 10)}")
        options = value_of(exercise.ask, inputs[0]).options if exercise.ask else {}
        lines += [f"# {key}: {plain(options[key])}" for key in (words(value, exercise.kind) if options else ())]
    if solution_of(exercise.id):
        lines.append(solution_of(exercise.id).rstrip())
    return "\n".join(["The solution:", *lines]) if lines else ""
