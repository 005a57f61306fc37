"""What runs cells: the interface, and what passes through it.

Implemented by `kernel.Kernel` (a real kernel) and `replay.Replay` (stored outputs, without a kernel).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from .notebooks import CellSource

CellStatus = Literal["ok", "error", "dead"]
Sink = Callable[[str], None]
"""Takes the JSON text of one nbformat output."""


class Snapshot(msgspec.Struct):
    """Variables at the end of an execution, as JSON texts by name.

    `large` names the JSON variables that were too large to be kept; `outputs` has those that were asked for.
    """

    variables: dict[str, str] = {}
    large: list[str] = []
    outputs: dict[str, str] = {}


class StartError(Exception):
    """An interpreter did not start; the message says why."""


class Interpreter(Protocol):
    """Runs the cells of one notebook, one after another."""

    @property
    def alive(self) -> bool: ...

    def begin(self, environment: dict[str, str]) -> None:
        """Set environment variables for the cells to come; does not wait."""

    async def run(self, cell: CellSource, sink: Sink, *, last: list[str] | None = None) -> CellStatus:
        """Run a cell; each output goes to the sink the moment it comes.

        With `last`, `end` comes next with these names, so that its work may be done on the way.
        """

    async def end(self, wanted: list[str]) -> Snapshot | None:
        """Put the environment back and look at the variables; None if the interpreter is dead."""

    async def read(self, names: list[str]) -> dict[str, str] | None:
        """JSON texts of the named variables, of all if none is named; None if the interpreter is dead."""

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running cell."""

    async def stop(self) -> None:
        """End it, with all that it started, at once."""
