"""`connect` in a kernel, with the magics and without."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jupyter_datasphere.demo.kernel_client import kernel_of

from .users import Facts, User

LOAD = "%load_ext jupyter_datasphere"
CONNECT = "from jupyter_datasphere import connect\nc = connect()"


@pytest.mark.parametrize("cells", [(LOAD, CONNECT), (CONNECT, LOAD), (CONNECT, CONNECT)])
async def test_beside_the_magics_in_any_order(server: Facts, emulator: Facts, cells: tuple[str, str]) -> None:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        # Else the second of them would find the server among its parents.
        await user.run("import os\nos.environ['JUPYTER_RUNTIME_DIR'] = '/nowhere'")
        for cell in cells:
            assert not (shown := await user.run(cell)).error, shown.error
        assert await user.value("os.environ.get('JUPYTER_DATASPHERE_TOKEN')") == "None"
        assert await user.value("c.project('demo-project').id") == emulator["project_id"]
        if LOAD in cells:
            status = await user.run("%ds_status")
            assert not status.error, status.error


async def test_awaited_in_a_cell_and_its_handle_shown(server: Facts, emulator: Facts) -> None:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        cell = await user.run(
            "from jupyter_datasphere import connect_async\n"
            "async with connect_async() as c:\n"
            "    project = await c.project('demo-project')\n"
            "    run = await project.execute('n = 6 * 7', outputs=['n'], session='connecting')\n"
            "    print((await run).variables)\n"
            "display(project, run)"
        )
        assert not cell.error, cell.error
        assert cell.text() == "{'n': 42}\n"
        project, run = (display["text/plain"] for display in cell.displays)
        assert project == f"<project 'demo-project' ({emulator['project_id']})>"
        assert run.startswith("execution ") and "cell in session connecting · succeeded" in run


async def test_an_interrupt_ends_what_is_waited_for(server: Facts) -> None:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run(
            "from jupyter_datasphere import connect\nfrom jupyter_datasphere.kernel.steps import Pause\n"
            "c = connect()\ndef steps():\n    yield Pause(0)\n    print('waits', flush=True)\n    yield Pause(600)"
        )
        running = await user.start("c._run(steps())")
        await running.until_text("waits\n")
        await user.interrupt()
        assert (await running.end()).error["ename"] == "KeyboardInterrupt"
        assert await user.value("c.project('demo-project').name") == "demo-project"


def test_importing_the_package_imports_nothing_else() -> None:
    code = (
        "import sys\nfrom jupyter_datasphere import connect, connect_async\n"
        "print([name for name in ('httpx', 'msgspec', 'IPython', 'tornado') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
