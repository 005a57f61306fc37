"""Documented limits: what just fits is taken, what does not is code 3 and names the field."""

from __future__ import annotations

from typing import Any

import pytest
from emulator.api import Api, ok, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD_PROJECTS: list[dict[str, Any]] = [
    {"name": "a"},
    {"name": "a" + "-" * 61 + "9"},
    {"description": "ж" * 256},
    {"labels": {f"k{n}": "" for n in range(64)}},
    {"labels": {"k" * 63: "v" * 63}},
    {"settings": {"vmInactivityTimeout": "0.000000001s"}},
    {"settings": {"staleExecTimeoutMode": "NO_TIMEOUT"}},
    {"limits": {"maxUnitsPerHour": str(2**63 - 1)}},
]
BAD_PROJECTS: list[tuple[dict[str, Any], str]] = [
    ({"communityId": ""}, "communityId"),
    ({"communityId": "c" * 51}, "communityId"),
    ({"name": "A"}, "name"),
    ({"name": "a-"}, "name"),
    ({"name": "a" * 64}, "name"),
    ({"name": "a\n"}, "name"),
    ({"name": 5}, "name"),
    ({"description": "d" * 257}, "description"),
    ({"labels": {f"k{n}": "" for n in range(65)}}, "labels"),
    ({"labels": {"": "v"}}, "labels"),
    ({"labels": {"K": "v"}}, "labels"),
    ({"labels": {"k" * 64: "v"}}, "labels"),
    ({"labels": {"k": "V"}}, "labels"),
    ({"labels": {"k": "v" * 64}}, "labels"),
    ({"settings": {"vmInactivityTimeout": "1800"}}, "settings.vmInactivityTimeout"),
    ({"settings": {"ide": "VIM"}}, "settings.ide"),
    ({"settings": {"staleExecTimeoutMode": "SOON"}}, "settings.staleExecTimeoutMode"),
    ({"settings": {"subnetId": "s" * 51}}, "settings.subnetId"),
    ({"settings": "all"}, "settings"),
    ({"limits": {"maxUnitsPerHour": "many"}}, "limits.maxUnitsPerHour"),
    ({"limits": {"maxUnitsPerHour": str(2**63)}}, "limits.maxUnitsPerHour"),
    ({"limits": {"maxUnitsPerExecution": True}}, "limits.maxUnitsPerExecution"),
]


@pytest.mark.parametrize("fields", GOOD_PROJECTS)
async def test_a_project_within_the_limits(api: Api, fields: dict[str, Any]) -> None:
    await api.new_project(**fields)


@pytest.mark.parametrize(("fields", "named"), BAD_PROJECTS)
async def test_a_project_beyond_a_limit(api: Api, fields: dict[str, Any], named: str) -> None:
    body = {"communityId": api.emulator.community_id, **fields}
    answer = refused(await api.http.post("/datasphere/v2/projects", json=body), 400, 3)
    assert answer["details"][0]["fieldViolations"][0]["field"].startswith(named)
    assert named in answer["message"]


@pytest.mark.parametrize(("fields", "named"), BAD_PROJECTS[2:])
async def test_an_update_beyond_a_limit(api: Api, fields: dict[str, Any], named: str) -> None:
    refused(await api.http.patch(api.project, json=fields), 400, 3, named)


@pytest.mark.parametrize(
    ("name", "good"), [("ab", False), ("a1b", True), ("Ёж-ё", True), ("a b c", False), ("a" * 64, False)]
)
async def test_names_of_communities(api: Api, name: str, good: bool) -> None:
    body = {"organizationId": api.emulator.organization_id, "name": name}
    response = await api.http.post("/datasphere/v2/communities", json=body)
    if good:
        ok(response)
    else:
        refused(response, 400, 3, "name")


@pytest.mark.parametrize(
    "query", [{"pageSize": 1001}, {"pageSize": -1}, {"pageSize": "x"}, {"pageToken": "t" * 101}]
)
async def test_pages(api: Api, query: dict[str, Any]) -> None:
    params = {"communityId": api.emulator.community_id, **query}
    refused(await api.http.get("/datasphere/v2/projects", params=params), 400, 3, next(iter(query)))


async def test_lists_need_their_parent(api: Api) -> None:
    refused(await api.http.get("/datasphere/v2/projects"), 400, 3, "communityId")
    refused(await api.http.get("/datasphere/v2/communities"), 400, 3, "organizationId")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "notebookId"),
        ({"notebookId": "n.ipynb", "cellId": "c"}, "notebookId"),
        ({"notebookId": "n" * 201}, "notebookId"),
        ({"cellId": "c" * 201}, "cellId"),
        ({"notebookId": "n.ipynb", "spec": "c9.9"}, "spec"),
        ({"notebookId": "n.ipynb", "inputVariables": []}, "inputVariables"),
        ({"notebookId": "n.ipynb", "inputVariables": {"A=B": "1"}}, "inputVariables.A=B"),
        ({"notebookId": "n.ipynb", "inputVariables": {"": "1"}}, "inputVariables"),
        ({"notebookId": "n.ipynb", "inputVariables": {"имя": "1"}}, "inputVariables.имя"),
        ({"notebookId": "n.ipynb", "inputVariables": {"A": "\0"}}, "inputVariables.A"),
        ({"notebookId": "n.ipynb", "inputVariables": {"A": "x" * (128 * 1024 - 2)}}, "inputVariables.A"),
        ({"notebookId": "n.ipynb", "inputVariables": {"A": ["ж" * 70_000]}}, "inputVariables.A"),
        ({"notebookId": "n.ipynb", "outputVariableNames": "x"}, "outputVariableNames"),
        ({"notebookId": "n.ipynb", "sparkConnectorId": "s" * 201}, "sparkConnectorId"),
    ],
)
async def test_an_execution_beyond_a_limit(api: Api, body: dict[str, Any], named: str) -> None:
    api.write("n.ipynb", "1")
    answer = refused(await api.http.post(f"{api.project}:execute", json=body), 400, 3)
    assert named in answer["message"]


async def test_the_longest_environment_string_arrives_and_reaches_subprocesses(api: Api) -> None:
    api.write(
        "long.ipynb",
        "import os, subprocess; print(len(os.environ['A'])); subprocess.run(['true'], check=True)",
    )
    [cell] = await api.cells("long.ipynb")
    answer = await api.run(cellId=cell, inputVariables={"A": "x" * (128 * 1024 - 3)})
    assert answer["executionStatus"] == "OK"
    assert await api.text(cell) == f"{128 * 1024 - 3}\n"


@pytest.mark.parametrize(
    ("method", "query", "named"),
    [
        ("cellOutputs", {}, "cellId"),
        ("cellOutputs", {"cellId": "c" * 201}, "cellId"),
        ("cellOutputs", {"cellId": "c", "startAt": "yesterday"}, "startAt"),
        ("cellOutputs", {"cellId": "c", "startAt": "2024-13-01T00:00:00Z"}, "startAt"),
        ("stateVariables", {}, "notebookId"),
        ("stateVariables", {"notebookId": "n" * 201}, "notebookId"),
    ],
)
async def test_questions_beyond_a_limit(api: Api, method: str, query: dict[str, str], named: str) -> None:
    refused(await api.http.get(f"{api.project}:{method}", params=query), 400, 3, named)


async def test_metadata_needs_a_path(api: Api) -> None:
    path = f"/datasphere/v1/projects/{api.project_id}:notebookMetadata"
    refused(await api.http.get(path), 400, 3, "notebookPath")
    refused(await api.http.get(path, params={"notebookPath": "n" * 201}), 400, 3, "notebookPath")


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b'{"a":1e999}', b'{"a":"\\ud800"}', b"[" * 100_000],
)
async def test_a_body_that_is_no_json_object(api: Api, content: bytes) -> None:
    response = await api.http.post(f"{api.project}:execute", content=content)
    refused(response, 400, 3)


async def test_an_id_in_the_path_is_limited_too(api: Api) -> None:
    refused(await api.http.get(f"/datasphere/v2/projects/{'p' * 51}"), 400, 3, "projectId")


@pytest.mark.parametrize("value", ["many", True, 2**63, 1.5])
async def test_a_balance_is_a_64_bit_integer(api: Api, value: Any) -> None:
    response = await api.http.post(f"{api.project}:unitBalance", json={"unitBalance": value})
    refused(response, 400, 3, "unitBalance")


async def test_a_request_that_is_too_large(api: Api) -> None:
    response = await api.http.post(f"{api.project}:execute", content=b" " * (64 * 2**20 + 1))
    refused(response, 400, 3, "larger")
