"""Which role each method needs, as the service's documentation of its roles says.

The roles of a resource are levels: each may do what the one below may. A viewer looks, a developer runs code,
adds resources and creates projects, an editor edits, deletes and sees the balance, an admin manages access,
restrictions and units. A role in a community holds in all of its projects.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, NamedTuple

from .methods import Kind


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


def role_of(kind: Kind, level: Level) -> str:
    """The ID of a role."""
    return f"{PREFIXES[kind]}.{level.name.lower()}"


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

FILES = Need("project", Level.DEVELOPER)
"""What the transfer of files needs, either way."""

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


def remedy(method: str) -> str | None:
    """What to do where a call of this method was refused; None where it needs no role that is known."""
    need = NEEDS.get(method)
    return None if need is None else remedy_for(need)


def remedy_for(need: Need) -> str:
    role = f"The role {role_of(need.kind, need.level)} in the {need.kind}"
    if need.kind == "project":
        role += f", or {role_of('community', need.level)} in its community,"
    shown = ", whom %ds_members shows" if need.level > Level.VIEWER else ""  # that magic needs a role, too
    return f"{role} allows it: ask an administrator{shown}."
