"""``GET /datasphere/variables``"""

from __future__ import annotations

from .base import DataSphereHandler, allow_unauthenticated


class VariablesHandler(DataSphereHandler):
    """Variables of a `session` or stored `notebook`; each `name` (repeatable) comes with its value."""

    @allow_unauthenticated
    async def get(self) -> None:
        notebook = self.get_query_argument("notebook", None)
        session = self.get_query_argument("session", None)
        if notebook is None and session is None:
            session = "main"
        self.answer(
            await self.backend.executions.variables(
                self.get_query_argument("project", None) or self.backend.project_in_force,
                session=session,
                notebook=notebook,
                names=self.get_query_arguments("name"),
                channel=self.get_query_argument("channel", None),
            )
        )
