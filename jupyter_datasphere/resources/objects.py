"""Communities and projects with what can be done with them, for programs that wait."""

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
from .restrictions import Value
from .roles import member

if TYPE_CHECKING:
    from .connection import Connection

T = TypeVar("T")


class _Resource:
    """What communities and projects have in common. Their facts are as they were when they were asked for."""

    __slots__ = ()
    _kind: ClassVar[Kind]
    id: str
    name: str

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<{self._kind} {self.name!r} ({self.id})>"  # the name may hold what moves a cursor

    def delete(self) -> None:
        """Delete it. A community that holds projects cannot be deleted."""
        self._run(changes.delete(self._kind, self.id, self._timeout))

    # Roles

    def members(self) -> list[Member]:
        """The roles that it gives itself. What a community gives holds in its projects, too."""
        return self._run(members.members(self._kind, self.id))

    def grant(self, role: str, subject: str) -> bool:
        """Give a role. False: the subject had it already.

        `role`: viewer, developer, editor, admin, or a whole ID. `subject`: the ID of a user account,
        ``serviceAccount:ID``, ``federatedUser:ID``, ``allUsers``, ``allAuthenticatedUsers`` or
        ``group:organization:ID:users``.
        """
        given = member(role, subject, self._kind)
        return self._run(members.grant(self._kind, self.id, given, self._timeout))

    def revoke(self, role: str, subject: str) -> bool:
        """Take a role, as `grant` gives it; the subject's type may be left out. False: it had none."""
        return self._run(members.revoke(self._kind, self.id, role, subject, self._timeout))

    def set_members(
        self, wanted: Iterable[Member], *, expected: Sequence[Member] | None = None
    ) -> Difference:
        """Make these all of its members; gives what was changed for that.

        Where the members are not those that were `expected` (as `members` gave them), nothing is changed, and
        `ConflictError` (code "members-changed") says what differs.
        """
        steps = members.replace(self._kind, self.id, list(wanted), expected=expected, timeout=self._timeout)
        return self._run(steps)

    # Restrictions

    def known_restrictions(self) -> dict[str, str]:
        """Which restrictions there are: name to the type of its values (BOOLEAN, LONG or STRING)."""
        return self._run(restrictions.known(self._kind))

    def restrictions(self) -> dict[str, list[Value]]:
        """The restrictions in force: name to its values."""
        return self._run(restrictions.restrictions(self._kind, self.id))

    def set_restrictions(self, values: Mapping[str, Value | Sequence[Value]]) -> None:
        """Set restrictions. That those which are not named end is an assumption."""
        self._run(restrictions.set_restrictions(self._kind, self.id, values, self._timeout))

    # Resources

    def add_resource(self, resource_id: str, resource_type: ResourceType) -> None:
        """Let it use a resource: a secret, docker_image, dataset, s3, node or alias."""
        self._share(resource_id, resource_type, "addResource")

    def remove_resource(self, resource_id: str, resource_type: ResourceType) -> None:
        """Let it not use a resource any more."""
        self._share(resource_id, resource_type, "removeResource")

    def _share(self, resource_id: str, resource_type: ResourceType, verb: attached.Sharing) -> None:
        self._run(attached.share(self._kind, self.id, resource_id, resource_type, verb, self._timeout))

    def _run(self, steps: Steps[T]) -> T:
        return self._connection._run(steps)

    @property
    def _connection(self) -> Connection:
        connection: Connection = self.__dict__["_connection"]
        return connection

    @property
    def _timeout(self) -> float:
        return self._connection._timeout


class Community(CommunityData, _Resource, frozen=True, kw_only=True, rename="camel", dict=True):
    """A community, which `Connection` gives."""

    _kind = "community"
    __hash__ = _Resource.__hash__
    __repr__ = _Resource.__repr__

    def refresh(self) -> Community:
        """As it is now."""
        return bound(Community, self._run(listing.community_by_id(self.id)), self._connection)

    def update(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Community:
        """Change what is given, and nothing else; gives it as it is then."""
        steps = changes.update(
            "community",
            self.id,
            name=name,
            description=description,
            labels=labels,
            timeout=self._timeout,
        )
        self._run(steps)
        return self.refresh()

    def projects(self, pattern: str = "") -> list[Project]:
        """Its projects that this account may see; `pattern` is looked for in their names."""
        return self._connection.projects(community=self.id, pattern=pattern)

    def project(self, name_or_id: str) -> Project:
        """One of its projects."""
        return self._connection.project(name_or_id, community=self.id)

    def create_project(
        self,
        name: str,
        *,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        limits: Mapping[str, int | None] | None = None,
    ) -> Project:
        """As `Connection.create_project`, in this community."""
        return self._connection.create_project(
            name,
            community=self.id,
            description=description,
            labels=labels,
            settings=settings,
            limits=limits,
        )


class Project(ProjectData, _Resource, frozen=True, kw_only=True, rename="camel", dict=True):
    """A project, which `Connection` gives."""

    _kind = "project"
    __hash__ = _Resource.__hash__
    __repr__ = _Resource.__repr__

    def refresh(self) -> Project:
        """As it is now."""
        return bound(Project, self._run(listing.project_by_id(self.id)), self._connection)

    def community(self) -> Community:
        """The community that it belongs to."""
        return bound(Community, self._run(listing.community_by_id(self.community_id)), self._connection)

    def update(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        limits: Mapping[str, int | None] | None = None,
    ) -> Project:
        """Change what is given, and nothing else; gives it as it is then.

        Of `settings` and `limits` those that are named, by the names of `ProjectSettings` and
        `ProjectLimits`.
        """
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
        self._run(steps)
        return self.refresh()

    def open(self) -> None:
        """Open it in the browser of the desktop that the server runs on; its session token stays out of here.

        Raises `ConflictError` (code "no-browser") where there is none: ``%ds_open`` shows a link instead.
        """
        self._run(opening.in_browser(self.id))

    # Units

    def balance(self) -> int | None:
        """Units left; None: no balance is set, so that there is no limit. An editor may see it."""
        return self._run(units.balance(self.id))

    def set_balance(self, units_left: int | None) -> None:
        """Set the units left; None takes the limit away.

        At 0 everything that runs in the project is stopped.
        """
        self._run(units.set_balance(self.id, units_left, self._timeout))

    def set_limits(
        self,
        *,
        per_hour: int | UnsetType | None = UNSET,
        per_execution: int | UnsetType | None = UNSET,
    ) -> Project:
        """Set the units that may be spent in an hour, or in one run; None: without limit.

        Gives it as it is then.
        """
        self._run(units.set_limits(self.id, units.limits(per_hour, per_execution), self._timeout))
        return self.refresh()

    # What it may use

    def activate_dataset(self, dataset_id: str) -> None:
        """Mount a data set."""
        self._mount(dataset_id, "dataset", "activate")

    def deactivate_dataset(self, dataset_id: str) -> None:
        """Unmount a data set."""
        self._mount(dataset_id, "dataset", "deactivate")

    def activate_docker_image(self, docker_id: str) -> None:
        """Let it run in a Docker image."""
        self._mount(docker_id, "docker", "activate")

    def activate_s3(self, s3_id: str) -> None:
        """Mount the bucket of an S3 connector."""
        self._mount(s3_id, "s3", "activate")

    def deactivate_s3(self, s3_id: str) -> None:
        """Unmount the bucket of an S3 connector."""
        self._mount(s3_id, "s3", "deactivate")

    def _mount(self, resource_id: str, kind: attached.Mounted, verb: attached.Mounting) -> None:
        self._run(attached.mount(self.id, resource_id, kind, verb, self._timeout))

    # Running code

    def execute(
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
        """Start code, a stored notebook (by its path in the project) or a stored cell (by its ID).

        Gives a handle, as ``%%ds_execute --detach`` does: ``.wait()`` raises what the code raised, ``.text``,
        ``.outputs`` and ``.variables`` are what it left. `inputs` are variables that the code finds, JSON
        values; `outputs` are names of those to bring back. `spec`: computing resources, by default the
        service's smallest. Code shares the variables of its `session` (by default "main"), a notebook has its
        own. `timeout` (seconds) and `max_units` (computed) end the run. The settings of ``%ds_config`` do not
        count.

        Raises `UsageError`, of it `VariableError` for an input that cannot travel, before anything is sent.
        """
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
        execution = self._run(launching(request, runs.new_id()))
        return self._connection._handles.of(execution, request.outputs)

    def variables(
        self,
        *names: str,
        session: str | None = None,
        notebook: str | None = None,
        channel: str | None = None,
    ) -> dict[str, Any]:
        """Values of variables over there, by name: of a session (by default "main") or of a stored notebook.

        All of these names; or, without names, those that are at hand: of what is large or no JSON value,
        `list_variables` has the type. Raises `NotFoundError` for a name that is not there, `VariableError`
        for what cannot travel. A notice of the server (such as that the interpreter is a new one) is a
        warning.
        """
        steps = runs.values(self.id, names, session=session, notebook=notebook, channel=channel)
        return self._run(steps)

    def list_variables(
        self, *, session: str | None = None, notebook: str | None = None, channel: str | None = None
    ) -> list[Variable]:
        """Names (`.name`), types (`.kind`) and beginnings (`.preview`) of the variables over there."""
        steps = runs.variables(self.id, (), session=session, notebook=notebook, channel=channel)
        return self._run(steps)
