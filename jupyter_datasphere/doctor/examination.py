"""One check after another; what is wrong with one does not keep the others from going on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ..errors import DataSphereError, UnavailableError
from .checks import CHECKS
from .finding import Case, Check, Finding

CHECK_SECONDS = 60.0
"""How long one check may take: calls are tried again for a while."""


async def examine(case: Case) -> AsyncIterator[Finding]:
    """All findings, as they come. Nothing is changed, here or over there.

    A failure is told once: what fails for the same reason, or needs what failed, is skipped and names it.
    """
    failed: dict[str, str] = {}  # the check that failed first, by the reason
    without_project = ""
    for check in CHECKS:
        if check.needs_project and case.project is None:
            yield _skipped(check, without_project)
            continue
        try:
            findings = await _look(check, case)
        except DataSphereError as error:
            cause = failed.setdefault(error.message, check.name)
            without_project = cause
            if cause != check.name:
                yield _skipped(check, cause)
                continue
            found = error.message if error.request_id is None else f"{error.message} ({error.request_id})"
            findings = [Finding(check.name, "fail", found, error.hint)]
        for finding in findings:
            yield finding


async def _look(check: Check, case: Case) -> list[Finding]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check.look(case)
    except TimeoutError:
        raise UnavailableError(
            f"{check.name} gave no answer within {CHECK_SECONDS:g} s.",
            hint="Is the network slow, or the service?",
        ) from None


def _skipped(check: Check, cause: str) -> Finding:
    return Finding(check.name, "skip", f"It cannot be told: see {cause}.")
