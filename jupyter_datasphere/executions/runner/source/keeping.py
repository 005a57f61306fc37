"""The variables of a session from one interpreter to the next.

A session lives in an interpreter; what the next one needs of it is in a file. A run has the session to
itself, from before it reads the file until after it has written it: so of two runs in two interpreters the
second waits, and sees what the first did.
"""

from __future__ import annotations

import asyncio
import linecache
import os
import platform
import re
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from . import pickles
from .carried import MAGIC
from .sessions import Session
from .stored import SessionFile, Stored, Unreadable

TIME_LIMIT = 30.0
"""Seconds that pickling may take; what comes later is not kept."""

SOURCES_LIMIT = 1024 * 1024
"""Characters of source that go along, for the tracebacks of functions."""

WAIT = 0.05

WAITING = (
    "{} of this session is on in another interpreter: this one waits for its end. To interrupt this one ends "
    "only the wait. The other ends by itself, with its machine, or by %ds_cancel {}, where the service still "
    "knows it."
)

_UNUSABLE = (
    "The variables of this session cannot be kept between interpreters: {}. "
    "Look at the rights of the folder .jupyter-datasphere in the project."
)

_IPYTHONS = re.compile(r"_i?\d+|_i{1,3}|_{1,3}|__\w+__|_[iod]h|In|Out|exit|quit|get_ipython|open")


class Keeper:
    """Keeps the session of one run; `tell` says something to the user."""

    def __init__(
        self, home: str, run: str, session: Session, shell: Any, limit: int, tell: Callable[[str], None]
    ) -> None:
        self._home = home
        self._run = run
        self._session = session
        self._shell = shell
        self._limit = limit
        self._tell = tell
        self._file = SessionFile(home, session.key)
        self._usable = False
        self._superseded = False
        """The file has something that could not be read; it is not to be lost when a new one is written."""

    @property
    def usable(self) -> bool:
        """Whether the namespace is what it ought to be."""
        return self._usable

    async def lock(self, interrupted: Callable[[], bool]) -> bool:
        """Have the session to ourselves; False if that was not to be."""
        told = False
        try:
            while not self._file.lock(self._run):
                if interrupted():
                    return False
                if not told:
                    self._tell(_waiting(self._file.holder()))
                    told = True
                await asyncio.sleep(WAIT)
        except OSError as error:
            self._tell(_UNUSABLE.format(error))
            return False
        if self._file.without_locks:
            self._tell(
                f"The project's file system has no locks ({self._file.without_locks}): runs of one session "
                "at the same time cannot wait for each other."
            )
        return True

    def read(self) -> None:
        """Have the variables of the file, if they are others than these. May raise KeyboardInterrupt."""
        try:
            stored = self._look()
            if stored is not None:
                self._load(stored)
        except OSError as error:
            self._tell(_UNUSABLE.format(error))
        else:
            self._usable = True

    def _look(self) -> Stored | None:
        """What the file has, if that is another content than the namespace has."""
        identity = self._file.identity()
        if identity is None or identity == self._session.stored[1]:
            return None
        try:
            stored = self._file.stored()
        except Unreadable as error:
            aside = self._file.set_aside(error.kind)
            what = "was written by a newer version" if error.kind == "newer" else "is damaged"
            self._tell(
                f"The file with this session's variables {what}: it was set aside as {aside}, "
                "and the session begins anew."
            )
            return None
        if stored is None or stored.stamp == self._session.stored[0]:
            return None
        return stored

    def _load(self, stored: Stored) -> None:
        session, namespace, about = self._session, self._shell.user_ns, stored.about
        lost = pickles.load(self._file.pickles, about["names"], namespace)
        for name in session.stored_names:  # of a content that another interpreter has replaced since
            if name not in about["names"]:
                namespace.pop(name, None)
        session.stored = (stored.stamp, self._file.identity())
        session.stored_names = about["names"]
        for file, source in about["sources"].items():
            linecache.cache.setdefault(file, (len(source), None, source.splitlines(True), file))
        folder = Path(self._home, about["folder"])
        if folder.is_dir():
            os.chdir(folder)
        if lost:
            self._superseded = True
            self._tell("Not restored of this session's variables: " + _listed(lost))
        if about["magic"] == MAGIC:
            self._shell.compile.flags |= about["flags"]
        else:
            self._tell(
                f"This session was kept by Python {about['python']}, and here is "
                f"{platform.python_version()}: what its cells defined has to be defined again."
            )

    def keep(self) -> None:
        """Write what can be kept, if it is not what the file has. May raise KeyboardInterrupt."""
        if not self._usable:
            return
        deadline = monotonic() + TIME_LIMIT
        namespace = self._shell.user_ns
        variables, left = self._weighed(deadline)
        about = {
            "python": platform.python_version(),
            "magic": MAGIC,
            "folder": _relative(self._home),
            "flags": self._shell.compile.flags,
            "sources": {},
        }

        def write(file: Any) -> None:
            about["sources"] = _sources(pickles.write(file, variables, namespace, inf))
            about["names"] = list(variables)

        try:
            while True:
                try:
                    new = self._file.write(about, write)
                    break
                except pickles.Unwritable as error:  # it was changed meanwhile, or is another one each time
                    name = str(error)
                    left[name] = _reason(error.__cause__ or error)
                    del variables[name]
            self._put(new, list(variables))
        except OSError as error:
            self._tell(
                f"The variables of this session could not be kept for the next interpreter: {error}. "
                "What was kept before is still there."
            )
        fresh = {name: why for name, why in left.items() if (name, why) not in self._session.told}
        if fresh:
            self._session.told.update(fresh.items())
            self._tell("Not kept for the next interpreter: " + _listed(fresh))

    def _weighed(self, deadline: float) -> tuple[dict[str, Any], dict[str, str]]:
        """The variables that can be kept, and the reasons why others cannot."""
        namespace, hidden = self._shell.user_ns, self._shell.user_ns_hidden
        sizes: dict[str, int] = {}
        left: dict[str, str] = {}
        for name, value in list(namespace.items()):
            if type(name) is not str or _IPYTHONS.fullmatch(name) or value is hidden.get(name, hidden):
                continue
            try:
                sizes[name] = pickles.weigh(value, namespace, self._limit, deadline)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - code of the user's
                left[name] = _reason(error)
        total = sum(sizes.values())
        for name in sorted(sizes, key=lambda name: -sizes[name]):
            if total <= self._limit:
                break
            total -= sizes.pop(name)
            left[name] = f"there is room for {self._limit:,} bytes, and it is the largest"
        return {name: namespace[name] for name in sizes if name in namespace}, left

    def _put(self, new: Any, names: list[str]) -> None:
        session = self._session
        identity = self._file.identity()
        if new.stamp == session.stored[0] and identity == session.stored[1]:
            new.discard()
            return
        if identity is not None and (self._superseded or identity != session.stored[1]):
            why = "other variables" if self._superseded else "what another run wrote meanwhile"
            self._tell(f"{self._file.set_aside('earlier')} has {why}; it was not overwritten.")
        new.put()
        self._superseded = False
        session.stored = (new.stamp, self._file.identity())
        session.stored_names = names

    def close(self) -> None:
        """Let others have the session."""
        self._file.unlock()


def _waiting(holder: tuple[str, float] | None) -> str:
    if holder is None:
        return WAITING.format("Another run", "ID")
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(holder[1]))
    return WAITING.format(f"Run {holder[0]} (since {since})", holder[0])


def _reason(error: BaseException) -> str:
    if isinstance(error, pickles.OutOfRoom):
        return "it is larger than all variables together may be"
    if isinstance(error, pickles.OutOfTime):
        return f"pickling took longer than {TIME_LIMIT:.0f} s"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - code of the user's
        text = ""
    return text[:200] or type(error).__name__


def _listed(reasons: dict[str, str]) -> str:
    return "; ".join(f"{name} ({why})" for name, why in reasons.items()) + "."


def _relative(home: str) -> str:
    try:
        return os.path.relpath(Path.cwd(), home)
    except FileNotFoundError:  # somebody removed it
        return "."


def _sources(files: set[str]) -> dict[str, str]:
    """Source of code that is in no file of the project's."""
    found = {}
    room = SOURCES_LIMIT
    for file in sorted(files):
        entry = linecache.cache.get(file)
        if entry is None or len(entry) < 4 or entry[1] is not None:
            continue
        source = "".join(entry[2])
        if len(source) <= room:
            found[file] = source
            room -= len(source)
    return found
