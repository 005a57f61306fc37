"""Time as a run counts it, whatever happens to the clock of this computer."""

from __future__ import annotations

import asyncio

from ..clocks import Clock

DOUBT_SECONDS = 60.0
"""By how much the clock may be behind a time that was written down before it counts as having been set."""
LOOK_AGAIN_SECONDS = 2.0
"""How long a wait goes on, at most, after a computer that slept through its end has woken."""


class RunTime:
    """Begins at the run's creation, by the clock on the wall, and goes on by the one that nobody sets.

    So the times of a run are in their order, and their differences are right, while this process lives:
    with sleep counted, for the run goes on over there. What passed between two processes, only the clock
    on the wall can tell: it is believed, but time does not go back.
    """

    def __init__(self, clock: Clock, created_at: float, *later: float | None) -> None:
        """`later`: what else is known of the run's times, from an earlier process."""
        latest = max([created_at, *(at for at in later if at is not None)])
        wall = clock.wall()
        self.certain = wall >= latest - DOUBT_SECONDS
        """Whether the time that passed before this process can be told: the clock was not set back since."""
        self._clock = clock
        self._offset = max(wall, latest) - clock.elapsed()

    def now(self) -> float:
        """Seconds since the epoch, by the clock as it was when the run was created."""
        return self._clock.elapsed() + self._offset

    async def until(self, moment: float) -> None:
        """Wait for a moment. A sleep that it falls into delays it by `LOOK_AGAIN_SECONDS` at most."""
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110 - nobody tells that time has passed
            await asyncio.sleep(min(left, LOOK_AGAIN_SECONDS))
