"""Answers of the service without the secrets in them."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ..errors import ServiceError

REDACTED = "<redacted>"

_SECRETS = frozenset({"sessiontoken"})
"""Names of fields, without underscores and case."""
_HINTS = (b"ession", b"ESSION", b"\\u")
"""One of them is in every text that names such a field; an escaped letter may hide one."""
_IN_URL = re.compile(r"(session_?token=)[^&#\s\"']*", flags=re.IGNORECASE)


def redacted(body: bytes, name: str, *, request_id: str | None = None) -> bytes:
    """The JSON text of an answer to the method `name`, without session tokens.

    They open a project for whoever sees them. Raises `ServiceError` for what is not JSON.
    """
    try:
        if not any(hint in body for hint in _HINTS):
            msgspec.json.decode(body, type=msgspec.Raw)
            return body
        return msgspec.json.encode(_redact(msgspec.json.decode(body)))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ServiceError(
            f"The answer to {name} is not JSON.",
            code="bad-answer",
            hint="Is the endpoint that of DataSphere, or does a proxy answer in its place?",
            request_id=request_id,
        ) from error


def _redact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: REDACTED if _is_secret(key) else _redact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_redact(inner) for inner in value]
    if isinstance(value, str) and "=" in value:
        return _IN_URL.sub(rf"\g<1>{REDACTED}", value)
    return value


def _is_secret(key: str) -> bool:
    return key.replace("_", "").lower() in _SECRETS
