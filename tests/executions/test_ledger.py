"""The ledger: order, transitions, owners, and files that are none."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_datasphere.errors import InternalError, NotFoundError
from jupyter_datasphere.executions.ledger import DAY, Ledger
from jupyter_datasphere.protocol import (
    FINAL_STATES,
    TRANSITIONS,
    Code,
    Execution,
    ExecutionRequest,
    NoticeEvent,
)


def create(ledger: Ledger, execution_id: str, *, created_at: float | None = None) -> None:
    request = ExecutionRequest(source=Code(source="1"), inputs={"rows": [1, 2]})
    execution = Execution(
        id=execution_id,
        state="queued",
        project_id="project",
        source=request.source,
        spec="c1.4",
        channel="state",
        created_at=time.time() if created_at is None else created_at,
    )
    ledger.create(execution, request, "key")


def numbers(ledger: Ledger, execution_id: str) -> list[int]:
    found: list[int] = []
    while page := ledger.events(execution_id, found[-1] if found else 0):
        found.extend(number for number, _ in page)
    return found


def test_events_are_numbered_without_gaps_across_transitions(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    create(ledger, "a")
    ledger.transition("a", "staged")
    ledger.append("a", [NoticeEvent(text="one"), NoticeEvent(text="two")], 2)
    ledger.transition("a", "submitted", operation_id="op")
    ledger.append("a", [NoticeEvent(text="three")], 3)
    assert numbers(ledger, "a") == [1, 2, 3, 4, 5, 6]
    assert ledger.execution("a").last_event == 6
    assert ledger.run("a").source_cursor == 3
    texts = [msgspec.json.decode(event).get("text") for _, event in ledger.events("a", 2)]
    assert texts == ["one", "two", None, "three"]
    ledger.close()


def test_a_request_is_kept_only_until_the_service_has_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    create(ledger, "a")
    ledger.transition("a", "staged")
    request = ledger.request("a")
    assert request is not None and request.inputs == {"rows": [1, 2]}
    ledger.transition("a", "submitted", operation_id="op")
    assert ledger.request("a") is None
    ledger.close()


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.sampled_from(sorted(TRANSITIONS)), max_size=6))
def test_only_allowed_transitions(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger"))
    create(ledger, "a")
    state = "queued"
    for step in steps:
        if step in TRANSITIONS[state]:
            ledger.transition("a", step)  # type: ignore[arg-type]
            state = step
        else:
            with pytest.raises(InternalError):
                ledger.transition("a", step)  # type: ignore[arg-type]
        assert ledger.execution("a").state == state
    assert bool(ledger.unfinished()) is (state not in FINAL_STATES)
    ledger.close()


def test_a_second_server_writes_its_own_file_and_sees_both(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path), Ledger(tmp_path)
    create(first, "a", created_at=1.0)
    create(second, "b", created_at=2.0)
    assert [execution.id for execution in first.search()] == ["b", "a"]
    assert [execution.id for execution in second.search()] == ["b", "a"]
    assert [execution.id for execution in first.unfinished()] == ["a"]
    assert numbers(first, "b") == [1]
    with pytest.raises(NotFoundError):
        first.transition("b", "staged")
    second.close()
    third = Ledger(tmp_path)  # takes over what the second left
    assert [execution.id for execution in third.unfinished()] == ["b"]
    third.close()
    first.close()


def test_a_restart_writes_on_in_the_same_file(tmp_path: Path) -> None:
    for execution_id in ("a", "b", "c"):
        ledger = Ledger(tmp_path)
        create(ledger, execution_id)
        ledger.close()
    assert len(list(tmp_path.glob("*.sqlite"))) == 1


@pytest.mark.parametrize("kind", ["garbage", "foreign", "later"])
def test_a_file_that_is_no_ledger_is_set_aside(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "20200101-000000-aa.sqlite"
    if kind == "garbage":
        path.write_bytes(b"not a database, but not empty either" * 40)
    elif kind == "foreign":
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE other (x)")
        db.close()
    else:
        Ledger(tmp_path).close()
        path = next(tmp_path.glob("*.sqlite"))
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
    before = path.read_bytes()
    ledger = Ledger(tmp_path)
    create(ledger, "a")
    assert ledger.execution("a").state == "queued"
    (aside,) = tmp_path.glob("*.set-aside-*")
    assert aside.read_bytes() == before
    assert "set aside" in caplog.text
    ledger.close()


def test_notes_that_cannot_be_read_now_are_taken_later(tmp_path: Path) -> None:
    owner, other = Ledger(tmp_path), Ledger(tmp_path)
    create(owner, "a")
    notes = owner._owned[0].path.with_suffix(".cancel")
    notes.touch()
    assert owner.take_cancels() == []
    notes.unlink()
    other.pass_on_cancel("a")
    assert owner.take_cancels() == ["a"]
    assert not notes.exists()
    other.pass_on_cancel("a")
    assert owner.take_cancels() == ["a"]
    other.close()
    owner.close()


def test_pages_are_bounded_but_never_empty(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    create(ledger, "a")
    ledger.append("a", [NoticeEvent(text="x" * 200_000) for _ in range(4)])
    pages = []
    after = 0
    while page := ledger.events("a", after):
        pages.append(len(page))
        after = page[-1][0]
    assert sum(pages) == 5
    assert len(pages) > 2
    ledger.close()


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    create(ledger, "a")
    assert (tmp_path / "ledger").stat().st_mode & 0o077 == 0
    for path in (tmp_path / "ledger").glob("*.sqlite"):
        assert path.stat().st_mode & 0o077 == 0
    ledger.close()


def finish(ledger: Ledger, execution_id: str, *, texts: int = 1) -> None:
    ledger.transition(execution_id, "staged")
    ledger.transition(execution_id, "submitted", operation_id="op")
    for _ in range(texts):
        ledger.append(execution_id, [NoticeEvent(text="x" * 20_000)])
    ledger.transition(execution_id, "succeeded", finished_at=time.time())


async def test_what_is_too_old_is_dropped_if_it_has_ended(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, max_age=30 * DAY)
    long_ago = time.time() - 31 * DAY
    for execution_id, created_at in (("old", long_ago), ("running", long_ago), ("new", time.time())):
        create(ledger, execution_id, created_at=created_at)
    finish(ledger, "old")
    finish(ledger, "new")
    assert await ledger.prune() == 1
    assert [execution.id for execution in ledger.search()] == ["new", "running"]
    assert numbers(ledger, "old") == []
    ledger.close()


async def test_the_size_is_bounded_and_a_running_execution_is_kept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, max_bytes=1_000_000)
    for number in range(8):
        create(ledger, str(number), created_at=float(number) + time.time())
        if number:
            finish(ledger, str(number), texts=15)
    (path,) = tmp_path.glob("*.sqlite")
    assert ledger.usage().bytes > 2_000_000
    assert await ledger.prune() == 4
    usage = ledger.usage()
    assert (usage.executions, usage.max_bytes) == (4, 1_000_000)
    assert usage.bytes <= 1_000_000
    assert [execution.id for execution in ledger.search()] == ["7", "6", "5", "0"]
    assert numbers(ledger, "7") == list(range(1, 20))
    ledger.close()  # what was in the log goes to the file
    assert path.stat().st_size <= 1_000_000


def test_a_ledger_of_the_first_version_is_migrated(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    create(ledger, "a")
    ledger.close()
    (path,) = tmp_path.glob("*.sqlite")
    with sqlite3.connect(path) as db:  # version 1 was the same but for this
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("VACUUM")
        db.execute("PRAGMA user_version = 1")
    db.close()
    for _ in range(2):
        ledger = Ledger(tmp_path)
        assert numbers(ledger, "a") == [1]
        ledger.close()
        with sqlite3.connect(path) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (2,)
            assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        db.close()
    assert not list(tmp_path.glob("*.set-aside-*"))


def test_a_ledger_of_the_first_version_that_another_server_has_open_can_be_read(tmp_path: Path) -> None:
    owner = Ledger(tmp_path)
    create(owner, "a")
    (path,) = tmp_path.glob("*.sqlite")
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 1")
    db.close()
    reader = Ledger(tmp_path)
    assert [execution.id for execution in reader.search()] == ["a"]
    reader.close()
    owner.close()


def test_a_file_whose_making_was_cut_off_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "20200101-000000-aa.sqlite"
    with sqlite3.connect(path) as db:  # not empty, but nothing is in it
        db.execute("CREATE TABLE one (x)")
        db.execute("DROP TABLE one")
    db.close()
    assert path.stat().st_size > 0
    ledger = Ledger(tmp_path)
    create(ledger, "a")
    ledger.close()
    assert [file.name for file in tmp_path.glob("2020*.sqlite")] == [path.name]
    assert not list(tmp_path.glob("*.set-aside-*"))


def test_on_a_small_disk_the_log_leaves_room_for_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**7, 7 * 10**6, 3 * 10**6))
    ledger = Ledger(tmp_path)
    create(ledger, "a")
    for _ in range(200):
        ledger.append("a", [NoticeEvent(text="x" * 2000)])
    (log,) = tmp_path.glob("*-wal")
    assert log.stat().st_size < 400_000
    ledger.close()


async def test_who_waits_for_the_disk_shares_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path)
    create(ledger, "a")
    waits = 0
    wait = os.fsync

    def counted(descriptor: int) -> None:
        nonlocal waits
        waits += 1
        wait(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    await asyncio.gather(*(ledger.sync() for _ in range(100)))
    assert waits == 2  # the first one's, and one after it that covers all who came meanwhile
    await ledger.sync()
    assert waits == 3
    ledger.close()
