"""Stands between a client and the emulator, and has the vendor's classes read everything that passes."""

from __future__ import annotations

import json
import re
from collections import Counter

import aiohttp
import vendor
from aiohttp import web

from jupyter_datasphere.datasphere.methods import METHODS, Method


class Witness:
    """`url` is where it listens. `seen` counts the methods whose requests and good answers were right."""

    def __init__(self, url: str) -> None:
        self.seen: Counter[str] = Counter()
        self.objections: list[AssertionError] = []
        self._theirs = url

    async def __aenter__(self) -> Witness:
        self._http = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()
        await self._http.close()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        async with self._http.request(
            request.method, self._theirs + request.raw_path, headers=headers, data=body
        ) as answer:
            content = await answer.read()
        try:
            self._look(request, body, answer.status, content)
        except AssertionError as objection:
            self.objections.append(objection)
        return web.Response(status=answer.status, body=content, content_type=answer.content_type)

    def _look(self, request: web.Request, body: bytes, status: int, content: bytes) -> None:
        method, ids = method_of(request.method, request.path)
        if method.name not in vendor.NO_LONGER:
            if request.method in ("POST", "PATCH"):
                assert not request.query_string
                fields = json.loads(body)
            else:
                assert not body
                fields = {name: request.query[name] for name in request.query}
            vendor.request_of(method, fields, ids)
            if status == 200:
                vendor.answer_of(method, content)
        if status == 200:
            self.seen[method.name] += 1


def method_of(verb: str, path: str) -> tuple[Method, dict[str, str]]:
    """The method that a request is one of, and the IDs in its path. Raises `LookupError`."""
    for method in METHODS.values():
        names = re.findall(r"{(\w+)}", method.path)
        pattern = re.sub(r"\\{\w+\\}", r"([\\w-]+)", re.escape(method.path))
        match = re.fullmatch(pattern, path)
        if match and method.verb == verb:
            return method, dict(zip(names, match.groups(), strict=True))
    raise LookupError(f"{verb} {path} is no method")
