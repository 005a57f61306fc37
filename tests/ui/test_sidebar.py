"""The sidebar and its sections."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from .lab import fact, open_sidebar, section, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_section_asks_when_it_is_looked_at(page: Page, server: dict[str, Any]) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/datasphere/" in request.url else None)
    await visit(page, server)
    await expect(page.locator(".jp-DataSphere-StatusItem button")).to_have_attribute(
        "data-health", "unchecked"
    )
    assert [url for url in asked if "check=false" not in url] == []
    await open_sidebar(page)
    connection = section(page, "connection")
    await expect(fact(connection, "Connection")).to_have_text("ok")
    await expect(fact(connection, "Project")).to_contain_text("demo-project")
