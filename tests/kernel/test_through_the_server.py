"""The magics from a kernel's WebSocket to the emulator and back: every part is the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import nbformat
import pytest
import pytest_asyncio

from jupyter_datasphere.demo.kernel_client import kernel_of

from .users import Facts, User


@pytest_asyncio.fixture
async def user(server: Facts) -> AsyncIterator[User]:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        # A session of its own: one whose interpreter another test has killed begins with a notice.
        await user.run("%load_ext jupyter_datasphere\n%ds_project demo-project\n%ds_config session=through")
        yield user


@pytest.fixture
def project(emulator: Facts) -> Path:
    """The storage of the demo project."""
    return Path(emulator["root"]) / "projects" / emulator["project_id"]


def store(folder: Path, name: str, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / name)


async def test_status_and_project(user: User, emulator: Facts) -> None:
    (status,) = (await user.run("%ds_status")).displays
    assert f"demo-project ({emulator['project_id']})" in status["text/plain"]
    assert emulator["url"] in status["text/plain"]
    assert emulator["oauth_token"] not in str(status)
    (chosen,) = (await user.run("%ds_project")).displays
    assert chosen["text/plain"] == f"Project: demo-project ({emulator['project_id']})"


async def test_an_unknown_project_is_refused_and_changes_nothing(user: User) -> None:
    refused = await user.run("%ds_project no-such-project")
    assert refused.error["ename"] == "NotFoundError"
    assert "no-such-project" in refused.error["evalue"]
    assert "demo-project" in (await user.run("%ds_project")).displays[0]["text/plain"]
    before = len(await user.executions())
    assert (await user.run("%%ds_execute -p no-such-project\n1")).error["ename"] == "NotFoundError"
    assert len(await user.executions()) == before


async def test_output_comes_in_order(user: User) -> None:
    cell = await user.run(
        "%%ds_execute\nimport sys\nfrom IPython.display import HTML, display\n"
        "print('one'); print('two', file=sys.stderr); print('three')\ndisplay(HTML('<b>four</b>'))\n"
        "print('five')\n6"
    )
    assert not cell.error
    shown = [
        content["text"].strip()
        if kind == "stream"
        else content["data"].get("text/html", content["data"]["text/plain"])
        for kind, content in cell.messages
    ]
    assert shown == ["one", "two", "three", "<b>four</b>", "five", "6"]


async def test_variables_there_and_back(user: User) -> None:
    await user.run("rows = [{'a': 1.5, 'b': None}, {'a': -2, 'b': 'ü'}]")
    cell = await user.run(
        '%%ds_execute -i rows -i n="len(rows) + 1" -i unit="kg" -o doubled -o text\n'
        "doubled = [2 * row['a'] for row in rows] * n\ntext = unit.upper()"
    )
    assert cell.messages == []
    assert await user.value("doubled, text") == "([3.0, -4, 3.0, -4, 3.0, -4], 'KG')"


async def test_an_output_that_does_not_come_is_an_error(user: User) -> None:
    cell = await user.run("%%ds_execute -o here -o absent\nhere = 1")
    assert "absent" in cell.error["evalue"]
    assert await user.value("here") == "1"


async def test_a_session_keeps_its_variables_and_shows_them(user: User) -> None:
    await user.run("%%ds_execute --session s1\nname = '<b>'\nnumber = 7\nmodule = __import__('sys')")
    assert (await user.run("%%ds_execute --session s1\nprint(number + 1)")).text() == "8\n"
    (table,) = (await user.run("%ds_vars --session s1")).displays
    assert "number" in table["text/plain"] and "7" in table["text/plain"]
    assert "<b>" not in table["text/html"].replace("&lt;b&gt;", "")
    assert (await user.run("%ds_vars number name --session s1")).messages == []
    assert await user.value("number, name") == "(7, '<b>')"
    assert (await user.run("%ds_vars number absent --session s1")).error["evalue"].count("'absent'") == 1
    there = (await user.run("%ds_vars module --session s1")).error
    assert "or it is a function, class or module, which %ds_vars does not bring" in there["evalue"]


async def test_a_remote_exception_is_raised_here(user: User) -> None:
    cell = await user.run("%%ds_execute -o left\nleft = 1\nprint('before')\n{}['key']")
    assert cell.text() == "before\n"
    assert cell.error["ename"] == "RemoteExecutionError"
    assert cell.error["evalue"] == "KeyError: 'key'"
    traceback = "\n".join(cell.error["traceback"])
    assert "{}[" in traceback and "jupyter_datasphere/kernel" not in traceback
    assert await user.value("left") == "1"  # as after a local cell that raised
    caught = await user.run(
        "from jupyter_datasphere.errors import RemoteExecutionError\n"
        "try:\n    get_ipython().run_cell_magic('ds_execute', '', '1/0')\n"
        "except RemoteExecutionError as error:\n    print(error.ename, len(error.execution_id))"
    )
    assert caught.text() == "ZeroDivisionError 16\n"


async def test_a_stored_notebook_cell_by_cell(user: User, project: Path) -> None:
    store(project, "steps.ipynb", "# Double it\ntwice = int(week) * 2", "print(twice)", "last = 'done'")
    cell = await user.run("%ds_execute steps.ipynb -i week=27 -o last")
    assert not cell.error, cell.error
    assert cell.text() == "54\n"
    assert [display["text/plain"][:5] for display in cell.displays] == ["[1/3]", "[2/3]", "[3/3]"]
    assert await user.value("last") == "done"
    missing = await user.run("%ds_execute no-such.ipynb")
    assert "no-such.ipynb" in missing.error["evalue"]


async def test_an_interrupt_cancels_the_run_and_says_so(user: User) -> None:
    running = await user.start("%%ds_execute\nimport time\nprint('begun', flush=True)\ntime.sleep(600)")
    await running.until_text("begun\n")
    await user.interrupt()
    cell = await running.end()
    assert cell.text().startswith("begun\n")
    assert cell.error["ename"] == "KeyboardInterrupt"
    execution = (await user.executions())[0]
    assert cell.error["evalue"] == f"cancelled: execution {execution['id']} in project demo-project"
    assert execution["state"] == "cancelled"
    assert (await user.run("%%ds_execute\nprint('usable')")).text() == "usable\n"


async def test_an_interrupt_reaches_a_cell_with_await(user: User) -> None:
    remote = "print('begun', flush=True); import time; time.sleep(600)"
    code = f"get_ipython().run_cell_magic('ds_execute', '', {remote!r})"
    running = await user.start(f"import asyncio\nawait asyncio.sleep(0)\n{code}")
    await running.until_text("begun\n")
    await user.interrupt()
    cell = await running.end()
    assert cell.error["evalue"].startswith("cancelled: execution ")


async def test_a_second_interrupt_stops_the_waiting(user: User, tmp_path: Path) -> None:
    end = tmp_path / "end"
    stubborn = (
        "%%ds_execute --session stubborn\nimport os, time\nprint('begun', flush=True)\n"
        f"while not os.path.exists({str(end)!r}):\n"
        "    try:\n        time.sleep(0.01)\n    except KeyboardInterrupt:\n        print('no', flush=True)"
    )
    running = await user.start(stubborn)
    await running.until_text("begun\n")
    await user.interrupt()
    await running.until_text("no\n")
    await user.interrupt()
    cell = await running.end()
    end.touch()
    assert cell.error["ename"] == "KeyboardInterrupt"
    execution = (await user.executions())[0]["id"]
    assert cell.error["evalue"] == (
        f"no longer waiting: execution {execution} may go on (%ds_attach {execution} shows it)"
    )


async def test_a_timeout_cancels_and_raises(user: User) -> None:
    cell = await user.run("%%ds_execute --timeout 1\nimport time\ntime.sleep(60)")
    assert cell.error["ename"] == "TimeoutExceededError"
    execution = (await user.executions())[0]
    told = f"Execution {execution['id']}: The run took longer than its timeout of 1 s and was cancelled."
    assert cell.error["evalue"].startswith(told)
    assert execution["state"] == "cancelled"


async def test_a_run_that_would_cost_too_much_is_cancelled_and_raises(user: User) -> None:
    cell = await user.run("%%ds_execute --max-units 4\nimport time\ntime.sleep(60)")  # one second of c1.4
    assert "would have passed 4 units" in cell.error["evalue"]
    assert (await user.executions())[0]["state"] == "cancelled"
    cell = await user.run("%%ds_execute --max-units 1\n1")
    assert "One second of c1.4 costs 4 units" in cell.error["evalue"]


async def test_two_kernels_with_one_session_take_turns(user: User, server: Facts, tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with kernel_of(server) as kernel:
        other = User(kernel, server)
        await other.run("%load_ext jupyter_datasphere\n%ds_project demo-project\n%ds_config session=through")
        first = await user.start(
            "%%ds_execute\nimport os, time\nprint('begun', flush=True)\n"
            f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\nshared = 5"
        )
        await first.until_text("begun\n")
        before = len(await user.executions())
        second = await other.start("%%ds_execute\nprint(shared)")
        while len(await user.executions()) == before:
            await asyncio.sleep(0.01)
        go.touch()
        assert (await second.end()).text() == "5\n"
        assert not (await first.end()).error


@pytest.mark.parametrize("lines", [100_000])
async def test_very_much_output_is_complete_and_in_order(user: User, lines: int) -> None:
    cell = await user.run(f"%%ds_execute\nfor n in range({lines}):\n    print('line', n)")
    assert not cell.error
    assert cell.text() == "".join(f"line {n}\n" for n in range(lines))
    assert cell.text("stderr") == ""
