"""Outputs as the API gives them: JSON texts of nbformat outputs, some of them batches of runner events."""

from __future__ import annotations

from typing import Any

import msgspec

from ...protocol import EVENTS_MIME, Event, FailureEvent, NoticeEvent, OutputEvent, RunnerBatch


class _Output(msgspec.Struct):
    output_type: str
    data: dict[str, msgspec.Raw] = {}
    metadata: dict[str, Any] = {}
    name: str = "stdout"
    text: str | list[str] = ""
    ename: str = ""
    evalue: str = ""
    traceback: list[str] = []


def batch_of(text: str) -> RunnerBatch | None:
    """The runner's batch in an output; None where it is an ordinary output."""
    if EVENTS_MIME not in text:  # cheaper than parsing a megabyte of plot
        return None
    try:
        raw = msgspec.json.decode(text, type=_Output).data.get(EVENTS_MIME)
        return None if raw is None else msgspec.json.decode(raw, type=RunnerBatch)
    except msgspec.MsgspecError:
        return None


def event_of(text: str, cell: int | None = None) -> Event:
    """An ordinary output as an event."""
    try:
        output = msgspec.json.decode(text, type=_Output)
    except msgspec.MsgspecError:
        return NoticeEvent(text=f"An output of the service could not be read: {text[:200]}")
    match output.output_type:
        case "stream":
            text = _joined(output.text)
            return OutputEvent(message="stream", content={"name": output.name, "text": text}, cell=cell)
        case "error":
            return FailureEvent(
                ename=output.ename, evalue=output.evalue, traceback=output.traceback, cell=cell
            )
        case "display_data" | "execute_result":
            data = {mime: msgspec.json.decode(value) for mime, value in output.data.items()}
            content: dict[str, Any] = {"data": data, "metadata": output.metadata}
            return OutputEvent(message="display_data", content=content, cell=cell)
        case other:
            return NoticeEvent(text=f"An output of the unknown type {other[:40]!r} is not shown.")


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
