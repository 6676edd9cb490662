"""An explorable with a style sheet of its own: ``name.css``, after that of the kit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from course_lib.explorables._base import Explorable


class SheetExplorable(Explorable):
    """An Explorable whose module ``name.js`` has a ``name.css`` beside it."""

    def __init_subclass__(cls, module: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(module=module, **kwargs)
        if module:
            cls._css += (Path(__file__).parent / f"{module}.css").read_text(encoding="utf-8")
