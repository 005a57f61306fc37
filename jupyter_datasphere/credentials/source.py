"""What every source of IAM tokens has in common."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Token(msgspec.Struct, frozen=True):
    """An IAM token; `life`: seconds that it lives from its fetching, None where that is not known."""

    value: str
    life: float | None = None

    def __repr__(self) -> str:
        return f"Token(<redacted>, life={self.life!r})"

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

    @property
    def remedy(self) -> str:
        """What the user can do where the service refuses the tokens that come from here."""
        ...

    @property
    def notice(self) -> str | None:
        """What the user should know of this source although it works."""
        ...

    async def fetch(self) -> Token:
        """A token. Raises `CredentialsError`, `UnavailableError` or `ServiceError`."""
        ...
