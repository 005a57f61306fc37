"""The `jupyter` channel: the runner in kernels of the project's own Jupyter server, one for each session.

Exactly once by the execution's ID, which the runner in the kernel records. What it sends is shown at once;
what was missed, for whatever reason, is asked for by the number of the last event that the ledger has. Units
are not known: the machine runs whether or not anything is executed.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from ...datasphere.jupyter_server import JupyterServer
from ...errors import CredentialsError, ExpectedError, ServiceError, UnavailableError
from ...protocol import (
    Cell,
    Event,
    ExecutionRequest,
    FinishedEvent,
    Problem,
    RunnerBatch,
    Source,
    Variable,
)
from ..links import Links
from ..runner.request import environment
from .base import Namespace, News, Outcome, Run, Submission
from .namespaces import variables_of
from .outcomes import FINISHED
from .remote_kernel import Answer, Inbox, RemoteKernel
from .requests import run_request

LOOK_SECONDS = 1.0
"""After so long a silence the runner is asked whether something was missed."""
ACKNOWLEDGE_SECONDS = 0.5
RUN_AGAIN_SECONDS = 5.0
"""After so long the word to run what is still on the desk is given again: it may have been lost."""
PIECE = 2**20
"""Bytes of events that are asked for at once."""
PIECE_BATCHES = 16
"""Batches that are taken at once."""
CANCEL_PATIENCE = 2.0

KERNEL_ENDED = Outcome(
    "lost",
    Problem(
        code="kernel-ended",
        title="The kernel over there ended before the run did; the variables of its session are gone.",
        status=410,
        hint="Look at the memory that the code needs, and in the project whether its results are there.",
    ),
)


class JupyterChannel:
    """Runs cells and stored notebooks in kernels of the servers whose links are known."""

    name = "jupyter"
    counts_units = False

    def __init__(self, links: Links) -> None:
        self._links = links
        self._servers: dict[str, JupyterServer] = {}
        self._kernels: dict[tuple[str, str], RemoteKernel] = {}
        """By project and kernel ID."""
        self._ids: dict[tuple[str, str], str] = {}
        """Kernel IDs by project and name, as last found."""
        self._finding = asyncio.Lock()
        self.unreachable: dict[str, ExpectedError] = {}
        """By the ID of a run: why its cancellation could not be told."""

    async def aclose(self) -> None:
        """Close all connections. What runs goes on over there."""
        for project_id in list(self._servers):
            await self._leave(project_id)

    async def check(self, project_id: str, request: ExecutionRequest) -> None:
        environment(run_request("0" * 16, request))
        await self._session_kernel(project_id, _session(request.source))

    def place(self, project_id: str, request: ExecutionRequest) -> str | None:
        return f"{project_id}:{_kernel_name(_session(request.source))}"

    async def submit(self, run: Run) -> Submission:
        assert run.request is not None
        kernel = await self._session_kernel(run.execution.project_id, _session(run.request.source))
        await kernel.ready()
        kernel.inboxes.setdefault(run.execution.id, Inbox())
        await kernel.start(run_request(run.execution.id, run.request))
        return Submission(f"{kernel.id}/{kernel.process}", "")

    def follow(self, run: Run) -> KernelFeed:
        kernel = self._kernels.get((run.execution.project_id, _parts(run)[0]))
        return KernelFeed(self, run, None if kernel is None else kernel.inboxes.get(run.execution.id))

    async def cancel(self, run: Run) -> None:
        """Interrupt the run, by the runner, which interrupts no other; by the server where that is silent."""
        kernel_id, process = _parts(run)
        project_id = run.execution.project_id
        try:
            kernel = await self.kernel(project_id, kernel_id)
            await kernel.connected()
        except (CredentialsError, UnavailableError) as error:
            self.unreachable[run.execution.id] = error
            raise
        if kernel.process != process:
            return
        try:
            await kernel.ask(what="cancel", run=run.execution.id, patience=CANCEL_PATIENCE)
        except UnavailableError:
            await self._servers[project_id].interrupt(kernel_id)

    async def variables(
        self, project_id: str, namespace: Namespace, names: list[str]
    ) -> list[Variable] | None:
        server = await self._server(project_id)
        kernel_id = await server.find_kernel(_kernel_name(namespace.session or "main"))
        if kernel_id is None:
            return None
        kernel = await self.kernel(project_id, kernel_id)
        await kernel.ready()
        answer = await kernel.ask(what="variables")
        return variables_of(answer.variables, namespace, names)

    async def probe(self, project_id: str) -> str:
        """Whether a project can use this channel: "ok", or the reason why not."""
        if self._links.get(project_id) is None:
            return "no link is known; `jupyter datasphere link` gives one"
        try:
            await (await self._server(project_id)).check()
        except (CredentialsError, ServiceError, UnavailableError) as error:
            return str(error)
        return "ok"

    async def kernel(self, project_id: str, kernel_id: str) -> RemoteKernel:
        """A kernel by its ID. Raises `CredentialsError` where no link is known."""
        server = await self._server(project_id)
        key = (project_id, kernel_id)
        if key not in self._kernels:
            self._kernels[key] = RemoteKernel(server, kernel_id)
        return self._kernels[key]

    # Inside

    async def _server(self, project_id: str) -> JupyterServer:
        link = self._links.get(project_id)
        server = self._servers.get(project_id)
        if server is not None and server.link == link:
            return server
        if server is not None:
            await self._leave(project_id)
        if link is None:
            raise CredentialsError(
                f"The link to the own Jupyter server of project {project_id} is not known any more.",
                code="no-link",
                hint="Open the project, copy its link for external IDE from the Share menu, and give that.",
            )
        server = self._servers[project_id] = JupyterServer(link)
        return server

    async def _session_kernel(self, project_id: str, session: str) -> RemoteKernel:
        """The kernel of a session, started if need be, and connected."""
        server = await self._server(project_id)
        name = _kernel_name(session)
        async with self._finding:  # two who ask at once would start two
            kernel_id = self._ids.get((project_id, name))
            if kernel_id is not None:
                kernel = await self.kernel(project_id, kernel_id)
                with suppress(ServiceError):  # it was shut down
                    await kernel.connected()
                    return kernel
            kernel_id = self._ids[project_id, name] = await server.kernel(name)
            kernel = await self.kernel(project_id, kernel_id)
            await kernel.connected()
            return kernel

    async def _leave(self, project_id: str) -> None:
        for key in [key for key in self._kernels if key[0] == project_id]:
            await self._kernels.pop(key).aclose()
        for name in [key for key in self._ids if key[0] == project_id]:
            del self._ids[name]
        await self._servers.pop(project_id).aclose()


class KernelFeed:
    """Follows a run by the numbers of its events; what the ledger has is acknowledged."""

    def __init__(self, channel: JupyterChannel, run: Run, inbox: Inbox | None) -> None:
        self._channel = channel
        self._run = run
        self._id = run.execution.id
        self._kernel_id, self._process = _parts(run)
        self._cursor = self._acknowledged = run.source_cursor
        self._inbox = inbox
        """None: not sent by this process."""
        self._status = ""
        self._gap = False
        self._begun = self._heard = self._told = time.monotonic()

    async def rest(self, seconds: float) -> None:
        if self._inbox is None:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._inbox.arrived.wait()

    async def news(self) -> News:
        try:
            return await self._news()
        except (CredentialsError, UnavailableError):
            reason = self._channel.unreachable.pop(self._id, None)
            if reason is None:
                raise
            return News(outcome=_given_up(reason))

    async def _news(self) -> News:
        kernel = await self._channel.kernel(self._run.execution.project_id, self._kernel_id)
        inbox = kernel.inboxes.get(self._id)
        if inbox is None:  # sent by an earlier process, or by another link: who knows what was missed
            inbox = kernel.inboxes[self._id] = Inbox()
            self._gap = True
        self._inbox = inbox
        inbox.arrived.clear()
        try:
            await kernel.connected()
        except ServiceError as error:
            if error.code != "no-such-kernel":
                raise
            return self._end(kernel, KERNEL_ENDED)
        if kernel.process != self._process:
            return self._end(kernel, KERNEL_ENDED)
        now = time.monotonic()
        if self._status:
            # Only now the ledger has everything.
            with suppress(UnavailableError):
                await kernel.tell(what="acknowledge", run=self._id, after=self._cursor)
            return self._end(kernel, FINISHED[self._status])
        if self._cursor > self._acknowledged and now - self._told > ACKNOWLEDGE_SECONDS:
            self._told, self._acknowledged = now, self._cursor
            await kernel.tell(what="acknowledge", run=self._id, after=self._cursor)
        news = News()
        for _ in range(PIECE_BATCHES):
            if not inbox.batches or self._gap:
                break
            self._take(inbox.batches.popleft(), news)
        if news.events:
            self._heard = now
        elif self._gap or now - self._heard > LOOK_SECONDS:
            self._heard = now
            return await self._look(kernel, inbox, now)
        if inbox.batches or self._gap or self._status:
            inbox.arrived.set()
        return news

    async def settled(self) -> bool:
        return True  # the kernel runs one after the other

    async def _look(self, kernel: RemoteKernel, inbox: Inbox, now: float) -> News:
        """Ask for everything after the last event."""
        try:
            answer: Answer = await kernel.ask(what="look", run=self._id, after=self._cursor, limit=PIECE)
        except UnavailableError as error:
            if error.code != "kernel-silent":
                raise
            return News()  # it computes and cannot answer now; that its connection lives is known
        news = News()
        self._gap = False
        self._told, self._acknowledged = now, self._cursor
        if answer.state == "gone":
            return self._end(kernel, KERNEL_ENDED)
        for batch in answer.batches:
            self._take(batch, news)
        if answer.state == "waiting" and now - self._begun > RUN_AGAIN_SECONDS:
            self._begun = now
            await kernel.run(self._id)
        if self._cursor < answer.last:
            self._gap = True  # there is more of it
        elif answer.state == "done":
            self._status = answer.status
        if self._gap or self._status:
            inbox.arrived.set()
        return news

    def _take(self, batch: RunnerBatch, news: News) -> None:
        for number, event in batch.events:
            if number <= self._cursor:
                continue
            if number != self._cursor + 1:
                self._gap = True
                return
            self._put(number, event, news)

    def _put(self, number: int, event: Event, news: News) -> None:
        self._cursor = news.source_cursor = number
        news.events.append(event)
        if isinstance(event, FinishedEvent):
            self._status = event.status

    def _end(self, kernel: RemoteKernel, outcome: Outcome) -> News:
        kernel.inboxes.pop(self._id, None)
        return News(outcome=outcome)


def _given_up(reason: ExpectedError) -> Outcome:
    """The end of a run that was to be cancelled where nobody answers."""
    problem = Problem.of(reason)
    problem.title = f"The run was given up here, and may go on over there: {problem.title}"
    return Outcome("lost", problem)


def _parts(run: Run) -> tuple[str, str]:
    """Kernel and process of a run that was sent."""
    kernel_id, _, process = (run.execution.operation_id or "").partition("/")
    return kernel_id, process


def _session(source: Source) -> str:
    """The session in whose kernel it runs: also for a notebook that has a namespace of its own."""
    assert not isinstance(source, Cell)
    return source.session or "main"


def _kernel_name(session: str) -> str:
    return f"jupyter-datasphere-{session}"
