"""200 MB of text from one cell: complete, with bounded memory, shown up to the limit, and as a file.

The cell prints 2,000,000 numbered lines of 100 bytes through a kernel's WebSocket. Then its text is compared,
byte for byte: as the ledger has it, as the handle gives it, as it was written to a file. Writes `flood.md`.

    python benchmarks/flood.py [--megabytes N]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from tables import machine, memory, write_table

from jupyter_datasphere.demo.kernel_client import WebSocketKernel, kernel_of
from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter

LINE = 100
"""Bytes, with the line end."""
SHOWN = 10_000_000
"""Bytes of output that a run shows."""
MEMORY = 64
"""Megabytes by which the memory of the server and of the kernel may grow."""
CODE = "%%ds_execute --handle flood\nfor number in range({lines}): print(f'{{number:0{width}d}}')"

Facts = dict[str, Any]


class Peak:
    """By how many megabytes the memory of a process grows at most while it is looked at."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = memory(pid)
        self.growth = 0.0

    async def look(self) -> None:
        """Look again and again; never ends."""
        while True:
            self.growth = max(self.growth, memory(self._pid) - self._before)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def peaks(*pids: int) -> AsyncIterator[list[Peak]]:
    found = [Peak(pid) for pid in pids]
    async with asyncio.TaskGroup() as group:
        looking = [group.create_task(peak.look()) for peak in found]
        try:
            yield found
        finally:
            for task in looking:
                task.cancel()


async def measure(lines: int) -> list[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as temporary, emulator(Path(temporary) / "emulator") as facts:
        folder = Path(temporary) / "notebooks"
        folder.mkdir()
        options = [f"--DataSphere.ledger_dir={temporary}/ledger", "--DataSphere.project=demo-project"]
        with jupyter("server", folder, environment_for(facts), options=options) as server:
            async with kernel_of(server) as kernel:
                return await Flood(kernel, server, folder, lines).rows()


class Flood:
    """The run, and what came of it."""

    def __init__(self, kernel: WebSocketKernel, server: Facts, folder: Path, lines: int) -> None:
        self._kernel = kernel
        self._server = server
        self._folder = folder
        self._lines = lines

    async def rows(self) -> list[tuple[str, ...]]:
        await self._text("%load_ext jupyter_datasphere")
        await self._text("%%ds_execute\nprint(1)")
        pid = int(await self._text("import os; print(os.getpid())"))
        digest, size = self._printed()
        begin = time.perf_counter()
        async with peaks(self._server["pid"], pid) as (server, kernel):
            shown, said = await self._shown()
        seconds = time.perf_counter() - begin
        assert "exceeds 10 MB" in said, said
        async with peaks(self._server["pid"]) as (reading,):
            assert await self._in_ledger() == (digest, size), "the ledger lacks something"
        saving_seconds, saving = await self._timed("flood.save('flood.txt')", pid)
        with (self._folder / "flood.txt").open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == digest, "the file lacks something"
        text_seconds, text = await self._timed("text = flood.text", pid)
        code = "import hashlib; print(hashlib.sha256(text.encode()).hexdigest())"
        assert (await self._text(code)).strip() == digest, "the handle lacks something"
        bound = str(MEMORY)
        megabytes = f"{size / 1e6:g} MB"
        return [
            (f"{megabytes} from one cell: seconds until its end", f"{seconds:.1f}", ""),
            ("… shown of it: bytes", f"{shown:,}", f"{SHOWN:,}"),
            ("… in the ledger, the same to the byte: bytes", f"{size:,}", f"{size:,}"),
            ("… the server's memory grows by MB", f"{server.growth:.0f}", bound),
            ("… the kernel's memory grows by MB", f"{kernel.growth:.0f}", bound),
            ("reading all of it from the server: its memory grows by MB", f"{reading.growth:.0f}", bound),
            ("`handle.save`: seconds", f"{saving_seconds:.1f}", ""),
            ("… the kernel's memory grows by MB", f"{saving:.0f}", bound),
            ("`handle.text`: seconds", f"{text_seconds:.1f}", ""),
            (f"… the kernel's memory grows by MB (it is a string of {megabytes})", f"{text:.0f}", ""),
        ]

    def _printed(self) -> tuple[str, int]:
        digest = hashlib.sha256()
        for number in range(self._lines):
            digest.update(b"%0*d\n" % (LINE - 1, number))
        return digest.hexdigest(), self._lines * LINE

    async def _shown(self) -> tuple[int, str]:
        """Bytes that the cell shows of its output, as they are on the wire; and what it says besides."""
        wire, texts, said = 0, list[str](), ""
        code = CODE.format(lines=self._lines, width=LINE - 1)
        async for message in self._kernel.execute(code):
            content = message["content"]
            assert message["msg_type"] != "error", content
            if content.get("name") == "stderr":
                said += content["text"]
            elif content.get("name") == "stdout":
                wire += len(json.dumps(content["text"]))
                texts.append(content["text"])
        shown = "".join(texts)
        lines = (f"{number:0{LINE - 1}d}\n" for number in range(self._lines))
        printed = "".join(islice(lines, len(shown) // LINE + 1))
        assert printed.startswith(shown), f"lines are missing or out of order; it was said: {said}"
        return wire, said

    async def _in_ledger(self) -> tuple[str, int]:
        """Digest and size of the text that the server has."""
        digest, size = hashlib.sha256(), 0
        execution_id = (await self._text("print(flood.id)")).strip()
        headers = {"Authorization": f"token {self._server['token']}"}
        url = f"{self._server['url']}datasphere/executions/{execution_id}/events"
        async with (
            httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
            http.stream("GET", url) as answer,
        ):
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and (event := json.loads(line[6:]))["type"] == "output":
                    text = event["content"]["text"].encode()
                    digest.update(text)
                    size += len(text)
        return digest.hexdigest(), size

    async def _timed(self, code: str, pid: int) -> tuple[float, float]:
        """Seconds that a cell takes, and megabytes by which the kernel grows meanwhile."""
        begin = time.perf_counter()
        async with peaks(pid) as (kernel,):
            await self._text(code)
        return time.perf_counter() - begin, kernel.growth

    async def _text(self, code: str) -> str:
        """What a cell prints."""
        text = ""
        async for message in self._kernel.execute(code):
            assert message["msg_type"] != "error", message["content"]
            text += message["content"].get("text", "")
        return text


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=200)
    megabytes = parser.parse_args().megabytes
    rows = asyncio.run(measure(megabytes * 10**6 // LINE))
    head = ("", "measured", "at most")
    write_table(Path(__file__).with_suffix(".md"), f"{megabytes} MB from one cell", machine(), head, rows)
