"""A run whose sending was not answered, and what comes after that: it may be running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from executions.test_service import follow
from executions.weather import control, played
from support import Facts, client_for, store_replay

from jupyter_datasphere.credentials.chain import missing
from jupyter_datasphere.datasphere.caller import RENEWALS, Tokens
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.demo.processes import emulator as run_emulator
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import FINAL_STATES, Code, ExecutionRequest, Notebook

LOST = {"method": "project.execute", "calls": [1], "fault": {"lose": True}}
REFUSED = list(range(2, 3 + RENEWALS))
"""The calls after it that one call of the client makes, all of them refused."""


REQUEST = ExecutionRequest(source=Notebook("lost.ipynb", direct=True))


@pytest.fixture
def doubtful(tmp_path: Path) -> Iterator[Facts]:
    """An emulator of its own."""
    root = tmp_path / "emulator" / "root"
    root.parent.mkdir()
    with run_emulator(root) as facts:
        yield {**facts, "root": str(root)}


class NoTokens:
    """As of a server that was started without credentials; `asked` comes with each further question."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[None] = asyncio.Queue()

    async def token(self) -> str:
        self.asked.put_nowait(None)
        raise missing()

    async def renew(self, refused: str) -> bool:
        return False

    remedy = ""


@asynccontextmanager
async def service_of(
    facts: Facts, folder: Path, tokens: Tokens | None = None
) -> AsyncIterator[ExecutionService]:
    """Executions as one server after another has them, with the credentials given or those that are right."""
    client = client_for(facts)
    ledger = Ledger(folder)
    service = ExecutionService(
        ledger, Client(client.transport, tokens) if tokens else client, ProjectFinder(client)
    )
    service.resume()
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
    doubtful: Facts, tmp_path: Path, then: dict[str, Any]
) -> None:
    store_replay(doubtful, "lost.ipynb", ["a\n"], 0.0)
    control(doubtful, "PUT", "faults", [LOST, then])
    async with service_of(doubtful, tmp_path / "ledger") as service:
        execution = await service.start(REQUEST, project=doubtful["project_id"])
        ended = await service.finished(execution.id)
    assert (ended.state, ended.problem) == ("succeeded", None)
    assert played(doubtful) == {"lost.ipynb": 1}
    fired = [rule["fired"] for rule in control(doubtful, "GET", "faults")]
    assert fired == [1, len(then["calls"])]


async def test_a_server_without_credentials_ends_no_run_that_may_go_on(
    doubtful: Facts, tmp_path: Path
) -> None:
    store_replay(doubtful, "lost.ipynb", ["a\n"], 0.0)
    control(doubtful, "PUT", "faults", [{**LOST, "calls": list(range(1, 100))}])
    async with service_of(doubtful, tmp_path / "ledger") as service:
        execution = await service.start(REQUEST, project=doubtful["project_id"])
        async with asyncio.timeout(30):
            while not played(doubtful):
                await asyncio.sleep(0.01)
    tokens = NoTokens()
    async with service_of(doubtful, tmp_path / "ledger", tokens) as service:
        for _ in range(3):
            await tokens.asked.get()
        assert service.get(execution.id).state == "staged"
    control(doubtful, "PUT", "faults", [])
    async with service_of(doubtful, tmp_path / "ledger") as service:
        assert (await service.finished(execution.id)).state == "succeeded"
    assert played(doubtful) == {"lost.ipynb": 1}


async def test_a_run_that_ended_before_it_could_be_cancelled_says_so(doubtful: Facts, tmp_path: Path) -> None:
    blind = {"method": "project.cellOutputs", "rate": 1, "fault": {"status": 503}}
    async with service_of(doubtful, tmp_path / "ledger") as service:
        client = client_for(doubtful)
        control(doubtful, "PUT", "faults", [blind])
        execution = await service.start(
            ExecutionRequest(source=Code("print('done')")), project=doubtful["project_id"]
        )
        async with asyncio.timeout(20):
            while (operation := service.get(execution.id).operation_id) is None:
                await asyncio.sleep(0.01)
            while not (await client.get_operation(operation)).done:
                await asyncio.sleep(0.01)
        await client.transport.aclose()
        assert service.cancel(execution.id).state not in FINAL_STATES
        control(doubtful, "PUT", "faults", [])
        ran = await follow(service, execution.id)
        assert (ran.execution.state, ran.text) == ("succeeded", "done\n")
        assert ran.notices[-1].text == "The run was to be cancelled, but had ended before it could be."
