"""``GET /datasphere/projects``"""

from __future__ import annotations

from ...datasphere import types
from ...protocol import ProjectInfo, Projects
from .base import DataSphereHandler, allow_unauthenticated


class ProjectsHandler(DataSphereHandler):
    """The projects that can be found by name: none where neither organization nor community is set."""

    @allow_unauthenticated
    async def get(self) -> None:
        self.answer(Projects([_info(project) async for project in self.backend.projects.all()]))


class FindProjectHandler(DataSphereHandler):
    """One project: of the query's `project`, a name or ID, or the one in force.

    `community`, the ID of one, narrows the search for a name. Balance and channels are left out.
    """

    @allow_unauthenticated
    async def get(self) -> None:
        named = self.get_query_argument("project", None) or self.backend.project_in_force
        community = self.get_query_argument("community", None) or None
        self.answer(_info(await self.backend.projects.find(named, community=community)))


def _info(project: types.Project) -> ProjectInfo:
    return ProjectInfo(id=project.id, name=project.name, community_id=project.community_id)
