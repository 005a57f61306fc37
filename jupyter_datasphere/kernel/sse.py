"""Server-sent events, as the HTML standard describes them, out of bytes that arrive in any portions."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE_END = re.compile(rb"[\r\n]")


class ServerSentEvent(NamedTuple):
    """`id` is the last one that the stream gave, `data` is UTF-8, `type` is "message" where it names none."""

    id: str
    data: bytes
    type: str = "message"


class Parser:
    """Feed it what arrives; it gives the events that are complete."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._searched = 0  # no line end before this place: a long line is not searched again and again
        self._after_cr = False  # an LF that comes next belongs to the CR before it
        self._first = True
        self._id = ""
        self._data: list[bytes] = []
        self._type = ""

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        self._bytes += chunk
        events = []
        while (line := self._next_line()) is not None:
            if line:
                self._field(line)
            else:
                if self._data:
                    events.append(ServerSentEvent(self._id, b"\n".join(self._data), self._type or "message"))
                self._data, self._type = [], ""
        return events

    def _next_line(self) -> bytes | None:
        if self._after_cr and self._bytes:
            if self._bytes.startswith(b"\n"):
                del self._bytes[:1]
            self._after_cr = False
        end = _LINE_END.search(self._bytes, self._searched)
        if end is None:
            self._searched = len(self._bytes)
            return None
        line = bytes(self._bytes[: end.start()])
        self._after_cr = end.group() == b"\r"
        del self._bytes[: end.end()]
        self._searched = 0
        if self._first:
            self._first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        return line

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        elif name == b"event":
            self._type = value.decode("utf-8", "replace")
        # Comments (an empty name), "retry" and unknown fields say nothing to us.
