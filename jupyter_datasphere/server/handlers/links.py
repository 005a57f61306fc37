"""``/datasphere/links``: the links to projects' own Jupyter servers. They come in, and never go out again."""

from __future__ import annotations

from ...protocol import LinkRequest
from .base import DataSphereHandler, allow_unauthenticated


class LinksHandler(DataSphereHandler):
    """Give a project's link, or have it forgotten."""

    @allow_unauthenticated
    async def put(self) -> None:
        """Checked before it is kept."""
        request = self.read_body(LinkRequest)
        self.answer(await self.backend.link(request.project, request.link))

    @allow_unauthenticated
    async def delete(self) -> None:
        """Query: `project`."""
        self.answer(await self.backend.unlink(self.get_query_argument("project")))
