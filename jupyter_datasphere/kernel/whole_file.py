"""A file that is there when all of it has come, and not before."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import ConflictError, StorageError, UsageError


@contextmanager
def whole_file(target: Path, *, overwrite: bool, to_replace: str) -> Iterator[IO[bytes]]:
    """Within it, what is written goes to a file beside; afterwards that is in its place.

    Whatever goes wrong, the target is as it was. Raises `ConflictError` for one that exists, unless it is to
    be overwritten (`to_replace` says how its user asks for that), and `StorageError` where it cannot be
    written.
    """
    try:
        _check(target, overwrite, to_replace)
        place = Path(os.path.realpath(target))  # what a link points to is written, and the link stays
        # A name of its own, since the target's with something added may be too long.
        beside = place.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with beside.open("x+b") as file:
                yield file
            _check(target, overwrite, to_replace)  # somebody else may have been quicker
            if place.exists():
                beside.chmod(place.stat().st_mode & 0o777)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{target} cannot be written: {error.strerror or error}.",
            code="file-not-written",
            hint="Name a file in a folder that is there, that you may write to, and that has space.",
        ) from error


def check_file(target: Path, *, overwrite: bool, to_replace: str) -> None:
    """Raise now what `whole_file` would raise for that file."""

    class Untouched(Exception):
        """Leaves the file as it was."""

    with suppress(Untouched), whole_file(target, overwrite=overwrite, to_replace=to_replace):
        raise Untouched


def _check(target: Path, overwrite: bool, to_replace: str) -> None:
    if target.is_dir():
        raise UsageError(f"{target} is a folder: name a file in it.")
    if not overwrite and os.path.lexists(target):
        raise ConflictError(
            f"{target} is there already, and was left as it is.",
            code="file-exists",
            hint=f"Choose another name, or have it replaced: {to_replace}.",
        )
