"""What tests of credentials share: the way to the emulator, and its accounts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from support import Facts

from jupyter_datasphere.datasphere.retries import RetryPolicy
from jupyter_datasphere.datasphere.transport import Endpoints, Transport


@pytest_asyncio.fixture
async def transport(emulator: Facts) -> AsyncIterator[Transport]:
    transport = Transport(
        Endpoints.one_origin(emulator["url"]), retry=RetryPolicy(attempts=3, first=0.001, longest=0.001)
    )
    yield transport
    await transport.aclose()


@pytest.fixture
def accounts(emulator: Facts) -> dict[str, dict[str, Any]]:
    """The accounts of the emulator by their names."""
    facts = json.loads((Path(emulator["root"]) / "emulator.json").read_text())
    return {account["name"]: account for account in facts["accounts"]}


@pytest.fixture
def key_file(accounts: dict[str, dict[str, Any]], tmp_path: Path) -> Path:
    """A copy of the key file of `robot`, to be spoiled."""
    copy = tmp_path / "key.json"
    copy.touch(mode=0o600)
    copy.write_bytes(Path(accounts["robot"]["key_file"]).read_bytes())
    return copy


@pytest.fixture
def faults(emulator: Facts) -> Any:
    """Sets the emulator's faults, which are gone after the test."""
    headers = {"Authorization": f"Bearer {emulator['control_token']}"}
    with httpx.Client(base_url=emulator["url"], headers=headers) as http:
        yield lambda *rules: http.put("/emulator/faults", json=rules).raise_for_status()
        http.put("/emulator/faults", json=[]).raise_for_status()
