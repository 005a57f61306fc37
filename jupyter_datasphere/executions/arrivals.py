"""Runs that were asked for and are being checked: nothing of them is in the ledger yet."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from ..clocks import Clock
from ..errors import ConflictError
from ..protocol import Execution

ON_THE_WAY_SECONDS = 60.0
"""How long a request may be on its way to us after the wish that nothing shall come of it."""


class Arrivals:
    """Whoever asks for such a run, or for its end, is answered as the checks come out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._checked: dict[str, asyncio.Task[Execution]] = {}
        self._unwanted: dict[str, float] = {}

    def admit(self, execution_id: str, checks: Coroutine[Any, Any, Execution]) -> asyncio.Task[Execution]:
        """Begin with the checks, which end with the run in the ledger. Raises `ConflictError`."""
        if execution_id in self._checked or self._is_unwanted(execution_id):
            checks.close()
            if execution_id in self._checked:
                raise ConflictError(f"Execution {execution_id} exists already.")
            raise _cancelled(execution_id)
        task = self._checked[execution_id] = asyncio.create_task(checks)
        task.add_done_callback(lambda task: self._over(execution_id, task))
        return task

    def of(self, execution_id: str) -> asyncio.Task[Execution] | None:
        """What is being done for that ID."""
        return self._checked.get(execution_id)

    async def result(self, execution_id: str, task: asyncio.Task[Execution]) -> Execution:
        """Wait for the end of the checks, and raise what they raise; they go on without who waits."""
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise _cancelled(execution_id) from None
            raise

    def refuse(self, execution_id: str) -> None:
        """Let nothing of that ID start: neither what is being checked nor what is still on its way."""
        self._unwanted[execution_id] = self._clock.elapsed()
        if (task := self._checked.get(execution_id)) is not None:
            task.cancel()

    def _over(self, execution_id: str, task: asyncio.Task[Execution]) -> None:
        del self._checked[execution_id]
        if not task.cancelled():
            task.exception()  # is told to those who wait; where none does, to nobody

    def _is_unwanted(self, execution_id: str) -> bool:
        oldest = self._clock.elapsed() - ON_THE_WAY_SECONDS
        self._unwanted = {key: at for key, at in self._unwanted.items() if at > oldest}
        return execution_id in self._unwanted


def _cancelled(execution_id: str) -> ConflictError:
    return ConflictError(f"Execution {execution_id} was cancelled before it was started.")
