"""The runner notebook in projects: whether this version of it is there, and how it gets there."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from ...datasphere.files import ProjectFiles
from ...errors import ServiceError, UsageError
from ..runner.notebook import RUNNER_NAME, runner_notebook
from .notebooks import absolute

RUNNER_PATH = absolute(RUNNER_NAME)


class InstalledRunner:
    """Puts the runner into projects by their files: once for each project, while this process lives.

    Every method raises what `ProjectFiles` raises.
    """

    def __init__(self, files: ProjectFiles) -> None:
        self._files = files
        self._there: set[str] = set()
        self._looking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def install(self, project_id: str) -> None:
        """See to it that the runner of this version is in a project's top folder, instead of any other."""
        async with self._looking[project_id]:
            if project_id in self._there:
                return
            if await self.look(project_id) != runner_notebook():
                await self._files.upload(project_id, RUNNER_NAME, runner_notebook())
            self._there.add(project_id)

    async def look(self, project_id: str) -> bytes | None:
        """The file of the runner's name in a project; None where there is none. Changes nothing."""
        try:
            return await self._files.read(project_id, RUNNER_NAME, limit=len(runner_notebook()))
        except UsageError as error:
            if error.code != "too-large":
                raise
            return b""  # then it is not ours
        except ServiceError as error:
            if error.code != "not-found":
                raise
            return None

    def forget(self, project_id: str) -> None:
        """Somebody took it away: look again before the next run."""
        self._there.discard(project_id)
