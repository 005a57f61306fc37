"""Many runs at once: what they share, and what they may ask of the service together."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from aiohttp import ClientSession, web
from support import Facts, store_replay

from jupyter_datasphere.credentials.oauth import OAuthToken
from jupyter_datasphere.credentials.tokens import TokenCache
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.datasphere.retries import RetryPolicy
from jupyter_datasphere.datasphere.schedule import QUESTIONS_PER_SECOND
from jupyter_datasphere.datasphere.transport import Endpoints, Transport
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import ExecutionRequest, Notebook

AT_ONCE = 4


class Door:
    """Stands before the emulator and counts who is inside."""

    def __init__(self, url: str, session: ClientSession) -> None:
        self.most = 0
        self._inside = 0
        self._url = url
        self._session = session

    async def handle(self, request: web.Request) -> web.Response:
        self._inside += 1
        self.most = max(self.most, self._inside)
        try:
            headers = {name: value for name, value in request.headers.items() if name != "Host"}
            body = await request.read()
            url = f"{self._url}{request.path_qs}"
            async with self._session.request(request.method, url, headers=headers, data=body) as answer:
                return web.Response(
                    status=answer.status, body=await answer.read(), content_type=answer.content_type
                )
        finally:
            self._inside -= 1


@asynccontextmanager
async def door_before(url: str) -> AsyncIterator[tuple[Door, str]]:
    """A door, and the URL of its outer side."""
    async with ClientSession() as session:
        door = Door(url, session)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", door.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield door, f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@asynccontextmanager
async def service_of(
    facts: Facts, folder: Path, transport: Transport, *, questions_per_second: float = QUESTIONS_PER_SECOND
) -> AsyncIterator[ExecutionService]:
    tokens = TokenCache(OAuthToken(facts["oauth_token"], "a test", transport))
    client = Client(transport, tokens)
    ledger = Ledger(folder)
    service = ExecutionService(
        ledger, client, ProjectFinder(client), questions_per_second=questions_per_second
    )
    try:
        yield service
    finally:
        await service.close()
        ledger.close()
        await transport.aclose()


async def run_all(service: ExecutionService, facts: Facts, names: list[str]) -> Counter[str]:
    """Start all of these notebooks at once; gives how they ended."""
    requests = [ExecutionRequest(source=Notebook(path=name, direct=True)) for name in names]
    started = await asyncio.gather(*(service.start(r, project=facts["project_id"]) for r in requests))
    ended = await asyncio.gather(*(service.finished(execution.id) for execution in started))
    return Counter(execution.state for execution in ended)


async def control(facts: Facts, method: str, what: str, content: str | None = None) -> Counter[str]:
    headers = {"Authorization": f"Bearer {facts['control_token']}"}
    async with httpx.AsyncClient(headers=headers) as http:
        answer = await http.request(method, f"{facts['url']}/emulator/{what}", content=content)
    answer.raise_for_status()
    return Counter(answer.json()) if what == "calls" else Counter()


async def test_however_many_start_so_many_requests_are_under_way(emulator: Facts, tmp_path: Path) -> None:
    """No request that waits for its turn runs out of time meanwhile, though all take longer than one may."""
    names = [f"crowd-{number}.ipynb" for number in range(300)]
    for name in names:
        store_replay(emulator, name, ["printed\n"], 0)
    slow = [{"method": "project.execute", "rate": 1, "fault": {"delay": 0.08}}]
    await control(emulator, "PUT", "faults", json.dumps(slow))
    try:
        async with door_before(emulator["url"]) as (door, url):
            transport = Transport(
                Endpoints.one_origin(url), timeout=2.0, at_once=AT_ONCE, retry=RetryPolicy(attempts=1)
            )
            async with service_of(emulator, tmp_path, transport) as service:
                assert await run_all(service, emulator, names) == {"succeeded": len(names)}
    finally:
        await control(emulator, "PUT", "faults", "[]")
    assert door.most == AT_ONCE


async def test_all_questions_together_keep_the_pace(emulator: Facts, tmp_path: Path) -> None:
    names = [f"pace-{number}.ipynb" for number in range(20)]
    for name in names:
        store_replay(emulator, name, ["printed\n"], 2.0)
    rate = 40.0
    before, begun = await control(emulator, "GET", "calls"), time.monotonic()
    transport = Transport(Endpoints.one_origin(emulator["url"]))
    async with service_of(emulator, tmp_path, transport, questions_per_second=rate) as service:
        assert await run_all(service, emulator, names) == {"succeeded": len(names)}
    asked = await control(emulator, "GET", "calls") - before
    # A second's worth may have been saved up in the quiet before.
    allowed = rate * (time.monotonic() - begun + 1)
    assert asked["project.cellOutputs"] + asked["operation.get"] <= allowed
