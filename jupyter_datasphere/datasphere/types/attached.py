"""What a project or community is given to use: secrets, images, data sets, connectors."""

from __future__ import annotations

from typing import Literal

from .limits import RequiredID
from .wire import Message

ResourceType = Literal[
    "RESOURCE_TYPE_SECRET",
    "RESOURCE_TYPE_DOCKER_IMAGE",
    "RESOURCE_TYPE_DATASET",
    "RESOURCE_TYPE_S3",
    "RESOURCE_TYPE_NODE",
    "RESOURCE_TYPE_ALIAS",
]


class ProjectResourceRequest(Message):
    """The project which the resource of the path is added to, or removed from."""

    project_id: RequiredID
    resource_type: ResourceType | Literal["RESOURCE_TYPE_UNSPECIFIED"] = "RESOURCE_TYPE_UNSPECIFIED"


class CommunityResourceRequest(Message):
    """The community which the resource of the path is added to, or removed from."""

    community_id: RequiredID
    resource_type: ResourceType


class DatasetRequest(Message):
    """A data set to activate or deactivate in a project."""

    dataset_id: RequiredID
    project_id: RequiredID


class DockerImageRequest(Message):
    """A Docker image to activate in a project."""

    project_id: RequiredID
    docker_id: RequiredID


class S3Request(Message):
    """An S3 connector to activate or deactivate in a project."""

    s3_id: RequiredID
    project_id: RequiredID
