"""From HTTP to `handlers` and back: routes, tokens, request messages, idempotency keys.

Every method has the route that the table of methods gives it. Methods of revision 2024-03 do not exist in
`current`.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from typing import Any, Literal

import msgspec
from aiohttp import web

from ..datasphere import types
from ..datasphere.methods import METHODS, Method
from ..datasphere.roles import NEEDS
from .control import Control, add_control
from .errors import Handler as WebHandler
from .errors import answer_errors, invalid
from .faults import METADATA_TOKEN
from .handlers import HANDLERS, SERVICES, Call
from .injection import PAUSE, injection
from .metadata import METADATA_PATH, metadata_token
from .protojson import message, parse_body, parse_query
from .roles import resource_in

Revision = Literal["2024-03", "current"]

MAX_BODY = 64 * 2**20
"""Bytes of a request. The service's own limit is undocumented."""
MAX_ID = 50

_PARAMETER = re.compile(r"\{(\w+)\}")

HOSTS: web.AppKey[frozenset[str]] = web.AppKey("hosts", frozenset)


def application(revision: Revision, control: Control) -> web.Application:
    """The web application; its `SERVICES` and `HOSTS` must be set before the first request.

    `control` counts the calls and has the faults that they meet; foreign requests meet and count nothing.
    """
    names: dict[WebHandler, str] = {}
    app = web.Application(
        middlewares=[check_host, injection(names, control), answer_errors], client_max_size=MAX_BODY
    )
    for method in METHODS.values():
        if method.revision in ("all", revision):
            handler = _handler(method)
            names[handler] = method.name
            app.router.add_route(method.verb, route_template(method.path), handler)
            if method.name == "operation.cancel":  # the reference says GET, one of the guides POST
                app.router.add_route("POST", route_template(method.path), handler)
    app.router.add_route("*", "/ide/{projectId}", project_page)
    app.router.add_get(METADATA_PATH, metadata_token, allow_head=False)
    names[metadata_token] = METADATA_TOKEN
    add_control(app.router, control)
    return app


def route_template(path: str) -> str:
    """aiohttp's form of a path template: an ID holds no slash, and no colon, which begins a verb."""
    return _PARAMETER.sub(r"{\1:[^/:]+}", path)


def _handler(method: Method) -> WebHandler:
    work = HANDLERS[method.name]
    need = NEEDS.get(method.name)

    async def handle(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        subject = ""
        if method.host != "iam":
            subject = services.identity.authenticate(request.headers.get("Authorization"))
        ids = dict(request.match_info)
        for name, value in ids.items():
            if len(value) > MAX_ID:
                raise invalid(name, f"longer than {MAX_ID} characters")
        data: dict[str, Any] = {}
        if method.request is not None:
            # Read even where a GET usually has none: some examples of the documents send their fields so.
            data = {
                **parse_query(list(request.query.items()), method.request),
                **parse_body(await request.read()),
            }
        call = Call(
            services=services,
            subject=subject,
            path=ids,
            request=None if method.request is None else message(data, method.request),
            pause=PAUSE.get(),
        )
        if need is not None:
            services.access.check(subject, need.kind, resource_in(need, ids, call.request), need.level)
        if method.changing:
            key = request.headers.get("Idempotency-Key")
            digest = hashlib.sha256(msgspec.json.encode((method.name, ids, data), order="sorted")).digest()
            answer: Any = services.operations.once(subject, key, digest, lambda: work(call))
        else:
            answer = work(call)
            if inspect.isawaitable(answer):
                answer = await answer
        return web.Response(body=types.encode(answer), content_type="application/json")

    return handle


async def project_page(request: web.Request) -> web.StreamResponse:
    """What an opened project shows; the session token comes in the query or in the body."""
    form = await request.post()
    token = request.query.get("sessionToken") or str(form.get("sessionToken", ""))
    project_id = request.match_info["projectId"]
    if request.app[SERVICES].sessions.get(token) != project_id:
        raise web.HTTPForbidden
    return web.Response(text=f"Project {project_id} of the DataSphere emulator\n")


@web.middleware
async def check_host(request: web.Request, handler: WebHandler) -> web.StreamResponse:
    """Refuse a foreign Host header: a page of another site must not reach us by a name of its own."""
    if request.headers.get("Host", "").lower() not in request.app[HOSTS]:
        return web.Response(status=403, text="The emulator answers to its own address only\n")
    return await handler(request)
