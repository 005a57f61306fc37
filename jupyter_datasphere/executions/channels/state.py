"""The `state` channel: the runner notebook in the project, its outputs by ``:cellOutputs``, variables by
``:stateVariables``. Needs revision 2024-03 of the API."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from ...datasphere import types
from ...datasphere.client import Client
from ...datasphere.schedule import Pace
from ...errors import ChannelError, ExpectedError, NotFoundError, ServiceError
from ...protocol import (
    ExecutionRequest,
    FailureEvent,
    FinishedEvent,
    NoticeEvent,
    StartedEvent,
    Variable,
)
from ..runner.notebook import RUNNER_NAME, RUNNER_VERSION
from ..runner.request import environment
from . import outputs
from .base import Namespace, News, Run, Submission
from .installed import RUNNER_PATH, InstalledRunner
from .namespaces import variables_of
from .notebooks import find_notebook
from .outcomes import (
    FINISHED,
    LOST,
    is_over,
    operation_of,
    outcome_of,
    response_of,
    stopped_by,
    without_outputs,
)
from .requests import run_request

STATE_VARIABLE = "jupyter_datasphere_state"
TRUST_SECONDS = 0.05
"""How long after its last news a run is taken to be alive without a look at its operation."""
REASON_SECONDS = 5.0
"""How long the operation of a run that was interrupted is asked for the reason."""
PIECE = 2**20
"""Characters of an answer that are read and written in one go; it may have a hundred times as many."""


class StateChannel:
    """Runs cells and stored notebooks through the runner; `pace` is for looking again and again at runs."""

    name = "state"
    counts_units = True

    def __init__(self, client: Client, runner: InstalledRunner, pace: Pace) -> None:
        self._client = client
        self._runner = runner
        self._pace = pace
        self._runner_cells: dict[str, str] = {}

    async def look(self, project_id: str) -> None:
        await self._runner_cell(project_id)

    async def open(self, project_id: str) -> None:
        try:
            await self._runner_cell(project_id)
        except NotFoundError as error:
            try:
                await self._runner.install(project_id)
            except ExpectedError:
                raise error from None  # whose remedy needs no transfer of files from here
            await self._runner_cell(project_id)

    async def check(self, project_id: str, request: ExecutionRequest) -> None:
        asked = run_request("0" * 16, request)
        environment(asked)
        if asked.kind == "notebook":
            await find_notebook(self._client, project_id, asked.path)

    def place(self, project_id: str, request: ExecutionRequest) -> str | None:
        return f"{project_id}:{RUNNER_PATH}"

    async def submit(self, run: Run) -> Submission:
        assert run.request is not None
        execute = types.ExecuteRequest(
            notebook_id=RUNNER_PATH,
            input_variables=dict(environment(run_request(run.execution.id, run.request))),
            spec=run.execution.spec,
        )
        project_id = run.execution.project_id
        try:
            operation = await self._client.execute(project_id, execute, idempotency_key=run.idempotency_key)
        except ServiceError as error:
            if error.code == "not-found":  # the runner was there when we looked
                self._runner_cells.pop(project_id, None)
                await self._runner_cell(project_id)  # says so, if that is what is missing
            raise
        return Submission(operation.id, operation.created_at)

    def follow(self, run: Run) -> RunnerFeed:
        return RunnerFeed(self._client.paced(self._pace), run, self._runner_cell)

    async def cancel(self, run: Run) -> None:
        if run.execution.operation_id is not None:
            await self._client.cancel_operation(run.execution.operation_id)

    async def variables(
        self, project_id: str, namespace: Namespace, names: list[str]
    ) -> list[Variable] | None:
        await self._runner_cell(project_id)
        answer = await self._client.state_variables(project_id, RUNNER_PATH, [STATE_VARIABLE])
        return variables_of(answer.get(STATE_VARIABLE, {}), namespace, names)

    async def _runner_cell(self, project_id: str) -> str:
        """The ID of the runner's code cell, its last. Raises `NotFoundError` where there is no runner."""
        if project_id in self._runner_cells:
            return self._runner_cells[project_id]
        try:
            metadata = await self._client.notebook_metadata(project_id, RUNNER_PATH)
        except ServiceError as error:
            if error.code == "no-such-method":
                raise ChannelError(
                    "This revision of the API gives no outputs of cells back.",
                    code="no-such-method",
                    hint="It needs revision 2024-03.",
                    request_id=error.request_id,
                ) from error
            if error.code != "not-found":
                raise
            metadata = types.NotebookMetadata()
        if not metadata.cell_ids:
            raise NotFoundError(
                f"Project {project_id} has no runner notebook {RUNNER_NAME}.",
                code="no-runner",
                hint="It is put there by itself where files can be transferred. Else write it with "
                "`jupyter datasphere runner` and upload it to the project's top folder.",
            )
        self._runner_cells[project_id] = metadata.cell_ids[-1]
        return metadata.cell_ids[-1]


class RunnerFeed:
    """Follows a run of the runner by the numbers of its events: exact, whatever is repeated.

    A large answer is given as the news of several looks, piece by piece, so that everything else goes on.
    """

    def __init__(self, client: Client, run: Run, find_cell: Callable[[str], Awaitable[str]]) -> None:
        self._client = client
        self._run = run
        self._find_cell = find_cell
        self._cursor = run.source_cursor
        self._start_at = self._asked_since = run.operation_created_at
        self._texts: deque[str] = deque()
        """What was answered and is not read yet."""
        self._gap = False
        self._ended: types.Operation | None = None
        self._aborted_at: float | None = None
        # The newest run of the runner is what is answered for, which may be another one by now.
        self._last_news = float("-inf") if run.joined else client.transport.here.elapsed()

    async def news(self) -> News:
        news = await self._news()
        if self._ended is not None and news.outcome is not None and news.outcome.state == "cancelled":
            news.outcome = stopped_by(self._ended) or news.outcome
        return news

    async def _news(self) -> News:
        asked = self._client.transport.here.elapsed()
        try:
            news = await self._next(asked)
            if self._gap and not news.events:
                news = await self._next(asked)  # of everything
        except ServiceError as error:
            if error.code not in ("not-found", "no-runner"):
                raise
            return await self._look_at_operation()  # somebody took the runner away: only the end can be told
        if news.events or news.outcome or self._texts:
            self._last_news = asked
            return news
        if asked - self._last_news < TRUST_SECONDS and self._aborted_at is None:
            return news
        return await self._look_at_operation()

    async def rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def settled(self) -> bool:
        return self._ended is not None or await is_over(self._client, self._run)

    async def _look_at_operation(self) -> News:
        operation = await operation_of(self._client, self._run)
        if operation is None:
            return News(outcome=LOST)
        if not operation.done:
            return News()
        self._ended = operation
        try:
            return await self._last_look(operation)
        except ServiceError as error:
            if error.code != "not-found":
                raise
            return News(outcome=without_outputs(operation))

    async def _last_look(self, operation: types.Operation) -> News:
        """What an operation that is done has left."""
        checkpoint = response_of(operation).checkpoint_id
        self._texts.extend(await self._outputs(self._start_at, checkpoint))
        news = self._take()
        if news.events or news.outcome or self._texts:
            return news
        # The runner did not come to its end, or more was missed; what its cell itself printed may tell why.
        all_outputs = await self._outputs("" if checkpoint else self._run.operation_created_at, checkpoint)
        self._texts.extend(all_outputs)
        news = self._take(sum(map(len, all_outputs)))
        if news.outcome is None:
            printed = [outputs.event_of(text) for text in all_outputs if outputs.batch_of(text) is None]
            news.events.extend(printed)
            news.outcome = outcome_of(operation)
            # A run that never began has no checkpoint; one whose cell raised left its interpreter alive.
            raised = any(isinstance(event, FailureEvent) for event in printed)
            if news.outcome.state == "cancelled" and checkpoint and not raised:
                news.events.append(NoticeEvent(text=_INTERPRETER_GONE))
        return news

    async def _next(self, asked: float) -> News:
        """What is new in the next piece of the last answer, or else of another one."""
        if not self._texts:
            self._asked_since = self._start_at
            self._texts.extend(await self._outputs(self._start_at))
            if self._client.transport.clock.known:
                # What was not in this answer was made after the service began to answer.
                # No matter what we took for it before: the service's clock may have been set back.
                self._start_at = _timestamp(self._client.transport.clock.earliest(asked))
        return self._take()

    async def _outputs(self, start_at: str, checkpoint: str = "") -> list[str]:
        project_id = self._run.execution.project_id
        cell_id = await self._find_cell(project_id)
        return await self._client.cell_outputs(
            project_id, cell_id, start_at=start_at, checkpoint_id=checkpoint
        )

    def _reason_may_come(self) -> bool:
        """Whether the operation may yet say why the code was interrupted: the runner's end waits for that."""
        now = self._client.transport.here.elapsed()
        if self._aborted_at is None:
            self._aborted_at = now
        return self._ended is None and now - self._aborted_at < REASON_SECONDS

    def _ask_again(self, start_at: str) -> None:
        """Read nothing more of this answer, and ask for it again."""
        self._texts.clear()
        self._start_at = start_at

    def _take(self, limit: int = PIECE) -> News:
        """The events that are new in a piece of the answer; those of other runs are left alone.

        Where one was missed, because one of the clocks was set, everything is asked for next.
        """
        news = News()
        self._gap = False
        while self._texts and limit > 0:
            text = self._texts.popleft()
            limit -= len(text)
            batch = outputs.batch_of(text)
            if batch is None or batch.run != self._run.execution.id:
                continue
            for number, event in batch.events:
                if number <= self._cursor:
                    continue
                if number != self._cursor + 1:
                    self._gap = True
                    self._ask_again("")
                    return news
                if isinstance(event, FinishedEvent) and event.status == "aborted" and self._reason_may_come():
                    self._ask_again(self._asked_since)
                    return news
                self._cursor = news.source_cursor = number
                news.events.append(event)
                if isinstance(event, StartedEvent) and event.runner != RUNNER_VERSION:
                    news.events.append(NoticeEvent(text=_OTHER_RUNNER))
                elif isinstance(event, FinishedEvent):
                    news.outcome = FINISHED[event.status]
        return news


_INTERPRETER_GONE = (
    "The interpreter over there ended before the run did: the variables of all its sessions are gone."
)

_OTHER_RUNNER = (
    "The runner in the project is of another version than this package. "
    "Write the present one with `jupyter datasphere runner` and upload it."
)


def _timestamp(seconds: float) -> str:
    """RFC 3339, UTC, microseconds: comparable as text with other time stamps of that form."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
