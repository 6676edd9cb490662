"""Chapter 00: the course's formulas in columns, and turned over into the rows of other courses; layout_switch.js."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import traitlets as T

from course_lib.explorables._base import INK, LINE, QUIET, SOFT, VALUE, Explorable, svg, text

READINGS = ("columns", "rows")
WIDTHS = {"k": 2, "n": 3, "m": 5, "N": 4}  # of the layers l - 1, l, l + 1, all different, and the number of examples


class Term(NamedTuple):
    """A matrix in a formula: its name, its sides by their letters in `WIDTHS` ("1" is one), whether it is turned."""

    name: str
    rows: str
    columns: str
    turned: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) as numbers."""
        return WIDTHS.get(self.rows, 1), WIDTHS.get(self.columns, 1)

    def turn(self) -> Term:
        """The transpose."""
        return Term(self.name, self.columns, self.rows, not self.turned)


class Formula(NamedTuple):
    """left = product (sign) product; a product is a list of terms."""

    title: str
    left: Term
    right: list[list[Term]]
    sign: str = ""

    def turn(self) -> Formula:
        """Both sides turned over: every matrix becomes its transpose, every product stands in the other order."""
        right = [[term.turn() for term in reversed(product)] for product in self.right]
        return Formula(self.title, self.left.turn(), right, self.sign)


Z, DELTA = Term("zˡ", "n", "N"), Term("δˡ", "n", "N")
W, B, A = Term("Wˡ", "n", "k"), Term("bˡ", "n", "1"), Term("aˡ⁻¹", "k", "N")
ABOVE = [Term("Wˡ⁺¹", "m", "n").turn(), Term("δˡ⁺¹", "m", "N")]
FORMULAS = (
    Formula("a layer", Z, [[W, A], [B]], "+"),
    Formula("a chain of two maps", Term("J", "m", "k"), [[Term("J_g", "m", "n"), Term("J_f", "n", "k")]]),
    Formula("the error term, one layer down", DELTA, [ABOVE, [Term("σ′(zˡ)", "n", "N")]], "⊙"),
    Formula("the gradient of the weights", Term("dWˡ", "n", "k"), [[DELTA, A.turn()]]),
    Formula("the gradient of the bias", Term("dbˡ", "n", "1"), [[DELTA, Term("1", "N", "1")]]),
)


class LayoutSwitch(Explorable):
    """The five formulas of the course with the shapes of their matrices, in columns or turned over into rows.

    reading : "columns", as in this course, or "rows", as in many others

    >>> switch = LayoutSwitch(reading="rows")
    >>> print(switch)
    Layout switch: rows; (zˡ)ᵀ = (aˡ⁻¹)ᵀ (Wˡ)ᵀ + (bˡ)ᵀ with shapes (4, 3) = (4, 2) (2, 3) + (1, 3): an example is a row.
    """

    reading = T.Enum(READINGS, "columns").tag(sync=True)
    formulas = T.List().tag(sync=True)

    def __init__(self, reading: str = "columns", **traits: Any) -> None:
        super().__init__(reading=reading, formulas=[_plain(formula) for formula in FORMULAS], **traits)

    @property
    def shown(self) -> list[Formula]:
        """The formulas as they are read now."""
        return [formula.turn() if self.reading == "rows" else formula for formula in FORMULAS]

    def sentence(self) -> str:
        """The reading, and the first formula with its shapes."""
        layer, example = self.shown[0], {"columns": "a column", "rows": "a row"}[self.reading]
        return (
            f"Layout switch: {self.reading}; {_written(layer, spelled)} with shapes "
            f"{_written(layer, lambda term: str(term.shape))}: an example is {example}."
        )

    def picture(self) -> str:
        """The formulas as tiles."""
        parts: list[str] = []
        top = 34.0
        for formula in self.shown:
            parts.append(text(16, top - 14, formula.title, QUIET, "start"))
            tall = 10 * max(term.shape[0] for term in _terms(formula))
            x = 16.0
            for sign, term in zip(_signs(formula), _terms(formula), strict=True):
                rows, columns = term.shape
                wide = max(10.0 * columns, 9.0 * len(spelled(term)), 36.0)
                if sign:
                    parts.append(text(x + 6, top + tall / 2, sign, INK, size=15))
                    x += 24
                left, high = x + (wide - 10 * columns) / 2, top + (tall - 10 * rows) / 2
                for i, j in ((i, j) for i in range(rows) for j in range(columns)):
                    one = (term.columns == "N" and j == 0) or (term.rows == "N" and i == 0)  # the first example
                    place = f'x="{left + 10 * j:.1f}" y="{high + 10 * i:.1f}" width="10" height="10"'
                    parts.append(f'<rect {place} stroke="{VALUE}" fill="{VALUE if one else SOFT}"/>')
                parts.append(text(x + wide / 2, top + tall + 14, spelled(term), INK, weight=600))
                parts.append(text(x + wide / 2, top + tall + 30, f"{rows}×{columns}", QUIET, size=12))
                x += wide + 12
            top += tall + 68
            parts.append(f'<path d="M16 {top - 30:.1f}H484" stroke="{LINE}"/>')
        return svg(500, top - 24, *parts)


def spelled(term: Term) -> str:
    """A term as plain text.

    >>> spelled(ABOVE[0]), spelled(Term("J_f", "k", "n", True))
    ('(Wˡ⁺¹)ᵀ', 'J_fᵀ')
    """
    if not term.turned:
        return term.name
    return f"({term.name})ᵀ" if "ˡ" in term.name else f"{term.name}ᵀ"


def _terms(formula: Formula) -> list[Term]:
    return [formula.left, *(term for product in formula.right for term in product)]


def _signs(formula: Formula) -> list[str]:
    """What stands before each term: nothing, then "=", then nothing in a product, the sign between products."""
    signs = [["="] + [""] * (len(formula.right[0]) - 1), *([formula.sign] for _ in formula.right[1:])]
    return ["", *(sign for product in signs for sign in product)]


def _written(formula: Formula, name: Callable[[Term], str]) -> str:
    pairs = zip(_signs(formula), _terms(formula), strict=True)
    return " ".join(part for sign, term in pairs for part in (sign, name(term)) if part)


def _plain(formula: Formula) -> dict[str, Any]:
    """The formula as the page gets it."""
    right = [[_sides(term) for term in product] for product in formula.right]
    return {"title": formula.title, "left": _sides(formula.left), "right": right, "sign": formula.sign}


def _sides(term: Term) -> dict[str, Any]:
    rows, columns = term.shape
    return {"name": term.name, "rows": rows, "columns": columns, "turned": term.turned}
