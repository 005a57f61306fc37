"""Runs that went on while nobody followed them, and after which others came in the same place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import nbformat
import pytest
from executions.lives import text
from support import Facts, client_for

from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.emulator.history import KEPT_EXECUTIONS
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, ExecutionRequest, Notebook


@asynccontextmanager
async def server(facts: Facts, folder: Path) -> AsyncIterator[tuple[ExecutionService, Ledger]]:
    """What a server has: when it ends, its runs go on."""
    client, ledger = client_for(facts), Ledger(folder)
    service = ExecutionService(ledger, client, ProjectFinder(client))
    try:
        yield service, ledger
    finally:
        await service.close()
        ledger.close()
        await client.transport.aclose()


async def left_behind(facts: Facts, folder: Path, newer: int, *, direct: bool = False) -> str:
    """A run that printed ``old`` after its server had ended, and so many newer ones, which print ``newer``."""
    go, word = folder.with_suffix(".go"), folder.with_suffix(".word")
    code = (
        f"import os, time\nword = open({str(word)!r}).read()\nprint('begun', flush=True)\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\nprint(word)"
    )
    source: Code | Notebook = Code(source=code, session="fallen-behind")
    if direct:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        nbformat.write(notebook, Path(facts["root"]) / "projects" / facts["project_id"] / "fallen.ipynb")
        source = Notebook(path="fallen.ipynb", direct=True)
    word.write_text("old")
    async with server(facts, folder) as (service, _):
        execution = await service.start(ExecutionRequest(source=source), project=facts["project_id"])
        while service.get(execution.id).state != "running":
            await asyncio.sleep(0.01)
    go.touch()
    word.write_text("newer")
    async with server(facts, folder.with_suffix(".newer")) as (service, _):
        for _number in range(newer):
            other = await service.start(ExecutionRequest(source=source), project=facts["project_id"])
            assert (await service.finished(other.id)).state == "succeeded"
    return execution.id


async def looks(facts: Facts) -> int:
    headers = {"Authorization": f"Bearer {facts['control_token']}"}
    async with httpx.AsyncClient(headers=headers) as http:
        counts: dict[str, int] = (await http.get(f"{facts['url']}/emulator/calls")).json()
    return counts["project.cellOutputs"]


@pytest.mark.parametrize("direct", [False, True])
async def test_a_run_behind_another_one_is_joined_at_the_first_look(
    emulator: Facts, tmp_path: Path, direct: bool
) -> None:
    folder = tmp_path / "ledger"
    execution_id = await left_behind(emulator, folder, newer=1, direct=direct)
    before = await looks(emulator)
    async with server(emulator, folder) as (service, ledger):
        service.resume()
        assert (await service.finished(execution_id)).state == "succeeded"
        assert text(ledger, execution_id) == "begun\nold\n"
    # Of the newest run, of the checkpoint, and once more of all of that where the first moved the time on.
    assert await looks(emulator) - before <= 3


@pytest.mark.parametrize("direct", [False, True])
async def test_a_run_whose_outputs_are_no_longer_kept_is_lost(
    emulator: Facts, tmp_path: Path, direct: bool
) -> None:
    folder = tmp_path / "ledger"
    execution_id = await left_behind(emulator, folder, newer=KEPT_EXECUTIONS, direct=direct)
    async with server(emulator, folder) as (service, ledger):
        service.resume()
        ended = await service.finished(execution_id)
        assert text(ledger, execution_id) == "begun\n"
    assert ended.state == "lost"
    assert ended.problem is not None
    assert ended.problem.title == (
        "The run ended with status OK, but the service has no outputs and variables of it any more."
    )
