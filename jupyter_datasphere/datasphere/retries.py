"""The one policy by which a call is tried again, over HTTP and over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterable

import msgspec
import stamina

from ..errors import ExpectedError

LONGEST_RETRY_AFTER = 30.0
"""Seconds that the service may ask us to wait."""


class Retry(Exception):
    """A failure after which the call may be made again; `error` is what to raise in the end."""

    def __init__(self, error: ExpectedError, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often and how long (seconds) a call is tried again. Waits double from `first` to `longest`."""

    attempts: int = 6
    timeout: float = 45.0
    first: float = 0.1
    longest: float = 5.0

    def tries(self, *, once: bool = False) -> AsyncIterable[stamina.Attempt]:
        """The attempts of one call, to loop over; each that raises `Retry` is followed by the next."""
        return stamina.retry_context(
            on=_backoff,
            attempts=1 if once else self.attempts,
            timeout=self.timeout,
            wait_initial=self.first,
            wait_max=self.longest,
            wait_jitter=self.first,
        )


def bounded(seconds: float) -> float:
    """How long we wait where the service says how long."""
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _backoff(error: Exception) -> bool | float:
    if not isinstance(error, Retry):
        return False
    return True if error.after is None else error.after
