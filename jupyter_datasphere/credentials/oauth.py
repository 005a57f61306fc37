"""An OAuth token of a Yandex account, exchanged for IAM tokens."""

from __future__ import annotations

import msgspec

from ..datasphere import types
from ..datasphere.transport import Transport
from ..errors import CredentialsError
from .exchange import exchange
from .source import Token

NOTICE = (
    "The vendor is phasing OAuth tokens out: a service account's key file or the `yc` CLI will go on working."
)
PAGE = "https://oauth.yandex.ru/authorize?response_type=token&client_id=1a6990aa636648e9b2ef855fa7bec2fb"
"""Where the vendor's documentation sends who needs an OAuth token."""


class OAuthToken:
    """Exchanges an OAuth token at IAM. The vendor is phasing OAuth tokens out."""

    renewable = True
    notice = NOTICE

    def __init__(self, value: str, origin: str, transport: Transport, *, remedy: str | None = None) -> None:
        """`remedy`: what helps after a refusal where the token is not one that is kept at its origin."""
        self._value = value
        self._transport = transport
        self.description = f"OAuth token from {origin}"
        self.remedy = remedy or (
            "It lives a year and may have been revoked. `jupyter datasphere login` says where to get a new"
            f" one, and keeps it; or put it in the place of the {self.description}, and where that is the"
            " environment, restart the Jupyter server with it."
        )

    def __repr__(self) -> str:
        return f"<{self.description}>"

    async def fetch(self) -> Token:
        try:
            proof = types.convert({"yandexPassportOauthToken": self._value}, types.TokenRequest)
        except msgspec.ValidationError as error:
            raise CredentialsError(
                f"The {self.description} is longer than IAM takes (4000 characters).", hint=self.remedy
            ) from error
        return await exchange(self._transport, proof, what=self.description, remedy=self.remedy)
