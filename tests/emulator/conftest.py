"""One emulator per module, whose tests share its event loop; modules of other emulators start their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from emulator.api import Api, start_api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """A logged-in emulator of revision 2024-03."""
    async with start_api(tmp_path_factory.mktemp("emulator") / "root") as api:
        yield api
