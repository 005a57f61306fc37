"""What a storm is made of: a service that fails every fifth call, and runs whose outputs are known before."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgspec
from executions.lives import executed, text
from executions.victim import text_of
from support import Facts

from jupyter_datasphere.errors import NotFoundError
from jupyter_datasphere.executions.ledger import Ledger

LINES = 20

FAULTS = [
    {"method": "project.execute", "rate": 0.1, "fault": {"lose": True}},
    {"method": "*", "rate": 0.04, "fault": {"status": 429, "retry_after": 0}},
    {"method": "*", "rate": 0.02, "fault": {"status": 500}},
    {"method": "*", "rate": 0.02, "fault": {"status": 502}},
    {"method": "*", "rate": 0.04, "fault": {"status": 503}},
    {"method": "*", "rate": 0.02, "fault": {"status": 504}},
    {"method": "*", "rate": 0.03, "fault": {"delay": 0.05}},
    {"method": "*", "rate": 0.03, "fault": {"cut": "before"}},
    {"method": "*", "rate": 0.02, "fault": {"cut": "middle"}},
    {"method": "*", "rate": 0.03, "fault": {"lose": True}},
    {"method": "project.*", "calls": list(range(100, 1_000_000, 1000)), "fault": {"expire_tokens": True}},
]
"""One call in five fails, some are late, and the tokens of all expire every thousand calls."""


def control(facts: Facts, verb: str, path: str, content: Any = None) -> Any:
    """A call to the emulator's own controls."""
    headers = {"Authorization": f"Bearer {facts['control_token']}"}
    answer = httpx.request(verb, f"{facts['url']}/emulator/{path}", headers=headers, json=content)
    return answer.raise_for_status().json()


def lines_of(name: str) -> list[str]:
    return [f"{name} {number}\n" for number in range(LINES)]


class Damage(msgspec.Struct):
    """What a storm did to runs, each named with what is wrong."""

    lost: list[str] = []
    """Not in the ledger, ended in another way than by success, or never executed."""
    doubled: list[str] = []
    """Executed more than once."""
    incomplete: list[str] = []
    """Text missing, repeated or out of order."""


def damage(folder: Path, facts: Facts, replays: Mapping[str, str], cells: Iterable[str]) -> Damage:
    """Compare what the ledger in `folder` says with what was executed, by the emulator's record and the trace.

    `replays` has the notebook of each execution by its ID; `cells` are the IDs of those that ran `code_of`.
    """
    times = played(facts)
    runs = {key: (times[name], "".join(lines_of(name))) for key, name in replays.items()}
    times = executed(facts)
    runs |= {key: (times[key], text_of(key)) for key in cells}
    found = Damage()
    ledger = Ledger(folder)
    for key, (count, expected) in runs.items():
        try:
            execution = ledger.execution(key)
        except NotFoundError as error:
            found.lost.append(str(error))
            continue
        if execution.state != "succeeded" or not count:
            found.lost.append(f"{key}: {execution.state}, executed {count} times, {execution.problem}")
        if count > 1:
            found.doubled.append(f"{key}: executed {count} times")
        if text(ledger, key) != expected:
            found.incomplete.append(f"{key}: {text(ledger, key)!r:.200}")
    ledger.close()
    return found


def played(facts: Facts) -> Counter[str]:
    """How often each stored notebook was executed, by the emulator's own record."""
    with closing(sqlite3.connect(Path(facts["root"]) / "emulator.sqlite")) as store:
        return Counter(name for (name,) in store.execute("SELECT notebook FROM executions"))
