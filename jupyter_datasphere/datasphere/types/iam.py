"""IAM: the exchange of a credential for an IAM token."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from .limits import Timestamp
from .wire import Message


class TokenRequest(Message):
    """Exactly one of an OAuth token and a signed JWT."""

    yandex_passport_oauth_token: Annotated[str, Meta(max_length=4000)] = field(
        default="", name="yandexPassportOauthToken"
    )
    jwt: Annotated[str, Meta(max_length=8000)] = ""

    def __repr__(self) -> str:
        return "TokenRequest(<redacted>)"


class TokenResponse(Message):
    iam_token: str
    expires_at: Timestamp = ""

    def __repr__(self) -> str:
        return f"TokenResponse(<redacted>, expires_at={self.expires_at!r})"
