"""The project in force, as it is chosen in the sidebar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from server.test_bus import listening
from support import Facts

from jupyter_datasphere.demo.check import outputs_of
from jupyter_datasphere.demo.kernel_client import kernel_of
from jupyter_datasphere.demo.processes import environment_for, jupyter
from jupyter_datasphere.errors import StorageError
from jupyter_datasphere.server.bus import PROJECT, RESOURCES
from jupyter_datasphere.server.chosen_project import ChosenProject

CHOICE = "datasphere/project"


@contextmanager
def server_in(folder: Path, emulator: Facts) -> Iterator[dict[str, Any]]:
    """A server of a user who has set the demo project, with a memory of its own."""
    notebooks = folder / "notebooks"
    notebooks.mkdir(exist_ok=True)
    options = [f"--DataSphere.ledger_dir={folder / 'ledger'}", "--DataSphere.project=demo-project"]
    with jupyter("server", notebooks, environment_for(emulator), options=options) as facts:
        yield facts


@contextmanager
def user_of(server: dict[str, Any]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {server['token']}"}
    with httpx.Client(base_url=server["url"], headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def other(emulator: Facts) -> Iterator[str]:
    """The ID of a project `chosen-project`."""
    headers = {"Authorization": f"Bearer {_iam_token(emulator)}"}
    with httpx.Client(base_url=emulator["url"], headers=headers) as service:
        body = {"communityId": emulator["community_id"], "name": "chosen-project"}
        project_id = service.post("/datasphere/v2/projects", json=body).json()["metadata"]["projectId"]
        yield project_id
        service.delete(f"/datasphere/v2/projects/{project_id}")


def _iam_token(emulator: Facts) -> str:
    body = {"yandexPassportOauthToken": emulator["oauth_token"]}
    token: str = httpx.post(f"{emulator['url']}/iam/v1/tokens", json=body).json()["iamToken"]
    return token


async def test_it_goes_before_the_settings_and_after_what_a_kernel_says_and_outlives_the_server(
    emulator: Facts, other: str, tmp_path: Path
) -> None:
    with server_in(tmp_path, emulator) as server, user_of(server) as user:
        assert user.get(CHOICE).json() == {
            "project": {"id": "demo-project", "name": "demo-project"},
            "configured": "demo-project",
        }
        chosen = user.put(CHOICE, json={"project": "chosen-project"})
        named = {"id": other, "name": "chosen-project", "community_id": emulator["community_id"]}
        assert chosen.json() == {"project": named, "chosen": True, "configured": "demo-project"}
        # Whoever names no project gets it, …
        assert user.get("datasphere/status").json()["project"]["id"] == other
        assert user.get("datasphere/projects/find").json() == named
        assert user.get("datasphere/variables").json()["project_id"] == other
        body = {"source": {"type": "code", "source": "1"}}
        assert user.post("datasphere/executions", json=body).json()["project_id"] == other
        # … and who names one gets that.
        assert user.get("datasphere/status?project=demo-project").json()["project"]["name"] == "demo-project"
        async with kernel_of(server) as kernel:
            (shown,) = await outputs_of(kernel, "%load_ext jupyter_datasphere\n%ds_project")
            assert "chosen-project" in shown["data"]["text/plain"]
            await outputs_of(kernel, "%ds_project demo-project")
            (shown,) = await outputs_of(kernel, "%ds_project")
            assert "demo-project" in shown["data"]["text/plain"]
    with server_in(tmp_path, emulator) as server, user_of(server) as user:
        unasked = {"id": other, "name": "chosen-project"}
        assert user.get("datasphere/status?check=false").json()["project"] == unasked
        assert user.put(CHOICE, json={"project": None}).json()["project"]["name"] == "demo-project"
        assert user.get("datasphere/status").json()["project"]["id"] == emulator["project_id"]


def test_a_project_that_is_not_there_changes_nothing(
    kernel: httpx.Client, emulator: Facts, other: str
) -> None:
    assert kernel.put(CHOICE, json={"project": other}).status_code == 200
    refused = kernel.put(CHOICE, json={"project": "chosen-projekt"})
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown-project")
    assert refused.json()["hint"] == "Did you mean 'chosen-project'?"
    assert kernel.put(CHOICE, json={"project": 7}).status_code == 400
    assert kernel.get(CHOICE).json()["project"]["id"] == other
    assert kernel.put(CHOICE, json={"project": None}).json() == {}


async def test_other_tabs_hear_of_the_choice_and_of_what_was_changed(
    server: dict[str, Any], user: httpx.Client, emulator: Facts, other: str
) -> None:
    async with listening(server) as listener:
        user.put(CHOICE, json={"project": other})
        assert (await listener.next(PROJECT))["project_id"] == other
        user.put(CHOICE, json={"project": None})
        assert (await listener.next(PROJECT))["project_id"] is None
        rename = {"updateMask": "description", "description": "for a test"}
        operation = user.patch(f"datasphere/api/v2/projects/{other}", json=rename).json()["id"]
        assert user.get(f"datasphere/operations/{operation}?wait=10").json()["done"]
        assert (await listener.next(RESOURCES))["operation_id"] == operation


def test_a_choice_at_one_service_is_none_at_another(tmp_path: Path) -> None:
    here = ChosenProject(tmp_path / "projects", endpoint="http://127.0.0.1:1/")
    there = ChosenProject(tmp_path / "projects", endpoint="http://127.0.0.1:2")
    here.set("bt1", "mine")
    assert there.get() is None
    again = ChosenProject(tmp_path / "projects", endpoint="http://127.0.0.1:1").get()
    assert again is not None
    assert (again.id, again.name) == ("bt1", "mine")


def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "projects").write_text("no folder")
    with pytest.raises(StorageError, match="cannot be kept"):
        ChosenProject(tmp_path / "projects", endpoint="http://127.0.0.1:1").set("bt1", "mine")


def test_what_is_no_choice_is_none(tmp_path: Path) -> None:
    chosen = ChosenProject(tmp_path, endpoint="http://127.0.0.1:1")
    chosen.set("bt1", "mine")
    (file,) = tmp_path.glob("*.json")
    file.write_text("{")
    assert chosen.get() is None
