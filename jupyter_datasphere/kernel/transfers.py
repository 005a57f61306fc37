"""Whole files between here and a project, across connections that break."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from ..errors import ConflictError, UnavailableError, UsageError
from .answers import DisconnectedError, RefusedError, UnreachableError
from .link import Link, Prefix
from .tries import Tries
from .whole_file import whole_file

BLOCK = 1 << 20
"""Bytes that are read from a file at once."""

BEGINNINGS = 5
"""How often an upload is begun: the service knows no going on, so each begins with the first byte."""

UPLOAD_CUT = "upload-cut"
"""Code of the server's answer to an upload of which it had passed on too much to try it again by itself."""

Tell = Callable[[int, int | None], None]
"""Is told how many bytes have come or gone, and of how many, where that is known."""


def exists(link: Link, path: str, project: str | None) -> bool:
    """Whether there is such a file in the project; a connection that breaks is tried again."""
    tries = Tries()
    while True:
        try:
            return link.stored(path, project).size is not None
        except UnavailableError as error:
            _wait(tries, error, f"Whether there is {path!r} could not be found out.")


def download(link: Link, path: str, project: str | None, target: Path, *, overwrite: bool, tell: Tell) -> int:
    """Write a file of the project to one here, which is there when all of it has come; gives its size.

    A connection to the server that breaks is tried again, and the download goes on where it was. Raises
    what the server answers, `UnavailableError` where it stays away, and what `whole_file` raises.
    """
    with whole_file(target, overwrite=overwrite, to_replace="--force") as file:
        tries = Tries()
        received, size = 0, None
        while True:
            try:
                with link.fetch(path, project, _prefix(file, received, size)) as coming:
                    size = coming.size
                    tell(received, size)
                    for chunk in coming.chunks:
                        file.write(chunk)
                        received += len(chunk)
                        tries.succeeded()
                        tell(received, size)
                break
            except UnavailableError as error:
                _wait(tries, error, f"The download of {path!r} was given up.")
        if size is not None and received != size:
            raise UnavailableError(
                f"Of {path!r} came {received:,} bytes instead of {size:,}.", hint="Download it again."
            )
    return received


def upload(link: Link, source: Path, path: str, project: str | None, *, overwrite: bool, tell: Tell) -> int:
    """Write a file here to one of the project; gives its size. Half of it is never there.

    After a cut it is begun anew, up to `BEGINNINGS` times. Raises what the server answers, `ConflictError`
    for a file that exists unless it is to be overwritten, `UnavailableError` where the server stays away, and
    `UsageError` for a file that cannot be read.
    """
    content = Content(source, tell)
    tries = Tries()
    while True:
        begun = content.begun
        try:
            # After the first time, what is there may be ours: its answer was lost.
            stored = link.store(
                path, project, content, content.size, overwrite=overwrite or not tries.none_failed
            )
            break
        except UnavailableError as error:
            if content.begun == BEGINNINGS:
                raise
            if content.begun > begun:
                tries.succeeded()  # the server was there
            _wait(tries, error, f"The upload of {path!r} was given up.")
    if stored.size != content.size:
        raise ConflictError(
            f"{path!r} has {stored.size or 0:,} bytes over there, and {content.size:,} were sent.",
            hint="Send it again.",
        )
    return content.size


def _wait(tries: Tries, error: UnavailableError, words: str) -> None:
    """Wait before the next try, where one may help and there is time for it; else raise."""
    if isinstance(error, UnreachableError | RefusedError):
        may_help = not tries.none_failed  # else it was not there from the start
    else:
        may_help = isinstance(error, DisconnectedError) or error.code == UPLOAD_CUT
    if not may_help:
        raise error
    if not tries.wait():
        raise UnavailableError(
            f"{error.message} {words}",
            code="connection-lost",
            hint=error.hint or "Try again once the server is there.",
        ) from error


class Content:
    """The content of a file, as long as it is now. Raises `UsageError` where it cannot be read."""

    def __init__(self, path: Path, tell: Tell) -> None:
        self._path = path
        self._tell = tell
        self.begun = 0
        """How often something of it was taken."""
        try:
            with path.open("rb") as file:
                self.size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise _unreadable(path, error) from error

    def __iter__(self) -> Iterator[bytes]:
        self.begun += 1
        try:
            with self._path.open("rb") as file:
                rest = self.size
                while rest:
                    self._tell(self.size - rest, self.size)
                    block = file.read(min(BLOCK, rest))
                    if not block:
                        raise ConflictError(
                            f"{self._path} became shorter while it was sent.", hint="Send it again."
                        )
                    rest -= len(block)
                    yield block
        except OSError as error:
            raise _unreadable(self._path, error) from error
        self._tell(self.size, self.size)


def _prefix(file: IO[bytes], length: int, size: int | None) -> Prefix | None:
    """What has come by now, by which the server knows the file again; None: nothing."""
    if not length:
        return None
    digest = hashlib.blake2b()
    file.seek(0)
    while block := file.read(BLOCK):
        digest.update(block)
    return Prefix(length, digest.hexdigest(), size)


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} could not be read: {error.strerror or error}.")
