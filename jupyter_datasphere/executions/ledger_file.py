"""One SQLite file of the ledger: executions and their events. Only `ledger.py` opens these."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from ..errors import StorageError
from ..protocol import FINAL_STATES, Event, Execution, ExecutionRequest, State
from .ledger_trouble import (
    APPLICATION_ID,
    DAMAGE_SUFFIX,
    DAMAGED,
    ForeignFileError,
    damaged,
    full,
    locked,
    unwritable,
)

SCHEMA_VERSION = 2
"""1: as now, but what was deleted left the file as large as it was."""

_NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR)

BUSY_SECONDS = 0.05
"""How long SQLite itself waits for a lock of another program: the event loop stands still meanwhile."""

PRUNED_AT_ONCE = 100
"""Events: a few milliseconds, so that the event loop goes on."""
FREED_AT_ONCE = 1000
"""Pages, in about a millisecond."""
LOG_SIZE = 4 * 2**20
"""Bytes to which the write-ahead log grows before it goes to the file, and shrinks again after a burst."""
LOG_SHARE = 10
"""At most this part of what is free on the disk may become log: of 3 MB, it would take all."""
LEAST_LOG_SIZE = 2**18
PAGE_SIZE = 4096

_SCHEMA = """
CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    state TEXT NOT NULL,
    project_id TEXT NOT NULL,
    record BLOB NOT NULL,            -- JSON of Record
    request BLOB,                    -- JSON of ExecutionRequest, until the service has taken it
    source_cursor INTEGER NOT NULL,  -- number of the last event of the runner that is below
    last_event INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX executions_by_time ON executions (created_at, id);
CREATE INDEX executions_by_state ON executions (state);
CREATE TABLE events (
    execution_id TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,         -- 1, 2, 3, … without gaps
    event BLOB NOT NULL,             -- JSON of Event
    PRIMARY KEY (execution_id, number)
) WITHOUT ROWID;
"""


class Record(msgspec.Struct, omit_defaults=True):
    """What the ledger knows of an execution besides what callers see."""

    execution: Execution
    idempotency_key: str
    first_attempt: float | None = None
    """When it was first sent, in seconds since the epoch."""
    operation_created_at: str = ""
    """The service's own time stamp of the operation."""
    timeout: float | None = None
    """Seconds after `created_at` at which it is to be cancelled."""
    max_units: int | None = None
    """Units that it is not to pass."""
    cancel_reason: str | None = None
    """Why an end was asked for ("interrupt", "timeout", "max-units"); None: it was not."""


class LedgerFile:
    """An open ledger file. Not for use by several threads."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        self._unwritten: str | None = None
        self._unsynced: str | None = None
        self._damage: StorageError | None = None
        if not read_only:
            path.touch(mode=0o600)
        mode = "ro" if read_only else "rw"
        uri = f"{path.resolve().as_uri()}?mode={mode}"
        try:
            self._db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
        except sqlite3.OperationalError as error:
            raise unwritable(path.parent, error) from error
        try:
            if not read_only and self._is_empty():
                self._create()
            self._check()
        except (sqlite3.DatabaseError, ForeignFileError) as error:
            self._db.close()
            raise ForeignFileError(f"{path} is no ledger of this version: {error}") from error
        except StorageError as error:
            self._db.close()
            if error.code == DAMAGED:
                raise ForeignFileError(f"{path} is damaged: {error.__cause__}") from error
            raise

    def _is_empty(self) -> bool:
        """Whether it is new, or was left by a process that died while it made it."""
        (application,) = self._execute("PRAGMA application_id").fetchone()
        (entries,) = self._execute("SELECT count(*) FROM sqlite_master").fetchone()
        return bool(application == 0 and entries == 0)

    def _create(self) -> None:
        self._execute("PRAGMA auto_vacuum = INCREMENTAL")  # has an effect before the first table only
        with self.transaction():
            # Not executescript(), which would commit the transaction first.
            for statement in _SCHEMA.split(";"):
                self._execute(statement)
            self._execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _check(self) -> None:
        (application,) = self._execute("PRAGMA application_id").fetchone()
        (version,) = self._execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID or not 1 <= version <= SCHEMA_VERSION:
            raise ForeignFileError(f"application {application:#x}, version {version}")
        self._wal: Path | None = None
        if self._read_only:
            return  # the rest is the owner's business; older ones can be read
        if version < SCHEMA_VERSION:
            self._migrate()
        (mode,) = self._execute("PRAGMA journal_mode = WAL").fetchone()
        if mode == "wal":
            self._wal = self.path.with_name(f"{self.path.name}-wal")
        # With a write-ahead log a commit survives the death of this process without waiting for the disk;
        # `sync` waits. Where the file system cannot do that, every commit waits.
        self._execute(f"PRAGMA synchronous = {'NORMAL' if self._wal else 'FULL'}")
        self._execute("PRAGMA foreign_keys = ON")
        share = shutil.disk_usage(self.path.parent).free // LOG_SHARE
        log_size = min(max(share, LEAST_LOG_SIZE), LOG_SIZE)
        self._execute(f"PRAGMA journal_size_limit = {log_size}")
        self._execute(f"PRAGMA wal_autocheckpoint = {log_size // PAGE_SIZE}")

    def _migrate(self) -> None:
        """From version 1. Cut off in the middle, it is done again."""
        self._execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._execute("VACUUM")
        self._execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        self._db.close()

    def sync(self) -> None:
        """Wait until all commits would survive a power failure too. May be called from any thread.

        Raises `StorageError`, as whatever writes does.
        """
        if self._wal is None:
            return
        try:
            descriptor = os.open(self._wal, os.O_RDWR)
        except FileNotFoundError:  # nothing was written yet
            return
        except OSError as error:
            trouble = unwritable(self.path.parent, error)
            self._unsynced = trouble.message
            raise trouble from error
        try:
            os.fsync(descriptor)
        except OSError as error:
            trouble = full(self.path.parent, error)
            self._unsynced = trouble.message
            raise trouble from error
        finally:
            os.close(descriptor)
        self._unsynced = None

    @property
    def problem(self) -> str | None:
        """Why the last attempt to write failed."""
        if self._damage is not None:
            return self._damage.message
        return self._unwritten or self._unsynced

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside goes to the disk in one piece; inside of another one, with that."""
        if self._db.in_transaction:
            yield
            return
        try:
            self._execute("BEGIN IMMEDIATE")
            try:
                yield
                self._execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.DatabaseError):  # on a full disk, SQLite itself may have done it
                    self._db.execute("ROLLBACK")
                raise
        except StorageError as error:
            self._unwritten = error.message
            self._db.execute("PRAGMA busy_timeout = 0")  # those who try after this one shall not wait, too
            raise
        if self._unwritten is not None:
            self._unwritten = None
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """The cursor at its first row; what reads on does that `_reading`."""
        with self._reading():
            return self._db.execute(statement, values)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Raises `StorageError` for what is the matter with the file, the disk, or with other programs."""
        try:
            yield
        except msgspec.ValidationError:  # whole, but of another version
            raise
        except msgspec.DecodeError as error:
            raise self._damaged(error) from error
        except sqlite3.DatabaseError as error:
            if (trouble := self._trouble(error)) is None:
                raise
            raise trouble from error

    def _trouble(self, error: sqlite3.DatabaseError) -> StorageError | None:
        """What that means, unless it is a mistake of ours."""
        whole_code = getattr(error, "sqlite_errorcode", 0)
        if whole_code in _NO_SPACE:
            return full(self.path.parent, error)
        code = whole_code & 0xFF  # what is above that says more than we need
        if code in _DAMAGED:
            return self._damaged(error)
        if code in _UNWRITABLE:
            return unwritable(self.path.parent, error)
        if code in _LOCKED:
            return locked(self.path)
        return None

    def _damaged(self, error: Exception) -> StorageError:
        self._damage = damaged(self.path, error)
        if not self._read_only:
            with suppress(OSError):  # then it is met again
                self.path.with_suffix(DAMAGE_SUFFIX).touch(mode=0o600)
        return self._damage

    def insert(self, record: Record, request: ExecutionRequest, events: Sequence[Event]) -> None:
        """Write a new execution with its first events."""
        if self._damage is not None:
            raise self._damage  # the next start sets this file aside
        execution = record.execution
        execution.last_event = len(events)
        with self.transaction():
            self._execute(
                "INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
                (
                    execution.id,
                    execution.created_at,
                    execution.state,
                    execution.project_id,
                    msgspec.json.encode(record),
                    msgspec.json.encode(request),
                    len(events),
                ),
            )
            self._insert_events(execution.id, 1, events)

    def update(self, record: Record, events: Sequence[Event], *, drop_request: bool = False) -> None:
        """Write a changed record and the events that belong to the change."""
        execution = record.execution
        first = execution.last_event + 1
        execution.last_event += len(events)
        with self.transaction():
            self._execute(
                "UPDATE executions SET state = ?, record = ?, last_event = ?,"
                " request = CASE WHEN ? THEN NULL ELSE request END WHERE id = ?",
                (
                    execution.state,
                    msgspec.json.encode(record),
                    execution.last_event,
                    drop_request,
                    execution.id,
                ),
            )
            self._insert_events(execution.id, first, events)

    def append(self, execution_id: str, events: Sequence[Event], source_cursor: int | None) -> None:
        """Write events; `source_cursor` is the runner's number of the last of them, where it has one."""
        with self.transaction():
            (last,) = self._execute(
                "UPDATE executions SET last_event = last_event + ?,"
                " source_cursor = coalesce(?, source_cursor) WHERE id = ? RETURNING last_event",
                (len(events), source_cursor, execution_id),
            ).fetchone()
            self._insert_events(execution_id, last - len(events) + 1, events)

    def _insert_events(self, execution_id: str, first: int, events: Iterable[Event]) -> None:
        for number, event in enumerate(events, start=first):
            self._execute(
                "INSERT INTO events VALUES (?, ?, ?)", (execution_id, number, msgspec.json.encode(event))
            )

    def record(self, execution_id: str) -> Record | None:
        """An execution as it stands now; None where this file does not have it."""
        row = self._execute(
            "SELECT record, last_event FROM executions WHERE id = ?", (execution_id,)
        ).fetchone()
        with self._reading():
            return None if row is None else _record(*row)

    def request(self, execution_id: str) -> ExecutionRequest | None:
        """What was asked for; None once the service has taken it."""
        row = self._execute("SELECT request FROM executions WHERE id = ?", (execution_id,)).fetchone()
        with self._reading():
            if row is None or row[0] is None:
                return None
            return msgspec.json.decode(row[0], type=ExecutionRequest)

    def source_cursor(self, execution_id: str) -> int:
        """The runner's number of the last event that was written."""
        (cursor,) = self._execute(
            "SELECT source_cursor FROM executions WHERE id = ?", (execution_id,)
        ).fetchone()
        return int(cursor)

    def outputs_seen(self, execution_id: str) -> dict[int, int]:
        """Per cell, how many outputs were written."""
        cursor = self._execute(
            "SELECT coalesce(json_extract(event, '$.cell'), 0), count(*) FROM events WHERE execution_id = ?"
            " AND json_extract(event, '$.type') IN ('output', 'failure') GROUP BY 1",
            (execution_id,),
        )
        with self._reading():
            return dict(cursor.fetchall())

    @property
    def size(self) -> int:
        """Bytes of what is in it; the file may be larger for a while."""
        (bytes_,) = self._execute(
            "SELECT (page_count - freelist_count) * page_size"
            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        ).fetchone()
        return int(bytes_)

    def count(self) -> int:
        """How many executions are in it."""
        return int(self._execute("SELECT count(*) FROM executions").fetchone()[0])

    def oldest_finished(self) -> tuple[str, float] | None:
        """ID and creation time of the execution that is to be pruned first."""
        states = sorted(FINAL_STATES)
        row: tuple[str, float] | None = self._execute(
            f"SELECT id, created_at FROM executions WHERE state IN ({', '.join('?' * len(states))})"  # noqa: S608
            " ORDER BY created_at, id LIMIT 1",
            states,
        ).fetchone()
        return row

    def prune(self, execution_id: str) -> Iterator[None]:
        """Delete an execution, step by step, its last events first: so those before them have no gap."""
        last = -1
        while last:
            with self.transaction():
                (last,) = self._execute(
                    "UPDATE executions SET last_event = max(0, last_event - ?) WHERE id = ?"
                    " RETURNING last_event",
                    (PRUNED_AT_ONCE, execution_id),
                ).fetchone()
                self._execute(
                    "DELETE FROM events WHERE execution_id = ? AND number > ?", (execution_id, last)
                )
                if last == 0:
                    self._execute("DELETE FROM executions WHERE id = ?", (execution_id,))
            yield

    def shrink(self) -> Iterator[None]:
        """Give what was deleted back to the file system, step by step."""
        while self._execute("PRAGMA freelist_count").fetchone()[0]:
            cursor = self._execute(f"PRAGMA incremental_vacuum({FREED_AT_ONCE})")
            with self._reading():
                cursor.fetchall()
            yield

    def events(self, execution_id: str, after: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Numbers and JSON of the events after one, as many as fit into `max_bytes`, at least one."""
        found: list[tuple[int, bytes]] = []
        size = 0
        cursor = self._execute(
            "SELECT number, event FROM events WHERE execution_id = ? AND number > ? ORDER BY number",
            (execution_id, after),
        )
        with self._reading():
            for number, event in cursor:
                size += len(event)
                if found and size > max_bytes:
                    break
                found.append((number, bytes(event)))
        cursor.close()
        return found

    def search(
        self,
        *,
        states: Sequence[State] = (),
        project_id: str | None = None,
        before: float | None = None,
        limit: int = 100,
    ) -> list[Execution]:
        """Executions, newest first; `before` is a creation time, in seconds since the epoch."""
        conditions, values = ["1"], list[str | float]()
        if states:
            conditions.append(f"state IN ({', '.join('?' * len(states))})")
            values.extend(states)
        if project_id is not None:
            conditions.append("project_id = ?")
            values.append(project_id)
        if before is not None:
            conditions.append("created_at < ?")
            values.append(before)
        cursor = self._execute(
            f"SELECT record, last_event FROM executions WHERE {' AND '.join(conditions)}"  # noqa: S608
            " ORDER BY created_at DESC, id DESC LIMIT ?",
            (*values, limit),
        )
        with self._reading():
            return [_record(*row).execution for row in cursor]


def _record(record: bytes, last_event: int) -> Record:
    decoded = msgspec.json.decode(record, type=Record)
    decoded.execution.last_event = last_event
    return decoded
