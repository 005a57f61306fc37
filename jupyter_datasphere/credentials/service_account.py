"""A service account, by the file of one of its authorized keys: a JWT signed with it is exchanged at IAM."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path

from ..datasphere import types
from ..datasphere.transport import Transport
from ..errors import CredentialsError
from . import exchange
from .key_file import KeyFile, read_key_file
from .source import Token

AUDIENCE = "https://iam.api.cloud.yandex.net/iam/v1/tokens"
"""Of every JWT, also where IAM is reached by another URL."""
LIFE = 3600
"""Seconds that a JWT is good for: the longest that IAM takes, so that clocks may differ by much."""
_SECRET = re.compile(r"^\s*\{|PRIVATE KEY|(?:^|/)(?:t1\.|y[0-3]_)")
"""What some tools take in the place of a path; it must not be shown as one."""
NOTABLE = 5.0
"""Seconds between two clocks that may be why a JWT was refused."""


class ServiceAccountKey:
    """Reads its file at each fetch: what was wrong with it can be mended while the server runs."""

    renewable = True

    def __init__(self, path: str, origin: str, transport: Transport, *, check_mode: bool = True) -> None:
        self._origin = origin
        self._is_secret = _SECRET.search(path) is not None
        shown = "" if self._is_secret else os.path.expanduser(path)  # noqa: PTH111 - it never raises
        self._path = Path(shown)
        self._transport = transport
        self._check_mode = check_mode
        self._notice: str | None = None
        self.description = f"service account's key file {shown} from {origin}".replace("  ", " ")
        self.remedy = (
            f"Are the service account and the key of {self._path} still there? `yc iam key list` shows its"
            " keys, and `yc iam key create` makes a new one; the file is read again with the next try."
        )

    def __repr__(self) -> str:
        return f"<{self.description}>"

    @property
    def notice(self) -> str | None:
        return self._notice

    async def fetch(self) -> Token:
        """Signed by the service's clock where it is known: after a refusal it is, by the answer's Date."""
        if self._is_secret:
            raise CredentialsError(
                f"In {self._origin} is a secret itself, and not the path of a file.",
                code="key-file",
                hint="Write the key into a file with the mode 600, and give its path.",
            )
        # Beside the event loop: a key takes tens of milliseconds to be checked, and a disk may take longer.
        key = await asyncio.to_thread(read_key_file, self._path, check_mode=self._check_mode)
        self._notice = self._told(key) if key.shared else None
        signed_at = exchange.now(self._transport)
        try:
            return await self._exchange(key, signed_at)
        except CredentialsError as error:
            if not self._transport.clock.known:
                error.hint = f"{error.hint} Or is the clock wrong? Here it is {_utc(signed_at)}."
                raise
            if abs(exchange.now(self._transport) - signed_at) < NOTABLE:
                raise
        return await self._exchange(key, exchange.now(self._transport))

    def _told(self, key: KeyFile) -> str:
        why = (
            "and DataSphere.check_key_file_mode is False"
            if key.ours
            else "whose mode is not this user's to change"
        )
        return f"Others than its owner may read {self._path}, {why}."

    async def _exchange(self, key: KeyFile, at: float) -> Token:
        proof = types.TokenRequest(jwt=await asyncio.to_thread(_sign, key, int(at)))
        return await exchange.exchange(self._transport, proof, what=self.description, remedy=self.remedy)


def _sign(key: KeyFile, at: int) -> str:
    import jwt  # with cryptography: only who has such a key pays for the import

    claims = {"iss": key.service_account_id, "aud": AUDIENCE, "iat": at, "exp": at + LIFE}
    return jwt.encode(claims, key.private_key, algorithm="PS256", headers={"kid": key.key_id})


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
