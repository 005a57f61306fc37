"""One run, from asking to its end, and what an interrupt of the user does to it."""

from __future__ import annotations

import secrets
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ..errors import DataSphereError, ExpectedError, NotFoundError, RemoteExecutionError
from ..protocol import Execution, ExecutionRequest, FailureEvent, StatusEvent, VariableEvent
from .display import Display
from .following import follow, is_final
from .interrupts import Interrupted, interruptible
from .link import Batch, Link
from .pacing import Pacer
from .problems import error_from
from .progress import Progress, duration

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CANCELLING = 10.0
"""Seconds for which an interrupted cell waits to see the run end."""

ARRIVING = 2.0
"""Seconds within which a run that was asked for just before the interrupt may still reach the server."""

ENDINGS = {
    "cancelled": "was cancelled.",
    "failed": "failed, and no reason was given.",
    "lost": "was lost: the service no longer knows how it ended.",
    "unknown": "was sent, but whether the service took it can no longer be found out.",
}


class Run:
    """Runs one request, shows what happens, and knows how it ended."""

    def __init__(
        self,
        link: Link,
        request: ExecutionRequest,
        shell: InteractiveShell,
        pacer: Pacer,
        *,
        quiet: bool = False,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.variables: dict[str, Any] = {}
        self._link = link
        self._request = request
        self._progress = Progress.for_shell(shell, quiet=quiet)
        self._display = Display(shell, self._progress, pacer, self.id)
        self._last = 0  # the number of the newest event taken
        self._ending: StatusEvent | None = None
        self._failure: FailureEvent | None = None

    def complete(self) -> None:
        """Follow the run to its end; `variables` are those that came back.

        Raises `RemoteExecutionError` for what the code raised, another `DataSphereError` for whatever else
        kept it from succeeding, and `Interrupted` when the user interrupted.
        """
        with interruptible():
            try:
                self._progress.start()
                with closing(follow(self._link, self._request, self.id)) as batches:
                    for batch in batches:
                        self._take(batch)
                self._progress.finish(self._summary())
            except KeyboardInterrupt:
                raise Interrupted(self._stop()) from None
            finally:
                self._progress.finish()
        self._raise_unless_succeeded()

    def _take(self, batch: Batch) -> None:
        # What they say is noted before anything is shown: an interrupt can come while output is written.
        for number, event in batch:
            self._last = number
            match event:
                case VariableEvent(name=name, value=value) if name in self._request.outputs:
                    self.variables[name] = value
                case FailureEvent():
                    self._failure = event
                case StatusEvent() if is_final(event):
                    self._ending = event
        self._display.show(event for _, event in batch)

    def _raise_unless_succeeded(self) -> None:
        ending, failure = self._ending, self._failure
        if ending is None or ending.state == "succeeded":
            return
        if ending.problem is not None:
            raise error_from(ending.problem)
        if failure is not None and ending.state == "failed":
            raise RemoteExecutionError(failure.ename, failure.evalue, failure.traceback, execution_id=self.id)
        raise ExpectedError(
            f"Execution {self.id} {ENDINGS[ending.state]}", code=ending.state, hint=ending.detail
        )

    def _summary(self) -> str | None:
        """A line for a run that was long enough to be asked about."""
        if self._ending is None or not self._progress.wants_summary:
            return None
        parts = [f"{self._ending.state} after {duration(self._progress.elapsed)}"]
        try:
            execution = self._link.execution(self.id)
        except DataSphereError:
            return parts[0]  # the outputs are complete: a missing detail is no reason to fail
        if execution.units is not None:
            parts.append(f"{execution.units} units")
        parts.append(_project(execution))
        return " · ".join(parts)

    # Interrupted

    def _stop(self) -> str:
        """Cancel the run and see it end; says in one line what became of it."""
        self._progress.finish()
        if self._ending is not None:
            return f"execution {self.id} had already ended: {self._ending.state}"
        try:
            self._link.reset()
            execution = self._cancel()
            if execution is None:
                return "nothing was started"
            self._see_it_end()
        except KeyboardInterrupt:
            return f"no longer waiting: execution {self.id} may go on"
        except DataSphereError as error:
            return f"execution {self.id} may go on, as it could not be cancelled: {error}"
        where = f"execution {self.id} in project {_project(execution)}"
        ending: StatusEvent | None = self._ending  # set meanwhile
        if ending is None:
            return f"cancelling takes longer than {CANCELLING:g} s: {where} was told to stop"
        if ending.state == "cancelled":
            return f"cancelled: {where}"
        return f"{ending.state} before it could be cancelled: {where}"

    def _cancel(self) -> Execution | None:
        """None: the server does not know the run, as the interrupt came before it was asked for."""
        until = time.monotonic() + ARRIVING
        while True:
            try:
                return self._link.cancel(self.id)
            except NotFoundError:
                if self._last or time.monotonic() > until:
                    return None
            time.sleep(0.1)

    def _see_it_end(self) -> None:
        until = time.monotonic() + CANCELLING
        with closing(self._link.events(self.id, after=self._last, patience=CANCELLING)) as batches:
            for batch in batches:
                self._take(batch)
                if time.monotonic() > until:
                    return


def _project(execution: Execution) -> str:
    return execution.project_name or execution.project_id
