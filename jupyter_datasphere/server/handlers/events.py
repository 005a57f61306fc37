"""Server-sent events of one execution, and of several on one stream."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from ...errors import DataSphereError, UsageError
from ..problems import problem_of
from .base import DataSphereHandler, allow_unauthenticated

KEEP_ALIVE_SECONDS = 15.0
STILL_THERE = b": still there\n\n"
PROBLEM = b"event: problem\ndata: %b\n\n"
AT_ONCE = 100
"""So many executions one stream has at most."""

_ONE = re.compile(r"([0-9a-f]{16})(?::([0-9]{1,18}))?")


class EventStream(DataSphereHandler):
    """Writes events as they come.

    A slow reader reads from disk at its own pace: one page is in memory for it, whatever comes meanwhile.
    One that is gone is dropped at once, and not only when there is something to write to it.
    """

    _gone = False
    _writing: asyncio.Task[None] | None = None

    async def stream(self, execution_id: str, after: int) -> None:
        """Stream the events after one; ends after the last event of the execution."""
        await self.send(self._frames(execution_id, after), f"reader of execution {execution_id}")

    async def _frames(self, execution_id: str, after: int) -> AsyncGenerator[bytes]:
        pages = self.backend.executions.events(execution_id, after, idle=KEEP_ALIVE_SECONDS)
        async with aclosing(pages):
            async for page in pages:
                frames = b"".join(b"id: %d\ndata: %b\n\n" % numbered for numbered in page)
                yield frames or STILL_THERE

    async def send(self, frames: AsyncGenerator[bytes], name: str) -> None:
        """Send frames as they come, to their end."""
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")
        self._send_at_once()
        writing = self._writing = asyncio.create_task(self._write_all(frames), name=name)
        if self._gone:
            writing.cancel()
        try:
            await asyncio.wait([writing])
        finally:
            writing.cancel()
        if writing.cancelled() or isinstance(writing.exception(), StreamClosedError):
            return  # the reader is gone: nothing to tell it, and the run goes on
        error = writing.exception()
        if isinstance(error, DataSphereError) and self._headers_written:
            # Too late for a status: it comes as an event of a type of its own.
            self.write(PROBLEM % msgspec.json.encode(problem_of(error)))
        elif error is not None:
            raise error
        self.finish(set_content_type="text/event-stream")

    def on_connection_close(self) -> None:
        self._gone = True
        if self._writing is not None:
            self._writing.cancel()

    async def _write_all(self, frames: AsyncGenerator[bytes]) -> None:
        async with aclosing(frames):
            async for frame in frames:
                self.write(frame)
                await self.flush()  # until the reader has taken it

    def _send_at_once(self) -> None:
        """A small event does not wait for the acknowledgement of the one before it."""
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection) and not connection.stream.closed():
            connection.stream.set_nodelay(True)


class EventsHandler(EventStream):
    """``GET …/{id}/events``, from the event after ``Last-Event-ID`` or the query's `after`."""

    @allow_unauthenticated
    async def get(self, execution_id: str) -> None:
        text = self.request.headers.get("Last-Event-ID") or self.get_query_argument("after", "0")
        if not text.isascii() or not text.isdecimal() or len(text) > 18:
            raise UsageError("Last-Event-ID must be the number of an event.")
        await self.stream(execution_id, int(text))


class ManyEventsHandler(EventStream):
    """``GET /datasphere/events?executions=ID,ID:N,…``: the events of several executions on one stream.

    A browser has six connections to a server, and each stream takes one. ``ID:N`` leaves out the events up to
    number N. The stream ends when all of these executions have ended. One that is not known, or cannot be
    read, is told by an event of the type `problem`, and the others go on.
    """

    @allow_unauthenticated
    async def get(self) -> None:
        wanted = self._wanted()
        await self.send(self._merged(wanted), f"reader of {len(wanted)} executions")

    def _wanted(self) -> dict[str, int]:
        texts = ",".join(self.get_query_arguments("executions")).split(",")
        if len(texts) > AT_ONCE:
            raise UsageError(f"One stream has at most {AT_ONCE} executions.")
        wanted = {}
        for text in texts:
            match = _ONE.fullmatch(text)
            if match is None:
                raise UsageError("executions must be a list of ID or ID:NUMBER, separated by commas.")
            wanted[match[1]] = int(match[2] or 0)
        return wanted

    async def _merged(self, wanted: dict[str, int]) -> AsyncGenerator[bytes]:
        frames = asyncio.Queue[bytes | None](1)  # who is slow makes all of them wait, and holds one page
        readers = [
            asyncio.create_task(self._read(execution_id, after, frames), name=f"part of {execution_id}")
            for execution_id, after in wanted.items()
        ]
        try:
            left = len(readers)
            while left:
                frame = await frames.get()
                if frame is None:
                    left -= 1
                else:
                    yield frame
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def _read(self, execution_id: str, after: int, frames: asyncio.Queue[bytes | None]) -> None:
        """Put the frames of one execution into the queue, then None."""
        head = b'data: {"execution":"%b","number":' % execution_id.encode()
        try:
            pages = self.backend.executions.events(execution_id, after, idle=KEEP_ALIVE_SECONDS)
            async with aclosing(pages):
                async for page in pages:
                    frame = b"".join(b'%b%d,"event":%b}\n\n' % (head, *numbered) for numbered in page)
                    await frames.put(frame or STILL_THERE)
        except DataSphereError as error:  # of this one alone: the others go on
            problem = msgspec.json.encode(problem_of(error))
            await frames.put(
                PROBLEM % (b'{"execution":"%b","problem":%b}' % (execution_id.encode(), problem))
            )
        await frames.put(None)
