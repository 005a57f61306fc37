"""Who may do what: every method by accounts of every role."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from emulator.api import Api, Json, ok, refused, resource

from jupyter_datasphere.datasphere.methods import METHODS
from jupyter_datasphere.datasphere.roles import FOR_ALL, NEEDS, Level, role_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEVELS = {
    "stranger": Level.NONE,
    "viewer": Level.VIEWER,
    "developer": Level.DEVELOPER,
    "editor": Level.EDITOR,
}
"""The accounts by what they may do in the demo community, beside `admin`."""


class Accounts:
    """Calls as each of the emulator's accounts."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._headers: dict[str, dict[str, str]] = {}
        self.ids = {account.name: account.id for account in api.emulator.info.accounts}

    async def call(self, name: str, verb: str, path: str, **request: Any) -> httpx.Response:
        if name not in self._headers:
            [account] = [one for one in self._api.emulator.info.accounts if one.name == name]
            answer = await self._api.http.post(
                "/iam/v1/tokens", json={"yandexPassportOauthToken": account.oauth_token}
            )
            self._headers[name] = {"Authorization": f"Bearer {ok(answer)['iamToken']}"}
        return await self._api.http.request(verb, path, headers=self._headers[name], **request)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def accounts(api: Api) -> AsyncIterator[Accounts]:
    yield Accounts(api)


async def test_every_method_has_its_need() -> None:
    assert set(NEEDS) | FOR_ALL == set(METHODS)
    assert not set(NEEDS) & FOR_ALL


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("project.get", "viewer"),
        ("project.listAccessBindings", "viewer"),
        ("project.cellOutputs", "viewer"),
        ("project.execute", "developer"),
        ("project.open", "developer"),
        ("project.create", "developer"),
        ("project.addResource", "developer"),
        ("project.update", "editor"),
        ("project.delete", "editor"),
        ("project.getUnitBalance", "editor"),
        ("project.setUnitBalance", "admin"),
        ("project.setAccessBindings", "admin"),
        ("project.updateAccessBindings", "admin"),
        ("community.updateAccessBindings", "admin"),
        ("community.setRestrictions", "admin"),
    ],
)
async def test_needs_are_those_of_the_roles_documentation(name: str, least: str) -> None:
    assert NEEDS[name].level == LEVELS.get(least, Level.ADMIN)


@pytest.mark.parametrize("account", [*LEVELS, "admin"])
@pytest.mark.parametrize("name", NEEDS)
async def test_each_method_needs_its_role(api: Api, accounts: Accounts, name: str, account: str) -> None:
    need, method = NEEDS[name], METHODS[name]
    community = api.emulator.community_id
    project = (await api.new_project(name="for-roles"))["id"]
    ids = {"communityId": community, "projectId": project, "resourceId": "some-secret"}
    path = re.sub(r"{(\w+)}", lambda match: ids[match[1]], method.path)
    query = {"cellId": "none", "notebookId": "none", "notebookPath": "none"}
    body = {"resourceType": "RESOURCE_TYPE_SECRET", "datasetId": "d", "dockerId": "d", "s3Id": "s"} | ids
    response = await accounts.call(
        account,
        method.verb,
        path,
        **({"json": _body(name, body)} if method.verb in ("POST", "PATCH") else {"params": query}),
    )
    target = community if need.kind == "community" else project
    if LEVELS.get(account, Level.ADMIN) < need.level:
        words = (role_of(need.kind, need.level), target, accounts.ids[account])
        refused(response, 403, 7, *words)
    else:
        assert response.status_code in (200, 400, 404), response.text  # 403 is what this is about
    if account != "admin" or name != "project.delete":
        await api.http.delete(f"/datasphere/v2/projects/{project}")


def _body(name: str, fields: Json) -> Json:
    """A body that changes nothing others would miss."""
    if name.endswith(".setAccessBindings"):
        return {"accessBindings": [{"roleId": "no-role", "subject": {"id": "x", "type": "system"}}]}
    if name.endswith(".updateAccessBindings"):
        binding = {"roleId": "no-role", "subject": {"id": "x", "type": "system"}}
        return {"accessBindingDeltas": [{"action": "ADD", "accessBinding": binding}]}
    if name.endswith(".update"):
        return {"updateMask": "description", "description": "for roles"}
    if name == "project.execute":
        return {"notebookId": "none.ipynb"}
    return {name: value for name, value in fields.items() if name != "resourceId"}


async def test_lists_show_what_an_account_may_see(api: Api, accounts: Accounts) -> None:
    community = resource(
        await api.http.post(
            "/datasphere/v2/communities",
            json={"organizationId": api.emulator.organization_id, "name": "for-lists"},
        )
    )["id"]
    shown, hidden = [
        resource(
            await api.http.post(
                "/datasphere/v2/projects", json={"communityId": community, "name": f"for-lists-{number}"}
            )
        )["id"]
        for number in range(2)
    ]
    await _give(api, "projects", shown, "datasphere.community-projects.viewer", accounts.ids["stranger"])

    async def listed(name: str, path: str, **query: Any) -> list[str]:
        answer = ok(await accounts.call(name, "GET", path, params=query))
        return [one["id"] for one in answer.get(path.rpartition("/")[2], [])]

    projects, communities = "/datasphere/v2/projects", "/datasphere/v2/communities"
    organization = {"organizationId": api.emulator.organization_id}
    assert await listed("stranger", projects, communityId=community) == [shown]
    assert await listed("admin", projects, communityId=community) == [shown, hidden]
    assert await listed("viewer", projects, communityId=community) == []
    assert await listed("stranger", communities, **organization) == []
    assert community in await listed("stranger", communities, **organization, listPublic="true")
    assert await listed("viewer", communities, **organization) == [api.emulator.community_id]
    ok(await accounts.call("stranger", "GET", f"{projects}/{shown}"))
    refused(await accounts.call("stranger", "GET", f"{projects}/{hidden}"), 403, 7)
    refused(await accounts.call("stranger", "GET", f"{communities}/{community}"), 403, 7)


async def _give(
    api: Api, kind: str, target: str, role: str, subject: str, type_: str = "userAccount"
) -> None:
    binding = {"roleId": role, "subject": {"id": subject, "type": type_}}
    ok(
        await api.http.patch(
            f"/datasphere/v2/{kind}/{target}:updateAccessBindings",
            json={"accessBindingDeltas": [{"action": "ADD", "accessBinding": binding}]},
        )
    )


@pytest.mark.parametrize(
    ("subject", "allowed"),
    [
        ("allUsers", True),
        ("allAuthenticatedUsers", True),
        ("group:organization:{organization}:users", True),
        ("group:organization:another:users", False),
        ("group:federation:any:users", False),  # the one who asks is no federated user
    ],
)
async def test_a_role_may_be_given_to_many(api: Api, accounts: Accounts, subject: str, allowed: bool) -> None:
    project = (await api.new_project(name="for-many"))["id"]
    subject = subject.format(organization=api.emulator.organization_id)
    path = f"/datasphere/v2/projects/{project}"
    refused(await accounts.call("stranger", "GET", path), 403, 7)
    await _give(api, "projects", project, "datasphere.community-projects.viewer", subject, "system")
    answer = await accounts.call("stranger", "GET", path)
    assert answer.status_code == (200 if allowed else 403)
    await api.http.delete(path)


async def test_whoever_makes_a_project_is_its_admin(api: Api, accounts: Accounts) -> None:
    answer = await accounts.call(
        "developer",
        "POST",
        "/datasphere/v2/projects",
        json={"communityId": api.emulator.community_id, "name": "of-a-developer"},
    )
    path = f"/datasphere/v2/projects/{resource(answer)['id']}"
    ok(await accounts.call("developer", "POST", f"{path}:unitBalance", json={"unitBalance": "5"}))
    bindings = ok(await accounts.call("developer", "GET", f"{path}:accessBindings"))["accessBindings"]
    assert bindings == [
        {
            "roleId": "datasphere.community-projects.admin",
            "subject": {"id": accounts.ids["developer"], "type": "userAccount"},
        }
    ]
    ok(await accounts.call("developer", "DELETE", path))


async def test_an_operation_is_seen_by_those_who_see_its_project(api: Api, accounts: Accounts) -> None:
    api.write("slow.ipynb", "print('on', flush=True)\nimport time\ntime.sleep(60)")
    [cell] = await api.cells("slow.ipynb")
    operation = await api.execute(cellId=cell)
    path = f"/operations/{operation['id']}"
    refused(await accounts.call("stranger", "GET", path), 403, 7)
    ok(await accounts.call("viewer", "GET", path))
    refused(await accounts.call("viewer", "GET", f"{path}:cancel"), 403, 7)
    assert not ok(await accounts.call("admin", "GET", path)).get("done")
    ok(await accounts.call("developer", "GET", f"{path}:cancel"))
    assert (await api.done(operation))["response"]["executionStatus"] == "ABORTED"


async def test_the_token_of_an_opened_project_is_its_own_accounts(api: Api, accounts: Accounts) -> None:
    opened = ok(await api.http.post(f"{api.project}/open"))
    path = f"/operations/{opened['id']}"
    assert ok(await accounts.call("admin", "GET", path))["response"]["sessionToken"]
    refused(await accounts.call("editor", "GET", path), 403, 7)


async def test_a_role_that_is_taken_is_gone_at_once(api: Api, accounts: Accounts) -> None:
    project = (await api.new_project(name="taken"))["id"]
    path = f"/datasphere/v2/projects/{project}"
    role = "datasphere.community-projects.viewer"
    await _give(api, "projects", project, role, accounts.ids["stranger"])
    ok(await accounts.call("stranger", "GET", path))
    binding = {"roleId": role, "subject": {"id": accounts.ids["stranger"], "type": "userAccount"}}
    ok(
        await api.http.patch(
            f"{path}:updateAccessBindings",
            json={"accessBindingDeltas": [{"action": "REMOVE", "accessBinding": binding}]},
        )
    )
    refused(await accounts.call("stranger", "GET", path), 403, 7)
    await api.http.delete(path)
