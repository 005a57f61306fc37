"""Lines that follow the runs of handles that were shown, in one thread for all of them.

A display cannot know whether somebody still looks at it. So it is updated when the state changes, and else
after a tenth of the time that the run has taken: the updates of a run grow with the logarithm of its length.
The thread asks our own server only, and ends when nothing that is shown goes on. Where the server is away, it
asks more and more seldom until that is back: it may be started anew, and the run goes on meanwhile.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import DataSphereError, UnavailableError
from ..protocol import Execution
from .describe import is_over
from .link import Link

EACH = 1.0
"""Seconds between two looks."""

SELDOM = 10.0
"""The same at most, where nobody answers; before that, a tenth of the time for which nobody has."""

AT_MOST = 100
"""Updates of one line; a run that is not over then (after about a day) has to be looked at anew."""


@dataclass
class _Shown:
    update: Callable[[Execution], None]
    state: str
    # The context says which cell the display belongs to.
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    updates: int = 0
    next_at: float = 0.0


class Board:
    """One per kernel."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._shown: dict[str, _Shown] = {}
        self._thread: threading.Thread | None = None

    def follow(self, execution: Execution, update: Callable[[Execution], None]) -> None:
        """Call `update` from now on, at the latest when the run has ended; replaces an earlier `update`."""
        with self._lock:
            self._shown[execution.id] = _Shown(update, execution.state)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        link = self._link.another()
        answered = time.monotonic()
        try:
            while True:
                try:
                    if not self._look(link):
                        return
                    answered = time.monotonic()
                except UnavailableError:
                    pass  # the lines keep what was true
                time.sleep(min(max(EACH, (time.monotonic() - answered) / 10), SELDOM))
        finally:
            link.reset()

    def _look(self, link: Link) -> bool:
        """Look at each run once; whether any goes on. Raises `UnavailableError` where the server is away."""
        for execution_id, shown in list(self._shown.items()):
            try:
                execution = link.execution(execution_id)
            except UnavailableError:
                raise
            except DataSphereError:
                self._forget(execution_id, shown)  # the line keeps what was true; the handle tells more
                continue
            now = time.monotonic()
            over = is_over(execution)
            if over or execution.state != shown.state or now >= shown.next_at:
                shown.state = execution.state
                shown.updates += 1
                shown.next_at = now + max(EACH, (time.time() - execution.created_at) / 10)
                shown.context.run(shown.update, execution)
            if over or shown.updates >= AT_MOST:
                self._forget(execution_id, shown)
        with self._lock:
            if not self._shown:
                self._thread = None
            return bool(self._shown)

    def _forget(self, execution_id: str, shown: _Shown) -> None:
        with self._lock:
            if self._shown.get(execution_id) is shown:
                del self._shown[execution_id]
