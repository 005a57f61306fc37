"""The `jupyter` channel: the runner in kernels of the project's own Jupyter server, one for each session.

Exactly once by the execution's ID, which the runner in the kernel records. What it sends is shown at once;
what was missed, for whatever reason, is asked for by the number of the last event that the ledger has. Units
are not known: the machine runs whether or not anything is executed.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from ...clocks import SYSTEM, Clock
from ...datasphere.jupyter_contents import LinkedFiles
from ...datasphere.jupyter_server import JupyterServer
from ...datasphere.schedule import LINK_PATIENCE
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
from .absence import Absence
from .base import Namespace, News, Outcome, Run, Submission
from .namespaces import variables_of
from .notebooks import no_notebook
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
REASON_SECONDS = 2.0
"""How long after a run was interrupted by somebody else its kernel may yet say that it was shut down."""
LAST_WORDS_SECONDS = 0.5
"""How long after a kernel has said that it was shut down the end of its run may yet arrive."""

KERNEL_ENDED = Outcome(
    "lost",
    Problem(
        code="kernel-ended",
        title="Channel jupyter: the kernel over there ended before the run did; the variables of its session "
        "are gone.",
        status=410,
        hint="Look at the memory that the code needs, and in the project whether its results are there.",
    ),
)
KERNEL_GONE = Outcome(
    "lost",
    Problem(
        code="kernel-ended",
        title="Channel jupyter: the project's Jupyter server does not have the kernel of this run any more: "
        "it was shut down, or the VM was started anew. The variables of its session are gone.",
        status=410,
        hint="Look in the project whether its results are there before you run it again.",
    ),
)
KERNEL_SHUT_DOWN = Outcome(
    "cancelled",
    Problem(
        code="kernel-ended",
        title="Channel jupyter: the kernel over there was shut down or started anew while the run was on; "
        "the variables of its session are gone.",
        status=410,
        hint="Before you run it again, run what it needs of the session.",
    ),
)


class JupyterChannel:
    """Runs cells and stored notebooks in kernels of the servers whose links are known."""

    name = "jupyter"
    counts_units = False

    def __init__(self, links: Links, *, patience: float = LINK_PATIENCE, clock: Clock = SYSTEM) -> None:
        """`patience`: seconds for which a server is tried to be reached before a run in it is given up."""
        self.patience = patience
        self.clock = clock
        self._links = links
        self.files = LinkedFiles(self.server)
        """Files of the projects, through the same servers."""
        self._servers: dict[str, JupyterServer] = {}
        self._kernels: dict[tuple[str, str], RemoteKernel] = {}
        """By project and kernel ID."""
        self._ids: dict[tuple[str, str], str] = {}
        """Kernel IDs by project and name, as last found."""
        self._finding = asyncio.Lock()
        self.unreachable: dict[str, ExpectedError] = {}
        """By the ID of a run: why its cancellation could not be told."""
        self.cancelled: set[str] = set()
        """IDs of runs that were interrupted from here."""

    async def aclose(self) -> None:
        """Close all connections. What runs goes on over there."""
        for project_id in list(self._servers):
            await self._leave(project_id)

    async def look(self, project_id: str) -> None:
        await (await self.server(project_id)).check()

    async def open(self, project_id: str) -> None:
        server = await self.server(project_id)
        if not any(kernel.open for (of, _), kernel in self._kernels.items() if of == project_id):
            await server.check()

    async def check(self, project_id: str, request: ExecutionRequest) -> None:
        asked = run_request("0" * 16, request)
        environment(asked)
        if asked.kind == "notebook" and await self.files.size(project_id, asked.path) is None:
            raise no_notebook(project_id, asked.path)
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
        self.cancelled.add(run.execution.id)
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
        server = await self.server(project_id)
        kernel_id = await server.find_kernel(_kernel_name(namespace.session or "main"))
        if kernel_id is None:
            return None
        kernel = await self.kernel(project_id, kernel_id)
        await kernel.ready()
        answer = await kernel.ask(what="variables")
        return variables_of(answer.variables, namespace, names)

    async def kernel(self, project_id: str, kernel_id: str) -> RemoteKernel:
        """A kernel by its ID. Raises `CredentialsError` where no link is known."""
        server = await self.server(project_id)
        key = (project_id, kernel_id)
        if key not in self._kernels:
            self._kernels[key] = RemoteKernel(server, kernel_id)
        return self._kernels[key]

    async def server(self, project_id: str) -> JupyterServer:
        """The server of a project. Raises `CredentialsError` where no link is known."""
        await self._links.load(project_id)  # also for a run of a server before this one
        link = self._links.get(project_id)
        server = self._servers.get(project_id)
        if server is not None and server.link == link:
            return server
        if server is not None:
            await self._leave(project_id)
        if link is None:
            trouble = self._links.trouble(project_id)
            raise CredentialsError(
                f"The link to the own Jupyter server of project {project_id} is not known."
                + (f" {trouble}" if trouble else ""),
                code="no-link",
                hint="Open the project, copy its link for external IDE from the Share menu, and give it to "
                "`jupyter datasphere link`.",
            )
        server = self._servers[project_id] = JupyterServer(link)
        return server

    def give_up(self, run: Run) -> None:
        """Expect nothing more of a run."""
        self.cancelled.discard(run.execution.id)
        kernel = self._kernels.get((run.execution.project_id, _parts(run)[0]))
        if kernel is not None:
            kernel.inboxes.pop(run.execution.id, None)

    # Inside

    async def _session_kernel(self, project_id: str, session: str) -> RemoteKernel:
        """The kernel of a session, started if need be, and connected."""
        server = await self.server(project_id)
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
        self._absence = Absence(channel.patience, channel.clock)

    async def rest(self, seconds: float) -> None:
        if self._inbox is None:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._inbox.arrived.wait()

    async def news(self) -> News:
        try:
            news = await self._news()
        except (CredentialsError, ServiceError, UnavailableError) as error:
            reason = self._channel.unreachable.pop(self._id, None)
            if reason is not None:
                outcome = _given_up(reason)
            elif self._absence.lasts_too_long(error):
                outcome = self._absence.outcome(error)
            else:
                raise
            self._channel.give_up(self._run)
            return News(outcome=outcome)
        self._absence.ended()
        return news

    async def _news(self) -> News:
        kernel = await self._channel.kernel(self._run.execution.project_id, self._kernel_id)
        inbox = kernel.inboxes.get(self._id)
        if inbox is None:  # sent by an earlier process, or by another link: who knows what was missed
            inbox = kernel.inboxes[self._id] = Inbox()
            self._gap = True
        self._inbox = inbox
        inbox.arrived.clear()
        if kernel.ended_at is not None:
            if not self._status and time.monotonic() - kernel.ended_at < LAST_WORDS_SECONDS:
                return self._arrived(inbox)
            return self._end_without_kernel(inbox, KERNEL_SHUT_DOWN)
        try:
            await kernel.connected()
        except ServiceError as error:
            if error.code != "no-such-kernel":
                raise
            return self._end_without_kernel(inbox, KERNEL_GONE)
        if kernel.process != self._process:
            return self._end_without_kernel(inbox, KERNEL_ENDED)
        now = time.monotonic()
        if self._interrupted:  # a kernel that is shut down is interrupted first
            return self._complete(News(), now)
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
        if inbox.batches or self._gap:
            inbox.arrived.set()
        return self._complete(news, now)

    async def settled(self) -> bool:
        """At once: a kernel runs one after the other. What the ledger has may be dropped over there."""
        self._channel.give_up(self._run)
        if self._status:
            with suppress(CredentialsError, ServiceError, UnavailableError):
                kernel = await self._channel.kernel(self._run.execution.project_id, self._kernel_id)
                await kernel.tell(what="acknowledge", run=self._id, after=self._cursor)
        return True

    async def _look(self, kernel: RemoteKernel, inbox: Inbox, now: float) -> News:
        """Ask for everything after the last event."""
        try:
            answer: Answer = await kernel.ask(what="look", run=self._id, after=self._cursor, limit=PIECE)
        except UnavailableError as error:
            if error.code not in ("kernel-silent", "link-lost"):
                raise
            return News()  # it computes and cannot answer now, or has died: the next connection tells
        news = News()
        self._gap = False
        self._told, self._acknowledged = now, self._cursor
        if answer.state == "gone":
            return self._end_without_kernel(inbox, KERNEL_ENDED)
        for batch in answer.batches:
            self._take(batch, news)
        if answer.state == "waiting" and now - self._begun > RUN_AGAIN_SECONDS:
            self._begun = now
            await kernel.run(self._id)
        if self._cursor < answer.last:
            self._gap = True  # there is more of it
        elif answer.state == "done":
            self._status = answer.status
        if self._gap:
            inbox.arrived.set()
        return self._complete(news, now)

    def _complete(self, news: News, now: float) -> News:
        """The same, with the end of the run if that is known."""
        reason_may_come = self._interrupted and now - self._heard < REASON_SECONDS
        if self._status and not self._gap and not reason_may_come:
            news.outcome = FINISHED[self._status]
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

    @property
    def _interrupted(self) -> bool:
        """Whether the run was interrupted by somebody else."""
        return self._status == "aborted" and self._id not in self._channel.cancelled

    def _end_without_kernel(self, inbox: Inbox, unheard: Outcome) -> News:
        """The end of a run whose kernel has ended; `unheard`: that of one which did not tell its own."""
        news = self._arrived(inbox)
        news.outcome = FINISHED[self._status] if self._status else unheard
        if self._interrupted:
            news.outcome = KERNEL_SHUT_DOWN
        self._channel.give_up(self._run)
        return news

    def _arrived(self, inbox: Inbox) -> News:
        news = News()
        while inbox.batches and not self._gap:
            self._take(inbox.batches.popleft(), news)
        return news


def _given_up(reason: ExpectedError) -> Outcome:
    """The end of a run that was to be cancelled where nobody answers."""
    problem = Problem.of(reason)
    problem.title = f"Channel jupyter: the run was given up here and may go on over there. {problem.title}"
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
