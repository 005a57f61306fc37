"""What a panel shows, asked of the server; and the same as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DataSphereError
from ..kernel.commands import Commands
from ..kernel.describe import HEADS, is_over, row
from ..kernel.link import Link
from ..kernel.remote_variables import variables_table
from ..kernel.status import status_facts
from ..kernel.tables import facts, table
from ..protocol import Execution, ServerStatus, Variables

SHOWN = 10
"""Runs that are shown at most."""

LOOKED_AT = 100
"""The newest runs, among which those that go on are shown first."""


@dataclass(frozen=True)
class Facts:
    """`variables` None: there are none to ask for, and `problem` says why, where that is not plain."""

    status: ServerStatus
    runs: Sequence[Execution]
    session: str
    variables: Variables | None = None
    problem: str | None = None

    @classmethod
    def gather(cls, commands: Commands, link: Link) -> Facts:
        """Asks the service, too. Raises `DataSphereError` where the server cannot tell the first of it."""
        session = commands.settings.session
        status = link.status(commands.project_id)
        shown = runs(link)
        if status.project is None:
            return cls(status, shown, session)
        try:
            variables = link.variables(
                names=[],
                session=session,
                notebook=None,
                project=status.project.id,
                channel=commands.channel(),
            )
        except DataSphereError as error:
            return cls(status, shown, session, problem=str(error))
        return cls(status, shown, session, variables)

    def variables_bundle(self) -> dict[str, str]:
        """The variables as a MIME bundle, or one that says why there are none."""
        if self.variables is not None and self.variables.variables:
            return variables_table(self.variables)
        return facts([("Variables", self.problem or "none")])

    def text(self) -> str:
        """All of it for a front end that shows text only."""
        parts = [facts(status_facts(self.status))["text/plain"]]
        if self.runs:
            parts.append(table(HEADS, [row(run) for run in self.runs])["text/plain"])
        parts.append(f"Session {self.session}\n{self.variables_bundle()['text/plain']}")
        return "\n\n".join(parts)


def runs(link: Link) -> list[Execution]:
    """The runs to show: those that go on first, and the newest first among each. Asks the server only."""
    return sorted(link.executions(LOOKED_AT), key=is_over)[:SHOWN]
