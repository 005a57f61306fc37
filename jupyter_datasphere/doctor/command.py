"""From the command line to the exit status."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .. import credentials
from ..errors import UsageError
from ..executions.ledger import Ledger
from ..server.backend import Backend
from ..server.configuration import settings
from ..server.settings import Settings
from . import trial
from .examination import examine
from .finding import Case, Finding, Result
from .table import Table

CHANNEL = "Channel "
OWN = "--project, --full, --yes"


def doctor(project: str | None, options: Sequence[str], *, full: bool, agreed: bool) -> int:
    """Examine, print, and, if `full`, run a cell once the user has agreed; 1 where something failed.

    Where no project is named, it is that of the settings. Raises `UsageError` where they have none.
    """
    configured = settings("doctor", OWN, options)
    project = project or configured.project
    if not project:
        raise UsageError(
            "Which project? None is named.",
            hint="Name it with --project, or set DataSphere.project or JUPYTER_DATASPHERE_PROJECT.",
        )
    # What a server would log of its credentials is in the table.
    logging.getLogger(credentials.__name__).setLevel(logging.ERROR)
    # A ledger of its own: it neither shows nor takes over anybody's runs.
    with tempfile.TemporaryDirectory(prefix="datasphere-doctor-") as folder:
        try:
            return asyncio.run(_doctor(configured, Path(folder), project, full, agreed))
        except BrokenPipeError:  # nobody reads on, as after `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1


async def _doctor(configured: Settings, folder: Path, project: str, full: bool, agreed: bool) -> int:
    ledger = Ledger(folder)
    backend = Backend(configured, ledger, os.environ)
    try:
        return await _examine(Case(configured, backend, project), full, agreed)
    finally:
        await backend.aclose()
        ledger.close()


async def _examine(case: Case, full: bool, agreed: bool) -> int:
    table = Table()
    results: Counter[Result] = Counter()

    def show(finding: Finding) -> None:
        results[finding.result] += 1
        table.row(finding)

    table.head()
    usable = []
    async for finding in examine(case):
        show(finding)
        if finding.check.startswith(CHANNEL) and finding.result == "ok":
            usable.append(finding.check.removeprefix(CHANNEL))
    if full:
        print()
        if case.project is None or not usable:
            table.text("No cell is run: no channel works.")
        else:
            table.text(trial.price(case.project, usable))
            if agreed or _agrees():
                for channel in usable:
                    table.waiting(f"Cell by {channel} …  (Ctrl-C cancels it)")
                    show(await trial.run(case.backend.executions, case.project, channel))
            else:
                table.text("Nothing was run.")
    print()
    table.text(_summary(results))
    return 1 if results["fail"] else 0


def _agrees() -> bool:
    # asyncio's own handler would let the first Ctrl-C pass while this waits.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        answer = input("Run it? [y/N] ")
    except EOFError:
        answer = ""
    finally:
        signal.signal(signal.SIGINT, handler)
    if not sys.stdin.isatty():
        print()  # as Enter does
    return answer.strip().lower() in ("y", "yes")


def _summary(results: Counter[Result]) -> str:
    words = [
        f"{count} {word}{'s' if count > 1 else ''}"
        for word, count in (("failure", results["fail"]), ("warning", results["warn"]))
        if count
    ]
    return f"{' and '.join(words)}." if words else "All is well."
