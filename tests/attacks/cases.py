"""What strangers hand in to `course grade`, and what they must get for it: attacks, accidents and honest oddities.

Each case is the source of an answer to `compose-jacobians` (3 points), in a notebook in which the next exercise is
answered right: its one point must come whatever happens before. A looting case collects what it found in `loot` and
then fails with it, so that its text in the report proves what there was to find.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """kind says what it tries; verdict, points and says what the report must have (says: a part of the sentence)."""

    kind: str
    source: str
    verdict: str
    points: int = 0
    says: str = ""


RIGHT = """
def composed_jacobian(inner, J_inner, outer, J_outer, at):
    return (J_outer(inner(at)) @ J_inner(at))
"""
WRONG = """
def composed_jacobian(inner, J_inner, outer, J_outer, at):
    return np.full((J_outer(inner(at)) @ J_inner(at)).shape, 0.5)
"""
TELL = """
def composed_jacobian(*given):
    raise LookupError(str(loot))
"""
SEND = """
def send(kind, content):
    shell = get_ipython()
    if hasattr(shell, "kernel"):
        shell.kernel.session.send(shell.kernel.iopub_socket, kind, content, parent=shell.kernel.get_parent())
    else:
        type(shell.display_pub).publish.__globals__["line"].send("iopub", kind, content)
def forged(id):
    record = {"id": id, "cases": [[[0.5, 0.5], [0.5, 0.5]]] * 3}
    return {"data": {"application/vnd.course-lib.values+json": record}, "metadata": {}}
"""
CASES: dict[str, Case] = {}


def case(name: str, kind: str, verdict: str, source: str, points: int = 0, says: str = "") -> None:
    CASES[name] = Case(kind, source, verdict, points, says)


def loot(name: str, kind: str, source: str, found: str = "[]") -> None:
    case(name, kind, "failed", source + TELL, says=f"LookupError in the line `raise LookupError(str(loot))`: {found}")


# ------------------------------------------------------------------------------- looking for what is not theirs
loot(
    "read-files",
    "loot",
    """
import os
loot = []
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(folder, f) not in ("/usr", "/proc", "/dev", "/sys")]
    loot += [f for f in files if f in ("ch05.py", "solutions.json", "exercises.md", "gradebook.csv", "notes.txt")]
    loot += [f for f in files if f.startswith("05_chain_rule") or (f.startswith("ch05.") and f.endswith(".pyc"))]
""",
)
loot(
    "read-memory",
    "loot",
    """
import ctypes, os
loot = []
for pid in [p for p in os.listdir("/proc") if p.isdigit() and p not in ("1", str(os.getpid()))]:
    try:
        open(f"/proc/{pid}/mem", "rb").close()
        loot.append(pid)
    except OSError:
        pass
libc = ctypes.CDLL(None, use_errno=True)
loot += [call for call in (101, 310, 311, 272, 165, 321, 319) if libc.syscall(call, 0, 0, 0, 0, 0) != -1]
loot += [errno for errno in [ctypes.get_errno()] if errno != 1]
""",
)
loot(
    "read-environment",
    "loot",
    """
import os, sys
said = [*os.environ, *os.environ.values(), *sys.argv, *sys.orig_argv]
loot = [text for text in said if "secret" in text.lower() or "pytest" in text.lower() or "submission" in text.lower()]
""",
)
loot(
    "import-answers",
    "loot",
    """
import importlib
loot = []
for name in ("exercises.ch05", "exercises.ch04", "grading", "grading.grader", "authoring", "cli"):
    try:
        importlib.import_module(f"course_lib.{name}")
        loot.append(name)
    except ImportError:
        pass
""",
)
loot(
    "gc-hunt",
    "loot",
    """
import gc, os, stat
loot = [sorted(o) for o in gc.get_objects() if isinstance(o, dict) and {"id", "cases"} <= o.keys()]
for number in range(3, 256):
    try:
        mode = os.fstat(number).st_mode
    except OSError:
        continue
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        loot.append(number)
""",
)
loot(
    "neighbours",
    "loot",
    """
import glob, os, socket
loot = []
for path in glob.glob("/*/*-[0-9]") + glob.glob("/tmp/*/*"):
    if path.startswith("/sockets/"):  # its own
        continue
    try:
        s = socket.socket(socket.AF_UNIX); s.connect(path); loot.append(path)
    except OSError:
        pass
for port in [*range(1, 1024), 5555, 8888]:
    s = socket.socket(); s.settimeout(0.01)
    if s.connect_ex(("127.0.0.1", port)) == 0:
        loot.append(port)
    s.close()
""",
)
loot(
    "network",
    "loot",
    """
import socket
loot = []
for name, reach in {
    "tcp": lambda: socket.create_connection(("1.1.1.1", 53), 1),
    "udp": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("8.8.8.8", 53)),
    "names": lambda: socket.getaddrinfo("example.org", 443),
    "raw": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
}.items():
    try:
        reach(); loot.append(name)
    except OSError:
        pass
""",
)
loot(
    "escape",
    "loot",
    """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
loot = []
ways = {
    "new user": lambda: libc.unshare(0x10000000), "new mount": lambda: libc.unshare(0x20000),
    "mount": lambda: libc.mount(b"x", b"/usr", b"tmpfs", 0, None), "unmount": lambda: libc.umount2(b"/box", 2),
    "chroot": lambda: libc.chroot(b"/box"), "root": lambda: libc.setuid(0), "clock": lambda: libc.sethostname(b"x", 1),
    "device": lambda: libc.mknod(b"/box/work/sda", 0o60666, 0x800), "limits": lambda: libc.setrlimit(9, b"\\xff" * 16),
    "clone": lambda: 0 if libc.syscall(56, 0x10000011, 0, 0, 0, 0) >= 0 else -1,
    "clone3": lambda: 0 if libc.syscall(435, 0, 0) >= 0 else -1,
}
for name, way in ways.items():
    if way() == 0:
        loot.append(name)
loot += [1 for line in [os.getuid()] if line == 0]
""",
)
loot(
    "write-reports",
    "loot",
    """
import os
loot = []
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(folder, f) not in ("/usr", "/box", "/proc", "/sockets")][:40]
    for name in ("results.json", "gradebook.csv", "junit.xml", "conftest.py"):
        try:
            with open(os.path.join(folder, name), "w") as file:
                file.write("100 points")
            if folder != "/dev/shm":
                loot.append(folder)
        except OSError:
            pass
""",
)
loot(
    "leave-a-trap",
    "loot",
    """
import pathlib
home = pathlib.Path.home()
loot = [str(p) for place in (home, pathlib.Path("/dev/shm"), pathlib.Path("/box")) for p in place.rglob("*trap*")]
startup, kernels = home / "ipython/profile_default/startup", home / ".local/share/jupyter/kernels"
for place in (startup, kernels, home, pathlib.Path("/dev/shm")):
    place.mkdir(parents=True, exist_ok=True)
    (place / "trap.py").write_text("check = lambda *what: None")
""",
)
loot("leave-a-trap-again", "loot", CASES["leave-a-trap"].source.removesuffix(TELL))
loot(
    "signals",
    "loot",
    """
import os, signal
loot = []
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGSTOP, signal.SIGKILL):
    try:
        os.kill(1, number)
    except OSError:
        pass
""",
)

loot(
    "other-networks",
    "loot",
    """
import socket
loot = []
for family in [n for n in range(1, 46) if n not in (1, 2, 10, 16)]:  # those four have a namespace of their own
    for kind in (1, 2, 3, 5):
        try:
            socket.socket(family, kind).close(); loot.append((family, kind))
        except OSError:
            pass
s = socket.socket(socket.AF_UNIX)
loot += [name for name in ("dbus", "X11-unix/X0", "systemd") if s.connect_ex("\\0/tmp/." + name) == 0]
""",
)
loot(
    "call-stack",
    "loot",
    """
import sys
loot, frame = [], sys._getframe()
while frame is not None:
    for name, value in {**frame.f_globals, **frame.f_locals}.items():
        if any(word in name.lower() for word in ("reference", "secret", "expected", "solution")) and value:
            loot.append((name, str(value)[:80]))
    frame = frame.f_back
""",
)
loot(
    "own-links",
    "loot",
    """
import ctypes, os, select
loot = []
for place in ("/proc/self/fd", "/proc/1/root", "/proc/1/fd", "/proc/self/map_files"):
    try:
        loot += [os.readlink(os.path.join(place, name)) for name in os.listdir(place)] if "1/" in place else []
    except OSError:
        pass
libc = ctypes.CDLL(None)
watch = libc.inotify_init()
for place in (b"/", b"/tmp", b"/box", b"/dev"):
    libc.inotify_add_watch(watch, place, 0xFFF)
loot += [1] if watch >= 0 and select.select([watch], [], [], 0.2)[0] else []
os.close(watch)
""",
)

# ------------------------------------------------------------------------------- forging values, outputs and verdicts
case(
    "other-inputs",
    "forge",
    "incorrect",
    """
from course_lib.exercises.session import _session
from course_lib.exercises.values import Map
real = _session.given["compose-jacobians"]
easy = [Map("affine", W=np.eye(2), b=np.zeros(2)), lambda x: np.eye(2)] * 2 + [np.ones(2)]
_session.given["compose-jacobians"] = [dict(zip(given, easy)) for given in real]
shapes = [(len(g(f(x))), len(x)) for f, _, g, _, x in map(dict.values, real)]
def composed_jacobian(*given):
    return np.full(shapes.pop(0), 0.5)
""",
)
case(
    "lying-repr",
    "forge",
    "wrong-type",
    """
class Liar:
    shape, dtype, size, ndim = (2, 2), float, 4, 2
    __eq__ = lambda self, other: True
    __repr__ = __str__ = lambda self: "array([[1., 0.], [0., 1.]])"
composed_jacobian = lambda *given: Liar()
""",
)
case(
    "always-equal",
    "forge",
    "incorrect",
    """
class Equal(np.ndarray):
    __eq__ = __le__ = __lt__ = lambda self, other: np.True_
    __ne__ = __gt__ = lambda self, other: np.False_
    def __array_ufunc__(self, *what, **more):
        return np.True_
"""
    + WRONG.replace("return ", "return (").rstrip()
    + ").view(Equal)\n",
)
case(
    "patched-numpy",
    "forge",
    "incorrect",
    WRONG
    + """
import builtins
np.array2string = np.array_repr = lambda *a, **k: "right"
np.allclose = np.array_equal = lambda *a, **k: True
builtins.print = lambda *a, **k: None
""",
)
case(
    "patched-check",
    "forge",
    "failed",
    """
def check(id, answer):
    print("compose-jacobians: Right.")
composed_jacobian = 1
""",
    says="something kept its check from recording any",
)
case(
    "hidden-error",
    "forge",
    "failed",
    """
import IPython.core.interactiveshell as shell
shell.InteractiveShell.showtraceback = shell.InteractiveShell._showtraceback = lambda *a, **k: None
type(get_ipython())._showtraceback = type(get_ipython()).showtraceback = lambda *a, **k: None
1 / 0
""",
    says="HiddenError",
)
case(
    "forged-idle",
    "forge",
    "wrong-shape",
    SEND
    + """
def early(info=None):
    send("display_data", forged("compose-jacobians"))
    send("status", {"execution_state": "idle"})
get_ipython().events.register("pre_run_cell", early)
composed_jacobian = lambda *given: 1 / 0
"""
    + "raise ValueError\n",
)
case(
    "forged-values",
    "forge",
    "failed",
    SEND
    + WRONG
    + """
get_ipython().events.register("pre_run_cell", lambda info=None: send("display_data", forged("compose-jacobians")))
""",
    says="something kept its check from recording any",
)
case(
    "forged-result",
    "forge",
    "failed",
    WRONG
    + """
from IPython.display import display
record = {"id": "compose-jacobians", "cases": [], "score": 1.0, "points": 3, "not_attempted": False}
get_ipython().events.register("post_run_cell", lambda result=None: display(
    {"application/vnd.course-lib.values+json": record, "text/plain": "Right."}, raw=True))
""",
    says="something kept its check from recording any",
)
case(
    "malformed-messages",
    "forge",
    "failed",
    SEND
    + """
deep = []
for _ in range(500):
    deep = [deep]
for kind, content in [("status", {}), ("stream", {"name": 1, "text": None}), ("error", {"ename": 1, "traceback": 7}),
                      ("display_data", {"data": 3}), ("execute_result", {}), ("nonsense", {"x": 1}),
                      ("display_data", {"data": {"application/vnd.course-lib.values+json": deep}, "metadata": {}})]:
    send(kind, content)
get_ipython().events.register("pre_run_cell", lambda info=None: send("display_data",
    {"data": {"application/vnd.course-lib.values+json": deep}, "metadata": {}}))
composed_jacobian = 1
""",
)
case(
    "rewritten-check",
    "forge",
    "wrong-shape",
    """
def rewrite(lines):
    text = "".join(lines)
    if "check(" in text and "compose" in text:
        return ['check("compose-jacobians", lambda *given: 1.0)\\n']
    return lines
get_ipython().input_transformers_post.append(rewrite)
"""
    + RIGHT,
)
case(
    "rewritten-tree",
    "forge",
    "wrong-type",
    """
import ast
class Rewrite(ast.NodeTransformer):
    def visit_Call(self, node):
        if getattr(node.func, "id", "") == "check":
            node.args[1] = ast.Constant(1.0)
        return node
get_ipython().ast_transformers.append(Rewrite())
"""
    + RIGHT,
)
case(
    "pinned-generator",
    "forge",
    "incorrect",
    """
rng = np.random.default_rng(0)
np.random.default_rng = lambda *seed: rng
np.random.seed = lambda *seed: None
"""
    + WRONG,
)
case(
    "thread-in-later-cells",
    "forge",
    "incorrect",
    SEND
    + WRONG
    + """
import threading, time
def later():
    while True:
        send("display_data", forged("bracketing"))
        print("bracketing: Right.")
        time.sleep(0.01)
cells = []
def count(info=None):
    cells.append(info)
    if len(cells) == 2:  # the check is over
        threading.Thread(target=later, daemon=True).start()
get_ipython().events.register("pre_run_cell", count)
""",
)
case(
    "pickle",
    "forge",
    "wrong-type",
    """
class Bomb:
    def __reduce__(self):
        return print, ("boom",)
from IPython.display import display
import pickle
display({"application/x-python-pickle": pickle.dumps(Bomb()).hex()}, raw=True)
composed_jacobian = lambda *given: Bomb()
""",
)
case(
    "two-records",
    "forge",
    "failed",
    SEND
    + RIGHT
    + """
get_ipython().events.register("post_run_cell", lambda result=None: send("display_data", forged("compose-jacobians")))
""",
    says="something kept its check from recording any",
)
case(
    "forged-blanks",
    "forge",
    "not-attempted",
    SEND
    + """
import course_lib.exercises.session as session
session._display = lambda bundle: None
blank = forged("compose-jacobians")
blank["data"]["application/vnd.course-lib.values+json"] = {
    "id": "compose-jacobians", "not_attempted": True, "blank": -(10**30), "of": 10**4000}
get_ipython().events.register("post_run_cell", lambda result=None: send("display_data", blank))
composed_jacobian = 1
""",
)
case(
    "patched-json",
    "forge",
    "incorrect",
    WRONG
    + """
import json
dumps = json.dumps
json.dumps = lambda *what, **how: dumps(*what, **how).replace("0.5", "0.7")
""",
)
case(
    "values-that-vary",
    "forge",
    "incorrect",
    """
class Vary:
    def __init__(self, shape):
        self.shape, self.calls = shape, 0
    def __array__(self, dtype=None, copy=None):
        self.calls += 1
        return np.full(self.shape, float(self.calls))
    def tolist(self):
        return "right"
    __float__ = __len__ = __iter__ = tolist
def composed_jacobian(inner, J_inner, outer, J_outer, at):
    return Vary((len(outer(inner(at))), len(at)))
""",
)
case(
    "lying-array",
    "forge",
    "incorrect",
    """
class Liar(np.ndarray):
    size = property(lambda self: 0)
    ravel = tolist = astype = __iter__ = lambda self, *what: "right"
    __len__ = lambda self: 0
def composed_jacobian(inner, J_inner, outer, J_outer, at):
    return np.full((len(outer(inner(at))), len(at)), 0.5).view(Liar)
""",
)
case(
    "endless-list",
    "forge",
    "failed",
    """
class Endless(list):
    __len__ = lambda self: 0
    def __iter__(self):
        while True:
            yield 1.0
composed_jacobian = lambda *given: Endless()
""",
    says="at most 100000 numbers",
)
case("giant-numbers", "forge", "failed", "composed_jacobian = lambda *given: [[10**5000, -(10**400)]]")
case(
    "tracer",
    "forge",
    "wrong-type",
    WRONG
    + """
import sys
def trace(frame, event, what):
    if frame.f_code.co_name == "evaluate" and event == "return" and isinstance(what, dict):
        what["cases"] = [True]
    return trace
sys.settrace(trace)
""",
)
case(
    "errors-that-lie",
    "forge",
    "failed",
    """
class Lies(Exception):
    __str__ = __repr__ = lambda self: str(self)
def composed_jacobian(*given):
    raise Lies
""",
    says="RecursionError",
)
case(
    "error-of-markup",
    "forge",
    "failed",
    'raise type("<b><sub><sub>", (Exception,), {})("</pre></details><style>* {display: none}</style>")',
    says="<b><sub><sub>",
)
case(
    "answer-of-another",
    "forge",
    "failed",
    "# answer: bracketing\nbracketing = 'both'\n# answer: compose-jacobians\n",
    says="it must keep this name",
)
case("object-array", "forge", "wrong-type", "composed_jacobian = lambda *given: np.array([[object()] * 2] * 2)")
case(
    "huge-answer",
    "forge",
    "failed",
    "composed_jacobian = lambda *given: np.ones((3000, 3000))",
    says="at most 100000 numbers",
)
case(
    "endless-answer",
    "forge",
    "failed",
    "endless = []\nendless.append(endless)\ncomposed_jacobian = lambda *given: endless",
    says="nested at most",
)
case("nbval-markers", "forge", "incorrect", "# NBVAL_SKIP\n# NBVAL_IGNORE_OUTPUT\ns = '''\n# NBVAL_SKIP\n'''" + WRONG)
case(
    "terminal",
    "forge",
    "failed",
    r"""
import os, sys
for number in (1, 2):
    os.write(number, b"\x1b]0;pwned\x07\x1b[2J===== 5 passed =====\n")
raise ValueError("\x1b[31m<script>alert(1)</script> \x1b]0;pwned\x07 ====== 5 passed ====== \ud800 \u202e")
""",
)

# ------------------------------------------------------------------------------- taking all there is
case("loop", "resource", "time-limit", "while True:\n    pass")
case(
    "loop-unstoppable",
    "resource",
    "time-limit",
    """
import signal
for number in range(1, 60):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
""",
)
case("loop-in-c", "resource", "time-limit", "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')")
case("sleep", "resource", "time-limit", "def composed_jacobian(*given):\n    import time\n    time.sleep(10_000)")
case(
    "memory-array",
    "resource",
    "failed",
    "composed_jacobian = lambda *given: np.ones(6 * 2**27).sum()",
    says="MemoryError",
)
case(
    "memory-list",
    "resource",
    "failed",
    """
def composed_jacobian(*given):
    hoard = []
    while True:
        hoard.append(np.empty(10_000_000))
""",
    says="MemoryError",
)
loot(
    "memory-elsewhere",
    "resource",
    """
import mmap, os
loot = []
size = 0
try:
    with open("/dev/shm/hoard", "wb", buffering=0) as file:
        for _ in range(64):
            size += file.write(bytes(1 << 20))
except OSError:
    pass
loot += [size] if size > 17 << 20 else []
try:
    os.memfd_create("hoard")
    loot.append("memfd")
except OSError:
    pass
""",
)
loot(
    "disk",
    "resource",
    """
import errno, os
loot, size = [], 0
try:
    for k in range(300):
        with open(f"/box/work/{k}", "wb", buffering=0) as file:
            size += file.write(bytes(1 << 20))
except OSError:
    pass
loot += [size] if size > 65 << 20 else []
for k in range(300):
    try:
        os.unlink(f"/box/work/{k}")
    except OSError:
        pass
""",
)
case(
    "fills-its-sockets",
    "resource",
    "output-limit",
    """
import os
if os.path.isdir("/sockets"):  # an ipykernel's, the one folder of the machine's that its box may write to
    try:
        os.unlink("/sockets/kernel.json")
    except OSError:
        pass
    os.mkdir("/sockets/hoard")
    while True:
        with open("/sockets/hoard/more", "ab") as file:
            file.write(bytes(1 << 20))
            file.truncate(0)
while True:
    print("y" * 1_000_000)
""",
)
loot(
    "small-files",
    "resource",
    """
import os
made = 0
for place in ("/box/work", "/dev/shm"):
    try:
        while made < 15_000:
            os.close(os.open(f"{place}/{made}", os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError:
        pass
loot = [made] if made > 12_000 else []
for k in range(made):
    for place in ("/box/work", "/dev/shm"):
        if os.path.exists(f"{place}/{k}"):
            os.unlink(f"{place}/{k}")
""",
)
loot(
    "big-file",
    "resource",
    """
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
loot = []
try:
    open("/dev/shm/sparse", "wb").truncate(1 << 40)
    loot.append("sparse")
except OSError:
    pass
""",
)
loot(
    "open-files",
    "resource",
    """
import os
held, loot = [], []
try:
    for _ in range(5000):
        held.append(os.open("/dev/null", os.O_RDONLY))
    loot.append(len(held))
except OSError:
    pass
for number in held:
    os.close(number)
""",
)
case(
    "fork-bomb",
    "resource",
    "time-limit",
    """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.1)
""",
)
case(
    "thread-bomb",
    "resource",
    "time-limit",
    """
import threading, time
while True:
    try:
        threading.Thread(target=time.sleep, args=(10_000,)).start()
    except RuntimeError:
        time.sleep(0.1)
""",
)
case(
    "orphans",
    "resource",
    "incorrect",
    WRONG
    + """
import os, subprocess
for _ in range(5):
    subprocess.Popen(["sleep", "98765"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            pass
    os._exit(0)
""",
)
case("flood-print", "resource", "output-limit", "while True:\n    print('y' * 1_000_000)")
case("flood-lines", "resource", "output-limit", "while True:\n    print('y' * 200)")
case("flood-display", "resource", "output-limit", "display({'text/plain': 'y' * 100_000_000}, raw=True)")
case("flood-displays", "resource", "output-limit", "while True:\n    display('y' * 20_000)")
case("flood-error", "resource", "failed", "raise ValueError('x' * 1_000_000)", says="...")
case(
    "recursion",
    "resource",
    "failed",
    "def composed_jacobian(*given):\n    return composed_jacobian(*given)",
    says="for ever",
)

case("stopped", "resource", "time-limit", "import os, signal\nos.kill(0, signal.SIGSTOP)\nos.kill(-1, signal.SIGSTOP)")

# ------------------------------------------------------------------------------- deaths
case("exit-process", "death", "kernel-died", "import os\nos._exit(0)")
case(
    "kill-itself", "death", "kernel-died", "def composed_jacobian(*given):\n    import os\n    os.kill(os.getpid(), 9)"
)
case("kill-all", "death", "kernel-died", "import os\ntry:\n    os.kill(-1, 9)\nfinally:\n    os.kill(os.getpid(), 9)")
case("segfault", "death", "kernel-died", "import ctypes\nctypes.string_at(0)")
case("abort", "death", "kernel-died", "import os\nos.abort()")
case("sys-exit", "death", "failed", "import sys\nsys.exit()", says="SystemExit")
case("sys-exit-inside", "death", "failed", "def composed_jacobian(*given):\n    raise SystemExit", says="SystemExit")
case("keyboard-interrupt", "death", "failed", "raise KeyboardInterrupt", says="KeyboardInterrupt")
case(
    "hangs-up",
    "death",
    "kernel-died",
    """
import os, socket
for number in range(3, 256):
    try:
        socket.socket(fileno=os.dup(number)).shutdown(socket.SHUT_WR)
    except OSError:
        pass
os.kill(os.getpid(), 9)
""",
)
case("child-answers", "death", "kernel-died", RIGHT + "import os\nif os.fork():\n    os._exit(0)\n")
case("close-all", "death", "kernel-died", "import os\nos.closerange(0, 256)\nos._exit(1)")
case(
    "dead-folder",
    "death",
    "incorrect",
    WRONG
    + """
import os, shutil
os.chdir("/box/home"); shutil.rmtree("/box/work"); os.umask(0o777)
os.environ.clear()
""",
)

# ------------------------------------------------------------------------------- honest, but odd
case("right", "honest", "correct", RIGHT, 3)
case("blank", "honest", "not-attempted", "def composed_jacobian(inner, J_inner, outer, J_outer, at):\n    ...")
case("to-do", "honest", "not-attempted", "def composed_jacobian(*given):\n    raise NotImplementedError")
case("syntax", "honest", "failed", "def composed_jacobian(*given)\n    return 1", says="SyntaxError")
case("tabs", "honest", "failed", "def composed_jacobian(*given):\n\tx = 1\n        return x", says="TabError")
case("renamed", "honest", "failed", RIGHT.replace("composed", "composite"), says="it must keep this name")
case("signature", "honest", "failed", "def composed_jacobian(f, g):\n    return f", says="TypeError")
case("prints-instead", "honest", "wrong-type", RIGHT.replace("return", "print(").rstrip() + ")", says="here it is None")
case("no-function", "honest", "wrong-type", "composed_jacobian = 3", says="a function")
case("missing-package", "honest", "failed", "import tensorflow_of_mine", says="ModuleNotFoundError")
case("missing-file", "honest", "failed", "open('data.csv')", says="FileNotFoundError")
case("asks-for-input", "honest", "failed", "name = input('Your name? ')", says="StdinNotImplementedError")
case("shadows", "honest", "correct", RIGHT + "sum = list = len = str = id = None\n", 3)
case("deletes-numpy", "honest", "correct", RIGHT + "del np\n", 3)
case(
    "resets",
    "honest",
    "correct",
    RIGHT.replace("def", "from course_lib.exercises import check\ndef", 1).join(["%reset -f\n", ""]),
    3,
)
case("imports-all", "honest", "correct", "from numpy import *\nfrom math import *\n" + RIGHT, 3)
case(
    "settings",
    "honest",
    "correct",
    RIGHT
    + """
import random, warnings
np.set_printoptions(precision=1); np.seterr(all="raise"); warnings.simplefilter("error")
random.seed(1); np.random.seed(1)
""",
    3,
)
case("changes-inputs", "honest", "correct", RIGHT.replace("return", "J =") + "    at *= 0\n    return J\n", 3)
case("quit", "honest", "correct", RIGHT + "quit()", 3)
case("own-collector", "honest", "correct", RIGHT + "import gc\ngc.freeze(); gc.disable(); gc.set_threshold(1)\n", 3)
case(
    "leaves-shared-memory",
    "honest",
    "correct",
    RIGHT
    + """
from multiprocessing import resource_tracker, shared_memory
block = shared_memory.SharedMemory("left", create=True, size=1 << 20)
resource_tracker.unregister(block._name, "shared_memory")
""",
    3,
)
case("leaves-it-again", "honest", "correct", CASES["leaves-shared-memory"].source, 3)
case("float32", "honest", "correct", RIGHT.rstrip() + ".astype(np.float32)\n", 3)
case("lists", "honest", "correct", RIGHT.rstrip() + ".tolist()\n", 3)
case("complex", "honest", "correct", RIGHT.rstrip() + " + 0j\n", 3)
case(
    "prints-and-plots",
    "honest",
    "correct",
    RIGHT
    + """
import sys, warnings
import matplotlib.pyplot as plt
print("debug"); print("more", file=sys.stderr); warnings.warn("careful"); plt.plot([1, 2]); plt.show()
for k in range(2000):
    print(k, end="\\r")
get_ipython().run_line_magic("matplotlib", "inline")
""",
    3,
)
case(
    "closes-streams",
    "honest",
    "correct",
    RIGHT
    + """
import locale, os, sys
sys.stdout.close(); sys.stderr.close(); os.close(1); os.close(2)
locale.setlocale(locale.LC_ALL, "C"); sys.setrecursionlimit(200)
""",
    3,
)
case(
    "widgets",
    "honest",
    "correct",
    RIGHT
    + """
import ipywidgets
%matplotlib widget
@ipywidgets.interact(k=(0, 5))
def shown(k=2):
    print(k)
out, slider = ipywidgets.Output(), ipywidgets.IntSlider(value=3)
slider.observe(lambda change: 1 / 0, "value")
display(slider, out)
with out:
    print("inside")
slider.value = 4
""",
    3,
)
case("shell-and-magic", "honest", "correct", RIGHT + "!echo hello\n%time x = 1\n%timeit -n1 -r1 x\n", 3)
case(
    "processes",
    "honest",
    "correct",
    RIGHT
    + """
import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(abs, [-1, -2]) == [1, 2]
""",
    3,
)
case("awaits", "honest", "correct", RIGHT + "import asyncio\nawait asyncio.sleep(0)\n", 3)
