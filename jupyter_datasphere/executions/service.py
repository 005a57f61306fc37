"""Start, follow, cancel, attach: what the handlers call."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
import uuid
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from ..datasphere import types
from ..datasphere.client import Client
from ..datasphere.projects import ProjectFinder
from ..datasphere.schedule import QUESTIONS_PER_SECOND, FirstLook, Pace
from ..errors import ConflictError, ExpectedError, NotFoundError, UsageError
from ..protocol import (
    FINAL_STATES,
    Cell,
    Code,
    Event,
    Execution,
    ExecutionRequest,
    LedgerUsage,
    Notebook,
    Variable,
    VariableEvent,
    Variables,
)
from . import costs
from .channels.base import Channel, Namespace
from .channels.direct import DirectChannel
from .channels.notebooks import relative
from .channels.state import StateChannel
from .follower import Follower
from .ledger import Ledger
from .places import Places
from .signals import Signals

_log = logging.getLogger(__name__)

_SESSION = re.compile(r"[\w.-]{1,64}")
FOREIGN_SECONDS = 1.0
"""How often the ledger of another server is looked into while somebody watches a run of it."""
UNWANTED_SECONDS = 60.0
"""How long a request may be under way after its cancellation."""

_EXECUTION_ID = re.compile(r"[0-9a-f]{16}")


class ExecutionService:
    """All runs of this server. Call `resume()` once, `close()` at the end; runs themselves go on."""

    def __init__(
        self,
        ledger: Ledger,
        client: Client,
        projects: ProjectFinder,
        *,
        idempotency_window: float = 3600.0,
        questions_per_second: float = QUESTIONS_PER_SECOND,
    ) -> None:
        self._ledger = ledger
        self._projects = projects
        self._signals = Signals()
        self._places = Places()
        self._first_look = FirstLook()
        self._window = idempotency_window
        self._followers: dict[str, Follower] = {}
        self._unwanted: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._tidying: asyncio.Task[None] | None = None
        asking = client.paced(Pace(questions_per_second))
        self._state = StateChannel(client, asking)
        self._direct = DirectChannel(client, asking)
        self._channels: dict[str, Channel] = {c.name: c for c in (self._state, self._direct)}

    async def close(self) -> None:
        """Stop following. What runs goes on over there and is followed again by `resume()`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def resume(self) -> None:
        """Go on with every run that an earlier server process left, and drop what is too old."""
        for execution in self._ledger.unfinished():
            self._follow(self._follower(execution.id, self._channels[execution.channel]))
        self._tidy()

    @property
    def running(self) -> int:
        """How many runs have not ended."""
        return len(self._followers)

    @property
    def usage(self) -> LedgerUsage:
        """What the ledger takes on disk."""
        return self._ledger.usage()

    def _tidy(self) -> None:
        """Prune the ledger beside everything else; once at a time."""
        if self._tidying is None or self._tidying.done():
            self._tidying = asyncio.create_task(self._prune(), name="prune the ledger")
            self._tasks.add(self._tidying)
            self._tidying.add_done_callback(self._tasks.discard)

    async def _prune(self) -> None:
        dropped = await self._ledger.prune()
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
        source = request.source
        if not isinstance(source, Cell):
            _check_session(source.session)
        return await self._start(request, project=project, execution_id=execution_id)

    async def _start(
        self, request: ExecutionRequest, *, project: str | None, execution_id: str | None = None
    ) -> Execution:
        execution_id = execution_id or secrets.token_hex(8)
        if not _EXECUTION_ID.fullmatch(execution_id):
            raise UsageError("An execution ID has 16 hexadecimal digits.")
        spec = _spec(request.spec)
        if request.timeout is not None and not request.timeout > 0:
            raise UsageError("The timeout must be more than 0 seconds.")
        found = await self._projects.find(request.project or project)
        costs.check(found, spec, request.max_units)
        channel = self._channel(request)
        await channel.check(found.id, request)
        if self._ledger.exists(execution_id):
            raise ConflictError(f"Execution {execution_id} exists already.")
        if self._is_unwanted(execution_id):
            raise ConflictError(f"Execution {execution_id} was cancelled before it was started.")
        execution = Execution(
            id=execution_id,
            state="queued",
            project_id=found.id,
            project_name=found.name,
            source=request.source,
            spec=spec,
            inputs=list(request.inputs),
            outputs=request.outputs,
            channel=channel.name,
            created_at=time.time(),
        )
        with self._ledger.together():
            self._ledger.create(execution, request, str(uuid.uuid4()))
            follower = self._follower(execution_id, channel)
            follower.stage()
        self._follow(follower)
        return self._ledger.execution(execution_id)

    def get(self, execution_id: str) -> Execution:
        """Raises `NotFoundError`."""
        return self._ledger.execution(execution_id)

    def search(self, **filters: Any) -> list[Execution]:
        """Executions, newest first; see `Ledger.search`."""
        return self._ledger.search(**filters)

    def cancel(self, execution_id: str, reason: str = "interrupt") -> Execution:
        """Ask for the end of a run. Returns at once; the events tell how it ended.

        Raises `NotFoundError` for an ID that is not known (yet): should a request with it still be on its
        way, it will not be started.
        """
        try:
            execution = self._ledger.execution(execution_id)
        except NotFoundError:
            self._unwanted[execution_id] = time.monotonic()
            raise
        if execution.state not in FINAL_STATES:
            follower = self._followers.get(execution_id)
            if follower is None:
                raise ConflictError(
                    f"Execution {execution_id} belongs to another Jupyter server of yours.",
                    hint="Cancel it there.",
                )
            follower.cancel(reason)
        return self._ledger.execution(execution_id)

    async def events(
        self, execution_id: str, after: int = 0, *, idle: float | None = None
    ) -> AsyncGenerator[list[tuple[int, bytes]]]:
        """Pages of (number, JSON) of the events after one, as they come, until the run has ended.

        After `idle` seconds without an event comes an empty page; for a run of another server, whose news
        nobody brings here, once a second. Raises `NotFoundError`.
        """
        patience = idle if self._ledger.exists(execution_id) else FOREIGN_SECONDS
        while True:
            changed = self._signals.of(execution_id)
            execution = self._ledger.execution(execution_id)
            while after < execution.last_event and (page := self._ledger.events(execution_id, after)):
                yield page
                after = page[-1][0]
            if execution.state in FINAL_STATES:
                return
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
        self, project: str | None, *, session: str | None, notebook: str | None, names: list[str]
    ) -> Variables:
        """Variables of a session or of a stored notebook.

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
        found = await self._state.variables(found_project.id, namespace, names)
        if found is None:
            found = await self._direct.variables(found_project.id, namespace, names) or []
        if names:
            found = await self._complete(found_project, namespace, found, names)
        return Variables(project_id=found_project.id, namespace=namespace.label, variables=found)

    async def _complete(
        self, project: types.Project, namespace: Namespace, found: list[Variable], names: list[str]
    ) -> list[Variable]:
        by_name = {variable.name: variable for variable in found}
        for name in names:
            if name not in by_name:
                raise ExpectedError(
                    f"There is no variable {name!r} in {namespace.label} of project {project.name}.",
                    code="no-such-variable",
                    hint="%ds_vars lists what is there.",
                    http_status=404,
                )
        wanted = [name for name in names if by_name[name].value is msgspec.UNSET]
        if wanted:
            values = await self._fetch(project, namespace, wanted)
            for name in wanted:
                by_name[name].value = values[name]
        return [by_name[name] for name in names]

    async def _fetch(self, project: types.Project, namespace: Namespace, names: list[str]) -> dict[str, Any]:
        """Values by a run of no code in that namespace."""
        source = Code(source="", session=namespace.key)
        execution = await self._start(ExecutionRequest(source=source, outputs=names), project=project.id)
        ended = await self.finished(execution.id)
        values: dict[str, Any] = {}
        reason = "The run that should fetch them did not succeed."
        async for page in self.events(execution.id):
            for _, text in page:
                event = msgspec.json.decode(text, type=Event)
                if isinstance(event, VariableEvent):
                    values[event.name] = event.value
                elif event.__struct_config__.tag == "failure":
                    reason = event.evalue
        if ended.state != "succeeded" or set(names) - set(values):
            raise ExpectedError(reason, code="variable-cannot-travel")
        return values

    async def channels_of(self, project_id: str) -> dict[str, str]:
        """Which channels a project can use: "ok", or the reason why not."""
        return {"state": await self._state.probe(project_id)}

    # Inside

    def _channel(self, request: ExecutionRequest) -> Channel:
        source = request.source
        direct = isinstance(source, Cell) or (isinstance(source, Notebook) and source.direct)
        return self._direct if direct else self._state

    def _is_unwanted(self, execution_id: str) -> bool:
        oldest = time.monotonic() - UNWANTED_SECONDS
        self._unwanted = {key: at for key, at in self._unwanted.items() if at > oldest}
        return execution_id in self._unwanted

    def _follower(self, execution_id: str, channel: Channel) -> Follower:
        return Follower(
            execution_id,
            channel,
            self._ledger,
            self._signals,
            self._places,
            self._first_look,
            self._window,
        )

    def _follow(self, follower: Follower) -> None:
        self._followers[follower.execution_id] = follower
        task = asyncio.create_task(follower.run(), name=f"execution {follower.execution_id}")
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._followers.pop(follower.execution_id, None)
            if not task.cancelled():
                self._tidy()

        task.add_done_callback(ended)


def _check_session(name: str | None) -> None:
    if name is not None and not _SESSION.fullmatch(name):
        raise UsageError("A session's name has up to 64 letters, digits, '_', '-' and '.'.")


def _spec(name: str | None) -> str:
    spec = name or types.DEFAULT_SPEC
    if spec not in types.SPECS:
        raise UsageError(
            f"There is no computing configuration {spec[:40]!r}.",
            code="unknown-spec",
            hint=f"There are {', '.join(types.SPECS)}.",
        )
    return spec
