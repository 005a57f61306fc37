"""What can be wrong with the ledger's folder and its files, in words, and how that is found beforehand."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import StorageError

APPLICATION_ID = 0x4A445350  # "JDSP", in the file's header: tells our files from others'
_APPLICATION_AT = 68  # bytes into the header, which has 100
_MAGIC = b"SQLite format 3\0"

DAMAGED = "ledger-damaged"
"""Code of the error that waiting does not mend."""
DAMAGE_SUFFIX = ".damaged"
"""Of an empty file beside one in which damage was met, so that the next start sets it aside."""


class ForeignFileError(Exception):
    """The file is no ledger, or one of a later version of this package, or damaged."""


def check_header(path: Path) -> None:
    """Raise `ForeignFileError` for what SQLite had better not open: it writes into what it takes for its own.

    Not where this process has the file open: to close it again would let go of SQLite's locks.
    """
    if path.with_suffix(DAMAGE_SUFFIX).exists():
        raise ForeignFileError(f"{path} is damaged")
    if path.with_name(f"{path.name}-journal").exists():
        return  # the process died while it wrote: SQLite mends that
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        return
    application = int.from_bytes(header[_APPLICATION_AT : _APPLICATION_AT + 4], "big")
    if not header.startswith(_MAGIC) or application not in (0, APPLICATION_ID):
        raise ForeignFileError(f"{path} is damaged, or no ledger")


def check_folder(folder: Path) -> None:
    """Raise `StorageError` where no file can be made in it now, although open ones may take more."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise unwritable(folder, "no file can be made there")


def unwritable(folder: Path, error: Exception | str) -> StorageError:
    """What is wrong with a ledger folder that cannot be made or written."""
    return StorageError(
        f"The ledger in {folder} cannot be written ({error})",
        code="ledger-unwritable",
        hint="Give yourself the right to write there, or name another folder by DataSphere.ledger_dir.",
    )


def full(folder: Path, error: Exception) -> StorageError:
    """The disk takes no more."""
    return StorageError(
        f"The ledger in {folder} cannot be written ({error})",
        hint="Free some space on its disk: runs that are on go on meanwhile, and lose nothing.",
    )


def locked(path: Path) -> StorageError:
    """Another program uses the file alone."""
    return StorageError(
        f"Another program keeps the ledger in {path.parent} locked ({path.name})",
        code="ledger-locked",
        hint="A backup or a database tool, perhaps: it can be used again once that lets go of it.",
    )


def damaged(path: Path, error: Exception) -> StorageError:
    """What is in the file cannot be read, or not all of it."""
    return StorageError(
        f"The ledger file {path} is damaged ({error})",
        code=DAMAGED,
        hint="Start the Jupyter server anew: it sets that file aside, and goes on with a new one.",
    )
