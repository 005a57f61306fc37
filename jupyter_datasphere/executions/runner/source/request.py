"""The request of a run, out of the environment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import MutableMapping
from typing import Any, NamedTuple

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


def take(environ: MutableMapping[str, str]) -> dict[str, str] | None:
    """Take the strings of a request out of the environment; None if there are none.

    They do not stay there: with a large environment every subprocess fails.
    """
    names = [name for name in environ if name.startswith(PREFIX)]
    return {name[len(PREFIX) :]: environ.pop(name) for name in names} or None


def decode(strings: dict[str, str]) -> Request:
    """The request that the strings hold. Raises `BrokenRequest`."""
    try:
        text = "".join(strings[str(number)] for number in range(int(strings["COUNT"])))
        digest = strings["DIGEST"]
    except (KeyError, ValueError) as error:
        raise BrokenRequest(f"a part of the request is missing: {error}") from error
    if hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest() != digest:
        raise BrokenRequest("the request was damaged on its way: its digest is another one")
    return Request(**json.loads(text))
