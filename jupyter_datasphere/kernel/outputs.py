"""The events of a run as the outputs of a notebook's cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..protocol import Event, FailureEvent, OutputEvent

Output = dict[str, Any]
"""An output as nbformat 4 has it."""


def outputs_of(events: Iterable[Event]) -> list[Output]:
    """What a front end would have kept: text of one stream in a row joined, updates and clearings done."""
    kept = _Kept()
    for event in events:
        match event:
            case OutputEvent(message="clear_output", content=content):
                kept.clear(wait=bool(content.get("wait")))
            case OutputEvent(message=message, content=content):
                kept.add(message, content)
            case FailureEvent():
                kept.add(
                    "error",
                    {"ename": event.ename, "evalue": event.evalue, "traceback": event.traceback},
                )
    return kept.finished()


def texts_of(events: Iterable[Event]) -> Iterator[str]:
    """What the code wrote to stdout and stderr, piece by piece, in the order in which it was written."""
    for event in events:
        if isinstance(event, OutputEvent) and event.message == "stream":
            yield event.content["text"]


class _Kept:
    """Streams are kept in pieces until they are finished: joining each time would take quadratic time."""

    def __init__(self) -> None:
        self._outputs: list[Output] = []
        self._by_display_id: dict[str, list[Output]] = {}
        self._clear_first = False

    def finished(self) -> list[Output]:
        return [
            {**output, "text": "".join(output["text"])} if output["output_type"] == "stream" else output
            for output in self._outputs
        ]

    def clear(self, *, wait: bool) -> None:
        self._clear_first = wait
        if not wait:
            self._outputs.clear()
            self._by_display_id.clear()

    def add(self, message: str, content: dict[str, Any]) -> None:
        display_id: str | None = (content.get("transient") or {}).get("display_id")
        if message == "update_display_data":
            for output in self._by_display_id.get(display_id or "", ()):
                output.update(data=content["data"], metadata=content.get("metadata") or {})
            return
        if self._clear_first:
            self.clear(wait=False)
        if message == "stream":
            self._stream(content["name"], content["text"])
            return
        output = {"output_type": message, **content}
        output.pop("transient", None)
        if message != "error":
            output["metadata"] = content.get("metadata") or {}
        if message == "execute_result":
            output.setdefault("execution_count", None)
        self._outputs.append(output)
        if display_id:
            self._by_display_id.setdefault(display_id, []).append(output)

    def _stream(self, name: str, text: str) -> None:
        last = self._outputs[-1] if self._outputs else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"].append(text)
        else:
            self._outputs.append({"output_type": "stream", "name": name, "text": [text]})
