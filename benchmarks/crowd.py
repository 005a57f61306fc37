"""A thousand runs at once, followed by one Jupyter Server: does it stay responsive, and quiet afterwards?

The runs are replay notebooks of the emulator, which need no kernels: each prints a line every two seconds for
a minute. Several callers ask for the server's status all the while, from before the first start to after the
last end. Then every output is compared with what was printed. Writes `crowd.md`.

    python benchmarks/crowd.py [--runs N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import nbformat
from tables import machine, memory, write_table

from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter

LINES = 30
SECONDS_EACH = 2.0
STARTERS = 32
"""Requests to start a run that are under way at once."""
CALLERS = 5
REST = 0.05
"""Seconds from an answer to the next question of the same caller."""
IDLE = 10.0
"""Seconds for which the server is looked at once everything has ended."""

Facts = dict[str, Any]


def lines_of(name: str) -> str:
    return "".join(f"{name} {number}\n" for number in range(LINES))


def write_replay(folder: Path, name: str) -> None:
    """A stored notebook whose outputs the emulator plays."""
    lines = lines_of(name).splitlines(keepends=True)
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=line) for line in lines]
    cell = nbformat.v4.new_code_cell("", outputs=outputs, metadata={"delays": [SECONDS_EACH] * LINES})
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"datasphere_emulator": {"replay": True}})
    nbformat.write(notebook, folder / name)


def client_of(server: Facts) -> httpx.AsyncClient:
    headers = {"Authorization": f"token {server['token']}"}
    return httpx.AsyncClient(base_url=server["url"], headers=headers, timeout=120, trust_env=False)


def start(server: Facts, names: list[str]) -> tuple[float, dict[str, str]]:
    """Start these notebooks; gives the seconds it took, and the name of each execution's notebook.

    In a process of its own, as kernels would: whoever measures is not kept from it.
    """

    async def start_all() -> tuple[float, dict[str, str]]:
        places = asyncio.Semaphore(STARTERS)
        async with client_of(server) as http:

            async def start_one(name: str) -> tuple[str, str]:
                async with places:
                    source = {"type": "notebook", "path": name, "direct": True}
                    answer = await http.post("datasphere/executions", json={"source": source})
                    return answer.raise_for_status().json()["id"], name

            begin = time.perf_counter()
            started = await asyncio.gather(*map(start_one, names))
            return time.perf_counter() - begin, dict(started)

    return asyncio.run(start_all())


class Crowd:
    """The runs, and what is seen of them and of the server."""

    def __init__(self, server: Facts, emulator: dict[str, str], http: httpx.AsyncClient) -> None:
        self._server = server
        self._emulator = emulator
        self._http = http
        self.waits: list[float] = []
        self.checked_waits: list[float] = []
        self.most_memory = 0.0
        self.running = 0

    async def watch(self, waits: list[float], query: str, rest: float) -> None:
        """Ask for the status again and again; never ends."""
        while True:
            begin = time.perf_counter()
            answer = await self._http.get(f"datasphere/status?{query}")
            waits.append(time.perf_counter() - begin)
            self.running = answer.raise_for_status().json().get("running", 0)
            self.most_memory = max(self.most_memory, memory(self._server["pid"]))
            await asyncio.sleep(rest)

    async def ended(self) -> None:
        while self.running:
            await asyncio.sleep(0.1)

    async def calls(self) -> int:
        """Calls that the service has had."""
        headers = {"Authorization": f"Bearer {self._emulator['control_token']}"}
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"{self._emulator['url']}/emulator/calls", headers=headers)
        return Counter[str](answer.raise_for_status().json()).total()

    async def text(self, execution_id: str) -> str:
        """What the ledger has of a run that has ended."""
        answer = await self._http.get(f"datasphere/executions/{execution_id}/events")
        data = (line[6:] for line in answer.text.splitlines() if line.startswith("data: "))
        events = [json.loads(line) for line in data]
        assert events[-1].get("state") == "succeeded", events[-1]
        return "".join(event["content"]["text"] for event in events if event["type"] == "output")


async def measure(runs: int) -> list[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as temporary, emulator(Path(temporary) / "emulator") as facts:
        project = Path(temporary) / "emulator" / "projects" / facts["project_id"]
        names = [f"run-{number}.ipynb" for number in range(runs)]
        for name in ("first.ipynb", *names):
            write_replay(project, name)
        folder = Path(temporary) / "notebooks"
        folder.mkdir()
        options = [f"--DataSphere.ledger_dir={temporary}/ledger", "--DataSphere.project=demo-project"]
        with jupyter("server", folder, environment_for(facts), options=options) as server:
            async with client_of(server) as http:
                return await crowded(Crowd(server, facts, http), server, names)


async def crowded(crowd: Crowd, server: Facts, names: list[str]) -> list[tuple[str, ...]]:
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
        # The first run loads what the server needs for any; it goes on beside the others.
        await loop.run_in_executor(other, start, server, ["first.ipynb"])
        before = memory(server["pid"])
        async with asyncio.TaskGroup() as group:
            questions = [(crowd.waits, "check=false", REST)] * CALLERS + [(crowd.checked_waits, "", 1.0)]
            watchers = [group.create_task(crowd.watch(*question)) for question in questions]
            calls, begin = await crowd.calls(), time.perf_counter()
            starting, started = await loop.run_in_executor(other, start, server, names)
            await crowd.ended()
            asked, whole = await crowd.calls() - calls, time.perf_counter() - begin
            for watcher in watchers:
                watcher.cancel()
    await asyncio.sleep(1)  # what was under way comes to its end
    calls, cpu = await crowd.calls(), cpu_seconds(server["pid"])
    await asyncio.sleep(IDLE)
    idle_calls, idle_cpu = await crowd.calls() - calls, cpu_seconds(server["pid"]) - cpu
    for execution_id, name in started.items():
        assert await crowd.text(execution_id) == lines_of(name), f"outputs of {name} are missing"
    status, checked = milliseconds(crowd.waits), milliseconds(crowd.checked_waits)
    return [
        ("seconds in which all were started", f"{starting:.1f}", ""),
        (
            f"seconds until all had ended ({LINES * SECONDS_EACH:g} from start to end of one)",
            f"{whole:.1f}",
            "",
        ),
        (f"status, median of {len(crowd.waits):,}: ms", status[0], ""),
        ("status, 95th percentile: ms", status[1], "100"),
        ("status, longest: ms", status[2], ""),
        ("status that asks the service too, median: ms", checked[0], ""),
        ("status that asks the service too, 95th percentile: ms", checked[1], ""),
        ("calls of the service per second", f"{asked / whole:.0f}", ""),
        ("the server's memory grows by MB", f"{crowd.most_memory - before:.0f}", "150"),
        ("runs whose output is complete", f"{len(started):,}", f"{len(names):,}"),
        (f"afterwards, in {IDLE:g} s: calls of the service", f"{idle_calls}", "0"),
        (f"afterwards, in {IDLE:g} s: CPU time of the server, ms", f"{idle_cpu * 1000:.0f}", ""),
    ]


def milliseconds(waits: list[float]) -> tuple[str, str, str]:
    """Median, 95th percentile, longest."""
    values = (statistics.median(waits), statistics.quantiles(waits, n=20)[-1], max(waits))
    median, most, longest = (f"{value * 1000:.0f}" for value in values)
    return median, most, longest


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    rows = asyncio.run(measure(runs))
    note = f"Each run takes {LINES * SECONDS_EACH:g} seconds by itself. {machine()}"
    head = ("", "measured", "target")
    write_table(Path(__file__).with_suffix(".md"), f"{runs:,} runs at once", note, head, rows)
