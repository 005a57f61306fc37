"""Calls about who may do what, and about what a project or community is given to use."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from . import types
from .caller import Caller
from .methods import Kind


class Administration(Caller):
    """These calls are the same for communities and projects: `kind` says which one an ID belongs to."""

    # Roles

    async def list_access_bindings(
        self, kind: Kind, resource_id: str, request: types.AccessBindingsRequest
    ) -> types.AccessBindings:
        """One page of who has which role in the resource itself (in a project: not by its community)."""
        return await self.call(
            f"{kind}.listAccessBindings", types.AccessBindings, request, **_named(kind, resource_id)
        )

    async def access_bindings(self, kind: Kind, resource_id: str) -> AsyncIterator[types.AccessBinding]:
        """All of them, page after page."""
        request = types.AccessBindingsRequest(page_size=1000)
        while True:
            page = await self.list_access_bindings(kind, resource_id, request)
            for binding in page.access_bindings:
                yield binding
            if not page.next_page_token:
                return
            request = msgspec.structs.replace(request, page_token=page.next_page_token)

    async def set_access_bindings(
        self,
        kind: Kind,
        resource_id: str,
        bindings: list[types.AccessBinding],
        *,
        idempotency_key: str | None = None,
    ) -> types.Operation:
        """Give these roles and no others: whoever is not among them loses theirs. At most 1000."""
        return await self.call(
            f"{kind}.setAccessBindings",
            types.Operation,
            types.SetAccessBindingsRequest(bindings),
            key=idempotency_key,
            **_named(kind, resource_id),
        )

    async def update_access_bindings(
        self,
        kind: Kind,
        resource_id: str,
        deltas: list[types.AccessBindingDelta],
        *,
        idempotency_key: str | None = None,
    ) -> types.Operation:
        """Give and take single roles, 1 to 1000 at a time; the others stay."""
        return await self.call(
            f"{kind}.updateAccessBindings",
            types.Operation,
            types.UpdateAccessBindingsRequest(deltas),
            key=idempotency_key,
            **_named(kind, resource_id),
        )

    # Resources

    async def add_resource(
        self,
        kind: Kind,
        target_id: str,
        resource_id: str,
        resource_type: types.ResourceType,
        *,
        idempotency_key: str | None = None,
    ) -> types.Operation:
        """Let a community or project use a resource such as a secret or a data set."""
        return await self.call(
            f"{kind}.addResource",
            types.Operation,
            _resource_request(kind, target_id, resource_type),
            key=idempotency_key,
            resourceId=resource_id,
        )

    async def remove_resource(
        self,
        kind: Kind,
        target_id: str,
        resource_id: str,
        resource_type: types.ResourceType,
        *,
        idempotency_key: str | None = None,
    ) -> types.Operation:
        """Let a community or project not use a resource any more."""
        return await self.call(
            f"{kind}.removeResource",
            types.Operation,
            _resource_request(kind, target_id, resource_type),
            key=idempotency_key,
            resourceId=resource_id,
        )

    async def activate_dataset(
        self, dataset_id: str, project_id: str, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Mount a data set in a project."""
        request = types.DatasetRequest(dataset_id=dataset_id, project_id=project_id)
        return await self.call("dataset.activate", types.Operation, request, key=idempotency_key)

    async def deactivate_dataset(
        self, dataset_id: str, project_id: str, *, idempotency_key: str | None = None
    ) -> types.Operation:
        request = types.DatasetRequest(dataset_id=dataset_id, project_id=project_id)
        return await self.call("dataset.deactivate", types.Operation, request, key=idempotency_key)

    async def activate_docker_image(
        self, docker_id: str, project_id: str, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Let a project run in a Docker image."""
        request = types.DockerImageRequest(project_id=project_id, docker_id=docker_id)
        return await self.call("docker.activate", types.Operation, request, key=idempotency_key)

    async def activate_s3(
        self, s3_id: str, project_id: str, *, idempotency_key: str | None = None
    ) -> types.Operation:
        """Mount an S3 connector's bucket in a project."""
        request = types.S3Request(s3_id=s3_id, project_id=project_id)
        return await self.call("s3.activate", types.Operation, request, key=idempotency_key)

    async def deactivate_s3(
        self, s3_id: str, project_id: str, *, idempotency_key: str | None = None
    ) -> types.Operation:
        request = types.S3Request(s3_id=s3_id, project_id=project_id)
        return await self.call("s3.deactivate", types.Operation, request, key=idempotency_key)

    # Restrictions

    async def restrictions_meta(self, kind: Kind) -> list[types.RestrictionMeta]:
        """Which restrictions there are for resources of that kind."""
        answer = await self.call(f"{kind}.getRestrictionsMeta", types.RestrictionsMeta)
        return answer.restrictions_meta

    async def restrictions(self, kind: Kind, resource_id: str) -> list[types.Restriction]:
        answer = await self.call(
            f"{kind}.getRestrictions", types.Restrictions, None, **_named(kind, resource_id)
        )
        return answer.restrictions

    async def set_restrictions(
        self,
        kind: Kind,
        resource_id: str,
        restrictions: list[types.Restriction],
        *,
        idempotency_key: str | None = None,
    ) -> types.Operation:
        """Set restrictions; the operation's response holds those in force."""
        return await self.call(
            f"{kind}.setRestrictions",
            types.Operation,
            types.Restrictions(restrictions),
            key=idempotency_key,
            **_named(kind, resource_id),
        )


def _named(kind: Kind, resource_id: str) -> dict[str, str]:
    return {f"{kind}Id": resource_id}


def _resource_request(
    kind: Kind, target_id: str, resource_type: types.ResourceType
) -> types.ProjectResourceRequest | types.CommunityResourceRequest:
    if kind == "project":
        return types.ProjectResourceRequest(project_id=target_id, resource_type=resource_type)
    return types.CommunityResourceRequest(community_id=target_id, resource_type=resource_type)
