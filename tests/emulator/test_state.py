"""State variables: which they are, when they are read, and what a checkpoint keeps."""

from __future__ import annotations

import asyncio

import pytest
from emulator.api import Api, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_json_values_only(api: Api) -> None:
    api.write(
        "kinds.ipynb",
        "import collections, math\n"
        "none, yes, whole, real, text = None, True, 2**70, 0.5, 'ж\\x00'\n"
        "table = {'a': [1, {'b': None}]}\n"
        "row = (1, 2); nan = math.nan; deep = [math.inf]; keys = {1: 2}; thing = object(); raw = b'x'\n"
        "ordered = collections.OrderedDict(a=1); cycle = []; cycle.append(cycle); lone = '\\ud800'\n"
        "def function(): pass\n"
        "_private = 1\n"
        "whole",
    )
    await api.run(notebookId="kinds.ipynb")
    expected = {
        "none": None,
        "yes": True,
        "whole": 2**70,
        "real": 0.5,
        "text": "ж\x00",
        "table": {"a": [1, {"b": None}]},
        "_private": 1,
    }
    assert await api.variables("kinds.ipynb") == expected
    assert await api.variables("kinds.ipynb", "row", "text", "missing") == {"text": "ж\x00"}


async def test_a_notebook_that_never_ran_has_none_and_starts_no_interpreter(api: Api) -> None:
    api.write("never.ipynb", "x = 1")
    assert await api.variables("never.ipynb") == {}


async def test_during_an_execution_the_state_is_that_after_the_last_finished_one(api: Api) -> None:
    api.write(
        "during.ipynb",
        "x = 1",
        "import os, time\nx = 2\nprint('set', flush=True)\nwhile not os.path.exists('end'): time.sleep(.01)",
    )
    first, second = await api.cells("during.ipynb")
    await api.run(cellId=first)
    running = await api.execute(cellId=second)
    await api.printed(second, "set")
    assert await api.variables("during.ipynb", "x") == {"x": 1}
    (api.folder / "end").touch()
    await api.done(running)
    assert await api.variables("during.ipynb", "x") == {"x": 2}


async def test_a_large_reserved_variable_passes(api: Api) -> None:
    api.write("large.ipynb", "jupyter_datasphere_state = {str(n): ['x' * 100, n] for n in range(50_000)}")
    await api.run(notebookId="large.ipynb")
    answer = await api.variables("large.ipynb", "jupyter_datasphere_state")
    assert answer["jupyter_datasphere_state"]["49999"] == ["x" * 100, 49999]


async def test_a_large_variable_is_refused_while_the_notebook_runs_and_at_a_checkpoint(api: Api) -> None:
    api.write(
        "wait.ipynb",
        "numbers = list(range(30_000)); small = 1",
        "import os, time\nprint('on', flush=True)\nwhile not os.path.exists('off'): time.sleep(.01)",
    )
    first, second = await api.cells("wait.ipynb")
    checkpoint = (await api.run(cellId=first))["checkpointId"]
    assert len((await api.variables("wait.ipynb", "numbers"))["numbers"]) == 30_000
    path = f"{api.project}:stateVariables"
    query = {"notebookId": "wait.ipynb", "variableNames": "numbers"}
    refused(await api.http.get(path, params={**query, "checkpointId": checkpoint}), 400, 9, "numbers")
    running = await api.execute(cellId=second)
    await api.printed(second, "on")
    refused(await api.http.get(path, params=query), 400, 9, "numbers")
    assert await api.variables("wait.ipynb", "small") == {"small": 1}
    (api.folder / "off").touch()
    await api.done(running)


async def test_a_checkpoint_keeps_its_state(api: Api) -> None:
    api.write("points.ipynb", "n = globals().get('n', 0) + 1")
    checkpoints = [(await api.run(notebookId="points.ipynb"))["checkpointId"] for _ in range(3)]
    for number, checkpoint in enumerate(checkpoints, 1):
        # The state of an execution is written right after its end.
        assert await api.variables("points.ipynb") == {"n": 3}
        assert await api.variables("points.ipynb", checkpointId=checkpoint) == {"n": number}
    query = {"notebookId": "points.ipynb", "checkpointId": "none"}
    refused(await api.http.get(f"{api.project}:stateVariables", params=query), 404, 5, "none")


async def test_reading_leaves_no_trace(api: Api) -> None:
    api.write("trace.ipynb", "x = 5", "print(sorted(n for n in globals() if n[0] != '_'), len(In)); x")
    first, second = await api.cells("trace.ipynb")
    await api.run(cellId=first, inputVariables={"A": "1"})
    before = set(await api.variables("trace.ipynb"))
    for _ in range(3):
        await api.variables("trace.ipynb", "x")
    await api.run(cellId=second)
    assert before == {"x"}
    names = "['In', 'Out', 'exit', 'get_ipython', 'open', 'quit', 'x']"
    assert await api.text(second) == f"{names} 3\n"
    assert (await api.outputs(second))[-1]["execution_count"] == 2


async def test_reading_a_small_variable_takes_milliseconds(api: Api) -> None:
    api.write("quick.ipynb", "x = 1")
    await api.run(notebookId="quick.ipynb")
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(20):
        begun = loop.time()
        await api.variables("quick.ipynb", "x")
        times.append(loop.time() - begun)
    assert sorted(times)[10] < 0.05
