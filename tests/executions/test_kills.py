"""A kill -9 at any instant neither loses a run nor runs it twice, and its output is complete and in order."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from executions.victim import BOUNDARIES, TRACE, text_of
from support import Facts

from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.protocol import Event, OutputEvent

RANDOM_KILLS = 200

NOT_YET_COMMITTED = ("before create", "after create", "before staged", "after staged")
"""An execution is entered and staged in one piece: so far, nothing of it is on the disk."""


class Lives:
    """Processes that hold executions, one after another."""

    def __init__(self, nursery: subprocess.Popen[str], folder: Path, facts: Facts) -> None:
        self._nursery = nursery
        self._arguments = (str(folder), facts)

    def live(self, starting: Sequence[str], dies: str | float | None) -> int:
        """The exit status of a process that starts these executions, and goes on with what is there."""
        assert self._nursery.stdin is not None and self._nursery.stdout is not None
        print(json.dumps([*self._arguments, starting, dies]), file=self._nursery.stdin, flush=True)
        return int(self._nursery.stdout.readline())


@pytest.fixture(scope="module")
def nursery() -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(Path(__file__).with_name("victim.py"))]
    with subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()  # it ends after the life that is on


@pytest.fixture
def lives(nursery: subprocess.Popen[str], tmp_path: Path, emulator: Facts) -> Lives:
    return Lives(nursery, tmp_path, emulator)


def check(folder: Path, facts: Facts, started: Iterable[str]) -> int:
    """Compare what was executed with what the ledger says; gives how many runs the ledger has."""
    trace = Path(facts["root"]) / "projects" / facts["project_id"] / TRACE
    executed = Counter(trace.read_text().split()) if trace.exists() else Counter()
    ledger = Ledger(folder)
    found = 0
    for execution_id in started:
        if not ledger.exists(execution_id):
            # It died before it had written the run down: then it had told nobody of it.
            assert executed[execution_id] == 0
            continue
        found += 1
        assert ledger.execution(execution_id).state == "succeeded"
        assert executed[execution_id] == 1
        assert text(ledger, execution_id) == text_of(execution_id)
    ledger.close()
    return found


def text(ledger: Ledger, execution_id: str) -> str:
    pieces: list[str] = []
    after = 0
    while page := ledger.events(execution_id, after):
        assert [number for number, _ in page] == list(range(after + 1, after + 1 + len(page)))
        events = [msgspec.json.decode(data, type=Event) for _, data in page]
        pieces += [event.content["text"] for event in events if isinstance(event, OutputEvent)]
        after = page[-1][0]
    return "".join(pieces)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_at_a_steps_boundary(lives: Lives, tmp_path: Path, emulator: Facts, boundary: str) -> None:
    execution_id = secrets.token_hex(8)
    assert lives.live([execution_id], boundary) == -signal.SIGKILL
    assert lives.live([], None) == 0
    assert check(tmp_path, emulator, [execution_id]) == (boundary not in NOT_YET_COMMITTED)


def test_killed_at_random_instants(lives: Lives, tmp_path: Path, emulator: Facts) -> None:
    """Each life finds what the earlier ones left, starts a run of its own, and dies in the middle."""
    chance = random.Random(20)
    started: list[str] = []
    killed = 0
    for _ in range(RANDOM_KILLS):
        started.append(secrets.token_hex(8))
        killed += lives.live(started[-1:], chance.uniform(0.0, 0.08)) == -signal.SIGKILL
    assert lives.live([], None) == 0
    found = check(tmp_path, emulator, started)
    assert killed > RANDOM_KILLS / 2
    assert found > RANDOM_KILLS / 4
