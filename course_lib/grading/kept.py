"""Results kept from run to run: grading that was stopped goes on where it stood, and only what is new is run again.

A result is kept under all that it depends on: the code of the notebook, whose it is, the secret, the solutions, the
library and the options. What this machine failed at is never kept.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy

import course_lib
from course_lib.grading.gradebook import Graded, from_data, put
from course_lib.grading.grader import STOPPED
from course_lib.grading.submissions import HandIn, Notebook


class Kept:
    """A folder of results.

    solutions : the instructor's notebooks
    timeout   : seconds for an exercise; it matters to those results alone that ran out of it
    options   : whatever else a grade depends on
    """

    def __init__(self, folder: Path, solutions: Path, timeout: float, **options: object) -> None:
        self.folder, self.timeout = folder, timeout
        parts = [sys.version, numpy.__version__, digest_of_library(), json.dumps(options, sort_keys=True)]
        parts += [f"{path.name} {digest(path.read_bytes())}" for path in sorted(solutions.glob("*.ipynb"))]
        self._all = digest("\n".join(parts).encode())
        self._used: set[str] = set()

    @property
    def secret(self) -> str:
        """The secret of the last run into this folder, "" where there was none."""
        path = self.folder / "seed.txt"
        return path.read_text(encoding="utf-8").removesuffix("\n") if path.is_file() else ""

    @secret.setter
    def secret(self, secret: str) -> None:
        put(self.folder / "seed.txt", f"{secret}\n".encode())

    def _path(self, hand_in: HandIn, notebook: Notebook, secret: str) -> Path:
        whose = [hand_in.student, hand_in.name, notebook.chapter, notebook.digest]
        key = digest(json.dumps([self._all, secret, *whose]).encode())
        self._used.add(key)
        return self.folder / f"{key}.json"

    def get(self, hand_in: HandIn, notebook: Notebook, secret: str) -> Graded | None:
        """The result of a hand-in, if there is one that holds."""
        try:
            data = json.loads(self._path(hand_in, notebook, secret).read_text(encoding="utf-8"))
            graded = from_data(data["graded"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        too_slow = any(result.verdict == STOPPED["time"][0] for result in graded.results)
        return None if too_slow and data["timeout"] != self.timeout else graded

    def keep(self, hand_in: HandIn, notebook: Notebook, secret: str, graded: Graded) -> None:
        """Keep a result, unless this machine failed, or there is nothing to keep."""
        if not graded.trouble and not graded.unreadable:
            text = json.dumps({"timeout": self.timeout, "graded": asdict(graded)}, ensure_ascii=False)
            put(self._path(hand_in, notebook, secret), text.encode("utf-8"))

    def forget_others(self) -> None:
        """Take away what no hand-in of this run asked for."""
        stale: Iterable[Path] = self.folder.glob("*.json")
        for path in [path for path in stale if path.stem not in self._used]:
            path.unlink()


def digest(data: bytes) -> str:
    """SHA-256, as text."""
    return hashlib.sha256(data).hexdigest()


def digest_of_library() -> str:
    """SHA-256 of the course's programs and declarations."""
    library = Path(course_lib.__file__).parent
    paths = sorted([*library.glob("**/*.py"), *library.glob("**/*.json")])
    return digest("\n".join(f"{path.relative_to(library)} {digest(path.read_bytes())}" for path in paths).encode())
