"""Real processes for the tests: the emulator, a Jupyter Server on it, and kernels."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support import Facts, client_for

from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.demo.processes import emulator as run_emulator
from jupyter_datasphere.demo.processes import environment_for, jupyter
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
"""No test, and no process that one starts, asks the keyring of whoever runs it."""

for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
    # No test, and no server that one starts, opens the browser of whoever runs it.
    os.environ.pop(name, None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell starts what runs in the background; processes that the tests start would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    """An emulator of revision 2024-03 as its users start it."""
    root = tmp_path_factory.mktemp("emulator") / "root"
    with run_emulator(root) as facts:
        yield {**facts, "root": str(root)}


@pytest.fixture(scope="session")
def current_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    """An emulator of today's revision."""
    root = tmp_path_factory.mktemp("current") / "root"
    with run_emulator(root, "--revision", "current") as facts:
        yield {**facts, "root": str(root)}


@pytest.fixture(scope="session")
def server(emulator: Facts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A Jupyter Server with the extension, on the emulator; gives its `url` and `token`, and its `folder`."""
    folder = tmp_path_factory.mktemp("jupyter") / "notebooks"
    folder.mkdir()
    environment = environment_for(emulator)
    options = [f"--DataSphere.ledger_dir={folder.parent / 'ledger'}"]
    with jupyter("server", folder, environment, options=options) as facts:
        yield {**facts, "folder": folder}


@pytest_asyncio.fixture
async def client(emulator: Facts) -> AsyncIterator[Client]:
    """A client of the emulator."""
    client = client_for(emulator)
    yield client
    await client.transport.aclose()


@pytest_asyncio.fixture
async def service(emulator: Facts, client: Client, tmp_path: Path) -> AsyncIterator[ExecutionService]:
    """Executions on the emulator, with a ledger of their own."""
    ledger = Ledger(tmp_path / "ledger")
    finder = ProjectFinder(client, organization=emulator["organization_id"])
    service = ExecutionService(ledger, client, finder)
    yield service
    await service.close()
    ledger.close()
