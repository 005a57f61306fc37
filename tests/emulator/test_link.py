"""A project's own Jupyter server: its link, what its kernels inherit, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulator.api import Api, commands, eventually, ok, refused, start_api
from emulator.test_faults import control
from emulator.test_kernels import started

from jupyter_datasphere.demo.kernel_client import kernel_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def link_of(api: Api, project: str | None = None) -> str:
    params = {"project": project or api.project_id}
    answer = await api.http.get("/emulator/link", params=params, headers=control(api), timeout=60)
    return str(ok(answer)["link"])


def server_of(link: str) -> dict[str, Any]:
    url, _, token = link.partition("lab?token=")
    return {"url": url, "token": token}


async def printed(link: str, code: str) -> str:
    """What code prints in a new kernel of that server."""
    async with kernel_of(server_of(link)) as kernel:
        messages = [message async for message in kernel.execute(code)]
    return "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")


def servers_of(root: Path) -> list[str]:
    return [command for command in commands() if "jupyter_main.py" in command and f"{root}/" in command]


async def test_a_link_leads_to_a_kernel_in_the_project(api: Api) -> None:
    (api.folder / "here.txt").write_text("content")
    link = await link_of(api)
    assert await printed(link, "print(open('here.txt').read())") == "content\n"
    assert await link_of(api) == link


async def test_each_project_has_a_server_of_its_own(api: Api) -> None:
    other = await api.in_new_project(name="linked")
    first, second = await asyncio.gather(link_of(api), link_of(other))
    assert server_of(first)["url"] != server_of(second)["url"]
    assert server_of(first)["token"] != server_of(second)["token"]
    assert await printed(second, "import os; print(os.getcwd())") == f"{other.folder}\n"


async def test_two_who_ask_at_once_get_one_server(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with start_api(root) as api:
        first, second = await asyncio.gather(link_of(api), link_of(api))
        assert first == second
        assert len(servers_of(root)) == 1


async def test_a_link_needs_the_control_token_and_a_project(api: Api) -> None:
    refused(await api.http.get("/emulator/link", params={"project": api.project_id}), 401, 16)
    refused(await api.http.get("/emulator/link", params={"project": "none"}, headers=control(api)), 404, 5)
    refused(await api.http.get("/emulator/link", headers=control(api)), 404, 5)


async def test_the_server_refuses_who_has_no_token(api: Api) -> None:
    url = server_of(await link_of(api))["url"]
    async with httpx.AsyncClient(trust_env=False) as http:
        for headers in ({}, {"Authorization": "token wrong"}):
            assert (await http.get(f"{url}api/kernels", headers=headers)).status_code == 403


async def test_no_secret_is_in_its_kernels_or_command_line(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("YC_OAUTH", "JUPYTER_DATASPHERE_URL", "my_token_2", "A_SECRET_B", "DB_PASSWORD", "JPY_API"):
        monkeypatch.setenv(name, "marked")
    monkeypatch.setenv("ORDINARY", "kept")
    other = await api.in_new_project(name="secrets")
    link = await link_of(other)
    token = server_of(link)["token"]
    code = "import os; print([n for n, v in os.environ.items() if v == 'marked'], os.environ['ORDINARY'])"
    assert await printed(link, code) == "[] kept\n"
    assert token not in await printed(link, "import os; print(dict(os.environ))")
    assert not any(token in command for command in commands())
    files = [file for file in api.emulator.config.root.rglob("*") if file.is_file()]
    assert not any(token.encode() in file.read_bytes() for file in files)


async def test_a_server_that_was_killed_is_started_anew_with_another_link(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with start_api(root) as api:
        link = await link_of(api)
        os.killpg(process_of(root), signal.SIGKILL)

        async def another() -> str | None:
            now = await link_of(api)
            return now if now != link else None

        assert await printed(await eventually(another), "print(1)") == "1\n"


def process_of(root: Path) -> int:
    """The only Jupyter server of an emulator."""
    [number] = [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and _is_server(process, root)
    ]
    return number


def _is_server(process: Path, root: Path) -> bool:
    try:
        command = (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return b"jupyter_main.py" in command and f"{root}/".encode() in command


async def busy(link: str, folder: Path, seconds: int) -> str:
    """Let a kernel and a child of it sleep; the kernel's connection file."""
    server = server_of(link)
    headers = {"Authorization": f"token {server['token']}"}
    # Not `kernel_of`, which would end the kernel.
    manager = kernel_of(server)
    kernel = await manager.__aenter__()
    lines = (
        "import signal, subprocess, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"  # which its child inherits
        f"subprocess.Popen(['sleep', '{seconds}'])\n"
        "open('ready', 'w').close()\n"
        f"time.sleep({seconds})"
    )
    await kernel.send("shell", "execute_request", {"code": lines, "silent": False})

    async def ready() -> bool:
        return (folder / "ready").exists() and f"sleep {seconds}" in commands()

    await eventually(ready)
    async with httpx.AsyncClient(trust_env=False) as http:
        [model] = (await http.get(f"{server['url']}api/kernels", headers=headers)).json()
    return f"kernel-{model['id']}.json"


async def test_the_server_and_busy_kernels_end_on_request(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with start_api(root) as api:
        link = await link_of(api)
        kernel = await busy(link, api.folder, 90)
        params = {"project": api.project_id}
        refused(await api.http.delete("/emulator/link", params=params), 401, 16)
        refused(
            await api.http.delete("/emulator/link", params={"project": "no"}, headers=control(api)), 404, 5
        )
        assert any(kernel in command for command in commands())
        for stopped in (True, False):
            answer = await api.http.delete("/emulator/link", params=params, headers=control(api), timeout=60)
            assert ok(answer) == {"stopped": stopped}
            assert servers_of(root) == []
            assert not any(kernel in command or "sleep 90" in command for command in commands())
        assert await link_of(api) != link


async def test_the_server_and_busy_kernels_end_with_the_emulator(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with start_api(root) as api:
        kernel = await busy(await link_of(api), api.folder, 91)
        assert any(kernel in command for command in commands())
    assert servers_of(root) == []
    assert not any(kernel in command or "sleep 91" in command for command in commands())


async def test_nothing_is_left_when_the_emulator_is_killed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with started(root) as process:
        facts = json.loads((root / "emulator.json").read_text())
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            headers = {"Authorization": f"Bearer {facts['control_token']}"}
            params = {"project": facts["project_id"]}
            link = ok(await http.get(f"{facts['url']}/emulator/link", params=params, headers=headers))["link"]
        kernel = await busy(link, root / "projects" / facts["project_id"], 92)
        assert len(servers_of(root)) == 1
        process.kill()

    async def gone() -> bool:
        return not any(
            kernel in command or "sleep 92" in command or str(root) in command for command in commands()
        )

    await eventually(gone)
