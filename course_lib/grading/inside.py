"""What runs inside the box: the doors are shut from here, and then the cells of strangers are run.

    python inside.py kernel FILE    an ipykernel with this connection file
    python inside.py warm           loads the course once, then forks a kernel for each socket that comes over its input

The program is copied into the box and stands alone there. A forked kernel has namespaces of its own (user, processes,
mounts, network, IPC, names), an empty scratch folder, limits, no privileges and a filter of system calls; it holds what
`load` loaded and nothing else: no reference, no seed, no open file but its line to the grader. See capabilities(7),
namespaces(7), seccomp(2).
"""

import base64
import builtins
import ctypes
import gc
import io
import json
import os
import platform
import random
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

BOX = Path("/box")  # the one folder that may be written to: HOME, work and tmp are in it
LIBRARY = Path(__file__).parent
LIMITS = {
    resource.RLIMIT_AS: 3 << 29,  # bytes of address space, each process
    resource.RLIMIT_CPU: 600,  # seconds, each process; the grader's clock is the one that counts
    resource.RLIMIT_FSIZE: 64 << 20,  # bytes of a file
    resource.RLIMIT_NOFILE: 256,
    resource.RLIMIT_NPROC: 64,  # processes and threads of this box
    resource.RLIMIT_CORE: 0,
}
COVERED = {"/proc": "size=4k,mode=0555", "/dev/pts": "size=4k,mode=0555", "/dev/shm": "size=16m,nr_inodes=1k,mode=1777"}
SCRATCH = "size=64m,nr_inodes=10k,mode=0700"

# ------------------------------------------------------------------------------------------------ system calls
CLONE_NEW = {"ns": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000}
CLONE_NEW |= {"pid": 0x20000000, "net": 0x40000000}
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
MS_NOSUID_NODEV = 2 | 4
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # as the audit system numbers them
CLONE, CLONE3, SOCKET = (56, 220), (435, 435), (41, 198)
FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink: these have namespaces; others, as vsock, may lead out
REFUSED = {  # numbers on x86_64 and aarch64; what looks into other processes, changes the machine or opens new kernels
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "bpf": (321, 280),
    "perf_event_open": (298, 241), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "userfaultfd": (323, 282), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "personality": (135, 92), "swapon": (167, 224),
    "swapoff": (168, 225), "reboot": (169, 142), "quotactl": (179, 60), "acct": (163, 89), "syslog": (103, 116),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186),
    "semget": (64, 190), "adjtimex": (159, 171), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "sethostname": (170, 161), "setdomainname": (171, 162), "vhangup": (153, 58),
}  # fmt: skip
libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def call(name: str, *arguments: Any) -> None:
    """Call a function of the C library. Raises OSError where it fails."""
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def filter_program(machine: str) -> bytes:
    """The filter of system calls for seccomp, in classic BPF: refused calls fail with EPERM.

    b"" for a processor whose numbers are not in the table.

    >>> len(filter_program("x86_64")) // 8 > len(REFUSED), filter_program("riscv64")
    (True, b'')
    """
    if machine not in ARCHITECTURES:
        return b""
    column = list(ARCHITECTURES).index(machine)
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    refuse, missing, allow = 0x00050000 | 1, 0x00050000 | 38, 0x7FFF0000  # EPERM; ENOSYS: clone is tried next; allow
    steps = [(load, 0, 0, 4), (equal, 1, 0, ARCHITECTURES[machine]), (give, 0, 0, refuse), (load, 0, 0, 0)]
    steps += [(at_least, 0, 1, 0x40000000), (give, 0, 0, refuse)]  # the other numbering of x86, x32
    steps += [(equal, 0, 1, CLONE3[column]), (give, 0, 0, missing)]  # its flags are out of a filter's sight
    for numbers in REFUSED.values():
        steps += [(equal, 0, 1, numbers[column]), (give, 0, 0, refuse)]
    steps += [(equal, 0, 2 + len(FAMILIES), SOCKET[column]), (load, 0, 0, 16)]  # the first argument
    steps += [(equal, len(FAMILIES) - k, 0, family) for k, family in enumerate(FAMILIES)]
    steps += [(give, 0, 0, refuse), (load, 0, 0, 0)]
    steps += [(equal, 0, 3, CLONE[column]), (load, 0, 0, 16), (any_bit, 0, 1, sum(CLONE_NEW.values()))]
    steps += [(give, 0, 0, refuse), (give, 0, 0, allow)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


# ------------------------------------------------------------------------------------------------ closing the doors
def become_nobody() -> None:
    """Started by root: take a user id that nobody has, so that limits count and nothing belongs to it."""
    if os.getuid() == 0:
        own = 61184 + int.from_bytes(os.urandom(4), "big") % 4336  # the range for users that come and go
        os.setgroups([])
        os.setresgid(own, own, own)
        os.setresuid(own, own, own)
        call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)  # else the files of this process in /proc stay root's


def unshare(*names: str) -> None:
    """Enter new namespaces, a user namespace among them, in which this process has its own id and no other."""
    user, group = os.getuid(), os.getgid()
    call("unshare", sum(CLONE_NEW[name] for name in names))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def cover(place: str, options: str) -> None:
    """Put an empty folder in memory over a place, with limits of its bytes and of its files."""
    call("mount", b"box", place.encode(), b"tmpfs", MS_NOSUID_NODEV, options.encode())


def shut() -> None:
    """Limits, no capabilities, no way to get any, the filter: nothing of this can be undone."""
    for kind, limit in LIMITS.items():
        _, hard = resource.getrlimit(kind)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # type: ignore[union-attr]
    call("capset", struct.pack("Ii", 0x20080522, 0), bytes(24))
    if program := filter_program(platform.machine()):
        steps = ctypes.create_string_buffer(program, len(program))
        whole = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(steps))
        call("prctl", PR_SET_SECCOMP, 2, ctypes.create_string_buffer(whole), 0, 0)


def die_first() -> None:
    """When memory runs out, this process is the one that goes, and not the grader."""
    Path("/proc/self/oom_score_adj").write_text("1000")


def furnish() -> None:
    """The folders of a fresh box."""
    os.umask(0o022)
    for name in ("home", "tmp", "work"):
        (BOX / name).mkdir()
    os.chdir(BOX / "work")


def bring_fonts() -> None:
    """The list of fonts, where matplotlib looks for it when it is loaded."""
    shutil.copytree(LIBRARY / "matplotlib", BOX / "home" / "matplotlib")


def close_streams() -> None:
    """Nothing to read from, nowhere to print to: what was open belongs to the grader."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


# ------------------------------------------------------------------------------------------------ an ipykernel
def kernel(connection: str) -> NoReturn:
    """Shut the doors, then be an ipykernel."""
    die_first()
    become_nobody()
    unshare("user", "ns")
    cover(str(BOX), SCRATCH)
    cover("/dev/shm", COVERED["/dev/shm"])
    from ipykernel.kernelapp import IPKernelApp

    furnish()
    bring_fonts()
    shut()
    close_streams()
    IPKernelApp.launch_instance(["-f", connection, "--HistoryManager.enabled=False"])
    sys.exit()


# ------------------------------------------------------------------------------------------------ a forked kernel
def warm() -> None:
    """Load the course; then, for every socket that comes over standard input, fork a kernel that talks over it."""
    control = socket.socket(fileno=os.dup(0))
    furnish()
    bring_fonts()
    load()
    gc.collect()
    gc.freeze()  # a collection in a fork has nothing to look for in what was there before, and would copy all of it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control.sendall(b"!")
    while True:
        message, sockets, *_ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            enter(sockets[0])
        os.close(sockets[0])


def enter(line: int) -> NoReturn:
    """Wall this process off, and be the watch outside: when the grader hangs up or the kernel ends, all inside dies."""
    die_first()
    become_nobody()
    unshare("user", "ns", "cgroup", "uts", "ipc", "pid", "net")
    cover(str(BOX), SCRATCH)
    furnish()
    for place, options in COVERED.items():
        cover(place, options)
    ends, keeps = os.pipe()  # process 1 of the box, which ends with this one; orphans come to it and need no burial
    first = os.posix_spawn("/bin/cat", ["cat"], {}, file_actions=[(os.POSIX_SPAWN_DUP2, ends, 0)])
    student = os.fork()
    if student == 0:
        call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(ends)
        os.close(keeps)
        shut()
        serve(socket.socket(fileno=line))
    over = select.poll()
    over.register(line, select.POLLRDHUP)
    over.register(os.pidfd_open(student), select.POLLIN)
    over.poll()
    os.kill(first, signal.SIGKILL)  # process 1 of its namespace: the others go with it
    os._exit(0)


class Line:
    """The line to the grader: messages as Jupyter's, one JSON object a line; `parent` is the request being answered.

    What a cell says goes off when there is much of it, and at its end, so that neither side is woken for every message.
    """

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.owner = 0
        self.parent = ""
        self.lock = threading.Lock()
        self.waiting: list[bytes] = []
        self.size = 0

    def send(self, channel: str, kind: str, content: dict[str, Any]) -> None:
        """Send one message soon; a process that a cell forked has nothing to say here."""
        if os.getpid() != self.owner:
            return
        message = {"channel": channel, "msg_type": kind, "parent_header": {"msg_id": self.parent}, "content": content}
        text = json.dumps(message, default=plain).encode() + b"\n"
        with self.lock:
            self.waiting.append(text)
            self.size += len(text)
            if self.size > SOON:
                self.empty()

    def flush(self) -> None:
        """Send what waits."""
        with self.lock:
            self.empty()

    def empty(self) -> None:
        """Send what waits, with the lock held."""
        texts, self.waiting, self.size = self.waiting, [], 0
        if self.socket is not None:
            self.socket.sendall(b"".join(texts))


def plain(value: Any) -> str:
    """What JSON has no form for: pictures as base64, all else as its text."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


SOON = 1 << 14  # characters or bytes that are not kept waiting
line = Line()


class Stream(io.TextIOBase):
    """Standard output or error: what is written goes on the line, a few pages at a time."""

    def __init__(self, name: str) -> None:
        self.name, self.parts, self.size = name, list[str](), 0

    def write(self, text: str) -> int:
        """Keep the text until there is enough of it to be sent."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.parts.append(text)
        self.size += len(text)
        if self.size > SOON:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what is there."""
        parts, self.parts, self.size = self.parts, [], 0
        if parts:
            line.send("iopub", "stream", {"name": self.name, "text": "".join(parts)})

    def writable(self) -> bool:
        """As every stream to print on."""
        return True


streams = Stream("stdout"), Stream("stderr")


def flush() -> None:
    """Send what was printed, whatever a cell has put in the place of the streams."""
    for stream in streams:
        stream.flush()


WARM_UP = (
    "import numpy as np\nfrom course_lib.exercises import check, lock_in, numbers, student",
    "from course_lib.exercises.session import load\n"
    "load({'inputs': {'warm': [{'x': {'array': [1.0, 2.0], 'shape': [2], 'dtype': 'float64'}}]}})",
    "def warm(x):\n    return np.tanh(x) @ x, [x]\ncheck('warm', warm)",
    "print(x",
    "1 / 0",
)


def load() -> None:
    """Load what the cells of the course need, and make the shell that will run them.

    A few cells are run, so that a fork finds made what each would have to make, and forgotten.
    """
    import importlib
    import pkgutil

    import matplotlib.pyplot
    import numpy as np
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets import Type
    from traitlets.config import Config

    import course_lib
    import course_lib.exercises.session

    for module in pkgutil.iter_modules(course_lib.__path__, "course_lib."):
        if not module.ispkg:
            importlib.import_module(module.name)

    class Publisher(DisplayPublisher):
        def publish(self, data: Any, metadata: Any = None, *args: Any, update: bool = False, **rest: Any) -> None:
            kind = "update_display_data" if update else "display_data"
            flush()
            line.send("iopub", kind, {"data": data, "metadata": metadata or {}})

        def clear_output(self, wait: bool = False) -> None:
            line.send("iopub", "clear_output", {"wait": wait})

    class Hook(DisplayHook):
        def write_output_prompt(self) -> None:
            pass

        def write_format_data(self, data: Any, metadata: Any = None) -> None:
            content = {"data": data, "metadata": metadata or {}, "execution_count": self.prompt_count}
            line.send("iopub", "execute_result", content)

    class Shell(InteractiveShell):
        display_pub_class, displayhook_class = Type(Publisher), Type(Hook)
        system = InteractiveShell.system_raw

        def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
            flush()
            content = {"ename": str(etype.__name__), "evalue": str(evalue), "traceback": [str(part) for part in stb]}
            line.send("iopub", "error", content)

        def ask_exit(self) -> None:
            raise SystemExit

    shell = Shell.instance(
        config=Config(
            {"HistoryManager": {"enabled": False, "hist_file": ":memory:"}, "InteractiveShell": {"xmode": "Minimal"}}
        )
    )
    matplotlib.pyplot.switch_backend(os.environ["MPLBACKEND"])
    for cell in WARM_UP:
        shell.run_cell(cell, store_history=False)
    shell.reset()
    course_lib.exercises.session._session.__init__()  # type: ignore[misc]
    np.random.seed(0)  # noqa: NPY002 - what strangers draw from, unless they take a generator
    random.seed(0)


def serve(grader: socket.socket) -> NoReturn:
    """Run the cells that come over the line, until it ends."""
    from IPython.core.error import StdinNotImplementedError
    from IPython.core.interactiveshell import InteractiveShell

    def no_input(prompt: object = "") -> NoReturn:
        raise StdinNotImplementedError("nobody can type here")

    close_streams()
    builtins.input = no_input
    sys.stdout, sys.stderr = streams
    line.socket, line.owner = grader, os.getpid()
    shell = InteractiveShell.instance()
    for request in grader.makefile("rb"):
        asked = json.loads(request)
        line.parent = asked["msg_id"]
        done = shell.run_cell(asked["code"], store_history=False)
        if os.getpid() != line.owner:
            os._exit(0)
        flush()
        line.send("shell", "execute_reply", {"status": "ok" if done.success else "error"})
        line.send("iopub", "status", {"execution_state": "idle"})
        line.flush()
    os._exit(0)


if __name__ == "__main__":
    warm() if sys.argv[1] == "warm" else kernel(sys.argv[2])
