"""What every source of IAM tokens has in common."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Token(msgspec.Struct, frozen=True):
    """An IAM token; `expires_at` in seconds since the epoch, None where it is not known."""

    value: str
    expires_at: float | None = None

    def __repr__(self) -> str:
        return f"Token(<redacted>, expires_at={self.expires_at!r})"

    __str__ = __repr__


class Source(Protocol):
    """A place that IAM tokens come from."""

    @property
    def description(self) -> str:
        """In words, for the user; holds no secret."""
        ...

    @property
    def renewable(self) -> bool:
        """Whether `fetch` can give another token than before."""
        ...

    async def fetch(self) -> Token:
        """A token. Raises `CredentialsError` or `UnavailableError`."""
        ...
