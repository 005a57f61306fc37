"""Stored notebooks: their paths, relative to the project or absolute as the API knows them, and metadata."""

from __future__ import annotations

import posixpath

from ...datasphere import types
from ...datasphere.client import Client
from ...errors import NotFoundError, ServiceError, UsageError

PROJECT_ROOT = "/home/jupyter/datasphere/project"


def relative(path: str) -> str:
    """A path relative to the project's folder. Raises `UsageError` for one that leaves it."""
    inside = path.removeprefix(PROJECT_ROOT + "/") if path.startswith(PROJECT_ROOT + "/") else path
    normal = posixpath.normpath(inside)
    if normal.startswith(("/", "../")) or normal in (".", "..") or "\0" in normal:
        raise UsageError(
            f"{path!r} is not a path inside of the project.",
            code="bad-path",
            hint=f"Write it relative to the project's top folder, or begin it with {PROJECT_ROOT}/.",
        )
    return normal


def absolute(path: str) -> str:
    """The path by which the API knows a notebook (at most 200 characters)."""
    full = f"{PROJECT_ROOT}/{relative(path)}"
    if len(full) > 200:
        raise UsageError(f"The path {full!r} is longer than the 200 characters that the API takes.")
    return full


async def find_notebook(client: Client, project_id: str, path: str) -> types.NotebookMetadata:
    """Metadata of a stored notebook. Raises `NotFoundError` where it is not there."""
    try:
        return await client.notebook_metadata(project_id, absolute(path))
    except ServiceError as error:
        if error.code != "not-found":
            raise
        raise no_notebook(project_id, path, error.request_id) from error


def no_notebook(project_id: str, path: str, request_id: str | None = None) -> NotFoundError:
    """The error that a stored notebook is not there."""
    return NotFoundError(
        f"Project {project_id} has no notebook {relative(path)!r}.",
        code="no-such-notebook",
        hint="Paths are relative to the project's top folder.",
        request_id=request_id,
    )
