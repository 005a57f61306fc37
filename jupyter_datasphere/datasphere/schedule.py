"""When to ask again: the one schedule for everything that is asked repeatedly."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time

SHORTEST = 0.005
LONGEST = 1.9
"""With the question itself, news is at most two seconds late."""
SHARE = 0.1
JITTER = 0.1

LINK_PATIENCE = 300.0
"""Seconds for which a project's own Jupyter server is tried to be reached before a run there is given up."""
QUESTIONS_PER_SECOND = 400.0
"""By all runs of a server together."""
REQUESTS_AT_ONCE = 64
"""Under way to the service, whatever they are for."""
LARGEST_ANSWER_MEGABYTES = 256
"""Of one answer, unpacked: larger ones are given up. The service's own limit is not documented."""


class FirstLook:
    """How long to wait before the first question about something that was just begun.

    Learned from what was asked before: a question that comes a little too early costs a call, and the time
    until the next one. It grows by 2 ms when the first answer was empty and news came soon after, and shrinks
    by a twentieth when it was not empty. Between 5 and 25 ms, so that it never hides news for long.
    """

    LONGEST = 0.025
    SOON = 0.06
    """Seconds within which news says that the first question was too early; later news says nothing."""

    def __init__(self) -> None:
        self.wait = SHORTEST

    def was_right(self) -> None:
        self.wait = max(self.wait * 0.95, SHORTEST)

    def was_early(self, seconds_until_news: float) -> None:
        if seconds_until_news < self.SOON:
            self.wait = min(self.wait + 0.002, self.LONGEST)


class Pace:
    """A limit on all questions of a server together, so that many runs at once do not ask without measure.

    `rate` questions a second are let through; after a quiet time, up to a second's worth of them at once.
    Where they have to queue, what was asked about seldom goes before what was asked about often, so that a
    short run is not kept waiting by a thousand long ones; but those wait at most `HEAD_START` longer for it.
    """

    HEAD_START = 10.0
    SECONDS_A_QUESTION = 0.1
    """By how much each question puts further ones about the same run back, up to `HEAD_START`."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next = 0.0
        self._queue: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    async def turn(self, asked: int = 0) -> None:
        """Wait until one more question may be asked about something that was asked about so often."""
        now = time.monotonic()
        self._next = max(self._next, now - 1.0)
        loop = asyncio.get_running_loop()
        if not self._queue:
            if self._next + self._interval <= now:
                self._next += self._interval
                return
            loop.call_later(self._next + self._interval - now, self._let_through)
        rank = now + min(asked * self.SECONDS_A_QUESTION, self.HEAD_START)
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._queue, (rank, next(self._numbers), future))
        await future

    def _let_through(self) -> None:
        now = time.monotonic()
        while self._queue and self._next + self._interval <= now:
            future = heapq.heappop(self._queue)[2]
            if not future.done():  # it was given up
                future.set_result(None)
                self._next += self._interval
        if self._queue:
            wait = self._next + self._interval - now
            asyncio.get_running_loop().call_later(wait, self._let_through)


class Schedule:
    """Waits of a tenth of the time since the last news, between 5 ms and 1.9 s, with jitter.

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
