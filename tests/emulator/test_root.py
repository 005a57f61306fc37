"""The emulator's folder: what it holds, who may use it, and what a restart keeps."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import stat
from pathlib import Path

import pytest
from emulator.api import Api, ok, start_api

from jupyter_datasphere.emulator import Emulator, EmulatorConfig
from jupyter_datasphere.errors import ConflictError, UsageError

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_emulator_json_tells_how_to_log_in_and_is_private(api: Api) -> None:
    file = api.emulator.config.root / "emulator.json"
    emulator = api.emulator
    facts = json.loads(file.read_text())
    assert facts.pop("accounts")[0]["name"] == "admin"
    assert facts == {
        "url": emulator.url,
        "files_address": emulator.info.files_address,
        "oauth_token": emulator.oauth_token,
        "organization_id": emulator.organization_id,
        "community_id": emulator.community_id,
        "project_id": emulator.project_id,
        "control_token": emulator.info.control_token,
    }
    for name in ("emulator.json", "emulator.env", "emulator.sqlite", "emulator.sqlite-wal"):
        assert stat.S_IMODE((emulator.config.root / name).stat().st_mode) == 0o600
    assert ok(await api.http.get(api.project))["name"] == "demo-project"


async def test_a_shell_reads_the_environment_of_a_jupyter_server(api: Api) -> None:
    file = api.emulator.config.root / "emulator.env"
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", '. "$1"; env', "sh", str(file), stdout=asyncio.subprocess.PIPE, env={"PATH": os.defpath}
    )
    printed, _ = await process.communicate()
    found = dict(line.split("=", 1) for line in printed.decode().splitlines())
    emulator = api.emulator
    assert found["JUPYTER_DATASPHERE_ENDPOINT"] == emulator.url
    assert found["JUPYTER_DATASPHERE_FILES_ENDPOINT"] == emulator.info.files_address
    assert found["JUPYTER_DATASPHERE_ORGANIZATION"] == emulator.organization_id
    assert found["JUPYTER_DATASPHERE_PROJECT"] == emulator.project_id
    assert found["YC_TOKEN"] == emulator.oauth_token


async def test_a_root_serves_one_emulator(api: Api) -> None:
    with pytest.raises(ConflictError, match="--root"):
        await Emulator(EmulatorConfig(root=api.emulator.config.root)).start()
    ok(await api.http.get(api.project))
    assert (api.emulator.config.root / "emulator.json").exists()


async def test_a_folder_of_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"no folder of an emulator.*--root"):
        await Emulator(EmulatorConfig(root=tmp_path)).start()
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match="--root"):
        await Emulator(EmulatorConfig(root=tmp_path / "thesis.txt")).start()
    with pytest.raises(UsageError, match="--root"):
        await Emulator(EmulatorConfig(root=tmp_path / "thesis.txt" / "below")).start()


async def test_a_port_for_files_in_use_is_refused_in_one_message(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConflictError) as refused:
            await Emulator(EmulatorConfig(root=tmp_path / "root", files_port=port)).start()
    text = f"Port {port} of 127.0.0.1 cannot be used for files: {os.strerror(errno.EADDRINUSE)}."
    assert refused.value.message == text
    assert "--files-port" in (refused.value.hint or "")
    assert "".join(capfd.readouterr()) == ""  # gRPC has words of its own for it


async def test_a_port_in_use_is_refused_and_the_root_is_free_again(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConflictError, match=rf"{port}.*--port"):
            await Emulator(EmulatorConfig(root=tmp_path / "root", port=port)).start()
    assert not (tmp_path / "root" / "emulator.json").exists()
    async with start_api(tmp_path / "root", port=port) as api:
        assert api.emulator.url == f"http://127.0.0.1:{port}"


async def test_it_listens_on_loopback_only(api: Api) -> None:
    port = int(api.emulator.url.rpartition(":")[2])
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert f"0100007F:{port:04X}" in listening
    assert f"00000000:{port:04X}" not in listening


async def test_notebooks_are_seeded_once_and_the_runner_is_kept_up_to_date(tmp_path: Path) -> None:
    root, notebook = tmp_path / "root", tmp_path / "example.ipynb"
    notebook.write_text("{}")
    async with start_api(root, notebooks=(notebook,), runner=b"old") as api:
        assert (api.folder / "example.ipynb").read_text() == "{}"
        assert (api.folder / "jupyter_datasphere_runner.ipynb").read_bytes() == b"old"
        (api.folder / "example.ipynb").unlink()
    async with start_api(root, notebooks=(notebook,), runner=b"new") as api:
        assert not (api.folder / "example.ipynb").exists()
        assert (api.folder / "jupyter_datasphere_runner.ipynb").read_bytes() == b"new"


async def test_a_restart_keeps_everything_but_the_interpreters(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with start_api(root) as api:
        api.write(
            "kept.ipynb", "x = 1; print('kept')", "import time\nprint('on', flush=True)\ntime.sleep(60)", "1"
        )
        first, second, third = await api.cells("kept.ipynb")
        project = await api.new_project(name="kept")
        await api.set_balance(1000)
        finished = await api.done(await api.execute(cellId=first))
        running = await api.execute(cellId=second)
        await api.printed(second, "on")
        queued = await api.execute(cellId=third)
        before, token = api.emulator.info, api.http.headers["Authorization"]
        balance = await api.balance()
        assert balance is not None
    async with start_api(root) as api:
        after = api.emulator.info
        api.http.headers["Authorization"] = token
        assert (after.oauth_token, after.project_id) == (before.oauth_token, before.project_id)
        assert ok(await api.http.get(f"/datasphere/v2/projects/{project['id']}")) == project
        assert await api.operation(finished) == finished
        for operation in (running, queued):
            assert (await api.operation(operation))["response"]["executionStatus"] == "ABORTED"
        assert balance - 8 <= (await api.balance() or 0) < 1000
        assert await api.cells("kept.ipynb") == [first, second, third]
        assert await api.text(first) == "kept\n"
        assert await api.text(second) == "on\n"
        assert await api.variables("kept.ipynb") == {}
        checkpoint = finished["response"]["checkpointId"]
        assert await api.variables("kept.ipynb", checkpointId=checkpoint) == {"x": 1}
        assert (await api.run(cellId=first))["executionStatus"] == "OK"
