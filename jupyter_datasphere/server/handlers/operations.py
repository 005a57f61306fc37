"""``GET /datasphere/operations/{id}``"""

from __future__ import annotations

import math

from ...errors import UsageError
from .base import DataSphereHandler, allow_unauthenticated

LONGEST_WAIT = 30.0


class OperationHandler(DataSphereHandler):
    """Whether an operation has ended, and how. Query: `wait`, seconds after which at the latest to answer.

    Without what it gives back, which may be a secret: the pass-through has that.
    """

    @allow_unauthenticated
    async def get(self, operation_id: str) -> None:
        text = self.get_query_argument("wait", "0")
        try:
            patience = float(text)
        except ValueError:
            patience = math.nan
        if not 0 <= patience <= LONGEST_WAIT:
            raise UsageError(f"`wait` is a number of seconds from 0 to {LONGEST_WAIT:g}.")
        state = await self.backend.operation(operation_id, patience)
        if state.done:
            self.bus.resources(state.id)
        self.answer(state)
