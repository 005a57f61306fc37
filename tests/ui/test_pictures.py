"""One day's work as the README shows it; its pictures are taken on the way."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from jupyter_datasphere.demo.files import QUICKSTART, examples

from .lab import fact, open_connection, page_of, run_command, section, status_item, visit
from .notebooks import badge, cell, command, notebook, open_notebook
from .pictures import picture, wanted

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZE = (1280, 800)
PROJECTS = {"demand-forecast": "Demand of the next weeks", "churn": "", "image-search": ""}
MEMBERS = {"developer": "developer", "robot": "editor", "viewer": "viewer"}
LONG_MS = 120_000

READ = """import numpy as np, matplotlib.pyplot as plt

week = np.arange(104)
sold = 420 + 1.6 * week + 60 * np.sin(week / 8.3) + np.random.default_rng(7).normal(0, 14, week.size)
print(f"{week.size} weeks, {sold.mean():.0f} a week")"""
FIT = """def terms(w):
    return np.column_stack([np.ones_like(w), w, np.sin(w / 8.3), np.cos(w / 8.3)])

weights, *_ = np.linalg.lstsq(terms(week), sold, rcond=None)
ahead = np.arange(112)
plt.figure(figsize=(8, 3.2))
plt.plot(week, sold, ".", ahead, terms(ahead) @ weights)
plt.title("Sold a week, and what the next eight may bring")
plt.show()"""
TRAIN = """def train(epochs):
    import time
    loss = 0.9
    for epoch in range(1, epochs + 1):
        loss *= 0.995
        print(f"epoch {epoch:3}/{epochs}  loss {loss:.4f}", flush=True)
        time.sleep(0.25)

train(600)"""


@asynccontextmanager
async def api(server: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"token {server['token']}"}
    async with httpx.AsyncClient(base_url=server["url"], headers=headers, timeout=60) as client:
        yield client


async def make_projects(client: httpx.AsyncClient, emulator: dict[str, Any]) -> dict[str, str]:
    """Make those that the pictures show; gives their IDs by their names."""
    ids = {}
    for name, description in PROJECTS.items():
        body = {"communityId": emulator["community_id"], "name": name, "description": description}
        made = (await client.post("datasphere/api/v2/projects", json=body)).raise_for_status().json()
        ids[name] = made["metadata"]["projectId"]
    path = f"datasphere/api/v2/projects/{ids['demand-forecast']}"
    (await client.post(f"{path}:unitBalance", json={"unitBalance": "86400"})).raise_for_status()
    limits = {"updateMask": "limits.maxUnitsPerExecution", "limits": {"maxUnitsPerExecution": "14400"}}
    (await client.patch(path, json=limits)).raise_for_status()
    accounts = {account["name"]: account for account in emulator["accounts"]}
    deltas = [
        {
            "action": "ADD",
            "accessBinding": {
                "roleId": f"datasphere.community-projects.{role}",
                "subject": {key: accounts[name][key] for key in ("id", "type")},
            },
        }
        for name, role in MEMBERS.items()
    ]
    shared = await client.patch(f"{path}:updateAccessBindings", json={"accessBindingDeltas": deltas})
    shared.raise_for_status()
    return ids


async def fold(page: Page, *names: str) -> None:
    """Leave those sections of the sidebar unfolded, and no others."""
    for title in await page.locator("#jupyter-datasphere-sidebar h3").all():
        unfolded = await title.get_attribute("aria-expanded") == "true"
        if unfolded != ((await title.inner_text()).strip().capitalize() in names):
            await title.click()


async def theme(page: Page, name: str) -> None:
    await page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
    await expect(page.locator("body")).to_have_attribute("data-jp-theme-name", name)


async def test_a_day_with_the_sidebar(
    browser: Browser, server: dict[str, Any], emulator: dict[str, Any]
) -> None:
    notebook(Path(server["folder"]), "demand.ipynb", READ, FIT)
    async with api(server) as client, page_of(browser, SIZE) as page:
        ids = await make_projects(client, emulator)
        try:
            await _day(page, server, client, ids["demand-forecast"])
        finally:
            await client.put("datasphere/project", json={})
            await theme(page, "JupyterLab Light")


async def _day(page: Page, server: dict[str, Any], client: httpx.AsyncClient, project: str) -> None:
    sidebar = page.locator("#jupyter-datasphere-sidebar")
    await open_notebook(page, server, "demand.ipynb")
    connection = await open_connection(page)
    await expect(fact(connection, "Channel state")).to_have_text("ok")
    await fold(page, "Connection")
    await picture("connection", sidebar)
    await fold(page, "Projects")

    # A project is chosen, and a notebook runs in it.
    tree = section(page, "projects").get_by_role("tree")
    await tree.get_by_role("treeitem", name="demand-forecast").dblclick()
    details = section(page, "projects").get_by_role("region", name="The selected project")
    await expect(fact(details, "Balance")).to_have_text("86,400 units, which is 6 h 0 min of c1.4")
    await expect(status_item(page)).to_contain_text("demand-forecast")
    await picture("projects", sidebar)
    await fold(page, "Runs")
    await command(page, "datasphere:run-notebook")
    await expect(badge(page, 1)).to_contain_text("succeeded", timeout=LONG_MS)
    await expect(cell(page, 1).locator(".jp-RenderedImage img")).to_be_visible()
    await expect(cell(page, 0)).to_contain_text("104 weeks")

    # Something long goes on beside it.
    body = {"source": {"type": "code", "source": TRAIN, "session": "training"}, "project": project}
    run = (await client.post("datasphere/executions", json=body)).raise_for_status().json()["id"]
    try:
        row = page.locator(f".jp-DataSphere-RunRow[data-id='{run}']")
        await expect(row.locator(".jp-DataSphere-RunRow-line")).to_contain_text("epoch")
        await expect(page.locator("#jp-main-statusbar").get_by_text("Saving")).to_have_count(0)
        await picture("notebook", page)
        await theme(page, "JupyterLab Dark")
        await picture("dark", page)
        await theme(page, "JupyterLab Light")
        await row.locator(".jp-DataSphere-RunRow-title").click()
        output = page.locator(".jp-DataSphere-Run")
        await expect(output).to_contain_text("epoch  12/600")
        await expect(output.get_by_role("status")).to_contain_text("running")
        await picture("runs", page)
    finally:
        await client.post(f"datasphere/executions/{run}/cancel")

    # Somebody is to take part.
    await expect(row).to_have_attribute("data-state", "cancelled")
    await fold(page, "Access")
    await page.evaluate(
        "project => void jupyterapp.commands.execute('datasphere:show-members', {project})", project
    )
    members = section(page, "access").get_by_role("row")
    await expect(members).to_have_count(2 + len(MEMBERS))
    await members.filter(has_text="viewer").get_by_role("button", name="Change the role of").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Role", exact=True).select_option(label="developer")
    await expect(dialog.get_by_role("button", name="Change the role")).to_be_enabled()
    await picture("access", page)
    await page.keyboard.press("Escape")


@pytest.mark.skipif(not wanted("quickstart"), reason="its picture is there, and `demo --check` runs it")
async def test_the_quickstart(browser: Browser, server: dict[str, Any]) -> None:
    async with page_of(browser, (1400, 1000)) as page:
        await visit(page, server)
        await run_command(page, "Open the DataSphere quickstart")
        idle = page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle")
        await idle.wait_for(timeout=LONG_MS)
        await page.keyboard.press("Control+B")  # the file browser would take a fifth of the picture
        await run_command(page, "Run All Cells")
        done = page.locator(".jp-CodeCell .jp-InputPrompt").filter(has_text=re.compile(r"^\[\d+\]:$"))
        cells = json.loads((examples() / QUICKSTART).read_text("utf-8"))["cells"]
        code = [one for one in cells if one["cell_type"] == "code"]
        await expect(done).to_have_count(len(code), timeout=LONG_MS)
        await idle.wait_for(timeout=LONG_MS)
        await page.keyboard.press("Control+S")
        await page.locator(".lm-TabBar-tab", has_text="Launcher").locator(".lm-TabBar-tabCloseIcon").click()
        # From a cell with variables to the plot: what it is about, in one picture.
        heading = page.get_by_role("heading", name="Variables there and back")
        part = page.locator(".jp-Cell").filter(has=heading)
        await part.evaluate("cell => cell.scrollIntoView({block: 'start'})")
        await part.locator("p").click()
        await page.get_by_text("Saving completed").wait_for(state="hidden")
        await expect(status_item(page)).to_have_text("DataSphere: demo-project")
        await picture("quickstart", page)
