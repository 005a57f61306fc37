"""What the magics do, once their lines are parsed. Imports httpx and msgspec."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from ..errors import ExpectedError, NotFoundError, UnavailableError
from ..protocol import Cell, Code, ExecutionRequest, Notebook, ProjectInfo, ServerStatus, Source, Variable
from .address import Address
from .arguments import ExecuteArguments, ProjectArguments, StatusArguments, VarsArguments
from .link import Link
from .pacing import Pacer
from .problems import error_from
from .progress import duration
from .run import Run
from .suggest import did_you_mean
from .tables import facts, table
from .variables import gather

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

NO_PROJECT = "No project is chosen. %ds_project NAME_OR_ID chooses one."


class Commands:
    """One per kernel: holds the link and the project that was chosen here."""

    def __init__(self, shell: InteractiveShell, address: Address) -> None:
        self._shell = shell
        self._link = Link(address)
        self._pacer = Pacer()
        self._project_id: str | None = None

    def execute(self, options: ExecuteArguments, code: str | None) -> None:
        """Run something in the project; afterwards the outputs that were asked for are local variables.

        Those that came are, even where the code raised, as after a local cell that raises: what was computed
        before is not thrown away. An error says which did not come.
        """
        request = ExecutionRequest(
            source=_source(options, code),
            project=options.project or self._project_id,
            inputs=gather(self._shell, options.input),
            outputs=options.output,
            spec=options.spec,
            timeout=options.timeout,
        )
        run = Run(self._link, request, self._shell, self._pacer, quiet=options.quiet)
        try:
            run.complete()
        finally:
            self._shell.user_ns.update(run.variables)
        missing = [name for name in options.output if name not in run.variables]
        if missing:
            raise ExpectedError(
                f"Execution {run.id} succeeded, but gave no variable {_listed(missing)}.",
                code="output-missing",
                hint="Does the code define it, as a value that JSON knows?",
            )

    def project(self, options: ProjectArguments) -> None:
        if options.name is None:
            project = self._status(self._project_id).project
        else:
            status = self._status(options.name)
            if status.problem is not None:
                raise error_from(status.problem)
            project = status.project
            if project is None:
                raise UnavailableError(f"Whether there is a project {options.name!r} could not be found out.")
            self._project_id = project.id  # the name may change
        if project is None:
            self._publish({"text/plain": NO_PROJECT})
        else:
            self._publish(facts([("Project", _named(project))]))

    def status(self, options: StatusArguments) -> None:
        self._publish(facts(_status_facts(self._status(options.project or self._project_id))))

    def variables(self, options: VarsArguments) -> None:
        session = options.session or (None if options.notebook else "main")
        answer = self._link.variables(
            names=options.names,
            session=session,
            notebook=options.notebook,
            project=options.project or self._project_id,
        )
        if options.names:
            came = {variable.name: variable for variable in answer.variables}
            for name in options.names:
                if name not in came:
                    raise NotFoundError(
                        f"There is no variable {name!r} in {options.notebook or f'session {session}'}.",
                        hint=did_you_mean(name, came) or "%ds_vars without names shows what there is.",
                    )
                if not _has_value(came[name]):
                    raise ExpectedError(
                        f"{name!r} cannot travel: it is of type {came[name].kind}.",
                        code="variable-cannot-travel",
                        hint="Convert it over there to a value that JSON knows.",
                    )
            # Only now: all of them or none.
            self._shell.user_ns.update({name: came[name].value for name in options.names})
        elif answer.variables:
            rows = [(variable.name, variable.kind, _preview(variable)) for variable in answer.variables]
            self._publish(table(("Name", "Type", "Value"), rows))
        else:
            self._publish({"text/plain": f"{options.notebook or f'Session {session}'} has no variables."})

    def _status(self, project: str | None) -> ServerStatus:
        return self._link.status(project)

    def _publish(self, data: dict[str, str]) -> None:
        self._shell.display_pub.publish(data)


def _source(options: ExecuteArguments, code: str | None) -> Source:
    if code is not None:
        return Code(code, session=options.session or "main")
    if options.cell is not None:
        return Cell(options.cell)
    assert options.path is not None  # the parser saw to it
    return Notebook(options.path, session=options.session, direct=options.direct)


def _status_facts(status: ServerStatus) -> list[tuple[str, str]]:
    connection: str = status.connection
    if status.problem is not None:
        connection += f": {error_from(status.problem)}"
    credentials = status.credentials or "none"
    if status.credentials_expire_at is not None:
        credentials += f", {_expiry(status.credentials_expire_at)}"
    rows = [("Connection", connection), ("Endpoint", status.endpoint), ("Credentials", credentials)]
    if status.project is None:
        rows.append(("Project", NO_PROJECT))
    else:
        balance = status.project.unit_balance
        rows.append(("Project", _named(status.project)))
        rows.append(("Balance", "no limit" if balance is None else f"{balance} units"))
        for channel, word in status.project.channels.items():
            rows.append((f"Channel {channel}", word))
    return [*rows, ("Running", str(status.running)), ("Version", status.version)]


def _expiry(at: float) -> str:
    left = at - time.time()
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    return f"expired since {when}" if left <= 0 else f"until {when} ({duration(left)} left)"


def _named(project: ProjectInfo) -> str:
    return f"{project.name} ({project.id})"


def _has_value(variable: Variable) -> bool:
    return variable.value is not msgspec.UNSET


def _preview(variable: Variable) -> str:
    if variable.preview or not _has_value(variable):
        return variable.preview
    return msgspec.json.encode(variable.value).decode()


def _listed(names: list[str]) -> str:
    return " or ".join(repr(name) for name in names)
