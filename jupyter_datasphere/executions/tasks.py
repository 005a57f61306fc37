"""Tasks that nobody waits for: what ends one of them early is logged at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_log = logging.getLogger(__name__)


def beside(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Do this beside everything else. Hold the task: asyncio itself does not."""
    task = asyncio.create_task(work)
    task.add_done_callback(_tell)
    return task


def _tell(task: asyncio.Task[None]) -> None:
    # asyncio would tell when the task is thrown away: late, and never while somebody holds it.
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("What was done beside the runs failed inside of the extension.", exc_info=error)
