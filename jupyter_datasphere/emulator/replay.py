"""Replay notebooks: their stored outputs are played with their delays, and no kernel is started.

A notebook is one if its metadata holds ``{"datasphere_emulator": {"replay": true}}``. An output comes
`delay` seconds after the one before it (the first: after the cell's start), from the output's metadata, or,
since nbformat gives streams no metadata, from the cell's: ``{"delays": [0.1, 2]}``, one per output. A stored
error ends the cell with status ERROR. Each costs a timer and nothing else, so thousands run at once.
"""

from __future__ import annotations

import asyncio

from .interpreters import CellStatus, Sink, Snapshot
from .notebooks import CellSource
from .outputs import json_text


class Replay:
    """Plays stored outputs (an `Interpreter`), for one execution."""

    def __init__(self) -> None:
        self._interrupted = asyncio.Event()
        self._ended = False

    @property
    def alive(self) -> bool:
        return not self._ended

    def begin(self, environment: dict[str, str]) -> None:
        """A replay has no environment."""

    async def run(self, cell: CellSource, sink: Sink, *, last: list[str] | None = None) -> CellStatus:
        for delay, output in zip(_delays(cell), cell.outputs, strict=True):
            if await self._interrupted_within(delay):
                return "error"
            sink(json_text(output))
            if output.get("output_type") == "error":
                return "error"
        return "ok"

    async def end(self, wanted: list[str]) -> Snapshot | None:
        self._ended = True
        return Snapshot()

    async def read(self, names: list[str]) -> dict[str, str] | None:
        return {}

    def interrupt(self) -> None:
        self._interrupted.set()

    async def stop(self) -> None:
        self._interrupted.set()
        self._ended = True

    async def _interrupted_within(self, seconds: float) -> bool:
        if seconds <= 0:
            return self._interrupted.is_set()
        try:
            async with asyncio.timeout(seconds):
                await self._interrupted.wait()
        except TimeoutError:
            return False
        return True


def _delays(cell: CellSource) -> list[float]:
    """One delay per output; what is missing or no number is 0."""
    listed = cell.metadata.get("delays")
    listed = listed if isinstance(listed, list) else []
    delays: list[float] = []
    for index, output in enumerate(cell.outputs):
        metadata = output.get("metadata")
        delay = metadata.get("delay") if isinstance(metadata, dict) else None
        if delay is None and index < len(listed):
            delay = listed[index]
        delays.append(float(delay) if isinstance(delay, int | float) else 0.0)
    return delays
