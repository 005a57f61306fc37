"""What the status says of a service that does not answer."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from support import Facts

from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.server import backend
from jupyter_datasphere.server.settings import Settings


async def test_a_silent_service_is_named_in_time_and_the_project_is_still_chosen(
    emulator: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "STATUS_SECONDS", 0.05)
    headers = {"Authorization": f"Bearer {emulator['control_token']}"}
    async with httpx.AsyncClient(headers=headers, base_url=f"{emulator['url']}/emulator") as control:
        rules = [{"method": "*", "rate": 1, "fault": {"delay": 1.0}}]
        (await control.put("/faults", content=json.dumps(rules))).raise_for_status()
        try:
            ledger = Ledger(tmp_path / "ledger")
            asked = backend.Backend(
                Settings(endpoint=emulator["url"], project="demo-project"),
                ledger,
                {"YC_TOKEN": emulator["oauth_token"]},
            )
            status = await asked.status(None)
            await asked.aclose()
            ledger.close()
        finally:
            (await control.put("/faults", content="[]")).raise_for_status()
    assert status.connection == "failed"
    assert status.problem is not None
    assert "DataSphere did not answer within 0.05 s" in status.problem.title
    assert status.project is not None
    assert status.project.name == "demo-project"
