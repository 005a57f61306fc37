from __future__ import annotations

import json
import threading
import time
from collections import deque
from typing import Any

import msgspec

from jupyter_datasphere.executions.runner.source import events
from jupyter_datasphere.executions.runner.source.events import (
    BATCH_SIZE,
    Courier,
    Delivery,
    Meter,
    Outbox,
    event,
    output,
)
from jupyter_datasphere.protocol import OutputEvent, RunnerBatch, StartedEvent


def sent(*pieces: events.Piece) -> list[tuple[int, Any]]:
    batches: list[bytes] = []
    delivery = Delivery("r", deque(pieces), batches.append)
    delivery.close(event("finished", status="ok"))
    assert all(len(batch) <= BATCH_SIZE + 1000 for batch in batches)
    return [pair for batch in batches for pair in msgspec.json.decode(batch, type=RunnerBatch).events]


def test_neighbouring_writes_become_one_event() -> None:
    found = sent(
        ("stdout", "a", None),
        ("stdout", "b", None),
        ("stderr", "c", None),
        ("stdout", "d", None),
        ("stdout", "e", 1),
        ("", output("clear_output", b'{"wait":true}', 1), None),
        ("stdout", "f", 1),
        ("stdout", "g", 1),
    )
    assert [number for number, _ in found] == list(range(1, 8))
    assert [(e.content.get("name"), e.content.get("text"), e.cell) for _, e in found[:-1]] == [
        ("stdout", "ab", None),
        ("stderr", "c", None),
        ("stdout", "d", None),
        ("stdout", "e", 1),
        (None, None, 1),
        ("stdout", "fg", 1),
    ]


def test_batches_are_bounded_unless_one_event_is_larger() -> None:
    batches: list[bytes] = []
    large = event("notice", text="x" * 3 * BATCH_SIZE)
    pieces: list[events.Piece] = [("stdout", "я" * 100, None)] * 5000
    Delivery("r", deque([*pieces, ("", large, None), *pieces]), batches.append).close()
    assert [len(batch) > BATCH_SIZE for batch in batches].count(True) == 1
    assert len(batches) > 20
    texts = [e["content"]["text"] for b in batches for _, e in json.loads(b)["events"] if "content" in e]
    assert "".join(texts) == "я" * 1_000_000
    assert len(texts) < 60


def test_half_surrogates_become_question_marks() -> None:
    ((_, found), _) = sent(("stdout", "a\udc80b\ud800", None))
    assert isinstance(found, OutputEvent)
    assert found.content["text"] == "a?b?"


def test_what_comes_after_the_close_waits_for_the_next_run() -> None:
    outbox: Outbox = deque([("stdout", "in time", None)])
    batches: list[bytes] = []
    first = Delivery("one", outbox, batches.append)
    first.close(event("finished", status="ok"))
    outbox.append(("stdout", "late", None))
    first.flush()
    assert not first.waiting()
    second = Delivery("two", outbox, batches.append)
    second.open(event("started", runner="v", python="3"), late="late:")
    outbox.append(("stdout", "new", None))
    second.close()
    runs = [json.loads(batch) for batch in batches]
    assert [(run["run"], [number for number, _ in run["events"]]) for run in runs] == [
        ("one", [1, 2]),
        ("two", [1, 2, 3, 4]),
    ]
    kinds = [(e["type"], e.get("text") or e.get("content", {}).get("text")) for _, e in runs[1]["events"]]
    assert kinds == [("started", None), ("notice", "late:"), ("output", "late"), ("output", "new")]


def test_a_run_without_leftovers_has_no_notice() -> None:
    batches: list[bytes] = []
    delivery = Delivery("r", deque(), batches.append)
    delivery.open(event("started", runner="v", python="3"), late="late:")
    assert delivery.waiting()
    delivery.close()
    ((_, found),) = msgspec.json.decode(batches[0], type=RunnerBatch).events
    assert isinstance(found, StartedEvent)


def test_the_courier_sends_while_the_writer_is_busy_and_gathers_what_comes_together() -> None:
    outbox: Outbox = deque()
    arrived = threading.Semaphore(0)
    batches: list[bytes] = []

    def publish(batch: bytes) -> None:
        batches.append(batch)
        arrived.release()

    courier = Courier()
    courier.delivery = Delivery("r", outbox, publish)
    for text in ("first", "second"):
        outbox.append(("stdout", text, None))
        if courier.idle:
            courier.ring()
        assert arrived.acquire(timeout=5)
    assert "first" in batches[0].decode()
    assert "second" in batches[1].decode()
    before = len(batches)
    for _ in range(200_000):
        outbox.append(("stdout", "x" * 5, None))
        if courier.idle:
            courier.ring()
    courier.delivery.close()
    text = b"".join(batches[before:]).decode()
    assert text.count("xxxxx") == 200_000
    assert len(json.loads(batches[-1])["events"]) < 100
    courier.stop()


def test_the_courier_survives_a_publisher_that_fails() -> None:
    outbox: Outbox = deque()
    worked = threading.Event()
    failures = [OSError("once")]

    def publish(batch: bytes) -> None:
        if failures:
            raise failures.pop()
        worked.set()

    courier = Courier()
    courier.delivery = Delivery("r", outbox, publish)
    for _ in range(2):
        outbox.append(("stdout", "x", None))
        courier.ring()
        if failures:
            while failures:
                threading.Event().wait(0.001)
    assert worked.wait(5)
    courier.stop()


def test_who_writes_without_measure_is_held_up() -> None:
    meter = Meter()
    written, begun = 0, time.monotonic()
    while written < events.BURST + 0.5 * events.RATE:
        written += 1000
        meter.room -= 1000
        if meter.room < 0:
            meter.rest()
    assert time.monotonic() - begun > 0.4
    meter.room = -events.RATE // 10
    begun = time.monotonic()
    meter.rest()  # it counts what time has passed
    meter.rest()
    assert meter.room >= 0
