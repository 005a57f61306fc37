"""Named credentials: which there are, which are in force, and what keeps to which."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import Facts

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.demo.processes import environment_for, jupyter
from jupyter_datasphere.errors import CredentialsError, DataSphereError
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.protocol import Code, ExecutionRequest
from jupyter_datasphere.server.backend import Backend
from jupyter_datasphere.server.settings import Settings

Accounts = dict[str, dict[str, Any]]


@pytest.fixture
def accounts(emulator: Facts) -> Accounts:
    facts = json.loads((Path(emulator["root"]) / "emulator.json").read_text())
    return {account["name"]: account for account in facts["accounts"]}


def profiles_of(accounts: Accounts, root: str) -> dict[str, dict[str, str]]:
    return {
        "dev": {"oauth_token": accounts["developer"]["oauth_token"]},
        "nobody": {"oauth_token": accounts["stranger"]["oauth_token"]},
        "robot": {"service_account_key_file": accounts["robot"]["key_file"]},
        "guest": {"yc_profile": "federated"},
        "wrong": {"oauth_token": "y0_wrong"},
        "odd": {"oauth_token": "y0_a", "iam_token": "t1.b"},
    }


@asynccontextmanager
async def backend_of(
    emulator: Facts, folder: Path, accounts: Accounts, **traits: Any
) -> AsyncIterator[Backend]:
    """What is behind the handlers of a server that was started as `admin`."""
    settings = Settings(
        endpoint=emulator["url"],
        organization=emulator["organization_id"],
        yc_command=str(Path(emulator["root"]) / "bin" / "yc"),
        profiles=profiles_of(accounts, emulator["root"]),
        **traits,
    )
    ledger = Ledger(folder / "ledger")
    backend = Backend(settings, ledger, {"YC_TOKEN": emulator["oauth_token"]})
    try:
        yield backend
    finally:
        await backend.aclose()
        ledger.close()


async def who(backend: Backend, emulator: Facts) -> str:
    """The account of a call: the one that the service notes with an operation."""
    request = types.CreateProjectRequest(community_id=emulator["community_id"])
    operation = await backend.client.create_project(request)
    assert operation.metadata is not None
    await backend.client.delete_project(operation.metadata["projectId"])
    return operation.created_by


async def test_a_profile_is_chosen_and_left_again(
    emulator: Facts, tmp_path: Path, accounts: Accounts
) -> None:
    async with backend_of(emulator, tmp_path, accounts) as backend:
        assert await who(backend, emulator) == accounts["admin"]["id"]
        assert (await backend.status(None)).profile is None
        for name, account, source in (
            ("dev", "developer", "OAuth token from profile dev"),
            (
                "robot",
                "robot",
                f"service account's key file {accounts['robot']['key_file']} from profile robot",
            ),
        ):
            chosen = await backend.choose_profile(name)
            assert chosen.chosen == name
            assert await who(backend, emulator) == accounts[account]["id"]
            status = await backend.status(None)
            assert (status.profile, status.credentials) == (name, source)
            assert status.credentials_expire_at is not None
        guest = await backend.choose_profile("guest")
        assert guest.chosen == "guest"
        assert "`yc` CLI with its profile federated" in ((await backend.status(None)).credentials or "")
        assert (await backend.projects.find("demo-project")).id == emulator["project_id"]
        assert (await backend.choose_profile(None)).chosen is None
        assert await who(backend, emulator) == accounts["admin"]["id"]


async def test_what_one_account_has_found_another_does_not_see(
    emulator: Facts, tmp_path: Path, accounts: Accounts
) -> None:
    async with backend_of(emulator, tmp_path, accounts) as backend:
        await backend.projects.find("demo-project")
        await backend.choose_profile("nobody")
        with pytest.raises(DataSphereError):
            await backend.projects.find("demo-project")
        await backend.choose_profile(None)
        await backend.projects.find("demo-project")


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("rowbot", "profile", ["no profile 'rowbot'", "'robot'"]),
        ("something else", "profile", ["something else", "dev, nobody, robot"]),
        ("wrong", "credentials", ["profile wrong", "datasphere login"]),
        ("odd", "profile", ["'odd' has 2", "exactly one of iam_token"]),
    ],
)
async def test_what_gives_no_token_is_not_chosen(
    emulator: Facts, tmp_path: Path, accounts: Accounts, name: str, code: str, words: list[str]
) -> None:
    async with backend_of(emulator, tmp_path, accounts) as backend:
        await backend.choose_profile("dev")
        with pytest.raises(CredentialsError) as caught:
            await backend.choose_profile(name)
        assert caught.value.code == code
        for word in words:
            assert word in str(caught.value)
        assert backend.profiles().chosen == "dev"
        assert await who(backend, emulator) == accounts["developer"]["id"]


async def test_the_list_names_sources_and_mistakes_and_no_secret(
    emulator: Facts, tmp_path: Path, accounts: Accounts
) -> None:
    async with backend_of(emulator, tmp_path, accounts, profile="robot") as backend:
        profiles = backend.profiles()
        assert profiles.chosen == "robot"
        assert profiles.unnamed == "OAuth token from YC_TOKEN"
        found = {profile.name: profile for profile in profiles.profiles}
        assert list(found) == ["dev", "nobody", "robot", "guest", "wrong", "odd"]
        assert found["dev"].source == "OAuth token from profile dev"
        assert found["odd"].source is None
        assert found["odd"].problem is not None and found["odd"].problem.code == "profile"
        for account in accounts.values():
            assert account.get("oauth_token", "y0_") not in repr(profiles) or "oauth_token" not in account
        assert await who(backend, emulator) == accounts["robot"]["id"]
        assert (await backend.choose_profile("dev")).chosen == "dev"
        assert (await backend.choose_profile(None)).chosen == "robot"


async def test_a_wrong_profile_in_the_configuration_is_told_and_can_be_left(
    emulator: Facts, tmp_path: Path, accounts: Accounts
) -> None:
    async with backend_of(emulator, tmp_path, accounts, profile="missing") as backend:
        status = await backend.status(None)
        assert (status.connection, status.profile, status.credentials) == ("failed", "missing", None)
        assert status.problem is not None and status.problem.code == "profile"
        await backend.choose_profile("dev")
        assert (await backend.status(None)).connection == "ok"


async def test_a_run_keeps_to_the_account_that_it_was_begun_with(
    emulator: Facts, tmp_path: Path, accounts: Accounts
) -> None:
    gate = tmp_path / "gate"
    waits = f"import os, time\nprint('on', flush=True)\nwhile not os.path.exists({str(gate)!r}): time.sleep(.01)\nprint('off')"
    request = ExecutionRequest(source=Code(waits, session="keeps-to-it"), project=emulator["project_id"])
    async with backend_of(emulator, tmp_path, accounts) as backend:
        await backend.choose_profile("dev")
        run = await backend.executions.start(request, project=None)
        assert run.profile == "dev"
        await printed(backend, run.id, "on")
        await backend.choose_profile("nobody")
        gate.touch()
        ended = await asyncio.wait_for(backend.executions.finished(run.id), 60)
        assert ended.state == "succeeded"
        assert "cannot be followed" not in await text_of(backend, run.id)
        operation = await backend_operation(backend, ended.operation_id or "")
        assert operation == "permission-denied"  # as nobody; the run was followed all the same


async def test_a_run_keeps_to_its_account_beyond_a_restart(
    emulator: Facts, tmp_path: Path, accounts: Accounts
) -> None:
    gate = tmp_path / "gate"
    waits = f"import os, time\nprint('on', flush=True)\nwhile not os.path.exists({str(gate)!r}): time.sleep(.01)\nprint('off')"
    request = ExecutionRequest(source=Code(waits, session="keeps-on"), project=emulator["project_id"])
    async with backend_of(emulator, tmp_path, accounts) as backend:
        await backend.choose_profile("dev")
        run = await backend.executions.start(request, project=None)
        await printed(backend, run.id, "on")
    async with backend_of(emulator, tmp_path, accounts, profile="nobody") as backend:
        backend.executions.resume()
        gate.touch()
        ended = await asyncio.wait_for(backend.executions.finished(run.id), 60)
        assert ended.state == "succeeded"
        assert "cannot be followed" not in await text_of(backend, run.id)


async def printed(backend: Backend, execution_id: str, text: str) -> None:
    async with asyncio.timeout(60):
        async for page in backend.executions.events(execution_id):
            if any(text.encode() in event and b'"output"' in event for _, event in page):
                return


async def text_of(backend: Backend, execution_id: str) -> str:
    pages = [page async for page in backend.executions.events(execution_id)]
    return b"\n".join(event for page in pages for _, event in page).decode()


async def backend_operation(backend: Backend, operation_id: str) -> str:
    try:
        await backend.client.get_operation(operation_id)
    except DataSphereError as error:
        return error.code
    return "ok"


def test_the_route(emulator: Facts, tmp_path: Path, accounts: Accounts) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    profiles = {"dev": {"oauth_token": accounts["developer"]["oauth_token"]}}
    config = tmp_path / "config"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(f"c.DataSphere.profiles = {profiles!r}\n")
    environment = {**environment_for(emulator), "JUPYTER_CONFIG_DIR": str(config)}
    options = [f"--DataSphere.ledger_dir={tmp_path / 'ledger'}"]
    with jupyter("server", folder, environment, options=options) as facts:
        headers = {"Authorization": f"token {facts['token']}"}
        with httpx.Client(base_url=facts["url"], headers=headers, timeout=60) as client:
            at_first = client.get("datasphere/profile").json()
            assert at_first == {
                "profiles": [{"name": "dev", "source": "OAuth token from profile dev"}],
                "unnamed": "OAuth token from YC_TOKEN",
            }
            chosen = client.put("datasphere/profile", json={"name": "dev"})
            assert (chosen.status_code, chosen.json()) == (200, {**at_first, "chosen": "dev"})
            assert client.get("datasphere/status").json()["profile"] == "dev"
            refused = client.put("datasphere/profile", json={"name": "dave"})
            assert (refused.status_code, refused.json()["code"]) == (401, "profile")
            assert client.put("datasphere/profile", json={"name": 7}).status_code == 400
            assert client.put("datasphere/profile", json={"name": None}).json() == at_first
            assert client.get("datasphere/status", params={"check": "false"}).json().get("profile") is None
        with httpx.Client(base_url=facts["url"], timeout=60) as stranger:
            assert stranger.get("datasphere/profile").status_code == 403
            assert stranger.put("datasphere/profile", json={"name": "dev"}).status_code == 403
    log = (tmp_path / "jupyter.log").read_text()
    assert accounts["developer"]["oauth_token"] not in log
    assert log.count("phasing OAuth tokens out") == 2  # once for each source
