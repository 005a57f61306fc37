"""Looks again and again while there is something to see, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

EACH = 1.0
"""Seconds between two looks at least; later a tenth of the time since it was woken."""

AT_MOST = 10.0
"""Seconds between two looks at most: a look costs some milliseconds, also where nobody answers."""

GRACE = 5.0
"""Seconds for which it looks on although it sees nothing: what it was woken for may just be beginning."""


class Ticker:
    """Calls `look`, from `wake` on, until it says that nothing goes on, or `stop`."""

    def __init__(self, look: Callable[[], bool]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._woken_at = 0.0
        self._stop = threading.Event()

    @property
    def active(self) -> bool:
        return self._thread is not None

    def wake(self) -> None:
        with self._lock:
            self._woken_at = time.monotonic()
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """For good; a look that is under way comes to its end."""
        self._stop.set()

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._pause()):
                goes_on = self._look()
                with self._lock:
                    if not goes_on and time.monotonic() - self._woken_at > GRACE:
                        self._thread = None  # under the lock: a `wake` from now on starts another
                        return
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _pause(self) -> float:
        return min(max(EACH, (time.monotonic() - self._woken_at) / 10), AT_MOST)
