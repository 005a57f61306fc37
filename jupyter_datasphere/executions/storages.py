"""By which way the files of a project are reached."""

from __future__ import annotations

from ..datasphere.storage import Storage
from .choice import Choices


class Storages:
    """A project's own Jupyter server where its link is known and it answers, else the service itself."""

    def __init__(self, service: Storage, linked: Storage, choices: Choices) -> None:
        self._service = service
        self._linked = linked
        self._choices = choices

    async def of(self, project_id: str) -> Storage:
        """The storage of a project. Where none is there, the one that it gives says so at the first call."""
        return self._linked if await self._choices.is_linked(project_id) else self._service
