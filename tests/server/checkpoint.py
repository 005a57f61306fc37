"""Stands between the server extension and the emulator, in a thread, and writes down what comes by.

A request that is no documented method, or that would not reach its method to the letter, is an objection.
"""

from __future__ import annotations

import asyncio
import re
import threading
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp
from aiohttp import web
from datasphere.witness import method_of
from yarl import URL

RAW_PATH = re.compile(r"/[A-Za-z0-9_./:-]*", flags=re.ASCII)


class Seen(NamedTuple):
    """A request that came by: the method that it is of, and the IDs in its path."""

    method: str
    ids: dict[str, str]
    headers: dict[str, str]


class Checkpoint:
    """`url` is where it listens."""

    def __init__(self, theirs: str) -> None:
        self.seen: list[Seen] = []
        self.objections: list[str] = []
        self.session_tokens: set[str] = set()
        """Those of opened projects, as the service gave them."""
        self.away = False
        """Whether everybody finds the service gone: their connections are cut."""
        self._theirs = theirs
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._http = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._http.close()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        if self.away:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        self._look(request)
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        url = URL(self._theirs + request.raw_path, encoded=True)
        async with self._http.request(request.method, url, headers=headers, data=body) as answer:
            content = await answer.read()
            self.session_tokens.update(
                re.findall(r'"sessionToken": ?"([^"]+)"', content.decode(errors="replace"))
            )
            kept = {n: v for n, v in answer.headers.items() if n.lower() in ("x-request-id", "content-type")}
        return web.Response(status=answer.status, body=content, headers=kept)

    def _look(self, request: web.Request) -> None:
        raw = request.raw_path.partition("?")[0]
        try:
            if RAW_PATH.fullmatch(raw) is None:
                raise LookupError("no path of the service has such characters")
            method, ids = method_of(request.method, raw)
        except LookupError as error:
            self.objections.append(f"{request.method} {request.raw_path[:200]}: {error}")
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(method.name, ids, headers))
