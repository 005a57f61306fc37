"""The one policy by which a call is tried again, over HTTP and over gRPC.

All tries of a call, with the waits between them, share the seconds that the call may take: no further one
begins where they do not suffice. A wait that the service asks for is kept to the second, or the call fails
at once and says how long it would have been.
"""

from __future__ import annotations

import asyncio
import random
import time
from types import TracebackType
from typing import Self

import msgspec

from ..errors import ExpectedError

LONGEST_RETRY_AFTER = 30.0
"""Seconds that we wait at most where the service asks us to; for longer, who called shall know."""


class Retry(Exception):
    """A failure after which the call may be made again; `error` is what to raise in the end.

    `after`: how many seconds the service asks us to wait.
    """

    def __init__(self, error: ExpectedError, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


class Budget:
    """What is left of the `seconds` that one call may take. What is done `with` it is counted."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.left = seconds
        self._begun = 0.0

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.left = max(0.0, self.left - (time.monotonic() - self._begun))


class Attempt:
    """One try, of which `Retry` is kept for the next to be made; its time is counted."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.failure: Retry | None = None

    def __enter__(self) -> Self:
        self._budget.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._budget.__exit__(kind, error, traceback)
        if isinstance(error, Retry):
            self.failure = error
        return self.failure is not None


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often a call is tried again, and for how long (seconds) altogether.

    Waits double from `first` to `longest`, each shorter by up to a half at random.
    """

    attempts: int = 6
    timeout: float = 30.0
    first: float = 0.2
    longest: float = 5.0

    def tries(self, budget: Budget | None = None, *, once: bool = False) -> Tries:
        """The attempts of one call, to loop over; each that raises `Retry` is followed by the next.

        After the last one the loop raises its `Retry`. `budget`: what is left for a call that has begun.
        """
        return Tries(self, budget or Budget(self.timeout), 1 if once else self.attempts)


class Tries:
    """See `RetryPolicy.tries`."""

    def __init__(self, policy: RetryPolicy, budget: Budget, attempts: int) -> None:
        self._policy = policy
        self._budget = budget
        self._rest = attempts
        self._wait = policy.first
        self._last: Attempt | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Attempt:
        if self._last is not None:
            failure = self._last.failure
            if failure is None:
                raise StopAsyncIteration
            await self._pause(failure)
        if not self._rest:
            raise StopAsyncIteration
        self._rest -= 1
        self._last = Attempt(self._budget)
        return self._last

    async def _pause(self, failure: Retry) -> None:
        """Wait for the next try. Raises `failure` where there is none."""
        if not self._rest:
            raise failure
        if failure.after is not None:
            wait = failure.after
            if wait > LONGEST_RETRY_AFTER or wait >= self._budget.left:
                failure.error.hint = f"The service asks to be left alone for {wait:,.0f} s: try again then."
                raise failure
        else:
            wait = self._wait * random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret
            if wait >= self._budget.left:
                raise failure
        self._wait = min(2 * self._wait, self._policy.longest)
        with self._budget:
            await asyncio.sleep(wait)
