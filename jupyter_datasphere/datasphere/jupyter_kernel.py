"""A connection to a kernel behind a Jupyter server: the Jupyter protocol, as JSON over a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from ..errors import UnavailableError

QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)


class Header(msgspec.Struct, omit_defaults=True):
    """Header of a message; `session` is a new one in every process of a kernel."""

    msg_id: str = ""
    msg_type: str = ""
    session: str = ""


class Message(msgspec.Struct):
    """A message of a kernel."""

    header: Header = msgspec.field(default_factory=Header)
    parent_header: Header = msgspec.field(default_factory=Header)
    content: msgspec.Raw = msgspec.Raw(b"{}")


class ConnectionLost(UnavailableError):
    """The connection ended before the answer came."""

    may_have_arrived = True

    def __init__(self) -> None:
        super().__init__("The connection to the project's Jupyter server was lost.", code="link-lost")


class KernelConnection:
    """One WebSocket, from its making until `close` or until it breaks; `on_message` gets what is no reply."""

    def __init__(self, socket_: aiohttp.ClientWebSocketResponse) -> None:
        self.on_message: Callable[[Message], None] = lambda message: None
        self.on_end: Callable[[], None] = lambda: None
        self._socket = socket_
        self._session = uuid.uuid4().hex
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._reading = asyncio.create_task(self._read())

    @property
    def open(self) -> bool:
        return not self._reading.done() and not self._socket.closed

    async def close(self) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        await self._socket.close()

    async def ask(self, channel: str, kind: str, content: Any, *, patience: float) -> Message:
        """Send a request, wait for its reply. Raises `ConnectionLost`, or TimeoutError after `patience`."""
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        number = uuid.uuid4().hex
        self._waiting[number] = future
        try:
            async with asyncio.timeout(patience):
                await self._send(number, channel, kind, content)
                return await future
        finally:
            del self._waiting[number]

    async def send(self, channel: str, kind: str, content: Any) -> None:
        """Send a request whose reply is of no interest. Raises `ConnectionLost`."""
        await self._send(uuid.uuid4().hex, channel, kind, content)

    def answer_nobody(self) -> None:
        """Who waits for a reply gets none: `ConnectionLost`."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionLost())

    async def _send(self, number: str, channel: str, kind: str, content: Any) -> None:
        message = {
            "channel": channel,
            "header": {
                "msg_id": number,
                "msg_type": kind,
                "session": self._session,
                "username": "",
                "version": "5.4",
                "date": "",
            },
            "parent_header": {},
            "metadata": {},
            "content": content,
            "buffers": [],
        }
        if not self.open:
            raise ConnectionLost
        try:
            await self._socket.send_str(msgspec.json.encode(message).decode())
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLost from error

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                self._acknowledge_at_once()
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._take(frame.data)
        finally:
            self.answer_nobody()
            self.on_end()

    def _take(self, text: str) -> None:
        try:
            message = msgspec.json.decode(text, type=Message)
        except msgspec.MsgspecError:
            return  # of a shape that nobody here asked for
        future = self._waiting.get(message.parent_header.msg_id)
        if future is not None and message.header.msg_type.endswith("_reply"):
            if not future.done():
                future.set_result(message)
        else:
            self.on_message(message)

    def _acknowledge_at_once(self) -> None:
        """Without this the kernel's next message waits 40 ms for a delayed acknowledgement of ours."""
        connection = self._socket.get_extra_info("socket")
        if connection is not None and QUICK_ACK is not None:
            with contextlib.suppress(OSError):  # closed meanwhile
                connection.setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)
