"""Paths that the user wrote for files here."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import UsageError


def local_path(written: str | Path) -> Path:
    """The path, in which ``~`` and ``~NAME`` at the beginning are home folders.

    Where there is no user NAME, it is a path as any other if something is there. Raises `UsageError` where
    nothing is: what was meant cannot be told then.
    """
    text = os.fspath(written)
    if not text.startswith("~"):
        return Path(text)
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError):  # the latter for a zero byte in a NAME
        if os.path.lexists(text):
            return Path(text)
    name = text[1:].partition("/")[0]
    raise UsageError(
        f"{text}: {f'there is no user {name}' if name else 'the home folder is not known'}.",
        hint="A path that begins in this folder is written with ./ before the tilde.",
    )


def shown(path: str | Path) -> str:
    """The path, with what would move a terminal's cursor made harmless."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(path)
    )
