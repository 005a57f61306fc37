"""Which revision of the API it is: whether the three methods of 2024-03 exist.

A method that does not exist is not a notebook that does not exist: each is asked for what cannot be there,
and what the service says is shown.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from ...errors import ServiceError
from ..finding import Case, Check, Finding

NOWHERE = "no-such-notebook-of-the-doctor.ipynb"
_REFUSALS = frozenset({"not-found", "invalid-argument", "failed-precondition", "permission-denied"})
"""What a method says that exists."""


async def revision(case: Case) -> list[Finding]:
    assert case.project is not None
    client, project_id = case.backend.client, case.project.id
    answers = {
        ":notebookMetadata": await _answer(client.notebook_metadata(project_id, NOWHERE)),
        ":cellOutputs": await _answer(client.cell_outputs(project_id, "0")),
        ":stateVariables": await _answer(client.state_variables(project_id, NOWHERE, [])),
    }
    missing = [name for name, answer in answers.items() if answer is None]
    if len(missing) == len(answers):
        return [Finding("API revision", "ok", f"Today's: it has no {', '.join(missing)}.")]
    said = "; ".join(f"{name} says: {answer}" for name, answer in answers.items() if answer is not None)
    if missing:
        remedy = "That is neither of the documented revisions: please report it, with this table."
        return [Finding("API revision", "warn", f"It has no {', '.join(missing)}. {said}", remedy)]
    return [Finding("API revision", "ok", f"2024-03: it has all three methods. {said}")]


async def _answer(question: Awaitable[Any]) -> str | None:
    """What a method says; None where it does not exist."""
    try:
        await question
    except ServiceError as error:
        if error.code == "no-such-method":
            return None
        if error.code not in _REFUSALS:
            raise
        return f"{error.message.rstrip('.')} ({error.code})"
    return "an answer"


CHECKS = (Check("API revision", revision, needs_project=True),)
