"""What a project has left, and may spend."""

from __future__ import annotations

import msgspec
from msgspec import UnsetType

from ..errors import UsageError
from ..kernel.steps import Steps
from .calls import TIMEOUT, change, get, path_of
from .changes import update

LARGEST = 2**63 - 1


class _Balance(msgspec.Struct, rename="camel"):
    unit_balance: int | None = None


def balance(project_id: str) -> Steps[int | None]:
    """Units left; None: no balance is set, so that there is no limit."""
    answer: _Balance = yield from get(path_of("project", project_id, ":unitBalance"), _Balance)
    return answer.unit_balance


def set_balance(project_id: str, units: int | None, timeout: float = TIMEOUT) -> Steps[None]:
    """None takes the limit away. Raises `UsageError` for a number below 0."""
    body = {} if units is None else {"unitBalance": str(checked_units(units))}
    yield from change("POST", path_of("project", project_id, ":unitBalance"), body, timeout=timeout)


def set_limits(project_id: str, limits: dict[str, int | None], timeout: float = TIMEOUT) -> Steps[None]:
    """`limits`: by the names of `ProjectLimits`, those that are to be set; None takes one away."""
    for units in limits.values():
        if units is not None:
            checked_units(units)
    yield from update("project", project_id, limits=limits, timeout=timeout)


def limits(per_hour: int | UnsetType | None, per_execution: int | UnsetType | None) -> dict[str, int | None]:
    """Those that are given."""
    given = {"max_units_per_hour": per_hour, "max_units_per_execution": per_execution}
    return {name: units for name, units in given.items() if not isinstance(units, UnsetType)}


def checked_units(units: int) -> int:
    if isinstance(units, bool) or not isinstance(units, int) or not 0 <= units <= LARGEST:
        raise UsageError(f"Units are a whole number from 0, or none, not {str(units)[:40]}.")
    return units
