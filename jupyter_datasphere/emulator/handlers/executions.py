"""Running code, what is left of it, and operations."""

from __future__ import annotations

import msgspec

from ...datasphere import types
from ...datasphere.roles import Level
from ...datasphere.types import Operation
from ..errors import ApiError, Code
from .call import Call, Handler
from .projects import OPENING


def execute(call: Call) -> Operation:
    return call.services.executions.start(call.project(), call.request, call.subject, pause=call.pause)


def cell_outputs(call: Call) -> types.CellOutputs:
    return call.services.executions.outputs(call.project().id, call.request)


async def state_variables(call: Call) -> types.StateVariables:
    return types.StateVariables(await call.services.executions.variables(call.project().id, call.request))


def notebook_metadata(call: Call) -> types.NotebookMetadata:
    return call.services.notebooks.metadata(call.project().id, call.request.notebook_path)


def get_operation(call: Call) -> msgspec.Raw:
    return call.services.operations.raw(_own(call, Level.VIEWER))


def cancel_operation(call: Call) -> msgspec.Raw:
    operation_id = _own(call, Level.DEVELOPER)  # what is forgotten cannot be cancelled
    call.services.executions.cancel(operation_id)
    return call.services.operations.raw(operation_id)


def _own(call: Call, level: Level) -> str:
    """The operation of the path, which its own account may use, and those with a level in its resource.

    Only its own account sees the end of an opening: it holds a token. Raises codes 5 and 7.
    """
    operation_id = call.path["operationId"]
    services = call.services
    about = services.operations.about(operation_id)
    if about.account != call.subject:
        if about.description == OPENING:
            raise ApiError(Code.PERMISSION_DENIED, f"Operation {operation_id} belongs to {about.account}")
        kind = services.resources.kind(about.resource)
        if kind is None:
            raise ApiError(Code.PERMISSION_DENIED, f"{about.resource} of {operation_id} is deleted")
        services.access.check(call.subject, kind, about.resource, level)
    return operation_id


HANDLERS: dict[str, Handler] = {
    "project.execute": execute,
    "project.cellOutputs": cell_outputs,
    "project.stateVariables": state_variables,
    "project.notebookMetadata": notebook_metadata,
    "operation.get": get_operation,
    "operation.cancel": cancel_operation,
}
