"""Long-running operations, and the idempotency keys that lead back to them.

An operation is kept for good, unless it is forgotten on purpose. A key is kept for 24 hours: the same call
again gives the first operation in its present state; the same key with another call is code 3.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from ..datasphere.types import Operation, Status
from .clock import now, timestamp
from .errors import invalid, not_found
from .ids import new_id
from .store import Store

KEY_LIFETIME = 24 * 3600 * 1_000_000
EMPTY: dict[str, Any] = {"@type": "type.googleapis.com/google.protobuf.Empty"}


def any_of(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A google.protobuf.Any that holds a DataSphere message."""
    return {"@type": f"type.googleapis.com/yandex.cloud.datasphere.v2.{name}", **fields}


class About(NamedTuple):
    """Who began an operation, and the ID of the community or project that it is about."""

    account: str
    description: str
    resource: str


class _Begun(msgspec.Struct, rename="camel"):
    created_by: str
    description: str


class Operations:
    """All operations, running and done."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self,
        description: str,
        subject: str,
        resource: str,
        *,
        metadata: dict[str, Any] | None = None,
        response: dict[str, Any] | None = None,
    ) -> Operation:
        """A new operation about a community or project; done at once if there is a `response`."""
        created_at = timestamp(now())
        operation = Operation(
            id=new_id("op"),
            description=description,
            created_at=created_at,
            created_by=subject,
            modified_at=created_at,
            done=response is not None,
            metadata=metadata,
            response=response,
        )
        self._store.execute(
            "INSERT INTO operations (id, done, data, resource) VALUES (?, ?, ?, ?)",
            operation.id,
            operation.done,
            _encode(operation),
            resource,
        )
        return operation

    def raw(self, operation_id: str) -> msgspec.Raw:
        """The operation's JSON. Raises code 5."""
        row = self._store.one("SELECT data FROM operations WHERE id = ?", operation_id)
        if row is None:
            raise not_found("Operation", operation_id)
        return msgspec.Raw(row[0])

    def about(self, operation_id: str) -> About:
        """Whose operation it is, and about what. Raises code 5."""
        row = self._store.one("SELECT data, resource FROM operations WHERE id = ?", operation_id)
        if row is None:
            raise not_found("Operation", operation_id)
        begun = msgspec.json.decode(row[0], type=_Begun)
        return About(begun.created_by, begun.description, str(row[1]))

    def finish(
        self, operation_id: str, *, response: dict[str, Any] | None = None, error: Status | None = None
    ) -> None:
        """End an operation with exactly one of `response` and `error`. What has ended stays as it is.

        What is forgotten stays so: its execution goes on, and nobody can ask about the end.
        """
        assert (response is None) != (error is None)
        row = self._store.one("SELECT data FROM operations WHERE id = ?", operation_id)
        if row is None:
            return
        operation = msgspec.json.decode(row[0], type=Operation)
        if operation.done:
            return
        operation.done = True
        operation.modified_at = timestamp(now())
        operation.response = response
        operation.error = error
        self._store.execute(
            "UPDATE operations SET done = 1, data = ? WHERE id = ?", _encode(operation), operation_id
        )

    def forget(self, operation_id: str) -> None:
        """Know nothing of an operation any more.

        Its idempotency key stays: the same call again is code 5, and does not start its work a second time.
        """
        self._store.execute("DELETE FROM operations WHERE id = ?", operation_id)

    def once(
        self, subject: str, key: str | None, digest: bytes, call: Callable[[], Operation]
    ) -> Operation | msgspec.Raw:
        """Make a changing call, or find what the same call with the same key has made before.

        The key and what the call changes are written together or not at all; a call that fails leaves no
        key.
        """
        if key is None:
            with self._store.transaction():
                return call()
        try:
            key = str(uuid.UUID(key))
        except ValueError:
            raise invalid("Idempotency-Key", "expected a UUID") from None
        with self._store.transaction():
            self._store.execute(
                "DELETE FROM idempotency_keys WHERE subject = ? AND key = ? AND created_at < ?",
                subject,
                key,
                now() - KEY_LIFETIME,
            )
            row = self._store.one(
                "SELECT digest, operation FROM idempotency_keys WHERE subject = ? AND key = ?", subject, key
            )
            if row is not None:
                if row[0] != digest:
                    raise invalid("Idempotency-Key", "the key was used for another call")
                return self.raw(row[1])
            operation = call()
            self._store.execute(
                "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?)",
                subject,
                key,
                digest,
                operation.id,
                now(),
            )
            return operation


def _encode(operation: Operation) -> bytes:
    return msgspec.json.encode(operation)
