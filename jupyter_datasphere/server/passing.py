"""Content on its way through the server, between a caller and a project: little of it is here at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

from ..errors import ConflictError

AT_ONCE = 1 << 20
"""Bytes of an upload that wait here before the caller has to."""

digest_of = hashlib.blake2b
"""The digest by which the beginning of a file is known again."""


class Inflow:
    """What a caller sends; who reads it slowly makes the caller slow."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._amount = 0
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False
        self._closed = False

    async def put(self, piece: bytes) -> None:
        """Returns when there is room for more."""
        if self._closed:
            return
        self._waiting.append(piece)
        self._amount += len(piece)
        self._came.set()
        if self._amount >= AT_ONCE:
            self._room.clear()
            await self._room.wait()

    def end(self) -> None:
        """All has come."""
        self._ended = True
        self._came.set()

    def close(self) -> None:
        """Nobody reads any more: what still comes is dropped."""
        self._closed = True
        self._waiting.clear()
        self._room.set()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """What comes, to its end."""
        while self._waiting or not self._ended:
            await self._came.wait()
            self._came.clear()
            waiting, self._waiting, self._amount = self._waiting, [], 0
            self._room.set()
            if waiting:
                yield b"".join(waiting)


class Prefix(NamedTuple):
    """What a caller has of a file already: so many bytes with that digest, of a file of that size."""

    length: int = 0
    digest: str = ""
    size: int | None = None


class Outflow:
    """A `Sink` that passes a file on to a caller, each byte once, however often its transfer is begun.

    Raises `ConflictError` (412, `file-changed`) where what comes anew is not what was passed on before, or
    not what the caller has. `start` is called with the size before the first byte, or the end, is passed on.
    """

    def __init__(
        self,
        prefix: Prefix,
        start: Callable[[int | None], None],
        write: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self._start = start
        self._write = write
        self._size = prefix.size
        self._passed = prefix.length
        self._digest = prefix.digest  # of all that was passed on
        self._begin_to_count()
        self._started = False

    def begin(self, size: int | None) -> None:
        if self._place >= self._passed:
            self._digest = self._seen.hexdigest()
        self._begin_to_count()
        if size is None:
            return
        if size < self._passed or self._size not in (None, size):
            raise _changed()
        self._size = size

    async def write(self, chunk: bytes) -> None:
        missing = self._passed - self._place
        if missing > 0:
            self._count(chunk[:missing])
            if self._place == self._passed and self._seen.hexdigest() != self._digest:
                raise _changed()
            chunk = chunk[missing:]
        if chunk:
            self._begin_to_pass()
            self._count(chunk)
            self._passed = self._place
            await self._write(chunk)

    async def finish(self) -> None:
        if self._place < self._passed:
            raise _changed()
        self._begin_to_pass()

    def _begin_to_pass(self) -> None:
        if not self._started:
            self._started = True
            self._start(self._size)

    def _begin_to_count(self) -> None:
        self._place = 0
        self._seen = digest_of()

    def _count(self, piece: bytes) -> None:
        self._place += len(piece)
        self._seen.update(piece)


def _changed() -> ConflictError:
    return ConflictError(
        "The file changed while it was downloaded.",
        code="file-changed",
        hint="Download it again.",
        http_status=412,
    )
