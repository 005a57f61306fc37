"""How a run's events leave the project, and what is kept of its session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .events import encoded
from .interrupts import Interrupts
from .keeping import Keeper
from .parts import Parts, sweep
from .request import BrokenRequest, FileRequest, Request, broken, read
from .sessions import Session
from .stored import SessionFile
from .values import state

PARTS_LEAST = 1024 * 1024
"""Bytes that a run may write whose request is not known."""


class Way:
    """By what `publish` does with a batch, from an interpreter that lives on: nothing is kept in files."""

    threads_later = "What they write from now on is shown with the next run of this session."
    """What becomes of threads that a run has left."""
    keeps_sessions = False
    """Whether a session outlives its interpreter."""

    def __init__(self, publish: Callable[[bytes], None], request: Request) -> None:
        self.request = request
        self.publish = publish

    def attach(
        self, session: Session, shell: Any, interrupts: Interrupts, tell: Callable[[str], None]
    ) -> None:
        """This is the run; `tell` says something to the user."""

    async def restore(self) -> None:
        """Make the namespace what it was at the end of the session's last run."""

    def keep(self) -> None:
        """Keep the namespace for the session's next run."""

    def show(self) -> None:
        """Let others see the variables."""

    def last_words(self, batch: bytes) -> None:
        """Send the end of a run whose `publish` has raised `Undeliverable`."""

    def close(self) -> None:
        """The run is over."""


class Files(Way):
    """By files in the project, whoever comes to this interpreter next, if anybody does.

    Raises `OSError`, `AlreadyBegun` or `ValueError` where not even that can be told in files.
    """

    threads_later = (
        "They end with this interpreter, and what they write from now on is lost; only where it lives on, "
        "the next run of this session shows that."
    )
    keeps_sessions = True

    def __init__(self, strings: dict[str, str], home: str) -> None:
        run = strings.get("RUN", "")
        self._home = home
        self._keeper: Keeper | None = None
        self._parts = Parts(home, run)
        try:
            try:
                order = read(strings, home)
            except BrokenRequest as error:
                order = FileRequest(broken(run, error), [], 0, PARTS_LEAST)
            sweep(home, order.collected, order.parts_limit, run)
            self._parts.begin(order.parts_limit)
        except BaseException:
            self._parts.close()
            raise
        self.request = order.request
        self.publish = self._parts.publish
        self._limit = order.state_limit

    def attach(
        self, session: Session, shell: Any, interrupts: Interrupts, tell: Callable[[str], None]
    ) -> None:
        self._session, self._interrupts, self._tell = session, interrupts, tell
        self._parts.on_trouble = interrupts.press
        if self.request.kind == "code" or self.request.session is not None:
            self._keeper = Keeper(self._home, self.request.run, session, shell, self._limit, tell)

    async def restore(self) -> None:
        keeper = self._keeper
        if keeper is not None and await keeper.lock(lambda: self._interrupts.arrived):
            self._interruptible(keeper.read)

    def keep(self) -> None:
        if self._keeper is not None and not self._interruptible(self._keeper.keep):
            self._tell("The variables were not kept for the next interpreter: there was an interrupt.")

    def _interruptible(self, step: Callable[[], None]) -> bool:
        """Whether the step, which runs code of the user's, came to its end."""
        self._interrupts.open = True
        try:
            step()
        except KeyboardInterrupt:
            return False
        finally:
            self._interrupts.open = False
        return True

    def show(self) -> None:
        session = self._session
        if self.request.kind == "broken" or (self._keeper is not None and not self._keeper.usable):
            return
        try:
            SessionFile(self._home, session.key).show(encoded(state({session.key: session.summary})))
        except OSError as error:
            self._tell(f"The list of this session's variables could not be written: {error}.")

    def last_words(self, batch: bytes) -> None:
        self._parts.last_words(batch)

    def close(self) -> None:
        if self._keeper is not None:
            self._keeper.close()
        self._parts.close()
