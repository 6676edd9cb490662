"""Where the cells of strangers run: behind the walls of bubblewrap, or, only if asked for, in a plain folder.

The one place that knows how a process of a box is started. In a box there are Python and the library, read-only, and
one empty folder; no network, no file of the grader's or of the course's answers, no environment but what is set here,
and nothing that outlives it. What is done from inside, and the forked kernels, are in `inside`.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import course_lib
from course_lib._errors import CourseError

PACKAGE = Path(course_lib.__file__).resolve().parent
NOT_FOR_THE_BOX = ("ch[0-9]*.py", "solutions.json", "__pycache__", "grading", "authoring", "cli.py")
INSTALL = "install it with `sudo apt-get install bubblewrap` (dnf, pacman and zypper have it under the same name)"
ALLOW = (
    "allow user namespaces: `sudo sysctl -w kernel.unprivileged_userns_clone=1` on Debian, "
    "`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` on Ubuntu, `docker run --privileged` for a "
    "container"
)
OR_NONE = "or, only if you trust every line that was handed in, grade without one: `--sandbox none`"
SETTINGS = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONNOUSERSITE": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "COMSPEC", "PATHEXT", "WINDIR", "LD_LIBRARY_PATH")


class SandboxError(CourseError):
    """No sandbox can be made here; the message says what to do."""


class Walls:
    """What stands between the kernels of a run and this machine. ``errors`` holds what their processes said."""

    sealed = False

    def __init__(self) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close

    def start(self, command: list[str], **settings: Any) -> subprocess.Popen:
        """Start a process, in a group of its own."""
        settings = {"stdin": subprocess.DEVNULL} | settings
        return subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=self.errors, **settings
        )

    def kernel(self, folder: Path) -> subprocess.Popen:
        """Start an ipykernel whose connection file and sockets are in ``folder``."""
        raise NotImplementedError

    def inner(self, folder: Path) -> str:
        """What a folder of sockets is called for the kernel."""
        return str(folder)

    def why_not(self) -> str:
        """What to do about a box that did not start, from the last that was said."""
        self.errors.seek(max(0, self.errors.seek(0, os.SEEK_END) - 4000))
        text = self.errors.read().decode("utf-8", "replace").strip()
        said = "".join(c for c in text.split("\n")[-1] if c.isprintable()) or "it ended without a word"
        if "Unknown option" in text:
            return f"this bubblewrap is too old ({said}), the sandbox needs 0.7 or newer; {OR_NONE}"
        if any(
            word in text for word in ("namespace", "uid map", "not permitted", "Permission denied", "No space left")
        ):
            return f"this machine does not let bubblewrap make a sandbox ({said}); {ALLOW}, {OR_NONE}"
        return f"no kernel would start ({said}); is the course installed in this Python?"

    def close(self) -> None:
        """Take the walls down."""
        self.errors.close()


class Bubblewrap(Walls):
    """The walls of bubblewrap: each box has namespaces and an empty folder of its own.

    hidden : folders that no box may see, though they may lie beside Python: submissions, reports, solutions

    Raises SandboxError where there is no bubblewrap.
    """

    sealed = True

    def __init__(self, hidden: Iterable[Path] = ()) -> None:
        if sys.platform != "linux":
            raise SandboxError(f"the sandbox needs Linux: grade in a container of Debian with bubblewrap, {OR_NONE}")
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxError(f"there is no bubblewrap for the sandbox; {INSTALL}, {OR_NONE}")
        super().__init__()
        course = PACKAGE.parent if (PACKAGE.parent / "pyproject.toml").exists() else PACKAGE
        self.library = Path(tempfile.mkdtemp(prefix="library-"))
        self._copy_library()
        self.command = [program, *self._namespaces(), *self._files({course, *(path.resolve() for path in hidden)})]
        for name, value in (SETTINGS | self.environment()).items():
            self.command += ["--setenv", name, value]

    def _copy_library(self) -> None:
        """What the box has of the course: no answers, no grader; and the list of fonts, which takes long to make."""
        self.library.chmod(0o755)
        not_these = shutil.ignore_patterns(*NOT_FOR_THE_BOX)
        shutil.copytree(PACKAGE, self.library / "course_lib", ignore=not_these)
        shutil.copy(Path(__file__).with_name("inside.py"), self.library)
        import matplotlib.font_manager  # makes the list where there is none

        (self.library / "matplotlib").mkdir()
        for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
            shutil.copy(fonts, self.library / "matplotlib")

    def _namespaces(self) -> list[str]:
        spaces = [f"--unshare-{name}" for name in ("ipc", "pid", "net", "uts", "cgroup-try")]
        rights = ["--cap-drop", "ALL"]
        if os.getuid() == 0:  # the program inside gives up being root, for a user of its own in a namespace of its own
            rights += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        else:
            spaces.append("--unshare-user")
        return [*spaces, *rights, "--die-with-parent", "--new-session", "--hostname", "box", "--clearenv"]

    def _files(self, hidden: set[Path]) -> list[str]:
        """Read-only: the system's programs and Python. The deeper of two folders has the last word."""
        python = {Path(place) for place in (sys.prefix, sys.base_prefix)}
        python |= {place.resolve() for place in python} | {Path(sys.executable).resolve().parents[1]}
        shown = {Path("/usr"), *python}
        covered = {place for place in hidden if any(place.is_relative_to(folder) for folder in shown)}
        files = []
        for place in sorted(shown | covered, key=lambda place: len(place.parts)):
            for above in [*place.parents][-2::-1]:  # open to the user that a box made by root turns into
                files += ["--perms", "0755", "--dir", str(above)]
            files += ["--tmpfs", str(place)] if place in covered else ["--ro-bind", str(place), str(place)]
        for name in ("bin", "sbin", "lib", "lib32", "lib64"):
            place = Path("/", name)
            if place.is_symlink():
                files += ["--symlink", str(place.readlink()), str(place)]
            elif place.is_dir():
                files += ["--ro-bind", str(place), str(place)]
        for name in ("/etc/alternatives", "/etc/ld.so.cache"):
            files += ["--ro-bind-try", name, name]
        files += ["--ro-bind", str(self.library), "/library", "--proc", "/proc", "--dev", "/dev"]
        files += ["--perms", "1777", "--size", str(16 << 20), "--tmpfs", "/dev/shm"]
        files += ["--perms", "0777", "--size", str(64 << 20), "--tmpfs", "/box"]
        for name in (*map(str, sorted(covered)), "/dev", "/"):
            files += ["--remount-ro", name]
        return [*files, "--chdir", "/box"]

    def environment(self) -> dict[str, str]:
        """What a box is told besides the settings that all kernels have."""
        home = "/box/home"
        return {
            "HOME": home,
            "TMPDIR": "/box/tmp",
            "IPYTHONDIR": f"{home}/ipython",
            "MPLCONFIGDIR": f"{home}/matplotlib",
            "PYTHONPATH": "/library",
            "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
        }

    def box(self, *arguments: str, folder: Path | None = None, **settings: Any) -> subprocess.Popen:
        """Start the program `inside` in a new box; ``folder`` is bound to /sockets, to be written to."""
        bound = ["--bind", str(folder), "/sockets"] if folder else []
        inside = [sys.executable, "-P", "/library/inside.py", *arguments]
        where = self.command.index("--remount-ro")
        return self.start([*self.command[:where], *bound, *self.command[where:], "--", *inside], env={}, **settings)

    def kernel(self, folder: Path) -> subprocess.Popen:
        """Start an ipykernel in a box."""
        return self.box("kernel", "/sockets/kernel.json", folder=folder)

    def inner(self, folder: Path) -> str:
        """Every box sees its own under the same name."""
        return "/sockets"

    def close(self) -> None:
        """Delete the copy of the library."""
        super().close()
        shutil.rmtree(self.library, ignore_errors=True)


class NoWalls(Walls):
    """No sandbox: a process in a scratch folder, with hardly any environment. Only when asked for."""

    def environment(self, folder: Path) -> dict[str, str]:
        """What the process is told: enough to run Python and to find the library."""
        home = str(folder / "home")
        own = SETTINGS | dict.fromkeys(("HOME", "USERPROFILE", "APPDATA"), home)
        own |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "tmp"))
        own |= {"IPYTHONDIR": f"{home}/ipython", "MPLCONFIGDIR": f"{home}/matplotlib"}
        own |= {"PYTHONPATH": str(PACKAGE.parent)}
        return {name: os.environ[name] for name in KEPT if name in os.environ} | own

    def kernel(self, folder: Path) -> subprocess.Popen:
        """Start an ipykernel that lives in the folder."""
        for name in ("home", "tmp", "work"):
            (folder / name).mkdir()
        ipykernel = [sys.executable, "-m", "ipykernel_launcher", "-f", str(folder / "kernel.json")]
        without = "--HistoryManager.enabled=False"
        return self.start([*ipykernel, without], cwd=folder / "work", env=self.environment(folder))


def end(process: subprocess.Popen) -> None:
    """End a process and its group at once; the walls see to it that whatever it started in a box goes with it."""
    if hasattr(os, "killpg") and process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
