"""What happens when the user interrupts a cell that waits for a run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(KeyboardInterrupt):
    """The interrupt of the user, raised again when what became of the run is known.

    Being a KeyboardInterrupt it stops the cells that are queued; it shows one line instead of our frames.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self}"]


Interrupted.__name__ = "KeyboardInterrupt"  # the name by which front ends know an interrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it, SIGINT raises KeyboardInterrupt.

    In a cell with a top-level `await`, ipykernel makes SIGINT cancel the cell's task instead: which a
    magic that blocks would never notice.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # a subshell or a user's thread: signals do not come here
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
