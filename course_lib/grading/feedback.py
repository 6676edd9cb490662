"""A page for each student: what was right, what each mistake is called, where it shows, what to think about next.

Self-contained HTML without scripts. Everything that came from a submission is escaped; no expected number is shown.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from course_lib._colours import DARK, LIGHT, variables
from course_lib.grading.difference import Picture
from course_lib.grading.gradebook import Graded, Result, number, put

RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{k}" for port in ("com", "lpt") for k in range(10))}
SIGNS = {"correct": ("✓", "Right", "right"), "not-attempted": ("○", "Not attempted", "open")}
OTHER = ("✗", "Not yet", "wrong")

UNSEALED = '<p class="soft">Graded without a sandbox.</p>'

OURS = '<meta name="generator" content="course grade">'  # pages with it are taken away when their student is gone

STYLE = f"""
:root {{ color-scheme: light dark; {variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}
@media print {{ :root {{ color-scheme: light; {variables(LIGHT)} }} }}
"""
STYLE += """
:root { --page: var(--course-faint); --card: var(--course-paper); --code: var(--course-faint); --ink: var(--course-ink);
  --soft: var(--course-quiet); --line: var(--course-line); --link: var(--course-blue); --hint: var(--course-blue-soft);
  --right: var(--course-green); --wrong: var(--course-orange); --open: var(--course-quiet);
  --named: var(--course-orange); --other: var(--course-purple);
  --ok-tile: var(--course-green-soft); --off-tile: var(--course-orange-soft); }
@media (prefers-color-scheme: dark) {
  :root { --page: var(--course-paper); --card: var(--course-faint); --code: var(--course-paper); } }
@media print { :root { --page: var(--course-paper); --card: var(--course-paper); --code: var(--course-faint); } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.55 system-ui, "Segoe UI", sans-serif;
  overflow-wrap: anywhere; }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .25rem; overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 0; line-height: 1.4; }
p { margin: .4rem 0; overflow-wrap: anywhere; }
a { color: var(--link); }
.soft { color: var(--soft); } .small { font-size: .875rem; font-weight: 400; }
.score { font-size: 1.15rem; margin: .6rem 0 0; }
.bar { height: .6rem; border-radius: .3rem; background: var(--line); overflow: hidden; margin: .5rem 0 1rem; }
.bar span { display: block; height: 100%; background: var(--right); }
.all { list-style: none; margin: .6rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem; }
.all a { display: block; border: 1px solid var(--line); border-radius: 1rem; padding: .1rem .75rem; color: var(--ink);
  text-decoration: none; background: var(--card); font-size: .9rem; line-height: 1.7; }
.all a:hover, .all a:focus-visible { border-color: var(--ink); }
.all .right b { color: var(--right); } .all .wrong b { color: var(--wrong); } .all .open b { color: var(--open); }
article { background: var(--card); border: 1px solid var(--line); border-left: .3rem solid var(--open);
  border-radius: .5rem; padding: .9rem 1.1rem; margin: .9rem 0; break-inside: avoid; }
article.right { border-left-color: var(--right); } article.wrong { border-left-color: var(--wrong); }
article:target { outline: 2px solid var(--link); outline-offset: 2px; }
header { display: flex; gap: 1rem; justify-content: space-between; align-items: baseline; }
.points { color: var(--soft); white-space: nowrap; overflow-wrap: normal; }
.verdict { font-weight: 600; margin: .1rem 0 .3rem; }
.right .verdict { color: var(--right); } .wrong .verdict { color: var(--wrong); } .open .verdict { color: var(--open); }
.hint { background: var(--hint); border-radius: .4rem; padding: .5rem .8rem; margin: .6rem 0; }
.hint b { font-weight: 600; }
.tiles { display: flex; flex-wrap: wrap; gap: .5rem 1.4rem; margin: .7rem 0; }
.tiles table { border-collapse: separate; border-spacing: 2px; }
.tiles p { margin: 0; font-size: .9rem; }
.tiles td { width: 1.9rem; height: 1.9rem; padding: 0; text-align: center; border-radius: .25rem; border: 0; }
.tiles .ok { background: var(--ok-tile); color: var(--right); }
.tiles .off { background: var(--off-tile); color: var(--wrong); font-weight: 700; outline: 1.5px solid var(--wrong);
  outline-offset: -1.5px; }
summary { cursor: pointer; color: var(--soft); margin-top: .5rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
pre { background: var(--code); border-radius: .4rem; padding: .7rem .9rem; margin: .5rem 0 0;
  white-space: pre-wrap; overflow-wrap: anywhere;
  font: .85rem/1.5 ui-monospace, "Cascadia Mono", Consolas, Menlo, monospace; tab-size: 4; }
@media (max-width: 40rem) { main { padding-top: 1.2rem; } article { padding: .8rem .85rem; } }
@page { margin: 16mm; }
@media print {
  * { print-color-adjust: exact; } body { font-size: 10.5pt; } main { padding: 0; max-width: none; }
  h2, h3 { break-after: avoid; } .all, nav { display: none; } details > summary { list-style: none; }
  details::details-content { content-visibility: visible; display: block; } }
"""


def write_feedback(folder: Path, graded: Iterable[Graded]) -> list[Path]:
    """Write a page for each student into the folder; returns the pages. ``graded`` is sorted by student.

    Pages of students who are no longer there are taken away; what else lies in the folder stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    pages = []
    for student, hand_ins in groupby(graded, key=lambda g: g.student):
        path = folder / f"{file_name(student, taken)}.html"
        put(path, page(list(hand_ins)).encode("utf-8"))
        pages.append(path)
    for old in set(folder.glob("*.html")) - set(pages):
        if OURS.encode() in old.read_bytes()[:1000]:
            old.unlink()
    return pages


def file_name(student: str, taken: set[str]) -> str:
    """A name for a student's file that every system takes, no two the same even where capitals do not count.

    >>> taken = set()
    >>> file_name("Bo Li", taken), file_name("../etc", taken), file_name("bo li", taken)[:5]
    ('Bo Li', '_etc', 'bo li')
    """
    name = unicodedata.normalize("NFC", re.sub(r"[^\w .@()-]+", "_", student))
    name = name.encode()[:100].decode(errors="ignore").strip(" .") or "_"  # a name may have 255 bytes, ending and all
    if name.casefold().split(".")[0] in RESERVED:
        name = f"_{name}"
    while name.casefold() in taken:
        name = f"{name}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"
    taken.add(name.casefold())
    return name


def page(hand_ins: Sequence[Graded]) -> str:
    """The HTML of one student's page."""
    points, of = sum(g.points for g in hand_ins), sum(g.of for g in hand_ins)
    student = next((g.person for g in hand_ins if g.person), hand_ins[0].student)
    right = sum(r.verdict == "correct" for g in hand_ins for r in g.results)
    count = sum(len(g.results) for g in hand_ins)
    share = f"all {count} exercises are right" if right == count else f"{right} of {count} exercises are right"
    told = f'<p class="score">{number(points)} of {of} points; {share}.</p>{bar(points, of)}'
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
{OURS}
<title>Feedback for {escape(student)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>Feedback for {escape(student)}</h1>
{told if count else ""}{"" if all(g.sealed for g in hand_ins) else UNSEALED}
{"".join(map(section, hand_ins))}
</main>
</body>
</html>
"""


def bar(points: float, of: int) -> str:
    """A bar that shows the share of the points; the sentence above it says the same."""
    return (
        f'<div class="bar" aria-hidden="true"><span style="width: {100 * points / of if of else 0:.1f}%"></span></div>'
    )


def section(graded: Graded) -> str:
    """One handed-in file."""
    if graded.unreadable:
        return f"""<h2>{escape(graded.file)}</h2>
<article class="wrong"><p class="verdict">✗ This file could not be graded</p>
<p>{escape(sentence_case(graded.unreadable))}.</p></article>
"""
    if graded.trouble:
        return f"""<h2>{escape(graded.file)}</h2>
<article><p class="verdict">This file has not been graded yet.</p></article>
"""
    whose = f" Your numbers were drawn from the name “{escape(graded.name)}”." if graded.name else ""
    late = " It came late." if graded.late and not graded.takes else ""
    if graded.late and graded.takes:
        late = f" It came late, which takes {number(graded.takes)} percent."
    links = "".join(
        f'<li class="{style}"><a href="#{escape(r.exercise)}"><b aria-hidden="true">{sign}</b> {escape(r.title)}'
        f"</a></li>\n"
        for r in graded.results
        for sign, _, style in [shown_as(r)]
    )
    return f"""<h2>{escape(chapter_title(graded.chapter))}</h2>
<p class="soft">{number(graded.points)} of {graded.of} points for {escape(graded.file)}.{late}{whose}</p>
<ul class="all" aria-label="Exercises">
{links}</ul>
{"".join(map(article, graded.results))}"""


def chapter_title(chapter: str, short: bool = False) -> str:
    """A chapter as people call it.

    >>> chapter_title("04_jacobians"), chapter_title("05_chain_rule", short=True)
    ('Chapter 4: Jacobians', 'Chain rule')
    """
    key, _, topic = chapter.partition("_")
    words = topic.replace("_", " ").capitalize()
    return words if short else f"Chapter {key.lstrip('0')}: {words}"


def shown_as(result: Result) -> tuple[str, str, str]:
    """Sign, word and class of a result; an answer that is right in parts says so."""
    if 0 < result.points < result.of:
        return "◐", "Right in part", "wrong"
    return SIGNS.get(result.verdict, OTHER)


def article(result: Result) -> str:
    """One exercise: verdict, points, what was found, where, what to think about, the student's own code."""
    sign, word, style = shown_as(result)
    says = result.says.removeprefix("Not yet: ") if style == "wrong" else result.says
    said = f"<p>{escape(sentence_case(says))}</p>\n" if style != "right" and says != "Not attempted yet." else ""
    begin = "To begin" if style == "open" else "Think about this"
    hint = f'<p class="hint"><b>{begin}:</b> {simple_html(result.hint)}</p>\n' if result.hint else ""
    shown = "" if style == "right" else " open"
    own = result.source if style != "open" else ""  # as it stands in the cell: errors count its lines
    code = f"<details{shown}><summary>Your answer</summary>\n<pre>{escape(own)}</pre></details>\n"
    return f"""<article class="{style}" id="{escape(result.exercise)}">
<header><h3>{escape(result.title)}</h3><span class="points">{number(result.points)} of {result.of}</span></header>
<p class="verdict"><span aria-hidden="true">{sign}</span> {word}</p>
{said}{tiles(result.picture)}{hint}{code if own else ""}</article>
"""


def tiles(picture: Picture) -> str:
    """The picture of the difference: of every entry whether it is right."""
    if not any("=" in row for _, rows in picture for row in rows):
        return ""  # the sentence has said it of all
    tables = []
    signs = {"=": '<td class="ok">✓</td>', "x": '<td class="off">✗</td>'}
    for name, rows in picture:
        entries = "".join(rows)
        said = f"{name or 'Your answer'}: {entries.count('=')} of {len(entries)} right"
        body = "".join(f"<tr>{''.join(signs.get(mark, '<td></td>') for mark in row)}</tr>" for row in rows)
        tables.append(f"<div><p>{escape(said)}</p><table>{body}</table></div>\n")
    return f'<div class="tiles">{"".join(tables)}</div>\n'


def sentence_case(text: str) -> str:
    """The text with a capital at its start.

    >>> sentence_case("it is a PDF"), sentence_case("dW[1] is off"), sentence_case("v is off")
    ('It is a PDF', 'dW[1] is off', 'v is off')
    """
    first = text.split(" ", 1)[0]
    word = first.isalpha() and first.islower() and (len(first) > 1 or first == "a")  # v is the symbol v
    return text[:1].upper() + text[1:] if word else text


def simple_html(text: str) -> str:
    """Text of the course in which only sub, sup, em, b and code are markup.

    >>> simple_html("x<sub>1</sub> < 2 <script>")
    'x<sub>1</sub> &lt; 2 &lt;script&gt;'
    """
    return re.sub(r"&lt;(/?(?:sub|sup|em|b|code))&gt;", r"<\1>", escape(text))
