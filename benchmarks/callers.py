"""Callers of an HTTP server that cost little themselves: one connection each, one request after the other.

They run in a process of their own, so that whoever is measured is not kept from its work by them.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit


class Target(NamedTuple):
    """A GET that is made again and again."""

    url: str
    headers: Mapping[str, str]

    def request(self) -> bytes:
        parts = urlsplit(self.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


class Measured(NamedTuple):
    """Requests per second, and how long one took: seconds."""

    rate: float
    median: float
    p99: float


def call(target: Target, callers: int, seconds: float) -> Measured:
    """Let so many call for so long. Raises `RuntimeError` for an answer that is not 200."""
    return asyncio.run(_call(target, callers, seconds))


async def _call(target: Target, callers: int, seconds: float) -> Measured:
    parts = urlsplit(target.url)
    loop = asyncio.get_running_loop()
    begin = time.perf_counter()
    all_of_them = [_Caller(target.request(), begin + seconds) for _ in range(callers)]
    for caller in all_of_them:
        await loop.create_connection(lambda caller=caller: caller, parts.hostname, parts.port)  # type: ignore[misc]
    await asyncio.gather(*(caller.ended for caller in all_of_them))
    whole = time.perf_counter() - begin
    times = sorted(t for caller in all_of_them for t in caller.times)
    return Measured(len(times) / whole, statistics.median(times), times[math.ceil(len(times) * 0.99) - 1])


class _Caller(asyncio.Protocol):
    def __init__(self, request: bytes, until: float) -> None:
        self.times: list[float] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._until = until
        self._answer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not _is_whole(self._answer):
            return
        now = time.perf_counter()
        self.times.append(now - self._asked)
        if not self._answer.startswith(b"HTTP/1.1 200"):
            self._end(RuntimeError(bytes(self._answer[:500])))
        elif now < self._until:
            self._ask()
        else:
            self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(RuntimeError("The server closed a connection"))

    def _ask(self) -> None:
        self._answer.clear()
        self._asked = time.perf_counter()
        self._transport.write(self._request)

    def _end(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None) if error is None else self.ended.set_exception(error)
            self._transport.abort()


def _is_whole(answer: bytearray) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(answer[:end]).lower()
    begin = head.find(b"\r\ncontent-length:")
    if begin < 0:
        return answer.endswith(b"0\r\n\r\n")  # in chunks
    length = int(head[begin + 17 :].split(b"\r\n", 1)[0])
    return len(answer) >= end + 4 + length
