"""Runtime files: how a server tells kernels which it did not start where it is.

One file per server in Jupyter's runtime folder, readable by its user only, and beside it a lock that the
server holds as long as it lives. The operating system frees the lock however the server ends: so a file that
was left behind is known as such, whatever process has its number by now, and the capability in it is never
sent to a stranger who listens on the port since.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout
from jupyter_core.paths import jupyter_runtime_dir
from jupyter_core.utils import ensure_dir_exists

from .errors import ConflictError

SERVE = "serve"
"""Name of the file of `jupyter datasphere serve`, of which a user has one; a Jupyter server's is its PID."""

STARTING_SECONDS = 1.0
"""How long a starting server waits for a reader to let go of the lock, which it holds for an instant."""


class Presence(msgspec.Struct, frozen=True):
    """Where a running server is. The capability is left out of the repr, so that no log shows it."""

    url: str
    """Base URL of the extension, without a slash at the end."""
    capability: str
    pid: int

    def __repr__(self) -> str:
        return f"<server {self.pid} at {self.url}>"


class Seat:
    """The right to be the server of that name, for as long as this process lives or until `leave`."""

    def __init__(self, name: str) -> None:
        """Raises `ConflictError` where another process has it, and `OSError` for the folder."""
        ensure_dir_exists(jupyter_runtime_dir(), mode=0o700)
        self._path = _path(name)
        self._lock = _lock(self._path)
        try:
            self._lock.acquire(timeout=STARTING_SECONDS)
        except Timeout:
            raise ConflictError("Another process of yours is that server already.") from None
        self._path.unlink(missing_ok=True)  # left by one that died
        for pid in jupyter_servers():
            present(str(pid))  # removes what others left

    def announce(self, presence: Presence) -> None:
        """Write where the server is; all of it or nothing."""
        new = self._path.with_suffix(".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(presence))
        new.replace(self._path)

    def leave(self) -> None:
        _clear(self._path, self._lock)


def present(name: str, *, patience: float = 0.0) -> Presence | None:
    """The running server of that name. What a dead one left is removed.

    What others than its user could read or write is not trusted. One that has begun to start is waited for,
    for `patience` seconds at most.
    """
    path = _path(name)
    lock = _lock(path)
    until = time.monotonic() + patience
    while path.parent.is_dir():
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if path.exists() or time.monotonic() >= until:
                return _read(path)
            time.sleep(0.05)
        except OSError:  # not ours to lock: so not our server's
            return None
        else:
            _clear(path, lock)
            return None
    return None


def jupyter_servers() -> list[int]:
    """PIDs of the Jupyter servers that left a file, running or not."""
    names = (
        re.fullmatch(r"datasphere-(\d+)\.json", path.name) for path in _folder().glob("datasphere-*.json")
    )
    return [int(name[1]) for name in names if name]


def _folder() -> Path:
    return Path(jupyter_runtime_dir())


def _path(name: str) -> Path:
    return _folder() / f"datasphere-{name}.json"


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_suffix(".lock"), mode=0o600)


def _clear(path: Path, lock: FileLock) -> None:
    """Remove both files while the lock is held: who waits for it sees that and makes it anew."""
    path.unlink(missing_ok=True)
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _read(path: Path) -> Presence | None:
    """None while it is not written yet, and where it is not ours alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if hasattr(os, "geteuid") and (facts.st_uid != os.geteuid() or facts.st_mode & 0o077):
            return None
        try:
            return msgspec.json.decode(file.read(), type=Presence)
        except msgspec.MsgspecError:  # of another version
            return None
