"""Lanes: the executions that wait for one another, and the interpreter they share.

Revision 2024-03 has a lane per notebook, whose interpreter lives on between executions; in revision
`current` every execution has a lane and an interpreter of its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

from ..datasphere.types import ExecutionResponse, ProjectLimits, Spec, Status, to_builtins
from .billing import Billing
from .errors import ApiError, Code
from .history import History
from .interpreters import Interpreter, Snapshot, StartError
from .notebooks import Cell, Notebook
from .operations import Operations, any_of

log = logging.getLogger(__name__)

INTERRUPT_PATIENCE = 4.0
"""Seconds that an interrupted cell has to end before its interpreter is killed."""

Verdict = Literal["OK", "ERROR", "ABORTED"]


class Run:
    """One execution: what was asked for, as it was at that time.

    `checkpoint` is empty where the API has none. `pause`: seconds to wait before the first cell.
    """

    def __init__(
        self,
        *,
        execution: str,
        checkpoint: str,
        project: str,
        notebook: Notebook,
        cells: list[Cell],
        environment: dict[str, str],
        wanted: list[str],
        spec: Spec,
        limits: ProjectLimits | None,
        pause: float,
    ) -> None:
        self.execution = execution
        self.checkpoint = checkpoint
        self.started = False
        self.project = project
        self.notebook = notebook
        self.cells = cells
        self.environment = environment
        self.wanted = wanted
        self.spec = spec
        self.limits = limits
        self.pause = pause
        self.stopped: asyncio.Future[Status | None] = asyncio.get_running_loop().create_future()

    def stop(self, reason: Status | None) -> None:
        """Ask for an early end: cancelled (None), or failed with this error."""
        if not self.stopped.done():
            self.stopped.set_result(reason)


class Lane:
    """Runs executions one after another. `keep`: their interpreter and its variables live on."""

    def __init__(
        self,
        start_interpreter: Callable[[Run], Awaitable[Interpreter]],
        history: History,
        operations: Operations,
        billing: Billing,
        *,
        keep: bool,
        on_finish: Callable[[Run], None],
        on_empty: Callable[[Lane], None],
    ) -> None:
        self._start_interpreter = start_interpreter
        self._history = history
        self._operations = operations
        self._billing = billing
        self._keep = keep
        self._on_finish = on_finish
        self._on_empty = on_empty
        self._queue: deque[Run] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._starting: asyncio.Future[Interpreter] | None = None
        self._interpreter: Interpreter | None = None
        self._computing = False
        self._ending: asyncio.Task[Snapshot | None] | None = None
        self._snapshot = Snapshot()

    @property
    def alive(self) -> bool:
        """Whether there is an interpreter, or will be."""
        return self._starting is not None or (self._interpreter is not None and self._interpreter.alive)

    def add(self, run: Run) -> None:
        self._queue.append(run)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())

    def stop(self, run: Run, reason: Status | None) -> None:
        """End a run early: a waiting one at once, the running one as soon as it can be."""
        run.stop(reason)
        if run in self._queue and run is not self._queue[0]:
            self._queue.remove(run)
            self._finish(run, "ABORTED", None)

    async def variables(self, names: list[str]) -> dict[str, str]:
        """JSON texts of variables: live between executions, as of the last finished one during one.

        Code 9 for those that were too large to be kept for that.
        """
        if self._ending is not None:
            await asyncio.wait({self._ending})
        if self._computing:
            return kept_variables(self._snapshot, names)
        if self._interpreter is None or not self._interpreter.alive:
            return {}
        return await self._interpreter.read(names) or {}

    async def retire(self) -> None:
        """Let what was stopped come to its end, then close."""
        if self._worker is not None:
            await asyncio.wait({self._worker})
        await self.close()

    async def close(self) -> None:
        """Stop working, and end the interpreter. Runs that had not ended stay so."""
        tasks = [task for task in (self._worker, self._starting, self._ending) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._interpreter is not None:
            await self._interpreter.stop()

    async def _work(self) -> None:
        while self._queue:
            run = self._queue[0]
            await self._execute(run)
            self._queue.popleft()
        self._worker = None
        self._on_empty(self)

    async def _execute(self, run: Run) -> None:
        snapshot: Snapshot | None = None
        verdict: Verdict | Status
        try:
            verdict = await self._compute(run)
            if self._ending is not None and run.wanted:
                snapshot = await self._ending
        except ApiError as error:
            verdict = error.status()
        except StartError as error:
            verdict = Status(code=int(Code.UNAVAILABLE), message=str(error))
        except Exception:
            log.exception("Execution %s failed", run.execution)
            verdict = Status(code=int(Code.INTERNAL), message="Internal error of the emulator")
        self._finish(run, verdict, snapshot)
        if self._ending is not None:
            await asyncio.wait({self._ending})
            self._ending = None
        if not self._keep:
            await self._drop_interpreter()

    async def _compute(self, run: Run) -> Verdict | Status:
        interpreter = await self._ready_interpreter(run)
        if interpreter is not None and run.pause:
            # As if the interpreter took longer: nothing has begun yet, and nothing is charged.
            await asyncio.wait({run.stopped}, timeout=run.pause)
        if interpreter is None or run.stopped.done():
            return self._verdict_of_stopped(run)
        meter = self._billing.start(run.execution, run.project, run.limits, run.spec, run.stop)
        self._history.start(run.execution, [cell.id for cell in run.cells])
        run.started = self._computing = True
        try:
            interpreter.begin(run.environment)
            return await self._run_cells(run, interpreter)
        finally:
            self._computing = False
            meter.close()
            if self._keep and interpreter.alive:
                self._ending = asyncio.create_task(self._end(run, interpreter))

    async def _run_cells(self, run: Run, interpreter: Interpreter) -> Verdict | Status:
        for number, cell in enumerate(run.cells, start=1):
            if run.stopped.done():
                return self._verdict_of_stopped(run)
            sink = partial(self._history.append, run.execution, cell.id)
            last = run.wanted if self._keep and number == len(run.cells) else None
            running = asyncio.create_task(interpreter.run(cell.content, sink, last=last))
            try:
                await _first(running, run.stopped)
                if not running.done():
                    interpreter.interrupt()
                    await asyncio.wait({running}, timeout=INTERRUPT_PATIENCE)
                if not running.done():
                    await interpreter.stop()
                status = await running
            finally:
                running.cancel()
            if run.stopped.done():
                return self._verdict_of_stopped(run)
            if status != "ok":
                return "ERROR" if status == "error" else "ABORTED"
        return "OK"

    async def _end(self, run: Run, interpreter: Interpreter) -> Snapshot | None:
        try:
            snapshot = await interpreter.end(run.wanted)
        except RuntimeError:
            log.exception("The variables after execution %s could not be read", run.execution)
            snapshot = None
        self._snapshot = snapshot or Snapshot()
        if snapshot is not None:
            self._history.set_state(run.execution, snapshot)
        return snapshot

    async def _ready_interpreter(self, run: Run) -> Interpreter | None:
        """The interpreter, started if need be; None if the run was stopped first."""
        if self._interpreter is not None and not self._interpreter.alive:
            await self._drop_interpreter()
        if self._interpreter is None and not run.stopped.done():
            if self._starting is None:
                self._starting = asyncio.ensure_future(self._start_interpreter(run))
            # A run that is cancelled while it waits leaves the start to the next one.
            await _first(self._starting, run.stopped)
            if self._starting.done():
                starting, self._starting = self._starting, None
                self._interpreter = starting.result()
        return None if run.stopped.done() else self._interpreter

    async def _drop_interpreter(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
            self._starting = None
        if self._interpreter is not None:
            interpreter, self._interpreter = self._interpreter, None
            self._snapshot = Snapshot()
            await interpreter.stop()

    def _verdict_of_stopped(self, run: Run) -> Verdict | Status:
        return run.stopped.result() or "ABORTED"

    def _finish(self, run: Run, verdict: Verdict | Status, snapshot: Snapshot | None) -> None:
        if isinstance(verdict, Status):
            self._operations.finish(run.execution, error=verdict)
        else:
            texts = snapshot.outputs if snapshot else {}
            response = ExecutionResponse(
                execution_status=verdict,
                checkpoint_id=run.checkpoint if run.started else "",
                output_variables={name: json.loads(text) for name, text in texts.items()},
            )
            self._operations.finish(
                run.execution, response=any_of("ProjectExecutionResponse", to_builtins(response))
            )
        self._history.finish(run.execution)
        self._on_finish(run)


async def _first(*futures: asyncio.Future[Any]) -> None:
    """Wait until one of them is done."""
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


def kept_variables(snapshot: Snapshot, names: list[str]) -> dict[str, str]:
    """The named variables of a snapshot, all if none is named. Code 9 for those too large to be in it."""
    large = [name for name in names or snapshot.large if name in snapshot.large]
    if large:
        raise ApiError(
            Code.FAILED_PRECONDITION,
            f"Too large to be kept beside a running execution or a checkpoint: {', '.join(sorted(large))}; "
            "ask when the notebook is idle, and for its present state",
        )
    if not names:
        return snapshot.variables
    return {name: snapshot.variables[name] for name in names if name in snapshot.variables}
