"""What the magics for communities, projects and roles hand over to: `resources.commands` does it."""

from __future__ import annotations

from typing import Protocol

from .member_arguments import MembersArguments, RoleArguments
from .resource_arguments import (
    BalanceArguments,
    CommunitiesArguments,
    LimitsArguments,
    OpenArguments,
    ProjectsArguments,
)


class ResourceCommands(Protocol):
    """One per kernel."""

    def communities(self, options: CommunitiesArguments) -> None: ...
    def projects(self, options: ProjectsArguments) -> None: ...
    def members(self, options: MembersArguments) -> None: ...
    def grant(self, options: RoleArguments) -> None: ...
    def revoke(self, options: RoleArguments) -> None: ...
    def balance(self, options: BalanceArguments) -> None: ...
    def limits(self, options: LimitsArguments) -> None: ...
    def open(self, options: OpenArguments) -> None: ...

    def community_names(self) -> list[str]:
        """Those that may be meant, for completion."""
        ...
