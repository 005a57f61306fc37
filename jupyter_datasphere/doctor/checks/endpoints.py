"""Whether the services answer, how fast, and by which way.

Each is asked without a token for what cannot be there: the refusal is the answer.
"""

from __future__ import annotations

import time
from functools import partial
from urllib.parse import urlsplit

import msgspec

from ...datasphere import types
from ...datasphere.file_calls import PLAIN
from ...datasphere.http import proxy_of_environment
from ...datasphere.methods import METHODS, Host
from ...datasphere.retries import RetryPolicy
from ...errors import ServiceError, UnavailableError, UsageError
from ...server.backend import files_of, transport_of
from ...server.settings import Settings
from ..finding import Case, Check, Finding, Result

ONCE = RetryPolicy(attempts=1)
ANSWERS = frozenset({"unauthenticated", "not-found", "permission-denied", "invalid-argument"})
"""What a service says to a call without a token, for a thing that does not exist."""

_NAMES: dict[Host, str] = {"datasphere": "DataSphere", "operation": "Operations", "iam": "IAM"}
_QUESTIONS: dict[Host, str] = {
    "datasphere": "project.get",
    "operation": "operation.get",
    "iam": "iam.createToken",
}
_IDS = {"projectId": "0", "operationId": "0"}


def is_refusal(error: ServiceError) -> bool:
    """Whether the service itself refused it: what is in its place may answer with such a status, too."""
    if error.code not in ANSWERS:
        return False
    if error.answer is None:  # gRPC
        return True
    try:
        return types.decode(error.answer[1], types.Status).code != 0
    except msgspec.MsgspecError:
        return False


async def rest(host: Host, case: Case) -> list[Finding]:
    """Of IAM no token is asked for, but the request is left empty."""
    transport = transport_of(case.settings, ONCE)
    url = transport.endpoints.of(host)
    request = types.TokenRequest() if host == "iam" else None
    begun = time.monotonic()
    try:
        await transport.call(METHODS[_QUESTIONS[host]], _IDS, request)
    except ServiceError as error:
        if not is_refusal(error):
            raise _something_else(url, error) from error
    finally:
        await transport.aclose()
    result, way, remedy = _way(case.settings, url)
    found = f"{url} answers after {_milliseconds(begun)}; {way}."
    return [Finding(_NAMES[host], result, found, remedy)]


async def files(case: Case) -> list[Finding]:
    reached = files_of(case.settings, _NoToken(), ONCE)
    begun = time.monotonic()
    try:
        await reached.read("0", "nothing")
    except UsageError as error:
        return [Finding("Files (gRPC)", "warn", error.message, error.hint)]
    except ServiceError as error:
        if not is_refusal(error):
            raise _something_else(reached.address, error) from error
    except UnavailableError as error:
        return [Finding("Files (gRPC)", "warn", f"{error.message} The channel files needs it.", error.hint)]
    finally:
        await reached.aclose()
    address = reached.address if "://" in reached.address else f"https://{reached.address}"
    result, way, remedy = _way(case.settings, address)
    found = f"{reached.address.removeprefix(PLAIN)} answers after {_milliseconds(begun)}; {way}."
    return [Finding("Files (gRPC)", result, found, remedy)]


class _NoToken:
    """Nobody's credentials."""

    async def token(self) -> str:
        return "none"

    async def renew(self, refused: str) -> bool:
        return False

    remedy = ""


def _something_else(url: str, error: ServiceError) -> ServiceError:
    if error.code == "no-such-method" or error.code in ANSWERS:
        return ServiceError(
            f"What answers at {url} is not DataSphere: {error.message}",
            code="bad-endpoint",
            hint="Is the endpoint right, or does a proxy answer in its place?",
            request_id=error.request_id,
        )
    return error


def _milliseconds(begun: float) -> str:
    return f"{(time.monotonic() - begun) * 1000:,.0f} ms"


def _way(settings: Settings, url: str) -> tuple[Result, str, str | None]:
    """TLS and proxy of the way to a service, in words, and what is wrong with them."""
    parts = urlsplit(url)
    proxy = settings.proxy or proxy_of_environment(url)
    via = "no proxy" if not proxy else f"by the proxy {_without_password(proxy)}"
    if parts.scheme == "http":
        if parts.hostname in ("127.0.0.1", "localhost", "::1"):
            return "ok", f"without TLS, on this machine; {via}", None
        remedy = "Your token travels in the clear: begin the endpoint with https://."
        return "warn", f"without TLS; {via}", remedy
    if not settings.verify and not settings.ca_bundle:
        remedy = "Anybody on the way can read your token: name its issuer in DataSphere.ca_bundle instead."
        return "warn", f"TLS, whose certificate is not verified; {via}", remedy
    by = settings.ca_bundle or "the certificates of this system"
    return "ok", f"TLS, verified by {by}; {via}", None


def _without_password(proxy: str) -> str:
    """A proxy may have a user's name and password before its host."""
    return urlsplit(proxy).netloc.rpartition("@")[2] or "of the environment"


CHECKS = (
    *(Check(name, partial(rest, host)) for host, name in _NAMES.items()),
    Check("Files (gRPC)", files),
)
