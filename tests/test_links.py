"""The links that open the course elsewhere: one place names the repository, README and notebooks follow."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from course_lib import cli
from course_lib._errors import CourseError
from course_lib.authoring import Links, build, link
from course_lib.authoring.links import FILE, HEAD, START

ROOT = Path(__file__).resolve().parent.parent
ADA = Links("ada/chain.rule-2", "v0.1", "https://hub.example.org/class")
README = "# Course\n\n<!-- course links -->\n<!-- end of course links -->\n\nMore.\n"
CHAPTER = "# 4. Jacobians\n\n```python\n1 + 1\n```\n\n```python\nprint(2)\n```\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course of one chapter, as files."""
    root = tmp_path_factory.mktemp("course")
    for name, text in {"README.md": README, "chapters/04_jacobians/lesson.md": CHAPTER}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8", newline="\n")
    build(root=root, declared=nothing)
    return SimpleNamespace(root=root, files=files(root))


def nothing(chapter):
    return ()


@pytest.fixture
def copy(built, tmp_path):
    for name, content in built.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def files(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


LESSON = "notebooks/04_jacobians.ipynb"


# ------------------------------------------------------------------------------------------------ what is written


def test_links_are_written_as_a_build_would_write_them_and_taken_back_to_the_byte(copy, built):
    assert sorted(link(copy, ADA)) == ["README.md", FILE, LESSON]
    linked = files(copy)
    assert link(copy, ADA) == [], "a second time changes nothing"
    assert not build(root=copy, declared=nothing, check=True).stale
    (copy / LESSON).unlink()
    build(root=copy, declared=nothing)
    assert files(copy) == linked
    assert sorted(link(copy, None)) == ["README.md", FILE, LESSON]
    assert files(copy) == built.files


def test_other_links_take_the_place_of_the_old_ones_everywhere(copy):
    link(copy, ADA)
    link(copy, Links("bo/course"))
    for name, content in files(copy).items():
        if name.startswith(("README", "notebooks", FILE)):
            assert b"bo/course" in content
            assert b"ada/" not in content
            assert b"hub.example" not in content


def test_a_lesson_keeps_all_but_its_head(copy):
    before = nbformat.read(copy / LESSON, as_version=4).cells
    link(copy, ADA)
    after = nbformat.read(copy / LESSON, as_version=4).cells
    assert [cell.id for cell in after[:2]] == list(HEAD)
    assert after[2:] == before


def test_answers_in_an_exercise_notebook_stay_when_links_come(copy):
    mine = nbformat.read(ROOT / "exercises/04_jacobians.ipynb", as_version=4)
    mine.cells = [cell for cell in mine.cells if cell.id not in HEAD]
    next(cell for cell in mine.cells if cell.id == "answer-jacobian-fill").source = "J_fill = [[1]]"
    (copy / "exercises").mkdir()
    nbformat.write(mine, copy / "exercises/04_jacobians.ipynb")
    link(copy, ADA)
    assert nbformat.read(copy / "exercises/04_jacobians.ipynb", as_version=4).cells[2:] == mine.cells


def test_without_a_repository_no_notebook_and_no_readme_has_a_link_to_launch(built):
    assert not [name for name, content in built.files.items() if b"mybinder" in content or b"colab" in content]
    if not (ROOT / FILE).exists():
        for path in [ROOT / "README.md", *(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "exercises").glob("*.ipynb")]:
            assert "mybinder.org/v2" not in path.read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------------------- where they lead


def test_each_place_opens_the_notebook_it_stands_in():
    places = ADA.places("exercises/04_jacobians.ipynb")
    binder, hub = urlsplit(places["Binder"]), urlsplit(places["JupyterHub"])
    assert (binder.netloc, binder.path) == ("mybinder.org", "/v2/gh/ada/chain.rule-2/v0.1")
    assert parse_qs(binder.query) == {"urlpath": ["lab/tree/exercises/04_jacobians.ipynb"]}
    assert places["Colab"] == (
        "https://colab.research.google.com/github/ada/chain.rule-2/blob/v0.1/exercises/04_jacobians.ipynb"
    )
    assert (hub.netloc, hub.path) == ("hub.example.org", "/class/hub/user-redirect/git-pull")
    assert parse_qs(hub.query) == {
        "repo": ["https://github.com/ada/chain.rule-2"],
        "branch": ["v0.1"],
        "urlpath": ["lab/tree/chain.rule-2/exercises/04_jacobians.ipynb"],
    }
    assert "JupyterHub" not in Links("ada/course").places()


def test_what_is_opened_first_is_the_first_notebook():
    assert min((ROOT / "notebooks").glob("*.ipynb")) == ROOT / START


def test_a_lesson_links_its_exercises_and_they_link_it_since_colab_follows_no_link_between_notebooks(copy):
    (copy / "exercises").mkdir()
    (copy / "exercises/04_jacobians.ipynb").write_bytes((ROOT / "exercises/04_jacobians.ipynb").read_bytes())
    link(copy, ADA)
    heads = [nbformat.read(copy / kind / "04_jacobians.ipynb", 4).cells[0] for kind in ("notebooks", "exercises")]
    lesson, exercises = (dict(re.findall(r"\[([^]]+)\]\(([^)]+)\)", head.source)) for head in heads)
    assert lesson["Exercises in Colab"] == exercises["Open in Colab"]
    assert exercises["Lesson in Colab"] == lesson["Open in Colab"]
    assert list(lesson) == ["Open in Binder", "Open in Colab", "Exercises in Colab", "Open in JupyterHub"]


@pytest.mark.parametrize("place", ["Binder", "Colab", "JupyterHub"])
def test_a_badge_is_a_picture_of_ours_that_says_what_it_opens(place):
    badge = ElementTree.parse(ROOT / "docs" / f"open_in_{place.lower()}.svg").getroot()
    assert badge.get("aria-label") == f"Open in {place}"
    assert "".join(badge.itertext()).strip() == f"Open in {place}"
    assert "http" not in ElementTree.tostring(badge, encoding="unicode").replace("http://www.w3.org/2000/svg", "")


# ---------------------------------------------------------------------------------- the cell that installs the course


def run_install(tmp_path, here: bool) -> list[str]:
    """The magics that the cell runs in a Python that has the course, or has not."""
    program = TransformerManager().transform_cell(ADA.install())
    ast.parse(program)
    shell = "class Shell:\n def run_line_magic(self, *what): print(*what)\nget_ipython = Shell\n"
    path = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" if here else ""
    command = [sys.executable, "-I", "-S", "-c", path + shell + program]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout.splitlines()


def test_the_course_is_installed_where_it_is_missing_and_nothing_is_done_where_it_is_there(tmp_path):
    assert run_install(tmp_path, here=True) == []
    assert run_install(tmp_path, here=False) == [
        "pip install -q numpy matplotlib ipywidgets anywidget",
        "pip install -q --no-deps https://github.com/ada/chain.rule-2/archive/v0.1.zip",
    ]


# ---------------------------------------------------------------------------------------------- what cannot be done


@pytest.mark.parametrize(
    "name, value",
    [
        ("repository", "chain-rule"),
        ("repository", "https://github.com/ada/chain-rule"),
        ("repository", "ada/chain rule"),
        ("repository", "ada/.."),
        ("repository", "ada/course)"),
        ("repository", "-ada/course"),
        ("repository", ""),
        ("branch", "feature/x"),
        ("branch", "a..b"),
        ("branch", "-x"),
        ("branch", "ma in"),
        ("hub", "hub.example.org"),
        ("hub", "https://hub.example.org/"),
        ("hub", "https://hub.example.org/?x=1"),
        ("hub", "javascript:alert(1)"),
    ],
)
def test_a_name_that_would_make_a_dead_link_is_refused(name, value):
    given = {"repository": "ada/course"} | {name: value}
    with pytest.raises(CourseError, match=rf"expected as {name} .+ such as .+; got {re.escape(repr(value))}"):
        Links(**given)


def test_the_command_writes_says_and_takes_back(copy, built, capsys):
    root = ["--root", str(copy)]
    assert cli.main(["links", *root]) == 2
    assert "no repository is known yet; try `course links --repo OWNER/NAME`" in capsys.readouterr().err
    assert cli.main(["links", "--repo", "ada/course", *root]) == 0
    said = capsys.readouterr().out
    assert "3 files changed; commit and push them\nBinder      https://mybinder.org/v2/gh/ada/course/main?" in said
    (copy / LESSON).write_bytes(built.files[LESSON])  # as after a merge
    assert cli.main(["links", *root]) == 0
    assert capsys.readouterr().out.startswith(f"{LESSON}\n1 files changed")
    assert cli.main(["links", *root]) == 0
    assert capsys.readouterr().out.startswith("All links are as they should be\nBinder")
    assert cli.main(["links", "--none", *root]) == 0
    assert files(copy) == built.files


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--repo", "ada"], "expected as repository OWNER/NAME, such as ada/chain-rule; got 'ada'"),
        (["--branch", "main"], "expected --repo beside --branch; nothing was written"),
    ],
)
def test_a_use_that_cannot_work_is_refused_and_nothing_is_written(arguments, message, copy, built, capsys):
    assert cli.main(["links", *arguments, "--root", str(copy)]) == 2
    assert capsys.readouterr().err == f"course links: {message}\n"
    assert files(copy) == built.files


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("README.md", "# Course\n", "expected the lines <!-- course links -->"),
        (LESSON, "{", "04_jacobians.ipynb is no notebook as `course build` makes them"),
    ],
)
def test_where_a_link_cannot_be_put_nothing_is_written(name, text, message, copy):
    (copy / name).write_text(text, encoding="utf-8")
    before = files(copy)
    with pytest.raises(CourseError, match=message):
        link(copy, ADA)
    assert files(copy) == before


@pytest.mark.parametrize("text", ["repository = 3\n", 'repo = "a/b"\n', "repository\n", 'repository = "a"\n'])
def test_a_place_that_was_edited_into_nonsense_is_refused_by_the_build(text, copy):
    (copy / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=r"expected .*repository"):
        build(root=copy, declared=nothing)
