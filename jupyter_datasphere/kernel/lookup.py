"""A run, by its ID or by the beginning of it."""

from __future__ import annotations

import re
from typing import NoReturn

from ..errors import NotFoundError, UsageError
from ..protocol import Execution
from .describe import line
from .history import newest
from .link import Link

SHORTEST = 4
"""Characters that a beginning must have."""

AMONG = 1000
"""How many of the newest runs a beginning is looked for in."""

LISTED = 10
"""Candidates that an error names at most."""

_WHOLE = re.compile(r"[0-9a-f]{16}")


def find(link: Link, written: str) -> Execution:
    """The run that the user means. Raises `NotFoundError`, or `UsageError` where it could be several."""
    if _WHOLE.fullmatch(written):
        try:
            return link.execution(written)
        except NotFoundError as error:
            error.hint = f"{error.hint or ''} %ds_history --all lists what there is.".strip()
            raise
    if len(written) < SHORTEST:
        raise UsageError(
            f"{written!r} is too short for the beginning of an ID: it takes {SHORTEST} characters.",
            hint="%ds_history lists the IDs.",
        )
    found = [execution for execution in newest(link, AMONG) if execution.id.startswith(written)]
    if not found:
        raise NotFoundError(
            f"The ID of none of the newest {AMONG} runs begins with {written[:40]!r}.",
            hint="%ds_history lists the IDs; an older run needs all of its ID.",
        )
    if len(found) > 1:
        _refuse(written, found)
    return found[0]


def _refuse(written: str, found: list[Execution]) -> NoReturn:
    listed = [f"  {line(execution)}" for execution in found[:LISTED]]
    if len(found) > LISTED:
        listed.append(f"  and {len(found) - LISTED} more")
    raise UsageError(
        "\n".join([f"{written!r} is the beginning of {len(found)} IDs:", *listed, "Which one?"]),
        code="ambiguous-id",
        hint="Write more of the ID.",
    )
