"""How soon printed text is seen at the kernel's WebSocket, and how much of it: where users are.

Three things in one run: the first text of a printing cell; lines after silences of known length; and 100,000
lines, complete and in order, with the memory that the server grows by. Writes `streaming.md`.

    python benchmarks/streaming.py
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tables import machine, memory, write_table

from jupyter_datasphere.demo.kernel_client import WebSocketKernel, kernel_of
from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter

FIRST = "%%ds_execute\nimport time\nprint(time.time(), flush=True)\ntime.sleep(0.3)"
SILENCES = (0.1, 0.5, 2.0, 5.0)
LATER = (
    "%%ds_execute\nimport time\nfor silence in {silences}:\n    time.sleep(silence)\n    print(time.time())"
)
LINES = 100_000
MANY = f"%%ds_execute\nfor i in range({LINES}): print(i)"
PACED = 0.9e6
"""Bytes of text per second that a kernel may send so that the server drops nothing."""


async def measure() -> list[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as temporary, emulator(Path(temporary) / "emulator") as facts:
        folder = Path(temporary) / "notebooks"
        folder.mkdir()
        options = [f"--DataSphere.ledger_dir={temporary}/ledger", "--DataSphere.project=demo-project"]
        with jupyter("server", folder, environment_for(facts), options=options) as server:
            async with kernel_of(server) as kernel:
                async for _ in kernel.execute("%load_ext jupyter_datasphere"):
                    pass
                async for _ in kernel.execute(FIRST):
                    pass
                return [*await first_text(kernel), *await later_lines(kernel), *await many(kernel, server)]


async def delays(kernel: WebSocketKernel, code: str) -> list[float]:
    """Seconds from each print of the time to when the text was here."""
    found = []
    async for message in kernel.execute(code):
        for line in message["content"].get("text", "").split():
            found.append(time.time() - float(line))
    return found


async def first_text(kernel: WebSocketKernel) -> list[tuple[str, ...]]:
    found = [(await delays(kernel, FIRST))[0] for _ in range(40)]
    return [("first text of a cell", milliseconds(found), "100")]


async def later_lines(kernel: WebSocketKernel) -> list[tuple[str, ...]]:
    runs = [await delays(kernel, LATER.format(silences=SILENCES)) for _ in range(5)]
    return [
        (
            f"a line after {silence:g} s of silence",
            milliseconds([run[index] for run in runs]),
            f"{silence * 100 + 100:.0f}",
        )
        for index, silence in enumerate(SILENCES)
    ]


async def many(kernel: WebSocketKernel, server: dict[str, Any]) -> list[tuple[str, ...]]:
    before = memory(server["pid"])
    begin = time.perf_counter()
    text = "".join([m["content"].get("text", "") async for m in kernel.execute(MANY)])
    seconds = time.perf_counter() - begin
    assert text == "".join(f"{i}\n" for i in range(LINES)), "lines are missing or out of order"
    size = len(text) + text.count("\n")  # in JSON a line end takes two bytes
    return [
        (f"{LINES:,} lines, complete and in order: seconds", f"{seconds:.2f}", f"{1.5 * size / PACED:.2f}"),
        ("… and the server's memory grows by MB", f"{memory(server['pid']) - before:.1f}", "50"),
    ]


def milliseconds(values: list[float]) -> str:
    return f"{statistics.median(values) * 1000:.0f}"


if __name__ == "__main__":
    rows = asyncio.run(measure())
    note = f"Delays are medians in milliseconds, from the print to the WebSocket's client. {machine()}"
    head = ("", "measured", "at most")
    write_table(Path(__file__).with_suffix(".md"), "Text as it comes", note, head, rows)
