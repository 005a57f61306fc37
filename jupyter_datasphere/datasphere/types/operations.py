"""Long-running operations, and errors."""

from __future__ import annotations

from typing import Any

from .limits import Timestamp
from .wire import Message


class Status(Message):
    """The body of every error answer (google.rpc.Status); `code` is the gRPC number."""

    code: int = 0
    message: str = ""
    details: list[dict[str, Any]] = []


class Operation(Message):
    """A long-running operation. `error` may be set while `done` is still false (rollback)."""

    id: str
    description: str = ""
    created_at: Timestamp = ""
    created_by: str = ""
    modified_at: Timestamp = ""
    done: bool = False
    metadata: dict[str, Any] | None = None
    error: Status | None = None
    response: dict[str, Any] | None = None
