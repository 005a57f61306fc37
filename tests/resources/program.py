"""A program that uses `connect` or `connect_async`: one table of checks for both.

``python program.py sync|async NAMES FACTS`` prints, as JSON, what each check of these names ended with: "ok" or a
traceback. FACTS: the emulator's, and the IDs of its accounts by name.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import Any

from jupyter_datasphere import connect, connect_async
from jupyter_datasphere.errors import (
    ConflictError,
    CredentialsError,
    DataSphereError,
    NotFoundError,
    QuotaError,
    RemoteExecutionError,
    UnavailableError,
    UsageError,
    VariableError,
)
from jupyter_datasphere.resources import listing
from jupyter_datasphere.resources.calls import Operation, ended
from jupyter_datasphere.resources.data import Difference, Member, ProjectLimits

Check = Callable[[Any, dict[str, Any]], Awaitable[None]]

CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    CHECKS[function.__name__] = function
    return function


async def do(value: Any) -> Any:
    """The value that a call of either connection gives: a handle is awaitable, too, and no call."""
    return await value if isinstance(value, CoroutineType) else value


async def refused(kind: type[DataSphereError], call: Callable[[], Any], *words: str) -> DataSphereError:
    """The error of that kind which the call ends with, and which has these words."""
    try:
        value = await do(call())
    except kind as error:
        assert type(error) is kind, error
        for word in words:
            assert word in str(error), str(error)
        return error
    raise AssertionError(f"{value!r} and no {kind.__name__}")


async def project(c: Any, facts: dict[str, Any]) -> Any:
    """A new project in the community of this program."""
    return await do(c.create_project(f"p-{facts['new']()}", community=facts["community"]))


# Listing and finding


@check
async def communities_and_projects_are_listed_and_found(c: Any, facts: dict[str, Any]) -> None:
    made = await project(c, facts)
    crew = await do(c.community(facts["community"]))
    assert crew in await do(c.communities())
    assert [one.name for one in await do(c.communities("DEMO-comm"))] == ["demo-community"]
    assert await do(c.communities(organization=facts["organization_id"])) == await do(c.communities())
    assert made in await do(c.projects(community=crew.name))
    assert await do(c.projects(pattern=made.name[1:])) == [made]
    assert await do(crew.projects(pattern=made.name)) == [made]
    for found in (
        c.project(made.name),
        c.project(made.id),
        c.project(made.name, community=crew.name),
        crew.project(made.name),
        made.refresh(),
    ):
        assert await do(found) == made
    assert await do(made.community()) == crew
    assert (await do(c.project())).id == facts["project_id"]  # the server's own
    assert made.community_id == crew.id and made.created_by_id == facts["ids"]["admin"]
    assert made.created_at.tzinfo is not None


@check
async def lists_are_read_to_the_last_page(c: Any, facts: dict[str, Any]) -> None:
    made = [await project(c, facts) for _ in range(5)]
    listing.AT_ONCE = 2
    try:
        listed = await do(c.projects(community=facts["community"], pattern="p-"))
    finally:
        listing.AT_ONCE = 1000
    assert [one for one in listed if one in made] == made
    assert len(set(listed)) == len(listed)


@check
async def what_is_not_found_is_said(c: Any, facts: dict[str, Any]) -> None:
    await refused(NotFoundError, lambda: c.project("demo-projekt"), "Did you mean 'demo-project'?")
    await refused(NotFoundError, lambda: c.community("demo-comunity"), "Did you mean 'demo-community'?")
    await refused(NotFoundError, lambda: c.projects(community="nowhere"), "no community 'nowhere'")
    await refused(
        NotFoundError, lambda: c.project("demo-project", community=facts["community"]), "no project"
    )
    twice = [await project(c, facts) for _ in range(2)]
    await do(twice[1].update(name=twice[0].name))
    error = await refused(UsageError, lambda: c.project(twice[0].name), twice[0].id, twice[1].id, "by its ID")
    assert error.code == "ambiguous-name"
    for one in twice:
        await do(one.delete())
    await refused(NotFoundError, lambda: twice[0].refresh(), "not found")
    await refused(NotFoundError, lambda: c.project(twice[0].name), "no project")


# Changing


@check
async def what_is_given_is_changed_and_nothing_else(c: Any, facts: dict[str, Any]) -> None:
    limits = {"max_units_per_hour": 20_000}
    name = f"p-{facts['new']()}"
    made = await do(
        c.create_project(
            name,
            community=facts["community"],
            description="one",
            labels={"team": "a"},
            settings={"vm_inactivity_timeout": "1800s", "early_access": True},
            limits=limits,
        )
    )
    assert (made.name, made.description, made.labels) == (name, "one", {"team": "a"})
    changed = await do(made.update(description="two", settings={"stale_exec_timeout_mode": "ONE_HOUR"}))
    assert (changed.name, changed.description, changed.labels) == (name, "two", {"team": "a"})
    assert changed.settings.vm_inactivity_timeout == "1800s" and changed.settings.early_access
    assert changed.settings.stale_exec_timeout_mode == "ONE_HOUR"
    assert changed.limits == ProjectLimits(max_units_per_hour=20_000)
    emptied = await do(changed.update(description="", labels={}, settings={"vm_inactivity_timeout": None}))
    assert (emptied.description, emptied.labels, emptied.settings.vm_inactivity_timeout) == ("", {}, None)
    assert made.description == "one"  # as it was when it was asked for
    await refused(UsageError, lambda: made.update(), "Nothing of the project")
    await refused(
        UsageError, lambda: made.update(settings={"early_acces": True}), "Did you mean early_access?"
    )
    await refused(UsageError, lambda: made.update(settings={"early_access": "no"}), "does not fit")
    await refused(UsageError, lambda: made.update(name="Not Allowed"), "breaks a limit")
    crew = await do(c.community(facts["community"]))
    assert (await do(crew.update(labels={"a": "b"}))).labels == {"a": "b"}
    await refused(ConflictError, crew.delete, "holds projects")


# Roles


@check
async def roles_are_given_and_taken(c: Any, facts: dict[str, Any]) -> None:
    made = await project(c, facts)
    prefix = "datasphere.community-projects"
    owner = Member(f"{prefix}.admin", facts["ids"]["admin"])
    assert await do(made.members()) == [owner]
    robot, viewer = facts["ids"]["robot"], facts["ids"]["viewer"]
    assert await do(made.grant("viewer", viewer)) is True
    assert await do(made.grant(f"{prefix}.viewer", viewer)) is False  # it has that
    assert await do(made.grant("developer", f"serviceAccount:{robot}")) is True
    assert await do(made.grant("viewer", "allAuthenticatedUsers")) is True
    assert await do(made.members()) == [
        owner,
        Member(f"{prefix}.viewer", viewer),
        Member(f"{prefix}.developer", robot, "serviceAccount"),
        Member(f"{prefix}.viewer", "allAuthenticatedUsers", "system"),
    ]
    assert await do(made.revoke("developer", robot)) is True  # whatever its type
    assert await do(made.revoke("developer", robot)) is False
    assert await do(made.revoke("editor", viewer)) is False
    error = await refused(UsageError, lambda: made.grant("viewr", viewer), "Did you mean viewer?")
    assert error.code == "unknown-role"
    await refused(UsageError, lambda: made.grant(f"{prefix}.viewr", viewer), f"Did you mean {prefix}.viewer")
    await refused(UsageError, lambda: made.grant("resource-manager.viewer", viewer), "no role of a project")
    error = await refused(
        UsageError, lambda: made.grant("datasphere.communities.viewer", viewer), "of communities", prefix
    )
    assert error.code == "other-kind"
    for wrong in ("user:x", "allusers", "a b", "", "group:x", f"userAccount:{viewer}:x", "\u202eabc"):
        assert (
            await refused(UsageError, lambda wrong=wrong: made.grant("viewer", wrong))
        ).code == "bad-subject"
    await refused(NotFoundError, lambda: made.grant("viewer", robot), "serviceAccount:ID")
    crew = await do(made.community())
    assert await do(crew.grant("editor", viewer)) is True
    assert await do(crew.grant(f"{prefix}.viewer", viewer)) is True  # of all its projects
    given = [one.role for one in await do(crew.members()) if one.subject == viewer]
    assert given == ["datasphere.communities.editor", f"{prefix}.viewer"]
    for role in given:
        assert await do(crew.revoke(role, viewer)) is True


@check
async def all_members_are_replaced_and_pages_are_read_to_the_end(c: Any, facts: dict[str, Any]) -> None:
    made = await project(c, facts)
    before = await do(made.members())
    role = "datasphere.community-projects.viewer"
    groups = [Member(role, f"group:federation:f{number}:users", "system") for number in range(1205)]
    assert await do(made.set_members([*before, *groups])) == Difference(groups, [], before)
    assert await do(made.members()) == [*before, *groups]
    last = groups[-1]
    assert await do(made.set_members([*before, last, last])) == Difference([], groups[:-1], [*before, last])
    assert await do(made.members()) == [*before, last]
    short = [*before, Member("viewer", last.subject, last.type)]
    assert not await do(made.set_members(short, expected=[*before, last]))
    await do(made.grant("viewer", "allUsers"))
    everybody = Member(role, "allUsers", "system")
    stale = [*before, last]
    error = await refused(
        ConflictError, lambda: made.set_members(before, expected=stale), f"+ {everybody}", "left as they are"
    )
    assert error.code == "members-changed"
    assert await do(made.members()) == [*stale, everybody]
    done = await do(made.set_members(before, expected=[everybody, *stale]))
    assert done == Difference([], [last, everybody], before)


# Units, restrictions, resources


@check
async def units_are_numbers_or_none(c: Any, facts: dict[str, Any]) -> None:
    made = await project(c, facts)
    assert await do(made.balance()) is None
    for units in (5000, 0, 2**63 - 1, None):
        await do(made.set_balance(units))
        assert await do(made.balance()) == units
    for wrong in (-1, 2**63, 1.5, True, "5"):
        await refused(UsageError, lambda wrong=wrong: made.set_balance(wrong), "whole number")
    assert (await do(made.set_limits(per_hour=20_000))).limits == ProjectLimits(max_units_per_hour=20_000)
    both = await do(made.set_limits(per_execution=7))
    assert both.limits == ProjectLimits(max_units_per_hour=20_000, max_units_per_execution=7)
    assert (await do(made.set_limits(per_hour=None))).limits == ProjectLimits(max_units_per_execution=7)
    await refused(UsageError, lambda: made.set_limits(), "Nothing of the project")


@check
async def restrictions_have_values_of_one_type(c: Any, facts: dict[str, Any]) -> None:
    made = await project(c, facts)
    crew = await do(made.community())
    for one in (made, crew):
        known = await do(one.known_restrictions())
        assert known["allowed-specs"] == "STRING" and known["deny-file-download"] == "BOOLEAN"
        assert await do(one.restrictions()) == {}
        wanted = {
            "allowed-specs": ["c1.4", "g1.1"],
            "deny-file-download": False,
            "max-executions-per-day": 2**40,
        }
        await do(one.set_restrictions(wanted))
        assert await do(one.restrictions()) == {
            "allowed-specs": ["c1.4", "g1.1"],
            "deny-file-download": [False],
            "max-executions-per-day": [2**40],
        }
        await refused(
            UsageError, lambda one=one: one.set_restrictions({"allowed-specs": ["c1.4", 1]}), "all texts"
        )
        await refused(UsageError, lambda one=one: one.set_restrictions({"no-such": True}), "expected one of")
        await do(one.set_restrictions({}))


@check
async def resources_are_shared_and_mounted(c: Any, facts: dict[str, Any]) -> None:
    made = await project(c, facts)
    crew = await do(made.community())
    for one in (made, crew):
        await do(one.add_resource("bt1secret", "secret"))
        await do(one.remove_resource("bt1secret", "secret"))
        await refused(NotFoundError, lambda one=one: one.remove_resource("bt1secret", "secret"), "bt1secret")
        await refused(UsageError, lambda one=one: one.add_resource("bt1x", "sekret"), "Did you mean secret?")
        error = await refused(UsageError, lambda one=one: one.add_resource("../x", "secret"), "is not an ID")
        assert error.code == "bad-id"
    await do(made.activate_dataset("bt1data"))
    await do(made.deactivate_dataset("bt1data"))
    await refused(NotFoundError, lambda: made.deactivate_dataset("bt1data"), "bt1data")
    await do(made.activate_docker_image("bt1image"))
    await do(made.activate_s3("bt1s3"))
    await do(made.deactivate_s3("bt1s3"))


# Running code


@check
async def code_runs_and_its_handle_tells(c: Any, facts: dict[str, Any]) -> None:
    demo = await do(c.project(facts["project_id"]))
    session = f"s{facts['new']()}"
    rows = [{"a": 1.5, "b": None}]
    handle = await do(
        demo.execute("y = len(x)\nprint('one', y)", inputs={"x": rows}, outputs=["y"], session=session)
    )
    if facts["way"] == "async":
        assert await handle is handle
    assert handle.wait() is handle
    assert (handle.status, handle.text, handle.variables) == ("succeeded", "one 1\n", {"y": 1})
    assert await do(demo.variables("x", "y", session=session)) == {"x": rows, "y": 1}
    assert await do(demo.variables(session=session)) == {"x": rows, "y": 1}
    listed = await do(demo.list_variables(session=session))
    assert [(one.name, one.kind) for one in listed] == [("x", "list"), ("y", "int")]
    await refused(NotFoundError, lambda: demo.variables("z", session=session), "'z'")
    failing = await do(demo.execute("1/0", session=session, spec="c1.8"))
    try:
        failing.wait()
    except RemoteExecutionError as error:
        assert (error.ename, error.execution_id) == ("ZeroDivisionError", failing.id)
    else:
        raise AssertionError("no error")
    ended = await do(demo.execute("import time\ntime.sleep(600)", session=session, timeout=0.5))
    await refused_by_wait(ended, "timeout")


async def refused_by_wait(handle: Any, code: str) -> None:
    try:
        handle.wait()
    except DataSphereError as error:
        assert error.code == code, error
    else:
        raise AssertionError("no error")


@check
async def a_stored_notebook_and_a_stored_cell_run(c: Any, facts: dict[str, Any]) -> None:
    demo = await do(c.project(facts["project_id"]))
    handle = await do(demo.execute(notebook="steps.ipynb", inputs={"week": 27}, outputs=["last"]))
    assert handle.wait().variables == {"last": 54}
    cell = await do(demo.execute(cell=facts["cell"]))
    assert cell.wait().status == "succeeded"
    for wrong in (
        {},
        {"code": "1", "notebook": "x.ipynb"},
        {"code": "1", "direct": True},
        {"cell": "x", "session": "s"},
    ):
        await refused(UsageError, lambda wrong=wrong: demo.execute(**wrong))
    await refused(NotFoundError, lambda: demo.execute(notebook="no-such.ipynb"), "no-such.ipynb")


@check
async def what_cannot_travel_is_refused_before_anything_is_sent(c: Any, facts: dict[str, Any]) -> None:
    demo = await do(c.project(facts["project_id"]))
    await refused(VariableError, lambda: demo.execute("1", inputs={"x": (1, 2)}), "list()")
    await refused(UsageError, lambda: demo.execute("1", inputs={"not a name": 1}), "name of a variable")
    await refused(UsageError, lambda: demo.execute("1", outputs="x"), "list of names")
    await refused(UsageError, lambda: demo.execute("1", spec="c1.5"), "c1.5")


# Accounts with fewer roles


@check
async def a_developer_sees_no_balance_and_shares_nothing(c: Any, facts: dict[str, Any]) -> None:
    demo = await do(c.project("demo-project"))
    assert (await do(demo.execute("print(1)", session="dev"))).wait().text == "1\n"
    error = await refused(
        CredentialsError, demo.balance, "The role datasphere.community-projects.editor in the project"
    )
    assert (error.code, error.http_status) == ("permission-denied", 403) and error.request_id
    await refused(
        CredentialsError,
        lambda: demo.grant("viewer", facts["ids"]["stranger"]),
        "The role datasphere.community-projects.admin in the project",
        "%ds_members shows",
    )
    await refused(CredentialsError, lambda: demo.set_balance(1), "community-projects.admin")
    await refused(CredentialsError, lambda: demo.update(description="x"), "community-projects.editor")
    await refused(CredentialsError, demo.delete, "community-projects.editor")
    assert (await do(demo.members()))[0].subject == facts["ids"]["admin"]


@check
async def a_viewer_looks_and_runs_nothing(c: Any, facts: dict[str, Any]) -> None:
    demo = await do(c.project("demo-project"))
    assert demo in await do(c.projects())
    run = await do(demo.execute("print(1)"))
    try:
        run.wait()
    except CredentialsError as error:
        assert "The role datasphere.community-projects.developer in the project" in str(error)
    else:
        raise AssertionError("it ran")
    await refused(
        CredentialsError,
        lambda: c.create_project("mine", community="demo-community"),
        "The role datasphere.communities.developer in the community",
    )


@check
async def a_stranger_finds_nothing(c: Any, facts: dict[str, Any]) -> None:
    assert await do(c.communities()) == await do(c.projects()) == []
    viewer = "The role datasphere.community-projects.viewer in the project"
    await refused(NotFoundError, lambda: c.project(facts["project_id"]), "only others see", viewer)
    await refused(NotFoundError, lambda: c.community(facts["community_id"]), "datasphere.communities.viewer")


# Trouble


@check
async def nobody_there(c: Any, facts: dict[str, Any]) -> None:
    raise AssertionError("connected")


@check
async def the_server_is_started_anew(c: Any, facts: dict[str, Any]) -> None:
    assert (await do(c.project())).id == facts["project_id"]
    print("looked", file=sys.stderr, flush=True)
    sys.stdin.readline()
    assert (await do(c.project())).id == facts["project_id"]


@check
async def throttled(c: Any, facts: dict[str, Any]) -> None:
    demo = await do(c.project(facts["project_id"]))
    error = await refused(QuotaError, demo.members, "Wait a little")
    assert (error.code, error.http_status) == ("resource-exhausted", 429)


@check
async def unauthenticated(c: Any, facts: dict[str, Any]) -> None:
    error = await refused(CredentialsError, lambda: c.project(facts["project_id"]))
    assert error.http_status == 401


@check
async def an_answer_is_lost(c: Any, facts: dict[str, Any]) -> None:
    """The connection to the server breaks once the change has arrived, before it is answered."""
    made = await do(c.create_project(f"once-{facts['way']}", community="demo-community"))
    assert await do(c.projects(pattern=made.name)) == [made]
    await do(made.delete())


@check
async def an_operation_takes_longer_than_it_is_waited_for(c: Any, facts: dict[str, Any]) -> None:
    demo = await do(c.project(facts["project_id"]))
    run = await do(demo.execute("import time\ntime.sleep(600)", session="long"))
    while run.status != "running":
        time.sleep(0.01)
    operation = Operation(run._look().operation_id)
    error = await refused(
        UnavailableError, lambda: c._run(ended(operation, 0.3)), operation.id, "within 0.3 s"
    )
    assert error.code == "timeout"
    if facts["way"] == "async":
        try:
            async with asyncio.timeout(0.2):
                await c._run(ended(operation, 60.0))
        except TimeoutError:
            assert (await c.project(facts["project_id"])).id == facts["project_id"]
    run.cancel()
    await do(c._run(ended(operation, 60.0)))


@check
async def an_operation_that_fails_says_why(c: Any, facts: dict[str, Any]) -> None:
    poor = await do(c.create_project(f"poor-{facts['way']}", community="demo-community"))
    await do(poor.set_limits(per_execution=4))
    run = await do(poor.execute("import time\ntime.sleep(600)"))
    await refused_by_wait(run, "resource-exhausted")
    await refused(QuotaError, lambda: c._run(ended(Operation(run._look().operation_id), 60.0)), "4")
    await do(poor.delete())


async def main(way: str, names: list[str], facts: dict[str, Any]) -> dict[str, str]:
    facts["way"] = way
    numbers = iter(range(1000))
    facts["new"] = lambda: f"{way}-{next(numbers)}"
    results = {}
    try:
        c: Any = connect() if way == "sync" else await connect_async().__aenter__()
    except DataSphereError as error:
        return dict.fromkeys(names, f"{type(error).__name__} {error.code}: {error}")
    if "community" not in facts:
        crew = (
            await do(c.create_community(f"crew-{way}", zone="ru-central1-a")) if facts.get("admin") else None
        )
        facts["community"] = f"crew-{way}" if crew else ""
    for name in names:
        try:
            await CHECKS[name](c, facts)
        except Exception:  # noqa: BLE001 - told to the test
            results[name] = traceback.format_exc()
        else:
            results[name] = "ok"
    await do(c.close() if way == "sync" else c.aclose())
    return results


if __name__ == "__main__":
    way, names, facts = sys.argv[1:]
    print(json.dumps(asyncio.run(main(way, names.split(","), json.loads(facts)))))
