"""What the chain has picked: which kind of source, and where it is configured."""

from __future__ import annotations

from typing import Literal

import msgspec

LoginKind = Literal["OAuth token", "key file"]
Kind = Literal["IAM token", "OAuth token", "key file", "login", "yc", "metadata"]


class Choice(msgspec.Struct, frozen=True):
    """Two that are equal are the same source. `value` may be a secret and is shown nowhere.

    It is the token, the path of the key file, the profile of the login or of `yc`, or the address of the
    metadata service. `stamp` is another number for each login, and `login` its kind.
    """

    kind: Kind
    value: str
    origin: str
    """Where it is configured, in words."""
    stamp: int = 0
    login: LoginKind | None = None

    def __repr__(self) -> str:
        return f"<{self.kind} from {self.origin}>"

    __str__ = __repr__
