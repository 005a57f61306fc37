"""The ledger: every execution and every event, on disk before anybody sees it.

A folder with one SQLite file per server process. Its owner holds a lock that the operating system frees when
the process dies. A server takes over every file that nobody owns, when it starts and later, and writes on in
one of them; files of other servers that are running are read only.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from filelock import FileLock, Timeout

from ..clocks import SYSTEM, Clock
from ..errors import InternalError, NotFoundError, StorageError
from ..protocol import (
    FINAL_STATES,
    TRANSITIONS,
    Event,
    Execution,
    ExecutionRequest,
    LedgerUsage,
    Price,
    Problem,
    State,
    StatusEvent,
)
from .changes import Changes
from .channels.base import Run
from .ledger_file import LedgerFile, Record
from .ledger_trouble import DAMAGE_SUFFIX, ForeignFileError, check_folder, check_header, unwritable

T = TypeVar("T")

_log = logging.getLogger(__name__)

DAY = 24 * 3600.0
MAX_AGE_DAYS = 90.0
MAX_MEGABYTES = 2000

PAGE_BYTES = 256 * 1024
"""How much of the events is read at a time."""


class Ledger:
    """All executions of this user. Not for use by several threads. Close with `close()`.

    Where the folder, or a file, cannot be used now, what needs it raises `StorageError`, until it can be.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_age: float = MAX_AGE_DAYS * DAY,
        max_bytes: int = MAX_MEGABYTES * 10**6,
        clock: Clock = SYSTEM,
    ) -> None:
        self.changes = Changes()
        self._folder = folder
        self._max_age = max_age
        self._max_bytes = max_bytes
        self._owned: list[LedgerFile] = []
        self._locks: list[FileLock] = []
        self._disk = asyncio.Lock()
        self._syncs_begun = self._last_synced = 0
        self._clock = clock
        self._problem: StorageError | None = None
        """Why nothing can be written at all."""
        self._left_out: dict[Path, str] = {}
        self._set_aside: list[str] = []
        """What was, since this server started, and why."""
        self.adopt()

    def adopt(self) -> bool:
        """Take over every file whose owner has died; whether there was one. Makes one where there is none."""
        before = len(self._owned)
        self._problem = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            self._problem = unwritable(self._folder, error)
            return False
        for path in self._others():
            try:
                self._adopt(path)
            except StorageError as error:
                self._leave_out(path, error)
        if not self._owned:
            name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}.sqlite"
            try:
                self._adopt(self._folder / name)
            except StorageError as error:
                self._problem = error
        return len(self._owned) > before

    def _adopt(self, path: Path) -> None:
        """Own a file, unless its owner runs. Raises `StorageError`."""
        lock = FileLock(path.with_suffix(".lock"), mode=0o600)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return
        except OSError as error:
            raise unwritable(self._folder, error) from error
        try:
            try:
                if path.exists():
                    check_header(path)
                self._owned.append(LedgerFile(path))
            except ForeignFileError as error:
                self._put_aside(path, error)
                with suppress(OSError):  # Windows removes it on release
                    Path(lock.lock_file).unlink()  # while it is held, so that nobody else has it
                lock.release()
                return
        except OSError as error:
            lock.release()
            raise unwritable(self._folder, error) from error
        except StorageError:
            lock.release()
            raise
        self._locks.append(lock)

    def _put_aside(self, path: Path, error: ForeignFileError) -> None:
        """Out of the way, with what SQLite keeps beside it: they belong together under the new name, too."""
        aside = path.with_suffix(f".set-aside-{int(self._clock.wall())}")
        for suffix in ("-wal", "-shm", "-journal", ""):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
        path.with_suffix(DAMAGE_SUFFIX).unlink(missing_ok=True)
        told = (
            f"{error}. It was set aside as {aside.name}: runs that were under way in it are not followed"
            f" any more, look in the project for them. `sqlite3 {aside.name} .recover` shows what is there"
        )
        self._set_aside.append(told)
        _log.warning("%s.", told)

    def _leave_out(self, path: Path, error: Exception) -> None:
        """Say once that a file is not read now, and why."""
        if self._left_out.get(path) != str(error):
            self._left_out[path] = str(error)
            _log.warning("%s is left out of the history: %s", path.name, error)

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
        if not self._owned:
            self.adopt()
        if self._problem is not None:
            raise self._problem
        with self.changes.held(), ExitStack() as stack:
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

    def create(
        self,
        execution: Execution,
        request: ExecutionRequest,
        idempotency_key: str,
        price: Price | None = None,
    ) -> None:
        """Write a new execution in the state `queued`; inside of `together`."""
        check_folder(self._folder)
        record = Record(execution, idempotency_key, timeout=request.timeout, max_units=request.max_units)
        event = StatusEvent(state=execution.state, at=execution.created_at, price=price)
        self._owned[0].insert(record, request, [event])
        self.changes.tell(execution)

    def transition(
        self,
        execution_id: str,
        state: State,
        *,
        at: float | None = None,
        detail: str | None = None,
        problem: Problem | None = None,
        operation_created_at: str | None = None,
        **changes: Any,
    ) -> Execution:
        """Move an execution to another state; `changes` are fields of `Execution` that change with it.

        `at`: when it came to that, as the run counts its time; now, if left out.
        Raises `InternalError` where the state machine does not allow that step.
        """
        file, record = self._find_owned(execution_id)
        if state not in TRANSITIONS[record.execution.state]:
            raise InternalError(
                f"Execution {execution_id} is {record.execution.state}, it cannot become {state}."
            )
        at = self._clock.wall() if at is None else at
        record.execution = msgspec.structs.replace(record.execution, state=state, problem=problem, **changes)
        if state == "staged":
            record.first_attempt = at
        if operation_created_at is not None:
            record.operation_created_at = operation_created_at
        event = StatusEvent(state=state, at=at, detail=detail, problem=problem)
        file.update(record, [event], drop_request=state not in ("queued", "staged"))
        self.changes.tell(record.execution)
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

    async def prune(self, now: float | None = None) -> int:
        """Drop finished executions of this server: those past the age, then the oldest while it is too large.

        One that has not ended is never dropped. Goes on in small steps; gives how many were dropped. Their
        age is counted until `now`, or by the clock of this computer if left out.
        """
        dropped = 0
        now = self._clock.wall() if now is None else now
        while (found := self._to_prune(now)) is not None:
            file, execution_id = found
            for _ in file.prune(execution_id):
                await asyncio.sleep(0)
            dropped += 1
        for file in self._owned:
            for _ in file.shrink():
                await asyncio.sleep(0)
        return dropped

    def _to_prune(self, now: float) -> tuple[LedgerFile, str] | None:
        candidates = [(found, file) for file in self._owned if (found := file.oldest_finished()) is not None]
        if not candidates:
            return None
        (execution_id, created_at), file = min(candidates, key=lambda candidate: candidate[0][1])
        too_old = created_at < now - self._max_age
        too_large = sum(file.size for file in self._owned) > self._max_bytes
        return (file, execution_id) if too_old or too_large else None

    def usage(self) -> LedgerUsage:
        """What this user's ledger takes on disk: this server's part and those of others."""
        problem = self._trouble()
        found = list(self._elsewhere(lambda file: (file.size, file.count())))
        for file in self._owned:
            problem = problem or file.problem
            try:
                found.append((file.size, file.count()))
            except StorageError as error:
                problem = problem or error.message
        problem = ". ".join(filter(None, [problem, *self._set_aside])) or None
        return LedgerUsage(
            bytes=sum(size for size, _ in found),
            max_bytes=self._max_bytes,
            executions=sum(count for _, count in found),
            problem=problem,
        )

    def _trouble(self) -> str | None:
        """Why nothing new can be written."""
        try:
            if self._problem is not None:
                raise self._problem
            check_folder(self._folder)
        except StorageError as error:
            return error.message
        return None

    # Reading

    def record(self, execution_id: str) -> Record:
        """Raises `NotFoundError`."""
        for file in self._owned:
            if (record := file.record(execution_id)) is not None:
                return record
        record = next(filter(None, self._elsewhere(lambda file: file.record(execution_id))), None)
        if record is None:
            raise _unknown(execution_id)
        return record

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
        for events in self._elsewhere(lambda file: file.events(execution_id, after, PAGE_BYTES)):
            if events:
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
        """Executions of all files, newest first: by the clock as it was when each was created."""

        def search(file: LedgerFile) -> list[Execution]:
            return file.search(states=states, project_id=project_id, before=before, limit=limit)

        pages = [*map(search, self._owned), *self._elsewhere(search)]
        found = [execution for page in pages for execution in page]
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

    # Other servers

    def pass_on_cancel(self, execution_id: str) -> None:
        """Leave a note that an end is wanted for the server that has the run. Raises `NotFoundError`."""

        def folder(file: LedgerFile) -> Path | None:
            return None if file.record(execution_id) is None else _notes_beside(file)

        notes = next(filter(None, self._elsewhere(folder)), None)
        if notes is None:
            raise _unknown(execution_id)
        try:
            while True:
                notes.mkdir(mode=0o700, exist_ok=True)
                with suppress(FileNotFoundError):  # that server removed the folder just now
                    (notes / execution_id).touch(mode=0o600)
                    return
        except OSError as error:
            raise unwritable(self._folder, error) from error

    def take_cancels(self) -> list[str]:
        """Take the notes that other servers left: executions of ours whose end is wanted."""
        taken: list[str] = []
        for file in self._owned:
            notes = _notes_beside(file)
            try:
                found = list(notes.iterdir())
            except OSError:  # there is none, or it cannot be read now
                continue
            taken.extend(note.name for note in found)
            with suppress(OSError):  # what is there may stay: to cancel twice does no harm
                for note in found:
                    note.unlink()
                notes.rmdir()
        return taken

    def _elsewhere(self, read: Callable[[LedgerFile], T]) -> Iterator[T]:
        """What this finds in each file of another server; one that cannot be read now is left out."""
        for path in self._others():
            try:
                with closing(LedgerFile(path, read_only=True)) as file:
                    found = read(file)
            except (ForeignFileError, StorageError) as error:
                self._leave_out(path, error)
                continue
            self._left_out.pop(path, None)
            yield found

    def _others(self) -> list[Path]:
        own = {file.path for file in self._owned}
        try:
            found = sorted(self._folder.glob("*.sqlite"))
        except OSError:  # they cannot be seen now
            return []
        return [path for path in found if path not in own]


def _notes_beside(file: LedgerFile) -> Path:
    return file.path.with_suffix(".cancel")


def _unknown(execution_id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no execution {execution_id[:40]!r} in the ledger.",
        code="no-such-execution",
        hint="Executions of this user only are kept, in the ledger folder of the Jupyter server.",
    )
