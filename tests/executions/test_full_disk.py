"""A disk that takes no more: nothing is started that could be lost, and what runs waits and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from support import Facts

from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.errors import StorageError
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, Event, ExecutionRequest, NoticeEvent, OutputEvent

SESSION = "full-disk"


class Disk:
    """Makes SQLite find the disk full, by a limit of its own."""

    def __init__(self, ledger: Ledger) -> None:
        (self._file,) = ledger._owned

    def fill(self) -> None:
        (pages,) = self._file._db.execute("PRAGMA page_count").fetchone()
        self._file._db.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    def empty(self) -> None:
        self._file._db.execute("PRAGMA max_page_count = 1000000").fetchone()


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger")
    yield ledger
    ledger.close()


@pytest_asyncio.fixture
async def service(ledger: Ledger, emulator: Facts, client: Client) -> AsyncIterator[ExecutionService]:
    finder = ProjectFinder(client, organization=emulator["organization_id"])
    service = ExecutionService(ledger, client, finder)
    yield service
    await service.close()


def request(source: str) -> ExecutionRequest:
    return ExecutionRequest(source=Code(source=source, session=SESSION))


async def test_nothing_is_started_on_a_full_disk(
    service: ExecutionService, ledger: Ledger, emulator: Facts
) -> None:
    disk = Disk(ledger)
    disk.fill()
    with pytest.raises(StorageError, match=r"cannot be written .*full.* Free some space"):
        # Large enough for a page of its own.
        await service.start(request("#" * 20_000), project=emulator["project_id"])
    assert service.search() == []
    assert service.running == 0
    problem = service.usage.problem
    assert problem is not None and "full" in problem
    disk.empty()
    execution = await service.start(request("1"), project=emulator["project_id"])
    assert (await service.finished(execution.id)).state == "succeeded"
    assert service.usage.problem is None


async def test_a_run_waits_for_space_and_loses_nothing(
    service: ExecutionService, ledger: Ledger, emulator: Facts
) -> None:
    go = Path(emulator["root"]) / "projects" / emulator["project_id"] / "full-disk-go"
    source = (
        "import pathlib, time\nprint('begun')\nwhile not pathlib.Path('full-disk-go').exists(): time.sleep(0.01)\n"
        "for number in range(20_000): print(number)"
    )
    execution = await service.start(request(source), project=emulator["project_id"])
    disk = Disk(ledger)
    events: list[Event] = []
    async with asyncio.timeout(30):
        async for page in service.events(execution.id):
            events += [msgspec.json.decode(text, type=Event) for _, text in page]
            if not go.exists() and "begun\n" in text_of(events):
                disk.fill()
                go.touch()
                while service.usage.problem is None:  # nobody tells, as on a real disk
                    await asyncio.sleep(0.01)
                assert service.get(execution.id).state == "running"
                disk.empty()
    go.unlink()
    assert service.get(execution.id).state == "succeeded"
    assert text_of(events) == "begun\n" + "".join(f"{number}\n" for number in range(20_000))
    notices = [event.text for event in events if isinstance(event, NoticeEvent)]
    assert notices == ["The disk with the ledger was full for a while; nothing was lost."]


@pytest.mark.parametrize(
    ("guard", "code"),
    [({"max_units": 8}, "max-units"), ({"timeout": 4.0}, "timeout")],
    ids=["units", "timeout"],
)
async def test_what_ends_a_run_does_so_although_its_begin_could_not_be_written(
    service: ExecutionService,
    ledger: Ledger,
    emulator: Facts,
    client: Client,
    tmp_path: Path,
    guard: dict[str, Any],
    code: str,
) -> None:
    with closing(Ledger(tmp_path / "other")) as other_ledger:
        # Of another server, so that ours does not know why its own run has to wait over there.
        other = ExecutionService(other_ledger, client, ProjectFinder(client))
        go = tmp_path / "go"
        wait = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)"
        first = await other.start(request(wait), project=emulator["project_id"])
        while other.get(first.id).state != "running":
            await asyncio.sleep(0.01)
        source = "import time\nprint('x' * 200_000)\ntime.sleep(60)"
        asked = msgspec.structs.replace(request(source), **guard)
        execution = await service.start(asked, project=emulator["project_id"])
        while service.get(execution.id).state != "submitted":
            await asyncio.sleep(0.01)
        await asyncio.sleep(2)  # now it is asked so seldom that its begin and its output come as one
        disk = Disk(ledger)
        disk.fill()
        go.touch()
        while service.usage.problem is None:
            await asyncio.sleep(0.01)
        disk.empty()
        async with asyncio.timeout(30):
            ended = await service.finished(execution.id)
        await other.close()
    assert ended.problem is not None
    assert (ended.state, ended.problem.code) == ("cancelled", code)


def text_of(events: list[Event]) -> str:
    return "".join(event.content["text"] for event in events if isinstance(event, OutputEvent))
