"""The proof that a service account gives: a JWT signed with its authorized key.

The service asks for PS256, the key's ID in the header, the account as issuer, IAM's own URL as audience, and
a life of an hour at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeGuard

from .accounts import Account
from .errors import ApiError, Code

if TYPE_CHECKING:
    from jwt.types import Options

AUDIENCE = "https://iam.api.cloud.yandex.net/iam/v1/tokens"
"""The same for every installation, also for an emulator that has another URL."""
LONGEST = 3600.0
"""Seconds between `iat` and `exp`."""
LEEWAY = 60.0
"""Seconds by which the clock of who signs may be ahead. The service's own is not documented."""

NO_CLAIMS: Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""They are looked at here, each with its reason."""


def account_of(token: str, by_key: Callable[[str], Account | None]) -> Account:
    """The account whose key signed the token; raises code 16 with the reason. `by_key`: by the key's ID."""
    import jwt  # with cryptography: only who uses a key pays for the import

    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise _refused("it cannot be read") from error
    if header.get("alg") != "PS256":
        raise _refused("its algorithm is not PS256")
    account = by_key(str(header.get("kid", "")))
    if account is None:
        raise _refused("its kid is the ID of no key")
    try:
        claims = jwt.decode(token, account.public_key, algorithms=["PS256"], options=NO_CLAIMS)
    except jwt.PyJWTError as error:
        raise _refused("its signature is not of that key") from error
    _check(claims, account)
    return account


def _check(claims: dict[str, Any], account: Account) -> None:
    if claims.get("iss") != account.id:
        raise _refused("its iss is not the service account of that key")
    if claims.get("aud") != AUDIENCE:
        raise _refused(f"its aud is not {AUDIENCE}")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not (_is_time(issued) and _is_time(expires)):
        raise _refused("it has no iat and exp")
    now = time.time()
    if issued > now + LEEWAY:
        raise _refused("its iat is in the future")
    if expires <= now:
        raise _refused("it has expired")
    if not 0 < expires - issued <= LONGEST:
        raise _refused(f"its exp is not within {LONGEST:g} s after its iat")


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refused(reason: str) -> ApiError:
    return ApiError(Code.UNAUTHENTICATED, f"The JWT is refused: {reason}")
