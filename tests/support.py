"""What several tests need."""

from __future__ import annotations

from pathlib import Path

import nbformat

from jupyter_datasphere.credentials.oauth import OAuthToken
from jupyter_datasphere.credentials.tokens import TokenCache
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.transport import Endpoints, Transport

Facts = dict[str, str]
"""What the emulator's emulator.json says, and its `root`."""

PROJECT_ROOT = "/home/jupyter/datasphere/project"


def client_for(facts: Facts) -> Client:
    """A client of an emulator; close its transport."""
    transport = Transport(Endpoints.one_origin(facts["url"]))
    return Client(transport, TokenCache(OAuthToken(facts["oauth_token"], "a test", transport)))


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
