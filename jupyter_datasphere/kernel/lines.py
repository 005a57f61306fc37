"""One line on the screen that changes while a run goes on, below what the run has put out by then."""

from __future__ import annotations

import html
import shutil
import sys
import uuid
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

PATIENCE = 2.0
"""Seconds for which output has the notebook to itself before the line comes, or moves, below it."""

BLANK = {"text/html": ""}
"""Of it a front end shows nothing, not even an empty line; of no data at all nbconvert would complain."""


class Line(Protocol):
    """Where output comes, the line is told before."""

    def show(self, text: str, age: float = 0.0, *, below: bool = True) -> bool:
        """Show the text; `age`: seconds since the watching began, `below`: whether it may come below output.

        False where there is no place for it now.
        """

    def make_way(self, *, unfinished: bool) -> None:
        """Output comes; `unfinished`: its last line is going on, so nothing may come below it."""

    def forget(self) -> None:
        """The screen was cleared."""

    def hide(self) -> None: ...

    def keep(self, text: str) -> None:
        """Show the last text, which stays."""


class DisplayLine:
    """A line of a notebook: a display that is updated.

    A display cannot move, and each stays in the notebook, blank or not. So where output comes below the line,
    it stays where it is for a while, and then moves below that, as another display; each time it stays twice
    as long, so that even a run of a day leaves no more than some fifteen blank ones. It waits for no silence:
    code that prints once a second never falls silent.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.forget()

    def forget(self) -> None:
        self._display_id: str | None = None
        self._visible = False
        self._placed_at = 0.0
        """The age at which the line got its place; 0 while it has none, or one that was kept for it."""
        self._patience = PATIENCE
        """Seconds from then on before it may move: no longer than at first, as blank ones went, too."""
        self._above = False
        """Whether something was put out before the line."""
        self._overtaken = False
        """Whether something was put out since the line has its place, or while it had none."""

    def show(self, text: str, age: float = 0.0, *, below: bool = True) -> bool:
        if self._overtaken and below and age >= self._placed_at + self._patience:
            if self._display_id is not None:
                self._patience *= 2
            self._move()
        elif self._display_id is None and (self._overtaken or not below):
            return False
        if self._display_id is None:
            self._placed_at = age
        self._write(text)
        return True

    def make_way(self, *, unfinished: bool) -> None:
        if self._display_id is None and unfinished:
            # A progress bar, perhaps, for as long as the run takes: only above it there is a place.
            self._publish(BLANK)
        self._overtaken = True

    def hide(self) -> None:
        if self._visible:
            self._visible = False
            self._publish(BLANK)

    def keep(self, text: str) -> None:
        if self._overtaken and self._above:
            self._move()  # in the middle of the output it would look like a part of that
        self._write(text)

    def _move(self) -> None:
        self.hide()
        self._display_id = None
        self._above, self._overtaken = True, False

    def _write(self, text: str) -> None:
        self._visible = True
        self._publish({"text/plain": text, "text/html": f"<small>{html.escape(text)}</small>"})

    def _publish(self, data: dict[str, str]) -> None:
        update = self._display_id is not None
        self._display_id = self._display_id or uuid.uuid4().hex
        self._shell.display_pub.publish(data, transient={"display_id": self._display_id}, update=update)


class TerminalLine:
    """The last line of a terminal; it goes when output comes, and comes back below it."""

    def __init__(self) -> None:
        self._visible = False
        self._unfinished = False
        self._overtaken = False

    def show(self, text: str, age: float = 0.0, *, below: bool = True) -> bool:
        if self._overtaken and not below:
            return False
        self._overtaken = False
        self._visible = True
        # A line that the terminal breaks could not be taken back.
        self._write(text[: shutil.get_terminal_size().columns - 1])
        return True

    def make_way(self, *, unfinished: bool) -> None:
        self.hide()
        self._unfinished = unfinished
        self._overtaken = True

    def forget(self) -> None:
        self.hide()  # a terminal clears no more than what the cursor is on
        self._unfinished = self._overtaken = False

    def hide(self) -> None:
        if self._visible:
            self._visible = False
            self._write("")

    def keep(self, text: str) -> None:
        self.hide()
        sys.stdout.write(f"\n{text}\n" if self._unfinished else f"{text}\n")
        sys.stdout.flush()

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(f"\r\x1b[K{text}")
        sys.stdout.flush()
