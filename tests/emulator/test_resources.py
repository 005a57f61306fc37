"""Communities and projects: create, get, list with pages and filters, update with masks, delete, open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from emulator.api import Api, ok, refused, resource, start_api

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMUNITIES = "/datasphere/v2/communities"
PROJECTS = "/datasphere/v2/projects"


async def new_community(api: Api, **fields: Any) -> dict[str, Any]:
    body = {"organizationId": api.emulator.organization_id, **fields}
    return resource(await api.http.post(COMMUNITIES, json=body))


async def names(api: Api, community: str, **query: Any) -> list[str]:
    answer = ok(await api.http.get(PROJECTS, params={"communityId": community, **query}))
    return [project.get("name", "") for project in answer.get("projects", [])]


async def test_a_project_is_as_it_was_created(api: Api) -> None:
    project = await api.new_project(
        name="a-project", description="Описание", labels={"key": "v_1"}, settings={"earlyAccess": True}
    )
    assert ok(await api.http.get(f"{PROJECTS}/{project['id']}")) == project
    assert project["communityId"] == api.emulator.community_id
    assert project["createdById"].startswith("aje")
    assert project["description"] == "Описание"
    assert (api.emulator.config.root / "projects" / project["id"]).is_dir()


async def test_pages_give_each_project_once_and_in_order(api: Api) -> None:
    community = (await new_community(api, name="paged"))["id"]
    created = [(await api.new_project(communityId=community, name=f"p{n}"))["name"] for n in range(7)]
    seen: list[str] = []
    token = ""
    sizes = []
    while True:
        answer = ok(
            await api.http.get(PROJECTS, params={"communityId": community, "pageSize": 3, "pageToken": token})
        )
        sizes.append(len(answer["projects"]))
        seen += [project["name"] for project in answer["projects"]]
        if not (token := answer.get("nextPageToken", "")):
            break
        assert len(token) <= 100
    assert seen == created
    assert sizes == [3, 3, 1]


async def test_a_full_last_page_has_no_token(api: Api) -> None:
    community = (await new_community(api, name="full"))["id"]
    for n in range(2):
        await api.new_project(communityId=community, name=f"p{n}")
    answer = ok(await api.http.get(PROJECTS, params={"communityId": community, "pageSize": 2}))
    assert "nextPageToken" not in answer


async def test_filters(api: Api) -> None:
    community = await new_community(api, name="filtered")
    for name in ("alpha-1", "alpha-2", "beta-1"):
        owner = (await api.new_project(communityId=community["id"], name=name))["createdById"]
    assert await names(api, community["id"], projectNamePattern="ALPHA") == ["alpha-1", "alpha-2"]
    assert await names(api, community["id"], projectNamePattern="a*1") == ["alpha-1", "beta-1"]
    assert await names(api, community["id"], projectNamePattern="[a-z]") == []
    assert await names(api, community["id"], ownedById=owner) == ["alpha-1", "alpha-2", "beta-1"]
    assert await names(api, community["id"], ownedById="somebody") == []
    found = ok(
        await api.http.get(
            COMMUNITIES,
            params={"organizationId": api.emulator.organization_id, "nameOrDescriptionPattern": "FILTERED"},
        )
    )
    assert [item["id"] for item in found["communities"]] == [community["id"]]


async def test_a_token_belongs_to_its_list(api: Api) -> None:
    community = (await new_community(api, name="tokens"))["id"]
    for n in range(2):
        await api.new_project(communityId=community, name=f"p{n}")
    query = {"communityId": community, "pageSize": 1}
    token = ok(await api.http.get(PROJECTS, params=query))["nextPageToken"]
    for other in ({"projectNamePattern": "p"}, {"communityId": api.emulator.community_id}):
        response = await api.http.get(PROJECTS, params={**query, **other, "pageToken": token})
        refused(response, 400, 3, "pageToken")
    refused(await api.http.get(PROJECTS, params={**query, "pageToken": "жж"}), 400, 3, "pageToken")


async def update(api: Api, project: str, **body: Any) -> dict[str, Any]:
    return resource(await api.http.patch(f"{PROJECTS}/{project}", json=body))


async def test_a_mask_writes_what_it_names_and_nothing_else(api: Api) -> None:
    project = await api.new_project(
        name="masked",
        description="old",
        labels={"a": "1"},
        settings={"vmInactivityTimeout": "60s", "earlyAccess": True},
    )
    new = await update(
        api,
        project["id"],
        updateMask=" name , settings.vmInactivityTimeout ",
        name="renamed",
        description="not in the mask",
        settings={"vmInactivityTimeout": "1800s", "ide": "JUPYTER_LAB"},
    )
    assert new == {
        **project,
        "name": "renamed",
        "settings": {"vmInactivityTimeout": "1800s", "earlyAccess": True},
    }
    new = await update(api, project["id"], update_mask="settings.early_access,labels")
    assert new["settings"] == {"vmInactivityTimeout": "1800s"}
    assert "labels" not in new
    assert ok(await api.http.get(f"{PROJECTS}/{project['id']}")) == new


async def test_a_mask_of_a_whole_message_replaces_it(api: Api) -> None:
    project = await api.new_project(settings={"earlyAccess": True, "ide": "JUPYTER_LAB"})
    new = await update(api, project["id"], updateMask="settings", settings={"subnetId": "s"})
    assert new["settings"] == {"subnetId": "s"}


async def test_without_a_mask_what_is_omitted_is_reset(api: Api) -> None:
    project = await api.new_project(name="whole", description="old", limits={"maxUnitsPerHour": "9"})
    new = await update(api, project["id"], name="kept")
    assert new["name"] == "kept"
    assert "description" not in new
    assert "limits" not in new
    assert (new["communityId"], new["createdAt"]) == (project["communityId"], project["createdAt"])


@pytest.mark.parametrize("mask", ["communityId", "id", "settings.nothing", "name,,description", "name.first"])
async def test_a_mask_of_unknown_paths_is_refused(api: Api, mask: str) -> None:
    response = await api.http.patch(api.project, json={"updateMask": mask, "name": "never"})
    refused(response, 400, 3, "updateMask")
    assert ok(await api.http.get(api.project))["name"] == "demo-project"


async def test_a_community_is_updated_and_deleted(api: Api) -> None:
    community = await new_community(api, name="short", description="old")
    path = f"{COMMUNITIES}/{community['id']}"
    answer = ok(await api.http.patch(path, json={"updateMask": "description", "description": "new"}))
    assert answer["response"]["description"] == "new"
    assert answer["response"]["name"] == "short"
    project = await api.new_project(communityId=community["id"])
    refused(await api.http.delete(path), 400, 9, "projects")
    ok(await api.http.delete(f"{PROJECTS}/{project['id']}"))
    assert ok(await api.http.delete(path))["response"] == {
        "@type": "type.googleapis.com/google.protobuf.Empty"
    }
    refused(await api.http.get(path), 404, 5, community["id"])


async def test_a_deleted_project_is_gone_with_its_files_and_its_kernels(api: Api) -> None:
    project = await api.new_project(name="doomed")
    folder = api.emulator.config.root / "projects" / project["id"]
    file = api.write("doomed.ipynb", "import time; print('running', flush=True); time.sleep(60)")
    file.rename(folder / "doomed.ipynb")
    path = f"{PROJECTS}/{project['id']}"
    operation = ok(await api.http.post(f"{path}:execute", json={"notebookId": "doomed.ipynb"}))
    operation_of_deletion = ok(await api.http.delete(path))
    assert operation_of_deletion["metadata"]["projectId"] == project["id"]
    assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"
    assert not folder.exists()
    refused(await api.http.get(path), 404, 5)


@pytest.mark.parametrize("spelling", ["/open", ":open"])
async def test_an_opened_project_shows_its_page_to_who_has_the_session_token(api: Api, spelling: str) -> None:
    operation = ok(await api.http.post(f"{api.project}{spelling}"))
    assert operation["metadata"]["@type"].endswith("OpenProjectMetadata")
    url, token = operation["response"]["projectUrl"], operation["response"]["sessionToken"]
    assert url.startswith(api.emulator.url)
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(url, params={"sessionToken": token})).status_code == 200
        assert (await browser.post(url, data={"sessionToken": token})).status_code == 200
        for wrong in ("", "wrong"):
            assert (await browser.get(url, params={"sessionToken": wrong})).status_code == 403


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", f"{PROJECTS}/nothing"),
        ("PATCH", f"{PROJECTS}/nothing"),
        ("DELETE", f"{PROJECTS}/nothing"),
        ("POST", f"{PROJECTS}/nothing:open"),
        ("GET", f"{PROJECTS}/nothing:unitBalance"),
        ("POST", f"{PROJECTS}/nothing:unitBalance"),
        ("GET", f"{COMMUNITIES}/nothing"),
        ("GET", "/operations/nothing"),
        ("GET", "/operations/nothing:cancel"),
        ("GET", f"{PROJECTS}?communityId=nothing"),
        ("GET", f"{COMMUNITIES}?organizationId=nothing"),
    ],
)
async def test_what_does_not_exist_is_not_found(api: Api, verb: str, path: str) -> None:
    refused(await api.http.request(verb, path), 404, 5, "nothing")


async def test_a_project_is_no_community_and_the_other_way_round(api: Api) -> None:
    refused(await api.http.get(f"{COMMUNITIES}/{api.project_id}"), 404, 5)
    refused(await api.http.get(f"{PROJECTS}/{api.emulator.community_id}"), 404, 5)


async def test_a_community_holds_fifty_projects(api: Api) -> None:
    community = (await new_community(api, name="crowded"))["id"]
    for _ in range(50):
        await api.new_project(communityId=community)
    response = await api.http.post(PROJECTS, json={"communityId": community})
    body = refused(response, 429, 8, "50")
    assert body["details"][0]["@type"] == "type.googleapis.com/google.rpc.QuotaFailure"


async def test_an_organization_holds_ten_communities(tmp_path: Path) -> None:
    async with start_api(tmp_path / "root") as api:
        for _ in range(9):
            await new_community(api)
        response = await api.http.post(COMMUNITIES, json={"organizationId": api.emulator.organization_id})
        refused(response, 429, 8, "10")
