"""``GET /datasphere/projects``"""

from __future__ import annotations

from ...protocol import ProjectInfo, Projects
from .base import DataSphereHandler, allow_unauthenticated


class ProjectsHandler(DataSphereHandler):
    """The projects that can be found by name: none where neither organization nor community is set."""

    @allow_unauthenticated
    async def get(self) -> None:
        self.answer(
            Projects(
                [
                    ProjectInfo(id=project.id, name=project.name, community_id=project.community_id)
                    async for project in self.backend.projects.all()
                ]
            )
        )
