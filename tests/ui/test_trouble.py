"""What the user is told when something is not as it should be."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from jupyter_datasphere.demo.processes import emulator as run_emulator

from .lab import fact, lab, open_connection, status_item, visit

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


async def test_a_service_that_is_away_is_told_and_comes_back(page: Page, tmp_path: Path) -> None:
    port = _free_port()
    root = tmp_path / "emulator" / "root"
    root.parent.mkdir()
    with ExitStack() as jupyter:
        with run_emulator(root, "--port", str(port)) as facts:
            server = jupyter.enter_context(lab(tmp_path / "lab", facts))
        await visit(page, server)
        await expect(status_item(page)).to_have_attribute("data-health", "unchecked")
        connection = await open_connection(page)
        await expect(connection.get_by_role("alert")).to_contain_text("No connection to")
        await expect(fact(connection, "Connection")).to_have_text("failed")
        await expect(status_item(page)).to_contain_text("not connected")
        with run_emulator(root, "--port", str(port)):
            connected = fact(connection, "Connection").filter(has_text="ok")
            while await connected.count() == 0:  # a question that was under way may still have met nobody
                await page.get_by_role("button", name="Ask DataSphere again").click()
                await connection.locator("[aria-busy=false]").first.wait_for()
            await expect(fact(connection, "Connection")).to_have_text("ok")
            await expect(connection.get_by_role("alert")).to_have_count(0)
            await expect(status_item(page)).to_have_text("DataSphere: demo-project")


async def test_a_jupyter_server_that_is_away_is_told(page: Page, server: dict[str, Any]) -> None:
    await visit(page, server)
    await expect(status_item(page)).not_to_contain_text("…")
    await page.route("**/datasphere/status*", lambda route: route.abort())
    await open_connection(page)
    await expect(status_item(page)).to_have_text("DataSphere: server not reachable")
    await page.unroute("**/datasphere/status*")
    await expect(status_item(page)).to_have_attribute("data-health", "unchecked")  # by itself


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
