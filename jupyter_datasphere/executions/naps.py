"""Notices that this computer slept, or that its clock was set."""

from __future__ import annotations

from ..clocks import Clock

WORTH_TELLING = 60.0
"""Seconds: what is shorter makes no difference to a run that anybody would ask about."""


class Naps:
    """Looks that should follow each other closely: more time between two of them than that is told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen = (clock.elapsed(), clock.wall())

    def look(self) -> str | None:
        """What happened since the last look, in one line for the user; None: nothing worth telling."""
        elapsed, wall = self._clock.elapsed(), self._clock.wall()
        passed, shown = elapsed - self._seen[0], wall - self._seen[1]
        self._seen = (elapsed, wall)
        if passed > WORTH_TELLING:
            return f"This computer slept for {_words(passed)}; the run went on meanwhile."
        if shown - passed > WORTH_TELLING:  # so it looks, too, where a virtual machine is suspended
            length = f"{_words(shown)} (or its clock was set)"
            return f"This computer slept for {length}; the run went on meanwhile."
        if shown - passed < -WORTH_TELLING:
            return f"The clock of this computer was set back by {_words(passed - shown)}; the run goes on."
        return None


def _words(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
