"""Connections that break between the kernel and the server: a relay between them is cut."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest_asyncio

from jupyter_datasphere.demo.kernel_client import kernel_of

from .users import Facts, User

SLOW = (
    "%%ds_execute\nimport time\nfor n in range(30):\n    print('line', n, flush=True)\n    time.sleep(0.05)"
)
LINES = "".join(f"line {n}\n" for n in range(30))


class Relay:
    """Passes bytes on to the server until told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self.holding = asyncio.Event()  # cleared: requests are held back
        self.answering = asyncio.Event()  # cleared: answers are
        self.held = 0
        self.losing = False  # True: what was held back does not arrive
        self.cut_after: int | None = None
        """Bytes after which all connections are cut, once."""
        self.when_cut: Callable[[], object] = lambda: None
        self.holding.set()
        self.answering.set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        self._server.close()

    def cut(self) -> int:
        """Break what is open; tells how many connections that were."""
        count = len(self._open)
        for writer in self._open:
            writer.transport.abort()
        return count

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._to)
        self._open.add(writer)
        ways = asyncio.gather(
            self._pass(reader, upstream_writer, self.holding),
            self._pass(upstream_reader, writer, self.answering),
        )
        with suppress(ConnectionError):
            await ways
        self._open.discard(writer)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, open_: asyncio.Event
    ) -> None:
        try:
            while data := await reader.read(65536):
                if self.cut_after is not None:
                    self.cut_after -= len(data)
                    if self.cut_after <= 0:
                        self.cut_after = None
                        self.when_cut()
                        self.cut()
                        return
                if not open_.is_set():
                    self.held += 1
                    await open_.wait()
                    if self.losing:
                        return
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@pytest_asyncio.fixture
async def relay(server: Facts) -> AsyncIterator[Relay]:
    address = urlsplit(server["url"])
    relay = Relay(address.hostname or "", address.port or 0)
    await relay.start()
    yield relay
    relay.refuse()
    relay.cut()


@pytest_asyncio.fixture
async def user(server: Facts, relay: Relay) -> AsyncIterator[User]:
    """A user whose kernel reaches the server through the relay only."""
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run(
            "import os\nfrom urllib.parse import urlsplit\n"
            "os.environ['JUPYTER_RUNTIME_DIR'] = '/nowhere'\n"  # else it finds its parent without the relay
            "url = urlsplit(os.environ['JUPYTER_DATASPHERE_URL'])\n"
            f"os.environ['JUPYTER_DATASPHERE_URL'] = url._replace(netloc='127.0.0.1:{relay.port}').geturl()"
        )
        ready = await user.run("%load_ext jupyter_datasphere\n%ds_project demo-project")
        assert not ready.error, ready.error
        yield user


async def test_a_cut_in_mid_stream_loses_and_doubles_nothing(user: User, relay: Relay) -> None:
    running = await user.start(SLOW)
    for seen in (4, 14):
        await running.until_text(f"line {seen}\n")
        assert relay.cut() > 0
    cell = await running.end()
    assert not cell.error, cell.error
    assert cell.text() == LINES


async def test_a_server_that_stays_away_leaves_the_run_going_on(user: User, relay: Relay) -> None:
    await user.run("from jupyter_datasphere.kernel import tries\ntries.RECONNECTING = 1.0")
    running = await user.start(SLOW)
    await running.until_text("line 4\n")
    relay.refuse()
    relay.cut()
    cell = await running.end()
    execution = (await user.executions())[0]
    assert cell.error["ename"] == "UnavailableError"
    assert f"Execution {execution['id']} goes on" in cell.error["evalue"]
    assert f"%ds_attach {execution['id']} shows all of it" in cell.error["evalue"]
    while execution["state"] not in ("succeeded", "failed", "cancelled"):
        await asyncio.sleep(0.1)
        execution = (await user.executions())[0]
    assert execution["state"] == "succeeded"
    gone = await user.run("%ds_status")
    assert gone.error["ename"] == "UnreachableError"
    assert "does not answer" in gone.error["evalue"]
    assert await user.value("1 + 1") == "2"


async def test_an_interrupt_before_the_request_arrived_leaves_nothing_running(
    user: User, relay: Relay
) -> None:
    before = len(await user.executions())
    relay.holding.clear()
    running = asyncio.create_task(user.run("%%ds_execute\nimport time\ntime.sleep(30)"))
    while not relay.held:
        await asyncio.sleep(0.01)
    await user.interrupt()
    relay.holding.set()
    cell = await asyncio.wait_for(running, 60)
    assert cell.error["ename"] == "KeyboardInterrupt"
    executions = await user.executions()
    if len(executions) == before:
        assert cell.error["evalue"] == "nothing was started"
    else:  # the request was under way, and the cancel came after it
        assert executions[0]["state"] == "cancelled"
        assert cell.error["evalue"].startswith("cancelled: ")


async def test_a_detached_run_whose_answer_is_lost_is_found(user: User, relay: Relay) -> None:
    before = len(await user.executions())
    relay.answering.clear()
    running = asyncio.create_task(user.run("%%ds_execute --detach --handle job\nprint('once')"))
    while len(await user.executions()) == before:
        pass
    relay.cut()
    relay.answering.set()
    cell = await running
    assert not cell.error, cell.error
    assert await user.value("job.wait().text") == "once\n"
    assert len(await user.executions()) == before + 1


async def test_a_detached_run_whose_request_is_lost_was_not_started(user: User, relay: Relay) -> None:
    before = len(await user.executions())
    relay.holding.clear()
    running = asyncio.create_task(user.run("%%ds_execute --detach --handle job\nprint('never')"))
    while not relay.held:
        await asyncio.sleep(0)
    relay.losing = True
    relay.cut()
    relay.holding.set()
    cell = await running
    assert cell.error["ename"] == "UnavailableError"
    assert "Nothing was started" in cell.error["evalue"]
    assert len(await user.executions()) == before
    assert await user.value("'job' in globals()") == "False"


async def test_files_that_are_cut_on_their_way(user: User, relay: Relay, emulator: Facts) -> None:
    project = Path(emulator["root"]) / "projects" / emulator["project_id"]
    content = random.Random(0).randbytes(10_000_000)
    (project / "cut.bin").write_bytes(content)
    relay.cut_after = len(content) // 2
    got = await user.run("%ds_get cut.bin")
    assert (got.error, relay.cut_after) == ({}, None)
    assert await user.value("__import__('hashlib').md5(open('cut.bin', 'rb').read()).hexdigest()") == (
        hashlib.md5(content).hexdigest()
    )
    relay.cut_after = len(content) // 2
    put = await user.run("%ds_put cut.bin came.bin")
    assert (put.error, relay.cut_after) == ({}, None)
    assert (project / "came.bin").read_bytes() == content


async def test_a_file_that_changes_during_a_cut_is_not_patched_together(
    user: User, relay: Relay, emulator: Facts
) -> None:
    project = Path(emulator["root"]) / "projects" / emulator["project_id"]
    (project / "two.bin").write_bytes(bytes(10_000_000))
    relay.cut_after = 5_000_000
    relay.when_cut = lambda: (project / "two.bin").write_bytes(b"x" * 10_000_000)
    refused = await user.run("%ds_get two.bin")
    assert refused.error["ename"] == "ConflictError"
    assert "changed while it was downloaded" in refused.error["evalue"]
    assert (
        await user.value("[f for f in os.listdir() if f.startswith(('two', '.')) and os.path.isfile(f)]")
        == "[]"
    )
