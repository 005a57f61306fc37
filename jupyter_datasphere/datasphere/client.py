"""The API client: one method per API call, asynchronous, typed."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

import httpx
import msgspec

from ..errors import ExpectedError, ServiceError, UsageError
from . import operations, types
from .methods import METHODS, Method
from .schedule import Pace
from .transport import Transport, read


class Tokens(Protocol):
    """Where the client gets IAM tokens from."""

    async def token(self) -> str:
        """A valid IAM token. Raises `CredentialsError`."""
        ...

    async def renew(self, refused: str) -> bool:
        """The service refused this token: get another one; False where there is none to be had."""
        ...


RENEWALS = 3
"""So often a refused token is renewed for one call: between its tries another one may expire."""


class Client:
    """Calls the DataSphere API with the user's IAM token.

    Every method raises `ServiceError` (what the service answered), `UnavailableError` (no answer) or
    `CredentialsError`; `UsageError` before anything is sent where a documented limit is broken. Changing
    calls carry an idempotency key, a fresh one where none is given, so that they can be retried.
    """

    def __init__(self, transport: Transport, tokens: Tokens, pace: Pace | None = None) -> None:
        self.transport = transport
        self.tokens = tokens
        self._pace = pace
        self._asked = 0

    def paced(self, pace: Pace) -> Client:
        """The same client for questions about one run: each waits for its turn."""
        return Client(self.transport, self.tokens, pace)

    # Communities

    async def create_community(
        self, request: types.CreateCommunityRequest, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Create a community; its ID is in the operation's metadata at once."""
        return await self._call("community.create", types.Operation, request, key=idempotency_key)

    async def get_community(self, community_id: str) -> types.Community:
        return await self._call("community.get", types.Community, communityId=community_id)

    async def list_communities(self, request: types.ListCommunitiesRequest) -> types.ListCommunitiesResponse:
        """One page of communities."""
        return await self._call("community.list", types.ListCommunitiesResponse, request)

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
        return await self._call(
            "community.update", types.Operation, request, key=idempotency_key, communityId=community_id
        )

    async def delete_community(
        self, community_id: str, *, idempotency_key: str | None = None
    ) -> types.Operation:
        return await self._call(
            "community.delete", types.Operation, key=idempotency_key, communityId=community_id
        )

    # Projects

    async def create_project(
        self, request: types.CreateProjectRequest, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Create a project; its ID is in the operation's metadata at once."""
        return await self._call("project.create", types.Operation, request, key=idempotency_key)

    async def get_project(self, project_id: str) -> types.Project:
        return await self._call("project.get", types.Project, projectId=project_id)

    async def list_projects(self, request: types.ListProjectsRequest) -> types.ListProjectsResponse:
        """One page of projects."""
        return await self._call("project.list", types.ListProjectsResponse, request)

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
        return await self._call(
            "project.update", types.Operation, request, key=idempotency_key, projectId=project_id
        )

    async def delete_project(self, project_id: str, *, idempotency_key: str | None = None) -> types.Operation:
        return await self._call("project.delete", types.Operation, key=idempotency_key, projectId=project_id)

    async def open_project(self, project_id: str, *, idempotency_key: str | None = None) -> types.Operation:
        """Open a project; the operation's response holds a URL and a session token (a secret).

        The method is spelled ``/open`` since April 2026 and ``:open`` before; both are tried.
        """
        key = idempotency_key or str(uuid.uuid4())
        try:
            return await self._call("project.open", types.Operation, key=key, projectId=project_id)
        except ServiceError as error:
            if error.code != "no-such-method":
                raise
            return await self._call("project.openOld", types.Operation, key=key, projectId=project_id)

    async def get_unit_balance(self, project_id: str) -> int | None:
        """Units left in the project; None where no balance is set (no limit)."""
        answer = await self._call("project.getUnitBalance", types.UnitBalance, projectId=project_id)
        return None if answer.unit_balance is None else int(answer.unit_balance)

    async def set_unit_balance(
        self, project_id: str, units: int | None, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Set the units left; None takes the limit away."""
        request = types.UnitBalance(None if units is None else types.Int64(units))
        return await self._call(
            "project.setUnitBalance", types.Operation, request, key=idempotency_key, projectId=project_id
        )

    async def access_bindings(
        self, project_id: str, request: types.AccessBindingsRequest
    ) -> types.AccessBindings:
        """One page of who has which role in the project itself, and not by its community."""
        return await self._call("project.accessBindings", types.AccessBindings, request, projectId=project_id)

    # Running code

    async def execute(
        self, project_id: str, request: types.ExecuteRequest, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Start a stored notebook or a stored cell."""
        if bool(request.notebook_id) == bool(request.cell_id):
            raise UsageError("An execution needs exactly one of a notebook and a cell.")
        return await self._call(
            "project.execute", types.Operation, request, key=idempotency_key, projectId=project_id
        )

    async def cell_outputs(
        self, project_id: str, cell_id: str, *, checkpoint_id: str = "", start_at: str = ""
    ) -> list[str]:
        """Outputs of a cell, each the JSON text of an nbformat output (revision 2024-03).

        `start_at` (RFC 3339) leaves out those made before; `checkpoint_id` names an execution that ended.
        """
        request = types.CellOutputsRequest(cell_id=cell_id, checkpoint_id=checkpoint_id, start_at=start_at)
        answer = await self._call("project.cellOutputs", types.CellOutputs, request, projectId=project_id)
        return answer.outputs

    async def state_variables(
        self, project_id: str, notebook_id: str, names: list[str], *, checkpoint_id: str = ""
    ) -> dict[str, Any]:
        """JSON-valued variables of a notebook's interpreter (revision 2024-03)."""
        request = types.StateVariablesRequest(
            notebook_id=notebook_id, variable_names=names, checkpoint_id=checkpoint_id
        )
        answer = await self._call(
            "project.stateVariables", types.StateVariables, request, projectId=project_id
        )
        return answer.variables

    async def notebook_metadata(self, project_id: str, notebook_path: str) -> types.NotebookMetadata:
        """A stored notebook's ID and cells (v1, revision 2024-03)."""
        request = types.NotebookMetadataRequest(notebook_path=notebook_path)
        return await self._call(
            "project.notebookMetadata", types.NotebookMetadata, request, projectId=project_id
        )

    # Operations

    async def get_operation(self, operation_id: str) -> types.Operation:
        return await self._call("operation.get", types.Operation, operationId=operation_id)

    async def cancel_operation(self, operation_id: str) -> types.Operation:
        """Ask for an end; the operation is done when it has really stopped."""
        return await self._call("operation.cancel", types.Operation, operationId=operation_id)

    async def wait(self, operation: types.Operation, *, timeout: float | None = None) -> types.Operation:
        """Wait until an operation is done. Raises `ServiceError` where it failed."""
        return await operations.wait(operation, self.get_operation, timeout=timeout)

    async def _call(
        self,
        name: str,
        answer: type[types.T],
        request: types.Message | None = None,
        *,
        key: str | None = None,
        **ids: str,
    ) -> types.T:
        method = METHODS[name]
        return read(await self.forward(method, ids, request, idempotency_key=key), answer, method)

    async def forward(
        self,
        method: Method,
        ids: Mapping[str, str],
        request: types.Message | None,
        *,
        idempotency_key: str | None = None,
    ) -> httpx.Response:
        """Make any call of the method table and give the successful answer as it came."""
        _check(request)
        key = idempotency_key or (str(uuid.uuid4()) if method.changing else None)
        used, renewals, may_have_arrived = "", 0, False

        async def token() -> str:
            nonlocal used
            used = await self.tokens.token()
            return used

        try:
            while True:
                if self._pace is not None:
                    await self._pace.turn(self._asked)
                    self._asked += 1
                try:
                    return await self.transport.call(method, ids, request, token=token, idempotency_key=key)
                except ServiceError as error:
                    if error.code != "unauthenticated" or renewals == RENEWALS:
                        raise
                    may_have_arrived |= error.may_have_arrived
                    if not await self.tokens.renew(used):
                        raise
                renewals += 1
        except ExpectedError as error:
            error.may_have_arrived |= may_have_arrived
            raise


def _check(request: types.Message | None) -> None:
    """Hold a request against the documented limits before it is sent."""
    if request is None:
        return
    try:
        types.convert(types.to_builtins(request), type(request))
    except msgspec.ValidationError as error:
        raise UsageError(f"The request breaks a limit of the API: {error}.") from error
