"""What there is to know of a community or project, as the service tells it."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec


class ProjectSettings(msgspec.Struct, frozen=True, kw_only=True, rename="camel", repr_omit_defaults=True):
    """Settings of a project, by the service's words; what is empty is not set.

    `vm_inactivity_timeout` is a duration in seconds such as ``"1800s"``, `stale_exec_timeout_mode` one of
    ``ONE_HOUR``, ``THREE_HOURS`` and ``NO_TIMEOUT``, `ide` is ``JUPYTER_LAB``.
    """

    service_account_id: str = ""
    subnet_id: str = ""
    data_proc_cluster_id: str = ""
    security_group_ids: list[str] = []
    early_access: bool = False
    ide: str = ""
    default_folder_id: str = ""
    stale_exec_timeout_mode: str = ""
    vm_inactivity_timeout: str | None = None
    default_dedicated_spec: str = ""


class ProjectLimits(msgspec.Struct, frozen=True, kw_only=True, rename="camel", repr_omit_defaults=True):
    """Units that a project may spend; None: no limit.

    A configuration whose hourly rate exceeds `max_units_per_hour` does not start; a run that exceeds
    `max_units_per_execution` is stopped.
    """

    max_units_per_hour: int | None = None
    max_units_per_execution: int | None = None


class CommunityData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A community: the group of projects that share members and billing. Times are UTC."""

    id: str
    name: str = ""
    description: str = ""
    labels: dict[str, str] = {}
    created_at: datetime | None = None
    created_by_id: str = ""
    organization_id: str = ""
    zone_id: str = ""


class ProjectData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A project: storage, notebooks and the machine that runs them. Times are UTC."""

    id: str
    name: str = ""
    description: str = ""
    labels: dict[str, str] = {}
    created_at: datetime | None = None
    created_by_id: str = ""
    community_id: str = ""
    settings: ProjectSettings = ProjectSettings()
    limits: ProjectLimits = ProjectLimits()


class Member(msgspec.Struct, frozen=True, order=True):
    """A role that a resource gives to a subject.

    `role` is a whole ID such as ``datasphere.community-projects.viewer``; for `set_members` a short word such
    as viewer will do. `type`, that of the subject, is ``userAccount``, ``serviceAccount``, ``federatedUser``
    or ``system``; subjects of type system are ``allUsers``, ``allAuthenticatedUsers`` and groups
    (``group:organization:ID:users``).
    """

    role: str
    subject: str
    type: str = "userAccount"

    def __str__(self) -> str:
        return f"{self.role} of {self.type} {self.subject}"


class Difference(msgspec.Struct, frozen=True):
    """What replacing all members changes: members whose list is empty are none."""

    added: list[Member]
    removed: list[Member]
    unchanged: list[Member]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


D = TypeVar("D", bound=msgspec.Struct)


def bound(kind: type[D], data: msgspec.Struct, connection: object) -> D:
    """The same data with methods, which call by this connection; it is no part of the data."""
    made = kind(**msgspec.structs.asdict(data))
    made.__dict__["_connection"] = connection
    return made
