"""A ready IAM token that the user gives."""

from __future__ import annotations

from .source import Token


class GivenToken:
    """An IAM token as it is; when it expires, only the user can give another."""

    renewable = False

    def __init__(self, value: str, origin: str) -> None:
        self._token = Token(value)
        self.description = f"IAM token from {origin}"

    async def fetch(self) -> Token:
        return self._token
