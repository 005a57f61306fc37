"""What a run spends, and what ends it for that, as somebody at a notebook sees it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.demo.kernel_client import execute_content, kernel_of
from jupyter_datasphere.executions.runner.notebook import RUNNER_NAME, runner_notebook

from .users import Facts, User, on_screen


@pytest_asyncio.fixture
async def user(server: Facts) -> AsyncIterator[User]:
    async with kernel_of(server) as kernel:
        user = User(kernel, server)
        await user.run("%load_ext jupyter_datasphere\n%ds_project demo-project\n%ds_config session=spending")
        yield user


async def screens(user: User, code: str) -> AsyncIterator[list[str]]:
    """What is below the cell while it runs, without what is blank."""
    content = {**execute_content(code), "allow_stdin": True}  # somebody looks on
    request = await user.kernel.send("shell", "execute_request", content)
    messages = []
    replied = idle = False
    while not (replied and idle):  # the reply may come before the last of the outputs
        message = await user.kernel.receive()
        if message["parent_header"].get("msg_id") != request:
            continue
        messages.append((message["msg_type"], message["content"]))
        if message["channel"] == "iopub":
            yield [text for text in on_screen(messages) if text]
        if message["msg_type"] == "execute_reply":
            assert message["content"]["status"] == "ok", message
            replied = True
        idle = idle or message["content"].get("execution_state") == "idle"


RUNNING = re.compile(r". running · \d+(\.\d)? s · ~(\d+) of 1,000 units \(computed\)")
ENDED = re.compile(r"succeeded after \d+(\.\d)? s · ~\d+ units \(computed\) · demo-project")


async def test_time_and_units_come_below_the_output_again_and_again(user: User, tmp_path: Path) -> None:
    signs = [tmp_path / "first", tmp_path / "second"]
    code = "import os, time\nprint('begun')\n" + "".join(
        f"while not os.path.exists({str(sign)!r}): time.sleep(0.01)\nprint({sign.name!r})\n" for sign in signs
    )
    expected = [["begun\n"], ["begun\n", "first\n"]]
    screen: list[str] = []
    units = []
    async for screen in screens(user, f"%%ds_execute --max-units 1000\n{code}"):
        if expected and screen[:-1] == expected[0] and (line := RUNNING.fullmatch(screen[-1])):
            units.append(int(line[2]))
            expected.pop(0)
            signs.pop(0).touch()
    *output, summary = screen
    assert not expected
    assert 4 <= units[0] < units[1] and units[1] % 4 == 0
    assert output == ["begun\n", "first\n", "second\n"]
    assert ENDED.fullmatch(summary)


async def test_units_of_a_run_that_is_joined_count_from_its_beginning(user: User, tmp_path: Path) -> None:
    go = tmp_path / "go"
    await user.run(
        "%%ds_execute --detach --handle job --max-units 1000\n"
        f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)"
    )
    await user.run("while job.status != 'running': pass\nimport time; time.sleep(1.01)")
    first = None
    async for screen in screens(user, f"%ds_attach {await user.value('job.id')}"):
        if first is None and screen and (first := RUNNING.fullmatch(screen[0])):
            go.touch()
    assert first is not None
    assert int(first[2]) >= 8  # the second second at least


async def test_the_units_of_the_settings_hold_where_none_are_given(user: User) -> None:
    await user.run("%ds_config max_units=4")  # one second of c1.4
    cell = await user.run("%%ds_execute\nimport time\ntime.sleep(60)")
    assert "would have passed 4 units" in cell.error["evalue"]
    cell = await user.run("%%ds_execute --max-units 3\n1")
    assert "3 do not pay for it" in cell.error["evalue"]
    cell = await user.run("%%ds_execute --max-units none\nimport time\ntime.sleep(1.5)\nprint('ended')")
    assert cell.text() == "ended\n" and not cell.error


async def test_a_balance_that_runs_low_is_said_before_and_during_a_run(
    user: User, client: Client, emulator: Facts, tmp_path: Path
) -> None:
    create = types.CreateProjectRequest(community_id=emulator["community_id"], name="poor")
    metadata = (await client.wait(await client.create_project(create))).metadata
    assert metadata is not None
    project = metadata["projectId"]
    (Path(emulator["root"]) / "projects" / project / RUNNER_NAME).write_bytes(runner_notebook())
    await client.wait(await client.set_unit_balance(project, 3))
    refused = await user.run("%%ds_execute -p poor\n1")
    assert refused.error["ename"] == "QuotaError"
    assert "One second of c1.4 costs 4 units; poor has 3 left. Let an adm" in refused.error["evalue"]
    await client.wait(await client.set_unit_balance(project, 4 * 400))
    go = tmp_path / "go"
    lines = []
    code = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)"
    async for screen in screens(user, f"%%ds_execute -p poor\n{code}"):
        lines += screen
        if any("units" in line for line in screen):
            go.touch()
    said = r".* s · ~\d+ units, the balance lasts \d min \d+ s \(computed\)"
    assert any(re.fullmatch(said, line) for line in lines)
