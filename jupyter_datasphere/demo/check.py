"""`jupyter datasphere demo --check`: the quickstart from top to bottom, without a screen.

A real Jupyter Server, a real kernel over its WebSocket, the emulator. The outputs must be those that the
quickstart notebook was saved with: text to the letter, pictures by their type.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from .files import QUICKSTART, examples
from .kernel_client import WebSocketKernel, kernel_of
from .processes import emulator, environment_for, jupyter
from .workspace import demo_folder, unpack

Output = dict[str, Any]

PROJECT = "bt1demoproject"
"""Stands for the project's ID in the notebook's saved outputs."""


def check(root: Path | None = None) -> int:
    """Run the check and print what it finds; 0 where all is as it must be, else 1."""
    with demo_folder(root) as folder, emulator(folder / "emulator") as facts:
        notebooks = unpack(folder)
        options = [f"--DataSphere.ledger_dir={folder / 'ledger'}"]
        with jupyter("server", notebooks, environment_for(facts), options=options) as server:
            quickstart = json.loads((examples() / QUICKSTART).read_text())
            return asyncio.run(_compare(server, quickstart, hide=facts["project_id"]))


async def _compare(server: dict[str, Any], notebook: dict[str, Any], *, hide: str) -> int:
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    wrong = 0
    async with kernel_of(server) as kernel:
        for number, cell in enumerate(cells, start=1):
            wrong += not await _same(kernel, number, cell, hide)
    print(f"{len(cells) - wrong} of {len(cells)} cells gave what they must give.")
    return 1 if wrong else 0


async def _same(kernel: WebSocketKernel, number: int, cell: dict[str, Any], hide: str) -> bool:
    source = "".join(cell["source"])
    found = summary(await outputs_of(kernel, source), hide)
    expected = summary(cell["outputs"])
    title = source.strip().splitlines()[0]
    if found == expected:
        print(f"ok    cell {number}: {title}")
        return True
    print(f"WRONG cell {number}: {title}\n  expected {expected}\n  found    {found}")
    return False


async def outputs_of(kernel: WebSocketKernel, code: str) -> list[Output]:
    """The outputs of a cell as a notebook would keep them."""
    outputs: list[Output] = []
    updates: dict[str, Output] = {}
    async for message in kernel.execute(code):
        kind, content = message["msg_type"], message["content"]
        display_id = content.get("transient", {}).get("display_id")
        if kind == "update_display_data" and display_id in updates:
            updates[display_id]["data"] = content["data"]
        elif kind in ("stream", "display_data", "execute_result", "error"):
            output = {"output_type": kind, **content}
            output.pop("transient", None)
            if display_id is not None:
                updates[display_id] = output
            if kind == "stream" and outputs and outputs[-1].get("name") == output["name"]:
                outputs[-1]["text"] += output["text"]
            else:
                outputs.append(output)
    return outputs


def summary(outputs: list[Output], hide: str = PROJECT) -> list[tuple[str, str]]:
    """What a reader sees: text with what differs from run to run masked, other data by its type.

    `hide` is the ID of the project, which every emulator makes anew.
    """
    seen: list[tuple[str, str]] = []
    for output in outputs:
        if output["output_type"] == "stream":
            kind, text = output["name"], "".join(output["text"])
        elif output["output_type"] == "error":
            kind, text = "error", f"{output['ename']}: {output['evalue']}"
        else:
            data = output["data"]
            pictures = sorted(mime for mime in data if mime.startswith("image/"))
            text = ", ".join(pictures) or "".join(data.get("text/plain", ""))
            kind = "display"
        text = _masked(text.replace(hide, PROJECT))
        if text:
            seen.append((kind, text))
    return seen


def _masked(text: str) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return re.sub(r"\b\d+(\.\d+)? s\b", "<time>", text)
