"""What the events of one run tell about its end, for whoever reads them: a cell or a handle."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any

from ..errors import RemoteExecutionError, RunCancelledError, RunError, RunLostError, VariableError
from ..protocol import FINAL_STATES, Event, FailureEvent, StatusEvent, VariableEvent
from .problems import ending_from

Batch = list[tuple[int, Event]]
"""Events that arrived together, with their numbers."""

ENDINGS = {
    "cancelled": "was cancelled.",
    "failed": "failed, and no reason was given.",
    "lost": "was lost: the service no longer knows how it ended.",
    "unknown": "was sent, but whether the service took it can no longer be found out.",
}

KINDS: dict[str, type[RunError]] = {
    "cancelled": RunCancelledError,
    "lost": RunLostError,
    "unknown": RunLostError,
}

EXITED = "The code asked to exit. Only this run ended: a session keeps its variables."
NO_MEMORY = "The code ran out of memory and was told so. Only this run ended: a session keeps its variables."


def is_final(event: Event) -> bool:
    return isinstance(event, StatusEvent) and event.state in FINAL_STATES


class Outcome:
    """Fed with the events of a run, in order; `variables` are those of the `wanted` that came.

    Several threads may feed it: what one of them brought before is taken once.
    """

    def __init__(self, execution_id: str, wanted: Collection[str]) -> None:
        self.execution_id = execution_id
        self.variables: dict[str, Any] = {}
        self.ending: StatusEvent | None = None
        self.last = 0
        """The number of the newest event taken."""
        self._wanted = tuple(wanted)
        self._failure: FailureEvent | None = None
        self._lock = threading.Lock()

    def take(self, batch: Batch) -> None:
        with self._lock:
            for number, event in batch:
                if number <= self.last:
                    continue
                self.last = number
                match event:
                    case VariableEvent(name=name, value=value) if name in self._wanted:
                        self.variables[name] = value
                    case FailureEvent():
                        self._failure = event
                    case StatusEvent() if is_final(event):
                        self.ending = event

    def raise_unless_succeeded(self) -> None:
        """Nothing for a run that succeeded, or goes on.

        Raises `RemoteExecutionError` for what the code raised, `InterpreterEndedError` where the interpreter
        ended under it, another `RunError` for a run that was cancelled or lost, and another `DataSphereError`
        for whatever else kept the run from succeeding. Each but the first says which run it was.
        """
        ending, failure = self.ending, self._failure
        if ending is None or ending.state == "succeeded":
            return
        if ending.problem is not None:
            error = ending_from(ending.state, ending.problem)
            error.message = f"Execution {self.execution_id}: {error.message}"
            error.execution_id = self.execution_id
            raise error
        if failure is not None and ending.state == "failed":
            raise RemoteExecutionError(
                failure.ename, failure.evalue, _explained(failure), execution_id=self.execution_id
            )
        kind = KINDS.get(ending.state, RunError)
        ended = kind(f"Execution {self.execution_id} {ENDINGS[ending.state]}", hint=ending.detail)
        ended.code = ending.state
        ended.execution_id = self.execution_id
        raise ended

    def raise_for_missing(self) -> None:
        """Raises `VariableError` where a run has succeeded and one of the `wanted` did not come."""
        missing = [name for name in self._wanted if name not in self.variables]
        if missing:
            raise VariableError(
                f"Execution {self.execution_id} succeeded, but gave no variable"
                f" {' or '.join(map(repr, missing))}.",
                code="output-missing",
                hint="Does the code define it, as a value that JSON knows?",
            )


def _explained(failure: FailureEvent) -> list[str]:
    """The traceback, and what it means for the session where that is not plain."""
    match failure.ename:
        case "SystemExit":
            # IPython's own words would name %tb, which is of no use here.
            return [EXITED]
        case "MemoryError":
            return [*failure.traceback, NO_MEMORY]
        case _:
            return failure.traceback
