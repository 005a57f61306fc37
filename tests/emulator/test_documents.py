"""The requests of the user's document, as curl sends them: a form's content type, and a GET with a body."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from emulator.api import Api, ok

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = "application/x-www-form-urlencoded"
COMMUNITIES = "/datasphere/v2/communities"
PROJECTS = "/datasphere/v2/projects"


async def curl(
    api: Api, verb: str, path: str, body: dict[str, Any] | None = None, kind: str | None = FORM
) -> Any:
    headers = {} if kind is None else {"Content-Type": kind}
    content = None if body is None else json.dumps(body).encode()
    return ok(await api.http.request(verb, path, content=content, headers=headers))


@pytest.fixture(params=[FORM, None, "application/json", "text/plain; charset=koi8-r"])
def kind(request: pytest.FixtureRequest) -> str | None:
    """A content type, or none."""
    value: str | None = request.param
    return value


async def test_create_a_community_with_the_organization_alone(api: Api) -> None:
    operation = await curl(api, "POST", COMMUNITIES, {"organizationId": api.emulator.organization_id})
    assert operation["done"] is True
    assert operation["metadata"]["@type"].endswith("datasphere.v2.CreateCommunityMetadata")
    assert operation["metadata"]["communityId"] == operation["response"]["id"]


async def test_list_communities(api: Api, kind: str | None) -> None:
    answer = await curl(api, "GET", COMMUNITIES, {"organizationId": api.emulator.organization_id}, kind)
    assert api.emulator.community_id in [community["id"] for community in answer["communities"]]


async def test_create_a_project_without_a_name(api: Api) -> None:
    operation = await curl(api, "POST", PROJECTS, {"communityId": api.emulator.community_id})
    assert operation["metadata"]["projectId"] == operation["response"]["id"]
    assert "name" not in operation["response"]


async def test_list_projects(api: Api, kind: str | None) -> None:
    answer = await curl(api, "GET", PROJECTS, {"communityId": api.emulator.community_id}, kind)
    assert api.project_id in [project["id"] for project in answer["projects"]]


async def test_execute_a_cell(api: Api, kind: str | None) -> None:
    api.write("document.ipynb", "print('from the document')")
    [cell] = await api.cells("document.ipynb")
    operation = await curl(api, "POST", f"{api.project}:execute", {"cellId": cell}, kind)
    assert operation["metadata"]["cellId"] == cell
    assert (await api.done(operation))["response"]["executionStatus"] == "OK"
    assert await api.text(cell) == "from the document\n"


async def test_unit_balance_is_absent_until_it_is_set(api: Api) -> None:
    assert await curl(api, "GET", f"{api.project}:unitBalance") == {}


async def test_the_one_account_may_do_everything(api: Api) -> None:
    answer = await curl(api, "GET", f"{api.project}:accessBindings")
    [binding] = answer["accessBindings"]
    assert binding["roleId"] == "datasphere.community-projects.admin"
    project = await curl(api, "GET", api.project)
    assert binding["subject"] == {"id": project["createdById"], "type": "userAccount"}


async def test_snake_case_at_every_level_and_null_for_unset(api: Api) -> None:
    operation = await curl(
        api,
        "POST",
        PROJECTS,
        {
            "community_id": api.emulator.community_id,
            "description": None,
            "labels": {"snake_case_key": "v"},
            "settings": {"vm_inactivity_timeout": "1800s", "security_group_ids": ["a"], "ide": None},
            "limits": {"max_units_per_hour": 5, "max_units_per_execution": "7"},
        },
    )
    project = operation["response"]
    assert project["labels"] == {"snake_case_key": "v"}
    assert project["settings"] == {"vmInactivityTimeout": "1800s", "securityGroupIds": ["a"]}
    assert project["limits"] == {"maxUnitsPerHour": "5", "maxUnitsPerExecution": "7"}


async def test_snake_case_in_a_query(api: Api) -> None:
    answer = ok(
        await api.http.get(PROJECTS, params={"community_id": api.emulator.community_id, "page_size": 1})
    )
    assert len(answer["projects"]) == 1


async def test_input_variables_keep_their_names(api: Api) -> None:
    api.write("names.ipynb", "import os; print(os.environ['my_variable'], os.environ.get('myVariable'))")
    [cell] = await api.cells("names.ipynb")
    operation = await curl(
        api, "POST", f"{api.project}:execute", {"cell_id": cell, "input_variables": {"my_variable": "v"}}
    )
    await api.done(operation)
    assert await api.text(cell) == "v None\n"


async def test_cancel_by_get_and_by_post(api: Api) -> None:
    operation = await curl(api, "POST", PROJECTS, {"communityId": api.emulator.community_id})
    for verb in ("GET", "POST"):
        answer = await curl(api, verb, f"/operations/{operation['id']}:cancel")
        assert answer == operation


async def test_a_repeated_parameter_may_be_a_list_in_the_body(api: Api) -> None:
    api.write("list.ipynb", "one, two, three = 1, 2, 3")
    await api.run(notebookId="list.ipynb")
    for request in (
        {"content": json.dumps({"notebookId": "list.ipynb", "variableNames": ["one", "three"]})},
        {"params": {"notebookId": "list.ipynb", "variableNames": ["one", "three"]}},
    ):
        response: httpx.Response = await api.http.request("GET", f"{api.project}:stateVariables", **request)
        assert ok(response) == {"variables": {"one": 1, "three": 3}}
