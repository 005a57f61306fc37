"""What a run costs, as far as that can be computed: spec times seconds, rounded up to whole seconds."""

from __future__ import annotations

import math

from ..datasphere import types
from ..errors import UsageError
from ..protocol import Execution, Problem

UNITS_SPENT = "max-units"
"""Why a run was cancelled: the code of its problem, and the reason in the ledger."""


def units(execution: Execution, until: float) -> int | None:
    """Units that a run has cost, computed; None before it has begun."""
    if execution.started_at is None:
        return None
    return types.SPECS[execution.spec].units * max(1, math.ceil(until - execution.started_at))


def affordable_seconds(spec: str, max_units: int) -> int:
    """How many seconds a run may take before it passes that many units."""
    return max_units // types.SPECS[spec].units


def check(project: types.Project, spec: str, max_units: int | None) -> None:
    """Refuse a run that the project's limits, or the caller's own, do not allow. Raises `UsageError`."""
    each_second = types.SPECS[spec].units
    limits = project.limits or types.ProjectLimits()
    hourly, whole = limits.max_units_per_hour, limits.max_units_per_execution
    if hourly is not None and each_second * 3600 > hourly:
        raise _refused(
            f"{spec} spends {each_second * 3600:,} units an hour; {project.name} allows {hourly:,}."
        )
    if whole is not None and each_second > whole:
        raise _refused(
            f"One second of {spec} costs {each_second:,} units; {project.name} allows {whole:,} a run."
        )
    if max_units is not None and max_units < each_second:
        raise _refused(f"One second of {spec} costs {each_second:,} units; {max_units:,} do not pay for it.")


def passed(max_units: int) -> Problem:
    """Why a run was cancelled that spent more than it was allowed to."""
    return Problem(
        code=UNITS_SPENT,
        title=f"The run would have passed {max_units:,} units (computed) and was cancelled.",
        status=402,
        hint="Allow it more with --max-units, or leave that out.",
    )


def _refused(message: str) -> UsageError:
    return UsageError(message, code="too-expensive", hint="Choose a smaller spec, or a higher limit.")
