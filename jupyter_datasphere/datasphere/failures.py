"""The one place that turns what the service answers, or fails to answer, into our exceptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import aiohttp
import httpx
import msgspec

from ..errors import ServiceError, UnavailableError
from . import roles, types
from .http import Answer
from .methods import Method

if TYPE_CHECKING:  # neither is imported before files are transferred
    import grpc.aio
    from google.protobuf.message import Message

    M = TypeVar("M", bound=Message)

REQUEST_INFO = "type.googleapis.com/google.rpc.RequestInfo"

# gRPC number: our word, the status with which our own server answers, the remedy.
_CODES: dict[int, tuple[str, int, str | None]] = {
    1: ("cancelled", 409, None),
    2: ("service", 502, "Try again later; if it stays so, tell DataSphere's support the request ID."),
    3: ("invalid-argument", 400, None),
    4: ("timeout", 504, "Try again later."),
    5: ("not-found", 404, "Check the name or ID, and that this account may see it."),
    6: ("already-exists", 409, "Choose another name, or use what is there."),
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
        "The IAM token is wrong or has expired. %ds_status says where it comes from.",
    ),
}

_HTTP_TO_GRPC = {400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 429: 8, 499: 1, 501: 12, 503: 14, 504: 4}

RETRIABLE = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses after which the same call may succeed, and is harmless where it is made again at all."""


RETRIABLE_CODES = frozenset({2, 4, 8, 13, 14, 15})
"""The same of gRPC."""

_CANNOT_CONNECT = re.compile(r"Cannot connect to host \S+ ssl:\S+ \[(.+)\]", flags=re.DOTALL)
"""How aiohttp says so: even of an address without TLS."""
_NEVER_SENT = ("failed to connect", "dns resolution failed", "empty address list")
"""How gRPC's own messages begin where no connection was made."""


def request_id_of(answer: Answer, status: types.Status | None = None) -> str | None:
    """The ID by which the service's support finds the request: the body's detail, else the header."""
    for detail in status.details if status else ():
        if detail.get("@type") == REQUEST_INFO and isinstance(detail.get("requestId"), str):
            return str(detail["requestId"])
    return answer.headers.get("x-request-id")


QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure"
_RAISE_IT = "Free some of it, or have the quota or the unit balance raised."


def is_quota(answer: Answer) -> bool:
    """Whether an answer says that a quota is used up, which does not pass by itself as a throttle does."""
    status = _status(answer)
    return status is not None and any(detail.get("@type") == QUOTA_FAILURE for detail in status.details)


def from_answer(answer: Answer, method: Method) -> ServiceError:
    """The error that an answer means which is no success."""
    status = _status(answer)
    if status is not None:
        number, message = status.code, status.message
    elif answer.status == 404:
        # A documented method that answers 404 without the service's error body does not exist there.
        number, message = 12, f"{method.name} is not a method of this service."
    else:
        number = _HTTP_TO_GRPC.get(answer.status, 2)
        message = f"The service answered {answer.status} {answer.reason}.".replace(" .", ".")
    error = from_status(types.Status(code=number, message=message), request_id_of(answer, status))
    if error.code == "permission-denied":
        error.hint = roles.remedy(method.name) or error.hint
    error.answer = (answer.status, answer.content)
    if is_quota(answer):
        error.hint = _RAISE_IT
    # An internal error, or one of a gateway in between, may come after the request was taken.
    error.may_have_arrived = answer.status >= 500
    return error


def too_large(method: Method, limit: int) -> ServiceError:
    """The error of an answer that was given up while it was read."""
    error = ServiceError(
        f"The answer to {method.name} is larger than {limit / 10**6:,.0f} MB, and was not read to its end.",
        code="answer-too-large",
        hint="Ask for less (a smaller page, later outputs, fewer variables), or allow more with"
        " DataSphere.max_answer_megabytes.",
    )
    error.may_have_arrived = True
    return error


def nonsense(base_url: str) -> ServiceError:
    """The error that an answer means which is no HTTP."""
    error = ServiceError(
        f"{base_url} gave an answer that is not proper HTTP.",
        code="bad-answer",
        hint="Is the endpoint that of DataSphere, or does a proxy answer in its place?",
    )
    error.may_have_arrived = True
    return error


def from_proxy(status: str, base_url: str) -> UnavailableError:
    """The error that the refusal of a proxy means."""
    return UnavailableError(
        f"No connection to {base_url}: the proxy answered {status}.",
        hint="Is the proxy right, and does it want a name and password?",
    )


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


def from_call(error: grpc.aio.AioRpcError, address: str) -> ServiceError | UnavailableError:
    """The error that a failed gRPC call means."""
    number, message = error.code().value[0], error.details() or ""
    metadata = [*error.initial_metadata(), *error.trailing_metadata()]
    if number == 14 and not metadata:  # gRPC says so itself, and not the service
        return _from_broken_call(message, address)
    from .project_files_pb2 import QuotaFailure, RequestInfo

    info = _detail(error, RequestInfo)
    named = next((str(value) for key, value in metadata if key == "x-request-id"), None)
    failure = from_status(
        types.Status(code=number, message=message), info.request_id if info is not None else named
    )
    if failure.code == "permission-denied":
        failure.hint = roles.remedy_for(roles.FILES)
    if number == 8 and _detail(error, QuotaFailure) is not None:
        failure.hint = _RAISE_IT
    failure.may_have_arrived = number in RETRIABLE_CODES
    return failure


def retry_after(error: grpc.aio.AioRpcError) -> bool | float:
    """Whether the same gRPC call may succeed later, and after how many seconds if the service says so."""
    from .project_files_pb2 import QuotaFailure, RetryInfo

    if error.code().value[0] not in RETRIABLE_CODES or _detail(error, QuotaFailure) is not None:
        return False  # a quota is not a throttle: it does not pass by itself
    wait = _detail(error, RetryInfo)
    return True if wait is None else max(0.0, wait.retry_delay.ToTimedelta().total_seconds())


def late(base_url: str, seconds: float) -> UnavailableError:
    """The error of a call for which its time was not enough."""
    error = UnavailableError(
        f"{base_url} did not answer in time ({seconds:g} s).",
        code="timeout",
        hint="Try again later; DataSphere.request_timeout gives calls more time.",
    )
    error.may_have_arrived = True
    return error


def no_token(seconds: float) -> UnavailableError:
    """The error of a call that could not be made, since no IAM token came in its time."""
    return UnavailableError(
        f"No IAM token came within {seconds:g} s, so DataSphere was not asked.",
        code="timeout",
        hint="%ds_status says where tokens come from, and `jupyter datasphere doctor` whether IAM answers.",
    )


def stalled(address: str, seconds: float) -> UnavailableError:
    """The error of a gRPC call in which nothing moved for so long."""
    error = UnavailableError(
        f"{address} did not answer in {seconds:g} seconds.", code="timeout", hint="Try again later."
    )
    error.may_have_arrived = True
    return error


def left(address: str) -> UnavailableError:
    """The error of a gRPC call whose connection was left from here."""
    error = UnavailableError(f"The connection to {address} was left.", hint="Try again.")
    error.may_have_arrived = True
    return error


def _from_broken_call(message: str, address: str) -> UnavailableError:
    reason = message.rpartition("last error: ")[2].rstrip(".") or "gRPC gives no reason"
    if message.lower().startswith(_NEVER_SENT):
        return UnavailableError(
            f"No connection to {address}: {reason}.",
            hint="Is the service (or the emulator) running, and is the endpoint of files right? gRPC needs "
            "HTTP/2: a proxy in between may block it.",
        )
    error = UnavailableError(f"The connection to {address} broke: {reason}.", hint="Try again later.")
    error.may_have_arrived = True
    return error


def _detail(error: grpc.aio.AioRpcError, kind: type[M]) -> M | None:
    """The detail of that kind which the service gave with an error, if any."""
    from google.protobuf.message import DecodeError

    from .project_files_pb2 import Status

    for key, value in error.trailing_metadata():
        if key != "grpc-status-details-bin" or not isinstance(value, bytes):
            continue
        try:
            for detail in Status.FromString(value).details:
                if detail.type_url == f"type.googleapis.com/google.rpc.{kind.__name__}":
                    return kind.FromString(detail.value)
        except DecodeError:
            return None
    return None


def _never_sent(error: httpx.HTTPError) -> bool:
    """Whether no connection was made. The aiohttp transport reports that, like a connection that broke
    after the request, as ConnectTimeout: only the cause tells the two apart."""
    return isinstance(error.__cause__, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def _from_network(error: httpx.HTTPError, base_url: str) -> UnavailableError:
    if _never_sent(error):
        return UnavailableError(
            f"No connection to {base_url}: {_reason(error)}.",
            hint="Is the service (or the emulator) running, and the endpoint, proxy and CA bundle right?",
        )
    return UnavailableError(f"The connection to {base_url} broke: {_reason(error)}.", hint="Try again later.")


def _reason(error: Exception) -> str:
    """In the library's words, without the address, which whoever reads them knows."""
    text = str(error).rstrip(".") or type(error).__name__
    inner = _CANNOT_CONNECT.fullmatch(text)
    return inner[1] if inner else text


def _status(answer: Answer) -> types.Status | None:
    try:
        status = types.decode(answer.content, types.Status)
    except msgspec.MsgspecError:
        return None
    return status if status.code else None
