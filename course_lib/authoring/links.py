"""Launch links: where this copy of the course lives on GitHub, and what README and notebooks make of it.

`chapters/links.toml` is the one place that names the repository; without it no link is shown. A notebook with links
begins with two cells more: the links, and a cell that installs the course where it is missing, such as on Colab. Both
are put there after a lesson was run, so that all else in it stays as it is.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

from nbformat import NotebookNode, v4

from course_lib._errors import CourseError

FILE = "chapters/links.toml"
START = "notebooks/00_start.ipynb"
HEAD = ("launch-links", "launch-install")  # the ids of the two cells
BLOCK = re.compile(r"(<!-- course links -->\n).*?(<!-- end of course links -->\n)", re.DOTALL)
NAMES = {
    "repository": (r"[A-Za-z\d](?:[A-Za-z\d-]*[A-Za-z\d])?/(?!\.{1,2}$)[\w.-]+", "OWNER/NAME, such as ada/chain-rule"),
    "branch": (r"(?!.*\.\.)[\w][\w.-]*", "a branch or tag in letters, digits, dots and dashes, such as main"),
    "hub": (r"(https?://[\w.:/~-]+[\w~-])?", "the address of a JupyterHub, such as https://hub.example.org"),
}


@dataclass(frozen=True)
class Links:
    """Where the course is: `OWNER/NAME` on GitHub, a branch or tag of it, and the JupyterHub of the class, if any.

    Raises : CourseError if one of them is no such name.
    """

    repository: str
    branch: str = "main"
    hub: str = ""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            pattern, expected = NAMES[name]
            if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
                raise CourseError(f"expected as {name} {expected}; got {value!r}")

    def places(self, path: str = START) -> dict[str, str]:
        """Where a notebook of the course opens: Binder (in JupyterLab), Colab, and JupyterHub if there is one."""
        name = self.repository.partition("/")[2]
        address = f"https://github.com/{self.repository}"
        opened = urlencode({"urlpath": f"lab/tree/{path}"})
        found = {
            "Binder": f"https://mybinder.org/v2/gh/{self.repository}/{self.branch}?{opened}",
            "Colab": f"https://colab.research.google.com/github/{self.repository}/blob/{self.branch}/{path}",
        }
        if self.hub:
            pull = {"repo": address, "branch": self.branch, "urlpath": f"lab/tree/{name}/{path}"}
            found["JupyterHub"] = f"{self.hub}/hub/user-redirect/git-pull?{urlencode(pull)}"
        return found

    def install(self) -> str:
        """The cell that installs the course where it is missing, and does nothing elsewhere.

        What shows the lessons is named, and the rest left out: Colab's kernel must keep the IPython that it runs on.
        """
        return (
            "try:\n    import course_lib\nexcept ImportError:  # as on Colab\n"
            "    %pip install -q numpy matplotlib ipywidgets anywidget\n"
            f"    %pip install -q --no-deps https://github.com/{self.repository}/archive/{self.branch}.zip"
        )


def read_links(root: Path) -> Links | None:
    """What `chapters/links.toml` says; None where there is no such file. Raises CourseError."""
    file = root / FILE
    if not file.is_file():
        return None
    try:
        return Links(**tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise CourseError(f"{FILE}: expected repository, branch and hub ({error}); try `course links --repo`") from None


def source(links: Links) -> str:
    """The text of `chapters/links.toml`."""
    lines = "".join(f'{name} = "{value}"\n' for name, value in asdict(links).items())
    return f"# Where this copy of the course lives: written by `course links`, read by `course build`.\n{lines}"


def put_head(notebook: NotebookNode, path: str, links: Links | None) -> None:
    """Give a lesson or an exercise notebook the head that the links ask for, in place of the one it has.

    path : where the notebook is, from the folder of the course. Colab follows no link from a lesson to its exercises
           and back, so their heads have one.
    """
    cells = [cell for cell in notebook.cells if cell.id not in HEAD]
    if links:
        words = {place: f"[Open in {place}]({url})" for place, url in links.places(path).items()}
        if path != START:  # which has no exercises
            folder, _, name = path.partition("/")
            what, other = ("Exercises", "exercises") if folder == "notebooks" else ("Lesson", "notebooks")
            words["Colab"] += f" | [{what} in Colab]({links.places(f'{other}/{name}')['Colab']})"
        metadata = {"tags": ["remove-cell"]}  # a book of the course has no use for them
        cells = [
            v4.new_markdown_cell(" | ".join(words.values()), id=HEAD[0], metadata=metadata),
            v4.new_code_cell(links.install(), id=HEAD[1], metadata=metadata),
            *cells,
        ]
    notebook.cells = cells


def badges(readme: str, links: Links | None) -> str:
    """The README with the badges between its two marks, or with nothing there. Raises CourseError without marks."""
    if not BLOCK.search(readme):
        raise CourseError("expected the lines <!-- course links --> and <!-- end of course links --> in README.md")
    row = [
        f"[![Open in {place}](docs/open_in_{place.lower()}.svg)]({url})"
        for place, url in (links.places() if links else {}).items()
    ]
    return BLOCK.sub(lambda marks: marks[1] + "".join(f"{badge}\n" for badge in row) + marks[2], readme)
