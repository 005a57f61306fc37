"""What every channel promises, tried on each; where they differ, the difference is what is asked for."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import pytest_asyncio
from executions.test_service import Ran, follow, run, seen, start
from executions.ways import CHANNELS, Way, open_way
from support import store

from jupyter_datasphere.errors import ExpectedError, UsageError
from jupyter_datasphere.executions.channels.base import Run
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.executions.session_history import BEGINS_ANEW
from jupyter_datasphere.protocol import (
    CellEvent,
    Code,
    ExecutionRequest,
    Notebook,
    NotebookEvent,
    NoticeEvent,
    StatusEvent,
)

WAIT_FOR = "import time, pathlib\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.01)\n"


@pytest.fixture(scope="module", params=CHANNELS)
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    with open_way(request.param, tmp_path_factory.mktemp(request.param) / "root") as way:
        yield way


@pytest_asyncio.fixture
async def service(way: Way, tmp_path: Path) -> AsyncIterator[ExecutionService]:
    async with way.service(tmp_path / "ledger") as service:
        yield service


@asynccontextmanager
async def flag(way: Way, name: str) -> AsyncIterator[Path]:
    """A file for which code over there waits, gone afterwards."""
    path = way.storage / name
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


async def test_a_cell_from_asking_to_its_end(way: Way, service: ExecutionService) -> None:
    ran = await run(service, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7")
    assert (ran.execution.state, ran.execution.channel) == ("succeeded", way.channel)
    assert ran.states == ["queued", "staged", "submitted", "running", "succeeded"]
    assert ran.numbers == list(range(1, len(ran.numbers) + 1))
    assert [(o.message, o.content.get("name"), o.content.get("text")) for o in ran.outputs] == [
        ("stream", "stdout", "out\n"),
        ("stream", "stderr", "err\n"),
        ("execute_result", None, None),
    ]
    assert ran.outputs[2].content["data"]["text/plain"] == "42"


async def test_output_is_seen_while_the_code_goes_on(way: Way, service: ExecutionService) -> None:
    async with flag(way, "go") as go:
        execution = await start(service, "print('first')\n" + WAIT_FOR.format("go") + "print('second')")
        await seen(service, execution.id, "first")
        assert service.get(execution.id).state == "running"
        go.touch()
        assert (await follow(service, execution.id)).text == "first\nsecond\n"


async def test_rich_output_comes_whole(service: ExecutionService) -> None:
    code = (
        "from IPython.display import HTML, display, update_display\n"
        "display(HTML('<b>' + 'x' * 300_000 + '</b>'), display_id='d')\n"
        "update_display(HTML('<i>new</i>'), display_id='d')\n"
        "display({'image/png': 'aGVsbG8='}, raw=True)"
    )
    ran = await run(service, code)
    assert [output.message for output in ran.outputs] == [
        "display_data",
        "update_display_data",
        "display_data",
    ]
    assert ran.outputs[0].content["data"]["text/html"] == "<b>" + "x" * 300_000 + "</b>"
    assert ran.outputs[1].content["transient"] == {"display_id": "d"}
    assert ran.outputs[2].content["data"]["image/png"].strip() == "aGVsbG8="


async def test_an_error_comes_with_its_traceback(service: ExecutionService) -> None:
    ran = await run(service, "def inner():\n    return 1 / 0\ninner()")
    assert ran.execution.state == "failed"
    [failure] = ran.failures
    assert failure.ename == "ZeroDivisionError"
    assert "inner" in "".join(failure.traceback)
    assert "jupyter_datasphere" not in "".join(failure.traceback)


async def test_variables_go_there_and_come_back(service: ExecutionService) -> None:
    code = "total = sum(rows)\nlarge = list(range(100_000))"
    ran = await run(service, Code(code, session="values"), inputs={"rows": [1, 2, 3.5]}, outputs=["total"])
    assert ran.variables == {"total": 6.5}

    async def found(session: str, *names: str) -> dict[str, object]:
        answer = await service.variables("demo-project", session=session, notebook=None, names=list(names))
        return {variable.name: variable.value for variable in answer.variables}

    assert (await found("values"))["total"] == 6.5
    assert await found("values", "large", "total") == {"large": list(range(100_000)), "total": 6.5}
    assert await found("never") == {}
    with pytest.raises(ExpectedError, match="nothing_of_that_name"):
        await found("values", "nothing_of_that_name")


async def test_a_session_lasts_and_is_apart_from_others(way: Way, tmp_path: Path) -> None:
    async with way.service(tmp_path / "one") as service:
        await run(service, Code("shared = [1]\ndef more(): return shared", session="a"))
        other = await run(service, Code("print('shared' in globals())", session="b"))
        assert other.text == "False\n"
    async with way.service(tmp_path / "two") as service:
        ran = await run(service, Code("shared.append(2)\nprint(more())", session="a"))
        assert ran.text == "[1, 2]\n"


async def test_a_stored_notebook_cell_by_cell(way: Way, service: ExecutionService) -> None:
    store(way.facts, "stored.ipynb", "x = n * 2", "print(x)", "y = x + 1\ny")
    ran = await run(service, Notebook(path="stored.ipynb"), inputs={"n": 5}, outputs=["y"])
    assert ran.execution.state == "succeeded"
    [told] = [event for event in ran.events if isinstance(event, NotebookEvent)]
    assert [cell["source"] for cell in told.content["cells"]] == ["x = n * 2", "print(x)", "y = x + 1\ny"]
    assert [event.index for event in ran.events if isinstance(event, CellEvent)] == [0, 1, 2]
    assert [(output.message, output.cell) for output in ran.outputs] == [("stream", 1), ("execute_result", 2)]
    assert ran.variables == {"y": 11}


async def test_a_notebook_that_is_not_there_is_refused(way: Way, service: ExecutionService) -> None:
    with pytest.raises(ExpectedError, match=r"no notebook 'nowhere\.ipynb'"):
        await start(service, Notebook(path="nowhere.ipynb"))
    assert service.search() == []


async def test_a_notebook_in_another_language_is_refused(way: Way, service: ExecutionService) -> None:
    content = {"cells": [{"cell_type": "code", "metadata": {}, "source": "cat('hi')"}], "nbformat": 4}
    (way.storage / "r.ipynb").write_text(json.dumps(content | {"metadata": {"language_info": {"name": "R"}}}))
    ran = await run(service, Notebook(path="r.ipynb"))
    assert (ran.execution.state, ran.text) == ("failed", "")
    assert "r.ipynb is written in R, and here Python is run" in ran.failures[0].evalue


async def test_a_thread_that_goes_on_is_named(way: Way, service: ExecutionService) -> None:
    code = (
        "import threading, time\nbegun = time.monotonic()\n"
        "def late():\n    while time.monotonic() < begun + 1: time.sleep(0.01)\n"
        "threading.Thread(target=late, name='the late one').start()"
    )
    ran = await run(service, Code(code, session="threads"))
    [notice] = [event.text for event in ran.events if isinstance(event, NoticeEvent)]
    assert "still on when the run ended: the late one. " in notice
    assert ("what they write from now on is lost" in notice) == (way.channel == "files")
    assert ("is shown with the next run" in notice) == (way.channel != "files")


async def test_several_at_once(way: Way, service: ExecutionService) -> None:
    """Two sessions, of which the first cannot end before the second has begun."""
    async with flag(way, "met") as met:
        first = await start(service, Code(WAIT_FOR.format("met") + "print('met')", session="c"))
        second = await start(service, Code("open('met', 'w').close()", session="d"))
        if way.channel == "state":  # one runner notebook, and so one after the other
            assert service.get(second.id).state == "queued"
            met.touch()
        assert (await follow(service, first.id)).text == "met\n"
        await follow(service, second.id)


async def test_runs_of_one_session_wait_for_each_other(way: Way, service: ExecutionService) -> None:
    async with flag(way, "next") as go_on:
        first = await start(service, WAIT_FOR.format("next") + "order = ['first']")
        second = await start(service, "order.append('second'); print(order)")
        await seen(service, first.id, '"running"')
        assert service.get(second.id).state == "queued"
        go_on.touch()
        assert (await follow(service, second.id)).text == "['first', 'second']\n"


async def test_what_is_sent_twice_runs_once(way: Way, service: ExecutionService) -> None:
    count = way.storage / "count"
    code = f"with open('count', 'a') as file: file.write('x')\nprint('ran')\n{WAIT_FOR.format('sent')}"
    async with flag(way, "sent") as sent, flag(way, "count"):
        execution = await start(service, code)
        await seen(service, execution.id, "ran")
        request = ExecutionRequest(source=Code(code))
        key = service_key(service, execution.id)
        channel = (await service.choices.choose(way.project_id, way.channel)).channel
        again = await channel.submit(Run(service.get(execution.id), request, key))
        assert again.operation_id == service.get(execution.id).operation_id
        sent.touch()
        assert (await follow(service, execution.id)).execution.state == "succeeded"
        assert (await run(service, "print('after')")).text == "after\n"
        assert count.read_text() == "x"


def service_key(service: ExecutionService, execution_id: str) -> str:
    """The key under which a run was sent, as the ledger has it."""
    return service._ledger.run(execution_id).idempotency_key


async def test_who_joins_late_gets_every_output(way: Way, tmp_path: Path) -> None:
    """A process ends while the code prints on, and another one takes over when all is printed."""
    code = "print('begun')\n" + WAIT_FOR.format("unwatched")
    code += "for number in range(3000): print(number, 'x' * 50)\nopen('printed', 'w').close()\n"
    async with flag(way, "unwatched") as unwatched, flag(way, "printed") as printed:
        async with way.service(tmp_path / "ledger") as service:
            execution = await start(service, code + WAIT_FOR.format("joined"))
            await seen(service, execution.id, "begun")
        unwatched.touch()
        async with asyncio.timeout(20):
            while not printed.exists():
                await asyncio.sleep(0.01)
        async with flag(way, "joined") as joined, way.service(tmp_path / "ledger") as service:
            joined.touch()
            ran = await follow(service, execution.id)
    assert ran.execution.state == "succeeded"
    assert ran.text == "begun\n" + "".join(f"{number} {'x' * 50}\n" for number in range(3000))
    assert ran.numbers == list(range(1, len(ran.numbers) + 1))


async def test_a_run_that_ended_unwatched_is_joined(way: Way, tmp_path: Path) -> None:
    async with flag(way, "over") as over:
        async with way.service(tmp_path / "ledger") as service:
            execution = await start(service, "print('all of it')\nopen('over', 'w').close()")
            await seen(service, execution.id, '"submitted"')
        async with asyncio.timeout(20):
            while not over.exists():
                await asyncio.sleep(0.01)
    async with way.service(tmp_path / "ledger") as service:
        ran = await follow(service, execution.id)
    assert (ran.execution.state, ran.text) == ("succeeded", "all of it\n")


async def test_a_cancel_ends_the_run_and_spares_the_session(service: ExecutionService) -> None:
    await run(service, Code("precious = 1", session="e"))
    execution = await start(service, Code("print('on')\nimport time\ntime.sleep(60)", session="e"))
    await seen(service, execution.id, "on\\n")
    service.cancel(execution.id)
    ran = await follow(service, execution.id)
    assert (ran.execution.state, ran.text) == ("cancelled", "on\n")
    assert (await run(service, Code("print(precious)", session="e"))).text == "1\n"


async def test_a_timeout_cancels(service: ExecutionService) -> None:
    ran = await run(service, "import time\ntime.sleep(60)", timeout=1)
    assert ran.execution.state == "cancelled"
    assert ran.execution.problem is not None
    assert ran.execution.problem.code == "timeout"


async def test_an_interpreter_that_dies_is_told(way: Way, service: ExecutionService) -> None:
    ran = await run(service, Code("import os\nprint('before', flush=True)\nos._exit(7)", session="f"))
    assert ran.execution.state in ("failed", "lost")
    assert ran.execution.problem is not None
    assert ran.execution.problem.hint is not None
    assert (await run(service, Code("print('again')", session="f"))).text == "again\n"


async def test_units(way: Way, service: ExecutionService) -> None:
    if way.channel == "jupyter":  # the machine runs whether or not anything is executed
        assert (await run(service, "1")).execution.units is None
        with pytest.raises(UsageError, match="not known on the channel jupyter"):
            await start(service, "1", max_units=1000)
        return
    ran = await run(service, "1", max_units=1000)
    assert ran.execution.units is not None
    assert ran.execution.units >= 4
    first = ran.events[0]
    assert isinstance(first, StatusEvent)
    assert first.price is not None
    assert (first.price.each_second, first.price.at_most) == (4, 1000)
    stopped = await run(service, "import time\ntime.sleep(60)", max_units=4)
    assert stopped.execution.problem is not None
    assert stopped.execution.problem.code == "max-units"


async def test_what_was_said_of_a_run_is_its_own(service: ExecutionService) -> None:
    """Runs of several sessions at once: no line of one is in another."""
    runs = [
        await start(service, Code(f"for n in range(200): print({i}, n)", session=f"s{i}")) for i in range(3)
    ]
    ran: list[Ran] = await asyncio.gather(*(follow(service, one.id) for one in runs))
    for i, one in enumerate(ran):
        assert one.text == "".join(f"{i} {n}\n" for n in range(200))


async def test_a_session_that_begins_anew_says_so(way: Way, tmp_path: Path) -> None:
    async with way.service(tmp_path / "ledger") as service:
        first = await run(service, Code("x = 1", session="g"))
        assert first.notices == []
        again = await run(service, Code("import os\nprint(x, os.getpid())", session="g"))
        assert again.notices == []
        with suppress(ProcessLookupError):  # where each run has an interpreter of its own
            os.kill(int(again.text.split()[1]), signal.SIGKILL)
    async with way.service(tmp_path / "ledger") as service:
        async with asyncio.timeout(20):
            while True:  # a run that comes before anybody has noticed the death dies of it
                after = await run(service, Code("print('x' in globals())", session="g"))
                if after.execution.state == "succeeded":
                    break
        if way.channel == "files":  # whose variables are in a file
            assert (after.text, after.notices) == ("True\n", [])
        else:
            assert after.text == "False\n"
            assert [notice.text for notice in after.notices] == [BEGINS_ANEW]
        assert (await run(service, Code("1", session="new"))).notices == []
