"""How often the service is asked: by the silence of a run, and not by how many watch it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from executions.lives import text
from support import Facts

from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.executions.channels.state import PIECE
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, Event, ExecutionRequest, OutputEvent

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
    """Each doubling adds 8 looks of two calls to some sixty; asked every 50 ms it would double them."""
    assert [
        await cost(service, calls, emulator, f"import time; time.sleep({seconds})") < most
        for seconds, most in ((1, 100), (2, 115), (4, 130))
    ] == [True] * 3


async def test_nothing_is_asked_at_rest(service: ExecutionService, calls: Calls, emulator: Facts) -> None:
    await cost(service, calls, emulator, "1")
    before = await calls()
    await asyncio.sleep(1.0)  # the time that is looked at, not a wait for something
    assert await calls() == before


class CountingLedger(Ledger):
    """The ledger, noting how many bytes of text were written in one go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pieces: list[int] = []

    def append(self, execution_id: str, events: Sequence[Event], source_cursor: int | None = None) -> None:
        self.pieces.append(sum(len(e.content["text"]) for e in events if isinstance(e, OutputEvent)))
        super().append(execution_id, events, source_cursor)


@pytest_asyncio.fixture
async def flooded(client: Client, tmp_path: Path) -> AsyncIterator[tuple[ExecutionService, CountingLedger]]:
    ledger = CountingLedger(tmp_path / "flooded")
    service = ExecutionService(ledger, client, ProjectFinder(client))
    yield service, ledger
    await service.close()
    ledger.close()


async def printed(service: ExecutionService, ledger: Ledger, facts: Facts, code: str) -> str:
    """What code prints, as the ledger has it."""
    request = ExecutionRequest(source=Code(source=code, session=SESSION))
    execution = await service.start(request, project=facts["project_id"])
    assert (await service.finished(execution.id)).state == "succeeded"
    return text(ledger, execution.id)


async def test_a_flood_is_written_in_pieces(
    flooded: tuple[ExecutionService, CountingLedger], emulator: Facts
) -> None:
    """However much one answer holds, everything else goes on between two pieces of it."""
    line, lines = "x" * 999 + "\n", 20_000
    slow = [{"method": "project.cellOutputs", "rate": 1, "fault": {"delay": 0.5}}]  # then there is much in it
    headers = {"Authorization": f"Bearer {emulator['control_token']}"}
    async with httpx.AsyncClient(headers=headers, base_url=emulator["url"]) as control:
        (await control.put("/emulator/faults", content=json.dumps(slow))).raise_for_status()
        try:
            found = await printed(*flooded, emulator, f"for _ in range({lines}): print({line[:-1]!r})")
        finally:
            await control.put("/emulator/faults", content="[]")
    assert found == line * lines
    assert max(flooded[1].pieces) <= PIECE + 64 * 1024


async def test_what_was_missed_is_asked_for(
    flooded: tuple[ExecutionService, CountingLedger],
    emulator: Facts,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The service's clock is first taken to be ahead of where it is: what comes next is not in the answers."""
    clock = client.transport.clock
    earliest, ahead = clock.earliest, iter([0.5] * 20)
    monkeypatch.setattr(clock, "earliest", lambda moment: earliest(moment) + next(ahead, 0.0))
    code = "import time\nfor number in range(20):\n    print(number, flush=True)\n    time.sleep(0.1)"
    assert await printed(*flooded, emulator, code) == "".join(f"{number}\n" for number in range(20))
    assert sum(size > 0 for size in flooded[1].pieces) > 1  # and not all of it at the end
