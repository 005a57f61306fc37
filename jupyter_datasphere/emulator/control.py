"""The control endpoint: what tests and lessons ask of the emulator itself, next to the service's API.

`GET /emulator/faults`, `PUT /emulator/faults`, `GET /emulator/calls`, `GET /emulator/link?project=ID`,
`DELETE /emulator/link?project=ID`, `POST /emulator/token?account=NAME`.
They need the `control_token` of `emulator.json` as bearer token, are not counted and never meet a fault:
whoever has set a rule that breaks every call can take it back.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from ..datasphere import types
from ..datasphere.types import TokenResponse
from .errors import ApiError, Code, invalid
from .errors import Handler as WebHandler
from .faults import Faults, parse_rules


class Control(msgspec.Struct, frozen=True):
    """What outlives a restart of the emulator within its process, and the way to cause one."""

    token: str
    calls: Counter[str]
    """Calls so far by the name of the method, with those that were refused or met a fault."""
    faults: Faults
    restart: Callable[[], None]
    """Restart soon, once the caller has returned."""
    link: Callable[[str], Awaitable[str]]
    """The link for external IDE of a project, by its ID; its Jupyter server runs then."""
    stop: Callable[[str], Awaitable[bool]]
    """Stop a project's VM: end its Jupyter server with all kernels. Whether one ran."""
    issue: Callable[[str], TokenResponse]
    """An IAM token of an account, by its name."""


def add_control(router: web.UrlDispatcher, control: Control) -> None:
    """Add the endpoint's routes."""

    async def get_faults(request: web.Request) -> web.StreamResponse:
        return _json(control.faults.report())

    async def put_faults(request: web.Request) -> web.StreamResponse:
        try:
            rules = parse_rules(await request.read())
        except ValueError as error:
            raise invalid("", str(error)) from error
        control.faults.replace(rules)
        return _json(control.faults.report())

    async def get_calls(request: web.Request) -> web.StreamResponse:
        return _json(control.calls)

    async def get_link(request: web.Request) -> web.StreamResponse:
        """What the Share menu of an open project shows over there."""
        return _json({"link": await control.link(request.query.get("project", ""))})

    async def delete_link(request: web.Request) -> web.StreamResponse:
        """What happens over there when a project is closed, or has been idle for long."""
        return _json({"stopped": await control.stop(request.query.get("project", ""))})

    async def post_token(request: web.Request) -> web.StreamResponse:
        """What the vendor's CLI gives to who has logged in with it, a browser's login included."""
        return _json(types.to_builtins(control.issue(request.query.get("account", ""))))

    router.add_post("/emulator/token", _guarded(control.token, post_token))
    router.add_delete("/emulator/link", _guarded(control.token, delete_link))
    router.add_get("/emulator/link", _guarded(control.token, get_link), allow_head=False)
    router.add_get("/emulator/faults", _guarded(control.token, get_faults), allow_head=False)
    router.add_put("/emulator/faults", _guarded(control.token, put_faults))
    router.add_get("/emulator/calls", _guarded(control.token, get_calls), allow_head=False)


def _guarded(token: str, handler: WebHandler) -> WebHandler:
    expected = f"Bearer {token}".encode()

    async def guarded(request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, expected):
            raise ApiError(Code.UNAUTHENTICATED, "This needs the control_token of emulator.json")
        return await handler(request)

    return guarded


def _json(content: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")
