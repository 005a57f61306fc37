"""A run that was started before, here or elsewhere: watch it, see its output so far, end it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import DataSphereError
from ..protocol import Execution
from .describe import elapsed, is_over, place
from .following import join, so_far
from .handle import Handle
from .interrupts import Interrupted, interruptible
from .link import Link
from .live import Board
from .lookup import find
from .outcome import Outcome
from .pacing import Pacer
from .saving import save
from .settings import Settings
from .stopping import left, may_go_on, see_it_end
from .watch import Watch

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Joining:
    """One per kernel. A run is named by its ID or the beginning of it, see `lookup`."""

    def __init__(
        self, shell: InteractiveShell, link: Link, settings: Settings, pacer: Pacer, board: Board
    ) -> None:
        self._shell = shell
        self._link = link
        self._settings = settings
        self._pacer = pacer
        self._board = board

    def attach(self, written: str) -> Handle:
        """Show the run from its first event to its last, and end as its own cell would have.

        Only an interrupt differs: the run may be somebody else's to end, so it ends the watching.
        """
        execution = find(self._link, written)
        outcome = Outcome(execution.id, execution.outputs)
        try:
            with self._interruptible(lambda: left(outcome, "watching")):
                watch = self._watch(outcome, execution, quiet=self._settings.quiet)
                watch.follow(join(self._link, execution.id, waiter=watch))
        finally:
            self._shell.user_ns.update(outcome.variables)
        outcome.raise_unless_succeeded()
        outcome.raise_for_missing()
        return Handle(self._link, execution.id, outcome=outcome, board=self._board, shell=self._shell)

    def output(self, written: str) -> None:
        """Show what the run has put out so far, and how it ended, if it has."""
        execution = find(self._link, written)
        outcome = Outcome(execution.id, ())
        with self._interruptible(lambda: f"no longer showing the output of execution {execution.id}"):
            self._watch(outcome, execution, quiet=True).follow(so_far(self._link, execution))
        if not is_over(execution):
            self._say(
                f"execution {execution.id} goes on ({execution.state}):"
                f" %ds_attach {execution.id} shows the rest, too"
            )
            return
        try:
            outcome.raise_unless_succeeded()
        except DataSphereError as error:
            # Shown and not raised: looking at a run that failed is no failure.
            print(*error._render_traceback_(), sep="\n", file=sys.stderr, flush=True)

    def save(self, written: str, path: str, *, overwrite: bool) -> None:
        """Write what the run has put out so far to a file, and say what that was."""
        execution = find(self._link, written)
        with self._interruptible(lambda: f"no longer writing: {path} was left as it was"):
            saved = save(self._link, execution, path, overwrite=overwrite)
        goes_on = () if is_over(execution) else (f"the run goes on ({execution.state})",)
        self._say(saved.told(path, f" of execution {execution.id}", *goes_on))

    def cancel(self, written: str) -> None:
        """Ask for the end of the run, and wait a little to see it."""
        execution = find(self._link, written)
        if is_over(execution):
            self._say(
                f"execution {execution.id} in project {place(execution)} had already ended:"
                f" {execution.state} after {elapsed(execution)}"
            )
            return
        outcome = Outcome(execution.id, ())
        outcome.last = execution.last_event  # its end, whenever it comes, is after that
        with self._interruptible(lambda: may_go_on(execution.id)):
            told = self._link.cancel(execution.id)
            self._say(see_it_end(self._link, told, outcome, outcome.take))

    @contextmanager
    def _interruptible(self, words: Callable[[], str]) -> Iterator[None]:
        """Within it, an interrupt of the user ends what goes on here, with these words about the run."""
        with interruptible():
            try:
                yield
            except KeyboardInterrupt:
                self._link.reset()
                raise Interrupted(words()) from None

    def _watch(self, outcome: Outcome, execution: Execution, *, quiet: bool) -> Watch:
        return Watch(
            self._link,
            outcome,
            self._shell,
            self._pacer,
            quiet=quiet,
            limit=self._settings.display_bytes,
            found=execution,
        )

    def _say(self, text: str) -> None:
        self._shell.display_pub.publish({"text/plain": text})
