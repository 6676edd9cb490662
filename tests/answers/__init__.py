"""Right answers in other people's styles: loops, einsum, lists, strings with commas. Every one must pass.

ANSWERS: exercise id -> at least three answers. A [code] answer is the function; a typed one is a function of the
numbers `p` that gives the literal. Each chapter has a module of its own.
"""

from importlib import import_module
from pathlib import Path

CHAPTERS = [import_module(f"{__name__}.{path.stem}") for path in sorted(Path(__file__).parent.glob("ch*.py"))]
ANSWERS = {id: styles for chapter in CHAPTERS for id, styles in chapter.ANSWERS.items()}
