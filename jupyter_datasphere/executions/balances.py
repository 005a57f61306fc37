"""What projects have left, known before a run without asking the service before each."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict

from ..datasphere import types
from ..datasphere.client import Client
from ..errors import CredentialsError, ServiceError, UnavailableError

_log = logging.getLogger(__name__)

KEPT_SECONDS = 60.0
"""How long an answer is good for."""
UNKNOWN_SECONDS = 5.0
"""How long nobody asks again after the service did not tell."""
PATIENCE_SECONDS = 1.0
"""How long a run waits for an answer at most."""

_NEVER: tuple[float, float, int | None] = (-math.inf, -math.inf, None)


class Balances:
    """Keeps the balance of each project for a minute, if that minute cannot use it up.

    So where units are plenty a run costs no call, and where they are scarce it meets the true number: nobody
    is refused after the balance was raised.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._clock = client.transport.here
        self._kept: dict[str, tuple[float, float, int | None]] = {}
        """When it was asked, until when that is good, and what came of it."""
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, project_id: str, spec: str) -> int | None:
        """Units left; None: no limit, or the service does not tell. Never a reason not to start."""
        now = self._clock.elapsed()
        _, until, balance = self._kept.get(project_id, _NEVER)
        plenty = types.SPECS[spec].units * KEPT_SECONDS
        if now < until and (balance is None or balance >= plenty):
            return balance
        async with self._asking[project_id]:
            asked_at, _, balance = self._kept.get(project_id, _NEVER)
            if asked_at < now:  # else somebody has asked while this one waited
                balance, good_for = await self._ask(project_id)
                asked_at = self._clock.elapsed()
                self._kept[project_id] = (asked_at, asked_at + good_for, balance)
            return balance

    def forget_all(self) -> None:
        self._kept.clear()

    async def _ask(self, project_id: str) -> tuple[int | None, float]:
        """The balance, and for how many seconds the answer is good.

        An account to which it is not shown now will not see it in five seconds either.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._client.get_unit_balance(project_id), KEPT_SECONDS
        except (TimeoutError, UnavailableError, ServiceError, CredentialsError) as error:
            _log.debug("The balance of project %s is not known: %s", project_id, error)
            hidden = isinstance(error, ServiceError) and error.code == "permission-denied"
            return None, KEPT_SECONDS if hidden else UNKNOWN_SECONDS
