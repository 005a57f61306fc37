"""The table of API methods: what is called how. Client, pass-through and emulator read it from here.

`path` is a template whose only parameters are whole IDs; a trailing ``:verb`` belongs to the template.
`host` names the service (each has a base URL of its own, or shares one origin).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from . import types

Host = Literal["datasphere", "operation", "iam"]
Verb = Literal["GET", "POST", "PATCH", "DELETE"]


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One documented method of the API."""

    name: str
    verb: Verb
    path: str
    request: type[types.Message] | None = None
    """The query of a GET or DELETE, the JSON body of a POST or PATCH; None where there is none."""
    response: type[Any]
    host: Host = "datasphere"
    revision: Literal["all", "2024-03"] = "all"
    changing: bool = False
    """True for calls that carry an idempotency key."""


_COMMUNITIES = "/datasphere/v2/communities"
_PROJECTS = "/datasphere/v2/projects"

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            name="community.create",
            verb="POST",
            path=_COMMUNITIES,
            request=types.CreateCommunityRequest,
            response=types.Operation,
            changing=True,
        ),
        Method(
            name="community.get", verb="GET", path=_COMMUNITIES + "/{communityId}", response=types.Community
        ),
        Method(
            name="community.list",
            verb="GET",
            path=_COMMUNITIES,
            request=types.ListCommunitiesRequest,
            response=types.ListCommunitiesResponse,
        ),
        Method(
            name="community.update",
            verb="PATCH",
            path=_COMMUNITIES + "/{communityId}",
            request=types.UpdateCommunityRequest,
            response=types.Operation,
            changing=True,
        ),
        Method(
            name="community.delete",
            verb="DELETE",
            path=_COMMUNITIES + "/{communityId}",
            response=types.Operation,
            changing=True,
        ),
        Method(
            name="project.create",
            verb="POST",
            path=_PROJECTS,
            request=types.CreateProjectRequest,
            response=types.Operation,
            changing=True,
        ),
        Method(name="project.get", verb="GET", path=_PROJECTS + "/{projectId}", response=types.Project),
        Method(
            name="project.list",
            verb="GET",
            path=_PROJECTS,
            request=types.ListProjectsRequest,
            response=types.ListProjectsResponse,
        ),
        Method(
            name="project.update",
            verb="PATCH",
            path=_PROJECTS + "/{projectId}",
            request=types.UpdateProjectRequest,
            response=types.Operation,
            changing=True,
        ),
        Method(
            name="project.delete",
            verb="DELETE",
            path=_PROJECTS + "/{projectId}",
            response=types.Operation,
            changing=True,
        ),
        Method(
            name="project.open",
            verb="POST",
            path=_PROJECTS + "/{projectId}/open",
            response=types.Operation,
            changing=True,
        ),
        Method(  # the spelling before April 2026
            name="project.openOld",
            verb="POST",
            path=_PROJECTS + "/{projectId}:open",
            response=types.Operation,
            changing=True,
        ),
        Method(
            name="project.getUnitBalance",
            verb="GET",
            path=_PROJECTS + "/{projectId}:unitBalance",
            response=types.UnitBalance,
        ),
        Method(
            name="project.setUnitBalance",
            verb="POST",
            path=_PROJECTS + "/{projectId}:unitBalance",
            request=types.UnitBalance,
            response=types.Operation,
            changing=True,
        ),
        Method(
            name="project.accessBindings",
            verb="GET",
            path=_PROJECTS + "/{projectId}:accessBindings",
            request=types.AccessBindingsRequest,
            response=types.AccessBindings,
        ),
        Method(
            name="project.execute",
            verb="POST",
            path=_PROJECTS + "/{projectId}:execute",
            request=types.ExecuteRequest,
            response=types.Operation,
            changing=True,
        ),
        Method(
            name="project.cellOutputs",
            verb="GET",
            path=_PROJECTS + "/{projectId}:cellOutputs",
            request=types.CellOutputsRequest,
            response=types.CellOutputs,
            revision="2024-03",
        ),
        Method(
            name="project.stateVariables",
            verb="GET",
            path=_PROJECTS + "/{projectId}:stateVariables",
            request=types.StateVariablesRequest,
            response=types.StateVariables,
            revision="2024-03",
        ),
        Method(
            name="project.notebookMetadata",
            verb="GET",
            path="/datasphere/v1/projects/{projectId}:notebookMetadata",
            request=types.NotebookMetadataRequest,
            response=types.NotebookMetadata,
            revision="2024-03",
        ),
        Method(
            name="operation.get",
            verb="GET",
            path="/operations/{operationId}",
            response=types.Operation,
            host="operation",
        ),
        Method(
            name="operation.cancel",
            verb="GET",
            path="/operations/{operationId}:cancel",
            response=types.Operation,
            host="operation",
        ),
        Method(
            name="iam.createToken",
            verb="POST",
            path="/iam/v1/tokens",
            request=types.TokenRequest,
            response=types.TokenResponse,
            host="iam",
        ),
    )
}
