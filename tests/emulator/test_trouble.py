"""A mistake of the emulator itself is answered and logged; nothing hangs."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest
from emulator.api import Api, ok, refused, start_api


def damage(api: Api, table: str) -> None:
    """Take a table away from the running emulator."""
    connection = sqlite3.connect(api.emulator.config.root / "emulator.sqlite")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(f"DROP TABLE {table}")
    connection.close()


async def test_an_unexpected_exception_is_code_13_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with start_api(tmp_path / "root") as api:
        damage(api, "balances")
        with caplog.at_level(logging.ERROR):
            body = refused(await api.http.get(f"{api.project}:unitBalance"), 500, 13)
        assert "balances" not in body["message"]
        assert body["details"][-1]["requestId"] in caplog.text
        assert "no such table: balances" in caplog.text
        ok(await api.http.get(api.project))


async def test_an_execution_that_meets_one_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with start_api(tmp_path / "root") as api:
        api.write("one.ipynb", "1")
        damage(api, "runs")
        for _ in range(2):
            ended = await api.done(await api.execute(notebookId="one.ipynb"))
            assert ended["error"]["code"] == 13
        assert "no such table: main.runs" in caplog.text or "no such table: runs" in caplog.text
