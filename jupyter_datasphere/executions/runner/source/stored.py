"""The file of a session, for the interpreter after this one.

A line that names the format; the pickles; JSON that says what they are; its length in eight bytes; the digest
of all that. A file is whole or not there: it is written under another name first. It is trusted as much as
the notebooks beside it: to read a pickle is to run it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .folders import FOLDER, SESSIONS, is_run, picture_path, session_name

_FORMAT = b"jupyter-datasphere session "
_VERSION = 1
_LINE = b"%s%d\n" % (_FORMAT, _VERSION)
_TAIL = 8 + hashlib.blake2b(digest_size=32).digest_size
_PIECE = 1024 * 1024
_HOLDER_SIZE = 256
_YEAR_5138 = 1e11
"""Seconds since 1970 that a date can be made of."""


class Unreadable(ValueError):
    """The file is not what was written there, or newer than this runner; `kind` says it in a word."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Stored(NamedTuple):
    """What a file says of its pickles; `stamp` is another one for each content."""

    stamp: str
    about: dict[str, Any]


class SessionFile:
    """The files of one session."""

    def __init__(self, home: str, key: str) -> None:
        self._home = Path(home)
        self._path = self._home / SESSIONS / f"{session_name(key)}.pickle"
        self._picture = self._home / picture_path(key)
        self._lock: int | None = None
        self.without_locks = ""
        """Why two interpreters cannot be kept apart here, if so."""

    def lock(self, run: str = "") -> bool:
        """Take the session for this process if nobody has it; when we die, the operating system frees it.

        `run`: which run has it, for `holder`.
        """
        for folder in (self._home / FOLDER, self._home / SESSIONS):
            if folder.is_symlink():
                raise OSError(f"{folder} is a link, and nothing is kept there")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(self._path.with_suffix(".lock"), flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        except OSError as error:
            self.without_locks = str(error.strerror)
        self._lock = lock
        _not_in_children(self)
        if not self.without_locks:
            with suppress(OSError):  # a full disk keeps nobody from computing
                os.ftruncate(lock, 0)
                os.write(lock, json.dumps({"run": run, "at": time.time()}).encode())
        return True

    def holder(self) -> tuple[str, float] | None:
        """Which run has the session, and since when (seconds since 1970); None if that is not known."""
        try:
            with self._path.with_suffix(".lock").open("rb") as file:
                said = json.loads(file.read(_HOLDER_SIZE))
            run, at = said["run"], float(said["at"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return (run, at) if is_run(run) and 0 <= at < _YEAR_5138 else None

    def unlock(self) -> None:
        """Give the session back."""
        lock, self._lock = self._lock, None
        if lock is not None:
            with suppress(OSError):
                os.ftruncate(lock, 0)
                fcntl.flock(lock, fcntl.LOCK_UN)  # a child that we forked may have it open
            os.close(lock)

    def forget(self) -> None:
        """In a forked child: it does not keep the session from others when we are gone."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def identity(self) -> tuple[int, int, int] | None:
        """Changes whenever the file is replaced; None: there is none."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def stored(self) -> Stored | None:
        """What there is. Raises `Unreadable` or `OSError`."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return None
        with file:
            return _checked(file)

    def pickles(self) -> BinaryIO:
        """The file, at its first pickle."""
        file = self._path.open("rb")
        file.seek(len(_LINE))
        return file

    def set_aside(self, kind: str) -> str:
        """Give the file another name, and say which, relative to the project."""
        number = 1
        while (other := self._path.with_suffix(f".{kind}-{number}.pickle")).exists():
            number += 1
        self._path.rename(other)
        return f"{SESSIONS}/{other.name}"

    def write(self, about: dict[str, Any], pickles: Callable[[Any], None]) -> _New:
        """A new file beside the present one. Raises what `pickles` raises, which writes them."""
        return _New(self._path, about, pickles)

    def show(self, picture: bytes) -> None:
        """Write what can be seen of the session without an interpreter."""
        if (self._home / FOLDER).is_symlink() or self._picture.parent.is_symlink():
            return
        if self._picture.is_file() and self._picture.read_bytes() == picture:
            return
        self._picture.parent.mkdir(parents=True, exist_ok=True)
        new = self._picture.with_suffix(".json.new")
        try:
            new.write_bytes(picture)
            new.replace(self._picture)
        except OSError:
            with suppress(OSError):
                new.unlink()
            raise


class _New:
    """A file that is written and not yet in its place."""

    def __init__(self, path: Path, about: dict[str, Any], pickles: Callable[[Any], None]) -> None:
        self._path = path
        self._new = path.with_suffix(".new")
        try:
            with _Digesting(self._new) as file:
                file.write(_LINE)
                pickles(file)
                text = json.dumps(about).encode()
                file.write(text)
                file.write(len(text).to_bytes(8, "big"))
                self.stamp = file.end()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        with suppress(FileNotFoundError):
            self._new.unlink()

    def put(self) -> None:
        """Into its place, at once and as a whole."""
        with self._new.open("rb") as file:
            os.fsync(file.fileno())  # else a power failure could take the old one and the new one
        self._new.replace(self._path)


class _Digesting:
    """A file for writing that knows the digest of what it holds."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb")
        self._digest = hashlib.blake2b(digest_size=32)

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return self._file.write(data)

    def end(self) -> str:
        self._file.write(self._digest.digest())
        return self._digest.hexdigest()

    def __enter__(self) -> _Digesting:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def _checked(file: BinaryIO) -> Stored:
    line = file.readline(64)
    if line != _LINE:
        version = line[len(_FORMAT) : -1]
        newer = line.startswith(_FORMAT) and version.isdigit() and int(version) > _VERSION
        raise Unreadable("newer" if newer else "damaged")
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    digest = hashlib.blake2b(digest_size=32)
    left = size - digest.digest_size
    while left > 0:
        piece = file.read(min(left, _PIECE))
        if not piece:
            break
        digest.update(piece)
        left -= len(piece)
    if file.read() != digest.digest() or size < len(_LINE) + _TAIL:
        raise Unreadable("damaged")
    file.seek(size - _TAIL)
    length = int.from_bytes(file.read(8), "big")
    file.seek(size - _TAIL - length)
    return Stored(digest.hexdigest(), json.loads(file.read(length)))


_held: Any = None


def _not_in_children(file: SessionFile) -> None:
    global _held
    if _held is None:
        os.register_at_fork(after_in_child=lambda: _held.forget())
    _held = file
