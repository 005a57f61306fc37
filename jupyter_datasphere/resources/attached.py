"""What a community or project is given to use: secrets, images, data sets, connectors."""

from __future__ import annotations

from typing import Literal

from ..errors import UsageError
from ..kernel.steps import Steps
from ..kernel.suggest import did_you_mean
from .calls import PLACES, TIMEOUT, Kind, change, checked_id

ResourceType = Literal["secret", "docker_image", "dataset", "s3", "node", "alias"]
TYPES: tuple[str, ...] = ("secret", "docker_image", "dataset", "s3", "node", "alias")

Sharing = Literal["addResource", "removeResource"]
Mounted = Literal["dataset", "docker", "s3"]
Mounting = Literal["activate", "deactivate"]
_FIELDS: dict[Mounted, str] = {"dataset": "datasetId", "docker": "dockerId", "s3": "s3Id"}


def share(
    kind: Kind,
    target_id: str,
    resource_id: str,
    resource_type: ResourceType,
    verb: Sharing,
    timeout: float = TIMEOUT,
) -> Steps[None]:
    """Let a community or project use a resource, or not any more."""
    if resource_type not in TYPES:
        raise UsageError(
            f"There is no type of resource {resource_type[:40]!r}.",
            hint=did_you_mean(resource_type, TYPES) or f"There are {', '.join(TYPES)}.",
        )
    body = {f"{kind}Id": target_id, "resourceType": f"RESOURCE_TYPE_{resource_type.upper()}"}
    path = f"{PLACES[kind]}/{checked_id(resource_id)}:{verb}"  # the path has the resource's ID
    yield from change("POST", path, body, timeout=timeout)


def mount(
    project_id: str,
    resource_id: str,
    kind: Mounted,
    verb: Mounting,
    timeout: float = TIMEOUT,
) -> Steps[None]:
    """Activate a data set, a Docker image or an S3 connector in a project, or deactivate it."""
    body = {"projectId": project_id, _FIELDS[kind]: checked_id(resource_id)}
    yield from change("POST", f"/api/v2/{kind}/{verb}", body, timeout=timeout)
