"""What the explorables share: one ES module without a build step, state in traits, a text twin and a picture twin.

``name.js`` begins with ``import {...} from "./kit.js";``: in the class that line gives way to the text of ``kit.js``,
and ``name.css`` follows on ``kit.css``, nested in ``:root``: a page may hold several explorables, each with the kit,
and the rules of one must outweigh a kit that comes later. So ``@keyframes``, which cannot be nested, stand in
``kit.css``. The widgets of the exercises take the kit the same way.
"""

from __future__ import annotations

import base64
import re
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from course_lib._colours import DARK, LIGHT, variables

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "[./a-z]*/kit\.js";\n', re.MULTILINE)


def module(name: str, folder: Path = _HERE) -> str:
    """The ES module ``name.js`` with the kit in place of its import."""
    kit = (_HERE / "kit.js").read_text(encoding="utf-8")
    source, count = _IMPORT.subn(lambda _: kit, (folder / f"{name}.js").read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(f"{name}.js must import the kit in one statement, found {count}")
    return source


VIEW = "application/vnd.jupyter.widget-view+json"
LIVE = ":is(.cr, .crx-answer, .crx-progress)"  # what our modules draw into
# The outputs of one cell in Jupyter's apps, VS Code and Colab: a live widget takes the place of its still, and where
# Jupyter does not find the widget of a saved notebook, its "model not found" gives way to the still.
STYLE = (
    f"<style>:is(.jp-OutputArea-child, .output_container, .display_data):has(+ * {LIVE}) .cr-still,\n"
    ".jp-OutputArea-child:has(.cr-still) + * > .lm-Panel.jp-OutputArea-output:not(:has(*)) { display: none }</style>"
)

_THEMES = '[data-jp-theme-light="false"], [data-theme="dark"], [theme="dark"], .vscode-dark'
COLOURS = f"{LIVE} {{ {variables(LIGHT)} }}\n:is({_THEMES}) {LIVE}, {LIVE}.cr-dark {{ {variables(DARK)} }}\n"


class StillWidget(anywidget.AnyWidget):
    """A widget that leaves a still of itself where it cannot live: a line of text, and a page without a script.

    A notebook gets two outputs: the still, which every reader of the file shows, and the view of the live widget alone.
    Jupyter shows but one form of an output, and in a trusted notebook takes the view, dead or alive.
    """

    def sentence(self) -> str:
        """What is shown, in one line that is the same on every machine."""
        raise NotImplementedError

    def page(self) -> str:
        """The same as HTML that needs no script and no style sheet."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.sentence()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        still = {"text/plain": self.sentence(), "text/html": f'{STYLE}<div class="cr-still">{self.page()}</div>'}
        return data | still, metadata

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data, metadata = self._repr_mimebundle_()
        view = {VIEW: data.pop(VIEW)} if VIEW in data else {}
        display(data, metadata=metadata, raw=True)
        if view:
            display(view, raw=True)


class Explorable(StillWidget):
    """A widget that computes and draws in the page; its traits are its only state.

    A subclass in path_explorer.py is drawn by path_explorer.js and .css. It gives ``sentence()``, the line that
    ``print`` shows, and ``picture()``, the SVG that stands in where no kernel or no JavaScript runs.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        package, _, drawn_by = cls.__module__.rpartition(".")
        if package == __package__ and cls.__base__.__module__ != cls.__module__:  # else traitlets adds traits to one
            cls._esm = module(drawn_by)
            kit, own = ((_HERE / f"{name}.css").read_text("utf-8") for name in ("kit", drawn_by))
            cls._css = f"{COLOURS}{kit}:root {{\n{own}}}\n"  # own outweighs the kit that another brings after it
        super().__init_subclass__(**kwargs)
        for trait in vars(cls).values():
            if isinstance(trait, traitlets.TraitType):  # the page knows what it has set, and may have set more since
                trait.tag(echo_update=False)

    def picture(self) -> str:
        """What the explorable shows now, as the text of an SVG."""
        raise NotImplementedError

    def page(self) -> str:
        """The picture with its sentence."""
        sentence = escape(self.sentence())
        # An image with the SVG inside, not bare <svg>: front ends strip svg elements from notebooks not yet trusted.
        source = base64.b64encode(self.picture().encode()).decode()
        image = f'<img alt="{sentence}" src="data:image/svg+xml;base64,{source}" style="max-width: 100%">'
        return f"<figure>{image}<figcaption>{sentence}</figcaption></figure>"


def num(value: float) -> str:
    """A number as the page shows it: four decimals below ten, always about five digits.

    >>> num(0.5), num(-12.3456789), num(0.000123), num(0)
    ('0.5000', '−12.346', '1.23e−4', '0')
    """
    size = abs(float(value))
    if size == 0:
        return "0"
    if not size < float("inf"):
        return "nan" if size != size else "∞" if value > 0 else "−∞"
    if size < 1e-3:
        text = f"{size:.2e}"
    elif size >= 1e5:
        text = f"{size:.3e}"
    else:
        text = f"{size:.{4 if size < 9.99995 else 3 if size < 99.9995 else 2 if size < 999.995 else 1}f}"
    if "e" in text:
        digits, power = text.split("e")
        text = f"{digits}e{int(power)}".replace("-", "−")
    return ("−" if value < 0 else "") + text


def short(value: float) -> str:
    """A given number as it was written if that is short, else as ``num``.

    >>> short(0.5), short(-1.0), short(1 / 3)
    ('0.5', '−1', '0.3333')
    """
    value = float(value) + 0.0  # no minus on a zero
    if round(value, 4) != value or abs(value) >= 1e5:
        return num(value)
    return f"{value:.4f}".rstrip("0").rstrip(".").replace("-", "−")


# ------------------------------------------------------------------ a still picture

INK, QUIET, LINE, WHITE = (LIGHT[name] for name in ("ink", "quiet", "line", "paper"))
VALUE, ERROR, SOFT = (LIGHT[name] for name in ("blue", "orange", "blue-soft"))


def svg(width: float, height: float, *parts: str) -> str:
    """An SVG text on a white sheet of its own, so that it reads in a light and in a dark page."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="system-ui, sans-serif" font-size="13" fill="{INK}">'
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="{WHITE}"/>{"".join(parts)}</svg>'
    )


def text(
    x: float,
    y: float,
    words: str,
    fill: str = INK,
    anchor: str = "middle",
    size: float = 13,
    weight: int = 400,
    halo: bool = False,
) -> str:
    """Words with their middle at height y; a halo keeps lines off them."""
    white = f' paint-order="stroke" stroke="{WHITE}" stroke-width="7" stroke-linejoin="round"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y + 0.35 * size:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size:g}" '
        f'font-weight="{weight}"{white}>{escape(words)}</text>'
    )


def line(points: Any, stroke: str = LINE, width: float = 1.5, dash: str = "", close: bool = False) -> str:
    """A broken line through points, with a gap where one is nan."""
    there = [all(abs(v) < 1e6 for v in point) for point in points]
    joined = zip(points, there, [False, *there], strict=False)
    path = "".join(f"{'L' if before else 'M'}{x:.1f} {y:.1f}" for (x, y), here, before in joined if here)
    path += "Z" if close else ""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="{width:g}"{dashes}/>'


def box(x: float, y: float, width: float, height: float, stroke: str = LINE, fill: str = WHITE) -> str:
    """A rounded rectangle."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} rx="8" fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>'


def circle(x: float, y: float, radius: float, stroke: str = LINE, fill: str = WHITE) -> str:
    """A circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>'


def subscript(name: str) -> str:
    """x2 -> x₂.

    >>> subscript("x2"), subscript("y")
    ('x₂', 'y')
    """
    return name.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
