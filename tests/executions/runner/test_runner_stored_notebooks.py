from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from executions.runner.runner_kernel import Kernel
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def write(path: Path, *cells: Any) -> list[str | None]:
    """A notebook of these cells (a text is a code cell); gives the IDs of its code cells."""
    made = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=made), path)
    return [cell.id for cell in made if cell.cell_type == "code"]


def tagged(source: str, tag: str) -> Any:
    return new_code_cell(source, metadata={"tags": [tag]})


def test_cells_run_in_order_and_outputs_carry_their_number(kernel: Kernel) -> None:
    ids = write(
        kernel.folder / "three.ipynb",
        new_markdown_cell("# Load the data\nand more"),
        "x = n * 2\nprint('one', x)",
        new_markdown_cell("just words"),
        "\n# squares\nx ** 2",
        new_markdown_cell("## Plot\n"),
        new_markdown_cell("more words"),
        "import os\nos.system('echo program')\ndisplay(1)",
    )
    result = kernel.run(path="three.ipynb", inputs={"n": 3}, outputs=["x"])
    assert result.status == "ok"
    assert [
        {name: event[name] for name in ("index", "total", "cell_id", "title")} for event in result.of("cell")
    ] == [
        {"index": 0, "total": 3, "cell_id": ids[0], "title": "Load the data"},
        {"index": 1, "total": 3, "cell_id": ids[1], "title": "# squares"},
        {"index": 2, "total": 3, "cell_id": ids[2], "title": "Plot"},
    ]
    order = [
        (e["type"], e.get("index", e.get("cell"))) for e in result.events if e["type"] in ("cell", "output")
    ]
    assert order == [
        ("cell", 0),
        ("output", 0),
        ("cell", 1),
        ("output", 1),
        ("cell", 2),
        ("output", 2),
        ("output", 2),
    ]
    assert result.outputs[1]["data"] == {"text/plain": "36"}
    assert result.variables == {"x": 6}


def test_it_stops_at_the_first_error(kernel: Kernel) -> None:
    write(kernel.folder / "fails.ipynb", "x = 1", "1 / 0", "print('never')")
    result = kernel.run(path="fails.ipynb", outputs=["x"])
    assert result.status == "error"
    assert (result.failure["ename"], result.failure["cell"]) == ("ZeroDivisionError", 1)
    assert len(result.of("cell")) == 2
    assert result.variables == {"x": 1}


def test_inputs_take_the_place_of_the_defaults_in_a_parameters_cell(kernel: Kernel) -> None:
    write(kernel.folder / "defaults.ipynb", tagged("rows = 1\nseed = 2", "parameters"), "print(rows, seed)")
    assert kernel.run(path="defaults.ipynb", inputs={"rows": 5}).outputs[0]["text"] == "5 2\n"
    assert kernel.run(path="defaults.ipynb").outputs[0]["text"] == "1 2\n"


def test_a_cell_that_may_raise(kernel: Kernel) -> None:
    write(kernel.folder / "raises.ipynb", tagged("1 / 0", "raises-exception"), "print('on')")
    result = kernel.run(path="raises.ipynb")
    assert result.status == "ok"
    assert [(output["message"], output["cell"]) for output in result.outputs] == [("error", 0), ("stream", 1)]
    assert result.outputs[0]["ename"] == "ZeroDivisionError"


def test_a_cell_that_is_not_to_be_run(kernel: Kernel) -> None:
    write(kernel.folder / "skips.ipynb", "x = 1", tagged("x = 2", "skip-execution"), "print(x)")
    result = kernel.run(path="skips.ipynb")
    assert result.text() == "1\n"
    assert [(cell["index"], cell["total"]) for cell in result.of("cell")] == [(0, 3), (2, 3)]


def test_without_a_session_each_run_is_fresh_and_can_be_read(kernel: Kernel) -> None:
    write(kernel.folder / "fresh.ipynb", "print('x' in globals())\nx = 1")
    kernel.run("x = 'main'")
    assert kernel.run(path="fresh.ipynb").text() == "False\n"
    assert kernel.run(path="fresh.ipynb").text() == "False\n"
    assert kernel.state("notebook:fresh.ipynb") == {"x": {"kind": "int", "preview": "1", "value": 1}}
    assert kernel.run("print(x)").text() == "main\n"


def test_with_a_session_it_runs_there(kernel: Kernel) -> None:
    write(kernel.folder / "there.ipynb", "print(shared)\nadded = 2")
    kernel.run("shared = 1", session="shared")
    assert kernel.run(path="there.ipynb", session="shared").text() == "1\n"
    assert kernel.run("print(added)", session="shared").text() == "2\n"


@pytest.mark.parametrize(
    "form", ["sub/where.ipynb", "/home/jupyter/datasphere/project/sub/where.ipynb", "absolute"]
)
def test_paths(kernel: Kernel, form: str) -> None:
    write(kernel.folder / "sub" / "where.ipynb", "import os\nprint(os.getcwd() == home)")
    path = str(kernel.folder / "sub" / "where.ipynb") if form == "absolute" else form
    result = kernel.run(path=path, inputs={"home": str(kernel.folder)})
    assert result.text() == "True\n"
    assert f"notebook:{path}" in kernel.evaluate("list(jupyter_datasphere_state['namespaces'])")


def test_relative_paths_are_those_of_the_project_whatever_the_session_did(kernel: Kernel) -> None:
    write(kernel.folder / "top.ipynb", "print('found')")
    kernel.run("import os\nos.chdir('/')", session="away")
    assert kernel.run(path="top.ipynb", session="away").text() == "found\n"


@pytest.mark.parametrize(
    ("name", "content", "ename", "words"),
    [
        ("no-such.ipynb", None, "FileNotFoundError", "no notebook 'no-such.ipynb' in the project"),
        ("quickstrat.ipynb", None, "FileNotFoundError", "Did you mean quickstart.ipynb?"),
        ("bad.ipynb", b"{", "NotebookError", "it is not JSON"),
        ("latin.ipynb", b'{"cells": "\xff"}', "NotebookError", "it is not JSON in UTF-8"),
        ("list.ipynb", b"[]", "NotebookError", "no list of cells"),
        ("old.ipynb", b'{"nbformat": 3, "worksheets": []}', "NotebookError", "format 4"),
        ("odd.ipynb", b'{"cells": [1]}', "NotebookError", "cell 0 is no object"),
        ("source.ipynb", b'{"cells": [{"source": {}}]}', "NotebookError", "source of a cell"),
        ("lines.ipynb", b'{"cells": [{"source": ["a", 1]}]}', "NotebookError", "source of a cell"),
        ("meta.ipynb", b'{"cells": [{"metadata": ["a"]}]}', "NotebookError", "metadata of a cell"),
        ("tags.ipynb", b'{"cells": [{"metadata": {"tags": 1}}]}', "NotebookError", "no list (cell 0)"),
        ("text.ipynb", b'{"cells": [{"metadata": {"tags": "a"}}]}', "NotebookError", "tags of a cell"),
        (
            "deep.ipynb",
            b'{"cells": [], "a": %s1%s}' % (b"[" * 9000, b"]" * 9000),
            "NotebookError",
            "nested too deeply",
        ),
        (
            "low.ipynb",
            b'{"cells": [], "metadata": {"a":%s1%s}}' % (b"[" * 700, b"]" * 700),
            "NotebookError",
            "nested too deeply",
        ),
    ],
)
def test_what_is_no_notebook(
    kernel: Kernel, name: str, content: bytes | None, ename: str, words: str
) -> None:
    write(kernel.folder / "quickstart.ipynb", "1")
    if content is not None:
        (kernel.folder / name).write_bytes(content)
    result = kernel.run(path=name)
    assert result.status == "error"
    assert result.failure["ename"] == ename
    assert words in result.failure["evalue"]
    assert result.failure["evalue"] in result.failure["traceback"][0]


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"language_info": {"name": "R"}, "kernelspec": {"name": "mine"}}, "R"),
        ({"kernelspec": {"name": "mine", "language": "julia"}}, "julia"),
        ({"kernelspec": {"name": "ir", "display_name": "R"}}, "R"),
        ({"kernelspec": {"name": "bash"}}, "Bash"),
        ({"language_info": {"name": "\x1b[31m" + "x" * 100}}, "x" * 35),
    ],
)
def test_a_notebook_in_another_language_is_refused_before_its_first_cell(
    kernel: Kernel, metadata: dict[str, Any], language: str
) -> None:
    content = new_notebook(cells=[new_code_cell("print('ran')")]) | {"metadata": metadata}
    (kernel.folder / "other.ipynb").write_text(json.dumps(content))
    result = kernel.run(path="other.ipynb")
    assert (result.status, result.text(), result.of("cell")) == ("error", "", [])
    assert result.failure["ename"] == "NotebookError"
    assert f"is written in {language}" in result.failure["evalue"].replace("[31m", "")
    assert result.failure["evalue"].isprintable() and len(result.failure["evalue"]) < 300
    assert "open it with a kernel for that" in result.failure["evalue"]


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": {"name": "my-env"}},
        {"kernelspec": {"name": "python3", "language": "Python"}},
        {"language_info": {"name": "ipython"}, "kernelspec": {"language": "python3", "name": "x"}},
        {"language_info": ["R"], "kernelspec": {"name": 7, "language": None}},
        ["R"],
    ],
)
def test_a_notebook_in_python_or_in_who_knows_what_runs(kernel: Kernel, metadata: Any) -> None:
    content = new_notebook(cells=[new_code_cell("print('ran')")]) | {"metadata": metadata}
    (kernel.folder / "python.ipynb").write_text(json.dumps(content))
    assert kernel.run(path="python.ipynb").text() == "ran\n"


def test_a_display_of_an_earlier_cell_is_updated(kernel: Kernel) -> None:
    write(kernel.folder / "update.ipynb", "h = display('a', display_id='it')", "h.update('b')")
    outputs = kernel.run(path="update.ipynb").outputs
    assert [(output["message"], output["cell"]) for output in outputs] == [
        ("display_data", 0),
        ("update_display_data", 1),
    ]
    assert {output["transient"]["display_id"] for output in outputs} == {"it"}


def test_a_task_of_an_earlier_cell_writes_under_that_cell(kernel: Kernel) -> None:
    write(
        kernel.folder / "task.ipynb",
        "import asyncio\nevent = asyncio.Event()\nasync def f():\n    await event.wait()\n    print('from the first')\n"
        "task = asyncio.create_task(f())",
        "event.set()\nawait task\nprint('from the second')",
    )
    outputs = kernel.run(path="task.ipynb").outputs
    assert [(output["text"], output["cell"]) for output in outputs] == [
        ("from the first\n", 0),
        ("from the second\n", 1),
    ]


def test_an_empty_notebook(kernel: Kernel) -> None:
    write(kernel.folder / "empty.ipynb")
    assert kernel.run(path="empty.ipynb").status == "ok"


def test_the_notebook_is_told_as_it_was_read(kernel: Kernel) -> None:
    """Without what earlier runs left in it, and as JSON that everybody reads."""
    small, large = {"a.png": {"image/png": "AAAA"}}, {"b.png": {"image/png": "B" * 1_000_000}}
    cells = [
        {
            "cell_type": "markdown",
            "id": "m",
            "metadata": {},
            "source": ["# Two\n", "lines"],
            "attachments": small,
        },
        {"cell_type": "markdown", "metadata": {}, "source": "![](attachment:b.png)", "attachments": large},
        {
            "cell_type": "code",
            "id": "c",
            "metadata": {"tags": ["t"]},
            "source": ["1\n", "2"],
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "x" * 1_000_000}],
            "execution_count": 7,
        },
    ]
    metadata = {"widgets": {"state": {}}, "kernelspec": {"name": "python3"}, "endless": float("inf")}
    stored = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (kernel.folder / "told.ipynb").write_text(json.dumps(stored))
    (told,) = kernel.run(path="told.ipynb").of("notebook")
    assert told["left_out"] == ["b.png"]
    assert told["content"] == {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3"}, "endless": None},
        "cells": [
            {
                "cell_type": "markdown",
                "id": "m",
                "metadata": {},
                "source": "# Two\nlines",
                "attachments": small,
            },
            {"cell_type": "markdown", "metadata": {}, "source": "![](attachment:b.png)"},
            {"cell_type": "code", "id": "c", "metadata": {"tags": ["t"]}, "source": "1\n2"},
        ],
    }
