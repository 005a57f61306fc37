"""A Python kernel: its process, and the connection to it by the Jupyter protocol."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from typing import Any

import msgspec
import zmq.asyncio
from jupyter_client.session import Session

from .interpreters import CellStatus, Sink, Snapshot, StartError
from .notebooks import CellSource
from .outputs import OUTPUT_TYPES, output_text

START_TIMEOUT = 60.0
"""Seconds that a kernel may take to answer for the first time."""
FIRST_OUTPUT = 0.5
"""Seconds that a kernel's first message to everybody may take after its first reply."""
LAST_MESSAGES = 0.05
"""Seconds that what a kernel sent before it died may still be on its way."""
NUDGE = signal.SIGURG
NUDGE_EVERY = 0.05
"""Seconds; see `Kernel._nudge`."""
BURST = 50
"""Messages taken from a kernel before anything else gets its turn."""
REMEMBERED_CELLS = 1000
"""So many cells still get what their threads print after their end."""

Reply = asyncio.Future[dict[str, Any] | None]
"""Content of a reply; None once the kernel is dead."""


class _Cell:
    """A cell that was sent to the kernel."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.begun = False
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
        self._environment: dict[str, str] = {}
        self._snapshot: Snapshot | None = None
        self._heard: Reply = asyncio.get_running_loop().create_future()
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
                # What is published before we have heard anything could be lost. A request makes the kernel
                # publish its status. The welcome of ipykernel 7.4 is missing once in a thousand times:
                # when our subscription comes while it sends, it notices the next event only.
                await self._request("kernel_info_request", {})[1]
                while not (await asyncio.wait({self._heard}, timeout=FIRST_OUTPUT))[0]:
                    await self._request("kernel_info_request", {})[1]
        except TimeoutError:
            raise StartError(f"The kernel did not answer within {START_TIMEOUT:g} s") from None
        if not self.alive:
            raise StartError(
                f"The kernel ended at its start with status {self._process.returncode}; "
                "kernels.log in the emulator's folder may say why"
            )

    def begin(self, environment: dict[str, str]) -> None:
        self._environment = environment

    async def run(self, cell: CellSource, sink: Sink, *, last: list[str] | None = None) -> CellStatus:
        content = {"code": cell.text, "silent": False, "allow_stdin": False, "stop_on_error": False}
        # The environment travels with the first cell and the snapshot with the last, where that does not
        # fail: a request of its own would cost as much time as a cell.
        if last is not None:
            content["user_expressions"] = _expression("end", last)
        environment, self._environment = self._environment, {}
        message_id, reply = self._request("execute_request", content, {"environment": environment})
        self._running = self._last_cell = self._cells[message_id] = _Cell(sink)
        if len(self._cells) > REMEMBERED_CELLS:
            del self._cells[next(iter(self._cells))]
        try:
            await self._running.idle  # comes after the last output
            answer = await reply
        finally:
            self._running = None
        if answer is None:
            return "error" if self.alive else "dead"
        # After exit() the kernel takes a while to end, and serves no further request.
        if last is not None and answer["status"] == "ok":
            with contextlib.suppress(RuntimeError):  # then `end` asks, and its failure is told
                self._snapshot = _snapshot(answer)
        self._leaving = any(entry.get("source") == "ask_exit" for entry in answer.get("payload", ()))
        return "ok" if answer["status"] == "ok" else "error"

    async def end(self, wanted: list[str]) -> Snapshot | None:
        if self._snapshot is not None:
            snapshot, self._snapshot = self._snapshot, None
            return snapshot
        answer = await self._evaluate("end", wanted)
        return None if answer is None else _snapshot(answer)

    async def read(self, names: list[str]) -> dict[str, str] | None:
        answer = await self._evaluate("read", names)
        return None if answer is None else msgspec.convert(_result(answer)["variables"], dict[str, str])

    def interrupt(self) -> None:
        if self._running is None:
            return
        self._running.interrupted = True
        if self._running.begun:  # before that, the kernel ignores the signal
            self._interrupt(self._running)

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

    def _interrupt(self, cell: _Cell) -> None:
        self._signal(signal.SIGINT)
        self._nudging = asyncio.create_task(self._nudge(cell))

    async def _nudge(self, cell: _Cell) -> None:
        """See to it that an interrupt is noticed.

        Python looks for signals between its own instructions, and then when one ends a call that blocks: one
        that comes in the instant between the two would be noticed after that call, a minute later say.
        """
        while not (await asyncio.wait({cell.idle}, timeout=NUDGE_EVERY))[0]:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(NUDGE)

    def _signal(self, number: signal.Signals) -> None:
        # The kernel's children get it too, as they would at a terminal.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _request(
        self, kind: str, content: dict[str, Any], metadata: dict[str, Any] | None = None
    ) -> tuple[str, Reply]:
        reply: Reply = asyncio.get_running_loop().create_future()
        message_id = ""
        if self.alive:
            message = self._session.msg(kind, content, metadata=metadata)
            message_id = message["header"]["msg_id"]
            self._replies[message_id] = reply
            # Session.send() goes around the asyncio socket, which then may not notice a waiting reply.
            self._shell.send_multipart(self._session.serialize(message))
        else:
            reply.set_result(None)
        return message_id, reply

    def _evaluate(self, function: str, argument: object) -> Reply:
        """Call a function of `kernel_main` on the kernel's side, between two cells."""
        content = {
            "code": "",
            "silent": True,
            "store_history": False,
            "user_expressions": _expression(function, argument),
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
        _settle(self._heard)
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
        elif kind == "execute_input":
            cell.begun = True
            if cell.interrupted:
                self._interrupt(cell)

    async def _watch(self) -> None:
        """Notice the end of the process, and end all that waits for it."""
        await self._process.wait()
        self._signal(signal.SIGKILL)  # what it left behind in its process group
        await asyncio.sleep(LAST_MESSAGES)
        self._dead.set()
        for waiting in (
            self._heard,
            *self._replies.values(),
            *(cell.idle for cell in self._cells.values()),
        ):
            _settle(waiting)
        self._replies.clear()


def _settle(future: Reply) -> None:
    if not future.done():
        future.set_result(None)


def _expression(function: str, argument: object) -> dict[str, str]:
    """User expressions that call a function of `kernel_main`."""
    return {"answer": f"__import__('_datasphere_emulator').{function}({argument!r})"}


def _snapshot(answer: dict[str, Any]) -> Snapshot:
    return msgspec.convert(_result(answer), Snapshot)


def _result(answer: dict[str, Any] | None) -> dict[str, Any]:
    """The value of the expression of `_expression`."""
    if answer is None:
        return {}
    expression = answer.get("user_expressions", {}).get("answer", {})
    if expression.get("status") != "ok":
        raise RuntimeError(f"The kernel could not answer: {expression or answer}")
    result: dict[str, Any] = expression["data"]["application/json"]
    return result
