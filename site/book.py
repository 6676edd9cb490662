"""The sources of the book: the notebooks with the outputs that they were saved with, and the pages of docs/.

Explorables and predictions are alive in it: the page loads the module that Jupyter would load, and live.js gives it the
state that the widget has in the notebook.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import hashlib
import io
import json
import re
import shutil
import struct
from pathlib import Path
from typing import Any

import nbformat

from course_lib.explorables import PassPlayer

CODE = r"(?P<fence>`{3,}).*?(?P=fence)|`[^`\n]*`"  # of Markdown
KERNEL = {  # what the page cannot do, and the words for it
    "Race": "The race is run by a kernel, which this page does not have.",
    "TrainingWatch": "The network is trained by a kernel, which this page does not have.",
}
READ = "Here you can read the exercises. To do them, open them in JupyterLite, or in JupyterLab on your machine."
PARTLY = {"BatchStacker": "The times of both are measured by a kernel, which this page does not have."}


class NotAsSaved(Exception):
    """A cell gives another widget than the one that its notebook was saved with."""


def put_together(root: Path, folder: Path, katex: Path) -> tuple[Path, Path]:
    """Make the sources of the book of the course in `root`; returns the folders of its pages and of what they load.

    folder : what was there is gone      katex : KaTeX's style sheet and fonts
    """
    shutil.rmtree(folder, ignore_errors=True)
    made = Book(root, folder / "pages", folder / "static")
    shutil.copytree(Path(__file__).parent / "static", made.static)
    (made.static / "katex").mkdir()
    shutil.copy(katex / "katex.min.css", made.static / "katex")
    shutil.copytree(katex / "fonts", made.static / "katex" / "fonts", ignore=shutil.ignore_patterns("*.ttf", "*.woff"))
    shutil.copytree(root / "docs", made.pages / "docs", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for path in (made.pages / "docs").rglob("*.md"):
        path.write_text(staying(path.read_text(encoding="utf-8"), path), encoding="utf-8")
    notebooks = sorted([*(root / "notebooks").glob("*.ipynb"), *(root / "exercises").glob("*.ipynb")])
    for path in notebooks:
        made.number(nbformat.read(path, 4))
    for path in notebooks:
        made.page(path)
    made.home()
    return made.pages, made.static


class Book:
    """The sources of the book: pages for Sphinx, and the files that they load."""

    def __init__(self, root: Path, pages: Path, static: Path) -> None:
        self.root, self.pages, self.static = root, pages, static
        self.tags: set[str] = set()  # the numbers of the equations

    def number(self, notebook: nbformat.NotebookNode) -> None:
        """Take down which equations a notebook numbers."""
        texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
        self.tags.update(re.findall(r"\\tag\{([\d.]+)\}", "\n".join(texts)))

    def home(self) -> None:
        """Write the first page: its text with the pass player, alive, and the chapters as the README lists them."""
        readme = (self.root / "README.md").read_text(encoding="utf-8")
        chapters = re.search(r"^\| chapter \|.*?(?=\n\n)", readme, re.MULTILINE | re.DOTALL)
        player = PassPlayer(step=9, selected="w 2 1 2")  # as in the picture of the README
        filled = {
            "player": self.live(player, self.pictures(player.page())).replace('"../', '"'),
            "chapters": chapters[0] if chapters else "",
            "exercises": "\n".join(entry(path) for path in sorted((self.root / "exercises").glob("*.ipynb"))),
        }
        text = (Path(__file__).parent / "index.md").read_text(encoding="utf-8")
        for name, value in filled.items():
            text = text.replace(f"{{{name}}}", value)
        (self.pages / "index.md").write_text(text, encoding="utf-8")

    def page(self, path: Path) -> None:
        """Write a notebook as a page: links between pages, pictures as files, widgets alive."""
        notebook = nbformat.read(path, 4)
        first = notebook.cells[0]
        head, _, rest = first.source.partition("\n")
        first.source = f"{head}\n\n{self.ways(path)}\n{rest}"
        for i, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown":
                cell.source = self.linked(cell.source)
                continue
            if re.fullmatch(r"predict\(.*\)", cell.source):
                cell.metadata["tags"] = ["remove-input"]
            for output in cell.outputs:
                if "text/html" in output.get("data", {}):
                    output.data["text/html"] = self.shown(path, notebook.cells, i, output.data)
        target = self.pages / path.relative_to(self.root)
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
        read = "" if path.parent.name == "notebooks" else f'<p class="course-note">{READ}</p>'
        return f'<ul class="course-ways">{items}</ul>\n{read}\n'

    def linked(self, text: str) -> str:
        """The text with a target at each numbered equation, and a link at each mention of its number."""

        def change(found: re.Match) -> str:
            if (formula := found["formula"]) and (tag := re.search(r"\\tag\{([\d.]+)\}", formula)):
                return f"\n({anchor(tag[1])})=\n{formula}\n"
            number = found["number"]
            return f"[({number})](#{anchor(number)})" if number in self.tags else found[0]

        mention = r"(?<![\w)\]])\((?P<number>\d+\.\d+)\)(?!\()"
        return re.sub(rf"{CODE}|(?P<formula>\$\$.*?\$\$)|\$[^$]*\$|{mention}", change, text, flags=re.DOTALL)

    def shown(self, path: Path, cells: list[Any], i: int, data: dict[str, Any]) -> str:
        """The HTML of an output: its pictures as files of the site, a widget with its state beside its picture."""
        html = re.sub(r"<style>.*?</style>", "", self.pictures(data["text/html"]))
        html = re.sub(r'(href="(?!\w+:)[^"]*)\.ipynb"', r'\1.html"', html)
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


def entry(exercises: Path) -> str:
    """The line of a table of contents for a notebook of exercises, under the title of its chapter."""
    title = nbformat.read(exercises, 4).cells[0].source.partition("\n")[0].removeprefix("# Exercises ")
    return f"{title} <exercises/{exercises.stem}>"


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


def staying(text: str, path: Path) -> str:
    """A page of docs/ as the book has it: pictures light and dark, links to files outside the book as plain words."""

    def change(found: re.Match) -> str:
        place = (found["place"] or "").partition("#")[0]
        inside = not place or ":" in place or "/notebooks/" in place or (path.parent / place).exists()
        return found[0] if inside else found["words"]

    text = re.sub(rf"{CODE}|(?<!!)\[(?P<words>[^\]]+)\]\((?P<place>[^)\s]+)\)", change, text, flags=re.DOTALL)
    text = re.sub(r"\s\(\[[^\]]+\]\(\S+_dark\.png\)\)", "", text)
    both = r"![\1](\2.png){.only-light}\n![\1](\2_dark.png){.only-dark}"
    return re.sub(
        r"!\[([^\]]+)\]\((\S+)\.png\)",
        lambda found: found.expand(both) if (path.parent / f"{found[2]}_dark.png").exists() else found[0],
        text,
    )
