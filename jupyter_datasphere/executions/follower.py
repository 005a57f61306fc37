"""Brings one execution from `queued` to its end and writes everything that comes to the ledger."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from ..clocks import Clock
from ..datasphere.schedule import FirstLook, Schedule
from ..errors import (
    CredentialsError,
    DataSphereError,
    ExpectedError,
    ServiceError,
    StorageError,
    UnavailableError,
)
from ..protocol import (
    FINAL_STATES,
    Event,
    FailureEvent,
    NoticeEvent,
    OutputEvent,
    Problem,
    StartedEvent,
    State,
)
from . import costs
from .channels.base import Channel, Feed, News, Outcome, Submission
from .ledger import Ledger
from .ledger_trouble import DAMAGED
from .places import Places, Turn
from .run_time import RunTime
from .session_history import BEGINS_ANEW, SessionHistory
from .signals import Signals
from .tasks import beside

T = TypeVar("T")

_log = logging.getLogger(__name__)

DOUBT_SECONDS = 120.0
"""How long a run is sent again to a service that answers it with internal errors."""
SETTLE_SECONDS = 30.0
"""How long the next run in a place waits for the service to let go of one whose end is known."""
CANCEL_AGAIN_SECONDS = 0.5
"""The least time between two attempts to cancel."""


class Follower:
    """One per execution, however many watch. Survives failures of the service; ends with the execution."""

    def __init__(
        self,
        execution_id: str,
        channel: Channel,
        ledger: Ledger,
        signals: Signals,
        places: Places,
        history: SessionHistory,
        first_look: FirstLook,
        idempotency_window: float,
        clock: Clock,
    ) -> None:
        self.execution_id = execution_id
        self._channel = channel
        self._ledger = ledger
        self._signals = signals
        self._history = history
        self._first_look = first_look
        self._window = idempotency_window
        self._cancelled = asyncio.Event()
        self._reason: str | None = None
        self._begun = asyncio.Event()
        self.gone = asyncio.Event()
        """Nothing is left to do, here or over there."""
        record = ledger.record(execution_id)
        self._execution = record.execution
        self._clock = clock
        self._time = RunTime(
            clock, record.execution.created_at, record.first_attempt, record.execution.started_at
        )
        self._keepers: list[asyncio.Task[None]] = []
        self._sent_before = self._execution.state == "staged"  # perhaps, by an earlier process
        self._joins = self._execution.state in ("submitted", "running")
        self._turn = self._enter(places)

    @property
    def profile(self) -> str:
        """The named credentials that the run keeps to; empty: none."""
        return self._execution.profile

    def cancel(self, reason: str) -> None:
        """Ask for the end; noted on disk, if that can be now, and done by `run`."""
        self._reason = reason
        self._cancelled.set()
        try:
            self._ledger.ask_to_cancel(self.execution_id, reason)
        except StorageError as error:
            _log.warning("That execution %s is to end could not be noted: %s", self.execution_id, error)

    def stage(self) -> None:
        """Take the first step at once where nobody is in the way."""
        if self._turn is None or self._turn.reached:
            self._move("staged")

    def withdraw(self) -> None:
        """Make way for others: the run was undone before it was ever `run`."""
        if self._turn is not None:
            self._turn.leave()

    async def run(self) -> None:
        """Follow to the end. A mistake of ours ends the execution as failed, with that said."""
        try:
            record = await self._read(self._ledger.record)
            if record.cancel_reason is not None:
                self._cancelled.set()
            if record.timeout is not None:
                self._keep(self._cancel_after(record.timeout))
            if record.max_units is not None:
                self._keep(self._cancel_past(record.max_units))
            if self._execution.state in ("queued", "staged") and not await self._send():
                return
            self._keep(self._cancel_when_asked())
            run = await self._read(self._ledger.run)
            run.joined = self._joins
            feed = self._channel.follow(run)
            await self._follow(feed)
            await self._settle(feed)
            if self._turn is not None:
                self._turn.leave()
            await self._synced()
        except DataSphereError as error:
            await self._end_at_last(Outcome("failed", Problem.of(error)))
        except Exception as error:  # noqa: BLE001 - logged whole, and the execution must end
            _log.exception("Execution %s failed inside of the extension.", self.execution_id)
            title = f"The extension failed: {type(error).__name__}."
            problem = Problem(code="internal", title=title, hint="Please report it.")
            await self._end_at_last(Outcome("failed", problem))
        finally:
            for keeper in self._keepers:
                keeper.cancel()
            if self._turn is not None:
                self._turn.leave()
            self.gone.set()

    @property
    def ended(self) -> bool:
        """Whether the run's end is known."""
        return self._execution.state in FINAL_STATES

    def settling(self, project_id: str) -> bool:
        """Whether the run's end is known, but the service has not let go of it yet."""
        return self.ended and self._execution.project_id == project_id

    def tell(self, text: str) -> None:
        """Put a notice among the events, if the run is under way over there."""
        self._keep(self._written(partial(self._tell, text)))

    def _tell(self, text: str) -> None:
        if self._execution.state in ("submitted", "running"):
            self._write([NoticeEvent(text=text)])

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside following, and not beyond it."""
        self._keepers.append(beside(work))

    # Sending

    def _enter(self, places: Places) -> Turn | None:
        request = self._ledger.request(self.execution_id)
        if request is None:  # the service has it already
            return None
        place = self._channel.place(self._execution.project_id, request)
        return None if place is None else places.enter(place)

    async def _send(self) -> bool:
        """From `queued` or `staged` to `submitted`; False where it ended before."""
        if self._turn is not None and not self._turn.reached:
            await _first(self._turn.wait(), self._cancelled.wait())
        if self._execution.state == "queued":
            if self._cancelled.is_set():
                await self._end_at_last(Outcome("cancelled"))
                return False
            await self._written(partial(self._move, "staged"))
        await self._synced()  # the key is on the disk before it is used
        schedule = Schedule()
        doubtful = self._sent_before
        failure: ExpectedError | None = None
        while True:
            if doubtful and await self._overdue(failure):
                await self._end_at_last(Outcome("unknown", _unknown(failure)))
                return False
            try:
                submission = await self._channel.submit(await self._read(self._ledger.run))
            except (UnavailableError, ServiceError, CredentialsError) as error:
                # Where a request may have been taken, only the same key again can tell.
                doubtful = doubtful or error.may_have_arrived
                if not doubtful:
                    raise
                failure = error
                await asyncio.sleep(schedule.wait())
            else:
                await self._written(partial(self._submitted, submission))
                return True

    def _submitted(self, submission: Submission) -> None:
        self._move(
            "submitted",
            operation_id=submission.operation_id,
            operation_created_at=submission.created_at,
        )

    async def _overdue(self, failure: ExpectedError | None) -> bool:
        """Whether it was sent for the first time so long ago, or who knows when, that its key may be gone."""
        if self._sent_before and not self._time.certain:
            return True
        patience = min(self._window, DOUBT_SECONDS) if isinstance(failure, ServiceError) else self._window
        first = (await self._read(self._ledger.record)).first_attempt
        return first is not None and self._time.now() - first > patience

    # Following

    async def _follow(self, feed: Feed) -> None:
        schedule = Schedule()
        begun, looks, heard = self._clock.elapsed(), 0, False
        trouble: str | None = None
        while True:
            await feed.rest(schedule.wait() if looks else self._first_look.wait)
            looks += 1
            try:
                news = await feed.news()
            except (UnavailableError, ServiceError, CredentialsError) as error:
                # The run goes on over there, whatever keeps us from seeing it.
                if error.code != trouble:
                    trouble = error.code
                    text = f"The run goes on, but cannot be followed now: {error}"
                    await self._written(partial(self._write, [NoticeEvent(text=text)]))
                continue
            if trouble is not None and (news.outcome is None or news.outcome.state != "lost"):
                trouble = None
                await self._written(partial(self._write, [NoticeEvent(text="The run is followed again.")]))
            if news.events:
                schedule.news()
                if not heard and looks == 1:
                    self._first_look.was_right()
                elif not heard:
                    self._first_look.was_early(self._clock.elapsed() - begun)
                heard = True
            if news.events or news.outcome is not None:
                await self._written(partial(self._take, news))
                if news.outcome is not None:
                    return

    def _take(self, news: News) -> None:
        self._write(self._with_notices(news.events), news.source_cursor)
        if news.outcome is not None:
            self._end(news.outcome)

    def _with_notices(self, events: list[Event]) -> list[Event]:
        for position, event in enumerate(events, 1):
            if isinstance(event, StartedEvent) and event.fresh and self._history.has_earlier(self._execution):
                return [*events[:position], NoticeEvent(text=BEGINS_ANEW), *events[position:]]
        return events

    async def _written(self, write: Callable[[], None]) -> None:
        """Write, and wait where that cannot be now: what has come from the service must not be lost."""
        waits = _Waits(self.execution_id)
        while True:
            try:
                # Together: what is small might fit in, time and again, while what it announces does not.
                with self._ledger.together():
                    if waits.reason is not None and self._execution.state not in FINAL_STATES:
                        self._write([NoticeEvent(text=_OVER[waits.reason])])
                    write()
                return
            except StorageError as error:
                # What was undone is undone here.
                self._execution = (await self._read(self._ledger.record)).execution
                await waits.wait(error)

    async def _read(self, read: Callable[[str], T]) -> T:
        """What the ledger has of this run, and wait where that cannot be read now."""
        waits = _Waits(self.execution_id)
        while True:
            try:
                return read(self.execution_id)
            except StorageError as error:
                await waits.wait(error)

    async def _synced(self) -> None:
        """Wait until what was written would survive a power failure."""
        waits = _Waits(self.execution_id)
        while True:
            try:
                await self._ledger.sync()
                break
            except StorageError as error:
                await waits.wait(error)
        if waits.reason is not None and self._execution.state not in FINAL_STATES:
            await self._written(partial(self._write, [NoticeEvent(text=_OVER[waits.reason])]))

    def _write(self, events: Sequence[Event], source_cursor: int | None = None) -> None:
        if self._execution.state == "submitted" and any(
            isinstance(event, StartedEvent | OutputEvent | FailureEvent) for event in events
        ):
            self._move("running", started_at=self._time.now())
        self._ledger.append(self.execution_id, events, source_cursor)
        self._signals.news(self.execution_id)

    async def _settle(self, feed: Feed) -> None:
        """Hold the place until the service has let go of the run, so that the next one does not meet it."""
        schedule = Schedule()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                while True:
                    try:
                        if await feed.settled():
                            return
                    except (UnavailableError, ServiceError, CredentialsError) as error:
                        _log.debug("Execution %s is not settled: %s", self.execution_id, error)
                    await asyncio.sleep(schedule.wait())

    # Ending

    async def _cancel_when_asked(self) -> None:
        await self._cancelled.wait()
        schedule = Schedule()
        while True:
            try:
                await self._channel.cancel(await self._read(self._ledger.run))
                return
            except (UnavailableError, ServiceError, CredentialsError) as error:
                _log.warning("Execution %s could not be cancelled yet: %s", self.execution_id, error)
                await asyncio.sleep(max(schedule.wait(), CANCEL_AGAIN_SECONDS))

    async def _cancel_after(self, seconds: float) -> None:
        await self._time.until(self._execution.created_at + seconds)
        await self._cancel_because("timeout")

    async def _cancel_past(self, max_units: int) -> None:
        while self._execution.started_at is None:  # a full disk may have undone its begin
            self._begun.clear()
            await self._begun.wait()
        seconds = costs.affordable_seconds(self._execution.spec, max_units)
        await self._time.until(self._execution.started_at + seconds)
        await self._cancel_because(costs.UNITS_SPENT)

    async def _cancel_because(self, reason: str) -> None:
        await self._written(partial(self._ledger.ask_to_cancel, self.execution_id, reason))
        self._cancelled.set()

    async def _end_at_last(self, outcome: Outcome) -> None:
        await self._written(partial(self._end, outcome))

    def _end(self, outcome: Outcome) -> None:
        if self._execution.state in FINAL_STATES:
            return
        finished_at = self._time.now()
        state, problem = self._judge(outcome)
        if state in ("succeeded", "failed") and problem is None and self._cancelled.is_set():
            self._write([NoticeEvent(text=_TOO_LATE)])
        units = costs.units(self._execution, finished_at) if self._channel.counts_units else None
        self._move(state, problem=problem, finished_at=finished_at, units=units)

    def _judge(self, outcome: Outcome) -> tuple[State, Problem | None]:
        """What an end means, given what was asked for."""
        record = self._ledger.record(self.execution_id)
        reason = record.cancel_reason or self._reason
        if outcome.state == "cancelled":
            if reason == "timeout":
                return "cancelled", _timed_out(record.timeout)
            if reason == costs.UNITS_SPENT and record.max_units is not None:
                return "cancelled", costs.passed(record.max_units)
            if reason is not None:
                return "cancelled", None
            return "failed", outcome.problem
        return outcome.state, outcome.problem

    def _move(self, state: State, **changes: Any) -> None:
        self._execution = self._ledger.transition(self.execution_id, state, at=self._time.now(), **changes)
        if state == "running":
            self._begun.set()
        self._signals.news(self.execution_id)


class _Waits:
    """Waits between attempts to use the ledger; says so once."""

    def __init__(self, execution_id: str) -> None:
        self.reason: str | None = None
        """The code of what has last been in the way."""
        self._execution_id = execution_id
        self._schedule = Schedule()

    async def wait(self, error: StorageError) -> None:
        if error.code != self.reason:
            self.reason = error.code
            _log.warning("Execution %s waits: %s", self._execution_id, error)
        await asyncio.sleep(self._schedule.wait())


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of these is over; the others are given up."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


_OVER = {
    "disk-full": "The disk with the ledger was full for a while; nothing was lost.",
    "ledger-locked": "Another program kept the ledger locked for a while; nothing was lost.",
    DAMAGED: "The ledger seemed to be damaged for a while.",
    "ledger-unwritable": "The ledger could not be written for a while; nothing was lost.",
}
"""What is said once that is over, by the code of the error."""

_TOO_LATE = "The run was to be cancelled, but had ended before it could be."


def _unknown(error: ExpectedError | None) -> Problem:
    reason = "It was sent too long ago." if error is None else error.message
    return Problem(
        code="unknown",
        title=f"Whether the service took the run cannot be found out any more: {reason}",
        status=504,
        hint="Look in the project whether its results are there before you run it again.",
        request_id=None if error is None else error.request_id,
    )


def _timed_out(seconds: float | None) -> Problem:
    """Why a run was cancelled that took longer than these seconds."""
    timeout = "its timeout" if seconds is None else f"its timeout of {seconds:.12g} s"
    return Problem(
        code="timeout",
        title=f"The run took longer than {timeout} and was cancelled.",
        status=504,
        hint="Give it more time with --timeout, or none; %ds_config shows what holds without it.",
    )
