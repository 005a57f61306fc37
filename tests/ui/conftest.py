"""JupyterLab in a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from .lab import PROMISE_MS, chromium, clear, lab, page_of, visit

expect.set_options(timeout=PROMISE_MS)


@pytest.fixture(scope="session")
def server(emulator: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """JupyterLab with the extension; gives its `url`, `token` and `folder`."""
    with lab(tmp_path_factory.mktemp("lab"), emulator) as facts:
        yield facts


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty page; `visit` opens JupyterLab in it."""
    async with page_of(browser) as page:
        yield page


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def module_page(browser: Browser, server: dict[str, Any]) -> AsyncIterator[Page]:
    async with page_of(browser) as page:
        await visit(page, server)
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def lab_page(module_page: Page) -> AsyncIterator[Page]:
    """A page in which JupyterLab is open, shared by the tests of a module; nothing is open in its main area."""
    yield module_page
    await clear(module_page)
