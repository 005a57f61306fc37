"""Readers of an event stream that read nothing, or go away: in a Jupyter Server inside this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from jupyter_server.serverapp import ServerApp
from support import Facts, store_replay

from jupyter_datasphere.errors import NotFoundError
from jupyter_datasphere.executions.ledger import PAGE_BYTES, Ledger
from jupyter_datasphere.protocol import Execution, ExecutionRequest, Notebook
from jupyter_datasphere.server.app import CAPABILITY_VARIABLE, URL_VARIABLE, DataSphere
from jupyter_datasphere.server.handlers import events

LINE = "x" * 100_000 + "\n"
LINES = 400


class CountingLedger(Ledger):
    """The ledger, counting the pages that were read of it."""

    pages = 0

    def events(self, execution_id: str, after: int = 0) -> list[tuple[int, bytes]]:
        self.pages += 1
        return super().events(execution_id, after)


class Server:
    """The extension, and raw connections to it."""

    def __init__(self, app: ServerApp, extension: DataSphere, facts: Facts) -> None:
        self.ledger = CountingLedger(Path(extension.ledger_dir))
        extension.ledger = self.ledger
        self.service = extension.backend.executions
        self._app = app
        self._extension = extension
        self._facts = facts

    async def start(self, name: str, lines: list[str], delay: float) -> Execution:
        store_replay(self._facts, name, lines, delay)
        request = ExecutionRequest(source=Notebook(path=name, direct=True))
        return await self.service.start(request, project=self._facts["project_id"])

    async def reader(self, execution_id: str) -> socket.socket:
        """Somebody who has asked for the events of an execution, and has not read any of them."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", self._app.port))
        head = (
            f"GET /datasphere/executions/{execution_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {self._extension.capability}\r\n\r\n"
        )
        await loop.sock_sendall(connection, head.encode())
        return connection

    @staticmethod
    def readers(execution_id: str) -> int:
        """How many readers of an execution the server has."""
        return sum(task.get_name() == f"reader of execution {execution_id}" for task in asyncio.all_tasks())


@pytest_asyncio.fixture
async def server(emulator: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    for name in (URL_VARIABLE, CAPABILITY_VARIABLE):
        monkeypatch.setenv(name, "")  # the server sets them: afterwards they are as they were
    monkeypatch.setattr(ServerApp, "init_signal", lambda app: None)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    app = ServerApp()
    app.jpserver_extensions = {"jupyter_datasphere": True}
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": "0",
        "ServerApp.allow_root": "True",
        "DataSphere.endpoint": emulator["url"],
        "DataSphere.oauth_token": emulator["oauth_token"],
        "DataSphere.ledger_dir": str(tmp_path / "ledger"),
    }
    app.initialize([f"--{name}={value}" for name, value in options.items()], find_extensions=False)
    extension: Any = app.extension_manager.extension_points["jupyter_datasphere"].app
    await extension._start_jupyter_server_extension(app)
    yield Server(app, extension, emulator)
    app.http_server.stop()
    await app.http_server.close_all_connections()
    await app._cleanup()


async def received(connection: socket.socket) -> bytes:
    """Everything that comes until the end of the stream."""
    loop, data = asyncio.get_running_loop(), bytearray()
    while not data.endswith(b"0\r\n\r\n"):
        data += await loop.sock_recv(connection, 2**20)
    return bytes(data)


async def test_who_reads_nothing_holds_up_nobody_and_costs_a_page(server: Server) -> None:
    execution = await server.start("much.ipynb", [LINE] * LINES, 0)
    connection = await server.reader(execution.id)
    while server.service.running:
        await asyncio.sleep(0.01)
    assert server.service.get(execution.id).state == "succeeded"
    before, read = server.ledger.pages, LINES * len(LINE) // PAGE_BYTES
    # What fits into the sockets of both sides was sent; the rest was not even read from the disk.
    assert before < read / 2
    assert server.readers(execution.id) == 1
    assert (await received(connection)).count(LINE[:-1].encode()) == LINES
    assert server.ledger.pages - before > read / 2
    connection.close()


async def test_who_goes_away_is_dropped_at_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 3600.0)  # nothing is written that could fail
    execution = await server.start("silent.ipynb", ["never\n"], 3600)
    connections = [await server.reader(execution.id) for _ in range(3)]
    while server.readers(execution.id) < 3:
        await asyncio.sleep(0.01)
    for connection in connections:
        # The state comes and then nothing: the server waits for news.
        assert b"200 OK" in await asyncio.get_running_loop().sock_recv(connection, 2**16)
    for connection in connections[1:]:
        connection.close()
    while server.readers(execution.id) > 1:
        await asyncio.sleep(0.01)
    server.service.cancel(execution.id)
    assert b'"cancelled"' in await received(connections[0])
    connections[0].close()


async def test_a_refusal_that_comes_late_is_told_in_the_stream(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status of the answer is out by then."""
    monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 0.01)
    hold = asyncio.Event()

    async def find(name: str | None, *, fresh: bool = False) -> None:
        await hold.wait()
        raise NotFoundError("There is no such project.", code="unknown-project")

    monkeypatch.setattr(server.service._projects, "find", find)
    request = ExecutionRequest(source=Notebook(path="x.ipynb"), project="x")
    run = server.service.begin(request, project=None)
    reader = await server.reader(run)
    loop = asyncio.get_running_loop()
    answer = b""
    while b": still there\n\n" not in answer:
        answer += await loop.sock_recv(reader, 65_536)
    assert answer.startswith(b"HTTP/1.1 200")
    hold.set()
    while b"unknown-project" not in answer:
        answer += await loop.sock_recv(reader, 65_536)
    assert b'event: problem\ndata: {"code":"unknown-project","title":"There is no such project."' in answer
    reader.close()
