"""Finding a project by its name or ID."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator

from ..errors import NotFoundError, ServiceError, UsageError
from . import roles, types
from .client import Client
from .communities import CACHE_SECONDS, HIDDEN, CommunityFinder, near
from .transport import is_id


class ProjectFinder:
    """Finds projects by ID, or by name among the communities of an organization; keeps them for a minute."""

    def __init__(self, client: Client, *, organization: str = "", community: str = "") -> None:
        self.communities = CommunityFinder(client, organization=organization, community=community)
        self._client = client
        self._can_list = bool(organization or community)
        self._cache: dict[tuple[str, str | None], tuple[float, types.Project]] = {}

    async def find(
        self, name_or_id: str | None, *, community: str | None = None, fresh: bool = False
    ) -> types.Project:
        """Raises `UsageError` where none is given, `NotFoundError` where it does not exist.

        `community`: the ID of the one in which it is to be. `fresh`: as it is now, and not as it was some
        time ago.
        """
        if not name_or_id:
            raise UsageError(
                "No project is chosen.",
                code="no-project",
                hint="Choose one with %ds_project NAME_OR_ID, or with --project.",
            )
        kept_at, kept = self._cache.get((name_or_id, community), (0.0, None))
        if kept is not None and not fresh and time.monotonic() - kept_at < CACHE_SECONDS:
            return kept
        found, refused = await self._by_id(name_or_id, community)
        found = found or await self._by_name(name_or_id, community, refused=refused)
        self._cache[name_or_id, community] = self._cache[found.id, None] = (time.monotonic(), found)
        return found

    def known(self, name_or_id: str) -> types.Project | None:
        """What was found last, however long ago; asks nobody."""
        return self._cache.get((name_or_id, None), (0.0, None))[1]

    def outdate(self) -> None:
        """Something was renamed, created or deleted: find all anew, communities, too."""
        self._cache = {key: (-math.inf, found) for key, (_, found) in self._cache.items()}
        self.communities.outdate()

    def forget_all(self) -> None:
        """What was found may be hidden from another account."""
        self._cache.clear()
        self.communities.outdate()

    async def all(self, community: str | None = None) -> AsyncIterator[types.Project]:
        """Every project that can be found by its name."""
        for community_id in await self.communities.ids() if community is None else [community]:
            request = types.ListProjectsRequest(community_id=community_id, page_size=1000)
            async for project in self._client.projects(request):
                yield project

    async def _by_id(self, project_id: str, community: str | None) -> tuple[types.Project | None, bool]:
        """The project, and whether the service refused to show it to this account."""
        if not is_id(project_id):
            return None, False
        try:
            found = await self._client.get_project(project_id)
        except ServiceError as error:
            if error.code in HIDDEN:
                return None, error.code == "permission-denied"
            raise
        return (found if community in (None, found.community_id) else None), False

    async def _by_name(self, name: str, community: str | None, *, refused: bool) -> types.Project:
        projects = [project async for project in self.all(community)]
        found = [project for project in projects if project.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(f"{project.id} (community {project.community_id})" for project in found)
            raise UsageError(
                f"Several projects are named {name!r}: {ids}.",
                code="ambiguous-name",
                hint="Choose one by its ID.",
            )
        hint = near(name, "project", "projects", [project.name for project in projects])
        if hint is None and (self._can_list or community):
            hint = "No project is visible to this account."
        hint = (
            hint
            or "To choose by name, set DataSphere.organization or DataSphere.community; IDs work without."
        )
        if refused:
            hint += f" Perhaps it is the ID of a project that only others see. {roles.remedy('project.get')}"
        raise NotFoundError(f"There is no project {name[:80]!r}.", code="unknown-project", hint=hint)
