"""Runs the quickstart and saves its outputs in the example: `python -m jupyter_datasphere.demo.save`.

For maintainers: `jupyter datasphere demo --check` compares with what is saved here.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from ..errors import InternalError
from .check import PROJECT, outputs_of
from .files import QUICKSTART, examples
from .kernel_client import kernel_of
from .processes import emulator, environment_for, jupyter
from .workspace import demo_folder, unpack


def save() -> None:
    """Rewrite the quickstart with the outputs of a fresh run."""
    path = examples() / QUICKSTART
    notebook = json.loads(path.read_text())
    with (
        demo_folder(None) as folder,
        emulator(folder / "emulator") as facts,
        jupyter("server", unpack(folder), environment_for(facts)) as server,
    ):
        asyncio.run(_run(server, notebook))
    text = json.dumps(notebook, indent=1, ensure_ascii=False).replace(facts["project_id"], PROJECT)
    path.write_text(text + "\n")
    print(f"{_name(path)} has the outputs of this run.")


async def _run(server: dict[str, Any], notebook: dict[str, Any]) -> None:
    count = 0
    async with kernel_of(server) as kernel:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                count += 1
                cell["execution_count"] = count
                cell["outputs"] = await outputs_of(kernel, "".join(cell["source"]))
                _refuse_trouble(cell)


def _refuse_trouble(cell: dict[str, Any]) -> None:
    """What is saved is what must be: no error where none is meant."""
    meant = "raises-exception" in cell["metadata"].get("tags", [])
    for output in cell["outputs"]:
        failed = output["output_type"] == "error" or output.get("name") == "stderr"
        if failed and not meant:
            raise InternalError(f"The quickstart does not run: {output}")


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


if __name__ == "__main__":
    save()
