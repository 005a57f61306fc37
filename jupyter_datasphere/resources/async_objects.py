"""Communities and projects with what can be done with them, for programs that await."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from msgspec import UNSET, UnsetType

from ..kernel.following import launching
from ..kernel.handle import Handle
from ..kernel.steps import Steps
from ..protocol import Variable
from . import attached, changes, listing, members, opening, restrictions, runs, units
from .attached import ResourceType
from .calls import Kind
from .data import CommunityData, Difference, Member, ProjectData, bound
from .documented import documented
from .objects import Community, Project, _Resource
from .restrictions import Value
from .roles import member

if TYPE_CHECKING:
    from .async_connection import AsyncConnection

T = TypeVar("T")


@documented(_Resource)
class _AsyncResource:
    """As `_Resource`; what asks the server is awaited."""

    __slots__ = ()
    _kind: ClassVar[Kind]
    id: str
    name: str

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<{self._kind} {self.name!r} ({self.id})>"

    async def delete(self) -> None:
        await self._run(changes.delete(self._kind, self.id, self._timeout))

    # Roles

    async def members(self) -> list[Member]:
        return await self._run(members.members(self._kind, self.id))

    async def grant(self, role: str, subject: str) -> bool:
        given = member(role, subject, self._kind)
        return await self._run(members.grant(self._kind, self.id, given, self._timeout))

    async def revoke(self, role: str, subject: str) -> bool:
        return await self._run(members.revoke(self._kind, self.id, role, subject, self._timeout))

    async def set_members(
        self, wanted: Iterable[Member], *, expected: Sequence[Member] | None = None
    ) -> Difference:
        steps = members.replace(self._kind, self.id, list(wanted), expected=expected, timeout=self._timeout)
        return await self._run(steps)

    # Restrictions

    async def known_restrictions(self) -> dict[str, str]:
        return await self._run(restrictions.known(self._kind))

    async def restrictions(self) -> dict[str, list[Value]]:
        return await self._run(restrictions.restrictions(self._kind, self.id))

    async def set_restrictions(self, values: Mapping[str, Value | Sequence[Value]]) -> None:
        await self._run(restrictions.set_restrictions(self._kind, self.id, values, self._timeout))

    # Resources

    async def add_resource(self, resource_id: str, resource_type: ResourceType) -> None:
        await self._share(resource_id, resource_type, "addResource")

    async def remove_resource(self, resource_id: str, resource_type: ResourceType) -> None:
        await self._share(resource_id, resource_type, "removeResource")

    async def _share(self, resource_id: str, resource_type: ResourceType, verb: attached.Sharing) -> None:
        await self._run(attached.share(self._kind, self.id, resource_id, resource_type, verb, self._timeout))

    async def _run(self, steps: Steps[T]) -> T:
        return await self._connection._run(steps)

    @property
    def _connection(self) -> AsyncConnection:
        connection: AsyncConnection = self.__dict__["_connection"]
        return connection

    @property
    def _timeout(self) -> float:
        return self._connection._timeout


@documented(Community)
class AsyncCommunity(CommunityData, _AsyncResource, frozen=True, kw_only=True, rename="camel", dict=True):
    """As `Community`, which `AsyncConnection` gives: its methods are awaited."""

    _kind = "community"
    __hash__ = _AsyncResource.__hash__
    __repr__ = _AsyncResource.__repr__

    async def refresh(self) -> AsyncCommunity:
        return bound(AsyncCommunity, await self._run(listing.community_by_id(self.id)), self._connection)

    async def update(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> AsyncCommunity:
        steps = changes.update(
            "community",
            self.id,
            name=name,
            description=description,
            labels=labels,
            timeout=self._timeout,
        )
        await self._run(steps)
        return await self.refresh()

    async def projects(self, pattern: str = "") -> list[AsyncProject]:
        return await self._connection.projects(community=self.id, pattern=pattern)

    async def project(self, name_or_id: str) -> AsyncProject:
        return await self._connection.project(name_or_id, community=self.id)

    async def create_project(
        self,
        name: str,
        *,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        limits: Mapping[str, int | None] | None = None,
    ) -> AsyncProject:
        return await self._connection.create_project(
            name,
            community=self.id,
            description=description,
            labels=labels,
            settings=settings,
            limits=limits,
        )


@documented(Project)
class AsyncProject(ProjectData, _AsyncResource, frozen=True, kw_only=True, rename="camel", dict=True):
    """As `Project`, which `AsyncConnection` gives: its methods are awaited.

    ``await handle`` waits for a run that `execute` has started, without blocking; the handle's other
    questions (``.status``, ``.text``, ``.outputs``, ``.cancel()``) are short ones to the server here, and
    block.
    """

    _kind = "project"
    __hash__ = _AsyncResource.__hash__
    __repr__ = _AsyncResource.__repr__

    async def refresh(self) -> AsyncProject:
        return bound(AsyncProject, await self._run(listing.project_by_id(self.id)), self._connection)

    async def community(self) -> AsyncCommunity:
        return bound(
            AsyncCommunity, await self._run(listing.community_by_id(self.community_id)), self._connection
        )

    async def update(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        limits: Mapping[str, int | None] | None = None,
    ) -> AsyncProject:
        steps = changes.update(
            "project",
            self.id,
            name=name,
            description=description,
            labels=labels,
            settings=settings,
            limits=limits,
            timeout=self._timeout,
        )
        await self._run(steps)
        return await self.refresh()

    async def open(self) -> None:
        await self._run(opening.in_browser(self.id))

    # Units

    async def balance(self) -> int | None:
        return await self._run(units.balance(self.id))

    async def set_balance(self, units_left: int | None) -> None:
        await self._run(units.set_balance(self.id, units_left, self._timeout))

    async def set_limits(
        self,
        *,
        per_hour: int | UnsetType | None = UNSET,
        per_execution: int | UnsetType | None = UNSET,
    ) -> AsyncProject:
        await self._run(units.set_limits(self.id, units.limits(per_hour, per_execution), self._timeout))
        return await self.refresh()

    # What it may use

    async def activate_dataset(self, dataset_id: str) -> None:
        await self._mount(dataset_id, "dataset", "activate")

    async def deactivate_dataset(self, dataset_id: str) -> None:
        await self._mount(dataset_id, "dataset", "deactivate")

    async def activate_docker_image(self, docker_id: str) -> None:
        await self._mount(docker_id, "docker", "activate")

    async def activate_s3(self, s3_id: str) -> None:
        await self._mount(s3_id, "s3", "activate")

    async def deactivate_s3(self, s3_id: str) -> None:
        await self._mount(s3_id, "s3", "deactivate")

    async def _mount(self, resource_id: str, kind: attached.Mounted, verb: attached.Mounting) -> None:
        await self._run(attached.mount(self.id, resource_id, kind, verb, self._timeout))

    # Running code

    async def execute(
        self,
        code: str | None = None,
        *,
        notebook: str | None = None,
        cell: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Sequence[str] = (),
        spec: str | None = None,
        session: str | None = None,
        channel: str | None = None,
        timeout: float | None = None,
        max_units: int | None = None,
        direct: bool = False,
    ) -> Handle:
        request = runs.request(
            self.id,
            code,
            notebook,
            cell,
            inputs=inputs,
            outputs=outputs,
            spec=spec,
            session=session,
            channel=channel,
            timeout=timeout,
            max_units=max_units,
            direct=direct,
        )
        execution = await self._run(launching(request, runs.new_id()))
        return self._connection._handles.of(execution, request.outputs)

    async def variables(
        self,
        *names: str,
        session: str | None = None,
        notebook: str | None = None,
        channel: str | None = None,
    ) -> dict[str, Any]:
        steps = runs.values(self.id, names, session=session, notebook=notebook, channel=channel)
        return await self._run(steps)

    async def list_variables(
        self, *, session: str | None = None, notebook: str | None = None, channel: str | None = None
    ) -> list[Variable]:
        steps = runs.variables(self.id, (), session=session, notebook=notebook, channel=channel)
        return await self._run(steps)
