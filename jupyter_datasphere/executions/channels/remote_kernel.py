"""A kernel of a project's own Jupyter server with the runner in it: what it is asked, and what it sends.

A kernel that dies is started anew by its server under the same ID; so a run belongs to a kernel's *process*,
which the session ID in the headers of its messages tells.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import Any

import msgspec

from ...datasphere.jupyter_kernel import ConnectionLost, KernelConnection, Message
from ...datasphere.jupyter_server import JupyterServer, no_python, no_such_kernel
from ...errors import UnavailableError
from ...protocol import EVENTS_MIME, RunnerBatch
from ..runner.notebook import RUNNER_VERSION, kernel_loader, run_in_kernel
from ..runner.request import RunRequest

QUESTION = "jupyter_datasphere_request"
PATIENCE = 10.0
"""Seconds that a kernel may take to answer. While code runs, it answers in a thread of its own."""
BUSY_SECONDS = 2.0
"""Seconds after which a kernel that does not take the runner is asked whether it has it; and after which the
server is asked whether it has a kernel that does not answer."""
GOING_SECONDS = 10.0
"""How long a server may take to shut a kernel down that has agreed; one that stays was started anew."""
GOING_STEP = 0.1
INBOX_BATCHES = 512
"""So many batches wait to be read; what comes then is asked for later."""


class Inbox:
    """What a kernel sent by itself about one run."""

    def __init__(self) -> None:
        self.batches: deque[RunnerBatch] = deque()
        self.arrived = asyncio.Event()

    def put(self, batch: RunnerBatch) -> None:
        if len(self.batches) < INBOX_BATCHES:
            self.batches.append(batch)
        self.arrived.set()


class Answer(msgspec.Struct):
    """What the runner says about a run: `waiting`, `running`, `done`, or `gone` where it does not know it."""

    version: str = ""
    state: str = "gone"
    status: str = ""
    last: int = 0
    batches: list[RunnerBatch] = []
    variables: dict[str, Any] = {}


class RemoteKernel:
    """One kernel, over connections that may break."""

    def __init__(self, server: JupyterServer, kernel_id: str) -> None:
        self.id = kernel_id
        self.process = ""
        """The ID of its process, as it was when a connection was made."""
        self.inboxes: dict[str, Inbox] = {}
        """By the ID of the run."""
        self.ended_at: float | None = None
        """When it said that it was shut down, by `time.monotonic`."""
        self._server = server
        self._connection: KernelConnection | None = None
        self._connecting = asyncio.Lock()
        self._doubtful = False
        self._ready = False

    @property
    def open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connection is not None and self._connection.open and not self._doubtful

    async def aclose(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def connected(self) -> KernelConnection:
        """The connection, made anew where it broke or where the kernel may be another process."""
        async with self._connecting:
            if self._connection is None or not self.open:
                await self.aclose()
                self._connection = None
                if self.ended_at is not None:
                    await self._see_it_go()
                self._doubtful = False
                connection = await self._server.connect(self.id)
                connection.on_message, connection.on_end = self._take, self._wake
                try:
                    await self._identify(connection)
                except BaseException:
                    await connection.close()
                    raise
                self._connection = connection
            return self._connection

    async def ready(self) -> None:
        """Have the runner of this version in the kernel."""
        connection = await self.connected()
        if not self._ready:
            await self._load(connection)
            self._ready = True

    async def start(self, request: RunRequest) -> Answer:
        """Put a run on the runner's desk, and let it be run in its turn. Again, it does nothing."""
        fields = {name: getattr(request, name) for name in request.__struct_fields__}
        placing = asyncio.ensure_future(self.ask(what="place", run=request.run, request=fields))
        try:
            await asyncio.sleep(0)  # it is on its way before the other
            await self.run(request.run)
            return await placing
        except UnavailableError as error:
            self._doubtful = True
            error.may_have_arrived = True
            raise
        finally:
            placing.cancel()

    async def run(self, run: str) -> None:
        """Let a run be run that is on the desk."""
        connection = await self.connected()
        await connection.send("shell", "execute_request", _code(run_in_kernel(run)))

    async def ask(self, *, patience: float = PATIENCE, **question: Any) -> Answer:
        """Ask the runner. Raises `UnavailableError` where no answer comes."""
        reply = await self._reply(await self.connected(), QUESTION, question, patience)
        return msgspec.json.decode(reply.content, type=Answer)

    async def tell(self, **question: Any) -> None:
        """Tell the runner something whose answer is of no interest."""
        connection = await self.connected()
        await connection.send("control", QUESTION, question)

    # Inside

    async def _reply(
        self, connection: KernelConnection, kind: str, content: dict[str, Any], patience: float
    ) -> Message:
        asking = asyncio.ensure_future(connection.ask("control", kind, content, patience=patience))
        try:
            done, _ = await asyncio.wait({asking}, timeout=BUSY_SECONDS)
            if not done and not await self._server.has_kernel(self.id):
                self._doubtful = True  # the connection to a kernel that was shut down stays open
                raise ConnectionLost
            return await asking
        except TimeoutError:
            raise _silent() from None
        finally:
            asking.cancel()

    async def _see_it_go(self) -> None:
        """Raise `ServiceError` once the server does not have it any more: to connect meanwhile takes long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GOING_SECONDS):
                while await self._server.has_kernel(self.id):  # noqa: ASYNC110 - over there
                    await asyncio.sleep(GOING_STEP)
            raise no_such_kernel(self.id)

    async def _identify(self, connection: KernelConnection) -> None:
        try:
            reply = await self._reply(connection, "kernel_info_request", {}, PATIENCE)
        except ConnectionLost as error:
            error.may_have_arrived = False
            raise
        info = msgspec.json.decode(reply.content, type=_KernelInfo)
        if info.language_info.name.lower() != "python":  # it might do anything with our code
            raise no_python(f"its kernel {self.id} is for {info.language_info.name[:40]}, not for Python.")
        if reply.header.session != self.process:
            self.process = reply.header.session
            self._ready = False
            self.ended_at = None

    async def _load(self, connection: KernelConnection) -> None:
        loading = asyncio.ensure_future(
            connection.ask("shell", "execute_request", _code(kernel_loader()), patience=PATIENCE)
        )
        try:
            done, _ = await asyncio.wait({loading}, timeout=BUSY_SECONDS)
            if not done and await self._is_loaded():
                return
            reply = await loading
        except TimeoutError:
            raise UnavailableError(
                "The kernel of the session is busy with code that was not started here.",
                code="kernel-busy",
                hint="Wait for its end, interrupt it over there, or name another session.",
            ) from None
        except ConnectionLost as error:
            error.may_have_arrived = False
            raise
        finally:
            loading.cancel()
        answer = msgspec.json.decode(reply.content, type=_ExecuteReply)
        if answer.status != "ok":
            raise no_python(f"{answer.ename}: {answer.evalue}.")

    async def _is_loaded(self) -> bool:
        """Whether the runner is there, put by another server of ours, and the kernel busy with a run."""
        try:
            return (await self.ask(what="hello", patience=PATIENCE / 2)).version == RUNNER_VERSION
        except UnavailableError:
            return False

    def _take(self, message: Message) -> None:
        kind = message.header.msg_type
        if kind == "display_data" and EVENTS_MIME.encode() in bytes(message.content):
            try:
                raw = msgspec.json.decode(message.content, type=_Display).data[EVENTS_MIME]
                batch = msgspec.json.decode(raw, type=RunnerBatch)
            except (msgspec.MsgspecError, KeyError):
                return  # an output of somebody else that talks of ours
            inbox = self.inboxes.get(batch.run)
            if inbox is not None:
                inbox.put(batch)
        elif kind == "shutdown_reply" and not msgspec.json.decode(message.content, type=_Shutdown).restart:
            self.ended_at = time.monotonic()
            self._leave()
        elif kind == "status":
            state = msgspec.json.decode(message.content, type=_Status).execution_state
            if state in ("restarting", "dead", "starting"):
                self._leave(asked=state == "starting")

    def _leave(self, *, asked: bool = False) -> None:
        """The connection leads to nobody, or to another process; `asked`: which may yet answer."""
        self._doubtful = True
        if self._connection is not None and not asked:
            self._connection.answer_nobody()
        self._wake()

    def _wake(self) -> None:
        for inbox in self.inboxes.values():
            inbox.arrived.set()


class _Display(msgspec.Struct):
    data: dict[str, msgspec.Raw] = {}


class _Status(msgspec.Struct):
    execution_state: str = ""


class _Shutdown(msgspec.Struct):
    restart: bool = False


class _Language(msgspec.Struct):
    name: str = ""


class _KernelInfo(msgspec.Struct):
    language_info: _Language = msgspec.field(default_factory=_Language)


class _ExecuteReply(msgspec.Struct):
    status: str
    ename: str = ""
    evalue: str = ""


def _code(source: str) -> dict[str, Any]:
    return {
        "code": source,
        "silent": True,
        "store_history": False,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": False,
    }


def _silent() -> UnavailableError:
    return UnavailableError(
        "The kernel over there does not answer.",
        code="kernel-silent",
        hint="Code that lets no other thread of Python run keeps it from that.",
    )
