"""A run in words: in one line for whoever looks at a handle, and as the row of a table."""

from __future__ import annotations

import time

from ..protocol import FINAL_STATES, Cell, Execution, Notebook, Source

HEADS = ("Execution", "What", "State", "Elapsed")


def line(execution: Execution) -> str:
    """``"execution 0123456789abcdef · cell in session main · running · 12 s · c1.4 · demo-project"``"""
    parts = [f"execution {execution.id}", what(execution.source), execution.state, elapsed(execution)]
    parts += filter(None, [spent(execution) or execution.spec])
    return " · ".join([*parts, place(execution)])


def row(execution: Execution) -> tuple[str, str, str, str]:
    """What belongs below `HEADS`."""
    return execution.id, what(execution.source), execution.state, elapsed(execution)


def what(source: Source) -> str:
    match source:
        case Notebook():
            return source.path
        case Cell():
            return f"cell {source.cell_id}"
        case _:
            return f"cell in session {source.session}"


def elapsed(execution: Execution) -> str:
    """From the asking for it to its end, or until now."""
    return duration(age(execution))


def age(execution: Execution) -> float:
    """The same in seconds."""
    return max(0.0, (execution.finished_at or time.time()) - execution.created_at)


def spent(execution: Execution) -> str | None:
    """``"~288 units (computed)"``; None for a run that has not ended, or never began."""
    return None if execution.units is None else f"~{execution.units:,} units (computed)"


def place(execution: Execution) -> str:
    return execution.project_name or execution.project_id


def is_over(execution: Execution) -> bool:
    return execution.state in FINAL_STATES


def duration(seconds: float) -> str:
    """``"0.8 s"``, ``"12 s"``, ``"3 min 5 s"``, ``"2 h 10 min"``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes_rest = divmod(minutes, 60)
    return f"{hours} h {minutes_rest} min" if hours else f"{minutes} min {rest} s"
