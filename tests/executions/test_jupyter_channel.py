"""The `jupyter` channel on an emulator of today's revision: real Jupyter servers, real kernels."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio
from aiohttp import web
from executions.test_service import follow, run, seen, start
from support import Facts, client_for

from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.jupyter_link import Link
from jupyter_datasphere.datasphere.jupyter_server import JupyterServer
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.demo.processes import emulator as run_emulator
from jupyter_datasphere.demo.processes import project_link
from jupyter_datasphere.errors import CredentialsError, ExpectedError, UnavailableError, UsageError
from jupyter_datasphere.executions.channels import remote_kernel
from jupyter_datasphere.executions.channels.base import Namespace, Run, Submission
from jupyter_datasphere.executions.channels.jupyter import JupyterChannel
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.links import Links
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, Execution, ExecutionRequest

PATIENCE = 20.0


class Linked:
    """An emulator, the link of its demo project, and services on both, one after another on one ledger."""

    def __init__(self, facts: Facts, link: Link, client: Client, folder: Path) -> None:
        self.facts = facts
        self.project_id = facts["project_id"]
        self.storage = Path(facts["root"]) / "projects" / facts["project_id"]
        self.link = link
        self.client = client
        self.links = Links()
        self.links.set(self.project_id, link)
        self._folder = folder

    @asynccontextmanager
    async def service(self, links: Links | None = None, **options: Any) -> AsyncIterator[ExecutionService]:
        ledger = Ledger(self._folder)
        finder = ProjectFinder(self.client, organization=self.facts["organization_id"])
        service = ExecutionService(ledger, self.client, finder, links=links or self.links, **options)
        service.resume()
        try:
            yield service
        finally:
            await service.close()
            ledger.close()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.link.token}"}

    async def kernel_id(self, session: str = "main") -> str:
        server = JupyterServer(self.link)
        try:
            found = await server.find_kernel(f"jupyter-datasphere-{session}")
        finally:
            await server.aclose()
        assert found is not None
        return found

    @asynccontextmanager
    async def another_client(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Somebody else connects to the kernel, as a JupyterLab does."""
        url = f"{self.link.url}api/kernels/{await self.kernel_id()}/channels"
        async with aiohttp.ClientSession(headers=self.headers) as http, http.ws_connect(url) as socket:
            yield socket


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("linked") / "root"
    with run_emulator(root, "--revision", "current") as facts:
        yield {**facts, "root": str(root)}


@pytest.fixture(scope="module")
def link(facts: Facts) -> Link:
    return link_of(facts)


def link_of(facts: Facts) -> Link:
    return Link.parse(project_link(facts))


@pytest_asyncio.fixture
async def linked(facts: Facts, link: Link, tmp_path: Path) -> AsyncIterator[Linked]:
    client = client_for(facts)
    yield Linked(facts, link, client, tmp_path / "ledger")
    await client.transport.aclose()


@pytest_asyncio.fixture
async def service(linked: Linked) -> AsyncIterator[ExecutionService]:
    async with linked.service() as service:
        yield service


async def eventually(question: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await question():
            await asyncio.sleep(0.01)


# Beyond what every channel promises


async def test_cancelling_what_runs_and_what_waits(service: ExecutionService) -> None:
    first = await start(service, "import subprocess\nprint('begun')\nsubprocess.run(['sleep', '93'])")
    second = await start(service, "print('never')")
    await seen(service, first.id, "begun")
    assert service.get(second.id).state == "queued"
    service.cancel(second.id)
    assert (await follow(service, second.id)).execution.state == "cancelled"
    service.cancel(first.id)
    ran = await follow(service, first.id)
    assert (ran.execution.state, ran.text) == ("cancelled", "begun\n")
    assert (await run(service, "print('usable')")).text == "usable\n"


async def test_20_megabytes_come_complete_and_in_order(service: ExecutionService) -> None:
    ran = await run(service, "for i in range(200_000): print(f'{i:07}', 'x' * 91)")
    assert ran.execution.state == "succeeded"
    assert ran.text == "".join(f"{i:07} {'x' * 91}\n" for i in range(200_000))


# Interruptions


WRITES = """
import time, pathlib
for i in range(20):
    print(i, flush=True)
    if i == 3:
        while not pathlib.Path('{flag}').exists(): time.sleep(0.01)
    time.sleep(0.02)
open('{flag}.count', 'a').write('x')
"""
LINES = "".join(f"{i}\n" for i in range(20))


async def test_nothing_is_lost_when_another_client_connects_while_we_are_away(linked: Linked) -> None:
    done = linked.storage / "away.count"
    async with linked.service() as service:
        execution = await start(service, WRITES.format(flag="away"))
        await seen(service, execution.id, "3\\n")
    (linked.storage / "away").touch()
    async with linked.another_client() as socket:
        # It takes what the server kept for us, until the code is through.
        while not done.exists():
            await socket.receive(timeout=PATIENCE)
    async with linked.service() as service:
        ran = await follow(service, execution.id)
    assert (ran.execution.state, ran.text) == ("succeeded", LINES)
    assert done.read_text() == "x"


async def test_another_client_beside_us_takes_nothing(linked: Linked, service: ExecutionService) -> None:
    execution = await start(service, WRITES.format(flag="beside"))
    await seen(service, execution.id, "3\\n")
    async with linked.another_client():
        (linked.storage / "beside").touch()
        ran = await follow(service, execution.id)
    assert (ran.execution.state, ran.text) == ("succeeded", LINES)


async def test_a_run_that_ended_while_we_were_away(linked: Linked) -> None:
    async with linked.service() as service:
        execution = await start(service, WRITES.format(flag="ended"))
        await seen(service, execution.id, "3\\n")
    (linked.storage / "ended").touch()

    async def ended() -> bool:
        return (linked.storage / "ended.count").exists()

    await eventually(ended)
    async with linked.service() as service:
        ran = await follow(service, execution.id)
        assert (ran.execution.state, ran.text) == ("succeeded", LINES)
        assert (await run(service, "print('next')")).text == "next\n"
    assert (linked.storage / "ended.count").read_text() == "x"


async def test_without_the_link_a_run_is_followed_once_it_is_given(linked: Linked) -> None:
    async with linked.service() as service:
        execution = await start(service, WRITES.format(flag="linkless"))
        await seen(service, execution.id, "3\\n")
    (linked.storage / "linkless").touch()
    links = Links()
    async with linked.service(links) as service:
        await seen(service, execution.id, "cannot be followed now")
        links.set(linked.project_id, linked.link)
        ran = await follow(service, execution.id)
    assert (ran.execution.state, ran.text) == ("succeeded", LINES)


def _sent(linked: Linked, execution_id: str, code: str) -> Run:
    request = ExecutionRequest(source=Code(source=code, session="once"))
    execution = Execution(execution_id, "staged", linked.project_id, request.source, "c1.4", "jupyter", 0.0)
    return Run(execution, request, "")


async def test_a_run_that_is_sent_again_does_not_run_again(linked: Linked) -> None:
    """As after a crash between sending and noting that it was sent."""
    run_ = _sent(linked, os.urandom(8).hex(), "open('once', 'a').write('x')")
    submissions = []
    for _ in range(3):
        channel = JupyterChannel(linked.links)
        submissions.append(await channel.submit(run_))
        await channel.aclose()

    async def ran() -> bool:
        return (linked.storage / "once").exists()

    await eventually(ran)
    channel = JupyterChannel(linked.links)
    run_.execution.operation_id = (await channel.submit(run_)).operation_id
    feed = channel.follow(run_)
    async with asyncio.timeout(PATIENCE):
        while (news := await feed.news()).outcome is None:
            await feed.rest(0.1)
    assert news.outcome.state == "succeeded"
    await channel.aclose()
    assert (linked.storage / "once").read_text() == "x"
    assert len({submission.operation_id for submission in submissions}) == 1


async def test_a_run_that_was_begun_in_a_kernel_that_died_is_not_begun_in_another(linked: Linked) -> None:
    code = (
        "import os, time\nopen('dies', 'a').write('x')\n"
        "while not os.path.exists('dies.now'): time.sleep(0.01)\nos.kill(os.getpid(), 9)"
    )
    run_ = _sent(linked, os.urandom(8).hex(), code)
    channel = JupyterChannel(linked.links)
    sent = await channel.submit(run_)
    (linked.storage / "dies.now").touch()

    async def died() -> bool:
        await channel.variables(linked.project_id, Namespace(session="once"), [])
        kernel = await channel.kernel(linked.project_id, sent.operation_id.partition("/")[0])
        return kernel.process != sent.operation_id.partition("/")[2]

    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                if await died():
                    break
            except UnavailableError:
                await asyncio.sleep(0.05)
    run_.execution.operation_id = (await _submitted(channel, run_)).operation_id
    feed = channel.follow(run_)
    async with asyncio.timeout(PATIENCE):
        while (news := await feed.news()).outcome is None:
            await feed.rest(0.1)
    assert news.outcome.state == "lost"
    await channel.aclose()
    assert (linked.storage / "dies").read_text() == "x"


async def _submitted(channel: JupyterChannel, run_: Run) -> Submission:
    """Sent as a follower does it: again, where whether it arrived is not known."""
    while True:
        try:
            return await channel.submit(run_)
        except UnavailableError as error:
            assert error.may_have_arrived


async def test_a_kernel_that_is_killed_ends_the_run_as_lost(service: ExecutionService) -> None:
    execution = await start(service, "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(94)")
    ran = None
    async with asyncio.timeout(PATIENCE):
        while not ran:
            await seen(service, execution.id, "stdout")
            ran = [event async for page in _pages(service, execution.id) for event in page]
    pid = next(
        int(word)
        for word in b" ".join(ran).replace(b"\\n", b" ").replace(b'"', b" ").split()
        if word.isdigit() and int(word) > 100
    )
    os.kill(pid, signal.SIGKILL)
    ended = await follow(service, execution.id)
    assert ended.execution.state == "lost"
    assert ended.execution.problem is not None and ended.execution.problem.code == "kernel-ended"
    assert (await run(service, "print('fresh')")).text == "fresh\n"


async def _pages(service: ExecutionService, execution_id: str) -> AsyncIterator[list[bytes]]:
    async for page in service.events(execution_id):
        yield [text for _, text in page]
        return


async def test_an_interrupt_over_there_ends_the_run_and_spares_the_session(
    linked: Linked, service: ExecutionService
) -> None:
    code = "import time\nkept = 1\nprint('on')\ntime.sleep(95)"
    execution = await start(service, Code(source=code, session="interrupted"))
    await seen(service, execution.id, "on\\n")
    async with aiohttp.ClientSession(headers=linked.headers) as http:
        kernel_id = await linked.kernel_id("interrupted")
        await http.post(f"{linked.link.url}api/kernels/{kernel_id}/interrupt")
    ended = (await follow(service, execution.id)).execution
    assert ended.problem is not None and ended.problem.code == "interrupted"
    assert "run it again" in (ended.problem.hint or "")
    assert (await run(service, Code(source="print(kept)", session="interrupted"))).text == "1\n"


async def test_a_kernel_that_is_shut_down_over_there_ends_the_run(
    linked: Linked, service: ExecutionService
) -> None:
    execution = await start(service, Code(source="import time\nprint('on')\ntime.sleep(95)", session="shut"))
    await seen(service, execution.id, "on\\n")
    async with aiohttp.ClientSession(headers=linked.headers) as http:
        await http.delete(f"{linked.link.url}api/kernels/{await linked.kernel_id('shut')}")
    ended = await follow(service, execution.id)
    assert (ended.execution.state, ended.text) == ("failed", "on\n")
    assert ended.execution.problem is not None and ended.execution.problem.code == "kernel-ended"
    assert "was shut down" in ended.execution.problem.title
    fresh = await run(service, Code(source="print('fresh')", session="shut"))
    assert fresh.text == "fresh\n"


async def test_a_kernel_that_was_shut_down_between_cells_is_not_waited_for(
    linked: Linked, service: ExecutionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has said so, and its server need not be asked first."""
    monkeypatch.setattr(remote_kernel, "BUSY_SECONDS", PATIENCE)
    await run(service, Code(source="kept = 1", session="between"))
    async with aiohttp.ClientSession(headers=linked.headers) as http:
        await http.delete(f"{linked.link.url}api/kernels/{await linked.kernel_id('between')}")
    async with asyncio.timeout(PATIENCE / 2):
        assert (await run(service, Code(source="print('fresh')", session="between"))).text == "fresh\n"


async def test_a_server_that_has_stopped_keeps_a_run_waiting_until_it_is_cancelled(tmp_path: Path) -> None:
    with run_emulator(tmp_path / "root", "--revision", "current") as facts:
        facts["root"] = str(tmp_path / "root")
        client = client_for(facts)
        linked = Linked(facts, link_of(facts), client, tmp_path / "ledger")
        async with linked.service() as service:
            execution = await start(service, "import os, time\nprint('on')\ntime.sleep(96)")
            await seen(service, execution.id, "on\\n")
            os.kill(server_of(facts), signal.SIGTERM)
            await seen(service, execution.id, "cannot be followed now")
            with pytest.raises(UnavailableError, match="VM may have stopped"):
                await start(service, "print('another')")
            service.cancel(execution.id)
            ended = (await follow(service, execution.id)).execution
            assert ended.state == "lost"
            assert ended.problem is not None and "may go on over there" in ended.problem.title
        await client.transport.aclose()


def server_of(facts: Facts) -> int:
    """The process of the emulator's only Jupyter server."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any("jupyter_main.py" in word for word in words) and any(facts["root"] in word for word in words):
            return int(process.pid)
    raise AssertionError("no Jupyter server")


async def test_more_than_fits_into_memory_is_kept_while_we_are_away(linked: Linked) -> None:
    flag = linked.storage / "much.done"
    code = (
        "import pathlib\nprint('begun', flush=True)\n"
        "while not pathlib.Path('much').exists(): pass\n"
        "for i in range(300_000): print(f'{i:07}', 'x' * 91)\n"
        "pathlib.Path('much.done').touch()"
    )
    async with linked.service() as service:
        execution = await start(service, code)
        await seen(service, execution.id, "begun")
    (linked.storage / "much").touch()

    async def done() -> bool:
        return flag.exists()

    await eventually(done)
    async with linked.service() as service:
        ran = await follow(service, execution.id)
    assert ran.text == "begun\n" + "".join(f"{i:07} {'x' * 91}\n" for i in range(300_000))


# Links


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://host.example/?token=abc", "https://host.example/"),
        (
            "https://host.example:8443/user/x/lab/tree/a.ipynb?token=abc&reset",
            "https://host.example:8443/user/x/",
        ),
        (" https://host.example/base/tree?token=abc#x\n", "https://host.example/base/"),
        ("http://127.0.0.1:8888/lab?token=abc", "http://127.0.0.1:8888/"),
    ],
)
def test_a_pasted_link(text: str, url: str) -> None:
    link = Link.parse(text)
    assert (link.url, link.token) == (url, "abc")
    assert "abc" not in f"{link} {link!r}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no link"),
        ("host.example/lab?token=hidden", "no link"),
        ("https://[::1/?token=hidden", "no link"),
        ("https://host.example/lab", "no ?token="),
        ("http://host.example/lab?token=hidden", "https://"),
    ],
)
def test_a_bad_link_is_refused_with_a_remedy_and_without_its_token(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        Link.parse(text)
    assert words in str(caught.value)
    assert "Share menu" in str(caught.value)
    assert "hidden" not in str(caught.value)


async def refusal(link: Link) -> ExpectedError:
    server = JupyterServer(link)
    with pytest.raises(ExpectedError) as caught:
        await server.check()
    await server.aclose()
    assert link.token not in str(caught.value)
    assert caught.value.hint is not None
    return caught.value


async def test_a_good_link_tells_the_version(link: Link) -> None:
    server = JupyterServer(link)
    assert (await server.check())[0].isdigit()
    await server.aclose()


async def test_an_expired_token(link: Link) -> None:
    error = await refusal(Link(link.url, "expired-token"))
    assert isinstance(error, CredentialsError)
    assert error.code == "link-expired"


async def test_nobody_there(unused_port: int) -> None:
    error = await refusal(Link(f"http://127.0.0.1:{unused_port}/", "some-token"))
    assert isinstance(error, UnavailableError)
    assert error.code == "link-unavailable"


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_something_that_is_no_jupyter_server(facts: Facts) -> None:
    assert (await refusal(Link(f"{facts['url']}/", "some-token"))).code == "not-jupyter"


async def test_a_page_that_leads_to_a_login_is_no_jupyter_server_and_gets_no_token() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        raise web.HTTPFound("/login")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    assert (await refusal(Link(f"http://127.0.0.1:{port}/", "some-token"))).code == "not-jupyter"
    assert asked == ["/api"]
    await runner.cleanup()


async def test_a_run_with_a_bad_link_is_refused_before_anything_is_written(linked: Linked) -> None:
    links = Links()
    links.set(linked.project_id, Link(linked.link.url, "expired-token"))
    async with linked.service(links) as service:
        with pytest.raises(CredentialsError, match="expired"):
            await start(service, "print(1)")
        assert service.search() == []
        assert "expired" in (await service.choices.findings(linked.project_id))["jupyter"]
