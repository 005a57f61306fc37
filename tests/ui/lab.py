"""A real JupyterLab with the extension, and a real browser to look at it: for tests and pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from jupyter_datasphere.demo.processes import environment_for, jupyter

NOTEBOOKS = "notebooks"
PROMISE_MS = 30_000
"""How long a thing that must appear may take on a busy machine."""

expect.set_options(timeout=PROMISE_MS)

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def lab(folder: Path, emulator: dict[str, str], *options: str) -> Iterator[dict[str, Any]]:
    """Run JupyterLab on an emulator in `folder`/notebooks; gives its `url`, `token` and `folder`.

    Nothing of the user's own Jupyter is read or written, and JupyterLab asks nothing about news.
    """
    notebooks = folder / NOTEBOOKS
    notebooks.mkdir(parents=True, exist_ok=True)
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    options = (
        f"--LabApp.user_settings_dir={folder / 'settings'}",
        f"--LabApp.workspaces_dir={folder / 'workspaces'}",
        "--LabApp.expose_app_in_browser=True",  # as `jupyterapp`
        f"--DataSphere.ledger_dir={folder / 'ledger'}",
        f"--DataSphere.project={emulator['project_id']}",
        *options,
    )
    environment = {**environment_for(emulator), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    with jupyter("lab", notebooks, environment, options=options) as server:
        yield {**server, "folder": notebooks}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The system's Chromium, without a screen."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise RuntimeError("Chromium is missing. On Debian: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=SWITCHES)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page_of(browser: Browser, size: Sequence[int] = (1400, 1000)) -> AsyncIterator[Page]:
    """A page with nothing remembered from another."""
    width, height = size
    context = await browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PROMISE_MS)
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def visit(page: Page, server: dict[str, Any], path: str = "") -> None:
    """Open JupyterLab and wait until it is there."""
    # `reset`: no tabs of an earlier visit.
    await page.goto(f"{server['url']}lab{path and '/tree/' + path}?reset&token={server['token']}")
    await page.locator("#jupyterlab-splash").wait_for(state="detached")
    await page.locator(".jp-Launcher, .jp-NotebookPanel").first.wait_for()  # now it listens to keys, too


async def clear(page: Page) -> None:
    """Close all tabs but notebooks, end the kernels of those, and take away what a test has put between.

    A notebook is not closed: one that is just being saved would say that it could not be.
    """
    await page.unroute_all()
    await page.evaluate(
        """async () => {
            for (const widget of [...jupyterapp.shell.widgets('main')]) {
                await (widget.sessionContext ? widget.sessionContext.shutdown() : widget.dispose());
            }
            document.title = 'JupyterLab';
        }"""
    )


def status_item(page: Page) -> Locator:
    """The button in the status bar."""
    return page.locator(".jp-DataSphere-StatusItem button")


async def open_connection(page: Page) -> Locator:
    """Open the section of the connection from the status bar, and wait until DataSphere was asked."""
    await status_item(page).click()
    connection = section(page, "connection")
    await connection.wait_for()
    await connection.locator("dl[aria-busy=false]").wait_for()
    return connection


def fact(place: Locator, name: str) -> Locator:
    """The value of a named fact."""
    return place.locator(f"dt:text-is('{name}') + dd")


async def run_command(page: Page, label: str) -> None:
    """Choose a command in the command palette."""
    await page.keyboard.press("Control+Shift+C")
    palette = page.locator("#modal-command-palette")
    await palette.locator("input").fill(label)
    await palette.get_by_role("menuitem", name=label, exact=True).click()


async def choose_in_menu(page: Page, menu: str, label: str) -> None:
    """Choose a command in a menu at the top."""
    await page.locator("#jp-MainMenu").get_by_role("menuitem", name=menu, exact=True).click()
    await page.locator(".lm-Menu").get_by_role("menuitem", name=label, exact=True).click()


async def open_sidebar(page: Page) -> Locator:
    """Show the sidebar of DataSphere by its tab."""
    sidebar = page.locator("#jupyter-datasphere-sidebar")
    if not await sidebar.is_visible():
        await page.locator(".jp-SideBar [data-id='jupyter-datasphere-sidebar']").click()
    await sidebar.wait_for()
    return sidebar


def section(page: Page, name: str) -> Locator:
    """The content of a section of the sidebar, by its ID."""
    return page.locator(f"#jupyter-datasphere-sidebar-{name}")
