"""How soon the end of a run is known after a silence: at the kernel's WebSocket, and by polls beside it.

Several lanes at once, each a project with a runner of its own and a local kernel, run cells that are silent
and then end. The operations of the same runs are also asked for as the vendor's client does (every 5 s) and
as its SDK does (every 1 s), from a random moment on. The end is the time that the cell prints as the last
thing it does; it is known here when the cell's reply and idle have come. Writes `ending.md`.

    python benchmarks/ending.py [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
from tables import machine, write_table

from jupyter_datasphere.datasphere import types
from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.demo.kernel_client import WebSocketKernel, kernel_of
from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter
from jupyter_datasphere.executions.runner.notebook import RUNNER_NAME

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import client_for

LANES = 8
SILENCES = (1.0, 3.0, 10.0, 30.0)
POLLS = (1.0, 5.0)
CELL = """%%ds_execute --project {project}
import time
print("begun", flush=True)
time.sleep({silence})
print(time.time())"""

Delays = dict[tuple[float, float | None], list[float]]
"""Seconds from the end to the news of it, by the silence before and the poll's interval; None: ours."""


class Lane:
    """Runs cells in one project, one after the other."""

    def __init__(
        self, project: str, kernel: WebSocketKernel, server: httpx.AsyncClient, client: Client
    ) -> None:
        self._project = project
        self._kernel = kernel
        self._server = server
        self._client = client
        self.delays: Delays = defaultdict(list)

    async def run(self, rounds: int) -> None:
        await self._cell(0.0)  # starts the interpreter
        self.delays.clear()
        async with asyncio.TaskGroup() as polls:
            for _ in range(rounds):
                for silence in random.sample(SILENCES, len(SILENCES)):
                    await self._cell(silence, polls)

    async def _cell(self, silence: float, polls: asyncio.TaskGroup | None = None) -> None:
        ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        text = ""
        async for message in self._kernel.execute(CELL.format(project=self._project, silence=silence)):
            text += message["content"].get("text", "")
            if text == "begun\n" and polls is not None:
                operation = await self._operation()
                for interval in POLLS:
                    polls.create_task(self._poll(operation, silence, interval, ended))
        known = time.time()
        begun, at = text.split()
        assert begun == "begun"
        ended.set_result(float(at))
        self.delays[silence, None].append(known - float(at))

    async def _operation(self) -> str:
        """The operation of the run that is on in this lane's project."""
        query = {"project_id": self._project, "state": "running"}
        [execution] = (await self._server.get("datasphere/executions", params=query)).json()["executions"]
        return str(execution["operation_id"])

    async def _poll(
        self, operation: str, silence: float, interval: float, ended: asyncio.Future[float]
    ) -> None:
        await asyncio.sleep(random.uniform(0, interval))
        while not (await self._client.get_operation(operation)).done:
            await asyncio.sleep(interval)
        known = time.time()
        self.delays[silence, interval].append(known - await ended)


async def measure(rounds: int) -> Delays:
    with tempfile.TemporaryDirectory() as temporary, emulator(Path(temporary) / "emulator") as facts:
        client = client_for(facts)
        projects = [await new_project(client, facts, Path(temporary) / "emulator") for _ in range(LANES)]
        folder = Path(temporary) / "notebooks"
        folder.mkdir()
        options = [f"--DataSphere.ledger_dir={temporary}/ledger"]
        with jupyter("server", folder, environment_for(facts), options=options) as server:
            headers = {"Authorization": f"token {server['token']}"}
            async with httpx.AsyncClient(base_url=server["url"], headers=headers, timeout=60) as http:
                found = await asyncio.gather(*(lane(p, server, http, client, rounds) for p in projects))
        await client.transport.aclose()
    together: Delays = defaultdict(list)
    for delays in found:
        for key, values in delays.items():
            together[key] += values
    return together


async def new_project(client: Client, facts: dict[str, str], root: Path) -> str:
    """A project with a runner, so that its runs wait for no others."""
    request = types.CreateProjectRequest(community_id=facts["community_id"], name="lane")
    operation = await client.wait(await client.create_project(request))
    assert operation.metadata is not None
    project = str(operation.metadata["projectId"])
    folder = root / "projects" / project
    folder.mkdir(exist_ok=True)
    shutil.copy(root / "projects" / facts["project_id"] / RUNNER_NAME, folder)
    return project


async def lane(
    project: str, server: dict[str, Any], http: httpx.AsyncClient, client: Client, rounds: int
) -> Delays:
    async with kernel_of(server) as kernel:
        async for _ in kernel.execute("%load_ext jupyter_datasphere"):
            pass
        lane = Lane(project, kernel, http, client)
        await lane.run(rounds)
        return lane.delays


def main(rounds: int) -> None:
    delays = asyncio.run(measure(rounds))
    rows = []
    for silence in SILENCES:
        ours, *polls = (shown(delays[silence, interval]) for interval in (None, *POLLS))
        promised = f"{min(silence * 0.1 + 0.1, 2.0):.1f}"
        rows.append((f"{silence:g} s", *ours, promised, *(value for poll in polls for value in poll)))
    note = (
        f"Seconds from the end of a run to the news of it: {rounds * LANES} runs for each silence, {LANES} "
        f"at a time, with the polls of the same runs. After 30 s of silence a poll every second is "
        f"sooner than ours, which then waits up to two. {machine()}"
    )
    head = ("silent before", "`%%ds_execute`: median", "worst", "promised at most")
    head += tuple(word for interval in POLLS for word in (f"poll every {interval:g} s: median", "worst"))
    write_table(Path(__file__).with_suffix(".md"), "How soon the end is known", note, head, rows)


def shown(values: list[float]) -> tuple[str, str]:
    """Median and worst."""
    return f"{statistics.median(values):.2f}", f"{max(values):.2f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args().rounds)
