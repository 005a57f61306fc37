"""Numbered events of a run, and the batches in which they leave.

What code writes goes into the outbox of its session: one `deque.append`, which neither another thread nor
a signal can tear apart. Whoever delivers takes it out, joins what belongs together, numbers the events and
hands them over in batches.
"""

# ruff: noqa: UP006, UP035 - evaluated at run time, where Python 3.8 has no `tuple[…]`

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any, Deque, Tuple

MIME = "application/vnd.jupyter-datasphere.events+json"

BATCH_SIZE = 64 * 1024
"""Bytes in a batch, unless one event is larger."""

TEXT_SIZE = 24 * 1024
"""Characters up to which the writes to one stream are joined into one event."""

GATHER = 0.005
PAUSE = 0.045
"""Seconds: how long the first output after a silence waits for company, and how long after it is rest."""

BURST = 4_000_000
RATE = 12_000_000
REST = 0.05
"""Characters that code may write at once, and in a second for long; seconds for which it is held up where it
writes more. Who follows keeps up with that; more would pile up there, however much it is."""

Piece = Tuple[str, Any, Any]
"""In an outbox: ``(stream, text, cell)``, or ``("", event, None)``. Outboxes outlive an upgrade of the
runner, so this must stay as it is."""

Outbox = Deque[Piece]

_dumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encoded(value: Any) -> bytes:
    """JSON in UTF-8; what has no place in it (half a surrogate pair) becomes a question mark."""
    return _dumps(value).encode("utf-8", "replace")


def event(kind: str, **fields: Any) -> bytes:
    """An event as `protocol.py` has it."""
    return encoded({"type": kind, **fields})


def output(message: str, content: bytes, cell: int | None) -> bytes:
    """An output whose content is JSON already."""
    suffix = b"" if cell is None else b',"cell":%d' % cell
    return b'{"type":"output","message":"%s","content":%s%s}' % (message.encode(), content, suffix)


def events_of(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """The events of an outbox's pieces: neighbouring writes to one stream become one."""
    name, cell, size = "", None, 0
    texts: list[str] = []

    def joined() -> bytes:
        return output("stream", encoded({"name": name, "text": "".join(texts)}), cell)

    for stream, content, origin in pieces:
        if texts and (stream != name or origin != cell or size + len(content) > TEXT_SIZE):
            yield joined()
            texts, size = [], 0
        if stream:
            name, cell = stream, origin
            texts.append(content)
            size += len(content)
        else:
            yield content
    if texts:
        yield joined()


class Undeliverable(Exception):
    """A batch could not be sent, and none after it can; the text says why."""


class Delivery:
    """The events of one run, numbered from 1, from the outbox of its session to `publish`."""

    def __init__(self, run: str, outbox: Outbox, publish: Callable[[bytes], None]) -> None:
        self._head = b'{"run":%s,"events":[' % encoded(run)
        self._outbox = outbox
        self._publish = publish
        self._first: list[bytes] = []
        self.number = 0
        """Of the last event of the batch that is being published."""
        self._closed = False
        self._lock = Lock()
        self.lost = ""
        """Why nothing can be sent any more, if so."""

    def open(self, *events: bytes, late: str) -> None:
        """Put these events first; then, after the notice `late`, what an earlier run left in the outbox."""
        with self._lock:
            pieces = [self._outbox.popleft() for _ in range(len(self._outbox))]
            if pieces:
                events = (*events, event("notice", text=late))
            self._first = [*events, *events_of(pieces)]

    def waiting(self) -> bool:
        return not self._closed and bool(self._first or self._outbox)

    def flush(self) -> None:
        """Send what is there."""
        with self._lock:
            if not self._closed:
                self._send(())

    def close(self, *events: bytes) -> None:
        """Send what is there and then these events. What is written from now on is left in the outbox."""
        with self._lock:
            self._closed = True
            self._send(events)

    def last_words(self, *events: bytes) -> bytes:
        """A batch of these events that follows on the last one that was sent."""
        return self._batch(
            [b"[%d,%s]" % (self.number + place, content) for place, content in enumerate(events, 1)]
        )

    def _send(self, last: Iterable[bytes]) -> None:
        # No more than what is there now: code that writes all the time must not keep us here.
        pieces = [self._outbox.popleft() for _ in range(len(self._outbox))]
        events = [*self._first, *events_of(pieces), *last]
        self._first = []
        if self.lost:
            return
        try:
            self._send_batches(events)
        except Undeliverable as error:
            self.lost = str(error)

    def _send_batches(self, events: Iterable[bytes]) -> None:
        batch: list[bytes] = []
        size = 0
        for content in events:
            if batch and size + len(content) > BATCH_SIZE:
                self._publish_numbered(batch)
                batch, size = [], 0
            batch.append(b"[%d,%s]" % (self.number + len(batch) + 1, content))
            size += len(content) + 16
        if batch:
            self._publish_numbered(batch)

    def _publish_numbered(self, batch: list[bytes]) -> None:
        self.number += len(batch)
        try:
            self._publish(self._batch(batch))
        except Undeliverable:
            self.number -= len(batch)
            raise

    def _batch(self, numbered: list[bytes]) -> bytes:
        return self._head + b",".join(numbered) + b"]}"


class Meter:
    """Holds up code that writes without measure. Who writes takes from `room`, and rests where none is left.

    Threads that do so at once may spoil the sum a little, which does no harm.
    """

    def __init__(self) -> None:
        self.room = BURST
        self._counted_at = monotonic()

    def rest(self) -> None:
        now = monotonic()
        self.room = min(BURST, self.room + int((now - self._counted_at) * RATE))
        self._counted_at = now
        if self.room < 0:
            sleep(REST - self.room / RATE)


class Courier:
    """A thread that flushes the delivery of the run that is on, so that output leaves while code blocks."""

    def __init__(self) -> None:
        self.delivery: Delivery | None = None
        self.idle = False
        """True: somebody who puts a piece into an outbox has to `ring`."""
        self._bell: SimpleQueue[bool] = SimpleQueue()
        Thread(target=self._work, name="jupyter-datasphere", daemon=True).start()

    def ring(self) -> None:
        # The put is atomic: a KeyboardInterrupt in the code that prints leaves no lock behind.
        self.idle = False
        self._bell.put(True)

    def stop(self) -> None:
        self._bell.put(False)

    def _work(self) -> None:
        while True:
            # In this order, for whoever writes does it the other way round.
            self.idle = True
            delivery = self.delivery
            if not (delivery is not None and delivery.waiting()) and not self._bell.get():
                return
            self.idle = False
            sleep(GATHER)
            delivery = self.delivery
            if delivery is not None:
                try:
                    delivery.flush()
                except Exception:  # noqa: BLE001 - the thread has to live, and there is nobody to raise to
                    traceback.print_exc(file=sys.__stderr__)
            sleep(PAUSE)
