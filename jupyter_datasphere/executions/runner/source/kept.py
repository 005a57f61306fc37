"""Batches of events, kept until whoever follows the run has them on disk."""

# ruff: noqa: UP006, UP035 - evaluated at run time, where Python 3.8 has no `tuple[…]`

from __future__ import annotations

from collections import deque
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import Any, Deque, List, Tuple

IN_MEMORY = 8 * 2**20
"""Bytes kept in memory; more are in a file without a name, which is gone with the interpreter."""


class Kept:
    """Batches in order, each with the number of its last event."""

    def __init__(self) -> None:
        self._file: Any = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - lives as long as this
        self._places: Deque[Tuple[int, int, int]] = deque()
        """Number of the last event, position and size of each batch that was not acknowledged."""
        self._end = 0
        self._lock = Lock()
        self.last = 0
        """Number of the last event."""

    def put(self, last: int, batch: bytes) -> None:
        with self._lock:
            self._file.seek(self._end)
            self._file.write(batch)
            self._places.append((last, self._end, len(batch)))
            self._end += len(batch)
            self.last = last

    def acknowledge(self, number: int) -> None:
        """Forget what holds nothing after this event."""
        with self._lock:
            while self._places and self._places[0][0] <= number:
                self._places.popleft()
            if not self._places and self._end:
                self._end = 0
                self._file.seek(0)
                self._file.truncate()

    def after(self, number: int, limit: int) -> List[bytes]:
        """What comes after this event: at least one batch, if there is one, up to `limit` bytes."""
        found: List[bytes] = []
        with self._lock:
            for last, position, size in self._places:
                if last <= number:
                    continue
                if found and limit < size:
                    break
                self._file.seek(position)
                found.append(self._file.read(size))
                limit -= size
        return found
