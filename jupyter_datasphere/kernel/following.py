"""The events of a run, across connections that break."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Protocol

from ..errors import NotFoundError, UnavailableError
from ..protocol import Execution, ExecutionRequest
from .answers import DisconnectedError, RefusedError, UnreachableError
from .link import Link, run_path, starting
from .outcome import Batch, is_final
from .steps import Ask, Pause, Steps, run
from .tries import Tries

NOTHING_STARTED = "The connection to the server broke while the run was being asked for."

NO_SUCH_EXECUTION = "no-such-execution"
"""Code of the server's answer to an ID that is not in the ledger, and is not being checked."""


class Waiter(Protocol):
    """Who waits for the events, and is told why none comes."""

    def away(self) -> None:
        """The server is not there; it is tried again."""

    def back(self, *, anew: bool) -> None:
        """The server is there again, and the next event follows the last; `anew`: it was started anew."""


class _Nobody:
    def away(self) -> None:
        pass

    def back(self, *, anew: bool) -> None:
        pass


def follow(
    link: Link, request: ExecutionRequest, execution_id: str, waiter: Waiter | None = None
) -> Generator[Batch]:
    """Start the run, and give each of its events once, until the final one.

    Raises what the server answers when it refuses the request, and `UnavailableError` when it is not there or
    stays away: then the message says what is known about the run.
    """
    return _each_once(link, execution_id, link.start(request, execution_id), 0, waiter, asked_for=False)


def join(link: Link, execution_id: str, after: int = 0, waiter: Waiter | None = None) -> Generator[Batch]:
    """Give each event after number `after` of a run that was started before once, until the final one."""
    return _each_once(
        link, execution_id, link.events(execution_id, after=after), after, waiter, asked_for=True
    )


def so_far(link: Link, execution: Execution, after: int = 0) -> Generator[Batch]:
    """Give each event after number `after` that a run had when it was looked at: waits for none."""
    last = execution.last_event
    if after >= last:
        return
    with closing(join(link, execution.id, after)) as batches:
        for batch in batches:
            yield [numbered for numbered in batch if numbered[0] <= last]
            if batch and batch[-1][0] >= last:
                return


def launch(link: Link, request: ExecutionRequest, execution_id: str) -> Execution:
    """Start the run, and return once the server has it in its ledger. Raises as `follow` does."""
    return run(link, launching(request, execution_id))


def launching(request: ExecutionRequest, execution_id: str) -> Steps[Execution]:
    """The same, step by step."""
    tries = Tries()
    start = Ask("POST", "/executions", Execution, **starting(request, execution_id))
    look = Ask("GET", run_path(execution_id), Execution)  # did the request arrive before a connection broke?
    while True:
        try:
            execution: Execution = yield start if tries.none_failed else look
            return execution
        except NotFoundError as error:
            if tries.none_failed or error.code != NO_SUCH_EXECUTION:
                raise
            raise _nothing_started() from error
        except UnavailableError as error:
            if tries.none_failed and not isinstance(error, DisconnectedError):
                raise
            seconds = tries.pause()
            if seconds is None:
                raise UnavailableError(
                    f"{error.message} Whether execution {execution_id} was started is not known.",
                    code="connection-lost",
                    hint=f"Once the server is there again, %ds_attach {execution_id} tells.",
                ) from error
            yield Pause(seconds)


def _each_once(
    link: Link,
    execution_id: str,
    batches: Generator[Batch],
    last: int,
    waiter: Waiter | None,
    *,
    asked_for: bool,
) -> Generator[Batch]:
    ended = False
    tries = Tries()
    waiter = waiter or _Nobody()
    server = link.address  # with which the last event was read
    while not ended:
        broken: UnavailableError = DisconnectedError("The server closed the connection.")
        try:
            with closing(batches):
                for batch in batches:
                    if tries.failing:
                        waiter.back(anew=link.address != server)
                    tries.succeeded()
                    server = link.address
                    new = [numbered for numbered in batch if numbered[0] > last]
                    if new:
                        asked_for = True
                        last = new[-1][0]
                        ended = is_final(new[-1][1])
                    yield new
        except (UnreachableError, RefusedError) as error:
            if tries.none_failed:
                raise  # it was not there from the start: nothing was sent
            broken = error
        except DisconnectedError as error:
            broken = error
        except NotFoundError as error:
            if asked_for or tries.none_failed or error.code != NO_SUCH_EXECUTION:
                raise
            raise _nothing_started() from error
        if not ended:
            waiter.away()
            if not tries.wait():
                raise UnavailableError(
                    f"{broken.message} Execution {execution_id} goes on without this cell.",
                    code="connection-lost",
                    hint=f"Once the server is there again, %ds_attach {execution_id} shows all of it.",
                )
            batches = link.events(execution_id, after=last)


def _nothing_started() -> UnavailableError:
    return UnavailableError(NOTHING_STARTED, hint="Nothing was started: run the cell again.")
