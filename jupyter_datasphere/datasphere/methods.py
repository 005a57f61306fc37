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
Kind = Literal["community", "project"]
"""What has members, resources and restrictions."""
Revision = Literal["all", "2024-03"]


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One documented method of the API."""

    name: str
    verb: Verb
    path: str
    request: type[types.Message] | None = None
    """The query of a GET or DELETE, the JSON body of a POST or PATCH; None where there is none."""
    response: type[Any]
    host: Host = "datasphere"
    revision: Revision = "all"

    @property
    def changing(self) -> bool:
        """Whether a call carries an idempotency key."""
        return self.host == "datasphere" and self.response is types.Operation


def _get(
    name: str,
    path: str,
    response: type[Any],
    request: type[types.Message] | None = None,
    *,
    host: Host = "datasphere",
    revision: Revision = "all",
) -> Method:
    return Method(
        name=name, verb="GET", path=path, request=request, response=response, host=host, revision=revision
    )


def _change(
    name: str, path: str, request: type[types.Message] | None = None, *, verb: Verb = "POST"
) -> Method:
    return Method(name=name, verb=verb, path=path, request=request, response=types.Operation)


def _shared(kind: Kind, base: str, resource_request: type[types.Message]) -> tuple[Method, ...]:
    """What communities and projects have in common."""
    one = f"{base}/{{{kind}Id}}"
    resource = f"{base}/{{resourceId}}"
    return (
        _get(
            f"{kind}.listAccessBindings",
            f"{one}:accessBindings",
            types.AccessBindings,
            types.AccessBindingsRequest,
        ),
        _change(f"{kind}.setAccessBindings", f"{one}:setAccessBindings", types.SetAccessBindingsRequest),
        _change(
            f"{kind}.updateAccessBindings",
            f"{one}:updateAccessBindings",
            types.UpdateAccessBindingsRequest,
            verb="PATCH",
        ),
        _change(f"{kind}.addResource", f"{resource}:addResource", resource_request),
        _change(f"{kind}.removeResource", f"{resource}:removeResource", resource_request),
        _get(f"{kind}.getRestrictions", f"{one}:restrictions", types.Restrictions),
        _change(f"{kind}.setRestrictions", f"{one}:setRestrictions", types.Restrictions),
    )


_COMMUNITIES = "/datasphere/v2/communities"
_COMMUNITY = _COMMUNITIES + "/{communityId}"
_PROJECTS = "/datasphere/v2/projects"
_PROJECT = _PROJECTS + "/{projectId}"

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        # Before what has an ID in that place: the first path that fits is taken.
        _get("community.getRestrictionsMeta", f"{_COMMUNITIES}/restrictionsMeta", types.RestrictionsMeta),
        _change("community.create", _COMMUNITIES, types.CreateCommunityRequest),
        _get("community.get", _COMMUNITY, types.Community),
        _get("community.list", _COMMUNITIES, types.ListCommunitiesResponse, types.ListCommunitiesRequest),
        _change("community.update", _COMMUNITY, types.UpdateCommunityRequest, verb="PATCH"),
        _change("community.delete", _COMMUNITY, verb="DELETE"),
        *_shared("community", _COMMUNITIES, types.CommunityResourceRequest),
        _get("project.getRestrictionsMeta", f"{_PROJECTS}/restrictionsMeta", types.RestrictionsMeta),
        _change("project.create", _PROJECTS, types.CreateProjectRequest),
        _get("project.get", _PROJECT, types.Project),
        _get("project.list", _PROJECTS, types.ListProjectsResponse, types.ListProjectsRequest),
        _change("project.update", _PROJECT, types.UpdateProjectRequest, verb="PATCH"),
        _change("project.delete", _PROJECT, verb="DELETE"),
        _change("project.open", f"{_PROJECT}/open"),
        _change("project.openOld", f"{_PROJECT}:open"),  # the spelling before April 2026
        _get("project.getUnitBalance", f"{_PROJECT}:unitBalance", types.UnitBalance),
        _change("project.setUnitBalance", f"{_PROJECT}:unitBalance", types.UnitBalance),
        *_shared("project", _PROJECTS, types.ProjectResourceRequest),
        _change("project.execute", f"{_PROJECT}:execute", types.ExecuteRequest),
        _get(
            "project.cellOutputs",
            f"{_PROJECT}:cellOutputs",
            types.CellOutputs,
            types.CellOutputsRequest,
            revision="2024-03",
        ),
        _get(
            "project.stateVariables",
            f"{_PROJECT}:stateVariables",
            types.StateVariables,
            types.StateVariablesRequest,
            revision="2024-03",
        ),
        _get(
            "project.notebookMetadata",
            "/datasphere/v1/projects/{projectId}:notebookMetadata",
            types.NotebookMetadata,
            types.NotebookMetadataRequest,
            revision="2024-03",
        ),
        _change("dataset.activate", "/datasphere/v2/dataset/activate", types.DatasetRequest),
        _change("dataset.deactivate", "/datasphere/v2/dataset/deactivate", types.DatasetRequest),
        _change("docker.activate", "/datasphere/v2/docker/activate", types.DockerImageRequest),
        _change("s3.activate", "/datasphere/v2/s3/activate", types.S3Request),
        _change("s3.deactivate", "/datasphere/v2/s3/deactivate", types.S3Request),
        _get("operation.get", "/operations/{operationId}", types.Operation, host="operation"),
        _get("operation.cancel", "/operations/{operationId}:cancel", types.Operation, host="operation"),
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
