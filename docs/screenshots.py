"""Takes the pictures in `docs/images/`: JupyterLab really running the quickstart, on the emulator.

`make screenshots`. Needs the system's Chromium.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from jupyter_datasphere.demo.files import QUICKSTART, examples
from jupyter_datasphere.demo.processes import emulator

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
SIZE = (1400, 1000)
RUN_MS = 120_000
SECTION = "Variables there and back"

sys.path.insert(0, str(ROOT / "tests"))
from ui.lab import chromium, lab, open_connection, page_of, run_command, status_item, visit  # noqa: E402


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        emulator(Path(name) / "emulator") as facts,
        lab(Path(name), facts) as server,
    ):
        asyncio.run(_take(server))


async def _take(server: dict[str, Any]) -> None:
    IMAGES.mkdir(exist_ok=True)
    async with chromium() as browser, page_of(browser, SIZE) as page:
        await visit(page, server)
        await run_command(page, "Open the DataSphere quickstart")
        idle = page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle")
        await idle.wait_for(timeout=RUN_MS)
        await page.keyboard.press("Control+B")  # the file browser would take a fifth of the picture
        await run_command(page, "Run All Cells")
        done = page.locator(".jp-CodeCell .jp-InputPrompt").filter(has_text=re.compile(r"^\[\d+\]:$"))
        await expect(done).to_have_count(_code_cells(), timeout=RUN_MS)
        await idle.wait_for(timeout=RUN_MS)
        await page.keyboard.press("Control+S")
        await page.locator(".lm-TabBar-tab", has_text="Launcher").locator(".lm-TabBar-tabCloseIcon").click()
        # From a cell with variables to the plot: what it is about, in one picture.
        section = page.locator(".jp-Cell").filter(has=page.get_by_role("heading", name=SECTION))
        await section.evaluate("cell => cell.scrollIntoView({block: 'start'})")
        await page.get_by_text("Saving completed").wait_for(state="hidden")
        await open_connection(page)
        await page.screenshot(path=IMAGES / "status.png")
        await page.keyboard.press("Control+B")
        await section.locator("p").click()
        await expect(status_item(page)).to_have_text("DataSphere: demo-project")
        await page.screenshot(path=IMAGES / "quickstart.png")


def _code_cells() -> int:
    cells = json.loads((examples() / QUICKSTART).read_text("utf-8"))["cells"]
    return sum(cell["cell_type"] == "code" for cell in cells)


if __name__ == "__main__":
    main()
