"""Errors of the server become exceptions here: the one place that translates."""

from __future__ import annotations

from typing import TypeVar

from .. import errors
from ..protocol import Problem, State

Error = TypeVar("Error", bound=errors.DataSphereError)

_BY_CODE: dict[str, type[errors.DataSphereError]] = {
    kind.code: kind
    for kind in (
        errors.UsageError,
        errors.NotFoundError,
        errors.ConflictError,
        errors.CredentialsError,
        errors.ServiceError,
        errors.UnavailableError,
        errors.InternalError,
        errors.StorageError,
        errors.ChannelError,
        errors.QuotaError,
        errors.VariableError,
    )
} | {
    "balance-spent": errors.QuotaError,
    "too-expensive": errors.QuotaError,
    "resource-exhausted": errors.QuotaError,
    "failed-precondition": errors.ConflictError,
    "interrupted": errors.RunCancelledError,
    "no-link": errors.ChannelError,
    "no-files-endpoint": errors.ChannelError,
    "no-such-method": errors.ChannelError,
    "no-runner": errors.ChannelError,
    "no-ipython": errors.ChannelError,
    "not-jupyter": errors.ChannelError,
    "runner-silent": errors.ChannelError,
    "parts-missing": errors.ChannelError,
}
STOPPED = "stopped"
"""Code of the problem where the service ended the run, and not its code."""
ENDED = (STOPPED, "kernel-ended")
"""Codes of the problems where the interpreter ended under the code."""
STOPPED_THERE = (
    "The service stopped the run before its code came to its end, and does not say why: the interpreter may"
    " have been killed, as the system does when memory runs out (--spec gives more); its machine or the"
    " service may have been started anew; or somebody cancelled the operation."
)

_BY_STATUS: dict[int, type[errors.DataSphereError]] = {
    400: errors.UsageError,
    401: errors.CredentialsError,
    403: errors.CredentialsError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    412: errors.ConflictError,
    502: errors.ServiceError,
    503: errors.UnavailableError,
    504: errors.UnavailableError,
    507: errors.StorageError,
}


def error_from(problem: Problem) -> errors.DataSphereError:
    """The exception for a problem: by its code where a class has that code, else by its status."""
    return _error(_kind(problem), problem)


def ending_from(state: State, problem: Problem) -> errors.DataSphereError:
    """The exception for a run that ended in that state with a problem.

    The state goes before the code: the service's own timeouts have the code of ours, for example.
    """
    if problem.code in ENDED:
        told = (
            STOPPED_THERE
            if problem.code == STOPPED
            else " ".join(filter(None, (problem.title, problem.hint)))
        )
        return errors.InterpreterEndedError(told, code=problem.code, request_id=problem.request_id)
    match state:
        case "cancelled" if problem.code == errors.TimeoutExceededError.code:
            return _error(errors.TimeoutExceededError, problem)
        case "cancelled":
            return _error(errors.RunCancelledError, problem)
        case "lost" | "unknown":
            return _error(errors.RunLostError, problem)
        case _:
            kind = _kind(problem)
            return _error(errors.RunError if kind is errors.ExpectedError else kind, problem)


def _kind(problem: Problem) -> type[errors.DataSphereError]:
    kind = _BY_CODE.get(problem.code) or _BY_STATUS.get(problem.status)
    if kind is None:
        kind = errors.ExpectedError if problem.status < 500 else errors.DataSphereError
    return kind


def _error(kind: type[Error], problem: Problem) -> Error:
    return kind(
        problem.title,
        code=problem.code,
        hint=problem.hint,
        request_id=problem.request_id,
        http_status=problem.status,
    )
