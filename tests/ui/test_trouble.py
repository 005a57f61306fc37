"""What the user is told when something is not as it should be."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from .lab import fact, lab, open_connection, open_sidebar, page_of, section, status_item, visit
from .notebooks import badge, cell, execution_of, gated, notebook, output, run_cell, show_notebook
from .restartable import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTIFICATIONS = ".Toastify__toast"


async def test_a_disabled_server_extension_is_told_once(
    page: Page, emulator: dict[str, str], tmp_path: Path
) -> None:
    disabled = "--ServerApp.jpserver_extensions={'jupyter_datasphere': False}"
    command = "jupyter server extension enable jupyter_datasphere"
    with lab(tmp_path, emulator, disabled) as server:
        await visit(page, server)
        told = page.locator(NOTIFICATIONS).filter(has_text=command)
        await expect(told).to_have_count(1)
        await expect(told.get_by_role("button", name="Copy the command")).to_be_visible()
        await expect(status_item(page)).to_have_text("DataSphere: server extension missing")
        connection = await open_connection(page)
        await expect(connection.locator("code")).to_have_text(command)
        await expect(connection.locator("dt")).to_have_text(["Connection"])
        await expect(told).to_have_count(1)  # asked twice, told once


async def test_another_version_is_told(page: Page, server: dict[str, Any]) -> None:
    async def older(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, body=json.dumps({**await answer.json(), "version": "0.0.9"}))

    await page.route("**/datasphere/status*", older)
    await visit(page, server)
    told = page.locator(NOTIFICATIONS).filter(has_text="pip install --upgrade jupyter-datasphere")
    await expect(told).to_contain_text("0.0.9")
    await expect(status_item(page)).to_have_text("DataSphere: versions differ")


async def test_a_jupyter_server_that_is_away_is_told(page: Page, server: dict[str, Any]) -> None:
    await visit(page, server)
    await expect(status_item(page)).not_to_contain_text("…")
    await page.route("**/datasphere/status*", lambda route: route.abort())
    await open_connection(page)
    await expect(status_item(page)).to_have_text("DataSphere: server not reachable")
    await page.unroute("**/datasphere/status*")
    await expect(status_item(page)).to_have_attribute("data-health", "ok")  # by itself


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def quiet(browser: Browser, server: dict[str, Any]) -> AsyncIterator[tuple[float, list[str]]]:
    """A page that nobody looks at where nothing runs: since when, and what it has asked since."""
    asked: list[str] = []
    async with page_of(browser) as page:
        await visit(page, server)
        await expect(status_item(page)).to_have_attribute("data-health", "unchecked")
        page.on("request", lambda one: asked.append(one.url) if "/datasphere/" in one.url else None)
        yield time.monotonic(), asked


@pytest.fixture(scope="module")
def stage(quiet: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An emulator and a JupyterLab of these tests alone, both running; meanwhile the quiet page is left alone."""
    stage = Stage(tmp_path_factory.mktemp("stage"))
    try:
        stage.start_emulator()
        stage.start_lab()
        yield stage
    finally:
        stage.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage_page(browser: Browser, stage: Stage) -> AsyncIterator[Page]:
    """A page of it, which all of them share: none may need another one afterwards."""
    async with page_of(browser) as page:
        await visit(page, stage.server)
        yield page


async def test_a_service_that_is_away_is_told_and_comes_back_by_itself(
    stage_page: Page, stage: Stage
) -> None:
    page = stage_page
    await expect(status_item(page)).to_have_attribute("data-health", "unchecked")
    stage.stop_emulator()
    connection = await open_connection(page)
    projects = section(page, "projects")
    await expect(connection.get_by_role("alert")).to_contain_text("No connection to")
    await expect(fact(connection, "Connection")).to_have_text("failed")
    await expect(projects.get_by_role("alert").first).to_contain_text("No connection to")
    await expect(status_item(page)).to_contain_text("not connected")
    stage.start_emulator()
    await expect(fact(connection, "Connection")).to_have_text("ok")
    await expect(connection.get_by_role("alert")).to_have_count(0)
    await expect(status_item(page)).to_contain_text("DataSphere: demo-project")
    await expect(status_item(page)).to_have_attribute("data-health", "ok")
    await expect(projects.get_by_role("alert")).to_have_count(0)
    await expect(projects).to_contain_text("demo-project")


async def test_a_token_that_ends_while_it_is_looked_at_is_told_until_there_is_another(
    stage_page: Page, stage: Stage
) -> None:
    page = stage_page
    connection = await open_connection(page)
    await expect(fact(connection, "Connection")).to_have_text("ok")
    ended = {"method": "project.*", "rate": 1, "fault": {"expire_tokens": True}}
    none_anew = {"method": "iam.createToken", "rate": 1, "fault": {"status": 403}}
    stage.faults(ended, none_anew)
    await page.get_by_role("button", name="Ask DataSphere again").click()
    await expect(connection.get_by_role("alert").first).to_be_visible()
    await expect(fact(connection, "Connection")).to_have_text("failed")
    await expect(status_item(page)).to_contain_text("not connected")
    stage.faults()
    await expect(fact(connection, "Connection")).to_have_text("ok")
    await expect(connection.get_by_role("alert")).to_have_count(0)


async def test_a_server_that_is_restarted_goes_on_with_what_ran(stage_page: Page, stage: Stage) -> None:
    page = stage_page
    code, gate = gated(stage.emulator, "restart.gate")
    await show_notebook(page, notebook(Path(stage.server["folder"]), "restart.ipynb", code))
    await open_sidebar(page)
    await run_cell(page, 0)
    await expect(cell(page, 0)).to_contain_text("begun")
    row = page.locator(f".jp-DataSphere-RunRow[data-id='{await execution_of(page, 0)}']")
    await expect(row).to_have_attribute("data-state", "running")
    stage.stop_lab()
    await expect(badge(page, 0)).to_contain_text("the Jupyter server does not answer")
    await expect(status_item(page)).to_contain_text("DataSphere: server not reachable")
    stage.start_lab()
    await expect(badge(page, 0)).not_to_contain_text("does not answer")
    await expect(status_item(page)).to_contain_text("DataSphere: demo-project")
    await expect(row).to_have_attribute("data-state", "running")
    gate.touch()
    await expect(output(page, 0)).to_have_text("begun\nended\n")
    await expect(badge(page, 0)).to_contain_text("succeeded")
    await expect(row).to_have_attribute("data-state", "succeeded")


async def test_for_a_minute_in_which_nobody_looks_and_nothing_runs_nothing_is_asked(
    quiet: tuple[float, list[str]],
) -> None:
    since, asked = quiet
    await asyncio.sleep(max(0, since + 60 - time.monotonic()))  # begun before the tests above
    assert asked == []
