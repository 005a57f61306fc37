"""Events of a run as numbered part files, and the folders of earlier runs.

Everything is done relative to an open folder and follows no link: a run's ID comes from elsewhere, and what
lies in the project was put there by anybody.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep, time

from .events import Undeliverable
from .folders import FOLDER, LOCK, OWN_FILES, RESERVE, is_run, part_name, request_path, run_folder

AGE_LIMIT = 7 * 24 * 3600.0
"""Seconds after which the parts of a run that were never collected are removed."""

YOUNG = 3600.0
"""Seconds for which a run is not removed for its size: its request may be waiting to be run."""

RESERVED = 64 * 1024
"""Bytes set aside for the last words of a run on a full disk."""

PATIENCE = 5.0
RETRY = 0.1
"""Seconds: how long a disk that takes nothing is tried again, and how often."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = ".new"


class AlreadyBegun(RuntimeError):
    """The run was started before: it must not run a second time."""


class Parts:
    """The parts of the run that is on.

    Raises `OSError`, `AlreadyBegun` or, for what is no ID, `ValueError`.
    """

    def __init__(self, home: str, run: str) -> None:
        self.on_trouble: Callable[[], None] = _nothing
        """What to do when the disk takes nothing any more."""
        self._limit = self._number = self._size = 0
        path = Path(home, run_folder(run))
        path.mkdir(parents=True, exist_ok=True)
        self._folder = os.open(path, _FOLDER)
        lock = None
        if not _exists(part_name(1), self._folder):
            lock = _lock(self._folder, os.O_CREAT)
        if lock is None:
            os.close(self._folder)
            raise AlreadyBegun(f"Run {run} was begun before; it is not run again.")
        self._lock = lock

    def begin(self, limit: int) -> None:
        """Make room. Raises `OSError` where there is none."""
        self._limit = limit
        self._write(RESERVE, b" " * RESERVED)

    def publish(self, batch: bytes) -> None:
        """Write the next part. Raises `Undeliverable` if the disk takes nothing, for as long as we try."""
        try:
            if self._size + len(batch) > self._limit:
                raise Undeliverable(f"a run may write at most {self._limit:,} bytes of output")
            self._patiently(part_name(self._number + 1), batch)
        except Undeliverable:
            self.on_trouble()
            raise
        self._number += 1
        self._size += len(batch)

    def _patiently(self, name: str, content: bytes) -> None:
        deadline = monotonic() + PATIENCE
        while True:
            try:
                self._write(name, content)
                return
            except OSError as error:
                if monotonic() > deadline:
                    raise Undeliverable(f"the project takes no more files: {error.strerror}") from error
            sleep(RETRY)

    def last_words(self, batch: bytes) -> None:
        """Write the last part into the room that was kept for it. Raises `OSError`."""
        self._remove(RESERVE)
        self._write(part_name(self._number + 1), batch)

    def close(self) -> None:
        """The run is over."""
        self._remove(RESERVE)
        self._remove(LOCK)
        os.close(self._lock)
        os.close(self._folder)

    def _write(self, name: str, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            file = os.open(_NEW, flags, 0o600, dir_fd=self._folder)
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(file, rest) :]
            finally:
                os.close(file)  # a network file system may say only here that it has no room
            os.rename(_NEW, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError:
            self._remove(_NEW)
            raise

    def _remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)


def sweep(home: str, collected: Iterable[str], limit: float, own: str) -> None:
    """Remove the runs that were collected; of the others the old, and the oldest beyond `limit` bytes."""
    collected = [run for run in collected if is_run(run) and run != own]
    for run in collected:
        with suppress(OSError):  # it was read; or there is no right to do so
            Path(home, request_path(run)).unlink()
    try:
        runs = _open_runs(home)
    except OSError:  # there are none, or the folder is a link: then it is not ours
        return
    try:
        for run in collected:
            _remove_run(runs, run)
        left = []
        with os.scandir(runs) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        for name in names:
            if is_run(name) and name != own:
                left.append((*_age_and_size(runs, name), name))
        total = sum(size for _, size, _ in left)
        for age, size, name in sorted(left, reverse=True):
            if (age > AGE_LIMIT or (total > limit and age > YOUNG)) and _remove_run(runs, name):
                total -= size
    finally:
        os.close(runs)


def _open_runs(home: str) -> int:
    base = os.open(Path(home, FOLDER), _FOLDER)
    try:
        return os.open("runs", _FOLDER, dir_fd=base)
    finally:
        os.close(base)


def _age_and_size(runs: int, name: str) -> tuple[float, int]:
    """Seconds since the last change, and the bytes of all files."""
    newest, size = 0.0, 0
    try:
        folder = os.open(name, _FOLDER, dir_fd=runs)
    except OSError:
        return 0.0, 0
    try:
        newest = os.fstat(folder).st_mtime
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    size += entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:  # its run is on
                    continue
    finally:
        os.close(folder)
    return time() - newest, size


def _remove_run(runs: int, name: str) -> bool:
    """Remove the folder of a run that is not on. What is not ours stays, and the folder with it."""
    try:
        folder = os.open(name, _FOLDER, dir_fd=runs)
    except OSError:  # no such run; or no folder, or a link
        return False
    try:
        if _is_on(folder):
            return False
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if OWN_FILES.fullmatch(entry.name)]
        for own in names:
            os.unlink(own, dir_fd=folder)
        os.rmdir(name, dir_fd=runs)
    except OSError:  # somebody put something else there, or a right is missing
        return False
    finally:
        os.close(folder)
    return True


def _is_on(folder: int) -> bool:
    """Whether the run in this folder is on. Makes no file: the disk may be full."""
    try:
        lock = _lock(folder, 0)
    except FileNotFoundError:
        return False
    if lock is not None:
        os.close(lock)
    return lock is None


def _lock(folder: int, flags: int) -> int | None:
    """The lock of the run in this folder, held until it is closed; None: somebody else holds it."""
    flags |= os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(LOCK, flags, 0o600, dir_fd=folder)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:  # a file system without locks
        pass
    return lock


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _nothing() -> None:
    pass
