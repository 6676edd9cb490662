"""Answers alike beyond chance: pairs of students to look at, with the lines that they share. Never a verdict.

A line is compared as Python reads it, spaces aside, and a second time with its names numbered in the order of their
appearance, so that renaming hides nothing. Lines that the exercise gives, that the course's own
answer has, or that many wrote, say nothing. Of the rare ones it is counted how many a pair shares, and how many two
students of this class share by chance.
"""

import io
import itertools
import keyword
import math
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from course_lib.grading.gradebook import Graded

RARE, MOST = 0.1, 20  # a line is rare if so many of the class wrote it, or two, and no more than so many
SHARED = 4  # lines that a pair must share at least
CHANCE = 0.01  # how many pairs may be shown in a class in which nobody copied
PAIRS = 50  # shown at most
LENGTH = 8  # characters of a line that says something
LINES = 1000  # of an answer that are looked at


@dataclass(frozen=True)
class Pair:
    """Two students, and the rare lines that both wrote: (exercise, the first one's, the second one's)."""

    students: tuple[str, str]
    lines: tuple[tuple[str, str, str], ...]


def alike(graded: Sequence[Graded], given: Mapping[str, str]) -> list[Pair]:
    """The pairs of students who share more than chance gives, the most lines first.

    given : exercise -> text whose lines everybody may have: the frame, and the course's own answer
    """
    wrote: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)  # (exercise, print) -> student -> line
    for g in graded:
        for r in g.results:
            known = prints(given.get(r.exercise, ""))
            for print_, line in prints(r.source).items():
                if print_ not in known:
                    wrote[r.exercise, print_].setdefault(g.student, line)
    students = sorted({g.student for g in graded if g.results})
    many = max(2, min(MOST, int(RARE * len(students))))
    shared: dict[tuple[str, str], dict[tuple[str, str], tuple[str, str, str]]] = defaultdict(dict)
    expected = 0.0
    pairs = math.comb(len(students), 2)
    for (exercise, _), lines in sorted(wrote.items()):
        if not 2 <= len(lines) <= many:
            continue
        expected += math.comb(len(lines), 2) / pairs
        for one, other in itertools.combinations(sorted(lines), 2):
            shared[one, other].setdefault((exercise, lines[one]), (exercise, lines[one], lines[other]))
    found = []
    for pair, lines_of in shared.items():
        if len(lines_of) >= SHARED and pairs * tail(expected, len(lines_of)) < CHANCE:
            found.append(Pair(pair, tuple(lines_of.values())))
    return sorted(found, key=lambda pair: (-len(pair.lines), pair.students))[:PAIRS]


def word_for_word(graded: Iterable[Graded]) -> list[tuple[str, tuple[str, ...]]]:
    """(chapter, students) whose answers to a whole chapter are the same to the letter, where there are answers."""
    same: dict[tuple[str, tuple[str, ...]], set[str]] = defaultdict(set)
    for g in graded:
        if any(r.source.strip() and r.verdict != "not-attempted" for r in g.results):
            same[g.chapter, tuple(r.source for r in g.results)].add(g.student)
    return sorted((chapter, tuple(sorted(who))) for (chapter, _), who in same.items() if len(who) > 1)


def tail(mean: float, count: int) -> float:
    """How likely a number of this mean is at least ``count``, when it is a Poisson number.

    >>> round(tail(1.0, 1), 4), tail(0.01, 4) < 1e-9
    (0.6321, True)
    """
    term, below = math.exp(-mean), 0.0
    for k in range(count):
        below += term
        term *= mean / (k + 1)
    return (
        max(0.0, 1.0 - below)
        if below < 0.9
        else sum(
            math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(count, count + 50) if mean > 0
        )
    )


def prints(source: str) -> dict[str, str]:
    """What each line of a source is known by -> the line: as it reads, and with its names numbered.

    >>> prints("total += w[i] * x").keys() >= prints("summe  +=  a[k]*b").keys() - {"summe += a [ k ] * b"}
    True
    """
    found: dict[str, str] = {}
    lines = source.split("\n")[:LINES]  # as Python counts them
    for number, tokens in itertools.groupby(tokens_of("\n".join(lines)), key=lambda token: token[2]):
        words = [(kind, text) for kind, text, _ in tokens]
        line = lines[number - 1].strip()
        if len(re.sub(r"\s", "", line)) < LENGTH:
            continue
        found.setdefault(" ".join(text for _, text in words), line)
        names = Counter(text for kind, text in words if kind == tokenize.NAME and not keyword.iskeyword(text))
        if len(words) >= 2 * SHARED and names:  # a short line with numbered names is everybody's
            order = {name: f"${k}" for k, name in enumerate(names)}
            found.setdefault("$ " + " ".join(order.get(text, text) for _, text in words), line)
    return found


def tokens_of(source: str) -> Iterable[tuple[int, str, int]]:
    """(kind, text, line) of what Python reads in a source; of what it cannot read, the words."""
    skipped = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING}
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return [
            (tokenize.OP, word, k)
            for k, line in enumerate(source.split("\n"), start=1)
            for word in re.findall(r"\w+|[^\w\s]", line)
        ]
    return [(t.type, t.string.strip(), t.start[0]) for t in tokens if t.type not in skipped and t.string.strip()]
