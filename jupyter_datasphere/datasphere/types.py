"""Resources and requests of the DataSphere REST API, with the documented limits.

The structs follow the proto3 JSON mapping: lowerCamelCase on the wire, fields at their default omitted,
64-bit integers as strings on the way out and as numbers or strings on the way in. `decode` checks the
limits (lengths, patterns, counts) and raises `msgspec.ValidationError` with the path of the field;
`encode` gives the JSON bytes.

Source of the facts: the public REST reference of DataSphere API v2 (and v1 for notebook metadata), IAM and
Operations; revision 2024-03 for the three methods that later revisions no longer have.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, field

__all__ = [
    "DEFAULT_SPEC",
    "SPECS",
    "AccessBinding",
    "AccessBindings",
    "AccessBindingsRequest",
    "CellOutputs",
    "Community",
    "CreateCommunityRequest",
    "CreateProjectRequest",
    "ExecuteRequest",
    "ExecutionResponse",
    "Int64",
    "ListCommunitiesRequest",
    "ListCommunitiesResponse",
    "ListProjectsRequest",
    "ListProjectsResponse",
    "NotebookMetadata",
    "OpenProjectResponse",
    "Operation",
    "Project",
    "ProjectLimits",
    "ProjectSettings",
    "Spec",
    "StateVariables",
    "Status",
    "TokenRequest",
    "TokenResponse",
    "UnitBalance",
    "UpdateCommunityRequest",
    "UpdateProjectRequest",
    "decode",
    "encode",
]

T = TypeVar("T")


class Int64(int):
    """A 64-bit integer, which the proto3 JSON mapping writes as a string."""

    __slots__ = ()


ID = Annotated[str, Meta(max_length=50)]
RequiredID = Annotated[str, Meta(min_length=1, max_length=50)]
PageSize = Annotated[int, Meta(ge=0, le=1000)]
PageToken = Annotated[str, Meta(max_length=100)]
NotebookId = Annotated[str, Meta(max_length=200)]
CellId = Annotated[str, Meta(max_length=200)]
ProjectName = Annotated[str, Meta(max_length=63, pattern=r"^([a-z]([-a-z0-9]{0,61}[a-z0-9])?)?$(?!\n)")]
_LETTER = r"[a-zA-Z0-9ЁёА-я]"  # noqa: RUF001 - Cyrillic is allowed
CommunityName = Annotated[str, Meta(max_length=63, pattern=rf"^({_LETTER}\S{{1,61}}{_LETTER})?$(?!\n)")]
Description = Annotated[str, Meta(max_length=256)]
LabelKey = Annotated[str, Meta(min_length=1, max_length=63, pattern=r"^[a-z][-_0-9a-z]*$(?!\n)")]
LabelValue = Annotated[str, Meta(max_length=63, pattern=r"^[-_0-9a-z]*$(?!\n)")]
Labels = Annotated[dict[LabelKey, LabelValue], Meta(max_length=64)]
StaleExecTimeoutMode = Literal["STALE_EXEC_TIMEOUT_MODE_UNSPECIFIED", "ONE_HOUR", "THREE_HOURS", "NO_TIMEOUT"]
Duration = Annotated[str, Meta(pattern=r"^-?\d+(\.\d{1,9})?s$(?!\n)")]
"""A proto3 JSON duration such as ``"1800s"``."""
Timestamp = str
"""RFC 3339 with 0 to 9 fractional digits, UTC."""


class Message(msgspec.Struct, rename="camel", omit_defaults=True):
    """Base of all messages: camelCase on the wire, defaults omitted."""


# Resources


class Community(Message):
    """A community: the group of projects that share members and billing."""

    id: str
    created_at: Timestamp = ""
    name: str = ""
    description: str = ""
    labels: dict[str, str] = {}
    created_by_id: str = ""
    organization_id: str = ""
    zone_id: str = ""


class ProjectSettings(Message):
    """Settings of a project; `vm_inactivity_timeout` is a duration such as ``"1800s"``."""

    service_account_id: ID = ""
    subnet_id: ID = ""
    data_proc_cluster_id: ID = ""
    security_group_ids: list[str] = []
    early_access: bool = False
    ide: Literal["IDE_UNSPECIFIED", "JUPYTER_LAB"] = "IDE_UNSPECIFIED"
    default_folder_id: ID = ""
    stale_exec_timeout_mode: StaleExecTimeoutMode = "STALE_EXEC_TIMEOUT_MODE_UNSPECIFIED"
    vm_inactivity_timeout: Duration | None = None
    default_dedicated_spec: str = ""


class ProjectLimits(Message):
    """Units that a project may spend; an unset limit means none."""

    max_units_per_hour: Int64 | None = None
    max_units_per_execution: Int64 | None = None


class Project(Message):
    """A project: storage, notebooks and the machine that runs them."""

    id: str
    created_at: Timestamp = ""
    name: str = ""
    description: str = ""
    labels: dict[str, str] = {}
    created_by_id: str = ""
    settings: ProjectSettings | None = None
    limits: ProjectLimits | None = None
    community_id: str = ""


class Status(Message):
    """The body of every error answer (google.rpc.Status); `code` is the gRPC number."""

    code: int = 0
    message: str = ""
    details: list[dict[str, Any]] = []


class Operation(Message):
    """A long-running operation. `error` may be set while `done` is still false (rollback)."""

    id: str
    description: str = ""
    created_at: Timestamp = ""
    created_by: str = ""
    modified_at: Timestamp = ""
    done: bool = False
    metadata: dict[str, Any] | None = None
    error: Status | None = None
    response: dict[str, Any] | None = None


class AccessBinding(Message):
    """A role given to a subject."""

    class Subject(Message):
        """Who has the role: `type` is userAccount, serviceAccount, federatedUser or system."""

        id: Annotated[str, Meta(min_length=1, max_length=100)]
        type: Annotated[str, Meta(min_length=1, max_length=100)]

    role_id: Annotated[str, Meta(min_length=1, max_length=64)]
    subject: Subject


class AccessBindingsRequest(Message):
    """`page_size` 0 means the service's default (100)."""

    page_size: PageSize = 0
    page_token: PageToken = ""


class AccessBindings(Message):
    """One page of the roles that a resource gives."""

    access_bindings: list[AccessBinding] = []
    next_page_token: str = ""


# Communities


class CreateCommunityRequest(Message):
    """`zone_id` is required since June 2024; revision 2024-03 takes the organization alone."""

    organization_id: RequiredID
    zone_id: ID = ""
    name: CommunityName = ""
    description: Description = ""
    billing_account_id: ID = ""
    labels: Labels = {}


class UpdateCommunityRequest(Message):
    """`update_mask` is a comma-separated list of camelCase paths; without it every field is written."""

    update_mask: str = ""
    name: CommunityName = ""
    description: Description = ""
    labels: Labels = {}


class ListCommunitiesRequest(Message):
    """`page_size` 0 means the service's default (100)."""

    organization_id: RequiredID
    page_size: PageSize = 0
    page_token: PageToken = ""
    name_or_description_pattern: str = ""
    owned_by_id: ID = ""
    list_public: bool = False


class ListCommunitiesResponse(Message):
    communities: list[Community] = []
    next_page_token: str = ""


# Projects


class CreateProjectRequest(Message):
    community_id: RequiredID
    name: ProjectName = ""
    description: Description = ""
    labels: Labels = {}
    settings: ProjectSettings | None = None
    limits: ProjectLimits | None = None


class UpdateProjectRequest(Message):
    """`update_mask` is a comma-separated list of camelCase paths; without it every field is written."""

    update_mask: str = ""
    name: ProjectName = ""
    description: Description = ""
    labels: Labels = {}
    settings: ProjectSettings | None = None
    limits: ProjectLimits | None = None


class ListProjectsRequest(Message):
    """`page_size` 0 means the service's default (100)."""

    community_id: RequiredID
    page_size: PageSize = 0
    page_token: PageToken = ""
    project_name_pattern: str = ""
    owned_by_id: ID = ""


class ListProjectsResponse(Message):
    projects: list[Project] = []
    next_page_token: str = ""


class OpenProjectResponse(Message):
    """`session_token` opens the project's web page: it is a secret."""

    project_url: str = ""
    session_token: str = ""


class UnitBalance(Message):
    """Units left; an unset balance means no limit."""

    unit_balance: Int64 | None = None


# Executions


class ExecuteRequest(Message):
    """Exactly one of `notebook_id` and `cell_id`; `input_variables` become environment variables there."""

    notebook_id: NotebookId = ""
    cell_id: CellId = ""
    input_variables: dict[str, Any] = {}
    output_variable_names: list[str] = []
    spec: str = ""
    spark_connector_id: NotebookId = ""


class ExecutionResponse(Message):
    """What the operation of an execution ends with; the last two fields in revision 2024-03 only."""

    execution_status: Literal["EXECUTION_STATUS_UNSPECIFIED", "OK", "ERROR", "ABORTED"] = (
        "EXECUTION_STATUS_UNSPECIFIED"
    )
    checkpoint_id: str = ""
    output_variables: dict[str, Any] = {}


class CellOutputsRequest(Message):
    cell_id: Annotated[str, Meta(min_length=1, max_length=200)]
    checkpoint_id: str = ""
    start_at: Timestamp = ""


class CellOutputs(Message):
    """Each element is the JSON text of one nbformat output (assumed: the format is undocumented)."""

    outputs: list[str] = []


class StateVariablesRequest(Message):
    notebook_id: Annotated[str, Meta(min_length=1, max_length=200)]
    variable_names: list[str] = []
    checkpoint_id: str = ""


class StateVariables(Message):
    variables: dict[str, Any] = {}


class NotebookMetadataRequest(Message):
    notebook_path: Annotated[str, Meta(min_length=1, max_length=200)]


class NotebookMetadata(Message):
    """`cell_ids` lists the notebook's cells in its order."""

    notebook_id: str = ""
    created_at: Timestamp = ""
    modified_at: Timestamp = ""
    content_length: Int64 | None = None
    cell_ids: list[str] = []


# IAM


class TokenRequest(Message):
    """Exactly one of an OAuth token and a signed JWT."""

    yandex_passport_oauth_token: Annotated[str, Meta(max_length=4000)] = field(
        default="", name="yandexPassportOauthToken"
    )
    jwt: Annotated[str, Meta(max_length=8000)] = ""

    def __repr__(self) -> str:
        return "TokenRequest(<redacted>)"


class TokenResponse(Message):
    iam_token: str
    expires_at: Timestamp = ""

    def __repr__(self) -> str:
        return f"TokenResponse(<redacted>, expires_at={self.expires_at!r})"


# Computing configurations


class Spec(msgspec.Struct, frozen=True):
    """A computing configuration. One unit is one vCPU for one second; `units` are per second."""

    name: str
    vcpu: int
    gpu: int
    ram_gb: int | None
    units: int


SPECS: dict[str, Spec] = {
    spec.name: spec
    for spec in (
        Spec("c1.4", 4, 0, 32, 4),
        Spec("c1.8", 8, 0, 64, 8),
        Spec("c1.32", 32, 0, 256, 32),
        Spec("c1.80", 80, 0, 640, 80),
        Spec("g1.1", 8, 1, 48, 72),
        Spec("g1.2", 16, 2, 96, 144),
        Spec("g1.4", 32, 4, 192, 288),
        Spec("g2.1", 28, 1, 119, 116),
        Spec("g2.2", 56, 2, 238, 232),
        Spec("g2.4", 112, 4, 476, 464),
        Spec("g2.8", 224, 8, 952, 928),
        Spec("gt4.1", 4, 1, None, 36),
    )
}
DEFAULT_SPEC = "c1.4"


# Encoding


def _encode_hook(value: Any) -> Any:
    if isinstance(value, Int64):
        return str(int(value))
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _decode_hook(target: type, value: Any) -> Any:
    if target is Int64:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError("expected an integer")
        number = Int64(value)
        if not -(2**63) <= number < 2**63:
            raise ValueError("outside the range of a 64-bit integer")
        return number
    raise NotImplementedError(f"no decoder for {target.__name__}")


def encode(message: Any) -> bytes:
    """The JSON text of a message."""
    return msgspec.json.encode(message, enc_hook=_encode_hook)


def to_builtins(message: Any) -> Any:
    """A message as plain dicts, lists and scalars, as it would be on the wire."""
    return msgspec.to_builtins(message, enc_hook=_encode_hook)


def decode(data: bytes | str, target: type[T]) -> T:
    """Parse and check a message. Raises `msgspec.ValidationError` or `msgspec.DecodeError`."""
    return msgspec.json.decode(data, type=target, dec_hook=_decode_hook, strict=False)


def convert(data: Any, target: type[T]) -> T:
    """As `decode`, from plain objects."""
    return msgspec.convert(data, type=target, dec_hook=_decode_hook, strict=False)
