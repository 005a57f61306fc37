"""The parts of a run, downloaded one after the other."""

from __future__ import annotations

import msgspec

from ...datasphere.files import ProjectFiles
from ...errors import ServiceError, UsageError
from ...protocol import RunnerBatch
from ..runner.request import part_path

LARGEST = 256 * 2**20
"""Bytes of a part that is brought back; one is larger only where a single output is."""


class UnreadablePart(Exception):
    """A part is there, but is not what the runner writes; the text says what will be missing."""


class PartReader:
    """Gives the parts of a run in order, from the one that holds the event after `cursor`."""

    def __init__(self, files: ProjectFiles, project_id: str, run_id: str, cursor: int) -> None:
        self._files = files
        self._project_id = project_id
        self._run_id = run_id
        self._cursor = cursor
        self._next: int | None = 1 if cursor == 0 else None
        """Number of the part that comes next; None: to be found."""

    async def next(self) -> tuple[RunnerBatch, int] | None:
        """The next part, and its size in bytes; None where it is not there yet.

        Raises `UnreadablePart`, after which the one behind it comes next, or what `ProjectFiles.read` raises.
        """
        if self._next is None:
            self._next = await self._find()
        try:
            content = await self._read(self._next)
            if content is None:
                return None
            batch = msgspec.json.decode(content, type=RunnerBatch)
        except (msgspec.MsgspecError, UsageError) as error:
            if isinstance(error, UsageError) and error.code != "too-large":
                raise
            number, self._next = self._next, self._next + 1
            path = part_path(self._run_id, number)
            raise UnreadablePart(f"What is in {path} of the project is not shown: {error}") from error
        self._next += 1
        return batch, len(content)

    async def _find(self) -> int:
        """The last part that begins with an event at or before the cursor, for who has read some before.

        Each part begins with a higher number: so twice as far each time, and then by halves.
        """
        low, high = 1, 2
        while await self._begins_before(high):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            if await self._begins_before(middle):
                low = middle
            else:
                high = middle
        return low

    async def _begins_before(self, number: int) -> bool:
        try:
            content = await self._read(number)
            if content is None:
                return False
            events = msgspec.json.decode(content, type=RunnerBatch).events
        except (msgspec.MsgspecError, UsageError):
            return False  # what comes before it is read again, and dropped by number
        return bool(events) and events[0][0] <= self._cursor

    async def _read(self, number: int) -> bytes | None:
        try:
            return await self._files.read(self._project_id, part_path(self._run_id, number), limit=LARGEST)
        except ServiceError as error:
            if error.code != "not-found":
                raise
            return None
