"""The request of a run, out of the environment, or out of the file that the environment names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

from .folders import request_path

PREFIX = "JUPYTER_DATASPHERE_REQUEST_"


class BrokenRequest(ValueError):
    """Not the whole request arrived."""


class Request(NamedTuple):
    """One run; the fields are those of `RunRequest` on the server's side."""

    run: str
    kind: str
    code: str
    path: str
    session: str | None
    inputs: dict[str, Any]
    outputs: list[str]


class FileRequest(NamedTuple):
    """One run whose events leave in files; the fields are those of `FileRequest` on the server's side."""

    request: Request
    collected: list[str]
    state_limit: int
    parts_limit: int


def take(environ: MutableMapping[str, str]) -> dict[str, str] | None:
    """Take the strings of a request out of the environment; None if there are none.

    They do not stay there: with a large environment every subprocess fails.
    """
    names = [name for name in environ if name.startswith(PREFIX)]
    return {name[len(PREFIX) :]: environ.pop(name) for name in names} or None


def in_file(strings: dict[str, str]) -> bool:
    """Whether the strings only name the file that holds the request."""
    return strings.get("IN") == "file"


def decode(strings: dict[str, str]) -> Request:
    """The request that the strings hold. Raises `BrokenRequest`."""
    try:
        text = "".join(strings[str(number)] for number in range(int(strings["COUNT"])))
        digest = strings["DIGEST"]
    except (KeyError, ValueError) as error:
        raise BrokenRequest(f"a part of the request is missing: {error}") from error
    _check(text.encode("utf-8", "surrogateescape"), digest)
    return Request(**json.loads(text))


def read(strings: dict[str, str], home: str) -> FileRequest:
    """The request in the file that the strings name. Raises `BrokenRequest`.

    The file is gone afterwards: it may hold what is secret, and nothing runs twice.
    """
    try:
        file = Path(home, request_path(strings["RUN"]))
        content = file.read_bytes()
        _check(content, strings["DIGEST"])
        file.unlink()
    except (KeyError, ValueError, OSError) as error:
        if isinstance(error, BrokenRequest):
            raise
        raise BrokenRequest(f"the file of the request cannot be read: {error}") from error
    try:
        fields = json.loads(content)
        return FileRequest(**{**fields, "request": Request(**fields["request"])})
    except (TypeError, KeyError, ValueError) as error:
        raise BrokenRequest(f"the request is one of another version of the runner: {error}") from error


def broken(run: str, error: BrokenRequest) -> Request:
    """What stands for a request that did not arrive: a run that says so."""
    return Request(run, "broken", str(error), "", None, {}, [])


def _check(content: bytes, digest: str) -> None:
    if hashlib.sha256(content).hexdigest() != digest:
        raise BrokenRequest("the request was damaged on its way: its digest is another one")
