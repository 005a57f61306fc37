"""Connection, credentials and project in words, for `%ds_status` and the panel."""

from __future__ import annotations

import time

from ..protocol import LedgerUsage, ProjectInfo, ServerStatus
from .describe import duration
from .problems import error_from

NO_PROJECT = "No project is chosen. %ds_project NAME_OR_ID chooses one."


def status_facts(status: ServerStatus) -> list[tuple[str, str]]:
    """Names and values, for `tables.facts`."""
    rows = [("Connection", connection(status)), ("Endpoint", status.endpoint), *credentials(status)]
    if status.project is None:
        rows.append(("Project", NO_PROJECT))
    else:
        rows.append(("Project", named(status.project)))
        if status.problem is None:
            rows.append(("Balance", balance(status.project)))
        for channel, word in status.project.channels.items():
            rows.append((f"Channel {channel}", word))
    rows.append(("Running", str(status.running)))
    if status.ledger is not None:
        rows.append(("Ledger", _usage(status.ledger)))
    return [*rows, ("Version", status.version)]


def connection(status: ServerStatus) -> str:
    if status.problem is None:
        return status.connection
    error = error_from(status.problem)
    return f"ok, but: {error}" if status.connection == "ok" else f"{status.connection}: {error}"


def credentials(status: ServerStatus) -> list[tuple[str, str]]:
    """Which credentials are in force, and until when."""
    source = status.credentials or "none"
    if status.credentials_expire_at is not None:
        source += f", {_expiry(status.credentials_expire_at)}"
    rows = [("Credentials", source)]
    if status.profile is not None:
        rows.insert(0, ("Profile", status.profile))
    if status.credentials_notice is not None:
        rows.append(("Note", status.credentials_notice))
    return rows


def balance(project: ProjectInfo) -> str:
    if project.balance_hidden:
        return "not shown to this account"
    return "no limit" if project.unit_balance is None else f"{project.unit_balance:,} units"


def _usage(ledger: LedgerUsage) -> str:
    runs = "run" if ledger.executions == 1 else "runs"
    usage = f"{ledger.executions:,} {runs}, {ledger.bytes / 1e6:,.1f} of {ledger.max_bytes / 1e6:,.0f} MB"
    return usage if ledger.problem is None else f"{usage}. {ledger.problem}."


def named(project: ProjectInfo) -> str:
    return project.id if project.name == project.id else f"{project.name} ({project.id})"


def _expiry(at: float) -> str:
    left = at - time.time()
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    return f"expired since {when}" if left <= 0 else f"until {when} ({duration(left)} left)"
