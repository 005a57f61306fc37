"""What the magics do, once their lines are parsed. Imports httpx and msgspec."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import UnavailableError
from ..protocol import Cell, Code, ExecutionRequest, Notebook, ProjectInfo, Source
from .address import Address
from .arguments import (
    NO_MAX_UNITS,
    NO_TIMEOUT,
    ConfigArguments,
    ExecuteArguments,
    ProfileArguments,
    ProjectArguments,
    StatusArguments,
    VarsArguments,
)
from .bundle import Bundle
from .discovery import Discovery
from .file_arguments import GetArguments, PutArguments
from .handle import Handle
from .history import history
from .joining import Joining
from .keeper import Keeper
from .known import Known
from .link import Link
from .live import Board
from .moving import Moving
from .pacing import Pacer
from .problems import error_from
from .profiles import UNNAMED, in_force, profiles_table
from .remote_variables import values, variables_table
from .resource_commands import ResourceCommands
from .run import Run
from .run_arguments import HistoryArguments
from .settings import AUTO, Configuration, Settings
from .status import NO_PROJECT, named, status_facts
from .tables import facts, table
from .variables import gather

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Commands:
    """One per kernel: holds the link, the project that was chosen here and the settings."""

    def __init__(self, shell: InteractiveShell, address: Address, settings: Settings) -> None:
        self.shell = shell
        self.settings = settings
        self.link = Link(Discovery(address))
        self.known = Known(self.link)
        self.project_id: str | None = None
        self.starting: list[Callable[[], None]] = []
        """Called when a run is about to start, so that who shows runs looks at them."""
        self._configuration = Configuration(settings)
        self._pacer = Pacer()
        self._board = Board(self.link)
        self.joining = Joining(shell, self.link, settings, self._pacer, self._board)
        self._moving = Moving(shell, self.link, settings)
        self._resources: ResourceCommands | None = None

    @property
    def resources(self) -> ResourceCommands:
        """What the magics for communities, projects and roles do."""
        if self._resources is None:
            # By its name, as that room stands on this side of the house and not the other way round.
            module = import_module("jupyter_datasphere.resources.commands")
            self._resources = module.resource_commands(self)
        return self._resources

    def execute(self, options: ExecuteArguments, code: str | None) -> Handle:
        """Run something in the project; afterwards the outputs that were asked for are local variables.

        Those that came are, even where the code raised, as after a local cell that raises: what was computed
        before is not thrown away. An error says which did not come. Detached, the handle has them.
        """
        timeout = self.settings.timeout if options.timeout is None else options.timeout
        max_units = self.settings.max_units if options.max_units is None else options.max_units
        bundle = None
        if options.upload and options.path:
            bundle = Bundle.of(options.path, options.along, direct=options.direct)
        request = ExecutionRequest(
            source=self._source(options, code, bundle),
            project=options.project or self.project_id,
            inputs=gather(self.shell, options.input),
            outputs=options.output,
            spec=options.spec or self.settings.spec or None,
            timeout=None if timeout == NO_TIMEOUT else timeout,
            max_units=None if max_units == NO_MAX_UNITS else max_units,
            channel=None if options.cell or options.direct else self.channel(options.channel),
        )
        quiet = self.settings.quiet if options.quiet is None else options.quiet
        run = Run(self.link, request, self.shell, self._pacer, quiet=quiet, limit=self.settings.display_bytes)
        keeper = None
        if options.save is not None:
            keeper = Keeper(self.shell, self.link, options.save, overwrite=options.overwrite, quiet=quiet)
        if bundle is not None:  # once all that can be checked here was
            self._moving.send_all(bundle, request.project, quiet=quiet)
        handle = Handle(self.link, run.id, outcome=run.outcome, board=self._board, shell=self.shell)
        for tell in self.starting:
            tell()
        if options.detach:
            handle.know(run.detach())
            self._name(options.handle, handle)
            return handle
        with nullcontext() if keeper is None else keeper.keeping(run.outcome):
            try:
                run.complete()
            finally:
                self.shell.user_ns.update(run.outcome.variables)
                if run.outcome.last:  # else there was none
                    self._name(options.handle, handle)
        run.outcome.raise_for_missing()
        return handle

    def get(self, remote: str, options: GetArguments) -> None:
        project = options.project or self.project_id
        self._moving.get(remote, options.local, project, force=options.force)

    def put(self, local: str, options: PutArguments) -> None:
        project = options.project or self.project_id
        self._moving.put(local, options.remote, project, force=options.force)

    def project(self, options: ProjectArguments) -> None:
        if options.name is None:
            project = self.link.status(self.project_id).project
        else:
            project = self.choose_project(options.name)
        if project is None:
            self._publish({"text/plain": NO_PROJECT})
        else:
            self._publish(facts([("Project", named(project))]))

    def choose_project(self, name_or_id: str) -> ProjectInfo:
        """Make a project that of this kernel. Raises where it is not known to exist."""
        status = self.link.status(name_or_id)
        if status.problem is not None:
            raise error_from(status.problem)
        if status.project is None:
            raise UnavailableError(f"Whether there is a project {name_or_id!r} could not be found out.")
        self.project_id = status.project.id  # the name may change
        return status.project

    def status(self, options: StatusArguments) -> None:
        status = self.link.status(options.project or self.project_id)
        self._publish(facts([("Server", self.link.describe()), *status_facts(status)]))

    def profile(self, options: ProfileArguments) -> None:
        if options.name is None:
            self._publish(profiles_table(self.link.profiles()))
        else:
            chosen = self.link.choose_profile(None if options.name == UNNAMED else options.name)
            self.known.forget()
            self._publish({"text/plain": in_force(chosen)})

    def config(self, options: ConfigArguments) -> None:
        self._configuration.change(options.settings, reset=options.reset)
        self._publish(table(("Setting", "Value", "From", "Meaning"), self._configuration.rows()))

    def history(self, options: HistoryArguments) -> None:
        self._publish(history(self.link, options.number, options.status))

    def variables(self, options: VarsArguments) -> None:
        session = options.session or (None if options.notebook else self.settings.session)
        answer = self.link.variables(
            names=options.names,
            session=session,
            notebook=options.notebook,
            project=options.project or self.project_id,
            channel=self.channel(options.channel),
        )
        if answer.notice is not None:
            print(answer.notice, file=sys.stderr, flush=True)
        if options.names:
            # All of them or none.
            where = options.notebook or f"session {session}"
            self.shell.user_ns.update(values(answer, options.names, where))
        elif answer.variables:
            self._publish(variables_table(answer))
        else:
            self._publish({"text/plain": f"{options.notebook or f'Session {session}'} has no variables."})

    def channel(self, option: str | None = None) -> str | None:
        """The name of the channel that an option or the settings name; None: the best."""
        channel = option or self.settings.channel
        return None if channel == AUTO else channel

    def _publish(self, data: dict[str, str]) -> None:
        self.shell.display_pub.publish(data)

    def _name(self, name: str | None, handle: Handle) -> None:
        if name is not None:
            self.shell.user_ns[name] = handle

    def _source(self, options: ExecuteArguments, code: str | None, bundle: Bundle | None) -> Source:
        if code is not None:
            return Code(code, session=options.session or self.settings.session)
        if options.cell is not None:
            return Cell(options.cell)
        assert options.path is not None  # the parser saw to it
        path = options.path if bundle is None else bundle.notebook.remote
        return Notebook(path, session=options.session, direct=options.direct)
