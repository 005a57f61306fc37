"""What IAM makes of a proof of who asks: an IAM token, or an error that says whose fault it is."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ..datasphere import types
from ..datasphere.failures import RETRIABLE
from ..datasphere.methods import METHODS
from ..datasphere.transport import Transport, read
from ..errors import CredentialsError, ServiceError, UnavailableError
from .source import Token

METHOD = METHODS["iam.createToken"]


async def exchange(transport: Transport, proof: types.TokenRequest, *, what: str, remedy: str) -> Token:
    """A token for a proof; `what` it is, in words, and the `remedy` where IAM refuses it.

    Raises `CredentialsError` for a refusal, `UnavailableError` where IAM is away or has a fault, and
    `ServiceError` (code "bad-endpoint") where something else answers in its place.
    """
    try:
        answer = read(await transport.call(METHOD, request=proof), types.TokenResponse, METHOD)
    except ServiceError as error:
        raise _judged(error, transport.endpoints.iam, what, remedy) from error
    if not answer.iam_token:
        raise _something_else(transport.endpoints.iam, "its answer holds no token")
    return Token(answer.iam_token, _life(answer.expires_at, transport))


def now(transport: Transport) -> float:
    """Seconds since the epoch by the service's clock, where that is known, else by the one here."""
    if transport.clock.known:
        return transport.clock.earliest(transport.here.elapsed())
    return transport.here.wall()


def _judged(
    error: ServiceError, url: str, what: str, remedy: str
) -> CredentialsError | ServiceError | UnavailableError:
    if error.answer is None:
        return _something_else(url, error.message)
    status, body = error.answer
    if status in RETRIABLE:
        return UnavailableError(
            f"IAM gives no token now: {error.message}",
            code="throttled" if status == 429 else "unavailable",
            hint=error.hint
            if status == 429
            else f"{url} is to blame, and not your credentials: try again later.",
            request_id=error.request_id,
        )
    if not _is_of_the_service(body):
        return _something_else(url, error.message)
    return CredentialsError(
        f"IAM refused the {what}: {error.message}", hint=remedy, request_id=error.request_id
    )


def _is_of_the_service(body: bytes) -> bool:
    try:
        return types.decode(body, types.Status).code != 0
    except msgspec.MsgspecError:
        return False


def _something_else(url: str, reason: str) -> ServiceError:
    return ServiceError(
        f"What answers at {url} is not IAM: {reason}",
        code="bad-endpoint",
        hint="Is the endpoint right, or does a proxy or the login page of a network answer in its place?",
    )


def _life(timestamp: str, transport: Transport) -> float | None:
    try:
        life = datetime.fromisoformat(timestamp).timestamp() - now(transport)
    except ValueError:
        return None
    return life if life > 0 else None  # else the clock here is wrong: the service will say when it is over
