"""What the events of one run tell about its end, for whoever reads them: a cell or a handle."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any

from ..errors import ExpectedError, RemoteExecutionError, TimeoutExceededError
from ..protocol import FINAL_STATES, Event, FailureEvent, Problem, StatusEvent, VariableEvent
from .problems import error_from, timeout_from

Batch = list[tuple[int, Event]]
"""Events that arrived together, with their numbers."""

ENDINGS = {
    "cancelled": "was cancelled.",
    "failed": "failed, and no reason was given.",
    "lost": "was lost: the service no longer knows how it ended.",
    "unknown": "was sent, but whether the service took it can no longer be found out.",
}

STOPPED = "stopped"
"""Code of the problem where the service ended the run, and not its code."""

EXITED = "The code asked to exit. Only this run ended: the interpreter over there keeps its variables."
NO_MEMORY = "The code ran out of memory and was told so. The interpreter over there keeps its variables."
KILLED = (
    "The interpreter over there ended before the code did: it was killed, as the system does when memory runs"
    " out (--spec gives more), or its machine ended, or somebody cancelled the operation."
)


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

        Raises `RemoteExecutionError` for what the code raised and for an interpreter that ended under it,
        `TimeoutExceededError` for a run that its timeout ended, and another `DataSphereError` for whatever
        else kept the run from succeeding.
        """
        ending, failure = self.ending, self._failure
        if ending is None or ending.state == "succeeded":
            return
        if ending.problem is not None:
            if ending.problem.code == STOPPED:
                raise self._stopped(ending.problem)
            if (ending.state, ending.problem.code) == ("cancelled", TimeoutExceededError.code):
                raise timeout_from(ending.problem)
            raise error_from(ending.problem)
        if failure is not None and ending.state == "failed":
            raise RemoteExecutionError(
                failure.ename, failure.evalue, _explained(failure), execution_id=self.execution_id
            )
        raise ExpectedError(
            f"Execution {self.execution_id} {ENDINGS[ending.state]}", code=ending.state, hint=ending.detail
        )

    def raise_for_missing(self) -> None:
        """Raises `ExpectedError` where a run has succeeded and one of the `wanted` did not come."""
        missing = [name for name in self._wanted if name not in self.variables]
        if missing:
            raise ExpectedError(
                f"Execution {self.execution_id} succeeded, but gave no variable"
                f" {' or '.join(map(repr, missing))}.",
                code="output-missing",
                hint="Does the code define it, as a value that JSON knows?",
            )

    def _stopped(self, problem: Problem) -> RemoteExecutionError:
        error = RemoteExecutionError("InterpreterStopped", KILLED, [], execution_id=self.execution_id)
        error.code = problem.code
        error.request_id = problem.request_id
        return error


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
