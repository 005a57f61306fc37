"""What the runner is asked to do, as environment variables or as a file.

A notebook that the service executes gets its input as environment variables, and one string of an
environment may hold 128 KiB on Linux. So the request travels as JSON, cut into numbered strings, with their
count and a digest: half a request must not be run. `source/request.py` puts it together again.

Where files can be written into the project, the request is one of them (`source/folders.py` says where), and
the environment holds only the run's ID and the digest.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

import msgspec

from ...errors import UsageError
from .source.folders import is_run, part_path, picture_path, request_path
from .source.request import PREFIX

__all__ = [
    "FILE_LIMIT",
    "INPUTS_LIMIT",
    "PARTS_LIMIT",
    "PART_SIZE",
    "PREFIX",
    "STATE_LIMIT",
    "FileRequest",
    "RunRequest",
    "environment",
    "file_request",
    "is_run",
    "part_path",
    "picture_path",
    "request_path",
]

PART_SIZE = 100 * 1024
INPUTS_LIMIT = 1024 * 1024
FILE_LIMIT = 64 * 1024 * 1024
"""Bytes of a request as JSON: in an environment, and as a file."""

STATE_LIMIT = 100 * 1024 * 1024
PARTS_LIMIT = 1024 * 1024 * 1024


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


class FileRequest(msgspec.Struct, frozen=True):
    """One run whose events leave as part files."""

    request: RunRequest
    collected: list[str] = []
    """Runs whose parts have been collected: their folders are removed."""
    state_limit: int = STATE_LIMIT
    """Bytes of a session's variables that are kept for the next interpreter; the largest are left out."""
    parts_limit: int = PARTS_LIMIT
    """Bytes of parts in the project: of this run, which fails beyond it, and of those never collected."""


def environment(request: RunRequest, limit: int = INPUTS_LIMIT) -> dict[str, str]:
    """The environment variables that carry `request`; their text is ASCII, whatever the request holds.

    Raises `UsageError` where the request as JSON exceeds `limit` bytes (code "inputs-too-large"), or where
    an input is no JSON value (code "input-not-json").
    """
    text = _json(_fields(request))
    if len(text) > limit:
        raise UsageError(
            f"The code and the inputs of the run take {len(text):,} bytes as JSON; "
            f"at most {limit:,} bytes can be sent with a run.",
            code="inputs-too-large",
            hint="Put the data into a file of the project and read it there, or go by --channel files, which"
            f" takes {FILE_LIMIT // 2**20} MiB.",
        )
    parts = [text[start : start + PART_SIZE] for start in range(0, len(text), PART_SIZE)]
    return {
        f"{PREFIX}COUNT": str(len(parts)),
        f"{PREFIX}DIGEST": hashlib.sha256(text.encode("ascii")).hexdigest(),
        f"{PREFIX}RUN": request.run,
        **{f"{PREFIX}{number}": part for number, part in enumerate(parts)},
    }


def file_request(order: FileRequest) -> tuple[bytes, dict[str, str]]:
    """The content of the file at ``request_path(order.request.run)``, and the environment that names it.

    Raises `UsageError` where an input is no JSON value (code "input-not-json").
    """
    fields = {name: getattr(order, name) for name in order.__struct_fields__}
    content = _json({**fields, "request": _fields(order.request)}).encode("ascii")
    return content, {
        f"{PREFIX}IN": "file",
        f"{PREFIX}DIGEST": hashlib.sha256(content).hexdigest(),
        f"{PREFIX}RUN": order.request.run,
    }


def _fields(request: RunRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in request.__struct_fields__}


def _json(value: Any) -> str:
    """JSON in ASCII. Raises `UsageError` (code "input-not-json")."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"An input of the run is no JSON value: {error}.",
            code="input-not-json",
            hint="Inputs are dicts with string keys, lists, strings, finite numbers, booleans and None.",
        ) from error
