"""A ledger file that is damaged: said by whatever meets it, and set aside whole by the next start."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from executions.damage import spoil_all_but_the_first_page, spoil_header
from support import Facts

from jupyter_datasphere.datasphere.client import Client
from jupyter_datasphere.datasphere.projects import ProjectFinder
from jupyter_datasphere.errors import StorageError
from jupyter_datasphere.executions.ledger import Ledger
from jupyter_datasphere.executions.service import ExecutionService
from jupyter_datasphere.protocol import Code, Execution, ExecutionRequest


def create(ledger: Ledger, execution_id: str) -> None:
    request = ExecutionRequest(source=Code(source="1"))
    execution = Execution(
        id=execution_id,
        state="queued",
        project_id="project",
        source=request.source,
        spec="c1.4",
        channel="state",
        created_at=time.time(),
    )
    with ledger.together():
        ledger.create(execution, request, "key")


def left_by_a_dead_server(folder: Path) -> Path:
    """A file with its log, in which everything is."""
    with closing(Ledger(folder / "first")) as ledger:
        create(ledger, "a")
        shutil.copytree(folder / "first", folder / "left")
    (path,) = (folder / "left").glob("*.sqlite")
    return path


def test_a_damaged_file_is_set_aside_with_its_log_and_that_is_told_until_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = left_by_a_dead_server(tmp_path)
    spoil_header(path)
    beside = [path.with_name(f"{path.name}{suffix}") for suffix in ("", "-wal")]
    before = [file.read_bytes() for file in beside]
    assert all(before)
    with closing(Ledger(path.parent)) as ledger:
        (aside,) = path.parent.glob("*.set-aside-?????????[0-9]")
        assert [aside.with_name(f"{aside.name}{suffix}").read_bytes() for suffix in ("", "-wal")] == before
        assert not any(file.exists() for file in beside)
        assert not path.with_suffix(".lock").exists()
        problem = str(ledger.usage().problem)
        assert "damaged" in problem and "not followed any more" in problem and aside.name in problem
        assert problem in caplog.text
        create(ledger, "b")
        assert ledger.usage().problem == problem
    with closing(Ledger(path.parent)) as ledger:
        assert ledger.usage().problem is None
        assert [execution.id for execution in ledger.search()] == ["b"]


def test_what_was_set_aside_can_be_looked_at(tmp_path: Path) -> None:
    path = left_by_a_dead_server(tmp_path)
    path.with_suffix(".damaged").touch()
    with closing(Ledger(path.parent)) as ledger:
        assert ledger.search() == []
    (aside,) = path.parent.glob("*.set-aside-?????????[0-9]")
    with closing(sqlite3.connect(aside)) as db:
        assert db.execute("SELECT id FROM executions").fetchall() == [("a",)]
    assert not path.with_suffix(".damaged").exists()


def test_damage_that_shows_later_is_told_and_set_aside_by_the_next_start(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path)) as ledger:
        create(ledger, "a")
        (path,) = tmp_path.glob("*.sqlite")
        spoil_all_but_the_first_page(path)
        for read in (
            ledger.search,
            ledger.unfinished,
            lambda: ledger.record("a"),
            lambda: ledger.events("a"),
        ):
            with pytest.raises(StorageError, match=r"damaged .* Start the Jupyter server anew") as caught:
                read()
            assert caught.value.code == "ledger-damaged"
        with pytest.raises(StorageError, match="damaged"):
            create(ledger, "b")
        assert "damaged" in str(ledger.usage().problem)
        with closing(Ledger(tmp_path)) as other:  # of another server, which goes on
            assert other.search() == []
    with closing(Ledger(tmp_path)) as ledger:
        assert "set aside" in str(ledger.usage().problem)
        create(ledger, "b")
        assert [execution.id for execution in ledger.search()] == ["b"]


def test_a_record_that_cannot_be_understood_is_damage(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path)) as ledger:
        create(ledger, "a")
        ledger._owned[0]._db.execute("UPDATE executions SET record = zeroblob(100)")
        for read in (ledger.search, lambda: ledger.record("a")):
            with pytest.raises(StorageError, match="damaged"):
                read()


async def test_who_watches_a_run_learns_of_the_damage(
    tmp_path: Path, emulator: Facts, client: Client
) -> None:
    with closing(Ledger(tmp_path)) as ledger:
        service = ExecutionService(ledger, client, ProjectFinder(client))
        source = Code(source="print('begun')\nimport time\ntime.sleep(2)", session="damaged")
        execution = await service.start(ExecutionRequest(source=source), project=emulator["project_id"])
        async with asyncio.timeout(30):
            with pytest.raises(StorageError, match="damaged"):
                async for page in service.events(execution.id, idle=0.1):
                    if "begun" in str(page):
                        (path,) = tmp_path.glob("*.sqlite")
                        spoil_all_but_the_first_page(path)
        await service.close()
