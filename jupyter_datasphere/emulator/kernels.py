"""Python kernels as processes of this machine.

A kernel speaks the Jupyter protocol over Unix domain sockets (TCP where ZeroMQ has none), in a process
group of its own. `Kernels` starts them and sees to it that none outlives the emulator.
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import zmq
import zmq.asyncio
from jupyter_client.connect import write_connection_file
from jupyter_client.session import Session

from .interpreters import CellStatus, Sink, Snapshot, StartError
from .notebooks import CellSource
from .outputs import OUTPUT_TYPES, output_text

START_TIMEOUT = 60.0
"""Seconds that a kernel may take to answer for the first time."""
LAST_MESSAGES = 0.05
"""Seconds that what a kernel sent before it died may still be on its way."""
BURST = 50
"""Messages taken from a kernel before anything else gets its turn."""
REMEMBERED_CELLS = 1000
"""So many cells still get what their threads print after their end."""

SECRETS = ("YC_*", "JUPYTER_DATASPHERE_*", "*TOKEN*", "*SECRET*", "*PASSWORD*")
NOT_INHERITED = ("MPLBACKEND", "PYTHONSTARTUP", "JPY_*")
"""What is about our own process; ipykernel sets an MPLBACKEND for the kernel."""

Reply = asyncio.Future[dict[str, Any] | None]
"""Content of a reply; None once the kernel is dead."""


class _Cell:
    """A cell that was sent to the kernel."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.busy = False
        self.interrupted = False
        self.idle: Reply = asyncio.get_running_loop().create_future()


class Kernel:
    """One kernel process and the connection to it (an `Interpreter`)."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        session: Session,
        shell: zmq.asyncio.Socket,
        iopub: zmq.asyncio.Socket,
        on_stop: Callable[[Kernel], None],
    ) -> None:
        self._process = process
        self._on_stop = on_stop
        self._session = session
        self._shell = shell
        self._iopub = iopub
        self._replies: dict[str, Reply] = {}
        self._cells: dict[str, _Cell] = {}
        self._running: _Cell | None = None
        self._last_cell: _Cell | None = None
        self._begun: Reply | None = None
        self._welcome: Reply = asyncio.get_running_loop().create_future()
        self._leaving = False
        self._dead = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._read_shell()),
            asyncio.create_task(self._read_iopub()),
            asyncio.create_task(self._watch()),
        ]

    @property
    def pid(self) -> int:
        """Of the process, and of its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not (self._leaving or self._dead.is_set())

    async def ready(self) -> None:
        """Wait until the kernel answers and its outputs reach us. Raises `StartError`."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await self._welcome  # what is published before it could be lost
                await self._request("kernel_info_request", {})[1]
        except TimeoutError:
            raise StartError(f"The kernel did not answer within {START_TIMEOUT:g} s") from None
        if not self.alive:
            raise StartError(
                f"The kernel ended at its start with status {self._process.returncode}; "
                "kernels.log in the emulator's folder may say why"
            )

    def begin(self, environment: dict[str, str]) -> None:
        self._begun = self._evaluate("begin", environment) if environment else None

    async def run(self, cell: CellSource, sink: Sink) -> CellStatus:
        content = {"code": cell.text, "silent": False, "allow_stdin": False, "stop_on_error": False}
        message_id, reply = self._request("execute_request", content)
        self._running = self._last_cell = self._cells[message_id] = _Cell(sink)
        if len(self._cells) > REMEMBERED_CELLS:
            del self._cells[next(iter(self._cells))]
        try:
            answer = await reply
            await self._running.idle  # comes after the last output
        finally:
            self._running = None
        if answer is None:
            return "dead"
        if self._begun is not None:  # answered before the cell was
            _result(await self._begun)
        # After exit() the kernel takes a while to end, and serves no further request.
        self._leaving = any(entry.get("source") == "ask_exit" for entry in answer.get("payload", ()))
        return "ok" if answer["status"] == "ok" else "error"

    async def end(self, wanted: list[str]) -> Snapshot | None:
        answer = await self._evaluate("end", wanted)
        return None if answer is None else msgspec.convert(_result(answer), Snapshot)

    async def read(self, names: list[str]) -> dict[str, str] | None:
        answer = await self._evaluate("read", names)
        return None if answer is None else msgspec.convert(_result(answer)["variables"], dict[str, str])

    def interrupt(self) -> None:
        if self._running is None:
            return
        if self._running.busy:
            self._signal(signal.SIGINT)
        else:  # a kernel that has not begun the cell ignores the signal
            self._running.interrupted = True

    async def stop(self) -> None:
        if not self._dead.is_set():
            self._signal(signal.SIGKILL)
        await self._dead.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._shell.close(linger=0)
        self._iopub.close(linger=0)
        self._on_stop(self)

    def _signal(self, number: signal.Signals) -> None:
        # The kernel's children get it too, as they would at a terminal.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _request(self, kind: str, content: dict[str, Any]) -> tuple[str, Reply]:
        reply: Reply = asyncio.get_running_loop().create_future()
        message_id = ""
        if self.alive:
            message = self._session.msg(kind, content)
            message_id = message["header"]["msg_id"]
            self._replies[message_id] = reply
            # Session.send() goes around the asyncio socket, which then may not notice a waiting reply.
            self._shell.send_multipart(self._session.serialize(message))
        else:
            reply.set_result(None)
        return message_id, reply

    def _evaluate(self, function: str, argument: object) -> Reply:
        """Call a function of `kernel_main` on the kernel's side."""
        content = {
            "code": "",
            "silent": True,
            "store_history": False,
            "user_expressions": {"answer": f"__import__('_datasphere_emulator').{function}({argument!r})"},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        return self._request("execute_request", content)[1]

    async def _receive(self, socket: zmq.asyncio.Socket) -> dict[str, Any]:
        _, parts = self._session.feed_identities(await socket.recv_multipart())
        return self._session.deserialize(parts)

    async def _read_shell(self) -> None:
        while True:
            message = await self._receive(self._shell)
            reply = self._replies.pop(message["parent_header"].get("msg_id"), None)
            if reply is not None and not reply.done():
                reply.set_result(message["content"])

    async def _read_iopub(self) -> None:
        taken = 0
        while True:
            message = await self._receive(self._iopub)
            self._take(message["msg_type"], message["parent_header"].get("msg_id"), message["content"])
            taken += 1
            if taken % BURST == 0:  # a socket that has messages waiting never gives way by itself
                await asyncio.sleep(0)

    def _take(self, kind: str, parent: str | None, content: dict[str, Any]) -> None:
        if kind == "iopub_welcome":
            _settle(self._welcome)
            return
        cell = self._cells.get(parent) if parent else None
        if kind in OUTPUT_TYPES:
            # What a thread prints while one of our own requests is served belongs to the cell before it.
            cell = cell or self._last_cell
            if cell is not None:
                cell.sink(output_text(kind, content))
        elif cell is None:
            return
        elif kind == "status" and content["execution_state"] == "idle":
            _settle(cell.idle)
        elif kind == "status" and content["execution_state"] == "busy":
            cell.busy = True
            if cell.interrupted:
                self._signal(signal.SIGINT)

    async def _watch(self) -> None:
        """Notice the end of the process, and end all that waits for it."""
        await self._process.wait()
        self._signal(signal.SIGKILL)  # what it left behind in its process group
        await asyncio.sleep(LAST_MESSAGES)
        self._dead.set()
        for waiting in (
            self._welcome,
            *self._replies.values(),
            *(cell.idle for cell in self._cells.values()),
        ):
            _settle(waiting)
        self._replies.clear()


class Kernels:
    """Starts kernels; closing it ends them all. If the emulator is killed, the reaper does that.

    `folder` gets the kernels' log, and is where IPython looks for a profile and finds none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()  # kernels run elsewhere
        self._ipython = self._folder / "ipython"
        self._ipython.mkdir(exist_ok=True)
        (self._folder / "ipython").mkdir(exist_ok=True)  # IPython wants it to be there
        self._sockets = Path(tempfile.mkdtemp(prefix="ds-emulator-"))
        self._context = zmq.asyncio.Context()
        # A message that waits here is never dropped, and a new kernel's socket is found at once.
        self._context.setsockopt(zmq.RCVHWM, 0)
        self._context.setsockopt(zmq.SNDHWM, 0)
        self._context.setsockopt(zmq.RECONNECT_IVL, 10)
        self._kernels: set[Kernel] = set()
        self._reaper: subprocess.Popen[bytes] | None = None
        self._started = 0

    async def start(self, folder: Path) -> Kernel:
        """A new kernel with the working directory `folder`. Raises `StartError`."""
        self._started += 1
        info, file = self._connection(f"kernel-{self._started}")
        with (self._folder / "kernels.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(__file__).with_name("kernel_main.py")),
                f"--IPKernelApp.connection_file={file}",
                f"--IPKernelApp.ipython_dir={self._ipython}",
                "--HistoryManager.enabled=False",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=kernel_environment(dict(os.environ)),
                start_new_session=True,
            )
        self._tell_reaper(b"+", process.pid)
        session = Session(key=info["key"].encode())
        shell, iopub = self._context.socket(zmq.DEALER), self._context.socket(zmq.SUB)
        iopub.subscribe(b"")
        for socket, port in ((shell, info["shell_port"]), (iopub, info["iopub_port"])):
            separator = "-" if info["transport"] == "ipc" else ":"
            socket.connect(f"{info['transport']}://{info['ip']}{separator}{port}")
        kernel = Kernel(process, session, shell, iopub, self._forget)
        self._kernels.add(kernel)
        try:
            await kernel.ready()
        except BaseException:
            await kernel.stop()
            raise
        return kernel

    async def close(self) -> None:
        """End all kernels."""
        await asyncio.gather(*(kernel.stop() for kernel in list(self._kernels)))
        if self._reaper is not None and self._reaper.stdin is not None:
            self._reaper.stdin.close()
            self._reaper.wait()
        self._context.destroy(linger=0)
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _forget(self, kernel: Kernel) -> None:
        if kernel in self._kernels:
            self._kernels.remove(kernel)
            self._tell_reaper(b"-", kernel.pid)

    def _connection(self, name: str) -> tuple[dict[str, Any], Path]:
        file = self._sockets / f"{name}.json"
        transport = "ipc" if zmq.has("ipc") else "tcp"
        _, info = write_connection_file(
            str(file),
            transport=transport,
            ip=str(self._sockets / name) if transport == "ipc" else "127.0.0.1",
            key=secrets.token_hex(16).encode(),
        )
        return dict(info), file

    def _tell_reaper(self, sign: bytes, group: int) -> None:
        if self._reaper is None:
            self._reaper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("reaper.py")), str(self._sockets)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        assert self._reaper.stdin is not None
        self._reaper.stdin.write(b"%b%d\n" % (sign, group))


def kernel_environment(environment: dict[str, str]) -> dict[str, str]:
    """What a kernel inherits of our environment: no secrets, nothing that is about our own process."""
    unwanted = (*SECRETS, *NOT_INHERITED)
    kept = {
        name: value
        for name, value in environment.items()
        if not any(fnmatch.fnmatchcase(name.upper(), pattern) for pattern in unwanted)
    }
    # ipykernel ends itself when its parent is no longer this process: for when the reaper is killed too.
    return {**kept, "JPY_PARENT_PID": str(os.getpid())}


def _settle(future: Reply) -> None:
    if not future.done():
        future.set_result(None)


def _result(answer: dict[str, Any] | None) -> dict[str, Any]:
    """The value of the expression of `Kernel._evaluate`."""
    if answer is None:
        return {}
    expression = answer.get("user_expressions", {}).get("answer", {})
    if expression.get("status") != "ok":
        raise RuntimeError(f"The kernel could not answer: {expression or answer}")
    result: dict[str, Any] = expression["data"]["application/json"]
    return result
