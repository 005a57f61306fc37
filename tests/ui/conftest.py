"""JupyterLab in a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from .lab import PROMISE_MS, chromium, lab, page_of

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
