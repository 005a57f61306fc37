"""Finding a project by its name or ID."""

from __future__ import annotations

import difflib
import time
from collections.abc import AsyncIterator

from ..errors import NotFoundError, ServiceError, UsageError
from . import roles, types
from .client import Client
from .transport import is_id

CACHE_SECONDS = 60.0
NAMED = 10
"""So many projects are named where one was not found."""


class ProjectFinder:
    """Finds projects by ID, or by name among the communities of an organization; keeps them for a minute."""

    def __init__(self, client: Client, *, organization: str = "", community: str = "") -> None:
        self._client = client
        self._organization = organization
        self._community = community
        self._cache: dict[str, tuple[float, types.Project]] = {}

    async def find(self, name_or_id: str | None, *, fresh: bool = False) -> types.Project:
        """Raises `UsageError` where none is given, `NotFoundError` where it does not exist.

        `fresh`: as it is now, and not as it was some time ago.
        """
        if not name_or_id:
            raise UsageError(
                "No project is chosen.",
                code="no-project",
                hint="Choose one with %ds_project NAME_OR_ID, or with --project.",
            )
        kept_at, kept = self._cache.get(name_or_id, (0.0, None))
        if kept is not None and not fresh and time.monotonic() - kept_at < CACHE_SECONDS:
            return kept
        found, refused = await self._by_id(name_or_id)
        found = found or await self._by_name(name_or_id, refused=refused)
        self._cache[name_or_id] = self._cache[found.id] = (time.monotonic(), found)
        return found

    def known(self, name_or_id: str) -> types.Project | None:
        """What was found last, however long ago; asks nobody."""
        return self._cache.get(name_or_id, (0.0, None))[1]

    async def _by_id(self, project_id: str) -> tuple[types.Project | None, bool]:
        """The project, and whether the service refused to show it to this account."""
        if not is_id(project_id):
            return None, False
        try:
            return await self._client.get_project(project_id), False
        except ServiceError as error:
            # A name may look like an ID, and the service may refuse to say whether somebody else's exists.
            if error.code in ("not-found", "permission-denied", "invalid-argument"):
                return None, error.code == "permission-denied"
            raise

    async def _by_name(self, name: str, *, refused: bool) -> types.Project:
        projects = [project async for project in self.all()]
        found = [project for project in projects if project.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(project.id for project in found)
            raise UsageError(f"Several projects are named {name!r}: {ids}.", hint="Choose one by its ID.")
        near = difflib.get_close_matches(name, [project.name for project in projects], n=1)
        if near:
            hint = f"Did you mean {near[0]!r}?"
        elif projects:
            hint = _listed(sorted({project.name for project in projects}))
        elif self._community or self._organization:
            hint = "No project is visible to this account."
        else:
            hint = "To choose by name, set DataSphere.organization or DataSphere.community; IDs work without."
        if refused:
            hint += f" Perhaps it is the ID of a project that only others see. {roles.remedy('project.get')}"
        raise NotFoundError(f"There is no project {name[:80]!r}.", code="unknown-project", hint=hint)

    async def all(self) -> AsyncIterator[types.Project]:
        """Every project that can be found by its name."""
        for community_id in await self._communities():
            request = types.ListProjectsRequest(community_id=community_id, page_size=1000)
            async for project in self._client.projects(request):
                yield project

    async def _communities(self) -> list[str]:
        if self._community:
            return [self._community]
        if not self._organization:
            return []
        request = types.ListCommunitiesRequest(organization_id=self._organization, page_size=1000)
        return [community.id async for community in self._client.communities(request)]


def _listed(names: list[str]) -> str:
    """Which projects there are, in words."""
    if len(names) == 1:
        return f"The only project is {names[0]}."
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"The projects are {', '.join(names[:NAMED])}{more}."
