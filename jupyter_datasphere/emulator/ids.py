"""Identifiers as the service makes them: 20 lower-case letters and digits."""

from __future__ import annotations

import hashlib
import secrets

_ALPHABET = "0123456789abcdefghijklmnopqrstuv"


def new_id(prefix: str) -> str:
    """A random ID of 20 characters."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(20 - len(prefix)))


def derived_id(prefix: str, *parts: str) -> str:
    """An ID of 26 characters that is always the same for the same parts."""
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return prefix + "".join(_ALPHABET[byte % 32] for byte in digest[: 26 - len(prefix)])
