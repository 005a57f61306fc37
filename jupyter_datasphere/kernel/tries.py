"""How long a broken connection to the server is tried again, and how often."""

from __future__ import annotations

import time

RECONNECTING = 60.0
"""Seconds for which a broken connection is tried again: enough to start a server anew."""

LONGEST_WAIT = 2.0
"""Seconds between two tries at most; the first comes after 0.1 s, each later one waits twice as long."""


class Tries:
    """Waits between tries, growing, until `RECONNECTING` seconds have passed without success."""

    def __init__(self) -> None:
        self.none_failed = True
        self.succeeded()

    def succeeded(self) -> None:
        self._wait = 0.1
        self._until: float | None = None

    @property
    def failing(self) -> bool:
        """Whether the last try failed."""
        return self._until is not None

    def wait(self) -> bool:
        """Sleep before the next try; False when there shall be none."""
        seconds = self.pause()
        if seconds is not None:
            time.sleep(seconds)
        return seconds is not None

    def pause(self) -> float | None:
        """Seconds to sleep before the next try; None when there shall be none."""
        self.none_failed = False
        now = time.monotonic()
        if self._until is None:
            self._until = now + RECONNECTING
        if now >= self._until:
            return None
        seconds = self._wait
        self._wait = min(2 * self._wait, LONGEST_WAIT)
        return seconds
