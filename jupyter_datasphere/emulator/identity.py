"""IAM: who proves to be an account gets IAM tokens, and every other call needs one.

The proof is an OAuth token, or a JWT signed with a service account's key. An IAM token is
``t1.<payload>.<signature>``, signed with a secret of the emulator's root: it outlives a restart, and a new
one does not revoke the old one. All of them are revoked by beginning a new generation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence

import msgspec

from ..datasphere.types import TokenRequest, TokenResponse
from .accounts import Account
from .clock import timestamp
from .errors import ApiError, Code, invalid
from .key_proof import account_of
from .store import Store


class _Payload(msgspec.Struct):
    subject: str
    expires_at: float
    nonce: str
    generation: int = 0


class Identity:
    """Issues and checks IAM tokens of several accounts. `lifetime` is in seconds."""

    def __init__(self, *, store: Store, accounts: Sequence[Account], secret: str, lifetime: float) -> None:
        self._store = store
        self._generation = int(store.meta("token_generation") or 0)
        self._accounts = {account.id: account for account in accounts}
        self._secret = secret.encode()
        self._lifetime = lifetime

    def account(self, subject_id: str) -> Account | None:
        """The account with that ID."""
        return self._accounts.get(subject_id)

    def named(self, name: str) -> Account | None:
        """The account with that name."""
        return next((account for account in self._accounts.values() if account.name == name), None)

    def exchange(self, request: TokenRequest) -> TokenResponse:
        """A new IAM token. Code 3 unless exactly one credential is given, 16 for a wrong one."""
        oauth = request.yandex_passport_oauth_token
        if bool(oauth) == bool(request.jwt):
            raise invalid("yandexPassportOauthToken", "Give exactly one of yandexPassportOauthToken and jwt")
        return self.issue(account_of(request.jwt, self._by_key) if request.jwt else self._by_token(oauth))

    def issue(self, account: Account) -> TokenResponse:
        """A new IAM token of an account that has proved to be the one who asks."""
        expires_at = time.time() + self._lifetime
        payload = msgspec.json.encode(
            _Payload(account.id, expires_at, secrets.token_hex(8), self._generation)
        )
        return TokenResponse(
            iam_token=f"t1.{_text(payload)}.{_text(self._sign(payload))}",
            expires_at=timestamp(int(expires_at * 1_000_000)),
        )

    def authenticate(self, authorization: str | None) -> str:
        """The subject of an Authorization header. Raises code 16."""
        if not authorization:
            raise ApiError(Code.UNAUTHENTICATED, "The request has no IAM token")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise ApiError(Code.UNAUTHENTICATED, "The Authorization header is not of the form Bearer <token>")
        try:
            version, payload_text, signature_text = token.strip().split(".")
            payload, signature = _bytes(payload_text), _bytes(signature_text)
            genuine = version == "t1" and hmac.compare_digest(signature, self._sign(payload))
        except ValueError:
            genuine = False
        if not genuine:
            raise ApiError(Code.UNAUTHENTICATED, "The IAM token is invalid")
        content = msgspec.json.decode(payload, type=_Payload)
        if content.expires_at <= time.time() or content.generation < self._generation:
            raise ApiError(Code.UNAUTHENTICATED, "The IAM token has expired")
        return content.subject

    def expire_all(self) -> None:
        """Let all tokens given out so far expire now."""
        self._generation += 1
        self._store.set_meta("token_generation", str(self._generation))

    def _by_token(self, oauth: str) -> Account:
        given, found = oauth.encode(), None
        for account in self._accounts.values():
            expected = account.oauth_token.encode()
            if expected and secrets.compare_digest(given, expected):
                found = account
        if found is None:
            raise ApiError(Code.UNAUTHENTICATED, "OAuth token is invalid or expired")
        return found

    def _by_key(self, key_id: str) -> Account | None:
        return next(
            (account for account in self._accounts.values() if account.key_id and account.key_id == key_id),
            None,
        )

    def _sign(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, payload, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
