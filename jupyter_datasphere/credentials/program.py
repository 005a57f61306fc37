"""Running a program for what it prints. Nothing of it is left, however it or the waiting for it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from subprocess import DEVNULL, PIPE
from typing import NamedTuple

LARGEST = 64 * 1024
"""Bytes of each of its two outputs that are kept."""
LINGERING = 1.0
"""Seconds for the rest of its output once it has ended: what it left running may hold that open."""


class Printed(NamedTuple):
    """How it ended (its exit status, or minus the number of the signal), and what it printed."""

    status: int
    out: str
    err: str


async def run(words: Sequence[str], environment: Mapping[str, str], patience: float) -> Printed:
    """Run a program until it ends. It reads nothing, and leads a group of processes of its own.

    Raises `TimeoutError` after `patience` seconds, and `OSError`, `ValueError` or `NotImplementedError` where
    it cannot be begun.
    """
    begun = asyncio.create_task(
        asyncio.get_running_loop().subprocess_exec(
            _Listener,
            *words,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=dict(environment),
            start_new_session=True,
        )
    )
    try:
        transport, listener = await asyncio.shield(begun)
    except asyncio.CancelledError:  # it runs perhaps, and so does what it has started
        await _end(*await begun)
        raise
    try:
        async with asyncio.timeout(patience):
            await listener.exited.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGERING):
                    await listener.closed.wait()
    finally:
        await _end(transport, listener)
    return Printed(transport.get_returncode() or 0, listener.text(1), listener.text(2))


class _Listener(asyncio.SubprocessProtocol):
    """Unlike asyncio's own reader of programs, it knows the end of the program before that of its output."""

    def __init__(self) -> None:
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()
        """It has ended, and nobody holds its output open."""
        self._kept = {1: bytearray(), 2: bytearray()}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        kept = self._kept[fd]
        kept += data[: LARGEST - len(kept)]

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def text(self, fd: int) -> str:
        return bytes(self._kept[fd]).decode(errors="replace")


async def _end(transport: asyncio.SubprocessTransport, listener: _Listener) -> None:
    """With all that it has started, whether or not it has ended itself."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        transport.kill()
    await listener.exited.wait()
    transport.close()
