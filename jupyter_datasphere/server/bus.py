"""Jupyter's event bus: front ends hear there what has changed, instead of asking again and again.

The events are described by the schemas in `events/`; they hold no secret, no code and no output. The bus
checks and passes an event on while somebody listens, and costs next to nothing while nobody does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..protocol import Execution, ProjectInfo, ServerStatus

if TYPE_CHECKING:
    from jupyter_events import EventLogger

SCHEMAS = Path(__file__).with_name("events")
EXECUTION = "https://jupyter-datasphere/events/execution"
CONNECTION = "https://jupyter-datasphere/events/connection"
PROJECT = "https://jupyter-datasphere/events/project"
RESOURCES = "https://jupyter-datasphere/events/resources"


class Bus:
    """Tells of executions, the connection, the project in force, and changes of what is listed."""

    def __init__(self, logger: EventLogger) -> None:
        self._logger = logger
        self._connection: dict[str, Any] | None = None
        for schema in sorted(SCHEMAS.glob("*.yaml")):
            logger.register_event_schema(schema)

    def execution(self, execution: Execution) -> None:
        """An execution has come to another state."""
        self._logger.emit(
            schema_id=EXECUTION,
            data={
                "execution_id": execution.id,
                "state": execution.state,
                "project_id": execution.project_id,
                "project_name": execution.project_name,
                "channel": execution.channel,
                "spec": execution.spec,
                "created_at": execution.created_at,
                "started_at": execution.started_at,
                "finished_at": execution.finished_at,
                "units": execution.units,
                "problem": execution.problem.code if execution.problem else None,
            },
        )

    def project(self, project: ProjectInfo | None) -> None:
        """Another project is in force."""
        self._logger.emit(schema_id=PROJECT, data={"project_id": project.id if project else None})

    def resources(self, operation_id: str) -> None:
        """An operation of the service has ended."""
        self._logger.emit(schema_id=RESOURCES, data={"operation_id": operation_id})

    def connection(self, status: ServerStatus) -> None:
        """The connection was looked at; told only where it is not as before."""
        expires_at = status.credentials_expire_at
        data = {
            "connection": status.connection,
            "problem": status.problem.code if status.problem else None,
            "credentials": status.credentials,
            # Whole seconds: it is a sum of clocks, whose last digits differ from one look to the next.
            "credentials_expire_at": None if expires_at is None else round(expires_at),
        }
        if self._connection is None or _differ(data, self._connection):
            self._connection = data
            self._logger.emit(schema_id=CONNECTION, data=data)


def _differ(now: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether there is something to tell: the end of a token is computed anew each time, to microseconds."""
    ends = now["credentials_expire_at"], before["credentials_expire_at"]
    if None not in ends and abs(ends[0] - ends[1]) < 1:
        now = {**now, "credentials_expire_at": ends[1]}
    return now != before
