"""When to ask again: the one schedule for everything that is asked repeatedly."""

from __future__ import annotations

import random
import time

SHORTEST = 0.005
LONGEST = 2.0
SHARE = 0.1
JITTER = 0.1


class Schedule:
    """Waits of a tenth of the time since the last news, between 5 ms and 2 s, with jitter.

    News that keeps coming keeps the waits short; silence makes them long. So an event is seen within a tenth
    of the silence before it, and the number of questions grows with the logarithm of the silence.
    """

    def __init__(self) -> None:
        self.news()

    def news(self) -> None:
        """Something new was seen just now."""
        self._last_news = time.monotonic()

    def wait(self) -> float:
        """Seconds to wait before the next question."""
        silence = time.monotonic() - self._last_news
        wait = min(max(silence * SHARE, SHORTEST), LONGEST)
        return wait * (1 - JITTER * random.random())  # noqa: S311 - spreads load, guards nothing
