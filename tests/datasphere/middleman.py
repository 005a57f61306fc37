"""Stands between a client and a Jupyter server, and does to each request what a test wants."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Literal

import aiohttp
from aiohttp import web
from yarl import URL

from jupyter_datasphere.datasphere.jupyter_link import Link

Meddling = Literal["", "lose request", "lose answer", "double", "forbid", "refuse", "too large"]


class Middleman:
    """`meddle` says what happens to a request, of which `asked` keeps the beginning."""

    def __init__(self, link: Link) -> None:
        self.meddle: Callable[[str, str], Meddling] = lambda verb, path: ""
        self.asked: list[str] = []
        self._their = link

    async def __aenter__(self) -> Middleman:
        self._http = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.link = Link(f"http://127.0.0.1:{self._runner.addresses[0][1]}/", self._their.token)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()
        await self._http.close()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        meddling = self.meddle(request.method, request.raw_path)
        self.asked.append(f"{request.method} {request.raw_path}")
        if meddling in ("refuse", "forbid", "too large"):
            return web.Response(status={"refuse": 503, "forbid": 403, "too large": 413}[meddling])
        body = await request.read()
        if meddling != "lose request":
            answer = await self._forward(request, body)
            if meddling == "double":
                answer = await self._forward(request, body)
        if meddling.startswith("lose"):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {
            name: request.headers[name] for name in ("Authorization", "Range") if name in request.headers
        }
        url = URL(self._their.url + request.raw_path[1:], encoded=True)
        data = BytesIO(body) if body else None
        async with self._http.request(request.method, url, headers=headers, data=data) as answer:
            kept = {
                name: answer.headers[name]
                for name in ("Content-Range", "Last-Modified")
                if name in answer.headers
            }
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)
