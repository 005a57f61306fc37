"""What a run has put out, written to a file: its text, or the executed notebook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from ..errors import DataSphereError, RemoteExecutionError, UsageError
from ..protocol import Execution, Notebook
from .executed import Executed
from .following import so_far
from .link import Link
from .local_paths import local_path
from .outcome import Batch, Outcome
from .outputs import texts_of
from .whole_file import check_file, whole_file

NOTEBOOK = ".ipynb"
"""What the name of a file ends with that gets the executed notebook."""

_TO_REPLACE = "--overwrite with a magic, overwrite=True with a handle's save()"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Saved(NamedTuple):
    """What was written, how many bytes, and what is to be said of it."""

    what: str
    size: int
    remarks: Sequence[str] = ()

    def told(self, path: str | Path, of: str = "", *more: str) -> str:
        """All of it in one line."""
        return "; ".join((f"{path}: {self.size:,} bytes, {self.what}{of}", *self.remarks, *more))


def save(link: Link, execution: Execution, path: str | Path, *, overwrite: bool) -> Saved:
    """Write what a run has put out by now to a file, in UTF-8; gives what that was.

    A name that ends with .ipynb gets the executed notebook, which is in memory as a whole; any other one the
    text, of which a page is, and below it the traceback of a run that failed. Whatever goes wrong, the
    file is as it was: half of it is never there. Raises `UsageError` where no notebook ran, `ConflictError`
    for a file that exists, unless it is to be overwritten, and `StorageError` for one that cannot be written.
    """
    target = local_path(path)
    if target.suffix != NOTEBOOK:
        with closing(so_far(link, execution)) as batches:
            return Saved("the text", _put(target, _texts(batches, execution), overwrite))
    if not isinstance(execution.source, Notebook):
        raise UsageError(
            f"Execution {execution.id} ran no notebook, and {target} is the name of one.",
            hint="A file name that does not end with .ipynb gets the text of the run.",
        )
    executed = Executed()
    with closing(so_far(link, execution)) as batches:
        for batch in batches:
            for _, event in batch:
                executed.take(event)
    return Saved("the executed notebook", _put(target, [executed.text()], overwrite), executed.remarks)


def check(path: str | Path, *, overwrite: bool) -> None:
    """Raise now what `save` would raise for that file later."""
    check_file(local_path(path), overwrite=overwrite, to_replace=_TO_REPLACE)


def _put(target: Path, texts: Iterable[str], overwrite: bool) -> int:
    """Write a file as a whole; gives the number of bytes."""
    with whole_file(target, overwrite=overwrite, to_replace=_TO_REPLACE) as file:
        # Half of a surrogate pair, which no file can hold, becomes a question mark.
        return sum(file.write(text.encode("utf-8", "replace")) for text in texts)


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
