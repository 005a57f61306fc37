"""Faults on purpose that reach into the emulator: tokens, operations, executions, the emulator's own life."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import httpx
import pytest
from emulator.api import Api, eventually, kernels_of, key, ok, refused
from emulator.test_faults import at, faulty, fired, project_names, statuses

SLEEPER = "import time\nprint('on', flush=True)\ntime.sleep(60)"


async def test_expired_tokens_are_refused_until_the_next_login(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with faulty(root, at("project.get", 2, expire_tokens=True)) as api:
        ok(await api.http.get(api.project))
        refused(await api.http.get(api.project), 401, 16, "expired")
        refused(await api.http.get(f"{api.project}:unitBalance"), 401, 16, "expired")
        old = dict(api.http.headers)
        await api.log_in()
        ok(await api.http.get(api.project))
    async with faulty(root) as api:
        refused(await api.http.get(api.project, headers={"Authorization": old["authorization"]}), 401, 16)
        ok(await api.http.get(api.project))


async def test_a_forgotten_operation_stays_forgotten_and_its_execution_goes_on(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("operation.get", 2, forget_operation=True)) as api:
        api.write("cells.ipynb", "print('done')")
        [cell] = await api.cells("cells.ipynb")
        same = key()
        body = {"cellId": cell}
        operation = ok(await api.http.post(f"{api.project}:execute", json=body, headers=same))
        url = f"/operations/{operation['id']}"
        ok(await api.http.get(url))
        refused(await api.http.get(url), 404, 5, operation["id"])
        refused(await api.http.get(url), 404, 5, operation["id"])
        refused(await api.http.get(f"{url}:cancel"), 404, 5, operation["id"])
        refused(await api.http.post(f"{api.project}:execute", json=body, headers=same), 404, 5)
        await api.printed(cell, "done")
        assert await fired(api) == [1]
        assert (await api.run(cellId=cell))["executionStatus"] == "OK"  # its lane has survived


async def test_a_paused_execution_runs_later(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.execute", 2, pause=0.5)) as api:
        api.write("cells.ipynb", "1")
        await api.run(notebookId="cells.ipynb")
        begun = time.monotonic()
        assert (await api.run(notebookId="cells.ipynb"))["executionStatus"] == "OK"
        assert time.monotonic() - begun >= 0.5


async def test_a_paused_execution_has_not_begun_and_can_be_cancelled(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.execute", 2, pause=600)) as api:
        api.write("cells.ipynb", "print('on')")
        [cell] = await api.cells("cells.ipynb")
        await api.run(cellId=cell)
        before = await api.outputs(cell)
        paused = await api.execute(cellId=cell)
        assert await api.outputs(cell) == before
        assert "done" not in await api.operation(paused)
        await api.cancel(paused)
        assert (await api.done(paused))["response"] == {
            "@type": "type.googleapis.com/yandex.cloud.datasphere.v2.ProjectExecutionResponse",
            "executionStatus": "ABORTED",
        }
        # The next one comes over the same connection, and does not wait.
        assert (await api.run(cellId=cell))["executionStatus"] == "OK"


@pytest.mark.parametrize("revision", ["2024-03", "current"])
async def test_a_restart_keeps_all_but_the_interpreters(tmp_path: Path, revision: str) -> None:
    root = tmp_path / "root"
    async with faulty(root, at("project.get", 2, restart=True), revision=revision) as api:
        api.write("fast.ipynb", "print('fast')")
        api.write("slow.ipynb", "from pathlib import Path\nPath('on').touch()\n" + SLEEPER)
        ended = await api.done(await api.execute(notebookId="fast.ipynb"))
        same = key()
        body = {"notebookId": "slow.ipynb"}
        running = ok(await api.http.post(f"{api.project}:execute", json=body, headers=same))
        opened = ok(await api.http.post(f"{api.project}:open"))["response"]

        async def on() -> bool:
            return (api.folder / "on").exists()

        await eventually(on)
        facts = (root / "emulator.json").read_text()
        interpreters = kernels_of(root)
        assert interpreters
        ok(await api.http.get(api.project))
        with pytest.raises(httpx.TransportError):
            await api.http.get(api.project)

        ok(await api.http.get(api.project))  # waits for the new life; same port, same token
        assert kernels_of(root) == []
        assert (await api.operation(running))["response"]["executionStatus"] == "ABORTED"
        assert await api.operation(ended) == ended
        again = ok(await api.http.post(f"{api.project}:execute", json=body, headers=same))
        assert again["id"] == running["id"]
        page = await api.http.get(opened["projectUrl"], params={"sessionToken": opened["sessionToken"]})
        assert page.status_code == 200
        assert (root / "emulator.json").read_text() == facts
        assert await fired(api) == [1]
        assert api.emulator.calls["project.get"] == 3
        assert (await api.run(notebookId="fast.ipynb"))["executionStatus"] == "OK"
    assert kernels_of(root) == []
    assert not (root / "emulator.json").exists()


async def test_variables_are_gone_after_a_restart(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.get", 1, restart=True)) as api:
        api.write("cells.ipynb", "x = 1")
        await api.run(notebookId="cells.ipynb")
        assert await api.variables("cells.ipynb") == {"x": 1}
        await restarted(api)
        assert await api.variables("cells.ipynb") == {}


async def test_an_emulator_restarts_again_and_again(tmp_path: Path) -> None:
    async with faulty(tmp_path / "root", at("project.get", 1, 3, 5, restart=True)) as api:
        for _ in range(3):
            await restarted(api)
            assert await statuses(api, 1) == [200]
        assert await fired(api) == [3]


async def test_an_emulator_can_be_stopped_while_it_restarts(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with faulty(root, at("project.get", 1, restart=True)) as api:
        await restarted(api)
    async with faulty(root) as api:
        ok(await api.http.get(api.project))


async def test_a_restart_does_not_wait_for_a_delayed_call(tmp_path: Path) -> None:
    rules = at("project.list", 1, delay=600), at("project.get", 1, restart=True)
    async with faulty(tmp_path / "root", *rules) as api:
        delayed = asyncio.create_task(project_names(api))

        async def arrived() -> bool:
            return api.emulator.calls["project.list"] == 1

        await eventually(arrived)
        await restarted(api)
        with pytest.raises(httpx.TransportError):
            await delayed
        assert await project_names(api) == ["demo-project"]


async def test_after_a_restart_that_fails_connections_are_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "root"
    async with faulty(root, at("project.get", 1, restart=True)) as api:
        connection = sqlite3.connect(root / "emulator.sqlite")
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        await restarted(api)
        with pytest.raises(httpx.TransportError):  # also where it waited for the service first
            await api.http.get(api.project)
        with pytest.raises(httpx.ConnectError):
            await api.http.get(api.project)
        assert "schema 99" in caplog.text
        assert not (root / "emulator.json").exists()


async def restarted(api: Api) -> None:
    """Make the call that restarts the emulator."""
    with pytest.raises(httpx.TransportError):
        await api.http.get(api.project)
