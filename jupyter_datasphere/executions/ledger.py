"""The ledger: every execution and every event, on disk before anybody sees it.

A folder with one SQLite file per server process. Its owner holds a lock that the operating system frees when
the process dies. A starting server takes over every file that nobody owns and writes on in one of them;
files of servers that are running are read only.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from ..errors import InternalError, NotFoundError
from ..protocol import (
    FINAL_STATES,
    TRANSITIONS,
    Event,
    Execution,
    ExecutionRequest,
    LedgerUsage,
    Problem,
    State,
    StatusEvent,
)
from .channels.base import Run
from .ledger_file import ForeignFileError, LedgerFile, Record

_log = logging.getLogger(__name__)

DAY = 24 * 3600.0
MAX_AGE_DAYS = 90.0
MAX_MEGABYTES = 2000

PAGE_BYTES = 256 * 1024
"""How much of the events is read at a time."""


class Ledger:
    """All executions of this user. Not for use by several threads. Close with `close()`."""

    def __init__(
        self, folder: Path, *, max_age: float = MAX_AGE_DAYS * DAY, max_bytes: int = MAX_MEGABYTES * 10**6
    ) -> None:
        self._folder = folder
        self._max_age = max_age
        self._max_bytes = max_bytes
        self._owned: list[LedgerFile] = []
        self._locks: list[FileLock] = []
        self._disk = asyncio.Lock()
        self._syncs_begun = self._last_synced = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in sorted(folder.glob("*.sqlite")):
            self._adopt(path)
        if not self._owned:
            self._adopt(folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}.sqlite")

    def _adopt(self, path: Path) -> None:
        lock = FileLock(path.with_suffix(".lock"), mode=0o600)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return  # its owner runs
        try:
            self._owned.append(LedgerFile(path))
        except ForeignFileError as error:
            aside = path.with_suffix(f".set-aside-{int(time.time())}")
            path.replace(aside)
            lock.release()
            _log.warning("%s. It was set aside as %s; nothing in it was changed.", error, aside)
            return
        self._locks.append(lock)

    def close(self) -> None:
        for file in self._owned:
            file.close()
        for lock in self._locks:
            lock.release()
        self._owned.clear()
        self._locks.clear()

    # Writing

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write everything inside in one piece. Nothing may await inside."""
        with ExitStack() as stack:
            for file in self._owned:
                stack.enter_context(file.transaction())
            yield

    async def sync(self) -> None:
        """Wait until everything written would survive a power failure. The event loop goes on meanwhile.

        Those who come while somebody waits for the disk share one wait after that.
        """
        begun_before = self._syncs_begun
        async with self._disk:
            if self._last_synced > begun_before:
                return  # somebody did it since
            self._syncs_begun = number = self._syncs_begun + 1
            for file in self._owned:
                await asyncio.to_thread(file.sync)
            self._last_synced = number

    def create(self, execution: Execution, request: ExecutionRequest, idempotency_key: str) -> None:
        """Write a new execution in the state `queued`."""
        record = Record(execution, idempotency_key, timeout=request.timeout, max_units=request.max_units)
        event = StatusEvent(state=execution.state, at=execution.created_at)
        self._owned[0].insert(record, request, [event])

    def transition(
        self,
        execution_id: str,
        state: State,
        *,
        detail: str | None = None,
        problem: Problem | None = None,
        operation_created_at: str | None = None,
        **changes: Any,
    ) -> Execution:
        """Move an execution to another state; `changes` are fields of `Execution` that change with it.

        Raises `InternalError` where the state machine does not allow that step.
        """
        file, record = self._find_owned(execution_id)
        if state not in TRANSITIONS[record.execution.state]:
            raise InternalError(
                f"Execution {execution_id} is {record.execution.state}, it cannot become {state}."
            )
        now = time.time()
        record.execution = msgspec.structs.replace(record.execution, state=state, problem=problem, **changes)
        if state == "staged":
            record.first_attempt = now
        if operation_created_at is not None:
            record.operation_created_at = operation_created_at
        event = StatusEvent(state=state, at=now, detail=detail, problem=problem)
        file.update(record, [event], drop_request=state not in ("queued", "staged"))
        return record.execution

    def ask_to_cancel(self, execution_id: str, reason: str) -> None:
        """Note that an end was asked for, so that a restart does not forget it."""
        file, record = self._find_owned(execution_id)
        if record.cancel_reason is None:
            record.cancel_reason = reason
            file.update(record, [])

    def append(self, execution_id: str, events: Sequence[Event], source_cursor: int | None = None) -> None:
        """Write events of a running execution; `source_cursor` is the runner's number of the last one."""
        if events:
            self._find_owned(execution_id)[0].append(execution_id, events, source_cursor)

    async def prune(self) -> int:
        """Drop finished executions of this server: those past the age, then the oldest while it is too large.

        One that has not ended is never dropped. Goes on in small steps; gives how many were dropped.
        """
        dropped = 0
        while (found := self._to_prune()) is not None:
            file, execution_id = found
            for _ in file.prune(execution_id):
                await asyncio.sleep(0)
            dropped += 1
        for file in self._owned:
            for _ in file.shrink():
                await asyncio.sleep(0)
        return dropped

    def _to_prune(self) -> tuple[LedgerFile, str] | None:
        candidates = [(found, file) for file in self._owned if (found := file.oldest_finished()) is not None]
        if not candidates:
            return None
        (execution_id, created_at), file = min(candidates, key=lambda candidate: candidate[0][1])
        too_old = created_at < time.time() - self._max_age
        too_large = sum(file.size for file in self._owned) > self._max_bytes
        return (file, execution_id) if too_old or too_large else None

    def usage(self) -> LedgerUsage:
        """What this user's ledger takes on disk: this server's part and those of others."""
        with self._foreign() as foreign:
            files = [*self._owned, *foreign]
            return LedgerUsage(
                bytes=sum(file.size for file in files),
                max_bytes=self._max_bytes,
                executions=sum(file.count() for file in files),
                problem=next((file.problem for file in self._owned if file.problem), None),
            )

    # Reading

    def record(self, execution_id: str) -> Record:
        """Raises `NotFoundError`."""
        return self._find(execution_id)[1]

    def execution(self, execution_id: str) -> Execution:
        """Raises `NotFoundError`."""
        return self.record(execution_id).execution

    def exists(self, execution_id: str) -> bool:
        """Whether this server has an execution of that ID."""
        return any(file.record(execution_id) is not None for file in self._owned)

    def run(self, execution_id: str) -> Run:
        """An execution of this server as a channel sees it."""
        file, record = self._find_owned(execution_id)
        return Run(
            execution=record.execution,
            request=file.request(execution_id),
            idempotency_key=record.idempotency_key,
            operation_created_at=record.operation_created_at,
            source_cursor=file.source_cursor(execution_id),
            outputs_seen=file.outputs_seen(execution_id),
        )

    def request(self, execution_id: str) -> ExecutionRequest | None:
        """What was asked for, until the service has taken it."""
        return self._find_owned(execution_id)[0].request(execution_id)

    def events(self, execution_id: str, after: int = 0) -> list[tuple[int, bytes]]:
        """A page of numbers and JSON of the events after one; empty where there is none yet."""
        for file in self._owned:
            if events := file.events(execution_id, after, PAGE_BYTES):
                return events
        with self._foreign() as files:
            for file in files:
                if events := file.events(execution_id, after, PAGE_BYTES):
                    return events
        return []

    def search(
        self,
        *,
        states: Sequence[State] = (),
        project_id: str | None = None,
        before: float | None = None,
        limit: int = 100,
    ) -> list[Execution]:
        """Executions of all files, newest first."""
        with self._foreign() as foreign:
            found = [
                execution
                for file in (*self._owned, *foreign)
                for execution in file.search(states=states, project_id=project_id, before=before, limit=limit)
            ]
        found.sort(key=lambda execution: (execution.created_at, execution.id), reverse=True)
        return found[:limit]

    def unfinished(self) -> list[Execution]:
        """Executions of this server that have not ended, oldest first."""
        states = [state for state in TRANSITIONS if state not in FINAL_STATES]
        found = [e for file in self._owned for e in file.search(states=states, limit=-1)]  # type: ignore[arg-type]
        return sorted(found, key=lambda execution: execution.created_at)

    def _find_owned(self, execution_id: str) -> tuple[LedgerFile, Record]:
        for file in self._owned:
            if (record := file.record(execution_id)) is not None:
                return file, record
        raise _unknown(execution_id)

    def _find(self, execution_id: str) -> tuple[LedgerFile | None, Record]:
        for file in self._owned:
            if (record := file.record(execution_id)) is not None:
                return file, record
        with self._foreign() as foreign:
            for file in foreign:
                if (record := file.record(execution_id)) is not None:
                    return None, record
        raise _unknown(execution_id)

    def _foreign(self) -> _ForeignFiles:
        own = {file.path for file in self._owned}
        return _ForeignFiles([path for path in sorted(self._folder.glob("*.sqlite")) if path not in own])


class _ForeignFiles:
    """Files of other servers, open for reading for a moment. Context manager."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self._open: list[LedgerFile] = []

    def __enter__(self) -> Iterator[LedgerFile]:
        for path in self._paths:
            try:
                self._open.append(LedgerFile(path, read_only=True))
            except ForeignFileError as error:
                _log.warning("%s. It is left out of the history.", error)
        return iter(self._open)

    def __exit__(self, *_: object) -> None:
        for file in self._open:
            file.close()


def _unknown(execution_id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no execution {execution_id[:40]!r} in the ledger.",
        code="no-such-execution",
        hint="Executions of this user only are kept, in the ledger folder of the Jupyter server.",
    )
