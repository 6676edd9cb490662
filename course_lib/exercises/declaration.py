"""An exercise is data: what is drawn, what is right, which mistakes are known, which hints help.

Nothing here computes a verdict. The student's notebook, the terminal and the grader read the same declaration, so that
they say the same thing (`diagnosis`), and the tests prove every declaration over many seeds.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from course_lib.exercises.values import close, named_parts

Kind = Literal["code", "num", "choice", "order", "path"]
MOST_DRAWS = 100  # of the numbers of an exercise whose mistakes are alike by chance


@dataclass(frozen=True)
class KnownMistake:
    """A wrong way that people take, as a small function, with the sentence that names it and a hint.

    name  : slug, unique in its exercise, e.g. "transposed"
    says  : names the mistake, a clause that can follow a colon
    hint  : the question that helps out of it
    wrong : called with the drawn inputs, positionally, as `Exercise.right` is; gives the wrong value
    row   : row of the catalogue of misconceptions, 0 for none
    """

    name: str
    says: str
    hint: str
    wrong: Callable[..., Any]
    row: int = 0


@dataclass(frozen=True)
class Share:
    """Some of an exercise's points, for a part of the answer that is right in every case though another is not.

    says   : what it is, as it stands in a sentence: "the output layer"
    points : of the exercise's; those of all its shares are all that it has
    holds  : holds(the names of the answer's parts) -> the names of those that belong to it
    """

    says: str
    points: int
    holds: Callable[[Sequence[str]], Sequence[str]]


def named(*names: str) -> Callable[[Sequence[str]], Sequence[str]]:
    """Parts by their names, with all their entries: "dW" holds dW, and dW[1], dW[2].

    >>> named("values")(["values[0]", "values[1]", "slopes[0]"])
    ['values[0]', 'values[1]']
    """
    return lambda found: [part for part in found if part.partition("[")[0] in names]


def _layer(part: str) -> int:
    return int(part.partition("[")[2].rstrip("]"))


def output_layer(found: Sequence[str]) -> Sequence[str]:
    """The parts with the largest number.

    >>> output_layer(["dW[1]", "dW[2]", "db[1]", "db[2]"])
    ['dW[2]', 'db[2]']
    """
    return [part for part in found if _layer(part) == max(map(_layer, found))]


def hidden_layers(found: Sequence[str]) -> Sequence[str]:
    """The parts with a smaller number.

    >>> hidden_layers(["dW[1]", "dW[2]", "db[1]", "db[2]"])
    ['dW[1]', 'db[1]']
    """
    return [part for part in found if _layer(part) < max(map(_layer, found))]


@dataclass(frozen=True)
class Ask:
    """What the widget of a typed exercise shows, with the numbers of one student.

    text            : the question, a sentence or two of plain text or simple HTML
    given           : label -> array, number or text, shown as small labelled matrices
    shape           : [num] () one number, (n,) a column, (m, n) a matrix to fill in
    rows, columns   : [num] labels of the rows and columns
    options         : [choice] key -> text; [order] key -> item, in the order in which they are shown
    patterns        : [choice] key -> matrix drawn as tiles beside the option
    nodes, edges    : [path] name -> (x right, y down) in the unit box; (from, to, label)
    pick, start, end: [path] what is chosen, and where paths begin and end
    """

    text: str
    given: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    patterns: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, tuple[float, float]] = field(default_factory=dict)
    edges: tuple[tuple[str, str, str], ...] = ()
    pick: Literal["paths", "edges", "nodes"] = "paths"
    start: str = ""
    end: str = ""


@dataclass(frozen=True)
class Exercise:
    """One exercise, by the id that its text, its cells, its check and the gradebook share.

    kind    : "code" is a function; the others are typed: "num", "choice", "order", "path"
    answer  : the student's name for the answer, e.g. "J" or "softmax_jacobian"
    draw    : rng -> the inputs of one case, a dict of what `values.encode` can write
    right   : right(*inputs.values()), by a route of its own: differences, the definition, a published number
    hints   : a question, a direction, the formula
    parts   : names of the parts of a tuple answer, e.g. ("dW", "db"); their lists become dW[1], dW[2], ...
    shares  : what parts of a wrong answer are worth; without any, all points or none
    ask     : [typed] ask(*inputs.values()) -> what the widget shows
    cases   : [code] how many cases are drawn; typed exercises have one, drawn from the student's name
    rtol    : tolerance relative to the largest entry of the right part;  atol : added to it, in the part's units
    formula : [code] the formula is wanted: an answer off by 1e-13 to 1e-4 is named "finite-difference"
    measure : [code] measure(parts, *inputs.values()) -> parts, which are compared in place of the values themselves: of
              the answer, of `right` and of the mistakes alike. For questions that have many right answers
    """

    id: str
    title: str
    kind: Kind
    answer: str
    draw: Callable[[np.random.Generator], dict[str, Any]]
    right: Callable[..., Any]
    mistakes: tuple[KnownMistake, ...]
    hints: tuple[str, str, str]
    points: int = 1
    parts: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    ask: Callable[..., Ask] | None = None
    cases: int = 3
    rtol: float = 1e-9
    atol: float = 0.0
    formula: bool = True
    measure: Callable[..., dict[str, Any]] | None = None


def seed_of(name: str, id: str) -> int:
    """Seed of the numbers that the student of this name has in this exercise.

    Capitals and spaces do not count, so that a name typed a little differently keeps its numbers.

    >>> seed_of("Ada Lovelace", "jacobian-fill") == seed_of("  ada   LOVELACE ", "jacobian-fill")
    True
    """
    folded = " ".join(name.casefold().split())
    return int.from_bytes(hashlib.sha256(f"{folded}/{id}".encode()).digest()[:8], "big")


def draw_cases(exercise: Exercise, seed: int) -> list[dict[str, Any]]:
    """The inputs on which an answer is judged: `cases` draws for a function, one for a typed answer.

    Numbers to be typed are drawn again where two known mistakes, or one and the right answer, are alike by chance.
    """
    rng = np.random.default_rng(seed)
    if exercise.kind != "num":
        return [exercise.draw(rng) for _ in range(exercise.cases if exercise.kind == "code" else 1)]
    for _ in range(MOST_DRAWS):
        case = exercise.draw(rng)
        if _told_apart(exercise, case):
            break
    return [case]


def value_of(function: Callable[..., Any], given: dict[str, Any]) -> Any:
    """What a declaration's function gives on one case; the inputs are copied, it may change them."""
    with np.errstate(all="ignore"):
        return function(*copy.deepcopy(list(given.values())))


def _told_apart(exercise: Exercise, given: dict[str, Any]) -> bool:
    """Whether the right answer and the known mistakes all have values of their own."""
    found: list[dict[str, np.ndarray]] = []
    for function in (exercise.right, *(mistake.wrong for mistake in exercise.mistakes)):
        parts = named_parts(value_of(function, given), exercise.parts)
        if any(_alike(exercise, parts, others) for others in found):
            return False
        found.append(parts)
    return True


def _alike(exercise: Exercise, came: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> bool:
    return came.keys() == right.keys() and all(
        came[p].shape == right[p].shape and close(came[p], right[p], exercise.rtol, exercise.atol).all() for p in right
    )
