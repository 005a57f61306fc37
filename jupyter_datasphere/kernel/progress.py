"""The line that shows that a run is alive while nothing else does, and the summary that it leaves."""

from __future__ import annotations

import contextvars
import html
import sys
import threading
import time
import uuid
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

PATIENCE = 0.5
"""Seconds without output before the line appears: a quick cell leaves no trace."""

LONG = 2.0
"""Seconds from which on a run gets a summary."""

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def watched(shell: InteractiveShell) -> bool:
    """Whether a person looks on.

    nbclient, papermill and the like say that they take no input; what they write into a notebook shall be
    what the code put out and nothing else.
    """
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return sys.stdout.isatty()
    content = kernel.get_parent().get("content", {})
    return bool(content.get("allow_stdin", False))


class Line(Protocol):
    """One line on the screen that can be changed in its place."""

    def show(self, text: str) -> None: ...

    def hide(self) -> None: ...

    def keep(self, text: str) -> None:
        """Show the last text, which stays."""


class DisplayLine:
    """A line of a notebook: a display that is updated."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._display_id: str | None = None

    def show(self, text: str) -> None:
        self._publish({"text/plain": text, "text/html": f"<small>{html.escape(text)}</small>"})

    keep = show

    def hide(self) -> None:
        # Of a display without any data a front end shows nothing, not even an empty line.
        self._publish({})

    def _publish(self, data: dict[str, str]) -> None:
        update = self._display_id is not None
        self._display_id = self._display_id or uuid.uuid4().hex
        self._shell.display_pub.publish(data, transient={"display_id": self._display_id}, update=update)


class TerminalLine:
    """The last line of a terminal."""

    def show(self, text: str) -> None:
        sys.stdout.write(f"\r\x1b[K{text}")
        sys.stdout.flush()

    def hide(self) -> None:
        self.show("")

    def keep(self, text: str) -> None:
        self.show(f"{text}\n")


class Progress:
    """Spinner, state and elapsed time, from `PATIENCE` seconds after the start until the first output.

    A thread of its own draws it, as the main thread waits for the server. Without a `line` it is silent.
    """

    def __init__(self, line: Line | None, *, already: float = 0.0) -> None:
        """`already`: seconds that the run had taken before anybody watched it."""
        self._line = line
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._began = time.monotonic() - already
        self._visible = False
        self._drawn = 0
        self._word = "starting"
        self._pause: str | None = None

    @classmethod
    def for_shell(cls, shell: InteractiveShell, *, quiet: bool, already: float = 0.0) -> Progress:
        if quiet or not watched(shell):
            return cls(None)
        line = DisplayLine(shell) if getattr(shell, "kernel", None) else TerminalLine()
        return cls(line, already=already)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    @property
    def wants_summary(self) -> bool:
        """Whether the run was long, or the line was seen: it should not vanish without a word."""
        return self._line is not None and (self._drawn > 0 or self.elapsed > LONG)

    def start(self) -> None:
        if self._line is not None:
            # The context says which cell the thread's displays belong to.
            context = contextvars.copy_context()
            threading.Thread(target=context.run, args=(self._draw,), daemon=True).start()

    def state(self, word: str) -> None:
        self._word = word

    def pause(self, word: str | None) -> None:
        """Show that instead of the state until None comes."""
        self._pause = word

    def hide(self) -> None:
        """Output comes: the line is in its way."""
        self._over.set()
        with self._lock:
            if self._visible and self._line is not None:
                self._line.hide()
            self._visible = False

    def finish(self, summary: str | None = None) -> None:
        """The run is over; `summary` takes the line's place."""
        self._over.set()
        with self._lock:
            if self._line is not None and summary is not None:
                self._line.keep(summary)
                self._visible = False
        self.hide()

    def _draw(self) -> None:
        wait = PATIENCE
        while not self._over.wait(wait):
            with self._lock:
                if self._over.is_set() or self._line is None:
                    return
                spinner = _SPINNER[self._drawn % len(_SPINNER)]
                self._line.show(f"{spinner} {self._pause or self._word} · {duration(self.elapsed)}")
                self._visible = True
                self._drawn += 1
            wait = 1.0


def duration(seconds: float) -> str:
    """``"0.8 s"``, ``"12 s"``, ``"3 min 5 s"``, ``"2 h 10 min"``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes_rest = divmod(minutes, 60)
    return f"{hours} h {minutes_rest} min" if hours else f"{minutes} min {rest} s"
