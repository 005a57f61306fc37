"""Outputs as the API gives them: each is the JSON text of one nbformat output.

Once given, an output is never merged or changed. So the messages that change earlier outputs, clear_output
and update_display_data, have no effect here; nor has the `transient` part of a display message, which
nbformat does not know.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

OUTPUT_TYPES: dict[str, tuple[str, ...]] = {
    "stream": ("name", "text"),
    "display_data": ("data", "metadata"),
    "execute_result": ("data", "metadata", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}
"""Message types that are outputs, with the fields that nbformat gives them."""


def output_text(kind: str, content: dict[str, Any]) -> str:
    """The nbformat output of a Jupyter message."""
    return json_text({"output_type": kind, **{name: content[name] for name in OUTPUT_TYPES[kind]}})


def json_text(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can hold as an escape only
        return json.dumps(value)
