"""Runs that go to the same notebook over there wait for each other here, first come, first served."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque


class Places:
    """A queue per place. A run takes its position when it is asked for, not when it gets round to waiting."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    def enter(self, place: str) -> Turn:
        """Join the queue of a place, at its end."""
        return Turn(self._queues, place)


class Turn:
    """A position in a queue: wait for it with `wait()`, give it up, reached or not, with `leave()`."""

    def __init__(self, queues: defaultdict[str, deque[asyncio.Future[None]]], place: str) -> None:
        self._queues = queues
        self._place = place
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = queues[place]
        queue.append(self._ready)
        if len(queue) == 1:
            self._ready.set_result(None)

    @property
    def reached(self) -> bool:
        return self._ready.done()

    async def wait(self) -> None:
        await asyncio.shield(self._ready)

    def leave(self) -> None:
        queue = self._queues[self._place]
        if self._ready in queue:
            queue.remove(self._ready)
        if not queue:
            del self._queues[self._place]
        elif not queue[0].done():
            queue[0].set_result(None)
