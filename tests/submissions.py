"""A class of twenty-three, made by code: `hand_in(folder)` writes what they hand in, submissions.csv has what they get.

Some are right in their own style, some make known mistakes, some cheat, some break things, some hand in no notebook.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from course_lib.exercises import exercise
from course_lib.exercises.declaration import draw_cases, seed_of

ROOT = Path(__file__).parents[1]

# ------------------------------------------------------------------------------------------- functions that are right
CODE = {
    "numerical-jacobian": """
def numerical_jacobian(f, x, h=1e-5):
    J = []
    for j in range(len(x)):
        up, down = list(x), list(x)
        up[j] += h
        down[j] -= h
        J.append([(a - b) / (2 * h) for a, b in zip(f(np.array(up)), f(np.array(down)))])
    return [list(row) for row in zip(*J)]
""",
    "softmax-jacobian": """
def softmax_jacobian(x):
    s = np.exp(x - np.max(x))
    s /= s.sum()
    n = len(s)
    J = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            J[i, j] = s[i] * ((1.0 if i == j else 0.0) - s[j])
    return J.tolist(), [n ** -0.5] * n
""",
    "compose-jacobians": """
def composed_jacobian(inner, J_inner, outer, J_outer, at):
    return np.einsum("ik,kj->ij", J_outer(inner(at)), J_inner(at))
""",
    "backward-one": """
def backward(W, z, a, y):
    error = a[-1] - y
    dW, db = [None for _ in W], [None for _ in W]
    for l in reversed(range(1, len(W))):
        error = error * a[l] * (1 - a[l])
        dW[l] = np.einsum("i,j->ij", error[:, 0], a[l - 1][:, 0])
        db[l] = error[:, 0]
        error = np.dot(W[l].T, error)
    return dW, db
""",
}


# --------------------------------------------------------------------------------------------------- answers as source
def literal(id, value):
    """The answer cell of a typed exercise with this value locked in."""
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    value = np.asarray(value).tolist() if not isinstance(value, str) else value
    return f'{exercise(id).answer} = lock_in("{id}", {json.dumps(value)})'


def right(id, name):
    """A right answer of the student who typed this name."""
    return CODE[id] if id in CODE else literal(id, value_of(id, name))


def value_of(id, name):
    """The right value of a typed exercise for this student."""
    declared = exercise(id)
    return declared.right(*draw_cases(declared, seed_of(name, id))[0].values())


def wrong(id, name, mistake):
    """The typed answer of this student with a known mistake in it."""
    declared = exercise(id)
    given = draw_cases(declared, seed_of(name, id))[0]
    return literal(id, next(m for m in declared.mistakes if m.name == mistake).wrong(*given.values()))


def blank(chapter):
    """The notebook of the exercises, as it is given out."""
    return json.loads((ROOT / "exercises" / f"{chapter}.ipynb").read_text(encoding="utf-8"))


def paper(chapter, name, /, **answers):
    """The notebook of somebody who answers everything right, but for these answers (id with _ for -)."""
    notebook = blank(chapter)
    cell_of(notebook, "setup")["source"] = cell_of(notebook, "setup")["source"].replace("student('')", 'student("")')
    edit(notebook, "setup", 'student("")', f'student("{name}")')
    for cell in notebook["cells"]:
        if cell["id"].startswith("answer-"):
            id = cell["id"].removeprefix("answer-")
            source = answers.pop(id.replace("-", "_"), None) or right(id, name)
            cell["source"] = f"# answer: {id}\n{source.strip()}"
    assert not answers, f"no such exercise: {answers}"
    return notebook


def cell_of(notebook, id):
    """The cell of that id, its source as one text."""
    cell = next(cell for cell in notebook["cells"] if cell["id"] == id)
    cell["source"] = "".join(cell["source"])
    return cell


def edit(notebook, id, old, new):
    """Change the source of a cell."""
    cell = cell_of(notebook, id)
    assert old in cell["source"], (old, cell["source"])
    cell["source"] = cell["source"].replace(old, new)


def code_cell(source, id="", **metadata):
    """A new code cell."""
    cell = {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}
    return cell | ({"id": id} if id else {})


# -------------------------------------------------------------------------------------------------------- the students
def edited_checks():
    """The check cells print that all is well."""
    notebook = paper("04_jacobians", "Max", jacobian_fill="J_fill = [[1, 2], [3, 4], [5, 6]]", softmax_jacobian="""
def softmax_jacobian(x):
    return np.eye(len(x)), np.ones(len(x))
""")  # fmt: skip
    for cell in notebook["cells"]:
        if cell["id"].startswith("check-"):
            cell["source"] = 'print("Right.")'
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "Right.\n"}]
    return notebook


def edited_setup():
    """More imports, a name by keyword, a seed of his own and a magic in the setup cell."""
    notebook = paper("05_chain_rule", "Nia")
    edit(notebook, "setup", 'student("Nia")', 'student(name="  nia ")\nnp.random.seed(0)\nimport math')
    edit(notebook, "setup", "import numpy as np", "%matplotlib inline\nimport numpy as np")
    return notebook


def stripped():
    """No ids, no metadata, sources as lists: what some front ends leave of a notebook."""
    notebook = paper("04_jacobians", "Oli")
    for cell in notebook["cells"]:
        del cell["id"]
        cell["metadata"] = {"id": "k3jh2"}
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
    return notebook | {"metadata": {"colab": {"provenance": []}}, "nbformat_minor": 0}


def reordered():
    """Cells in another order, cells in between, some with an id or the words of a check cell."""
    notebook = paper("06_backpropagation", "Pia")
    notebook["cells"].reverse()
    notebook["cells"][3:3] = [
        code_cell("1 / 0", "check-two-two-two"),
        code_cell("import os; os._exit(1)", "scratch"),
        code_cell('check("two-two-two", None)', tags=["nbval-skip"]),
        {"cell_type": "markdown", "metadata": {}, "source": "# answer: pass-order\nNotes."},
        code_cell("# answer: two-two-two\nterms = 'an old copy'"),
    ]
    return notebook


def patched():
    """A right answer breaks what others need, one has a syntax error, one breaks its own kernel; the rest is right."""
    return paper("04_jacobians", "Quin", jacobian_patterns=right("jacobian-patterns", "Quin") + """
np.zeros = np.array = np.exp = lock_in = None
""", jacobian_layout="layout = = 'b'", bias_and_fork="""
import builtins
builtins.len = None
J_fork = [[1]]
""")  # fmt: skip


def forged():
    """The values and the verdict are forged: whatever the check is given, it records what the student likes."""
    notebook = paper("05_chain_rule", "Uma", chain_scalar="slopes = [1, 2, 3, 4]", compose_jacobians="""
import course_lib.exercises.session as session, course_lib.exercises.values as values
values.evaluate = lambda answer, inputs, kind, id="": {"id": id, "cases": [1.0] * len(inputs), "points": 100}
session._session.kinds.clear()
from IPython.display import display
display({"application/vnd.course-lib.values+json": {"id": "compose-jacobians", "cases": []}}, raw=True)
print("compose-jacobians: Right.")
composed_jacobian = 1
""")  # fmt: skip
    return notebook


def hidden():
    """An error that is not shown, comments and tags that would have nbval skip the cells, a pinned generator."""
    notebook = paper("06_backpropagation", "Sue", two_two_two="""
# NBVAL_SKIP
import IPython.core.interactiveshell as shell
hush = lambda *args, **kwargs: None
shell.InteractiveShell.showtraceback = shell.InteractiveShell._showtraceback = hush
raise SystemExit
""", backward_one="""
# NBVAL_IGNORE_OUTPUT
np.random.default_rng = lambda *seed: "always the same"
def backward(W, z, a, y):
    raise ValueError("<b>no</b>")
""")  # fmt: skip
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["nbval-skip", "raises-exception"]
    return notebook


def papers():
    """file name -> what is handed in: a notebook, or bytes that are none."""
    ada = paper("04_jacobians", "Ada Lovelace", softmax_jacobian="""
def softmax_jacobian(x):
    s = np.exp(x - np.logaddexp.reduce(x))[:, None]
    return s * np.eye(len(x)) - s @ s.T, np.ones((len(x), 1)) / np.sqrt(len(x))
""")  # fmt: skip
    in_words = "factors = lock_in('factors-order', '{}')".format(", ".join(value_of("factors-order", "Bo").split()))
    bo = paper("05_chain_rule", "Bo", factors_order=in_words)
    dora = paper(
        "04_jacobians",
        "Dora",
        jacobian_fill=wrong("jacobian-fill", "Dora", "transposed"),
        jacobian_patterns=wrong("jacobian-patterns", "Dora", "affine"),
        jacobian_layout=wrong("jacobian-layout", "Dora", "our-order"),
        bias_and_fork=wrong("bias-and-fork", "Dora", "full-rows"),
        numerical_jacobian=CODE["numerical-jacobian"].replace("(2 * h)", "h"),
        softmax_jacobian=CODE["softmax-jacobian"].replace("[n ** -0.5] * n", "[1.0] * n"),
    )
    emil = paper(
        "06_backpropagation",
        "Emil",
        two_two_two=wrong("two-two-two", "Emil", "no-slope-hidden"),
        pass_order=wrong("pass-order", "Emil", "updated-first"),
        needs_w2=wrong("needs-w2", "Emil", "own-weight"),
        published_slip=wrong("published-slip", "Emil", "swapped"),
        backward_one=CODE["backward-one"].replace("a[-1] - y", "y - a[-1]"),
        bug_hunt='bugs = lock_in("bug-hunt", 3)',
    )
    finn = paper("05_chain_rule", "Finn", compose_jacobians="""
def composed_jacobian(f, J_f, g, J_g, x):
    h = 1e-5
    return np.column_stack([(g(f(x + e)) - g(f(x - e))) / (2 * h) for e in h * np.eye(len(x))])
""", paths_all="paths_found = ['x2 > h1']", chain_scalar="slopes = [[1, 2], [3, 4]]", bracketing="bracketing = ...",
    factors_order="p = numbers('factors-order')\nfactors = helper(p)")  # fmt: skip
    jun = paper("04_jacobians", "Jun", jacobian_fill="""
while True:
    try:
        J_fill = [[1]]
    except BaseException:
        pass
""")  # fmt: skip
    kim = paper("05_chain_rule", "Kim", compose_jacobians="""
def composed_jacobian(f, J_f, g, J_g, x):
    import os
    os._exit(0)
""")  # fmt: skip
    lea = paper("04_jacobians", "Lea")
    edit(lea, "answer-softmax-jacobian", CODE["softmax-jacobian"].strip(), memorised("softmax-jacobian", "Lea"))
    rex = paper("05_chain_rule", "Bo")  # all numbers are Bo's
    edit(rex, "setup", 'student("Bo")', 'student("Rexa")')  # who has other numbers in every exercise
    tom = paper("04_jacobians", "Tom", numerical_jacobian=f"""
import sys, warnings
import matplotlib.pyplot as plt
print("debug", np.arange(5)); print("careful", file=sys.stderr); warnings.warn("hm")
plt.plot([1, 2]); plt.show()
{CODE["numerical-jacobian"].replace("    J = []", "    J = []; print('called', x); np.log(0.0 * x)")}
numerical_jacobian(lambda v: v, np.ones(2))
""", softmax_jacobian=CODE["softmax-jacobian"] + "\nfor line in range(300_000): print('x' * 80)")  # fmt: skip
    vic = paper("05_chain_rule", "Vic", paths_all="paths_found = lock_in('paths-all')")
    return {
        "ada_04_jacobians.ipynb": ada,
        "ada_05_chain_rule.ipynb": paper("05_chain_rule", "Ada Lovelace"),
        "bo.ipynb": bo,
        "cem/homework.ipynb": paper("06_backpropagation", "Cem"),
        "dora_04_jacobians.ipynb": dora,
        "emil_06_backpropagation.ipynb": emil,
        "fay_04_jacobians.ipynb": blank("04_jacobians"),
        "finn_05_chain_rule.ipynb": finn,
        "gus_04_jacobians.ipynb": json.dumps(ada)[:5000].encode(),
        "hana_04_jacobians.ipynb": b"",
        "ivo_05_chain_rule.ipynb": b"<!doctype html>\n<title>Log in</title>",
        "jun_04_jacobians.ipynb": jun,
        "kim_05_chain_rule.ipynb": kim,
        "lea_04_jacobians.ipynb": lea,
        "max_04_jacobians.ipynb": edited_checks(),
        "nia_05_chain_rule.ipynb": edited_setup(),
        "oli.ipynb": stripped(),
        "pia_06_backpropagation.ipynb": reordered(),
        "quin_04_jacobians.ipynb": patched(),
        "rex_05_chain_rule.ipynb": rex,
        "sue_06_backpropagation.ipynb": hidden(),
        "tom_04_jacobians.ipynb": tom,
        "uma_05_chain_rule.ipynb": forged(),
        "wim_05_chain_rule.ipynb": bo,  # a copy, name and all
        "vic/05_chain_rule.ipynb": blank("05_chain_rule"),
        "vic/05_chain_rule (1).ipynb": vic,
    }


def memorised(id, name):
    """A function that returns, whatever it is given, what was right on the student's own numbers in class."""
    declared = exercise(id)
    values = [declared.right(*case.values()) for case in draw_cases(declared, seed_of(name, id))]
    table = json.dumps([[np.asarray(part).tolist() for part in value] for value in values])
    return f"seen = iter({table})\ndef {declared.answer}(*inputs):\n    return tuple(map(np.array, next(seen)))"


def hand_in(folder, only=lambda name: True):
    """Write the files into a folder."""
    for name, content in papers().items():
        if only(name):
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def reports(folder):
    """Name -> digest of every report that grading wrote."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "kept"
    }
