"""What goes to a project for `%ds_execute --upload`: a notebook here, and the files that it takes along."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UsageError
from .local_paths import local_path, shown
from .outputs import fields

_PYTHON = re.compile(r"i?python[\d.]*", re.IGNORECASE)


class Outgoing(NamedTuple):
    """A file here, and where it goes in the project."""

    local: Path
    remote: str


class Bundle(NamedTuple):
    """Files that go together; no two of them to one place."""

    notebook: Outgoing
    along: list[Outgoing]

    @classmethod
    def of(cls, notebook: str, along: Sequence[str], *, direct: bool = False) -> Bundle:
        """Look at the files, before any of them is sent. Raises `UsageError` for what cannot be.

        `direct`: the service runs the notebook as it is, and may have kernels of other languages.
        """
        bundle = cls(_outgoing(notebook), [_outgoing(path) for path in along])
        metadata = _metadata(bundle.notebook.local)
        if not direct:
            _check_language(bundle.notebook.local, metadata)
        taken: dict[str, Path] = {}
        for local, remote in bundle.files:
            if remote in taken:
                raise UsageError(
                    f"{taken[remote]} and {local} would both go to {remote} in the project.",
                    hint="Name a file once; %ds_put sends one to another place.",
                )
            taken[remote] = local
        return bundle

    @property
    def files(self) -> list[Outgoing]:
        """The notebook last: it is not replaced where something that it needs could not be sent."""
        return [*self.along, self.notebook]


def file_here(text: str) -> Path:
    """The file that a path means. Raises `UsageError` where it is none."""
    path = local_path(text)
    if path.is_file():
        return path
    if path.is_dir():
        raise UsageError(f"{text} is a folder.", hint="Only files are sent: name one.")
    raise UsageError(f"There is no file {text}.", hint=f"Paths begin at {Path.cwd()}.")


def _outgoing(text: str) -> Outgoing:
    """A file below the kernel's folder goes to the same place below the project's, another to its top."""
    path = file_here(text)
    inside = posixpath.normpath(path.as_posix())
    if path.is_absolute() or inside.startswith("../"):
        return Outgoing(path, path.name)
    return Outgoing(path, inside)


def _metadata(path: Path) -> dict[str, Any]:
    """The metadata of a notebook. Raises `UsageError` for a file that is none, or is of an old format."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path} could not be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no notebook: {error}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} is no notebook: it has no cells.")
    version = content.get("nbformat")
    if type(version) is int and version < 4:
        raise UsageError(
            f"{path} is of nbformat {version}, and only nbformat 4 is run.",
            hint=f"Convert it with `jupyter nbconvert --to notebook --nbformat 4 {shlex.quote(str(path))}`.",
        )
    if not isinstance(content.get("cells"), list):
        raise UsageError(f"{path} is no notebook: it has no cells.")
    return fields(content.get("metadata"))


def _check_language(path: Path, metadata: dict[str, Any]) -> None:
    """Raise `UsageError` where the notebook says that its language is not Python."""
    for name in (
        fields(metadata.get("language_info")).get("name"),
        fields(metadata.get("kernelspec")).get("language"),
    ):
        if isinstance(name, str) and name and not _PYTHON.fullmatch(name):
            raise UsageError(
                f"{path} is a notebook for {shown(name[:40])}; the runner runs Python.",
                hint="--direct lets the service run it as it is, where the project has that kernel.",
            )
