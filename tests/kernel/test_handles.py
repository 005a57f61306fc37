"""Handles, from a kernel's WebSocket to the emulator and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import nbformat
import pytest_asyncio

from jupyter_datasphere.demo.kernel_client import execute_content, kernel_of

from .users import Facts, User

LINES = "import sys, time\nfor n in range(3):\n    print(n, flush=True); print('e', n, file=sys.stderr, flush=True)\n"

COMMANDS = "get_ipython().magics_manager.registry['DataSphereMagics'].commands"
BOARD = f"{COMMANDS}._board"


@pytest_asyncio.fixture
async def user(server: Facts) -> AsyncIterator[User]:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run("%load_ext jupyter_datasphere\n%ds_project demo-project")
        yield user


def call(code: str, options: str = "") -> str:
    """An expression that runs code in the project."""
    return f"get_ipython().run_cell_magic('ds_execute', {options!r}, {code!r})"


async def test_a_name_gets_the_finished_run(user: User) -> None:
    cell = await user.run(f"h = {call('print(1)', '-o x')}".replace("print(1)", "x = 5; print(1)"))
    assert (set(cell.kinds), cell.text()) == ({"stream"}, "1\n")
    assert await user.value("h.status, h.text, h.variables, x") == "('succeeded', '1\\n', {'x': 5}, 5)"
    assert (await user.executions())[0]["id"] == await user.value("h.id")


async def test_a_run_that_was_shown_is_not_shown_again(user: User) -> None:
    await user.run("'untouched'")
    for cell in ("%%ds_execute\nprint(1)", f"{call('print(1)')}", f"if True:\n    {call('print(1)')}"):
        assert (await user.run(cell)).kinds == ["stream"]
    assert await user.value("_") == "untouched"


async def test_a_cell_magic_names_its_handle(user: User) -> None:
    cell = await user.run("%%ds_execute --handle h\nprint('before')\n1 / 0")
    assert cell.error["ename"] == "RemoteExecutionError"
    assert await user.value("h.status, h.text") == "('failed', 'before\\n')"
    assert [output["output_type"] for output in eval(await user.value("h.outputs"))] == ["stream", "error"]
    refused = await user.run("%%ds_execute --handle none -p no-such-project\n1")
    assert refused.error["ename"] == "NotFoundError"
    assert await user.value("'none' in globals()") == "False"


async def test_a_detached_run_goes_on_and_is_waited_for(user: User, tmp_path: Path) -> None:
    go = tmp_path / "go"
    detached = await user.run(
        "%%ds_execute --detach --handle job -o r\n"
        f"{LINES}import os\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\nr = [7]"
    )
    assert detached.kinds == ["display_data"]
    waited = await user.run(
        "while job.text.count('\\n') < 6: pass\n"
        "print(job.status, job.variables)\n"
        "try:\n    job.wait(0.1)\nexcept TimeoutError as error:\n    print(error)"
    )
    assert waited.text() == f"running {{}}\nExecution {await user.value('job.id')} goes on after 0.1 s.\n"
    assert await user.value("job.text") == "0\ne 0\n1\ne 1\n2\ne 2\n"
    assert await user.value(f"({call('1', '--detach')}).status") == "queued"  # behind it
    go.touch()
    assert await user.value("job.wait(60).variables, job.status") == "({'r': [7]}, 'succeeded')"


async def test_waiting_gives_variables_and_leaves_the_names_here_alone(user: User) -> None:
    await user.run("r = 'mine'")
    await user.run("%%ds_execute --detach --handle job -o r\nr = [7]")
    assert await user.value("job.wait().variables, r") == "({'r': [7]}, 'mine')"
    outputs = eval(await user.value("job.outputs"))
    assert outputs == []


async def test_outputs_are_those_of_a_notebook(user: User) -> None:
    code = (
        "from IPython.display import display, clear_output, HTML\nprint('gone'); clear_output()\nprint('a')\n"
        "shown = display(HTML('<i>1</i>'), display_id='d')\nshown.update(HTML('<i>2</i>'))\n"
        "print('b')\nprint('c')\n6"
    )
    await user.run(f"h = {call(code)}")
    outputs = eval(await user.value("h.outputs"))
    assert [output["output_type"] for output in outputs] == [
        "stream",
        "display_data",
        "stream",
        "execute_result",
    ]
    assert outputs[0]["text"] == "a\n" and outputs[2]["text"] == "b\nc\n"
    assert outputs[1]["data"]["text/html"] == "<i>2</i>"
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(outputs=nbformat.from_dict(outputs))]
    )
    nbformat.validate(notebook)


async def test_after_waiting_it_shows_how_the_run_ended(user: User) -> None:
    for wait in ("job.wait()", "await job", "await asyncio.gather(job)"):
        await user.run("%%ds_execute --detach --handle job\nimport time\ntime.sleep(0.5)")
        cell = await user.run(f"import asyncio\nprint(repr(job))\n_ = {wait}\nprint(repr(job))")
        before, after = cell.text().splitlines()
        assert not cell.error and " · succeeded · " not in before
        assert after.startswith("<execution ") and " · cell in session main · succeeded · " in after
        assert 0.5 <= float(after.split(" · ")[3].removesuffix(" s")) < 60
    # Nobody is asked for that, and no more than that is known of a run that was watched.
    await user.run("%%ds_execute --handle watched\n1 / 0")
    assert await user.value("repr(watched)") == f"<execution {await user.value('watched.id')} · failed>"


async def test_waiting_raises_what_the_cell_would_have(user: User) -> None:
    await user.run("%%ds_execute --detach --handle bad\n{}['key']")
    cell = await user.run("bad.wait()")
    assert cell.error["ename"] == "RemoteExecutionError"
    assert "{}[" in "\n".join(cell.error["traceback"])
    facts = (
        "try:\n    await bad\nexcept Exception as error:\n"
        "    print(error.ename, error.evalue, len(error.traceback) > 2, error.execution_id == bad.id)"
    )
    assert (await user.run(facts)).text() == "KeyError 'key' True True\n"


async def test_awaiting_leaves_the_event_loop_free(user: User) -> None:
    await user.run("%%ds_execute --detach --handle job\nimport time\ntime.sleep(1)")
    cell = await user.run(
        "import asyncio\nticks = 0\n"
        "async def tick():\n    global ticks\n    while True:\n        await asyncio.sleep(0.01)\n        ticks += 1\n"
        "ticking = asyncio.create_task(tick())\n"
        "assert await job is job\nticking.cancel()\nprint(ticks > 10, job.status)"
    )
    assert cell.text() == "True succeeded\n", cell.error


async def test_who_stops_waiting_leaves_nothing_behind(user: User) -> None:
    await user.run(
        "%%ds_execute --detach --handle job\nimport time\nfor n in range(100): print(n); time.sleep(0.1)"
    )
    cell = await user.run(
        "import asyncio, threading\nbefore = threading.active_count()\n"
        "try:\n    await asyncio.wait_for(job, 0.3)\nexcept TimeoutError:\n    print(job.status)\n"
        "while threading.active_count() > before: await asyncio.sleep(0.01)\n"
        "job.cancel()\n"
        "try:\n    await job\nexcept Exception as error:\n    print(error.code)"
    )
    assert cell.text() == "running\ncancelled\n", cell.error
    assert (await user.executions())[0]["state"] == "cancelled"


async def test_an_interrupt_ends_the_waiting_and_leaves_the_run_alone(user: User) -> None:
    await user.run("%%ds_execute --detach --handle job\nimport time\ntime.sleep(2)\nprint('done')")
    waiting = await user.start("print('waiting', flush=True)\njob.wait()")
    await waiting.until_text("waiting")
    await user.interrupt()
    error = (await waiting.end()).error
    run = await user.value("job.id")
    assert error["ename"] == "KeyboardInterrupt"
    assert error["evalue"] == f"no longer waiting: execution {run} goes on (%ds_cancel {run} cancels it)"
    assert error["traceback"] == [f"KeyboardInterrupt: {error['evalue']}"]
    assert await user.value("job.wait().text") == "done\n"


async def test_a_handle_is_made_again_from_its_id(user: User) -> None:
    await user.run(f"h = {call('x = 3; print(x)', '-o x')}")
    again = f"{COMMANDS}.link"
    await user.run(
        f"from jupyter_datasphere.kernel.handle import Handle\nagain = Handle({again}, h.id)\nprint(again)"
    )
    assert await user.value("again.wait().variables, again.text, again.status") == (
        "({'x': 3}, '3\\n', 'succeeded')"
    )
    missing = await user.run(f"Handle({again}, '0' * 16).wait()")
    assert missing.error["ename"] == "NotFoundError"


async def test_handles_are_not_copied(user: User) -> None:
    await user.run(f"import copy, pickle\nh = {call('1')}")
    for attempt in ("pickle.dumps(h)", "copy.copy(h)", "copy.deepcopy([h])"):
        refused = await user.run(attempt)
        assert refused.error["ename"] == "TypeError"
        assert "keep its ID" in refused.error["evalue"]


async def test_a_shown_handle_follows_its_run_and_stops(user: User) -> None:
    kernel = user.kernel
    await user.run("%%ds_execute --detach --handle job\nimport time\ntime.sleep(2.5)")
    request = await kernel.send("shell", "execute_request", {**execute_content("job"), "allow_stdin": True})
    texts = []
    display_id = None
    while not texts or "succeeded" not in texts[-1]:
        message = await kernel.receive()
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] in ("display_data", "update_display_data"):
            display_id = display_id or message["content"]["transient"]["display_id"]
            assert message["content"]["transient"]["display_id"] == display_id
            texts.append(message["content"]["data"]["text/plain"])
    about = f"execution {(await user.executions())[0]['id']} · cell in session main · "
    assert all(text.startswith(about) for text in texts)
    assert 3 <= len(texts) <= 8
    await user.run(f"while {BOARD}._thread: pass")
    assert await user.value(f"{BOARD}._shown") == "{}"


async def test_where_nobody_looks_on_nothing_follows(user: User) -> None:
    cell = await user.run("%%ds_execute --detach\nimport time\ntime.sleep(0.5)")
    assert cell.kinds == ["display_data"]
    assert await user.value(f"{BOARD}._shown, {BOARD}._thread") == "({}, None)"


async def test_what_no_display_has_room_for_is_in_the_handle(user: User) -> None:
    cell = await user.run(
        "%%ds_execute --handle h\nfrom IPython.display import display\n"
        "display({'image/png': 'A' * 50_000_000}, raw=True)\nprint('after')"
    )
    assert cell.kinds == ["stream", "stream"]
    assert "50.0 MB (image/png) is not shown" in cell.text("stderr")
    assert (await user.executions())[0]["id"] in cell.text("stderr")
    assert cell.text() == "after\n"
    assert await user.value("len(h.outputs[0]['data']['image/png'])") == "50000000"


async def test_the_text_becomes_a_file(user: User, tmp_path: Path) -> None:
    file = tmp_path / "output.txt"
    await user.run("%%ds_execute --handle h\nimport sys\nprint('на выход')\nprint('err', file=sys.stderr)")
    assert await user.value(f"h.save({str(file)!r})") == str(len("на выход\nerr\n".encode()))
    assert file.read_text("utf-8") == await user.value("h.text") == "на выход\nerr\n"
    refused = await user.run(f"h.save({str(file)!r})")
    assert refused.error["ename"] == "ConflictError" and "overwrite=True" in refused.error["evalue"]
    file.write_text("of before")
    await user.run(f"h.save({str(file)!r}, overwrite=True)")
    assert file.read_text("utf-8") == "на выход\nerr\n"
    assert list(tmp_path.iterdir()) == [file]


async def test_the_traceback_of_a_run_that_failed_ends_the_file(user: User, tmp_path: Path) -> None:
    file = tmp_path / "output.txt"
    await user.run("%%ds_execute --handle h\nprint('before', end='')\n{}['key']")
    await user.run(f"h.save({str(file)!r})")
    before, *traceback = file.read_text("utf-8").splitlines()
    assert before == "before" == await user.value("h.text")
    assert any(line.endswith("{}['key']") for line in traceback)
    assert traceback[-1] == "KeyError: 'key'"
    assert "\x1b" not in file.read_text("utf-8")


async def test_what_a_link_points_to_is_written(user: User, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "output.txt", tmp_path / "link.txt"
    file.write_text("of before")
    link.symlink_to(file)
    await user.run("%%ds_execute --handle h\nprint(1)")
    assert await user.value(f"h.save({str(link)!r}, overwrite=True)") == "2"
    assert link.is_symlink() and file.read_text() == "1\n"
    assert list(file.parent.iterdir()) == [file]


async def test_a_file_that_cannot_be_written_is_one_clear_error(user: User, tmp_path: Path) -> None:
    await user.run("%%ds_execute --handle h\nprint(1)")
    for path, ename, says in (
        (tmp_path / "no" / "folder.txt", "StorageError", "Name a file in a folder that is there"),
        (tmp_path, "UsageError", "is a folder"),
    ):
        error = (await user.run(f"h.save({str(path)!r}, overwrite=True)")).error
        assert error["ename"] == ename and says in error["evalue"]
    # A disk that is full in the middle: what was there stays, and nothing half-done is left.
    file = tmp_path / "output.txt"
    file.write_text("of before")
    await user.run("%ds_config display_limit=0.1")
    await user.run("%%ds_execute --quiet --handle h\nfor number in range(30_000): print(f'{number:099d}')")
    full = (
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "before = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))\n"
        f"try:\n    h.save({str(file)!r}, overwrite=True)\n"
        "finally:\n    resource.setrlimit(resource.RLIMIT_FSIZE, before)"
    )
    assert (await user.run(full)).error["ename"] == "StorageError"
    assert file.read_text() == "of before"
    assert list(tmp_path.iterdir()) == [file]


async def test_saving_has_a_page_of_the_text_in_memory(user: User, tmp_path: Path) -> None:
    file = tmp_path / "output.txt"
    await user.run("%ds_config display_limit=0.1")
    await user.run("%%ds_execute --quiet --handle h\nfor number in range(300_000): print(f'{number:099d}')")
    traced = (
        "import tracemalloc\ntracemalloc.start()\n"
        f"size = h.save({str(file)!r})\n"
        "peak = tracemalloc.get_traced_memory()[1]\ntracemalloc.stop()\nprint(size, peak < size / 10, end='')"
    )
    cell = await user.run(traced)
    assert cell.text() == "30000000 True", cell.error
    with file.open() as lines:
        assert all(line == f"{number:099d}\n" for number, line in enumerate(lines))
