"""Finding a community by its name or ID."""

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
"""So many communities, or projects, are named where one was not found."""
HIDDEN = frozenset({"not-found", "permission-denied", "invalid-argument"})
"""Codes of answers to an ID that may be none: a name may look like one, and the service may refuse to say
whether there is somebody else's."""


class CommunityFinder:
    """Finds communities by ID, or by name among those of an organization; keeps them for a minute."""

    def __init__(self, client: Client, *, organization: str = "", community: str = "") -> None:
        """`community`: the ID of the only one that there is to be."""
        self._client = client
        self._organization = organization
        self._community = community
        self._cache: dict[str, tuple[float, types.Community]] = {}

    async def find(self, name_or_id: str | None) -> types.Community:
        """Raises `UsageError` where none is given, `NotFoundError` where it does not exist."""
        name_or_id = name_or_id or self._community
        if not name_or_id:
            raise UsageError(
                "No community is named.", code="no-community", hint="Name one; %ds_communities lists them."
            )
        kept_at, kept = self._cache.get(name_or_id, (0.0, None))
        if kept is not None and time.monotonic() - kept_at < CACHE_SECONDS:
            return kept
        found, refused = await self._by_id(name_or_id)
        found = found or await self._by_name(name_or_id, refused=refused)
        self._cache[name_or_id] = self._cache[found.id] = (time.monotonic(), found)
        return found

    def outdate(self) -> None:
        """Something was renamed, created or deleted: find all anew."""
        self._cache.clear()

    async def ids(self) -> list[str]:
        """Of every community in which projects are looked for."""
        if self._community:
            return [self._community]
        return [community.id async for community in self.all()]

    async def all(self) -> AsyncIterator[types.Community]:
        """Every community that can be found by its name."""
        if self._community:
            yield await self._client.get_community(self._community)
        elif self._organization:
            request = types.ListCommunitiesRequest(organization_id=self._organization, page_size=1000)
            async for community in self._client.communities(request):
                yield community

    async def _by_id(self, community_id: str) -> tuple[types.Community | None, bool]:
        """The community, and whether the service refused to show it to this account."""
        if not is_id(community_id):
            return None, False
        try:
            return await self._client.get_community(community_id), False
        except ServiceError as error:
            if error.code in HIDDEN:
                return None, error.code == "permission-denied"
            raise

    async def _by_name(self, name: str, *, refused: bool) -> types.Community:
        communities = [community async for community in self.all()]
        found = [community for community in communities if community.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(community.id for community in found)
            raise UsageError(
                f"Several communities are named {name!r}: {ids}.",
                code="ambiguous-name",
                hint="Choose one by its ID.",
            )
        hint = near(name, "community", "communities", [community.name for community in communities])
        if hint is None and self._organization:
            hint = "No community is visible to this account."
        hint = hint or "To choose by name, set DataSphere.organization; IDs work without."
        if refused:
            hint += (
                f" Perhaps it is the ID of a community that only others see. {roles.remedy('community.get')}"
            )
        raise NotFoundError(f"There is no community {name[:80]!r}.", code="unknown-community", hint=hint)


def near(name: str, one: str, many: str, names: list[str]) -> str | None:
    """What else may have been meant, in words; None where there is nothing else."""
    names = [
        "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
        for text in names
    ]
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    known = sorted(set(names))
    if not known:
        return None
    if len(known) == 1:
        return f"The only {one} is {known[0]}."
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return f"The {many} are {', '.join(known[:NAMED])}{more}."
