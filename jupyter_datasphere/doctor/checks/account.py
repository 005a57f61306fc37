"""Who we are to the service: the credentials, and how late it is there."""

from __future__ import annotations

import time

from ...datasphere.transport import Transport
from ...errors import ServiceError
from ..finding import Case, Check, Finding
from .endpoints import is_refusal

SOON = 600.0
"""Seconds; a token that nobody renews and that lives no longer is worth a warning."""
LARGE_DIFFERENCE = 60.0
"""Seconds between the clocks."""


async def credentials(case: Case) -> list[Finding]:
    """A token is fetched, and shown to the service with a question for what cannot be there."""
    tokens = case.backend.tokens
    source = tokens.in_force()
    try:
        await case.backend.client.get_project("0")
    except ServiceError as error:
        if not is_refusal(error) or error.code == "unauthenticated":
            raise
    found = f"{source.description}; the service accepts "
    notice = "" if source.notice is None else f" {source.notice}"
    renewal = "renewed by itself" if source.renewable else "not renewed"
    if tokens.expires_at is None:
        found += f"it. When it expires is not known, and it is {renewal}.{notice}"
        return [Finding("Credentials", "ok", found)]
    left = tokens.expires_at - time.time()
    until = time.strftime("%Y-%m-%d %H:%M", time.localtime(tokens.expires_at))
    found += f"its IAM token, which is good until {until} and {renewal}.{notice}"
    if left < SOON and not source.renewable:
        return [Finding("Credentials", "warn", found, source.remedy)]
    return [Finding("Credentials", "ok", found)]


async def clock(case: Case) -> list[Finding]:
    return [difference(case.backend.client.transport)]


def difference(transport: Transport) -> Finding:
    """How late it is there, by the Date headers of the answers so far."""
    if not transport.clock.known:
        return Finding("Clock", "skip", "No answer has told the service's time.")
    low, high = transport.clock.ahead_of_wall()
    if low <= 0 <= high:
        return Finding("Clock", "ok", "This computer's clock and the service's show the same, to a second.")
    seconds = low if low > 0 else -high
    found = f"This computer's clock is {seconds:,.0f} s {'behind' if low > 0 else 'ahead of'} the service's."
    if seconds <= LARGE_DIFFERENCE:
        return Finding("Clock", "ok", found)
    remedy = "Set it (by NTP): the times in the history are its times. Units and timeouts are right anyway."
    return Finding("Clock", "warn", found, remedy)


CHECKS = (Check("Credentials", credentials), Check("Clock", clock))
