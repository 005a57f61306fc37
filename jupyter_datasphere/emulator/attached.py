"""What communities and projects may use: secrets, Docker images, data sets, connectors.

The emulator keeps which ones were added and which are mounted, and has none of them itself: any ID may be
added, and mounting one changes nothing in the project. Assumptions of ours: what was added with no type is
of any; removing and deactivating what is not there is code 5.
"""

from __future__ import annotations

from .errors import not_found
from .store import Store


class Attached:
    """Resources by the communities and projects that may use them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, target: str, resource: str, resource_type: str) -> None:
        self._store.execute(
            "INSERT OR REPLACE INTO attached VALUES (?, ?, ?)", target, resource, resource_type
        )

    def remove(self, target: str, resource: str) -> None:
        """Code 5 for what was not added."""
        if not self._store.execute(
            "DELETE FROM attached WHERE target = ? AND resource = ?", target, resource
        ):
            raise not_found("Resource", resource)

    def activate(self, project: str, kind: str, resource: str) -> None:
        self._store.execute("INSERT OR IGNORE INTO active VALUES (?, ?, ?)", project, kind, resource)

    def deactivate(self, project: str, kind: str, resource: str) -> None:
        """Code 5 for what is not active."""
        if not self._store.execute(
            "DELETE FROM active WHERE project = ? AND kind = ? AND resource = ?", project, kind, resource
        ):
            raise not_found(f"Active {kind}", resource)

    def forget(self, target: str) -> None:
        """Drop what a deleted community or project had."""
        self._store.execute("DELETE FROM attached WHERE target = ?", target)
        self._store.execute("DELETE FROM active WHERE project = ?", target)
