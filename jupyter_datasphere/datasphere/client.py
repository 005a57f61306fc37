"""The API client: one method per API call, asynchronous, typed."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from ..errors import ServiceError, UsageError
from . import operations, types
from .administration import Administration


class Client(Administration):
    """Calls the DataSphere API with the user's IAM token.

    Every method raises `ServiceError` (what the service answered), `UnavailableError` (no answer) or
    `CredentialsError`; `UsageError` before anything is sent where a documented limit is broken. Changing
    calls carry an idempotency key, a fresh one where none is given, so that they can be retried.
    """

    # Communities

    async def create_community(
        self, request: types.CreateCommunityRequest, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Create a community; its ID is in the operation's metadata at once."""
        return await self.call("community.create", types.Operation, request, key=idempotency_key)

    async def get_community(self, community_id: str) -> types.Community:
        return await self.call("community.get", types.Community, communityId=community_id)

    async def list_communities(self, request: types.ListCommunitiesRequest) -> types.ListCommunitiesResponse:
        """One page of communities."""
        return await self.call("community.list", types.ListCommunitiesResponse, request)

    async def communities(self, request: types.ListCommunitiesRequest) -> AsyncIterator[types.Community]:
        """All communities of an organization, page after page."""
        while True:
            page = await self.list_communities(request)
            for community in page.communities:
                yield community
            if not page.next_page_token:
                return
            request = msgspec.structs.replace(request, page_token=page.next_page_token)

    async def update_community(
        self,
        community_id: str,
        request: types.UpdateCommunityRequest,
        *,
        idempotency_key: str | None = None,
    ) -> types.Operation:
        """Write the fields named in `update_mask`; without a mask every field, omitted ones reset."""
        return await self.call(
            "community.update", types.Operation, request, key=idempotency_key, communityId=community_id
        )

    async def delete_community(
        self, community_id: str, *, idempotency_key: str | None = None
    ) -> types.Operation:
        return await self.call(
            "community.delete", types.Operation, key=idempotency_key, communityId=community_id
        )

    # Projects

    async def create_project(
        self, request: types.CreateProjectRequest, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Create a project; its ID is in the operation's metadata at once."""
        return await self.call("project.create", types.Operation, request, key=idempotency_key)

    async def get_project(self, project_id: str) -> types.Project:
        return await self.call("project.get", types.Project, projectId=project_id)

    async def list_projects(self, request: types.ListProjectsRequest) -> types.ListProjectsResponse:
        """One page of projects."""
        return await self.call("project.list", types.ListProjectsResponse, request)

    async def projects(self, request: types.ListProjectsRequest) -> AsyncIterator[types.Project]:
        """All projects of a community, page after page."""
        while True:
            page = await self.list_projects(request)
            for project in page.projects:
                yield project
            if not page.next_page_token:
                return
            request = msgspec.structs.replace(request, page_token=page.next_page_token)

    async def update_project(
        self, project_id: str, request: types.UpdateProjectRequest, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Write the fields named in `update_mask`; without a mask every field, omitted ones reset."""
        return await self.call(
            "project.update", types.Operation, request, key=idempotency_key, projectId=project_id
        )

    async def delete_project(self, project_id: str, *, idempotency_key: str | None = None) -> types.Operation:
        return await self.call("project.delete", types.Operation, key=idempotency_key, projectId=project_id)

    async def open_project(self, project_id: str, *, idempotency_key: str | None = None) -> types.Operation:
        """Open a project; the operation's response holds a URL and a session token (a secret).

        The method is spelled ``/open`` since April 2026 and ``:open`` before; both are tried.
        """
        key = idempotency_key or str(uuid.uuid4())
        try:
            return await self.call("project.open", types.Operation, key=key, projectId=project_id)
        except ServiceError as error:
            if error.code != "no-such-method":
                raise
            return await self.call("project.openOld", types.Operation, key=key, projectId=project_id)

    async def get_unit_balance(self, project_id: str) -> int | None:
        """Units left in the project; None where no balance is set (no limit)."""
        answer = await self.call("project.getUnitBalance", types.UnitBalance, projectId=project_id)
        return None if answer.unit_balance is None else int(answer.unit_balance)

    async def set_unit_balance(
        self, project_id: str, units: int | None, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Set the units left; None takes the limit away."""
        request = types.UnitBalance(None if units is None else types.Int64(units))
        return await self.call(
            "project.setUnitBalance", types.Operation, request, key=idempotency_key, projectId=project_id
        )

    # Running code

    async def execute(
        self, project_id: str, request: types.ExecuteRequest, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Start a stored notebook or a stored cell."""
        if bool(request.notebook_id) == bool(request.cell_id):
            raise UsageError("An execution needs exactly one of a notebook and a cell.")
        return await self.call(
            "project.execute", types.Operation, request, key=idempotency_key, projectId=project_id
        )

    async def cell_outputs(
        self, project_id: str, cell_id: str, *, checkpoint_id: str = "", start_at: str = ""
    ) -> list[str]:
        """Outputs of a cell, each the JSON text of an nbformat output (revision 2024-03).

        `start_at` (RFC 3339) leaves out those made before; `checkpoint_id` names an execution that ended.
        """
        request = types.CellOutputsRequest(cell_id=cell_id, checkpoint_id=checkpoint_id, start_at=start_at)
        answer = await self.call("project.cellOutputs", types.CellOutputs, request, projectId=project_id)
        return answer.outputs

    async def state_variables(
        self, project_id: str, notebook_id: str, names: list[str], *, checkpoint_id: str = ""
    ) -> dict[str, Any]:
        """JSON-valued variables of a notebook's interpreter (revision 2024-03)."""
        request = types.StateVariablesRequest(
            notebook_id=notebook_id, variable_names=names, checkpoint_id=checkpoint_id
        )
        answer = await self.call(
            "project.stateVariables", types.StateVariables, request, projectId=project_id
        )
        return answer.variables

    async def notebook_metadata(self, project_id: str, notebook_path: str) -> types.NotebookMetadata:
        """A stored notebook's ID and cells (v1, revision 2024-03)."""
        request = types.NotebookMetadataRequest(notebook_path=notebook_path)
        return await self.call(
            "project.notebookMetadata", types.NotebookMetadata, request, projectId=project_id
        )

    # Operations

    async def get_operation(self, operation_id: str) -> types.Operation:
        return await self.call("operation.get", types.Operation, operationId=operation_id)

    async def cancel_operation(self, operation_id: str) -> types.Operation:
        """Ask for an end; the operation is done when it has really stopped."""
        return await self.call("operation.cancel", types.Operation, operationId=operation_id)

    async def wait(self, operation: types.Operation, *, timeout: float | None = None) -> types.Operation:
        """Wait until an operation is done. Raises `ServiceError` where it failed."""
        return await operations.wait(operation, self.get_operation, timeout=timeout)
