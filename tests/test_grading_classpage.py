"""The instructor's page counts every mistake once per student, names who, and shows pairs beyond chance alone."""

import random
import re
from html import unescape

import pytest

from course_lib.exercises.catalogue import CATALOGUE
from course_lib.grading.alike import alike, prints, tail, word_for_word
from course_lib.grading.classpage import kinds_of, page, way
from course_lib.grading.gradebook import Graded, Result


def result(exercise, verdict="correct", mistake="", points=None, source="", of=2):
    points = points if points is not None else of if verdict == "correct" else 0
    return Result(exercise, exercise.title(), points, of, verdict, mistake, f"Not yet: {mistake}.", source=source)


def hand_in(student, *results, chapter="04_jacobians", **more):
    return Graded(student, f"{student}.ipynb", chapter, results=results, **more)


def html(graded, notes=(), answers=None):
    return page(graded, answers or {}, notes, {g.student: f"{g.student}.html" for g in graded})


def text(graded, **more):
    body = re.sub(r"<style>.*?</style>", "", html(graded, **more), flags=re.DOTALL)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


CLASS = [
    hand_in("ada", result("jacobian-fill", "mistake", "transposed"), result("jacobian-layout", "mistake", "our-order")),
    hand_in("bo", result("jacobian-fill", "mistake", "transposed"), result("jacobian-layout")),
    hand_in("cem", result("jacobian-fill", "incorrect"), result("jacobian-layout", "not-attempted")),
    hand_in(
        "dan", result("jacobian-fill", "failed", "IndexError"), result("jacobian-layout", points=1, verdict="mistake")
    ),
]


def test_mistakes_are_counted_by_the_row_of_the_catalogue_whatever_the_exercise():
    first, *others = kinds_of(CLASS)
    assert (first.row, first.says, first.students) == (28, CATALOGUE[28], {"ada", "bo"})
    assert {exercise: who for (exercise, _), who in first.made.items()} == {
        "jacobian-fill": {"ada", "bo"},
        "jacobian-layout": {"ada"},
    }
    assert {kind.says: kind.students for kind in others if not kind.known} == {
        "wrong values that no known mistake gives": {"cem"},
        "stopped with IndexError": {"dan"},
    }
    assert kinds_of([hand_in("eve", result("jacobian-fill"), result("jacobian-layout", "not-attempted"))]) == []


def test_the_page_says_how_many_made_a_mistake_and_who():
    said = text(CLASS)
    assert f"2 of 4 {CATALOGUE[28].capitalize()}".casefold() in said.casefold()
    assert "this is the transpose of the Jacobian: outputs belong in the rows, inputs in the columns – ada, bo" in said
    assert "Stopped with IndexError" in said
    assert "Nobody made a mistake." in text([hand_in("eve", result("jacobian-fill"))])


def test_exercises_stand_in_the_order_of_the_points_that_were_got():
    said = text(CLASS).split("the hardest first")[-1]
    assert said.index("Jacobian-Fill") < said.index("Jacobian-Layout")
    assert "2 known mistake · 2 otherwise wrong" in said
    assert [way(r) for g in CLASS for r in g.results[1:]] == ["named", "right", "open", "part"]


def test_the_figures_are_those_of_the_gradebook():
    said = text([*CLASS, Graded("eve", "eve.ipynb", unreadable="the file is empty")])
    for part in (
        "5 files of 5 students",
        "0 of 4 notebooks with all points",
        "3 with less than half",
        "1 file could not be read",
    ):
        assert part in said
    assert "12% of the points is the middle of the class" in said
    assert "eve.ipynb: the file is empty" in said
    assert "Nothing could be graded: 1 file." in text([Graded("eve", "eve.ipynb", unreadable="the file is empty")])


def test_nothing_of_a_submission_is_markup_and_nothing_is_loaded():
    evil = "</pre><script>alert(1)</script><img src=x>"
    graded = [
        hand_in(name, result("jacobian-fill", "failed", evil, source=f"{evil}\n" * 9), chapter=evil, late=True, takes=5)
        for name in (evil, f"b{evil}")
    ]
    graded += [hand_in("c", result("jacobian-fill", "failed", "<b><sub>"))]  # the name of an error class
    made = html(graded, notes=[evil])
    assert evil not in made
    assert "<b><sub>" not in made
    assert not re.search(r"<(script|img|link)|https?:|url\(|@import|javascript:", made)
    assert "default-src 'none'" in made


def test_a_long_list_of_names_is_folded_up():
    many = [hand_in(f"s{k}", result("jacobian-fill", "mistake", "transposed")) for k in range(30)]
    assert "<summary>30 students</summary>" in html(many)
    assert "students</summary>" not in html(many[:12])


def test_a_link_leads_to_the_page_of_a_student():
    made = page([hand_in("a&b ü#", result("jacobian-fill"))], {}, [], {"a&b ü#": "a_b ü#.html"})
    assert 'href="feedback/a_b%20%C3%BC%23.html"' in made


# -------------------------------------------------------------------------------------------------------------- alike
OWN = "def jacobian(f, x):\n    columns = []\n    return np.column_stack(columns)"
WORDS = ("step", "nudge", "table", "rows", "gap", "delta", "shift", "left", "right", "grid", "cols", "result")


def program(seed):
    """A program that nobody else would write just so."""
    rng = random.Random(seed)
    a, b, c, d = rng.sample(WORDS, 4)
    pieces = [
        f"    {a} = [0.0 for {b} in range({rng.randint(2, 99)})]",
        f"    for {b}, {c} in enumerate(zip({a}, {d}s)):",
        f"        {a}[{b}] = ({c} - {d}({b} * {rng.randint(2, 99)})) / {rng.randint(2, 99)}.0",
        f"    while {d}({a}) > {rng.randint(2, 99)} and {c} < len({a}):",
        f"    {c} = {rng.choice(['max', 'min', 'sum', 'sorted'])}({a})[{rng.randint(1, 99)}] + {rng.randint(2, 99)}",
        f"    {a}.append({rng.randint(2, 99)} * {b} - {c} ** {rng.randint(2, 99)})",
        f"    {d} = {a} if {c} else {b}[{rng.randint(2, 99)}:{rng.randint(2, 99)}]",
        f"    print('{a}', {c}, {rng.randint(2, 99)})  # {b} first",
    ]
    rng.shuffle(pieces)
    return "\n".join([OWN, *pieces])


def classroom(n=24, copied=None):
    return [
        hand_in(f"s{k:02}", result("numerical-jacobian", source=(copied or {}).get(k, program(k)))) for k in range(n)
    ]


def renamed(source):
    for k, word in enumerate(WORDS):
        source = re.sub(rf"\b{word}\b", f"name{k}", source)
    return source


@pytest.mark.parametrize("change", [str, renamed, lambda s: s.replace("    ", "\t").replace(" = ", "=")])
def test_a_copied_answer_is_shown_whatever_its_names_and_spaces(change):
    pairs = alike(classroom(copied={7: change(program(3))}), {"numerical-jacobian": OWN})
    assert [pair.students for pair in pairs] == [("s03", "s07")]
    assert len(pairs[0].lines) >= 4


def test_answers_of_ones_own_are_not_shown():
    assert alike(classroom(40), {"numerical-jacobian": OWN}) == []


def test_the_one_right_way_that_many_take_says_nothing():
    same = "\n".join(f"    value_{k} = compute(x, {k}) + other(y, {k})" for k in range(8))
    half = {k: program(k) + "\n" + same for k in range(12)}
    assert alike(classroom(copied=half), {"numerical-jacobian": OWN}) == []
    two = {k: program(k) + "\n" + same for k in (4, 9)}
    assert [pair.students for pair in alike(classroom(copied=two), {"numerical-jacobian": OWN})] == [("s04", "s09")]
    assert alike(classroom(copied=two), {"numerical-jacobian": OWN + "\n" + same}) == []  # the course has given it


def test_two_students_alone_are_no_class_in_which_chance_is_known():
    assert alike(classroom(2, copied={1: program(0)}), {}) == []
    assert word_for_word(classroom(2, copied={1: program(0)})) == [("04_jacobians", ("s00", "s01"))]
    blank = [hand_in(name, result("jacobian-fill", "not-attempted", source="J = ...")) for name in ("ada", "bo")]
    assert word_for_word(blank) == []


def test_the_page_shows_a_pair_with_its_lines_and_judges_nobody():
    made = html(classroom(copied={7: renamed(program(3))}))
    assert re.search(r"s03 and s07: \d+ rare lines in common", made)
    assert "Ask before you judge" in re.sub(r"\s+", " ", made)
    assert not re.search("plagiar|cheat|copied", made)
    assert "No two students share more than chance" in html(classroom())


def test_a_source_that_python_cannot_read_is_compared_as_words():
    assert prints("def f(:\n    broken = (1,\n").keys() == prints("def f(:\n\tbroken=(1,\n").keys()
    assert prints("x = 1") == {}  # too short to say anything


def test_the_lines_of_a_long_source_are_those_that_python_counts():
    long = "\n".join(f"total_{k} = 12345 * {k}  #\x0c\u2028" for k in range(50_000))
    made = prints(long)
    assert made["total_999 = 12345 * 999 #"].startswith("total_999 =")
    assert "total_1000 = 12345 * 1000 #" not in made, "nobody waits for the rest"


def test_the_chance_of_a_number_is_that_of_poisson():
    assert tail(2.0, 0) == pytest.approx(1)
    assert tail(0.04, 3) == pytest.approx(0.04**3 / 6 * (1 - 0.04 * 3 / 4), rel=1e-3)
    assert tail(0.5, 20) == pytest.approx(3.9e-25, rel=0.5)
