"""A ready IAM token that the user gives."""

from __future__ import annotations

from .source import Token


class GivenToken:
    """An IAM token as it is; when it expires, only the user can give another."""

    renewable = False
    notice = None

    def __init__(self, value: str, origin: str) -> None:
        self._token = Token(value)
        self.description = f"IAM token from {origin}"
        self.remedy = (
            f"The {self.description} is wrong or has expired. Start the Jupyter server with a fresh one, or"
            " give it credentials that renew themselves: a key file, `jupyter datasphere login` or `yc`."
        )

    def __repr__(self) -> str:
        return f"<{self.description}>"

    async def fetch(self) -> Token:
        return self._token
