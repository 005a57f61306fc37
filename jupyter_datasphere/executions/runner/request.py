"""What the runner is asked to do, as environment variables.

A notebook that the service executes gets its input as environment variables, and one string of an
environment may hold 128 KiB on Linux. So the request travels as JSON, cut into numbered strings, with their
count and a digest: half a request must not be run. `source/request.py` puts it together again.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

import msgspec

from ...errors import UsageError

PREFIX = "JUPYTER_DATASPHERE_REQUEST_"
PART_SIZE = 100 * 1024
INPUTS_LIMIT = 1024 * 1024


class RunRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run: the source of a cell, or the path of a stored notebook.

    Without a session, code runs in the session "main" and a notebook in a fresh namespace of its own.
    """

    run: str
    kind: Literal["code", "notebook"]
    code: str = ""
    path: str = ""
    session: str | None = None
    inputs: dict[str, Any] = {}
    outputs: list[str] = []


def environment(request: RunRequest, limit: int = INPUTS_LIMIT) -> dict[str, str]:
    """The environment variables that carry `request`; their text is ASCII, whatever the request holds.

    Raises `UsageError` where the request as JSON exceeds `limit` bytes (code "inputs-too-large"), or where
    an input is no JSON value (code "input-not-json").
    """
    try:
        text = json.dumps(
            {name: getattr(request, name) for name in request.__struct_fields__},
            allow_nan=False,
            separators=(",", ":"),
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"An input of the run is no JSON value: {error}.",
            code="input-not-json",
            hint="Inputs are dicts with string keys, lists, strings, finite numbers, booleans and None.",
        ) from error
    if len(text) > limit:
        raise UsageError(
            f"The code and the inputs of the run take {len(text):,} bytes as JSON; "
            f"at most {limit:,} bytes can be sent with a run.",
            code="inputs-too-large",
            hint="Put the data into a file of the project and read it there.",
        )
    parts = [text[start : start + PART_SIZE] for start in range(0, len(text), PART_SIZE)]
    return {
        f"{PREFIX}COUNT": str(len(parts)),
        f"{PREFIX}DIGEST": hashlib.sha256(text.encode("ascii")).hexdigest(),
        f"{PREFIX}RUN": request.run,
        **{f"{PREFIX}{number}": part for number, part in enumerate(parts)},
    }
