"""Processes that hold nothing but `executions`, to be killed: at a step's boundary or at some instant.

Run as a program it has imported everything and forks one for each line of its standard input: a life then
takes 50 ms, and not the second that its imports would.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from support import Facts, client_for

from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.errors import NotFoundError, ServiceError, UnavailableError
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, Event, Execution, ExecutionRequest, Notebook, State

SESSION = "kills"
TRACE = "executed.txt"
"""In the project's folder: a line for each time that a run's code was executed."""

STEPS = ("create", "staged", "sync", "execute", "submitted", "running", "append", "succeeded")
BOUNDARIES = [f"{side} {step}" for step in STEPS for side in ("before", "after")]


def code_of(execution_id: str) -> str:
    return (
        f"with open({TRACE!r}, 'a') as trace: trace.write('{execution_id}\\n')\n"
        f"for number in range(40): print({execution_id!r}, number)"
    )


def text_of(execution_id: str) -> str:
    return "".join(f"{execution_id} {number}\n" for number in range(40))


def live(folder: Path, facts: Facts, starting: Sequence[str], dies: str | float | None) -> None:
    """Go on with what the ledger in `folder` has, start those of these executions that it has not, follow all.

    An execution is named by its ID, and runs `code_of` that; after a colon may come a stored notebook instead.
    Dies by SIGKILL at a boundary, so many seconds after the beginning, or (None) not at all.
    """
    if isinstance(dies, float):
        clock = threading.Timer(dies, _die)
        clock.daemon = True
        clock.start()
    asyncio.run(_live(folder, facts, starting, dies if isinstance(dies, str) else None))


async def _live(folder: Path, facts: Facts, starting: Sequence[str], dies: str | None) -> None:
    def at(boundary: str) -> None:
        if boundary == dies:
            _die()

    client = client_for(facts)
    ledger = _Ledger(folder, at)
    finder = ProjectFinder(client, organization=facts["organization_id"])
    service = ExecutionService(ledger, _executing(client, at), finder)
    service.resume()
    await asyncio.gather(*(_start(service, facts["project_id"], what) for what in starting))
    for execution in ledger.unfinished():
        await service.finished(execution.id)
    await service.close()
    ledger.close()
    await client.transport.aclose()


async def _start(service: ExecutionService, project: str, what: str) -> None:
    execution_id, _, notebook = what.partition(":")
    request = ExecutionRequest(source=Code(source=code_of(execution_id), session=SESSION))
    if notebook:
        request = ExecutionRequest(source=Notebook(path=notebook, direct=True))
    while True:
        try:
            service.get(execution_id)
            return
        except NotFoundError:
            with suppress(ServiceError, UnavailableError):  # nothing was started then
                await service.start(request, project=project, execution_id=execution_id)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _executing(client: Client, at: Callable[[str], None]) -> Client:
    original = client.execute

    async def execute(*arguments: Any, **options: Any) -> Any:
        at("before execute")
        operation = await original(*arguments, **options)
        at("after execute")
        return operation

    client.execute = execute  # type: ignore[method-assign]
    return client


class _Ledger(Ledger):
    """The ledger, telling of each step before and after it."""

    def __init__(self, folder: Path, at: Callable[[str], None]) -> None:
        super().__init__(folder)
        self._at = at

    def create(self, *args: Any) -> None:
        self._at("before create")
        super().create(*args)
        self._at("after create")

    def transition(self, execution_id: str, state: State, **changes: Any) -> Execution:
        self._at(f"before {state}")
        execution = super().transition(execution_id, state, **changes)
        self._at(f"after {state}")
        return execution

    def append(self, execution_id: str, events: Sequence[Event], source_cursor: int | None = None) -> None:
        self._at("before append")
        super().append(execution_id, events, source_cursor)
        self._at("after append")

    async def sync(self) -> None:
        self._at("before sync")
        await super().sync()
        self._at("after sync")


def main() -> None:
    """For each line, arguments of `live` as JSON, one life; answers with its exit status."""
    for line in sys.stdin:
        folder, facts, starting, dies = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                live(Path(folder), facts, starting, dies)
            except BaseException:  # noqa: BLE001 - the process ends here
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
