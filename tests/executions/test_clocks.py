"""A clock that is set and a computer that sleeps, while runs are followed."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from support import Facts, SettableClock, client_for

from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, Event, Execution, ExecutionRequest, NoticeEvent, OutputEvent

MINUTE, DAY = 60.0, 86400.0
FOR_LONG = "import time\nprint('begun')\ntime.sleep(60)"


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest_asyncio.fixture
async def ledger(tmp_path: Path, clock: SettableClock) -> AsyncIterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger", clock=clock)
    yield ledger
    ledger.close()


@pytest_asyncio.fixture
async def client(emulator: Facts, clock: SettableClock) -> AsyncIterator[Client]:
    client = client_for(emulator, clock=clock)
    yield client
    await client.transport.aclose()


@pytest_asyncio.fixture
async def service(
    ledger: Ledger, client: Client, emulator: Facts, clock: SettableClock
) -> AsyncIterator[ExecutionService]:
    service = service_on(ledger, client, emulator, clock)
    yield service
    await service.close()


def service_on(ledger: Ledger, client: Client, facts: Facts, clock: SettableClock) -> ExecutionService:
    return ExecutionService(
        ledger, client, ProjectFinder(client, organization=facts["organization_id"]), clock=clock
    )


def request(source: str, **rest: Any) -> ExecutionRequest:
    return ExecutionRequest(source=Code(source=source, session="clocks"), **rest)


async def followed(
    service: ExecutionService, execution_id: str, *, once: str, then: Callable[[], None]
) -> tuple[Execution, list[Event]]:
    """Follow to the end, and do something when the run has put this out."""
    events: list[Event] = []
    done = False
    async with asyncio.timeout(50):
        async for page in service.events(execution_id):
            events += [msgspec.json.decode(text, type=Event) for _, text in page]
            if not done and once in "".join(e.content["text"] for e in events if isinstance(e, OutputEvent)):
                done = True
                then()
    return service.get(execution_id), events


def notices(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, NoticeEvent)]


async def test_a_timeout_counts_the_sleep(
    service: ExecutionService, clock: SettableClock, emulator: Facts
) -> None:
    execution = await service.start(request(FOR_LONG, timeout=10 * MINUTE), project=emulator["project_id"])
    ended, events = await followed(service, execution.id, once="begun", then=lambda: clock.sleep(42 * MINUTE))
    assert ended.state == "cancelled"
    assert ended.problem is not None and ended.problem.code == "timeout"
    assert "This computer slept for 42 min; the run went on meanwhile." in notices(events)
    assert ended.finished_at is not None and 0 <= ended.finished_at - ended.created_at - 42 * MINUTE < 50
    assert ended.units is not None and ended.units >= 42 * 60 * 4


async def test_the_guard_of_units_counts_the_sleep(
    service: ExecutionService, clock: SettableClock, emulator: Facts
) -> None:
    execution = await service.start(request(FOR_LONG, max_units=10_000), project=emulator["project_id"])
    ended, _ = await followed(service, execution.id, once="begun", then=lambda: clock.sleep(42 * MINUTE))
    assert ended.state == "cancelled"
    assert ended.problem is not None and ended.problem.code == "max-units"


@pytest.mark.parametrize("by", [-DAY, DAY])
async def test_setting_the_clock_changes_nothing_in_a_run(
    service: ExecutionService, clock: SettableClock, emulator: Facts, by: float
) -> None:
    source = "import time\nprint('begun')\ntime.sleep(1.5)\nprint('ended')"
    execution = await service.start(
        request(source, timeout=10 * MINUTE, max_units=2400), project=emulator["project_id"]
    )
    ended, events = await followed(service, execution.id, once="begun", then=lambda: clock.set(by))
    assert ended.state == "succeeded"
    assert ended.finished_at is not None and 1.5 <= ended.finished_at - ended.created_at < 50
    assert ended.units is not None and 8 <= ended.units < 200
    told = {
        -DAY: "The clock of this computer was set back by 24 h 0 min; the run goes on.",
        DAY: "This computer slept for 24 h 0 min (or its clock was set); the run went on meanwhile.",
    }
    assert notices(events) == [told[by]]


async def test_each_running_run_is_told_once_of_each_nap(
    service: ExecutionService, clock: SettableClock, emulator: Facts
) -> None:
    """Those that wait for their turn here are not told: nothing of theirs went on."""
    project = emulator["project_id"]
    source = "import time\nprint('begun')\ntime.sleep(2.5)"
    running = await service.start(request(source), project=project)
    waiting = await service.start(request("1"), project=project)
    _, events = await followed(service, running.id, once="begun", then=lambda: clock.sleep(5 * MINUTE))
    assert notices(events) == ["This computer slept for 5 min; the run went on meanwhile."]
    _, events = await followed(service, waiting.id, once="", then=lambda: None)
    assert notices(events) == []


@pytest.mark.parametrize(
    ("since", "state"),
    [(10.0, "succeeded"), (2 * 3600.0, "unknown"), (-30.0, "succeeded"), (-3600.0, "unknown")],
)
async def test_what_was_sent_before_a_restart_is_sent_again_only_while_its_key_holds(
    ledger: Ledger,
    client: Client,
    emulator: Facts,
    clock: SettableClock,
    since: float,
    state: str,
) -> None:
    """Also where that lies in the future, by a clock that was set back: then nobody can tell how long ago it was."""
    first_attempt = time.time() - since
    execution = Execution(
        id=secrets.token_hex(8),
        state="queued",
        project_id=emulator["project_id"],
        source=Code(source="print('sent')"),
        spec="c1.4",
        channel="state",
        created_at=first_attempt,
    )
    with ledger.together():
        ledger.create(execution, request("print('sent')"), str(uuid.uuid4()))
        ledger.transition(execution.id, "staged", at=first_attempt)
    service = service_on(ledger, client, emulator, clock)
    service.resume()
    ended = await service.finished(execution.id)
    assert ended.state == state
    if state == "unknown":
        assert ended.problem is not None and "cannot be found out any more" in ended.problem.title
        assert ended.operation_id is None
    assert ended.finished_at is not None and ended.finished_at >= ended.created_at
    await service.close()


async def test_a_timeout_after_a_restart_with_the_clock_set_back_is_at_most_the_whole_one(
    ledger: Ledger, client: Client, emulator: Facts, clock: SettableClock
) -> None:
    service = service_on(ledger, client, emulator, clock)
    execution = await service.start(request(FOR_LONG, timeout=2.5), project=emulator["project_id"])
    async for _ in service.events(execution.id):
        if service.get(execution.id).state == "running":
            break
    await service.close()
    clock.set(-DAY)
    service = service_on(ledger, client, emulator, clock)
    service.resume()
    async with asyncio.timeout(30):
        ended = await service.finished(execution.id)
    assert ended.problem is not None and ended.problem.code == "timeout"
    assert ended.finished_at is not None and ended.finished_at - ended.created_at >= 2.5
    await service.close()


async def test_a_year_ahead_by_mistake_drops_nothing_from_the_ledger(
    service: ExecutionService, clock: SettableClock, emulator: Facts
) -> None:
    execution = await service.start(request("1"), project=emulator["project_id"])
    await service.finished(execution.id)
    clock.set(365 * DAY)
    another = await service.start(request("2"), project=emulator["project_id"])
    await service.finished(another.id)
    while service.running:
        await asyncio.sleep(0.01)
    assert service._tidying is not None
    await service._tidying
    assert [one.id for one in service.search()] == [another.id, execution.id]


class Road:
    """A way to the emulator on which connections can fall silent, as in a network that forgot them while we slept."""

    def __init__(self, facts: Facts) -> None:
        self._port = int(facts["url"].rsplit(":", 1)[1])
        self._server: asyncio.Server | None = None
        self._silent: list[asyncio.Event] = []

    async def __aenter__(self) -> Road:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._here = b"127.0.0.1:%d" % self._server.sockets[0].getsockname()[1]
        self._there = b"127.0.0.1:%d" % self._port  # another one would be refused
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._tasks: set[asyncio.Task[None]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the turn in which what they had is closed

    def fall_silent(self) -> None:
        """On all connections that there are; later ones work."""
        for silent in self._silent:
            silent.set()
        self._silent.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent = asyncio.Event()
        self._silent.append(silent)
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._carry(source, sink, silent))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, silent: asyncio.Event
    ) -> None:
        try:
            while data := await source.read(65536):
                if not silent.is_set():
                    sink.write(data.replace(self._here, self._there))
        except ConnectionError:
            pass  # as good as the end
        finally:
            sink.close()


async def test_connections_that_died_in_the_sleep_do_not_hold_up_the_run(
    ledger: Ledger, emulator: Facts, clock: SettableClock
) -> None:
    """The client would wait for their answers for far longer than this test may take."""
    async with Road(emulator) as road:
        client = client_for(emulator, clock=clock, url=road.url, timeout=1000)
        service = service_on(ledger, client, emulator, clock)

        def sleep() -> None:
            road.fall_silent()
            clock.sleep(42 * MINUTE)

        source = "import time\nprint('begun')\ntime.sleep(3)\nprint('ended')"
        execution = await service.start(request(source), project=emulator["project_id"])
        ended, events = await followed(service, execution.id, once="begun", then=sleep)
        assert ended.state == "succeeded"
        text = "".join(event.content["text"] for event in events if isinstance(event, OutputEvent))
        assert text == "begun\nended\n"
        assert "This computer slept for 42 min; the run went on meanwhile." in notices(events)
        await service.close()
        await client.transport.aclose()
