"""The runs in the sidebar, and in tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, Request, expect

from .lab import open_sidebar, section
from .notebooks import badge, cell, notebook, show_notebook

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<img src=x onerror=\"document.title='hacked'\">\u202etxt.exe"


async def start(server: dict[str, Any], emulator: dict[str, str], code: str, session: str = "runs") -> str:
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


async def show_runs(page: Page) -> Locator:
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
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    runs = await show_runs(lab_page)
    run = await start(server, emulator, LOOP)
    await expect(row(lab_page, run)).to_have_attribute("data-state", "running")
    await expect(row(lab_page, run)).to_contain_text("import time")
    line = row(lab_page, run).locator(".jp-DataSphere-RunRow-line")
    await expect(line).to_contain_text("step ")
    seen = await line.inner_text()
    await expect(line).not_to_have_text(seen)  # it goes on
    tally = row(lab_page, run).locator(".jp-DataSphere-RunRow-tally")
    await expect(tally).to_contain_text("units")
    seen = await tally.inner_text()
    await expect(tally).not_to_have_text(seen)
    await row(lab_page, run).get_by_role("button", name="Cancel: ").click()
    await expect(row(lab_page, run)).to_have_attribute("data-state", "cancelled")
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
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    await show_runs(lab_page)
    run = await start(server, emulator, "print('all', 'of', 'it')\n1 / 0")

    def kept(request: Request) -> bool:
        return request.method == "PUT" and "/workspaces/" in request.url and run in (request.post_data or "")

    async with lab_page.expect_request(kept):  # JupyterLab keeps the layout
        await shown(await open_tab(lab_page, run))
    await lab_page.reload()
    await lab_page.locator("#jupyterlab-splash").wait_for(state="detached")
    await shown(run_tab(lab_page))


async def shown(tab: Locator) -> None:
    outputs = tab.get_by_role("region", name="Output")
    await expect(outputs).to_contain_text("all of it")
    await expect(outputs).to_contain_text("ZeroDivisionError")
    await expect(tab.get_by_role("status")).to_contain_text("failed · ")
    await expect(tab.locator("pre").filter(has_text="1 / 0")).not_to_have_count(0)


async def test_scripts_run_once_the_output_is_trusted_and_not_before(
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    await show_runs(lab_page)
    code = f"""from IPython.display import HTML, display
display(HTML({HOSTILE!r} + "<script>document.title = 'hacked'</script><b>bold</b>"))
print({HOSTILE!r})"""
    run = await start(server, emulator, code)
    tab = await open_tab(lab_page, run)
    outputs = tab.get_by_role("region", name="Output")
    await expect(outputs.locator("b")).to_have_text("bold")
    await expect(outputs).to_contain_text(HOSTILE)
    await expect(tab.get_by_role("status")).to_contain_text("succeeded")
    await expect(lab_page.locator("[onerror]")).to_have_count(0)
    await expect(lab_page).not_to_have_title("hacked")
    await tool(lab_page, "trust").click()
    await lab_page.get_by_role("dialog").get_by_role("button", name="Trust").click()
    await expect(lab_page).to_have_title("hacked")


async def test_a_hostile_name_is_text(
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    runs = await show_runs(lab_page)
    run = await start(server, emulator, repr(HOSTILE))
    await expect(row(lab_page, run).locator(".jp-DataSphere-RunRow-title")).to_have_text(repr(HOSTILE))
    tab = await open_tab(lab_page, run)
    await expect(tab.get_by_role("heading")).to_have_text(repr(HOSTILE))
    await expect(runs.locator("img")).to_have_count(0)
    await expect(lab_page).not_to_have_title("hacked")


async def test_it_is_attached_to_the_notebook_in_front(
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    path = notebook(Path(server["folder"]), "attached.ipynb", "mine = 1")
    code = f"from IPython.display import HTML\nprint('from there')\nHTML({HOSTILE!r} + '<i>slanted</i>')"
    run = await start(server, emulator, code)
    await show_notebook(lab_page, path)
    await show_runs(lab_page)
    await row(lab_page, run).get_by_role("button", name="Attach").click()
    outputs = cell(lab_page, 1).locator(".jp-OutputArea")
    await expect(outputs).to_contain_text("from there")
    await expect(outputs.locator("i")).to_have_text("slanted")
    await expect(badge(lab_page, 1)).to_contain_text("succeeded")
    await expect(lab_page.locator("[onerror]")).to_have_count(0)  # it was not run from here: not trusted
    await expect(lab_page).not_to_have_title("hacked")
    await expect(cell(lab_page, 0)).to_contain_text("mine = 1")


async def test_they_are_filtered(lab_page: Page, server: dict[str, Any], emulator: dict[str, str]) -> None:
    runs = await show_runs(lab_page)
    good = await start(server, emulator, "print('needle')")
    bad = await start(server, emulator, "print('needle')\n1 / 0")
    other = await start(server, emulator, "print('hay')")
    for run in (good, bad, other):
        state = "failed" if run == bad else "succeeded"
        await expect(row(lab_page, run)).to_have_attribute("data-state", state)
    text, kind = runs.locator("input[type=search]"), runs.get_by_role("combobox")
    await text.fill("NEEDLE")
    await expect(row(lab_page, other)).to_have_count(0)
    await expect(row(lab_page, good)).to_have_count(1)
    await kind.select_option("failed")
    await expect(row(lab_page, good)).to_have_count(0)
    await expect(row(lab_page, bad)).to_have_count(1)
    await text.fill("nothing like that")
    await expect(runs).to_contain_text("No run that is listed fits the filter.")
    await text.fill("")
    await kind.select_option("all")
    await expect(row(lab_page, other)).to_have_count(1)


async def test_a_run_that_is_not_known_is_told(lab_page: Page) -> None:
    await lab_page.evaluate(
        "void jupyterapp.commands.execute('datasphere:open-run', {id: '0123456789abcdef'})"
    )
    await expect(run_tab(lab_page).get_by_role("alert")).to_contain_text("0123456789abcdef")


async def test_a_server_that_does_not_answer_is_told_and_asked_again(
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    files = lab_page.locator(".jp-SideBar [data-id='filebrowser']")
    await show_runs(lab_page)
    await files.click()
    await lab_page.route("**/datasphere/executions*", lambda route: route.abort())
    runs = await show_runs(lab_page)
    await expect(runs.get_by_role("alert")).to_contain_text("The Jupyter server does not answer.")
    run = await start(server, emulator, "print(1)")
    await lab_page.unroute("**/datasphere/executions*")
    await expect(row(lab_page, run)).to_have_count(1)  # by itself
    await expect(runs.get_by_role("alert")).to_have_count(0)


async def test_nothing_is_asked_while_nobody_looks(
    lab_page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    await show_runs(lab_page)
    run = await start(server, emulator, LOOP)
    await expect(row(lab_page, run).locator(".jp-DataSphere-RunRow-line")).to_contain_text("step ")
    asked: list[str] = []

    def note(request: Request) -> None:
        # What is left may be asked once more: runs of the tests before have ended.
        if "/datasphere/" in request.url and "/datasphere/status" not in request.url:
            asked.append(request.url)

    async with lab_page.expect_event("requestfailed", lambda request: "/datasphere/events" in request.url):
        await lab_page.locator(".jp-SideBar [data-id='filebrowser']").click()  # ends the stream of events
    lab_page.on("request", note)
    async with httpx.AsyncClient(headers={"Authorization": f"token {server['token']}"}) as client:
        url = f"{server['url']}datasphere/executions/{run}"
        async with client.stream("GET", f"{url}/events", timeout=60) as events:
            lines = 0
            async for line in events.aiter_lines():
                lines += line.startswith("data: ")
                if lines == 60:
                    break
        lab_page.remove_listener("request", note)
        assert asked == []
        await client.post(f"{url}/cancel")
