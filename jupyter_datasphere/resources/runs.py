"""Running code in a project, and the variables that it leaves there."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UsageError
from ..kernel.parser import input_name, variable_name
from ..kernel.remote_variables import has_value
from ..kernel.remote_variables import values as values_of
from ..kernel.settings import AUTO
from ..kernel.steps import Steps
from ..kernel.variables import encode
from ..protocol import Cell, Code, ExecutionRequest, Notebook, Source, Variable, Variables
from .calls import get

MAIN = "main"
"""The session of code that names none."""


def new_id() -> str:
    """The ID of a run: ours, so that it can be found again before the server has answered."""
    return secrets.token_hex(8)


def request(
    project_id: str,
    code: str | None,
    notebook: str | None,
    cell: str | None,
    *,
    inputs: Mapping[str, Any] | None,
    outputs: Sequence[str],
    spec: str | None,
    session: str | None,
    channel: str | None,
    timeout: float | None,
    max_units: int | None,
    direct: bool,
) -> ExecutionRequest:
    """Raises `UsageError`, of it `VariableError`, before anything is sent."""
    if isinstance(outputs, str):
        raise UsageError(f"outputs is a list of names: [{outputs!r}].")
    return ExecutionRequest(
        source=_source(code, notebook, cell, session, direct),
        project=project_id,
        inputs={input_name(name): encode(name, value) for name, value in (inputs or {}).items()},
        outputs=[variable_name(name) for name in outputs],
        spec=spec,
        timeout=timeout,
        max_units=max_units,
        channel=_channel(channel),
    )


def variables(
    project_id: str,
    names: Sequence[str],
    *,
    session: str | None,
    notebook: str | None,
    channel: str | None,
) -> Steps[list[Variable]]:
    """Names, types and values; with names, those only, each with its value, however large."""
    answer = yield from _variables(project_id, names, session, notebook, channel)
    return answer.variables


def values(
    project_id: str,
    names: Sequence[str],
    *,
    session: str | None,
    notebook: str | None,
    channel: str | None,
) -> Steps[dict[str, Any]]:
    """The values of these variables, or of all that are at hand."""
    answer = yield from _variables(project_id, names, session, notebook, channel)
    if names:
        return values_of(answer, names, notebook or f"session {session or MAIN}")
    return {one.name: one.value for one in answer.variables if has_value(one)}


def _variables(
    project_id: str, names: Sequence[str], session: str | None, notebook: str | None, channel: str | None
) -> Steps[Variables]:
    query: dict[str, Any] = {"project": project_id, "name": list(names)}
    where = {"session": session, "notebook": notebook, "channel": _channel(channel)}
    query |= {key: value for key, value in where.items() if value is not None}
    answer: Variables = yield from get("/variables", Variables, query)
    if answer.notice is not None:
        warnings.warn(answer.notice, stacklevel=2)
    return answer


def _source(
    code: str | None, notebook: str | None, cell: str | None, session: str | None, direct: bool
) -> Source:
    given = [what for what in (code, notebook, cell) if what is not None]
    if len(given) != 1:
        raise UsageError(
            "What runs is either code, a notebook that is stored in the project, or a stored cell.",
            hint="execute('print(1)'), execute(notebook='report.ipynb') or execute(cell='ID').",
        )
    if code is not None and not direct:
        return Code(code, session=session or MAIN)
    if notebook is not None:
        if direct and session is not None:
            raise UsageError("A session has no meaning for what the API runs as it is.")
        return Notebook(notebook, session=session, direct=direct)
    if cell is not None and session is None and not direct:
        return Cell(cell)
    raise UsageError("direct is for notebooks; a session is for code and notebooks.")


def _channel(channel: str | None) -> str | None:
    return None if channel == AUTO else channel
