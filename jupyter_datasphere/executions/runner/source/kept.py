"""Batches of events, kept until whoever follows the run has them on disk."""

# ruff: noqa: UP006, UP035 - evaluated at run time, where Python 3.8 has no `tuple[…]`

from __future__ import annotations

from collections import deque
from tempfile import TemporaryFile
from threading import Lock
from typing import Any, Deque, List, Tuple

IN_MEMORY = 8 * 2**20
"""Bytes kept in memory; further ones are in a file without a name, which is gone with the interpreter."""


class Kept:
    """Batches in order, each with the number of its last event."""

    def __init__(self) -> None:
        self._batches: Deque[Tuple[int, Any, int]] = deque()
        """Number of the last event, and either the batch or its position in the file; its size."""
        self._held = 0
        self._file: Any = None
        self._end = 0
        self._lock = Lock()
        self.last = 0
        """Number of the last event."""

    def put(self, last: int, batch: bytes) -> None:
        with self._lock:
            self._batches.append((last, self._stored(batch), len(batch)))
            self.last = last

    def acknowledge(self, number: int) -> None:
        """Forget what holds nothing after this event."""
        with self._lock:
            while self._batches and self._batches[0][0] <= number:
                _, batch, size = self._batches.popleft()
                if isinstance(batch, bytes):
                    self._held -= size
            if not self._batches and self._file is not None:
                self._file.close()
                self._file, self._end = None, 0

    def after(self, number: int, limit: int) -> List[bytes]:
        """What comes after this event: at least one batch, if there is one, up to `limit` bytes."""
        found: List[bytes] = []
        with self._lock:
            for last, batch, size in self._batches:
                if last <= number:
                    continue
                if found and limit < size:
                    break
                found.append(batch if isinstance(batch, bytes) else self._read(batch, size))
                limit -= size
        return found

    def _stored(self, batch: bytes) -> Any:
        if self._held + len(batch) > IN_MEMORY:
            try:
                if self._file is None:
                    self._file = TemporaryFile()  # noqa: SIM115 - lives until all of it is acknowledged
                self._file.seek(self._end)
                self._file.write(batch)
                self._file.flush()
            except OSError:
                pass  # no room there: it must not be lost
            else:
                self._end += len(batch)
                return self._end - len(batch)
        self._held += len(batch)
        return batch

    def _read(self, position: int, size: int) -> bytes:
        self._file.seek(position)
        content: bytes = self._file.read(size)
        return content
