"""A run whose sending was not answered, and what comes after that: it may be running."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from executions.weather import control, played
from support import Facts, client_for, store_replay

from jupyter_datasphere.datasphere.client import RENEWALS
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.demo.processes import emulator as run_emulator
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import ExecutionRequest, Notebook

LOST = {"method": "project.execute", "calls": [1], "fault": {"lose": True}}
REFUSED = list(range(2, 3 + RENEWALS))
"""The calls after it that one call of the client makes, all of them refused."""


@pytest.fixture
def doubtful(tmp_path: Path) -> Iterator[Facts]:
    """An emulator of its own."""
    root = tmp_path / "emulator" / "root"
    root.parent.mkdir()
    with run_emulator(root) as facts:
        yield {**facts, "root": str(root)}


@pytest_asyncio.fixture
async def service(doubtful: Facts, tmp_path: Path) -> AsyncIterator[ExecutionService]:
    client = client_for(doubtful)
    ledger = Ledger(tmp_path / "ledger")
    service = ExecutionService(ledger, client, ProjectFinder(client))
    yield service
    await service.close()
    ledger.close()
    await client.transport.aclose()


@pytest.mark.parametrize(
    "then",
    [
        {"method": "project.execute", "calls": REFUSED, "fault": {"expire_tokens": True}},
        {"method": "project.execute", "calls": list(range(2, 7)), "fault": {"status": 429, "retry_after": 0}},
    ],
    ids=["tokens expire", "busy"],
)
async def test_a_refusal_after_a_lost_answer_does_not_end_a_run(
    service: ExecutionService, doubtful: Facts, then: dict[str, Any]
) -> None:
    store_replay(doubtful, "lost.ipynb", ["a\n"], 0.0)
    control(doubtful, "PUT", "faults", [LOST, then])
    request = ExecutionRequest(source=Notebook("lost.ipynb", direct=True))
    execution = await service.start(request, project=doubtful["project_id"])
    ended = await service.finished(execution.id)
    assert (ended.state, ended.problem) == ("succeeded", None)
    assert played(doubtful) == {"lost.ipynb": 1}
    fired = [rule["fired"] for rule in control(doubtful, "GET", "faults")]
    assert fired == [1, len(then["calls"])]
