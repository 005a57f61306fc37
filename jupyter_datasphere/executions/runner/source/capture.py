"""Where outputs are caught, and to which run and session each belongs."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from threading import get_ident
from typing import Any

from .events import Courier, Meter, Outbox, output
from .sessions import Session, Sessions

ORIGIN = "jupyter_datasphere"
"""Key in the header of a run's parent message: ``(session, run, cell)``."""

HOW_TO_EXIT = "To exit: use 'exit'"
"""What IPython warns of after a SystemExit; wrong in a remote run."""


class Scope:
    """The cell that is running: its outputs go to `session`."""

    def __init__(self, session: Session, run: str, cell: int | None) -> None:
        self.session = session
        self.outbox: Outbox = session.outbox
        self.run = run
        self.cell = cell
        self.header: dict[str, Any] = {}
        self.held: dict[str, Any] | None = None
        """An error that was shown and may turn out to be the end of the cell."""


class Capture(ABC):
    """Puts what is written and shown into the outboxes of the sessions, from its making until `close`."""

    def __init__(self, shell: Any, sessions: Sessions) -> None:
        self.shell = shell
        self.sessions = sessions
        self.courier = Courier()
        self.meter = Meter()
        self.scope: Scope | None = None
        self.notices: list[str] = []
        """What cannot be captured here, in words."""
        self.shown_as: Callable[[BaseException], BaseException] = lambda error: error
        """The exception to show for one that the code raised."""
        self.last_parent = ""
        """Message ID of the cell of the runner notebook under which the last run was."""
        self._main = threading.main_thread().ident

    # For the run

    @abstractmethod
    def begin(self) -> None:
        """A run begins: its batches go where outputs of the present cell go."""

    @abstractmethod
    def enter(self, scope: Scope) -> None:
        """A cell begins."""

    @abstractmethod
    def end(self) -> None:
        """The run's code has come to its end."""

    @abstractmethod
    def publish(self, batch: bytes) -> None:
        """Send a batch, which is JSON."""

    def drain(self) -> None:  # noqa: B027 - who sends at once has nothing to wait for
        """Wait until what has been written has arrived."""

    def close(self) -> None:
        """Leave everything as it was found."""
        self.courier.stop()

    def payloads(self) -> list[dict[str, Any]]:
        """What the cell asked of its front end, such as to show a page of help."""
        return []

    def take_error(self) -> dict[str, Any] | None:
        """The error that was shown last and that nothing followed."""
        if self.scope is None or self.scope.held is None:
            return None
        content, self.scope.held = self.scope.held, None
        return content

    # For the taps

    @abstractmethod
    def encode(self, content: dict[str, Any]) -> bytes:
        """The content of a message as JSON."""

    def place(
        self, header: dict[str, Any], *, left_behind: bool = False
    ) -> tuple[Session, int | None] | None:
        """To which session and cell an output under this header belongs; None: it is none of ours.

        Code of a run may write long after it: a task is known by the header that it inherited, a thread by
        the run that started it. With `left_behind`, a program or a thread that is not known belongs to the
        last run, until the notebook's cell is run again.
        """
        scope = self.scope
        origin = header.get(ORIGIN)
        owner = None
        in_thread = get_ident() != self._main
        if in_thread:
            owner = self.sessions.of_thread(threading.current_thread())
        if owner is None and origin is not None:
            owner = self.sessions.find(origin[0])
        if owner is None and scope is not None:
            owner = scope.session
        if owner is None and left_behind and in_thread and header.get("msg_id") == self.last_parent:
            owner = self.sessions.last()
        if owner is None:
            return None
        if scope is None or owner is not scope.session:
            return owner, None
        if origin is not None and origin[1] == scope.run:
            return owner, origin[2]
        return owner, scope.cell

    def put(self, session: Session, stream: str, content: Any, cell: int | None) -> None:
        """Put a piece into the outbox of a session."""
        scope = self.scope
        if scope is None or session is not scope.session:
            session.keep((stream, content, cell))
            return
        held = scope.held
        if held is not None and get_ident() == self._main:
            if held["ename"] == "SystemExit" and stream == "stderr" and HOW_TO_EXIT in content:
                return
            scope.held = None
            scope.outbox.append(("", output("error", self.encode(held), scope.cell), None))
        scope.outbox.append((stream, content, cell))
        if self.courier.idle:
            self.courier.ring()
        self.meter.room -= len(content)
        if self.meter.room < 0:
            self.meter.rest()

    def put_message(self, kind: str, content: dict[str, Any], place: tuple[Session, int | None]) -> None:
        """Put a message's content into the outbox of a session, as it is now."""
        session, cell = place
        scope = self.scope
        if kind == "error" and scope is not None and session is scope.session and get_ident() == self._main:
            held, scope.held = scope.held, None
            if held is not None:
                self.put(session, "", output("error", self.encode(held), cell), None)
            scope.held = content
            return
        self.put(session, "", output(kind, self.encode(content), cell), None)
