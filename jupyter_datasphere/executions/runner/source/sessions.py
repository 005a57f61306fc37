"""Sessions: namespaces of user code, and what of the interpreter goes with each.

They are kept in a module of their own in `sys.modules`, so that they outlive an upgrade of the runner: a
newer one adopts the sessions that it finds. Not with the session goes what belongs to the whole interpreter:
imported modules, `os.environ`, `sys.path`, IPython's settings and extensions.
"""

from __future__ import annotations

import os
import sys
import threading
import types
from collections import deque
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from .events import Outbox, Piece

STORE = "_jupyter_datasphere_sessions"

LATE_PIECES = 10_000
"""How much a session keeps of what is written while none of its runs is on; the oldest goes first."""

_SHELL = ("user_module", "user_ns", "user_ns_hidden", "ns_table", "execution_count", "history_manager")
_HOOK = ("_", "__", "___")


class Frame:
    """What differs from session to session in the shell and in the interpreter."""

    def __init__(self, shell: Any) -> None:
        """Take a picture of the present."""
        self.shell = {name: getattr(shell, name) for name in _SHELL}
        self.hook = {name: getattr(shell.displayhook, name, "") for name in _HOOK}
        self.flags = shell.compile.flags  # from __future__ import …
        self.main = sys.modules.get("__main__")
        self.streams = (sys.stdout, sys.stderr)
        self.folder = _folder()

    def restore(self, shell: Any) -> None:
        for name, value in self.shell.items():
            setattr(shell, name, value)
        for name, value in self.hook.items():
            setattr(shell.displayhook, name, value)
        shell.compile.flags = self.flags
        if self.main is not None:
            sys.modules["__main__"] = self.main
        sys.stdout, sys.stderr = self.streams
        if self.folder is not None and self.folder != _folder() and Path(self.folder).is_dir():
            os.chdir(self.folder)

    def fresh(self, shell: Any, home: str) -> None:
        """Make the picture that of a new session, and the present with it."""
        module = types.ModuleType("__main__")
        shell.prepare_user_module(module)
        history = self.shell["history_manager"]
        self.shell = {
            "user_module": module,
            "user_ns": vars(module),
            "user_ns_hidden": {},
            "ns_table": {**self.shell["ns_table"], "user_global": vars(module), "user_local": vars(module)},
            "execution_count": 1,
            # In memory: `In`, `Out` and %history are the session's, and nothing is written to disk.
            "history_manager": None
            if history is None
            else type(history)(shell=shell, config=shell.config, enabled=False, hist_file=":memory:"),
        }
        self.hook = dict.fromkeys(_HOOK, "")
        self.main = module
        self.folder = home
        self.restore(shell)
        shell.init_user_ns()
        vars(module).update(self.hook)


class Session:
    """One namespace."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.frame: Frame | None = None
        self.outbox: Outbox = deque()
        self.dropped = 0
        self.summary: list[tuple[str, dict[str, Any], int]] = []
        self.stored: tuple[str, Any] = ("", None)
        """Which content of the session's file the namespace has: its stamp, and the file's identity."""
        self.stored_names: list[str] = []
        self.told: set[tuple[str, str]] = set()
        """Of which variables it was said why they are not kept."""

    def keep(self, piece: Piece) -> None:
        """Take what is written while no run is on."""
        if len(self.outbox) >= LATE_PIECES:
            self.outbox.popleft()
            self.dropped += 1
        self.outbox.append(piece)


class Sessions:
    """All sessions of the interpreter, the one used last at the end."""

    def __init__(self) -> None:
        kept = vars(sys.modules.setdefault(STORE, types.ModuleType(STORE)))
        self.home: str = kept.setdefault("home", str(Path.cwd()))
        """The working directory at the interpreter's start: the project."""
        self._threads: WeakKeyDictionary[threading.Thread, str] = kept.setdefault(
            "threads", WeakKeyDictionary()
        )
        self._sessions: dict[str, Session] = kept.setdefault("sessions", {})
        for key, session in self._sessions.items():
            self._sessions[key] = _adopted(session)

    def use(self, key: str, *, anew: bool = False) -> Session:
        """The session of that key, made if need be; `anew`: with an empty namespace."""
        session = self._sessions.pop(key, None) or Session(key)
        if anew:
            session.frame = None
        self._sessions[key] = session
        return session

    def find(self, key: str) -> Session | None:
        return self._sessions.get(key)

    def claim(self, key: str, before: set[threading.Thread]) -> None:
        """The threads that are there now and were not `before` belong to this session."""
        for thread in threading.enumerate():
            if thread not in before:
                self._threads.setdefault(thread, key)

    def of_thread(self, thread: threading.Thread) -> Session | None:
        key = self._threads.get(thread)
        return None if key is None else self._sessions.get(key)

    def last(self) -> Session | None:
        """The session that was used last."""
        return next(reversed(list(self._sessions.values())), None)

    def summaries(self) -> dict[str, list[tuple[str, dict[str, Any], int]]]:
        """Of all sessions, the one used last first."""
        return {key: self._sessions[key].summary for key in reversed(list(self._sessions))}


def _adopted(old: Any) -> Session:
    """A session that another version of the runner left, as one of this version."""
    session = Session(old.key)
    vars(session).update(vars(old))
    if old.frame is not None:
        session.frame = Frame.__new__(Frame)
        vars(session.frame).update(vars(old.frame))
    return session


def _folder() -> str | None:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # somebody removed it
        return None
