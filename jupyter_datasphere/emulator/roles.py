"""Which role each method needs.

The roles of a resource are levels: each may do what the one below may. As the service's documentation of
its roles says: a viewer looks, a developer runs code, adds resources and creates projects, an editor edits,
deletes and sees the balance, an admin manages access, restrictions and units. A role in a community holds
in all of its projects.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, NamedTuple

import msgspec

from ..datasphere import types
from ..datasphere.methods import Kind


class Level(IntEnum):
    """What a role allows, each what the one before does, too."""

    NONE = 0
    VIEWER = 1
    DEVELOPER = 2
    EDITOR = 3
    ADMIN = 4


PREFIXES: dict[Kind, str] = {
    "community": "datasphere.communities",
    "project": "datasphere.community-projects",
}
_LEVELS = [level for level in Level if level]
GIVEN_IN: dict[Kind, frozenset[str]] = {
    "project": frozenset(f"{PREFIXES['project']}.{level.name.lower()}" for level in _LEVELS),
    "community": frozenset(
        f"{prefix}.{level.name.lower()}" for prefix in PREFIXES.values() for level in _LEVELS
    ),
}
"""The roles that a resource of a kind can give; a community also gives those of all its projects."""


def role_of(kind: Kind, level: Level) -> str:
    return f"{PREFIXES[kind]}.{level.name.lower()}"


def level_of(role_id: str, kind: Kind) -> Level:
    """What a role allows in resources of a kind: roles of projects allow nothing in the community itself."""
    prefix, _, name = role_id.rpartition(".")
    if kind == "community" and prefix != PREFIXES["community"]:
        return Level.NONE
    return Level[name.upper()]


class Need(NamedTuple):
    """A level in the resource whose ID stands in the path or, as `where` says, in the request."""

    kind: Kind
    level: Level
    where: Literal["path", "request"] = "path"


def _both(verb: str, level: Level, where: Literal["path", "request"] = "path") -> dict[str, Need]:
    return {f"{kind}.{verb}": Need(kind, level, where) for kind in PREFIXES}


NEEDS: dict[str, Need] = {
    **_both("get", Level.VIEWER),
    **_both("listAccessBindings", Level.VIEWER),
    **_both("getRestrictions", Level.VIEWER),
    **_both("addResource", Level.DEVELOPER, "request"),
    **_both("removeResource", Level.DEVELOPER, "request"),
    **_both("update", Level.EDITOR),
    **_both("delete", Level.EDITOR),
    **_both("setAccessBindings", Level.ADMIN),
    **_both("updateAccessBindings", Level.ADMIN),
    **_both("setRestrictions", Level.ADMIN),
    "project.create": Need("community", Level.DEVELOPER, "request"),
    "project.cellOutputs": Need("project", Level.VIEWER),
    "project.stateVariables": Need("project", Level.VIEWER),
    "project.notebookMetadata": Need("project", Level.VIEWER),
    "project.open": Need("project", Level.DEVELOPER),
    "project.openOld": Need("project", Level.DEVELOPER),
    "project.execute": Need("project", Level.DEVELOPER),
    "project.getUnitBalance": Need("project", Level.EDITOR),
    "project.setUnitBalance": Need("project", Level.ADMIN),
    "dataset.activate": Need("project", Level.DEVELOPER, "request"),
    "dataset.deactivate": Need("project", Level.DEVELOPER, "request"),
    "docker.activate": Need("project", Level.DEVELOPER, "request"),
    "s3.activate": Need("project", Level.DEVELOPER, "request"),
    "s3.deactivate": Need("project", Level.DEVELOPER, "request"),
}
"""By the name of the method."""

FOR_ALL = frozenset(
    {
        "community.create",
        "community.list",
        "community.getRestrictionsMeta",
        "project.list",
        "project.getRestrictionsMeta",
        "operation.get",
        "operation.cancel",
        "iam.createToken",
    }
)
"""Methods that need no role: lists show what the account may see, operations look at their own resource."""


def resource_in(need: Need, path: dict[str, str], request: types.Message | None) -> str:
    """The ID of the resource in which a call needs its role."""
    if need.where == "path":
        return path[f"{need.kind}Id"]
    assert request is not None
    fields: dict[str, str] = msgspec.structs.asdict(request)
    return fields[f"{need.kind}_id"]
