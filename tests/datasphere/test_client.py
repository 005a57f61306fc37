"""Every call of the client against the emulator."""

from __future__ import annotations

import socket
import typing
import uuid
from pathlib import Path

import nbformat
import pytest
from support import Facts, client_for, store

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.methods import METHODS
from jupyter_datasphere.errors import ServiceError, UnavailableError, UsageError


async def test_a_community_from_its_making_to_its_end(client: Client, emulator: Facts) -> None:
    create = types.CreateCommunityRequest(
        organization_id=emulator["organization_id"], name="Исследования-1", labels={"team": "vision"}
    )
    operation = await client.wait(await client.create_community(create))
    assert operation.metadata is not None
    community_id = operation.metadata["communityId"]
    community = await client.get_community(community_id)
    assert (community.name, community.labels) == ("Исследования-1", {"team": "vision"})
    update = types.UpdateCommunityRequest(update_mask="description", description="faces", name="ignored-1")
    await client.wait(await client.update_community(community_id, update))
    community = await client.get_community(community_id)
    assert (community.name, community.description) == ("Исследования-1", "faces")
    await client.wait(await client.delete_community(community_id))
    with pytest.raises(ServiceError) as caught:
        await client.get_community(community_id)
    assert caught.value.code == "not-found"
    assert caught.value.request_id


async def test_projects_page_by_page(client: Client, emulator: Facts) -> None:
    create = types.CreateCommunityRequest(organization_id=emulator["organization_id"], name="paging")
    operation = await client.wait(await client.create_community(create))
    assert operation.metadata is not None
    community_id = operation.metadata["communityId"]
    names = [f"page-{number}" for number in range(7)]
    for name in names:
        request = types.CreateProjectRequest(community_id=community_id, name=name)
        await client.wait(await client.create_project(request))
    listed = [
        project.name
        async for project in client.projects(
            types.ListProjectsRequest(community_id=community_id, page_size=3)
        )
    ]
    assert sorted(listed) == names
    first = await client.list_projects(types.ListProjectsRequest(community_id=community_id, page_size=3))
    assert len(first.projects) == 3
    assert first.next_page_token
    communities = [
        community.id
        async for community in client.communities(
            types.ListCommunitiesRequest(organization_id=emulator["organization_id"], page_size=1)
        )
    ]
    assert community_id in communities
    assert emulator["community_id"] in communities


async def test_a_project_from_its_making_to_its_end(client: Client, emulator: Facts) -> None:
    create = types.CreateProjectRequest(
        community_id=emulator["community_id"],
        name="made-here",
        settings=types.ProjectSettings(vm_inactivity_timeout="1800s"),
        limits=types.ProjectLimits(max_units_per_hour=types.Int64(100_000)),
    )
    operation = await client.wait(await client.create_project(create))
    assert operation.metadata is not None
    project_id = operation.metadata["projectId"]
    project = await client.get_project(project_id)
    assert project.limits is not None and project.limits.max_units_per_hour == 100_000
    update = types.UpdateProjectRequest(
        update_mask="settings.vmInactivityTimeout, description",
        description="changed",
        settings=types.ProjectSettings(vm_inactivity_timeout="60s"),
    )
    await client.wait(await client.update_project(project_id, update))
    project = await client.get_project(project_id)
    assert project.name == "made-here"
    assert project.description == "changed"
    assert project.settings is not None and project.settings.vm_inactivity_timeout == "60s"
    opened = await client.wait(await client.open_project(project_id))
    response = types.convert(opened.response, types.OpenProjectResponse)
    assert response.project_url and response.session_token
    assert await client.get_unit_balance(project_id) is None
    await client.wait(await client.set_unit_balance(project_id, 5000))
    assert await client.get_unit_balance(project_id) == 5000
    await client.wait(await client.set_unit_balance(project_id, None))
    assert await client.get_unit_balance(project_id) is None
    await client.wait(await client.delete_project(project_id))
    with pytest.raises(ServiceError):
        await client.get_project(project_id)


async def test_a_stored_notebook_its_outputs_and_variables(client: Client, emulator: Facts) -> None:
    notebook_id = store(
        emulator,
        "client.ipynb",
        "import os\nfactor = int(os.environ['FACTOR'])\nprint(6 * factor)",
        "answer = {'value': 6 * factor}",
    )
    project_id = emulator["project_id"]
    metadata = await client.notebook_metadata(project_id, notebook_id)
    assert len(metadata.cell_ids) == 2
    request = types.ExecuteRequest(
        notebook_id=notebook_id, input_variables={"FACTOR": 7}, output_variable_names=["answer"]
    )
    operation = await client.wait(await client.execute(project_id, request))
    response = types.convert(operation.response, types.ExecutionResponse)
    assert response.execution_status == "OK"
    assert response.output_variables == {"answer": {"value": 42}}
    (output,) = await client.cell_outputs(
        project_id, metadata.cell_ids[0], checkpoint_id=response.checkpoint_id
    )
    assert nbformat.from_dict(types.decode(output, dict)) == {
        "output_type": "stream",
        "name": "stdout",
        "text": "42\n",
    }
    assert await client.state_variables(project_id, notebook_id, ["answer"]) == {"answer": {"value": 42}}


async def test_a_cell_that_fails_and_one_that_is_cancelled(client: Client, emulator: Facts) -> None:
    notebook_id = store(emulator, "ends.ipynb", "1 / 0", "import time\ntime.sleep(60)")
    project_id = emulator["project_id"]
    failing, sleeping = (await client.notebook_metadata(project_id, notebook_id)).cell_ids
    operation = await client.execute(project_id, types.ExecuteRequest(cell_id=failing))
    operation = await client.wait(operation)
    assert types.convert(operation.response, types.ExecutionResponse).execution_status == "ERROR"
    operation = await client.execute(project_id, types.ExecuteRequest(cell_id=sleeping))
    await client.cancel_operation(operation.id)
    operation = await client.wait(operation, timeout=20)
    assert types.convert(operation.response, types.ExecutionResponse).execution_status == "ABORTED"


async def test_the_same_key_runs_once(client: Client, emulator: Facts) -> None:
    notebook_id = store(emulator, "once.ipynb", "open('runs.txt', 'a').write('x')")
    key = str(uuid.uuid4())
    request = types.ExecuteRequest(notebook_id=notebook_id)
    first = await client.execute(emulator["project_id"], request, idempotency_key=key)
    second = await client.execute(emulator["project_id"], request, idempotency_key=key)
    assert first.id == second.id
    await client.wait(first)
    runs = Path(emulator["root"]) / "projects" / emulator["project_id"] / "runs.txt"
    assert runs.read_text() == "x"


@pytest.mark.parametrize("bad", ["", "..", "a/b", "a%2fb", "a:execute", "a?b", "a\nb", "ä", "x" * 51])
async def test_an_id_never_leaves_its_path_segment(client: Client, bad: str) -> None:
    with pytest.raises(UsageError) as caught:
        await client.get_project(bad)
    assert caught.value.code == "bad-id"


async def test_limits_are_checked_before_anything_is_sent(client: Client) -> None:
    with pytest.raises(UsageError, match="name"):
        await client.create_project(types.CreateProjectRequest(community_id="c", name="Not Allowed"))
    with pytest.raises(UsageError, match="exactly one"):
        await client.execute("p", types.ExecuteRequest(notebook_id="n", cell_id="c"))


async def test_todays_revision_lacks_three_methods(current_emulator: Facts) -> None:
    client = client_for(current_emulator)
    project_id = current_emulator["project_id"]
    for call in (
        client.cell_outputs(project_id, "cell"),
        client.state_variables(project_id, "notebook", []),
        client.notebook_metadata(project_id, "notebook"),
    ):
        with pytest.raises(ServiceError) as caught:
            await call
        assert caught.value.code == "no-such-method"
    await client.transport.aclose()


async def test_waiting_has_an_end(client: Client, emulator: Facts) -> None:
    notebook_id = store(emulator, "long.ipynb", "import time\ntime.sleep(60)")
    operation = await client.execute(emulator["project_id"], types.ExecuteRequest(notebook_id=notebook_id))
    with pytest.raises(UnavailableError, match="goes on"):
        await client.wait(operation, timeout=0.2)
    await client.cancel_operation(operation.id)
    await client.wait(operation, timeout=20)


def test_answers_are_those_of_the_method_table() -> None:
    """Each method of the client that makes one call gives what the table says the call answers."""
    answers = {
        "get_community": "community.get",
        "list_communities": "community.list",
        "get_project": "project.get",
        "list_projects": "project.list",
        "list_access_bindings": "project.listAccessBindings",
        "notebook_metadata": "project.notebookMetadata",
        "get_operation": "operation.get",
        "cancel_operation": "operation.cancel",
    } | {
        f"{verb}_{kind}": f"{kind}.{verb}"
        for kind in ("community", "project")
        for verb in ("create", "update", "delete")
    }
    for name, method in answers.items():
        assert typing.get_type_hints(getattr(Client, name))["return"] is METHODS[method].response, name


async def test_a_limit_is_told_in_words(client: Client, emulator: Facts) -> None:
    request = types.CreateProjectRequest(community_id=emulator["community_id"], name="Bad Name!")
    with pytest.raises(UsageError, match=r"lower-case Latin letters.*name") as caught:
        await client.create_project(request)
    assert "regex" not in str(caught.value)


async def test_no_connection_is_told_with_its_reason_once(emulator: Facts) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        client = client_for(emulator, url=f"http://127.0.0.1:{taken.getsockname()[1]}", timeout=2)
        with pytest.raises(UnavailableError) as caught:
            await client.get_project(emulator["project_id"])
    await client.transport.aclose()
    assert "ssl" not in str(caught.value)
    assert "Connect call failed" in str(caught.value)
