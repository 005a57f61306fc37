"""Finds the server: by the environment, among this process's parents, or `jupyter datasphere serve`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import psutil

from ..errors import UnavailableError
from ..runtime_files import SERVE, Presence, jupyter_servers, present
from .address import CA, Address

SERVE_COMMAND = "jupyter datasphere serve"

STARTING_SECONDS = 10.0
"""How long a `serve` that was just typed is waited for."""


class Discovery:
    """Where the server is now. Shared by all links of a kernel."""

    def __init__(self, given: Address, asker: str = "kernel", again: str = "run the cell again") -> None:
        """`given`: what the environment said, whole or in part. `asker`, `again`: the words of an error."""
        self._asker, self._again = asker, again
        self._address = given if given.url is not None and given.capability is not None else None

    @classmethod
    def of_process(cls) -> Discovery:
        """Of this process, which may be a kernel or any other program."""
        given = Address.from_environment()
        return cls(given) if "ipykernel" in sys.modules else cls(given, "program", "run it again")

    def address(self) -> Address:
        """The server's address. Raises `UnavailableError`, which says what to type, where there is none."""
        if self._address is None:
            self._address = _search()
        if self._address is None:
            raise UnavailableError(
                f"This {self._asker} was not started by a Jupyter server that has the DataSphere extension,"
                f" and `{SERVE_COMMAND}` is not running.",
                code="no-server",
                hint=f"Type `{SERVE_COMMAND}` in a terminal, leave it running, and {self._again}. Or, in"
                " JupyterLab: install jupyter-datasphere where JupyterLab is installed, too"
                " (`jupyter server extension list` shows whether it is), and start it again.",
            )
        return self._address

    def moved_from(self, failed: Address) -> bool:
        """Look again, as `failed` does not answer or does not know us: whether it is elsewhere now."""
        found = _search()
        if found is None or (found.url, found.capability) == (failed.url, failed.capability):
            return False
        self._address = found
        return True


def _search() -> Address | None:
    """The nearest Jupyter server among our parents, else `serve`."""
    servers = set(jupyter_servers())
    if servers:
        for pid in _parents():
            if pid in servers and (presence := present(str(pid))) is not None:
                return _address(presence)
    serve = present(SERVE, patience=STARTING_SECONDS)
    if serve is None:
        return None
    return replace(
        _address(serve), of=f"`{SERVE_COMMAND}`", has_pages=False, remedy="Start it again in a terminal."
    )


def _parents() -> list[int]:
    """PIDs of our parents, the nearest first; none where the system does not tell."""
    try:
        return [process.pid for process in psutil.Process().parents()]
    except psutil.Error:
        return []


def _address(presence: Presence) -> Address:
    return Address(presence.url, presence.capability, os.environ.get(CA))
