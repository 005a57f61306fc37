"""Calls of the DataSphere API through the server, and the operations that they begin."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from ..errors import UnavailableError, UsageError
from ..kernel.answers import DisconnectedError
from ..kernel.problems import error_from
from ..kernel.steps import Ask, Steps, persistent
from ..protocol import OperationState

Kind = Literal["community", "project"]
"""What has members, restrictions and resources."""

TIMEOUT = 120.0
"""Seconds for which an operation is waited for where nothing else is said."""

LONGEST_WAIT = 20.0
"""Seconds for which one question about an operation may wait for its end."""

PLACES: dict[Kind, str] = {"community": "/api/v2/communities", "project": "/api/v2/projects"}

_ID = re.compile(r"[A-Za-z0-9_-]{1,50}")


class Operation(msgspec.Struct, rename="camel", frozen=True):
    """What is needed of the operation that a change answers with; what it gives back may be a secret."""

    id: str
    done: bool = False
    metadata: dict[str, Any] = {}
    error: dict[str, Any] | None = None


def path_of(kind: Kind, resource_id: str, verb: str = "") -> str:
    """The path of a community or project; `verb` begins with a colon."""
    return f"{PLACES[kind]}/{checked_id(resource_id)}{verb}"


def checked_id(text: str) -> str:
    """`text`, which must have the form of an ID. Raises `UsageError` (code "bad-id")."""
    if not _ID.fullmatch(text):
        raise UsageError(
            f"{text[:60]!r} is not an ID of DataSphere.",
            code="bad-id",
            hint="IDs consist of up to 50 letters, digits, '-' and '_'.",
        )
    return quote(text, safe="")


def get(path: str, answer: type[Any], params: Mapping[str, Any] | None = None) -> Steps[Any]:
    """What the server answers to a question; may be asked more than once."""
    return persistent(Ask("GET", path, answer, params=params or {}))


def change(
    verb: str, path: str, body: Mapping[str, Any] | None = None, *, timeout: float = TIMEOUT
) -> Steps[Operation]:
    """Change something, and wait for the operation to end.

    It carries an idempotency key: so it is asked for again where a connection to the server breaks, and done
    once. Raises what the service answers, what the operation ended with, and `UnavailableError`: the server
    stays away (code "connection-lost"), or the operation takes longer than `timeout` seconds ("timeout").
    """
    headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
    content = None if body is None else msgspec.json.encode(body)
    try:
        operation: Operation = yield from persistent(
            Ask(verb, path, Operation, headers=headers, content=content)
        )
    except DisconnectedError as error:
        raise UnavailableError(
            f"{error.message} Whether the change was made is not known.",
            code="connection-lost",
            hint="Look at what there is, once the server answers again.",
        ) from error
    yield from ended(operation, timeout)
    return operation


def ended(operation: Operation, timeout: float) -> Steps[None]:
    """Wait for the end of an operation. Raises what it ended with, and `UnavailableError` ("timeout")."""
    if operation.done and operation.error is None:
        return
    until = time.monotonic() + timeout
    while True:
        left = max(0.0, until - time.monotonic())
        state: OperationState = yield from get(
            f"/operations/{checked_id(operation.id)}", OperationState, {"wait": min(left, LONGEST_WAIT)}
        )
        if state.problem is not None:
            raise error_from(state.problem)
        if state.done:
            return
        if not left:
            raise UnavailableError(
                f"Operation {operation.id} has not ended within {timeout:g} s.",
                code="timeout",
                hint="It goes on: look again later.",
            )
