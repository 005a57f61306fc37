"""The service's clock, seen from here through the Date headers of its answers."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from functools import lru_cache

from ..clocks import SYSTEM, Clock

_DRIFT = 1e-4
"""By how much two clocks may drift apart, in seconds per second: more than any working clock does."""


@lru_cache(maxsize=2)  # many answers come within one second
def _seconds(date_header: str) -> float | None:
    try:
        return parsedate_to_datetime(date_header).timestamp()
    except ValueError:
        return None


class ServiceClock:
    """An interval that holds the difference between the service's clock and ours that only goes on.

    A Date header has whole seconds, so that one answer tells the difference to a second plus the time that
    the answer took. Successive answers fall on different fractions of a second, and the intersection of
    their intervals shrinks to about the distance between two calls.
    """

    def __init__(self, here: Clock = SYSTEM) -> None:
        self._here = here
        self._low = float("-inf")
        self._high = float("inf")
        self._at = 0.0

    def observe(self, date_header: str | None, sent: float, received: float) -> None:
        """Take in one answer, sent and received at these `Clock.elapsed()`; no readable Date: ignored."""
        if date_header is None:
            return
        date = _seconds(date_header)
        if date is None:
            return
        low, high = date - received, date + 1 - sent
        widening = (received - self._at) * _DRIFT
        self._low = max(low, self._low - widening)
        self._high = min(high, self._high + widening)
        if self._low > self._high:  # one of the two clocks was set: begin anew
            self._low, self._high = low, high
        self._at = received

    @property
    def known(self) -> bool:
        """Whether any answer was observed."""
        return self._low != float("-inf")

    def ahead_of_wall(self) -> tuple[float, float]:
        """By how many seconds the service's clock is ahead of the one on the wall here: at least, at most."""
        offset = self._here.elapsed() - self._here.wall()
        return offset + self._low, offset + self._high

    def earliest(self, elapsed: float) -> float:
        """The earliest that the service's clock (seconds since the epoch) can have shown at that moment."""
        return elapsed + self._low - max(0.0, self._here.elapsed() - self._at) * _DRIFT
