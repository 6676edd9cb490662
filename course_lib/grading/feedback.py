"""A page for each student: what was right, what each mistake is called, what to think about next.

Self-contained HTML without scripts. Everything that came from a submission is escaped; no expected number is shown.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from course_lib.grading.gradebook import Graded, Result, number

RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{k}" for port in ("com", "lpt") for k in range(10))}
SIGNS = {"correct": ("✓", "Right", "right"), "not-attempted": ("○", "Not attempted", "open")}
OTHER = ("✗", "Not yet", "wrong")

UNSEALED = '<p class="soft">Graded without a sandbox.</p>'

STYLE = """
:root { color-scheme: light dark; --page: #fbfaf7; --card: #fff; --ink: #22252b; --soft: #5b616b; --line: #dddad2;
  --code: #f4f2ec; --right: #00664b; --wrong: #a3410b; --open: #5b616b; --bar: #00805e; --hint: #eef4fb; }
@media (prefers-color-scheme: dark) { :root { --page: #16181c; --card: #1e2126; --ink: #e8e6e1; --soft: #a8adb6;
  --line: #363a42; --code: #15171b; --right: #5fd3ac; --wrong: #f5a56e; --open: #a8adb6; --bar: #3fb58d;
  --hint: #1d2a38; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.55 system-ui, "Segoe UI", sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .25rem; }
h3 { font-size: 1.05rem; margin: 0; }
p { margin: .4rem 0; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.bar { height: .6rem; border-radius: .3rem; background: var(--line); overflow: hidden; margin: .5rem 0 1rem; }
.bar span { display: block; height: 100%; background: var(--bar); }
article { background: var(--card); border: 1px solid var(--line); border-left: .3rem solid var(--open);
  border-radius: .5rem; padding: .9rem 1.1rem; margin: .9rem 0; break-inside: avoid; }
article.right { border-left-color: var(--right); } article.wrong { border-left-color: var(--wrong); }
header { display: flex; gap: 1rem; justify-content: space-between; align-items: baseline; }
.points { color: var(--soft); white-space: nowrap; }
.verdict { font-weight: 600; }
.right .verdict { color: var(--right); } .wrong .verdict { color: var(--wrong); } .open .verdict { color: var(--open); }
.hint { background: var(--hint); border-radius: .4rem; padding: .5rem .8rem; }
summary { cursor: pointer; color: var(--soft); margin-top: .5rem; }
pre { background: var(--code); border-radius: .4rem; padding: .7rem .9rem; margin: .5rem 0 0; overflow-x: auto;
  font: .85rem/1.5 ui-monospace, "Cascadia Mono", Consolas, Menlo, monospace; tab-size: 4; }
@media (max-width: 40rem), print { pre { white-space: pre-wrap; overflow-wrap: anywhere; } }
@media print { body { background: #fff; } main { padding: 0; } details > summary { display: none; } }
"""


def write_feedback(folder: Path, graded: Iterable[Graded]) -> list[Path]:
    """Write a page for each student into the folder; returns the pages. ``graded`` is sorted by student."""
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    pages = []
    for student, hand_ins in groupby(graded, key=lambda g: g.student):
        path = folder / f"{file_name(student, taken)}.html"
        text = page(student, list(hand_ins)).encode("utf-8")
        if not path.is_file() or path.read_bytes() != text:  # grading a part anew leaves the other pages as they are
            path.write_bytes(text)
        pages.append(path)
    return pages


def file_name(student: str, taken: set[str]) -> str:
    """A name for a student's file that every system takes, no two the same even where capitals do not count.

    >>> taken = set()
    >>> file_name("Bo Li", taken), file_name("../etc", taken), file_name("bo li", taken)[:5]
    ('Bo Li', '_etc', 'bo li')
    """
    name = re.sub(r"[^\w .@()-]+", "_", student)[:80].strip(" .") or "_"
    if name.casefold().split(".")[0] in RESERVED:
        name = f"_{name}"
    if name.casefold() in taken:
        name = f"{name}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"
    taken.add(name.casefold())
    return name


def page(student: str, hand_ins: Sequence[Graded]) -> str:
    """The HTML of one student's page."""
    points, of = sum(g.points for g in hand_ins), sum(g.of for g in hand_ins)
    right = sum(r.verdict == "correct" for g in hand_ins for r in g.results)
    count = sum(len(g.results) for g in hand_ins)
    share = f"all {count} exercises are right" if right == count else f"{right} of {count} exercises are right"
    told = f"<p>{number(points)} of {of} points; {share}.</p>{bar(points, of)}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
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
    chapter, _, topic = graded.chapter.partition("_")
    return f"""<h2>Chapter {escape(chapter.lstrip("0"))}: {escape(topic.replace("_", " ").capitalize())}</h2>
<p class="soft">{number(graded.points)} of {graded.of} points for {escape(graded.file)}.{whose}</p>
{"".join(map(article, graded.results))}"""


def article(result: Result) -> str:
    """One exercise: verdict, points, what was found, what to think about, the student's own code."""
    sign, word, style = SIGNS.get(result.verdict, OTHER)
    says = result.says.removeprefix("Not yet: ") if style == "wrong" else result.says
    said = f"<p>{escape(sentence_case(says))}</p>\n" if style != "right" and says != "Not attempted yet." else ""
    hint = f'<p class="hint">{simple_html(result.hint)}</p>\n' if result.hint else ""
    shown = "" if style == "right" else " open"
    own = result.source if style != "open" else ""  # as it stands in the cell: errors count its lines
    code = f"<details{shown}><summary>Your answer</summary>\n<pre>{escape(own)}</pre></details>\n"
    return f"""<article class="{style}" id="{escape(result.exercise)}">
<header><h3>{escape(result.title)}</h3><span class="points">{number(result.points)} of {result.of}</span></header>
<p class="verdict"><span aria-hidden="true">{sign}</span> {word}</p>
{said}{hint}{code if own else ""}</article>
"""


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
