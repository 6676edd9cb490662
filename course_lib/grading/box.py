"""Where the kernel of a submission lives: a folder of its own, an environment of its own, gone afterwards.

The one place that knows how a kernel process is started. A sandbox is a `Box` that starts the same kernel behind walls.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import zmq
from jupyter_client.manager import KernelManager
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

import course_lib

MESSAGE_LIMIT = 8 * 2**20  # bytes of one message; a longer one is dropped by ZeroMQ before it takes memory here
SOCKET_NAME_LIMIT = 100  # bytes; the system allows 107 for the path of a local socket
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "COMSPEC", "PATHEXT", "WINDIR", "LD_LIBRARY_PATH")


class Box:
    """A scratch folder with a kernel in it.

    The kernel starts in an empty folder, with HOME, temporary files and settings inside the box and hardly any
    environment: nothing of the grader's, of the course's folder or of another student's is beside it.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="box-"))
        for name in ("work", "home", "tmp"):
            (self.folder / name).mkdir()

    def environment(self) -> dict[str, str]:
        """What the kernel is told: enough to run Python and to find the library."""
        home = str(self.folder / "home")
        own = {
            "HOME": home,
            "USERPROFILE": home,
            "APPDATA": home,
            "IPYTHONDIR": str(self.folder / "home" / "ipython"),
            "MPLCONFIGDIR": str(self.folder / "home" / "matplotlib"),
            "JUPYTER_PLATFORM_DIRS": "1",
            "PYTHONPATH": str(Path(course_lib.__file__).parents[1]),
            "PYTHONNOUSERSITE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        own |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self.folder / "tmp"))
        return {name: os.environ[name] for name in KEPT if name in os.environ} | own

    def start(self) -> KernelManager:
        """Start the kernel's process, without waiting until it answers."""
        connection = self.folder / "kernel.json"
        local = sys.platform != "win32" and len(os.fsencode(connection)) < SOCKET_NAME_LIMIT
        manager = KernelManager(
            kernel_name=CURRENT_ENV_KERNEL_NAME,
            kernel_spec_manager=NbvalKernelspecManager(),
            connection_file=str(connection),
            transport="ipc" if local else "tcp",  # kernels that start side by side race for the ports of tcp
        )
        manager.context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_LIMIT)
        with Path(os.devnull).open("w") as nowhere:
            manager.start_kernel(
                cwd=str(self.folder / "work"),
                env=self.environment(),
                stdout=nowhere,
                stderr=nowhere,
                extra_arguments=["--HistoryManager.enabled=False"],
            )
        return manager

    def remove(self) -> None:
        """Delete the folder with all that the kernel left there."""
        shutil.rmtree(self.folder, ignore_errors=True)
