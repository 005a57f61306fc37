"""Ends that the service tells by itself."""

from __future__ import annotations

import pytest

from jupyter_datasphere.datasphere.types import Operation, Status
from jupyter_datasphere.executions.channels.outcomes import outcome_of


@pytest.mark.parametrize(
    ("operation", "code", "words"),
    [
        (
            Operation(id="op", done=True, error=Status(code=1, message="cancelled")),
            "interrupted",
            "was cancelled",
        ),
        (
            Operation(id="op", done=True, response={"executionStatus": "ABORTED"}),
            "stopped",
            "does not say why",
        ),
    ],
)
def test_no_more_is_told_of_a_stop_than_the_service_says(operation: Operation, code: str, words: str) -> None:
    outcome = outcome_of(operation)
    assert outcome.state == "cancelled" and outcome.problem is not None
    assert outcome.problem.code == code
    assert words in outcome.problem.title
    assert outcome.problem.hint
