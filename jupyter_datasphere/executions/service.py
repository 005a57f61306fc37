"""Start, follow, cancel, attach: what the handlers call."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any

from ..clocks import SYSTEM, Clock
from ..credentials.accounts import pinned
from ..datasphere.client import Client
from ..datasphere.files import ProjectFiles
from ..datasphere.projects import ProjectFinder
from ..datasphere.schedule import LINK_PATIENCE, QUESTIONS_PER_SECOND, FirstLook, Pace
from ..errors import ConflictError, NotFoundError, StorageError, UsageError
from ..protocol import (
    FINAL_STATES,
    Cell,
    Execution,
    ExecutionRequest,
    LedgerUsage,
    NoticeEvent,
    State,
    Variables,
)
from .arrivals import Arrivals
from .balances import Balances
from .channels.base import Channel, Namespace
from .channels.direct import DirectChannel
from .channels.files import FilesChannel
from .channels.installed import InstalledRunner
from .channels.jupyter import JupyterChannel
from .channels.notebooks import relative
from .channels.state import StateChannel
from .choice import Choices
from .follower import Follower
from .ledger import Ledger
from .ledger_trouble import DAMAGED
from .links import Links
from .naps import Naps
from .places import Places
from .pricing import Pricing, known_spec
from .routing import Routing
from .session_history import SessionHistory
from .signals import Signals
from .tasks import beside
from .variables import complete, values_of, values_request

_log = logging.getLogger(__name__)

_SESSION = re.compile(r"[\w.-]{1,64}")
FOREIGN_SECONDS = 1.0
"""How often the ledger of another server is looked into while somebody watches a run of it."""

TICK_SECONDS = 1.0
"""How often, while anything runs, a look is taken at what may concern all runs."""

COLLECTED: tuple[State, ...] = ("succeeded", "failed", "cancelled")
"""States of runs that have told everything."""
COLLECTED_LIMIT = 100

_EXECUTION_ID = re.compile(r"[0-9a-f]{16}")


class ExecutionService:
    """All runs of this server. Call `resume()` first, `close()` at the end; runs themselves go on."""

    def __init__(
        self,
        ledger: Ledger,
        client: Client,
        projects: ProjectFinder,
        *,
        idempotency_window: float = 3600.0,
        questions_per_second: float = QUESTIONS_PER_SECOND,
        takes_over: Callable[[], bool] = lambda: True,
        profile: Callable[[], str] = lambda: "",
        clock: Clock = SYSTEM,
        files: ProjectFiles | None = None,
        links: Links | None = None,
        link_patience: float = LINK_PATIENCE,
    ) -> None:
        """`takes_over`: whether runs of servers that die are followed here; that needs credentials.
        `profile`: the named credentials in force, which a run keeps for all of its life; empty: none.

        `files`: the files of projects, if they can be reached; `links`: the projects whose own Jupyter
        servers are known; what runs there need not go by the API. `link_patience`: seconds after which a run
        is given up whose linked server cannot be reached.
        """
        self._takes_over = takes_over
        self._profile = profile
        self._ledger = ledger
        self._transport = client.transport
        self._clock = clock
        self._projects = projects
        self._signals = Signals()
        self._places = Places()
        self._first_look = FirstLook()
        self._balances = Balances(client)
        self._pricing = Pricing(projects, self._balances)
        self._history = SessionHistory(ledger)
        self._window = idempotency_window
        self._followers: dict[str, Follower] = {}
        self._arrivals = Arrivals(clock)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._tidying: asyncio.Task[None] | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._closed = False
        pace = Pace(questions_per_second)
        self._files = ProjectFiles("", client.tokens) if files is None else files
        runner = InstalledRunner(self._files)
        links = Links() if links is None else links
        self._direct = DirectChannel(client, pace)
        self._jupyter = JupyterChannel(links, patience=link_patience, clock=clock)
        self.linked_files = self._jupyter.files
        channels: tuple[Channel, ...] = (
            StateChannel(client, runner, pace),
            FilesChannel(client, self._files, runner, pace, self._collected),
            self._jupyter,
            self._direct,
        )
        self._channels = {channel.name: channel for channel in channels}
        self.choices = Choices(self._channels, links, clock)
        self._routing = Routing(self.choices, self._history, self._direct)

    async def close(self) -> None:
        """Stop following. What runs goes on over there and is followed again by another service."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._jupyter.aclose()

    def resume(self) -> None:
        """Go on with every run that another server process left, and drop what is too old."""
        left = [one for one in self._ledger.unfinished() if one.id not in self._followers]
        for execution in left:
            self._follow(self._follower(execution.id, self._channels[execution.channel]))
        if left:
            self._tidy()

    @property
    def running(self) -> int:
        """How many runs are followed: those that have not ended, or that the service has not let go of."""
        return len(self._followers)

    @property
    def unended(self) -> int:
        """How many runs have not ended."""
        return sum(not follower.ended for follower in self._followers.values())

    @property
    def usage(self) -> LedgerUsage:
        """What the ledger takes on disk."""
        return self._ledger.usage()

    def forget_account(self) -> None:
        """What was found out is what another account may see."""
        self.choices.forget_all()
        self._balances.forget_all()

    def _tidy(self) -> None:
        """Prune the ledger beside everything else; once at a time."""
        if self._tidying is None or self._tidying.done():
            self._tidying = self._beside(self._prune())

    def _beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = beside(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _prune(self) -> None:
        # A clock here that was set to a later year does not make everything old: the service's has a say.
        now = min(self._clock.wall(), self._transport.clock.earliest(self._transport.here.elapsed()))
        try:
            dropped = await self._ledger.prune(now)
        except StorageError as error:
            _log.warning("Nothing is dropped from the ledger now: %s", error)
            return
        if dropped:
            _log.info("%d old executions were dropped from the ledger.", dropped)

    # Runs

    async def start(
        self, request: ExecutionRequest, *, project: str | None, execution_id: str | None = None
    ) -> Execution:
        """Check a request and start it; nothing is written where an error is raised.

        `project` is the name or ID in force where the request names none. `execution_id` is the caller's own
        (16 hexadecimal digits), so that it can cancel what it does not yet have an answer for.
        """
        return await self.arrived(self.begin(request, project=project, execution_id=execution_id))

    def begin(
        self, request: ExecutionRequest, *, project: str | None, execution_id: str | None = None
    ) -> str:
        """As `start`, but wait for nothing: gives the ID by which `arrived` and `events` tell the rest."""
        if not isinstance(request.source, Cell):
            _check_session(request.source.session)
        return self._begin(request, project, execution_id or secrets.token_hex(8))

    def _begin(self, request: ExecutionRequest, project: str | None, execution_id: str) -> str:
        if not _EXECUTION_ID.fullmatch(execution_id):
            raise UsageError("An execution ID has 16 hexadecimal digits.")
        task = self._arrivals.admit(execution_id, self._check_and_create(request, project, execution_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return execution_id

    async def arrived(self, execution_id: str) -> Execution:
        """A run, once it is in the ledger. Raises what keeps it from that, and `NotFoundError`."""
        if (task := self._arrivals.of(execution_id)) is not None:
            return await self._arrivals.result(execution_id, task)
        return self.get(execution_id)

    async def _check_and_create(
        self, request: ExecutionRequest, project: str | None, execution_id: str
    ) -> Execution:
        spec = known_spec(request.spec)
        if request.timeout is not None and not request.timeout > 0:
            raise UsageError("The timeout must be more than 0 seconds.")
        found = await self._projects.find(request.project or project)
        channel, notice = await self._routing.of_request(found.id, request)
        price = await self._pricing.price(found, spec, channel, request)
        if self._ledger.exists(execution_id):
            raise ConflictError(f"Execution {execution_id} exists already.")
        execution = Execution(
            id=execution_id,
            state="queued",
            project_id=found.id,
            project_name=found.name,
            source=request.source,
            spec=spec if channel.counts_units else "",
            inputs=list(request.inputs),
            outputs=request.outputs,
            channel=channel.name,
            created_at=self._clock.wall(),
            profile=self._profile(),
        )
        follower: Follower | None = None
        try:
            with self._ledger.together():
                self._ledger.create(execution, request, str(uuid.uuid4()), price)
                if notice is not None:
                    self._ledger.append(execution_id, [NoticeEvent(text=notice)])
                follower = self._follower(execution_id, channel)
                follower.stage()
        except StorageError:
            if follower is not None:
                follower.withdraw()
            raise
        self._history.goes(execution)
        self._follow(follower)
        return self._ledger.execution(execution_id)

    def get(self, execution_id: str) -> Execution:
        """Raises `NotFoundError`."""
        execution = self._ledger.execution(execution_id)
        self._look_after([execution])
        return execution

    def search(self, **filters: Any) -> list[Execution]:
        """Executions, newest first; see `Ledger.search`."""
        found = self._ledger.search(**filters)
        self._look_after(found)
        return found

    def take_over(self) -> None:
        """Go on with the runs of servers that have died."""
        if self._takes_over() and not self._closed:
            self._ledger.adopt()
            self.resume()

    def _look_after(self, seen: Iterable[Execution]) -> None:
        if any(one.state not in FINAL_STATES and one.id not in self._followers for one in seen):
            self.take_over()

    def cancel(self, execution_id: str, reason: str = "interrupt") -> Execution:
        """Ask for the end of a run. Returns at once; the events tell how it ended.

        A run of another server of this user is ended by that one, which looks for such wishes every second.
        Raises `NotFoundError` for an ID that is not known (yet): should a request with it still be on its
        way, it will not be started.
        """
        try:
            execution = self.get(execution_id)
        except NotFoundError:
            self._arrivals.refuse(execution_id)
            raise
        if execution.state not in FINAL_STATES:
            follower = self._followers.get(execution_id)
            if follower is None:
                self._ledger.pass_on_cancel(execution_id)
            else:
                follower.cancel(reason)
        return self._ledger.execution(execution_id)

    async def events(
        self, execution_id: str, after: int = 0, *, idle: float | None = None
    ) -> AsyncGenerator[list[tuple[int, bytes]]]:
        """Pages of (number, JSON) of the events after one, as they come, until the run has ended.

        An empty page comes at once where there is no event yet, and after `idle` seconds without one; for a
        run of another server, whose news nobody brings here, once a second. Raises `NotFoundError`.
        """
        while (arriving := self._arrivals.of(execution_id)) is not None:
            if (await asyncio.wait([arriving], timeout=idle))[0]:
                await self._arrivals.result(execution_id, arriving)
                break
            yield []
        heard = False
        while True:
            changed = self._signals.of(execution_id)
            try:
                execution = self.get(execution_id)
                page = self._ledger.events(execution_id, after) if after < execution.last_event else []
            except StorageError as error:  # locked by another program: the run's events say so afterwards
                if error.code == DAMAGED:
                    raise
                await asyncio.sleep(FOREIGN_SECONDS)
                yield []
                continue
            if page or not heard:
                heard = True
                yield page
                after = page[-1][0] if page else after
                continue
            if execution.state in FINAL_STATES:
                return
            patience = idle if execution_id in self._followers else FOREIGN_SECONDS
            try:
                async with asyncio.timeout(patience):
                    await changed.wait()
            except TimeoutError:
                yield []

    async def finished(self, execution_id: str) -> Execution:
        """Wait for the end of a run."""
        async for _ in self.events(execution_id, self._ledger.execution(execution_id).last_event):
            continue
        return self._ledger.execution(execution_id)

    # Variables

    async def variables(
        self,
        project: str | None,
        *,
        session: str | None,
        notebook: str | None,
        names: list[str],
        channel: str | None = None,
    ) -> Variables:
        """Variables of a session or of a stored notebook, by the channel that a run would take.

        With names, each has its value: one that is not at hand because it is large is fetched by a run that
        does nothing else. Raises `ExpectedError` for a name that does not exist or cannot travel.
        """
        if (session is None) == (notebook is None):
            raise UsageError("Name either a session or a notebook.")
        _check_session(session)
        found_project = await self._projects.find(project)
        namespace = Namespace(session, None if notebook is None else relative(notebook))
        # Until the service has let go of a run, it shows the variables as they were before.
        settling = [f.gone for f in self._followers.values() if f.settling(found_project.id)]
        await asyncio.gather(*(gone.wait() for gone in settling))
        chosen, notice = await self._routing.of_session(found_project.id, session, channel)
        found = await chosen.variables(found_project.id, namespace, names)
        if found is None and chosen.name == "state":  # perhaps the API itself ran the notebook
            found = await self._direct.variables(found_project.id, namespace, names)
        found = found or []
        if names:
            where = f"{namespace.label} of project {found_project.name}"

            async def fetch(wanted: list[str]) -> dict[str, Any]:
                asked = values_request(namespace, wanted, chosen.name)
                run = await self.arrived(self._begin(asked, found_project.id, secrets.token_hex(8)))
                return await values_of(self.events(run.id), wanted)

            found = await complete(found, names, where, fetch)
        return Variables(
            project_id=found_project.id, namespace=namespace.label, variables=found, notice=notice
        )

    # Inside

    def _collected(self, project_id: str) -> list[str]:
        """Runs of a project whose events are all in the ledger, the newest ones."""
        ended = self._ledger.search(states=COLLECTED, project_id=project_id, limit=COLLECTED_LIMIT)
        return [execution.id for execution in ended if execution.channel == "files"]

    def _follower(self, execution_id: str, channel: Channel) -> Follower:
        return Follower(
            execution_id,
            channel,
            self._ledger,
            self._signals,
            self._places,
            self._history,
            self._first_look,
            self._window,
            self._clock,
        )

    def _follow(self, follower: Follower) -> None:
        self._followers[follower.execution_id] = follower
        with pinned(follower.profile):
            task = self._beside(follower.run())
        if self._ticking is None or self._ticking.done():
            self._ticking = self._beside(self._tick())

        def ended(task: asyncio.Task[None]) -> None:
            self._followers.pop(follower.execution_id, None)
            if not task.cancelled():
                self._tidy()

        task.add_done_callback(ended)

    async def _tick(self) -> None:
        """While anything runs: find out whether this computer slept, and which ends other servers want."""
        naps = Naps(self._clock)
        while self._followers:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self._look_around(naps)
            except Exception:  # noqa: BLE001 - logged whole; a look that fails must not end the looking
                _log.exception("What concerns all runs could not be looked at.")

    async def _look_around(self, naps: Naps) -> None:
        if (notice := naps.look()) is not None:
            _log.info("%s", notice)
            for follower in self._followers.values():
                follower.tell(notice)
            await self._transport.reconnect()
            await self._files.reconnect()
        for execution_id in self._ledger.take_cancels():
            if (wanted := self._followers.get(execution_id)) is not None:
                wanted.cancel("interrupt")


def _check_session(name: str | None) -> None:
    if name is not None and not _SESSION.fullmatch(name):
        raise UsageError("A session's name has up to 64 letters, digits, '_', '-' and '.'.")
