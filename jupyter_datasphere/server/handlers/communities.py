"""``GET /datasphere/communities/find``"""

from __future__ import annotations

from ...protocol import CommunityInfo
from .base import DataSphereHandler, allow_unauthenticated


class FindCommunityHandler(DataSphereHandler):
    """The community of the query's `community`, a name or ID."""

    @allow_unauthenticated
    async def get(self) -> None:
        named = self.get_query_argument("community", None)
        found = await self.backend.projects.communities.find(named)
        self.answer(CommunityInfo(id=found.id, name=found.name))
