"""The clocks of this computer, in one place: tests set them, and let them sleep."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one that tells the time and may be set, and one that only goes on."""

    def wall(self) -> float:
        """Seconds since the epoch, as far as this computer knows: the user, or a time server, may set it."""
        ...

    def elapsed(self) -> float:
        """Seconds since some moment. Never set, and goes on while the computer sleeps, where it can tell."""
        ...


class SystemClock:
    """The real ones.

    `time.monotonic` stands still while a Linux or macOS computer sleeps, and with it every wait of asyncio.
    What goes on is CLOCK_BOOTTIME on Linux, CLOCK_MONOTONIC on macOS, and on Windows `time.monotonic` itself.
    """

    def __init__(self) -> None:
        self._id: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
        try:
            self.elapsed()
        except OSError:  # some sandboxes do not know it
            self._id = None

    def wall(self) -> float:
        return time.time()

    def elapsed(self) -> float:
        return time.monotonic() if self._id is None else time.clock_gettime(self._id)


SYSTEM = SystemClock()
