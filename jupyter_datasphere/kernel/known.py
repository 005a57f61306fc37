"""Names that the server knows, for completion and for the panel."""

from __future__ import annotations

import time

from ..protocol import Code, Notebook, ProjectInfo
from .history import STATES
from .link import Link
from .profiles import UNNAMED

PROJECTS_KEPT = 60.0
"""Seconds: the list of projects is asked of the service, which takes a while."""

RUNS = 100
"""How many of the newest runs are searched for names of sessions."""


OFFERED = 20
"""How many of the newest runs are offered by their IDs."""


class Known:
    """One per kernel."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._projects: list[ProjectInfo] = []
        self._until = 0.0

    def projects(self, *, anew: bool = False) -> list[ProjectInfo]:
        """The projects that a name can choose, as they were a minute ago at most."""
        if anew or time.monotonic() > self._until:
            self._projects = self._link.projects()
            self._until = time.monotonic() + PROJECTS_KEPT
        return self._projects

    def profiles(self) -> list[str]:
        """The names of profiles, and what stands for none."""
        return [UNNAMED, *(profile.name for profile in self._link.profiles().profiles)]

    def forget(self) -> None:
        """Another account may see other projects."""
        self._until = 0.0

    def runs(self) -> list[str]:
        """The IDs of the newest runs."""
        return [execution.id for execution in self._link.executions(OFFERED)]

    def states(self) -> list[str]:
        """The states that a run can be in."""
        return list(STATES)

    def sessions(self) -> list[str]:
        """The names of sessions that runs of late had, the newest first."""
        sources = [execution.source for execution in self._link.executions(RUNS)]
        names = [source.session for source in sources if isinstance(source, Code | Notebook)]
        return list(dict.fromkeys(name for name in names if name is not None))
