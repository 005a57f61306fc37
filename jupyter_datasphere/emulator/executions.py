"""Executions: taking them on, cancelling them, and what is asked about them.

Assumptions of ours, where the service's pages are silent:

- An execution runs the cells as they were stored when it was asked for, in order, up to the first that
  raises; it does not write outputs into the stored notebook.
- It ends with `response.executionStatus`: OK; ERROR if a cell raised; ABORTED if it was cancelled, if its
  interpreter died or if the emulator was restarted. It ends with `error` if the units were used up (code 8)
  or no interpreter started (14).
- Cancelling interrupts the cell as Ctrl-C does, and kills the interpreter if that does not end it in a few
  seconds.
- Input variables are in the environment while the execution runs and no longer: strings as they are, other
  JSON values as JSON text.
- A notebook execution covers all its code cells from its start: those that are not reached have no outputs.
- `:stateVariables` gives the state after the last finished execution, while another one runs too; large
  variables then are code 9 (see `kernel_main`). Without a live interpreter there are no variables.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import msgspec

from ..datasphere import types
from ..datasphere.types import DEFAULT_SPEC, SPECS, Operation, Project
from . import clock
from .billing import Billing
from .errors import ApiError, Code, invalid
from .history import History
from .ids import new_id
from .interpreters import Interpreter
from .kernels import Kernels
from .lanes import Lane, Run, kept_variables
from .notebooks import Cell, Notebook, Notebooks
from .operations import Operations, any_of
from .outputs import json_text
from .replay import Replay

ENVIRONMENT_STRING_LIMIT = 128 * 1024
"""Bytes of ``NAME=value``, with the NUL at its end, that Linux takes (MAX_ARG_STRLEN)."""

LaneKey = tuple[str, str, bool]
"""Project, what has the lane (a notebook or an execution), and whether it is played instead of executed."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", flags=re.ASCII)


class Executions:
    """Everything about executions. `keep`: interpreters live on, as in revision 2024-03."""

    def __init__(
        self,
        *,
        notebooks: Notebooks,
        kernels: Kernels,
        history: History,
        operations: Operations,
        billing: Billing,
        keep: bool,
        start_delay: float,
    ) -> None:
        self._notebooks = notebooks
        self._kernels = kernels
        self._history = history
        self._operations = operations
        self._billing = billing
        self._keep = keep
        self._start_delay = start_delay
        self._lanes: dict[LaneKey, Lane] = {}
        self._runs: dict[str, tuple[Lane, Run]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def start(
        self, project: Project, request: types.ExecuteRequest, subject: str, *, pause: float = 0.0
    ) -> Operation:
        """Take an execution on. Codes 3 and 5 for what was asked, 9 if the units do not suffice.

        It waits `pause` seconds before its first cell.
        """
        if bool(request.notebook_id) == bool(request.cell_id):
            raise invalid("notebookId", "give exactly one of notebookId and cellId")
        if request.spark_connector_id:
            raise ApiError(Code.FAILED_PRECONDITION, "The emulator has no Spark connectors")
        spec = SPECS.get(request.spec or DEFAULT_SPEC)
        if spec is None:
            raise invalid("spec", f"expected one of {', '.join(SPECS)}")
        environment = _environment(request.input_variables)
        notebook, cells, target = self._target(project.id, request)
        self._billing.check(project.id, project.limits, spec)

        operation = self._operations.create(
            "Execute",
            subject,
            project.id,
            metadata=any_of("ProjectExecutionMetadata", {"projectId": project.id, **target}),
        )
        run = Run(
            execution=operation.id,
            checkpoint=new_id("cp") if self._keep else "",
            project=project.id,
            notebook=notebook,
            cells=cells,
            environment=environment,
            wanted=request.output_variable_names,
            spec=spec,
            limits=project.limits,
            pause=pause,
        )
        self._history.add(
            run.execution,
            project=project.id,
            notebook=notebook.path,
            checkpoint=run.checkpoint or run.execution,
            spec=spec.name,
        )
        lane = self._lane(run)
        self._runs[run.execution] = (lane, run)
        lane.add(run)
        return operation

    def cancel(self, operation_id: str) -> None:
        """End an execution early. What has ended, and what is no execution, stays as it is."""
        found = self._runs.get(operation_id)
        if found is not None:
            lane, run = found
            lane.stop(run, None)

    def abort_unfinished(self) -> None:
        """End what an emulator that is gone has left."""
        for execution, checkpoint in self._history.unfinished():
            response = types.ExecutionResponse(execution_status="ABORTED", checkpoint_id=checkpoint)
            self._operations.finish(
                execution, response=any_of("ProjectExecutionResponse", types.to_builtins(response))
            )
            self._history.finish(execution)

    def outputs(self, project: str, request: types.CellOutputsRequest) -> types.CellOutputs:
        """Outputs of a cell. Code 5 for a cell or a checkpoint that does not exist."""
        try:
            start_at = clock.parse(request.start_at) if request.start_at else 0
        except (ValueError, OverflowError) as error:
            raise invalid("startAt", str(error)) from error
        outputs = self._history.outputs(project, request.cell_id, request.checkpoint_id, start_at)
        if outputs is None:
            self._notebooks.find_cell(project, request.cell_id)
        return types.CellOutputs(outputs=outputs or [])

    async def variables(self, project: str, request: types.StateVariablesRequest) -> dict[str, msgspec.Raw]:
        """Variables of a notebook that are JSON values."""
        notebook = self._notebooks.read(project, request.notebook_id)
        if request.checkpoint_id:
            snapshot = self._history.state(project, notebook.path, request.checkpoint_id)
            if snapshot is None:
                raise ApiError(Code.FAILED_PRECONDITION, "No variables were kept at this checkpoint")
            texts = kept_variables(snapshot, request.variable_names)
        else:
            lane = self._lanes.get((project, notebook.path, False))
            texts = {} if lane is None else await lane.variables(request.variable_names)
        return {name: msgspec.Raw(text.encode()) for name, text in texts.items()}

    def forget(self, project: str) -> None:
        """End and drop everything of a project that is deleted."""
        for lane, run in list(self._runs.values()):
            if run.project == project:
                lane.stop(run, None)
        for key in [key for key in self._lanes if key[0] == project]:
            task = asyncio.create_task(self._lanes.pop(key).retire())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """End all interpreters, and with them what runs."""
        await asyncio.gather(*self._closing, *(lane.close() for lane in self._lanes.values()))
        self._lanes.clear()
        self._runs.clear()
        self.abort_unfinished()

    def _target(
        self, project: str, request: types.ExecuteRequest
    ) -> tuple[Notebook, list[Cell], dict[str, str]]:
        """The notebook, the code cells to run, and the field that named them."""
        if request.notebook_id:
            notebook = self._notebooks.read(project, request.notebook_id)
            cells = [cell for cell in notebook.cells if cell.content.cell_type == "code"]
            return notebook, cells, {"notebookId": request.notebook_id}
        notebook, cell = self._notebooks.find_cell(project, request.cell_id)
        if cell.content.cell_type != "code":
            raise invalid("cellId", f"a {cell.content.cell_type} cell cannot be executed")
        return notebook, [cell], {"cellId": request.cell_id}

    def _lane(self, run: Run) -> Lane:
        owner = run.notebook.path if self._keep else run.execution
        key = (run.project, owner, run.notebook.is_replay)
        if key not in self._lanes:
            self._lanes[key] = Lane(
                self._start_interpreter,
                self._history,
                self._operations,
                self._billing,
                keep=self._keep,
                on_finish=self._forget_run,
                on_empty=self._forgetting_lane(key),
            )
        return self._lanes[key]

    def _forget_run(self, run: Run) -> None:
        del self._runs[run.execution]

    def _forgetting_lane(self, key: LaneKey) -> Callable[[Lane], None]:
        def forget(lane: Lane) -> None:
            if not lane.alive and self._lanes.get(key) is lane:
                del self._lanes[key]

        return forget

    async def _start_interpreter(self, run: Run) -> Interpreter:
        await asyncio.sleep(self._start_delay)
        if run.notebook.is_replay:
            return Replay()
        return await self._kernels.start(self._notebooks.make_folder(run.project))


def _environment(variables: dict[str, object]) -> dict[str, str]:
    """Input variables as environment strings. Code 3 for what no environment can hold."""
    environment: dict[str, str] = {}
    for name, value in variables.items():
        field = f"inputVariables.{name}"
        if not _NAME.fullmatch(name):
            raise invalid(field, "expected the name of an environment variable: letters, digits and _")
        text = value if isinstance(value, str) else json_text(value)
        if "\0" in text:
            raise invalid(field, "an environment variable cannot hold a NUL character")
        size = len(f"{name}={text}".encode()) + 1
        if size > ENVIRONMENT_STRING_LIMIT:
            raise invalid(
                field, f"{size} bytes as environment string; at most {ENVIRONMENT_STRING_LIMIT} are possible"
            )
        environment[name] = text
    return environment
