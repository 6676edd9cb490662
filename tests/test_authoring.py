"""Chapters in, notebooks out: small chapters with declarations of their own, built by real kernels."""

import json
import re
from types import SimpleNamespace

import nbformat
import pytest

from course_lib._errors import CourseError
from course_lib.authoring import AuthoringError, build

FILL = SimpleNamespace(id="jacobian-fill", kind="num", answer="J", points=2)
CHAIN = SimpleNamespace(id="chain-product", kind="code", answer="chain_jacobian", points=3)

LESSON = """\
---
jupyter:
  kernelspec:
    name: python3
    display_name: Python 3
---

# 4. Jacobians

*Question.* What comes out?

```python
import sys
print("one"); sys.stdout.flush(); print("two")
```

```python tags=["picture"]
import base64
from IPython.display import HTML, display
_ = display({"image/png": base64.b64encode(b"pixels of this machine").decode(), "text/plain": "two links"}, raw=True)
```

```python
HTML('<img alt="two links" src="data:image/png;base64,AAAA">')
```

```python
1 + 1
```

```python
1 + 1
```
"""

EXERCISES = '''\
# Exercises of chapter 4

```python setup=true
from types import SimpleNamespace

def numbers(id):
    return SimpleNamespace(W=[[2, 0], [1, 3]])

def check(id, answer):
    print(id, "is", answer if isinstance(answer, list) else "a function")

def student(name):
    """Stands for the real one."""

student("")
```

## 1. Fill the Jacobian

```python answer="jacobian-fill"
p = numbers("jacobian-fill")
J = p.W
```

```python check="jacobian-fill"
check("jacobian-fill", J)
```

## 2. The product

```python answer="chain-product"
def chain_jacobian(J_outer, J_inner):
    """Jacobian of outer(inner(x))."""
    if J_outer is None:
        # --- answer
        secret_of_the_first = J_inner
        return secret_of_the_first
        # --- end
    # --- answer

    return J_outer @ J_inner
    # --- end
```

```python check="chain-product"
check("chain-product", chain_jacobian)
```
'''


def course(root, lesson=LESSON, exercises=EXERCISES, name="04_jacobians"):
    folder = root / "chapters" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lesson.md").write_text(lesson, encoding="utf-8", newline="\n")
    if exercises is not None:
        (folder / "exercises.md").write_text(exercises, encoding="utf-8", newline="\n")
    return root


def declared(name):
    return (FILL, CHAIN) if name == "04_jacobians" else ()


def files(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


PRODUCTS = {
    "notebooks/04_jacobians.ipynb",
    "solutions/04_jacobians.ipynb",
    "exercises/04_jacobians.ipynb",
    "course_lib/exercises/solutions.json",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = course(tmp_path_factory.mktemp("course"))
    return SimpleNamespace(root=root, report=build(root=root, declared=declared), files=files(root))


@pytest.fixture
def copy(built, tmp_path):
    for name, content in built.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def notebook(built, kind):
    return nbformat.reads(built.files[f"{kind}/04_jacobians.ipynb"].decode(), as_version=4)


def sources(built, kind):
    return {cell.id: cell.source for cell in notebook(built, kind).cells}


# -------------------------------------------------------------------------------------------------------- products


def test_a_chapter_becomes_three_notebooks_and_its_answers_and_nothing_else(built):
    made = PRODUCTS | {"chapters/04_jacobians/lesson.md", "chapters/04_jacobians/exercises.md"}
    assert set(built.files) == made
    assert [(product.path, product.state) for product in built.report.products if product.state != "written"] == []


def test_a_typed_answer_is_cut_to_the_call_that_asks_for_it(built):
    assert sources(built, "exercises")["answer-jacobian-fill"] == (
        '# answer: jacobian-fill\nJ = lock_in("jacobian-fill")'
    )
    assert sources(built, "solutions")["answer-jacobian-fill"] == (
        '# answer: jacobian-fill\np = numbers("jacobian-fill")\nJ = p.W'
    )


def test_each_answer_of_a_function_is_cut_to_a_stub_at_its_indent(built):
    assert sources(built, "exercises")["answer-chain-product"].splitlines() == [
        "# answer: chain-product",
        "def chain_jacobian(J_outer, J_inner):",
        '    """Jacobian of outer(inner(x))."""',
        "    if J_outer is None:",
        "        raise NotImplementedError",
        "    raise NotImplementedError",
    ]


def test_the_solution_keeps_the_answer_and_loses_the_marks(built):
    text = sources(built, "solutions")["answer-chain-product"]
    assert "    return J_outer @ J_inner" in text.splitlines()
    assert "# ---" not in built.files["solutions/04_jacobians.ipynb"].decode()


def test_no_line_of_an_answer_is_left_in_the_exercises(built):
    text = built.files["exercises/04_jacobians.ipynb"].decode()
    for line in ("secret_of_the_first", "return J_outer @ J_inner", "J = p.W", "# ---"):
        assert line not in text


def test_cells_keep_their_ids_and_say_their_roles(built):
    for kind in ("exercises", "solutions"):
        roles = {cell.id: cell.metadata.get("course") for cell in notebook(built, kind).cells}
        assert roles["setup"] == {"role": "setup"}
        assert roles["answer-jacobian-fill"] == {"role": "answer", "exercise": "jacobian-fill", "points": 2}
        assert roles["check-chain-product"] == {"role": "check", "exercise": "chain-product", "points": 3}
    assert list(sources(built, "exercises")) == list(sources(built, "solutions"))


def test_cells_say_to_nbgrader_what_they_are(built):
    same = {"schema_version": 3, "task": False}
    answer = {"grade_id": "answer-chain-product", "solution": True, "grade": False, "locked": False, **same}
    check = {"grade_id": "check-chain-product", "solution": False, "grade": True, "locked": True, "points": 3, **same}
    for kind in ("exercises", "solutions"):
        said = {cell.id: cell.metadata.get("nbgrader") for cell in notebook(built, kind).cells}
        assert (said["answer-chain-product"], said["check-chain-product"]) == (answer, check)
        assert {id for id, info in said.items() if not info} == {id for id in said if not re.match("answer|check", id)}


def test_two_cells_of_one_source_have_two_ids(built):
    ids = [cell.id for cell in notebook(built, "notebooks").cells if cell.source == "1 + 1"]
    assert ids[1] == ids[0] + "-2"


def test_lesson_and_solutions_are_executed_and_exercises_are_not(built):
    for kind in ("notebooks", "solutions"):
        code = [cell for cell in notebook(built, kind).cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    code = [cell for cell in notebook(built, "exercises").cells if cell.cell_type == "code"]
    assert all(cell.execution_count is None and cell.outputs == [] for cell in code)


def test_what_was_printed_in_pieces_is_saved_in_one(built):
    printed = next(cell for cell in notebook(built, "notebooks").cells if "print" in cell.source).outputs[0]
    assert (printed.name, printed.text) == ("stdout", "one\ntwo\n")


def test_tags_of_a_lesson_are_kept(built):
    assert [cell.metadata for cell in notebook(built, "notebooks").cells if cell.metadata] == [{"tags": ["picture"]}]


def test_notebooks_name_their_chapter_and_nothing_of_the_machine(built):
    for kind, name in (("notebooks", "lesson"), ("solutions", "solutions"), ("exercises", "exercises")):
        assert notebook(built, kind).metadata == {
            "course": {"chapter": "04_jacobians", "kind": name},
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }


def test_the_answers_are_kept_by_exercise_as_their_authors_wrote_them(built):
    answers = json.loads(built.files["course_lib/exercises/solutions.json"])
    assert answers["jacobian-fill"] == 'p = numbers("jacobian-fill")\nJ = p.W\n'
    assert "    return J_outer @ J_inner\n" in answers["chain-product"]
    assert "# " not in answers["chain-product"]


def test_files_end_in_one_newline_and_have_no_other_kind(built):
    for name in PRODUCTS:
        assert built.files[name].endswith(b"}\n")
        assert b"\r" not in built.files[name]


def test_built_again_from_elsewhere_the_bytes_are_the_same(copy, built, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    report = build(["4"], root=copy, declared=declared, jobs=1)
    assert {product.state for product in report.products} == {"unchanged"}
    assert files(copy) == built.files
    assert files(elsewhere) == {}


def test_widgets_leave_what_they_say_and_not_the_id_of_a_dead_one(tmp_path):
    lesson = """\
# Widgets

```python
import ipywidgets
from IPython.display import display

class Explorer(ipywidgets.IntSlider):
    def _repr_mimebundle_(self, **options):
        data = super()._repr_mimebundle_(**options)
        return {**data, "text/plain": "slider at 3", "text/html": "<p>slider at 3</p>"}

display({"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}, raw=True)
Explorer(value=3)
```
"""
    build(root=course(tmp_path, lesson, None), declared=lambda name: ())
    product = json.loads((tmp_path / "notebooks/04_jacobians.ipynb").read_text(encoding="utf-8"))
    (output,) = product["cells"][1]["outputs"]
    assert sorted(output["data"]) == ["text/html", "text/plain"]
    assert "widgets" not in product["metadata"]


# ----------------------------------------------------------------------------------------------------------- check


def edit(path, old, new):
    content = path.read_bytes()
    assert content.count(old) >= 1
    path.write_bytes(content.replace(old, new))


def stale(root):
    before = files(root)
    report = build(root=root, check=True, declared=declared)
    assert files(root) == before, "a check writes nothing"
    return {product.path: product.reason for product in report.stale}


def test_a_check_finds_nothing_after_a_build_though_pixels_differ(copy):
    edit(copy / "notebooks/04_jacobians.ipynb", b'base64,AAAA\\">"', b'base64,BBBB\\" width=\\"3\\">"')
    product = json.loads((copy / "notebooks/04_jacobians.ipynb").read_text(encoding="utf-8"))
    image = next(o["data"]["image/png"] for c in product["cells"] for o in c.get("outputs", []) if "data" in o)
    edit(copy / "notebooks/04_jacobians.ipynb", json.dumps(image)[1:-1].encode(), b"b3RoZXJz")
    assert stale(copy) == {}


def test_a_check_names_every_kind_of_staleness(copy):
    edit(copy / "chapters/04_jacobians/exercises.md", b"return J_outer @ J_inner", b"return J_outer.dot(J_inner)")
    edit(copy / "notebooks/04_jacobians.ipynb", b'"<img alt=\\"two', b'"<img alt=\\"three')
    (copy / "exercises/04_jacobians.ipynb").unlink()
    (copy / "notebooks/05_gone.ipynb").write_text("{}", encoding="utf-8")
    found = stale(copy)
    assert list(found) == [
        "notebooks/04_jacobians.ipynb",
        "solutions/04_jacobians.ipynb",
        "exercises/04_jacobians.ipynb",
        "course_lib/exercises/solutions.json",
        "notebooks/05_gone.ipynb",
    ]
    lesson = found["notebooks/04_jacobians.ipynb"]
    assert re.match(r"outputs of cell 4 \(\w+\): expected .*two links.*, found .*three links", lesson)
    assert "source of cell 7 (answer-chain-product)" in found["solutions/04_jacobians.ipynb"]
    assert found["exercises/04_jacobians.ipynb"] == "missing"
    assert "no chapter makes it" in found["notebooks/05_gone.ipynb"]


def test_a_check_sees_what_another_program_saved(copy):
    edit(copy / "exercises/04_jacobians.ipynb", b'\n "nbformat": 4,', b'\n\n "nbformat": 4,')
    (copy / "solutions/04_jacobians.ipynb").write_text("{", encoding="utf-8")
    edit(copy / "notebooks/04_jacobians.ipynb", b'"kind": "lesson"', b'"kind": "essay"')
    assert stale(copy) == {
        "notebooks/04_jacobians.ipynb": "the metadata of the notebook were edited",
        "solutions/04_jacobians.ipynb": "it is no notebook of format 4.5",
        "exercises/04_jacobians.ipynb": "it was saved by another program",
    }


def test_building_one_chapter_keeps_the_answers_of_the_others(copy):
    course(copy, "# Five", None, "05_chain_rule")
    report = build(["05"], root=copy, declared=declared)
    states = {product.path: product.state for product in report.products}
    assert states == {"notebooks/05_chain_rule.ipynb": "written", "course_lib/exercises/solutions.json": "unchanged"}


# ---------------------------------------------------------------------------------------------------------- refused

OPEN = "# --- answer"
ANSWER, CHECK = 'answer="chain-product"', 'check="chain-product"'
OUTER, INNER = "    # --- answer\n\n", "        # --- answer\n"


@pytest.mark.parametrize(
    "old, new, at, message",
    [
        ("J_inner\n    # --- end", "J_inner", OUTER, "never closed"),
        ("        # --- end\n", "", OUTER, "opened in another"),
        (INNER, "", "        # --- end\n", "no answer is open"),
        (OUTER, "    #--- Answer\n", "    #--- Answer", "expected the mark"),
        ("J = p.W", "J = p.W\n# --- answer", "# --- answer\n```", "never closed"),
        (
            "def chain_jacobian(",
            "# --- answer\n1\n# --- end\ndef chain_jacobian(",
            "# --- answer\n1",
            "outside the function",
        ),
        ("## 2. The product", "# --- answer", "# --- answer\n\n```python", "no place outside"),
        ("import SimpleNamespace\n", "import SimpleNamespace\n# --- end\n", "# --- end\n\ndef", "no place outside"),
        (
            'answer="jacobian-fill"',
            'answer="fill"',
            "p = numbers",
            "no exercise 'fill'.*: chain-product, jacobian-f",
        ),
        ('check="jacobian-fill"', 'check="fill"', 'check("jacobian-fill"', "no exercise 'fill' is declared"),
        ('check="jacobian-fill"', "", "p = numbers", "'jacobian-fill' has no cell ```python check="),
        ('answer="jacobian-fill"', "", 'check("jacobian-fill"', "before its answer cell, or without one"),
        (CHECK, 'check="jacobian-fill"', 'check("chain-product"', "second check cell of 'jacobian-fill'"),
        (" J)\n```", " W)\n```", 'check("jacobian-fill", W', r'expected check\("jacobian-fill", J\), got .*W'),
        ('check("chain-product"', 'check("x"', 'check("x"', r'expected check\("chain-product", chain_jacobian\)'),
        ("J = p.W", "M = p.W", "p = numbers", "define 'J'.*it defines M, p"),
        ("J = p.W", "J = = p.W", "J = = p.W", "not Python"),
        ("    if J_outer is None:\n", "    if J_outer is None\n", "    if J_outer is None", "not Python"),
        (ANSWER, ANSWER + " points=3", "def chain_j", "unknown attribute 'points'.*setup, answer, check, tags"),
        (ANSWER, f"{ANSWER} {CHECK}", "def chain_j", "one role"),
        (ANSWER, "answer=3", "def chain_j", "id of an exercise in quotes"),
        ("setup=true", "setup=false", "from types", "expected setup=true"),
        ("setup=true", "", "from types", "first code cell must be the setup cell"),
        ('student("")', "pass", "from types", r'must call student\(""\)'),
        ("## 2. The product", "```python setup=true\nstudent(2)\n```", "student(2)", "second setup cell"),
        ("## 2. The product", "```python\n```", "```\n\n```python answer", "empty code cell"),
        ("## 2. The product", "```text\nls\n```\n\n```bash\nls\n```", "ls\n```\n\n```python", "only Python"),
        ("chain_jacobian)\n```", "chain_jacobian)\n", 'check("chain-product", ', "fence"),
    ],
)
def test_a_bad_source_is_refused_with_file_and_line(tmp_path, old, new, at, message):
    assert (EXERCISES.count(old), EXERCISES.replace(old, new).count(at)) == (1, 1)
    text = EXERCISES.replace(old, new)
    line = text[: text.index(at)].count("\n") + 1
    with pytest.raises(
        AuthoringError, match=rf"^chapters/04_jacobians/exercises\.md:{line}: (?s:.*){message}"
    ) as refused:
        build(root=course(tmp_path, exercises=text), declared=declared)
    assert (refused.value.file, refused.value.line) == ("chapters/04_jacobians/exercises.md", line)
    assert not PRODUCTS & set(files(tmp_path))


def test_an_exercise_that_is_declared_must_be_in_its_chapter(tmp_path):
    other = SimpleNamespace(id="other", kind="num", answer="x", points=1)
    with pytest.raises(AuthoringError, match=r"exercises\.md:1: exercise 'other' is declared, but has no cell"):
        build(root=course(tmp_path), declared=lambda name: (FILL, CHAIN, other))
    with pytest.raises(AuthoringError, match=r"exercises\.md:1: expected this file: 1 exercises are declared"):
        build(["05"], root=course(tmp_path, exercises=None, name="05_chain_rule"), declared=lambda name: (other,))


def test_a_function_whose_answer_is_not_marked_is_refused(tmp_path):
    text = re.sub(r" *# --- (answer|end)\n", "", EXERCISES)
    with pytest.raises(AuthoringError, match="nothing is marked as the answer"):
        build(root=course(tmp_path, exercises=text), declared=declared)


def test_a_lesson_has_no_exercises(tmp_path):
    lesson = '```text\n```\n\n```python answer="x"\n1\n```\n'
    with pytest.raises(AuthoringError, match=r"lesson\.md:5: unknown attribute 'answer' .* known here: tags"):
        build(root=course(tmp_path, lesson), declared=declared)


def test_what_jupytext_cannot_read_is_reported_with_the_file(tmp_path):
    with pytest.raises(AuthoringError, match=r"lesson\.md:1: Jupytext cannot read it: 'x' is not of type 'array'"):
        build(root=course(tmp_path, '```python tags="x"\n1\n```\n'), declared=declared)


def test_a_chapter_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CourseError, match="expected chapters such as"):
        build(root=tmp_path)
    with pytest.raises(CourseError, match="expected a chapter of 04_jacobians, got '07'"):
        build(["07"], root=course(tmp_path), declared=declared)


def test_a_cell_that_fails_is_reported_with_its_line_and_nothing_is_written(copy):
    edit(copy / "chapters/04_jacobians/lesson.md", b"# 4. Jacobians", b"# Four")
    edit(copy / "chapters/04_jacobians/exercises.md", b"J = p.W", b"def f(x):\n    return x[5]\nJ = f(p.W)")
    before = files(copy)
    text = before["chapters/04_jacobians/exercises.md"].decode()
    with pytest.raises(AuthoringError, match="this cell fails: IndexError: list index out of range") as refused:
        build(root=copy, declared=declared)
    assert refused.value.line == text[: text.index("    return x[5]")].count("\n") + 1
    assert files(copy) == before


def test_a_cell_that_kills_its_kernel_is_reported_with_its_line(tmp_path):
    lesson = "# One\n\n```python\n1\n```\n\n```python\nimport os\nos._exit(3)\n```\n"
    with pytest.raises(AuthoringError, match=r"lesson\.md:8: this cell fails: Kernel died"):
        build(root=course(tmp_path, lesson, None), declared=lambda name: ())


def test_an_output_that_cannot_be_shown_is_reported_with_its_error(tmp_path):
    lesson = "# One\n\n```python\nclass A:\n    def __repr__(self):\n        return self.x\n\n\nA()\n```\n"
    with pytest.raises(AuthoringError, match=r"lesson\.md:\d: this cell fails: AttributeError: 'A' object has no"):
        build(root=course(tmp_path, lesson, None), declared=lambda name: ())
