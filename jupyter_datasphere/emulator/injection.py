"""Making faults happen: the middleware around `answer_errors`, which sees whole answers and connections."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar

from aiohttp import web
from aiohttp.typedefs import Middleware

from .control import Control
from .errors import ApiError, Code, answer_errors, not_found
from .errors import Handler as WebHandler
from .faults import Fault, FaultStatus
from .handlers import SERVICES

PAUSE: ContextVar[float] = ContextVar("pause", default=0.0)
"""Seconds that an execution waits which the present call starts."""

CODES: dict[int, Code] = {
    403: Code.PERMISSION_DENIED,
    429: Code.RESOURCE_EXHAUSTED,
    500: Code.INTERNAL,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}
BAD_GATEWAY = (
    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
)
"""What a proxy says that does not reach the service: nothing of the service's form."""


def injection(names: Mapping[WebHandler, str], control: Control) -> Middleware:
    """The middleware that counts calls and lets the rules' faults happen to them.

    `names` has the names of the methods by their handlers; what is not in it is no call of the API.
    """

    @web.middleware
    async def inject(request: web.Request, handler: WebHandler) -> web.StreamResponse:
        name = names.get(request.match_info.handler)
        if name is None:
            return await handler(request)
        control.calls[name] += 1
        fault = control.faults.next(name)
        if fault is None:
            return await handler(request)
        if fault.restart:
            control.restart()
            return _cut(request)
        return await _meet(fault, request, handler)

    return inject


async def _meet(fault: Fault, request: web.Request, handler: WebHandler) -> web.StreamResponse:
    if fault.status is not None:
        return await _refuse(request, fault.status, fault.retry_after)
    if fault.delay is not None:
        await asyncio.sleep(fault.delay)
        return await handler(request)
    if fault.cut == "before":
        return _cut(request)
    if fault.cut == "middle":
        return await _cut_midway(request, await handler(request))
    if fault.lose:
        await handler(request)
        return _cut(request)
    if fault.expire_tokens:
        request.app[SERVICES].identity.expire_all()
        return await _error(request, ApiError(Code.UNAUTHENTICATED, "The IAM token has expired"))
    if fault.forget_operation:
        operation = request.match_info["operationId"]
        request.app[SERVICES].operations.forget(operation)
        return await _error(request, not_found("Operation", operation))
    assert fault.pause is not None
    pause = PAUSE.set(fault.pause)
    try:
        return await handler(request)
    finally:
        PAUSE.reset(pause)  # the next call of this connection has the same context


async def _refuse(request: web.Request, status: FaultStatus, retry_after: int | None) -> web.StreamResponse:
    response: web.StreamResponse
    if status == 502:
        response = web.Response(status=status, text=BAD_GATEWAY, content_type="text/html")
    else:
        response = await _error(request, ApiError(CODES[status], f"A fault on purpose: {status}"))
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


async def _error(request: web.Request, error: ApiError) -> web.StreamResponse:
    """The answer that the service gives for an error."""

    async def fail(request: web.Request) -> web.StreamResponse:
        raise error

    return await answer_errors(request, fail)


def _cut(request: web.Request) -> web.StreamResponse:
    """Close the connection now. The response is for aiohttp, which finds that it cannot send it."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _cut_midway(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """Send the headers and half of the body, then close the connection."""
    assert isinstance(answer, web.Response)
    assert isinstance(answer.body, bytes)
    part = web.StreamResponse(status=answer.status, headers=answer.headers)
    part.content_length = len(answer.body)
    await part.prepare(request)
    await part.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()  # once what was written is out
    return part
