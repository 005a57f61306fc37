"""The service's errors, and the one place that turns exceptions into its error answers.

The body is a google.rpc.Status in JSON, ``{"code": 5, "message": "…", "details": [{"@type":
"type.googleapis.com/google.rpc.RequestInfo", "requestId": "…"}]}``; its `code` is the gRPC number. A method
that does not exist answers 404 with plain text.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Any

import msgspec
from aiohttp import web

from ..datasphere.types import Status

log = logging.getLogger(__name__)


class Code(IntEnum):
    """gRPC status codes that the emulator uses."""

    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


HTTP_STATUS: dict[int, int] = {
    1: 499,
    2: 500,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    13: 500,
    14: 503,
    15: 500,
    16: 401,
}
"""The HTTP status of each gRPC code."""


class ApiError(Exception):
    """An error that the service answers: gRPC code, message and details (each with its ``@type``)."""

    def __init__(self, code: Code, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details or []

    def status(self) -> Status:
        return Status(code=int(self.code), message=self.message, details=self.details)


def invalid(field: str, problem: str) -> ApiError:
    """Code 3, with the field named as the service does (google.rpc.BadRequest)."""
    violation = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": problem}],
    }
    return ApiError(Code.INVALID_ARGUMENT, f"{field}: {problem}" if field else problem, [violation])


def not_found(kind: str, name: str) -> ApiError:
    return ApiError(Code.NOT_FOUND, f"{kind} {name} not found")


def quota_exceeded(subject: str, problem: str) -> ApiError:
    """Code 8, told apart from throttling by google.rpc.QuotaFailure."""
    failure = {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"subject": subject, "description": problem}],
    }
    return ApiError(Code.RESOURCE_EXHAUSTED, problem, [failure])


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every answer its request and trace ID, and every exception the documented body."""
    request_id = str(uuid.uuid4())
    try:
        response = await handler(request)
    except ApiError as error:
        response = _error_response(error, request_id)
    except web.HTTPRequestEntityTooLarge:
        problem = f"The request is larger than {request.client_max_size} bytes"
        response = _error_response(ApiError(Code.INVALID_ARGUMENT, problem), request_id)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        text = f"No such method: {request.method} {request.path}\n"
        response = web.Response(status=404, text=text)
    except web.HTTPException as exception:
        response = web.Response(status=exception.status, text=exception.reason)
    except Exception:
        log.exception("Request %s (%s %s) failed", request_id, request.method, request.path)
        response = _error_response(ApiError(Code.INTERNAL, "Internal error of the emulator"), request_id)
    response.headers["x-request-id"] = request_id
    response.headers["x-server-trace-id"] = str(uuid.uuid4())
    return response


def _error_response(error: ApiError, request_id: str) -> web.Response:
    status = error.status()
    info = {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": request_id}
    status.details = [*status.details, info]
    return web.Response(
        status=HTTP_STATUS[error.code], body=msgspec.json.encode(status), content_type="application/json"
    )
