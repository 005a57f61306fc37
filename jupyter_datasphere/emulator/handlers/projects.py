"""Projects: themselves, their balance, and opening them."""

from __future__ import annotations

import secrets
import shutil
from typing import Any

from ...datasphere import types
from ...datasphere.roles import Level
from ...datasphere.types import Operation
from ..operations import any_of
from .call import Call, Handler

OPENING = "Open project"
"""What the operation of an opening is described as."""


def create(call: Call) -> Operation:
    project = call.services.resources.create_project(call.request, call.subject)
    call.services.access.grant("project", project.id, Level.ADMIN, call.subject)
    call.services.notebooks.make_folder(project.id)
    return _done(call, "Create project", "CreateProject", project.id, project)


def get(call: Call) -> types.Project:
    return call.project()


def list_(call: Call) -> dict[str, Any]:
    visible = call.services.access.visible(call.subject, "project", call.request.community_id)
    return call.services.resources.list_projects(call.request, visible)


def update(call: Call) -> Operation:
    project = call.services.resources.update_project(call.path["projectId"], call.request)
    return _done(call, "Update project", "UpdateProject", project.id, project)


def delete(call: Call) -> Operation:
    project_id = call.path["projectId"]
    services = call.services
    services.resources.delete_project(project_id)
    services.access.forget(project_id)
    services.attached.forget(project_id)
    services.restrictions.forget(project_id)
    services.executions.forget(project_id)
    services.history.forget(project_id)
    services.billing.set_balance(project_id, None)
    shutil.rmtree(services.notebooks.folder(project_id), ignore_errors=True)
    return _done(call, "Delete project", "DeleteProject", project_id)


def open_(call: Call) -> Operation:
    project = call.project()
    token = secrets.token_urlsafe(32)
    call.services.sessions[token] = project.id
    response = types.OpenProjectResponse(
        project_url=f"{call.services.url}/ide/{project.id}", session_token=token
    )
    return _done(call, OPENING, "OpenProject", project.id, response)


def get_unit_balance(call: Call) -> types.UnitBalance:
    return types.UnitBalance(unit_balance=call.services.billing.balance(call.project().id))


def set_unit_balance(call: Call) -> Operation:
    project = call.project()
    call.services.billing.set_balance(project.id, call.request.unit_balance)
    return _done(call, "Set unit balance", "SetUnitBalance", project.id)


def _done(
    call: Call,
    description: str,
    metadata: str,
    project_id: str,
    response: types.Project | types.OpenProjectResponse | None = None,
) -> Operation:
    about = any_of(f"{metadata}Metadata", {"projectId": project_id})
    return call.done(description, project_id, metadata=about, response=response)


HANDLERS: dict[str, Handler] = {
    "project.create": create,
    "project.get": get,
    "project.list": list_,
    "project.update": update,
    "project.delete": delete,
    "project.open": open_,
    "project.openOld": open_,
    "project.getUnitBalance": get_unit_balance,
    "project.setUnitBalance": set_unit_balance,
}
