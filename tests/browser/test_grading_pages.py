"""The pages of grading can be read by everybody: on a phone, on a wide screen, in the dark, on paper, by ear."""

import re

import pytest

from course_lib.grading.classpage import write_class
from course_lib.grading.feedback import write_feedback
from course_lib.grading.gradebook import Graded, Result
from tests.browser.test_accessibility import OPTIONS, violations

ALL_RULES = OPTIONS | {"rules": {}}
ADA = "Ada Lovelace (12345)"
CODE = "def f(x):\n    return " + " + ".join(f"x[{k}] * 1.25" for k in range(30))
RESULTS = (
    Result("jacobian-fill", "Fill the Jacobian", 2, 2, "correct", source="J = 1"),
    Result(
        "numerical-jacobian",
        "A Jacobian by nudging",
        0,
        3,
        "mistake",
        "twice-too-large",
        "Not yet: every entry is twice too large.",
        "How far apart are the two points at which you call f?",
        CODE,
        (("J", ("==x", "x==")), ("v", ("=", "x"))),
    ),
    Result(
        "softmax-jacobian", "The Jacobian of the softmax", 1.5, 3, "incorrect", says="Not yet: J is off.", source=CODE
    ),
    Result("jacobian-layout", "The other layout", 0, 1, "not-attempted", says="Not attempted yet.", hint="Begin."),
    Result("bias-and-fork", "W" * 90, 0, 1, "failed", "ZeroDivisionError", "Not yet: it " + "y" * 200, source="1 / 0"),
)
SHARED = "\n".join(f"    a_{k} = [x[{k}] * {k * 37 + 11} for x in zip(rows, columns)]" for k in range(6))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of feedback and the page of the class, with one of everything."""
    out = tmp_path_factory.mktemp("graded")
    graded = [
        Graded(
            "Ada Lovelace (12345)",
            "04.ipynb",
            "04_jacobians",
            "Ada",
            RESULTS,
            person="Ada Lovelace",
            late=True,
            takes=10,
        ),
        Graded(ADA, "x" * 90 + ".pdf", unreadable="it is a .pdf file, not a notebook"),
        Graded("Bo " + "o" * 70, "bo.ipynb", "04_jacobians", trouble="this machine fails"),
        *(
            Graded(f"s{k:02}", f"s{k:02}.ipynb", "04_jacobians", results=(*RESULTS[: k % 5], *own(k)))
            for k in range(24)
        ),
    ]
    made = write_feedback(out / "feedback", graded)
    students = dict.fromkeys(g.student for g in graded)
    write_class(out / "class.html", graded, {}, ["a note"], dict(zip(students, made, strict=True)))
    return out / "class.html", made[0]


def own(k):
    source = SHARED if k in (3, 8) else f"    mine_{k} = {k} ** x + {k} * other({k})"
    return (Result("patterns", "Patterns", 1, 1, "correct", source=source),)


@pytest.fixture
def opened(browser, pages):
    """opened(which, width, scheme) is a page, 0 the class's and 1 a student's."""
    contexts = []

    def open_(which, width=1200, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        contexts.append(context)
        page = context.new_page()
        page.goto(pages[which].as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()


WIDTHS = (400, 1200)


@pytest.mark.parametrize("which", [0, 1], ids=["class", "feedback"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_too_pale_too_wide_or_without_a_name(opened, which, scheme, width):
    page = opened(which, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert violations(page, ALL_RULES) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_pale_word_and_a_wide_line_are_found(opened):
    page = opened(1, 400)
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', "
        "'<p style=\"color: #999; width: 900px\">pale</p>')"
    )
    assert [line.split(":")[0] for line in violations(page, ALL_RULES)] == ["color-contrast"]
    assert page.evaluate("document.documentElement.scrollWidth") > 400


def test_on_paper_every_answer_is_there_in_dark_letters(opened):
    page = opened(1, 800, "dark")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = false)")
    hidden = page.locator("pre").first
    assert not hidden.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert hidden.is_visible()
    color = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
    assert max(map(int, re.findall(r"\d+", color)[:3])) < 90


def test_a_link_of_the_list_leads_to_its_exercise_by_the_keyboard(opened):
    page = opened(1)
    page.get_by_role("link", name="The other layout").focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#jacobian-layout")
    assert page.locator("#jacobian-layout").is_visible()
    class_page = opened(0)
    class_page.get_by_role("link", name="s03", exact=True).click()
    assert class_page.get_by_role("heading", level=1).inner_text() == "Feedback for s03"
