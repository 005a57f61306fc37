"""Trouble on the `jupyter` channel: a VM that stops, links that expire or lead elsewhere, other kernels."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import pytest_asyncio
from aiohttp import web
from executions.test_jupyter_channel import LINES, WRITES, Linked, link_of
from executions.test_service import follow, run, seen, start
from support import Facts, SettableClock, client_for

from jupyter_datasphere.datasphere.jupyter_link import Link
from jupyter_datasphere.datasphere.jupyter_server import JupyterServer
from jupyter_datasphere.demo.processes import emulator as run_emulator
from jupyter_datasphere.errors import (
    CredentialsError,
    ExpectedError,
    ServiceError,
    StorageError,
    UnavailableError,
)
from jupyter_datasphere.executions.channels.absence import Absence
from jupyter_datasphere.protocol import Code, Execution, NoticeEvent, Problem

NON_PYTHON = """
import sys
sys.path.pop(0)
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

class Echo(Kernel):
    implementation = "echo"
    implementation_version = "1"
    banner = "echo"
    language_info = {"name": "Echo", "mimetype": "text/plain", "file_extension": ".txt"}

    def do_execute(self, code, *args, **options):
        return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

IPKernelApp.launch_instance(kernel_class=Echo)
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An emulator whose Jupyter servers have a kernel of another language, too."""
    root = tmp_path_factory.mktemp("trouble") / "root"
    with run_emulator(root, "--revision", "current") as facts:
        folder = root / "jupyter" / "kernels" / "echo"
        folder.mkdir(parents=True)
        (folder / "kernel.py").write_text(NON_PYTHON)
        words = [sys.executable, str(folder / "kernel.py"), "-f", "{connection_file}"]
        spec = {"argv": words, "display_name": "Echo", "language": "echo"}
        (folder / "kernel.json").write_text(json.dumps(spec))
        yield {**facts, "root": str(root)}


@pytest_asyncio.fixture
async def linked(facts: Facts, tmp_path: Path) -> AsyncIterator[Linked]:
    client = client_for(facts)
    yield Linked(facts, link_of(facts), client, tmp_path / "ledger")
    await client.transport.aclose()


def stop(facts: Facts) -> bool:
    """Stop the VM of the demo project."""
    answer = httpx.delete(
        f"{facts['url']}/emulator/link",
        params={"project": facts["project_id"]},
        headers={"Authorization": f"Bearer {facts['control_token']}"},
        timeout=60,
        trust_env=False,
    )
    return bool(answer.raise_for_status().json()["stopped"])


def problem_of(execution: Execution) -> Problem:
    assert execution.state == "lost"
    assert execution.problem is not None and execution.problem.title.startswith("Channel jupyter: ")
    assert execution.problem.hint is not None and "project" in execution.problem.hint
    return execution.problem


async def test_a_vm_that_stops_in_the_middle(linked: Linked) -> None:
    async with linked.service(link_patience=1.5) as service:
        first = await start(
            service, "import time\nprint('on')\nopen('begun', 'a').write('x')\ntime.sleep(97)"
        )
        await seen(service, first.id, "on\\n")
        waiting = await start(service, "open('begun', 'a').write('y')")
        assert await asyncio.to_thread(stop, linked.facts)
        ended = await follow(service, first.id)
        problem = problem_of(ended.execution)
        assert problem.code == "link-lost"
        assert "does not answer (Connection refused)" in problem.title and "tried for 1.5 s" in problem.title
        notices = [event.text for event in ended.events if isinstance(event, NoticeEvent)]
        assert not any("followed again" in notice for notice in notices)
        assert ended.text == "on\n"
        # What waited for it was not sent.
        other = (await follow(service, waiting.id)).execution
        assert (other.state, (linked.storage / "begun").read_text()) == ("failed", "x")
        assert other.problem is not None and other.problem.code == "link-unavailable"
        with pytest.raises(ExpectedError, match="VM may have stopped"):
            await start(service, "print('another')", channel="jupyter")
        linked.links.set(linked.project_id, await asyncio.to_thread(link_of, linked.facts))
        assert (await run(service, "print('again')")).text == "again\n"
    assert not await asyncio.to_thread(_stopped_twice, linked.facts)


def _stopped_twice(facts: Facts) -> bool:
    stop(facts)
    return stop(facts)


async def test_a_new_link_after_the_vm_was_started_anew(linked: Linked) -> None:
    """The run is not there any more: nobody waits for it."""
    async with linked.service() as service:
        execution = await start(service, "import time\nprint('on')\ntime.sleep(98)")
        await seen(service, execution.id, "on\\n")
        await asyncio.to_thread(stop, linked.facts)
        await seen(service, execution.id, "cannot be followed now")
        linked.links.set(linked.project_id, await asyncio.to_thread(link_of, linked.facts))
        problem = problem_of((await follow(service, execution.id)).execution)
        assert problem.code == "kernel-ended"
        assert "VM was started anew" in problem.title


async def test_a_token_that_expires_in_the_middle(linked: Linked) -> None:
    async with linked.service() as service:
        execution = await start(service, WRITES.format(flag="expires"))
        await seen(service, execution.id, "3\\n")
        linked.links.set(linked.project_id, Link(linked.link.url, "expired-token"))
        await seen(service, execution.id, "it has expired")
        (linked.storage / "expires").touch()
        linked.links.set(linked.project_id, linked.link)
        ran = await follow(service, execution.id)
    assert (ran.execution.state, ran.text) == ("succeeded", LINES)
    assert (linked.storage / "expires.count").read_text() == "x"


async def test_a_token_that_expires_for_good(linked: Linked) -> None:
    async with linked.service(link_patience=1.0) as service:
        execution = await start(service, WRITES.format(flag="for-good"))
        await seen(service, execution.id, "3\\n")
        linked.links.set(linked.project_id, Link(linked.link.url, "expired-token"))
        problem = problem_of((await follow(service, execution.id)).execution)
    (linked.storage / "for-good").touch()
    assert problem.code == "link-lost"
    assert "has expired" in problem.title
    assert problem.hint is not None and "jupyter datasphere link" in problem.hint


@asynccontextmanager
async def page_of_another(status: int, asked: list[str] | None = None) -> AsyncIterator[Link]:
    """What stands before a VM, and answers so while that is away; `asked` gets the requests."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if asked is not None:
            asked.append(request.path)
        return web.Response(status=status, text="<html>")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with served(app) as link:
        yield link


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[Link]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Link(f"http://127.0.0.1:{runner.addresses[0][1]}/", "some-token")
    await runner.cleanup()


@pytest.mark.parametrize("status", [200, 404, 502])
async def test_a_page_in_the_place_of_the_server_is_not_the_end_of_the_kernel(
    linked: Linked, status: int
) -> None:
    flag = f"page{status}"
    async with linked.service() as service, page_of_another(status) as page:
        execution = await start(service, WRITES.format(flag=flag))
        await seen(service, execution.id, "3\\n")
        linked.links.set(linked.project_id, page)
        await seen(service, execution.id, "cannot be followed now")
        (linked.storage / flag).touch()
        linked.links.set(linked.project_id, linked.link)
        ran = await follow(service, execution.id)
    assert (ran.execution.state, ran.text) == ("succeeded", LINES)


async def test_a_server_that_comes_back_may_go_away_again(linked: Linked) -> None:
    clock, asked = SettableClock(), list[str]()
    async with (
        linked.service(link_patience=100.0, clock=clock) as service,
        page_of_another(200, asked) as page,
    ):
        execution = await start(service, WRITES.format(flag="again"))
        await seen(service, execution.id, "3\\n")

        def events() -> int:
            return service.get(execution.id).last_event

        async def asked_anew() -> None:
            before = len(asked)
            await until(lambda: len(asked) > before + 1)

        for _ in range(2):
            before = events()
            linked.links.set(linked.project_id, page)
            await asked_anew()
            clock.sleep(59.0)
            await asked_anew()
            linked.links.set(linked.project_id, linked.link)
            await until(lambda before=before: events() >= before + 2)  # away, and followed again
        (linked.storage / "again").touch()
        ran = await follow(service, execution.id)
    assert (ran.execution.state, ran.text) == ("succeeded", LINES)


async def until(question: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not question():
            await asyncio.sleep(0.01)


async def test_a_kernel_of_another_language_gets_no_code(linked: Linked) -> None:
    name = "jupyter-datasphere-foreign"
    body = {"path": name, "name": name, "type": "console", "kernel": {"name": "echo"}}
    async with aiohttp.ClientSession(headers=linked.headers) as http:
        assert (await http.post(f"{linked.link.url}api/sessions", json=body)).status == 201
    async with linked.service() as service:
        with pytest.raises(ExpectedError, match="is for Echo, not for Python") as caught:
            await start(service, Code(source="print(1)", session="foreign"))
        assert caught.value.code == "no-ipython"
        assert caught.value.hint is not None and "ipykernel" in caught.value.hint
        assert service.search() == []


async def test_a_kernel_for_python_is_chosen_where_another_one_is_the_default() -> None:
    languages = {"ir": "R", "snake": "python"}

    async def kernelspecs(request: web.Request) -> web.StreamResponse:
        specs = {name: {"name": name, "spec": {"language": language}} for name, language in languages.items()}
        return web.json_response({"default": "ir", "kernelspecs": specs})

    async def sessions(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        return web.json_response({"path": asked["path"], "kernel": {"id": f"a-{asked['kernel']['name']}"}})

    app = web.Application()
    app.add_routes([web.get("/api/kernelspecs", kernelspecs), web.post("/api/sessions", sessions)])
    async with served(app) as link:
        server = JupyterServer(link)
        assert await server.kernel("any") == "a-snake"
        del languages["snake"]
        with pytest.raises(ExpectedError, match="kernels for r") as caught:
            await server.kernel("any")
        assert caught.value.code == "no-ipython"
        await server.aclose()


async def test_a_full_disk_over_there_is_told_by_the_code_that_meets_it_and_loses_no_output(
    linked: Linked,
) -> None:
    """What the runner keeps for us stays in memory then."""
    flag = linked.storage / "full"
    lines = "for i in range(200_000): print(f'{i:07}', 'x' * 91)\n"
    code = (
        "import pathlib, resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))\n"
        "print('begun', flush=True)\nwhile not pathlib.Path('full').exists(): pass\n"
        f"{lines}pathlib.Path('told').touch()\npathlib.Path('large').write_text('x')"
    )
    async with linked.service() as service:
        execution = await start(service, Code(source=code, session="full"))
        await seen(service, execution.id, "begun")
    flag.touch()
    await until((linked.storage / "told").exists)
    async with linked.service() as service:
        ran = await follow(service, execution.id)
        assert ran.execution.state == "failed"
        [failure] = ran.failures
        assert "File too large" in failure.evalue
        assert ran.text == "begun\n" + "".join(f"{i:07} {'x' * 91}\n" for i in range(200_000))
        assert (await run(service, Code(source="print('next')", session="full"))).text == "next\n"


async def test_a_kernel_that_is_shut_down_and_says_nothing_of_it(linked: Linked) -> None:
    code = (
        "import os, time\nprint('on')\ntry:\n    time.sleep(99)\nexcept KeyboardInterrupt:\n    os._exit(1)"
    )
    async with linked.service() as service:
        execution = await start(service, Code(source=code, session="silent"))
        await seen(service, execution.id, "on\\n")
        async with aiohttp.ClientSession(headers=linked.headers) as http:
            await http.delete(f"{linked.link.url}api/kernels/{await linked.kernel_id('silent')}")
        problem = problem_of((await follow(service, execution.id)).execution)
        assert problem.code == "kernel-ended"
        assert "shut down" in problem.title
        assert (await run(service, Code(source="print('fresh')", session="silent"))).text == "fresh\n"


def test_only_tries_count() -> None:
    clock = SettableClock()
    absence = Absence(300.0, clock)
    away, no_link = (
        UnavailableError("away", code="link-unavailable"),
        CredentialsError("none", code="no-link"),
    )
    silent = UnavailableError("silent", code="kernel-silent")

    def minutes(number: int, error: ExpectedError) -> bool:
        for _ in range(number * 2):
            clock.sleep(30.0)
            if absence.lasts_too_long(error):
                return True
        return False

    assert not minutes(5, away)  # counted from the first failure
    assert minutes(1, away)
    absence.ended()
    assert not minutes(4, away)
    clock.sleep(8 * 3600.0)
    assert not absence.lasts_too_long(away)
    assert not minutes(60, no_link)
    assert not minutes(60, silent)
    assert not minutes(5, away)
    assert minutes(1, ServiceError("other", code="not-jupyter"))
    assert not Absence(300.0, clock).lasts_too_long(StorageError("full"))
