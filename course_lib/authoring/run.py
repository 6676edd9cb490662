"""Executing a notebook in a kernel of this very Python, the same on every machine and leaving nothing behind."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError
from nbformat import NotebookNode

CELL_SECONDS = 120  # a cell of a lesson takes a second; one that takes two minutes will not end
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


class CellFailed(Exception):
    """A cell that raised, hung or killed its kernel: its id, the line in it (from 1), and the error as text."""

    def __init__(self, id: str, line: int, text: str) -> None:
        super().__init__(text)
        self.id, self.line, self.text = id, line, text


def execute(notebook: NotebookNode) -> None:
    """Run all cells in place. `CellFailed` if one fails."""
    with tempfile.TemporaryDirectory(prefix="course-build-") as folder:
        Path(folder, "matplotlibrc").touch()  # read first where a kernel starts: the author's own is not used
        client = NotebookClient(
            notebook,
            resources={"metadata": {"path": folder}},
            timeout=CELL_SECONDS,
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
        )
        client.km = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=_ThisPython(folder))
        if os.name == "posix":  # sockets in the folder: a port that is free now may be taken when the kernel binds it
            client.km.transport, client.km.connection_file = "ipc", str(Path(folder, "kernel.json"))
        running = -1

        def started(cell: NotebookNode, cell_index: int) -> None:
            nonlocal running
            running = cell_index

        client.on_cell_execute = started
        try:
            # the loop of Windows' default cannot wait for ZeroMQ's sockets
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(client.async_execute())
        except (CellControlSignal, DeadKernelError) as error:
            cell = notebook.cells[running]
            raise _failure(cell, error) from error


def _failure(cell: NotebookNode, error: Exception) -> CellFailed:
    if not isinstance(error, CellExecutionError):
        return CellFailed(cell.id, 1, str(error))
    output = next(output for output in cell.outputs if output.output_type == "error")
    traceback = ESCAPE.sub("", "\n".join(output.traceback))
    # the innermost line of this cell, whatever the library frames below it
    lines = re.findall(rf"Cell In\[{cell.execution_count}\], line (\d+)", traceback)
    # IPython does not tell the name of an error raised while an output is shown, but for the last line of its report
    said = f"{error.ename}: {error.evalue}" if error.ename != "NoneType" else traceback.rstrip().splitlines()[-1]
    return CellFailed(cell.id, int(lines[-1]) if lines else 1, f"{said}\n{traceback}")


class _ThisPython(KernelSpecManager):
    """Kernels of the Python that builds, with the package that builds, and nothing of the author's own settings."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        package = str(Path(__file__).resolve().parents[2])
        inherited = os.environ.get("PYTHONPATH")
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"],
            display_name=kernel_name,
            language="python",
            env={
                "PYTHONPATH": os.pathsep.join([package, inherited] if inherited else [package]),
                "IPYTHONDIR": str(Path(self.folder, "ipython")),
                "MPLBACKEND": "module://matplotlib_inline.backend_inline",
                "SOURCE_DATE_EPOCH": "0",  # the date in an SVG
            },
        )
