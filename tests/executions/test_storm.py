"""Two hundred runs at once, a service that fails every fifth call, and a process that is killed three times."""

from __future__ import annotations

import json
import secrets
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from executions.lives import Nursery, executed, text
from executions.victim import text_of
from support import Facts, store_replay

from jupyter_datasphere.demo.processes import emulator as run_emulator
from jupyter_datasphere.executions.ledger import Ledger

REPLAYS, KERNEL_RUNS = 190, 10
LINES = 20

FAULTS = [
    {"method": "project.execute", "rate": 0.1, "fault": {"lose": True}},
    {"method": "*", "rate": 0.03, "fault": {"status": 429, "retry_after": 0}},
    {"method": "*", "rate": 0.02, "fault": {"status": 500}},
    {"method": "*", "rate": 0.02, "fault": {"status": 502}},
    {"method": "*", "rate": 0.03, "fault": {"status": 503}},
    {"method": "*", "rate": 0.02, "fault": {"status": 504}},
    {"method": "*", "rate": 0.03, "fault": {"delay": 0.05}},
    {"method": "*", "rate": 0.02, "fault": {"cut": "before"}},
    {"method": "*", "rate": 0.02, "fault": {"cut": "middle"}},
    {"method": "*", "rate": 0.02, "fault": {"lose": True}},
    {"method": "project.*", "calls": list(range(100, 50_000, 1000)), "fault": {"expire_tokens": True}},
]
"""One call in five, and the tokens of all every thousand calls."""


@pytest.fixture
def stormy(tmp_path: Path) -> Iterator[Facts]:
    """An emulator that misbehaves."""
    root = tmp_path / "emulator" / "root"
    root.parent.mkdir()
    with run_emulator(root) as facts:
        headers = {"Authorization": f"Bearer {facts['control_token']}"}
        httpx.put(
            f"{facts['url']}/emulator/faults", headers=headers, content=json.dumps(FAULTS)
        ).raise_for_status()
        yield {**facts, "root": str(root)}


def lines_of(name: str) -> list[str]:
    return [f"{name} {number}\n" for number in range(LINES)]


def test_nothing_is_lost_and_nothing_runs_twice(nursery: Nursery, stormy: Facts, tmp_path: Path) -> None:
    replays = {secrets.token_hex(8): f"replay-{number}.ipynb" for number in range(REPLAYS)}
    for name in replays.values():
        store_replay(stormy, name, lines_of(name), 0.3)
    cells = [secrets.token_hex(8) for _ in range(KERNEL_RUNS)]
    starting = [*(f"{execution_id}:{name}" for execution_id, name in replays.items()), *cells]
    folder = tmp_path / "ledger"

    for dies in (0.7, 1.0, 1.3):  # together less than the six seconds that a replay takes
        assert nursery.live(folder, stormy, starting, dies) == -signal.SIGKILL
    assert nursery.live(folder, stormy, starting, None) == 0

    ledger = Ledger(folder)
    ended = [ledger.execution(execution_id) for execution_id in [*replays, *cells]]
    others = Counter((e.state, e.problem and e.problem.title) for e in ended if e.state != "succeeded")
    assert not others
    assert executed(stormy) == dict.fromkeys(cells, 1)
    with sqlite3.connect(Path(stormy["root"]) / "emulator.sqlite") as store:
        played = dict(store.execute("SELECT notebook, count(*) FROM executions GROUP BY notebook").fetchall())
    store.close()
    assert {name: played.get(name) for name in replays.values()} == dict.fromkeys(replays.values(), 1)
    for execution_id, name in replays.items():
        assert text(ledger, execution_id) == "".join(lines_of(name))
    for execution_id in cells:
        assert text(ledger, execution_id) == text_of(execution_id)
    ledger.close()
