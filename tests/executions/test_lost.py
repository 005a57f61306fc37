"""Operations that the service forgets while they run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from support import Facts, client_for, store

from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.demo.processes import emulator as run_emulator
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, ExecutionRequest, Notebook, Source

FORGETTING = [{"method": "operation.get", "rate": 1, "fault": {"forget_operation": True}}]


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[Facts]:
    """An emulator that forgets each operation that it is asked for."""
    root = tmp_path / "emulator" / "root"
    root.parent.mkdir()
    with run_emulator(root) as facts:
        headers = {"Authorization": f"Bearer {facts['control_token']}"}
        httpx.put(
            f"{facts['url']}/emulator/faults", headers=headers, content=json.dumps(FORGETTING)
        ).raise_for_status()
        yield {**facts, "root": str(root)}


@pytest_asyncio.fixture
async def service(forgetful: Facts, tmp_path: Path) -> AsyncIterator[ExecutionService]:
    client = client_for(forgetful)
    ledger = Ledger(tmp_path / "ledger")
    service = ExecutionService(
        ledger, client, ProjectFinder(client, organization=forgetful["organization_id"])
    )
    yield service
    await service.close()
    ledger.close()
    await client.transport.aclose()


@pytest.mark.parametrize("direct", [False, True])
async def test_a_run_whose_end_the_service_forgot_is_lost_and_says_what_to_do(
    service: ExecutionService, forgetful: Facts, direct: bool
) -> None:
    store(forgetful, "slow.ipynb", "import time\nprint('begun', flush=True)\ntime.sleep(60)")
    source: Source = Notebook("slow.ipynb", direct=True)
    if not direct:
        source = Code("import time\nprint('begun', flush=True)\ntime.sleep(60)")
    execution = await service.start(ExecutionRequest(source=source), project=forgetful["project_id"])
    ended = await service.finished(execution.id)
    assert ended.state == "lost"
    assert ended.problem is not None
    assert ended.problem.code == "operation-lost"
    assert "Look in the project whether its results are there" in (ended.problem.hint or "")
