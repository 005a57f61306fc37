"""What is said of a run that was told to stop, by the interrupt of its cell or `%ds_cancel`, or was left."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from ..errors import DataSphereError, UnavailableError
from ..protocol import Execution
from .describe import place
from .link import Link
from .outcome import Batch, Outcome

CANCELLING = 10.0
"""Seconds for which somebody waits to see a cancelled run end."""


def see_it_end(link: Link, told: Execution, outcome: Outcome, take: Callable[[Batch], None]) -> str:
    """Wait for the end of a run that was just `told` to stop; says in one line what became of it.

    `take` gets what happens meanwhile, and feeds `outcome`. Nothing but an end tells that the service was
    told, too: the server tells it, for as long as that takes.
    """
    until = time.monotonic() + CANCELLING
    try:
        with closing(link.events(told.id, after=outcome.last, patience=CANCELLING)) as batches:
            for batch in batches:
                take(batch)
                if time.monotonic() > until:
                    break
    except UnavailableError:
        pass  # it was silent for that long, or is away: both are said below
    where = f"execution {told.id} in project {place(told)}"
    if outcome.ending is None:
        waited = time.monotonic() >= until
        since = f"within {CANCELLING:g} s" if waited else "before the server went away"
        return (
            f"not confirmed {since}: the server has noted that {where} is to stop"
            f" (%ds_history shows whether it has, %ds_attach {told.id} follows it)"
        )
    if outcome.ending.state == "cancelled":
        return f"cancelled: {where}"
    return f"{outcome.ending.state} before it could be cancelled: {where}"


def not_told(execution_id: str, error: DataSphereError) -> str:
    """What is said where the server could not be told that the run is to stop."""
    return (
        f"execution {execution_id} may go on, as it could not be cancelled: {error}"
        f" Once that is mended, %ds_cancel {execution_id} cancels it."
    )


def may_go_on(execution_id: str) -> str:
    """What is said where somebody stopped waiting for that."""
    return f"no longer waiting: execution {execution_id} may go on (%ds_attach {execution_id} shows it)"


def left(outcome: Outcome, doing: str) -> str:
    """What is said where somebody stopped `doing` something about a run that was not told to stop."""
    name = outcome.execution_id
    if outcome.ending is not None:
        return f"no longer {doing}: execution {name} had already ended: {outcome.ending.state}"
    return f"no longer {doing}: execution {name} goes on (%ds_cancel {name} cancels it)"
