"""The text of a run, written to a file: however much it is, a page of it is in memory."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from ..errors import ConflictError, DataSphereError, RemoteExecutionError, StorageError, UsageError
from ..protocol import Execution
from .following import so_far
from .link import Link
from .outcome import Batch, Outcome
from .outputs import texts_of

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def save_text(link: Link, execution: Execution, path: str | Path, *, overwrite: bool) -> int:
    """Write what the code has written by now to a file, in UTF-8; gives the number of bytes.

    Last comes the traceback of a run that failed, as where its text is shown. Whatever goes wrong, the file
    is as it was: half of it is never there. Raises `ConflictError` for one that exists, unless it is to be
    overwritten, and `StorageError` for one that cannot be written.
    """
    target = Path(path).expanduser()
    try:
        _check(target, overwrite)
        place = Path(os.path.realpath(target))  # what a link points to is written, and the link stays
        beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
        try:
            with closing(so_far(link, execution)) as batches:
                size = _write(_texts(batches, execution), beside)
            _check(target, overwrite)  # somebody else may have been quicker
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{target} cannot be written: {error.strerror or error}.",
            code="file-not-written",
            hint="Name a file in a folder that is there, that you may write to, and that has space.",
        ) from error
    return size


def _texts(batches: Iterable[Batch], execution: Execution) -> Iterator[str]:
    """The text, and the traceback, which begins a line of its own."""
    outcome = Outcome(execution.id, ())
    text = ""
    for batch in batches:
        outcome.take(batch)
        for piece in texts_of(event for _, event in batch):
            yield (text := piece)
    try:
        outcome.raise_unless_succeeded()
    except RemoteExecutionError as error:
        if text and not text.endswith("\n"):
            yield "\n"
        lines = "\n".join(error.traceback or [str(error)])
        yield f"{_COLOUR.sub('', lines)}\n"
    except DataSphereError:
        return  # an end without a traceback is no part of what the code has put out


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
