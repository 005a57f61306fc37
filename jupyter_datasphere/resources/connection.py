"""`jupyter_datasphere.connect`: the way to communities and projects for programs that wait."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from ..kernel.discovery import Discovery
from ..kernel.link import Link
from ..kernel.steps import Steps, run
from . import calls, changes, listing
from .data import bound
from .handles import Handles
from .objects import Community, Project

T = TypeVar("T")


class Connection:
    """The way to communities and projects, through the server that this process belongs to.

    That is the Jupyter server which started this kernel or terminal, or ``jupyter datasphere serve``; it has
    the credentials, and this process has none. Each thread takes a connection of its own. `close` it, or use
    it in a ``with`` block.

    Every call, of what it gives, too, waits for its answer, and raises an error of
    `jupyter_datasphere.errors`, with `code` (a stable word), `hint` (what to do) and perhaps `request_id`:

    - `UsageError`: something was written wrong, or breaks a limit of the API (HTTP 400);
    - `CredentialsError`: no credentials (401), or a role is missing, which the hint names (403);
    - `NotFoundError` (404), `ConflictError` (409);
    - `QuotaError`: units, a limit or a quota do not allow it, or there were too many calls (429);
    - `UnavailableError`: the server here, or the service, does not answer; `ServiceError`: it failed.

    Changes are waited for, and made once, also where a connection to the server breaks meanwhile. Lists are
    whole: pages are fetched inside, by the thousand.
    """

    def __init__(self, *, timeout: float = calls.TIMEOUT) -> None:
        """Raises `UnavailableError` (code "no-server") where there is no server.

        `timeout`: seconds for which a change is waited for; after them `UnavailableError` is raised (code
        "timeout"), and the change goes on.
        """
        discovery = Discovery.of_process()
        discovery.address()
        self._link = Link(discovery)
        self._handles = Handles(self._link)
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"<DataSphere, by {self._link.url}>"

    def communities(self, pattern: str = "", *, organization: str | None = None) -> list[Community]:
        """The communities that this account may see, oldest first.

        `pattern` is looked for in their names and descriptions. `organization`: the ID of another one than
        the server's (`DataSphere.organization`).
        """
        found = self._run(listing.communities(pattern, organization))
        return [bound(Community, data, self) for data in found]

    def community(self, name_or_id: str) -> Community:
        """One community. A name that several have is a `UsageError` (code "ambiguous-name")."""
        return bound(Community, self._run(listing.community(name_or_id)), self)

    def projects(self, *, community: str | None = None, pattern: str = "") -> list[Project]:
        """The projects that this account may see: of one community (name or ID), or of all.

        `pattern` is looked for in their names.
        """
        return [bound(Project, data, self) for data in self._run(listing.projects(community, pattern))]

    def project(self, name_or_id: str | None = None, *, community: str | None = None) -> Project:
        """One project; without a name the server's own (`DataSphere.project`).

        `community` (name or ID) tells apart what has the same name.
        """
        return bound(Project, self._run(listing.project(name_or_id, community)), self)

    def create_community(
        self,
        name: str,
        *,
        zone: str,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        billing_account: str = "",
        organization: str | None = None,
    ) -> Community:
        """`zone` (such as ``ru-central1-a``), `billing_account` and `organization` are IDs."""
        steps = changes.create_community(
            name,
            zone=zone,
            description=description,
            labels=labels,
            billing_account=billing_account,
            organization=organization,
            timeout=self._timeout,
        )
        return bound(Community, self._run(steps), self)

    def create_project(
        self,
        name: str,
        *,
        community: str | None = None,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        limits: Mapping[str, int | None] | None = None,
    ) -> Project:
        """`community`: a name or ID, by default the server's own (`DataSphere.community`).

        `settings` and `limits` have the names of `ProjectSettings` and `ProjectLimits`; limits are in units.
        """
        steps = changes.create_project(
            name,
            community,
            description=description,
            labels=labels,
            settings=settings,
            limits=limits,
            timeout=self._timeout,
        )
        return bound(Project, self._run(steps), self)

    def close(self) -> None:
        """Leave the connections to the server; the next call makes new ones."""
        self._link.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, steps: Steps[T]) -> T:
        return run(self._link, steps)
