"""Starting the processes of `victim`, and comparing what they left in the ledger with what was executed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from executions.victim import TRACE
from support import Facts

from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.protocol import Event, OutputEvent


class Nursery:
    """Starts processes that hold executions, one after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def live(self, folder: Path, facts: Facts, starting: Sequence[str], dies: str | float | None) -> int:
        """The exit status of a `victim.live` with these arguments."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps([str(folder), facts, starting, dies]), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@contextmanager
def open_nursery() -> Iterator[Nursery]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(Path(__file__).with_name("victim.py"))]
    with subprocess.Popen(
        command,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield Nursery(process)
        finally:  # with the life that is on, which may hang
            os.killpg(process.pid, signal.SIGKILL)


def executed(facts: Facts) -> Counter[str]:
    """How often the code of each execution was executed."""
    trace = Path(facts["root"]) / "projects" / facts["project_id"] / TRACE
    return Counter(trace.read_text().split()) if trace.exists() else Counter()


def text(ledger: Ledger, execution_id: str) -> str | None:
    """What an execution printed; None where the numbers of its events have a gap."""
    pieces: list[str] = []
    after = 0
    while page := ledger.events(execution_id, after):
        if [number for number, _ in page] != list(range(after + 1, after + 1 + len(page))):
            return None
        events = [msgspec.json.decode(data, type=Event) for _, data in page]
        pieces += [event.content["text"] for event in events if isinstance(event, OutputEvent)]
        after = page[-1][0]
    return "".join(pieces)
