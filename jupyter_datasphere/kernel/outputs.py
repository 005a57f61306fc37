"""The events of a run as the outputs of a notebook's cell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..protocol import Event, FailureEvent, OutputEvent

Output = dict[str, Any]
"""An output as nbformat 4 has it."""

_JSON = re.compile(r"application/(.*\+)?json")


def outputs_of(events: Iterable[Event]) -> list[Output]:
    """What a front end would have kept: text of one stream in a row joined, updates and clearings done."""
    kept = Kept()
    for event in events:
        kept.take(event)
    return kept.finished()


def texts_of(events: Iterable[Event]) -> Iterator[str]:
    """What the code wrote to stdout and stderr, piece by piece, in the order in which it was written."""
    for event in events:
        if isinstance(event, OutputEvent) and event.message == "stream":
            yield event.content["text"]


def bundle(data: object) -> dict[str, Any]:
    """Data by MIME type as nbformat has it: what is no text where text belongs becomes JSON text."""
    return {
        kind: value if isinstance(value, str) or _JSON.fullmatch(kind) else json.dumps(value)
        for kind, value in fields(data).items()
    }


def fields(value: object) -> dict[str, Any]:
    """The value where it is an object; an empty one else."""
    return value if isinstance(value, dict) else {}


class Kept:
    """The outputs of one cell, made of its events.

    Streams are kept in pieces until they are finished: joining each time would take quadratic time.
    """

    def __init__(self) -> None:
        self._outputs: list[Output] = []
        self._by_display_id: dict[str, list[Output]] = {}
        self._clear_first = False

    def take(self, event: Event) -> None:
        match event:
            case OutputEvent(message="clear_output", content=content):
                self._clear(wait=bool(content.get("wait")))
            case OutputEvent(message=message, content=content):
                self.update(content)
                if message != "update_display_data":
                    self._add(message, content)
            case FailureEvent():
                self._add(
                    "error", {"ename": event.ename, "evalue": event.evalue, "traceback": event.traceback}
                )

    def update(self, content: dict[str, Any]) -> None:
        """Change what was shown before under the display ID of an output, perhaps one of another cell."""
        for output in self._by_display_id.get(display_id(content), ()):
            output.update(_shown(content))

    def finished(self) -> list[Output]:
        return [
            {**output, "text": "".join(output["text"])} if output["output_type"] == "stream" else output
            for output in self._outputs
        ]

    def _clear(self, *, wait: bool) -> None:
        self._clear_first = wait
        if not wait:
            self._outputs.clear()
            self._by_display_id.clear()

    def _add(self, message: str, content: dict[str, Any]) -> None:
        if self._clear_first:
            self._clear(wait=False)
        match message:
            case "stream":
                self._stream(content["name"], content["text"])
            case "error":
                self._outputs.append({"output_type": "error", **_error(content)})
            case _:
                output = {"output_type": message, **_shown(content)}
                if message == "execute_result":
                    count = content.get("execution_count")
                    output["execution_count"] = count if type(count) is int and count >= 0 else None
                self._outputs.append(output)
                if known_as := display_id(content):
                    self._by_display_id.setdefault(known_as, []).append(output)

    def _stream(self, name: str, text: str) -> None:
        last = self._outputs[-1] if self._outputs else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"].append(text)
        else:
            self._outputs.append({"output_type": "stream", "name": name, "text": [text]})


def display_id(content: dict[str, Any]) -> str:
    """The ID under which an output can be changed; an empty one where it has none."""
    return str(fields(content.get("transient")).get("display_id") or "")


def _shown(content: dict[str, Any]) -> Output:
    return {"data": bundle(content.get("data")), "metadata": fields(content.get("metadata"))}


def _error(content: dict[str, Any]) -> Output:
    traceback = content.get("traceback")
    return {
        "ename": str(content.get("ename", "")),
        "evalue": str(content.get("evalue", "")),
        "traceback": [str(line) for line in traceback] if isinstance(traceback, list) else [],
    }
