"""The emulator's clock: whole microseconds since the epoch, and RFC 3339 text."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII
)


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def timestamp(microseconds: int) -> str:
    """RFC 3339 in UTC, with six fractional digits."""
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z"


def parse(text: str) -> int:
    """The first whole microsecond at or after an RFC 3339 time. Raises `ValueError`."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("expected a time such as 2026-07-01T12:00:00.25Z")
    day, hours, fraction, zone = match.groups()
    moment = datetime.fromisoformat(f"{day}T{hours}{'+00:00' if zone in 'Zz' else zone}")
    nanoseconds = int((fraction or "").ljust(9, "0"))
    return (moment - _EPOCH) // timedelta(microseconds=1) - (-nanoseconds // 1000)
