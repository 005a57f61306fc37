"""The events of a run become outputs of the cell, in their order."""

from __future__ import annotations

import html
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..protocol import CellEvent, Event, NoticeEvent, OutputEvent, StatusEvent
from .pacing import Pacer
from .progress import Progress
from .slots import Slots

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

BLOCK = 64 * 1024
"""Characters of text in one message at most."""

HEADING = (
    '<div style="border-top: 1px solid var(--jp-border-color2, #e0e0e0); overflow: hidden;'
    ' text-overflow: ellipsis; white-space: nowrap"><small>{} <b>{}</b></small></div>'
)
"""Of a notebook's cell, in HTML: its number and its title, in one line."""

LIMIT = 10_000_000
"""Bytes of output that one run may show; a browser that holds much more becomes slow."""


class Display:
    """Shows one run.

    Results of expressions (`execute_result`) are shown as displays: the numbers of Out[…] are those of the
    local session, and nothing local was computed. Text that exceeds `limit` is announced once and ends the
    display; an image or the like that does is named, and what comes after it is shown.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        progress: Progress,
        pacer: Pacer,
        execution_id: str,
        *,
        limit: int = LIMIT,
    ) -> None:
        self._shell = shell
        self._progress = progress
        self._pacer = pacer
        self._execution_id = execution_id
        self._limit = limit
        self._left = limit
        self._slots: Slots | None = None
        """Those of a notebook that runs: what its cells show."""

    def show(self, events: Iterable[Event]) -> None:
        for event in _merged(events):
            match event:
                case StatusEvent():
                    self._progress.take(event)
                case OutputEvent(message=message, content=content):
                    self._output(message, content)
                case CellEvent():
                    self._heading(event)
                case NoticeEvent(text=text):
                    self._write("stderr", f"{text}\n")

    def _output(self, message: str, content: dict[str, Any]) -> None:
        match message:
            case "stream":
                self._text("stdout" if content["name"] == "stdout" else "stderr", content["text"])
            case "display_data" | "execute_result" | "update_display_data":
                self._rich(content, update=message == "update_display_data")
            case "clear_output":
                self._clear(wait=bool(content.get("wait", False)))
            case "error":  # an error that the code showed, not the one that ended it
                self._text("stderr", "\n".join(content.get("traceback", [])) + "\n")

    def _text(self, stream: str, text: str) -> None:
        while text and self._allowed(size := _size(block := _first_block(text))):
            self._pacer.wait(size)
            if self._slots is not None and self._slots.takes_text:
                self._progress.make_way()
                self._slots.write(block)
            else:
                self._write(stream, block)
            text = text[len(block) :]

    def _rich(self, content: dict[str, Any], *, update: bool) -> None:
        size = _size(content["data"])
        if 0 <= self._left < size:
            self._write("stderr", self._too_large(content["data"], size))
            return
        if not self._allowed(size):
            return
        self._pacer.wait(0)  # the server counts the bytes of text streams only
        display_id = (content.get("transient") or {}).get("display_id")
        data, metadata = content["data"], content.get("metadata") or {}
        self._progress.make_way()
        if self._slots is None:
            transient = {"display_id": display_id} if display_id else {}
            self._shell.display_pub.publish(data, metadata, transient=transient, update=update)
        elif update:
            self._slots.update(data, metadata, display_id or "")
        else:
            self._slots.show(data, metadata, display_id or "")

    def _clear(self, *, wait: bool) -> None:
        if self._slots is None:
            self._progress.clear(wait=wait)
            self._shell.display_pub.clear_output(wait)  # type: ignore[no-untyped-call]
        else:
            self._pacer.wait(0)
            self._slots.clear(wait=wait)

    def _heading(self, cell: CellEvent) -> None:
        place, title = f"[{cell.index + 1}/{cell.total}]", html.escape(cell.title)
        self._pacer.wait(0)
        self._progress.make_way()
        self._shell.display_pub.publish(
            {"text/plain": f"{place} {cell.title}".rstrip(), "text/html": HEADING.format(place, title)}
        )
        if getattr(self._shell, "kernel", None):  # a terminal cannot change what is on it
            self._slots = self._slots or Slots(self._shell)
            self._slots.begin()

    def _allowed(self, size: int) -> bool:
        if size <= self._left:
            self._left -= size
            return True
        if self._left >= 0:
            self._left = -1  # said once
            self._write(
                "stderr",
                f"[The output exceeds {self._limit / 1e6:g} MB, and the rest is not shown here. All of it is"
                f" kept with execution {self._execution_id}: %ds_output {self._execution_id} --file PATH"
                f" writes its text to a file.]\n",
            )
        return False

    def _too_large(self, data: dict[str, Any], size: int) -> str:
        kind = max(data, key=lambda kind: _size(data[kind]))
        return (
            f"[An output of {size / 1e6:.1f} MB ({kind}) is not shown here, as {self._left / 1e6:.1f} MB are"
            f" left of the {self._limit / 1e6:g} MB that a run may show. It is kept with execution"
            f" {self._execution_id}.]\n"
        )

    def _write(self, name: str, text: str) -> None:
        self._progress.make_way(unfinished=not text.endswith("\n"))
        # Looked up each time: a redirected sys.stdout must be obeyed. Flushed each time: or the order
        # between the two streams, and between text and displays, would be lost.
        stream = sys.stdout if name == "stdout" else sys.stderr
        stream.write(text)
        stream.flush()


def _merged(events: Iterable[Event]) -> Iterator[Event]:
    """The same events, with text of one stream that comes in a row in one event: each costs a message."""
    name, cell, texts = "", None, list[str]()

    def joined() -> Iterator[Event]:
        if texts:
            yield OutputEvent("stream", {"name": name, "text": "".join(texts)}, cell)
            texts.clear()

    for event in events:
        if not (isinstance(event, OutputEvent) and event.message == "stream"):
            yield from joined()
            yield event
            continue
        if (event.content["name"], event.cell) != (name, cell):
            yield from joined()
            name, cell = event.content["name"], event.cell
        texts.append(event.content["text"])
    yield from joined()


def _first_block(text: str) -> str:
    """The text up to the last line end within a block, or a whole block of an endless line."""
    if len(text) <= BLOCK:
        return text
    end = text.rfind("\n", 0, BLOCK) + 1
    return text[: end or BLOCK]


def _size(content: object) -> int:
    """Bytes on Jupyter's wire, which is JSON: a line end, for example, takes two."""
    return len(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass"))
