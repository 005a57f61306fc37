"""Executions in revision 2024-03: outputs, order, queueing, errors, kernels that die."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from emulator.api import Api, refused, start_api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_notebook_runs_its_code_cells_in_order(api: Api) -> None:
    api.write("order.ipynb", "x = 1", "x += 1; print('two')", "x * 10")
    notebook = nbformat.read(api.folder / "order.ipynb", as_version=4)
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell("# Title"))
    nbformat.write(notebook, api.folder / "order.ipynb")
    cells = await api.cells("order.ipynb")
    assert len(cells) == len(set(cells)) == 4
    assert (await api.run(notebookId="order.ipynb"))["executionStatus"] == "OK"
    assert await api.outputs(cells[0]) == []
    assert await api.outputs(cells[2]) == [{"output_type": "stream", "name": "stdout", "text": "two\n"}]
    [result] = await api.outputs(cells[3])
    assert (result["output_type"], result["data"]) == ("execute_result", {"text/plain": "20"})
    response = await api.http.post(f"{api.project}:execute", json={"cellId": cells[1]})
    refused(response, 400, 3, "markdown")


async def test_both_forms_of_a_path_are_one_notebook(api: Api) -> None:
    api.write("folder/one.ipynb", "n = globals().get('n', 0) + 1")
    await api.run(notebookId="/home/jupyter/datasphere/project/folder/one.ipynb")
    await api.run(notebookId="./folder//one.ipynb")
    assert await api.variables("folder/one.ipynb") == {"n": 2}
    metadata = await api.metadata("folder/one.ipynb")
    assert metadata["notebookId"] == "/home/jupyter/datasphere/project/folder/one.ipynb"
    assert int(metadata["contentLength"]) == (api.folder / "folder/one.ipynb").stat().st_size


async def test_outputs_are_valid_nbformat_and_kept_as_they_came(api: Api) -> None:
    api.write(
        "kinds.ipynb",
        "import sys\n"
        "from IPython.display import display, HTML, Image, clear_output\n"
        "print('a', flush=True); print('b', flush=True); print('c', file=sys.stderr, flush=True)\n"
        "handle = display(HTML('<b>x</b>'), display_id='d')\n"
        "handle.update(HTML('<b>y</b>')); clear_output()\n"
        "display({'application/vnd.test+json': {'ж': [1, None]}}, raw=True)\n"
        "display(Image(data=b'\\x89PNG\\r\\n', format='png'))\n"
        "1/0",
    )
    [cell] = await api.cells("kinds.ipynb")
    assert (await api.run(cellId=cell))["executionStatus"] == "ERROR"
    outputs = await api.outputs(cell)
    assert [output["output_type"] for output in outputs] == ["stream"] * 3 + ["display_data"] * 3 + ["error"]
    assert [output["text"] for output in outputs[:3]] == ["a\n", "b\n", "c\n"]
    assert outputs[3]["data"]["text/html"] == "<b>x</b>"
    assert outputs[4]["data"] == {"application/vnd.test+json": {"ж": [1, None]}}
    assert outputs[5]["data"]["image/png"].startswith("iVBO")
    assert outputs[6]["ename"] == "ZeroDivisionError"
    code = nbformat.v4.new_code_cell("", outputs=[nbformat.from_dict(output) for output in outputs])
    nbformat.validate(nbformat.v4.new_notebook(cells=[code]))


async def test_an_error_stops_the_notebook(api: Api) -> None:
    api.write("stops.ipynb", "print(1)", "raise ValueError('no')", "print(3)")
    cells = await api.cells("stops.ipynb")
    assert (await api.run(notebookId="stops.ipynb"))["executionStatus"] == "ERROR"
    assert await api.text(cells[0]) == "1\n"
    assert (await api.outputs(cells[1]))[0]["evalue"] == "no"
    assert await api.outputs(cells[2]) == []


async def test_a_syntax_error_and_input_are_errors(api: Api) -> None:
    api.write("bad.ipynb", "def", "input()")
    for cell, name in zip(
        await api.cells("bad.ipynb"), ("SyntaxError", "StdinNotImplementedError"), strict=True
    ):
        assert (await api.run(cellId=cell))["executionStatus"] == "ERROR"
        assert (await api.outputs(cell))[-1]["ename"] == name


async def test_outputs_are_there_while_the_cell_runs(api: Api) -> None:
    api.write(
        "live.ipynb",
        "import os, time\nprint('first', flush=True)\nwhile not os.path.exists('go'): time.sleep(.01)",
    )
    [cell] = await api.cells("live.ipynb")
    operation = await api.execute(cellId=cell)
    await api.printed(cell, "first")
    assert "done" not in await api.operation(operation)
    (api.folder / "go").touch()
    assert (await api.done(operation))["response"]["executionStatus"] == "OK"


async def test_start_at_keeps_what_was_made_at_or_after_it(api: Api) -> None:
    api.write("times.ipynb", "for n in range(3): print(n, flush=True)")
    [cell] = await api.cells("times.ipynb")
    first = await api.done(await api.execute(cellId=cell))
    assert len(await api.outputs(cell, startAt=first["createdAt"])) == 3
    assert await api.outputs(cell, startAt=first["modifiedAt"]) == []
    assert len(await api.outputs(cell, startAt="2020-01-01T00:00:00Z")) == 3
    assert len(await api.outputs(cell, startAt="2020-01-01T03:00:00.123456789+03:00")) == 3
    assert await api.outputs(cell, startAt="2199-01-01T00:00:00Z") == []


async def test_checkpoints_name_executions(api: Api) -> None:
    api.write("points.ipynb", "n = globals().get('n', 0) + 1; print(n)")
    [cell] = await api.cells("points.ipynb")
    checkpoints = [(await api.run(cellId=cell))["checkpointId"] for _ in range(3)]
    assert len(set(checkpoints)) == 3
    for number, checkpoint in enumerate(checkpoints, 1):
        assert await api.text(cell, checkpointId=checkpoint) == f"{number}\n"
    assert await api.text(cell) == "3\n"
    response = await api.http.get(
        f"{api.project}:cellOutputs", params={"cellId": cell, "checkpointId": "none"}
    )
    refused(response, 404, 5, "Checkpoint")


async def test_the_last_hundred_executions_are_kept(api: Api) -> None:
    api.write("hundred.ipynb", "print('kept')")
    set_replay(api.folder / "hundred.ipynb", [stream("kept")])
    [cell] = await api.cells("hundred.ipynb")
    checkpoints = [(await api.run(cellId=cell))["checkpointId"] for _ in range(102)]
    for checkpoint in (checkpoints[2], checkpoints[-1]):
        assert await api.text(cell, checkpointId=checkpoint) == "kept"
    for checkpoint in checkpoints[:2]:
        response = await api.http.get(
            f"{api.project}:cellOutputs", params={"cellId": cell, "checkpointId": checkpoint}
        )
        refused(response, 404, 5)


async def test_other_cells_keep_the_outputs_of_their_own_execution(api: Api) -> None:
    api.write("others.ipynb", "print('a')", "print('b')")
    first, second = await api.cells("others.ipynb")
    await api.run(notebookId="others.ipynb")
    await api.run(cellId=second)
    assert await api.text(first) == "a\n"
    assert await api.text(second) == "b\n"


async def test_executions_of_a_notebook_queue_and_those_of_others_do_not(api: Api) -> None:
    waits = "import os, time\nwhile not os.path.exists('go-on'): time.sleep(.01)\nprint('done')"
    api.write("queue.ipynb", waits, "print('second')")
    api.write("beside.ipynb", "print('beside')")
    first, second = await api.cells("queue.ipynb")
    running = await api.execute(cellId=first)
    queued = await api.execute(cellId=second)
    assert (await api.run(notebookId="beside.ipynb"))["executionStatus"] == "OK"
    assert "done" not in await api.operation(queued)
    assert await api.outputs(second) == []
    (api.folder / "go-on").touch()
    assert (await api.done(running))["response"]["executionStatus"] == "OK"
    assert (await api.done(queued))["response"]["executionStatus"] == "OK"
    assert await api.text(second) == "second\n"


async def test_a_queued_execution_does_not_answer_yet(api: Api) -> None:
    api.write(
        "not-yet.ipynb", "import os, time; print('old')", "while not os.path.exists('yet'): time.sleep(.01)"
    )
    first, second = await api.cells("not-yet.ipynb")
    await api.run(cellId=first)
    running = await api.execute(cellId=second)
    queued = await api.execute(cellId=first)
    old = await api.outputs(first)
    assert old
    assert await api.outputs(first) == old
    (api.folder / "yet").touch()
    await api.done(running)
    checkpoint = (await api.done(queued))["response"]["checkpointId"]
    assert await api.outputs(first, checkpointId=checkpoint) == await api.outputs(first)


async def test_what_runs_is_what_was_stored_when_it_was_asked_for(api: Api) -> None:
    api.write("changed.ipynb", "import os, time\nwhile not os.path.exists('change'): time.sleep(.01)")
    running = await api.execute(notebookId="changed.ipynb")
    api.write("changed.ipynb", "print('new')")
    [cell] = await api.cells("changed.ipynb")
    (api.folder / "change").touch()
    await api.done(running)
    assert (await api.run(cellId=cell))["executionStatus"] == "OK"
    assert await api.text(cell) == "new\n"


@pytest.mark.parametrize(
    "death", ["import os; os._exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
)
async def test_a_dead_kernel_ends_the_execution_and_the_next_one_gets_a_new_kernel(
    api: Api, death: str
) -> None:
    api.write("death.ipynb", "x = 1", f"print('last words', flush=True)\n{death}", "print('x' in globals())")
    one, two, three = await api.cells("death.ipynb")
    await api.run(cellId=one)
    assert (await api.run(cellId=two))["executionStatus"] == "ABORTED"
    assert await api.variables("death.ipynb") == {}
    assert (await api.run(cellId=three))["executionStatus"] == "OK"
    assert await api.text(three) == "False\n"


async def test_exit_ends_the_interpreter_and_is_no_error(api: Api) -> None:
    api.write("exit.ipynb", "x = 1; exit()", "print('x' in globals())")
    one, two = await api.cells("exit.ipynb")
    assert (await api.run(cellId=one))["executionStatus"] == "OK"
    assert await api.variables("exit.ipynb") == {}
    assert (await api.run(cellId=two))["executionStatus"] == "OK"
    assert await api.text(two) == "False\n"


async def test_a_thread_that_prints_after_the_end_adds_to_its_cell(api: Api) -> None:
    api.write(
        "late.ipynb",
        "import os, threading, time\n"
        "def late():\n"
        "    while not os.path.exists('late'): time.sleep(.01)\n"
        "    print('late', flush=True)\n"
        "threading.Thread(target=late).start(); print('early')",
    )
    [cell] = await api.cells("late.ipynb")
    await api.run(cellId=cell)
    (api.folder / "late").touch()
    await api.printed(cell, "late")
    assert await api.text(cell) == "early\nlate\n"


async def test_many_outputs_arrive_complete_and_in_order(api: Api) -> None:
    api.write("many.ipynb", "for n in range(5_000):\n    display({'text/plain': str(n)}, raw=True)")
    [cell] = await api.cells("many.ipynb")
    assert (await api.run(cellId=cell))["executionStatus"] == "OK"
    outputs = await api.outputs(cell)
    assert [output["data"]["text/plain"] for output in outputs] == [str(n) for n in range(5_000)]


async def test_a_large_output_and_odd_text(api: Api) -> None:
    api.write("odd.ipynb", "print('ж' * 5_000_000)", "print('\\udcff \\x00')")
    large, odd = await api.cells("odd.ipynb")
    await api.run(cellId=large)
    assert len(await api.text(large)) == 5_000_001
    assert (await api.run(cellId=odd))["executionStatus"] == "OK"


async def test_input_variables_are_there_during_the_execution_only(api: Api) -> None:
    show = (
        "import os; print([os.environ.get(name) for name in ('TEXT', 'NUMBER', 'TABLE', 'NONE', 'HOME_OF')])"
    )
    api.write("inputs.ipynb", show, "os.environ['HOME_OF'] = 'own'; os.environ['TEXT'] = 'changed'")
    first, second = await api.cells("inputs.ipynb")
    values: dict[str, Any] = {"TEXT": "a b", "NUMBER": 1.5, "TABLE": {"ж": [1, None]}, "NONE": None}
    await api.run(cellId=first, inputVariables=values)
    table = '{"ж":[1,null]}'
    assert await api.text(first) == f"{['a b', '1.5', table, 'null', None]}\n"
    await api.run(cellId=second, inputVariables={"HOME_OF": "given", "TEXT": "given"})
    await api.run(cellId=first)
    assert await api.text(first) == f"{[None] * 5}\n"


async def test_output_variables_are_the_json_ones_that_were_named(api: Api) -> None:
    api.write(
        "wanted.ipynb", "a = {'x': [1, 2.5, None, True, 'ж']}; b = object(); c = float('nan'); big = 2**70"
    )
    answer = await api.run(notebookId="wanted.ipynb", outputVariableNames=["a", "b", "c", "big", "missing"])
    assert answer["outputVariables"] == {"a": {"x": [1, 2.5, None, True, "ж"]}, "big": 2**70}


async def test_a_missing_notebook_and_cell_and_a_file_that_is_none(api: Api) -> None:
    execute = f"{api.project}:execute"
    refused(await api.http.post(execute, json={"notebookId": "missing.ipynb"}), 404, 5, "missing.ipynb")
    refused(await api.http.post(execute, json={"cellId": "cell0"}), 404, 5, "cell0")
    for content in ("{", "[]", '{"nbformat": 3, "worksheets": []}', "{}", '{"nbformat": 4, "cells": [{}]}'):
        (api.folder / "broken.ipynb").write_text(content)
        refused(await api.http.post(execute, json={"notebookId": "broken.ipynb"}), 400, 9, "broken.ipynb")
    response = await api.http.get(f"{api.project}:cellOutputs", params={"cellId": "cell0"})
    refused(response, 404, 5, "cell0")


async def test_cells_without_ids_and_copies_get_ids_of_their_own(api: Api) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(str(n)) for n in range(3)])
    content = json.loads(nbformat.writes(notebook))
    content["cells"][1]["id"] = content["cells"][0]["id"]
    del content["cells"][2]["id"]
    (api.folder / "ids.ipynb").write_text(json.dumps(content))
    cells = await api.cells("ids.ipynb")
    assert len(set(cells)) == 3
    assert await api.cells("ids.ipynb") == cells
    (api.folder / "copy.ipynb").write_text(json.dumps(content))
    assert not set(cells) & set(await api.cells("copy.ipynb"))


async def test_a_cell_is_found_before_anybody_asked_for_its_notebook(api: Api, tmp_path: Path) -> None:
    async with start_api(tmp_path / "root") as other:
        other.write("deep/down/found.ipynb", "print('found')")
        [cell] = await other.cells("deep/down/found.ipynb")
        other.emulator.config.root.joinpath("emulator.sqlite")
        (other.folder / "deep/down/found.ipynb").rename(other.folder / "moved.ipynb")
        response = await other.http.post(f"{other.project}:execute", json={"cellId": cell})
        refused(response, 404, 5, cell)
        (other.folder / "moved.ipynb").rename(other.folder / "deep/down/found.ipynb")
        assert (await other.run(cellId=cell))["executionStatus"] == "OK"


async def test_a_start_takes_its_delay_once(tmp_path: Path) -> None:
    async with start_api(tmp_path / "root", start_delay=2.0) as api:
        api.write("delay.ipynb", "1")
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await api.run(notebookId="delay.ipynb")
        first = loop.time() - begun
        await api.run(notebookId="delay.ipynb")
        assert first > 2.0
        assert loop.time() - begun - first < 2.0


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def set_replay(file: Path, outputs: list[dict[str, Any]]) -> None:
    """Make the notebook a replay of these outputs of its first cell."""
    notebook = json.loads(file.read_text())
    notebook["metadata"]["datasphere_emulator"] = {"replay": True}
    notebook["cells"][0]["outputs"] = outputs
    file.write_text(json.dumps(notebook))
