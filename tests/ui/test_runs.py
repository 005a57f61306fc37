"""The runs in the sidebar, and in tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, Request, expect

from .lab import open_sidebar, section, visit
from .notebooks import badge, cell, notebook, open_notebook

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<img src=x onerror=\"document.title='hacked'\">\u202etxt.exe"


async def start(server: dict[str, Any], emulator: dict[str, str], code: str, session: str) -> str:
    """Start a run as a magic would; gives its ID."""
    headers = {"Authorization": f"token {server['token']}"}
    body = {
        "source": {"type": "code", "source": code, "session": session},
        "project": emulator["project_id"],
    }
    async with httpx.AsyncClient(base_url=server["url"], headers=headers, timeout=60) as client:
        answer = await client.post("datasphere/executions", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


async def show_runs(page: Page, server: dict[str, Any]) -> Locator:
    await visit(page, server)
    await open_sidebar(page)
    return section(page, "runs")


def row(page: Page, execution_id: str) -> Locator:
    return page.locator(f".jp-DataSphere-RunRow[data-id='{execution_id}']")


def run_tab(page: Page) -> Locator:
    return page.locator(".jp-DataSphere-Run")


LOOP = """import time
for step in range(600):
    print('step', step)
    time.sleep(0.1)"""


async def test_a_run_from_elsewhere_is_listed_followed_and_cancelled(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    runs = await show_runs(page, server)
    run = await start(server, emulator, LOOP, "followed")
    await expect(row(page, run)).to_have_attribute("data-state", "running")
    await expect(row(page, run)).to_contain_text("import time")
    line = row(page, run).locator(".jp-DataSphere-RunRow-line")
    await expect(line).to_contain_text("step ")
    seen = await line.inner_text()
    await expect(line).not_to_have_text(seen)  # it goes on
    tally = row(page, run).locator(".jp-DataSphere-RunRow-tally")
    await expect(tally).to_contain_text("units")
    seen = await tally.inner_text()
    await expect(tally).not_to_have_text(seen)
    await row(page, run).get_by_role("button", name="Cancel: ").click()
    await expect(row(page, run)).to_have_attribute("data-state", "cancelled")
    await expect(line).to_have_count(0)
    await expect(runs.get_by_role("list", name="Runs")).to_have_attribute("aria-busy", "false")


async def open_tab(page: Page, execution_id: str) -> Locator:
    """Open a run's output from the list; gives the tab's content."""
    await row(page, execution_id).locator(".jp-DataSphere-RunRow-title").click()
    return run_tab(page)


def tool(page: Page, name: str) -> Locator:
    """A button above a run's output."""
    return page.locator(f".jp-MainAreaWidget:has(.jp-DataSphere-Run) [data-jp-item-name='{name}'] jp-button")


async def test_its_output_opens_in_a_tab_that_a_reload_brings_back(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    await show_runs(page, server)
    run = await start(server, emulator, "print('all', 'of', 'it')\n1 / 0", "tab")

    def kept(request: Request) -> bool:
        return request.method == "PUT" and "/workspaces/" in request.url and run in (request.post_data or "")

    async with page.expect_request(kept):  # JupyterLab keeps the layout
        tab = await open_tab(page, run)
        await shown(tab)
    await page.goto(f"{server['url']}lab")
    await page.locator("#jupyterlab-splash").wait_for(state="detached")
    await shown(run_tab(page))


async def shown(tab: Locator) -> None:
    outputs = tab.get_by_role("region", name="Output")
    await expect(outputs).to_contain_text("all of it")
    await expect(outputs).to_contain_text("ZeroDivisionError")
    await expect(tab.get_by_role("status")).to_contain_text("failed · ")
    await expect(tab.locator("pre").filter(has_text="1 / 0")).not_to_have_count(0)


async def test_a_hostile_name_is_text(page: Page, server: dict[str, Any], emulator: dict[str, str]) -> None:
    runs = await show_runs(page, server)
    run = await start(server, emulator, repr(HOSTILE), "hostile")
    await expect(row(page, run).locator(".jp-DataSphere-RunRow-title")).to_have_text(repr(HOSTILE))
    tab = await open_tab(page, run)
    await expect(tab.get_by_role("heading")).to_have_text(repr(HOSTILE))
    await expect(runs.locator("img")).to_have_count(0)
    await expect(page).not_to_have_title("hacked")


async def test_it_is_attached_to_the_notebook_in_front(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    path = notebook(Path(server["folder"]), "attached.ipynb", "mine = 1")
    code = f"from IPython.display import HTML\nprint('from there')\nHTML({HOSTILE!r} + '<i>slanted</i>')"
    run = await start(server, emulator, code, "attached")
    await open_notebook(page, server, path.name)
    await open_sidebar(page)
    await row(page, run).get_by_role("button", name="Attach").click()
    await expect(cell(page, 1)).to_contain_text("from there")
    await expect(cell(page, 1).locator(".jp-OutputArea i")).to_have_text("slanted")
    await expect(badge(page, 1)).to_contain_text("succeeded")
    await expect(page.locator("[onerror]")).to_have_count(0)  # it was not run from here: not trusted
    await expect(page).not_to_have_title("hacked")
    await expect(cell(page, 0)).to_contain_text("mine = 1")


async def test_a_server_that_does_not_answer_is_told_and_asked_again(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    run = await start(server, emulator, "print(1)", "away")
    await page.route("**/datasphere/executions*", lambda route: route.abort())
    runs = await show_runs(page, server)
    await expect(runs.get_by_role("alert")).to_contain_text("The Jupyter server does not answer.")
    await page.unroute("**/datasphere/executions*")
    await expect(row(page, run)).to_have_count(1)  # by itself
    await expect(runs.get_by_role("alert")).to_have_count(0)


async def test_nothing_is_asked_while_nobody_looks(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    await show_runs(page, server)
    run = await start(server, emulator, LOOP, "hidden")
    await expect(row(page, run).locator(".jp-DataSphere-RunRow-line")).to_contain_text("step ")
    asked: list[str] = []
    async with page.expect_event("requestfailed", lambda request: "/datasphere/events" in request.url):
        await page.locator(".jp-SideBar [data-id='filebrowser']").click()  # ends the stream of events
    page.on("request", lambda request: asked.append(request.url) if "/datasphere/" in request.url else None)
    async with httpx.AsyncClient(headers={"Authorization": f"token {server['token']}"}) as client:
        url = f"{server['url']}datasphere/executions/{run}"
        async with client.stream("GET", f"{url}/events", timeout=60) as events:
            lines = 0
            async for line in events.aiter_lines():
                lines += line.startswith("data: ")
                if lines == 60:
                    break
        assert asked == []
        await client.post(f"{url}/cancel")
