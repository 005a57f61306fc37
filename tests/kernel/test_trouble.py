"""Front ends that can less, interrupts at bad moments, and names that stand in the way."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from jupyter_datasphere.demo.kernel_client import kernel_of

from .users import Facts, User

LOAD = "%load_ext jupyter_datasphere\n%ds_project demo-project"


@pytest_asyncio.fixture
async def user(server: Facts) -> AsyncIterator[User]:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run(LOAD)
        yield user


@pytest_asyncio.fixture
async def address(server: Facts) -> dict[str, str]:
    """What the server hands to its kernels."""
    async with kernel_of(server) as kernel:
        names = "('JUPYTER_DATASPHERE_URL', 'JUPYTER_DATASPHERE_TOKEN')"
        address = await User(kernel, server).value(
            f"{{name: __import__('os').environ[name] for name in {names}}}"
        )
        return dict(eval(address))


async def test_a_plain_terminal(address: dict[str, str], tmp_path: Path) -> None:
    lines = [
        *LOAD.splitlines(),
        'code = \'print("over " + "there"); x = 5; 6\'',
        "get_ipython().run_cell_magic('ds_execute', '-o x', code)",
        "h = get_ipython().run_cell_magic('ds_execute', '--detach', 'print(7)')",
        "print('text', h.wait().text)",
        "h",
        "get_ipython().run_cell_magic('ds_execute', '', '1 / 0')",
        "%ds_panel",
        "import sys; print('widgets', 'ipywidgets' in sys.modules, x)",
    ]
    terminal = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor", "--quick"],
        input="\n".join(lines),
        env={**os.environ, **address, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    shown = terminal.stdout
    assert "over there\n6\n" in shown
    assert "text 7\n" in shown
    assert "Out[5]" not in shown  # of the run that was shown
    assert "<execution " in shown and "cell in session main · succeeded" in shown
    assert "RemoteExecutionError: ZeroDivisionError: division by zero" in shown
    assert re.search("Project: +demo-project", shown) and "This front end shows no widgets" in shown
    assert "widgets False 5" in shown


async def test_an_interrupt_of_a_cell_that_waits_for_its_turn(user: User) -> None:
    await user.run("%%ds_execute --detach --handle first\nwhile True: pass")
    waiting = asyncio.create_task(user.run("%%ds_execute --handle second\nran = 1"))
    while (execution := (await user.executions())[0])["state"] != "queued":
        pass
    await user.interrupt()
    cell = await waiting
    assert cell.error["evalue"] == f"cancelled: execution {execution['id']} in project demo-project"
    assert await user.value("second.status, second.text") == "('cancelled', '')"
    assert (await user.run("first.cancel()\nfirst.wait()")).error["evalue"].endswith("was cancelled.")
    assert (await user.run("%%ds_execute\nran")).error["evalue"].startswith("NameError")


async def test_names_here_that_shadow_ours(user: User) -> None:
    await user.run("print = display = html = json = sys = len = str = None")
    await user.run("ds_execute = ds_status = h = 'mine'")
    assert (await user.run("%%ds_execute\nprint('fine')\n6")).kinds == ["stream", "display_data"]
    assert (await user.run("%ds_status")).kinds == ["display_data"]
    assert (await user.run("%ds_execute --help")).kinds == ["stream"]
    assert (await user.run("ds_execute")).messages[0][1]["data"]["text/plain"] == "'mine'"


@pytest.mark.parametrize("name", ["print", "get_ipython", "In"])
async def test_an_output_takes_the_name_that_was_asked_for(user: User, name: str) -> None:
    # As an assignment in a local cell does: even where that is not wise.
    cell = await user.run(f"%%ds_execute -o {name} --session shadows\n{name} = [1, 2]")
    assert not cell.error
    assert (await user.run(name)).messages[0][1]["data"]["text/plain"] == "[1, 2]"
