"""Variables over there with their values, also those that are not at hand because they are large."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from typing import Any

import msgspec

from ..errors import NotFoundError, VariableError
from ..protocol import (
    Code,
    Event,
    ExecutionRequest,
    FailureEvent,
    StatusEvent,
    Variable,
    VariableEvent,
)
from .channels.base import Namespace

Fetch = Callable[[list[str]], Awaitable[dict[str, Any]]]


async def complete(
    found: Sequence[Variable], names: Sequence[str], where: str, fetch: Fetch
) -> list[Variable]:
    """The variables of these names, with their values; `fetch` gives those that were too large to be listed.

    Raises `NotFoundError` (code "no-such-variable") for a name that is not among those that were found.
    """
    by_name = {variable.name: variable for variable in found}
    for name in names:
        if name not in by_name:
            # The runner lists neither of them, so that here they look alike.
            raise NotFoundError(
                f"There is no variable {name!r} in {where}, or it is a function, class or module, which"
                " %ds_vars does not bring.",
                code="no-such-variable",
                hint="%ds_vars without names lists what it brings.",
            )
    wanted = [name for name in names if by_name[name].value is msgspec.UNSET]
    if wanted:
        values = await fetch(wanted)
        for name in wanted:
            by_name[name].value = values[name]
    return [by_name[name] for name in names]


def values_request(namespace: Namespace, names: list[str], channel: str) -> ExecutionRequest:
    """A run of no code, whose outputs are these variables."""
    return ExecutionRequest(source=Code("", session=namespace.key), outputs=names, channel=channel)


async def values_of(pages: AsyncIterable[list[tuple[int, bytes]]], names: Sequence[str]) -> dict[str, Any]:
    """What such a run brought. Raises `VariableError` where that is not all of it."""
    values: dict[str, Any] = {}
    reason, state = "The run that should fetch them did not succeed.", ""
    async for page in pages:
        for _, text in page:
            match msgspec.json.decode(text, type=Event):
                case VariableEvent(name=name, value=value):
                    values[name] = value
                case FailureEvent(evalue=evalue):
                    reason = evalue
                case StatusEvent(state=state):
                    pass
    if state != "succeeded" or not values.keys() >= set(names):
        raise VariableError(reason)
    return values
