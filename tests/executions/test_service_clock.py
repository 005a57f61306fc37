"""A service whose clock is set, or a computer that sleeps, while a run is followed: no event is lost, and none waits."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import formatdate

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from support import SettableClock

from jupyter_datasphere.credentials.iam_token import GivenToken
from jupyter_datasphere.credentials.tokens import TokenCache
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.transport import Endpoints, Transport
from jupyter_datasphere.executions.channels.base import Run
from jupyter_datasphere.executions.channels.state import RunnerFeed
from jupyter_datasphere.protocol import EVENTS_MIME, Code, Execution, NoticeEvent, RunnerBatch

RUN = "0123456789abcdef"


class Service:
    """Has one run, whose outputs it gives as it would: those made at or after `startAt`, by its clock."""

    def __init__(self) -> None:
        self.set_by = 0.0
        self.url = ""
        self._outputs: list[tuple[str, str]] = []

    def now(self) -> float:
        return time.time() + self.set_by

    def put_out(self, text: str) -> None:
        batch = RunnerBatch(RUN, [(len(self._outputs) + 1, NoticeEvent(text=text))])
        output = {
            "output_type": "display_data",
            "metadata": {},
            "data": {EVENTS_MIME: msgspec.to_builtins(batch)},
        }
        self._outputs.append((timestamp(self.now()), msgspec.json.encode(output).decode()))

    async def handle(self, request: web.Request) -> web.Response:
        headers = {"Date": formatdate(self.now(), usegmt=True)}
        if "operations" in request.path:
            return web.json_response({"id": "op", "done": False}, headers=headers)
        parameters = {**request.query, **(await request.json() if request.can_read_body else {})}
        outputs = [text for made, text in self._outputs if made >= parameters.get("startAt", "")]
        return web.json_response({"outputs": outputs}, headers=headers)


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield service
    await runner.cleanup()


async def find_cell(project_id: str) -> str:
    return "cell"


@pytest.mark.parametrize("slept", [0.0, 0.4, 3600.0])
@pytest.mark.parametrize("set_by", [-86400.0, -3600.0, -0.6, 0.6, 3600.0, 86400.0])
async def test_each_event_comes_once_and_soon(service: Service, set_by: float, slept: float) -> None:
    clock = SettableClock()
    transport = Transport(Endpoints.one_origin(service.url), here=clock)
    client = Client(transport, TokenCache(GivenToken("t1.a", "a test"), clock))
    execution = Execution(
        id=RUN,
        state="submitted",
        project_id="project",
        source=Code(source=""),
        spec="c1.4",
        channel="state",
        created_at=time.time(),
        operation_id="op",
    )
    run = Run(execution, None, "key", operation_created_at=timestamp(service.now()))
    feed = RunnerFeed(client, run, find_cell)

    texts: list[str] = []

    def pass_time(seconds: float) -> None:
        service.set_by += seconds
        clock.sleep(seconds)

    async def look() -> None:
        texts.extend(event.text for event in (await feed.news()).events if isinstance(event, NoticeEvent))

    for number in range(20):  # by now the service's clock is known to some milliseconds
        service.put_out(f"{number}")
        await look()
    service.put_out("just before")
    service.set_by = set_by
    clock.sleep(slept)
    service.put_out("just after")
    pass_time(5)
    await look()  # where the clock was set back, this still asks for what comes after the former time
    for number in range(20, 40):
        service.put_out(f"{number}")
        await look()
        # Less than a second is seen only as time goes on: Date has whole seconds.
        assert abs(set_by) < 1 or texts[-1] == f"{number}"
    pass_time(2)
    service.put_out("end")
    await look()
    await look()
    before, after = [f"{n}" for n in range(20)], [f"{n}" for n in range(20, 40)]
    expected = [*before, "just before", "just after", *after, "end"]
    assert texts == expected
    await transport.aclose()
