"""A run as an object: what a notebook holds of one that goes on without it, or has ended."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from ..protocol import Event, Execution, State
from .describe import is_over, line
from .following import so_far
from .interrupts import Interrupted, interruptible
from .lines import DisplayLine
from .link import Link
from .outcome import Outcome
from .outputs import Output, outputs_of, texts_of
from .progress import watched
from .reader import Reader
from .saving import save
from .stopping import left

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .live import Board


class Handle:
    """One execution. Everything but its ID is asked of the server, so that a handle can be made from an ID.

    ``await handle`` is `wait` without blocking the event loop. Where it is shown, it follows the run.
    """

    def __init__(
        self,
        link: Link,
        execution_id: str,
        *,
        outcome: Outcome | None = None,
        board: Board | None = None,
        shell: InteractiveShell | None = None,
    ) -> None:
        """`outcome`: what was read already; with `board` and `shell` a shown handle follows the run."""
        self.id = execution_id
        self._link = link
        self._board = board
        self._shell = shell
        self._known: Execution | None = None
        self._read: tuple[Outcome, Reader] | None = None
        if outcome is not None:
            self._read = outcome, Reader(link, outcome)

    @property
    def status(self) -> State:
        """The state: queued, staged, submitted, running, succeeded, failed, cancelled, lost or unknown."""
        return self._look().state

    @property
    def outputs(self) -> list[Output]:
        """What a cell would show by now, as nbformat outputs; all of it, whatever the display limit."""
        return outputs_of(self._events())

    @property
    def text(self) -> str:
        """What the code wrote to stdout and stderr by now, in the order in which it was written."""
        return "".join(texts_of(self._events()))

    def save(self, path: str | Path, *, overwrite: bool = False) -> int:
        """Write `text` to a file without having all of it in memory; gives the number of bytes.

        Below it comes the traceback of a run that failed. A path that ends with .ipynb gets the executed
        notebook, as far as it has run. The file is there as a whole or, whatever goes wrong, as it
        was. Raises `ConflictError` for one that exists, unless it is to be overwritten, `StorageError` for
        one that cannot be written, and `UsageError` for a notebook where none ran.
        """
        with interruptible():
            return save(self._link, self._look(), path, overwrite=overwrite).size

    @property
    def variables(self) -> dict[str, Any]:
        """The variables that were asked for with -o, as far as they have come: they do so at the end."""
        outcome, _ = self._reading()
        if outcome.ending is None:
            for batch in so_far(self._link, self._look(), outcome.last):
                outcome.take(batch)
        return dict(outcome.variables)

    def wait(self, timeout: float | None = None) -> Handle:
        """Block until the run has ended, for `timeout` seconds at most; gives the handle itself.

        Raises what the cell would have raised (`RemoteExecutionError` for what the code raised), and
        `TimeoutError` while the run goes on. An interrupt ends the waiting, leaves the run alone
        and says so.
        """
        outcome, reader = self._reading()
        with interruptible():
            try:
                reader.wait(timeout)
            except TimeoutError:
                raise TimeoutError(f"Execution {self.id} goes on after {timeout:g} s.") from None
            except KeyboardInterrupt:
                raise Interrupted(left(outcome, "waiting")) from None
        outcome.raise_unless_succeeded()
        return self

    def __await__(self) -> Generator[Any, None, Handle]:
        return self._ended().__await__()

    def cancel(self) -> None:
        """Ask for the end of the run and return at once: `wait` tells when it has come."""
        self._known = self._link.cancel(self.id)

    async def _ended(self) -> Handle:
        outcome, reader = self._reading()
        await reader.ended()
        outcome.raise_unless_succeeded()
        return self

    # Asking the server

    def know(self, execution: Execution) -> None:
        """Keep what the server just said."""
        self._known = execution

    def _look(self) -> Execution:
        if self._known is None or not is_over(self._known):
            self._known = self._link.execution(self.id)
        return self._known

    def _reading(self) -> tuple[Outcome, Reader]:
        if self._read is None:
            outcome = Outcome(self.id, self._look().outputs)
            self._read = outcome, Reader(self._link, outcome)
        return self._read

    def _events(self) -> Iterator[Event]:
        with closing(so_far(self._link, self._look())) as batches:
            for batch in batches:
                yield from (event for _, event in batch)

    # Showing

    def __repr__(self) -> str:
        # Asks nobody: tools call this at any time.
        known = self._known
        ending = None if self._read is None else self._read[0].ending
        if known is None:
            return f"<execution {self.id}>" if ending is None else f"<execution {self.id} · {ending.state}>"
        if ending is not None and not is_over(known):
            # Who waited for the end has read more than was known when it was asked last.
            known = msgspec.structs.replace(known, state=ending.state, finished_at=ending.at)
        return f"<{line(known)}>"

    def _ipython_display_(self) -> None:
        execution = self._look()
        shell = self._shell
        if shell is None or not getattr(shell, "kernel", None):
            print(repr(self))
            return
        shown = DisplayLine(shell)
        shown.show(line(execution))
        if self._board is not None and not is_over(execution) and watched(shell):
            self._board.follow(execution, lambda execution: shown.keep(line(execution)))

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"A handle belongs to this kernel and cannot be pickled: keep its ID, {self.id!r}, instead."
        )
