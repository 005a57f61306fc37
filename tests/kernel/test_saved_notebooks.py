"""Stored notebooks that come back as executed ones: with --save, and afterwards."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest
import pytest_asyncio
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from jupyter_datasphere.demo.kernel_client import kernel_of

from .users import Facts, User

KINDS = (
    new_markdown_cell("# All that a cell can put out"),
    "import sys\nprint('a', flush=True); print('b', file=sys.stderr, flush=True); print('c'); print('d')",
    new_raw_cell("raw"),
    "from IPython.display import HTML, clear_output, display\nshown = display('first', display_id='it')",
    "",
    "# a remark",
    "display(HTML('<b>bold</b>'), metadata={'isolated': True})\n1 + 1",
    "for n in range(3):\n    clear_output(wait=True)\n    print('frame', n)\n    display(n, display_id='n')",
    "shown.update('second')\ndisplay('again', display_id='later').update('changed')\ndisplay('n', display_id='n')",
    "print('gone')\nclear_output()\nprint('stays')",
    new_code_cell("print('before'); 1 / 0", metadata={"tags": ["raises-exception"]}),
    "{'application/json': 1}\ndisplay({'application/json': {'a': [1]}, 'text/plain': 'j'}, raw=True)",
    "import os\nos.system('echo program')\nNone;",
    "'a result'",
)
ENDING = ("print('the last words')\n{}['key']", "print('never')", new_markdown_cell("the end"))


@pytest_asyncio.fixture
async def user(server: Facts) -> AsyncIterator[User]:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run("%load_ext jupyter_datasphere\n%ds_project demo-project")
        yield user


@pytest.fixture
def project(emulator: Facts) -> Path:
    """The storage of the demo project."""
    return Path(emulator["root"]) / "projects" / emulator["project_id"]


def made_of(*cells: Any) -> Any:
    """A notebook of these cells; a text is a code cell."""
    return new_notebook(cells=[new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells])


def store(folder: Path, name: str, *cells: Any) -> Any:
    """Store a notebook, with the outputs of an earlier run; gives it."""
    notebook = made_of(*cells)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", text="earlier")], 99
    nbformat.write(notebook, folder / name)
    return notebook


def saved(path: Path) -> Any:
    """A notebook as it was written, which is valid."""
    nbformat.validate(json.loads(path.read_text("utf-8")))
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


async def as_nbclient_has_it(notebook: Any, folder: Path) -> Any:
    """The same notebook, executed by nbclient; text of one stream in a row joined, as in a file."""
    client = NotebookClient(notebook, allow_errors=False, resources={"metadata": {"path": str(folder)}})
    # With that variable, an ipykernel believes itself in pytest's hands and captures less.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    with pytest.raises(Exception, match="key"):
        await client.async_execute(env=environment)
    for cell in notebook.cells:
        outputs: list[Any] = []
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and outputs and outputs[-1].get("name") == output.name:
                outputs[-1].text += output.text
            else:
                outputs.append(output)
        if "outputs" in cell:
            cell.outputs = outputs
    return notebook


def essence(notebook: Any) -> list[Any]:
    """What two runs of a notebook have in common: no time stamps, no places in a traceback."""
    cells = []
    for cell in notebook.cells:
        outputs = [
            {name: value for name, value in output.items() if name != "traceback"}
            for output in cell.get("outputs", [])
        ]
        cells.append((cell.cell_type, cell.id, cell.source, cell.get("execution_count"), outputs))
    return cells


async def test_it_is_what_nbclient_would_have_made_of_it(user: User, project: Path, tmp_path: Path) -> None:
    notebook = store(project, "kinds.ipynb", *KINDS, *ENDING)
    file = tmp_path / "kinds.ipynb"
    cell = await user.run(f"%ds_execute kinds.ipynb --save {file}")
    assert cell.error["ename"] == "RemoteExecutionError", cell.error
    executed = saved(file)
    made = await as_nbclient_has_it(without_outputs(notebook), tmp_path)
    for ours, theirs in zip(essence(executed), essence(made), strict=True):
        assert ours == theirs
    failed = [cell for cell in executed.cells if cell.source.endswith("{}['key']")]
    assert "KeyError" in failed[0].outputs[-1].traceback[-1]


def without_outputs(notebook: Any) -> Any:
    copy = deepcopy(notebook)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return copy


async def test_what_cannot_be_written_is_said_before_anything_runs(
    user: User, project: Path, tmp_path: Path
) -> None:
    store(project, "never.ipynb", f"open({str(tmp_path / 'ran')!r}, 'x')")
    there = tmp_path / "there.ipynb"
    there.write_text("of before")
    (tmp_path / "folder.ipynb").mkdir()
    before = len(await user.executions())
    for file, ename, says in (
        (there, "ConflictError", "--overwrite"),
        (tmp_path / "no" / "such.ipynb", "StorageError", "Name a file in a folder that is there"),
        (tmp_path / "folder.ipynb", "UsageError", "is a folder"),
        ("/proc/never.ipynb", "StorageError", "cannot be written"),
    ):
        error = (await user.run(f"%ds_execute never.ipynb --save {file}")).error
        assert error["ename"] == ename and says in error["evalue"]
    assert len(await user.executions()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.ipynb", "there.ipynb"]
    assert there.read_text() == "of before"


async def test_a_file_is_replaced_on_request(user: User, project: Path, tmp_path: Path) -> None:
    store(project, "three.ipynb", "print(n)", "x = n", new_markdown_cell("end"))
    file = tmp_path / "with space.ipynb"
    file.write_text("of before")
    cell = await user.run(f'%ds_execute three.ipynb -i n=3 -o x --overwrite --save "{file}"')
    assert not cell.error and await user.value("x") == "3"
    first, second, _ = saved(file).cells
    assert [output["text"] for output in first.outputs] == ["3\n"]
    assert (first.execution_count, second.execution_count, second.outputs) == (1, 2, [])
    assert list(tmp_path.iterdir()) == [file]
    # Nobody looks on: what the cell shows is what the notebook put out.
    assert cell.kinds == ["display_data", "stream", "display_data"]


async def test_what_ran_is_saved_when_the_user_interrupts(user: User, project: Path, tmp_path: Path) -> None:
    code = "import time\nprint('begun', flush=True)\ntry: time.sleep(60)\nfinally: print('cleaned up')"
    store(project, "long.ipynb", "1 + 1", code, "print('never')")
    file = tmp_path / "long.ipynb"
    running = await user.start(f"%ds_execute long.ipynb --save {file}")
    await running.until_text("begun")
    await user.interrupt()
    cell = await running.end()
    assert cell.error["ename"] == "KeyboardInterrupt" and "cancelled" in cell.error["evalue"]
    first, second, third = saved(file).cells
    assert first.outputs[0]["data"]["text/plain"] == "2"
    assert second.outputs[0]["text"] == "begun\ncleaned up\n"
    assert (second.outputs[1]["output_type"], second.outputs[1]["ename"]) == ("error", "KeyboardInterrupt")
    assert (third.outputs, third.execution_count) == ([], None)


async def test_a_run_that_did_not_begin_leaves_no_file(user: User, project: Path, tmp_path: Path) -> None:
    go, folder = tmp_path / "go", tmp_path / "runs"
    folder.mkdir()
    store(project, "later.ipynb", "1")
    await user.run(
        f"%%ds_execute --detach --handle job\nimport os, time\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.01)"
    )
    running = asyncio.create_task(user.run(f"%ds_execute later.ipynb --save {folder}/later.ipynb"))
    while (await user.executions())[0]["source"].get("path") != "later.ipynb":
        pass
    await user.interrupt()
    cell = await running
    go.touch()
    assert cell.error["ename"] == "KeyboardInterrupt" and "cancelled" in cell.error["evalue"]
    assert "later.ipynb was not written: No notebook is known of this run" in cell.text("stderr")
    assert list(folder.iterdir()) == []
    await user.run("job.wait()")


async def test_a_run_is_saved_while_it_goes_on_and_afterwards(
    user: User, project: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    waits = f"import os, time\nprint('waits', flush=True)\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)"
    store(project, "waits.ipynb", "1", waits, "2")
    await user.run("job = %ds_execute waits.ipynb --detach\nwhile 'waits' not in job.text: pass")
    run, file = await user.value("job.id"), tmp_path / "so far.ipynb"
    (said,) = (await user.run(f'%ds_output {run} --file "{file}"')).displays
    assert said["text/plain"] == (
        f"{file}: {file.stat().st_size:,} bytes, the executed notebook of execution {run};"
        " 2 of 3 cells ran; the run goes on (running)"
    )
    assert [cell.execution_count for cell in saved(file).cells] == [1, 2, None]
    go.touch()
    await user.run(f"size = job.wait().save({str(file)!r}, overwrite=True)")
    assert await user.value("size") == str(file.stat().st_size)
    assert [cell.execution_count for cell in saved(file).cells] == [1, 2, 3]


async def test_a_run_that_was_no_notebook_is_not_saved_as_one(
    user: User, project: Path, tmp_path: Path
) -> None:
    await user.run("%%ds_execute --handle h\n1")
    store(project, "direct.ipynb", "1")
    await user.run("%ds_execute direct.ipynb --direct --handle direct")
    for handle, says in (("h", "ran no notebook"), ("direct", "No notebook is known")):
        error = (await user.run(f"{handle}.save({str(tmp_path / 'x.ipynb')!r})")).error
        assert says in error["evalue"] and "gets the text of the run" in error["evalue"]
    assert list(tmp_path.iterdir()) == []


async def test_what_was_too_large_to_come_along_is_said(user: User, project: Path, tmp_path: Path) -> None:
    large = new_markdown_cell("![](attachment:a.png)", attachments={"a.png": {"image/png": "A" * 1_000_000}})
    store(project, "large.ipynb", large, "1")
    cell = await user.run(f"%ds_execute large.ipynb --quiet --save {tmp_path / 'large.ipynb'}")
    assert cell.displays[-1]["text/plain"].endswith(
        "the executed notebook; without attachments of its text, which are too large: a.png"
    )
    assert "attachments" not in saved(tmp_path / "large.ipynb").cells[0]


async def test_an_output_variable_that_is_missing_is_no_error_of_the_last_cell(
    user: User, project: Path, tmp_path: Path
) -> None:
    store(project, "missing.ipynb", "print('all is well')")
    file = tmp_path / "missing.ipynb"
    cell = await user.run(f"%ds_execute missing.ipynb -o absent --save {file}")
    assert "no variable absent" in cell.error["evalue"]
    assert [output["output_type"] for output in saved(file).cells[0].outputs] == ["stream"]


async def test_much_output_of_many_cells_comes_complete_and_in_order(
    user: User, project: Path, tmp_path: Path
) -> None:
    """How soon: `benchmarks/notebook.py`."""
    letters = [chr(ord("a") + number % 26) for number in range(40)]
    code = "print({0!r} * 25_000)\ndisplay({{'image/png': {0!r} * 25_000}}, raw=True)"
    store(project, "much.ipynb", *map(code.format, letters))
    texts, images = [f"{letter * 25_000}\n" for letter in letters], [letter * 25_000 for letter in letters]
    file = tmp_path / "much.ipynb"
    cell = await user.run(f"%ds_execute much.ipynb --save {file}")
    shown = [content["data"] for kind, content in cell.messages if kind == "display_data"]
    assert [data["text/plain"].partition(" ")[0] for data in shown[::2]] == [
        f"[{n}/40]" for n in range(1, 41)
    ]
    assert [data["image/png"] for data in shown[1::2]] == images
    assert cell.text() == "".join(texts)
    for one, text, image in zip(saved(file).cells, texts, images, strict=True):
        stream, display = one.outputs
        assert (stream.text, display.data["image/png"]) == (text, image)
