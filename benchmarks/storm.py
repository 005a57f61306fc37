"""Two thousand runs at once, a service that fails every fifth call, and a Jupyter Server killed ten times.

One run in twenty is a cell in a real kernel; the others are replays: stored outputs, played with delays. All
are asked of the server over HTTP, under IDs of the asker's own. A server that was killed is started again on
the same ledger, and what it had not confirmed is asked once more. In the end the ledger is compared with the
emulator's own record and with the trace that the cells left. Writes `storm.md`.

    python benchmarks/storm.py [--executions N] [--kills N]

Its short form is a test: tests/executions/test_storm.py.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import secrets
import signal
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
from tables import machine, write_table

from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from executions.victim import SESSION, code_of
from executions.weather import FAULTS, control, damage, lines_of
from support import store_replay

CELLS = 20
"""One run in so many is a cell in a real kernel."""
DELAYS = (3.0, 9.0)
"""Seconds between two lines of a replay: some end between the kills, most after the last."""
ASKED_BY = 0.6
"""The share of the kills among which the asking is spread; the other kills come when all are asked."""
LAST_SECONDS = 5.0
"""A server lives on for so long at most, once its time has come."""
ASKERS = 32

Body = dict[str, Any]


class Asker:
    """Asks for executions until each of them is confirmed, of one server after another."""

    def __init__(self, bodies: dict[str, Body]) -> None:
        self.confirmed = 0
        self._bodies = bodies
        self._unconfirmed = list(bodies)
        random.shuffle(self._unconfirmed)

    async def ask(self, server: httpx.AsyncClient) -> None:
        """Returns when all are confirmed. Raises a group of `httpx.TransportError` where the server dies."""
        async with asyncio.TaskGroup() as group:
            for _ in range(ASKERS):
                group.create_task(self._ask(server))

    async def _ask(self, server: httpx.AsyncClient) -> None:
        while self._unconfirmed:
            execution_id = self._unconfirmed.pop()
            confirmed = False
            try:
                confirmed = await self._is_there(server, execution_id)
            finally:
                if confirmed:
                    self.confirmed += 1
                else:
                    self._unconfirmed.append(execution_id)

    async def _is_there(self, server: httpx.AsyncClient, execution_id: str) -> bool:
        """Find it or start it; False where the service was away when the request was checked."""
        if (await server.get(f"datasphere/executions/{execution_id}")).status_code == 200:
            return True
        headers = {"X-Execution-Id": execution_id}
        answer = await server.post("datasphere/executions", headers=headers, json=self._bodies[execution_id])
        assert answer.status_code in (201, 401, 429, 502, 503, 504), answer.text
        return answer.status_code == 201


async def survive(facts: dict[str, str], base: Path, bodies: dict[str, Body], kills: int) -> list[int]:
    """Bring all to their end, under a server that is killed so often; gives how many were on each time."""
    folder = base / "notebooks"
    folder.mkdir()
    options = [f"--DataSphere.ledger_dir={base / 'ledger'}"]
    asker = Asker(bodies)
    on: list[int] = []
    for number in range(1, kills + 2):
        with jupyter("server", folder, environment_for(facts), options=options) as server:

            async def kill(pid: int = server["pid"], number: int = number) -> None:
                while asker.confirmed < len(bodies) * min(number / (kills * ASKED_BY), 1):
                    await asyncio.sleep(0.02)
                await asyncio.sleep(random.uniform(0, LAST_SECONDS))
                os.kill(pid, signal.SIGKILL)
                on.append(unfinished(facts))

            killing = asyncio.create_task(kill()) if number <= kills else None
            try:
                await bring_to_end(server, asker)
            except* httpx.TransportError:
                if killing is None or not killing.done():
                    raise
            if killing is not None:
                await killing
    return on


async def bring_to_end(server: dict[str, Any], asker: Asker) -> None:
    """Ask one server for everything, and wait until nothing runs."""
    headers = {"Authorization": f"token {server['token']}"}
    async with httpx.AsyncClient(base_url=server["url"], headers=headers, timeout=None) as client:
        await asker.ask(client)
        running = 1
        while running:
            await asyncio.sleep(0.2)
            status = await client.get("datasphere/status", params={"check": "false"})
            running = status.json().get("running", 0)


def unfinished(facts: dict[str, str]) -> int:
    """How many executions are on, by the emulator's own record."""
    with closing(sqlite3.connect(Path(facts["root"]) / "emulator.sqlite")) as store:
        return int(store.execute("SELECT count(*) FROM executions WHERE finished = 0").fetchone()[0])


def main(executions: int, kills: int) -> None:
    with tempfile.TemporaryDirectory() as temporary, emulator(Path(temporary) / "emulator") as facts:
        base = Path(temporary)
        facts["root"] = str(base / "emulator")
        cells = [secrets.token_hex(8) for _ in range(executions // CELLS)]
        replays = {secrets.token_hex(8): f"replay-{n}.ipynb" for n in range(executions - len(cells))}
        sources: dict[str, Body] = {
            key: {"type": "code", "source": code_of(key), "session": SESSION} for key in cells
        }
        for key, name in replays.items():
            store_replay(facts, name, lines_of(name), random.uniform(*DELAYS))
            sources[key] = {"type": "notebook", "path": name, "direct": True}
        bodies = {key: {"source": source, "project": facts["project_id"]} for key, source in sources.items()}
        control(facts, "PUT", "faults", FAULTS)

        begin = time.perf_counter()
        on = asyncio.run(survive(facts, base, bodies, kills))
        seconds = time.perf_counter() - begin

        calls = sum(control(facts, "GET", "calls").values())
        rules = control(facts, "GET", "faults")
        found = damage(base / "ledger", facts, replays, cells)
    for line in [*found.lost, *found.doubled, *found.incomplete]:
        print(line, file=sys.stderr)
    failed = sum(rule["fired"] for rule in rules if "delay" not in rule["rule"]["fault"])
    expired = sum(rule["fired"] for rule in rules if "expire_tokens" in rule["rule"]["fault"])
    rows = [
        ("executions, asked for without a pause", f"{executions:,}"),
        ("… of them cells in a real kernel", f"{len(cells):,}"),
        ("kills of the server", f"{kills}"),
        ("… runs that were on then, least to most", f"{min(on):,} to {max(on):,}"),
        ("calls of the service", f"{calls:,}"),
        ("… failed on purpose", f"{failed / calls:.1%}"),
        ("all tokens expired", f"{expired} times, every {seconds / expired:.1f} s"),
        ("executions lost", f"{len(found.lost)}"),
        ("executions doubled", f"{len(found.doubled)}"),
        ("outputs incomplete or out of order", f"{len(found.incomplete)}"),
        ("seconds from the first request to the last end", f"{seconds:.0f}"),
    ]
    write_table(Path(__file__).with_suffix(".md"), "A storm", machine(), ("", "measured"), rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--executions", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    arguments = parser.parse_args()
    main(arguments.executions, arguments.kills)
