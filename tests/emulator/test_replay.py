"""Replay notebooks: stored outputs come with their delays, without kernels."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from emulator.api import Api, kernels_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def write_replay(api: Api, name: str, *cells: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
    """A replay notebook; each cell has outputs and metadata."""
    file = api.write(name, *("raise RuntimeError('executed')" for _ in cells))
    notebook = json.loads(file.read_text())
    notebook["metadata"] = {"datasphere_emulator": {"replay": True}}
    for cell, (outputs, metadata) in zip(notebook["cells"], cells, strict=True):
        cell["outputs"], cell["metadata"] = outputs, metadata
    file.write_text(json.dumps(notebook))


async def test_outputs_come_as_stored_and_with_their_delays(api: Api) -> None:
    display = {"output_type": "display_data", "data": {"text/plain": "ж"}, "metadata": {"delay": 0.3}}
    write_replay(api, "delays.ipynb", ([stream("a"), display, stream("b")], {"delays": [0, None, 0.2]}))
    [cell] = await api.cells("delays.ipynb")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    operation = await api.execute(cellId=cell)
    await api.printed(cell, "a")
    assert await api.outputs(cell) == [stream("a")]
    assert (await api.done(operation))["response"]["executionStatus"] == "OK"
    assert loop.time() - begun >= 0.5
    assert await api.outputs(cell) == [stream("a"), display, stream("b")]


async def test_a_stored_error_ends_the_notebook(api: Api) -> None:
    error = {"output_type": "error", "ename": "E", "evalue": "no", "traceback": []}
    write_replay(api, "error.ipynb", ([stream("1"), error], {}), ([stream("2")], {}))
    first, second = await api.cells("error.ipynb")
    assert (await api.run(notebookId="error.ipynb"))["executionStatus"] == "ERROR"
    assert await api.outputs(first) == [stream("1"), error]
    assert await api.outputs(second) == []


async def test_a_replay_is_cancelled_at_once(api: Api) -> None:
    write_replay(api, "long.ipynb", ([stream("a"), stream("b")], {"delays": [0, 60]}))
    [cell] = await api.cells("long.ipynb")
    operation = await api.execute(cellId=cell)
    await api.printed(cell, "a")
    await api.cancel(operation)
    assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"
    assert await api.outputs(cell) == [stream("a")]


async def test_three_hundred_at_once(api: Api) -> None:
    names = [f"load/{number}.ipynb" for number in range(300)]
    for name in names:
        write_replay(api, name, ([stream(f"{name} {n}") for n in range(5)], {"delays": [0.1] * 5}))
    cells = [(await api.cells(name))[0] for name in names]
    for operation in [await api.execute(cellId=cell) for cell in cells]:
        assert (await api.done(operation))["response"]["executionStatus"] == "OK"
    for name, cell in zip(names, cells, strict=True):
        assert await api.outputs(cell) == [stream(f"{name} {n}") for n in range(5)]
    assert kernels_of(api.emulator.config.root) == []


async def test_a_notebook_that_is_no_longer_a_replay_is_executed(api: Api) -> None:
    write_replay(api, "turned.ipynb", ([stream("played")], {}))
    await api.run(notebookId="turned.ipynb")
    api.write("turned.ipynb", "x = 1; print('executed')")
    [cell] = await api.cells("turned.ipynb")
    await api.run(cellId=cell)
    assert await api.text(cell) == "executed\n"
    assert await api.variables("turned.ipynb") == {"x": 1}
