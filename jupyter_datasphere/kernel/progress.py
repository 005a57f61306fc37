"""Shows that a run is alive, how long it takes and what it spends; and the summary that this leaves."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from typing import TYPE_CHECKING

from ..protocol import Execution, StatusEvent
from .describe import age, duration
from .lines import DisplayLine, Line, TerminalLine
from .meter import Meter

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

PATIENCE = 0.5
"""Seconds before the line appears: a quick cell leaves no trace."""

LONG = 2.0
"""Seconds from which on a run gets a summary."""

STATE_WORDS = {"queued": "queued", "staged": "starting", "submitted": "starting", "running": "running"}

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


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


def line_for(shell: InteractiveShell, *, quiet: bool) -> Line | None:
    """Where progress is shown; None where it is not."""
    if quiet or not watched(shell):
        return None
    return DisplayLine(shell) if getattr(shell, "kernel", None) else TerminalLine()


class Progress:
    """Spinner, state, time and units, from `PATIENCE` seconds after the start to the end.

    A thread of its own draws the line, as the main thread waits for the server. Where output comes, the line
    knows how to stay out of its way. Without a `line` all of it is silent.
    """

    def __init__(self, line: Line | None, *, found: Execution | None = None) -> None:
        """`found`: the run as it was when the watching began, where that was later than its own beginning."""
        self._line = line
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._watched_since = time.monotonic()
        self._began = self._watched_since - (0.0 if found is None else age(found))
        self._meter = Meter(None if found is None else found.started_at)
        self._drawn = 0
        self._word = "starting"
        self._pause: str | None = None
        self._blocked = False  # nothing may come below the output now
        self._clearing = False

    @classmethod
    def for_shell(cls, shell: InteractiveShell, *, quiet: bool, found: Execution | None = None) -> Progress:
        return cls(line_for(shell, quiet=quiet), found=found)

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

    def take(self, event: StatusEvent) -> None:
        self._word = event.detail or STATE_WORDS.get(event.state, event.state)
        self._meter.take(event)

    def pause(self, word: str | None) -> None:
        """Show that instead of the state until None comes."""
        self._pause = word

    def make_way(self, *, unfinished: bool = False) -> None:
        """Output is about to be written; `unfinished`: its last line goes on with the next."""
        with self._lock:
            if self._line is None:
                return
            if self._clearing:
                self._clearing = False
                self._line.forget()
            self._line.make_way(unfinished=unfinished)
            self._blocked = unfinished

    def clear(self, *, wait: bool) -> None:
        """All output is about to be cleared; `wait`: by the next one, which must not be the line itself."""
        with self._lock:
            if self._line is None:
                return
            self._clearing = self._blocked = wait
            if not wait:
                self._line.forget()

    def finish(self, summary: str | None = None) -> None:
        """The run is over; `summary` is the last that is shown of it. Nothing is shown after that."""
        self._over.set()
        with self._lock:
            line, self._line = self._line, None
            if line is not None and summary is not None:
                line.keep(summary)
            elif line is not None:
                line.hide()

    def _draw(self) -> None:
        wait = PATIENCE
        while not self._over.wait(wait):
            with self._lock:
                if self._line is None:
                    return
                watched = time.monotonic() - self._watched_since
                if self._line.show(self._text(), watched, below=not self._blocked):
                    self._drawn += 1
            # In a long run nobody counts the seconds.
            wait = min(max(1.0, self.elapsed / 60), 10.0)

    def _text(self) -> str:
        spinner = SPINNER[self._drawn % len(SPINNER)]
        parts = [f"{spinner} {self._pause or self._word}", duration(self.elapsed), self._meter.words]
        return " · ".join(part for part in parts if part)
