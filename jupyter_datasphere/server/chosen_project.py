"""The project that was chosen in the sidebar: kept in a file, for this server and those to come."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from ..errors import StorageError


class Choice(msgspec.Struct, frozen=True):
    """A project of the service at `endpoint`, as it was called when it was chosen."""

    endpoint: str
    id: str
    name: str


class ChosenProject:
    """The choice of a user, which all of their servers share.

    `endpoint`, the service's base URL, is part of it: the project of an emulator is not one of the service.
    """

    def __init__(self, folder: Path, *, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._path = folder / f"{hashlib.sha256(self._endpoint.encode()).hexdigest()}.json"

    def get(self) -> Choice | None:
        """Read anew each time, which takes some microseconds: another server may have written it."""
        try:
            choice = msgspec.json.decode(self._path.read_bytes(), type=Choice)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return choice if choice.endpoint == self._endpoint else None

    def set(self, project_id: str, name: str) -> None:
        """Raises `StorageError` where it cannot be kept."""
        choice = Choice(self._endpoint, project_id, name)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = self._path.with_suffix(f".{os.getpid()}.new")
            new.write_bytes(msgspec.json.encode(choice))
            new.replace(self._path)
        except OSError as error:
            raise self._trouble(error) from error

    def forget(self) -> None:
        """Raises `StorageError` where it stays."""
        try:
            with suppress(FileNotFoundError):
                self._path.unlink()
        except OSError as error:
            raise self._trouble(error) from error

    def _trouble(self, error: OSError) -> StorageError:
        return StorageError(
            f"The choice of a project cannot be kept in {self._path.parent}: {error.strerror or error}.",
            hint="Make that folder writable, or set DataSphere.ledger_dir to another one.",
        )
