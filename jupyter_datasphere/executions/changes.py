"""Tells who listens that an execution has come to another state, once that is written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..protocol import Execution

_log = logging.getLogger(__name__)

Listener = Callable[[Execution], None]


class Changes:
    """What is told inside of `held` is told at its end, and not at all where it fails."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._held: list[Execution] | None = None

    def listen(self, listener: Listener) -> None:
        """A listener must not wait; what it raises is logged, for no run may be lost by who looks at it."""
        self._listeners.append(listener)

    def tell(self, execution: Execution) -> None:
        if self._held is not None:
            self._held.append(execution)
            return
        for listener in self._listeners:
            try:
                listener(execution)
            except Exception:  # noqa: BLE001 - logged whole
                _log.exception("Execution %s: a listener failed.", execution.id)

    @contextmanager
    def held(self) -> Iterator[None]:
        held: list[Execution] = []
        self._held = held
        try:
            yield
        finally:
            self._held = None
        for execution in held:
            self.tell(execution)
