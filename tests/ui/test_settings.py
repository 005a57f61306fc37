"""The settings, and where the commands are offered."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from .notebooks import badge, cell, command, execution_of, notebook, run_cell, show_notebook

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLUGIN = "jupyter-datasphere:plugin"


@pytest_asyncio.fixture(loop_scope="session")
async def settings_page(lab_page: Page) -> AsyncIterator[Page]:
    """A page whose settings are those of a new user afterwards."""
    yield lab_page
    await lab_page.evaluate("id => jupyterapp.serviceManager.settings.save(id, '{}')", PLUGIN)


def field(page: Page, name: str) -> Locator:
    """A setting in JupyterLab's editor of settings."""
    return page.locator(f"[id='jp-SettingsEditor-{PLUGIN}_{name}']")


async def kept(page: Page, setting: str) -> None:
    """JupyterLab saves what its editor shows a little later, and all of it: one after the other."""
    look = "async ([id, text]) => (await jupyterapp.serviceManager.settings.fetch(id)).raw.includes(text)"
    await page.wait_for_function(look, arg=[PLUGIN, setting], polling=100)


async def test_settings_decide_how_is_run_what_is_asked_and_what_is_told(
    settings_page: Page, server: dict[str, Any]
) -> None:
    page = settings_page
    await page.evaluate("void jupyterapp.commands.execute('settingeditor:open', {query: 'DataSphere'})")
    await field(page, "defaultSpec").select_option("c1.8")
    await kept(page, '"defaultSpec": "c1.8"')
    await field(page, "confirmAbove").fill("100")
    await kept(page, '"confirmAbove": 100')
    await field(page, "longRun").fill("0")
    await kept(page, '"longRun": 0')
    code = "print('as s' + 'et'); __import__('time').sleep(2)"  # seen running, or its end is no news
    await show_notebook(page, notebook(Path(server["folder"]), "settings.ipynb", code))
    await run_cell(page, 0)
    dialog = page.get_by_role("dialog").filter(has_text="Run this on c1.8?")
    await expect(dialog).to_contain_text("runs above 100 are asked about")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    await expect(badge(page, 0)).to_have_count(0)
    await run_cell(page, 0)
    await dialog.get_by_role("button", name="Run").click()
    await expect(cell(page, 0).locator(".jp-OutputArea-output")).to_have_text("as set\n")
    run = await execution_of(page, 0)
    told = page.locator(".Toastify__toast").filter(has_text="print('as s' + 'et')")
    await expect(told).to_contain_text("DataSphere: succeeded · ")
    await told.get_by_role("button", name="Show output").click()
    await expect(page.locator(f"#jupyter-datasphere-run-{run}")).to_contain_text("as set")
    await expect(page.locator(f"#jupyter-datasphere-run-{run}")).to_contain_text("c1.8")


async def test_menus_and_palette_have_the_commands(lab_page: Page) -> None:
    page = lab_page
    await page.locator("#jp-MainMenu").get_by_role("menuitem", name="Run", exact=True).click()
    menu = page.locator("#jp-mainmenu-run")
    await expect(menu.get_by_role("menuitem").filter(has_text="DataSphere")).to_have_text(
        [
            re.compile("^Run cell in DataSphere"),
            "Run selected cells in DataSphere…",
            "Run notebook in DataSphere",
        ]
    )
    await menu.locator("[data-type=submenu]", has_text="DataSphere").hover()
    await expect(page.locator("#jp-mainmenu-datasphere").get_by_role("menuitem")).to_have_count(5)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    missing = await page.evaluate(
        """() => jupyterapp.commands.listCommands().filter(id => id.startsWith('datasphere:'))
            .filter(id => jupyterapp.commands.label(id) === '')"""
    )
    assert missing == []
    await command(page, "apputils:activate-command-palette")
    palette = page.locator("#modal-command-palette")
    await palette.locator("input").fill("DataSphere")
    for label in ("Show the DataSphere sidebar", "Choose the DataSphere project…"):
        await expect(palette.get_by_role("menuitem", name=label)).to_have_count(1)
    await palette.get_by_role("menuitem", name="Show the DataSphere sidebar").click()
    await expect(page.locator("#jupyter-datasphere-sidebar")).to_be_visible()
