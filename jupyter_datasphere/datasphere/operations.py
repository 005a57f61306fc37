"""Waiting for a long-running operation, and reading how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..errors import ServiceError, UnavailableError
from . import failures, types
from .schedule import Schedule


def failure_of(operation: types.Operation) -> ServiceError | None:
    """The error with which an operation ended, or None. An error before the end is a rollback under way."""
    if operation.done and operation.error is not None:
        return failures.from_status(operation.error)
    return None


async def watch(
    operation: types.Operation,
    get: Callable[[str], Awaitable[types.Operation]],
    *,
    timeout: float | None,
) -> types.Operation:
    """Ask until the operation is done, for `timeout` seconds at most; gives its last state, however it is."""
    schedule = Schedule()
    try:
        async with asyncio.timeout(timeout) as patience:
            while not operation.done:
                await asyncio.sleep(schedule.wait())
                operation = await get(operation.id)
    except TimeoutError:
        if not patience.expired():
            raise
    return operation


async def wait(
    operation: types.Operation,
    get: Callable[[str], Awaitable[types.Operation]],
    *,
    timeout: float | None = None,
) -> types.Operation:
    """Ask until the operation is done; `get` fetches its present state.

    Raises `ServiceError` where it ended with an error, `UnavailableError` after `timeout` seconds: the
    operation itself then goes on.
    """
    operation = await watch(operation, get, timeout=timeout)
    if not operation.done:
        raise UnavailableError(
            f"Operation {operation.id} has not ended within {timeout:g} s.",
            code="timeout",
            hint="It goes on: look again later.",
        )
    if (failure := failure_of(operation)) is not None:
        raise failure
    return operation
