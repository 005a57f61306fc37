"""Resources and requests of the DataSphere REST API, with the documented limits.

The structs follow the proto3 JSON mapping: lowerCamelCase on the wire, fields at their default omitted,
64-bit integers as strings on the way out and as numbers or strings on the way in. `decode` checks the
limits (lengths, patterns, counts) and raises `msgspec.ValidationError` with the path of the field;
`encode` gives the JSON bytes.

Source of the facts: the public REST reference of DataSphere API v2 (and v1 for notebook metadata), IAM and
Operations; revision 2024-03 for the three methods that later revisions no longer have.
"""

from .access import (
    AccessBinding,
    AccessBindingDelta,
    AccessBindings,
    AccessBindingsRequest,
    SetAccessBindingsRequest,
    UpdateAccessBindingsRequest,
)
from .attached import (
    CommunityResourceRequest,
    DatasetRequest,
    DockerImageRequest,
    ProjectResourceRequest,
    ResourceType,
    S3Request,
)
from .communities import (
    Community,
    CreateCommunityRequest,
    ListCommunitiesRequest,
    ListCommunitiesResponse,
    UpdateCommunityRequest,
)
from .executions import (
    CellOutputs,
    CellOutputsRequest,
    ExecuteRequest,
    ExecutionResponse,
    NotebookMetadata,
    NotebookMetadataRequest,
    StateVariables,
    StateVariablesRequest,
)
from .iam import TokenRequest, TokenResponse
from .operations import Operation, Status
from .projects import (
    CreateProjectRequest,
    ListProjectsRequest,
    ListProjectsResponse,
    OpenProjectResponse,
    Project,
    ProjectLimits,
    ProjectSettings,
    UnitBalance,
    UpdateProjectRequest,
)
from .restrictions import Restriction, RestrictionMeta, Restrictions, RestrictionsMeta
from .specs import DEFAULT_SPEC, SPECS, Spec
from .wire import Int64, Message, T, convert, decode, encode, in_words, to_builtins

__all__ = [
    "DEFAULT_SPEC",
    "SPECS",
    "AccessBinding",
    "AccessBindingDelta",
    "AccessBindings",
    "AccessBindingsRequest",
    "CellOutputs",
    "CellOutputsRequest",
    "Community",
    "CommunityResourceRequest",
    "CreateCommunityRequest",
    "CreateProjectRequest",
    "DatasetRequest",
    "DockerImageRequest",
    "ExecuteRequest",
    "ExecutionResponse",
    "Int64",
    "ListCommunitiesRequest",
    "ListCommunitiesResponse",
    "ListProjectsRequest",
    "ListProjectsResponse",
    "Message",
    "NotebookMetadata",
    "NotebookMetadataRequest",
    "OpenProjectResponse",
    "Operation",
    "Project",
    "ProjectLimits",
    "ProjectResourceRequest",
    "ProjectSettings",
    "ResourceType",
    "Restriction",
    "RestrictionMeta",
    "Restrictions",
    "RestrictionsMeta",
    "S3Request",
    "SetAccessBindingsRequest",
    "Spec",
    "StateVariables",
    "StateVariablesRequest",
    "Status",
    "T",
    "TokenRequest",
    "TokenResponse",
    "UnitBalance",
    "UpdateAccessBindingsRequest",
    "UpdateCommunityRequest",
    "UpdateProjectRequest",
    "convert",
    "decode",
    "encode",
    "in_words",
    "to_builtins",
]
