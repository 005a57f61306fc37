"""What SIGINT does while a run is on.

The service cancels by SIGINT. The runner's cell is a coroutine, and ipykernel answers a SIGINT during one by
cancelling its task: code that blocks goes on as if nothing had happened. So this handler raises
KeyboardInterrupt where the user's code is being executed, and cancels the task where it waits.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any

_run: ContextVar[Any] = ContextVar("jupyter_datasphere_run", default=None)


class Interrupts:
    """A context manager around a run; to be entered in the run's own task."""

    def __init__(self) -> None:
        self.arrived = False
        """There was an interrupt."""
        self.open = False
        """The user's code is on: an interrupt may raise in it. Else it is only noted."""
        self._cancelled = False
        self._previous: Any = None

    def __enter__(self) -> Interrupts:
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._token = _run.set(self)
        if threading.current_thread() is threading.main_thread():
            self._watch()
        return self

    def _watch(self) -> None:
        # A signal that comes just before the event loop begins to wait would be handled after it has waited:
        # by then the code that is to be interrupted has come to its end. So it wakes the loop.
        self._ears = socket.socketpair()
        for ear in self._ears:
            ear.setblocking(False)
        self._loop.add_reader(self._ears[0], self._ears[0].recv, 4096)
        self._wakeup = signal.set_wakeup_fd(self._ears[1].fileno(), warn_on_full_buffer=False)
        self._previous = signal.signal(signal.SIGINT, self._handle)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None
            signal.set_wakeup_fd(self._wakeup)
            self._loop.remove_reader(self._ears[0])
            for ear in self._ears:
                ear.close()
        _run.reset(self._token)

    async def begin(self) -> None:
        """Note an interrupt that came just before we did.

        ipykernel's handler took it, which cancels our task two turns of the event loop later.
        """
        try:
            for _ in range(2):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.arrived = True

    async def settle(self) -> None:
        """Let a cancellation that came too late for the user's code happen here."""
        if self._cancelled:
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                self._cancelled = False

    def press(self) -> None:
        """Interrupt the run from within, in whatever thread."""
        main = threading.main_thread().ident
        if self._previous is not None and main is not None:
            signal.pthread_kill(main, signal.SIGINT)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.arrived = True
        if not self.open:
            return
        if self._task is None or asyncio.current_task() is self._task:
            raise KeyboardInterrupt
        self._cancelled = True
        if _run.get() is self:
            # In the turn of another task that the user's code started, and is waiting for. To raise
            # KeyboardInterrupt here would end the event loop. The tasks beside it must not begin.
            self._task.cancel()
            raise asyncio.CancelledError
        self._loop.call_soon_threadsafe(self._task.cancel)
