"""The command that opens the quickstart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from .lab import run_command, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMMAND = "Open the DataSphere quickstart"


@pytest.fixture
def quickstart(server: dict[str, Any]) -> Iterator[Path]:
    """Where the quickstart will be; nothing is there yet."""
    path = Path(server["folder"]) / "quickstart.ipynb"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


async def test_it_is_made_where_it_is_not_there(page: Page, server: dict[str, Any], quickstart: Path) -> None:
    await visit(page, server)
    await run_command(page, COMMAND)
    await expect(page.get_by_role("heading", name="DataSphere from a local notebook")).to_be_visible()
    await expect(page.locator(".jp-Notebook .jp-OutputArea-output")).to_have_count(0)
    notebook = json.loads(quickstart.read_text())
    assert "".join(notebook["cells"][1]["source"]) == "%load_ext jupyter_datasphere"
    assert _made_beside(quickstart) == []


async def test_a_file_that_is_there_is_opened_as_it_is(
    page: Page, server: dict[str, Any], quickstart: Path
) -> None:
    mine = {
        "cells": [{"cell_type": "markdown", "id": "mine", "metadata": {}, "source": "# This is mine"}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    quickstart.write_text(json.dumps(mine))
    await visit(page, server)
    await run_command(page, COMMAND)
    await expect(page.get_by_role("heading", name="This is mine")).to_be_visible()
    assert json.loads(quickstart.read_text()) == mine


async def test_a_file_that_comes_meanwhile_is_kept(
    page: Page, server: dict[str, Any], quickstart: Path
) -> None:
    """Between the look whether it is there and the making of it, somebody else makes it."""

    async def meanwhile(route: Route) -> None:
        quickstart.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
        await route.continue_()

    await page.route("**/datasphere/quickstart*", meanwhile)
    await visit(page, server)
    await run_command(page, COMMAND)
    await expect(page.locator(".jp-NotebookPanel")).to_be_visible()
    assert json.loads(quickstart.read_text())["cells"] == []
    assert _made_beside(quickstart) == []


async def test_a_failure_is_told(page: Page, server: dict[str, Any], quickstart: Path) -> None:
    problem = {"code": "internal", "title": "The example notebooks are not installed.", "status": 500}

    async def fail(route: Route) -> None:
        await route.fulfill(status=500, json=problem, content_type="application/problem+json")

    await page.route("**/datasphere/quickstart*", fail)
    await visit(page, server)
    await run_command(page, COMMAND)
    dialog = page.get_by_role("dialog").filter(has_text="The quickstart could not be opened")
    await expect(dialog).to_contain_text(problem["title"])
    assert not quickstart.exists()


def _made_beside(quickstart: Path) -> list[str]:
    """Notebooks that were begun under another name, and stayed."""
    return [path.name for path in quickstart.parent.glob("Untitled*.ipynb")]
