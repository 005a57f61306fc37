"""The runs of this user, newest first, and the table that `%ds_history` makes of them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from typing import get_args

from ..errors import UsageError
from ..protocol import Cell, Code, Execution, Source, State
from .describe import elapsed, place
from .link import Link
from .suggest import did_you_mean
from .tables import table

PAGE = 200
"""Runs that are asked for at once: each comes with its code, which may be long."""

WIDTH = 48
"""Characters of a source, or of a project's name, that the table shows."""

STATES: tuple[str, ...] = get_args(State)

HEADS = ("ID", "When", "State", "Project", "Source", "Duration", "Units")


def newest(link: Link, number: int | None, states: Sequence[str] = ()) -> list[Execution]:
    """The `number` newest runs, or all of them, in one of the `states` where some are given."""
    found: dict[str, Execution] = {}
    before: float | None = None
    while number is None or len(found) < number:
        limit = PAGE if number is None else min(PAGE, number)
        page = link.executions(limit, states=states, before=before)
        known = len(found)
        found.update((execution.id, execution) for execution in page)
        if len(page) < limit or len(found) == known:
            break
        # Just after the last one's time: another of that very moment may be on the next page.
        before = math.nextafter(page[-1].created_at, math.inf)
    return list(found.values())[:number]


def checked(states: Iterable[str]) -> list[str]:
    """The same states; raises `UsageError` for one that does not exist."""
    for state in states:
        if state not in STATES:
            raise UsageError(
                f"There is no state {state[:40]!r}.",
                hint=did_you_mean(state, STATES) or f"There are {', '.join(STATES)}.",
            )
    return list(states)


def history(link: Link, number: int | None, states: Iterable[str]) -> dict[str, str]:
    """A MIME bundle of the table; asks nobody but the server."""
    wanted = checked(states)
    found = newest(link, number, wanted)
    if not found:
        return {"text/plain": f"No runs are {' or '.join(wanted)}." if wanted else "No runs yet."}
    return table(HEADS, [_row(execution) for execution in found])


def _row(execution: Execution) -> tuple[str, ...]:
    return (
        execution.id,
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(execution.created_at)),
        execution.state,
        _begin(place(execution)),
        brief(execution.source),
        elapsed(execution),
        "" if execution.units is None else str(execution.units),
    )


def brief(source: Source) -> str:
    """The first line of code, the path or the ID of what was run, in `WIDTH` characters at most."""
    match source:
        case Code(source=code):
            return _begin(next((line for line in code.splitlines() if line.strip()), ""))
        case Cell(cell_id=cell_id):
            return _begin(f"cell {cell_id}")
        case _:
            path = _printable(source.path)
            # The end of a path tells more than its beginning.
            return path if len(path) <= WIDTH else f"…{path[1 - WIDTH :]}"


def _begin(text: str) -> str:
    text = _printable(text)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _printable(text: str) -> str:
    """Without what would move a terminal's cursor, or turn the direction of what follows."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
