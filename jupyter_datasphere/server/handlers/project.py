"""``/datasphere/project``: the project that those get who name none."""

from __future__ import annotations

from ...protocol import ProjectRequest
from .base import DataSphereHandler, allow_unauthenticated


class ProjectHandler(DataSphereHandler):
    """The project in force at this server, and the choice of it."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Asks nobody: its name is as it was last found, or as it was chosen."""
        self.answer(self.backend.project())

    @allow_unauthenticated
    async def put(self) -> None:
        """Choose one, once it was found."""
        request = self.read_body(ProjectRequest)
        chosen = await self.backend.choose_project(request.project)
        self.bus.project(chosen.project)
        self.answer(chosen)
