"""From the values that an answer gave to what can be said about it: a pure function, in class as when grading.

The order: not attempted; failed; right; a known mistake; the parts in another order; type; shape; not finite or cut to
whole numbers; rounded; a difference quotient where a formula is wanted; a constant factor; a transpose; else the worst
entry, and which parts are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np

from course_lib.exercises import outcomes as o
from course_lib.exercises.declaration import Ask, Exercise, value_of
from course_lib.exercises.values import (
    MAX_NUMBERS,
    Misfit,
    close,
    decode,
    errors,
    named_parts,
    scale_of,
    tolerance,
    words,
)

Parts = dict[str, np.ndarray]
ROUNDING = 1e-12  # a formula's own rounding stays below this, relative to the largest entry
QUOTIENT = 1e-4  # a difference quotient's error stays below this
MOST_DECIMALS = 10  # numbers with more of them have not been rounded
NO_FACTOR = 0.01  # typed numbers that are off by less than this share have too few digits, and no factor


def diagnose(exercise: Exercise, inputs: Sequence[dict[str, Any]], record: dict[str, Any]) -> o.Outcome:
    """What the record of `values.evaluate` on these inputs says about the answer.

    record may come from outside and be forged: whatever it holds, an outcome comes back and nothing is raised.
    """
    if record.get("not_attempted"):
        blank, of = record.get("blank"), record.get("of")
        if isinstance(blank, int) and isinstance(of, int) and 0 < blank <= of <= MAX_NUMBERS:
            return o.NotAttempted(blank, of)
        return o.NotAttempted()
    if "error" in record:
        return _failed(record["error"])
    try:
        answers = [decode(data) for data in record["cases"]]
        if len(answers) != len(inputs):
            raise ValueError("it must have one value for each case")
    except (KeyError, TypeError, ValueError, RecursionError):
        return o.WrongType("values that can be read", "something else")
    if exercise.kind in ("choice", "order", "path"):
        return _words(exercise, inputs[0], answers[0])
    outcome = _numbers(exercise, inputs, answers)
    return outcome if outcome.kind == "correct" else replace(outcome, earned=_earned(exercise, inputs, answers))


def same_values(exercise: Exercise, inputs: Sequence[dict[str, Any]], reference: Any, record: Any) -> bool:
    """Whether a record is right, with the values of another record, the solution's, as the right ones."""
    if not isinstance(record, dict) or record.get("id") != exercise.id or "cases" not in reference:
        return False
    values = [decode(value) for value in reference["cases"]]
    cases = [given | {"the solution's": value} for given, value in zip(inputs, values, strict=True)]
    measure, ask = exercise.measure, exercise.ask
    own = measure and (lambda parts, *given: measure(parts, *given[:-1]))
    asked = ask and (lambda *given: ask(*given[:-1]))
    judge = replace(exercise, right=lambda *given: given[-1], measure=own, mistakes=(), shares=(), ask=asked)
    return isinstance(diagnose(judge, cases, record), o.Correct)


def _failed(error: Any) -> o.Outcome:
    error = error if isinstance(error, dict) else {}
    name, text, line = (str(error.get(key, ""))[:500] for key in ("type", "text", "line"))
    case = error.get("case", 0)
    case = case if isinstance(case, int) else 0
    if name == "NotAFunction":
        return o.WrongType("a function", text, case=case)
    return o.Failed(name or "an error", text, line, case)


def parts_of(exercise: Exercise, given: dict[str, Any], answer: Any) -> tuple[Parts, Parts]:
    """(parts that came, right parts) of one case, by name and in the same shapes. Raises Misfit."""
    right = value_of(exercise.right, given)
    return _compared(exercise, given, answer, right), _compared(exercise, given, right, right)


def _compared(exercise: Exercise, given: dict[str, Any], value: Any, like: Any) -> Parts:
    """The parts of a value as they are compared: its own, or what the exercise measures of them. Raises Misfit."""
    parts = named_parts(value, exercise.parts, like=like)
    if exercise.measure is None:
        return parts
    for name, array in parts.items():
        if array.dtype.kind == "c":
            raise Misfit("type", name, "real numbers", "complex numbers with an imaginary part")
    measured = value_of(exercise.measure, {"": parts, **given})
    return {name: np.asarray(number) for name, number in measured.items()}


# --------------------------------------------------------------------------- answers in words
def _words(exercise: Exercise, given: dict[str, Any], answer: Any) -> o.Outcome:
    ask = value_of(exercise.ask, given) if exercise.ask else None
    try:
        came = words(answer, exercise.kind, ask.options if ask else ())
    except Misfit as misfit:
        return o.WrongType(misfit.expected, misfit.came)
    if not came:
        return o.NotAttempted()
    right = words(value_of(exercise.right, given), exercise.kind)
    if came == right:
        return o.Correct()
    for mistake in exercise.mistakes:
        if came == words(value_of(mistake.wrong, given), exercise.kind):
            return o.Mistake(mistake.name, mistake.says, mistake.hint)
    return o.Incorrect(came=" ".join(came), says=_about(exercise, ask, came, right))


def _about(exercise: Exercise, ask: Ask | None, came: tuple[str, ...], right: tuple[str, ...]) -> str:
    options = {key.casefold() for key in ask.options} if ask else set()
    unknown = [key for key in came if options and exercise.kind != "path" and key not in options]
    if unknown:
        return f"there is no option {unknown[0]!r}"
    if exercise.kind == "choice":
        if len(right) == 1 and len(came) == 1:
            return f"{came[0]} is not the one"
        good = len(set(came) & set(right))
        if good == len(came):
            return "what you chose belongs, but more does"
        return f"{good} of your {len(came)} belong{'s' if good == 1 else ''}"
    if exercise.kind == "order":
        if sorted(came) != sorted(right):
            twice = [key for key in came if came.count(key) > 1]
            return f"{twice[0]} stands there twice" if twice else f"{len(right)} things are to be put in order"
        good = next(k for k, (x, y) in enumerate(zip(came, right, strict=True)) if x != y)
        if good < 2:
            return f"the first one is {'in' if good else 'out of'} place"
        return f"the first {good} of {len(right)} are in place"
    good, extra, missing = (len(s) for s in (set(came) & set(right), set(came) - set(right), set(right) - set(came)))
    said = [f"{good} of yours {'belongs' if good == 1 else 'belong'}"]
    said += [f"{extra} {'does' if extra == 1 else 'do'} not"] if extra else []
    said += [f"{missing} {'is' if missing == 1 else 'are'} missing"] if missing else []
    return o.and_list(tuple(said))


# --------------------------------------------------------------------------- answers in numbers
def _numbers(exercise: Exercise, inputs: Sequence[dict[str, Any]], answers: Sequence[Any]) -> o.Outcome:
    right = [value_of(exercise.right, given) for given in inputs]
    cases: list[tuple[Parts, Parts]] = []
    misfit: tuple[int, Misfit] | None = None
    for k, (answer, value) in enumerate(zip(answers, right, strict=True)):
        try:
            came = _compared(exercise, inputs[k], answer, value)
            cases.append((came, _compared(exercise, inputs[k], value, value)))
        except Misfit as found:
            misfit = misfit or (k, found)
    if misfit is None and all(_is_right(exercise, came, value) for came, value in cases):
        return o.Correct()
    first = misfit[0] if misfit else next(k for k, c in enumerate(cases) if not _is_right(exercise, *c))
    for mistake in exercise.mistakes:
        if _is_mistake(exercise, mistake.wrong, inputs, answers):
            return o.Mistake(mistake.name, mistake.says, mistake.hint, first)
    if exchanged := _exchanged(exercise, inputs, answers, right, first):
        return exchanged
    if misfit is not None:
        return _misfit(exercise, *misfit, answers, right)
    came, value = cases[first]
    return (
        _not_finite(came, value, first)
        or _dtype(exercise, came, value, first)
        or _rounded(exercise, cases, first)
        or _quotient(exercise, cases, first)
        or _factor(exercise, inputs, cases, first)
        or _transposed(exercise, cases, first)
        or _worst(exercise, inputs[first], came, value, first)
    )


def _is_right(exercise: Exercise, came: Parts, right: Parts) -> bool:
    if not all(_good(exercise, came[p], right[p]).all() for p in right):
        return False
    return not (_wants_formula(exercise) and any(_like_a_quotient(came[p], right[p]) for p in right))


def _same(exercise: Exercise, came: np.ndarray, right: np.ndarray) -> bool:
    return came.shape == right.shape and bool(_good(exercise, came, right).all())


def _wants_formula(exercise: Exercise) -> bool:
    """Whether an error above rounding gives a difference quotient away: not where the author asks for fewer digits."""
    return exercise.kind == "code" and exercise.formula and exercise.rtol <= 1e-9 and exercise.atol == 0


def _like_a_quotient(came: np.ndarray, right: np.ndarray) -> bool:
    single = tolerance(came, 0.0) > 0
    return not single and bool(np.max(errors(came, right), initial=0.0) > ROUNDING)


def _is_mistake(exercise: Exercise, wrong: Callable[..., Any], inputs: Any, answers: Sequence[Any]) -> bool:
    """Whether the answers are what the wrong function gives, shapes included, in every case."""
    for given, answer in zip(inputs, answers, strict=True):
        try:
            value = value_of(wrong, given)
            came, parts = (_compared(exercise, given, v, value) for v in (answer, value))
        except Exception:  # a mistake that cannot be made with these numbers
            return False
        if not all(close(came[p], parts[p], max(exercise.rtol, 1e-9), exercise.atol).all() for p in parts):
            return False
        if any(came[p].any() and not parts[p].any() for p in parts):  # small numbers are not near zeros
            return False
    return True


def _exchanged(
    exercise: Exercise, inputs: Sequence[dict[str, Any]], answers: Sequence[Any], right: Sequence[Any], case: int
) -> o.Outcome | None:
    """The parts are all there and right, but they came in another order."""
    count = len(exercise.parts)
    sequences = [list(a) for a in answers if isinstance(a, (list, tuple)) or (isinstance(a, np.ndarray) and a.ndim)]
    if count < 2 or [len(sequence) for sequence in sequences] != [count] * len(inputs):
        return None
    for order in list(permutations(range(count)))[1:]:
        try:
            turned = [[sequence[k] for k in order] for sequence in sequences]
            compared = [
                (_compared(exercise, given, came, value), _compared(exercise, given, value, value))
                for given, came, value in zip(inputs, turned, right, strict=True)
            ]
        except Misfit:
            continue
        if all(_is_right(exercise, *pair) for pair in compared):
            wanted = o.and_list(exercise.parts)
            return o.Mistake(
                "parts-exchanged",
                f"everything is right, but it comes in another order than {wanted}",
                "In which order does the docstring of the function name them?",
                case,
            )
    return None


def _misfit(exercise: Exercise, case: int, misfit: Misfit, answers: Sequence[Any], right: Sequence[Any]) -> o.Outcome:
    if misfit.reason == "type":
        return o.WrongType(misfit.expected, misfit.came, misfit.part, case)
    turned: list[str] = []
    try:
        for answer, value in zip(answers, right, strict=True):
            turned.clear()
            came, parts = named_parts(answer, exercise.parts, value, turned), named_parts(value, exercise.parts)
            if not all(_same(exercise, came[p], parts[p]) or _same(exercise, came[p].T, parts[p]) for p in parts):
                break
        else:
            return _transpose_found(turned, case)
    except Misfit:
        return o.WrongShape(misfit.part, misfit.expected, misfit.came, False, case)
    return o.WrongShape(misfit.part, misfit.expected, misfit.came, True, case)


def _transpose_found(turned: Sequence[str], case: int) -> o.Outcome:
    parts = o.and_list(tuple(turned)) or "this"
    are = "are the transposes" if len(turned) > 1 else "is the transpose"
    return o.Mistake(
        "transposed",
        f"rows and columns are exchanged: {parts} {are} of what is asked for",
        "Which index belongs to the output, the row's or the column's?",
        case,
    )


def _not_finite(came: Parts, right: Parts, case: int) -> o.Outcome | None:
    for part, value in right.items():
        bad = ~np.isfinite(came[part]) & np.isfinite(value)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            return o.NotFinite(part, index, _plain(came[part][index]), case)
    return None


def _dtype(exercise: Exercise, came: Parts, right: Parts, case: int) -> o.Outcome | None:
    for part, value in right.items():
        array = came[part]
        if array.dtype.kind == "c" and value.dtype.kind != "c":
            return o.WrongType("real numbers", "complex numbers with an imaginary part", part, case)
        if array.dtype == np.float16 and (errors(array, value) < 1e-2).all():
            return o.WrongType("float64 numbers", "float16, which keeps three digits", part, case)
        whole = array.dtype.kind in "iub" and not np.array_equal(value, np.trunc(value))
        if (
            whole
            and exercise.kind == "code"  # typed numbers may well be whole
            and array.size > 1
            and any(np.array_equal(array, cut(value)) for cut in (np.trunc, np.round, np.floor))
        ):
            came_as = "whole numbers: an integer array has swallowed the decimals"
            return o.WrongType("numbers with decimals", came_as, part, case)
    return None


def _rounded(exercise: Exercise, cases: Sequence[tuple[Parts, Parts]], case: int) -> o.Outcome | None:
    """Every number is the right one, cut to a few decimals: all alike in an array, typed ones each by itself."""
    alike = exercise.kind == "code"
    for came, right in cases:
        for part, value in right.items():
            places = [_decimals(number) for number in came[part].ravel().tolist()]
            places = [max(places, default=0)] * len(places) if alike else places
            if value.dtype.kind == "c" or min(places, default=0) < 1 or max(places) > MOST_DECIMALS:
                return None
            room = 0.5 * 10.0 ** -np.reshape(places, value.shape) + 1e-14
            if not (_good(exercise, came[part], value) | (np.abs(came[part] - value) <= room)).all():
                return None
    hint = "Return the numbers as they come; rounding is for what you print."
    typed = "Keep as many digits as the question asks for, and more on the way there."
    return o.Mistake("rounded", "the numbers are right, but rounded to too few digits", hint if alike else typed, case)


def _decimals(number: Any) -> int:
    """How many decimals a number has; more than MOST_DECIMALS where it has many."""
    known = isinstance(number, (int, float))
    return next((d for d in range(MOST_DECIMALS + 1) if known and round(number, d) == number), MOST_DECIMALS + 1)


def _good(exercise: Exercise, came: np.ndarray, right: np.ndarray) -> np.ndarray:
    return close(came, right, exercise.rtol, exercise.atol)


def _quotient(exercise: Exercise, cases: Sequence[tuple[Parts, Parts]], case: int) -> o.Outcome | None:
    if not _wants_formula(exercise):
        return None
    worst = max(float(np.max(errors(came[p], right[p]), initial=0.0)) for came, right in cases for p in right)
    if worst > QUOTIENT:
        return None
    return o.Mistake(
        "finite-difference",
        f"the numbers agree to about {int(-np.log10(worst))} digits, where a formula agrees to 15: "
        "this looks like a difference quotient",
        "A difference quotient is how one checks a formula. What is the derivative on paper?",
        case,
    )


# --------------------------------------------------------------------------- parts that are right
def _earned(exercise: Exercise, inputs: Sequence[dict[str, Any]], answers: Sequence[Any]) -> o.Earned | None:
    """The shares that are there and right in every case; parts that do not fit are not right."""
    if not exercise.shares:
        return None
    got = set(exercise.shares)
    for given, answer in zip(inputs, answers, strict=True):
        value = value_of(exercise.right, given)
        right, misfits = named_parts(value, exercise.parts), list[str]()
        try:
            came = named_parts(answer, exercise.parts, like=value, misfits=misfits)
        except Misfit:
            return None
        good = {p for p in came if _is_right(exercise, {p: came[p]}, {p: right[p]})}
        got = {share for share in got if (parts := share.holds(list(right))) and good.issuperset(parts)}
    found = [share for share in exercise.shares if share in got]
    points = sum(share.points for share in found)
    return o.Earned(tuple(share.says for share in found), points, exercise.points) if found else None


# --------------------------------------------------------------------------- a constant factor
def _factor(
    exercise: Exercise, inputs: Sequence[dict[str, Any]], cases: Sequence[tuple[Parts, Parts]], case: int
) -> o.Outcome | None:
    """Every part is a constant times the right one: N, 1/N, 2, 1/2, -1, another, or another for each part."""
    if exercise.kind == "num" and all(value.size < 2 for value in cases[0][1].values()):
        return None  # one number is always a multiple of another
    sizes = [_examples(given) for given in inputs]
    laws: dict[str, tuple[str, str]] = {}
    for part in cases[0][1]:
        ratios = [_ratio(came[part], right[part], exercise) for came, right in cases]
        law = _law(ratios, sizes, alone=len(cases) == 1 and cases[0][1][part].size < 2)
        if law is None:
            return None
        if law[0]:
            laws[part] = law
    found = set(laws.values())
    if not laws or found == {("exact", "")}:
        return None
    if len(found) == 1:
        name, text = found.pop()
        says = (
            f"{'every number' if len(laws) == 1 and not next(iter(laws)) else 'every part'} is {text} what it should be"
        )
        return o.Mistake(name, says, _FACTOR_HINTS.get(name, _FACTOR_HINTS["factor"]), case)
    said = tuple(_said([p for p in laws if laws[p] == law], law[1]) for law in dict.fromkeys(laws.values()))
    hint = (
        "In which parts does the factor appear, and in which not? Something enters there more than once, or too late."
    )
    return o.Mistake("factor-by-part", "; ".join(said), hint, case)


def _said(parts: Sequence[str], text: str) -> str:
    """What holds for these parts: they are exact, or so many times what they should be."""
    one = len(parts) == 1
    should_be = f"{text} what {'it' if one else 'they'} should be" if text else "exact"
    return f"{o.and_list(tuple(parts))} {'is' if one else 'are'} {should_be}"


_FACTOR_HINTS = {
    "sign": "Which difference is it, output minus target or target minus output?",
    "times-n": "Is the loss a sum over the examples, or their mean?",
    "over-n": "How many times does the mean over the examples enter?",
    "twice": "Where does the square's derivative leave its 2, and is there a 1/2 in the loss to meet it?",
    "half": "Where does the square's derivative leave its 2, and is there a 1/2 in the loss to meet it?",
    "factor": "All the shapes and directions are right. Which factor of the formula is missing, or there twice?",
}


def _examples(given: dict[str, Any]) -> int:
    """Number of examples N of a case: an input called N, or the columns of the first matrix called x, y, a or z."""
    if isinstance(given.get("N"), int):
        return given["N"]
    for name in ("x", "X", "y", "a", "z", "targets"):
        if isinstance(given.get(name), np.ndarray) and given[name].ndim == 2:
            return given[name].shape[1]
    return 0


def _ratio(came: np.ndarray, right: np.ndarray, exercise: Exercise) -> float | None:
    """The c with came = c * right; nan where both are zero, so that any c would do; None where there is no such c."""
    if right.dtype.kind == "c" or came.dtype.kind == "c" or not np.isfinite(right).all():
        return None
    came, right = came.astype(float), right.astype(float)
    if not np.any(right):
        return float("nan") if not np.any(came) else None
    c = float(np.vdot(right, came) / np.vdot(right, right))
    if abs(c) < 1e-9 or (exercise.atol and abs(c - 1) < NO_FACTOR):
        return None
    room = max(exercise.rtol, 1e-6) + exercise.atol / scale_of(right)
    return c if (errors(came / c, right) <= room).all() else None


def _law(ratios: Sequence[float | None], sizes: Sequence[int], alone: bool) -> tuple[str, str] | None:
    """(slug, text) that explains the ratio in every case; ("", "") where any would do; None where none does."""
    if any(r is None for r in ratios):
        return None
    known = [(r, n) for r, n in zip(ratios, sizes, strict=True) if r is not None and not np.isnan(r)]
    if not known or alone:
        return "", ""
    if all(abs(r - 1) < 1e-6 for r, _ in known):
        return "exact", ""
    if all(n > 1 for _, n in known):
        for power, name in ((1, "times-n"), (-1, "over-n"), (2, "factor"), (-2, "factor"), (-3, "factor")):
            if all(abs(r / n**power - 1) < 1e-6 for r, n in known):
                return name, _power(power, {n for _, n in known})
    c = known[0][0]
    if any(abs(r / c - 1) > 1e-6 for r, _ in known):
        return None
    for value, name, text in ((-1, "sign", "minus"), (2, "twice", "twice"), (0.5, "half", "half of")):
        if abs(c - value) < 1e-6:
            return name, text
    return "factor", f"{o.number(c)} times"


def _power(power: int, sizes: set[int]) -> str:
    """A power of N in words, with its value where N is the same in every case: "N = 6 times", "1/N = 1/6 of"."""
    n = {1: "N", 2: "N times N", 3: "N times N times N"}[abs(power)]
    value = sizes.pop() ** abs(power) if len(sizes) == 1 else 0
    if power > 0:
        return f"{n} = {value} times" if value else f"{n} times"
    inverse = f"1/{n if power == -1 else f'({n})'}"
    return f"{inverse} = 1/{value} of" if value else f"{inverse} of"


# --------------------------------------------------------------------------- transpose, worst entry
def _transposed(exercise: Exercise, cases: Sequence[tuple[Parts, Parts]], case: int) -> o.Outcome | None:
    """Square matrices whose transposes are right, the other parts being exact."""
    turned: list[str] = []
    for part in cases[0][1]:
        pairs = [(came[part], right[part]) for came, right in cases]
        if all(_same(exercise, x, y) for x, y in pairs):
            continue
        if not all(_same(exercise, x.T, y) for x, y in pairs):
            return None
        turned.append(part)
    return _transpose_found(turned, case) if turned else None


def _worst(exercise: Exercise, given: dict[str, Any], came: Parts, right: Parts, case: int) -> o.Outcome:
    good = {p: _good(exercise, came[p], right[p]) for p in right}
    exact = tuple(p for p in right if good[p].all())
    part = max(
        [p for p in right if p not in exact] or list(right), key=lambda p: float(np.max(errors(came[p], right[p])))
    )
    where = np.unravel_index(int(np.argmax(errors(came[part], right[part]))), right[part].shape)
    index = tuple(int(i) for i in where)
    typed = exercise.kind != "code"
    return o.Incorrect(
        _label(exercise, given, index) or part,
        index,
        _plain(came[part][index]),
        None if typed else _plain(right[part][index]),
        exact,
        int(sum((~g).sum() for g in good.values())),
        int(sum(g.size for g in good.values())),
        case,
    )


def _label(exercise: Exercise, given: dict[str, Any], index: o.Index) -> str:
    """How the widget calls an entry: the labels of its row and column, "" where it has none."""
    ask = value_of(exercise.ask, given) if exercise.ask else None
    if ask is None:
        return ""
    labels = (ask.rows, ask.columns)
    names = [labels[axis][i] for axis, i in enumerate(index[:2]) if i < len(labels[axis])]
    return ", ".join(names) if len(names) == len(index) else ""


def _plain(value: Any) -> Any:
    return complex(value) if np.iscomplexobj(value) else float(value)
