"""Every source, in trouble and out of it again: one clear error in time, and no restart."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import Facts

from jupyter_datasphere.errors import DataSphereError
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.server.backend import Backend
from jupyter_datasphere.server.settings import Settings

TIMEOUT = 5.0
SLACK = 3.0
"""Seconds: more than a call's own time an error never takes, however slow this computer is."""
PATIENCE = 30.0


@asynccontextmanager
async def backend_of(
    url: str, folder: Path, environment: dict[str, str], **traits: Any
) -> AsyncIterator[Backend]:
    ledger = Ledger(folder / "ledger")
    backend = Backend(Settings(endpoint=url, request_timeout=TIMEOUT, **traits), ledger, environment)
    try:
        yield backend
    finally:
        await backend.aclose()
        ledger.close()


async def trouble(backend: Backend) -> DataSphereError:
    """What a call raises, within the time that it may take."""
    begun = time.monotonic()
    with pytest.raises(DataSphereError) as caught:
        await backend.client.get_project("0")
    assert time.monotonic() - begun < TIMEOUT + SLACK
    status = await backend.status(None)
    assert status.connection == "failed"
    assert status.problem is not None and status.problem.code == caught.value.code
    assert caught.value.hint
    return caught.value


async def works_again(backend: Backend) -> None:
    """A failure is told for a second before it is looked into once more."""
    async with asyncio.timeout(PATIENCE):
        while (await backend.status(None)).connection != "ok":
            await asyncio.sleep(0.1)


@pytest.fixture
def accounts(emulator: Facts) -> dict[str, dict[str, Any]]:
    facts = json.loads((Path(emulator["root"]) / "emulator.json").read_text())
    return {account["name"]: account for account in facts["accounts"]}


@pytest.fixture
def faults(emulator: Facts) -> Any:
    headers = {"Authorization": f"Bearer {emulator['control_token']}"}
    with httpx.Client(base_url=emulator["url"], headers=headers) as http:
        yield lambda *rules: http.put("/emulator/faults", json=rules).raise_for_status()
        http.put("/emulator/faults", json=[]).raise_for_status()


def always(method: str, **fault: Any) -> dict[str, Any]:
    return {"method": method, "rate": 1, "fault": fault}


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ({"status": 500}, "unavailable", "IAM gives no token now"),
        ({"status": 502}, "unavailable", "IAM gives no token now"),
        ({"status": 503, "retry_after": 1000}, "unavailable", "IAM gives no token now"),
        ({"status": 429}, "throttled", "IAM gives no token now"),
        ({"status": 429, "retry_after": 1000}, "throttled", "1,000 s"),
        ({"status": 403}, "credentials", "IAM refused"),
        ({"cut": "before"}, "unavailable", "broke"),
        ({"delay": 20}, "timeout", "in time|No IAM token came within"),  # whose limit comes first
    ],
)
@pytest.mark.parametrize("source", ["oauth", "key file"])
async def test_an_iam_service_in_trouble(
    emulator: Facts,
    accounts: dict[str, dict[str, Any]],
    tmp_path: Path,
    faults: Any,
    fault: dict[str, Any],
    code: str,
    words: str,
    source: str,
) -> None:
    environment = {
        "oauth": {"YC_TOKEN": emulator["oauth_token"]},
        "key file": {"YC_SERVICE_ACCOUNT_KEY_FILE": accounts["robot"]["key_file"]},
    }[source]
    async with backend_of(emulator["url"], tmp_path, environment) as backend:
        faults(always("iam.createToken", **fault))
        error = await trouble(backend)
        assert error.code == code
        assert re.search(words, str(error))
        faults()
        await works_again(backend)


async def test_a_metadata_service_in_trouble(emulator: Facts, tmp_path: Path, faults: Any) -> None:
    environment = {"YC_METADATA_ADDR": emulator["url"].removeprefix("http://")}
    async with backend_of(emulator["url"], tmp_path, environment, vm_metadata=True) as backend:
        for fault, words in (
            ({"delay": 20}, "did not answer within 3 s"),
            ({"status": 500}, "answered 500"),
            ({"status": 403}, "answered 403"),
            ({"cut": "middle"}, "is not reached"),
        ):
            faults(always("metadata.token", **fault))
            error = await trouble(backend)
            assert error.code == "metadata" and words in str(error)
            faults()
            await works_again(backend)
            backend.tokens._entries.clear()  # as after a start: the token that lives would serve


async def test_a_yc_in_trouble(emulator: Facts, tmp_path: Path) -> None:
    command = tmp_path / "yc"
    real = Path(emulator["root"]) / "bin" / "yc"
    async with backend_of(
        emulator["url"], tmp_path, {}, yc_profile="developer", yc_command=str(command)
    ) as backend:
        assert "There is no program" in str(await trouble(backend))
        command.write_text("#!/bin/sh\nsleep 1000\n")
        command.chmod(0o755)
        await asyncio.sleep(1.1)  # what was found out is told for so long
        error = await trouble(backend)
        assert error.code == "yc" and "`yc` gave no token within 4.5 s" in str(error)
        command.write_text("#!/bin/sh\necho 'ERROR: the login has ended' >&2; exit 1\n")
        async with asyncio.timeout(PATIENCE):
            while "the login has ended" not in str(await trouble(backend)):
                await asyncio.sleep(0.1)
        command.write_text(f'#!/bin/sh\necho "A new version of yc is available"\nexec {real} "$@"\n')
        await works_again(backend)


async def test_a_key_file_in_trouble(
    emulator: Facts, accounts: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "key.json"
    good = Path(accounts["robot"]["key_file"]).read_bytes()
    async with backend_of(emulator["url"], tmp_path, {"YC_SERVICE_ACCOUNT_KEY_FILE": str(path)}) as backend:
        assert "is not there" in str(await trouble(backend))
        path.write_bytes(good)
        path.chmod(0o644)
        async with asyncio.timeout(PATIENCE):
            while f"chmod 600 {path}" not in str(await trouble(backend)):
                await asyncio.sleep(0.1)
        path.chmod(0o600)
        await works_again(backend)


@pytest.mark.parametrize(("status", "code"), [(403, "permission-denied"), (429, "resource-exhausted")])
@pytest.mark.parametrize("retry_after", [None, 0, 1000])
async def test_a_service_that_refuses(
    emulator: Facts, tmp_path: Path, faults: Any, status: int, code: str, retry_after: int | None
) -> None:
    async with backend_of(emulator["url"], tmp_path, {"YC_TOKEN": emulator["oauth_token"]}) as backend:
        await backend.client.get_project(emulator["project_id"])
        fault = {"status": status} | ({} if retry_after is None else {"retry_after": retry_after})
        faults(always("project.get", **fault))
        begun = time.monotonic()
        with pytest.raises(DataSphereError) as caught:
            await backend.client.get_project(emulator["project_id"])
        assert time.monotonic() - begun < TIMEOUT + SLACK
        assert (caught.value.code, caught.value.http_status) == (code, status)
        assert caught.value.request_id
        expected = {403: "datasphere.community-projects.viewer", 429: "Wait a little"}[status]
        if status == 429 and retry_after == 1000:
            expected = "1,000 s"
        assert expected in (caught.value.hint or "")
        faults()
        await backend.client.get_project(emulator["project_id"])


async def test_many_callers_whose_tokens_expire_at_once_cause_one_renewal(
    emulator: Facts, tmp_path: Path, faults: Any
) -> None:
    async with backend_of(emulator["url"], tmp_path, {"YC_TOKEN": emulator["oauth_token"]}) as backend:
        project = emulator["project_id"]
        before = await calls(emulator)
        await asyncio.gather(*(backend.client.get_project(project) for _ in range(50)))
        assert await calls(emulator) == before + 1
        faults({"method": "project.get", "calls": [1], "fault": {"expire_tokens": True}})
        found = await asyncio.gather(*(backend.client.get_project(project) for _ in range(50)))
        assert {one.id for one in found} == {project}
        assert await calls(emulator) == before + 2


async def calls(emulator: Facts) -> int:
    headers = {"Authorization": f"Bearer {emulator['control_token']}"}
    async with httpx.AsyncClient(base_url=emulator["url"], headers=headers) as http:
        return int((await http.get("/emulator/calls")).json().get("iam.createToken", 0))
