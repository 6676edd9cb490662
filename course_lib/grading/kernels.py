"""Kernels behind nbval's interface: an ipykernel, and a fork of a warm process. Both run strangers' cells in a box.

Whatever comes from a kernel is an enemy's: it is counted before it is read, it is plain JSON, and what is no message is
not heard.
"""

import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections import deque
from pathlib import Path
from queue import Empty
from typing import Any

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from nbval.kernel import RunningKernel

from course_lib._errors import CourseError
from course_lib.grading.box import Bubblewrap, SandboxError, Walls, end

OUTPUT_LIMIT = 8 * 2**20  # bytes that the cells of one exercise may send
CONNECTION = "kernel.json"
FILES_OF_A_KERNEL = 6  # its connection file and five sockets
DYING = 2.0  # seconds in which what ran in a box that was ended may still write
START_LIMIT = 60.0  # seconds until a kernel must answer
SOCKET_NAME_LIMIT = 90  # bytes of a folder's name; the system allows 107 for the path of a local socket
WARM_UP = """
import random, sys, numpy, course_lib.exercises.session
def quit_now():
    raise SystemExit
get_ipython().ask_exit = quit_now
for stream in (sys.stdout, sys.stderr):
    stream.flush_interval = 0  # what is gathered for longer fills the memory before it can be counted
random.seed(0)
numpy.random.seed(0)
"""


MESSAGES: dict[str, dict[str, type]] = {  # the kinds that are heard, and what must be in them; prints are only counted
    "status": {"execution_state": str},
    "display_data": {"data": dict, "metadata": dict},
    "execute_result": {"data": dict, "metadata": dict, "execution_count": int},
    "error": {"ename": str, "evalue": str, "traceback": list},
    "execute_reply": {"status": str},
    "kernel_info_reply": {"status": str},
}


class EngineError(CourseError):
    """The machine or the course is at fault, not a submission: no grade may come of it."""


class Stopped(Exception):
    """The kernel was ended in the middle of a cell; ``why`` is "time", "died" or "output"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Kernel(RunningKernel):
    """nbval's kernel with a deadline, an output limit and an eye on its process.

    A subclass starts it, and says how a request is sent and a message comes in.
    """

    status = ""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[dict]] = {"shell": deque(), "iopub": deque()}
        self.allow(START_LIMIT)

    def allow(self, seconds: float, bytes_out: int = OUTPUT_LIMIT) -> None:
        """Set the time and the output that are left from now on."""
        self._deadline = time.monotonic() + seconds
        self._bytes_left = bytes_out

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """Wait for the reply to a request and note its status; the outputs on the way are kept for `get_message`."""
        while True:
            message = self.get_message("shell")
            if message["parent_header"].get("msg_id") == msg_id:
                self.status = str(message["content"].get("status"))
                return

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        """The next message of a channel. Raises Empty after ``timeout`` seconds, Stopped when the kernel is no more."""
        until = time.monotonic() + timeout if timeout is not None else float("inf")
        waiting = self._waiting[stream]
        while not waiting:
            left = min(until, self._deadline) - time.monotonic()
            if left > 0:
                if not self.receive(min(left, 0.25)) and not self.is_alive() and not self.receive(0.05):
                    raise Stopped("died")
            elif until <= self._deadline:
                raise Empty
            else:
                self.halt("time")
        return waiting.popleft()

    def hear(self, channel: str, message: Any) -> None:
        """Keep a message for `get_message`, if it is one and of a kind that anybody waits for."""
        content, fields = message["content"], MESSAGES[message["msg_type"]]
        if isinstance(message["parent_header"], dict) and all(isinstance(content[k], v) for k, v in fields.items()):
            if "traceback" in fields:
                content["traceback"] = [str(line) for line in content["traceback"]]
            self._waiting[channel].append(message)

    def await_idle(self, parent_id: str, timeout: float) -> None:
        """Wait for the end of a request. Raises Stopped when it does not come in time."""
        try:
            super().await_idle(parent_id, timeout)
        except Empty:
            self.halt("time")

    def count(self, size: int) -> None:
        """Take bytes that came off what may come; too many end the kernel."""
        self._bytes_left -= size
        if self._bytes_left < 0:
            self.halt("output")

    def halt(self, why: str) -> None:
        """End the kernel in the middle of a cell. Raises Stopped."""
        self.stop()
        raise Stopped(why)

    def run(self, source: str) -> tuple[str, list[dict]]:
        """Run a cell of the instructor's; return its error, "" where there is none, and what the cell displayed."""
        return self.result(self.execute_cell_input(source, allow_stdin=False))

    def result(self, request: str) -> tuple[str, list[dict]]:
        """What `run` returns, of a request that was sent before."""
        self.await_reply(request)
        shown: list[dict] = []
        error = ""
        while True:
            message = self.get_message("iopub", timeout=5.0)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return error or ("" if self.status == "ok" else self.status), shown
            if message["msg_type"] in ("display_data", "execute_result"):
                shown.append(message["content"])
            if message["msg_type"] == "error":
                error = f"{message['content']['ename']}: {message['content']['evalue']}"

    def at_fault(self) -> bool:
        """Whether the machine, and not a cell, has ended the kernel."""
        return False

    def wait(self) -> None:
        """Wait until the kernel answers. Raises Stopped when its process ends or the time is up."""
        raise NotImplementedError

    def receive(self, seconds: float) -> bool:
        """Take in what comes within some seconds; whether anything did."""
        raise NotImplementedError


class JupyterKernel(Kernel):
    """An ipykernel of its own, talked to over ZeroMQ: full fidelity, half a second to start."""

    def __init__(self, walls: Walls) -> None:
        super().__init__()
        self.home = _short_folder()
        self.folder = self.home / "k"
        self.folder.mkdir()
        self.folder.chmod(0o777)  # a box of root's is another user; the folder above is the grader's alone
        local = sys.platform != "win32" and len(os.fsencode(self.folder)) < SOCKET_NAME_LIMIT
        connection = self.folder / CONNECTION
        _, info = write_connection_file(
            str(connection),
            ip=f"{walls.inner(self.folder)}/s" if local else "127.0.0.1",
            transport="ipc" if local else "tcp",  # kernels that start side by side race for the ports of tcp
            key=os.urandom(16).hex().encode(),
        )
        connection.chmod(0o644)
        self.walls, self.process = walls, walls.kernel(self.folder)
        if local:
            info["ip"] = str(self.folder / "s")
        context = zmq.Context()
        context.setsockopt(zmq.MAXMSGSIZE, OUTPUT_LIMIT)  # at a longer one ZeroMQ hangs up, before it takes memory here
        self.kc = BlockingKernelClient(context=context)
        self.kc.load_connection_info(info)
        self.kc.start_channels(stdin=False, hb=False, control=False)
        self._sockets = {self.kc.shell_channel.socket: "shell", self.kc.iopub_channel.socket: "iopub"}
        self._ends = [own.get_monitor_socket(zmq.EVENT_DISCONNECTED) for own in self._sockets]
        self._poller = zmq.Poller()
        for own in (*self._sockets, *self._ends):
            self._poller.register(own, zmq.POLLIN)
        self.execute_cell_input(WARM_UP, allow_stdin=False)

    def wait(self) -> None:
        """Wait until both channels answer one request."""
        self.allow(START_LIMIT)
        while True:
            request = self.kc.kernel_info()
            try:
                self.await_reply(request, timeout=START_LIMIT)
                return RunningKernel.await_idle(self, request, timeout=1.0)
            except Empty:
                continue

    def receive(self, seconds: float) -> bool:
        """Take one message off every channel that has one."""
        ready = self._poller.poll(max(1, round(1000 * seconds)))
        if self.walls.sealed and not self._only_sockets():
            self.halt("output")
        for own, _ in sorted(ready, key=lambda pair: pair[0] in self._ends):
            frames = own.recv_multipart()
            if own in self._ends:
                self._hung_up()
            self.count(sum(map(len, frames)))
            with contextlib.suppress(Exception):  # what is no message of the protocol is not heard
                _, frames = self.kc.session.feed_identities(frames)
                self.hear(self._sockets[own], self.kc.session.deserialize(frames))
        return bool(ready)

    def _only_sockets(self) -> bool:
        """Whether the one folder of this machine that the box may write to holds what it is for, and no more."""
        entries = [*os.scandir(self.folder)]
        with contextlib.suppress(FileNotFoundError):  # it is gone again
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if not (stat.S_ISSOCK(mode) or (stat.S_ISREG(mode) and entry.name == CONNECTION)):
                    return False
        return len(entries) <= FILES_OF_A_KERNEL

    def _hung_up(self) -> None:
        """A connection ended: the process died, or sent a message that is too long."""
        try:
            self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            self.halt("output")
        raise Stopped("died")

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End the process and all that it started; delete what it left."""
        end(self.process)
        if self.home.exists():
            for own in self._sockets:
                own.disable_monitor()
            self.kc.stop_channels()
            self.kc.context.destroy(linger=0)
            until = time.monotonic() + DYING
            while self.home.exists() and time.monotonic() < until:  # what dies in the box may still write to it
                shutil.rmtree(self.home, ignore_errors=True)


class Nursery:
    """A box with one warm process in it, from which kernels are forked. Raises SandboxError where it cannot start."""

    def __init__(self, walls: Bubblewrap) -> None:
        self.line, far = socket.socketpair()
        with far:
            self.process = walls.box("warm", stdin=far)
        self.line.settimeout(START_LIMIT)
        try:
            ready = self.line.recv(1)
        except TimeoutError:
            ready = b""
        if not ready:
            self.stop()
            raise SandboxError(walls.why_not())

    def fork(self) -> socket.socket:
        """A line to a new kernel. Raises EngineError when the warm process is gone."""
        near, far = socket.socketpair()
        with far:
            try:
                socket.send_fds(self.line, [b"k"], [far.fileno()])
            except OSError as error:
                near.close()
                raise EngineError("the process that kernels are forked from is gone") from error
        return near

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End the process, and with it every kernel that came from it."""
        self.line.close()
        end(self.process)


class ForkedKernel(Kernel):
    """A fork of a warm process in a fresh box of its own: milliseconds to start. When the line closes, it is dead."""

    def __init__(self, nursery: Nursery) -> None:
        super().__init__()
        self.nursery = nursery
        self.line: socket.socket | None = nursery.fork()
        self._part = bytearray()
        self._alive = True
        self._first = self.execute_cell_input("")

    def wait(self) -> None:
        """Wait until the kernel has answered its first request."""
        self.allow(START_LIMIT)
        self.await_reply(self._first)
        self.await_idle(self._first, timeout=START_LIMIT)

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Send a cell; the id of the request. Raises Stopped when the kernel does not take it."""
        request = uuid.uuid4().hex
        if self.line is not None:
            self.line.settimeout(max(0.01, self._deadline - time.monotonic()))
            try:
                self.line.sendall(json.dumps({"msg_id": request, "code": cell_input}).encode() + b"\n")
            except TimeoutError:
                self.halt("time")
            except OSError:  # it is dead, as the next message will tell
                pass
        return request

    def receive(self, seconds: float) -> bool:
        """Take in what is there, and hear every message that is whole."""
        if self.line is None:
            return False
        self.line.settimeout(max(0.001, seconds))
        try:
            data = self.line.recv(1 << 16)
        except TimeoutError:
            return False
        except OSError:
            data = b""
        if not data:
            self._alive = False
            return False
        self.count(len(data))
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0], self._part = bytes(self._part) + whole[0], bytearray()
        self._part += rest
        for text in whole:
            with contextlib.suppress(Exception):  # what is no message is not heard
                message = json.loads(text)
                self.hear(message["channel"], message)
        return True

    def at_fault(self) -> bool:
        """Whether the process that it was forked from is gone, which no cell can reach."""
        return not self.nursery.is_alive()

    def is_alive(self) -> bool:
        """Whether the line is open."""
        return self._alive and self.line is not None

    def stop(self) -> None:
        """Hang up: the watch outside the box ends all that is in it, and then itself."""
        self._alive = False
        if self.line is not None:
            self.line.close()
            self.line = None


def _short_folder() -> Path:
    """A new folder of the grader's alone, with a name short enough for sockets where one can be had."""
    folder = tempfile.mkdtemp(prefix="box-")
    if len(folder) > SOCKET_NAME_LIMIT and Path("/tmp").is_dir():
        Path(folder).rmdir()
        folder = tempfile.mkdtemp(prefix="box-", dir="/tmp")
    return Path(folder)
