"""Shows how far the transfer of a file is, and leaves a summary."""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from .describe import duration
from .lines import Line
from .progress import PATIENCE, SPINNER, line_for

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

REDRAWN = 0.5
"""Seconds after which the line is drawn anew."""

WINDOW = 5.0
"""Seconds over which the rate is measured."""


class Bar:
    """``"⠹ data.csv · 312 MB of 1.0 GB · 30 % · 42 MB/s · 17 s left"``, from `PATIENCE` seconds on.

    A thread of its own draws it, so that a transfer that stands still is seen to. Without a `line` nothing
    is shown.
    """

    def __init__(self, line: Line | None, name: str) -> None:
        self._line = line
        self._name = name
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._drawn = 0
        self._done: int = 0
        self._total: int | None = None
        self._marks: deque[tuple[float, int]] = deque()
        self._began = time.monotonic()

    @classmethod
    def for_shell(cls, shell: InteractiveShell, name: str, *, quiet: bool) -> Bar:
        return cls(line_for(shell, quiet=quiet), name)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def start(self) -> None:
        if self._line is not None:
            # The context says which cell the thread's displays belong to.
            context = contextvars.copy_context()
            threading.Thread(target=context.run, args=(self._draw,), daemon=True).start()

    def tell(self, done: int, total: int | None) -> None:
        """So many bytes have come or gone, of that many where it is known."""
        self._done, self._total = done, total

    def finish(self, summary: str | None = None) -> bool:
        """It is over; whether there was a place for the `summary`. Nothing is shown after that."""
        self._over.set()
        with self._lock:
            line, self._line = self._line, None
            if line is None:
                return False
            if summary is None:
                line.hide()
            else:
                line.keep(summary)
            return True

    def _draw(self) -> None:
        wait = PATIENCE
        while not self._over.wait(wait):
            with self._lock:
                if self._line is None:
                    return
                self._line.show(self._text(time.monotonic()))
                self._drawn += 1
            wait = REDRAWN

    def _text(self, now: float) -> str:
        done, total = self._done, self._total
        rate = self._rate(now, done)
        parts = [f"{SPINNER[self._drawn % len(SPINNER)]} {self._name}"]
        if total is None:
            parts.append(amount(done))
        else:
            parts += [f"{amount(done)} of {amount(total)}", f"{100 * done // max(total, 1)} %"]
        if done == total:
            return " · ".join([*parts, "finishing"])  # the other end still has to put it in its place
        parts.append(f"{amount(round(rate))}/s")
        if rate and total is not None:
            parts.append(f"{duration((total - done) / rate)} left")
        return " · ".join(parts)

    def _rate(self, now: float, done: int) -> float:
        """Bytes a second of late."""
        if self._marks and done < self._marks[-1][1]:
            self._marks.clear()  # it was begun anew
        while len(self._marks) > 1 and now - self._marks[0][0] > WINDOW:
            self._marks.popleft()
        self._marks.append((now, done))
        (since, before), (until, after) = self._marks[0], self._marks[-1]
        if until > since:
            return (after - before) / (until - since)
        return done / self.elapsed


def amount(size: int) -> str:
    """``"512 bytes"``, ``"1.2 kB"``, ``"31 MB"``, ``"1.0 GB"``."""
    if size < 1000:
        return f"{size} bytes"
    units = ["TB", "GB", "MB", "kB"]
    number, unit = size / 1000, units.pop()
    while number >= 999.5 and units:
        number, unit = number / 1000, units.pop()
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"
