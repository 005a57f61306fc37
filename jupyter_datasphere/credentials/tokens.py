"""The token in use: fetched once for all callers, and renewed before it expires."""

from __future__ import annotations

import asyncio

from ..errors import UnavailableError
from .chain import missing
from .source import Source, Token

MARGIN = 300.0
"""Seconds before its end at which a token is renewed, at most a tenth of its life."""


class TokenCache:
    """Keeps one token of one source. Many callers at once cause one fetch."""

    def __init__(self, source: Source | None) -> None:
        self.source = source
        self._token: Token | None = None
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
        if token is not None and token.lives(self._margin):
            return token.value
        async with self._lock:
            if self._token is token:
                try:
                    await self._fetch(self.source)
                except UnavailableError:
                    # IAM is away. The old token may still have some minutes: a later call tries again.
                    if token is None or not token.lives():
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
            await self._fetch(self.source)
            return True

    async def _fetch(self, source: Source) -> None:
        token = await source.fetch()
        life = token.remaining()
        self._margin = 0.0 if life is None else min(MARGIN, life / 10)
        self._token = token
