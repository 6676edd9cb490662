"""The page on the class: scores, which mistakes it made and who made them, exercises by difficulty, answers alike.

For the instructor alone. Self-contained HTML without scripts; everything that came from a submission is escaped.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path

from course_lib import exercises
from course_lib.exercises.catalogue import CATALOGUE
from course_lib.exercises.declaration import KnownMistake
from course_lib.grading.alike import Pair, alike, word_for_word
from course_lib.grading.feedback import STYLE, UNSEALED, chapter_title, sentence_case, simple_html
from course_lib.grading.gradebook import Graded, Result, number, put

BINS = 10
FOLDED = 12  # names, from which on a list is folded up
KINDS = (
    ("right", "right"),
    ("part", "right in part"),
    ("named", "known mistake"),
    ("other", "otherwise wrong"),
    ("open", "not attempted"),
)
SAYS = {
    "incorrect": "wrong values that no known mistake gives",
    "wrong-type": "something else than was asked for",
    "wrong-shape": "the wrong shape",
    "not-finite": "values that are not finite",
    "time-limit": "no end within the time limit",
    "kernel-died": "an answer that ended its Python process",
    "output-limit": "more output than can be read",
}
CLASS_STYLE = """
main { max-width: 66rem; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: .8rem 0 0; }
a { color: var(--link); text-underline-offset: .15em; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .8rem; margin: 1.2rem 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem; }
.figures strong { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.columns { display: grid; grid-template-columns: repeat(10, 1fr); gap: .35rem; align-items: end; height: 9rem;
  border-bottom: 1px solid var(--line); }
.columns div { text-align: center; font-size: .85rem; }
.columns span { display: block; background: var(--right); border-radius: .2rem .2rem 0 0; margin-top: .1rem; }
.scale { display: flex; justify-content: space-between; color: var(--soft); font-size: .85rem; }
.scale span { width: 0; display: flex; justify-content: center; overflow-wrap: normal; }
.kinds { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: .7rem 0 1.4rem;
  padding: 0 1.1rem; list-style: none; }
.kinds > li { display: grid; grid-template-columns: 5.5rem 1fr; gap: 0 1.1rem; padding: .75rem 0; break-inside: avoid; }
.kinds > li + li { border-top: 1px solid var(--line); }
h2 + h3 { margin-top: .9rem; }
.kinds h4 { margin: 0; font-size: 1rem; line-height: 1.4; overflow-wrap: anywhere; }
.kinds ul { list-style: none; margin: .2rem 0 0; padding: 0; }
.kinds ul li { padding: .2rem 0; overflow-wrap: anywhere; line-height: 1.45; }
.count { font-variant-numeric: tabular-nums; color: var(--wrong); font-weight: 700; line-height: 1.4; }
.count small { color: var(--soft); font-weight: 400; font-size: .85rem; }
.share-bar { height: .45rem; border-radius: .25rem; background: var(--line); overflow: hidden; margin: .3rem 0 0; }
.share-bar span { display: block; height: 100%; background: var(--named); }
.who { color: var(--soft); } .who summary { margin: 0; display: inline; }
.who summary::before { content: "▸ " / ""; } .who[open] summary::before { content: "▾ " / ""; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
table.narrow { width: auto; min-width: 60%; } .narrow .n { padding-left: 1.2rem; }
th, td { text-align: left; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--soft); font-size: .9rem; } tbody th { color: inherit; font-size: inherit; }
td.n, th.n { text-align: right; white-space: nowrap; } tbody th { overflow-wrap: anywhere; min-width: 8rem; }
.share { display: flex; height: .9rem; border-radius: .3rem; overflow: hidden; background: var(--line); gap: 2px;
  min-width: 9rem; }
.share span { display: block; height: 100%; }
.k-right { background: var(--right); } .k-named { background: var(--named); } .k-other { background: var(--other); }
.k-part { background: repeating-linear-gradient(135deg, var(--right) 0 3px, var(--card) 3px 6px); }
.k-open { background: var(--card); box-shadow: inset 0 0 0 1.5px var(--soft); }
.key { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: .5rem 0; padding: 0; list-style: none;
  color: var(--soft); font-size: .9rem; }
.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin-right: .35rem;
  vertical-align: -.05rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .3rem 1rem; }
.pair pre { margin: 0; } .pair h4 { margin: .4rem 0 0; font-size: .95rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) { .pair { grid-template-columns: 1fr; } .wide { display: none; }
  .narrow .n { padding-left: 0; }
  .kinds { padding: 0 .85rem; }
  .kinds > li { grid-template-columns: 1fr; } .columns { gap: .15rem; }
  .share-bar { width: 5.5rem; margin: 0 0 .3rem; }
  .exercises thead { display: none; } .exercises tr { display: grid; grid-template-columns: 1fr auto;
    border-bottom: 1px solid var(--line); padding: .5rem 0; }
  .exercises th, .exercises td { border: 0; padding: .1rem 0; } .exercises td:last-child { grid-column: 1 / -1; } }
"""


@dataclass
class Kind:
    """A kind of mistake: what it is, whether it has a name, and who made it: (exercise, says) -> students."""

    says: str
    row: int = 0
    known: bool = True
    made: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def students(self) -> set[str]:
        """Everybody who made it somewhere."""
        return set().union(*self.made.values())


def write_class(
    path: Path, graded: Sequence[Graded], answers: Mapping[str, str], notes: Sequence[str], pages: Mapping[str, Path]
) -> None:
    """Write the page.

    answers : exercise -> the course's own answer, whose lines anybody may have
    pages   : student -> page of feedback, in feedback/ beside this one
    """
    names_of_pages = {student: page.name for student, page in pages.items()}
    put(path, page(graded, answers, notes, names_of_pages).encode("utf-8"))


def page(graded: Sequence[Graded], answers: Mapping[str, str], notes: Sequence[str], page_of: Mapping[str, str]) -> str:
    """The HTML of the page."""
    sections = (
        ("scores", "Scores", scores(graded)),
        ("mistakes", "What went wrong, and for whom", mistakes(graded)),
        ("exercises", "Exercises, the hardest first", difficulty(graded)),
        ("students", "Students", students_table(graded, page_of)),
        ("alike", "Answers alike: look at these", alike_section(graded, answers)),
        ("notes", "Notes", notes_section(notes)),
    )
    nav = "".join(f'<a href="#{key}">{escape(title.split(":")[0].split(",")[0])}</a>\n' for key, title, _ in sections)
    body = "".join(f'<section id="{key}"><h2>{escape(title)}</h2>\n{html}</section>\n' for key, title, html in sections)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The class</title>
<style>{STYLE}{CLASS_STYLE}</style>
</head>
<body>
<main>
<h1>The class</h1>
<p class="soft">{about(graded)}</p>{"" if all(g.sealed for g in graded) else UNSEALED}
<nav aria-label="Sections">
{nav}</nav>
{body}</main>
</body>
</html>
"""


def about(graded: Sequence[Graded]) -> str:
    """One sentence on what was graded."""
    chapters = sorted({g.chapter for g in graded if g.chapter})
    of = "; ".join(escape(chapter_title(chapter)) for chapter in chapters)
    files = f"{len(graded)} file{'' if len(graded) == 1 else 's'}"
    return f"{files} of {count(len({g.student for g in graded}), 'student')}. {of}"


def count(n: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "student"), count(2, "student")
    ('1 student', '2 students')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


# ------------------------------------------------------------------------------------------------------------- scores
def scores(graded: Sequence[Graded]) -> str:
    """The figures that are asked for first, and how the shares of points are spread."""
    shares = [g.points / g.of for g in graded if g.of]
    lost = sum(bool(g.unreadable) for g in graded)
    open_ = sum(bool(g.trouble) for g in graded)
    if not shares:
        return f"<p>Nothing could be graded: {count(lost + open_, 'file')}.</p>\n"
    figures = [
        (f"{statistics.median(shares):.0%}", "of the points is the middle of the class"),
        (f"{sum(share == 1 for share in shares)}", f"of {count(len(shares), 'notebook')} with all points"),
        (f"{sum(share < 0.5 for share in shares)}", "with less than half of them"),
    ]
    figures += [(f"{lost}", f"file{'' if lost == 1 else 's'} could not be read")] if lost else []
    figures += [(f"{open_}", "could not be graded on this machine")] if open_ else []
    told = "".join(f"<div><strong>{value}</strong> {escape(text)}</div>" for value, text in figures)
    bins = Counter(min(int(share * BINS), BINS - 1) for share in shares)
    highest = max(bins.values())
    bars = "".join(
        f'<div>{bins[k] or ""}<span style="height: {6.5 * bins[k] / highest:.2f}rem"></span></div>' for k in range(BINS)
    )
    ends = "".join(f"<span>{10 * k}</span>" for k in range(BINS + 1))
    said = ", ".join(f"{bins[k]} from {10 * k} to {10 * k + 10} percent" for k in range(BINS) if bins[k])
    return f"""<div class="figures">{told}</div>
<div role="img" aria-label="Notebooks by share of points: {said}"><div class="columns">{bars}</div>
<div class="scale">{ends}</div></div>
<p class="soft">Notebooks by their share of the points, in percent.</p>
"""


# ----------------------------------------------------------------------------------------------------------- mistakes
@cache
def known_mistakes(exercise: str) -> dict[str, KnownMistake]:
    """The known mistakes of an exercise by name; none where the course has no such exercise any more."""
    try:
        return {mistake.name: mistake for mistake in exercises.exercise(exercise).mistakes}
    except KeyError:
        return {}


def kinds_of(graded: Iterable[Graded]) -> list[Kind]:
    """The kinds of mistakes that the class made, those of most students first.

    A known mistake counts under its row of the catalogue, or alone where it has none; what has no name counts by what
    came.
    """
    kinds: dict[str, Kind] = {}
    for g in graded:
        for r in g.results:
            if r.verdict in ("correct", "not-attempted"):
                continue
            key, kind, says = kind_of(r)
            kinds.setdefault(key, kind).made[r.exercise, says].add(g.student)
    return sorted(kinds.values(), key=lambda kind: (-len(kind.students), not kind.row, kind.row, kind.says))


def kind_of(r: Result) -> tuple[str, Kind, str]:
    """(key, the kind, what it is in this exercise) of one result that is not right."""
    if r.verdict == "mistake":
        mistake = known_mistakes(r.exercise).get(r.mistake)
        says = mistake.says if mistake else r.says.removeprefix("Not yet: ").rstrip(".")
        if mistake and mistake.row in CATALOGUE:
            return f"row {mistake.row}", Kind(CATALOGUE[mistake.row], mistake.row), says
        return f"alone {r.exercise} {r.mistake}", Kind(says), ""
    if r.verdict == "failed":
        return f"error {r.mistake}", Kind(f"stopped with {r.mistake or 'an error'}", known=False), ""
    return f"verdict {r.verdict}", Kind(SAYS.get(r.verdict, r.verdict), known=False), ""


def mistakes(graded: Sequence[Graded]) -> str:
    """The kinds of mistakes, how many made each, in which exercise, and who."""
    kinds = kinds_of(graded)
    if not kinds:
        return "<p>Nobody made a mistake.</p>\n"
    titles = {r.exercise: r.title for g in graded for r in g.results}
    everybody = len({g.student for g in graded if g.results})
    told = ""
    for known, heading in ((True, "Known mistakes"), (False, "What else came")):
        if shown := [kind_html(kind, titles, everybody) for kind in kinds if kind.known == known]:
            told += f'<h3>{heading}</h3>\n<ul class="kinds">\n{"".join(shown)}</ul>\n'
    return told


def kind_html(kind: Kind, titles: Mapping[str, str], everybody: int) -> str:
    """One kind of mistake."""
    n = len(kind.students)
    lines = []
    for (exercise, says), who in sorted(kind.made.items(), key=lambda item: (-len(item[1]), item[0])):
        what = f"{escape(titles[exercise])}{f': {simple_html(says)}' if says else ''}"
        lines.append(f"<li>{what} {folded(who)}</li>\n")
    return f"""<li><div><div class="count">{n} <small>of {everybody}</small></div>
<div class="share-bar" aria-hidden="true"><span style="width: {100 * n / everybody:.1f}%"></span></div></div>
<div><h4>{(simple_html if kind.known else escape)(sentence_case(kind.says))}</h4>
<ul>
{"".join(lines)}</ul></div></li>
"""


def names(students: Iterable[str]) -> str:
    """Students as a list, in order."""
    return ", ".join(escape(student) for student in sorted(students, key=str.casefold))


def folded(students: Collection[str]) -> str:
    """The same beside what they did; a long list folded up."""
    if len(students) <= FOLDED:
        return f'<span class="who">– {names(students)}</span>'
    return f'<details class="who"><summary>{len(students)} students</summary> {names(students)}</details>'


# --------------------------------------------------------------------------------------------------------- difficulty
def way(r: Result) -> str:
    """Which of `KINDS` a result is."""
    if r.verdict == "correct":
        return "right"
    if r.verdict == "not-attempted":
        return "open"
    return "part" if r.points else "named" if r.verdict == "mistake" else "other"


def difficulty(graded: Sequence[Graded]) -> str:
    """The exercises, those that the fewest points were got in first, with what came."""
    came: dict[str, list[Result]] = defaultdict(list)
    chapter = {}
    for g in graded:
        for r in g.results:
            came[r.exercise].append(r)
            chapter[r.exercise] = g.chapter
    if not came:
        return "<p>No exercise could be graded.</p>\n"

    def got(exercise: str) -> float:
        return sum(r.points for r in came[exercise]) / max(1, sum(r.of for r in came[exercise]))

    used = {way(r) for results in came.values() for r in results}
    rows = []
    for exercise in sorted(came, key=lambda exercise: (got(exercise), chapter[exercise], exercise)):
        ways = Counter(map(way, came[exercise]))
        total = len(came[exercise])
        parts = "".join(
            f'<span class="k-{key}" style="width: {100 * ways[key] / total:.2f}%"></span>'
            for key, _ in KINDS
            if ways[key]
        )
        told = " · ".join(f"{ways[key]} {text}".replace(" ", "\u00a0") for key, text in KINDS if ways[key])
        rows.append(
            f'<tr><th scope="row">{escape(came[exercise][0].title)}<br><span class="soft small">'
            f"{escape(chapter_title(chapter[exercise]).partition(':')[0])}</span></th>"
            f'<td class="n">{got(exercise):.0%}</td><td><div class="share" aria-hidden="true">{parts}</div>'
            f'<span class="soft small">{told}</span></td></tr>\n'
        )
    key = "".join(f'<li><i class="k-{k}"></i>{text}</li>' for k, text in KINDS if k in used)
    return f"""<ul class="key" aria-hidden="true">{key}</ul>
<div class="scroll" tabindex="0" role="group" aria-label="Exercises"><table class="exercises">
<thead><tr><th scope="col">Exercise</th><th scope="col" class="n">Points got</th>
<th scope="col">What came</th></tr></thead>
<tbody>
{"".join(rows)}</tbody>
</table></div>
"""


# ----------------------------------------------------------------------------------------------------------- students
def students_table(graded: Sequence[Graded], page_of: Mapping[str, str]) -> str:
    """Everybody with the points of each chapter, and a link to the page that they get."""
    chapters = sorted({g.chapter for g in graded if g.chapter})
    theirs: dict[str, list[Graded]] = defaultdict(list)
    for g in graded:
        theirs[g.student].append(g)
    rows = []
    for student, found in sorted(theirs.items(), key=lambda item: item[0].casefold()):
        of_chapter = {g.chapter: g for g in found if g.results}
        cells = "".join(
            f'<td class="n">{number(of_chapter[c].points)}</td>' if c in of_chapter else '<td class="n soft">–</td>'
            for c in chapters
        )
        total, of = sum(g.points for g in found), sum(g.of for g in found)
        told = [f"{g.file}: {g.unreadable}" for g in found if g.unreadable]
        told += [f"{g.file}: not graded on this machine" for g in found if g.trouble]
        told += [f"late{f', {number(g.takes)} % off' if g.takes else ''}" for g in found if g.late]
        link = f'<a href="feedback/{escape(quoted(page_of[student]))}">{escape(student)}</a>'
        more = f'<br><span class="soft small">{escape("; ".join(told))}</span>' if told else ""
        share = f"{total / of:.0%}" if of else "–"
        rows.append(f'<tr><th scope="row">{link}{more}</th>{cells}<td class="n">{share}</td></tr>\n')
    of_all = {g.chapter: g.of for g in graded if g.results}
    heads = "".join(
        f'<th scope="col" class="n">{escape(c.partition("_")[0])}<span class="wide"> '
        f"{escape(chapter_title(c, short=True))}</span><br>of {of_all.get(c, 0)}</th>"
        for c in chapters
    )
    return f"""<div class="scroll" tabindex="0" role="group" aria-label="Students"><table class="narrow">
<thead><tr><th scope="col">Student</th>{heads}<th scope="col" class="n">Share</th></tr></thead>
<tbody>
{"".join(rows)}</tbody>
</table></div>
"""


def quoted(name: str) -> str:
    """A file's name in an address."""
    from urllib.parse import quote

    return quote(name)


# -------------------------------------------------------------------------------------------------------------- alike
def alike_section(graded: Sequence[Graded], answers: Mapping[str, str]) -> str:
    """Pairs to look at, with the lines that they share."""
    titles = {r.exercise: r.title for g in graded for r in g.results}
    same = [
        f"<p><strong>{names(who)}</strong>: the same answers to the letter in {escape(chapter_title(chapter))}.</p>\n"
        for chapter, who in word_for_word(graded)
    ]
    pairs = [pair_html(pair, titles) for pair in alike(graded, answers)]
    if not pairs and not same:
        return "<p>No two students share more than chance gives in a class of this size.</p>\n"
    return f"""<p class="soft">What is shared here is rare in this class, and more of it than two students share by
chance. There may be a good reason: they worked together, had the same help, or read the same page. Ask before you
judge.</p>
{"".join(same)}{"".join(pairs)}"""


def pair_html(pair: Pair, titles: Mapping[str, str]) -> str:
    """Two students side by side."""
    one, other = map(escape, pair.students)
    by_exercise: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for exercise, first, second in pair.lines:
        by_exercise[exercise].append((first, second))
    shown = []
    for exercise, lines in by_exercise.items():
        left, right = ("\n".join(escape(line[k]) for line in lines) for k in (0, 1))
        shown.append(
            f'<p class="soft">{escape(titles[exercise])}</p>\n<div class="pair">'
            f"<div><h4>{one}</h4><pre>{left}</pre></div><div><h4>{other}</h4><pre>{right}</pre></div></div>\n"
        )
    return f"""<article><h3>{one} and {other}: {count(len(pair.lines), "rare line")} in common</h3>
<details><summary>The lines</summary>
{"".join(shown)}</details></article>
"""


def notes_section(notes: Sequence[str]) -> str:
    """What was odd."""
    if not notes:
        return "<p>Nothing was odd.</p>\n"
    return "<ul>\n" + "".join(f"<li>{escape(note)}</li>\n" for note in notes) + "</ul>\n"
