"""Jupyter Notebook 7, which has JupyterLab's parts and another frame around them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from jupyter_datasphere.demo.processes import environment_for, jupyter

from .lab import fact, section
from .notebooks import badge, cell, notebook, ready, run_cell

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_cell_runs_there_and_the_sidebar_opens(
    page: Page, emulator: dict[str, str], tmp_path: Path
) -> None:
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    notebook(notebooks, "seven.ipynb", "print('from', 'there')")
    options = [
        f"--DataSphere.ledger_dir={tmp_path / 'ledger'}",
        f"--DataSphere.project={emulator['project_id']}",
    ]
    environment = {**environment_for(emulator), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    with jupyter("notebook", notebooks, environment, options=options) as server:
        await page.goto(f"{server['url']}notebooks/seven.ipynb?token={server['token']}")
        await ready(page)
        await run_cell(page, 0)
        await expect(cell(page, 0).locator(".jp-OutputArea-output")).to_have_text("from there\n")
        await expect(badge(page, 0)).to_contain_text("succeeded")
        await page.keyboard.press("Control+Alt+d")
        await expect(fact(section(page, "connection"), "Connection")).to_have_text("ok")
