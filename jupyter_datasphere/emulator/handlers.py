"""What each method does: one function per entry of `datasphere.methods.METHODS`, thin.

A function gets a `Call` and gives the message of the answer. Those of changing methods must not wait: they
run within the transaction that also keeps their idempotency key.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from ..datasphere import types
from ..datasphere.types import Operation
from .billing import Billing
from .executions import Executions
from .history import History
from .identity import Identity
from .notebooks import Notebooks
from .operations import EMPTY, Operations, any_of
from .resources import Resources


class Services(msgspec.Struct, frozen=True):
    """The parts of a running emulator. `url` is its own base URL."""

    url: str
    identity: Identity
    operations: Operations
    resources: Resources
    notebooks: Notebooks
    executions: Executions
    billing: Billing
    history: History
    sessions: dict[str, str]
    """Session tokens of opened projects, each with its project."""


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


class Call(msgspec.Struct, frozen=True):
    """One call: who calls, the IDs in the path, and the request message (None where there is none).

    `pause`: seconds that an execution waits which this call starts.
    """

    services: Services
    subject: str
    path: dict[str, str]
    request: Any
    pause: float


Handler = Callable[[Call], Any]
"""Gives a message, or an awaitable of one."""


def create_community(call: Call) -> Operation:
    community = call.services.resources.create_community(call.request, call.subject)
    return _done(
        call, "Create community", "CreateCommunityMetadata", {"communityId": community.id}, community
    )


def get_community(call: Call) -> types.Community:
    return call.services.resources.community(call.path["communityId"])


def list_communities(call: Call) -> dict[str, Any]:
    return call.services.resources.list_communities(call.request)


def update_community(call: Call) -> Operation:
    community = call.services.resources.update_community(call.path["communityId"], call.request)
    return _done(
        call, "Update community", "UpdateCommunityMetadata", {"communityId": community.id}, community
    )


def delete_community(call: Call) -> Operation:
    community_id = call.path["communityId"]
    call.services.resources.delete_community(community_id)
    return _done(call, "Delete community", "DeleteCommunityMetadata", {"communityId": community_id})


def create_project(call: Call) -> Operation:
    project = call.services.resources.create_project(call.request, call.subject)
    call.services.notebooks.make_folder(project.id)
    return _done(call, "Create project", "CreateProjectMetadata", {"projectId": project.id}, project)


def get_project(call: Call) -> types.Project:
    return call.services.resources.project(call.path["projectId"])


def list_projects(call: Call) -> dict[str, Any]:
    return call.services.resources.list_projects(call.request)


def update_project(call: Call) -> Operation:
    project = call.services.resources.update_project(call.path["projectId"], call.request)
    return _done(call, "Update project", "UpdateProjectMetadata", {"projectId": project.id}, project)


def delete_project(call: Call) -> Operation:
    project_id = call.path["projectId"]
    call.services.resources.delete_project(project_id)
    call.services.executions.forget(project_id)
    call.services.history.forget(project_id)
    call.services.billing.set_balance(project_id, None)
    shutil.rmtree(call.services.notebooks.folder(project_id), ignore_errors=True)
    return _done(call, "Delete project", "DeleteProjectMetadata", {"projectId": project_id})


def open_project(call: Call) -> Operation:
    project = _project(call)
    token = secrets.token_urlsafe(32)
    call.services.sessions[token] = project.id
    response = types.OpenProjectResponse(
        project_url=f"{call.services.url}/ide/{project.id}", session_token=token
    )
    return _done(call, "Open project", "OpenProjectMetadata", {"projectId": project.id}, response)


def get_unit_balance(call: Call) -> types.UnitBalance:
    return types.UnitBalance(unit_balance=call.services.billing.balance(_project(call).id))


def access_bindings(call: Call) -> types.AccessBindings:
    """The emulator has one account, which made every project and may do everything."""
    subject = types.AccessBinding.Subject(id=_project(call).created_by_id, type="userAccount")
    admin = types.AccessBinding(role_id="datasphere.community-projects.admin", subject=subject)
    return types.AccessBindings(access_bindings=[admin])


def set_unit_balance(call: Call) -> Operation:
    project = _project(call)
    call.services.billing.set_balance(project.id, call.request.unit_balance)
    return _done(call, "Set unit balance", "SetUnitBalanceMetadata", {"projectId": project.id})


def execute(call: Call) -> Operation:
    return call.services.executions.start(_project(call), call.request, call.subject, pause=call.pause)


def cell_outputs(call: Call) -> types.CellOutputs:
    return call.services.executions.outputs(_project(call).id, call.request)


async def state_variables(call: Call) -> types.StateVariables:
    return types.StateVariables(await call.services.executions.variables(_project(call).id, call.request))


def notebook_metadata(call: Call) -> types.NotebookMetadata:
    return call.services.notebooks.metadata(_project(call).id, call.request.notebook_path)


def get_operation(call: Call) -> msgspec.Raw:
    return call.services.operations.raw(call.path["operationId"])


def cancel_operation(call: Call) -> msgspec.Raw:
    call.services.operations.raw(call.path["operationId"])  # what is forgotten cannot be cancelled
    call.services.executions.cancel(call.path["operationId"])
    return call.services.operations.raw(call.path["operationId"])


def create_token(call: Call) -> types.TokenResponse:
    return call.services.identity.exchange(call.request)


HANDLERS: dict[str, Handler] = {
    "community.create": create_community,
    "community.get": get_community,
    "community.list": list_communities,
    "community.update": update_community,
    "community.delete": delete_community,
    "project.create": create_project,
    "project.get": get_project,
    "project.list": list_projects,
    "project.update": update_project,
    "project.delete": delete_project,
    "project.open": open_project,
    "project.openOld": open_project,
    "project.getUnitBalance": get_unit_balance,
    "project.setUnitBalance": set_unit_balance,
    "project.accessBindings": access_bindings,
    "project.execute": execute,
    "project.cellOutputs": cell_outputs,
    "project.stateVariables": state_variables,
    "project.notebookMetadata": notebook_metadata,
    "operation.get": get_operation,
    "operation.cancel": cancel_operation,
    "iam.createToken": create_token,
}


def _project(call: Call) -> types.Project:
    """The project of the path. Raises code 5."""
    return call.services.resources.project(call.path["projectId"])


def _done(
    call: Call,
    description: str,
    metadata: str,
    fields: dict[str, str],
    response: types.Community | types.Project | types.OpenProjectResponse | None = None,
) -> Operation:
    """An operation that is done at once."""
    result = EMPTY if response is None else any_of(type(response).__name__, types.to_builtins(response))
    return call.services.operations.create(
        description, call.subject, metadata=any_of(metadata, fields), response=result
    )
