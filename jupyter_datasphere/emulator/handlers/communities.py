"""Communities."""

from __future__ import annotations

from typing import Any

from ...datasphere import types
from ...datasphere.roles import Level
from ...datasphere.types import Operation
from ..operations import any_of
from .call import Call, Handler


def create(call: Call) -> Operation:
    community = call.services.resources.create_community(call.request, call.subject)
    call.services.access.grant("community", community.id, Level.ADMIN, call.subject)
    return _done(call, "Create", community.id, community)


def get(call: Call) -> types.Community:
    return call.services.resources.community(call.path["communityId"])


def list_(call: Call) -> dict[str, Any]:
    visible = call.services.access.visible(call.subject, "community", call.request.organization_id)
    return call.services.resources.list_communities(call.request, visible)


def update(call: Call) -> Operation:
    community = call.services.resources.update_community(call.path["communityId"], call.request)
    return _done(call, "Update", community.id, community)


def delete(call: Call) -> Operation:
    community_id = call.path["communityId"]
    services = call.services
    services.resources.delete_community(community_id)
    services.access.forget(community_id)
    services.attached.forget(community_id)
    services.restrictions.forget(community_id)
    return _done(call, "Delete", community_id)


def _done(call: Call, verb: str, community_id: str, community: types.Community | None = None) -> Operation:
    metadata = any_of(f"{verb}CommunityMetadata", {"communityId": community_id})
    return call.done(f"{verb} community", community_id, metadata=metadata, response=community)


HANDLERS: dict[str, Handler] = {
    "community.create": create,
    "community.get": get,
    "community.list": list_,
    "community.update": update,
    "community.delete": delete,
}
