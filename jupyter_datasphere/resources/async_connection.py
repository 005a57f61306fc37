"""`jupyter_datasphere.connect_async`: the way to communities and projects for programs that await."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from ..kernel.discovery import Discovery
from ..kernel.link import Link
from ..kernel.steps import Steps
from . import calls, changes, listing
from .async_link import AsyncLink
from .async_objects import AsyncCommunity, AsyncProject
from .connection import Connection
from .data import bound
from .documented import documented
from .handles import Handles

T = TypeVar("T")


@documented(Connection)
class AsyncConnection:
    """As `Connection`, for one event loop: each method is awaited, and several may be under way at once.

    ``async with`` finds the server, as does the first call where it is left out.
    """

    def __init__(self, *, timeout: float = calls.TIMEOUT) -> None:
        discovery = Discovery.of_process()
        self._link = AsyncLink(discovery)
        self._blocking = Link(discovery)  # of the handles, which wait by themselves
        self._handles = Handles(self._blocking)
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"<DataSphere, by {self._blocking.url}>"

    async def communities(
        self, pattern: str = "", *, organization: str | None = None
    ) -> list[AsyncCommunity]:
        found = await self._run(listing.communities(pattern, organization))
        return [bound(AsyncCommunity, data, self) for data in found]

    async def community(self, name_or_id: str) -> AsyncCommunity:
        return bound(AsyncCommunity, await self._run(listing.community(name_or_id)), self)

    async def projects(self, *, community: str | None = None, pattern: str = "") -> list[AsyncProject]:
        return [
            bound(AsyncProject, data, self) for data in await self._run(listing.projects(community, pattern))
        ]

    async def project(self, name_or_id: str | None = None, *, community: str | None = None) -> AsyncProject:
        return bound(AsyncProject, await self._run(listing.project(name_or_id, community)), self)

    async def create_community(
        self,
        name: str,
        *,
        zone: str,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        billing_account: str = "",
        organization: str | None = None,
    ) -> AsyncCommunity:
        steps = changes.create_community(
            name,
            zone=zone,
            description=description,
            labels=labels,
            billing_account=billing_account,
            organization=organization,
            timeout=self._timeout,
        )
        return bound(AsyncCommunity, await self._run(steps), self)

    async def create_project(
        self,
        name: str,
        *,
        community: str | None = None,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        limits: Mapping[str, int | None] | None = None,
    ) -> AsyncProject:
        steps = changes.create_project(
            name,
            community,
            description=description,
            labels=labels,
            settings=settings,
            limits=limits,
            timeout=self._timeout,
        )
        return bound(AsyncProject, await self._run(steps), self)

    async def aclose(self) -> None:
        """Leave the connections to the server; the next call makes new ones."""
        self._blocking.reset()
        await self._link.aclose()

    async def __aenter__(self) -> Self:
        await self._link.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self, steps: Steps[T]) -> T:
        return await self._link.run(steps)
