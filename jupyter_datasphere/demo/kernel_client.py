"""A client of a kernel behind a Jupyter server, over the kernel's WebSocket: where users are."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

Message = dict[str, Any]


class WebSocketKernel:
    """A running kernel. Use `kernel_of` to get one."""

    def __init__(self, socket_: WebSocketClientConnection, session: str) -> None:
        self._socket = socket_
        self._session = session

    async def execute(self, code: str) -> AsyncIterator[Message]:
        """Run code; gives the iopub messages that belong to it, ends when the kernel is idle again."""
        async for message in self.shown(await self.start(code)):
            yield message

    async def start(self, code: str) -> str:
        """Begin to run code; gives the ID of the request."""
        return await self.send("shell", "execute_request", execute_content(code))

    async def shown(self, message_id: str) -> AsyncIterator[Message]:
        """The iopub messages that belong to a request, until the kernel is idle again."""
        replied = idle = False
        while not (replied and idle):
            message = await self.receive()
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if message["msg_type"] == "execute_reply":
                replied = True
            elif message["msg_type"] == "status":
                idle = idle or message["content"]["execution_state"] == "idle"
            elif message["channel"] == "iopub":
                yield message

    async def send(self, channel: str, message_type: str, content: dict[str, Any]) -> str:
        """Send a message; gives its ID."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": message_type,
            "session": self._session,
            "username": "",
            "version": "5.4",
            "date": "",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        await self._socket.write_message(json.dumps({**message, "channel": channel, "buffers": []}))
        return header["msg_id"]

    async def receive(self) -> Message:
        """The next message of any channel."""
        text = await self._socket.read_message()
        if text is None:
            raise ConnectionError("The kernel's WebSocket was closed.")
        self._acknowledge_at_once()
        message: Message = json.loads(text)
        return message

    def _acknowledge_at_once(self) -> None:
        """Without this the kernel's next message waits 40 ms for a delayed acknowledgement of ours."""
        protocol = self._socket.protocol
        if protocol is not None and protocol.stream is not None and hasattr(socket, "TCP_QUICKACK"):
            protocol.stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def execute_content(code: str) -> dict[str, Any]:
    """Content of an execute_request as a notebook front end sends it."""
    return {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }


@asynccontextmanager
async def kernel_of(server: dict[str, Any], name: str = "python3") -> AsyncIterator[WebSocketKernel]:
    """Start a kernel on a Jupyter server (its `url` and `token`), connect to it, and end it afterwards."""
    client = AsyncHTTPClient()
    headers = {"Authorization": f"token {server['token']}"}
    kernels = f"{server['url']}api/kernels"
    answer = await client.fetch(
        HTTPRequest(kernels, method="POST", headers=headers, body=json.dumps({"name": name}))
    )
    kernel_id = json.loads(answer.body)["id"]
    session = uuid.uuid4().hex
    url = f"ws{kernels.removeprefix('http')}/{kernel_id}/channels?session_id={session}"
    connection = await websocket_connect(HTTPRequest(url, headers=headers), max_message_size=2**30)
    try:
        yield WebSocketKernel(connection, session)
    finally:
        connection.close()
        await client.fetch(HTTPRequest(f"{kernels}/{kernel_id}", method="DELETE", headers=headers))
