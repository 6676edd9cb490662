"""The files themselves: text that is the same on every system, and nothing in it of the machine it was made on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BINARY = {".npz", ".png"}
HIDDEN_BUT_OURS = {".ci", ".gitignore", ".gitattributes"}
MADE_BY_TOOLS = {"__pycache__", "build", "dist", "uv.lock"}
# A "~" in each pattern keeps this file from holding what it looks for; ada is who examples are about.
HALVES = str.maketrans("", "", "~")
FORBIDDEN = {
    "a path of a machine": r"(?<![\w.])/(?:ro~ot|wo~rk|ho~me|Us~ers)/(?!ada)\w|[A-Z]:\\+Us~ers\\+(?!ada)\w",
    "a path of a kernel": r"ipy~kernel_\d",
    "the host of a registry": r"py~pi\.org|python~hosted|ana~conda\.(?:org|com)|npm~js\.(?:org|com)|index~-url",
    "a folder that is not of the project": r"(?<![\w.-])sha~red/",
}
PATTERNS = {what: re.compile(pattern.translate(HALVES)) for what, pattern in FORBIDDEN.items()}
WINDOWS_RESERVED = re.compile(r'[<>:"|?*\\]|[ .]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?$', re.IGNORECASE)
CLASS = re.compile(r"\.(crx?-[a-z0-9-]+)")


def files(folder: Path = ROOT) -> Iterator[Path]:
    """The files of the project, without what tools leave beside them."""
    for path in sorted(folder.iterdir()):
        name = path.name
        if name in MADE_BY_TOOLS or name.endswith(".egg-info") or (name[0] == "." and name not in HIDDEN_BUT_OURS):
            continue
        if path.is_dir() and (path / "pyvenv.cfg").exists():
            continue
        yield from files(path) if path.is_dir() else [path]


FILES = list(files())
TEXTS = [file for file in FILES if file.suffix not in BINARY]


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", TEXTS, ids=named)
def test_a_text_is_utf_8_with_unix_line_ends_and_ends_with_one(file):
    content = file.read_bytes()
    content.decode("utf-8")
    assert b"\r" not in content
    assert not content.startswith(b"\xef\xbb\xbf")
    assert not content or content.endswith(b"\n")


@pytest.mark.parametrize("file", TEXTS, ids=named)
def test_a_text_says_nothing_of_the_machine_it_was_made_on(file):
    assert findings(file.read_text(encoding="utf-8")) == []


def findings(text: str) -> list[str]:
    """What of the forbidden stands in a text, with the line it stands in."""
    return [
        f"{what}, line {number}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in PATTERNS.items()
        if pattern.search(line)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "see /ho~me/grace/course",
        "File /ro~ot/x.py",
        "ipy~kernel_12/3.py:1: Warning",
        "C:\\Us~ers\\grace",
        "from https://py~pi.org/simple",
        "as in sha~red/style",
    ],
)
def test_what_is_forbidden_is_found(text):
    assert len(findings(text.translate(HALVES))) == 1


@pytest.mark.parametrize(
    "text",
    ["course_lib/network.py", "https://example.org/home/", "saved in /home/ada/x", "a/tmp/b", "np.shares_memory"],
)
def test_what_is_allowed_is_not_found(text):
    assert findings(text) == []


def test_names_of_files_are_safe_on_windows_and_differ_by_more_than_case():
    names = [named(file) for file in FILES]
    assert [name for name in names if any(WINDOWS_RESERVED.search(part) for part in name.split("/"))] == []
    assert len({name.casefold() for name in names}) == len(names)


def test_the_sheets_of_answers_and_explorables_share_no_class():
    """JupyterLab shows a lesson and its exercises in one document, where every sheet counts for both."""
    answers, explorables = (
        {
            name
            for sheet in (ROOT / "course_lib" / folder).glob("*.css")
            for name in CLASS.findall(sheet.read_text("utf-8"))
        }
        for folder in ("exercises", "explorables")
    )
    assert answers
    assert explorables
    assert not answers & explorables
