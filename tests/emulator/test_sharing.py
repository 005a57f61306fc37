"""Access bindings, resources and restrictions of communities and projects, and a store of an earlier version."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from emulator.api import Api, Json, ok, refused, resource, start_api

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIEWER = "datasphere.community-projects.viewer"


def path_of(api: Api, kind: str) -> str:
    return {
        "projects": api.project,
        "communities": f"/datasphere/v2/communities/{api.emulator.community_id}",
    }[kind]


def binding(api: Api, name: str, role: str, type_: str = "userAccount") -> Json:
    [account] = [one for one in api.emulator.info.accounts if one.name == name]
    return {"roleId": role, "subject": {"id": account.id, "type": type_}}


async def bindings(api: Api, path: str, **query: object) -> list[Json]:
    answer = ok(await api.http.get(f"{path}:accessBindings", params=query))
    return list(answer.get("accessBindings", []))


@pytest_asyncio.fixture(loop_scope="module")
async def path(api: Api) -> str:
    """The path of a project of the test's own."""
    return f"/datasphere/v2/projects/{(await api.new_project(name='shared'))['id']}"


async def test_a_whole_list_replaces_what_was(api: Api, path: str) -> None:
    admin = (await bindings(api, path))[0]
    viewer = binding(api, "viewer", VIEWER)
    robot = binding(api, "robot", "datasphere.community-projects.developer", "serviceAccount")
    for wanted in ([admin, viewer, robot], [robot, admin], [admin, admin]):
        operation = ok(await api.http.post(f"{path}:setAccessBindings", json={"accessBindings": wanted}))
        assert operation["done"]
        expected = [one for number, one in enumerate(wanted) if one not in wanted[:number]]
        assert await bindings(api, path) == expected
    await api.http.delete(path)


async def test_deltas_are_taken_in_their_order_and_may_be_repeated(api: Api, path: str) -> None:
    before = await bindings(api, path)
    viewer = binding(api, "viewer", VIEWER)

    async def update(*actions: str) -> None:
        deltas = [{"action": action, "accessBinding": viewer} for action in actions]
        ok(await api.http.patch(f"{path}:updateAccessBindings", json={"accessBindingDeltas": deltas}))

    await update("ADD", "ADD")
    assert await bindings(api, path) == [*before, viewer]
    await update("ADD", "REMOVE")
    assert await bindings(api, path) == before
    await update("REMOVE")
    await update("REMOVE", "ADD")
    assert await bindings(api, path) == [*before, viewer]
    await api.http.delete(path)


async def test_a_bad_binding_changes_nothing(api: Api, path: str) -> None:
    before = await bindings(api, path)
    good = binding(api, "viewer", VIEWER)
    for bad, status, code, word in (
        ({**good, "roleId": "datasphere.communities.viewer"}, 400, 3, "roleId"),  # no role of a project
        ({**good, "roleId": "viewer"}, 400, 3, "roleId"),
        ({**good, "subject": {**good["subject"], "type": "robot"}}, 400, 3, "subject.type"),
        ({**good, "subject": {**good["subject"], "type": "serviceAccount"}}, 404, 5, "Subject"),
        ({**good, "subject": {"id": "nobody", "type": "userAccount"}}, 404, 5, "Subject"),
        ({**good, "subject": {"id": "everybody", "type": "system"}}, 400, 3, "subject.id"),
        ({**good, "roleId": "r" * 65}, 400, 3, "roleId"),
        ({"roleId": VIEWER}, 400, 3, "subject"),
    ):
        refused(
            await api.http.post(f"{path}:setAccessBindings", json={"accessBindings": [good, bad]}),
            status,
            code,
            word,
        )
        deltas = [{"action": "ADD", "accessBinding": one} for one in (good, bad)]
        refused(
            await api.http.patch(f"{path}:updateAccessBindings", json={"accessBindingDeltas": deltas}),
            status,
            code,
            word,
        )
        assert await bindings(api, path) == before
    refused(await api.http.post(f"{path}:setAccessBindings", json={}), 400, 3, "accessBindings")
    refused(
        await api.http.patch(f"{path}:updateAccessBindings", json={"accessBindingDeltas": []}),
        400,
        3,
        "accessBindingDeltas",
    )
    await api.http.delete(path)


async def test_bindings_page_by_page(api: Api, path: str) -> None:
    wanted = [
        {"roleId": VIEWER, "subject": {"id": f"group:organization:{number}:users", "type": "system"}}
        for number in range(7)
    ] + await bindings(api, path)
    ok(await api.http.post(f"{path}:setAccessBindings", json={"accessBindings": wanted}))
    listed, token, pages = [], "", 0
    while pages == 0 or token:
        query = {"pageSize": 3, **({"pageToken": token} if token else {})}
        answer = ok(await api.http.get(f"{path}:accessBindings", params=query))
        listed += answer["accessBindings"]
        token, pages = answer.get("nextPageToken", ""), pages + 1
    assert (listed, pages) == (wanted, 3)
    first = ok(await api.http.get(f"{path}:accessBindings", params={"pageSize": 3}))["nextPageToken"]
    other = await api.http.get(f"{api.project}:accessBindings", params={"pageToken": first})
    refused(other, 400, 3, "pageToken")
    await api.http.delete(path)


async def test_a_community_gives_roles_of_both_kinds(api: Api) -> None:
    community = path_of(api, "communities")
    before = await bindings(api, community)
    everybody = {"id": "allUsers", "type": "system"}
    wanted = [
        {"roleId": VIEWER, "subject": everybody},
        {"roleId": "datasphere.communities.viewer", "subject": everybody},
    ]
    ok(await api.http.post(f"{community}:setAccessBindings", json={"accessBindings": [*before, *wanted]}))
    assert await bindings(api, community) == [*before, *wanted]
    ok(await api.http.post(f"{community}:setAccessBindings", json={"accessBindings": before}))


@pytest.mark.parametrize("kind", ["projects", "communities"])
async def test_resources_are_added_and_removed(api: Api, kind: str) -> None:
    base, target = path_of(api, kind).rsplit("/", 1)
    body = {
        ("projectId" if kind == "projects" else "communityId"): target,
        "resourceType": "RESOURCE_TYPE_S3",
    }

    async def call(verb: str, **more: str) -> httpx.Response:
        return await api.http.post(f"{base}/a-bucket:{verb}Resource", json={**body, **more})

    refused(await call("remove"), 404, 5, "a-bucket")
    assert ok(await call("add"))["response"]["@type"].endswith("Empty")
    ok(await call("add"))
    ok(await call("remove"))
    refused(await call("remove"), 404, 5, "a-bucket")
    refused(await call("add", resourceType="RESOURCE_TYPE_NONE"), 400, 3, "resourceType")
    refused(await api.http.post(f"{base}/a-bucket:addResource", json={}), 400, 3, "Id")


@pytest.mark.parametrize(
    ("kind", "field"), [("dataset", "datasetId"), ("s3", "s3Id"), ("docker", "dockerId")]
)
async def test_resources_are_mounted(api: Api, kind: str, field: str) -> None:
    body = {field: "one", "projectId": api.project_id}
    ok(await api.http.post(f"/datasphere/v2/{kind}/activate", json=body))
    if kind != "docker":
        ok(await api.http.post(f"/datasphere/v2/{kind}/deactivate", json=body))
        refused(await api.http.post(f"/datasphere/v2/{kind}/deactivate", json=body), 404, 5, "one")
    refused(await api.http.post(f"/datasphere/v2/{kind}/activate", json={field: "one"}), 400, 3, "projectId")
    gone = {**body, "projectId": "none"}
    refused(await api.http.post(f"/datasphere/v2/{kind}/activate", json=gone), 404, 5, "none")


@pytest.mark.parametrize("kind", ["projects", "communities"])
async def test_restrictions(api: Api, kind: str) -> None:
    path = path_of(api, kind)
    meta = ok(await api.http.get(f"/datasphere/v2/{kind}/restrictionsMeta"))["restrictionsMeta"]
    assert {one["valueType"] for one in meta} == {"BOOLEAN", "LONG", "STRING"}
    values = {
        "BOOLEAN": ("boolValue", [True]),
        "LONG": ("longValue", ["7"]),
        "STRING": ("stringValue", ["a", "b"]),
    }
    wanted = [{"name": one["name"], values[one["valueType"]][0]: values[one["valueType"]][1]} for one in meta]
    assert ok(await api.http.get(f"{path}:restrictions")) == {}
    answer = ok(await api.http.post(f"{path}:setRestrictions", json={"restrictions": wanted}))
    assert answer["response"]["restrictions"] == wanted
    assert ok(await api.http.get(f"{path}:restrictions"))["restrictions"] == wanted
    wrong = [
        {
            **one,
            values[one["valueType"]][0]: [],
            "stringValue" if one["valueType"] != "STRING" else "boolValue": ["x"]
            if one["valueType"] != "STRING"
            else [True],
        }
        for one in meta
    ]
    for bad in (*wrong, {"name": "none"}):
        refused(await api.http.post(f"{path}:setRestrictions", json={"restrictions": [bad]}), 400, 3)
    refused(
        await api.http.post(f"{path}:setRestrictions", json={"restrictions": wanted[:1] * 2}), 400, 3, "twice"
    )
    assert ok(await api.http.get(f"{path}:restrictions"))["restrictions"] == wanted
    ok(await api.http.post(f"{path}:setRestrictions", json={}))
    assert ok(await api.http.get(f"{path}:restrictions")) == {}


async def test_nothing_of_a_deleted_project_is_left(api: Api, path: str) -> None:
    project = path.rsplit("/", 1)[1]
    ok(await api.http.post(f"{path.rsplit('/', 1)[0]}/r:addResource", json={"projectId": project}))
    ok(await api.http.post("/datasphere/v2/s3/activate", json={"s3Id": "s", "projectId": project}))
    ok(
        await api.http.post(
            f"{path}:setRestrictions", json={"restrictions": [{"name": "deny-file-download"}]}
        )
    )
    ok(await api.http.delete(path))
    with sqlite3.connect(api.emulator.config.root / "emulator.sqlite") as store:
        for table, column in (
            ("bindings", "resource"),
            ("attached", "target"),
            ("active", "project"),
            ("restrictions", "resource"),
        ):
            [count] = store.execute(f"SELECT COUNT(*) FROM {table} WHERE {column} = ?", (project,)).fetchone()
            assert count == 0, table


async def test_a_root_of_the_version_before_keeps_all_it_has(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with start_api(root) as api:
        project = (await api.new_project(name="from-before"))["id"]
        operation = ok(await api.http.post(f"{api.project}:unitBalance", json={"unitBalance": "9"}))
        oauth_token = api.emulator.oauth_token
    _to_schema_1(root / "emulator.sqlite")
    async with start_api(root) as api:
        assert api.emulator.oauth_token == oauth_token
        assert ok(await api.http.get(f"/operations/{operation['id']}")) == operation
        assert await api.balance() == 9
        path = f"/datasphere/v2/projects/{project}"
        [admin] = [account for account in api.emulator.info.accounts if account.name == "admin"]
        assert await bindings(api, path) == [
            {
                "roleId": "datasphere.community-projects.admin",
                "subject": {"id": admin.id, "type": "userAccount"},
            }
        ]
        ok(
            await api.http.post(
                f"{path}:setAccessBindings", json={"accessBindings": await bindings(api, path)}
            )
        )
        assert len(await bindings(api, path_of(api, "communities"))) == 6  # the accounts have their roles
        assert resource(
            await api.http.post("/datasphere/v2/projects", json={"communityId": api.emulator.community_id})
        )


def _to_schema_1(path: Path) -> None:
    """Take away what the second version of the store has added."""
    with sqlite3.connect(path) as store:
        for table in ("bindings", "attached", "active", "restrictions"):
            store.execute(f"DROP TABLE {table}")
        store.execute("CREATE TABLE before (id TEXT PRIMARY KEY, done INTEGER NOT NULL, data BLOB NOT NULL)")
        store.execute("INSERT INTO before SELECT id, done, data FROM operations")
        store.execute("DROP TABLE operations")
        store.execute("ALTER TABLE before RENAME TO operations")
        store.execute("DELETE FROM meta WHERE name = 'roles_given'")
        store.execute("PRAGMA user_version = 1")
    store.close()


async def test_roles_that_were_taken_stay_away_after_a_restart(tmp_path: Path) -> None:
    async with start_api(tmp_path / "root") as api:
        path = path_of(api, "communities")
        before = await bindings(api, path)
        ok(await api.http.post(f"{path}:setAccessBindings", json={"accessBindings": before[:2]}))
    async with start_api(tmp_path / "root") as api:
        assert await bindings(api, path_of(api, "communities")) == before[:2]
