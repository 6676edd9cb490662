"""A student at work: the functions that a notebook of exercises calls.

    student("Ada Lovelace")            the numbers of every exercise come from the name
    p = numbers("jacobian-fill")       this student's numbers
    J = lock_in("jacobian-fill")       the answer widget; run again, the cell holds the answer
    check("jacobian-fill", J)          the verdict, and the values it was made from
    hint("jacobian-fill")              the next hint, as text

Attempts and progress live in this session only; an answer lives in the source of its cell. When grading, the inputs are
delivered by `load`, no declaration is imported and no verdict made: the kernel gives values and nothing else.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import os
import re
import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from course_lib.exercises import values

if TYPE_CHECKING:
    from course_lib.exercises.declaration import Exercise
    from course_lib.exercises.outcomes import Outcome
    from course_lib.exercises.widget import AnswerWidget, ProgressWidget

MIME = "application/vnd.course-lib.values+json"


class Session:
    """One student's session. The module's functions are those of one session that lasts as long as the kernel."""

    def __init__(self) -> None:
        self.name = ""
        self.chapter = ""  # as stated, or as the notebook's name or the first exercise tells it
        self.stated = ""
        self.given: dict[str, list[dict[str, Any]]] | None = None  # when grading: the inputs of every exercise
        self.kinds: dict[str, str] = {}
        self.references: dict[str, Any] = {}  # by hand: the records that the solution gives on these inputs
        self.outcomes: dict[str, Outcome] = {}  # the last verdict on each exercise
        self.attempts: dict[str, int] = {}
        self.hinted: dict[str, int] = {}
        self.widgets: dict[str, AnswerWidget] = {}
        self.line: ProgressWidget | None = None
        self._cell = ("", "")  # the source of the cell that was rewritten last, before and after

    # ----------------------------------------------------------------- the student and the numbers
    def student(self, name: str = "", chapter: str = "") -> None:
        """Set the name from which the numbers come, and show the progress line. An empty name has numbers, too."""
        if not isinstance(name, str):
            raise TypeError(f'student expects a name in quotes, such as student("Ada Lovelace"), got {name!r}')
        if self.given is not None:
            return
        if " ".join(name.casefold().split()) != " ".join(self.name.casefold().split()):
            self.outcomes.clear()  # verdicts on another student's numbers
            self.attempts.clear()
            self.widgets.clear()
        self.name, self.chapter, self.stated = name, chapter[:2] or _chapter_of_notebook(), chapter[:2]
        self.progress()

    def inputs(self, id: str) -> list[dict[str, Any]]:
        """The inputs of every case of an exercise, drawn from the student's name."""
        if self.given is not None:
            if id not in self.given:
                raise KeyError(f"no inputs were delivered for exercise {id!r}")
            return copy.deepcopy(self.given[id])
        from course_lib.exercises.declaration import draw_cases, seed_of

        return draw_cases(_exercise(id), seed_of(self.name, id))

    def numbers(self, id: str) -> SimpleNamespace:
        """This student's numbers for an exercise: p = numbers(id), then p.x, p.W and so on."""
        return SimpleNamespace(**self.inputs(id)[0])

    # ----------------------------------------------------------------- checking
    def check(self, id: str, answer: Any) -> float | None:
        """Show the verdict on an answer, and leave the values that it gives in the output.

        Where nbgrader runs the cell, the points: returned for a part of them, `NoPoints` raised for none.
        """
        if id in self.references:
            self._compare(id, answer)
            return None
        if self.given is not None:
            kind = self.kinds.get(id, "code" if callable(answer) else "num")
            record = values.evaluate(answer, self.inputs(id), kind, id)
            _display({"text/plain": f"{id}: values recorded", MIME: record})
            return None
        from course_lib.exercises import panel

        exercise, inputs = _exercise(id), self.inputs(id)
        nbgrader = "NBGRADER_EXECUTION" in os.environ  # which takes a word on stderr for a failure
        with contextlib.redirect_stderr(sys.stdout) if nbgrader else contextlib.nullcontext():
            outcome, record = self.judge(id, answer)
        if not _in_notebook():
            print(panel.text(exercise, outcome))
            return None
        page = panel.verdict(exercise, outcome, inputs, record, self.attempts.get(id, 0))
        if "cases" in record:  # two machines write the same digits, so that plain nbval finds the same
            record = record | {"cases": [values.rounded(case) for case in record["cases"]]}
        _display({"text/plain": f"{id}: {outcome.line()}", "text/html": page, MIME: record})
        return _for_nbgrader(exercise, outcome) if nbgrader else None

    def judge(self, id: str, answer: Any) -> tuple[Outcome, dict[str, Any]]:
        """(outcome, record) of an answer; counts the attempt."""
        from course_lib.exercises.diagnosis import diagnose

        exercise, inputs = _exercise(id), self.inputs(id)
        self.chapter = self.chapter or _chapter_of_exercise(id)
        record = values.evaluate(answer, inputs, exercise.kind, id)
        outcome = diagnose(exercise, inputs, record)
        if outcome.kind != "not-attempted":
            self.attempts[id] = self.attempts.get(id, 0) + 1
        self.outcomes[id] = outcome
        if self.line is not None:
            self.line.update(self)
        return outcome, record

    def hint(self, id: str) -> None:
        """Print the next hint; after the last one, and an attempt, the solution."""
        from course_lib.exercises import panel

        exercise, shown = _exercise(id), self.hinted.get(id, 0)
        if shown < len(exercise.hints):
            print(f"Hint {shown + 1} of {len(exercise.hints)}: {panel.plain(exercise.hints[shown])}")
            self.hinted[id] = shown + 1
            return
        if not self.attempts.get(id):
            print("That was the last hint. The solution is shown after an attempt.")
            return
        print(panel.solution_text(exercise, self.inputs(id)) or "That was the last hint.")

    def progress(self) -> None:
        """Show the progress line: which exercises are right, and the points so far."""
        if not _in_notebook():
            print(progress_text(self.stated))
            return
        from course_lib.exercises.widget import ProgressWidget

        self.line = ProgressWidget(self)
        _show_widget(self.line)

    # ----------------------------------------------------------------- typed answers
    def lock_in(self, id: str, answer: Any = ...) -> Any:
        """The answer of a typed exercise, from its widget.

        Without an answer the widget is shown and `...` returned. Run the cell again and its source holds what was
        filled in: lock_in(id, answer) shows the widget with this answer and returns it.
        """
        if self.given is not None:
            return answer
        exercise = _exercise(id)
        if exercise.ask is None:
            raise ValueError(f"{id!r} asks for a function: write it in the cell, there is nothing to lock in")
        if not _in_notebook():
            from course_lib.exercises.widget import question_text

            print(question_text(exercise, self.inputs(id)[0], answer))
            return answer
        from course_lib.exercises.widget import AnswerWidget

        before = self.widgets.get(id)
        typed, fresh = answer, False
        if before is not None and before.touched:
            answer = before.value()
            fresh = _literal(answer) != _literal(typed)
        if before is not None:
            before.close()
        widget = AnswerWidget(self, exercise, self.inputs(id)[0], answer)
        self.widgets[id] = widget
        if fresh:
            line = self._rewrite(id, answer)
            if typed is not Ellipsis and before is not None and _literal(typed) != _literal(before.started_from):
                print(f"The cell said {_literal(typed)}; the widget was changed after that, and its answer is used.")
            if not _front_end_replaces():
                print(f"Put this line into the cell to keep the answer:\n{line}")
        _show_widget(widget)
        return answer

    def _rewrite(self, id: str, answer: Any) -> str:
        """Ask the front end to put the answer into the source of the running cell; returns the line to paste."""
        shell = _shell()
        cell = shell.history_manager.input_hist_raw[-1] if shell is not None else ""
        if (
            cell == getattr(self, "_cell", ("", ""))[0]
        ):  # a second answer of the same cell goes into the same new source
            cell = self._cell[1]
        new = rewritten(cell, id, answer)
        if new is None:
            return f"{_exercise(id).answer} = {call(id, answer)}"
        self._cell = (shell.history_manager.input_hist_raw[-1], new)
        if _front_end_replaces() is not False:
            payload = {"source": "set_next_input", "text": new, "replace": True}
            shell.payload_manager.write_payload(payload)  # JupyterLite's kernel drops what set_next_input is told
        return new

    # ----------------------------------------------------------------- grading
    def load(self, given: Mapping[str, Any]) -> None:
        """For the grader: take the inputs of every exercise from {"name", "inputs": {id: [case, ...]}, "kinds"?}.

        From here on nothing is declared and nothing judged; `check` records values at full precision. Where there are
        "references" (a grade is looked up by hand), it shows the values beside the solution's: see `by_hand`.
        """
        self.name = str(given.get("name", ""))
        self.kinds = dict(given.get("kinds", {}))
        self.references = dict(given.get("references", {}))
        if self.references and (shell := _shell()) is not None:
            shell.ask_exit = lambda: None  # quit() does not end the kernel that the next answers need
        self.given = {id: [values.decode(case) for case in cases] for id, cases in given["inputs"].items()}

    def _compare(self, id: str, answer: Any) -> None:
        """Show the values beside the solution's, and nothing that a function prints or plots meanwhile."""
        from IPython.utils.capture import capture_output

        from course_lib.exercises.by_hand import shown

        exercise, inputs = _exercise(id), self.inputs(id)
        with capture_output():
            record = values.evaluate(answer, inputs, exercise.kind, id)
        _display({"text/plain": shown(exercise, inputs, self.references[id], record)})


# --------------------------------------------------------------------------- the source of an answer cell
def _literal(value: Any) -> str:
    """Python source of a typed answer, on one line; blanks are `...`.

    >>> _literal([[2.0, 0.25], [..., 1e-05]])
    '[[2, 0.25], [..., 1e-05]]'
    """
    if value is Ellipsis:
        return "..."
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return repr(int(value))
    return repr(value.tolist() if hasattr(value, "tolist") else value)


def call(id: str, answer: Any, indent: str = "") -> str:
    """The call that holds an answer, a row a line where it is long.

    >>> call("jacobian-fill", [[2.0, 0.0], [1.0, 3.0]])
    'lock_in("jacobian-fill", [[2, 0], [1, 3]])'
    """
    if answer is Ellipsis:
        return f'lock_in("{id}")'
    text = f'lock_in("{id}", {_literal(answer)})'
    if len(text) <= 88 or not isinstance(answer, list):
        return text
    rows = "".join(f"\n{indent}    {_literal(row)}," for row in answer)
    return f'lock_in("{id}", [{rows}\n{indent}])'


def rewritten(cell: str, id: str, answer: Any) -> str | None:
    """The source of the cell with the answer in its call of lock_in, all else untouched; None where it is not found.

    >>> rewritten('# answer: q\\nJ = lock_in("q")  # mine', "q", [1.0, 2.0])
    '# answer: q\\nJ = lock_in("q", [1, 2])  # mine'
    """
    try:
        tree = ast.parse(cell)
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "lock_in":
            if not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == id):
                continue
            lines = cell.splitlines(keepends=True)
            first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
            head = lines[first].encode()[: node.col_offset].decode()
            tail = lines[last].encode()[node.end_col_offset :].decode()
            indent = re.match(r"\s*", lines[first])
            new = head + call(id, answer, indent.group() if indent else "") + tail
            return "".join([*lines[:first], new, *lines[last + 1 :]])
    return None


def progress_text(chapter: str) -> str:
    """The constant line that stands for the progress line where it cannot be shown."""
    from course_lib.exercises import chapters, exercises_of

    if chapter not in chapters():
        return "Your numbers are ready."
    found = exercises_of(chapter)
    return f"Chapter {chapter}: {len(found)} exercises, {sum(e.points for e in found)} points"


# --------------------------------------------------------------------------- points for nbgrader
class NoPoints(AssertionError):
    """What a check raises for nbgrader, which gives no points to a cell that fails; shown as its sentence alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def _for_nbgrader(exercise: Exercise, outcome: Outcome) -> float | None:
    """What nbgrader makes points of: an error for none, a number as the cell's value for a part, nothing for all."""
    if outcome.score == 0:
        raise NoPoints(f"{exercise.id}: {outcome.line()}")
    return None if outcome.score == 1 else exercise.points * outcome.score


# --------------------------------------------------------------------------- where this runs
def _exercise(id: str) -> Exercise:
    from course_lib.exercises import exercise

    return exercise(id)


def _shell() -> Any:
    """IPython's shell where there is one; nothing of IPython is imported for it."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def _in_notebook() -> bool:
    """Whether a kernel runs this, whose front end shows HTML and widgets."""
    return hasattr(_shell(), "kernel")


def _front_end_replaces() -> bool | None:
    """Whether the front end replaces the source of a running cell: True, False, or None where it cannot be known."""
    if "google.colab" in sys.modules:
        return False
    if sys.platform == "emscripten":  # JupyterLite
        return True
    shell = _shell()
    known = bool(os.environ.get("JPY_SESSION_NAME")) or (shell is not None and "__vsc_ipynb_file__" in shell.user_ns)
    return True if known else None


def _chapter_of_exercise(id: str) -> str:
    from course_lib.exercises import chapters, exercises_of

    return next((chapter for chapter in chapters() if any(e.id == id for e in exercises_of(chapter))), "")


def _chapter_of_notebook() -> str:
    """The chapter by the name of the notebook, where the front end tells it: exercises/04_jacobians.ipynb is "04"."""
    shell = _shell()
    path = os.environ.get("JPY_SESSION_NAME") or (shell.user_ns.get("__vsc_ipynb_file__", "") if shell else "")
    found = re.match(r"\d\d", re.split(r"[/\\]", str(path))[-1])
    return found.group() if found else ""


def _display(bundle: dict[str, Any]) -> None:
    if _shell() is None:
        print(bundle["text/plain"])
        return
    from IPython.display import display

    display(bundle, raw=True)


def _show_widget(widget: Any) -> None:
    from IPython.display import display

    display(widget)


_session = Session()
student, numbers, check = _session.student, _session.numbers, _session.check
lock_in, hint, progress, load = _session.lock_in, _session.hint, _session.progress, _session.load
