"""Front ends hear on Jupyter's event bus what has changed. The bus checks events while somebody listens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from server.checkpoint import Checkpoint
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_datasphere.demo.processes import environment_for, jupyter
from jupyter_datasphere.server.bus import CONNECTION, EXECUTION


class Listener:
    """Whoever listens at the bus of a server, as JupyterLab does."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket

    async def next(self, schema: str, **fields: Any) -> dict[str, Any]:
        """The next event of that schema that has these fields."""
        while True:
            text = await self._socket.read_message()
            assert text is not None
            event: dict[str, Any] = json.loads(text)
            if event["schema_id"] == schema and fields.items() <= event.items():
                return event


@asynccontextmanager
async def listening(server: dict[str, Any]) -> AsyncIterator[Listener]:
    url = server["url"].replace("http", "ws", 1) + "api/events/subscribe"
    socket = await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {server['token']}"}))
    try:
        yield Listener(socket)
    finally:
        socket.close()
        while await socket.read_message() is not None:  # until it is closed
            pass


@pytest_asyncio.fixture
async def listener(server: dict[str, Any]) -> AsyncIterator[Listener]:
    async with listening(server) as listener:
        yield listener


async def start(user: httpx.Client, code: str) -> str:
    answer = user.post(
        "datasphere/executions", json={"project": "demo-project", "source": {"type": "code", "source": code}}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_each_state_of_an_execution_is_told(user: httpx.Client, listener: Listener) -> None:
    execution_id = await start(user, "1 + 1")
    states = []
    while states[-1:] != ["succeeded"]:
        event = await listener.next(EXECUTION, execution_id=execution_id)
        states.append(event["state"])
    assert states[0] == "queued"
    order = ["queued", "staged", "submitted", "running", "succeeded"]
    assert states == [state for state in order if state in states]
    assert event["finished_at"] >= event["started_at"] >= event["created_at"]
    assert event["units"] >= 4
    assert event["problem"] is None


async def test_why_one_failed_is_a_word_and_neither_code_nor_output(
    user: httpx.Client, listener: Listener
) -> None:
    execution_id = await start(user, "raise ValueError('private')")
    event = await listener.next(EXECUTION, execution_id=execution_id, state="failed")
    assert "private" not in json.dumps(event)


async def test_the_connection_is_told_where_it_changes(emulator: dict[str, Any], tmp_path: Path) -> None:
    """When it is first looked at, when the service is gone, and when it is back."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    with Checkpoint(emulator["url"]) as checkpoint:
        environment = environment_for({**emulator, "url": checkpoint.url})
        with jupyter("server", folder, environment) as server:
            headers = {"Authorization": f"token {server['token']}"}
            with httpx.Client(base_url=server["url"], headers=headers, timeout=60) as user:
                async with listening(server) as listener:
                    states = []
                    for away in (False, False, True, True, False):
                        checkpoint.away = away
                        user.get("datasphere/status")
                    for _ in range(3):
                        event = await listener.next(CONNECTION)
                        assert environment["YC_TOKEN"] not in json.dumps(event)
                        states.append((event["connection"], event["problem"]))
    assert states == [("ok", None), ("failed", "unavailable"), ("ok", None)]
