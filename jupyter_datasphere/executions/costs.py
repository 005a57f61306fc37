"""What a run costs, as far as that can be computed: spec times seconds, rounded up to whole seconds."""

from __future__ import annotations

import math

from ..datasphere import types
from ..errors import QuotaError, UsageError
from ..protocol import Execution, Price, Problem

UNITS_SPENT = "max-units"
"""Why a run was cancelled: the code of its problem, and the reason in the ledger."""

CANCELLING_SECONDS = 0.5
"""How long the service may take to end a run that is cancelled for its units; often it takes a tenth."""


def units(execution: Execution, until: float) -> int | None:
    """Units that a run has cost, computed; None before it has begun."""
    if execution.started_at is None:
        return None
    return types.SPECS[execution.spec].units * max(1, math.ceil(until - execution.started_at))


def affordable_seconds(spec: str, max_units: int) -> float:
    """After how many seconds a run is to be cancelled so that it does not pass that many units.

    A second that is begun is paid: the cancellation needs some time before its end.
    """
    return max_units // types.SPECS[spec].units - CANCELLING_SECONDS


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


def check_balance(project: types.Project, spec: str, balance: int | None) -> None:
    """Refuse a run whose first second the project cannot pay for. Raises `QuotaError`."""
    each_second = types.SPECS[spec].units
    if balance is None or balance >= each_second:
        return
    remedy = "Let an administrator of the project raise its balance"
    if balance >= min(spec.units for spec in types.SPECS.values()):
        remedy += ", or choose a smaller spec"
    raise QuotaError(
        f"One second of {spec} costs {each_second:,} units; {project.name} has {balance:,} left.",
        code="balance-spent",
        hint=f"{remedy}.",
    )


def price(project: types.Project, spec: str, max_units: int | None, balance: int | None) -> Price:
    """What a run costs, for those who watch it."""
    whole = project.limits.max_units_per_execution if project.limits else None
    limits = [int(limit) for limit in (max_units, whole) if limit is not None]
    return Price(types.SPECS[spec].units, at_most=min(limits, default=None), balance=balance)


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
