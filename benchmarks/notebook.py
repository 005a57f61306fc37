"""A notebook of 200 cells with 20 MB of outputs: how soon each cell's are seen at the kernel's WebSocket.

Each cell is silent for a while, then prints 50 KB and shows an image of 50 KB; the delay is from the print
to when both are here. What came is compared with what must come, to the letter and in order, and so is the
notebook that `--save` writes. Writes `notebook.md`.

    python benchmarks/notebook.py [--cells N] [--channel NAME ...]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import nbformat
from tables import machine, write_table

from jupyter_datasphere.demo.kernel_client import WebSocketKernel, kernel_of
from jupyter_datasphere.demo.processes import emulator, environment_for, jupyter

REVISIONS = {"state": "2024-03", "files": "current", "jupyter": "current"}
"""The channels, and the revision of the service that each is for."""

SILENCES = (0.05, 0.5)
"""Seconds for which a cell is silent: from and to."""
LATE = 0.1
"""Seconds, beyond a tenth of the silence, after which the outputs shall be seen (median)."""

TOOLS = """
import base64, random, time
def text_of(number):
    digits = random.Random(number).randbytes(24_750).hex()
    return "".join(f"{digits[at : at + 99]}\\n" for at in range(0, len(digits), 99))
def image_of(number):
    return base64.b64encode(random.Random(number).randbytes(37_500)).decode()
def part(number, silence):
    text, image = text_of(number), image_of(number)
    time.sleep(silence)
    print(time.time(), text, end="")
    display({"image/png": image, "text/plain": f"image {number}"}, raw=True)
"""


@dataclass
class Seen:
    """What came of one run."""

    headings: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """Delays, less a tenth of the silence before."""


def sources(cells: int) -> list[str]:
    some = random.Random(0)
    parts = [f"part({number}, {some.uniform(*SILENCES):.3f})" for number in range(cells)]
    return [TOOLS + parts[0], *parts[1:]]


async def follow(kernel: WebSocketKernel, code: str) -> Seen:
    """Run the notebook and read what is shown. Each cell's image is the last that it shows."""
    seen = Seen()
    text = ""
    before = time.time()
    async for message in kernel.execute(code):
        content, now = message["content"], time.time()
        data = content.get("data", {})
        if message["msg_type"] == "error":
            raise RuntimeError("\n".join(content["traceback"]))
        if message["msg_type"] == "stream":
            text += content["text"]
        elif "image/png" in data:
            begun, _, rest = text.partition(" ")
            silence, before, text = float(begun) - before, now, ""
            seen.texts.append(rest)
            seen.images.append(data["image/png"])
            seen.delays.append(now - float(begun))
            seen.late.append(seen.delays[-1] - silence / 10)
        elif data.get("text/plain", "").startswith("["):
            seen.headings.append(data["text/plain"].partition("]")[0] + "]")
    return seen


def check(seen: Seen, saved: Path, cells: int) -> None:
    """Whether all of it came, in order, and is in the notebook."""
    tools: dict[str, Any] = {}
    exec(TOOLS, tools)
    texts = [tools["text_of"](number) for number in range(cells)]
    images = [tools["image_of"](number) for number in range(cells)]
    assert seen.headings == [f"[{number}/{cells}]" for number in range(1, cells + 1)], "headings"
    assert seen.texts == texts, "texts are missing or out of order"
    assert seen.images == images, "images are missing or out of order"
    notebook = nbformat.read(saved, as_version=4)
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in notebook.cells] == list(range(1, cells + 1))
    for cell, text, image in zip(notebook.cells, texts, images, strict=True):
        stream, display = cell.outputs
        assert stream.text.partition(" ")[2] == text
        assert display.data["image/png"].strip() == image


async def measure(channel: str, cells: int) -> tuple[str, ...]:
    with a_server(channel, cells) as server:
        file = server["folder"] / "executed.ipynb"
        async with kernel_of(server) as kernel:
            for line in ("%load_ext jupyter_datasphere", f"%ds_config display_limit=100 channel={channel}"):
                async for _ in kernel.execute(line):
                    pass
            begin = time.perf_counter()
            seen = await follow(kernel, f"%ds_execute many.ipynb --save {file}")
            seconds = time.perf_counter() - begin
        check(seen, file, cells)
        return (
            channel,
            f"{file.stat().st_size / 1e6:.1f}",
            f"{seconds:.0f}",
            milliseconds(statistics.median(seen.delays)),
            milliseconds(statistics.median(seen.late)),
            milliseconds(LATE),
            milliseconds(statistics.quantiles(seen.late, n=20)[-1]),
        )


@contextmanager
def a_server(channel: str, cells: int) -> Iterator[dict[str, Any]]:
    """A Jupyter server on an emulator of the channel's revision, whose project has the notebook."""
    with (
        tempfile.TemporaryDirectory() as temporary,
        emulator(Path(temporary) / "emulator", "--revision", REVISIONS[channel]) as facts,
    ):
        project = Path(temporary) / "emulator" / "projects" / facts["project_id"]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in sources(cells)])
        nbformat.write(notebook, project / "many.ipynb")
        folder = Path(temporary) / "notebooks"
        folder.mkdir()
        options = [f"--DataSphere.ledger_dir={temporary}/ledger", "--DataSphere.project=demo-project"]
        with jupyter("server", folder, environment_for(facts), options=options) as server:
            if channel == "jupyter":
                link(facts, server)
            yield {**server, "folder": folder}


def link(facts: dict[str, str], server: dict[str, Any]) -> None:
    """Give the server what the Share menu of the project shows."""
    with httpx.Client(timeout=60, trust_env=False) as http:
        shown = http.get(
            f"{facts['url']}/emulator/link",
            params={"project": facts["project_id"]},
            headers={"Authorization": f"Bearer {facts['control_token']}"},
        )
        given = http.put(
            f"{server['url']}datasphere/links",
            json={"project": facts["project_id"], "link": shown.raise_for_status().json()["link"]},
            headers={"Authorization": f"token {server['token']}"},
        )
        given.raise_for_status()


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--channel", nargs="+", choices=REVISIONS, default=list(REVISIONS))
    options = parser.parse_args()
    rows = [asyncio.run(measure(channel, options.cells)) for channel in options.channel]
    note = (
        f"{options.cells} cells, each silent for {SILENCES[0]:g} to {SILENCES[1]:g} s, then 50 KB of text and"
        " an image of 50 KB; delays in milliseconds, from the print to when both are at the WebSocket's end."
        f" All of it came complete and in order, and is in the notebook that `--save` wrote. {machine()}"
    )
    head = (
        "channel",
        "MB",
        "seconds",
        "delay, median",
        "less a tenth of the silence, median",
        "at most",
        "95th percentile",
    )
    write_table(Path(__file__).with_suffix(".md"), "A notebook, cell by cell", note, head, rows)
