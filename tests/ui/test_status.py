"""The status-bar item, and the facts that it leads to."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, Response, Route, expect

from jupyter_datasphere import __version__
from jupyter_datasphere.demo.check import outputs_of
from jupyter_datasphere.demo.kernel_client import kernel_of

from .lab import fact, open_connection, status_item, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<img src=x onerror=\"document.title='hacked'\">\u202etxt.exe"


async def test_the_item_names_the_project_and_the_connection_the_facts(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    await visit(page, server)
    await expect(status_item(page)).to_contain_text("DataSphere: ")
    connection = await open_connection(page)
    facts = {
        "Connection": "ok",
        "Endpoint": emulator["url"],
        "Project": f"demo-project ({emulator['project_id']})",
        "Version": __version__,
        "Running": "0",
    }
    for name, value in facts.items():
        await expect(fact(connection, name)).to_have_text(value)
    await expect(fact(connection, "Credentials")).to_contain_text("YC_TOKEN")
    await expect(fact(connection, "Credentials")).to_contain_text(" left)")
    await expect(fact(connection, "Balance")).to_be_visible()
    await expect(fact(connection, "Channel state")).to_have_text("ok")
    await expect(status_item(page)).to_have_text("DataSphere: demo-project")
    await expect(status_item(page)).to_have_attribute(
        "aria-label", "DataSphere: demo-project; Connection: ok"
    )


async def test_the_item_opens_the_sidebar_from_the_keyboard(page: Page, server: dict[str, Any]) -> None:
    await visit(page, server)
    await status_item(page).focus()
    await page.keyboard.press("Enter")
    title = page.locator("#jupyter-datasphere-sidebar h3").filter(has_text="Connection")
    await expect(title).to_be_focused()
    async with page.expect_response(lambda answer: answer.url.split("?")[0].endswith("/datasphere/status")):
        await title.get_by_role("button", name="Ask DataSphere again").click()


async def test_no_secret_reaches_the_browser(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if "/datasphere/" in answer.url else None)
    async with kernel_of(server) as kernel:
        code = "import os; print(os.environ['JUPYTER_DATASPHERE_TOKEN'], end='')"
        capability = "".join([output["text"] for output in await outputs_of(kernel, code)])
    assert len(capability) > 30
    await visit(page, server)
    await open_connection(page)
    texts = [await answer.text() for answer in answers] + [await page.content()]
    assert len(texts) > 2
    for text in texts:
        assert emulator["oauth_token"] not in text
        assert capability not in text
        assert "t1." not in text  # how an IAM token begins


async def test_what_runs_is_counted(page: Page, server: dict[str, Any], emulator: dict[str, str]) -> None:
    await visit(page, server)
    await expect(status_item(page)).not_to_contain_text("running")
    headers = {"Authorization": f"token {server['token']}"}
    body = {
        "source": {"type": "code", "source": "import time\ntime.sleep(60)", "session": uuid.uuid4().hex},
        "project": emulator["project_id"],
    }
    async with httpx.AsyncClient(base_url=server["url"], headers=headers, timeout=60) as client:
        execution = (await client.post("datasphere/executions", json=body)).json()
        await expect(status_item(page)).to_contain_text("1 running", timeout=20_000)
        await client.post(f"datasphere/executions/{execution['id']}/cancel")
        await expect(status_item(page)).not_to_contain_text("running", timeout=20_000)


async def test_names_are_text_whatever_they_hold(page: Page, server: dict[str, Any]) -> None:
    async def hostile(route: Route) -> None:
        answer = await route.fetch()
        status = await answer.json()
        status["project"] = {"id": "bt1x", "name": HOSTILE, "channels": {HOSTILE: HOSTILE}}
        status["problem"] = {"code": "x", "title": HOSTILE, "hint": HOSTILE, "request_id": HOSTILE}
        status["connection"] = "failed"
        await route.fulfill(response=answer, body=json.dumps(status))

    await page.route("**/datasphere/status*", hostile)
    await visit(page, server)
    connection = await open_connection(page)
    shown = HOSTILE.replace("\u202e", "\ufffd")  # it would turn what follows it
    await expect(fact(connection, "Project")).to_contain_text(shown)
    await expect(status_item(page)).to_contain_text(shown)
    await expect(connection.get_by_role("alert")).to_contain_text(HOSTILE)
    assert await page.locator(".jp-DataSphere-Sidebar img, .jp-DataSphere-StatusItem img").count() == 0
    assert await page.title() != "hacked"


async def test_nobody_chose_a_project(page: Page, server: dict[str, Any]) -> None:
    async def without(route: Route) -> None:
        answer = await route.fetch()
        status = await answer.json()
        status.pop("project", None)
        await route.fulfill(response=answer, body=json.dumps(status))

    await page.route("**/datasphere/status*", without)
    await visit(page, server)
    await expect(status_item(page)).to_have_text("DataSphere: no project")
    connection = await open_connection(page)
    await expect(fact(connection, "Project")).to_have_text("none is chosen")
    await expect(connection.locator("dt:text-is('Balance')")).to_have_count(0)


async def test_a_balance_that_is_not_shown_is_no_missing_limit(page: Page, server: dict[str, Any]) -> None:
    async def hidden(route: Route) -> None:
        answer = await route.fetch()
        status = await answer.json()
        status["project"].pop("unit_balance", None)
        status["project"]["balance_hidden"] = True
        await route.fulfill(response=answer, body=json.dumps(status))

    await page.route("**/datasphere/status*", hidden)
    await visit(page, server)
    connection = await open_connection(page)
    balance = fact(connection, "Balance")
    await expect(balance).to_have_text("not shown to this account")


async def test_without_a_click_datasphere_is_asked_nothing(page: Page, server: dict[str, Any]) -> None:
    """The server extension is asked once, and asks nobody in turn; after that, the bus tells."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/datasphere/" in request.url else None)
    await visit(page, server)
    await expect(status_item(page)).to_have_attribute("data-health", "unchecked")
    assert [url.rpartition("/")[2].partition("&")[0] for url in asked] == ["status?check=false"]
