"""Cells of a notebook that run in DataSphere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from .notebooks import badge, cell, command, notebook, open_notebook, ready, run_cell, stored

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLOT = """import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.show()
print('drawn')"""


def gated(emulator: dict[str, str], name: str) -> tuple[str, Path]:
    """Code that goes on until a file is there, over there; and that file."""
    gate = Path(emulator["root"]) / "projects" / emulator["project_id"] / name
    code = f"""import os, time
print('begun', flush=True)
while not os.path.exists({name!r}):
    time.sleep(0.02)
print('ended')"""
    return code, gate


async def test_a_cell_runs_there_and_its_plot_is_here(page: Page, server: dict[str, Any]) -> None:
    path = notebook(Path(server["folder"]), "plot.ipynb", PLOT)
    await open_notebook(page, server, path.name)
    await run_cell(page, 0)
    await expect(cell(page, 0).locator(".jp-RenderedImage img")).to_be_visible()
    await expect(cell(page, 0)).to_contain_text("drawn")
    await expect(badge(page, 0)).to_contain_text("DataSphere: demo-project · succeeded · ")
    await expect(badge(page, 0)).to_contain_text("units")
    await expect(cell(page, 0).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    await expect(page.get_by_text("Saving completed")).to_be_visible()
    [saved] = stored(path)
    mark = saved["metadata"]["datasphere"]
    assert (mark["project"], mark["state"]) == ("demo-project", "succeeded")
    assert "".join(saved["source"]) == PLOT  # nothing was added to it
    assert [output["output_type"] for output in saved["outputs"]] == ["display_data", "stream"]


async def test_outputs_come_as_from_a_kernel_here(page: Page, server: dict[str, Any]) -> None:
    code = """import sys
from IPython.display import clear_output, display
print('gone'); clear_output()
for n in range(3):
    print('line', n)
print('aside', file=sys.stderr)
shown = display('before', display_id=True)
shown.update('after')
{'a': 1}"""
    path = notebook(Path(server["folder"]), "outputs.ipynb", code)
    await open_notebook(page, server, path.name)
    await run_cell(page, 0)
    await expect(badge(page, 0)).to_contain_text("succeeded")
    outputs = await page.evaluate(
        "jupyterapp.shell.currentWidget.content.widgets[0].model.outputs.toJSON().map("
        "one => [one.output_type, one.name ?? '', one.text ?? one.data['text/plain']])"
    )
    assert outputs == [
        ["stream", "stdout", "line 0\nline 1\nline 2\n"],
        ["stream", "stderr", "aside\n"],
        ["display_data", "", "'after'"],
        ["execute_result", "", "{'a': 1}"],
    ]


async def test_a_notebook_runs_until_a_cell_fails(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    sources = ["%load_ext jupyter_datasphere", "shared = 40", "", "shared + 2", "1 / 0", "print('never')"]
    path = notebook(Path(server["folder"]), "whole.ipynb", *sources)
    await open_notebook(page, server, path.name)
    await command(page, "datasphere:run-notebook")
    await expect(cell(page, 4)).to_contain_text("ZeroDivisionError: division by zero")
    await expect(badge(page, 4)).to_contain_text("failed")
    await expect(cell(page, 3).locator(".jp-OutputArea-output")).to_have_text("42")
    await expect(cell(page, 5).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    for number in (0, 2, 5):
        await expect(badge(page, number)).to_have_count(0)
    told = page.locator(".Toastify__toast").filter(has_text="are for the kernel here")
    await expect(told).to_have_count(1)
    # In the session that %%ds_execute uses, too.
    headers = {"Authorization": f"token {server['token']}"}
    async with httpx.AsyncClient(base_url=server["url"], headers=headers, timeout=60) as client:
        query = {"project": emulator["project_id"], "name": "shared"}
        [variable] = (await client.get("datasphere/variables", params=query)).json()["variables"]
        assert variable["value"] == 40


async def test_a_reload_in_the_middle_joins_the_run_again(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    code, gate = gated(emulator, "reload.gate")
    path = notebook(Path(server["folder"]), "reload.ipynb", code)
    await open_notebook(page, server, path.name)
    await run_cell(page, 0)
    await expect(cell(page, 0)).to_contain_text("begun")
    await expect(cell(page, 0).locator(".jp-InputPrompt")).to_have_text("[*]:")
    await expect(badge(page, 0)).to_contain_text("running")
    await expect(page.get_by_text("Saving completed")).to_be_visible()
    await page.reload()
    await ready(page)
    await expect(badge(page, 0)).to_contain_text("running")
    await expect(cell(page, 0).locator(".jp-InputPrompt")).to_have_text("[*]:")
    await expect(cell(page, 0)).to_contain_text("begun")
    gate.touch()
    await expect(cell(page, 0).locator(".jp-OutputArea-output")).to_have_text("begun\nended\n")
    await expect(badge(page, 0)).to_contain_text("succeeded")


async def test_what_ended_while_the_notebook_was_closed_is_there(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    code, gate = gated(emulator, "closed.gate")
    path = notebook(Path(server["folder"]), "closed.ipynb", code)
    await open_notebook(page, server, path.name)
    await run_cell(page, 0)
    await expect(cell(page, 0)).to_contain_text("begun")
    await expect(page.get_by_text("Saving completed")).to_be_visible()
    await page.goto("about:blank")
    gate.touch()
    await open_notebook(page, server, path.name)
    await expect(cell(page, 0).locator(".jp-OutputArea-output")).to_have_text("begun\nended\n")
    await expect(badge(page, 0)).to_contain_text("succeeded")
