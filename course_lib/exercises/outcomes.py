"""What a check finds, as types: the notebook, the terminal and the grader say the same thing from the same outcome.

Every outcome has `kind` (a slug), `score` in [0, 1] and `line()`, one plain sentence that is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

Index = tuple[int, ...]


@dataclass(frozen=True)
class Earned:
    """The parts of a wrong answer that are right, as they are called, and their points of all those of the exercise."""

    parts: tuple[str, ...]
    points: int
    of: int

    def line(self) -> str:
        """A sentence of its own.

        >>> Earned(("the output layer",), 1, 4).line()
        'Already right: the output layer, 1 of 4 points.'
        """
        return f"Already right: {and_list(self.parts)}, {self.points} of {self.of} points."


@dataclass(frozen=True)
class Outcome:
    """What was found about one answer, and what it has earned though it is wrong."""

    kind: ClassVar[str] = ""
    earned: Earned | None = field(default=None, kw_only=True)

    @property
    def score(self) -> float:
        """The share of the points."""
        return self.earned.points / self.earned.of if self.earned else 0.0

    def line(self) -> str:
        """What was found, blaming the number and not the student: the same on every machine."""
        return f"{self._line()} {self.earned.line()}" if self.earned else self._line()

    def _line(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True)
class Correct(Outcome):
    """Every part is right in every case."""

    kind: ClassVar[str] = "correct"

    @property
    def score(self) -> float:
        """All of them."""
        return 1.0

    def _line(self) -> str:
        return "Right."


@dataclass(frozen=True)
class NotAttempted(Outcome):
    """The answer is still blank, or `blank` of its `of` entries are."""

    kind: ClassVar[str] = "not-attempted"
    blank: int = 0
    of: int = 0

    def _line(self) -> str:
        if not self.blank:
            return "Not attempted yet."
        return f"Not finished: {self.blank} of {self.of} entries {'is' if self.blank == 1 else 'are'} still blank."


@dataclass(frozen=True)
class WrongType(Outcome):
    """Something else than what was asked for: a text for a matrix, one array for two."""

    kind: ClassVar[str] = "wrong-type"
    expected: str
    came: str
    part: str = ""
    case: int = 0

    def _line(self) -> str:
        return f"Not yet: {self.part or 'the answer'} should be {self.expected}; here it is {self.came}."


@dataclass(frozen=True)
class WrongShape(Outcome):
    """The right kind of thing in another shape. expected and came are shapes as text, or counts of entries."""

    kind: ClassVar[str] = "wrong-shape"
    part: str
    expected: str
    came: str
    transposed: bool = False
    case: int = 0

    def _line(self) -> str:
        shape = "have shape " if self.expected.startswith("(") else "be "
        more = " That is the shape of the transpose." if self.transposed else ""
        return (
            f"Not yet: {self.part or 'the answer'} should {shape}{self.expected}; here it has "
            f"{'shape ' if self.came.startswith('(') else ''}{self.came}.{more}"
        )


@dataclass(frozen=True)
class NotFinite(Outcome):
    """An entry is nan or infinite where the right one is a number."""

    kind: ClassVar[str] = "not-finite"
    part: str
    index: Index
    came: float
    case: int = 0

    def _line(self) -> str:
        return f"Not yet: {entry_name(self.part, self.index)} is {number(self.came)}, where a finite number belongs."


@dataclass(frozen=True)
class Mistake(Outcome):
    """The numbers are those of a mistake that has a name."""

    kind: ClassVar[str] = "mistake"
    name: str
    says: str
    hint: str
    case: int = 0

    def _line(self) -> str:
        return f"Not yet: {self.says.rstrip('.')}."


@dataclass(frozen=True)
class Incorrect(Outcome):
    """A wrong entry, the worst one; expected is None where it must not be shown (typed answers)."""

    kind: ClassVar[str] = "incorrect"
    part: str = ""
    index: Index = ()
    came: Any = None
    expected: Any = None
    exact_parts: tuple[str, ...] = ()
    wrong: int = 1
    total: int = 1
    case: int = 0
    says: str = ""

    def _line(self) -> str:
        if self.says:
            return f"Not yet: {self.says.rstrip('.')}."
        where = entry_name(self.part, self.index)
        if self.expected is None:  # a part of a typed answer is the label of its entry, "y1, x2"
            if self.total == 1:
                return f"Not yet: {number(self.came)} is not the number."
            count = f"{self.wrong} of {self.total} entries {'is' if self.wrong == 1 else 'are'} off"
            off = f"the {number(self.came)} at {self.part or where}"
            return f"Not yet: {count}{', the farthest' if self.wrong > 1 else ''}: {off}."
        came, expected = numbers_apart(self.came, self.expected)
        exact = f" {and_list(self.exact_parts)} {'is' if len(self.exact_parts) == 1 else 'are'} exact."
        return f"Not yet: {where} is {came}, it should be {expected}." + (exact if self.exact_parts else "")


@dataclass(frozen=True)
class Failed(Outcome):
    """The function stopped with an error; line_of_code is the student's own line, where it is known."""

    kind: ClassVar[str] = "failed"
    error: str
    text: str
    line_of_code: str = ""
    case: int = 0

    def _line(self) -> str:
        where = f" in the line `{self.line_of_code}`" if self.line_of_code else ""
        return f"Not yet: it stopped with {self.error}{where}{': ' + self.text if self.text else ''}"


def entry_name(part: str, index: Index) -> str:
    """How an entry is called in a message.

    >>> entry_name("dW[2]", (0, 3)), entry_name("", (1,)), entry_name("", ())
    ('dW[2][0, 3]', 'entry [1]', 'the number')
    """
    where = f"[{', '.join(map(str, index))}]" if index else ""
    return f"{part}{where}" if part else (f"entry {where}" if where else "the number")


def number(value: Any, digits: int = 4) -> str:
    """A number in a message, to a few digits, with a minus sign that a screen reader says.

    >>> number(0.123456), number(-2.0), number(float("nan"))
    ('0.1235', '-2', 'nan')
    """
    if isinstance(value, complex):
        return f"{number(value.real, digits)}{'+' if value.imag >= 0 else ''}{number(value.imag, digits)}j"
    if isinstance(value, (int, float, np.number)):
        return f"{float(value) + 0.0:.{digits}g}"
    return str(value)


def numbers_apart(came: Any, expected: Any) -> tuple[str, str]:
    """Two numbers with enough digits to see that they differ.

    >>> numbers_apart(1.00000012, 1.0)
    ('1.0000001', '1')
    """
    for digits in range(4, 18):
        pair = number(came, digits), number(expected, digits)
        if pair[0] != pair[1]:
            break
    return pair


def and_list(names: tuple[str, ...]) -> str:
    """Names as a sentence lists them.

    >>> and_list(("dW[1]", "dW[2]", "db[1]"))
    'dW[1], dW[2] and db[1]'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))
