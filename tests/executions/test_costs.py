"""What a run may cost: what is refused before anything is sent, what ends a run, and what the service is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from support import Facts, SettableClock, client_for

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.errors import ExpectedError, UsageError
from jupyter_datasphere.executions.balances import Balances
from jupyter_datasphere.executions.runner.notebook import RUNNER_NAME, runner_notebook
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, Event, Execution, ExecutionRequest, Price, StatusEvent

SLEEP = "import time\nprint('begun')\ntime.sleep(60)"
SetBalance = Callable[[int | None], Awaitable[None]]


async def start(service: ExecutionService, source: str, project: str = "demo-project", **rest: Any) -> str:
    request = ExecutionRequest(source=Code(source=source), **rest)
    return (await service.start(request, project=project)).id


async def run(service: ExecutionService, source: str = "1", **rest: Any) -> Execution:
    ended = await service.finished(await start(service, source, **rest))
    while service.running:  # until the service has let go of it, and has taken its units
        await asyncio.sleep(0.01)
    return ended


async def price(service: ExecutionService, execution_id: str) -> Price | None:
    """What the first event says; no other says anything."""
    prices = []
    async for page in service.events(execution_id):
        events = [msgspec.json.decode(text, type=Event) for _, text in page]
        prices += [event.price for event in events if isinstance(event, StatusEvent)]
    assert not any(prices[1:])
    return prices[0]


@pytest_asyncio.fixture
async def set_balance(client: Client, emulator: Facts) -> AsyncIterator[SetBalance]:
    """Sets the balance of the demo project, which has none before and after."""

    async def set_balance(units: int | None) -> None:
        await client.wait(await client.set_unit_balance(emulator["project_id"], units))

    yield set_balance
    await set_balance(None)


@pytest_asyncio.fixture
async def control(emulator: Facts) -> AsyncIterator[httpx.AsyncClient]:
    """The emulator's control endpoint; no faults are left afterwards."""
    headers = {"Authorization": f"Bearer {emulator['control_token']}"}
    async with httpx.AsyncClient(headers=headers, base_url=f"{emulator['url']}/emulator") as control:
        yield control
        await control.put("/faults", content="[]")


async def asked(control: httpx.AsyncClient) -> int:
    """How often the service was asked for a balance by now."""
    return int((await control.get("/calls")).json().get("project.getUnitBalance", 0))


async def put_fault(control: httpx.AsyncClient, method: str, fault: dict[str, Any]) -> None:
    """Every call of that method meets it."""
    rules = [{"method": method, "rate": 1.0, "fault": fault}]
    (await control.put("/faults", content=json.dumps(rules))).raise_for_status()


async def test_a_run_is_cancelled_before_it_passes_its_units(service: ExecutionService) -> None:
    units = 12
    for _ in range(5):  # on a busy machine the cancellation may take longer than it is given
        ran = await run(service, SLEEP, max_units=9)  # two seconds of c1.4
        assert ran.state == "cancelled"
        assert ran.problem is not None
        assert (ran.problem.code, "9 units" in ran.problem.title) == ("max-units", True)
        assert ran.units is not None and ran.units >= 8
        units = min(units, ran.units)
        if units <= 9:
            break
    assert units == 8


async def test_what_is_too_expensive_is_refused_with_the_numbers(
    service: ExecutionService, client: Client, emulator: Facts
) -> None:
    with pytest.raises(UsageError, match=r"One second of g1.1 costs .* units; 3 do not pay for it"):
        await start(service, "1", spec="g1.1", max_units=3)
    project = await limited(client, emulator, "thrifty", max_units_per_hour=types.Int64(20_000))
    folder = Path(emulator["root"]) / "projects" / project
    folder.mkdir(exist_ok=True)
    (folder / RUNNER_NAME).write_bytes(runner_notebook())
    with pytest.raises(UsageError, match=r"c1\.8 spends 28,800 units an hour; thrifty allows 20,000"):
        await start(service, "1", project=project, spec="c1.8")
    assert service.search() == []


async def test_an_account_that_may_not_see_the_balance_asks_once_a_minute(
    emulator: dict[str, Any], control: httpx.AsyncClient
) -> None:
    accounts = {account["name"]: account for account in emulator["accounts"]}
    clock = SettableClock()
    developer = client_for({**emulator, **accounts["developer"]}, clock=clock)
    balances = Balances(developer)
    before = await asked(control)
    for seconds, calls in ((0, 1), (30, 1), (29, 1), (2, 2)):
        clock.sleep(seconds)
        assert await balances.of(emulator["project_id"], "c1.4") is None
        assert await asked(control) == before + calls
    await developer.transport.aclose()


async def test_a_run_that_the_balance_does_not_pay_for_is_refused_until_it_does(
    service: ExecutionService, set_balance: SetBalance
) -> None:
    await set_balance(3)
    with pytest.raises(
        ExpectedError,
        match=r"One second of c1.4 costs 4 units; demo-project has 3 left. .* raise its balance.$",
    ) as refused:
        await start(service, "1")
    assert (refused.value.code, refused.value.http_status) == ("balance-spent", 402)
    await set_balance(-7)
    with pytest.raises(ExpectedError, match=r"demo-project has -7 left"):
        await start(service, "1")
    await set_balance(20)
    with pytest.raises(ExpectedError, match=r"g1.1 costs 72 .* has 20 left. .* or choose a smaller spec"):
        await start(service, "1", spec="g1.1")
    assert service.search() == []
    assert (await run(service)).state == "succeeded"


async def test_a_balance_that_is_used_up_meanwhile_ends_the_run(
    service: ExecutionService, set_balance: SetBalance
) -> None:
    await set_balance(8)
    ran = await run(service, SLEEP)
    assert ran.state == "failed"
    assert ran.problem is not None and "balance is used up" in ran.problem.title


async def test_an_interrupted_run_ends_although_its_operation_does_not_say_why(
    service: ExecutionService, control: httpx.AsyncClient
) -> None:
    execution_id = await start(service, SLEEP)
    while service.get(execution_id).state != "running":
        await asyncio.sleep(0.01)
    await put_fault(control, "operation.get", {"status": 503})
    service.cancel(execution_id)
    assert (await service.finished(execution_id)).state == "cancelled"


async def test_a_balance_is_asked_for_once_a_minute_unless_it_is_low(
    service: ExecutionService, set_balance: SetBalance, control: httpx.AsyncClient
) -> None:
    before = await asked(control)
    for _ in range(3):
        await run(service)
    assert await asked(control) == before + 1
    await set_balance(1000)  # a minute of c1.8 costs 480
    await run(service)
    assert await asked(control) == before + 1


async def test_runs_that_start_together_ask_together(
    service: ExecutionService, set_balance: SetBalance, control: httpx.AsyncClient
) -> None:
    await set_balance(200)  # low
    await run(service)
    before = await asked(control)
    ended = await asyncio.gather(*(run(service) for _ in range(10)))
    assert {one.state for one in ended} == {"succeeded"}
    assert await asked(control) == before + 1


async def test_a_low_balance_is_asked_for_before_each_run(
    service: ExecutionService, set_balance: SetBalance, control: httpx.AsyncClient
) -> None:
    await set_balance(300)
    before = await asked(control)
    await run(service)
    await run(service)  # a minute of c1.4 costs 240
    assert await asked(control) == before + 1
    await set_balance(230)
    first = await price(service, (await run(service, spec="c1.8")).id)
    second = await price(service, (await run(service)).id)
    assert await asked(control) == before + 3
    assert (first, second) == (Price(8, balance=230), Price(4, balance=222))


@pytest.mark.parametrize("fault", [{"status": 503}, {"delay": 60}, {"cut": "before"}], ids=str)
async def test_a_balance_that_the_service_does_not_tell_keeps_no_run_from_starting(
    service: ExecutionService, set_balance: SetBalance, control: httpx.AsyncClient, fault: dict[str, Any]
) -> None:
    await set_balance(1000)
    await put_fault(control, "project.getUnitBalance", fault)
    before = await asked(control)
    ran = await run(service)
    assert (ran.state, await price(service, ran.id)) == ("succeeded", Price(4))
    tried = await asked(control)
    assert tried > before
    assert (await run(service)).state == "succeeded"
    assert await asked(control) == tried  # nor does it keep each run for a while


async def test_the_price_names_what_ends_the_run(
    service: ExecutionService, client: Client, emulator: Facts, set_balance: SetBalance
) -> None:
    await set_balance(100_000)
    ran = await run(service, spec="g1.1", max_units=500)
    assert await price(service, ran.id) == Price(72, at_most=500, balance=100_000)
    project = await limited(client, emulator, "bounded", max_units_per_execution=types.Int64(400))
    (Path(emulator["root"]) / "projects" / project / RUNNER_NAME).write_bytes(runner_notebook())
    for max_units, at_most in ((None, 400), (500, 400), (300, 300)):
        ran = await run(service, project=project, max_units=max_units)
        assert await price(service, ran.id) == Price(4, at_most=at_most)


async def limited(client: Client, emulator: Facts, name: str, **limits: types.Int64) -> str:
    """The ID of a new project with such limits."""
    create = types.CreateProjectRequest(
        community_id=emulator["community_id"], name=name, limits=types.ProjectLimits(**limits)
    )
    operation = await client.wait(await client.create_project(create))
    assert operation.metadata is not None
    return str(operation.metadata["projectId"])
