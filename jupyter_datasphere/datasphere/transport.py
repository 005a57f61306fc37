"""HTTP to the service: one client, one retry policy, request IDs, and no secret in any message.

The client (in `http`) is httpx, over its aiohttp transport, and stays httpx: the owner of this package has
fixed that, and a client of our own over bare aiohttp is not wanted, however much faster. What is slow is made
faster around it.
"""

from __future__ import annotations

import asyncio
import math
import re
import ssl
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from ..clocks import SYSTEM, Clock
from ..errors import ExpectedError, InternalError, ServiceError, UsageError
from . import failures, types
from .clock import ServiceClock
from .http import Answer, Http, NonsenseError, ProxyError, TooLargeError
from .methods import Host, Method
from .retries import LONGEST_RETRY_AFTER, Budget, Retry, RetryPolicy
from .schedule import LARGEST_ANSWER_MEGABYTES, REQUESTS_AT_ONCE

IAM_SHARE = 0.9
"""This part of the time that a call may take its token may: who called learns then why none came."""

SHORTEST_SECRET = 8
"""Characters: what is shorter is no token, and may stand anywhere in an answer."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,50}", re.ASCII)
_PARAMETER = re.compile(r"\{(\w+)\}")


class Endpoints(msgspec.Struct, frozen=True):
    """Base URLs of the three services; a one-origin service has the same three times.

    `files` is the gRPC address of project files, HOST:PORT; with ``http://`` in front it is spoken to without
    TLS, which only a loopback address may be. Empty: there is none.
    """

    datasphere: str = "https://datasphere.api.cloud.yandex.net"
    operation: str = "https://operation.api.cloud.yandex.net"
    iam: str = "https://iam.api.cloud.yandex.net"
    files: str = "datasphere.api.cloud.yandex.net:443"

    @classmethod
    def one_origin(cls, url: str, files: str = "") -> Endpoints:
        """All services under one URL, as the emulator has them; its gRPC address is another one."""
        return cls(url, url, url, files)

    def of(self, host: Host) -> str:
        return {"datasphere": self.datasphere, "operation": self.operation, "iam": self.iam}[host]


def is_id(value: str) -> bool:
    """Whether a text has the form of an ID: then it cannot leave its path segment."""
    return _ID.fullmatch(value) is not None


def path_of(method: Method, ids: Mapping[str, str]) -> str:
    """The path of a call. Raises `UsageError` for an ID that could leave its path segment."""

    def segment(match: re.Match[str]) -> str:
        value = ids[match[1]]
        if not is_id(value):
            raise UsageError(
                f"{value[:60]!r} is not an ID of DataSphere.",
                code="bad-id",
                hint="IDs consist of up to 50 letters, digits, '-' and '_'.",
            )
        return value

    return _PARAMETER.sub(segment, method.path)


def query_of(message: types.Message | None) -> str:
    """A request message as the query of a URL, with its question mark; lists repeat their name."""
    values: dict[str, Any] = {} if message is None else types.to_builtins(message)
    for name, value in values.items():
        if isinstance(value, bool):
            values[name] = str(value).lower()
    return f"?{urlencode(values, doseq=True)}" if values else ""


class Transport:
    """Sends calls of the method table. Close with `aclose()`.

    Raises `ServiceError` for an error that the service answered, `UnavailableError` where no answer came.
    GET calls, and changing calls that carry an idempotency key, are tried again after 429, 500, 502,
    503, 504 and connection failures; other changing calls never are. With all its tries a call takes no
    longer than the `timeout` of the policy, which is that of one request where no policy is given.

    At most `at_once` requests are under way; further ones wait for their turn, and no timeout counts yet.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        verify: ssl.SSLContext | str | bool = True,
        proxy: str | None = None,
        timeout: float = 30.0,
        at_once: int = REQUESTS_AT_ONCE,
        retry: RetryPolicy | None = None,
        user_agent: str = "jupyter-datasphere",
        largest_answer: int = LARGEST_ANSWER_MEGABYTES * 10**6,
        here: Clock = SYSTEM,
    ) -> None:
        self.endpoints = endpoints
        self.here = here
        """The clocks of this computer."""
        self.clock = ServiceClock(here)
        self._retry = retry or RetryPolicy(timeout=timeout)
        self._places = asyncio.Semaphore(at_once)
        self._timeout = timeout
        self._http = Http(
            verify=verify,
            proxy=proxy,
            connections=at_once + 1,  # one for tokens
            user_agent=user_agent,
            largest=largest_answer,
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def reconnect(self) -> None:
        """Leave all connections, as after a sleep: they may be dead without anybody having said so.

        Calls that are under way fail as if the connection had broken, and are tried again where they may be.
        """
        await self._http.leave()

    def budget(self) -> Budget:
        """The time that a call may take, for who makes it in more than one part."""
        return Budget(self._retry.timeout)

    async def call(
        self,
        method: Method,
        ids: Mapping[str, str] | None = None,
        request: types.Message | None = None,
        *,
        token: Callable[[], Awaitable[str]] | None = None,
        idempotency_key: str | None = None,
        budget: Budget | None = None,
    ) -> Answer:
        """Make a call and give its successful answer, read to the end.

        `token` is asked each time that a request is about to leave: what was good when the call began may
        have expired while it waited. An error tells whether one of the attempts may have been taken.
        `budget`: what is left for a call of which this is not the first part.
        """
        budget = budget or Budget(self._retry.timeout * (IAM_SHARE if method.host == "iam" else 1))
        headers = {"x-client-request-id": str(uuid.uuid4())}
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        url = self.endpoints.of(method.host).rstrip("/") + path_of(method, ids or {})
        body: bytes | None = None
        if method.verb in ("POST", "PATCH"):
            body = types.encode(request) if request is not None else b"{}"
            headers["content-type"] = "application/json"
        else:
            url += query_of(request)
        may_retry = not method.changing or idempotency_key is not None
        may_have_arrived = False
        begun = self.here.elapsed()
        last: Retry | None = None
        try:
            async for attempt in self._retry.tries(budget, once=not may_retry):
                if last is not None and method.changing and self._slept_since(begun):
                    raise last  # whether its key still holds, the caller has to judge
                async with self._place_for(method):
                    with attempt:
                        try:
                            return await self._try(method, url, headers, body, token, budget, last)
                        except Retry as failure:
                            may_have_arrived |= failure.error.may_have_arrived
                            last = failure
                            raise
        except Retry as failure:
            failure.error.may_have_arrived = may_have_arrived
            raise failure.error from failure.error.__cause__
        except ExpectedError as error:  # no reason to try again, but earlier attempts there may have been
            error.may_have_arrived |= may_have_arrived
            raise
        raise InternalError("The retry policy allows no attempt.")

    async def _try(
        self,
        method: Method,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        token: Callable[[], Awaitable[str]] | None,
        budget: Budget,
        last: Retry | None,
    ) -> Answer:
        """One try, for what is left of the time, and no longer than one request may take.

        `last`: how the one before failed.
        """
        sent = False
        seconds = min(budget.seconds, self._timeout)
        try:
            async with asyncio.timeout(min(budget.left, seconds)):
                if token is not None:
                    headers["authorization"] = f"Bearer {await token()}"
                sent = True
                return await self._send(method, url, headers, body)
        except TimeoutError:
            failure = (
                failures.late(self.endpoints.of(method.host), seconds) if sent else failures.no_token(seconds)
            )
            if (
                last is not None and budget.left <= seconds
            ):  # says more than that the rest of the time was short
                last.error.may_have_arrived |= failure.may_have_arrived
                raise last from None
            raise Retry(failure) from None

    def _slept_since(self, begun: float) -> bool:
        """Whether more time has passed since a call was begun than while we are awake it is tried for."""
        return self.here.elapsed() - begun > self._retry.timeout + LONGEST_RETRY_AFTER

    def _place_for(self, method: Method) -> AbstractAsyncContextManager[None]:
        # Those who wait for a token hold places: its request must not wait for one of them.
        return nullcontext() if method.host == "iam" else self._places

    async def _send(self, method: Method, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        sent = self.here.elapsed()
        try:
            answer = await self._http.request(method.verb, url, headers, body)
        except TooLargeError:
            raise failures.too_large(method, self._http.largest) from None
        except NonsenseError:
            raise failures.nonsense(self.endpoints.of(method.host)) from None
        except ProxyError as error:
            raise failures.from_proxy(str(error), self.endpoints.of(method.host)) from None
        except httpx.TransportError as error:
            failure = failures.from_network(error, self.endpoints.of(method.host))
            failure.__cause__ = error
            raise Retry(failure) from error
        except httpx.HTTPError as error:
            raise failures.from_network(error, self.endpoints.of(method.host)) from error
        self.clock.observe(answer.headers.get("date"), sent, self.here.elapsed())
        if answer.is_success:
            return answer
        answer = _without_secrets(answer, headers, body if method.host == "iam" else None)
        refused = failures.from_answer(answer, method)
        if answer.status in failures.RETRIABLE and not failures.is_quota(answer):
            raise Retry(refused, _retry_after(answer))
        raise refused


def _without_secrets(answer: Answer, headers: Mapping[str, str], body: bytes | None) -> Answer:
    """A refusal that repeats what it was asked with must not take a secret into our error messages.

    `body`: of a request whose every value is a secret.
    """
    values = [headers.get("authorization", "").removeprefix("Bearer ")]
    if body is not None:
        values += msgspec.json.decode(body, type=dict[str, str]).values()
    content = answer.content
    for value in values:
        if len(value) >= SHORTEST_SECRET:
            content = content.replace(value.encode(), b"<redacted>")
    return answer._replace(content=content)


def _retry_after(answer: Answer) -> float | None:
    """Seconds of a Retry-After header; a date in it is one of the clock that the answer's own Date shows."""
    text = answer.headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            dates = (parsedate_to_datetime(date) for date in (text, answer.headers.get("date", "")))
            until, now = (date.timestamp() for date in dates)
        except ValueError:
            return None
        seconds = until - now
    return max(0.0, seconds) if math.isfinite(seconds) else None


def read(answer: Answer, target: type[types.T], method: Method) -> types.T:
    """The message in an answer. Raises `ServiceError` for a body that is none."""
    try:
        return types.decode(answer.content, target)
    except msgspec.MsgspecError as error:
        raise ServiceError(
            f"The answer to {method.name} could not be read: {error}.",
            code="bad-answer",
            hint="Is the endpoint that of DataSphere?",
            request_id=failures.request_id_of(answer),
        ) from error
