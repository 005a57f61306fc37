"""Reads a detached run to its end while somebody waits for that, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager

from .following import join
from .link import Link
from .outcome import Outcome


class Reader:
    """Feeds `outcome`. However many wait, one thread reads; soon after the last has left, none does."""

    def __init__(self, link: Link, outcome: Outcome) -> None:
        self._link = link
        self._outcome = outcome
        self._lock = threading.Lock()
        self._waiting = 0
        self._reading: Future[None] | None = None

    def wait(self, timeout: float | None) -> None:
        """Block until the run has ended. Raises `TimeoutError`, and what keeps the server from telling."""
        until = None if timeout is None else time.monotonic() + timeout
        with self._present():
            while self._outcome.ending is None:
                left = None if until is None else max(0.0, until - time.monotonic())
                self._start().result(left)

    async def ended(self) -> None:
        """Wait until the run has ended, while the event loop goes on. Raises as `wait` does."""
        with self._present():
            while self._outcome.ending is None:
                await asyncio.wrap_future(self._start())

    @contextmanager
    def _present(self) -> Iterator[None]:
        with self._lock:
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def _start(self) -> Future[None]:
        """What ends when the thread does; another thread is started where none reads."""
        with self._lock:
            if self._reading is None or self._reading.done():
                self._reading = Future()
                # Now a waiter that gives up cannot cancel it for the others.
                self._reading.set_running_or_notify_cancel()
                threading.Thread(target=self._read, args=(self._reading,), daemon=True).start()
            return self._reading

    def _read(self, reading: Future[None]) -> None:
        link = self._link.another()
        try:
            with closing(join(link, self._outcome.execution_id, self._outcome.last)) as batches:
                for batch in batches:  # at the latest every 15 s, then an empty one
                    self._outcome.take(batch)
                    if not self._waiting:
                        break
        except BaseException as error:  # noqa: BLE001 - given to those who wait
            reading.set_exception(error)
        else:
            reading.set_result(None)
        finally:
            link.reset()
