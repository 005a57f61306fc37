"""``GET /datasphere/projects``"""

from __future__ import annotations

from typing import Any

import httpx


def test_projects_that_a_name_can_choose(kernel: httpx.Client, emulator: dict[str, Any]) -> None:
    answer = kernel.get("datasphere/projects")
    assert answer.status_code == 200
    demo = {"id": emulator["project_id"], "name": "demo-project", "community_id": emulator["community_id"]}
    assert demo in answer.json()["projects"]


def test_a_project_is_found_by_name_or_id_in_a_community_or_in_all(
    kernel: httpx.Client, emulator: dict[str, Any]
) -> None:
    demo = {"id": emulator["project_id"], "name": "demo-project", "community_id": emulator["community_id"]}
    for query in (
        {"project": "demo-project"},
        {"project": emulator["project_id"]},
        {"project": "demo-project", "community": emulator["community_id"]},
    ):
        assert kernel.get("datasphere/projects/find", params=query).json() == demo
    for query, code in (
        ({}, "no-project"),
        ({"project": "demo-projekt"}, "unknown-project"),
        ({"project": emulator["project_id"], "community": "bt1another"}, "not-found"),
    ):
        answer = kernel.get("datasphere/projects/find", params=query)
        assert answer.json()["code"] == code
    assert (
        "Did you mean 'demo-project'?"
        in kernel.get("datasphere/projects/find", params={"project": "demo-projekt"}).json()["hint"]
    )


def test_a_community_is_found_by_name_or_id(kernel: httpx.Client, emulator: dict[str, Any]) -> None:
    for named in ("demo-community", emulator["community_id"]):
        answer = kernel.get("datasphere/communities/find", params={"community": named})
        assert answer.json() == {"id": emulator["community_id"], "name": "demo-community"}
    unknown = kernel.get("datasphere/communities/find", params={"community": "demo-comunity"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown-community")
    assert unknown.json()["hint"] == "Did you mean 'demo-community'?"
    assert kernel.get("datasphere/communities/find").json()["code"] == "no-community"


def test_a_name_that_was_changed_through_here_is_found_at_once(
    kernel: httpx.Client, emulator: dict[str, Any]
) -> None:
    body = {"communityId": emulator["community_id"], "name": "renamed-before"}
    created = kernel.post("datasphere/api/v2/projects", json=body).json()
    project_id = created["metadata"]["projectId"]
    find = "datasphere/projects/find"
    assert kernel.get(find, params={"project": "renamed-before"}).json()["id"] == project_id
    rename = {"updateMask": "name", "name": "renamed-after"}
    assert kernel.patch(f"datasphere/api/v2/projects/{project_id}", json=rename).status_code == 200
    assert kernel.get(find, params={"project": "renamed-before"}).status_code == 404
    assert kernel.get(find, params={"project": "renamed-after"}).json()["id"] == project_id
    assert kernel.delete(f"datasphere/api/v2/projects/{project_id}").status_code == 200
    assert kernel.get(find, params={"project": "renamed-after"}).status_code == 404
