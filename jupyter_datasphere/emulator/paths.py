"""Paths of a project's own world, which never lead out of it."""

from __future__ import annotations

from pathlib import PurePosixPath

from .errors import invalid

HOME = PurePosixPath("/home/jupyter/datasphere/project")
"""Where a project's storage appears over there."""


def relative(path: str, field: str) -> str:
    """A path, absolute over there or relative to the project, as a relative one. Raises code 3."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        raise invalid(field, "the path is not Unicode text") from None
    if b"\0" in encoded:
        raise invalid(field, "the path holds a NUL character")
    pure = PurePosixPath(path)
    if pure.is_absolute():
        try:
            pure = pure.relative_to(HOME)
        except ValueError:
            raise invalid(field, f"the path is not under {HOME}") from None
    if not pure.parts or ".." in pure.parts:
        raise invalid(field, "expected a path in the project, without ..")
    return str(pure)
