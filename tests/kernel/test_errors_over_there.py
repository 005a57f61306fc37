"""What ends a run over there, told apart by what the cell shows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from jupyter_datasphere.demo.kernel_client import kernel_of

from .users import Facts, User


@pytest_asyncio.fixture
async def user(server: Facts) -> AsyncIterator[User]:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run("%load_ext jupyter_datasphere\n%ds_project demo-project")
        yield user


async def still_there(user: User, name: str) -> bool:
    return not (await user.run(f"%%ds_execute\n{name}")).error


@pytest.mark.parametrize(
    ("code", "evalue"), [("import sys; sys.exit(3)", "SystemExit: 3"), ("exit()", "SystemExit")]
)
async def test_an_exit_ends_the_run_and_nothing_else(user: User, code: str, evalue: str) -> None:
    cell = await user.run(f"%%ds_execute --handle h\nkept = 1\n{code}")
    assert cell.error["evalue"] == evalue
    text = "\n".join(cell.error["traceback"])
    assert "asked to exit" in text and "%tb" not in text
    assert "session keeps its variables" in text and "interpreter" not in text  # which is kept only by some
    assert await still_there(user, "kept")


async def test_lack_of_memory_that_the_code_was_told_of(user: User) -> None:
    cell = await user.run("%%ds_execute\nroom = 1\nbytes(10**18)")
    assert cell.error["evalue"].startswith("MemoryError")
    text = "\n".join(cell.error["traceback"])
    assert "bytes(" in text and "ran out of memory" in text
    assert "session keeps its variables" in text and "interpreter" not in text
    assert await still_there(user, "room")


async def test_a_killed_interpreter(user: User) -> None:
    cell = await user.run("%%ds_execute\nlost = 1\nimport os; os.kill(os.getpid(), 9)")
    assert cell.error["ename"] == "InterpreterEndedError"
    for words in ("does not say why", "may have been killed", "memory", "--spec", "started anew"):
        assert words in cell.error["evalue"]
    assert not await still_there(user, "lost")
    facts = (
        "from jupyter_datasphere.errors import RemoteExecutionError\n"
        "try:\n    get_ipython().run_cell_magic('ds_execute', '', 'import os; os._exit(1)')\n"
        "except RemoteExecutionError as error:\n    print(error.ename, error.code, error.traceback, len(error.execution_id))"
    )
    assert (await user.run(facts)).text() == "InterpreterEnded stopped [] 16\n"


async def test_a_syntax_error_points_into_the_cell(user: User) -> None:
    cell = await user.run("%%ds_execute\nx = 1\ndef f(:\n    pass")
    assert cell.error["evalue"].startswith("SyntaxError: ")
    lines = "\n".join(cell.error["traceback"]).replace("\x1b[", "\n").splitlines()
    assert any("line 2" in line for line in lines)
    assert any("def f(:" in line for line in lines)
    assert any(line.strip() == "^" for line in lines)


async def test_what_is_cancelled_elsewhere_is_not_an_interrupt_here(user: User) -> None:
    running = await user.start("%%ds_execute\nimport time\nprint('begun', flush=True)\ntime.sleep(60)")
    await running.until_text("begun")
    await user.cancel((await user.executions())[0]["id"])
    cell = await running.end()
    assert cell.error["ename"] == "RunCancelledError"
    assert cell.error["evalue"].endswith("was cancelled.")
