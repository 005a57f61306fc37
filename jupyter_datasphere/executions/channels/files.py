"""The `files` channel: the runner and each request are uploaded, its events come back as files.

Needs today's API with its methods for project files. Each execution has a fresh interpreter: what a session
keeps is in a file of the project meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from ...datasphere import types
from ...datasphere.client import Client
from ...datasphere.files import ProjectFiles
from ...datasphere.schedule import Pace
from ...errors import ExpectedError, ServiceError, UsageError
from ...protocol import (
    ExecutionRequest,
    FinishedEvent,
    NoticeEvent,
    Problem,
    RunnerBatch,
    StartedEvent,
    Variable,
)
from ..runner.notebook import RUNNER_NAME, RUNNER_VERSION
from ..runner.request import FILE_LIMIT, FileRequest, file_request, picture_path, request_path
from .base import Namespace, News, Outcome, Run, Submission, named
from .installed import RUNNER_PATH, InstalledRunner
from .namespaces import variables_of
from .notebooks import no_notebook
from .outcomes import FINISHED, LOST, is_over, operation_of, outcome_of, stopped_by
from .parts import PartReader, UnreadablePart
from .requests import run_request

TRUST_SECONDS = 0.05
"""How long after its last news a run is taken to be alive without a look at its operation."""
REASON_SECONDS = 5.0
"""How long the operation of a run that was interrupted is asked for the reason."""
LATE_SECONDS = 5.0
"""How long after the end of an execution its last parts may yet appear."""
PIECE = 2**20
"""Bytes of parts that are taken in one look."""


class FilesChannel:
    """Runs cells and stored notebooks through the runner, by files of the project.

    `pace` is for looking again and again at runs; `collected` gives the IDs of runs of a project whose events
    are all in the ledger, so that the runner may remove their parts.
    """

    name = "files"
    counts_units = True

    def __init__(
        self,
        client: Client,
        files: ProjectFiles,
        runner: InstalledRunner,
        pace: Pace,
        collected: Callable[[str], list[str]],
    ) -> None:
        self._client = client
        self._files = files
        self._runner = runner
        self._pace = pace
        self._collected = collected

    async def look(self, project_id: str) -> None:
        await self._runner.look(project_id)

    async def open(self, project_id: str) -> None:
        await self._runner.install(project_id)

    async def check(self, project_id: str, request: ExecutionRequest) -> None:
        asked = run_request("0" * 16, request)
        content, _ = file_request(FileRequest(asked))
        if len(content) > FILE_LIMIT:
            raise UsageError(
                f"The code and the inputs of the run take {len(content):,} bytes as JSON; "
                f"at most {FILE_LIMIT:,} bytes can be sent with a run.",
                code="inputs-too-large",
                hint="Put the data into a file of the project and read it there.",
            )
        if asked.kind == "notebook" and await self._files.size(project_id, asked.path) is None:
            raise no_notebook(project_id, asked.path)

    def place(self, project_id: str, request: ExecutionRequest) -> str | None:
        """Runs of one session wait for each other here, where that costs nothing."""
        asked = run_request("0" * 16, request)
        if asked.kind == "notebook" and asked.session is None:
            return None
        return f"{project_id}:session:{asked.session or 'main'}"

    async def submit(self, run: Run) -> Submission:
        assert run.request is not None
        project_id, run_id = run.execution.project_id, run.execution.id
        order = FileRequest(run_request(run_id, run.request), self._collected(project_id))
        content, environment = file_request(order)
        try:
            await self._runner.install(project_id)
            await self._files.upload(project_id, request_path(run_id), content)
        except ExpectedError as error:
            refusal = named(self.name, error)
            refusal.may_have_arrived = False  # what may have arrived are files, not the run
            raise refusal from error
        execute = types.ExecuteRequest(
            notebook_id=RUNNER_PATH, input_variables=dict(environment), spec=run.execution.spec
        )
        try:
            operation = await self._client.execute(project_id, execute, idempotency_key=run.idempotency_key)
        except ServiceError as error:
            if error.code == "not-found":  # somebody took the runner away
                self._runner.forget(project_id)
            raise
        return Submission(operation.id, operation.created_at)

    def follow(self, run: Run) -> PartsFeed:
        return PartsFeed(self._client.paced(self._pace), self._files, self._runner, self._pace, run)

    async def cancel(self, run: Run) -> None:
        if run.execution.operation_id is not None:
            await self._client.cancel_operation(run.execution.operation_id)

    async def variables(
        self, project_id: str, namespace: Namespace, names: list[str]
    ) -> list[Variable] | None:
        try:
            content = await self._files.read(project_id, picture_path(namespace.key))
        except ServiceError as error:
            if error.code != "not-found":
                raise
            return None
        try:
            state = msgspec.json.decode(content)
        except msgspec.DecodeError:
            state = None  # which is no state, and said to be none
        return variables_of(state, namespace, names)


class PartsFeed:
    """Follows a run by the numbers of its parts and events."""

    def __init__(
        self, client: Client, files: ProjectFiles, runner: InstalledRunner, pace: Pace, run: Run
    ) -> None:
        self._client = client
        self._runner = runner
        self._pace = pace
        self._run = run
        self._cursor = run.source_cursor
        self._parts = PartReader(files, run.execution.project_id, run.execution.id, run.source_cursor)
        self._asked = 0
        self._ended: types.Operation | None = None
        self._aborted: tuple[int, FinishedEvent] | None = None
        """The last event of a run that was interrupted, until it is known why it was."""
        self._last_news = self._ended_at = self._aborted_at = client.transport.here.elapsed()

    async def news(self) -> News:
        now = self._client.transport.here.elapsed()
        if self._aborted is not None:
            return await self._interrupted(*self._aborted, now)
        news = await self._take(now)
        if news.events or news.outcome is not None or self._aborted is not None:
            self._last_news = now
        elif self._ended is not None:
            return self._ended_silently(self._ended, now)
        elif now - self._last_news >= TRUST_SECONDS:
            operation = await operation_of(self._client, self._run)
            if operation is None:
                return News(outcome=LOST)
            if operation.done:  # a part may have come since we looked: the next look tells
                self._ended, self._ended_at = operation, now
        return news

    async def rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def settled(self) -> bool:
        return self._ended is not None or await is_over(self._client, self._run)

    async def _take(self, now: float) -> News:
        """The events of the parts that have appeared."""
        news = News()
        size = 0
        while size < PIECE and news.outcome is None and self._aborted is None:
            await self._pace.turn(self._asked)
            self._asked += 1
            try:
                part = await self._parts.next()
            except UnreadablePart as missing:
                news.events.append(NoticeEvent(text=str(missing)))
                continue
            if part is None:
                break
            size += part[1]
            self._read(part[0], news, now)
        return news

    def _read(self, batch: RunnerBatch, news: News, now: float) -> None:
        if batch.run != self._run.execution.id:
            return
        for number, event in batch.events:
            if number <= self._cursor:
                continue
            if isinstance(event, FinishedEvent) and event.status == "aborted":
                self._aborted, self._aborted_at = (number, event), now
                return
            self._cursor = news.source_cursor = number
            news.events.append(event)
            if isinstance(event, StartedEvent) and event.runner != RUNNER_VERSION:
                self._runner.forget(self._run.execution.project_id)
                news.events.append(NoticeEvent(text=_OTHER_RUNNER))
            elif isinstance(event, FinishedEvent):
                news.outcome = FINISHED[event.status]

    async def _interrupted(self, number: int, event: FinishedEvent, now: float) -> News:
        """The end of a run that was interrupted; its operation may say why."""
        operation = await operation_of(self._client, self._run)
        if operation is not None and not operation.done and now - self._aborted_at < REASON_SECONDS:
            return News()
        self._ended = operation
        reason = None if operation is None else stopped_by(operation)
        return News([event], number, reason or FINISHED["aborted"])

    def _ended_silently(self, operation: types.Operation, now: float) -> News:
        """The end of an execution whose last part is not there."""
        outcome = outcome_of(operation)
        if outcome.state == "cancelled":
            return News([NoticeEvent(text=_INTERPRETER_GONE)] if self._cursor else [], outcome=outcome)
        if outcome.problem is not None:
            return News(outcome=outcome)
        if now - self._ended_at < LATE_SECONDS:
            return News()
        return News(outcome=Outcome("failed", _SILENT if self._cursor == 0 else _BROKE_OFF))


_OTHER_RUNNER = (
    "Somebody put a runner of another version into the project meanwhile. "
    "The next run puts the present one back."
)

_INTERPRETER_GONE = (
    "The interpreter over there ended before the run did: the variables of its session are as before the run."
)

_SILENT = Problem(
    code="runner-silent",
    title="On the channel files the execution ended without a word of the runner.",
    status=502,
    hint="Look whether the project's disk is full, and whether its kernel is Python with IPython: "
    f"run {RUNNER_NAME} there by hand, which does nothing where all is well.",
)

_BROKE_OFF = Problem(
    code="parts-missing",
    title="On the channel files the execution ended, but the last files with its events did not appear.",
    status=502,
    hint="Look whether the project's disk is full, and at the memory that the code needs.",
)
