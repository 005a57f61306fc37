"""The API as it is: a stored cell or notebook executed without the runner.

Outputs come by ``:cellOutputs`` of each cell, output variables with the operation's response. Needs revision
2024-03 of the API for outputs. What another client runs in the same notebook at the same time cannot be told
apart while it runs; what is kept at the end is read by checkpoint and is exact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ...datasphere import types
from ...datasphere.client import Client
from ...datasphere.schedule import Pace
from ...errors import NotFoundError, ServiceError
from ...protocol import (
    Cell,
    CellEvent,
    Code,
    Event,
    ExecutionRequest,
    Notebook,
    NoticeEvent,
    Source,
    Variable,
    VariableEvent,
)
from . import outputs
from .base import Namespace, News, Run, Submission
from .notebooks import absolute, find_notebook
from .outcomes import LOST, operation_of, outcome_of, response_of, without_outputs


class DirectChannel:
    """Runs stored cells, and stored notebooks where that was asked for, without the runner.

    `pace` is for looking again and again at runs.
    """

    name = "direct"
    counts_units = True

    def __init__(self, client: Client, pace: Pace) -> None:
        self._client = client
        self._pace = pace

    async def look(self, project_id: str) -> None:
        """Every project can be asked to execute."""

    async def open(self, project_id: str) -> None:
        """Nothing has to be made ready."""

    async def check(self, project_id: str, request: ExecutionRequest) -> None:
        await self._cells(project_id, request.source)

    def place(self, project_id: str, request: ExecutionRequest) -> str | None:
        if isinstance(request.source, Cell | Code):
            return None  # which notebook the cell is in, only the service knows
        return f"{project_id}:{absolute(request.source.path)}"

    async def submit(self, run: Run) -> Submission:
        assert run.request is not None
        source = run.request.source
        assert not isinstance(source, Code)
        execute = types.ExecuteRequest(
            notebook_id="" if isinstance(source, Cell) else absolute(source.path),
            cell_id=source.cell_id if isinstance(source, Cell) else "",
            input_variables=run.request.inputs,
            output_variable_names=run.request.outputs,
            spec=run.execution.spec,
        )
        operation = await self._client.execute(
            run.execution.project_id, execute, idempotency_key=run.idempotency_key
        )
        return Submission(operation.id, operation.created_at)

    def follow(self, run: Run) -> DirectFeed:
        return DirectFeed(self._client.paced(self._pace), run, self._cells)

    async def cancel(self, run: Run) -> None:
        if run.execution.operation_id is not None:
            await self._client.cancel_operation(run.execution.operation_id)

    async def variables(
        self, project_id: str, namespace: Namespace, names: list[str]
    ) -> list[Variable] | None:
        if namespace.notebook is None:
            return None
        metadata = await find_notebook(self._client, project_id, namespace.notebook)
        notebook_id = metadata.notebook_id or absolute(namespace.notebook)
        values = await self._client.state_variables(project_id, notebook_id, names)
        return [
            Variable(name, type(value).__name__, repr(value)[:120], value) for name, value in values.items()
        ]

    async def _cells(self, project_id: str, request_source: Source) -> list[str] | None:
        """The cells of a run, in order; None where this revision of the API tells nothing of cells.

        Raises `NotFoundError` where the notebook or cell does not exist.
        """
        try:
            return await self._existing_cells(project_id, request_source)
        except ServiceError as error:
            if error.code != "no-such-method":
                raise
            return None

    async def _existing_cells(self, project_id: str, request_source: Source) -> list[str]:
        if isinstance(request_source, Notebook):
            return (await find_notebook(self._client, project_id, request_source.path)).cell_ids
        assert isinstance(request_source, Cell)
        try:
            await self._client.cell_outputs(project_id, request_source.cell_id)
        except ServiceError as error:
            if error.code not in ("not-found", "invalid-argument"):
                raise
            raise NotFoundError(
                f"Project {project_id} has no cell {request_source.cell_id[:60]!r}.",
                code="no-such-cell",
                hint="Cell IDs are those of the API's :notebookMetadata, not those in the notebook file.",
                request_id=error.request_id,
            ) from error
        return [request_source.cell_id]


class DirectFeed:
    """Follows a run by counting the outputs of its cells, which the service never merges or changes."""

    def __init__(self, client: Client, run: Run, find_cells: _CellsFinder) -> None:
        self._client = client
        self._run = run
        self._find_cells = find_cells
        self._cells: list[str] | None = None
        self._seen = dict(run.outputs_seen)
        self._current = max(self._seen, default=0)
        self._done = False
        self._joins = run.joined
        """Whether it may have ended by now, and a newer run be the one that is answered for."""
        self._blind = False
        """Whether the API tells nothing of cells."""

    async def news(self) -> News:
        if self._cells is None:
            found = await self._find_cells(self._run.execution.project_id, self._run.execution.source)
            self._blind = found is None
            self._cells = found or []
        if self._joins:
            news = await self._look_at_operation()
            self._joins = False
            if news.outcome is not None:
                return news
        events = await self._look_at_cells("")
        if events:
            return News(events)
        return await self._look_at_operation()

    async def rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def settled(self) -> bool:
        return self._done

    async def _look_at_operation(self) -> News:
        operation = await operation_of(self._client, self._run)
        if operation is None:
            return News(outcome=LOST)
        if not operation.done:
            return News()
        self._done = True
        response = response_of(operation)
        try:
            events = await self._look_at_cells(response.checkpoint_id)
        except ServiceError as error:
            if error.code != "not-found":
                raise
            return News(outcome=without_outputs(operation))
        if self._blind:
            events.append(NoticeEvent(text=_BLIND))
            return News(events, outcome=outcome_of(operation))
        for name in self._run.execution.outputs:
            if name in response.output_variables:
                events.append(VariableEvent(name=name, value=response.output_variables[name]))
            else:
                events.append(NoticeEvent(text=f"{name} does not exist over there or is no JSON value."))
        return News(events, outcome=outcome_of(operation))

    async def _look_at_cells(self, checkpoint: str) -> list[Event]:
        """New outputs, in order. Cells run one after the other: once a later one has outputs, those before
        it are complete, and are read once more."""
        assert self._cells is not None
        first = self._current
        found = await self._read(range(first, len(self._cells)), checkpoint)
        last = max((index for index, texts in found.items() if texts), default=first)
        if last > first:
            found |= await self._read(range(first, last), checkpoint)
        events: list[Event] = []
        for index in range(first, last + 1):
            texts = found.get(index, [])
            seen = self._seen.get(index, 0)
            if texts and not seen and isinstance(self._run.execution.source, Notebook):
                events.append(CellEvent(index=index, total=len(self._cells), cell_id=self._cells[index]))
            events.extend(outputs.event_of(text, index) for text in texts[seen:])
            self._seen[index] = max(seen, len(texts))
        self._current = last
        return events

    async def _read(self, indices: range, checkpoint: str) -> dict[int, list[str]]:
        assert self._cells is not None
        project_id = self._run.execution.project_id
        # Outputs of earlier runs are older than the operation.
        start_at = "" if checkpoint else self._run.operation_created_at
        texts = await asyncio.gather(
            *(
                self._client.cell_outputs(
                    project_id, self._cells[index], checkpoint_id=checkpoint, start_at=start_at
                )
                for index in indices
            )
        )
        return dict(zip(indices, texts, strict=True))


_CellsFinder = Callable[[str, Source], Awaitable[list[str] | None]]

_BLIND = "Of what the API runs as it is, this revision gives back neither outputs nor variables."
