"""The service cancels by SIGINT."""

from __future__ import annotations

from typing import Any

import pytest
from executions.runner.runner_kernel import Kernel, Result

BLOCKED = {
    "sleeping": "import time\nprint('ready')\ntime.sleep(60)",
    "computing": "print('ready')\nwhile True: pass",
    "printing": "print('ready')\nwhile True: print('x', end='')",
    "writing to stderr": "import sys\nprint('ready')\nwhile True: sys.stderr.write('x')",
    "waiting": "import asyncio\nprint('ready')\nawait asyncio.sleep(60)",
    "waiting forever": "import asyncio\nprint('ready')\nawait asyncio.get_running_loop().create_future()",
    "waiting for tasks": (
        "import asyncio\nasync def f(): await asyncio.sleep(60)\nprint('ready')\nawait asyncio.gather(f(), f())"
    ),
    "a task of its own that blocks": (
        "import asyncio, time\nasync def f():\n    print('ready')\n    time.sleep(60)\nawait asyncio.gather(f(), f())"
    ),
    "a program": "import subprocess\nprint('ready', flush=True)\nsubprocess.run(['sleep', '60'])",
    "a thread's end": (
        "import threading\nt = threading.Thread(target=threading.Event().wait, args=(60,), daemon=True); t.start()\n"
        "print('ready')\nt.join()"
    ),
    "displaying": "print('ready')\nwhile True: display(1)",
}


def interrupted(kernel: Kernel, code: str, **options: Any) -> Result:
    pressed = []

    def on_event(event: dict[str, Any]) -> None:
        if not pressed and "ready" in event.get("content", {}).get("text", ""):
            pressed.append(True)
            kernel.interrupt()

    result = kernel.run(code, on_event=on_event, **options)
    assert pressed
    return result


@pytest.mark.parametrize("what", BLOCKED)
def test_an_interrupt_ends_the_run_and_nothing_else(kernel: Kernel, what: str) -> None:
    kernel.run("kept = 'kept'", session=what)
    result = interrupted(kernel, BLOCKED[what], session=what, outputs=["kept"])
    assert result.status == "aborted"
    assert result.failure["ename"] == "KeyboardInterrupt"
    text = "\n".join(result.failure["traceback"])
    assert "KeyboardInterrupt" in text
    assert "CancelledError" not in text
    assert "_jupyter_datasphere" not in text
    assert result.variables == {"kept": "kept"}
    after = kernel.run("import asyncio\nawait asyncio.sleep(0)\nprint(kept)", session=what)
    assert (after.text(), after.status) == ("kept\n", "ok")


def test_an_interrupt_just_before_the_run_is_not_lost(kernel: Kernel) -> None:
    """ipykernel's handler gets it, and cancels the cell's task, which code that blocks would never notice."""
    pressed = "import os, signal; os.kill(os.getpid(), signal.SIGINT)\n"
    result = kernel.run(BLOCKED["sleeping"], before=pressed)
    assert (result.status, result.text()) == ("aborted", "")
    assert result.failure["ename"] == "KeyboardInterrupt"
    assert kernel.run("print('usable')").text() == "usable\n"


def test_a_shell_line_is_ended_and_the_run_with_it(kernel: Kernel) -> None:
    """IPython itself handles an interrupt of a shell line: whether an exception comes of it is its business.

    The shell says that it is ready: an interrupt while IPython still forks would be handled in the child, too,
    which is a second kernel until it has become a shell.
    """
    result = interrupted(kernel, "!echo ready; sleep 60\nprint('never')", session="shell")
    assert result.status == "aborted"
    assert kernel.run("print('usable')", session="shell").text() == "usable\n"


def test_code_that_handles_the_interrupt_is_aborted_still(kernel: Kernel) -> None:
    code = (
        "import time\nprint('ready')\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('saved')"
    )
    result = interrupted(kernel, code)
    assert result.status == "aborted"
    assert result.text() == "ready\nsaved\n"
    assert result.of("failure") == []


def test_the_kernels_own_handler_is_back_afterwards(kernel: Kernel) -> None:
    handler = "__import__('signal').getsignal(2).__qualname__"
    before = kernel.evaluate(handler)
    interrupted(kernel, BLOCKED["sleeping"])
    assert kernel.evaluate(handler) == before


def test_an_interrupt_ends_a_notebook(kernel: Kernel) -> None:
    import nbformat

    cells = ["print('first')", "import time\nprint('ready')\ntime.sleep(60)", "print('never')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, kernel.folder / "long.ipynb")
    result = interrupted(kernel, "", path="long.ipynb")
    assert result.status == "aborted"
    assert result.failure["cell"] == 1
    assert "never" not in result.text()
    assert len(result.of("cell")) == 2
