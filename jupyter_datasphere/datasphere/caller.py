"""A call of the API: with a token that is good, in its turn, checked against the documented limits."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from typing import Protocol, Self

import msgspec

from ..errors import ExpectedError, ServiceError, UsageError
from . import failures, types
from .http import Answer
from .methods import METHODS, Method
from .retries import Budget
from .schedule import Pace
from .transport import Transport, read


class Tokens(Protocol):
    """Where the client gets IAM tokens from."""

    async def token(self) -> str:
        """A valid IAM token. Raises `CredentialsError`."""
        ...

    async def renew(self, refused: str) -> bool:
        """The service refused this token: get another one; False where there is none to be had."""
        ...

    @property
    def remedy(self) -> str:
        """What the user can do where the service refuses the tokens; empty: not known."""
        ...


RENEWALS = 3
"""So often a refused token is renewed for one call: between its tries another one may expire."""


class Caller:
    """Calls methods of the DataSphere API with the user's IAM token.

    Every call raises `ServiceError` (what the service answered), `UnavailableError` (no answer) or
    `CredentialsError`; `UsageError` before anything is sent where a documented limit is broken. Changing
    calls carry an idempotency key, a fresh one where none is given, so that they can be retried.
    """

    def __init__(self, transport: Transport, tokens: Tokens, pace: Pace | None = None) -> None:
        self.transport = transport
        self.tokens = tokens
        self._pace = pace
        self._asked = 0

    def paced(self, pace: Pace) -> Self:
        """The same for questions about one run: each waits for its turn."""
        return type(self)(self.transport, self.tokens, pace)

    async def call(
        self,
        name: str,
        answer: type[types.T],
        request: types.Message | None = None,
        *,
        key: str | None = None,
        **ids: str,
    ) -> types.T:
        """Make a call of the method table and read its answer."""
        method = METHODS[name]
        return read(await self.forward(method, ids, request, idempotency_key=key), answer, method)

    async def forward(
        self,
        method: Method,
        ids: Mapping[str, str],
        request: types.Message | None,
        *,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Make any call of the method table and give the successful answer as it came."""
        _check(request)
        key = idempotency_key or (str(uuid.uuid4()) if method.changing else None)
        used, renewals, may_have_arrived = "", 0, False
        budget = self.transport.budget()

        async def token() -> str:
            nonlocal used
            used = await self.tokens.token()
            return used

        try:
            while True:
                if self._pace is not None:
                    await self._pace.turn(self._asked)
                    self._asked += 1
                try:
                    return await self.transport.call(
                        method, ids, request, token=token, idempotency_key=key, budget=budget
                    )
                except ServiceError as error:
                    if error.code != "unauthenticated":
                        raise
                    may_have_arrived |= error.may_have_arrived
                    if renewals == RENEWALS or not await self._renew(used, budget):
                        error.hint = self.tokens.remedy or error.hint
                        raise
                renewals += 1
        except ExpectedError as error:
            error.may_have_arrived |= may_have_arrived
            raise

    async def _renew(self, refused: str, budget: Budget) -> bool:
        try:
            with budget:
                async with asyncio.timeout(budget.left):
                    return await self.tokens.renew(refused)
        except TimeoutError:
            raise failures.no_token(budget.seconds) from None


def _check(request: types.Message | None) -> None:
    """Hold a request against the documented limits before it is sent."""
    if request is None:
        return
    try:
        types.convert(types.to_builtins(request), type(request))
    except msgspec.ValidationError as error:
        raise UsageError(f"The request breaks a limit of the API: {types.in_words(error)}.") from error
