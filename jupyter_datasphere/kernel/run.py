"""One run, from asking to its end, and what an interrupt of the user does to it."""

from __future__ import annotations

import secrets
import time
from contextlib import closing
from typing import TYPE_CHECKING

from ..errors import DataSphereError, NotFoundError
from ..protocol import Execution, ExecutionRequest
from .display import LIMIT, Display
from .following import follow, launch
from .interrupts import Interrupted, interruptible
from .link import Link
from .outcome import Batch, Outcome
from .pacing import Pacer
from .progress import Progress, duration

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CANCELLING = 10.0
"""Seconds for which an interrupted cell waits to see the run end."""

ARRIVING = 2.0
"""Seconds within which a run that was asked for just before the interrupt may still reach the server."""


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
        limit: int = LIMIT,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.outcome = Outcome(self.id, request.outputs)
        self._link = link
        self._request = request
        self._progress = Progress.for_shell(shell, quiet=quiet)
        self._display = Display(shell, self._progress, pacer, self.id, limit=limit)

    def complete(self) -> None:
        """Follow the run to its end and show it.

        Raises as `Outcome.raise_unless_succeeded`, and `Interrupted` when the user interrupted.
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
        self.outcome.raise_unless_succeeded()

    def detach(self) -> Execution:
        """Start the run and leave it to itself. Raises `Interrupted` when the user interrupted that."""
        with interruptible():
            try:
                return launch(self._link, self._request, self.id)
            except KeyboardInterrupt:
                raise Interrupted(self._stop()) from None

    def _take(self, batch: Batch) -> None:
        # What they say is noted before anything is shown: an interrupt can come while output is written.
        self.outcome.take(batch)
        self._display.show(event for _, event in batch)

    def _summary(self) -> str | None:
        """A line for a run that was long enough to be asked about."""
        ending = self.outcome.ending
        if ending is None or not self._progress.wants_summary:
            return None
        parts = [f"{ending.state} after {duration(self._progress.elapsed)}"]
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
        ending = self.outcome.ending
        if ending is not None:
            return f"execution {self.id} had already ended: {ending.state}"
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
        ending = self.outcome.ending  # set meanwhile
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
                if self.outcome.last or time.monotonic() > until:
                    return None
            time.sleep(0.1)

    def _see_it_end(self) -> None:
        until = time.monotonic() + CANCELLING
        with closing(self._link.events(self.id, after=self.outcome.last, patience=CANCELLING)) as batches:
            for batch in batches:
                self._take(batch)
                if time.monotonic() > until:
                    return


def _project(execution: Execution) -> str:
    return execution.project_name or execution.project_id
