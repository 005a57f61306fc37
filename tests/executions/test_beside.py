"""What is done beside following: it goes on, whatever happens to one look, and says so where it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
from support import Facts

from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.executions.tasks import beside
from jupyter_datasphere.protocol import Code, Execution, ExecutionRequest


class BrokenOnce(Ledger):
    """Where the first look for notes of other servers meets what nobody thought of."""

    broken = False

    def take_cancels(self) -> list[str]:
        if not self.broken:
            self.broken = True
            raise RuntimeError("nobody thought of this")
        return super().take_cancels()


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[BrokenOnce]:
    ledger = BrokenOnce(tmp_path / "ledger")
    yield ledger
    ledger.close()


@pytest_asyncio.fixture
async def service(ledger: Ledger, emulator: Facts, client: Client) -> AsyncIterator[ExecutionService]:
    service = ExecutionService(ledger, client, ProjectFinder(client))
    yield service
    await service.close()


async def begun(service: ExecutionService, emulator: Facts) -> Execution:
    source = Code(source="import time\ntime.sleep(60)", session="beside")
    execution = await service.start(ExecutionRequest(source=source), project=emulator["project_id"])
    while service.get(execution.id).state != "running":
        await asyncio.sleep(0.01)
    return execution


async def test_another_server_can_cancel_after_a_look_that_failed(
    service: ExecutionService,
    ledger: BrokenOnce,
    emulator: Facts,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    execution = await begun(service, emulator)
    async with asyncio.timeout(30):
        while not ledger.broken:
            await asyncio.sleep(0.01)
        with closing(Ledger(tmp_path / "ledger")) as other:
            other.pass_on_cancel(execution.id)
        assert (await service.finished(execution.id)).state == "cancelled"
    assert "nobody thought of this" in caplog.text
    assert not list((tmp_path / "ledger").glob("*.cancel"))


async def test_what_ends_a_task_that_nobody_waits_for_is_logged_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails() -> None:
        raise RuntimeError("this is why")

    task = beside(fails())
    await asyncio.wait([task])
    assert "failed inside of the extension" in caplog.text
    assert "RuntimeError: this is why" in caplog.text
    never = beside(asyncio.Event().wait())  # type: ignore[arg-type]
    caplog.clear()
    await asyncio.sleep(0)
    never.cancel()
    await asyncio.wait([never])
    assert caplog.text == ""
