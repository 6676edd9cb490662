"""A student at work, without a front end, in a terminal and in a kernel; and the same calls when grading."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html import unescape
from itertools import groupby
from types import SimpleNamespace

import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

from course_lib.exercises import exercise
from course_lib.exercises.declaration import draw_cases, seed_of
from course_lib.exercises.diagnosis import diagnose
from course_lib.exercises.session import MIME, Session, call, rewritten
from course_lib.exercises.values import decode, encode
from course_lib.exercises.widget import AnswerWidget, from_draft, to_draft, to_number, to_text

FILL = "jacobian-fill"


def right_fill(p):
    return [[p.x[1], p.x[0]], [p.a, p.b], [2 * p.x[0], 0]]


@pytest.fixture
def session():
    return Session()


# --------------------------------------------------------------------------- in plain Python
def test_numbers_come_from_the_name(session, capsys):
    ada = session.numbers(FILL)
    session.student("Ada Lovelace")
    assert session.numbers(FILL).x.tolist() == session.numbers(FILL).x.tolist()
    assert vars(session.numbers(FILL)).keys() == vars(ada).keys()
    named = json.dumps(encode(session.inputs(FILL)))
    session.student(" ada  LOVELACE")
    assert json.dumps(encode(session.inputs(FILL))) == named
    session.student("Emmy Noether")
    assert json.dumps(encode(session.inputs(FILL))) != named
    with pytest.raises(TypeError, match=r'student\("Ada Lovelace"\)'):
        session.student(7)


def test_a_check_prints_the_verdict_and_the_way_to_a_hint(session, capsys):
    right = right_fill(session.numbers(FILL))
    session.check(FILL, ...)
    session.check(FILL, np.transpose(right))
    session.check(FILL, right)
    blank, hint, verdict, question, hint_again, passed = capsys.readouterr().out.splitlines()
    assert blank == f"{FILL}: Not attempted yet."
    assert hint.strip() == hint_again.strip() == f'hint("{FILL}") gives a hint.'
    assert "transpose of the Jacobian" in verdict
    assert question.strip() == exercise(FILL).mistakes[0].hint
    assert passed == f"{FILL}: Right. 2 points."
    assert session.attempts == {FILL: 2}


def test_hints_come_one_by_one_and_the_solution_after_an_attempt(session, capsys):
    for _ in range(4):
        session.hint(FILL)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:11] for line in lines] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "That was th"]
    session.check(FILL, [[1, 2], [3, 4], [5, 6]])
    capsys.readouterr()
    session.hint(FILL)
    solution = capsys.readouterr().out
    right = exercise(FILL).right(**vars(session.numbers(FILL)))
    assert f"J_fill = np.array({right.round(6).tolist()})" in solution


def test_an_unknown_id_names_the_nearest(session):
    with pytest.raises(KeyError, match="did you mean 'jacobian-fill'"):
        session.check("jacobian-fil", 1)


def test_lock_in_without_a_front_end_prints_the_question_and_gives_the_answer_back(session, capsys):
    assert session.lock_in(FILL) is ...
    assert 'J_fill = lock_in("jacobian-fill", [[..., ...], [..., ...], [..., ...]])' in capsys.readouterr().out
    assert session.lock_in(FILL, [[1, 2]]) == [[1, 2]]
    with pytest.raises(ValueError, match="asks for a function"):
        session.lock_in("numerical-jacobian")


def test_another_name_forgets_the_verdicts(session, capsys):
    session.check(FILL, right_fill(session.numbers(FILL)))
    session.student("Ada")
    assert session.outcomes == session.attempts == {}


@pytest.mark.parametrize(
    "start", [["-c"], ["-m", "IPython", "--no-banner", "--colors=NoColor", "-c"]], ids=["python", "ipython"]
)
def test_in_a_terminal_everything_is_text(start, tmp_path):
    program = (
        "from course_lib.exercises import student, numbers, lock_in, check, hint\n"
        "student('Ada', chapter='04')\n"
        "p = numbers('jacobian-fill')\n"
        "J = lock_in('jacobian-fill')\n"
        "check('jacobian-fill', J)\n"
        "check('jacobian-fill', [[p.x[1], p.x[0]], [p.a, p.b], [2 * p.x[0], 0]])\n"
        "hint('jacobian-fill')\n"
    )
    env = dict(__import__("os").environ, IPYTHONDIR=str(tmp_path))
    done = subprocess.run([sys.executable, *start, program], capture_output=True, text=True, encoding="utf-8", env=env)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Chapter 04: 6 exercises, 12 points"
    assert f"{FILL}: Not attempted yet." in lines
    assert f"{FILL}: Right. 2 points." in lines
    assert lines[-1].startswith("Hint 1 of 3: ")


# --------------------------------------------------------------------------- in a kernel
@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client, code):
    """(outputs, payloads) of one cell."""
    outputs = []
    reply = client.execute_interactive(code, timeout=60, output_hook=lambda m: outputs.append(m), allow_stdin=False)
    assert reply["content"]["status"] == "ok", reply["content"].get("traceback")
    shown = [m["content"] for m in outputs if m["msg_type"] in ("display_data", "execute_result", "stream")]
    return shown, reply["content"]["payload"]


SETUP = "from course_lib.exercises import *\nimport course_lib.exercises.session as s\nstudent('Ada', chapter='04')"


def test_in_a_kernel_a_check_is_one_bundle(kernel):
    run(kernel, SETUP)
    right = right_fill(SimpleNamespace(**draw_cases(exercise(FILL), seed_of("Ada", FILL))[0]))
    (shown,), _ = run(kernel, f"check('{FILL}', {[[float(v) for v in row] for row in right]})")
    assert set(shown["data"]) == {"text/plain", "text/html", MIME}
    assert shown["data"]["text/plain"] == f"{FILL}: Right."
    assert decode(shown["data"][MIME]["cases"][0]) == right


def test_the_values_in_a_bundle_are_rounded_and_the_verdict_is_not_made_from_them(kernel):
    code = (
        "from course_lib.exercises import exercise\n"
        "check('compose-jacobians', lambda *given: exercise('compose-jacobians').right(*given) * (1 + 1e-10))"
    )
    (shown,), _ = run(kernel, SETUP + "\n" + code)[0][-1:], None
    assert "difference quotient" in shown["data"]["text/plain"]
    numbers = shown["data"][MIME]["cases"][0]["array"]
    assert all(len(repr(abs(v)).replace("0.", "").lstrip("0").replace(".", "")) <= 8 for v in numbers)


def test_running_the_cell_again_rewrites_its_source(kernel):
    run(kernel, SETUP)
    cell = f'# answer: {FILL}\nJ = lock_in("{FILL}")  # my first matrix'
    shown, payload = run(kernel, cell)
    assert payload == []
    assert shown[0]["data"]["text/plain"] == f"{FILL}: fill in, then run this cell again"
    run(
        kernel,
        f"w = s._session.widgets['{FILL}']; w.draft = [['1', '1/4'], ['', '-2'], ['1e-3', '0']]; w.touched = True",
    )
    shown, (payload,) = run(kernel, cell)
    assert (payload["source"], payload["replace"]) == ("set_next_input", True)
    new = f'# answer: {FILL}\nJ = lock_in("{FILL}", [[1, 0.25], [..., -2], [0.001, 0]])  # my first matrix'
    assert payload["text"] == new
    assert "Put this line into the cell" in shown[0]["text"]  # this test is a front end that nobody knows
    assert new in shown[0]["text"]
    shown, payload = run(kernel, new)
    assert payload == []
    assert shown[0]["data"]["text/plain"] == f"{FILL}: locked in"
    assert run(kernel, "print(J)")[0][0]["text"] == "[[1, 0.25], [Ellipsis, -2], [0.001, 0]]\n"


def test_jupyterlite_s_shell_which_is_not_ipykernel_s_rewrites_the_source_too(tmp_path):
    program = f"""
import sys
from IPython.core.interactiveshell import InteractiveShell

class Interpreter(InteractiveShell):
    kernel = "Pyodide's"

shell = Interpreter.instance()
cell = 'J = lock_in("{FILL}")'
shell.run_cell("from course_lib.exercises import lock_in; import course_lib.exercises.session as s")
sys.platform = "emscripten"
shell.run_cell(cell, store_history=True)
shell.run_cell("w = s._session.widgets['{FILL}']; w.draft = [['1', '2']] * 3; w.touched = True")
shell.payload_manager.clear_payload()
shell.run_cell(cell, store_history=True)
print(shell.payload_manager.read_payload())
"""
    environment = os.environ | {"IPYTHONDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    new = f'J = lock_in("{FILL}", [[1, 2], [1, 2], [1, 2]])'
    assert said.splitlines()[-1] == str([{"source": "set_next_input", "text": new, "replace": True}])
    assert "Put this line" not in said


def test_two_answers_in_one_cell_are_both_written(kernel):
    run(kernel, SETUP)
    cell = f'J = lock_in("{FILL}")\nk = lock_in("bias-and-fork")'
    run(kernel, cell)
    run(
        kernel,
        "for w in s._session.widgets.values():\n    w.draft = [['7'] + r[1:] for r in w.draft]; w.touched = True",
    )
    _, payload = run(kernel, cell)
    last = payload[-1]["text"]
    assert last.count("[[7, ...]") == 2


def test_a_literal_typed_by_hand_is_not_lost_when_the_widget_wins(kernel):
    run(kernel, SETUP)
    run(kernel, f'J = lock_in("{FILL}", [[1, 1], [1, 1], [1, 1]])')
    run(kernel, f"w = s._session.widgets['{FILL}']; w.draft = [['2', '2']] * 3; w.touched = True")
    shown, _ = run(kernel, f'J = lock_in("{FILL}", [[3, 3], [3, 3], [3, 3]])')
    assert "The cell said [[3, 3], [3, 3], [3, 3]]" in shown[0]["text"]
    assert run(kernel, "print(J)")[0][0]["text"] == "[[2.0, 2.0], [2.0, 2.0], [2.0, 2.0]]\n"


def test_check_in_the_widget_gives_the_verdict_and_moves_the_progress_line(kernel):
    run(kernel, SETUP)
    run(kernel, f'J = lock_in("{FILL}")')
    code = (
        f"w, p = s._session.widgets['{FILL}'], numbers('{FILL}')\n"
        "w.receive({'draft': [[str(v) for v in r] for r in [[p.x[1], p.x[0]], [p.a, p.b], [2 * p.x[0], 0]]]})\n"
        "w.receive({'check': True})\n"
        "print(w.verdict['line'], [i['state'] for i in s._session.line.items])"
    )
    assert run(kernel, code)[0][0]["text"] == f"Right. {['correct'] + ['not-attempted'] * 5}\n"


def test_the_progress_line_finds_its_chapter_and_its_text_stays_the_same(kernel):
    anew = SETUP.replace("student(", "s._session.__init__()\nstudent(").replace(", chapter='04'", "")
    assert run(kernel, anew)[0][0]["data"]["text/plain"] == "Your numbers are ready."
    assert run(kernel, "check('bias-and-fork', ...); print(s._session.line.heading)")[0][-1]["text"] == "Chapter 04\n"
    assert run(kernel, "print(s._session.line.sentence())")[0][0]["text"] == "Your numbers are ready.\n"


# --------------------------------------------------------------------------- the widget's data, without a page
@pytest.mark.parametrize(
    "text, value",
    [
        ("2", 2),
        ("-0.5", -0.5),
        ("\u22121/4", -0.25),
        ("1e-3", 0.001),
        (" .5 ", 0.5),
        ("0,5", 0.5),
        ("3 / 4", 0.75),
        ("1.5e2/3", 50),
    ],
)
def test_entries_are_read_as_numbers(text, value):
    assert to_number(text) == value


@pytest.mark.parametrize("text", ["", "x", "1/0", "1//2", "1e", "--1", "nan", "inf", "__import__('os')", "2**9"])
def test_other_texts_are_no_numbers(text):
    assert to_number(text) is None


@pytest.mark.parametrize("value", [0.0, -3.0, 1 / 3, 0.1, 2**0.5, 1e-9, 1e20, -7 / 9])
def test_a_number_survives_its_text(value):
    assert to_number(to_text(value)) == value


def test_an_answer_that_does_not_fit_leaves_the_widget_blank():
    e = exercise(FILL)
    ask = e.ask(*draw_cases(e, 1)[0].values())
    for strange in ([[1, 2]], "text", {"a": 1}, lambda: 0, None):
        assert from_draft("num", ask.shape, to_draft(e, ask, strange)) is ...


def test_a_widget_says_what_it_is_in_one_line(session):
    e = exercise("factors-order")
    widget = AnswerWidget(session, e, session.inputs(e.id)[0])
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == "factors-order: fill in, then run this cell again"
    assert "<script" not in data["text/html"]
    assert widget.value() is ...
    widget.draft = ["d", "c", "b", "a"]
    assert widget.value() == "d c b a"


STILLS = [
    (FILL, [[1, 0.25], [..., -2], [0.001, 1 / 3]], [["1", "0.25"], ["\xa0", "-2"], ["0.001", "1/3"]]),
    (FILL, ..., [["\xa0", "\xa0"]] * 3),
    ("two-two-two", [0.1234567891234] * 6, [["0.123457"]] * 6),
]


@pytest.mark.parametrize("id, answer, entries", STILLS)
def test_the_still_of_a_matrix_to_fill_in_is_a_table_with_headers(session, id, answer, entries):
    widget = AnswerWidget(session, exercise(id), session.inputs(id)[0], answer)
    table = ElementTree.fromstring(re.findall(r"<table.*?</table>", unescape(widget.page()))[-1])
    assert [[cell.text for cell in row.iter("td")] for row in table.iter("tr")][-len(entries) :] == entries
    heads = [(head.get("scope"), "".join(head.itertext())) for head in table.iter("th")]
    columns = [("col", c) for c in ("x₁", "x₂")] if id == FILL else []
    rows = ["y₁", "y₂", "y₃"] if id == FILL else ["δ²₁", "δ²₂", "δ¹₁", "δ¹₂", "∂L/∂W²₁₂", "∂L/∂W¹₂₁"]
    assert heads == [*columns, *(("row", r) for r in rows)]
    assert ("locked in" in widget.page()) == (answer is not ...)


def test_a_given_matrix_stands_between_two_brackets_in_one_piece(session):
    page = AnswerWidget(session, exercise("two-two-two"), session.inputs("two-two-two")[0]).question["html"]
    tables = [ElementTree.fromstring(table) for table in re.findall(r"<table.*?</table>", page)]
    assert len(tables) >= 4
    for table in tables:
        rows = list(table.iter("tr"))
        assert [cell.get("rowspan") for cell in rows[0]][:: len(rows[0]) - 1] == [str(len(rows))] * 2
        assert {len(row) for row in rows[1:]} <= {len(rows[0]) - 2}


@pytest.mark.parametrize(
    "id, answer, listed",
    [
        ("read-report", ..., ["a", "b", "c", "d"]),
        ("read-report", "b", ["a", "✓ b", "c", "d"]),
        ("factors-order", ..., ["a", "b", "c", "d"]),
        ("factors-order", "c a b d", ["c", "a", "b", "d"]),
        ("factors-order", "cabd", ["c", "a", "b", "d"]),
    ],
)
def test_the_still_of_a_list_marks_what_is_chosen_and_keeps_its_order(session, id, answer, listed):
    page = AnswerWidget(session, exercise(id), session.inputs(id)[0], answer).page()
    assert ["".join(item) for item in re.findall(r"<li>(✓ )?<b>(\w)</b>", page)] == listed


def test_the_still_of_a_graph_names_what_is_chosen(session):
    e = exercise("needs-w2")
    page = AnswerWidget(session, e, session.inputs(e.id)[0], ["W2", "a1"]).page()
    assert "Chosen: W2, a1" in page
    assert 'alt="Links: ' in page


def test_every_pattern_that_can_be_chosen_is_in_the_still(session):
    e = exercise("jacobian-patterns")
    (given,) = session.inputs(e.id)
    assert AnswerWidget(session, e, given).page().count("<table") == len(e.ask(**given).patterns) == 5


# --------------------------------------------------------------------------- the source of a cell
@pytest.mark.parametrize(
    "cell, answer, expected",
    [
        ('J = lock_in("q")', [[1.0, 2.5]], 'J = lock_in("q", [[1, 2.5]])'),
        ('J = lock_in("q", [[0]])  # x', [[1.0]], 'J = lock_in("q", [[1]])  # x'),
        ("p = lock_in('q', [\n    'a',\n])\nprint(p)", ["x > y"], 'p = lock_in("q", ["x > y"])\nprint(p)'),
        (
            'o = "\u00e4\u00f6"; a = lock_in("other"); b = lock_in("q"); c = 1',
            "b a",
            'o = "\u00e4\u00f6"; a = lock_in("other"); b = lock_in("q", "b a"); c = 1',
        ),
        ('if True:\n    J = ex.lock_in("q")', 4.0, 'if True:\n    J = lock_in("q", 4)'),
        ('J = lock_in("other")', 1.0, None),
        ("J = lock_in(", 1.0, None),
        ("%matplotlib inline\nJ = 1", 1.0, None),
    ],
)
def test_the_call_is_rewritten_and_nothing_else(cell, answer, expected):
    assert rewritten(cell, "q", answer) == expected


def test_a_long_answer_gets_a_line_for_each_row():
    text = call("q", [[1 / 3] * 4] * 2, "  ")
    assert (
        text
        == 'lock_in("q", [\n      ['
        + ", ".join(["0.3333333333333333"] * 4)
        + "],\n      ["
        + ", ".join(["0.3333333333333333"] * 4)
        + "],\n  ])"
    )
    assert eval(text.replace('lock_in("q", ', "(")) == [[1 / 3] * 4] * 2
    quoted = call("q", ['a "b" \\ c'])
    assert eval(quoted.replace('lock_in("q", ', "(")) == ['a "b" \\ c']


# --------------------------------------------------------------------------- nbgrader
HALF = """
def half(W, z, a, y):
    dW, db = exercise("backward-one").right(W, z, a, y)
    return [None, *(0 * layer for layer in dW[1:-1]), dW[-1]], [None, *(0 * layer for layer in db[1:-1]), db[-1]]
"""
LOUD = """
import sys, warnings
def loud(*given):
    print("careful", file=sys.stderr); warnings.warn("hm")
    return exercise("compose-jacobians").right(*given)
"""


def outputs_of(client, code):
    """(kinds of the outputs in their order, a stream in however many pieces once; the last error or value)."""
    found = []
    client.execute_interactive(code, timeout=60, output_hook=found.append, allow_stdin=False)
    kept = [m for m in found if m["msg_type"] in ("display_data", "execute_result", "stream", "error")]
    names = [name for name, _ in groupby(m["content"].get("name", m["msg_type"]) for m in kept)]
    last = kept[-1]["content"]
    return names, last.get("traceback") or last.get("data", {}).get("text/plain")


@pytest.fixture
def autograded(kernel):
    run(kernel, SETUP + "\nimport os; os.environ['NBGRADER_EXECUTION'] = 'autograde'")
    run(kernel, "from course_lib.exercises import exercise\n" + HALF + LOUD)
    yield kernel
    run(kernel, "del os.environ['NBGRADER_EXECUTION']")


def test_for_nbgrader_a_check_ends_in_an_error_a_number_or_nothing(autograded):
    wrong = outputs_of(autograded, "check('compose-jacobians', lambda *given: 3)")
    assert wrong[0] == ["display_data", "error"]
    assert len(wrong[1]) == 1
    assert wrong[1][0].startswith("compose-jacobians: Not yet: ")
    assert outputs_of(autograded, f"check('{FILL}', ...)")[1] == [f"{FILL}: Not attempted yet."]
    assert outputs_of(autograded, "check('backward-one', half)") == (["display_data", "execute_result"], "1.0")
    assert outputs_of(autograded, "check('backward-one', exercise('backward-one').right)")[0] == ["display_data"]


def test_for_nbgrader_a_right_answer_leaves_nothing_on_stderr(autograded):
    names, shown = outputs_of(autograded, "check('compose-jacobians', loud)")
    assert names == ["stdout", "display_data"]
    assert shown == "compose-jacobians: Right."


def test_a_check_that_nbgrader_does_not_run_gives_no_value_and_no_error(kernel):
    run(kernel, SETUP + "\nfrom course_lib.exercises import exercise\n" + HALF)
    assert outputs_of(kernel, "check('backward-one', half)")[0] == ["display_data"]
    assert outputs_of(kernel, "check('compose-jacobians', lambda *given: 3)")[0] == ["display_data"]


# --------------------------------------------------------------------------- grading
def test_when_grading_values_are_recorded_at_full_precision_and_nothing_is_judged(session, monkeypatch):
    shown = []
    monkeypatch.setattr("course_lib.exercises.session._display", shown.append)
    e = exercise("compose-jacobians")
    inputs = draw_cases(e, seed_of("secret", e.id))
    fill = draw_cases(exercise(FILL), seed_of("Ada", FILL))
    session.load(
        json.loads(
            json.dumps({"name": "Ada", "inputs": {e.id: [encode(c) for c in inputs], FILL: [encode(c) for c in fill]}})
        )
    )
    session.student("Somebody else")
    assert session.numbers(FILL).x.tolist() == fill[0]["x"].tolist()
    session.check(e.id, e.right)
    session.check(FILL, session.lock_in(FILL, right_fill(session.numbers(FILL))))
    session.check(FILL, session.lock_in(FILL))
    assert [bundle["text/plain"] for bundle in shown] == [f"{e.id}: values recorded", *[f"{FILL}: values recorded"] * 2]
    assert all(set(bundle) == {"text/plain", MIME} for bundle in shown)
    assert diagnose(e, inputs, shown[0][MIME]).kind == "correct"
    assert diagnose(exercise(FILL), fill, shown[1][MIME]).kind == "correct"
    assert diagnose(exercise(FILL), fill, shown[2][MIME]).kind == "not-attempted"
    np.testing.assert_array_equal(decode(shown[0][MIME]["cases"][0]), e.right(*inputs[0].values()))
    assert not session.outcomes
    with pytest.raises(KeyError, match="no inputs were delivered"):
        session.check("bias-and-fork", 1)


def test_grading_imports_no_declaration_and_no_widget():
    program = (
        "import json, sys\n"
        "from course_lib.exercises.session import load, check, student, lock_in, numbers\n"
        "load(json.loads(sys.argv[1]))\n"
        "student('Ada')\n"
        "check('q', lambda x: 2 * x)\n"
        "check('t', lock_in('t', [1.0]))\n"
        "names = [m for m in sys.modules if m.startswith('course_lib.exercises.')]\n"
        "print(sorted(n.split('.')[-1] for n in names), 'anywidget' in sys.modules, 'matplotlib' in sys.modules)"
    )
    given = json.dumps({"name": "Ada", "inputs": {"q": [encode({"x": 1.0})], "t": [encode({})]}})
    done = subprocess.run([sys.executable, "-c", program, given], capture_output=True, text=True, encoding="utf-8")
    assert done.stdout.splitlines() == [
        "q: values recorded",
        "t: values recorded",
        "['session', 'values'] False False",
    ], done.stderr
