"""A project's own Jupyter server that cannot be reached while a run is followed there: how long, and then?

The run goes on over there, unless the VM has stopped; from here the one looks like the other, and like a
network that is away. So it is tried again and again, for a time that is generous.
"""

from __future__ import annotations

from ...clocks import Clock
from ...errors import ExpectedError
from ...protocol import Problem
from .base import Outcome

LONGEST_TRY = 60.0
"""Seconds from one try to the next, at most: where more passed, this computer has slept."""

_AWAY = frozenset({"link-unavailable", "link-lost", "link-expired", "not-jupyter"})
"""Codes of failures that count. A silent kernel is there, and where no link is known nobody tries."""


class Absence:
    """How many seconds a server has been away by now, counted while it is tried to be reached."""

    def __init__(self, patience: float, clock: Clock) -> None:
        self._patience = patience
        self._clock = clock
        self._seconds = 0.0
        self._last: float | None = None

    def ended(self) -> None:
        """It was reached."""
        self._seconds, self._last = 0.0, None

    def lasts_too_long(self, error: ExpectedError) -> bool:
        """Whether this failure is one too many."""
        if error.code not in _AWAY:
            self.ended()
            return False
        now = self._clock.elapsed()
        if self._last is not None:
            self._seconds += min(now - self._last, LONGEST_TRY)
        self._last = now
        return self._seconds >= self._patience

    def outcome(self, error: ExpectedError) -> Outcome:
        """The end of a run that is given up for that."""
        problem = Problem(
            code="link-lost",
            title=f"Channel jupyter: {error.message} It was tried for {self._patience:g} s. If the VM has "
            "stopped, the run ended with it; else it goes on over there.",
            status=504,
            hint="Look in the project whether its results are there. Before you run anything again, start "
            "the project and give its link anew: `jupyter datasphere link`.",
        )
        return Outcome("lost", problem)
