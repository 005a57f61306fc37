"""Shows one run while somebody waits for its end: the cell that started it, or one that came later."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

from ..errors import DataSphereError
from ..protocol import Execution, NoticeEvent
from .describe import duration, elapsed, is_over, place, spent
from .display import LIMIT, Display
from .link import Link
from .outcome import Batch, Outcome
from .pacing import Pacer
from .progress import Progress

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


AWAY = "the server is away, the run goes on"
STARTED_ANEW = "[The server was started anew meanwhile: the run went on, and its output goes on here.]"


class Watch:
    """Feeds `outcome` and the display with the same events.

    `found`: the run as it was when the watching began, where it had begun before: then its time counts from
    its own beginning.
    """

    def __init__(
        self,
        link: Link,
        outcome: Outcome,
        shell: InteractiveShell,
        pacer: Pacer,
        *,
        quiet: bool = False,
        limit: int = LIMIT,
        found: Execution | None = None,
    ) -> None:
        self._link = link
        self._outcome = outcome
        self._ended = found is not None and is_over(found)
        self._progress = Progress.for_shell(shell, quiet=quiet, found=found)
        self._display = Display(shell, self._progress, pacer, outcome.execution_id, limit=limit)

    def follow(self, batches: Generator[Batch]) -> None:
        """Show what they bring, to the end, with a progress line below it."""
        try:
            if not self._ended:
                self._progress.start()
            with closing(batches):
                for batch in batches:
                    self.take(batch)
            self._progress.finish(self._summary())
        finally:
            self._progress.finish()

    def take(self, batch: Batch) -> None:
        """Show what happened, without a progress line where none is shown already."""
        # What they say is noted before anything is shown: an interrupt can come while output is written.
        self._outcome.take(batch)
        self._display.show(event for _, event in batch)

    def away(self) -> None:
        """The server is not there; it is tried again."""
        self._progress.pause(AWAY)

    def back(self, *, anew: bool) -> None:
        """The server is there again."""
        self._progress.pause(None)
        if anew:
            self._display.show([NoticeEvent(text=STARTED_ANEW)])

    def _summary(self) -> str | None:
        """A line for a run that was long enough to be asked about."""
        ending = self._outcome.ending
        if ending is None or not self._progress.wants_summary:
            return None
        try:
            execution = self._link.execution(self._outcome.execution_id)
        except DataSphereError:
            # The outputs are complete: a missing detail is no reason to fail.
            return f"{ending.state} after {duration(self._progress.elapsed)}"
        parts = [f"{ending.state} after {elapsed(execution)}", spent(execution), place(execution)]
        return " · ".join(part for part in parts if part)
