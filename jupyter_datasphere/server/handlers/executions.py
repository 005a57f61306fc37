"""``/datasphere/executions``: start, list, look, cancel."""

from __future__ import annotations

from typing import Any, get_args

from ...errors import UsageError
from ...protocol import ExecutionRequest, State
from .base import DataSphereHandler, allow_unauthenticated
from .events import EventStream

EXECUTION_ID = "X-Execution-Id"
MAX_PAGE = 1000


class ExecutionsHandler(EventStream):
    """Start an execution, list executions."""

    @allow_unauthenticated
    async def post(self) -> None:
        """Start. With ``Accept: text/event-stream`` the answer is the event stream at once."""
        execution_id = self.backend.executions.begin(
            self.read_body(ExecutionRequest),
            project=self.backend.project_in_force,
            execution_id=self.request.headers.get(EXECUTION_ID),
        )
        self.set_header(EXECUTION_ID, execution_id)
        if "text/event-stream" in self.request.headers.get("Accept", ""):
            await self.stream(execution_id, 0)
        else:
            execution = await self.backend.executions.arrived(execution_id)
            self.set_header("Location", f"{self.request.path}/{execution.id}")
            self.answer(execution, 201)

    @allow_unauthenticated
    def get(self) -> None:
        """Newest first. Query: `state` (repeatable), `project_id`, `before` (created_at), `limit`."""
        states = self.get_query_arguments("state")
        if unknown := set(states) - set(get_args(State)):
            raise UsageError(f"There is no state {min(unknown)[:40]!r}.")
        before = self.get_query_argument("before", None)
        filters: dict[str, Any] = {
            "states": states,
            "project_id": self.get_query_argument("project_id", None),
            "before": None if before is None else _number(before, "before"),
            "limit": int(min(max(_number(self.get_query_argument("limit", "100"), "limit"), 1), MAX_PAGE)),
        }
        self.answer({"executions": self.backend.executions.search(**filters)})


class ExecutionHandler(DataSphereHandler):
    """Look at one execution; one that is being checked is answered once it was."""

    @allow_unauthenticated
    async def get(self, execution_id: str) -> None:
        self.answer(await self.backend.executions.arrived(execution_id))


class CancelHandler(DataSphereHandler):
    """Ask for the end of an execution; its events tell how it ended."""

    @allow_unauthenticated
    def post(self, execution_id: str) -> None:
        self.answer(self.backend.executions.cancel(execution_id), 202)


def _number(text: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise UsageError(f"{name} must be a number.") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise UsageError(f"{name} must be a finite number.")
    return number
