"""Every request of the client and every answer of the emulator, read by the vendor's own classes."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
import vendor
from datasphere.witness import Witness
from google.protobuf import json_format
from hypothesis import assume, given, settings
from messages import messages
from support import Facts, client_for, store

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.methods import METHODS, Kind, Method

ONE_OF = ("notebook_id", "cell_id", "jwt", "yandex_passport_oauth_token")
"""Fields of which a request holds one at most."""
COMPARED = [method for method in METHODS.values() if method.name not in vendor.NO_LONGER]


@pytest_asyncio.fixture
async def witness(emulator: Facts) -> AsyncIterator[Witness]:
    async with Witness(emulator["url"]) as witness:
        yield witness


@pytest_asyncio.fixture
async def watched(emulator: Facts, witness: Witness) -> AsyncIterator[Client]:
    client = client_for(emulator, url=witness.url)
    yield client
    await client.transport.aclose()


async def test_every_call_of_the_client(watched: Client, witness: Witness, emulator: Facts) -> None:
    community, project = await _made(watched, emulator)
    await _shared(watched, "community", community)
    await _shared(watched, "project", project)
    await _in_a_project(watched, project)
    await _executed(watched, emulator)
    await watched.wait(await watched.delete_project(project))
    await watched.wait(await watched.delete_community(community))
    assert witness.objections == []
    assert set(METHODS) - set(witness.seen) == {"project.openOld"}  # for a service that lacks the other


async def _made(client: Client, emulator: Facts) -> tuple[str, str]:
    organization = emulator["organization_id"]
    community = await _id(
        client,
        await client.create_community(
            types.CreateCommunityRequest(
                organization_id=organization,
                zone_id="ru-central1-a",
                name="Второе-мнение",
                labels={"a-1": "b_2"},
            )
        ),
    )
    await client.wait(
        await client.update_community(
            community, types.UpdateCommunityRequest(update_mask="description,labels", description="«—»")
        )
    )
    await client.get_community(community)
    await client.list_communities(types.ListCommunitiesRequest(organization_id=organization, page_size=1))
    project = await _id(
        client,
        await client.create_project(
            types.CreateProjectRequest(
                community_id=community,
                name="second-opinion",
                settings=types.ProjectSettings(
                    security_group_ids=["a", "b"],
                    ide="JUPYTER_LAB",
                    stale_exec_timeout_mode="ONE_HOUR",
                    vm_inactivity_timeout="1800s",
                ),
                limits=types.ProjectLimits(max_units_per_hour=types.Int64(2**53 + 1)),
            )
        ),
    )
    await client.wait(
        await client.update_project(
            project,
            types.UpdateProjectRequest(
                update_mask="name,settings.vmInactivityTimeout",
                name="renamed",
                settings=types.ProjectSettings(vm_inactivity_timeout="60s"),
            ),
        )
    )
    await client.get_project(project)
    await client.list_projects(types.ListProjectsRequest(community_id=community, page_size=1))
    return community, project


async def _shared(client: Client, kind: Kind, resource: str) -> None:
    bindings = [binding async for binding in client.access_bindings(kind, resource)]
    everybody = types.AccessBinding.Subject(id="allAuthenticatedUsers", type="system")
    role = bindings[0].role_id.replace("admin", "viewer")
    viewer = types.AccessBinding(role_id=role, subject=everybody)
    await client.wait(await client.set_access_bindings(kind, resource, [*bindings, viewer]))
    delta = types.AccessBindingDelta(action="REMOVE", access_binding=viewer)
    await client.wait(await client.update_access_bindings(kind, resource, [delta]))
    await client.wait(await client.add_resource(kind, resource, "some-secret", "RESOURCE_TYPE_SECRET"))
    await client.wait(await client.remove_resource(kind, resource, "some-secret", "RESOURCE_TYPE_SECRET"))
    restrictions = [
        types.Restriction(name=meta.name, **_values_of(meta)) for meta in await client.restrictions_meta(kind)
    ]
    await client.wait(await client.set_restrictions(kind, resource, restrictions))
    assert await client.restrictions(kind, resource) == restrictions


def _values_of(meta: types.RestrictionMeta) -> dict[str, Any]:
    return {
        "BOOLEAN": {"bool_value": [True]},
        "LONG": {"long_value": [types.Int64(2**62)]},
        "STRING": {"string_value": ["c1.4", "<&>"]},
    }[meta.value_type]


async def _in_a_project(client: Client, project: str) -> None:
    await client.wait(await client.set_unit_balance(project, 2**40))
    assert await client.get_unit_balance(project) == 2**40
    await client.wait(await client.open_project(project))
    await client.wait(await client.activate_dataset("a-set", project))
    await client.wait(await client.deactivate_dataset("a-set", project))
    await client.wait(await client.activate_docker_image("an-image", project))
    await client.wait(await client.activate_s3("a-bucket", project))
    await client.wait(await client.deactivate_s3("a-bucket", project))


async def _executed(client: Client, emulator: Facts) -> None:
    project = emulator["project_id"]
    notebook = store(emulator, "second-opinion.ipynb", "import os\nx = os.environ['x']\nprint(x)")
    metadata = await client.notebook_metadata(project, notebook)
    request = types.ExecuteRequest(
        notebook_id=notebook, input_variables={"x": {"a": [1, None, "b"]}}, output_variable_names=["x"]
    )
    operation = await client.execute(project, request)
    await client.cancel_operation((await client.execute(project, request)).id)
    await client.wait(operation)
    await client.cell_outputs(project, metadata.cell_ids[0])
    await client.state_variables(project, notebook, ["x"])


async def _id(client: Client, operation: types.Operation) -> str:
    done = await client.wait(operation)
    assert done.metadata is not None
    return str(done.metadata.get("communityId") or done.metadata["projectId"])


@pytest.mark.parametrize(
    "method", [method for method in COMPARED if method.request is not None], ids=lambda method: method.name
)
def test_any_request_means_the_same_to_the_vendor(method: Method) -> None:
    assert method.request is not None
    ids = dict.fromkeys(re.findall(r"{(\w+)}", method.path), "some-id")

    @settings(max_examples=60, deadline=None)
    @given(messages(method.request))
    def check(request: types.Message) -> None:
        assume(sum(bool(getattr(request, name, "")) for name in ONE_OF) <= 1)
        theirs = vendor.request_of(method, json.loads(types.encode(request)), ids)
        _means(theirs, request)

    check()


@pytest.mark.parametrize(
    "method", [method for method in COMPARED if method.response is not types.Operation], ids=lambda m: m.name
)
def test_any_answer_means_the_same_to_the_vendor(method: Method) -> None:
    @settings(max_examples=60, deadline=None)
    @given(messages(method.response))
    def check(answer: types.Message) -> None:
        _means(vendor.answer_of(method, types.encode(answer)), answer)

    check()


def _means(theirs: Any, ours: types.Message) -> None:
    """Written by the vendor and read by us, it is the same message: nothing was lost on the way."""
    names = {field.encode_name for field in msgspec.structs.fields(ours)}
    back = json_format.MessageToDict(theirs, always_print_fields_with_no_presence=True)
    again = types.convert({name: value for name, value in back.items() if name in names}, type(ours))
    assert types.to_builtins(again) == types.to_builtins(ours)
