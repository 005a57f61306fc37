"""A server on a socket that answers to the letter what a test tells it, be it HTTP or not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from listening import listening

Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Asked(NamedTuple):
    """A request that came: its first line, and its headers with names in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


class Hostile:
    """`answers`: what each request gets, the last one for good. `asked`: what came."""

    def __init__(self) -> None:
        self.answers: list[bytes | Answering] = []
        self.asked: list[Asked] = []
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.asked.append(Asked(head[0], headers, body))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(writer)
        writer.close()


def answer(body: str, status: str = "200 OK", **headers: str) -> bytes:
    """An ordinary answer; underscores in names of headers are hyphens, values may hold several lines."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode()


@asynccontextmanager
async def hostile(*answers: bytes | Answering) -> AsyncIterator[Hostile]:
    """Such a server, while the block runs."""
    it = Hostile()
    it.answers = list(answers)
    async with listening(it.serve) as port:
        it.url = f"http://127.0.0.1:{port}"
        yield it
