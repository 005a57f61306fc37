"""Kernel processes: what they inherit, where they run, and that none outlives its emulator."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import zmq
import zmq.asyncio
from emulator.api import Api, commands, eventually, kernels_of, ok, start_api
from jupyter_client.session import Session

from jupyter_datasphere.emulator.kernel import Kernel
from jupyter_datasphere.emulator.kernels import Kernels
from jupyter_datasphere.emulator.notebooks import CellSource

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVE = """
import asyncio, pathlib, sys
from jupyter_datasphere.emulator import EmulatorConfig, serve
asyncio.run(serve(EmulatorConfig(root=pathlib.Path(sys.argv[1]))))
"""


async def test_no_secret_of_ours_reaches_a_kernel(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["YC_OAUTH", "JUPYTER_DATASPHERE_URL", "my_token_2", "A_SECRET_B", "DB_PASSWORD", "JPY_API"]
    for name in names:
        monkeypatch.setenv(name, "marked")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("ORDINARY", "kept")
    api.write(
        "environment.ipynb",
        "import os; print([n for n, v in os.environ.items() if v == 'marked'], os.environ['ORDINARY'])",
        "print(os.environ['MPLBACKEND'])",
    )
    first, second = await api.cells("environment.ipynb")
    await api.run(notebookId="environment.ipynb")
    assert await api.text(first) == "[] kept\n"
    assert "inline" in await api.text(second)


async def test_a_kernel_runs_in_the_project_and_sees_nothing_of_the_emulator(api: Api) -> None:
    api.write(
        "where.ipynb",
        "import os, sys\nprint(os.getcwd())\nprint([p for p in sys.path if p.endswith('emulator')])",
        "from IPython import get_ipython\nip = get_ipython()\n"
        "print(ip.history_manager.enabled, ip.profile_dir.location)",
    )
    first, second = await api.cells("where.ipynb")
    await api.run(notebookId="where.ipynb")
    assert await api.text(first) == f"{api.folder}\n[]\n"
    assert (await api.text(second)).startswith(f"False {api.emulator.config.root}/ipython")


async def test_a_kernel_is_ready_although_its_welcome_does_not_come(tmp_path: Path) -> None:
    """ipykernel greets nobody who subscribes as somebody did before, nor whoever does so while it sends."""
    kernels = Kernels(tmp_path)
    first = await kernels.start(tmp_path)
    context = zmq.asyncio.Context()
    shell, iopub = context.socket(zmq.DEALER), context.socket(zmq.SUB)
    iopub.subscribe(b"")
    for mine, other in ((shell, first._shell), (iopub, first._iopub)):
        mine.connect(other.last_endpoint)
    session = Session(key=first._session.key)
    second = Kernel(first._process, session, shell, iopub, lambda _: None)
    async with asyncio.timeout(20):
        await second.ready()
    outputs: list[str] = []
    assert await second.run(CellSource("code", "print('heard')"), outputs.append) == "ok"
    assert json.loads(outputs[0])["text"] == "heard\n"
    await second.stop()
    await kernels.close()
    context.destroy(linger=0)


async def test_kernels_end_with_the_emulator(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with start_api(root) as api:
        api.write("child.ipynb", "import subprocess; subprocess.Popen(['sleep', '62'])")
        await api.run(notebookId="child.ipynb")
        assert len(kernels_of(root)) == 1
        assert "sleep 62" in commands()
    assert kernels_of(root) == []
    assert "sleep 62" not in commands()


def started(root: Path, *, before: str = "") -> subprocess.Popen[bytes]:
    """An emulator as a process of its own, once it serves."""
    process = subprocess.Popen([sys.executable, "-c", before + SERVE, str(root)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert b"http://127.0.0.1:" in process.stdout.readline()
    return process


async def busy(root: Path, seconds: int) -> str:
    """Let a kernel of the emulator and three children of it sleep; the operation."""
    facts = json.loads((root / "emulator.json").read_text())
    folder = root / "projects" / facts["project_id"]
    lines = [
        "import subprocess",
        f"subprocess.Popen(['sleep', '{seconds}'])",
        f"subprocess.Popen('sleep {seconds}; true', shell=True)",
        f"!echo ready > ready; sleep {seconds}",
    ]
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "source": "\n".join(lines)}
    (folder / "busy.ipynb").write_text(json.dumps({"nbformat": 4, "metadata": {}, "cells": [cell]}))
    async with httpx.AsyncClient(base_url=facts["url"]) as http:
        login = await http.post("/iam/v1/tokens", json={"yandexPassportOauthToken": facts["oauth_token"]})
        http.headers["Authorization"] = f"Bearer {ok(login)['iamToken']}"
        path = f"/datasphere/v2/projects/{facts['project_id']}:execute"
        operation = ok(await http.post(path, json={"notebookId": "busy.ipynb"}))

    async def ready() -> bool:
        return (folder / "ready").exists() and commands().count(f"sleep {seconds}") == 3

    await eventually(ready)
    return str(operation["id"])


UNDER_NOHUP = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"


@pytest.mark.parametrize("before", ["", UNDER_NOHUP], ids=["plainly", "under nohup"])
async def test_nothing_is_left_when_the_emulator_is_killed(tmp_path: Path, before: str) -> None:
    root = tmp_path / "root"
    with started(root, before=before) as process:
        operation = await busy(root, 63)
        [kernel] = kernels_of(root)
        sockets = Path(kernel.partition("connection_file=")[2].split()[0]).parent
        assert sockets.is_dir()
        process.kill()

    async def gone() -> bool:
        return kernels_of(root) == [] and "sleep 63" not in commands() and not sockets.exists()

    await eventually(gone)
    async with start_api(root) as api:
        ended = await api.operation({"id": operation})
        assert ended["response"]["executionStatus"] == "ABORTED"
        assert ended["response"]["checkpointId"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    root = tmp_path / "root"
    seconds = 70 + number
    with started(root) as process:
        await busy(root, seconds)
        os.kill(process.pid, number)
        assert process.wait(10) == 0
    assert kernels_of(root) == []
    assert f"sleep {seconds}" not in commands()
    assert not (root / "emulator.json").exists()


async def test_a_kernel_that_does_not_start_is_an_error_of_the_operation(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.write("first.ipynb", "1")
    await api.run(notebookId="first.ipynb")  # the reaper runs, which is a Python program too
    monkeypatch.setattr(sys, "executable", "/bin/false")
    api.write("no-start.ipynb", "1")
    ended = await api.done(await api.execute(notebookId="no-start.ipynb"))
    assert ended["error"]["code"] == 14
    assert "kernels.log" in ended["error"]["message"]
    monkeypatch.undo()
    assert (await api.run(notebookId="no-start.ipynb"))["executionStatus"] == "OK"
