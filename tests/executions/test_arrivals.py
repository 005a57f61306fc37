"""Runs that are asked for while the service is slow: what is said of them before they are in the ledger."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
import pytest_asyncio
from support import Facts

from jupyter_datasphere.errors import ConflictError, NotFoundError
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, Event, ExecutionRequest, OutputEvent

REQUEST = ExecutionRequest(source=Code(source="print('late')", session="arrivals"))


@pytest_asyncio.fixture
async def slow(emulator: Facts) -> AsyncIterator[None]:
    """The service takes its time to tell what projects there are."""
    headers = {"Authorization": f"Bearer {emulator['control_token']}"}
    async with httpx.AsyncClient(headers=headers, base_url=f"{emulator['url']}/emulator") as control:
        rules = [{"method": "project.get", "rate": 1, "fault": {"delay": 1.0}}]
        (await control.put("/faults", content=json.dumps(rules))).raise_for_status()
        yield
        (await control.put("/faults", content="[]")).raise_for_status()


def begin(service: ExecutionService, project: str) -> str:
    return service.begin(REQUEST, project=project, execution_id=secrets.token_hex(8))


@pytest.mark.usefixtures("slow")
async def test_who_asks_again_waits_for_the_run_and_sees_all_of_it(
    service: ExecutionService, emulator: Facts
) -> None:
    run = begin(service, emulator["project_id"])
    pages = [page async for page in service.events(run, idle=0.1)]
    assert pages[:3] == [[], [], []]  # somebody is there, and nothing has happened yet
    events = [msgspec.json.decode(text, type=Event) for page in pages for _, text in page]
    assert [e.content["text"] for e in events if isinstance(e, OutputEvent)] == ["late\n"]
    assert (await service.arrived(run)).state == "succeeded"


@pytest.mark.usefixtures("slow")
async def test_a_run_that_is_cancelled_meanwhile_does_not_start(
    service: ExecutionService, emulator: Facts
) -> None:
    run = begin(service, emulator["project_id"])
    asking = asyncio.create_task(service.arrived(run))
    await asyncio.sleep(0)  # it waits now
    with pytest.raises(NotFoundError):
        service.cancel(run)
    with pytest.raises(ConflictError, match="was cancelled before it was started"):
        await asking
    with pytest.raises(ConflictError, match="was cancelled before it was started"):
        service.begin(REQUEST, project=emulator["project_id"], execution_id=run)
    other = await service.start(REQUEST, project=emulator["project_id"])  # the service's answer was the same
    assert [execution.id for execution in service.search()] == [other.id]


@pytest.mark.usefixtures("slow")
async def test_who_waits_no_longer_does_not_end_it(service: ExecutionService, emulator: Facts) -> None:
    run = begin(service, emulator["project_id"])
    asking = asyncio.create_task(service.arrived(run))
    await asyncio.sleep(0)
    asking.cancel()
    assert (await service.arrived(run)).id == run


@pytest.mark.usefixtures("slow")
async def test_all_who_wait_are_told_what_keeps_it_from_starting(service: ExecutionService) -> None:
    run = begin(service, "bt1000000000000000")
    asking = asyncio.create_task(service.arrived(run))
    with pytest.raises(NotFoundError, match="There is no project"):
        async for page in service.events(run, idle=0.1):
            assert page == []
    with pytest.raises(NotFoundError, match="There is no project"):
        await asking
    with pytest.raises(NotFoundError, match="There is no execution"):
        service.get(run)
