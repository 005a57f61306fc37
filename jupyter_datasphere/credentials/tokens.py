"""The token in use: fetched once for all callers, and renewed before it expires."""

from __future__ import annotations

import asyncio
import copy
import logging
from contextlib import suppress

from ..clocks import SYSTEM, Clock
from ..errors import DataSphereError, ExpectedError
from .source import Source, Token

_log = logging.getLogger(__name__)

MARGIN = 300.0
"""Seconds before its end at which a token is renewed, at most a tenth of its life."""
UNTOLD_LIFE = 3600.0
"""Seconds after which a renewable token is renewed whose end nobody told. The vendor recommends an hour."""
TOO_LATE = 2.0
"""Seconds before its end at which a token is not used any more, at most a hundredth of its life."""
AGAIN_SECONDS = 10.0
"""How long a renewal that failed is left alone while the old token lives."""
FAILED_SECONDS = 1.0
"""How long a failure without any token is told to all who ask, before it is tried again."""


class TokenCache:
    """Keeps one token of one source. Many callers at once cause one fetch, and share its failure.

    Who asks for a token in the last minutes of its life gets it at once, and has another one fetched beside:
    so nobody waits, and nothing is fetched while nobody asks. A token's life is measured from its fetching,
    so that setting the clock here changes nothing.
    """

    def __init__(self, source: Source, clock: Clock = SYSTEM) -> None:
        self.source = source
        self._clock = clock
        self._token: Token | None = None
        self._until: float | None = None
        """When it ends, by `Clock.elapsed()`; None: not known."""
        self._renew_at = 0.0
        self._usable_until = 0.0
        self._fetching: asyncio.Task[Token] | None = None
        self._failure: tuple[float, ExpectedError] | None = None
        self._told = False

    @property
    def expires_at(self) -> float | None:
        """When the token in use expires, in seconds since the epoch; None where that is not known."""
        if self._token is None or self._until is None:
            return None
        return self._clock.wall() + self._until - self._clock.elapsed()

    @property
    def remedy(self) -> str:
        return self.source.remedy

    async def token(self) -> str:
        """A token that lives for a while. Raises `CredentialsError`, `UnavailableError` or `ServiceError`."""
        token, now = self._token, self._clock.elapsed()
        if token is not None and now < self._usable_until:
            if now >= self._renew_at and self._failed_since(now - AGAIN_SECONDS) is None:
                self._fetch()
            return token.value
        return (await self._fetched()).value

    async def renew(self, refused: str) -> bool:
        """Fetch another token, unless somebody did so since `refused` was in use; False: there is none."""
        if self._token is not None and self._token.value != refused:
            return True
        if not self.source.renewable:
            return False
        self._token = None  # nobody shall use it while another one is fetched
        return (await self._fetched()).value != refused

    async def aclose(self) -> None:
        """Wait for nothing any more."""
        if self._fetching is not None:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError, DataSphereError):
                await self._fetching

    def _failed_since(self, moment: float) -> ExpectedError | None:
        if self._failure is None or self._failure[0] < moment:
            return None
        return self._failure[1]

    async def _fetched(self) -> Token:
        """Wait for the fetch that is under way, or begin one; who stops waiting does not end it."""
        failure = self._failed_since(self._clock.elapsed() - FAILED_SECONDS)
        if failure is not None and self._fetching is None:
            raise copy.copy(failure)
        try:
            return await asyncio.shield(self._fetch())
        except ExpectedError as error:
            # A copy for each: whoever catches it adds what is true of his own call.
            raise copy.copy(error) from error.__cause__

    def _fetch(self) -> asyncio.Task[Token]:
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_one())
            self._fetching.add_done_callback(self._end)
        return self._fetching

    def _end(self, task: asyncio.Task[Token]) -> None:
        self._fetching = None
        if task.cancelled():
            return
        error = task.exception()  # so it counts as seen, though nobody may wait for it
        if isinstance(error, ExpectedError):
            if self._token is not None and self._failure is None:
                _log.warning("The IAM token in use could not be renewed yet: %s", error)
            self._failure = (self._clock.elapsed(), error)
        elif error is not None:
            _log.error("Fetching an IAM token failed inside of the extension.", exc_info=error)

    async def _fetch_one(self) -> Token:
        token = await self.source.fetch()
        now = self._clock.elapsed()
        life, forever = token.life, float("inf")
        self._until = None if life is None else now + life
        if life is None:
            self._usable_until = forever
            self._renew_at = now + UNTOLD_LIFE if self.source.renewable else forever
        else:
            self._usable_until = now + life - min(TOO_LATE, life / 100)
            self._renew_at = now + life - min(MARGIN, life / 10) if self.source.renewable else forever
        self._failure = None
        self._token = token
        if not self._told and (notice := self.source.notice) is not None:
            self._told = True
            _log.warning("%s: %s", self.source.description, notice)
        return token
