"""The book: everything is in it, every link leads somewhere, and nothing of it is loaded from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXERCISES = sorted((ROOT / "exercises").glob("*.ipynb"))
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "srcset", "link": "href"}  # by the page itself


class Read(HTMLParser):
    """What stands in a page: what it loads, where it leads, its ids, its pictures, its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.ids: set[str] = set()
        self.pictures: list[dict] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        given = dict(attributes)
        self.ids |= {given["id"]} if "id" in given else set()
        self.leads += [given["href"]] if tag == "a" and "href" in given else []
        if tag in LOADED and LOADED[tag] in given and given.get("rel") not in ("index", "search", "next", "prev"):
            self.loads.append(given[LOADED[tag]])
        self.pictures += [given] if tag == "img" else []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def pages(site):
    """Every page of the book, read."""
    found = [path for path in site.rglob("*.html") if "lite" not in path.relative_to(site).parts]
    return {path: Read(path.read_text(encoding="utf-8")) for path in found}


def elsewhere(page: Read) -> list[str]:
    """What a page loads from another machine."""
    return [url for url in page.loads if re.match(r"(\w+:)?//", url) and not url.startswith("data:")]


def broken(path: Path, page: Read, pages: dict) -> list[str]:
    """The links of a page within the site that lead nowhere."""
    found = []
    for link in [*page.leads, *page.loads]:
        place, name = urldefrag(link)
        if re.match(r"\w+:|//", link):
            continue
        target = (path.parent / unquote(place.partition("?")[0])).resolve() if place else path
        if not target.exists() or (name and target in pages and unquote(name) not in pages[target].ids):
            found.append(link)
    return found


def test_no_page_loads_anything_from_another_machine(pages):
    assert {path.name: found for path, page in pages.items() if (found := elsewhere(page))} == {}


def test_what_is_loaded_from_another_machine_is_found():
    page = Read('<a href="https://example.org">fine</a><script src="//example.org/x.js"></script><img src="x.png">')
    assert elsewhere(page) == ["//example.org/x.js"]


def test_no_style_sheet_and_no_module_of_the_book_asks_another_machine(site):
    files = [*(site / "_static").rglob("*.css"), *(site / "_static" / "live").glob("*.js")]
    assert len(files) > 20
    found = r"""(url\(|@import |import\(|from )["']?(https?:)?//[^)"']+"""
    assert {file.name: m[0] for file in files if (m := re.search(found, file.read_text(encoding="utf-8")))} == {}


def test_every_link_within_the_site_leads_to_a_page_and_a_place_on_it(pages):
    assert {path.name: found for path, page in pages.items() if (found := broken(path, page, pages))} == {}


def test_a_link_that_leads_nowhere_is_found(site, pages):
    page = Read('<a href="no.html">a</a><a href="search.html#nowhere">b</a><a href="search.html">c</a>')
    assert broken(site / "index.html", page, pages) == ["no.html", "search.html#nowhere"]


def test_every_lesson_every_exercise_and_every_page_of_the_guide_is_in_the_book(site, pages):
    for path in [*LESSONS, *EXERCISES, *(ROOT / "docs").glob("*.md")]:
        page = site / path.relative_to(ROOT).with_suffix(".html")
        assert page in pages
        home = pages[site / "index.html"]
        assert page.relative_to(site).as_posix() in home.leads


def test_no_solution_is_in_the_site(site, pages):
    assert not list(site.rglob("*solution*.ipynb")) + list(site.rglob("solutions"))
    for name, kind in (("notebooks", "lesson"), ("exercises", "exercises")):
        for path in (site / "lite" / "files" / name).glob("*.ipynb"):
            assert nbformat.read(path, 4).metadata.course.kind == kind


@pytest.mark.parametrize("path", [*LESSONS, *EXERCISES], ids=lambda path: f"{path.parent.name}-{path.stem[:2]}")
def test_a_page_leads_to_its_notebook_in_jupyterlite_and_as_a_file(site, pages, path):
    page = pages[site / path.relative_to(ROOT).with_suffix(".html")]
    place = path.relative_to(ROOT).as_posix()
    assert f"../lite/lab/index.html?path={place}" in page.leads
    assert f"../lite/files/{place}" in page.leads
    assert (site / "lite" / "files" / place).read_bytes() == path.read_bytes()


def test_every_picture_has_its_words(pages):
    bare = {path.name: each for path, page in pages.items() for each in page.pictures if not each.get("alt")}
    assert bare == {}
    assert sum(len(page.pictures) for page in pages.values()) > 50


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem[:2])
def test_every_formula_is_set_and_every_equation_can_be_led_to(site, pages, path):
    cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown"]
    page = pages[site / "notebooks" / f"{path.stem}.html"]
    html = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
    blocks = sum(source.count("$$") // 2 for source in cells)
    assert html.count('class="katex-display"') == blocks
    assert not [words for words in page.words if "$" in words and "\\" in words]
    for number in re.findall(r"\\tag\{([\d.]+)\}", "\n".join(cells)):
        assert f"equation-{number.replace('.', '-')}" in page.ids


def test_a_mention_of_an_equation_leads_to_it_from_another_chapter(site, pages):
    page = pages[site / "notebooks" / "06_backpropagation.html"]
    assert "02_feed_forward.html#equation-2-1" in page.leads
    assert "#equation-6-3" in page.leads
