"""The guide says what is there: its commands, links and paths exist, its code runs, its example becomes a chapter."""

import csv
import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from test_book import american, american_words, misspelled, prose

import course_lib.explorables
from course_lib import cli
from course_lib.authoring.links import FILE as LINKS
from course_lib.authoring.links import Links
from course_lib.grading import inside, kernels
from course_lib.grading.grader import TIMEOUT

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*DOCS, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
TEXT = {page: page.read_text(encoding="utf-8") for page in PAGES}
FENCE = re.compile(r"^(`{3,})([\w-]*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^`([\w./]+)`(, lines to add)?:\n\n(`{3,})\w+\n(.*?)^\3$", re.MULTILINE | re.DOTALL)
FOLDERS = ("chapters", "course_lib", "tests", "docs", "benchmarks", "notebooks", "exercises", "solutions", "site")
OF_OTHERS = {"--nbval", "--nbval-lax", "--no-deps", "--privileged"}  # options of other programs that the guide names


def named(page):
    return page.relative_to(ROOT).as_posix()


def each_page():
    return pytest.mark.parametrize("page", PAGES, ids=named)


# ------------------------------------------------------------------------------------------------------ what is said


def commands(text):
    """The lines of a page's blocks that are typed: of its console and bash blocks, and of those that are indented."""
    blocks = [body for _, language, body in FENCE.findall(text) if language in ("console", "bash")]
    blocks += re.findall(r"(?:^ {4}\S.*\n)+", FENCE.sub("", text), re.MULTILINE)
    for line in "\n".join(blocks).splitlines():
        yield re.sub(r"(^|\s+)#.*$", "", line.strip().removeprefix("$ "))


def uses(line):
    """The arguments of every use of `course` in a line."""
    for part in re.split(r"\s*(?:&&|;|\|)\s*", line):
        words = shlex.split(part)
        if "course" in words[:-1] and words[0] not in ("cd", "git", "pip"):
            yield words[words.index("course") + 1 :]
        elif words and re.search(r"(^|[/\\])course$", words[0]):
            yield words[1:]


def refused(arguments):
    """What is wrong with a use of the command, "" if nothing is."""
    try:
        options, further = cli.parser().parse_known_args(arguments)
    except SystemExit:
        return f"course {shlex.join(arguments)}"
    return f"course {options.command} knows no {further}" if further and options.command not in ("lab", "test") else ""


def subcommands():
    (action,) = (each for each in cli.parser()._actions if isinstance(each.choices, dict))
    return action.choices


def inline(text):
    """What stands between single backticks in the prose of a page."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", FENCE.sub("", text).replace("\n", " "))


def unknown_words(code):
    """What of a piece of inline code names a command, an option or a target that is not there."""
    words = code.split()
    known = subcommands()
    if words[0] == "course" and len(words) > 1:
        if words[1] not in known:
            yield f"course {words[1]}"
            return
        options = {option for action in known[words[1]]._actions for option in action.option_strings}
    else:
        options = {option for sub in known.values() for action in sub._actions for option in action.option_strings}
    if words[0] in ("course", *options) or code.startswith("--"):
        yield from (w for w in words if w.startswith("--") and w.split("=")[0] not in options | OF_OTHERS)
    if words[0] == "make" and len(words) > 1 and "=" not in words[1]:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        yield from {words[1]} - {*re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()}


@each_page()
def test_every_command_that_is_typed_is_one_with_these_options(page):
    assert [why for line in commands(TEXT[page]) for arguments in uses(line) if (why := refused(arguments))] == []


@each_page()
def test_every_command_option_and_target_in_the_prose_is_there(page):
    assert [word for code in inline(TEXT[page]) for word in unknown_words(code)] == []


def test_a_command_that_is_not_there_is_found():
    page = "Do `course grde x`, `course build --chek`, `make tea` or `--sandbx none`:\n\n    course grade in --out\n"
    assert [word for code in inline(page) for word in unknown_words(code)] == [
        "course grde",
        "--chek",
        "tea",
        "--sandbx",
    ]
    assert [why for line in commands(page) for arguments in uses(line) if (why := refused(arguments))]
    assert [*uses("uv run course lab --port 9 && cd course")] == [["lab", "--port", "9"]]


def test_the_guide_names_every_command():
    told = {code.split()[1] for page in PAGES for code in inline(TEXT[page]) if re.match(r"course \w", code)}
    told |= {arguments[0] for page in PAGES for line in commands(TEXT[page]) for arguments in uses(line)}
    assert set(subcommands()) <= told


# ------------------------------------------------------------------------------------------------------ links, paths


def anchors(text):
    """The anchors of the headings of a page, as forges and the book make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-") for heading in headings}


def lost_links(page, text):
    """Links and pictures of a page that lead nowhere."""
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            yield target


def lost_paths(text):
    """Paths in inline code that begin in a folder of the project and are not there, nor made by a block of the page."""
    made = {path for path, *_ in BLOCK.findall(text)} | {LINKS}
    for code in inline(text):
        path = code.partition("::")[0]
        ours = re.fullmatch(rf"({'|'.join(FOLDERS)})(/[\w.-]*)*", path) and not re.search("NN|CHAPTER", path)
        if ours and path not in made and not (ROOT / path).exists():
            yield path


@each_page()
def test_every_link_leads_somewhere(page):
    assert list(lost_links(page, TEXT[page])) == []


@each_page()
def test_every_path_that_is_named_is_there(page):
    assert list(lost_paths(TEXT[page])) == []


def test_a_link_or_path_that_leads_nowhere_is_found():
    page = ROOT / "docs" / "x.md"
    text = "[a](nothing.md) [b](students.md#no-such-place) ![c](gallery/no.png) [d](#here)\n# Here\n`tests/test_no.py`"
    assert list(lost_links(page, text.replace("#here", "authors.md"))) == [
        "nothing.md",
        "students.md#no-such-place",
        "gallery/no.png",
    ]
    assert list(lost_paths(text)) == ["tests/test_no.py"]


def test_the_map_names_every_module_and_none_that_is_not_there():
    text = TEXT[ROOT / "docs" / "how_it_is_built.md"].split("## Where things are")[1].split("\n## ")[0]
    told = {Path(name).name for name in inline(text) if re.search(r"\w\.py$", name)} - {"chNN.py"}
    package = ROOT / "course_lib"
    alike = {*(package / "explorables").glob("*.py"), *(package / "plots").glob("*.py"), *package.rglob("ch[0-9]*.py")}
    modules = {path.name for path in package.rglob("*.py")}
    assert told <= modules
    assert {path.name for path in {*package.rglob("[a-z]*.py")} - alike} <= told


@each_page()
def test_the_guide_is_spelled_in_british_english(page):
    assert misspelled(page) == []
    assert american_words(prose(TEXT[page]), american()) == []


@pytest.mark.parametrize("page", DOCS, ids=named)
def test_a_page_has_one_title_skips_no_level_and_has_words_for_its_pictures(page):
    levels = [len(mark) for mark in re.findall(r"^(#+) ", FENCE.sub("", TEXT[page]), re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False))
    pictures = re.findall(r"!\[([^\]]*)\]", TEXT[page])
    assert [words for words in pictures if len(words) < 30] == []


# -------------------------------------------------------------------------------------------------------- facts, code


@pytest.mark.parametrize("page", [page for page in PAGES if "```pycon" in TEXT[page]], ids=named)
def test_code_with_its_output_gives_this_output(page):
    source = "\n".join(body for _, language, body in FENCE.findall(TEXT[page]) if language == "pycon")
    example = doctest.DocTestParser().get_doctest(source, {}, named(page), None, 0)
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


def test_the_limits_of_the_sandbox_are_those_of_the_program():
    text = " ".join(TEXT[ROOT / "docs" / "instructors.md"].split())
    limits = {getattr(inside.resource, f"RLIMIT_{name}"): name for name in ("AS", "CPU", "FSIZE", "NOFILE", "NPROC")}
    values = {name: inside.LIMITS[limit] for limit, name in limits.items()}
    scratch = dict(part.partition("=")[::2] for part in inside.SCRATCH.split(","))
    for said in (
        f"{TIMEOUT:g} seconds",
        f"{kernels.OUTPUT_LIMIT >> 20} MB of output",
        f"{values['AS'] / 2**30:g} GB of memory",
        f"{values['NPROC']} processes and threads",
        f"{values['NOFILE']} open files",
        f"{values['FSIZE'] >> 20} MB",
        f"{scratch['size'].removesuffix('m')} MB",
        f"{values['CPU']} seconds",
    ):
        assert said in text, said


def test_the_lines_that_install_the_course_are_those_of_the_launch_cell():
    text = TEXT[ROOT / "docs" / "instructors.md"]
    told = re.findall(r"^%pip .*$", text, re.MULTILINE)
    assert told == [line.strip() for line in Links("OWNER/NAME").install().splitlines() if "%pip" in line]


def test_the_gallery_has_every_explorable_and_every_picture_is_in_it():
    text = TEXT[ROOT / "docs" / "gallery.md"]
    pictures = {path.name for path in (ROOT / "docs" / "gallery").iterdir()} - {"way_of_an_answer.svg"}
    assert set(re.findall(r"\(gallery/([^)]+)\)", text)) == pictures
    modules = {getattr(course_lib.explorables, name).__module__.rpartition(".")[2]
               for name in course_lib.explorables.__all__ if name[0].isupper()}  # fmt: skip
    assert {name[3:-4] for name in pictures if re.match(r"\d\d_", name) and "_dark" not in name} == modules
    assert sum(path.stat().st_size for path in (ROOT / "docs").rglob("*") if path.is_file()) < 1_600_000


@pytest.mark.skipif(sys.platform != "linux", reason="needs the sandbox")
def test_the_course_s_own_solutions_get_all_points(tmp_path):
    """The instructor's dry run, over all chapters and all exercises."""
    assert (
        cli.main(["grade", str(ROOT / "solutions"), "-o", str(tmp_path), "--root", str(ROOT), "--for", "github"]) == 0
    )
    with (tmp_path / "gradebook.csv").open(encoding="utf-8", newline="") as file:
        assert {row["verdict"] for row in csv.DictReader(file)} == {"correct"}


# ----------------------------------------------------------------------------------------- the example for authors

BIN = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
MISTAKES = {
    "uphill": "return x - slope / curvature -> return x + slope / curvature",
    "no-curvature": "return x - slope / curvature -> return x - slope",
    "half": "return x - slope / curvature -> return x - slope / curvature / 2",
}
needs_bash = pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")


def put(text, course):
    """Write the files of the page into a copy of the course, and add lines below those that they follow on the page."""
    for path, added, _, body in BLOCK.findall(text):
        file = course / path
        if not added:
            assert not file.exists(), f"{path} is there already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(body, encoding="utf-8")
            continue
        lines, at = file.read_text(encoding="utf-8").splitlines(), 0
        for line in body.splitlines():
            if line.startswith("+"):
                at += 1
                lines.insert(at, line[1:])
            else:
                assert lines.count(line[1:]) == 1, f"{path} has no line {line[1:]!r}, or several"
                at = lines.index(line[1:])
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(command, course):
    """Run a command line in a copy of the course, whose library it imports."""
    environment = os.environ | {"PATH": BIN, "PYTHONPATH": str(course), "PYTHONSAFEPATH": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(["bash", "-euc", command], cwd=course, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def fork(tmp_path_factory):
    """A copy of the course with the chapter of the page in it, and what each command of the page said."""
    course = tmp_path_factory.mktemp("fork") / "course"
    text = TEXT[ROOT / "docs" / "authors.md"]
    for name in ("course_lib", "chapters", "tests"):
        shutil.copytree(ROOT / name, course / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", course)
    put(text, course)
    said = {}
    for line in commands(text.split("### Build it")[1]):
        if line.startswith("course grade"):
            solution = (course / "solutions" / "11_newton.ipynb").read_text(encoding="utf-8")
            for name, change in MISTAKES.items():
                old, new = change.split(" -> ")
                assert old in solution
                (course / "handed_in" / f"{name}.ipynb").write_text(solution.replace(old, new), encoding="utf-8")
            shutil.copy(course / "exercises" / "11_newton.ipynb", course / "handed_in" / "blank.ipynb")
        said[line] = run(line, course) if line else ""
    return course, said


@needs_bash
def test_the_example_for_authors_is_built_proved_compared_and_found_hard_to_guess(fork):
    course, said = fork
    assert said["course build 11 --check"].count("fresh") == 4
    proved = next(out for line, out in said.items() if "tests/test_exercises.py" in line)
    assert re.search(r"\b[12]\d passed", proved), "the tests of the course ran over the new exercise and explorable"
    assert "0 to change" in said["course lint solutions/11_newton.ipynb"]
    lesson = nbformat.read(course / "notebooks" / "11_newton.ipynb", as_version=4)
    shown = [out.data["text/plain"] for cell in lesson.cells for out in cell.get("outputs", []) if "data" in out]
    assert any("1.226" in text for text in shown), "where the lesson says that the first step leads"


@needs_bash
def test_the_example_for_authors_is_graded_and_every_mistake_is_named(fork):
    with (fork[0] / "graded" / "gradebook.csv").open(encoding="utf-8", newline="") as file:
        came = {row["student"]: (row["verdict"], row["mistake"], row["points"]) for row in csv.DictReader(file)}
    right = {"ada": ("correct", "", "2"), "blank": ("not-attempted", "", "0")}
    assert came == right | {name: ("mistake", name, "0") for name in MISTAKES}


@needs_bash
def test_the_example_for_authors_keeps_the_style_of_the_library(fork):
    files = [path for path, added, *_ in BLOCK.findall(TEXT[ROOT / "docs" / "authors.md"]) if path.endswith(".py")]
    run(f"ruff check {' '.join(files)} && ruff format --check {' '.join(files)}", fork[0])


# -------------------------------------------------------------------------------------- a copy without the solutions


@needs_bash
@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_copy_for_students_has_no_answers_no_history_and_works_and_follows_later_changes(tmp_path):
    (block,) = (b for _, language, b in FENCE.findall(TEXT[ROOT / "docs" / "instructors.md"]) if language == "bash")
    course = tmp_path / "course"
    kept = ("course_lib", "chapters", "tests", "solutions", "exercises")
    for name in kept:
        shutil.copytree(ROOT / name, course / name, ignore=shutil.ignore_patterns("__pycache__"))
    who = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    exports = "".join(f"export {name}={value}\n" for name, value in who.items())

    def students() -> list[str]:
        return run("git ls-tree -r --name-only students", course).splitlines()

    run(f"{exports}git init -q -b main . && git add . && git commit -q -m all\n{block}", course)
    assert run("git log --oneline students", course).count("\n") == 1
    assert "course_lib/exercises/ch06.py" in students()
    assert not [name for name in students() if re.match(r"(solutions|tests|chapters)/|.*solutions\.json", name)]
    ask = "check('needs-w2', ['W2']); [hint('needs-w2') for _ in range(4)]"
    told = run(f'python -c "from course_lib.exercises import check, hint; {ask}"', course)
    assert "Not yet" in told
    assert "The solution" not in told

    rename = "git mv exercises/10_training.ipynb exercises/11_training.ipynb"
    before = students()
    run(f"{exports}git switch -q main && {rename} && git commit -q -m x\n{block}", course)
    assert run("git log --oneline students", course).count("\n") == 2
    assert {*before} ^ {*students()} == {f"exercises/{chapter}_training.ipynb" for chapter in (10, 11)}
