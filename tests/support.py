"""What several tests need."""

from __future__ import annotations

import time
from pathlib import Path

import nbformat

from jupyter_datasphere.clocks import SYSTEM, Clock
from jupyter_datasphere.credentials.oauth import OAuthToken
from jupyter_datasphere.credentials.tokens import TokenCache
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.transport import Endpoints, Transport

Facts = dict[str, str]
"""What the emulator's emulator.json says, and its `root`."""

PROJECT_ROOT = "/home/jupyter/datasphere/project"


class SettableClock:
    """The clocks of a computer that can be set, and put to sleep."""

    def __init__(self) -> None:
        self._set_by = 0.0
        self._slept = 0.0

    def wall(self) -> float:
        return time.time() + self._slept + self._set_by

    def elapsed(self) -> float:
        return time.monotonic() + self._slept

    def sleep(self, seconds: float) -> None:
        self._slept += seconds

    def set(self, by: float) -> None:
        """Forwards, or, where negative, back."""
        self._set_by += by


def client_for(
    facts: Facts, *, clock: Clock = SYSTEM, url: str | None = None, timeout: float = 30.0
) -> Client:
    """A client of an emulator, perhaps by another URL than its own; close its transport."""
    transport = Transport(Endpoints.one_origin(url or facts["url"]), timeout=timeout, here=clock)
    tokens = TokenCache(OAuthToken(facts["oauth_token"], "a test", transport), clock)
    return Client(transport, tokens)


def store(facts: Facts, name: str, *sources: str) -> str:
    """Put a notebook of code cells into the demo project; gives its notebook ID."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    path = Path(facts["root"]) / "projects" / facts["project_id"] / name
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return f"{PROJECT_ROOT}/{name}"


def store_replay(facts: Facts, name: str, lines: list[str], delay: float) -> None:
    """Put a notebook into the demo project that the emulator plays: each line comes after that delay."""
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=line) for line in lines]
    cell = nbformat.v4.new_code_cell("", outputs=outputs, metadata={"delays": [delay] * len(lines)})
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"datasphere_emulator": {"replay": True}})
    nbformat.write(notebook, Path(facts["root"]) / "projects" / facts["project_id"] / name)
