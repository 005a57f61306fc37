"""Two hundred runs at once, a service that fails every fifth call, and a process that is killed three times."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from executions.lives import Nursery
from executions.weather import FAULTS, Damage, control, damage, lines_of
from support import Facts, store_replay

from jupyter_datasphere.demo.processes import emulator as run_emulator

REPLAYS, KERNEL_RUNS = 190, 10


@pytest.fixture
def stormy(tmp_path: Path) -> Iterator[Facts]:
    """An emulator that misbehaves."""
    root = tmp_path / "emulator" / "root"
    root.parent.mkdir()
    with run_emulator(root) as facts:
        control(facts, "PUT", "faults", FAULTS)
        yield {**facts, "root": str(root)}


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

    assert damage(folder, stormy, replays, cells) == Damage()
