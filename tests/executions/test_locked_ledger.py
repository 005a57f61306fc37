"""A ledger that another program has locked, or that cannot be written at all: told, waited for, and never lost."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from support import Facts

from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.errors import StorageError
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import FINAL_STATES, Code, Event, ExecutionRequest, NoticeEvent, OutputEvent

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
for statement in sys.argv[2:]:
    db.execute(statement).fetchall()
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def locked(path: Path, *statements: str) -> Iterator[None]:
    """Another program keeps the file locked, by these statements if others than the usual one."""
    command = [sys.executable, "-c", HOLD, str(path), *(statements or ("BEGIN EXCLUSIVE",))]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.stdin.close()
            process.wait()


@pytest.fixture(params=["WAL", "DELETE"])
def journal(request: pytest.FixtureRequest) -> str:
    """Without a write-ahead log, as on a network file system, readers are locked out, too."""
    return str(request.param)


@pytest_asyncio.fixture
async def ledger(tmp_path: Path, journal: str) -> AsyncIterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger")
    ledger._owned[0]._db.execute(f"PRAGMA journal_mode = {journal}")
    yield ledger
    ledger.close()


@pytest.fixture
def path(ledger: Ledger) -> Path:
    return ledger._owned[0].path


@pytest_asyncio.fixture
async def service(ledger: Ledger, emulator: Facts, client: Client) -> AsyncIterator[ExecutionService]:
    service = ExecutionService(
        ledger, client, ProjectFinder(client, organization=emulator["organization_id"])
    )
    yield service
    await service.close()


def request(source: str) -> ExecutionRequest:
    return ExecutionRequest(source=Code(source=source, session="locked"))


async def test_nothing_is_started_in_a_locked_ledger(
    service: ExecutionService, path: Path, emulator: Facts
) -> None:
    with locked(path):
        with pytest.raises(
            StorageError, match=r"Another program keeps the ledger .* once that lets go"
        ) as caught:
            await service.start(request("1"), project=emulator["project_id"])
        assert (caught.value.code, caught.value.http_status) == ("ledger-locked", 507)
        problem = service.usage.problem
        assert problem is not None and "locked" in problem
    assert service.search() == []
    execution = await service.start(request("1"), project=emulator["project_id"])
    assert (await service.finished(execution.id)).state == "succeeded"
    assert service.usage.problem is None


async def test_a_run_that_was_refused_at_the_last_moment_is_in_nobodys_way(
    service: ExecutionService, path: Path, journal: str, emulator: Facts
) -> None:
    """Without a write-ahead log, a reader lets a writer begin, but not end."""
    with locked(path, "BEGIN", "SELECT * FROM executions"):
        if journal == "DELETE":
            with pytest.raises(StorageError, match="locked"):
                await service.start(request("1"), project=emulator["project_id"])
    execution = await service.start(request("1"), project=emulator["project_id"])
    assert (await service.finished(execution.id)).state == "succeeded"


async def test_a_run_waits_for_the_lock_and_loses_nothing(
    service: ExecutionService, ledger: Ledger, path: Path, emulator: Facts
) -> None:
    go = Path(emulator["root"]) / "projects" / emulator["project_id"] / "unlocked"
    source = (
        "import pathlib, time\nprint('begun')\nwhile not pathlib.Path('unlocked').exists(): time.sleep(0.01)\n"
        "for number in range(1000): print(number)"
    )
    execution = await service.start(request(source), project=emulator["project_id"])
    events: list[Event] = []
    async with asyncio.timeout(30):
        async for page in service.events(execution.id):
            events += [msgspec.json.decode(text, type=Event) for _, text in page]
            if not go.exists() and "begun\n" in text_of(events):
                with locked(path):
                    go.touch()
                    while ledger._owned[0].problem is None:  # nobody tells, as with a real one
                        await asyncio.sleep(0.01)
    go.unlink()
    assert service.get(execution.id).state == "succeeded"
    assert text_of(events) == "begun\n" + "".join(f"{number}\n" for number in range(1000))
    notices = [event.text for event in events if isinstance(event, NoticeEvent)]
    assert notices == ["Another program kept the ledger locked for a while; nothing was lost."]


async def test_a_run_is_cancelled_although_that_cannot_be_noted(
    service: ExecutionService, path: Path, emulator: Facts
) -> None:
    source = (
        "import pathlib, time\nprint('begun')\n"
        "try:\n    time.sleep(60)\nfinally:\n    pathlib.Path('stopped').touch()"
    )
    stopped = Path(emulator["root"]) / "projects" / emulator["project_id"] / "stopped"
    execution = await service.start(request(source), project=emulator["project_id"])
    async for _ in service.events(execution.id):
        if service.get(execution.id).state == "running":
            break
    follower = service._followers[execution.id]
    with locked(path):
        follower.cancel("interrupt")
        if ledger_can_be_read(path):
            async with asyncio.timeout(30):
                while not stopped.exists():
                    await asyncio.sleep(0.01)
    ended = await service.finished(execution.id)
    assert (ended.state, ended.problem) == ("cancelled", None)
    stopped.unlink()


def ledger_can_be_read(path: Path) -> bool:
    db = sqlite3.connect(path, timeout=0)
    try:
        db.execute("SELECT count(*) FROM executions")
    except sqlite3.OperationalError:
        return False
    finally:
        db.close()
    return True


async def test_a_locked_file_of_another_server_is_left_out_with_a_warning(
    service: ExecutionService, path: Path, journal: str, emulator: Facts, caplog: pytest.LogCaptureFixture
) -> None:
    execution = await service.start(request("1"), project=emulator["project_id"])
    await service.finished(execution.id)
    reader = Ledger(path.parent)
    with locked(path):
        shown = [one.id for one in reader.search()]
        assert shown == ([execution.id] if journal == "WAL" else [])
        reader.search()
        assert reader.usage().problem is None
    assert caplog.text.count("is left out of the history") == (0 if journal == "WAL" else 1)
    assert [one.id for one in reader.search()] == [execution.id]
    reader.close()


async def test_a_ledger_that_is_locked_while_the_server_starts_is_taken_over_later(
    service: ExecutionService, ledger: Ledger, path: Path, emulator: Facts
) -> None:
    execution = await service.start(request("1"), project=emulator["project_id"])
    await service.finished(execution.id)
    while service.running:
        await asyncio.sleep(0.01)
    ledger._owned[0]._db.execute("PRAGMA journal_mode = DELETE")
    ledger.close()
    with locked(path):
        later = Ledger(path.parent)
        assert later.search() == []
        with later.together():  # it has a file of its own to write to
            pass
    assert later.adopt()
    assert later.exists(execution.id)
    assert not later.adopt()
    assert not list(path.parent.glob("*.set-aside-*"))
    later.close()


def test_a_folder_that_cannot_be_used_is_told_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ledger = Ledger(tmp_path / "file" / "ledger")
    for _ in range(2):
        with (
            pytest.raises(StorageError, match=r"cannot be written .*DataSphere.ledger_dir") as caught,
            ledger.together(),
        ):
            pass
        assert caught.value.code == "ledger-unwritable"
    assert ledger.search() == []
    assert ledger.unfinished() == []
    problem = ledger.usage().problem
    assert problem is not None and str(tmp_path / "file") in problem
    (tmp_path / "file").unlink()
    with ledger.together():
        pass
    assert ledger.usage().problem is None
    ledger.close()


@contextmanager
def gone(folder: Path) -> Iterator[None]:
    """Nothing can be opened in the folder, whatever the rights of this process; what is open stays so."""
    away = folder.with_name("away")
    folder.rename(away)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        away.rename(folder)


async def test_nothing_is_started_while_the_folder_cannot_be_used(
    service: ExecutionService, path: Path, emulator: Facts
) -> None:
    with gone(path.parent):
        assert "cannot be written" in str(service.usage.problem)  # before anybody tries
        with pytest.raises(StorageError, match=r"cannot be written .*DataSphere.ledger_dir") as caught:
            await service.start(request("1"), project=emulator["project_id"])
        assert caught.value.code == "ledger-unwritable"
    assert service.search() == []
    execution = await service.start(request("1"), project=emulator["project_id"])
    assert (await service.finished(execution.id)).state == "succeeded"
    assert service.usage.problem is None


async def test_what_runs_and_what_is_to_run_waits_for_the_folder(
    service: ExecutionService, path: Path, journal: str, emulator: Facts, caplog: pytest.LogCaptureFixture
) -> None:
    """With a write-ahead log, what is open can be written; but the second run's key might not survive."""
    go = Path(emulator["root"]) / "projects" / emulator["project_id"] / "locked-go"
    source = (
        "import pathlib, time\nwhile not pathlib.Path('locked-go').exists(): time.sleep(0.01)\nprint('first')"
    )
    first = await service.start(request(source), project=emulator["project_id"])
    second = await service.start(request("print('second')"), project=emulator["project_id"])
    async with asyncio.timeout(30):
        while (begun := service.get(first.id)).state != "running":
            assert begun.state not in FINAL_STATES, begun
            await asyncio.sleep(0.01)
    waiting = [first.id, second.id] if journal == "WAL" else [first.id]
    notices = {}
    async with asyncio.timeout(30):
        with gone(path.parent):
            go.touch()
            while not all(f"{one} waits: The ledger" in caplog.text for one in waiting):
                await asyncio.sleep(0.01)
            assert service.get(second.id).state == ("staged" if journal == "WAL" else "queued")
        for execution, text in ((first, "first\n"), (second, "second\n")):
            pages = [page async for page in service.events(execution.id)]
            events = [msgspec.json.decode(event, type=Event) for page in pages for _, event in page]
            assert (service.get(execution.id).state, text_of(events)) == ("succeeded", text)
            notices[execution.id] = [event.text for event in events if isinstance(event, NoticeEvent)]
        while service.running:
            await asyncio.sleep(0.01)
    go.unlink()
    assert notices.pop(waiting[-1]) == ["The ledger could not be written for a while; nothing was lost."]
    assert list(notices.values()) == [[]]
    assert caplog.text.count("waits: ") == len(waiting)
    assert "failed inside" not in caplog.text


def text_of(events: list[Event]) -> str:
    return "".join(event.content["text"] for event in events if isinstance(event, OutputEvent))
