"""Projects, and what is asked about them."""

from __future__ import annotations

from typing import Literal

from .limits import (
    ID,
    Description,
    Duration,
    Labels,
    PageSize,
    PageToken,
    ProjectName,
    RequiredID,
    StaleExecTimeoutMode,
    Timestamp,
)
from .wire import Int64, Message


class ProjectSettings(Message):
    """Settings of a project; `vm_inactivity_timeout` is a duration such as ``"1800s"``."""

    service_account_id: ID = ""
    subnet_id: ID = ""
    data_proc_cluster_id: ID = ""
    security_group_ids: list[str] = []
    early_access: bool = False
    ide: Literal["IDE_UNSPECIFIED", "JUPYTER_LAB"] = "IDE_UNSPECIFIED"
    default_folder_id: ID = ""
    stale_exec_timeout_mode: StaleExecTimeoutMode = "STALE_EXECUTION_TIMEOUT_MODE_UNSPECIFIED"
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

    def __repr__(self) -> str:
        return f"OpenProjectResponse({self.project_url!r}, <redacted>)"


class UnitBalance(Message):
    """Units left; an unset balance means no limit."""

    unit_balance: Int64 | None = None
