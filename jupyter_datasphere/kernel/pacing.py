"""Display below the limits above which a Jupyter server drops messages.

The server counts, per kernel connection, the messages of the last 3 s (`rate_limit_window`) and the bytes of
those that are text streams, and drops what exceeds 3,000 messages or 3 MB (1,000 and 1 MB per second). It
begins anew whenever the kernel becomes idle.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Pacer:
    """Waits, before something is sent, for as long as it must.

    512 KiB may go at once, so that ordinary output never waits; then 0.9 MB/s, and what goes together may be
    ahead of that by 0.15 s; and within 3 s (3.1, as the server's clock runs beside ours) never more than
    2.7 MB or 2,400 messages.
    """

    WINDOW = 3.1
    RATE = 900_000
    BURST = 512 * 1024
    AHEAD = 0.15
    MAX_BYTES = 2_700_000
    MAX_MESSAGES = 2_400

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._sent: deque[tuple[float, int]] = deque()
        self._bytes = 0
        self._free_at = 0.0  # when the next block may go, as far as the rate is concerned

    def wait(self, size: int) -> None:
        """Return when a message with `size` bytes of text may be sent, and count it."""
        now = self._clock()
        self._forget(now)
        if self._bytes + size > self.BURST and self._free_at - self.AHEAD > now:
            now = self._until(self._free_at - self.AHEAD)
        while self._sent and (self._bytes + size > self.MAX_BYTES or len(self._sent) >= self.MAX_MESSAGES):
            now = self._until(self._sent[0][0] + self.WINDOW)
        self._sent.append((now, size))
        self._bytes += size
        self._free_at = max(self._free_at, now) + size / self.RATE if self._bytes > self.BURST else now

    def _until(self, moment: float) -> float:
        while (now := self._clock()) < moment:
            self._sleep(moment - now)
        self._forget(now)
        return now

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0][0] + self.WINDOW <= now:
            self._bytes -= self._sent.popleft()[1]
