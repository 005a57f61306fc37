"""All checks, in the order of the table: what is here, who answers, who we are, what the project can."""

from __future__ import annotations

from ..finding import Check
from . import account, channels, endpoints, here, project, revision

CHECKS: tuple[Check, ...] = (
    *here.CHECKS,
    *endpoints.CHECKS,
    *account.CHECKS,
    *project.CHECKS,
    *revision.CHECKS,
    *channels.CHECKS,
)
