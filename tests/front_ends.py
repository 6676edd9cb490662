"""What front ends make of a notebook when they save it, as functions of the notebook; each says how its rule is known.

"Run" is the saving part of the program itself; "read" is its source or its maintainers' word.
"""

import copy
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
from jupyter_server.services.contents.filemanager import FileContentsManager

Notebook = dict
COLAB = {
    "colab": {"provenance": [], "toc_visible": True},
    "kernelspec": {"name": "python3", "display_name": "Python 3"},
}


def code(notebook: Notebook) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def text(source: str | list[str]) -> str:
    return "".join(source)


def lines(source: str | list[str]) -> list[str]:
    return text(source).splitlines(keepends=True)


def token(rng: random.Random) -> str:
    """An id as Colab draws them."""
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", k=12))


# ------------------------------------------------------------------------------------------------------------- run


def jupyter_server(notebook: Notebook, folder: Path) -> Notebook:
    """JupyterLab and Notebook 7 hand a notebook to the server, trusted, with strings for sources. Run."""
    model = copy.deepcopy(notebook)
    for cell in model["cells"]:
        cell["source"] = text(cell["source"])
        cell["metadata"]["trusted"] = True
    FileContentsManager(root_dir=str(folder)).save({"type": "notebook", "content": model}, "saved.ipynb")
    return json.loads((folder / "saved.ipynb").read_text(encoding="utf-8"))


def nbconvert(notebook: Notebook, folder: Path) -> Notebook:
    """`jupyter nbconvert --to notebook --clear-output`. Run."""
    (folder / "mine.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "notebook",
        "--clear-output",
        "--output=cleared",
        "mine.ipynb",
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return json.loads((folder / "cleared.ipynb").read_text(encoding="utf-8"))


def jupytext_script(notebook: Notebook, folder: Path) -> Notebook:
    """To a script in which cells begin with %%, and back: no outputs, new ids. Run."""
    node = nbformat.reads(json.dumps(notebook), as_version=4)
    script = jupytext.writes(node, "py:percent")
    return json.loads(nbformat.writes(jupytext.reads(script, "py:percent"), version=4))


def format_4_0(notebook: Notebook, folder: Path) -> Notebook:
    """The version of the format before cells had ids. Run."""
    node = nbformat.reads(json.dumps(notebook), as_version=4)
    node.nbformat_minor = 0
    for cell in node.cells:
        del cell["id"]
    return json.loads(nbformat.writes(node, version=nbformat.NO_CONVERT))


# ------------------------------------------------------------------------------------------------------------ read


def vs_code(notebook: Notebook, folder: Path) -> Notebook:
    """Keys sorted, sources in lines, ids kept, unknown parts of outputs dropped, a language in the metadata. Read.

    The serializer of VS Code's extension `ipynb`. A cell that was added has an id and no metadata.
    """
    saved = copy.deepcopy(notebook)
    saved["cells"].insert(2, {"cell_type": "code", "id": "X10sZmlsZQ==", "metadata": {}, "source": [], "outputs": []})
    known = {"output_type", "name", "text", "ename", "evalue", "traceback", "data", "metadata", "execution_count"}
    for cell in saved["cells"]:
        cell["source"] = lines(cell["source"])
    for number, cell in enumerate(code(saved), start=1):
        cell["execution_count"] = number
        cell["metadata"] |= {"vscode": {"languageId": "python"}}
        cell["outputs"] = [{key: each[key] for key in each if key in known} for each in cell["outputs"]]
    saved["metadata"]["language_info"] = {"name": "python", "version": "3.12.4", "nbconvert_exporter": "python"}
    return json.loads(json.dumps(saved, sort_keys=True))


def old_vs_code(notebook: Notebook, folder: Path) -> Notebook:
    """Before autumn 2021 it lost the ids, though the file says 4.5. Read: its maintainers, of vscode-jupyter 5933."""
    saved = vs_code(notebook, folder)
    for cell in saved["cells"]:
        del cell["id"]
    return saved


def colab(notebook: Notebook, folder: Path) -> Notebook:
    """Of a notebook that has ids Colab keeps them, and puts one of its own, times and sizes into the metadata. Read.

    Its maintainers of ids, in cocalc 5504 and colabtools 5402; notebooks that it saved, of the rest. A notebook opened
    from GitHub gets a cell with a badge.
    """
    rng, saved = random.Random(1), copy.deepcopy(notebook)
    saved["metadata"] = COLAB
    for cell in saved["cells"]:
        cell["metadata"]["id"] = token(rng)
    for cell in code(saved):
        cell["metadata"] |= {
            "colab": {"base_uri": "https://localhost:8080/", "height": 35},
            "outputId": "28b07730-954d-4958-f35a-8c84d69cd588",
            "executionInfo": {"status": "ok", "elapsed": 7, "user": {"displayName": "Ada", "userId": "0815"}},
        }
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["Right.\n"]}]
    badge = {"id": "view-in-github", "colab_type": "text"}
    saved["cells"].insert(0, {"cell_type": "markdown", "metadata": badge, "source": ["[Open In Colab](...)"]})
    return saved


def old_colab(notebook: Notebook, folder: Path) -> Notebook:
    """A notebook of format 4.0, which it makes of what is pasted into a new one: ids in the metadata alone. Read."""
    saved = colab(notebook, folder)
    for cell in saved["cells"]:
        cell.pop("id", None)
        cell["metadata"] = {
            key: cell["metadata"][key] for key in ("id", "colab", "outputId") if key in cell["metadata"]
        }
    return saved | {"nbformat_minor": 0}


def colab_pasted_below(notebook: Notebook, folder: Path) -> Notebook:
    """Where the source of a cell is not replaced, what was printed to be pasted may stand in a new cell below. Read."""
    rng, saved = random.Random(2), colab(notebook, folder)
    cells = []
    for cell in saved["cells"]:
        cells.append(cell)
        if "lock_in(" in (source := text(cell["source"])) and cell["cell_type"] == "code" and "import" not in source:
            below = {"cell_type": "code", "execution_count": 9, "metadata": {"id": token(rng)}, "outputs": []}
            cells.append(below | {"source": lines(source)})
            exercise, name = cell["id"].removeprefix("answer-"), source.split(" = ")[0].split()[-1]
            cell["source"] = [f"# answer: {exercise}\n", f'{name} = lock_in("{exercise}")']
    return saved | {"cells": cells}


def jupyterlite(notebook: Notebook, folder: Path) -> Notebook:
    """No ids, format 4.4, sources as strings, every cell trusted. Read: jupyterlite 1549, of January 2025."""
    saved = copy.deepcopy(notebook)
    for cell in saved["cells"]:
        cell.pop("id")
        cell["source"] = text(cell["source"])
        cell["metadata"]["trusted"] = True
    return saved | {"nbformat_minor": 4}


# --------------------------------------------------------------------------------------------------------- by hand


def another_editor(notebook: Notebook, folder: Path) -> Notebook:
    """Lines that end as on Windows, tabs in the file, metadata and outputs gone."""
    saved = copy.deepcopy(notebook)
    for cell in saved["cells"]:
        cell["source"] = text(cell["source"]).replace("\n", "\r\n")
        cell["metadata"] = {}
    for cell in code(saved):
        cell.pop("outputs")
        cell.pop("execution_count")
    return saved


def pasted_into_a_new_notebook(notebook: Notebook, folder: Path) -> Notebook:
    """The code alone, without ids or metadata, and the first two answers in one cell."""
    setup, one, check_one, two, *rest = (text(cell["source"]) for cell in code(notebook))
    cells = [setup, f"{one}\n\n{two}", check_one, *rest]
    return {
        "nbformat": 4,
        "nbformat_minor": 2,
        "metadata": {},
        "cells": [{"cell_type": "code", "metadata": {}, "source": source} for source in cells],
    }


FRONT_ENDS: dict[str, Callable[[Notebook, Path], Notebook]] = {
    made.__name__: made
    for made in (
        jupyter_server,
        nbconvert,
        jupytext_script,
        format_4_0,
        vs_code,
        old_vs_code,
        colab,
        old_colab,
        colab_pasted_below,
        jupyterlite,
        another_editor,
        pasted_into_a_new_notebook,
    )
}
