"""A run in words: in one line for whoever looks at a handle, and as the row of a table."""

from __future__ import annotations

import time

from ..protocol import FINAL_STATES, Cell, Execution, Notebook, Source
from .progress import duration

HEADS = ("Execution", "What", "State", "Elapsed")


def line(execution: Execution) -> str:
    """``"execution 0123456789abcdef · cell in session main · running · 12 s · c1.4 · demo-project"``"""
    parts = [f"execution {execution.id}", what(execution.source), execution.state, elapsed(execution)]
    parts.append(execution.spec if execution.units is None else f"{execution.units} units")
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
    until = execution.finished_at or time.time()
    return duration(max(0.0, until - execution.created_at))


def place(execution: Execution) -> str:
    return execution.project_name or execution.project_id


def is_over(execution: Execution) -> bool:
    return execution.state in FINAL_STATES
