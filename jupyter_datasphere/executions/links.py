"""The links to projects' own Jupyter servers that this server was given. In memory: gone with the process."""

from __future__ import annotations

from ..datasphere.jupyter_server import Link


class Links:
    """One link for each project, by its ID."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def get(self, project_id: str) -> Link | None:
        return self._links.get(project_id)

    def set(self, project_id: str, link: Link) -> None:
        """Know a link, instead of the one before."""
        self._links[project_id] = link

    def remove(self, project_id: str) -> None:
        self._links.pop(project_id, None)
