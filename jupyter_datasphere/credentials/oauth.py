"""An OAuth token of a Yandex account, exchanged for IAM tokens."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ..datasphere import types
from ..datasphere.failures import RETRIABLE
from ..datasphere.methods import METHODS
from ..datasphere.transport import Transport, read
from ..errors import CredentialsError, ServiceError, UnavailableError, UsageError
from .source import Token


class OAuthToken:
    """Exchanges an OAuth token at IAM. The vendor is phasing OAuth tokens out."""

    renewable = True

    def __init__(self, value: str, origin: str, transport: Transport) -> None:
        try:
            self._request = types.convert({"yandexPassportOauthToken": value}, types.TokenRequest)
        except msgspec.ValidationError as error:
            raise UsageError(
                f"The OAuth token from {origin} is longer than IAM takes (4000 characters)."
            ) from error
        self._transport = transport
        self.description = f"OAuth token from {origin}"

    async def fetch(self) -> Token:
        method = METHODS["iam.createToken"]
        try:
            answer = read(
                await self._transport.call(method, request=self._request), types.TokenResponse, method
            )
        except ServiceError as error:
            if error.answer is not None and error.answer[0] in RETRIABLE:
                raise UnavailableError(
                    f"IAM gives no token now: {error.message}",
                    hint="Try again later.",
                    request_id=error.request_id,
                ) from error
            raise CredentialsError(
                f"IAM refused the {self.description}: {error.message}",
                hint="Get a new OAuth token, put it into YC_TOKEN and restart the Jupyter server.",
                request_id=error.request_id,
            ) from error
        return Token(answer.iam_token, _seconds(answer.expires_at))


def _seconds(timestamp: str) -> float | None:
    return datetime.fromisoformat(timestamp).timestamp() if timestamp else None
