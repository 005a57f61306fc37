"""Runs that are asked for by the Jupyter protocol, in a kernel of the project's own Jupyter server.

Two channels of the kernel serve them. By a control message of a type of ours, which is answered while code
is running too, a run is put on the desk, looked at, acknowledged and cancelled. By an execute request
on the shell channel it is run: so it waits for its turn as any cell does. Events leave at once as display
data, which a Jupyter server does not always pass on; so they are kept until they are acknowledged, and a
look gives those that were missed.

What is on the desk stays there: a run that is put there again is not run again. That it was begun is noted
in a file too, so that not even another interpreter begins it a second time.
"""

# ruff: noqa: UP006, UP035 - evaluated at run time, where Python 3.8 has no `dict[…]`

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections import deque
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Dict

from .events import Delivery, encoded, event
from .kept import Kept
from .request import Request
from .run import Interpreter, Run, interpreter_of
from .sessions import STORE
from .values import state
from .ways import Way

QUESTION = "jupyter_datasphere_request"
ANSWER = "jupyter_datasphere_reply"

PATIENCE = 10.0
"""Seconds that a run's request may come later than the word to run it, which travels by another channel."""
MARK_DAYS = 7.0

MARKS = Path(tempfile.gettempdir()) / (f"jupyter-datasphere-{os.getuid() if hasattr(os, 'getuid') else 0}")
"""Folder with an empty file for each run that was begun on this machine."""


class Entry:
    """A run on the desk. Entries outlive an upgrade of the runner: its attributes must stay as they are."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.state = "waiting"
        """Then `running`, then `done`; or `gone`: it was begun in an interpreter that has ended."""
        self.status = ""
        """How it ended."""
        self.kept = Kept()


class Desk:
    """All runs that were asked for in this interpreter."""

    def __init__(self, shell: Any, version: str) -> None:
        self._shell = shell
        self._version = version
        self._lock = Lock()
        self._interpreter: Interpreter = interpreter_of(shell, version)
        self._entries: Dict[str, Entry] = vars(sys.modules[STORE]).setdefault("runs", {})
        self._kernel = shell.kernel
        self._take_charge()
        _tidy()

    def _take_charge(self) -> None:
        """Catch outputs and answer questions, as another version may have done since."""
        self._interpreter = interpreter_of(self._shell, self._version)
        self._kernel.control_handlers[QUESTION] = self._handle

    # On the control channel, perhaps in a thread of its own

    def _handle(self, stream: Any, ident: Any, parent: Dict[str, Any]) -> None:
        session = self._kernel.session
        message = session.msg(ANSWER, parent=parent)
        message["content"] = self.answer(parent["content"])
        session.send(stream, message, ident=ident)

    def answer(self, question: Dict[str, Any]) -> bytes:
        """What to say to a question, as JSON."""
        what, key = question["what"], question.get("run", "")
        if what == "variables":
            return encoded({"variables": state(self._interpreter.sessions.summaries())})
        if what == "place":
            self._place(Request(**question["request"]))
        entry = self._entries.get(key)
        if entry is None:
            return encoded({"version": self._version, "state": "gone"})
        if what == "cancel":
            self._cancel(entry)
        batches = []
        now, status = entry.state, entry.status  # before the events are read: what is done has all of them
        if "after" in question:
            entry.kept.acknowledge(question["after"])
        if what == "look":
            batches = entry.kept.after(question["after"], question["limit"])
        head = encoded({"version": self._version, "state": now, "status": status, "last": entry.kept.last})
        return head[:-1] + b',"batches":[' + b",".join(batches) + b"]}"

    def _place(self, request: Request) -> None:
        with self._lock:
            if request.run not in self._entries:
                entry = self._entries[request.run] = Entry(request)
                if (MARKS / request.run).exists():
                    entry.state = "gone"

    def _cancel(self, entry: Entry) -> None:
        with self._lock:
            if entry.state == "waiting":
                last = event("finished", status="aborted")
                Delivery(entry.request.run, deque(), partial(entry.kept.put, 1)).close(last)
                entry.state, entry.status = "done", "aborted"
            elif entry.state == "running":
                group = os.getpgid(0)
                if group == os.getpid():  # as the kernel's manager does it: for what the code started too
                    os.killpg(group, signal.SIGINT)
                else:
                    os.kill(os.getpid(), signal.SIGINT)

    # On the shell channel

    async def run(self, key: str) -> None:
        """Run what is on the desk under this key, unless that was begun already."""
        entry = await self._placed(key)
        if entry is None:
            return
        with self._lock:
            if entry.state == "waiting":
                entry.state = "running" if _mark(key) else "gone"
            else:
                return
        if entry.state == "gone":
            return
        self._take_charge()

        def publish(batch: bytes) -> None:
            entry.kept.put(own.delivery.number, batch)
            self._interpreter.capture.publish(batch)

        own = Run(self._interpreter, Way(publish, entry.request))
        try:
            await own.execute()
        finally:
            # A cancellation waits for the lock: so its signal cannot arrive in the next run.
            with self._lock:
                entry.state, entry.status = "done", own.status

    async def _placed(self, key: str) -> Entry | None:
        deadline = time.monotonic() + PATIENCE
        while key not in self._entries and time.monotonic() < deadline:  # noqa: ASYNC110 - set by a thread
            await asyncio.sleep(0.001)
        return self._entries.get(key)


_desk: Any = None


async def load(shell: Any, version: str) -> None:
    """Be ready for runs. Raises where this is not the kernel of an IPython.

    A coroutine, for IPython puts the streams back as they were after a cell that awaits nothing.
    """
    global _desk
    if _desk is None:
        _desk = Desk(shell, version)


async def run(key: str) -> None:
    """What the execute request of a run awaits."""
    await _desk.run(key)


def _mark(key: str) -> bool:
    """Note that a run is begun; False where somebody else has noted that."""
    try:
        MARKS.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(str(MARKS / key), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    except OSError:
        pass  # a full disk keeps nobody from computing; this interpreter remembers the run anyway
    return True


def _tidy() -> None:
    with contextlib.suppress(OSError):
        for mark in MARKS.iterdir():
            if time.time() - mark.stat().st_mtime > MARK_DAYS * 24 * 3600:
                mark.unlink()
