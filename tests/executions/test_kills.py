"""A kill -9 at any instant neither loses a run nor runs it twice, and its output is complete and in order."""

from __future__ import annotations

import random
import secrets
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from executions.lives import Nursery, executed, text
from executions.victim import BOUNDARIES, text_of
from support import Facts

from jupyter_datasphere.executions.ledger import Ledger

RANDOM_KILLS = 200

NOT_YET_COMMITTED = ("before create", "after create", "before staged", "after staged")
"""An execution is entered and staged in one piece: so far, nothing of it is on the disk."""


def check(folder: Path, facts: Facts, started: Iterable[str]) -> int:
    """Compare what was executed with what the ledger says; gives how many runs the ledger has."""
    counts = executed(facts)
    ledger = Ledger(folder)
    found = 0
    for execution_id in started:
        if not ledger.exists(execution_id):
            # It died before it had written the run down: then it had told nobody of it.
            assert counts[execution_id] == 0
            continue
        found += 1
        assert ledger.execution(execution_id).state == "succeeded"
        assert counts[execution_id] == 1
        assert text(ledger, execution_id) == text_of(execution_id)
    ledger.close()
    return found


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_at_a_steps_boundary(nursery: Nursery, tmp_path: Path, emulator: Facts, boundary: str) -> None:
    execution_id = secrets.token_hex(8)
    assert nursery.live(tmp_path, emulator, [execution_id], boundary) == -signal.SIGKILL
    assert nursery.live(tmp_path, emulator, [], None) == 0
    assert check(tmp_path, emulator, [execution_id]) == (boundary not in NOT_YET_COMMITTED)


def test_killed_at_random_instants(nursery: Nursery, tmp_path: Path, emulator: Facts) -> None:
    """Each life finds what the earlier ones left, starts a run of its own, and dies in the middle."""
    chance = random.Random(20)
    started: list[str] = []
    whole_life = 0.0

    def live(dies: float | None) -> bool:
        """Whether it was killed; one that was not tells how long a life is just now."""
        nonlocal whole_life
        started.append(secrets.token_hex(8))
        begun = time.monotonic()
        status = nursery.live(tmp_path, emulator, started[-1:], dies)
        if status == 0:
            whole_life = time.monotonic() - begun
        else:
            assert status == -signal.SIGKILL
        return status != 0

    for _ in range(2):  # the first starts the interpreter over there
        assert not live(None)
    killed = 0
    while killed < RANDOM_KILLS:
        killed += live(whole_life * chance.uniform(0.4, 1.2))
    assert nursery.live(tmp_path, emulator, [], None) == 0
    found = check(tmp_path, emulator, started)
    assert found > RANDOM_KILLS / 20  # on a busy machine many die before they have begun
