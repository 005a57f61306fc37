"""The token in use: fetched once for all callers, and renewed before it expires."""

from __future__ import annotations

import asyncio

from ..clocks import SYSTEM, Clock
from ..errors import UnavailableError
from .chain import missing
from .source import Source, Token

MARGIN = 300.0
"""Seconds before its end at which a token is renewed, at most a tenth of its life."""


class TokenCache:
    """Keeps one token of one source. Many callers at once cause one fetch.

    A token's life is measured from its fetching, so that setting the clock here changes nothing.
    """

    def __init__(self, source: Source | None, clock: Clock = SYSTEM) -> None:
        self.source = source
        self._clock = clock
        self._token: Token | None = None
        self._until: float | None = None
        self._margin = 0.0
        self._lock = asyncio.Lock()

    @property
    def expires_at(self) -> float | None:
        """When the token in use expires, in seconds since the epoch; None where that is not known."""
        return self._token.expires_at if self._token else None

    async def token(self) -> str:
        """A token that lives for a while. Raises `CredentialsError` or `UnavailableError`."""
        if self.source is None:
            raise missing()
        token = self._token
        if token is not None and self._lives(self._margin):
            return token.value
        async with self._lock:
            if self._token is token:
                try:
                    await self._fetch(self.source)
                except UnavailableError:
                    # IAM is away. The old token may still have some minutes: a later call tries again.
                    if token is None or not self._lives():
                        raise
            assert self._token is not None
            return self._token.value

    async def renew(self, refused: str) -> bool:
        """Fetch another token, unless somebody did so since `refused` was in use."""
        if self.source is None:
            return False
        async with self._lock:
            if self._token is not None and self._token.value != refused:
                return True
            if not self.source.renewable:
                return False
            self._token = None  # nobody shall use it while another one is fetched
            await self._fetch(self.source)
            return True

    async def _fetch(self, source: Source) -> None:
        token = await source.fetch()
        life = None if token.expires_at is None else token.expires_at - self._clock.wall()
        if life is not None and life <= 0:
            life = None  # the clock here is wrong: the service will say when it is over
        self._margin = 0.0 if life is None else min(MARGIN, life / 10)
        self._until = None if life is None else self._clock.elapsed() + life
        self._token = token

    def _lives(self, seconds: float = 0.0) -> bool:
        """Whether the token is valid for that long from now."""
        return self._until is None or self._until - self._clock.elapsed() > seconds
