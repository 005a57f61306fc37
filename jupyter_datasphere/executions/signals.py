"""Wakes those who wait for news of an execution."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Signals:
    """One event per execution for as long as somebody holds it; `news` wakes all who do."""

    def __init__(self) -> None:
        self._events: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    def of(self, execution_id: str) -> asyncio.Event:
        """An event that is set by the next `news`. Take it before looking, so that nothing is missed."""
        return self._events.setdefault(execution_id, asyncio.Event())

    def news(self, execution_id: str) -> None:
        """Something was written to the ledger."""
        if (event := self._events.pop(execution_id, None)) is not None:
            event.set()
