"""Whole runs: cells, stored notebooks, stored cells, and every way in which they end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import Facts, store

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.errors import ConflictError, DataSphereError, ExpectedError, NotFoundError, UsageError
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import (
    Cell,
    CellEvent,
    Code,
    Event,
    Execution,
    ExecutionRequest,
    FailureEvent,
    Notebook,
    NoticeEvent,
    OutputEvent,
    Source,
    StatusEvent,
    VariableEvent,
)


class Ran:
    """What came of a run."""

    def __init__(self, execution: Execution, numbered: list[tuple[int, Event]]) -> None:
        self.execution = execution
        self.numbers = [number for number, _ in numbered]
        self.events = [event for _, event in numbered]
        self.states = [event.state for event in self.events if isinstance(event, StatusEvent)]
        self.variables = {e.name: e.value for e in self.events if isinstance(e, VariableEvent)}
        self.failures = [event for event in self.events if isinstance(event, FailureEvent)]
        self.notices = [event for event in self.events if isinstance(event, NoticeEvent)]
        self.outputs = [event for event in self.events if isinstance(event, OutputEvent)]

    @property
    def text(self) -> str:
        return "".join(o.content["text"] for o in self.outputs if o.message == "stream")


async def follow(service: ExecutionService, execution_id: str) -> Ran:
    numbered: list[tuple[int, Event]] = []
    async with asyncio.timeout(20):
        async for page in service.events(execution_id):
            numbered.extend((number, msgspec.json.decode(text, type=Event)) for number, text in page)
    return Ran(service.get(execution_id), numbered)


async def start(service: ExecutionService, source: Source | str, **rest: Any) -> Execution:
    if isinstance(source, str):
        source = Code(source=source)
    return await service.start(ExecutionRequest(source=source, **rest), project="demo-project")


async def run(service: ExecutionService, source: Source | str, **rest: Any) -> Ran:
    return await follow(service, (await start(service, source, **rest)).id)


async def test_a_cell_from_asking_to_its_end(service: ExecutionService) -> None:
    ran = await run(service, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7")
    assert ran.execution.state == "succeeded"
    assert ran.states == ["queued", "staged", "submitted", "running", "succeeded"]
    assert ran.numbers == list(range(1, len(ran.numbers) + 1))
    assert [(o.message, o.content.get("name")) for o in ran.outputs] == [
        ("stream", "stdout"),
        ("stream", "stderr"),
        ("execute_result", None),
    ]
    assert ran.outputs[2].content["data"]["text/plain"] == "42"
    assert ran.execution.units is not None and ran.execution.units >= 4
    assert ran.execution.project_name == "demo-project"


async def test_sessions_keep_their_variables_apart(service: ExecutionService) -> None:
    await run(service, Code(source="shared = 1", session="one"))
    assert (await run(service, Code(source="print(shared)", session="one"))).text == "1\n"
    other = await run(service, Code(source="print(shared)", session="two"))
    assert [failure.ename for failure in other.failures] == ["NameError"]
    assert other.execution.state == "failed"


async def test_variables_go_there_and_come_back(service: ExecutionService) -> None:
    ran = await run(
        service,
        "import os\ntotal = sum(rows)\nlabel = os.environ['label'] + '!'",
        inputs={"rows": [1, 2, 3.5], "label": "sum"},
        outputs=["total", "label"],
    )
    assert ran.variables == {"total": 6.5, "label": "sum!"}
    listed = await service.variables("demo-project", session="main", notebook=None, names=[])
    found = {variable.name: variable for variable in listed.variables}
    assert (found["total"].kind, found["total"].value) == ("float", 6.5)


async def test_a_large_variable_is_fetched_when_it_is_named(service: ExecutionService) -> None:
    await run(service, "large = list(range(100_000))\nopen_thing = object()")
    listed = await service.variables("demo-project", session="main", notebook=None, names=[])
    large = next(variable for variable in listed.variables if variable.name == "large")
    assert large.value is msgspec.UNSET
    named = await service.variables("demo-project", session="main", notebook=None, names=["large"])
    assert named.variables[0].value == list(range(100_000))
    with pytest.raises(ExpectedError, match="open_thing"):
        await service.variables("demo-project", session="main", notebook=None, names=["open_thing"])
    with pytest.raises(ExpectedError, match="nothing_of_that_name"):
        await service.variables("demo-project", session="main", notebook=None, names=["nothing_of_that_name"])


async def test_a_stored_notebook_cell_by_cell(service: ExecutionService, emulator: Facts) -> None:
    store(emulator, "stored.ipynb", "x = n * 2", "print(x)", "y = x + 1\ny")
    ran = await run(service, Notebook(path="stored.ipynb"), inputs={"n": 5}, outputs=["y"])
    assert ran.execution.state == "succeeded"
    assert [event.index for event in ran.events if isinstance(event, CellEvent)] == [0, 1, 2]
    assert [(output.cell, output.message) for output in ran.outputs] == [(1, "stream"), (2, "execute_result")]
    assert ran.variables == {"y": 11}
    listed = await service.variables("demo-project", session=None, notebook="stored.ipynb", names=["x", "y"])
    assert {variable.name: variable.value for variable in listed.variables} == {"x": 10, "y": 11}


@pytest.mark.parametrize("direct", [True, False])
async def test_a_notebook_stops_at_its_first_error(
    service: ExecutionService, emulator: Facts, direct: bool
) -> None:
    store(emulator, "stops.ipynb", "print('before')", "1 / 0", "print('never')")
    ran = await run(service, Notebook(path="stops.ipynb", direct=direct))
    assert ran.execution.state == "failed"
    assert ran.text == "before\n"
    assert [(failure.ename, failure.cell) for failure in ran.failures] == [("ZeroDivisionError", 1)]


async def test_a_notebook_and_a_cell_by_the_api_as_it_is(
    service: ExecutionService, client: Client, emulator: Facts
) -> None:
    store(emulator, "direct.ipynb", "import os\nprint(os.environ['name'])", "print('two')\nz = [1]")
    ran = await run(service, Notebook(path="direct.ipynb", direct=True), inputs={"name": "N"}, outputs=["z"])
    assert (ran.execution.state, ran.text, ran.variables) == ("succeeded", "N\ntwo\n", {"z": [1]})
    metadata = await client.notebook_metadata(
        emulator["project_id"], "/home/jupyter/datasphere/project/direct.ipynb"
    )
    ran = await run(service, Cell(cell_id=metadata.cell_ids[1]))
    assert (ran.execution.state, ran.text) == ("succeeded", "two\n")
    listed = await service.variables("demo-project", session=None, notebook="direct.ipynb", names=["z"])
    assert listed.variables[0].value == [1]


async def test_cancelling_what_runs_and_what_waits(service: ExecutionService) -> None:
    first = await start(service, "import time\nprint('begun')\ntime.sleep(60)")
    second = await start(service, "print('never')")
    await seen(service, first.id, "begun")
    assert service.get(second.id).state == "queued"
    service.cancel(second.id)
    ran = await follow(service, second.id)
    assert (ran.execution.state, ran.text) == ("cancelled", "")
    service.cancel(first.id)
    ran = await follow(service, first.id)
    assert (ran.execution.state, ran.text) == ("cancelled", "begun\n")
    assert service.cancel(first.id).state == "cancelled"  # again, harmless
    assert (await run(service, "print('usable')")).text == "usable\n"


async def seen(service: ExecutionService, execution_id: str, text: str) -> None:
    async with asyncio.timeout(20):
        async for page in service.events(execution_id):
            if any(text.encode() in event for _, event in page):
                return


async def test_what_waits_at_the_service_is_cancelled_without_harm_to_the_session(
    service: ExecutionService, client: Client, emulator: Facts, tmp_path: Path
) -> None:
    """Two servers of ours do not know of each other's runs: the second one's waits over there."""
    await run(service, "precious = 42")
    ledger = Ledger(tmp_path / "other")
    other = ExecutionService(ledger, client, ProjectFinder(client, organization=emulator["organization_id"]))
    running = await start(service, "import time\nprint('begun')\ntime.sleep(60)")
    await seen(service, running.id, "begun")
    waiting = await start(other, "print('never')")
    await seen(other, waiting.id, "submitted")
    other.cancel(waiting.id)
    ran = await follow(other, waiting.id)
    assert (ran.execution.state, ran.text, ran.notices) == ("cancelled", "", [])
    service.cancel(running.id)
    assert (await follow(service, running.id)).execution.state == "cancelled"
    assert (await run(service, "print(precious)")).text == "42\n"
    await other.close()
    ledger.close()


async def test_a_run_of_another_server_is_watched_from_here(
    service: ExecutionService, client: Client, emulator: Facts, tmp_path: Path
) -> None:
    running = await start(service, "import time\nprint('begun')\ntime.sleep(2)\nprint('ended')")
    ledger = Ledger(tmp_path / "ledger")
    other = ExecutionService(ledger, client, ProjectFinder(client, organization=emulator["organization_id"]))
    ran = await follow(other, running.id)
    assert (ran.execution.state, ran.text) == ("succeeded", "begun\nended\n")
    running = await start(service, "import time\nprint('begun')\ntime.sleep(60)")
    assert other.cancel(running.id).id == running.id
    assert (await follow(service, running.id)).execution.state == "cancelled"
    assert (await follow(other, running.id)).execution.state == "cancelled"
    await other.close()
    ledger.close()


async def test_a_run_whose_server_has_gone_is_taken_over_by_one_that_looks(
    client: Client, emulator: Facts, tmp_path: Path
) -> None:
    finder = ProjectFinder(client, organization=emulator["organization_id"])
    ledgers = [Ledger(tmp_path) for _ in range(2)]
    gone, here = (ExecutionService(ledger, client, finder) for ledger in ledgers)
    running = await start(gone, "import time\nprint('begun')\ntime.sleep(0.5)\nprint('ended')")
    await seen(gone, running.id, "begun")
    assert here.get(running.id).state == "running"
    assert here.running == 0
    await gone.close()
    ledgers[0].close()
    assert [one.id for one in here.search()] == [running.id]
    assert here.running == 1
    assert (await follow(here, running.id)).text == "begun\nended\n"
    await here.close()
    ledgers[1].close()


async def test_a_timeout_cancels(service: ExecutionService) -> None:
    ran = await run(service, "import time\ntime.sleep(60)", timeout=1.0)
    assert ran.execution.state == "cancelled"
    assert ran.execution.problem is not None and ran.execution.problem.code == "timeout"


async def test_an_interpreter_that_dies_ends_the_run_and_the_next_one_works(
    service: ExecutionService,
) -> None:
    ran = await run(service, "import os\nos._exit(3)")
    assert ran.execution.state == "failed"
    assert ran.execution.problem is not None and ran.execution.problem.code == "stopped"
    assert any("variables of all its sessions are gone" in event.text for event in ran.notices)
    assert (await run(service, "print('again')")).text == "again\n"


async def test_runs_of_one_runner_wait_for_each_other_in_order(service: ExecutionService) -> None:
    started = [await start(service, f"print({number})") for number in range(6)]
    ran = await asyncio.gather(*(follow(service, execution.id) for execution in started))
    assert [r.text for r in ran] == [f"{number}\n" for number in range(6)]
    ends = [r.execution.started_at for r in ran]
    assert ends == sorted(ends)  # type: ignore[type-var]


async def test_much_output_is_complete_and_in_order(service: ExecutionService) -> None:
    ran = await run(service, "for i in range(30_000): print(i)")
    assert ran.text == "".join(f"{i}\n" for i in range(30_000))


async def test_a_later_server_goes_on_where_this_one_stopped(
    emulator: Facts, client: Client, tmp_path: Path
) -> None:
    finder = ProjectFinder(client, organization=emulator["organization_id"])
    ledger = Ledger(tmp_path / "l")
    service = ExecutionService(ledger, client, finder)
    code = "import time\nfor i in range(20):\n    print(i)\n    time.sleep(0.05)"
    running = await start(service, code)
    waiting = await start(service, "print('after')")
    await seen(service, running.id, "3")
    await service.close()
    ledger.close()
    ledger = Ledger(tmp_path / "l")
    service = ExecutionService(ledger, client, finder)
    service.resume()
    ran = await follow(service, running.id)
    assert ran.text == "".join(f"{i}\n" for i in range(20))
    assert ran.numbers == list(range(1, len(ran.numbers) + 1))
    assert (await follow(service, waiting.id)).text == "after\n"
    await service.close()
    ledger.close()


@pytest.mark.parametrize(
    ("source", "rest", "error", "words"),
    [
        (Notebook(path="missing.ipynb"), {}, NotFoundError, "missing.ipynb"),
        (Notebook(path="../../etc/passwd"), {}, UsageError, "inside of the project"),
        (Notebook(path="missing.ipynb", direct=True), {}, NotFoundError, "missing.ipynb"),
        (Cell(cell_id="no-such-cell"), {}, NotFoundError, "no-such-cell"),
        (Code(source="1"), {"project": "demo-projct"}, NotFoundError, "demo-project"),
        (Code(source="1"), {"spec": "c9.9"}, UsageError, "c1.4"),
        (Code(source="1"), {"timeout": 0.0}, UsageError, "timeout"),
        (Code(source="1", session="a b"), {}, UsageError, "session"),
        (Code(source="1"), {"inputs": {"x": "y" * 1_200_000}}, UsageError, "1,048,576 bytes"),
    ],
)
async def test_mistakes_are_told_before_anything_is_written(
    service: ExecutionService,
    source: Source,
    rest: dict[str, Any],
    error: type[DataSphereError],
    words: str,
) -> None:
    with pytest.raises(error) as caught:
        await start(service, source, **rest)
    assert words in str(caught.value)
    assert service.search() == []


async def test_no_project_and_a_project_without_the_runner(
    service: ExecutionService, client: Client, emulator: Facts
) -> None:
    with pytest.raises(UsageError, match="%ds_project"):
        await service.start(ExecutionRequest(source=Code(source="1")), project=None)
    create = types.CreateProjectRequest(community_id=emulator["community_id"], name="without-runner")
    operation = await client.wait(await client.create_project(create))
    assert operation.metadata is not None
    with pytest.raises(NotFoundError, match="jupyter datasphere runner"):
        await start(service, "1", project=operation.metadata["projectId"])
    assert service.search() == []


async def test_a_run_that_was_cancelled_before_it_arrived_is_not_started(service: ExecutionService) -> None:
    request = ExecutionRequest(source=Code(source="print('too late')"))
    with pytest.raises(NotFoundError):
        service.cancel("fedcba9876543210")
    with pytest.raises(ConflictError, match="cancelled before"):
        await service.start(request, project="demo-project", execution_id="fedcba9876543210")
    assert service.search() == []


async def test_a_runner_that_was_taken_away_is_named(service: ExecutionService, emulator: Facts) -> None:
    await run(service, "1")
    path = Path(emulator["root"]) / "projects" / emulator["project_id"] / "jupyter_datasphere_runner.ipynb"
    away = path.rename(path.with_suffix(".away"))
    try:
        ran = await run(service, "1")
    finally:
        away.rename(path)
    assert ran.execution.problem is not None and ran.execution.problem.code == "no-runner"
    assert (await run(service, "print('back')")).text == "back\n"


async def test_an_id_of_the_callers_own(service: ExecutionService) -> None:
    request = ExecutionRequest(source=Code(source="1"))
    execution = await service.start(request, project="demo-project", execution_id="0123456789abcdef")
    assert execution.id == "0123456789abcdef"
    with pytest.raises(ConflictError):
        await service.start(request, project="demo-project", execution_id="0123456789abcdef")
    with pytest.raises(UsageError):
        await service.start(request, project="demo-project", execution_id="../../x")
    await follow(service, execution.id)
