"""What roles allow in the emulator, and where a call needs one; the facts are in `datasphere.roles`."""

from __future__ import annotations

import msgspec

from ..datasphere import types
from ..datasphere.methods import Kind
from ..datasphere.roles import PREFIXES, Level, Need

_LEVELS = [level for level in Level if level]
GIVEN_IN: dict[Kind, frozenset[str]] = {
    "project": frozenset(f"{PREFIXES['project']}.{level.name.lower()}" for level in _LEVELS),
    "community": frozenset(
        f"{prefix}.{level.name.lower()}" for prefix in PREFIXES.values() for level in _LEVELS
    ),
}
"""The roles that a resource of a kind can give; a community also gives those of all its projects."""


def level_of(role_id: str, kind: Kind) -> Level:
    """What a role allows in resources of a kind: roles of projects allow nothing in the community itself."""
    prefix, _, name = role_id.rpartition(".")
    if kind == "community" and prefix != PREFIXES["community"]:
        return Level.NONE
    return Level[name.upper()]


def resource_in(need: Need, path: dict[str, str], request: types.Message | None) -> str:
    """The ID of the resource in which a call needs its role."""
    if need.where == "path":
        return path[f"{need.kind}Id"]
    assert request is not None
    fields: dict[str, str] = msgspec.structs.asdict(request)
    return fields[f"{need.kind}_id"]
