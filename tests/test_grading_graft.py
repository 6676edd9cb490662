"""Only the source of the answers is taken from a submission, wherever it stands."""

import ast

import pytest

from course_lib._errors import CourseError
from course_lib.grading.graft import (
    Answer,
    answers,
    apart,
    borrowed,
    named_exercises,
    own_part,
    setup_source,
    slots,
    without_markers,
)
from course_lib.grading.submissions import Cell, Notebook


def cell(source, id="", role="", exercise=""):
    return Cell(id, role, exercise, source)


def notebook(*cells):
    return Notebook("04_jacobians", "exercises", cells)


def found(*cells, exercises=("one", "two")):
    return {exercise: answer.source for exercise, answer in answers(notebook(*cells), exercises).items()}


def test_an_answer_is_found_by_id_else_by_metadata_else_by_its_first_line():
    by_id = cell("x = 'id'", id="answer-one", role="answer", exercise="two")
    by_metadata = cell("x = 'metadata'", id="k3", role="answer", exercise="one")
    by_line = cell("# answer: one\nx = 'line'", id="k4")
    assert found(by_line, by_metadata, by_id)["one"] == "x = 'id'"
    assert found(by_line, by_metadata)["one"] == "x = 'metadata'"
    assert found(by_line)["one"] == "# answer: one\nx = 'line'"
    assert found(cell("x = 1")) == {}


def test_of_two_cells_that_claim_an_answer_the_last_counts_and_it_is_told():
    copies = notebook(cell("# answer: one\nx = 1"), cell("# answer: one\nx = 2"))
    assert answers(copies, ["one"])["one"].source.endswith("x = 2")
    assert answers(copies, ["one"])["one"].others == 1
    copied_in_jupyter = notebook(cell("x = 1", "answer-one", "answer", "one"), cell("x = 2", "new", "answer", "one"))
    assert answers(copied_in_jupyter, ["one"])["one"].source == "x = 1"
    assert answers(copied_in_jupyter, ["one"])["one"].others == 1


@pytest.mark.parametrize("stub", ['x = lock_in("one")', "def f():\n    raise NotImplementedError"])
def test_a_cell_left_as_it_was_handed_out_gives_way_to_one_that_was_filled_in(stub):
    blank = cell(stub, "answer-one", "answer", "one")
    assert found(cell("# answer: one\nx = 1"), blank)["one"] == "# answer: one\nx = 1"
    assert found(blank, cell("x = 2", "new", "answer", "one"))["one"] == "x = 2"
    assert found(blank)["one"] == stub
    assert found(cell('x = lock_in("one", [1])', "answer-one"), blank)["one"] == 'x = lock_in("one", [1])'


@pytest.mark.parametrize(
    "answer, names",
    [
        ("from course_lib.jacobians import numerical_jacobian as f", ("numerical_jacobian",)),
        ("def f(x):\n    import course_lib.jacobians as j\n    return j", ("course_lib.jacobians",)),
        ("from course_lib import network, jacobians", ("jacobians",)),
        ("from course_lib.exercises import check\nimport numpy", ()),
        ("def f(:", ()),
    ],
)
def test_what_an_answer_has_from_the_library_is_told_unless_the_course_s_own_has_it_too(answer, names):
    own = "from course_lib import network"
    assert borrowed(answer, own) == names
    told = [f"its answer imports {name} from the course's own library" for name in names]
    assert Answer(answer, borrowed=borrowed(answer, own)).notes == told


def test_cells_without_end_after_an_answer_are_not_all_read_with_it():
    long = cell("x = 1\n" * 2_000 + "def f(:", "answer-one")
    scratch = [cell(f"y = {k}") for k in range(15_000)]
    assert not apart(notebook(long, *scratch, cell("one = 3")), "one", "one")  # each takes a moment, all take an hour
    assert apart(notebook(long, *scratch[:5], cell("one = 3")), "one", "one") is False  # its answer cannot be read
    assert apart(notebook(cell("x = 1", "answer-one"), *scratch[:5], cell("one = 3")), "one", "one")


def test_a_source_of_blank_lines_is_looked_through_in_no_time():
    assert found(cell("\n" * 500_000, "answer-one"))[
        "one"
    ].isspace()  # a pattern that tries every line anew takes hours


def test_an_answer_is_found_by_the_call_that_locked_it_in():
    pasted = "x = lock_in( 'one', 3)"
    assert found(cell(pasted), cell("x = 1"), cell('lock_in("two")')) == {"one": pasted}
    assert found(cell('x = lock_in("one")', "answer-one"), cell(pasted))["one"] == pasted
    assert found(cell("# answer: one\nx = 4"), cell(pasted))["one"] == "# answer: one\nx = 4"
    assert named_exercises(notebook(cell(pasted), cell('lock_in("two")'))) == {"one"}


def test_two_cells_that_were_merged_are_taken_apart():
    merged = "# answer: one\nx = 1\n\n# answer: two\ny = 2"
    assert found(cell(merged, id="answer-one")) == {"one": "# answer: one\nx = 1", "two": "# answer: two\ny = 2"}
    unmarked = "x = 1\n\n# answer: two\ny = 2"
    assert found(cell(unmarked, id="answer-one"))["one"] == "x = 1"
    assert own_part("import math\n" + merged, "one").startswith("import math")


@pytest.mark.parametrize("marker", ["# NBVAL_SKIP", "  # NBVAL_IGNORE_OUTPUT", "#NBVAL_RAISES_EXCEPTION"])
def test_comments_that_steer_nbval_are_taken_out_and_lines_keep_their_numbers(marker):
    assert without_markers(f"x = 1\n{marker}\ny = 2") == "x = 1\n#\ny = 2"
    assert without_markers("# NBVAL_SKIP this is prose") == "# NBVAL_SKIP this is prose"


def test_the_exercises_of_a_notebook_are_named_in_three_ways():
    cells = cell("", id="answer-one"), cell("", exercise="two"), cell("# answer: three"), cell("", id="check-four")
    assert named_exercises(notebook(*cells)) == {"one", "two", "three"}


def test_the_inputs_stand_where_the_student_s_name_stood():
    solution = notebook(cell('import numpy as np\n\nstudent(\n    ""\n)\nx = 1', id="setup"))
    given = '{"name": "O\'Hara \\" \\\\", "inputs": {}}'
    source = setup_source(solution, given)
    call = ast.parse(source).body[1].value
    assert "student(" not in source
    assert source.startswith("import numpy as np\n\n__import__")
    assert source.endswith("\nx = 1")
    assert call.args[0].args[0].value == given


def test_an_instructor_s_notebook_that_cannot_be_graded_with_is_refused():
    with pytest.raises(CourseError, match="setup cell"):
        setup_source(notebook(cell("x = 1", id="setup")), "{}")
    with pytest.raises(CourseError, match="answer cell and a check cell"):
        slots(notebook(cell("x = 1", role="answer", exercise="one")))
    assert [slot.exercise for slot in slots(notebook(cell("x", "", "answer", "one"), cell("c", "", "check", "one")))]


ANSWER = cell("def f(x):\n    y = 2 * x\n    return y", "answer-one", "answer", "one")
CHECK = cell('check("one", f)', "check-one", "check", "one")


@pytest.mark.parametrize(
    "first, second",
    [
        ("def f(x):\n    y = 2 * x", "    return y"),  # split within the function
        ("def f(x):", "    y = 2 * x\n    return y"),
        ("def f(x):\n    return g(x)", "def g(x):\n    return 2 * x"),  # what it uses stands in the next cell
        ("def g(x):\n    return 2 * x", "def f(x):\n    return g(x)"),  # and here itself
        ("f = [1,", "2]"),
        ("", "f = 3"),
    ],
)
def test_a_part_of_an_answer_in_a_cell_of_its_own_is_noticed(first, second):
    cells = cell(first, "answer-one", "answer", "one"), cell(second, "k7")
    assert apart(notebook(*cells, CHECK), "one", "f")
    assert apart(notebook(cells[0], cell("print(1)"), cells[1], CHECK), "one", "f")
    assert not apart(notebook(cells[0], CHECK, cells[1]), "one", "f")
    assert not apart(notebook(*reversed(cells), CHECK), "one", "f")


@pytest.mark.parametrize(
    "scratch", ["", "f(3)", "x = 4\nprint(f(x))", "%timeit f(2)", "f(", "# I am not sure", "import os"]
)
def test_trying_an_answer_in_the_next_cell_is_no_part_of_it(scratch):
    assert not apart(notebook(ANSWER, cell(scratch, "k7"), CHECK), "one", "f")


def test_a_cell_of_another_exercise_is_no_part_of_an_answer():
    for other in (cell("f = 1", "answer-two"), cell("# answer: two\nf = 1"), cell('f = lock_in("two", 1)'), CHECK):
        assert not apart(notebook(ANSWER, other, cell("f = 2")), "one", "f")
    assert not apart(notebook(cell("f = 2")), "one", "f")
