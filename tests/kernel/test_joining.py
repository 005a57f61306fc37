"""Runs that somebody comes to later: from a kernel's WebSocket to the emulator and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from jupyter_datasphere.demo.kernel_client import execute_content, kernel_of
from jupyter_datasphere.errors import UsageError
from jupyter_datasphere.kernel.run_arguments import ATTACH, CANCEL, OUTPUT, parse_run

from .users import Facts, User

LOAD = "%load_ext jupyter_datasphere\n%ds_project demo-project\n%ds_config session=joining"
COMMANDS = "get_ipython().magics_manager.registry['DataSphereMagics'].commands"


@pytest_asyncio.fixture
async def user(server: Facts) -> AsyncIterator[User]:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run(LOAD)
        yield user


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """What a run of `waiting` waits for."""
    return tmp_path / "go"


def waiting(go: Path, *, before: str = "print('before', flush=True)", after: str = "print('after')") -> str:
    return f"import os, time\n{before}\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n{after}"


async def begin(user: User, code: str, options: str = "") -> str:
    """Start a run, wait until it has put something out, and give its ID."""
    await user.run(f"%%ds_execute --detach --handle job {options}\n{code}")
    await user.run("while not job.text: pass")
    return await user.value("job.id")


async def finished(user: User, code: str, options: str = "") -> str:
    await user.run(f"%%ds_execute --handle job {options}\n{code}")
    return await user.value("job.id")


async def test_a_run_that_is_still_on_is_replayed_and_goes_on_live(
    user: User, server: Facts, go: Path
) -> None:
    run = await begin(user, waiting(go, after="r = [7]\nprint('after')"), "-o r")
    async with kernel_of(server) as kernel:  # somewhere else
        other = User(kernel, server)
        await other.run(LOAD)
        attached = await other.start(f"%ds_attach {run}")
        await attached.until_text("before\n")
        go.touch()
        cell = await attached.end()
        assert (cell.kinds[0], cell.text(), cell.error) == ("stream", "before\nafter\n", {})
        assert await other.value("r") == "[7]"


async def test_after_its_end_it_raises_what_the_cell_has_raised(user: User) -> None:
    run = await finished(user, "left = 5\nprint('before')\n{}['key']", "-o left")
    await user.run("del left")
    cell = await user.run(f"%ds_attach {run}")
    assert (cell.text(), cell.error["ename"]) == ("before\n", "RemoteExecutionError")
    assert cell.error["evalue"] == "KeyError: 'key'"
    assert "{}[" in "\n".join(cell.error["traceback"])
    assert await user.value("left") == "5"


async def test_a_variable_that_did_not_come_is_missed_again(user: User) -> None:
    run = await finished(user, "1", "-o absent")
    error = (await user.run(f"%ds_attach {run}")).error
    assert "no variable absent" in error["evalue"]


async def test_who_keeps_the_value_gets_the_handle(user: User) -> None:
    run = await finished(user, "x = 3\nprint(x)", "-o x")
    await user.run("del job, x")
    assert (await user.run(f"h = %ds_attach {run}")).kinds == ["stream"]
    assert await user.value("h.id, h.status, h.text, h.variables, x") == (
        f"('{run}', 'succeeded', '3\\n', {{'x': 3}}, 3)"
    )
    await user.run("'untouched'")
    assert (await user.run(f"%ds_attach {run}")).kinds == ["stream"]
    assert await user.value("_") == "untouched"


async def test_an_interrupt_ends_the_watching_and_not_the_run(user: User, go: Path) -> None:
    run = await begin(user, waiting(go))
    attached = await user.start(f"%ds_attach {run}")
    await attached.until_text("before")
    await user.interrupt()
    cell = await attached.end()
    assert cell.error["ename"] == "KeyboardInterrupt"
    assert cell.error["evalue"] == (
        f"no longer watching: execution {run} goes on (%ds_cancel {run} cancels it)"
    )
    assert await user.value("job.status") == "running"
    go.touch()
    assert await user.value("job.wait().text") == "before\nafter\n"


async def lines(user: User, code: str) -> AsyncIterator[str]:
    """What the displays of a cell say, one after the other, while somebody looks on."""
    content = {**execute_content(code), "allow_stdin": True}
    request = await user.kernel.send("shell", "execute_request", content)
    while True:
        message = await user.kernel.receive()
        if message["parent_header"].get("msg_id") != request:
            continue
        assert message["msg_type"] != "error", message
        if message["msg_type"] in ("display_data", "update_display_data"):
            yield message["content"]["data"].get("text/plain", "")
        if message["msg_type"] == "execute_reply":
            return


async def test_a_silent_run_is_seen_to_go_on(user: User, go: Path) -> None:
    await user.run(f"%%ds_execute --detach --handle job\n{waiting(go, before='', after='')}")
    await user.run("while job.status != 'running': pass")
    texts = []
    async for text in lines(user, f"%ds_attach {await user.value('job.id')}"):
        texts.append(text)
        go.touch()
    assert " running · " in texts[0]
    assert texts[-1].startswith("succeeded after ") and texts[-1].endswith(" units (computed) · demo-project")


async def test_the_summary_tells_the_time_that_the_run_took(user: User) -> None:
    run = await finished(user, "import time\ntime.sleep(2.1)")
    (text,) = [text async for text in lines(user, f"%ds_attach {run}")]
    assert 2.1 <= float(text.removeprefix("succeeded after ").split(" s")[0]) < 9


async def test_a_run_is_cancelled(user: User, go: Path) -> None:
    run = await begin(user, waiting(go))
    (said,) = (await user.run(f"%ds_cancel {run}")).displays
    assert said["text/plain"] == f"cancelled: execution {run} in project demo-project"
    assert (await user.executions())[0]["state"] == "cancelled"
    (again,) = (await user.run(f"%ds_cancel {run}")).displays
    assert again["text/plain"].startswith(
        f"execution {run} in project demo-project had already ended: cancelled after "
    )


async def test_a_run_that_waits_for_another_is_cancelled(user: User, go: Path) -> None:
    await begin(user, waiting(go))
    await user.run("%%ds_execute --detach --handle second\n1")
    assert await user.value("second.status") == "queued"
    (said,) = (await user.run(f"%ds_cancel {await user.value('second.id')}")).displays
    assert said["text/plain"].startswith("cancelled: execution ")
    go.touch()
    assert await user.value("job.wait().status, second.status") == "('succeeded', 'cancelled')"


async def test_of_a_run_that_does_not_stop_no_more_is_said_than_is_known(user: User, go: Path) -> None:
    await user.run("from jupyter_datasphere.kernel import stopping\nstopping.CANCELLING = 0.5")
    stubborn = (
        "import os, time\nprint('begun', flush=True)\n"
        f"while not os.path.exists({str(go)!r}):\n    try: time.sleep(0.01)\n    except KeyboardInterrupt: pass"
    )
    run = await begin(user, stubborn)
    (said,) = (await user.run(f"%ds_cancel {run}")).displays
    go.touch()
    assert said["text/plain"] == (
        f"not confirmed within 0.5 s: the server has noted that execution {run} in project demo-project is to"
        f" stop (%ds_history shows whether it has, %ds_attach {run} follows it)"
    )
    await user.run("try: job.wait()\nexcept Exception: pass")


async def test_who_does_not_wait_for_the_end_is_told_how_to_look(user: User, go: Path) -> None:
    told = go.with_name("told")
    stubborn = (
        "import os, pathlib, time\nprint('begun', flush=True)\n"
        f"while not os.path.exists({str(go)!r}):\n    try: time.sleep(0.01)\n"
        f"    except KeyboardInterrupt: pathlib.Path({str(told)!r}).touch()"
    )
    run = await begin(user, stubborn)
    cancelling = asyncio.create_task(user.run(f"%ds_cancel {run}"))
    while not told.exists():
        await asyncio.sleep(0)
    await user.interrupt()
    cell = await cancelling
    go.touch()
    assert cell.error["evalue"] == f"no longer waiting: execution {run} may go on (%ds_attach {run} shows it)"
    attached = await user.run(f"%ds_attach {run}")
    assert attached.text() == "begun\n"
    assert attached.error.get("ename") != "KeyboardInterrupt"


async def test_a_finished_run_is_not_cancelled(user: User) -> None:
    run = await finished(user, "1 / 0")
    (said,) = (await user.run(f"%ds_cancel {run}")).displays
    assert "had already ended: failed after " in said["text/plain"]


async def test_output_so_far_and_at_the_end(user: User, go: Path) -> None:
    code = waiting(go, after="import sys\nprint('after', file=sys.stderr)\n{}['key']")
    run = await begin(user, code, "-o absent")
    cell = await user.run(f"%ds_output {run}")
    assert cell.text() == "before\n" and not cell.error
    assert [display["text/plain"] for display in cell.displays] == [
        f"execution {run} goes on (running): %ds_attach {run} shows the rest, too"
    ]
    go.touch()
    await user.run("try: job.wait()\nexcept Exception: pass")
    cell = await user.run(f"%ds_output {run}")
    assert set(cell.kinds) == {"stream"}
    assert cell.text() == "before\n"
    assert cell.text("stderr").startswith("after\n")
    assert cell.text("stderr").endswith("RemoteExecutionError: KeyError: 'key'\n")
    assert "{}[" in cell.text("stderr")


async def test_output_of_a_run_without_any(user: User, go: Path) -> None:
    assert (await user.run(f"%ds_output {await finished(user, 'x = 1')}")).messages == []
    await begin(user, waiting(go))
    await user.run("%%ds_execute --detach --handle second\n1")
    cell = await user.run(f"%ds_output {await user.value('second.id')}")
    assert [display["text/plain"].split("(")[1][:6] for display in cell.displays] == ["queued"]
    go.touch()
    await user.run("second.wait()")


async def test_a_beginning_is_enough_where_one_run_only_has_it(user: User) -> None:
    for end in ("a", "b"):
        await user.run(
            "from jupyter_datasphere.kernel.following import launch\n"
            "from jupyter_datasphere.kernel.handle import Handle\n"
            "from jupyter_datasphere.protocol import Code, ExecutionRequest\n"
            f"commands = {COMMANDS}\n"
            f"request = ExecutionRequest(Code('print(\"{end}\")', session='joining'), commands.project_id)\n"
            f"launch(commands.link, request, '5eed5eed00000b0{end}')\n"
            f"Handle(commands.link, '5eed5eed00000b0{end}').wait()"
        )
    assert (await user.run("%ds_output 5eed5eed00000b0a")).text() == "a\n"
    for magic in ("%ds_attach", "%ds_output", "%ds_cancel"):
        error = (await user.run(f"{magic} 5eed5")).error
        assert error["ename"] == "UsageError"
        assert "execution 5eed5eed00000b0b · cell in session joining" in error["evalue"]
        assert "execution 5eed5eed00000b0a · cell in session joining" in error["evalue"]
    run = await finished(user, "print('c')")
    assert (await user.run(f"%ds_attach {run[:12]}")).text() == "c\n"


@pytest.mark.parametrize("magic", ["%ds_attach", "%ds_output", "%ds_cancel"])
async def test_unknown_runs(user: User, magic: str) -> None:
    unknown = (await user.run(f"{magic} 00000000000000ff")).error
    assert unknown["ename"] == "NotFoundError"
    assert "'00000000000000ff'" in unknown["evalue"] and "%ds_history" in unknown["evalue"]
    for beginning in ("zzzz", "../../status"):
        error = (await user.run(f"{magic} {beginning}")).error
        assert (error["ename"], "%ds_history" in error["evalue"]) == ("NotFoundError", True)
    assert (await user.run(f"{magic} abc")).error["ename"] == "UsageError"
    assert "takes the ID of a run" in (await user.run(magic)).error["evalue"]


def test_the_help_has_two_examples() -> None:
    for parser in (ATTACH, CANCEL, OUTPUT):
        assert parser.format_help().split("examples:")[1].count(str(parser.prog)) == 2
        assert parse_run(parser, "--help").help
        with pytest.raises(UsageError):
            parse_run(parser, "abcd efgh")


async def test_output_as_a_file(user: User, go: Path) -> None:
    file = go.with_name("so far.txt")
    run = await begin(user, waiting(go))
    (said,) = (await user.run(f'%ds_output {run[:8]} --file "{file}"')).displays
    assert said["text/plain"] == (f"{file}: 7 bytes, the text of execution {run}; the run goes on (running)")
    assert file.read_text() == "before\n"
    go.touch()
    await user.run("job.wait()")
    refused = (await user.run(f'%ds_output {run} --file "{file}"')).error
    assert refused["ename"] == "ConflictError" and "--overwrite" in refused["evalue"]
    assert file.read_text() == "before\n"
    (said,) = (await user.run(f'%ds_output {run} --file "{file}" --overwrite')).displays
    assert said["text/plain"] == f"{file}: 13 bytes, the text of execution {run}"
    assert file.read_text() == "before\nafter\n"
    without = (await user.run(f"%ds_output {run} --overwrite")).error
    assert without["ename"] == "UsageError" and "--file" in without["evalue"]


async def test_what_is_not_shown_says_how_to_get_it(user: User, tmp_path: Path) -> None:
    await user.run("%ds_config display_limit=0.001")
    try:
        cell = await user.run("%%ds_execute\nfor number in range(1000): print(number)")
    finally:
        await user.run("%ds_config --reset")
    run = (await user.executions())[0]["id"]
    assert f"%ds_output {run} --file PATH" in cell.text("stderr")
    file = tmp_path / "all.txt"
    await user.run(f"%ds_output {run} --file {file}")
    assert file.read_text() == "".join(f"{number}\n" for number in range(1000))
