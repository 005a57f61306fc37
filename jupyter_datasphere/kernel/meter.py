"""What a run has spent so far, computed: its price times the seconds since it began, rounded up."""

from __future__ import annotations

import math
import time

from ..protocol import Price, StatusEvent
from .describe import duration

LOW = 600.0
"""Seconds that the project's balance lasts, below which that is said."""


class Meter:
    """Fed with the states of a run; counts from when it saw the run begin, by a clock that nobody sets.

    `began`: when a run that had begun before did, by the clock of this computer.
    """

    def __init__(self, began: float | None = None) -> None:
        self._price: Price | None = None
        self._began: float | None = None
        if began is not None:
            self._began = time.monotonic() - max(0.0, time.time() - began)

    def take(self, event: StatusEvent) -> None:
        self._price = event.price or self._price
        if event.state == "running" and self._began is None:
            self._began = time.monotonic()

    @property
    def words(self) -> str | None:
        """``"~288 of 1,000 units (computed)"``; None before the run has begun."""
        if self._price is None or self._began is None:
            return None
        price = self._price
        units = price.each_second * max(1, math.ceil(time.monotonic() - self._began))
        spent = f"~{units:,} units" if price.at_most is None else f"~{units:,} of {price.at_most:,} units"
        if price.balance is not None:
            left = (price.balance - units) / price.each_second
            if left <= 0:
                spent += ", the balance is used up"
            elif left < LOW:
                spent += f", the balance lasts {duration(left)}"
        return f"{spent} (computed)"
