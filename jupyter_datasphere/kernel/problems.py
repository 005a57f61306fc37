"""Errors of the server become exceptions here: the one place that translates."""

from __future__ import annotations

from typing import TypeVar

from .. import errors
from ..protocol import Problem

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
    )
}
_BY_STATUS: dict[int, type[errors.DataSphereError]] = {
    401: errors.CredentialsError,
    403: errors.CredentialsError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    502: errors.ServiceError,
    503: errors.UnavailableError,
    504: errors.UnavailableError,
    507: errors.StorageError,
}


def error_from(problem: Problem) -> errors.DataSphereError:
    """The exception for a problem: by its code where a class has that code, else by its status."""
    return _error(_kind(problem), problem)


def timeout_from(problem: Problem) -> errors.TimeoutExceededError:
    """The exception for a run that was cancelled for its timeout.

    Who knows that says so: the service's own timeouts have the same code, and are an `UnavailableError`.
    """
    return _error(errors.TimeoutExceededError, problem)


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
