"""``GET /datasphere/status``"""

from __future__ import annotations

from .base import DataSphereHandler, allow_unauthenticated


class StatusHandler(DataSphereHandler):
    """Endpoint, credentials, connection and project; no secret.

    Query: `project`, a name or ID instead of the one in force; `check=false` asks nothing upstream.
    """

    @allow_unauthenticated
    async def get(self) -> None:
        project = self.get_query_argument("project", None)
        check = self.get_query_argument("check", "true") != "false"
        status = await self.backend.status(project, check=check)
        if check:
            self.bus.connection(status)
        self.answer(status)
