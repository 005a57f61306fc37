"""Units: whole seconds rounded up, a balance that falls while something runs, and the two limits."""

from __future__ import annotations

import pytest
from emulator.api import Api, eventually, ok, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLEEP = "import time\nprint('on', flush=True)\ntime.sleep(60)"


async def test_a_begun_second_is_charged_whole(api: Api) -> None:
    project = await api.in_new_project()
    project.write("warm.ipynb", "1")
    project.write("short.ipynb", "1")
    project.write("longer.ipynb", "import time; time.sleep(1.1)")
    await project.set_balance(1000)
    await project.run(notebookId="short.ipynb")
    assert await project.balance() == 1000 - 4
    await project.run(notebookId="longer.ipynb", spec="c1.8")
    assert await project.balance() == 1000 - 4 - 2 * 8


async def test_the_balance_falls_while_something_runs(api: Api) -> None:
    project = await api.in_new_project()
    project.write("sleep.ipynb", SLEEP)
    await project.set_balance(10_000)
    operation = await project.execute(notebookId="sleep.ipynb", spec="g2.8")

    async def fallen() -> bool:
        return await project.balance() == 10_000 - 928

    await eventually(fallen)
    assert "done" not in await project.operation(operation)
    await project.cancel(operation)
    await project.done(operation)


async def test_an_exhausted_balance_stops_everything_and_refuses_starts(api: Api) -> None:
    project = await api.in_new_project()
    for name in ("a.ipynb", "b.ipynb", "free.ipynb"):
        project.write(name, SLEEP)
    await project.set_balance(8)
    operations = [await project.execute(notebookId=name) for name in ("a.ipynb", "b.ipynb", "b.ipynb")]
    for operation in operations:
        ended = await project.done(operation)
        assert ended["error"]["code"] == 8
        assert "balance" in ended["error"]["message"]
        assert "response" not in ended
    left = await project.balance()
    assert left is not None
    assert left <= 0
    response = await project.http.post(f"{project.project}:execute", json={"notebookId": "a.ipynb"})
    refused(response, 400, 9, "balance")
    await project.set_balance(None)
    operation = await project.execute(notebookId="a.ipynb")
    await project.cancel(operation)
    await project.done(operation)


async def test_a_balance_set_to_nothing_stops_at_once(api: Api) -> None:
    project = await api.in_new_project()
    project.write("sleep.ipynb", SLEEP)
    [cell] = await project.cells("sleep.ipynb")
    operation = await project.execute(notebookId="sleep.ipynb")
    await project.printed(cell, "on")
    await project.set_balance(-5)
    assert (await project.done(operation))["error"]["code"] == 8


async def test_a_configuration_beyond_the_hourly_limit_does_not_start(api: Api) -> None:
    project = await api.in_new_project(limits={"maxUnitsPerHour": str(4 * 3600)})
    project.write("one.ipynb", "1")
    assert (await project.run(notebookId="one.ipynb"))["executionStatus"] == "OK"
    body = {"notebookId": "one.ipynb", "spec": "c1.8"}
    refused(await project.http.post(f"{project.project}:execute", json=body), 400, 9, "28800", "14400")


async def test_an_execution_beyond_its_limit_is_stopped(api: Api) -> None:
    project = await api.in_new_project(limits={"maxUnitsPerExecution": 72})
    project.write("sleep.ipynb", SLEEP)
    ended = await project.done(await project.execute(notebookId="sleep.ipynb", spec="g1.1"))
    assert ended["error"]["code"] == 8
    assert "72" in ended["error"]["message"]


async def test_balances_are_set_by_string_or_number_and_taken_away(api: Api) -> None:
    project = await api.in_new_project()
    for value in ("5", 5):
        answer = ok(await api.http.post(f"{project.project}:unitBalance", json={"unitBalance": value}))
        assert answer["metadata"]["projectId"] == project.project_id
        assert ok(await api.http.get(f"{project.project}:unitBalance")) == {"unitBalance": "5"}
    await project.set_balance(None)
    assert await project.balance() is None
