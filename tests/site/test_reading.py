"""The book in Chromium, without any network: what moves, what is seen on a phone, in the dark, and by whom."""

import re

import pytest

from tests.browser.test_accessibility import violations
from tests.site.test_book import LESSONS

PHONE, DARK = {"viewport": {"width": 390, "height": 844}}, {"color_scheme": "dark"}
LOOKS = pytest.mark.parametrize("reader", [PHONE | DARK, {}], ids=["phone, dark", "desktop, light"], indirect=True)
OTHERS = ["index", "exercises/04_jacobians", "docs/students", "docs/authors", "docs/gallery", "search"]
# What a reader does first with the explorable of a chapter: the keys pressed on a control.
FIRST = {
    "00": ("input[type=radio]:not(:checked)", "Space"),
    "01": ("input[type=range]", "ArrowRight"),
    "02": (".cr-button:has-text('+')", "Enter"),
    "03": ("input[type=range]", "ArrowLeft"),
    "04": ("input[type=range]", "ArrowLeft"),
    "05": ("input[type=radio]:not(:checked)", "Space"),
    "06": (".cr-button:has-text('Next')", "Enter"),
    "07": ("input[type=range]", "ArrowRight"),
    "08": (".cr-button:has-text('Next')", "Enter"),
    "10": ("input[type=range]", "ArrowRight"),
}


def numbers(place):
    """The numbers that are written in a widget, those in its pictures included."""
    return re.findall(r"[\d.]+", place.text_content())


@pytest.mark.parametrize("chapter", FIRST)
def test_the_explorable_of_a_chapter_is_alive_and_its_numbers_change(reader, chapter):
    (lesson,) = [path for path in LESSONS if path.stem.startswith(chapter)]
    reader.open(f"notebooks/{lesson.stem}.html")
    (place, *_) = [each for each in reader.alive() if each.get_attribute("data-module") != "widget"]
    before, text = numbers(place), place.text_content()
    control, key = FIRST[chapter]
    place.locator(control).first.press(key)
    reader.page.wait_for_function("([place, text]) => place.textContent !== text", arg=[place.element_handle(), text])
    assert numbers(place) != before


@LOOKS
@pytest.mark.parametrize("place", [*(f"notebooks/{path.stem}" for path in LESSONS), *OTHERS])
def test_a_page_fits_the_screen_with_everything_on_it_alive(reader, place):
    reader.open(f"{place}.html")
    alive = len(reader.alive())
    assert alive >= 2 or place in OTHERS
    assert reader.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@LOOKS
@pytest.mark.parametrize(
    "place", ["index", "notebooks/06_backpropagation", "exercises/04_jacobians", "docs/instructors"]
)
def test_axe_finds_nothing_in_what_a_page_says(reader, place):
    reader.open(f"{place}.html")
    reader.alive()
    assert violations(reader.page, within="article") == []


def test_a_prediction_is_made_and_what_is_true_opens(reader):
    reader.open("notebooks/04_jacobians.html")
    place = next(each for each in reader.alive() if each.get_attribute("data-module") == "widget")
    choices, truth = place.locator("input[type=radio]"), place.locator("details")
    assert not truth.is_visible()
    choices.first.press("Space")
    truth.locator("summary").press("Enter")
    assert "As you expected: by 0.03, 0.01 and 0" in truth.inner_text()
    choices.nth(1).press("Space")
    assert "You expected by 0.02, 0.01 and 0, it is: by 0.03, 0.01 and 0" in truth.inner_text()


@pytest.mark.parametrize("chapter, name", [("09", "Race"), ("10", "Training")])
def test_what_needs_a_kernel_is_a_picture_a_sentence_and_a_way_to_a_kernel(reader, chapter, name):
    (lesson,) = [path for path in LESSONS if path.stem.startswith(chapter)]
    reader.open(f"notebooks/{lesson.stem}.html")
    still = reader.page.locator(".course-still")
    assert still.locator("img").get_attribute("alt").startswith(name)
    assert "a kernel, which this page does not have" in still.inner_text()
    assert still.get_by_role("link").get_attribute("href") == f"../lite/lab/index.html?path=notebooks/{lesson.name}"


@pytest.mark.parametrize("reader", [{"java_script_enabled": False}], ids=["no script"], indirect=True)
def test_without_javascript_there_are_pictures_sentences_and_formulas(reader):
    reader.open("notebooks/06_backpropagation.html")
    places = reader.page.locator(".course-live").all()
    assert places
    for place in places:
        assert len(place.inner_text()) > 15
    assert reader.page.locator(".course-live img").first.evaluate("image => image.complete && image.naturalWidth") > 100
    assert reader.page.locator(".katex-html").first.bounding_box()["height"] > 5


def test_the_dark_is_chosen_on_the_page_and_the_explorables_follow(reader):
    reader.open("notebooks/04_jacobians.html")
    place = next(each for each in reader.alive() if each.get_attribute("data-module") == "jacobian_stage")
    paper = "place => getComputedStyle(place.querySelector('.cr')).backgroundColor"
    seen = {place.evaluate(paper)}
    for _ in range(2):  # from auto to dark by way of light, or straight
        reader.page.locator(".theme-toggle:visible").first.click()
        seen.add(place.evaluate(paper))
    assert len(seen) == 2
    ink, sheet = place.evaluate(
        "p => [getComputedStyle(p.querySelector('.cr')).color, getComputedStyle(document.body).color]"
    )
    assert ink == sheet


def test_the_search_finds_the_chapter_of_a_word_and_reads_its_formulas_once(reader):
    reader.open("search.html?q=softmax")
    found = reader.page.locator("#search-results li", has_text="value of the softmax, (n,)")
    found.first.wait_for()
    (chapter,) = [each for each in found.all() if each.get_by_role("link").inner_text() == "4. Jacobians"]
    assert "σ, σ′ sigmoid, dsigmoid the activation and its slope" in " ".join(chapter.inner_text().split())


@pytest.mark.parametrize("reader", [DARK, {"color_scheme": "light"}], ids=["dark", "light"], indirect=True)
def test_the_gallery_shows_its_pictures_in_the_colours_of_the_page(reader):
    reader.open("docs/gallery.html")
    dark = reader.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    seen = [each.get_attribute("src") for each in reader.page.locator("article img").all() if each.is_visible()]
    explorables = [src for src in seen if re.search(r"/\d\d_", src)]
    assert len(explorables) == 12
    assert [src for src in explorables if ("_dark" in src) != dark] == []
