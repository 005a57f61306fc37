"""Members as JSON: a list of objects with the fields role, subject and type."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import NotFoundError, UsageError
from ..kernel.local_paths import local_path, shown
from ..kernel.whole_file import whole_file
from .calls import Kind
from .data import Member
from .roles import TYPES, role_id, subject_of

FIELDS = ("role", "subject", "type")


def text_of(members: Iterable[Member]) -> str:
    """A line for each, so that a comparison of two files shows what is different."""
    rows = [json.dumps({name: getattr(one, name) for name in FIELDS}) for one in members]
    return "[\n" + ",\n".join(f"  {row}" for row in rows) + "\n]\n"


def write(path: str, text: str, *, overwrite: bool) -> None:
    """Raises `ConflictError` for a file that is there, unless it is to be overwritten, and `StorageError`."""
    with whole_file(local_path(path), overwrite=overwrite, to_replace="--overwrite") as file:
        file.write(text.encode())


def read(path: str, kind: Kind) -> list[Member]:
    """The members in a file, each once. Raises `NotFoundError`, and `UsageError` for what is no such list."""
    place = local_path(path)
    try:
        entries = json.loads(place.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no file {shown(path)}.", hint=f"Paths begin at {shown(Path.cwd())}."
        ) from None
    except OSError as error:
        raise UsageError(f"{shown(path)} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise _no_list(path, f"it is not JSON ({error})") from None
    if not isinstance(entries, list):
        raise _no_list(path, "it is no list")
    return list(dict.fromkeys(_member(path, number, one, kind) for number, one in enumerate(entries, 1)))


def _member(path: str, number: int, entry: Any, kind: Kind) -> Member:
    where = f"its entry {number}"
    if not isinstance(entry, dict) or not {"role", "subject"} <= entry.keys() <= set(FIELDS):
        raise _no_list(path, f"{where} is no object with the fields role, subject and, perhaps, type")
    if not all(isinstance(value, str) for value in entry.values()):
        raise _no_list(path, f"{where} has a value that is no text")
    subject_type = entry.get("type", TYPES[0])
    if subject_type not in (*TYPES, "system"):
        raise _no_list(path, f"{where} has the type {subject_type[:40]!r}, which there is not")
    try:
        role = role_id(entry["role"], kind)
        subject, implied = subject_of(entry["subject"])
    except UsageError as error:
        error.message = f"{shown(path)}, entry {number}: {error.message}"
        raise
    if implied is not None and "type" in entry and implied != subject_type:
        raise _no_list(path, f"{where} names two types")
    return Member(role, subject, implied or subject_type)


def _no_list(path: str, reason: str) -> UsageError:
    return UsageError(
        f"{shown(path)} is no list of members: {reason}.",
        hint="%ds_members --json --file PATH writes such a file.",
    )
