"""Results kept from run to run: grading that was stopped goes on where it stood, and only what is new is run again.

A result is kept under all that it depends on: the bytes of the file, whose it is, the secret, the solutions, the
library and the options. What this machine failed at is never kept.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy

import course_lib
from course_lib.grading.gradebook import Graded, from_data, put
from course_lib.grading.submissions import HandIn


class Kept:
    """A folder of results.

    solutions : the instructor's notebooks;  options : whatever else a grade depends on
    """

    def __init__(self, folder: Path, solutions: Path, options: Mapping[str, object]) -> None:
        self.folder = folder
        library = Path(course_lib.__file__).parent
        parts = [sys.version, numpy.__version__, json.dumps(dict(options), sort_keys=True)]
        for root, pattern in ((library, "**/*.py"), (library, "**/*.json"), (solutions, "*.ipynb")):
            parts += [f"{path.relative_to(root)} {digest(path.read_bytes())}" for path in sorted(root.glob(pattern))]
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

    def _path(self, hand_in: HandIn, secret: str) -> Path:
        content = digest(hand_in.path.read_bytes())
        key = digest(json.dumps([self._all, secret, hand_in.student, hand_in.name, content]).encode())
        self._used.add(key)
        return self.folder / f"{key}.json"

    def get(self, hand_in: HandIn, secret: str) -> Graded | None:
        """The result of a hand-in, if there is one that holds."""
        try:
            return from_data(json.loads(self._path(hand_in, secret).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep(self, hand_in: HandIn, secret: str, graded: Graded) -> None:
        """Keep a result, unless this machine failed, or there is nothing to keep."""
        if not graded.trouble and not graded.unreadable:
            text = json.dumps(asdict(graded), ensure_ascii=False)
            put(self._path(hand_in, secret), text.encode("utf-8"))

    def forget_others(self) -> None:
        """Take away what no hand-in of this run asked for."""
        stale: Iterable[Path] = self.folder.glob("*.json")
        for path in [path for path in stale if path.stem not in self._used]:
            path.unlink()


def digest(data: bytes) -> str:
    """SHA-256, as text."""
    return hashlib.sha256(data).hexdigest()
