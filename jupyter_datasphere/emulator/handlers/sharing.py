"""What communities and projects have in common: roles, resources they may use, restrictions."""

from __future__ import annotations

from functools import partial

from ...datasphere import types
from ...datasphere.methods import Kind
from ...datasphere.types import Operation
from ..operations import any_of
from .call import Call, Handler


def list_access_bindings(kind: Kind, call: Call) -> types.AccessBindings:
    return call.services.access.bindings(_id(kind, call), call.request)


def set_access_bindings(kind: Kind, call: Call) -> Operation:
    resource_id = _id(kind, call)
    call.services.access.set(kind, resource_id, call.request.access_bindings)
    return _access_done(kind, "Set", call, resource_id)


def update_access_bindings(kind: Kind, call: Call) -> Operation:
    resource_id = _id(kind, call)
    call.services.access.update(kind, resource_id, call.request.access_binding_deltas)
    return _access_done(kind, "Update", call, resource_id)


def add_resource(kind: Kind, call: Call) -> Operation:
    target = _target(kind, call)
    call.services.attached.add(target, call.path["resourceId"], call.request.resource_type)
    return call.done("Add resource", target)


def remove_resource(kind: Kind, call: Call) -> Operation:
    target = _target(kind, call)
    call.services.attached.remove(target, call.path["resourceId"])
    return call.done("Remove resource", target)


def get_restrictions_meta(call: Call) -> types.RestrictionsMeta:
    return call.services.restrictions.meta()


def get_restrictions(kind: Kind, call: Call) -> types.Restrictions:
    return call.services.restrictions.of(_id(kind, call))


def set_restrictions(kind: Kind, call: Call) -> Operation:
    resource_id = _id(kind, call)
    call.services.restrictions.set(resource_id, call.request)
    return call.done("Set restrictions", resource_id, response=call.request, named="RestrictionsResponse")


def activate(kind: str, field: str, call: Call) -> Operation:
    project = call.services.resources.project(call.request.project_id).id
    call.services.attached.activate(project, kind, getattr(call.request, field))
    return call.done(f"Activate {kind}", project)


def deactivate(kind: str, field: str, call: Call) -> Operation:
    project = call.services.resources.project(call.request.project_id).id
    call.services.attached.deactivate(project, kind, getattr(call.request, field))
    return call.done(f"Deactivate {kind}", project)


def _id(kind: Kind, call: Call) -> str:
    return call.path[f"{kind}Id"]


def _target(kind: Kind, call: Call) -> str:
    """The community or project that the body names."""
    return str(call.request.project_id if kind == "project" else call.request.community_id)


def _access_done(kind: Kind, verb: str, call: Call, resource_id: str) -> Operation:
    metadata = any_of(f"{verb}{kind.capitalize()}AccessBindingsMetadata", {f"{kind}Id": resource_id})
    return call.done(f"{verb} access bindings of a {kind}", resource_id, metadata=metadata)


def _of(kind: Kind) -> dict[str, Handler]:
    return {
        f"{kind}.listAccessBindings": partial(list_access_bindings, kind),
        f"{kind}.setAccessBindings": partial(set_access_bindings, kind),
        f"{kind}.updateAccessBindings": partial(update_access_bindings, kind),
        f"{kind}.addResource": partial(add_resource, kind),
        f"{kind}.removeResource": partial(remove_resource, kind),
        f"{kind}.getRestrictionsMeta": get_restrictions_meta,
        f"{kind}.getRestrictions": partial(get_restrictions, kind),
        f"{kind}.setRestrictions": partial(set_restrictions, kind),
    }


HANDLERS: dict[str, Handler] = {
    **_of("community"),
    **_of("project"),
    "dataset.activate": partial(activate, "dataset", "dataset_id"),
    "dataset.deactivate": partial(deactivate, "dataset", "dataset_id"),
    "docker.activate": partial(activate, "docker", "docker_id"),
    "s3.activate": partial(activate, "s3", "s3_id"),
    "s3.deactivate": partial(deactivate, "s3", "s3_id"),
}
