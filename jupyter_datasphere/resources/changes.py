"""Creating, changing and deleting communities and projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import ServiceError, UsageError
from ..kernel.steps import Steps
from ..kernel.suggest import did_you_mean
from ..protocol import ServerStatus
from .calls import PLACES, TIMEOUT, Kind, Operation, change, get, path_of
from .data import CommunityData, ProjectData, ProjectLimits, ProjectSettings
from .listing import community_by_id, community_id, project_by_id

PLURALS: dict[Kind, str] = {"community": "communities", "project": "projects"}


def create_community(
    name: str,
    *,
    zone: str,
    description: str = "",
    labels: Mapping[str, str] | None = None,
    billing_account: str = "",
    organization: str | None = None,
    timeout: float = TIMEOUT,
) -> Steps[CommunityData]:
    """`zone` and `billing_account` are IDs; so is `organization`, by default that of the server."""
    if organization is None:
        status: ServerStatus = yield from get("/status", ServerStatus, {"check": "false"})
        organization = status.organization
    if not organization:
        raise UsageError(
            "The organization in which to create the community is not known.",
            code="no-organization",
            hint="Name its ID, or start the server with JUPYTER_DATASPHERE_ORGANIZATION.",
        )
    body = _given(
        organizationId=organization,
        zoneId=zone,
        name=name,
        description=description,
        labels=dict(labels or {}),
        billingAccountId=billing_account,
    )
    operation = yield from change("POST", PLACES["community"], body, timeout=timeout)
    data = yield from community_by_id(_made(operation, "community"))
    return data


def create_project(
    name: str,
    community: str | None,
    *,
    description: str = "",
    labels: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    limits: Mapping[str, int | None] | None = None,
    timeout: float = TIMEOUT,
) -> Steps[ProjectData]:
    """`community`: a name or an ID; None: the server's own, where it has one."""
    parts = {
        "settings": _fields(settings or {}, ProjectSettings, "setting"),
        "limits": _fields(limits or {}, ProjectLimits, "limit"),
    }
    parent = yield from community_id(community)
    body = _given(communityId=parent, name=name, description=description, labels=dict(labels or {}), **parts)
    operation = yield from change("POST", PLACES["project"], body, timeout=timeout)
    data = yield from project_by_id(_made(operation, "project"))
    return data


def update(
    kind: Kind,
    resource_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    labels: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    limits: Mapping[str, int | None] | None = None,
    timeout: float = TIMEOUT,
) -> Steps[None]:
    """Write what is given, and nothing else. Raises `UsageError` where that is nothing."""
    body: dict[str, Any] = {}
    mask: list[str] = []
    for field, value in (("name", name), ("description", description), ("labels", labels)):
        if value is not None:
            mask.append(field)
            body[field] = dict(value) if isinstance(value, Mapping) else value
    for field, values, target, word in (
        ("settings", settings, ProjectSettings, "setting"),
        ("limits", limits, ProjectLimits, "limit"),
    ):
        if values:
            wanted = _fields(values, target, word)
            mask += [f"{field}.{part}" for part in wanted]
            body[field] = {part: value for part, value in wanted.items() if value is not None}
    if not mask:
        raise UsageError(f"Nothing of the {kind} is to be changed.")
    body["updateMask"] = ",".join(mask)
    yield from change("PATCH", path_of(kind, resource_id), body, timeout=timeout)


def delete(kind: Kind, resource_id: str, timeout: float = TIMEOUT) -> Steps[None]:
    yield from change("DELETE", path_of(kind, resource_id), timeout=timeout)


def _fields(values: Mapping[str, Any], target: type[msgspec.Struct], word: str) -> dict[str, Any]:
    """Values by the names that the service has for them; None (an unset one) stays."""
    names = {field.name: field.encode_name for field in msgspec.structs.fields(target)}
    for name in values:
        if name not in names:
            raise UsageError(
                f"There is no {word} {name[:40]!r}.",
                hint=did_you_mean(name, names) or f"There are {', '.join(names)}.",
            )
    encoded = {names[name]: value for name, value in values.items()}
    try:
        msgspec.convert({name: value for name, value in encoded.items() if value is not None}, target)
    except msgspec.ValidationError as error:
        raise UsageError(f"A {word} does not fit: {error}.") from None
    return encoded


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _made(operation: Operation, kind: Kind) -> str:
    """The ID of what a call has created, which its operation knows at once."""
    resource_id = operation.metadata.get(f"{kind}Id")
    if not isinstance(resource_id, str):
        raise ServiceError(
            f"Operation {operation.id} does not say which {kind} it created.",
            code="bad-answer",
            hint=f"List the {PLURALS[kind]}: it is among them.",
        )
    return resource_id
