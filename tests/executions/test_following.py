"""How often the service is asked: by the silence of a run, and not by how many watch it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest_asyncio
from support import Facts

from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, ExecutionRequest

SESSION = "following"
Calls = Callable[[], Awaitable[int]]


@pytest_asyncio.fixture
async def calls(emulator: Facts) -> Calls:
    """How many calls the emulator has had so far."""
    headers = {"Authorization": f"Bearer {emulator['control_token']}"}

    async def count() -> int:
        async with httpx.AsyncClient(headers=headers) as client:
            counts: dict[str, int] = (await client.get(f"{emulator['url']}/emulator/calls")).json()
        return sum(counts.values())

    return count


async def cost(service: ExecutionService, calls: Calls, facts: Facts, code: str, watchers: int = 1) -> int:
    """Calls that a run of this code takes, with so many watchers, once everything is warm."""
    request = ExecutionRequest(source=Code(source=code, session=SESSION))
    warm = await service.start(
        ExecutionRequest(source=Code(source="", session=SESSION)), project=facts["project_id"]
    )
    await service.finished(warm.id)
    await idle(service)
    before = await calls()
    execution = await service.start(request, project=facts["project_id"])
    ended = await asyncio.gather(*(service.finished(execution.id) for _ in range(watchers)))
    assert {one.state for one in ended} == {"succeeded"}
    await idle(service)
    return await calls() - before


async def idle(service: ExecutionService) -> None:
    """Until the service has let go of the last run."""
    while service.running:
        await asyncio.sleep(0.01)


async def test_watchers_cost_no_call(service: ExecutionService, calls: Calls, emulator: Facts) -> None:
    code = "import time\nfor number in range(5):\n    print(number)\n    time.sleep(0.2)"
    alone = await cost(service, calls, emulator, code)
    watched = await cost(service, calls, emulator, code, watchers=100)
    assert watched <= alone * 1.3 + 5


async def test_calls_grow_with_the_logarithm_of_the_silence(
    service: ExecutionService, calls: Calls, emulator: Facts
) -> None:
    """Each doubling adds 8 looks of two calls; asked every 50 ms it would be twice as many again each time."""
    one, two, four = [
        await cost(service, calls, emulator, f"import time; time.sleep({seconds})") for seconds in (1, 2, 4)
    ]
    assert one < 100
    assert two - one <= 30
    assert four - two <= 30


async def test_nothing_is_asked_at_rest(service: ExecutionService, calls: Calls, emulator: Facts) -> None:
    await cost(service, calls, emulator, "1")
    before = await calls()
    await asyncio.sleep(1.0)  # the time that is looked at, not a wait for something
    assert await calls() == before
