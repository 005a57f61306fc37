"""One run, from asking to its end, and what an interrupt of the user does to it."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from ..errors import DataSphereError, NotFoundError
from ..protocol import Execution, ExecutionRequest
from .display import LIMIT
from .following import follow, launch
from .interrupts import Interrupted, interruptible
from .link import Link
from .outcome import Outcome
from .pacing import Pacer
from .stopping import may_go_on, not_told, see_it_end
from .watch import Watch

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

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
        self._watch = Watch(link, self.outcome, shell, pacer, quiet=quiet, limit=limit)

    def complete(self) -> None:
        """Follow the run to its end and show it.

        Raises as `Outcome.raise_unless_succeeded`, and `Interrupted` when the user interrupted.
        """
        with interruptible():
            try:
                self._watch.follow(follow(self._link, self._request, self.id, self._watch))
            except KeyboardInterrupt:
                raise Interrupted(self._stop()) from None
        self.outcome.raise_unless_succeeded()

    def detach(self) -> Execution:
        """Start the run and leave it to itself. Raises `Interrupted` when the user interrupted that."""
        with interruptible():
            try:
                return launch(self._link, self._request, self.id)
            except KeyboardInterrupt:
                raise Interrupted(self._stop()) from None

    # Interrupted

    def _stop(self) -> str:
        """Cancel the run and see it end; says in one line what became of it."""
        ending = self.outcome.ending
        if ending is not None:
            return f"execution {self.id} had already ended: {ending.state}"
        try:
            self._link.reset()
            execution = self._cancel()
            if execution is None:
                return "nothing was started"
            return see_it_end(self._link, execution, self.outcome, self._watch.take)
        except KeyboardInterrupt:
            return may_go_on(self.id)
        except DataSphereError as error:
            return not_told(self.id, error)

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
