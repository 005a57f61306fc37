"""Server-sent events of an execution."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from ...errors import DataSphereError, UsageError
from ..problems import problem_of
from .base import DataSphereHandler, allow_unauthenticated

KEEP_ALIVE_SECONDS = 15.0


class EventStream(DataSphereHandler):
    """Writes the events of an execution as they come.

    A slow reader reads from disk at its own pace: one page is in memory for it, whatever comes meanwhile.
    One that is gone is dropped at once, and not only when there is something to write to it.
    """

    _gone = False
    _writing: asyncio.Task[None] | None = None

    async def stream(self, execution_id: str, after: int) -> None:
        """Stream the events after one; ends after the last event of the execution."""
        pages = self.backend.executions.events(execution_id, after, idle=KEEP_ALIVE_SECONDS)
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")
        self._send_at_once()
        writing = self._writing = asyncio.create_task(
            self._send_pages(pages), name=f"reader of execution {execution_id}"
        )
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
            self.write(b"event: problem\ndata: %b\n\n" % msgspec.json.encode(problem_of(error)))
        elif error is not None:
            raise error
        self.finish(set_content_type="text/event-stream")

    def on_connection_close(self) -> None:
        self._gone = True
        if self._writing is not None:
            self._writing.cancel()

    async def _send_pages(self, pages: AsyncGenerator[list[tuple[int, bytes]]]) -> None:
        async with aclosing(pages):
            async for page in pages:
                if page:
                    self.write(b"".join(b"id: %d\ndata: %b\n\n" % numbered for numbered in page))
                else:
                    self.write(b": still there\n\n")
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
