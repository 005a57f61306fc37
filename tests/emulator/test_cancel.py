"""Cancelling: what runs is interrupted, what waits ends at once, what resists is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from emulator.api import Api, commands, eventually, ok, start_api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_running_cell_is_interrupted_and_its_interpreter_lives_on(api: Api) -> None:
    api.write("runs.ipynb", "x = 1\nimport time\nprint('on', flush=True)\ntime.sleep(60)", "print(x)")
    first, second = await api.cells("runs.ipynb")
    operation = await api.execute(cellId=first)
    await api.printed(first, "on")
    assert "done" not in await api.cancel(operation)
    assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"
    assert (await api.outputs(first))[-1]["ename"] == "KeyboardInterrupt"
    await api.run(cellId=second)
    assert await api.text(second) == "1\n"


async def test_a_cancel_right_after_the_start_reaches_the_cell(api: Api) -> None:
    api.write("at-once.ipynb", "x = 1", "import time; time.sleep(60)")
    first, second = await api.cells("at-once.ipynb")
    await api.run(cellId=first)
    for number in range(30):
        operation = await api.execute(cellId=second)
        await asyncio.sleep(number / 10_000)  # at another moment of its start each time
        await api.cancel(operation)
        assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"
    assert await api.variables("at-once.ipynb") == {"x": 1}  # it was not killed


async def test_a_cancel_before_the_cells_own_code_reaches_it(api: Api) -> None:
    """IPython swallows what interrupts its callbacks."""
    before = "x = 1\nimport time\ndef before(info):\n    print('on', flush=True)\n    time.sleep(0.5)"
    api.write(
        "before.ipynb", f"{before}\nget_ipython().events.register('pre_run_cell', before)", "time.sleep(60)"
    )
    first, second = await api.cells("before.ipynb")
    await api.run(cellId=first)
    operation = await api.execute(cellId=second)
    await api.printed(second, "on")
    await api.cancel(operation)
    assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"
    assert (await api.outputs(second))[-1]["ename"] == "KeyboardInterrupt"
    assert await api.variables("before.ipynb") == {"x": 1}  # it was not killed


async def test_a_cancel_is_noticed_where_the_signal_ended_no_call(api: Api) -> None:
    """As where it comes in the instant between Python's last look for signals and a call that blocks."""
    api.write(
        "unnoticed.ipynb",
        "x = 1\nimport signal, time\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\n"  # so that another thread takes it
        "print('on', flush=True)\ntime.sleep(60)",
    )
    [cell] = await api.cells("unnoticed.ipynb")
    operation = await api.execute(cellId=cell)
    await api.printed(cell, "on")
    await api.cancel(operation)
    assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"
    assert await api.variables("unnoticed.ipynb") == {"x": 1}  # it was not killed


async def test_no_further_cell_runs_after_a_cancel(api: Api) -> None:
    api.write(
        "cells.ipynb",
        "import time\nprint('on', flush=True)\ntry: time.sleep(60)\nexcept KeyboardInterrupt: pass",
        "print('never')",
    )
    first, second = await api.cells("cells.ipynb")
    operation = await api.execute(notebookId="cells.ipynb")
    await api.printed(first, "on")
    await api.cancel(operation)
    assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"
    assert await api.outputs(second) == []


async def test_a_cell_that_resists_is_killed(api: Api) -> None:
    api.write(
        "resists.ipynb",
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print('on', flush=True)\ntime.sleep(60)",
        "print('alive')",
    )
    first, second = await api.cells("resists.ipynb")
    operation = await api.execute(cellId=first)
    await api.printed(first, "on")
    await api.cancel(operation)
    assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"
    assert (await api.run(cellId=second))["executionStatus"] == "OK"
    assert await api.text(second) == "alive\n"


async def test_a_queued_execution_ends_at_once(api: Api) -> None:
    api.write("queued.ipynb", "import time\nprint('on', flush=True)\ntime.sleep(60)", "print('never')")
    first, second = await api.cells("queued.ipynb")
    running = await api.execute(cellId=first)
    await api.printed(first, "on")
    queued = await api.execute(cellId=second)
    answer = await api.cancel(queued)
    assert answer["done"] is True
    assert answer["response"]["executionStatus"] == "ABORTED"
    assert await api.outputs(second) == []
    assert "done" not in await api.operation(running)
    await api.cancel(running)
    await api.done(running)


async def test_an_ended_operation_stays_as_it_is(api: Api) -> None:
    api.write("ended.ipynb", "1")
    operation = await api.done(await api.execute(notebookId="ended.ipynb"))
    assert await api.cancel(operation) == operation


async def test_an_interrupt_reaches_what_a_cell_has_started(api: Api) -> None:
    api.write("child.ipynb", "!echo on; sleep 61")
    [cell] = await api.cells("child.ipynb")
    operation = await api.execute(cellId=cell)
    await api.printed(cell, "on")
    await api.cancel(operation)
    assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"

    async def gone() -> bool:
        return not any(command == "sleep 61" for command in commands())

    await eventually(gone)


async def test_a_cancel_during_the_start_of_an_interpreter(tmp_path: Path) -> None:
    async with start_api(tmp_path / "root", start_delay=30) as api:
        api.write("start.ipynb", "print('never')")
        [cell] = await api.cells("start.ipynb")
        operation = await api.execute(cellId=cell)
        ok(await api.http.post(f"/operations/{operation['id']}:cancel"))
        assert (await api.done(operation))["response"] == {
            "@type": "type.googleapis.com/yandex.cloud.datasphere.v2.ProjectExecutionResponse",
            "executionStatus": "ABORTED",
        }
        assert await api.outputs(cell) == []
