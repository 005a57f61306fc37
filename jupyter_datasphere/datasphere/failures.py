"""The one place that turns what the service answers, or fails to answer, into our exceptions."""

from __future__ import annotations

import aiohttp
import httpx
import msgspec

from ..errors import ServiceError, UnavailableError
from . import types
from .methods import Method

REQUEST_INFO = "type.googleapis.com/google.rpc.RequestInfo"

# gRPC number: our word, the status with which our own server answers, the remedy.
_CODES: dict[int, tuple[str, int, str | None]] = {
    1: ("cancelled", 409, None),
    2: ("service", 502, None),
    3: ("invalid-argument", 400, None),
    4: ("timeout", 504, "Try again later."),
    5: ("not-found", 404, "Check the name or ID, and that this account may see it."),
    6: ("already-exists", 409, None),
    7: (
        "permission-denied",
        403,
        "Ask an administrator of the project or community for the role that is missing.",
    ),
    8: ("resource-exhausted", 429, "Wait a little, or raise the quota or the unit balance."),
    9: ("failed-precondition", 400, None),
    10: ("conflict", 409, "Try again."),
    11: ("invalid-argument", 400, None),
    12: ("no-such-method", 501, "This revision of the service does not have that method."),
    13: ("service", 502, "Try again later; if it stays so, tell DataSphere's support the request ID."),
    14: ("unavailable", 503, "Try again later."),
    15: ("service", 502, None),
    16: (
        "unauthenticated",
        401,
        "The IAM token is wrong or has expired: start the Jupyter server with YC_TOKEN (OAuth) "
        "or a fresh YC_IAM_TOKEN.",
    ),
}

_HTTP_TO_GRPC = {400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 429: 8, 499: 1, 501: 12, 503: 14, 504: 4}

RETRIABLE = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses after which the same call may succeed, and is harmless where it is made again at all."""


def request_id_of(response: httpx.Response, status: types.Status | None = None) -> str | None:
    """The ID by which the service's support finds the request: the body's detail, else the header."""
    for detail in status.details if status else ():
        if detail.get("@type") == REQUEST_INFO and isinstance(detail.get("requestId"), str):
            return str(detail["requestId"])
    header: str | None = response.headers.get("x-request-id")
    return header


def from_response(response: httpx.Response, method: Method) -> ServiceError:
    """The error that an answer of 400 or more means."""
    status = _status(response)
    if status is not None:
        number, message = status.code, status.message
    elif response.status_code == 404:
        # A documented method that answers 404 without the service's error body does not exist there.
        number, message = 12, f"{method.name} is not a method of this service."
    else:
        number = _HTTP_TO_GRPC.get(response.status_code, 2)
        message = f"The service answered {response.status_code} {response.reason_phrase}.".replace(" .", ".")
    error = from_status(types.Status(code=number, message=message), request_id_of(response, status))
    error.answer = (response.status_code, response.content)
    # An internal error, or one of a gateway in between, may come after the request was taken.
    error.may_have_arrived = response.status_code >= 500
    return error


def from_status(status: types.Status, request_id: str | None = None) -> ServiceError:
    """The error that a google.rpc.Status means, in an answer or in an operation."""
    code, http_status, hint = _CODES.get(status.code, ("service", 502, None))
    return ServiceError(
        status.message or f"The service failed with code {status.code}.",
        grpc_code=status.code,
        code=code,
        hint=hint,
        request_id=request_id,
        http_status=http_status,
    )


def from_network(error: httpx.HTTPError, base_url: str) -> UnavailableError:
    """The error that no (complete) answer means."""
    translated = _from_network(error, base_url)
    translated.may_have_arrived = not _never_sent(error)
    return translated


def _never_sent(error: httpx.HTTPError) -> bool:
    """Whether no connection was made. The aiohttp transport reports that, like a connection that broke
    after the request, as ConnectTimeout: only the cause tells the two apart."""
    return isinstance(error, httpx.ConnectError) or isinstance(error.__cause__, aiohttp.ClientConnectorError)


def _from_network(error: httpx.HTTPError, base_url: str) -> UnavailableError:
    if _never_sent(error):
        return UnavailableError(
            f"No connection to {base_url}: {_reason(error)}.",
            hint="Is the service (or the emulator) running, and the endpoint, proxy and CA bundle right?",
        )
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return UnavailableError(
            f"{base_url} did not answer in time.", code="timeout", hint="Try again later."
        )
    return UnavailableError(f"The connection to {base_url} broke: {_reason(error)}.", hint="Try again later.")


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _status(response: httpx.Response) -> types.Status | None:
    try:
        status = types.decode(response.content, types.Status)
    except msgspec.MsgspecError:
        return None
    return status if status.code else None
