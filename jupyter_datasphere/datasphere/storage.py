"""What can be done with the files of a project, by whichever way they are reached."""

from __future__ import annotations

from typing import Protocol

from .local_files import Sink, Source


class Storage(Protocol):
    """Whole files of projects.

    A path is relative to the project, or absolute below its folder over there. Every method raises
    `ServiceError` (what was answered), `UnavailableError` (no answer), `CredentialsError`, or `UsageError`
    for a path that will not do.
    """

    async def send(self, project_id: str, path: str, source: Source) -> int:
        """Write a file, replacing one that is there; gives its size in bytes. Half of it is never there."""
        ...

    async def receive(self, project_id: str, path: str, sink: Sink) -> int:
        """Read a file into `sink`, which is told to begin anew where that is tried again; its size."""
        ...

    async def size(self, project_id: str, path: str) -> int | None:
        """The bytes of a file, None where there is none; reads no more of it than it must."""
        ...
