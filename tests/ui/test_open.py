"""Opening a project, in a real browser: from a notebook's link, and from the file that `serve` hands out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.async_api import Page, expect
from serving import Terminal

from .lab import visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

COPY = """#!{python}
import pathlib, sys, urllib.parse
file = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(sys.argv[1]).path))
pathlib.Path({target!r}).write_text(file.read_text())
"""
"""A browser that keeps what it is handed for a real one."""


def watch(page: Page) -> list[tuple[str, str]]:
    """Each request that the page makes from now on, and what its policy forbids."""
    seen: list[tuple[str, str]] = []
    page.on("request", lambda request: seen.append((request.method, request.url)))

    def said(text: str) -> None:
        if "Content Security Policy" in text:
            seen.append(("console", text))

    page.on("console", lambda message: said(message.text))
    return seen


async def test_a_link_in_a_notebook_leads_to_the_project(
    page: Page, server: dict[str, Any], emulator: dict[str, str]
) -> None:
    cells = [nbformat.v4.new_code_cell("%load_ext jupyter_datasphere\n%ds_open -p demo-project")]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
    nbformat.write(notebook, Path(server["folder"]) / "opening.ipynb")
    await visit(page, server, "opening.ipynb")
    await page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    await page.locator(".jp-Notebook .jp-Cell").click()
    await page.keyboard.press("Shift+Enter")
    link = page.get_by_role("link", name="Open project demo-project")
    async with page.context.expect_page() as opening:
        await link.click()
    asks = await opening.value
    seen = watch(asks)
    await expect(asks.get_by_text("Open the project demo-project")).to_be_visible()
    await asks.get_by_role("button", name="Open").click()
    await asks.wait_for_url(f"{emulator['url']}/ide/{emulator['project_id']}")
    await expect(asks.get_by_text("of the DataSphere emulator")).to_be_visible()
    assert seen == [
        ("POST", f"{server['url']}datasphere/open"),
        ("POST", f"{emulator['url']}/ide/{emulator['project_id']}"),
    ]


async def test_a_file_with_a_ticket_leads_to_the_project(
    page: Page, emulator: dict[str, str], tmp_path: Path
) -> None:
    script, copy = tmp_path / "browser", tmp_path / "copy.html"
    script.write_text(COPY.format(python=sys.executable, target=str(copy)))
    script.chmod(0o700)
    terminal = Terminal(emulator, tmp_path)
    terminal.environment["BROWSER"] = f"{script} %s"
    try:
        terminal.serve()
        facts = json.loads((terminal.runtime / "datasphere-serve.json").read_text())
        headers = {"Authorization": f"Bearer {facts['capability']}"}
        answer = await page.request.post(f"{facts['url']}/open/browser", data={}, headers=headers)
        assert answer.status == 202
        seen = watch(page)
        await page.goto(copy.as_uri())
        await page.wait_for_url(f"{emulator['url']}/ide/{emulator['project_id']}")
        assert seen == [
            ("GET", copy.as_uri()),
            ("POST", f"{facts['url']}/open"),
            ("POST", f"{emulator['url']}/ide/{emulator['project_id']}"),
        ]
        await page.goto(copy.as_uri())
        await expect(page.get_by_text("This page has been used")).to_be_visible()
    finally:
        terminal.close()
