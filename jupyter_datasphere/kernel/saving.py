"""The text of a run, written to a file: however much it is, a page of it is in memory."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from ..errors import ConflictError, StorageError, UsageError
from ..protocol import Execution
from .following import so_far
from .link import Link
from .outputs import texts_of


def save_text(link: Link, execution: Execution, path: str | Path, *, overwrite: bool) -> int:
    """Write what the code has written by now to a file, in UTF-8; gives the number of bytes.

    Whatever goes wrong, the file is as it was: half of it is never there. Raises `ConflictError` for one that
    exists, unless it is to be overwritten, and `StorageError` for one that cannot be written.
    """
    target = Path(path).expanduser()
    try:
        _check(target, overwrite)
        beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            with closing(so_far(link, execution)) as batches:
                events = (event for batch in batches for _, event in batch)
                size = _write(texts_of(events), beside)
            _check(target, overwrite)  # somebody else may have been quicker
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{target} cannot be written: {error.strerror or error}.",
            code="file-not-written",
            hint="Name a file in a folder that is there, that you may write to, and that has space.",
        ) from error
    return size


def _check(target: Path, overwrite: bool) -> None:
    if target.is_dir():
        raise UsageError(f"{target} is a folder: name a file in it.")
    if not overwrite and target.exists():
        raise ConflictError(
            f"{target} is there already, and was left as it is.",
            code="file-exists",
            hint="Choose another name, or have it replaced: --overwrite with %ds_output,"
            " overwrite=True with a handle's save().",
        )


def _write(texts: Iterable[str], path: Path) -> int:
    size = 0
    with path.open("xb") as file:
        for text in texts:
            # Half of a surrogate pair, which no file can hold, becomes a question mark.
            size += file.write(text.encode("utf-8", "replace"))
    return size
