"""How a run ended, read from the service's operation."""

from __future__ import annotations

import msgspec

from ...datasphere import operations, types
from ...datasphere.client import Client
from ...errors import ServiceError
from ...protocol import Problem
from .base import Outcome, Run

STOPPED = Problem(
    code="stopped",
    title="The service stopped the run before its code came to its end, and does not say why.",
    status=409,
    hint="Its interpreter may have been killed, as the system does when memory runs out; its machine or the "
    "service may have been started anew; or somebody cancelled its operation.",
)
"""A status for many ends: what they are, the API does not tell apart."""

CANCELLED = Problem(
    code="interrupted",
    title="The operation of the run was cancelled at the service.",
    status=409,
    hint="If nobody meant it, run it again.",
)

LOST = Outcome(
    "lost",
    Problem(
        code="operation-lost",
        title="The service no longer knows the operation of this run.",
        status=404,
        hint="Look in the project whether its results are there before you run it again.",
    ),
)

FINISHED = {
    "ok": Outcome("succeeded"),
    "error": Outcome("failed"),
    "aborted": Outcome(
        "cancelled",
        Problem(
            code="interrupted",
            title="The run was interrupted over there.",
            status=409,
            hint="Somebody interrupted its kernel or cancelled its operation, or its machine was stopped. "
            "If nobody meant it, run it again.",
        ),
    ),
}
"""By the status of the runner's last event."""


async def operation_of(client: Client, run: Run) -> types.Operation | None:
    """The operation of a run that was sent; None where the service no longer knows it."""
    assert run.execution.operation_id is not None
    try:
        return await client.get_operation(run.execution.operation_id)
    except ServiceError as error:
        if error.code != "not-found":
            raise
        return None


async def is_over(client: Client, run: Run) -> bool:
    """Whether the service has let go of a run that was sent."""
    operation = await operation_of(client, run)
    return operation is None or operation.done


def response_of(operation: types.Operation) -> types.ExecutionResponse:
    """The response of an execution's operation; an empty one where there is none."""
    try:
        return types.convert(operation.response or {}, types.ExecutionResponse)
    except msgspec.ValidationError:
        return types.ExecutionResponse()  # a status that we do not know is no status


def without_outputs(operation: types.Operation) -> Outcome:
    """How an operation that is done ended, where the service has no outputs of its run any more."""
    outcome = outcome_of(operation)
    if outcome.problem is not None:
        return outcome
    problem = Problem(
        code="outputs-gone",
        title=f"The run ended with status {response_of(operation).execution_status}, but the service has no"
        " outputs and variables of it any more.",
        status=410,
        hint="It keeps those of the last runs of a notebook only, and nobody followed this one. Look in the"
        " project whether its results are there before you run it again.",
    )
    return Outcome("lost", problem)


def stopped_by(operation: types.Operation) -> Outcome | None:
    """Why the service itself ended or refused a run, the units for example; None where it did not."""
    failure = operations.failure_of(operation)
    if failure is None or failure.grpc_code == 1:
        return None
    return Outcome("failed", Problem.of(failure))


def outcome_of(operation: types.Operation) -> Outcome:
    """How an operation that is done ended: a failed run may be a status or an error."""
    if (stopped := stopped_by(operation)) is not None:
        return stopped
    if operations.failure_of(operation) is not None:
        return Outcome("cancelled", CANCELLED)
    match response_of(operation).execution_status:
        case "OK":
            return Outcome("succeeded")
        case "ABORTED":
            return Outcome("cancelled", STOPPED)
        case "ERROR":
            return Outcome("failed")
        case status:
            return Outcome(
                "failed",
                Problem(
                    code="no-status",
                    title=f"The run ended, but the service does not say how (status {status}).",
                    status=502,
                ),
            )
